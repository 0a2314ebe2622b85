//! What others do: `postgres-es` as published, and one transaction an append in two forms.

use crate::contender::{Contender, Trouble};
use crate::work::{self, Diary, DiaryCommand, Pen};
use futures_util::future::BoxFuture;
use kinora::store::address::Address;
use kinora::store::pool::connect;
use postgres_es::{PostgresCqrs, postgres_cqrs};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::path::Path;
use tokio::sync::{Mutex, Semaphore};
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

/// `CqrsFramework::execute` over `postgres-es`, with its own pool of ten connections.
pub struct PostgresEs(PostgresCqrs<Diary>);

impl PostgresEs {
    /// Makes the table of `db/init.sql` of that crate and connects.
    pub async fn open(socket: &Path, database: &str) -> Result<Self, Trouble> {
        let options = PgConnectOptions::new().socket(socket).username("postgres").database(database);
        let pool = PgPoolOptions::new().max_connections(10).connect_with(options).await?;
        sqlx::raw_sql(
            "create table events (aggregate_type text not null, aggregate_id text not null,
             sequence bigint check (sequence >= 0) not null, event_type text not null, event_version text not null,
             payload json not null, metadata json not null, primary key (aggregate_type, aggregate_id, sequence))",
        )
        .execute(&pool)
        .await?;
        Ok(Self(postgres_cqrs(pool, Vec::new(), ())))
    }

    /// One more entry into a diary.
    pub async fn write(&self, diary: Uuid) -> Result<(), Trouble> {
        Ok(self
            .0
            .execute_with_metadata(&diary.to_string(), DiaryCommand::Write, work::metadata_map())
            .await?)
    }
}

impl Contender for PostgresEs {
    fn name(&self) -> &'static str {
        "postgres-es execute"
    }

    fn append<'a>(&'a self, pen: &'a mut Pen) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(self.write(pen.stream))
    }
}

/// One transaction for each append over sixteen connections.
pub struct OneEach {
    name: &'static str,
    connections: Mutex<Vec<(Client, Statement)>>,
    free: Semaphore,
}

const CONNECTIONS: usize = 16;
const TABLE: &str = "create table events (position bigint primary key, stream_id text not null, version bigint not null,
    type text not null, command_id uuid not null, recorded_at timestamptz not null default now(), payload json not null,
    metadata json not null, unique (stream_id, version));
    create table head (one boolean primary key, position bigint not null); insert into head values (true, 0);
    create sequence positions";

impl OneEach {
    /// Positions from a sequence: quick, but a reader that resumes behind the last one misses events.
    pub async fn unsafe_order(config: &Address) -> Result<Self, Trouble> {
        let sql = "insert into events (position, stream_id, version, type, command_id, payload, metadata)
                   values (nextval('positions'), $1, $2, $3, $4, $5::text::json, $6::text::json)";
        Self::open("one transaction each, unsafe order", config, sql).await
    }

    /// Positions from a row that each transaction locks.
    pub async fn safe_order(config: &Address) -> Result<Self, Trouble> {
        let sql = "with h as (update head set position = position + 1 where one returning position)
                   insert into events (position, stream_id, version, type, command_id, payload, metadata)
                   select position, $1, $2, $3, $4, $5::text::json, $6::text::json from h";
        Self::open("one transaction each, safe order", config, sql).await
    }

    async fn open(name: &'static str, config: &Address, sql: &str) -> Result<Self, Trouble> {
        connect(config).await?.batch_execute(TABLE).await?;
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            let client = connect(config).await?;
            let statement = client.prepare(sql).await?;
            connections.push((client, statement));
        }
        Ok(Self { name, connections: Mutex::new(connections), free: Semaphore::new(CONNECTIONS) })
    }
}

impl Contender for OneEach {
    fn name(&self) -> &'static str {
        self.name
    }

    fn append<'a>(&'a self, pen: &'a mut Pen) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let _permit = self.free.acquire().await?;
            let (client, statement) = self.connections.lock().await.pop().ok_or("no connection")?;
            let (stream, payload, metadata) =
                (format!("diary-{}", pen.stream), work::payload(), work::metadata_json());
            let done = client
                .execute(
                    &statement,
                    &[&stream, &(pen.version + 1), &work::kind(), &Uuid::now_v7(), &payload, &metadata],
                )
                .await;
            self.connections.lock().await.push((client, statement));
            done?;
            Ok(())
        })
    }
}
