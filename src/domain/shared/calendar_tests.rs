use super::*;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn days_that_are_typed_lie_in_a_persons_reach() {
    for day in ["1900-01-01", "2026-11-29", "2199-12-31", " 2026-11-29 "] {
        assert_eq!(day_of(day), Some(date(day.trim())));
    }
    for none in
        ["1899-12-31", "2200-01-01", "0001-01-01", "-0001-01-01", "+262142-12-31", "2026-02-30", "x", ""]
    {
        assert_eq!(day_of(none), None, "{none}");
    }
}

fn starts(anchor: &str, unit: IntervalUnit, length: u16, count: u32) -> Vec<String> {
    let interval = Interval::new(unit, length).unwrap();
    (0..count).map(|n| interval.start_of(date(anchor), n).unwrap().to_string()).collect()
}

#[test]
fn months_are_clamped_from_the_anchor_and_never_chained() {
    assert_eq!(
        starts("2026-01-31", IntervalUnit::Month, 1, 4),
        ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]
    );
    assert_eq!(starts("2028-01-31", IntervalUnit::Month, 1, 3), ["2028-01-31", "2028-02-29", "2028-03-31"]);
    assert_eq!(starts("2026-01-30", IntervalUnit::Month, 1, 3), ["2026-01-30", "2026-02-28", "2026-03-30"]);
    assert_eq!(
        starts("2026-08-31", IntervalUnit::Month, 3, 4),
        ["2026-08-31", "2026-11-30", "2027-02-28", "2027-05-31"]
    );
}

#[test]
fn leap_days_come_back() {
    assert_eq!(
        starts("2024-02-29", IntervalUnit::Year, 1, 5),
        ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]
    );
    assert_eq!(starts("2096-02-29", IntervalUnit::Year, 4, 2), ["2096-02-29", "2100-02-28"]);
}

#[test]
fn days_and_weeks_are_plain() {
    assert_eq!(starts("2026-12-30", IntervalUnit::Day, 2, 3), ["2026-12-30", "2027-01-01", "2027-01-03"]);
    assert_eq!(starts("2026-12-28", IntervalUnit::Week, 1, 2), ["2026-12-28", "2027-01-04"]);
}

#[test]
fn a_date_is_due_at_its_first_instant_in_the_sellers_zone() {
    let due = |zone: &str, day: &str| Zone::parse(zone).unwrap().start_of_day(date(day)).to_rfc3339();
    assert_eq!(due("Europe/Amsterdam", "2026-03-30"), "2026-03-29T22:00:00+00:00");
    assert_eq!(due("Asia/Kolkata", "2026-03-01"), "2026-02-28T18:30:00+00:00");
    assert_eq!(due("Europe/Amsterdam", "2026-11-21"), "2026-11-20T23:00:00+00:00");
    // Clocks in São Paulo jumped from 00:00 to 01:00 on 4 November 2018: that date began at 01:00.
    assert_eq!(due("America/Sao_Paulo", "2018-11-04"), "2018-11-04T03:00:00+00:00");
    // Santiago 2019-09-08 began at 01:00, Havana 2026-03-08 too.
    assert_eq!(due("America/Santiago", "2019-09-08"), "2019-09-08T04:00:00+00:00");
    assert_eq!(due("America/Havana", "2026-03-08"), "2026-03-08T05:00:00+00:00");
    // Midnight comes twice in Havana on 1 November 2026: the first one counts.
    assert_eq!(due("America/Havana", "2026-11-01"), "2026-11-01T04:00:00+00:00");
    // Samoa had no 30 December 2011 at all: what would be due then is due as the 31st begins.
    assert_eq!(due("Pacific/Apia", "2011-12-30"), due("Pacific/Apia", "2011-12-31"));
}

#[test]
fn unknown_zones_and_impossible_intervals_are_refused() {
    assert!(Zone::parse("Europe/Atlantis").is_err());
    assert!(Interval::new(IntervalUnit::Month, 0).is_err());
    assert!(Interval::new(IntervalUnit::Year, 11).is_err());
    assert!(serde_json::from_str::<Interval>(r#"{"unit":"day","length":0}"#).is_err());
    assert!(Interval::yearly().start_of(date("2026-01-01"), 9000).is_err());
}

#[test]
fn intervals_have_names() {
    assert_eq!(Interval::monthly().adjective(), "monthly");
    assert_eq!(Interval::new(IntervalUnit::Month, 3).unwrap().adjective(), "every 3 months");
    assert_eq!(Interval::yearly().words(), "year");
    assert!(Interval::new(IntervalUnit::Month, 12).unwrap().is_yearly());
    assert_eq!(day_words(date("2026-11-21")), "21 Nov 2026");
}

fn any_interval() -> impl proptest::strategy::Strategy<Value = Interval> {
    use proptest::prelude::*;
    prop_oneof![
        (1_u16..60).prop_map(|n| Interval::new(IntervalUnit::Day, n).unwrap()),
        (1_u16..9).prop_map(|n| Interval::new(IntervalUnit::Week, n).unwrap()),
        (1_u16..25).prop_map(|n| Interval::new(IntervalUnit::Month, n).unwrap()),
        (1_u16..4).prop_map(|n| Interval::new(IntervalUnit::Year, n).unwrap()),
    ]
}

proptest::proptest! {
    #[test]
    fn periods_touch_and_never_overlap(day in 0_i64..40_000, interval in any_interval(), n in 0_u32..60) {
        let anchor = date("1990-01-01") + chrono::Days::new(day.unsigned_abs());
        let a = Period::nth(anchor, interval, n).unwrap();
        let b = Period::nth(anchor, interval, n + 1).unwrap();
        proptest::prop_assert_eq!(a.end, b.start);
        proptest::prop_assert!(a.start < a.end);
    }

    #[test]
    fn months_keep_the_anchors_day_or_the_last_of_the_month(day in 0_i64..40_000, months in 1_u16..13, n in 0_u32..60) {
        let anchor = date("1990-01-01") + chrono::Days::new(day.unsigned_abs());
        let start = Interval::new(IntervalUnit::Month, months).unwrap().start_of(anchor, n).unwrap();
        let last = start.num_days_in_month();
        proptest::prop_assert_eq!(start.day(), anchor.day().min(u32::from(last)));
    }

    #[test]
    fn the_first_instant_of_a_date_is_the_first(day in 0_i64..30_000, which in 0..chrono_tz::TZ_VARIANTS.len()) {
        let zone = Zone(chrono_tz::TZ_VARIANTS[which]);
        let date = date("1970-01-01") + chrono::Days::new(day.unsigned_abs());
        let start = zone.start_of_day(date);
        // Two islands dropped a whole date when they changed sides of the date line.
        let reached = zone.date_of(start);
        proptest::prop_assert!(reached == date || reached == date.succ_opt().unwrap());
        proptest::prop_assert!(zone.date_of(start - TimeDelta::seconds(1)) < date);
    }
}
