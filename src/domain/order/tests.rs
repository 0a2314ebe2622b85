use super::samples::{self, eur, method};
use super::*;
use crate::domain::shared::payment::Outcome;
use crate::domain::shared::{Currency, Money};
use chrono::{DateTime, TimeDelta, Utc};
use cqrs_es::test::TestFramework;
use uuid::Uuid;

const SUBSCRIPTION: Uuid = Uuid::from_u128(2);

fn at() -> DateTime<Utc> {
    "2026-11-21T10:00:00Z".parse().unwrap()
}

fn place() -> PlaceOrder {
    let items =
        vec![OrderItem { description: "Studio, monthly".into(), quantity: 1, unit: eur(1150), period: None }];
    PlaceOrder { subscription: SUBSCRIPTION, items, ..samples::place(at()) }
}

fn order(commands: Vec<OrderCommand>) -> (Order, Vec<OrderEvent>) {
    let mut order = Order::default();
    let mut all = Vec::new();
    for command in commands {
        for event in order.decide(command).unwrap() {
            order.apply(event.clone());
            all.push(event);
        }
    }
    (order, all)
}

fn placed() -> OrderCommand {
    OrderCommand::Place(Box::new(place()))
}

fn start(n: u128) -> OrderCommand {
    OrderCommand::StartAttempt { attempt: Uuid::from_u128(n), method: method(), present: false, at: at() }
}

fn said(n: u128, outcome: Outcome) -> OrderCommand {
    OrderCommand::RecordOutcome { attempt: Uuid::from_u128(n), outcome, at: at() }
}

fn success() -> Outcome {
    Outcome::Succeeded { gateway_reference: "ch_1".into() }
}

fn decline() -> Outcome {
    Outcome::Declined { code: "card_declined".into(), hard: false }
}

fn kinds(events: &[OrderEvent]) -> Vec<&'static str> {
    events.iter().map(Into::into).collect()
}

#[test]
fn an_order_is_paid_by_the_first_charge_that_succeeds() {
    let (order, events) = order(vec![placed(), start(1), said(1, decline()), start(2), said(2, success())]);
    assert_eq!(order.status(), Some(OrderStatus::Paid));
    assert_eq!(
        kinds(&events),
        [
            "OrderPlaced",
            "PaymentAttemptStarted",
            "PaymentDeclined",
            "PaymentAttemptStarted",
            "PaymentSucceeded",
            "OrderPaid"
        ]
    );
    assert_eq!(order.decide(start(3)), Err(OrderError::Paid));
    assert_eq!(order.decide(said(2, success())), Ok(vec![]), "the same answer twice is one payment");
}

#[test]
fn a_second_charge_waits_until_the_first_is_known() {
    let (order, _) = order(vec![placed(), start(1)]);
    assert_eq!(order.decide(start(2)), Err(OrderError::InFlight));
    assert_eq!(order.decide(start(1)), Ok(vec![]), "the same intent twice is one intent");
    let cancel = OrderCommand::Cancel { cause: "x".into(), at: at() };
    assert_eq!(order.decide(cancel), Err(OrderError::InFlight));
}

#[test]
fn a_lost_answer_is_looked_up_by_the_table_and_then_parked() {
    let (mut order, _) = order(vec![placed(), start(1)]);
    let mut waits = Vec::new();
    let mut now = at();
    loop {
        let command =
            OrderCommand::RecordOutcome { attempt: Uuid::from_u128(1), outcome: Outcome::Unknown, at: now };
        let event = order.decide(command).unwrap().remove(0);
        order.apply(event.clone());
        match event {
            OrderEvent::PaymentOutcomeUnknown { look_again_at, .. } => {
                waits.push(look_again_at - now);
                now = look_again_at;
            }
            OrderEvent::PaymentParked { lookups, .. } => {
                assert_eq!(lookups, 8);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    let day = TimeDelta::days(1);
    assert_eq!(
        waits,
        [TimeDelta::minutes(1), TimeDelta::minutes(5), TimeDelta::hours(1), day, day, day, day, day]
    );
    // Staff find out in the end: what was taken is recorded.
    assert_eq!(kinds(&order.decide(said(1, success())).unwrap()), ["PaymentSucceeded", "OrderPaid"]);
}

#[test]
fn money_is_never_lost_even_if_it_comes_too_late_or_twice() {
    let cancelled = |o: &Order| {
        let mut o = o.clone();
        o.apply(OrderEvent::OrderCancelled { cause: "expired".into(), at: at() });
        o
    };
    let (order, _) = order(vec![placed(), start(1), said(1, decline())]);
    assert_eq!(
        kinds(&cancelled(&order).decide(said(1, success())).unwrap()),
        ["PaymentSucceeded", "OrderOverpaid"]
    );
}

#[test]
fn a_short_transfer_leaves_the_rest_open_and_a_long_one_is_named() {
    let transfer = |minor| OrderCommand::RecordTransfer { received: eur(minor), at: at() };
    let (order1, events) = order(vec![placed(), transfer(1000)]);
    assert_eq!(
        events.last(),
        Some(&OrderEvent::TransferReceived { received: eur(1000), rest: eur(150), at: at() })
    );
    assert_eq!(order1.status(), Some(OrderStatus::Created));
    let (order2, events) = order(vec![placed(), transfer(1000), transfer(200)]);
    assert_eq!(order2.status(), Some(OrderStatus::Paid));
    assert_eq!(kinds(&events)[2..], ["TransferReceived", "OrderPaid", "OrderOverpaid"]);
    let late = order2.decide(transfer(1)).unwrap();
    assert_eq!(kinds(&late), ["TransferReceived", "OrderOverpaid"], "money that has come is recorded");
    let told =
        order1.decide(OrderCommand::Cancel { cause: "subscription-expired".into(), at: at() }).unwrap();
    assert_eq!(
        told[1],
        OrderEvent::OrderOverpaid { over: eur(1000), cause: "order-cancelled".into(), at: at() },
        "what came for an order that is given up goes back"
    );
    let dollars =
        OrderCommand::RecordTransfer { received: Money::new(1, Currency::parse("USD").unwrap()), at: at() };
    assert_eq!(order1.decide(dollars), Err(OrderError::Amount));
}

#[test]
fn a_failed_order_can_still_be_paid_and_a_cancelled_one_cannot() {
    let fail = OrderCommand::Fail { cause: "declined-too-often".into(), at: at() };
    let cancel = OrderCommand::Cancel { cause: "subscription-expired".into(), at: at() };
    let (failed, _) = order(vec![placed(), start(1), said(1, decline()), fail.clone()]);
    assert_eq!(failed.status(), Some(OrderStatus::Failed));
    assert!(failed.decide(start(2)).is_ok());
    let (cancelled, _) = order(vec![placed(), cancel]);
    assert_eq!(cancelled.decide(start(2)), Err(OrderError::Cancelled));
    assert_eq!(cancelled.decide(fail), Ok(vec![]));
}

#[test]
fn an_order_must_add_up() {
    let mut wrong = place();
    wrong.items[0].unit = eur(1149);
    TestFramework::<Order>::with(())
        .given_no_previous_events()
        .when(OrderCommand::Place(Box::new(wrong)))
        .then_expect_error(OrderError::Sum);
    TestFramework::<Order>::with(())
        .given_no_previous_events()
        .when(start(1))
        .then_expect_error(OrderError::Missing);
}

#[test]
fn the_transfer_reference_has_the_check_digits_of_iso_11649() {
    // The example of the standard's handbook.
    assert_eq!(transfer_reference("539007547034"), "RF18539007547034");
    let number = order_number(Uuid::from_u128(9));
    assert_eq!(number.len(), 10);
    assert_eq!(transfer_reference(&number).len(), 14);
}

#[test]
fn what_is_paid_is_fulfilled_once_and_can_still_go_back() {
    let fulfil = OrderCommand::Fulfil { at: at() };
    let mut open = Order::default();
    for event in open.decide(placed()).unwrap() {
        open.apply(event);
    }
    assert_eq!(open.decide(fulfil.clone()), Ok(vec![]), "nothing was paid");
    let mut paid = open;
    for event in paid.decide(OrderCommand::RecordTransfer { received: eur(1150), at: at() }).unwrap() {
        paid.apply(event);
    }
    let events = paid.decide(fulfil.clone()).unwrap();
    assert_eq!(events, [OrderEvent::OrderFulfilled { at: at() }]);
    paid.apply(events[0].clone());
    assert_eq!((paid.status(), paid.decide(fulfil)), (Some(OrderStatus::Fulfilled), Ok(vec![])));
    assert_eq!(paid.refundable(RefundOf::Price), 1150);
    let cancel = OrderCommand::Cancel { cause: "x".into(), at: at() };
    assert_eq!(paid.decide(cancel), Err(OrderError::Paid));
    let again = paid.decide(OrderCommand::RecordTransfer { received: eur(1), at: at() }).unwrap();
    assert!(matches!(again[1], OrderEvent::OrderOverpaid { .. }), "{again:?}");
}

#[test]
fn events_keep_their_form() {
    let attempt = Uuid::from_u128(1);
    let until = at() + TimeDelta::hours(24);
    let gateway = String::from("sandbox");
    let (_, mut all) = order(vec![
        placed(),
        start(1),
        said(1, decline()),
        OrderCommand::Fail { cause: "declined-too-often".into(), at: at() },
        OrderCommand::RecordTransfer { received: eur(2000), at: at() },
    ]);
    all.extend([
        OrderEvent::OrderFulfilled { at: at() },
        OrderEvent::PaymentSucceeded {
            attempt,
            amount: eur(1150),
            gateway: gateway.clone(),
            gateway_reference: "ch_1".into(),
            at: at(),
        },
        OrderEvent::PaymentActionRequired {
            attempt,
            subscription: SUBSCRIPTION,
            gateway: gateway.clone(),
            until,
            at: at(),
        },
        OrderEvent::PaymentAttemptCancelled {
            attempt,
            subscription: SUBSCRIPTION,
            gateway: gateway.clone(),
            at: at(),
        },
        OrderEvent::PaymentOutcomeUnknown {
            attempt,
            gateway: gateway.clone(),
            lookups: 0,
            look_again_at: until,
            at: at(),
        },
        OrderEvent::PaymentParked { attempt, gateway, lookups: 8, at: at() },
        OrderEvent::OrderPaid {
            subscription: SUBSCRIPTION,
            amount: eur(1150),
            paid_by: PaidBy::Charge { attempt },
            at: at(),
        },
        OrderEvent::OrderCancelled { cause: "subscription-expired".into(), at: at() },
    ]);
    insta::assert_json_snapshot!(all);
}

proptest::proptest! {
    #[test]
    fn whatever_the_gateway_says_in_whatever_order_the_order_is_paid_at_most_once(
        answers in proptest::collection::vec((1_u128..4, 0_u8..5), 0..25)
    ) {
        let mut order = Order::default();
        let mut paid = 0;
        let mut taken = 0;
        let mut over = 0;
        let mut run = |order: &mut Order, command: OrderCommand| {
            for event in order.decide(command).unwrap_or_default() {
                match &event {
                    OrderEvent::OrderPaid { amount, .. } => paid += amount.minor,
                    OrderEvent::PaymentSucceeded { amount, .. } => taken += amount.minor,
                    OrderEvent::OrderOverpaid { over: o, .. } => over += o.minor,
                    _ => {}
                }
                order.apply(event);
            }
        };
        run(&mut order, placed());
        for (n, what) in answers {
            let outcome = match what {
                0 => success(),
                1 => decline(),
                2 => Outcome::Unknown,
                3 => Outcome::Cancelled,
                _ => { run(&mut order, start(n)); continue; }
            };
            run(&mut order, said(n, outcome));
        }
        proptest::prop_assert!(paid == 0 || paid == 1150);
        proptest::prop_assert_eq!(taken, paid + over, "every cent taken is accounted for");
    }
}
