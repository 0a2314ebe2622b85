//! One uploaded work: what it is, how far its processing got, and who may see it.
//!
//! Files and job rows only serve this aggregate; nothing is true about a work because a file
//! happens to exist. Processing (`received → probing → accepted → processing → ready`, or
//! `rejected`, or `failed`) and publication (`draft | scheduled | published | unpublished |
//! removed`) are independent: a work may be published as soon as something of it is playable.

mod captions;
mod commands;
mod error;
mod events;
mod filing;
mod labels;
mod media;
mod not_shown;
mod removal;
mod replacing;
mod shot;
mod storage;
mod values;

pub use captions::{Captions, Chapter, MOST_CAPTIONS, MOST_CHAPTERS};
pub use commands::MediaCommand;
pub use error::MediaError;
pub use events::MediaEvent;
pub use filing::{Category, Filing, MOST_CONTRIBUTORS};
pub use labels::{LONGEST_TAG, MOST_TAGS, tags};
pub use media::{Media, Processing, Publication};
pub use not_shown::NotShown;
pub use replacing::{FormerFile, Replacement, Source};
pub use shot::{LONGEST_DETAIL, ShotDetail, ShotField};
pub use storage::{CopiedFiles, MadeFiles, Place, Storage};
pub use values::{
    Codec, Facts, Failure, Kind, Original, Overview, Poster, Rejection, Rendition, Step, Storyboard, Tier,
};

/// The ending of a file's name, in lower case: letters and digits, at most ten. It says nothing about a
/// person, and tells apart what content alone does not; it never decides what a decoder is given.
#[must_use]
pub fn ending(file_name: &str) -> String {
    let ending = file_name.rsplit_once('.').filter(|(name, _)| !name.is_empty()).map_or("", |(_, e)| e);
    let good = (1..=10).contains(&ending.len()) && ending.bytes().all(|b| b.is_ascii_alphanumeric());
    if good { ending.to_ascii_lowercase() } else { String::new() }
}

crate::decider!(Media, MediaCommand, MediaEvent, MediaError, "media");

#[cfg(test)]
mod filing_tests;
#[cfg(test)]
mod replacing_tests;
#[cfg(test)]
mod shot_tests;
#[cfg(test)]
mod tests;
