//! Chapters that a file names itself (MP4, Matroska, Ogg): what is kept of them as a proposal.

use crate::domain::media::{Chapter, MOST_CHAPTERS};
use serde::Deserialize;

/// Longest name of a chapter, in characters.
const LONGEST: usize = 200;

/// A chapter as ffprobe tells it.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Told {
    #[serde(default)]
    start_time: String,
    #[serde(default)]
    tags: Tags,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Tags {
    #[serde(default)]
    title: String,
}

/// Those that have a place in a work of this length: in order, each later than the one before, with a name. One
/// chapter alone divides nothing and is left out.
#[must_use]
pub fn read(told: &[Told], duration_ms: u64) -> Vec<Chapter> {
    let mut found: Vec<Chapter> = told
        .iter()
        .enumerate()
        .filter_map(|(n, chapter)| {
            let seconds: f64 = chapter.start_time.parse().ok()?;
            if !seconds.is_finite() || seconds < 0.0 {
                return None;
            }
            let blank = |c: char| if c.is_control() { ' ' } else { c };
            let title: String = chapter.tags.title.chars().map(blank).collect();
            let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
            let title = if title.is_empty() { format!("Chapter {}", n + 1) } else { title };
            let title = title.chars().take(LONGEST).collect::<String>().trim_end().to_owned();
            Some(Chapter { at_ms: (seconds * 1000.0).round() as u64, title })
        })
        .filter(|chapter| chapter.at_ms < duration_ms)
        .collect();
    found.sort_by_key(|chapter| chapter.at_ms);
    found.dedup_by_key(|chapter| chapter.at_ms);
    found.truncate(MOST_CHAPTERS);
    if found.len() < 2 { vec![] } else { found }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(start: &str, title: &str) -> Told {
        Told { start_time: start.into(), tags: Tags { title: title.into() } }
    }

    #[test]
    fn chapters_of_a_file_come_in_order_with_names_and_within_the_film() {
        let all = [
            told("10.5", " The\tforest\u{7} "),
            told("0.000000", "Opening"),
            told("10.500", "twice"),
            told("20", ""),
            told("90", "after the end"),
            told("-1", "before"),
            told("nan", "nowhere"),
        ];
        let found: Vec<(u64, String)> = read(&all, 60_000).into_iter().map(|c| (c.at_ms, c.title)).collect();
        let expected = [(0, "Opening"), (10_500, "The forest"), (20_000, "Chapter 4")];
        assert_eq!(found, expected.map(|(at, title)| (at, title.to_owned())));
        assert_eq!(read(&[told("0", "All of it")], 60_000), vec![], "one chapter divides nothing");
        let many: Vec<Told> = (0..300).map(|n| told(&n.to_string(), &"x".repeat(300))).collect();
        let kept = read(&many, 600_000);
        assert_eq!((kept.len(), kept[0].title.chars().count()), (MOST_CHAPTERS, LONGEST));
    }
}
