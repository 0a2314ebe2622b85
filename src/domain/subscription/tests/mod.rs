//! given / when / then for every row of the status table, and properties over whole years.

mod card_expiry;
mod clocks;
mod crossings;
mod days;
mod debits;
mod pauses;
mod plan_changes;
mod prices;
mod properties;
mod snapshots;
mod span_value;
mod staff;
mod table;
mod tax_changes;
mod trials;
mod vat;
mod withdrawals;

use super::*;
use crate::domain::shared::calendar::{Interval, Zone};
use crate::domain::shared::payment::{BillingPolicy, Collection, PaymentMethod};
use crate::domain::shared::tax::Country;
use crate::domain::shared::{Currency, Money, PersonalRef};
use chrono::{DateTime, Utc};
use uuid::Uuid;

pub(super) const ID: Uuid = Uuid::from_u128(0x51);
pub(super) const OWNER: Uuid = Uuid::from_u128(0xa1);

pub(super) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(super) fn card(token: &str) -> PaymentMethod {
    let label = PersonalRef { subject: OWNER, field: "payment_method".into(), version: Uuid::nil() };
    PaymentMethod { gateway: "sandbox".into(), token: token.into(), label, expires_on: None }
}

pub(super) fn terms(collection: Collection, interval: Interval) -> Terms {
    Terms {
        plan: Uuid::from_u128(1),
        variation: Uuid::from_u128(2),
        plan_name: "Studio".into(),
        price: Money::new(1150, Currency::eur()),
        interval,
        collection,
        zone: Zone::amsterdam(),
        seats: None,
    }
}

pub(super) fn join(collection: Collection, interval: Interval, when: &str) -> SubscriptionCommand {
    SubscriptionCommand::Join {
        subscription: ID,
        owner: OWNER,
        terms: terms(collection, interval),
        method: (collection == Collection::Automatic).then(|| card("good")),
        country: Country::parse("NL").unwrap(),
        billing: None,
        vat_number: None,
        vat_check: None,
        trial_days: 0,
        discount: None,
        waives_withdrawal: false,
        at: at(when),
    }
}

pub(super) fn tick(when: &str) -> SubscriptionCommand {
    SubscriptionCommand::Tick { policy: BillingPolicy::default(), at: at(when) }
}

/// A subscription with its events, and a gateway that answers at once.
#[derive(Clone, Default)]
pub(super) struct World {
    pub sub: Subscription,
    pub log: Vec<SubscriptionEvent>,
    /// Codes with which the next charges are declined; none left: they succeed.
    pub declines: Vec<(&'static str, bool)>,
    /// Do not answer charges at all.
    pub mute: bool,
}

impl World {
    pub fn joined(collection: Collection, interval: Interval, when: &str) -> Self {
        let mut world = Self::default();
        world.run(join(collection, interval, when), at(when));
        if collection != Collection::Automatic {
            world.pay(when);
        }
        world
    }

    /// Runs a command and whatever the gateway's answers lead to; gives the new events.
    pub fn run(&mut self, command: SubscriptionCommand, when: DateTime<Utc>) -> Vec<SubscriptionEvent> {
        let before = self.log.len();
        let mut queue = vec![command];
        while let Some(command) = queue.pop() {
            for event in self.sub.decide(command).unwrap() {
                self.sub.apply(event.clone());
                if let (SubscriptionEvent::ChargeRequested { order, attempt, .. }, false) =
                    (&event, self.mute)
                {
                    let (order, attempt) = (*order, *attempt);
                    queue.push(match self.declines.pop() {
                        None => SubscriptionCommand::RecordPaid { order, at: when },
                        Some((code, hard)) => SubscriptionCommand::RecordFailure {
                            order,
                            attempt,
                            code: code.into(),
                            hard,
                            policy: BillingPolicy::default(),
                            at: when,
                        },
                    });
                }
                self.log.push(event);
            }
        }
        self.log[before..].to_vec()
    }

    pub fn tick(&mut self, when: &str) -> Vec<SubscriptionEvent> {
        self.run(tick(when), at(when))
    }

    pub fn pay(&mut self, when: &str) -> Vec<SubscriptionEvent> {
        let order = self.sub.open_order().unwrap().order;
        self.run(SubscriptionCommand::RecordPaid { order, at: at(when) }, at(when))
    }

    pub fn kinds(events: &[SubscriptionEvent]) -> Vec<&'static str> {
        events.iter().map(Into::into).collect()
    }

    pub fn status(&self) -> Status {
        self.sub.status().unwrap()
    }
}
