use super::*;
use crate::domain::shared::calendar::{IntervalUnit, Period};
use chrono::TimeDelta;
use proptest::prelude::*;

/// An event without the time at which somebody happened to look.
fn essence(event: &SubscriptionEvent) -> SubscriptionEvent {
    let mut event = event.clone();
    let zero = DateTime::<Utc>::UNIX_EPOCH;
    match &mut event {
        SubscriptionEvent::ChargeRequested { requested_at, .. } => *requested_at = zero,
        SubscriptionEvent::SubscriptionRenewed { paid_at, .. } => *paid_at = zero,
        _ => {}
    }
    event
}

fn over(world: &World, from: DateTime<Utc>, every: TimeDelta, span: TimeDelta) -> World {
    let mut world = world.clone();
    let mut now = from;
    while now <= from + span {
        world.run(SubscriptionCommand::Tick { policy: BillingPolicy::default(), at: now }, now);
        world.run(SubscriptionCommand::Tick { policy: BillingPolicy::default(), at: now }, now);
        now += every;
    }
    world
}

fn periods(world: &World) -> Vec<Period> {
    world
        .log
        .iter()
        .filter_map(|e| match e {
            SubscriptionEvent::SubscriptionActivated { period, .. }
            | SubscriptionEvent::SubscriptionResumed { period, .. }
            | SubscriptionEvent::SubscriptionRenewed { period, .. } => Some(*period),
            _ => None,
        })
        .collect()
}

/// Paid or free, in the order of the log.
fn covered(world: &World) -> Vec<Period> {
    let waived = |e: &SubscriptionEvent| match e {
        SubscriptionEvent::PeriodWaived { period, .. } => Some(*period),
        _ => None,
    };
    let mut all = periods(world);
    all.extend(world.log.iter().filter_map(waived));
    all.sort_by_key(|p| p.start);
    all
}

fn interval() -> impl Strategy<Value = Interval> {
    prop_oneof![
        Just(Interval::monthly()),
        Just(Interval::new(IntervalUnit::Week, 2).unwrap()),
        Just(Interval::new(IntervalUnit::Month, 3).unwrap()),
        Just(Interval::yearly()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn hourly_and_daily_clocks_decide_the_same(
        day in 0_i64..1500,
        declines in 0_usize..4,
        interval in interval(),
        offset in 0_i64..24,
    ) {
        let start = at("2026-01-01T09:30:00Z") + TimeDelta::days(day);
        let mut world = World::default();
        world.run(join(Collection::Automatic, interval, &start.to_rfc3339()), start);
        world.declines = vec![("insufficient_funds", false); declines];
        let span = TimeDelta::days(120);
        let hourly = over(&world, start, TimeDelta::hours(1), span);
        let daily = over(&world, start + TimeDelta::hours(offset), TimeDelta::days(1), span);
        let essence = |w: &World| w.log.iter().map(essence).collect::<Vec<_>>();
        // The daily clock may not have seen the last day yet.
        let (a, b) = (essence(&hourly), essence(&daily));
        let common = a.len().min(b.len());
        prop_assert_eq!(&a[..common], &b[..common]);
        prop_assert!(a.len().abs_diff(b.len()) <= 3);
    }

    #[test]
    fn nobody_is_charged_twice_for_a_day_and_paid_orders_match_periods(
        ticks in proptest::collection::vec((0_i64..60 * 24 * 20, 0_u8..12), 1..60),
        interval in interval(),
    ) {
        let mut now = at("2026-01-31T12:00:00Z");
        let mut world = World::joined(Collection::Automatic, interval, "2026-01-31T12:00:00Z");
        let mut ended = false;
        for (minutes, what) in ticks {
            now += TimeDelta::minutes(minutes);
            world.declines = if what % 7 == 0 { vec![("insufficient_funds", false)] } else { vec![] };
            let command = match what {
                1 => SubscriptionCommand::Cancel { reason: None, at: now },
                2 => SubscriptionCommand::UndoCancel { at: now },
                3 => SubscriptionCommand::PayNow { attempt: Uuid::new_v4(), method: card("b"), at: now },
                4 => SubscriptionCommand::Unpark { waive_missed: minutes % 2 == 0, at: now },
                5 => SubscriptionCommand::Extend { days: (minutes % 40) as u16, gift: minutes % 3 == 0 },
                8 => {
                    let due = world.sub.next_payment_on().unwrap_or(now.date_naive());
                    SubscriptionCommand::MoveDueDay { on: due + TimeDelta::days(minutes % 60 - 45), at: now }
                }
                6 => SubscriptionCommand::Waive { at: now },
                7 => SubscriptionCommand::RetryNow { policy: BillingPolicy::default(), at: now },
                _ => SubscriptionCommand::Tick { policy: BillingPolicy::default(), at: now },
            };
            if world.sub.decide(command.clone()).is_ok() {
                world.run(command, now);
            }
            ended |= world.status().is_final();
            prop_assert_eq!(ended, world.status().is_final(), "the end is final");
        }
        let periods = periods(&world);
        for pair in covered(&world).windows(2) {
            prop_assert!(pair[0].end <= pair[1].start, "no day is covered twice: {:?}", pair);
        }
        let charges = world.log.iter().filter(|e| matches!(e, SubscriptionEvent::ChargeRequested { .. })).count();
        let failed = world.log.iter().filter(|e| matches!(e,
            SubscriptionEvent::RenewalPaymentFailed { attempt: Some(_), .. } | SubscriptionEvent::MemberPaymentFailed { .. })).count();
        prop_assert_eq!(charges, failed + periods.len(), "every charge failed or paid for one period");
        let orders: std::collections::BTreeSet<_> = world.log.iter().filter_map(|e| match e {
            SubscriptionEvent::RenewalOrderRequested { order, .. } => Some(*order),
            _ => None,
        }).collect();
        let requested = world.log.iter().filter(|e| matches!(e, SubscriptionEvent::RenewalOrderRequested { .. })).count();
        prop_assert_eq!(orders.len(), requested, "a period is ordered once");
    }

    #[test]
    fn the_same_log_gives_the_same_state(day in 0_i64..400) {
        let start = at("2026-01-31T12:00:00Z");
        let mut world = World::joined(Collection::Automatic, Interval::monthly(), "2026-01-31T12:00:00Z");
        world.declines = vec![("insufficient_funds", false); 2];
        let world = over(&world, start, TimeDelta::hours(7), TimeDelta::days(day));
        let mut replayed = Subscription::default();
        for event in &world.log {
            let json = serde_json::to_string(event).unwrap();
            replayed.apply(serde_json::from_str(&json).unwrap());
        }
        prop_assert_eq!(serde_json::to_value(&replayed).unwrap(), serde_json::to_value(&world.sub).unwrap());
    }
}

proptest! {
    #[test]
    fn a_tick_before_the_look_ahead_never_decides_anything(
        steps in proptest::collection::vec((0_i64..60 * 24 * 30, 0_u8..5), 1..40),
        collection in prop_oneof![Just(Collection::Automatic), Just(Collection::Manual), Just(Collection::Managed)],
        interval in interval(),
    ) {
        let mut now = at("2026-01-31T12:00:00Z");
        let mut world = World::joined(collection, interval, "2026-01-31T12:00:00Z");
        for (minutes, what) in steps {
            now += TimeDelta::minutes(minutes);
            let tick = SubscriptionCommand::Tick { policy: BillingPolicy::default(), at: now };
            if world.sub.look_at().is_none_or(|at| now < at) {
                prop_assert_eq!(world.sub.decide(tick.clone()).unwrap(), vec![], "look at {:?}", world.sub.look_at());
            }
            world.declines = if what == 0 { vec![("insufficient_funds", false)] } else { vec![] };
            world.mute = what == 1;
            world.run(tick, now);
        }
    }
}
