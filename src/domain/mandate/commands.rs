use crate::domain::shared::{AccountId, PersonalRef};
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

/// Everything a mandate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignMandate {
    /// Its own id.
    pub mandate: Uuid,
    /// Whose it is.
    pub account: AccountId,
    /// What bank and member call it by; no other has it.
    pub reference: String,
    /// The account that is debited, in the member's part of the vault.
    pub iban: PersonalRef,
    /// Its holder, there too.
    pub holder: PersonalRef,
    /// The creditor identifier of the seller, which the member read.
    pub creditor: String,
    /// Days before a debit at which the member is told, as they agreed.
    pub notice_days: u8,
    /// The day of signature, where the studio is.
    pub signed_on: NaiveDate,
    /// When.
    pub at: DateTime<Utc>,
}

/// What may be asked of a person's mandate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MandateCommand {
    /// Sign one.
    Sign(Box<SignMandate>),
    /// Take it back: nothing more is collected.
    Revoke {
        /// When.
        at: DateTime<Utc>,
    },
    /// It stands in a file for the bank.
    RecordUse {
        /// Which mandate.
        mandate: Uuid,
        /// In which file.
        file: Uuid,
        /// The day on which is collected.
        collect_on: NaiveDate,
    },
    /// A debit came back.
    RecordReturn {
        /// Which mandate.
        mandate: Uuid,
        /// In which file it was collected.
        file: Uuid,
        /// The bank's code.
        reason: String,
        /// When.
        at: DateTime<Utc>,
    },
}
