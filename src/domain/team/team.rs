use super::{SeatCause, TeamCommand, TeamError, TeamEvent};
use crate::domain::shared::seats::Seats;
use crate::domain::shared::{AccountId, PersonalRef};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A team as its events made it. Its id is that of its subscription.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Team {
    owner: Option<AccountId>,
    seats: Option<Seats>,
    list: Option<PersonalRef>,
    /// In the order in which they got their seats.
    holders: Vec<AccountId>,
    /// Who belongs to it and found no seat, in that order.
    waiting: Vec<AccountId>,
    /// Whose seat the owner took.
    barred: BTreeSet<AccountId>,
}

impl Team {
    /// Who owns it; none before it was formed.
    #[must_use]
    pub const fn owner(&self) -> Option<AccountId> {
        self.owner
    }

    /// How many may watch; none: the plan is for one person.
    #[must_use]
    pub const fn seats(&self) -> Option<Seats> {
        self.seats
    }

    /// Who belongs to it, in the owner's vault.
    #[must_use]
    pub const fn list(&self) -> Option<&PersonalRef> {
        self.list.as_ref()
    }

    /// Who has a seat, in the order in which they got it.
    #[must_use]
    pub fn holders(&self) -> &[AccountId] {
        &self.holders
    }

    /// Who belongs to it and found no seat.
    #[must_use]
    pub fn waiting(&self) -> &[AccountId] {
        &self.waiting
    }

    /// Whose seat the owner took.
    #[must_use]
    pub const fn barred(&self) -> &BTreeSet<AccountId> {
        &self.barred
    }

    /// Decides what follows from a command.
    ///
    /// # Errors
    /// The reason for which it is refused.
    pub fn decide(&self, command: TeamCommand) -> Result<Vec<TeamEvent>, TeamError> {
        if let TeamCommand::FollowPlan { owner, seats, at } = command {
            return Ok(self.follow_plan(owner, seats, at));
        }
        if let TeamCommand::HandOver { to, at } = command {
            return Ok(self.hand_over(to, at));
        }
        let (Some(owner), Some(seats)) = (self.owner, self.seats) else {
            // Seats are given back also where there is no team any more.
            return match command {
                TeamCommand::TakeSeat { .. } => Ok(vec![]),
                _ => Err(TeamError::Missing),
            };
        };
        match command {
            TeamCommand::FollowPlan { .. } | TeamCommand::HandOver { .. } => Ok(vec![]),
            TeamCommand::Arrange { list, .. } if self.list.as_ref() == Some(&list) => Ok(vec![]),
            TeamCommand::Arrange { list, at } => Ok(vec![TeamEvent::TeamArranged { list, at }]),
            TeamCommand::GiveSeat { account, .. } if account == owner => Err(TeamError::Owner),
            TeamCommand::GiveSeat { account, at } => {
                if self.holders.contains(&account) || self.barred.contains(&account) {
                    Ok(vec![])
                } else if seats.has_room(self.holders.len()) {
                    Ok(vec![TeamEvent::SeatGiven { account, at }])
                } else if self.waiting.contains(&account) {
                    Ok(vec![])
                } else {
                    Ok(vec![TeamEvent::SeatMissing { account, at }])
                }
            }
            TeamCommand::TakeSeat { account, cause, at } => {
                let known = self.holders.contains(&account) || self.waiting.contains(&account);
                Ok(known.then_some(TeamEvent::SeatTaken { account, cause, at }).into_iter().collect())
            }
            TeamCommand::Readmit { account, at } => {
                let barred = self.barred.contains(&account);
                Ok(barred.then_some(TeamEvent::SeatReadmitted { account, at }).into_iter().collect())
            }
        }
    }

    fn hand_over(&self, to: AccountId, at: DateTime<Utc>) -> Vec<TeamEvent> {
        let Some(from) = self.owner.filter(|from| *from != to) else { return vec![] };
        let seated = self.holders.contains(&to) || self.waiting.contains(&to);
        let free = seated.then_some(TeamEvent::SeatTaken { account: to, cause: SeatCause::OwnsTeam, at });
        [TeamEvent::TeamHandedOver { from, to, at }].into_iter().chain(free).collect()
    }

    fn follow_plan(&self, owner: AccountId, seats: Option<Seats>, at: DateTime<Utc>) -> Vec<TeamEvent> {
        if self.owner.is_none() {
            return seats.map(|seats| TeamEvent::TeamFormed { owner, seats, at }).into_iter().collect();
        }
        if self.seats == seats {
            return vec![];
        }
        let room = seats.map_or(0, |s| s.most.map_or(usize::MAX, |n| n as usize));
        let cause = if seats.is_some() { SeatCause::FewerSeats } else { SeatCause::NoTeamPlan };
        // Who came last goes first.
        let leaving = self.holders.iter().skip(room);
        let waiting = self.waiting.iter().filter(|_| seats.is_none());
        let taken =
            leaving.chain(waiting).map(|account| TeamEvent::SeatTaken { account: *account, cause, at });
        [TeamEvent::TeamSeatsChanged { seats, at }].into_iter().chain(taken).collect()
    }

    /// Takes over what happened.
    pub fn apply(&mut self, event: TeamEvent) {
        match event {
            TeamEvent::TeamFormed { owner, seats, .. } => {
                self.owner = Some(owner);
                self.seats = Some(seats);
            }
            TeamEvent::TeamSeatsChanged { seats, .. } => self.seats = seats,
            TeamEvent::TeamHandedOver { to, .. } => {
                self.owner = Some(to);
                self.barred.remove(&to);
            }
            TeamEvent::TeamArranged { list, .. } => self.list = Some(list),
            TeamEvent::SeatGiven { account, .. } => {
                self.waiting.retain(|a| *a != account);
                self.holders.push(account);
            }
            TeamEvent::SeatMissing { account, .. } => self.waiting.push(account),
            TeamEvent::SeatTaken { account, cause, .. } => {
                self.holders.retain(|a| *a != account);
                self.waiting.retain(|a| *a != account);
                if cause == SeatCause::TakenByOwner {
                    self.barred.insert(account);
                }
            }
            TeamEvent::SeatReadmitted { account, .. } => {
                self.barred.remove(&account);
            }
        }
    }
}
