//! Writes to members (and for managed memberships to billing staff) what happened to a membership.

use super::{Workflow, WorkflowError, approval_mails, tax_changes};
use crate::actors::payments::{bank_account, load_order};
use crate::actors::refunds::NOT_RETURNED;
use crate::actors::services::Services;
use crate::actors::{credits, direct_debits, mail_again, mailer};
use crate::domain::access::Membership;
use crate::domain::approval::ApprovalEvent;
use crate::domain::credit::CreditEvent;
use crate::domain::order::{OrderEvent, RefundOf, RefundVia, order_number, transfer_reference};
use crate::domain::order_process::refund_id;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::domain::shared::payment::Collection;
use crate::domain::shared::tax::{Country, Tax};
use crate::domain::shared::tax_rates::RateTable;
use crate::domain::shared::vat_number::VatCheck;
use crate::domain::shared::{AccountId, Currency, Money, Role};
use crate::domain::subscription::{
    CancelCause, PauseOver, PriceNotice, Subscription, SubscriptionEvent, Terms, TrialNotice, UnusedDays,
};
use crate::emails::MailKind;
use crate::emails::billing::{BillingMail, RefundStuck};
use crate::projections::{people, subscriptions};
use crate::store::repository::EventRepository;
use crate::store::{RecordedEvent, log};
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
        match event.decode::<OrderEvent>()? {
            Some(OrderEvent::RefundSucceeded { of, via, amount, .. }) => {
                return refunded(event, cx, of, &via, amount).await;
            }
            Some(OrderEvent::TransferReceived { received, rest, .. }) if rest.minor > 0 => {
                return short(event, cx, received, rest).await;
            }
            Some(OrderEvent::PaymentDisputed { amount, reason, .. }) => {
                let order = event.stream_uuid();
                let mail = BillingMail::Disputed { number: order_number(order), order, amount, reason };
                return tell(event, cx, &[Role::Billing], &[], &mail).await;
            }
            Some(OrderEvent::RefundRefused { refund, code, .. }) => {
                return refund_stuck(event, cx, refund, Some(code)).await;
            }
            Some(OrderEvent::RefundParked { refund, .. }) => {
                return refund_stuck(event, cx, refund, None).await;
            }
            Some(OrderEvent::RefundProposed { refund, amount, by, lapses_at, .. }) => {
                return approval_mails::refund_waits(event, cx, (by, refund), amount, lapses_at).await;
            }
            _ => {}
        }
        if let Some(CreditEvent::CreditPaidOut { amount, .. }) = event.decode::<CreditEvent>()? {
            // A credit has the id of its account.
            return send(event, cx, event.stream_uuid(), "mail", BillingMail::CreditPaidOut { amount }).await;
        }
        if let Some(ApprovalEvent::SecondPersonAsked { act, account, by, lapses_at, .. }) =
            event.decode::<ApprovalEvent>()?
        {
            return approval_mails::act_waits(event, cx, (by, account), &act, lapses_at).await;
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
        if let SubscriptionEvent::ManagerToldOfRenewal { .. } = &happened {
            let rates = tax_changes::rates(cx).await?;
            let Some(mail) = mail(&happened, &state, terms, &rates, event.stream_uuid(), cx) else {
                return Ok(());
            };
            return tell(event, cx, &[Role::Billing], &[], &mail).await;
        }
        let rates = tax_changes::rates(cx).await?;
        let Some(mut mail) = mail(&happened, &state, terms, &rates, event.stream_uuid(), cx) else {
            return Ok(());
        };
        if !less_credit(&happened, &mut mail, state.owner(), cx).await? {
            return Ok(());
        }
        if let BillingMail::Withdrawn { refund, amount } = &mut mail {
            *amount = withdrawn(event, cx, terms.price.currency).await?;
            *refund = amount.is_some();
        }
        if let BillingMail::OrderToPay { debited, pay_by, .. } = &mut mail {
            let mandate = direct_debits::mandate_of(cx, state.owner()).await?;
            *debited = direct_debits::creditor(cx).is_some()
                && mandate.current().is_some_and(|m| m.holds_on(*pay_by));
        }
        send(event, cx, state.owner(), "mail", mail).await
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
        return if soon {
            Err(WorkflowError::Failed("the order is not placed yet".into()))
        } else {
            Ok(true)
        };
    };
    *amount = Money::new(amount.minor.saturating_sub(used.minor), amount.currency);
    Ok(amount.minor > 0)
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
    let mail = BillingMail::Refunded { number, amount, by_transfer, credited, to_credit };
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
    let Some((iban, _)) = bank_account(&cx.config) else { return Ok(()) };
    let (order, iban) = (event.stream_uuid(), iban.to_string());
    let reference = transfer_reference(&order_number(order));
    let account = load_order(cx, order).await?.account();
    send(event, cx, account, "mail", BillingMail::TransferShort { received, rest, iban, reference }).await
}

/// What goes back after a withdrawal: what its orders decided, or, before they have, what they will.
async fn withdrawn(
    event: &RecordedEvent,
    cx: &Services,
    currency: Currency,
) -> Result<Option<Money>, WorkflowError> {
    let client = cx.pool.get().await.map_err(crate::store::StoreError::from)?;
    let stream = log::stream(&client, &event.stream_id, event.version).await?;
    drop(client);
    let mut back = 0_i64;
    for recorded in &stream {
        if let Some(SubscriptionEvent::UnusedDaysRefundRequested(UnusedDays { order, part, of, .. })) =
            recorded.decode::<SubscriptionEvent>()?
        {
            let state = load_order(cx, order).await?;
            let decided = state.refunds().iter().find(|r| r.id == refund_id(order)).map(|r| r.amount.minor);
            back = back.saturating_add(decided.unwrap_or_else(|| state.part_going_back((part, of))));
        }
    }
    Ok((back > 0).then_some(Money::new(back, currency)))
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

fn mail(
    happened: &SubscriptionEvent,
    state: &Subscription,
    terms: &Terms,
    rates: &RateTable,
    subscription: Uuid,
    cx: &Services,
) -> Option<BillingMail> {
    use SubscriptionEvent as E;
    let name = |terms: &Terms| format!("{}, {}", terms.plan_name, terms.interval.adjective());
    let plan = name(terms);
    let day = |at: chrono::DateTime<chrono::Utc>| terms.zone.date_of(at);
    let account = || bank_account(&cx.config).map(|(iban, holder)| (iban.to_string(), holder));
    // Who accounts for the tax sees net prices only.
    let home = Country::parse(&cx.config.studio.country).unwrap_or(Country::from_letters(*b"NL"));
    let today = day(cx.clock.now());
    let pay = |price: Money| Tax::decide(price, state.buyer(home), home, today, rates).gross;
    let amount = pay(state.ordered().unwrap_or(terms.price));
    Some(match happened {
        E::FirstOrderRequested { order, amount, .. } if terms.collection != Collection::Automatic => {
            let (iban, holder) = account()?;
            let reference = transfer_reference(&order_number(*order));
            BillingMail::TransferExpected { plan, amount: pay(*amount), iban, holder, reference }
        }
        E::RenewalOrderRequested { order, amount, pay_by: Some(pay_by), .. } => {
            let (iban, _) = account()?;
            let reference = transfer_reference(&order_number(*order));
            BillingMail::OrderToPay {
                plan,
                amount: pay(*amount),
                pay_by: day(*pay_by),
                iban,
                reference,
                debited: false,
            }
        }
        E::RenewalOrderRequested { amount, behind, explain: true, .. } => {
            BillingMail::CatchingUp { amount: pay(*amount), behind: *behind }
        }
        E::SubscriptionActivated { period, .. } | E::SubscriptionResumed { period, .. } => {
            BillingMail::MembershipStarted { plan, amount, next_due: period.end }
        }
        E::SubscriptionRenewed { period, .. } => BillingMail::Renewed { plan, amount, next_due: period.end },
        E::TrialStarted { ends_on, .. } => BillingMail::TrialStarted { plan, amount, ends_on: *ends_on },
        E::TrialEndAnnounced(TrialNotice { ends_on, amount, charged, .. }) => {
            BillingMail::TrialEnding { amount: pay(*amount), ends_on: *ends_on, charged: *charged }
        }
        E::PauseScheduled { from, until } => BillingMail::PausePlanned { from: *from, until: *until },
        E::PauseEnded(PauseOver { anchor, .. }) => BillingMail::PauseOver { next_due: *anchor },
        E::PlanChangeScheduled { terms, on } => {
            BillingMail::PlanChangePlanned { plan: name(terms), price: pay(terms.price), on: *on }
        }
        E::PlanChanged { terms, paid_until, .. } => BillingMail::PlanChanged {
            plan: name(terms),
            price: pay(terms.price),
            next_due: day(*paid_until),
        },
        E::PlanChangeDropped { code, .. } => BillingMail::PlanChangeFailed { code: code.clone() },
        E::MemberPaymentFailed { code, .. } => BillingMail::FirstPaymentFailed { amount, code: code.clone() },
        E::RenewalPaymentFailed { code, failures, retry_at: Some(retry_at), policy, .. } => {
            BillingMail::RenewalFailed {
                amount,
                code: code.clone(),
                failures: *failures,
                attempts: policy.attempts,
                retry_on: day(*retry_at),
            }
        }
        E::ChargeAwaitsAction { order, until, .. } => {
            BillingMail::ActionNeeded { amount, order: *order, until: *until }
        }
        E::SubscriptionPutOnHold { cause, expires_at, .. } => {
            BillingMail::OnHold { amount, cause: *cause, expires_on: day(*expires_at) }
        }
        E::CancellationUndone { next_due_on } => BillingMail::CancellationWithdrawn {
            amount: pay(state.next_price().unwrap_or(terms.price)),
            next_due: *next_due_on,
        },
        E::CancellationScheduled { ends_on, .. } => BillingMail::CancellationScheduled { ends_on: *ends_on },
        E::PaidTimeExtended { days, to, .. } => BillingMail::Extended { days: Some(*days), next_due: *to },
        E::GivenDaysTakenBack { days, to, .. } => BillingMail::DaysTakenBack { days: *days, next_due: *to },
        E::PeriodWaived { period, .. } => BillingMail::Extended { days: None, next_due: period.end },
        E::SubscriptionCancelled { cause: CancelCause::EndedByStaff | CancelCause::Disputed, .. } => {
            BillingMail::EndedByStudio
        }
        // The mail about the withdrawal says so already.
        E::SubscriptionCancelled { cause: CancelCause::Withdrawn, .. } => return None,
        E::SubscriptionCancelled { .. } => BillingMail::Ended,
        E::VatNumberChecked { check: VatCheck::Refused, .. } => {
            BillingMail::VatNumberRefused { price: pay(state.next_price().unwrap_or(terms.price)) }
        }
        // What goes back is known from its orders: see `withdrawn`.
        E::WithdrawalDeclared { .. } => BillingMail::Withdrawn { refund: state.has_paid(), amount: None },
        E::PriceChangeAnnounced(PriceNotice { previous, terms, from, instead_of, .. }) => {
            BillingMail::PriceChanges {
                instead_of: *instead_of,
                plan: name(terms),
                previous: pay(*previous),
                price: pay(terms.price),
                from: *from,
                first_due: state.first_due_from(*from),
            }
        }
        E::TaxChangeAnnounced { change } => BillingMail::TaxChanges { plan, change: change.clone() },
        E::SubscriptionExpired { weeks, .. } => BillingMail::Expired { weeks: *weeks },
        E::RenewalAnnounced { due_on, amount, .. } => {
            let amount = Tax::decide(*amount, state.buyer(home), home, *due_on, rates).gross;
            BillingMail::RenewalAhead { plan, amount, due_on: *due_on }
        }
        E::CardExpiryAnnounced { expires_on, .. } => BillingMail::CardExpiring { expires_on: *expires_on },
        E::PaymentMethodChanged { .. } => BillingMail::MethodChanged,
        E::ManagerToldOfRenewal { due_on, amount } => {
            BillingMail::ManagerTold { plan, amount: pay(*amount), due_on: *due_on, subscription }
        }
        _ => return None,
    })
}
