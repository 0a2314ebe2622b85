//! How times, lengths and counts are written, once for the whole house.

use crate::domain::shared::calendar::Zone;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use maud::{Markup, html};

/// `21 Nov 2026`, the one date format of all pages.
#[must_use]
pub fn day(at: NaiveDate) -> String {
    at.format("%-d %b %Y").to_string()
}

tokio::task_local! {
    /// The zone of the studio, while one of its pages is made.
    static ZONE: Option<Zone>;
}

/// Makes a page whose days are those of `zone`, as in mails and on invoices.
pub async fn in_zone<F: Future>(zone: Option<Zone>, page: F) -> F::Output {
    ZONE.scope(zone, page).await
}

/// Where the studio is.
#[must_use]
pub fn zone() -> Zone {
    ZONE.try_with(|zone| *zone).ok().flatten().unwrap_or(Zone::utc())
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

/// A `<time>` that shows day and minute, in UTC.
#[must_use]
pub fn moment(at: DateTime<Utc>) -> Markup {
    html! { time datetime=(rfc(at)) { (moment_text(at)) } }
}

/// `21 Nov 2026, 18:38 UTC`
#[must_use]
pub fn moment_text(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y, %H:%M UTC").to_string()
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
