//! `/studio/uploads`: uploading, and how far everything is. The list is polled while something moves;
//! without scripts a reload shows the same.

use super::{MAKERS, fetching, removed};
use crate::actors::uploads;
use crate::domain::media::Kind;
use crate::http::error::HttpError;
use crate::http::form::Form;
use crate::http::listing::{page_number, sort};
use crate::http::page::{Page, page, with_query};
use crate::http::pages::creator::places;
use crate::http::player::poster;
use crate::http::response::html;
use crate::http::route::{Access, Route};
use crate::http::ui::{
    Errors, Fetch, Field, Icon, Ratio, Theme, Tone, Weight, button, chip, empty, error_summary, format,
    hidden_fields, notice_text, page_head, paging, picture, rooms,
};
use crate::http::{Req, Res};
use crate::projections::media::{self as works, Progress, Work};
use crate::projections::sorting::Sort;
use maud::{Markup, html as markup};
use std::collections::HashMap;
use uuid::Uuid;
use warp::http::StatusCode;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/studio/uploads", Access::Role(MAKERS), show),
        Route::get("/studio/uploads/list", Access::Role(MAKERS), fragment),
    ]
}

const SHOWN: i64 = 50;

async fn show(req: Req) -> Result<Res, HttpError> {
    page_of(&req, None, &Errors::none()).await
}

/// The page, with what was typed for a file to be fetched and what is wrong with it.
pub(super) async fn page_of(req: &Req, typed: Option<&Form>, errors: &Errors) -> Result<Res, HttpError> {
    let (list, total, shown) = list(req).await?;
    let fetching = fetching::section(req, typed, errors).await?;
    let limits = &req.app.config.limits;
    let most = format::bytes(limits.upload_bytes);
    let account = req.account()?.id;
    let held = works::bytes_of(&req.app.reader, account).await?;
    let room =
        format!("Your uploads hold {} of {}.", format::bytes(held), format::bytes(limits.account_bytes));
    // Said before anybody chooses a file, and checked again while it comes.
    let closed = uploads::check_room(&req.app, account, 0).await.err();
    let kinds = uploads::kinds_in_words(&limits.kinds);
    let hint = format!(
        "The studio takes {kinds}; each file at most {most}. {room} With scripts a broken upload goes on where it stopped."
    );
    let body = markup! {
        div.stack.loose {
            (page_head("Uploads", Some("What you bring in is examined, made playable, and then gets better renditions."), None))
            (error_summary(errors))
            (removed::told(req).await?)
            @if let Some(why) = &closed { (notice_text(Tone::Warning, &why.to_string())) }
            form.form.upload method="post" action="/uploads/" enctype="multipart/form-data" data-upload {
                (hidden_fields(req))
                (Field::new("title", "Title").value(typed.map_or("", |f| f.get("title"))).maxlength(200).optional().hint("As people will see it. It can be changed later.").render())
                (Field::new("file", "Files").kind("file").several().hint(&hint).errors(errors).render())
                div.row { (button::submit("Upload", Weight::Main)) }
            }
            (fetching)
            @if total > 1 { (orders(sort(req, works::SORTS))) }
            (list)
            (below(req, shown, total))
            p { a href=(removed::LIST) { "Removed works" } }
        }
    };
    Ok(page(
        req,
        Page {
            title: "Uploads".into(),
            section: "Studio".into(),
            theme: Theme::Desk,
            scripts: vec!["uploads.js"],
            private: true,
            body: rooms("Studio", &places(req), "/studio/uploads", &body),
            ..Page::default()
        },
    ))
}

async fn fragment(req: Req) -> Result<Res, HttpError> {
    let (list, ..) = list(&req).await?;
    Ok(html(StatusCode::OK, list))
}

/// Editors see everybody's works, creators their own.
async fn list(req: &Req) -> Result<(Markup, i64, i64), HttpError> {
    let owner = if req.viewer.has_role(&["editor", "admin"]) { None } else { req.viewer.id() };
    let (by, number) = (sort(req, works::SORTS), page_number(req));
    let (found, total) = works::sorted(&req.app.reader, owner, by, (number - 1) * SHOWN, SHOWN).await?;
    let ids: Vec<Uuid> = found.iter().map(|w| w.id).collect();
    let progress: HashMap<Uuid, Progress> =
        works::progress(&req.app.reader, &ids).await?.into_iter().map(|p| (p.media, p)).collect();
    let moving = found.iter().any(is_moving);
    let shown = i64::try_from(found.len()).unwrap_or(SHOWN);
    let again =
        with_query("/studio/uploads/list", &[("sort", req.query("sort")), ("page", req.query("page"))]);
    let list = markup! {
        section #uploads.stack hx-get=[moving.then_some(again)] hx-trigger=[moving.then_some("every 2s")]
            hx-swap=[moving.then_some("outerHTML")] aria-labelledby="uploads-title" {
            h2 #uploads-title { "Your works" }
            @if found.is_empty() {
                (empty(Icon::Upload, "Nothing here yet", "Your uploads appear here, with their progress.", None))
            }
            ul.work-list { @for work in &found { (row(work, progress.get(&work.id))) } }
        }
    };
    Ok((list, total, shown))
}

/// The ways in which the list can be sorted; the usual one has the newest first.
fn orders(by: Option<Sort>) -> Markup {
    let ways = [
        ("", "Newest"),
        ("received", "Oldest"),
        ("title", "Title"),
        ("state", "Processing"),
        ("publication", "Publication"),
        ("-size", "Largest"),
    ];
    let now = by.map_or_else(String::new, |s| format!("{}{}", if s.rises { "" } else { "-" }, s.name));
    markup! {
        nav.row.small aria-label="Order of the list" {
            span.dim { "Sort by" }
            @for (way, label) in ways {
                @if now == way { strong aria-current="true" { (label) } }
                @else { a href=(with_query("/studio/uploads", &[("sort", way)])) { (label) } }
            }
        }
    }
}

/// The line below the list.
fn below(req: &Req, shown: i64, total: i64) -> Markup {
    let number = page_number(req);
    let first = (number - 1) * SHOWN;
    let to = |n: i64| with_query("/studio/uploads", &[("sort", req.query("sort")), ("page", &n.to_string())]);
    let previous = (number > 1).then(|| to(number - 1));
    let next = (first + shown < total).then(|| to(number + 1));
    markup! {
        @if previous.is_some() || next.is_some() {
            (paging((first + 1).min(first + shown), first + shown, total, previous.as_deref(), next.as_deref()))
        }
    }
}

fn is_moving(work: &Work) -> bool {
    matches!(work.processing.as_str(), "received" | "probing" | "accepted" | "processing")
}

fn row(work: &Work, progress: Option<&Progress>) -> Markup {
    let pic = poster(work, "", true);
    markup! {
        li.work-row {
            a.work-pic href={ "/studio/media/" (work.id) } tabindex="-1" aria-hidden="true" {
                (picture(pic.as_ref(), Ratio::Wide, "10rem", Fetch::Lazy, &markup! {}))
            }
            div.stack.tight.grow {
                p { a href={ "/studio/media/" (work.id) } { strong { (work.title) } } }
                p.row { (processing_chip(work)) (publication_chip(work)) span.muted { (kind_words(work)) ", " (format::bytes(work.bytes)) ", " (format::moment(work.received_at)) } }
                (standing(work, progress))
            }
        }
    }
}

/// The words for its kind, which nobody will ever know of what was not accepted.
pub(super) fn kind_words(work: &Work) -> &'static str {
    match work.kind {
        None if work.processing == "rejected" => "File",
        kind => kind.map_or("Not examined yet", Kind::words),
    }
}

/// How far it is, or why it is not: with a bar while something moves.
pub(super) fn standing(work: &Work, progress: Option<&Progress>) -> Markup {
    markup! {
        @match work.processing.as_str() {
            "rejected" | "failed" => {
                @if let Some(reason) = &work.reason { p.error-text { span { (reason) } } }
                @if let Some(words) = date_words(work) { p.muted.small { (words) } }
            }
            _ => @if is_moving(work) { (bar(work, progress)) },
        }
        @if let Some(refused) = &work.refused {
            p.error-text { span { "The new file of " (format::moment(refused.at)) " was not accepted, and what was there stays. " (refused.reason) } }
        }
    }
}

/// What becomes of its date when there is nothing to publish.
pub(super) fn date_words(work: &Work) -> Option<String> {
    let date = work.publish_at.filter(|_| is_lost(work) && work.publication == "scheduled")?;
    let instead = if work.processing == "rejected" {
        "another file is put in its place"
    } else {
        "another try succeeds"
    };
    Some(format!(
        "It was to be published on {}. Nothing is published unless {instead}; then that date holds.",
        format::moment_text(date)
    ))
}

fn bar(work: &Work, progress: Option<&Progress>) -> Markup {
    let (share, step) = progress.map_or((0.0, ""), |p| (p.share, p.step.as_str()));
    let words = match step {
        "probe" => "Being examined".to_owned(),
        "prepare" => format!("Being made playable, {:.0} %", share * 100.0),
        "mezzanine" => format!("Plays already; better renditions are being prepared, {:.0} %", share * 100.0),
        "smaller" | "quality" | "av1" | "package" => {
            let pieces = progress.map(|p| format!(" ({} of {} pieces)", p.done, p.of)).unwrap_or_default();
            format!("Plays already; better renditions are {:.0} % done{pieces}", share * 100.0)
        }
        _ => "Waits for an encoder".to_owned(),
    };
    let waiting = match progress {
        Some(p) if !p.running && p.paused => {
            " — paused by the studio's operators; it goes on when they let it"
        }
        Some(p) if !p.running && p.no_room => " — waiting for room on the disk; it goes on by itself",
        Some(p) if !p.running && !p.step.is_empty() => " — waiting for an encoder",
        _ => "",
    };
    markup! {
        progress max="1" value=(format!("{share:.3}")) aria-label={ "Progress of " (work.title) } {}
        p.muted.small { (words) (waiting) }
    }
}

/// The processing state as a chip.
pub(super) fn processing_chip(work: &Work) -> Markup {
    let plays = work.playable > 0;
    match work.processing.as_str() {
        "received" | "accepted" => chip(Tone::Info, "Waiting"),
        "probing" => chip(Tone::Info, "Being examined"),
        "processing" if plays => chip(Tone::Success, "Plays, being improved"),
        "processing" => chip(Tone::Info, "Processing"),
        "ready" => chip(Tone::Success, "Ready"),
        "rejected" => chip(Tone::Danger, "Not accepted"),
        _ if plays => chip(Tone::Warning, "Plays, not complete"),
        _ => chip(Tone::Danger, "Failed"),
    }
}

/// Whether nothing can be shown of it, and nothing will be unless somebody does something.
pub(super) fn is_lost(work: &Work) -> bool {
    work.playable == 0 && matches!(work.processing.as_str(), "rejected" | "failed")
}

/// The publication state as a chip.
pub(super) fn publication_chip(work: &Work) -> Markup {
    match work.publication.as_str() {
        "published" => chip(Tone::Success, "Published"),
        // Its date will come and pass.
        "scheduled" if is_lost(work) => chip(Tone::Warning, "Not published"),
        "scheduled" => chip(Tone::Info, "Scheduled"),
        "unpublished" => chip(Tone::Plain, "Hidden"),
        _ => chip(Tone::Plain, "Draft"),
    }
}
