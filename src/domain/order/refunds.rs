//! Money that goes back: who may decide it, how much there is to return, what the gateway says.
//!
//! As with charges, the intent is in the log before anything leaves, and the refund's id is the key
//! under which the gateway knows it.

use super::attempts::LOOKUPS;
use super::{AttemptState, DisputeState, Order, OrderError, OrderEvent, OrderStatus};
use crate::domain::shared::payment::RefundOutcome;
use crate::domain::shared::{AccountId, Money};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What is given back.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::EnumString, strum::IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum RefundOf {
    /// The price, or part of it: the invoice is corrected by a credit note.
    Price,
    /// What came too much: it was never invoiced.
    Overpayment,
}

/// How staff want it to go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString)]
#[strum(serialize_all = "kebab-case")]
pub enum RefundWay {
    /// The gateway returns a charge.
    Gateway,
    /// Somebody sends it from the studio's bank account.
    Transfer,
    /// It stays here, and pays for the next orders.
    Credit,
}

/// The way it goes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum RefundVia {
    /// The gateway returns a charge.
    Charge {
        /// Which charge.
        attempt: Uuid,
        /// Which gateway.
        gateway: String,
    },
    /// Somebody sends it from the studio's bank account.
    Transfer,
    /// It becomes credit of the account, which pays for the next orders.
    Credit,
}

/// Where one refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefundState {
    /// Waits for a second person.
    Proposed,
    /// Intended; the gateway may or may not have been asked, the transfer may or may not be sent.
    Started,
    /// The answer was lost.
    Unknown,
    /// Staff have to find out.
    Parked,
    /// Returned.
    Succeeded,
    /// Said to be returned, and then that it was not: what its credit note says stands, and the money is owed
    /// as what came too much.
    CameBack,
    /// Not returned.
    Refused,
    /// Not returned, and staff have settled it otherwise.
    Dismissed,
    /// The second person said no.
    Rejected,
    /// No second person decided in time.
    Lapsed,
}

impl RefundState {
    /// Whether the money is gone or may yet go. What came back is held, because it counts as overpaid since.
    #[must_use]
    pub const fn holds(self) -> bool {
        !matches!(self, Self::Refused | Self::Dismissed | Self::Rejected | Self::Lapsed)
    }
}

/// One refund.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refund {
    /// Its id and the gateway's key.
    pub id: Uuid,
    /// What is given back.
    pub of: RefundOf,
    /// The way it goes.
    pub via: RefundVia,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub state: RefundState,
    /// Look-ups made after a lost answer.
    pub lookups: u8,
    /// Who asked for it.
    pub by: AccountId,
    /// One person of the staff decided it alone.
    #[serde(default)]
    pub alone: bool,
    /// The first instant at which nobody can agree to it any more.
    #[serde(default)]
    pub lapses_at: Option<DateTime<Utc>>,
}

impl Refund {
    /// Whether it is of `of` and waits for a second person.
    pub(super) fn waits_of(&self, of: RefundOf) -> bool {
        self.of == of && self.state == RefundState::Proposed
    }
}

/// Everything a refund says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskRefund {
    /// Its id and the gateway's key.
    pub refund: Uuid,
    /// What is given back.
    pub of: RefundOf,
    /// The way staff want.
    pub way: RefundWay,
    /// How much.
    pub amount: Money,
    /// Who asks.
    pub by: AccountId,
    /// Above this a second person has to agree; in minor units of the order's currency.
    pub second_person_over: i64,
    /// The first instant at which nobody can agree to it any more.
    pub lapses_at: DateTime<Utc>,
    /// When.
    pub at: DateTime<Utc>,
}

impl Order {
    /// What of the price, or of what came too much, has not gone back and is not about to.
    #[must_use]
    pub fn refundable(&self, of: RefundOf) -> i64 {
        self.left_of(of).max(0)
    }

    /// The same before it is known that nothing is owed: below zero if more is on its way than is left.
    pub(super) fn left_of(&self, of: RefundOf) -> i64 {
        let there = match (of, self.status) {
            (RefundOf::Price, Some(OrderStatus::Paid | OrderStatus::Fulfilled)) => {
                self.total.map_or(0, |t| t.minor) - self.lost(of)
            }
            (RefundOf::Price, _) => 0,
            (RefundOf::Overpayment, _) => self.overpaid - self.lost(of),
        };
        there - self.held(|r| r.of == of)
    }

    /// What of the price is held without doubt: it has not gone back, is not about to, and nobody disputes it.
    #[must_use]
    pub fn held_of_price(&self) -> i64 {
        if self.is_disputed(RefundOf::Price) { 0 } else { self.refundable(RefundOf::Price) }
    }

    /// Whether the bank was asked for the price, and has not decided.
    #[must_use]
    pub fn price_in_dispute(&self) -> bool {
        self.is_disputed(RefundOf::Price)
    }

    /// Whose order it is; nobody's before it was placed.
    #[must_use]
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// What of it went back, or may be about to, without a second person; in minor units.
    #[must_use]
    pub fn given_alone(&self) -> i64 {
        // What came back is not given twice when it is sent another way.
        self.held(|r| r.alone && r.state != RefundState::CameBack)
    }

    /// Its refunds, oldest first.
    #[must_use]
    pub fn refunds(&self) -> &[Refund] {
        &self.refunds
    }

    /// Whether any of the price went back, or may be about to.
    pub(super) fn went_back_of_price(&self) -> bool {
        self.held(|r| r.of == RefundOf::Price) > 0
    }

    /// What of the price has gone back, or may be about to.
    pub(super) fn gone_of_price(&self) -> i64 {
        self.held(|r| r.of == RefundOf::Price)
    }

    pub(super) fn held(&self, which: impl Fn(&Refund) -> bool) -> i64 {
        self.refunds.iter().filter(|r| r.state.holds() && which(r)).map(|r| r.amount.minor).sum()
    }

    /// Whether so much can go back through the charge that it came by.
    #[must_use]
    pub fn goes_back_by_charge(&self, of: RefundOf, amount: Money) -> bool {
        self.source(of).is_some_and(|(_, left)| left >= amount.minor)
    }

    /// The charge through which money goes back, and how much of it is left.
    pub(super) fn source(&self, of: RefundOf) -> Option<(RefundVia, i64)> {
        let taken = self.attempts.iter().filter(|a| a.state == AttemptState::Succeeded);
        taken
            .filter(|a| self.side(a.id) == of)
            .map(|a| {
                let via = RefundVia::Charge { attempt: a.id, gateway: a.gateway.clone() };
                let gone =
                    self.disputes.iter().filter(|d| d.attempt == a.id && d.state == DisputeState::Lost);
                let gone: i64 = gone.map(|d| d.amount.minor).sum();
                let left = a.amount.map_or(0, |m| m.minor) - gone - self.held(|r| r.via == via);
                (via, left)
            })
            .max_by_key(|(_, left)| *left)
    }

    pub(super) fn ask_refund(&self, ask: AskRefund, total: Money) -> Result<Vec<OrderEvent>, OrderError> {
        if self.refunds.iter().any(|r| r.id == ask.refund) {
            return Ok(vec![]);
        }
        if ask.of == RefundOf::Price && !self.status.is_some_and(OrderStatus::is_settled) {
            return Err(OrderError::NotPaid);
        }
        if ask.amount.currency != total.currency || ask.amount.minor <= 0 {
            return Err(OrderError::RefundAmount);
        }
        let mut left = self.left_of(ask.of);
        if self.is_disputed(ask.of) {
            return Err(OrderError::Disputed);
        }
        let via = match ask.way {
            RefundWay::Transfer => RefundVia::Transfer,
            RefundWay::Credit => RefundVia::Credit,
            RefundWay::Gateway => {
                let (via, of_charge) = self.source(ask.of).ok_or(OrderError::NoCharge)?;
                left = left.min(of_charge);
                via
            }
        };
        if ask.amount.minor > left {
            return Err(OrderError::RefundTooMuch(Money::new(left.max(0), total.currency)));
        }
        let AskRefund { refund, of, amount, by, second_person_over, lapses_at, at, .. } = ask;
        // What went back of this order without a second person counts: a sum is not made small by cutting it up.
        let sum = self.given_alone().saturating_add(amount.minor);
        if sum > second_person_over {
            let limit = Money::new(second_person_over, total.currency);
            let lapses_at = Some(lapses_at);
            return Ok(vec![OrderEvent::RefundProposed {
                refund,
                of,
                via,
                amount,
                by,
                limit,
                lapses_at,
                at,
            }]);
        }
        let done = self.to_credit(refund, (of, &via), amount, at, total);
        let started = OrderEvent::RefundStarted { refund, of, via, amount, by, approved_by: None, at };
        Ok([started].into_iter().chain(done).collect())
    }

    /// What becomes credit leaves nowhere: it is done as soon as it is decided.
    pub(super) fn to_credit(
        &self,
        refund: Uuid,
        (of, via): (RefundOf, &RefundVia),
        amount: Money,
        at: DateTime<Utc>,
        total: Money,
    ) -> Vec<OrderEvent> {
        if *via != RefundVia::Credit {
            return vec![];
        }
        self.returned(refund, (of, via), amount, "credit".to_owned(), (at, total))
    }

    /// That a refund went its way, and with it the whole price, if it did.
    fn returned(
        &self,
        refund: Uuid,
        (of, via): (RefundOf, &RefundVia),
        amount: Money,
        gateway_reference: String,
        (at, total): (DateTime<Utc>, Money),
    ) -> Vec<OrderEvent> {
        // One that came back has its credit note all the same.
        let noted = |s| matches!(s, RefundState::Succeeded | RefundState::CameBack);
        let done = self.refunds.iter().filter(|x| x.of == of && noted(x.state));
        let before = Money::new(done.map(|x| x.amount.minor).sum(), total.currency);
        let whole = of == RefundOf::Price && before.minor + amount.minor >= total.minor;
        let via = via.clone();
        let done = OrderEvent::RefundSucceeded { refund, of, via, amount, before, gateway_reference, at };
        [done].into_iter().chain(whole.then_some(OrderEvent::OrderRefunded { at })).collect()
    }

    fn refund(&self, id: Uuid) -> Result<&Refund, OrderError> {
        self.refunds.iter().find(|r| r.id == id).ok_or(OrderError::NoRefund)
    }

    pub(super) fn decide_refund(
        &self,
        id: Uuid,
        approve: bool,
        second: AccountId,
        (at, total): (DateTime<Utc>, Money),
    ) -> Result<Vec<OrderEvent>, OrderError> {
        let r = self.refund(id)?;
        let over = r.lapses_at.is_some_and(|end| at >= end);
        match (r.state, approve) {
            (RefundState::Lapsed, _) => Err(OrderError::RefundLapsed),
            (RefundState::Proposed, _) if over => Err(OrderError::RefundLapsed),
            (RefundState::Proposed, true) if r.by == second => Err(OrderError::SamePerson),
            (RefundState::Proposed, true) if self.account == second => Err(OrderError::OwnGain),
            (RefundState::Proposed, true) => {
                let started = OrderEvent::RefundStarted {
                    refund: id,
                    of: r.of,
                    via: r.via.clone(),
                    amount: r.amount,
                    by: r.by,
                    approved_by: Some(second),
                    at,
                };
                let done = self.to_credit(id, (r.of, &r.via), r.amount, at, total);
                Ok([started].into_iter().chain(done).collect())
            }
            (RefundState::Proposed, false) => {
                Ok(vec![OrderEvent::RefundRejected { refund: id, by: second, at }])
            }
            (RefundState::Rejected, false) => Ok(vec![]),
            _ => Err(OrderError::RefundDecided),
        }
    }

    pub(super) fn lapse_refund(&self, id: Uuid, at: DateTime<Utc>) -> Result<Vec<OrderEvent>, OrderError> {
        let r = self.refund(id)?;
        let lapses = r.state == RefundState::Proposed && r.lapses_at.is_some_and(|end| at >= end);
        Ok(if lapses { vec![OrderEvent::RefundLapsed { refund: id, at }] } else { vec![] })
    }

    pub(super) fn dismiss_refund(
        &self,
        id: Uuid,
        by: AccountId,
        at: DateTime<Utc>,
    ) -> Result<Vec<OrderEvent>, OrderError> {
        match self.refund(id)?.state {
            RefundState::Refused => Ok(vec![OrderEvent::RefundDismissed { refund: id, by, at }]),
            RefundState::Dismissed => Ok(vec![]),
            _ => Err(OrderError::RefundNotRefused),
        }
    }

    pub(super) fn refund_outcome(
        &self,
        id: Uuid,
        outcome: RefundOutcome,
        total: Money,
        at: DateTime<Utc>,
    ) -> Result<Vec<OrderEvent>, OrderError> {
        let r = self.refund(id)?;
        let open = matches!(r.state, RefundState::Started | RefundState::Unknown | RefundState::Parked);
        match outcome {
            RefundOutcome::Succeeded { gateway_reference } if open => {
                Ok(self.returned(id, (r.of, &r.via), r.amount, gateway_reference, (at, total)))
            }
            RefundOutcome::Refused { code } if open => {
                Ok(vec![OrderEvent::RefundRefused { refund: id, code, at }])
            }
            // Days later the bank may send back what the gateway had sent. The credit note stands, and what it
            // says is owed: as what came too much, which goes another way without a second credit note.
            RefundOutcome::Refused { code }
                if r.state == RefundState::Succeeded && matches!(r.via, RefundVia::Charge { .. }) =>
            {
                let owed = OrderEvent::OrderOverpaid { over: r.amount, cause: "refund-failed".into(), at };
                Ok(vec![OrderEvent::RefundRefused { refund: id, code, at }, owed])
            }
            RefundOutcome::Unknown if matches!(r.state, RefundState::Started | RefundState::Unknown) => {
                let lookups = if r.state == RefundState::Unknown { r.lookups + 1 } else { 0 };
                Ok(vec![match LOOKUPS.get(usize::from(lookups)) {
                    Some(wait) => OrderEvent::RefundOutcomeUnknown {
                        refund: id,
                        lookups,
                        look_again_at: at + *wait,
                        at,
                    },
                    None => OrderEvent::RefundParked { refund: id, lookups, at },
                }])
            }
            _ if matches!(r.state, RefundState::Proposed | RefundState::Rejected | RefundState::Lapsed) => {
                Err(OrderError::RefundUndecided)
            }
            _ => Ok(vec![]),
        }
    }

    pub(super) fn refund_refused(&mut self, id: Uuid) {
        let was = self.refunds.iter().find(|r| r.id == id).map(|r| r.state);
        let came_back = was == Some(RefundState::Succeeded);
        self.refund_state(id, if came_back { RefundState::CameBack } else { RefundState::Refused });
    }

    pub(super) fn refund_state(&mut self, id: Uuid, state: RefundState) {
        if let Some(r) = self.refunds.iter_mut().find(|r| r.id == id) {
            r.state = state;
        }
    }
}
