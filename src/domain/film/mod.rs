//! A film: what the studio says about it, its pictures, its gallery, its makers.

mod commands;
mod error;
mod events;
mod film;
mod parts;
#[cfg(test)]
mod tests;

use crate::domain::shared::{Licence, PersonalRef, Slug};
use chrono::NaiveDate;
pub use commands::FilmCommand;
pub use error::FilmError;
pub use events::FilmEvent;
pub use film::{Film, Publication};
pub use parts::{FilmPage, Part};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Claims of addresses of films are taken in this namespace.
pub const SLUG_NAMESPACE: &str = "film-slug";

/// How far the film itself is.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Stage {
    /// Written, drawn, planned.
    #[default]
    InDevelopment,
    /// Being made.
    InProduction,
    /// Done and shown.
    Released,
}

impl Stage {
    /// The words on pages.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::InDevelopment => "In development",
            Self::InProduction => "In production",
            Self::Released => "Released",
        }
    }
    /// The code in forms and events.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.into()
    }
}

/// One line of the credits. The name is a person's and therefore lives in the vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// What the person did.
    pub role: String,
    /// Who.
    pub name: PersonalRef,
}

/// A group of works in the gallery, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GallerySection {
    /// Its heading; empty for works that stand on their own.
    pub title: String,
    /// Works, by id.
    pub media: Vec<Uuid>,
}

/// What the editor's form says about a film, all at once.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct FilmDetails {
    /// Title.
    pub title: String,
    /// Address; required, so that nobody changes it by accident.
    pub slug: Option<Slug>,
    /// One sentence.
    pub summary: String,
    /// Markdown.
    pub description: String,
    /// How far it is.
    pub stage: Stage,
    /// When it was or will be released.
    pub release_date: Option<NaiveDate>,
    /// Licence.
    pub licence: Licence,
    /// Accent hue, 0–359, where the one of the key art does not suit.
    pub hue: Option<u16>,
    /// The hue that the key art has by itself.
    pub art_hue: Option<u16>,
    /// The picture that stands for it (an image work).
    pub key_art: Option<Uuid>,
    /// Its trailer (a video work).
    pub trailer: Option<Uuid>,
    /// The film itself (a video work).
    pub feature: Option<Uuid>,
    /// The gallery.
    pub gallery: Vec<GallerySection>,
    /// Its name as a picture (an image work).
    pub logo: Option<Uuid>,
    /// Its poster (an image work).
    pub poster: Option<Uuid>,
    /// Markdown that stands on its page for those who may not watch it; empty: the description does.
    pub landing: String,
    /// What its page leaves out.
    pub hidden: BTreeSet<Part>,
}

crate::decider!(Film, FilmCommand, FilmEvent, FilmError, "film");
