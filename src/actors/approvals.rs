//! Acts that need a second person: whether one does, whether it could be done at all, and doing it once
//! somebody agreed.

use super::bus::{CommandError, Envelope};
use super::merge;
use super::payments::{self, load_order};
use super::services::Services;
use crate::domain::account::{Account, AccountCommand, By, Why};
use crate::domain::approval::{Act, Approval, ApprovalCommand, ApprovalError, AskApproval, Bound, Limits};
use crate::domain::credit::{Credit, CreditCommand, CreditEvent};
use crate::domain::order::{Order, OrderCommand, OrderEvent};
use crate::domain::shared::aggregate::{CategoryEvent, Decider};
use crate::domain::shared::payment::Outcome;
use crate::domain::shared::{AccountId, PersonalValue, derive_id};
use crate::domain::subscription::{Subscription, SubscriptionCommand, SubscriptionEvent};
use crate::store::event::stream_name;
use crate::store::repository::EventRepository;
use crate::store::{Actor, Metadata, Receipt, RecordedEvent, StoreError, log};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// Days added to a subscription by one person alone count together over this time.
const TOGETHER: TimeDelta = TimeDelta::days(365);

/// Why something could not be found out or done; it may be tried again.
#[derive(Debug, thiserror::Error)]
pub enum ApprovalsError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The command was not executed.
    #[error(transparent)]
    Command(#[from] CommandError<String>),
}

/// The limit above which `act` is, if it is. What one person did alone before in the same matter counts: money
/// booked by hand on the order, days added to the subscription or credit paid out within a year.
///
/// # Errors
/// If the log cannot be read.
pub async fn above(
    cx: &Services,
    account: AccountId,
    act: &Act,
    at: DateTime<Utc>,
) -> Result<Option<Bound>, ApprovalsError> {
    let billing = &cx.config.billing;
    let limits = Limits { money: billing.second_person_over, days: billing.second_person_over_days };
    let before = match act {
        Act::MarkPaid { order, .. } => {
            alone::<OrderEvent>(cx, *order, |event, _| match event {
                OrderEvent::TransferReceived { received, .. } => received.minor,
                _ => 0,
            })
            .await?
        }
        Act::Extend { subscription, .. } => {
            alone::<SubscriptionEvent>(cx, *subscription, |event, when| match event {
                SubscriptionEvent::PaidTimeExtended { days, .. } if at - when < TOGETHER => i64::from(days),
                _ => 0,
            })
            .await?
        }
        Act::PayOutCredit { .. } => {
            alone::<CreditEvent>(cx, account, |event, when| match event {
                CreditEvent::CreditPayOutStarted { amount, .. } if at - when < TOGETHER => amount.minor,
                _ => 0,
            })
            .await?
        }
        _ => 0,
    };
    Ok(act.above(before, limits, at))
}

/// The sum over what people (not workflows, nor files of the bank) did in a stream.
async fn alone<E: CategoryEvent>(
    cx: &Services,
    id: Uuid,
    count: impl Fn(E, DateTime<Utc>) -> i64,
) -> Result<i64, StoreError> {
    let client = cx.pool.get().await?;
    let mut sum = 0_i64;
    for event in log::stream(&client, &stream_name(E::CATEGORY, id), 0).await? {
        // The import of a bank statement acts for a person too, but says nothing of their own.
        let by_hand = matches!(event.metadata.actor, Actor::Account(_)) && event.metadata.reason.is_some();
        if by_hand && let Some(decoded) = event.decode::<E>().map_err(unreadable)? {
            sum = sum.saturating_add(count(decoded, event.effective_at).max(0));
        }
    }
    Ok(sum)
}

fn unreadable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unreadable(error.to_string())
}

/// Whether `act` could be done now; else why not, in words for people.
///
/// # Errors
/// If the log cannot be read.
pub async fn possible(
    cx: &Services,
    account: AccountId,
    act: &Act,
    at: DateTime<Utc>,
) -> Result<Result<(), String>, ApprovalsError> {
    if let Act::Merge { from, into } = act {
        return Ok(merge::first_obstacle(cx, *from, *into).await?.map_or(Ok(()), Err));
    }
    let at = counts_from(cx, act, at).await?;
    Ok(match command(act, Uuid::nil(), Why::Code("second-person".into()), at) {
        Command::Order(order, command) => {
            load_order(cx, order).await?.decide(command).map(drop).map_err(|e| e.to_string())
        }
        Command::Subscription(id, command) => {
            load::<Subscription>(cx, id).await?.decide(command).map(drop).map_err(|e| e.to_string())
        }
        Command::Account(command) => {
            load::<Account>(cx, account).await?.decide(command).map(drop).map_err(|e| e.to_string())
        }
        Command::Credit(command) => {
            load::<Credit>(cx, account).await?.decide(command).map(drop).map_err(|e| e.to_string())
        }
    })
}

async fn load<A: Decider>(cx: &Services, id: Uuid) -> Result<A, StoreError>
where
    A::Event: CategoryEvent,
{
    Ok(EventRepository::<A>::new(cx.pool.clone(), cx.journal.clone()).load(id).await?.state)
}

/// To which aggregate an act goes.
#[expect(clippy::large_enum_variant, reason = "one is held at a time")]
enum Command {
    Order(Uuid, OrderCommand),
    Subscription(Uuid, SubscriptionCommand),
    Account(AccountCommand),
    Credit(CreditCommand),
}

/// From when what is done at `at` counts: money from the day on which it arrived.
async fn counts_from(cx: &Services, act: &Act, at: DateTime<Utc>) -> Result<DateTime<Utc>, StoreError> {
    match act {
        Act::MarkPaid { order, arrived_on: Some(day), .. } => payments::arrived(cx, *order, *day, at).await,
        _ => Ok(at),
    }
}

fn command(act: &Act, by: AccountId, why: Why, at: DateTime<Utc>) -> Command {
    match act.clone() {
        Act::MarkPaid { order, received, .. } => {
            Command::Order(order, OrderCommand::RecordTransfer { received, at })
        }
        Act::ConfirmCharge { order, attempt, reference, .. } => {
            let outcome = Outcome::Succeeded { gateway_reference: reference };
            Command::Order(order, OrderCommand::RecordOutcome { attempt, outcome, at })
        }
        Act::Extend { subscription, days } => {
            Command::Subscription(subscription, SubscriptionCommand::Extend { days, gift: false })
        }
        Act::Waive { subscription, order, .. } => {
            Command::Subscription(subscription, SubscriptionCommand::WaiveOrder { order, at })
        }
        Act::WaiveMissed { subscription, .. } => {
            Command::Subscription(subscription, SubscriptionCommand::Unpark { waive_missed: true, at })
        }
        Act::PayOutCredit { payout, amount } => {
            Command::Credit(CreditCommand::PayOut { payout, amount, by, at })
        }
        Act::Merge { into, .. } => {
            Command::Account(AccountCommand::MergeInto { at, into, by: By::Account(by), why })
        }
        Act::Complimentary { until } => {
            Command::Account(AccountCommand::GrantComplimentary { at, until, by: By::Account(by), why })
        }
    }
}

/// What is laid down for a second person.
#[derive(Clone, Debug)]
pub struct Request {
    /// What is to be done.
    pub act: Act,
    /// The limit above which it is.
    pub bound: Bound,
    /// To whom something is given.
    pub account: AccountId,
    /// The subscription it is about.
    pub subscription: Option<Uuid>,
    /// Who asks.
    pub by: AccountId,
}

/// The request that a command makes: the same command is the same request.
#[must_use]
pub fn request_id(command: Uuid) -> Uuid {
    derive_id("approval", &command.to_string())
}

/// Lays an act down for a second person, with its reason.
///
/// # Errors
/// If it could not be written down.
pub async fn ask(
    cx: &Services,
    id: Uuid,
    (meta, reason): (Metadata, PersonalValue),
    request: Request,
) -> Result<Receipt, CommandError<ApprovalError>> {
    let at = meta.at;
    let approval = request_id(id);
    let command = ApprovalCommand::Ask(Box::new(AskApproval {
        approval,
        act: request.act,
        bound: request.bound,
        account: request.account,
        subscription: request.subscription,
        reason: reason.reference.clone(),
        by: request.by,
        lapses_at: at + cx.config.billing.second_person_within(),
        at,
    }));
    cx.bus.dispatch::<Approval>(Envelope::new(id, approval, command, meta).with_private(vec![reason])).await
}

/// Does what `event` says that somebody agreed to, and writes down what became of it.
///
/// # Errors
/// If it could not be done now; done again it is done once.
pub async fn carry_out(cx: &Services, event: &RecordedEvent, workflow: &str) -> Result<(), ApprovalsError> {
    let approval = event.stream_uuid();
    let state = load::<Approval>(cx, approval).await?;
    let (Some(act), Some(reason)) = (state.act(), state.reason()) else { return Ok(()) };
    let at = event.effective_at;
    // What a merge rests on may have changed since it was asked for; once it began it goes on.
    if let Act::Merge { from, into } = act
        && load::<Account>(cx, *from).await?.merged_into.is_none()
        && let Some(why) = merge::first_obstacle(cx, *from, *into).await?
    {
        let (id, meta) = cx.follow(event, workflow, "record");
        let command = ApprovalCommand::Record { refused: Some(why), at };
        return told(cx.bus.dispatch::<Approval>(Envelope::new(id, approval, command, meta)).await).map(drop);
    }
    let (id, mut meta) = cx.follow(event, workflow, "act");
    meta.reason = Some(reason.clone());
    let at = counts_from(cx, act, at).await?;
    let outcome = match command(act, state.asked_by(), Why::Text(reason.clone()), at) {
        Command::Order(order, command) => {
            told(cx.bus.dispatch::<Order>(Envelope::new(id, order, command, meta)).await)?
        }
        Command::Subscription(subscription, command) => {
            told(cx.bus.dispatch::<Subscription>(Envelope::new(id, subscription, command, meta)).await)?
        }
        Command::Account(command) => {
            told(cx.bus.dispatch::<Account>(Envelope::new(id, state.account(), command, meta)).await)?
        }
        Command::Credit(command) => {
            told(cx.bus.dispatch::<Credit>(Envelope::new(id, state.account(), command, meta)).await)?
        }
    };
    let (id, meta) = cx.follow(event, workflow, "record");
    let command = ApprovalCommand::Record { refused: outcome, at };
    told(cx.bus.dispatch::<Approval>(Envelope::new(id, approval, command, meta)).await).map(drop)
}

/// Why a command was refused; none: it was executed.
fn told<E: std::fmt::Display>(
    sent: Result<Receipt, CommandError<E>>,
) -> Result<Option<String>, ApprovalsError> {
    match sent {
        Ok(_) => Ok(None),
        Err(CommandError::Refused(why)) => Ok(Some(why.to_string())),
        Err(other) => Err(other.in_words().into()),
    }
}

/// Lets a request that nobody decided lapse; `true` if it did.
///
/// # Errors
/// If it cannot be written down.
pub async fn lapse(
    cx: &Services,
    approval: Uuid,
    (id, meta): (Uuid, Metadata),
) -> Result<bool, ApprovalsError> {
    let command = ApprovalCommand::Lapse { at: meta.at };
    match cx.bus.dispatch::<Approval>(Envelope::new(id, approval, command, meta)).await {
        Ok(receipt) => Ok(!receipt.replayed && receipt.position > 0),
        Err(error) => Err(error.in_words().into()),
    }
}
