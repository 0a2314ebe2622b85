//! A post of the journal: written, published now or later.

mod commands;
mod error;
mod events;
mod post;
#[cfg(test)]
mod tests;

pub use commands::PostCommand;
pub use error::PostError;
pub use events::PostEvent;
pub use post::{Post, Visibility};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Claims of addresses of posts are taken in this namespace.
pub const SLUG_NAMESPACE: &str = "post-slug";

/// What a post is about.
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
pub enum Category {
    /// News of the studio.
    #[default]
    News,
    /// How a film is made.
    Production,
    /// Something to learn.
    Tutorial,
    /// Software and pipeline.
    Pipeline,
}

impl Category {
    /// The words on pages.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::News => "News",
            Self::Production => "Production",
            Self::Tutorial => "Tutorial",
            Self::Pipeline => "Pipeline",
        }
    }
    /// The code in forms and events.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.into()
    }
}

/// What the editor's form says about a post.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct PostText {
    /// Title.
    pub title: String,
    /// What it is about.
    pub category: Category,
    /// The film it belongs to.
    pub film: Option<Uuid>,
    /// Two sentences for lists.
    pub excerpt: String,
    /// Markdown.
    pub content: String,
    /// Its picture (an image or video work).
    pub picture: Option<Uuid>,
}

crate::decider!(Post, PostCommand, PostEvent, PostError, "post");
