//! `/billing/orders/{id}/refund`: give money back.

use super::subscription_acts::with_reason;
use super::{BILLING, desk, names, person};
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::payments;
use crate::domain::order::{AskRefund, Order, OrderCommand, OrderError, RefundOf, RefundWay};
use crate::domain::shared::{Money, derive_id};
use crate::http::error::HttpError;
use crate::http::response::after;
use crate::http::route::Route;
use crate::http::ui::button::{link, submit};
use crate::http::ui::form::{Choice, choices};
use crate::http::ui::layout::{Place, crumbs};
use crate::http::ui::{Errors, Field, Weight, form as post_form, page_head};
use crate::http::{Form, Req, Res};
use crate::projections::orders::{self, OrderRow};
use maud::html;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/billing/orders/{id}/refund", BILLING, show),
        Route::post("/billing/orders/{id}/refund", BILLING, ask),
    ]
}

async fn order_of(req: &Req) -> Result<OrderRow, HttpError> {
    orders::one(&req.app.reader, req.id_param("id")?).await?.ok_or(HttpError::NotFound)
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let order = order_of(&req).await?;
    // What a link suggests stands in the form.
    let mut form = Form::default();
    for (name, value) in
        req.query_pairs().iter().filter(|(n, _)| matches!(n.as_str(), "of" | "way" | "amount"))
    {
        form.push(name, value);
    }
    view(&req, &order, &form, &Errors::none()).await
}

async fn view(req: &Req, order: &OrderRow, form: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let state = payments::load_order(&req.app, order.id).await?;
    let names = names(req, &[order.account], "billing-refund").await?;
    let money = |of| Money::new(state.refundable(of).max(0), order.total.currency);
    let (price, over) = (money(RefundOf::Price), money(RefundOf::Overpayment));
    let first = if over.minor > 0 { "overpayment" } else { "price" };
    let of = if form.has("of") { form.get("of") } else { first };
    let left = if of == "overpayment" { over } else { price };
    let typed = if form.has("amount") { form.get("amount").to_owned() } else { left.decimal() };
    let least = Money::new(1, order.total.currency);
    let charged =
        [RefundOf::Price, RefundOf::Overpayment].iter().any(|of| state.goes_back_by_charge(*of, least));
    let way = match form.get("way") {
        "" if charged => "gateway",
        "" => "transfer",
        way => way,
    };
    let limit = Money::new(req.app.config.billing.second_person_over, order.total.currency);
    let choice = |value, label, hint: String| Choice { value, label, hint: Some(hint), aside: None };
    let whats = [
        choice(
            "price",
            "The price, or part of it",
            format!("At most {price}. A credit note corrects the invoice."),
        ),
        choice("overpayment", "What came too much", format!("At most {over}. It was never invoiced.")),
    ];
    let card = choice("gateway", "To the card it came from", "The gateway is asked at once.".into());
    let others = [
        choice("transfer", "By bank transfer", "You send it, then say here that it is sent.".into()),
        choice(
            "credit",
            "As credit, which stays here",
            "The member's next orders use it up; it can be paid out later.".into(),
        ),
    ];
    let ways: Vec<Choice<'_>> = charged.then_some(card).into_iter().chain(others).collect();
    let back = format!("/billing/orders/{}", order.id);
    let content = html! {
        (crumbs(&[Place::new("Orders", "/billing/orders"), Place::new(order.number.clone(), back.clone())], "Refund"))
        (page_head("Give money back, or make it a credit", None, None))
        @if price.minor == 0 && over.minor == 0 && errors.is_empty() {
            p { "Nothing of order " a href=(back) { (order.number) } " can go back: " (nothing(order)) }
        } @else {
            p { (order.description) ", for " (person(&names, order.account)) ": " strong.num { (order.total) } "." }
            (post_form(req, &req.path, &html! {
                (choices("of", "What goes back?", &whats, of, errors))
                (choices("way", "How?", &ways, way, errors))
                (Field::new("amount", &format!("Amount in {}", order.total.currency)).value(&typed).inputmode("decimal").short()
                    .hint(&format!("Above {limit}, all that one person gave back of this order together, a second person has to agree.")).errors(errors).render())
                (Field::new("reason", "Reason").hint("Kept with the event.").value(form.get("reason")).maxlength(500).errors(errors).render())
                div.row { (submit("Give back", Weight::Main)) (link("Back to the order", &back, Weight::Quiet)) }
            }))
            p.small.dim { "Access does not change by a refund. End the membership on the subscription's page if it should end." }
        }
    };
    Ok(desk(req, "Refund", errors, &content))
}

/// Why nothing can go back of an order.
fn nothing(order: &OrderRow) -> &'static str {
    match (order.status.as_str(), order.disputed.as_deref()) {
        ("created" | "soft-failed" | "failed", _) => "it is not paid.",
        ("cancelled", _) => "it was cancelled, and nothing is here that was paid for it.",
        (_, Some("lost")) => {
            "a dispute was lost, and the bank gave the money back to the holder of the card."
        }
        _ => "everything went back already, or is on its way.",
    }
}

async fn ask(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let order = order_of(&req).await?;
    let mut errors = Errors::none();
    let amount = Money::parse(form.get("amount"), order.total.currency)
        .map_err(|why| errors.add("amount", why.to_string()));
    let of = form.get("of").parse::<RefundOf>().map_err(|_| errors.add("of", "Choose what goes back."));
    let way = form.get("way").parse::<RefundWay>().map_err(|_| errors.add("way", "Choose how it goes back."));
    let reason = with_reason(&req, &form, order.account).map_err(|e| {
        for (field, words) in e.iter() {
            errors.add(field, words);
        }
    });
    let (Ok(amount), Ok(of), Ok(way), Ok((meta, reason))) = (amount, of, way, reason) else {
        return view(&req, &order, &form, &errors).await;
    };
    let id = req.command_id(&form);
    let refund = derive_id("refund", &id.to_string());
    let command = OrderCommand::AskRefund(AskRefund {
        refund,
        of,
        way,
        amount,
        by: req.account()?.id,
        second_person_over: req.app.config.billing.second_person_over,
        lapses_at: req.now() + req.app.config.billing.second_person_within(),
        at: req.now(),
    });
    let envelope = Envelope::new(id, order.id, command, meta).with_private(vec![reason]);
    match req.app.bus.dispatch::<Order>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &format!("/billing/refunds/{refund}"))),
        Err(CommandError::Refused(why)) => {
            let field = match why {
                OrderError::NoCharge => "way",
                OrderError::NotPaid => "of",
                _ => "amount",
            };
            view(&req, &order, &form, &Errors::one(field, why.to_string())).await
        }
        Err(other) => Err(other.into()),
    }
}
