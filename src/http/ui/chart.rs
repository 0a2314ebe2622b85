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

/// Bars of several parts, one upon the other from below, each lighter than the one before; none is below zero.
#[must_use]
pub fn stacked(label: &str, values: &[(String, Vec<f64>)]) -> Markup {
    const HEIGHT: f64 = 120.0;
    const SHADES: [&str; 5] = ["1", ".72", ".5", ".34", ".22"];
    let high = values.iter().map(|(_, parts)| parts.iter().sum()).fold(0.0, f64::max);
    let scale = if high > 0.0 { HEIGHT / high } else { 0.0 };
    #[expect(clippy::cast_precision_loss, reason = "a handful of bars")]
    let (wide, step) = (values.len().max(24) as f64 * 24.0, 24.0);
    html! {
        @if values.len() > 1 {
            svg.bars viewBox={ "0 0 " (wide) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label={ (label) ": see the table" } {
                @for (i, (words, parts)) in values.iter().enumerate() {
                    g {
                        title { (words) }
                        @for (n, value) in parts.iter().enumerate().filter(|(_, value)| **value > 0.0) {
                            @let top = HEIGHT - parts.iter().take(n + 1).sum::<f64>() * scale;
                            rect x=(place(i, step)) y=(round(top)) width="18" height=(round(value * scale)) fill-opacity=(SHADES[n % SHADES.len()]) {}
                        }
                    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stand_upon_one_another() {
        let svg =
            stacked("Plans", &[("a".into(), vec![3.0, 1.0]), ("b".into(), vec![0.0, 2.0])]).into_string();
        for part in [
            r#"y="30.0" width="18" height="90.0""#,
            r#"y="0.0" width="18" height="30.0""#,
            r#"y="60.0" width="18" height="60.0""#,
        ] {
            assert!(svg.contains(part), "{part} in {svg}");
        }
        assert_eq!(svg.matches("<rect").count(), 3, "nothing for what is nought");
        assert_eq!(stacked("Plans", &[]).into_string(), "");
    }
}
