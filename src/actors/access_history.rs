//! What somebody might have watched on a day that is over, by the one access rule, from the events until then.

use super::services::Services;
use crate::domain::access::{self, Decision, Membership, PersonFacts};
use crate::domain::account::{Account, AccountEvent, By, Standing, Why};
use crate::domain::shared::{AccountId, Role};
use crate::domain::subscription::Subscription;
use crate::domain::team::{SeatCause, Team, TeamEvent};
use crate::projections::subscription_timeline::{self, state_as_of};
use crate::projections::{subscriptions, teams};
use crate::store::event::stream_name;
use crate::store::{StoreError, log};
use chrono::{DateTime, Utc};
use std::cmp::Reverse;
use uuid::Uuid;

/// Something that decided what an account might watch, beside its own subscriptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decider {
    /// A role was given.
    Granted(Role),
    /// A role was taken.
    Revoked(Role),
    /// It was suspended.
    Suspended,
    /// It was let in again.
    Reinstated,
    /// It got complimentary access.
    Given,
    /// That was taken back.
    Ended,
    /// Its address was confirmed.
    Confirmed,
    /// A deletion was asked for.
    Leaving,
    /// That was taken back.
    Stayed,
    /// It got a seat in the team of that subscription.
    Seated(Uuid),
    /// It lost the seat.
    Unseated(Uuid, SeatCause),
}

/// When, what, by whom and why.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When it counted from.
    pub at: DateTime<Utc>,
    /// What it was.
    pub what: Decider,
    /// Who did it, where it was an act of somebody.
    pub by: Option<By>,
    /// Why, sealed.
    pub why: Option<Why>,
}

/// An account as it was.
#[derive(Debug)]
pub struct Then {
    /// What the access rule said about what subscribers get.
    pub decision: Decision,
    /// What had decided it, the newest first.
    pub deciders: Vec<Entry>,
}

/// What the access rule said of `account` at `at`.
///
/// # Errors
/// If log or lists cannot be read.
pub async fn as_of(cx: &Services, account: AccountId, at: DateTime<Utc>) -> Result<Then, StoreError> {
    let (state, mut deciders) = account_then(cx, account, at).await?;
    let mut memberships = Vec::new();
    for row in subscriptions::of_account(&cx.reader, account).await? {
        memberships.extend(own(&subscription_then(cx, row.id, at).await?));
    }
    for team in teams::all(&cx.reader).await? {
        if seat_then(cx, team.id, account, at, &mut deciders).await? {
            memberships.extend(seat(&subscription_then(cx, team.id, at).await?));
        }
    }
    deciders.sort_by_key(|entry| Reverse(entry.at));
    let facts = match state.standing {
        Standing::Absent | Standing::Erased(_) => None,
        standing => Some(PersonFacts {
            confirmed: state.confirmed,
            suspended: state.suspended && state.suspended_until.is_none_or(|end| at < end),
            leaving: matches!(standing, Standing::Hidden(_)),
            roles: state.roles,
            complimentary: state.complimentary,
            memberships,
        }),
    };
    Ok(Then { decision: access::subscriber_access(facts.as_ref(), at), deciders })
}

async fn account_then(
    cx: &Services,
    account: AccountId,
    at: DateTime<Utc>,
) -> Result<(Account, Vec<Entry>), StoreError> {
    let (mut state, mut deciders) = (Account::default(), Vec::new());
    let client = cx.pool.get().await?;
    for event in log::stream(&client, &stream_name("account", account), 0).await? {
        if event.effective_at > at {
            continue;
        }
        let decoded = event.decode::<AccountEvent>().map_err(|e| StoreError::Unreadable(e.to_string()))?;
        let Some(decoded) = decoded else { continue };
        let entry = decider(&decoded).map(|(what, by, why)| Entry { at: event.effective_at, what, by, why });
        deciders.extend(entry);
        state.apply(decoded);
    }
    Ok((state, deciders))
}

fn decider(event: &AccountEvent) -> Option<(Decider, Option<By>, Option<Why>)> {
    use AccountEvent as E;
    let act = |what, by: &By, why: &Why| Some((what, Some(by.clone()), Some(why.clone())));
    match event {
        E::RoleGranted { role, by, why, .. } => act(Decider::Granted(*role), by, why),
        E::RoleRevoked { role, by, why, .. } => act(Decider::Revoked(*role), by, why),
        E::AccountSuspended { by, why, .. } | E::AccountMerged { by, why, .. } => {
            act(Decider::Suspended, by, why)
        }
        E::AccountReinstated { by, why, .. } => act(Decider::Reinstated, by, why),
        E::ComplimentaryAccessGranted { by, why, .. } => act(Decider::Given, by, why),
        E::ComplimentaryAccessEnded { by, why, .. } => act(Decider::Ended, by, why),
        E::MailConfirmed { .. } => Some((Decider::Confirmed, None, None)),
        E::AccountHidden { .. } => Some((Decider::Leaving, None, None)),
        E::AccountRestored { .. } => Some((Decider::Stayed, None, None)),
        _ => None,
    }
}

/// Whether the account had a seat in the team then.
async fn seat_then(
    cx: &Services,
    team: Uuid,
    account: AccountId,
    at: DateTime<Utc>,
    deciders: &mut Vec<Entry>,
) -> Result<bool, StoreError> {
    let mut state = Team::default();
    let client = cx.pool.get().await?;
    for event in log::stream(&client, &stream_name("team", team), 0).await? {
        if event.effective_at > at {
            continue;
        }
        let decoded = event.decode::<TeamEvent>().map_err(|e| StoreError::Unreadable(e.to_string()))?;
        let Some(decoded) = decoded else { continue };
        let what = match &decoded {
            TeamEvent::SeatGiven { account: who, .. } if *who == account => Some(Decider::Seated(team)),
            TeamEvent::SeatTaken { account: who, cause, .. } if *who == account => {
                Some(Decider::Unseated(team, *cause))
            }
            _ => None,
        };
        deciders.extend(what.map(|what| Entry { at: event.effective_at, what, by: None, why: None }));
        state.apply(decoded);
    }
    Ok(state.holders().contains(&account))
}

async fn subscription_then(cx: &Services, id: Uuid, at: DateTime<Utc>) -> Result<Subscription, StoreError> {
    Ok(state_as_of(&subscription_timeline::of(&cx.reader, id, None).await?, at))
}

/// As [`subscriptions::memberships`] has it of today.
fn own(then: &Subscription) -> Option<Membership> {
    let status = then.status().filter(|status| !status.is_final())?;
    Some(match (then.gives_access(), status) {
        (true, _) => Membership::Giving,
        (false, crate::domain::subscription::Status::OnHold) => {
            Membership::OnHold { order: then.open_order().map(|order| order.order) }
        }
        (false, _) => Membership::Paused,
    })
}

fn seat(then: &Subscription) -> Option<Membership> {
    then.status().filter(|status| !status.is_final())?;
    Some(if then.gives_access() { Membership::Giving } else { Membership::SeatWithoutAccess })
}
