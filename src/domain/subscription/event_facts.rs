//! What can be read off an event of a subscription.

use super::SubscriptionEvent;
use crate::domain::shared::calendar::Period;
use uuid::Uuid;

/// What was in force before it was a setting.
pub(super) const fn three_days() -> u16 {
    3
}

impl SubscriptionEvent {
    /// The order and the span that it paid for, where a period is paid with this.
    #[must_use]
    pub const fn paid_span(&self) -> Option<(Uuid, Period)> {
        match self {
            Self::SubscriptionActivated { order, period, .. }
            | Self::SubscriptionRenewed { order, period, .. }
            | Self::SubscriptionResumed { order, period, .. } => Some((*order, *period)),
            _ => None,
        }
    }

    /// Whether it decides where a subscription stands.
    #[must_use]
    pub const fn moves_status(&self) -> bool {
        matches!(
            self,
            Self::SubscriptionJoined { .. }
                | Self::TrialStarted { .. }
                | Self::SubscriptionPaused { .. }
                | Self::PauseEnded { .. }
                | Self::PlanChanged { .. }
                | Self::SubscriptionActivated { .. }
                | Self::SubscriptionRenewed { .. }
                | Self::SubscriptionResumed { .. }
                | Self::RenewalPaymentFailed { .. }
                | Self::SubscriptionPutOnHold { .. }
                | Self::EndAwaited { .. }
                | Self::CancellationScheduled { .. }
                | Self::CancellationUndone { .. }
                | Self::SubscriptionCancelled { .. }
                | Self::SubscriptionExpired { .. }
                | Self::SubscriptionParked { .. }
                | Self::PaidTimeExtended { .. }
                | Self::GivenDaysTakenBack { .. }
                | Self::PeriodWaived { .. }
                | Self::SubscriptionUnparked { .. }
        )
    }
}
