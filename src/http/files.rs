//! Files as answers: the right type, ranges, conditional requests, cheap HEAD, streamed in pieces; or
//! handed to nginx, which does all that itself.

use super::error::HttpError;
use super::hotlink;
use super::request::Req;
use super::response::{Res, set};
use super::saved_as::saved_as;
use crate::media::files::Found;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, TryStreamExt};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use warp::Reply;
use warp::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    LAST_MODIFIED,
};
use warp::http::{HeaderName, Method, StatusCode};

/// A body that is read by one task at a time, which warp cannot know of a boxed stream.
struct OneReader(Mutex<BoxStream<'static, std::io::Result<Bytes>>>);

impl Stream for OneReader {
    type Item = std::io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).poll_next_unpin(cx)
    }
}

/// How a file is to be answered.
#[derive(Clone, Debug)]
pub struct Served<'a> {
    /// Its type; browsers are told not to guess.
    pub content_type: &'a str,
    /// For how long it may be kept, as `Cache-Control`.
    pub cache: &'a str,
    /// The name under which it is saved, in ASCII, and what people call it; `None` shows it.
    pub download: Option<(&'a str, &'a str)>,
}

/// The type of a file by the ending that we gave it.
#[must_use]
pub fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, e)| e) {
        Some("m3u8") => "application/vnd.apple.mpegurl",
        Some("m4s") => "video/iso.segment",
        Some("mp4") => "video/mp4",
        Some("m4a") => "audio/mp4",
        Some("avif") => "image/avif",
        Some("jpg") => "image/jpeg",
        Some("glb") => "model/gltf-binary",
        Some("vtt") => "text/vtt; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Answers with a file of this machine, or the wished part of it.
///
/// # Errors
/// 404 if it is not there.
pub async fn serve(req: &Req, path: &Path, served: &Served<'_>) -> Result<Res, HttpError> {
    let found = Found::on_disk(path).await.map_err(|_| HttpError::NotFound)?;
    serve_found(req, found, served).await
}

/// Answers with a file that was found, or the wished part of it; from a bucket only that part is fetched.
///
/// # Errors
/// If it cannot be read.
pub async fn serve_found(req: &Req, found: Found, served: &Served<'_>) -> Result<Res, HttpError> {
    let mut res = answer(req, found, served).await?;
    hotlink::share(req, &mut res);
    Ok(res)
}

async fn answer(req: &Req, found: Found, served: &Served<'_>) -> Result<Res, HttpError> {
    if let Some(location) = found.path().and_then(|path| handed_on(req, path)) {
        return Ok(hand_on(&location, served));
    }
    let (length, modified, etag) = (found.length, found.modified, found.tag.clone());
    let mut res = StatusCode::OK.into_response();
    set(&mut res, ETAG, &etag);
    set(&mut res, CACHE_CONTROL, served.cache);
    set(&mut res, ACCEPT_RANGES, "bytes");
    if let Some(modified) = modified {
        set(&mut res, LAST_MODIFIED, &modified.format("%a, %d %b %Y %H:%M:%S GMT").to_string());
    }
    if !is_matched(req.header("if-match"), req.header("if-unmodified-since"), &etag, modified) {
        *res.status_mut() = StatusCode::PRECONDITION_FAILED;
        return Ok(res);
    }
    if is_known(req.header("if-none-match"), req.header("if-modified-since"), &etag, modified) {
        *res.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(res);
    }
    set(&mut res, CONTENT_TYPE, served.content_type);
    if let Some((name, title)) = served.download {
        set(&mut res, CONTENT_DISPOSITION, &saved_as(name, title));
    }
    let condition = req.header("if-range");
    let wanted = if condition.is_empty() || condition == etag || is_time(condition, modified) {
        range(req.header("range"), length)
    } else {
        Part::Whole
    };
    let (from, count) = match wanted {
        Part::Whole => (0, length),
        Part::Some(from, to) => {
            *res.status_mut() = StatusCode::PARTIAL_CONTENT;
            set(&mut res, CONTENT_RANGE, &format!("bytes {from}-{to}/{length}"));
            (from, to - from + 1)
        }
        Part::Outside => {
            *res.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            set(&mut res, CONTENT_RANGE, &format!("bytes */{length}"));
            return Ok(res);
        }
    };
    if req.method == Method::HEAD {
        set(&mut res, CONTENT_LENGTH, &count.to_string());
        return Ok(res);
    }
    let sent = req.app.metrics.media.sent.clone();
    let pieces = found.pieces(from, count).await.map_err(unreadable)?;
    let pieces =
        OneReader(Mutex::new(pieces.inspect_ok(move |piece| sent.inc_by(piece.len() as u64)).boxed()));
    let (head, _) = res.into_parts();
    let (_, body) = warp::reply::stream(pieces).into_response().into_parts();
    let mut res = Res::from_parts(head, body);
    set(&mut res, CONTENT_LENGTH, &count.to_string());
    Ok(res)
}

/// What a store that cannot be read is to whoever asked: nothing there, or a fault of ours.
pub fn unreadable(error: std::io::Error) -> HttpError {
    match error.kind() {
        std::io::ErrorKind::NotFound => HttpError::NotFound,
        _ => HttpError::Internal(format!("reading a file of a work: {error}")),
    }
}

/// Whether the client has the file as it is (RFC 9110, 13.2.2: a tag goes before a time).
fn is_known(tags: &str, since: &str, etag: &str, modified: Option<DateTime<Utc>>) -> bool {
    if !tags.is_empty() {
        let plain = |t: &str| t.trim().trim_start_matches("W/") == etag || t.trim() == "*";
        return tags.split(',').any(plain);
    }
    let since = DateTime::parse_from_rfc2822(since).ok();
    since.zip(modified).is_some_and(|(since, at)| at.timestamp() <= since.timestamp())
}

/// Whether the file is still the one that the client means (RFC 9110, 13.2.2: before all other conditions). A weak tag
/// matches nothing here.
fn is_matched(tags: &str, since: &str, etag: &str, modified: Option<DateTime<Utc>>) -> bool {
    if !tags.is_empty() {
        return tags.split(',').any(|tag| tag.trim() == etag || tag.trim() == "*");
    }
    let since = DateTime::parse_from_rfc2822(since).ok();
    since.zip(modified).is_none_or(|(since, at)| at.timestamp() <= since.timestamp())
}

/// Whether `text` is the very time at which the file was changed.
fn is_time(text: &str, modified: Option<DateTime<Utc>>) -> bool {
    let given = DateTime::parse_from_rfc2822(text).ok();
    given.zip(modified).is_some_and(|(given, at)| at.timestamp() == given.timestamp())
}

/// Where nginx finds the file, if it is one of the media folder and nginx is to send those. Playlists are
/// small and change: they always come from here.
fn handed_on(req: &Req, path: &Path) -> Option<String> {
    let location = req.app.config.delivery.accel()?;
    let below = path.strip_prefix(req.app.files.local().root()).ok()?.to_str()?;
    (!below.ends_with(".m3u8")).then(|| format!("{location}{below}"))
}

/// An answer without a body, which nginx replaces by the file. Length, time, ranges and conditions are its
/// own; what is said here about type, name and keeping stays.
fn hand_on(location: &str, served: &Served<'_>) -> Res {
    let mut res = StatusCode::OK.into_response();
    set(&mut res, HeaderName::from_static("x-accel-redirect"), location);
    set(&mut res, CONTENT_TYPE, served.content_type);
    set(&mut res, CACHE_CONTROL, served.cache);
    if let Some((name, title)) = served.download {
        set(&mut res, CONTENT_DISPOSITION, &saved_as(name, title));
    }
    res
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Whole,
    Some(u64, u64),
    Outside,
}

/// One range; several at once are answered with the whole, as RFC 9110 allows.
fn range(header: &str, length: u64) -> Part {
    let Some(spec) = header.strip_prefix("bytes=").filter(|s| !s.contains(',')) else { return Part::Whole };
    let Some((first, last)) = spec.trim().split_once('-') else { return Part::Whole };
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(from), _) if from >= length => Part::Outside,
        (Ok(from), Ok(to)) if to < from => Part::Whole,
        (Ok(from), Ok(to)) => Part::Some(from, to.min(length - 1)),
        (Ok(from), Err(_)) if last.is_empty() => Part::Some(from, length - 1),
        (Err(_), Ok(0)) if first.is_empty() => Part::Outside,
        (Err(_), Ok(n)) if first.is_empty() && length > 0 => Part::Some(length.saturating_sub(n), length - 1),
        (Err(_), Ok(_)) if first.is_empty() => Part::Outside,
        _ => Part::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_the_file_as_it_is_gets_no_bytes() {
        let at: DateTime<Utc> = "2026-11-28T10:00:00.5Z".parse().unwrap();
        let (same, before) = ("Sat, 28 Nov 2026 10:00:00 GMT", "Sat, 28 Nov 2026 09:59:59 GMT");
        let known = |tags, since| is_known(tags, since, "\"5-a\"", Some(at));
        assert!(
            known("\"5-a\"", "") && known("W/\"5-a\"", "") && known("\"x\", \"5-a\"", "") && known("*", "")
        );
        assert!(!known("\"5-b\"", same), "a tag goes before a time");
        assert!(known("", same) && !known("", before) && !known("", "yesterday") && !known("", ""));
        assert!(is_time(same, Some(at)) && !is_time(before, Some(at)) && !is_time("", Some(at)));
    }

    #[test]
    fn who_means_another_file_than_this_one_gets_none_of_it() {
        let at: DateTime<Utc> = "2026-11-28T10:00:00.5Z".parse().unwrap();
        let (same, before) = ("Sat, 28 Nov 2026 10:00:00 GMT", "Sat, 28 Nov 2026 09:59:59 GMT");
        let matched = |tags, since| is_matched(tags, since, "\"5-a\"", Some(at));
        assert!(
            matched("", "")
                && matched("\"5-a\"", before)
                && matched("\"x\", \"5-a\"", "")
                && matched("*", "")
        );
        assert!(!matched("\"5-b\"", same) && !matched("W/\"5-a\"", ""));
        assert!(matched("", same) && !matched("", before) && matched("", "yesterday"));
    }

    #[test]
    fn ranges_are_read_as_players_send_them() {
        assert_eq!(range("", 100), Part::Whole);
        assert_eq!(range("bytes=0-", 100), Part::Some(0, 99));
        assert_eq!(range("bytes=10-19", 100), Part::Some(10, 19));
        assert_eq!(range("bytes=90-300", 100), Part::Some(90, 99));
        assert_eq!(range("bytes=-5", 100), Part::Some(95, 99));
        assert_eq!(range("bytes=-500", 100), Part::Some(0, 99));
        assert_eq!(range("bytes=100-", 100), Part::Outside);
        assert_eq!(range("bytes=-0", 100), Part::Outside);
        for whole in ["bytes=0-1,5-6", "bytes=a-b", "items=0-1", "bytes=9-3", "bytes"] {
            assert_eq!(range(whole, 100), Part::Whole, "{whole}");
        }
        assert_eq!(range("bytes=0-0", 0), Part::Outside);
    }
}
