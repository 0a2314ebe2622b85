//! Files against the log: `kinora media verify` and `prune`, and the job `reconcile-storage`.

use super::services::Services;
use crate::domain::media::{Captions, Codec, Place};
use crate::media::files::{Files, Listed};
use crate::media::playlist;
use crate::media::store::{MediaStore, folder_bytes, remove_folder};
use crate::projections::media::{self as works, Work};
use crate::store::StoreError;
use chrono::{TimeDelta, Utc};
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::io;
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

pub(super) async fn all(cx: &Services) -> Result<Vec<Work>, StoreError> {
    let mut found = vec![];
    let mut before = None;
    loop {
        let page = works::list(&cx.reader, None, before, 500).await?;
        let Some(last) = page.last() else { return Ok(found) };
        before = Some(last.received_at);
        found.extend(page);
    }
}

/// How a comparison looks at files in a bucket, whose bytes cost something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Everything is read and hashed.
    Bytes,
    /// Of files in a bucket the hash is believed that they were put there with, after they were read back.
    Notes,
}

/// Compares every file with the log: originals and captions by hash, renditions by presence and length.
///
/// # Errors
/// If the database or a store of files cannot be read.
pub async fn verify(cx: &Services, depth: Depth) -> Result<Verified, StoreError> {
    let works = all(cx).await?;
    let mut result = Verified { works: works.len(), ..Verified::default() };
    let mut hashed = HashSet::new();
    for work in &works {
        let fail = |e| StoreError::file("comparing the files of a work", e);
        let originals = works::originals_of(&cx.reader, work.id).await?;
        compare(&cx.files, (work, &originals), depth, &mut hashed, &mut result).await.map_err(fail)?;
    }
    result.ok = result.findings.is_empty();
    Ok(result)
}

async fn compare(
    files: &Files,
    (work, originals): (&Work, &[works::Held]),
    depth: Depth,
    hashed: &mut HashSet<String>,
    result: &mut Verified,
) -> io::Result<()> {
    let mut find = |what: &str| result.findings.push(Finding { media: work.id, what: what.to_owned() });
    for original in originals.iter().filter(|o| hashed.insert(o.sha256.clone())) {
        let key = MediaStore::original_key(&original.sha256).unwrap_or_default();
        let which = if original.role == "current" { "" } else { &format!("{} ", original.role) };
        match hash(files, &key, work.place, depth).await? {
            Some((hash, bytes)) if hash == original.sha256 && bytes == original.bytes => {
                result.originals += 1;
                result.bytes += bytes;
            }
            Some(_) => find(&format!("the {which}original differs from its hash")),
            None => find(&format!("the {which}original is missing")),
        }
    }
    for captions in &work.captions {
        let key = format!("{}/{}", MediaStore::captions_key(work.id), captions.file());
        match hash(files, &key, work.place, depth).await? {
            Some((hash, bytes)) if hash == captions.sha256 => result.bytes += bytes,
            _ => find(&format!("the captions {} are missing or differ from their hash", captions.track())),
        }
    }
    if work.playable > 0 {
        let folder = MediaStore::public_key(work.id, work.playable);
        let mut there = files.list(&folder, work.place.other()).await?;
        there.extend(files.list(&folder, work.place).await?);
        for what in lacking(files, work, &there, work.place).await? {
            find(&what);
        }
        result.bytes += there.values().map(|f| f.length).sum::<u64>();
    }
    Ok(())
}

/// Hash and length of a file in the store that delivers it.
async fn hash(files: &Files, key: &str, first: Place, depth: Depth) -> io::Result<Option<(String, u64)>> {
    for place in [first, first.other()] {
        let Some(found) = files.find_in(key, place).await? else { continue };
        if place == Place::S3
            && depth == Depth::Notes
            && let Some(noted) = files.noted_hash(key).await?
        {
            return Ok(Some((noted, found.length)));
        }
        return files.hash(key, place).await.map(Some);
    }
    Ok(None)
}

/// What of a work's round is not among the files of a listing, in words.
///
/// # Errors
/// If a playlist cannot be read.
pub async fn lacking(
    files: &Files,
    work: &Work,
    there: &BTreeMap<String, Listed>,
    first: Place,
) -> io::Result<Vec<String>> {
    let mut all = vec![];
    let folder = MediaStore::public_key(work.id, work.playable);
    for rendition in &work.renditions {
        let name = &rendition.name;
        let inside = format!("{name}/");
        let bytes: Vec<u64> =
            there.iter().filter(|(n, _)| n.starts_with(&inside)).map(|(_, f)| f.length).collect();
        if bytes.is_empty() {
            if there.get(name).map(|f| f.length) != Some(rendition.bytes) {
                all.push(format!("{name} is missing or has another length"));
            }
        } else if rendition.codec == Codec::Jpeg {
            if bytes.iter().sum::<u64>() != rendition.bytes {
                all.push(format!("{name} are not as long as they were"));
            }
        } else {
            let list = files.read(&format!("{folder}/{inside}index.m3u8"), first, LONGEST_PLAYLIST).await?;
            if let Some(what) = check_stream(list, &inside, there) {
                all.push(format!("{name}: {what}"));
            }
        }
    }
    Ok(all)
}

fn check_stream(
    list: Option<Vec<u8>>,
    inside: &str,
    there: &BTreeMap<String, Listed>,
) -> Option<&'static str> {
    let Some(text) = list.and_then(|l| String::from_utf8(l).ok()) else { return Some("no playlist") };
    let is_there = |name: &str| there.get(&format!("{inside}{name}")).is_some_and(|f| f.length > 0);
    if !is_there("init.mp4") {
        return Some("no initialisation file");
    }
    let entries = playlist::entries(&text);
    if entries.is_empty() {
        return Some("an empty playlist");
    }
    let whole = entries.iter().all(|e| is_there(&e.file));
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
const SETTLED_DELTA: TimeDelta = TimeDelta::hours(1);
/// Longest playlist that is read.
const LONGEST_PLAYLIST: u64 = 16 << 20;

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
            "select media, generation, playable, captions, (next -> 'before' ->> 'generation')::integer
             from media_works where publication <> 'erased'",
            &[],
        )
        .await?
    {
        let (media, generation, playable): (Uuid, i32, i32) = (row.get(0), row.get(1), row.get(2));
        // What cannot be read is never taken for an orphan.
        let captions: BTreeMap<String, Captions> = serde_json::from_value(row.get(3))
            .map_err(|e| StoreError::Cluster(format!("a row of media_works cannot be read: {e}")))?;
        kept.extend(captions.values().map(|c| format!("{media}/{}", c.file())));
        for number in [Some(generation), Some(playable), row.get(4)].into_iter().flatten() {
            kept.insert(format!("{media}/{number}"));
        }
    }
    for row in client.query("select distinct sha256 from media_originals", &[]).await? {
        originals.insert(row.get::<_, String>(0));
    }
    let mut uploads = HashSet::new();
    for row in client.query("select id from public.uploads", &[]).await? {
        uploads.insert(row.get::<_, Uuid>(0).to_string());
    }
    drop(client);
    let known = Known { kept, originals, uploads };
    let fail = |e| StoreError::file("removing orphans", e);
    let mut found = sweep_bucket(&cx.files, &known, remove).await.map_err(fail)?;
    let store = cx.files.local().clone();
    let task = tokio::task::spawn_blocking(move || sweep(&store, &known, remove));
    let swept = task.await.map_err(|e| StoreError::Cluster(e.to_string()))?.map_err(fail)?;
    found.orphans += swept.orphans;
    found.bytes += swept.bytes;
    Ok(found)
}

/// What belongs to something.
struct Known {
    /// Rounds as `work/round`, captions as `work/file`.
    kept: HashSet<String>,
    /// Hashes.
    originals: HashSet<String>,
    /// Ids of uploads.
    uploads: HashSet<String>,
}

/// The same for the bucket. Its folders have no time of their own: an orphan is as old as its newest file.
async fn sweep_bucket(files: &Files, known: &Known, remove: bool) -> io::Result<Pruned> {
    let mut result = Pruned { removed: remove, ..Pruned::default() };
    for area in ["public", "captions", "originals"] {
        let mut orphans: BTreeMap<String, Vec<(String, Listed)>> = BTreeMap::new();
        for (name, file) in files.list(area, Place::S3).await? {
            let mut parts = name.splitn(3, '/');
            let owner = [parts.next().unwrap_or_default(), parts.next().unwrap_or_default()];
            let belongs = match area {
                "originals" => known.originals.contains(&owner.concat()),
                _ => known.kept.contains(&owner.join("/")),
            };
            if !belongs {
                orphans.entry(owner.join("/")).or_default().push((name, file));
            }
        }
        let young =
            |f: &Listed| f.modified.is_none_or(|m| Utc::now().signed_duration_since(m) < SETTLED_DELTA);
        for (_, parts) in orphans.into_iter().filter(|(_, parts)| !parts.iter().any(|(_, f)| young(f))) {
            result.orphans += 1;
            for (name, file) in parts {
                result.bytes += file.length;
                if remove {
                    files.remove(&format!("{area}/{name}"), Place::S3).await?;
                }
            }
        }
    }
    Ok(result)
}

fn sweep(store: &MediaStore, known: &Known, remove: bool) -> io::Result<Pruned> {
    let Known { kept, originals, uploads } = known;
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
