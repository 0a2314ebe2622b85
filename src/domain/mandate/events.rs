use crate::domain::shared::{AccountId, PersonalRef};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What happened to a person's mandate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum MandateEvent {
    /// The member signed one.
    MandateSigned {
        /// Its own id.
        mandate: Uuid,
        /// Whose it is.
        account: AccountId,
        /// What bank and member call it by.
        reference: String,
        /// The account that is debited, in the member's part of the vault.
        iban: PersonalRef,
        /// Its holder, there too.
        holder: PersonalRef,
        /// The creditor identifier of the seller.
        creditor: String,
        /// Days before a debit at which the member is told.
        notice_days: u8,
        /// The day of signature, where the studio is.
        signed_on: NaiveDate,
        /// When.
        at: DateTime<Utc>,
    },
    /// Nothing more is collected by it.
    MandateRevoked {
        /// Which one.
        mandate: Uuid,
        /// When.
        at: DateTime<Utc>,
    },
    /// It stands in a file for the bank.
    MandateUsed {
        /// Which one.
        mandate: Uuid,
        /// In which file.
        file: Uuid,
        /// The day on which is collected.
        collect_on: NaiveDate,
    },
    /// A debit came back.
    MandateDebitReturned {
        /// Which one.
        mandate: Uuid,
        /// In which file it was collected.
        file: Uuid,
        /// The bank's code.
        reason: String,
        /// The bank says that it must not be used again.
        ends: bool,
        /// When.
        at: DateTime<Utc>,
    },
}
