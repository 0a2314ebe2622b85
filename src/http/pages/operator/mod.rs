//! The operators' desk: is everything running, and if not, what stands still.

mod actions;
mod overview;
mod queue;
mod runs;

use crate::http::route::{Access, Route};
use crate::http::ui::layout::Place;

/// The addresses of this desk.
#[must_use]
pub fn routes() -> Vec<Route> {
    [overview::routes(), queue::routes(), runs::routes(), actions::routes()].into_iter().flatten().collect()
}

/// Who may see it.
const OPERATORS: Access = Access::Role(&["operator"]);

fn places() -> Vec<Place> {
    vec![
        Place::new("Overview", "/operator"),
        Place::new("Processing queue", "/operator/queue"),
        Place::new("Scheduled runs", "/operator/runs"),
    ]
}
