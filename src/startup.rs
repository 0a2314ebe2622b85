//! The only wiring: opens the parts of an instance, starts the roles a process has, ends them in
//! order.

use crate::actors::supervisor::{Desk, LoopError, Supervisor};
use crate::actors::{
    Bus, Room, Services, data_export, encoder, jobs, listener, mailer, projector::Projector,
    proving::Provings, refold::Refolds, sampler, scheduler, search, workflow_runner, workflows,
};
use crate::adapters::geoip;
use crate::clock::Clock;
use crate::config::{Config, ConfigError, LiveConfig, SchedulerKind, Secrets};
use crate::media::files::Files;
use crate::media::store::MediaStore;
use crate::metrics::Metrics;
use crate::projections::{self, Reader};
use crate::store::dump::Dumper;
use crate::store::pool::{Database, connect};
use crate::store::{
    Audit, Journal, StoreError, Vault, checkpoint, cluster::Cluster, keys::KeyStore, masters::Masters,
    migrate,
};
use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// The file that says that a restore has not been finished; nothing opens while it is there.
pub const PENDING: &str = "restore.pending";

/// Connections of one process to PostgreSQL, beside the writer's, the listener's, and those by which aggregates are
/// read.
const CONNECTIONS: usize = 24;
/// Connections by which aggregates are read.
const KEYED: usize = 8;
/// Connections of workflows.
const BEHIND: usize = 16;
/// With the web's drain less than the 30 s in which SIGTERM must be answered.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
/// How long commands without a caller may take to end.
const COMMANDS_END: Duration = Duration::from_secs(5);

/// What a process does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    /// Serves pages.
    pub web: bool,
    /// Runs projections and workflows.
    pub projector: bool,
    /// Fires scheduled commands.
    pub scheduler: bool,
    /// Encodes media.
    pub worker: bool,
}

impl Roles {
    /// Everything, as one process does by default.
    pub const ALL: Self = Self { web: true, projector: true, scheduler: true, worker: true };
    /// What a command beside or without a server needs, so that what it starts is also finished.
    pub const COMMAND: Self = Self { web: false, projector: true, scheduler: false, worker: false };

    /// Whether the process runs long enough for its numbers to be scraped.
    #[must_use]
    pub const fn measured(self) -> bool {
        self.web || self.scheduler || self.worker
    }
}

/// Why an instance does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Store, cluster or secrets.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The site's address cannot be used.
    #[error("listening on {0}: {1}")]
    Listen(std::net::SocketAddr, std::io::Error),
    /// A fault in the program's own tables.
    #[error("{0}")]
    Program(String),
}

/// A process's part of an instance.
pub struct Instance {
    /// What pages, workflows and jobs work with.
    pub services: Services,
    /// The projector, also for rebuilding by command.
    pub projector: Projector,
    supervisor: Supervisor,
    database: Database,
    cluster: Option<Arc<Cluster>>,
}

impl Instance {
    /// Opens data folder, database, vault and bus; applies pending migrations unless `migrate` is
    /// false. Nothing runs yet.
    ///
    /// # Errors
    /// With what to do about it.
    pub async fn open(config: Config, migrate: bool) -> Result<Self, StartError> {
        make_data_folder(&config)?;
        if config.in_data(PENDING).exists() {
            return Err(StartError::Program(format!(
                "a restore of {} was begun and not finished, so people who were erased may be back in it: empty the folder and run kinora backup restore again",
                config.data.display()
            )));
        }
        let (database, cluster) = match &config.database_url {
            Some(url) => (Database::by_url(url)?, None),
            None => {
                let cluster = Cluster::start_or_join(&config.data).await?;
                (cluster.database("kinora"), Some(cluster))
            }
        };
        let cluster = cluster.map(Arc::new);
        let opened = Self::open_on(config, database, cluster.clone(), migrate).await;
        if let (Err(_), Some(cluster)) = (&opened, cluster) {
            // Nobody else would stop the server that was just started.
            let _ = tokio::task::spawn_blocking(move || cluster.leave()).await;
        }
        opened
    }

    /// As [`Instance::open`], on a database that somebody else looks after.
    ///
    /// # Errors
    /// With what to do about it.
    pub async fn open_on(
        config: Config,
        database: Database,
        cluster: Option<Arc<Cluster>>,
        migrate: bool,
    ) -> Result<Self, StartError> {
        make_data_folder(&config)?;
        deliver_as_set(&config).await?;
        if migrate {
            let mut owner = connect(&database.owner).await?;
            for name in migrate::run(&mut owner).await? {
                tracing::info!(name, "schema migration applied");
            }
        } else {
            let pending = migrate::pending(&connect(&database.owner).await?).await?;
            if let Some(first) = pending.first() {
                let text = format!("{} is not applied yet: run kinora migrate first", first.name);
                return Err(StoreError::Migration(text).into());
            }
        }
        let metrics = Metrics::shared().map_err(|e| StartError::Program(e.to_string()))?;
        for job in jobs::all() {
            metrics.know_job(job.name());
        }
        let pool = database.pool(CONNECTIONS)?;
        let fresh = {
            let client = pool.get().await.map_err(StoreError::from)?;
            client.query_opt("select 1 from events limit 1", &[]).await.map_err(StoreError::from)?.is_none()
        };
        let secrets = Secrets::open(&config.secrets_folder(), fresh)?;
        let masters = Masters::read(&config.secrets_folder())?;
        let vault = Vault::new(match &config.keys_database_url {
            Some(url) => KeyStore::connect(url, &database, masters).await?,
            None => KeyStore::open(&config.in_data("keys"), masters)?,
        })
        .remembering(config.limits.opened_people);
        let audit = Audit::new(pool.clone(), &secrets.audit, &config.in_data("audit"));
        let clock = Clock::system();
        let journal = Journal::start(database.clone(), clock.clone(), Arc::clone(&metrics));
        let bus = Bus::new(
            database.pool_by_key(KEYED)?,
            journal.clone(),
            vault.clone(),
            Arc::clone(&metrics),
            Room {
                commands: config.limits.commands,
                idle: Duration::from_secs(config.limits.aggregate_idle_seconds),
            },
        );
        let projected = Arc::new(watch::Sender::new(0));
        let reader = Reader::new(pool.clone(), vault.clone(), projected.subscribe());
        let supervisor = Supervisor::new(Arc::clone(&metrics));
        let process = Uuid::now_v7();
        let projector = Projector {
            projections: Arc::new(projections::all()),
            pool: pool.clone(),
            journal: journal.clone(),
            metrics: Arc::clone(&metrics),
            process,
            projected,
        };
        let https = crate::adapters::https::Https::default();
        let bucket = crate::adapters::bucket::open(&config.storage.s3).map_err(StartError::Program)?;
        let files = Files::new(&config.data, bucket);
        let services = Services {
            refolds: Refolds::new(projector.clone()),
            provings: Provings::new(audit.clone(), clock.clone()),
            config: LiveConfig::new(config),
            secrets: Arc::new(secrets),
            board: supervisor.board(),
            clock,
            lasting: pool.clone(),
            pool,
            journal,
            audit,
            dumper: Dumper {
                programs: cluster.as_ref().map(|c| c.programs().to_owned()),
                database: database.clone(),
            },
            vault,
            bus,
            reader,
            files,
            geoip: geoip::GeoIp::default(),
            oidc: crate::adapters::oidc::Oidc::new(https.clone()),
            https,
            metrics,
            process,
        };
        let instance = Self { services, projector, supervisor, database, cluster };
        instance.follow_clock().await?;
        instance.projector.prepare().await?;
        workflow_runner::prepare(&workflows::all(), &instance.services).await?;
        Ok(instance)
    }

    /// Starts the working actors of `roles` (all but the web).
    pub fn start(&self, roles: Roles) {
        let (cx, database) = (self.services.clone(), self.database.clone());
        self.supervisor
            .supervise("listener", move |desk| Box::pin(listener::run(database.clone(), cx.clone(), desk)));
        if roles.measured() {
            let cx = self.services.clone();
            self.supervisor.supervise("sampler", move |desk| Box::pin(sampler::run(cx.clone(), desk)));
        }
        if let Some(cluster) = self.cluster.clone() {
            self.supervisor
                .supervise("postgres", move |desk| Box::pin(watch_cluster(Arc::clone(&cluster), desk)));
        }
        if roles.projector {
            let projector = self.projector.clone();
            self.supervisor.supervise("projector", move |desk| Box::pin(projector.clone().run(desk)));
            // What a workflow writes beside the log stands in the WAL before its checkpoint: a power cut that takes
            // it back takes that back, too, and it is written again.
            let behind = self.database.pool_behind(BEHIND);
            let behind = behind.unwrap_or_else(|_| self.services.pool.clone());
            for workflow in workflows::all() {
                let cx = Services { pool: behind.clone(), ..self.services.clone() };
                let name = format!("workflow {}", workflow.name());
                self.supervisor.supervise(&name, move |desk| {
                    Box::pin(workflow_runner::run(Arc::clone(&workflow), cx.clone(), desk))
                });
            }
        }
        if roles.projector {
            let cx = self.services.clone();
            self.supervisor.supervise("mailer", move |desk| Box::pin(mailer::run(cx.clone(), desk)));
            let cx = self.services.clone();
            self.supervisor
                .supervise("data exporter", move |desk| Box::pin(data_export::run(cx.clone(), desk)));
        }
        if roles.projector && self.services.config.search.is_elsewhere() {
            let cx = self.services.clone();
            self.supervisor.supervise("search index", move |desk| Box::pin(search::run(cx.clone(), desk)));
        }
        if roles.worker {
            let cx = self.services.clone();
            self.supervisor.supervise("encoder", move |desk| Box::pin(encoder::work(cx.clone(), desk)));
        }
        if roles.scheduler && self.services.config.jobs.scheduler == SchedulerKind::Internal {
            let cx = self.services.clone();
            self.supervisor
                .supervise("scheduler", move |desk| Box::pin(scheduler::run(jobs::all(), cx.clone(), desk)));
        }
    }

    /// The supervisor, for working actors that are not of this file.
    #[must_use]
    pub fn supervisor(&self) -> &Supervisor {
        &self.supervisor
    }

    /// Where the database is.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Ends the working actors, gives leases back, and leaves the private cluster.
    ///
    /// # Errors
    /// If PostgreSQL does not stop.
    pub async fn close(self) -> Result<(), StartError> {
        self.supervisor.stop(STOP_PATIENCE).await;
        // Nobody waits for these any more, but they were taken.
        if !self.services.bus.quiet(COMMANDS_END).await {
            tracing::warn!("commands are still under way; they end with the process");
        }
        if let Ok(client) = self.services.pool.get().await {
            let _ = checkpoint::release(&client, self.services.process).await;
        }
        self.services.pool.close();
        if let Some(cluster) = self.cluster {
            tokio::task::spawn_blocking(move || cluster.leave())
                .await
                .map_err(|e| StartError::Program(e.to_string()))??;
        }
        Ok(())
    }

    async fn follow_clock(&self) -> Result<(), StartError> {
        if self.services.config.is_production() {
            return Ok(());
        }
        let client = self.services.pool.get().await.map_err(StoreError::from)?;
        let row =
            client.query_one("select ahead_us from instance_clock", &[]).await.map_err(StoreError::from)?;
        self.services.clock.follow(row.get(0));
        Ok(())
    }
}

/// Looks after the private server: who finds it dead starts it again.
async fn watch_cluster(cluster: Arc<Cluster>, desk: Desk) -> Result<(), LoopError> {
    while !desk.stopping() {
        let looked_at = Arc::clone(&cluster);
        if tokio::task::spawn_blocking(move || looked_at.revive()).await?? {
            tracing::warn!("PostgreSQL had died and was started again");
        }
        desk.succeeded();
        desk.pause(Duration::from_secs(2)).await;
    }
    Ok(())
}

/// Refuses settings of delivery, storage and billing that cannot work, and lets nginx read the files it is to send, or nobody.
async fn deliver_as_set(config: &Config) -> Result<(), StartError> {
    let problem = config
        .delivery
        .problem()
        .or_else(|| config.cdn.problem())
        .or_else(|| config.billing.problem())
        .or_else(|| config.gateways.bank.problem())
        .or_else(|| config.search.problem())
        .or_else(|| config.storage.problem(config.is_production()));
    if let Some((setting, words)) = problem {
        return Err(StartError::Program(format!("{setting}: {words}")));
    }
    if let Some(file) = config.billing.geoip_db.clone() {
        let read = tokio::task::spawn_blocking(move || geoip::check(&file)).await;
        read.map_err(|e| StartError::Program(e.to_string()))?
            .map_err(|e| StartError::Program(format!("billing.geoip_db: {e}")))?;
    }
    let (store, open) = (MediaStore::new(&config.data), config.delivery.accel().is_some());
    let fail = |e| StoreError::file("setting modes of the media folder".to_owned(), e);
    tokio::task::spawn_blocking(move || store.let_group_read(open))
        .await
        .map_err(|e| StartError::Program(e.to_string()))?
        .map_err(fail)?;
    Ok(())
}

fn make_data_folder(config: &Config) -> Result<(), StoreError> {
    // Others may enter it (PostgreSQL may run as another user); what lies in it protects itself.
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(&config.data)
        .map_err(|e| StoreError::file(format!("making the data folder {}", config.data.display()), e))
}
