//! Bars, drawn as SVG; the same numbers stand in a table beside them.

use maud::{Markup, html};

/// Bars of `values`, each with what it stands for; those below zero hang down.
#[must_use]
pub fn bars(label: &str, values: &[(String, f64)]) -> Markup {
    const HEIGHT: f64 = 120.0;
    let high = values.iter().map(|(_, v)| *v).fold(0.0, f64::max);
    let low = values.iter().map(|(_, v)| *v).fold(0.0, f64::min);
    let scale = HEIGHT / if high > low { high - low } else { 1.0 };
    let zero = high * scale;
    #[expect(clippy::cast_precision_loss, reason = "a handful of bars")]
    // A year or two have the same width of bars, so that few do not become blocks.
    let (wide, step) = (values.len().max(24) as f64 * 24.0, 24.0);
    html! {
        @if values.len() > 1 {
            svg.bars viewBox={ "0 0 " (wide) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label={ (label) ": see the table" } {
                @for (i, (words, value)) in values.iter().enumerate() {
                    @let top = if *value > 0.0 { zero - value * scale } else { zero };
                    rect x=(place(i, step)) y=(round(top)) width="18" height=(round((value * scale).abs().max(1.0))) { title { (words) } }
                }
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a handful of bars")]
fn place(i: usize, step: f64) -> String {
    round(i as f64 * step + 3.0)
}

fn round(value: f64) -> String {
    format!("{value:.1}")
}
