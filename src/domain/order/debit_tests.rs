use super::samples::{eur, place};
use super::*;
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

fn at() -> DateTime<Utc> {
    "2026-11-29T10:00:00Z".parse().unwrap()
}

fn placed() -> OrderCommand {
    let settlement = Settlement::Transfer { iban: "NL02ABNA0123456789".into(), reference: "RF".into() };
    OrderCommand::Place(Box::new(PlaceOrder { settlement, ..place(at()) }))
}

fn sent(file: u128) -> OrderCommand {
    let collect_on: NaiveDate = "2026-12-07".parse().unwrap();
    let (file, mandate) = (Uuid::from_u128(file), Uuid::from_u128(70));
    OrderCommand::SendDebit { file, mandate, amount: eur(1150), collect_on, at: at() }
}

fn came(minor: i64) -> OrderCommand {
    OrderCommand::RecordTransfer { received: eur(minor), at: at() }
}

fn back() -> OrderCommand {
    OrderCommand::RecordDebitReturn { reason: "AM04".into(), at: at() }
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

fn last(events: &[OrderEvent]) -> (i64, bool) {
    match events.last() {
        Some(OrderEvent::DirectDebitReturned { taken_back, reopened, .. }) => (taken_back.minor, *reopened),
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_stands_in_one_file_only() {
    let (waiting, _) = order(vec![placed(), sent(90)]);
    assert_eq!(waiting.decide(sent(90)), Ok(vec![]));
    assert_eq!(waiting.decide(sent(91)), Err(OrderError::DebitSent));
    let (returned, _) = order(vec![placed(), sent(90), back()]);
    assert_eq!(returned.decide(sent(91)), Err(OrderError::DebitSent), "not a second time");
}

#[test]
fn a_return_opens_what_was_settled_by_it_and_it_can_be_paid_again() {
    let (open, events) = order(vec![placed(), sent(90), came(1150), back()]);
    assert_eq!((open.status(), last(&events)), (Some(OrderStatus::Created), (1150, true)));
    assert_eq!(open.decide(back()), Ok(vec![]), "once");
    assert_eq!(open.refundable(RefundOf::Price), 0, "there is nothing to give back");
    let (again, _) = order(vec![placed(), sent(90), came(1150), back(), came(1150)]);
    assert_eq!(again.status(), Some(OrderStatus::Paid));
    // Before it was booked nothing had come.
    let (early, events) = order(vec![placed(), sent(90), back()]);
    assert_eq!((early.status(), last(&events)), (Some(OrderStatus::Created), (0, false)));
    assert_eq!(order(vec![placed()]).0.decide(back()), Err(OrderError::NoDebit));
}

#[test]
fn what_was_to_go_back_and_was_not_sent_is_not_sent_when_the_debit_comes_back() {
    let part = || OrderCommand::RefundPart { refund: Uuid::from_u128(20), part: 1, of: 2, at: at() };
    let (open, events) = order(vec![placed(), sent(90), came(1150), part(), back()]);
    let kinds: Vec<&str> = events.iter().map(<&'static str>::from).collect();
    assert_eq!(kinds[kinds.len() - 2..], ["DirectDebitReturned", "RefundRefused"]);
    assert_eq!((open.status(), open.refunds()[0].state), (Some(OrderStatus::Created), RefundState::Refused));
    let sent_late = OrderCommand::RecordRefund {
        refund: Uuid::from_u128(20),
        outcome: crate::domain::shared::payment::RefundOutcome::Succeeded { gateway_reference: "7".into() },
        at: at(),
    };
    assert_eq!(open.decide(sent_late), Ok(vec![]), "it is not said to be sent any more");
}

#[test]
fn what_went_back_before_the_debit_came_back_goes_back_no_second_time() {
    let part = || OrderCommand::RefundPart { refund: Uuid::from_u128(20), part: 1, of: 2, at: at() };
    let gone = || OrderCommand::RecordRefund {
        refund: Uuid::from_u128(20),
        outcome: crate::domain::shared::payment::RefundOutcome::Succeeded { gateway_reference: "7".into() },
        at: at(),
    };
    let cancel = OrderCommand::Cancel { cause: "subscription-cancelled".into(), at: at() };
    // Half of the price went back; then the bank took all of it back, and 3.00 came again by transfer.
    let history = vec![placed(), sent(90), came(1150), part(), gone(), back(), came(300)];
    let (open, _) = order(history);
    let events = open.decide(cancel).unwrap();
    assert_eq!(events.iter().map(<&'static str>::from).collect::<Vec<_>>(), ["OrderCancelled"]);
}

fn rejected() -> OrderCommand {
    OrderCommand::RecordDebitRejection { reason: "AC04".into(), at: at() }
}

#[test]
fn a_rejection_takes_no_money_off_and_what_is_booked_all_the_same_can_still_come_back() {
    assert_eq!(order(vec![placed()]).0.decide(rejected()), Err(OrderError::NoDebit));
    let (open, _) = order(vec![placed(), sent(90), rejected()]);
    assert!(open.is_open() && open.debit().is_some_and(|d| d.rejected && !d.returned));
    assert_eq!(open.decide(rejected()), Ok(vec![]), "once");
    assert_eq!(open.decide(sent(91)), Err(OrderError::DebitSent), "not a second time");
    // Paid by a transfer of the member's own: that stays.
    let (paid, _) = order(vec![placed(), sent(90), came(1150), rejected()]);
    assert_eq!(paid.status(), Some(OrderStatus::Paid));
    // Banks that book the whole batch take back what they did not collect: the statement says so.
    let (gross, events) = order(vec![placed(), sent(90), rejected(), came(1150), back()]);
    assert_eq!((gross.status(), last(&events)), (Some(OrderStatus::Created), (1150, true)));
    assert_eq!(gross.decide(rejected()), Ok(vec![]), "it is known");
}

#[test]
fn events_keep_their_form() {
    let (_, all) = order(vec![placed(), sent(90), rejected(), came(1150), back()]);
    let debits: Vec<&OrderEvent> = all
        .iter()
        .filter(|e| {
            matches!(
                e,
                OrderEvent::DirectDebitSent { .. }
                    | OrderEvent::DirectDebitRejected { .. }
                    | OrderEvent::DirectDebitReturned { .. }
            )
        })
        .collect();
    insta::assert_json_snapshot!(debits);
}
