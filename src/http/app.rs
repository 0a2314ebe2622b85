//! What the web has of the running instance: the bus for commands, the reader for queries.

use crate::actors::Services;
use std::ops::Deref;
use std::sync::atomic::AtomicBool;

/// Shared by all requests. Pages use `bus`, `reader`, `clock` and `config`; never the store.
pub struct App {
    services: Services,
    /// Set while the process drains: `/readyz` then says so.
    pub draining: AtomicBool,
}

impl App {
    /// The web's view of an instance.
    #[must_use]
    pub fn new(services: Services) -> Self {
        Self { services, draining: AtomicBool::new(false) }
    }
}

impl Deref for App {
    type Target = Services;
    fn deref(&self) -> &Services {
        &self.services
    }
}
