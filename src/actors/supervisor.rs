//! Supervised working actors: each runs a loop, is started again after an error or a panic with a
//! growing pause, and reports what it does to the [`StatusBoard`].

use crate::metrics::Metrics;
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What an actor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// At work, or waiting for work.
    Running,
    /// Another process does it now.
    Standby,
    /// It failed and waits before it tries again.
    Failing,
    /// It has ended.
    Stopped,
}

/// What is known about a working actor.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Status {
    /// What it does.
    pub state: State,
    /// Pieces of work that wait, as far as it knows.
    pub queue: i64,
    /// When it last finished a piece of work.
    pub last_success: Option<DateTime<Utc>>,
    /// Its last error.
    pub last_error: Option<String>,
    /// How often it was started again.
    pub restarts: u64,
}

/// What all working actors of this process do. Cheap to clone.
#[derive(Clone, Default)]
pub struct StatusBoard {
    rows: Arc<Mutex<BTreeMap<String, Status>>>,
}

impl StatusBoard {
    /// All actors by name.
    #[must_use]
    pub fn all(&self) -> BTreeMap<String, Status> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Status)) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let row = rows.entry(name.to_owned()).or_insert(Status {
            state: State::Running,
            queue: 0,
            last_success: None,
            last_error: None,
            restarts: 0,
        });
        change(row);
    }
}

/// What a working actor is given at each start.
#[derive(Clone)]
pub struct Desk {
    name: String,
    board: StatusBoard,
    metrics: Arc<Metrics>,
    stop: watch::Receiver<bool>,
}

impl Desk {
    /// Reports a finished piece of work.
    pub fn succeeded(&self) {
        let now = Utc::now();
        self.metrics.actors.last_success.with_label_values(&[&self.name]).set(now.timestamp());
        self.board.change(&self.name, |row| {
            row.state = State::Running;
            row.last_success = Some(now);
        });
    }

    /// Reports how much work waits.
    pub fn queue(&self, waiting: i64) {
        self.board.change(&self.name, |row| row.queue = waiting);
    }

    /// Reports that another process does this work.
    pub fn standby(&self) {
        self.board.change(&self.name, |row| row.state = State::Standby);
    }

    /// Reports an error after which the actor goes on by itself.
    pub fn failed(&self, error: &str) {
        self.board.change(&self.name, |row| row.last_error = Some(error.to_owned()));
    }

    /// Whether the process wants to end.
    #[must_use]
    pub fn stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Waits for `duration` or until the process wants to end.
    pub async fn pause(&self, duration: Duration) {
        let mut stop = self.stop.clone();
        if *stop.borrow_and_update() {
            return;
        }
        let _ = tokio::time::timeout(duration, stop.changed()).await;
    }

    /// Resolves when the process wants to end.
    pub async fn stopped(&self) {
        let mut stop = self.stop.clone();
        while !*stop.borrow_and_update() {
            if stop.changed().await.is_err() {
                return;
            }
        }
    }
}

/// An error that ends one run of a loop.
pub type LoopError = Box<dyn std::error::Error + Send + Sync>;

/// How long an error is not told again, whichever actor it stops: a database that is away stops all of them, at every
/// try. Each failure counts in `kinora_actor_restarts_total` and on the board.
const TOLD_FOR: Duration = Duration::from_mins(1);

/// Which errors the log has heard, and when.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<HashMap<String, Instant>>>);

impl Told {
    fn is_news(&self, error: &str) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, at| at.elapsed() < TOLD_FOR);
        let news = !told.contains_key(error);
        if news {
            told.insert(error.to_owned(), Instant::now());
        }
        news
    }
}

/// Starts, watches and ends the working actors of a process.
#[derive(Clone)]
pub struct Supervisor {
    told: Told,
    board: StatusBoard,
    metrics: Arc<Metrics>,
    stop: Arc<watch::Sender<bool>>,
    running: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl Supervisor {
    /// A supervisor of nothing yet.
    #[must_use]
    pub fn new(metrics: Arc<Metrics>) -> Self {
        let stop = Arc::new(watch::Sender::new(false));
        Self { told: Told::default(), board: StatusBoard::default(), metrics, stop, running: Arc::default() }
    }

    /// Where the actors report.
    #[must_use]
    pub fn board(&self) -> StatusBoard {
        self.board.clone()
    }

    /// Runs `work` until the process ends; `work` returns when its desk says so, or with an error.
    pub fn supervise<F>(&self, name: &str, work: F)
    where
        F: Fn(Desk) -> BoxFuture<'static, Result<(), LoopError>> + Send + Sync + 'static,
    {
        let desk = Desk {
            name: name.to_owned(),
            board: self.board.clone(),
            metrics: Arc::clone(&self.metrics),
            stop: self.stop.subscribe(),
        };
        self.metrics.actors.restarts.with_label_values(&[name]);
        let told = self.told.clone();
        let task = tokio::spawn(async move {
            let mut pause = FIRST_PAUSE;
            desk.board.change(&desk.name, |_| {});
            while !desk.stopping() {
                let started = Instant::now();
                // A task of its own, so that a panic ends in an error here.
                let error = match tokio::spawn(work(desk.clone())).await {
                    Ok(Ok(())) if desk.stopping() => break,
                    Ok(Ok(())) => format!("{} ended early", desk.name),
                    Ok(Err(error)) => error.to_string(),
                    Err(_) => format!("{} panicked", desk.name),
                };
                if desk.stopping() {
                    break;
                }
                if told.is_news(&error) {
                    tracing::error!(actor = desk.name, error, "a working actor failed and is started again");
                } else {
                    tracing::debug!(actor = desk.name, error, "a working actor failed and is started again");
                }
                desk.metrics.actors.restarts.with_label_values(&[&desk.name]).inc();
                desk.board.change(&desk.name, |row| {
                    row.state = State::Failing;
                    row.restarts += 1;
                    row.last_error = Some(error);
                });
                if started.elapsed() > LONGEST_PAUSE {
                    pause = FIRST_PAUSE;
                }
                desk.pause(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            desk.board.change(&desk.name, |row| row.state = State::Stopped);
        });
        self.running.lock().unwrap_or_else(PoisonError::into_inner).push(task);
    }

    /// Tells all actors to end and waits for them, at most `patience`.
    pub async fn stop(&self, patience: Duration) {
        self.stop.send_replace(true);
        let tasks = std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        let all = futures_util::future::join_all(tasks);
        if tokio::time::timeout(patience, all).await.is_err() {
            tracing::warn!("some working actors did not end in time");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stops_everybody_is_told_once_and_something_else_beside_it() {
        let told = Told::default();
        assert!(told.is_news("database: connection refused"));
        assert!(!told.is_news("database: connection refused"), "by whichever actor");
        assert!(told.is_news("panicked"));
        let ago = Instant::now().checked_sub(TOLD_FOR).unwrap();
        told.0.lock().unwrap().insert("panicked".into(), ago);
        assert!(told.is_news("panicked"), "a minute later it is");
    }
}
