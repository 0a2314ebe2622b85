//! `Idempotency-Key`, as a header or as the hidden field of a form, for every request that changes something:
//! see [`crate::actors::idempotency`].

use super::error::HttpError;
use super::request::Req;
use super::response::{self, Res, set};
use super::route::{Body, Route};
use crate::actors::Services;
use crate::actors::idempotency::{self, Answer, Begin, Key, LONGEST_KEY, MOST_BYTES};
use crate::domain::shared::derive_id;
use http_body_util::BodyExt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use warp::http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, LOCATION, SET_COOKIE, TRANSFER_ENCODING,
};
use warp::http::{HeaderName, HeaderValue, Method, StatusCode};

/// How long the second click waits for what the first one began.
const PATIENCE: Duration = Duration::from_secs(10);
/// Headers of a piece of an upload that stand for its bytes, which are read only once.
const OF_A_PIECE: [&str; 6] = [
    "content-length",
    "upload-offset",
    "upload-length",
    "upload-metadata",
    "upload-checksum",
    "x-http-method-override",
];

/// By what a request is known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum By {
    /// The header, which a program sends: every answer counts.
    Header,
    /// The hidden field: a form that was refused has done nothing, and may be put right and sent again.
    Form,
}

/// Runs the handler of a request; with a key at most once.
pub(super) async fn run(route: Route, mut req: Req) -> Result<Res, HttpError> {
    let reads = matches!(req.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let kind = req.header("content-type");
    if reads || route.body == Body::Stream && kind.starts_with("multipart/") {
        // Whether it is the same file is known only when it has been read: the handler sees to it.
        return (route.handler)(req).await;
    }
    if route.body == Body::Small && kind.starts_with("application/x-www-form-urlencoded") {
        req.form().await?;
    }
    // A script that asks for JSON on behalf of a form (a passkey's challenge, where a player is) has the form's
    // key, which is meant for the form itself.
    let form = req.form.as_ref().filter(|_| !req.wants_json());
    let field = form.map_or("", |form| form.get("idempotency_key")).to_owned();
    let Some((by, key)) = key(&req, &field, route.scope.map(|s| s.code()))? else {
        return (route.handler)(req).await;
    };
    let app = Arc::clone(&req.app);
    let content = content(&route, &mut req).await?;
    if let Some(res) = enter(&req, by, &key, &content).await? {
        return Ok(res);
    }
    let (studio, json) = (app.config.studio.name.clone(), req.wants_json());
    let request_id = req.request_id.clone();
    let outcome = match (route.handler)(req).await {
        Err(error) if by == By::Header && lasts(&error) => {
            Ok(response::error(&studio, &error, json, &request_id))
        }
        outcome => outcome,
    };
    keep(&app, &key, by, outcome).await
}

/// The key of a request, in its header or in the `field` of its form, if it has one.
pub(in crate::http) fn key(
    req: &Req,
    field: &str,
    scope: Option<&'static str>,
) -> Result<Option<(By, Key)>, HttpError> {
    let unread = req
        .headers
        .get("idempotency-key")
        .is_some_and(|v| v.to_str().is_ok_and(str::is_empty) || v.to_str().is_err());
    if unread {
        return Err(HttpError::BadRequest("An Idempotency-Key is made of visible ASCII characters.".into()));
    }
    let (by, given) = match req.header("idempotency-key").trim_matches('"') {
        "" if field.is_empty() => return Ok(None),
        // As the id of the command that follows from it: the same key at another address is another act.
        "" => (By::Form, derive_id(&format!("form {}", req.path), field).to_string()),
        header => (By::Header, header.to_owned()),
    };
    if given.chars().count() > LONGEST_KEY {
        return Err(HttpError::BadRequest(format!(
            "An Idempotency-Key has at most {LONGEST_KEY} characters."
        )));
    }
    Ok(Some((by, Key { who: who(req)?, account: req.viewer.id(), key: given, scope })))
}

/// Enters a request with its content; gives the answer if it was done before, after waiting for one that is at
/// work right now.
pub(in crate::http) async fn enter(
    req: &Req,
    by: By,
    key: &Key,
    content: &[u8],
) -> Result<Option<Res>, HttpError> {
    let request = format!("{} {}", req.method, req.path);
    let digest = idempotency::digest(&req.app, &[request.as_bytes(), b"\n", content].concat())?;
    let began = Instant::now();
    loop {
        match idempotency::begin(&req.app, key, &request, &digest).await? {
            Begin::New => return Ok(None),
            Begin::Again(answer) => return Ok(Some(again(answer))),
            Begin::Other => return Err(other(by)),
            Begin::Running if began.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Begin::Running => {
                return Err(HttpError::Unavailable {
                    why: "The same request is at work right now. Ask again in a moment.".into(),
                    retry_after: Duration::from_secs(1),
                });
            }
        }
    }
}

/// What makes two requests the same, beside method and path.
async fn content(route: &Route, req: &mut Req) -> Result<Vec<u8>, HttpError> {
    let mut content = vec![];
    if route.body == Body::Stream {
        for name in OF_A_PIECE {
            content.extend_from_slice(format!("{name}: {}\n", req.header(name)).as_bytes());
        }
    } else {
        content.extend_from_slice(&without_tokens(&req.bytes().await?));
    }
    Ok(content)
}

fn other(by: By) -> HttpError {
    HttpError::Unprocessable(match by {
        By::Header => {
            "This Idempotency-Key was used for another request. Send a new key with a new request.".into()
        }
        By::Form => {
            "This form was sent before, with other content. Go back, reload the page and send it again."
                .into()
        }
    })
}

/// Whose keys these are.
pub(in crate::http) fn who(req: &Req) -> Result<String, HttpError> {
    Ok(match req.viewer.id() {
        Some(account) => account.to_string(),
        None => req.app.reader.lookup_hash("idempotency", &req.remote.to_string())?,
    })
}

/// Whether a refusal stands: what hangs on the moment, or on who asks, may end otherwise the next time.
fn lasts(error: &HttpError) -> bool {
    matches!(
        error,
        HttpError::BadRequest(_)
            | HttpError::Forbidden(_)
            | HttpError::NotFound
            | HttpError::Conflict(_)
            | HttpError::Gone(_)
            | HttpError::UnsupportedType(_)
            | HttpError::Unprocessable(_)
            | HttpError::Fields(_)
            | HttpError::Precondition(_)
    )
}

/// A form's token changes with the session and is not part of what was asked.
pub(super) fn without_tokens(body: &[u8]) -> Vec<u8> {
    let parts = body.split(|b| *b == b'&').filter(|part| !part.starts_with(b"_csrf="));
    parts.collect::<Vec<_>>().join(&b'&')
}

fn again(answer: Answer) -> Res {
    let mut res = Res::new(answer.body.into());
    *res.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            res.headers_mut().append(name, value);
        }
    }
    for (name, value) in [(LOCATION, answer.location), (CONTENT_TYPE, answer.content_type)] {
        if let Some(value) = value {
            set(&mut res, name, &value);
        }
    }
    set(&mut res, HeaderName::from_static("idempotency-replayed"), "true");
    res
}

/// Keeps an answer that will not change. What was refused for the moment, or is a secret, is not kept.
pub(in crate::http) async fn keep(
    app: &Services,
    key: &Key,
    by: By,
    outcome: Result<Res, HttpError>,
) -> Result<Res, HttpError> {
    let res = match outcome {
        Ok(res) => res,
        Err(error) => {
            idempotency::forget(app, key).await?;
            return Err(error);
        }
    };
    let status = res.status();
    let passing = match status {
        StatusCode::LOCKED | StatusCode::TOO_MANY_REQUESTS | StatusCode::UNAUTHORIZED => true,
        _ if by == By::Form => status.is_client_error() || res.headers().contains_key(SET_COOKIE),
        _ => false,
    };
    if passing || status.is_server_error() {
        idempotency::forget(app, key).await?;
        return Ok(res);
    }
    // Pages may show what was typed, and nobody's key could seal that of a visitor.
    let is_page = res.headers().get(CONTENT_TYPE).is_some_and(|v| v.as_bytes().starts_with(b"text/html"));
    if is_page && key.account.is_none() || res.headers().contains_key(SET_COOKIE) {
        idempotency::finish(app, key, None).await?;
        return Ok(res);
    }
    let (parts, body) = res.into_parts();
    let bytes = body.collect().await.map_err(|e| HttpError::Internal(e.to_string()))?.to_bytes();
    let text = |name| parts.headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let apart = [LOCATION, CONTENT_TYPE, CONTENT_LENGTH, CONNECTION, DATE, TRANSFER_ENCODING];
    let answer = Answer {
        status: status.as_u16(),
        location: text(LOCATION),
        content_type: text(CONTENT_TYPE),
        headers: parts
            .headers
            .iter()
            .filter(|(name, _)| !apart.contains(name))
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
            .collect(),
        body: bytes.to_vec(),
    };
    idempotency::finish(app, key, (bytes.len() <= MOST_BYTES).then_some(&answer)).await?;
    Ok(Res::from_parts(parts, bytes.into()))
}

#[cfg(test)]
mod tests {
    use super::without_tokens;

    #[test]
    fn the_token_of_a_form_is_not_its_content() {
        assert_eq!(without_tokens(b"a=1&_csrf=xyz&b=2"), b"a=1&b=2");
        assert_eq!(without_tokens(b"{\"a\":\"x&y\"}"), b"{\"a\":\"x&y\"}");
    }
}
