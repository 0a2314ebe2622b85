//! "As it is" is what the log says, and the same life lived again without a difference comes to the same.

use super::{Difference, History, Replay, as_recorded, replay};
use crate::domain::order::{Order, OrderCommand, OrderEvent, OrderStatus};
use crate::domain::order_process::{OrderStep, Till, order_step, subscription_step};
use crate::domain::shared::calendar::{Interval, IntervalUnit, Zone};
use crate::domain::shared::payment::{BillingPolicy, Collection, Outcome, PaymentMethod};
use crate::domain::shared::tax::Country;
use crate::domain::shared::{Currency, Money, PersonalRef};
use crate::domain::subscription::{Status, Subscription, SubscriptionCommand, SubscriptionEvent, Terms};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;
use uuid::Uuid;

type C = SubscriptionCommand;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn euro(minor: i64) -> Money {
    Money::new(minor, Currency::eur())
}

fn till() -> Till {
    Till {
        home: Country::parse("NL").unwrap(),
        card_gateway: Some("sandbox".into()),
        iban: "NL02ABNA0123456789".into(),
        rates: Default::default(),
    }
}

fn terms(collection: Collection, variation: u128, price: i64) -> Terms {
    Terms {
        plan: Uuid::from_u128(1),
        variation: Uuid::from_u128(variation),
        plan_name: "Studio".into(),
        price: euro(price),
        interval: Interval::monthly(),
        collection,
        zone: Zone::amsterdam(),
        seats: None,
    }
}

fn card() -> PaymentMethod {
    let label = PersonalRef { subject: Uuid::from_u128(9), field: "card".into(), version: Uuid::nil() };
    PaymentMethod { gateway: "sandbox".into(), token: "good".into(), label, expires_on: None }
}

/// A membership with its orders, its log and its gateway.
#[derive(Default)]
struct World {
    sub: Subscription,
    orders: BTreeMap<Uuid, Order>,
    history: History,
    now: DateTime<Utc>,
    /// The holder has to confirm every charge, and does not.
    asks: bool,
}

impl World {
    /// Joined on 1 January, at ten.
    fn joined(collection: Collection) -> Self {
        let mut world = Self { now: at("2026-01-01T10:00:00Z"), ..Self::default() };
        world.run(C::Join {
            subscription: Uuid::from_u128(5),
            owner: Uuid::from_u128(9),
            terms: terms(collection, 2, 1150),
            method: (collection == Collection::Automatic).then(card),
            country: Country::parse("NL").unwrap(),
            billing: None,
            vat_number: None,
            vat_check: None,
            trial_days: 0,
            discount: None,
            waives_withdrawal: false,
            at: world.now,
        });
        world
    }

    fn run(&mut self, command: SubscriptionCommand) {
        let Ok(decided) = self.sub.decide(command) else { return };
        for event in &decided {
            self.sub.apply(event.clone());
            self.history.subscription.push((self.now, event.clone()));
        }
        for event in decided {
            match order_step(event, self.now) {
                Some(OrderStep::Place(sale)) => {
                    let order = sale.order;
                    let place = sale.place(&self.sub, &till(), self.now).unwrap();
                    self.send(order, OrderCommand::Place(Box::new(place)), self.now);
                }
                Some(OrderStep::Send { order, command, .. }) => self.send(order, command, self.now),
                None => {}
            }
        }
    }

    fn send(&mut self, order: Uuid, command: OrderCommand, at: DateTime<Utc>) {
        let Ok(events) = self.orders.entry(order).or_default().decide(command) else { return };
        for event in events {
            self.orders.get_mut(&order).unwrap().apply(event.clone());
            self.history.orders.push((at, order, event.clone()));
            if let Some((_, command)) = subscription_step(order, event.clone(), BillingPolicy::default()) {
                self.run(command);
            }
            if let OrderEvent::PaymentAttemptStarted { attempt, .. } = event {
                let outcome = if self.asks {
                    Outcome::RequiresAction { until: at + TimeDelta::hours(23) }
                } else {
                    Outcome::Succeeded { gateway_reference: "ch".into() }
                };
                self.send(order, OrderCommand::RecordOutcome { attempt, outcome, at }, at);
            }
        }
    }

    /// The clock comes every hour; what was not confirmed is withdrawn a moment later.
    fn hours(&mut self, until: &str) {
        while self.now + TimeDelta::hours(1) <= at(until) {
            self.now += TimeDelta::hours(1);
            self.tick();
        }
        self.now = at(until);
    }

    fn tick(&mut self) {
        let hour = self.now;
        self.run(C::Tick { policy: BillingPolicy::default(), at: hour });
        let open = self.sub.open_order().and_then(|o| Some((o.order, o.charge.clone()?)));
        if let Some((order, charge)) = open.filter(|(_, charge)| charge.withdrawn) {
            self.now += TimeDelta::seconds(5);
            let outcome = Outcome::Cancelled;
            let command = OrderCommand::RecordOutcome { attempt: charge.attempt, outcome, at: self.now };
            self.send(order, command, self.now);
            self.now = hour;
        }
    }

    fn open(&self) -> Uuid {
        self.sub.open_order().unwrap().order
    }

    fn transfer(&mut self, order: Uuid, minor: i64, booked: &str) {
        let command = OrderCommand::RecordTransfer { received: euro(minor), at: at(booked) };
        self.send(order, command, at(booked));
    }

    /// The life as the log has it, which is what the state says.
    fn as_it_is(&self) -> Replay {
        let was = as_recorded(&self.history, self.now).unwrap();
        let stands = (self.sub.status().unwrap(), self.sub.next_due_on(), self.sub.is_parked());
        assert_eq!((was.status, was.next_due_on, was.parked), stands);
        let settled = |order: &&Order| order.status().is_some_and(OrderStatus::is_settled);
        let paid: i64 = self.orders.values().filter(settled).map(|o| o.total().unwrap().minor).sum();
        assert_eq!(was.paid(), paid);
        was
    }

    /// The same, after it was found that the life comes to the same when it is lived again.
    fn repeats(&self) -> Replay {
        let was = self.as_it_is();
        let again = self.otherwise(&Difference::default());
        assert!(again.refused.is_empty(), "everything that happened is possible: {:?}", again.refused);
        assert!(again.comes_to(&was), "{again:#?}\n{was:#?}");
        assert_eq!(again.orders, was.orders);
        assert_eq!(again.days_of_access, was.days_of_access);
        was
    }

    fn otherwise(&self, difference: &Difference) -> Replay {
        replay(&self.history, difference, BillingPolicy::default(), &till(), self.now).unwrap()
    }
}

#[test]
fn a_renewal_that_is_never_confirmed_is_not_paid() {
    let mut world = World::joined(Collection::Automatic);
    world.asks = true;
    world.hours("2026-03-26T09:00:00Z");
    let was = world.repeats();
    assert_eq!((was.status, was.paid()), (Status::OnHold, 1150));
    assert_eq!(was.orders[1].declined, 3);
    assert!(was.days_of_access < 40, "{}", was.days_of_access);
}

#[test]
fn a_direct_debit_that_comes_back_is_not_paid() {
    let mut world = World::joined(Collection::Manual);
    world.transfer(world.open(), 1150, "2026-01-01T10:00:00Z");
    world.hours("2026-01-25T12:00:00Z");
    let (order, collect_on) = (world.open(), "2026-02-02".parse().unwrap());
    let (file, mandate) = (Uuid::from_u128(70), Uuid::from_u128(71));
    let sent = OrderCommand::SendDebit { file, mandate, amount: euro(1150), collect_on, at: world.now };
    world.send(order, sent, world.now);
    world.run(C::AwaitDebit { order, collect_on, until: at("2026-02-06T00:00:00Z") });
    world.hours("2026-02-02T12:00:00Z");
    world.transfer(order, 1150, "2026-02-02T12:00:00Z");
    world.hours("2026-02-10T09:00:00Z");
    assert_eq!(world.repeats().paid(), 2300, "before it comes back");

    let back = OrderCommand::RecordDebitReturn { reason: "MD06".into(), at: world.now };
    world.send(order, back, world.now);
    world.hours("2026-03-12T09:00:00Z");
    let was = world.repeats();
    assert_eq!((was.status, was.paid()), (Status::OnHold, 1150));
    assert_eq!(was.orders[1].paid_on, None);
}

#[test]
fn part_of_a_price_is_no_payment() {
    let mut world = World::joined(Collection::Manual);
    let order = world.open();
    world.hours("2026-01-03T10:00:00Z");
    world.transfer(order, 1000, "2026-01-03T10:00:00Z");
    world.hours("2026-01-05T10:00:00Z");
    world.run(C::Cancel { reason: None, at: world.now });
    // Booked before, known after: nobody owed it any more.
    world.hours("2026-01-06T10:00:00Z");
    world.transfer(order, 150, "2026-01-04T00:00:00Z");
    world.hours("2026-02-02T10:00:00Z");
    let was = world.repeats();
    assert_eq!((was.status, was.paid(), was.days_of_access), (Status::Cancelled, 0, 0));

    // For twice the price they would have sent twice as much of it.
    let double = Difference { price: Some(euro(2300)), ..Difference::default() };
    let would = world.otherwise(&double);
    assert_eq!((would.status, would.paid()), (Status::Cancelled, 0));
}

#[test]
fn what_the_clock_or_another_act_brought_is_not_done_twice() {
    let mut world = World::joined(Collection::Automatic);
    world.hours("2026-01-10T10:00:00Z");
    let (order, at) = (Uuid::from_u128(80), world.now);
    let terms = terms(Collection::Automatic, 3, 2000);
    world.run(C::ChangePlan { order, terms, shown: None, at_once: true, at });
    world.hours("2026-02-05T10:00:00Z");
    let (from, until) = ("2026-02-10".parse().unwrap(), Some("2026-02-20".parse().unwrap()));
    world.run(C::Pause { from, until, at: world.now });
    world.hours("2026-03-30T10:00:00Z");
    let kinds: Vec<&'static str> = world.history.subscription.iter().map(|(_, e)| e.into()).collect();
    assert!(kinds.contains(&"PauseEnded") && kinds.contains(&"PlanChangeRequested"), "{kinds:?}");
    assert_eq!(world.repeats().status, Status::Active);
}

#[test]
fn an_act_that_another_life_does_not_allow_is_named_by_what_happened() {
    let mut world = World::joined(Collection::Automatic);
    world.hours("2026-01-10T10:00:00Z");
    world.run(C::Cancel { reason: None, at: world.now });
    world.hours("2026-01-20T10:00:00Z");
    world.run(C::UndoCancel { at: world.now });
    world.repeats();
    let weekly = Interval::new(IntervalUnit::Week, 1).ok();
    let would = world.otherwise(&Difference { interval: weekly, ..Difference::default() });
    assert_eq!(would.status, Status::Cancelled);
    assert!(
        matches!(would.refused[..], [(_, SubscriptionEvent::CancellationUndone { .. })]),
        "{:?}",
        would.refused
    );
}

proptest::proptest! {
    #[test]
    fn whatever_happens_as_it_is_is_the_log(
        by_hand in proptest::prelude::any::<bool>(),
        steps in proptest::collection::vec((0_u8..9, 1_i64..2000), 0..60)
    ) {
        let mut world = World::joined(if by_hand { Collection::Manual } else { Collection::Automatic });
        for (what, minor) in steps {
            let (at, today) = (world.now, Zone::amsterdam().date_of(world.now));
            match what {
                0 => world.run(C::Cancel { reason: None, at }),
                1 => world.run(C::UndoCancel { at }),
                2 => world.run(C::Pause { from: today, until: today.succ_opt(), at }),
                3 => world.run(C::EndPause { at }),
                4 => {
                    let known = world.orders.keys().next_back().copied();
                    let order = world.sub.open_order().map(|o| o.order).or(known);
                    let command = OrderCommand::RecordTransfer { received: euro(minor), at };
                    if let Some(order) = order {
                        world.send(order, command, at);
                    }
                }
                5 => world.asks = !world.asks,
                6 => {
                    let attempt = Uuid::from_u128(at.timestamp().unsigned_abs().into());
                    world.run(C::PayNow { attempt, method: card(), at });
                }
                _ => {
                    world.now += TimeDelta::days(minor % 20);
                    world.tick();
                }
            }
            world.as_it_is();
        }
    }
}
