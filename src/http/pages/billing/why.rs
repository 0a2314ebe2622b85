//! "Why was this charged?": part of the page of an order.

use super::event_log;
use crate::domain::gift::{GiftEvent, is_order_of};
use crate::domain::order::OrderEvent;
use crate::domain::order_process::why::{Explanation, Ground, explain};
use crate::domain::order_process::why_gift::explain_gift;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::domain::subscription::SubscriptionEvent;
use crate::http::Req;
use crate::http::error::HttpError;
use crate::http::pages::membership::shared::country;
use crate::http::ui::table::{head, number};
use crate::http::ui::{Column, Tone, format, notice_text, table};
use crate::projections::orders::OrderRow;
use crate::projections::subscription_timeline::{self, Entry};
use crate::projections::tax_rates;
use maud::{Markup, html};

/// The explanation, with links to the events it names.
pub(super) async fn panel(req: &Req, order: &OrderRow) -> Result<Markup, HttpError> {
    let gift = is_order_of(order.subscription, order.id);
    let entries = subscription_timeline::of(&req.app.reader, order.subscription, None).await?;
    let own: Vec<(i64, OrderEvent)> = entries
        .iter()
        .filter(|e| e.subject == order.id)
        .filter_map(|e| Some((e.position, e.decode()?)))
        .collect();
    // Reckoned with what was known when it was made.
    let rates = tax_rates::rates(&req.app.reader, own.first().map(|(position, _)| *position)).await?;
    let home = country(req, "");
    let (explained, page) = if gift {
        let seller = (home, format::zone());
        let explained = explain_gift(&events::<GiftEvent>(&entries), &own, seller, &rates);
        (explained, format!("/billing/gifts/{}", order.subscription))
    } else {
        let explained = explain(order.id, &events::<SubscriptionEvent>(&entries), &own, home, &rates);
        (explained, format!("/billing/subscriptions/{}", order.subscription))
    };
    Ok(html! {
        section.panel.stack aria-labelledby="why" {
            h2 #why { "Why was this charged?" }
            @if gift { p { "Somebody bought time for somebody else: " a href=(page) { "the gift" } "." } }
            @match &explained {
                None => (notice_text(Tone::Warning, "The log does not say what asked for this order.")),
                Some(explained) => (shown(explained, &page)),
            }
            p.small { a href={ (page) "#log" } { "The whole log of this " @if gift { "gift" } @else { "subscription" } } }
        }
    })
}

/// The events of one kind of aggregate among the lines, with their positions.
fn events<E: CategoryEvent>(entries: &[Entry]) -> Vec<(i64, E)> {
    entries.iter().filter_map(|e| Some((e.position, e.decode()?))).collect()
}

fn shown(explained: &Explanation, page: &str) -> Markup {
    let columns = [Column::new("Reckoned anew"), Column::number("Amount")];
    let mut rows: Vec<Vec<Markup>> = explained
        .sum
        .iter()
        .map(|line| vec![head(&html! { (line.words) }), number(&line.amount.to_string())])
        .collect();
    let total = html! { strong { "To pay, with the tax decided anew" } };
    rows.push(vec![head(&total), number(&explained.reckoned.gross.to_string())]);
    html! {
        ol.stack.tight { @for ground in &explained.grounds { (line(ground, page)) } }
        (table("The sum", &columns, &rows))
        @if explained.agrees() {
            (notice_text(Tone::Success, &format!("This is what the order says, to the cent: {}.", explained.ordered.gross)))
        } @else {
            (notice_text(Tone::Danger, &format!("The order says {} instead: look at the events above.", explained.ordered.words())))
        }
        @if !explained.taken.is_empty() { ul.stack.tight { @for ground in &explained.taken { (line(ground, page)) } } }
    }
}

fn line(ground: &Ground, page: &str) -> Markup {
    html! {
        li {
            (ground.words) " "
            a.small href=(event_log::event(page, ground.position)) { "no. " (ground.position) }
        }
    }
}
