//! Why nothing is shown of a file that is given as it is.

use serde::{Deserialize, Serialize};

/// Why an office document has no pages here. It is no failure: the file is kept and given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum NotShown {
    /// The program that draws its pages is not installed.
    ProgramMissing,
    /// The program opens sockets to itself, and helper programs may open none here.
    NoSockets,
    /// The program did not come to terms with the file.
    NotUnderstood,
}

impl NotShown {
    /// For whoever may change the work: what it is, and what to do.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::ProgramMissing => {
                "Its pages are not shown because LibreOffice is not installed where works are processed. Upload it as a PDF, or ask whoever runs this studio; once it is installed, make all renditions anew."
            }
            Self::NoSockets => {
                "Its pages are not shown because LibreOffice needs sockets, and programs that read uploads may open none where works are processed. Upload it as a PDF, or ask whoever runs this studio for a worker with bubblewrap; then make all renditions anew."
            }
            Self::NotUnderstood => {
                "Its pages are not shown because LibreOffice cannot read this file. Open it with the program it was made with, save it anew or as a PDF, and upload that."
            }
        }
    }
}
