//! Which country an address of the network lies in, by a database that lies beside the studio (MaxMind DB format:
//! GeoLite2 Country, DB-IP Lite and others). Nobody is asked, and no address is kept.

use crate::domain::shared::tax::Country;
use maxminddb::{PathElement, Reader};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// How long an opened file is used before it is looked at again.
const EVERY: Duration = Duration::from_secs(10);

/// Why a database cannot be used, in words for operators.
#[derive(Debug, thiserror::Error)]
pub enum GeoIpError {
    /// It cannot be read.
    #[error("{0} cannot be read: {1}")]
    File(PathBuf, std::io::Error),
    /// It is no such database, or cut off.
    #[error("{0} is no MaxMind DB file, or is damaged: {1}")]
    Format(PathBuf, String),
}

/// What tells one file from another of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp(Option<SystemTime>, u64);

/// A file that was read.
#[derive(Clone)]
struct Loaded {
    path: PathBuf,
    stamp: Stamp,
    countries: Arc<Reader<Vec<u8>>>,
}

#[derive(Default)]
struct State {
    loaded: Option<Loaded>,
    looked_at: Option<(PathBuf, Instant)>,
}

/// The database, read when it is needed first and again when the file changes. Cheap to clone.
#[derive(Clone, Default)]
pub struct GeoIp(Arc<Mutex<State>>);

/// Whether the file can be used.
///
/// # Errors
/// [`GeoIpError`] says what is wrong with it.
pub fn check(path: &Path) -> Result<(), GeoIpError> {
    read(path).map(drop)
}

fn stamp(path: &Path) -> Result<Stamp, GeoIpError> {
    let meta = std::fs::metadata(path).map_err(|e| GeoIpError::File(path.to_owned(), e))?;
    Ok(Stamp(meta.modified().ok(), meta.len()))
}

fn read(path: &Path) -> Result<Loaded, GeoIpError> {
    // Before the file: one that is exchanged meanwhile is read once more.
    let stamp = stamp(path)?;
    let bytes = std::fs::read(path).map_err(|e| GeoIpError::File(path.to_owned(), e))?;
    let countries =
        Reader::from_source(bytes).map_err(|e| GeoIpError::Format(path.to_owned(), e.to_string()))?;
    Ok(Loaded { path: path.to_owned(), stamp, countries: Arc::new(countries) })
}

impl GeoIp {
    /// The country of an address, if the database at `path` knows it. A file that became unreadable is told of in the
    /// log, and what was read before is used on.
    pub async fn country(&self, path: &Path, address: IpAddr) -> Option<Country> {
        let countries = self.current(path).await?;
        let found = countries.lookup(address.to_canonical()).ok()?;
        let code = |of| {
            let place = [PathElement::Key(of), PathElement::Key("iso_code")];
            found.decode_path::<String>(&place).ok().flatten()
        };
        Country::parse(&code("country").or_else(|| code("registered_country"))?).ok()
    }

    async fn current(&self, path: &Path) -> Option<Arc<Reader<Vec<u8>>>> {
        let (known, due) = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let fresh = |(of, at): &(PathBuf, Instant)| of == path && at.elapsed() < EVERY;
            let due = !state.looked_at.as_ref().is_some_and(fresh);
            if due {
                state.looked_at = Some((path.to_owned(), Instant::now()));
            }
            (state.loaded.clone().filter(|l| l.path == path), due)
        };
        if !due {
            return known.map(|l| l.countries);
        }
        self.look(path, known).await
    }

    /// Looks at the file now, however lately that was done.
    pub async fn refresh(&self, path: &Path) {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).loaded.clone();
        self.look(path, known.filter(|l| l.path == path)).await;
    }

    async fn look(&self, path: &Path, known: Option<Loaded>) -> Option<Arc<Reader<Vec<u8>>>> {
        let (file, before) = (path.to_owned(), known.as_ref().map(|l| l.stamp));
        let found = tokio::task::spawn_blocking(move || match stamp(&file) {
            Ok(now) if before == Some(now) => Ok(None),
            Ok(_) => read(&file).map(Some),
            Err(error) => Err(error),
        });
        match found.await {
            Ok(Ok(Some(new))) => {
                tracing::info!(file = %path.display(), "the database of countries was read");
                let countries = Arc::clone(&new.countries);
                self.0.lock().unwrap_or_else(PoisonError::into_inner).loaded = Some(new);
                Some(countries)
            }
            Ok(Ok(None)) => known.map(|l| l.countries),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the database of countries cannot be read again");
                known.map(|l| l.countries)
            }
            Err(error) => {
                tracing::warn!(%error, "reading the database of countries ended early");
                known.map(|l| l.countries)
            }
        }
    }
}
