//! The return for the one-stop shop in euro: with a rate that was noted, and never without one.

use crate::accounts::{person, signed_in};
use crate::billing_pages::{open_with, order};
use crate::support::{Browser, Page, Studio};
use chrono::{Datelike as _, Days, Months, NaiveDate};
use kinora::domain::shared::Role;
use reqwest::multipart::{Form, Part};

const HERE: &str = "/billing/exchange-rates";

async fn send(studio: &Studio, billing: &Browser, file: &str) -> Page {
    let token = billing.get(HERE).await.hidden("_csrf").expect("a token");
    let part = Part::bytes(file.as_bytes().to_vec()).file_name("eurofxref-hist.csv");
    let form = Form::new().text("_csrf", token).part("file", part);
    let page =
        billing.answer(billing.client.post(format!("{}{HERE}/file", billing.url)).multipart(form)).await;
    studio.settle().await;
    page
}

/// The last day of the quarter, and its name.
fn quarter(day: NaiveDate) -> (NaiveDate, String) {
    let first = NaiveDate::from_ymd_opt(day.year(), day.month0() / 3 * 3 + 1, 1).expect("a day");
    let last = first.checked_add_months(Months::new(3)).and_then(|d| d.pred_opt()).expect("a day");
    (last, format!("{}-Q{}", day.year(), day.month0() / 3 + 1))
}

#[tokio::test(flavor = "multi_thread")]
async fn other_currencies_are_converted_at_the_rate_of_the_last_day_and_never_without_one() {
    let (studio, member, billing) =
        open_with(|c| drop(c.billing.currencies.insert("DE".into(), "USD".into()))).await;
    assert_eq!(order(&studio, &member, "DE", "card", "4242 4242 4242 4242").await.status, 303);
    let (last, name) = quarter(studio.instance.services.clock.now().date_naive());
    let (csv, page) =
        (format!("/billing/reports/oss.csv?quarter={name}"), format!("/billing/reports/oss?quarter={name}"));
    let line = billing.get(&csv).await.body.lines().nth(1).expect("a line").to_owned();
    assert!(line.contains(",DE,SERVICES,STANDARD,19.00,") && line.ends_with(",USD,,,,"), "{line}");
    let shown = billing.get(&page).await.body;
    for words in [
        &format!("Not converted, because no rate is noted: USD for {name}"),
        "no rate",
        "not known, a rate is missing",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let early = [("currency", "USD"), ("day", &last.to_string()), ("rate", "1.25")];
    let refused = billing.submit(HERE, HERE, &early).await;
    assert!(
        refused.status == 422 && refused.body.contains("has not come") && refused.body.contains("1.25"),
        "{}",
        refused.body
    );
    for (currency, day, rate, words) in [
        ("EUR", "2026-01-02", "1", "another currency than the euro"),
        ("XXQ", "2026-01-02", "1", "XXQ"),
        ("USD", "soon", "1", "Enter the day"),
        ("USD", "2026-01-02", "0", "above 0"),
    ] {
        let refused =
            billing.submit(HERE, HERE, &[("currency", currency), ("day", day), ("rate", rate)]).await;
        assert!(refused.status == 422 && refused.body.contains(words), "{words}: {}", refused.body);
    }

    // The quarter is over: the bank's file has no rate on its last day, but two days later.
    crate::step_up::pass(&studio, 93 * 24 * 60);
    person(&studio, "later@example.org", &[Role::Billing]).await;
    let billing = signed_in(&studio, "later@example.org").await;
    assert!(billing.get(HERE).await.body.contains("Missing: USD for"));
    let bad = send(&studio, &billing, "Date,USD\nsoon,1\n").await;
    assert!(
        bad.status == 422 && bad.body.contains("Line 2") && bad.body.contains("Nothing was noted"),
        "{}",
        bad.body
    );
    let day = |n: u64| last.checked_add_days(Days::new(n)).expect("a day");
    let file = format!(
        "Date,USD,JPY,\n{},2.0,1,\n{},1.25,160,\n{},1.0,160,\n",
        day(3),
        day(2),
        last.pred_opt().expect("a day")
    );
    let done = send(&studio, &billing, &file).await;
    assert!(done.location().contains("noted=1"), "only what is needed: {}", done.location());
    assert!(send(&studio, &billing, &file).await.location().contains("noted=0"), "once");
    let line = billing.get(&csv).await.body.lines().nth(1).expect("a line").to_owned();
    let cells: Vec<&str> = line.split(',').collect();
    let amount = |at: usize| cells[at].parse::<f64>().expect("a number");
    assert_eq!((cells[9], cells[12], cells[13]), ("USD", "1.25", day(2).to_string().as_str()), "{line}");
    for (usd, eur) in [(7, 10), (8, 11)] {
        assert!((amount(usd) / 1.25 - amount(eur)).abs() <= 0.005 + 1e-9, "{line}");
    }
    let shown = billing.get(&page).await.body;
    assert!(shown.contains("1.25 on") && !shown.contains("Not converted"), "{shown}");

    // Another rate for that day takes the place of the former; the log has both.
    let other = [("currency", "usd"), ("day", &day(2).to_string()), ("rate", "1.6")];
    assert_eq!(billing.submit(HERE, HERE, &other).await.status, 303);
    studio.settle().await;
    assert!(billing.get(&csv).await.body.contains(",1.6,"));
    let history = billing.get(HERE).await.body;
    assert!(history.contains("1.25") && history.contains("1.6") && history.contains("entered"), "{history}");
    assert_eq!(member.get(HERE).await.status, 303, "its session is over, and it is no staff");
    studio.verify().await;
    studio.close().await;
}
