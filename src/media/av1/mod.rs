//! AV1 by the rav1e crate, in process: one segment at a time, with progress and cancel.

mod colour;
mod encode;
mod y4m;

pub use colour::colour_description;
pub use encode::{EncodeSettings, Segment, encode_segment, encoder_version};
pub use y4m::{Y4mReader, Y4mTrouble};
