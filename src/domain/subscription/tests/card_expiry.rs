use super::*;
use crate::domain::shared::payment::card_expires_on;
use chrono::NaiveDate;

fn ending(expires_on: &str) -> PaymentMethod {
    PaymentMethod { expires_on: Some(expires_on.parse().unwrap()), ..card("good") }
}

#[test]
fn a_month_on_a_card_ends_with_its_last_day() {
    let day = |y, m| NaiveDate::from_ymd_opt(y, m, 1);
    assert_eq!(card_expires_on("12/30"), day(2031, 1));
    assert_eq!(card_expires_on(" 2 / 28 "), day(2028, 3));
    for bad in ["", "13/30", "0/30", "12/2030", "12-30", "aa/bb", "12/+1"] {
        assert_eq!(card_expires_on(bad), None, "{bad}");
    }
}

#[test]
fn the_member_is_told_thirty_days_before_a_card_expires_once() {
    let mut world = World::joined(Collection::Automatic, Interval::yearly(), "2026-01-31T14:00:00Z");
    let method = ending("2026-07-01");
    world.run(
        SubscriptionCommand::ChangeMethod { method, at: at("2026-02-01T00:00:00Z") },
        at("2026-02-01T00:00:00Z"),
    );
    // 1 June in Amsterdam begins at 22:00 of the day before.
    assert!(world.tick("2026-05-31T21:59:59Z").is_empty());
    let events = world.tick("2026-05-31T22:00:00Z");
    let SubscriptionEvent::CardExpiryAnnounced { expires_on, days_before: 30 } = &events[..][0] else {
        panic!("{events:?}")
    };
    assert_eq!((events.len(), expires_on.to_string()), (1, "2026-07-01".into()));
    assert!(world.tick("2026-06-02T00:00:00Z").is_empty());
    assert!(world.tick("2026-07-02T00:00:00Z").is_empty());
    // The next card is another one.
    let method = ending("2027-01-01");
    world.run(
        SubscriptionCommand::ChangeMethod { method, at: at("2026-07-03T00:00:00Z") },
        at("2026-07-03T00:00:00Z"),
    );
    assert_eq!(World::kinds(&world.tick("2026-12-05T00:00:00Z")), ["CardExpiryAnnounced"]);
}

#[test]
fn a_reminder_holds_up_no_renewal_and_nobody_is_told_of_a_card_that_ended() {
    let mut world = World::joined(Collection::Automatic, Interval::monthly(), "2026-01-31T14:00:00Z");
    let when = at("2026-02-01T00:00:00Z");
    world.run(SubscriptionCommand::ChangeMethod { method: ending("2026-03-15"), at: when }, when);
    // The clock stood still over the day of the reminder.
    let kinds = World::kinds(&world.tick("2026-02-28T09:00:00Z"));
    assert_eq!(
        kinds,
        ["CardExpiryAnnounced", "RenewalOrderRequested", "ChargeRequested", "SubscriptionRenewed"]
    );
    world.run(SubscriptionCommand::ChangeMethod { method: ending("2026-03-02"), at: when }, when);
    assert!(world.tick("2026-03-02T00:00:00Z").is_empty());
}

#[test]
fn who_leaves_is_not_asked_for_another_card() {
    let mut world = World::joined(Collection::Automatic, Interval::yearly(), "2026-01-31T14:00:00Z");
    let when = at("2026-02-01T00:00:00Z");
    world.run(SubscriptionCommand::ChangeMethod { method: ending("2026-07-01"), at: when }, when);
    world.run(SubscriptionCommand::Cancel { reason: None, at: when }, when);
    assert!(world.tick("2026-06-10T00:00:00Z").is_empty());
}

#[test]
fn a_card_that_has_ended_is_a_decline_without_an_attempt_at_the_gateway() {
    let mut world = World::joined(Collection::Automatic, Interval::monthly(), "2026-01-31T14:00:00Z");
    let when = at("2026-02-01T00:00:00Z");
    world.run(SubscriptionCommand::ChangeMethod { method: ending("2026-02-28"), at: when }, when);
    // 28 February in Amsterdam: the first day on which it is valid no more is the day of the renewal.
    let events = world.tick("2026-02-27T23:00:00Z");
    assert_eq!(World::kinds(&events)[..], ["RenewalOrderRequested", "RenewalPaymentFailed"]);
    let SubscriptionEvent::RenewalPaymentFailed {
        attempt: None,
        code,
        hard: false,
        failures: 1,
        retry_at,
        ..
    } = &events[1]
    else {
        panic!("{events:?}")
    };
    assert_eq!((code.as_str(), *retry_at), ("expired_card", Some(at("2026-03-01T23:00:00Z"))));
    assert!(world.sub.gives_access());
    // The holder cannot pay with it either, and staff cannot have it charged.
    let pay = |method| SubscriptionCommand::PayNow {
        attempt: Uuid::from_u128(5),
        method,
        at: at("2026-03-01T00:00:00Z"),
    };
    assert_eq!(world.sub.decide(pay(ending("2026-02-28"))), Err(SubscriptionError::CardExpired));
    let policy = BillingPolicy::default();
    let now = at("2026-03-01T00:00:00Z");
    let again = world.sub.decide(SubscriptionCommand::RetryNow { policy, at: now }).unwrap();
    assert_eq!(World::kinds(&again), ["RenewalPaymentFailed"]);
    // Another card pays.
    let paid = world.run(pay(ending("2027-01-01")), now);
    assert_eq!(World::kinds(&paid), ["PaymentMethodChanged", "ChargeRequested", "SubscriptionRenewed"]);
}

#[test]
fn with_an_ended_card_a_dearer_plan_waits_for_the_paid_time_to_be_over() {
    let mut world = World::joined(Collection::Automatic, Interval::monthly(), "2026-01-31T14:00:00Z");
    let when = at("2026-02-01T00:00:00Z");
    world.run(SubscriptionCommand::ChangeMethod { method: ending("2026-02-10"), at: when }, when);
    let dearer = Terms {
        variation: Uuid::from_u128(9),
        price: Money::new(2300, Currency::eur()),
        ..terms(Collection::Automatic, Interval::monthly())
    };
    let quote = world.sub.quote_change(&dearer, at("2026-02-14T00:00:00Z")).unwrap();
    assert_eq!(quote, ChangeQuote::On("2026-02-28".parse().unwrap()));
}
