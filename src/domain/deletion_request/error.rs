//! Why a wish about a deletion request is refused.

use chrono::{DateTime, Utc};

/// Reasons for a refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeletionError {
    /// There is no such request.
    #[error("There is no such deletion request.")]
    Unknown,
    /// The id is in use.
    #[error("This deletion request exists already.")]
    Exists,
    /// The account holds a staff role.
    #[error("This account holds a staff role. Hand the role over first, then ask again.")]
    StaffRole,
    /// The account owns published works.
    #[error("This account owns published works ({0}). Hand them over or remove them first, then ask again.")]
    PublishedWorks(u32),
    /// It is being carried out or done.
    #[error("The deletion has begun and cannot be withdrawn any more.")]
    TooLate,
    /// It was withdrawn.
    #[error("This deletion request was withdrawn.")]
    Withdrawn,
    /// The time to withdraw is not over.
    #[error("The deletion is due on {0}.")]
    NotDue(DateTime<Utc>),
    /// A step or the end without a beginning.
    #[error("The erasure has not begun.")]
    NotStarted,
    /// Not every step is done.
    #[error("The erasure has steps left.")]
    StepsLeft,
}
