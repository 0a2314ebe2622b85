//! What is allowed, checked before anything is decoded.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Limits on one upload and on the programs that work on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Largest upload, in bytes.
    pub upload_bytes: u64,
    /// Largest picture, in megapixels (stills and frames).
    pub megapixels: u64,
    /// Largest side of a picture, in pixels.
    pub side: u64,
    /// Longest film or sound, in minutes.
    pub minutes: u64,
    /// Most streams in one file.
    pub streams: u64,
    /// Most frames a second.
    pub frame_rate: u64,
    /// Memory (address space) of one helper program, in MiB.
    pub memory_mib: u64,
    /// Largest single file that a helper program may write, in MiB.
    pub file_mib: u64,
    /// Seconds that the examination of a file may take.
    pub probe_seconds: u64,
    /// Most pages of a document that are shown; all are in its download.
    pub document_pages: u32,
    /// How much of a text is shown, in KiB.
    pub text_kib: u64,
    /// Largest 3D model, in MiB.
    pub model_mib: u64,
    /// Most triangles of a 3D model.
    pub model_triangles: u64,
    /// Most files of an archive that are listed.
    pub archive_entries: u32,
    /// How much of a packed tar is read for its list, unpacked, in MiB.
    pub archive_read_mib: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            upload_bytes: 20 * 1024 * 1024 * 1024,
            megapixels: 100,
            side: 16_384,
            minutes: 600,
            streams: 32,
            frame_rate: 240,
            memory_mib: 6 * 1024,
            file_mib: 64 * 1024,
            probe_seconds: 120,
            document_pages: 300,
            text_kib: 512,
            model_mib: 256,
            model_triangles: 5_000_000,
            archive_entries: 5_000,
            archive_read_mib: 16 * 1024,
        }
    }
}

impl Limits {
    /// Pixels that a frame or a still may have.
    #[must_use]
    pub fn pixels(&self) -> u64 {
        self.megapixels * 1_000_000
    }

    /// How long normalising may take: generous against the length, never without end.
    #[must_use]
    pub fn normalise_time(&self, duration_ms: u64) -> Duration {
        Duration::from_millis(duration_ms.saturating_mul(20)) + Duration::from_secs(300)
    }
}
