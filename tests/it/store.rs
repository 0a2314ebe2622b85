//! The log, the actors and the projector, on the aggregate of scheduled runs.

use crate::support::Studio;
use kinora::actors::{CommandError, Envelope};
use kinora::domain::clock::{Run, RunCommand};
use kinora::domain::shared::PersonalValue;
use kinora::startup::Roles;
use kinora::store::{Claim, Metadata, log};
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

fn request(stream: Uuid) -> Envelope<RunCommand> {
    let at = chrono::Utc::now();
    let command = RunCommand::Request { job: "stats".into(), slot: at };
    Envelope::new(Uuid::now_v7(), stream, command, Metadata::system("test", Uuid::now_v7(), at))
}

fn complete(stream: Uuid) -> Envelope<RunCommand> {
    let command = RunCommand::Complete { counts: BTreeMap::new(), changed: 0, duration_ms: 1 };
    Envelope { command, ..request(stream) }
}

#[tokio::test(flavor = "multi_thread")]
async fn appends_of_many_writers_stand_in_order_without_holes() {
    let studio = Studio::start().await;
    let bus = studio.instance.services.bus.clone();
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let bus = bus.clone();
            tokio::spawn(async move {
                let stream = Uuid::now_v7();
                bus.dispatch::<Run>(request(stream)).await.expect("requested");
                bus.dispatch::<Run>(complete(stream)).await.expect("completed").position
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("task");
    }
    let client = studio.client().await;
    let events = log::after(&**client, 0, None, 10_000).await.expect("read");
    assert_eq!(events.len(), 400);
    for (i, event) in events.iter().enumerate() {
        assert_eq!(event.position, i64::try_from(i).expect("small") + 1);
    }
    let verified = studio.instance.services.audit.verify(false, &[], |_, _| {}).await.expect("verify");
    assert!(verified.ok && verified.events == 400, "{verified:?}");
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_command_id_is_executed_once_also_after_a_restart() {
    let studio = Studio::start().await;
    let stream = Uuid::now_v7();
    let envelope = request(stream);
    let first = studio.instance.services.bus.dispatch::<Run>(envelope.clone()).await.expect("first");
    let second = studio.instance.services.bus.dispatch::<Run>(envelope.clone()).await.expect("second");
    assert!(!first.replayed && second.replayed);
    assert_eq!(first.position, second.position);
    let studio = studio.restart().await;
    let third = studio.instance.services.bus.dispatch::<Run>(envelope).await.expect("third");
    assert_eq!((third.position, third.replayed), (first.position, true));
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_on_one_stream_see_each_other() {
    let one = Studio::start().await;
    let two = one.beside(Roles::COMMAND).await;
    let stream = Uuid::now_v7();
    one.instance.services.bus.dispatch::<Run>(request(stream)).await.expect("requested in one");
    two.instance.services.bus.dispatch::<Run>(complete(stream)).await.expect("completed in two");
    // The actor of the first process has an old state: it must reload, not write on top.
    let again = one.instance.services.bus.dispatch::<Run>(complete(stream)).await.expect("nothing to do");
    assert_eq!(again.version, 2);
    two.close().await;
    one.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_for_nothing_is_checked_against_what_others_wrote() {
    use kinora::actors::bus::Envelope;
    use kinora::domain::clock::{Run, RunCommand};
    let one = Studio::start().await;
    let other = one.beside(kinora::startup::Roles::default()).await;
    let run = uuid::Uuid::now_v7();
    let at = chrono::Utc::now();
    let send = async |studio: &Studio, command: RunCommand| {
        let meta = kinora::store::Metadata::system("test", uuid::Uuid::now_v7(), at);
        let bus = &studio.instance.services.bus;
        bus.dispatch::<Run>(Envelope::new(uuid::Uuid::now_v7(), run, command, meta)).await.expect("accepted")
    };
    let request = || RunCommand::Request { job: "stats".into(), slot: at };
    assert_eq!(send(&one, request()).await.version, 1);
    let failed = RunCommand::Fail { error: "no database".into(), duration_ms: 1 };
    assert_eq!(send(&other, failed).await.version, 2);
    // By what it kept, the first process would find the request fulfilled and write nothing.
    assert_eq!(send(&one, request()).await.version, 3);
    other.close().await;
    one.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claimed_key_belongs_to_one_stream() {
    let studio = Studio::start().await;
    let bus = &studio.instance.services.bus;
    let claim = vec![Claim::new("film-slug", "the-salt-keeper")];
    let (one, two) = (Uuid::now_v7(), Uuid::now_v7());
    bus.dispatch::<Run>(request(one).with_claims(claim.clone())).await.expect("taken");
    let refused = bus.dispatch::<Run>(request(two).with_claims(claim.clone())).await;
    assert_eq!(refused, Err(CommandError::Taken { namespace: "film-slug".into() }));
    bus.dispatch::<Run>(complete(one).with_releases(claim.clone())).await.expect("given back");
    bus.dispatch::<Run>(request(two).with_claims(claim)).await.expect("free again");
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_values_open_until_they_are_erased() {
    let studio = Studio::start().await;
    let cx = &studio.instance.services;
    let person = Uuid::now_v7();
    let value = PersonalValue::new(person, "mail", Uuid::now_v7(), "canary-5d1f@example.org");
    let reference = value.reference.clone();
    cx.bus.dispatch::<Run>(request(Uuid::now_v7()).with_private(vec![value])).await.expect("written");
    assert_eq!(cx.reader.open(&reference).await.expect("open").as_deref(), Some("canary-5d1f@example.org"));
    let client = studio.client().await;
    cx.vault.erase(&client, person).await.expect("erase");
    cx.vault.erase(&client, person).await.expect("twice is harmless");
    assert_eq!(cx.reader.open(&reference).await.expect("open"), None);
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_application_cannot_change_history_and_a_change_is_found() {
    let studio = Studio::start().await;
    let stream = Uuid::now_v7();
    studio.instance.services.bus.dispatch::<Run>(request(stream)).await.expect("requested");
    studio.instance.services.bus.dispatch::<Run>(complete(stream)).await.expect("completed");
    let client = studio.client().await;
    for change in ["update events set type = 'x'", "delete from events", "truncate events"] {
        assert!(client.batch_execute(change).await.is_err(), "{change}");
    }
    let mut config = studio.instance.database().owner.clone();
    config.user("postgres");
    let superuser = kinora::store::pool::connect(&config).await.expect("superuser");
    superuser
        .batch_execute("alter table events disable trigger all; update events set effective_at = effective_at + interval '1 second' where position = 1")
        .await
        .expect("an intruder with all rights");
    let found = studio.instance.services.audit.verify(false, &[], |_, _| {}).await.expect("verify");
    assert_eq!((found.ok, found.first_bad_position), (false, Some(1)));
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_survives_the_loss_of_its_connection() {
    let studio = Studio::start().await;
    let bus = studio.instance.services.bus.clone();
    let writer = tokio::spawn(async move {
        let mut written = Vec::new();
        for _ in 0..150 {
            let envelope = request(Uuid::now_v7());
            let receipt = bus.dispatch::<Run>(envelope).await.expect("appended in spite of the loss");
            written.push(receipt.position);
        }
        written
    });
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(30)).await;
        let mut config = studio.instance.database().owner.clone();
        config.user("postgres").dbname("postgres");
        let superuser = kinora::store::pool::connect(&config).await.expect("superuser");
        let sql = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and usename = 'kinora_app'";
        superuser.query(sql, &[&studio.database()]).await.expect("terminate");
    }
    let written = writer.await.expect("writer");
    let mut client = None;
    for _ in 0..20 {
        if let Ok(c) = studio.instance.services.pool.get().await
            && c.simple_query("select 1").await.is_ok()
        {
            client = Some(c);
            break;
        }
    }
    let events = log::after(&**client.expect("connection"), 0, None, 10_000).await.expect("read");
    assert_eq!(events.len(), 150, "each command once");
    assert!(written.windows(2).all(|w| w[0] < w[1]));
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_projection_equals_a_rebuild() {
    let studio = Studio::start().await;
    studio.instance.services.bus.dispatch::<Run>(request(Uuid::now_v7())).await.expect("requested");
    studio.settle().await;
    let verified = studio.instance.projector.verify().await.expect("verify");
    assert!(verified.ok, "{verified:?}");
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_pages_and_errors_answer() {
    let studio = Studio::start().await;
    let browser = studio.browser();
    assert_eq!(browser.get("/healthz").await.status, 200);
    assert_eq!(browser.get("/readyz").await.status, 200);
    let missing = browser.get("/no/such/page").await;
    assert_eq!(missing.status, 404);
    assert!(missing.body.contains("reference"), "{}", missing.body);
    let missing = browser.get("/api/v1/no-such").await;
    assert_eq!(missing.headers["content-type"], "application/problem+json");
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_is_rebuilt_beside_the_live_one_while_people_read_and_write() {
    let studio = Studio::start().await;
    let projector = &studio.instance.projector;
    let client = studio.client().await;
    for hour in 0..6 {
        studio.run_job("stats", &format!("2026-11-21T{hour:02}:00:00Z")).await;
    }
    // Somebody broke a table by hand.
    client
        .batch_execute("update views.operator_runs set state = 'broken'; delete from views.figures_subjects")
        .await
        .expect("broken");
    assert!(!projector.verify().await.expect("verify").ok);
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let read = {
        let (reader, stop) = (studio.instance.services.reader.clone(), std::sync::Arc::clone(&stop));
        tokio::spawn(async move {
            let mut reads = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                kinora::projections::operator::last_runs(&reader).await.expect("readers are always served");
                reads += 1;
            }
            reads
        })
    };
    let write = {
        let bus = studio.instance.services.bus.clone();
        tokio::spawn(async move {
            for _ in 0..200 {
                bus.dispatch::<Run>(request(Uuid::now_v7())).await.expect("writers are always served");
            }
        })
    };
    let names: Vec<&str> = projector.projections.iter().map(|p| p.name()).collect();
    for name in names {
        let mut told = 0;
        let done = projector.rebuild_live(name, |_, _| told += 1).await.expect(name);
        assert!(done.position > 18 && told > 0, "{done:?}");
    }
    write.await.expect("writer");
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(read.await.expect("reader") > 10);
    studio.settle().await;
    let verified = projector.verify().await.expect("verify");
    assert!(verified.ok, "{verified:?}");
    let left: i64 = client
        .query_one("select count(*) from pg_namespace where nspname like 'rebuild%'", &[])
        .await
        .expect("count")
        .get(0);
    assert_eq!(left, 0);
    let unknown = projector.rebuild_live("nothing", |_, _| {}).await.expect_err("unknown");
    assert!(unknown.to_string().contains("operator"), "it names those there are: {unknown}");
    studio.close().await;
}
