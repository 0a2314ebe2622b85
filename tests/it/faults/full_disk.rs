//! The disk of the media folder filled to the brim while a file arrives and while one is worked on: said in
//! words, nothing lost, and it goes on by itself when there is room. A small file system in memory stands in
//! for the disk, which only root may mount; without that right the test says so and ends.

use super::{begin, offset, patch};
use crate::accounts::{person, signed_in};
use crate::media::{clip, upload, wait};
use crate::support::Studio;
use kinora::config::Av1;
use kinora::domain::shared::Role;
use kinora::startup::Roles;
use sha2::Digest;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A file system in memory, which goes with this value.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn at(folder: &Path, mib: u32) -> Option<Self> {
        let size = format!("size={mib}m,mode=0755");
        let done =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder).output().ok()?;
        done.status.success().then(|| Self(folder.to_owned()))
    }

    /// Writes until nothing goes any more.
    fn fill(&self) {
        let mut file = std::fs::File::create(self.0.join("ballast")).expect("made");
        for length in [1 << 20, 4096, 1] {
            let piece = vec![7; length];
            while file.write_all(&piece).is_ok() {}
        }
    }

    fn free(&self) -> u64 {
        let disk = nix::sys::statvfs::statvfs(&self.0).expect("asked");
        disk.blocks_available() * disk.fragment_size()
    }

    /// Writes until just so much is free.
    fn leave(&self, free: u64) {
        let too_much = self.free().checked_sub(free).expect("less is free already");
        let mut file =
            std::fs::OpenOptions::new().create(true).append(true).open(self.0.join("ballast")).expect("made");
        file.write_all(&vec![7; usize::try_from(too_much).expect("small")]).expect("written");
        assert_eq!(self.free(), free);
    }

    fn clear(&self) {
        std::fs::remove_file(self.0.join("ballast")).expect("removed");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_filled_to_the_brim_is_said_and_everything_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().expect("folder");
    let Some(disk) = SmallDisk::at(folder.path(), 64) else {
        println!("not run: a file system in memory cannot be mounted here");
        return;
    };
    let web = Roles { web: true, projector: true, scheduler: false, worker: false };
    let studio = Studio::start_in(folder, web, |c| {
        c.limits.free_disk_bytes = 1 << 20;
        c.media.av1 = Av1::None;
    })
    .await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let token = maker.get("/studio/uploads").await.hidden("_csrf").expect("token");
    let room = tempfile::tempdir().expect("folder");
    let film = std::fs::read(clip(room.path(), 4)).expect("clip");

    // More than fits is refused before a byte is sent, with the figures.
    let large =
        super::tus(&maker, reqwest::Method::POST, "/uploads/", &token).header("upload-length", 200 << 20);
    let refused = large.send().await.expect("an answer");
    assert_eq!(refused.status(), 507);
    let words = refused.text().await.expect("words");
    assert!(words.contains("MB"), "{words}");

    // The disk fills while a file arrives: what arrived stays, and it goes on from there.
    let place = begin(&maker, &token, film.len() as u64, "Arriving").await;
    let half = film.len() / 2;
    let first = patch(&maker, &place, &token, 0).body(film[..half].to_vec()).send().await.expect("an answer");
    assert_eq!(first.status(), 204);
    disk.fill();
    let second = patch(&maker, &place, &token, half as u64).body(film[half..].to_vec()).send().await;
    // The answer may be lost when the studio ends the connection before all was sent.
    if let Ok(second) = second {
        assert_eq!(second.status(), 507);
        let words = second.text().await.unwrap_or_default();
        assert!(words.contains("The disk is full") && words.contains("kept"), "{words}");
    }
    let page = upload(&maker, "Refused", "a.mp4", film.clone()).await;
    assert_eq!(page.status, 507, "{}", page.body);
    assert_eq!(maker.get("/studio/uploads").await.status, 200, "pages are served all the same");
    disk.clear();
    let have = usize::try_from(offset(&maker, &place, &token).await).expect("small");
    assert!(have >= half, "{have}");
    let rest =
        patch(&maker, &place, &token, have as u64).body(film[have..].to_vec()).send().await.expect("it");
    assert_eq!(rest.status(), 204, "{}", rest.text().await.unwrap_or_default());
    let work = wait(&studio, "Arriving", |w| w.processing == "received").await;
    assert_eq!(work.sha256, hex::encode(sha2::Sha256::digest(&film)));

    // It fills before the file is worked on: the work says that it waits for room, and is not failed.
    disk.fill();
    let worker =
        studio.beside_with(Roles { web: false, worker: true, ..web }, |c| c.media.av1 = Av1::None).await;
    let until = Instant::now() + Duration::from_secs(120);
    loop {
        let page = maker.get("/studio/uploads").await.body;
        if page.contains("waiting for room on the disk") {
            break;
        }
        assert!(Instant::now() < until, "{page}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let waiting = crate::media::wait(&studio, "Arriving", |_| true).await;
    assert!(!["failed", "rejected"].contains(&waiting.processing.as_str()), "{:?}", waiting.reason);
    disk.clear();
    // It would look again within a minute; the test does not wait for that.
    studio.client().await.execute("update media_jobs set not_before = now()", &[]).await.expect("now");
    let ready = wait(&studio, "Arriving", |w| matches!(w.processing.as_str(), "ready" | "failed")).await;
    assert_eq!(ready.processing, "ready", "{:?}", ready.reason);
    assert_eq!(ready.frames, 96);
    worker.close().await;
    studio.close().await;
    drop(disk);
}

/// Long pieces of noise, of which no beginning tells what it is.
fn noise(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n * n / 7 + n % 251) as u8 | 0x80).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_arriving_goes_on_until_half_of_the_low_mark_is_left() {
    const LOW: u64 = 32 << 20;
    let folder = tempfile::tempdir().expect("folder");
    let Some(disk) = SmallDisk::at(folder.path(), 160) else {
        println!("not run: a file system in memory cannot be mounted here");
        return;
    };
    let web = Roles { web: true, projector: true, scheduler: false, worker: false };
    let studio = Studio::start_in(folder, web, |c| c.limits.free_disk_bytes = LOW).await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let token = maker.get("/studio/uploads").await.hidden("_csrf").expect("token");
    let file = noise(24 << 20);
    let place = begin(&maker, &token, file.len() as u64, "Arriving").await;
    let send =
        |at: usize, to: usize| patch(&maker, &place, &token, at as u64).body(file[at..to].to_vec()).send();

    // Below the low mark nothing begins, but what is arriving goes on, with just half of it left too.
    disk.leave(LOW / 2 + (1 << 20));
    assert_eq!(upload(&maker, "Later", "a.mp4", file[..10_000].to_vec()).await.status, 507);
    assert_eq!(send(0, 4096).await.expect("an answer").status(), 204);
    disk.leave(LOW / 2);
    assert_eq!(send(4096, 8192).await.expect("an answer").status(), 204);
    // One block less, and it waits; what arrived stays.
    let refused = send(8192, 12_288).await.expect("an answer");
    assert_eq!(refused.status(), 507);
    assert!(refused.text().await.expect("words").contains("kept"));
    assert_eq!(offset(&maker, &place, &token).await, 8192);
    disk.clear();
    assert_eq!(send(8192, 12_288).await.expect("an answer").status(), 204);

    // Somebody else fills the disk in the middle of one long piece.
    let parts: Vec<Vec<u8>> = file[12_288..].chunks(1 << 20).map(<[u8]>::to_vec).collect();
    let disk = std::sync::Arc::new(disk);
    let hand = std::sync::Arc::clone(&disk);
    let stream = futures_util::stream::iter(parts.into_iter().enumerate().map(move |(n, part)| {
        if n == 5 {
            hand.leave(LOW / 2 - 4096);
        }
        Ok::<_, std::io::Error>(part)
    }));
    let piece = patch(&maker, &place, &token, 12_288).body(reqwest::Body::wrap_stream(stream)).send().await;
    // The answer may be lost when the studio ends the connection before all was sent.
    if let Ok(answer) = piece {
        assert_eq!(answer.status(), 507);
    }
    let have = usize::try_from(offset(&maker, &place, &token).await).expect("small");
    assert!((12_288..12 << 20).contains(&have), "it was noticed soon: {have}");
    assert!(disk.free() + (8 << 20) > LOW / 2, "most of what is for the database is left");
    disk.clear();
    assert_eq!(send(have, file.len()).await.expect("an answer").status(), 204);
    let work = wait(&studio, "Arriving", |w| w.processing == "received").await;
    assert_eq!(work.sha256, hex::encode(sha2::Sha256::digest(&file)));
    studio.close().await;
    drop(disk);
}
