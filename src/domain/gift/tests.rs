use super::*;
use crate::domain::shared::calendar::{Interval, IntervalUnit, Zone};
use crate::domain::shared::payment::PaymentMethod;
use crate::domain::shared::tax::Country;
use crate::domain::shared::{Currency, Money, PersonalRef};
use chrono::{DateTime, NaiveDate, TimeZone, Utc};
use cqrs_es::test::TestFramework;
use uuid::Uuid;

type Gifts = TestFramework<Gift>;

fn at() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2027, 12, 20, 12, 0, 0).unwrap()
}

fn today() -> NaiveDate {
    at().date_naive()
}

fn person(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn personal(field: &str, n: u128) -> PersonalRef {
    PersonalRef { subject: person(1), field: field.into(), version: Uuid::from_u128(n) }
}

fn card() -> PaymentMethod {
    let label = personal("payment_method", 4);
    PaymentMethod { gateway: "sandbox".into(), token: "sbx_1".into(), label, expires_on: None }
}

fn given(unit: IntervalUnit, length: u16) -> Given {
    Given {
        plan: Uuid::from_u128(21),
        variation: Uuid::from_u128(22),
        plan_name: "Studio".into(),
        interval: Interval::new(unit, length).unwrap(),
        price: Money::new(1150, Currency::eur()),
    }
}

fn wish(given: Given, valid_days: Option<u32>) -> GiftCommand {
    GiftCommand::Order(Box::new(OrderGift {
        gift: person(7),
        buyer: person(1),
        given,
        country: Country::from_letters(*b"NL"),
        billing: personal("billing_address", 5),
        recipient: Some(personal("gift_recipient", 6)),
        method: Some(card()),
        valid_days,
        at: at(),
    }))
}

fn ordered_with(valid_days: Option<u32>) -> GiftEvent {
    Gift::default().decide(wish(given(IntervalUnit::Month, 1), valid_days)).unwrap().remove(0)
}

fn ordered() -> GiftEvent {
    ordered_with(None)
}

fn paid() -> GiftEvent {
    GiftEvent::GiftPaid { at: at(), last_day: None }
}

fn redeemed(n: u128) -> GiftEvent {
    GiftEvent::GiftRedeemed { by: person(n), at: at() }
}

fn used() -> GiftEvent {
    GiftEvent::GiftUsed { used: GiftUse::Access, at: at() }
}

fn withdrawn(paid: bool) -> GiftEvent {
    GiftEvent::GiftWithdrawn { by: Some(person(9)), paid, by_right: false, at: at() }
}

fn redeem(n: u128, today: NaiveDate) -> GiftCommand {
    GiftCommand::Redeem { by: person(n), today, at: at() }
}

fn withdraw() -> GiftCommand {
    GiftCommand::Withdraw { by: person(9), at: at() }
}

#[test]
fn a_year_at_most_is_given_at_once() {
    for (unit, length, fits) in [
        (IntervalUnit::Year, 1, true),
        (IntervalUnit::Month, 12, true),
        (IntervalUnit::Week, 52, true),
        (IntervalUnit::Day, 366, true),
        (IntervalUnit::Day, 367, false),
        (IntervalUnit::Year, 2, false),
    ] {
        let decided = Gift::default().decide(wish(given(unit, length), None));
        assert_eq!(decided.is_ok(), fits, "{length} {unit:?}");
    }
    let again = wish(given(IntervalUnit::Month, 1), None);
    Gifts::with(()).given(vec![ordered()]).when(again).then_expect_events(vec![]);
}

#[test]
fn it_is_redeemed_once_and_only_when_it_is_paid() {
    let missing = Gift::default().decide(redeem(2, today()));
    assert_eq!(missing, Err(GiftError::Missing));
    Gifts::with(()).given(vec![ordered()]).when(redeem(2, today())).then_expect_error(GiftError::NotPaid);
    let mut history = vec![ordered(), paid()];
    Gifts::with(()).given(history.clone()).when(redeem(2, today())).then_expect_events(vec![redeemed(2)]);
    history.push(redeemed(2));
    for state in [history.clone(), [history, vec![used()]].concat()] {
        Gifts::with(()).given(state.clone()).when(redeem(2, today())).then_expect_events(vec![]);
        Gifts::with(()).given(state.clone()).when(redeem(3, today())).then_expect_error(GiftError::Redeemed);
        Gifts::with(()).given(state).when(withdraw()).then_expect_error(GiftError::Redeemed);
    }
}

#[test]
fn its_last_day_counts_and_without_one_it_never_ends() {
    let pay = GiftCommand::RecordPaid { today: today(), at: at() };
    let last = today() + chrono::Days::new(30);
    let ends = GiftEvent::GiftPaid { at: at(), last_day: Some(last) };
    Gifts::with(())
        .given(vec![ordered_with(Some(30))])
        .when(pay.clone())
        .then_expect_events(vec![ends.clone()]);
    Gifts::with(()).given(vec![ordered()]).when(pay.clone()).then_expect_events(vec![paid()]);
    Gifts::with(()).given(vec![ordered(), paid()]).when(pay).then_expect_events(vec![]);
    let dated = || vec![ordered_with(Some(30)), ends.clone()];
    Gifts::with(()).given(dated()).when(redeem(2, last)).then_expect_events(vec![redeemed(2)]);
    let late = last.succ_opt().unwrap();
    Gifts::with(()).given(dated()).when(redeem(2, late)).then_expect_error(GiftError::Expired(last));
    let far = NaiveDate::from_ymd_opt(2100, 1, 1).unwrap();
    Gifts::with(()).given(vec![ordered(), paid()]).when(redeem(2, far)).then_expect_events(vec![redeemed(2)]);
}

#[test]
fn staff_take_it_back_as_long_as_nobody_redeemed_it() {
    Gifts::with(()).given(vec![ordered()]).when(withdraw()).then_expect_events(vec![withdrawn(false)]);
    let bought = || vec![ordered(), paid()];
    Gifts::with(()).given(bought()).when(withdraw()).then_expect_events(vec![withdrawn(true)]);
    let gone = || vec![ordered(), paid(), withdrawn(true)];
    Gifts::with(()).given(gone()).when(withdraw()).then_expect_events(vec![]);
    Gifts::with(()).given(gone()).when(redeem(2, today())).then_expect_error(GiftError::Withdrawn);
    // Its order was refunded on the order's own page: the code counts no more either.
    let returned = GiftCommand::RecordReturned { at: at() };
    let by_itself = GiftEvent::GiftWithdrawn { by: None, paid: false, by_right: false, at: at() };
    Gifts::with(()).given(bought()).when(returned.clone()).then_expect_events(vec![by_itself]);
    Gifts::with(()).given(gone()).when(returned.clone()).then_expect_events(vec![]);
    let has_it = vec![ordered(), paid(), redeemed(2)];
    Gifts::with(()).given(has_it).when(returned).then_expect_events(vec![]);
}

#[test]
fn a_charge_that_failed_is_tried_again_until_it_is_paid() {
    let attempt = Uuid::from_u128(31);
    let pay = || GiftCommand::Pay { attempt, method: card(), at: at() };
    let requested =
        GiftEvent::GiftPaymentRequested { order: order_of(person(7)), attempt, method: card(), at: at() };
    Gifts::with(()).given(vec![ordered()]).when(pay()).then_expect_events(vec![requested.clone()]);
    Gifts::with(()).given(vec![ordered(), requested]).when(pay()).then_expect_events(vec![]);
    Gifts::with(()).given(vec![ordered(), paid()]).when(pay()).then_expect_error(GiftError::Paid);
    let late = GiftCommand::RecordFailure { attempt, code: "card_declined".into(), at: at() };
    Gifts::with(()).given(vec![ordered(), paid()]).when(late).then_expect_events(vec![]);
}

#[test]
fn codes_are_read_as_people_type_them() {
    assert_eq!(normalise_code(" abcd-efgh 2345-6789 ").as_deref(), Some("ABCDEFGH23456789"));
    for wrong in ["", "ABCD", "ABCDEFGH234567890", "ABCDEFGH2345678é", "ABCD_EFGH_2345_67"] {
        assert_eq!(normalise_code(wrong), None, "{wrong}");
    }
}

fn moved(from: u128) -> GiftEvent {
    GiftEvent::GiftMoved { from: person(from), to: person(9), at: at() }
}

#[test]
fn a_gift_goes_with_whoever_bought_or_redeemed_it_to_their_other_account() {
    let go = |from| GiftCommand::MoveTo { from: person(from), to: person(9), at: at() };
    let has_it = || vec![ordered(), paid(), redeemed(2)];
    Gifts::with(()).given(has_it()).when(go(3)).then_expect_events(vec![]);
    for from in [1, 2] {
        Gifts::with(()).given(has_it()).when(go(from)).then_expect_events(vec![moved(from)]);
        let gone = [has_it(), vec![moved(from)]].concat();
        Gifts::with(()).given(gone).when(go(from)).then_expect_events(vec![]);
    }
    let mut gift = Gift::default();
    [has_it(), vec![moved(2)]].concat().into_iter().for_each(|e| gift.apply(e));
    assert_eq!((gift.buyer(), gift.redeemed_by()), (person(1), Some(person(9))));
    gift.apply(moved(1));
    assert_eq!(gift.buyer(), person(9));
    // Whoever redeemed it with the other account has it; nobody else gets it.
    let redeem = |n| GiftCommand::Redeem { by: person(n), today: today(), at: at() };
    assert_eq!(gift.decide(redeem(9)), Ok(vec![]));
    assert_eq!(gift.decide(redeem(3)), Err(GiftError::Redeemed));
}

#[test]
fn events_keep_their_form() {
    let attempt = Uuid::from_u128(31);
    insta::assert_json_snapshot!([
        ordered(),
        GiftEvent::GiftPaymentRequested { order: order_of(person(7)), attempt, method: card(), at: at() },
        GiftEvent::GiftPaymentFailed { attempt, code: "card_declined".into(), at: at() },
        paid(),
        GiftEvent::GiftPaid { at: at(), last_day: Some(today()) },
        redeemed(2),
        used(),
        GiftEvent::GiftUsed { used: GiftUse::Extension { subscription: Uuid::from_u128(40) }, at: at() },
        withdrawn(true),
        moved(2),
    ]);
}

fn goes_back(days: u16, when: &str) -> GiftCommand {
    GiftCommand::WithdrawFrom { days, zone: Zone::amsterdam(), at: when.parse().unwrap() }
}

#[test]
fn a_buyer_withdraws_within_the_days_of_the_law_as_long_as_nobody_redeemed_it() {
    // Ordered on 20 Dec: the last of fourteen days is 3 Jan, where the studio is.
    let (last, over) = ("2028-01-03T22:59:59Z", "2028-01-03T23:00:00Z");
    let when: DateTime<Utc> = last.parse().unwrap();
    let back = |paid| GiftEvent::GiftWithdrawn { by: Some(person(1)), paid, by_right: true, at: when };
    let day = NaiveDate::from_ymd_opt(2028, 1, 3).unwrap();
    let given = |events: Vec<GiftEvent>| Gifts::with(()).given(events);
    given(vec![ordered(), paid()]).when(goes_back(14, last)).then_expect_events(vec![back(true)]);
    given(vec![ordered()]).when(goes_back(14, last)).then_expect_events(vec![back(false)]);
    given(vec![ordered(), paid()])
        .when(goes_back(14, over))
        .then_expect_error(GiftError::WithdrawalOver(day));
    given(vec![ordered(), paid()]).when(goes_back(0, last)).then_expect_error(GiftError::NoWithdrawal);
    given(vec![ordered(), paid(), redeemed(2)])
        .when(goes_back(14, last))
        .then_expect_error(GiftError::Redeemed);
    given(vec![ordered(), paid(), withdrawn(true)]).when(goes_back(14, last)).then_expect_events(vec![]);
}

#[test]
fn a_gift_whose_price_is_in_dispute_cannot_be_redeemed_until_that_is_decided() {
    let (held, free) = (GiftEvent::GiftHeldBack { at: at() }, GiftEvent::GiftReleased { at: at() });
    let redeem = || GiftCommand::Redeem { by: person(2), today: today(), at: at() };
    let given = |events: Vec<GiftEvent>| Gifts::with(()).given(events);
    let hold = || GiftCommand::HoldBack { at: at() };
    given(vec![ordered(), paid()]).when(hold()).then_expect_events(vec![held.clone()]);
    given(vec![ordered(), paid(), held.clone()]).when(hold()).then_expect_events(vec![]);
    given(vec![ordered(), paid(), redeemed(2)]).when(hold()).then_expect_events(vec![]);
    given(vec![ordered(), paid(), held.clone()]).when(redeem()).then_expect_error(GiftError::HeldBack);
    let release = || GiftCommand::Release { at: at() };
    given(vec![ordered(), paid(), held.clone()]).when(release()).then_expect_events(vec![free.clone()]);
    given(vec![ordered(), paid()]).when(release()).then_expect_events(vec![]);
    given(vec![ordered(), paid(), held.clone(), free])
        .when(redeem())
        .then_expect_events(vec![GiftEvent::GiftRedeemed { by: person(2), at: at() }]);
    let lost = GiftEvent::GiftWithdrawn { by: None, paid: false, by_right: false, at: at() };
    given(vec![ordered(), paid(), held])
        .when(GiftCommand::RecordReturned { at: at() })
        .then_expect_events(vec![lost]);
}
