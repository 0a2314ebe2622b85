//! How a picture was taken, as far as its maker tells it. A file says more (where, by whom, with which camera to its
//! number); nothing of it is published but what somebody chose here, and of that list place and names are no part.

use super::{Kind, Media, MediaError, MediaEvent};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Longest value, in characters.
pub const LONGEST_DETAIL: usize = 80;

/// What may be told.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::VariantArray,
    strum::IntoStaticStr,
    strum::EnumString,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ShotField {
    /// Maker and model of the camera.
    Camera,
    /// Model of the lens.
    Lens,
    /// Focal length.
    FocalLength,
    /// Aperture.
    Aperture,
    /// Exposure time.
    Exposure,
    /// Sensitivity.
    Sensitivity,
    /// The day it was taken.
    TakenOn,
}

impl ShotField {
    /// What pages call it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Camera => "Camera",
            Self::Lens => "Lens",
            Self::FocalLength => "Focal length",
            Self::Aperture => "Aperture",
            Self::Exposure => "Exposure",
            Self::Sensitivity => "Sensitivity",
            Self::TakenOn => "Taken on",
        }
    }
}

/// One thing that is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShotDetail {
    /// What.
    pub field: ShotField,
    /// As people read it, such as `1/250 s`.
    pub value: String,
}

pub(super) fn publish(
    media: &Media,
    details: Vec<ShotDetail>,
    at: DateTime<Utc>,
) -> Result<Vec<MediaEvent>, MediaError> {
    if media.kind != Some(Kind::Image) {
        return Err(MediaError::NoShot);
    }
    let mut seen = vec![];
    for detail in &details {
        let length = detail.value.chars().count();
        if seen.contains(&detail.field) || !(1..=LONGEST_DETAIL).contains(&length) {
            return Err(MediaError::BadDetail(detail.field.words()));
        }
        seen.push(detail.field);
    }
    if details == media.shot {
        return Ok(vec![]);
    }
    Ok(vec![MediaEvent::ShotDetailsPublished { details, at }])
}
