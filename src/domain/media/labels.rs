//! Licence and tags: what a work may be used for, and the words it is filed under.

use super::{Media, MediaError, MediaEvent};
use crate::domain::shared::Licence;
use chrono::{DateTime, Utc};

/// Most tags of one work.
pub const MOST_TAGS: usize = 20;
/// Longest tag, in characters.
pub const LONGEST_TAG: usize = 40;

/// Tags as people type them, with commas between: in lower case, each once, in their order.
#[must_use]
pub fn tags(text: &str) -> Vec<String> {
    let mut found: Vec<String> = vec![];
    for part in text.split(',') {
        let tag = part.trim().trim_start_matches('#').to_lowercase();
        let tag = tag.split_whitespace().collect::<Vec<_>>().join(" ");
        if !tag.is_empty() && !found.contains(&tag) {
            found.push(tag);
        }
    }
    found
}

pub(super) fn label(
    media: &Media,
    licence: Licence,
    tags: Vec<String>,
    at: DateTime<Utc>,
) -> Result<Vec<MediaEvent>, MediaError> {
    if tags.len() > MOST_TAGS {
        return Err(MediaError::TooManyTags(MOST_TAGS));
    }
    if let Some(tag) = tags.iter().find(|t| t.chars().count() > LONGEST_TAG) {
        return Err(MediaError::TagTooLong(tag.chars().take(LONGEST_TAG).collect()));
    }
    if licence == media.licence && tags == media.tags {
        return Ok(vec![]);
    }
    Ok(vec![MediaEvent::MediaLabelled { licence, tags, at }])
}
