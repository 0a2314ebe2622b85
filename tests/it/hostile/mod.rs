//! Hostile and odd files, each taken the whole way from an upload to its end on a real PostgreSQL: refused in
//! a sentence with nothing left behind, or made into what a person would expect. No byte outside a file's own
//! folder is read, no connection is made, no helper stays, none outgrows its limits.

mod endless;
mod films;
mod odd;
mod others;
mod watch;

use crate::accounts::{person, signed_in};
use crate::media::{upload, walk};
use crate::support::Studio;
use kinora::config::Av1;
use kinora::domain::media::Kind;
use kinora::domain::shared::Role;
use kinora::projections::media::{self as works, Work};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use watch::{Canary, Helpers};

/// How long all of them together may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(600);
/// Memory that one helper and what it starts may take, in bytes: far below the limit of the address space.
const HELPER_MEMORY: u64 = 2 << 30;

/// How a file ends.
pub enum End {
    /// Rejected, with a sentence that has these words.
    Rejected(&'static str),
    /// Ready, as this kind, and the work is as it should be.
    Ready(Kind, fn(&Work) -> bool),
}

/// One file.
pub struct Case {
    name: &'static str,
    file: &'static str,
    bytes: Vec<u8>,
    end: End,
}

pub fn case(name: &'static str, file: &'static str, bytes: impl Into<Vec<u8>>, end: End) -> Case {
    Case { name, file, bytes: bytes.into(), end }
}

/// Any work of the kind will do.
pub fn any(_: &Work) -> bool {
    true
}

/// Runs ffmpeg and gives what it wrote.
pub fn ffmpeg(room: &Path, name: &str, words: &[&str]) -> Vec<u8> {
    let path = room.join(name);
    let out = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-y"])
        .args(words)
        .arg(&path)
        .output()
        .expect("ffmpeg");
    assert!(out.status.success(), "{name}: {}", String::from_utf8_lossy(&out.stderr));
    std::fs::read(path).expect("written")
}

fn ended(work: &Work) -> bool {
    matches!(work.processing.as_str(), "ready" | "rejected" | "failed")
}

async fn all_ended(studio: &Studio, wanted: usize) -> BTreeMap<String, Work> {
    let (until, mut told) = (Instant::now() + PATIENCE, Instant::now());
    loop {
        let all = works::list(&studio.instance.services.reader, None, None, 1000).await.expect("list");
        let open: Vec<_> = all.iter().filter(|w| !ended(w)).map(|w| (&w.title, &w.processing)).collect();
        if open.is_empty() && all.len() == wanted {
            return all.into_iter().map(|w| (w.title.clone(), w)).collect();
        }
        if told.elapsed() > Duration::from_secs(10) {
            println!("{} still open, such as {:?}", open.len(), &open[..open.len().min(4)]);
            told = Instant::now();
        }
        assert!(Instant::now() < until, "{} of {wanted}; still open: {open:?}", all.len());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn original(data: &Path, work: &Work) -> PathBuf {
    data.join("media/originals").join(&work.sha256[..2]).join(&work.sha256[2..])
}

/// What is not as it should be with a case; `None` if all is well.
fn verdict(data: &Path, case: &Case, work: &Work) -> Option<String> {
    let said = work.reason.as_deref().unwrap_or_default();
    let as_wanted = match &case.end {
        End::Rejected(words) => work.processing == "rejected" && said.contains(words),
        End::Ready(kind, good) => work.processing == "ready" && work.kind == Some(*kind) && good(work),
    };
    if !as_wanted {
        return Some(format!(
            "{} {:?} {said} ({}×{}, {} ms)",
            work.processing, work.kind, work.facts.width, work.facts.height, work.duration_ms
        ));
    }
    let media = data.join("media");
    let id = work.id.to_string();
    let left: Vec<PathBuf> = [media.join("public").join(&id), media.join("work").join(&id)]
        .into_iter()
        .chain(Some(original(data, work)).filter(|_| work.processing == "rejected"))
        .filter(|p| p.exists() && work.processing != "ready")
        .collect();
    let busy = media.join("work").join(&id);
    if work.processing == "ready" && busy.exists() {
        return Some("its work folder is still there".into());
    }
    (!left.is_empty() && work.processing == "rejected").then(|| format!("left behind: {left:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_hostile_or_odd_file_ends_as_it_should() {
    let room = tempfile::tempdir().expect("folder");
    let canary = Canary::listening(room.path());
    let mut cases = films::cases(room.path(), &canary);
    cases.extend(others::cases(&canary));
    cases.extend(odd::cases(room.path()));
    let studio = Studio::start_with(|c| {
        c.media.av1 = Av1::None;
        c.previews.archive_read_mib = 64;
    })
    .await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let data = studio.data.path();
    let helpers = Helpers::below(data);

    let started = Instant::now();
    let mut wrong = Vec::new();
    let mut taken = 0;
    for case in &cases {
        let sent = upload(&maker, case.name, case.file, case.bytes.clone()).await;
        match sent.status {
            303 => taken += 1,
            status => wrong.push(format!("{} was not taken: {status} {}", case.name, sent.body)),
        }
    }
    let all = all_ended(&studio, taken).await;
    for case in &cases {
        if let Some(why) = all.get(case.name).and_then(|work| verdict(data, case, work)) {
            wrong.push(format!("{}: {why}", case.name));
        }
    }
    let (most, left) = helpers.end();
    println!(
        "{} files in {:.0} s; the largest helper took {} MiB",
        cases.len(),
        started.elapsed().as_secs_f64(),
        most >> 20
    );
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(cases.len() >= 100);
    assert!(most < HELPER_MEMORY, "a helper took {most} bytes");
    assert!(left.is_empty(), "helpers are left: {left:?}");

    // Only what belongs to accepted works is left of all of it.
    let mut files = Vec::new();
    walk(&data.join("uploads"), &mut files);
    assert!(files.is_empty(), "{files:?}");
    let kept: Vec<PathBuf> =
        all.values().filter(|w| w.processing != "rejected").map(|w| original(data, w)).collect();
    walk(&data.join("media/originals"), &mut files);
    files.retain(|f| !kept.contains(f));
    assert!(files.is_empty(), "originals of nobody: {files:?}");
    walk(&data.join("media"), &mut files);
    for file in files.iter().filter(|f| !kept.contains(f)) {
        let bytes = std::fs::read(file).expect("readable");
        assert!(!canary.is_in(&bytes), "{} holds what no file may read", file.display());
    }
    assert_eq!(canary.connections(), 0, "a file made somebody call elsewhere");
    studio.verify().await;
    studio.close().await;
}
