//! Colour descriptions from ffmpeg's names to AV1's numbers.

use crate::media::probe::Colour;
use kinora_av1_engine::rav1e::prelude::{
    ColorDescription, ColorPrimaries, MatrixCoefficients, TransferCharacteristics,
};

/// The description for the encoder; `None` when the source says nothing.
#[must_use]
pub fn colour_description(colour: &Colour) -> Option<ColorDescription> {
    if colour.primaries.is_none() && colour.transfer.is_none() && colour.matrix.is_none() {
        return None;
    }
    Some(ColorDescription {
        color_primaries: match colour.primaries.as_deref() {
            Some("bt709") => ColorPrimaries::BT709,
            Some("bt470m") => ColorPrimaries::BT470M,
            Some("bt470bg") => ColorPrimaries::BT470BG,
            Some("smpte170m") => ColorPrimaries::BT601,
            Some("smpte240m") => ColorPrimaries::SMPTE240,
            Some("film") => ColorPrimaries::GenericFilm,
            Some("bt2020") => ColorPrimaries::BT2020,
            Some("smpte431") => ColorPrimaries::SMPTE431,
            Some("smpte432") => ColorPrimaries::SMPTE432,
            _ => ColorPrimaries::Unspecified,
        },
        transfer_characteristics: match colour.transfer.as_deref() {
            Some("bt709") => TransferCharacteristics::BT709,
            Some("gamma22" | "bt470m") => TransferCharacteristics::BT470M,
            Some("gamma28" | "bt470bg") => TransferCharacteristics::BT470BG,
            Some("smpte170m") => TransferCharacteristics::BT601,
            Some("smpte240m") => TransferCharacteristics::SMPTE240,
            Some("linear") => TransferCharacteristics::Linear,
            Some("iec61966-2-1") => TransferCharacteristics::SRGB,
            Some("bt2020-10") => TransferCharacteristics::BT2020_10Bit,
            Some("bt2020-12") => TransferCharacteristics::BT2020_12Bit,
            Some("smpte2084") => TransferCharacteristics::SMPTE2084,
            Some("arib-std-b67") => TransferCharacteristics::HLG,
            _ => TransferCharacteristics::Unspecified,
        },
        matrix_coefficients: match colour.matrix.as_deref() {
            Some("bt709") => MatrixCoefficients::BT709,
            Some("fcc") => MatrixCoefficients::FCC,
            Some("bt470bg") => MatrixCoefficients::BT470BG,
            Some("smpte170m") => MatrixCoefficients::BT601,
            Some("smpte240m") => MatrixCoefficients::SMPTE240,
            Some("bt2020nc") => MatrixCoefficients::BT2020NCL,
            Some("bt2020c") => MatrixCoefficients::BT2020CL,
            _ => MatrixCoefficients::Unspecified,
        },
    })
}
