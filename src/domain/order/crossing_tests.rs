//! Money that crosses other money on its way: two charges, a transfer beside a charge, what comes back later.

use super::samples::{eur, method, place};
use super::*;
use crate::domain::shared::payment::{Outcome, RefundOutcome};
use chrono::{DateTime, Utc};
use uuid::Uuid;

fn at() -> DateTime<Utc> {
    "2026-11-30T10:00:00Z".parse().unwrap()
}

fn placed() -> OrderCommand {
    OrderCommand::Place(Box::new(place(at())))
}

fn start(n: u128) -> OrderCommand {
    let attempt = Uuid::from_u128(n);
    OrderCommand::StartAttempt { attempt, method: method(), present: false, at: at() }
}

fn said(n: u128, outcome: Outcome) -> OrderCommand {
    OrderCommand::RecordOutcome { attempt: Uuid::from_u128(n), outcome, at: at() }
}

fn taken(n: u128) -> OrderCommand {
    said(n, Outcome::Succeeded { gateway_reference: format!("ch_{n}") })
}

fn declined(n: u128) -> OrderCommand {
    said(n, Outcome::Declined { code: "insufficient_funds".into(), hard: false })
}

fn came(minor: i64) -> OrderCommand {
    OrderCommand::RecordTransfer { received: eur(minor), at: at() }
}

fn dispute(n: u128, state: DisputeState) -> OrderCommand {
    let (dispute, attempt) = (format!("dp_{n}"), Uuid::from_u128(n));
    let report = DisputeReport { dispute, attempt, amount: eur(1150), reason: "fraudulent".into(), state };
    OrderCommand::RecordDispute { report, at: at() }
}

fn ask(n: u128, of: RefundOf, way: RefundWay, minor: i64) -> OrderCommand {
    OrderCommand::AskRefund(AskRefund {
        refund: Uuid::from_u128(n),
        of,
        way,
        amount: eur(minor),
        by: Uuid::from_u128(50),
        second_person_over: 2000,
        lapses_at: at(),
        at: at(),
    })
}

fn back(n: u128, outcome: RefundOutcome) -> OrderCommand {
    OrderCommand::RecordRefund { refund: Uuid::from_u128(n), outcome, at: at() }
}

fn went(n: u128) -> OrderCommand {
    back(n, RefundOutcome::Succeeded { gateway_reference: "re_1".into() })
}

fn failed(n: u128) -> OrderCommand {
    back(n, RefundOutcome::Refused { code: "expired_or_canceled_card".into() })
}

fn order(commands: Vec<OrderCommand>) -> (Order, Vec<&'static str>) {
    let (mut order, mut all) = (Order::default(), Vec::new());
    for command in commands {
        for event in order.decide(command).unwrap() {
            all.push((&event).into());
            order.apply(event);
        }
    }
    (order, all)
}

fn left(order: &Order) -> (i64, i64) {
    (order.refundable(RefundOf::Price), order.refundable(RefundOf::Overpayment))
}

#[test]
fn a_transfer_beside_a_charge_is_kept_and_settled_by_what_becomes_of_the_charge() {
    let (waits, events) = order(vec![placed(), start(1), came(1150)]);
    assert_eq!(events.last(), Some(&"TransferReceived"), "the money is in the log at once");
    assert!(waits.is_open() && waits.covered() == 1150);
    // The charge took nothing: the transfer pays.
    for nothing in [declined(1), said(1, Outcome::Cancelled)] {
        let (paid, events) = order(vec![placed(), start(1), came(1200), nothing]);
        assert_eq!(events[4..], ["OrderPaid", "OrderOverpaid"]);
        assert_eq!((paid.status(), left(&paid)), (Some(OrderStatus::Paid), (1150, 50)));
    }
    // It took the money: what came by transfer was too much, and goes back by transfer only.
    let (paid, events) = order(vec![placed(), start(1), came(1150), taken(1)]);
    assert_eq!(events[3..], ["PaymentSucceeded", "OrderPaid", "OrderOverpaid"]);
    assert_eq!(left(&paid), (1150, 1150));
    let by_card = ask(20, RefundOf::Overpayment, RefundWay::Gateway, 1150);
    assert_eq!(paid.decide(by_card), Err(OrderError::NoCharge));
    // Part of it: the next charge asks for the rest.
    let (short, events) = order(vec![placed(), start(1), came(400), declined(1)]);
    assert_eq!(events.last(), Some(&"PaymentDeclined"));
    let started = short.decide(start(2)).unwrap();
    assert!(matches!(&started[0], OrderEvent::PaymentAttemptStarted { amount, .. } if *amount == eur(750)));
}

#[test]
fn a_debit_does_not_go_back_under_a_charge_that_would_then_ask_for_too_little() {
    let (file, mandate, amount) = (Uuid::from_u128(90), Uuid::from_u128(70), eur(1150));
    let sent = OrderCommand::SendDebit {
        file,
        mandate,
        amount,
        collect_on: "2026-12-07".parse().unwrap(),
        at: at(),
    };
    let returned = OrderCommand::RecordDebitReturn { reason: "AM04".into(), at: at() };
    let (order, _) = order(vec![placed(), sent, came(400), start(1)]);
    assert_eq!(order.decide(returned.clone()), Err(OrderError::InFlight));
    let mut known = order.clone();
    known.decide(declined(1)).unwrap().into_iter().for_each(|e| known.apply(e));
    known.decide(returned).unwrap().into_iter().for_each(|e| known.apply(e));
    // The charge was taken after all, for less than is missing now: nobody calls the order paid.
    let late = known.decide(taken(1)).unwrap();
    assert_eq!(
        late.iter().map(<&'static str>::from).collect::<Vec<_>>(),
        ["PaymentSucceeded", "OrderOverpaid"]
    );
}

/// Attempt 1 was believed to be declined and attempt 2 paid; then the gateway says that 1 was taken, too.
fn charged_twice() -> Vec<OrderCommand> {
    vec![placed(), start(1), declined(1), start(2), taken(2), taken(1)]
}

#[test]
fn a_dispute_of_the_charge_that_came_too_much_leaves_the_price_alone() {
    let with = |more: Vec<OrderCommand>| order([charged_twice(), more].concat()).0;
    assert_eq!(left(&with(vec![])), (1150, 1150));
    let open = with(vec![dispute(1, DisputeState::Open)]);
    let over = |way| ask(20, RefundOf::Overpayment, way, 1150);
    assert_eq!(open.decide(over(RefundWay::Gateway)), Err(OrderError::Disputed), "the bank has it already");
    assert_eq!(open.decide(over(RefundWay::Credit)), Err(OrderError::Disputed));
    assert!(open.decide(ask(21, RefundOf::Price, RefundWay::Gateway, 1150)).is_ok());
    let lost = with(vec![dispute(1, DisputeState::Lost)]);
    assert_eq!(left(&lost), (1150, 0), "it leaves once");
    assert_eq!(lost.decide(over(RefundWay::Transfer)), Err(OrderError::RefundTooMuch(eur(0))));
    let other = with(vec![dispute(2, DisputeState::Lost)]);
    assert_eq!(left(&other), (0, 1150), "the other charge is still theirs");
    let open = with(vec![dispute(2, DisputeState::Open)]);
    assert!(open.decide(over(RefundWay::Gateway)).is_ok());
    assert_eq!((open.part_going_back((1, 1)), with(vec![]).part_going_back((1, 1))), (0, 1150));
}

#[test]
fn what_went_back_and_came_back_is_owed_once_more_without_a_second_credit_note() {
    let paid = vec![placed(), start(1), taken(1)];
    let price = ask(20, RefundOf::Price, RefundWay::Gateway, 1150);
    let (back, events) = order([paid.clone(), vec![price.clone(), went(20), failed(20)]].concat());
    assert_eq!(events[5..], ["RefundSucceeded", "OrderRefunded", "RefundRefused", "OrderOverpaid"]);
    assert_eq!(back.refunds()[0].state, RefundState::CameBack);
    assert_eq!(left(&back), (0, 1150), "the price is credited; the money counts as too much");
    assert_eq!(back.decide(failed(20)), Ok(vec![]), "told twice is once");
    assert_eq!(back.decide(went(20)), Ok(vec![]));
    // It goes another way, without a second person for what went alone before, and then nothing is left.
    let again = ask(21, RefundOf::Overpayment, RefundWay::Transfer, 1150);
    let (done, events) = order([paid.clone(), vec![price, went(20), failed(20), again, went(21)]].concat());
    assert_eq!(events[9..], ["RefundStarted", "RefundSucceeded"]);
    assert_eq!(left(&done), (0, 0));
    // What was credited or sent by a person is not refused afterwards.
    for way in [RefundWay::Transfer, RefundWay::Credit] {
        let (sent, _) = order([paid.clone(), vec![ask(20, RefundOf::Price, way, 1150), went(20)]].concat());
        assert_eq!(sent.decide(failed(20)), Ok(vec![]), "{way:?}");
    }
}

#[test]
fn a_part_that_came_back_keeps_its_place_before_the_next_credit_note() {
    let price = |n, minor| ask(n, RefundOf::Price, RefundWay::Gateway, minor);
    let (order, _) =
        order(vec![placed(), start(1), taken(1), price(20, 400), went(20), failed(20), price(21, 750)]);
    let events = order.decide(went(21)).unwrap();
    assert!(matches!(&events[0], OrderEvent::RefundSucceeded { before, .. } if *before == eur(400)));
    assert!(matches!(&events[1], OrderEvent::OrderRefunded { .. }), "both credit notes are the whole price");
}

#[test]
fn after_a_withdrawal_whose_refund_is_refused_the_promised_sum_can_be_sent() {
    let part = OrderCommand::RefundPart { refund: Uuid::from_u128(20), part: 20, of: 23, at: at() };
    let (order, _) = order(vec![placed(), start(1), taken(1), part.clone(), failed(20)]);
    assert_eq!(order.decide(part), Ok(vec![]), "the same right is not refunded a second time by itself");
    let sent = order.decide(ask(21, RefundOf::Price, RefundWay::Transfer, 1000)).unwrap();
    assert!(
        matches!(&sent[0], OrderEvent::RefundStarted { via: RefundVia::Transfer, amount, .. } if *amount == eur(1000))
    );
}

#[test]
fn who_is_there_is_written_down_with_the_attempt() {
    let (order, _) = order(vec![placed()]);
    for present in [true, false] {
        let command =
            OrderCommand::StartAttempt { attempt: Uuid::from_u128(1), method: method(), present, at: at() };
        let json = serde_json::to_value(&order.decide(command).unwrap()[0]).unwrap();
        assert_eq!(json["data"].get("present").is_some(), present, "{json}");
    }
}
