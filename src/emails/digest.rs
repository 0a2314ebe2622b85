//! Tells what is new at the studio, to those who asked for it.

use super::{Letter, Mail, Studio};
use serde::{Deserialize, Serialize};

/// One new thing. Published titles and addresses: nothing personal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewThing {
    /// What it is, such as "Film".
    pub kind: String,
    /// Its title.
    pub title: String,
    /// Its path on the site.
    pub path: String,
    /// Whether everybody may watch it.
    pub free: bool,
}

/// What came since the last digest; `more` things are not named. `stop` is the secret of the link that
/// ends it.
#[must_use]
pub fn render(studio: &Studio, name: Option<&str>, things: &[NewThing], more: i64, stop: &str) -> Mail {
    let total = things.len() as i64 + more;
    let subject = match things {
        [only] if more == 0 => format!("New at {}: {}", studio.name, only.title),
        _ => format!("{total} new things at {}", studio.name),
    };
    let stop = studio.link(&format!("/digest/stop/{stop}"));
    let mut letter = Letter::new(subject).to_person(name).say("This came since the last letter.");
    for thing in things {
        let members = if thing.free { "" } else { ", for members" };
        letter = letter.row(
            format!("{}{members}", thing.kind),
            format!("{} – {}", thing.title, studio.link(&thing.path)),
        );
    }
    if more > 0 {
        letter = letter.say(format!("And {more} more."));
    }
    letter
        .button("Go to the studio", studio.link("/"))
        .say(format!("You asked for this letter. To stop it, open {stop}"))
        .unsubscribe(stop)
        .sign(studio)
}
