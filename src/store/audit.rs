//! Proof that the log is what it was: signed checkpoints in the database and, once more, in a file
//! outside of it, and the verification that holds the log against all of them.
//!
//! The hash chain alone shows a change in the middle. Whoever may write everything could calculate
//! the chain anew, or cut its end off; a checkpoint that was signed before shows that too.

use super::log::{self, Verification};
use super::signed_note::{Checkpoint, Signer, Verifier};
use super::{Pool, StoreError, strays};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use tokio_postgres::GenericClient;

/// The log's witness: its key and the file of its notes.
#[derive(Clone)]
pub struct Audit {
    pool: Pool,
    signer: Signer,
    file: PathBuf,
}

/// What stands in the table of verifications.
#[derive(Clone, Debug)]
pub struct LastVerification {
    /// Up to where.
    pub position: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// When the whole log was last read.
    pub whole_at: Option<DateTime<Utc>>,
    /// Whether all was well.
    pub ok: bool,
    /// What was not.
    pub reason: Option<String>,
    /// Verifications so far that found the log unchanged.
    pub good: i64,
    /// Verifications so far that did not.
    pub bad: i64,
}

impl Audit {
    /// The witness of the log behind `pool`; its notes also go into `folder`.
    #[must_use]
    pub fn new(pool: Pool, seed: &[u8; 32], folder: &Path) -> Self {
        Self { pool, signer: Signer::new(seed), file: folder.join("checkpoints.txt") }
    }

    /// Who can check its signatures.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        self.signer.verifier()
    }

    /// The newest note; `None` before the first.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn latest(&self) -> Result<Option<String>, StoreError> {
        let client = self.pool.get().await?;
        let sql = "select note from log_checkpoints where log_id = 1 order by position desc limit 1";
        Ok(client.query_opt(sql, &[]).await?.map(|row| row.get(0)))
    }

    /// Signs the head of the log, if there is something new. Gives its position.
    ///
    /// # Errors
    /// If database or file cannot be written.
    pub async fn sign_head(&self, at: DateTime<Utc>) -> Result<Option<i64>, StoreError> {
        let client = self.pool.get().await?;
        let head = client.query_one("select position, hash from log_head where log_id = 1", &[]).await?;
        // What is signed must not be taken back by a power cut.
        log::settle(&**client).await?;
        let checkpoint = Checkpoint { position: head.get(0), hash: head.get(1), at };
        if checkpoint.position == 0 {
            return Ok(None);
        }
        let note = self.signer.sign(&checkpoint);
        // The file first: a note that stands only there still counts against a log that was cut.
        self.keep(&note)?;
        let added = client
            .execute(
                "insert into log_checkpoints (position, note, signed_at) values ($1, $2, $3) on conflict do nothing",
                &[&checkpoint.position, &note, &at],
            )
            .await?;
        Ok((added == 1).then_some(checkpoint.position))
    }

    fn keep(&self, note: &str) -> Result<(), StoreError> {
        let fail = |e| StoreError::file(format!("writing {}", self.file.display()), e);
        if let Some(folder) = self.file.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(fail)?;
        }
        let mut file = fs::OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.file)
            .map_err(fail)?;
        // Two processes must not mix their notes. The lock goes with the file.
        file.lock().map_err(fail)?;
        // What a power cut or a full disk left of a note is taken away, before another one would be joined to it.
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(fail)?;
        let whole = finished(&text).len();
        if whole < text.len() {
            file.set_len(whole as u64).map_err(fail)?;
        }
        let written = file.write_all(format!("{note}\n").as_bytes()).and_then(|()| file.sync_all());
        written.map_err(|error| {
            let _ = file.set_len(whole as u64);
            fail(error)
        })
    }

    fn kept(&self) -> Result<Vec<String>, StoreError> {
        match fs::read_to_string(&self.file) {
            Ok(text) => Ok(notes(finished(&text))),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(vec![]),
            Err(e) => Err(StoreError::file(format!("reading {}", self.file.display()), e)),
        }
    }

    /// Holds the log against its hash chain and every checkpoint ever signed, here and in the file.
    /// With `new_only` just what came after the last checkpoint. `more` are notes from elsewhere, such
    /// as one that an auditor took home. Streams; `progress` is told the position.
    ///
    /// # Errors
    /// If the database or the file cannot be read.
    pub async fn verify(
        &self,
        new_only: bool,
        more: &[String],
        progress: impl FnMut(i64, i64),
    ) -> Result<Verification, StoreError> {
        let mut client = self.pool.get().await?;
        let sql = "select position, note from log_checkpoints where log_id = 1 order by position";
        let mut known: BTreeMap<i64, Vec<Checkpoint>> = BTreeMap::new();
        let mut in_table: BTreeMap<i64, Checkpoint> = BTreeMap::new();
        for row in client.query(sql, &[]).await? {
            let (position, note): (i64, String) = (row.get(0), row.get(1));
            match self.verifier().open(&note) {
                Ok(checkpoint) if checkpoint.position == position => {
                    known.entry(position).or_default().push(checkpoint.clone());
                    in_table.insert(position, checkpoint);
                }
                Ok(_) => return Ok(log::bad(position, position, "the checkpoint here is another one's")),
                Err(error) => {
                    return Ok(log::bad(position, position, &format!("a checkpoint was changed: {error}")));
                }
            }
        }
        for (note, from_file) in self.kept()?.iter().map(|n| (n, true)).chain(more.iter().map(|n| (n, false)))
        {
            let checkpoint = match self.verifier().open(note) {
                Ok(checkpoint) => checkpoint,
                Err(error) => {
                    let reason = format!("a checkpoint outside the database was changed: {error}");
                    return Ok(log::bad(1, 0, &reason));
                }
            };
            let position = checkpoint.position;
            let head = log::head(&**client).await?;
            if from_file && position <= head && !in_table.contains_key(&position) {
                // Signing writes the file first; a process that ended in between leaves the newest one.
                let newest = in_table.keys().next_back().copied().unwrap_or(0);
                if position < newest {
                    return Ok(log::bad(position, position, "a checkpoint was removed from the database"));
                }
            }
            known.entry(position).or_default().push(checkpoint);
        }
        let start = if new_only { in_table.pop_last().map(|(_, c)| (c.position, c.hash)) } else { None };
        let checkpoints = known.values().map(Vec::len).sum::<usize>();
        let mut found = log::verify(&**client, start, &known, progress).await?;
        if found.ok
            && !new_only
            && let Some((position, reason)) = strays::find(&mut client).await?
        {
            found = log::bad(position, found.events, reason);
        }
        found.checkpoints = i64::try_from(checkpoints).unwrap_or(i64::MAX);
        Ok(found)
    }

    /// Notes what a verification found, for the metrics and the operators' page.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn note_verification(
        &self,
        found: &Verification,
        whole: bool,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let client = self.pool.get().await?;
        let whole_at = whole.then_some(at);
        client
            .execute(
                "insert into log_verification (position, verified_at, whole_at, ok, reason, good, bad)
                 values ($1, $2, $3, $4, $5, $4::boolean::int, (not $4)::int)
                 on conflict (one) do update set position = $1, verified_at = $2,
                     whole_at = coalesce($3, log_verification.whole_at), ok = $4, reason = $5,
                     good = log_verification.good + excluded.good, bad = log_verification.bad + excluded.bad",
                &[&found.events, &at, &whole_at, &found.ok, &found.reason],
            )
            .await?;
        Ok(())
    }
}

/// The file of notes without what was left of one that was not written to its end: nothing was said by that. An empty
/// line stands within each note, and one behind it.
fn finished(text: &str) -> &str {
    let ends: Vec<usize> = text.match_indices("\n\n").map(|(at, blank)| at + blank.len()).collect();
    let whole = ends.len() / 2 * 2;
    &text[..whole.checked_sub(1).and_then(|last| ends.get(last).copied()).unwrap_or(0)]
}

/// What the last verification found; `None` before the first.
///
/// # Errors
/// If the database cannot be read.
pub async fn last_verification<C: GenericClient>(client: &C) -> Result<Option<LastVerification>, StoreError> {
    let sql = "select position, verified_at, whole_at, ok, reason, good, bad from public.log_verification";
    Ok(client.query_opt(sql, &[]).await?.map(|row| LastVerification {
        position: row.get(0),
        at: row.get(1),
        whole_at: row.get(2),
        ok: row.get(3),
        reason: row.get(4),
        good: row.get(5),
        bad: row.get(6),
    }))
}

/// The notes in a file: each is a text, an empty line and its signatures, and ends with an empty line.
#[must_use]
pub fn notes(text: &str) -> Vec<String> {
    let mut found = vec![];
    let mut parts = text.split("\n\n").map(|p| p.trim_matches('\n')).filter(|p| !p.is_empty());
    while let (Some(body), Some(signatures)) = (parts.next(), parts.next()) {
        found.push(format!("{body}\n\n{signatures}\n"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_that_was_cut_short_is_no_note() {
        let note = |n: i64| {
            format!("kinora/k\n{n}\nhash=\ntime 2026-11-27T02:00:00Z\n\n\u{2014} kinora/k sig{n}\n\n")
        };
        let both = note(1) + &note(2);
        assert_eq!(finished(&both), both);
        for cut in (both.len() - note(2).len()..both.len()).filter(|cut| both.is_char_boundary(*cut)) {
            assert_eq!(finished(&both[..cut]), note(1), "cut at {cut}");
        }
        assert_eq!((finished(""), finished("kinora/k\n1")), ("", ""));
        assert_eq!(notes(&both).len(), 2);
    }
}
