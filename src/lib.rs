//! Kinora: a self-hosted studio.
//!
//! The modules in the direction in which data flows:
//! `http` turns a request into a command, `actors` hand it to the actor of one aggregate, the
//! aggregate in `domain` decides, `store` records the events, `projections` fold them into tables,
//! and the pages in `http` read those. See `docs/architecture.md`.

pub mod actors;
pub mod adapters;
pub mod cli;
pub mod clock;
pub mod config;
pub mod documents;
pub mod domain;
pub mod emails;
pub mod http;
pub mod media;
pub mod metrics;
pub mod notify;
pub mod projections;
pub mod startup;
pub mod store;
pub mod telemetry;
