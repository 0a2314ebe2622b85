//! The settings in force, which a running process can exchange (SIGHUP).

use super::Config;
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};

/// The settings in force. Cheap to clone; all clones see an exchange.
///
/// Former settings are not freed, because somebody may be reading them: a few kilobytes for each
/// exchange.
#[derive(Clone, Debug)]
pub struct LiveConfig(Arc<RwLock<&'static Config>>);

impl LiveConfig {
    /// Begins with `config`.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self(Arc::new(RwLock::new(Box::leak(Box::new(config)))))
    }

    fn present(&self) -> &'static Config {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts `new` in force, except for what can only be set at the start; gives the names of such
    /// settings that differ.
    #[must_use]
    pub fn replace(&self, mut new: Config) -> Vec<&'static str> {
        let old = self.present();
        let mut at_start_only = vec![];
        macro_rules! keep {
            ($($name:literal: $($field:ident).+),+ $(,)?) => {$(
                if new.$($field).+ != old.$($field).+ {
                    at_start_only.push($name);
                    new.$($field).+.clone_from(&old.$($field).+);
                }
            )+};
        }
        keep!(
            "mode": mode,
            "data": data,
            "metrics_listen": metrics_listen,
            "database_url": database_url,
            "keys_database_url": keys_database_url,
            "sentry_dsn": sentry_dsn,
            "secrets_dir": secrets_dir,
            "jobs.scheduler": jobs.scheduler,
            "limits.connections": limits.connections,
            "limits.commands": limits.commands,
            "limits.aggregate_idle_seconds": limits.aggregate_idle_seconds,
            "limits.opened_people": limits.opened_people,
            "media.workers": media.workers,
            // The mode of folders and the key are looked at when the process starts.
            "delivery.accel": delivery.accel,
            "cdn": cdn,
            "storage": storage,
            "search": search,
        );
        // A port that was chosen at the start is not a difference.
        if new.listen != old.listen && new.listen.port() != 0 {
            at_start_only.push("listen");
        }
        new.listen = old.listen;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Box::leak(Box::new(new));
        at_start_only
    }
}

impl Deref for LiveConfig {
    type Target = Config;
    fn deref(&self) -> &Config {
        self.present()
    }
}

impl From<Config> for LiveConfig {
    fn from(config: Config) -> Self {
        Self::new(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_change_changes_for_all_and_the_rest_is_named() {
        let live = LiveConfig::new(Config::default());
        let clone = live.clone();
        let mut new = Config::default();
        new.studio.name = "Another".into();
        new.limits.upload_bytes = 5;
        new.database_url = Some("postgresql://elsewhere".into());
        new.listen.set_port(0);
        assert_eq!(live.replace(new), ["database_url"]);
        assert_eq!((clone.studio.name.as_str(), clone.limits.upload_bytes), ("Another", 5));
        assert_eq!(clone.database_url, None);
        assert_eq!(clone.listen.port(), 8080);
    }
}
