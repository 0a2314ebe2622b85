//! Errors and panics reach a server that speaks Sentry's protocol, once each and without anything personal. The log
//! and its hooks belong to a whole process, so the studio that breaks runs in one of its own.

use crate::accounts::{person, signed_in};
use crate::support::Studio;
use crate::support::diary::{Diary, DiaryCommand, write};
use kinora::actors::Envelope;
use kinora::domain::shared::Role;
use kinora::telemetry;
use serde_json::Value;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use uuid::Uuid;
use warp::Filter as _;

/// Names the server to the process that breaks.
const DSN: &str = "KINORA_TEST_DSN";
const MAIL: &str = "ada.lovelace@example.org";

/// Runs the studio that breaks, and reports to `dsn`.
async fn run(dsn: String) -> Output {
    let run = move || {
        Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "error_reports::a_studio_that_breaks", "--ignored", "--nocapture"])
            .env(DSN, dsn)
            .output()
            .expect("it runs")
    };
    let out = tokio::task::spawn_blocking(run).await.expect("it ends");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    out
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run in a process of its own by the others"]
async fn a_studio_that_breaks() {
    let dsn = std::env::var(DSN).expect("where to");
    telemetry::init(0);
    let studio = Studio::start_with(|c| c.sentry_dsn = Some(dsn)).await;
    telemetry::report_to(&studio.instance.services.config);
    // A panic in an actor: the next command finds another one.
    let bus = &studio.instance.services.bus;
    let stream = Uuid::now_v7();
    bus.dispatch::<Diary>(write(stream)).await.expect("from now on it is known");
    let breaks = Envelope { command: DiaryCommand::Break, ..write(stream) };
    bus.dispatch::<Diary>(breaks).await.expect_err("it breaks");
    bus.dispatch::<Diary>(write(stream)).await.expect("it goes on");
    // An error behind a page that somebody looks at.
    person(&studio, MAIL, &[Role::Creator]).await;
    let browser = signed_in(&studio, MAIL).await;
    let superuser = studio.superuser().await;
    superuser.batch_execute("alter table views.catalogue rename to elsewhere").await.expect("renamed");
    let page = browser.get("/films?from=ada.lovelace@example.org").await;
    assert_eq!(page.status, 500);
    let id = page.headers["x-request-id"].to_str().expect("an id").to_owned();
    superuser.batch_execute("alter table views.elsewhere rename to catalogue").await.expect("and back");
    println!("request={id}");
    assert_eq!(browser.get("/films").await.status, 200, "everything else goes on");
    telemetry::finish();
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn panics_and_errors_arrive_once_and_say_nothing_of_people() {
    let got: Arc<Mutex<Vec<(String, String, String)>>> = Arc::default();
    let kept = Arc::clone(&got);
    let take = move |path: warp::path::FullPath, auth: String, body: bytes::Bytes| {
        let body = String::from_utf8_lossy(&body).into_owned();
        kept.lock().expect("kept").push((path.as_str().to_owned(), auth, body));
        "{}"
    };
    let filter = warp::post()
        .and(warp::path::full())
        .and(warp::header::<String>("x-sentry-auth"))
        .and(warp::body::bytes())
        .map(take);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("listen");
    let address = listener.local_addr().expect("address");
    tokio::spawn(warp::serve(filter).incoming(listener).run());
    let out = run(format!("http://publickey@{address}/7")).await;
    let out = String::from_utf8_lossy(&out.stdout);
    let request = out.lines().find_map(|l| l.split_once("request=")).expect("its request").1;

    let got = got.lock().expect("kept");
    assert!(got.iter().all(|(path, _, _)| path == "/api/7/envelope/"));
    assert!(
        got.iter().all(|(_, auth, _)| auth.starts_with("Sentry ") && auth.contains("sentry_key=publickey"))
    );
    // An envelope is lines: its head, and of each item a head and the item.
    let events: Vec<Value> =
        got.iter().filter_map(|(_, _, body)| serde_json::from_str(body.lines().nth(2)?).ok()).collect();
    assert_eq!(events.len(), got.len(), "{got:?}");
    let one = |what: &str, found: &dyn Fn(&Value) -> bool| {
        let all: Vec<&Value> = events.iter().filter(|e| found(e)).collect();
        assert_eq!(all.len(), 1, "{what}: {events:#?}");
        all[0].clone()
    };
    let panic = one("the panic", &|e| e["exception"]["values"][0]["value"] == "as the test wants it");
    assert!(panic["extra"]["place"].as_str().is_some_and(|p| p.contains("diary.rs:")), "{panic}");
    let frames = panic["exception"]["values"][0]["stacktrace"]["frames"].as_array().expect("frames");
    assert!(frames.iter().any(|f| f["function"].as_str().is_some_and(|n| n.contains("diary"))), "{panic}");
    let error = one("the error", &|e| e["tags"]["request_id"] == request);
    assert_eq!((&error["message"], &error["tags"]["route"]), (&"a request failed".into(), &"/films".into()));
    for event in &events {
        assert_eq!(event["release"], concat!("kinora@", env!("CARGO_PKG_VERSION")));
        assert_eq!(event["environment"], "demo");
        for personal in ["user", "server_name", "request", "breadcrumbs", "contexts"] {
            assert!(event.get(personal).is_none_or(Value::is_null), "{personal}: {event}");
        }
        let text = event.to_string();
        assert!(!text.contains("lovelace") && !text.contains(MAIL), "{text}");
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").expect("a name");
        assert!(host.trim().len() < 4 || !text.contains(host.trim()), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_changes_while_the_server_is_away() {
    // Taken and given back, so nobody listens there.
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    run(format!("http://publickey@127.0.0.1:{port}/7")).await;
    // One that takes connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    run(format!("http://publickey@{}/7", silent.local_addr().expect("address"))).await;
}
