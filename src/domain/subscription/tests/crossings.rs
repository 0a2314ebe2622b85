//! Rules that meet: settings that change meanwhile, pauses, trials, charges that could not be withdrawn.

use super::*;

const JOINED: &str = "2026-01-31T14:00:00Z";

#[test]
fn who_pays_a_trial_by_transfer_is_reminded_though_its_order_is_open() {
    let mut command = join(Collection::Manual, Interval::monthly(), JOINED);
    if let SubscriptionCommand::Join { trial_days, .. } = &mut command {
        *trial_days = 30;
    }
    let mut world = World::default();
    world.run(command, at(JOINED));
    // It ends on 2 March, and its order is asked for seven days before.
    let asked = world.tick("2026-02-23T12:00:00Z");
    assert!(World::kinds(&asked).contains(&"RenewalOrderRequested"), "{asked:?}");
    assert!(world.sub.look_at().is_some_and(|look| look <= at("2026-02-26T23:00:00Z")), "the clock looks");
    assert!(world.tick("2026-02-26T22:59:59Z").is_empty());
    assert_eq!(World::kinds(&world.tick("2026-02-26T23:00:00Z")), ["TrialEndAnnounced"]);
    assert!(world.tick("2026-02-27T23:00:00Z").is_empty(), "once");
}

#[test]
fn what_expires_says_the_weeks_that_counted_when_it_was_put_on_hold() {
    let mut world = World::joined(Collection::Automatic, Interval::monthly(), JOINED);
    world.declines = vec![("stolen_card", true)];
    world.tick("2026-02-28T00:00:00Z");
    let policy = BillingPolicy { expire_after_weeks: 12, ..BillingPolicy::default() };
    let now = at("2026-08-14T22:00:00Z");
    let events = world.run(SubscriptionCommand::Tick { policy, at: now }, now);
    assert!(matches!(events[..], [SubscriptionEvent::SubscriptionExpired { weeks: 24, .. }]), "{events:?}");
}

#[test]
fn a_difference_that_cannot_be_charged_waits_for_the_next_period() {
    let dearer = Terms {
        variation: Uuid::from_u128(9),
        price: Money::new(2300, Currency::eur()),
        ..terms(Collection::Automatic, Interval::monthly())
    };
    let change = |at_once| SubscriptionCommand::ChangePlan {
        order: Uuid::from_u128(0x0d),
        terms: dearer.clone(),
        shown: None,
        at_once,
        at: at("2026-02-10T10:00:00Z"),
    };
    let world = World::joined(Collection::Automatic, Interval::monthly(), JOINED);
    assert_eq!(
        World::kinds(&world.sub.decide(change(true)).unwrap()),
        ["PlanChangeRequested", "ChargeRequested"]
    );
    let waits = world.sub.decide(change(false)).unwrap();
    assert!(
        matches!(&waits[..], [SubscriptionEvent::PlanChangeScheduled { on, .. }] if on.to_string() == "2026-02-28")
    );
}

#[test]
fn a_plan_that_was_ordered_before_does_not_begin_in_a_pause_whenever_the_clock_comes() {
    let mut world = World::joined(Collection::Manual, Interval::monthly(), JOINED);
    let cheaper = Terms {
        variation: Uuid::from_u128(9),
        price: Money::new(700, Currency::eur()),
        ..terms(Collection::Manual, Interval::monthly())
    };
    let now = at("2026-02-10T10:00:00Z");
    let order = Uuid::from_u128(0x0d);
    world.run(
        SubscriptionCommand::ChangePlan { order, terms: cheaper, shown: None, at_once: true, at: now },
        now,
    );
    // Ordered seven days before 28 February, paid, and then paused from the 26th to the 10th.
    world.tick("2026-02-21T00:00:00Z");
    world.pay("2026-02-24T10:00:00Z");
    let now = at("2026-02-24T11:00:00Z");
    let (from, until) = ("2026-02-26".parse().unwrap(), Some("2026-03-10".parse().unwrap()));
    world.run(SubscriptionCommand::Pause { from, until, at: now }, now);
    let mut late = world.clone();
    for hour in 0..24 * 20 {
        let now = at("2026-02-26T00:00:00Z") + chrono::TimeDelta::hours(hour);
        world.run(SubscriptionCommand::Tick { policy: BillingPolicy::default(), at: now }, now);
    }
    late.tick("2026-03-17T23:00:00Z");
    let begun = |world: &World| {
        let mut found = world.log.iter().filter_map(|e| match e {
            SubscriptionEvent::PlanBegan { on, .. } => Some(on.to_string()),
            _ => None,
        });
        (found.next(), found.next())
    };
    // Two days of the old plan are left when it goes on, on 10 March.
    assert_eq!(begun(&world), (Some("2026-03-12".into()), None));
    assert_eq!(begun(&late), begun(&world), "an hourly clock and a late one tell the same");
}

#[test]
fn a_charge_that_could_not_be_withdrawn_and_waits_again_is_withdrawn_again() {
    let mut world = World::joined(Collection::Automatic, Interval::monthly(), JOINED);
    world.mute = true;
    world.tick("2026-02-28T00:00:00Z");
    let open = world.sub.open_order().unwrap();
    let (order, attempt) = (open.order, open.charge.as_ref().unwrap().attempt);
    let asks = |until: &str, now: &str| SubscriptionCommand::RecordActionRequired {
        order,
        attempt,
        until: at(until),
        at: at(now),
    };
    world.run(asks("2026-03-01T00:00:00Z", "2026-02-28T00:00:00Z"), at(JOINED));
    assert_eq!(World::kinds(&world.tick("2026-03-01T00:00:00Z")), ["ChargeActionMissed"]);
    assert!(world.tick("2026-03-01T01:00:00Z").is_empty(), "it was asked to be withdrawn");
    // The gateway did not hear that, and says later that the bank still asks.
    world.run(asks("2026-03-02T02:00:00Z", "2026-03-01T02:00:00Z"), at(JOINED));
    assert!(world.sub.look_at().is_some(), "it is looked at again");
    assert_eq!(World::kinds(&world.tick("2026-03-02T02:00:00Z")), ["ChargeActionMissed"]);
}
