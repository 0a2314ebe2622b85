//! Forms with one small file, which is read whole: statements, captions. Works are not sent this way.

use super::error::HttpError;
use super::form::Form;
use super::request::Req;

/// A form that came with a file.
#[derive(Debug, Default)]
pub struct Sent {
    /// Its fields.
    pub form: Form,
    /// The file; empty if none was chosen, or if it is too large.
    pub file: Vec<u8>,
    /// Whether it is larger than it may be.
    pub too_large: bool,
}

/// How many times as much as is allowed is still read, to come to the fields behind it.
const READ_ON: usize = 16;

/// Reads a form with a file as [`sent`] does.
///
/// # Errors
/// [`HttpError::TooLarge`] with `too_large` above `most` bytes, and as [`sent`].
pub async fn form_with_file(
    req: &mut Req,
    most: usize,
    too_large: &str,
) -> Result<(Form, Vec<u8>), HttpError> {
    let sent = sent(req, most).await?;
    if sent.too_large { Err(HttpError::TooLarge(too_large.to_owned())) } else { Ok((sent.form, sent.file)) }
}

/// Reads a `multipart/form-data` form: its fields, and the bytes of the field `file`, at most `most`. The token
/// against forgery is checked before anything is given out.
///
/// # Errors
/// [`HttpError::Forbidden`] without a token, [`HttpError::BadRequest`] if it is no such form or breaks off,
/// [`HttpError::TooLarge`] for what is too large in another field, or so large that nobody reads on.
pub async fn sent(req: &mut Req, most: usize) -> Result<Sent, HttpError> {
    let mut proven = !req.header("x-csrf-token").is_empty();
    let incomplete =
        || HttpError::Forbidden("This form is incomplete. Reload the page and send it again.".into());
    let boundary = multer::parse_boundary(req.header("content-type")).map_err(|_| match proven {
        true => HttpError::BadRequest("The form cannot be read.".into()),
        false => incomplete(),
    })?;
    let mut parts = multer::Multipart::new(req.take_body()?, boundary);
    let broken = |_| HttpError::BadRequest("The upload broke off. Send it again.".into());
    let mut sent = Sent::default();
    while let Some(mut part) = parts.next_field().await.map_err(broken)? {
        let name = part.name().unwrap_or_default().to_owned();
        let (mut bytes, mut length) = (Vec::new(), 0_usize);
        while let Some(piece) = part.chunk().await.map_err(broken)? {
            length += piece.len();
            if length <= most {
                bytes.extend_from_slice(&piece);
            } else if name == "file" && length <= most.saturating_mul(READ_ON) {
                sent.too_large = true;
                bytes = Vec::new();
            } else {
                return Err(HttpError::TooLarge("What was sent is far too large for this form.".into()));
            }
        }
        match name.as_str() {
            "_csrf" => {
                req.check_csrf(&String::from_utf8_lossy(&bytes))?;
                proven = true;
            }
            "file" => sent.file = bytes,
            _ => sent.form.push(&name, &String::from_utf8_lossy(&bytes)),
        }
    }
    if proven { Ok(sent) } else { Err(incomplete()) }
}
