use super::*;
use crate::domain::shared::PersonalRef;
use crate::domain::shared::sepa::Sequence;
use chrono::{DateTime, NaiveDate, Utc};
use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use uuid::Uuid;

const MEMBER: Uuid = Uuid::from_u128(1);
const FILE: Uuid = Uuid::from_u128(90);

fn at() -> DateTime<Utc> {
    "2026-11-29T10:00:00Z".parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn sign(n: u128, on: &str) -> MandateCommand {
    let sealed = |field: &str| PersonalRef { subject: MEMBER, field: field.into(), version: id(n) };
    MandateCommand::Sign(Box::new(SignMandate {
        mandate: id(n),
        account: MEMBER,
        reference: mandate_reference(id(n)),
        iban: sealed("iban"),
        holder: sealed("iban_holder"),
        creditor: "DE98ZZZ09999999999".into(),
        notice_days: 5,
        signed_on: day(on),
        at: at(),
    }))
}

fn signed(n: u128) -> MandateEvent {
    Mandate::default().decide(sign(n, "2026-11-29")).unwrap().remove(0)
}

fn used(n: u128, on: &str) -> MandateEvent {
    MandateEvent::MandateUsed { mandate: id(n), file: FILE, collect_on: day(on) }
}

fn returned(reason: &str, ends: bool) -> MandateEvent {
    MandateEvent::MandateDebitReturned { mandate: id(7), file: FILE, reason: reason.into(), ends, at: at() }
}

fn revoked() -> MandateEvent {
    MandateEvent::MandateRevoked { mandate: id(7), at: at() }
}

fn given(events: Vec<MandateEvent>) -> AggregateTestExecutor<Mandate> {
    TestFramework::with(()).given(events)
}

fn folded(events: Vec<MandateEvent>) -> Mandate {
    let mut mandate = Mandate::default();
    events.into_iter().for_each(|e| mandate.apply(e));
    mandate
}

#[test]
fn one_is_in_force_at_a_time_and_the_first_use_is_told_from_the_others() {
    given(vec![signed(7)]).when(sign(7, "2026-11-29")).then_expect_events(vec![]);
    given(vec![signed(7)]).when(sign(8, "2026-11-30")).then_expect_error(MandateError::Exists);
    given(vec![signed(7), revoked()]).when(sign(8, "2026-11-29")).then_expect_events(vec![signed(8)]);
    given(vec![]).when(MandateCommand::Revoke { at: at() }).then_expect_error(MandateError::Missing);
    let record = |n| MandateCommand::RecordUse { mandate: id(n), file: FILE, collect_on: day("2026-12-05") };
    given(vec![signed(7)]).when(record(7)).then_expect_events(vec![used(7, "2026-12-05")]);
    given(vec![signed(7), used(7, "2026-12-05")]).when(record(7)).then_expect_events(vec![]);
    given(vec![signed(7), revoked()]).when(record(7)).then_expect_events(vec![]);
    let sequence = |events| folded(events).current().map(SignedMandate::sequence);
    assert_eq!(sequence(vec![signed(7)]), Some(Sequence::Frst));
    assert_eq!(sequence(vec![signed(7), used(7, "2026-12-05")]), Some(Sequence::Rcur));
    assert_eq!(sequence(vec![signed(7), used(7, "2026-12-05"), revoked(), signed(8)]), Some(Sequence::Frst));
}

#[test]
fn one_that_was_not_used_for_three_years_counts_no_more() {
    let holds = |events, on| folded(events).current().is_some_and(|m| m.holds_on(day(on)));
    assert!(holds(vec![signed(7)], "2029-11-29") && !holds(vec![signed(7)], "2029-11-30"));
    let busy = vec![signed(7), used(7, "2028-02-29")];
    assert!(holds(busy.clone(), "2031-02-28") && !holds(busy.clone(), "2031-03-01"));
    given(busy.clone()).when(sign(8, "2031-02-28")).then_expect_error(MandateError::Exists);
    assert!(folded(busy).decide(sign(8, "2031-03-01")).is_ok());
}

#[test]
fn a_return_for_good_ends_it_and_one_for_want_of_money_does_not() {
    let back = |reason: &str| MandateCommand::RecordReturn {
        mandate: id(7),
        file: FILE,
        reason: reason.into(),
        at: at(),
    };
    given(vec![signed(7)]).when(back("AM04")).then_expect_events(vec![returned("AM04", false)]);
    given(vec![signed(7)]).when(back("AC04")).then_expect_events(vec![returned("AC04", true)]);
    assert!(folded(vec![signed(7), returned("AM04", false)]).current().is_some());
    assert!(folded(vec![signed(7), returned("AC04", true)]).current().is_none());
    given(vec![]).when(back("AC04")).then_expect_events(vec![]);
}

#[test]
fn a_reference_is_what_banks_take_and_its_own() {
    let all: std::collections::BTreeSet<String> = (0..1000).map(|n| mandate_reference(id(n))).collect();
    assert_eq!(all.len(), 1000);
    let plain = |r: &String| r.len() == 15 && r.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    assert!(all.iter().all(plain), "{all:?}");
}

#[test]
fn events_keep_their_form() {
    insta::assert_json_snapshot!([signed(7), used(7, "2026-12-05"), returned("AM04", false), revoked()]);
}
