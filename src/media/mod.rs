//! From an uploaded file to what plays: a library without database and without actors.
//!
//! In the order in which a file goes through it: [`sniff`] looks at its first bytes, [`probe`] asks
//! ffprobe inside the [`sandbox`], [`normalise`] decodes it once into our own forms, [`av1`] encodes
//! the rungs of the [`ladder`] in process, [`fmp4`] and [`playlist`] package them, [`pictures`] makes
//! the stills. Everything here blocks; callers run it on threads of their own.

pub mod animation;
pub mod archives;
pub mod av1;
pub mod blend;
pub mod captions;
mod chapters;
pub mod cover;
pub mod documents;
pub mod exif;
mod exr;
pub mod files;
pub mod finish;
mod floats;
pub mod fmp4;
pub mod heif;
pub mod iso;
pub mod ladder;
pub mod light;
pub mod limits;
pub mod made_files;
pub mod mezzanine;
pub mod models;
pub mod niceness;
pub mod normalise;
pub mod office;
pub mod overview;
pub mod package;
pub mod paintings;
pub mod pictures;
pub mod playlist;
pub mod poster;
pub mod probe;
pub mod raw;
pub mod said;
pub mod sandbox;
pub mod screen;
pub mod signs;
pub mod smaller;
pub mod sniff;
pub mod store;
pub mod subtitles;
pub mod texts;
pub mod typeset;

mod cancel;
mod confinement;
mod error;
mod group_read;
mod side_by_side;
mod transfer;
mod within;

pub use error::MediaTrouble;
pub use limits::Limits;

#[cfg(test)]
mod hdr_tests;
#[cfg(test)]
mod overview_tests;
#[cfg(test)]
mod screen_tests;
#[cfg(test)]
mod svt_tests;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
