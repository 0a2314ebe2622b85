//! A worker of its own that is killed without a warning, again and again, in the middle of its work.

use crate::running::{Running, data_folder, kinora};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

/// 40 seconds of moving picture with sound, small enough for a busy machine.
fn film(folder: &Path) -> PathBuf {
    let path = folder.join("film.mp4");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=24:duration=40"])
        .args([
            "-f",
            "lavfi",
            "-i",
            "sine=frequency=440:duration=40",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
        ])
        .args(["-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest"])
        .arg(&path)
        .status();
    assert!(made.expect("ffmpeg").success());
    path
}

/// A process that does not outlive a failing test.
struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `kinora worker` beside the site.
fn worker(data: &Path) -> Worker {
    let child = Command::new(env!("CARGO_BIN_EXE_kinora"))
        .args(["worker", "--metrics-listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .env_remove("NOTIFY_SOCKET")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Worker(child.expect("kinora starts"))
}

/// Finished AV1 segments with the time at which they were written.
fn segments(media: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let mut found = BTreeMap::new();
    let Ok(rungs) = std::fs::read_dir(media) else { return found };
    for rung in rungs.flatten().filter(|r| r.file_name().to_string_lossy().starts_with("av1-")) {
        let Ok(files) = std::fs::read_dir(rung.path()) else { continue };
        for file in files.flatten().filter(|f| f.path().extension().is_some_and(|e| e == "m4s")) {
            // Still being written under another name, it is not there yet; afterwards it never changes.
            if let Ok(at) = file.metadata().and_then(|m| m.modified()) {
                found.insert(file.path(), at);
            }
        }
    }
    found
}

fn frames(playlist: &Path) -> u64 {
    let out = Command::new("ffprobe")
        .args(["-v", "error", "-count_frames", "-select_streams", "v:0", "-show_entries"])
        .args(["stream=nb_read_frames", "-of", "csv=p=0"])
        .arg(playlist)
        .output();
    let out = String::from_utf8(out.expect("ffprobe").stdout).expect("text");
    // A playlist is shown as a programme and as a stream: the same number twice.
    let number = out.lines().next().unwrap_or_default().trim_end_matches(',');
    number.parse().unwrap_or_else(|_| panic!("no frames: {out:?}"))
}

#[test]
fn a_worker_that_is_killed_loses_no_finished_chunk() {
    let data = data_folder();
    assert!(kinora(&data, &["account", "add", "maker@example.org", "--role", "creator"]).status.success());
    let site = Running::start(data, &["--role", "web,projector,scheduler"]);
    let path = film(site.data.path());
    let path = path.to_str().expect("text");
    let imported =
        site.json(&["media", "import", path, "--as", "maker@example.org", "--title", "Long", "--json"]);
    let id = imported["media_id"].as_str().expect("an id").to_owned();
    let media = site.data.path().join("media/public").join(&id).join("1");

    let until = Instant::now() + Duration::from_secs(300);
    let mut kept = BTreeMap::new();
    for kill in 1..=3 {
        let mut child = worker(site.data.path());
        // Killed as soon as it has done more than was there.
        while segments(&media).len() <= kept.len() {
            assert!(Instant::now() < until, "{} segments before kill {kill}", kept.len());
            std::thread::sleep(Duration::from_millis(20));
        }
        child.0.kill().expect("killed");
        child.0.wait().expect("gone");
        let now = segments(&media);
        assert!(
            kept.iter().all(|(path, at)| now.get(path) == Some(at)),
            "kill {kill}: nothing was made twice"
        );
        kept = now;
    }
    let mut last = worker(site.data.path());
    let state = loop {
        let list = site.run(&["media", "list", "--json"]);
        let list: serde_json::Value = serde_json::from_slice(&list.stdout).expect("JSON");
        let work =
            list["media"].as_array().into_iter().flatten().find(|w| w["media_id"] == id.as_str()).cloned();
        let work = work.unwrap_or_else(|| panic!("the work is listed: {list}"));
        if matches!(work["state"].as_str(), Some("ready" | "failed")) {
            break work;
        }
        assert!(Instant::now() < until, "{work}");
        std::thread::sleep(Duration::from_millis(500));
    };
    assert_eq!(state["state"], "ready", "{state}");
    let now = segments(&media);
    assert!(kept.iter().all(|(path, at)| now.get(path) == Some(at)), "nothing was made twice");
    let rungs = std::fs::read_dir(&media).expect("renditions").flatten();
    let rungs: Vec<PathBuf> = rungs.map(|r| r.path().join("index.m3u8")).filter(|p| p.exists()).collect();
    for folder in rungs.iter().filter_map(|p| p.parent()) {
        let left = std::fs::read_dir(folder).expect("rung").flatten().map(|f| f.path());
        let left: Vec<_> = left.filter(|p| p.extension().is_some_and(|e| e == "tmp")).collect();
        assert!(left.is_empty(), "half-written files are swept: {left:?}");
    }
    for playlist in rungs.iter().filter(|p| !p.to_string_lossy().contains("audio")) {
        assert_eq!(frames(playlist), 960, "{}", playlist.display());
    }
    assert_eq!(site.json(&["media", "verify", "--json"])["ok"], true);
    let stop = Command::new("kill").arg(last.0.id().to_string()).status();
    assert!(stop.expect("kill").success());
    assert!(last.0.wait().expect("gone").success(), "a worker ends well when it is asked to");
}
