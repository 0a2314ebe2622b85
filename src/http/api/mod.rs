//! `/api/v1`: the same things as the pages, as JSON for programs. The table of endpoints is also what
//! the description at `/api/v1/openapi.json` is made from.

mod account;
mod billing;
mod captions;
mod catalogue;
mod commands;
mod events;
mod fetches;
mod files;
mod media;
mod openapi;
mod schemas;
mod uploads;

use super::error::HttpError;
use super::request::Req;
use super::response::{self, Res, set};
use super::route::{Access, Route};
use crate::actors::accounts::access_tokens::Scope;
use crate::domain::shared::Decider;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use warp::http::header::{CACHE_CONTROL, ETAG};
use warp::http::{Method, StatusCode};

/// Entries of one page of a list: the most, and without a wish.
const MOST: i64 = 100;
const USUAL: i64 = 50;

/// One endpoint and what its description says.
struct Endpoint {
    route: Route,
    summary: &'static str,
    /// Name of the schema of the answer; empty for none.
    answer: &'static str,
    /// Whether the answer is a page of such things.
    list: bool,
    /// Name of the schema of the body; empty for none.
    takes: &'static str,
    /// Whether the body may be left out.
    optional: bool,
    /// Values of the query: name and meaning.
    query: &'static [(&'static str, &'static str)],
    /// Content type of what is sent, if that is no JSON.
    sends: &'static str,
    /// Status when all went well.
    status: u16,
}

impl Endpoint {
    fn of(route: Route, summary: &'static str, answer: &'static str) -> Self {
        Self {
            route,
            summary,
            answer,
            list: false,
            takes: "",
            optional: false,
            query: &[],
            sends: "",
            status: 200,
        }
    }

    fn get<F, R>(
        path: &'static str,
        scope: Scope,
        summary: &'static str,
        answer: &'static str,
        handler: F,
    ) -> Self
    where
        F: Fn(Req) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Res, HttpError>> + Send + 'static,
    {
        Self::of(Route::get(path, Access::Anyone, handler).scope(scope), summary, answer)
    }

    fn act<F, R>(
        method: Method,
        path: &'static str,
        scope: Scope,
        summary: &'static str,
        answer: &'static str,
        handler: F,
    ) -> Self
    where
        F: Fn(Req) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Res, HttpError>> + Send + 'static,
    {
        Self::of(Route::new(method, path, Access::SignedIn, handler).scope(scope), summary, answer)
    }

    fn list(mut self, query: &'static [(&'static str, &'static str)]) -> Self {
        self.list = true;
        self.query = query;
        self
    }

    /// It sends a file of this type.
    fn file(mut self, sends: &'static str, query: &'static [(&'static str, &'static str)]) -> Self {
        self.sends = sends;
        self.query = query;
        self
    }

    fn takes(mut self, schema: &'static str) -> Self {
        self.takes = schema;
        self
    }

    /// As [`Endpoint::takes`], of a body that may be left out.
    fn may_take(mut self, schema: &'static str) -> Self {
        self.optional = true;
        self.takes(schema)
    }

    fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// A token is let in with any scope; the handler looks at what it may see.
    fn any_token(mut self) -> Self {
        self.route.any_token = true;
        self
    }

    fn access(mut self, access: Access) -> Self {
        self.route.access = access;
        self
    }
}

fn endpoints() -> Vec<Endpoint> {
    [
        media::endpoints(),
        captions::endpoints(),
        uploads::endpoints(),
        fetches::endpoints(),
        catalogue::endpoints(),
        account::endpoints(),
        billing::endpoints(),
        files::endpoints(),
        events::endpoints(),
        commands::endpoints(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The addresses of the API.
#[must_use]
pub fn routes() -> Vec<Route> {
    let described = Route::get("/api/v1/openapi.json", Access::Anyone, openapi::describe).bare();
    endpoints().into_iter().map(|e| e.route).chain([described]).collect()
}

/// How many entries a page should have.
fn limit(req: &Req) -> Result<i64, HttpError> {
    match req.query("limit") {
        "" => Ok(USUAL),
        text => text.parse().ok().filter(|n| (1..=MOST).contains(n)).ok_or_else(|| {
            HttpError::Fields(vec![("limit".into(), format!("A page has from 1 to {MOST} entries."))])
        }),
    }
}

/// Where a list goes on; what it means is the list's own affair.
fn cursor(req: &Req) -> Result<Option<String>, HttpError> {
    let text = req.query("cursor");
    if text.is_empty() {
        return Ok(None);
    }
    let plain = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    plain.map(Some).ok_or_else(bad_cursor)
}

fn bad_cursor() -> HttpError {
    HttpError::Fields(vec![("cursor".into(), "Take it from the page before, as it stands there.".into())])
}

/// A page of a list; `next` tells where it goes on, if it does.
fn page(req: &Req, items: Vec<Value>, next: Option<String>) -> Result<Res, HttpError> {
    let next = next.map(|plain| URL_SAFE_NO_PAD.encode(plain));
    one(req, &json!({ "items": items, "next": next }))
}

/// A thing, with an `ETag` over it; 304 if the program has it already.
fn one(req: &Req, value: &Value) -> Result<Res, HttpError> {
    let tag = etag(value);
    if req.header("if-none-match").split(',').any(|t| t.trim().trim_start_matches("W/") == tag) {
        let mut res = Res::default();
        *res.status_mut() = StatusCode::NOT_MODIFIED;
        set(&mut res, ETAG, &tag);
        return Ok(res);
    }
    let mut res = response::json(StatusCode::OK, value)?;
    set(&mut res, ETAG, &tag);
    set(&mut res, CACHE_CONTROL, "private, no-cache");
    Ok(res)
}

fn etag(value: &Value) -> String {
    format!("\"{}\"", hex::encode(&Sha256::digest(value.to_string())[..12]))
}

/// The version of an aggregate that its lists show by now, for a request with `If-Match`: what is read after this is held
/// against the header, and whoever changes it in between makes the command stale. None without the header.
async fn seen<A: Decider>(req: &Req, id: uuid::Uuid) -> Result<Option<i64>, HttpError> {
    if matches!(req.header("if-match"), "" | "*") {
        return Ok(None);
    }
    let (version, position) = req.app.end_of::<A>(id).await.map_err(|_| HttpError::busy())?;
    if !req.app.reader.wait_for(position, std::time::Duration::from_secs(2)).await? {
        return Err(HttpError::busy());
    }
    Ok(Some(version))
}

/// Refuses a change of something that is no longer as the program saw it.
fn check_match(req: &Req, current: &Value) -> Result<(), HttpError> {
    let wanted = req.header("if-match");
    if wanted.is_empty() || wanted == "*" || wanted.split(',').any(|t| t.trim() == etag(current)) {
        return Ok(());
    }
    Err(HttpError::Precondition("It has changed since you read it. Read it again, then decide.".into()))
}

/// A JSON body of a request.
async fn body(req: &mut Req) -> Result<Value, HttpError> {
    let value: Value = req.json().await?;
    if value.is_object() { Ok(value) } else { Err(HttpError::Unprocessable("Send a JSON object.".into())) }
}

/// A JSON body that may be left out.
async fn body_if_any(req: &mut Req) -> Result<Value, HttpError> {
    if req.bytes().await?.is_empty() { Ok(json!({})) } else { body(req).await }
}

/// Refuses what was sent along with an act that takes nothing: whoever sends a wish must not think that it was heard.
async fn takes_nothing(req: &mut Req) -> Result<(), HttpError> {
    only(&body_if_any(req).await?, &[])
}

/// Fields that a body may have; another one is a mistake worth telling.
fn only(value: &Value, known: &[&str]) -> Result<(), HttpError> {
    let words = match known {
        [] => "Unknown; this takes no fields.".to_owned(),
        known => format!("Unknown; known are {}.", known.join(", ")),
    };
    let unknown: Vec<(String, String)> = value
        .as_object()
        .into_iter()
        .flat_map(|o| o.keys())
        .filter(|key| !known.contains(&key.as_str()))
        .map(|key| (key.clone(), words.clone()))
        .collect();
    if unknown.is_empty() { Ok(()) } else { Err(HttpError::Fields(unknown)) }
}

/// A text of a body; `None` if it is not there.
fn text<'a>(value: &'a Value, name: &str) -> Result<Option<&'a str>, HttpError> {
    match &value[name] {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        _ => Err(HttpError::Fields(vec![(name.into(), "This is a text.".into())])),
    }
}
