//! What is true and what may happen: pure, synchronous, without clock, database or network.
//!
//! One folder per aggregate; each has `commands.rs`, `events.rs`, `error.rs` and the aggregate
//! itself (`state`, `decide`, `apply`). Aggregates never import each other: they meet in
//! `order_process` and in `actors/workflows`.

pub mod access;
pub mod account;
pub mod approval;
pub mod character;
pub mod clock;
pub mod collection;
pub mod comment;
pub mod coupon;
pub mod course;
pub mod credit;
pub mod debit_file;
pub mod deletion_request;
pub mod exchange;
pub mod film;
pub mod gift;
pub mod invoice_series;
pub mod mandate;
pub mod media;
pub mod order;
pub mod order_process;
pub mod plan;
pub mod post;
pub mod production_log;
pub mod shared;
pub mod site;
pub mod statistics;
pub mod subscription;
pub mod tax_book;
pub mod team;
pub mod wallet;
pub mod watch_progress;
