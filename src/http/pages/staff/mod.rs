//! People, as staff see them: who is here, one person, and what may be done. Reading somebody's data
//! is recorded as an event of that account.

mod access;
mod comments;
pub mod impersonation;
mod list;
mod mails;
mod person;
mod person_money;
mod registrations;
mod sweeps;

use crate::http::route::{Access, Route};
use crate::http::ui::layout::Place;

/// The addresses of these pages.
#[must_use]
pub fn routes() -> Vec<Route> {
    [
        list::routes(),
        person::routes(),
        registrations::routes(),
        sweeps::routes(),
        comments::routes(),
        mails::routes(),
        impersonation::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// From which desk somebody looks; the same people, other acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Desk {
    Moderation,
    Billing,
}

const MODERATORS: Access = Access::Role(&["moderator"]);
const BILLING: Access = Access::Role(&["billing"]);

impl Desk {
    fn of(path: &str) -> Self {
        if path.starts_with("/billing") { Self::Billing } else { Self::Moderation }
    }

    fn people(self) -> &'static str {
        match self {
            Self::Moderation => "/moderation",
            Self::Billing => "/billing/people",
        }
    }

    fn person(self, id: uuid::Uuid) -> String {
        match self {
            Self::Moderation => format!("/moderation/people/{id}"),
            Self::Billing => format!("/billing/people/{id}"),
        }
    }

    /// Names the page in the record of a reading.
    fn scope(self, page: &str) -> String {
        match self {
            Self::Moderation => format!("moderation-{page}"),
            Self::Billing => format!("billing-{page}"),
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Moderation => "Moderation",
            Self::Billing => "Billing",
        }
    }

    fn places(self) -> Vec<Place> {
        match self {
            Self::Moderation => vec![
                Place::new("People", "/moderation"),
                Place::new("Registrations", "/moderation/registrations"),
                Place::new("Invitations", "/moderation/invitations"),
                Place::new("Comments", "/moderation/comments"),
                Place::new("Spam waves", "/moderation/waves"),
                Place::new("Deletion requests", "/moderation/deletions"),
                Place::new("Mails", "/moderation/mails"),
            ],
            Self::Billing => crate::http::pages::billing_places(),
        }
    }
}
