//! Requests in, pages out: routes, pages and their parts. Never touches the store or SQL.

pub mod assets;
pub mod ui;
