//! A log that a newer Kinora wrote: readers stop in front of what they do not know, say so, and lose nothing;
//! and every form in which an event was ever written can still be read.

use crate::accounts::{person, signed_in};
use crate::support::Studio;
use kinora::actors::{CommandError, Envelope};
use kinora::domain::approval::{Approval, ApprovalCommand};
use kinora::domain::shared::Role;
use kinora::projections::operator;
use kinora::startup::Roles;
use kinora::store::{Append, Metadata, NewEvent, Payload, RecordedEvent, known};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use uuid::Uuid;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden")
}

#[test]
fn every_form_in_which_an_event_was_ever_written_can_be_read() {
    let mut forms = BTreeSet::new();
    for category in std::fs::read_dir(golden()).expect("the folder") {
        let category = category.expect("entry").path();
        let name = category.file_name().expect("a name").to_string_lossy().into_owned();
        for file in std::fs::read_dir(&category).expect("a folder") {
            let file = file.expect("entry").path();
            let stem = file.file_stem().expect("a name").to_string_lossy().into_owned();
            let (kind, version) = stem.split_once('.').expect("Type.version.json");
            let version: i16 = version.parse().expect("a version");
            forms.insert((name.clone(), kind.to_owned(), version));
            let samples: Vec<Value> =
                serde_json::from_str(&std::fs::read_to_string(&file).expect("read")).expect("JSON");
            assert!(!samples.is_empty(), "{}", file.display());
            for sample in samples {
                assert_eq!(sample["type"], *kind, "{}", file.display());
                let event = RecordedEvent {
                    position: 1,
                    stream_id: format!("{name}-{}", Uuid::nil()),
                    version: 1,
                    kind: kind.to_owned(),
                    type_version: version,
                    command_id: Uuid::nil(),
                    ix: 0,
                    recorded_at: chrono::DateTime::UNIX_EPOCH,
                    effective_at: chrono::DateTime::UNIX_EPOCH,
                    payload: Payload::from(&sample["data"]),
                    metadata: Metadata::system("test", Uuid::nil(), chrono::DateTime::UNIX_EPOCH),
                };
                known::read(&event).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            }
        }
    }
    // An aggregate that is not entered in `store/known.rs` would stop every reader at its first event.
    let categories: BTreeSet<&str> = known::all().into_iter().map(|(category, ..)| category).collect();
    let mut sources = Vec::new();
    crate::architecture::all_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/domain"), &mut sources);
    for file in sources.iter().filter(|f| f.file_name().is_some_and(|name| name != "aggregate.rs")) {
        let text = std::fs::read_to_string(file).expect("source");
        for call in text.split("decider!(").skip(1) {
            let category = call.split(");").next().and_then(|c| c.split('"').nth(1)).expect("a category");
            assert!(categories.contains(category), "{category} is missing in src/store/known.rs");
        }
    }
    for (category, kind, newest) in known::all() {
        for version in (1..=newest).filter(|_| category != "diary") {
            let form = (category.to_owned(), kind.to_owned(), version);
            assert!(forms.contains(&form), "tests/it/golden/{category}/{kind}.{version}.json is missing");
        }
    }
}

/// Writes an event as a newer Kinora would.
async fn write(studio: &Studio, category: &str, kind: &str, type_version: i16, payload: &str) -> i64 {
    let cx = &studio.instance.services;
    let append = Append {
        stream_id: format!("{category}-{}", Uuid::now_v7()),
        expected: 0,
        command_id: Uuid::now_v7(),
        effective_at: cx.clock.now(),
        metadata: format!(r#"{{"actor":"visitor","correlation":"{}"}}"#, Uuid::now_v7()),
        events: vec![NewEvent { kind: kind.into(), type_version, payload: payload.into() }],
        vault: vec![],
        claims: vec![],
        releases: vec![],
        basis: None,
    };
    cx.journal.append(append).await.expect("written").position
}

async fn until_stopped(studio: &Studio, position: i64, readers: usize) -> Vec<operator::Stopped> {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let stopped = operator::stopped(&studio.instance.services.reader).await.expect("read");
        let all: usize = stopped.iter().filter(|s| s.position == position).map(|s| s.names.len()).sum();
        if all >= readers {
            return stopped;
        }
        assert!(Instant::now() < until, "only {stopped:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_stop_in_front_of_what_a_newer_version_wrote_and_say_so() {
    let payload = r#"{"job":"stats","slot":"2026-11-21T18:00:00Z"}"#;
    for (category, kind, version) in
        [("run", "RunRequested", 2), ("run", "RunImagined", 1), ("dream", "Dreamt", 1)]
    {
        let studio = Studio::start().await;
        person(&studio, "ops@example.org", &[Role::Operator]).await;
        studio.settle().await;
        let cx = &studio.instance.services;
        let position = write(&studio, category, kind, version, payload).await;
        let all = operator::readers(&cx.reader).await.expect("read").len();
        let stopped = until_stopped(&studio, position, all).await;
        let reason = &stopped[0].reason;
        for part in [&*position.to_string(), kind, "newer Kinora", "Install that version"] {
            assert!(reason.contains(part), "{part} is not in {reason}");
        }
        // Nothing is parked, nobody has gone on, and no loop crashes.
        for row in operator::readers(&cx.reader).await.expect("read") {
            assert_eq!((row.position, row.parked), (position - 1, 0), "{}", row.name);
        }
        assert!(operator::dead_letters(&cx.reader, 10).await.expect("read").is_empty());
        // The site answers, and operators read what happened.
        let page = signed_in(&studio, "ops@example.org").await.get("/operator").await;
        assert_eq!(page.status, 200);
        assert!(page.body.contains("newer Kinora") && page.body.contains("mailer"), "{}", page.body);
        // Neither a rebuild nor a verification passes it over.
        let rebuilt = studio.instance.projector.rebuild_live("operator", |_, _| {}).await;
        assert!(rebuilt.is_err_and(|e| e.to_string().contains("newer Kinora")));
        studio.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_go_on_where_they_stood_when_the_newer_version_is_back() {
    let studio = Studio::with_roles(Roles { web: true, ..Roles::default() }).await;
    let payload = r#"{"job":"stats","slot":"2026-11-21T18:00:00Z"}"#;
    let position = write(&studio, "run", "RunRequested", 2, payload).await;
    let old = studio.beside(Roles { projector: true, ..Roles::default() }).await;
    let all = operator::readers(&old.instance.services.reader).await.expect("read").len();
    until_stopped(&old, position, all).await;
    old.close().await;
    // What the newer version would know, this one is made to know.
    let client = studio.superuser().await;
    client
        .batch_execute("set session_replication_role = replica; update events set type_version = 1")
        .await
        .expect("changed");
    let new = studio.beside(Roles { projector: true, ..Roles::default() }).await;
    new.settle().await;
    assert!(operator::stopped(&new.instance.services.reader).await.expect("read").is_empty());
    let runs = operator::runs(&new.instance.services.reader, Some("stats"), 5).await.expect("read");
    assert_eq!(runs.len(), 1, "nothing was lost");
    new.verify().await;
    new.close().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_newer_version_added_to_a_stream_parks_nothing_that_stands_before_it() {
    let studio = Studio::with_roles(Roles { web: true, ..Roles::default() }).await;
    let cx = &studio.instance.services;
    let sample = golden().join("approval/SecondPersonAgreed.1.json");
    let samples: Vec<Value> =
        serde_json::from_str(&std::fs::read_to_string(sample).expect("read")).expect("JSON");
    let approval = Uuid::now_v7();
    for (version, kind, payload) in [
        (0, "SecondPersonAgreed", samples[0]["data"].to_string()),
        (1, "SecondPersonDreamt", "{}".to_owned()),
    ] {
        let append = Append {
            stream_id: format!("approval-{approval}"),
            expected: version,
            command_id: Uuid::now_v7(),
            effective_at: cx.clock.now(),
            metadata: format!(r#"{{"actor":"visitor","correlation":"{}"}}"#, Uuid::now_v7()),
            events: vec![NewEvent { kind: kind.into(), type_version: 1, payload }],
            vault: vec![],
            claims: vec![],
            releases: vec![],
            basis: None,
        };
        cx.journal.append(append).await.expect("written");
    }
    // The first event makes a workflow load the stream, in which the second stands.
    let old = studio.beside(Roles { projector: true, ..Roles::default() }).await;
    let all = operator::readers(&old.instance.services.reader).await.expect("read").len();
    let stopped = until_stopped(&old, 2, all).await;
    assert!(stopped.iter().all(|s| s.reason.contains("newer Kinora")), "{stopped:?}");
    for row in operator::readers(&old.instance.services.reader).await.expect("read") {
        let stands = i64::from(row.name != "second-person");
        assert_eq!((row.position, row.parked), (stands, 0), "{}", row.name);
    }
    let meta = Metadata::system("test", Uuid::now_v7(), cx.clock.now());
    let command = ApprovalCommand::Record { refused: None, at: cx.clock.now() };
    let told = cx.bus.dispatch::<Approval>(Envelope::new(Uuid::now_v7(), approval, command, meta)).await;
    assert!(matches!(&told, Err(CommandError::Newer(event)) if event.position == 2), "{told:?}");
    old.close().await;
    studio.close().await;
}
