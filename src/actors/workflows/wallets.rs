//! Keeps in the wallet of a person whatever their subscriptions are paid with, and lets the gateway forget
//! what was removed from it.

use super::{Workflow, WorkflowError, caught_up};
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::services::Services;
use crate::actors::wallet;
use crate::domain::shared::AccountId;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::domain::shared::payment::PaymentMethod;
use crate::domain::subscription::{Subscription, SubscriptionEvent};
use crate::domain::wallet::{Wallet, WalletCommand, WalletError, WalletEvent};
use crate::store::RecordedEvent;
use crate::store::repository::EventRepository;
use async_trait::async_trait;
use uuid::Uuid;

/// The workflow.
pub struct Wallets;

const NAME: &str = "wallets";

#[async_trait]
impl Workflow for Wallets {
    fn name(&self) -> &'static str {
        NAME
    }

    fn follows(&self) -> &'static [&'static str] {
        &[WalletEvent::CATEGORY, SubscriptionEvent::CATEGORY]
    }

    fn at_once(&self) -> usize {
        8
    }

    async fn handle(&self, event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
        if let Some(WalletEvent::PaymentMethodRemoved { id, .. }) = event.decode::<WalletEvent>()? {
            return forget(event, cx, id).await;
        }
        match event.decode::<SubscriptionEvent>()? {
            Some(SubscriptionEvent::SubscriptionJoined { owner, method: Some(method), .. }) => {
                keep(event, cx, owner, method).await
            }
            Some(SubscriptionEvent::PaymentMethodChanged { method }) => {
                let repository = EventRepository::<Subscription>::new(cx.pool.clone(), cx.journal.clone());
                let owner = repository.load(event.stream_uuid()).await?.state.owner();
                keep(event, cx, owner, method).await
            }
            _ => Ok(()),
        }
    }
}

async fn send(
    event: &RecordedEvent,
    cx: &Services,
    account: AccountId,
    purpose: &str,
    command: WalletCommand,
) -> Result<(), WorkflowError> {
    let (id, meta) = cx.follow(event, NAME, purpose);
    match cx.bus.dispatch::<Wallet>(Envelope::new(id, account, command, meta)).await {
        // Forgotten by the gateway before the subscription took it: the clock will be told that it is none.
        Ok(_) | Err(CommandError::Refused(WalletError::Detached)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

async fn keep(
    event: &RecordedEvent,
    cx: &Services,
    owner: AccountId,
    method: PaymentMethod,
) -> Result<(), WorkflowError> {
    send(event, cx, owner, "keep", WalletCommand::Follow { method, at: event.effective_at }).await
}

async fn forget(event: &RecordedEvent, cx: &Services, method: Uuid) -> Result<(), WorkflowError> {
    let account = event.stream_uuid();
    let state = wallet::load(cx, account).await?;
    let Some(gone) = state.attached().find(|m| m.id == method).cloned() else { return Ok(()) };
    if state.method(method).is_some() {
        return Ok(());
    }
    caught_up(event, cx, &["subscriptions"]).await?;
    let at = event.effective_at;
    // Somebody who chose it in another window at that moment goes on paying with it.
    if wallet::user_of(cx, account, method).await?.is_some() {
        return send(event, cx, account, "keep", WalletCommand::Follow { method: gone.method, at }).await;
    }
    wallet::detach(cx, &gone.method).await?;
    send(event, cx, account, "detached", WalletCommand::RecordDetached { method, at }).await
}
