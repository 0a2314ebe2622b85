//! Joining, and what a member sees of the own subscription, payments and invoices.

mod confirm;
mod invoices;
mod join;
mod order;
pub(super) mod shared;
pub(super) mod subscription;
mod subscription_acts;

use crate::http::route::Route;

/// The addresses of these pages.
#[must_use]
pub fn routes() -> Vec<Route> {
    [
        join::routes(),
        order::routes(),
        subscription::routes(),
        subscription_acts::routes(),
        confirm::routes(),
        invoices::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
