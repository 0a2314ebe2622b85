//! Tells billing staff that something waits for a second person.

use crate::emails::{Letter, Mail, Studio};
use chrono::{DateTime, Utc};

/// See [`super::BillingMail::ApprovalWaits`].
pub(super) fn render(
    studio: &Studio,
    name: Option<&str>,
    what: &str,
    path: &str,
    lapses_at: Option<&DateTime<Utc>>,
) -> Mail {
    let mut letter = Letter::new("A colleague asks you to agree")
        .to_person(name)
        .say("It is above what one person may decide. Whoever of you comes first decides; nothing is done before.")
        .row("What", what);
    if let Some(end) = lapses_at {
        letter = letter.row("Lapses", studio.zone.moment_words(*end));
    }
    letter.button("Open the request", studio.link(path)).sign(studio)
}
