//! `/moderation/comments`: what was reported, and what moderators decide about it.

use super::registrations::desk;
use super::{Desk, MODERATORS};
use crate::actors::accounts::staff;
use crate::actors::bus::{CommandError, Envelope};
use crate::domain::comment::{Comment, CommentCommand, Remover};
use crate::domain::shared::{AccountId, PersonalRef};
use crate::http::error::HttpError;
use crate::http::response::{after, is_own_path};
use crate::http::route::Route;
use crate::http::ui::button::submit_as;
use crate::http::ui::markdown::markdown_below;
use crate::http::ui::{Errors, Icon, Weight, empty, form_inline, format};
use crate::http::{Req, Res};
use crate::projections::comment_places::place;
use crate::projections::comments::{self, CommentRow};
use crate::projections::people;
use futures_util::future::try_join_all;
use maud::{Markup, html};
use std::collections::HashMap;

const QUEUE: &str = "/moderation/comments";
/// Comments on the page.
const MOST: i64 = 50;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get(QUEUE, MODERATORS, show), Route::post("/moderation/comments/{id}", MODERATORS, decide)]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let reader = &req.app.reader;
    let reported = comments::reported(reader, MOST).await?;
    let people: Vec<AccountId> =
        reported.iter().flat_map(|c| c.state.reports.keys().copied().chain([c.state.author])).collect();
    let me = req.account()?.id;
    // What is shown is recorded first; without the record nothing is shown.
    let scope = Desk::Moderation.scope("comments");
    try_join_all(people.iter().map(|id| staff::record_read(&req.app, req.meta(), me, *id, &scope)))
        .await
        .map_err(|_| HttpError::busy())?;
    let sealed: Vec<PersonalRef> =
        reported.iter().flat_map(|c| c.state.reports.values().chain(&c.state.text)).cloned().collect();
    let (names, texts) = (people::display_names(reader, &people).await?, reader.open_many(&sealed).await?);
    let mut listed = Vec::new();
    for comment in &reported {
        listed.push(one(&req, comment, &names, &texts).await?);
    }
    let body = html! {
        @if listed.is_empty() { (empty(Icon::Check, "Nothing was reported", "Comments that people report stand here.", None)) }
        @for comment in &listed { (comment) }
    };
    Ok(desk(&req, ("Reported comments", QUEUE), None, &Errors::none(), &body))
}

async fn one(
    req: &Req,
    comment: &CommentRow,
    names: &HashMap<AccountId, String>,
    texts: &HashMap<PersonalRef, String>,
) -> Result<Markup, HttpError> {
    let state = &comment.state;
    let place = match state.subject {
        Some(subject) => place(&req.app.reader, subject).await?,
        None => None,
    };
    let name = |id: &AccountId| names.get(id).map_or("Deleted account", String::as_str);
    let gone = || "(gone with the account)".to_owned();
    let text = state.text.as_ref().and_then(|t| texts.get(t)).cloned().unwrap_or_else(gone);
    Ok(html! {
        section.panel.stack.tight {
            p.byline {
                a href=(Desk::Moderation.person(state.author)) { strong { (name(&state.author)) } }
                @if let Some(at) = state.written_at { span.dim { (format::moment(at)) } }
                @if let Some(place) = &place { span { "below " a href={ (place.path) "#c" (comment.id) } { (place.title) } } }
            }
            div.prose.small { (markdown_below(&text, 2)) }
            ul.stack.tight { @for (by, reason) in &state.reports {
                li { strong { (name(by)) } ": " (texts.get(reason).cloned().unwrap_or_else(gone)) }
            } }
            (form_inline(req, &format!("{QUEUE}/{}", comment.id), &html! {
                input type="hidden" name="back" value=(QUEUE);
                (submit_as("Let it stand", "act", "keep", Weight::Plain))
                (submit_as("Hide it", "act", "hide", Weight::Danger))
                (submit_as("Delete it", "act", "delete", Weight::Danger))
            }))
        }
    })
}

async fn decide(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let id = req.id_param("id")?;
    let (by, at) = (req.account()?.id, req.now());
    let command = match form.get("act") {
        "keep" => CommentCommand::Moderate { shown: true, by, at },
        "hide" => CommentCommand::Moderate { shown: false, by, at },
        "delete" => CommentCommand::Delete { by: Remover::Moderator { account: by }, at },
        _ => return Err(HttpError::Unprocessable("Choose whether it stands, is hidden or deleted.".into())),
    };
    let back = Some(form.get("back")).filter(|p| is_own_path(p)).unwrap_or(QUEUE);
    match req.app.bus.dispatch::<Comment>(Envelope::new(req.command_id(&form), id, command, req.meta())).await
    {
        Ok(receipt) => Ok(after(receipt, &format!("{back}#c{id}"))),
        Err(CommandError::Refused(why)) => Err(HttpError::Conflict(why.to_string())),
        Err(other) => Err(other.into()),
    }
}
