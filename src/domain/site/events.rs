use super::SitePage;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What happened to the site's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum SiteEvent {
    /// The text of a standing page is another.
    SiteTextWritten {
        /// Which page.
        page: SitePage,
        /// Markdown; empty: the text the program brings along.
        text: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// A line is shown above every page.
    AnnouncementMade {
        /// The line.
        text: String,
        /// From when on it is not shown any more; none: until it is taken down.
        until: Option<DateTime<Utc>>,
        /// When.
        at: DateTime<Utc>,
    },
    /// The line is not shown any more.
    AnnouncementEnded {
        /// When.
        at: DateTime<Utc>,
    },
    /// An old address leads to a new one.
    RedirectSet {
        /// The old address.
        from: String,
        /// The new one.
        to: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// An old address leads nowhere any more.
    RedirectRemoved {
        /// The old address.
        from: String,
        /// When.
        at: DateTime<Utc>,
    },
}
