//! Writes a copy: a ZIP file that appears under its name only when it is whole.

use super::MakeError;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// What goes into a copy.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// Name and bytes.
    pub texts: Vec<(String, Vec<u8>)>,
    /// Name, and the file it is taken from.
    pub files: Vec<(String, PathBuf)>,
}

/// Writes the file and gives its size.
///
/// # Errors
/// If the disk refuses; nothing is left behind then but a part that the next attempt writes over.
pub(super) fn write(path: &Path, content: Content) -> Result<u64, MakeError> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let part = path.with_extension("part");
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    let mut zip = ZipWriter::new(BufWriter::new(file));
    let options = SimpleFileOptions::default().large_file(true).unix_permissions(0o600);
    for (name, bytes) in content.texts {
        zip.start_file(name, options.compression_method(CompressionMethod::Deflated))?;
        zip.write_all(&bytes)?;
    }
    for (name, from) in content.files {
        // Films and pictures are packed already.
        zip.start_file(name, options.compression_method(CompressionMethod::Stored))?;
        io::copy(&mut File::open(from)?, &mut zip)?;
    }
    let file = zip.finish()?.into_inner().map_err(|e| MakeError::Other(e.to_string()))?;
    file.sync_all()?;
    let bytes = file.metadata()?.len();
    fs::rename(&part, path)?;
    Ok(bytes)
}
