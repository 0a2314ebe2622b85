//! Given what happened, when somebody wishes something, then this follows.

use super::*;
use crate::domain::shared::Slug;
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use cqrs_es::test::TestFramework;

type Posts = TestFramework<Post>;

fn at() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, 18, 0, 0).single().expect("a time")
}

fn later() -> DateTime<Utc> {
    at() + TimeDelta::days(2)
}

fn slug(text: &str) -> Slug {
    Slug::parse(text).expect("a slug")
}

fn text(title: &str) -> PostText {
    PostText { title: title.into(), excerpt: "Short.".into(), content: "Long.".into(), ..PostText::default() }
}

fn written() -> PostEvent {
    PostEvent::PostWritten {
        slug: slug("week-one"),
        text: text("Week one"),
        by: Uuid::from_u128(1),
        at: at(),
    }
}

fn scheduled() -> PostEvent {
    PostEvent::PostScheduled { publish_at: later(), at: at() }
}

#[test]
fn a_post_is_written_as_a_draft() {
    let write = |title: &str| PostCommand::Write {
        slug: slug("week-one"),
        text: Box::new(text(title)),
        by: Uuid::from_u128(1),
        at: at(),
    };
    Posts::with(()).given_no_previous_events().when(write("Week one")).then_expect_events(vec![written()]);
    Posts::with(()).given_no_previous_events().when(write(" ")).then_expect_error_message("Enter a title.");
    Posts::with(())
        .given(vec![written()])
        .when(write("Week one"))
        .then_expect_error(PostError::AlreadyWritten);
}

#[test]
fn a_schedule_is_kept_and_not_overtaken() {
    let due = |at| PostCommand::PublishDue { at };
    let given = || Posts::with(()).given(vec![written(), scheduled()]);
    given().when(due(at())).then_expect_events(vec![]);
    given().when(due(later())).then_expect_events(vec![PostEvent::PostPublished { at: later() }]);
    Posts::with(()).given(vec![written()]).when(due(later())).then_expect_events(vec![]);
    let now = PostCommand::Schedule { publish_at: at(), at: at() };
    Posts::with(()).given(vec![written()]).when(now).then_expect_error(PostError::TimeHasPassed);
    given()
        .when(PostCommand::Withdraw { at: at() })
        .then_expect_events(vec![PostEvent::PostWithdrawn { at: at() }]);
}

#[test]
fn an_empty_post_is_not_published() {
    let empty = PostText { content: String::new(), ..text("Week one") };
    let bare = PostEvent::PostRevised { text: empty.clone(), at: at() };
    Posts::with(())
        .given(vec![written(), bare])
        .when(PostCommand::Publish { at: at() })
        .then_expect_error(PostError::NothingToRead);
    Posts::with(())
        .given(vec![written(), PostEvent::PostPublished { at: at() }])
        .when(PostCommand::Revise { slug: slug("week-one"), text: Box::new(empty), at: at() })
        .then_expect_error(PostError::NothingToRead);
}

#[test]
fn a_revision_says_what_changed() {
    let revise = |s: &str, t: PostText| PostCommand::Revise { slug: slug(s), text: Box::new(t), at: at() };
    Posts::with(())
        .given(vec![written()])
        .when(revise("week-one", text("Week one")))
        .then_expect_events(vec![]);
    Posts::with(()).given(vec![written()]).when(revise("week-1", text("Week 1"))).then_expect_events(vec![
        PostEvent::PostMoved { from: slug("week-one"), to: slug("week-1"), at: at() },
        PostEvent::PostRevised { text: text("Week 1"), at: at() },
    ]);
}

#[test]
fn it_gets_another_owner_once() {
    let wish = || PostCommand::HandOver { to: Uuid::from_u128(90), by: Uuid::from_u128(91), at: at() };
    let given = PostEvent::PostHandedOver { to: Uuid::from_u128(90), by: Uuid::from_u128(91), at: at() };
    Posts::with(()).given_no_previous_events().when(wish()).then_expect_error(PostError::Unknown);
    Posts::with(()).given(vec![written()]).when(wish()).then_expect_events(vec![given.clone()]);
    Posts::with(()).given(vec![written(), given]).when(wish()).then_expect_events(vec![]);
}

#[test]
fn events_keep_their_form() {
    insta::assert_json_snapshot!(vec![
        written(),
        PostEvent::PostRevised {
            text: PostText { film: Some(Uuid::from_u128(2)), ..text("Week 1") },
            at: at()
        },
        PostEvent::PostMoved { from: slug("a"), to: slug("b"), at: at() },
        scheduled(),
        PostEvent::PostPublished { at: at() },
        PostEvent::PostWithdrawn { at: at() },
        PostEvent::PostHandedOver { to: Uuid::from_u128(90), by: Uuid::from_u128(91), at: at() },
    ]);
}
