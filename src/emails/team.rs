//! What holders and owners of team seats are told.

use super::{Letter, Mail, Studio};

/// Somebody has a seat now.
pub(super) fn given(studio: &Studio, name: Option<&str>) -> Mail {
    Letter::new(format!("You have a seat in a team at {}", studio.name))
        .to_person(name)
        .say("Your mail address belongs to a team, so you watch and download everything we publish. There is nothing to pay.")
        .button("Start watching", studio.link("/"))
        .sign(studio)
}

/// Somebody has a seat no more.
pub(super) fn taken(studio: &Studio, name: Option<&str>) -> Mail {
    Letter::new(format!("Your seat in a team at {} ended", studio.name))
        .to_person(name)
        .say("You belong to the team no more, or it has fewer seats now. Ask its owner if that surprises you. What is free stays open to you, and so does your account.")
        .button("See the plans", studio.link("/join"))
        .sign(studio)
}

/// Tells the owner that a seat is missing.
pub(super) fn missing(studio: &Studio, name: Option<&str>) -> Mail {
    Letter::new("Your team needs another seat")
        .to_person(name)
        .say("Somebody who belongs to your team signed up, and no seat is free. They get the next one that is: take somebody off the list, or choose a plan with more seats.")
        .button("See your team", studio.link("/account/team"))
        .sign(studio)
}
