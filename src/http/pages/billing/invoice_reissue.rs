//! Take an invoice back that names the wrong buyer, and issue it anew with the member's present billing details.

use super::BILLING;
use super::invoices::view;
use super::subscription_acts::with_reason;
use crate::actors::bus::{CommandError, Envelope};
use crate::domain::order::{Order, OrderCommand, ReissueInvoice};
use crate::domain::shared::{PersonalRef, derive_id};
use crate::http::error::HttpError;
use crate::http::pages::membership::shared::TaxDesk;
use crate::http::response::after;
use crate::http::route::Route;
use crate::http::ui::button::submit;
use crate::http::ui::{Errors, Field, Weight, form as post_form};
use crate::http::{Form, Req, Res};
use crate::projections::invoices::{self, Invoice};
use crate::projections::subscriptions::{self, SubscriptionRow};
use maud::{Markup, html};

const PATH: &str = "/billing/invoices/{number}/reissue";

pub(super) fn routes() -> Vec<Route> {
    vec![Route::post(PATH, BILLING, act)]
}

/// The subscription of the invoice, if it is the one that stands for its order. A gift has no billing details of its
/// own that could change.
async fn subject(req: &Req, invoice: &Invoice) -> Result<Option<SubscriptionRow>, HttpError> {
    let standing = invoices::of_order(&req.app.reader, invoice.document.order).await?;
    if invoice.credit_note || standing.is_none_or(|s| s.number != invoice.number) {
        return Ok(None);
    }
    Ok(subscriptions::one(&req.app.reader, invoice.document.subscription).await?)
}

/// The VAT number, if it counts.
fn number_of(row: &SubscriptionRow) -> Option<&PersonalRef> {
    row.state.vat_number().filter(|_| row.state.is_business())
}

/// The act, for the invoice that stands.
pub(super) async fn panel(
    req: &Req,
    invoice: &Invoice,
    form: &Form,
    errors: &Errors,
) -> Result<Markup, HttpError> {
    let Some(row) = subject(req, invoice).await? else { return Ok(html! {}) };
    let same = row.state.billing() == invoice.document.billing.as_ref()
        && number_of(&row) == invoice.document.vat_number.as_ref();
    let now = match row.state.billing().filter(|_| !same) {
        Some(sealed) => req.app.reader.open(sealed).await?,
        None => None,
    };
    let number = match number_of(&row).filter(|_| !same) {
        Some(sealed) => req.app.reader.open(sealed).await?,
        None => None,
    };
    Ok(html! {
        @if let Some(now) = now {
            details.fold open[!errors.is_empty()] {
                summary { "Issue it anew for another buyer" }
                p { "The billing details of the member are others by now:" }
                p { @for line in now.lines() { (line) br; } @if let Some(number) = number { "VAT number " (number) } }
                p { "A credit note takes this invoice back, and a new one with these details takes its place. Lines, price and tax stay; what would have to be taxed otherwise is refunded and sold again." }
                (post_form(req, &format!("/billing/invoices/{}/reissue", invoice.number), &html! {
                    (Field::new("reason", "Reason").hint("Kept with the event.").value(form.get("reason")).maxlength(500).errors(errors).render())
                    (submit("Take it back and issue it anew", Weight::Plain))
                }))
            }
        }
    })
}

async fn act(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let number = req.param("number").to_owned();
    let invoice = invoices::by_number(&req.app.reader, &number).await?.ok_or(HttpError::NotFound)?;
    let Some(row) = subject(&req, &invoice).await? else {
        let words = "Another invoice stands for this order by now: look at that one.";
        return view(&req, &form, &Errors::one("", words)).await;
    };
    let Some(billing) = row.state.billing().cloned() else {
        let words = "The member has no billing details: have them entered first.";
        return view(&req, &form, &Errors::one("", words)).await;
    };
    let document = &invoice.document;
    let (meta, reason) = match with_reason(&req, &form, document.account) {
        Ok(both) => both,
        Err(errors) => return view(&req, &form, &errors).await,
    };
    let desk = TaxDesk::open(&req).await?;
    let id = req.command_id(&form);
    let ask = ReissueInvoice {
        reissue: derive_id(&id.to_string(), "reissue"),
        billing,
        vat_number: number_of(&row).cloned(),
        tax: desk.decide(document.tax.gross, row.state.buyer(desk.home)),
        by: req.account()?.id,
        at: req.now(),
    };
    let command = OrderCommand::ReissueInvoice(Box::new(ask));
    let envelope = Envelope::new(id, document.order, command, meta).with_private(vec![reason]);
    match req.app.bus.dispatch::<Order>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &format!("/billing/orders/{}", document.order))),
        Err(CommandError::Refused(why)) => view(&req, &form, &Errors::one("", why.to_string())).await,
        Err(other) => Err(other.into()),
    }
}
