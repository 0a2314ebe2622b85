//! What staff do about a payment whose outcome the gateway does not tell: ask again, or say what the
//! gateway's own pages show.

use super::orders::view;
use super::subscription_acts::with_reason;
use super::{BILLING, approvals};
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::payments;
use crate::domain::approval::Act;
use crate::domain::order::{Order, OrderCommand};
use crate::domain::shared::payment::Outcome;
use crate::http::error::HttpError;
use crate::http::response::{after, see_other};
use crate::http::route::Route;
use crate::http::ui::button::submit_as;
use crate::http::ui::{Errors, Field, Tone, Weight, form_of_acts, notice_text};
use crate::http::{Form, Req, Res};
use crate::projections::orders::{self, OrderRow};
use maud::{Markup, html};

pub(super) fn routes() -> Vec<Route> {
    vec![Route::post("/billing/orders/{id}/outcome", BILLING, act)]
}

/// The attempt whose outcome nobody knows, if there is one.
fn open_question(order: &OrderRow) -> Option<uuid::Uuid> {
    order
        .last_attempt
        .as_ref()
        .filter(|(_, state)| matches!(state.as_str(), "unknown" | "parked"))
        .map(|(id, _)| *id)
}

/// The acts, when a payment is unknown or parked.
pub(super) fn panel(req: &Req, order: &OrderRow, form: &Form, errors: &Errors) -> Markup {
    let path = format!("/billing/orders/{}/outcome", order.id);
    html! {
        @if let Some(attempt) = open_question(order) {
            section.panel aria-labelledby="outcome" {
                h2 #outcome { "What became of the payment?" }
                @if req.query("asked") == "unknown" { (notice_text(Tone::Info, "The gateway was asked, and does not say. It goes on being asked by itself as before.")) }
                p { "The gateway's answer was lost, or names another amount or currency than was asked for (the log of the server says which). Until it is known nothing else can be charged on this order. Look at the gateway's own pages for the key " span.mono { (attempt) } "." }
                (form_of_acts(req, &path, &html! {
                    (Field::new("reference", "The gateway's number of the charge").optional().hint("Needed if the money was taken.").value(form.get("reference")).maxlength(100).errors(errors).render())
                    (Field::new("reason", "Reason").hint("Where you saw it. Kept with the event.").value(form.get("reason")).maxlength(500).errors(errors).render())
                    div.row {
                        (submit_as("Ask the gateway again", "act", "look-up", Weight::Main))
                        (submit_as("The money was taken", "act", "taken", Weight::Plain))
                        (submit_as("Nothing was taken", "act", "not-taken", Weight::Plain))
                    }
                }))
            }
        }
    }
}

async fn act(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let order = orders::one(&req.app.reader, req.id_param("id")?).await?.ok_or(HttpError::NotFound)?;
    let page = format!("/billing/orders/{}", order.id);
    let Some(attempt) = open_question(&order) else {
        return Err(HttpError::Conflict(
            "The outcome of this payment is known meanwhile. Look at the order again.".into(),
        ));
    };
    let (meta, reason) = match with_reason(&req, &form, order.account) {
        Ok(both) => both,
        Err(errors) => return view(&req, &form, &errors).await,
    };
    let reference = form.get("reference");
    let outcome = match form.get("act") {
        "look-up" => {
            let id = req.command_id(&form);
            payments::look_up(&req.app, order.id, attempt, Some((id, reason)), meta).await?;
            let now = orders::one(&req.app.reader, order.id).await?;
            let open = now.as_ref().and_then(open_question).is_some();
            return Ok(see_other(&if open { format!("{page}?asked=unknown") } else { page }));
        }
        "taken" if reference.is_empty() => {
            let words = "Enter the gateway's number of the charge: the auditor will ask for it.";
            return view(&req, &form, &Errors::one("reference", words)).await;
        }
        "taken" => Outcome::Succeeded { gateway_reference: reference.to_owned() },
        "not-taken" => Outcome::Declined { code: "not_taken_says_staff".into(), hard: false },
        _ => return Err(HttpError::BadRequest("Choose what became of the payment.".into())),
    };
    if form.get("act") == "taken" {
        let (reference, amount) = (reference.to_owned(), order.total);
        let what = Act::ConfirmCharge { order: order.id, attempt, reference, amount };
        let whose = (order.account, Some(order.subscription));
        match approvals::ask(&req, &form, whose, what, (meta.clone(), reason.clone())).await? {
            Some(Ok(asked)) => return Ok(asked),
            Some(Err(errors)) => return view(&req, &form, &errors).await,
            None => {}
        }
    }
    let command = OrderCommand::RecordOutcome { attempt, outcome, at: req.now() };
    let envelope = Envelope::new(req.command_id(&form), order.id, command, meta).with_private(vec![reason]);
    match req.app.bus.dispatch::<Order>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &page)),
        Err(CommandError::Refused(why)) => view(&req, &form, &Errors::one("", why.to_string())).await,
        Err(other) => Err(other.into()),
    }
}
