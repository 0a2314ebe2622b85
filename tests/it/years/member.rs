//! A membership with its orders, its gateway, and somebody who lives.

use chrono::{DateTime, Days, TimeDelta, Utc};
use kinora::domain::order::{Order, OrderCommand, OrderEvent};
use kinora::domain::order_process::{OrderStep, Till, order_step, subscription_step};
use kinora::domain::shared::calendar::{Interval, IntervalUnit, Zone};
use kinora::domain::shared::discount::{Discount, Off};
use kinora::domain::shared::payment::{BillingPolicy, Collection, Outcome, PaymentMethod, attempt_id};
use kinora::domain::shared::tax::Country;
use kinora::domain::shared::{Currency, Money, PersonalRef};
use kinora::domain::subscription::{Status, Subscription, SubscriptionCommand, SubscriptionEvent, Terms};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use uuid::Uuid;

const ZONES: [&str; 5] =
    ["Europe/Amsterdam", "Asia/Kolkata", "America/New_York", "America/Santiago", "Pacific/Apia"];

pub fn day(n: i64) -> DateTime<Utc> {
    "2026-02-11T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::days(n)
}

/// What a gateway keeps of a key.
pub struct Taken {
    pub order: Uuid,
    pub amount: Money,
    pub outcome: Outcome,
    /// The outcome is not told yet: look it up on that day.
    pub told_on: Option<i64>,
}

/// A membership with its orders, its gateway, and somebody who lives.
pub struct Member {
    pub sub: Subscription,
    pub log: Vec<(DateTime<Utc>, SubscriptionEvent)>,
    pub orders: HashMap<Uuid, Order>,
    pub events: Vec<(Uuid, OrderEvent)>,
    /// The place of each event in one common log: of the subscription's, and of the orders'.
    pub places: (Vec<i64>, Vec<i64>),
    /// When each event of an order took effect.
    pub times: Vec<DateTime<Utc>>,
    pub gateway: HashMap<Uuid, Taken>,
    pub till: Till,
    pub random: StdRng,
    /// Takes part in nothing but renewals.
    pub quiet: bool,
    pub card: u32,
    pub card_ends: i64,
    pub ticks: u64,
    /// Time that ticks took.
    pub spent: Duration,
}

fn card(n: u32) -> PaymentMethod {
    let label = PersonalRef { subject: Uuid::from_u128(1), field: "card".into(), version: Uuid::nil() };
    PaymentMethod { gateway: "sandbox".into(), token: n.to_string(), label, expires_on: None }
}

fn chance(random: &mut StdRng, of_thousand: u32) -> bool {
    random.random_range(0..1000) < of_thousand
}

impl Member {
    pub fn new(n: u32) -> Self {
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
            rates: Default::default(),
        };
        let card_ends = if quiet { 1000 } else { random.random_range(20..900) };
        let mut member = Self {
            sub: Subscription::default(),
            log: vec![],
            orders: HashMap::new(),
            events: vec![],
            places: (vec![], vec![]),
            times: vec![],
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
            vat_check: None,
            trial_days: if trial { 14 } else { 0 },
            discount: (!quiet && chance(&mut member.random, 200)).then(|| Discount {
                coupon: Uuid::from_u128(7),
                code: "SPRING".into(),
                off: Off::Percent { percent: 33 },
                periods: (!n.is_multiple_of(3)).then_some(n % 5 + 1),
            }),
            waives_withdrawal: false,
            at,
        };
        member.run(join, at).unwrap();
        member
    }

    pub fn joined_on(&self) -> i64 {
        (self.log[0].0 - day(0)).num_days()
    }

    fn next_place(&self) -> i64 {
        i64::try_from(self.log.len() + self.events.len()).unwrap()
    }

    /// A command and all that follows from it.
    fn run(&mut self, command: SubscriptionCommand, at: DateTime<Utc>) -> Result<(), String> {
        let decided = self.sub.decide(command).map_err(|e| e.to_string())?;
        for event in decided {
            self.sub.apply(event.clone());
            self.places.0.push(self.next_place());
            self.log.push((at, event.clone()));
            match order_step(event.clone(), at) {
                Some(OrderStep::Place(sale)) => {
                    let order = sale.order;
                    assert!(!self.orders.contains_key(&order), "a period is ordered once");
                    let place = sale.place(&self.sub, &self.till, at).unwrap();
                    self.send(order, OrderCommand::Place(Box::new(place)), at);
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
            self.places.1.push(self.next_place());
            self.times.push(at);
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
    pub fn look_up(&mut self, today: i64, at: DateTime<Utc>) {
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

    pub fn tick(&mut self, at: DateTime<Utc>) {
        // Only what the list of due memberships would give.
        if self.sub.look_at().is_some_and(|look_at| look_at <= at) {
            let started = Instant::now();
            self.ticks += 1;
            self.run(SubscriptionCommand::Tick { policy: BillingPolicy::default(), at }, at).unwrap();
            self.spent += started.elapsed();
        }
    }

    /// What people and staff do, refused or not.
    pub fn live(&mut self, today: i64, at: DateTime<Utc>) {
        use SubscriptionCommand as C;
        if self.quiet {
            return;
        }
        let Some(agreed) = self.sub.terms().cloned() else { return };
        let local = agreed.zone.date_of(at);
        let pending = self.sub.status() == Some(Status::PendingCancellation);
        let command = match self.random.random_range(0..1000) {
            0..3 => C::Cancel { reason: None, at },
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
                C::ChangePlan {
                    order: Uuid::from_u128(self.random.random()),
                    terms: new,
                    shown: None,
                    at_once: true,
                    at,
                }
            }
            620..632 => C::AnnouncePrice {
                of: agreed.variation,
                variation: Uuid::from_u128(self.random.random()),
                price: Money::new(self.random.random_range(300..4000), Currency::eur()),
                from: local + Days::new(30),
                notice_days: 30,
                anew: false,
            },
            640..645 => C::Withdraw { days: 14, at },
            55..57 => C::Extend { days: self.random.random_range(1..40), gift: false },
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
        seats: None,
    }
}
