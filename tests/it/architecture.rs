//! The rules of the house: who may import whom, how long files may be.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Longest file, in lines.
const LONGEST: usize = 500;

/// What each room may import of ours. Top-level files (config, clock, metrics …) count as rooms.
const MAY_IMPORT: [(&str, &[&str]); 9] = [
    ("domain", &["domain"]),
    ("store", &["store", "domain", "clock", "metrics"]),
    ("projections", &["projections", "domain", "store"]),
    ("media", &["media", "domain", "config"]),
    ("adapters", &["adapters", "domain", "config", "emails", "store"]),
    ("emails", &["emails", "domain"]),
    ("documents", &["documents", "domain"]),
    (
        "actors",
        &[
            "actors",
            "domain",
            "store",
            "projections",
            "media",
            "adapters",
            "emails",
            "documents",
            "config",
            "clock",
            "metrics",
        ],
    ),
    (
        "http",
        &[
            "http",
            "domain",
            "projections",
            "actors",
            "config",
            "clock",
            "metrics",
            "media",
            "emails",
            "documents",
            "store",
        ],
    ),
];

/// Of the rooms that http must not reach into, what it may name all the same: values and errors.
const HTTP_MAY_NAME_OF_STORE: [&str; 2] = ["crate::store::StoreError", "crate::store::event::Actor"];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") && !is_test(&path) {
            found.push(path);
        }
    }
}

/// Every source, tests included.
pub fn all_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() && !path.ends_with("node_modules") {
            all_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Unit tests in files of their own.
fn is_test(path: &Path) -> bool {
    path.components().any(|c| c.as_os_str() == "tests") || path.ends_with("tests.rs")
}

fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    files(&root.join("src"), &mut found);
    let relative = |p: PathBuf| {
        let text = fs::read_to_string(&p).expect("source");
        (p.strip_prefix(root.join("src")).expect("in src").to_owned(), text)
    };
    found.into_iter().map(relative).collect()
}

/// The rooms named after `crate::` in a file, tests aside.
fn imports(text: &str) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or(text);
    let code: String =
        code.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for part in code.split("crate::").skip(1) {
        if let Some(group) = part.strip_prefix('{') {
            let group = group.split('}').next().unwrap_or("");
            found.extend(group.split(',').filter_map(|w| w.trim().split("::").next()).map(str::to_owned));
        } else {
            found.insert(part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    found
}

#[test]
fn rooms_import_only_what_they_may() {
    let rooms: Vec<&str> = MAY_IMPORT.iter().map(|(room, _)| *room).collect();
    let mut broken = Vec::new();
    for (path, text) in sources() {
        let room = path
            .components()
            .next()
            .map(|c| c.as_os_str().to_string_lossy().into_owned())
            .unwrap_or_default();
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(r, _)| *r == room) else { continue };
        for import in imports(&text) {
            let is_room = rooms.contains(&import.as_str())
                || ["cli", "startup", "telemetry"].contains(&import.as_str());
            if is_room && !allowed.contains(&import.as_str()) {
                broken.push(format!("src/{} imports {import}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_web_never_touches_the_store() {
    let mut broken = Vec::new();
    for (path, text) in sources().into_iter().filter(|(p, _)| p.starts_with("http")) {
        let code = text.split("#[cfg(test)]").next().unwrap_or(&text);
        for line in code.lines().filter(|l| !l.trim_start().starts_with("//")) {
            let names_store =
                line.contains("crate::store") && !HTTP_MAY_NAME_OF_STORE.iter().any(|ok| line.contains(ok));
            let speaks_sql = line.contains("tokio_postgres")
                || line.contains(".query_one(")
                || line.contains(".batch_execute(");
            if names_store || speaks_sql {
                broken.push(format!("src/{}: {}", path.display(), line.trim()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_domain_is_pure() {
    let forbidden = [
        "Utc::now",
        "SystemTime",
        "Instant::now",
        "async fn",
        "std::fs",
        "tokio::",
        "rand::",
        "Uuid::now_v7",
        "Uuid::new_v4",
        // What is left out of a snapshot would be missing in the next decision.
        "serde(skip)",
        "serde(skip_serializing)",
    ];
    let mut broken = Vec::new();
    for (path, text) in sources().into_iter().filter(|(p, _)| p.starts_with("domain")) {
        // The bridge to cqrs-es is asynchronous by that crate's trait.
        if path.ends_with("shared/aggregate.rs") {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap_or(&text);
        for word in forbidden {
            if code.lines().any(|l| !l.trim_start().starts_with("//") && l.contains(word)) {
                broken.push(format!("src/{}: {word}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn aggregates_do_not_know_each_other() {
    let shared = ["shared", "access"];
    // Where two of them meet; neither of them knows it.
    let meeting = "order_process";
    let mut broken = Vec::new();
    for (path, text) in sources().into_iter().filter(|(p, _)| p.starts_with("domain")) {
        let own = path
            .components()
            .nth(1)
            .map(|c| c.as_os_str().to_string_lossy().replace(".rs", ""))
            .unwrap_or_default();
        if shared.contains(&own.as_str()) || own == "mod" || own == meeting {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap_or(&text);
        for part in code.split("crate::domain::").skip(1) {
            let other: String = part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if other != own && !shared.contains(&other.as_str()) && !other.is_empty() {
                broken.push(format!("src/{} knows {other}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// A workflow is shown events of the categories that it follows and no others: what it decodes it must follow.
#[test]
fn workflows_follow_what_they_decode() {
    let mut workflows = 0;
    for (path, text) in sources() {
        let Some(place) = path.to_string_lossy().split_once("actors/workflows/").map(|(_, p)| p.to_owned())
        else {
            continue;
        };
        // Parts of a workflow lie in a folder of its name.
        let owner = place.split(['/', '.']).next().unwrap_or_default();
        let owner = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/actors/workflows/{owner}.rs"));
        let follows = fs::read_to_string(&owner).expect("its workflow");
        workflows += usize::from(text.contains("impl Workflow for"));
        assert!(!text.contains(".decode()"), "{place}: decode::<WhichEvent>() says what it follows");
        for (_, rest) in text.match_indices("decode::<").map(|(at, m)| text.split_at(at + m.len())) {
            let event = rest.split('>').next().unwrap_or_default();
            assert!(
                follows.contains(&format!("{event}::CATEGORY")),
                "{place}: reacts to {event}, and {} does not follow its category",
                owner.display()
            );
        }
    }
    assert!(workflows > 15, "only {workflows} workflows were looked at");
}

#[test]
fn files_stay_short() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["src", "tests", "loadtests", "benches"] {
        all_files(&root.join(folder), &mut found);
    }
    let lines = |p: &PathBuf| fs::read_to_string(p).expect("source").lines().count();
    let long: Vec<String> = found
        .iter()
        .map(|p| (p, lines(p)))
        .filter(|(_, lines)| *lines > LONGEST)
        .map(|(p, lines)| format!("{}: {lines} lines", p.display()))
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

/// The list of `docs/decisions/0002-dependencies.md` is complete, and names nothing that is gone.
#[test]
fn every_dependency_has_its_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/decisions/0002-dependencies.md")).expect("decision");
    let reasons = text.split("The browser gets").next().unwrap_or_default();
    let named: BTreeSet<String> = reasons
        .lines()
        .filter_map(|l| l.strip_prefix("| `").and_then(|l| l.split(" | ").next().map(|w| format!("`{w}"))))
        .chain(
            reasons
                .split("Fixed from the start:")
                .nth(1)
                .and_then(|t| t.split("| crate").next())
                .map(str::to_owned),
        )
        .flat_map(|words| words.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let manifest: toml::Table =
        fs::read_to_string(root.join("Cargo.toml")).expect("manifest").parse().expect("TOML");
    let mut used: BTreeSet<String> = ["dependencies", "dev-dependencies"]
        .iter()
        .filter_map(|part| manifest.get(*part).and_then(toml::Value::as_table))
        .flat_map(|table| table.keys().cloned())
        .collect();
    used.remove("kinora-av1-engine");
    used.insert("rav1e".into());
    assert_eq!(used.difference(&named).collect::<Vec<_>>(), Vec::<&String>::new(), "without a reason");
    assert_eq!(named.difference(&used).collect::<Vec<_>>(), Vec::<&String>::new(), "no longer used");
}
