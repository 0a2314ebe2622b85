//! Says that a cancelled membership has ended.

use crate::emails::{Letter, Mail, Studio};

/// See [`super::BillingMail::Ended`].
pub(super) fn render(studio: &Studio, name: Option<&str>) -> Mail {
    Letter::new("Your membership has ended")
        .to_person(name)
        .say("As you wished, your membership has ended. Your account and your invoices stay. You are welcome back at any time.")
        .button("Join again", studio.link("/join"))
        .sign(studio)
}
