//! What can go wrong between us and PostgreSQL or the key store.

/// A fault of the store; never caused by a person's input.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// PostgreSQL answered with an error, or the connection broke.
    #[error("database: {}", describe(.0))]
    Database(#[from] tokio_postgres::Error),
    /// No connection could be had from the pool.
    #[error("database connection: {0}")]
    Connection(#[from] deadpool_postgres::PoolError),
    /// The address of a database cannot be used as it is written.
    #[error("database address: {0}")]
    Address(String),
    /// The log holds something this version cannot read.
    #[error("{0}. A newer Kinora may have written it: run that version, or restore a matching backup.")]
    Unreadable(String),
    /// The log holds an event that a newer version wrote.
    #[error(transparent)]
    Newer(#[from] super::known::Unknown),
    /// A file of the data folder could not be read or written.
    #[error("{what}: {cause}")]
    File {
        /// Which file, and what was to be done with it.
        what: String,
        /// The system's error.
        cause: std::io::Error,
    },
    /// A key or ciphertext is not what it should be.
    #[error("vault: {0}")]
    Vault(String),
    /// The private cluster could not be started or joined.
    #[error("{0}")]
    Cluster(String),
    /// A schema migration cannot be applied.
    #[error("migration: {0}")]
    Migration(String),
}

impl StoreError {
    /// Wraps an error of a file operation.
    pub fn file(what: impl Into<String>, cause: std::io::Error) -> Self {
        Self::File { what: what.into(), cause }
    }

    fn state(&self) -> Option<&str> {
        match self {
            Self::Database(error) => error.code().map(|state| state.code()),
            _ => None,
        }
    }

    /// Whether it says nothing about what was asked for: the connection, a deadlock, no room, a lock, a shutdown. The
    /// same may work in a moment.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            // The key store may lie on another machine.
            Self::Connection(_) | Self::File { .. } => true,
            Self::Database(error) if error.code().is_none() => error.is_closed(),
            _ => self.state().is_some_and(|state| {
                !self.is_time_out() && matches!(state.get(..2), Some("08" | "40" | "53" | "55" | "57" | "58"))
            }),
        }
    }

    /// Whether a statement was cut off because it took too long.
    #[must_use]
    pub fn is_time_out(&self) -> bool {
        self.state() == Some("57014")
    }
}

/// tokio-postgres prints only "db error"; the server's words are in its source.
fn describe(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(
        || std::error::Error::source(error).map_or_else(|| error.to_string(), |s| format!("{error}: {s}")),
        |db| format!("{} ({})", db.message(), db.code().code()),
    )
}
