//! How times, lengths and counts are written, once for the whole house.

pub use crate::projections::studio_zone::{in_zone, zone};
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use maud::{Markup, html};

/// `21 Nov 2026`, the one date format of all pages.
#[must_use]
pub fn day(at: NaiveDate) -> String {
    at.format("%-d %b %Y").to_string()
}

/// The day of a moment, where the studio is.
#[must_use]
pub fn local_day(at: DateTime<Utc>) -> NaiveDate {
    zone().date_of(at)
}

/// The first instant of a day, where the studio is.
#[must_use]
pub fn day_starts(day: NaiveDate) -> DateTime<Utc> {
    zone().start_of_day(day)
}

/// The last instant of a day, where the studio is: what takes effect at midnight belongs to the next one.
#[must_use]
pub fn day_ends(day: NaiveDate) -> DateTime<Utc> {
    day_starts(day.succ_opt().unwrap_or(day)) - TimeDelta::microseconds(1)
}

/// A `<time>` that shows the day, where the studio is; the exact moment stands in `datetime` and in the tooltip.
#[must_use]
pub fn date(at: DateTime<Utc>) -> Markup {
    html! { time datetime=(rfc(at)) title=(moment_text(at)) { (day(local_day(at))) } }
}

/// A `<time>` that shows day and minute, where the studio is.
#[must_use]
pub fn moment(at: DateTime<Utc>) -> Markup {
    html! { time datetime=(rfc(at)) { (moment_text(at)) } }
}

/// `21 Nov 2026, 19:38 CET`, where the studio is.
#[must_use]
pub fn moment_text(at: DateTime<Utc>) -> String {
    zone().moment_words(at)
}

/// A moment as `datetime-local` fields hold it: day and minute, where the studio is.
#[must_use]
pub fn moment_value(at: DateTime<Utc>) -> String {
    zone().local_of(at).format("%Y-%m-%dT%H:%M").to_string()
}

/// Day and time as such fields send them, or with a blank between, where the studio is; none if it is no time.
#[must_use]
pub fn moment_of(text: &str) -> Option<DateTime<Utc>> {
    ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .map(|local| zone().instant_of(local))
}

/// The same where the field showed `known`: left as it was, it is that moment, which an hour that the clock has twice,
/// or seconds, would else move.
#[must_use]
pub fn moment_again(text: &str, known: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    known.filter(|at| moment_value(*at) == text).or_else(|| moment_of(text))
}

/// What such a field says of whose clock counts.
#[must_use]
pub fn clock_hint() -> String {
    format!("By the studio's clock ({}).", zone().name())
}

/// RFC 3339 with seconds, for attributes and machines.
#[must_use]
pub fn rfc(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// The length of a film as a clock shows it: `0:55`, `18:42`, `1:02:03`.
#[must_use]
pub fn clock(seconds: u64) -> String {
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if h > 0 { format!("{h}:{m:02}:{s:02}") } else { format!("{m}:{s:02}") }
}

/// The length in words: `55 sec`, `9 min`, `1 h 2 min`.
#[must_use]
pub fn length(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} sec"),
        60..3600 => format!("{} min", (seconds + 30) / 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// `12.4 MB`, in decimal units as disks are sold.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "one digit is shown")]
pub fn bytes(count: u64) -> String {
    let size = count as f64;
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.0} kB", size / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", size / 1e6),
        _ => format!("{:.1} GB", size / 1e9),
    }
}

/// `4,187`
#[must_use]
pub fn count(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    if number < 0 { format!("−{out}") } else { out }
}

/// `1 lesson`, `3 lessons`
#[must_use]
pub fn counted(number: i64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::shared::calendar::Zone;

    #[tokio::test]
    async fn what_is_typed_is_by_the_clock_of_the_studio() {
        let of = |text: &'static str| {
            in_zone(Zone::parse("Europe/Amsterdam").ok(), async move { moment_of(text) })
        };
        for (typed, meant) in [
            ("2026-12-24T18:00", Some("2026-12-24T17:00:00Z")),
            ("2026-07-24 18:00", Some("2026-07-24T16:00:00Z")),
            // Twice there, once not at all: the earlier, and the first that is.
            ("2026-10-25T02:30:00", Some("2026-10-25T00:30:00Z")),
            ("2026-03-29T02:30", Some("2026-03-29T01:00:00Z")),
            ("tomorrow", None),
            ("2026-12-24", None),
        ] {
            assert_eq!(of(typed).await, meant.map(|m| m.parse().unwrap()), "{typed}");
        }
        let late: DateTime<Utc> = "2026-12-24T23:30:00Z".parse().unwrap();
        let shown =
            in_zone(Zone::parse("Europe/Amsterdam").ok(), async { (moment_text(late), moment_value(late)) });
        assert_eq!(shown.await, ("25 Dec 2026, 00:30 CET".to_owned(), "2026-12-25T00:30".to_owned()));
        assert_eq!(moment_text(late), "24 Dec 2026, 23:30 UTC");
    }

    #[tokio::test]
    async fn a_day_is_that_of_the_studio() {
        let late: DateTime<Utc> = "2027-06-14T22:00:00Z".parse().unwrap();
        assert!(date(late).into_string().contains(">14 Jun 2027<"));
        let page = in_zone(Zone::parse("Europe/Amsterdam").ok(), async { date(late).into_string() }).await;
        assert!(page.contains(">15 Jun 2027<") && page.contains("2027-06-14T22:00:00Z"), "{page}");
    }

    #[tokio::test]
    async fn a_day_begins_and_ends_at_the_midnights_of_the_studio() {
        let day = NaiveDate::from_ymd_opt(2027, 1, 2).unwrap();
        assert_eq!(rfc(day_starts(day)), "2027-01-02T00:00:00Z");
        assert_eq!(rfc(day_ends(day)), "2027-01-02T23:59:59Z");
        let both = async { (rfc(day_starts(day)), rfc(day_ends(day))) };
        let (from, to) = in_zone(Zone::parse("Europe/Amsterdam").ok(), both).await;
        assert_eq!((from.as_str(), to.as_str()), ("2027-01-01T23:00:00Z", "2027-01-02T22:59:59Z"));
    }

    #[test]
    fn lengths_and_counts_read_well() {
        assert_eq!(clock(55), "0:55");
        assert_eq!(clock(3723), "1:02:03");
        assert_eq!(length(552), "9 min");
        assert_eq!(length(3723), "1 h 2 min");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(-1_000), "−1,000");
        assert_eq!(counted(1, "lesson", "lessons"), "1 lesson");
        assert_eq!(bytes(12_400_000), "12.4 MB");
    }
}
