//! The plain form: files in one request, for small files and browsers without scripts.

use super::replacing;
use super::tus::{as_http, may_replace, to_list};
use crate::actors::accounts::access_tokens::Scope;
use crate::actors::idempotency::{self, Key};
use crate::actors::uploads::{self, About};
use crate::domain::shared::derive_id;
use crate::http::error::HttpError;
use crate::http::idempotent::{self, By};
use crate::http::{Req, Res};
use futures_util::StreamExt;

/// Longest text field beside the file.
const FIELD_BYTES: usize = 64 << 10;

/// Takes a form apart while it arrives; the token comes before the file or the file is not taken.
pub(super) async fn receive(mut req: Req) -> Result<Res, HttpError> {
    let account = req.account()?.id;
    let boundary = multer::parse_boundary(req.header("content-type"))
        .map_err(|_| HttpError::BadRequest("The form cannot be read.".into()))?;
    let announced: u64 = req.header("content-length").parse().unwrap_or(0);
    let mut proven = !req.header("x-csrf-token").is_empty() || req.account()?.scopes.is_some();
    let (mut title, mut field_key) = (String::new(), String::new());
    let mut replaces = None;
    let mut last = None;
    let mut entered: Option<(By, Key)> = None;
    let mut files = 0_u32;
    let mut form = multer::Multipart::new(req.take_body()?, boundary);
    let broken = |_| {
        HttpError::BadRequest("The upload broke off. Send it again, or use a browser with scripts, which goes on where it stopped.".into())
    };
    while let Some(mut field) = form.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        if name != "file" && name != "new_file" {
            let mut text = vec![];
            while let Some(part) = field.chunk().await.map_err(broken)? {
                if text.len() + part.len() > FIELD_BYTES {
                    return Err(HttpError::TooLarge("A field of the form is too long.".into()));
                }
                text.extend_from_slice(&part);
            }
            let text = String::from_utf8_lossy(&text).trim().to_owned();
            match name.as_str() {
                "_csrf" => {
                    req.check_csrf(&text)?;
                    proven = true;
                }
                "title" => title = text,
                "replaces" => replaces = Some(text.parse().map_err(|_| HttpError::NotFound)?),
                "idempotency_key" => field_key = text,
                _ => {}
            }
            continue;
        }
        if !proven {
            return Err(HttpError::Forbidden(
                "This form is incomplete. Reload the page and send it again.".into(),
            ));
        }
        let file_name = field.file_name().unwrap_or_default().to_owned();
        if file_name.is_empty() {
            break;
        }
        let about = About { file_name, title: title.clone(), replaces, ..About::default() };
        may_replace(&req, &about).await?.map_err(as_http)?;
        // Before the first byte of the file: the whole form is as long as the announcement says.
        if files == 0
            && let Err(error) = uploads::check_room(&req.app, account, announced).await
        {
            req.app.metrics.media.uploads.with_label_values(&["refused"]).inc();
            return replacing::refused(&req, (replaces, &title), error).await;
        }
        let bytes = field.map(|part| part.map_err(std::io::Error::other));
        let original = match uploads::stage(&req.app, account, &about.file_name, bytes).await {
            Ok(original) => original,
            Err(error) => return replacing::refused(&req, (replaces, &title), error).await,
        };
        let mut id = req.app.clock.new_id();
        if let Some((by, key)) = idempotent::key(&req, &field_key, Some(Scope::MediaWrite.code()))? {
            if entered.is_none() {
                let of = replaces.map(|id| format!("\n{id}")).unwrap_or_default();
                let content = format!("{title}\n{}\n{}{of}", about.file_name, original.sha256);
                if let Some(res) = idempotent::enter(&req, by, &key, content.as_bytes()).await? {
                    return Ok(res);
                }
            }
            // The same work also where the answer was lost with its process.
            id = derive_id(&format!("form upload {} {}", key.who, key.key), &files.to_string());
            entered = Some((by, key));
        }
        files += 1;
        let taken = uploads::take_staged(&req.app, account, id, original, &about, req.meta()).await;
        let receipt = match (taken, &entered) {
            (Ok(receipt), _) => receipt,
            // Nothing has happened: another file may be sent with the same key.
            (Err(error), Some((By::Form, key))) if files == 1 => {
                idempotency::forget(&req.app, key).await?;
                return replacing::refused(&req, (replaces, &title), error).await;
            }
            (Err(error), Some((by, key))) => {
                return idempotent::keep(&req.app, key, *by, Err(as_http(error))).await;
            }
            (Err(error), None) => return replacing::refused(&req, (replaces, &title), error).await,
        };
        uploads::process_if_eager(&req.app, replaces.unwrap_or(id)).await;
        last = Some(receipt);
        if replaces.is_some() {
            break;
        }
    }
    match (last, entered) {
        (Some(receipt), Some((by, key))) => {
            idempotent::keep(&req.app, &key, by, Ok(to_list(receipt, replaces))).await
        }
        (Some(receipt), None) => Ok(to_list(receipt, replaces)),
        (None, _) => replacing::no_file(&req, replaces, &title).await,
    }
}
