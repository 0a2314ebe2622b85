//! A worker of its own that is killed without a warning, again and again, in the middle of its work; and its
//! children and its database.
//!
//! `KILLS=20 cargo test --test it -- killed::kills_of --nocapture` for the long run; its figures are in
//! `docs/measurements.md`.

use crate::running::{Running, data_folder, kinora};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

/// Moving picture with sound, small enough for a busy machine.
fn film(folder: &Path, size: &str, seconds: u64) -> PathBuf {
    let path = folder.join("film.mp4");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i"])
        .arg(format!("testsrc2=size={size}:rate=24:duration={seconds}"))
        .args([
            "-f",
            "lavfi",
            "-i",
            &format!("sine=frequency=440:duration={seconds}"),
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
        .env("KINORA_MEDIA__NICENESS", "0")
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

/// How many finished segments were written anew since.
fn changed(before: &BTreeMap<PathBuf, SystemTime>, now: &BTreeMap<PathBuf, SystemTime>) -> u64 {
    before.iter().filter(|(path, at)| now.get(*path) != Some(at)).count() as u64
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
    let path = film(site.data.path(), "320x180", 40);
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

/// Processor time of a worker and of everything below it. Who ends in a sandbox is waited for there and not counted by
/// the worker, so it is looked at while it runs.
struct Meter {
    root: Arc<AtomicU32>,
    used: Arc<Mutex<BTreeMap<(u32, u64), u64>>>,
    over: Arc<AtomicBool>,
}

impl Meter {
    fn on(root: u32) -> Self {
        let meter = Self { root: Arc::new(root.into()), used: Arc::default(), over: Arc::default() };
        let (root, used, over) = (meter.root.clone(), meter.used.clone(), meter.over.clone());
        std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                Self::look(root.load(Ordering::Relaxed), &used);
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        meter
    }

    fn look(root: u32, used: &Mutex<BTreeMap<(u32, u64), u64>>) {
        let mut used = used.lock().expect("lock");
        for pid in below(root, "") {
            let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let after: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
            let field = |n: usize| after.get(n).and_then(|f| f.parse::<u64>().ok());
            // utime and stime in hundredths, and when it began: a number may be another process's later.
            if let (Some(user), Some(system), Some(began)) = (field(11), field(12), field(19)) {
                let most = used.entry((pid, began)).or_default();
                *most = (*most).max(user + system);
            }
        }
    }

    /// From now on another worker's.
    fn follow(&self, root: u32) {
        self.root.store(root, Ordering::Relaxed);
    }

    /// Seconds until now.
    fn seconds(&self) -> f64 {
        Self::look(self.root.load(Ordering::Relaxed), &self.used);
        self.used.lock().expect("lock").values().sum::<u64>() as f64 / 100.0
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// Processes below this one whose name begins so.
fn below(pid: u32, name: &str) -> Vec<u32> {
    let mut found = vec![pid];
    let all: Vec<(u32, u32, String)> = std::fs::read_dir("/proc")
        .expect("/proc")
        .flatten()
        .filter_map(|e| {
            let pid = e.file_name().to_str()?.parse().ok()?;
            let status = std::fs::read_to_string(e.path().join("status")).ok()?;
            let field = |n: &str| status.lines().find_map(|l| l.strip_prefix(n)).map(|v| v.trim().to_owned());
            Some((pid, field("PPid:")?.parse().ok()?, field("Name:")?))
        })
        .collect();
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        found.extend(all.iter().filter(|p| p.1 == parent).map(|p| p.0));
        next += 1;
    }
    found.into_iter().filter(|pid| all.iter().any(|p| p.0 == *pid && p.2.starts_with(name))).collect()
}

fn kill_hard(pid: u32) {
    let pid = nix::unistd::Pid::from_raw(pid.cast_signed());
    let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
}

/// What the studio says of a work; `None` while its database is away.
fn told(site: &Running, id: &str) -> Option<serde_json::Value> {
    let list = site.run(&["media", "list", "--json"]);
    let list: serde_json::Value = serde_json::from_slice(&list.stdout).ok()?;
    list["media"].as_array()?.iter().find(|w| w["media_id"] == id).cloned()
}

fn import(site: &Running, path: &Path, title: &str) -> (String, PathBuf) {
    let path = path.to_str().expect("text");
    let made = site.json(&["media", "import", path, "--as", "maker@example.org", "--title", title, "--json"]);
    let id = made["media_id"].as_str().expect("an id").to_owned();
    let public = site.data.path().join("media/public").join(&id).join("1");
    (id, public)
}

/// Waits for the end, with a worker that is there already.
fn finish(site: &Running, id: &str, until: Instant) {
    loop {
        if let Some(state) = told(site, id) {
            assert_ne!(state["state"], "failed", "{state}");
            if state["state"] == "ready" {
                return;
            }
        }
        assert!(Instant::now() < until, "the work is not finished");
        std::thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn kills_of_worker_child_and_database_cost_little_and_no_frame() {
    let kills: u64 = std::env::var("KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(3);
    // A kill costs about what two pieces of six seconds have got to: a long film has many of them.
    let seconds = (kills * 30).max(90);
    let data = data_folder();
    assert!(kinora(&data, &["account", "add", "maker@example.org", "--role", "creator"]).status.success());
    let site = Running::start(data, &["--role", "web,projector,scheduler"]);
    let path = film(site.data.path(), "96x54", seconds);
    let until = Instant::now() + Duration::from_secs(240 + 60 * kills);

    // Undisturbed, for comparison.
    let (id, _) = import(&site, &path, "Undisturbed");
    let child = worker(site.data.path());
    let meter = Meter::on(child.0.id());
    finish(&site, &id, until);
    let plain = meter.seconds();
    drop((meter, child));

    let (id, media) = import(&site, &path, "Disturbed");
    let mut child = worker(site.data.path());
    let meter = Meter::on(child.0.id());
    let mut kinds = [0; 3];
    let (mut kept, mut again) = (BTreeMap::new(), 0);
    for kill in 0..kills {
        let seen = segments(&media);
        again += changed(&kept, &seen);
        kept = seen;
        while segments(&media).len() <= kept.len() {
            assert!(Instant::now() < until, "{} segments before kill {kill}", kept.len());
            std::thread::sleep(Duration::from_millis(5));
        }
        // Somewhere in the middle of the next pieces.
        std::thread::sleep(Duration::from_millis(37 * (kill % 7)));
        kinds[usize::try_from(kill % 3).expect("small")] += 1;
        match kill % 3 {
            0 => {
                meter.seconds();
                child.0.kill().expect("killed");
                child.0.wait().expect("gone");
                child = worker(site.data.path());
                meter.follow(child.0.id());
            }
            1 => {
                // The decoder of a segment, and the next time its encoder.
                let name = if kill % 2 == 1 { "ffmpeg" } else { "kinora" };
                let busy = below(child.0.id(), name).into_iter().filter(|pid| *pid != child.0.id());
                busy.take(1).for_each(kill_hard);
            }
            _ => {
                let file = site.data.path().join("postgres/postmaster.pid");
                let pid =
                    std::fs::read_to_string(file).ok().and_then(|t| t.lines().next()?.trim().parse().ok());
                kill_hard(pid.expect("the server's process"));
            }
        }
        assert!(child.0.try_wait().expect("known").is_none(), "kill {kill}: the worker lives on");
    }
    finish(&site, &id, until);
    let spent = meter.seconds();
    again += changed(&kept, &segments(&media));
    println!(
        "{} kills of worker, child and database {kinds:?} during {seconds} s of film: {spent:.1} s of work, undisturbed {plain:.1} s: {:.2}",
        kills,
        spent / plain
    );
    // The encoder counts, or the comparison says nothing: it is by far the most of it.
    assert!(plain > seconds as f64 / 40.0, "{plain:.1} s for {seconds} s of film");
    let rungs = std::fs::read_dir(&media).expect("renditions").flatten();
    let rungs: Vec<PathBuf> = rungs.map(|r| r.path().join("index.m3u8")).filter(|p| p.exists()).collect();
    assert!(rungs.len() >= 3, "{rungs:?}");
    for playlist in rungs.iter().filter(|p| !p.to_string_lossy().contains("audio")) {
        assert_eq!(frames(playlist), seconds * 24, "{}", playlist.display());
    }
    assert_eq!(site.json(&["media", "verify", "--json"])["ok"], true);
    // Two pieces are worked on at once. One whose end the killed database did not hear of is made again, no other.
    assert!(again <= 2 * kills, "{again} finished pieces were made again in {kills} kills");
    // Processor time is a measurement: judged in the long run of the head of this file, where a machine that does
    // other things beside matters less than in three kills.
    if std::env::var_os("KILLS").is_some() {
        assert!(spent <= plain * 1.25, "{spent:.1} s instead of {plain:.1} s");
    }
}
