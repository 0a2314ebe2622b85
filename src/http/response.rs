//! Answers.

use super::error::HttpError;
use super::page;
use super::request::Req;
use crate::actors::bus::Receipt;
use crate::domain::shared::text::printable;
use maud::Markup;
use serde::Serialize;
use warp::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use warp::http::{HeaderName, HeaderValue, StatusCode};
use warp::reply::{Reply, Response};

/// An answer.
pub type Res = Response;

/// An HTML document with a status.
#[must_use]
pub fn html(status: StatusCode, document: Markup) -> Res {
    let mut res = Response::new(document.into_string().into());
    *res.status_mut() = status;
    set(&mut res, CONTENT_TYPE, "text/html; charset=utf-8");
    res
}

/// Text of any type.
#[must_use]
pub fn text(content_type: &str, body: impl Into<String>) -> Res {
    let mut res = Response::new(body.into().into());
    set(&mut res, CONTENT_TYPE, content_type);
    res
}

/// XML of any type. What it may not hold (XML 1.0, production `Char`) is left out: one such character in a title would
/// make the whole of a feed unreadable.
#[must_use]
pub fn xml(content_type: &str, body: Markup) -> Res {
    text(content_type, printable(&body.into_string()))
}

/// A file of any type.
#[must_use]
pub fn bytes(content_type: &str, body: Vec<u8>) -> Res {
    let mut res = Response::new(body.into());
    set(&mut res, CONTENT_TYPE, content_type);
    res
}

/// JSON.
///
/// # Errors
/// If the value cannot be written as JSON.
pub fn json<T: Serialize>(status: StatusCode, value: &T) -> Result<Res, HttpError> {
    let body = serde_json::to_string(value).map_err(|e| HttpError::Internal(e.to_string()))?;
    let mut res = text("application/json", body);
    *res.status_mut() = status;
    Ok(res)
}

/// The same thing has another address for good.
#[must_use]
pub fn without_slash(path: &str, query: &str) -> Res {
    let mark = if query.is_empty() { "" } else { "?" };
    let mut res = see_other(&format!("{path}{mark}{query}"));
    *res.status_mut() = StatusCode::PERMANENT_REDIRECT;
    res
}

/// 303 to a path of this site.
#[must_use]
pub fn see_other(path: &str) -> Res {
    let mut res = StatusCode::SEE_OTHER.into_response();
    set(&mut res, LOCATION, if is_own_path(path) { path } else { "/" });
    set(&mut res, CACHE_CONTROL, "no-store");
    res
}

/// 303 to a service elsewhere that the settings name.
#[must_use]
pub fn elsewhere(address: &url::Url) -> Res {
    let mut res = see_other("/");
    set(&mut res, LOCATION, address.as_str());
    res
}

/// 301 to a path of this site, for addresses that have moved for ever.
#[must_use]
pub fn moved(path: &str) -> Res {
    let mut res = see_other(path);
    *res.status_mut() = StatusCode::MOVED_PERMANENTLY;
    res
}

/// 303 after a command; the address carries the position, so that the page waits until it shows
/// what was just done.
#[must_use]
pub fn after(receipt: Receipt, path: &str) -> Res {
    see_other(&with_position(receipt, path))
}

/// `path` with the position of a command's events.
#[must_use]
pub fn with_position(receipt: Receipt, path: &str) -> String {
    if receipt.position == 0 {
        return path.to_owned();
    }
    let (path, fragment) = path.split_once('#').map_or((path, String::new()), |(p, f)| (p, format!("#{f}")));
    let mark = if path.contains('?') { '&' } else { '?' };
    format!("{path}{mark}at={}{fragment}", receipt.position)
}

/// Whether `path` leads to this site whatever a browser makes of it.
#[must_use]
pub fn is_own_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && !path.starts_with("/\\")
        && !path.contains(|c: char| c.is_control() || c == '\\')
}

/// Sets a header; a value that is no header value is left out.
pub fn set(res: &mut Res, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        res.headers_mut().insert(name, value);
    }
}

/// An error as `application/problem+json` (RFC 9457).
#[must_use]
pub fn problem(error: &HttpError, request_id: &str) -> Res {
    let status = error.status();
    let title = status.canonical_reason().unwrap_or("Error");
    let mut body = serde_json::json!({
        "type": "about:blank", "title": title, "status": status.as_u16(),
        "detail": error.to_string(), "instance": request_id,
    });
    if let HttpError::Fields(fields) = error {
        let fields: Vec<_> = fields
            .iter()
            .map(|(field, detail)| serde_json::json!({ "field": field, "detail": detail }))
            .collect();
        body["errors"] = fields.into();
    }
    let mut res = text("application/problem+json", body.to_string());
    *res.status_mut() = status;
    if status == StatusCode::UNAUTHORIZED {
        set(&mut res, WWW_AUTHENTICATE, "Bearer realm=\"kinora\"");
    }
    res
}

/// An error for the person or program that sent the request.
#[must_use]
pub fn error(studio: &str, error: &HttpError, wants_json: bool, request_id: &str) -> Res {
    if wants_json {
        finish(problem(error, request_id), error)
    } else {
        error_page(studio, None, error, request_id)
    }
}

/// An error as a page, in a frame that knows who asked.
#[must_use]
pub fn error_page(
    studio: &str,
    frame: Option<super::ui::layout::Frame>,
    error: &HttpError,
    request_id: &str,
) -> Res {
    finish(page::problem(studio, frame, error, request_id), error)
}

fn finish(mut res: Res, error: &HttpError) -> Res {
    if let Some(seconds) = error.retry_after() {
        set(&mut res, warp::http::header::RETRY_AFTER, &seconds.to_string());
    }
    set(&mut res, CACHE_CONTROL, "no-store");
    res
}

impl Req {
    /// Redirects a visitor to sign in, and back here afterwards, with all that was chosen on the way.
    #[must_use]
    pub fn to_sign_in(&self) -> Res {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.query).finish();
        let mark = if query.is_empty() { "" } else { "?" };
        let here = format!("{}{mark}{query}", self.path);
        let next: String = url::form_urlencoded::byte_serialize(here.as_bytes()).collect();
        see_other(&format!("/login?next={next}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_stay_on_this_site() {
        for own in ["/", "/films?a=b", "/a#b"] {
            assert!(is_own_path(own), "{own}");
        }
        for foreign in
            ["//evil.example", "/\\evil.example", "https://evil.example", "", "/a\nb", "javascript:alert(1)"]
        {
            assert!(!is_own_path(foreign), "{foreign}");
        }
    }

    #[test]
    fn the_position_goes_before_the_fragment() {
        let receipt = Receipt { position: 7, version: 1, replayed: false };
        let res = after(receipt, "/billing?x=1#log");
        assert_eq!(res.headers()[LOCATION], "/billing?x=1&at=7#log");
    }
}
