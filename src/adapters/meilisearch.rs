//! A Meilisearch server, by the part of its HTTP interface (v1) that Kinora needs. Never run against a real one: what
//! is here follows its published reference and its source (`docs/operations.md`, "Meilisearch").

use super::https::{Https, HttpsError};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request};
use serde_json::{Value, json};
use std::time::Duration;

/// How long an answer to somebody who searches may take.
pub const ASK_PATIENCE: Duration = Duration::from_secs(2);
/// How long an answer to the one who fills the index may take: it takes documents, and works on them afterwards.
const FILL_PATIENCE: Duration = Duration::from_secs(30);

/// Why there is no answer that can be used. Never holds a key or what somebody searched for.
#[derive(Debug, thiserror::Error)]
pub enum MeiliError {
    /// Nobody answers, or not in time.
    #[error("the search engine does not answer: {0}")]
    Away(#[from] HttpsError),
    /// It answered with an error; `code` is its own word for it.
    #[error("the search engine refuses: {code} (status {status})")]
    Refused {
        /// Status of the answer.
        status: u16,
        /// Such as `invalid_api_key`.
        code: String,
    },
    /// It took a piece of work and could not do it.
    #[error("the search engine could not do what it was told: {0}")]
    Failed(String),
    /// The answer has another form than it should.
    #[error("the search engine gives an answer that is none")]
    Odd,
}

impl MeiliError {
    /// The word by which it is counted.
    #[must_use]
    pub const fn outcome(&self) -> &'static str {
        match self {
            Self::Away(HttpsError::TimedOut) => "timed_out",
            Self::Away(HttpsError::Broken(_)) => "away",
            Self::Refused { .. } | Self::Failed(_) | Self::Odd => "refused",
        }
    }

    /// Whether what was asked about is not there.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == "index_not_found")
    }
}

/// How far the server is with a piece of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// It waits, or is at it.
    Waiting,
    /// It is done.
    Done,
    /// It could not be done: the server's word for why.
    Failed(String),
}

/// Speaks to a server with one key. Cheap to clone.
#[derive(Clone)]
pub struct Meilisearch {
    https: Https,
    base: String,
    key: String,
}

impl Meilisearch {
    /// The server at `address`, spoken to with `key`.
    #[must_use]
    pub fn new(https: Https, address: &str, key: &str) -> Self {
        Self { https, base: address.trim_end_matches('/').to_owned(), key: key.to_owned() }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        patience: Duration,
    ) -> Result<Value, MeiliError> {
        let bytes = body.map(|b| Bytes::from(b.to_string())).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json")
            .body(Full::new(bytes))
            .map_err(|_| MeiliError::Odd)?;
        let (status, answer) = self.https.send(request, patience).await?;
        let value: Option<Value> = serde_json::from_slice(&answer).ok();
        if !(200..300).contains(&status) {
            // Its sentence may repeat what was typed; its code is a word of its own.
            let code = value.as_ref().and_then(|v| v["code"].as_str()).unwrap_or("no_code");
            let code = code.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(60).collect();
            return Err(MeiliError::Refused { status, code });
        }
        value.ok_or(MeiliError::Odd)
    }

    /// Asks an index; the answer as it comes.
    ///
    /// # Errors
    /// If there is none in time.
    pub async fn search(&self, index: &str, question: &Value) -> Result<Value, MeiliError> {
        let path = format!("/indexes/{index}/search");
        self.send(Method::POST, &path, Some(question), ASK_PATIENCE).await
    }

    /// Whether there is an index of this name.
    ///
    /// # Errors
    /// If that cannot be told.
    pub async fn has_index(&self, index: &str) -> Result<bool, MeiliError> {
        match self.send(Method::GET, &format!("/indexes/{index}"), None, FILL_PATIENCE).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_missing() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// How many documents an index has.
    ///
    /// # Errors
    /// If that cannot be told.
    pub async fn number(&self, index: &str) -> Result<i64, MeiliError> {
        let stats = self.send(Method::GET, &format!("/indexes/{index}/stats"), None, FILL_PATIENCE).await?;
        stats["numberOfDocuments"].as_i64().ok_or(MeiliError::Odd)
    }

    /// Hands over a piece of work; its number.
    async fn task(&self, method: Method, path: &str, body: Option<&Value>) -> Result<u64, MeiliError> {
        let answer = self.send(method, path, body, FILL_PATIENCE).await?;
        answer["taskUid"].as_u64().ok_or(MeiliError::Odd)
    }

    /// Makes an index whose documents are told apart by `key`.
    ///
    /// # Errors
    /// If the server does not take that.
    pub async fn create_index(&self, index: &str) -> Result<u64, MeiliError> {
        self.task(Method::POST, "/indexes", Some(&json!({ "uid": index, "primaryKey": "key" }))).await
    }

    /// Removes an index.
    ///
    /// # Errors
    /// If the server does not take that.
    pub async fn delete_index(&self, index: &str) -> Result<u64, MeiliError> {
        self.task(Method::DELETE, &format!("/indexes/{index}"), None).await
    }

    /// Sets how an index finds.
    ///
    /// # Errors
    /// If the server does not take that.
    pub async fn set(&self, index: &str, settings: &Value) -> Result<u64, MeiliError> {
        self.task(Method::PATCH, &format!("/indexes/{index}/settings"), Some(settings)).await
    }

    /// Adds documents, or puts them in the place of those with their keys.
    ///
    /// # Errors
    /// If the server does not take them.
    pub async fn put(&self, index: &str, documents: &Value) -> Result<u64, MeiliError> {
        self.task(Method::POST, &format!("/indexes/{index}/documents"), Some(documents)).await
    }

    /// Removes all documents that pass `filter`.
    ///
    /// # Errors
    /// If the server does not take that.
    pub async fn delete(&self, index: &str, filter: &str) -> Result<u64, MeiliError> {
        let path = format!("/indexes/{index}/documents/delete");
        self.task(Method::POST, &path, Some(&json!({ "filter": filter }))).await
    }

    /// Exchanges two indexes in one step.
    ///
    /// # Errors
    /// If the server does not take that.
    pub async fn swap(&self, one: &str, other: &str) -> Result<u64, MeiliError> {
        self.task(Method::POST, "/swap-indexes", Some(&json!([{ "indexes": [one, other] }]))).await
    }

    /// How far it is with a piece of work.
    ///
    /// # Errors
    /// If that cannot be told.
    pub async fn look(&self, task: u64) -> Result<Task, MeiliError> {
        let answer = self.send(Method::GET, &format!("/tasks/{task}"), None, FILL_PATIENCE).await?;
        match answer["status"].as_str() {
            Some("enqueued" | "processing") => Ok(Task::Waiting),
            Some("succeeded") => Ok(Task::Done),
            Some("failed" | "canceled") => {
                let code = answer["error"]["code"].as_str().unwrap_or("canceled");
                Ok(Task::Failed(code.chars().take(60).collect()))
            }
            _ => Err(MeiliError::Odd),
        }
    }
}
