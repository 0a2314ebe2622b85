//! The billing desk: subscriptions with the reasons for where they stand, orders, invoices.

mod export;
mod invoices;
mod orders;
mod overview;
mod parts;
mod sentences;
mod subscription;
mod subscriptions;

use crate::http::route::{Access, Route};

/// The addresses of this desk.
#[must_use]
pub fn routes() -> Vec<Route> {
    [
        overview::routes(),
        subscriptions::routes(),
        subscription::routes(),
        orders::routes(),
        invoices::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Who may see it.
const BILLING: Access = Access::Role(&["billing"]);
