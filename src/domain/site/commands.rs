use super::SitePage;
use chrono::{DateTime, Utc};

/// What may be asked of the site's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SiteCommand {
    /// Write the text of a standing page.
    Write {
        /// Which.
        page: SitePage,
        /// Markdown; empty: the text the program brings along.
        text: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// Show a line above every page.
    Announce {
        /// The line, in plain text.
        text: String,
        /// From when on it is not shown any more; none: until it is taken down.
        until: Option<DateTime<Utc>>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Take the line down.
    EndAnnouncement {
        /// When.
        at: DateTime<Utc>,
    },
    /// Let an address at which nothing is lead to another.
    Redirect {
        /// The old address: a path.
        from: String,
        /// The new one: a path of this site, or an `https:` address.
        to: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// Forget an old address.
    RemoveRedirect {
        /// The old address.
        from: String,
        /// When.
        at: DateTime<Utc>,
    },
}
