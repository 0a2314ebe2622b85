//! What people do with comments: write, change, delete, report, pin.

use super::thread::text_field;
use super::{may_pin, moderates, refusal};
use crate::actors::bus::{CommandError, Envelope};
use crate::domain::access;
use crate::domain::comment::{
    Comment, CommentCommand, CommentError, Remover, Subject, SubjectKind, checked_text,
};
use crate::domain::shared::{PersonalValue, derive_id};
use crate::http::delivery::person_facts;
use crate::http::error::HttpError;
use crate::http::page::{Page, page, unprocessable};
use crate::http::response::{after, is_own_path};
use crate::http::route::{Access, Route};
use crate::http::ui::button::{link, submit};
use crate::http::ui::layout::Theme;
use crate::http::ui::{Errors, Weight, error_summary, form as post_form, page_head};
use crate::http::{Form, Req, Res};
use crate::projections::comment_places::place;
use crate::projections::comments::{self, CommentRow};
use chrono::TimeDelta;
use maud::{Markup, html};
use std::time::Duration;
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/comments", Access::SignedIn, write),
        Route::get("/comments/{id}/edit", Access::SignedIn, show_edit),
        Route::post("/comments/{id}/edit", Access::SignedIn, edit),
        Route::post("/comments/{id}/delete", Access::SignedIn, delete),
        Route::post("/comments/{id}/report", Access::SignedIn, report),
        Route::post("/comments/{id}/pin", Access::SignedIn, pin),
    ]
}

/// A page with one form, for what cannot be shown below the work again.
fn sheet(req: &Req, title: &str, errors: &Errors, form: &Markup) -> Res {
    let body = html! {
        div.page { div.wrap { div.stack.mid {
            (page_head(title, None, None))
            (error_summary(errors))
            (form)
        } } }
    };
    let title = if errors.is_empty() { title.to_owned() } else { format!("Error: {title}") };
    let res = page(req, Page { title, theme: Theme::Desk, private: true, body, ..Page::default() });
    if errors.is_empty() { res } else { unprocessable(res) }
}

fn subject_of(form: &Form) -> Option<Subject> {
    let kind: SubjectKind = form.get("kind").parse().ok()?;
    Some(Subject { kind, id: form.get("subject").parse().ok()? })
}

async fn one(req: &Req) -> Result<CommentRow, HttpError> {
    comments::one(&req.app.reader, req.id_param("id")?).await?.ok_or(HttpError::NotFound)
}

/// Where somebody came from, at the comment.
fn back(form: &Form, comment: Uuid) -> String {
    let path = Some(form.get("back")).filter(|p| is_own_path(p)).unwrap_or("/");
    format!("{path}#c{comment}")
}

async fn write(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let nothing =
        || HttpError::Unprocessable("This comment belongs to nothing. Reload the page and try again.".into());
    let subject = subject_of(&form).ok_or_else(nothing)?;
    let place = place(&req.app.reader, subject).await?.ok_or(HttpError::NotFound)?;
    let settings = req.app.config.comments.clone();
    if !settings.enabled {
        return Err(HttpError::Forbidden("Comments are closed at the moment.".into()));
    }
    let person = person_facts(&req).await?;
    let decision = access::may_comment(person.as_ref(), subject.kind == SubjectKind::Lesson, req.now());
    if !decision.allowed {
        return Err(HttpError::Forbidden(refusal(decision.reason).into()));
    }
    let parent = match form.get("parent") {
        "" => None,
        id => {
            let id: Uuid = id.parse().map_err(|_| nothing())?;
            let found = comments::one(&req.app.reader, id).await?;
            let here = found.filter(|c| c.state.subject == Some(subject) && c.is_shown());
            Some(here.ok_or(HttpError::NotFound)?.id)
        }
    };
    let id = derive_id(&req.command_id(&form).to_string(), "comment");
    let text = match checked_text(form.get("text"), settings.longest) {
        Ok(text) => text,
        Err(why) => return Ok(again(&req, &form, &place.path, &why)),
    };
    let account = req.account()?.id;
    let since = req.now() - TimeDelta::minutes(10);
    let lately = comments::written_since(&req.app.reader, account, since).await?;
    if lately >= i64::from(settings.most_in_ten_minutes)
        && comments::one(&req.app.reader, id).await?.is_none()
    {
        return Err(HttpError::TooMany {
            why: "You wrote many comments in a short time. Wait a few minutes, then send this one again."
                .into(),
            retry_after: Duration::from_secs(120),
        });
    }
    let value = PersonalValue::new(account, "comment", derive_id(&id.to_string(), "text"), text);
    let command = CommentCommand::Write {
        subject,
        parent,
        author: account,
        text: value.reference.clone(),
        at: req.now(),
    };
    let envelope = Envelope::new(req.command_id(&form), id, command, req.meta()).with_private(vec![value]);
    let receipt = req.app.bus.dispatch::<Comment>(envelope).await?;
    Ok(after(receipt, &format!("{}#c{id}", place.path)))
}

/// The refused comment with everything that was typed.
fn again(req: &Req, form: &Form, path: &str, why: &CommentError) -> Res {
    let errors = Errors::one("text", why.to_string());
    let body = html! {
        (post_form(req, "/comments", &html! {
            @for name in ["kind", "subject", "parent"] {
                @if !form.get(name).is_empty() { input type="hidden" name=(name) value=(form.get(name)); }
            }
            (text_field(req, form.get("text"), &errors))
            div.row { (submit("Comment", Weight::Main)) (link("Back", path, Weight::Quiet)) }
        }))
    };
    sheet(req, "Your comment", &errors, &body)
}

/// The form for writing a comment anew, if the viewer may.
async fn editable(req: &Req) -> Result<(CommentRow, String), HttpError> {
    let comment = one(req).await?;
    let within = req.app.config.comments.edit_minutes;
    match comment.state.may_edit(req.account()?.id, within, req.now()) {
        Ok(()) => {}
        Err(CommentError::NotYours) => return Err(HttpError::NotFound),
        Err(why) => return Err(HttpError::Conflict(why.to_string())),
    }
    let place = match comment.state.subject {
        Some(subject) => place(&req.app.reader, subject).await?,
        None => None,
    };
    Ok((comment, place.ok_or(HttpError::NotFound)?.path))
}

fn edit_sheet(req: &Req, comment: Uuid, path: &str, text: &str, errors: &Errors) -> Res {
    let body = html! {
        (post_form(req, &format!("/comments/{comment}/edit"), &html! {
            (text_field(req, text, errors))
            div.row { (submit("Save", Weight::Main)) (link("Back", &format!("{path}#c{comment}"), Weight::Quiet)) }
        }))
    };
    sheet(req, "Change your comment", errors, &body)
}

async fn show_edit(req: Req) -> Result<Res, HttpError> {
    let (comment, path) = editable(&req).await?;
    let text = match &comment.state.text {
        Some(text) => req.app.reader.open(text).await?,
        None => None,
    };
    Ok(edit_sheet(&req, comment.id, &path, &text.unwrap_or_default(), &Errors::none()))
}

async fn edit(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let (comment, path) = editable(&req).await?;
    let text = match checked_text(form.get("text"), req.app.config.comments.longest) {
        Ok(text) => text,
        Err(why) => {
            let errors = Errors::one("text", why.to_string());
            return Ok(edit_sheet(&req, comment.id, &path, form.get("text"), &errors));
        }
    };
    let (account, at) = (req.account()?.id, req.now());
    let id = req.command_id(&form);
    let value = PersonalValue::new(account, "comment", derive_id(&id.to_string(), "text"), text);
    let within_minutes = req.app.config.comments.edit_minutes;
    let command = CommentCommand::Edit { by: account, text: value.reference.clone(), within_minutes, at };
    let envelope = Envelope::new(id, comment.id, command, req.meta()).with_private(vec![value]);
    match req.app.bus.dispatch::<Comment>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &format!("{path}#c{}", comment.id))),
        Err(CommandError::Refused(why)) => Err(HttpError::Conflict(why.to_string())),
        Err(other) => Err(other.into()),
    }
}

async fn send(req: &Req, form: &Form, comment: Uuid, command: CommentCommand) -> Result<Res, HttpError> {
    let envelope = Envelope::new(req.command_id(form), comment, command, req.meta());
    match req.app.bus.dispatch::<Comment>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &back(form, comment))),
        Err(CommandError::Refused(CommentError::NotYours)) => Err(HttpError::NotFound),
        Err(CommandError::Refused(why)) => Err(HttpError::Conflict(why.to_string())),
        Err(other) => Err(other.into()),
    }
}

async fn delete(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let comment = one(&req).await?;
    let account = req.account()?.id;
    let by = match comment.state.author == account {
        true => Remover::Author { account },
        false if moderates(&req) => Remover::Moderator { account },
        false => return Err(HttpError::NotFound),
    };
    let at = req.now();
    send(&req, &form, comment.id, CommentCommand::Delete { by, at }).await
}

async fn pin(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let comment = one(&req).await?;
    let place = match comment.state.subject {
        Some(subject) => place(&req.app.reader, subject).await?,
        None => None,
    };
    if !place.is_some_and(|p| may_pin(&req, p.by)) {
        return Err(HttpError::NotFound);
    }
    let (by, at, pinned) = (req.account()?.id, req.now(), form.get("pinned") == "yes");
    send(&req, &form, comment.id, CommentCommand::Pin { pinned, by, at }).await
}

async fn report(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let comment = one(&req).await?;
    let reason = form.get("reason");
    if reason.is_empty() || reason.chars().count() > 500 {
        let errors = Errors::one("reason", "Say in at most 500 characters what is wrong with it.");
        let body = html! {
            (post_form(&req, &format!("/comments/{}/report", comment.id), &html! {
                input type="hidden" name="back" value=(form.get("back"));
                (crate::http::ui::Field::new("reason", "What is wrong with it?").value(reason).maxlength(500).errors(&errors).render())
                div.row { (submit("Tell the moderators", Weight::Main)) }
            }))
        };
        return Ok(sheet(&req, "Report a comment", &errors, &body));
    }
    let (by, at) = (req.account()?.id, req.now());
    let id = req.command_id(&form);
    let value = PersonalValue::new(by, "comment_report", derive_id(&id.to_string(), "reason"), reason);
    let command = CommentCommand::Report { by, reason: value.reference.clone(), at };
    let envelope = Envelope::new(id, comment.id, command, req.meta()).with_private(vec![value]);
    match req.app.bus.dispatch::<Comment>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &back(&form, comment.id))),
        Err(CommandError::Refused(why)) => Err(HttpError::Conflict(why.to_string())),
        Err(other) => Err(other.into()),
    }
}
