//! `/studio/media/{id}/shot`: what is told of how a picture was taken.

use super::MAKERS;
use super::editor::find;
use crate::actors::bus::Envelope;
use crate::domain::media::{Kind, Media, MediaCommand, ShotDetail};
use crate::http::error::HttpError;
use crate::http::files::unreadable;
use crate::http::page::{Page, page};
use crate::http::response::after;
use crate::http::route::{Access, Route};
use crate::http::ui::{Place, Theme, Tone, Weight, button, checkbox, crumbs, form, notice_text, page_head};
use crate::http::{Req, Res};
use crate::media::exif;
use crate::media::store::MediaStore;
use crate::projections::media::Work;
use maud::{Markup, html};

pub(super) fn routes() -> Vec<Route> {
    let makers = Access::Role(MAKERS);
    vec![
        Route::get("/studio/media/{id}/shot", makers, show),
        Route::post("/studio/media/{id}/shot", makers, publish),
    ]
}

/// What the file of a picture says of itself.
async fn told(req: &Req, work: &Work) -> Result<Vec<ShotDetail>, HttpError> {
    if work.kind != Some(Kind::Image) {
        return Ok(vec![]);
    }
    let key = MediaStore::original_key(&work.sha256).ok_or(HttpError::NotFound)?;
    let read = req.app.files.read(&key, work.place, exif::READ).await.map_err(unreadable)?;
    let bytes = read.ok_or(HttpError::NotFound)?;
    tokio::task::spawn_blocking(move || exif::details(&bytes))
        .await
        .map_err(|e| HttpError::Internal(e.to_string()))
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let work = find(&req).await?;
    let told = told(&req, &work).await?;
    let base = format!("/studio/media/{}", work.id);
    let fields = html! {
        @for detail in &told {
            @let name: &str = detail.field.into();
            (checkbox(name, &format!("{}: {}", detail.field.words(), detail.value), work.shot.contains(detail), None))
        }
        div.row { (button::submit("Save", Weight::Main)) }
    };
    let body = html! {
        div.wrap.page.stack.loose {
            (crumbs(&[Place::new("Uploads", "/studio/uploads"), Place::new(&work.title, &base)], "How it was taken"))
            (page_head("How it was taken", None, None))
            @if told.is_empty() && work.shot.is_empty() {
                (notice_text(Tone::Info, "The file says nothing of how it was taken."))
            } @else {
                p.muted { "Choose what stands on the page of the picture. Nothing else of what the file says is published: no place, no name, no number of a device, no time of day." }
                (form(&req, &format!("{base}/shot"), &fields))
            }
        }
    };
    Ok(page(
        &req,
        Page {
            title: format!("How it was taken: {}", work.title),
            section: "Studio".into(),
            theme: Theme::Desk,
            private: true,
            body,
            ..Page::default()
        },
    ))
}

async fn publish(mut req: Req) -> Result<Res, HttpError> {
    let work = find(&req).await?;
    let typed = req.form().await?;
    // The values are those of the file, whatever was sent.
    let mut details = told(&req, &work).await?;
    details.retain(|detail| !typed.get(detail.field.into()).is_empty());
    let command = MediaCommand::PublishShotDetails { details, at: req.now() };
    let envelope = Envelope::new(req.command_id(&typed), work.id, command, req.meta());
    let receipt = req.app.bus.dispatch::<Media>(envelope).await?;
    Ok(after(receipt, &format!("/studio/media/{}", work.id)))
}

/// The part of the editor that leads here, and says what is told now.
pub(super) fn section(work: &Work) -> Markup {
    html! {
        @if work.kind == Some(Kind::Image) && work.playable > 0 {
            section.stack.tight aria-labelledby="shot" {
                h2 #shot { "How it was taken" }
                @if work.shot.is_empty() { p.muted { "Nothing of what the file says of itself is published." } } @else { (line(work)) }
                div.row { (button::link("Choose what is told", &format!("/studio/media/{}/shot", work.id), Weight::Plain)) }
            }
        }
    }
}

/// What is told, in one line.
pub(super) fn line(work: &Work) -> Markup {
    html! {
        @if !work.shot.is_empty() {
            ul.row.muted.small.bare aria-label="How it was taken" {
                @for detail in &work.shot { li title=(detail.field.words()) { (detail.value) } }
            }
        }
    }
}
