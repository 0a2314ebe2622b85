//! What the buyer's credit pays, and money that becomes credit.

use super::samples::{eur, method, place};
use super::*;
use crate::domain::shared::payment::Outcome;
use crate::domain::shared::{Currency, Money};
use chrono::{DateTime, Utc};
use uuid::Uuid;

const ANNA: Uuid = Uuid::from_u128(50);
const BELA: Uuid = Uuid::from_u128(51);

fn at() -> DateTime<Utc> {
    "2026-11-29T10:00:00Z".parse().unwrap()
}

fn placed(credit: Option<Money>) -> OrderCommand {
    OrderCommand::Place(Box::new(PlaceOrder { credit, ..place(at()) }))
}

fn start(n: u128) -> OrderCommand {
    let method = method();
    OrderCommand::StartAttempt { attempt: Uuid::from_u128(n), method, present: false, at: at() }
}

fn said(n: u128, outcome: Outcome) -> OrderCommand {
    OrderCommand::RecordOutcome { attempt: Uuid::from_u128(n), outcome, at: at() }
}

fn took(n: u128) -> OrderCommand {
    said(n, Outcome::Succeeded { gateway_reference: "ch".into() })
}

fn came(minor: i64) -> OrderCommand {
    OrderCommand::RecordTransfer { received: eur(minor), at: at() }
}

fn to_credit(n: u128, of: RefundOf, minor: i64, limit: i64) -> OrderCommand {
    OrderCommand::AskRefund(AskRefund {
        refund: Uuid::from_u128(n),
        of,
        way: RefundWay::Credit,
        amount: eur(minor),
        by: ANNA,
        second_person_over: limit,
        lapses_at: at() + chrono::TimeDelta::days(14),
        at: at(),
    })
}

fn order(commands: Vec<OrderCommand>) -> (Order, Vec<OrderEvent>) {
    let (mut order, mut all) = (Order::default(), Vec::new());
    for command in commands {
        for event in order.decide(command).unwrap() {
            order.apply(event.clone());
            all.push(event);
        }
    }
    (order, all)
}

fn kinds(events: &[OrderEvent]) -> Vec<&'static str> {
    events.iter().map(Into::into).collect()
}

#[test]
fn a_credit_that_covers_the_whole_price_pays_at_once_and_nothing_is_charged() {
    let (paid, events) = order(vec![placed(Some(eur(1150)))]);
    assert_eq!(kinds(&events), ["OrderPlaced", "OrderPaid"]);
    assert!(
        matches!(&events[1], OrderEvent::OrderPaid { amount, paid_by: PaidBy::Credit, .. } if *amount == eur(1150))
    );
    assert_eq!(paid.decide(start(1)), Err(OrderError::Paid));
    assert_eq!((paid.rest(), paid.refundable(RefundOf::Price)), (Some(eur(0)), 1150));
}

#[test]
fn a_part_of_the_price_leaves_the_rest_to_be_charged_or_sent() {
    let (open, events) = order(vec![placed(Some(eur(300))), start(1)]);
    assert_eq!(open.rest(), Some(eur(850)));
    assert!(matches!(&events[1], OrderEvent::PaymentAttemptStarted { amount, .. } if *amount == eur(850)));
    let (_, charged) = order(vec![placed(Some(eur(300))), start(1), took(1)]);
    assert_eq!(kinds(&charged)[2..], ["PaymentSucceeded", "OrderPaid"]);
    let (short, events) = order(vec![placed(Some(eur(300))), came(500)]);
    assert_eq!((short.rest(), kinds(&events)[1..].to_vec()), (Some(eur(350)), vec!["TransferReceived"]));
    let (_, over) = order(vec![placed(Some(eur(300))), came(900)]);
    assert!(matches!(over.last(), Some(OrderEvent::OrderOverpaid { over, .. }) if *over == eur(50)));
}

#[test]
fn a_credit_that_does_not_fit_is_refused() {
    for wrong in [eur(0), eur(-1), eur(1151), Money::new(100, Currency::parse("USD").unwrap())] {
        assert_eq!(Order::default().decide(placed(Some(wrong))), Err(OrderError::Credit), "{wrong}");
    }
}

#[test]
fn who_need_not_pay_has_the_credit_back_and_what_was_sent_is_too_much() {
    let cancel = || OrderCommand::Cancel { cause: "subscription-cancelled".into(), at: at() };
    let (gone, events) = order(vec![placed(Some(eur(300))), came(100), cancel()]);
    assert_eq!(kinds(&events)[2..], ["OrderCancelled", "OrderCreditReleased", "OrderOverpaid"]);
    assert!(matches!(&events[3], OrderEvent::OrderCreditReleased { amount, .. } if *amount == eur(300)));
    assert_eq!((gone.refundable(RefundOf::Overpayment), gone.credit()), (100, None));
    assert_eq!(gone.decide(cancel()), Ok(vec![]), "once");
}

#[test]
fn an_open_order_takes_credit_until_it_is_paid_but_not_while_money_may_be_on_its_way() {
    let apply =
        |n: u128, minor| OrderCommand::ApplyCredit { id: Uuid::from_u128(n), amount: eur(minor), at: at() };
    let (open, events) = order(vec![placed(Some(eur(300))), came(100), apply(70, 500)]);
    assert!(matches!(events.last(), Some(OrderEvent::OrderCreditApplied { rest, .. }) if *rest == eur(250)));
    assert_eq!((open.rest(), open.decide(apply(70, 500))), (Some(eur(250)), Ok(vec![])));
    assert_eq!(open.decide(apply(71, 251)), Err(OrderError::Credit), "never more than it lacks");
    assert_eq!(kinds(&open.decide(apply(71, 250)).unwrap()), ["OrderCreditApplied", "OrderPaid"]);
    let refused = |given: Vec<OrderCommand>| order(given).0.decide(apply(71, 1));
    assert_eq!(refused(vec![placed(None), start(1)]), Err(OrderError::InFlight));
    assert_eq!(refused(vec![placed(None), came(1150)]), Err(OrderError::Paid));
    let cancel = OrderCommand::Cancel { cause: "x".into(), at: at() };
    assert_eq!(refused(vec![placed(None), cancel]), Err(OrderError::Cancelled));
}

#[test]
fn what_came_too_much_becomes_credit_at_once_and_above_the_limit_when_somebody_agrees() {
    let over = vec![placed(None), came(1450)];
    let (now, events) = order([over.clone(), vec![to_credit(20, RefundOf::Overpayment, 100, 250)]].concat());
    assert_eq!(kinds(&events)[4..], ["RefundStarted", "RefundSucceeded"]);
    assert_eq!(now.refundable(RefundOf::Overpayment), 200);
    // What one person decided before counts.
    let (asked, events) = order(
        [
            over,
            vec![
                to_credit(20, RefundOf::Overpayment, 100, 250),
                to_credit(21, RefundOf::Overpayment, 200, 250),
            ],
        ]
        .concat(),
    );
    assert_eq!(events.last().map(Into::into), Some("RefundProposed"));
    let decide = |by| OrderCommand::DecideRefund { refund: Uuid::from_u128(21), approve: true, by, at: at() };
    assert_eq!(asked.decide(decide(ANNA)), Err(OrderError::SamePerson));
    assert_eq!(kinds(&asked.decide(decide(BELA)).unwrap()), ["RefundStarted", "RefundSucceeded"]);
    assert_eq!(
        asked.decide(to_credit(22, RefundOf::Overpayment, 1, 9999)),
        Err(OrderError::RefundTooMuch(eur(0))),
        "never more than came"
    );
}

#[test]
fn a_whole_price_that_becomes_credit_is_refunded() {
    let (back, events) = order(vec![placed(None), came(1150), to_credit(20, RefundOf::Price, 1150, 9999)]);
    assert_eq!(kinds(&events)[3..], ["RefundStarted", "RefundSucceeded", "OrderRefunded"]);
    assert_eq!(back.status(), Some(OrderStatus::Refunded));
}

#[test]
fn a_charge_takes_what_it_was_asked_for_whatever_came_since() {
    let declined = || said(1, Outcome::Declined { code: "x".into(), hard: false });
    // Declined, they said; part came by transfer; then the gateway says it took the whole after all.
    let (_, events) = order(vec![placed(None), start(1), declined(), came(500), took(1)]);
    assert_eq!(kinds(&events)[4..], ["PaymentSucceeded", "OrderPaid", "OrderOverpaid"]);
    assert!(matches!(&events[4], OrderEvent::PaymentSucceeded { amount, .. } if *amount == eur(1150)));
    assert!(matches!(&events[6], OrderEvent::OrderOverpaid { over, .. } if *over == eur(500)));
    let (_, events) = order(vec![placed(None), start(1), declined(), came(1150), took(1)]);
    assert!(matches!(events.last(), Some(OrderEvent::OrderOverpaid { over, .. }) if *over == eur(1150)));
}

#[test]
fn a_debit_that_comes_back_is_taken_from_what_came_too_much_if_that_is_still_here() {
    let sent = OrderCommand::SendDebit {
        file: Uuid::from_u128(90),
        mandate: Uuid::from_u128(70),
        amount: eur(1150),
        collect_on: "2026-12-07".parse().unwrap(),
        at: at(),
    };
    let back = || OrderCommand::RecordDebitReturn { reason: "AM04".into(), at: at() };
    let twice = vec![placed(None), sent, came(1150), came(1150)];
    let (kept, events) = order([twice.clone(), vec![back()]].concat());
    assert!(
        matches!(events.last(), Some(OrderEvent::DirectDebitReturned { reopened: false, of_overpaid, .. }) if *of_overpaid == Some(eur(1150)))
    );
    assert_eq!((kept.status(), kept.refundable(RefundOf::Overpayment)), (Some(OrderStatus::Paid), 0));
    // It had become credit before: now the price is missing.
    let (open, events) =
        order([twice, vec![to_credit(20, RefundOf::Overpayment, 1000, 9999), back()]].concat());
    assert!(
        matches!(events.last(), Some(OrderEvent::DirectDebitReturned { reopened: true, rest, .. }) if *rest == Some(eur(1000)))
    );
    assert_eq!((open.status(), open.rest()), (Some(OrderStatus::Created), Some(eur(1000))));
    let (again, events) = order(vec![placed(None)]);
    assert_eq!((again.rest(), events.len()), (Some(eur(1150)), 1));
}

#[test]
fn events_keep_their_form() {
    let cancel = OrderCommand::Cancel { cause: "x".into(), at: at() };
    let (_, all) = order(vec![placed(Some(eur(300))), cancel]);
    let (_, more) = order(vec![placed(Some(eur(1150))), to_credit(20, RefundOf::Price, 1150, 9999)]);
    let apply = OrderCommand::ApplyCredit { id: Uuid::from_u128(70), amount: eur(500), at: at() };
    let (_, later) = order(vec![placed(None), apply]);
    insta::assert_json_snapshot!([&all[2], &more[1], &more[2], &more[3], &later[1]]);
}
