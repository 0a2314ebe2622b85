//! Direct debits: the bank has its time, and what it takes back is unpaid again.

use super::*;

fn member() -> World {
    World::joined(Collection::Manual, Interval::monthly(), "2026-01-31T14:00:00Z")
}

fn await_debit(world: &World, collect_on: &str, until: &str) -> SubscriptionCommand {
    let order = world.sub.open_order().unwrap().order;
    SubscriptionCommand::AwaitDebit { order, collect_on: collect_on.parse().unwrap(), until: at(until) }
}

fn reverse(order: Uuid, when: &str) -> SubscriptionCommand {
    SubscriptionCommand::ReversePayment { order, policy: BillingPolicy::default(), at: at(when) }
}

#[test]
fn an_order_that_is_collected_counts_as_late_only_when_the_bank_had_its_time() {
    let mut world = member();
    world.tick("2026-02-21T12:00:00Z");
    let told = await_debit(&world, "2026-03-02", "2026-03-12T00:00:00Z");
    assert_eq!(World::kinds(&world.run(told.clone(), at("2026-02-22T12:00:00Z"))), ["DebitAwaited"]);
    assert!(world.run(told, at("2026-02-22T12:00:00Z")).is_empty(), "once");
    let charge = |when: &str| SubscriptionCommand::PayNow {
        attempt: Uuid::from_u128(5),
        method: card("good"),
        at: at(when),
    };
    assert_eq!(world.sub.decide(charge("2026-03-11T23:59:59Z")), Err(SubscriptionError::DebitAwaited));
    assert!(world.sub.decide(charge("2026-03-12T00:00:00Z")).is_ok());
    assert!(world.tick("2026-02-28T12:00:00Z").is_empty());
    assert!(world.tick("2026-03-11T23:00:00Z").is_empty());
    let mut late = world.clone();
    assert_eq!(World::kinds(&late.tick("2026-03-12T00:00:00Z")), ["SubscriptionPutOnHold"]);
    // Booked in time, the period is the one it was for.
    let paid = world.pay("2026-03-04T09:00:00Z");
    let SubscriptionEvent::SubscriptionRenewed { period, .. } = &paid[0] else { panic!("{paid:?}") };
    assert_eq!(period.start.to_string(), "2026-02-28");
}

#[test]
fn what_the_bank_takes_back_is_unpaid_again_and_a_later_payment_starts_a_new_interval() {
    let mut world = member();
    world.tick("2026-02-21T12:00:00Z");
    let order = world.sub.open_order().unwrap().order;
    world.pay("2026-02-27T09:00:00Z");
    let back = world.run(reverse(order, "2026-03-05T09:00:00Z"), at("2026-03-05T09:00:00Z"));
    assert_eq!(World::kinds(&back), ["PaymentReversed", "SubscriptionPutOnHold"]);
    let SubscriptionEvent::SubscriptionPutOnHold { cause, due_on, .. } = &back[1] else { panic!("{back:?}") };
    assert_eq!((*cause, due_on.to_string()), (HoldCause::DebitReturned, "2026-02-28".to_owned()));
    assert_eq!(world.status(), Status::OnHold);
    assert!(world.run(reverse(order, "2026-03-05T09:00:00Z"), at("2026-03-05T09:00:00Z")).is_empty(), "once");
    let paid = world.pay("2026-03-10T09:00:00Z");
    let SubscriptionEvent::SubscriptionResumed { period, .. } = &paid[0] else { panic!("{paid:?}") };
    assert_eq!(period.start.to_string(), "2026-03-10");
    assert_eq!(world.sub.next_payment_on().map(|d| d.to_string()), Some("2026-04-10".into()));
}

#[test]
fn only_the_last_payment_of_what_is_active_is_reversed() {
    let mut world = member();
    world.tick("2026-02-21T12:00:00Z");
    let first = world.sub.open_order().unwrap().order;
    world.pay("2026-02-27T09:00:00Z");
    world.tick("2026-03-24T12:00:00Z");
    let second = world.sub.open_order().unwrap().order;
    let now = at("2026-03-25T09:00:00Z");
    // Another order is open: what runs goes on, and the older one is owed.
    let told = world.run(reverse(first, "2026-03-25T09:00:00Z"), now);
    assert_eq!(World::kinds(&told), ["EarlierPaymentReversed"]);
    assert!(world.sub.owes(first) && world.status() == Status::Active);
    assert!(world.run(reverse(first, "2026-03-25T09:00:00Z"), now).is_empty(), "once");
    let until = world.sub.next_due_on();
    let paid = SubscriptionCommand::RecordPaid { order: first, at: at("2026-03-28T09:00:00Z") };
    assert_eq!(World::kinds(&world.run(paid.clone(), now)), ["EarlierOrderPaid"]);
    assert!(!world.sub.owes(first) && world.sub.next_due_on() == until, "it moves nothing");
    assert_eq!(world.sub.open_order().map(|o| o.order), Some(second), "the open one stays open");
    world.pay("2026-03-30T09:00:00Z");
    assert_eq!(
        World::kinds(&world.run(reverse(first, "2026-03-31T09:00:00Z"), now)),
        ["EarlierPaymentReversed"]
    );
    world.run(SubscriptionCommand::Cancel { reason: None, at: now }, now);
    let told = world.run(reverse(second, "2026-03-31T09:00:00Z"), now);
    assert_eq!(World::kinds(&told), ["EarlierPaymentReversed"], "it ends anyway, and was not paid for");
    assert_eq!(world.status(), Status::PendingCancellation);
}

#[test]
fn what_the_bank_takes_back_after_a_withdrawal_is_owed_by_nobody() {
    let mut world = member();
    let first = world.sub.paid_span.unwrap().order;
    let now = at("2026-02-03T09:00:00Z");
    let withdraw = SubscriptionCommand::Withdraw { days: 14, at: now };
    let events = world.run(withdraw, now);
    assert!(World::kinds(&events).contains(&"SubscriptionCancelled"), "{events:?}");
    let told = world.run(reverse(first, "2026-02-10T09:00:00Z"), now);
    let [SubscriptionEvent::EarlierPaymentReversed(EarlierReversal { given_up: true, .. })] = &told[..]
    else {
        panic!("{told:?}")
    };
    assert!(!world.sub.owes(first));
    let step = crate::domain::order_process::order_step(told[0].clone(), now);
    assert!(matches!(
        step,
        Some(crate::domain::order_process::OrderStep::Send { order, purpose: "cancel", .. }) if order == first
    ));
}

#[test]
fn days_that_were_given_before_a_return_follow_a_waived_period_too() {
    let mut world = member();
    world.tick("2026-02-21T12:00:00Z");
    let order = world.sub.open_order().unwrap().order;
    world.pay("2026-02-27T09:00:00Z");
    let now = at("2026-03-01T09:00:00Z");
    world.run(SubscriptionCommand::Extend { days: 30, gift: true }, now);
    let now = at("2026-03-05T09:00:00Z");
    world.run(reverse(order, "2026-03-05T09:00:00Z"), now);
    let events = world.run(SubscriptionCommand::Waive { at: now }, now);
    assert_eq!(World::kinds(&events), ["PeriodWaived", "PaidTimeExtended"]);
    assert!(matches!(events[1], SubscriptionEvent::PaidTimeExtended { days: 30, .. }), "{events:?}");
    // A free month from 5 March, and the thirty days.
    assert_eq!(world.sub.next_due_on().map(|d| d.to_string()), Some("2026-05-05".into()));
}

#[test]
fn money_for_a_period_that_was_given_at_the_same_moment_goes_back() {
    let mut world = member();
    world.tick("2026-02-21T12:00:00Z");
    let order = world.sub.open_order().unwrap().order;
    let now = at("2026-02-22T09:00:00Z");
    world.run(SubscriptionCommand::Waive { at: now }, now);
    let late = SubscriptionCommand::RecordPaid { order, at: now };
    let events = world.run(late.clone(), now);
    assert_eq!(World::kinds(&events), ["PaymentReceivedAfterEnd", "UnusedDaysRefundRequested"]);
    assert!(
        matches!(&events[1], SubscriptionEvent::UnusedDaysRefundRequested(all) if all.part == all.of && all.order == order)
    );
    assert!(world.run(late, now).is_empty(), "once");
}

#[test]
fn a_payment_that_was_taken_back_and_made_again_is_refundable_once() {
    let mut world = World::joined(Collection::Manual, Interval::monthly(), "2026-03-01T10:00:00Z");
    let order = world.sub.paid_span.unwrap().order;
    world.run(reverse(order, "2026-03-08T09:00:00Z"), at("2026-03-08T09:00:00Z"));
    world.pay("2026-03-10T09:00:00Z");
    let now = at("2026-03-13T09:00:00Z");
    let events = world.run(SubscriptionCommand::Withdraw { days: 14, at: now }, now);
    let back: Vec<&UnusedDays> = events
        .iter()
        .filter_map(|e| match e {
            SubscriptionEvent::UnusedDaysRefundRequested(unused) => Some(unused),
            _ => None,
        })
        .collect();
    // From the day after: of 10 March to 9 April 27 days are left of 31… and the first span counts no more.
    assert_eq!(back.len(), 1, "{back:?}");
    assert_eq!((back[0].days_left, back[0].days_of_span), (27, 31));
}

#[test]
fn what_the_bank_does_not_collect_is_due_on_its_day_and_can_be_paid_otherwise() {
    let reject =
        |order, when: &str| SubscriptionCommand::RejectDebit { order, reason: "AC04".into(), at: at(when) };
    let awaiting = || {
        let mut world = member();
        world.tick("2026-02-21T12:00:00Z");
        let told = await_debit(&world, "2026-03-02", "2026-03-12T00:00:00Z");
        let early = reject(world.sub.open_order().unwrap().order, "2026-02-22T00:00:00Z");
        assert!(world.run(early, at("2026-02-22T00:00:00Z")).is_empty(), "nothing is awaited");
        world.run(told, at("2026-02-22T12:00:00Z"));
        world
    };
    // Said before the day: it is late from the day on.
    let mut world = awaiting();
    let order = world.sub.open_order().unwrap().order;
    let said = reject(order, "2026-02-25T00:00:00Z");
    let events = world.run(said.clone(), at("2026-02-25T00:00:00Z"));
    let [SubscriptionEvent::DebitRejected(rejected)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(rejected.pay_by, at("2026-02-27T23:00:00Z"));
    assert!(world.run(said, at("2026-02-25T00:00:00Z")).is_empty(), "once");
    let pay = SubscriptionCommand::PayNow {
        attempt: Uuid::from_u128(5),
        method: card("good"),
        at: at("2026-02-25T09:00:00Z"),
    };
    assert!(world.sub.decide(pay).is_ok(), "it need not wait for the bank");
    assert!(world.tick("2026-02-27T22:59:59Z").is_empty());
    assert_eq!(World::kinds(&world.tick("2026-02-27T23:00:00Z")), ["SubscriptionPutOnHold"]);
    // Said after the day: from then on.
    let mut world = awaiting();
    let late = at("2026-03-03T00:00:00Z");
    world.run(reject(order, "2026-03-03T00:00:00Z"), late);
    assert_eq!(World::kinds(&world.tick("2026-03-03T00:00:00Z")), ["SubscriptionPutOnHold"]);
    assert!(world.run(reject(Uuid::from_u128(99), "2026-03-04T00:00:00Z"), late).is_empty(), "another order");
}

#[test]
fn what_is_collected_after_a_cancellation_goes_back_and_buys_nothing() {
    let mut world = member();
    world.tick("2026-02-21T12:00:00Z");
    let order = world.sub.open_order().unwrap().order;
    let now = at("2026-02-22T12:00:00Z");
    world.run(await_debit(&world, "2026-02-28", "2026-03-10T00:00:00Z"), now);
    world.run(SubscriptionCommand::Cancel { reason: None, at: now }, now);
    let mut wanted = world.clone();
    let booked = world.pay("2026-02-27T09:00:00Z");
    assert_eq!(World::kinds(&booked), ["PaymentReceivedAfterEnd", "UnusedDaysRefundRequested"]);
    let SubscriptionEvent::UnusedDaysRefundRequested(back) = &booked[1] else { panic!("{booked:?}") };
    assert_eq!((back.order, back.part, back.of), (order, 1, 1));
    let paid = SubscriptionCommand::RecordPaid { order, at: at("2026-02-27T09:00:00Z") };
    assert!(world.run(paid, now).is_empty(), "once");
    let ended = world.tick("2026-02-28T00:00:00Z");
    assert_eq!(World::kinds(&ended), ["SubscriptionCancelled"], "on its day, not a period later");
    // Who undoes it in time has the period that was collected.
    wanted.run(SubscriptionCommand::UndoCancel { at: now }, now);
    assert_eq!(World::kinds(&wanted.pay("2026-02-27T09:00:00Z")), ["SubscriptionRenewed"]);
}

#[test]
fn after_a_pause_or_a_gift_what_the_bank_takes_back_is_unpaid_too() {
    let renewed = || {
        let mut world = member();
        world.tick("2026-02-21T12:00:00Z");
        let order = world.sub.open_order().unwrap().order;
        world.pay("2026-02-27T09:00:00Z");
        (world, order)
    };
    // Paid 28 Feb up to 31 Mar, and ten days of a gift behind that.
    let (mut world, order) = renewed();
    let now = at("2026-03-05T09:00:00Z");
    world.run(SubscriptionCommand::Extend { days: 10, gift: true }, now);
    let back = world.run(reverse(order, "2026-03-05T09:00:00Z"), now);
    assert_eq!(World::kinds(&back), ["PaymentReversed", "SubscriptionPutOnHold"]);
    let events = world.pay("2026-03-10T09:00:00Z");
    assert_eq!(World::kinds(&events), ["SubscriptionResumed", "PaidTimeExtended"]);
    assert_eq!(
        world.sub.next_payment_on().map(|d| d.to_string()),
        Some("2026-04-20".into()),
        "the gift is not lost"
    );
    let (mut world, order) = renewed();
    let pause = SubscriptionCommand::Pause {
        from: "2026-03-05".parse().unwrap(),
        until: None,
        at: at("2026-03-05T08:00:00Z"),
    };
    world.run(pause, now);
    let back = world.run(reverse(order, "2026-09-20T09:00:00Z"), at("2026-09-20T09:00:00Z"));
    assert_eq!(World::kinds(&back), ["PaymentReversed", "SubscriptionPutOnHold"]);
    assert!(!world.sub.is_paused());
    assert!(world.tick("2026-09-21T00:00:00Z").is_empty(), "it can still be paid");
    let expires = world.sub.expires_at().unwrap();
    assert_eq!(expires, at("2027-03-06T23:00:00Z"), "24 weeks after it was taken back");
}
