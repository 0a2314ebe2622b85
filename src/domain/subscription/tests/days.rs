//! Whatever members and staff do: each day that was paid for or given is used once, and no other is.

use super::*;
use crate::domain::shared::calendar::Period;
use chrono::{NaiveDate, TimeDelta};
use proptest::prelude::*;

/// Days that the events of a life bought or gave, less those that went into the price of something else.
fn bought(log: &[SubscriptionEvent]) -> i64 {
    let days = |p: &Period| (p.end - p.start).num_days();
    log.iter()
        .map(|event| match event {
            SubscriptionEvent::SubscriptionActivated { period, .. }
            | SubscriptionEvent::SubscriptionRenewed { period, .. } => days(period),
            SubscriptionEvent::PaidTimeExtended { days, .. } => i64::from(*days),
            SubscriptionEvent::GivenDaysTakenBack { days, .. } => -i64::from(*days),
            SubscriptionEvent::PlanChangeRequested(asked) if asked.proration.restarts => {
                days(&asked.proration.period) - i64::from(asked.proration.days_left)
            }
            _ => 0,
        })
        .sum()
}

/// Days of access that are still to come after `today`.
fn to_come(world: &World, today: NaiveDate) -> i64 {
    match world.sub.pause().and_then(|p| p.days_left) {
        Some(left) => i64::from(left),
        None => world.sub.next_due_on().map_or(0, |due| (due - today).num_days() - 1),
    }
}

fn act(what: u8, n: i64, today: NaiveDate, now: DateTime<Utc>) -> Option<SubscriptionCommand> {
    let plan = |variation: u128, minor, interval| Terms {
        variation: Uuid::from_u128(variation),
        price: Money::new(minor, Currency::eur()),
        ..terms(Collection::Automatic, interval)
    };
    let change = |terms| SubscriptionCommand::ChangePlan {
        order: Uuid::new_v4(),
        terms,
        shown: None,
        at_once: true,
        at: now,
    };
    Some(match what {
        0 => SubscriptionCommand::Pause {
            from: today + TimeDelta::days(n % 20),
            until: (n % 3 > 0).then(|| today + TimeDelta::days(n % 20 + 1 + n % 47)),
            at: now,
        },
        1 => SubscriptionCommand::EndPause { at: now },
        2 => SubscriptionCommand::Extend { days: (n % 30) as u16, gift: n % 2 == 0 },
        3 => SubscriptionCommand::MoveDueDay { on: today + TimeDelta::days(n % 70), at: now },
        4 => change(plan(9, 2300, Interval::monthly())),
        5 => change(plan(10, 700, Interval::monthly())),
        6 => change(plan(11, 20000 + n, Interval::yearly())),
        7 => SubscriptionCommand::Cancel { reason: None, at: now },
        8 => SubscriptionCommand::UndoCancel { at: now },
        9 => SubscriptionCommand::WithdrawPlanChange,
        _ => return None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn each_day_that_was_bought_is_used_once(
        acts in proptest::collection::vec((0_u8..40, 0_i64..1000), 30..400),
    ) {
        let mut now = at("2026-01-31T11:00:00Z");
        let mut world = World::joined(Collection::Automatic, Interval::monthly(), "2026-01-31T11:00:00Z");
        let mut used = 0;
        for (what, n) in acts {
            // A clock in time: with an outage a period is ordered later, which is another rule's affair.
            let tick = now - TimeDelta::minutes(30);
            for _ in 0..3 {
                world.run(SubscriptionCommand::Tick { policy: BillingPolicy::default(), at: tick }, tick);
            }
            let today = Zone::amsterdam().date_of(now);
            if let Some(command) = act(what, n, today, now)
                && world.sub.decide(command.clone()).is_ok()
            {
                world.run(command, now);
            }
            used += i64::from(world.sub.gives_access());
            prop_assert_eq!(used + to_come(&world, today), bought(&world.log), "on {}", today);
            now += TimeDelta::days(1);
        }
    }
}
