use super::{SiteCommand, SiteError, SiteEvent};
use crate::domain::shared::derive_id;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Longest text of a page, in characters.
pub const LONGEST_TEXT: usize = 50_000;
/// Longest announcement, in characters.
pub const LONGEST_ANNOUNCEMENT: usize = 300;
/// Longest address of a redirect, in characters.
pub const LONGEST_PATH: usize = 500;
/// Most redirects.
pub const MOST_REDIRECTS: usize = 1000;

/// Pages whose text a studio writes itself.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::EnumString,
    strum::VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum SitePage {
    /// Below the hero of the front page, for visitors.
    Welcome,
    /// Who the studio is.
    About,
    /// Questions and answers.
    Faq,
    /// Who answers for the site.
    Imprint,
    /// What becomes of personal data.
    Privacy,
    /// What is agreed with those who join.
    Terms,
    /// How everybody gets along with the site.
    Accessibility,
}

impl SitePage {
    /// Its name in addresses and tables.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.into()
    }

    /// Where it is read.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Welcome => "/",
            Self::About => "/about",
            Self::Faq => "/faq",
            Self::Imprint => "/legal/imprint",
            Self::Privacy => "/legal/privacy",
            Self::Terms => "/legal/terms",
            Self::Accessibility => "/accessibility",
        }
    }

    /// Its heading.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Welcome => "Welcome",
            Self::About => "About",
            Self::Faq => "Questions and answers",
            Self::Imprint => "Imprint",
            Self::Privacy => "Privacy",
            Self::Terms => "Terms",
            Self::Accessibility => "Accessibility",
        }
    }
}

/// The one site of an instance.
#[must_use]
pub fn site_id() -> Uuid {
    derive_id("site", "standard")
}

/// The site's words as its events made them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Site {
    texts: BTreeMap<SitePage, String>,
    announcement: Option<(String, Option<DateTime<Utc>>)>,
    redirects: BTreeMap<String, String>,
}

impl Site {
    /// Decides what follows from a command.
    ///
    /// # Errors
    /// The reason for which it is refused.
    pub fn decide(&self, command: SiteCommand) -> Result<Vec<SiteEvent>, SiteError> {
        match command {
            SiteCommand::Write { page, text, at } => self.write(page, &text, at),
            SiteCommand::Announce { text, until, at } => self.announce(&text, until, at),
            SiteCommand::EndAnnouncement { at } => {
                Ok(self.announcement.iter().map(|_| SiteEvent::AnnouncementEnded { at }).collect())
            }
            SiteCommand::Redirect { from, to, at } => self.redirect(&from, to.trim(), at),
            SiteCommand::RemoveRedirect { from, at } => {
                let known = self.redirects.contains_key(&from);
                Ok(known.then_some(SiteEvent::RedirectRemoved { from, at }).into_iter().collect())
            }
        }
    }

    fn write(&self, page: SitePage, text: &str, at: DateTime<Utc>) -> Result<Vec<SiteEvent>, SiteError> {
        let text = text.trim().replace("\r\n", "\n");
        let length = text.chars().count();
        if length > LONGEST_TEXT {
            return Err(SiteError::TextTooLong(length));
        }
        if self.texts.get(&page).map_or("", String::as_str) == text {
            return Ok(vec![]);
        }
        Ok(vec![SiteEvent::SiteTextWritten { page, text, at }])
    }

    fn announce(
        &self,
        text: &str,
        until: Option<DateTime<Utc>>,
        at: DateTime<Utc>,
    ) -> Result<Vec<SiteEvent>, SiteError> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let length = text.chars().count();
        if length == 0 {
            return Err(SiteError::NothingAnnounced);
        }
        if length > LONGEST_ANNOUNCEMENT {
            return Err(SiteError::AnnouncementTooLong(length));
        }
        if until.is_some_and(|until| until <= at) {
            return Err(SiteError::EndsInThePast);
        }
        if self.announcement.as_ref() == Some(&(text.clone(), until)) {
            return Ok(vec![]);
        }
        Ok(vec![SiteEvent::AnnouncementMade { text, until, at }])
    }

    fn redirect(&self, from: &str, to: &str, at: DateTime<Utc>) -> Result<Vec<SiteEvent>, SiteError> {
        let from = tidy(from.trim());
        if !is_path(&from) || from == "/" || from.contains(['?', '#']) {
            return Err(SiteError::From);
        }
        if !is_target(to) {
            return Err(SiteError::To);
        }
        // Followed as a browser would, the new one included.
        let (mut at_path, mut steps) = (place(to), 0);
        while steps <= self.redirects.len() {
            if at_path == from {
                return Err(SiteError::Circle);
            }
            match self.redirects.get(&at_path) {
                Some(next) => at_path = place(next),
                None => break,
            }
            steps += 1;
        }
        match self.redirects.get(&from) {
            Some(same) if same == to => return Ok(vec![]),
            None if self.redirects.len() >= MOST_REDIRECTS => return Err(SiteError::TooManyRedirects),
            _ => {}
        }
        Ok(vec![SiteEvent::RedirectSet { from, to: to.to_owned(), at }])
    }

    /// Takes over what happened.
    pub fn apply(&mut self, event: SiteEvent) {
        match event {
            SiteEvent::SiteTextWritten { page, text, .. } => {
                self.texts.insert(page, text);
            }
            SiteEvent::AnnouncementMade { text, until, .. } => self.announcement = Some((text, until)),
            SiteEvent::AnnouncementEnded { .. } => self.announcement = None,
            SiteEvent::RedirectSet { from, to, .. } => {
                self.redirects.insert(from, to);
            }
            SiteEvent::RedirectRemoved { from, .. } => {
                self.redirects.remove(&from);
            }
        }
    }
}

/// The same place with and without a slash at the end.
fn tidy(path: &str) -> String {
    let cut = path.trim_end_matches('/');
    if cut.is_empty() && path.starts_with('/') { "/".into() } else { cut.into() }
}

/// The place at which an address leads to something, whatever is asked of it there.
fn place(to: &str) -> String {
    tidy(to.split(['?', '#']).next().unwrap_or(to))
}

fn is_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && path.chars().count() <= LONGEST_PATH
        && !path.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\')
}

/// Whether a redirect may lead there: a path of this site, or an `https:` address with a host.
#[must_use]
pub fn is_target(to: &str) -> bool {
    let outside = to
        .strip_prefix("https://")
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric()) && !rest.contains(['@', '\\']));
    let clean = !to.contains(|c: char| c.is_control() || c.is_whitespace());
    clean && to.chars().count() <= LONGEST_PATH && (outside || is_path(to))
}
