//! `/studio/hand-over`: what one person made gets another owner.

use super::MAKERS;
use super::desk::{id_of, show};
use super::logs::makers;
use crate::actors::handover::{Handover, HandoverError, hand_over};
use crate::http::form::Form;
use crate::http::page::unprocessable;
use crate::http::response::{see_other, with_position};
use crate::http::route::Route;
use crate::http::ui::{
    Errors, Field, Icon, Place, Tone, Weight, button, checkbox, crumbs, empty, error_summary, form,
    notice_text, page_head,
};
use crate::http::{HttpError, Req, Res};
use crate::projections::catalogue::{Owned, owned_by, owners};
use crate::projections::people;
use maud::{Markup, html};
use uuid::Uuid;

const PAGE: &str = "/studio/hand-over";

/// Kinds with their words, as the desk lists them.
const KINDS: [(&str, &str); 7] = [
    ("film", "Films"),
    ("production_log", "Production logs"),
    ("collection", "Collections"),
    ("character", "Characters"),
    ("course", "Training"),
    ("post", "Journal"),
    ("media", "Works (uploads)"),
];

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get(PAGE, MAKERS, ask), Route::post(PAGE, MAKERS, give)]
}

/// Whether the viewer decides about everybody's things.
fn for_all(req: &Req) -> bool {
    req.viewer.has_role(&["editor", "admin"])
}

/// Whose things are meant: for creators always their own.
fn from(req: &Req, wished: &str) -> Result<Uuid, HttpError> {
    let own = req.account()?.id;
    Ok(if for_all(req) { id_of(wished).unwrap_or(own) } else { own })
}

async fn ask(req: Req) -> Result<Res, HttpError> {
    let from = from(&req, req.query("from"))?;
    let mut typed = Form::default();
    for (kind, _) in KINDS {
        typed.push(kind, "1");
    }
    view(&req, from, &typed, &Errors::none()).await
}

async fn give(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let from = from(&req, typed.get("from"))?;
    let kinds = KINDS.iter().map(|(kind, _)| *kind).filter(|k| !typed.get(k).is_empty());
    let wish = Handover {
        from,
        to: id_of(typed.get("to")).unwrap_or_default(),
        by: req.account()?.id,
        kinds: kinds.map(ToOwned::to_owned).collect(),
    };
    let (field, words) = match hand_over(&req.app, req.command_id(&typed), &req.meta(), &wish).await {
        Ok(done) => {
            let back = format!("{PAGE}?from={from}&done={}", done.things);
            return Ok(see_other(&with_position(done.receipt, &back)));
        }
        Err(why @ (HandoverError::SamePerson | HandoverError::NotAMaker)) => ("to", why.to_string()),
        Err(why @ HandoverError::Nothing) => ("", why.to_string()),
        Err(HandoverError::Stopped(error)) => return Err(error.into()),
        Err(HandoverError::Store(error)) => return Err(error.into()),
    };
    Ok(unprocessable(view(&req, from, &typed, &Errors::one(field, words)).await?))
}

async fn view(req: &Req, from: Uuid, typed: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let things = owned_by(&req.app.reader, from).await?;
    let mut others = vec![(String::new(), "Choose somebody".to_owned())];
    let candidates = makers(req).await?.into_iter().filter(|(id, _)| *id != from);
    others.extend(candidates.map(|(id, name)| (id.to_string(), name)));
    let done: u32 = req.query("done").parse().unwrap_or(0);
    let words = match done {
        0 => None,
        1 => Some("One thing has another owner now.".to_owned()),
        n => Some(format!("{n} things have another owner now.")),
    };
    let fields = html! {
        input type="hidden" name="from" value=(from);
        (kinds(&things, typed))
        (Field::new("to", "New owner").hint("Addresses, comments and numbers stay as they are.").mid().select(others).value(typed.get("to")).errors(errors).render())
        div.row { (button::submit("Hand it over", Weight::Main)) }
    };
    let body = html! {
        (crumbs(&[Place::new("Studio", "/studio")], "Hand over"))
        (page_head("Hand over", Some("Somebody leaves, or somebody else takes over: what they made gets another owner."), None))
        @if let Some(words) = words { (notice_text(Tone::Success, &words)) }
        @if for_all(req) { (whose(req, from).await?) }
        @if things.is_empty() {
            (empty(Icon::Film, "Nothing to hand over", "Nothing here belongs to this person.", Some(&Place::new("To the studio", "/studio"))))
        } @else {
            div { (error_summary(errors)) (form(req, PAGE, &fields)) }
        }
    };
    Ok(show(req, "Hand over", &body))
}

/// Editors say first whose things they mean.
async fn whose(req: &Req, from: Uuid) -> Result<Markup, HttpError> {
    let mut ids = owners(&req.app.reader).await?;
    if !ids.contains(&from) {
        ids.push(from);
    }
    let names = people::public_names(&req.app.reader, &ids).await?;
    let name = |id: &Uuid| {
        names.get(id).cloned().unwrap_or_else(|| format!("An account without a public name ({id})"))
    };
    let options: Vec<(String, String)> = ids.iter().map(|id| (id.to_string(), name(id))).collect();
    Ok(html! {
        form.stack method="get" action=(PAGE) {
            (Field::new("from", "Whose").mid().select(options).value(&from.to_string()).render())
            div.row { (button::submit_small("Show", Weight::Plain)) }
        }
    })
}

/// What there is of each kind, to tick.
fn kinds(things: &[Owned], typed: &Form) -> Markup {
    html! {
        fieldset.field.full {
            legend { "What" }
            @for (kind, label) in KINDS {
                @let count = things.iter().filter(|t| t.kind == kind).count();
                @let public = things.iter().filter(|t| t.kind == kind && t.public).count();
                @if count > 0 {
                    (checkbox(kind, &format!("{label}: {count}, {public} of them published"), !typed.get(kind).is_empty(), None))
                }
            }
        }
    }
}
