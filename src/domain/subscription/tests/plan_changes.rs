use super::*;
use crate::domain::subscription::PlanChangeRequest;
use chrono::{NaiveDate, TimeDelta};
use proptest::prelude::*;

const JOINED: &str = "2026-01-31T14:00:00Z";
const ORDER: Uuid = Uuid::from_u128(0x0d);

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn plan(n: u128, minor: i64, interval: Interval) -> Terms {
    Terms {
        variation: Uuid::from_u128(n),
        price: Money::new(minor, Currency::eur()),
        ..terms(Collection::Automatic, interval)
    }
}

fn member() -> World {
    World::joined(Collection::Automatic, Interval::monthly(), JOINED)
}

fn change(to: Terms, when: &str) -> SubscriptionCommand {
    SubscriptionCommand::ChangePlan { order: ORDER, terms: to, shown: None, at_once: true, at: at(when) }
}

#[test]
fn a_dearer_plan_begins_at_once_for_the_difference_of_the_days_that_are_left() {
    let mut world = member();
    // Paid 31 Jan up to 28 Feb: 28 days; on 14 Feb 14 of them are left.
    let now = "2026-02-14T10:00:00Z";
    let events = world.run(change(plan(9, 2300, Interval::monthly()), now), at(now));
    assert_eq!(World::kinds(&events), ["PlanChangeRequested", "ChargeRequested", "PlanChanged"]);
    let SubscriptionEvent::PlanChangeRequested(PlanChangeRequest { proration: p, amount, .. }) = &events[0]
    else {
        panic!()
    };
    assert_eq!((p.days_left, p.days_of_period), (14, 28));
    assert_eq!((p.charge.minor, p.credit.minor, amount.minor), (1150, 575, 575));
    let rates = (p.old_price.unwrap().minor, p.new_price.unwrap().minor, p.rounding);
    assert_eq!(rates, (1150, 2300, Rounding::HalfUp));
    assert_eq!((p.period.start, p.period.end, p.restarts), (day("2026-02-14"), day("2026-02-28"), false));
    assert_eq!(world.sub.next_due_on(), Some(day("2026-02-28")), "the periods stay as they are");
    let events = world.tick("2026-02-28T00:00:00Z");
    let SubscriptionEvent::RenewalOrderRequested { amount, period, .. } = &events[0] else { panic!() };
    assert_eq!((amount.minor, period.end), (2300, day("2026-03-31")), "the anchor is still the 31st");
}

#[test]
fn a_dearer_plan_of_another_interval_starts_anew_today() {
    let mut world = member();
    let now = "2026-02-14T10:00:00Z";
    let events = world.run(change(plan(9, 20000, Interval::yearly()), now), at(now));
    let SubscriptionEvent::PlanChangeRequested(PlanChangeRequest { proration: p, amount, .. }) = &events[0]
    else {
        panic!()
    };
    assert_eq!((p.charge.minor, p.credit.minor, amount.minor, p.restarts), (20000, 575, 19425, true));
    assert_eq!(world.sub.next_due_on(), Some(day("2027-02-14")));
    assert_eq!(world.sub.anchor(), Some(day("2026-02-14")));
}

#[test]
fn one_that_is_not_paid_changes_nothing() {
    let mut world = World { declines: vec![("insufficient_funds", false)], ..member() };
    let now = "2026-02-14T10:00:00Z";
    let events = world.run(change(plan(9, 2300, Interval::monthly()), now), at(now));
    assert_eq!(World::kinds(&events), ["PlanChangeRequested", "ChargeRequested", "PlanChangeDropped"]);
    assert!(world.sub.open_order().is_none());
    assert_eq!(world.sub.terms().unwrap().price.minor, 1150);
    assert_eq!(World::kinds(&world.tick("2026-02-28T00:00:00Z")).last(), Some(&"SubscriptionRenewed"));
    // Money that comes for it all the same is for staff.
    let late = world.sub.decide(SubscriptionCommand::RecordPaid { order: ORDER, at: at(now) }).unwrap();
    assert_eq!(World::kinds(&late), ["PaymentReceivedAfterEnd"]);
}

#[test]
fn a_cheaper_plan_begins_when_the_paid_time_is_over() {
    let mut world = member();
    let now = "2026-02-14T10:00:00Z";
    let events = world.run(change(plan(9, 500, Interval::monthly()), now), at(now));
    assert_eq!(World::kinds(&events), ["PlanChangeScheduled"]);
    assert_eq!(world.sub.terms().unwrap().price.minor, 1150);
    let events = world.tick("2026-02-27T23:00:00Z");
    assert_eq!(
        World::kinds(&events),
        ["PlanChanged", "RenewalOrderRequested", "ChargeRequested", "SubscriptionRenewed"]
    );
    let SubscriptionEvent::RenewalOrderRequested { amount, period, .. } = &events[1] else { panic!() };
    assert_eq!((amount.minor, period.end), (500, day("2026-03-31")));
}

#[test]
fn a_yearly_plan_that_is_cheaper_by_the_day_counts_from_the_day_it_begins() {
    let mut world = member();
    let now = "2026-02-14T10:00:00Z";
    let events = world.run(change(plan(9, 11500, Interval::yearly()), now), at(now));
    let SubscriptionEvent::PlanChangeScheduled { on, .. } = &events[0] else { panic!() };
    assert_eq!(*on, day("2026-02-28"));
    world.tick("2026-02-28T00:00:00Z");
    assert_eq!(world.sub.next_due_on(), Some(day("2027-02-28")));
}

#[test]
fn the_same_plan_in_shorter_instalments_waits_until_the_paid_time_is_over() {
    let mut world = World::joined(Collection::Automatic, Interval::yearly(), JOINED);
    let now = "2027-01-20T10:00:00Z";
    let quote = world.sub.quote_change(&plan(9, 1150, Interval::monthly()), at(now)).unwrap();
    assert_eq!(quote, ChangeQuote::On(day("2027-01-31")));
    let other = Terms { plan: Uuid::from_u128(77), ..plan(9, 1150, Interval::monthly()) };
    let events = world.run(change(other, now), at(now));
    assert_eq!(World::kinds(&events).last(), Some(&"PlanChanged"), "another plan may give more");
}

#[test]
fn a_planned_change_can_be_given_up_or_replaced() {
    let mut world = member();
    let now = "2026-02-14T10:00:00Z";
    world.run(change(plan(9, 500, Interval::monthly()), now), at(now));
    assert!(world.run(change(plan(9, 500, Interval::monthly()), now), at(now)).is_empty(), "the same again");
    world.run(change(plan(8, 700, Interval::monthly()), now), at(now));
    assert_eq!(world.sub.planned_terms().unwrap().price.minor, 700);
    assert_eq!(
        World::kinds(&world.run(SubscriptionCommand::WithdrawPlanChange, at(now))),
        ["PlanChangeWithdrawn"]
    );
    assert_eq!(world.sub.decide(SubscriptionCommand::WithdrawPlanChange), Err(SubscriptionError::NoChange));
}

#[test]
fn time_that_is_not_paid_for_has_no_price() {
    let mut world = member();
    world.run(SubscriptionCommand::Extend { days: 30, gift: false }, at(JOINED));
    let now = "2026-02-14T10:00:00Z";
    let quote = world.sub.quote_change(&plan(9, 2300, Interval::monthly()), at(now)).unwrap();
    assert_eq!(quote, ChangeQuote::On(day("2026-03-30")));
}

#[test]
fn what_cannot_be_changed_is_refused() {
    let now = "2026-02-14T10:00:00Z";
    let refused = |world: &World, to: Terms| world.sub.decide(change(to, now)).err();
    let dearer = || plan(9, 2300, Interval::monthly());
    assert_eq!(refused(&member(), plan(2, 1150, Interval::monthly())), Some(SubscriptionError::SamePlan));
    let dollars = Terms { price: Money::new(2300, Currency::parse("USD").unwrap()), ..dearer() };
    assert_eq!(refused(&member(), dollars), Some(SubscriptionError::OtherTerms));
    let by_transfer = Terms { collection: Collection::Manual, ..dearer() };
    assert_eq!(refused(&member(), by_transfer), Some(SubscriptionError::OtherTerms));
    let mut ending = member();
    ending.run(SubscriptionCommand::Cancel { reason: None, at: at(now) }, at(now));
    assert_eq!(refused(&ending, dearer()), Some(SubscriptionError::NotRunning));
    let mut paying = World { mute: true, ..member() };
    paying.run(change(dearer(), now), at(now));
    let other = SubscriptionCommand::ChangePlan {
        order: Uuid::from_u128(3),
        terms: dearer(),
        shown: None,
        at_once: true,
        at: at(now),
    };
    assert_eq!(paying.sub.decide(other).err(), Some(SubscriptionError::OrderOpen));
    assert!(paying.sub.decide(change(dearer(), now)).unwrap().is_empty(), "the same order twice is once");
}

proptest! {
    /// Credit and charge are shares of the whole period, to the cent, and nobody pays more for the rest
    /// than the new plan costs.
    #[test]
    fn shares_stay_within_the_price(
        old in 1_i64..100_000,
        new in 1_i64..100_000,
        after in 0_i64..27,
        yearly in any::<bool>(),
    ) {
        let mut world = World::default();
        let mut first = join(Collection::Automatic, Interval::monthly(), JOINED);
        if let SubscriptionCommand::Join { terms, .. } = &mut first {
            terms.price = Money::new(old, Currency::eur());
        }
        world.run(first, at(JOINED));
        let when = at(JOINED) + TimeDelta::days(after);
        let to = plan(9, new, if yearly { Interval::yearly() } else { Interval::monthly() });
        match world.sub.quote_change(&to, when).unwrap() {
            ChangeQuote::On(on) => prop_assert_eq!(on, day("2026-02-28")),
            ChangeQuote::Now(p) => {
                prop_assert!(p.amount().minor > 0 && p.amount().minor <= new);
                let exact = |price: i64| price * i64::from(p.days_left) * 2;
                let whole = i64::from(p.days_of_period) * 2;
                prop_assert!((p.credit.minor * whole - exact(old)).abs() <= whole / 2);
                if !p.restarts {
                    prop_assert!((p.charge.minor * whole - exact(new)).abs() <= whole / 2);
                }
                if p.days_left == p.days_of_period {
                    prop_assert_eq!(p.credit.minor, old, "the whole period is its whole price");
                }
            }
        }
    }
}

#[test]
fn after_a_pause_a_dearer_plan_begins_at_once_for_the_days_that_follow_it() {
    let mut world = member();
    // Paid 31 Jan up to 28 Feb; from 2 to 9 Feb it rests, so it is paid up to 7 Mar.
    let pause = SubscriptionCommand::Pause {
        from: day("2026-02-02"),
        until: Some(day("2026-02-09")),
        at: at("2026-02-01T10:00:00Z"),
    };
    world.run(pause, at("2026-02-01T10:00:00Z"));
    world.tick("2026-02-09T10:00:00Z");
    let now = "2026-02-21T10:00:00Z";
    let events = world.run(change(plan(9, 2300, Interval::monthly()), now), at(now));
    let SubscriptionEvent::PlanChangeRequested(PlanChangeRequest { proration: p, .. }) = &events[0] else {
        panic!("{events:?}")
    };
    assert_eq!((p.days_left, p.days_of_period), (14, 28));
    assert_eq!((p.charge.minor, p.credit.minor), (1150, 575));
    assert_eq!((p.period.start, p.period.end), (day("2026-02-21"), day("2026-03-07")));
    assert_eq!(world.sub.next_due_on(), Some(day("2026-03-07")));
}

#[test]
fn a_free_period_has_no_price_to_give_back() {
    let mut world = World { declines: vec![("card_declined", false)], ..member() };
    world.tick("2026-02-28T00:00:00Z");
    world.run(SubscriptionCommand::Waive { at: at("2026-02-28T10:00:00Z") }, at("2026-02-28T10:00:00Z"));
    let quote = world.sub.quote_change(&plan(9, 2300, Interval::monthly()), at("2026-03-10T10:00:00Z"));
    assert_eq!(quote, Ok(ChangeQuote::On(day("2026-03-31"))));
}

#[test]
fn a_planned_change_concerns_no_period_that_began_before_it_was_asked_for() {
    let mut world = World { mute: true, ..member() };
    world.sub.parked = true;
    world.run(
        SubscriptionCommand::Unpark { waive_missed: false, at: at("2026-05-10T00:00:00Z") },
        at("2026-05-10T00:00:00Z"),
    );
    let now = "2026-05-10T10:00:00Z";
    let events = world.run(change(plan(9, 700, Interval::monthly()), now), at(now));
    assert!(
        matches!(&events[0], SubscriptionEvent::PlanChangeScheduled { on, .. } if *on == day("2026-05-10"))
    );
    world.mute = false;
    let mut charged = vec![];
    for tick in
        ["2026-05-10T11:00:00Z", "2026-05-11T12:00:00Z", "2026-05-12T13:00:00Z", "2026-05-31T00:00:00Z"]
    {
        charged.extend(world.tick(tick).into_iter().filter_map(|e| match e {
            SubscriptionEvent::RenewalOrderRequested { amount, period, .. } => {
                Some((period.start, amount.minor))
            }
            _ => None,
        }));
    }
    let of = |start: &str, minor| (day(start), minor);
    assert_eq!(
        charged,
        [of("2026-02-28", 1150), of("2026-03-31", 1150), of("2026-04-30", 1150), of("2026-05-31", 700)]
    );
}

#[test]
fn who_was_shown_another_amount_is_charged_nothing() {
    let world = member();
    let now = at("2026-02-14T10:00:00Z");
    let ask = |shown| {
        let shown = Some(Money::new(shown, Currency::eur()));
        let terms = plan(9, 2300, Interval::monthly());
        world.sub.decide(SubscriptionCommand::ChangePlan {
            order: ORDER,
            terms,
            shown,
            at_once: true,
            at: now,
        })
    };
    assert_eq!(ask(574), Err(SubscriptionError::OtherPrice));
    assert_eq!(ask(0), Err(SubscriptionError::OtherPrice), "nothing now is an amount, too");
    assert!(ask(575).is_ok());
}

#[test]
fn managed_ones_rest_and_end_with_the_period_that_runs() {
    let mut world = World::joined(Collection::Managed, Interval::monthly(), JOINED);
    for tick in ["2026-02-28T12:00:00Z", "2026-03-31T12:00:00Z"] {
        assert_eq!(World::kinds(&world.tick(tick)), ["ManagerToldOfRenewal"]);
    }
    assert_eq!(world.sub.next_due_on(), Some(day("2026-04-30")), "the one that comes next");
    let now = at("2026-04-10T10:00:00Z");
    let mut resting = world.clone();
    let pause =
        SubscriptionCommand::Pause { from: day("2026-04-10"), until: Some(day("2026-04-20")), at: now };
    assert_eq!(World::kinds(&resting.run(pause, now)), ["PauseScheduled", "SubscriptionPaused"]);
    resting.tick("2026-04-20T00:00:00Z");
    assert_eq!(resting.sub.next_due_on(), Some(day("2026-05-10")));
    world.run(SubscriptionCommand::Cancel { reason: None, at: now }, now);
    assert_eq!(world.status(), Status::PendingCancellation);
    assert!(world.tick("2026-04-29T12:00:00Z").is_empty());
    assert_eq!(World::kinds(&world.tick("2026-04-30T00:00:00Z")), ["SubscriptionCancelled"]);
}
