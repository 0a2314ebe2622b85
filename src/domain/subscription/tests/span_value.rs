//! What went back is not credited once more, an order before its time changes nothing before it, and a dispute ends
//! what a charge keeps open.

use super::*;
use crate::domain::shared::calendar::IntervalUnit;
use crate::domain::shared::seats::Seats;
use crate::domain::subscription::PlanChangeRequest;
use chrono::NaiveDate;

const JOINED: &str = "2026-01-31T14:00:00Z";
const ORDER: Uuid = Uuid::from_u128(0x0d);

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::eur())
}

fn plan(n: u128, minor: i64, collection: Collection) -> Terms {
    let terms = terms(collection, Interval::monthly());
    Terms { variation: Uuid::from_u128(n), price: eur(minor), seats: Some(Seats { most: Some(20) }), ..terms }
}

fn change(order: Uuid, to: Terms, when: &str) -> SubscriptionCommand {
    SubscriptionCommand::ChangePlan { order, terms: to, shown: None, at_once: true, at: at(when) }
}

fn refund(order: Uuid, refunded: i64, of: i64) -> SubscriptionCommand {
    SubscriptionCommand::RecordRefund { order, refunded: eur(refunded), of: eur(of) }
}

fn paid_order(world: &World) -> Uuid {
    world.log.iter().rev().find_map(|e| e.paid_span()).map(|(order, _)| order).unwrap()
}

/// What a change to `to` on 14 Feb credits and charges, and what it says was left.
fn quoted(world: &World, to: i64) -> (i64, i64, Option<i64>) {
    let now = "2026-02-14T10:00:00Z";
    match world.sub.quote_change(&plan(9, to, Collection::Automatic), at(now)).unwrap() {
        ChangeQuote::Now(p) => (p.credit.minor, p.charge.minor, p.held.map(|h| h.minor)),
        ChangeQuote::On(day) => panic!("on {day}"),
    }
}

#[test]
fn a_period_that_went_back_is_not_credited_once_more() {
    // Paid 11.50 for 31 Jan up to 28 Feb; half of it, 5.75, is unused on 14 Feb.
    let member = World::joined(Collection::Automatic, Interval::monthly(), JOINED);
    let order = paid_order(&member);
    assert_eq!(quoted(&member, 2300), (575, 1150, None));
    let now = at("2026-02-10T10:00:00Z");
    let cases = [(300, (575, 1150, None)), (1000, (150, 1150, Some(150))), (1150, (0, 1150, Some(0)))];
    for (back, expected) in cases {
        let mut world = member.clone();
        let events = world.run(refund(order, back, 1150), now);
        assert_eq!(
            events,
            [SubscriptionEvent::PaymentRefunded { order, back: eur(back), left: eur(1150 - back) }]
        );
        assert!(world.run(refund(order, back, 1150), now).is_empty(), "told twice is once");
        assert_eq!(quoted(&world, 2300), expected, "{back}");
    }
    let mut world = member.clone();
    world.run(refund(order, 400, 1150), now);
    world.run(refund(order, 1000, 1150), now);
    assert_eq!(quoted(&world, 2300), (150, 1150, Some(150)), "sums, not parts");
    assert!(world.run(refund(Uuid::from_u128(99), 400, 1150), now).is_empty(), "another order");
    world.tick("2026-02-28T00:00:00Z");
    let next = world.sub.quote_change(&plan(9, 2300, Collection::Automatic), at("2026-02-28T10:00:00Z"));
    assert!(matches!(next, Ok(ChangeQuote::Now(p)) if p.held.is_none()), "the next period is paid anew");
}

#[test]
fn what_does_not_go_back_after_all_is_credited_again() {
    let mut world = World::joined(Collection::Automatic, Interval::monthly(), JOINED);
    let (order, now) = (paid_order(&world), at("2026-02-10T10:00:00Z"));
    // The bank was asked for all of it, and decides for the studio.
    world.run(refund(order, 1150, 1150), now);
    assert_eq!(quoted(&world, 2300), (0, 1150, Some(0)));
    let events = world.run(refund(order, 0, 1150), now);
    assert_eq!(events, [SubscriptionEvent::PaymentRefunded { order, back: eur(0), left: eur(1150) }]);
    assert_eq!(quoted(&world, 2300), (575, 1150, None));
}

#[test]
fn more_seats_of_the_same_plan_begin_at_once_in_shorter_instalments_too() {
    let mut world = World::joined(Collection::Automatic, Interval::yearly(), JOINED);
    let now = "2026-03-01T10:00:00Z";
    let of = |seats: Option<u32>| Terms {
        variation: Uuid::from_u128(9),
        price: eur(1150),
        seats: seats.map(|n| Seats { most: Some(n) }),
        ..terms(Collection::Automatic, Interval::monthly())
    };
    assert!(matches!(world.sub.quote_change(&of(None), at(now)), Ok(ChangeQuote::On(_))), "instalments wait");
    let events = world.run(change(ORDER, of(Some(20)), now), at(now));
    assert_eq!(World::kinds(&events).last(), Some(&"PlanChanged"));
}

#[test]
fn who_accounts_for_the_tax_has_the_same_share_back() {
    let mut world = World::joined(Collection::Automatic, Interval::monthly(), JOINED);
    let order = paid_order(&world);
    // 9.50 net were paid, of a price of 11.50.
    world.run(refund(order, 475, 950), at(JOINED));
    assert_eq!(
        world.log.last(),
        Some(&SubscriptionEvent::PaymentRefunded { order, back: eur(575), left: eur(575) })
    );
}

#[test]
fn after_a_change_all_of_its_payments_count() {
    let mut world = World::joined(Collection::Automatic, Interval::monthly(), JOINED);
    let first = paid_order(&world);
    let now = "2026-02-14T10:00:00Z";
    world.run(change(ORDER, plan(9, 2300, Collection::Automatic), now), at(now));
    // The rest of the period is worth 11.50 now: 5.75 of the first payment, and 5.75 of the second.
    world.run(refund(ORDER, 575, 575), at(now));
    assert_eq!(
        world.log.last(),
        Some(&SubscriptionEvent::PaymentRefunded { order: ORDER, back: eur(575), left: eur(575) })
    );
    world.run(refund(first, 1150, 1150), at(now));
    assert!(
        matches!(world.log.last(), Some(SubscriptionEvent::PaymentRefunded { left, .. }) if left.minor == 0)
    );
    let quote = world.sub.quote_change(&plan(8, 4600, Collection::Automatic), at(now)).unwrap();
    assert!(matches!(quote, ChangeQuote::Now(p) if p.credit.minor == 0 && p.amount().minor == 2300));
    assert!(
        world.log.iter().any(|e| matches!(e, SubscriptionEvent::PlanChangeRequested(PlanChangeRequest { proration, .. }) if proration.held.is_none()))
    );
}

#[test]
fn a_plan_that_is_ordered_before_its_period_counts_from_its_first_day() {
    let mut world = World::joined(Collection::Manual, Interval::monthly(), JOINED);
    let asked = "2026-02-10T10:00:00Z";
    world.run(change(ORDER, plan(9, 700, Collection::Manual), asked), at(asked));
    // Asked for seven days before 28 Feb.
    let events = world.tick("2026-02-21T00:00:00Z");
    assert_eq!(World::kinds(&events), ["PlanChanged", "RenewalOrderRequested"]);
    assert!(
        matches!(&events[0], SubscriptionEvent::PlanChanged { begins_on: Some(on), .. } if *on == day("2026-02-28"))
    );
    assert_eq!(world.sub.begins_on(), Some(day("2026-02-28")));
    let begins = at("2026-02-27T23:00:00Z");
    let (mut paid, mut unpaid, unpaid_before, mut leaving) =
        (world.clone(), world.clone(), world.clone(), world);
    paid.pay("2026-02-24T10:00:00Z");
    assert!(paid.sub.look_at().is_some_and(|at| at <= begins), "the clock looks when it begins");
    assert!(paid.tick("2026-02-27T22:59:59Z").is_empty());
    assert_eq!(World::kinds(&paid.tick("2026-02-27T23:00:00Z")), ["PlanBegan"]);
    assert_eq!((paid.sub.begins_on(), paid.tick("2026-02-27T23:00:00Z").len()), (None, 0));
    assert_eq!(World::kinds(&unpaid.tick("2026-02-28T00:00:00Z")), ["PlanBegan", "SubscriptionPutOnHold"]);
    let now = "2026-02-25T10:00:00Z";
    let cancel = || SubscriptionCommand::Cancel { reason: None, at: at(now) };
    leaving.run(cancel(), at(now));
    assert_eq!(World::kinds(&leaving.tick("2026-02-28T00:00:00Z")), ["SubscriptionCancelled"]);
    assert_eq!(leaving.sub.look_at(), None);
    // Who paid the other plan, and then cancels to its end, has it until then.
    let mut paid_for = unpaid_before;
    paid_for.pay("2026-02-24T10:00:00Z");
    paid_for.run(cancel(), at(now));
    assert_eq!(paid_for.status(), Status::PendingCancellation);
    assert!(paid_for.sub.look_at().is_some_and(|at| at <= begins));
    assert_eq!(World::kinds(&paid_for.tick("2026-02-28T00:00:00Z")), ["PlanBegan"]);
    assert_eq!(World::kinds(&paid_for.tick("2026-03-31T00:00:00Z")), ["SubscriptionCancelled"]);
}

#[test]
fn two_plans_that_are_ordered_before_their_periods_begin_one_after_the_other() {
    let mut world = World::joined(Collection::Manual, Interval::monthly(), JOINED);
    // Periods of two days are ordered seven days before: the second plan is agreed before the first begins.
    let short = |n, minor| Terms {
        interval: Interval::new(IntervalUnit::Day, 2).unwrap(),
        ..plan(n, minor, Collection::Manual)
    };
    let asked = "2026-02-10T10:00:00Z";
    world.run(change(ORDER, short(9, 70), asked), at(asked));
    world.tick("2026-02-21T00:00:00Z");
    world.pay("2026-02-21T10:00:00Z");
    let asked = "2026-02-21T11:00:00Z";
    world.run(change(Uuid::from_u128(0x0e), short(10, 60), asked), at(asked));
    assert_eq!(World::kinds(&world.tick("2026-02-23T00:00:00Z")), ["PlanChanged", "RenewalOrderRequested"]);
    world.pay("2026-02-23T10:00:00Z");
    assert_eq!(world.sub.begins_on(), Some(day("2026-03-02")));
    let begun = |events: &[SubscriptionEvent]| -> Vec<(u128, NaiveDate)> {
        let of = |e: &SubscriptionEvent| match e {
            SubscriptionEvent::PlanBegan { terms, on } => Some((terms.variation.as_u128(), *on)),
            _ => None,
        };
        events.iter().filter_map(of).collect()
    };
    let mut late = world.clone();
    assert_eq!(begun(&world.tick("2026-02-28T00:00:00Z")), [(9, day("2026-02-28"))]);
    assert!(world.sub.look_at().is_some_and(|when| when <= at("2026-03-01T23:00:00Z")));
    assert_eq!(begun(&world.tick("2026-03-02T00:00:00Z")), [(10, day("2026-03-02"))]);
    assert_eq!(begun(&late.tick("2026-03-02T00:00:00Z")), [(9, day("2026-02-28")), (10, day("2026-03-02"))]);
}

#[test]
fn a_plan_that_is_ordered_on_its_first_day_is_in_force_at_once() {
    let mut world = World::joined(Collection::Automatic, Interval::monthly(), JOINED);
    let asked = "2026-02-10T10:00:00Z";
    world.run(change(ORDER, plan(9, 700, Collection::Automatic), asked), at(asked));
    let events = world.tick("2026-02-28T00:00:00Z");
    assert!(matches!(&events[0], SubscriptionEvent::PlanChanged { begins_on: None, .. }), "{events:?}");
}

#[test]
fn a_dispute_ends_what_a_charge_keeps_open_and_what_it_takes_goes_back() {
    let end = |when| SubscriptionCommand::EndNow { cause: CancelCause::Disputed, at: at(when) };
    let mut world = World::joined(Collection::Automatic, Interval::monthly(), JOINED);
    world.mute = true;
    world.tick("2026-02-28T00:00:00Z");
    let order = world.sub.open_order().unwrap().order;
    let attempt = world.sub.open_order().unwrap().charge.as_ref().unwrap().attempt;
    let now = "2026-02-28T01:00:00Z";
    assert_eq!(World::kinds(&world.run(end(now), at(now))), ["EndAwaited"]);
    assert!(world.run(end(now), at(now)).is_empty(), "told twice is once");
    let staff = SubscriptionCommand::EndNow { cause: CancelCause::EndedByStaff, at: at(now) };
    assert_eq!(world.sub.decide(staff), Err(SubscriptionError::InFlight), "they can try again");
    let later = at("2026-02-28T09:00:00Z");
    let mut taken = world.clone();
    let events = taken.run(SubscriptionCommand::RecordPaid { order, at: later }, later);
    assert_eq!(
        World::kinds(&events),
        ["PaymentReceivedAfterEnd", "UnusedDaysRefundRequested", "SubscriptionCancelled"]
    );
    assert!(
        matches!(&events[1], SubscriptionEvent::UnusedDaysRefundRequested(u) if (u.part, u.of) == (1, 1))
    );
    assert_eq!(taken.status(), Status::Cancelled);
    let (code, policy) = (String::from("card_declined"), BillingPolicy::default());
    let declined =
        SubscriptionCommand::RecordFailure { order, attempt, code, hard: false, policy, at: later };
    let events = world.run(declined, later);
    assert_eq!(World::kinds(&events), ["SubscriptionCancelled"]);
    assert!(
        matches!(&events[0], SubscriptionEvent::SubscriptionCancelled { cause: CancelCause::Disputed, abandoned_order: Some(of), .. } if *of == order)
    );
}

#[test]
fn a_gateway_that_was_not_reached_costs_the_member_no_attempt() {
    let unreached = || vec![("no_charge_made", false)];
    let mut world = World {
        declines: unreached(),
        ..World::joined(Collection::Automatic, Interval::monthly(), "2026-01-31T14:00:00Z")
    };
    // joined() was paid before; the renewal finds the gateway away.
    world.declines = unreached();
    let failed = |events: &[SubscriptionEvent]| {
        events.iter().find_map(|e| match e {
            SubscriptionEvent::RenewalPaymentFailed { failures, retry_at, uncounted, .. } => {
                Some((*failures, *retry_at, *uncounted))
            }
            _ => None,
        })
    };
    let due = at("2026-02-27T23:00:00Z");
    let day = |n| Some(due + chrono::TimeDelta::days(n));
    let first = world.run(tick("2026-02-27T23:00:00Z"), due);
    assert_eq!(failed(&first), Some((0, day(1), true)), "a day later, and not counted");
    for n in 1..3 {
        world.declines = unreached();
        let now = day(n).unwrap();
        let events = world.run(SubscriptionCommand::Tick { policy: BillingPolicy::default(), at: now }, now);
        assert_eq!(failed(&events), Some((0, day(n + 1), true)));
    }
    // One that never answers for this card is no outage: from now on it counts.
    for (n, failures) in [(3, 1), (5, 2), (7, 3)] {
        world.declines = unreached();
        let now = day(n).unwrap();
        let events = world.run(SubscriptionCommand::Tick { policy: BillingPolicy::default(), at: now }, now);
        assert_eq!(failed(&events).map(|f| (f.0, f.2)), Some((failures, false)), "{n}");
    }
    assert_eq!(world.status(), Status::OnHold);
}
