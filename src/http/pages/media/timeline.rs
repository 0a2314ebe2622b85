//! Captions and chapters in the editor of a work.

use super::MAKERS;
use super::editor::{find, view};
use crate::actors::CommandError;
use crate::actors::bus::{Envelope, Receipt};
use crate::actors::media_captions::{self, CaptionsError};
use crate::domain::media::{Chapter, Kind, Media, MediaCommand, MediaError};
use crate::domain::shared::Language;
use crate::http::error::HttpError;
use crate::http::page::unprocessable;
use crate::http::response::after;
use crate::http::route::{Access, Route};
use crate::http::sent_file::{Sent, sent};
use crate::http::ui::{
    Errors, Field, Tone, Weight, button, checkbox, form, form_inline, format, hidden_fields, notice_text,
    table,
};
use crate::http::{Form, Req, Res};
use crate::media::captions::{MOST_BYTES, moment};
use crate::projections::media::Work;
use maud::{Markup, html};
use warp::http::StatusCode;

pub(super) fn routes() -> Vec<Route> {
    let makers = Access::Role(MAKERS);
    vec![
        Route::post("/studio/media/{id}/captions", makers, add).stream_body(),
        Route::post("/studio/media/{id}/captions/remove", makers, remove),
        Route::post("/studio/media/{id}/chapters", makers, chapters),
    ]
}

fn back(receipt: Receipt, work: &Work) -> Res {
    after(receipt, &format!("/studio/media/{}", work.id))
}

async fn add(mut req: Req) -> Result<Res, HttpError> {
    // First of all the token: a forged form learns nothing about works.
    let Sent { form, file: bytes, too_large } = sent(&mut req, MOST_BYTES).await?;
    let work = find(&req).await?;
    if too_large {
        let words = "The file is larger than 4 MB. Captions hold only text: is this the right file?";
        let mut page = view(&req, &work, Some(&form), &Errors::one("file", words)).await?;
        *page.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return Ok(page);
    }
    let mut errors = Errors::none();
    let language = Language::parse(form.get("language"));
    if let Err(why) = &language {
        errors.add("language", why.to_string());
    }
    if bytes.is_empty() {
        errors.add("file", "Choose a file with captions: SRT, WebVTT or ASS.");
    }
    let Some(language) = language.ok().filter(|_| errors.is_empty()) else {
        return Ok(unprocessable(view(&req, &work, Some(&form), &errors).await?));
    };
    let track = (language, form.ticked("sounds"));
    let id = req.command_id(&form);
    match media_captions::add(&req.app, &work, track, bytes, id, req.meta()).await {
        Ok(receipt) => Ok(back(receipt, &work)),
        Err(error) => {
            let words = refusal(error)?;
            Ok(unprocessable(view(&req, &work, Some(&form), &Errors::one("file", words)).await?))
        }
    }
}

/// The words for whoever sent the file, if it is about the file.
fn refusal(error: CaptionsError) -> Result<String, HttpError> {
    match error {
        CaptionsError::File(why) => Ok(why.to_string()),
        CaptionsError::Command(CommandError::Refused(why)) => Ok(why.to_string()),
        CaptionsError::Command(other) => Err(other.into()),
        CaptionsError::Store(error) => Err(error.into()),
        CaptionsError::Io(e) => Err(HttpError::Internal(format!("captions: {}", e.kind()))),
    }
}

async fn remove(mut req: Req) -> Result<Res, HttpError> {
    let work = find(&req).await?;
    let form = req.form().await?;
    let id = req.command_id(&form);
    let sent = media_captions::remove(&req.app, &work, form.get("track"), id, req.meta()).await;
    match sent {
        Ok(receipt) => Ok(back(receipt, &work)),
        Err(error) => Err(HttpError::Conflict(refusal(error)?)),
    }
}

async fn chapters(mut req: Req) -> Result<Res, HttpError> {
    let work = find(&req).await?;
    let form = req.form().await?;
    let refused = async |words: String| {
        Ok(unprocessable(view(&req, &work, Some(&form), &Errors::one("chapters", words)).await?))
    };
    let chapters = match read(form.raw("chapters")) {
        Ok(chapters) => chapters,
        Err(words) => return refused(words).await,
    };
    let command = MediaCommand::SetChapters { chapters, at: req.now() };
    let envelope = Envelope::new(req.command_id(&form), work.id, command, req.meta());
    let sent: Result<Receipt, CommandError<MediaError>> = req.app.bus.dispatch::<Media>(envelope).await;
    match sent {
        Ok(receipt) => Ok(back(receipt, &work)),
        Err(CommandError::Refused(why)) => refused(why.to_string()).await,
        Err(other) => Err(other.into()),
    }
}

/// One chapter a line: `1:23 Its name`.
fn read(text: &str) -> Result<Vec<Chapter>, String> {
    let line = |line: &str| {
        let (time, title) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match moment(time) {
            Some(at_ms) if !title.trim().is_empty() => Ok(Chapter { at_ms, title: title.trim().to_owned() }),
            _ => Err(format!("“{}” is no chapter. Write one a line, such as: 1:23 The forest", shown(line))),
        }
    };
    text.lines().map(str::trim).filter(|l| !l.is_empty()).map(line).collect()
}

fn shown(line: &str) -> String {
    line.chars().take(60).collect()
}

fn written(chapters: &[Chapter]) -> String {
    let line = |c: &Chapter| {
        let rest = c.at_ms % 1000;
        let fraction = if rest > 0 { format!(".{rest:03}") } else { String::new() };
        let (hours, minutes, seconds) = (c.at_ms / 3_600_000, c.at_ms / 60_000 % 60, c.at_ms / 1000 % 60);
        let clock = if hours > 0 {
            format!("{hours}:{minutes:02}:{seconds:02}")
        } else {
            format!("{minutes}:{seconds:02}")
        };
        format!("{clock}{fraction} {}", c.title)
    };
    chapters.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The two sections; nothing for what has no length.
pub(super) fn sections(req: &Req, work: &Work, typed: Option<&Form>, errors: &Errors) -> Markup {
    if !matches!(work.kind, Some(Kind::Video | Kind::Audio)) {
        return html! {};
    }
    let base = format!("/studio/media/{}", work.id);
    let value = |name: &str| typed.map_or("", |f| f.raw(name));
    let lines = match typed.filter(|f| f.has("chapters")) {
        Some(form) => form.raw("chapters").to_owned(),
        None => written(&work.chapters),
    };
    let chapters = html! {
        (Field::new("chapters", "Chapters").value(&lines).long_area().optional().hint("One a line: where it begins, then its name. Such as: 1:23 The forest").errors(errors).render())
        div.row { (button::submit("Save chapters", Weight::Plain)) }
    };
    html! {
        section.stack aria-labelledby="captions" {
            h2 #captions { "Captions" }
            @if let Some(words) = pictures_inside(work.facts.picture_subtitles) { (notice_text(Tone::Info, &words)) }
            @if !work.captions.is_empty() { (kept(req, work, &base)) }
            form.form method="post" action={ (base) "/captions" } enctype="multipart/form-data" novalidate {
                (hidden_fields(req))
                (Field::new("language", "Language").value(value("language")).mid().list("languages").maxlength(20).hint("Its code, such as en, de or pt-BR.").errors(errors).render())
                datalist #languages { @for (code, name) in Language::offered() { option value=(code) { (name) } } }
                (Field::new("file", "File").kind("file").hint("SRT, WebVTT or ASS. One of the same language is replaced.").errors(errors).render())
                (checkbox("sounds", "It also tells what is heard beside speech, for people who do not hear it.", typed.is_some_and(|f| f.ticked("sounds")), None))
                div.row { (button::submit("Add captions", Weight::Plain)) }
            }
        }
        section.stack aria-labelledby="chapter-list" {
            h2 #chapter-list { "Chapters" }
            (form(req, &format!("{base}/chapters"), &chapters))
        }
    }
}

/// What is said of subtitles that cannot be taken over.
fn pictures_inside(count: u32) -> Option<String> {
    let (begin, them) = match count {
        0 => return None,
        1 => ("One subtitle track inside the file is made of pictures".to_owned(), "it has"),
        n => (format!("{n} subtitle tracks inside the file are made of pictures"), "they have"),
    };
    Some(format!(
        "{begin}, as on DVD and Blu-ray, and cannot be shown. If {them} a text form, add it as SRT, WebVTT or ASS."
    ))
}

fn kept(req: &Req, work: &Work, base: &str) -> Markup {
    let rows: Vec<Vec<Markup>> = work
        .captions
        .iter()
        .map(|c| {
            let act = html! {
                input type="hidden" name="track" value=(c.track());
                (button::submit("Remove", Weight::Plain))
            };
            vec![
                table::head(&html! { (c.label()) }),
                table::text(c.language.as_str()),
                table::number(&c.cues.to_string()),
                table::number(&format::bytes(c.bytes)),
                table::cell(&form_inline(req, &format!("{base}/captions/remove"), &act)),
            ]
        })
        .collect();
    let columns = [
        table::Column::new("Language"),
        table::Column::new("Code"),
        table::Column::number("Captions"),
        table::Column::number("Bytes"),
        table::Column::new("Action"),
    ];
    table::table("Captions", &columns, &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chapters_are_read_as_they_are_written() {
        let text = "0:00 Opening\n1:23.500 The forest\n\n1:02:03   Home  \n";
        let chapters = read(text).unwrap();
        assert_eq!(chapters.iter().map(|c| c.at_ms).collect::<Vec<_>>(), [0, 83_500, 3_723_000]);
        assert_eq!(written(&chapters), "0:00 Opening\n1:23.500 The forest\n1:02:03 Home");
        assert_eq!(read(&written(&chapters)), Ok(chapters));
        for bad in ["Opening", "0:00", "1:99 x", "x 0:10"] {
            assert!(read(bad).unwrap_err().contains(bad), "{bad}");
        }
    }
}
