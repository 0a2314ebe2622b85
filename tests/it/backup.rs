//! A backup is worth what its restore is worth: made beside a running studio, checked, restored
//! elsewhere, and nobody who was erased since comes back.

use crate::running::{Running, data_folder, kinora};
use serde_json::Value;
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;

fn said(out: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

fn json(out: &Output) -> Value {
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("no JSON ({e}): {}", said(out)))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

#[test]
fn a_backup_is_checked_drilled_and_restored_without_the_erased() {
    let studio = Running::demo();
    let shelf = TempDir::new().expect("a folder");
    let made = studio.json(&["backup", "create", "--to", text(shelf.path()), "--json"]);
    let (database, keys) =
        (made["database"].as_str().expect("a path"), made["keys"].as_str().expect("a path"));
    let position = made["position"].as_i64().expect("a position");
    assert!(position > 50, "{made}");
    let verify = |folder: &str| kinora(&studio.data, &["backup", "verify", folder, "--json"]);
    let whole = verify(text(shelf.path()));
    assert!(whole.status.success() && json(&whole)["backups"].as_array().is_some_and(|b| b.len() == 2));
    // Nothing of a person stands in the database's backup, and the keys are apart from it.
    let logins = std::fs::read_to_string(studio.data.path().join("demo-logins.json")).expect("logins");
    let logins: Value = serde_json::from_str(&logins).expect("JSON");
    let mail = |role: &str| {
        let people = logins["people"].as_array().expect("people");
        people.iter().find(|p| p["role"] == role).expect("a person")["mail"]
            .as_str()
            .expect("a mail")
            .to_owned()
    };
    let dump = std::fs::read(Path::new(database).join("database.dump")).expect("the dump");
    for role in ["member", "admin"] {
        let sought = mail(role);
        assert!(
            !dump.windows(sought.len()).any(|w| w == sought.as_bytes()),
            "{role}'s address is in the dump"
        );
    }

    let drill = studio.json(&["backup", "drill", text(shelf.path()), "--json"]);
    assert_eq!(
        (drill["ok"].as_bool(), drill["projections_equal"].as_bool()),
        (Some(true), Some(true)),
        "{drill}"
    );
    assert!(drill["events"].as_i64() >= Some(position));
    let left = std::fs::read_dir(studio.data.path()).expect("data").flatten();
    assert!(left.into_iter().all(|e| !e.file_name().to_string_lossy().starts_with("drill-")));

    // Somebody was erased after the backup: the certificate was kept elsewhere.
    let gone = mail("subscriber");
    let about = studio.json(&["account", "show", &gone, "--json"]);
    let account = about["account_id"].as_str().expect("an id");
    let ledger = TempDir::new().expect("a folder");
    let request = "0198f3a0-0000-7000-8000-000000000001";
    let note = serde_json::json!({ "request": request, "account": account });
    std::fs::write(ledger.path().join("one.json"), note.to_string()).expect("written");
    drop(studio);

    let fresh = data_folder();
    let bring = |data: &TempDir| {
        let ledger = text(ledger.path()).to_owned();
        kinora(data, &["backup", "restore", database, "--keys", keys, "--ledger", &ledger, "--json"])
    };
    let without = kinora(&fresh, &["backup", "restore", database]);
    assert!(!without.status.success() && said(&without).contains("--keys"), "{}", said(&without));
    let restored = bring(&fresh);
    assert!(restored.status.success(), "{}", said(&restored));
    let restored = json(&restored);
    assert_eq!(
        (restored["ok"].as_bool(), restored["erased_again"].as_i64()),
        (Some(true), Some(1)),
        "{restored}"
    );
    for role in ["member", "admin"] {
        let shown = kinora(&fresh, &["account", "show", &mail(role), "--json"]);
        assert!(shown.status.success(), "{role}: {}", said(&shown));
    }
    let shown = kinora(&fresh, &["account", "show", &gone, "--json"]);
    assert!(!shown.status.success(), "who was erased is back: {}", said(&shown));
    for check in [["events", "verify", "--json"], ["projection", "verify", "--json"]] {
        let checked = kinora(&fresh, &check);
        assert!(checked.status.success(), "{check:?}: {}", said(&checked));
    }
    // Never over a studio that is there, and never open half way.
    let again = bring(&fresh);
    assert!(!again.status.success() && said(&again).contains("already holds a log"), "{}", said(&again));
    std::fs::write(fresh.path().join("restore.pending"), "").expect("written");
    let closed = kinora(&fresh, &["account", "list"]);
    assert!(!closed.status.success() && said(&closed).contains("not finished"), "{}", said(&closed));

    // Damage is found, and a damaged backup is not restored.
    let path = Path::new(database).join("database.dump");
    let mut bytes = std::fs::read(&path).expect("the dump");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).expect("written");
    let damaged = kinora(&fresh, &["backup", "verify", database, "--json"]);
    assert!(!damaged.status.success());
    assert!(json(&damaged)["backups"][0]["reason"].as_str().is_some_and(|r| r.contains("damaged")));
    let empty = data_folder();
    let refused = bring(&empty);
    assert!(!refused.status.success() && said(&refused).contains("damaged"), "{}", said(&refused));
    std::fs::remove_file(Path::new(keys).join("secrets/events.key")).expect("removed");
    let missing = kinora(&empty, &["backup", "verify", keys]);
    assert!(!missing.status.success() && said(&missing).contains("events.key is missing"));
}
