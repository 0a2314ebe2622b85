//! rav1e in a process of its own. There it stands back for everything else as a whole: where Linux shares processors by
//! session or by group, threads of Kinora that encode would take from the pages and from PostgreSQL what the group of
//! Kinora may have, whatever their own niceness (`docs/decisions/0010-encoding-apart.md`). It runs in the sandbox and
//! starts its decoder itself, so both are watched, counted and ended as one helper program.

use super::encode::{EncodeSettings, encode_stream, widen};
use super::ivf;
use crate::media::MediaTrouble;
use crate::media::sandbox::Cancel;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::OnceLock;

/// The first word of the command line of that process; not for people.
pub const WORD: &str = "encode-frames";

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// From now on segments are encoded by this program, which calls [`asked`] when it starts. Where nobody says so, as in
/// tests of the library, or where it is gone or cannot be reached, they are encoded by threads of this process.
pub fn by_program(program: PathBuf) {
    // Said twice it stays as it was.
    let _ = PROGRAM.set(program);
}

/// The program that encodes.
pub(super) fn program() -> Option<&'static Path> {
    PROGRAM.get().map(PathBuf::as_path).filter(|program| program.exists())
}

/// The words for it: settings, then the words for ffmpeg.
pub(super) fn words(settings: &EncodeSettings) -> Result<[String; 2], MediaTrouble> {
    let settings = serde_json::to_string(settings).map_err(|e| MediaTrouble::internal(e.to_string()))?;
    Ok([WORD.to_owned(), settings])
}

/// If this process was started to encode: does it, and says how it ended.
#[must_use]
pub fn asked() -> Option<ExitCode> {
    let mut words = std::env::args().skip(1);
    if words.next()? != WORD {
        return None;
    }
    Some(match encode(words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("{trouble}");
            ExitCode::FAILURE
        }
    })
}

fn encode(mut words: impl Iterator<Item = String>) -> Result<(), MediaTrouble> {
    let wrong = |e: String| MediaTrouble::internal(e);
    let settings = words.next().ok_or_else(|| wrong("no settings".into()))?;
    let settings: EncodeSettings = serde_json::from_str(&settings).map_err(|e| wrong(e.to_string()))?;
    // The rights and the limits of this process are its rights and limits.
    let mut decoder =
        Command::new("ffmpeg").args(words).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let pipe = decoder.stdout.take().ok_or_else(|| wrong("no pipe".into()))?;
    widen(&pipe);
    let mut out = std::io::stdout().lock();
    ivf::write_head(&mut out)?;
    let mut number = 0;
    let coded = encode_stream(pipe, &settings, &Cancel::default(), &mut |unit, _| {
        ivf::write(&mut out, &unit, number)?;
        number += 1;
        Ok(())
    });
    // What it wrote to our standard error explains a broken pipe better than the pipe does.
    let decoded = decoder.wait()?;
    coded?;
    out.flush()?;
    if decoded.success() { Ok(()) } else { Err(wrong("the decoder failed".into())) }
}
