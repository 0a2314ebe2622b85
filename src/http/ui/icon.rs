//! Inlined icons.

use maud::{Markup, PreEscaped, html};

include!(concat!(env!("OUT_DIR"), "/icons.rs"));

/// An icon beside words; readers of the page by ear do not hear it.
#[must_use]
pub fn icon(which: Icon) -> Markup {
    html! { svg.icon viewBox="0 0 24 24" aria-hidden="true" focusable="false" { (PreEscaped(which.drawing())) } }
}

/// The same icon filled, as for the play sign on a button.
#[must_use]
pub fn solid(which: Icon) -> Markup {
    html! { svg.icon.solid viewBox="0 0 24 24" aria-hidden="true" focusable="false" { (PreEscaped(which.drawing())) } }
}

/// An icon that stands alone and therefore says what it means.
#[must_use]
pub fn named(which: Icon, label: &str) -> Markup {
    html! { (icon(which)) span.hush { (label) } }
}
