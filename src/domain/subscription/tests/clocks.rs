//! What members do in between is answered alike by a clock that comes every hour and one that comes once a day.

use super::*;
use crate::domain::shared::calendar::IntervalUnit;
use crate::domain::shared::seats::Seats;
use chrono::{Days, TimeDelta};
use proptest::prelude::*;

const DAYS: i64 = 300;

/// An event without the time at which the clock happened to look.
fn essence(event: &SubscriptionEvent) -> SubscriptionEvent {
    let mut event = event.clone();
    let zero = DateTime::<Utc>::UNIX_EPOCH;
    match &mut event {
        SubscriptionEvent::ChargeRequested { requested_at: at, .. }
        | SubscriptionEvent::SubscriptionRenewed { paid_at: at, .. }
        | SubscriptionEvent::PlanChanged { at, .. } => *at = zero,
        _ => {}
    }
    event
}

/// What a member does at noon, if it is possible then.
fn act(world: &World, what: u8, n: u128, now: DateTime<Utc>) -> SubscriptionCommand {
    let today = now.date_naive();
    match what {
        0 => SubscriptionCommand::Pause {
            from: today + Days::new(3),
            until: Some(today + Days::new(13)),
            at: now,
        },
        1 => SubscriptionCommand::EndPause { at: now },
        2 => SubscriptionCommand::Cancel { reason: None, at: now },
        3 => SubscriptionCommand::UndoCancel { at: now },
        4 => SubscriptionCommand::Extend { days: 9, gift: true },
        _ => {
            let old = world.sub.terms().unwrap();
            let price =
                if what.is_multiple_of(2) { old.price.minor * 2 } else { (old.price.minor / 2).max(100) };
            let terms = Terms {
                variation: Uuid::from_u128(1000 + n),
                price: Money::new(price, Currency::eur()),
                seats: Some(Seats { most: Some(u32::from(what)) }),
                ..old.clone()
            };
            SubscriptionCommand::ChangePlan {
                order: Uuid::from_u128(2000 + n),
                terms,
                shown: None,
                at_once: true,
                at: now,
            }
        }
    }
}

/// Whoever pays by hand is asked at the next tick, with the full time to pay from then, if they undo a cancellation or end
/// a pause within the days of notice: there the clocks may differ by the hours between, so such members do neither.
fn comparable(collection: Collection, acts: &[(i64, u8)]) -> Vec<(i64, u8)> {
    let asked_at_once = |what: u8| collection == Collection::Manual && matches!(what, 1 | 3);
    acts.iter().copied().filter(|(_, what)| !asked_at_once(*what)).collect()
}

/// A life with a tick every `every` hours, the first at `first` o'clock (UTC) of each day. Who pays by hand does it
/// `pays` days before the period begins.
fn live(
    collection: Collection,
    interval: Interval,
    (every, first): (i64, i64),
    acts: &[(i64, u8)],
    pays: i64,
) -> World {
    let midnight = at("2026-01-31T00:00:00Z");
    let joined = midnight + TimeDelta::minutes(9 * 60 + 30);
    let mut world = World::joined(collection, interval, &joined.to_rfc3339());
    for day in 0..DAYS {
        for hour in 0..24 {
            let now = midnight + TimeDelta::days(day) + TimeDelta::hours(hour);
            if now > joined && hour >= first && (hour - first) % every == 0 {
                world.run(SubscriptionCommand::Tick { policy: BillingPolicy::default(), at: now }, now);
            }
            if hour != 12 || now <= joined {
                continue;
            }
            for (n, (_, what)) in acts.iter().enumerate().filter(|(_, (on, _))| *on == day) {
                let command = act(&world, *what, n as u128, now);
                if world.sub.decide(command.clone()).is_ok() {
                    world.run(command, now);
                }
            }
            let open = world.sub.open_order().filter(|o| o.pay_by.is_some());
            if let Some((order, due)) = open.map(|o| (o.order, o.due_on))
                && (due - now.date_naive()).num_days() <= pays
            {
                world.run(SubscriptionCommand::RecordPaid { order, at: now }, now);
            }
        }
    }
    // Both see the same last moment.
    let end = midnight + TimeDelta::days(DAYS) + TimeDelta::hours(12);
    world.run(SubscriptionCommand::Tick { policy: BillingPolicy::default(), at: end }, end);
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn hourly_and_daily_clocks_answer_what_members_do_alike(
        collection in prop_oneof![Just(Collection::Automatic), Just(Collection::Manual), Just(Collection::Managed)],
        interval in prop_oneof![
            Just(Interval::monthly()),
            Just(Interval::new(IntervalUnit::Week, 2).unwrap()),
            Just(Interval::new(IntervalUnit::Month, 3).unwrap()),
        ],
        acts in proptest::collection::vec((1..DAYS, 0_u8..9), 0..12),
        pays in -3_i64..6,
        first in 0_i64..12,
    ) {
        let acts = comparable(collection, &acts);
        let hourly = live(collection, interval, (1, 0), &acts, pays);
        let daily = live(collection, interval, (24, first), &acts, pays);
        let of = |w: &World| w.log.iter().map(essence).collect::<Vec<_>>();
        prop_assert_eq!(of(&hourly), of(&daily));
    }
}
