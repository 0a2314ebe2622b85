//! Direct debits of an order: sent to the bank once, and perhaps not collected, or given back.

use super::{Order, OrderError, OrderEvent, OrderStatus, PaidBy};
use crate::domain::shared::Money;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

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
        let settled = matches!(self.status, Some(OrderStatus::Paid | OrderStatus::Fulfilled))
            && self.paid_by == Some(PaidBy::Transfer);
        // Money that came twice: what is left may still be enough.
        let enough = self.total.is_some_and(|t| self.transferred - gone >= t.minor);
        Ok(vec![OrderEvent::DirectDebitReturned {
            file: debit.file,
            mandate: debit.mandate,
            account: self.account,
            subscription: self.subscription,
            taken_back: Money::new(gone, debit.amount.currency),
            reason,
            reopened: settled && !enough,
            at,
        }])
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

    pub(super) fn note_return(&mut self, taken_back: Money, reopened: bool) {
        self.transferred -= taken_back.minor;
        if let Some(debit) = &mut self.debit {
            debit.returned = true;
        }
        if reopened {
            self.status = Some(OrderStatus::Created);
            self.paid_by = None;
        }
    }
}
