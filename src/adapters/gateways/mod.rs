//! Payment gateways behind one trait. A gateway keeps payment methods, charges them once per key,
//! and can be asked what became of a key. It knows no orders and no subscriptions.

pub mod bank;
pub mod remote;
pub mod sandbox;
pub mod stripe;

use crate::domain::order::DisputeReport;
use crate::domain::shared::Money;
use crate::domain::shared::payment::{Collection, Outcome, RefundOutcome};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
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
    /// The buyer is there, and can confirm it at once.
    pub present: bool,
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
    /// The first day on which it can be charged no more, if that is known.
    pub expires_on: Option<NaiveDate>,
}

/// Where a card is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CardForm {
    /// Into fields of ours, which go to [`Gateway::save`].
    Here,
    /// Into fields of the gateway's own script; the card never comes here.
    Elsewhere {
        /// Address of the script.
        script: String,
        /// The name under which the studio is known to it; no secret.
        publishable_key: String,
    },
}

/// What the gateway's script in the browser needs to do its part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClientStep {
    /// Address of the script.
    pub script: String,
    /// The name under which the studio is known to it; no secret.
    pub publishable_key: String,
    /// Lets the browser finish this one thing.
    pub client_secret: String,
    /// The card that has to be named once more.
    pub method: Option<String>,
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

    /// Where cards are typed.
    fn card_form(&self) -> CardForm {
        CardForm::Here
    }

    /// Begins to keep a card that is typed elsewhere, for an account.
    ///
    /// # Errors
    /// If the gateway does not answer, or cards are typed here.
    async fn begin_setup(&self, _account: Uuid) -> Result<ClientStep, GatewayError> {
        Err(GatewayError::Unsupported)
    }

    /// Takes over a card that was typed elsewhere; `reference` is what the script gave.
    ///
    /// # Errors
    /// If it is none of this account's, or the gateway does not answer.
    async fn finish_setup(&self, _account: Uuid, _reference: &str) -> Result<SavedMethod, GatewayError> {
        Err(GatewayError::Unsupported)
    }

    /// What the script needs for the holder's confirmation of a charge.
    ///
    /// # Errors
    /// If the gateway does not answer, or confirms otherwise.
    async fn begin_confirm(&self, _key: Uuid) -> Result<ClientStep, GatewayError> {
        Err(GatewayError::Unsupported)
    }

    /// Keeps a card for later charges.
    ///
    /// # Errors
    /// If the card is refused or the gateway does not answer.
    async fn save(&self, card: &CardEntry) -> Result<SavedMethod, GatewayError>;

    /// Whether such an amount can be charged: not every service takes every last digit of every currency.
    fn can_charge(&self, _amount: Money) -> bool {
        true
    }

    /// Charges a kept method. Sent again with the same key it gives the same answer.
    ///
    /// # Errors
    /// [`GatewayError::TimedOut`] leaves open whether the charge was made.
    async fn charge(&self, request: &ChargeRequest) -> Result<Outcome, GatewayError>;

    /// What became of a key, under which `amount` was asked for; `None` if no charge with it was ever made.
    ///
    /// # Errors
    /// If the gateway does not answer, or has another amount under the key.
    async fn look_up(&self, key: Uuid, amount: Money) -> Result<Option<Outcome>, GatewayError>;

    /// Withdraws a charge that was not made yet and bars its key, so that a message that is still
    /// on its way cannot make it later. Gives what the charge is now: one that succeeded stays so.
    ///
    /// # Errors
    /// If the gateway does not answer.
    async fn cancel(&self, key: Uuid, amount: Money, at: DateTime<Utc>) -> Result<Outcome, GatewayError>;

    /// The holder of the card confirms or refuses a charge of `amount` that asks for it.
    ///
    /// # Errors
    /// If the gateway does not answer or has no such charge.
    async fn confirm(
        &self,
        key: Uuid,
        approve: bool,
        amount: Money,
        at: DateTime<Utc>,
    ) -> Result<Outcome, GatewayError>;

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

    /// The disputes of charges that it knows of, opened at `since` or later. `now` is the time by the
    /// instance's clock.
    ///
    /// # Errors
    /// If the gateway does not answer.
    async fn disputes(
        &self,
        _since: DateTime<Utc>,
        _now: DateTime<Utc>,
    ) -> Result<Vec<DisputeReport>, GatewayError> {
        Ok(vec![])
    }

    /// Forgets an account, with whatever is kept for it.
    ///
    /// # Errors
    /// If the gateway does not answer.
    async fn forget_account(&self, _account: Uuid) -> Result<(), GatewayError> {
        Ok(())
    }

    /// Forgets a kept method.
    ///
    /// # Errors
    /// If the gateway does not answer.
    async fn forget(&self, token: &str) -> Result<(), GatewayError>;
}
