//! The web: requests to commands, projections to pages.
//!
//! [`routes`] is the one table of all addresses with who may call them; [`server`] accepts
//! connections; a page or resource is one file under `pages` or `api`.

mod admission;
pub mod api;
pub mod app;
pub mod assets;
pub mod cdn;
pub mod csrf;
pub mod delivery;
mod door;
pub mod error;
pub mod files;
pub mod form;
pub mod health;
pub mod hotlink;
mod idempotent;
pub mod listing;
pub mod metrics;
pub mod page;
pub mod pages;
pub mod player;
mod player_controls;
pub mod rate;
pub mod request;
pub mod response;
pub mod route;
pub mod routes;
mod saved_as;
pub mod sent_file;
pub mod server;
pub mod session;
pub mod site_words;
pub mod step_up;
pub mod structured;
pub mod ui;
mod under_way;
pub mod viewer;
pub mod webhooks;

pub use app::App;
pub use error::HttpError;
pub use form::Form;
pub use page::{Page, page, unprocessable};
pub use request::Req;
pub use response::Res;
pub use route::{Access, Route};
pub use session::{SignedIn, Viewer};
