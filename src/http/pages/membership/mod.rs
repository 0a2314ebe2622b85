//! Joining, and what a member sees of the own subscription, payments and invoices.

pub(super) mod address;
mod billing_details;
mod cards;
mod confirm;
mod coupon;
mod gift;
mod gift_withdrawal;
pub(super) mod gifts;
mod invoices;
mod join;
mod mandate;
mod open_order;
mod order;
mod order_page;
pub(in crate::http) mod paper;
pub(super) mod pause;
mod payment_methods;
pub(super) mod plan_change;
pub(in crate::http) mod shared;
pub(super) mod subscription;
mod subscription_acts;
pub(super) mod team;
mod withdrawal;

use crate::http::route::Route;
use crate::http::{HttpError, Req};

/// Works out what the join button says, if that is due: the price of what is sold first, to private
/// people at home. Nothing while nothing is sold.
///
/// # Errors
/// If the plans cannot be read.
pub async fn refresh_join_words(req: &Req) -> Result<(), HttpError> {
    if !req.app.join_words_are_due() {
        return Ok(());
    }
    let home = shared::country(req, "");
    let sold = shared::bundles(req, shared::offers(req, home).await?);
    let first = sold.iter().find_map(shared::Bundle::any);
    let desk = shared::TaxDesk::open(req).await?;
    let words = first.map(|offer| format!("Join for {}", desk.quote(offer, home).gross));
    req.app.set_join_words(words);
    Ok(())
}

/// The addresses of these pages.
#[must_use]
pub fn routes() -> Vec<Route> {
    [
        join::routes(),
        order::routes(),
        order_page::routes(),
        cards::routes(),
        gift::routes(),
        gifts::routes(),
        gift_withdrawal::routes(),
        payment_methods::routes(),
        mandate::routes(),
        team::routes(),
        subscription::routes(),
        subscription_acts::routes(),
        confirm::routes(),
        invoices::routes(),
        pause::routes(),
        plan_change::routes(),
        withdrawal::routes(),
        billing_details::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
