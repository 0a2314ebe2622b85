//! Given what happened, when somebody wishes something, then this follows.

use super::*;
use chrono::{DateTime, TimeZone, Utc};
use cqrs_es::test::TestFramework;

type Films = TestFramework<Film>;

fn at() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, 18, 0, 0).single().expect("a time")
}

fn slug(text: &str) -> Slug {
    Slug::parse(text).expect("a slug")
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn begun() -> FilmEvent {
    FilmEvent::FilmBegun {
        title: "The Salt Keeper".into(),
        slug: slug("the-salt-keeper"),
        summary: "The sea, one jar at a time.".into(),
        by: id(1),
        at: at(),
    }
}

fn details() -> FilmDetails {
    FilmDetails {
        title: "The Salt Keeper".into(),
        slug: Some(slug("the-salt-keeper")),
        summary: "The sea, one jar at a time.".into(),
        ..FilmDetails::default()
    }
}

fn edit(details: FilmDetails) -> FilmCommand {
    FilmCommand::Edit { details: Box::new(details), at: at() }
}

#[test]
fn a_film_is_begun_once() {
    let begin = |title: &str| FilmCommand::Begin {
        title: title.into(),
        slug: slug("the-salt-keeper"),
        summary: "The sea, one jar at a time.".into(),
        by: id(1),
        at: at(),
    };
    Films::with(())
        .given_no_previous_events()
        .when(begin(" The Salt Keeper "))
        .then_expect_events(vec![begun()]);
    Films::with(()).given(vec![begun()]).when(begin("Again")).then_expect_error(FilmError::AlreadyBegun);
    Films::with(()).given_no_previous_events().when(begin("  ")).then_expect_error_message("Enter a title.");
}

#[test]
fn an_edit_records_only_what_changes() {
    Films::with(()).given(vec![begun()]).when(edit(details())).then_expect_events(vec![]);
    let moved = FilmDetails { slug: Some(slug("salt")), hue: Some(30), key_art: Some(id(7)), ..details() };
    Films::with(()).given(vec![begun()]).when(edit(moved)).then_expect_events(vec![
        FilmEvent::FilmMoved { from: slug("the-salt-keeper"), to: slug("salt"), at: at() },
        FilmEvent::FilmKeyArtChosen { key_art: Some(id(7)), hue: Some(30), art_hue: None, at: at() },
    ]);
}

#[test]
fn an_edit_is_refused_with_the_field_that_is_meant() {
    let refused = |details: FilmDetails| {
        let mut film = Film::default();
        film.apply(begun());
        film.decide(edit(details)).map_err(|e| (e.field().to_owned(), e.to_string()))
    };
    let twice = vec![GallerySection { title: "Art".into(), media: vec![id(1), id(1)] }];
    for (wrong, field) in [
        (FilmDetails { title: "x".repeat(121), ..details() }, "title"),
        (FilmDetails { slug: None, ..details() }, "slug"),
        (FilmDetails { hue: Some(360), ..details() }, "hue"),
        (FilmDetails { gallery: twice, ..details() }, "gallery"),
        (FilmDetails { description: "x".repeat(50_001), ..details() }, "description"),
    ] {
        assert_eq!(refused(wrong).map_err(|(f, _)| f), Err(field.to_owned()));
    }
}

#[test]
fn publishing_is_said_once_and_needs_a_sentence() {
    let publish = FilmCommand::Publish { at: at() };
    let published = FilmEvent::FilmPublished { at: at() };
    Films::with(()).given(vec![begun()]).when(publish.clone()).then_expect_events(vec![published.clone()]);
    Films::with(()).given(vec![begun(), published.clone()]).when(publish.clone()).then_expect_events(vec![]);
    let silent = FilmEvent::FilmDescribed { summary: String::new(), description: String::new(), at: at() };
    Films::with(())
        .given(vec![begun(), silent])
        .when(publish.clone())
        .then_expect_error(FilmError::NothingSaid);
    Films::with(()).given_no_previous_events().when(publish).then_expect_error(FilmError::Unknown);
    Films::with(())
        .given(vec![begun(), published])
        .when(FilmCommand::Unpublish { at: at() })
        .then_expect_events(vec![FilmEvent::FilmUnpublished { at: at() }]);
}

fn later() -> DateTime<Utc> {
    at() + chrono::TimeDelta::days(2)
}

#[test]
fn a_schedule_is_kept_and_not_overtaken() {
    let due = |at| FilmCommand::PublishDue { at };
    let schedule = |publish_at| FilmCommand::Schedule { publish_at, at: at() };
    let scheduled = FilmEvent::FilmScheduled { publish_at: later(), at: at() };
    Films::with(()).given(vec![begun()]).when(schedule(later())).then_expect_events(vec![scheduled.clone()]);
    Films::with(()).given(vec![begun()]).when(schedule(at())).then_expect_error(FilmError::TimeHasPassed);
    Films::with(()).given(vec![begun()]).when(due(later())).then_expect_events(vec![]);
    let given = || Films::with(()).given(vec![begun(), scheduled.clone()]);
    given().when(schedule(later())).then_expect_events(vec![]);
    given().when(due(at())).then_expect_events(vec![]);
    given().when(due(later())).then_expect_events(vec![FilmEvent::FilmPublished { at: later() }]);
    given()
        .when(FilmCommand::Unpublish { at: at() })
        .then_expect_events(vec![FilmEvent::FilmUnpublished { at: at() }]);
    let published = FilmEvent::FilmPublished { at: at() };
    Films::with(())
        .given(vec![begun(), published])
        .when(schedule(later()))
        .then_expect_error(FilmError::AlreadyPublished);
}

#[test]
fn the_typed_hue_counts_more_than_that_of_the_key_art() {
    let mut film = Film::default();
    let chosen = |hue| FilmEvent::FilmKeyArtChosen { key_art: Some(id(7)), hue, art_hue: Some(40), at: at() };
    film.apply(chosen(None));
    assert_eq!(film.light(), Some(40));
    film.apply(chosen(Some(200)));
    assert_eq!(film.light(), Some(200));
}

fn film_page(n: u128, address: &str) -> FilmPage {
    FilmPage { id: id(n), slug: slug(address), title: "The team".into(), text: "Six people.".into() }
}

#[test]
fn pages_of_its_own_have_addresses_that_never_change_their_meaning() {
    let write =
        |page: FilmPage, position| FilmCommand::WritePage { page: Box::new(page), position, at: at() };
    let written = |page, position| FilmEvent::FilmPageWritten { page, position, at: at() };
    let given = || {
        let pages = vec![written(film_page(5, "team"), 0), written(film_page(6, "press"), 1)];
        Films::with(()).given([vec![begun()], pages].concat())
    };
    given().when(write(film_page(7, "faq"), None)).then_expect_events(vec![written(film_page(7, "faq"), 2)]);
    given().when(write(film_page(5, "team"), None)).then_expect_events(vec![]);
    given()
        .when(write(film_page(5, "crew"), Some(9)))
        .then_expect_events(vec![written(film_page(5, "crew"), 1)]);
    given()
        .when(write(film_page(7, "press"), None))
        .then_expect_error(FilmError::PageSlugTaken("press".into()));
    let bare = FilmPage { text: " ".into(), ..film_page(7, "faq") };
    given().when(write(bare, None)).then_expect_error_message("Enter a text.");
    let remove = |n| FilmCommand::RemovePage { page: id(n), at: at() };
    given().when(remove(9)).then_expect_events(vec![]);
    given().when(remove(5)).then_expect_events(vec![FilmEvent::FilmPageRemoved { page: id(5), at: at() }]);
    let mut film = Film::default();
    film.apply(begun());
    film.apply(written(film_page(5, "team"), 0));
    film.apply(written(film_page(5, "crew"), 0));
    film.apply(FilmEvent::FilmPageRemoved { page: id(5), at: at() });
    assert!(film.decide(write(film_page(8, "team"), None)).is_err(), "the old address is not given away");
}

#[test]
fn it_gets_another_owner_once() {
    let wish = || FilmCommand::HandOver { to: Uuid::from_u128(90), by: Uuid::from_u128(91), at: at() };
    let given = FilmEvent::FilmHandedOver { to: Uuid::from_u128(90), by: Uuid::from_u128(91), at: at() };
    Films::with(()).given_no_previous_events().when(wish()).then_expect_error(FilmError::Unknown);
    Films::with(()).given(vec![begun()]).when(wish()).then_expect_events(vec![given.clone()]);
    Films::with(()).given(vec![begun(), given]).when(wish()).then_expect_events(vec![]);
}

#[test]
fn events_keep_their_form() {
    let name = PersonalRef { subject: id(2), field: "credit".into(), version: id(3) };
    let crew = vec![Credit { role: "Director".into(), name }];
    let all = vec![
        begun(),
        FilmEvent::FilmRetitled { title: "Salt".into(), at: at() },
        FilmEvent::FilmMoved { from: slug("a"), to: slug("b"), at: at() },
        FilmEvent::FilmDescribed { summary: "S".into(), description: "D".into(), at: at() },
        FilmEvent::FilmStageChanged {
            stage: Stage::Released,
            release_date: NaiveDate::from_ymd_opt(2026, 4, 3),
            at: at(),
        },
        FilmEvent::FilmLicenceChanged { licence: Licence::CcBy, at: at() },
        FilmEvent::FilmKeyArtChosen { key_art: Some(id(7)), hue: Some(195), art_hue: None, at: at() },
        FilmEvent::FilmVideosChosen { trailer: Some(id(8)), feature: None, at: at() },
        FilmEvent::FilmGalleryArranged {
            sections: vec![GallerySection { title: "Art".into(), media: vec![id(9)] }],
            at: at(),
        },
        FilmEvent::FilmCredited { crew, at: at() },
        FilmEvent::FilmPublished { at: at() },
        FilmEvent::FilmUnpublished { at: at() },
        FilmEvent::FilmKeyArtChosen { key_art: Some(id(7)), hue: None, art_hue: Some(40), at: at() },
        FilmEvent::FilmSignsChosen { logo: Some(id(4)), poster: None, at: at() },
        FilmEvent::FilmLandingWritten { landing: "Join us.".into(), at: at() },
        FilmEvent::FilmPartsHidden { hidden: [Part::Gallery, Part::Logs].into(), at: at() },
        FilmEvent::FilmPageWritten { page: film_page(5, "team"), position: 0, at: at() },
        FilmEvent::FilmPageRemoved { page: id(5), at: at() },
        FilmEvent::FilmScheduled { publish_at: later(), at: at() },
        FilmEvent::FilmHandedOver { to: Uuid::from_u128(90), by: Uuid::from_u128(91), at: at() },
    ];
    insta::assert_json_snapshot!(all);
}
