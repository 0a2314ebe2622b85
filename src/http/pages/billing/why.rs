//! "Why was this charged?": part of the page of an order.

use crate::domain::gift::is_order_of;
use crate::domain::order::OrderEvent;
use crate::domain::order_process::why::{Explanation, Ground, explain};
use crate::domain::subscription::SubscriptionEvent;
use crate::http::Req;
use crate::http::error::HttpError;
use crate::http::pages::membership::shared::country;
use crate::http::ui::table::{head, number};
use crate::http::ui::{Column, Tone, notice_text, table};
use crate::projections::orders::OrderRow;
use crate::projections::{subscription_timeline, tax_rates};
use maud::{Markup, html};
use uuid::Uuid;

/// The explanation, with links to the events it names.
pub(super) async fn panel(req: &Req, order: &OrderRow) -> Result<Markup, HttpError> {
    if is_order_of(order.subscription, order.id) {
        return Ok(html! {
            section.panel.stack aria-labelledby="why" {
                h2 #why { "Why was this charged?" }
                p { "Somebody bought time for somebody else: " a href={ "/billing/gifts/" (order.subscription) } { "the gift" } "." }
            }
        });
    }
    let entries = subscription_timeline::of(&req.app.reader, order.subscription, None).await?;
    let subscription: Vec<(i64, SubscriptionEvent)> =
        entries.iter().filter_map(|e| Some((e.position, e.decode()?))).collect();
    let own: Vec<(i64, OrderEvent)> = entries
        .iter()
        .filter(|e| e.subject == order.id)
        .filter_map(|e| Some((e.position, e.decode()?)))
        .collect();
    // Reckoned with what was known when it was made.
    let rates = tax_rates::rates(&req.app.reader, own.first().map(|(position, _)| *position)).await?;
    let explained = explain(order.id, &subscription, &own, country(req, ""), &rates);
    Ok(html! {
        section.panel.stack aria-labelledby="why" {
            h2 #why { "Why was this charged?" }
            @match &explained {
                None => (notice_text(Tone::Warning, "The log does not say what asked for this order.")),
                Some(explained) => (shown(explained, order.subscription)),
            }
            p.small { a href={ "/billing/subscriptions/" (order.subscription) "#log" } { "The whole log of this subscription" } }
        }
    })
}

fn shown(explained: &Explanation, subscription: Uuid) -> Markup {
    let columns = [Column::new("Reckoned anew"), Column::number("Amount")];
    let mut rows: Vec<Vec<Markup>> = explained
        .sum
        .iter()
        .map(|line| vec![head(&html! { (line.words) }), number(&line.amount.to_string())])
        .collect();
    let total = html! { strong { "To pay, with the tax decided anew" } };
    rows.push(vec![head(&total), number(&explained.reckoned.gross.to_string())]);
    html! {
        ol.stack.tight { @for ground in &explained.grounds { (line(ground, subscription)) } }
        (table("The sum", &columns, &rows))
        @if explained.agrees() {
            (notice_text(Tone::Success, &format!("This is what the order says, to the cent: {}.", explained.ordered.gross)))
        } @else {
            (notice_text(Tone::Danger, &format!("The order says {} instead: look at the events above.", explained.ordered.words())))
        }
        @if !explained.taken.is_empty() { ul.stack.tight { @for ground in &explained.taken { (line(ground, subscription)) } } }
    }
}

fn line(ground: &Ground, subscription: Uuid) -> Markup {
    html! {
        li {
            (ground.words) " "
            a.small href={ "/billing/subscriptions/" (subscription) "#e" (ground.position) } { "no. " (ground.position) }
        }
    }
}
