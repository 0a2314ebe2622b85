//! Files from addresses: staff name one, Kinora fetches what is there, and it goes the way of an upload.

use super::{Endpoint, body, media, one, only, text};
use crate::actors::accounts::access_tokens::Scope;
use crate::actors::uploads::About;
use crate::actors::uploads::fetches::{self, Fetching};
use crate::http::pages::media::{FETCHERS, as_http, may_replace};
use crate::http::response::{json as answer, set};
use crate::http::route::Access;
use crate::http::{HttpError, Req, Res};
use crate::projections::media as works;
use serde_json::{Value, json};
use warp::http::header::LOCATION;
use warp::http::{Method, StatusCode};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let staff = Access::Role(FETCHERS);
    vec![
        Endpoint::act(
            Method::POST,
            "/api/v1/fetches",
            Scope::MediaWrite,
            "Fetch a file from a public address; it goes the way of an upload",
            "Fetch",
            begin,
        )
        .takes("FetchWish")
        .status(202)
        .access(staff),
        Endpoint::get(
            "/api/v1/fetches/{id}",
            Scope::MediaWrite,
            "How far a fetch and its work are; known for a week",
            "Fetch",
            show,
        )
        .access(staff),
    ]
}

fn to_json(fetching: &Fetching) -> Value {
    let state = match (fetching.received, &fetching.failed) {
        (true, _) => "received",
        (false, Some(_)) => "failed",
        (false, None) => "fetching",
    };
    json!({
        "id": fetching.id, "media_id": fetching.media, "url": format!("/api/v1/fetches/{}", fetching.id), "state": state,
        "started_at": fetching.started_at, "bytes": fetching.bytes, "length": fetching.length, "error": fetching.failed,
    })
}

async fn begin(mut req: Req) -> Result<Res, HttpError> {
    let wanted = body(&mut req).await?;
    only(&wanted, &["address", "title", "replaces"])?;
    let missing = || HttpError::Fields(vec![("address".into(), "Name the address of a file.".into())]);
    let address = text(&wanted, "address")?.filter(|a| !a.is_empty()).ok_or_else(missing)?;
    let replaces =
        match text(&wanted, "replaces")? {
            Some(id) => Some(id.parse().map_err(|_| {
                HttpError::Fields(vec![("replaces".into(), "This is the id of a work.".into())])
            })?),
            None => None,
        };
    let title = text(&wanted, "title")?.unwrap_or_default();
    let about = About { replaces, ..About::from(title) };
    may_replace(&req, &about).await?.map_err(as_http)?;
    let account = req.account()?.id;
    let id = fetches::begin(&req.app, account, address, about, req.meta()).await.map_err(as_http)?;
    let begun = fetches::one(&req.app, account, id).await?.ok_or(HttpError::NotFound)?;
    let mut res = answer(StatusCode::ACCEPTED, &to_json(&begun))?;
    set(&mut res, LOCATION, &format!("/api/v1/fetches/{id}"));
    Ok(res)
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let (account, id) = (req.account()?.id, req.id_param("id")?);
    let fetching = fetches::one(&req.app, account, id).await?.ok_or(HttpError::NotFound)?;
    let mut value = to_json(&fetching);
    if fetching.received
        && let Some(work) = works::by_id(&req.app.reader, fetching.media).await?
    {
        let progress = works::progress(&req.app.reader, &[fetching.media]).await?;
        value["media"] = media::to_json(&req, &work, progress.first());
    }
    one(&req, &value)
}
