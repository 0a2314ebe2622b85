//! Cards that are typed into a gateway's own fields in the browser and never come here.

use super::accounts::AccountsError;
use super::accounts::limits::Buckets;
use super::payments::{PaymentError, card_gateway, gateway, kept};
use super::services::Services;
use crate::domain::shared::payment::PaymentMethod;
use crate::domain::shared::{AccountId, PersonalValue};
use crate::store::StoreError;
use std::net::IpAddr;
use uuid::Uuid;

pub use crate::adapters::gateways::{CardForm, ClientStep};

/// Why no card can be kept now.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// The limit, or the store.
    #[error(transparent)]
    Limit(#[from] AccountsError),
    /// The gateway.
    #[error(transparent)]
    Payment(#[from] PaymentError),
}

impl From<StoreError> for CardError {
    fn from(error: StoreError) -> Self {
        Self::Payment(error.into())
    }
}

/// Where cards are typed in this studio; none if it takes no cards.
#[must_use]
pub fn form(cx: &Services) -> Option<CardForm> {
    gateway(cx, card_gateway(cx)?).ok().map(|g| g.card_form())
}

/// Begins to keep a card of `account`, who asks from `address`: what the gateway's script needs for it. How
/// often is limited: whoever has many foreign cards tries them out like this.
///
/// # Errors
/// If that was too often lately, no gateway takes cards in this way, or it does not answer.
pub async fn begin(cx: &Services, account: AccountId, address: IpAddr) -> Result<ClientStep, CardError> {
    let buckets = Buckets::new(cx, "card", &account.to_string(), Some(address))?;
    buckets.check(cx, cx.clock.now()).await?;
    buckets.count(cx, cx.clock.now()).await?;
    Ok(setup(cx, account).await?)
}

async fn setup(cx: &Services, account: AccountId) -> Result<ClientStep, PaymentError> {
    let name = card_gateway(cx).ok_or_else(|| PaymentError::NoGateway("for cards".into()))?;
    Ok(gateway(cx, name)?.begin_setup(account).await?)
}

/// Takes over a card that the gateway keeps for `account`; `reference` is what its script gave.
///
/// # Errors
/// If it is not theirs, or the gateway does not answer.
pub async fn finish(
    cx: &Services,
    account: AccountId,
    reference: &str,
) -> Result<(PaymentMethod, PersonalValue), PaymentError> {
    let name = card_gateway(cx).ok_or_else(|| PaymentError::NoGateway("for cards".into()))?;
    let saved = gateway(cx, name)?.finish_setup(account, reference).await?;
    Ok(kept(cx, account, name, saved))
}

/// What the script needs for the holder's confirmation of an attempt; none where the gateway has no script.
///
/// # Errors
/// If the gateway does not answer.
pub async fn confirmation(
    cx: &Services,
    gateway_name: &str,
    attempt: Uuid,
) -> Result<Option<ClientStep>, PaymentError> {
    let gateway = gateway(cx, gateway_name)?;
    match gateway.card_form() {
        CardForm::Here => Ok(None),
        CardForm::Elsewhere { .. } => Ok(Some(gateway.begin_confirm(attempt).await?)),
    }
}
