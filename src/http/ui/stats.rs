//! A figure with its course: drawn as SVG, the same numbers as words.

use super::panel::Tone;
use maud::{Markup, html};
use std::fmt::Write as _;

/// A figure on a card.
#[derive(Clone, Debug, Default)]
pub struct Stat<'a> {
    /// What is counted.
    pub label: &'a str,
    /// The number, already written with its unit or currency.
    pub value: String,
    /// A line below, such as "38 started, 21 ended this week".
    pub note: Option<String>,
    /// How the note is to be taken.
    pub tone: Tone,
    /// Its course, oldest first; drawn if there are two or more.
    pub course: Vec<f64>,
}

/// The card.
#[must_use]
pub fn stat(stat: &Stat<'_>) -> Markup {
    html! {
        div.panel.stat {
            p.label { (stat.label) }
            p.value { (stat.value) }
            @if let Some(note) = &stat.note { p class={ "note " (stat.tone.class()) } { (note) } }
            @if stat.course.len() > 1 { (sparkline(&stat.course, stat.label)) }
        }
    }
}

/// A line over `values`, with lowest, highest and last value as its text.
#[must_use]
pub fn sparkline(values: &[f64], label: &str) -> Markup {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let span = if high > low { high - low } else { 1.0 };
    let steps = values.len().saturating_sub(1).max(1);
    let mut points = String::new();
    for (i, value) in values.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a handful of points on 240 pixels")]
        let x = 240.0 * i as f64 / steps as f64;
        let y = 46.0 - 40.0 * (value - low) / span;
        let _ = write!(points, "{x:.1},{y:.1} ");
    }
    let last = values.last().copied().unwrap_or_default();
    html! {
        svg.spark viewBox="0 0 240 50" preserveAspectRatio="none" role="img"
            aria-label={ (label) ": lowest " (low) ", highest " (high) ", last " (last) } {
            polyline points=(points.trim_end()) {}
        }
    }
}

/// Several figures beside each other.
#[must_use]
pub fn stats(all: &[Stat<'_>]) -> Markup {
    html! { div.stats { @for one in all { (stat(one)) } } }
}
