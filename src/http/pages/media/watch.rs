//! `/media/{slug}`: the page of one work.

use super::{filing, shot};
use crate::actors::marks::Kind;
use crate::actors::visits::{self, Counted, Visit};
use crate::actors::watch_progress;
use crate::domain::comment::{Subject, SubjectKind};
use crate::http::delivery::{hidden, is_kept_back, may_edit, may_see};
use crate::http::error::HttpError;
use crate::http::page::{Page, page, with_query};
use crate::http::pages::comments;
use crate::http::pages::marks::buttons;
use crate::http::pages::public::{absolute, shared_picture};
use crate::http::player::{self, downloads, is_free, stage};
use crate::http::response::moved;
use crate::http::route::{Access, Route};
use crate::http::ui::{Tone, Weight, button, chip, format, markdown, notice_text, page_head, plain_text};
use crate::http::viewer::is_long;
use crate::http::{Req, Res, structured};
use crate::projections::catalogue;
use crate::projections::media::{self as works, Work};
use chrono::{DateTime, Utc};
use maud::{Markup, html};

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/media/{slug}", Access::Anyone, show)]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let work = works::by_slug(&req.app.reader, req.param("slug")).await?.ok_or(HttpError::NotFound)?;
    let seen = may_see(&req, &work).await?;
    if !seen.allowed {
        return Err(hidden(&work));
    }
    if work.slug != req.param("slug") {
        return Ok(moved(&format!("/media/{}", work.slug)));
    }
    let stage = stage(&req, &work).await?;
    let allowed = stage.decision.allowed;
    let place = match req.viewer.id() {
        Some(account) => watch_progress::of(&req.app, account, &[work.id]).await?.remove(&work.id),
        None => None,
    };
    let mut counted = Counted::default();
    if work.is_published() {
        if allowed {
            req.note_visit(Visit::View, work.id, work.owner).await;
        }
        counted = visits::of(&req.app, &[work.id]).await?.remove(&work.id).unwrap_or_default();
    }
    let marks = if work.is_published() {
        buttons(&req, Kind::Media, work.id).await?
    } else {
        html! {}
    };
    let thread = if work.is_published() && !is_kept_back(&req, &work) {
        comments::thread(&req, Subject { kind: SubjectKind::Media, id: work.id }, Some(work.owner)).await?
    } else {
        html! {}
    };
    let told = html! {
        @if work.filing.spoiler && !work.description.is_empty() { div.prose { (markdown(&work.description)) } }
        (thread)
    };
    let by = filing::line(&req, &work).await?;
    let below = allowed && is_long(&work);
    let part_of = catalogue::shown_in(&req.app.reader, work.id).await?;
    let body = html! {
        div.wrap.page.stack.loose {
            @if !below { (stage.markup) }
            @if allowed && work.duration_ms > 0 { (player::watched(&req, work.id, None, place.as_ref())) }
            div.stack {
                (page_head(&work.title, None, Some(&acts(&req, &work))))
                @if !work.is_published() {
                    (notice_text(Tone::Info, &draft_words(&work, req.app.clock.now())))
                }
                p.row.muted {
                    @if is_free(&work) { (chip(Tone::Success, "Free for everybody")) } @else { (chip(Tone::Member, "For members")) }
                    (by)
                    @if let Some(at) = work.published_at { span { (format::date(at)) } }
                    @if work.duration_ms > 0 { span { (format::length(work.duration_ms / 1000)) } }
                    @if counted.views > 0 { span { (format::counted(counted.views, "view", "views")) } }
                    @if counted.downloads > 0 { span { (format::counted(counted.downloads, "download", "downloads")) } }
                    @match work.licence.url() {
                        Some(url) => a rel="license" href=(url) { (work.licence.name()) },
                        None => span { (work.licence.name()) },
                    }
                }
                @if !part_of.is_empty() {
                    p { "Part of " @for (n, (title, url)) in part_of.iter().enumerate() { @if n > 0 { ", " } a href=(url) { (title) } } }
                }
                (shot::line(&work))
                @if !work.tags.is_empty() {
                    ul.row.tags aria-label="Tags" { @for tag in &work.tags { li { a href=(with_query("/search", &[("q", tag)])) { (tag) } } } }
                }
                (marks)
                @if !work.filing.spoiler && !work.description.is_empty() { div.prose { (markdown(&work.description)) } }
            }
            @if allowed && work.playable > 0 { (player::chapters(&work)) }
            @if allowed && work.playable > 0 {
                @let files = downloads(&req, &work);
                @if !files.is_empty() {
                    section.stack.tight aria-labelledby="downloads" {
                        h2 #downloads { "Download" }
                        div.row { @for place in &files { (button::link(&place.label, &place.href, Weight::Plain)) } }
                    }
                }
            }
            @if below { (stage.markup) }
            (filing::told(&req, &work, &told))
        }
    };
    let image = shared_picture(&req, &work).map(|(url, ..)| url);
    let url = absolute(&req, &format!("/media/{}", work.slug));
    let endpoint = with_query("/oembed", &[("url", &url), ("format", "json")]);
    let about = html! {
        link rel="alternate" type="application/json+oembed" href=(absolute(&req, &endpoint)) title=(work.title);
        (structured::work(&work, &url, image.as_deref()))
    };
    let description = plain_text(work.open_description());
    Ok(page(
        &req,
        Page {
            title: work.title.clone(),
            section: "Gallery".into(),
            description: Some(description.chars().take(160).collect::<String>()).filter(|d| !d.is_empty()),
            scripts: stage.scripts,
            image,
            head: work.is_published().then_some(about),
            canonical: work.is_published().then(|| format!("/media/{}", work.slug)),
            private: !work.is_published(),
            body,
            ..Page::default()
        },
    ))
}

fn acts(req: &Req, work: &Work) -> Markup {
    html! {
        @if may_edit(req, work) { (button::link("Edit", &format!("/studio/media/{}", work.id), Weight::Plain)) }
    }
}

fn draft_words(work: &Work, now: DateTime<Utc>) -> String {
    if work.processing == "rejected" && work.playable == 0 {
        return "Its file was not accepted, so there is nothing to show; only its makers see this page. The studio says why, and takes another file in its place.".into();
    }
    match work.publish_at {
        // It was to be published as soon as there is something of it.
        Some(at) if at <= now && work.playable == 0 => {
            "Only its makers see this. It is published as soon as something of it can be shown.".into()
        }
        Some(at) => format!("Only its makers see this until {}.", format::moment_text(at)),
        None => "This is not published: only its makers see it.".into(),
    }
}
