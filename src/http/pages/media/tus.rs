//! `/uploads/`: resumable uploads after tus 1.0 (creation, termination, expiration, checksum), and the
//! plain multipart form at the same address.

use super::{MAKERS, form_upload};
use crate::actors::accounts::access_tokens::Scope;
use crate::actors::uploads::{self, About, Checksum, UploadError};
use crate::domain::shared::text::printable;
use crate::http::delivery::may_edit;
use crate::http::error::HttpError;
use crate::http::response::{Res, set, text};
use crate::http::route::{Access, Route};
use crate::http::{Req, response};
use crate::projections::media as works;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;
use warp::http::header::{CACHE_CONTROL, LOCATION};
use warp::http::{HeaderName, Method, StatusCode};

const VERSION: &str = "1.0.0";
/// How much of `Upload-Metadata` is kept and given back; the header as a whole is bounded as all are.
const METADATA_CHARS: usize = 4096;

pub(super) fn routes() -> Vec<Route> {
    let makers = Access::Role(MAKERS);
    vec![
        // What is spoken here is no secret, whatever a token opens.
        Route {
            any_token: true,
            ..Route::new(Method::OPTIONS, "/uploads/", Access::Anyone, options).scope(Scope::MediaWrite)
        },
        Route::post("/uploads/", makers, create).stream_body().scope(Scope::MediaWrite),
        Route::new(Method::HEAD, "/uploads/{id}", makers, head).scope(Scope::MediaWrite),
        Route::new(Method::PATCH, "/uploads/{id}", makers, append).stream_body().scope(Scope::MediaWrite),
        Route::new(Method::DELETE, "/uploads/{id}", makers, terminate).stream_body().scope(Scope::MediaWrite),
        Route::post("/uploads/{id}", makers, overridden).stream_body().scope(Scope::MediaWrite),
    ]
}

fn answer(status: StatusCode, headers: &[(&'static str, String)], words: &str) -> Res {
    let mut res = text("text/plain; charset=utf-8", words);
    *res.status_mut() = status;
    set(&mut res, HeaderName::from_static("tus-resumable"), VERSION);
    set(&mut res, CACHE_CONTROL, "no-store");
    for (name, value) in headers {
        set(&mut res, HeaderName::from_static(name), value);
    }
    res
}

/// A refusal in the words of tus.
fn refused(error: UploadError) -> Result<Res, HttpError> {
    let words = match &error {
        UploadError::Io(e) if e.kind() == std::io::ErrorKind::StorageFull => {
            "The disk is full. What arrived is kept; go on from there when there is room.".to_owned()
        }
        other => other.to_string(),
    };
    let status = match error {
        UploadError::TooLarge { .. } | UploadError::TooMany => StatusCode::PAYLOAD_TOO_LARGE,
        UploadError::Quota { .. } | UploadError::NoRoom { .. } => StatusCode::INSUFFICIENT_STORAGE,
        UploadError::NotFound | UploadError::NoSuchWork => StatusCode::NOT_FOUND,
        UploadError::NoFile | UploadError::Unreadable(_) => StatusCode::BAD_REQUEST,
        UploadError::KindNotTaken { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        UploadError::Fetch(_) => StatusCode::UNPROCESSABLE_ENTITY,
        UploadError::Offset { .. } => StatusCode::CONFLICT,
        UploadError::Busy => StatusCode::LOCKED,
        UploadError::Checksum => StatusCode::from_u16(460).unwrap_or(StatusCode::BAD_REQUEST),
        UploadError::BrokenOff => StatusCode::BAD_REQUEST,
        UploadError::Store(e) => return Err(e.into()),
        UploadError::Io(e) if e.kind() == std::io::ErrorKind::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        UploadError::Io(e) => return Err(HttpError::Internal(format!("upload: {}", e.kind()))),
        UploadError::Command(e) => return Err(e.into()),
    };
    Ok(answer(status, &[], &words))
}

async fn options(req: Req) -> Result<Res, HttpError> {
    let most = req.app.config.limits.upload_bytes.to_string();
    let told = [
        ("tus-version", VERSION.to_owned()),
        ("tus-extension", "creation,termination,expiration,checksum".into()),
        ("tus-checksum-algorithm", "sha1,sha256".into()),
        ("tus-max-size", most),
    ];
    Ok(answer(StatusCode::NO_CONTENT, &told, ""))
}

/// Programs name the version they speak; the cookie of a browser alone is not enough for a request
/// that a form on another site could send, so the token comes in a header.
fn check(req: &Req) -> Result<Option<Res>, HttpError> {
    if req.header("tus-resumable") != VERSION {
        let told = [("tus-version", VERSION.to_owned())];
        return Ok(Some(answer(
            StatusCode::PRECONDITION_FAILED,
            &told,
            "Speak tus 1.0.0 (header Tus-Resumable).",
        )));
    }
    let by_token = req.account()?.scopes.is_some();
    if req.method != Method::HEAD && req.header("x-csrf-token").is_empty() && !by_token {
        return Err(HttpError::Forbidden("Send the page's token in the header X-CSRF-Token.".into()));
    }
    Ok(None)
}

async fn create(req: Req) -> Result<Res, HttpError> {
    if req.header("content-type").starts_with("multipart/form-data") {
        return form_upload::receive(req).await;
    }
    if let Some(res) = check(&req)? {
        return Ok(res);
    }
    let account = req.account()?.id;
    let Ok(length) = req.header("upload-length").parse::<u64>() else {
        return Ok(answer(StatusCode::BAD_REQUEST, &[], "Say the length first (header Upload-Length)."));
    };
    let about = about(req.header("upload-metadata"));
    if let Err(error) = may_replace(&req, &about).await? {
        return refused(error);
    }
    let id = match uploads::create(&req.app, account, length, &about).await {
        Ok(id) => id,
        Err(error) => {
            req.app.metrics.media.uploads.with_label_values(&["refused"]).inc();
            return refused(error);
        }
    };
    let expires = match uploads::standing(&req.app, account, id).await {
        Ok(standing) => http_date(standing.expires_at),
        Err(error) => return refused(error),
    };
    if length == 0 {
        return finish(&req, account, id).await;
    }
    let mut res = answer(StatusCode::CREATED, &[("upload-expires", expires)], "");
    set(&mut res, LOCATION, &format!("/uploads/{id}"));
    Ok(res)
}

/// Whether the work whose file is to be replaced is the viewer's to change; as long as a second factor is
/// missing, staff roles do not count.
pub async fn may_replace(req: &Req, about: &About) -> Result<Result<(), UploadError>, HttpError> {
    let Some(media) = about.replaces else { return Ok(Ok(())) };
    let work = works::by_id(&req.app.reader, media).await?;
    let may = work.is_some_and(|work| !work.is_removed() && may_edit(req, &work));
    Ok(if may { Ok(()) } else { Err(UploadError::NoSuchWork) })
}

fn http_date(at: chrono::DateTime<chrono::Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn about(metadata: &str) -> About {
    let mut about = About { metadata: metadata.chars().take(METADATA_CHARS).collect(), ..About::default() };
    for pair in metadata.split(',') {
        let (name, value) = pair.trim().split_once(' ').unwrap_or((pair.trim(), ""));
        let value = STANDARD.decode(value.trim()).unwrap_or_default();
        let value = printable(&String::from_utf8_lossy(&value)).into_owned();
        match name {
            "filename" | "name" => about.file_name = value,
            "title" => about.title = value,
            "replaces" => about.replaces = value.parse().ok(),
            _ => {}
        }
    }
    about
}

async fn head(req: Req) -> Result<Res, HttpError> {
    if let Some(res) = check(&req)? {
        return Ok(res);
    }
    let (account, id) = (req.account()?.id, req.id_param("id")?);
    let mut standing = match uploads::standing(&req.app, account, id).await {
        Ok(standing) => standing,
        Err(error) => return refused(error),
    };
    let told = uploads::told(&req.app, id);
    // A client that sees nothing left to send is content: what was interrupted is completed now.
    if standing.offset == standing.length && !standing.received {
        match uploads::complete(&req.app, account, id, req.meta()).await {
            Ok(_) => standing.received = true,
            Err(error) => return refused(error),
        }
    }
    let mut headers =
        vec![("upload-offset", standing.offset.to_string()), ("upload-length", standing.length.to_string())];
    if !told.is_empty() {
        headers.push(("upload-metadata", told));
    }
    if !standing.received {
        headers.push(("upload-expires", http_date(standing.expires_at)));
    }
    Ok(answer(StatusCode::OK, &headers, ""))
}

/// Networks that let only GET and POST through: the wanted method comes in a header.
async fn overridden(req: Req) -> Result<Res, HttpError> {
    match req.header("x-http-method-override") {
        "PATCH" => append(req).await,
        "DELETE" => terminate(req).await,
        "HEAD" => head(req).await,
        _ => Ok(answer(StatusCode::METHOD_NOT_ALLOWED, &[], "Send the bytes with PATCH.")),
    }
}

async fn append(mut req: Req) -> Result<Res, HttpError> {
    if let Some(res) = check(&req)? {
        return Ok(res);
    }
    if req.header("content-type") != "application/offset+octet-stream" {
        return Ok(answer(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            &[],
            "Send the bytes as application/offset+octet-stream.",
        ));
    }
    let (account, id) = (req.account()?.id, req.id_param("id")?);
    let Ok(offset) = req.header("upload-offset").parse::<u64>() else {
        return Ok(answer(StatusCode::BAD_REQUEST, &[], "Say from where on (header Upload-Offset)."));
    };
    let checksum = match req.header("upload-checksum") {
        "" => None,
        header => match header.split_once(' ') {
            Some(("sha256", value)) => {
                Some(Checksum::Sha256(STANDARD.decode(value.trim()).unwrap_or_default()))
            }
            Some(("sha1", value)) => Some(Checksum::Sha1(STANDARD.decode(value.trim()).unwrap_or_default())),
            _ => {
                let words = "The checksum is sha1 or sha256, a space, and the sum in base64.";
                return Ok(answer(StatusCode::BAD_REQUEST, &[], words));
            }
        },
    };
    let body = req.take_body()?;
    match uploads::append(&req.app, account, id, offset, body, checksum).await {
        Ok(s) if s.offset == s.length => finish(&req, account, id).await,
        Ok(s) => Ok(answer(
            StatusCode::NO_CONTENT,
            &[("upload-offset", s.offset.to_string()), ("upload-expires", http_date(s.expires_at))],
            "",
        )),
        Err(error) => refused(error),
    }
}

/// The last byte is here: the upload becomes a work.
async fn finish(req: &Req, account: Uuid, id: Uuid) -> Result<Res, HttpError> {
    let (length, media) = match uploads::standing(&req.app, account, id).await {
        Ok(s) => (s.length, s.media),
        Err(error) => return refused(error),
    };
    match uploads::complete(&req.app, account, id, req.meta()).await {
        Ok(receipt) => {
            uploads::process_if_eager(&req.app, media).await;
            let status = if length == 0 { StatusCode::CREATED } else { StatusCode::NO_CONTENT };
            let told = [("upload-offset", length.to_string()), ("x-position", receipt.position.to_string())];
            let mut res = answer(status, &told, "");
            set(&mut res, LOCATION, &format!("/uploads/{id}"));
            Ok(res)
        }
        Err(error) => refused(error),
    }
}

async fn terminate(req: Req) -> Result<Res, HttpError> {
    if let Some(res) = check(&req)? {
        return Ok(res);
    }
    match uploads::terminate(&req.app, req.account()?.id, req.id_param("id")?).await {
        Ok(()) => Ok(answer(StatusCode::NO_CONTENT, &[], "")),
        Err(error) => refused(error),
    }
}

/// The words of a refused upload as a page's error.
#[must_use]
pub fn as_http(error: UploadError) -> HttpError {
    let words = error.to_string();
    match error {
        UploadError::TooLarge { .. } | UploadError::TooMany => HttpError::TooLarge(words),
        UploadError::Quota { .. } | UploadError::NoRoom { .. } => HttpError::NoRoom(words),
        UploadError::NotFound | UploadError::NoSuchWork => HttpError::NotFound,
        UploadError::NoFile | UploadError::Unreadable(_) => HttpError::BadRequest(words),
        UploadError::KindNotTaken { .. } => HttpError::UnsupportedType(words),
        UploadError::Fetch(_) => HttpError::Unprocessable(words),
        UploadError::Offset { .. } | UploadError::Busy => HttpError::Conflict(words),
        UploadError::Checksum | UploadError::BrokenOff => HttpError::BadRequest(words),
        UploadError::Store(e) => e.into(),
        UploadError::Io(e) if e.kind() == std::io::ErrorKind::StorageFull => {
            HttpError::NoRoom("The disk is full. Nothing was kept; ask the operator.".into())
        }
        UploadError::Io(e) => HttpError::Internal(format!("upload: {}", e.kind())),
        UploadError::Command(e) => e.into(),
    }
}

/// 303 to the list of uploads, or to the work whose file was replaced; it waits for what was just done.
pub(super) fn to_list(receipt: crate::actors::bus::Receipt, replaced: Option<Uuid>) -> Res {
    match replaced {
        Some(media) => response::after(receipt, &format!("/studio/media/{media}")),
        None => response::after(receipt, "/studio/uploads"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Engine, STANDARD, about};

    #[test]
    fn metadata_is_base64_by_name() {
        let said = about("filename d29ybGQubXA0,title VGhlIFdvcmxk, is_confidential");
        assert_eq!((said.file_name.as_str(), said.title.as_str()), ("world.mp4", "The World"));
        assert_eq!(said.replaces, None);
        let id = uuid::Uuid::from_u128(7);
        let said = about(&format!("replaces {}", STANDARD.encode(id.to_string())));
        assert_eq!(said.replaces, Some(id));
    }
}
