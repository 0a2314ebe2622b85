//! Money of orders that becomes credit, credit that an open order takes, and credit that comes back because nobody has
//! to pay its order.

use super::{Workflow, WorkflowError};
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::payments::load_order;
use crate::actors::services::Services;
use crate::domain::credit::{Credit, CreditCommand, CreditEvent};
use crate::domain::order::{Order, OrderCommand, OrderEvent, RefundVia};
use crate::domain::shared::AccountId;
use crate::store::RecordedEvent;
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

    async fn handle(&self, event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
        if let Some(used) = event.decode::<CreditEvent>()? {
            return apply(event, cx, used).await;
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

/// Gives what was set aside to an order that was open before; if it is not owed any more, it is credit again.
async fn apply(event: &RecordedEvent, cx: &Services, used: CreditEvent) -> Result<(), WorkflowError> {
    let CreditEvent::CreditUsed { order, later: Some(later), amount, at, .. } = used else { return Ok(()) };
    let (id, meta) = cx.follow(event, NAME, "apply");
    let command = OrderCommand::ApplyCredit { id: later, amount, at };
    match cx.bus.dispatch::<Order>(Envelope::new(id, order, command, meta)).await {
        Ok(_) => Ok(()),
        Err(CommandError::Refused(_)) => {
            let command = CreditCommand::GiveBack { order, later: Some(later), at };
            send(event, cx, event.stream_uuid(), "not-taken", command).await
        }
        Err(error) => Err(WorkflowError::Failed(error.to_string())),
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
    sent.map(drop).map_err(|e| WorkflowError::Failed(e.to_string()))
}
