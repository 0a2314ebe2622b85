//! Canary strings in every personal field, and every place where one could sing.

use crate::accounts::{person, signed_in};
use crate::billing_pages::link;
use crate::erasure::{ask, meta, request_of};
use crate::media::{picture, upload, wait};
use crate::support::Studio;
use chrono::{Datelike as _, TimeDelta};
use kinora::actors::accounts::leaving;
use kinora::actors::{demo_plans, paper};
use kinora::domain::deletion_request::Stage;
use kinora::domain::shared::Role;
use memchr::memmem;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Everything that PostgreSQL holds, as `pg_dump` writes it, and its files as they lie there.
fn dump(studio: &Studio) -> Vec<u8> {
    let hosts = studio.instance.database().owner.get_hosts();
    let tokio_postgres::config::Host::Unix(folder) = &hosts[0] else { panic!("a socket") };
    let output = Command::new("pg_dump")
        .args(["--username=postgres", "--host"])
        .arg(folder)
        .arg(studio.database())
        .output()
        .expect("pg_dump");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

pub fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() { files(&entry.path(), found) } else { found.push(entry.path()) }
    }
}

/// Where a canary sings, in its usual encodings.
pub fn found(studio: &Studio, canary: &str) -> Vec<String> {
    let mut utf16 = vec![];
    canary.encode_utf16().for_each(|u| utf16.extend(u.to_le_bytes()));
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, canary);
    let forms: [Vec<u8>; 5] = [
        canary.as_bytes().to_vec(),
        canary.to_uppercase().into_bytes(),
        hex::encode(canary).into_bytes(),
        // Without the last group, which depends on what follows.
        base64.as_bytes()[..base64.trim_end_matches('=').len().min(12)].to_vec(),
        utf16,
    ];
    let sings = |bytes: &[u8]| forms.iter().any(|f| memmem::find(bytes, f).is_some());
    let mut places = vec![];
    if sings(&dump(studio)) {
        places.push("database".to_owned());
    }
    let mut all = vec![];
    files(studio.data.path(), &mut all);
    for path in all {
        if sings(&std::fs::read(&path).unwrap()) || sings(path.to_string_lossy().as_bytes()) {
            places.push(path.display().to_string());
        }
    }
    places
}

/// The database's own files and the write-ahead log of its cluster, as they lie on the disk.
async fn beneath(studio: &Studio, canary: &str) -> Vec<String> {
    let superuser = studio.superuser().await;
    superuser.batch_execute("checkpoint").await.unwrap();
    let sql = "select current_setting('data_directory'), oid::text from pg_database where datname = $1";
    let row = superuser.query_one(sql, &[&studio.database()]).await.unwrap();
    let cluster = PathBuf::from(row.get::<_, String>(0));
    let mut all = vec![];
    for folder in ["pg_wal".to_owned(), format!("base/{}", row.get::<_, String>(1)), "pg_stat".to_owned()] {
        files(&cluster.join(folder), &mut all);
    }
    // A file that another test's database took away meanwhile holds nothing of ours.
    let sings = |path: &PathBuf| {
        std::fs::read(path).is_ok_and(|bytes| memmem::find(&bytes, canary.as_bytes()).is_some())
    };
    all.iter().filter(|path| sings(path)).map(|path| path.display().to_string()).collect()
}

/// What somebody typed who joined, paid and uploaded.
const ADDRESS: [(&str, &str); 4] =
    [("name", "Canarybuyer"), ("street", "Canarystreet 11"), ("postcode", "1015 QZ"), ("city", "Canarycity")];

#[tokio::test(flavor = "multi_thread")]
async fn who_paid_and_uploaded_leaves_nothing_in_the_files_beneath_either() {
    let studio = Studio::start().await;
    let cx = &studio.instance.services;
    demo_plans::load(cx, &meta(&studio)).await.unwrap();
    let account = person(&studio, "canarypayer@example.org", &[Role::Creator]).await;
    let ada = signed_in(&studio, "canarypayer@example.org").await;

    let sent = upload(&ada, "A draft", "canaryfile of mine.png", picture()).await;
    assert_eq!(sent.status, 303, "{}", sent.body);
    wait(&studio, "A draft", |w| w.processing == "ready").await;

    let plans = ada.get("/join").await;
    let payment = ada.get(&link(&plans.body, "/join/")).await;
    let action = link(&payment.body, "/join/");
    let mut fields = ADDRESS.to_vec();
    fields.extend([("card_number", "4242 4242 4242 4242"), ("card_expiry", "12/35")]);
    let joined = ada.submit(&format!("{action}?country=NL&way=card"), &action, &fields).await;
    assert_eq!(joined.status, 303, "{}", joined.body);
    studio.settle().await;
    assert!(ada.get("/account/subscription").await.body.contains("Visa ending in 4242"));

    let canaries = [
        "canarypayer",
        "canaryfile",
        "Canarybuyer",
        "Canarystreet",
        "1015 QZ",
        "Canarycity",
        "ending in 4242",
        "4242424242424242",
        "4242 4242 4242 4242",
    ];
    for canary in canaries {
        assert!(found(&studio, canary).iter().all(|p| p.contains("/mail/")), "sealed before: {canary}");
        assert_eq!(beneath(&studio, canary).await, Vec::<String>::new(), "{canary}");
    }
    assert!(!beneath(&studio, "media_jobs").await.is_empty(), "what is there is found");

    ada.submit("/account/subscription", "/account/subscription/cancel", &[]).await;
    studio.settle().await;
    let over = cx.clock.now() + TimeDelta::days(32);
    assert_eq!(studio.run_job("clock-tick", &over.to_rfc3339()).await.status, "completed");
    studio.settle().await;
    ask(&ada).await;
    studio.settle().await;
    let report = studio.run_job("process-deletion-requests", &over.to_rfc3339()).await;
    assert_eq!((report.counts["started"], report.counts["blocked"]), (1, 0), "{report:?}");
    studio.settle().await;
    let state = leaving::load_request(cx, request_of(&studio, account).await).await.unwrap();
    assert_eq!(state.stage, Stage::Completed);
    for canary in canaries {
        assert_eq!(found(&studio, canary), Vec::<String>::new(), "{canary}");
        assert_eq!(beneath(&studio, canary).await, Vec::<String>::new(), "{canary}");
    }
    // What the law keeps is the invoice: its numbers, and no name.
    let client = studio.client().await;
    let invoices: i64 = client.query_one("select count(*) from invoices", &[]).await.unwrap().get(0);
    assert_eq!(invoices, 1);
    drop(client);
    // Whom it billed stands in the sealed archive, for the desk alone, until its time is over.
    let number =
        kinora::projections::invoices::of_account(&cx.reader, account).await.unwrap()[0].number.clone();
    let invoice = kinora::projections::invoices::by_number(&cx.reader, &number).await.unwrap().unwrap();
    let billed = async || paper::billed(cx, &invoice).await.unwrap().address.unwrap_or_default();
    assert!(billed().await.contains("Canarystreet 11"), "{}", billed().await);
    let ends = |years: i32| {
        let day = chrono::NaiveDate::from_ymd_opt(invoice.document.issued_on.year() + years, 1, 2).unwrap();
        day.and_hms_opt(12, 0, 0).unwrap().and_utc().to_rfc3339()
    };
    let early = studio.run_job("destroy-archives", &ends(10)).await;
    assert_eq!((early.status, early.counts["invoice_archives"]), ("completed", 0), "{early:?}");
    assert!(!billed().await.is_empty());
    let late = studio.run_job("destroy-archives", &ends(11)).await;
    assert_eq!(late.counts["invoice_archives"], 1, "{late:?}");
    assert_eq!(billed().await, "");
    studio.close().await;
}
