//! Many writers in several processes that are killed again and again ask one series for numbers: consecutive,
//! none twice, one for each order.
//!
//! `NUMBERS_INVOICES=5000 NUMBERS_KILLS=20 cargo test --test it -- invoice_numbers::many --nocapture` for a
//! long run; the figures of one are in `docs/measurements.md`.

use crate::running::{data_folder, kinora};
use futures_util::StreamExt as _;
use kinora::actors::bus::{CommandError, Envelope, Metadata};
use kinora::config::{Config, Mode};
use kinora::domain::invoice_series::{
    Document, InvoiceLine, InvoiceSeries, InvoiceSeriesCommand, Seller, SeriesKind, series_id,
};
use kinora::domain::shared::tax::{Buyer, Country, Tax};
use kinora::domain::shared::tax_rates::RateTable;
use kinora::domain::shared::{Currency, Money, derive_id};
use kinora::startup::Instance;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Writers of one process.
const TASKS: usize = 4;
const PROCESSES: u128 = 4;
const ENTITY: &str = "studio";
const YEAR: i32 = 2031;

fn variable<T: std::str::FromStr>(name: &str, usual: T) -> T {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(usual)
}

async fn open(data: &Path) -> Instance {
    let config = Config { mode: Mode::Development, data: data.to_owned(), ..Config::default() };
    Instance::open(config, true).await.expect("opens")
}

fn document(order: u128) -> Box<Document> {
    let (nl, price) = (Country::parse("NL").expect("a country"), Money::new(1150, Currency::eur()));
    let day = "2031-05-17".parse().expect("a day");
    let line = InvoiceLine { description: "Studio, monthly".into(), quantity: 1, unit: price, period: None };
    Box::new(Document {
        order: Uuid::from_u128(order),
        order_number: format!("K{order}"),
        subscription: Uuid::from_u128(7),
        account: Uuid::from_u128(8),
        seller: Seller { name: "Studio".into(), address: "Amsterdam".into(), vat_number: String::new() },
        billing: None,
        vat_number: None,
        lines: vec![line],
        tax: Tax::decide(price, Buyer { country: nl, business: false }, nl, day, &RateTable::default()),
        issued_on: day,
        paid: true,
        corrects: None,
        refund: None,
        paid_on: None,
        moved: false,
        reissue: None,
        credit: None,
    })
}

/// The orders for which process `of` asks: a share of all, and every tenth of another process's once more.
fn share(of: u128, invoices: u128) -> impl Iterator<Item = u128> {
    (1..=invoices).filter(move |n| n % PROCESSES == of || (n % 10 == 0 && (n + 1) % PROCESSES == of))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a process of its own, started by the test below"]
async fn a_writer_asks_for_its_share() {
    let of: u128 = variable("NUMBERS_PROCESS", PROCESSES);
    let data = std::env::var("NUMBERS_DATA").expect("started by the test below");
    let instance = open(Path::new(&data)).await;
    let cx = &instance.services;
    let asks = share(of, variable("NUMBERS_INVOICES", 160)).map(|order| async move {
        let document = document(order);
        let command = InvoiceSeriesCommand::Issue {
            kind: SeriesKind::Invoice,
            entity: ENTITY.into(),
            year: YEAR,
            document,
        };
        // The id of a command follows from what it is about, as in the workflow: sent again after a kill it is the same.
        let id = derive_id(&format!("order {order}"), &format!("issue by {of}"));
        let meta = Metadata::system("test", id, "2031-05-17T10:00:00Z".parse().expect("a time"));
        let series = series_id(SeriesKind::Invoice, ENTITY, YEAR);
        loop {
            let envelope = Envelope::new(id, series, command.clone(), meta.clone());
            match cx.bus.dispatch::<InvoiceSeries>(envelope).await {
                Ok(_) => return,
                Err(CommandError::Refused(why)) => panic!("order {order}: {why}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    });
    futures_util::stream::iter(asks).buffer_unordered(TASKS).collect::<Vec<()>>().await;
    instance.close().await.expect("closes");
}

/// A process that does not outlive a failing test.
struct Writer(Child);

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn writer(of: u128, data: &Path, invoices: u128) -> Writer {
    let child = Command::new(std::env::current_exe().expect("this program"))
        .args(["invoice_numbers::a_writer_asks_for_its_share", "--exact", "--ignored"])
        .env("NUMBERS_PROCESS", of.to_string())
        .env("NUMBERS_DATA", data)
        .env("NUMBERS_INVOICES", invoices.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Writer(child.expect("starts"))
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_that_are_killed_get_consecutive_numbers_and_none_twice() {
    let invoices: u128 = variable("NUMBERS_INVOICES", 160);
    let kills: u128 = variable("NUMBERS_KILLS", 2);
    let data = data_folder();
    // This process takes no part in the work; it keeps the database server alive.
    let keeper = open(data.path()).await;
    let client = keeper.services.pool.get().await.expect("connection");
    let stream = format!("invoice_series-{}", series_id(SeriesKind::Invoice, ENTITY, YEAR));
    let issued = async || -> u128 {
        let sql = "select count(*) from events where stream_id = $1";
        let count: i64 = client.query_one(sql, &[&stream]).await.expect("counted").get(0);
        count.try_into().expect("not negative")
    };
    let begun = Instant::now();
    let mut all: Vec<Writer> = (0..PROCESSES).map(|of| writer(of, data.path(), invoices)).collect();
    // Each kill hits one in the middle of its work, and another takes its place.
    for kill in 1..=kills {
        while issued().await < invoices * kill / (kills + 1) {
            tokio::time::sleep(Duration::from_millis(10)).await;
            assert!(begun.elapsed() < Duration::from_secs(1800), "{} issued", issued().await);
        }
        let of = kill % PROCESSES;
        all[usize::try_from(of).expect("few")] = writer(of, data.path(), invoices);
    }
    for one in &mut all {
        while one.0.try_wait().expect("waits").is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert!(begun.elapsed() < Duration::from_secs(1800), "{} issued", issued().await);
        }
        assert!(one.0.wait().expect("waits").success(), "a writer failed");
    }
    let took = begun.elapsed();

    let sql =
        "select (payload->>'sequence')::bigint, payload->>'number', (payload->'document'->>'order')::uuid
        from events where stream_id = $1 order by version";
    let rows = client.query(sql, &[&stream]).await.expect("read");
    let sequences: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
    let expected: Vec<i64> = (1..=i64::try_from(invoices).expect("few")).collect();
    assert_eq!(sequences, expected, "consecutive, in the order of the log");
    let numbers: BTreeSet<String> = rows.iter().map(|row| row.get(1)).collect();
    let orders: BTreeSet<Uuid> = rows.iter().map(|row| row.get(2)).collect();
    assert_eq!((numbers.len(), orders.len()), (rows.len(), rows.len()), "one number for each order");
    let commands: i64 = client
        .query_one("select count(*) from command_receipts where stream_id = $1", &[&stream])
        .await
        .expect("counted")
        .get(0);
    let asked: usize = (0..PROCESSES).map(|of| share(of, invoices).count()).sum();
    println!(
        "{} invoices, {} writers in {PROCESSES} processes, {kills} kills, {asked} asked for, {commands} receipts, {:.1} s: consecutive, none twice",
        rows.len(),
        TASKS * usize::try_from(PROCESSES).expect("few"),
        took.as_secs_f64(),
    );
    drop(client);
    let verified = kinora(&data, &["events", "verify", "--json"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    keeper.close().await.expect("closes");
}
