//! Which event makes which mail. Every kind of event stands here: a mail that is lost is a line that fails.

use super::super::goes_without_saying;
use super::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use strum::VariantNames;

/// The first form of an event as it lies in the log.
fn golden(category: &str, kind: &str) -> Value {
    let path = format!("tests/it/golden/{category}/{kind}.1.json");
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&path)).expect(&path);
    let mut all: Vec<Value> = serde_json::from_str(&text).expect(&path);
    all.remove(0)
}

/// The same with other values, each by its place.
fn with(kind: &str, values: &[(&str, Value)]) -> SubscriptionEvent {
    let mut event = golden("subscription", kind);
    for (place, value) in values {
        let place: &str = place;
        let (above, key) = place.rsplit_once('/').unwrap_or(("", place));
        let above = if above.is_empty() { "/data".into() } else { format!("/data/{above}") };
        event.pointer_mut(&above).expect(place)[key] = value.clone();
    }
    serde_json::from_value(event).expect(kind)
}

fn plain(kind: &str) -> SubscriptionEvent {
    with(kind, &[])
}

fn folded(events: &[SubscriptionEvent]) -> Subscription {
    let mut state = Subscription::default();
    events.iter().for_each(|event| state.apply(event.clone()));
    state
}

fn member() -> Subscription {
    folded(&[plain("SubscriptionJoined"), plain("SubscriptionActivated")])
}

fn told_as(happened: &SubscriptionEvent, state: &Subscription, by_studio: bool) -> Option<BillingMail> {
    let mut config = Config::default();
    config.gateways.bank.enabled = true;
    config.gateways.bank.iban = "NL02ABNA0123456789".into();
    let at = "2026-02-03T10:00:00Z".parse().expect("a time");
    let terms = state.terms().expect("somebody joined");
    let rates = RateTable::default();
    mail(happened, &Seen { state, terms, rates, config: &config, now: at, at, by_studio })
}

fn told(happened: &SubscriptionEvent, state: &Subscription) -> Option<BillingMail> {
    let told = told_as(happened, state, false);
    assert!(told.is_none() || !goes_without_saying(happened), "{happened:?} would not be looked at");
    told
}

fn kind(mail: &BillingMail) -> String {
    serde_json::to_value(mail).expect("JSON")["about"].as_str().expect("a kind").to_owned()
}

/// The mail for each kind of event in its usual form.
const TABLE: [(&str, Option<&str>); 53] = [
    ("SubscriptionJoined", None),
    ("TrialStarted", Some("trial_started")),
    ("TrialEndAnnounced", Some("trial_ending")),
    // The result of the charge is told of.
    ("FirstOrderRequested", None),
    ("RenewalOrderRequested", None),
    ("ChargeRequested", None),
    ("ChargeAwaitsAction", Some("action_needed")),
    // The failure that follows says it.
    ("ChargeActionMissed", None),
    // By the workflow of direct debits.
    ("DebitAwaited", None),
    ("DebitRejected", None),
    // The hold that follows says it.
    ("PaymentReversed", None),
    ("EarlierPaymentReversed", Some("earlier_unpaid")),
    // What was owed is paid.
    ("EarlierOrderPaid", None),
    ("RenewalPaymentFailed", Some("renewal_failed")),
    ("MemberPaymentFailed", Some("first_payment_failed")),
    ("SubscriptionActivated", Some("membership_started")),
    ("SubscriptionRenewed", Some("renewed")),
    ("SubscriptionResumed", Some("membership_started")),
    ("SubscriptionPutOnHold", Some("on_hold")),
    ("BillingDetailsChanged", None),
    ("VatNumberChecked", None),
    ("PauseScheduled", Some("pause_planned")),
    ("PauseWithdrawn", Some("pause_given_up")),
    // Its planning was told of.
    ("SubscriptionPaused", None),
    ("PauseEnded", Some("pause_over")),
    // The result of its charge is told of.
    ("PlanChangeRequested", None),
    ("PlanChangeDropped", Some("plan_change_failed")),
    ("PlanChangeScheduled", Some("plan_change_planned")),
    ("PlanChangeWithdrawn", Some("plan_change_given_up")),
    ("PlanChanged", Some("plan_changed")),
    ("PlanBegan", Some("plan_changed")),
    // The order tells of the refund.
    ("PaymentRefunded", None),
    // The end that follows is told.
    ("EndAwaited", None),
    ("DiscountGranted", None),
    ("PriceChangeAnnounced", Some("price_changes")),
    ("TaxChangeAnnounced", Some("tax_changes")),
    ("WithdrawalDeclared", Some("withdrawn")),
    ("UnusedDaysRefundRequested", None),
    ("CancellationScheduled", Some("cancellation_scheduled")),
    ("CancellationUndone", Some("cancellation_withdrawn")),
    ("SubscriptionCancelled", Some("ended")),
    ("SubscriptionExpired", Some("expired")),
    ("PaidTimeExtended", Some("extended")),
    ("GivenDaysTakenBack", Some("days_taken_back")),
    ("PeriodWaived", Some("extended")),
    ("CardExpiryAnnounced", Some("card_expiring")),
    ("PaymentMethodChanged", Some("method_changed")),
    ("ManagerToldOfRenewal", Some("manager_told")),
    ("RenewalAnnounced", Some("renewal_ahead")),
    // Staff look at it first; what they decide is told of.
    ("SubscriptionParked", None),
    ("SubscriptionUnparked", Some("went_on")),
    // By the mail about the merged accounts.
    ("SubscriptionMoved", None),
    // The mail itself is sent again.
    ("MailResent", None),
];

#[test]
fn every_event_of_a_subscription_makes_its_mail() {
    let mut named: BTreeSet<&str> = TABLE.iter().map(|(kind, _)| *kind).collect();
    named.insert("PaymentReceivedAfterEnd");
    let all: BTreeSet<&str> = SubscriptionEvent::VARIANTS.iter().copied().collect();
    assert_eq!(named, all, "every kind stands in the table");
    let state = member();
    for (name, expected) in TABLE {
        let told = told(&plain(name), &state);
        assert_eq!(told.as_ref().map(kind).as_deref(), expected, "{name}");
    }
    let late = told(&plain("PaymentReceivedAfterEnd"), &state).expect("money came");
    assert!(matches!(late, BillingMail::PaidForNothing { ended: false, .. }));
    let gone = folded(&[plain("SubscriptionJoined"), plain("SubscriptionCancelled")]);
    let late = told(&plain("PaymentReceivedAfterEnd"), &gone).expect("money came");
    assert!(matches!(late, BillingMail::PaidForNothing { ended: true, .. }));
}

/// A kind of event, what differs from its golden form, the membership, and the mail about it.
type Case<'a> = (&'a str, &'a [(&'a str, Value)], &'a Subscription, Option<&'a str>);

#[test]
fn where_the_content_decides_another_mail_is_written_or_none() {
    let day = json!("2026-07-10T00:00:00Z");
    let by_hand = folded(&[with("SubscriptionJoined", &[("terms/collection", json!("manual"))])]);
    let state = member();
    let cases: [Case<'_>; 9] = [
        ("FirstOrderRequested", &[], &by_hand, Some("transfer_expected")),
        ("RenewalOrderRequested", &[("pay_by", day)], &by_hand, Some("order_to_pay")),
        ("RenewalOrderRequested", &[("explain", json!(true))], &state, Some("catching_up")),
        // The hold that follows says it.
        ("RenewalPaymentFailed", &[("retry_at", Value::Null)], &state, None),
        (
            "VatNumberChecked",
            &[("check", json!({ "answer": "refused" }))],
            &state,
            Some("vat_number_refused"),
        ),
        ("SubscriptionCancelled", &[("cause", json!("ended-by-staff"))], &state, Some("ended_by_studio")),
        ("SubscriptionCancelled", &[("cause", json!("disputed"))], &state, Some("ended_by_studio")),
        ("SubscriptionCancelled", &[("cause", json!("was-on-hold"))], &state, Some("ended")),
        // The mail about the withdrawal says it.
        ("SubscriptionCancelled", &[("cause", json!("withdrawn"))], &state, None),
    ];
    for (name, values, state, expected) in cases {
        let told = told(&with(name, values), state);
        assert_eq!(told.as_ref().map(kind).as_deref(), expected, "{name} {values:?}");
    }
}

#[test]
fn what_staff_did_is_not_said_to_be_done_by_the_member() {
    let state = member();
    let mut acts = 0;
    for (name, _) in TABLE {
        let of = |by_studio| told_as(&plain(name), &state, by_studio);
        let (Some(own), Some(theirs)) = (of(false), of(true)) else { continue };
        let zone = crate::domain::shared::calendar::Zone::amsterdam();
        let (name_of, base_url) = ("Salt & Light".into(), "https://s.example".into());
        let studio = crate::emails::Studio { name: name_of, base_url, zone };
        let text = |mail: &BillingMail| mail.render(&studio, None).text;
        if own != theirs {
            acts += 1;
            assert!(text(&theirs).contains("We ") && !text(&theirs).contains("You cancelled"), "{name}");
            assert!(!text(&own).contains("write to us"), "{name}");
        }
        for words in ["You cancelled", "You undid", "As you wished", "You planned", "You gave up"] {
            assert!(!text(&theirs).contains(words), "{name}: {words}");
        }
    }
    assert_eq!(acts, 9, "pauses 3, plans 3, cancellations 3");
}

#[test]
fn a_withdrawal_that_waits_is_told_of_twice_and_its_payment_not_as_a_beginning() {
    let order = json!("00000000-0000-0000-0000-000000000003");
    let awaits = json!({ "order": order, "declared_at": "2026-02-03T09:00:00Z" });
    let declared = with("WithdrawalDeclared", &[("awaits", awaits)]);
    let joined = plain("SubscriptionJoined");
    let waiting = folded(&[joined, declared.clone()]);
    assert!(matches!(told(&declared, &waiting), Some(BillingMail::Withdrawn { waits: true, .. })));
    let results = [
        "SubscriptionActivated",
        "SubscriptionRenewed",
        "SubscriptionResumed",
        "ChargeAwaitsAction",
        "PlanChanged",
    ];
    for name in results {
        assert_eq!(told(&with(name, &[("order", order.clone())]), &waiting), None, "{name}");
        let other = with(name, &[("order", json!("00000000-0000-0000-0000-0000000000ff"))]);
        assert!(told(&other, &waiting).is_some(), "{name} of another order");
    }
    let ended = with("SubscriptionCancelled", &[("cause", json!("withdrawn"))]);
    let told = told(&ended, &waiting).expect("the end");
    assert_eq!(
        told,
        BillingMail::WithdrawalSettled {
            at: "2026-02-03T09:00:00Z".parse().expect("a time"),
            amount: None,
            disputed: false,
        }
    );
}

#[test]
fn what_a_mail_says_of_the_right_of_withdrawal_is_what_was_recorded() {
    let right = |state: &Subscription, name: &str| match told(&plain(name), state) {
        Some(
            BillingMail::MembershipStarted { right, .. }
            | BillingMail::TransferExpected { right, .. }
            | BillingMail::TrialStarted { right, .. },
        ) => right,
        other => panic!("{other:?}"),
    };
    // Joined on 31 Jan, with fourteen days; it is 3 Feb.
    let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
    assert_eq!(right(&member(), "SubscriptionActivated"), Some(WithdrawalRight::Until(day("2026-02-14"))));
    assert_eq!(right(&member(), "TrialStarted"), Some(WithdrawalRight::Until(day("2026-02-14"))));
    assert_eq!(right(&member(), "SubscriptionResumed"), None, "no new contract");
    let with_values = |values: &[(&str, Value)]| folded(&[with("SubscriptionJoined", values)]);
    let waived = with_values(&[("withdrawal_waived", json!(true)), ("terms/collection", json!("manual"))]);
    for name in ["SubscriptionActivated", "FirstOrderRequested"] {
        assert_eq!(right(&waived, name), Some(WithdrawalRight::WaivedOn(day("2026-01-31"))), "{name}");
    }
    let long_ago = with_values(&[("at", json!("2026-01-01T14:00:00Z"))]);
    assert_eq!(right(&long_ago, "SubscriptionActivated"), None, "it is over");
}

#[test]
fn a_plan_for_several_people_is_named_with_its_seats() {
    let named = |seats: u32| {
        let joined = with("SubscriptionJoined", &[("terms/seats", json!({ "most": seats }))]);
        let state = folded(&[joined, plain("SubscriptionActivated")]);
        match told(&plain("SubscriptionRenewed"), &state) {
            Some(BillingMail::Renewed { plan, .. }) => plan,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(named(4), "Studio, monthly, 4 seats");
    assert_eq!(named(1), "Studio, monthly");
}

#[test]
fn what_goes_on_and_what_staff_set_up_is_not_told_as_joining() {
    let again = |name: &str| match told(&plain(name), &member()) {
        Some(BillingMail::MembershipStarted { again, .. }) => again,
        other => panic!("{other:?}"),
    };
    assert_eq!((again("SubscriptionActivated"), again("SubscriptionResumed")), (false, true));
    let managed = folded(&[with("SubscriptionJoined", &[("terms/collection", json!("managed"))])]);
    for staff in [false, true] {
        match told_as(&plain("FirstOrderRequested"), &managed, staff) {
            Some(BillingMail::TransferExpected { by_studio, .. }) => assert_eq!(by_studio, staff),
            other => panic!("{other:?}"),
        }
    }
}

fn euro(minor: i64) -> Value {
    json!({ "currency": "EUR", "minor": minor })
}

#[test]
fn another_plan_is_told_with_what_a_coupon_makes_of_its_first_payments() {
    let planned = with("PlanChangeScheduled", &[("terms/price", euro(11_500))]);
    let first = |state: &Subscription| match told(&planned, state) {
        Some(BillingMail::PlanChangePlanned(PlannedPlan { first, price, .. })) => {
            assert_eq!(price.minor, 11_500);
            first.map(|d| (d.amount.minor, d.periods))
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(first(&member()), None);
    let half = |periods: Value| {
        let off = json!({ "by": "percent", "percent": 50 });
        let granted = with("DiscountGranted", &[("discount/off", off), ("discount/periods", periods)]);
        folded(&[plain("SubscriptionJoined"), granted, plain("SubscriptionActivated")])
    };
    assert_eq!(first(&half(json!(2))), Some((5750, Some(2))));
    assert_eq!(first(&half(Value::Null)), Some((5750, None)));
    let rebate = json!({ "code": "SPRING", "full": euro(1150), "off": euro(575), "number": 1, "of": 2 });
    let mut used = half(json!(2));
    used.apply(with("RenewalOrderRequested", &[("rebate", rebate)]));
    assert_eq!(first(&used), Some((5750, Some(1))), "one is used");
}

#[test]
fn another_plan_that_begins_with_an_order_says_what_is_due_and_not_when_the_next_one_is() {
    let cost = |values: &[(&str, Value)], state: &Subscription| {
        let changed = with("PlanChanged", values);
        match told(&changed, state) {
            Some(BillingMail::PlanChanged(PlanNow { cost, .. })) => cost,
            other => panic!("{other:?}"),
        }
    };
    let due = |minor| Some(PlanCost::Due(Money::new(minor, crate::domain::shared::Currency::eur())));
    let null: &[(&str, Value)] = &[("order", Value::Null)];
    assert_eq!(cost(&[], &member()), None, "its own order says what was paid");
    assert_eq!(cost(null, &member()), due(1150));
    let off = json!({ "by": "percent", "percent": 50 });
    let rebate = json!({ "code": "SPRING", "full": euro(1150), "off": euro(575), "number": 1, "of": 3 });
    let reduced = folded(&[
        plain("SubscriptionJoined"),
        with("DiscountGranted", &[("discount/off", off)]),
        plain("SubscriptionActivated"),
        with("RenewalOrderRequested", &[("rebate", rebate)]),
    ]);
    assert_eq!(cost(null, &reduced), due(575), "with the coupon that it was ordered with");
}

#[test]
fn what_else_is_told_of_orders_credits_and_approvals() {
    let mut told = Vec::new();
    let name = |other: Option<Other>| other.as_ref().map(<&'static str>::from);
    for kind in OrderEvent::VARIANTS {
        let event = serde_json::from_value(golden("order", kind)).expect(kind);
        told.extend(name(of_order(event)).map(|what| (*kind, what)));
    }
    let mut short = golden("order", "TransferReceived");
    short["data"]["rest"]["minor"] = json!(1);
    let short = serde_json::from_value(short).expect("a transfer");
    told.extend(name(of_order(short)).map(|what| ("TransferReceived", what)));
    let mut gone = golden("order", "OrderOverpaid");
    gone["data"]["cause"] = json!("order-cancelled");
    let gone = serde_json::from_value(gone).expect("too much");
    told.extend(name(of_order(gone)).map(|what| ("OrderOverpaid", what)));
    for kind in CreditEvent::VARIANTS {
        let event = serde_json::from_value(golden("credit", kind)).expect(kind);
        told.extend(name(of_credit(&event)).map(|what| (*kind, what)));
    }
    for kind in ApprovalEvent::VARIANTS {
        let event = serde_json::from_value(golden("approval", kind)).expect(kind);
        told.extend(name(of_approval(event)).map(|what| (*kind, what)));
    }
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("CreditPaidOut", "credit_paid_out"),
            ("DisputeClosed", "dispute_lost"),
            ("OrderOverpaid", "paid_for_nothing"),
            ("PaymentDisputed", "disputed"),
            ("RefundParked", "refund_stuck"),
            ("RefundProposed", "refund_waits"),
            ("RefundRefused", "refund_stuck"),
            ("RefundSucceeded", "refunded"),
            ("SecondPersonAsked", "act_waits"),
            ("TransferReceived", "transfer_short"),
        ]
    );
}
