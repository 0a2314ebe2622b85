//! Files that belong to nothing: `kinora media prune`, and the job `reconcile-storage`.

use super::media_files::{all, list_of};
use super::services::Services;
use crate::domain::media::{Captions, Place};
use crate::media::files::{Files, Listed};
use crate::media::made_files;
use crate::media::store::{MediaStore, folder_bytes, remove_folder};
use crate::store::StoreError;
use chrono::{TimeDelta, Utc};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use uuid::Uuid;

/// A file or folder that belongs to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Orphan {
    /// Where it lies.
    pub place: Place,
    /// Its path below the data folder, or its name in the bucket; a folder's ends with a slash.
    pub path: String,
    /// Its bytes.
    pub bytes: u64,
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
    /// Each of them.
    pub list: Vec<Orphan>,
}

impl Pruned {
    fn add(&mut self, place: Place, path: String, bytes: u64) {
        self.orphans += 1;
        self.bytes += bytes;
        self.list.push(Orphan { place, path, bytes });
    }
}

/// Younger files may belong to work that is just being done.
const SETTLED: Duration = Duration::from_secs(3600);
const SETTLED_DELTA: TimeDelta = TimeDelta::hours(1);

/// Folders of the media folder.
const AREAS: [&str; 4] = ["public", "captions", "originals", "work"];

/// What belongs to something.
#[derive(Default)]
struct Known {
    /// Rounds as `work/round`, captions as `work/file`.
    kept: HashSet<String>,
    /// Finished rounds whose files are all known, with their names.
    whole: HashMap<String, HashSet<String>>,
    /// Hashes.
    originals: HashSet<String>,
    /// Ids of uploads.
    uploads: HashSet<String>,
}

impl Known {
    /// Whether a file of a round that is kept belongs to it. What was being written is nobody's once it has settled; of
    /// a round without a list of its files the rest is taken for its own.
    fn has(&self, round: &str, name: &str) -> bool {
        let listed = |names: &HashSet<String>| name == made_files::NAME || names.contains(name);
        !made_files::is_scratch(name) && self.whole.get(round).is_none_or(listed)
    }
}

/// Finds files that belong to nothing, and removes them when told.
///
/// # Errors
/// If the database cannot be read or a file cannot be removed.
pub async fn prune(cx: &Services, remove: bool) -> Result<Pruned, StoreError> {
    let fail = |e| StoreError::file("looking for files that belong to nothing", e);
    let mut known = known(cx).await?;
    for work in all(cx).await?.iter().filter(|w| w.processing == "ready" && w.playable == w.generation) {
        if let Some(list) = list_of(&cx.files, work).await.map_err(fail)? {
            known.whole.insert(format!("{}/{}", work.id, work.playable), list.into_keys().collect());
        }
    }
    let mut found = sweep_bucket(&cx.files, &known, remove).await.map_err(fail)?;
    let store = cx.files.local().clone();
    let task = tokio::task::spawn_blocking(move || sweep(&store, &known, remove));
    let swept = task.await.map_err(|e| StoreError::Cluster(e.to_string()))?.map_err(fail)?;
    for orphan in swept.list {
        found.add(orphan.place, orphan.path, orphan.bytes);
    }
    Ok(found)
}

async fn known(cx: &Services) -> Result<Known, StoreError> {
    let client = cx.pool.get().await?;
    let mut known = Known::default();
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
        known.kept.extend(captions.values().map(|c| format!("{media}/{}", c.file())));
        for number in [Some(generation), Some(playable), row.get(4)].into_iter().flatten() {
            known.kept.insert(format!("{media}/{number}"));
        }
    }
    for row in client.query("select distinct sha256 from media_originals", &[]).await? {
        known.originals.insert(row.get::<_, String>(0));
    }
    for row in client.query("select id from public.uploads", &[]).await? {
        known.uploads.insert(row.get::<_, Uuid>(0).to_string());
    }
    Ok(known)
}

/// The bucket. Its folders have no time of their own: an orphan is as old as its newest file.
async fn sweep_bucket(files: &Files, known: &Known, remove: bool) -> io::Result<Pruned> {
    let mut result = Pruned { removed: remove, ..Pruned::default() };
    for area in ["public", "captions", "originals"] {
        let mut orphans: BTreeMap<String, Vec<(String, Listed)>> = BTreeMap::new();
        for (name, file) in files.list(area, Place::S3).await? {
            let mut parts = name.splitn(3, '/');
            let owner = [parts.next().unwrap_or_default(), parts.next().unwrap_or_default()];
            let round = owner.join("/");
            let inside = parts.next().unwrap_or_default();
            let orphan = match area {
                "originals" => (!known.originals.contains(&owner.concat())).then(|| name.clone()),
                _ if !known.kept.contains(&round) && inside.is_empty() => Some(round),
                _ if !known.kept.contains(&round) => Some(format!("{round}/")),
                _ => (!inside.is_empty() && !known.has(&round, inside)).then(|| name.clone()),
            };
            if let Some(orphan) = orphan {
                orphans.entry(orphan).or_default().push((name, file));
            }
        }
        let young =
            |f: &Listed| f.modified.is_none_or(|m| Utc::now().signed_duration_since(m) < SETTLED_DELTA);
        for (path, parts) in orphans.into_iter().filter(|(_, parts)| !parts.iter().any(|(_, f)| young(f))) {
            result.add(Place::S3, format!("{area}/{path}"), parts.iter().map(|(_, f)| f.length).sum());
            for (name, _) in parts.into_iter().filter(|_| remove) {
                files.remove(&format!("{area}/{name}"), Place::S3).await?;
            }
        }
    }
    Ok(result)
}

fn sweep(store: &MediaStore, known: &Known, remove: bool) -> io::Result<Pruned> {
    let root = store.root();
    // Whatever else lies beside our folders was put there by nobody of ours.
    let mut found: Vec<PathBuf> =
        children(root).into_iter().filter(|p| !AREAS.contains(&file_name(p).as_str())).collect();
    for area in ["public", "work", "captions"] {
        for media in children(&root.join(area)) {
            let rounds = children(&media);
            if rounds.is_empty() && media != store.arriving() {
                found.push(media);
                continue;
            }
            for round in rounds {
                let name = format!("{}/{}", file_name(&media), file_name(&round));
                if !known.kept.contains(&name) {
                    found.push(round);
                } else if area == "public" {
                    found.extend(strangers(&round, "", &|inside| known.has(&name, inside)));
                }
            }
        }
    }
    for shelf in children(&root.join("originals")) {
        let all = children(&shelf);
        if all.is_empty() {
            found.push(shelf);
            continue;
        }
        for file in all {
            if !known.originals.contains(&format!("{}{}", file_name(&shelf), file_name(&file))) {
                found.push(file);
            }
        }
    }
    for file in children(store.uploads()) {
        if !known.uploads.contains(file_name(&file.with_extension("")).as_str()) {
            found.push(file);
        }
    }
    let data = root.parent().unwrap_or(root);
    let mut result = Pruned { removed: remove, ..Pruned::default() };
    for path in found.into_iter().filter(|p| is_settled(p)) {
        let slash = if path.is_dir() { "/" } else { "" };
        let bytes =
            std::fs::metadata(&path).map_or(0, |m| if m.is_file() { m.len() } else { folder_bytes(&path) });
        let name = path.strip_prefix(data).unwrap_or(&path).display().to_string();
        result.add(Place::Local, format!("{name}{slash}"), bytes);
        if remove {
            if path.is_dir() {
                remove_folder(&path)?
            } else {
                std::fs::remove_file(&path)?
            }
            // Folders that are empty now go as well; the large ones at the top stay.
            let above = path.ancestors().skip(1).take_while(|a| a.starts_with(root));
            let _ = above
                .filter(|a| a.strip_prefix(root).is_ok_and(|below| below.components().count() > 1))
                .try_for_each(std::fs::remove_dir);
        }
    }
    Ok(result)
}

/// Files below a folder that are not its own.
fn strangers(folder: &Path, inside: &str, own: &impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let mut found = vec![];
    for path in children(folder) {
        let name = format!("{inside}{}", file_name(&path));
        if path.is_dir() {
            found.extend(strangers(&path, &format!("{name}/"), own));
        } else if !own(&name) {
            found.push(path);
        }
    }
    found
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::store::write_atomically;

    fn old(path: &Path) {
        let file = std::fs::File::open(path).unwrap();
        file.set_modified(SystemTime::now() - SETTLED * 2).unwrap();
    }

    #[test]
    fn what_belongs_to_nothing_is_named_wherever_it_lies_and_its_empty_folders_go_with_it() {
        let data = tempfile::tempdir().unwrap();
        let store = MediaStore::new(data.path());
        let (live, old_work) = (Uuid::now_v7(), Uuid::now_v7());
        let mut known = Known::default();
        known.kept.insert(format!("{live}/2"));
        known.kept.insert(format!("{old_work}/1"));
        known.whole.insert(format!("{live}/2"), ["master.m3u8".to_owned()].into());
        known.originals.insert(format!("ab{}", "0".repeat(62)));
        let own = [
            format!("media/public/{live}/2/master.m3u8"),
            format!("media/public/{live}/2/files.json"),
            // Nobody knows what belongs to it: all of it may.
            format!("media/public/{old_work}/1/whatever.bin"),
            format!("media/originals/ab/{}", "0".repeat(62)),
        ];
        let lost = [
            "media/junk.bin".to_owned(),
            "media/originals/cd/0000".into(),
            "media/originals/stray".into(),
            format!("media/public/{live}/1/"),
            format!("media/public/{live}/2/av1-90/stray.m4s"),
            format!("media/public/{old_work}/1/h264-90/00000.m4s.0.tmp"),
            "uploads/nobody".into(),
        ];
        for name in own.iter().chain(&lost) {
            let file = if name.ends_with('/') { format!("{name}x") } else { name.clone() };
            write_atomically(&data.path().join(file), b"1234").unwrap();
        }
        let young = sweep(&store, &known, false).unwrap();
        assert_eq!(young.list, [], "they may belong to what is just being done");
        for name in &lost {
            old(&data.path().join(name));
        }
        let found = sweep(&store, &known, false).unwrap();
        let named: HashSet<&str> = found.list.iter().map(|o| o.path.as_str()).collect();
        assert_eq!(named, lost.iter().map(String::as_str).collect());
        assert_eq!((found.orphans, found.bytes), (7, 28));
        sweep(&store, &known, true).unwrap();
        assert!(own.iter().all(|name| data.path().join(name).exists()));
        for gone in ["media/originals/cd", &format!("media/public/{live}/2/av1-90")] {
            assert!(!data.path().join(gone).exists(), "{gone}");
        }
        assert!(data.path().join("media/originals").exists());
        assert_eq!(sweep(&store, &known, true).unwrap().list, []);
    }
}
