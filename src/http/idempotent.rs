//! `Idempotency-Key` for every request that changes something: see [`crate::actors::idempotency`].

use super::error::HttpError;
use super::request::Req;
use super::response::{Res, set};
use super::route::{Body, Route};
use crate::actors::Services;
use crate::actors::idempotency::{self, Answer, Begin, Key, LONGEST_KEY, MOST_BYTES};
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use warp::http::header::{CONTENT_TYPE, LOCATION, SET_COOKIE};
use warp::http::{HeaderName, Method, StatusCode};

/// Runs the handler of a request; with a key at most once.
pub(super) async fn run(route: Route, mut req: Req) -> Result<Res, HttpError> {
    let given = req.header("idempotency-key").trim_matches('"').to_owned();
    let reads = matches!(req.method, Method::GET | Method::HEAD | Method::OPTIONS);
    // An upload's bytes are not read twice: there the offset, and the id of the command, do the same.
    if given.is_empty() || reads || route.body == Body::Stream {
        return (route.handler)(req).await;
    }
    if given.chars().count() > LONGEST_KEY {
        return Err(HttpError::BadRequest(format!(
            "An Idempotency-Key has at most {LONGEST_KEY} characters."
        )));
    }
    let app = Arc::clone(&req.app);
    let key = Key { who: who(&req)?, account: req.viewer.id(), key: given };
    let request = format!("{} {}", req.method, req.path);
    let mut digest = Sha256::new();
    digest.update(request.as_bytes());
    digest.update(b"\n");
    digest.update(without_tokens(&req.bytes().await?));
    match idempotency::begin(&app, &key, &request, &digest.finalize()).await? {
        Begin::New => {}
        Begin::Again(answer) => return Ok(again(answer)),
        Begin::Other => {
            return Err(HttpError::Unprocessable(
                "This Idempotency-Key was used for another request. Send a new key with a new request."
                    .into(),
            ));
        }
        Begin::Running => {
            return Err(HttpError::Unavailable {
                why: "The same request is at work right now. Ask again in a moment.".into(),
                retry_after: Duration::from_secs(1),
            });
        }
    }
    let outcome = (route.handler)(req).await;
    keep(&app, &key, outcome).await
}

/// Whose keys these are.
pub(super) fn who(req: &Req) -> Result<String, HttpError> {
    Ok(match req.viewer.id() {
        Some(account) => account.to_string(),
        None => req.app.reader.lookup_hash("idempotency", &req.remote.to_string())?,
    })
}

/// A form's token changes with the session and is not part of what was asked.
fn without_tokens(body: &[u8]) -> Vec<u8> {
    let parts = body.split(|b| *b == b'&').filter(|part| !part.starts_with(b"_csrf="));
    parts.collect::<Vec<_>>().join(&b'&')
}

fn again(answer: Answer) -> Res {
    let mut res = Res::new(answer.body.into());
    *res.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    for (name, value) in [(LOCATION, answer.location), (CONTENT_TYPE, answer.content_type)] {
        if let Some(value) = value {
            set(&mut res, name, &value);
        }
    }
    set(&mut res, HeaderName::from_static("idempotency-replayed"), "true");
    res
}

/// Keeps an answer that will not change. What was refused for the moment, or is a secret, is not kept.
async fn keep(app: &Services, key: &Key, outcome: Result<Res, HttpError>) -> Result<Res, HttpError> {
    let res = match outcome {
        Ok(res) => res,
        Err(error) => {
            idempotency::forget(app, key).await?;
            return Err(error);
        }
    };
    // Pages may show what was typed: personal values stand nowhere but in the vault.
    let is_page = res.headers().get(CONTENT_TYPE).is_some_and(|v| v.as_bytes().starts_with(b"text/html"));
    let passing = is_page || res.status().is_server_error() || res.headers().contains_key(SET_COOKIE);
    if passing {
        idempotency::forget(app, key).await?;
        return Ok(res);
    }
    let (parts, body) = res.into_parts();
    let bytes = body.collect().await.map_err(|e| HttpError::Internal(e.to_string()))?.to_bytes();
    let text = |name| parts.headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    if bytes.len() > MOST_BYTES {
        idempotency::forget(app, key).await?;
    } else {
        let answer = Answer {
            status: parts.status.as_u16(),
            location: text(LOCATION),
            content_type: text(CONTENT_TYPE),
            body: bytes.to_vec(),
        };
        idempotency::finish(app, key, &answer).await?;
    }
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
