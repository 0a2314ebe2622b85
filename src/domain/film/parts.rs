//! What a film's page is made of beside its description.

use crate::domain::shared::Slug;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A part of a film's page that can be left out.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Part {
    /// The gallery with its collections.
    Gallery,
    /// The production logs.
    Logs,
    /// Training in which its works are shown.
    Training,
    /// The credits.
    Credits,
    /// Posts about it.
    Journal,
    /// Its characters.
    Characters,
}

impl Part {
    /// The words on pages.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Gallery => "Gallery",
            Self::Logs => "Production logs",
            Self::Training => "Training",
            Self::Credits => "Credits",
            Self::Journal => "Journal",
            Self::Characters => "Characters",
        }
    }
    /// The code in forms and events.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.into()
    }
}

/// A page of its own that stands among the tabs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilmPage {
    /// Its id.
    pub id: Uuid,
    /// Address within the film.
    pub slug: Slug,
    /// The words of its tab.
    pub title: String,
    /// Markdown.
    pub text: String,
}
