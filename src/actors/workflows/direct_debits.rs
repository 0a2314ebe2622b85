//! What follows from direct debits: members are told before, orders and subscriptions wait for the money, and
//! mandates end with what comes back.

use super::{Workflow, WorkflowError};
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::services::Services;
use crate::actors::{mailer, payments};
use crate::domain::debit_file::{Creditor, Debit, DebitFileEvent};
use crate::domain::gift::is_order_of;
use crate::domain::mandate::{Mandate, MandateCommand, MandateEvent};
use crate::domain::order::{Order, OrderCommand, OrderEvent, order_number};
use crate::domain::shared::aggregate::CategoryEvent;
use crate::domain::shared::calendar::Zone;
use crate::domain::subscription::{Subscription, SubscriptionCommand};
use crate::emails::MailKind;
use crate::emails::billing::BillingMail;
use crate::store::RecordedEvent;
use async_trait::async_trait;
use chrono::{DateTime, Days, Utc};
use uuid::Uuid;

/// The workflow.
pub struct DirectDebits;

const NAME: &str = "direct_debits";

/// Days after the day of collection in which the bank's statement is awaited before an unpaid order counts as
/// late.
const PATIENCE: u64 = 10;

#[async_trait]
impl Workflow for DirectDebits {
    fn name(&self) -> &'static str {
        NAME
    }

    fn follows(&self) -> &'static [&'static str] {
        &[DebitFileEvent::CATEGORY, MandateEvent::CATEGORY, OrderEvent::CATEGORY]
    }

    async fn handle(&self, event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
        if let Some(DebitFileEvent::DebitFileMade { file, creditor, debits, .. }) =
            event.decode::<DebitFileEvent>()?
        {
            for debit in debits {
                sent(event, cx, file, &creditor, debit).await?;
            }
            return Ok(());
        }
        if let Some(MandateEvent::MandateSigned { account, reference, creditor, notice_days, .. }) =
            event.decode::<MandateEvent>()?
        {
            let (id, _) = cx.follow(event, NAME, "mail");
            let mail = BillingMail::MandateSigned { reference, creditor, notice_days };
            mailer::enqueue(cx, id, account, MailKind::Billing(mail), cx.clock.now()).await?;
            return Ok(());
        }
        let happened = event.decode::<OrderEvent>()?;
        if let Some(OrderEvent::DirectDebitRejected { file, mandate, account, subscription, reason, at }) =
            happened
        {
            return rejected(event, cx, (account, subscription), (file, mandate, reason), at).await;
        }
        // What it means for the subscription is told where that hears of the payment, too: in their order.
        if let Some(OrderEvent::DirectDebitReturned { file, mandate, account, reason, .. }) = happened {
            let at = event.effective_at;
            let command = MandateCommand::RecordReturn { mandate, file, reason, at };
            send::<Mandate>(event, cx, account, "mandate", command).await?;
        }
        Ok(())
    }
}

/// Sends a command that follows from `event`; one that is refused changes nothing any more.
async fn send<A>(
    event: &RecordedEvent,
    cx: &Services,
    id: Uuid,
    purpose: &str,
    command: A::Command,
) -> Result<(), WorkflowError>
where
    A: crate::domain::shared::Decider,
    A::Event: crate::domain::shared::aggregate::CategoryEvent,
{
    let (command_id, meta) = cx.follow(event, NAME, purpose);
    match cx.bus.dispatch::<A>(Envelope::new(command_id, id, command, meta)).await {
        Ok(_) | Err(CommandError::Refused(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The mandate may be over, the subscription waits no longer, and the member is told to pay in another way.
async fn rejected(
    event: &RecordedEvent,
    cx: &Services,
    (account, subscription): (Uuid, Uuid),
    (file, mandate, reason): (Uuid, Uuid, String),
    at: DateTime<Utc>,
) -> Result<(), WorkflowError> {
    let order = event.stream_uuid();
    let noted = MandateCommand::RecordReturn { mandate, file, reason: reason.clone(), at };
    send::<Mandate>(event, cx, account, "mandate", noted).await?;
    if !is_order_of(subscription, order) {
        let command = SubscriptionCommand::RejectDebit { order, reason, at };
        send::<Subscription>(event, cx, subscription, "subscription", command).await?;
    }
    let state = payments::load_order(cx, order).await?;
    let Some(amount) = state.debit().map(|d| d.amount).filter(|_| state.is_open()) else { return Ok(()) };
    let (id, _) = cx.follow(event, NAME, "mail");
    let mail = BillingMail::DebitRejected { number: order_number(order), amount, order };
    mailer::enqueue(cx, id, account, MailKind::Billing(mail), cx.clock.now()).await?;
    Ok(())
}

async fn sent(
    event: &RecordedEvent,
    cx: &Services,
    file: Uuid,
    creditor: &Creditor,
    debit: Debit,
) -> Result<(), WorkflowError> {
    let at = event.effective_at;
    let Debit { order, account, mandate, collect_on, amount, .. } = debit;
    let used = MandateCommand::RecordUse { mandate, file, collect_on };
    send::<Mandate>(event, cx, account, &format!("use {order}"), used).await?;
    let noted = OrderCommand::SendDebit { file, mandate, amount, collect_on, at };
    send::<Order>(event, cx, order, &format!("order {order}"), noted).await?;
    let subscription = payments::load_order(cx, order).await?.subject();
    if !is_order_of(subscription, order) {
        let zone = Zone::parse(&cx.config.studio.zone).map_err(|e| WorkflowError::Failed(e.to_string()))?;
        let until = zone.start_of_day(collect_on.checked_add_days(Days::new(PATIENCE)).unwrap_or(collect_on));
        let awaited = SubscriptionCommand::AwaitDebit { order, collect_on, until };
        send::<Subscription>(event, cx, subscription, &format!("await {order}"), awaited).await?;
    }
    let (id, _) = cx.follow(event, NAME, &format!("mail {order}"));
    let mail = BillingMail::DebitAhead {
        number: debit.number,
        amount,
        collect_on,
        reference: debit.mandate_reference,
        creditor: creditor.identifier.clone(),
        order,
    };
    mailer::enqueue(cx, id, account, MailKind::Billing(mail), cx.clock.now()).await?;
    Ok(())
}
