//! How helper programs are kept apart from everything else.

use super::sandbox::Sandbox;

/// How helper programs are confined on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confinement {
    /// Own namespaces by bubblewrap, and limits.
    Bubblewrap,
    /// Rights given away before the program starts, and limits.
    Within {
        /// Landlock: no files but those named.
        files: bool,
        /// seccomp: no sockets.
        network: bool,
    },
    /// Limits and the empty environment only.
    LimitsOnly,
}

impl Confinement {
    /// What it means, as a sentence for operators.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Bubblewrap => "bubblewrap: no network, a file view of their own, limits",
            Self::Within { files: true, network: true } => {
                "Landlock and seccomp: no network, no files but their own, limits (bubblewrap does not work here)"
            }
            Self::Within { files: true, network: false } => {
                "Landlock: no files but their own, no TCP, limits (neither bubblewrap nor seccomp works here)"
            }
            Self::Within { .. } => {
                "seccomp: no network, limits; they could read files of the service (neither bubblewrap nor Landlock works here)"
            }
            Self::LimitsOnly => {
                "limits only: they could read files of the service and reach its network (neither bubblewrap nor Landlock nor seccomp works here)"
            }
        }
    }

    /// Whether files and network are both closed to helper programs.
    #[must_use]
    pub fn is_whole(self) -> bool {
        matches!(self, Self::Bubblewrap | Self::Within { files: true, network: true })
    }

    /// What holds on this machine for this process; tried once.
    #[must_use]
    pub fn here() -> Self {
        static HERE: std::sync::OnceLock<Confinement> = std::sync::OnceLock::new();
        *HERE.get_or_init(|| Sandbox::detect().confinement())
    }
}
