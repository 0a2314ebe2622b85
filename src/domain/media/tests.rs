//! Given these events, when this command, then those events.

use super::*;
use crate::domain::shared::{Licence, PersonalRef, Slug};
use chrono::{DateTime, TimeZone, Utc};
use cqrs_es::test::TestFramework;
use uuid::Uuid;

pub(super) fn at(minute: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, 10, minute, 0).unwrap()
}

fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

pub(super) fn received() -> MediaEvent {
    let owner = Uuid::from_u128(7);
    MediaEvent::UploadReceived {
        owner,
        original: Original { sha256: "ab".repeat(32), bytes: 1000 },
        file_name: PersonalRef { subject: owner, field: "file_name".into(), version: Uuid::from_u128(8) },
        ending: "mp4".into(),
        title: "The Salt Keeper".into(),
        slug: slug("the-salt-keeper"),
        at: at(0),
    }
}

fn facts() -> Facts {
    Facts {
        format: "mov,mp4,m4a,3gp,3g2,mj2".into(),
        width: 1280,
        height: 720,
        duration_ms: 55_125,
        frame_rate: (24, 1),
        video_codec: Some("h264".into()),
        audio_codec: Some("mp3".into()),
        ..Facts::default()
    }
}

fn probed() -> MediaEvent {
    MediaEvent::MediaProbed { kind: Kind::Video, facts: facts(), at: at(1) }
}

fn h264() -> Rendition {
    Rendition {
        name: "h264-720".into(),
        codec: Codec::H264,
        width: 1280,
        height: 720,
        bytes: 12_000_000,
        codecs: "avc1.64001f".into(),
    }
}

fn av1() -> Rendition {
    Rendition { name: "av1-720".into(), codec: Codec::Av1, codecs: "av01.0.05M.08".into(), ..h264() }
}

fn poster() -> Poster {
    Poster {
        width: 1280,
        height: 720,
        widths: vec![400, 800, 1200, 1280],
        colour: "#223344".into(),
        hue: None,
        thumbhash: "1QcSHQ".into(),
    }
}

fn playable(generation: u32) -> MediaEvent {
    MediaEvent::MediaPlayable {
        renditions: vec![h264()],
        poster: Some(poster()),
        duration_ms: 55_125,
        frames: 1323,
        generation,
        overview: overview(),
        at: at(2),
    }
}

fn overview() -> Overview {
    let storyboard =
        Storyboard { interval_ms: 2000, count: 28, columns: 10, rows: 10, width: 160, height: 90 };
    Overview { storyboard: Some(storyboard), waveform: String::new() }
}

fn failed() -> MediaEvent {
    MediaEvent::MediaFailed { step: Step::Encode, reason: Failure::WorkerLost { attempts: 5 }, at: at(3) }
}

type Frame = TestFramework<Media>;

#[test]
fn a_film_runs_through_all_states() {
    let mut media = Media::default();
    let receive = MediaCommand::ReceiveUpload {
        owner: Uuid::from_u128(7),
        original: Original { sha256: "ab".repeat(32), bytes: 1000 },
        file_name: PersonalRef {
            subject: Uuid::from_u128(7),
            field: "file_name".into(),
            version: Uuid::from_u128(8),
        },
        ending: "mp4".into(),
        title: "  The Salt Keeper ".into(),
        slug: slug("the-salt-keeper"),
        at: at(0),
    };
    let steps = [
        (receive, Processing::Received),
        (MediaCommand::StartProbe { at: at(1) }, Processing::Probing),
        (MediaCommand::Accept { kind: Kind::Video, facts: facts(), at: at(1) }, Processing::Accepted),
        (MediaCommand::StartProcessing { at: at(1) }, Processing::Processing),
        (
            MediaCommand::RecordPlayable {
                renditions: vec![h264()],
                poster: Some(poster()),
                duration_ms: 55_125,
                frames: 1323,
                overview: overview(),
                at: at(2),
            },
            Processing::Processing,
        ),
        (MediaCommand::RecordRendition { rendition: av1(), at: at(3) }, Processing::Processing),
        (MediaCommand::FinishProcessing { made: None, at: at(4) }, Processing::Ready),
    ];
    for (command, expected) in steps {
        let events = media.decide(command.clone()).unwrap();
        assert_eq!(events.len(), 1, "{command:?}");
        events.into_iter().for_each(|e| media.apply(e));
        assert_eq!(media.processing, expected);
        // Reports come at least once: the same again changes nothing.
        if !matches!(command, MediaCommand::ReceiveUpload { .. }) {
            assert_eq!(media.decide(command).unwrap(), vec![]);
        }
    }
    assert_eq!(media.renditions.len(), 2);
    assert_eq!(media.title, "The Salt Keeper");
}

#[test]
fn nothing_happens_to_an_unknown_work() {
    Frame::with(())
        .given_no_previous_events()
        .when(MediaCommand::Publish { at: at(0) })
        .then_expect_error(MediaError::Unknown);
}

#[test]
fn an_id_is_received_once_and_needs_a_title() {
    let MediaEvent::UploadReceived { owner, original, file_name, slug, at, .. } = received() else {
        unreachable!()
    };
    let command = |title: &str| MediaCommand::ReceiveUpload {
        owner,
        original: original.clone(),
        file_name: file_name.clone(),
        ending: "mp4".into(),
        title: title.into(),
        slug: slug.clone(),
        at,
    };
    Frame::with(()).given(vec![received()]).when(command("x")).then_expect_error(MediaError::AlreadyReceived);
    Frame::with(())
        .given_no_previous_events()
        .when(command("  "))
        .then_expect_error(MediaError::TitleMissing);
    Frame::with(())
        .given_no_previous_events()
        .when(command(&"x".repeat(201)))
        .then_expect_error(MediaError::TitleTooLong(201));
}

#[test]
fn a_rejected_file_is_neither_processed_nor_published() {
    let rejected = MediaEvent::MediaRejected { reason: Rejection::Truncated, at: at(1) };
    let given = || Frame::with(()).given(vec![received(), rejected.clone()]);
    given()
        .when(MediaCommand::Publish { at: at(2) })
        .then_expect_error(MediaError::Rejected(Rejection::Truncated));
    given().when(MediaCommand::StartProcessing { at: at(2) }).then_expect_events(vec![]);
    given()
        .when(MediaCommand::Retry { at: at(2) })
        .then_expect_error(MediaError::Rejected(Rejection::Truncated));
}

#[test]
fn publishing_waits_for_the_first_playable_rendition() {
    Frame::with(())
        .given(vec![received(), probed()])
        .when(MediaCommand::Publish { at: at(2) })
        .then_expect_error(MediaError::NotPlayableYet);
    Frame::with(())
        .given(vec![received(), probed(), playable(1)])
        .when(MediaCommand::Publish { at: at(3) })
        .then_expect_events(vec![MediaEvent::MediaPublished { at: at(3) }]);
    // A failed upgrade does not keep people from what plays.
    Frame::with(())
        .given(vec![received(), probed(), playable(1), failed()])
        .when(MediaCommand::Publish { at: at(4) })
        .then_expect_events(vec![MediaEvent::MediaPublished { at: at(4) }]);
}

#[test]
fn a_schedule_takes_effect_when_due_and_playable() {
    let scheduled = MediaEvent::MediaScheduled { publish_at: at(30), at: at(2) };
    let due = |minute| MediaCommand::PublishDue { at: at(minute) };
    Frame::with(()).given(vec![received(), scheduled.clone()]).when(due(31)).then_expect_events(vec![]);
    let ready = || Frame::with(()).given(vec![received(), probed(), playable(1), scheduled.clone()]);
    ready().when(due(29)).then_expect_events(vec![]);
    ready().when(due(30)).then_expect_events(vec![MediaEvent::MediaPublished { at: at(30) }]);
    ready()
        .when(MediaCommand::Schedule { publish_at: at(1), at: at(2) })
        .then_expect_error(MediaError::TimeHasPassed);
    let mut media = Media::default();
    for e in [received(), scheduled, MediaEvent::MediaUnpublished { at: at(3) }] {
        media.apply(e);
    }
    assert_eq!(media.publication, Publication::Draft);
}

#[test]
fn retry_goes_on_where_it_stopped() {
    Frame::with(())
        .given(vec![received(), probed()])
        .when(MediaCommand::Retry { at: at(2) })
        .then_expect_error(MediaError::NothingToRetry);
    let mut media = Media::default();
    for e in [received(), probed(), playable(1), failed(), MediaEvent::ProcessingRetried { at: at(4) }] {
        media.apply(e);
    }
    assert_eq!(media.processing, Processing::Processing);
    assert!(media.playable());
}

#[test]
fn reprocessing_keeps_the_old_files_until_the_new_ones_play() {
    let mut media = Media::default();
    for e in [received(), probed(), playable(1), MediaEvent::MediaReady { made: None, at: at(3) }] {
        media.apply(e);
    }
    let events = media.decide(MediaCommand::Reprocess { at: at(4) }).unwrap();
    assert_eq!(events, vec![MediaEvent::ReprocessingRequested { generation: 2, at: at(4) }]);
    events.into_iter().for_each(|e| media.apply(e));
    assert_eq!((media.generation, media.playable_generation), (2, 1));
    assert_eq!(media.decide(MediaCommand::Reprocess { at: at(5) }), Err(MediaError::StillProcessing));
    media.apply(probed());
    let again = MediaCommand::RecordPlayable {
        renditions: vec![h264()],
        poster: None,
        duration_ms: 1,
        frames: 1,
        overview: Overview::default(),
        at: at(5),
    };
    for e in media.decide(again).unwrap() {
        media.apply(e);
    }
    assert_eq!(media.playable_generation, 2);
}

#[test]
fn removing_is_final_and_late_reports_are_dropped() {
    let removed = MediaEvent::MediaRemoved { at: at(5) };
    let given = || Frame::with(()).given(vec![received(), probed(), playable(1), removed.clone()]);
    given().when(MediaCommand::Publish { at: at(6) }).then_expect_error(MediaError::Removed);
    given().when(MediaCommand::RecordRendition { rendition: av1(), at: at(6) }).then_expect_events(vec![]);
    given().when(MediaCommand::Remove { at: at(6) }).then_expect_events(vec![]);
    given()
        .when(MediaCommand::RecordFilesErased { at: at(6) })
        .then_expect_events(vec![MediaEvent::MediaFilesErased { at: at(6) }]);
    Frame::with(())
        .given(vec![received()])
        .when(MediaCommand::RecordFilesErased { at: at(6) })
        .then_expect_error(MediaError::NotRemoved);
}

#[test]
fn describing_changes_only_what_differs() {
    let describe = |title: &str, description: String| MediaCommand::Describe {
        title: title.into(),
        description,
        slug: slug("the-salt-keeper"),
        at: at(2),
    };
    Frame::with(())
        .given(vec![received()])
        .when(describe("The Salt Keeper", String::new()))
        .then_expect_events(vec![]);
    Frame::with(())
        .given(vec![received()])
        .when(describe("New", "x".repeat(20_001)))
        .then_expect_error(MediaError::DescriptionTooLong(20_001));
    Frame::with(())
        .given(vec![received()])
        .when(MediaCommand::SetTier { tier: Tier::Free, at: at(2) })
        .then_expect_events(vec![MediaEvent::MediaTierChanged { tier: Tier::Free, at: at(2) }]);
}

#[test]
fn it_gets_another_owner_once() {
    let wish = || MediaCommand::HandOver { to: Uuid::from_u128(90), by: Uuid::from_u128(91), at: at(40) };
    let given = MediaEvent::MediaHandedOver { to: Uuid::from_u128(90), by: Uuid::from_u128(91), at: at(40) };
    Frame::with(()).given_no_previous_events().when(wish()).then_expect_error(MediaError::Unknown);
    Frame::with(()).given(vec![received()]).when(wish()).then_expect_events(vec![given.clone()]);
    let gone = vec![received(), MediaEvent::MediaRemoved { at: at(39) }];
    let refused = Frame::with(()).given(gone).when(wish()).inspect_result();
    assert!(refused.is_err(), "nobody owns what was removed");
    Frame::with(()).given(vec![received(), given]).when(wish()).then_expect_events(vec![]);
}

#[test]
fn the_form_of_every_event_is_frozen() {
    let events = vec![
        received(),
        MediaEvent::ProbingStarted { at: at(1) },
        probed(),
        MediaEvent::MediaRejected {
            reason: Rejection::TooManyPixels { width: 30_000, height: 30_000, limit_megapixels: 100 },
            at: at(1),
        },
        MediaEvent::ProcessingStarted { generation: 1, at: at(1) },
        playable(1),
        MediaEvent::RenditionReady { rendition: av1(), at: at(3) },
        MediaEvent::MediaReady { made: None, at: at(4) },
        failed(),
        MediaEvent::ProcessingRetried { at: at(5) },
        MediaEvent::ReprocessingRequested { generation: 2, at: at(6) },
        MediaEvent::MediaDescribed { title: "T".into(), description: "D".into(), slug: slug("t"), at: at(7) },
        MediaEvent::MediaTierChanged { tier: Tier::Free, at: at(8) },
        MediaEvent::MediaLabelled { licence: Licence::Cc0, tags: vec!["light".into()], at: at(8) },
        added(captions("pt-br", true, "ab")),
        MediaEvent::CaptionsRemoved { captions: captions("pt-br", true, "ab"), at: at(8) },
        MediaEvent::ChaptersSet {
            chapters: vec![Chapter { at_ms: 1500, title: "The forest".into() }],
            at: at(8),
        },
        MediaEvent::ShotDetailsPublished {
            details: vec![ShotDetail { field: ShotField::FocalLength, value: "35 mm".into() }],
            at: at(8),
        },
        MediaEvent::MediaScheduled { publish_at: at(30), at: at(9) },
        MediaEvent::MediaPublished { at: at(30) },
        MediaEvent::MediaUnpublished { at: at(31) },
        MediaEvent::MediaRemoved { at: at(32) },
        MediaEvent::FilesCopied { to: Place::S3, generation: 1, files: 12, bytes: 3_400_000, at: at(34) },
        MediaEvent::FilesSwitched { to: Place::S3, at: at(35) },
        MediaEvent::FormerFilesDeleted { from: Place::Local, at: at(36) },
        MediaEvent::MediaFilesErased { at: at(33) },
        MediaEvent::MediaHandedOver { to: Uuid::from_u128(90), by: Uuid::from_u128(91), at: at(40) },
        MediaEvent::MediaFiled { filing: super::filing_tests::filed(), at: at(41) },
    ];
    insta::assert_json_snapshot!(events);
}

#[test]
fn every_rejection_and_failure_is_a_sentence() {
    let texts = [
        Rejection::Empty.to_string(),
        Rejection::Playlist.to_string(),
        Rejection::TooLong { minutes: 900, limit_minutes: 600 }.to_string(),
        Failure::NoRoom.to_string(),
        Failure::ProgramMissing { program: "ffmpeg".into() }.to_string(),
    ];
    for text in texts {
        assert!(text.ends_with('.') && text.len() > 20, "{text}");
    }
}

fn captions(language: &str, sounds: bool, sha: &str) -> Captions {
    let language = crate::domain::shared::Language::parse(language).unwrap();
    Captions { language, sounds, sha256: sha.repeat(32), bytes: 900, cues: 12 }
}

fn added(captions: Captions) -> MediaEvent {
    MediaEvent::CaptionsAdded { captions, at: at(5) }
}

#[test]
fn captions_of_one_language_replace_each_other() {
    let (old, new) = (captions("de", false, "aa"), captions("de", false, "bb"));
    let full = captions("de", true, "cc");
    TestFramework::<Media>::with(())
        .given(vec![received(), probed(), added(old.clone()), added(full)])
        .when(MediaCommand::AddCaptions { captions: new.clone(), at: at(5) })
        .then_expect_events(vec![added(new.clone())]);
    let mut media = Media::default();
    for event in [received(), probed(), added(old), added(captions("de", true, "cc")), added(new.clone())] {
        media.apply(event);
    }
    let files: Vec<String> = media.captions.iter().map(Captions::file).collect();
    assert_eq!(files, ["de-bbbbbbbbbbbb.vtt", "de-sounds-cccccccccccc.vtt"]);
    assert_eq!(media.decide(MediaCommand::AddCaptions { captions: new.clone(), at: at(6) }), Ok(vec![]));
    let gone = media.decide(MediaCommand::RemoveCaptions { track: "de".into(), at: at(6) }).unwrap();
    assert_eq!(gone, [MediaEvent::CaptionsRemoved { captions: new, at: at(6) }]);
    media.apply(gone[0].clone());
    assert_eq!(media.captions.len(), 1);
    assert_eq!(media.decide(MediaCommand::RemoveCaptions { track: "de".into(), at: at(7) }), Ok(vec![]));
}

#[test]
fn only_what_has_a_length_has_captions_and_only_so_many() {
    let picture = MediaEvent::MediaProbed { kind: Kind::Image, facts: Facts::default(), at: at(1) };
    TestFramework::<Media>::with(())
        .given(vec![received(), picture])
        .when(MediaCommand::AddCaptions { captions: captions("en", false, "aa"), at: at(5) })
        .then_expect_error(MediaError::NoTimeline);
    let code = |n: usize| {
        let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).unwrap());
        format!("q{}{}", letter(n / 26), letter(n))
    };
    let most = (0..MOST_CAPTIONS).map(|n| added(captions(&code(n), false, "aa")));
    let given: Vec<MediaEvent> = [received(), probed()].into_iter().chain(most).collect();
    TestFramework::<Media>::with(())
        .given(given.clone())
        .when(MediaCommand::AddCaptions { captions: captions("en", false, "aa"), at: at(5) })
        .then_expect_error(MediaError::TooManyCaptions(MOST_CAPTIONS));
    TestFramework::<Media>::with(())
        .given(given)
        .when(MediaCommand::AddCaptions { captions: captions(&code(3), false, "bb"), at: at(5) })
        .then_expect_events(vec![added(captions(&code(3), false, "bb"))]);
}

#[test]
fn chapters_are_in_order_and_within_the_film() {
    let chapter = |at_ms: u64, title: &str| Chapter { at_ms, title: title.into() };
    let set = |chapters: Vec<Chapter>| MediaCommand::SetChapters { chapters, at: at(5) };
    let good = vec![chapter(0, "Opening"), chapter(20_000, "The forest")];
    TestFramework::<Media>::with(())
        .given(vec![received(), probed()])
        .when(set(good.clone()))
        .then_expect_events(vec![MediaEvent::ChaptersSet { chapters: good, at: at(5) }]);
    let cases = [
        (vec![chapter(5, "A"), chapter(5, "B")], MediaError::ChaptersOutOfOrder("B".into())),
        (vec![chapter(55_125, "After")], MediaError::ChapterAfterTheEnd("After".into())),
        (vec![chapter(0, &"x".repeat(201))], MediaError::ChapterTitle(201)),
        ((0..201).map(|n| chapter(n, "x")).collect(), MediaError::TooManyChapters(MOST_CHAPTERS)),
    ];
    for (chapters, why) in cases {
        TestFramework::<Media>::with(())
            .given(vec![received(), probed()])
            .when(set(chapters))
            .then_expect_error(why);
    }
}

#[test]
fn an_ending_is_letters_and_digits_or_nothing() {
    for (name, expected) in [
        ("scene.BLEND", "blend"),
        ("archive.tar.gz", "gz"),
        ("no ending", ""),
        (".hidden", ""),
        ("Anna Müller.Lebenslauf 2026", ""),
        ("x.abcdefghijk", ""),
        ("x.", ""),
    ] {
        assert_eq!(ending(name), expected, "{name}");
    }
}

#[test]
fn what_was_called_a_file_before_is_read_as_other() {
    assert_eq!(serde_json::from_str::<Kind>("\"file\"").unwrap(), Kind::Other);
    assert_eq!(serde_json::to_string(&Kind::Other).unwrap(), "\"other\"");
}

#[test]
fn licence_and_tags_change_together_and_within_limits() {
    assert_eq!(tags(" Light, #Night  Sky,light,, "), ["light", "night sky"]);
    let label = |tags: Vec<String>| MediaCommand::Label { licence: Licence::Cc0, tags, at: at(5) };
    let most: Vec<String> = (0..MOST_TAGS).map(|n| format!("{n:0>40}")).collect();
    let labelled = MediaEvent::MediaLabelled { licence: Licence::Cc0, tags: most.clone(), at: at(5) };
    TestFramework::<Media>::with(())
        .given(vec![received()])
        .when(label(most.clone()))
        .then_expect_events(vec![labelled.clone()]);
    TestFramework::<Media>::with(())
        .given(vec![received(), labelled])
        .when(label(most.clone()))
        .then_expect_events(vec![]);
    let more = [most, vec!["x".into()]].concat();
    TestFramework::<Media>::with(())
        .given(vec![received()])
        .when(label(more))
        .then_expect_error(MediaError::TooManyTags(MOST_TAGS));
    let long = "x".repeat(LONGEST_TAG + 1);
    TestFramework::<Media>::with(())
        .given(vec![received()])
        .when(label(vec![long]))
        .then_expect_error(MediaError::TagTooLong("x".repeat(LONGEST_TAG)));
}
