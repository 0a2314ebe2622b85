//! A transaction whose statements are parsed and planned once for its connection.

use super::{Client, StoreError};
use std::ops::Deref;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, IsolationLevel, Row};

/// What a fold asks is a handful of statements, asked for every event, each by a key: they are kept, and planned
/// for keys in general. A plan made while a table was empty must not scan it for ever. Where only a scan is left it
/// counts as endlessly dear, for which PostgreSQL would compile it each time.
const BY_KEY: &str =
    "set local plan_cache_mode = force_generic_plan; set local enable_seqscan = off; set local jit = off";

/// A transaction of a pooled connection; its statements are kept by the connection. Everything else is as in
/// [`tokio_postgres::Transaction`].
pub struct Transaction<'a>(deadpool_postgres::Transaction<'a>);

impl<'a> Transaction<'a> {
    /// Begins one that looks rows up by their keys.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn begin(client: &'a mut Client) -> Result<Self, StoreError> {
        let this = Self(client.transaction().await?);
        this.batch_execute(BY_KEY).await?;
        Ok(this)
    }

    /// As [`Transaction::begin`], and sees the database as it is now until it ends.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn of_one_moment(client: &'a mut Client) -> Result<Self, StoreError> {
        let begun = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead);
        let this = Self(begun.start().await?);
        this.batch_execute(BY_KEY).await?;
        Ok(this)
    }

    /// As [`tokio_postgres::Transaction::execute`].
    ///
    /// # Errors
    /// As there.
    pub async fn execute(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<u64, Error> {
        self.0.execute(&self.0.prepare_cached(sql).await?, params).await
    }

    /// As [`tokio_postgres::Transaction::query`].
    ///
    /// # Errors
    /// As there.
    pub async fn query(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Error> {
        self.0.query(&self.0.prepare_cached(sql).await?, params).await
    }

    /// As [`tokio_postgres::Transaction::query_one`].
    ///
    /// # Errors
    /// As there.
    pub async fn query_one(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Row, Error> {
        self.0.query_one(&self.0.prepare_cached(sql).await?, params).await
    }

    /// As [`tokio_postgres::Transaction::query_opt`].
    ///
    /// # Errors
    /// As there.
    pub async fn query_opt(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, Error> {
        self.0.query_opt(&self.0.prepare_cached(sql).await?, params).await
    }

    /// As [`tokio_postgres::Transaction::commit`].
    ///
    /// # Errors
    /// As there.
    pub async fn commit(self) -> Result<(), Error> {
        self.0.commit().await
    }

    /// As [`tokio_postgres::Transaction::rollback`].
    ///
    /// # Errors
    /// As there.
    pub async fn rollback(self) -> Result<(), Error> {
        self.0.rollback().await
    }
}

impl<'a> Deref for Transaction<'a> {
    type Target = tokio_postgres::Transaction<'a>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
