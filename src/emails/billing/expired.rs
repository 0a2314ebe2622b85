//! Says that an unpaid membership has expired.

use crate::emails::{Letter, Mail, Studio};

/// See [`super::BillingMail::Expired`].
pub(super) fn render(studio: &Studio, name: Option<&str>, weeks: &u16) -> Mail {
    Letter::new("Your membership has expired")
        .to_person(name)
        .say(format!("The open order was not paid for {weeks} weeks, so the membership has ended. You do not have to pay the order any more."))
        .button("Join again", studio.link("/join"))
        .sign(studio)
}
