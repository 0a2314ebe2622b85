//! `/account/orders/{id}/confirm`: the sandbox's stand-in for the page of the card's bank.

use super::cards;
use crate::actors::cards::confirmation;
use crate::actors::payments;
use crate::domain::gift::is_order_of;
use crate::domain::order::Settlement;
use crate::domain::shared::Money;
use crate::http::error::HttpError;
use crate::http::response::{after, see_other};
use crate::http::route::{Access, Route};
use crate::http::ui::button::submit_as;
use crate::http::ui::{Tone, Weight, form as post_form, notice_text, page_head};
use crate::http::{Req, Res};
use crate::projections::orders::{self, OrderRow};
use crate::projections::people;
use maud::html;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/account/orders/{id}/confirm", Access::SignedIn, show),
        Route::post("/account/orders/{id}/confirm", Access::SignedIn, answer),
    ]
}

/// The order of the person, if it waits for a confirmation.
async fn waiting(req: &Req) -> Result<Option<OrderRow>, HttpError> {
    let order = orders::one(&req.app.reader, req.id_param("id")?).await?.ok_or(HttpError::NotFound)?;
    if !people::same_person(&req.app.reader, req.account()?.id).await?.contains(&order.account) {
        return Err(HttpError::NotFound);
    }
    let asked = order.last_attempt.as_ref().is_some_and(|(_, state)| state == "action-required");
    Ok(asked.then_some(order))
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let Some(order) = waiting(&req).await? else { return Ok(see_other("/account/subscription")) };
    let step = match (&order.last_attempt, &order.settlement) {
        (Some((attempt, _)), Settlement::Charge { gateway }) => {
            confirmation(&req.app, gateway, *attempt).await.map_err(|error| {
                tracing::warn!(%error, "a payment cannot be confirmed");
                HttpError::Unavailable {
                    why: "The payment service does not answer. Try again in a moment.".into(),
                    retry_after: std::time::Duration::from_secs(30),
                }
            })?
        }
        _ => None,
    };
    let lead = if step.is_some() {
        "Your bank wants to know that it is you: it asks in a window of its own."
    } else {
        "Here your bank would ask for its own proof. The test gateway only asks whether you agree."
    };
    let asked = match &order.last_attempt {
        Some((attempt, _)) => payments::to_confirm(&req.app, order.id, *attempt).await?,
        None => None,
    };
    let asked = asked.unwrap_or_else(|| order.rest());
    let meanwhile = Money::new(asked.minor - order.rest().minor, asked.currency);
    let body = html! {
        (page_head("Confirm this payment", Some(lead), None))
        section.panel {
            p { (order.description) ", order " (order.number) ": " strong.num { (asked) } }
            @if meanwhile.minor > 0 {
                (notice_text(Tone::Warning, &format!("{meanwhile} of it came another way since your bank was asked. If you confirm, so much is too much, and goes back to you or becomes your credit. If you refuse, nothing is charged, and what is left can be paid then.")))
            }
            (post_form(&req, &format!("/account/orders/{}/confirm", order.id), &html! {
                @if let Some(step) = &step { (cards::confirmation(step)) }
                div.row {
                    (submit_as(&format!("Confirm {asked}"), "answer", "confirm", Weight::Main))
                    (submit_as("Refuse the payment", "answer", "refuse", Weight::Plain))
                }
            }))
        }
    };
    Ok(cards::frame(&req, "Confirm the payment", body))
}

async fn answer(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let Some(order) = waiting(&req).await? else { return Ok(see_other("/account/subscription")) };
    let Some((attempt, _)) = order.last_attempt else { return Ok(see_other("/account/subscription")) };
    let approve = form.get("answer") == "confirm";
    let back = match is_order_of(order.subscription, order.id) {
        true => format!("/account/gifts/{}", order.subscription),
        false => "/account/subscription".to_owned(),
    };
    let command = (req.command_id(&form), req.meta());
    match payments::confirm(&req.app, order.id, attempt, approve, command).await {
        Ok(receipt) => Ok(after(receipt, &back)),
        Err(error) => Err(error.into()),
    }
}
