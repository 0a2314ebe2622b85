//! An invoice that names the wrong buyer, and a right to money that waits for a dispute.

use super::samples::{eur, method, place};
use super::*;
use crate::domain::shared::PersonalRef;
use crate::domain::shared::payment::Outcome;
use crate::domain::shared::tax::{Buyer, Country, Tax};
use crate::domain::shared::tax_rates::RateTable;
use chrono::{DateTime, Utc};
use uuid::Uuid;

fn at() -> DateTime<Utc> {
    "2026-11-30T10:00:00Z".parse().unwrap()
}

fn address(n: u128) -> PersonalRef {
    PersonalRef { subject: Uuid::from_u128(1), field: "billing_address".into(), version: Uuid::from_u128(n) }
}

fn placed(settlement: Settlement) -> OrderCommand {
    OrderCommand::Place(Box::new(PlaceOrder { billing: Some(address(1)), settlement, ..place(at()) }))
}

fn by_card() -> OrderCommand {
    placed(Settlement::Charge { gateway: "sandbox".into() })
}

fn start() -> OrderCommand {
    OrderCommand::StartAttempt { attempt: Uuid::from_u128(5), method: method(), present: false, at: at() }
}

fn taken() -> OrderCommand {
    let outcome = Outcome::Succeeded { gateway_reference: "ch".into() };
    OrderCommand::RecordOutcome { attempt: Uuid::from_u128(5), outcome, at: at() }
}

fn reissue(n: u128, to: PersonalRef, country: &str, business: bool) -> OrderCommand {
    let nl = Country::parse("NL").unwrap();
    let buyer = Buyer { country: Country::parse(country).unwrap(), business };
    OrderCommand::ReissueInvoice(Box::new(ReissueInvoice {
        reissue: Uuid::from_u128(n),
        billing: to,
        vat_number: business.then(|| address(77)),
        tax: Tax::decide(eur(1150), buyer, nl, at().date_naive(), &RateTable::default()),
        by: Uuid::from_u128(50),
        at: at(),
    }))
}

fn after(commands: impl IntoIterator<Item = OrderCommand>) -> Order {
    let mut order = Order::default();
    for command in commands {
        order.decide(command).unwrap().into_iter().for_each(|event| order.apply(event));
    }
    order
}

fn dispute(state: DisputeState) -> OrderCommand {
    let report = DisputeReport {
        dispute: "dp".into(),
        attempt: Uuid::from_u128(5),
        amount: eur(1150),
        reason: "fraudulent".into(),
        state,
    };
    OrderCommand::RecordDispute { report, at: at() }
}

#[test]
fn an_invoice_is_issued_anew_for_another_buyer_and_once_for_each_wish() {
    let mut order = after([by_card(), start(), taken()]);
    let events = order.decide(reissue(1, address(2), "NL", false)).unwrap();
    assert!(
        matches!(&events[..], [OrderEvent::InvoiceReissueRequested(asked)] if asked.billing == address(2))
    );
    events.into_iter().for_each(|event| order.apply(event));
    assert_eq!(order.decide(reissue(1, address(2), "NL", false)), Ok(vec![]), "asked twice is once");
    assert_eq!(order.decide(reissue(2, address(2), "NL", false)), Err(OrderError::SameBuyer));
    // A business at home pays the same tax: its number may be added.
    assert!(order.decide(reissue(2, address(2), "NL", true)).is_ok());
    assert!(order.decide(reissue(3, address(3), "NL", false)).is_ok());
}

#[test]
fn what_would_be_taxed_otherwise_is_refunded_and_sold_again() {
    let order = after([by_card(), start(), taken()]);
    assert_eq!(order.decide(reissue(1, address(2), "DE", false)), Err(OrderError::OtherTax));
    assert_eq!(order.decide(reissue(1, address(2), "DE", true)), Err(OrderError::OtherTax));
    assert_eq!(order.decide(reissue(1, address(2), "US", false)), Err(OrderError::OtherTax));
}

#[test]
fn there_is_an_invoice_once_it_is_paid_or_asked_for_by_transfer() {
    let wish = || reissue(1, address(2), "NL", false);
    assert_eq!(after([by_card()]).decide(wish()), Err(OrderError::NoInvoice));
    let transfer = placed(Settlement::Transfer { iban: String::new(), reference: "RF".into() });
    assert!(after([transfer.clone()]).decide(wish()).is_ok());
    let cancelled = after([transfer, OrderCommand::Cancel { cause: "waived".into(), at: at() }]);
    assert_eq!(cancelled.decide(wish()), Err(OrderError::Cancelled));
    let part = OrderCommand::RefundPart { refund: Uuid::from_u128(20), part: 1, of: 2, at: at() };
    let refunded = after([by_card(), start(), taken(), part]);
    assert_eq!(refunded.decide(wish()), Err(OrderError::InvoiceCorrected));
}

#[test]
fn a_right_to_money_waits_for_the_end_of_a_dispute_and_then_goes_back() {
    let part = OrderCommand::RefundPart { refund: Uuid::from_u128(20), part: 14, of: 28, at: at() };
    let paid = [by_card(), start(), taken()];
    let waits = after(paid.clone().into_iter().chain([dispute(DisputeState::Open), part.clone()]));
    assert!(waits.refunds().is_empty());
    assert_eq!(waits.decide(part.clone()), Ok(vec![]), "it waits once");
    let kinds = |state| {
        let events = waits.decide(dispute(state)).unwrap();
        events.iter().map(<&'static str>::from).collect::<Vec<_>>()
    };
    assert_eq!(kinds(DisputeState::Won), ["DisputeClosed", "RefundStarted"]);
    assert_eq!(kinds(DisputeState::Lost), ["DisputeClosed"], "the bank has given all of it back");
    let back = after(paid.into_iter().chain([
        dispute(DisputeState::Open),
        part.clone(),
        dispute(DisputeState::Won),
    ]));
    assert_eq!(back.refunds()[0].amount, eur(575));
    assert_eq!(back.decide(part), Ok(vec![]));
    assert_eq!(back.decide(dispute(DisputeState::Won)), Ok(vec![]), "told twice is once");
}

#[test]
fn what_credit_paid_goes_back_to_the_credit_and_the_rest_by_the_charge() {
    let credit = |minor| {
        let place = PlaceOrder { credit: Some(eur(minor)), ..place(at()) };
        OrderCommand::Place(Box::new(place))
    };
    let part = || OrderCommand::RefundPart { refund: Uuid::from_u128(20), part: 27, of: 28, at: at() };
    let mixed = after([credit(150), start(), taken()]);
    let events = mixed.decide(part()).unwrap();
    let parts: Vec<(i64, &RefundVia)> = events
        .iter()
        .filter_map(|e| match e {
            OrderEvent::RefundStarted { amount, via, .. } => Some((amount.minor, via)),
            _ => None,
        })
        .collect();
    // 11.50 × 27 / 28 is 11.09: 10.00 by the card, 1.09 to the credit.
    assert!(matches!(parts[..], [(1000, RefundVia::Charge { .. }), (109, RefundVia::Credit)]), "{parts:?}");
    let all = after([credit(1150)]);
    let events = all.decide(part()).unwrap();
    assert_eq!(
        events.iter().map(<&'static str>::from).collect::<Vec<_>>(),
        ["RefundStarted", "RefundSucceeded"]
    );
    assert!(
        matches!(&events[0], OrderEvent::RefundStarted { via: RefundVia::Credit, amount, .. } if amount.minor == 1109)
    );
    // Paid by credit and by transfer, each goes back the way it came.
    let received = OrderCommand::RecordTransfer { received: eur(1000), at: at() };
    let by_bank = after([credit(150), received]);
    let events = by_bank.decide(part()).unwrap();
    let ways: Vec<(i64, &RefundVia)> = events
        .iter()
        .filter_map(|e| match e {
            OrderEvent::RefundStarted { amount, via, .. } => Some((amount.minor, via)),
            _ => None,
        })
        .collect();
    assert_eq!(ways, [(1000, &RefundVia::Transfer), (109, &RefundVia::Credit)]);
    let done = after([credit(150), start(), taken(), part()]);
    assert_eq!(done.decide(part()), Ok(vec![]), "once");
    assert_eq!(done.held_of_price(), 41);
}

#[test]
fn a_dispute_of_what_came_too_much_leaves_the_price_alone() {
    let start = |n| OrderCommand::StartAttempt {
        attempt: Uuid::from_u128(n),
        method: method(),
        present: false,
        at: at(),
    };
    let said = |n, outcome| OrderCommand::RecordOutcome { attempt: Uuid::from_u128(n), outcome, at: at() };
    let ok = || Outcome::Succeeded { gateway_reference: "ch".into() };
    let declined = Outcome::Declined { code: "insufficient_funds".into(), hard: false };
    let twice = [by_card(), start(5), said(5, declined), start(6), said(6, ok()), said(5, ok())];
    let order = after(twice);
    let events = order.decide(dispute(DisputeState::Lost)).unwrap();
    let too_much: Vec<bool> = events
        .iter()
        .map(|e| match e {
            OrderEvent::PaymentDisputed { too_much, .. } | OrderEvent::DisputeClosed { too_much, .. } => {
                *too_much
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(too_much, [true, true]);
    assert_eq!(order.held_of_price(), 1150);
    let open = after([by_card(), start(5), said(5, ok()), dispute(DisputeState::Open)]);
    assert!(open.price_in_dispute());
    assert_eq!(open.held_of_price(), 0, "nobody knows yet");
}
