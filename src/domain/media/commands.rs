//! What may be wished of a work.

use super::{
    Captions, Chapter, CopiedFiles, Facts, Failure, Kind, MadeFiles, Original, Overview, Place, Poster,
    Rejection, Rendition, ShotDetail, Step, Tier,
};
use crate::domain::shared::{AccountId, Licence, PersonalRef, Slug};
use chrono::{DateTime, Utc};

/// Commands; times, ids and findings come in with them.
#[derive(Clone, Debug, PartialEq)]
pub enum MediaCommand {
    /// A file arrived completely and its original is stored.
    ReceiveUpload {
        /// Who uploaded it.
        owner: AccountId,
        /// The stored original.
        original: Original,
        /// The name it had on the person's machine (a personal value).
        file_name: PersonalRef,
        /// The ending of that name, see [`super::ending`].
        ending: String,
        /// Its title until somebody gives a better one.
        title: String,
        /// Its address.
        slug: Slug,
        /// When.
        at: DateTime<Utc>,
    },
    /// What a worker has to say of a round of processing; nothing follows if another one has begun since.
    Report {
        /// The round.
        round: u32,
        /// What it says.
        of: Box<MediaCommand>,
    },
    /// A worker begins to examine it.
    StartProbe {
        /// When.
        at: DateTime<Utc>,
    },
    /// It was examined and accepted.
    Accept {
        /// What it is.
        kind: Kind,
        /// What was found.
        facts: Facts,
        /// When.
        at: DateTime<Utc>,
    },
    /// It was examined and refused.
    Reject {
        /// Why.
        reason: Rejection,
        /// When.
        at: DateTime<Utc>,
    },
    /// A worker begins to make renditions.
    StartProcessing {
        /// When.
        at: DateTime<Utc>,
    },
    /// The first form that people can play or look at exists.
    RecordPlayable {
        /// What exists now.
        renditions: Vec<Rendition>,
        /// The still, if there is one.
        poster: Option<Poster>,
        /// Exact length after normalising, in milliseconds.
        duration_ms: u64,
        /// Frames each moving rendition has; the measure of encoding progress.
        frames: u64,
        /// What a player shows of the whole.
        overview: Overview,
        /// When.
        at: DateTime<Utc>,
    },
    /// One more form exists.
    RecordRendition {
        /// It.
        rendition: Rendition,
        /// When.
        at: DateTime<Utc>,
    },
    /// All forms exist.
    FinishProcessing {
        /// Every file of the round, by their list.
        made: Option<MadeFiles>,
        /// When.
        at: DateTime<Utc>,
    },
    /// A step failed for good.
    Fail {
        /// Which step.
        step: Step,
        /// Why.
        reason: Failure,
        /// When.
        at: DateTime<Utc>,
    },
    /// Try again what failed; finished parts are kept.
    Retry {
        /// When.
        at: DateTime<Utc>,
    },
    /// Put a new file in the place of the one there; that plays until something of the new one does.
    Replace {
        /// The stored original.
        original: Original,
        /// The name it had on the person's machine (a personal value).
        file_name: PersonalRef,
        /// The ending of that name.
        ending: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// Leave the former file in its place after all.
    WithdrawReplacement {
        /// When.
        at: DateTime<Utc>,
    },
    /// The bytes of a former original are gone.
    RecordFormerErased {
        /// The round that it came with.
        round: u32,
        /// When.
        at: DateTime<Utc>,
    },
    /// Make everything anew from the original, under new addresses.
    Reprocess {
        /// When.
        at: DateTime<Utc>,
    },
    /// Change title, description or address.
    Describe {
        /// New title.
        title: String,
        /// New description, Markdown.
        description: String,
        /// New address; the old one keeps leading here.
        slug: Slug,
        /// When.
        at: DateTime<Utc>,
    },
    /// Keep a caption file that is stored; one of the same language and kind is replaced.
    AddCaptions {
        /// It.
        captions: Captions,
        /// When.
        at: DateTime<Utc>,
    },
    /// Take a caption file away.
    RemoveCaptions {
        /// Its track, see [`Captions::track`].
        track: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// Say where chapters begin; none takes them away.
    SetChapters {
        /// All of them, in order.
        chapters: Vec<Chapter>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Say what is told of how a picture was taken; none takes all of it back.
    PublishShotDetails {
        /// All of it.
        details: Vec<ShotDetail>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Say what it may be used for, and the words it is filed under.
    Label {
        /// Licence.
        licence: Licence,
        /// Tags, see [`super::tags`].
        tags: Vec<String>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Change who may play it.
    SetTier {
        /// New tier.
        tier: Tier,
        /// When.
        at: DateTime<Utc>,
    },
    /// Show it to people now.
    Publish {
        /// When.
        at: DateTime<Utc>,
    },
    /// Show it to people at a later time.
    Schedule {
        /// The time.
        publish_at: DateTime<Utc>,
        /// When this was decided.
        at: DateTime<Utc>,
    },
    /// The scheduled time has come (by the job; nothing happens before it or without something playable).
    PublishDue {
        /// When.
        at: DateTime<Utc>,
    },
    /// Hide it again, or drop the schedule.
    Unpublish {
        /// When.
        at: DateTime<Utc>,
    },
    /// Gone for people at once; its bytes follow later.
    Remove {
        /// When.
        at: DateTime<Utc>,
    },
    /// Bring a removed work back, hidden.
    Restore {
        /// When.
        at: DateTime<Utc>,
    },
    /// Erase a removed work before its time; from now on it cannot be brought back.
    EraseNow {
        /// When.
        at: DateTime<Utc>,
    },
    /// All files of a round are in a store, read back with the same hashes.
    RecordCopied {
        /// What was copied, and where to.
        copy: CopiedFiles,
        /// When.
        at: DateTime<Utc>,
    },
    /// Ask that store first from now on.
    SwitchFiles {
        /// It.
        to: Place,
        /// When.
        at: DateTime<Utc>,
    },
    /// The former store has nothing of it any more.
    RecordFormerDeleted {
        /// It.
        from: Place,
        /// When.
        at: DateTime<Utc>,
    },
    /// Its bytes are gone too.
    RecordFilesErased {
        /// When.
        at: DateTime<Utc>,
    },
    /// Say what it is for the studio, whether it gives the story away, who worked on it.
    File {
        /// All of that.
        filing: super::Filing,
        /// When.
        at: DateTime<Utc>,
    },
    /// Give it to somebody else.
    HandOver {
        /// To whom.
        to: AccountId,
        /// Who decides it.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
}
