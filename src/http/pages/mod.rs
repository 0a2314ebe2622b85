//! The pages, one file for each address.

pub mod account;
pub mod billing;
pub mod creator;
pub mod operator;
pub mod people;
pub mod public;
pub mod staff;

use super::route::Route;

/// The addresses of all pages.
#[must_use]
pub fn routes() -> Vec<Route> {
    [
        account::routes(),
        billing::routes(),
        operator::routes(),
        people::routes(),
        staff::routes(),
        public::routes(),
        creator::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The places of the billing desk, for every page of it.
#[must_use]
pub fn billing_places() -> Vec<super::ui::Place> {
    use super::ui::Place;
    vec![
        Place::new("Overview", "/billing"),
        Place::new("Subscriptions", "/billing/subscriptions"),
        Place::new("Orders", "/billing/orders"),
        Place::new("Invoices", "/billing/invoices"),
        Place::new("People", "/billing/people"),
    ]
}
