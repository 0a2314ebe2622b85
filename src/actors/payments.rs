//! What workflows, jobs and pages do with gateways: keep a card, charge, look up, confirm.
//!
//! Every charge has its intent in the log before the gateway hears of it, and its outcome comes
//! back as a command. Nothing here holds a database transaction while a gateway is asked.

use super::bus::{CommandError, Envelope};
use super::services::Services;
use crate::adapters::gateways::remote::Remote;
use crate::adapters::gateways::sandbox::Sandbox;
use crate::adapters::gateways::stripe::Stripe;
use crate::adapters::gateways::{ChargeRequest, Gateway, SavedMethod};
use crate::config::Config;
use crate::domain::order::{Attempt, AttemptState, Order, OrderCommand, OrderError};
use crate::domain::shared::calendar::Zone;
use crate::domain::shared::payment::{BillingPolicy, NO_CHARGE_MADE, Outcome, PaymentMethod};
use crate::domain::shared::{AccountId, Money, PersonalValue};
use crate::projections::orders;
use crate::store::repository::EventRepository;
use crate::store::{Metadata, Receipt, StoreError};
use chrono::{DateTime, NaiveDate, Utc};
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;

pub use crate::adapters::gateways::CardEntry;
pub use crate::adapters::gateways::GatewayError;
pub use crate::adapters::gateways::bank::Iban;
pub use crate::adapters::gateways::sandbox::CARDS as TEST_CARDS;

/// Why a payment step did not happen.
#[derive(Debug, thiserror::Error)]
pub enum PaymentError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The gateway.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// No gateway of that name is switched on.
    #[error("the payment gateway {0} is not switched on")]
    NoGateway(String),
    /// A setting cannot be used; which one, and why.
    #[error("{0}")]
    Settings(String),
    /// The order refuses.
    #[error(transparent)]
    Order(#[from] CommandError<OrderError>),
}

/// The billing rules in force.
#[must_use]
pub fn policy(config: &Config) -> BillingPolicy {
    let short = |n: u32| u16::try_from(n).unwrap_or(u16::MAX);
    BillingPolicy {
        attempts: u8::try_from(config.billing.attempts).unwrap_or(u8::MAX).max(1),
        retry_after_days: short(config.billing.retry_days),
        expire_after_weeks: short(config.billing.expiry_weeks),
        manual_notice_days: short(config.billing.reminder_days),
        reminder_days: short(config.billing.reminder_days),
        card_reminder_days: short(config.billing.card_reminder_days),
        trial_reminder_days: short(config.billing.trial_reminder_days),
        ..BillingPolicy::default()
    }
}

/// The gateway of that name, if it is switched on.
///
/// # Errors
/// [`PaymentError::NoGateway`].
pub fn gateway(cx: &Services, name: &str) -> Result<Arc<dyn Gateway>, PaymentError> {
    let sandbox = &cx.config.gateways.sandbox;
    if name == "sandbox" && sandbox.enabled && !cx.config.is_production() {
        return match &sandbox.base_url {
            None => Ok(Arc::new(Sandbox::new(cx.lasting.clone()))),
            Some(base) => {
                Remote::new(base).map(|g| Arc::new(g) as Arc<dyn Gateway>).map_err(PaymentError::Settings)
            }
        };
    }
    if name == "stripe" && cx.config.gateways.stripe.enabled {
        return stripe(cx).map(|g| Arc::new(g) as Arc<dyn Gateway>);
    }
    Err(PaymentError::NoGateway(name.to_owned()))
}

/// Stripe, if it is switched on and its settings can be used.
///
/// # Errors
/// [`PaymentError::Settings`], in words.
pub fn stripe(cx: &Services) -> Result<Stripe, PaymentError> {
    let plain = !cx.config.is_production();
    Stripe::new(&cx.config.gateways.stripe, plain, cx.https.clone(), cx.lasting.clone())
        .map_err(PaymentError::Settings)
}

/// The gateway that takes cards, if any does: Stripe where it is switched on, else the sandbox.
#[must_use]
pub fn card_gateway(cx: &Services) -> Option<&'static str> {
    let name = if cx.config.gateways.stripe.enabled { "stripe" } else { "sandbox" };
    gateway(cx, name).ok().map(|g| g.name())
}

/// Whether the gateway that takes cards, if any does, can charge such an amount.
#[must_use]
pub fn can_charge(cx: &Services, amount: Money) -> bool {
    let by_card = card_gateway(cx).and_then(|name| gateway(cx, name).ok());
    by_card.is_none_or(|gateway| gateway.can_charge(amount))
}

/// The account to which transfers go, if they are taken: IBAN and holder.
#[must_use]
pub fn bank_account(config: &Config) -> Option<(Iban, String)> {
    let bank = &config.gateways.bank;
    if !bank.enabled {
        return None;
    }
    Iban::parse(&bank.iban).ok().map(|iban| (iban, bank.holder.clone()))
}

/// Keeps a card at the gateway; its label goes into the vault with the command that uses it.
///
/// # Errors
/// If no gateway takes cards, or it refuses this one.
pub async fn keep_card(
    cx: &Services,
    account: AccountId,
    card: &CardEntry,
) -> Result<(PaymentMethod, PersonalValue), PaymentError> {
    let name = card_gateway(cx).ok_or_else(|| PaymentError::NoGateway("for cards".into()))?;
    let saved = gateway(cx, name)?.save(card).await?;
    Ok(kept(cx, account, name, saved))
}

/// A card that a gateway keeps, as a payment method; its label goes into the vault.
pub(super) fn kept(
    cx: &Services,
    account: AccountId,
    gateway: &str,
    saved: SavedMethod,
) -> (PaymentMethod, PersonalValue) {
    let label = PersonalValue::new(account, "payment_method", cx.clock.new_id(), saved.label);
    let method = PaymentMethod {
        gateway: gateway.into(),
        token: saved.token,
        label: label.reference.clone(),
        expires_on: saved.expires_on,
    };
    (method, label)
}

/// The order as its events say.
///
/// # Errors
/// If the log cannot be read.
pub async fn load_order(cx: &Services, order: Uuid) -> Result<Order, StoreError> {
    Ok(EventRepository::<Order>::new(cx.pool.clone(), cx.journal.clone()).load(order).await?.state)
}

/// From when money for an order counts that arrived in the bank account on `day`: today from `now`, else from the
/// beginning of that day where the studio is, but not before the order was placed.
///
/// # Errors
/// If the database cannot be read.
pub async fn arrived(
    cx: &Services,
    order: Uuid,
    day: NaiveDate,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, StoreError> {
    let zone = Zone::parse(&cx.config.studio.zone).map_err(|e| StoreError::Unreadable(e.to_string()))?;
    if day >= zone.date_of(now) {
        return Ok(now);
    }
    let placed = orders::one(&cx.reader, order).await?.map_or(now, |row| row.placed_at);
    Ok(zone.start_of_day(day).max(placed).min(now))
}

/// Charges `method` for an attempt whose intent is in the log, and records the outcome under `id`.
/// Sent again after a crash it is the same charge: the attempt is the gateway's key.
///
/// # Errors
/// If the outcome cannot be recorded.
pub async fn charge(
    cx: &Services,
    order: Uuid,
    request: &ChargeRequest,
    gateway_name: &str,
    (id, meta): (Uuid, Metadata),
) -> Result<(), PaymentError> {
    let state = load_order(cx, order).await?;
    if !state.awaits_charge(request.key) {
        return Ok(());
    }
    let asked = Instant::now();
    let answer = match gateway(cx, gateway_name) {
        Ok(gateway) => gateway.charge(request).await,
        // Our own settings say nothing about the member's card, and the gateway may have been asked before a
        // restart: it is looked up once it is switched on again.
        Err(error) => {
            tracing::error!(%error, "a charge cannot be made");
            Err(GatewayError::TimedOut)
        }
    };
    cx.metrics
        .billing
        .gateway_duration
        .with_label_values(&[gateway_name])
        .observe(asked.elapsed().as_secs_f64());
    record(cx, order, request.key, gateway_name, outcome_of(answer), (id, meta)).await?;
    Ok(())
}

/// What the member is asked to confirm by an attempt; none if there is no such attempt.
///
/// # Errors
/// If the log cannot be read.
pub async fn to_confirm(cx: &Services, order: Uuid, attempt: Uuid) -> Result<Option<Money>, StoreError> {
    let state = load_order(cx, order).await?;
    Ok(state.attempts().iter().find(|a| a.id == attempt).map(|known| asked_of(&state, known)))
}

/// What an order is told of a gateway's answer to a charge.
#[must_use]
pub fn outcome_of(answer: Result<Outcome, GatewayError>) -> Outcome {
    match answer {
        Ok(outcome) => outcome,
        Err(GatewayError::TimedOut) => Outcome::Unknown,
        Err(GatewayError::Refused(_)) => Outcome::Declined { code: "gateway_refused".into(), hard: false },
        Err(GatewayError::Unsupported) => Outcome::Declined { code: "not_supported".into(), hard: true },
    }
}

/// What the gateway is asked for by an attempt.
fn asked_of(order: &Order, attempt: &Attempt) -> Money {
    let nothing = Money::new(0, crate::domain::shared::Currency::eur());
    attempt.asked.or_else(|| order.total()).unwrap_or(nothing)
}

/// Finds out at the gateway what became of an attempt without an answer. `asked_by` is the id of a
/// command of staff and the words of their reason; without it the look-up is the next one of the schedule.
/// Whether there was anything to record.
///
/// # Errors
/// If the order cannot be read or the result not be recorded.
pub async fn look_up(
    cx: &Services,
    order: Uuid,
    attempt: Uuid,
    asked_by: Option<(Uuid, PersonalValue)>,
    mut meta: Metadata,
) -> Result<bool, PaymentError> {
    let state = load_order(cx, order).await?;
    let Some(known) = state.attempts().iter().find(|a| a.id == attempt && !a.state.is_final()) else {
        return Ok(false);
    };
    let name = known.gateway.clone();
    // A gateway that is not switched on cannot say: in the end staff are asked.
    let outcome = match gateway(cx, &name) {
        Ok(gateway) => ask(gateway.as_ref(), attempt, asked_of(&state, known), meta.at).await,
        Err(error) => {
            tracing::error!(%order, %error, "a payment cannot be looked up");
            Err(GatewayError::TimedOut)
        }
    }
    .unwrap_or(Outcome::Unknown);
    // Somebody who asks out of turn and hears nothing new uses up none of the look-ups of the schedule.
    let waits = matches!(known.state, AttemptState::Unknown | AttemptState::Parked);
    if outcome == Outcome::Unknown && asked_by.is_some() && waits {
        return Ok(false);
    }
    meta.causation = None;
    let (id, reason) = asked_by.unzip();
    let id = id.unwrap_or_else(|| known.look_up_id());
    record_with(cx, order, attempt, &name, outcome, (id, meta, reason)).await?;
    Ok(true)
}

/// The gateway hints that something became of an attempt: it is asked, and what it says is recorded.
/// It is never barred here: a look-up of the schedule does that.
///
/// # Errors
/// If the gateway does not answer or the result cannot be recorded.
pub async fn hinted(
    cx: &Services,
    order: Uuid,
    attempt: Uuid,
    (id, meta): (Uuid, Metadata),
) -> Result<(), PaymentError> {
    let state = load_order(cx, order).await?;
    let Some(known) = state.attempts().iter().find(|a| a.id == attempt) else { return Ok(()) };
    let name = known.gateway.clone();
    if let Some(outcome) = gateway(cx, &name)?.look_up(attempt, asked_of(&state, known)).await? {
        record(cx, order, attempt, &name, outcome, (id, meta)).await?;
    }
    Ok(())
}

/// What became of a key. One that was never charged is barred, so that it cannot be charged later.
///
/// # Errors
/// If the gateway does not answer.
pub async fn ask(
    gateway: &dyn Gateway,
    key: Uuid,
    amount: Money,
    at: DateTime<Utc>,
) -> Result<Outcome, GatewayError> {
    match gateway.look_up(key, amount).await? {
        // Nobody confirms it any more: it is withdrawn, so that the answer becomes final.
        Some(Outcome::RequiresAction { until }) if until <= at => {
            return gateway.cancel(key, amount, at).await.map(taken_away);
        }
        Some(outcome) => return Ok(outcome),
        None => {}
    }
    Ok(match gateway.cancel(key, amount, at).await.map(taken_away)? {
        Outcome::Cancelled => Outcome::Declined { code: NO_CHARGE_MADE.into(), hard: false },
        other => other,
    })
}

/// What a gateway says after it was asked to withdraw a charge: one that can still be confirmed was not withdrawn, and
/// is asked about again.
fn taken_away(said: Outcome) -> Outcome {
    match said {
        Outcome::RequiresAction { .. } => Outcome::Unknown,
        other => other,
    }
}

/// Withdraws a charge that was not confirmed in time; whatever the gateway says then is recorded.
///
/// # Errors
/// If the order cannot be read or the result cannot be recorded.
pub async fn withdraw(
    cx: &Services,
    order: Uuid,
    attempt: Uuid,
    (id, meta): (Uuid, Metadata),
) -> Result<(), PaymentError> {
    let state = load_order(cx, order).await?;
    let Some(known) = state.attempts().iter().find(|a| a.id == attempt) else { return Ok(()) };
    let name = known.gateway.clone();
    // Without an answer it is one of those that are looked up until there is one.
    let outcome = match gateway(cx, &name) {
        Ok(gateway) => gateway.cancel(attempt, asked_of(&state, known), meta.at).await.map(taken_away),
        Err(error) => {
            tracing::error!(%order, %error, "a charge cannot be withdrawn");
            Err(GatewayError::TimedOut)
        }
    }
    .unwrap_or(Outcome::Unknown);
    record(cx, order, attempt, &name, outcome, (id, meta)).await?;
    Ok(())
}

/// The member confirms (or refuses) a charge at the sandbox's stand-in for the card's bank.
///
/// # Errors
/// If the gateway or the order refuses.
pub async fn confirm(
    cx: &Services,
    order: Uuid,
    attempt: Uuid,
    approve: bool,
    (id, meta): (Uuid, Metadata),
) -> Result<Receipt, PaymentError> {
    let state = load_order(cx, order).await?;
    let known = state.attempts().iter().find(|a| a.id == attempt);
    let known = known.ok_or(CommandError::Refused(OrderError::NoAttempt))?;
    let (name, amount) = (known.gateway.clone(), asked_of(&state, known));
    let outcome = match gateway(cx, &name)?.confirm(attempt, approve, amount, meta.at).await {
        // The answer may have counted all the same: it is looked up.
        Err(GatewayError::TimedOut) => Outcome::Unknown,
        answered => answered?,
    };
    record(cx, order, attempt, &name, outcome, (id, meta)).await
}

async fn record(
    cx: &Services,
    order: Uuid,
    attempt: Uuid,
    gateway: &str,
    outcome: Outcome,
    (id, meta): (Uuid, Metadata),
) -> Result<Receipt, PaymentError> {
    record_with(cx, order, attempt, gateway, outcome, (id, meta, None)).await
}

/// As [`record`], with the words of the reason to which `meta` refers.
async fn record_with(
    cx: &Services,
    order: Uuid,
    attempt: Uuid,
    gateway: &str,
    outcome: Outcome,
    (id, meta, reason): (Uuid, Metadata, Option<PersonalValue>),
) -> Result<Receipt, PaymentError> {
    let word = match &outcome {
        Outcome::Succeeded { .. } => Some("paid"),
        Outcome::Declined { .. } => Some("declined"),
        Outcome::Unknown => Some("unknown"),
        Outcome::Cancelled | Outcome::RequiresAction { .. } => None,
    };
    let command = OrderCommand::RecordOutcome { attempt, outcome, at: meta.at };
    let envelope = Envelope::new(id, order, command, meta).with_private(reason.into_iter().collect());
    let receipt = cx.bus.dispatch::<Order>(envelope).await?;
    if let (Some(word), false) = (word, receipt.replayed || receipt.position == 0) {
        cx.metrics.billing.payments.with_label_values(&[gateway, word]).inc();
    }
    Ok(receipt)
}
