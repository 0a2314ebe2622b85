//! Four hundred days of many memberships, with everything that goes wrong in them: cards that decline,
//! ask, answer late or expire, clocks that stop for a month, jump back or run twice, people who change
//! their minds. Nobody is charged twice, too late or after the end; the sums agree.
//!
//! `SIMULATED=10000 cargo test --release --lib years -- --nocapture` for a large one; figures in
//! `docs/measurements.md`.

use super::*;
use crate::domain::order::{Order, PaidBy};
use crate::domain::shared::calendar::{Interval, IntervalUnit, Zone};
use crate::domain::shared::payment::{Outcome, PaymentMethod, attempt_id};
use crate::domain::shared::{Currency, PersonalRef};
use crate::domain::subscription::{Status, Trigger};
use chrono::TimeDelta;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::HashMap;
use std::time::{Duration, Instant};

const DAYS: i64 = 400;
/// Days on which no clock runs: first and last.
const OUTAGES: [(i64, i64); 2] = [(95, 125), (290, 320)];
const ZONES: [&str; 5] =
    ["Europe/Amsterdam", "Asia/Kolkata", "America/New_York", "America/Santiago", "Pacific/Apia"];

fn day(n: i64) -> DateTime<Utc> {
    "2026-02-11T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::days(n)
}

/// What a gateway keeps of a key.
struct Taken {
    order: Uuid,
    amount: Money,
    outcome: Outcome,
    /// The outcome is not told yet: look it up on that day.
    told_on: Option<i64>,
}

/// A membership with its orders, its gateway, and somebody who lives.
struct Member {
    sub: Subscription,
    log: Vec<(DateTime<Utc>, SubscriptionEvent)>,
    orders: HashMap<Uuid, Order>,
    events: Vec<(Uuid, OrderEvent)>,
    gateway: HashMap<Uuid, Taken>,
    till: Till,
    random: StdRng,
    /// Takes part in nothing but renewals.
    quiet: bool,
    card: u32,
    card_ends: i64,
    ticks: u64,
    /// Time that ticks took.
    spent: Duration,
}

fn card(n: u32) -> PaymentMethod {
    let label = PersonalRef { subject: Uuid::from_u128(1), field: "card".into(), version: Uuid::nil() };
    PaymentMethod { gateway: "sandbox".into(), token: n.to_string(), label }
}

fn chance(random: &mut StdRng, of_thousand: u32) -> bool {
    random.random_range(0..1000) < of_thousand
}

impl Member {
    fn new(n: u32) -> Self {
        let mut random = StdRng::seed_from_u64(n.into());
        let quiet = n.is_multiple_of(4);
        let interval = match random.random_range(0..10) {
            0 => Interval::new(IntervalUnit::Week, 2).unwrap(),
            1 => Interval::new(IntervalUnit::Month, 3).unwrap(),
            2 => Interval::yearly(),
            _ => Interval::monthly(),
        };
        let collection = match random.random_range(0..20) {
            _ if quiet => Collection::Automatic,
            0..=2 => Collection::Manual,
            3 => Collection::Managed,
            _ => Collection::Automatic,
        };
        let zone = Zone::parse(ZONES[random.random_range(0..ZONES.len())]).unwrap();
        let terms = terms(random.random_range(300..3000), interval, collection, zone);
        let country = ["NL", "DE", "FR", "US", "IE"][random.random_range(0..5)];
        let till = Till {
            home: Country::parse("NL").unwrap(),
            card_gateway: Some("sandbox".into()),
            iban: String::new(),
        };
        let card_ends = if quiet { 1000 } else { random.random_range(20..900) };
        let mut member = Self {
            sub: Subscription::default(),
            log: vec![],
            orders: HashMap::new(),
            events: vec![],
            gateway: HashMap::new(),
            till,
            random,
            quiet,
            card: 0,
            card_ends,
            ticks: 0,
            spent: Duration::ZERO,
        };
        let at = day(0) + TimeDelta::minutes(member.random.random_range(0..60 * 24 * 40));
        let trial = !quiet && collection == Collection::Automatic && chance(&mut member.random, 150);
        let join = SubscriptionCommand::Join {
            subscription: Uuid::from_u128(u128::from(n) + 1000),
            owner: Uuid::from_u128(1),
            terms,
            method: (collection == Collection::Automatic).then(|| card(0)),
            country: Country::parse(country).unwrap(),
            billing: None,
            vat_number: (!quiet && chance(&mut member.random, 50)).then(|| card(0).label),
            trial_days: if trial { 14 } else { 0 },
            at,
        };
        member.run(join, at).unwrap();
        member
    }

    fn joined_on(&self) -> i64 {
        (self.log[0].0 - day(0)).num_days()
    }

    /// A command and all that follows from it.
    fn run(&mut self, command: SubscriptionCommand, at: DateTime<Utc>) -> Result<(), String> {
        let decided = self.sub.decide(command).map_err(|e| e.to_string())?;
        for event in decided {
            self.sub.apply(event.clone());
            self.log.push((at, event.clone()));
            match order_step(event.clone(), at) {
                Some(OrderStep::Place(sale)) => {
                    let order = sale.order;
                    assert!(!self.orders.contains_key(&order), "a period is ordered once");
                    let command = sale.place(&self.sub, &self.till, at).unwrap();
                    self.send(order, command, at);
                }
                Some(OrderStep::Send { order, command, .. }) => self.send(order, command, at),
                None => {}
            }
            if let SubscriptionEvent::ChargeActionMissed { order, attempt, .. } = event {
                let taken = self.gateway.get_mut(&attempt).unwrap();
                taken.outcome = Outcome::Cancelled;
                taken.told_on = None;
                self.send(
                    order,
                    OrderCommand::RecordOutcome { attempt, outcome: Outcome::Cancelled, at },
                    at,
                );
            }
        }
        Ok(())
    }

    fn send(&mut self, order: Uuid, command: OrderCommand, at: DateTime<Utc>) {
        // As in the workflow: an order that is settled meanwhile refuses, and that is well.
        let Ok(events) = self.orders.entry(order).or_default().decide(command) else { return };
        for event in events {
            self.orders.get_mut(&order).unwrap().apply(event.clone());
            self.events.push((order, event.clone()));
            if let Some((_, command)) = subscription_step(order, event.clone(), BillingPolicy::default()) {
                self.run(command, at).unwrap();
            }
            if let OrderEvent::PaymentAttemptStarted { attempt, amount, method, .. } = event {
                self.charge(order, attempt, amount, &method, at);
            }
        }
    }

    /// The gateway is asked; not every answer comes.
    fn charge(
        &mut self,
        order: Uuid,
        attempt: Uuid,
        amount: Money,
        method: &PaymentMethod,
        at: DateTime<Utc>,
    ) {
        let today = (at - day(0)).num_days();
        let declined = |code: &str, hard| Outcome::Declined { code: code.into(), hard };
        let done = Outcome::Succeeded { gateway_reference: attempt.to_string() };
        let dice = if self.quiet { 999 } else { self.random.random_range(0..1000) };
        let outcome = match dice {
            _ if method.token == self.card.to_string() && today >= self.card_ends => {
                declined("expired_card", false)
            }
            0..60 => declined("insufficient_funds", false),
            60..64 => declined("stolen_card", true),
            64..84 => Outcome::RequiresAction { until: at + TimeDelta::days(1) },
            _ => done,
        };
        let lost = !self.quiet && chance(&mut self.random, 30);
        let told_on = lost.then(|| today + self.random.random_range(0..3));
        assert!(!self.gateway.contains_key(&attempt), "a key is used once");
        let told = if lost { Outcome::Unknown } else { outcome.clone() };
        self.gateway.insert(attempt, Taken { order, amount, outcome, told_on });
        self.send(order, OrderCommand::RecordOutcome { attempt, outcome: told, at }, at);
    }

    /// Answers that were lost are found; whoever has to confirm does, sometimes.
    fn look_up(&mut self, today: i64, at: DateTime<Utc>) {
        let known: Vec<(Uuid, Uuid)> = self
            .gateway
            .iter()
            .filter(|(_, t)| t.told_on.is_some_and(|on| on <= today))
            .map(|(key, t)| (*key, t.order))
            .collect();
        for (attempt, order) in known {
            let taken = self.gateway.get_mut(&attempt).unwrap();
            taken.told_on = None;
            let outcome = match &taken.outcome {
                Outcome::RequiresAction { until } if *until <= at => Outcome::Cancelled,
                other => other.clone(),
            };
            taken.outcome = outcome.clone();
            self.send(order, OrderCommand::RecordOutcome { attempt, outcome, at }, at);
        }
        let asked = self.sub.open_order().and_then(|o| Some((o.order, o.charge.as_ref()?)));
        if let Some((order, charge)) = asked
            && charge.action_until.is_some_and(|until| at < until)
            && chance(&mut self.random, 500)
        {
            let attempt = charge.attempt;
            let outcome = Outcome::Succeeded { gateway_reference: "confirmed".into() };
            self.gateway.get_mut(&attempt).unwrap().outcome = outcome.clone();
            self.send(order, OrderCommand::RecordOutcome { attempt, outcome, at }, at);
        }
    }

    fn tick(&mut self, at: DateTime<Utc>) {
        // Only what the list of due memberships would give.
        if self.sub.look_at().is_some_and(|look_at| look_at <= at) {
            let started = Instant::now();
            self.ticks += 1;
            self.run(SubscriptionCommand::Tick { policy: BillingPolicy::default(), at }, at).unwrap();
            self.spent += started.elapsed();
        }
    }

    /// What people and staff do, refused or not.
    fn live(&mut self, today: i64, at: DateTime<Utc>) {
        use SubscriptionCommand as C;
        if self.quiet {
            return;
        }
        let Some(agreed) = self.sub.terms().cloned() else { return };
        let local = agreed.zone.date_of(at);
        let pending = self.sub.status() == Some(Status::PendingCancellation);
        let command = match self.random.random_range(0..1000) {
            0..3 => C::Cancel { at },
            3..30 if pending => C::UndoCancel { at },
            30..33 => {
                let from = local + Days::new(self.random.random_range(0..10));
                let until = from + Days::new(self.random.random_range(1..60));
                C::Pause { from, until: chance(&mut self.random, 700).then_some(until), at }
            }
            33..50 if self.sub.pause().is_some() => C::EndPause { at },
            50..55 => {
                let interval =
                    if chance(&mut self.random, 300) { Interval::yearly() } else { agreed.interval };
                let mut new =
                    terms(self.random.random_range(300..4000), interval, agreed.collection, agreed.zone);
                new.price.minor *= if interval == agreed.interval { 1 } else { 10 };
                new.variation = Uuid::from_u128(self.random.random());
                C::ChangePlan { order: Uuid::from_u128(self.random.random()), terms: new, at }
            }
            55..57 => C::Extend { days: self.random.random_range(1..40) },
            57..60 => C::Waive { at },
            60..62 => C::RetryNow { policy: BillingPolicy::default(), at },
            62..160 if self.sub.is_parked() => C::Unpark { waive_missed: today % 2 == 0, at },
            160..300 if today >= self.card_ends => {
                self.card += 1;
                self.card_ends = today + self.random.random_range(100..900);
                C::ChangeMethod { method: card(self.card), at }
            }
            300..380 if self.sub.status() == Some(Status::OnHold) => {
                let Some(open) = self.sub.open_order() else { return };
                let attempt = attempt_id(open.order, 1000 + u32::try_from(today).unwrap());
                C::PayNow { attempt, method: card(self.card), at }
            }
            380..600 if agreed.collection == Collection::Manual => {
                let Some(order) = self.sub.open_order().map(|o| o.order) else { return };
                let Some(received) = self.orders[&order].total() else { return };
                return self.send(order, OrderCommand::RecordTransfer { received, at }, at);
            }
            _ => return,
        };
        // A refusal is as good as an answer; it must only leave no trace.
        let before = self.log.len();
        if self.run(command, at).is_err() {
            assert_eq!(before, self.log.len());
        }
    }
}

fn terms(minor: i64, interval: Interval, collection: Collection, zone: Zone) -> Terms {
    Terms {
        plan: Uuid::from_u128(1),
        variation: Uuid::from_u128(2),
        plan_name: "Studio".into(),
        price: Money::new(minor, Currency::eur()),
        interval,
        collection,
        zone,
    }
}

fn running(n: i64) -> bool {
    OUTAGES.iter().all(|(first, last)| n < *first || n > *last)
}

/// Days since the last outage, or many.
fn settled(n: i64) -> bool {
    OUTAGES.iter().all(|(first, last)| n < *first || n > *last + 8)
}

/// One whole life.
fn live(n: u32) -> Member {
    let mut member = Member::new(n);
    for today in member.joined_on() + 1..DAYS {
        let morning = day(today) + TimeDelta::hours(14);
        member.look_up(today, morning);
        member.live(today, morning + TimeDelta::minutes(7));
        if running(today) {
            // Two nodes: the other one's clock is late, or it looks at the same hour once more.
            let at = morning + TimeDelta::hours(1);
            member.tick(at);
            let behind = TimeDelta::hours(member.random.random_range(0..30));
            member.tick(at - behind);
            member.tick(at);
        }
        missed(&member, today, morning + TimeDelta::hours(1));
    }
    member
}

/// Nobody who pays by card goes on without a payment.
fn missed(m: &Member, today: i64, at: DateTime<Utc>) {
    let (Some(Status::Active), Some(terms)) = (m.sub.status(), m.sub.terms()) else { return };
    let resting = m.sub.is_paused() || m.sub.is_parked() || m.sub.open_order().is_some();
    if terms.collection != Collection::Automatic || resting || !settled(today) {
        return;
    }
    let due = m.sub.next_due_on().unwrap();
    assert!(due > terms.zone.date_of(at), "missed: due {due}, and it is {at}; {:#?}", m.log);
}

/// Spans that are paid or given, and none of them twice.
fn covered(m: &Member) -> Vec<Period> {
    let mut all: Vec<Period> = Vec::new();
    let cut = |all: &mut Vec<Period>, on: NaiveDate| {
        all.retain(|p| p.start < on);
        if let Some(last) = all.last_mut() {
            last.end = last.end.min(on);
        }
    };
    for (_, event) in &m.log {
        match event {
            SubscriptionEvent::SubscriptionActivated { period, .. }
            | SubscriptionEvent::SubscriptionResumed { period, .. }
            | SubscriptionEvent::SubscriptionRenewed { period, .. }
            | SubscriptionEvent::PeriodWaived { period, .. } => all.push(*period),
            SubscriptionEvent::SubscriptionPaused { from, .. } => cut(&mut all, *from),
            SubscriptionEvent::PlanChangeRequested { order, proration, .. } => {
                let done = |e: &SubscriptionEvent| matches!(e, SubscriptionEvent::PlanChanged { order: Some(o), .. } if o == order);
                if m.log.iter().any(|(_, e)| done(e)) {
                    cut(&mut all, proration.period.start);
                    all.push(proration.period);
                }
            }
            _ => {}
        }
    }
    all
}

fn check(m: &Member) {
    let spans = covered(m);
    for pair in spans.windows(2) {
        assert!(pair[0].end <= pair[1].start, "no day twice: {pair:?}\n{:#?}", m.log);
    }
    // Money: what the gateway took is what the orders say, each order once.
    let mut by_order: HashMap<Uuid, i64> = HashMap::new();
    for taken in m.gateway.values().filter(|t| matches!(t.outcome, Outcome::Succeeded { .. })) {
        if taken.told_on.is_none() {
            assert!(by_order.insert(taken.order, taken.amount.minor).is_none(), "an order is charged once");
        }
    }
    let mut transferred: HashMap<Uuid, i64> = HashMap::new();
    for (order, event) in &m.events {
        match event {
            OrderEvent::TransferReceived { received, .. } => {
                *transferred.entry(*order).or_default() += received.minor;
            }
            OrderEvent::OrderPaid { amount, paid_by: PaidBy::Charge { .. }, .. } => {
                assert_eq!(by_order.remove(order), Some(amount.minor), "paid as asked for");
            }
            OrderEvent::OrderPaid { amount, paid_by: PaidBy::Transfer, .. } => {
                assert_eq!(transferred.get(order), Some(&amount.minor));
            }
            OrderEvent::OrderOverpaid { over, .. } => {
                // Taken although nobody owed it: staff are told, so it is not lost.
                assert_eq!(by_order.remove(order), Some(over.minor));
            }
            OrderEvent::OrderPlaced { tax, items, .. } => {
                let sum: i64 = items.iter().map(|i| i.unit.minor * i64::from(i.quantity)).sum();
                assert_eq!(sum, tax.gross.minor, "the lines come to the total");
                assert_eq!(tax.net.minor + tax.tax.minor, tax.gross.minor);
            }
            _ => {}
        }
    }
    assert!(by_order.is_empty(), "nothing is taken that no order knows: {by_order:?}");
    // The end is the end, and who cancelled is asked for nothing more.
    let (mut over, mut leaving) = (false, false);
    for (at, event) in &m.log {
        match event {
            SubscriptionEvent::ChargeRequested { trigger, .. } => {
                assert!(!over, "charged after the end at {at}");
                assert!(!leaving || *trigger != Trigger::Clock, "charged after it was cancelled at {at}");
            }
            SubscriptionEvent::CancellationScheduled { .. } => leaving = true,
            SubscriptionEvent::CancellationUndone { .. } => leaving = false,
            SubscriptionEvent::SubscriptionCancelled { .. }
            | SubscriptionEvent::SubscriptionExpired { .. } => over = true,
            _ => {}
        }
    }
    let mut again = Subscription::default();
    m.log.iter().for_each(|(_, event)| again.apply(event.clone()));
    assert_eq!(serde_json::to_value(&again).unwrap(), serde_json::to_value(&m.sub).unwrap());
    if m.quiet {
        by_hand(m, &spans);
    }
}

/// The first days of the periods of somebody to whom nothing happens, reckoned in another way: by
/// months of a list, and the clock's days.
fn by_hand(m: &Member, spans: &[Period]) {
    let terms = m.sub.terms().unwrap();
    let first = terms.zone.date_of(m.log[0].0);
    let last = terms.zone.date_of(day(DAYS - 1) + TimeDelta::hours(15));
    let mut expected = vec![];
    for n in 0_u32.. {
        let start = match terms.interval.unit() {
            IntervalUnit::Week | IntervalUnit::Day => first + Days::new(u64::from(14 * n)),
            IntervalUnit::Month => {
                first.checked_add_months(chrono::Months::new(n * u32::from(terms.interval.length()))).unwrap()
            }
            IntervalUnit::Year => first.checked_add_months(chrono::Months::new(12 * n)).unwrap(),
        };
        if start > last {
            break;
        }
        expected.push(start);
    }
    let found: Vec<NaiveDate> = spans.iter().map(|p| p.start).collect();
    // Who missed more than three periods waits for staff.
    if m.sub.is_parked() {
        assert_eq!(found, expected[..found.len()]);
    } else {
        assert_eq!(found, expected, "{:#?}", m.log);
    }
}

#[test]
fn nobody_is_charged_twice_too_late_or_after_the_end() {
    let many: u32 = std::env::var("SIMULATED").ok().and_then(|n| n.parse().ok()).unwrap_or(400);
    let started = Instant::now();
    let (mut ticks, mut charges, mut events, mut spent) = (0, 0, 0, Duration::ZERO);
    let (mut taken, mut invoiced, mut parked) = (0_i64, 0_i64, 0);
    let mut ends: HashMap<&str, u32> = HashMap::new();
    for n in 0..many {
        let member = live(n);
        check(&member);
        ticks += member.ticks;
        spent += member.spent;
        events += member.log.len() + member.events.len();
        charges += member.gateway.len();
        parked += u32::from(member.sub.is_parked());
        let succeeded = |t: &&Taken| t.told_on.is_none() && matches!(t.outcome, Outcome::Succeeded { .. });
        taken += member.gateway.values().filter(succeeded).map(|t| t.amount.minor).sum::<i64>();
        for (_, event) in &member.events {
            match event {
                OrderEvent::OrderPaid { amount, .. } => invoiced += amount.minor,
                OrderEvent::OrderOverpaid { over, .. } => invoiced += over.minor,
                OrderEvent::TransferReceived { received, .. } => taken += received.minor,
                _ => {}
            }
        }
        let status: &'static str = member.sub.status().unwrap().into();
        *ends.entry(status).or_default() += 1;
    }
    assert_eq!(taken, invoiced, "the sum of what is invoiced or to go back is the sum of what was taken");
    println!(
        "{many} memberships, {DAYS} days: {events} events, {charges} charges, {} taken; {ends:?}, {parked} wait for staff; {ticks} ticks, {:.0} a second of tick; {:.1} s in all",
        Money::new(taken, Currency::eur()),
        ticks_per_second(ticks, spent),
        started.elapsed().as_secs_f64(),
    );
}

#[expect(clippy::cast_precision_loss, reason = "a figure to read")]
fn ticks_per_second(ticks: u64, spent: Duration) -> f64 {
    ticks as f64 / spent.as_secs_f64().max(f64::MIN_POSITIVE)
}
