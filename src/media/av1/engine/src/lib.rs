//! rav1e for 8-bit frames.
//!
//! rav1e is generic over the type of a pixel, so its code is compiled where that type is chosen. In
//! Kinora itself that would be the unoptimised development build, forty times slower. Here it is
//! chosen once, in a crate that every profile optimises; nothing generic leaves it.

use rav1e::prelude::{Config, Context, EncoderConfig, EncoderStatus, FrameType};

pub use rav1e;

/// An encoder at work.
pub struct Engine {
    context: Context<u8>,
}

/// What the encoder wants or gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A coded frame, and whether it is a key frame.
    Unit(Vec<u8>, bool),
    /// It wants another frame, or to be told that there is none.
    More,
    /// It worked and has nothing to give yet.
    Again,
    /// Everything was given.
    End,
}

impl Engine {
    /// An encoder with `threads` threads of its own.
    ///
    /// # Errors
    /// If the settings contradict each other.
    pub fn new(config: EncoderConfig, threads: usize) -> Result<Self, String> {
        let config = Config::new().with_encoder_config(config).with_threads(threads);
        config.new_context().map(|context| Self { context }).map_err(|e| e.to_string())
    }

    /// Hands over a frame: Y, U and V, each with its bytes a row.
    ///
    /// # Errors
    /// If the encoder takes none any more.
    pub fn send(&mut self, planes: [(&[u8], usize); 3]) -> Result<(), String> {
        let mut frame = self.context.new_frame();
        for (plane, (source, stride)) in frame.planes.iter_mut().zip(planes) {
            plane.copy_from_raw_u8(source, stride, 1);
        }
        self.context.send_frame(frame).map_err(|e| e.to_string())
    }

    /// Says that there are no more frames.
    pub fn flush(&mut self) {
        self.context.flush();
    }

    /// Lets it work.
    ///
    /// # Errors
    /// If encoding fails.
    pub fn receive(&mut self) -> Result<Step, String> {
        match self.context.receive_packet() {
            Ok(packet) => Ok(Step::Unit(packet.data, packet.frame_type == FrameType::KEY)),
            Err(EncoderStatus::Encoded) => Ok(Step::Again),
            Err(EncoderStatus::NeedMoreData) => Ok(Step::More),
            Err(EncoderStatus::LimitReached) => Ok(Step::End),
            Err(e) => Err(e.to_string()),
        }
    }
}
