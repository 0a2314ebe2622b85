//! Kinora's journal, bare and through the whole path.

use crate::contender::{Contender, Trouble};
use crate::work::{self, Diary, DiaryCommand, Pen};
use futures_util::future::BoxFuture;
use kinora::actors::{Bus, Envelope, Room};
use kinora::clock::Clock;
use kinora::metrics::Metrics;
use kinora::store::event::stream_name;
use kinora::store::keys::KeyStore;
use kinora::store::masters::Masters;
use kinora::store::pool::{Database, connect};
use kinora::store::{Append, Journal, Metadata, NewEvent, Vault, migrate};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Mutex;
use uuid::Uuid;

/// The journal of a fresh database.
pub struct Ours {
    journal: Journal,
    pub bus: Bus,
    metrics: Arc<Metrics>,
}

impl Ours {
    /// Migrates `database` and starts the journal and the bus on it.
    pub async fn open(database: Database, folder: &Path) -> Result<Self, Trouble> {
        migrate::run(&mut connect(&database.owner).await?).await?;
        let metrics = Metrics::shared()?;
        let journal = Journal::start(database.clone(), Clock::system(), Arc::clone(&metrics));
        let vault = Vault::new(KeyStore::open(folder, Masters::fixed([7; 32].into()))?);
        let bus =
            Bus::new(database.pool_by_key(8)?, journal.clone(), vault, Arc::clone(&metrics), Room::of(4096));
        Ok(Self { journal, bus, metrics })
    }
}

fn metadata() -> Metadata {
    Metadata::account(Uuid::nil(), Uuid::nil(), chrono::Utc::now())
}

/// The command to write one more entry into a diary.
pub fn envelope(diary: Uuid) -> Envelope<DiaryCommand> {
    Envelope::new(Uuid::now_v7(), diary, DiaryCommand::Write, metadata())
}

fn append_of(pen: &Pen) -> Append {
    Append {
        stream_id: stream_name("diary", pen.stream),
        expected: pen.version,
        command_id: Uuid::now_v7(),
        effective_at: chrono::Utc::now(),
        metadata: work::metadata_json(),
        events: vec![NewEvent { kind: work::kind(), type_version: 1, payload: work::payload() }],
        vault: Vec::new(),
        claims: Vec::new(),
        releases: Vec::new(),
        basis: None,
    }
}

/// The journal alone.
pub struct Bare(pub Arc<Ours>);

impl Contender for Bare {
    fn name(&self) -> &'static str {
        "kinora journal"
    }

    fn append<'a>(&'a self, pen: &'a mut Pen) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            self.0.journal.append(append_of(pen)).await?;
            Ok(())
        })
    }

    fn commits(&self) -> Option<f64> {
        Some(self.0.metrics.store.batch_events.get_sample_count() as f64)
    }
}

/// Command → actor → aggregate → journal → answer.
pub struct WholePath(pub Arc<Ours>);

impl Contender for WholePath {
    fn name(&self) -> &'static str {
        "kinora bus"
    }

    fn append<'a>(&'a self, pen: &'a mut Pen) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            self.0.bus.dispatch::<Diary>(envelope(pen.stream)).await?;
            Ok(())
        })
    }

    fn commits(&self) -> Option<f64> {
        Some(self.0.metrics.store.batch_events.get_sample_count() as f64)
    }
}

/// All callers command one aggregate.
pub struct HotAggregate {
    ours: Arc<Ours>,
    stream: Uuid,
}

impl HotAggregate {
    /// A new one.
    pub fn new(ours: Arc<Ours>) -> Self {
        Self { ours, stream: Uuid::now_v7() }
    }
}

impl Contender for HotAggregate {
    fn name(&self) -> &'static str {
        "kinora bus, one aggregate"
    }

    fn append<'a>(&'a self, _: &'a mut Pen) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            self.ours.bus.dispatch::<Diary>(envelope(self.stream)).await?;
            Ok(())
        })
    }
}

/// All callers command one aggregate that waits for each commit before the next decision.
pub struct OneAtATime {
    ours: Arc<Ours>,
    pen: Mutex<Pen>,
}

impl OneAtATime {
    /// A new one.
    pub fn new(ours: Arc<Ours>) -> Self {
        Self { ours, pen: Mutex::new(Pen::new()) }
    }
}

impl Contender for OneAtATime {
    fn name(&self) -> &'static str {
        "one aggregate, one at a time"
    }

    fn append<'a>(&'a self, _: &'a mut Pen) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let mut pen = self.pen.lock().await;
            self.ours.journal.append(append_of(&pen)).await?;
            pen.version += 1;
            Ok(())
        })
    }
}
