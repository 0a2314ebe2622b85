//! Writes to members (and for managed memberships to billing staff) what happened to a membership.

mod about;

use super::{Workflow, WorkflowError, approval_mails, tax_changes};
use crate::actors::payments::{bank_account, load_order};
use crate::actors::refunds::NOT_RETURNED;
use crate::actors::services::Services;
use crate::actors::{credits, direct_debits, mail_again, mailer};
use crate::domain::access::Membership;
use crate::domain::approval::ApprovalEvent;
use crate::domain::credit::CreditEvent;
use crate::domain::order::{
    OrderEvent, OrderStatus, RefundOf, RefundVia, order_number, rest_of, transfer_reference,
};
use crate::domain::order_process::refund_id;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::domain::shared::{AccountId, Currency, Money, Role};
use crate::domain::subscription::{EarlierReversal, Subscription, SubscriptionEvent, UnusedDays};
use crate::emails::MailKind;
use crate::emails::billing::{BillingMail, OnHold, PlanCost, RefundStuck};
use crate::projections::{people, subscriptions};
use crate::store::repository::EventRepository;
use crate::store::{Actor, RecordedEvent, log};
use about::{Other, Seen};
use async_trait::async_trait;
use uuid::Uuid;

/// The workflow.
pub struct BillingMails;

const NAME: &str = "billing_mails";

#[async_trait]
impl Workflow for BillingMails {
    fn name(&self) -> &'static str {
        NAME
    }

    fn follows(&self) -> &'static [&'static str] {
        &[OrderEvent::CATEGORY, CreditEvent::CATEGORY, ApprovalEvent::CATEGORY, SubscriptionEvent::CATEGORY]
    }

    fn at_once(&self) -> usize {
        8
    }

    async fn handle(&self, event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
        if let Some(other) = about::other(event)? {
            return tell_of(other, event, cx).await;
        }
        let Some(happened) = event.decode::<SubscriptionEvent>()? else { return Ok(()) };
        if goes_without_saying(&happened) {
            return Ok(());
        }
        let repository = EventRepository::<Subscription>::new(cx.pool.clone(), cx.journal.clone());
        let state = repository.load(event.stream_uuid()).await?.state;
        let Some(terms) = state.terms() else { return Ok(()) };
        if let SubscriptionEvent::SubscriptionExpired { .. } = &happened {
            // Who still has access by another way need not be told.
            let others = subscriptions::memberships(&cx.reader, state.owner()).await?;
            let owner = people::by_id(&cx.reader, state.owner()).await?;
            let given = owner.and_then(|p| p.complimentary).is_some_and(|c| c.holds_at(event.effective_at));
            if given || others.contains(&Membership::Giving) {
                return Ok(());
            }
        }
        if let SubscriptionEvent::MailResent { mail, .. } = &happened {
            let (id, _) = cx.follow(event, NAME, "again");
            mail_again::again(cx, id, *mail, state.owner()).await?;
            return Ok(());
        }
        let seen = Seen {
            state: &state,
            terms,
            rates: tax_changes::rates(cx).await?,
            config: &cx.config,
            now: cx.clock.now(),
            at: event.effective_at,
            by_studio: by_studio(event, &happened, state.owner(), cx).await?,
        };
        let Some(mut mail) = about::mail(&happened, &seen) else { return Ok(()) };
        if let BillingMail::ManagerTold { .. } = &mail {
            return tell(event, cx, &[Role::Billing], &[], &mail).await;
        }
        if !less_credit(&happened, &mut mail, state.owner(), cx).await? {
            return Ok(());
        }
        if paid_by_credit(&happened, state.owner(), cx).await? {
            return Ok(());
        }
        if !asked(&happened, &mut mail, cx).await? {
            return Ok(());
        }
        settled(&happened, &mut mail, cx).await?;
        match &mut mail {
            BillingMail::Withdrawn { refund, amount, waits: false, disputed, .. } => {
                (*amount, *disputed) = withdrawn(event, cx, terms.price.currency).await?;
                *refund = amount.is_some();
            }
            BillingMail::WithdrawalSettled { amount, disputed, .. } => {
                (*amount, *disputed) = withdrawn(event, cx, terms.price.currency).await?;
            }
            BillingMail::OnHold(hold) => {
                (hold.charges, hold.code) = charged_before(event, &happened, cx).await?;
            }
            _ => {}
        }
        if let BillingMail::OrderToPay { debited, pay_by: day, .. }
        | BillingMail::TrialEnding { debited, ends_on: day, by_transfer: true, .. } = &mut mail
        {
            let mandate = direct_debits::mandate_of(cx, state.owner()).await?;
            *debited =
                direct_debits::creditor(cx).is_some() && mandate.current().is_some_and(|m| m.holds_on(*day));
        }
        send(event, cx, state.owner(), "mail", mail).await
    }
}

/// Whether staff did it, and not the member, with whichever account; an end that comes by the clock was caused by who
/// cancelled.
async fn by_studio(
    event: &RecordedEvent,
    happened: &SubscriptionEvent,
    owner: AccountId,
    cx: &Services,
) -> Result<bool, WorkflowError> {
    let mut actor = event.metadata.actor.clone();
    if let (SubscriptionEvent::SubscriptionCancelled { .. }, Actor::System(_)) = (happened, &actor) {
        let client = cx.pool.get().await.map_err(crate::store::StoreError::from)?;
        let stream = log::stream(&client, &event.stream_id, 0).await?;
        drop(client);
        for recorded in stream.into_iter().rev().skip_while(|e| e.version >= event.version) {
            if let Some(SubscriptionEvent::CancellationScheduled { .. }) =
                recorded.decode::<SubscriptionEvent>()?
            {
                actor = recorded.metadata.actor;
                break;
            }
        }
    }
    Ok(match actor {
        Actor::Account(id) => !people::same_person(&cx.reader, owner).await?.contains(&id),
        Actor::System(_) | Actor::Visitor => false,
    })
}

/// Writes what follows from events of orders, credits and approvals.
async fn tell_of(other: Other, event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
    match other {
        Other::Refunded { of, via, amount } => refunded(event, cx, of, &via, amount).await,
        Other::TransferShort { received, rest } => short(event, cx, received, rest).await,
        Other::PaidForNothing { amount } => {
            let order = event.stream_uuid();
            let (number, account) = (order_number(order), load_order(cx, order).await?.account());
            let mail = BillingMail::PaidForNothing { number, ended: false, cancelled: Some(amount) };
            send(event, cx, account, "mail", mail).await
        }
        Other::Disputed { amount, reason } => {
            let order = event.stream_uuid();
            let number = order_number(order);
            let mail = BillingMail::Disputed { number, order, amount, reason, lost: false };
            tell(event, cx, &[Role::Billing], &[], &mail).await
        }
        Other::DisputeLost { amount } => {
            let (order, reason) = (event.stream_uuid(), String::new());
            let number = order_number(order);
            let mail = BillingMail::Disputed { number, order, amount, reason, lost: true };
            tell(event, cx, &[Role::Billing], &[], &mail).await
        }
        Other::RefundStuck { refund, code } => refund_stuck(event, cx, refund, code).await,
        Other::RefundWaits { by, refund, amount, lapses_at } => {
            approval_mails::refund_waits(event, cx, (by, refund), amount, lapses_at).await
        }
        // A credit has the id of its account.
        Other::CreditPaidOut { amount } => {
            send(event, cx, event.stream_uuid(), "mail", BillingMail::CreditPaidOut { amount }).await
        }
        Other::ActWaits { by, account, act, lapses_at } => {
            approval_mails::act_waits(event, cx, (by, account), &act, lapses_at).await
        }
    }
}

/// The most frequent of those events of which no mail tells, before anything is read for them.
fn goes_without_saying(happened: &SubscriptionEvent) -> bool {
    use SubscriptionEvent as E;
    matches!(
        happened,
        E::SubscriptionJoined { .. }
            | E::ChargeRequested { .. }
            | E::RenewalOrderRequested { pay_by: None, explain: false, .. }
    )
}

/// Takes what the member's credit pays off a mail that asks for a transfer; `false` if nothing is left to ask for.
async fn less_credit(
    happened: &SubscriptionEvent,
    mail: &mut BillingMail,
    account: AccountId,
    cx: &Services,
) -> Result<bool, WorkflowError> {
    let (SubscriptionEvent::FirstOrderRequested { order, .. }
    | SubscriptionEvent::RenewalOrderRequested { order, .. }) = happened
    else {
        return Ok(true);
    };
    let (BillingMail::TransferExpected { amount, .. } | BillingMail::OrderToPay { amount, .. }) = mail else {
        return Ok(true);
    };
    let credit = credits::load(cx, account).await?;
    let Some(used) = credit.used_for(*order) else {
        // It is set aside when the order is placed, which another workflow does at this moment.
        let soon = credit.balance(amount.currency).minor > 0 && !credit.knows(*order);
        return if soon { Err(WorkflowError::Later("the order is not placed yet".into())) } else { Ok(true) };
    };
    *amount = Money::new(amount.minor.saturating_sub(used.minor), amount.currency);
    Ok(amount.minor > 0)
}

/// Whether it says that nothing could be charged for an order that the member's credit pays: then nothing failed.
async fn paid_by_credit(
    happened: &SubscriptionEvent,
    account: AccountId,
    cx: &Services,
) -> Result<bool, WorkflowError> {
    use SubscriptionEvent as E;
    let (E::RenewalPaymentFailed { order, attempt: None, .. } | E::SubscriptionPutOnHold { order, .. }) =
        happened
    else {
        return Ok(false);
    };
    let credit = credits::load(cx, account).await?;
    let Some(used) = credit.used_for(*order) else {
        // It is set aside when the order is placed, which another workflow does at this moment.
        let state = load_order(cx, *order).await?;
        let soon = state.total().is_none() && credit.balances().next().is_some();
        return if soon {
            Err(WorkflowError::Later("the order is not placed yet".into()))
        } else {
            Ok(false)
        };
    };
    let state = load_order(cx, *order).await?;
    Ok(state.total() == Some(used) && state.status().is_some_and(OrderStatus::is_settled))
}

/// Names what was, or is, really asked for: credit or part of a transfer may have paid some of the price. False if
/// nothing is to be asked for any more.
async fn asked(
    happened: &SubscriptionEvent,
    mail: &mut BillingMail,
    cx: &Services,
) -> Result<bool, WorkflowError> {
    use SubscriptionEvent as E;
    let (order, attempt) = match happened {
        E::MemberPaymentFailed { order, attempt, .. } | E::ChargeAwaitsAction { order, attempt, .. } => {
            (*order, Some(*attempt))
        }
        E::RenewalPaymentFailed { order, attempt, .. } => (*order, *attempt),
        E::SubscriptionPutOnHold { order, .. } => (*order, None),
        E::EarlierPaymentReversed(EarlierReversal { order, .. }) => (*order, None),
        _ => return Ok(true),
    };
    let (BillingMail::FirstPaymentFailed { amount, .. }
    | BillingMail::RenewalFailed { amount, .. }
    | BillingMail::ActionNeeded { amount, .. }
    | BillingMail::EarlierUnpaid { amount, .. }
    | BillingMail::OnHold(OnHold { amount, .. })) = mail
    else {
        return Ok(true);
    };
    let state = load_order(cx, order).await?;
    let charged = state.attempts().iter().find(|a| Some(a.id) == attempt).and_then(|a| a.asked);
    // Paid meanwhile, nothing is left: what the mail said before is then as near as one comes.
    let left = state.rest().filter(|rest| rest.minor > 0);
    let over = left.is_none() && matches!(happened, E::EarlierPaymentReversed(_));
    *amount = charged.or(left).unwrap_or(*amount);
    if let BillingMail::OnHold(hold) = mail {
        hold.by_transfer = state.is_by_transfer();
    }
    Ok(!over)
}

/// How often a card was charged for the order before the hold, and why that, or a try without a card, failed the last
/// time.
async fn charged_before(
    event: &RecordedEvent,
    happened: &SubscriptionEvent,
    cx: &Services,
) -> Result<(u8, Option<String>), WorkflowError> {
    let SubscriptionEvent::SubscriptionPutOnHold { order, .. } = happened else { return Ok((0, None)) };
    let client = cx.pool.get().await.map_err(crate::store::StoreError::from)?;
    let stream = log::stream(&client, &event.stream_id, 0).await?;
    drop(client);
    let (mut charges, mut last) = (0_u8, None);
    for recorded in stream.iter().take_while(|e| e.version < event.version) {
        match recorded.decode::<SubscriptionEvent>()? {
            Some(SubscriptionEvent::RenewalPaymentFailed {
                order: of,
                attempt,
                code,
                uncounted: false,
                ..
            }) if of == *order => {
                charges = charges.saturating_add(u8::from(attempt.is_some()));
                last = Some(code);
            }
            _ => {}
        }
    }
    Ok((charges, last))
}

/// Names what was really paid, and what of it the member's credit paid.
async fn settled(
    happened: &SubscriptionEvent,
    mail: &mut BillingMail,
    cx: &Services,
) -> Result<(), WorkflowError> {
    use SubscriptionEvent as E;
    let (E::SubscriptionRenewed { order, .. } | E::PlanChanged { order: Some(order), .. }) = happened else {
        return Ok(());
    };
    let state = load_order(cx, *order).await?;
    let Some(total) = state.total() else { return Ok(()) };
    match mail {
        BillingMail::Renewed { amount, credit, .. } => (*amount, *credit) = (total, state.credit()),
        BillingMail::PlanChanged(now) => {
            now.cost = Some(PlanCost::Paid { amount: total, credit: state.credit() });
        }
        _ => {}
    }
    Ok(())
}

/// Writes to everybody who has one of `roles` and may sign in, without those of `except`; once to each.
pub(super) async fn tell(
    event: &RecordedEvent,
    cx: &Services,
    roles: &[Role],
    except: &[AccountId],
    mail: &BillingMail,
) -> Result<(), WorkflowError> {
    for role in roles {
        for person in people::page(&cx.reader, Some(*role), None, 100).await? {
            if !person.suspended && !except.contains(&person.id) {
                // Who has both roles has one mail: its id follows from event and person.
                send(event, cx, person.id, &format!("to {}", person.id), mail.clone()).await?;
            }
        }
    }
    Ok(())
}

async fn refunded(
    event: &RecordedEvent,
    cx: &Services,
    of: RefundOf,
    via: &RefundVia,
    amount: Money,
) -> Result<(), WorkflowError> {
    let client = cx.pool.get().await.map_err(crate::store::StoreError::from)?;
    let stream = log::stream(&client, &event.stream_id, 0).await?;
    drop(client);
    let placed = stream.first().map(RecordedEvent::decode::<OrderEvent>).transpose()?.flatten();
    let Some(OrderEvent::OrderPlaced { account, number, .. }) = placed else { return Ok(()) };
    let (by_transfer, to_credit) = (*via == RefundVia::Transfer, *via == RefundVia::Credit);
    let credited = of == RefundOf::Price;
    let status = load_order(cx, event.stream_uuid()).await?.status();
    let nothing_owed = matches!(status, Some(OrderStatus::Cancelled | OrderStatus::Refunded));
    let mail = BillingMail::Refunded { number, amount, by_transfer, credited, to_credit, nothing_owed };
    send(event, cx, account, "mail", mail).await
}

/// Staff are told of what a gateway did not return; of what they said themselves they are not.
async fn refund_stuck(
    event: &RecordedEvent,
    cx: &Services,
    refund: Uuid,
    code: Option<String>,
) -> Result<(), WorkflowError> {
    let order = event.stream_uuid();
    let state = load_order(cx, order).await?;
    let known = state.refunds().iter().find(|r| r.id == refund);
    let Some(known) = known.filter(|r| matches!(r.via, RefundVia::Charge { .. })) else { return Ok(()) };
    if code.as_deref() == Some(NOT_RETURNED) {
        return Ok(());
    }
    let mail = RefundStuck { number: order_number(order), refund, amount: known.amount, code };
    tell(event, cx, &[Role::Billing], &[], &BillingMail::RefundStuck(mail)).await
}

/// Less came than is owed: the rest is named, with the account and the reference.
async fn short(
    event: &RecordedEvent,
    cx: &Services,
    received: Money,
    rest: Money,
) -> Result<(), WorkflowError> {
    let Some((iban, holder)) = bank_account(&cx.config) else { return Ok(()) };
    let (order, iban) = (event.stream_uuid(), iban.to_string());
    let reference = transfer_reference(&order_number(order));
    let account = load_order(cx, order).await?.account();
    let mail = BillingMail::TransferShort { received, rest, iban, holder, reference };
    send(event, cx, account, "mail", mail).await
}

/// What goes back after a withdrawal: what its orders decided, or, before they have, what they will.
async fn withdrawn(
    event: &RecordedEvent,
    cx: &Services,
    currency: Currency,
) -> Result<(Option<Money>, bool), WorkflowError> {
    let client = cx.pool.get().await.map_err(crate::store::StoreError::from)?;
    // There is one withdrawal in the life of a subscription.
    let stream = log::stream(&client, &event.stream_id, 0).await?;
    drop(client);
    let (mut back, mut disputed) = (0_i64, false);
    for recorded in &stream {
        if let Some(SubscriptionEvent::UnusedDaysRefundRequested(UnusedDays { order, part, of, .. })) =
            recorded.decode::<SubscriptionEvent>()?
        {
            let state = load_order(cx, order).await?;
            disputed |= state.price_in_dispute();
            let refund = refund_id(order);
            let ids = [refund, rest_of(refund), rest_of(rest_of(refund))];
            let parts = state.refunds().iter().filter(|r| ids.contains(&r.id));
            let decided: i64 = parts.map(|r| r.amount.minor).sum();
            back = back.saturating_add(match decided {
                0 => state.part_going_back((part, of)),
                decided => decided,
            });
        }
    }
    Ok(((back > 0).then_some(Money::new(back, currency)), disputed))
}

async fn send(
    event: &RecordedEvent,
    cx: &Services,
    to: Uuid,
    purpose: &str,
    mail: BillingMail,
) -> Result<(), WorkflowError> {
    let (id, _) = cx.follow(event, NAME, purpose);
    // A tick may be for a later time than the clock shows (demo); its mail leaves now.
    mailer::enqueue(cx, id, to, MailKind::Billing(mail), cx.clock.now()).await?;
    Ok(())
}
