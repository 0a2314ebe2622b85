//! The log's proof: whoever changes history is found, whatever rights they have.

use crate::support::Studio;
use kinora::store::Audit;
use std::path::Path;
use std::process::Command;

pub struct Scene {
    pub studio: Studio,
    pub superuser: tokio_postgres::Client,
}

/// A studio with some events, signed twice, and somebody with all rights and the triggers off.
pub async fn scene() -> Scene {
    let studio = Studio::start().await;
    let hour = |h: u32| format!("2026-11-21T{h:02}:00:00Z");
    for h in 1..=6 {
        studio.run_job("stats", &hour(h)).await;
    }
    let report = studio.run_job("checkpoint-log", &hour(7)).await;
    assert_eq!((report.counts["signed"], report.counts["whole"]), (1, 1));
    for h in 8..=10 {
        studio.run_job("stats", &hour(h)).await;
    }
    let report = studio.run_job("checkpoint-log", &hour(11)).await;
    assert_eq!((report.counts["signed"], report.counts["whole"]), (1, 0));
    studio.settle().await;
    let superuser = studio.superuser().await;
    superuser
        .batch_execute(
            "alter table events disable trigger all; alter table log_checkpoints disable trigger all",
        )
        .await
        .expect("an intruder with all rights");
    Scene { studio, superuser }
}

impl Scene {
    fn audit(&self) -> &Audit {
        &self.studio.instance.services.audit
    }

    pub async fn found(&self) -> (bool, Option<i64>, String) {
        let found = self.audit().verify(false, &[], |_, _| {}).await.expect("verify");
        (found.ok, found.first_bad_position, found.reason.unwrap_or_default())
    }

    /// What an intruder who knows the chain would do: every hash anew from `from` on, the head as well.
    pub async fn chain_anew(&self) {
        use kinora::store::chain::Link;
        let rows = self
            .superuser
            .query(
                "select position, stream_id, version, type, type_version, command_id, ix, recorded_at, effective_at,
                        payload::text, metadata::text from events order by position",
                &[],
            )
            .await
            .expect("rows");
        let mut hash = vec![0; 32];
        for r in &rows {
            let link = Link {
                position: r.get(0),
                stream_id: r.get(1),
                version: r.get(2),
                kind: r.get(3),
                type_version: r.get(4),
                command_id: r.get(5),
                ix: r.get(6),
                recorded_at: r.get(7),
                effective_at: r.get(8),
                payload: r.get(9),
                metadata: r.get(10),
            };
            hash = link.hash(&hash).to_vec();
            let sql = "update events set hash = $2 where position = $1";
            self.superuser.execute(sql, &[&link.position, &hash]).await.expect("hash");
        }
        let head: i64 = rows.last().map_or(0, |r| r.get(0));
        let sql = "update log_head set position = $1, hash = $2";
        self.superuser.execute(sql, &[&head, &hash]).await.expect("head");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_changed_is_found_and_placed() {
    let scene = scene().await;
    let (ok, _, _) = scene.found().await;
    assert!(ok);
    let db = &scene.superuser;
    let head: i64 = db.query_one("select position from log_head", &[]).await.expect("head").get(0);
    assert!(head > 12, "{head}");
    // Each change is undone afterwards: the log is copied first.
    db.batch_execute("create table kept as select * from events; create table kept_head as select * from log_head; create table kept_notes as select * from log_checkpoints").await.expect("copy");
    let undo = "delete from events; insert into events select * from kept; update log_head set (position, hash) = (select position, hash from kept_head);
        delete from log_checkpoints; insert into log_checkpoints select * from kept_notes";
    let first: i64 =
        db.query_one("select min(position) from log_checkpoints", &[]).await.expect("first").get(0);
    let last: i64 =
        db.query_one("select max(position) from log_checkpoints", &[]).await.expect("last").get(0);

    let plain = [
        ("edited", "update events set payload = '{}' where position = 4", 4),
        ("another time", "update events set effective_at = effective_at + interval '1 microsecond' where position = 5", 5),
        ("another stream", "update events set stream_id = stream_id || 'x' where position = 6", 6),
        ("removed", "delete from events where position = 7", 7),
        ("swapped", "update events set position = case position when 3 then -4 when 4 then -3 end where position in (3, 4); update events set position = -position where position < 0", 3),
        ("inserted", "update events set position = -position - 1 where position >= 8; update events set position = -position where position < 0;
            insert into events select log_id, 8, 'stats-forged', 1, type, type_version, command_id, ix, recorded_at, effective_at, payload, metadata, hash from kept where position = 1", 8),
        ("cut off", "delete from events where position > 9", 10),
    ];
    for (what, sql, position) in plain {
        db.batch_execute(sql).await.unwrap_or_else(|e| panic!("{what}: {e:?}"));
        let (ok, at, reason) = scene.found().await;
        assert_eq!((ok, at), (false, Some(position)), "{what}: {reason}");
        db.batch_execute(undo).await.expect("undo");
    }
    // The chain calculated anew behind it: only the checkpoints know.
    for (what, sql, position) in [
        ("edited", "update events set payload = '{}' where position = 2", first),
        (
            "edited between the checkpoints",
            &format!("update events set payload = '{{}}' where position = {}", first + 1),
            last,
        ),
        ("cut off", &format!("delete from events where position > {}", last - 1), last),
        ("cut off before the first", &format!("delete from events where position >= {first}"), first),
    ] {
        db.batch_execute(sql).await.unwrap_or_else(|e| panic!("{what}: {e:?}"));
        scene.chain_anew().await;
        let (ok, at, reason) = scene.found().await;
        assert_eq!((ok, at), (false, Some(position)), "{what}: {reason}");
        db.batch_execute(undo).await.expect("undo");
    }
    // The checkpoints themselves.
    for (what, sql, position) in [
        (
            "changed",
            format!(
                "update log_checkpoints set note = replace(note, 'time 2026', 'time 2025') where position = {first}"
            ),
            first,
        ),
        (
            "moved",
            format!("update log_checkpoints set position = position - 1 where position = {first}"),
            first - 1,
        ),
        ("removed", format!("delete from log_checkpoints where position = {first}"), first),
    ] {
        db.batch_execute(&sql).await.unwrap_or_else(|e| panic!("{what}: {e:?}"));
        let (ok, at, reason) = scene.found().await;
        assert_eq!((ok, at), (false, Some(position)), "checkpoint {what}: {reason}");
        db.batch_execute(undo).await.expect("undo");
    }
    assert!(scene.found().await.0);

    // What the chain does not reach: aggregates would fold such events, and commands believe such receipts.
    let columns = "stream_id, 7, type, type_version, gen_random_uuid(), ix, recorded_at, effective_at, payload, metadata, hash";
    for (what, sql, position) in [
        ("before the first", format!("insert into events select log_id, -3, {columns} from kept where position = 1"), -3),
        ("behind the head", format!("insert into events select log_id, 999999, {columns} from kept where position = 1"), 999_999),
        (
            "a receipt laid down",
            "insert into command_receipts select log_id, gen_random_uuid(), stream_id, 4, version, recorded_at from command_receipts limit 1".to_owned(),
            4,
        ),
        (
            "a receipt removed",
            "delete from command_receipts where command_id = (select command_id from events where position = 1)".to_owned(),
            1,
        ),
    ] {
        db.batch_execute("create table kept_receipts as table command_receipts").await.expect("kept");
        db.batch_execute(&sql).await.unwrap_or_else(|e| panic!("{what}: {e:?}"));
        let (ok, at, reason) = scene.found().await;
        assert_eq!((ok, at), (false, Some(position)), "{what}: {reason}");
        db.batch_execute(undo).await.expect("undo");
        let receipts = "delete from command_receipts; insert into command_receipts select * from kept_receipts; drop table kept_receipts";
        db.batch_execute(receipts).await.expect("undo");
    }
    assert!(scene.found().await.0);
    // All of it rewritten, notes deleted everywhere: what an auditor took home still tells.
    let note = scene.audit().latest().await.expect("read").expect("a note");
    db.batch_execute("update events set payload = '{}' where position = 2; delete from log_checkpoints")
        .await
        .expect("forged");
    scene.chain_anew().await;
    std::fs::remove_file(scene.studio.data.path().join("audit/checkpoints.txt")).expect("the file of notes");
    assert!(scene.found().await.0, "nothing here knows any more");
    let found = scene.audit().verify(false, &[note], |_, _| {}).await.expect("verify");
    assert_eq!((found.ok, found.first_bad_position), (false, Some(last)));

    // A log that was changed is not signed, and the job says so.
    db.batch_execute("update events set payload = '{\"a\":1}' where position = 3").await.expect("forged");
    let report = scene.studio.run_job("checkpoint-log", "2026-11-23T12:00:00Z").await;
    assert_eq!(report.status, "failed");
    assert!(report.error.expect("a reason").contains("position 3"));
    assert_eq!(scene.audit().latest().await.expect("read"), None);
    scene.studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_noted_for_a_time_to_come_does_not_put_the_next_one_off() {
    let scene = scene().await;
    let noted = "update log_verification set whole_at = now() + interval '10 years'";
    scene.superuser.batch_execute(noted).await.expect("noted");
    let report = scene.studio.run_job("checkpoint-log", "2026-11-21T12:00:00Z").await;
    assert_eq!(report.counts["whole"], 1);
    scene.studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_checks_the_log_with_openssl() {
    let scene = scene().await;
    let folder = tempfile::tempdir().expect("folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    let client = scene.studio.client().await;
    let proof = kinora::store::log::proof(&**client, 0, i64::MAX, 10_000).await.expect("proof");
    let line = |p: &kinora::store::log::Proof| {
        use base64::Engine;
        let bytes = base64::engine::general_purpose::STANDARD.encode(&p.bytes);
        format!("{} {} {bytes}\n", p.position, hex::encode(&p.hash))
    };
    let lines: Vec<String> = proof.iter().map(line).collect();
    let note = write("note.txt", &scene.audit().latest().await.expect("read").expect("a note"));
    let key = write("key.pem", &scene.audit().verifier().to_pem());
    let check = |log: &Path| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/verify-log");
        let done = Command::new(script).arg(log).arg(&note).arg(&key).output().expect("the script runs");
        let said = [done.stdout, done.stderr].concat();
        (done.status.success(), String::from_utf8_lossy(&said).into_owned())
    };
    let (ok, said) = check(&write("log.txt", &lines.concat()));
    assert!(ok, "{said}");
    assert!(said.contains("unchanged"));
    let mut without = lines.clone();
    without.remove(4);
    let (ok, said) = check(&write("without.txt", &without.concat()));
    assert!(!ok && said.contains("event 5 is missing"), "{said}");
    let (ok, said) = check(&write("short.txt", &lines[..5].concat()));
    assert!(!ok && said.contains("the log ends at event 5"), "{said}");
    let mut swapped = lines.clone();
    let (_, rest) = swapped[2].split_once(' ').expect("a line");
    let (hash, _) = rest.split_once(' ').expect("a line");
    let other = lines[3].rsplit(' ').next().expect("bytes");
    swapped[2] = format!("3 {hash} {other}");
    let (ok, said) = check(&write("swapped.txt", &swapped.concat()));
    assert!(!ok && said.contains("event 3"), "{said}");
    scene.studio.close().await;
}
