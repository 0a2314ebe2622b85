//! The ways to pay that a person keeps: added, removed, offered first, and used for a subscription.

use super::bus::{CommandError, Envelope};
use super::payments::PaymentError;
use super::services::Services;
use crate::domain::shared::calendar::Zone;
use crate::domain::shared::payment::PaymentMethod;
use crate::domain::shared::{AccountId, PersonalValue};
use crate::domain::subscription::{Subscription, SubscriptionCommand, SubscriptionError};
use crate::domain::wallet::{KeptMethod, Wallet, WalletCommand, WalletError, method_id};
use crate::projections::subscriptions::{self, SubscriptionRow};
use crate::store::repository::EventRepository;
use crate::store::{Metadata, Receipt, StoreError};
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

/// Why a wish is not fulfilled.
#[derive(Debug, thiserror::Error)]
pub enum WalletProblem {
    /// A subscription is charged by it.
    #[error("Your subscription {0} is paid with this card. Choose another one for it first.")]
    InUse(String),
    /// Not one of the person's own, or ended.
    #[error("There is no such subscription any more. Reload the page.")]
    NoSubscription,
    /// The wallet refuses.
    #[error(transparent)]
    Wallet(#[from] CommandError<WalletError>),
    /// The subscription refuses.
    #[error(transparent)]
    Subscription(#[from] CommandError<SubscriptionError>),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The wallet of an account; an empty one if nothing was ever kept.
///
/// # Errors
/// If the log cannot be read.
pub async fn load(cx: &Services, account: AccountId) -> Result<Wallet, StoreError> {
    Ok(EventRepository::<Wallet>::new(cx.pool.clone(), cx.journal.clone()).load(account).await?.state)
}

async fn send(
    cx: &Services,
    (id, meta): (Uuid, Metadata),
    account: AccountId,
    command: WalletCommand,
    private: Vec<PersonalValue>,
) -> Result<Receipt, CommandError<WalletError>> {
    cx.bus.dispatch::<Wallet>(Envelope::new(id, account, command, meta).with_private(private)).await
}

/// Keeps a way to pay that its owner entered.
///
/// # Errors
/// If there are too many.
pub async fn add(
    cx: &Services,
    (id, meta): (Uuid, Metadata),
    account: AccountId,
    (method, label): (PaymentMethod, PersonalValue),
) -> Result<Receipt, WalletProblem> {
    let command = WalletCommand::Add { method, at: meta.at };
    Ok(send(cx, (id, meta), account, command, vec![label]).await?)
}

/// Offers one first.
///
/// # Errors
/// If it is not kept, or has expired.
pub async fn choose_default(
    cx: &Services,
    (id, meta): (Uuid, Metadata),
    account: AccountId,
    method: Uuid,
) -> Result<Receipt, WalletProblem> {
    let command = WalletCommand::ChooseDefault { method, today: today(cx, meta.at), at: meta.at };
    Ok(send(cx, (id, meta), account, command, vec![]).await?)
}

/// Removes one that no subscription uses; the gateway forgets it afterwards.
///
/// # Errors
/// [`WalletProblem::InUse`] with the name of the subscription that is paid with it.
pub async fn remove(
    cx: &Services,
    (id, meta): (Uuid, Metadata),
    account: AccountId,
    method: Uuid,
) -> Result<Receipt, WalletProblem> {
    if let Some(user) = user_of(cx, account, method).await? {
        return Err(WalletProblem::InUse(user.plan()));
    }
    let command = WalletCommand::Remove { method, today: today(cx, meta.at), at: meta.at };
    Ok(send(cx, (id, meta), account, command, vec![]).await?)
}

/// A subscription that lives and is paid with that one.
///
/// # Errors
/// If the log cannot be read.
pub async fn user_of(
    cx: &Services,
    account: AccountId,
    method: Uuid,
) -> Result<Option<SubscriptionRow>, StoreError> {
    let repository = EventRepository::<Subscription>::new(cx.pool.clone(), cx.journal.clone());
    for row in subscriptions::of_account(&cx.reader, account).await? {
        // The list may be a moment behind; the log is not.
        let state = repository.load(row.id).await?.state;
        let uses = state.method().is_some_and(|m| method_id(m) == method);
        if uses && state.status().is_some_and(|s| !s.is_final()) {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

/// Uses one for a subscription of its owner: the clock charges it from then on.
///
/// # Errors
/// If either is not theirs, or the subscription has ended.
pub async fn assign(
    cx: &Services,
    (id, meta): (Uuid, Metadata),
    account: AccountId,
    (subscription, method): (Uuid, Uuid),
) -> Result<Receipt, WalletProblem> {
    let mine = subscriptions::of_account(&cx.reader, account).await?;
    let row = mine.iter().find(|s| s.id == subscription && !s.status.is_final());
    let row = row.ok_or(WalletProblem::NoSubscription)?;
    let wallet = load(cx, account).await?;
    let kept = usable(&wallet, method, today(cx, meta.at)).map_err(CommandError::Refused)?;
    let command = SubscriptionCommand::ChangeMethod { method: kept.method.clone(), at: meta.at };
    Ok(cx.bus.dispatch::<Subscription>(Envelope::new(id, row.id, command, meta)).await?)
}

/// The day of that moment where the studio is.
fn today(cx: &Services, at: DateTime<Utc>) -> NaiveDate {
    Zone::parse(&cx.config.studio.zone).map_or_else(|_| at.date_naive(), |zone| zone.date_of(at))
}

/// One that is kept and can be charged on that day.
///
/// # Errors
/// [`WalletError::Unknown`] or [`WalletError::Expired`].
pub fn usable(wallet: &Wallet, method: Uuid, today: NaiveDate) -> Result<&KeptMethod, WalletError> {
    let kept = wallet.method(method).ok_or(WalletError::Unknown)?;
    if kept.is_usable(today) { Ok(kept) } else { Err(WalletError::Expired) }
}

/// Lets a gateway forget a way to pay.
///
/// # Errors
/// If it does not answer, or is not set up any more.
pub async fn detach(cx: &Services, method: &PaymentMethod) -> Result<(), PaymentError> {
    Ok(super::payments::gateway(cx, &method.gateway)?.forget(&method.token).await?)
}
