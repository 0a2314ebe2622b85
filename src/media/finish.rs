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
    let (others, poster) = std::thread::scope(|scope| {
        let others = scope.spawn(|| {
            let download = write_download(kit, public, made, scratch)?;
            write_master(public, made, &[])?;
            Ok::<_, MediaTrouble>((download, overview::make(kit, public, made, scratch)?))
        });
        let poster = still(kit, public, made, scratch);
        (others.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), poster)
    });
    let ((download, overview), poster) = (others?, poster?);
    Ok(Finished { download, poster, overview })
}

fn still(
    kit: (&Sandbox, &Limits, &Cancel),
    public: &Path,
    made: &Normalised,
    scratch: &Path,
) -> Result<Option<Poster>, MediaTrouble> {
    let picture = match poster::choose(kit, public, made, scratch)? {
        None => overview::spectrogram(kit, public, made, scratch)?,
        chosen => chosen,
    };
    picture.map(|picture| pictures::write_sizes(&picture, public, "poster", |_, _| {})).transpose()
}
