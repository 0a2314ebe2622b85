//! Payment gateways behind one trait. A gateway keeps payment methods, charges them once per key,
//! and can be asked what became of a key. It knows no orders and no subscriptions.

pub mod bank;
pub mod remote;
pub mod sandbox;

use crate::domain::shared::Money;
use crate::domain::shared::payment::{Collection, Outcome, RefundOutcome};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// One charge. The same key is the same charge, however often it is sent.
#[derive(Clone, Debug)]
pub struct ChargeRequest {
    /// The merchant's key: the id of the payment attempt.
    pub key: Uuid,
    /// What is charged.
    pub token: String,
    /// How much.
    pub amount: Money,
    /// What stands on the statement: the order's number.
    pub description: String,
    /// When, by the instance's clock.
    pub at: DateTime<Utc>,
}

/// One refund of a charge. The same key is the same refund, however often it is sent.
#[derive(Clone, Debug)]
pub struct RefundRequest {
    /// The merchant's key: the id of the refund.
    pub key: Uuid,
    /// The key of the charge.
    pub charge: Uuid,
    /// How much of it.
    pub amount: Money,
    /// When, by the instance's clock.
    pub at: DateTime<Utc>,
}

/// A payment method as the gateway keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct SavedMethod {
    /// The gateway's name for it.
    pub token: String,
    /// What the member reads, such as "Visa ending in 4242"; personal.
    pub label: String,
}

/// What a person typed about a card. Never stored, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct CardEntry {
    /// The number.
    pub number: String,
    /// Month and year of expiry, `MM/YY`.
    pub expiry: String,
}

/// Why a gateway gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    /// The answer was lost: the charge may or may not have been made.
    #[error("the gateway did not answer in time")]
    TimedOut,
    /// What was sent cannot be accepted; in words for the person who typed it.
    #[error("{0}")]
    Refused(String),
    /// The gateway does not do this.
    #[error("this gateway cannot do that")]
    Unsupported,
}

/// A payment service.
#[async_trait]
pub trait Gateway: Send + Sync {
    /// Its name in events and settings.
    fn name(&self) -> &'static str;

    /// How subscriptions can be collected through it.
    fn collections(&self) -> &'static [Collection];

    /// Keeps a card for later charges.
    ///
    /// # Errors
    /// If the card is refused or the gateway does not answer.
    async fn save(&self, card: &CardEntry) -> Result<SavedMethod, GatewayError>;

    /// Charges a kept method. Sent again with the same key it gives the same answer.
    ///
    /// # Errors
    /// [`GatewayError::TimedOut`] leaves open whether the charge was made.
    async fn charge(&self, request: &ChargeRequest) -> Result<Outcome, GatewayError>;

    /// What became of a key; `None` if no charge with it was ever made.
    ///
    /// # Errors
    /// If the gateway does not answer.
    async fn look_up(&self, key: Uuid) -> Result<Option<Outcome>, GatewayError>;

    /// Withdraws a charge that was not made yet and bars its key, so that a message that is still
    /// on its way cannot make it later. Gives what the charge is now: one that succeeded stays so.
    ///
    /// # Errors
    /// If the gateway does not answer.
    async fn cancel(&self, key: Uuid, amount: Money, at: DateTime<Utc>) -> Result<Outcome, GatewayError>;

    /// The holder of the card confirms or refuses a charge that asks for it.
    ///
    /// # Errors
    /// If the gateway does not answer or has no such charge.
    async fn confirm(&self, key: Uuid, approve: bool, at: DateTime<Utc>) -> Result<Outcome, GatewayError>;

    /// Gives back a charge, or part of it. Sent again with the same key it gives the same answer.
    ///
    /// # Errors
    /// [`GatewayError::TimedOut`] leaves open whether the refund was made.
    async fn refund(&self, request: &RefundRequest) -> Result<RefundOutcome, GatewayError>;

    /// What became of a refund; `None` if none with this key was ever made.
    ///
    /// # Errors
    /// If the gateway does not answer.
    async fn look_up_refund(&self, charge: Uuid, key: Uuid) -> Result<Option<RefundOutcome>, GatewayError>;

    /// Forgets a kept method.
    ///
    /// # Errors
    /// If the gateway does not answer.
    async fn forget(&self, token: &str) -> Result<(), GatewayError>;
}
