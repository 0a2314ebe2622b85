use super::samples::{eur, method, place};
use super::*;
use crate::domain::shared::payment::{Outcome, RefundOutcome};
use crate::domain::shared::tax::Tax;
use chrono::{DateTime, Utc};
use cqrs_es::test::TestFramework;
use uuid::Uuid;

const ANNA: Uuid = Uuid::from_u128(50);
const BELA: Uuid = Uuid::from_u128(51);

fn at() -> DateTime<Utc> {
    "2026-11-27T10:00:00Z".parse().unwrap()
}

fn lapses() -> DateTime<Utc> {
    at() + chrono::TimeDelta::days(14)
}

fn placed() -> OrderCommand {
    OrderCommand::Place(Box::new(place(at())))
}

fn charge(n: u128) -> Vec<OrderCommand> {
    let method = method();
    let attempt = Uuid::from_u128(n);
    let outcome = Outcome::Succeeded { gateway_reference: format!("ch_{n}") };
    vec![
        OrderCommand::StartAttempt { attempt, method, present: false, at: at() },
        OrderCommand::RecordOutcome { attempt, outcome, at: at() },
    ]
}

fn transfer(minor: i64) -> OrderCommand {
    OrderCommand::RecordTransfer { received: eur(minor), at: at() }
}

fn ask(n: u128, of: RefundOf, way: RefundWay, minor: i64) -> OrderCommand {
    let refund = Uuid::from_u128(n);
    let second_person_over = 25_000;
    OrderCommand::AskRefund(AskRefund {
        refund,
        of,
        way,
        amount: eur(minor),
        by: ANNA,
        second_person_over,
        lapses_at: lapses(),
        at: at(),
    })
}

fn price(n: u128, minor: i64) -> OrderCommand {
    ask(n, RefundOf::Price, RefundWay::Gateway, minor)
}

fn said(n: u128, outcome: RefundOutcome) -> OrderCommand {
    OrderCommand::RecordRefund { refund: Uuid::from_u128(n), outcome, at: at() }
}

fn done() -> RefundOutcome {
    RefundOutcome::Succeeded { gateway_reference: "re_1".into() }
}

fn order(commands: impl IntoIterator<Item = OrderCommand>) -> (Order, Vec<OrderEvent>) {
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

fn paid() -> Vec<OrderCommand> {
    [vec![placed()], charge(1)].concat()
}

#[test]
fn parts_add_up_to_the_whole_and_never_exceed_it() {
    let (half, _) = order([paid(), vec![price(20, 1000), said(20, done())]].concat());
    assert_eq!(half.status(), Some(OrderStatus::Paid));
    assert_eq!(half.decide(price(21, 151)), Err(OrderError::RefundTooMuch(eur(150))));
    assert_eq!(half.decide(price(20, 1000)), Ok(vec![]), "the same refund twice is one");
    let (whole, events) =
        order([paid(), vec![price(20, 1000), said(20, done()), price(21, 150), said(21, done())]].concat());
    assert_eq!(whole.status(), Some(OrderStatus::Refunded));
    assert!(
        matches!(&events[events.len() - 2], OrderEvent::RefundSucceeded { before, .. } if *before == eur(1000))
    );
    assert_eq!(whole.decide(price(22, 1)), Err(OrderError::RefundTooMuch(eur(0))));
    assert_eq!(whole.decide(said(21, done())), Ok(vec![]), "the same answer twice is one refund");
}

#[test]
fn one_under_way_holds_its_part_and_a_refused_one_frees_it() {
    let (open, _) = order([paid(), vec![price(20, 1150)]].concat());
    assert_eq!(open.decide(price(21, 1)), Err(OrderError::RefundTooMuch(eur(0))));
    let refused = RefundOutcome::Refused { code: "exceeds_charge".into() };
    let (free, _) = order([paid(), vec![price(20, 1150), said(20, refused)]].concat());
    assert_eq!(free.refundable(RefundOf::Price), 1150);
}

#[test]
fn what_was_not_paid_or_not_charged_does_not_go_back() {
    let given = |commands: Vec<OrderCommand>| TestFramework::<Order>::with(()).given(order(commands).1);
    given(vec![placed()]).when(price(20, 1)).then_expect_error(OrderError::NotPaid);
    given(paid()).when(price(20, 0)).then_expect_error(OrderError::RefundAmount);
    given(paid())
        .when(ask(20, RefundOf::Overpayment, RefundWay::Transfer, 1))
        .then_expect_error(OrderError::RefundTooMuch(eur(0)));
    given(vec![placed(), transfer(1150)]).when(price(20, 100)).then_expect_error(OrderError::NoCharge);
    // Part came by transfer: the card gets back only what it gave.
    let mixed = [vec![placed(), transfer(150)], charge(1)].concat();
    given(mixed.clone()).when(price(20, 1001)).then_expect_error(OrderError::RefundTooMuch(eur(1000)));
    let (by_hand, _) = order([mixed, vec![ask(20, RefundOf::Price, RefundWay::Transfer, 1150)]].concat());
    assert_eq!(by_hand.refundable(RefundOf::Price), 0);
}

#[test]
fn what_came_too_much_goes_back_without_touching_the_price() {
    let (twice, _) = order([paid(), vec![transfer(1150)]].concat());
    assert_eq!((twice.refundable(RefundOf::Price), twice.refundable(RefundOf::Overpayment)), (1150, 1150));
    assert_eq!(
        twice.decide(ask(20, RefundOf::Overpayment, RefundWay::Gateway, 5)),
        Err(OrderError::NoCharge),
        "it did not come by card"
    );
    let back = ask(20, RefundOf::Overpayment, RefundWay::Transfer, 1150);
    let (returned, events) = order([paid(), vec![transfer(1150), back, said(20, done())]].concat());
    assert_eq!(returned.status(), Some(OrderStatus::Paid), "the order stays paid");
    assert!(!events.iter().any(|e| matches!(e, OrderEvent::OrderRefunded { .. })));
}

#[test]
fn above_the_limit_a_second_person_decides() {
    let proposed = |minor| {
        let command = OrderCommand::AskRefund(AskRefund {
            refund: Uuid::from_u128(20),
            of: RefundOf::Price,
            way: RefundWay::Gateway,
            amount: eur(minor),
            by: ANNA,
            second_person_over: 500,
            lapses_at: lapses(),
            at: at(),
        });
        order([paid(), vec![command]].concat())
    };
    let kind = |events: &[OrderEvent]| -> &'static str { events.last().unwrap().into() };
    assert_eq!(kind(&proposed(500).1), "RefundStarted");
    let (waiting, events) = proposed(501);
    assert_eq!(kind(&events), "RefundProposed");
    let decide =
        |approve, by| OrderCommand::DecideRefund { refund: Uuid::from_u128(20), approve, by, at: at() };
    assert_eq!(waiting.decide(decide(true, ANNA)), Err(OrderError::SamePerson));
    let buyer = decide(true, Uuid::from_u128(1));
    assert_eq!(waiting.decide(buyer), Err(OrderError::OwnGain), "nor the one who gets it");
    assert_eq!(waiting.decide(said(20, done())), Err(OrderError::RefundUndecided));
    assert_eq!(kind(&waiting.decide(decide(true, BELA)).unwrap()), "RefundStarted");
    assert_eq!(kind(&waiting.decide(decide(false, BELA)).unwrap()), "RefundRejected");
    assert_eq!(kind(&waiting.decide(decide(false, ANNA)).unwrap()), "RefundRejected", "one may take it back");
}

#[test]
fn a_sum_in_parts_is_as_large_and_a_proposal_lapses_at_its_instant() {
    let part = |n, minor| {
        OrderCommand::AskRefund(AskRefund {
            refund: Uuid::from_u128(n),
            of: RefundOf::Price,
            way: RefundWay::Gateway,
            amount: eur(minor),
            by: ANNA,
            second_person_over: 500,
            lapses_at: lapses(),
            at: at(),
        })
    };
    let kinds = |commands: Vec<OrderCommand>| -> Vec<&'static str> {
        order([paid(), commands].concat()).1.iter().skip(4).map(Into::into).collect()
    };
    let first = paid().len();
    assert_eq!(order(paid()).1.len(), 4, "{first} commands");
    assert_eq!(kinds(vec![part(20, 499), part(21, 1)]), ["RefundStarted", "RefundStarted"]);
    assert_eq!(kinds(vec![part(20, 499), part(21, 2)]), ["RefundStarted", "RefundProposed"]);
    // What was refused is given back to nobody, and what a second person agreed to was not decided alone.
    let refused = said(20, RefundOutcome::Refused { code: "no".into() });
    assert_eq!(kinds(vec![part(20, 500), refused, part(21, 500)]).last(), Some(&"RefundStarted"));
    let agree = |at| OrderCommand::DecideRefund { refund: Uuid::from_u128(20), approve: true, by: BELA, at };
    assert_eq!(kinds(vec![part(20, 501), agree(at()), part(21, 500)]).last(), Some(&"RefundStarted"));

    let (waiting, _) = order([paid(), vec![part(20, 501)]].concat());
    let before = lapses() - chrono::TimeDelta::milliseconds(1);
    let lapse = |at| OrderCommand::LapseRefund { refund: Uuid::from_u128(20), at };
    assert!(waiting.decide(agree(before)).is_ok());
    assert_eq!(waiting.decide(agree(lapses())), Err(OrderError::RefundLapsed));
    assert_eq!(waiting.decide(lapse(before)), Ok(vec![]));
    let (lapsed, _) = order([paid(), vec![part(20, 501), lapse(lapses())]].concat());
    assert_eq!(lapsed.refundable(RefundOf::Price), 1150, "it holds nothing back");
    assert_eq!(lapsed.decide(lapse(lapses())), Ok(vec![]));
    assert_eq!(lapsed.decide(agree(at())), Err(OrderError::RefundLapsed));
    assert_eq!(lapsed.decide(said(20, done())), Err(OrderError::RefundUndecided));
}

#[test]
fn a_lost_answer_is_looked_up_and_then_parked_and_staff_may_still_say() {
    let (mut order, _) = order([paid(), vec![price(20, 1150)]].concat());
    for n in 0..9 {
        let event = order.decide(said(20, RefundOutcome::Unknown)).unwrap().remove(0);
        let kind: &'static str = (&event).into();
        assert_eq!(kind, if n < 8 { "RefundOutcomeUnknown" } else { "RefundParked" });
        order.apply(event);
    }
    assert_eq!(order.decide(said(20, RefundOutcome::Unknown)), Ok(vec![]));
    assert_eq!(order.decide(said(20, done())).unwrap().len(), 2);
}

#[test]
fn what_was_refused_can_be_settled_otherwise_and_waits_for_nobody_then() {
    let dismiss = || OrderCommand::DismissRefund { refund: Uuid::from_u128(20), by: ANNA, at: at() };
    let refused = || said(20, RefundOutcome::Refused { code: "no".into() });
    let (started, _) = order([paid(), vec![price(20, 1150)]].concat());
    assert_eq!(started.decide(dismiss()), Err(OrderError::RefundNotRefused), "it may yet go back");
    let (order, events) = order([paid(), vec![price(20, 1150), refused(), dismiss()]].concat());
    assert!(matches!(events.last(), Some(OrderEvent::RefundDismissed { by, .. }) if *by == ANNA));
    assert_eq!(order.decide(dismiss()), Ok(vec![]));
    assert_eq!(order.decide(said(20, done())), Ok(vec![]), "what the gateway says later changes nothing");
    assert_eq!(order.refundable(RefundOf::Price), 1150, "it can be asked for again");
}

#[test]
fn events_keep_their_form() {
    let (_, mut all) = order([paid(), vec![price(20, 1150), said(20, done())]].concat());
    let refund = Uuid::from_u128(21);
    all.drain(..all.len() - 3);
    all.extend([
        OrderEvent::RefundProposed {
            refund,
            of: RefundOf::Overpayment,
            via: RefundVia::Transfer,
            amount: eur(30_000),
            by: ANNA,
            limit: eur(25_000),
            lapses_at: Some(lapses()),
            at: at(),
        },
        OrderEvent::RefundLapsed { refund, at: lapses() },
        OrderEvent::RefundRejected { refund, by: BELA, at: at() },
        OrderEvent::RefundRefused { refund, code: "exceeds_charge".into(), at: at() },
        OrderEvent::RefundDismissed { refund, by: ANNA, at: at() },
        OrderEvent::RefundOutcomeUnknown { refund, lookups: 0, look_again_at: at(), at: at() },
        OrderEvent::RefundParked { refund, lookups: 8, at: at() },
    ]);
    insta::assert_json_snapshot!(all);
}

proptest::proptest! {
    #[test]
    fn whatever_is_asked_no_more_goes_back_than_came(
        steps in proptest::collection::vec((1_u128..6, 0_u8..7, 1_i64..1300), 0..40)
    ) {
        let (mut order, _) = order([paid(), vec![transfer(400)]].concat());
        let (mut of_price, mut of_over, mut came_back) = (0, 0, 0);
        for (n, what, minor) in steps {
            let command = match what {
                0 => price(n, minor),
                1 => ask(n, RefundOf::Price, RefundWay::Transfer, minor),
                2 => ask(n, RefundOf::Overpayment, RefundWay::Transfer, minor),
                3 => said(n, done()),
                4 => said(n, RefundOutcome::Unknown),
                5 => said(n, RefundOutcome::Refused { code: "x".into() }),
                _ => OrderCommand::DecideRefund { refund: Uuid::from_u128(n), approve: true, by: BELA, at: at() },
            };
            for event in order.decide(command).unwrap_or_default() {
                if let OrderEvent::RefundSucceeded { of, amount, before, .. } = &event {
                    let sum = if *of == RefundOf::Price { &mut of_price } else { &mut of_over };
                    proptest::prop_assert_eq!(*sum, before.minor);
                    *sum += amount.minor;
                }
                if let OrderEvent::OrderOverpaid { over, .. } = &event {
                    came_back += over.minor;
                }
                order.apply(event);
            }
        }
        // What came back counts as too much, and may go again; all in all no more leaves than came.
        proptest::prop_assert!(of_price <= 1150 && of_over <= 400 + came_back);
        proptest::prop_assert!(of_price + of_over - came_back <= 1550);
        proptest::prop_assert_eq!(order.status() == Some(OrderStatus::Refunded), of_price == 1150);
    }
}

#[test]
fn a_part_to_which_the_buyer_has_a_right_goes_back_without_a_second_person() {
    let part = |part, of| OrderCommand::RefundPart { refund: Uuid::from_u128(77), part, of, at: at() };
    let paid = [vec![placed()], charge(1)].concat();
    let amount = |given: Vec<OrderCommand>, command| {
        let mut order = Order::default();
        for command in given {
            order.decide(command).unwrap().into_iter().for_each(|e| order.apply(e));
        }
        match order.decide(command).unwrap().as_slice() {
            [OrderEvent::RefundStarted { amount, approved_by: None, by, .. }] => {
                assert_eq!(*by, Uuid::from_u128(1), "the buyer");
                Some(amount.minor)
            }
            [] => None,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(amount(paid.clone(), part(21, 28)), Some(863), "862.5, half up");
    assert_eq!(amount(paid.clone(), part(1, 1)), Some(1150));
    assert_eq!(amount(paid.clone(), part(9, 1)), Some(1150), "never more than was paid");
    assert_eq!(amount(paid.clone(), part(0, 1)), None);
    assert_eq!(amount(vec![placed()], part(1, 2)), None, "nothing was paid");
    assert_eq!(amount([paid, vec![part(1, 2)]].concat(), part(1, 2)), None, "once");
}

#[test]
fn a_withdrawal_takes_the_place_of_what_waits_for_a_second_person() {
    let part = |part, of| OrderCommand::RefundPart { refund: Uuid::from_u128(77), part, of, at: at() };
    let big = |given: Vec<OrderCommand>| {
        let mut place = place(at());
        place.tax = Tax { gross: eur(30_000), ..place.tax };
        place.items[0].unit = eur(30_000);
        let all = [vec![OrderCommand::Place(Box::new(place))], charge(1), given].concat();
        let mut order = Order::default();
        for command in all {
            order.decide(command).unwrap().into_iter().for_each(|e| order.apply(e));
        }
        order
    };
    let held = |n, minor| ask(n, RefundOf::Price, RefundWay::Gateway, minor);
    // The whole price waits for a colleague; the member has a right to most of it.
    let mut order = big(vec![held(20, 30_000)]);
    assert_eq!(order.part_going_back((364, 365)), 29_918);
    let events = order.decide(part(364, 365)).unwrap();
    assert_eq!(
        events.iter().map(<&'static str>::from).collect::<Vec<_>>(),
        ["RefundRejected", "RefundStarted"]
    );
    events.into_iter().for_each(|e| order.apply(e));
    assert_eq!((order.refundable(RefundOf::Price), order.part_going_back((1, 1))), (82, 82));
    let decide =
        |approve| OrderCommand::DecideRefund { refund: Uuid::from_u128(20), approve, by: BELA, at: at() };
    assert_eq!(order.decide(decide(false)), Ok(vec![]), "a colleague who turns it down takes nothing away");
    assert_eq!(order.decide(decide(true)), Err(OrderError::RefundDecided), "nor is it paid twice");
    // 200 went back, 40 are on their way, 60 wait: 60 are left for the member, and never more.
    let by_hand = ask(22, RefundOf::Price, RefundWay::Transfer, 4000);
    let order = big(vec![held(21, 20_000), said(21, done()), by_hand, held(23, 6000)]);
    let events = order.decide(part(1, 1)).unwrap();
    let [OrderEvent::RefundRejected { .. }, OrderEvent::RefundStarted { amount, .. }] = events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert_eq!(*amount, eur(6000));
}

fn dispute(state: DisputeState) -> OrderCommand {
    OrderCommand::RecordDispute {
        report: DisputeReport {
            dispute: "dp_1".into(),
            attempt: Uuid::from_u128(1),
            amount: eur(1150),
            reason: "fraudulent".into(),
            state,
        },
        at: at(),
    }
}

#[test]
fn a_dispute_is_written_down_once_and_so_is_its_end() {
    let decide = |given: Vec<OrderCommand>, command| {
        let mut order = Order::default();
        for command in given {
            order.decide(command).unwrap().into_iter().for_each(|e| order.apply(e));
        }
        order.decide(command).map(|events| events.iter().map(<&'static str>::from).collect::<Vec<_>>())
    };
    let paid = [vec![placed()], charge(1)].concat();
    assert_eq!(decide(vec![placed()], dispute(DisputeState::Open)), Err(OrderError::NoAttempt));
    assert_eq!(decide(paid.clone(), dispute(DisputeState::Open)), Ok(vec!["PaymentDisputed"]));
    assert_eq!(
        decide(paid.clone(), dispute(DisputeState::Lost)),
        Ok(vec!["PaymentDisputed", "DisputeClosed"])
    );
    let open = [paid, vec![dispute(DisputeState::Open)]].concat();
    assert_eq!(decide(open.clone(), dispute(DisputeState::Open)), Ok(vec![]));
    assert_eq!(decide(open.clone(), dispute(DisputeState::Won)), Ok(vec!["DisputeClosed"]));
    let refund = |n| ask(n, RefundOf::Price, RefundWay::Transfer, 1150);
    assert_eq!(decide(open.clone(), refund(5)), Err(OrderError::Disputed));
    let won = [open.clone(), vec![dispute(DisputeState::Won)]].concat();
    assert_eq!(decide(won.clone(), dispute(DisputeState::Lost)), Ok(vec![]), "what is decided stays");
    assert_eq!(decide(won, refund(5)), Ok(vec!["RefundStarted"]));
    let lost = [open, vec![dispute(DisputeState::Lost)]].concat();
    assert_eq!(decide(lost, refund(5)), Err(OrderError::RefundTooMuch(eur(0))), "the money is gone already");
}

#[test]
fn events_of_disputes_keep_their_form() {
    let (mut order, mut log) = (Order::default(), vec![]);
    let commands = [vec![placed()], charge(1), vec![dispute(DisputeState::Lost)]].concat();
    for command in commands {
        for event in order.decide(command).unwrap() {
            order.apply(event.clone());
            log.push(event);
        }
    }
    insta::assert_json_snapshot!(&log[log.len() - 2..]);
}
