//! Keeps the index of a Meilisearch server in step: follows what the catalogue notes as touched, tells the server
//! what is there now of each, and takes away what is not. What was told twice is there once, so after an outage or a
//! crash it goes on from where it is known to have come. One process does it, by lease.

use super::quoted;
use super::state::{self, Ahead, State};
use crate::actors::services::Services;
use crate::actors::supervisor::{Desk, LoopError};
use crate::adapters::meilisearch::{MeiliError, Meilisearch, Task};
use crate::config::Search;
use crate::projections::catalogue::{self, Document};
use crate::store::{StoreError, checkpoint};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use uuid::Uuid;

const LEASE: &str = "search index";
const LEASE_SECONDS: f64 = 15.0;
/// How often the catalogue is looked at.
const POLL: Duration = Duration::from_millis(500);
/// Pauses while the server is away.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often the number of documents is compared, which tells of a server that was emptied.
const COMPARE: Duration = Duration::from_secs(300);
/// Things told of at once, and bytes of one message.
const BATCH: i64 = 100;
const BYTES: usize = 4 << 20;

/// Why the index is not filled.
#[derive(Debug, thiserror::Error)]
enum FillError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Engine(#[from] MeiliError),
    #[error("another process fills the index")]
    Lost,
    #[error("the process ends")]
    Ending,
}

/// How the index finds: what counts more stands first; the newest of equals comes first.
fn settings() -> Value {
    json!({
        "searchableAttributes": ["title", "context", "body", "open", "closed"],
        "displayedAttributes": ["key", "id", "title", "body", "open", "closed"],
        "filterableAttributes": ["key", "kind", "id", "owner", "free", "form", "level", "licence", "film", "tags"],
        "sortableAttributes": ["at"],
        "rankingRules": ["sort", "words", "typo", "proximity", "attribute", "exactness", "at:desc"],
        "typoTolerance": { "enabled": true, "minWordSizeForTypos": { "oneTypo": 4, "twoTypos": 8 } },
        "pagination": { "maxTotalHits": super::MOST },
    })
}

/// The working loop.
///
/// # Errors
/// If the database fails; the supervisor starts the loop again. A server that is away is waited for.
pub async fn run(cx: Services, desk: Desk) -> Result<(), LoopError> {
    let set = cx.config.search.clone();
    let engine = Meilisearch::new(cx.https.clone(), &set.address, &set.admin_key);
    let mut filler = Filler {
        cx,
        desk,
        set,
        engine,
        leased: None,
        is_there: false,
        compared: None,
        differs: false,
        spoilt: false,
    };
    let mut pause = FIRST_PAUSE;
    while !filler.desk.stopping() {
        match filler.step().await {
            Ok(true) => pause = FIRST_PAUSE,
            Ok(false) => {
                pause = FIRST_PAUSE;
                filler.desk.pause(POLL).await;
            }
            Err(FillError::Lost) => {
                filler.leased = None;
                filler.desk.standby();
                filler.desk.pause(Duration::from_secs(1)).await;
            }
            Err(FillError::Ending) => break,
            Err(FillError::Store(error)) => return Err(error.into()),
            Err(FillError::Engine(error)) => {
                // It may have lost its index meanwhile, or what it was told of that.
                (filler.is_there, filler.compared) = (false, None);
                filler.spoilt = matches!(error, MeiliError::Failed(_));
                filler.tell(&error).await?;
                filler.desk.pause(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
    Ok(())
}

struct Filler {
    cx: Services,
    desk: Desk,
    set: Search,
    engine: Meilisearch,
    leased: Option<Instant>,
    /// Whether the index was there since the last error.
    is_there: bool,
    /// When the number of documents was last looked at, and whether it was another than here.
    compared: Option<Instant>,
    /// See `compared`.
    differs: bool,
    /// Whether the server took something and could not do it: the index may not be as it should.
    spoilt: bool,
}

impl Filler {
    /// One piece of work; `false` if there was none.
    async fn step(&mut self) -> Result<bool, FillError> {
        self.keep_lease().await?;
        let client = self.cx.pool.get().await.map_err(StoreError::from)?;
        let state = state::read(&client, &self.set).await?;
        let ahead = state::ahead(&client).await?;
        drop(client);
        let asked = state.form != ahead.form || state.made < state.wanted || self.spoilt;
        if asked || (!self.is_there && !self.engine.has_index(&self.set.index).await?) {
            self.anew(&state, &ahead).await?;
            return Ok(true);
        }
        self.is_there = true;
        if self.follow(&state, &ahead).await? {
            self.count("told", 1);
            return Ok(true);
        }
        self.cx.metrics.search.behind.set(0);
        // Not while the catalogue itself is folded again.
        let due = self.differs || self.compared.is_none_or(|at| at.elapsed() > COMPARE);
        if due && ahead.works >= state.works {
            let there = self.engine.number(&self.set.index).await?;
            let here = catalogue::findable_number(&self.cx.reader).await?;
            // Something may have been published between the two questions: only what differs twice is wrong.
            if there != here && self.differs {
                tracing::warn!(there, here, "the search index has not what it should have and is made anew");
                self.anew(&state, &ahead).await?;
                return Ok(true);
            }
            (self.differs, self.compared) = (there != here, Some(Instant::now()));
        }
        self.desk.succeeded();
        if state.error.is_some() {
            let client = self.cx.pool.get().await.map_err(StoreError::from)?;
            state::fail(&client, &self.set, None).await?;
        }
        Ok(false)
    }

    /// Tells of what was touched; first of what the catalogue has, then of the text inside works once that was read.
    async fn follow(&mut self, state: &State, ahead: &Ahead) -> Result<bool, FillError> {
        let from = state.works;
        let touched = catalogue::touched(&self.cx.reader, from, ahead.works, BATCH, false).await?;
        if let Some((_, last)) = touched.last() {
            self.cx.metrics.search.behind.set(ahead.works - from);
            self.tell_of(touched.iter().map(|(owner, _)| *owner).collect()).await?;
            // While neither lags, both are done at once.
            let texts = if state.texts == from { (*last).min(ahead.texts).max(from) } else { state.texts };
            self.moved(State { works: *last, texts, ..state.clone() }).await?;
            return Ok(true);
        }
        let touched = catalogue::touched(&self.cx.reader, state.texts, ahead.texts, BATCH, true).await?;
        if let Some((_, last)) = touched.last() {
            self.tell_of(touched.iter().map(|(owner, _)| *owner).collect()).await?;
            self.moved(State { texts: *last, ..state.clone() }).await?;
            return Ok(true);
        }
        if ahead.works > state.works || ahead.texts > state.texts {
            // Nothing of ours happened there.
            let (works, texts) = (ahead.works.max(state.works), ahead.texts.max(state.texts));
            self.moved(State { works, texts, ..state.clone() }).await?;
        }
        Ok(false)
    }

    async fn moved(&self, state: State) -> Result<(), FillError> {
        let client = self.cx.pool.get().await.map_err(StoreError::from)?;
        state::write(&client, &self.set, &state).await?;
        self.desk.succeeded();
        Ok(())
    }

    /// Makes the server know of `owners` what the catalogue knows, and nothing else.
    async fn tell_of(&mut self, mut owners: Vec<Uuid>) -> Result<(), FillError> {
        // Whether a film is open to everybody depends on its works.
        owners.extend(catalogue::films_around(&self.cx.reader, &owners).await?);
        owners.sort_unstable();
        owners.dedup();
        let documents = catalogue::documents_of(&self.cx.reader, &owners).await?;
        let index = self.set.index.clone();
        // What is to be seen no more goes first.
        let gone = self.engine.delete(&index, &all_but(&owners, &documents)).await?;
        self.finish(gone).await?;
        self.put(&index, &documents).await
    }

    async fn put(&mut self, index: &str, documents: &[Document]) -> Result<(), FillError> {
        for part in parts(documents) {
            let task = self.engine.put(index, &json!(part)).await?;
            self.finish(task).await?;
        }
        Ok(())
    }

    /// Fills an index beside the one in use, and exchanges the two.
    async fn anew(&mut self, state: &State, ahead: &Ahead) -> Result<(), FillError> {
        let (index, next) = (self.set.index.clone(), format!("{}_next", self.set.index));
        // One that was begun and not finished may be there, with whatever is in it.
        if self.engine.has_index(&next).await? {
            let task = self.engine.delete_index(&next).await?;
            self.finish(task).await?;
        }
        let task = self.engine.create_index(&next).await?;
        self.finish(task).await?;
        let task = self.engine.set(&next, &settings()).await?;
        self.finish(task).await?;
        let mut after = None;
        loop {
            let owners = catalogue::owners_after(&self.cx.reader, after, BATCH).await?;
            let Some(last) = owners.last() else { break };
            after = Some(*last);
            let documents = catalogue::documents_of(&self.cx.reader, &owners).await?;
            self.put(&next, &documents).await?;
        }
        if !self.engine.has_index(&index).await? {
            let task = self.engine.create_index(&index).await?;
            self.finish(task).await?;
        }
        let task = self.engine.swap(&index, &next).await?;
        self.finish(task).await?;
        // Whatever was touched meanwhile lies behind this position, and is told of again.
        let (works, texts, form) = (ahead.works, ahead.texts, ahead.form.clone());
        self.moved(State { form, works, texts, made: state.wanted, ..State::default() }).await?;
        self.count("anew", 1);
        (self.is_there, self.differs, self.spoilt) = (true, false, false);
        tracing::info!(index, "the search index was made anew");
        let task = self.engine.delete_index(&next).await?;
        self.finish(task).await
    }

    /// Waits until a piece of work is done; the server works them off in their order.
    async fn finish(&mut self, task: u64) -> Result<(), FillError> {
        let mut pause = Duration::from_millis(10);
        loop {
            self.keep_lease().await?;
            match self.engine.look(task).await? {
                Task::Done => return Ok(()),
                Task::Failed(code) => return Err(MeiliError::Failed(code).into()),
                Task::Waiting => {}
            }
            self.desk.pause(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    async fn keep_lease(&mut self) -> Result<(), FillError> {
        if self.desk.stopping() {
            return Err(FillError::Ending);
        }
        if self.leased.is_some_and(|at| at.elapsed() < Duration::from_secs(4)) {
            return Ok(());
        }
        let client = self.cx.pool.get().await.map_err(StoreError::from)?;
        if !checkpoint::lease(&**client, LEASE, self.cx.process, LEASE_SECONDS).await? {
            return Err(FillError::Lost);
        }
        self.leased = Some(Instant::now());
        Ok(())
    }

    /// Tells operators why it does not go on, once for each reason.
    async fn tell(&self, error: &MeiliError) -> Result<(), StoreError> {
        self.count(error.outcome(), 1);
        let words = error.to_string();
        self.desk.failed(&words);
        let client = self.cx.pool.get().await?;
        let set = &self.set;
        if state::fail(&client, set, Some(&words)).await? {
            tracing::warn!(error = words, "the search index cannot be filled; it goes on when it can");
        }
        if let (Ok(state), Ok(ahead)) = (state::read(&client, set).await, state::ahead(&client).await) {
            self.cx.metrics.search.behind.set((ahead.works - state.works).max(0));
        }
        Ok(())
    }

    fn count(&self, outcome: &str, by: u64) {
        self.cx.metrics.search.fillings.with_label_values(&[outcome]).inc_by(by);
    }
}

/// What the server has of `owners` beside `documents`.
fn all_but(owners: &[Uuid], documents: &[Document]) -> String {
    let owners = owners.iter().map(|id| quoted(&id.to_string())).collect::<Vec<_>>().join(", ");
    let kept = documents.iter().map(|d| quoted(&d.key)).collect::<Vec<_>>().join(", ");
    if kept.is_empty() {
        return format!("owner IN [{owners}]");
    }
    format!("owner IN [{owners}] AND key NOT IN [{kept}]")
}

/// Documents by messages that a server takes.
fn parts(documents: &[Document]) -> Vec<&[Document]> {
    let mut all = vec![];
    let (mut begin, mut bytes) = (0, 0);
    for (at, document) in documents.iter().enumerate() {
        let size = document.body.len() + document.open.len() + document.closed.len() + document.context.len();
        if at > begin && bytes + size > BYTES {
            all.push(&documents[begin..at]);
            (begin, bytes) = (at, 0);
        }
        bytes += size;
    }
    if begin < documents.len() {
        all.push(&documents[begin..]);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(key: &str, bytes: usize) -> Document {
        Document {
            key: key.into(),
            kind: "film".into(),
            id: Uuid::nil(),
            owner: Uuid::nil(),
            title: String::new(),
            context: String::new(),
            body: "x".repeat(bytes),
            open: String::new(),
            closed: String::new(),
            free: true,
            at: 0,
            form: None,
            level: None,
            licence: None,
            film: None,
            tags: vec![],
        }
    }

    #[test]
    fn messages_hold_as_much_as_fits_and_lose_nothing() {
        let sizes = |all: &[Document]| parts(all).iter().map(|part| part.len()).collect::<Vec<_>>();
        assert!(sizes(&[]).is_empty());
        assert_eq!(sizes(&[document("a", BYTES), document("b", 0)]), [2]);
        assert_eq!(sizes(&[document("a", BYTES), document("b", 1), document("c", 1)]), [1, 2]);
        assert_eq!(sizes(&[document("a", BYTES + 1), document("b", BYTES + 1)]), [1, 1]);
    }

    #[test]
    fn what_is_not_there_any_more_is_named_by_what_is() {
        let owner = Uuid::nil();
        assert_eq!(all_but(&[owner], &[]), format!("owner IN [\"{owner}\"]"));
        assert_eq!(
            all_but(&[owner], &[document("film-1", 0), document("film-2", 0)]),
            format!("owner IN [\"{owner}\"] AND key NOT IN [\"film-1\", \"film-2\"]")
        );
    }
}
