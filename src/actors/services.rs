//! What workflows, jobs and pages work with.

use super::bus::Bus;
use super::proving::Provings;
use super::refold::Refolds;
use super::supervisor::StatusBoard;
use crate::adapters::geoip::GeoIp;
use crate::adapters::https::Https;
use crate::adapters::oidc::Oidc;
use crate::clock::Clock;
use crate::config::{LiveConfig, Secrets};
use crate::domain::clock::{Run, RunState};
use crate::domain::shared::Decider;
use crate::media::files::Files;
use crate::metrics::Metrics;
use crate::projections::Reader;
use crate::store::checkpoint;
use crate::store::dump::Dumper;
use crate::store::event::stream_name;
use crate::store::repository::EventRepository;
use crate::store::{Audit, Journal, Metadata, Pool, RecordedEvent, StoreError, Vault, log};
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The parts of a running instance. Cheap to clone.
#[derive(Clone)]
pub struct Services {
    /// Settings.
    pub config: LiveConfig,
    /// Keys.
    pub secrets: Arc<Secrets>,
    /// Time and ids.
    pub clock: Clock,
    /// Connections.
    pub pool: Pool,
    /// Connections whose commits wait for the disk, in workflows too (whose own do not): for what must stand before
    /// somebody outside is asked.
    pub lasting: Pool,
    /// The log's writer.
    pub journal: Journal,
    /// The log's witness.
    pub audit: Audit,
    /// Dumps of the database.
    pub dumper: Dumper,
    /// Personal values.
    pub vault: Vault,
    /// Commands.
    pub bus: Bus,
    /// Queries.
    pub reader: Reader,
    /// Files of works.
    pub files: Files,
    /// Countries by address.
    pub geoip: GeoIp,
    /// Calls to services elsewhere.
    pub https: Https,
    /// The sign-in service of others.
    pub oidc: Oidc,
    /// Numbers.
    pub metrics: Arc<Metrics>,
    /// What the working actors of this process do.
    pub board: StatusBoard,
    /// Rebuilds of projections that were asked for here.
    pub refolds: Refolds,
    /// Verifications of the whole log that were asked for here.
    pub provings: Provings,
    /// This process, as owner of leases.
    pub process: Uuid,
}

impl Services {
    /// As [`RecordedEvent::follow`].
    #[must_use]
    pub fn follow(&self, event: &RecordedEvent, workflow: &str, purpose: &str) -> (Uuid, Metadata) {
        event.follow(workflow, purpose)
    }

    /// Waits until projections and workflows have digested everything, including what the workflows
    /// themselves wrote, and no mail is due. `false` if that takes longer than `patience`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn settle(&self, patience: Duration) -> Result<bool, StoreError> {
        let deadline = Instant::now() + patience;
        // Those of this build: what another one left behind stands still.
        let (workflows, lists) = (super::workflows::all(), crate::projections::all());
        let readers: Vec<&str> =
            workflows.iter().map(|w| w.name()).chain(lists.iter().map(|l| l.name())).collect();
        loop {
            {
                let client = self.pool.get().await?;
                let head = log::head(&**client).await?;
                let sql = "select min(position) from checkpoints where name = any($1)";
                let slowest: Option<i64> = client.query_one(sql, &[&readers]).await?.get(0);
                if slowest.is_none_or(|p| p >= head)
                    && !super::mailer::is_due(&client, self.clock.now()).await?
                    && log::head(&**client).await? == head
                {
                    return Ok(true);
                }
            }
            if Instant::now() > deadline {
                return Ok(false);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Services {
    /// Where a scheduled run stands.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn run_state(&self, id: Uuid) -> Result<RunState, StoreError> {
        let repository = EventRepository::<Run>::new(self.pool.clone(), self.journal.clone());
        Ok(repository.load(id).await?.state.state())
    }

    /// How many events about the business a scheduled run has caused.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn changed_by(&self, run: Uuid) -> Result<i64, StoreError> {
        let client = self.pool.get().await?;
        let row = client
            .query_one(
                "select count(*) from events
                 where log_id = 1 and metadata->>'correlation' = $1 and stream_id not like 'run-%'
                   and position > coalesce((select min(position) from events where log_id = 1 and stream_id = $2), 0)",
                &[&run.to_string(), &stream_name("run", run)],
            )
            .await?;
        Ok(row.get(0))
    }
}

impl Services {
    /// Events between the head of the log and the slowest projection, but for those that are being made anew.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn lag(&self) -> Result<i64, StoreError> {
        let client = self.pool.get().await?;
        let head = log::head(&**client).await?;
        let slowest = client.query_one(checkpoint::CURRENT, &[&crate::projections::names()]).await?;
        Ok(slowest.get::<_, Option<i64>>(0).map_or(0, |p| head - p))
    }

    /// Version and position of the last event of an aggregate; zeros for none.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn end_of<A: Decider>(&self, id: Uuid) -> Result<(i64, i64), StoreError> {
        let client = self.pool.get().await?;
        log::end_of_stream(&client, &stream_name(A::TYPE, id)).await
    }

    /// Free bytes on the disk of the data folder; 0 if that cannot be told.
    #[must_use]
    pub fn disk_free(&self) -> u64 {
        nix::sys::statvfs::statvfs(&self.config.data).map_or(0, |s| s.blocks_available() * s.fragment_size())
    }
}
