//! What happened to a work. Names and payloads are frozen by snapshots in `tests.rs`.

use super::{
    Captions, Chapter, Facts, Failure, Kind, MadeFiles, Original, Overview, Place, Poster, Rejection,
    Rendition, ShotDetail, Step, Tier,
};
use crate::domain::shared::{AccountId, Licence, PersonalRef, Slug};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Events of one work, in the words of the people who run a studio.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum MediaEvent {
    /// A file arrived completely.
    UploadReceived {
        /// Who uploaded it.
        owner: AccountId,
        /// The stored original.
        original: Original,
        /// Its name on the person's machine.
        file_name: PersonalRef,
        /// The ending of that name, such as `blend`; empty if it had none.
        #[serde(default)]
        ending: String,
        /// First title.
        title: String,
        /// First address.
        slug: Slug,
        /// When.
        at: DateTime<Utc>,
    },
    /// A worker began to examine it.
    ProbingStarted {
        /// When.
        at: DateTime<Utc>,
    },
    /// It was examined and accepted.
    MediaProbed {
        /// What it is.
        kind: Kind,
        /// What was found.
        facts: Facts,
        /// When.
        at: DateTime<Utc>,
    },
    /// It was examined and refused.
    MediaRejected {
        /// Why.
        reason: Rejection,
        /// When.
        at: DateTime<Utc>,
    },
    /// A worker began to make renditions.
    ProcessingStarted {
        /// Which round of processing: 1, and one more with every reprocessing.
        generation: u32,
        /// When.
        at: DateTime<Utc>,
    },
    /// People can play it or look at it.
    MediaPlayable {
        /// What exists.
        renditions: Vec<Rendition>,
        /// The still.
        poster: Option<Poster>,
        /// Exact length in milliseconds.
        duration_ms: u64,
        /// Frames of each moving rendition.
        frames: u64,
        /// Round of processing; part of the addresses of its files.
        generation: u32,
        /// What a player shows of the whole.
        #[serde(default, skip_serializing_if = "Overview::is_empty")]
        overview: Overview,
        /// When.
        at: DateTime<Utc>,
    },
    /// One more form exists.
    RenditionReady {
        /// It.
        rendition: Rendition,
        /// When.
        at: DateTime<Utc>,
    },
    /// All forms exist.
    MediaReady {
        /// Every file of the round, by their list; none in events of before there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        made: Option<MadeFiles>,
        /// When.
        at: DateTime<Utc>,
    },
    /// A step failed for good.
    MediaFailed {
        /// Which step.
        step: Step,
        /// Why.
        reason: Failure,
        /// When.
        at: DateTime<Utc>,
    },
    /// Somebody asked to try again.
    ProcessingRetried {
        /// When.
        at: DateTime<Utc>,
    },
    /// Somebody asked to make everything anew.
    ReprocessingRequested {
        /// The round that begins.
        generation: u32,
        /// When.
        at: DateTime<Utc>,
    },
    /// A new file came that takes the place of the one there, as soon as something of it plays.
    ReplacementReceived {
        /// The stored original.
        original: Original,
        /// Its name on the person's machine.
        file_name: PersonalRef,
        /// The ending of that name.
        ending: String,
        /// The round that begins.
        generation: u32,
        /// When.
        at: DateTime<Utc>,
    },
    /// The new file was taken back before it played; the former one stays.
    ReplacementWithdrawn {
        /// The round that is current again.
        generation: u32,
        /// When.
        at: DateTime<Utc>,
    },
    /// The bytes of an original that was replaced, or taken back, are gone.
    FormerOriginalErased {
        /// It.
        original: Original,
        /// The round that it came with.
        round: u32,
        /// When.
        at: DateTime<Utc>,
    },
    /// Title, description or address changed.
    MediaDescribed {
        /// Title now.
        title: String,
        /// Description now, Markdown.
        description: String,
        /// Address now.
        slug: Slug,
        /// When.
        at: DateTime<Utc>,
    },
    /// A caption file was added, or took the place of the one of its language and kind.
    CaptionsAdded {
        /// It.
        captions: Captions,
        /// When.
        at: DateTime<Utc>,
    },
    /// A caption file was taken away.
    CaptionsRemoved {
        /// It.
        captions: Captions,
        /// When.
        at: DateTime<Utc>,
    },
    /// Its chapters are these now.
    ChaptersSet {
        /// All of them, in order; none if they were taken away.
        chapters: Vec<Chapter>,
        /// When.
        at: DateTime<Utc>,
    },
    /// What is told of how a picture was taken is this now.
    ShotDetailsPublished {
        /// All of it; nothing if it was taken back.
        details: Vec<ShotDetail>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Licence or tags changed.
    MediaLabelled {
        /// Licence now.
        licence: Licence,
        /// Tags now, in lower case.
        tags: Vec<String>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Who may play it changed.
    MediaTierChanged {
        /// Tier now.
        tier: Tier,
        /// When.
        at: DateTime<Utc>,
    },
    /// It will be published later.
    MediaScheduled {
        /// The time.
        publish_at: DateTime<Utc>,
        /// When this was decided.
        at: DateTime<Utc>,
    },
    /// People can see it.
    MediaPublished {
        /// When.
        at: DateTime<Utc>,
    },
    /// People can no longer see it.
    MediaUnpublished {
        /// When.
        at: DateTime<Utc>,
    },
    /// It is gone for everybody.
    MediaRemoved {
        /// When.
        at: DateTime<Utc>,
    },
    /// It was brought back; nobody sees it until it is published again.
    MediaRestored {
        /// When.
        at: DateTime<Utc>,
    },
    /// Its bytes are being erased: it cannot be brought back any more.
    MediaErasureBegun {
        /// When.
        at: DateTime<Utc>,
    },
    /// Everything of a round was copied to a store, and read back with the same hashes.
    FilesCopied {
        /// Where to.
        to: Place,
        /// Which round of processing.
        generation: u32,
        /// Files that were copied.
        files: u32,
        /// Bytes of everything of the work that lies there.
        bytes: u64,
        /// When.
        at: DateTime<Utc>,
    },
    /// From now on that store is asked first.
    FilesSwitched {
        /// It.
        to: Place,
        /// When.
        at: DateTime<Utc>,
    },
    /// The former store has nothing of the work any more.
    FormerFilesDeleted {
        /// It.
        from: Place,
        /// When.
        at: DateTime<Utc>,
    },
    /// Its bytes are gone.
    MediaFilesErased {
        /// When.
        at: DateTime<Utc>,
    },
    /// It is filed anew: what it is for the studio, whether it gives the story away, who worked on it.
    MediaFiled {
        /// All of that.
        filing: super::Filing,
        /// When.
        at: DateTime<Utc>,
    },
    /// It belongs to somebody else from now on.
    MediaHandedOver {
        /// To whom.
        to: AccountId,
        /// Who decided it.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
}
