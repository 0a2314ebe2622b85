//! The part of a work's editor where a new file takes the place of the one there.

use super::editor::{find_by_id, view};
use super::tus::as_http;
use super::uploads::page_of;
use crate::actors::former_files;
use crate::actors::uploads::{UploadError, is_about_file};
use crate::http::error::HttpError;
use crate::http::form::Form;
use crate::http::response::see_other;
use crate::http::ui::{
    Errors, Field, Tone, Weight, button, form_inline, format, hidden_fields, notice, notice_text, table,
};
use crate::http::{Req, Res};
use crate::projections::media::{self as works, Held, Work};
use maud::{Markup, html};
use uuid::Uuid;

/// What stands in the editor: the form, a new file that is on its way, and files that it took the place of.
pub(super) async fn section(req: &Req, work: &Work, errors: &Errors) -> Result<Markup, HttpError> {
    let held = works::originals_of(&req.app.reader, work.id).await?;
    let former: Vec<&Held> = held.iter().filter(|h| h.role == "former").collect();
    let base = format!("/studio/media/{}", work.id);
    let most = format::bytes(req.app.config.limits.upload_bytes);
    let hint = format!(
        "One file of the same kind, at most {most}. The address, comments, likes and numbers stay, and so do captions and chapters: see whether they still fit."
    );
    Ok(html! {
        section.stack aria-labelledby="replace" {
            h2 #replace { "Replace the file" }
            @if let Some(next) = &work.next {
                (notice(Tone::Info, &html! {
                    p { "A new file (" (format::bytes(next.bytes)) ", " (format::moment(next.received_at)) ") is being processed. What was there before plays until it is ready." }
                    (form_inline(req, &format!("{base}/withdraw"), &button::submit("Take the new file back", Weight::Plain)))
                }))
            }
            @if let Some(refused) = &work.refused {
                (notice_text(Tone::Danger, &format!("The new file of {} was not accepted, and what was there stays. {}", format::moment_text(refused.at), refused.reason)))
            }
            form.form.upload method="post" action="/uploads/" enctype="multipart/form-data" data-upload data-replaces=(work.id) {
                (hidden_fields(req))
                input type="hidden" name="replaces" value=(work.id);
                (Field::new("new_file", "New file").kind("file").hint(&hint).errors(errors).render())
                div.row { (button::submit("Replace", Weight::Plain)) }
            }
            @if !former.is_empty() { (kept(req, &base, &former)) }
        }
    })
}

fn kept(req: &Req, base: &str, former: &[&Held]) -> Markup {
    let rows: Vec<Vec<Markup>> = former
        .iter()
        .map(|file| {
            vec![
                table::head(&html! { (format::moment(file.since)) }),
                table::text(&format::moment_text(file.since + former_files::KEPT)),
                table::number(&format::bytes(file.bytes)),
            ]
        })
        .collect();
    let columns = [
        table::Column::new("Replaced or taken back"),
        table::Column::new("Erased at the latest"),
        table::Column::number("Bytes"),
    ];
    html! {
        (table::table("Former files", &columns, &rows))
        (form_inline(req, &format!("{base}/erase-former"), &button::submit("Erase former files now", Weight::Danger)))
    }
}

/// Former files and all that was made of them go at once.
pub(super) async fn erase_former(req: &Req, work: &Work) -> Result<Res, HttpError> {
    for held in works::originals_of(&req.app.reader, work.id).await? {
        if held.role == "former" {
            former_files::erase(&req.app, &held, &req.meta()).await.map_err(|error| match error {
                former_files::EraseError::Command(e) => e.into(),
                former_files::EraseError::Store(e) => e.into(),
                former_files::EraseError::Io(e) => HttpError::Internal(format!("erasing: {}", e.kind())),
            })?;
        }
    }
    Ok(see_other(&format!("/studio/media/{}", work.id)))
}

async fn at_the_field(req: &Req, media: Uuid, error: &HttpError, words: String) -> Result<Res, HttpError> {
    let work = find_by_id(req, media).await?;
    let mut res = view(req, &work, None, &Errors::one("new_file", words)).await?;
    *res.status_mut() = error.status();
    Ok(res)
}

/// The page of uploads once more, with what was typed; programs get the plain answer.
async fn at_the_list(req: &Req, title: &str, error: HttpError, words: String) -> Result<Res, HttpError> {
    if req.account()?.scopes.is_some() {
        return Err(error);
    }
    let mut typed = Form::default();
    typed.push("title", title);
    let mut res = page_of(req, Some(&typed), &Errors::one("file", words)).await?;
    *res.status_mut() = error.status();
    Ok(res)
}

/// A refused upload: the form is there once more and says why at the field; with a work whose file it was to replace,
/// that is in the work's editor.
pub(super) async fn refused(
    req: &Req,
    (replaces, title): (Option<Uuid>, &str),
    error: UploadError,
) -> Result<Res, HttpError> {
    let words = error.to_string();
    let at_field = is_about_file(&error)
        || matches!(
            error,
            UploadError::TooLarge { .. }
                | UploadError::Quota { .. }
                | UploadError::NoRoom { .. }
                | UploadError::KindNotTaken { .. }
        );
    match (replaces, as_http(error)) {
        (Some(media), error) if at_field => at_the_field(req, media, &error, words).await,
        (None, error) if at_field => at_the_list(req, title, error, words).await,
        (_, error) => Err(error),
    }
}

/// No file was chosen.
pub(super) async fn no_file(req: &Req, replaces: Option<Uuid>, title: &str) -> Result<Res, HttpError> {
    let words = "Choose a file first.".to_owned();
    let error = HttpError::Unprocessable(words.clone());
    match replaces {
        Some(media) => at_the_field(req, media, &error, words).await,
        None => at_the_list(req, title, error, words).await,
    }
}
