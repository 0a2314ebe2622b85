//! Given, when, then of a deletion request.

use super::*;
use chrono::{DateTime, TimeDelta, Utc};
use cqrs_es::test::TestFramework;
use strum::IntoEnumIterator;
use uuid::Uuid;

type Requests = TestFramework<DeletionRequest>;

const ACCOUNT: Uuid = Uuid::from_u128(7);
const RUN: Uuid = Uuid::from_u128(8);

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap()
}

fn due() -> DateTime<Utc> {
    now() + TimeDelta::days(14)
}

fn request(requester: Requester) -> DeletionCommand {
    let grace = TimeDelta::days(14);
    DeletionCommand::Request {
        at: now(),
        account: ACCOUNT,
        by: RequestedBy::Person,
        grace,
        requester,
        comments: CommentsFate::Stay,
    }
}

fn requested() -> DeletionEvent {
    DeletionEvent::DeletionRequested {
        at: now(),
        account: ACCOUNT,
        by: RequestedBy::Person,
        due: due(),
        comments: CommentsFate::Stay,
    }
}

fn begin(at: DateTime<Utc>, obstacles: &[Obstacle]) -> DeletionCommand {
    DeletionCommand::Begin { at, run: RUN, obstacles: obstacles.to_vec() }
}

fn started() -> DeletionEvent {
    DeletionEvent::ErasureStarted { at: due(), account: ACCOUNT, run: RUN }
}

fn step(step: ErasureStep) -> DeletionCommand {
    DeletionCommand::RecordStep { at: due(), step, removed: 1, subjects: vec![] }
}

#[test]
fn a_person_may_ask_and_staff_and_owners_of_works_may_not() {
    Requests::with(())
        .given_no_previous_events()
        .when(request(Requester::default()))
        .then_expect_events(vec![requested()]);
    Requests::with(())
        .given_no_previous_events()
        .when(request(Requester { staff: true, published_works: 2 }))
        .then_expect_error(DeletionError::StaffRole);
    Requests::with(())
        .given_no_previous_events()
        .when(request(Requester { staff: false, published_works: 2 }))
        .then_expect_error(DeletionError::PublishedWorks(2));
    Requests::with(())
        .given(vec![requested()])
        .when(request(Requester::default()))
        .then_expect_error(DeletionError::Exists);
}

#[test]
fn it_can_be_withdrawn_until_it_begins() {
    let withdraw = DeletionCommand::Withdraw { at: now() };
    let withdrawn = DeletionEvent::DeletionWithdrawn { at: now(), account: ACCOUNT };
    Requests::with(())
        .given(vec![requested()])
        .when(withdraw.clone())
        .then_expect_events(vec![withdrawn.clone()]);
    Requests::with(())
        .given(vec![requested(), withdrawn.clone()])
        .when(withdraw.clone())
        .then_expect_events(vec![]);
    Requests::with(())
        .given(vec![requested(), withdrawn])
        .when(begin(due(), &[]))
        .then_expect_error(DeletionError::Withdrawn);
    Requests::with(())
        .given(vec![requested(), started()])
        .when(withdraw)
        .then_expect_error(DeletionError::TooLate);
}

#[test]
fn it_begins_when_it_is_due_and_not_before() {
    Requests::with(())
        .given(vec![requested()])
        .when(begin(due() - TimeDelta::seconds(1), &[]))
        .then_expect_error(DeletionError::NotDue(due()));
    Requests::with(()).given(vec![requested()]).when(begin(due(), &[])).then_expect_events(vec![started()]);
    Requests::with(()).given(vec![requested(), started()]).when(begin(due(), &[])).then_expect_events(vec![]);
}

#[test]
fn an_obstacle_blocks_it_and_is_told_once() {
    let live = Obstacle::LiveSubscription(Uuid::from_u128(3));
    let blocked = |obstacles| DeletionEvent::DeletionBlocked { at: due(), account: ACCOUNT, obstacles };
    Requests::with(())
        .given(vec![requested()])
        .when(begin(due(), &[Obstacle::StaffRole, live, live]))
        .then_expect_events(vec![blocked(vec![live, Obstacle::StaffRole])]);
    Requests::with(())
        .given(vec![requested(), blocked(vec![live])])
        .when(begin(due(), &[live]))
        .then_expect_events(vec![]);
    Requests::with(())
        .given(vec![requested(), blocked(vec![live])])
        .when(begin(due(), &[]))
        .then_expect_events(vec![started()]);
}

#[test]
fn it_is_complete_when_every_step_is_done_in_whatever_order_and_number_of_tries() {
    let mut state = DeletionRequest::default();
    state.apply(requested());
    assert_eq!(state.decide(step(ErasureStep::DropMail)), Err(DeletionError::NotStarted));
    state.apply(started());
    let mut seen = vec![];
    while let Some(next) = state.next_step() {
        assert_eq!(state.decide(DeletionCommand::Complete { at: due() }), Err(DeletionError::StepsLeft));
        for event in state.decide(step(next)).unwrap() {
            state.apply(event);
        }
        assert_eq!(state.decide(step(next)), Ok(vec![]));
        seen.push(next);
    }
    assert_eq!(seen, ErasureStep::iter().collect::<Vec<_>>());
    for event in state.decide(DeletionCommand::Complete { at: due() }).unwrap() {
        state.apply(event);
    }
    assert_eq!(state.stage, Stage::Completed);
    assert_eq!(state.decide(DeletionCommand::Complete { at: due() }), Ok(vec![]));
    assert_eq!(state.decide(step(ErasureStep::DropMail)), Ok(vec![]));
    assert_eq!(state.decide(begin(due(), &[])), Ok(vec![]));
}

#[test]
fn the_person_is_told_before_the_address_is_destroyed_and_names_are_released_before_too() {
    let order: Vec<_> = ErasureStep::iter().collect();
    let at = |step| order.iter().position(|s| *s == step).unwrap();
    assert_eq!(at(ErasureStep::EndSessions), 0);
    assert!(at(ErasureStep::TellThePerson) < at(ErasureStep::DropMail));
    for before in [ErasureStep::TellThePerson, ErasureStep::ReleaseNames] {
        assert!(at(before) < at(ErasureStep::DestroyPersonalData));
    }
    assert!(at(ErasureStep::WriteCertificate) == order.len() - 1);
}

#[test]
fn events_keep_their_form() {
    let account = ACCOUNT;
    let mut events = vec![
        requested(),
        DeletionEvent::DeletionRequested {
            at: now(),
            account,
            by: RequestedBy::Staff(RUN),
            due: due(),
            comments: CommentsFate::Stay,
        },
        DeletionEvent::DeletionRequested {
            at: now(),
            account,
            by: RequestedBy::Shell,
            due: due(),
            comments: CommentsFate::Stay,
        },
        DeletionEvent::DeletionWithdrawn { at: now(), account },
        DeletionEvent::DeletionBlocked {
            at: now(),
            account,
            obstacles: vec![
                Obstacle::LiveSubscription(RUN),
                Obstacle::StaffRole,
                Obstacle::PublishedWorks(2),
            ],
        },
        started(),
    ];
    events.extend(ErasureStep::iter().map(|step| DeletionEvent::ErasureStepDone {
        at: now(),
        account,
        step,
        removed: 3,
        subjects: if step == ErasureStep::RemoveTraces { vec![RUN] } else { vec![] },
    }));
    events.push(DeletionEvent::ErasureCompleted { at: due(), account, run: RUN });
    insta::assert_json_snapshot!(events);
}
