use super::*;
use crate::domain::shared::calendar::Zone;
use crate::domain::shared::{Currency, Money, PersonalRef};
use chrono::{DateTime, TimeDelta, Utc};
use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use uuid::Uuid;

const ANNA: Uuid = Uuid::from_u128(50);
const BELA: Uuid = Uuid::from_u128(51);
const MEMBER: Uuid = Uuid::from_u128(1);
const LIMITS: Limits = Limits { money: 25_000, days: 92 };

fn at() -> DateTime<Utc> {
    "2026-11-29T10:00:00Z".parse().unwrap()
}

fn lapses() -> DateTime<Utc> {
    at() + TimeDelta::days(14)
}

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::eur())
}

fn extend(days: u16) -> Act {
    Act::Extend { subscription: Uuid::from_u128(2), days }
}

fn free_until(until: Option<DateTime<Utc>>) -> Act {
    Act::Complimentary { until }
}

#[test]
fn a_day_is_one_of_the_studio_and_a_time_is_by_its_clock() {
    let words = |until: &str, zone| free_until(Some(until.parse().unwrap())).words(zone);
    let (here, utc) = (Zone::amsterdam(), Zone::utc());
    let of = |end: &str| format!("Give complimentary access until {end}");
    assert_eq!(words("2026-12-31T23:00:00Z", here), of("1 Jan 2027"));
    assert_eq!(words("2026-12-31T23:00:00Z", utc), of("31 Dec 2026, 23:00 UTC"));
    assert_eq!(words("2026-12-31T23:30:00Z", here), of("1 Jan 2027, 00:30 CET"));
}

fn ask() -> ApprovalCommand {
    ApprovalCommand::Ask(Box::new(AskApproval {
        approval: Uuid::from_u128(7),
        act: extend(93),
        bound: Bound::Days { most: 92 },
        account: MEMBER,
        subscription: Some(Uuid::from_u128(2)),
        reason: PersonalRef { subject: MEMBER, field: "reason".into(), version: Uuid::nil() },
        by: ANNA,
        lapses_at: lapses(),
        at: at(),
    }))
}

fn asked() -> ApprovalEvent {
    Approval::default().decide(ask()).unwrap().remove(0)
}

fn decide(agree: bool, by: Uuid, at: DateTime<Utc>) -> ApprovalCommand {
    ApprovalCommand::Decide { agree, by, at }
}

fn agreed() -> ApprovalEvent {
    ApprovalEvent::SecondPersonAgreed { asked_by: ANNA, by: BELA, at: at() }
}

fn refused(by: Uuid) -> ApprovalEvent {
    ApprovalEvent::SecondPersonRefused { asked_by: ANNA, by, at: at() }
}

fn given(events: Vec<ApprovalEvent>) -> AggregateTestExecutor<Approval> {
    TestFramework::with(()).given(events)
}

#[test]
fn money_is_above_the_limit_from_one_cent_more_on_alone_or_in_parts() {
    let order = Uuid::from_u128(9);
    let acts = |minor| {
        let amount = eur(minor);
        [
            Act::MarkPaid { order, received: amount, arrived_on: None },
            Act::ConfirmCharge { order, attempt: order, reference: "ch".into(), amount },
            Act::Waive { subscription: order, order, amount },
            Act::WaiveMissed { subscription: order, amount },
        ]
    };
    for act in acts(25_000) {
        assert_eq!(act.above(0, LIMITS, at()), None, "{act:?}");
        assert_eq!(act.above(1, LIMITS, at()), Some(Bound::Money { most: eur(25_000) }), "{act:?}");
    }
    for act in acts(25_001) {
        assert_eq!(act.above(0, LIMITS, at()), Some(Bound::Money { most: eur(25_000) }), "{act:?}");
    }
    assert!(acts(i64::MAX)[0].above(i64::MAX, LIMITS, at()).is_some(), "no sum is too large to be counted");
}

#[test]
fn time_is_above_the_limit_from_one_day_more_on_and_without_an_end_always() {
    let above = Some(Bound::Days { most: 92 });
    assert_eq!(extend(92).above(0, LIMITS, at()), None);
    assert_eq!(extend(92).above(1, LIMITS, at()), above);
    assert_eq!(extend(93).above(0, LIMITS, at()), above);
    let end = at() + TimeDelta::days(92);
    assert_eq!(free_until(Some(end)).above(0, LIMITS, at()), None);
    assert_eq!(free_until(Some(end + TimeDelta::seconds(1))).above(0, LIMITS, at()), above, "a day begun");
    assert_eq!(free_until(Some(at() - TimeDelta::days(1))).above(0, LIMITS, at()), None);
    assert_eq!(free_until(None).above(0, LIMITS, at()), above);
    let generous = Limits { days: u32::MAX, ..LIMITS };
    assert!(free_until(None).above(0, generous, at()).is_some(), "no end is above every limit");
}

#[test]
fn somebody_else_agrees_and_the_one_who_asked_may_take_it_back() {
    given(vec![asked()]).when(decide(true, ANNA, at())).then_expect_error(ApprovalError::SamePerson);
    given(vec![asked()]).when(decide(true, MEMBER, at())).then_expect_error(ApprovalError::OwnGain);
    given(vec![asked()]).when(decide(true, BELA, at())).then_expect_events(vec![agreed()]);
    given(vec![asked()]).when(decide(false, BELA, at())).then_expect_events(vec![refused(BELA)]);
    given(vec![asked()]).when(decide(false, ANNA, at())).then_expect_events(vec![refused(ANNA)]);
    given(vec![]).when(decide(true, BELA, at())).then_expect_error(ApprovalError::Missing);
    given(vec![asked(), agreed()]).when(decide(true, BELA, at())).then_expect_error(ApprovalError::Decided);
    given(vec![asked(), agreed()]).when(decide(false, ANNA, at())).then_expect_error(ApprovalError::Decided);
    given(vec![asked(), refused(ANNA)])
        .when(decide(true, BELA, at()))
        .then_expect_error(ApprovalError::Decided);
    given(vec![asked(), refused(ANNA)]).when(decide(false, ANNA, at())).then_expect_events(vec![]);
}

#[test]
fn it_lapses_at_its_instant_whether_or_not_the_clock_came_by() {
    let before = lapses() - TimeDelta::milliseconds(1);
    let late = ApprovalEvent::SecondPersonAgreed { asked_by: ANNA, by: BELA, at: before };
    given(vec![asked()]).when(decide(true, BELA, before)).then_expect_events(vec![late]);
    given(vec![asked()]).when(decide(true, BELA, lapses())).then_expect_error(ApprovalError::Lapsed);
    given(vec![asked()]).when(decide(false, BELA, lapses())).then_expect_error(ApprovalError::Lapsed);
    let lapse = |at| ApprovalCommand::Lapse { at };
    let lapsed = ApprovalEvent::RequestLapsed { at: lapses() };
    given(vec![asked()]).when(lapse(before)).then_expect_events(vec![]);
    given(vec![asked()]).when(lapse(lapses())).then_expect_events(vec![lapsed.clone()]);
    given(vec![asked(), lapsed.clone()]).when(lapse(lapses())).then_expect_events(vec![]);
    given(vec![asked(), lapsed]).when(decide(true, BELA, at())).then_expect_error(ApprovalError::Lapsed);
    given(vec![asked(), agreed()]).when(lapse(lapses())).then_expect_events(vec![]);
}

#[test]
fn what_became_of_it_is_written_down_once() {
    let record =
        |refused: Option<&str>| ApprovalCommand::Record { refused: refused.map(Into::into), at: at() };
    let done = ApprovalEvent::ActCarriedOut { at: at() };
    let failed = ApprovalEvent::ActRefused { why: "It is paid.".into(), at: at() };
    given(vec![asked(), agreed()]).when(record(None)).then_expect_events(vec![done.clone()]);
    given(vec![asked(), agreed()]).when(record(Some("It is paid."))).then_expect_events(vec![failed]);
    given(vec![asked(), agreed(), done]).when(record(Some("x"))).then_expect_events(vec![]);
    given(vec![asked()]).when(record(None)).then_expect_events(vec![]);
    given(vec![asked()]).when(ask()).then_expect_events(vec![]);
}

#[test]
fn events_keep_their_form() {
    insta::assert_json_snapshot!([
        asked(),
        agreed(),
        refused(BELA),
        ApprovalEvent::RequestLapsed { at: lapses() },
        ApprovalEvent::ActCarriedOut { at: at() },
        ApprovalEvent::ActRefused { why: "This order is paid.".into(), at: at() },
    ]);
}

#[test]
fn a_merge_always_takes_two_neither_of_whom_it_is_about() {
    let (from, into) = (MEMBER, Uuid::from_u128(2));
    let merge = Act::Merge { from, into };
    let everything = Limits { money: i64::MAX, days: u32::MAX };
    assert_eq!(merge.above(0, everything, at()), Some(Bound::Always));
    assert!(merge.also_gives_to(into) && !merge.also_gives_to(BELA));
    let payout = |minor| {
        let amount = Money::new(minor, Currency::eur());
        Act::PayOutCredit { payout: Uuid::from_u128(3), amount }
    };
    assert_eq!(payout(25_000).above(0, LIMITS, at()), None);
    assert!(
        payout(25_001).above(0, LIMITS, at()).is_some() && payout(1).above(25_000, LIMITS, at()).is_some()
    );
}
