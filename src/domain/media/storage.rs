//! Where the files of a work lie, and their way from one store to another.
//!
//! A move has three steps, each told by an event: everything is copied and verified by hash; the other
//! store is asked first; what lay in the former one is gone. Whoever is killed in between goes on from the
//! last event, and at every moment one store has everything.

use super::{Media, MediaError, MediaEvent, Processing};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A store of files.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Place {
    /// The data folder.
    #[default]
    Local,
    /// A bucket that speaks S3.
    S3,
}

impl Place {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Local => Self::S3,
            Self::S3 => Self::Local,
        }
    }

    /// Reads its word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "local" => Some(Self::Local),
            "s3" => Some(Self::S3),
            _ => None,
        }
    }
}

/// Where the files of a work lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storage {
    /// The store that is asked first.
    pub place: Place,
    /// Round whose files were brought there; 0 while all lie where they were made.
    pub round: u32,
    /// What was copied and verified, but not switched to yet: store and round.
    pub copied: Option<(Place, u32)>,
    /// Whether files may still lie in the store before.
    pub former: bool,
}

/// What a finished round consists of, by its list of files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeFiles {
    /// Hash of the list, which names every file with its own.
    pub sha256: String,
    /// How many files it names.
    pub files: u32,
    /// Their bytes.
    pub bytes: u64,
}

/// What was copied in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopiedFiles {
    /// Where to.
    pub to: Place,
    /// Which round of processing.
    pub round: u32,
    /// Files that were copied; those that were there already are not counted.
    pub files: u32,
    /// Bytes of everything that lies there now.
    pub bytes: u64,
}

/// Only a finished round is moved: of one that is being made, files would be missing.
pub(super) fn copied(
    media: &Media,
    copy: CopiedFiles,
    at: DateTime<Utc>,
) -> Result<Vec<MediaEvent>, MediaError> {
    let finished = media.processing == Processing::Ready && media.playable_generation == media.generation;
    if !finished || copy.round != media.generation {
        return Err(MediaError::StillProcessing);
    }
    let CopiedFiles { to, round, files, bytes } = copy;
    let known = media.storage.copied == Some((to, round));
    let lies_there = media.storage.place == to && media.storage.round == round;
    if known || (lies_there && files == 0) {
        return Ok(vec![]);
    }
    Ok(vec![MediaEvent::FilesCopied { to, generation: round, files, bytes, at }])
}

pub(super) fn switch(media: &Media, to: Place, at: DateTime<Utc>) -> Result<Vec<MediaEvent>, MediaError> {
    match media.storage.copied {
        Some((place, round)) if place == to && round == media.playable_generation => {
            Ok(vec![MediaEvent::FilesSwitched { to, at }])
        }
        None if media.storage.place == to => Ok(vec![]),
        _ => Err(MediaError::NotCopied),
    }
}

pub(super) fn former_deleted(
    media: &Media,
    from: Place,
    at: DateTime<Utc>,
) -> Result<Vec<MediaEvent>, MediaError> {
    match media.storage {
        Storage { place, copied: None, former, .. } if place != from => {
            Ok(if former { vec![MediaEvent::FormerFilesDeleted { from, at }] } else { vec![] })
        }
        _ => Err(MediaError::NotCopied),
    }
}

pub(super) fn apply(storage: &mut Storage, event: MediaEvent) {
    match event {
        MediaEvent::FilesCopied { to, generation, .. } => storage.copied = Some((to, generation)),
        MediaEvent::FilesSwitched { to, .. } => {
            let round = storage.copied.map_or(storage.round, |(_, round)| round);
            *storage = Storage { place: to, round, copied: None, former: true };
        }
        MediaEvent::FormerFilesDeleted { .. } => storage.former = false,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Facts, Kind, MediaCommand, Original};
    use super::*;
    use crate::domain::shared::{PersonalRef, Slug};
    use cqrs_es::test::TestFramework;
    use uuid::Uuid;

    fn now() -> DateTime<Utc> {
        "2026-11-21T10:00:00Z".parse().unwrap()
    }

    fn ready() -> Vec<MediaEvent> {
        let owner = Uuid::from_u128(7);
        vec![
            MediaEvent::UploadReceived {
                owner,
                original: Original { sha256: "ab".repeat(32), bytes: 1000 },
                file_name: PersonalRef {
                    subject: owner,
                    field: "file_name".into(),
                    version: Uuid::from_u128(8),
                },
                ending: "png".into(),
                title: "Salt".into(),
                slug: Slug::parse("salt").unwrap(),
                at: now(),
            },
            MediaEvent::MediaProbed { kind: Kind::Image, facts: Facts::default(), at: now() },
            MediaEvent::MediaPlayable {
                renditions: vec![],
                poster: None,
                duration_ms: 0,
                frames: 0,
                generation: 1,
                overview: Default::default(),
                at: now(),
            },
            MediaEvent::MediaReady { made: None, at: now() },
        ]
    }

    fn copy(to: Place, files: u32) -> MediaCommand {
        MediaCommand::RecordCopied { copy: CopiedFiles { to, round: 1, files, bytes: 9000 }, at: now() }
    }

    fn copied(to: Place) -> MediaEvent {
        MediaEvent::FilesCopied { to, generation: 1, files: 3, bytes: 9000, at: now() }
    }

    fn switched(to: Place) -> MediaEvent {
        MediaEvent::FilesSwitched { to, at: now() }
    }

    fn with(more: Vec<MediaEvent>) -> Vec<MediaEvent> {
        [ready(), more].concat()
    }

    #[test]
    fn a_move_is_told_in_three_steps_each_once() {
        let s3 = Place::S3;
        let gone = MediaCommand::RecordFormerDeleted { from: Place::Local, at: now() };
        let told = MediaEvent::FormerFilesDeleted { from: Place::Local, at: now() };
        let cases = [
            (vec![], copy(s3, 3), vec![copied(s3)]),
            (vec![copied(s3)], copy(s3, 0), vec![]),
            (vec![copied(s3)], MediaCommand::SwitchFiles { to: s3, at: now() }, vec![switched(s3)]),
            (vec![copied(s3), switched(s3)], MediaCommand::SwitchFiles { to: s3, at: now() }, vec![]),
            (vec![copied(s3), switched(s3)], gone.clone(), vec![told.clone()]),
            (vec![copied(s3), switched(s3), told.clone()], gone.clone(), vec![]),
            // Captions that came later are brought after the rest; nothing new is no news.
            (vec![copied(s3), switched(s3), told.clone()], copy(s3, 3), vec![copied(s3)]),
            (vec![copied(s3), switched(s3), told], copy(s3, 0), vec![]),
        ];
        for (given, when, then) in cases {
            TestFramework::<Media>::with(()).given(with(given)).when(when).then_expect_events(then);
        }
    }

    #[test]
    fn no_step_is_left_out() {
        let s3 = Place::S3;
        let switch = MediaCommand::SwitchFiles { to: s3, at: now() };
        let gone = |from| MediaCommand::RecordFormerDeleted { from, at: now() };
        for (given, when) in [
            (vec![], switch.clone()),
            (vec![copied(Place::Local)], switch.clone()),
            (vec![copied(s3)], gone(Place::Local)),
            (vec![copied(s3), switched(s3)], gone(s3)),
        ] {
            TestFramework::<Media>::with(())
                .given(with(given))
                .when(when)
                .then_expect_error(MediaError::NotCopied);
        }
        // What was copied is not the round that people see any more.
        let again = MediaEvent::ReprocessingRequested { generation: 2, at: now() };
        TestFramework::<Media>::with(())
            .given(with(vec![copied(s3), again.clone()]))
            .when(copy(s3, 3))
            .then_expect_error(MediaError::StillProcessing);
        TestFramework::<Media>::with(())
            .given(with(vec![copied(s3), MediaEvent::MediaRemoved { at: now() }]))
            .when(switch)
            .then_expect_error(MediaError::Removed);
    }

    #[test]
    fn where_files_lie_is_what_was_switched_to() {
        let mut media = Media::default();
        for event in with(vec![copied(Place::S3)]) {
            media.apply(event);
        }
        assert_eq!(media.storage.place, Place::Local, "copied is not switched");
        media.apply(switched(Place::S3));
        let there = Storage { place: Place::S3, round: 1, copied: None, former: true };
        assert_eq!(media.storage, there);
        media.apply(MediaEvent::FormerFilesDeleted { from: Place::Local, at: now() });
        assert_eq!(media.storage, Storage { former: false, ..there });
        assert_eq!((Place::parse("s3"), Place::parse("x")), (Some(Place::S3), None));
    }
}
