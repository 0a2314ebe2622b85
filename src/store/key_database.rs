//! Wrapped data keys in a database of their own, for several machines. It must lie in another PostgreSQL cluster
//! than the log, or a backup of that would bring destroyed keys back.

use super::StoreError;
use super::pool::{Database, Pool, connect};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use uuid::Uuid;

/// Connections for keys: each is held for one short statement.
const CONNECTIONS: usize = 4;

/// The database.
#[derive(Clone)]
pub(super) struct KeyDatabase {
    pool: Pool,
}

impl KeyDatabase {
    /// Connects, makes the table if it is not there, and makes sure that it is not the cluster of `log`.
    pub async fn open(url: &str, log: &Database) -> Result<Self, StoreError> {
        let database = Database::by_url(url)?;
        let client = connect(&database.owner).await?;
        if started(&client).await? == started(&connect(&log.owner).await?).await? {
            return Err(StoreError::Vault(
                "keys_database_url names a database in the cluster of the event log: keys must lie in another \
                 cluster, or a backup of the log would bring destroyed keys back"
                    .into(),
            ));
        }
        client
            .batch_execute(
                "create table if not exists public.kinora_data_keys (
                    subject uuid primary key,
                    wrapped bytea not null)",
            )
            .await?;
        Ok(Self { pool: database.pool(CONNECTIONS)? })
    }

    /// The wrapped keys of those of `subjects` that have one.
    pub async fn read_many(&self, subjects: &[Uuid]) -> Result<HashMap<Uuid, Vec<u8>>, StoreError> {
        let sql = "select subject, wrapped from public.kinora_data_keys where subject = any($1)";
        let rows = self.pool.get().await?.query(sql, &[&subjects]).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// Keeps a wrapped key; false if there is one already, which then counts.
    pub async fn put(&self, subject: Uuid, wrapped: &[u8]) -> Result<bool, StoreError> {
        let sql = "insert into public.kinora_data_keys values ($1, $2) on conflict do nothing";
        Ok(self.pool.get().await?.execute(sql, &[&subject, &wrapped]).await? == 1)
    }

    /// Removes a key and the dead row that it leaves behind.
    pub async fn destroy(&self, subject: Uuid) -> Result<(), StoreError> {
        let client = self.pool.get().await?;
        let gone =
            client.execute("delete from public.kinora_data_keys where subject = $1", &[&subject]).await?;
        if gone > 0
            && let Err(error) = client.batch_execute("vacuum public.kinora_data_keys").await
        {
            // It is deleted; that the page is swept at once needs the table's owner.
            tracing::warn!(%error, "the table of keys could not be vacuumed");
        }
        Ok(())
    }

    /// Puts `after` in the place of `before`; false if that is not what is there, and then nothing is changed.
    pub async fn exchange(&self, subject: Uuid, before: &[u8], after: &[u8]) -> Result<bool, StoreError> {
        let sql = "update public.kinora_data_keys set wrapped = $3 where subject = $1 and wrapped = $2";
        Ok(self.pool.get().await?.execute(sql, &[&subject, &before, &after]).await? == 1)
    }

    /// Everybody who has a key.
    pub async fn subjects(&self) -> Result<Vec<Uuid>, StoreError> {
        let rows = self.pool.get().await?.query("select subject from public.kinora_data_keys", &[]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }
}

/// To the microsecond, and every role may ask: that tells one running server from another.
async fn started(client: &tokio_postgres::Client) -> Result<DateTime<Utc>, StoreError> {
    Ok(client.query_one("select pg_postmaster_start_time()", &[]).await?.get(0))
}
