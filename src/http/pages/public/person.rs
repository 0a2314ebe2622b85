//! `/people/{id}`: what a person shows of themselves, if they want to be seen; and their picture.

use crate::actors::accounts::profile;
use crate::http::error::HttpError;
use crate::http::page::{Page, page};
use crate::http::response::{bytes, set};
use crate::http::route::{Access, Route};
use crate::http::ui::layout::Theme;
use crate::http::ui::markdown::{markdown_below, plain_text};
use crate::http::ui::{Line, Tone, lines, notice_text, page_head};
use crate::http::{Req, Res};
use crate::projections::media as works;
use crate::projections::people::{self, Person, Presence};
use maud::{Markup, html};
use uuid::Uuid;
use warp::http::header::CACHE_CONTROL;

/// Works on the page.
const MOST: i64 = 60;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/people/{id}", Access::Anyone, show),
        Route::get("/people/{id}/picture", Access::Anyone, picture),
    ]
}

/// The person, if whoever asks may see them; else there is nobody.
async fn seen(req: &Req) -> Result<Person, HttpError> {
    let id: Uuid = req.id_param("id")?;
    let person = people::by_id(&req.app.reader, id).await?.ok_or(HttpError::NotFound)?;
    let shows = person.public_profile && person.presence == Presence::Open && !person.suspended;
    let own = req.viewer.id() == Some(id) && person.presence != Presence::Erased;
    if shows || own { Ok(person) } else { Err(HttpError::NotFound) }
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let person = seen(&req).await?;
    let wanted: Vec<_> =
        [&person.display_name, &person.bio, &person.links].into_iter().flatten().cloned().collect();
    let opened = req.app.reader.open_many(&wanted).await?;
    let text = |r: &Option<_>| r.as_ref().and_then(|r| opened.get(r)).cloned().unwrap_or_default();
    let (name, bio, links) = (text(&person.display_name), text(&person.bio), text(&person.links));
    let made: Vec<_> = works::list(&req.app.reader, Some(person.id), None, MOST)
        .await?
        .into_iter()
        .filter(|work| work.publication == "published")
        .collect();
    let listed: Vec<Line<'_>> = made
        .iter()
        .map(|work| Line {
            href: format!("/media/{}", work.slug),
            title: &work.title,
            sub: work.kind.map(|kind| kind.words().to_owned()),
            ..Line::default()
        })
        .collect();
    let body = html! {
        div.wrap.page { div.narrow.stack.mid {
            @if !person.public_profile { (notice_text(Tone::Info, "Only you see this page. Make your profile public on your account's page, if you want to.")) }
            div.row.profile { (portrait(&person, 96)) (page_head(&name, None, None)) }
            @if !bio.is_empty() { div.prose { (markdown_below(&bio, 1)) } }
            @if !links.is_empty() { (addresses(&links)) }
            @if !listed.is_empty() { section.stack.mid { h2 { "Works" } (lines(&listed)) } }
        } }
    };
    Ok(page(
        &req,
        Page {
            title: name,
            description: Some(plain_text(&bio)).filter(|text| !text.is_empty()),
            theme: Theme::Desk,
            // People do not ask to be found by search engines.
            private: true,
            body,
            ..Page::default()
        },
    ))
}

fn addresses(links: &str) -> Markup {
    html! {
        ul.stack.tight aria-label="Elsewhere" {
            @for link in links.lines() {
                li { a href=(link) rel="nofollow ugc noopener" { (link.trim_start_matches("https://").trim_end_matches('/')) } }
            }
        }
    }
}

/// The picture of a person in a round frame; nothing without one.
#[must_use]
pub fn portrait(person: &Person, side: u32) -> Markup {
    html! { @if let Some(picture) = &person.picture { (portrait_of(person.id, picture.version, side)) } }
}

/// The same, of what a list knows.
#[must_use]
pub fn portrait_of(id: Uuid, version: Uuid, side: u32) -> Markup {
    html! { img.portrait src={ "/people/" (id) "/picture?v=" (version) } width=(side) height=(side) alt="" loading="lazy"; }
}

async fn picture(req: Req) -> Result<Res, HttpError> {
    let person = seen(&req).await?;
    let reference = person.picture.ok_or(HttpError::NotFound)?;
    let jpeg = profile::picture(&req.app, &reference).await?.ok_or(HttpError::NotFound)?;
    let mut res = bytes("image/jpeg", jpeg);
    // Not for shared caches: it goes with the person, or when they want to be seen no more.
    set(&mut res, CACHE_CONTROL, "private, max-age=600");
    Ok(res)
}
