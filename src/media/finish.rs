//! What belongs to a film or a sound beside its streams: the plain file, the still, what a player shows of
//! the whole. Made of our own renditions, and side by side: people wait for it.

use super::normalise::Normalised;
use super::package::{write_download, write_master};
use super::sandbox::{Cancel, Sandbox};
use super::{Limits, MediaTrouble, overview, pictures, poster};
use crate::domain::media::{Overview, Poster};
use std::path::Path;

/// What was made.
#[derive(Debug)]
pub struct Finished {
    /// Name and length of the plain file.
    pub download: (&'static str, u64),
    /// The still.
    pub poster: Option<Poster>,
    /// Small pictures or loudness.
    pub overview: Overview,
}

/// Makes all of it in `public`, where the streams are.
///
/// # Errors
/// If our own renditions cannot be read, somebody asked to stop, or there is no room.
pub fn finish(
    kit: (&Sandbox, &Limits, &Cancel),
    public: &Path,
    made: &Normalised,
    scratch: &Path,
) -> Result<Finished, MediaTrouble> {
    let overview = overview::make(kit, public, made, scratch)?;
    let (download, poster) = std::thread::scope(|scope| {
        let download = scope.spawn(|| {
            write_master(public, made, &[])?;
            write_download(kit, public, made, scratch)
        });
        let poster = still(kit, public, made, &overview, scratch);
        (download.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), poster)
    });
    let (download, poster) = (download?, poster?);
    Ok(Finished { download, poster, overview })
}

fn still(
    kit: (&Sandbox, &Limits, &Cancel),
    public: &Path,
    made: &Normalised,
    overview: &Overview,
    scratch: &Path,
) -> Result<Option<Poster>, MediaTrouble> {
    let picture = match poster::choose(kit, public, made, overview.storyboard.as_ref(), scratch)? {
        None => overview::spectrogram(kit, public, made, scratch)?,
        chosen => chosen,
    };
    picture.map(|picture| pictures::write_sizes(&picture, public, "poster", |_, _| {})).transpose()
}
