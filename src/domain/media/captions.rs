//! Captions and chapters: what is said and what begins when, in a film or a sound.

use super::{Kind, Media, MediaError, MediaEvent};
use crate::domain::shared::Language;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Most caption files of one work.
pub const MOST_CAPTIONS: usize = 60;
/// Most chapters of one work.
pub const MOST_CHAPTERS: usize = 200;

/// One stored WebVTT file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Captions {
    /// The language of the text.
    pub language: Language,
    /// Whether it also tells what is heard beside speech, for people who do not hear it.
    pub sounds: bool,
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub sha256: String,
    /// Length of the file in bytes.
    pub bytes: u64,
    /// How many captions it holds.
    pub cues: u32,
}

impl Captions {
    /// Which of the work's files it is: the language, and `-sounds` for the fuller kind.
    #[must_use]
    pub fn track(&self) -> String {
        format!("{}{}", self.language, if self.sounds { "-sounds" } else { "" })
    }

    /// Name of its file within the work. It changes with the content, so that nobody keeps an old one.
    #[must_use]
    pub fn file(&self) -> String {
        format!("{}-{}.vtt", self.track(), self.sha256.get(..12).unwrap_or_default())
    }

    /// What menus call it.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}{}", self.language.name(), if self.sounds { " (with sounds)" } else { "" })
    }
}

/// A part of a work with a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chapter {
    /// Where it begins, in milliseconds.
    pub at_ms: u64,
    /// Its name.
    pub title: String,
}

fn sounds(media: &Media) -> bool {
    matches!(media.kind, Some(Kind::Video | Kind::Audio))
}

pub(super) fn add(
    media: &Media,
    captions: Captions,
    at: DateTime<Utc>,
) -> Result<Vec<MediaEvent>, MediaError> {
    if !sounds(media) {
        return Err(MediaError::NoTimeline);
    }
    if media.captions.contains(&captions) {
        return Ok(vec![]);
    }
    let replaces = media.captions.iter().any(|c| c.track() == captions.track());
    if !replaces && media.captions.len() >= MOST_CAPTIONS {
        return Err(MediaError::TooManyCaptions(MOST_CAPTIONS));
    }
    Ok(vec![MediaEvent::CaptionsAdded { captions, at }])
}

pub(super) fn remove(media: &Media, track: &str, at: DateTime<Utc>) -> Vec<MediaEvent> {
    let found = media.captions.iter().find(|c| c.track() == track).cloned();
    found.into_iter().map(|captions| MediaEvent::CaptionsRemoved { captions, at }).collect()
}

pub(super) fn set_chapters(
    media: &Media,
    chapters: Vec<Chapter>,
    at: DateTime<Utc>,
) -> Result<Vec<MediaEvent>, MediaError> {
    if chapters == media.chapters {
        return Ok(vec![]);
    }
    if !sounds(media) {
        return Err(MediaError::NoTimeline);
    }
    if chapters.len() > MOST_CHAPTERS {
        return Err(MediaError::TooManyChapters(MOST_CHAPTERS));
    }
    for pair in chapters.windows(2) {
        if pair[1].at_ms <= pair[0].at_ms {
            return Err(MediaError::ChaptersOutOfOrder(pair[1].title.clone()));
        }
    }
    let late = |c: &&Chapter| media.facts.duration_ms > 0 && c.at_ms >= media.facts.duration_ms;
    if let Some(chapter) = chapters.iter().find(late) {
        return Err(MediaError::ChapterAfterTheEnd(chapter.title.clone()));
    }
    if let Some(chapter) = chapters.iter().find(|c| !(1..=200).contains(&c.title.chars().count())) {
        return Err(MediaError::ChapterTitle(chapter.title.chars().count()));
    }
    Ok(vec![MediaEvent::ChaptersSet { chapters, at }])
}

/// Takes over one of the events of this file.
pub(super) fn apply(media: &mut Media, event: MediaEvent) {
    match event {
        MediaEvent::CaptionsAdded { captions, .. } => {
            media.captions.retain(|c| c.track() != captions.track());
            media.captions.push(captions);
            media.captions.sort_by_key(Captions::track);
        }
        MediaEvent::CaptionsRemoved { captions, .. } => {
            media.captions.retain(|c| c.track() != captions.track())
        }
        MediaEvent::ChaptersSet { chapters, .. } => media.chapters = chapters,
        _ => {}
    }
}
