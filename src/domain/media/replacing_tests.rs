//! A new file in the place of the old one: given these events, when this command, then those events.

use super::*;
use crate::domain::shared::{PersonalRef, Slug};
use chrono::{DateTime, TimeZone, Utc};
use cqrs_es::test::TestFramework;
use uuid::Uuid;

type Frame = TestFramework<Media>;

fn at(minute: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, 11, minute, 0).unwrap()
}

fn original(letters: &str) -> Original {
    Original { sha256: letters.repeat(32), bytes: 1000 }
}

fn file_name() -> PersonalRef {
    PersonalRef { subject: Uuid::from_u128(7), field: "file_name".into(), version: Uuid::from_u128(8) }
}

fn received() -> MediaEvent {
    MediaEvent::UploadReceived {
        owner: Uuid::from_u128(7),
        original: original("aa"),
        file_name: file_name(),
        ending: "mp4".into(),
        title: "Salt".into(),
        slug: Slug::parse("salt").unwrap(),
        at: at(0),
    }
}

fn probed(kind: Kind) -> MediaEvent {
    MediaEvent::MediaProbed { kind, facts: Facts { width: 64, ..Facts::default() }, at: at(1) }
}

fn playable(generation: u32) -> MediaEvent {
    MediaEvent::MediaPlayable {
        renditions: vec![],
        poster: None,
        duration_ms: 1000,
        frames: 24,
        generation,
        overview: Overview::default(),
        at: at(2),
    }
}

fn ready() -> MediaEvent {
    MediaEvent::MediaReady { made: None, at: at(3) }
}

fn film() -> Vec<MediaEvent> {
    vec![received(), probed(Kind::Video), playable(1), ready()]
}

fn replace(letters: &str) -> MediaCommand {
    MediaCommand::Replace {
        original: original(letters),
        file_name: file_name(),
        ending: "mkv".into(),
        at: at(5),
    }
}

fn came(letters: &str, generation: u32) -> MediaEvent {
    MediaEvent::ReplacementReceived {
        original: original(letters),
        file_name: file_name(),
        ending: "mkv".into(),
        generation,
        at: at(5),
    }
}

fn with(more: Vec<MediaEvent>) -> Vec<MediaEvent> {
    [film(), more].concat()
}

fn state(events: Vec<MediaEvent>) -> Media {
    let mut media = Media::default();
    events.into_iter().for_each(|e| media.apply(e));
    media
}

fn failed() -> MediaEvent {
    MediaEvent::MediaFailed { step: Step::Normalise, reason: Failure::TookTooLong, at: at(6) }
}

#[test]
fn a_new_file_begins_a_round_of_its_own_and_another_one_takes_its_place() {
    for (given, letters, round) in [
        (film(), "bb", 2),
        (vec![received()], "bb", 2),
        (vec![received(), probed(Kind::Video), playable(1)], "bb", 2),
        (with(vec![came("bb", 2)]), "cc", 3),
        (with(vec![came("bb", 2), failed()]), "cc", 3),
        (with(vec![came("bb", 2), MediaEvent::ReplacementWithdrawn { generation: 1, at: at(6) }]), "bb", 3),
    ] {
        Frame::with(()).given(given).when(replace(letters)).then_expect_events(vec![came(letters, round)]);
    }
    // What was refused once may be tried again: the limits may be others now.
    let refused = MediaEvent::MediaRejected { reason: Rejection::Truncated, at: at(1) };
    Frame::with(())
        .given(vec![received(), refused])
        .when(replace("aa"))
        .then_expect_events(vec![came("aa", 2)]);
}

#[test]
fn the_same_file_and_removed_works_are_refused() {
    let removed = MediaEvent::MediaRemoved { at: at(4) };
    for (given, letters, why) in [
        (film(), "aa", MediaError::SameFile),
        (with(vec![came("bb", 2)]), "bb", MediaError::SameFile),
        (with(vec![came("bb", 2)]), "aa", MediaError::SameAsBefore),
        (with(vec![removed]), "bb", MediaError::Removed),
        (vec![], "bb", MediaError::Unknown),
    ] {
        Frame::with(()).given(given).when(replace(letters)).then_expect_error(why);
    }
    Frame::with(())
        .given(film())
        .when(MediaCommand::WithdrawReplacement { at: at(6) })
        .then_expect_error(MediaError::NothingToWithdraw);
}

#[test]
fn the_former_file_stays_until_the_new_one_plays() {
    let mut media = state(with(vec![came("bb", 2), probed(Kind::Video)]));
    assert_eq!(media.original, Some(original("aa")));
    assert_eq!((media.generation, media.playable_generation), (2, 1));
    assert_eq!(media.source().original, Some(&original("bb")));
    assert_eq!(media.source().ending, "mkv");
    assert!(media.holds(&"aa".repeat(32)) && media.holds(&"bb".repeat(32)));

    media.apply(playable(2));
    assert_eq!((media.original.clone(), media.ending.as_str()), (Some(original("bb")), "mkv"));
    assert_eq!(media.playable_generation, 2);
    assert_eq!(media.former, [FormerFile { round: 1, original: original("aa") }]);
    assert_eq!((&media.next, media.title.as_str()), (&None, "Salt"));

    // Its bytes go once, with an event.
    let gone = media.decide(MediaCommand::RecordFormerErased { round: 1, at: at(9) }).unwrap();
    assert_eq!(gone, [MediaEvent::FormerOriginalErased { original: original("aa"), round: 1, at: at(9) }]);
    media.apply(gone[0].clone());
    assert!(!media.holds(&"aa".repeat(32)));
    assert_eq!(media.decide(MediaCommand::RecordFormerErased { round: 1, at: at(9) }), Ok(vec![]));
}

#[test]
fn a_new_file_that_is_refused_fails_or_is_taken_back_leaves_all_as_it_was() {
    let refused = MediaEvent::MediaRejected { reason: Rejection::Truncated, at: at(6) };
    let media = state(with(vec![came("bb", 2), MediaEvent::ProbingStarted { at: at(5) }, refused]));
    assert_eq!((media.processing.clone(), media.generation), (Processing::Ready, 1));
    assert!(!media.holds(&"bb".repeat(32)), "of a refused file nothing is kept");

    let mut media = state(with(vec![came("bb", 2), probed(Kind::Video), failed()]));
    assert_eq!((media.original.clone(), media.playable_generation), (Some(original("aa")), 1));
    let again = media.decide(MediaCommand::Retry { at: at(7) }).unwrap();
    media.apply(again[0].clone());
    assert_eq!(media.processing, Processing::Accepted, "a retry goes on with the new file");

    let back = media.decide(MediaCommand::WithdrawReplacement { at: at(8) }).unwrap();
    assert_eq!(back, [MediaEvent::ReplacementWithdrawn { generation: 1, at: at(8) }]);
    media.apply(back[0].clone());
    assert_eq!((media.processing.clone(), media.generation), (Processing::Ready, 1));
    assert_eq!(media.former, [FormerFile { round: 2, original: original("bb") }]);
    // A number of a round is never used again.
    assert_eq!(media.decide(replace("cc")), Ok(vec![came("cc", 3)]));
    let anew = MediaEvent::ReprocessingRequested { generation: 3, at: at(9) };
    assert_eq!(media.decide(MediaCommand::Reprocess { at: at(9) }), Ok(vec![anew]));
}

#[test]
fn what_was_still_improving_goes_on_when_the_new_file_is_taken_back() {
    let before = vec![received(), probed(Kind::Video), playable(1)];
    let back = MediaEvent::ReplacementWithdrawn { generation: 1, at: at(6) };
    let media = state([before, vec![came("bb", 2), came("cc", 3), back]].concat());
    assert_eq!((media.processing, media.generation), (Processing::Processing, 1));
    let rounds: Vec<u32> = media.former.iter().map(|f| f.round).collect();
    assert_eq!(rounds, [2, 3]);
}

#[test]
fn what_workers_say_of_a_round_that_is_over_is_not_heard() {
    let accept = MediaCommand::Accept { kind: Kind::Video, facts: Facts::default(), at: at(6) };
    let report = |round| MediaCommand::Report { round, of: Box::new(accept.clone()) };
    let probed = MediaEvent::MediaProbed { kind: Kind::Video, facts: Facts::default(), at: at(6) };
    let given = with(vec![came("bb", 2), came("cc", 3)]);
    Frame::with(()).given(given.clone()).when(report(2)).then_expect_events(vec![]);
    Frame::with(()).given(given).when(report(3)).then_expect_events(vec![probed]);
}

#[test]
fn a_film_does_not_become_a_picture() {
    let reason = Rejection::OtherKind { was: Kind::Video, found: Kind::Image };
    assert!(reason.to_string().starts_with("The new file is a picture, but the work is a video."));
    let accept = |kind| MediaCommand::Accept { kind, facts: Facts::default(), at: at(6) };
    Frame::with(())
        .given(with(vec![came("bb", 2)]))
        .when(accept(Kind::Image))
        .then_expect_events(vec![MediaEvent::MediaRejected { reason, at: at(6) }]);
    // As long as nothing plays there is nothing that it would have to be like.
    let probed = MediaEvent::MediaProbed { kind: Kind::Image, facts: Facts::default(), at: at(6) };
    Frame::with(())
        .given(vec![received(), came("bb", 2)])
        .when(accept(Kind::Image))
        .then_expect_events(vec![probed]);
}

#[test]
fn works_without_a_new_file_are_kept_in_the_form_they_always_had() {
    let kept = serde_json::to_value(state(film())).unwrap();
    for field in ["next", "former", "original_round", "rounds"] {
        assert!(kept.get(field).is_none(), "{field}");
    }
}

#[test]
fn the_form_of_every_event_is_frozen() {
    insta::assert_json_snapshot!([
        came("bb", 2),
        MediaEvent::ReplacementWithdrawn { generation: 1, at: at(8) },
        MediaEvent::FormerOriginalErased { original: original("aa"), round: 1, at: at(9) },
    ]);
}
