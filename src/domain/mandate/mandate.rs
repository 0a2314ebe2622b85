use super::{MandateCommand, MandateError, MandateEvent};
use crate::domain::shared::sepa::Sequence;
use crate::domain::shared::{AccountId, PersonalRef};
use chrono::{DateTime, Months, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A mandate by which nothing was collected for so long counts no more (SEPA Direct Debit Core, rulebook).
pub const LONGEST_UNUSED_MONTHS: u32 = 36;

/// Codes of the bank after which a mandate must not be used again: account wrong, closed, blocked or of another
/// kind, holder dead, no mandate, refused by the holder.
const ENDING: [&str; 9] = ["AC01", "AC04", "AC06", "AC13", "AG01", "BE05", "MD01", "MD07", "SL01"];

/// Letters and digits that are not mistaken for each other.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What bank and member call a mandate by: follows from its id.
#[must_use]
pub fn mandate_reference(mandate: Uuid) -> String {
    let hash = Sha256::digest(mandate.as_bytes());
    let letters = hash.iter().take(14).map(|b| char::from(ALPHABET[usize::from(b % 32)]));
    std::iter::once('M').chain(letters).collect()
}

/// A mandate in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedMandate {
    /// Its own id.
    pub mandate: Uuid,
    /// What bank and member call it by.
    pub reference: String,
    /// The account that is debited.
    pub iban: PersonalRef,
    /// Its holder.
    pub holder: PersonalRef,
    /// The creditor identifier the member read.
    pub creditor: String,
    /// Days before a debit at which the member is told.
    pub notice_days: u8,
    /// The day of signature.
    pub signed_on: NaiveDate,
    /// When.
    pub signed_at: DateTime<Utc>,
    /// The last day on which was collected, or is to be.
    pub last_used: Option<NaiveDate>,
    /// The files it stands in.
    pub files: Vec<Uuid>,
}

impl SignedMandate {
    /// Whether it may be collected by on `day`.
    #[must_use]
    pub fn holds_on(&self, day: NaiveDate) -> bool {
        let last = self.last_used.unwrap_or(self.signed_on);
        last.checked_add_months(Months::new(LONGEST_UNUSED_MONTHS)).is_some_and(|end| day <= end)
    }

    /// Which collection the next one is.
    #[must_use]
    pub const fn sequence(&self) -> Sequence {
        if self.files.is_empty() { Sequence::Frst } else { Sequence::Rcur }
    }
}

/// A person's mandate as its events made it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Mandate {
    account: AccountId,
    current: Option<SignedMandate>,
}

impl Mandate {
    /// Whose it is.
    #[must_use]
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// The one in force.
    #[must_use]
    pub const fn current(&self) -> Option<&SignedMandate> {
        self.current.as_ref()
    }

    fn current_is(&self, mandate: Uuid) -> Option<&SignedMandate> {
        self.current.as_ref().filter(|m| m.mandate == mandate)
    }

    /// Decides what follows from a command.
    ///
    /// # Errors
    /// The reason for which it is refused.
    pub fn decide(&self, command: MandateCommand) -> Result<Vec<MandateEvent>, MandateError> {
        match command {
            MandateCommand::Sign(sign) => match &self.current {
                Some(current) if current.mandate == sign.mandate => Ok(vec![]),
                Some(current) if current.holds_on(sign.signed_on) => Err(MandateError::Exists),
                _ => Ok(vec![MandateEvent::MandateSigned {
                    mandate: sign.mandate,
                    account: sign.account,
                    reference: sign.reference,
                    iban: sign.iban,
                    holder: sign.holder,
                    creditor: sign.creditor,
                    notice_days: sign.notice_days,
                    signed_on: sign.signed_on,
                    at: sign.at,
                }]),
            },
            MandateCommand::Revoke { at } => {
                let current = self.current.as_ref().ok_or(MandateError::Missing)?;
                Ok(vec![MandateEvent::MandateRevoked { mandate: current.mandate, at }])
            }
            // What is on its way when it is revoked is noted by its file alone.
            MandateCommand::RecordUse { mandate, file, collect_on } => Ok(self
                .current_is(mandate)
                .filter(|m| !m.files.contains(&file))
                .map(|_| MandateEvent::MandateUsed { mandate, file, collect_on })
                .into_iter()
                .collect()),
            MandateCommand::RecordReturn { mandate, file, reason, at } => {
                let ends = ENDING.contains(&reason.as_str());
                let known = self.current_is(mandate).is_some();
                let event = MandateEvent::MandateDebitReturned { mandate, file, reason, ends, at };
                Ok(if known { vec![event] } else { vec![] })
            }
        }
    }

    /// Takes over what happened.
    pub fn apply(&mut self, event: MandateEvent) {
        match event {
            MandateEvent::MandateSigned {
                mandate,
                account,
                reference,
                iban,
                holder,
                creditor,
                notice_days,
                signed_on,
                at,
            } => {
                self.account = account;
                self.current = Some(SignedMandate {
                    mandate,
                    reference,
                    iban,
                    holder,
                    creditor,
                    notice_days,
                    signed_on,
                    signed_at: at,
                    last_used: None,
                    files: Vec::new(),
                });
            }
            MandateEvent::MandateRevoked { .. } => self.current = None,
            MandateEvent::MandateUsed { file, collect_on, .. } => {
                if let Some(current) = &mut self.current {
                    current.last_used = Some(collect_on);
                    current.files.push(file);
                }
            }
            MandateEvent::MandateDebitReturned { ends: true, .. } => self.current = None,
            MandateEvent::MandateDebitReturned { .. } => {}
        }
    }
}
