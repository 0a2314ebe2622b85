use crate::domain::shared::payment::PaymentMethod;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What happened to a wallet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum WalletEvent {
    /// A way to pay is in it.
    PaymentMethodKept {
        /// Its own id: it follows from the gateway and its name there.
        id: Uuid,
        /// The way to pay.
        method: PaymentMethod,
        /// When.
        at: DateTime<Utc>,
    },
    /// It is offered first.
    DefaultMethodChosen {
        /// Which.
        id: Uuid,
        /// When.
        at: DateTime<Utc>,
    },
    /// It is used no more, and the gateway is to forget it.
    PaymentMethodRemoved {
        /// Which.
        id: Uuid,
        /// When.
        at: DateTime<Utc>,
    },
    /// The gateway has forgotten it: it can never be charged again.
    PaymentMethodDetached {
        /// Which.
        id: Uuid,
        /// When.
        at: DateTime<Utc>,
    },
}
