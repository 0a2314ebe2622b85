use super::*;
use crate::domain::shared::discount::Off;
use crate::domain::shared::{Currency, Money};
use chrono::{DateTime, NaiveDate, Utc};
use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use uuid::Uuid;

const ID: Uuid = Uuid::from_u128(7);

fn at() -> DateTime<Utc> {
    "2026-11-28T10:00:00Z".parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::eur())
}

fn create() -> CouponCommand {
    CouponCommand::Create {
        coupon: ID,
        code: " spring-20 ".into(),
        off: Off::Percent { percent: 20 },
        periods: Some(3),
        limit: Some(2),
        last_day: Some(day("2026-12-31")),
        today: at().date_naive(),
        at: at(),
    }
}

fn created() -> CouponEvent {
    CouponEvent::CouponCreated {
        coupon: ID,
        code: "SPRING-20".into(),
        off: Off::Percent { percent: 20 },
        periods: Some(3),
        limit: Some(2),
        last_day: Some(day("2026-12-31")),
        at: at(),
    }
}

fn redeem(who: u128, today: &str) -> CouponCommand {
    CouponCommand::Redeem {
        subscription: Uuid::from_u128(100 + who),
        account: Uuid::from_u128(who),
        price: eur(1150),
        today: day(today),
        at: at(),
    }
}

fn redeemed(who: u128, number: u32) -> CouponEvent {
    let (subscription, account) = (Uuid::from_u128(100 + who), Uuid::from_u128(who));
    CouponEvent::CouponRedeemed { subscription, account, number, at: at() }
}

fn given(events: Vec<CouponEvent>) -> AggregateTestExecutor<Coupon> {
    TestFramework::<Coupon>::with(()).given(events)
}

#[test]
fn a_coupon_is_created_once_and_with_sense() {
    given(vec![]).when(create()).then_expect_events(vec![created()]);
    given(vec![created()]).when(create()).then_expect_events(vec![]);
    let mut other = create();
    if let CouponCommand::Create { periods, .. } = &mut other {
        *periods = None;
    }
    given(vec![created()]).when(other).then_expect_error(CouponError::Exists);
    let with = |change: fn(&mut CouponCommand)| {
        let mut command = create();
        change(&mut command);
        command
    };
    let code = |text: &str| {
        let mut command = create();
        if let CouponCommand::Create { code, .. } = &mut command {
            *code = text.into();
        }
        command
    };
    given(vec![]).when(code("no")).then_expect_error(CouponError::Code);
    given(vec![]).when(code("half price")).then_expect_error(CouponError::Code);
    given(vec![]).when(code(&"A".repeat(25))).then_expect_error(CouponError::Code);
    let percent = |n| {
        let mut command = create();
        if let CouponCommand::Create { off, .. } = &mut command {
            *off = Off::Percent { percent: n };
        }
        command
    };
    given(vec![]).when(percent(0)).then_expect_error(CouponError::Off);
    given(vec![]).when(percent(100)).then_expect_error(CouponError::Off);
    let no_periods = with(|c| {
        if let CouponCommand::Create { periods, .. } = c {
            *periods = Some(0)
        }
    });
    given(vec![]).when(no_periods).then_expect_error(CouponError::Periods);
    let nobody = with(|c| {
        if let CouponCommand::Create { limit, .. } = c {
            *limit = Some(0)
        }
    });
    given(vec![]).when(nobody).then_expect_error(CouponError::Limit);
}

#[test]
fn it_is_used_once_a_person_as_often_as_it_may_be_until_its_last_day() {
    given(vec![created()]).when(redeem(1, "2026-12-31")).then_expect_events(vec![redeemed(1, 1)]);
    given(vec![created()]).when(redeem(1, "2027-01-01")).then_expect_error(CouponError::Over);
    let one = vec![created(), redeemed(1, 1)];
    given(one.clone()).when(redeem(1, "2026-12-01")).then_expect_events(vec![]);
    let again = CouponCommand::Redeem {
        subscription: Uuid::from_u128(999),
        account: Uuid::from_u128(1),
        price: eur(1150),
        today: day("2026-12-01"),
        at: at(),
    };
    given(one.clone()).when(again).then_expect_error(CouponError::UsedBefore);
    given(one.clone()).when(redeem(2, "2026-12-01")).then_expect_events(vec![redeemed(2, 2)]);
    let two = [one, vec![redeemed(2, 2)]].concat();
    given(two).when(redeem(3, "2026-12-01")).then_expect_error(CouponError::UsedUp);
    given(vec![]).when(redeem(1, "2026-12-01")).then_expect_error(CouponError::Missing);
}

#[test]
fn one_that_ended_or_does_not_fit_is_refused() {
    let end = CouponCommand::End { at: at() };
    let ended = CouponEvent::CouponEnded { at: at() };
    given(vec![created()]).when(end.clone()).then_expect_events(vec![ended.clone()]);
    given(vec![created(), ended.clone()]).when(end.clone()).then_expect_events(vec![]);
    given(vec![]).when(end).then_expect_error(CouponError::Missing);
    given(vec![created(), ended]).when(redeem(1, "2026-12-01")).then_expect_error(CouponError::Over);
    let mut dear = created();
    if let CouponEvent::CouponCreated { off, .. } = &mut dear {
        *off = Off::Amount { amount: eur(1150) };
    }
    given(vec![dear]).when(redeem(1, "2026-12-01")).then_expect_error(CouponError::DoesNotFit);
}

#[test]
fn events_keep_their_form() {
    insta::assert_json_snapshot!([created(), redeemed(1, 1), CouponEvent::CouponEnded { at: at() }]);
}

#[test]
fn a_new_coupon_is_not_over_at_once_nor_guessed_at_once() {
    let refused = |change: fn(&mut CouponCommand), why| {
        let mut command = create();
        change(&mut command);
        TestFramework::<Coupon>::with(()).given_no_previous_events().when(command).then_expect_error(why);
    };
    let past: fn(&mut CouponCommand) = |c| {
        if let CouponCommand::Create { last_day, .. } = c {
            *last_day = Some(day("2026-11-27"));
        }
    };
    refused(past, CouponError::LastDay);
    for code in ["ABC", "----"] {
        let mut command = create();
        if let CouponCommand::Create { code: c, .. } = &mut command {
            *c = code.into();
        }
        TestFramework::<Coupon>::with(())
            .given_no_previous_events()
            .when(command)
            .then_expect_error(CouponError::Code);
    }
    let much: fn(&mut CouponCommand) = |c| {
        if let CouponCommand::Create { off, .. } = c {
            *off = Off::Amount { amount: eur(10_000_001) };
        }
    };
    refused(much, CouponError::TooMuch);
    // One that there is keeps its short code.
    assert_eq!(parse_code("abc"), Ok("ABC".into()));
}
