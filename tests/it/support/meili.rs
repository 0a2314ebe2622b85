//! A server with the part of Meilisearch's interface that Kinora speaks to: it checks keys, takes tasks, evaluates
//! filters, and is as strict as the published reference says. It can be slow, broken or empty.

use kinora::config::{Config, SearchEngine};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use warp::Filter as _;
use warp::http::{Response, StatusCode};

pub const SEARCH_KEY: &str = "only-for-questions";
pub const ADMIN_KEY: &str = "may-do-everything";

/// How it behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    #[default]
    Well,
    /// Answers questions, and takes nothing that changes an index.
    Stuck,
    /// Every answer is status 500.
    Broken,
    /// Takes longer than anybody waits.
    Slow,
    /// Answers what is no JSON.
    Odd,
}

#[derive(Default)]
struct Index {
    settings: Value,
    documents: BTreeMap<String, Value>,
}

#[derive(Default)]
struct State {
    mood: Mood,
    indexes: BTreeMap<String, Index>,
    /// The word for why a task failed, and whether somebody has looked at it.
    tasks: Vec<(Option<&'static str>, bool)>,
    /// Methods and paths that changed something.
    changes: Vec<String>,
    refused: usize,
    asked: Vec<Value>,
}

/// The server; clones are the same one.
#[derive(Clone)]
pub struct Meili {
    pub url: String,
    state: Arc<Mutex<State>>,
}

type Answer = (u16, Value);

fn error(status: u16, code: &str) -> Answer {
    (status, json!({ "message": "…", "code": code, "type": "…", "link": "…" }))
}

impl Meili {
    pub async fn start() -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = Arc::clone(&state);
        let answer = move |method: warp::http::Method,
                           path: warp::path::FullPath,
                           key: Option<String>,
                           body: bytes::Bytes| {
            let shared = Arc::clone(&shared);
            async move {
                let mood = shared.lock().expect("state").mood;
                if mood == Mood::Slow {
                    tokio::time::sleep(Duration::from_secs(20)).await;
                }
                let (status, value) = match mood {
                    Mood::Broken => error(500, "internal"),
                    mood => shared.lock().expect("state").answer(
                        mood,
                        method.as_str(),
                        path.as_str(),
                        key.as_deref(),
                        &body,
                    ),
                };
                let text = if mood == Mood::Odd { "<html>".into() } else { value.to_string() };
                let answer =
                    Response::builder().status(StatusCode::from_u16(status).expect("status")).body(text);
                Ok::<_, std::convert::Infallible>(answer.expect("answer"))
            }
        };
        let filter = warp::method()
            .and(warp::path::full())
            .and(warp::header::optional::<String>("authorization"))
            .and(warp::body::bytes())
            .and_then(answer);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("listen");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        tokio::spawn(warp::serve(filter).incoming(listener).run());
        Self { url, state }
    }

    /// Settings by which a studio asks it.
    pub fn settings(&self, config: &mut Config) {
        config.search.engine = SearchEngine::Meilisearch;
        config.search.address = self.url.clone();
        config.search.search_key = SEARCH_KEY.into();
        config.search.admin_key = ADMIN_KEY.into();
    }

    pub fn mood(&self, mood: Mood) {
        self.state.lock().expect("state").mood = mood;
    }

    /// Loses everything, as a disk may.
    pub fn forget(&self) {
        self.state.lock().expect("state").indexes.clear();
    }

    /// Loses one document.
    pub fn lose(&self, index: &str, key: &str) {
        let mut state = self.state.lock().expect("state");
        state.indexes.get_mut(index).and_then(|i| i.documents.remove(key)).expect("it was there");
    }

    pub fn indexes(&self) -> Vec<String> {
        self.state.lock().expect("state").indexes.keys().cloned().collect()
    }

    pub fn documents(&self, index: &str) -> Vec<Value> {
        let state = self.state.lock().expect("state");
        state.indexes.get(index).map(|i| i.documents.values().cloned().collect()).unwrap_or_default()
    }

    /// Requests that changed something since the last look.
    pub fn changes(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().expect("state").changes)
    }

    /// Requests with no key or the wrong one.
    pub fn refused(&self) -> usize {
        self.state.lock().expect("state").refused
    }

    /// The questions since the last look.
    pub fn asked(&self) -> Vec<Value> {
        std::mem::take(&mut self.state.lock().expect("state").asked)
    }
}

impl State {
    fn answer(&mut self, mood: Mood, method: &str, path: &str, key: Option<&str>, body: &[u8]) -> Answer {
        let is_search = method == "POST" && path.ends_with("/search");
        match key.and_then(|k| k.strip_prefix("Bearer ")) {
            Some(ADMIN_KEY) => {}
            Some(SEARCH_KEY) if is_search => {}
            given => {
                self.refused += 1;
                return match given {
                    None => error(401, "missing_authorization_header"),
                    Some(_) => error(403, "invalid_api_key"),
                };
            }
        }
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        if method != "GET" && !is_search {
            if mood == Mood::Stuck {
                return error(500, "no_space_left_on_device");
            }
            self.changes.push(format!("{method} {path}"));
        }
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        match (method, parts.as_slice()) {
            ("GET", ["tasks", number]) => {
                let Some(task) = number.parse::<usize>().ok().and_then(|n| self.tasks.get_mut(n)) else {
                    return error(404, "task_not_found");
                };
                let status = match task {
                    (_, false) => "processing",
                    (None, true) => "succeeded",
                    (Some(_), true) => "failed",
                };
                task.1 = true;
                (200, json!({ "status": status, "error": task.0.map(|code| json!({ "code": code })) }))
            }
            ("GET", ["indexes", index]) => match self.indexes.contains_key(*index) {
                true => (200, json!({ "uid": index, "primaryKey": "key" })),
                false => error(404, "index_not_found"),
            },
            ("GET", ["indexes", index, "stats"]) => match self.indexes.get(*index) {
                Some(found) => {
                    (200, json!({ "numberOfDocuments": found.documents.len(), "isIndexing": false }))
                }
                None => error(404, "index_not_found"),
            },
            ("POST", ["indexes"]) => {
                let uid = body["uid"].as_str().unwrap_or_default().to_owned();
                assert_eq!(body["primaryKey"], "key");
                let is_new = !self.indexes.contains_key(&uid);
                self.indexes.entry(uid).or_default();
                self.task((!is_new).then_some("index_already_exists"))
            }
            ("DELETE", ["indexes", index]) => {
                let gone = self.indexes.remove(*index).is_some();
                self.task((!gone).then_some("index_not_found"))
            }
            ("PATCH", ["indexes", index, "settings"]) => {
                self.indexes.entry((*index).to_owned()).or_default().settings = body;
                self.task(None)
            }
            ("POST", ["indexes", index, "documents"]) => {
                let documents = &mut self.indexes.entry((*index).to_owned()).or_default().documents;
                for document in body.as_array().expect("documents") {
                    let key = document["key"].as_str().expect("a key").to_owned();
                    let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
                    assert!(key.chars().all(plain), "{key}");
                    documents.insert(key, document.clone());
                }
                self.task(None)
            }
            ("POST", ["indexes", index, "documents", "delete"]) => {
                let filter = body["filter"].as_str().expect("a filter").to_owned();
                let Some(found) = self.indexes.get_mut(*index) else {
                    return self.task(Some("index_not_found"));
                };
                let known = names(&found.settings["filterableAttributes"]);
                if !only_known(&filter, &known) {
                    return self.task(Some("invalid_document_filter"));
                }
                found.documents.retain(|_, document| !holds(&filter, document));
                self.task(None)
            }
            ("POST", ["swap-indexes"]) => {
                let pair = names(&body[0]["indexes"]);
                let both: Vec<&String> = pair.iter().collect();
                let (Some(one), Some(other)) = (self.indexes.remove(both[0]), self.indexes.remove(both[1]))
                else {
                    return self.task(Some("index_not_found"));
                };
                self.indexes.insert(both[0].clone(), other);
                self.indexes.insert(both[1].clone(), one);
                self.task(None)
            }
            ("POST", ["indexes", index, "search"]) => {
                self.asked.push(body.clone());
                match self.indexes.get(*index) {
                    Some(found) => found.search(&body),
                    None => error(404, "index_not_found"),
                }
            }
            _ => panic!("{method} {path} is not of this interface"),
        }
    }

    fn task(&mut self, failed: Option<&'static str>) -> Answer {
        self.tasks.push((failed, false));
        (202, json!({ "taskUid": self.tasks.len() - 1, "status": "enqueued" }))
    }
}

fn names(list: &Value) -> BTreeSet<String> {
    list.as_array().into_iter().flatten().filter_map(|v| v.as_str()).map(str::to_owned).collect()
}

impl Index {
    fn search(&self, asked: &Value) -> Answer {
        let filters = names(&asked["filter"]);
        let known = names(&self.settings["filterableAttributes"]);
        if !filters.iter().all(|f| only_known(f, &known)) {
            return error(400, "invalid_search_filter");
        }
        let searched = names(&asked["attributesToSearchOn"]);
        if !searched.is_subset(&names(&self.settings["searchableAttributes"])) {
            return error(400, "invalid_search_attributes_to_search_on");
        }
        let sort = asked["sort"][0].as_str();
        if !sort.is_none_or(|s| {
            names(&self.settings["sortableAttributes"])
                .contains(&s[..s.len() - 5 + usize::from(s.ends_with(":asc"))])
        }) {
            return error(400, "invalid_search_sort");
        }
        let words: Vec<String> =
            asked["q"].as_str().unwrap_or_default().split_whitespace().map(str::to_lowercase).collect();
        let text = |document: &Value, name: &str| document[name].as_str().unwrap_or_default().to_owned();
        let mut found: Vec<&Value> = self
            .documents
            .values()
            .filter(|d| filters.iter().all(|f| holds(f, d)))
            .filter(|d| {
                words
                    .iter()
                    .all(|word| searched.iter().any(|name| tokens(&text(d, name)).any(|t| matches(&t, word))))
            })
            .collect();
        let in_title =
            |d: &Value| words.iter().filter(|w| tokens(&text(d, "title")).any(|t| matches(&t, w))).count();
        found.sort_by_key(|d| {
            let at = d["at"].as_i64().unwrap_or(0);
            match sort {
                Some("at:asc") => (0, at),
                Some(_) => (0, -at),
                None => (-(in_title(d) as i64), -at),
            }
        });
        let (skip, most) = (asked["offset"].as_u64().unwrap_or(0), asked["limit"].as_u64().unwrap_or(20));
        let (pre, post) =
            (asked["highlightPreTag"].as_str().unwrap(), asked["highlightPostTag"].as_str().unwrap());
        let displayed = names(&self.settings["displayedAttributes"]);
        let page = found.iter().skip(skip as usize).take(most as usize).map(|document| {
            let mut hit = Map::new();
            for name in names(&asked["attributesToRetrieve"]).intersection(&displayed) {
                hit.insert(name.clone(), document[name].clone());
            }
            let mut formatted = Map::new();
            let cropped = names(&asked["attributesToCrop"]);
            for name in names(&asked["attributesToHighlight"]).intersection(&displayed) {
                let length = if cropped.contains(name) {
                    asked["cropLength"].as_u64().unwrap_or(10)
                } else {
                    u64::MAX
                };
                let marked = mark(&text(document, name), &words, (pre, post), length as usize);
                formatted.insert(name.clone(), marked.into());
            }
            hit.insert("_formatted".into(), formatted.into());
            Value::Object(hit)
        });
        (
            200,
            json!({ "hits": page.collect::<Vec<_>>(), "estimatedTotalHits": found.len(), "processingTimeMs": 1 }),
        )
    }
}

fn tokens(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|t| !t.is_empty()).map(str::to_lowercase)
}

/// The beginning of a word, or a word with one typing error.
fn matches(token: &str, word: &str) -> bool {
    token.starts_with(word) || (word.chars().count() >= 4 && strsim::damerau_levenshtein(token, word) <= 1)
}

fn mark(text: &str, words: &[String], (pre, post): (&str, &str), length: usize) -> String {
    let all: Vec<&str> = text.split(' ').collect();
    let hit = |piece: &&str| tokens(piece).any(|t| words.iter().any(|w| matches(&t, w)));
    let begin = all.iter().position(&hit).unwrap_or(0).saturating_sub(length.min(1000) / 2);
    let end = begin.saturating_add(length).min(all.len());
    let begin = if length > all.len() { 0 } else { begin };
    let marked = all[begin..end].iter().map(|piece| match hit(piece) {
        true => {
            let core = piece.trim_matches(|c: char| !c.is_alphanumeric());
            piece.replacen(core, &format!("{pre}{core}{post}"), 1)
        }
        false => (*piece).to_owned(),
    });
    let middle = marked.collect::<Vec<_>>().join(" ");
    let more = |is: bool| if is { "…" } else { "" };
    format!("{}{middle}{}", more(begin > 0), more(end < all.len()))
}

/// Whether a filter names only attributes that may be filtered by.
fn only_known(filter: &str, known: &BTreeSet<String>) -> bool {
    conditions(filter)
        .iter()
        .flatten()
        .all(|c| c.split_once(' ').is_some_and(|(name, _)| known.contains(name)))
}

/// `a AND b`, or in brackets `(a OR b)`: all of the first, and of each any of the second.
fn conditions(filter: &str) -> Vec<Vec<String>> {
    filter
        .split(" AND ")
        .map(|part| {
            let part = part.trim();
            let inner = part.strip_prefix('(').and_then(|p| p.strip_suffix(')')).unwrap_or(part);
            inner.split(" OR ").map(str::to_owned).collect()
        })
        .collect()
}

fn holds(filter: &str, document: &Value) -> bool {
    conditions(filter).iter().all(|any| any.iter().any(|condition| is(condition, document)))
}

fn is(condition: &str, document: &Value) -> bool {
    let (name, rest) = condition.split_once(' ').expect("a name");
    let has = |value: &str| {
        let value = value.trim().trim_matches('"');
        match &document[name] {
            Value::Array(all) => all.iter().any(|v| v == value),
            Value::Bool(yes) => value == yes.to_string(),
            other => other == value,
        }
    };
    let list = |rest: &str| rest.trim_matches(['[', ']']).split(',').any(has);
    match rest {
        rest if rest.starts_with("= ") => has(&rest[2..]),
        rest if rest.starts_with("IN ") => list(&rest[3..]),
        rest if rest.starts_with("NOT IN ") => !list(&rest[7..]),
        rest => panic!("{rest} is no condition"),
    }
}
