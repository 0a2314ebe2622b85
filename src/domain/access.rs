//! The one access rule: who may know of a work, and who may watch it.
//!
//! Every page, file, feed and search asks here, with facts that somebody else gathered. The rule
//! answers with a reason and fails closed: what is not known to be allowed is refused.

use super::{account::Complimentary, shared::Role, shared::Roles};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a subscription gives at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Membership {
    /// Paid, or paid until the end of the period after a cancellation.
    Giving,
    /// Paid for, but resting on the member's wish.
    Paused,
    /// Waits for the payment of an order.
    OnHold {
        /// The order to pay, where one is open.
        order: Option<Uuid>,
    },
    /// A seat in a team whose subscription gives nothing now.
    SeatWithoutAccess,
}

/// What is known about a signed-in person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonFacts {
    /// Whether the mail address is confirmed; before that an account may not act.
    pub confirmed: bool,
    /// Whether the account is suspended.
    pub suspended: bool,
    /// Whether a deletion request is pending.
    pub leaving: bool,
    /// Roles beyond member.
    pub roles: Roles,
    /// Access that was given away.
    pub complimentary: Option<Complimentary>,
    /// Own subscriptions and team seats.
    pub memberships: Vec<Membership>,
}

/// Whether a work is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Publication {
    /// Written, not shown.
    Draft,
    /// Shown from that time on.
    From(DateTime<Utc>),
    /// Taken away.
    Removed,
}

/// What is known about the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkFacts {
    /// Whether it is out.
    pub publication: Publication,
    /// Whether everybody may watch it.
    pub free: bool,
    /// Whether the asking person made it.
    pub own: bool,
}

/// Why somebody may or may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Everybody may.
    Free,
    /// A role of the person allows it.
    Role(Role),
    /// The person made it.
    OwnWork,
    /// Complimentary access, with its end.
    Complimentary(Option<DateTime<Utc>>),
    /// A subscription or team seat gives access.
    Subscription,
    /// The work is a draft or scheduled, and the person neither made nor edits it. It must look as
    /// if it did not exist.
    NotPublished,
    /// The work was taken away.
    Removed,
    /// Signing in might change it.
    SignIn,
    /// The mail address is to be confirmed first.
    ConfirmMail,
    /// The account is suspended.
    Suspended,
    /// A deletion request is pending; withdrawing it would change it.
    Leaving,
    /// Joining would change it.
    Join,
    /// Paying that order would change it.
    PayOrder(Option<Uuid>),
    /// Ending the pause would change it.
    Resume,
    /// The owner of the team can change it.
    AskTeamOwner,
}

impl Reason {
    /// The reason as a sentence for the person.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Free => "Free for everybody.",
            Self::Role(_) => "Your role lets you watch this.",
            Self::OwnWork => "This is your own work.",
            Self::Complimentary(_) => "You have complimentary access.",
            Self::Subscription => "Your subscription includes this.",
            Self::NotPublished | Self::Removed => "There is nothing here.",
            Self::SignIn => "Sign in or join to watch this.",
            Self::ConfirmMail => "Confirm your mail address first.",
            Self::Suspended => "Your account is suspended.",
            Self::Leaving => {
                "You asked for the deletion of your account. Withdraw the request to go on watching."
            }
            Self::Join => "Join to watch this.",
            Self::PayOrder(_) => "Your subscription is on hold. Pay the open order to go on watching.",
            Self::Resume => "Your subscription is paused. Resume it to go on watching.",
            Self::AskTeamOwner => "Your team has no access at the moment. Ask the team's owner.",
        }
    }
}

/// The answer of the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Whether the person may.
    pub allowed: bool,
    /// Why, or what would change it.
    pub reason: Reason,
}

impl Decision {
    fn yes(reason: Reason) -> Self {
        Self { allowed: true, reason }
    }

    fn no(reason: Reason) -> Self {
        Self { allowed: false, reason }
    }
}

/// Whether the person may know of the work at all: see its page, find it, read its text.
/// A refusal is answered as if the work did not exist (or is gone, when it was removed).
#[must_use]
pub fn may_see(person: Option<&PersonFacts>, work: &WorkFacts, now: DateTime<Utc>) -> Decision {
    match work.publication {
        Publication::Removed => Decision::no(Reason::Removed),
        Publication::From(start) if start <= now => Decision::yes(Reason::Free),
        Publication::Draft | Publication::From(_) => person
            .filter(|p| p.confirmed && !p.suspended && !p.leaving)
            .and_then(|p| {
                if p.roles.may_act_as(Role::Editor) {
                    Some(Reason::Role(Role::Editor))
                } else if work.own && p.roles.may_act_as(Role::Creator) {
                    Some(Reason::OwnWork)
                } else {
                    None
                }
            })
            .map_or(Decision::no(Reason::NotPublished), Decision::yes),
    }
}

/// Whether the person may watch or download the work: every byte of it asks this.
#[must_use]
pub fn may_watch(person: Option<&PersonFacts>, work: &WorkFacts, now: DateTime<Utc>) -> Decision {
    let seen = may_see(person, work, now);
    let published = matches!(work.publication, Publication::From(start) if start <= now);
    if !seen.allowed || !published || work.free {
        return seen;
    }
    let Some(person) = person else { return Decision::no(Reason::SignIn) };
    if person.suspended {
        return Decision::no(Reason::Suspended);
    }
    if !person.confirmed {
        return Decision::no(Reason::ConfirmMail);
    }
    if person.leaving {
        return Decision::no(Reason::Leaving);
    }
    for role in [Role::Creator, Role::Editor, Role::Moderator, Role::Admin] {
        if person.roles.0.contains(&role) {
            return Decision::yes(Reason::Role(role));
        }
    }
    if let Some(given) = person.complimentary.filter(|c| c.holds_at(now)) {
        return Decision::yes(Reason::Complimentary(given.until));
    }
    if person.memberships.contains(&Membership::Giving) {
        return Decision::yes(Reason::Subscription);
    }
    // The way back that asks least of the person is named.
    let mut answer = Reason::Join;
    for membership in &person.memberships {
        answer = match (answer, membership) {
            (_, Membership::Paused) => Reason::Resume,
            (Reason::Resume, _) => answer,
            (_, Membership::OnHold { order }) => Reason::PayOrder(*order),
            (Reason::Join, Membership::SeatWithoutAccess) => Reason::AskTeamOwner,
            _ => answer,
        };
    }
    Decision::no(answer)
}

/// Whether the person gets what subscribers get (comments, downloads), apart from a single work.
#[must_use]
pub fn subscriber_access(person: Option<&PersonFacts>, now: DateTime<Utc>) -> Decision {
    let locked = WorkFacts { publication: Publication::From(now), free: false, own: false };
    may_watch(person, &locked, now)
}

/// Whether the person may comment: on lessons everybody with an account that may act, on everything else those
/// who get what subscribers get.
#[must_use]
pub fn may_comment(person: Option<&PersonFacts>, on_lesson: bool, now: DateTime<Utc>) -> Decision {
    match person {
        Some(p) if on_lesson && p.confirmed && !p.suspended && !p.leaving => Decision::yes(Reason::Free),
        _ => subscriber_access(person, now),
    }
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
