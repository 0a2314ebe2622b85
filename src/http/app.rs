//! What the web has of the running instance: the bus for commands, the reader for queries.

use crate::actors::Services;
use std::ops::Deref;
use std::sync::atomic::AtomicBool;
use std::sync::{PoisonError, RwLock};

/// Shared by all requests. Pages use `bus`, `reader`, `clock` and `config`; never the store.
pub struct App {
    services: Services,
    /// Set while the process drains: `/readyz` then says so.
    pub draining: AtomicBool,
    /// Words of the join button, kept fresh by whoever reads the plans.
    join: RwLock<Option<String>>,
    /// Set once it is known that there is an account: until then pages lead to the first admin.
    pub has_people: AtomicBool,
}

impl App {
    /// The web's view of an instance.
    #[must_use]
    pub fn new(services: Services) -> Self {
        let draining = AtomicBool::new(false);
        Self { services, draining, has_people: AtomicBool::new(false), join: RwLock::default() }
    }
}

impl App {
    /// Words of the join button, such as "Join for €11.50"; none while nothing can be joined.
    #[must_use]
    pub fn join_words(&self) -> Option<String> {
        self.join.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the words of the join button.
    pub fn set_join_words(&self, words: Option<String>) {
        *self.join.write().unwrap_or_else(PoisonError::into_inner) = words;
    }
}

impl Deref for App {
    type Target = Services;
    fn deref(&self) -> &Services {
        &self.services
    }
}
