//! What if? The life of a subscription lived once more with another price, interval or policy: what people and banks
//! did stays, the clock runs every day, and a card answers as it last really did. Beside it stands the life as it
//! was, which is read from the log and not lived again. Nothing is written.

mod acts;
mod as_recorded;
#[cfg(test)]
mod tests;

pub use as_recorded::as_recorded;

use super::{OrderStep, Till, order_step, subscription_step};
use crate::domain::order::{Order, OrderCommand, OrderEvent, OrderStatus};
use crate::domain::shared::Money;
use crate::domain::shared::calendar::{Interval, Period};
use crate::domain::shared::payment::{BillingPolicy, OrderReason, Outcome};
use crate::domain::subscription::{Status, Subscription, SubscriptionCommand, SubscriptionEvent};
use acts::{Attempted, Input, Moved, Timed};
use as_recorded::Lines;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use std::collections::{HashMap, VecDeque};
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
    /// Attempts that took nothing: declined, or not confirmed in time.
    pub declined: u32,
    /// When it was paid.
    pub paid_on: Option<NaiveDate>,
}

/// A life: the one that was, or one that was lived again.
#[derive(Clone, Debug, PartialEq)]
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
    /// Acts that are not possible in this life: when they happened, and the event that followed from them.
    pub refused: Vec<(DateTime<Utc>, SubscriptionEvent)>,
}

impl Replay {
    /// What was paid for orders in all, whatever went back later.
    #[must_use]
    pub fn paid(&self) -> i64 {
        self.orders.iter().filter(|o| o.status.is_settled()).map(|o| o.gross.minor).sum()
    }

    /// Whether it comes to the same as another: where it stands, what was paid, and what is due next.
    #[must_use]
    pub fn comes_to(&self, other: &Self) -> bool {
        let sums = |life: &Self| (life.status, life.parked, life.paid(), life.next_due_on);
        sums(self) == sums(other)
    }
}

/// What a gateway will say of an attempt of this life.
struct Answer {
    at: DateTime<Utc>,
    order: Uuid,
    attempt: Uuid,
    outcome: Outcome,
}

struct Life<'a> {
    sub: Subscription,
    orders: HashMap<Uuid, Order>,
    lines: Lines,
    /// What became of the attempts that were really made.
    attempts: Vec<Attempted>,
    /// What gateways have not said yet.
    coming: Vec<Answer>,
    /// What orders asked for really, and what credit paid at once.
    placed: HashMap<Uuid, (Money, Option<Money>)>,
    /// The orders of this life that stand for real ones which it has not.
    instead: HashMap<Uuid, Uuid>,
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

    fn tick(&mut self, at: DateTime<Utc>) {
        let policy = self.policy(at);
        self.run(SubscriptionCommand::Tick { policy, at }, at);
    }

    fn run(&mut self, command: SubscriptionCommand, at: DateTime<Utc>) -> bool {
        let Ok(decided) = self.sub.decide(command) else { return false };
        // All of it is written before anything follows from it.
        decided.iter().for_each(|event| self.sub.apply(event.clone()));
        for event in decided {
            let missed = match &event {
                SubscriptionEvent::ChargeActionMissed { order, attempt, .. } => Some((*order, *attempt)),
                _ => None,
            };
            match order_step(event, at) {
                Some(OrderStep::Place(sale)) => {
                    let order = sale.order;
                    if let Some(mut place) = sale.place(&self.sub, self.till, at) {
                        let credit = self.placed.get(&order).and_then(|(_, credit)| *credit);
                        let most = place.tax.gross.minor;
                        place.credit = credit.map(|c| Money::new(c.minor.min(most), c.currency));
                        self.send(order, OrderCommand::Place(Box::new(place)), at);
                    }
                }
                Some(OrderStep::Send { order, command, .. }) => self.send(order, command, at),
                None => {}
            }
            // Where the gateway really said what became of it, it says so in its time.
            if let Some((order, attempt)) = missed
                && self.coming.iter().all(|answer| answer.attempt != attempt)
            {
                let outcome = Outcome::Cancelled;
                self.send(order, OrderCommand::RecordOutcome { attempt, outcome, at }, at);
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
            if let Some(zone) = self.sub.terms().map(|terms| terms.zone) {
                let status = self.orders.get(&order).and_then(Order::status);
                self.lines.note(order, &event, zone.date_of(at), status);
            }
            if let Some((_, command)) = subscription_step(order, event.clone(), self.policy(at)) {
                self.run(command, at);
            }
            if let OrderEvent::PaymentAttemptStarted { attempt, .. } = event {
                for (after, outcome) in self.answers(attempt, at) {
                    if after <= TimeDelta::zero() {
                        self.send(order, OrderCommand::RecordOutcome { attempt, outcome, at }, at);
                    } else {
                        self.coming.push(Answer { at: at + after, order, attempt, outcome });
                    }
                }
            }
        }
    }

    /// What a gateway says of an attempt, and how long after it is begun: what it really said of this one, else of one
    /// of that day, else of the last one before, else of the first; a card that was never asked says yes.
    fn answers(&self, attempt: Uuid, at: DateTime<Utc>) -> Vec<(TimeDelta, Outcome)> {
        let told = || self.attempts.iter().filter(|a| !a.answers.is_empty());
        let this = self.attempts.iter().find(|a| a.attempt == attempt);
        let same_day = || told().find(|a| a.begun >= at && a.begun < at + TimeDelta::days(1));
        let before = || told().rfind(|a| a.begun < at);
        let Some(found) = this.or_else(same_day).or_else(before).or_else(|| told().next()) else {
            return vec![(TimeDelta::zero(), Outcome::Succeeded { gateway_reference: String::new() })];
        };
        let shifted = |outcome: &Outcome| match outcome {
            Outcome::RequiresAction { until } => {
                Outcome::RequiresAction { until: at + (*until - found.begun) }
            }
            other => other.clone(),
        };
        found.answers.iter().map(|(after, outcome)| (*after, shifted(outcome))).collect()
    }

    /// The order of this life that stands for one that was: the same one, or the one that is open.
    fn stands_for(&mut self, order: Uuid) -> Option<Uuid> {
        if self.orders.get(&order).is_some_and(|o| o.total().is_some()) {
            return Some(order);
        }
        if let Some(known) = self.instead.get(&order) {
            return Some(*known);
        }
        let open = self.sub.open_order()?.order;
        self.instead.insert(order, open);
        Some(open)
    }

    fn act(&mut self, command: SubscriptionCommand, at: DateTime<Utc>) -> bool {
        use SubscriptionCommand as C;
        let command = match command {
            C::AwaitDebit { order, collect_on, until } => {
                C::AwaitDebit { order: self.stands_for(order).unwrap_or(order), collect_on, until }
            }
            C::RejectDebit { order, reason, at } => {
                C::RejectDebit { order: self.stands_for(order).unwrap_or(order), reason, at }
            }
            other => other,
        };
        self.run(command, at)
    }

    /// Whoever sent money sends the same part of what is asked for.
    fn money(&mut self, really_for: Uuid, moved: Moved, at: DateTime<Utc>) {
        let Some(order) = self.stands_for(really_for) else { return };
        let known = self.orders.get(&order).and_then(|o| Some((o.total()?, o.rest()?)));
        let Some((total, rest)) = known else { return };
        let really = self.placed.get(&really_for).map_or(total, |(gross, _)| *gross);
        let part = |money: Money| match (i128::from(total.minor), i128::from(really.minor.max(1))) {
            (now, then) if now == then => money,
            (now, then) => {
                let minor = (2 * i128::from(money.minor) * now + then).div_euclid(2 * then);
                Money::new(i64::try_from(minor).unwrap_or(money.minor), money.currency)
            }
        };
        let command = match moved {
            Moved::Came { whole: true, .. } if total != really && rest.minor > 0 => {
                OrderCommand::RecordTransfer { received: rest, at }
            }
            Moved::Came { received, .. } => OrderCommand::RecordTransfer { received: part(received), at },
            Moved::Debit { file, mandate, amount, collect_on } => {
                OrderCommand::SendDebit { file, mandate, amount: part(amount), collect_on, at }
            }
            Moved::Rejected(reason) => OrderCommand::RecordDebitRejection { reason, at },
            Moved::Returned(reason) => OrderCommand::RecordDebitReturn { reason, at },
            Moved::Credit { id, amount } => {
                let amount = Money::new(part(amount).minor.min(rest.minor), amount.currency);
                OrderCommand::ApplyCredit { id, amount, at }
            }
        };
        self.send(order, command, at);
    }

    /// The next time, behind `now` and before `end`, at which the clock may find something.
    fn looks(&self, now: DateTime<Utc>, end: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.sub.look_at().filter(|at| *at > now && *at < end)
    }

    /// The next thing that a gateway says before `end`.
    fn answered(&self, end: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.coming.iter().map(|answer| answer.at).filter(|at| *at < end).min()
    }

    fn hear(&mut self, at: DateTime<Utc>) {
        let Some(place) = self.coming.iter().position(|answer| answer.at == at) else { return };
        let Answer { order, attempt, outcome, .. } = self.coming.remove(place);
        self.send(order, OrderCommand::RecordOutcome { attempt, outcome, at }, at);
    }
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
    let (begun, join) = acts::join(history, difference)?;
    let mut life = Life {
        sub: Subscription::default(),
        orders: HashMap::new(),
        lines: Lines::default(),
        attempts: acts::attempts(history),
        coming: Vec::new(),
        placed: acts::placed(history),
        instead: HashMap::new(),
        till,
        rules: difference.rules,
        recorded: acts::rules(history),
        policy,
    };
    life.run(join, begun);
    let zone = life.sub.terms()?.zone;
    let mut waiting = VecDeque::from(acts::inputs(history, policy));
    let (mut refused, mut days_of_access) = (Vec::new(), 0);
    let mut today = zone.date_of(begun);
    for _ in 0..MOST_DAYS {
        let midnight = zone.start_of_day(today);
        if midnight > until {
            break;
        }
        if midnight >= begun {
            life.tick(midnight);
        }
        let Some(tomorrow) = today.succ_opt() else { break };
        let end = zone.start_of_day(tomorrow);
        // What the clock and the gateways do is over when the life is.
        let last = end.min(until + TimeDelta::nanoseconds(1));
        let mut now = midnight.max(begun);
        loop {
            let (clock, answer) = (life.looks(now, last), life.answered(last));
            let input = waiting.front().map(|timed| timed.known_at).filter(|at| *at < end);
            let Some(next) = [answer, input, clock].into_iter().flatten().min() else { break };
            now = now.max(next);
            if answer == Some(next) {
                life.hear(next);
            } else if input == Some(next) {
                let Some(Timed { at, input, .. }) = waiting.pop_front() else { break };
                match input {
                    Input::Act(event, command) => {
                        if !life.act(*command, at) {
                            refused.push((at, *event));
                        }
                    }
                    Input::Money(order, moved) => life.money(order, moved, at),
                }
            } else {
                life.tick(next);
            }
        }
        days_of_access += u32::from(life.sub.gives_access());
        today = tomorrow;
    }
    Some(Replay {
        orders: life.lines.into_orders(),
        status: life.sub.status()?,
        next_due_on: life.sub.next_due_on(),
        parked: life.sub.is_parked(),
        days_of_access,
        refused,
    })
}
