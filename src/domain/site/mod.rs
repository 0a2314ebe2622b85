//! The site's own words: texts of its standing pages, an announcement, and old addresses that lead on.
//! There is one, for the whole instance.

mod commands;
mod error;
mod events;
mod site;
#[cfg(test)]
mod tests;

pub use commands::SiteCommand;
pub use error::SiteError;
pub use events::SiteEvent;
pub use site::{
    LONGEST_ANNOUNCEMENT, LONGEST_PATH, LONGEST_TEXT, MOST_REDIRECTS, Site, SitePage, is_target, site_id,
};

crate::decider!(Site, SiteCommand, SiteEvent, SiteError, "site");
