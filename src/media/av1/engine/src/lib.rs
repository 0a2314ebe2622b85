//! rav1e for frames of 8 and of 10 bits.
//!
//! rav1e is generic over the type of a pixel, so its code is compiled where that type is chosen. In
//! Kinora itself that would be the unoptimised development build, forty times slower. Here both are
//! chosen once, in a crate that every profile optimises; nothing generic leaves it.

use rav1e::prelude::{
    Config, Context, EncoderConfig, EncoderStatus, Frame, FrameParameters, FrameType, FrameTypeOverride,
    Packet, Pixel,
};

pub use rav1e;

/// An encoder at work.
pub struct Engine {
    coder: Coder,
}

/// The encoder for the depth of its samples.
enum Coder {
    /// One byte a sample.
    Eight(Context<u8>),
    /// Two bytes a sample, the lower one first.
    More(Context<u16>),
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
    /// An encoder with `threads` threads of its own. The bit depth of the settings decides whether a
    /// sample has one byte or two.
    ///
    /// # Errors
    /// If the settings contradict each other.
    pub fn new(config: EncoderConfig, threads: usize) -> Result<Self, String> {
        let deep = config.bit_depth > 8;
        let config = Config::new().with_encoder_config(config).with_threads(threads);
        let coder = if deep {
            Coder::More(config.new_context().map_err(|e| e.to_string())?)
        } else {
            Coder::Eight(config.new_context().map_err(|e| e.to_string())?)
        };
        Ok(Self { coder })
    }

    /// Hands over a frame: Y, U and V, each with its bytes a row. `key` makes it a key frame, whatever
    /// it shows.
    ///
    /// # Errors
    /// If the encoder takes none any more.
    pub fn send(&mut self, planes: [(&[u8], usize); 3], key: bool) -> Result<(), String> {
        let wish = FrameParameters {
            frame_type_override: if key { FrameTypeOverride::Key } else { FrameTypeOverride::No },
            ..FrameParameters::default()
        };
        match &mut self.coder {
            Coder::Eight(c) => c.send_frame((filled(c.new_frame(), planes, 1), wish)),
            Coder::More(c) => c.send_frame((filled(c.new_frame(), planes, 2), wish)),
        }
        .map_err(|e| e.to_string())
    }

    /// Says that there are no more frames.
    pub fn flush(&mut self) {
        match &mut self.coder {
            Coder::Eight(c) => c.flush(),
            Coder::More(c) => c.flush(),
        }
    }

    /// Lets it work.
    ///
    /// # Errors
    /// If encoding fails.
    pub fn receive(&mut self) -> Result<Step, String> {
        match &mut self.coder {
            Coder::Eight(c) => step(c.receive_packet()),
            Coder::More(c) => step(c.receive_packet()),
        }
    }
}

fn filled<T: Pixel>(mut frame: Frame<T>, planes: [(&[u8], usize); 3], bytes: usize) -> Frame<T> {
    for (plane, (source, stride)) in frame.planes.iter_mut().zip(planes) {
        plane.copy_from_raw_u8(source, stride, bytes);
    }
    frame
}

fn step<T: Pixel>(answer: Result<Packet<T>, EncoderStatus>) -> Result<Step, String> {
    match answer {
        Ok(packet) => Ok(Step::Unit(packet.data, packet.frame_type == FrameType::KEY)),
        Err(EncoderStatus::Encoded) => Ok(Step::Again),
        Err(EncoderStatus::NeedMoreData) => Ok(Step::More),
        Err(EncoderStatus::LimitReached) => Ok(Step::End),
        Err(e) => Err(e.to_string()),
    }
}
