use super::*;
use crate::domain::shared::calendar::Zone;
use crate::domain::shared::tax::{Buyer, Country, Tax};
use crate::domain::shared::{Currency, Money};
use chrono::{DateTime, Days, NaiveDate, Utc};
use cqrs_es::test::{AggregateTestExecutor, TestFramework};

fn at() -> DateTime<Utc> {
    "2026-11-28T10:00:00Z".parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn nl() -> Country {
    Country::parse("NL").unwrap()
}

fn add(from: &str, basis_points: u32) -> TaxBookCommand {
    TaxBookCommand::Add { country: nl(), from: day(from), basis_points, today: day("2026-11-28"), at: at() }
}

fn correct(from: &str, basis_points: u32) -> TaxBookCommand {
    TaxBookCommand::Correct {
        country: nl(),
        from: day(from),
        basis_points,
        today: day("2026-11-28"),
        at: at(),
    }
}

fn withdraw(from: &str) -> TaxBookCommand {
    TaxBookCommand::Withdraw { country: nl(), from: day(from), today: day("2026-11-28"), at: at() }
}

fn added(from: &str, basis_points: u32) -> TaxBookEvent {
    TaxBookEvent::TaxRateAdded {
        country: nl(),
        from: day(from),
        basis_points,
        previous: Some(2100),
        at: at(),
    }
}

fn corrected(from: &str, previous: u32, basis_points: u32) -> TaxBookEvent {
    TaxBookEvent::TaxRateCorrected { country: nl(), from: day(from), basis_points, previous, at: at() }
}

fn withdrawn(from: &str, basis_points: u32) -> TaxBookEvent {
    TaxBookEvent::TaxRateWithdrawn { country: nl(), from: day(from), basis_points, at: at() }
}

fn given(events: Vec<TaxBookEvent>) -> AggregateTestExecutor<TaxBook> {
    TestFramework::<TaxBook>::with(()).given(events)
}

#[test]
fn a_rate_is_added_for_a_day_that_has_not_come() {
    given(vec![]).when(add("2027-01-01", 2200)).then_expect_events(vec![added("2027-01-01", 2200)]);
    given(vec![]).when(add("2026-11-29", 2200)).then_expect_events(vec![added("2026-11-29", 2200)]);
    given(vec![]).when(add("2026-11-28", 2200)).then_expect_error(TaxBookError::Past);
    given(vec![]).when(add("2020-01-01", 2200)).then_expect_error(TaxBookError::Past);
    given(vec![]).when(add("2027-01-01", 2100)).then_expect_error(TaxBookError::Same);
    given(vec![]).when(add("2027-01-01", 0)).then_expect_error(TaxBookError::Rate);
    given(vec![]).when(add("2027-01-01", 5001)).then_expect_error(TaxBookError::Rate);
    let once = vec![added("2027-01-01", 2200)];
    given(once.clone()).when(add("2027-01-01", 2200)).then_expect_events(vec![]);
    given(once).when(add("2027-01-01", 2300)).then_expect_error(TaxBookError::Exists);
    let nowhere = Country::parse("XX").unwrap();
    let command = TaxBookCommand::Add {
        country: nowhere,
        from: day("2027-01-01"),
        basis_points: 2000,
        today: day("2026-11-28"),
        at: at(),
    };
    given(vec![]).when(command).then_expect_error(TaxBookError::Country);
}

#[test]
fn one_that_has_not_begun_is_corrected_or_withdrawn_and_the_past_stays() {
    let once = vec![added("2027-01-01", 2200)];
    given(once.clone()).when(correct("2027-01-01", 2300)).then_expect_events(vec![corrected(
        "2027-01-01",
        2200,
        2300,
    )]);
    given(once.clone()).when(correct("2027-01-01", 2200)).then_expect_events(vec![]);
    given(once.clone()).when(correct("2027-01-01", 2100)).then_expect_error(TaxBookError::Same);
    given(once.clone()).when(correct("2027-01-02", 2300)).then_expect_error(TaxBookError::Missing);
    given(once.clone()).when(withdraw("2027-01-01")).then_expect_events(vec![withdrawn("2027-01-01", 2200)]);
    let gone = [once, vec![withdrawn("2027-01-01", 2200)]].concat();
    given(gone.clone()).when(withdraw("2027-01-01")).then_expect_error(TaxBookError::Missing);
    given(gone).when(add("2027-01-01", 2300)).then_expect_events(vec![added("2027-01-01", 2300)]);
    // Also the rates that the program brought along.
    given(vec![]).when(correct("2012-10-01", 1900)).then_expect_error(TaxBookError::Past);
    given(vec![]).when(withdraw("2012-10-01")).then_expect_error(TaxBookError::Past);
    let begun = vec![added("2026-11-28", 2200)];
    given(begun.clone()).when(correct("2026-11-28", 2300)).then_expect_error(TaxBookError::Past);
    given(begun).when(withdraw("2026-11-28")).then_expect_error(TaxBookError::Past);
}

#[test]
fn the_day_begins_where_the_studio_is() {
    let mut book = TaxBook::default();
    book.apply(added("2027-01-01", 2200));
    let rate = |zone: &str, when: &str| {
        let on = Zone::parse(zone).unwrap().date_of(when.parse().unwrap());
        book.rates().rate(nl(), on).unwrap().0
    };
    assert_eq!(rate("Europe/Amsterdam", "2026-12-31T22:59:59Z"), 2100);
    assert_eq!(rate("Europe/Amsterdam", "2026-12-31T23:00:00Z"), 2200);
    assert_eq!(rate("Asia/Kolkata", "2026-12-31T18:29:59Z"), 2100);
    assert_eq!(rate("Asia/Kolkata", "2026-12-31T18:30:00Z"), 2200);
    assert_eq!(rate("America/New_York", "2027-01-01T04:59:59Z"), 2100);
    assert_eq!(rate("America/New_York", "2027-01-01T05:00:00Z"), 2200);
}

#[test]
fn events_keep_their_form() {
    insta::assert_json_snapshot!([
        added("2027-01-01", 2200),
        corrected("2027-01-01", 2200, 2300),
        withdrawn("2027-01-01", 2300)
    ]);
}

proptest::proptest! {
    /// Whatever staff do on whichever day: what had begun by then stays, and the tax is that of the rate that
    /// was in force on the day of supply.
    #[test]
    fn no_command_ever_changes_a_day_that_was(
        acts in proptest::collection::vec((0_u8..3, 0_u64..400, 0_u64..120, 1_u32..30), 1..30),
        minor in 1_i64..1_000_000,
    ) {
        let first = day("2026-01-01");
        let (mut book, mut today) = (TaxBook::default(), first);
        for (act, ahead, passes, percent) in acts {
            let (from, basis_points, country) = (today + Days::new(ahead), percent * 100, nl());
            let before = book.clone();
            let command = match act {
                0 => TaxBookCommand::Add { country, from, basis_points, today, at: at() },
                1 => TaxBookCommand::Correct { country, from, basis_points, today, at: at() },
                _ => TaxBookCommand::Withdraw { country, from, today, at: at() },
            };
            for event in book.decide(command).unwrap_or_default() {
                book.apply(event);
            }
            for on in first.iter_days().take_while(|d| *d <= today) {
                proptest::prop_assert_eq!(before.rates().rate(country, on), book.rates().rate(country, on));
            }
            let on = today + Days::new(ahead / 2);
            let buyer = Buyer { country, business: false };
            let tax = Tax::decide(Money::new(minor, Currency::eur()), buyer, country, on, book.rates());
            let (rate, since) = book.rates().rate(country, on).unwrap();
            proptest::prop_assert_eq!((tax.basis_points, tax.rate_since), (rate, Some(since)));
            let exact = minor as f64 * f64::from(rate) / f64::from(10_000 + rate);
            proptest::prop_assert!((tax.tax.minor as f64 - exact).abs() <= 0.5 + 1e-6);
            today = today + Days::new(passes);
        }
    }
}
