//! Says that a membership has ended, by wish or by the studio.

use crate::emails::{Letter, Mail, Studio};

/// See [`super::BillingMail::Ended`].
pub(super) fn render(studio: &Studio, name: Option<&str>, by_studio: bool) -> Mail {
    let what = if by_studio {
        "We ended your membership. Your account and your invoices stay. If you do not know why, write to us."
    } else {
        "As you wished, your membership has ended. Your account and your invoices stay. You are welcome back at any time."
    };
    let letter = Letter::new("Your membership has ended").to_person(name).say(what);
    if by_studio {
        letter.button("See your account", studio.link("/account/subscription")).sign(studio)
    } else {
        letter.button("Join again", studio.link("/join")).sign(studio)
    }
}
