//! Kinora's projector over a full log: two projections of diaries, folded in three ways.

use crate::Trouble;
use async_trait::async_trait;
use futures_util::SinkExt;
use kinora::actors::projector::Projector;
use kinora::clock::Clock;
use kinora::metrics::Metrics;
use kinora::projections::{InMemory, Projection, ProjectionError};
use kinora::store::pool::{Database, Pool};
use kinora::store::{Journal, RecordedEvent, Transaction};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tokio::sync::watch;
use uuid::Uuid;

/// How many events of each type there are.
pub struct Counting;

#[async_trait]
impl Projection for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }
    fn version(&self) -> i32 {
        1
    }
    fn tables(&self) -> &'static [&'static str] {
        &["counts"]
    }
    fn ddl(&self) -> &'static str {
        "create table if not exists counts (type text primary key, many bigint not null)"
    }
    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        self.apply_page(tx, std::slice::from_ref(event)).await
    }
    async fn apply_page(
        &self,
        tx: &Transaction<'_>,
        events: &[RecordedEvent],
    ) -> Result<(), ProjectionError> {
        let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
        for event in events {
            *counts.entry(&event.kind).or_default() += 1;
        }
        let (kinds, many): (Vec<&str>, Vec<i64>) = counts.into_iter().unzip();
        let sql = "insert into counts as c select * from unnest($1::text[], $2::bigint[])
                   on conflict (type) do update set many = c.many + excluded.many";
        tx.execute(sql, &[&kinds, &many]).await?;
        Ok(())
    }
}

/// A row for each diary. `in_pages`: a page in one statement; else an event a statement.
pub struct Diaries {
    pub name: &'static str,
    pub in_pages: bool,
}

/// What a row of a diary is made of.
#[derive(Clone, Copy, Default)]
struct Row {
    entries: i64,
    letters: i64,
}

impl Row {
    fn take(&mut self, event: &RecordedEvent) {
        let letters = event.payload["text"].as_str().map_or(0, str::len);
        self.entries = event.payload["number"].as_i64().unwrap_or_default();
        self.letters += i64::try_from(letters).unwrap_or_default();
    }
}

pub const UPSERT: &str = "insert into diaries as d (stream, entries, letters)
    select * from unnest($1::uuid[], $2::bigint[], $3::bigint[])
    on conflict (stream) do update set entries = excluded.entries, letters = d.letters + excluded.letters";

#[async_trait]
impl Projection for Diaries {
    fn name(&self) -> &'static str {
        self.name
    }
    fn version(&self) -> i32 {
        1
    }
    fn tables(&self) -> &'static [&'static str] {
        &["diaries"]
    }
    fn ddl(&self) -> &'static str {
        "create table if not exists diaries (stream uuid primary key, entries bigint not null, letters bigint not null)"
    }
    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        let mut row = Row::default();
        row.take(event);
        let sql = "insert into diaries as d (stream, entries, letters) values ($1, $2, $3)
            on conflict (stream) do update set entries = excluded.entries, letters = d.letters + excluded.letters";
        tx.execute(sql, &[&event.stream_uuid(), &row.entries, &row.letters]).await?;
        Ok(())
    }
    async fn apply_page(
        &self,
        tx: &Transaction<'_>,
        events: &[RecordedEvent],
    ) -> Result<(), ProjectionError> {
        if !self.in_pages {
            for event in events {
                self.apply(tx, event).await?;
            }
            return Ok(());
        }
        let mut rows: BTreeMap<Uuid, Row> = BTreeMap::new();
        for event in events {
            rows.entry(event.stream_uuid()).or_default().take(event);
        }
        let streams: Vec<Uuid> = rows.keys().copied().collect();
        let entries: Vec<i64> = rows.values().map(|r| r.entries).collect();
        let letters: Vec<i64> = rows.values().map(|r| r.letters).collect();
        tx.execute(UPSERT, &[&streams, &entries, &letters]).await?;
        Ok(())
    }
    fn in_memory(&self) -> Option<Box<dyn InMemory>> {
        Some(Box::new(Memory::default()))
    }
}

#[derive(Default)]
struct Memory(HashMap<Uuid, Row>);

#[async_trait]
impl InMemory for Memory {
    fn fold(&mut self, event: &RecordedEvent) -> Result<(), ProjectionError> {
        self.0.entry(event.stream_uuid()).or_default().take(event);
        Ok(())
    }
    async fn write(&self, tx: &Transaction<'_>) -> Result<(), ProjectionError> {
        let mut sink = Box::pin(tx.copy_in("copy diaries (stream, entries, letters) from stdin").await?);
        let mut text = String::new();
        for (stream, row) in &self.0 {
            text.push_str(&format!("{stream}\t{}\t{}\n", row.entries, row.letters));
            if text.len() > 64 << 10 {
                sink.send(bytes::Bytes::from(std::mem::take(&mut text))).await?;
            }
        }
        sink.send(bytes::Bytes::from(text)).await?;
        sink.as_mut().finish().await?;
        Ok(())
    }
}

/// A projector of one projection, at the beginning of the log.
pub async fn projector(
    database: &Database,
    pool: &Pool,
    projection: impl Projection,
) -> Result<Projector, Trouble> {
    kinora::store::known::know::<crate::work::DiaryEvent>();
    let metrics = Metrics::shared()?;
    let journal = Journal::start(database.clone(), Clock::system(), Arc::clone(&metrics));
    let name = projection.name();
    let projector = Projector {
        projections: Arc::new(vec![Arc::new(projection)]),
        pool: pool.clone(),
        journal,
        metrics,
        process: Uuid::now_v7(),
        projected: Arc::new(watch::Sender::new(0)),
    };
    projector.prepare().await?;
    projector.rebuild(name).await?;
    Ok(projector)
}
