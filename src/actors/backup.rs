//! Backups: the database, and apart from it the key store, each with a manifest by which it can be
//! checked. The two lie in folders of their own, because they must be kept apart and for different
//! times: a database backup may be old, a copy of the keys must not outlive an erasure for long.
//!
//! ```text
//! <folder>/database/<time>/database.dump, manifest.json
//! <folder>/keys/<time>/keys/…, secrets/…, erasures/…, manifest.json
//! ```

use super::services::Services;
use super::workflows::WorkflowError;
use super::workflows::erase_account;
use crate::domain::deletion_request::CommentsFate;
use crate::media::store::{hash_file, private_folder, remove_folder, write_atomically};
use crate::store::dump::Dumper;
use crate::store::{Metadata, StoreError, log};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The name of a backup: when it was made.
const STAMP: &str = "%Y%m%dT%H%M%SZ";
const MANIFEST: &str = "manifest.json";
/// The file in a database backup.
pub const DUMP: &str = "database.dump";

/// Why a backup is not made, or not believed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The store, or PostgreSQL's programs.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// Something is not as the manifest says.
    #[error("{0}")]
    Wrong(String),
    /// Replaying the erasures.
    #[error(transparent)]
    Erasure(#[from] WorkflowError),
}

impl From<tokio_postgres::Error> for BackupError {
    fn from(e: tokio_postgres::Error) -> Self {
        Self::Store(e.into())
    }
}

/// One file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileNote {
    /// Length.
    pub bytes: u64,
    /// SHA-256.
    pub sha256: String,
}

/// What a backup is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// `database` or `keys`.
    pub kind: String,
    /// Version of Kinora that made it.
    pub version: String,
    /// When.
    pub made_at: DateTime<Utc>,
    /// The log reached at least this position.
    pub position: i64,
    /// Signed checkpoint of the log at that time.
    pub checkpoint: Option<String>,
    /// Its files.
    pub files: BTreeMap<String, FileNote>,
}

/// What was made.
#[derive(Clone, Debug, Serialize)]
pub struct Created {
    /// The database's folder.
    pub database: PathBuf,
    /// The key store's folder.
    pub keys: PathBuf,
    /// The log reached at least this position.
    pub position: i64,
    /// Bytes of both.
    pub bytes: u64,
    /// Older ones that were removed because their time was over.
    pub removed: usize,
}

/// Makes a backup in `folder` and removes those whose time is over.
///
/// # Errors
/// As [`BackupError`] says; then nothing half is left.
pub async fn create(cx: &Services, folder: &Path) -> Result<Created, BackupError> {
    let now = cx.clock.now();
    let stamp = now.format(STAMP).to_string();
    // The checkpoint first: what the dump holds reaches at least that far.
    cx.audit.sign_head(now).await?;
    let checkpoint = cx.audit.latest().await?;
    let position = {
        let client = cx.pool.get().await.map_err(StoreError::from)?;
        log::head(&**client).await?
    };
    let (database, keys) = (folder.join("database").join(&stamp), folder.join("keys").join(&stamp));
    let manifest = |kind: &str| Manifest {
        kind: kind.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        made_at: now,
        position,
        checkpoint: checkpoint.clone(),
        files: BTreeMap::new(),
    };
    let (dumper, to, about) = (cx.dumper.clone(), database.clone(), manifest("database"));
    let (data, secrets) = (cx.config.data.clone(), cx.config.secrets_folder());
    let (keys_to, keys_about, config) = (keys.clone(), manifest("keys"), cx.config.clone());
    // The dump before the keys: a key that is too new does no harm, one that is missing would.
    let dumped = blocking(move || whole(&to, about, |part| Ok(dumper.dump(&part.join(DUMP))?))).await?;
    let exported = tempfile::tempdir_in(&data).map_err(|e| BackupError::File(data.clone(), e))?;
    let keys_from = if config.keys_database_url.is_some() {
        cx.vault.key_store().export(exported.path()).await?;
        exported.path().to_owned()
    } else {
        data.join("keys")
    };
    let folder = folder.to_owned();
    let (copied, removed) = blocking(move || {
        let copied = whole(&keys_to, keys_about, |part| {
            copy_tree(&keys_from, &part.join("keys"))?;
            copy_tree(&secrets, &part.join("secrets"))?;
            copy_tree(&data.join("erasures"), &part.join("erasures"))
        })?;
        let kept = &config.backup;
        let removed = prune(&folder.join("database"), now, kept.database_days)?
            + prune_keys(&folder.join("keys"), now, kept.keys_days)?;
        Ok((copied, removed))
    })
    .await?;
    let bytes = dumped + copied;
    Ok(Created { database, keys, position, bytes, removed })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, BackupError> {
    tokio::task::spawn_blocking(work).await.map_err(|e| BackupError::Wrong(e.to_string()))?
}

/// Fills a folder beside its place, writes its manifest, and moves it there whole. Gives its bytes.
fn whole(
    to: &Path,
    mut manifest: Manifest,
    fill: impl FnOnce(&Path) -> Result<(), BackupError>,
) -> Result<u64, BackupError> {
    if to.exists() {
        return Err(BackupError::Wrong(format!("{} is there already", to.display())));
    }
    let part = to.with_extension("part");
    let at = |e| BackupError::File(part.clone(), e);
    remove_folder(&part).map_err(at)?;
    private_folder(&part).map_err(at)?;
    let filled = fill(&part).and_then(|()| {
        manifest.files = notes(&part)?;
        let text = serde_json::to_vec_pretty(&manifest).map_err(|e| BackupError::Wrong(e.to_string()))?;
        write_atomically(&part.join(MANIFEST), &text).map_err(at)?;
        fs::rename(&part, to).map_err(at)
    });
    if filled.is_err() {
        let _ = remove_folder(&part);
    }
    filled.map(|()| manifest.files.values().map(|f| f.bytes).sum())
}

/// All files below a folder, by their path in it.
fn notes(folder: &Path) -> Result<BTreeMap<String, FileNote>, BackupError> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(here) = waiting.pop() {
        let at = |e| BackupError::File(here.clone(), e);
        for entry in fs::read_dir(&here).map_err(at)? {
            let path = entry.map_err(at)?.path();
            let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
            if path.is_dir() {
                waiting.push(path);
            } else if name != MANIFEST {
                let (sha256, bytes) = hash_file(&path).map_err(|e| BackupError::File(path.clone(), e))?;
                found.insert(name, FileNote { bytes, sha256 });
            }
        }
    }
    Ok(found)
}

/// Copies a folder, if it is there; readable by its owner only.
///
/// # Errors
/// If a file cannot be read or written.
pub fn copy_tree(from: &Path, to: &Path) -> Result<(), BackupError> {
    if !from.exists() {
        return Ok(());
    }
    private_folder(to).map_err(|e| BackupError::File(to.to_owned(), e))?;
    for entry in fs::read_dir(from).map_err(|e| BackupError::File(from.to_owned(), e))? {
        let path = entry.map_err(|e| BackupError::File(from.to_owned(), e))?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy_tree(&path, &target)?;
            continue;
        }
        let copied = fs::read(&path).and_then(|bytes| {
            write_atomically(&target, &bytes)?;
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&target, fs::Permissions::from_mode(0o600))
        });
        match copied {
            // Destroyed while we were at it: that is what is wanted of it.
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            other => other.map_err(|e| BackupError::File(path, e))?,
        }
    }
    Ok(())
}

/// Removes backups in `folder` that are older than `days`; never the newest one. Gives how many.
///
/// # Errors
/// If one cannot be removed.
pub fn prune(folder: &Path, now: DateTime<Utc>, days: u32) -> Result<usize, BackupError> {
    let mut all: Vec<(NaiveDateTime, PathBuf)> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| {
            let name = e.file_name().to_string_lossy().into_owned();
            Some((NaiveDateTime::parse_from_str(&name, STAMP).ok()?, e.path()))
        })
        .collect();
    all.sort();
    all.pop();
    let oldest = now.naive_utc() - TimeDelta::days(i64::from(days));
    let mut removed = 0;
    for (_, path) in all.into_iter().filter(|(made, _)| *made < oldest) {
        remove_folder(&path).map_err(|e| BackupError::File(path, e))?;
        removed += 1;
    }
    Ok(removed)
}

/// Removes copies of the key store that are older than allowed: all of them, the newest included,
/// because an old one could bring back the key of somebody who was erased.
///
/// # Errors
/// If one cannot be removed.
pub fn prune_keys(folder: &Path, now: DateTime<Utc>, days: u32) -> Result<usize, BackupError> {
    let mut removed = prune(folder, now, days)?;
    let oldest = now.naive_utc() - TimeDelta::days(i64::from(days));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if NaiveDateTime::parse_from_str(&name, STAMP).is_ok_and(|made| made < oldest) {
            remove_folder(&entry.path()).map_err(|e| BackupError::File(entry.path(), e))?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// The newest backup of a kind in `folder`.
#[must_use]
pub fn newest(folder: &Path, kind: &str) -> Option<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(folder.join(kind))
        .into_iter()
        .flatten()
        .flatten()
        .filter(|e| NaiveDateTime::parse_from_str(&e.file_name().to_string_lossy(), STAMP).is_ok())
        .map(|e| e.path())
        .collect();
    all.sort();
    all.pop()
}

/// Reads a backup's manifest and holds every file against it.
///
/// # Errors
/// With the first thing that is wrong.
pub fn verify(folder: &Path) -> Result<Manifest, BackupError> {
    let path = folder.join(MANIFEST);
    let text = fs::read(&path).map_err(|e| BackupError::File(path.clone(), e))?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|e| BackupError::Wrong(format!("{} cannot be read: {e}", path.display())))?;
    let found = notes(folder)?;
    for (name, note) in &manifest.files {
        match found.get(name) {
            None => return Err(BackupError::Wrong(format!("{name} is missing"))),
            Some(now) if now != note => {
                return Err(BackupError::Wrong(format!("{name} was changed or is damaged")));
            }
            Some(_) => {}
        }
    }
    match found.keys().find(|name| !manifest.files.contains_key(*name)) {
        Some(name) => Err(BackupError::Wrong(format!("{name} does not belong to this backup"))),
        None => Ok(manifest),
    }
}

/// Brings the database of a backup back.
///
/// # Errors
/// If the backup is not whole or the database not empty.
pub async fn restore_database(dumper: &Dumper, folder: &Path) -> Result<Manifest, BackupError> {
    let checked = folder.to_owned();
    let manifest = tokio::task::spawn_blocking(move || verify(&checked))
        .await
        .map_err(|e| BackupError::Wrong(e.to_string()))??;
    if manifest.kind != "database" {
        return Err(BackupError::Wrong(format!(
            "{} is a backup of {}, not of the database",
            folder.display(),
            manifest.kind
        )));
    }
    dumper.restore(&folder.join(DUMP)).await?;
    Ok(manifest)
}

/// What a certificate says of an erasure, as far as it has to be repeated.
struct Erased {
    request: Uuid,
    account: Uuid,
    comments: CommentsFate,
    /// Further subjects of the vault.
    subjects: Vec<Uuid>,
}

/// The certificates of erasures in a folder.
fn ledger(folder: &Path) -> Result<Vec<Erased>, BackupError> {
    let mut all = vec![];
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|e| e != "json") {
            continue;
        }
        let text = fs::read(&path).map_err(|e| BackupError::File(path.clone(), e))?;
        let note: serde_json::Value = serde_json::from_slice(&text)
            .map_err(|e| BackupError::Wrong(format!("{} cannot be read: {e}", path.display())))?;
        let id = |name: &str| note[name].as_str().and_then(|t| t.parse::<Uuid>().ok());
        let (Some(request), Some(account)) = (id("request"), id("account")) else {
            return Err(BackupError::Wrong(format!("{} names no account", path.display())));
        };
        // Certificates of older versions say nothing of these.
        let comments = serde_json::from_value(note["comments"].clone()).unwrap_or_default();
        let subjects = serde_json::from_value(note["subjects"].clone()).unwrap_or_default();
        all.push(Erased { request, account, comments, subjects });
    }
    Ok(all)
}

/// Erases again everybody who was erased after the backup was made. Gives how many certificates there
/// are. Until this is done a restored instance stays closed.
///
/// # Errors
/// If a certificate cannot be read or an erasure cannot be repeated.
pub async fn replay_erasures(cx: &Services, folder: &Path) -> Result<usize, BackupError> {
    let all = ledger(folder)?;
    for erased in &all {
        let meta = Metadata::system("restore", erased.request, cx.clock.now());
        let fate = (erased.comments, erased.subjects.as_slice());
        erase_account::repeat(cx, erased.request, erased.account, fate, &meta).await?;
    }
    Ok(all.len())
}
