//! `/m/<token>/<media>/<round>/…`: what is protected; `/media/files/…`: pictures that stand for works;
//! `/cdn/…`: what a network of caches fetches.

use crate::actors::accounts::access_tokens::Scope;
use crate::actors::download_counts;
use crate::actors::visits::Visit;
use crate::domain::media::Place;
use crate::http::cdn::Cdn;
use crate::http::delivery::{check_token, hidden, may_see, may_watch};
use crate::http::error::HttpError;
use crate::http::files::{Served, content_type, serve_found, unreadable};
use crate::http::player::is_public_size;
use crate::http::response::{see_other, set, text};
use crate::http::route::{Access, Route};
use crate::http::{Req, Res, cdn, hotlink};
use crate::media::captions::chapters_vtt;
use crate::media::files::Found;
use crate::media::made_files;
use crate::media::store::MediaStore;
use crate::projections::media::{self as works, Work};
use subtle::ConstantTimeEq;
use warp::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, LOCATION, SET_COOKIE,
};
use warp::http::{HeaderName, HeaderValue, Method, StatusCode};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/m/{token}/{media}/{round}/{*path}", Access::Anyone, protected).scope(Scope::MediaRead),
        Route::get("/media/files/{media}/{round}/{file}", Access::Anyone, picture).scope(Scope::MediaRead),
        Route::get("/cdn/{media}/{round}/{*path}", Access::Anyone, for_cdn),
    ]
}

/// Only names that we gave: two levels at most, letters, digits, hyphens and one dot.
fn is_our_name(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    parts.len() <= 2
        && parts.iter().all(|p| {
            !p.is_empty()
                && !p.starts_with('.')
                && p.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
                && !p.contains("..")
        })
}

async fn find(req: &Req) -> Result<(Work, u32), HttpError> {
    let id = req.id_param("media")?;
    let round: u32 = req.param("round").parse().map_err(|_| HttpError::NotFound)?;
    let work = works::by_id(&req.app.reader, id).await?.ok_or(HttpError::NotFound)?;
    Ok((work, round))
}

/// A file that is asked for below the address of a round.
struct Asked<'a> {
    path: &'a str,
    /// Its name in the stores of files.
    key: String,
    /// The store to ask first.
    place: Place,
    /// The original itself: what strangers made is never shown by the browser.
    whole: bool,
}

impl<'a> Asked<'a> {
    fn new((work, round): (&Work, u32), path: &'a str) -> Result<Self, HttpError> {
        if !is_our_name(path) {
            return Err(HttpError::NotFound);
        }
        let whole = work.original_name().as_deref() == Some(path);
        if path == made_files::NAME {
            return Err(HttpError::NotFound);
        }
        let key = match path.strip_prefix("captions/") {
            // They belong to the work, not to a round of its processing.
            Some(name) if work.captions.iter().any(|c| c.file() == name) => {
                format!("{}/{name}", MediaStore::captions_key(work.id))
            }
            Some(_) => return Err(HttpError::NotFound),
            None if whole => MediaStore::original_key(&work.sha256).ok_or(HttpError::NotFound)?,
            None => format!("{}/{path}", MediaStore::public_key(work.id, round)),
        };
        Ok(Self { path, key, place: work.place, whole })
    }

    async fn find(&self, req: &Req) -> Result<Found, HttpError> {
        let found = req.app.files.find(&self.key, self.place).await.map_err(unreadable)?;
        found.ok_or(HttpError::NotFound)
    }

    fn ending(&self) -> &'a str {
        self.path.rsplit_once('.').map_or("", |(_, e)| e)
    }

    fn is_playlist(&self) -> bool {
        self.ending() == "m3u8"
    }

    /// Files that are whole in themselves; pieces of a film are not.
    fn is_download(&self) -> bool {
        self.whole || self.path.starts_with("download.")
    }

    /// What a network of caches is worth for. Captions are left out: browsers take tracks from the site only.
    fn is_large(&self) -> bool {
        self.whole || matches!(self.ending(), "m4s" | "mp4" | "m4a")
    }

    /// What it is counted as when it is saved.
    fn counted_as(&self, work: &Work) -> String {
        let captions = self.path.starts_with("captions/");
        if captions { "captions".into() } else { work.kind.map_or_else(|| "other".into(), |k| k.to_string()) }
    }

    async fn send(&self, req: &Req, work: &Work, save: bool, cache: &str) -> Result<Res, HttpError> {
        let dot = if self.ending().is_empty() { "" } else { "." };
        let name = format!("{}{dot}{}", work.slug, self.ending());
        let content_type = if self.whole { "application/octet-stream" } else { content_type(self.path) };
        let download = (self.whole || save).then_some((name.as_str(), work.title.as_str()));
        let found = self.find(req).await?;
        serve_found(req, found, &Served { content_type, cache, download }).await
    }
}

async fn protected(req: Req) -> Result<Res, HttpError> {
    let path = req.param("path").to_owned();
    check_token(&req, req.param("token"), req.id_param("media")?)?;
    let (work, round) = find(&req).await?;
    // The address alone gives nothing: the right may have ended meanwhile.
    if !may_watch(&req, &work).await?.allowed {
        return Err(hidden(&work));
    }
    if let Some(instead) = elsewhere(&req, &work)? {
        return Ok(instead);
    }
    if path == "chapters.vtt" {
        let chapters = work.chapters.iter().map(|c| (c.at_ms, c.title.as_str()));
        return Ok(text(content_type(&path), chapters_vtt(chapters, work.duration_ms)));
    }
    let asked = Asked::new((&work, round), &path)?;
    let save = asked.whole || req.query("download") == "1";
    limit(&req, &asked, save)?;
    if save && req.method == Method::GET && fetches_end(req.header("range"), &asked.find(&req).await) {
        download_counts::add(&req.app, req.viewer.id(), &asked.counted_as(&work)).await?;
        req.note_visit(Visit::Download, work.id, work.owner).await;
    }
    if asked.is_large()
        && let Some(cdn) = req.app.cdn()?
    {
        let now = req.now().timestamp();
        // Cookies only for browsers on a page of ours: programs and other sites would not bring them along.
        let cookies = match req.header("sec-fetch-site") {
            "same-origin" => cdn.with_cookies((work.id, round), &path, save, now)?,
            _ => None,
        };
        let (address, cookies) = match cookies {
            Some(both) => both,
            None => (cdn.address((work.id, round), &path, save, now)?, vec![]),
        };
        let mut res = led_to(&req, &address);
        for cookie in cookies {
            let value = HeaderValue::from_str(&cookie).map_err(|e| HttpError::Internal(e.to_string()))?;
            res.headers_mut().append(SET_COOKIE, value);
        }
        return Ok(res);
    }
    // Playlists change while rungs are added; segments never do.
    let cache = if asked.is_playlist() { "private, no-cache" } else { "private, max-age=3600, immutable" };
    asked.send(&req, &work, save, cache).await
}

/// Whether what is asked for holds the last byte of the file: whoever saves it asks for that once, in one piece or in
/// many, and who only looks whether parts can be had does not.
fn fetches_end(range: &str, found: &Result<Found, HttpError>) -> bool {
    found.as_ref().is_ok_and(|found| holds_last(range, found.length))
}

fn holds_last(range: &str, length: u64) -> bool {
    let Some((from, to)) = range.strip_prefix("bytes=").and_then(|r| r.split_once('-')) else { return true };
    match (from.trim().parse::<u64>(), to.trim().parse::<u64>()) {
        (Ok(from), Ok(to)) => from < length && to.saturating_add(1) >= length,
        (Ok(from), Err(_)) => from < length,
        // The last so many bytes: programs look at the end of an archive so. Only all of it is the file.
        (Err(_), Ok(last)) => last >= length,
        _ => true,
    }
}

/// Leads to an address of the network of caches; the next time there is another one.
fn led_to(req: &Req, address: &str) -> Res {
    let mut res = see_other("/");
    *res.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    set(&mut res, LOCATION, address);
    hotlink::share(req, &mut res);
    res
}

/// Refuses what other sites show. A person who followed a link is led to the page of the work.
fn elsewhere(req: &Req, work: &Work) -> Result<Option<Res>, HttpError> {
    let instead = hotlink::refuse(req, Some(&format!("/media/{}", work.slug)));
    if !matches!(instead, Ok(None)) {
        req.app.metrics.media.withheld.with_label_values(&["other_site"]).inc();
    }
    instead
}

/// Counts playlists and files that are whole in themselves; of those each part that is asked for, because
/// whoever leaves out the first byte gets nearly all of it.
fn limit(req: &Req, asked: &Asked<'_>, save: bool) -> Result<(), HttpError> {
    let set = &req.app.config.delivery;
    let (rate, most, what) = match () {
        () if req.method == Method::HEAD => return Ok(()),
        () if asked.is_playlist() => (&req.app.playlists, set.playlists, "playlists"),
        () if save || asked.is_download() => (&req.app.downloads, set.downloads, "downloads"),
        () => return Ok(()),
    };
    rate.admit(req, most, what).inspect_err(|_| {
        req.app.metrics.media.withheld.with_label_values(&["rate"]).inc();
    })
}

/// Files for the network of caches, which shows who it is and answers for the rights of those who ask it.
async fn for_cdn(req: Req) -> Result<Res, HttpError> {
    let given = req.header(cdn::ORIGIN_HEADER).as_bytes();
    let known = bool::from(given.ct_eq(req.app.secrets.cdn_origin.as_bytes()));
    if !known || req.app.cdn()?.is_none() {
        return Err(HttpError::NotFound);
    }
    let (work, round) = find(&req).await?;
    if work.is_removed() {
        return Err(hidden(&work));
    }
    let path = req.param("path");
    let (path, save) = path.strip_prefix(cdn::SAVE).map_or((path, false), |path| (path, true));
    let asked = Asked::new((&work, round), path)?;
    if !asked.is_large() {
        return Err(HttpError::NotFound);
    }
    let mut res = asked.send(&req, &work, save, "public, max-age=86400, immutable").await?;
    set(&mut res, ACCESS_CONTROL_ALLOW_ORIGIN, &req.app.config.site_url());
    if req.app.cdn()?.is_some_and(Cdn::gives_cookies) {
        set(&mut res, ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    set(&mut res, HeaderName::from_static("cross-origin-resource-policy"), "cross-origin");
    Ok(res)
}

async fn picture(req: Req) -> Result<Res, HttpError> {
    let path = req.param("file").to_owned();
    let width: u32 = path
        .strip_prefix("poster-")
        .and_then(|rest| rest.split_once('.'))
        .filter(|(_, ending)| matches!(*ending, "avif" | "jpg"))
        .and_then(|(width, _)| width.parse().ok())
        .ok_or(HttpError::NotFound)?;
    let (work, round) = find(&req).await?;
    let asked = Asked::new((&work, round), &path)?;
    let widths = work.poster.as_ref().map(|p| p.widths.as_slice()).unwrap_or_default();
    let is_the_work = !is_public_size(work.kind, work.tier, widths, width);
    let decision = if is_the_work { may_watch(&req, &work).await? } else { may_see(&req, &work).await? };
    if !decision.allowed {
        return Err(hidden(&work));
    }
    // What stands for a published work is for every site that shows a link to it: previews, feed readers.
    let public = work.is_published() && !is_the_work;
    if !public && let Some(instead) = elsewhere(&req, &work)? {
        return Ok(instead);
    }
    let cache = if public { "public, max-age=31536000, immutable" } else { "private, no-cache" };
    let served = Served { content_type: content_type(&path), cache, download: None };
    let mut res = serve_found(&req, asked.find(&req).await?, &served).await?;
    if public {
        hotlink::open(&mut res);
    }
    Ok(res)
}

#[cfg(test)]
mod tests {
    use super::{holds_last, is_our_name};

    #[test]
    fn a_file_is_counted_once_however_many_parts_it_is_fetched_in() {
        for counted in ["", "bytes=0-", "bytes=0-99", "bytes=0-500", "bytes=60-99", "bytes=60-", "bytes=-100"]
        {
            assert!(holds_last(counted, 100), "{counted}");
        }
        for not in ["bytes=0-0", "bytes=0-59", "bytes=100-", "bytes=-5", "bytes=100-200"] {
            assert!(!holds_last(not, 100), "{not}");
        }
    }

    #[test]
    fn only_names_that_we_gave_are_looked_for() {
        for good in ["master.m3u8", "h264-720/00001.m4s", "poster-400.avif"] {
            assert!(is_our_name(good), "{good}");
        }
        for bad in
            ["", "../made.json", "a/../b", "a/b/c", "/etc/passwd", "a//b", ".hidden", "a/.b", "a\0b", "a%2e"]
        {
            assert!(!is_our_name(bad), "{bad}");
        }
    }
}
