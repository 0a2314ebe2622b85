//! What lists have in common: addresses that keep what the list is narrowed to, its order, and its pages.

use super::Req;
use super::ui::{Column, paging};
use crate::projections::sorting::{Sort, SortColumn};
use maud::{Markup, html};

/// The page number of a list, from 1.
#[must_use]
pub fn page_number(req: &Req) -> i64 {
    req.query("page").parse().unwrap_or(1).clamp(1, 1_000_000)
}

/// This address with `name` set to `value` (or without it), back on the first page.
#[must_use]
pub fn with(req: &Req, name: &str, value: Option<&str>) -> String {
    let of_page = ["page", "before", "at"];
    let kept = req
        .query_pairs()
        .iter()
        .filter(|(n, v)| n != name && !of_page.contains(&n.as_str()) && !v.is_empty());
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(kept);
    if let Some(value) = value {
        query.append_pair(name, value);
    }
    match query.finish().as_str() {
        "" => req.path.clone(),
        query => format!("{}?{query}", req.path),
    }
}

/// Hidden fields of a form that asks for a list anew: what it is narrowed to beside the form's own fields.
#[must_use]
pub fn kept(req: &Req, own: &[&str]) -> Markup {
    let of_page = ["page", "before", "at", "format", "proof"];
    let stays = |(n, v): &&(String, String)| {
        !own.contains(&n.as_str()) && !of_page.contains(&n.as_str()) && !v.is_empty()
    };
    html! { @for (name, value) in req.query_pairs().iter().filter(stays) { input type="hidden" name=(name) value=(value); } }
}

/// The line below a list of `size` rows a page.
#[must_use]
pub fn pages(req: &Req, number: i64, size: i64, shown: usize, total: i64) -> Markup {
    let first = (number - 1) * size;
    let last = first + i64::try_from(shown).unwrap_or(0);
    let to = |n: i64| {
        let base = with(req, "page", None);
        let mark = if base.contains('?') { '&' } else { '?' };
        format!("{base}{mark}page={n}")
    };
    let previous = (number > 1).then(|| to(number - 1));
    let next = (last < total).then(|| to(number + 1));
    paging((first + 1).min(last), last, total, previous.as_deref(), next.as_deref())
}

/// By which of its columns somebody wants a list sorted: `?sort=name`, or `?sort=-name` for the other way round.
#[must_use]
pub fn sort(req: &Req, known: &[SortColumn]) -> Option<Sort> {
    Sort::parse(req.query("sort"), known)
}

/// The head of a column by which the list can be sorted: the first click sorts rising, the next one falling.
#[must_use]
pub fn sortable<'a>(req: &Req, now: Option<Sort>, name: &str, column: Column<'a>) -> Column<'a> {
    let now = now.filter(|s| s.name == name).map(|s| s.rises);
    let next = if now == Some(true) { format!("-{name}") } else { name.to_owned() };
    column.sortable(with(req, "sort", Some(&next)), now)
}
