//! State, decisions and their application.

use super::{Credit, FilmCommand, FilmDetails, FilmError, FilmEvent, FilmPage, GallerySection, Part, Stage};
use crate::domain::shared::text::{optional, required};
use crate::domain::shared::{AccountId, Licence, Slug};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use uuid::Uuid;

/// Works in one gallery.
const GALLERY_MOST: usize = 2_000;
/// Lines of credits.
const CREDITS_MOST: usize = 500;

/// Pages of its own.
const PAGES_MOST: usize = 20;

/// Whether people may know of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Publication {
    /// Nothing with this id exists.
    #[default]
    Absent,
    /// Only creators and editors see it.
    Draft,
    /// Everybody may know of it.
    Published,
}

/// A film. Pages are folded with it as well, so that its state is decided in one place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Film {
    /// Whether people may know of it.
    pub publication: Publication,
    /// Who began it.
    pub by: Option<AccountId>,
    /// Title.
    pub title: String,
    /// Address.
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
    /// Accent hue that was typed.
    pub hue: Option<u16>,
    /// Accent hue of the key art.
    #[serde(default)]
    pub art_hue: Option<u16>,
    /// Its picture.
    pub key_art: Option<Uuid>,
    /// Its trailer.
    pub trailer: Option<Uuid>,
    /// The film itself.
    pub feature: Option<Uuid>,
    /// The gallery.
    pub gallery: Vec<GallerySection>,
    /// The credits.
    pub crew: Vec<Credit>,
    /// Its name as a picture.
    #[serde(default)]
    pub logo: Option<Uuid>,
    /// Its poster.
    #[serde(default)]
    pub poster: Option<Uuid>,
    /// What those read who may not watch it; empty: the description.
    #[serde(default)]
    pub landing: String,
    /// What its page leaves out.
    #[serde(default)]
    pub hidden: BTreeSet<Part>,
    /// Pages of its own, in the order of their tabs.
    #[serde(default)]
    pub pages: Vec<FilmPage>,
    /// Every address such a page ever had, and whose it is: addresses never change their meaning.
    #[serde(default)]
    pub page_slugs: BTreeMap<String, Uuid>,
    /// When it will be published.
    #[serde(default)]
    pub publish_at: Option<DateTime<Utc>>,
}

impl Film {
    /// The hue of its pages: the typed one, else that of the key art.
    #[must_use]
    pub fn light(&self) -> Option<u16> {
        self.hue.or(self.art_hue)
    }

    /// Whether its page shows a part.
    #[must_use]
    pub fn shows(&self, part: Part) -> bool {
        !self.hidden.contains(&part)
    }

    /// Decides what follows from a command.
    ///
    /// # Errors
    /// [`FilmError`] says why it is refused.
    pub fn decide(&self, command: FilmCommand) -> Result<Vec<FilmEvent>, FilmError> {
        if let FilmCommand::Begin { title, slug, summary, by, at } = command {
            if self.publication != Publication::Absent {
                return Err(FilmError::AlreadyBegun);
            }
            let title = required("title", "title", &title, 120)?;
            let summary = optional("summary", "summary", &summary, 300)?;
            return Ok(vec![FilmEvent::FilmBegun { title, slug, summary, by, at }]);
        }
        if self.publication == Publication::Absent {
            return Err(FilmError::Unknown);
        }
        match command {
            FilmCommand::Begin { .. } => Err(FilmError::AlreadyBegun),
            FilmCommand::HandOver { to, .. } if self.by == Some(to) => Ok(vec![]),
            FilmCommand::HandOver { to, by, at } => Ok(vec![FilmEvent::FilmHandedOver { to, by, at }]),
            FilmCommand::Edit { details, at } => self.edit(*details, at),
            FilmCommand::Credit { crew, .. } if crew.len() > CREDITS_MOST => {
                Err(FilmError::TooManyCredits(CREDITS_MOST))
            }
            FilmCommand::Credit { mut crew, at } => {
                for credit in &mut crew {
                    credit.role = required("crew", "role for each name", &credit.role, 120)?;
                }
                Ok(if crew == self.crew { vec![] } else { vec![FilmEvent::FilmCredited { crew, at }] })
            }
            FilmCommand::WritePage { page, position, at } => self.write_page(*page, position, at),
            FilmCommand::RemovePage { page, .. } if self.page(page).is_none() => Ok(vec![]),
            FilmCommand::RemovePage { page, at } => Ok(vec![FilmEvent::FilmPageRemoved { page, at }]),
            FilmCommand::PublishDue { at } => Ok(match self.publish_at {
                Some(due) if due <= at && self.publication == Publication::Draft => {
                    vec![FilmEvent::FilmPublished { at }]
                }
                _ => vec![],
            }),
            FilmCommand::Publish { .. } if self.publication == Publication::Published => Ok(vec![]),
            FilmCommand::Publish { .. } | FilmCommand::Schedule { .. } if self.summary.is_empty() => {
                Err(FilmError::NothingSaid)
            }
            FilmCommand::Publish { at } => Ok(vec![FilmEvent::FilmPublished { at }]),
            FilmCommand::Schedule { .. } if self.publication == Publication::Published => {
                Err(FilmError::AlreadyPublished)
            }
            FilmCommand::Schedule { publish_at, at } if publish_at <= at => Err(FilmError::TimeHasPassed),
            FilmCommand::Schedule { publish_at, .. } if self.publish_at == Some(publish_at) => Ok(vec![]),
            FilmCommand::Schedule { publish_at, at } => Ok(vec![FilmEvent::FilmScheduled { publish_at, at }]),
            FilmCommand::Unpublish { at }
                if self.publication == Publication::Published || self.publish_at.is_some() =>
            {
                Ok(vec![FilmEvent::FilmUnpublished { at }])
            }
            FilmCommand::Unpublish { .. } => Ok(vec![]),
        }
    }

    /// One of its own pages.
    #[must_use]
    pub fn page(&self, id: Uuid) -> Option<&FilmPage> {
        self.pages.iter().find(|p| p.id == id)
    }

    fn write_page(
        &self,
        page: FilmPage,
        position: Option<usize>,
        at: DateTime<Utc>,
    ) -> Result<Vec<FilmEvent>, FilmError> {
        let old = self.pages.iter().position(|p| p.id == page.id);
        if old.is_none() && self.pages.len() >= PAGES_MOST {
            return Err(FilmError::TooManyPages(PAGES_MOST));
        }
        if self.page_slugs.get(page.slug.as_str()).is_some_and(|owner| *owner != page.id) {
            return Err(FilmError::PageSlugTaken(page.slug.to_string()));
        }
        let page = FilmPage {
            title: required("title", "title", &page.title, 40)?,
            text: required("text", "text", &page.text, 50_000)?,
            ..page
        };
        let last = self.pages.len() - usize::from(old.is_some());
        let position = position.or(old).unwrap_or(last).min(last);
        if old == Some(position) && self.page(page.id) == Some(&page) {
            return Ok(vec![]);
        }
        Ok(vec![FilmEvent::FilmPageWritten { page, position, at }])
    }

    /// One event for each thing that changes; nothing for what stays.
    fn edit(&self, new: FilmDetails, at: DateTime<Utc>) -> Result<Vec<FilmEvent>, FilmError> {
        let title = required("title", "title", &new.title, 120)?;
        let slug = new.slug.ok_or(FilmError::SlugMissing)?;
        let summary = optional("summary", "summary", &new.summary, 300)?;
        let description = optional("description", "description", &new.description, 50_000)?;
        if summary.is_empty() && self.publication == Publication::Published {
            return Err(FilmError::NothingSaid);
        }
        if new.hue.is_some_and(|h| h > 359) {
            return Err(FilmError::HueOutOfRange);
        }
        let gallery = checked_gallery(new.gallery)?;
        let landing = optional("landing", "text", &new.landing, 20_000)?;
        let mut events = Vec::new();
        if title != self.title {
            events.push(FilmEvent::FilmRetitled { title, at });
        }
        if let Some(from) = self.slug.clone().filter(|old| *old != slug) {
            events.push(FilmEvent::FilmMoved { from, to: slug, at });
        }
        if (&summary, &description) != (&self.summary, &self.description) {
            events.push(FilmEvent::FilmDescribed { summary, description, at });
        }
        if (new.stage, new.release_date) != (self.stage, self.release_date) {
            events.push(FilmEvent::FilmStageChanged { stage: new.stage, release_date: new.release_date, at });
        }
        if new.licence != self.licence {
            events.push(FilmEvent::FilmLicenceChanged { licence: new.licence, at });
        }
        let (key_art, hue, art_hue) = (new.key_art, new.hue, new.art_hue);
        if (key_art, hue, art_hue) != (self.key_art, self.hue, self.art_hue) {
            events.push(FilmEvent::FilmKeyArtChosen { key_art, hue, art_hue, at });
        }
        if (new.logo, new.poster) != (self.logo, self.poster) {
            events.push(FilmEvent::FilmSignsChosen { logo: new.logo, poster: new.poster, at });
        }
        if landing != self.landing {
            events.push(FilmEvent::FilmLandingWritten { landing, at });
        }
        if new.hidden != self.hidden {
            events.push(FilmEvent::FilmPartsHidden { hidden: new.hidden, at });
        }
        if (new.trailer, new.feature) != (self.trailer, self.feature) {
            events.push(FilmEvent::FilmVideosChosen { trailer: new.trailer, feature: new.feature, at });
        }
        if gallery != self.gallery {
            events.push(FilmEvent::FilmGalleryArranged { sections: gallery, at });
        }
        Ok(events)
    }

    /// Applies what happened.
    pub fn apply(&mut self, event: FilmEvent) {
        match event {
            FilmEvent::FilmHandedOver { to, .. } => self.by = Some(to),
            FilmEvent::FilmBegun { title, slug, summary, by, .. } => {
                self.publication = Publication::Draft;
                self.by = Some(by);
                self.title = title;
                self.slug = Some(slug);
                self.summary = summary;
            }
            FilmEvent::FilmRetitled { title, .. } => self.title = title,
            FilmEvent::FilmMoved { to, .. } => self.slug = Some(to),
            FilmEvent::FilmDescribed { summary, description, .. } => {
                self.summary = summary;
                self.description = description;
            }
            FilmEvent::FilmStageChanged { stage, release_date, .. } => {
                self.stage = stage;
                self.release_date = release_date;
            }
            FilmEvent::FilmLicenceChanged { licence, .. } => self.licence = licence,
            FilmEvent::FilmKeyArtChosen { key_art, hue, art_hue, .. } => {
                self.key_art = key_art;
                self.hue = hue;
                self.art_hue = art_hue;
            }
            FilmEvent::FilmSignsChosen { logo, poster, .. } => {
                self.logo = logo;
                self.poster = poster;
            }
            FilmEvent::FilmLandingWritten { landing, .. } => self.landing = landing,
            FilmEvent::FilmPartsHidden { hidden, .. } => self.hidden = hidden,
            FilmEvent::FilmPageWritten { page, position, .. } => {
                self.page_slugs.insert(page.slug.to_string(), page.id);
                self.pages.retain(|p| p.id != page.id);
                self.pages.insert(position.min(self.pages.len()), page);
            }
            FilmEvent::FilmPageRemoved { page, .. } => self.pages.retain(|p| p.id != page),
            FilmEvent::FilmScheduled { publish_at, .. } => self.publish_at = Some(publish_at),
            FilmEvent::FilmVideosChosen { trailer, feature, .. } => {
                self.trailer = trailer;
                self.feature = feature;
            }
            FilmEvent::FilmGalleryArranged { sections, .. } => self.gallery = sections,
            FilmEvent::FilmCredited { crew, .. } => self.crew = crew,
            FilmEvent::FilmPublished { .. } => {
                self.publication = Publication::Published;
                self.publish_at = None;
            }
            FilmEvent::FilmUnpublished { .. } => {
                self.publication = Publication::Draft;
                self.publish_at = None;
            }
        }
    }
}

/// Sections with clean headings, without empty ones, every work at most once.
fn checked_gallery(sections: Vec<GallerySection>) -> Result<Vec<GallerySection>, FilmError> {
    let mut seen = HashSet::new();
    let mut out = Vec::new();
    for section in sections {
        let title = optional("gallery", "heading of a group", &section.title, 120)?;
        if !section.media.iter().all(|id| seen.insert(*id)) {
            return Err(FilmError::TwiceInGallery);
        }
        if !section.media.is_empty() {
            out.push(GallerySection { title, media: section.media });
        }
    }
    if seen.len() > GALLERY_MOST { Err(FilmError::GalleryTooLarge(GALLERY_MOST)) } else { Ok(out) }
}
