//! Identifiers. New ones are UUIDv7 (ordered by time, kind to indexes) and come in with the command.

use uuid::Uuid;

/// An account, also the subject of its personal data.
pub type AccountId = Uuid;

/// Root of every derived id, so that derived ids of Kinora never meet those of other programs.
const NAMESPACE: Uuid = Uuid::from_u128(0x6b69_6e6f_7261_4000_8000_0000_0000_0001);

/// An id that follows from `parent` and `purpose`: the same input gives the same id on every
/// machine. Used for commands of workflows and scheduled jobs, so that a repetition is recognised.
#[must_use]
pub fn derive_id(parent: &str, purpose: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{parent}\u{1f}{purpose}").as_bytes())
}
