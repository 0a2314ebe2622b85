//! What if? The life of a subscription lived once more with another price, interval or policy: what people did
//! stays, the clock runs every day, and a card answers as it last really did. Nothing is written.

use super::{OrderStep, Till, order_step, subscription_step};
use crate::domain::order::{Order, OrderCommand, OrderEvent, OrderStatus};
use crate::domain::shared::Money;
use crate::domain::shared::calendar::{Interval, Period};
use crate::domain::shared::payment::{BillingPolicy, OrderReason, Outcome};
use crate::domain::subscription::{
    CancelCause, PlanChangeRequest, PriceNotice, Status, Subscription, SubscriptionCommand,
    SubscriptionEvent, Trigger, Withdrawal,
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use std::collections::HashMap;
use uuid::Uuid;

/// Most days that are lived again.
const MOST_DAYS: usize = 15_000;

/// What happened: the events of a subscription and of its orders, each with the time it took effect.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Of the subscription.
    pub subscription: Vec<(DateTime<Utc>, SubscriptionEvent)>,
    /// Of its orders.
    pub orders: Vec<(DateTime<Utc>, Uuid, OrderEvent)>,
}

/// What would be different.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Another price from the beginning.
    pub price: Option<Money>,
    /// Another interval from the beginning.
    pub interval: Option<Interval>,
    /// Other rules of collection.
    pub rules: OtherRules,
}

/// Rules of collection that would be others; what is not named is as it was recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OtherRules {
    /// How often is tried.
    pub attempts: Option<u8>,
    /// Days between two attempts.
    pub retry_after_days: Option<u16>,
    /// Weeks on hold after which it expires.
    pub expire_after_weeks: Option<u16>,
}

/// One order of the life that was lived again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderLine {
    /// The day on which it was made, where the studio is.
    pub on: NaiveDate,
    /// Why.
    pub reason: OrderReason,
    /// The span it is for, where that is known.
    pub period: Option<Period>,
    /// What is to be paid, tax decided.
    pub gross: Money,
    /// Where it stands at the end.
    pub status: OrderStatus,
    /// Attempts that were declined.
    pub declined: u32,
    /// When it was paid.
    pub paid_on: Option<NaiveDate>,
}

/// The life that was lived again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// Its orders, oldest first.
    pub orders: Vec<OrderLine>,
    /// Where the subscription stands at the end.
    pub status: Status,
    /// The next day that is to be paid for.
    pub next_due_on: Option<NaiveDate>,
    /// Staff would have to decide.
    pub parked: bool,
    /// Days, until the end, with access.
    pub days_of_access: u32,
    /// Acts that are not possible in this life, by the name of the event that followed from them.
    pub refused: Vec<&'static str>,
}

impl Replay {
    /// What was paid in all.
    #[must_use]
    pub fn paid(&self) -> i64 {
        self.orders.iter().filter(|o| o.status == OrderStatus::Paid).map(|o| o.gross.minor).sum()
    }
}

/// What people did, or money that came, at a time.
enum Input {
    Act(&'static str, Box<SubscriptionCommand>),
    Transfer,
}

/// The acts behind the events: what the clock and the gateways caused is left out, it comes by itself.
fn inputs(history: &History) -> Vec<(DateTime<Utc>, Input)> {
    use SubscriptionCommand as C;
    use SubscriptionEvent as E;
    let mut all: Vec<(DateTime<Utc>, Input)> = Vec::new();
    let joined = history.subscription.first().map(|(at, _)| *at);
    let (mut number, mut resumed) = (None, None);
    for (at, event) in &history.subscription {
        let at = *at;
        if let E::SubscriptionJoined { vat_number, .. } | E::BillingDetailsChanged { vat_number, .. } = event
        {
            number.clone_from(vat_number);
        }
        let command = match event.clone() {
            E::CancellationScheduled { reason, .. }
            | E::SubscriptionCancelled { cause: CancelCause::WasOnHold, reason, .. } => {
                C::Cancel { reason, at }
            }
            E::CancellationUndone { .. } => C::UndoCancel { at },
            E::PauseScheduled { from, until } => C::Pause { from, until, at },
            E::PauseEnded { .. } | E::PauseWithdrawn { .. } => C::EndPause { at },
            E::PaymentMethodChanged { method } => C::ChangeMethod { method, at },
            E::BillingDetailsChanged { country, billing, vat_number, vat_check } => {
                C::ChangeBilling { country, billing, vat_number, vat_check }
            }
            E::VatNumberChecked { check, at } => {
                let Some(number) = number.clone() else { continue };
                C::RecordVatCheck { number, check, at }
            }
            E::PlanChangeScheduled { terms, .. } => {
                C::ChangePlan { order: Uuid::nil(), terms, shown: None, at_once: true, at }
            }
            E::PlanChangeRequested(PlanChangeRequest { order, terms, .. }) => {
                C::ChangePlan { order, terms, shown: None, at_once: true, at }
            }
            E::PlanChangeWithdrawn {} => C::WithdrawPlanChange,
            E::SubscriptionResumed { .. } => {
                resumed = Some(at);
                continue;
            }
            // Days that follow a payment anew come with it.
            E::PaidTimeExtended { by_staff: false, .. } if resumed == Some(at) => continue,
            E::PaidTimeExtended { days, by_staff, .. } => C::Extend { days, gift: !by_staff },
            E::GivenDaysTakenBack { to, .. } => C::MoveDueDay { on: to, at },
            E::PaymentRefunded { order, back, .. } => {
                let of = total_of(history, order).unwrap_or(back);
                C::RecordRefund { order, refunded: back, of }
            }
            E::PeriodWaived { .. } => C::Waive { at },
            E::SubscriptionUnparked { waived, .. } => C::Unpark { waive_missed: waived > 0, at },
            // With the act of joining it is part of that.
            E::DiscountGranted { discount } if joined != Some(at) => C::GrantDiscount { discount },
            E::PriceChangeAnnounced(PriceNotice { of, terms, from, notice_days, .. }) => {
                let (variation, price) = (terms.variation, terms.price);
                C::AnnouncePrice { of, variation, price, from, notice_days, anew: true }
            }
            E::WithdrawalDeclared(Withdrawal { days, .. }) => C::Withdraw { days, at },
            E::SubscriptionCancelled {
                cause: cause @ (CancelCause::EndedByStaff | CancelCause::Disputed),
                ..
            } => C::EndNow { cause, at },
            E::ChargeRequested { trigger: Trigger::Member, attempt, method, .. } => {
                C::PayNow { attempt, method, at }
            }
            _ => continue,
        };
        all.push((at, Input::Act(event.into(), Box::new(command))));
    }
    let transfer = |e: &OrderEvent| matches!(e, OrderEvent::TransferReceived { .. });
    let transfers = history.orders.iter().filter(|(_, _, e)| transfer(e));
    all.extend(transfers.map(|(at, ..)| (*at, Input::Transfer)));
    all.sort_by_key(|(at, _)| *at);
    all
}

/// What an order asked for, before tax was looked at.
fn total_of(history: &History, wanted: Uuid) -> Option<Money> {
    history.subscription.iter().find_map(|(_, event)| match event {
        SubscriptionEvent::FirstOrderRequested { order, amount, .. }
        | SubscriptionEvent::RenewalOrderRequested { order, amount, .. }
            if *order == wanted =>
        {
            Some(*amount)
        }
        SubscriptionEvent::PlanChangeRequested(asked) if asked.order == wanted => Some(asked.amount),
        _ => None,
    })
}

/// The command of joining, with what would be different.
fn join(history: &History, difference: &Difference) -> Option<(DateTime<Utc>, SubscriptionCommand)> {
    let joined = history.subscription.iter().find_map(|(at, event)| match event {
        SubscriptionEvent::SubscriptionJoined { .. } => Some((*at, event.clone())),
        _ => None,
    })?;
    let (
        effective,
        SubscriptionEvent::SubscriptionJoined {
            subscription,
            owner,
            mut terms,
            method,
            country,
            billing,
            vat_number,
            vat_check,
            withdrawal_waived,
            at,
        },
    ) = joined
    else {
        return None;
    };
    let with_it = || history.subscription.iter().filter(|(at, _)| *at == effective).map(|(_, e)| e);
    let trial = with_it().find_map(|e| match e {
        SubscriptionEvent::TrialStarted { days, .. } => Some(*days),
        _ => None,
    });
    let discount = with_it().find_map(|e| match e {
        SubscriptionEvent::DiscountGranted { discount } => Some(discount.clone()),
        _ => None,
    });
    terms.price = difference.price.unwrap_or(terms.price);
    terms.interval = difference.interval.unwrap_or(terms.interval);
    // A coupon that does not fit the other price is not used.
    let discount = discount.filter(|d| d.off.of(terms.price).is_some());
    let command = SubscriptionCommand::Join {
        subscription,
        owner,
        terms,
        method,
        country,
        billing,
        vat_number,
        vat_check,
        trial_days: trial.unwrap_or(0),
        discount,
        waives_withdrawal: withdrawal_waived,
        at,
    };
    Some((at, command))
}

struct Life<'a> {
    sub: Subscription,
    orders: HashMap<Uuid, Order>,
    lines: Vec<(Uuid, OrderLine)>,
    /// When gateways answered really, and what.
    answers: Vec<(DateTime<Utc>, Outcome)>,
    till: &'a Till,
    /// Other rules, in this life.
    rules: OtherRules,
    /// The rules that were in force, as events recorded them.
    recorded: Vec<(DateTime<Utc>, BillingPolicy)>,
    /// Those of today, where nothing recorded any.
    policy: BillingPolicy,
}

impl Life<'_> {
    /// The rules for what is decided at `at`: those that were recorded last, so that a life in which nothing differs
    /// is lived as it was, whatever the settings are by now.
    fn policy(&self, at: DateTime<Utc>) -> BillingPolicy {
        let before = self.recorded.iter().rev().find(|(from, _)| *from <= at);
        let known = before.or_else(|| self.recorded.first()).map(|(_, policy)| *policy);
        let known = known.unwrap_or(self.policy);
        BillingPolicy {
            attempts: self.rules.attempts.unwrap_or(known.attempts),
            retry_after_days: self.rules.retry_after_days.unwrap_or(known.retry_after_days),
            expire_after_weeks: self.rules.expire_after_weeks.unwrap_or(known.expire_after_weeks),
            ..known
        }
    }

    fn run(&mut self, command: SubscriptionCommand, at: DateTime<Utc>) -> bool {
        let Ok(decided) = self.sub.decide(command) else { return false };
        for event in decided {
            self.sub.apply(event.clone());
            let missed = match &event {
                SubscriptionEvent::ChargeActionMissed { order, attempt, .. } => Some((*order, *attempt)),
                _ => None,
            };
            match order_step(event, at) {
                Some(OrderStep::Place(sale)) => {
                    let order = sale.order;
                    if let Some(place) = sale.place(&self.sub, self.till, at) {
                        self.send(order, OrderCommand::Place(Box::new(place)), at);
                    }
                }
                Some(OrderStep::Send { order, command, .. }) => self.send(order, command, at),
                None => {}
            }
            if let Some((order, attempt)) = missed {
                self.send(
                    order,
                    OrderCommand::RecordOutcome { attempt, outcome: Outcome::Cancelled, at },
                    at,
                );
            }
        }
        true
    }

    fn send(&mut self, order: Uuid, command: OrderCommand, at: DateTime<Utc>) {
        let Ok(events) = self.orders.entry(order).or_default().decide(command) else { return };
        for event in events {
            if let Some(known) = self.orders.get_mut(&order) {
                known.apply(event.clone());
            }
            self.note(order, &event, at);
            if let Some((_, command)) = subscription_step(order, event.clone(), self.policy(at)) {
                self.run(command, at);
            }
            if let OrderEvent::PaymentAttemptStarted { attempt, .. } = event {
                let outcome = self.answer(at);
                self.send(order, OrderCommand::RecordOutcome { attempt, outcome, at }, at);
            }
        }
    }

    fn note(&mut self, order: Uuid, event: &OrderEvent, at: DateTime<Utc>) {
        let Some(zone) = self.sub.terms().map(|t| t.zone) else { return };
        if let OrderEvent::OrderPlaced { reason, items, tax, .. } = event {
            let line = OrderLine {
                on: zone.date_of(at),
                reason: *reason,
                period: items.first().and_then(|i| i.period),
                gross: tax.gross,
                status: OrderStatus::Created,
                declined: 0,
                paid_on: None,
            };
            self.lines.push((order, line));
        }
        let Some((_, line)) = self.lines.iter_mut().find(|(id, _)| *id == order) else { return };
        match event {
            OrderEvent::PaymentDeclined { .. } => line.declined += 1,
            OrderEvent::OrderPaid { .. } => line.paid_on = Some(zone.date_of(at)),
            _ => {}
        }
        if let Some(status) = self.orders.get(&order).and_then(Order::status) {
            line.status = status;
        }
    }

    /// The real answer to a charge of that day, else the last one before, else the first; a card that was never
    /// asked says yes.
    fn answer(&self, at: DateTime<Utc>) -> Outcome {
        let same_day = self.answers.iter().find(|(t, _)| *t >= at && *t < at + TimeDelta::days(1));
        let before = || self.answers.iter().rev().find(|(t, _)| *t < at);
        let found = same_day.or_else(before).or_else(|| self.answers.first());
        found.map_or(Outcome::Succeeded { gateway_reference: String::new() }, |(_, outcome)| outcome.clone())
    }
}

fn answers(history: &History) -> Vec<(DateTime<Utc>, Outcome)> {
    let mut all: Vec<(DateTime<Utc>, Outcome)> = history
        .orders
        .iter()
        .filter_map(|(at, _, event)| {
            Some((
                *at,
                match event {
                    OrderEvent::PaymentSucceeded { gateway_reference, .. } => {
                        Outcome::Succeeded { gateway_reference: gateway_reference.clone() }
                    }
                    OrderEvent::PaymentDeclined { code, hard, .. } => {
                        Outcome::Declined { code: code.clone(), hard: *hard }
                    }
                    OrderEvent::PaymentAttemptCancelled { .. } => Outcome::Cancelled,
                    _ => return None,
                },
            ))
        })
        .collect();
    all.sort_by_key(|(at, _)| *at);
    all
}

/// The rules of collection that events recorded, oldest first.
fn recorded(history: &History) -> Vec<(DateTime<Utc>, BillingPolicy)> {
    use SubscriptionEvent as E;
    let of = |event: &E| match event {
        E::RenewalOrderRequested { policy, .. }
        | E::RenewalPaymentFailed { policy, .. }
        | E::SubscriptionPutOnHold { policy, .. } => Some(*policy),
        _ => None,
    };
    let mut all: Vec<_> =
        history.subscription.iter().filter_map(|(at, event)| Some((*at, of(event)?))).collect();
    all.sort_by_key(|(at, _)| *at);
    all
}

/// Lives it again until `until`. None if nothing was joined.
#[must_use]
pub fn replay(
    history: &History,
    difference: &Difference,
    policy: BillingPolicy,
    till: &Till,
    until: DateTime<Utc>,
) -> Option<Replay> {
    let (begun, join) = join(history, difference)?;
    let mut life = Life {
        sub: Subscription::default(),
        orders: HashMap::new(),
        lines: Vec::new(),
        answers: answers(history),
        till,
        rules: difference.rules,
        recorded: recorded(history),
        policy,
    };
    life.run(join, begun);
    let zone = life.sub.terms()?.zone;
    let mut waiting = inputs(history).into_iter().peekable();
    let (mut refused, mut days_of_access) = (Vec::new(), 0);
    let mut today = zone.date_of(begun);
    for _ in 0..MOST_DAYS {
        let midnight = zone.start_of_day(today);
        if midnight > until {
            break;
        }
        if midnight >= begun {
            let policy = life.policy(midnight);
            life.run(SubscriptionCommand::Tick { policy, at: midnight }, midnight);
        }
        let Some(tomorrow) = today.succ_opt() else { break };
        let end = zone.start_of_day(tomorrow);
        while let Some((at, input)) = waiting.next_if(|(at, _)| *at < end) {
            match input {
                Input::Act(name, command) => {
                    if !life.run(*command, at) {
                        refused.push(name);
                    }
                }
                // Whoever sent money sends what is asked for.
                Input::Transfer => {
                    let open = life.sub.open_order().map(|o| o.order);
                    let total = open.and_then(|o| Some((o, life.orders.get(&o)?.total()?)));
                    if let Some((order, received)) = total {
                        life.send(order, OrderCommand::RecordTransfer { received, at }, at);
                    }
                }
            }
        }
        days_of_access += u32::from(life.sub.gives_access());
        today = tomorrow;
    }
    Some(Replay {
        orders: life.lines.into_iter().map(|(_, line)| line).collect(),
        status: life.sub.status()?,
        next_due_on: life.sub.next_due_on(),
        parked: life.sub.is_parked(),
        days_of_access,
        refused,
    })
}
