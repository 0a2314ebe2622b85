//! Forms with one small file, which is read whole: statements, captions. Works are not sent this way.

use super::error::HttpError;
use super::form::Form;
use super::request::Req;

/// Reads a `multipart/form-data` form: its fields, and the bytes of the field `file` (none if no file was
/// chosen). The token against forgery is checked before the file is given out.
///
/// # Errors
/// [`HttpError::TooLarge`] with `too_large` above `most` bytes, [`HttpError::Forbidden`] without a token,
/// [`HttpError::BadRequest`] if it is no such form or breaks off.
pub async fn form_with_file(
    req: &mut Req,
    most: usize,
    too_large: &str,
) -> Result<(Form, Vec<u8>), HttpError> {
    let mut proven = !req.header("x-csrf-token").is_empty();
    let incomplete =
        || HttpError::Forbidden("This form is incomplete. Reload the page and send it again.".into());
    let boundary = multer::parse_boundary(req.header("content-type")).map_err(|_| match proven {
        true => HttpError::BadRequest("The form cannot be read.".into()),
        false => incomplete(),
    })?;
    let mut parts = multer::Multipart::new(req.take_body()?, boundary);
    let broken = |_| HttpError::BadRequest("The upload broke off. Send it again.".into());
    let (mut form, mut file) = (Form::default(), Vec::new());
    while let Some(mut part) = parts.next_field().await.map_err(broken)? {
        let name = part.name().unwrap_or_default().to_owned();
        let mut bytes = Vec::new();
        while let Some(piece) = part.chunk().await.map_err(broken)? {
            if bytes.len() + piece.len() > most {
                return Err(HttpError::TooLarge(too_large.to_owned()));
            }
            bytes.extend_from_slice(&piece);
        }
        match name.as_str() {
            "_csrf" => {
                req.check_csrf(&String::from_utf8_lossy(&bytes))?;
                proven = true;
            }
            "file" => file = bytes,
            _ => form.push(&name, &String::from_utf8_lossy(&bytes)),
        }
    }
    if proven { Ok((form, file)) } else { Err(incomplete()) }
}
