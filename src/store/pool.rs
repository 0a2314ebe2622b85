//! Connections to PostgreSQL.

use super::address::Address;
use super::error::StoreError;
use deadpool_postgres::{Manager, ManagerConfig, RecyclingMethod, Runtime};
use std::{path::Path, time::Duration};
use tokio_postgres::Config;

/// A pool of connections that work as the application's role.
pub type Pool = deadpool_postgres::Pool;
/// One connection of the pool.
pub type Client = deadpool_postgres::Client;

/// Pages and projections name their tables without schema; a rebuild can so point elsewhere. The
/// threshold of search lets two swapped letters of a short word pass ("slat" for "salt"). The server itself ends what a
/// machine that died, or a process that was stopped, left open: its locks would keep everybody else for hours.
const OPTIONS: &str = "-c search_path=views,public -c statement_timeout=60s -c pg_trgm.word_similarity_threshold=0.45 \
     -c idle_in_transaction_session_timeout=30s -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 \
     -c tcp_keepalives_count=3 -c tcp_user_timeout=15s";

/// Beside [`OPTIONS`], on connections that look up by key only.
const BY_KEY: &str = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off -c enable_mergejoin=off";

/// Where the database is and how its roles are reached.
#[derive(Clone, Debug)]
pub struct Database {
    /// Connection as the application's role.
    pub app: Address,
    /// Connection as the owner of the schema, for migrations.
    pub owner: Address,
}

impl Database {
    /// Connections over a Unix socket in `folder` to `database`, by peer authentication.
    #[must_use]
    pub fn on_socket(folder: &Path, database: &str) -> Self {
        let with = |user: &str| {
            let mut config = Config::new();
            config.host_path(folder).user(user).dbname(database).application_name("kinora");
            config.connect_timeout(Duration::from_secs(10)).options(OPTIONS);
            Address::here(config)
        };
        Self { app: with("kinora_app"), owner: with("kinora_owner") }
    }

    /// Connections by URL; one role then both owns the schema and works on it.
    ///
    /// # Errors
    /// If the URL cannot be read, or the certificates that it names.
    pub fn by_url(url: &str) -> Result<Self, StoreError> {
        let mut config = Address::parse(url)?;
        let options = match config.get_options() {
            Some(theirs) => format!("{OPTIONS} {theirs}"),
            None => OPTIONS.to_owned(),
        };
        config.application_name("kinora").options(options);
        // A network that swallows packets must not hold anybody for hours; what the URL says counts.
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(10));
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(Duration::from_secs(15));
        }
        if !url.contains("keepalives_idle") {
            config.keepalives_idle(Duration::from_secs(30)).keepalives_interval(Duration::from_secs(10));
            config.keepalives_retries(3);
        }
        Ok(Self { app: config.clone(), owner: config })
    }

    /// A pool of at most `size` connections for queries and projections.
    ///
    /// # Errors
    /// If the pool cannot be built.
    pub fn pool(&self, size: usize) -> Result<Pool, StoreError> {
        Self::pool_of(self.app.clone(), size)
    }

    /// A pool of at most `size` connections for those who look up single streams and receipts: what they ask is
    /// prepared once and planned once, and a plan made while a table was empty must not scan it for ever.
    ///
    /// # Errors
    /// If the pool cannot be built.
    pub fn pool_by_key(&self, size: usize) -> Result<Pool, StoreError> {
        let mut address = self.app.clone();
        let options = address.get_options().unwrap_or(OPTIONS).to_owned();
        address.options(format!("{options} {BY_KEY}"));
        Self::pool_of(address, size)
    }

    /// A pool of at most `size` connections whose commits do not wait for the disk: for those who do again what a
    /// power cut takes back. A later commit that does wait makes theirs durable, too.
    ///
    /// # Errors
    /// If the pool cannot be built.
    pub fn pool_behind(&self, size: usize) -> Result<Pool, StoreError> {
        let mut address = self.app.clone();
        let options = address.get_options().unwrap_or(OPTIONS).to_owned();
        address.options(format!("{options} -c synchronous_commit=off"));
        Self::pool_of(address, size)
    }

    fn pool_of(address: Address, size: usize) -> Result<Pool, StoreError> {
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        Pool::builder(Manager::from_config((*address).clone(), address.tls(), manager))
            .max_size(size)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(Duration::from_secs(10)))
            .create_timeout(Some(Duration::from_secs(10)))
            .build()
            .map_err(|e| StoreError::Cluster(e.to_string()))
    }
}

/// Opens a single connection and drives it in the background.
///
/// # Errors
/// If PostgreSQL cannot be reached.
pub async fn connect(address: &Address) -> Result<tokio_postgres::Client, StoreError> {
    let (client, connection) = address.open().await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "database connection ended");
        }
    });
    Ok(client)
}
