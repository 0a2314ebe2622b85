//! A file of direct debits for the bank: what is collected from whom, on which day. Its one event says all of
//! it, so that the same file can be made again to the byte.

use crate::domain::shared::sepa::Sequence;
use crate::domain::shared::{AccountId, Money, PersonalRef};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

#[cfg(test)]
mod tests;

/// Most debits of one file.
pub const MOST_DEBITS: usize = 10_000;

/// Who collects, as it was when the file was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Creditor {
    /// Name.
    pub name: String,
    /// Account to which is collected.
    pub iban: String,
    /// Its bank, where it is known.
    pub bic: Option<String>,
    /// Creditor identifier.
    pub identifier: String,
}

/// One debit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debit {
    /// For which order.
    pub order: Uuid,
    /// What people call it.
    pub number: String,
    /// The end-to-end reference: that of the order, by which the bank's statement is booked.
    pub reference: String,
    /// Who pays.
    pub account: AccountId,
    /// By which mandate.
    pub mandate: Uuid,
    /// What it is called.
    pub mandate_reference: String,
    /// The day it was signed.
    pub signed_on: NaiveDate,
    /// The account that is debited.
    pub iban: PersonalRef,
    /// Its holder.
    pub holder: PersonalRef,
    /// Which collection by the mandate it is.
    pub sequence: Sequence,
    /// How much.
    pub amount: Money,
    /// On which day.
    pub collect_on: NaiveDate,
}

/// What may be asked of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DebitFileCommand {
    /// Make it.
    Make {
        /// Its own id.
        file: Uuid,
        /// What the bank calls it by.
        message: String,
        /// Who collects.
        creditor: Creditor,
        /// What is collected.
        debits: Vec<Debit>,
        /// Who makes it.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
}

/// What happened to a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum DebitFileEvent {
    /// Staff made it.
    DebitFileMade {
        /// Its own id.
        file: Uuid,
        /// What the bank calls it by.
        message: String,
        /// Who collects.
        creditor: Creditor,
        /// What is collected.
        debits: Vec<Debit>,
        /// Who made it.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
}

/// Why a file is not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DebitFileError {
    /// The id is taken.
    #[error("This file exists already.")]
    Exists,
    /// Nothing is due.
    #[error("There is nothing to collect.")]
    Empty,
    /// Too much for one file.
    #[error("At most {MOST_DEBITS} debits go into one file.")]
    TooMany,
    /// An order or a mandate twice, not in euro, or nothing to pay.
    #[error("A file holds each order and each mandate once, with an amount above zero in euro.")]
    Unfit,
}

/// A file as its event made it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct DebitFile {
    made: Option<Made>,
}

/// What a file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Its own id.
    pub file: Uuid,
    /// What the bank calls it by.
    pub message: String,
    /// Who collects.
    pub creditor: Creditor,
    /// What is collected.
    pub debits: Vec<Debit>,
    /// Who made it.
    pub by: AccountId,
    /// When.
    pub at: DateTime<Utc>,
}

impl Made {
    /// The debits that go to the bank as one batch: of one day and one sequence, with the batch's own name.
    #[must_use]
    pub fn batches(&self) -> Vec<(String, NaiveDate, Sequence, Vec<&Debit>)> {
        let keys: BTreeSet<(NaiveDate, Sequence)> =
            self.debits.iter().map(|d| (d.collect_on, d.sequence)).collect();
        keys.into_iter()
            .enumerate()
            .map(|(n, (day, sequence))| {
                let of = |d: &&Debit| (d.collect_on, d.sequence) == (day, sequence);
                (
                    format!("{}-{}", self.message, n + 1),
                    day,
                    sequence,
                    self.debits.iter().filter(of).collect(),
                )
            })
            .collect()
    }

    /// The sum of all debits; minor units.
    #[must_use]
    pub fn sum(&self) -> i64 {
        self.debits.iter().map(|d| d.amount.minor).sum()
    }
}

impl DebitFile {
    /// What it says; none before it was made.
    #[must_use]
    pub const fn made(&self) -> Option<&Made> {
        self.made.as_ref()
    }

    /// Decides what follows from a command.
    ///
    /// # Errors
    /// The reason for which it is refused.
    pub fn decide(&self, command: DebitFileCommand) -> Result<Vec<DebitFileEvent>, DebitFileError> {
        let DebitFileCommand::Make { file, message, creditor, debits, by, at } = command;
        if self.made.is_some() {
            return Err(DebitFileError::Exists);
        }
        if debits.is_empty() {
            return Err(DebitFileError::Empty);
        }
        if debits.len() > MOST_DEBITS {
            return Err(DebitFileError::TooMany);
        }
        let orders: BTreeSet<Uuid> = debits.iter().map(|d| d.order).collect();
        let mandates: BTreeSet<Uuid> = debits.iter().map(|d| d.mandate).collect();
        let payable = |d: &Debit| d.amount.minor > 0 && d.amount.currency.code() == "EUR";
        if orders.len() < debits.len() || mandates.len() < debits.len() || !debits.iter().all(payable) {
            return Err(DebitFileError::Unfit);
        }
        Ok(vec![DebitFileEvent::DebitFileMade { file, message, creditor, debits, by, at }])
    }

    /// Takes over what happened.
    pub fn apply(&mut self, event: DebitFileEvent) {
        let DebitFileEvent::DebitFileMade { file, message, creditor, debits, by, at } = event;
        self.made = Some(Made { file, message, creditor, debits, by, at });
    }
}

crate::decider!(DebitFile, DebitFileCommand, DebitFileEvent, DebitFileError, "debit_file");
