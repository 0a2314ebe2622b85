//! `/m/<token>/<media>/<round>/…`: what is protected; `/media/files/…`: pictures that stand for works.

use crate::http::delivery::{check_token, may_see, may_watch};
use crate::http::error::HttpError;
use crate::http::files::{Served, content_type, serve};
use crate::http::player::is_public_size;
use crate::http::response::text;
use crate::http::route::{Access, Route};
use crate::http::{Req, Res};
use crate::media::captions::chapters_vtt;
use crate::media::store::MediaStore;
use crate::projections::media::{self as works, Work};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/m/{token}/{media}/{round}/{*path}", Access::Anyone, protected),
        Route::get("/media/files/{media}/{round}/{file}", Access::Anyone, picture),
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

async fn find(req: &Req, path: &str) -> Result<(Work, std::path::PathBuf), HttpError> {
    let id = req.id_param("media")?;
    let round: u32 = req.param("round").parse().map_err(|_| HttpError::NotFound)?;
    if !is_our_name(path) {
        return Err(HttpError::NotFound);
    }
    let work = works::by_id(&req.app.reader, id).await?.ok_or(HttpError::NotFound)?;
    let file = MediaStore::new(&req.app.config.data).public(id, round).join(path);
    Ok((work, file))
}

async fn protected(req: Req) -> Result<Res, HttpError> {
    let path = req.param("path").to_owned();
    let media = req.id_param("media")?;
    check_token(&req, req.param("token"), media)?;
    let (work, file) = find(&req, &path).await?;
    // The address alone gives nothing: the right may have ended meanwhile.
    if !may_watch(&req, &work).await?.allowed {
        return Err(HttpError::NotFound);
    }
    if path == "chapters.vtt" {
        let chapters = work.chapters.iter().map(|c| (c.at_ms, c.title.as_str()));
        return Ok(text(content_type(&path), chapters_vtt(chapters, work.duration_ms)));
    }
    let file = match path.strip_prefix("captions/") {
        // They belong to the work, not to a round of its processing.
        Some(name) if work.captions.iter().any(|c| c.file() == name) => {
            MediaStore::new(&req.app.config.data).captions(media).join(name)
        }
        Some(_) => return Err(HttpError::NotFound),
        None => file,
    };
    let whole = work.original_name().as_deref() == Some(path.as_str());
    let file = match MediaStore::new(&req.app.config.data).original(&work.sha256) {
        Some(original) if whole => original,
        _ => file,
    };
    // What strangers made is never shown by the browser itself.
    let wants_file = whole || req.query("download") == "1";
    let ending = path.rsplit_once('.').map_or("", |(_, e)| e);
    let dot = if ending.is_empty() { "" } else { "." };
    let name = format!("{}{dot}{ending}", work.slug);
    let served = Served {
        content_type: if whole { "application/octet-stream" } else { content_type(&path) },
        // Playlists change while rungs are added; segments never do.
        cache: if ending == "m3u8" { "private, no-cache" } else { "private, max-age=3600, immutable" },
        download: wants_file.then_some(name.as_str()),
    };
    serve(&req, &file, &served).await
}

async fn picture(req: Req) -> Result<Res, HttpError> {
    let path = req.param("file").to_owned();
    let width: u32 = path
        .strip_prefix("poster-")
        .and_then(|rest| rest.split_once('.'))
        .filter(|(_, ending)| matches!(*ending, "avif" | "jpg"))
        .and_then(|(width, _)| width.parse().ok())
        .ok_or(HttpError::NotFound)?;
    let (work, file) = find(&req, &path).await?;
    let widths = work.poster.as_ref().map(|p| p.widths.as_slice()).unwrap_or_default();
    let is_the_work = !is_public_size(work.kind, work.tier, widths, width);
    let decision = if is_the_work { may_watch(&req, &work).await? } else { may_see(&req, &work).await? };
    if !decision.allowed {
        return Err(HttpError::NotFound);
    }
    let public = work.is_published() && !is_the_work;
    let cache = if public { "public, max-age=31536000, immutable" } else { "private, no-cache" };
    serve(&req, &file, &Served { content_type: content_type(&path), cache, download: None }).await
}

#[cfg(test)]
mod tests {
    use super::is_our_name;

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
