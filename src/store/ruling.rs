//! What becomes of the appends of a batch, given what stands in the log. Pure: the journal asks it under
//! the lock of the head row, and a simulator asks it as well.

use super::Claim;
use super::chain::Link;
use super::journal::{Append, AppendError, Receipt};
use chrono::{DateTime, Utc};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// What stands in the log, as far as a batch has to do with it.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Position of the last event.
    pub position: i64,
    /// Its hash.
    pub hash: Vec<u8>,
    /// Commands of the batch that were executed before.
    pub receipts: HashMap<Uuid, Receipt>,
    /// Versions of its streams; a stream that is missing has none.
    pub versions: HashMap<String, i64>,
    /// Who holds the keys it claims.
    pub owners: HashMap<Claim, String>,
    /// Of the writer's connections: states that were read under another one are not trusted.
    pub generation: u64,
}

/// What is to be written and answered.
#[derive(Debug, Default)]
pub struct Ruling<'a> {
    /// An answer to each append.
    pub answers: Vec<Result<Receipt, AppendError>>,
    /// Those that are written.
    pub accepted: Vec<(&'a Append, Receipt)>,
    /// Their events.
    pub rows: Rows,
    /// The keys that they hold in the end, each with its owner: what one of them claimed and gave up is not among them.
    pub held: Vec<(&'a Claim, &'a str)>,
    /// The last position afterwards.
    pub position: i64,
    /// The hash there.
    pub hash: Vec<u8>,
}

/// Rows of events, column by column.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "named after the columns of the table")]
pub struct Rows {
    pub position: Vec<i64>,
    pub stream: Vec<String>,
    pub version: Vec<i64>,
    pub kind: Vec<String>,
    pub type_version: Vec<i16>,
    pub command: Vec<Uuid>,
    pub ix: Vec<i16>,
    pub effective: Vec<DateTime<Utc>>,
    pub payload: Vec<String>,
    pub metadata: Vec<String>,
    pub hash: Vec<Vec<u8>>,
}

/// Rules on `appends`, in their order.
#[must_use]
pub fn rule<'a>(known: Known, appends: &[&'a Append], recorded_at: DateTime<Utc>) -> Ruling<'a> {
    let Known { position, hash, receipts: mut recorded, mut versions, mut owners, generation } = known;
    let mut ruling = Ruling { position, hash, ..Ruling::default() };
    for append in appends {
        if let Some(receipt) = recorded.get(&append.command_id) {
            // What was decided now did not come to be.
            give_up(append);
            ruling.answers.push(Ok(*receipt));
            continue;
        }
        let version = versions.entry(append.stream_id.clone()).or_insert(0);
        let stands = append.basis.as_ref().is_none_or(|b| b.stands(generation));
        if *version != append.expected || !stands {
            give_up(append);
            ruling.answers.push(Err(AppendError::Conflict { actual: *version }));
            continue;
        }
        let foreign =
            append.claims.iter().find(|c| owners.get(*c).is_some_and(|owner| *owner != append.stream_id));
        if let Some(claim) = foreign {
            give_up(append);
            ruling.answers.push(Err(AppendError::Taken { namespace: claim.namespace.clone() }));
            continue;
        }
        for (ix, event) in append.events.iter().enumerate() {
            ruling.position += 1;
            *version += 1;
            let link = Link::of(append, event, ruling.position, *version, ix, recorded_at);
            ruling.hash = link.hash(&ruling.hash).to_vec();
            ruling.rows.push(&link, &ruling.hash);
        }
        let receipt = Receipt { position: ruling.position, version: *version, replayed: false };
        for claim in &append.releases {
            // Nobody gives up what another one holds.
            if owners.get(claim).is_some_and(|owner| *owner == append.stream_id) {
                owners.remove(claim);
            }
        }
        for claim in &append.claims {
            owners.insert(claim.clone(), append.stream_id.clone());
        }
        recorded.insert(append.command_id, Receipt { replayed: true, ..receipt });
        ruling.accepted.push((append, receipt));
        ruling.answers.push(Ok(receipt));
    }
    let claimed =
        ruling.accepted.iter().flat_map(|(append, _)| append.claims.iter().map(move |c| (c, *append)));
    let mut seen = HashSet::new();
    ruling.held = claimed
        .filter(|(claim, append)| owners.get(*claim).is_some_and(|owner| *owner == append.stream_id))
        .filter(|(claim, _)| seen.insert(*claim))
        .map(|(claim, append)| (claim, append.stream_id.as_str()))
        .collect();
    ruling
}

fn give_up(append: &Append) {
    if let Some(basis) = &append.basis {
        basis.give_up();
    }
}

impl Rows {
    /// Adds an event with its hash.
    pub fn push(&mut self, link: &Link<'_>, hash: &[u8]) {
        self.position.push(link.position);
        self.stream.push(link.stream_id.to_owned());
        self.version.push(link.version);
        self.kind.push(link.kind.to_owned());
        self.type_version.push(link.type_version);
        self.command.push(link.command_id);
        self.ix.push(link.ix);
        self.effective.push(link.effective_at);
        self.payload.push(link.payload.to_owned());
        self.metadata.push(link.metadata.to_owned());
        self.hash.push(hash.to_vec());
    }
}
