//! Tables folded from events, one file per page, list or report, each with its table, its `apply`
//! and its queries.

pub mod access;
pub mod account_acts;
mod approval_words;
pub mod approvals;
pub mod attempts;
pub mod catalogue;
pub mod comment_places;
pub mod comments;
pub mod coupons;
mod credit_words;
pub mod credits;
mod debit_words;
pub mod debits;
pub mod deletion_requests;
mod due_day_words;
pub mod exchange_rates;
pub mod figures;
pub mod fulfilments;
mod gift_words;
pub mod gifts;
pub mod invoices;
pub mod lost_disputes;
pub mod media;
pub mod media_queue;
pub mod movements;
pub mod operator;
mod order_lists;
mod order_words;
pub mod orders;
pub mod payment_list;
pub mod people;
mod plan_change_words;
pub mod plan_mix;
pub mod plans;
pub mod refunds;
mod renewal_words;
pub mod site;
pub mod sorting;
pub mod statistics;
pub mod studio_zone;
mod subscription_lists;
pub mod subscription_timeline;
pub mod subscription_words;
pub mod subscriptions;
pub mod tax_rates;
pub mod tax_report;
mod team_words;
pub mod teams;

use crate::domain::shared::PersonalRef;
use crate::store::checkpoint;
use crate::store::event::DecodeError;
use crate::store::{Client, Pool, RecordedEvent, StoreError, Transaction, Vault};
use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use std::collections::{BTreeMap, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::LazyLock;
use std::time::Duration;
use tokio::sync::watch;

/// Folds events into tables. `apply` runs in the transaction that moves the checkpoint, so every
/// event has its effect exactly once.
#[async_trait]
pub trait Projection: Send + Sync + 'static {
    /// Name, after the page or report.
    fn name(&self) -> &'static str;
    /// Version of tables and `apply`; a new one is rebuilt from the log at the next start.
    fn version(&self) -> i32;
    /// Its tables.
    fn tables(&self) -> &'static [&'static str];
    /// `create table …` statements. The tables lie in the schema `views`, found by the search path.
    fn ddl(&self) -> &'static str;
    /// Folds one event. Must be deterministic: only the event and the own tables count.
    ///
    /// # Errors
    /// An error parks the event's stream for this projection and shows it to operators.
    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError>;

    /// Whether an event only ever touches, and looks at, rows that no event of another stream touches, or adds to
    /// them what may be added in any order. Streams of a page are then folded side by side.
    fn streams_apart(&self) -> bool {
        false
    }

    /// Folds a page of events in their order. One after the other, or stream beside stream, unless a projection
    /// knows how to write a whole page in few statements; the tables must be the same either way.
    ///
    /// # Errors
    /// Nothing of the page counts then, and its events are folded one by one.
    async fn apply_page(
        &self,
        tx: &Transaction<'_>,
        events: &[RecordedEvent],
    ) -> Result<(), ProjectionError> {
        let mut lanes: BTreeMap<&str, Vec<&RecordedEvent>> = BTreeMap::new();
        for event in events {
            let lane = if self.streams_apart() { event.stream_id.as_str() } else { "" };
            lanes.entry(lane).or_default().push(event);
        }
        // On one connection: what one lane asks is on its way while the answer to another is digested.
        // Boxed by name, or the compiler cannot see that the whole may move between threads.
        let lanes: Vec<BoxFuture<'_, _>> = lanes
            .into_values()
            .map(|events| {
                async move {
                    for event in events {
                        self.apply(tx, event).await?;
                    }
                    Ok(())
                }
                .boxed()
            })
            .collect();
        stream::iter(lanes).buffer_unordered(LANES).try_collect().await
    }

    /// For a rebuild: folds in memory, which takes room for all its rows, and writes them at the end.
    /// None: it is folded in its tables.
    fn in_memory(&self) -> Option<Box<dyn InMemory>> {
        None
    }
}

/// Streams of a page that are folded side by side.
const LANES: usize = 32;

/// A projection's rows in memory, while they are folded anew.
#[async_trait]
pub trait InMemory: Send {
    /// Folds one event, as [`Projection::apply`] does.
    ///
    /// # Errors
    /// As there.
    fn fold(&mut self, event: &RecordedEvent) -> Result<(), ProjectionError>;
    /// Writes all rows into empty tables.
    ///
    /// # Errors
    /// If the database refuses.
    async fn write(&self, tx: &Transaction<'_>) -> Result<(), ProjectionError>;
}

/// Folds one event. One that panics is one that cannot be folded: a fault in one row must not stop all lists.
///
/// # Errors
/// As [`Projection::apply`], and for a panic.
pub async fn apply_guarded(
    projection: &dyn Projection,
    tx: &Transaction<'_>,
    event: &RecordedEvent,
) -> Result<(), ProjectionError> {
    // Nothing is used on afterwards: the transaction is given up with an error.
    let applied = AssertUnwindSafe(projection.apply(tx, event)).catch_unwind().await;
    applied.unwrap_or_else(|_| Err(ProjectionError::Data(PANICKED.into())))
}

/// As [`apply_guarded`], a page.
///
/// # Errors
/// As [`Projection::apply_page`], and for a panic.
pub async fn apply_page_guarded(
    projection: &dyn Projection,
    tx: &Transaction<'_>,
    events: &[RecordedEvent],
) -> Result<(), ProjectionError> {
    let applied = AssertUnwindSafe(projection.apply_page(tx, events)).catch_unwind().await;
    applied.unwrap_or_else(|_| Err(ProjectionError::Data(PANICKED.into())))
}

const PANICKED: &str = "a fault of the program (a panic, see its log)";

/// Why an event could not be folded.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The event has an unknown form.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A value in a table has an unknown form.
    #[error("{0}")]
    Data(String),
}

impl ProjectionError {
    /// The error of the database, if it says nothing about the event: the same may work in a moment.
    ///
    /// # Errors
    /// Itself, if it is about the event.
    pub fn passing(self) -> Result<StoreError, Self> {
        match self {
            Self::Store(error) if error.is_passing() => Ok(error),
            other => Err(other),
        }
    }

    /// Whether a statement was cut off: it may have waited for a lock, or be too much for this event.
    #[must_use]
    pub fn is_time_out(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_time_out())
    }
}

impl From<tokio_postgres::Error> for ProjectionError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<serde_json::Error> for ProjectionError {
    fn from(error: serde_json::Error) -> Self {
        Self::Data(error.to_string())
    }
}

/// Why a query gave no answer.
pub type QueryError = StoreError;

/// The names of all projections of this build.
pub fn names() -> &'static [&'static str] {
    static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| all().iter().map(|p| p.name()).collect());
    &NAMES
}

/// All projections of Kinora.
#[must_use]
pub fn all() -> Vec<Arc<dyn Projection>> {
    vec![
        Arc::new(operator::Operator),
        Arc::new(statistics::StatisticsTable),
        Arc::new(figures::Figures),
        Arc::new(movements::Movements),
        Arc::new(plan_mix::PlanMix),
        Arc::new(catalogue::Catalogue),
        Arc::new(deletion_requests::DeletionRequests),
        Arc::new(people::People),
        Arc::new(account_acts::AccountActs),
        Arc::new(media::MediaWorks),
        Arc::new(plans::Plans),
        Arc::new(coupons::Coupons),
        Arc::new(gifts::Gifts),
        Arc::new(tax_rates::TaxRates),
        Arc::new(exchange_rates::ExchangeRates),
        Arc::new(subscriptions::Subscriptions),
        Arc::new(subscription_timeline::SubscriptionTimeline),
        Arc::new(orders::Orders),
        Arc::new(payment_list::PaymentList),
        Arc::new(refunds::Refunds),
        Arc::new(credits::Credits),
        Arc::new(fulfilments::Fulfilments),
        Arc::new(approvals::Approvals),
        Arc::new(debits::Debits),
        Arc::new(invoices::Invoices),
        Arc::new(lost_disputes::LostDisputes),
        Arc::new(teams::Teams),
        Arc::new(comments::Comments),
        Arc::new(site::SiteWords),
    ]
}

/// Reads projections and opens personal values. Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    pool: Pool,
    vault: Vault,
    /// How far the projectors of this process have come, if it runs any.
    projected: watch::Receiver<i64>,
}

impl Reader {
    /// A reader over a pool and a vault; `projected` tells of this process's projectors.
    #[must_use]
    pub fn new(pool: Pool, vault: Vault, projected: watch::Receiver<i64>) -> Self {
        Self { pool, vault, projected }
    }

    /// A connection whose unqualified names mean projections.
    ///
    /// # Errors
    /// If none can be had in time.
    pub async fn client(&self) -> Result<Client, QueryError> {
        Ok(self.pool.get().await?)
    }

    /// Opens a personal value; `None` if it was erased.
    ///
    /// # Errors
    /// If database or key store cannot be read.
    pub async fn open(&self, reference: &PersonalRef) -> Result<Option<String>, QueryError> {
        self.vault.open(&self.client().await?, reference).await
    }

    /// Opens many values at once; erased ones are missing in the answer.
    ///
    /// # Errors
    /// If database or key store cannot be read.
    pub async fn open_many(
        &self,
        references: &[PersonalRef],
    ) -> Result<HashMap<PersonalRef, String>, QueryError> {
        if references.is_empty() {
            return Ok(HashMap::new());
        }
        self.vault.open_many(&self.client().await?, references).await
    }

    /// The keyed hash under which a personal value was claimed.
    ///
    /// # Errors
    /// If the hash cannot be made.
    pub fn lookup_hash(&self, namespace: &str, value: &str) -> Result<String, QueryError> {
        self.vault.lookup_hash(namespace, value)
    }

    /// Who holds a claimed key: the stream's name.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn claimed_by(&self, namespace: &str, key: &str) -> Result<Option<String>, QueryError> {
        let row = self
            .client()
            .await?
            .query_opt(
                "select owner from public.claims where namespace = $1 and key = $2",
                &[&namespace, &key],
            )
            .await?;
        Ok(row.map(|r| r.get(0)))
    }

    /// Whether a projection is being made anew: pages that are made of it are not whole.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn any_made_anew(&self) -> Result<bool, QueryError> {
        let sql = "select exists (select from public.checkpoints
             where kind = 'projection' and name = any($1) and position < anew_until)";
        Ok(self.client().await?.query_one(sql, &[&names()]).await?.get(0))
    }

    /// Waits until all projections that are not being made anew have reached `position`; `false` if that takes longer than
    /// `patience`, then the page should say that it is still being updated.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn wait_for(&self, position: i64, patience: Duration) -> Result<bool, QueryError> {
        let deadline = tokio::time::Instant::now() + patience;
        let mut projected = self.projected.clone();
        loop {
            if *projected.borrow_and_update() >= position || self.projected_position().await? >= position {
                return Ok(true);
            }
            let soon = tokio::time::Instant::now() + Duration::from_millis(25);
            if soon > deadline {
                return Ok(false);
            }
            let _ = tokio::time::timeout_at(soon, projected.changed()).await;
        }
    }

    /// Waits until the projections called `names` have reached `position`, being made anew or not, however far the others
    /// are; `false` if that takes longer than `patience`. For those who act on what these lists say.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn wait_for_these(
        &self,
        names: &[&str],
        position: i64,
        patience: Duration,
    ) -> Result<bool, QueryError> {
        let deadline = tokio::time::Instant::now() + patience;
        let mut projected = self.projected.clone();
        let sql = "select count(*) from public.checkpoints where kind = 'projection' and name = any($1) and position >= $2";
        loop {
            projected.mark_unchanged();
            let there: i64 = self.client().await?.query_one(sql, &[&names, &position]).await?.get(0);
            if usize::try_from(there).ok() == Some(names.len()) {
                return Ok(true);
            }
            let soon = tokio::time::Instant::now() + Duration::from_millis(25);
            if soon > deadline {
                return Ok(false);
            }
            let _ = tokio::time::timeout_at(soon, projected.changed()).await;
        }
    }

    async fn projected_position(&self) -> Result<i64, QueryError> {
        let row = self.client().await?.query_one(checkpoint::CURRENT, &[&names()]).await?;
        Ok(row.get::<_, Option<i64>>(0).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests;
