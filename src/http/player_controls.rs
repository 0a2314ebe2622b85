//! The controls of film and sound. Hidden until the script takes them over from the browser's own, which
//! stay where there are no scripts.

use super::ui::format;
use super::ui::icon::{Icon, named};
use crate::domain::media::Kind;
use crate::projections::media::Work;
use maud::{Markup, html};
use serde_json::json;

/// Speeds that can be chosen, in percent.
const SPEEDS: [u32; 7] = [50, 75, 100, 125, 150, 175, 200];

/// The controls of a work whose files lie under `base`.
pub(super) fn controls(work: &Work, base: &str) -> Markup {
    let film = work.kind == Some(Kind::Video);
    let length = work.duration_ms / 1000;
    let sheets = work.overview.storyboard.map(|s| {
        json!({
            "base": format!("{base}/storyboard-"), "every": f64::from(s.interval_ms) / 1000.0, "count": s.count,
            "columns": s.columns, "rows": s.rows, "width": s.width, "height": s.height,
        })
        .to_string()
    });
    let chapters: Vec<_> = work.chapters.iter().map(|c| json!([c.at_ms / 1000, c.title])).collect();
    let chapters = (!chapters.is_empty()).then(|| json!(chapters).to_string());
    html! {
        @if film { button.play-big type="button" data-act="play" hidden { (named(Icon::Play, "Play the film")) } }
        div.controls role="group" aria-label=(if film { "Controls of the film" } else { "Controls of the sound" })
            data-storyboard=[sheets] data-chapters=[chapters] hidden
        {
            div.seek {
                div.glance hidden aria-hidden="true" { span.glance-picture {} span.glance-words {} }
                (waveform(&work.overview.waveform))
                span.loaded aria-hidden="true" {}
                input type="range" data-seek-bar min="0" max=(length.max(1)) step="any" value="0" aria-label="Place" aria-valuetext="0:00";
            }
            div.tools {
                button type="button" data-act="play" {
                    span.when-paused { (named(Icon::Play, "Play")) }
                    span.when-playing { (named(Icon::Pause, "Pause")) }
                }
                button type="button" data-act="mute" {
                    span.when-loud { (named(Icon::Volume2, "Mute")) }
                    span.when-mute { (named(Icon::VolumeX, "Sound on")) }
                }
                input.loudness type="range" data-loudness min="0" max="1" step="0.05" value="1" aria-label="Loudness";
                span.clock.num { span data-at { "0:00" } " / " span data-length { (format::clock(length)) } }
                span.grow {}
                @if !work.captions.is_empty() {
                    button type="button" data-act="captions" aria-pressed="false" { (named(Icon::Captions, "Captions")) }
                }
                details.menu.up {
                    summary { (named(Icon::Settings, "Settings")) }
                    div { (settings(work, film)) }
                }
                @if film {
                    button type="button" data-act="picture" hidden { (named(Icon::PictureInPicture2, "Picture in picture")) }
                    button type="button" data-act="full" { (named(Icon::Maximize, "Full screen")) }
                }
            }
        }
    }
}

fn settings(work: &Work, film: bool) -> Markup {
    let option = |name: &str, value: &str, words: &str, chosen: bool| {
        html! {
            label { input type="radio" name=(name) value=(value) checked[chosen]; span { (words) } }
        }
    };
    html! {
        @if film {
            fieldset data-qualities hidden {
                legend { "Quality" }
                (option("player-quality", "-1", "Automatic", true))
            }
        }
        fieldset data-speeds {
            legend { "Speed" }
            div.options {
                @for speed in SPEEDS {
                    (option("player-speed", &format!("{}", f64::from(speed) / 100.0), &format!("{}×", f64::from(speed) / 100.0), speed == 100))
                }
            }
        }
        @if work.captions.len() > 1 {
            fieldset data-languages {
                legend { "Captions" }
                (option("player-captions", "", "Off", true))
                @for captions in &work.captions { (option("player-captions", &captions.language.to_string(), &captions.label(), false)) }
            }
        }
    }
}

/// How loud the sound is over its length, as a drawing behind the bar.
fn waveform(levels: &str) -> Markup {
    let levels = hex::decode(levels).unwrap_or_default();
    if levels.is_empty() {
        return html! {};
    }
    let path: String = levels
        .iter()
        .enumerate()
        .map(|(x, level)| {
            let half = (u32::from(*level) * 30 / 255).max(1);
            format!("M{} {}v{}", x * 4 + 2, 32 - half, half * 2)
        })
        .collect();
    html! {
        svg.waveform viewBox={ "0 0 " (levels.len() * 4) " 64" } preserveAspectRatio="none" aria-hidden="true" focusable="false" { path d=(path) {} }
    }
}
