//! Files against the log: `kinora media verify`, and the job `reconcile-storage`.

use super::services::Services;
use crate::domain::media::{Codec, Place};
use crate::media::files::{Files, Listed};
use crate::media::store::MediaStore;
use crate::media::{made_files, playlist};
use crate::projections::media::{self as works, Work};
use crate::store::StoreError;
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::io;
use uuid::Uuid;

/// Something that is not as the log says.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// The work.
    pub media: Uuid,
    /// What is wrong, with the name of the file in the work.
    pub what: String,
    /// What to do about it.
    pub mend: String,
}

impl Finding {
    /// Of something that is made of the original: that can be done again.
    #[must_use]
    pub fn made(media: Uuid, what: String) -> Self {
        Self { media, what, mend: format!("kinora media reprocess {media}") }
    }
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
    /// Files that were made of them, read and hashed.
    pub made: usize,
    /// Works that play something of which the log holds no hashes: those that are not finished, and those of before
    /// it held any. Of them only presence and length are compared.
    pub without_hashes: usize,
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

/// Most files of a work that are named; the rest is counted.
const NAMED: usize = 20;

/// How a comparison looks at files in a bucket, whose bytes cost something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Everything is read and hashed.
    Bytes,
    /// Of files in a bucket the hash is believed that they were put there with, after they were read back.
    Notes,
}

/// Compares every file with the log by hash; what was made before the log held hashes of it, by presence and length.
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
    let find = |what: String, mend: &str| Finding { media: work.id, what, mend: mend.to_owned() };
    let from_backup = "bring it back from a copy of the media folder, or put the file in its place once more";
    for original in originals.iter().filter(|o| hashed.insert(o.sha256.clone())) {
        let key = MediaStore::original_key(&original.sha256).unwrap_or_default();
        let which = if original.role == "current" { "" } else { &format!("{} ", original.role) };
        match hash(files, &key, work.place, depth).await? {
            Some((hash, bytes)) if hash == original.sha256 && bytes == original.bytes => {
                result.originals += 1;
                result.bytes += bytes;
            }
            Some(_) => {
                let what = format!("the {which}original differs from its hash");
                result.findings.push(find(what, from_backup));
            }
            None => result.findings.push(find(format!("the {which}original is missing"), from_backup)),
        }
    }
    for captions in &work.captions {
        let key = format!("{}/{}", MediaStore::captions_key(work.id), captions.file());
        match hash(files, &key, work.place, depth).await? {
            Some((hash, bytes)) if hash == captions.sha256 => result.bytes += bytes,
            _ => {
                let what = format!("the captions {} are missing or differ from their hash", captions.track());
                result.findings.push(find(what, "add them once more in the work's editor"));
            }
        }
    }
    if work.playable > 0 {
        let (found, bytes) = compare_made(files, work, depth, result).await?;
        result.bytes += bytes;
        let more = found.len().saturating_sub(NAMED);
        result.findings.extend(found.into_iter().take(NAMED).map(|what| Finding::made(work.id, what)));
        if more > 0 {
            result.findings.push(Finding::made(work.id, format!("{more} more files are missing or damaged")));
        }
    }
    Ok(())
}

/// What is wrong with the files of a round, and how many bytes were read.
async fn compare_made(
    files: &Files,
    work: &Work,
    depth: Depth,
    result: &mut Verified,
) -> io::Result<(Vec<String>, u64)> {
    let folder = MediaStore::public_key(work.id, work.playable);
    let mut found = vec![];
    if let Some(noted) = &work.made {
        match list_of(files, work).await? {
            Some(list) => {
                let mut read = 0;
                for (name, file) in &list {
                    match hash(files, &format!("{folder}/{name}"), work.place, depth).await? {
                        Some((hash, bytes)) if hash == file.sha256 && bytes == file.bytes => {
                            result.made += 1;
                            read += bytes;
                        }
                        Some(_) => found.push(format!("{name} differs from its hash")),
                        None => found.push(format!("{name} is missing")),
                    }
                }
                return Ok((found, read));
            }
            None => found.push(format!(
                "{}, the list of its {} files, is missing or differs from its hash",
                made_files::NAME,
                noted.files
            )),
        }
    }
    result.without_hashes += 1;
    let mut there = files.list(&folder, work.place.other()).await?;
    there.extend(files.list(&folder, work.place).await?);
    found.extend(lacking(files, work, &there, work.place).await?);
    Ok((found, there.values().map(|f| f.length).sum()))
}

/// The files of the round that people see, if the log holds their list and it is there as the log knows it.
pub(super) async fn list_of(files: &Files, work: &Work) -> io::Result<Option<made_files::List>> {
    let Some(noted) = &work.made else { return Ok(None) };
    let key = format!("{}/{}", MediaStore::public_key(work.id, work.playable), made_files::NAME);
    let bytes = files.read(&key, work.place, LONGEST_LIST).await?;
    Ok(bytes.and_then(|bytes| made_files::read(&bytes, noted)))
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
            let list = files.read(&format!("{folder}/{inside}index.m3u8"), first, LONGEST_LIST).await?;
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

/// Longest playlist or list of files that is read.
const LONGEST_LIST: u64 = 64 << 20;
