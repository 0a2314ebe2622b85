//! Files against the log: `kinora media verify` and `prune`, and the job `reconcile-storage`.

use super::services::Services;
use crate::domain::media::{Captions, Codec};
use crate::media::playlist;
use crate::media::store::{MediaStore, folder_bytes, hash_file, remove_folder};
use crate::projections::media::{self as works, Work};
use crate::store::StoreError;
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use uuid::Uuid;

/// Something that is not as the log says.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// The work.
    pub media: Uuid,
    /// What is wrong, without paths.
    pub what: String,
}

/// What a comparison found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Verified {
    /// Whether everything is as the log says.
    pub ok: bool,
    /// Works looked at.
    pub works: usize,
    /// Originals read and hashed.
    pub originals: usize,
    /// Bytes read.
    pub bytes: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

async fn all(cx: &Services) -> Result<Vec<Work>, StoreError> {
    let mut found = vec![];
    let mut before = None;
    loop {
        let page = works::list(&cx.reader, None, before, 500).await?;
        let Some(last) = page.last() else { return Ok(found) };
        before = Some(last.received_at);
        found.extend(page);
    }
}

/// Compares every file with the log: originals by hash, renditions by presence and length.
///
/// # Errors
/// If the database cannot be read.
pub async fn verify(cx: &Services) -> Result<Verified, StoreError> {
    let works = all(cx).await?;
    let store = MediaStore::new(&cx.config.data);
    let task = tokio::task::spawn_blocking(move || compare(&store, &works));
    task.await.map_err(|e| StoreError::Cluster(e.to_string()))
}

fn compare(store: &MediaStore, works: &[Work]) -> Verified {
    let mut result = Verified { works: works.len(), ..Verified::default() };
    let mut hashed = HashSet::new();
    for work in works {
        let mut find = |what: &str| result.findings.push(Finding { media: work.id, what: what.to_owned() });
        if work.processing != "rejected" && hashed.insert(work.sha256.clone()) {
            match store.original(&work.sha256).map(|p| hash_file(&p)) {
                Some(Ok((hash, bytes))) if hash == work.sha256 && bytes == work.bytes => {
                    result.originals += 1;
                    result.bytes += bytes;
                }
                Some(Ok(_)) => find("the original differs from its hash"),
                _ => find("the original is missing"),
            }
        }
        for captions in &work.captions {
            let file = store.captions(work.id).join(captions.file());
            match hash_file(&file) {
                Ok((hash, bytes)) if hash == captions.sha256 => result.bytes += bytes,
                _ => {
                    find(&format!("the captions {} are missing or differ from their hash", captions.track()))
                }
            }
        }
        if work.playable > 0 {
            let public = store.public(work.id, work.playable);
            for rendition in &work.renditions {
                let path = public.join(&rendition.name);
                if path.is_dir() && rendition.codec == Codec::Jpeg {
                    if folder_bytes(&path) != rendition.bytes {
                        find(&format!("{} are not as long as they were", rendition.name));
                    }
                } else if path.is_dir() {
                    if let Some(what) = check_stream(&path) {
                        find(&format!("{}: {what}", rendition.name));
                    }
                } else if std::fs::metadata(&path).map(|m| m.len()).ok() != Some(rendition.bytes) {
                    find(&format!("{} is missing or has another length", rendition.name));
                }
            }
            result.bytes += folder_bytes(&public);
        }
    }
    result.ok = result.findings.is_empty();
    result
}

fn check_stream(folder: &Path) -> Option<&'static str> {
    let Ok(text) = std::fs::read_to_string(folder.join("index.m3u8")) else { return Some("no playlist") };
    if !folder.join("init.mp4").exists() {
        return Some("no initialisation file");
    }
    let entries = playlist::entries(&text);
    if entries.is_empty() {
        return Some("an empty playlist");
    }
    let whole = entries.iter().all(|e| std::fs::metadata(folder.join(&e.file)).is_ok_and(|m| m.len() > 0));
    if whole { None } else { Some("a segment is missing") }
}

/// What belongs to nothing.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Pruned {
    /// Files and folders that belong to no work.
    pub orphans: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Whether they were removed.
    pub removed: bool,
}

/// Younger files may belong to work that is just being done.
const SETTLED: Duration = Duration::from_secs(3600);

/// Finds files that belong to nothing, and removes them when told.
///
/// # Errors
/// If the database cannot be read or a file cannot be removed.
pub async fn prune(cx: &Services, remove: bool) -> Result<Pruned, StoreError> {
    let client = cx.pool.get().await?;
    let mut kept = HashSet::new();
    let mut originals = HashSet::new();
    for row in client
        .query(
            "select media, generation, playable, processing, sha256, captions from media_works where publication <> 'erased'",
            &[],
        )
        .await?
    {
        let (media, generation, playable): (Uuid, i32, i32) = (row.get(0), row.get(1), row.get(2));
        let processing: String = row.get(3);
        // What cannot be read is never taken for an orphan.
        let captions: BTreeMap<String, Captions> = serde_json::from_value(row.get(5))
            .map_err(|e| StoreError::Cluster(format!("a row of media_works cannot be read: {e}")))?;
        kept.extend(captions.values().map(|c| format!("{media}/{}", c.file())));
        for number in [generation, playable] {
            kept.insert(format!("{media}/{number}"));
        }
        if processing != "rejected" {
            originals.insert(row.get::<_, String>(4));
        }
    }
    let mut uploads = HashSet::new();
    for row in client.query("select id from public.uploads", &[]).await? {
        uploads.insert(row.get::<_, Uuid>(0).to_string());
    }
    drop(client);
    let store = MediaStore::new(&cx.config.data);
    let task = tokio::task::spawn_blocking(move || sweep(&store, &kept, &originals, &uploads, remove));
    let swept = task.await.map_err(|e| StoreError::Cluster(e.to_string()))?;
    swept.map_err(|e| StoreError::file("removing orphans", e))
}

fn sweep(
    store: &MediaStore,
    kept: &HashSet<String>,
    originals: &HashSet<String>,
    uploads: &HashSet<String>,
    remove: bool,
) -> std::io::Result<Pruned> {
    let mut found: Vec<PathBuf> = vec![];
    for area in ["public", "work", "captions"] {
        for media in children(&store.root().join(area)) {
            for round in children(&media) {
                let name = format!("{}/{}", file_name(&media), file_name(&round));
                if !kept.contains(&name) {
                    found.push(round);
                }
            }
        }
    }
    for shelf in children(&store.root().join("originals")) {
        for file in children(&shelf) {
            if !originals.contains(&format!("{}{}", file_name(&shelf), file_name(&file))) {
                found.push(file);
            }
        }
    }
    for file in children(store.uploads()) {
        if !uploads.contains(file_name(&file.with_extension("")).as_str()) {
            found.push(file);
        }
    }
    let mut result = Pruned { removed: remove, ..Pruned::default() };
    for path in found.into_iter().filter(|p| is_settled(p)) {
        result.orphans += 1;
        result.bytes +=
            std::fs::metadata(&path).map_or(0, |m| if m.is_file() { m.len() } else { folder_bytes(&path) });
        if remove {
            if path.is_dir() { remove_folder(&path)? } else { std::fs::remove_file(&path)? }
        }
    }
    Ok(result)
}

fn children(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).map(|all| all.flatten().map(|e| e.path()).collect()).unwrap_or_default()
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

fn is_settled(path: &Path) -> bool {
    let age = std::fs::metadata(path)
        .and_then(|m| m.modified())
        .ok()
        .and_then(|t| SystemTime::now().duration_since(t).ok());
    age.is_some_and(|a| a > SETTLED)
}
