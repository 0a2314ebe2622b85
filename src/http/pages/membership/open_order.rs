//! The open order on `/account/subscription`: what it asks for, and the ways to pay it, or when it is collected.

use super::cards::card_fields;
use super::order::transfer_facts;
use super::shared::shown;
use crate::actors::direct_debits::{self, Collecting};
use crate::domain::order::{Settlement, transfer_reference};
use crate::domain::shared::calendar::day_words;
use crate::emails::billing::decline_words;
use crate::http::error::HttpError;
use crate::http::ui::button::{link, submit};
use crate::http::ui::{Errors, Tone, Weight, facts, form as post_form, format, notice, notice_text};
use crate::http::{Form, Req};
use crate::projections::orders::OrderRow;
use crate::projections::subscriptions::SubscriptionRow;
use maud::{Markup, html};

/// What whoever pays with another card is told.
pub(super) const BECOMES_THE_CARD: &str =
    "The card that you pay with is charged for your subscription from now on.";

/// When the studio collects an order by itself; none if its member has to pay it.
pub(super) async fn collecting(
    req: &Req,
    row: &SubscriptionRow,
    order: &OrderRow,
) -> Result<Option<Collecting>, HttpError> {
    if !order.is_open() || !matches!(order.settlement, Settlement::Transfer { .. }) {
        return Ok(None);
    }
    let open = row.state.open_order().filter(|o| o.order == order.id);
    let until = open.and_then(|o| o.debit_until);
    Ok(direct_debits::collecting(&req.app, order.id, until, req.now()).await?)
}

/// The same as a sentence, so that nobody transfers the money as well.
pub(super) fn collecting_words(collects: Collecting) -> String {
    match collects {
        Collecting::On(day) => {
            format!("We collect this order by direct debit on {}. You need not do anything.", day_words(day))
        }
        Collecting::From(day) => format!(
            "We collect this order by direct debit, on {} at the soonest; a mail tells you the day before we do. You need not do anything.",
            day_words(day)
        ),
    }
}

/// The panel; `waiting`: the result of a payment is awaited.
pub(super) fn panel(
    req: &Req,
    row: &SubscriptionRow,
    open: &OrderRow,
    (waiting, collects): (bool, Option<Collecting>),
    form: &Form,
    errors: &Errors,
) -> Markup {
    let confirm = open.last_attempt.as_ref().filter(|(_, state)| state == "action-required");
    let has_method = row.state.method().is_some_and(|m| m.is_usable(format::local_day(req.now())));
    html! {
        section.panel aria-labelledby="open" {
            h2 #open { "Open order " (open.number) }
            p { (open.description) ": " strong.num { (open.rest()) } @if open.transferred.minor > 0 { " (" (open.transferred) " has arrived)" } @if open.credit.minor > 0 { " (" (open.credit) " were paid from your credit)" } }
            @if let Some(code) = open.last_code.as_deref().filter(|_| confirm.is_none() && !waiting) {
                (notice_text(Tone::Warning, &format!("{} Nothing was charged.", decline_words(code))))
            }
            @if let (Some(_), Some(until)) = (confirm, open.confirm_until) {
                (notice(Tone::Warning, &html! { p { "Your bank asks you to confirm this payment until " (format::moment(until)) "." } }))
                (link("Confirm the payment", &format!("/account/orders/{}/confirm", open.id), Weight::Main))
            } @else if !waiting {
                @if let Some(collects) = collects {
                    p { (collecting_words(collects)) }
                } @else if let Settlement::Transfer { reference, .. } = &open.settlement {
                    p { "Send the amount to this account. We recognise it by the reference." }
                    (facts(&transfer_facts(req, reference)))
                } @else {
                    @if has_method {
                        (post_form(req, "/account/subscription/pay", &html! { (shown(open)) (submit(&format!("Pay {} with this card", open.rest()), Weight::Main)) }))
                    }
                    details.fold open[!errors.is_empty()] {
                        summary { "Pay with another card" }
                        (post_form(req, "/account/subscription/pay", &html! {
                            input type="hidden" name="new_card" value="yes";
                            (shown(open))
                            (card_fields(req, form, errors, false))
                            p.small.dim { (BECOMES_THE_CARD) }
                            (submit(&format!("Pay {}", open.rest()), Weight::Plain))
                        }))
                    }
                    p.small.dim { "You can also transfer it with the reference " span.mono { (transfer_reference(&open.number)) } "." }
                }
            }
        }
    }
}
