//! A real Prometheus scrapes a running Kinora; every alert and every panel of every dashboard asks
//! it something and gets an answer.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::running::{Running, get};

struct Prometheus {
    child: Child,
    address: SocketAddr,
    _data: TempDir,
}

impl Prometheus {
    fn scraping(target: SocketAddr) -> Self {
        let data = TempDir::new().expect("a folder");
        let config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: ['{}']\n\
             scrape_configs: [{{job_name: kinora, static_configs: [{{targets: ['{target}']}}]}}]\n",
            Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/etc/prometheus/rules/kinora.yml").display()
        );
        std::fs::write(data.path().join("prometheus.yml"), config).expect("written");
        // Free a moment ago; nothing else on this machine takes ports at random that fast.
        let address = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", data.path().join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", data.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus starts; `scripts/needs test` installs it");
        let until = Instant::now() + Duration::from_secs(30);
        while std::net::TcpStream::connect(address).is_err() || get(address, "/-/ready", &[]).0 != 200 {
            assert!(Instant::now() < until, "Prometheus was not ready in 30 seconds");
            std::thread::sleep(Duration::from_millis(200));
        }
        Self { child, address, _data: data }
    }

    /// The samples that a query gives now.
    fn ask(&self, query: &str) -> Result<Vec<serde_json::Value>, String> {
        let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let (_, _, body) = get(self.address, &format!("/api/v1/query?query={query}"), &[]);
        let answer: serde_json::Value = serde_json::from_str(&body).map_err(|e| format!("{e}: {body}"))?;
        match answer["data"]["result"].as_array() {
            Some(samples) => Ok(samples.clone()),
            None => Err(answer["error"].to_string()),
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every query of every dashboard, with the panel that asks it.
fn queries() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/etc/grafana/dashboards");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("dashboards") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("read");
        let board: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        for panel in board["panels"].as_array().expect("panels") {
            for target in panel["targets"].as_array().expect("targets") {
                let query = target["expr"]
                    .as_str()
                    .expect("a query")
                    .replace("$__rate_interval", "1m")
                    .replace("$job", "kinora.*");
                all.push((format!("{}: {}", board["title"], panel["title"]), query));
            }
        }
    }
    assert!(all.len() > 60, "only {} queries", all.len());
    all
}

#[test]
fn every_panel_and_alert_is_answered_by_a_prometheus_that_scrapes_kinora() {
    let kinora = Running::demo();
    let prometheus = Prometheus::scraping(kinora.metrics);
    // Something to count, over more than one scrape.
    let from = Instant::now();
    while from.elapsed() < Duration::from_secs(6) {
        for path in ["/", "/films", "/login", "/version", "/no/such/page"] {
            get(kinora.site, path, &[]);
        }
        std::thread::sleep(Duration::from_millis(300));
    }
    for job in ["stats", "clock-tick"] {
        let run = kinora.json(&["run", job, "--wait", "--json"]);
        assert!(run["status"] == "completed" || run["status"] == "already-run", "{run}");
    }

    let until = Instant::now() + Duration::from_secs(40);
    let mut open = queries();
    while !open.is_empty() && Instant::now() < until {
        open.retain(|(panel, query)| match prometheus.ask(query) {
            Ok(samples) => samples.is_empty(),
            Err(error) => panic!("{panel} asks {query}: {error}"),
        });
        std::thread::sleep(Duration::from_millis(500));
    }
    let silent: Vec<String> = open.iter().map(|(panel, query)| format!("{panel}: {query}")).collect();
    assert!(silent.is_empty(), "{} panels show nothing:\n{}", silent.len(), silent.join("\n"));

    let (_, _, rules) = get(prometheus.address, "/api/v1/rules", &[]);
    let rules: serde_json::Value = serde_json::from_str(&rules).expect("JSON");
    for rule in rules["data"]["groups"]
        .as_array()
        .expect("groups")
        .iter()
        .flat_map(|group| group["rules"].as_array().expect("rules"))
    {
        assert_eq!(rule["health"], "ok", "{rule}");
        assert_ne!(rule["state"], "firing", "{} fires on a healthy studio", rule["name"]);
    }
}

#[test]
fn metrics_on_the_site_need_the_token() {
    let kinora = Running::demo();
    assert_eq!(get(kinora.site, "/metrics", &[]).0, 404);
    assert_eq!(get(kinora.site, "/metrics", &[("authorization", "Bearer wrong")]).0, 404);
    let token = std::fs::read(kinora.data.path().join("secrets/metrics.token")).expect("the token");
    let token = String::from_utf8(token).expect("text");
    let (status, _, text) =
        get(kinora.site, "/metrics", &[("authorization", &format!("Bearer {}", token.trim()))]);
    assert_eq!(status, 200);
    assert!(text.contains("kinora_build_info"));
    assert_eq!(get(kinora.metrics, "/metrics", &[]).0, 200);
    assert_eq!(get(kinora.metrics, "/anything", &[]).0, 404);
}

#[test]
fn an_hour_is_sampled_once_and_a_second_run_changes_nothing() {
    let kinora = Running::demo();
    let at = "2026-01-05T07:00:00Z";
    let first = kinora.json(&["run", "stats", "--at", at, "--wait", "--json"]);
    assert_eq!(
        (first["status"].as_str(), first["changed"].as_i64()),
        (Some("completed"), Some(1)),
        "{first}"
    );
    let second = kinora.json(&["run", "stats", "--at", at, "--wait", "--json"]);
    assert_eq!(
        (second["status"].as_str(), second["changed"].as_i64()),
        (Some("already-run"), Some(0)),
        "{second}"
    );
}

#[test]
fn health_version_and_a_clean_end() {
    let mut kinora = Running::demo();
    for path in ["/healthz", "/readyz", "/version"] {
        assert_eq!(get(kinora.site, path, &[]).0, 200, "{path}");
    }
    assert!(kinora.stop(), "SIGTERM ends it with status 0");
}
