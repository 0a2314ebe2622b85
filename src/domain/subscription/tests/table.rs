use super::*;
use crate::domain::shared::calendar::IntervalUnit;
use cqrs_es::test::TestFramework;

const MONTHLY: Interval = Interval::monthly();
const JOINED: &str = "2026-01-31T14:00:00Z";

fn member() -> World {
    World::joined(Collection::Automatic, MONTHLY, JOINED)
}

fn given(world: &World) -> cqrs_es::test::AggregateTestExecutor<Subscription> {
    TestFramework::<Subscription>::with(()).given(world.log.clone())
}

#[test]
fn joining_by_transfer_waits_on_hold_until_the_order_is_paid() {
    let mut world = World::default();
    let events = world.run(join(Collection::Manual, MONTHLY, JOINED), at(JOINED));
    assert_eq!(World::kinds(&events), ["SubscriptionJoined", "FirstOrderRequested"]);
    assert_eq!(world.status(), Status::OnHold);
    // The money comes four days later: that day is the anchor.
    let events = world.pay("2026-02-04T10:00:00Z");
    assert_eq!(World::kinds(&events), ["SubscriptionActivated"]);
    let SubscriptionEvent::SubscriptionActivated { period, paid_until, .. } = &events[0] else { panic!() };
    assert_eq!(
        (period.start.to_string(), period.end.to_string()),
        ("2026-02-04".into(), "2026-03-04".into())
    );
    assert_eq!(*paid_until, at("2026-03-03T23:00:00Z"));
}

#[test]
fn joining_with_a_card_charges_at_once() {
    let world = member();
    assert_eq!(
        World::kinds(&world.log),
        ["SubscriptionJoined", "FirstOrderRequested", "ChargeRequested", "SubscriptionActivated"]
    );
    assert_eq!(world.status(), Status::Active);
}

#[test]
fn a_declined_card_at_joining_leaves_it_on_hold_and_another_card_can_pay() {
    let mut world = World { declines: vec![("card_declined", false)], ..World::default() };
    world.run(join(Collection::Automatic, MONTHLY, JOINED), at(JOINED));
    assert_eq!(world.status(), Status::OnHold);
    assert_eq!(World::kinds(&world.log).last(), Some(&"MemberPaymentFailed"));
    let pay = SubscriptionCommand::PayNow {
        attempt: Uuid::from_u128(5),
        method: card("other"),
        at: at("2026-02-01T08:00:00Z"),
    };
    let events = world.run(pay, at("2026-02-01T08:00:00Z"));
    assert_eq!(World::kinds(&events), ["PaymentMethodChanged", "ChargeRequested", "SubscriptionActivated"]);
}

#[test]
fn joining_needs_something_to_charge_and_happens_once() {
    let mut without = join(Collection::Automatic, MONTHLY, JOINED);
    if let SubscriptionCommand::Join { method, .. } = &mut without {
        *method = None;
    }
    given(&World::default()).when(without).then_expect_error(SubscriptionError::NeedsMethod);
    given(&member()).when(join(Collection::Automatic, MONTHLY, JOINED)).then_expect_events(vec![]);
    given(&World::default()).when(tick(JOINED)).then_expect_error(SubscriptionError::Missing);
}

#[test]
fn a_renewal_is_charged_when_it_is_due_and_not_a_second_before() {
    let mut world = member();
    assert!(world.tick("2026-02-27T22:59:59Z").is_empty());
    let events = world.tick("2026-02-27T23:00:00Z");
    assert_eq!(World::kinds(&events), ["RenewalOrderRequested", "ChargeRequested", "SubscriptionRenewed"]);
    let SubscriptionEvent::SubscriptionRenewed { period, .. } = &events[2] else { panic!() };
    assert_eq!(
        (period.start.to_string(), period.end.to_string()),
        ("2026-02-28".into(), "2026-03-31".into())
    );
    assert!(world.tick("2026-02-27T23:00:00Z").is_empty(), "the same tick twice changes nothing");
    assert!(world.tick("2026-02-01T00:00:00Z").is_empty(), "a clock that jumps back changes nothing");
}

#[test]
fn a_tick_while_a_charge_is_under_way_decides_nothing() {
    let mut world = World { mute: true, ..member() };
    assert_eq!(world.tick("2026-02-28T00:00:00Z").len(), 2);
    assert!(world.tick("2026-02-28T00:00:00Z").is_empty());
    assert!(world.tick("2026-03-28T00:00:00Z").is_empty());
}

#[test]
fn three_declines_two_days_apart_on_the_same_order_put_it_on_hold() {
    let mut world = member();
    world.declines = vec![("insufficient_funds", false); 3];
    let first = world.tick("2026-02-28T00:00:00Z");
    assert_eq!(World::kinds(&first), ["RenewalOrderRequested", "ChargeRequested", "RenewalPaymentFailed"]);
    assert_eq!(world.status(), Status::Active, "access stays");
    assert!(world.tick("2026-03-01T22:00:00Z").is_empty());
    let second = world.tick("2026-03-02T00:00:00Z");
    assert_eq!(World::kinds(&second), ["ChargeRequested", "RenewalPaymentFailed"]);
    let third = world.tick("2026-03-04T00:00:00Z");
    assert_eq!(World::kinds(&third), ["ChargeRequested", "RenewalPaymentFailed", "SubscriptionPutOnHold"]);
    assert_eq!(world.status(), Status::OnHold);
    let orders: std::collections::BTreeSet<_> = world
        .log
        .iter()
        .filter_map(|e| match e {
            SubscriptionEvent::RenewalPaymentFailed { order, .. } => Some(*order),
            _ => None,
        })
        .collect();
    assert_eq!(orders.len(), 1);
    let numbers: Vec<_> = world
        .log
        .iter()
        .filter_map(|e| match e {
            SubscriptionEvent::ChargeRequested { number, trigger: Trigger::Clock, .. } => Some(*number),
            _ => None,
        })
        .collect();
    assert_eq!(numbers, [1, 2, 3]);
}

#[test]
fn a_decline_and_then_success_renews_the_period_that_was_due() {
    let mut world = member();
    world.declines = vec![("insufficient_funds", false)];
    world.tick("2026-02-28T00:00:00Z");
    let events = world.tick("2026-03-02T00:00:00Z");
    let SubscriptionEvent::SubscriptionRenewed { period, .. } = &events[1] else { panic!("{events:?}") };
    assert_eq!(period.start.to_string(), "2026-02-28");
}

#[test]
fn a_hard_decline_puts_it_on_hold_at_once() {
    let mut world = member();
    world.declines = vec![("stolen_card", true)];
    let events = world.tick("2026-02-28T00:00:00Z");
    let Some(SubscriptionEvent::SubscriptionPutOnHold { cause, .. }) = events.last() else { panic!() };
    assert_eq!(*cause, HoldCause::HardDecline);
}

#[test]
fn without_a_payment_method_attempts_are_counted_but_no_gateway_is_called() {
    let mut world = member();
    world.sub.method = None;
    let mut all = Vec::new();
    for day in ["2026-02-28", "2026-03-02", "2026-03-04"] {
        all.extend(world.tick(&format!("{day}T00:00:00Z")));
    }
    assert_eq!(
        World::kinds(&all),
        [
            "RenewalOrderRequested",
            "RenewalPaymentFailed",
            "RenewalPaymentFailed",
            "RenewalPaymentFailed",
            "SubscriptionPutOnHold"
        ]
    );
}

#[test]
fn a_charge_that_needs_action_waits_a_day_and_then_counts_as_declined() {
    let mut world = World { mute: true, ..member() };
    world.tick("2026-02-28T00:00:00Z");
    let open = world.sub.open_order().unwrap();
    let (order, attempt) = (open.order, open.charge.as_ref().unwrap().attempt);
    let until = at("2026-03-01T00:00:00Z");
    let wait =
        SubscriptionCommand::RecordActionRequired { order, attempt, until, at: at("2026-02-28T00:00:00Z") };
    assert_eq!(World::kinds(&world.run(wait.clone(), until)), ["ChargeAwaitsAction"]);
    assert!(world.run(wait, until).is_empty());
    assert!(world.tick("2026-02-28T23:00:00Z").is_empty());
    assert_eq!(World::kinds(&world.tick("2026-03-01T00:00:00Z")), ["ChargeActionMissed"]);
    assert!(world.tick("2026-03-01T01:00:00Z").is_empty());
    let failed = SubscriptionCommand::RecordFailure {
        order,
        attempt,
        code: "action_not_taken".into(),
        hard: false,
        policy: BillingPolicy::default(),
        at: until,
    };
    assert_eq!(World::kinds(&world.run(failed, until)), ["RenewalPaymentFailed"]);
    assert_eq!(world.status(), Status::Active);
}

#[test]
fn cancelling_keeps_the_paid_time_and_can_be_undone() {
    let mut world = member();
    let cancel = SubscriptionCommand::Cancel { reason: None, at: at("2026-02-10T09:00:00Z") };
    let events = world.run(cancel.clone(), at("2026-02-10T09:00:00Z"));
    let SubscriptionEvent::CancellationScheduled { ends_at, ends_on, reason: None } = &events[0] else {
        panic!()
    };
    assert_eq!((*ends_at, ends_on.to_string()), (at("2026-02-27T23:00:00Z"), "2026-02-28".into()));
    assert!(world.status().gives_access());
    assert!(world.run(cancel.clone(), at("2026-02-10T09:00:00Z")).is_empty());

    let mut kept = world.clone();
    let undo = SubscriptionCommand::UndoCancel { at: at("2026-02-11T09:00:00Z") };
    assert_eq!(World::kinds(&kept.run(undo, at("2026-02-11T09:00:00Z"))), ["CancellationUndone"]);
    assert_eq!(World::kinds(&kept.tick("2026-02-28T00:00:00Z")).last(), Some(&"SubscriptionRenewed"));

    assert!(world.tick("2026-02-27T22:00:00Z").is_empty());
    assert_eq!(World::kinds(&world.tick("2026-02-28T00:00:00Z")), ["SubscriptionCancelled"]);
    assert_eq!(world.status(), Status::Cancelled);
    assert!(world.tick("2026-03-28T00:00:00Z").is_empty());
    let late = SubscriptionCommand::UndoCancel { at: at("2026-03-01T00:00:00Z") };
    given(&world).when(late).then_expect_error(SubscriptionError::NotCancelling);
    given(&world).when(cancel).then_expect_error(SubscriptionError::Ended);
}

#[test]
fn cancelling_on_hold_ends_it_and_nobody_has_to_pay_the_order() {
    let mut world = member();
    world.declines = vec![("stolen_card", true)];
    world.tick("2026-02-28T00:00:00Z");
    let cancel = SubscriptionCommand::Cancel { reason: None, at: at("2026-03-10T09:00:00Z") };
    let events = world.run(cancel, at("2026-03-10T09:00:00Z"));
    assert!(matches!(
        events[0],
        SubscriptionEvent::SubscriptionCancelled {
            cause: CancelCause::WasOnHold,
            abandoned_order: Some(_),
            ..
        }
    ));
}

#[test]
fn cancelling_between_two_retries_ends_it_because_the_paid_time_is_over() {
    let mut world = member();
    world.declines = vec![("insufficient_funds", false)];
    world.tick("2026-02-28T00:00:00Z");
    let cancel = SubscriptionCommand::Cancel { reason: None, at: at("2026-03-01T09:00:00Z") };
    assert_eq!(World::kinds(&world.run(cancel, at("2026-03-01T09:00:00Z"))), ["SubscriptionCancelled"]);
}

#[test]
fn cancelling_while_a_charge_is_under_way_waits_for_its_result() {
    let mut world = World { mute: true, ..member() };
    world.tick("2026-02-28T00:00:00Z");
    let open = world.sub.open_order().unwrap().clone();
    let cancel = SubscriptionCommand::Cancel { reason: None, at: at("2026-02-28T00:01:00Z") };
    assert_eq!(World::kinds(&world.run(cancel, JOINED.parse().unwrap())), ["CancellationScheduled"]);
    assert!(world.tick("2026-02-28T01:00:00Z").is_empty());
    let mut paid = world.clone();
    assert_eq!(World::kinds(&paid.pay("2026-02-28T02:00:00Z")), ["SubscriptionRenewed"]);
    assert_eq!(World::kinds(&paid.tick("2026-03-31T00:00:00Z")), ["SubscriptionCancelled"]);
    let failed = SubscriptionCommand::RecordFailure {
        order: open.order,
        attempt: open.charge.unwrap().attempt,
        code: "stolen_card".into(),
        hard: true,
        policy: BillingPolicy::default(),
        at: at("2026-02-28T02:00:00Z"),
    };
    assert_eq!(World::kinds(&world.run(failed, at(JOINED))), ["RenewalPaymentFailed"]);
    assert_eq!(World::kinds(&world.tick("2026-02-28T03:00:00Z")), ["SubscriptionCancelled"]);
}

#[test]
fn on_hold_for_24_weeks_expires() {
    let mut world = member();
    world.declines = vec![("stolen_card", true)];
    world.tick("2026-02-28T00:00:00Z");
    // 28 Feb + 168 days = 15 Aug, which begins in Amsterdam at 22:00 the day before.
    assert!(world.tick("2026-08-14T21:59:59Z").is_empty());
    let events = world.tick("2026-08-14T22:00:00Z");
    assert_eq!(World::kinds(&events), ["SubscriptionExpired"]);
    assert_eq!(world.status(), Status::Expired);
    let order = match &events[0] {
        SubscriptionEvent::SubscriptionExpired { abandoned_order: Some(order), weeks: 24, .. } => *order,
        other => panic!("{other:?}"),
    };
    let late = SubscriptionCommand::RecordPaid { order, at: at("2026-09-01T00:00:00Z") };
    assert_eq!(
        World::kinds(&world.run(late.clone(), at(JOINED))),
        ["PaymentReceivedAfterEnd"],
        "money is never lost"
    );
    assert!(world.run(late, at(JOINED)).is_empty());
}

#[test]
fn a_first_order_that_is_never_paid_expires_too() {
    let mut world = World::default();
    world.run(join(Collection::Manual, MONTHLY, JOINED), at(JOINED));
    assert!(world.tick("2026-07-17T00:00:00Z").is_empty());
    assert_eq!(World::kinds(&world.tick("2026-07-18T00:00:00Z")), ["SubscriptionExpired"]);
}

#[test]
fn a_late_payment_starts_a_new_interval_on_its_day() {
    let mut world = member();
    world.declines = vec![("stolen_card", true)];
    world.tick("2026-02-28T00:00:00Z");
    let events = world.pay("2026-04-10T12:00:00Z");
    let SubscriptionEvent::SubscriptionResumed { previous_anchor, period, .. } = &events[0] else { panic!() };
    assert_eq!(previous_anchor.to_string(), "2026-01-31");
    assert_eq!(
        (period.start.to_string(), period.end.to_string()),
        ("2026-04-10".into(), "2026-05-10".into())
    );
    assert!(world.tick("2026-05-09T21:00:00Z").is_empty());
    assert_eq!(World::kinds(&world.tick("2026-05-09T22:00:00Z")).last(), Some(&"SubscriptionRenewed"));
}

#[test]
fn a_payment_dated_before_the_missed_period_never_bills_a_day_twice() {
    // The ticks ran ahead of the clock by which the member pays.
    let mut world = member();
    world.declines = vec![("stolen_card", true)];
    world.tick("2026-02-28T00:00:00Z");
    let paid = world.pay("2026-02-02T09:00:00Z");
    let SubscriptionEvent::SubscriptionResumed { period, .. } = &paid[0] else { panic!("{paid:?}") };
    assert_eq!(period.start.to_string(), "2026-02-28", "the first day that was not paid for");
    let renewed = world.tick("2026-03-28T00:00:00Z");
    assert_eq!(World::kinds(&renewed).last(), Some(&"SubscriptionRenewed"), "and it goes on");
    assert!(world.sub.open_order().is_none());
}

#[test]
fn a_manual_order_is_made_seven_days_before_and_unpaid_it_holds_at_the_due_date() {
    let mut world = World::joined(Collection::Manual, MONTHLY, JOINED);
    assert!(world.tick("2026-02-20T22:59:59Z").is_empty());
    let events = world.tick("2026-02-20T23:00:00Z");
    let [SubscriptionEvent::RenewalOrderRequested { pay_by, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(*pay_by, Some(at("2026-02-27T23:00:00Z")));
    assert!(world.tick("2026-02-27T22:00:00Z").is_empty());
    let mut paid = world.clone();
    assert_eq!(World::kinds(&paid.pay("2026-02-25T00:00:00Z")), ["SubscriptionRenewed"]);
    assert!(paid.tick("2026-02-28T00:00:00Z").is_empty());
    assert_eq!(World::kinds(&world.tick("2026-02-28T00:00:00Z")), ["SubscriptionPutOnHold"]);
}

#[test]
fn a_manual_order_made_late_still_gives_the_full_time_to_pay() {
    let mut world = World::joined(Collection::Manual, MONTHLY, JOINED);
    let events = world.tick("2026-03-02T10:00:00Z");
    let [SubscriptionEvent::RenewalOrderRequested { pay_by, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(*pay_by, Some(at("2026-03-08T23:00:00Z")));
    assert_eq!(world.status(), Status::Active);
}

#[test]
fn a_managed_subscription_tells_its_manager_once_per_date() {
    let mut world = World::joined(Collection::Managed, MONTHLY, JOINED);
    assert!(world.tick("2026-02-27T00:00:00Z").is_empty());
    assert_eq!(World::kinds(&world.tick("2026-02-28T00:00:00Z")), ["ManagerToldOfRenewal"]);
    assert!(world.tick("2026-02-28T00:00:00Z").is_empty());
    assert!(world.tick("2026-03-29T00:00:00Z").is_empty());
    assert_eq!(World::kinds(&world.tick("2026-06-02T00:00:00Z")), ["ManagerToldOfRenewal"]);
    assert_eq!(world.status(), Status::Active);
}

#[test]
fn a_yearly_renewal_is_announced_seven_days_before_once() {
    let mut world = World::joined(Collection::Automatic, Interval::yearly(), "2024-02-29T12:00:00Z");
    assert!(world.tick("2025-02-20T00:00:00Z").is_empty());
    assert_eq!(World::kinds(&world.tick("2025-02-21T00:00:00Z")), ["RenewalAnnounced"]);
    assert!(world.tick("2025-02-22T00:00:00Z").is_empty());
    assert_eq!(World::kinds(&world.tick("2025-02-28T00:00:00Z")).last(), Some(&"SubscriptionRenewed"));
}

#[test]
fn after_an_outage_missed_periods_are_charged_oldest_first_one_a_day() {
    let mut world = member();
    let first = world.tick("2026-05-02T12:00:00Z");
    let [SubscriptionEvent::RenewalOrderRequested { period, behind, explain, .. }, ..] = &first[..] else {
        panic!()
    };
    assert_eq!((period.start.to_string(), *behind, *explain), ("2026-02-28".into(), 3, true));
    assert_eq!(World::kinds(&first).last(), Some(&"SubscriptionRenewed"));
    assert!(world.tick("2026-05-02T13:00:00Z").is_empty(), "one automatic charge a day");
    let mut starts = Vec::new();
    for day in 3..8 {
        for event in world.tick(&format!("2026-05-0{day}T12:00:00Z")) {
            if let SubscriptionEvent::SubscriptionRenewed { period, .. } = event {
                starts.push(period.start.to_string());
            }
        }
    }
    assert_eq!(starts, ["2026-03-31", "2026-04-30"]);
}

#[test]
fn further_behind_than_three_periods_it_is_parked_for_staff() {
    let mut world = member();
    let events = world.tick("2026-06-01T12:00:00Z");
    assert!(matches!(events[..], [SubscriptionEvent::SubscriptionParked { behind: 4, limit: 3, .. }]));
    assert!(world.tick("2026-06-02T12:00:00Z").is_empty());
    let unpark = |waive_missed| SubscriptionCommand::Unpark { waive_missed, at: at("2026-06-03T12:00:00Z") };

    let mut waived = world.clone();
    waived.run(unpark(true), at(JOINED));
    let events = waived.tick("2026-06-03T13:00:00Z");
    let [SubscriptionEvent::RenewalOrderRequested { period, .. }, ..] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(period.start.to_string(), "2026-05-31");

    world.run(unpark(false), at(JOINED));
    let events = world.tick("2026-06-03T13:00:00Z");
    let [SubscriptionEvent::RenewalOrderRequested { period, .. }, ..] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(period.start.to_string(), "2026-02-28");
    assert_eq!(World::kinds(&world.tick("2026-06-04T13:00:00Z")).last(), Some(&"SubscriptionRenewed"));
    given(&world).when(unpark(true)).then_expect_error(SubscriptionError::NotParked);
}

#[test]
fn retries_that_fell_due_in_an_outage_collapse_to_one() {
    let mut world = member();
    world.declines = vec![("insufficient_funds", false); 2];
    world.tick("2026-02-28T00:00:00Z");
    let events = world.tick("2026-03-10T00:00:00Z");
    assert_eq!(World::kinds(&events), ["ChargeRequested", "RenewalPaymentFailed"]);
    let SubscriptionEvent::RenewalPaymentFailed { failures, retry_at, .. } = &events[1] else { panic!() };
    assert_eq!((*failures, *retry_at), (2, Some(at("2026-03-12T00:00:00Z"))));
}

#[test]
fn one_charge_at_a_time() {
    let mut world = World { mute: true, ..member() };
    world.tick("2026-02-28T00:00:00Z");
    let pay = SubscriptionCommand::PayNow {
        attempt: Uuid::from_u128(5),
        method: card("x"),
        at: at("2026-02-28T00:00:01Z"),
    };
    given(&world).when(pay.clone()).then_expect_error(SubscriptionError::InFlight);
    given(&member()).when(pay).then_expect_error(SubscriptionError::NothingOpen);
}

#[test]
fn a_daily_plan_is_charged_every_day() {
    let daily = Interval::new(IntervalUnit::Day, 1).unwrap();
    let mut world = World::joined(Collection::Automatic, daily, "2026-03-27T12:00:00Z");
    let mut renewed = 0;
    for hour in 0..96 {
        let when = at("2026-03-27T12:00:00Z") + chrono::TimeDelta::hours(hour);
        renewed += world
            .run(SubscriptionCommand::Tick { policy: BillingPolicy::default(), at: when }, when)
            .iter()
            .filter(|e| matches!(e, SubscriptionEvent::SubscriptionRenewed { .. }))
            .count();
    }
    assert_eq!(renewed, 4, "also over the night in which the clocks change");
}

#[test]
fn why_a_member_cancels_is_kept_until_it_is_undone() {
    let mut world = member();
    let when = at("2026-02-10T09:00:00Z");
    let reason = Some(CancelReason::TooLittleTime);
    let events = world.run(SubscriptionCommand::Cancel { reason, at: when }, when);
    let SubscriptionEvent::CancellationScheduled { reason: said, .. } = &events[0] else { panic!() };
    assert_eq!((*said, world.sub.cancel_reason()), (reason, reason));
    let mut kept = world.clone();
    kept.run(SubscriptionCommand::UndoCancel { at: when }, when);
    assert_eq!(kept.sub.cancel_reason(), None);
    world.tick("2026-02-28T00:00:00Z");
    assert_eq!((world.status(), world.sub.cancel_reason()), (Status::Cancelled, reason));
    let words = CancelReason::parse("too-little-time").map(CancelReason::words);
    assert_eq!((words, CancelReason::parse("whatever")), (Some("Too little time to watch"), None));
}
