//! Notices and states: empty, locked, error, chips.

use super::button::{Weight, link};
use super::icon::{Icon, icon};
use super::layout::Place;
use maud::{Markup, html};

/// What a colour says; the words beside it say it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Tone {
    /// Nothing special.
    #[default]
    Plain,
    /// Done, paid, running.
    Success,
    /// Look at it soon.
    Warning,
    /// Failed, refused, ends something.
    Danger,
    /// For your information.
    Info,
    /// For members.
    Member,
}

impl Tone {
    /// The class that sets `--tone`.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Tone::Plain => "tone-plain",
            Tone::Success => "tone-success",
            Tone::Warning => "tone-warning",
            Tone::Danger => "tone-danger",
            Tone::Info => "tone-info",
            Tone::Member => "tone-member",
        }
    }

    fn icon(self) -> Icon {
        match self {
            Tone::Plain | Tone::Info => Icon::Info,
            Tone::Success => Icon::CircleCheck,
            Tone::Warning => Icon::TriangleAlert,
            Tone::Danger => Icon::CircleAlert,
            Tone::Member => Icon::Star,
        }
    }
}

/// A state as a small word, such as "Paid" or "Payment failed".
#[must_use]
pub fn chip(tone: Tone, words: &str) -> Markup {
    html! { span class={ "chip " (tone.class()) } { (words) } }
}

/// A box that tells something; dangers are announced at once.
#[must_use]
pub fn notice(tone: Tone, body: &Markup) -> Markup {
    let role = if tone == Tone::Danger { "alert" } else { "status" };
    html! { div class={ "notice " (tone.class()) } role=(role) { (icon(tone.icon())) div { (body) } } }
}

/// A notice of one sentence.
#[must_use]
pub fn notice_text(tone: Tone, sentence: &str) -> Markup {
    notice(tone, &html! { p { (sentence) } })
}

/// A place where something will be: what goes here, and one act.
#[must_use]
pub fn empty(which: Icon, heading: &str, sentence: &str, act: Option<&Place>) -> Markup {
    html! {
        div.empty {
            (icon(which))
            h2 { (heading) }
            p { (sentence) }
            @if let Some(act) = act { (link(&act.label, &act.href, Weight::Plain)) }
        }
    }
}

/// What stands instead of a work that the viewer may not watch: the reason and the ways to it.
#[must_use]
pub fn locked(heading: &str, reason: &str, acts: &[Place]) -> Markup {
    html! {
        section.locked aria-labelledby="locked-title" {
            (icon(Icon::Lock))
            h2 #locked-title { (heading) }
            p { (reason) }
            div.row { @for (i, act) in acts.iter().enumerate() {
                (link(&act.label, &act.href, if i == 0 { Weight::Main } else { Weight::Plain }))
            } }
        }
    }
}

/// A filter as a chip: when set it shows its value and leads to the page without it.
#[must_use]
pub fn filter(label: &str, value: Option<&str>, href: &str) -> Markup {
    html! {
        @match value {
            Some(value) => a.filter.on href=(href) { (label) ": " (value) (icon(Icon::X)) span.hush { " (remove this filter)" } },
            None => a.filter href=(href) { "+ " (label) },
        }
    }
}

/// Filters in a row, and the way back to none.
#[must_use]
pub fn filters(chips: &[Markup], clear: Option<&str>) -> Markup {
    html! { div.filters role="group" aria-label="Filters" {
        @for chip in chips { (chip) }
        @if let Some(href) = clear { a.small href=(href) { "Clear" } }
    } }
}

/// Steps of a process such as joining; `here` counts from 1.
#[must_use]
pub fn steps(names: &[&str], here: usize) -> Markup {
    html! { ol.steps aria-label="Steps" {
        @for (i, name) in names.iter().enumerate() { li aria-current=[(i + 1 == here).then_some("step")] { (name) } }
    } }
}
