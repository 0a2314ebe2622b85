//! Given what happened, when somebody wishes something, then this follows.

use super::*;
use crate::domain::shared::Slug;
use chrono::TimeZone;
use cqrs_es::test::TestFramework;

type Characters = TestFramework<Character>;

fn at() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 27, 18, 0, 0).single().expect("a time")
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn slug(text: &str) -> Slug {
    Slug::parse(text).expect("a slug")
}

fn text(name: &str) -> CharacterText {
    CharacterText { name: name.into(), summary: "A gentle rabbit.".into(), ..CharacterText::default() }
}

fn begun() -> CharacterEvent {
    CharacterEvent::CharacterBegun { slug: slug("bunny"), text: text("Bunny"), by: id(1), at: at() }
}

fn version(label: &str) -> VersionText {
    VersionText {
        label: label.into(),
        software: "Blender 4.5".into(),
        notes: "Softer ears.".into(),
        download: Some(id(8)),
        preview: Some(id(9)),
    }
}

fn added(n: u128, label: &str) -> CharacterEvent {
    let version = Version { id: id(n), text: version(label), at: at() };
    CharacterEvent::CharacterVersionAdded { version, at: at() }
}

fn add(n: u128, text: VersionText) -> CharacterCommand {
    CharacterCommand::AddVersion { version: id(n), text: Box::new(text), at: at() }
}

fn revise(to: &str, text: CharacterText) -> CharacterCommand {
    CharacterCommand::Revise { slug: slug(to), text: Box::new(text), at: at() }
}

#[test]
fn a_character_is_begun_once_as_a_draft() {
    let begin = |name: &str| CharacterCommand::Begin {
        slug: slug("bunny"),
        text: Box::new(text(name)),
        by: id(1),
        at: at(),
    };
    Characters::with(()).given_no_previous_events().when(begin(" Bunny ")).then_expect_events(vec![begun()]);
    Characters::with(())
        .given_no_previous_events()
        .when(begin(" "))
        .then_expect_error_message("Enter a name.");
    Characters::with(())
        .given(vec![begun()])
        .when(begin("Bunny"))
        .then_expect_error(CharacterError::AlreadyBegun);
}

#[test]
fn a_revision_says_what_changed() {
    let given = || Characters::with(()).given(vec![begun()]);
    given().when(revise("bunny", text("Bunny"))).then_expect_events(vec![]);
    given().when(revise("big-bunny", text("Big Bunny"))).then_expect_events(vec![
        CharacterEvent::CharacterMoved { from: slug("bunny"), to: slug("big-bunny"), at: at() },
        CharacterEvent::CharacterRevised { text: text("Big Bunny"), at: at() },
    ]);
    let twice = CharacterText { showcases: vec![id(3), id(3)], ..text("Bunny") };
    given().when(revise("bunny", twice)).then_expect_error(CharacterError::TwiceShown);
    let many = CharacterText { showcases: (0..201).map(id).collect(), ..text("Bunny") };
    given().when(revise("bunny", many)).then_expect_error(CharacterError::TooManyShowcases(200));
}

#[test]
fn versions_have_a_name_of_their_own_and_a_software() {
    let given = || Characters::with(()).given(vec![begun(), added(5, "1.0")]);
    Characters::with(())
        .given(vec![begun()])
        .when(add(5, version("1.0")))
        .then_expect_events(vec![added(5, "1.0")]);
    given().when(add(5, version("7"))).then_expect_events(vec![]);
    given().when(add(6, version(" 1.0"))).then_expect_error(CharacterError::LabelInUse);
    let bare = VersionText { software: " ".into(), ..version("2.0") };
    given().when(add(6, bare)).then_expect_error_message("Enter a version of the software.");
    let full = std::iter::once(begun()).chain((10..210).map(|n| added(n, &n.to_string()))).collect();
    Characters::with(())
        .given(full)
        .when(add(5, version("x")))
        .then_expect_error(CharacterError::TooManyVersions(200));
}

#[test]
fn versions_are_revised_and_removed() {
    let given = || Characters::with(()).given(vec![begun(), added(5, "1.0"), added(6, "2.0")]);
    let revise = |n, label: &str| CharacterCommand::ReviseVersion {
        version: id(n),
        text: Box::new(version(label)),
        at: at(),
    };
    given().when(revise(5, "1.0")).then_expect_events(vec![]);
    given().when(revise(5, "2.0")).then_expect_error(CharacterError::LabelInUse);
    given().when(revise(7, "3.0")).then_expect_error(CharacterError::NoSuchVersion);
    given().when(revise(5, "1.1")).then_expect_events(vec![CharacterEvent::CharacterVersionRevised {
        version: id(5),
        text: version("1.1"),
        at: at(),
    }]);
    let remove = |n| CharacterCommand::RemoveVersion { version: id(n), at: at() };
    given().when(remove(7)).then_expect_events(vec![]);
    given()
        .when(remove(5))
        .then_expect_events(vec![CharacterEvent::CharacterVersionRemoved { version: id(5), at: at() }]);
}

#[test]
fn publishing_is_said_once_and_needs_a_sentence() {
    let publish = CharacterCommand::Publish { at: at() };
    let published = CharacterEvent::CharacterPublished { at: at() };
    let silent = CharacterText { summary: String::new(), ..text("Bunny") };
    Characters::with(())
        .given(vec![begun()])
        .when(publish.clone())
        .then_expect_events(vec![published.clone()]);
    Characters::with(())
        .given(vec![begun(), CharacterEvent::CharacterRevised { text: silent.clone(), at: at() }])
        .when(publish.clone())
        .then_expect_error(CharacterError::NothingSaid);
    let given = || Characters::with(()).given(vec![begun(), published.clone()]);
    given().when(publish).then_expect_events(vec![]);
    given().when(revise("bunny", silent)).then_expect_error(CharacterError::NothingSaid);
    given()
        .when(CharacterCommand::Unpublish { at: at() })
        .then_expect_events(vec![CharacterEvent::CharacterUnpublished { at: at() }]);
}

#[test]
fn it_gets_another_owner_once() {
    let wish = || CharacterCommand::HandOver { to: Uuid::from_u128(90), by: Uuid::from_u128(91), at: at() };
    let given =
        CharacterEvent::CharacterHandedOver { to: Uuid::from_u128(90), by: Uuid::from_u128(91), at: at() };
    Characters::with(()).given_no_previous_events().when(wish()).then_expect_error(CharacterError::Unknown);
    Characters::with(()).given(vec![begun()]).when(wish()).then_expect_events(vec![given.clone()]);
    Characters::with(()).given(vec![begun(), given]).when(wish()).then_expect_events(vec![]);
}

#[test]
fn events_keep_their_form() {
    let full = CharacterText { film: Some(id(2)), picture: Some(id(4)), showcases: vec![id(3)], ..text("B") };
    insta::assert_json_snapshot!(vec![
        begun(),
        CharacterEvent::CharacterRevised { text: full, at: at() },
        CharacterEvent::CharacterMoved { from: slug("a"), to: slug("b"), at: at() },
        added(5, "1.0"),
        CharacterEvent::CharacterVersionRevised { version: id(5), text: version("1.1"), at: at() },
        CharacterEvent::CharacterVersionRemoved { version: id(5), at: at() },
        CharacterEvent::CharacterPublished { at: at() },
        CharacterEvent::CharacterUnpublished { at: at() },
        CharacterEvent::CharacterHandedOver { to: Uuid::from_u128(90), by: Uuid::from_u128(91), at: at() },
    ]);
}
