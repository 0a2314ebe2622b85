//! What the adapter remembers beside the log: the number of each charge at Stripe, and of each account.

use crate::adapters::gateways::GatewayError;
use deadpool_postgres::{Client, Pool};
use tokio_postgres::Row;
use uuid::Uuid;

/// The books.
#[derive(Clone)]
pub(super) struct Books {
    pool: Pool,
}

/// What stands under a key.
pub(super) struct Entry {
    /// Its number at Stripe, once there is one.
    pub intent: Option<String>,
    /// It must not be charged any more.
    pub barred: bool,
}

/// Trouble with the books is as good as no answer.
fn lost(error: impl std::fmt::Display) -> GatewayError {
    tracing::warn!(%error, "the books of the Stripe adapter cannot be used");
    GatewayError::TimedOut
}

fn entry(row: &Row) -> Entry {
    Entry { intent: row.get(0), barred: row.get(1) }
}

impl Books {
    pub(super) const fn new(pool: Pool) -> Self {
        Self { pool }
    }

    async fn client(&self) -> Result<Client, GatewayError> {
        self.pool.get().await.map_err(lost)
    }

    /// Opens a key, or gives what stands under it.
    pub(super) async fn open(&self, key: Uuid) -> Result<Entry, GatewayError> {
        let client = self.client().await?;
        let insert = "insert into public.stripe_charges (key) values ($1) on conflict do nothing";
        client.execute(insert, &[&key]).await.map_err(lost)?;
        let sql = "select payment_intent, barred from public.stripe_charges where key = $1";
        client.query_one(sql, &[&key]).await.map(|r| entry(&r)).map_err(lost)
    }

    /// What stands under a key.
    pub(super) async fn find(&self, key: Uuid) -> Result<Option<Entry>, GatewayError> {
        let sql = "select payment_intent, barred from public.stripe_charges where key = $1";
        let row = self.client().await?.query_opt(sql, &[&key]).await.map_err(lost)?;
        Ok(row.map(|r| entry(&r)))
    }

    /// Notes the number of a charge; `false` if the key was barred meanwhile.
    pub(super) async fn note(&self, key: Uuid, intent: &str) -> Result<bool, GatewayError> {
        let sql = "update public.stripe_charges set payment_intent = $2 where key = $1 and not barred";
        let changed = self.client().await?.execute(sql, &[&key, &intent]).await.map_err(lost)?;
        Ok(changed == 1)
    }

    /// Bars a key that has no number yet; gives the number if it has one.
    pub(super) async fn bar(&self, key: Uuid) -> Result<Option<String>, GatewayError> {
        let sql = "insert into public.stripe_charges (key, barred) values ($1, true)
             on conflict (key) do update set barred = stripe_charges.payment_intent is null
             returning payment_intent";
        self.client().await?.query_one(sql, &[&key]).await.map(|r| r.get(0)).map_err(lost)
    }

    /// The key of a charge by its number.
    pub(super) async fn key_of(&self, intent: &str) -> Result<Option<Uuid>, GatewayError> {
        let sql = "select key from public.stripe_charges where payment_intent = $1";
        let row = self.client().await?.query_opt(sql, &[&intent]).await.map_err(lost)?;
        Ok(row.map(|r| r.get(0)))
    }

    /// The number of an account.
    pub(super) async fn customer(&self, account: Uuid) -> Result<Option<String>, GatewayError> {
        let sql = "select customer from public.stripe_customers where account = $1";
        let row = self.client().await?.query_opt(sql, &[&account]).await.map_err(lost)?;
        Ok(row.map(|r| r.get(0)))
    }

    /// Notes the number of an account; the first one stays.
    pub(super) async fn note_customer(&self, account: Uuid, customer: &str) -> Result<(), GatewayError> {
        let sql =
            "insert into public.stripe_customers (account, customer) values ($1, $2) on conflict do nothing";
        self.client().await?.execute(sql, &[&account, &customer]).await.map_err(lost)?;
        Ok(())
    }
}
