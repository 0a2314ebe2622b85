//! What others do: one transaction an event, and `QueryReplay` with `GenericQuery` over `postgres-es`.

use crate::Trouble;
use crate::work::{Diary, DiaryEvent};
use cqrs_es::persist::{GenericQuery, PersistedEventStore, QueryReplay};
use cqrs_es::{EventEnvelope, EventStore, View};
use kinora::store::log;
use postgres_es::{PostgresEventRepository, PostgresViewRepository};
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_postgres::Client;

/// Folds the first `many` events into `diaries`, each in a transaction with its checkpoint.
pub async fn one_each(client: &mut Client, many: i64, durable: bool) -> Result<Duration, Trouble> {
    let wait = if durable { "on" } else { "off" };
    client
        .batch_execute(&format!(
            "set synchronous_commit = {wait}; drop table if exists views.diaries;
             create table views.diaries (stream uuid primary key, entries bigint not null, letters bigint not null);
             insert into checkpoints (name, kind, position) values ('one-each', 'projection', 0)
             on conflict (name) do update set position = 0"
        ))
        .await?;
    let upsert = client
        .prepare(
            "insert into views.diaries as d (stream, entries, letters) values ($1, $2, $3)
             on conflict (stream) do update set entries = excluded.entries, letters = d.letters + excluded.letters",
        )
        .await?;
    let advance = client
        .prepare("update checkpoints set position = $2 where name = 'one-each' and position = $1")
        .await?;
    let (begun, mut at) = (Instant::now(), 0);
    while at < many {
        for event in log::after(client, at, Some(many), 1000).await? {
            let tx = client.transaction().await?;
            let letters = event.payload["text"].as_str().map_or(0, str::len) as i64;
            let number = event.payload["number"].as_i64().unwrap_or_default();
            tx.execute(&upsert, &[&event.stream_uuid(), &number, &letters]).await?;
            tx.execute(&advance, &[&at, &event.position]).await?;
            tx.commit().await?;
            at = event.position;
        }
    }
    let took = begun.elapsed();
    client.execute("delete from checkpoints where name = 'one-each'", &[]).await?;
    Ok(took)
}

/// The row of a diary as `cqrs-es` keeps it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct DiaryView {
    entries: u64,
    letters: usize,
}

impl View<Diary> for DiaryView {
    fn update(&mut self, event: &EventEnvelope<Diary>) {
        let DiaryEvent::EntryWritten { number, text } = &event.payload;
        self.entries = *number;
        self.letters += text.len();
    }
}

/// `postgres-es` over its own tables, filled with the same events.
pub struct PostgresEs(PgPool);

impl PostgresEs {
    /// `many` events on streams of twenty, and the streams of `lengths` for loading.
    pub async fn fill(
        socket: &Path,
        database: &str,
        many: i64,
        payload: &str,
        lengths: &[i64],
    ) -> Result<Self, Trouble> {
        let options = PgConnectOptions::new().socket(socket).username("postgres").database(database);
        let pool = PgPoolOptions::new().max_connections(10).connect_with(options).await?;
        let table = |name: &str| {
            format!(
                "create table {name} (aggregate_type text not null, aggregate_id text not null,
                 sequence bigint check (sequence >= 0) not null, event_type text not null, event_version text not null,
                 payload json not null, metadata json not null, primary key (aggregate_type, aggregate_id, sequence));"
            )
        };
        let row = |n: &str| {
            format!(
                r#"replace('{{"type":"EntryWritten","data":{payload}}}', '"number":1', '"number":' || {n})::json"#
            )
        };
        let streams = (many / 20).max(1);
        let mut sql = table("events") + &table("long_events");
        sql += "create table diaries (view_id text primary key, version bigint check (version >= 0) not null, payload json not null);";
        sql += &format!(
            "insert into events select 'diary', lpad(to_hex(p % {streams}), 32, '0'), p / {streams} + 1, 'EntryWritten', '1', {}, '{{}}'
             from generate_series(0, {many} - 1) p;",
            row(&format!("(p / {streams} + 1)"))
        );
        for length in lengths {
            sql += &format!(
                "insert into long_events select 'diary', '{length}', n, 'EntryWritten', '1', {}, '{{}}' from generate_series(1, {length}) n;",
                row("n")
            );
        }
        sql += "analyze";
        sqlx::raw_sql(&sql).execute(&pool).await?;
        Ok(Self(pool))
    }

    /// Everything through `QueryReplay`.
    pub async fn replay(&self) -> Result<Duration, Trouble> {
        let views = Arc::new(PostgresViewRepository::<DiaryView, Diary>::new("diaries", self.0.clone()));
        let query = GenericQuery::<_, DiaryView, Diary>::new(views);
        let replay = QueryReplay::new(PostgresEventRepository::new(self.0.clone()), query);
        let begun = Instant::now();
        replay.replay_all().await?;
        Ok(begun.elapsed())
    }

    /// Loads the stream of that length.
    pub async fn load(&self, length: i64) -> Result<(), Trouble> {
        let repository = PostgresEventRepository::new(self.0.clone()).with_tables("long_events", "snapshots");
        let store = PersistedEventStore::<_, Diary>::new_event_store(repository);
        store.load_aggregate(&length.to_string()).await?;
        Ok(())
    }
}
