//! The values that media events carry.

use super::NotShown;
use serde::{Deserialize, Serialize};

/// What sort of work a file is, decided by its content.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Kind {
    /// Moving pictures, with or without sound.
    Video,
    /// One picture.
    Image,
    /// Sound only.
    Audio,
    /// Pages or text to read.
    Document,
    /// A 3D model.
    Model,
    /// Files packed into one.
    Archive,
    /// Anything else: offered as a download.
    #[serde(alias = "file")]
    Other,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Video, Self::Image, Self::Audio, Self::Document, Self::Model, Self::Archive, Self::Other];

    /// What pages call several of it.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Video => "videos",
            Self::Image => "pictures",
            Self::Audio => "sounds",
            Self::Document => "documents",
            Self::Model => "3D models",
            Self::Archive => "archives",
            Self::Other => "other files",
        }
    }

    /// What pages call it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Video => "Video",
            Self::Image => "Picture",
            Self::Audio => "Sound",
            Self::Document => "Document",
            Self::Model => "3D model",
            Self::Archive => "Archive",
            Self::Other => "File",
        }
    }
}

/// Who may play or download a published work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Tier {
    /// Everybody, also without an account.
    Free,
    /// People with a subscription, a team seat or a complimentary grant.
    #[default]
    Subscriber,
}

impl Tier {
    /// Reads `free` or `subscriber`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "free" => Some(Self::Free),
            "subscriber" => Some(Self::Subscriber),
            _ => None,
        }
    }
}

/// The stored original. Its name in the store is its hash, so equal content is stored once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Original {
    /// SHA-256 of the content, in lower-case hexadecimal.
    pub sha256: String,
    /// Length in bytes.
    pub bytes: u64,
}

/// What the probe found, before anything was decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Container or file format, such as `mov,mp4,m4a,3gp,3g2,mj2` or `jpeg`.
    pub format: String,
    /// Width as shown (after rotation), in pixels; 0 without a picture.
    pub width: u32,
    /// Height as shown (after rotation), in pixels; 0 without a picture.
    pub height: u32,
    /// Length in milliseconds; 0 for a still.
    pub duration_ms: u64,
    /// Frames a second as a fraction; 0/1 without moving pictures.
    pub frame_rate: (u32, u32),
    /// Name of the video codec, if there is moving picture.
    pub video_codec: Option<String>,
    /// Name of the audio codec, if there is sound.
    pub audio_codec: Option<String>,
    /// Pages of a document; 0 without pages.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pages: u32,
    /// Files listed in an archive.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub entries: u32,
    /// Bytes of those files when unpacked.
    #[serde(default, skip_serializing_if = "is_none_of")]
    pub unpacked_bytes: u64,
    /// Subtitles inside it that are made of pictures and cannot be shown as text.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub picture_subtitles: u32,
    /// Whether it is a moving picture that begins again at its end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeats: bool,
    /// Triangles of a model.
    #[serde(default, skip_serializing_if = "is_none_of")]
    pub triangles: u64,
    /// Why an office document has no pages here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_shown: Option<NotShown>,
}

/// Pictures of which a preview is shown and the original is given: they are files to work with.
pub const WORKING_PICTURES: [&str; 6] = ["psd", "exr", "hdr", "raw", "dpx", "dds"];

impl Facts {
    /// Whether the original itself is what people download. Of films, sounds and finished pictures it stays
    /// private: it may carry places, names and other metadata that nobody meant to publish.
    #[must_use]
    pub fn gives_original(&self, kind: Kind) -> bool {
        match kind {
            Kind::Document | Kind::Model | Kind::Archive | Kind::Other => true,
            Kind::Image => WORKING_PICTURES.contains(&self.format.as_str()),
            Kind::Video | Kind::Audio => false,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_none_of(n: &u64) -> bool {
    *n == 0
}

/// How a rendition is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Codec {
    /// H.264 video: plays everywhere and is made first.
    H264,
    /// AV1 video, made by rav1e.
    Av1,
    /// AAC sound.
    Aac,
    /// Opus sound: as good in fewer bytes.
    Opus,
    /// AVIF picture.
    Avif,
    /// JPEG picture.
    Jpeg,
    /// 3D model in binary glTF.
    Glb,
    /// A list that pages are made of.
    Json,
}

/// One form in which a work is delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendition {
    /// Name, unique within the work, such as `h264-720`; also the name of its folder or file.
    pub name: String,
    /// How it is coded.
    pub codec: Codec,
    /// Width in pixels; 0 for sound.
    pub width: u32,
    /// Height in pixels; 0 for sound.
    pub height: u32,
    /// Bytes of all its files together.
    pub bytes: u64,
    /// RFC 6381 codec string, such as `av01.0.04M.08`; empty for pictures.
    pub codecs: String,
}

/// The still that stands for a work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Poster {
    /// Width of the largest size, in pixels.
    pub width: u32,
    /// Height of the largest size, in pixels.
    pub height: u32,
    /// Widths that exist, ascending; each as AVIF and as JPEG.
    pub widths: Vec<u32>,
    /// Average colour as `#rrggbb`, shown until the picture is there.
    pub colour: String,
    /// The hue that most of its colour has, 0–359; none for grey pictures, and for those made before it was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hue: Option<u16>,
    /// thumbhash, base64: a blurred preview of some 25 bytes.
    pub thumbhash: String,
}

/// Small pictures of a film, from left to right and from top to bottom, in sheets `storyboard-01.jpg` and on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storyboard {
    /// From one picture to the next, in milliseconds.
    pub interval_ms: u32,
    /// How many there are.
    pub count: u32,
    /// Pictures in a row.
    pub columns: u32,
    /// Rows of a sheet.
    pub rows: u32,
    /// Width of one picture, in pixels.
    pub width: u32,
    /// Its height.
    pub height: u32,
}

/// What a player shows of the whole before it is played.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// Of a film.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storyboard: Option<Storyboard>,
    /// Of a sound: loudness over its length, two hexadecimal digits each, against the loudest; empty if unknown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub waveform: String,
}

impl Overview {
    /// Whether there is nothing to show.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.storyboard.is_none() && self.waveform.is_empty()
    }
}

/// Why a file was not accepted. The text of each tells its owner what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, strum::IntoStaticStr)]
#[serde(tag = "code", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Rejection {
    /// No content.
    #[error("The file is empty. Check that it was saved completely and upload it again.")]
    Empty,
    /// Plain text under the name of a film or a picture.
    #[error("The file holds plain text, not a video, picture or sound. Choose the exported media file.")]
    PlainText,
    /// A list of other files.
    #[error("The file is a playlist that refers to other files. Upload the video file itself.")]
    Playlist,
    /// A description of a network stream.
    #[error("The file describes a network stream (SDP). Upload a recorded file.")]
    StreamDescription,
    /// The index of the container is missing.
    #[error(
        "The file is incomplete: its index is missing. The transfer or the recording was cut off; export it again and upload the whole file."
    )]
    Truncated,
    /// Protected by digital rights management.
    #[error("The file is encrypted and cannot be read. Upload it without copy protection or password.")]
    Encrypted,
    /// Web pages, programs, fonts and the like.
    #[error("This kind of file ({found}) cannot be shown. Upload a video, a picture or sound.")]
    NotMedia {
        /// What was found.
        found: String,
    },
    /// Recognised, but no decoder may or can read it.
    #[error("The file cannot be read: {found}. Export it as {} and upload it again.", readable(.found))]
    Unreadable {
        /// What is wrong, in words without any file name.
        found: String,
    },
    /// Recognised, but nothing that is installed reads it.
    #[error(
        "The studio has no program that reads this kind of file ({found}). Export it as {instead} and upload that, or ask whoever runs the studio to install {package}."
    )]
    NoProgram {
        /// What was found.
        found: String,
        /// What can be uploaded in its place.
        instead: String,
        /// The package that brings a program.
        package: String,
    },
    /// A document that cannot be read.
    #[error("The document cannot be read: {found}. Export it again as PDF and upload it.")]
    DocumentUnreadable {
        /// What is wrong.
        found: String,
    },
    /// A 3D model that cannot be read.
    #[error(
        "The 3D model cannot be read: {found}. Export it as GLB with everything inside and without compression, and upload it again."
    )]
    ModelUnreadable {
        /// What is wrong.
        found: String,
    },
    /// An archive whose list cannot be read.
    #[error("The archive is damaged or cut off. Pack it again and upload the whole file.")]
    ArchiveUnreadable,
    /// No stream with pictures or sound.
    #[error("The file holds neither pictures nor sound.")]
    NothingToPlay,
    /// More pixels than allowed.
    #[error(
        "The picture is {width} × {height} pixels; at most {limit_megapixels} megapixels are allowed. Export it smaller."
    )]
    TooManyPixels {
        /// Width found.
        width: u64,
        /// Height found.
        height: u64,
        /// The limit in force.
        limit_megapixels: u64,
    },
    /// Longer than allowed.
    #[error("The film says it is {minutes} minutes long; at most {limit_minutes} minutes are allowed.")]
    TooLong {
        /// Length found.
        minutes: u64,
        /// The limit in force.
        limit_minutes: u64,
    },
    /// More streams than allowed.
    #[error(
        "The file has {streams} streams; at most {limit} are allowed. Export it with one picture and one sound track."
    )]
    TooManyStreams {
        /// Streams found.
        streams: u64,
        /// The limit in force.
        limit: u64,
    },
    /// More frames a second than allowed.
    #[error("The film has {rate} frames a second; at most {limit} are allowed.")]
    FrameRateTooHigh {
        /// Frames a second found, rounded.
        rate: u64,
        /// The limit in force.
        limit: u64,
    },
    /// Times in the file contradict each other (gaps of hours, no end).
    #[error(
        "The times in the film do not add up (it jumps or never ends). Export it again and upload the new file."
    )]
    BrokenTimes,
    /// A kind that the studio does not take.
    #[error("The file is of a kind ({}) that this studio does not take. Ask the operator.", .found.words().to_lowercase())]
    KindNotTaken {
        /// What it is.
        found: Kind,
    },
    /// A new file for a work that is something else.
    #[error(
        "The new file is a {}, but the work is a {}. What was there stays; upload the new file as a work of its own.",
        .found.words().to_lowercase(),
        .was.words().to_lowercase()
    )]
    OtherKind {
        /// What the work is.
        was: Kind,
        /// What the new file is.
        found: Kind,
    },
    /// The program that examines files did not finish.
    #[error(
        "The file could not be examined within the time and memory allowed, so it was not accepted. Export it again, simpler or smaller, and upload the new file."
    )]
    ProbeExhausted,
}

/// What can be uploaded in the place of something that cannot be read, by what is wrong with it.
fn readable(found: &str) -> &'static str {
    if found.contains("the picture") || found.contains("the drawing") {
        return "PNG or JPEG";
    }
    "MP4, MOV, MKV, WebM, FLAC, MP3, PNG or JPEG"
}

/// The step of processing that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Step {
    /// Examining the file.
    Probe,
    /// Decoding it once into our own forms.
    Normalise,
    /// Encoding AV1.
    Encode,
    /// Writing playlists and the download.
    Package,
    /// Making picture sizes.
    Pictures,
}

/// Why processing failed. The text says what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, strum::IntoStaticStr)]
#[serde(tag = "code", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Failure {
    /// The decoder gave up on the content.
    #[error(
        "The decoder could not read the content to its end ({detail}). Export the file again, or retry if it plays well elsewhere."
    )]
    DecoderGaveUp {
        /// What it said, without paths.
        detail: String,
    },
    /// Time limit.
    #[error(
        "It took longer than allowed and was stopped. Retry; if it happens again, shorten the work or ask the operator to raise the limit."
    )]
    TookTooLong,
    /// Disk full or budget used up.
    #[error("There was not enough room on the disk. Ask the operator to free some, then retry.")]
    NoRoom,
    /// The original is missing from the store or differs from its hash.
    #[error("The stored original is missing or damaged. Upload the file again.")]
    OriginalDamaged,
    /// A program that is needed is not installed.
    #[error("{program} is not installed on the server. Ask the operator to install it, then retry.")]
    ProgramMissing {
        /// Its name.
        program: String,
    },
    /// The worker died several times at the same place.
    #[error(
        "The encoder stopped {attempts} times at the same place. Retry; if it happens again, ask the operator."
    )]
    WorkerLost {
        /// How often it was tried.
        attempts: u32,
    },
    /// An operator cancelled it.
    #[error("An operator stopped its processing. What plays already stays; ask the operator, or retry.")]
    Stopped,
    /// Anything else from inside Kinora.
    #[error("An internal error stopped it ({detail}). Retry; if it happens again, ask the operator.")]
    Internal {
        /// Short technical words without paths or names.
        detail: String,
    },
}
