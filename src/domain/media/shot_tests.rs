//! What is told of how a picture was taken.

use super::*;
use crate::domain::shared::{PersonalRef, Slug};
use chrono::{DateTime, TimeZone, Utc};
use cqrs_es::test::TestFramework;
use uuid::Uuid;

fn at(minute: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 29, 10, minute, 0).unwrap()
}

fn uploaded(kind: Kind) -> Vec<MediaEvent> {
    vec![
        MediaEvent::UploadReceived {
            owner: Uuid::from_u128(1),
            original: Original { sha256: "ab".repeat(32), bytes: 10 },
            file_name: PersonalRef {
                subject: Uuid::from_u128(1),
                field: "file_name".into(),
                version: Uuid::from_u128(2),
            },
            ending: "jpg".into(),
            title: "Pine".into(),
            slug: Slug::parse("pine").unwrap(),
            at: at(0),
        },
        MediaEvent::MediaProbed { kind, facts: Facts::default(), at: at(1) },
    ]
}

fn tell(details: &[(ShotField, &str)]) -> Vec<ShotDetail> {
    details.iter().map(|(field, value)| ShotDetail { field: *field, value: (*value).to_owned() }).collect()
}

#[test]
fn what_is_chosen_is_published_once_and_taken_back_by_choosing_nothing() {
    let chosen = tell(&[(ShotField::Camera, "Canon EOS R5"), (ShotField::Exposure, "1/250 s")]);
    let published = MediaEvent::ShotDetailsPublished { details: chosen.clone(), at: at(2) };
    let command =
        |details: Vec<ShotDetail>, minute| MediaCommand::PublishShotDetails { details, at: at(minute) };
    TestFramework::<Media>::with(())
        .given(uploaded(Kind::Image))
        .when(command(chosen.clone(), 2))
        .then_expect_events(vec![published.clone()]);
    let so_far = [uploaded(Kind::Image), vec![published]].concat();
    TestFramework::<Media>::with(())
        .given(so_far.clone())
        .when(command(chosen, 3))
        .then_expect_events(vec![]);
    TestFramework::<Media>::with(())
        .given(so_far)
        .when(command(vec![], 3))
        .then_expect_events(vec![MediaEvent::ShotDetailsPublished { details: vec![], at: at(3) }]);
}

#[test]
fn only_pictures_have_it_and_values_are_short_and_single() {
    let command = |details| MediaCommand::PublishShotDetails { details, at: at(2) };
    TestFramework::<Media>::with(())
        .given(uploaded(Kind::Video))
        .when(command(tell(&[(ShotField::Lens, "50 mm")])))
        .then_expect_error(MediaError::NoShot);
    let longest = "x".repeat(LONGEST_DETAIL);
    let too_long = "x".repeat(LONGEST_DETAIL + 1);
    let ok = tell(&[(ShotField::Lens, &longest)]);
    TestFramework::<Media>::with(())
        .given(uploaded(Kind::Image))
        .when(command(ok.clone()))
        .then_expect_events(vec![MediaEvent::ShotDetailsPublished { details: ok, at: at(2) }]);
    for bad in [
        tell(&[(ShotField::Lens, &too_long)]),
        tell(&[(ShotField::Lens, "")]),
        tell(&[(ShotField::Lens, "a"), (ShotField::Lens, "b")]),
    ] {
        TestFramework::<Media>::with(())
            .given(uploaded(Kind::Image))
            .when(command(bad))
            .then_expect_error(MediaError::BadDetail("Lens"));
    }
}
