//! The credit of an account: what there is, and setting some of it aside for an order before that is placed.

use super::bus::{CommandError, Envelope};
use super::payments::{card_gateway, gateway, load_order};
use super::services::Services;
use crate::domain::credit::{Credit, CreditCommand, CreditError};
use crate::domain::order::{PlaceOrder, Settlement};
use crate::domain::shared::{AccountId, Money, PersonalValue};
use crate::projections::QueryError;
use crate::projections::credits;
use crate::store::repository::EventRepository;
use crate::store::{Metadata, Receipt, RecordedEvent, StoreError};

/// Why no credit could be set aside; it may be tried again.
#[derive(Debug, thiserror::Error)]
pub enum CreditsError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The command was not executed.
    #[error(transparent)]
    Command(#[from] CommandError<CreditError>),
}

/// The credit of an account as the log has it now.
///
/// # Errors
/// If the log cannot be read.
pub async fn load(cx: &Services, account: AccountId) -> Result<Credit, StoreError> {
    Ok(EventRepository::<Credit>::new(cx.pool.clone(), cx.journal.clone()).load(account).await?.state)
}

/// How much of a credit an order for `asked` uses: as much as there is, but what is left for the card is nothing, or as
/// much as the gateway charges at least.
fn usable(cx: &Services, balance: Money, asked: Money, by_card: bool) -> Money {
    let whole = balance.minor.min(asked.minor);
    let gateway = card_gateway(cx).and_then(|name| gateway(cx, name).ok()).filter(|_| by_card);
    let chargeable = |minor: i64| {
        let rest = Money::new(asked.minor - minor, asked.currency);
        rest.minor == 0 || gateway.as_ref().is_none_or(|g| g.can_charge(rest))
    };
    // An order that could not be charged without a credit either is not changed by it.
    let used = if chargeable(0) { (0..=whole).rev().find(|used| chargeable(*used)) } else { None };
    Money::new(used.unwrap_or(whole), asked.currency)
}

/// How much of an order for `asked` the account's credit would pay now, for the pages that say so before it is done.
///
/// # Errors
/// If the database cannot be read.
pub async fn there(
    cx: &Services,
    account: AccountId,
    asked: Money,
    by_card: bool,
) -> Result<Money, QueryError> {
    let balance = credits::there(&cx.reader, account, asked).await?;
    Ok(usable(cx, balance, asked, by_card))
}

/// Sets aside what the buyer's credit has for an order that `event` asks for, and writes it into the order. Done
/// again after a crash it is the same sum.
///
/// # Errors
/// If it cannot be read or written down now.
pub async fn set_aside(
    cx: &Services,
    event: &RecordedEvent,
    workflow: &str,
    place: &mut PlaceOrder,
) -> Result<(), CreditsError> {
    let gross = place.tax.gross;
    let before = load(cx, place.account).await?;
    if before.knows(place.order) {
        place.credit = before.used_for(place.order);
        return Ok(());
    }
    let by_card = matches!(place.settlement, Settlement::Charge { .. });
    let most = usable(cx, before.balance(gross.currency), gross, by_card);
    if most.minor <= 0 {
        return Ok(());
    }
    let (id, meta) = cx.follow(event, workflow, "credit");
    let (order, subscription, at) = (place.order, place.subscription, place.at);
    let command = CreditCommand::Use { id: order, order, subscription, most, at };
    let sent = cx.bus.dispatch::<Credit>(Envelope::new(id, place.account, command, meta)).await;
    sent?;
    place.credit = load(cx, place.account).await?.used_for(place.order);
    Ok(())
}

/// Sets aside what the buyer's credit has for what an open order lacks; the workflow `crediting` gives it to the
/// order. `None` if the order lacks nothing, or there is no credit in its currency.
///
/// # Errors
/// If it cannot be read or written down now.
pub async fn use_for_open(
    cx: &Services,
    (id, meta): (uuid::Uuid, Metadata),
    order: uuid::Uuid,
    reason: Vec<PersonalValue>,
) -> Result<Option<Receipt>, CreditsError> {
    let state = load_order(cx, order).await?;
    let Some(most) = state.rest().filter(|rest| rest.minor > 0 && !state.in_flight()) else {
        return Ok(None);
    };
    let (account, at) = (state.account(), meta.at);
    let balance = load(cx, account).await?.balance(most.currency);
    let most = usable(cx, balance, most, !state.is_by_transfer());
    if most.minor <= 0 {
        return Ok(None);
    }
    let command = CreditCommand::Use { id, order, subscription: state.subject(), most, at };
    let envelope = Envelope::new(id, account, command, meta).with_private(reason);
    let sent = cx.bus.dispatch::<Credit>(envelope).await;
    Ok(Some(sent?))
}

/// Gives back what was set aside for an order that was not placed after all. An answer that only did not come in
/// time changes nothing: the order may be there.
///
/// # Errors
/// If it cannot be written down now.
pub async fn not_placed<E>(
    cx: &Services,
    event: &RecordedEvent,
    workflow: &str,
    (account, order): (AccountId, uuid::Uuid),
    error: &CommandError<E>,
) -> Result<(), CreditsError> {
    if !matches!(error, CommandError::Refused(_) | CommandError::Taken { .. }) {
        return Ok(());
    }
    let (id, meta) = cx.follow(event, workflow, "credit-back");
    let command = CreditCommand::GiveBack { order, later: None, at: meta.at };
    let sent = cx.bus.dispatch::<Credit>(Envelope::new(id, account, command, meta)).await;
    Ok(sent.map(drop)?)
}
