//! Given what happened, when somebody wishes something, then this follows.

use super::*;
use crate::domain::shared::Slug;
use chrono::{DateTime, TimeZone, Utc};
use cqrs_es::test::TestFramework;

type Collections = TestFramework<Collection>;

fn at() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 27, 18, 0, 0).single().expect("a time")
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn slug(text: &str) -> Slug {
    Slug::parse(text).expect("a slug")
}

fn text(title: &str) -> CollectionText {
    CollectionText { title: title.into(), media: vec![id(8), id(9)], ..CollectionText::default() }
}

fn begun() -> CollectionEvent {
    CollectionEvent::CollectionBegun {
        film: id(1),
        slug: slug("props"),
        text: text("Props"),
        place: Place::default(),
        by: id(2),
        at: at(),
    }
}

fn begin(text: CollectionText) -> CollectionCommand {
    let (slug, text, place) = (slug("props"), Box::new(text), Place::default());
    CollectionCommand::Begin { film: id(1), slug, text, place, by: id(2), at: at() }
}

fn revise(to: &str, text: CollectionText, place: Place) -> CollectionCommand {
    CollectionCommand::Revise { slug: slug(to), text: Box::new(text), place, at: at() }
}

#[test]
fn a_collection_is_begun_once_as_a_draft() {
    let new = || Collections::with(()).given_no_previous_events();
    new().when(begin(text(" Props "))).then_expect_events(vec![begun()]);
    new().when(begin(text(""))).then_expect_error_message("Enter a title.");
    let twice = CollectionText { media: vec![id(8), id(8)], ..text("Props") };
    new().when(begin(twice)).then_expect_error(CollectionError::TwiceInCollection);
    let large = CollectionText { media: (0..1_001).map(id).collect(), ..text("Props") };
    new().when(begin(large)).then_expect_error(CollectionError::TooLarge(1_000));
    Collections::with(())
        .given(vec![begun()])
        .when(begin(text("Props")))
        .then_expect_error(CollectionError::AlreadyBegun);
}

#[test]
fn a_revision_says_what_changed() {
    let given = || Collections::with(()).given(vec![begun()]);
    given().when(revise("props", text("Props"), Place::default())).then_expect_events(vec![]);
    let place = Place { parent: Some(id(5)), order: 3 };
    given().when(revise("things", text("Things"), place)).then_expect_events(vec![
        CollectionEvent::CollectionMoved { from: slug("props"), to: slug("things"), at: at() },
        CollectionEvent::CollectionRevised { text: text("Things"), at: at() },
        CollectionEvent::CollectionPlaced { place, at: at() },
    ]);
    Collections::with(())
        .given_no_previous_events()
        .when(revise("props", text("Props"), place))
        .then_expect_error(CollectionError::Unknown);
}

#[test]
fn publishing_is_said_once() {
    let published = CollectionEvent::CollectionPublished { at: at() };
    let publish = CollectionCommand::Publish { at: at() };
    let unpublish = CollectionCommand::Unpublish { at: at() };
    Collections::with(())
        .given(vec![begun()])
        .when(publish.clone())
        .then_expect_events(vec![published.clone()]);
    let given = || Collections::with(()).given(vec![begun(), published.clone()]);
    given().when(publish).then_expect_events(vec![]);
    given()
        .when(unpublish.clone())
        .then_expect_events(vec![CollectionEvent::CollectionUnpublished { at: at() }]);
    Collections::with(()).given(vec![begun()]).when(unpublish).then_expect_events(vec![]);
}

#[test]
fn its_picture_stands_for_it_or_else_its_first_work() {
    let mut collection = Collection::default();
    assert_eq!(collection.cover(), None);
    collection.apply(begun());
    assert_eq!(collection.cover(), Some(id(8)));
    let text = CollectionText { picture: Some(id(7)), ..text("Props") };
    collection.apply(CollectionEvent::CollectionRevised { text, at: at() });
    assert_eq!(collection.cover(), Some(id(7)));
}

#[test]
fn it_gets_another_owner_once() {
    let wish = || CollectionCommand::HandOver { to: Uuid::from_u128(90), by: Uuid::from_u128(91), at: at() };
    let given =
        CollectionEvent::CollectionHandedOver { to: Uuid::from_u128(90), by: Uuid::from_u128(91), at: at() };
    Collections::with(()).given_no_previous_events().when(wish()).then_expect_error(CollectionError::Unknown);
    Collections::with(()).given(vec![begun()]).when(wish()).then_expect_events(vec![given.clone()]);
    Collections::with(()).given(vec![begun(), given]).when(wish()).then_expect_events(vec![]);
}

#[test]
fn events_keep_their_form() {
    insta::assert_json_snapshot!(vec![
        begun(),
        CollectionEvent::CollectionRevised { text: text("Things"), at: at() },
        CollectionEvent::CollectionMoved { from: slug("a"), to: slug("b"), at: at() },
        CollectionEvent::CollectionPlaced { place: Place { parent: Some(id(5)), order: 2 }, at: at() },
        CollectionEvent::CollectionPublished { at: at() },
        CollectionEvent::CollectionUnpublished { at: at() },
        CollectionEvent::CollectionHandedOver { to: Uuid::from_u128(90), by: Uuid::from_u128(91), at: at() },
    ]);
}
