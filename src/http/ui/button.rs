//! Buttons and links that look like buttons. A button names its act ("Cancel subscription").

use super::icon::{Icon, icon, solid};
use maud::{Markup, html};

/// How loud a button is. A page has at most one [`Weight::Main`] in view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Weight {
    /// The one act of the page.
    Main,
    /// Any other act.
    #[default]
    Plain,
    /// An act that is no more than a word.
    Quiet,
    /// An act that destroys or ends something.
    Danger,
}

impl Weight {
    fn class(self) -> &'static str {
        match self {
            Weight::Main => "btn main",
            Weight::Plain => "btn",
            Weight::Quiet => "btn quiet",
            Weight::Danger => "btn danger",
        }
    }
}

/// A submit button.
#[must_use]
pub fn submit(label: &str, weight: Weight) -> Markup {
    html! { button class=(weight.class()) type="submit" { (label) } }
}

/// A submit button that sends a name and a value, for forms with several acts.
#[must_use]
pub fn submit_as(label: &str, name: &str, value: &str, weight: Weight) -> Markup {
    html! { button class=(weight.class()) type="submit" name=(name) value=(value) { (label) } }
}

/// A small submit button, for rows of tables.
#[must_use]
pub fn submit_small(label: &str, weight: Weight) -> Markup {
    html! { button class={ (weight.class()) " small" } type="submit" { (label) } }
}

/// A link that looks like a button.
#[must_use]
pub fn link(label: &str, href: &str, weight: Weight) -> Markup {
    html! { a class=(weight.class()) href=(href) { (label) } }
}

/// A small link, for rows of tables and page heads.
#[must_use]
pub fn link_small(label: &str, href: &str, weight: Weight) -> Markup {
    html! { a class={ (weight.class()) " small" } href=(href) { (label) } }
}

/// A link with an icon before its words; play is drawn filled.
#[must_use]
pub fn link_icon(which: Icon, label: &str, href: &str, weight: Weight) -> Markup {
    html! { a class=(weight.class()) href=(href) { @if which == Icon::Play { (solid(which)) } @else { (icon(which)) } (label) } }
}
