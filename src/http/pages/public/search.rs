//! `/search`: over everything that the visitor may know of, as one types or with the button.

use super::work_picture;
use super::works::Gate;
use crate::actors::search;
use crate::domain::course::Level;
use crate::domain::media::Kind;
use crate::domain::shared::Licence;
use crate::http::page::{Page, page};
use crate::http::route::{Access, Route};
use crate::http::ui::{
    Fetch, Icon, Place, Ratio, Tone, chip, empty, filter, filters, format, icon, notice_text, paging, picture,
};
use crate::http::{HttpError, Req, Res};
use crate::projections::catalogue::{self, Facets, Hit, Hits, Order, SearchKind, Wanted, Work};
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
    let gate = Gate::of(&req).await?;
    let wanted = Wanted { members: gate.all(), viewer: req.viewer.id(), ..wanted(&req) };
    let facets = catalogue::facets(&req.app.reader).await.unwrap_or_default();
    // A search that does not work is said, and the rest of the page still stands.
    let answer = match search::find(&req.app, &wanted).await {
        Ok(hits) => {
            let ids: Vec<Uuid> = hits.hits.iter().filter_map(|h| h.picture).collect();
            let works = catalogue::works_by_ids(&req.app.reader, &ids, false).await.unwrap_or_default();
            results(&wanted, &facets, &hits, &works, &gate)
        }
        Err(error) => {
            tracing::warn!(%error, "search does not answer");
            notice_text(
                Tone::Warning,
                "Search does not work at the moment. Films, training and the journal can be reached from the menu.",
            )
        }
    };
    let body = html! {
        div.wrap.page.stack.mid {
            h1 { "Search" }
            form.stack.mid role="search" action="/search" method="get"
                hx-get="/search" hx-trigger="input delay:250ms, change" hx-target="#results" hx-select="#results" hx-swap="outerHTML" hx-replace-url="true" {
                div.search.large {
                    (icon(Icon::Search))
                    input.input type="search" name="q" value=(wanted.text) aria-label="Search the studio" placeholder="Films, lessons, posts, files"
                        maxlength="200" autofocus[wanted.text.is_empty()] autocomplete="off";
                    @if let Some(tag) = &wanted.tag { input type="hidden" name="tag" value=(tag); }
                    button.btn type="submit" { "Search" }
                }
                (narrower(&wanted, &facets))
            }
            div #results.stack.mid aria-live="polite" { (answer) }
        }
    };
    let title =
        if wanted.text.is_empty() { "Search".to_owned() } else { format!("{} · Search", wanted.text) };
    Ok(page(&req, Page { title, private: true, body, ..Page::default() }))
}

/// The question of an address.
fn wanted(req: &Req) -> Wanted {
    let given = |name: &str| Some(req.query(name).trim().to_owned()).filter(|text| !text.is_empty());
    Wanted {
        text: req.query("q").trim().to_owned(),
        kind: req.query("kind").parse().ok(),
        free: req.query("free") == "yes",
        form: given("form"),
        level: given("level"),
        licence: given("licence"),
        film: req.query("film").parse().ok(),
        tag: given("tag"),
        order: req.query("sort").parse().unwrap_or_default(),
        skip: (req.query("page").parse::<i64>().unwrap_or(1).clamp(1, 500) - 1) * PAGE,
        most: PAGE,
        // Who looks is added by whoever knows; nobody sees less.
        ..Wanted::default()
    }
}

/// What makes the question narrower, behind a line that opens; open while something is chosen.
fn narrower(wanted: &Wanted, facets: &Facets) -> Markup {
    let choice = |name: &str, label: &str, all: &str, options: Vec<(String, String)>, chosen: &str| {
        html! {
            @if !options.is_empty() {
                div.field.short {
                    label for={ "search-" (name) } { (label) }
                    select.input id={ "search-" (name) } name=(name) {
                        option value="" { (all) }
                        @for (value, words) in &options { option value=(value) selected[value == chosen] { (words) } }
                    }
                }
            }
        }
    };
    let kinds = SearchKind::VARIANTS.iter().map(|k| (k.code().to_owned(), k.words().to_owned())).collect();
    let parsed = |codes: &[String], words: &dyn Fn(&str) -> String| -> Vec<(String, String)> {
        codes.iter().map(|code| (code.clone(), words(code))).collect()
    };
    let forms = parsed(&facets.forms, &form_words);
    let levels = parsed(&facets.levels, &level_words);
    let licences = parsed(&facets.licences, &licence_words);
    let films = facets.films.iter().map(|(id, title)| (id.to_string(), title.clone())).collect();
    let sort: &str = wanted.order.into();
    let orders = [("newest", "Newest first"), ("oldest", "Oldest first")].map(|(v, w)| (v.into(), w.into()));
    let of = |text: &Option<String>| text.clone().unwrap_or_default();
    html! {
        details.fold open[wanted.is_narrow() || wanted.order != Order::Best] {
            summary { "Narrow it down" }
            div.row.narrower {
                (choice("kind", "What", "Everything", kinds, wanted.kind.map_or("", SearchKind::code)))
                (choice("form", "Sort of file", "All", forms, &of(&wanted.form)))
                (choice("level", "Level", "All", levels, &of(&wanted.level)))
                (choice("film", "Film", "All", films, &wanted.film.map(|id| id.to_string()).unwrap_or_default()))
                (choice("licence", "Licence", "All", licences, &of(&wanted.licence)))
                (choice("sort", "Order", "Best first", orders.into(), sort))
                label.choice { input type="checkbox" name="free" value="yes" checked[wanted.free]; span { "Only what is free" } }
            }
        }
    }
}

fn form_words(code: &str) -> String {
    serde_json::from_value::<Kind>(code.into())
        .map_or_else(|_| code.to_owned(), |kind| kind.words().to_owned())
}

fn level_words(code: &str) -> String {
    serde_json::from_value::<Level>(code.into())
        .map_or_else(|_| code.to_owned(), |level| level.words().to_owned())
}

fn licence_words(code: &str) -> String {
    code.parse::<Licence>().map_or_else(|_| code.to_owned(), |licence| licence.name().to_owned())
}

/// The address of a question.
fn address(wanted: &Wanted, page: i64) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("q", &wanted.text);
    let sort: &str = wanted.order.into();
    let film = wanted.film.map(|id| id.to_string());
    let parts = [
        ("kind", wanted.kind.map(SearchKind::code)),
        ("form", wanted.form.as_deref()),
        ("level", wanted.level.as_deref()),
        ("licence", wanted.licence.as_deref()),
        ("film", film.as_deref()),
        ("tag", wanted.tag.as_deref()),
        ("free", wanted.free.then_some("yes")),
        ("sort", Some(sort).filter(|_| wanted.order != Order::Best)),
    ];
    for (name, value) in parts {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    if page > 1 {
        query.append_pair("page", &page.to_string());
    }
    format!("/search?{}", query.finish())
}

/// What is asked for beside the words, each with the way to take it back.
fn chosen(wanted: &Wanted, facets: &Facets) -> Vec<Markup> {
    let without = |change: fn(&mut Wanted)| {
        let mut other = wanted.clone();
        change(&mut other);
        address(&other, 1)
    };
    let mut chips = Vec::new();
    if let Some(kind) = wanted.kind {
        chips.push(filter("What", Some(kind.words()), &without(|w| w.kind = None)));
    }
    if let Some(form) = &wanted.form {
        chips.push(filter("Sort of file", Some(&form_words(form)), &without(|w| w.form = None)));
    }
    if let Some(level) = &wanted.level {
        chips.push(filter("Level", Some(&level_words(level)), &without(|w| w.level = None)));
    }
    if wanted.film.is_some() {
        let title =
            facets.films.iter().find(|(id, _)| Some(*id) == wanted.film).map(|(_, title)| title.as_str());
        chips.push(filter("Film", Some(title.unwrap_or("not found")), &without(|w| w.film = None)));
    }
    if let Some(licence) = &wanted.licence {
        chips.push(filter("Licence", Some(&licence_words(licence)), &without(|w| w.licence = None)));
    }
    if let Some(tag) = &wanted.tag {
        chips.push(filter("Tag", Some(tag), &without(|w| w.tag = None)));
    }
    if wanted.free {
        chips.push(filter("Free", Some("yes"), &without(|w| w.free = false)));
    }
    chips
}

fn results(
    wanted: &Wanted,
    facets: &Facets,
    hits: &Hits,
    works: &HashMap<Uuid, Work>,
    gate: &Gate,
) -> Markup {
    if wanted.text.is_empty() && !wanted.is_narrow() {
        return empty(
            Icon::Search,
            "What are you looking for",
            "Type a title or some words. Beginnings of words are enough, and small typing errors are forgiven.",
            None,
        );
    }
    let plain = Wanted { text: wanted.text.clone(), order: wanted.order, ..Wanted::default() };
    let clear = wanted.is_narrow().then(|| address(&plain, 1));
    let at = wanted.skip / PAGE + 1;
    let last = wanted.skip + i64::try_from(hits.hits.len()).unwrap_or(0);
    let before = (at > 1).then(|| address(wanted, at - 1));
    let next = (last < hits.total).then(|| address(wanted, at + 1));
    html! {
        @if wanted.is_narrow() { (filters(&chosen(wanted, facets), clear.as_deref())) }
        @if hits.hits.is_empty() {
            @let act = clear.map(|href| Place::new("Search without filters", href));
            (empty(Icon::SearchX, "Nothing found", if wanted.text.is_empty() { "Choose less, or type some words." } else { "Try fewer or other words." }, act.as_ref()))
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
