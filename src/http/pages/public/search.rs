//! `/search`: over everything that the visitor may know of, as one types or with the button.

use super::work_picture;
use super::works::Gate;
use crate::http::page::{Page, page};
use crate::http::route::{Access, Route};
use crate::http::ui::{
    Fetch, Icon, Place, Ratio, Tone, chip, empty, filter, filters, format, icon, notice_text, paging, picture,
};
use crate::http::{HttpError, Req, Res};
use crate::projections::catalogue::{self, Hit, Hits, SearchKind, Wanted, Work};
use maud::{Markup, PreEscaped, html};
use std::collections::HashMap;
use strum::VariantArray;
use uuid::Uuid;

/// Answers on one page.
const PAGE: i64 = 20;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/search", Access::Anyone, show)]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let wanted = Wanted {
        text: req.query("q").trim().to_owned(),
        kind: req.query("kind").parse().ok(),
        free: req.query("free") == "yes",
        newest: req.query("sort") == "newest",
        skip: (req.query("page").parse::<i64>().unwrap_or(1).clamp(1, 500) - 1) * PAGE,
        most: PAGE,
    };
    let gate = Gate::of(&req).await?;
    // A search that does not work is said, and the rest of the page still stands.
    let answer = match catalogue::search(&req.app.reader, &wanted).await {
        Ok(hits) => {
            let ids: Vec<Uuid> = hits.hits.iter().filter_map(|h| h.picture).collect();
            let works = catalogue::works_by_ids(&req.app.reader, &ids, false).await.unwrap_or_default();
            results(&wanted, &hits, &works, &gate)
        }
        Err(error) => {
            tracing::error!(%error, "search does not answer");
            notice_text(
                Tone::Warning,
                "Search does not work at the moment. Films, training and the journal can be reached from the menu.",
            )
        }
    };
    let body = html! {
        div.wrap.page.stack.mid {
            h1 { "Search" }
            form.search.large role="search" action="/search" method="get"
                hx-get="/search" hx-trigger="input delay:250ms" hx-target="#results" hx-select="#results" hx-swap="outerHTML" hx-replace-url="true" {
                (icon(Icon::Search))
                input.input type="search" name="q" value=(wanted.text) aria-label="Search the studio" placeholder="Films, lessons, posts, files"
                    maxlength="200" autofocus[wanted.text.is_empty()] autocomplete="off";
                @if let Some(kind) = wanted.kind { input type="hidden" name="kind" value=(kind.code()); }
                @if wanted.free { input type="hidden" name="free" value="yes"; }
                @if wanted.newest { input type="hidden" name="sort" value="newest"; }
                button.btn type="submit" { "Search" }
            }
            div #results.stack.mid aria-live="polite" { (answer) }
        }
    };
    let title =
        if wanted.text.is_empty() { "Search".to_owned() } else { format!("{} · Search", wanted.text) };
    Ok(page(&req, Page { title, private: true, body, ..Page::default() }))
}

/// The address of the same question with something changed.
fn address(wanted: &Wanted, kind: Option<SearchKind>, free: bool, newest: bool, page: i64) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("q", &wanted.text);
    if let Some(kind) = kind {
        query.append_pair("kind", kind.code());
    }
    if free {
        query.append_pair("free", "yes");
    }
    if newest {
        query.append_pair("sort", "newest");
    }
    if page > 1 {
        query.append_pair("page", &page.to_string());
    }
    format!("/search?{}", query.finish())
}

fn results(wanted: &Wanted, hits: &Hits, works: &HashMap<Uuid, Work>, gate: &Gate) -> Markup {
    if wanted.text.is_empty() {
        return empty(
            Icon::Search,
            "What are you looking for",
            "Type a title or some words. Beginnings of words are enough, and small typing errors are forgiven.",
            None,
        );
    }
    let (kind, free, newest) = (wanted.kind, wanted.free, wanted.newest);
    let mut chips: Vec<Markup> = match kind {
        Some(kind) => vec![filter("Kind", Some(kind.words()), &address(wanted, None, free, newest, 1))],
        None => SearchKind::VARIANTS
            .iter()
            .map(|k| filter(k.words(), None, &address(wanted, Some(*k), free, newest, 1)))
            .collect(),
    };
    chips.push(filter("Free", free.then_some("yes"), &address(wanted, kind, !free, newest, 1)));
    let filtered = kind.is_some() || free;
    let clear = filtered.then(|| address(wanted, None, false, newest, 1));
    let at = wanted.skip / PAGE + 1;
    let last = wanted.skip + i64::try_from(hits.hits.len()).unwrap_or(0);
    let before = (at > 1).then(|| address(wanted, kind, free, newest, at - 1));
    let next = (last < hits.total).then(|| address(wanted, kind, free, newest, at + 1));
    let order = if newest { ("Best first", false) } else { ("Newest first", true) };
    html! {
        div.row.apart {
            (filters(&chips, clear.as_deref()))
            @if hits.total > 1 { a.small href=(address(wanted, kind, free, order.1, 1)) { (order.0) } }
        }
        @if hits.hits.is_empty() {
            @let act = clear.map(|href| Place::new("Search without filters", href));
            (empty(Icon::SearchX, "Nothing found", "Try fewer or other words.", act.as_ref()))
        } @else {
            p.dim.small { (format::counted(hits.total, "result", "results")) }
            ul.lines { @for hit in &hits.hits { (line(hit, works, gate)) } }
            @if before.is_some() || next.is_some() { (paging(wanted.skip + 1, last, hits.total, before.as_deref(), next.as_deref())) }
        }
    }
}

fn line(hit: &Hit, works: &HashMap<Uuid, Work>, gate: &Gate) -> Markup {
    let art = hit.picture.and_then(|id| works.get(&id)).and_then(|w| work_picture(w, ""));
    html! {
        li {
            (picture(art.as_ref(), Ratio::Wide, "7.5rem", Fetch::Lazy, &html! {}))
            div.grow {
                a.title href=(hit.url) { (marked(&hit.title)) }
                p.small.dimmer { @if let Some(kind) = hit.kind { (kind.words()) " · " } (hit.context) }
                @if !hit.excerpt.is_empty() { p.small.dim { (marked(&hit.excerpt)) } }
            }
            @if !gate.opens(hit.free) { (chip(Tone::Member, "Members")) }
        }
    }
}

/// Found words stand between U+0002 and U+0003: everything else is escaped, then they are marked.
fn marked(text: &str) -> Markup {
    let escaped = html! { (text) }.into_string();
    PreEscaped(escaped.replace('\u{2}', "<mark>").replace('\u{3}', "</mark>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn found_words_are_marked_and_the_rest_escaped() {
        let html = marked("a <b> \u{2}salt\u{3} & \u{2}sea\u{3}").into_string();
        assert_eq!(html, "a &lt;b&gt; <mark>salt</mark> &amp; <mark>sea</mark>");
    }
}
