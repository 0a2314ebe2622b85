//! What happened to a request for a second person, in words for the timeline of a subscription.

use super::studio_zone::zone;
use super::subscription_words::{Weight, Words, moment, words};
use crate::domain::approval::ApprovalEvent;

pub(super) fn approval(event: &ApprovalEvent) -> Words {
    use ApprovalEvent as E;
    match event {
        E::SecondPersonAsked { act, bound, lapses_at, .. } => words(
            Weight::Watch,
            format!("A second person is asked to agree: {}.", act.words(zone())),
            format!("Above {} nobody decides alone. Lapses on {}.", bound.words(), moment(*lapses_at)),
        ),
        E::SecondPersonAgreed { asked_by, by, .. } => words(
            Weight::Good,
            "A second person agreed.",
            format!("Asked for by staff {asked_by}, agreed to by staff {by}."),
        ),
        E::SecondPersonRefused { asked_by, by, .. } if asked_by == by => {
            words(Weight::Plain, "The request was taken back: nothing is done.", None)
        }
        E::SecondPersonRefused { .. } => {
            words(Weight::Plain, "The second person did not agree: nothing is done.", None)
        }
        E::RequestLapsed { .. } => {
            words(Weight::Plain, "The request lapsed: nobody decided in time, and nothing is done.", None)
        }
        E::ActCarriedOut { .. } => words(Weight::Plain, "What was agreed to is done.", None),
        E::ActRefused { why, .. } => {
            words(Weight::Bad, "What was agreed to could not be done any more.", why.clone())
        }
    }
}
