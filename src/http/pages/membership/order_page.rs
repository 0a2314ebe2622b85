//! `/account/orders/{id}`: what an order is for, what became of it, and the way to pay it while it is open.

use super::cards::{self, card_fields};
use super::open_order;
use super::order::transfer_facts;
use super::payment_methods::{chosen_card, kept_choice};
use super::shared::{below, credit_otherwise, period_words, shown, shown_credit, shown_otherwise};
use super::subscription::order_chip;
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::credits::use_for_open;
use crate::actors::direct_debits::Collecting;
use crate::actors::payments::bank_account;
use crate::domain::gift::is_order_of;
use crate::domain::order::{OrderEvent, OrderItem, Settlement, transfer_reference};
use crate::domain::shared::tax::{Tax, TaxKind};
use crate::domain::shared::{Money, derive_id};
use crate::domain::subscription::{Subscription, SubscriptionCommand};
use crate::emails::billing::decline_words;
use crate::http::error::HttpError;
use crate::http::pages::billing::order_credit;
use crate::http::response::{after, see_other};
use crate::http::route::{Access, Route};
use crate::http::ui::button::{link, submit};
use crate::http::ui::layout::{Place, crumbs};
use crate::http::ui::table::{cell, head, number, text};
use crate::http::ui::{
    Column, Errors, Tone, Weight, error_summary, facts, form as post_form, format, notice_text, page_head,
    table,
};
use crate::http::{Form, Req, Res};
use crate::projections::attempts::{self, AttemptRow};
use crate::projections::invoices::{self, Invoice};
use crate::projections::orders::{self, OrderRow};
use crate::projections::people;
use crate::projections::subscriptions::{self, SubscriptionRow};
use maud::{Markup, html};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/account/orders/{id}", Access::SignedIn, show),
        Route::post("/account/orders/{id}/pay", Access::SignedIn, pay),
        Route::post("/account/orders/{id}/credit", Access::SignedIn, use_credit),
    ]
}

/// The own order that the address names; one of somebody else is not found.
async fn own(req: &Req) -> Result<OrderRow, HttpError> {
    let found = orders::one(&req.app.reader, req.id_param("id")?).await?;
    let mine = people::same_person(&req.app.reader, req.account()?.id).await?;
    found.filter(|o| mine.contains(&o.account)).ok_or(HttpError::NotFound)
}

async fn show(req: Req) -> Result<Res, HttpError> {
    view(&req, &Form::default(), &Errors::none()).await
}

/// Lines and tax, as the order was placed.
fn placed(order: &OrderRow) -> Option<(Vec<OrderItem>, Tax)> {
    let event = serde_json::json!({ "type": "OrderPlaced", "data": order.placed });
    match serde_json::from_value(event).ok()? {
        OrderEvent::OrderPlaced { items, tax, .. } => Some((items, tax)),
        _ => None,
    }
}

/// The subscription that waits for this order; none if none does.
async fn waiting(req: &Req, order: &OrderRow) -> Result<Option<SubscriptionRow>, HttpError> {
    let row = subscriptions::one(&req.app.reader, order.subscription).await?;
    Ok(row.filter(|r| order.is_open() && r.state.open_order().is_some_and(|o| o.order == order.id)))
}

/// Whether it is owed though no subscription waits for it: the bank took an earlier payment back.
async fn is_owed(req: &Req, order: &OrderRow) -> Result<bool, HttpError> {
    let row = subscriptions::one(&req.app.reader, order.subscription).await?;
    Ok(order.is_open() && row.is_some_and(|r| r.state.owes(order.id)))
}

/// Where to send what is owed.
fn by_transfer(req: &Req, order: &OrderRow) -> Markup {
    html! {
        section.panel aria-labelledby="pay" {
            h2 #pay { "Pay it" }
            p { "Your bank has taken the payment of this order back. To pay: " strong.num { (order.rest()) } "." }
            p { "Send the amount to this account. We recognise it by the reference." }
            (facts(&transfer_facts(req, &transfer_reference(&order.number))))
        }
    }
}

async fn view(req: &Req, form: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let order = own(req).await?;
    let made = attempts::of_order(&req.app.reader, order.id).await?;
    let papers = invoices::all_of_order(&req.app.reader, order.id).await?;
    let row = waiting(req, &order).await?;
    let charge = row.as_ref().and_then(|r| r.state.open_order()).and_then(|o| o.charge.as_ref());
    let under_way = charge.is_some_and(|c| c.action_until.is_none());
    let retry = row.as_ref().and_then(|r| r.state.open_order()).and_then(|o| o.retry_at);
    let collects = match &row {
        Some(row) => open_order::collecting(req, row, &order).await?,
        None => None,
    };
    let owed = row.is_none() && bank_account(&req.app.config).is_some() && is_owed(req, &order).await?;
    let to_pay = match &row {
        _ if owed => by_transfer(req, &order),
        Some(_) if matches!(collects, Some(Collecting::On(_))) => html! {},
        Some(_) if !under_way => panel(req, &order, collects.is_some(), form, errors).await?,
        _ if order.is_open() && is_order_of(order.subscription, order.id) => html! {
            p { (link("Pay the gift", &format!("/account/gifts/{}", order.subscription), Weight::Main)) }
        },
        _ => html! {},
    };
    let content = html! {
        (crumbs(&[Place::new("Subscription", "/account/subscription")], &order.number))
        (page_head(&format!("Order {}", order.number), None, None))
        @if under_way { (notice_text(Tone::Info, "Your payment is being processed. Reload this page in a moment to see the result.")) }
        @if let Some(collects) = collects { (notice_text(Tone::Info, &open_order::collecting_words(collects))) }
        (error_summary(errors))
        section.panel {
            div.row.apart { p { (order.description) } (order_chip(&order.status)) }
            p { (if under_way { "A payment of it is being processed." } else { standing(&order, collects.is_some()) }) }
            @if let Some(at) = retry.filter(|_| order.status == "soft-failed" && !under_way) { p { "We try again on " (format::date(at)) ", unless you pay before." } }
            @if let Some((items, tax)) = placed(&order) { (lines(&order, &items, &tax)) }
            (facts(&dates(&order, &papers)))
        }
        (to_pay)
        (attempts_table(&made))
    };
    let title = format!("Order {}", order.number);
    Ok(cards::allow(req, below(req, &title, "/account/subscription", errors, &content)))
}

/// Where it stands, as a sentence.
fn standing(order: &OrderRow, collected: bool) -> &'static str {
    match (order.status.as_str(), &order.settlement) {
        ("paid", _) => "It is paid.",
        ("fulfilled", _) => "It is paid, and the time it paid for is over.",
        ("refunded", _) => "It was paid, and the whole price has gone back.",
        ("cancelled", _) => "It was cancelled: nobody has to pay it.",
        ("failed", _) => "It could not be collected. It can still be paid.",
        ("soft-failed", _) => "The last payment failed. Nothing was charged.",
        _ if collected => "It waits to be collected from your bank account.",
        (_, Settlement::Transfer { .. }) => "It waits for your transfer.",
        _ => "It is not paid yet.",
    }
}

fn lines(order: &OrderRow, items: &[OrderItem], tax: &Tax) -> Markup {
    let columns = [Column::new("For"), Column::new("Period"), Column::number("Amount")];
    // A period that was paid late began on the day of payment: the invoice says which it became.
    let open = order.is_open();
    let rows: Vec<Vec<Markup>> = items
        .iter()
        .map(|item| {
            let amount = item.unit.minor.saturating_mul(i64::from(item.quantity));
            let amount = Money::new(amount, item.unit.currency);
            let period = match item.period {
                Some(period) => period_words(period),
                None if open => "from the day of payment".into(),
                None => "see the invoice".into(),
            };
            vec![text(&item.description), text(&period), number(&amount.to_string())]
        })
        .collect();
    html! {
        (table("What it is for", &columns, &rows))
        (facts(&[
            ("Net", html! { span.num { (tax.net) } }),
            ("VAT", html! { @match tax.kind {
                TaxKind::Charged => { span.num { (tax.tax) } " (" (tax.percent()) ", " (tax.country.name()) ")" },
                TaxKind::ReverseCharge => "reverse charged: you account for the tax",
                TaxKind::None => "none",
            } }),
            ("Total", html! { strong.num { (tax.gross) } }),
        ]))
    }
}

fn dates(order: &OrderRow, papers: &[Invoice]) -> Vec<(&'static str, Markup)> {
    let mut pairs = vec![("Placed", html! { (format::moment(order.placed_at)) })];
    if let Some(at) = order.paid_at {
        pairs.push(("Paid", html! { (format::moment(at)) }));
    }
    if order.transferred.minor > 0 {
        pairs.push(("Received by transfer", html! { span.num { (order.transferred) } }));
    }
    if order.credit.minor > 0 {
        pairs.push(("Paid from your credit", html! { span.num { (order.credit) } }));
    }
    if order.refunded.minor > 0 {
        pairs.push(("Refunded", html! { span.num { (order.refunded) } }));
    }
    if order.overpaid.minor > order.returned.minor {
        let over = order.overpaid.minor.saturating_sub(order.returned.minor);
        let over = Money::new(over, order.total.currency);
        pairs.push((
            "Paid too much",
            html! { span.num { (over) } ", which goes back to you or becomes your credit" },
        ));
    }
    let paper = |p: &Invoice| html! { a href={ "/account/invoices/" (p.number) } { (p.number) } };
    let (notes, invoices): (Vec<&Invoice>, Vec<&Invoice>) = papers.iter().partition(|p| p.credit_note);
    if !invoices.is_empty() {
        pairs.push(("Invoice", html! { @for p in &invoices { (paper(p)) " " } }));
    }
    if !notes.is_empty() {
        pairs.push(("Credit notes", html! { @for p in &notes { (paper(p)) " " } }));
    }
    pairs
}

/// The ways to pay it now; `collected`: what credit does not pay comes by direct debit.
async fn panel(
    req: &Req,
    order: &OrderRow,
    collected: bool,
    form: &Form,
    errors: &Errors,
) -> Result<Markup, HttpError> {
    let confirm = order.last_attempt.as_ref().is_some_and(|(_, state)| state == "action-required");
    let reference = match &order.settlement {
        Settlement::Transfer { reference, .. } => reference.clone(),
        Settlement::Charge { .. } => transfer_reference(&order.number),
    };
    let by_card = matches!(order.settlement, Settlement::Charge { .. });
    let kept = if by_card && !confirm { kept_choice(req, form, errors).await? } else { None };
    let transfers = bank_account(&req.app.config).is_some() && !collected;
    let credit = order_credit::usable(req, order).await?;
    if collected && credit.minor == 0 {
        return Ok(html! {});
    }
    Ok(html! {
        section.panel aria-labelledby="pay" {
            h2 #pay { "Pay it" }
            p { "To pay: " strong.num { (order.rest()) } @if order.transferred.minor > 0 { " (" (order.transferred) " has arrived)" } @if order.credit.minor > 0 { " (" (order.credit) " were paid from your credit)" } }
            @if credit.minor > 0 {
                (post_form(req, &format!("/account/orders/{}/credit", order.id), &html! {
                    (shown_credit(credit))
                    (submit(&format!("Pay {credit} from your credit"), Weight::Plain))
                }))
            }
            @if confirm {
                @if let Some(until) = order.confirm_until { p { "Your bank asks you to confirm this payment until " (format::moment(until)) "." } }
                p { (link("Confirm the payment", &format!("/account/orders/{}/confirm", order.id), Weight::Main)) }
            } @else if by_card {
                (post_form(req, &format!("/account/orders/{}/pay", order.id), &html! {
                    (shown(order))
                    @if let Some(kept) = &kept { (kept) }
                    (card_fields(req, form, errors, kept.is_some()))
                    p.small.dim { (open_order::BECOMES_THE_CARD) }
                    (submit(&format!("Pay {}", order.rest()), Weight::Main))
                }))
            }
            @if transfers && !confirm {
                h3 { (if by_card { "Or by transfer" } else { "By transfer" }) }
                p { "Send the amount to this account. We recognise it by the reference." }
                (facts(&transfer_facts(req, &reference)))
            }
        }
    })
}

fn attempts_table(made: &[AttemptRow]) -> Markup {
    let columns = [Column::new("When"), Column::new("What became of it")];
    let words = |a: &AttemptRow| match a.state.as_str() {
        "succeeded" => "The money was taken.".to_owned(),
        "declined" => {
            format!("{} Nothing was charged.", decline_words(a.code.as_deref().unwrap_or_default()))
        }
        "cancelled" => "It was not confirmed in time. Nothing was charged.".into(),
        "action-required" => "Your bank asks you to confirm it.".into(),
        "started" => "It is being processed.".into(),
        _ => "The payment service has not answered yet. We find out; you are not charged twice.".into(),
    };
    let rows: Vec<Vec<Markup>> = made
        .iter()
        .map(|a| vec![head(&html! { (format::moment(a.started_at)) }), cell(&html! { (words(a)) })])
        .collect();
    html! { @if !rows.is_empty() { section.stack { h2 { "Payments" } (table("Attempts to charge your card", &columns, &rows)) } } }
}

async fn use_credit(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let order = own(&req).await?;
    let here = format!("/account/orders/{}", order.id);
    if let Some(changed) = credit_otherwise(&form, order_credit::usable(&req, &order).await?) {
        return view(&req, &form, &changed).await;
    }
    let command = (req.command_id(&form), req.meta());
    match use_for_open(&req.app, command, order.id, vec![]).await {
        Ok(Some(receipt)) => Ok(after(receipt, &here)),
        // Paid or used meanwhile: the page says so.
        Ok(None) => Ok(see_other(&here)),
        Err(error) => Err(error.into()),
    }
}

async fn pay(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let order = own(&req).await?;
    let here = format!("/account/orders/{}", order.id);
    // Paid, cancelled or under way meanwhile: the page says so.
    let Some(row) = waiting(&req, &order).await? else { return Ok(see_other(&here)) };
    if let Some(changed) = shown_otherwise(&form, &order) {
        return view(&req, &form, &changed).await;
    }
    let mut errors = Errors::none();
    let Some((method, label)) = chosen_card(&req, &form, &mut errors).await? else {
        return view(&req, &form, &errors).await;
    };
    let id = req.command_id(&form);
    let attempt = derive_id(&id.to_string(), "attempt");
    let command = SubscriptionCommand::PayNow { attempt, method, at: req.now() };
    let envelope = Envelope::new(id, row.id, command, req.meta()).with_private(label.into_iter().collect());
    match req.app.bus.dispatch::<Subscription>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &here)),
        Err(CommandError::Refused(why)) => view(&req, &form, &Errors::one("", why.to_string())).await,
        Err(other) => Err(other.into()),
    }
}
