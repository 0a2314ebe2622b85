//! What the web has of the running instance: the bus for commands, the reader for queries.

use super::cdn::Cdn;
use super::error::HttpError;
use super::rate::Rate;
use super::site_words::Words;
use super::under_way::Changing;
use crate::actors::Services;
use std::ops::Deref;
use std::sync::atomic::AtomicBool;
use std::sync::{OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// How long the words of the join button stay as they are when a price has changed.
const JOIN_WORDS_LAST: Duration = Duration::from_secs(15);

/// Shared by all requests. Pages use `bus`, `reader`, `clock` and `config`; never the store.
pub struct App {
    services: Services,
    /// Set while the process drains: `/readyz` then says so.
    pub draining: AtomicBool,
    /// Requests that change something and are under way, whether or not their clients are still there.
    pub changing: Changing,
    /// Words of the join button, and when they were last worked out.
    join: RwLock<(Option<String>, Option<Instant>)>,
    /// Set once it is known that there is an account: until then pages lead to the first admin.
    pub has_people: AtomicBool,
    /// The site's own words.
    pub site: Words,
    /// Downloads of each client.
    pub downloads: Rate,
    /// Playlists of each client.
    pub playlists: Rate,
    cdn: OnceLock<Result<Option<Cdn>, String>>,
}

impl App {
    /// The web's view of an instance.
    #[must_use]
    pub fn new(services: Services) -> Self {
        let draining = AtomicBool::new(false);
        Self {
            services,
            draining,
            changing: Changing::default(),
            has_people: AtomicBool::new(false),
            join: RwLock::default(),
            site: Words::default(),
            downloads: Rate::over(600),
            playlists: Rate::over(60),
            cdn: OnceLock::new(),
        }
    }
}

impl App {
    /// The network of caches in front, if there is one.
    ///
    /// # Errors
    /// If its key cannot be used.
    pub fn cdn(&self) -> Result<Option<&Cdn>, HttpError> {
        let opened = self.cdn.get_or_init(|| Cdn::open(&self.config.cdn, &self.secrets.cdn));
        opened.as_ref().map(Option::as_ref).map_err(|why| HttpError::Internal(why.clone()))
    }

    /// Words of the join button, such as "Join for €11.50"; none while nothing can be joined.
    #[must_use]
    pub fn join_words(&self) -> Option<String> {
        self.join.read().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// Whether the words of the join button should be worked out again. Says so to one caller only.
    #[must_use]
    pub fn join_words_are_due(&self) -> bool {
        let due = |at: Option<Instant>| at.is_none_or(|at| at.elapsed() > JOIN_WORDS_LAST);
        if !due(self.join.read().unwrap_or_else(PoisonError::into_inner).1) {
            return false;
        }
        let mut join = self.join.write().unwrap_or_else(PoisonError::into_inner);
        let due = due(join.1);
        join.1 = Some(Instant::now());
        due
    }

    /// Changes the words of the join button.
    pub fn set_join_words(&self, words: Option<String>) {
        self.join.write().unwrap_or_else(PoisonError::into_inner).0 = words;
    }
}

impl Deref for App {
    type Target = Services;
    fn deref(&self) -> &Services {
        &self.services
    }
}
