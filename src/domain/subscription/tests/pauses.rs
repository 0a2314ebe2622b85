use super::*;
use crate::domain::subscription::{PauseBegun, PauseOver};
use chrono::{NaiveDate, TimeDelta};
use proptest::prelude::*;

const MONTHLY: Interval = Interval::monthly();

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn member() -> World {
    World::joined(Collection::Automatic, MONTHLY, "2026-01-15T12:00:00Z")
}

fn pause(from: &str, until: Option<&str>, when: &str) -> SubscriptionCommand {
    SubscriptionCommand::Pause { from: day(from), until: until.map(day), at: at(when) }
}

fn end(when: &str) -> SubscriptionCommand {
    SubscriptionCommand::EndPause { at: at(when) }
}

#[test]
fn a_pause_stops_access_and_billing_and_the_rest_of_the_paid_time_runs_on() {
    let mut world = member();
    let now = "2026-01-20T10:00:00Z";
    let events = world.run(pause("2026-01-25", Some("2026-03-01"), now), at(now));
    assert_eq!(World::kinds(&events), ["PauseScheduled"]);
    assert!(world.sub.gives_access());
    assert!(world.tick("2026-01-24T22:59:59Z").is_empty());
    let events = world.tick("2026-01-24T23:00:00Z");
    let SubscriptionEvent::SubscriptionPaused(PauseBegun { days_left, access_until, .. }) = &events[0] else {
        panic!()
    };
    // Paid up to 15 Feb: 21 days are left on 25 Jan.
    assert_eq!((*days_left, *access_until), (21, at("2026-01-24T23:00:00Z")));
    assert!(!world.sub.gives_access());
    assert_eq!(world.status(), Status::Active, "paused is a flag of an active one");
    assert!(world.tick("2026-02-15T00:00:00Z").is_empty(), "nothing is billed");
    let events = world.tick("2026-02-28T23:00:00Z");
    let SubscriptionEvent::PauseEnded(PauseOver { on, anchor, previous_anchor, .. }) = &events[0] else {
        panic!()
    };
    assert_eq!((*on, *anchor, *previous_anchor), (day("2026-03-01"), day("2026-03-22"), day("2026-01-15")));
    assert!(world.sub.gives_access());
    assert!(world.tick("2026-03-21T22:00:00Z").is_empty());
    let events = world.tick("2026-03-21T23:00:00Z");
    assert_eq!(World::kinds(&events), ["RenewalOrderRequested", "ChargeRequested", "SubscriptionRenewed"]);
    assert_eq!(world.sub.next_due_on(), Some(day("2026-04-22")));
}

#[test]
fn one_from_today_on_begins_at_once_and_lasts_until_the_member_ends_it() {
    let mut world = member();
    let now = "2026-01-20T10:00:00Z";
    let events = world.run(pause("2026-01-20", None, now), at(now));
    assert_eq!(World::kinds(&events), ["PauseScheduled", "SubscriptionPaused"]);
    assert!(world.tick("2027-01-01T00:00:00Z").is_empty());
    assert_eq!((world.sub.next_due_on(), world.sub.look_at()), (None, None));
    let events = world.run(end("2027-01-05T10:00:00Z"), at("2027-01-05T10:00:00Z"));
    assert_eq!(World::kinds(&events), ["PauseEnded"]);
    assert_eq!(world.sub.next_due_on(), Some(day("2027-01-31")), "26 days were left");
    assert_eq!(world.sub.decide(end("2027-01-05T10:00:00Z")), Err(SubscriptionError::NotPaused));
}

#[test]
fn the_periods_before_a_planned_pause_are_billed_and_the_one_it_begins_with_is_not() {
    let mut world = member();
    let now = "2026-01-20T10:00:00Z";
    world.run(pause("2026-03-15", Some("2026-04-01"), now), at(now));
    assert_eq!(World::kinds(&world.tick("2026-02-14T23:00:00Z")).last(), Some(&"SubscriptionRenewed"));
    let events = world.tick("2026-03-14T23:00:00Z");
    let SubscriptionEvent::SubscriptionPaused(PauseBegun { days_left, .. }) = &events[0] else { panic!() };
    assert_eq!((events.len(), *days_left), (1, 0));
    // What is due when it goes on does not wait for the next tick.
    let events = world.tick("2026-03-31T22:00:00Z");
    assert_eq!(
        World::kinds(&events),
        ["PauseEnded", "RenewalOrderRequested", "ChargeRequested", "SubscriptionRenewed"]
    );
    assert_eq!(world.sub.next_due_on(), Some(day("2026-05-01")));
}

#[test]
fn a_tick_that_comes_after_everything_decides_the_same() {
    let now = "2026-01-20T10:00:00Z";
    let (mut early, mut late) = (member(), member());
    for world in [&mut early, &mut late] {
        world.run(pause("2026-01-25", Some("2026-02-05"), now), at(now));
    }
    early.tick("2026-01-24T23:00:00Z");
    early.tick("2026-02-04T23:00:00Z");
    assert_eq!(World::kinds(&late.tick("2026-02-10T07:00:00Z")), ["SubscriptionPaused", "PauseEnded"]);
    assert_eq!(early.log, late.log);
}

#[test]
fn a_planned_pause_can_be_given_up_and_cancelling_ends_one() {
    let now = "2026-01-20T10:00:00Z";
    let mut world = member();
    world.run(pause("2026-01-25", None, now), at(now));
    assert_eq!(World::kinds(&world.run(end(now), at(now))), ["PauseWithdrawn"]);
    assert_eq!(World::kinds(&world.tick("2026-02-15T00:00:00Z")).last(), Some(&"SubscriptionRenewed"));

    let mut world = member();
    world.run(pause("2026-01-20", None, now), at(now));
    let later = "2026-05-01T10:00:00Z";
    let events = world.run(SubscriptionCommand::Cancel { reason: None, at: at(later) }, at(later));
    assert_eq!(World::kinds(&events), ["PauseEnded", "CancellationScheduled"]);
    let SubscriptionEvent::CancellationScheduled { ends_on, .. } = &events[1] else { panic!() };
    assert_eq!(*ends_on, day("2026-05-27"), "the 26 days that were left are not lost");
    assert!(world.sub.gives_access());
}

#[test]
fn dates_and_states_that_make_no_sense_are_refused() {
    let now = "2026-01-20T10:00:00Z";
    let refused =
        |world: &World, from: &str, until: Option<&str>| world.sub.decide(pause(from, until, now)).err();
    let world = member();
    assert_eq!(refused(&world, "2026-01-19", None), Some(SubscriptionError::PauseDates));
    assert_eq!(refused(&world, "2026-01-25", Some("2026-01-25")), Some(SubscriptionError::PauseDates));
    assert_eq!(refused(&world, "2026-01-25", Some("2027-01-26")), None);
    assert_eq!(refused(&world, "2026-01-25", Some("2027-01-27")), Some(SubscriptionError::PauseDates));
    assert_eq!(refused(&world, "2027-01-21", None), None);
    assert_eq!(refused(&world, "2027-01-22", None), Some(SubscriptionError::PauseDates));

    let mut planned = member();
    planned.run(pause("2026-01-25", None, now), at(now));
    assert_eq!(refused(&planned, "2026-01-25", None), None, "the same again changes nothing");
    assert_eq!(refused(&planned, "2026-01-26", None), Some(SubscriptionError::PauseExists));

    let mut failing = World { declines: vec![("insufficient_funds", false)], ..member() };
    failing.tick("2026-02-15T00:00:00Z");
    let open = failing.sub.decide(pause("2026-02-20", None, "2026-02-15T10:00:00Z"));
    assert_eq!(open, Err(SubscriptionError::OrderOpen));

    let mut ending = member();
    ending.run(SubscriptionCommand::Cancel { reason: None, at: at(now) }, at(now));
    assert_eq!(refused(&ending, "2026-01-25", None), Some(SubscriptionError::NotRunning));

    let mut paused = member();
    paused.run(pause("2026-01-20", None, now), at(now));
    assert_eq!(
        paused.sub.decide(SubscriptionCommand::Extend { days: 3, gift: false }),
        Err(SubscriptionError::PauseExists)
    );
}

#[test]
fn by_transfer_no_order_is_made_for_a_period_that_a_pause_comes_before() {
    let mut world = World::joined(Collection::Manual, MONTHLY, "2026-01-15T12:00:00Z");
    let now = "2026-01-20T10:00:00Z";
    world.run(pause("2026-02-12", Some("2026-03-01"), now), at(now));
    assert!(world.tick("2026-02-08T00:00:00Z").is_empty(), "else seven days before");
    world.tick("2026-02-12T00:00:00Z");
    let events = world.tick("2026-03-01T00:00:00Z");
    assert_eq!(World::kinds(&events), ["PauseEnded", "RenewalOrderRequested"]);
    assert_eq!(world.sub.next_due_on(), Some(day("2026-03-04")));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Every paid day is a day of access, whatever is paused and when it is ended.
    #[test]
    fn no_paid_day_is_lost_and_none_is_given(
        acts in proptest::collection::vec((0_u8..4, 0_i64..40, 1_i64..60), 250),
        yearly in any::<bool>(),
    ) {
        let interval = if yearly { Interval::yearly() } else { MONTHLY };
        let start = at("2026-01-15T12:00:00Z");
        let mut world = World::joined(Collection::Automatic, interval, "2026-01-15T12:00:00Z");
        let mut watched = 0_i64;
        for (n, (what, ahead, length)) in acts.into_iter().enumerate() {
            let now = start + TimeDelta::days(i64::try_from(n).unwrap());
            world.run(SubscriptionCommand::Tick { policy: BillingPolicy::default(), at: now }, now);
            let from = Zone::amsterdam().date_of(now) + TimeDelta::days(ahead);
            let command = match what {
                0 if n % 7 == 0 => SubscriptionCommand::Pause { from, until: Some(from + TimeDelta::days(length)), at: now },
                1 if n % 11 == 0 => SubscriptionCommand::EndPause { at: now },
                _ => continue_with(now),
            };
            if world.sub.decide(command.clone()).is_ok() {
                world.run(command, now);
            }
            watched += i64::from(world.sub.gives_access());
            let paid: i64 = world.log.iter().map(|e| match e {
                SubscriptionEvent::SubscriptionActivated { period, .. }
                | SubscriptionEvent::SubscriptionRenewed { period, .. } => (period.end - period.start).num_days(),
                _ => 0,
            }).sum();
            let today = Zone::amsterdam().date_of(now);
            let left = match world.sub.pause().and_then(|p| p.days_left) {
                Some(days) => i64::from(days),
                None => (world.sub.next_due_on().unwrap() - today).num_days() - 1,
            };
            prop_assert_eq!(paid, watched + left, "after day {}: {:?}", n, world.sub.pause());
        }
    }
}

fn continue_with(now: chrono::DateTime<chrono::Utc>) -> SubscriptionCommand {
    SubscriptionCommand::Tick { policy: BillingPolicy::default(), at: now }
}
