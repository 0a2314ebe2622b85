//! Direct debits of an order: sent to the bank once, and perhaps not collected, or given back.

use super::{Attempt, Order, OrderError, OrderEvent, OrderStatus, PaidBy, RefundOf, RefundState, RefundVia};
use crate::domain::shared::Money;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a refund that nobody had sent yet is not made: the bank has given the money back itself.
const DEBIT_RETURNED: &str = "debit_returned";

type Decision = Result<Vec<OrderEvent>, OrderError>;

/// The direct debit of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentDebit {
    /// In which file it is.
    pub file: Uuid,
    /// By which mandate.
    pub mandate: Uuid,
    /// How much.
    pub amount: Money,
    /// On which day it is collected.
    pub collect_on: NaiveDate,
    /// Whether the bank gave it back.
    pub returned: bool,
    /// Whether the bank did not collect it.
    #[serde(default)]
    pub rejected: bool,
}

impl Order {
    /// The direct debit that stands in a file, whatever became of it.
    #[must_use]
    pub const fn debit(&self) -> Option<&SentDebit> {
        self.debit.as_ref()
    }

    pub(super) fn send_debit(
        &self,
        (file, mandate): (Uuid, Uuid),
        amount: Money,
        collect_on: NaiveDate,
        at: DateTime<Utc>,
    ) -> Decision {
        match self.debit.as_ref().map(|d| d.file) {
            Some(known) if known == file => Ok(vec![]),
            Some(_) => Err(OrderError::DebitSent),
            // What was paid meanwhile is collected all the same: the bank has the file.
            None => Ok(vec![OrderEvent::DirectDebitSent { file, mandate, amount, collect_on, at }]),
        }
    }

    pub(super) fn return_debit(&self, reason: String, at: DateTime<Utc>) -> Decision {
        let debit = self.debit.as_ref().ok_or(OrderError::NoDebit)?;
        if debit.returned {
            return Ok(vec![]);
        }
        let gone = debit.amount.minor.min(self.transferred).max(0);
        // A charge that is under way asked for what was missing: it must not settle an order that then misses more.
        let missing = self.total.map_or(0, |t| t.minor) - (self.covered() - gone);
        let short = |a: &Attempt| !a.state.is_final() && a.asked.is_some_and(|m| m.minor < missing);
        if self.is_open() && self.attempts.iter().any(short) {
            return Err(OrderError::InFlight);
        }
        let settled = matches!(self.status, Some(OrderStatus::Paid | OrderStatus::Fulfilled))
            && matches!(self.paid_by, Some(PaidBy::Transfer | PaidBy::Credit));
        // Money that came twice: what is still here of it takes the loss, as far as it goes.
        let spare = gone.min(self.refundable(RefundOf::Overpayment)).max(0);
        let lacks = gone - spare;
        let money = |minor| Money::new(minor, debit.amount.currency);
        let reopened = settled && lacks > 0;
        let returned = OrderEvent::DirectDebitReturned {
            file: debit.file,
            mandate: debit.mandate,
            account: self.account,
            subscription: self.subscription,
            taken_back: money(gone),
            reason,
            reopened,
            of_overpaid: (spare > 0).then(|| money(spare)),
            rest: (settled && lacks > 0).then(|| money(lacks)),
            at,
        };
        // What was to go back by transfer and was not sent is here no more.
        let unsent = self.refunds.iter().filter(|r| {
            r.of == RefundOf::Price
                && r.via == RefundVia::Transfer
                && matches!(r.state, RefundState::Proposed | RefundState::Started)
        });
        let void = unsent.filter(|_| reopened).map(|r| match r.state {
            RefundState::Proposed => OrderEvent::RefundRejected { refund: r.id, by: self.account, at },
            _ => OrderEvent::RefundRefused { refund: r.id, code: DEBIT_RETURNED.into(), at },
        });
        Ok(std::iter::once(returned).chain(void).collect())
    }

    /// Nothing came by a debit that is not collected, so nothing is taken off: an order that was paid meanwhile was
    /// paid otherwise, or the bank books the debit and takes it back, which is a return.
    pub(super) fn reject_debit(&self, reason: String, at: DateTime<Utc>) -> Decision {
        let debit = self.debit.as_ref().ok_or(OrderError::NoDebit)?;
        if debit.returned || debit.rejected {
            return Ok(vec![]);
        }
        Ok(vec![OrderEvent::DirectDebitRejected {
            file: debit.file,
            mandate: debit.mandate,
            account: self.account,
            subscription: self.subscription,
            reason,
            at,
        }])
    }

    pub(super) fn note_return(&mut self, taken_back: Money, of_overpaid: Option<Money>, rest: Option<Money>) {
        self.transferred -= taken_back.minor;
        self.overpaid -= of_overpaid.map_or(0, |m| m.minor);
        // What came too much and is gone pays for nothing: only what is not missing counts.
        if let (Some(rest), Some(total)) = (rest, self.total) {
            self.transferred = total.minor - self.credit - rest.minor;
        }
        if let Some(debit) = &mut self.debit {
            debit.returned = true;
        }
    }

    pub(super) fn reopen(&mut self) {
        self.status = Some(OrderStatus::Created);
        self.paid_by = None;
    }
}
