use super::*;
use crate::domain::shared::PersonalRef;
use chrono::{DateTime, TimeDelta, Utc};
use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use uuid::Uuid;

const ANNA: Uuid = Uuid::from_u128(1);
const BELA: Uuid = Uuid::from_u128(2);
const MOD: Uuid = Uuid::from_u128(3);

fn at(minutes: i64) -> DateTime<Utc> {
    "2026-11-28T12:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minutes)
}

fn sealed(subject: Uuid, version: u128) -> PersonalRef {
    PersonalRef { subject, field: "comment".into(), version: Uuid::from_u128(version) }
}

fn subject() -> Subject {
    Subject { kind: SubjectKind::Post, id: Uuid::from_u128(9) }
}

fn written() -> CommentEvent {
    CommentEvent::CommentWritten {
        subject: subject(),
        parent: None,
        author: ANNA,
        text: sealed(ANNA, 1),
        at: at(0),
    }
}

fn edit(by: Uuid, minutes: i64) -> CommentCommand {
    CommentCommand::Edit { by, text: sealed(ANNA, 2), within_minutes: 15, at: at(minutes) }
}

fn report(by: Uuid) -> CommentCommand {
    CommentCommand::Report { by, reason: sealed(by, 3), at: at(1) }
}

fn reported(by: Uuid) -> CommentEvent {
    CommentEvent::CommentReported { by, reason: sealed(by, 3), at: at(1) }
}

fn delete(by: Remover) -> CommentCommand {
    CommentCommand::Delete { by, at: at(2) }
}

fn deleted(by: Remover) -> CommentEvent {
    CommentEvent::CommentDeleted { by, at: at(2) }
}

fn moderate(shown: bool) -> CommentCommand {
    CommentCommand::Moderate { shown, by: MOD, at: at(3) }
}

fn given(events: Vec<CommentEvent>) -> AggregateTestExecutor<Comment> {
    TestFramework::<Comment>::with(()).given(events)
}

#[test]
fn it_is_written_once_and_changed_by_its_writer_for_a_while() {
    let write = CommentCommand::Write {
        subject: subject(),
        parent: None,
        author: ANNA,
        text: sealed(ANNA, 1),
        at: at(0),
    };
    given(vec![]).when(write.clone()).then_expect_events(vec![written()]);
    given(vec![written()]).when(write).then_expect_events(vec![]);
    let edited = CommentEvent::CommentEdited { text: sealed(ANNA, 2), at: at(15) };
    given(vec![written()]).when(edit(ANNA, 15)).then_expect_events(vec![edited]);
    given(vec![written()]).when(edit(ANNA, 16)).then_expect_error(CommentError::TooLate(15));
    given(vec![written()]).when(edit(BELA, 1)).then_expect_error(CommentError::NotYours);
    given(vec![]).when(edit(ANNA, 1)).then_expect_error(CommentError::Missing);
}

#[test]
fn deleting_takes_the_text_and_leaves_the_place() {
    let anna = Remover::Author { account: ANNA };
    let moderator = Remover::Moderator { account: MOD };
    given(vec![written()]).when(delete(anna)).then_expect_events(vec![deleted(anna)]);
    given(vec![written()]).when(delete(moderator)).then_expect_events(vec![deleted(moderator)]);
    given(vec![written()])
        .when(delete(Remover::Author { account: BELA }))
        .then_expect_error(CommentError::NotYours);
    let gone = vec![written(), deleted(anna)];
    given(gone.clone()).when(delete(moderator)).then_expect_events(vec![]);
    given(gone.clone()).when(edit(ANNA, 1)).then_expect_error(CommentError::Deleted);
    given(gone.clone()).when(report(BELA)).then_expect_error(CommentError::Deleted);
    let mut state = Comment::default();
    gone.into_iter().for_each(|e| state.apply(e));
    assert!(state.text.is_none() && state.subject.is_some());
}

#[test]
fn reports_wait_until_a_moderator_decides() {
    given(vec![written()]).when(report(BELA)).then_expect_events(vec![reported(BELA)]);
    given(vec![written(), reported(BELA)]).when(report(BELA)).then_expect_events(vec![]);
    given(vec![written()]).when(report(ANNA)).then_expect_error(CommentError::Own);
    let kept = CommentEvent::CommentKept { by: MOD, at: at(3) };
    let hidden = CommentEvent::CommentHidden { by: MOD, at: at(3) };
    given(vec![written(), reported(BELA)]).when(moderate(true)).then_expect_events(vec![kept.clone()]);
    given(vec![written()]).when(moderate(true)).then_expect_events(vec![]);
    given(vec![written()]).when(moderate(false)).then_expect_events(vec![hidden.clone()]);
    given(vec![written(), hidden.clone()]).when(moderate(false)).then_expect_events(vec![]);
    given(vec![written(), hidden.clone()]).when(moderate(true)).then_expect_events(vec![kept]);
    given(vec![written(), hidden]).when(edit(ANNA, 1)).then_expect_error(CommentError::Hidden);
}

#[test]
fn a_pin_is_set_and_taken_once() {
    let pin = |pinned| CommentCommand::Pin { pinned, by: MOD, at: at(4) };
    let pinned = CommentEvent::CommentPinned { by: MOD, at: at(4) };
    let unpinned = CommentEvent::CommentUnpinned { by: MOD, at: at(4) };
    given(vec![written()]).when(pin(true)).then_expect_events(vec![pinned.clone()]);
    given(vec![written(), pinned.clone()]).when(pin(true)).then_expect_events(vec![]);
    given(vec![written(), pinned]).when(pin(false)).then_expect_events(vec![unpinned]);
    given(vec![written()]).when(pin(false)).then_expect_events(vec![]);
}

#[test]
fn a_text_has_something_in_it_and_an_end() {
    assert_eq!(checked_text("  hello \n", 5), Ok("hello".into()));
    assert_eq!(checked_text(" \n ", 5), Err(CommentError::Empty));
    assert_eq!(checked_text("hëllo!", 5), Err(CommentError::TooLong(5)));
    assert!(checked_text("hëllo", 5).is_ok(), "characters, not bytes");
}

#[test]
fn events_keep_their_form() {
    insta::assert_json_snapshot!([
        written(),
        CommentEvent::CommentEdited { text: sealed(ANNA, 2), at: at(1) },
        deleted(Remover::Moderator { account: MOD }),
        reported(BELA),
        CommentEvent::CommentHidden { by: MOD, at: at(3) },
        CommentEvent::CommentKept { by: MOD, at: at(3) },
        CommentEvent::CommentPinned { by: MOD, at: at(4) },
        CommentEvent::CommentUnpinned { by: MOD, at: at(4) },
        CommentEvent::CommentDetached { text: sealed(Uuid::from_u128(77), 5), at: at(5) },
    ]);
}

#[test]
fn a_text_stays_without_its_writer_once() {
    let detach = |text| CommentCommand::Detach { text, at: at(4) };
    let own = sealed(Uuid::from_u128(77), 5);
    let detached = CommentEvent::CommentDetached { text: own.clone(), at: at(4) };
    given(vec![written()]).when(detach(own.clone())).then_expect_events(vec![detached.clone()]);
    given(vec![written(), detached]).when(detach(own.clone())).then_expect_events(vec![]);
    given(vec![written(), deleted(Remover::Moderator { account: MOD })])
        .when(detach(own.clone()))
        .then_expect_events(vec![]);
    given(vec![]).when(detach(own)).then_expect_error(CommentError::Missing);
}
