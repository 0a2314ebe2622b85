//! The files under `deploy/` are read by the programs they are written for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use kinora::metrics::Metrics;
use tempfile::TempDir;

const JOBS: [&str; 18] = [
    "clock-tick",
    "stats",
    "clear-sessions",
    "process-deletion-requests",
    "watchdog",
    "reconcile-storage",
    "checkpoint-log",
    "publish-scheduled",
    "send-digests",
    "destroy-archives",
    "keep-works",
    "backup",
    "payment-lookups",
    "dispute-lookups",
    "lapse-requests",
    "fulfil-orders",
    "vat-checks",
    "exchange-rates",
];

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path.as_ref()).unwrap_or_else(|e| panic!("{}: {e}", path.as_ref().display()))
}

/// Runs a program to its end; its whole output belongs to the message when it fails.
fn succeed(command: &mut Command) -> String {
    let path = env::var("PATH").unwrap_or_default();
    let out = command.env("PATH", format!("{path}:/usr/sbin")).output().unwrap_or_else(|e| {
        panic!("{:?} cannot be started ({e}); `scripts/needs test` installs it", command.get_program())
    });
    let text = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{command:?} failed:\n{text}");
    text
}

fn entries(folder: &str, suffix: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(here(folder))
        .unwrap_or_else(|e| panic!("{folder}: {e}"))
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(suffix))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no {suffix} in {folder}");
    found
}

/// The units with the programs of this build in place of the installed ones.
fn units() -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for unit in entries("deploy/etc/systemd/system", "") {
        let text = read(&unit)
            .replace("/usr/bin/kinora", env!("CARGO_BIN_EXE_kinora"))
            .replace("/usr/bin/meilisearch", env!("CARGO_BIN_EXE_kinora"));
        fs::write(folder.path().join(unit.file_name().expect("a name")), text).expect("copied");
    }
    folder
}

fn unit_paths(folder: &TempDir, suffixes: &[&str]) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder.path())
        .expect("listed")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| suffixes.iter().any(|suffix| path.to_string_lossy().ends_with(suffix)))
        .collect();
    found.sort();
    found
}

#[test]
fn systemd_finds_no_fault_in_the_units() {
    let units = units();
    let all = unit_paths(&units, &[".service", ".timer", ".socket"]);
    assert!(all.len() >= 26);
    let said = succeed(Command::new("systemd-analyze").arg("verify").args(all));
    assert!(!said.contains("Unknown"), "{said}");
}

#[test]
fn every_service_is_exposed_to_two_at_most() {
    let units = units();
    for unit in unit_paths(&units, &[".service"]) {
        let said = succeed(
            Command::new("systemd-analyze").args(["security", "--offline=true", "--no-pager"]).arg(&unit),
        );
        let score = said.lines().find(|line| line.contains("Overall exposure level")).expect("a score");
        let figure: f64 = score
            .split_whitespace()
            .find_map(|word| word.parse().ok())
            .unwrap_or_else(|| panic!("no figure in {score}"));
        assert!(figure <= 2.0, "{score}");
    }
}

#[test]
fn every_job_has_a_service_and_a_timer_of_its_own() {
    for job in kinora::actors::jobs::all() {
        assert!(JOBS.contains(&job.name()), "{} would never run where timers fire the jobs", job.name());
    }
    for job in JOBS {
        let service = read(here(&format!("deploy/etc/systemd/system/kinora-{job}.service")));
        assert!(service.contains(&format!("ExecStart=/usr/bin/kinora run {job} ")), "{job}");
        assert!(kinora::actors::jobs::all().iter().any(|j| j.name() == job), "{job} is a job of the program");
        assert!(service.contains("Type=oneshot") && service.contains("User=kinora"), "{job}");
        let timer = read(here(&format!("deploy/etc/systemd/system/kinora-{job}.timer")));
        assert!(timer.contains("WantedBy=timers.target") && timer.contains("OnCalendar="), "{job}");
        assert!(timer.contains("Persistent=true"), "{job}: a missed slot is caught up");
    }
}

#[test]
fn nginx_accepts_the_site() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path();
    succeed(
        Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-days",
                "2",
            ])
            .args(["-subj", "/CN=studio.example.org", "-keyout"])
            .arg(path.join("privkey.pem"))
            .arg("-out")
            .arg(path.join("fullchain.pem")),
    );
    let site = read(here("deploy/etc/nginx/sites-available/kinora.conf"))
        .replace("/etc/letsencrypt/live/studio.example.org", &path.to_string_lossy());
    fs::write(path.join("site.conf"), site).expect("written");
    let main = format!(
        "pid {0}/nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{\n access_log off;\n client_body_temp_path {0}/body;\n \
         proxy_temp_path {0}/proxy;\n fastcgi_temp_path {0}/f;\n uwsgi_temp_path {0}/u;\n scgi_temp_path {0}/s;\n include site.conf;\n}}\n",
        path.display()
    );
    fs::write(path.join("nginx.conf"), main).expect("written");
    let said = succeed(Command::new("nginx").arg("-t").arg("-p").arg(path).args([
        "-e",
        "stderr",
        "-c",
        "nginx.conf",
    ]));
    assert!(!said.contains("[warn]"), "{said}");
}

#[test]
fn the_init_script_is_a_shell_script_that_refuses_nonsense() {
    let script = here("deploy/etc/init.d/kinora");
    succeed(Command::new("sh").arg("-n").arg(&script));
    let out = Command::new("sh")
        .arg(&script)
        .arg("dance")
        .env("DAEMON", env!("CARGO_BIN_EXE_kinora"))
        .output()
        .expect("runs");
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("Usage:"));
}

#[test]
fn promtool_accepts_configuration_rules_and_their_tests() {
    let prometheus = here("deploy/etc/prometheus");
    let said =
        succeed(Command::new("promtool").args(["check", "config"]).arg(prometheus.join("prometheus.yml")));
    assert!(said.contains("rules found"), "{said}");
    succeed(Command::new("promtool").args(["check", "rules"]).arg(prometheus.join("rules/kinora.yml")));
    let folder = TempDir::new().expect("a folder");
    fs::copy(prometheus.join("rules/kinora.yml"), folder.path().join("kinora.yml")).expect("copied");
    let tests = folder.path().join("kinora_rules_test.yml");
    fs::copy(here("tests/deploy/kinora_rules_test.yml"), &tests).expect("copied");
    let said = succeed(Command::new("promtool").args(["test", "rules"]).arg(&tests));
    assert!(said.contains("SUCCESS"), "{said}");
}

#[test]
fn every_alert_has_a_test_and_a_page_of_the_runbook() {
    let rules = read(here("deploy/etc/prometheus/rules/kinora.yml"));
    let tests = read(here("tests/deploy/kinora_rules_test.yml"));
    let book = read(here("docs/operations.md"));
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() >= 20);
    for alert in alerts {
        assert!(book.contains(&format!("\n## {alert}\n")), "{alert} has no section in docs/operations.md");
        assert!(rules.contains(&format!("operations.md#{}'", alert.to_lowercase())), "{alert} has no link");
        assert!(tests.contains(&format!("- name: {alert}\n")), "{alert} has no test");
    }
}

/// The names of Kinora's families in a text; the suffixes of a histogram's series are taken off.
fn families(text: &str) -> BTreeSet<String> {
    text.match_indices("kinora_")
        .filter(|(at, _)| !text[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        .map(|(at, _)| {
            text[at..]
                .chars()
                .take_while(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_')
                .collect::<String>()
        })
        .map(|name| {
            ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|end| name.strip_suffix(end))
                .unwrap_or(&name)
                .to_owned()
        })
        .filter(|name| name != "kinora_rules_test")
        .collect()
}

#[test]
fn alerts_and_dashboards_ask_only_for_numbers_that_exist() {
    let metrics = Metrics::new(&prometheus::Registry::new()).expect("declared");
    let known: BTreeSet<&str> = metrics.families().iter().map(|family| family.name).collect();
    let mut asked = families(&read(here("deploy/etc/prometheus/rules/kinora.yml")));
    for board in entries("deploy/etc/grafana/dashboards", ".json") {
        asked.extend(families(&read(board)));
    }
    let unknown: Vec<_> = asked.iter().filter(|name| !known.contains(name.as_str())).collect();
    assert!(unknown.is_empty(), "not declared in src/metrics/mod.rs: {unknown:?}");
}

#[test]
fn dashboards_are_whole() {
    let mut boards = BTreeSet::new();
    for path in entries("deploy/etc/grafana/dashboards", ".json") {
        let board: serde_json::Value = serde_json::from_str(&read(&path)).expect("JSON");
        assert!(boards.insert(board["uid"].as_str().expect("a uid").to_owned()));
        let panels = board["panels"].as_array().expect("panels");
        let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_i64()).collect();
        assert_eq!(ids.len(), panels.len(), "{}: two panels share an id", path.display());
        for panel in panels {
            let title = panel["title"].as_str().expect("a title");
            assert!(
                !panel["description"].as_str().unwrap_or_default().is_empty(),
                "{title} is not explained"
            );
            assert!(!panel["fieldConfig"]["defaults"]["unit"].is_null(), "{title} has no unit");
            assert!(
                panel["targets"].as_array().is_some_and(|targets| !targets.is_empty()),
                "{title} asks nothing"
            );
        }
    }
    assert_eq!(boards.len(), 6);
}
