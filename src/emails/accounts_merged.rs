//! Says that two accounts of the person are one now.

use super::{Letter, Mail, Studio};

/// To the account that is kept.
#[must_use]
pub fn render(studio: &Studio, name: Option<&str>) -> Mail {
    Letter::new(format!("Your two accounts at {} are one now", studio.name))
        .to_person(name)
        .say("You had registered twice. This account is kept: your membership, your progress and what you like and save are here.")
        .say("Your earlier orders and invoices stay as they were issued; you find them here, too. The other account opens nothing any more, so sign in with the address to which this mail was sent.")
        .say("If you did not ask for this, write to us at once.")
        .button("See your account", studio.link("/account"))
        .sign(studio)
}
