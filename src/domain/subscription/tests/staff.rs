//! What staff may do, row by row.

use super::*;
use chrono::NaiveDate;

const MONTHLY: Interval = Interval::monthly();

fn member() -> World {
    World::joined(Collection::Automatic, MONTHLY, "2026-01-31T14:00:00Z")
}

/// Declined on 28 February, tried again two days later.
fn failing() -> World {
    let mut world = member();
    world.declines = vec![("insufficient_funds", false)];
    world.tick("2026-02-28T00:00:00Z");
    world
}

/// Declined three times.
fn on_hold() -> World {
    let mut world = member();
    world.declines = vec![("stolen_card", true)];
    world.tick("2026-02-28T00:00:00Z");
    assert_eq!(world.status(), Status::OnHold);
    world
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn extend(days: u16) -> SubscriptionCommand {
    SubscriptionCommand::Extend { days, gift: false }
}

fn retry(when: &str) -> SubscriptionCommand {
    SubscriptionCommand::RetryNow { policy: BillingPolicy::default(), at: at(when) }
}

#[test]
fn given_days_move_the_next_payment_by_exactly_as_many() {
    let mut world = member();
    assert_eq!(world.sub.next_payment_on(), Some(day("2026-02-28")));
    world.run(extend(3), at("2026-02-10T00:00:00Z"));
    assert_eq!(world.sub.next_payment_on(), Some(day("2026-03-03")));
    assert!(world.tick("2026-03-02T22:59:59Z").is_empty(), "not a second before");
    let events = world.tick("2026-03-02T23:00:00Z");
    assert_eq!(World::kinds(&events), ["RenewalOrderRequested", "ChargeRequested", "SubscriptionRenewed"]);
    assert_eq!(world.sub.next_payment_on(), Some(day("2026-04-03")), "the new day is the anchor");
    // One that ends with its paid time ends later by as many days.
    let mut ending = member();
    ending.run(
        SubscriptionCommand::Cancel { reason: None, at: at("2026-02-10T00:00:00Z") },
        at("2026-02-10T00:00:00Z"),
    );
    ending.run(extend(10), at("2026-02-10T00:00:00Z"));
    assert!(ending.tick("2026-03-09T22:00:00Z").is_empty());
    assert_eq!(World::kinds(&ending.tick("2026-03-09T23:00:00Z")), ["SubscriptionCancelled"]);
}

fn due_on(text: &str, when: &str) -> SubscriptionCommand {
    SubscriptionCommand::MoveDueDay { on: day(text), at: at(when) }
}

#[test]
fn the_day_of_the_next_payment_moves_later_and_back_as_far_as_days_were_given() {
    const NOW: &str = "2026-02-10T12:00:00Z";
    let refused = |world: &World, text| world.sub.decide(due_on(text, NOW)).unwrap_err();
    let mut world = member();
    assert_eq!(world.sub.decide(due_on("2026-02-28", NOW)), Ok(vec![]), "it is that day");
    // Everything up to 28 February is paid for.
    assert_eq!(refused(&world, "2026-02-27"), SubscriptionError::PaidFor(day("2026-02-28")));
    assert_eq!(refused(&world, "2027-03-02"), SubscriptionError::DueDay, "367 days");
    assert!(world.sub.decide(due_on("2027-03-01", NOW)).is_ok(), "366 days");
    let events = world.run(due_on("2026-03-25", NOW), at(NOW));
    assert_eq!(World::kinds(&events), ["PaidTimeExtended"]);
    assert_eq!(world.sub.next_payment_on(), Some(day("2026-03-25")));
    let events = world.run(due_on("2026-03-05", NOW), at(NOW));
    let SubscriptionEvent::GivenDaysTakenBack { days: 20, to, paid_until, .. } = events[0] else { panic!() };
    assert_eq!((to, paid_until), (day("2026-03-05"), at("2026-03-04T23:00:00Z")));
    assert_eq!(refused(&world, "2026-02-27"), SubscriptionError::PaidFor(day("2026-02-28")), "five are left");
    assert_eq!(world.sub.earliest_due_day(), Some(day("2026-02-28")));
    // Only a day that is to come.
    let late = due_on("2026-03-01", "2026-03-01T12:00:00Z");
    assert_eq!(world.sub.decide(late), Err(SubscriptionError::DueDay));
    assert!(world.tick("2026-03-04T22:59:59Z").is_empty(), "not a second before");
    assert_eq!(world.tick("2026-03-04T23:00:00Z").len(), 3);
    assert_eq!(world.sub.next_payment_on(), Some(day("2026-04-05")), "the new day is the anchor");
    assert_eq!(world.sub.earliest_due_day(), Some(day("2026-04-05")), "used up with the payment");
}

#[test]
fn what_a_gift_gave_is_not_taken_back() {
    const NOW: &str = "2026-02-10T12:00:00Z";
    let mut world = member();
    world.run(SubscriptionCommand::Extend { days: 10, gift: true }, at(NOW));
    world.run(extend(5), at(NOW));
    assert_eq!(world.sub.earliest_due_day(), Some(day("2026-03-10")));
    let refused = world.sub.decide(due_on("2026-03-09", NOW)).unwrap_err();
    assert_eq!(refused, SubscriptionError::PaidFor(day("2026-03-10")));
    // A gift behind days of staff covers them: what is behind all that may go alone.
    world.run(SubscriptionCommand::Extend { days: 10, gift: true }, at(NOW));
    assert_eq!(world.sub.earliest_due_day(), world.sub.next_due_on());
}

#[test]
fn days_are_given_only_where_something_is_paid_for_and_nothing_is_open() {
    let refused = |world: &World, days| world.sub.decide(extend(days)).unwrap_err();
    assert_eq!(refused(&member(), 0), SubscriptionError::Days);
    assert_eq!(refused(&member(), 367), SubscriptionError::Days);
    assert!(member().sub.decide(extend(366)).is_ok() && member().sub.decide(extend(1)).is_ok());
    assert_eq!(refused(&failing(), 5), SubscriptionError::OrderOpen);
    assert_eq!(refused(&on_hold(), 5), SubscriptionError::NotPaidFor);
    let mut parked = member();
    parked.tick("2026-08-01T00:00:00Z");
    assert_eq!(refused(&parked, 5), SubscriptionError::Parked);
}

#[test]
fn a_waived_order_makes_its_period_free_and_the_next_one_is_due_as_ever() {
    let mut world = failing();
    let now = at("2026-03-01T09:00:00Z");
    let events = world.run(SubscriptionCommand::Waive { at: now }, now);
    let SubscriptionEvent::PeriodWaived { period, restarts, .. } = &events[0] else { panic!() };
    assert_eq!((period.start, period.end, *restarts), (day("2026-02-28"), day("2026-03-31"), false));
    assert!(world.tick("2026-03-02T12:00:00Z").is_empty(), "it is not charged again");
    assert_eq!(World::kinds(&world.tick("2026-03-31T00:00:00Z"))[0], "RenewalOrderRequested");
    // On hold: access comes back on the day of the act.
    let mut world = on_hold();
    let now = at("2026-04-10T09:00:00Z");
    world.run(SubscriptionCommand::Waive { at: now }, now);
    assert_eq!(world.status(), Status::Active);
    assert_eq!(world.sub.next_payment_on(), Some(day("2026-05-10")));
    assert_eq!(
        member().sub.decide(SubscriptionCommand::Waive { at: now }),
        Err(SubscriptionError::NothingOpen)
    );
}

#[test]
fn charging_again_now_is_the_next_counted_attempt() {
    let mut world = failing();
    world.declines = vec![("insufficient_funds", false)];
    let events = world.run(retry("2026-02-28T15:00:00Z"), at("2026-02-28T15:00:00Z"));
    let SubscriptionEvent::ChargeRequested { number, .. } = &events[0] else { panic!() };
    assert_eq!(*number, 2);
    let SubscriptionEvent::RenewalPaymentFailed { failures, retry_at, .. } = &events[1] else { panic!() };
    assert_eq!((*failures, *retry_at), (2, Some(at("2026-03-02T15:00:00Z"))));
    let events = world.run(retry("2026-03-01T15:00:00Z"), at("2026-03-01T15:00:00Z"));
    assert_eq!(World::kinds(&events), ["ChargeRequested", "SubscriptionRenewed"]);
    assert_eq!(
        world.sub.decide(retry("2026-03-01T16:00:00Z")),
        Err(SubscriptionError::NothingOpen),
        "once is once"
    );
    assert_eq!(on_hold().sub.decide(retry("2026-03-01T16:00:00Z")), Err(SubscriptionError::NoRetry));
    let mut waiting = failing();
    waiting.mute = true;
    waiting.run(retry("2026-02-28T15:00:00Z"), at("2026-02-28T15:00:00Z"));
    assert_eq!(waiting.sub.decide(retry("2026-02-28T15:00:01Z")), Err(SubscriptionError::InFlight));
    let waive = SubscriptionCommand::Waive { at: at("2026-02-28T15:00:01Z") };
    assert_eq!(waiting.sub.decide(waive), Err(SubscriptionError::InFlight));
}

#[test]
fn ending_at_once_ends_access_at_once_and_gives_up_the_open_order() {
    for mut world in [member(), failing(), on_hold()] {
        let open = world.sub.open_order().map(|o| o.order);
        let now = at("2026-03-01T09:00:00Z");
        let events =
            world.run(SubscriptionCommand::EndNow { cause: CancelCause::EndedByStaff, at: now }, now);
        let expected = SubscriptionEvent::SubscriptionCancelled {
            cause: CancelCause::EndedByStaff,
            ended_at: now,
            abandoned_order: open,
            reason: None,
        };
        assert_eq!(events, [expected]);
        assert!(world.tick("2026-12-01T00:00:00Z").is_empty());
        assert_eq!(
            world.sub.decide(SubscriptionCommand::EndNow { cause: CancelCause::EndedByStaff, at: now }),
            Err(SubscriptionError::Ended)
        );
    }
}

#[test]
fn a_subscription_moves_to_the_account_that_is_kept_and_nothing_else_changes() {
    let to = Uuid::from_u128(0x5ec0);
    let mut world = member();
    let (from, due) = (world.sub.owner(), world.sub.next_payment_on());
    let moved = world.run(SubscriptionCommand::MoveTo { to }, at("2026-02-10T09:00:00Z"));
    assert_eq!(moved, [SubscriptionEvent::SubscriptionMoved { from, to }]);
    assert_eq!((world.sub.owner(), world.sub.next_payment_on()), (to, due));
    assert_eq!(world.sub.decide(SubscriptionCommand::MoveTo { to }), Ok(vec![]), "once");
    let mut charged = failing();
    charged.mute = true;
    charged.run(retry("2026-02-28T15:00:00Z"), at("2026-02-28T15:00:00Z"));
    assert_eq!(
        charged.sub.decide(SubscriptionCommand::MoveTo { to }),
        Err(SubscriptionError::InFlight),
        "its answer is told to the owner who asked"
    );
}
