//! Uploads: begun here, sent to `/uploads/{id}` after tus 1.0, watched here.

use super::{Endpoint, body, media, one, only, text};
use crate::actors::accounts::access_tokens::Scope;
use crate::actors::uploads::{self, About, Standing};
use crate::http::pages::media::{MAKERS, as_http, may_replace};
use crate::http::response::{json as answer, set};
use crate::http::route::Access;
use crate::http::{HttpError, Req, Res};
use crate::projections::media as works;
use serde_json::{Value, json};
use uuid::Uuid;
use warp::http::header::LOCATION;
use warp::http::{Method, StatusCode};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let makers = Access::Role(MAKERS);
    vec![
        Endpoint::act(
            Method::POST,
            "/api/v1/uploads",
            Scope::MediaWrite,
            "Begin an upload; send its bytes to `url` after tus 1.0",
            "Upload",
            begin,
        )
        .takes("UploadWish")
        .status(201)
        .access(makers),
        Endpoint::get(
            "/api/v1/uploads/{id}",
            Scope::MediaWrite,
            "How far an upload and its work are",
            "Upload",
            show,
        )
        .access(makers),
    ]
}

fn to_json(id: Uuid, standing: &Standing) -> Value {
    json!({
        "id": id, "media_id": standing.media, "url": format!("/uploads/{id}"), "offset": standing.offset, "length": standing.length,
        "received": standing.received, "expires_at": (!standing.received).then_some(standing.expires_at),
    })
}

async fn begin(mut req: Req) -> Result<Res, HttpError> {
    let wanted = body(&mut req).await?;
    only(&wanted, &["length", "file_name", "title", "replaces"])?;
    let length = wanted["length"].as_u64().filter(|n| *n > 0).ok_or_else(|| {
        HttpError::Fields(vec![("length".into(), "Say how many bytes will come, at least one.".into())])
    })?;
    let replaces = match text(&wanted, "replaces")? {
        Some(id) => Some(id.parse().map_err(|_| {
            HttpError::Fields(vec![("replaces".into(), "This is the id of one of your works.".into())])
        })?),
        None => None,
    };
    let about = About {
        replaces,
        file_name: text(&wanted, "file_name")?.unwrap_or_default().to_owned(),
        title: text(&wanted, "title")?.unwrap_or_default().to_owned(),
        ..About::default()
    };
    may_replace(&req, &about).await?.map_err(as_http)?;
    let account = req.account()?.id;
    let id = uploads::create(&req.app, account, length, &about).await.map_err(as_http)?;
    let standing = uploads::standing(&req.app, account, id).await.map_err(as_http)?;
    let mut res = answer(StatusCode::CREATED, &to_json(id, &standing))?;
    set(&mut res, LOCATION, &format!("/uploads/{id}"));
    Ok(res)
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let (account, id) = (req.account()?.id, req.id_param("id")?);
    let standing = uploads::standing(&req.app, account, id).await.map_err(as_http)?;
    let mut value = to_json(id, &standing);
    if standing.received
        && let Some(work) = works::by_id(&req.app.reader, standing.media).await?
    {
        let progress = works::progress(&req.app.reader, &[standing.media]).await?;
        value["media"] = media::to_json(&req, &work, progress.first());
    }
    one(&req, &value)
}
