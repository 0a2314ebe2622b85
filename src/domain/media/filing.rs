//! How a work is filed: what it is for the studio, whether it gives the story away, who worked on it.

use super::{Media, MediaError, MediaEvent};
use crate::domain::shared::AccountId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Most people named beside the one who has a work.
pub const MOST_CONTRIBUTORS: usize = 50;

/// What a work is for the studio.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::EnumString,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Category {
    /// Made to be looked at.
    Artwork,
    /// What a film is made of: models, scenes, textures.
    ProductionFile,
    /// Shows how something was made.
    ProductionLesson,
}

impl Category {
    /// As pages say it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Artwork => "Artwork",
            Self::ProductionFile => "Production file",
            Self::ProductionLesson => "Production lesson",
        }
    }
}

/// How a work is filed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filing {
    /// What it is, if somebody said so.
    pub category: Option<Category>,
    /// Whether its description and comments give the story away: they are shown to those who may watch it, and only
    /// when they ask.
    pub spoiler: bool,
    /// Whether it stands before others.
    pub featured: bool,
    /// Who worked on it beside the one who has it.
    pub contributors: Vec<AccountId>,
}

pub(super) fn file(
    media: &Media,
    mut filing: Filing,
    at: DateTime<Utc>,
) -> Result<Vec<MediaEvent>, MediaError> {
    let mut once: Vec<AccountId> = Vec::new();
    for account in filing.contributors {
        if Some(account) != media.owner && !once.contains(&account) {
            once.push(account);
        }
    }
    if once.len() > MOST_CONTRIBUTORS {
        return Err(MediaError::TooManyContributors(MOST_CONTRIBUTORS));
    }
    filing.contributors = once;
    Ok(if filing == media.filing { vec![] } else { vec![MediaEvent::MediaFiled { filing, at }] })
}
