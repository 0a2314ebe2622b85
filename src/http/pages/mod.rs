//! The pages, one file for each address.

pub mod operator;

use super::route::Route;

/// The addresses of all pages.
#[must_use]
pub fn routes() -> Vec<Route> {
    [operator::routes()].into_iter().flatten().collect()
}
