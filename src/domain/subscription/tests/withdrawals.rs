//! The right of withdrawal: who has it, until when, and what goes back.

use super::*;
use crate::domain::shared::calendar::IntervalUnit;
use crate::domain::subscription::UnusedDays;
use chrono::NaiveDate;

const JOINED: &str = "2026-01-31T14:00:00Z";

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn withdraw(when: &str) -> SubscriptionCommand {
    SubscriptionCommand::Withdraw { days: 14, at: at(when) }
}

fn member() -> World {
    World::joined(Collection::Automatic, Interval::monthly(), JOINED)
}

fn shares(events: &[SubscriptionEvent]) -> Vec<(u64, u64)> {
    events
        .iter()
        .filter_map(|e| match e {
            SubscriptionEvent::UnusedDaysRefundRequested(UnusedDays { part, of, .. }) => Some((*part, *of)),
            _ => None,
        })
        .collect()
}

#[test]
fn days_that_were_not_begun_go_back_until_the_fourteenth_day_after_the_contract() {
    // Paid 31 Jan up to 28 Feb: 28 days.
    let mut world = member();
    let events = world.run(withdraw("2026-02-07T10:00:00Z"), at("2026-02-07T10:00:00Z"));
    assert_eq!(
        World::kinds(&events),
        ["WithdrawalDeclared", "UnusedDaysRefundRequested", "SubscriptionCancelled"]
    );
    assert_eq!(shares(&events), [(20, 28)], "a day that has begun is used");
    assert_eq!(world.status(), Status::Cancelled);
    assert_eq!(
        shares(&member().run(withdraw("2026-01-31T15:00:00Z"), at(JOINED))),
        [(27, 28)],
        "at once: all but the first day"
    );
    // The last instant of 14 February in Amsterdam, and the first one after it.
    assert!(member().sub.decide(withdraw("2026-02-14T22:59:59Z")).is_ok());
    assert_eq!(member().sub.decide(withdraw("2026-02-14T23:00:00Z")), Err(SubscriptionError::WithdrawalOver));
    assert_eq!(member().sub.withdrawal_until(14), Ok(day("2026-02-14")));
}

#[test]
fn a_business_and_who_gave_it_up_can_only_cancel() {
    let with = |change: fn(&mut SubscriptionCommand)| {
        let mut world = World::default();
        let mut command = join(Collection::Automatic, Interval::monthly(), JOINED);
        change(&mut command);
        world.run(command, at(JOINED));
        world.sub.decide(withdraw("2026-02-01T10:00:00Z"))
    };
    let business = with(|c| {
        if let SubscriptionCommand::Join { vat_number, .. } = c {
            *vat_number = Some(card("x").label);
        }
    });
    assert_eq!(business, Err(SubscriptionError::NotAConsumer));
    let waived = with(|c| {
        if let SubscriptionCommand::Join { waives_withdrawal, .. } = c {
            *waives_withdrawal = true;
        }
    });
    assert_eq!(waived, Err(SubscriptionError::WithdrawalWaived));
    assert_eq!(
        member().sub.decide(SubscriptionCommand::Withdraw { days: 0, at: at("2026-02-01T10:00:00Z") }),
        Err(SubscriptionError::WithdrawalWaived)
    );
}

#[test]
fn an_order_that_was_not_paid_is_dropped() {
    let mut world = World::default();
    world.run(join(Collection::Manual, Interval::monthly(), JOINED), at(JOINED));
    let order = world.sub.open_order().unwrap().order;
    let events = world.run(withdraw("2026-02-02T10:00:00Z"), at("2026-02-02T10:00:00Z"));
    assert_eq!(World::kinds(&events), ["WithdrawalDeclared", "SubscriptionCancelled"]);
    let SubscriptionEvent::SubscriptionCancelled { cause, abandoned_order, .. } = &events[1] else {
        panic!()
    };
    assert_eq!((*cause, *abandoned_order), (CancelCause::Withdrawn, Some(order)));
}

/// Somebody who joined, and withdrew before the gateway said what became of the charge.
fn unanswered() -> (World, Uuid, Uuid) {
    let mut world = World { mute: true, ..World::default() };
    world.run(join(Collection::Automatic, Interval::monthly(), JOINED), at(JOINED));
    let open = world.sub.open_order().unwrap();
    let (order, attempt) = (open.order, open.charge.as_ref().unwrap().attempt);
    let events = world.run(withdraw("2026-02-14T22:59:00Z"), at("2026-02-14T22:59:00Z"));
    assert_eq!(World::kinds(&events), ["WithdrawalDeclared"], "it counts although nothing can end yet");
    assert!(world.sub.withdrawing().is_some() && world.status() == Status::OnHold);
    (world, order, attempt)
}

#[test]
fn a_withdrawal_counts_from_its_time_when_the_payment_turns_out_to_be_made() {
    let (mut world, order, _) = unanswered();
    assert!(world.run(withdraw("2026-02-14T22:59:30Z"), at(JOINED)).is_empty(), "twice is once");
    assert!(world.tick("2026-02-20T00:00:00Z").is_empty());
    let late = at("2026-02-19T09:00:00Z");
    let events = world.run(SubscriptionCommand::RecordPaid { order, at: late }, late);
    assert_eq!(
        World::kinds(&events),
        ["SubscriptionActivated", "UnusedDaysRefundRequested", "SubscriptionCancelled"]
    );
    assert_eq!(shares(&events), [(28, 28)], "there was no access: everything goes back");
    assert_eq!(world.status(), Status::Cancelled);
    assert!(world.run(SubscriptionCommand::RecordPaid { order, at: late }, late).is_empty());
    // Also if the money was taken on the very day.
    let (mut world, order, _) = unanswered();
    let when = at("2026-02-14T12:00:00Z");
    assert_eq!(shares(&world.run(SubscriptionCommand::RecordPaid { order, at: when }, when)), [(28, 28)]);
}

#[test]
fn a_withdrawal_ends_the_contract_when_the_payment_turns_out_not_to_be_made() {
    let (mut world, order, attempt) = unanswered();
    let failure = SubscriptionCommand::RecordFailure {
        order,
        attempt,
        code: "no_charge_made".into(),
        hard: false,
        policy: BillingPolicy::default(),
        at: at("2026-02-19T09:00:00Z"),
    };
    let events = world.run(failure, at("2026-02-19T09:00:00Z"));
    let [SubscriptionEvent::SubscriptionCancelled { cause, abandoned_order, ended_at, .. }] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!((*cause, *abandoned_order), (CancelCause::Withdrawn, Some(order)));
    assert_eq!(*ended_at, at("2026-02-19T09:00:00Z"));
    assert_eq!(world.status(), Status::Cancelled);
}

#[test]
fn of_a_renewal_under_way_the_days_after_the_withdrawal_go_back() {
    let weekly = Interval::new(IntervalUnit::Week, 1).unwrap();
    let mut world = World::joined(Collection::Automatic, weekly, "2026-02-01T10:00:00Z");
    world.mute = true;
    world.tick("2026-02-08T00:00:00Z");
    let order = world.sub.open_order().unwrap().order;
    // It can be cancelled whatever waits.
    let mut cancelled = world.clone();
    let at_noon = at("2026-02-08T12:00:00Z");
    let events = cancelled.run(SubscriptionCommand::Cancel { reason: None, at: at_noon }, at_noon);
    assert_eq!(World::kinds(&events), ["CancellationScheduled"]);
    cancelled.run(withdraw("2026-02-09T12:00:00Z"), at("2026-02-09T12:00:00Z"));
    let undo = SubscriptionCommand::UndoCancel { at: at("2026-02-07T12:00:00Z") };
    assert_eq!(cancelled.sub.decide(undo), Err(SubscriptionError::Withdrawing));

    assert_eq!(World::kinds(&world.run(withdraw("2026-02-09T12:00:00Z"), at_noon)), ["WithdrawalDeclared"]);
    assert!(world.run(SubscriptionCommand::Cancel { reason: None, at: at_noon }, at_noon).is_empty());
    let late = at("2026-02-12T12:00:00Z");
    let events = world.run(SubscriptionCommand::RecordPaid { order, at: late }, late);
    assert_eq!(
        World::kinds(&events),
        ["SubscriptionRenewed", "UnusedDaysRefundRequested", "SubscriptionCancelled"]
    );
    assert_eq!(shares(&events), [(5, 7)], "the two days up to the withdrawal were used");
}

#[test]
fn after_a_change_of_plan_every_order_gives_back_its_part() {
    let plan = |n: u128, minor, interval| Terms {
        variation: Uuid::from_u128(n),
        price: Money::new(minor, Currency::eur()),
        ..terms(Collection::Automatic, interval)
    };
    let change = |to| SubscriptionCommand::ChangePlan {
        order: Uuid::from_u128(0x0d),
        terms: to,
        shown: None,
        at_once: true,
        at: at("2026-02-07T10:00:00Z"),
    };
    // On 7 Feb 21 of 28 days are left; on 14 Feb 13 of those 21 have not begun.
    let mut world = member();
    world.run(change(plan(9, 2300, Interval::monthly())), at("2026-02-07T10:00:00Z"));
    let events = world.run(withdraw("2026-02-14T10:00:00Z"), at("2026-02-14T10:00:00Z"));
    assert_eq!(shares(&events), [(13, 28), (13, 21)]);
    // 11.50 × 13/28 + 8.62 × 13/21 is 23.00 × 13/28.
    // With a yearly one, the 21 days went into its price: both wear down with the year.
    let mut world = member();
    world.run(change(plan(9, 20000, Interval::yearly())), at("2026-02-07T10:00:00Z"));
    let events = world.run(withdraw("2026-02-14T10:00:00Z"), at("2026-02-14T10:00:00Z"));
    assert_eq!(shares(&events), [(21 * 357, 28 * 365), (357, 365)]);
}

#[test]
fn a_pause_uses_up_no_day_that_was_paid_for() {
    let paused = |until: Option<&str>| {
        let mut world = member();
        let pause = SubscriptionCommand::Pause {
            from: day("2026-02-02"),
            until: until.map(day),
            at: at("2026-02-01T10:00:00Z"),
        };
        world.run(pause, at("2026-02-01T10:00:00Z"));
        world.tick("2026-02-01T23:00:00Z");
        world
    };
    // Paid 31 Jan up to 28 Feb: two days were used, 26 of 28 follow the pause.
    let mut resting = paused(None);
    let now = "2026-02-12T10:00:00Z";
    assert_eq!(shares(&resting.run(withdraw(now), at(now))), [(26, 28)], "nothing is begun in a pause");
    let mut back = paused(Some("2026-02-09"));
    back.tick("2026-02-09T10:00:00Z");
    assert_eq!(back.sub.next_due_on(), Some(day("2026-03-07")));
    let events = back.run(withdraw(now), at(now));
    assert_eq!(shares(&events), [(22, 28)], "9 to 12 February are four days more");
}
