//! What can go wrong while files are examined and encoded.

use super::sandbox::SandboxError;
use crate::domain::media::{Failure, Rejection};

/// Either the file is not acceptable, or the work on it failed.
#[derive(Debug, thiserror::Error)]
pub enum MediaTrouble {
    /// The content is refused; trying again will not help.
    #[error("{0}")]
    Rejected(Rejection),
    /// The work failed; trying again may help.
    #[error("{0}")]
    Failed(Failure),
    /// Somebody asked to stop (shutdown, removal); nothing is wrong.
    #[error("stopped on request")]
    Cancelled,
}

impl MediaTrouble {
    /// A failure inside Kinora, in short technical words without paths or names.
    #[must_use]
    pub fn internal(detail: impl Into<String>) -> Self {
        Self::Failed(Failure::Internal { detail: detail.into() })
    }
}

impl From<std::io::Error> for MediaTrouble {
    fn from(e: std::io::Error) -> Self {
        match e.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Self::Failed(Failure::NoRoom)
            }
            kind => Self::internal(format!("file system: {kind}")),
        }
    }
}

impl From<SandboxError> for MediaTrouble {
    fn from(e: SandboxError) -> Self {
        match e {
            SandboxError::Missing { program } => Self::Failed(Failure::ProgramMissing { program }),
            SandboxError::TimedOut => Self::Failed(Failure::TookTooLong),
            SandboxError::Cancelled => Self::Cancelled,
            SandboxError::Io(e) => e.into(),
            SandboxError::Exit { message, .. } if message.contains("No space left") => {
                Self::Failed(Failure::NoRoom)
            }
            SandboxError::Exit { message, .. } => Self::Failed(Failure::DecoderGaveUp { detail: message }),
        }
    }
}
