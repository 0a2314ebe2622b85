//! What came out, in words.

use crate::bd_rate::{Point, bd_rate};
use crate::quality::Quality;
use crate::tools::median;

/// One way to encode, with all that was measured of it.
pub struct Contender {
    name: String,
    /// Frames a second in each round.
    speeds: Vec<f64>,
    /// Bytes and quality at each point.
    points: Vec<(u64, Quality)>,
}

impl Contender {
    /// Nothing measured yet.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), speeds: vec![], points: vec![] }
    }

    /// A round.
    pub fn took(&mut self, frames: u64, seconds: f64) {
        self.speeds.push(frames as f64 / seconds.max(1e-9));
    }

    /// A point.
    pub fn reached(&mut self, bytes: u64, quality: Quality) {
        self.points.push((bytes, quality));
    }

    /// It gives the same bytes as another.
    pub fn same_as(&mut self, other: &Self) {
        self.points.clone_from(&other.points);
    }

    /// How many times as fast it is as another: the median over the rounds.
    pub fn times(&self, other: &Self) -> f64 {
        median(&self.speeds.iter().zip(&other.speeds).map(|(a, b)| a / b).collect::<Vec<_>>())
    }

    /// By how many percent it takes longer than another.
    pub fn overhead(&self, bare: &Self) -> f64 {
        (1.0 / self.times(bare) - 1.0) * 100.0
    }

    /// By how many percent it needs more bits than another at equal quality, by each measure of quality.
    pub fn more_bits_than(&self, anchor: &Self) -> Vec<(&'static str, f64)> {
        ["SSIM", "VMAF"]
            .into_iter()
            .filter_map(|which| Some((which, bd_rate(&anchor.curve(which)?, &self.curve(which)?)?)))
            .collect()
    }

    fn curve(&self, which: &str) -> Option<Vec<Point>> {
        let quality = |q: &Quality| if which == "SSIM" { Some(q.ssim_db) } else { q.vmaf };
        self.points.iter().map(|(bytes, q)| Some((*bytes as f64, quality(q)?))).collect()
    }
}

/// The table of one clip and size; the first contender is ours, with which the others are compared.
pub fn contenders(all: &[Contender]) -> String {
    let Some(ours) = all.first() else { return String::new() };
    let mut text = String::from(
        "| | frames/s | × ours | bits against ours by SSIM | by VMAF | kB at each quality |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for one in all {
        let more = one.more_bits_than(ours);
        let percent = |which: &str| {
            let found = more.iter().find(|(w, _)| *w == which);
            found.map_or("–".to_owned(), |(_, p)| format!("{p:+.1} %"))
        };
        let sizes: Vec<String> =
            one.points.iter().map(|(bytes, _)| format!("{:.0}", *bytes as f64 / 1000.0)).collect();
        text.push_str(&format!(
            "| {} | {:.2} | {:.2} | {} | {} | {} |\n",
            one.name,
            median(&one.speeds),
            one.times(ours),
            percent("SSIM"),
            percent("VMAF"),
            sizes.join(", ")
        ));
    }
    text
}

/// Something that should hold.
pub struct Goal {
    what: String,
    found: f64,
    bound: f64,
    at_least: bool,
}

impl Goal {
    /// At least so much.
    pub fn least(what: String, found: f64, bound: f64) -> Self {
        Self { what, found, bound, at_least: true }
    }

    /// At most so much.
    pub fn most(what: String, found: f64, bound: f64) -> Self {
        Self { what, found, bound, at_least: false }
    }

    /// Whether it holds; what could not be measured does not.
    pub fn met(&self) -> bool {
        if self.at_least { self.found >= self.bound } else { self.found <= self.bound }
    }
}

/// All goals, with the word `met` or `MISSED`.
pub fn goals(all: &[Goal]) -> String {
    let mut text = String::from("| goal | found | wanted | |\n| --- | --- | --- | --- |\n");
    for goal in all {
        let sign = if goal.at_least { "≥" } else { "≤" };
        let word = if goal.met() { "met" } else { "MISSED" };
        text.push_str(&format!("| {} | {:.3} | {sign} {} | {word} |\n", goal.what, goal.found, goal.bound));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contender(name: &str, speeds: &[f64], factor: f64) -> Contender {
        let mut one = Contender::new(name);
        one.speeds = speeds.to_vec();
        for (n, db) in [18.0, 16.0, 14.0, 12.0].into_iter().enumerate() {
            let bytes = 100_000.0 * factor / 2_f64.powi(i32::try_from(n).unwrap());
            one.reached(bytes as u64, Quality { ssim_db: db, vmaf: None });
        }
        one
    }

    #[test]
    fn ratios_are_those_of_rounds_and_bits_those_at_equal_quality() {
        let ours = contender("ours", &[10.0, 20.0, 30.0], 1.0);
        let other = contender("other", &[5.0, 10.0, 30.0], 1.5);
        assert_eq!(ours.times(&other), 2.0);
        assert!((ours.overhead(&other) + 50.0).abs() < 1e-9);
        let found = other.more_bits_than(&ours);
        assert_eq!(found.len(), 1, "no VMAF without a program that measures it");
        assert!((found[0].1 - 50.0).abs() < 0.1, "{found:?}");
        let table = contenders(&[ours, other]);
        assert!(table.contains("| other | 10.00 | 0.50 | +50.0 % | – | 150, 75, 38, 19 |"), "{table}");
    }

    #[test]
    fn goals_say_whether_they_are_met() {
        let text = goals(&[
            Goal::least("fast".into(), 1.3, 1.3),
            Goal::most("small".into(), 1.01, 1.0),
            Goal::most("unknown".into(), f64::NAN, 1.0),
        ]);
        assert!(text.contains("| fast | 1.300 | ≥ 1.3 | met |"), "{text}");
        assert!(text.contains("| small | 1.010 | ≤ 1 | MISSED |"), "{text}");
        assert!(text.contains("| unknown | NaN | ≤ 1 | MISSED |"), "{text}");
    }
}
