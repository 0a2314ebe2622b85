use serde::{Deserialize, Serialize};

/// Where a subscription stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Status {
    /// Nothing is paid for; no access.
    OnHold,
    /// Paid for, and it goes on.
    Active,
    /// Paid for, and it ends with the paid time.
    PendingCancellation,
    /// Ended by wish.
    Cancelled,
    /// Ended because it was not paid for too long.
    Expired,
}

impl Status {
    /// Whether it lets its owner watch.
    #[must_use]
    pub const fn gives_access(self) -> bool {
        matches!(self, Self::Active | Self::PendingCancellation)
    }

    /// Whether nothing more can happen to it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Cancelled | Self::Expired)
    }
}
