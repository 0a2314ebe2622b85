//! `/studio/removed`: works that were taken away and can still be brought back, and what is said and asked around that.

use super::MAKERS;
use super::uploads::kind_words;
use crate::actors::CommandError;
use crate::actors::bus::Envelope;
use crate::actors::former_files::{self, EraseError, KEPT};
use crate::domain::media::{Media, MediaCommand, MediaError};
use crate::http::delivery::may_edit;
use crate::http::error::HttpError;
use crate::http::page::{Page, page};
use crate::http::pages::creator::places;
use crate::http::response::after;
use crate::http::route::{Access, Route};
use crate::http::ui::icon::icon;
use crate::http::ui::{
    Icon, Place, Theme, Tone, Weight, button, crumbs, empty, form_inline, format, notice, notice_text,
    page_head, rooms,
};
use crate::http::{Req, Res};
use crate::projections::media::{self as works, Work};
use maud::{Markup, html};

/// The list.
pub(super) const LIST: &str = "/studio/removed";

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get(LIST, Access::Role(MAKERS), show)]
}

/// Most works shown; the others come up when some of these are erased.
const SHOWN: i64 = 200;

/// What can be done with a removed work.
#[derive(Clone, Copy)]
pub(super) enum Act {
    Restore,
    EraseNow,
}

impl Act {
    pub(super) fn parse(word: &str) -> Option<Self> {
        match word {
            "restore" => Some(Self::Restore),
            "erase-now" => Some(Self::EraseNow),
            _ => None,
        }
    }
}

/// The removed work of the address, for those who might have changed it.
async fn find(req: &Req) -> Result<Work, HttpError> {
    let work = works::by_id(&req.app.reader, req.id_param("id")?).await?.ok_or(HttpError::NotFound)?;
    if may_edit(req, &work) { Ok(work) } else { Err(HttpError::NotFound) }
}

pub(super) async fn act(mut req: Req, act: Act) -> Result<Res, HttpError> {
    let work = find(&req).await?;
    let form = req.form().await?;
    let id = req.command_id(&form);
    let refused = |why: MediaError| HttpError::Unprocessable(why.to_string());
    match act {
        Act::Restore => {
            let command = MediaCommand::Restore { at: req.now() };
            match req.app.bus.dispatch::<Media>(Envelope::new(id, work.id, command, req.meta())).await {
                Ok(receipt) => Ok(after(receipt, &format!("/studio/media/{}?restored=1", work.id))),
                Err(CommandError::Refused(why)) => Err(refused(why)),
                Err(other) => Err(other.into()),
            }
        }
        Act::EraseNow => match former_files::erase_removed(&req.app, work.id, id, &req.meta()).await {
            Ok(receipt) => Ok(after(receipt, &format!("{LIST}?erased=1"))),
            Err(EraseError::Command(CommandError::Refused(why))) => Err(refused(why)),
            Err(EraseError::Command(other)) => Err(other.into()),
            Err(EraseError::Store(error)) => Err(error.into()),
            Err(EraseError::Io(error)) => Err(HttpError::Internal(format!("erasing: {}", error.kind()))),
        },
    }
}

async fn show(req: Req) -> Result<Res, HttpError> {
    // As in the list of uploads: editors see everybody's, creators their own.
    let owner = if req.viewer.has_role(&["editor", "admin"]) { None } else { req.viewer.id() };
    let found = works::removed(&req.app.reader, owner, SHOWN).await?;
    let bytes: u64 = found.iter().map(|w| w.bytes).sum();
    let lead = "They are gone for everybody else. Until their files are erased they can be brought back, and count as uploads.";
    let body = html! {
        div.stack.loose {
            (crumbs(&[Place::new("Uploads", "/studio/uploads")], "Removed works"))
            (page_head("Removed works", Some(lead), None))
            @if !req.query("erased").is_empty() { (notice_text(Tone::Success, "The work and its files are erased.")) }
            @if found.is_empty() {
                (empty(Icon::Info, "Nothing is removed", "Works that are removed are kept here for 30 days.", None))
            } @else {
                p.muted { (format::bytes(bytes)) " of originals." }
                ul.work-list { @for work in &found { (row(&req, work)) } }
            }
        }
    };
    Ok(page(
        &req,
        Page {
            title: "Removed works".into(),
            section: "Studio".into(),
            theme: Theme::Desk,
            private: true,
            body: rooms("Studio", &places(&req), "/studio/uploads", &body),
            ..Page::default()
        },
    ))
}

fn row(req: &Req, work: &Work) -> Markup {
    let base = format!("/studio/media/{}", work.id);
    html! {
        li.work-row {
            div.stack.tight.grow {
                p { strong { (work.title) } }
                p.muted { (kind_words(work)) ", " (format::bytes(work.bytes)) ", removed " (format::moment(work.since)) ", erased after " (format::moment(work.since + KEPT)) }
                div.row { (form_inline(req, &format!("{base}/restore"), &button::submit("Bring it back", Weight::Plain))) }
                details.fold {
                    summary { (icon(Icon::ChevronRight)) "Erase now" }
                    p { "“" (work.title) "” and its files are gone for good then; nobody can bring them back." }
                    (form_inline(req, &format!("{base}/erase-now"), &button::submit("Erase for good", Weight::Danger)))
                }
            }
        }
    }
}

/// Removing, asked twice: the editor's last section.
pub(super) fn ask(req: &Req, work: &Work, base: &str) -> Markup {
    html! {
        details.fold {
            summary { (icon(Icon::ChevronRight)) "Remove this work" }
            p { "“" (work.title) "” is gone for everybody at once. For 30 days it can be brought back from the "
                a href=(LIST) { "removed works" } "; then its files are erased." }
            (form_inline(req, &format!("{base}/remove"), &button::submit("Remove it", Weight::Danger)))
        }
    }
}

/// After a removal: what became of it, above the list of uploads. Nothing for a work that is not (any more) removed.
pub(super) async fn told(req: &Req) -> Result<Markup, HttpError> {
    let Ok(id) = req.query("removed").parse() else { return Ok(html! {}) };
    let work = works::by_id(&req.app.reader, id).await?;
    Ok(match work.filter(|w| w.publication == "removed" && may_edit(req, w)) {
        None => html! {},
        Some(work) => notice(
            Tone::Success,
            &html! {
                p { "“" (work.title) "” is removed. It is kept until " (format::moment(work.since + KEPT)) "." }
                div.row {
                    (form_inline(req, &format!("/studio/media/{}/restore", work.id), &button::submit("Bring it back", Weight::Plain)))
                    a href=(LIST) { "All removed works" }
                }
            },
        ),
    })
}
