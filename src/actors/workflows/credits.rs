//! Money of orders that becomes credit, credit that an open order takes, and credit that comes back because nobody has
//! to pay its order.

use super::{Workflow, WorkflowError};
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::credits;
use crate::actors::payments::load_order;
use crate::actors::services::Services;
use crate::domain::account::Account;
use crate::domain::credit::{Credit, CreditCommand, CreditEvent};
use crate::domain::order::{Order, OrderCommand, OrderEvent, RefundVia};
use crate::domain::shared::AccountId;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::store::RecordedEvent;
use crate::store::repository::EventRepository;
use async_trait::async_trait;

/// The workflow.
pub struct Credits;

/// Not "credits": the list of them has that name, and places in the log are known by it.
const NAME: &str = "crediting";

#[async_trait]
impl Workflow for Credits {
    fn name(&self) -> &'static str {
        NAME
    }

    fn follows(&self) -> &'static [&'static str] {
        &[CreditEvent::CATEGORY, OrderEvent::CATEGORY]
    }

    async fn handle(&self, event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
        if let Some(happened) = event.decode::<CreditEvent>()? {
            return from_credit(event, cx, happened).await;
        }
        let order = event.stream_uuid();
        match event.decode::<OrderEvent>()? {
            Some(OrderEvent::RefundSucceeded { refund, via: RefundVia::Credit, amount, at, .. }) => {
                let state = load_order(cx, order).await?;
                let subscription = state.subject();
                let command = CreditCommand::Grant { refund, order, subscription, amount, at };
                send(event, cx, state.account(), "grant", command).await
            }
            Some(OrderEvent::OrderCreditReleased { account, at, .. }) => {
                send(event, cx, account, "give-back", CreditCommand::GiveBack { order, later: None, at })
                    .await
            }
            _ => Ok(()),
        }
    }
}

async fn from_credit(
    event: &RecordedEvent,
    cx: &Services,
    happened: CreditEvent,
) -> Result<(), WorkflowError> {
    let account = event.stream_uuid();
    match happened {
        CreditEvent::CreditUsed { .. } => apply(event, cx, happened).await,
        CreditEvent::CreditHandedOver { to, subscription, amount, at, .. } => {
            let (id, _) = cx.follow(event, NAME, "handed over");
            let command = CreditCommand::TakeOver { id, from: account, subscription, amount, at };
            send(event, cx, to, "take over", command).await
        }
        // What comes to an account that was merged meanwhile goes where the person can use it.
        CreditEvent::CreditGranted { at, .. }
        | CreditEvent::CreditGivenBack { at, .. }
        | CreditEvent::CreditTakenOver { at, .. }
        | CreditEvent::CreditPayOutDropped { at, .. } => {
            let accounts = EventRepository::<Account>::new(cx.pool.clone(), cx.journal.clone());
            match accounts.load(account).await?.state.merged_into {
                Some(to) => send(event, cx, account, "move", CreditCommand::MoveTo { to, at }).await,
                None => Ok(()),
            }
        }
        CreditEvent::CreditPayOutStarted { .. } | CreditEvent::CreditPaidOut { .. } => Ok(()),
    }
}

/// Gives what was set aside to an order that was open before; if it is not owed any more, it is credit again.
async fn apply(event: &RecordedEvent, cx: &Services, used: CreditEvent) -> Result<(), WorkflowError> {
    let CreditEvent::CreditUsed { order, later: Some(later), amount, at, .. } = used else { return Ok(()) };
    // The order may take now what it refused before this event was given out again: by then it is credit once more.
    if !credits::load(cx, event.stream_uuid()).await?.holds(order, later) {
        return Ok(());
    }
    let (id, meta) = cx.follow(event, NAME, "apply");
    let command = OrderCommand::ApplyCredit { id: later, amount, at };
    match cx.bus.dispatch::<Order>(Envelope::new(id, order, command, meta)).await {
        Ok(_) => Ok(()),
        Err(CommandError::Refused(_)) => {
            let command = CreditCommand::GiveBack { order, later: Some(later), at };
            send(event, cx, event.stream_uuid(), "not-taken", command).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn send(
    event: &RecordedEvent,
    cx: &Services,
    account: AccountId,
    purpose: &str,
    command: CreditCommand,
) -> Result<(), WorkflowError> {
    let (id, mut meta) = cx.follow(event, NAME, purpose);
    // Why staff wanted it is kept with what follows.
    meta.reason.clone_from(&event.metadata.reason);
    let sent = cx.bus.dispatch::<Credit>(Envelope::new(id, account, command, meta)).await;
    sent.map(drop).map_err(WorkflowError::from)
}
