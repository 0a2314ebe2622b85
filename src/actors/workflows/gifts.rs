//! What follows from gifts: an order and its charge, the code by mail, the time for whoever redeemed it, and
//! the money back when staff take one back.

use super::{Workflow, WorkflowError, caught_up, tax_changes};
use crate::actors::bus::{Claim, CommandError, Envelope};
use crate::actors::credits;
use crate::actors::gifts::{self, claim, code, today};
use crate::actors::services::Services;
use crate::actors::{mailer, payments};
use crate::domain::account::{Account, AccountCommand, By, Why};
use crate::domain::gift::{Gift, GiftCommand, GiftEvent, GiftStanding, GiftUse, is_order_of, order_of};
use crate::domain::order::{
    AskRefund, Order, OrderCommand, OrderError, OrderEvent, OrderItem, PlaceOrder, RefundOf, RefundWay,
    Settlement, order_number, transfer_reference,
};
use crate::domain::shared::aggregate::CategoryEvent;
use crate::domain::shared::calendar::Zone;
use crate::domain::shared::payment::{OrderReason, PaymentMethod, attempt_id};
use crate::domain::shared::tax::{Buyer, Country, Tax};
use crate::domain::shared::{AccountId, derive_id};
use crate::domain::subscription::{Subscription, SubscriptionCommand, SubscriptionEvent};
use crate::emails::MailKind;
use crate::emails::billing::BillingMail;
use crate::emails::gift::GiftMail;
use crate::projections::{gifts as listed, subscriptions};
use crate::store::RecordedEvent;
use crate::store::repository::EventRepository;
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

/// The workflow.
pub struct Gifts;

/// Not "gifts": the list of them has that name, and places in the log are known by it.
const NAME: &str = "giving";

#[async_trait]
impl Workflow for Gifts {
    fn name(&self) -> &'static str {
        NAME
    }

    fn follows(&self) -> &'static [&'static str] {
        &[GiftEvent::CATEGORY, OrderEvent::CATEGORY, SubscriptionEvent::CATEGORY]
    }

    async fn handle(&self, event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
        if let Some(happened) = event.decode::<GiftEvent>()? {
            return from_gift(event, happened, cx).await;
        }
        if let Some(happened) = event.decode::<OrderEvent>()? {
            return from_order(event, happened, cx).await;
        }
        match event.decode::<SubscriptionEvent>()? {
            Some(happened) if lets_go_on(&happened) => waiting(event, cx).await,
            _ => Ok(()),
        }
    }
}

fn studio_zone(cx: &Services) -> Result<Zone, WorkflowError> {
    Zone::parse(&cx.config.studio.zone).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> WorkflowError {
    WorkflowError::Failed(error.to_string())
}

async fn tell(
    event: &RecordedEvent,
    cx: &Services,
    gift: Uuid,
    (purpose, command, claims): (&str, GiftCommand, Vec<Claim>),
) -> Result<(), WorkflowError> {
    let (id, meta) = cx.follow(event, NAME, purpose);
    let sent = cx.bus.dispatch::<Gift>(Envelope::new(id, gift, command, meta).with_claims(claims)).await;
    sent.map(|_| ()).map_err(WorkflowError::from)
}

async fn from_gift(event: &RecordedEvent, happened: GiftEvent, cx: &Services) -> Result<(), WorkflowError> {
    let gift = event.stream_uuid();
    match happened {
        GiftEvent::GiftOrdered { order, method, .. } => {
            place(event, cx).await?;
            match method {
                Some(method) => start(event, cx, order, (attempt_id(order, 1), method)).await,
                None => ask_for_transfer(event, cx, order).await,
            }
        }
        GiftEvent::GiftPaymentRequested { order, attempt, method, .. } => {
            start(event, cx, order, (attempt, method)).await
        }
        GiftEvent::GiftPaid { last_day, at } => tell_of(event, cx, last_day, at).await,
        GiftEvent::GiftRedeemed { by, at } => {
            let on = today(cx, at)?;
            // Who redeems what they bought knows it.
            tell_buyer(event, cx, |buyer, what| (buyer != by).then_some(GiftMail::Redeemed { what, on }))
                .await?;
            give(event, cx, gift, by).await
        }
        GiftEvent::GiftWithdrawn { by: Some(by), paid, by_right, at } => {
            tell_buyer(event, cx, |_, what| Some(GiftMail::TakenBack { what, paid, by_right })).await?;
            give_back(event, cx, (by, paid, by_right), at).await
        }
        GiftEvent::GiftPaymentFailed { .. } => {
            tell_buyer(event, cx, |_, what| Some(GiftMail::PaymentFailed { what })).await
        }
        GiftEvent::GiftUsed { used, .. } => {
            let state = gifts::load(cx, gift).await?;
            let (Some(given), Some(to)) = (state.given(), state.redeemed_by()) else { return Ok(()) };
            let extended = matches!(used, GiftUse::Extension { .. });
            let until = match used {
                GiftUse::Extension { subscription } => {
                    let repository =
                        EventRepository::<Subscription>::new(cx.pool.clone(), cx.journal.clone());
                    repository.load(subscription).await?.state.next_due_on()
                }
                GiftUse::Access => {
                    let repository = EventRepository::<Account>::new(cx.pool.clone(), cx.journal.clone());
                    let given = repository.load(to).await?.state.complimentary.and_then(|c| c.until);
                    given.map(|end| today(cx, end)).transpose()?
                }
            };
            write(event, cx, to, GiftMail::Given { what: given.words(), extended, until }).await
        }
        // It may have waited for a subscription of the other account.
        GiftEvent::GiftMoved { .. } => match gifts::load(cx, gift).await?.redeemed_by() {
            Some(by) => give(event, cx, gift, by).await,
            None => Ok(()),
        },
        // Its order was refunded or given up: the mail about the refund says so.
        GiftEvent::GiftWithdrawn { .. } | GiftEvent::GiftHeldBack { .. } | GiftEvent::GiftReleased { .. } => {
            Ok(())
        }
    }
}

/// Makes its order. What is given is known, so the tax is due when it is sold (directive 2006/112/EC, article
/// 30b), at the rate of that day.
async fn place(event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
    let Some(GiftEvent::GiftOrdered { gift, buyer, given, order, country, billing, method, at, .. }) =
        event.decode::<GiftEvent>()?
    else {
        return Ok(());
    };
    let home = Country::parse(&cx.config.studio.country).map_err(failed)?;
    let rates = tax_changes::rates(cx).await?;
    let tax = Tax::decide(given.price, Buyer { country, business: false }, home, today(cx, at)?, &rates);
    let number = order_number(order);
    let settlement = match method {
        Some(method) => Settlement::Charge { gateway: method.gateway },
        None => {
            let iban = payments::bank_account(&cx.config).map(|(iban, _)| iban.as_str().to_owned());
            let reference = transfer_reference(&number);
            Settlement::Transfer { iban: iban.unwrap_or_default(), reference }
        }
    };
    let description = format!("Gift: {}", given.words());
    let claims = vec![Claim::new("order-number", number.clone())];
    let mut placing = PlaceOrder {
        order,
        number,
        account: buyer,
        subscription: gift,
        reason: OrderReason::Gift,
        items: vec![OrderItem { description, quantity: 1, unit: tax.gross, period: None }],
        tax,
        settlement,
        billing: Some(billing),
        vat_number: None,
        credit: None,
        at,
    };
    credits::set_aside(cx, event, NAME, &mut placing).await?;
    let command = OrderCommand::Place(Box::new(placing));
    let (id, meta) = cx.follow(event, NAME, "place");
    let sent = cx.bus.dispatch::<Order>(Envelope::new(id, order, command, meta).with_claims(claims)).await;
    if let Err(error) = &sent {
        credits::not_placed(cx, event, NAME, (buyer, order), error).await?;
    }
    sent.map(|_| ()).map_err(WorkflowError::from)
}

async fn start(
    event: &RecordedEvent,
    cx: &Services,
    order: Uuid,
    (attempt, method): (Uuid, PaymentMethod),
) -> Result<(), WorkflowError> {
    let (id, meta) = cx.follow(event, NAME, "start");
    let command = OrderCommand::StartAttempt { attempt, method, present: true, at: event.effective_at };
    match cx.bus.dispatch::<Order>(Envelope::new(id, order, command, meta)).await {
        // Settled otherwise meanwhile, or another attempt is under way: its outcome is told.
        Ok(_)
        | Err(CommandError::Refused(OrderError::Paid | OrderError::Cancelled | OrderError::InFlight)) => {
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

async fn from_order(event: &RecordedEvent, happened: OrderEvent, cx: &Services) -> Result<(), WorkflowError> {
    let order = event.stream_uuid();
    let of = |subject: Uuid| is_order_of(subject, order);
    match happened {
        OrderEvent::OrderPaid { subscription: gift, at, .. } if of(gift) => {
            let paid = GiftCommand::RecordPaid { today: today(cx, at)?, at };
            tell(event, cx, gift, ("paid", paid, vec![claim(cx, &code(cx, gift)?)?])).await?;
            // Taken back while the charge was under way: nobody pays for nothing.
            if gifts::load(cx, gift).await?.standing() != GiftStanding::Withdrawn {
                return Ok(());
            }
            give_all_back(event, cx, order, at).await
        }
        OrderEvent::PaymentDeclined { attempt, subscription: gift, code, at, .. } if of(gift) => {
            let failed = GiftCommand::RecordFailure { attempt, code, at };
            tell(event, cx, gift, ("failed", failed, vec![])).await?;
            give_up_order(event, cx, (gift, order), at).await
        }
        OrderEvent::PaymentActionRequired { attempt, subscription: gift, until, at, .. } if of(gift) => {
            let Some(amount) = payments::to_confirm(cx, order, attempt).await? else { return Ok(()) };
            let buyer = gifts::load(cx, gift).await?.buyer();
            let mail = BillingMail::ActionNeeded { amount, order, until };
            let (id, _) = cx.follow(event, NAME, "confirm");
            mailer::enqueue(cx, id, buyer, MailKind::Billing(mail), at).await?;
            Ok(())
        }
        OrderEvent::PaymentAttemptCancelled { attempt, subscription: gift, at, .. } if of(gift) => {
            let failed = GiftCommand::RecordFailure { attempt, code: "action_not_taken".into(), at };
            tell(event, cx, gift, ("failed", failed, vec![])).await?;
            give_up_order(event, cx, (gift, order), at).await
        }
        OrderEvent::PaymentDisputed { subscription: gift, at, too_much: false, .. }
            if of(gift) && cx.config.billing.dispute_ends_access =>
        {
            tell(event, cx, gift, ("hold back", GiftCommand::HoldBack { at }, vec![])).await
        }
        OrderEvent::DisputeClosed { at, .. } => {
            // It does not say what the order is for, and it may be about money that came too much.
            let state = payments::load_order(cx, order).await?;
            let gift = state.subject();
            if !of(gift) {
                return Ok(());
            }
            let gone = state.refundable(RefundOf::Price) == 0;
            let (purpose, command) = match gone {
                true => ("returned", GiftCommand::RecordReturned { at }),
                false => ("release", GiftCommand::Release { at }),
            };
            tell(event, cx, gift, (purpose, command, vec![])).await
        }
        OrderEvent::OrderRefunded { at, .. } | OrderEvent::OrderCancelled { at, .. } => {
            // These do not say what the order is for.
            let gift = payments::load_order(cx, order).await?.subject();
            if !of(gift) {
                return Ok(());
            }
            tell(event, cx, gift, ("returned", GiftCommand::RecordReturned { at }, vec![])).await
        }
        _ => Ok(()),
    }
}

/// Who pays by transfer is told where to.
async fn ask_for_transfer(event: &RecordedEvent, cx: &Services, order: Uuid) -> Result<(), WorkflowError> {
    let Some((iban, holder)) = payments::bank_account(&cx.config) else { return Ok(()) };
    let state = payments::load_order(cx, order).await?;
    // What the buyer's credit pays is not asked for.
    let Some(amount) = state.rest().filter(|rest| rest.minor > 0) else { return Ok(()) };
    let reference = transfer_reference(&order_number(order));
    let (gift, zone) = (gifts::load(cx, event.stream_uuid()).await?, studio_zone(cx)?);
    let days = cx.config.billing.withdrawal_days;
    let returnable_until = gift.withdrawal_until(days, zone, event.effective_at).ok();
    let iban = iban.to_string();
    tell_buyer(event, cx, |_, what| {
        Some(GiftMail::ToPay { what, amount, iban, holder, reference, returnable_until })
    })
    .await
}

/// Writes to the buyer what `mail` makes of their account and of what is given.
async fn tell_buyer(
    event: &RecordedEvent,
    cx: &Services,
    mail: impl FnOnce(AccountId, String) -> Option<GiftMail>,
) -> Result<(), WorkflowError> {
    let state = gifts::load(cx, event.stream_uuid()).await?;
    let Some(given) = state.given() else { return Ok(()) };
    match mail(state.buyer(), given.words()) {
        Some(mail) => write(event, cx, state.buyer(), mail).await,
        None => Ok(()),
    }
}

async fn write(
    event: &RecordedEvent,
    cx: &Services,
    to: AccountId,
    mail: GiftMail,
) -> Result<(), WorkflowError> {
    let (id, _) = cx.follow(event, NAME, "mail");
    mailer::enqueue(cx, id, to, MailKind::Gift(mail), event.effective_at).await?;
    Ok(())
}

/// The code goes to whoever is to have it; the buyer is told in any case.
async fn tell_of(
    event: &RecordedEvent,
    cx: &Services,
    last_day: Option<NaiveDate>,
    at: DateTime<Utc>,
) -> Result<(), WorkflowError> {
    let state = gifts::load(cx, event.stream_uuid()).await?;
    let Some(given) = state.given() else { return Ok(()) };
    let (gift, what, sent) = (state.id(), given.words(), state.recipient().is_some());
    if let Some(recipient) = state.recipient() {
        let (id, _) = cx.follow(event, NAME, "mail to the recipient");
        let mail = MailKind::GiftCode { gift, what: what.clone(), last_day };
        mailer::enqueue_to(cx, id, state.buyer(), Some(recipient), &mail, at).await?;
    }
    let (id, _) = cx.follow(event, NAME, "mail to the buyer");
    let zone = studio_zone(cx)?;
    let returnable_until = state.withdrawal_until(cx.config.billing.withdrawal_days, zone, at).ok();
    let mail = MailKind::GiftBought { gift, what, last_day, sent, returnable_until };
    mailer::enqueue(cx, id, state.buyer(), mail, at).await?;
    Ok(())
}

async fn give_back(
    event: &RecordedEvent,
    cx: &Services,
    (by, paid, by_right): (AccountId, bool, bool),
    at: DateTime<Utc>,
) -> Result<(), WorkflowError> {
    let order = order_of(event.stream_uuid());
    let (id, meta) = cx.follow(event, NAME, "give back");
    let state = payments::load_order(cx, order).await?;
    let refund = derive_id(&format!("order-{order}"), "gift-withdrawn");
    let command = match state.total() {
        // A right needs nobody's consent.
        Some(_) if paid && by_right => OrderCommand::RefundPart { refund, part: 1, of: 1, at },
        Some(amount) if paid => {
            let by_charge = state.goes_back_by_charge(RefundOf::Price, amount);
            OrderCommand::AskRefund(AskRefund {
                refund,
                of: RefundOf::Price,
                way: if by_charge { RefundWay::Gateway } else { RefundWay::Transfer },
                amount,
                by,
                second_person_over: cx.config.billing.second_person_over,
                lapses_at: at + cx.config.billing.second_person_within(),
                at,
            })
        }
        _ => OrderCommand::Cancel { cause: "gift-withdrawn".into(), at },
    };
    match cx.bus.dispatch::<Order>(Envelope::new(id, order, command, meta)).await {
        // Refunded on the order's own page, or paid at that moment: staff see both there.
        Ok(_)
        | Err(CommandError::Refused(
            OrderError::RefundTooMuch(_) | OrderError::Paid | OrderError::InFlight,
        )) => Ok(()),
        // What is left when the bank has decided goes back then.
        Err(CommandError::Refused(OrderError::Disputed)) => give_all_back(event, cx, order, at).await,
        Err(error) => Err(error.into()),
    }
}

/// All of the price goes back, to which the buyer has a right.
async fn give_all_back(
    event: &RecordedEvent,
    cx: &Services,
    order: Uuid,
    at: DateTime<Utc>,
) -> Result<(), WorkflowError> {
    let refund = derive_id(&format!("order-{order}"), "gift-withdrawn");
    let command = OrderCommand::RefundPart { refund, part: 1, of: 1, at };
    let (id, meta) = cx.follow(event, NAME, "give all back");
    let sent = cx.bus.dispatch::<Order>(Envelope::new(id, order, command, meta)).await;
    sent.map(|_| ()).map_err(WorkflowError::from)
}

/// A charge failed that was under way when the gift was taken back: nobody has to pay its order any more.
async fn give_up_order(
    event: &RecordedEvent,
    cx: &Services,
    (gift, order): (Uuid, Uuid),
    at: DateTime<Utc>,
) -> Result<(), WorkflowError> {
    if gifts::load(cx, gift).await?.standing() != GiftStanding::Withdrawn {
        return Ok(());
    }
    let command = OrderCommand::Cancel { cause: "gift-withdrawn".into(), at };
    let (id, meta) = cx.follow(event, NAME, "give up");
    match cx.bus.dispatch::<Order>(Envelope::new(id, order, command, meta)).await {
        Ok(_) | Err(CommandError::Refused(OrderError::Paid | OrderError::InFlight)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether something that a gift may have waited for is over.
const fn lets_go_on(happened: &SubscriptionEvent) -> bool {
    use SubscriptionEvent as E;
    matches!(
        happened,
        E::SubscriptionActivated { .. }
            | E::SubscriptionRenewed { .. }
            | E::SubscriptionResumed { .. }
            | E::SubscriptionCancelled { .. }
            | E::SubscriptionExpired { .. }
            | E::PauseEnded { .. }
            | E::PeriodWaived { .. }
            | E::PlanChanged { .. }
            | E::PlanChangeDropped { .. }
    )
}

async fn waiting(event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
    // A gift that was redeemed before this event is listed: giving it was tried, and waited for the list.
    if !listed::any_waiting(&cx.reader).await? {
        return Ok(());
    }
    let repository = EventRepository::<Subscription>::new(cx.pool.clone(), cx.journal.clone());
    let owner = repository.load(event.stream_uuid()).await?.state.owner();
    for gift in listed::waiting_for(&cx.reader, owner).await? {
        give(event, cx, gift, owner).await?;
    }
    Ok(())
}

/// Gives the time of a redeemed gift: a subscription runs longer, and who has none has access. What cannot be
/// extended now waits; the next event of the subscription tries it again.
async fn give(event: &RecordedEvent, cx: &Services, gift: Uuid, to: AccountId) -> Result<(), WorkflowError> {
    let state = gifts::load(cx, gift).await?;
    let (GiftStanding::Redeemed, Some(given)) = (state.standing(), state.given()) else { return Ok(()) };
    caught_up(event, cx, &["subscriptions", "gifts"]).await?;
    let at = cx.clock.now().max(event.effective_at);
    // One gift gives once, whatever leads here: the same command in all cases.
    let (_, meta) = cx.follow(event, NAME, "give");
    let id = derive_id(&format!("gift-{gift}"), "give");
    let live = subscriptions::of_account(&cx.reader, to).await?;
    let live = live.into_iter().find(|s| !s.status.is_final());
    let used = if let Some(row) = live {
        let repository = EventRepository::<Subscription>::new(cx.pool.clone(), cx.journal.clone());
        let Some(from) = repository.load(row.id).await?.state.next_due_on() else { return Ok(()) };
        let days = (given.interval.start_of(from, 1).map_err(failed)? - from).num_days();
        let command = SubscriptionCommand::Extend { days: u16::try_from(days).map_err(failed)?, gift: true };
        match cx.bus.dispatch::<Subscription>(Envelope::new(id, row.id, command, meta)).await {
            Ok(_) => GiftUse::Extension { subscription: row.id },
            Err(CommandError::Refused(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    } else {
        let account =
            EventRepository::<Account>::new(cx.pool.clone(), cx.journal.clone()).load(to).await?.state;
        let former = account.complimentary.filter(|c| c.holds_at(at));
        let begins = match former.map(|c| c.until) {
            // Access without an end can be given no more time.
            Some(None) => return Ok(()),
            Some(Some(end)) => end,
            None => at,
        };
        let day = today(cx, begins)?;
        let until = begins + (given.interval.start_of(day, 1).map_err(failed)? - day);
        let (by, why) = (By::System("gift".into()), Why::Code("gift".into()));
        let command = AccountCommand::GrantComplimentary { at, until: Some(until), by, why };
        match cx.bus.dispatch::<Account>(Envelope::new(id, to, command, meta)).await {
            Ok(_) => GiftUse::Access,
            // Erased meanwhile.
            Err(CommandError::Refused(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    };
    tell(event, cx, gift, (&format!("used {gift}"), GiftCommand::RecordUsed { used, at }, vec![])).await
}
