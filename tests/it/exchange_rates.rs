//! The return for the one-stop shop in euro: with a rate that was noted, and never without one.

use crate::accounts::{person, signed_in};
use crate::billing_pages::{open_with, order};
use crate::support::{Browser, Page, Studio};
use chrono::{Datelike as _, Days, Months, NaiveDate};
use kinora::domain::shared::Role;
use reqwest::multipart::{Form, Part};
use std::sync::{Arc, Mutex};
use warp::Filter;

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
    let (last, name) = quarter(crate::support::day_of(studio.instance.services.clock.now()));
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
        // No euro was there, or no calendar of anybody goes there.
        ("USD", "1998-12-31", "1", "Enter the day"),
        ("USD", "-262143-01-01", "1", "Enter the day"),
        ("USD", "0001-01-01", "1", "Enter the day"),
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

/// What the bank's address answers, and how often it was asked.
type Bank = Arc<Mutex<(u16, Vec<u8>, u32)>>;

/// A server that stands in for the bank's; gives its address.
async fn bank(says: Bank) -> String {
    let answer = warp::path!("rates.xml").map(move || {
        let mut says = says.lock().expect("answers");
        says.2 += 1;
        let answer = warp::http::Response::builder().status(says.0).header("location", "/elsewhere.xml");
        answer.body(says.1.clone()).expect("an answer")
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("listen");
    let address = format!("http://{}/rates.xml", listener.local_addr().expect("address"));
    tokio::spawn(warp::serve(answer).incoming(listener).run());
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bank_s_file_is_fetched_while_a_rate_is_missing_and_trouble_is_said() {
    let says: Bank = Arc::default();
    let address = bank(Arc::clone(&says)).await;
    let (studio, member, billing) = open_with(|c| {
        c.billing.currencies.insert("DE".into(), "USD".into());
        c.billing.exchange_rates_url = Some(address);
    })
    .await;
    assert_eq!(order(&studio, &member, "DE", "card", "4242 4242 4242 4242").await.status, 303);
    let (last, _) = quarter(crate::support::day_of(studio.instance.services.clock.now()));
    let asked = || says.lock().expect("answers").2;
    let slot = |hours: i64| {
        let morning = last.and_hms_opt(9, 0, 0).expect("a time").and_utc();
        (morning + chrono::TimeDelta::hours(24 * 5 + hours)).to_rfc3339()
    };
    // Before the quarter is over nothing is missing, and nobody is asked.
    let early = studio.run_job("exchange-rates", &(studio.instance.services.clock.now()).to_rfc3339()).await;
    assert_eq!((early.status, early.counts.get("missing"), asked()), ("completed", Some(&0), 0));

    let good = format!(
        "<E><Cube><Cube time='{}'><Cube currency='USD' rate='1.25'/></Cube></Cube></E>",
        last.checked_add_days(Days::new(1)).expect("a day")
    );
    let huge = vec![b' '; (1 << 20) + 1];
    let trouble: [(u16, Vec<u8>, &str); 5] = [
        (500, good.clone().into_bytes(), "status 500"),
        (302, good.clone().into_bytes(), "status 302"),
        (200, huge, "cannot be read"),
        (200, b"<html>closed today</html>".to_vec(), "no file of reference rates"),
        (200, b"Date,USD\nsoon,1\n".to_vec(), "Line 2"),
    ];
    for (n, (status, body, words)) in trouble.into_iter().enumerate() {
        *says.lock().expect("answers") = (status, body, 0);
        let run = studio.run_job("exchange-rates", &slot(i64::try_from(n).expect("small"))).await;
        assert_eq!((run.status, asked()), ("failed", 1), "{words}");
        let told = run.error.unwrap_or_default();
        assert!(told.contains(words), "{words}: {told}");
    }
    let noted = "select count(*) from events where type = 'ExchangeRateNoted'";
    let count = async || studio.client().await.query_one(noted, &[]).await.expect("counted").get::<_, i64>(0);
    assert_eq!(count().await, 0);

    *says.lock().expect("answers") = (200, good.into_bytes(), 0);
    let run = studio.run_job("exchange-rates", &slot(20)).await;
    assert_eq!((run.status, run.counts.get("noted"), asked()), ("completed", Some(&1), 1));
    studio.settle().await;
    let page = billing.get(HERE).await.body;
    assert!(page.contains("the bank's file, fetched") && page.contains("by itself"), "{page}");
    let again = studio.run_job("exchange-rates", &slot(44)).await;
    assert_eq!(
        (again.counts.get("missing"), asked(), count().await),
        (Some(&0), 1, 1),
        "nobody is asked again"
    );
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_address_nothing_is_fetched() {
    let (studio, member, _) =
        open_with(|c| drop(c.billing.currencies.insert("DE".into(), "USD".into()))).await;
    assert_eq!(order(&studio, &member, "DE", "card", "4242 4242 4242 4242").await.status, 303);
    let later = studio.instance.services.clock.now() + chrono::TimeDelta::days(100);
    let run = studio.run_job("exchange-rates", &later.to_rfc3339()).await;
    assert_eq!(
        (run.status, run.counts.get("missing"), run.counts.get("noted")),
        ("completed", Some(&1), None)
    );
    studio.close().await;
}
