//! A collection: a folder of works in the gallery of a film, with a place among others and inside of others.

mod collection;
mod commands;
mod error;
mod events;
#[cfg(test)]
mod tests;

pub use collection::{Collection, Publication};
pub use commands::CollectionCommand;
pub use error::CollectionError;
pub use events::CollectionEvent;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Claims of addresses of collections are taken in this namespace; a key is film and address.
pub const SLUG_NAMESPACE: &str = "collection-slug";

/// What the editor's form says about a collection.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CollectionText {
    /// Title.
    pub title: String,
    /// Markdown.
    pub text: String,
    /// Its picture (an image or video work); none: its first work stands for it.
    pub picture: Option<Uuid>,
    /// Works, in order.
    pub media: Vec<Uuid>,
}

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Place {
    /// The collection it lies in; none: the film's gallery itself.
    pub parent: Option<Uuid>,
    /// Its place among its neighbours: smaller numbers come first, equal ones by title.
    pub order: u32,
}

crate::decider!(Collection, CollectionCommand, CollectionEvent, CollectionError, "collection");
