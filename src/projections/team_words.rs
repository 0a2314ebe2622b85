//! What happened to a team, in words for the timeline of its subscription. People stand there by their id.

use super::subscription_words::{Weight, Words, words};
use crate::domain::shared::seats::Seats;
use crate::domain::team::{SeatCause, TeamEvent};

fn seats_words(seats: Option<Seats>) -> String {
    seats.map_or_else(|| "no seats".into(), Seats::words)
}

pub(super) fn team(event: &TeamEvent) -> Words {
    match event {
        TeamEvent::TeamFormed { seats, .. } => words(
            Weight::Plain,
            format!("A team with {}.", seats.words()),
            "The plan is one for teams.".to_owned(),
        ),
        TeamEvent::TeamSeatsChanged { seats, .. } => words(
            Weight::Watch,
            format!("The team has {} now.", seats_words(*seats)),
            "By the plan; where there are fewer, who came last goes first.".to_owned(),
        ),
        TeamEvent::TeamHandedOver { from, .. } => words(
            Weight::Watch,
            "The team belongs to another account of the same person from now on.",
            format!(
                "Two accounts were merged; before, it belonged to {from}. Who belongs to it stays as it was."
            ),
        ),
        TeamEvent::TeamArranged { .. } => {
            words(Weight::Plain, "The owner wrote down who belongs to the team.", None)
        }
        TeamEvent::SeatGiven { account, .. } => words(
            Weight::Good,
            format!("Account {account} has a seat."),
            "Their confirmed address, or its domain, is on the owner's list, and a seat was free.".to_owned(),
        ),
        TeamEvent::SeatMissing { account, .. } => words(
            Weight::Watch,
            format!("Account {account} belongs to the team and found no free seat."),
            "The owner was told.".to_owned(),
        ),
        TeamEvent::SeatTaken { account, cause, .. } => words(
            Weight::Watch,
            format!("Account {account} has no seat any more."),
            match cause {
                SeatCause::NotListed => "Neither the address nor its domain is on the owner's list.",
                SeatCause::TakenByOwner => "The owner took it.",
                SeatCause::FewerSeats => "The plan has fewer seats now.",
                SeatCause::NoTeamPlan => "The plan is none for teams any more.",
                SeatCause::AccountErased => "The account was erased.",
                SeatCause::OwnsTeam => "It owns the team now, and needs none.",
            }
            .to_owned(),
        ),
        TeamEvent::SeatReadmitted { account, .. } => {
            words(Weight::Plain, format!("The owner lets account {account} in again."), None)
        }
    }
}
