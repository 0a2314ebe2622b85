//! A thousand random changes to the log by somebody with all rights: each is found.

use crate::audit::{Scene, scene};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Changes that are tried; each seed gives others.
const FORGERIES: usize = 1_000;
const SEED: u64 = 20_261_128;

/// What an intruder does, in words and in SQL; `true` if the chain is then calculated anew.
fn forgery(random: &mut StdRng, head: i64, first: i64, last: i64) -> (String, String, bool) {
    let at = random.random_range(1..=head);
    let columns = [
        "payload = (payload::text || ' ')::json",
        "payload = '{\"forged\":true}'",
        "metadata = (metadata::text || ' ')::json",
        "type = type || 'd'",
        "type_version = type_version + 1",
        "stream_id = overlay(stream_id placing 'f' from length(stream_id))",
        "version = version + 100",
        "command_id = gen_random_uuid()",
        "ix = ix + 1",
        "recorded_at = recorded_at - interval '1 microsecond'",
        "effective_at = effective_at + interval '1 day'",
        "hash = sha256(hash)",
    ];
    let column = columns[random.random_range(0..columns.len())];
    match random.random_range(0..9) {
        0 | 1 => {
            (format!("{at}: {column}"), format!("update events set {column} where position = {at}"), false)
        }
        2 => (format!("{at} removed"), format!("delete from events where position = {at}"), false),
        3 => {
            let other = (at + random.random_range(1..head)) % head + 1;
            let other = if other == at { other % head + 1 } else { other };
            let sql = format!(
                "update events set position = case position when {at} then -{other} else -{at} end where position in ({at}, {other});
                 update events set position = -position where position < 0"
            );
            (format!("{at} and {other} exchanged"), sql, false)
        }
        4 => {
            let sql = format!(
                "update events set position = -position - 1 where position >= {at};
                 update events set position = -position where position < 0;
                 insert into events select log_id, {at}, 'stats-forged', 1, type, type_version, command_id, ix,
                     recorded_at, effective_at, payload, metadata, hash from kept where position = {head}"
            );
            (format!("one inserted at {at}"), sql, false)
        }
        5 => {
            // The end cut off and the head set back to it, behind what was signed.
            let to = random.random_range(1..last);
            let sql = format!(
                "delete from events where position > {to};
                 update log_head set (position, hash) = (select position, hash from events where position = {to})"
            );
            (format!("cut off after {to}"), sql, false)
        }
        6 => {
            let note = if random.random_bool(0.5) { first } else { last };
            let place = random.random_range(0..400);
            // One letter of the note becomes another; a line's end stays, and is then no change.
            let sql = format!(
                "update log_checkpoints set note = overlay(note placing
                     (case substr(note, 1 + {place} % length(note), 1) when 'A' then 'B' else 'A' end)
                     from 1 + {place} % length(note) for 1)
                 where position = {note} and substr(note, 1 + {place} % length(note), 1) <> E'\\n'"
            );
            (format!("the note at {note} changed at {place}"), sql, false)
        }
        7 => {
            let renumber = format!(
                "update events set position = position + 1000 where position >= {at};
                 update log_head set position = position + 1000"
            );
            (format!("renumbered from {at}"), renumber, false)
        }
        _ => {
            let at = random.random_range(1..=last);
            // A hash alone is what the chain calculates anyway.
            let column = columns[random.random_range(0..columns.len() - 1)];
            (
                format!("{at}: {column}, and the chain anew"),
                format!("update events set {column} where position = {at}"),
                true,
            )
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_random_changes_are_found() {
    let scene: Scene = scene().await;
    let db = &scene.superuser;
    let number = async |sql: &str| -> i64 { db.query_one(sql, &[]).await.expect("number").get(0) };
    let head = number("select position from log_head").await;
    let first = number("select min(position) from log_checkpoints").await;
    let last = number("select max(position) from log_checkpoints").await;
    db.batch_execute(
        "create table kept as select * from events; create table kept_head as select * from log_head;
         create table kept_notes as select * from log_checkpoints",
    )
    .await
    .expect("copied");
    // Emptied, not deleted: the dead rows of a thousand rounds would make the later ones slow.
    let undo = "truncate events, log_checkpoints; insert into events select * from kept;
        update log_head set (position, hash) = (select position, hash from kept_head);
        insert into log_checkpoints select * from kept_notes";
    // As text, because JSON has no equality.
    let changed = "select (select count(*) from (select e::text from events e except select k::text from kept k) x)
        + (select count(*) from (select k::text from kept k except select e::text from events e) x)
        + (select count(*) from (select n::text from log_checkpoints n except select k::text from kept_notes k) x)";
    let mut random = StdRng::seed_from_u64(SEED);
    let (mut tried, mut missed) = (0, Vec::new());
    while tried < FORGERIES {
        let (what, sql, anew) = forgery(&mut random, head, first, last);
        db.batch_execute(&sql).await.unwrap_or_else(|e| panic!("{what}: {e:?}"));
        // A change that changes nothing (a note whose chosen place is a line's end) is none.
        if number(changed).await == 0 {
            continue;
        }
        tried += 1;
        if anew {
            scene.chain_anew().await;
        }
        let (ok, at, _) = scene.found().await;
        if ok || at.is_none() {
            missed.push(what);
        }
        db.batch_execute(undo).await.expect("undone");
    }
    assert!(missed.is_empty(), "{} of {tried} not found:\n{}", missed.len(), missed.join("\n"));
    assert!(scene.found().await.0, "the log itself is good");
    println!("{tried} changes to a log of {head} events, {tried} found");
    scene.studio.close().await;
}
