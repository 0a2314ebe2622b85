//! Readers of the log: what concerns them, streams folded side by side, and faults that stop nobody else.

use crate::accounts::person;
use crate::support::Studio;
use async_trait::async_trait;
use kinora::actors::projector::Projector;
use kinora::domain::shared::Role;
use kinora::projections::{Projection, ProjectionError};
use kinora::store::followed::Followed;
use kinora::store::{RecordedEvent, Transaction, log};
use std::sync::Arc;
use tokio::sync::watch;

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
