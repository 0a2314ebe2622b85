use super::*;
use crate::domain::shared::{Currency, Money};
use chrono::{DateTime, Utc};
use cqrs_es::test::TestFramework;
use uuid::Uuid;

type Credits = TestFramework<Credit>;

fn at() -> DateTime<Utc> {
    "2026-11-29T10:00:00Z".parse().unwrap()
}

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::eur())
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::parse("USD").unwrap())
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

const SUBSCRIPTION: Uuid = Uuid::from_u128(2);

fn grant(refund: u128, amount: Money) -> CreditCommand {
    let (refund, order) = (id(refund), id(9));
    CreditCommand::Grant { refund, order, subscription: SUBSCRIPTION, amount, at: at() }
}

fn granted(refund: u128, amount: Money, balance: Money) -> CreditEvent {
    let (refund, order) = (id(refund), id(9));
    CreditEvent::CreditGranted { refund, order, subscription: SUBSCRIPTION, amount, balance, at: at() }
}

fn use_for(order: u128, most: Money) -> CreditCommand {
    CreditCommand::Use { id: id(order), order: id(order), subscription: SUBSCRIPTION, most, at: at() }
}

fn used(order: u128, amount: Money, balance: Money) -> CreditEvent {
    CreditEvent::CreditUsed {
        order: id(order),
        subscription: SUBSCRIPTION,
        later: None,
        amount,
        balance,
        at: at(),
    }
}

fn back(order: u128) -> CreditCommand {
    CreditCommand::GiveBack { order: id(order), later: None, at: at() }
}

fn given_back(order: u128, amount: Money, balance: Money) -> CreditEvent {
    CreditEvent::CreditGivenBack {
        order: id(order),
        subscription: SUBSCRIPTION,
        later: None,
        amount,
        balance,
        at: at(),
    }
}

fn pay_out(payout: u128, amount: Money) -> CreditCommand {
    CreditCommand::PayOut { payout: id(payout), amount, by: id(50), at: at() }
}

fn started(payout: u128, amount: Money, balance: Money) -> CreditEvent {
    let (payout, by) = (id(payout), id(50));
    CreditEvent::CreditPayOutStarted { payout, subscription: SUBSCRIPTION, amount, balance, by, at: at() }
}

fn settle(payout: u128, reference: Option<&str>) -> CreditCommand {
    CreditCommand::SettlePayOut { payout: id(payout), reference: reference.map(Into::into), at: at() }
}

fn sent(payout: u128, amount: Money) -> CreditEvent {
    let (payout, reference) = (id(payout), "B-7".into());
    CreditEvent::CreditPaidOut { payout, subscription: SUBSCRIPTION, amount, reference, at: at() }
}

fn dropped(payout: u128, amount: Money, balance: Money) -> CreditEvent {
    let payout = id(payout);
    CreditEvent::CreditPayOutDropped { payout, subscription: SUBSCRIPTION, amount, balance, at: at() }
}

#[test]
fn each_refund_is_granted_once_and_they_add_up() {
    Credits::with(()).given_no_previous_events().when(grant(1, eur(300))).then_expect_events(vec![granted(
        1,
        eur(300),
        eur(300),
    )]);
    let one = || vec![granted(1, eur(300), eur(300))];
    Credits::with(()).given(one()).when(grant(1, eur(300))).then_expect_events(vec![]);
    Credits::with(()).given(one()).when(grant(2, eur(50))).then_expect_events(vec![granted(
        2,
        eur(50),
        eur(350),
    )]);
    Credits::with(())
        .given_no_previous_events()
        .when(grant(1, eur(0)))
        .then_expect_error(CreditError::Amount);
}

#[test]
fn an_order_takes_what_there_is_but_not_more_than_it_asks_for() {
    let one = || vec![granted(1, eur(300), eur(300))];
    Credits::with(()).given(one()).when(use_for(5, eur(1150))).then_expect_events(vec![used(
        5,
        eur(300),
        eur(0),
    )]);
    Credits::with(()).given(one()).when(use_for(5, eur(100))).then_expect_events(vec![used(
        5,
        eur(100),
        eur(200),
    )]);
    Credits::with(()).given(one()).when(use_for(5, eur(300))).then_expect_events(vec![used(
        5,
        eur(300),
        eur(0),
    )]);
    Credits::with(()).given_no_previous_events().when(use_for(5, eur(100))).then_expect_events(vec![]);
    let spent = || vec![granted(1, eur(300), eur(300)), used(5, eur(100), eur(200))];
    Credits::with(()).given(spent()).when(use_for(5, eur(100))).then_expect_events(vec![]);
}

#[test]
fn a_credit_pays_in_its_own_currency_only() {
    let euro = || vec![granted(1, eur(300), eur(300))];
    Credits::with(()).given(euro()).when(use_for(5, usd(100))).then_expect_events(vec![]);
    Credits::with(()).given(euro()).when(pay_out(1, usd(1))).then_expect_error(CreditError::TooMuch(usd(0)));
    let both = vec![granted(1, eur(300), eur(300)), granted(2, usd(200), usd(200))];
    Credits::with(()).given(both).when(use_for(5, usd(500))).then_expect_events(vec![used(
        5,
        usd(200),
        usd(0),
    )]);
}

#[test]
fn what_was_set_aside_comes_back_once() {
    let spent = || vec![granted(1, eur(300), eur(300)), used(5, eur(100), eur(200))];
    Credits::with(()).given(spent()).when(back(5)).then_expect_events(vec![given_back(
        5,
        eur(100),
        eur(300),
    )]);
    let twice = [spent(), vec![given_back(5, eur(100), eur(300))]].concat();
    Credits::with(()).given(twice.clone()).when(back(5)).then_expect_events(vec![]);
    Credits::with(()).given(twice).when(use_for(5, eur(100))).then_expect_events(vec![]);
    Credits::with(()).given(spent()).when(back(6)).then_expect_events(vec![]);
}

#[test]
fn an_open_order_can_take_more_and_what_it_does_not_take_comes_back_alone() {
    let later = |n: u128, amount, balance| match used(5, amount, balance) {
        CreditEvent::CreditUsed { order, subscription, amount, balance, at, .. } => {
            CreditEvent::CreditUsed { order, subscription, later: Some(id(n)), amount, balance, at }
        }
        other => other,
    };
    let more = |n: u128| CreditCommand::Use {
        id: id(n),
        order: id(5),
        subscription: SUBSCRIPTION,
        most: eur(150),
        at: at(),
    };
    let given = || vec![granted(1, eur(300), eur(300)), used(5, eur(100), eur(200))];
    Credits::with(()).given(given()).when(more(70)).then_expect_events(vec![later(70, eur(150), eur(50))]);
    let twice = || [given(), vec![later(70, eur(150), eur(50))]].concat();
    Credits::with(()).given(twice()).when(more(70)).then_expect_events(vec![]);
    let alone = CreditEvent::CreditGivenBack {
        order: id(5),
        subscription: SUBSCRIPTION,
        later: Some(id(70)),
        amount: eur(150),
        balance: eur(200),
        at: at(),
    };
    let back_alone = CreditCommand::GiveBack { order: id(5), later: Some(id(70)), at: at() };
    Credits::with(()).given(twice()).when(back_alone.clone()).then_expect_events(vec![alone.clone()]);
    Credits::with(()).given(twice()).when(back(5)).then_expect_events(vec![given_back(
        5,
        eur(250),
        eur(300),
    )]);
    let mut credit = Credit::default();
    [twice(), vec![alone]].concat().into_iter().for_each(|e| credit.apply(e));
    assert_eq!(credit.used_for(id(5)), Some(eur(100)), "what it had before stays");
    assert_eq!(credit.decide(back_alone), Ok(vec![]), "once");
}

#[test]
fn what_is_paid_out_is_gone_at_once_and_back_if_it_was_not_sent() {
    let one = || vec![granted(1, eur(300), eur(300))];
    Credits::with(())
        .given(one())
        .when(pay_out(7, eur(301)))
        .then_expect_error(CreditError::TooMuch(eur(300)));
    Credits::with(()).given(one()).when(pay_out(7, eur(0))).then_expect_error(CreditError::Amount);
    Credits::with(()).given(one()).when(pay_out(7, eur(300))).then_expect_events(vec![started(
        7,
        eur(300),
        eur(0),
    )]);
    let going = || vec![granted(1, eur(300), eur(300)), started(7, eur(200), eur(100))];
    Credits::with(()).given(going()).when(pay_out(7, eur(200))).then_expect_events(vec![]);
    Credits::with(()).given(going()).when(pay_out(7, eur(100))).then_expect_error(CreditError::Exists);
    Credits::with(()).given(going()).when(use_for(5, eur(500))).then_expect_events(vec![used(
        5,
        eur(100),
        eur(0),
    )]);
    Credits::with(()).given(going()).when(settle(7, Some("B-7"))).then_expect_events(vec![sent(7, eur(200))]);
    Credits::with(()).given(going()).when(settle(7, None)).then_expect_events(vec![dropped(
        7,
        eur(200),
        eur(300),
    )]);
    let gone = || [going(), vec![sent(7, eur(200))]].concat();
    Credits::with(()).given(gone()).when(settle(7, Some("B-8"))).then_expect_events(vec![]);
    Credits::with(()).given(gone()).when(settle(7, None)).then_expect_error(CreditError::Settled);
    Credits::with(()).given(gone()).when(settle(8, None)).then_expect_error(CreditError::NoPayout);
}

fn handed_over(amount: Money) -> CreditEvent {
    let balance = Money::new(0, amount.currency);
    CreditEvent::CreditHandedOver { to: id(60), subscription: SUBSCRIPTION, amount, balance, at: at() }
}

fn taken_over(n: u128, amount: Money, balance: Money) -> CreditEvent {
    let (id, from) = (id(n), id(61));
    CreditEvent::CreditTakenOver { id, from, subscription: SUBSCRIPTION, amount, balance, at: at() }
}

#[test]
fn everything_goes_to_the_other_account_of_the_person_and_comes_there_once() {
    let go = || CreditCommand::MoveTo { to: id(60), at: at() };
    Credits::with(()).given(vec![]).when(go()).then_expect_events(vec![]);
    let there =
        || vec![granted(1, eur(300), eur(300)), granted(2, usd(70), usd(70)), used(5, eur(100), eur(200))];
    let gone = || vec![handed_over(eur(200)), handed_over(usd(70))];
    Credits::with(()).given(there()).when(go()).then_expect_events(gone());
    let empty = || [there(), gone()].concat();
    Credits::with(()).given(empty()).when(go()).then_expect_events(vec![]);
    Credits::with(()).given(empty()).when(use_for(6, eur(10))).then_expect_events(vec![]);
    // What an order gives back later is here again, and goes the same way.
    Credits::with(()).given(empty()).when(back(5)).then_expect_events(vec![given_back(
        5,
        eur(100),
        eur(100),
    )]);
    let take = |n, amount| CreditCommand::TakeOver {
        id: id(n),
        from: id(61),
        subscription: SUBSCRIPTION,
        amount,
        at: at(),
    };
    let had = || vec![granted(1, eur(50), eur(50))];
    Credits::with(()).given(had()).when(take(70, eur(200))).then_expect_events(vec![taken_over(
        70,
        eur(200),
        eur(250),
    )]);
    let both = [had(), vec![taken_over(70, eur(200), eur(250))]].concat();
    Credits::with(()).given(both).when(take(70, eur(200))).then_expect_events(vec![]);
    Credits::with(()).given(had()).when(take(70, eur(0))).then_expect_error(CreditError::Amount);
}

#[test]
fn events_keep_their_form() {
    insta::assert_json_snapshot!([
        granted(1, eur(300), eur(300)),
        used(5, eur(100), eur(200)),
        given_back(5, eur(100), eur(300)),
        started(7, eur(200), eur(100)),
        sent(7, eur(200)),
        dropped(7, eur(200), eur(300)),
        handed_over(eur(300)),
        taken_over(70, eur(300), eur(300)),
    ]);
}
