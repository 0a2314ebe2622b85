//! Bars, drawn as SVG; the same numbers stand in a table beside them.

use maud::{Markup, html};

/// How high a drawing is, in its own units.
const HEIGHT: f64 = 120.0;
/// From one bar to the next.
const STEP: f64 = 24.0;
/// How strong the parts of one bar are, the first one most.
const SHADES: [&str; 5] = ["1", ".72", ".5", ".34", ".22"];

/// Bars of `values`, each with what it stands for ("March 2026: €12.00"); those below zero hang down.
#[must_use]
pub fn bars(label: &str, values: &[(String, f64)]) -> Markup {
    let high = values.iter().map(|(_, v)| *v).fold(0.0, f64::max);
    let low = values.iter().map(|(_, v)| *v).fold(0.0, f64::min);
    let scale = HEIGHT / if high > low { high - low } else { 1.0 };
    // Of nothing but zeros the line is the base, not the top.
    let flat = high <= 0.0 && low >= 0.0;
    let zero = if flat { HEIGHT } else { high * scale };
    let said = |wanted: f64| values.iter().find(|(_, v)| *v == wanted).map(|(words, _)| parts(words).1);
    let top = if flat { "" } else { said(high).unwrap_or("0") };
    let axis = (top, said(low).filter(|_| low < 0.0).unwrap_or("0"));
    let names: Vec<&str> = values.iter().map(|(words, _)| parts(words).0).collect();
    figure(
        label,
        axis,
        &names,
        &html! {
            @for (i, (words, value)) in values.iter().enumerate() {
                @let high = (value * scale).abs().max(1.0);
                @let top = if *value > 0.0 { zero - value * scale } else { zero.min(HEIGHT - high) };
                rect x=(place(i, STEP)) y=(round(top)) width="18" height=(round(high)) { title { (words) } }
            }
        },
    )
}

/// Bars of several parts, one upon the other from below, each lighter than the one before; none is below zero.
#[must_use]
pub fn stacked(label: &str, values: &[(String, Vec<f64>)]) -> Markup {
    let high = values.iter().map(|(_, parts)| parts.iter().sum()).fold(0.0, f64::max);
    let scale = if high > 0.0 { HEIGHT / high } else { 0.0 };
    let top = if high > 0.0 { format!("{high:.0}") } else { String::new() };
    let names: Vec<&str> = values.iter().map(|(words, _)| parts(words).0).collect();
    figure(
        label,
        (&top, "0"),
        &names,
        &html! {
            @for (i, (words, parts)) in values.iter().enumerate() {
                g {
                    title { (words) }
                    @for (n, value) in parts.iter().enumerate().filter(|(_, value)| **value > 0.0) {
                        @let top = HEIGHT - parts.iter().take(n + 1).sum::<f64>() * scale;
                        rect x=(place(i, STEP)) y=(round(top)) width="18" height=(round(value * scale)) fill-opacity=(SHADES[n % SHADES.len()]) {}
                    }
                }
            }
        },
    )
}

/// A bar of parts that stand on a line, and of parts that hang below it.
pub struct Signed {
    /// What it stands for: "March 2026: new €12.00; left €3.00".
    pub words: String,
    /// What stands on the line, from it upwards.
    pub above: Vec<f64>,
    /// What hangs below the line, from it downwards, as numbers above zero.
    pub below: Vec<f64>,
}

/// Bars of parts above and below a line, each lighter than the one nearer to it; `axis` says how much the highest and
/// the lowest come to.
#[must_use]
pub fn signed(label: &str, axis: (&str, &str), values: &[Signed]) -> Markup {
    let high = values.iter().map(|v| v.above.iter().sum::<f64>()).fold(0.0, f64::max);
    let low = values.iter().map(|v| v.below.iter().sum::<f64>()).fold(0.0, f64::max);
    let scale = HEIGHT / if high + low > 0.0 { high + low } else { 1.0 };
    let zero = high * scale;
    let names: Vec<&str> = values.iter().map(|v| parts(&v.words).0).collect();
    let part = |i: usize, n: usize, top: f64, value: f64, class: Option<&str>| {
        html! { rect class=[class] x=(place(i, STEP)) y=(round(top)) width="18" height=(round(value * scale)) fill-opacity=(SHADES[n % SHADES.len()]) {} }
    };
    figure(
        label,
        axis,
        &names,
        &html! {
            @for (i, bar) in values.iter().enumerate() {
                g {
                    title { (bar.words) }
                    @for (n, value) in bar.above.iter().enumerate().filter(|(_, value)| **value > 0.0) {
                        (part(i, n, zero - bar.above.iter().take(n + 1).sum::<f64>() * scale, *value, None))
                    }
                    @for (n, value) in bar.below.iter().enumerate().filter(|(_, value)| **value > 0.0) {
                        (part(i, n, zero + bar.below.iter().take(n).sum::<f64>() * scale, *value, Some("below")))
                    }
                }
            }
        },
    )
}

/// "March 2026: €12.00" is what a bar stands for, and how much that is.
fn parts(words: &str) -> (&str, &str) {
    words.split_once(": ").unwrap_or((words, ""))
}

/// A drawing with its name above it, the highest and the lowest value beside it, and the first and the last name below.
/// One bar alone says nothing that the table does not.
fn figure(label: &str, (high, low): (&str, &str), names: &[&str], drawing: &Markup) -> Markup {
    #[expect(clippy::cast_precision_loss, reason = "a handful of bars")]
    let wide = names.len() as f64 * STEP;
    // So that few do not become blocks.
    let width = match names.len() {
        0..=6 => "chart few",
        7..=12 => "chart some",
        _ => "chart",
    };
    let (Some(first), Some(last)) = (names.first(), names.last().filter(|_| names.len() > 1)) else {
        return html! {};
    };
    html! {
        figure class=(width) {
            figcaption { (label) }
            div.axis aria-hidden="true" { span { (high) } span { (low) } }
            svg.bars viewBox={ "0 0 " (wide) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label={ (label) ": see the table" } { (drawing) }
            div.names aria-hidden="true" { span { (first) } span { (last) } }
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
        assert!(svg.contains("<span>4</span><span>0</span>"), "{svg}");
        assert_eq!(stacked("Plans", &[]).into_string(), "");
    }

    #[test]
    fn nothing_but_zeros_lies_on_the_base_line() {
        let values = [("March 2026: €0.00".to_owned(), 0.0), ("April 2026: €0.00".to_owned(), 0.0)];
        let drawn = bars("Revenue", &values).into_string();
        assert_eq!(drawn.matches(r#"y="119.0" width="18" height="1.0""#).count(), 2, "{drawn}");
        assert!(drawn.contains("<span></span><span>0</span>"), "{drawn}");
        let below = bars("Revenue", &[("a: 0".to_owned(), 0.0), ("b: -3".to_owned(), -3.0)]).into_string();
        assert!(below.contains(r#"y="0.0" width="18" height="120.0""#), "{below}");
    }

    #[test]
    fn what_came_stands_on_the_line_and_what_went_hangs_below_it() {
        let bar = |words: &str, above: &[f64], below: &[f64]| Signed {
            words: words.into(),
            above: above.to_vec(),
            below: below.to_vec(),
        };
        let all = [bar("a: new 6", &[6.0, 0.0, 2.0], &[]), bar("b: left 3, less 1", &[], &[3.0, 1.0])];
        let svg = signed("Moves", ("8", "-4"), &all).into_string();
        for part in [
            r#"<rect x="3.0" y="20.0" width="18" height="60.0" fill-opacity="1">"#,
            r#"<rect x="3.0" y="0.0" width="18" height="20.0" fill-opacity=".5">"#,
            r#"<rect class="below" x="27.0" y="80.0" width="18" height="30.0" fill-opacity="1">"#,
            r#"<rect class="below" x="27.0" y="110.0" width="18" height="10.0" fill-opacity=".72">"#,
            "<span>8</span><span>-4</span>",
            "<title>b: left 3, less 1</title>",
        ] {
            assert!(svg.contains(part), "{part} in {svg}");
        }
        assert_eq!(svg.matches("<rect").count(), 4, "nothing for what is nought");
        assert_eq!(signed("Moves", ("0", "0"), &[]).into_string(), "");
    }

    #[test]
    fn a_drawing_says_what_it_shows_how_much_that_is_and_from_when_to_when() {
        let values = [("March 2026: €12.00".to_owned(), 12.0), ("April 2026: -€3.00".to_owned(), -3.0)];
        let drawn = bars("Revenue", &values).into_string();
        for part in [
            "<figcaption>Revenue</figcaption>",
            "<span>€12.00</span><span>-€3.00</span>",
            "<span>March 2026</span><span>April 2026</span>",
            "<title>April 2026: -€3.00</title>",
        ] {
            assert!(drawn.contains(part), "{part} in {drawn}");
        }
        assert_eq!(bars("Revenue", &values[..1]).into_string(), "", "one bar alone says nothing");
    }
}
