//! State, decisions and their application.

use super::{
    Captions, Chapter, Facts, Failure, Filing, Kind, MediaCommand, MediaError, MediaEvent, Original, Poster,
    Rejection, Rendition, ShotDetail, Step, Storage, Tier, captions, filing, labels, removal, replacing,
    shot, storage,
};
use crate::domain::shared::{AccountId, Licence, Slug};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// How far processing got, and since when.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Processing {
    /// Nothing was received under this id.
    #[default]
    Unknown,
    /// The original is stored and waits for its examination.
    Received,
    /// A worker examines it.
    Probing,
    /// It will not be processed.
    Rejected {
        /// Why.
        reason: Rejection,
    },
    /// It is good and waits for its renditions.
    Accepted,
    /// Renditions are being made.
    Processing,
    /// All renditions exist.
    Ready,
    /// A step failed; retry is possible.
    Failed {
        /// Which.
        step: Step,
        /// Why.
        reason: Failure,
    },
}

/// Whether people may know of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Publication {
    /// Only its creators and editors see it.
    #[default]
    Draft,
    /// It will be published.
    Scheduled {
        /// When.
        publish_at: DateTime<Utc>,
    },
    /// Everybody may know of it.
    Published,
    /// It was published and is hidden now.
    Unpublished,
    /// It is gone.
    Removed {
        /// Whether its bytes are gone as well.
        erased: bool,
    },
}

/// One uploaded work.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Media {
    /// Who uploaded it.
    pub owner: Option<AccountId>,
    /// The stored original.
    pub original: Option<Original>,
    /// The ending of its name on the person's machine, such as `blend`.
    #[serde(default)]
    pub ending: String,
    /// What it is, once examined.
    pub kind: Option<Kind>,
    /// What the examination found.
    pub facts: Facts,
    /// How far processing got.
    pub processing: Processing,
    /// Whether people may know of it.
    pub publication: Publication,
    /// Who may play it once published.
    pub tier: Tier,
    /// Title.
    pub title: String,
    /// Description, Markdown.
    pub description: String,
    /// Address.
    pub slug: Option<Slug>,
    /// What it may be used for.
    #[serde(default)]
    pub licence: Licence,
    /// Words it is filed under.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What it is for the studio, whether it gives the story away, who worked on it.
    #[serde(default)]
    pub filing: Filing,
    /// What exists, of the latest round that became playable.
    pub renditions: Vec<Rendition>,
    /// The still.
    pub poster: Option<Poster>,
    /// Caption files, by track.
    #[serde(default)]
    pub captions: Vec<Captions>,
    /// Chapters, in order.
    #[serde(default)]
    pub chapters: Vec<Chapter>,
    /// What is told of how it was taken.
    #[serde(default)]
    pub shot: Vec<ShotDetail>,
    /// Round of processing that is current or last began.
    pub generation: u32,
    /// Round whose files people see; 0 while nothing is playable.
    pub playable_generation: u32,
    /// Where its files lie.
    #[serde(default)]
    pub storage: Storage,
    /// A new file that is being processed while the one there still plays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<replacing::Replacement>,
    /// Originals that were replaced or taken back, and whose bytes are still kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<replacing::FormerFile>,
    /// Round that the original came with; 0 for the first one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub original_round: u32,
    /// Whether its bytes are going: then it cannot be brought back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erasing: bool,
    /// Highest round that ever began for a new file; 0 if there never was one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rounds: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl Media {
    /// Whether something can be played or looked at.
    #[must_use]
    pub fn playable(&self) -> bool {
        self.playable_generation > 0
    }

    fn removed(&self) -> bool {
        matches!(self.publication, Publication::Removed { .. })
    }

    /// What follows from a command; see the variants of [`MediaCommand`].
    ///
    /// # Errors
    /// The reason for which the command is refused.
    pub fn decide(&self, command: MediaCommand) -> Result<Vec<MediaEvent>, MediaError> {
        use MediaCommand as C;
        if let C::Report { round, of } = command {
            return if round == self.generation { self.decide(*of) } else { Ok(vec![]) };
        }
        if let C::ReceiveUpload { owner, original, file_name, ending, title, slug, at } = command {
            if self.processing != Processing::Unknown {
                return Err(MediaError::AlreadyReceived);
            }
            let title = checked_title(&title)?;
            let event = MediaEvent::UploadReceived { owner, original, file_name, ending, title, slug, at };
            return Ok(vec![event]);
        }
        if self.processing == Processing::Unknown {
            return Err(MediaError::Unknown);
        }
        if self.removed() {
            return self.decide_removed(&command);
        }
        match command {
            C::StartProbe { .. }
            | C::Accept { .. }
            | C::Reject { .. }
            | C::StartProcessing { .. }
            | C::RecordPlayable { .. }
            | C::RecordRendition { .. }
            | C::FinishProcessing { .. }
            | C::Fail { .. } => Ok(self.decide_processing(command)),
            C::Retry { at } => match &self.processing {
                Processing::Failed { .. } => Ok(vec![MediaEvent::ProcessingRetried { at }]),
                // Nothing of a refused file is kept, so there is nothing to try again with.
                Processing::Rejected { reason } => Err(MediaError::Rejected(reason.clone())),
                _ => Err(MediaError::NothingToRetry),
            },
            C::Reprocess { at } => match &self.processing {
                Processing::Ready | Processing::Failed { .. } => {
                    Ok(vec![MediaEvent::ReprocessingRequested { generation: self.next_round(), at }])
                }
                Processing::Rejected { reason } => Err(MediaError::Rejected(reason.clone())),
                _ => Err(MediaError::StillProcessing),
            },
            C::Replace { original, file_name, ending, at } => {
                replacing::replace(self, original, file_name, ending, at)
            }
            C::WithdrawReplacement { at } => replacing::withdraw(self, at),
            C::RecordFormerErased { round, at } => Ok(replacing::erased(self, round, at)),
            C::RecordCopied { copy, at } => storage::copied(self, copy, at),
            C::SwitchFiles { to, at } => storage::switch(self, to, at),
            C::RecordFormerDeleted { from, at } => storage::former_deleted(self, from, at),
            C::RecordFilesErased { .. } | C::Restore { .. } | C::EraseNow { .. } => {
                Err(MediaError::NotRemoved)
            }
            C::Remove { at } => Ok(vec![MediaEvent::MediaRemoved { at }]),
            C::HandOver { to, .. } if self.owner == Some(to) => Ok(vec![]),
            C::HandOver { to, by, at } => Ok(vec![MediaEvent::MediaHandedOver { to, by, at }]),
            other => self.decide_editing(other),
        }
    }

    /// A removed work stays removed: late results of workers are dropped, everything else refused.
    fn decide_removed(&self, command: &MediaCommand) -> Result<Vec<MediaEvent>, MediaError> {
        use MediaCommand as C;
        match command {
            C::Restore { at } => removal::restore(self, *at),
            C::EraseNow { at } => removal::erase(self, *at),
            C::RecordFilesErased { at } if self.publication == Publication::Removed { erased: false } => {
                Ok(vec![MediaEvent::MediaFilesErased { at: *at }])
            }
            C::RecordFilesErased { .. }
            | C::Remove { .. }
            | C::StartProbe { .. }
            | C::Accept { .. }
            | C::Reject { .. }
            | C::StartProcessing { .. }
            | C::RecordPlayable { .. }
            | C::RecordRendition { .. }
            | C::FinishProcessing { .. }
            | C::Fail { .. }
            | C::PublishDue { .. } => Ok(vec![]),
            _ => Err(MediaError::Removed),
        }
    }

    /// Reports of workers. A repeated or late report changes nothing and is no error, because jobs
    /// are delivered at least once.
    fn decide_processing(&self, command: MediaCommand) -> Vec<MediaEvent> {
        use MediaCommand as C;
        use Processing as P;
        let generation = self.generation;
        match (command, &self.processing) {
            (C::StartProbe { at }, P::Received) => vec![MediaEvent::ProbingStarted { at }],
            (C::Accept { kind, facts, at }, P::Received | P::Probing) => {
                vec![match replacing::other_kind(self, kind) {
                    Some(reason) => MediaEvent::MediaRejected { reason, at },
                    None => MediaEvent::MediaProbed { kind, facts, at },
                }]
            }
            (C::Reject { reason, at }, P::Received | P::Probing) => {
                vec![MediaEvent::MediaRejected { reason, at }]
            }
            (C::StartProcessing { at }, P::Accepted) => {
                vec![MediaEvent::ProcessingStarted { generation, at }]
            }
            (
                C::RecordPlayable { renditions, poster, duration_ms, frames, overview, at },
                P::Accepted | P::Processing,
            ) if self.playable_generation != generation => {
                vec![MediaEvent::MediaPlayable {
                    renditions,
                    poster,
                    duration_ms,
                    frames,
                    generation,
                    overview,
                    at,
                }]
            }
            // Of a work that failed in one rung the others are kept: a retry makes only what is missing.
            (C::RecordRendition { rendition, at }, P::Processing | P::Failed { .. })
                if self.playable_generation == generation
                    && !self.renditions.iter().any(|r| r.name == rendition.name) =>
            {
                vec![MediaEvent::RenditionReady { rendition, at }]
            }
            (C::FinishProcessing { made, at }, P::Accepted | P::Processing) => {
                vec![MediaEvent::MediaReady { made, at }]
            }
            (C::Fail { step, reason, at }, P::Received | P::Probing | P::Accepted | P::Processing) => {
                vec![MediaEvent::MediaFailed { step, reason, at }]
            }
            _ => vec![],
        }
    }

    fn decide_editing(&self, command: MediaCommand) -> Result<Vec<MediaEvent>, MediaError> {
        use MediaCommand as C;
        match command {
            C::Describe { title, description, slug, at } => {
                let title = checked_title(&title)?;
                let length = description.chars().count();
                if length > 20_000 {
                    return Err(MediaError::DescriptionTooLong(length));
                }
                if title == self.title && description == self.description && Some(&slug) == self.slug.as_ref()
                {
                    return Ok(vec![]);
                }
                Ok(vec![MediaEvent::MediaDescribed { title, description, slug, at }])
            }
            C::PublishShotDetails { details, at } => shot::publish(self, details, at),
            C::Label { licence, tags, at } => labels::label(self, licence, tags, at),
            C::File { filing, at } => filing::file(self, filing, at),
            C::AddCaptions { captions, at } => captions::add(self, captions, at),
            C::RemoveCaptions { track, at } => Ok(captions::remove(self, &track, at)),
            C::SetChapters { chapters, at } => captions::set_chapters(self, chapters, at),
            C::SetTier { tier, .. } if tier == self.tier => Ok(vec![]),
            C::SetTier { tier, at } => Ok(vec![MediaEvent::MediaTierChanged { tier, at }]),
            C::Publish { at } => match (&self.publication, &self.processing) {
                (Publication::Published, _) => Ok(vec![]),
                (_, Processing::Rejected { reason }) => Err(MediaError::Rejected(reason.clone())),
                _ if !self.playable() => Err(MediaError::NotPlayableYet),
                _ => Ok(vec![MediaEvent::MediaPublished { at }]),
            },
            C::Schedule { publish_at, at } => match &self.processing {
                _ if publish_at <= at => Err(MediaError::TimeHasPassed),
                Processing::Rejected { reason } => Err(MediaError::Rejected(reason.clone())),
                _ if self.publication == (Publication::Scheduled { publish_at }) => Ok(vec![]),
                _ => Ok(vec![MediaEvent::MediaScheduled { publish_at, at }]),
            },
            C::PublishDue { at } => match self.publication {
                Publication::Scheduled { publish_at } if publish_at <= at && self.playable() => {
                    Ok(vec![MediaEvent::MediaPublished { at }])
                }
                _ => Ok(vec![]),
            },
            C::Unpublish { at } => match self.publication {
                Publication::Published | Publication::Scheduled { .. } => {
                    Ok(vec![MediaEvent::MediaUnpublished { at }])
                }
                _ => Ok(vec![]),
            },
            _ => Ok(vec![]),
        }
    }

    /// Takes over what happened.
    pub fn apply(&mut self, event: MediaEvent) {
        use MediaEvent as E;
        match event {
            E::MediaHandedOver { to, .. } => self.owner = Some(to),
            E::UploadReceived { owner, original, ending, title, slug, .. } => {
                self.owner = Some(owner);
                self.original = Some(original);
                self.ending = ending;
                self.title = title;
                self.slug = Some(slug);
                self.generation = 1;
                self.processing = Processing::Received;
            }
            E::ProbingStarted { .. } => self.processing = Processing::Probing,
            E::MediaProbed { kind, facts, .. } => {
                let (its_kind, its_facts) = match &mut self.next {
                    Some(next) => (&mut next.kind, &mut next.facts),
                    None => (&mut self.kind, &mut self.facts),
                };
                (*its_kind, *its_facts) = (Some(kind), facts);
                self.processing = Processing::Accepted;
            }
            // Of a refused new file nothing is kept, and everything is as before.
            E::MediaRejected { .. } if self.next.is_some() => drop(replacing::restore(self)),
            E::MediaRejected { reason, .. } => self.processing = Processing::Rejected { reason },
            E::ProcessingStarted { .. } => self.processing = Processing::Processing,
            E::MediaPlayable { renditions, poster, duration_ms, generation, .. } => {
                replacing::take_over(self);
                self.renditions = renditions;
                self.poster = poster;
                self.facts.duration_ms = duration_ms;
                self.playable_generation = generation;
                self.processing = Processing::Processing;
            }
            E::RenditionReady { rendition, .. } => self.renditions.push(rendition),
            E::MediaReady { .. } => self.processing = Processing::Ready,
            E::MediaFailed { step, reason, .. } => self.processing = Processing::Failed { step, reason },
            E::ProcessingRetried { .. } => {
                // What was already examined or playable goes on from there; finished parts are kept.
                self.processing = match self.source().kind {
                    None => Processing::Received,
                    Some(_) if self.playable_generation == self.generation => Processing::Processing,
                    Some(_) => Processing::Accepted,
                };
            }
            E::ReprocessingRequested { generation, .. } => {
                if self.next.is_some() {
                    self.rounds = generation;
                }
                self.generation = generation;
                self.processing = Processing::Received;
            }
            event @ (E::ReplacementReceived { .. }
            | E::ReplacementWithdrawn { .. }
            | E::FormerOriginalErased { .. }) => replacing::apply(self, event),
            E::MediaDescribed { title, description, slug, .. } => {
                self.title = title;
                self.description = description;
                self.slug = Some(slug);
            }
            event @ (E::CaptionsAdded { .. } | E::CaptionsRemoved { .. } | E::ChaptersSet { .. }) => {
                captions::apply(self, event);
            }
            E::MediaFiled { filing, .. } => self.filing = filing,
            E::ShotDetailsPublished { details, .. } => self.shot = details,
            E::MediaLabelled { licence, tags, .. } => {
                self.licence = licence;
                self.tags = tags;
            }
            event @ (E::FilesCopied { .. } | E::FilesSwitched { .. } | E::FormerFilesDeleted { .. }) => {
                storage::apply(&mut self.storage, event);
            }
            E::MediaTierChanged { tier, .. } => self.tier = tier,
            E::MediaScheduled { publish_at, .. } => self.publication = Publication::Scheduled { publish_at },
            E::MediaPublished { .. } => self.publication = Publication::Published,
            E::MediaUnpublished { .. } => {
                self.publication = match self.publication {
                    Publication::Scheduled { .. } => Publication::Draft,
                    _ => Publication::Unpublished,
                }
            }
            E::MediaRemoved { .. } => self.publication = Publication::Removed { erased: false },
            E::MediaRestored { .. } => self.publication = Publication::Unpublished,
            E::MediaErasureBegun { .. } => self.erasing = true,
            E::MediaFilesErased { .. } => {
                self.publication = Publication::Removed { erased: true };
                self.former.clear();
            }
        }
    }
}

fn checked_title(title: &str) -> Result<String, MediaError> {
    let title = title.trim();
    match title.chars().count() {
        0 => Err(MediaError::TitleMissing),
        n if n > 200 => Err(MediaError::TitleTooLong(n)),
        _ => Ok(title.to_owned()),
    }
}
