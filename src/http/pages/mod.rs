//! The pages, one file for each address.

pub mod account;
pub mod billing;
pub mod comments;
pub mod creator;
pub mod marks;
pub mod media;
pub mod membership;
pub mod operator;
pub mod people;
pub mod public;
pub mod staff;
pub mod watching;

use super::route::Route;

/// The addresses of all pages.
#[must_use]
pub fn routes() -> Vec<Route> {
    [
        account::routes(),
        billing::routes(),
        membership::routes(),
        media::routes(),
        operator::routes(),
        people::routes(),
        staff::routes(),
        public::routes(),
        creator::routes(),
        watching::routes(),
        marks::routes(),
        comments::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The places of the billing desk, for every page of it.
#[must_use]
pub fn billing_places() -> Vec<super::ui::Place> {
    billing::places()
}
