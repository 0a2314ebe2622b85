//! What staff may do to a subscription: let a parked one go on, cancel.

use super::BILLING;
use super::subscription::{parked_notice, view};
use crate::actors::bus::{CommandError, Envelope, Metadata};
use crate::domain::shared::PersonalValue;
use crate::domain::subscription::{Status, Subscription, SubscriptionCommand};
use crate::http::error::HttpError;
use crate::http::response::after;
use crate::http::route::Route;
use crate::http::ui::button::submit_as;
use crate::http::ui::{Errors, Field, Weight, form as post_form};
use crate::http::{Form, Req, Res};
use crate::projections::subscriptions::{self, SubscriptionRow};
use maud::{Markup, html};

pub(super) fn routes() -> Vec<Route> {
    vec![Route::post("/billing/subscriptions/{id}", BILLING, act)]
}

/// The acts that are open in this state; each asks for a reason.
pub(super) fn panel(req: &Req, row: &SubscriptionRow) -> Markup {
    let parked = row.state.is_parked();
    let cancel = matches!(row.status, Status::Active | Status::OnHold);
    let keep = row.status == Status::PendingCancellation;
    html! {
        @if parked { (parked_notice()) }
        @if parked || cancel || keep {
            details.fold open[parked] {
                summary { "Act on this subscription" }
                (post_form(req, &req.path, &html! {
                    (Field::new("reason", "Reason").hint("Kept with the event.").maxlength(500).render())
                    div.row {
                        @if parked {
                            (submit_as("Go on, bill every missed period", "act", "bill-missed", Weight::Plain))
                            (submit_as("Go on, waive what was missed", "act", "waive-missed", Weight::Plain))
                        }
                        @if keep { (submit_as("Undo the cancellation", "act", "keep", Weight::Plain)) }
                        @if cancel { (submit_as("Cancel subscription", "act", "cancel", Weight::Danger)) }
                    }
                }))
            }
        }
    }
}

/// The reason as a value of the person's part of the vault, and the metadata that refers to it.
pub(super) fn with_reason(
    req: &Req,
    form: &Form,
    account: uuid::Uuid,
) -> Result<(Metadata, PersonalValue), Errors> {
    let reason = form.get("reason");
    if reason.is_empty() || reason.chars().count() > 500 {
        return Err(Errors::one(
            "reason",
            "Say why, in at most 500 characters: the reason is kept with the event.",
        ));
    }
    let value = PersonalValue::new(account, "reason", req.app.clock.new_id(), reason);
    let mut meta = req.meta();
    meta.reason = Some(value.reference.clone());
    Ok((meta, value))
}

async fn act(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let id = req.id_param("id")?;
    let row = subscriptions::one(&req.app.reader, id).await?.ok_or(HttpError::NotFound)?;
    let (meta, reason) = match with_reason(&req, &form, row.owner) {
        Ok(both) => both,
        Err(errors) => return view(&req, &errors).await,
    };
    let at = req.now();
    let command = match form.get("act") {
        "bill-missed" => SubscriptionCommand::Unpark { waive_missed: false, at },
        "waive-missed" => SubscriptionCommand::Unpark { waive_missed: true, at },
        "keep" => SubscriptionCommand::UndoCancel { at },
        "cancel" => SubscriptionCommand::Cancel { at },
        _ => return Err(HttpError::BadRequest("Choose what to do.".into())),
    };
    let envelope = Envelope::new(req.command_id(&form), id, command, meta).with_private(vec![reason]);
    match req.app.bus.dispatch::<Subscription>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &format!("/billing/subscriptions/{id}"))),
        Err(CommandError::Refused(why)) => view(&req, &Errors::one("", why.to_string())).await,
        Err(other) => Err(other.into()),
    }
}
