//! The journal and the actors before it: decisions ahead of the disk, several processes, snapshots.

use crate::support::Studio;
use crate::support::diary::{Diary, DiaryCommand, write};
use kinora::actors::{Bus, CommandError, Envelope};
use kinora::startup::Roles;
use kinora::store::{Append, AppendError, Basis, Claim, NewEvent, log};
use uuid::Uuid;

/// The numbers in a diary; each must be the version of its event.
async fn numbers(studio: &Studio, stream: Uuid) -> Vec<i64> {
    let client = studio.client().await;
    let events = log::stream(&client, &format!("diary-{stream}"), 0).await.expect("read");
    for (i, event) in events.iter().enumerate() {
        assert_eq!(event.version, i64::try_from(i).expect("small") + 1, "without holes");
    }
    events.iter().map(|e| e.payload["number"].as_i64().expect("a number")).collect()
}

/// `count` commands at once; the versions that were acknowledged.
async fn crowd(bus: &Bus, stream: Uuid, count: usize) -> Vec<i64> {
    let tasks: Vec<_> = (0..count)
        .map(|_| {
            let bus = bus.clone();
            tokio::spawn(async move {
                loop {
                    match bus.dispatch::<Diary>(write(stream)).await {
                        Ok(receipt) => return receipt.version,
                        // Refused because another process was always quicker: nothing was written.
                        Err(CommandError::Busy) => tokio::task::yield_now().await,
                        Err(other) => panic!("{other}"),
                    }
                }
            })
        })
        .collect();
    let mut versions = Vec::new();
    for task in tasks {
        versions.push(task.await.expect("task"));
    }
    versions.sort_unstable();
    versions
}

#[tokio::test(flavor = "multi_thread")]
async fn an_actor_decides_ahead_of_the_disk_and_never_on_a_state_that_was_not() {
    let one = Studio::start().await;
    let two = one.beside(Roles::COMMAND).await;
    let stream = Uuid::now_v7();
    let (mut first, second) = tokio::join!(
        crowd(&one.instance.services.bus, stream, 200),
        crowd(&two.instance.services.bus, stream, 60)
    );
    first.extend(second);
    first.sort_unstable();
    let all: Vec<i64> = (1..=260).collect();
    assert_eq!(first, all, "every caller got a version of its own");
    assert_eq!(numbers(&one, stream).await, all, "every number is its event's version");
    let verified = one.instance.services.audit.verify(false, &[], |_, _| {}).await.expect("verify");
    assert!(verified.ok, "{verified:?}");
    two.close().await;
    one.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_append_takes_back_what_was_decided_on_it() {
    let studio = Studio::start().await;
    let bus = &studio.instance.services.bus;
    let (holder, stream) = (Uuid::now_v7(), Uuid::now_v7());
    let key = || vec![Claim::new("film-slug", "taken")];
    bus.dispatch::<Diary>(write(holder).with_claims(key())).await.expect("taken");
    bus.dispatch::<Diary>(write(stream)).await.expect("in memory");
    // The one in the middle is refused by the journal; those behind it were decided on its event.
    let (a, b, c, d) = tokio::join!(
        bus.dispatch::<Diary>(write(stream)),
        bus.dispatch::<Diary>(write(stream).with_claims(key())),
        bus.dispatch::<Diary>(write(stream)),
        bus.dispatch::<Diary>(write(stream)),
    );
    assert_eq!(b, Err(CommandError::Taken { namespace: "film-slug".into() }));
    for accepted in [a, c, d] {
        accepted.expect("accepted");
    }
    assert_eq!(numbers(&studio, stream).await, [1, 2, 3, 4]);
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_before_an_actor_that_breaks_is_done_by_the_next_one() {
    let studio = Studio::start().await;
    let bus = &studio.instance.services.bus;
    let stream = Uuid::now_v7();
    bus.dispatch::<Diary>(write(stream)).await.expect("from now on it is known");
    let breaks = Envelope { command: DiaryCommand::Break, ..write(stream) };
    let (broken, versions) = tokio::join!(bus.dispatch::<Diary>(breaks), crowd(bus, stream, 50));
    assert_eq!(broken, Err(CommandError::Panicked));
    let all: Vec<i64> = (1..=51).collect();
    assert_eq!((versions.as_slice(), numbers(&studio, stream).await), (&all[1..], all.clone()));
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_goes_on_when_nobody_waits_for_it_any_more() {
    let studio = Studio::start().await;
    let bus = &studio.instance.services.bus;
    let stream = Uuid::now_v7();
    for count in [1, 40] {
        for _ in 0..count {
            let mut wait = Box::pin(bus.dispatch::<Diary>(write(stream)));
            assert!(futures_util::poll!(wait.as_mut()).is_pending(), "handed in, not answered");
        }
        // Behind all of them.
        bus.dispatch::<Diary>(write(stream)).await.expect("accepted");
    }
    assert_eq!(numbers(&studio, stream).await, (1..=43).collect::<Vec<i64>>());
    // Whoever went away takes no place with them: as many as an aggregate may have waiting fit again.
    assert_eq!(crowd(bus, stream, 256).await, (44..=299).collect::<Vec<i64>>());
    let depth = &studio.instance.services.metrics.actors.mailbox_depth;
    assert_eq!(depth.with_label_values(&["diary"]).get(), 0);
    studio.close().await;
}

/// An entry of a diary, decided on `expected` and `basis`.
fn entry(stream: Uuid, expected: i64, basis: Option<&Basis>) -> Append {
    let payload = r#"{"number":1}"#.to_owned();
    Append {
        stream_id: format!("diary-{stream}"),
        expected,
        command_id: Uuid::now_v7(),
        effective_at: chrono::Utc::now(),
        metadata: format!(r#"{{"actor":"visitor","correlation":"{stream}"}}"#),
        events: vec![NewEvent { kind: "EntryWritten".into(), type_version: 1, payload }],
        vault: vec![],
        claims: vec![],
        releases: vec![],
        basis: basis.cloned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_decided_on_a_refused_append_is_refused_even_if_the_version_fits() {
    let studio = Studio::start().await;
    let journal = &studio.instance.services.journal;
    let stream = Uuid::now_v7();
    let conflict = Err(AppendError::Conflict { actual: 1 });
    let basis = journal.basis();
    // Somebody else writes one event, as many as the first of two decisions that are under way.
    journal.append(entry(stream, 0, None)).await.expect("somebody else");
    let first = journal.submit(entry(stream, 0, Some(&basis))).expect("handed in");
    let second = journal.submit(entry(stream, 1, Some(&basis))).expect("handed in");
    assert_eq!((first.settled().await, second.settled().await), (conflict.clone(), conflict.clone()));
    // Also later, and alone, when the version fits and nothing else is in the way.
    assert_eq!(journal.append(entry(stream, 1, Some(&basis))).await, conflict);
    let written = journal.append(entry(stream, 1, Some(&journal.basis()))).await.expect("decided anew");
    assert_eq!(written.version, 2);
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_before_the_connections_broke_is_read_again() {
    let studio = Studio::start().await;
    let journal = &studio.instance.services.journal;
    let stream = Uuid::now_v7();
    journal.append(entry(stream, 0, None)).await.expect("the first");
    let basis = journal.basis();
    journal.append(entry(stream, 1, Some(&basis))).await.expect("it stands");
    // As a crash of the server looks from here; it may have taken back what was read.
    let client = studio.client().await;
    let all = "select pg_terminate_backend(pid) from pg_stat_activity
               where pid <> pg_backend_pid() and datname = current_database() and usename = current_user";
    client.query(all, &[]).await.expect("terminated");
    let late = journal.append(entry(stream, 2, Some(&basis))).await;
    assert_eq!(late, Err(AppendError::Conflict { actual: 2 }));
    journal.append(entry(stream, 2, Some(&journal.basis()))).await.expect("read again");
    drop(client);
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_rests_only_on_what_is_written() {
    let studio = Studio::start().await;
    let bus = studio.instance.services.bus.clone();
    let stream = Uuid::now_v7();
    bus.dispatch::<Diary>(write(stream)).await.expect("the first");
    let up_to = |limit| Envelope { command: DiaryCommand::WriteUpTo(limit), ..write(stream) };
    let answers = futures_util::future::join_all((0..50).map(|_| bus.dispatch::<Diary>(up_to(10)))).await;
    let accepted = answers.iter().filter(|a| a.is_ok()).count();
    assert_eq!(accepted, 9, "{answers:?}");
    assert!(answers.iter().all(|a| matches!(a, Ok(_) | Err(CommandError::Refused(_)))));
    assert_eq!(numbers(&studio, stream).await.len(), 10);
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_command_twice_at_once_is_executed_once() {
    let studio = Studio::start().await;
    let bus = &studio.instance.services.bus;
    let stream = Uuid::now_v7();
    bus.dispatch::<Diary>(write(stream)).await.expect("in memory");
    let command = write(stream);
    let (a, b, c) = tokio::join!(
        bus.dispatch::<Diary>(command.clone()),
        bus.dispatch::<Diary>(command.clone()),
        bus.dispatch::<Diary>(write(stream)),
    );
    let (a, b) = (a.expect("first"), b.expect("second"));
    assert_eq!(a.position, b.position);
    assert!(a.replayed != b.replayed, "{a:?} {b:?}");
    c.expect("another");
    assert_eq!(numbers(&studio, stream).await, [1, 2, 3]);
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_stream_loads_from_its_snapshot_unless_that_is_of_another_log() {
    let studio = Studio::start().await;
    let stream = Uuid::now_v7();
    crowd(&studio.instance.services.bus, stream, 120).await;
    let client = studio.client().await;
    let kept = "select version, state->>'entries' from snapshots where stream_id = $1";
    let mut row = None;
    for _ in 0..100 {
        row = client.query_opt(kept, &[&format!("diary-{stream}")]).await.expect("query");
        if row.is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let row = row.expect("a snapshot is kept");
    let (version, entries): (i64, String) = (row.get(0), row.get(1));
    assert!(version >= 100 && entries == version.to_string());
    // A state that no event gave shows that it is the snapshot that was read…
    let forge = "update snapshots set state = '{\"entries\":7000}' where stream_id = $1";
    client.execute(forge, &[&format!("diary-{stream}")]).await.expect("forged");
    drop(client);
    let studio = studio.restart().await;
    studio.instance.services.bus.dispatch::<Diary>(write(stream)).await.expect("written");
    assert_eq!(numbers(&studio, stream).await.last(), Some(&(7000 + 121 - version)));
    // …and one whose event is not the log's is not read at all.
    let client = studio.client().await;
    let foreign = "update snapshots set hash = '\\x00' where stream_id = $1";
    client.execute(foreign, &[&format!("diary-{stream}")]).await.expect("made foreign");
    drop(client);
    let studio = studio.restart().await;
    studio.instance.services.bus.dispatch::<Diary>(write(stream)).await.expect("written");
    let all = numbers(&studio, stream).await;
    assert_eq!(all.last(), all.iter().rev().nth(1).map(|n| n + 1).as_ref());
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_among_batches_that_were_sent_ahead_fails_alone() {
    let studio = Studio::start().await;
    let journal = &studio.instance.services.journal;
    // Streams whose versions the writer knows, because nobody else wrote.
    let streams: Vec<Uuid> = (0..40).map(|_| Uuid::now_v7()).collect();
    for round in 0..5 {
        let mut tickets = Vec::new();
        for step in 0..8 {
            for stream in &streams {
                tickets.push((true, journal.submit(entry(*stream, round * 8 + step, None)).expect("room")));
            }
            // Far ahead of a stream that nobody wrote: only the database can tell.
            tickets.push((false, journal.submit(entry(Uuid::now_v7(), 7, None)).expect("room")));
            // Behind what this writer itself wrote.
            if round > 0 {
                tickets.push((false, journal.submit(entry(streams[step as usize], 1, None)).expect("room")));
            }
        }
        for (good, ticket) in tickets {
            let answer = ticket.settled().await;
            match good {
                true => assert!(answer.is_ok(), "{answer:?}"),
                false => assert!(matches!(answer, Err(AppendError::Conflict { .. })), "{answer:?}"),
            }
        }
    }
    for stream in &streams {
        let client = studio.client().await;
        let events = log::stream(&client, &format!("diary-{stream}"), 0).await.expect("read");
        let versions: Vec<i64> = events.iter().map(|e| e.version).collect();
        assert_eq!(versions, (1..=40).collect::<Vec<_>>());
    }
    let verified = studio.instance.services.audit.verify(false, &[], |_, _| {}).await.expect("verify");
    assert!(verified.ok, "{verified:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_among_a_few_appends_fails_alone() {
    let studio = Studio::start().await;
    let journal = &studio.instance.services.journal;
    for bad in (0..6).cycle().take(60) {
        let streams: Vec<Uuid> = (0..6).map(|_| Uuid::now_v7()).collect();
        let stands = |(i, stream): (usize, &Uuid)| {
            journal.submit(entry(*stream, if i == bad { 7 } else { 0 }, None)).expect("room")
        };
        let tickets: Vec<_> = streams.iter().enumerate().map(stands).collect();
        for (i, ticket) in tickets.into_iter().enumerate() {
            let answer = ticket.settled().await;
            assert_eq!(answer.is_ok(), i != bad, "{i} of {bad}: {answer:?}");
            assert!(answer.is_ok() || answer == Err(AppendError::Conflict { actual: 0 }), "{answer:?}");
            assert_eq!(numbers(&studio, streams[i]).await.len(), usize::from(i != bad), "written once");
        }
    }
    let verified = studio.instance.services.audit.verify(false, &[], |_, _| {}).await.expect("verify");
    assert!(verified.ok, "{verified:?}");
}
