//! A new file in the place of the old one: the work's address, comments, likes and numbers stay.
//!
//! What was there before plays until something of the new file does. A new file that is refused, fails or is
//! taken back leaves everything as it was. The former original is kept for a while and then erased, each with
//! an event.

use super::{Facts, Kind, Media, MediaError, MediaEvent, Original, Processing, Rejection};
use crate::domain::shared::PersonalRef;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A new file while what was there before still plays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replacement {
    /// The stored original.
    pub original: Original,
    /// The ending of its name on the person's machine.
    pub ending: String,
    /// What it is, once examined.
    pub kind: Option<Kind>,
    /// What the examination found.
    pub facts: Facts,
    /// How far processing of the former file was.
    pub before: Processing,
    /// The round of processing that it was in.
    pub before_round: u32,
    /// The round of processing that the new file came with.
    pub round: u32,
}

/// An original that was replaced and is still kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerFile {
    /// The round of processing that it came with; tells the files of a work apart.
    pub round: u32,
    /// It.
    pub original: Original,
}

/// What a round of processing works on.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The stored original.
    pub original: Option<&'a Original>,
    /// The ending of its name on the person's machine.
    pub ending: &'a str,
    /// What it is, once examined.
    pub kind: Option<Kind>,
    /// What the examination found.
    pub facts: &'a Facts,
}

impl Media {
    /// What is being processed: the new file, if one is to take the place of another.
    #[must_use]
    pub fn source(&self) -> Source<'_> {
        match &self.next {
            Some(n) => {
                Source { original: Some(&n.original), ending: &n.ending, kind: n.kind, facts: &n.facts }
            }
            None => Source {
                original: self.original.as_ref(),
                ending: &self.ending,
                kind: self.kind,
                facts: &self.facts,
            },
        }
    }

    /// Number of the round that would begin now. Numbers are never used twice, because files lie under them.
    #[must_use]
    pub fn next_round(&self) -> u32 {
        self.rounds.max(self.generation) + 1
    }

    /// Whether the work itself still needs an original.
    #[must_use]
    pub fn holds(&self, sha256: &str) -> bool {
        let next = self.next.as_ref().map(|n| &n.original);
        let former = self.former.iter().map(|f| &f.original);
        self.original.iter().chain(next).chain(former).any(|o| o.sha256 == sha256)
    }
}

pub(super) fn replace(
    media: &Media,
    original: Original,
    file_name: PersonalRef,
    ending: String,
    at: DateTime<Utc>,
) -> Result<Vec<MediaEvent>, MediaError> {
    // A refused file may be sent again: the limits may be others now.
    let refused = matches!(media.processing, Processing::Rejected { .. });
    if !refused && media.source().original.is_some_and(|o| o.sha256 == original.sha256) {
        return Err(MediaError::SameFile);
    }
    if media.next.is_some() && media.original.as_ref().is_some_and(|o| o.sha256 == original.sha256) {
        return Err(MediaError::SameAsBefore);
    }
    Ok(vec![MediaEvent::ReplacementReceived {
        original,
        file_name,
        ending,
        generation: media.next_round(),
        at,
    }])
}

pub(super) fn withdraw(media: &Media, at: DateTime<Utc>) -> Result<Vec<MediaEvent>, MediaError> {
    match &media.next {
        Some(next) => Ok(vec![MediaEvent::ReplacementWithdrawn { generation: next.before_round, at }]),
        None => Err(MediaError::NothingToWithdraw),
    }
}

/// A film does not become a document under the comments and numbers of the film.
pub(super) fn other_kind(media: &Media, found: Kind) -> Option<Rejection> {
    let was = media.kind.filter(|_| media.next.is_some())?;
    (was != found).then_some(Rejection::OtherKind { was, found })
}

pub(super) fn erased(media: &Media, round: u32, at: DateTime<Utc>) -> Vec<MediaEvent> {
    let former = media.former.iter().find(|f| f.round == round);
    former
        .map(|f| MediaEvent::FormerOriginalErased { original: f.original.clone(), round, at })
        .into_iter()
        .collect()
}

/// Back to what was there before the new file came.
pub(super) fn restore(media: &mut Media) -> Option<FormerFile> {
    let next = media.next.take()?;
    media.processing = next.before;
    media.generation = next.before_round;
    Some(FormerFile { round: next.round, original: next.original })
}

/// The new file plays: it is the work's own from now on.
pub(super) fn take_over(media: &mut Media) {
    let Some(next) = media.next.take() else { return };
    let came_with = media.original_round.max(1);
    if let Some(original) = media.original.replace(next.original) {
        media.former.push(FormerFile { round: came_with, original });
    }
    media.ending = next.ending;
    media.kind = next.kind;
    media.facts = next.facts;
    media.original_round = next.round;
}

pub(super) fn apply(media: &mut Media, event: MediaEvent) {
    match event {
        MediaEvent::ReplacementReceived { original, ending, generation, .. } => {
            receive(media, original, ending, generation);
        }
        MediaEvent::ReplacementWithdrawn { .. } => {
            let taken_back = restore(media);
            media.former.extend(taken_back);
        }
        MediaEvent::FormerOriginalErased { round, .. } => media.former.retain(|f| f.round != round),
        _ => {}
    }
}

fn receive(media: &mut Media, original: Original, ending: String, round: u32) {
    let before = match media.next.take() {
        // A newer file in the place of one that never played.
        Some(older) => {
            media.former.push(FormerFile { round: older.round, original: older.original });
            (older.before, older.before_round)
        }
        None => (media.processing.clone(), media.generation),
    };
    if media.playable() {
        let (before, before_round) = before;
        let facts = Facts::default();
        media.next = Some(Replacement { original, ending, kind: None, facts, before, before_round, round });
    } else {
        let refused = matches!(media.processing, Processing::Rejected { .. });
        let came_with = media.original_round.max(1);
        // Of a refused file nothing is kept.
        if let Some(old) = media.original.replace(original).filter(|_| !refused) {
            media.former.push(FormerFile { round: came_with, original: old });
        }
        media.ending = ending;
        media.kind = None;
        media.facts = Facts::default();
        media.original_round = round;
    }
    media.generation = round;
    media.rounds = round;
    media.processing = Processing::Received;
}
