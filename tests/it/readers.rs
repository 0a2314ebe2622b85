//! Readers of the log: what concerns them, streams folded side by side, and faults that stop nobody else.

use crate::accounts::person;
use crate::support::Studio;
use crate::support::diary::DiaryEvent;
use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use kinora::actors::projector::Projector;
use kinora::domain::shared::Role;
use kinora::projections::{Projection, ProjectionError};
use kinora::startup::Roles;
use kinora::store::checkpoint;
use kinora::store::followed::Followed;
use kinora::store::{Append, Metadata, NewEvent, RecordedEvent, Transaction, known, log};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// A row for each account with the kinds of its events in their order; panics at those of one stream.
struct Kinds {
    faulty: Option<String>,
    apart: bool,
}

#[async_trait]
impl Projection for Kinds {
    fn name(&self) -> &'static str {
        "kinds"
    }
    fn version(&self) -> i32 {
        1
    }
    fn tables(&self) -> &'static [&'static str] {
        &["kinds"]
    }
    fn ddl(&self) -> &'static str {
        "create table if not exists kinds (stream text primary key, kinds text not null)"
    }
    fn streams_apart(&self) -> bool {
        self.apart
    }
    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        assert_ne!(Some(&event.stream_id), self.faulty.as_ref(), "a fault of this test");
        // Read and written apart, as most projections do: a lane that overtook itself would lose one.
        let row = tx.query_opt("select kinds from kinds where stream = $1", &[&event.stream_id]).await?;
        let kinds = row.map_or_else(String::new, |row| row.get(0)) + &event.kind + " ";
        let sql = "insert into kinds values ($1, $2) on conflict (stream) do update set kinds = $2";
        tx.execute(sql, &[&event.stream_id, &kinds]).await?;
        Ok(())
    }
}

fn only(studio: &Studio, kinds: Kinds) -> Projector {
    Projector {
        projections: Arc::new(vec![Arc::new(kinds)]),
        projected: Arc::new(watch::Sender::new(0)),
        ..studio.instance.projector.clone()
    }
}

/// A studio, and the streams of three people.
async fn people() -> (Studio, Vec<String>) {
    let studio = Studio::start().await;
    let mut streams = Vec::new();
    for name in ["anna@example.org", "ben@example.org", "cleo@example.org"] {
        streams.push(format!("account-{}", person(&studio, name, &[Role::Member]).await));
    }
    studio.settle().await;
    (studio, streams)
}

async fn rows(studio: &Studio) -> Vec<(String, String)> {
    let rows = studio.client().await.query("select stream, kinds from kinds order by stream", &[]).await;
    rows.expect("rows").iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_side_by_side_are_folded_as_one_after_the_other() {
    let (studio, streams) = people().await;
    let mut seen = Vec::new();
    for apart in [false, true] {
        let projector = only(&studio, Kinds { faulty: None, apart });
        projector.prepare().await.expect("prepared");
        projector.rebuild("kinds").await.expect("begun anew");
        while projector.step().await.expect("folded") {}
        seen.push(rows(&studio).await);
        projector.rebuild_live("kinds", |_, _| {}).await.expect("rebuilt beside");
        assert_eq!(&rows(&studio).await, seen.last().expect("some"));
    }
    assert_eq!(seen[0], seen[1]);
    assert!(streams.iter().all(|stream| seen[0].iter().any(|(of, kinds)| of == stream && kinds.len() > 20)));
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_in_one_row_sets_its_stream_aside_and_stops_nothing_else() {
    let (studio, streams) = people().await;
    let whole = only(&studio, Kinds { faulty: None, apart: true });
    whole.prepare().await.expect("prepared");
    whole.rebuild("kinds").await.expect("begun anew");
    while whole.step().await.expect("folded") {}
    let all = rows(&studio).await;
    let broken = only(&studio, Kinds { faulty: Some(streams[1].clone()), apart: true });
    broken.rebuild("kinds").await.expect("begun anew");
    while broken.step().await.expect("the loop goes on") {}
    let left: Vec<_> = all.iter().filter(|(stream, _)| *stream != streams[1]).cloned().collect();
    assert_eq!(rows(&studio).await, left);
    let client = studio.client().await;
    let parked = client
        .query("select distinct stream_id, error like '%panic%' or error like '%earlier%' from dead_letters where name = 'kinds'", &[])
        .await
        .expect("rows");
    assert!(parked.iter().all(|row| row.get::<_, String>(0) == streams[1] && row.get(1)), "{parked:?}");
    assert!(!parked.is_empty());
    // A comparison says which event it is, and is no end of the comparison.
    let compared = broken.verify().await.expect("compared");
    let error = compared.projections[0].error.as_deref().unwrap_or_default();
    assert!(!compared.ok && error.contains("panic") && error.starts_with("event "), "{compared:?}");
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_holds_what_is_followed_and_moves_over_the_rest() {
    let (studio, streams) = people().await;
    let cx = &studio.instance.services;
    let client = cx.pool.get().await.expect("a connection");
    let head = log::head(&**client).await.expect("the head");
    let all = log::page(&client, 0, None, 1000).await.expect("all");
    let accounts: Vec<i64> = all.iter().filter(|e| e.category() == "account").map(|e| e.position).collect();
    let followed = Followed::of(&["account"]);
    let page = followed.page(&client, 0, head, 1000).await.expect("a page");
    assert_eq!(page.events.iter().map(|e| e.position).collect::<Vec<_>>(), accounts);
    assert_eq!((page.to, page.unknown.is_none()), (head, true));
    // Not more than asked for: then it ends with the last one.
    let first = followed.page(&client, 0, head, 2).await.expect("a page");
    assert_eq!((first.events.len(), first.to), (2, accounts[1]));
    let rest = followed.page(&client, first.to, head, 1000).await.expect("a page");
    assert_eq!(rest.events.len(), accounts.len() - 2);
    // Nothing that concerns it: moved on all the same, and not beyond where it was asked to end.
    let none = Followed::of(&["dream"]).page(&client, 0, head - 1, 10).await.expect("a page");
    assert_eq!((none.events.len(), none.to), (0, head - 1));
    assert!(streams.iter().all(|s| page.events.iter().any(|e| e.stream_id == *s)));
    let nowhere = followed.page(&client, head, head, 10).await.expect("a page");
    assert_eq!((nowhere.events.len(), nowhere.to), (0, head));
    studio.close().await;
}

/// Writes `many` events, each of a stream of its own.
async fn fill(studio: &Studio, many: usize) {
    let cx = &studio.instance.services;
    let slot = "2031-01-01T00:00:00Z";
    let payload = serde_json::json!({ "job": "of-this-test", "slot": slot });
    let event = NewEvent { kind: "RunRequested".into(), type_version: 1, payload: payload.to_string() };
    let meta = Metadata::system("test", cx.clock.new_id(), cx.clock.now());
    let metadata = serde_json::to_string(&meta).expect("written");
    let appends = (0..many).map(|_| {
        cx.journal.append(Append {
            stream_id: format!("run-{}", Uuid::now_v7()),
            expected: 0,
            command_id: Uuid::now_v7(),
            effective_at: cx.clock.now(),
            metadata: metadata.clone(),
            events: vec![event.clone()],
            vault: vec![],
            claims: vec![],
            releases: vec![],
            basis: None,
        })
    });
    let written: Vec<_> = stream::iter(appends).buffer_unordered(256).collect().await;
    assert!(written.iter().all(Result::is_ok));
    studio.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_folded_in_memory_is_rebuilt_over_many_pages() {
    let (studio, _) = people().await;
    fill(&studio, 5_000).await;
    let figures = "select json_agg(f order by f::text)::text from views.figures_subjects f";
    let before: Option<String> = studio.client().await.query_one(figures, &[]).await.expect("rows").get(0);
    let rebuilt = studio.instance.projector.rebuild_live("figures", |_, _| {});
    let rebuilt = tokio::time::timeout(std::time::Duration::from_secs(60), rebuilt).await;
    assert!(rebuilt.expect("it ends").expect("rebuilt").position > 5_000);
    let after: Option<String> = studio.client().await.query_one(figures, &[]).await.expect("rows").get(0);
    assert_eq!(before, after);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_of_before_an_upgrade_leaves_the_tables_of_the_newer_one_alone() {
    let (studio, _) = people().await;
    let projector = only(&studio, Kinds { faulty: None, apart: true });
    projector.prepare().await.expect("prepared");
    while projector.step().await.expect("folded") {}
    let before = rows(&studio).await;
    // Another process has made the table anew, for code of its own.
    let sql = "update checkpoints set version = 2, position = 0 where name = 'kinds'; delete from kinds";
    studio.superuser().await.batch_execute(sql).await.expect("an upgrade");
    assert!(!projector.step().await.expect("nothing to do"));
    assert!(rows(&studio).await.is_empty() && !before.is_empty());
    // Without a checkpoint it does not begin at the first event for ever.
    studio
        .superuser()
        .await
        .batch_execute("delete from checkpoints where name = 'kinds'")
        .await
        .expect("gone");
    let error = projector.step().await.expect_err("said").to_string();
    assert!(error.contains("kinds") && error.contains("restart"), "{error}");
    studio.close().await;
}

/// Entries of a diary, which none of the site's lists knows.
async fn entries(studio: &Studio, many: usize) -> i64 {
    let cx = &studio.instance.services;
    let event =
        || NewEvent { kind: "EntryWritten".into(), type_version: 1, payload: "{\"number\":1}".into() };
    let append = Append {
        stream_id: format!("diary-{}", Uuid::now_v7()),
        expected: 0,
        command_id: Uuid::now_v7(),
        effective_at: cx.clock.now(),
        metadata: format!(r#"{{"actor":"visitor","correlation":"{}"}}"#, Uuid::now_v7()),
        events: (0..many).map(|_| event()).collect(),
        vault: vec![],
        claims: vec![],
        releases: vec![],
        basis: None,
    };
    cx.journal.append(append).await.expect("written").position
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_made_anew_keeps_no_other_waiting() {
    known::know::<DiaryEvent>();
    // Nobody but this test folds here.
    let studio = Studio::with_roles(Roles { web: true, ..Roles::default() }).await;
    let cx = &studio.instance.services;
    let projector =
        Projector { projected: Arc::new(watch::Sender::new(0)), ..studio.instance.projector.clone() };
    let head = entries(&studio, 3_000).await;
    while projector.step().await.expect("folded") {}
    let place = async |name: &str| -> (i64, i64) {
        let sql = "select position, anew_until from checkpoints where name = $1";
        let row = studio.client().await.query_one(sql, &[&name]).await.expect("a place");
        (row.get(0), row.get(1))
    };
    assert_eq!((place("coupons").await.0, place("orders").await.0), (head, head));
    assert!(!cx.reader.any_made_anew().await.expect("read"));
    projector.rebuild("coupons").await.expect("begun anew");
    assert_eq!(place("coupons").await, (0, head));
    assert_eq!(cx.lag().await.expect("read"), 0, "what is made anew is not behind");
    assert!(cx.reader.any_made_anew().await.expect("read"));
    // What happens now is in the other lists after one step, and who waits for lists waits no longer than that.
    let new = entries(&studio, 1).await;
    assert!(projector.step().await.expect("folded"));
    let (anew, _) = place("coupons").await;
    assert_eq!(place("orders").await.0, new);
    assert!(anew > 0 && anew < head, "{anew} of {head}");
    assert_eq!(*projector.projected.borrow(), new);
    assert!(cx.reader.wait_for(new, Duration::from_secs(10)).await.expect("read"));
    let acts_on = cx.reader.wait_for_these(&["coupons"], new, Duration::from_millis(50)).await.expect("read");
    assert!(!acts_on, "who acts on what a list says waits for all of it");
    while projector.step().await.expect("folded") {}
    assert_eq!(place("coupons").await.0, new);
    assert!(!cx.reader.any_made_anew().await.expect("read"));

    // An older build that looks at this studio takes no place away, and makes no list anew, until it serves alone.
    let client = studio.client().await;
    client
        .execute("update checkpoints set version = version + 1 where name = 'orders'", &[])
        .await
        .expect("newer");
    let lists: Vec<_> = projector.projections.iter().filter(|p| p.name() != "coupons").cloned().collect();
    let older = Projector { projections: Arc::new(lists), process: Uuid::now_v7(), ..projector.clone() };
    older.prepare().await.expect("prepared");
    assert_eq!((place("coupons").await.0, place("orders").await.0), (new, new));
    checkpoint::lease(&**client, "projector", Uuid::now_v7(), 3.0).await.expect("another process folds");
    older.take_over().await.expect("left alone");
    assert_eq!((place("coupons").await.0, place("orders").await.0), (new, new));
    client.execute("delete from leases", &[]).await.expect("it ended");
    older.take_over().await.expect("its own now");
    assert_eq!(place("orders").await, (0, new));
    let left = "select count(*) from checkpoints where name = 'coupons'";
    assert_eq!(client.query_one(left, &[]).await.expect("count").get::<_, i64>(0), 0);
    drop(client);
    studio.close().await;
}
