//! Given what happened, when somebody wishes something, then this follows.

use super::*;
use chrono::{DateTime, TimeZone, Utc};
use cqrs_es::test::TestFramework;

type Logs = TestFramework<ProductionLog>;

fn at() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 27, 18, 0, 0).single().expect("a time")
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn week() -> Week {
    "2026-W48".parse().expect("a week")
}

fn text(title: &str) -> LogText {
    LogText { title: title.into(), summary: "The first night.".into() }
}

fn begun() -> LogEvent {
    LogEvent::ProductionLogBegun { film: id(1), week: week(), text: text("Rain"), by: id(2), at: at() }
}

fn entry(n: u128) -> Entry {
    Entry { id: id(n), author: id(3), text: "Lit the **roof**.".into(), media: vec![id(8)] }
}

fn added(n: u128) -> LogEvent {
    LogEvent::ProductionLogEntryAdded { entry: entry(n), at: at() }
}

fn add(n: u128, text: &str, media: Vec<Uuid>) -> LogCommand {
    LogCommand::AddEntry { entry: id(n), author: id(3), text: text.into(), media, at: at() }
}

#[test]
fn a_week_is_begun_once_as_a_draft() {
    let begin =
        |title: &str| LogCommand::Begin { film: id(1), week: week(), text: text(title), by: id(2), at: at() };
    Logs::with(()).given_no_previous_events().when(begin(" Rain ")).then_expect_events(vec![begun()]);
    Logs::with(()).given(vec![begun()]).when(begin("Rain")).then_expect_error(LogError::AlreadyBegun);
    let long = "x".repeat(121);
    Logs::with(())
        .given_no_previous_events()
        .when(begin(&long))
        .then_expect_error_message("Keep the title within 120 characters (it has 121).");
    assert_eq!(log_id(id(1), week()), log_id(id(1), week()));
    assert_ne!(log_id(id(1), week()), log_id(id(1), week().before()));
}

#[test]
fn a_week_is_described_anew_only_if_that_changes_it() {
    let describe = |title: &str| LogCommand::Describe { text: text(title), at: at() };
    Logs::with(()).given(vec![begun()]).when(describe("Rain")).then_expect_events(vec![]);
    Logs::with(())
        .given(vec![begun()])
        .when(describe("Snow"))
        .then_expect_events(vec![LogEvent::ProductionLogDescribed { text: text("Snow"), at: at() }]);
    Logs::with(()).given_no_previous_events().when(describe("Snow")).then_expect_error(LogError::Unknown);
}

#[test]
fn entries_have_something_to_show() {
    let given = || Logs::with(()).given(vec![begun()]);
    given().when(add(5, " Lit the **roof**. ", vec![id(8)])).then_expect_events(vec![added(5)]);
    given().when(add(5, " ", vec![])).then_expect_error(LogError::EmptyEntry);
    given().when(add(5, "", vec![id(8), id(8)])).then_expect_error(LogError::TwiceInEntry);
    given().when(add(5, "", (0..101).map(id).collect())).then_expect_error(LogError::TooManyWorks(100));
    Logs::with(()).given(vec![begun(), added(5)]).when(add(5, "Twice", vec![])).then_expect_events(vec![]);
    let full = std::iter::once(begun()).chain((10..210).map(added)).collect();
    Logs::with(()).given(full).when(add(5, "x", vec![])).then_expect_error(LogError::TooManyEntries(200));
}

#[test]
fn entries_are_revised_and_removed() {
    let revise = |n, text: &str| LogCommand::ReviseEntry {
        entry: id(n),
        text: text.into(),
        media: vec![id(8)],
        at: at(),
    };
    let given = || Logs::with(()).given(vec![begun(), added(5)]);
    given().when(revise(5, "Lit the **roof**.")).then_expect_events(vec![]);
    given().when(revise(6, "x")).then_expect_error(LogError::NoSuchEntry);
    given().when(revise(5, "Lit it twice.")).then_expect_events(vec![LogEvent::ProductionLogEntryRevised {
        entry: id(5),
        text: "Lit it twice.".into(),
        media: vec![id(8)],
        at: at(),
    }]);
    let remove = |n| LogCommand::RemoveEntry { entry: id(n), at: at() };
    given().when(remove(6)).then_expect_events(vec![]);
    given()
        .when(remove(5))
        .then_expect_events(vec![LogEvent::ProductionLogEntryRemoved { entry: id(5), at: at() }]);
    let published = LogEvent::ProductionLogPublished { at: at() };
    Logs::with(())
        .given(vec![begun(), added(5), published])
        .when(remove(5))
        .then_expect_error(LogError::NothingToRead);
}

#[test]
fn an_empty_week_is_not_published() {
    let publish = LogCommand::Publish { at: at() };
    let published = LogEvent::ProductionLogPublished { at: at() };
    let withdraw = LogCommand::Withdraw { at: at() };
    Logs::with(()).given(vec![begun()]).when(publish.clone()).then_expect_error(LogError::NothingToRead);
    Logs::with(())
        .given(vec![begun(), added(5)])
        .when(publish.clone())
        .then_expect_events(vec![published.clone()]);
    Logs::with(()).given(vec![begun(), added(5), published.clone()]).when(publish).then_expect_events(vec![]);
    Logs::with(()).given(vec![begun(), added(5)]).when(withdraw.clone()).then_expect_events(vec![]);
    Logs::with(())
        .given(vec![begun(), added(5), published])
        .when(withdraw)
        .then_expect_events(vec![LogEvent::ProductionLogWithdrawn { at: at() }]);
}

#[test]
fn a_week_without_a_title_is_called_by_its_number() {
    let mut log = ProductionLog::default();
    log.apply(begun());
    assert_eq!(log.heading(), "Rain");
    log.apply(LogEvent::ProductionLogDescribed { text: LogText::default(), at: at() });
    assert_eq!(log.heading(), "Week 48");
}

#[test]
fn it_gets_another_owner_once() {
    let wish = || LogCommand::HandOver { to: Uuid::from_u128(90), by: Uuid::from_u128(91), at: at() };
    let given =
        LogEvent::ProductionLogHandedOver { to: Uuid::from_u128(90), by: Uuid::from_u128(91), at: at() };
    Logs::with(()).given_no_previous_events().when(wish()).then_expect_error(LogError::Unknown);
    Logs::with(()).given(vec![begun()]).when(wish()).then_expect_events(vec![given.clone()]);
    Logs::with(()).given(vec![begun(), given]).when(wish()).then_expect_events(vec![]);
}

#[test]
fn events_keep_their_form() {
    insta::assert_json_snapshot!(vec![
        begun(),
        LogEvent::ProductionLogDescribed { text: text("Snow"), at: at() },
        added(5),
        LogEvent::ProductionLogEntryRevised { entry: id(5), text: "x".into(), media: vec![], at: at() },
        LogEvent::ProductionLogEntryRemoved { entry: id(5), at: at() },
        LogEvent::ProductionLogPublished { at: at() },
        LogEvent::ProductionLogWithdrawn { at: at() },
        LogEvent::ProductionLogHandedOver { to: Uuid::from_u128(90), by: Uuid::from_u128(91), at: at() },
    ]);
}
