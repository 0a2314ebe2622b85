//! AV1 by the rav1e crate: one segment at a time, with progress and cancel, in a process of its own beside its decoder
//! in the sandbox. By wish of the studio SVT-AV1 through ffmpeg instead.

pub mod apart;
mod colour;
mod encode;
mod ivf;
pub mod quality;
pub mod scaling;
pub mod svt;
mod y4m;

pub use colour::colour_description;
pub use encode::{Coder, EncodeSettings, Segment, encode_segment, encoder_version};
pub use y4m::{Y4mReader, Y4mTrouble};

use super::MediaTrouble;
use super::fmp4::{Av1Track, av1_fragment, av1_init, sequence_header};

/// A coded piece as an MP4 of its own, for a program that looks at it.
fn package_sample(segment: &Segment, settings: &EncodeSettings) -> Result<Vec<u8>, MediaTrouble> {
    let fragment = av1_fragment(segment, settings.rate, 0, 0)?;
    let track = Av1Track { size: settings.size, rate: settings.rate, colour: settings.colour.clone() };
    let mut file = av1_init(&track, &sequence_header(&fragment)?)?;
    file.extend(fragment);
    Ok(file)
}
