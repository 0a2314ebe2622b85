//! Every charge is explained from the log, to the cent; and a life that nothing went wrong in is the same when
//! it is lived once more.

use super::member::{Member, day};
use chrono::{DateTime, TimeDelta, Utc};
use kinora::domain::order::OrderEvent;
use kinora::domain::order_process::Till;
use kinora::domain::order_process::what_if::{Difference, History, replay};
use kinora::domain::order_process::why::explain;
use kinora::domain::shared::payment::BillingPolicy;
use kinora::domain::shared::tax::Country;
use kinora::domain::shared::{Currency, Money};
use kinora::domain::subscription::SubscriptionEvent;

/// Explains every order of a membership and gives how many were charged for.
pub fn explained(m: &Member) -> usize {
    let home = Country::parse("NL").unwrap();
    let subscription: Vec<(i64, SubscriptionEvent)> =
        m.places.0.iter().copied().zip(m.log.iter().map(|(_, e)| e.clone())).collect();
    let mut charged = 0;
    for order in m.orders.keys() {
        let own: Vec<(i64, OrderEvent)> = m
            .places
            .1
            .iter()
            .zip(&m.events)
            .filter(|(_, (o, _))| o == order)
            .map(|(place, (_, e))| (*place, e.clone()))
            .collect();
        let found = explain(*order, &subscription, &own, home, &till().rates).expect("the log says why");
        assert!(found.agrees(), "{found:#?}\n{:#?}", m.log);
        for ground in &found.grounds {
            let named = subscription.iter().any(|(place, _)| *place == ground.position);
            assert!(named, "{ground:?} names an event of the log");
        }
        let took = |e: &OrderEvent| match e {
            OrderEvent::PaymentSucceeded { amount, .. } => Some(*amount),
            _ => None,
        };
        for amount in own.iter().filter_map(|(_, e)| took(e)) {
            assert_eq!(amount, found.reckoned.gross, "what was taken is what is explained");
            charged += 1;
        }
        // One cent more or less is seen.
        let mut forged = own.clone();
        if let OrderEvent::OrderPlaced { tax, .. } = &mut forged[0].1 {
            tax.gross.minor += 1;
        }
        assert!(
            !explain(*order, &subscription, &forged, home, &till().rates).expect("the log says why").agrees()
        );
    }
    charged
}

fn till() -> Till {
    Till {
        home: Country::parse("NL").unwrap(),
        card_gateway: Some("sandbox".into()),
        iban: String::new(),
        rates: Default::default(),
    }
}

fn history(m: &Member) -> History {
    let orders = m.times.iter().zip(&m.events).map(|(at, (o, e))| (*at, *o, e.clone()));
    History { subscription: m.log.clone(), orders: orders.collect() }
}

/// Lived again without a difference it has the orders it had, as long as no clock stood still.
pub fn lived_again(m: &Member, until: DateTime<Utc>) {
    // Whatever the settings are by now: the rules that were recorded count.
    let policy = BillingPolicy { attempts: 1, retry_after_days: 9, ..BillingPolicy::default() };
    let same = replay(&history(m), &Difference::default(), policy, &till(), until).expect("joined");
    let placed: Vec<Money> = m
        .times
        .iter()
        .zip(&m.events)
        .filter(|(at, _)| **at < until)
        .filter_map(|(_, (_, e))| match e {
            OrderEvent::OrderPlaced { tax, .. } => Some(tax.gross),
            _ => None,
        })
        .collect();
    // The last real tick was in the afternoon of the day before.
    let last = m.sub.terms().unwrap().zone.date_of(until - TimeDelta::hours(9));
    let again: Vec<Money> = same.orders.iter().filter(|o| o.on <= last).map(|o| o.gross).collect();
    assert_eq!(again, placed, "{:#?}\n{:#?}", same.orders, m.log);
    assert!(same.refused.is_empty(), "{:?}", same.refused);
    assert_eq!(i64::try_from(same.orders.len()).unwrap() * again[0].minor, same.paid());

    // For twice the price twice as much is paid on the same days.
    let double = Difference {
        price: Some(Money::new(m.sub.terms().unwrap().price.minor * 2, Currency::eur())),
        ..Difference::default()
    };
    let would = replay(&history(m), &double, policy, &till(), until).expect("joined");
    let days = |r: &kinora::domain::order_process::what_if::Replay| {
        r.orders.iter().map(|o| o.on).collect::<Vec<_>>()
    };
    assert_eq!((days(&would), would.paid()), (days(&same), 2 * same.paid()));
    assert_eq!(would.days_of_access, same.days_of_access);
}

/// The day before the first outage: until then clocks ran every day.
pub fn before_outage() -> DateTime<Utc> {
    day(super::OUTAGES[0].0) - TimeDelta::days(1)
}
