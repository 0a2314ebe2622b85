use super::*;
use crate::domain::shared::{Currency, Money};
use chrono::{DateTime, NaiveDate, Utc};
use cqrs_es::test::TestFramework;

fn at() -> DateTime<Utc> {
    "2026-11-29T10:00:00Z".parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

fn quote(on: &str, code: &str, rate: &str) -> Quote {
    Quote { day: day(on), currency: currency(code), millionths: millionths(rate).unwrap() }
}

fn note(quotes: Vec<Quote>) -> ExchangeCommand {
    ExchangeCommand::Note { quotes, source: ExchangeSource::Staff, today: day("2026-11-29"), at: at() }
}

fn noted(quote: Quote, previous: Option<&str>) -> ExchangeEvent {
    let previous = previous.and_then(millionths);
    ExchangeEvent::ExchangeRateNoted { quote, previous, source: ExchangeSource::Staff, at: at() }
}

#[test]
fn rates_are_noted_once_and_another_one_says_what_was_before() {
    let (usd, better) = (quote("2026-09-30", "USD", "1.0856"), quote("2026-09-30", "USD", "1.0865"));
    let book = TestFramework::<ExchangeBook>::with;
    book(()).given_no_previous_events().when(note(vec![usd])).then_expect_events(vec![noted(usd, None)]);
    book(()).given(vec![noted(usd, None)]).when(note(vec![usd])).then_expect_events(vec![]);
    book(())
        .given(vec![noted(usd, None)])
        .when(note(vec![better]))
        .then_expect_events(vec![noted(better, Some("1.0856"))]);
}

#[test]
fn one_wrong_rate_refuses_all_of_them() {
    let good = quote("2026-09-30", "USD", "1.0856");
    let book = TestFramework::<ExchangeBook>::with;
    for (wrong, why) in [
        (Quote { currency: Currency::eur(), ..good }, ExchangeError::Euro),
        (Quote { millionths: 0, ..good }, ExchangeError::Rate),
        (Quote { millionths: -5, ..good }, ExchangeError::Rate),
        (Quote { day: day("2026-11-30"), ..good }, ExchangeError::Future),
    ] {
        book(()).given_no_previous_events().when(note(vec![good, wrong])).then_expect_error(why);
    }
    let today = Quote { day: day("2026-11-29"), ..good };
    book(()).given_no_previous_events().when(note(vec![today])).then_expect_events(vec![noted(today, None)]);
}

#[test]
fn the_rate_of_the_last_day_counts_else_that_of_the_next_day_that_has_one() {
    let mut table = ExchangeTable::default();
    for (on, rate) in [("2026-09-29", "1.01"), ("2026-10-02", "1.25"), ("2026-10-05", "1.5")] {
        table.set(quote(on, "USD", rate));
    }
    let found = |last: &str| table.rate(currency("USD"), day(last)).map(|q| q.day.to_string());
    assert_eq!(found("2026-09-29").as_deref(), Some("2026-09-29"));
    assert_eq!(found("2026-09-30").as_deref(), Some("2026-10-02"), "never one of before");
    assert_eq!(found("2026-09-28").as_deref(), Some("2026-09-29"));
    assert_eq!(found("2026-10-06"), None);
    assert_eq!((found("2026-09-21"), found("2026-09-22").is_some()), (None, true), "a week is the edge");
    assert_eq!(table.rate(currency("GBP"), day("2026-09-30")), None);
}

#[test]
fn amounts_are_converted_half_up_in_every_kind_of_currency_and_never_without_a_rate() {
    let mut table = ExchangeTable::default();
    table.set(quote("2026-09-30", "USD", "1.25"));
    table.set(quote("2026-09-30", "JPY", "160.5"));
    table.set(quote("2026-09-30", "KWD", "0.33"));
    let euro = |minor: i64, code: &str| {
        table.to_euro(Money::new(minor, currency(code)), day("2026-09-30")).map(|(money, _)| money.minor)
    };
    assert_eq!(euro(1250, "USD"), Some(1000));
    assert_eq!((euro(1, "USD"), euro(-1, "USD")), (Some(1), Some(-1)), "0.8 cent");
    assert_eq!((euro(1605, "JPY"), euro(0, "JPY")), (Some(1000), Some(0)));
    assert_eq!(euro(330, "KWD"), Some(100));
    assert_eq!(euro(999, "EUR"), Some(999));
    assert_eq!(euro(100, "GBP"), None);
}

#[test]
fn rates_are_read_as_they_are_written() {
    assert_eq!(
        (millionths("1.0856"), millionths("160,5"), millionths("1")),
        (Some(1_085_600), Some(160_500_000), Some(1_000_000))
    );
    assert_eq!(millionths("0.000001"), Some(1));
    for wrong in ["", "0", "0.0", "-1", "1.", ".5", "1.0000001", "1e3", "N/A", "1 000"] {
        assert_eq!(millionths(wrong), None, "{wrong}");
    }
    assert_eq!((rate_words(1_085_600).as_str(), rate_words(160_000_000).as_str()), ("1.0856", "160.0"));
}

#[test]
fn events_keep_their_form() {
    let usd = quote("2026-09-30", "USD", "1.0856");
    insta::assert_json_snapshot!([noted(usd, None), noted(usd, Some("1.08"))]);
}
