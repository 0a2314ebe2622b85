//! Captions of a work: put under their track, and taken away.

use super::media::{changed, find_own};
use super::{Endpoint, body, only, takes_nothing, text};
use crate::actors::CommandError;
use crate::actors::accounts::access_tokens::Scope;
use crate::actors::media_captions::{self, CaptionsError};
use crate::domain::media::Captions;
use crate::domain::shared::Language;
use crate::http::{Form, HttpError, Req, Res};
use serde_json::{Value, json};
use warp::http::Method;

pub(super) fn endpoints() -> Vec<Endpoint> {
    let path = "/api/v1/media/{id}/captions/{track}";
    let scope = Scope::MediaWrite;
    vec![
        Endpoint::act(
            Method::PUT,
            path,
            scope,
            "Keep captions; the track is a language such as `de`, or `de-sounds` with what is heard beside speech",
            "Media",
            put,
        )
        .takes("CaptionsWish"),
        Endpoint::act(Method::DELETE, path, scope, "Take captions away", "Media", remove),
    ]
}

/// Captions as programs see them; with `base`, the address of their file.
pub(super) fn to_json(captions: &Captions, base: Option<&str>) -> Value {
    json!({
        "track": captions.track(), "language": captions.language, "sounds": captions.sounds,
        "label": captions.label(), "cues": captions.cues, "bytes": captions.bytes,
        "url": base.map(|b| format!("{b}/captions/{}", captions.file())),
    })
}

fn track(req: &Req) -> Result<(Language, bool), HttpError> {
    let track = req.param("track");
    let (language, sounds) = match track.strip_suffix("-sounds") {
        Some(language) => (language, true),
        None => (track, false),
    };
    let language =
        Language::parse(language).map_err(|e| HttpError::Fields(vec![("track".into(), e.to_string())]))?;
    Ok((language, sounds))
}

fn refusal(error: CaptionsError) -> HttpError {
    match error {
        CaptionsError::File(why) => HttpError::Fields(vec![("text".into(), why.to_string())]),
        CaptionsError::Command(CommandError::Refused(why)) => HttpError::Unprocessable(why.to_string()),
        CaptionsError::Command(other) => other.into(),
        CaptionsError::Store(error) => error.into(),
        CaptionsError::Io(e) => HttpError::Internal(format!("captions: {}", e.kind())),
    }
}

async fn put(mut req: Req) -> Result<Res, HttpError> {
    let work = find_own(&req).await?;
    let track = track(&req)?;
    let wanted = body(&mut req).await?;
    only(&wanted, &["text"])?;
    let bytes = text(&wanted, "text")?.unwrap_or_default().as_bytes().to_vec();
    let id = req.command_id(&Form::default());
    let receipt =
        media_captions::add(&req.app, &work, track, bytes, id, req.meta()).await.map_err(refusal)?;
    changed(&req, work.id, receipt.position).await
}

async fn remove(mut req: Req) -> Result<Res, HttpError> {
    let work = find_own(&req).await?;
    takes_nothing(&mut req).await?;
    let (language, sounds) = track(&req)?;
    let kept = work.captions.iter().find(|c| c.language == language && c.sounds == sounds);
    let track = kept.ok_or(HttpError::NotFound)?.track();
    let id = req.command_id(&Form::default());
    let receipt = media_captions::remove(&req.app, &work, &track, id, req.meta()).await.map_err(refusal)?;
    changed(&req, work.id, receipt.position).await
}
