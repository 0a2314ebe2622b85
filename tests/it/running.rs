//! A Kinora that runs as its own process on a data folder of its own, as people run it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a first start may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// A running instance; it is ended when this is dropped.
pub struct Running {
    child: Child,
    /// Where the site answers.
    pub site: SocketAddr,
    /// Where `/metrics` answers.
    pub metrics: SocketAddr,
    /// The data folder.
    pub data: TempDir,
}

/// A data folder that the database's own user may pass through.
pub fn data_folder() -> TempDir {
    let data = TempDir::new().expect("a folder");
    std::fs::set_permissions(data.path(), std::fs::Permissions::from_mode(0o755)).expect("set");
    data
}

/// A command of the program on `data`.
pub fn kinora(data: &TempDir, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kinora"))
        .args(args)
        .arg("--data")
        .arg(data.path())
        .output()
        .expect("kinora starts")
}

impl Running {
    /// Starts the demo studio on free ports and waits until it answers.
    pub fn demo() -> Self {
        Self::start(data_folder(), &["--demo"])
    }

    /// Starts on `data` with further arguments of `serve`.
    pub fn start(data: TempDir, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kinora"))
            .args(["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"])
            .args(more)
            .arg("--data")
            .arg(data.path())
            .env_remove("NOTIFY_SOCKET")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kinora starts");
        let (found, lines) = mpsc::channel();
        let out = child.stdout.take().expect("piped");
        let err = child.stderr.take().expect("piped");
        let ready = found.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if let Some(url) = line.strip_prefix("ready http://") {
                    let _ = ready.send(("site", url.trim_end_matches('/').to_owned()));
                }
            }
        });
        std::thread::spawn(move || {
            for line in BufReader::new(err).lines().map_while(Result::ok) {
                let record: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
                if record["fields"]["message"] == "metrics" {
                    let _ = found
                        .send(("metrics", record["fields"]["address"].as_str().unwrap_or("").to_owned()));
                } else if record["level"] == "ERROR" || record.is_null() {
                    // Also what is not a record: the words with which a start fails.
                    eprintln!("{line}");
                }
            }
        });
        let (mut site, mut metrics) = (None, None);
        let until = Instant::now() + PATIENCE;
        while site.is_none() || metrics.is_none() {
            match lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(("site", address)) => site = Some(address.parse().expect("an address")),
                Ok((_, address)) => metrics = Some(address.parse().expect("an address")),
                Err(why) => {
                    let _ = child.kill();
                    panic!("Kinora was not ready in {} seconds, or ended: {why}", PATIENCE.as_secs());
                }
            }
        }
        Self { child, site: site.expect("known"), metrics: metrics.expect("known"), data }
    }

    /// Runs a command beside it.
    pub fn run(&self, args: &[&str]) -> Output {
        kinora(&self.data, args)
    }

    /// Runs a command with `--json` and reads its one object.
    pub fn json(&self, args: &[&str]) -> serde_json::Value {
        let out = self.run(args);
        assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{args:?} printed no JSON: {e}"))
    }

    /// Sends SIGHUP: read the settings again.
    pub fn hang_up(&self) {
        let sent = Command::new("kill").args(["-HUP", &self.child.id().to_string()]).status();
        assert!(sent.expect("kill").success());
    }

    /// Sends SIGTERM and waits for the end; whether it ended well.
    pub fn stop(&mut self) -> bool {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let until = Instant::now() + Duration::from_secs(45);
        while Instant::now() < until {
            if let Ok(Some(status)) = self.child.try_wait() {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        false
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.stop();
        }
    }
}

/// `GET path`: status, head and body.
pub fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> (u16, String, String) {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5)).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
    let mut request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{request}\r\n").as_bytes()).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("received");
    let text = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split_whitespace().nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    let body = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        unchunk(body)
    } else {
        body.to_owned()
    };
    (status, head.to_owned(), body)
}

fn unchunk(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let Ok(size) = usize::from_str_radix(size.trim(), 16) else { break };
        if size == 0 || size > rest.len() {
            break;
        }
        whole.push_str(&rest[..size]);
        body = rest[size..].trim_start_matches("\r\n");
    }
    whole
}

/// Asks again until the answer is as wanted.
fn until(site: SocketAddr, path: &str, wanted: impl Fn(&(u16, String, String)) -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        if wanted(&get(site, path, &[])) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    false
}

#[test]
fn settings_are_read_again_and_bad_ones_change_nothing() {
    let data = data_folder();
    let file = data.path().join("kinora.toml");
    let settings = |text: &str| std::fs::write(&file, text).expect("written");
    settings("[studio]\nname = \"First Light\"\n");
    let path = file.to_str().expect("text").to_owned();
    assert!(kinora(&data, &["account", "add", "a@example.org", "--role", "admin"]).status.success());
    let kinora = Running::start(data, &["--config", &path]);
    let named = |name: &'static str| move |answer: &(u16, String, String)| answer.2.contains(name);
    assert!(until(kinora.site, "/", named("First Light")));
    settings("allow_registration = false\n[studio]\nname = \"Second Light\"\n");
    kinora.hang_up();
    assert!(until(kinora.site, "/", named("Second Light")));
    assert!(!get(kinora.site, "/register", &[]).2.contains("name=\"password\""), "registration is closed");
    for bad in ["[studio]\nnmae = \"x\"\n", "not TOML at all", "processing = \"sometimes\"\n"] {
        settings(bad);
        kinora.hang_up();
        // It reads the file a moment after the signal.
        std::thread::sleep(Duration::from_millis(700));
    }
    assert!(until(kinora.site, "/", named("Second Light")), "bad settings change nothing");
}

#[test]
fn the_ready_line_names_the_address_that_listens_whatever_people_type() {
    let data = data_folder();
    let file = data.path().join("kinora.toml");
    std::fs::write(&file, "base_url = \"https://studio.example.org\"\n").expect("written");
    let path = file.to_str().expect("text").to_owned();
    let mut kinora = Running::start(data, &["--config", &path]);
    assert_ne!(kinora.site.port(), 0);
    assert_eq!(get(kinora.site, "/healthz", &[]).0, 200);
    assert!(kinora.stop());
    // A worker serves numbers only, and says where.
    let worker = Running::start(data_folder(), &["--role", "worker"]);
    assert_eq!(worker.site, worker.metrics);
    assert!(get(worker.site, "/metrics", &[]).2.contains("kinora_build_info"));
    // A list is one object with its rows under a name.
    let list = worker.json(&["projection", "list", "--json"]);
    assert!(list["projections"].as_array().is_some_and(|rows| rows.len() > 5), "{list}");
    assert_eq!(worker.json(&["migrate", "--plan", "--json"]), serde_json::json!({ "pending": [] }));
    worker.json(&["run", "stats", "--json"]);
    // Every act for scripts answers with one object.
    assert_eq!(
        worker.json(&["media", "queue", "--json"]),
        serde_json::json!({ "paused": false, "pieces": [] })
    );
    assert_eq!(worker.json(&["media", "pause", "--json"]), serde_json::json!({ "paused": true }));
    assert_eq!(worker.json(&["media", "resume", "--json"]), serde_json::json!({ "paused": false }));
    assert!(
        worker.json(&["events", "key", "--json"])["pem"].as_str().is_some_and(|p| p.contains("PUBLIC KEY"))
    );
    assert_eq!(worker.json(&["secrets", "rotate", "session", "--json"])["rotated"], "session.key");
    assert!(worker.json(&["secrets", "rotate", "events", "--json"])["data_keys"].is_u64());
    // Works belong to those who make them.
    worker.json(&["account", "add", "member@example.org", "--json"]);
    let file = worker.data.path().join("a.png");
    std::fs::write(&file, b"no picture").expect("written");
    let name = file.to_str().expect("text");
    let out = worker.run(&["media", "import", name, "--as", "member@example.org", "--json"]);
    let words = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.code() == Some(1) && words.contains("neither creator nor editor"), "{words}");
    assert_eq!(worker.json(&["media", "list", "--json"])["media"], serde_json::json!([]));
    // One account with what was done to it and why.
    let how = ["--reason", "Wrote insults", "--json"];
    worker.json(&[&["account", "suspend", "member@example.org"], &how[..]].concat());
    let shown = worker.json(&["account", "show", "member@example.org", "--json"]);
    let newest = &shown["history"][0];
    assert_eq!(
        (newest["what"].as_str(), newest["by"].as_str(), newest["reason"].as_str()),
        (Some("Suspended."), Some("shell"), Some("Wrote insults")),
        "{shown}"
    );
    let words = worker.run(&["account", "show", "member@example.org"]).stdout;
    assert!(String::from_utf8_lossy(&words).contains("reason given: Wrote insults"));
    let tail = worker.run(&["events", "tail", "--json"]);
    let lines = String::from_utf8(tail.stdout).expect("text");
    let events: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect();
    let stream = events.last().expect("events")["stream_id"].as_str().expect("a stream").to_owned();
    let shown = worker.json(&["events", "show", &stream, "--json"]);
    assert_eq!(
        (shown["stream"].as_str(), shown["events"][0]["version"].as_i64()),
        (Some(stream.as_str()), Some(1))
    );
}

#[test]
fn development_listens_on_this_machine_only_and_production_loads_no_demo() {
    let data = data_folder();
    for more in [["--listen", "0.0.0.0:0"], ["--metrics-listen", "[::]:0"]] {
        let out = kinora(&data, &["serve", more[0], more[1]]);
        let words = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.code() == Some(2) && words.contains("this machine only"), "{words}");
    }
    let file = data.path().join("kinora.toml");
    std::fs::write(&file, "mode = \"production\"\n").expect("written");
    let out = kinora(&data, &["demo", "load", "--config", file.to_str().expect("text")]);
    let words = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.code() == Some(2) && words.contains("not loaded in production"), "{words}");
    assert!(!data.path().join("postgres").exists(), "nothing was started");
}

#[test]
fn a_former_day_shows_nothing_of_later_ones_and_a_later_day_nothing() {
    let kinora = Running::demo();
    let tail = kinora.run(&["events", "tail", "-n", "5000", "--json"]).stdout;
    let tail = String::from_utf8(tail).expect("text");
    let mut streams = tail.lines().filter_map(|line| {
        let event: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(event["stream_id"].as_str()?.strip_prefix("subscription-")?.to_owned())
    });
    let id = streams.next_back().expect("the demo has a subscriber");
    let now = kinora.json(&["subscription", "show", &id, "--json"]);
    assert!(now["status"] == "active" && now["orders"].as_array().is_some_and(|o| !o.is_empty()), "{now}");
    let today = kinora.json(&[
        "subscription",
        "show",
        &id,
        "--json",
        "--as-of",
        &now["joined_at"].as_str().expect("a time")[..10],
    ]);
    for same in ["status", "plan", "price", "joined_at", "orders"] {
        assert_eq!(now[same], today[same], "{same}");
    }
    let before = kinora.json(&["subscription", "show", &id, "--json", "--as-of", "2020-01-01"]);
    for nothing in ["status", "plan", "price", "joined_at", "ended_at", "paid_until", "open_order"] {
        assert!(before[nothing].is_null(), "{nothing}: {before}");
    }
    assert_eq!((&before["orders"], &before["timeline"]), (&serde_json::json!([]), &serde_json::json!([])));
    let out = kinora.run(&["subscription", "show", &id, "--as-of", "2999-01-01"]);
    let words = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.code() == Some(2) && words.contains("still to come"), "{words}");
}

#[test]
fn a_command_that_reads_makes_no_studio_where_there_is_none() {
    let data = data_folder();
    let here = data.path().join("not").join("here");
    for args in [
        &["events", "verify", "--json"][..],
        &["events", "tail"],
        &["projection", "verify", "--json"],
        &["search", "status", "--json"],
        &["subscription", "show", "019af000-0000-7000-8000-000000000000", "--json"],
        &["account", "list", "--json"],
        &["account", "show", "a@example.org"],
        &["media", "queue", "--json"],
        &["migrate", "--plan"],
        &["secrets", "rotate", "session"],
        &["backup", "create", "--to", "/nowhere"],
        &["demo", "clock"],
    ] {
        let out = Command::new(env!("CARGO_BIN_EXE_kinora")).args(args).arg("--data").arg(&here).output();
        let out = out.expect("kinora starts");
        let words = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.code() == Some(1) && words.contains("there is no studio in"), "{args:?}: {words}");
        assert!(out.stdout.is_empty() && !here.exists(), "{args:?} made something");
    }
    // What production refuses it refuses before anything is made.
    let file = data.path().join("kinora.toml");
    std::fs::write(&file, "mode = \"production\"\n").expect("written");
    let settings = file.to_str().expect("text");
    let out = kinora(&data, &["demo", "clock", "--set", "2099-01-01T00:00:00Z", "--config", settings]);
    let words = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.code() == Some(2) && words.contains("cannot be moved in production"), "{words}");
    assert!(!data.path().join("postgres").exists(), "nothing was started");
}

/// Root that works on somebody's data folder leaves nothing there that the owner could not read.
#[test]
fn what_cannot_be_printed_ends_a_command_in_peace() {
    let begin = |out: Stdio| {
        Command::new(env!("CARGO_BIN_EXE_kinora")).arg("man").stdout(out).stderr(Stdio::piped()).spawn()
    };
    let full = std::fs::File::options().write(true).open("/dev/full").expect("a full disk");
    let ended = begin(full.into()).expect("started").wait_with_output().expect("ended");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("could not be written") && said.lines().count() == 1, "{said}");
    // Whoever reads goes away, as `head` does.
    let mut child = begin(Stdio::piped()).expect("started");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("ended");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!((ended.status.code(), said.as_str()), (Some(1), ""));
}

#[test]
fn root_goes_on_as_the_owner_of_the_data_folder() {
    use nix::unistd::{Uid, User};
    use std::os::unix::fs::MetadataExt;
    if !Uid::effective().is_root() {
        return;
    }
    let Some(owner) =
        User::from_name("postgres").expect("users").or(User::from_name("nobody").expect("users"))
    else {
        return;
    };
    let data = data_folder();
    nix::unistd::chown(data.path(), Some(owner.uid), Some(owner.gid)).expect("given away");
    let out = kinora(&data, &["account", "add", "a@example.org", "--role", "admin", "--json"]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let mut waiting = vec![data.path().to_owned()];
    while let Some(path) = waiting.pop() {
        let meta = std::fs::symlink_metadata(&path).expect("there");
        assert_eq!(meta.uid(), owner.uid.as_raw(), "{}", path.display());
        if meta.is_dir() {
            waiting.extend(std::fs::read_dir(&path).expect("read").map(|e| e.expect("entry").path()));
        }
    }
}
