use super::*;
use crate::domain::subscription::TrialNotice;

const JOINED: &str = "2026-01-31T14:00:00Z";

fn trial(collection: Collection, days: u16, with_card: bool) -> World {
    let mut command = join(collection, Interval::monthly(), JOINED);
    if let SubscriptionCommand::Join { method, trial_days, .. } = &mut command {
        *trial_days = days;
        *method = with_card.then(|| card("good"));
    }
    let mut world = World::default();
    world.run(command, at(JOINED));
    world
}

#[test]
fn a_trial_with_a_card_is_active_without_an_order_until_it_ends_then_as_due() {
    let mut world = trial(Collection::Automatic, 14, true);
    assert_eq!(World::kinds(&world.log), ["SubscriptionJoined", "TrialStarted"]);
    assert!(world.sub.gives_access() && world.sub.open_order().is_none());
    // How many days before is a setting, at most 92: the clock looks from then on.
    assert_eq!(world.sub.look_at(), Some(at("2025-11-13T23:00:00Z")));
    assert!(world.tick("2026-02-10T22:59:59Z").is_empty(), "three days before, not earlier");
    assert_eq!(World::kinds(&world.tick("2026-02-11T00:00:00Z")), ["TrialEndAnnounced"]);
    assert!(world.tick("2026-02-13T22:59:59Z").is_empty());
    let events = world.tick("2026-02-13T23:00:00Z");
    assert_eq!(World::kinds(&events), ["RenewalOrderRequested", "ChargeRequested", "SubscriptionRenewed"]);
    let SubscriptionEvent::SubscriptionRenewed { period, .. } = &events[2] else { panic!() };
    assert_eq!(
        (period.start.to_string(), period.end.to_string()),
        ("2026-02-14".into(), "2026-03-14".into())
    );
    assert_eq!(world.sub.trial_until(), None);
}

#[test]
fn a_trial_without_a_card_is_on_hold_at_its_end_and_a_card_lets_it_go_on() {
    let mut world = trial(Collection::Automatic, 14, false);
    let events = world.tick("2026-02-11T00:00:00Z");
    let SubscriptionEvent::TrialEndAnnounced(TrialNotice { charged: false, .. }) = &events[0] else {
        panic!()
    };
    let events = world.tick("2026-02-14T00:00:00Z");
    assert_eq!(World::kinds(&events), ["RenewalOrderRequested", "SubscriptionPutOnHold"]);
    let SubscriptionEvent::SubscriptionPutOnHold { cause: HoldCause::TrialEnded, .. } = &events[1] else {
        panic!()
    };
    assert!(!world.sub.gives_access());
    let (attempt, when) = (Uuid::from_u128(5), at("2026-02-20T08:00:00Z"));
    let events = world.run(SubscriptionCommand::PayNow { attempt, method: card("new"), at: when }, when);
    assert_eq!(World::kinds(&events), ["PaymentMethodChanged", "ChargeRequested", "SubscriptionResumed"]);
}

#[test]
fn a_card_added_in_the_trial_is_charged_at_its_end() {
    let mut world = trial(Collection::Automatic, 14, false);
    let when = at("2026-02-05T08:00:00Z");
    world.run(SubscriptionCommand::ChangeMethod { method: card("new"), at: when }, when);
    world.tick("2026-02-11T00:00:00Z");
    assert_eq!(World::kinds(&world.tick("2026-02-14T00:00:00Z")).last(), Some(&"SubscriptionRenewed"));
}

#[test]
fn one_that_is_cancelled_in_its_trial_ends_with_it_and_nothing_is_charged() {
    let mut world = trial(Collection::Automatic, 14, true);
    let when = at("2026-02-05T08:00:00Z");
    let events = world.run(SubscriptionCommand::Cancel { reason: None, at: when }, when);
    let SubscriptionEvent::CancellationScheduled { ends_on, .. } = &events[0] else { panic!() };
    assert_eq!(ends_on.to_string(), "2026-02-14");
    assert_eq!(World::kinds(&world.tick("2026-02-14T00:00:00Z")), ["SubscriptionCancelled"]);
}

#[test]
fn a_trial_by_transfer_asks_for_the_first_payment_before_it_ends() {
    let mut world = trial(Collection::Manual, 30, false);
    assert_eq!(World::kinds(&world.tick("2026-02-23T00:00:00Z")), ["RenewalOrderRequested"]);
    assert_eq!(World::kinds(&world.pay("2026-02-25T10:00:00Z")), ["SubscriptionRenewed"]);
    assert_eq!(world.sub.next_due_on().map(|d| d.to_string()), Some("2026-04-02".into()));
}

#[test]
fn days_that_staff_give_and_pauses_move_the_end_of_a_trial() {
    let mut world = trial(Collection::Automatic, 14, true);
    world.run(SubscriptionCommand::Extend { days: 7, gift: false }, at(JOINED));
    assert_eq!(world.sub.trial_until().map(|d| d.to_string()), Some("2026-02-21".into()));
    let now = "2026-02-10T10:00:00Z";
    let from = "2026-02-10".parse().unwrap();
    world.run(SubscriptionCommand::Pause { from, until: None, at: at(now) }, at(now));
    let later = "2026-03-10T10:00:00Z";
    world.run(SubscriptionCommand::EndPause { at: at(later) }, at(later));
    assert_eq!(world.sub.trial_until().map(|d| d.to_string()), Some("2026-03-21".into()));
}

#[test]
fn a_trial_lasts_at_most_a_year_and_a_day() {
    let mut command = join(Collection::Automatic, Interval::monthly(), JOINED);
    for (days, fits) in [(366, true), (367, false)] {
        if let SubscriptionCommand::Join { trial_days, .. } = &mut command {
            *trial_days = days;
        }
        assert_eq!(Subscription::default().decide(command.clone()).is_ok(), fits);
    }
}

#[test]
fn how_many_days_before_its_end_the_member_is_reminded_is_a_setting_that_stands_in_the_event() {
    let mut world = trial(Collection::Automatic, 14, true);
    let policy = BillingPolicy { trial_reminder_days: 7, ..BillingPolicy::default() };
    let tick = |when| SubscriptionCommand::Tick { policy, at: at(when) };
    assert!(world.run(tick("2026-02-06T22:59:59Z"), at("2026-02-06T22:59:59Z")).is_empty());
    let events = world.run(tick("2026-02-06T23:00:00Z"), at("2026-02-06T23:00:00Z"));
    let SubscriptionEvent::TrialEndAnnounced(TrialNotice { days_before: 7, .. }) = &events[..][0] else {
        panic!("{events:?}")
    };
    assert!(world.run(tick("2026-02-10T23:00:00Z"), at("2026-02-10T23:00:00Z")).is_empty(), "once");
}

#[test]
fn an_announcement_from_before_it_was_a_setting_was_made_three_days_before() {
    let old = serde_json::json!({ "type": "TrialEndAnnounced", "data": {
        "ends_on": "2026-02-14", "amount": { "minor": 1150, "currency": "EUR" }, "charged": true } });
    let SubscriptionEvent::TrialEndAnnounced(TrialNotice { days_before: 3, .. }) =
        serde_json::from_value(old).unwrap()
    else {
        panic!()
    };
}
