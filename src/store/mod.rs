//! The event log in PostgreSQL, the vault beside it, and the private cluster underneath.

pub mod audit;
mod batch;
pub mod chain;
pub mod checkpoint;
pub mod cluster;
pub mod dump;
pub mod error;
pub mod event;
mod flusher;
pub mod journal;
mod key_database;
mod key_folder;
pub mod keys;
pub mod known;
mod lean;
mod left;
pub mod log;
pub mod masters;
pub mod migrate;
pub mod opened;
mod payload;
pub mod pool;
pub mod repository;
pub mod ruling;
pub mod signed_note;
pub mod snapshots;
pub mod upcasters;
pub mod vault;
mod writer;

pub use audit::Audit;
pub use error::StoreError;
pub use event::{Actor, Claim, Metadata, RecordedEvent};
pub use journal::{Append, AppendError, Basis, Journal, NewEvent, Place, Receipt, Ticket};
pub use payload::Payload;
pub use pool::{Client, Pool};
pub use vault::Vault;
