//! The heart when something is in its way: rows that are refused, a head that is held, statements that are cut off, more
//! commands than there is room for, a history that is checked meanwhile.

use crate::accounts::{person, signed_in};
use crate::support::Studio;
use crate::support::diary::{Diary, write};
use chrono::{DateTime, SubsecRound, Utc};
use kinora::actors::CommandError;
use kinora::clock::Clock;
use kinora::startup::Roles;
use kinora::store::chain::Link;
use kinora::store::{Append, AppendError, Journal, NewEvent, log};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// The first entry of a new diary.
fn entry() -> Append {
    let stream = Uuid::now_v7();
    Append {
        stream_id: format!("diary-{stream}"),
        expected: 0,
        command_id: Uuid::now_v7(),
        effective_at: Utc::now(),
        metadata: format!(r#"{{"actor":"visitor","correlation":"{stream}"}}"#),
        events: vec![NewEvent {
            kind: "EntryWritten".into(),
            type_version: 1,
            payload: r#"{"number":1}"#.into(),
        }],
        vault: vec![],
        claims: vec![],
        releases: vec![],
        basis: None,
    }
}

/// A transaction of somebody else that has taken the head of the log and ends when it is told to.
struct Holder {
    client: tokio_postgres::Client,
    pid: i32,
    position: i64,
}

impl Holder {
    async fn of(studio: &Studio) -> Self {
        let client = studio.superuser().await;
        let pid = client.query_one("select pg_backend_pid()", &[]).await.expect("asked").get(0);
        client.batch_execute("begin").await.expect("begun");
        let head =
            client.query_one("select position, hash from log_head for update", &[]).await.expect("held");
        let (position, before): (i64, Vec<u8>) = (head.get(0), head.get(1));
        let (append, at) = (entry(), Utc::now().trunc_subsecs(6));
        let link = Link {
            position: position + 1,
            stream_id: &append.stream_id,
            version: 1,
            kind: "EntryWritten",
            type_version: 1,
            command_id: append.command_id,
            ix: 0,
            recorded_at: at,
            effective_at: at,
            payload: &append.events[0].payload,
            metadata: &append.metadata,
        };
        Self::insert(&client, &link, &before, at).await;
        Self { client, pid, position: position + 1 }
    }

    async fn insert(client: &tokio_postgres::Client, link: &Link<'_>, before: &[u8], at: DateTime<Utc>) {
        let hash = link.hash(before).to_vec();
        let sql = "insert into events (position, stream_id, version, type, command_id, ix, recorded_at, effective_at,
                                       payload, metadata, hash)
                   values ($1, $2, 1, $3, $4, 0, $5, $5, $6::text::json, $7::text::json, $8)";
        client
            .execute(
                sql,
                &[
                    &link.position,
                    &link.stream_id,
                    &link.kind,
                    &link.command_id,
                    &at,
                    &link.payload,
                    &link.metadata,
                    &hash,
                ],
            )
            .await
            .expect("written");
        let receipt = "insert into command_receipts (command_id, stream_id, position, version, recorded_at)
                       values ($1, $2, $3, 1, $4)";
        client
            .execute(receipt, &[&link.command_id, &link.stream_id, &link.position, &at])
            .await
            .expect("its receipt");
        client
            .execute("update log_head set position = $1, hash = $2", &[&link.position, &hash])
            .await
            .expect("moved");
    }

    async fn end(self, how: &str) {
        self.client.batch_execute(how).await.expect("ended");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_the_database_refuses_fails_alone() {
    let studio = Studio::start().await;
    let journal = &studio.instance.services.journal;
    let mut written = 0;
    // Step by step at first, then sent ahead; alone, a few and many together.
    for many in [1, 6, 200, 1, 6, 200] {
        let bad = many / 2;
        let tickets: Vec<_> = (0..many)
            .map(|i| {
                let mut append = entry();
                if i == bad {
                    append.events[0].payload = r#"{"number":"#.into();
                }
                journal.submit(append).expect("room")
            })
            .collect();
        for (i, ticket) in tickets.into_iter().enumerate() {
            let answer = ticket.settled().await;
            match answer {
                Err(AppendError::Refused(words)) if i == bad => assert!(words.contains("22P02"), "{words}"),
                other => assert!(other.is_ok() && i != bad, "{i} of {many}: {other:?}"),
            }
        }
        written += many - 1;
    }
    let verified = studio.instance.services.audit.verify(false, &[], |_, _| {}).await.expect("verify");
    assert!(verified.ok && verified.events == i64::try_from(written).expect("small"), "{verified:?}");
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_reader_passes_a_transaction_that_is_held_open() {
    const EACH: usize = 40;
    let one = Studio::start().await;
    let two = one.beside(Roles::COMMAND).await;
    let (client, done) = (one.client().await, Arc::new(AtomicBool::new(false)));
    let ended = Arc::clone(&done);
    let reader = tokio::spawn(async move {
        let mut seen: Vec<i64> = Vec::new();
        loop {
            let last_look = ended.load(Ordering::Acquire);
            let from = seen.last().copied().unwrap_or(0);
            let page = log::after(&**client, from, None, 1000).await.expect("read");
            seen.extend(page.iter().map(|e| e.position));
            if last_look && page.is_empty() {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    let superuser = one.superuser().await;
    let mut committed = 0;
    for round in 0..8 {
        let holder = Holder::of(&one).await;
        let tasks: Vec<_> = (0..2 * EACH)
            .map(|i| {
                let journal = if i % 2 == 0 { &one } else { &two }.instance.services.journal.clone();
                tokio::spawn(async move { journal.append(entry()).await })
            })
            .collect();
        if round % 4 == 3 {
            // Those of both processes that wait for the head, too.
            let waiting = "select pg_terminate_backend(pid) from pg_stat_activity
                           where datname = current_database() and wait_event_type = 'Lock' and pid <> pg_backend_pid()";
            tokio::time::sleep(Duration::from_millis(60)).await;
            superuser.query(waiting, &[]).await.expect("terminated");
        }
        tokio::time::sleep(Duration::from_millis(60)).await;
        assert!(tasks.iter().all(|t| !t.is_finished()), "nobody gets past what is not decided");
        let newest = log::head(&superuser).await.expect("head");
        assert_eq!(newest, holder.position - 1, "nobody sees what is not decided");
        match round % 3 {
            0 => holder.end("rollback").await,
            1 => {
                superuser.query("select pg_terminate_backend($1)", &[&holder.pid]).await.expect("killed");
            }
            _ => {
                holder.end("commit").await;
                committed += 1;
            }
        }
        for task in tasks {
            task.await.expect("task").expect("written");
        }
    }
    done.store(true, Ordering::Release);
    let seen = reader.await.expect("reader");
    let all = i64::try_from(8 * 2 * EACH + committed).expect("small");
    assert_eq!(seen, (1..=all).collect::<Vec<_>>(), "once each, in order, without holes");
    let verified = one.instance.services.audit.verify(false, &[], |_, _| {}).await.expect("verify");
    assert!(verified.ok && verified.events == all, "{verified:?}");
    two.close().await;
    one.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_whose_statements_are_cut_off_is_written_once_when_the_way_is_free() {
    let studio = Studio::start().await;
    let cx = &studio.instance.services;
    let mut database = studio.instance.database().clone();
    database.app.options("-c search_path=views,public -c statement_timeout=150ms");
    let journal = Journal::start(database, Clock::system(), Arc::clone(&cx.metrics));
    journal.append(entry()).await.expect("the way is free");
    let holder = Holder::of(&studio).await;
    let waiting: Vec<_> = (0..3).map(|_| journal.submit(entry()).expect("room")).collect();
    tokio::time::sleep(Duration::from_millis(700)).await;
    holder.end("rollback").await;
    for ticket in waiting {
        let receipt = ticket.settled().await.expect("written in the end");
        assert!(!receipt.replayed);
    }
    let verified = cx.audit.verify(false, &[], |_, _| {}).await.expect("verify");
    assert!(verified.ok && verified.events == 4, "{verified:?}");
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_told_after_the_deadline_and_hears_the_same_answer_when_it_asks_again() {
    let studio = Studio::start().await;
    let bus = &studio.instance.services.bus;
    let holder = Holder::of(&studio).await;
    let command = write(Uuid::now_v7());
    let began = std::time::Instant::now();
    assert_eq!(bus.dispatch::<Diary>(command.clone()).await, Err(CommandError::TimedOut));
    assert!(began.elapsed() >= Duration::from_secs(15));
    holder.end("rollback").await;
    // It was not given up: the same id is not executed a second time.
    let receipt = loop {
        match bus.dispatch::<Diary>(command.clone()).await {
            Ok(receipt) => break receipt,
            Err(CommandError::Busy) => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(receipt.version, 1);
    let head = log::head(&**studio.client().await).await.expect("head");
    assert_eq!(head, receipt.position, "once");
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_commands_than_there_is_room_for_are_refused_and_counted() {
    const ROOM: usize = 3;
    let studio = Studio::start_with(|c| c.limits.commands = ROOM).await;
    person(&studio, "ada@example.org", &[]).await;
    let ada = signed_in(&studio, "ada@example.org").await;
    let cx = &studio.instance.services;
    let refused = || cx.metrics.actors.refused.with_label_values(&["diary"]).get();
    let before = refused();
    let holder = Holder::of(&studio).await;
    let tasks: Vec<_> = (0..ROOM)
        .map(|_| {
            let bus = cx.bus.clone();
            tokio::spawn(async move { bus.dispatch::<Diary>(write(Uuid::now_v7())).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(cx.bus.dispatch::<Diary>(write(Uuid::now_v7())).await, Err(CommandError::Busy));
    assert!(refused() > before, "counted");
    // A person who saves a form meanwhile reads so, and when to come again.
    let fields = [("display_name", "Ada of the mill"), ("bio", ""), ("links", ""), ("public", "")];
    let page = ada.submit("/account", "/account", &fields).await;
    assert_eq!(page.status, 503, "{}", page.body);
    assert!(page.headers.contains_key("retry-after"), "{:?}", page.headers);
    holder.end("rollback").await;
    for task in tasks {
        task.await.expect("task").expect("written");
    }
    let page = ada.submit("/account", "/account", &fields).await;
    assert!(page.status < 400, "{}", page.body);
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_proved_while_it_is_written() {
    let studio = Studio::start().await;
    let cx = &studio.instance.services;
    let writing: Vec<_> = (0..8)
        .map(|_| {
            let journal = cx.journal.clone();
            tokio::spawn(async move {
                for _ in 0..150 {
                    journal.append(entry()).await.expect("written");
                }
            })
        })
        .collect();
    let (mut last, mut looks) = (0, 0);
    while !writing.iter().all(tokio::task::JoinHandle::is_finished) {
        let verified = cx.audit.verify(false, &[], |_, _| {}).await.expect("verify");
        assert!(verified.ok && verified.events >= last, "{verified:?}");
        (last, looks) = (verified.events, looks + 1);
        cx.audit.sign_head(Utc::now()).await.expect("signed");
    }
    assert!(looks > 2, "it was looked at while it was written");
    let verified = cx.audit.verify(false, &[], |_, _| {}).await.expect("verify");
    assert!(verified.ok && verified.events == 1200, "{verified:?}");
    studio.close().await;
}

/// A diary of a hundred entries, whose snapshot was forged: what no event gave shows from where a state comes.
async fn forged(studio: &Studio) -> Uuid {
    let stream = Uuid::now_v7();
    for _ in 0..100 {
        studio.instance.services.bus.dispatch::<Diary>(write(stream)).await.expect("written");
    }
    let client = studio.client().await;
    let forge = "update snapshots set state = '{\"entries\":7000}' where stream_id = $1";
    while client.execute(forge, &[&format!("diary-{stream}")]).await.expect("forged") == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aggregate_that_nobody_asks_leaves_the_memory_and_is_read_again() {
    let studio = Studio::start_with(|c| c.limits.aggregate_idle_seconds = 2).await;
    let client = studio.client().await;
    let next = async |stream: Uuid| {
        studio.instance.services.bus.dispatch::<Diary>(write(stream)).await.expect("written");
        let events = log::stream(&client, &format!("diary-{stream}"), 0).await.expect("read");
        events.last().and_then(|e| e.payload["number"].as_i64()).expect("a number")
    };
    let (asked, left) = (forged(&studio).await, forged(&studio).await);
    assert_eq!(next(left).await, 101, "it is in memory");
    let left = forged(&studio).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!((next(asked).await, next(left).await), (7001, 7001), "they were read again");
    drop(client);
    studio.close().await;
}
