//! Use the credit of a member for an order that is open.

use super::BILLING;
use super::orders::view;
use super::subscription_acts::with_reason;
use crate::actors::credits::{there, use_for_open};
use crate::domain::order::Settlement;
use crate::domain::shared::Money;
use crate::http::error::HttpError;
use crate::http::response::after;
use crate::http::route::Route;
use crate::http::ui::button::submit;
use crate::http::ui::{Errors, Field, Weight, form as post_form};
use crate::http::{Form, Req, Res};
use crate::projections::orders::{self, OrderRow};
use maud::{Markup, html};

pub(super) fn routes() -> Vec<Route> {
    vec![Route::post("/billing/orders/{id}/credit", BILLING, act)]
}

/// What the buyer's credit would pay of an order now: nothing while a charge may be under way.
pub(in crate::http::pages) async fn usable(req: &Req, order: &OrderRow) -> Result<Money, HttpError> {
    let under_way = order
        .last_attempt
        .as_ref()
        .is_some_and(|(_, state)| !matches!(state.as_str(), "succeeded" | "declined" | "cancelled"));
    if !order.is_open() || under_way {
        return Ok(Money::new(0, order.total.currency));
    }
    let by_card = matches!(order.settlement, Settlement::Charge { .. });
    Ok(there(&req.app, order.account, order.rest(), by_card).await?)
}

/// The act, when there is a credit and the order lacks something.
pub(super) async fn panel(
    req: &Req,
    order: &OrderRow,
    form: &Form,
    errors: &Errors,
) -> Result<Markup, HttpError> {
    let credit = usable(req, order).await?;
    Ok(html! {
        @if credit.minor > 0 {
            section.panel aria-labelledby="credit" {
                h2 #credit { "Use the credit" }
                p { "The member's credit can pay " strong.num { (credit) } " of " span.num { (order.rest()) } "." }
                (post_form(req, &format!("/billing/orders/{}/credit", order.id), &html! {
                    (Field::new("credit_reason", "Reason").hint("Kept with the event.").value(form.get("credit_reason")).maxlength(500).errors(errors).render())
                    (submit("Use the credit", Weight::Plain))
                }))
            }
        }
    })
}

async fn act(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let order = orders::one(&req.app.reader, req.id_param("id")?).await?.ok_or(HttpError::NotFound)?;
    let mut named = Form::default();
    named.push("reason", form.get("credit_reason"));
    let (meta, reason) = match with_reason(&req, &named, order.account) {
        Ok(both) => both,
        Err(errors) => {
            let words = errors.iter().map(|(_, words)| words.to_owned()).collect::<Vec<_>>().join(" ");
            return view(&req, &form, &Errors::one("credit_reason", words)).await;
        }
    };
    let command = (req.command_id(&form), meta);
    match use_for_open(&req.app, command, order.id, vec![reason]).await {
        Ok(Some(receipt)) => Ok(after(receipt, &format!("/billing/orders/{}", order.id))),
        Ok(None) => {
            let words = "Nothing of the credit can be used for it now: nothing is left, the order lacks nothing any more, or less would be left than a card can be charged.";
            view(&req, &form, &Errors::one("", words)).await
        }
        Err(error) => Err(error.into()),
    }
}
