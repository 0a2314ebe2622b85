//! What happened to a film. Names and payloads are frozen by snapshots in `tests.rs`.

use super::{Credit, FilmPage, GallerySection, Part, Stage};
use crate::domain::shared::{AccountId, Licence, Slug};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Events of one film.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum FilmEvent {
    /// A film was begun as a draft.
    FilmBegun {
        /// Title.
        title: String,
        /// Address.
        slug: Slug,
        /// One sentence.
        summary: String,
        /// Who began it.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// It has another title.
    FilmRetitled {
        /// Title now.
        title: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// It has another address; the old one leads here for ever.
    FilmMoved {
        /// Address until now.
        from: Slug,
        /// Address now.
        to: Slug,
        /// When.
        at: DateTime<Utc>,
    },
    /// It is described differently.
    FilmDescribed {
        /// One sentence.
        summary: String,
        /// Markdown.
        description: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// It is further, or its date of release was set.
    FilmStageChanged {
        /// How far it is.
        stage: Stage,
        /// Date of release.
        release_date: Option<NaiveDate>,
        /// When.
        at: DateTime<Utc>,
    },
    /// It is under another licence.
    FilmLicenceChanged {
        /// Licence now.
        licence: Licence,
        /// When.
        at: DateTime<Utc>,
    },
    /// It has another picture and light.
    FilmKeyArtChosen {
        /// The picture.
        key_art: Option<Uuid>,
        /// The hue of its page, where that of the picture does not suit.
        hue: Option<u16>,
        /// The hue that the picture has by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        art_hue: Option<u16>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Which works are the trailer and the film itself.
    FilmVideosChosen {
        /// Trailer.
        trailer: Option<Uuid>,
        /// The film.
        feature: Option<Uuid>,
        /// When.
        at: DateTime<Utc>,
    },
    /// The gallery has another order or other works.
    FilmGalleryArranged {
        /// All of it.
        sections: Vec<GallerySection>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Its makers were named.
    FilmCredited {
        /// All of them, in order.
        crew: Vec<Credit>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Which pictures are its logo and its poster.
    FilmSignsChosen {
        /// Its name as a picture.
        logo: Option<Uuid>,
        /// Its poster.
        poster: Option<Uuid>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Those who may not watch it read something else on its page.
    FilmLandingWritten {
        /// Markdown; empty: the description.
        landing: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// Its page leaves out other parts.
    FilmPartsHidden {
        /// All that is left out.
        hidden: BTreeSet<Part>,
        /// When.
        at: DateTime<Utc>,
    },
    /// A page of its own was written, or written anew.
    FilmPageWritten {
        /// The page.
        page: FilmPage,
        /// Its place among the pages, from 0.
        position: usize,
        /// When.
        at: DateTime<Utc>,
    },
    /// Such a page was taken out.
    FilmPageRemoved {
        /// Which.
        page: Uuid,
        /// When.
        at: DateTime<Utc>,
    },
    /// It will be published later.
    FilmScheduled {
        /// The time.
        publish_at: DateTime<Utc>,
        /// When this was decided.
        at: DateTime<Utc>,
    },
    /// People can see it.
    FilmPublished {
        /// When.
        at: DateTime<Utc>,
    },
    /// People can no longer see it, or its schedule was dropped.
    FilmUnpublished {
        /// When.
        at: DateTime<Utc>,
    },
    /// It belongs to somebody else from now on.
    FilmHandedOver {
        /// To whom.
        to: AccountId,
        /// Who decided it.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
}
