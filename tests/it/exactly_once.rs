//! Two nodes that are killed again and again, a payment service that loses answers and sends its
//! webhooks several times and in any order: every period is charged once there and once in the log.
//!
//! `ONCE_MEMBERS=1000 ONCE_MONTHS=12 ONCE_KILLS=100 cargo test --test it --
//! exactly_once:: --nocapture` for a long run; the figures of one are in `docs/measurements.md`.

use crate::running::data_folder;
use chrono::{DateTime, Months, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use kinora::actors::bus::{Claim, Envelope, Metadata};
use kinora::actors::payments;
use kinora::config::{Config, Mode};
use kinora::domain::shared::calendar::{Interval, Zone};
use kinora::domain::shared::payment::Collection;
use kinora::domain::shared::tax::Country;
use kinora::domain::shared::{Currency, Money};
use kinora::domain::subscription::{Subscription, SubscriptionCommand, Terms};
use kinora::startup::{Instance, Roles};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use uuid::Uuid;
use warp::Filter;
use warp::http::StatusCode;

const SECRET: &str = "shared with the service";
/// Of a thousand charges: how many are lost on the way there, and how many answers on the way back.
const LOST_THERE: u32 = 50;
const LOST_BACK: u32 = 50;

fn variable<T: std::str::FromStr>(name: &str, usual: T) -> T {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(usual)
}

/// What the service remembers of a key.
struct Kept {
    order: String,
    minor: i64,
    outcome: Value,
}

struct Books {
    charges: HashMap<String, Kept>,
    random: StdRng,
    lost: u32,
    webhooks: u32,
    /// Charges that were sent again under their key.
    repeated: u32,
}

/// Where webhooks go: whoever of the nodes is there.
type Nodes = Arc<Mutex<Vec<String>>>;

fn outcome(status: StatusCode, body: &Value) -> warp::reply::WithStatus<warp::reply::Json> {
    warp::reply::with_status(warp::reply::json(body), status)
}

/// The service of `docs/gateway-protocol.md`, on a bad line.
async fn service(books: Arc<Mutex<Books>>, nodes: Nodes) -> String {
    let answer = move |method: warp::http::Method, path: warp::path::FullPath, body: Option<Value>| {
        let mut b = books.lock().expect("books");
        let body = body.unwrap_or_default();
        let parts: Vec<&str> = path.as_str().trim_start_matches("/v1/").split('/').collect();
        if parts == ["methods"] {
            let n = b.random.random_range(0..u32::MAX);
            let method = json!({ "token": format!("t{n}"), "label": "Visa ending in 4242" });
            return outcome(StatusCode::CREATED, &method);
        }
        let key = parts.get(1).copied().unwrap_or_default().to_owned();
        let (there, back) = (b.random.random_range(0..1000), b.random.random_range(0..1000));
        if there < LOST_THERE {
            b.lost += 1;
            return outcome(StatusCode::BAD_GATEWAY, &json!({ "error": "lost on the way there" }));
        }
        let found = match (method.as_str(), parts.last().copied()) {
            ("GET", _) => b.charges.get(&key).map(|k| k.outcome.clone()),
            (_, Some("cancel")) => {
                let barred =
                    Kept { order: String::new(), minor: 0, outcome: json!({ "outcome": "cancelled" }) };
                Some(b.charges.entry(key.clone()).or_insert(barred).outcome.clone())
            }
            _ => {
                let n = b.charges.len();
                let made = json!({ "outcome": "succeeded", "gateway_reference": format!("svc_{n}") });
                let order = body["description"].as_str().unwrap_or_default().to_owned();
                let minor = body["minor"].as_i64().expect("an amount");
                b.repeated += u32::from(b.charges.contains_key(&key));
                let kept = b.charges.entry(key.clone()).or_insert(Kept { order, minor, outcome: made });
                let answer = kept.outcome.clone();
                for copy in 0..b.random.random_range(1..=5) {
                    b.webhooks += 1;
                    let wait = Duration::from_millis(b.random.random_range(0..3000));
                    // Some of them under the same event, some under another.
                    let hint = json!({ "id": format!("evt_{n}_{}", copy / 2), "charge": key.clone() });
                    tokio::spawn(webhook(Arc::clone(&nodes), hint, wait));
                }
                Some(answer)
            }
        };
        if back < LOST_BACK {
            b.lost += 1;
            return outcome(StatusCode::BAD_GATEWAY, &json!({ "error": "lost on the way back" }));
        }
        match found {
            Some(found) => outcome(StatusCode::OK, &found),
            None => outcome(StatusCode::NOT_FOUND, &json!({ "error": "no such key" })),
        }
    };
    let body = warp::body::json().map(Some).or(warp::any().map(|| None)).unify();
    let filter = warp::method().and(warp::path::full()).and(body).map(answer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("listen");
    let address = format!("http://{}", listener.local_addr().expect("address"));
    tokio::spawn(warp::serve(filter).incoming(listener).run());
    address
}

/// A hint that comes late, or never: nobody repeats it.
async fn webhook(nodes: Nodes, hint: Value, wait: Duration) {
    tokio::time::sleep(wait).await;
    let Some(node) = nodes.lock().expect("nodes").last().cloned() else { return };
    let (time, text) = (Utc::now().timestamp(), hint.to_string());
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key");
    mac.update(format!("{time}.{text}").as_bytes());
    let sent = reqwest::Client::new()
        .post(format!("{node}/webhooks/sandbox"))
        .header("content-type", "application/json")
        .header("kinora-signature", format!("t={time},v1={}", hex::encode(mac.finalize().into_bytes())))
        .timeout(Duration::from_secs(20))
        .body(text);
    let _ = sent.send().await;
}

/// A process of Kinora that may be killed at any time.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn process(config: &Path, args: &[&str]) -> Command {
    // Another build of the program may be measured, such as the one for production.
    let program = std::env::var("ONCE_PROGRAM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_kinora").into());
    let mut command = Command::new(program);
    command.args(args).args(["--metrics-listen", "127.0.0.1:0", "--config"]).arg(config);
    let errors = std::fs::File::options().create(true).append(true).open(config.with_extension("log"));
    command.env_remove("NOTIFY_SOCKET").stdout(Stdio::piped()).stderr(errors.expect("a file"));
    command
}

/// A node; it says where it is as soon as it can serve.
fn node(config: &Path, nodes: &Nodes) -> Process {
    let args = ["serve", "--role", "web,projector", "--listen", "127.0.0.1:0"];
    let mut child = process(config, &args).spawn().expect("kinora starts");
    let out = child.stdout.take().expect("piped");
    let nodes = Arc::clone(nodes);
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if let Some(url) = line.strip_prefix("ready ") {
                nodes.lock().expect("nodes").push(url.trim_end_matches('/').to_owned());
            }
        }
    });
    Process(child)
}

/// Says when it is over, also when the test fails.
struct Over(Arc<AtomicBool>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs a job for a slot, over and over until it says that it is done: somebody may kill it.
async fn run_job(config: PathBuf, job: &'static str, at: DateTime<Utc>, running: Arc<Mutex<Option<u32>>>) {
    let at = at.to_rfc3339();
    for _ in 0..40 {
        let child = process(&config, &["run", job, "--at", &at, "--wait", "--json"]).spawn().expect("starts");
        *running.lock().expect("running") = Some(child.id());
        let out = tokio::task::spawn_blocking(move || child.wait_with_output()).await.expect("waited");
        *running.lock().expect("running") = None;
        let report: Value = serde_json::from_slice(&out.expect("output").stdout).unwrap_or_default();
        if matches!(report["status"].as_str(), Some("completed" | "already-run")) {
            assert!(report["counts"]["failed"].as_i64().unwrap_or(0) == 0, "{report}");
            return;
        }
        if !report.is_null() {
            println!("not done yet: {report}");
        }
    }
    let log = std::fs::read_to_string(config.with_extension("log")).unwrap_or_default();
    let tail: Vec<&str> = log.lines().rev().filter(|l| !l.contains("\"INFO\"")).take(12).collect();
    panic!("{job} for {at} was never done: {tail:#?}");
}

/// Lets `members` join on 31 January 2031, each with a card of its own.
async fn let_join(instance: &Instance, members: usize) {
    let at: DateTime<Utc> = "2031-01-31T14:00:00Z".parse().expect("a time");
    let cx = &instance.services;
    let joins = (0..members).map(|_| async {
        let account = Uuid::now_v7();
        let entry = payments::CardEntry { number: "4242 4242 4242 4242".into(), expiry: "12/39".into() };
        let (method, label) = loop {
            if let Ok(kept) = payments::keep_card(cx, account, &entry).await {
                break kept;
            }
        };
        let terms = Terms {
            plan: Uuid::from_u128(1),
            variation: Uuid::from_u128(2),
            plan_name: "Studio".into(),
            price: Money::new(1150, Currency::eur()),
            interval: Interval::monthly(),
            collection: Collection::Automatic,
            zone: Zone::amsterdam(),
            seats: None,
        };
        let subscription = Uuid::now_v7();
        let command = SubscriptionCommand::Join {
            subscription,
            owner: account,
            terms,
            method: Some(method),
            country: Country::parse("NL").expect("a country"),
            billing: None,
            vat_number: None,
            vat_check: None,
            trial_days: 0,
            discount: None,
            waives_withdrawal: false,
            at,
        };
        let envelope = Envelope::new(
            Uuid::now_v7(),
            subscription,
            command,
            Metadata::account(account, Uuid::now_v7(), at),
        )
        .with_private(vec![label])
        .with_claims(vec![Claim::new("live-subscription", format!("{account}/0"))]);
        cx.bus.dispatch::<Subscription>(envelope).await.expect("joined");
    });
    use futures_util::StreamExt;
    futures_util::stream::iter(joins).buffer_unordered(16).collect::<Vec<()>>().await;
    assert!(cx.settle(Duration::from_secs(120)).await.expect("settles"));
}

/// Whether the service and the log tell the same; how many charges there were.
fn compare(books: &Books, log: &[(Uuid, String, i64)], paid: &[(Option<Uuid>, i64)]) -> usize {
    let taken: BTreeMap<&str, &Kept> = books
        .charges
        .iter()
        .filter(|(_, kept)| kept.outcome["outcome"] == "succeeded")
        .map(|(key, kept)| (key.as_str(), kept))
        .collect();
    let mut by_order: BTreeMap<&str, u32> = BTreeMap::new();
    for kept in taken.values() {
        *by_order.entry(&kept.order).or_default() += 1;
    }
    let twice: Vec<_> = by_order.iter().filter(|(_, n)| **n > 1).collect();
    assert!(twice.is_empty(), "charged twice for one order: {twice:?}");
    let intents: HashMap<String, (&str, i64)> =
        log.iter().map(|(key, number, minor)| (key.to_string(), (number.as_str(), *minor))).collect();
    assert_eq!(intents.len(), log.len(), "an attempt is started once");
    for (key, kept) in &taken {
        assert_eq!(
            intents.get(*key),
            Some(&(kept.order.as_str(), kept.minor)),
            "no charge without its intent"
        );
    }
    let mut in_log: Vec<String> = paid.iter().map(|(key, _)| key.expect("by card").to_string()).collect();
    in_log.sort_unstable();
    let at_service: Vec<String> = taken.keys().map(|k| (*k).to_owned()).collect();
    assert_eq!(in_log, at_service, "each charge stands once there and once in the log");
    assert_eq!(paid.iter().map(|p| p.1).sum::<i64>(), taken.values().map(|k| k.minor).sum::<i64>());

    taken.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_period_is_charged_once_whatever_is_lost_doubled_or_killed() {
    let members: usize = variable("ONCE_MEMBERS", 30);
    let months: u32 = variable("ONCE_MONTHS", 2);
    let kills: u32 = variable("ONCE_KILLS", 2);
    let seed: u64 = variable("ONCE_SEED", 5);
    let data: TempDir = data_folder();
    let nodes = Nodes::default();
    let books = Arc::new(Mutex::new(Books {
        charges: HashMap::new(),
        random: StdRng::seed_from_u64(seed),
        lost: 0,
        webhooks: 0,
        repeated: 0,
    }));
    let base = service(Arc::clone(&books), Arc::clone(&nodes)).await;
    let file = data.path().join("kinora.toml");
    let text = format!(
        "mode = \"development\"\ndata = {:?}\n[gateways.sandbox]\nbase_url = {base:?}\nwebhook_secret = {SECRET:?}\n",
        data.path()
    );
    std::fs::write(&file, text).expect("settings");
    let open = async || {
        let mut config =
            Config { mode: Mode::Development, data: data.path().to_owned(), ..Config::default() };
        config.gateways.sandbox.base_url = Some(base.clone());
        Instance::open(config, true).await.expect("opens")
    };
    // This process takes no part in the work; it keeps the database server alive.
    let keeper = open().await;
    {
        let first = open().await;
        first.start(Roles::COMMAND);
        let_join(&first, members).await;
        first.close().await.expect("closes");
    }

    let running = Arc::new(Mutex::new(None::<u32>));
    let (killed, over) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let ends = Over(Arc::clone(&over));
    let murderer = {
        let (file, nodes, running) = (file.clone(), Arc::clone(&nodes), Arc::clone(&running));
        let (killed, over) = (Arc::clone(&killed), Arc::clone(&over));
        tokio::task::spawn_blocking(move || {
            let mut random = StdRng::seed_from_u64(seed + 1);
            let mut both = [node(&file, &nodes), node(&file, &nodes)];
            while !over.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(random.random_range(500..3000)));
                if killed.load(Ordering::Relaxed) >= kills {
                    continue;
                }
                if random.random_range(0..6) == 0 {
                    let Some(pid) = *running.lock().expect("running") else { continue };
                    let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).expect("a pid"));
                    if nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).is_err() {
                        continue;
                    }
                } else {
                    both[random.random_range(0..2)] = node(&file, &nodes);
                }
                killed.fetch_add(1, Ordering::Relaxed);
            }
        })
    };
    let joined: DateTime<Utc> = "2031-01-31T06:00:00Z".parse().expect("a time");
    let run = |job, at| run_job(file.clone(), job, at, Arc::clone(&running));
    // What became of the first charges is found on the day of joining, which is the anchor.
    for minutes in [2, 10, 120, 60 * 26] {
        run("payment-lookups", joined + TimeDelta::minutes(60 * 8 + minutes)).await;
    }
    for month in 1..=months {
        let due = joined.checked_add_months(Months::new(month)).expect("a day");
        // What is declined because its message was lost is charged again two days later.
        for retry in [0, 3, 6] {
            let at = due + TimeDelta::days(retry);
            run("clock-tick", at).await;
            for minutes in [2, 10, 120, 60 * 26] {
                run("payment-lookups", at + TimeDelta::minutes(minutes)).await;
            }
        }
    }
    while killed.load(Ordering::Relaxed) < kills {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    drop(ends);
    murderer.await.expect("ended");
    tokio::time::sleep(Duration::from_secs(3)).await;
    // Whatever the last kills and webhooks left.
    let end = joined.checked_add_months(Months::new(months)).expect("a day") + TimeDelta::days(8);
    for days in [0, 1, 2, 3, 4, 5, 6] {
        run("payment-lookups", end + TimeDelta::days(days)).await;
    }
    // And what was found out late is tried again, until its tries are used up: before that nothing is decided.
    for days in [7, 10, 13] {
        let at = end + TimeDelta::days(days);
        run("clock-tick", at).await;
        for minutes in [2, 10, 120, 60 * 26] {
            run("payment-lookups", at + TimeDelta::minutes(minutes)).await;
        }
    }

    let client = keeper.services.pool.get().await.expect("connection");
    let all = async |sql: &str| client.query(sql, &[]).await.expect("read");
    let log: Vec<(Uuid, String, i64)> =
        all("select (payload->>'attempt')::uuid, payload->>'number', (payload->'amount'->>'minor')::bigint
         from events where type = 'PaymentAttemptStarted'")
        .await
        .iter()
        .map(|r| (r.get(0), r.get(1), r.get(2)))
        .collect();
    let paid: Vec<(Option<Uuid>, i64)> = all(
        "select (payload->'paid_by'->>'attempt')::uuid, (payload->'amount'->>'minor')::bigint from events where type = 'OrderPaid'",
    )
    .await
    .iter()
    .map(|r| (r.get(0), r.get(1)))
    .collect();
    // One order a period, one invoice an order that was paid.
    let periods = all(
        "select stream_id, payload->'period'->>'start', count(*) from events
         where type in ('SubscriptionActivated', 'SubscriptionResumed', 'SubscriptionRenewed') group by 1, 2 having count(*) > 1",
    )
    .await;
    assert!(periods.is_empty(), "no period is paid for twice");
    let series =
        all("select count(*), min((payload->>'sequence')::bigint), max((payload->>'sequence')::bigint),
           count(distinct payload->>'number') from events where type = 'InvoiceIssued' group by stream_id")
        .await;
    let mut invoices = 0;
    for row in &series {
        let [count, first, last, numbers] = [0, 1, 2, 3].map(|i| row.get::<_, i64>(i));
        assert_eq!((first, last, numbers), (1, count, count), "consecutive, none twice");
        invoices += count;
    }
    assert_eq!(invoices, i64::try_from(paid.len()).expect("few"), "an invoice for each");
    let open: i64 =
        all("select count(*) from orders where status in ('created', 'soft-failed')").await[0].get(0);
    let periods = i64::from(months + 1);
    let sql = "select count(*) from subscriptions s where status = 'active' and (select count(*) from events e
         where e.stream_id = 'subscription-' || s.subscription and e.type in ('SubscriptionActivated', 'SubscriptionResumed', 'SubscriptionRenewed')) <> $1";
    let short: i64 = client.query_one(sql, &[&periods]).await.expect("read").get(0);
    let parked: i64 = client.query_one("select count(*) from dead_letters", &[]).await.expect("read").get(0);
    assert_eq!(parked, 0, "whatever failed was done in the end");
    let ended: i64 = all("select count(*) from subscriptions where status <> 'active'").await[0].get(0);
    drop(client);
    let taken = compare(&books.lock().expect("books"), &log, &paid);
    let (lost, repeated, webhooks) = {
        let b = books.lock().expect("books");
        (b.lost, b.repeated, b.webhooks)
    };
    let complete = i64::try_from(members).expect("few") * i64::from(months + 1);
    println!(
        "seed {seed}: {} charges taken of {complete}, {} attempts, {} messages lost, {} sent again under their key, {} webhooks, {} kills; {open} orders open, {ended} memberships on hold or expired; 0 twice, 0 lost",
        taken,
        log.len(),
        lost,
        repeated,
        webhooks,
        killed.load(Ordering::Relaxed),
    );
    // Who has access has paid for every month; who has none had messages lost three times in a row.
    assert_eq!(short, 0, "nobody goes on without having paid");
    assert!(ended * 10 <= i64::try_from(members).expect("few"), "{ended} without access");
    keeper.close().await.expect("closes");
}
