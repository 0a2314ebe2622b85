//! What is read, turned around or unpacked instead of played: documents, text, models, archives and
//! files of other programs, as parts of pages.

use super::delivery::{may_edit, signed_base};
use super::error::HttpError;
use super::files::unreadable;
use super::player::{picture_url, poster};
use super::request::Req;
use super::ui::table::{self, Column, table};
use super::ui::{Fetch, Icon, Ratio, Tone, format, icon, notice_text, picture};
use crate::actors::encoder::{OFFICE, VIEW, limits};
use crate::domain::media::Kind;
use crate::media::store::MediaStore;
use crate::media::{archives, documents, texts};
use crate::projections::media::Work;
use maud::{Markup, html};

/// The scripts that show more than plain HTML does; none is needed.
#[must_use]
pub fn script(work: &Work) -> Option<&'static str> {
    match work.kind {
        Some(Kind::Model) => Some("model.js"),
        Some(Kind::Document) if work.facts.format == "text" => Some("code.js"),
        _ => None,
    }
}

/// Width of a page's content, in pixels.
const WIDE: u32 = 1280;

/// Longest list of pages or files that is read.
const LIST: u64 = 64 << 20;

/// A list that was made of the work; empty if it is not there.
async fn made(req: &Req, work: &Work, name: &str) -> Result<Vec<u8>, HttpError> {
    let key = format!("{}/{name}", MediaStore::public_key(work.id, work.playable));
    Ok(req.app.files.read(&key, work.place, LIST).await.map_err(unreadable)?.unwrap_or_default())
}

async fn off_thread<T: Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> Result<T, HttpError> {
    tokio::task::spawn_blocking(read).await.map_err(|e| HttpError::Internal(e.to_string()))
}

/// Whether a work has many pages: whoever comes to it is to see what it is, and where it is downloaded, before them.
#[must_use]
pub fn is_long(work: &Work) -> bool {
    work.kind == Some(Kind::Document) && work.facts.pages > 1
}

/// The stage of a work that has no length.
///
/// # Errors
/// If its files cannot be read.
pub async fn show(req: &Req, work: &Work) -> Result<Markup, HttpError> {
    match work.kind {
        Some(Kind::Document) if work.facts.format == "text" => text(req, work).await,
        Some(Kind::Document) => document(req, work).await,
        Some(Kind::Model) => Ok(model(req, work)),
        Some(Kind::Archive) => archive(req, work).await,
        Some(Kind::Other) => Ok(other(req, work)),
        _ => Ok(still(work)),
    }
}

fn still(work: &Work) -> Markup {
    let pic = poster(work, &work.title, true);
    // Never larger than it is: pixels that are not there only blur it.
    let small = pic.as_ref().map(|p| p.width).filter(|width| *width < WIDE);
    let sizes =
        small.map_or_else(|| "(min-width: 80rem) 80rem, 100vw".to_owned(), |width| format!("{width}px"));
    html! { div.stage.still { (picture(pic.as_ref(), Ratio::Fill, &sizes, Fetch::First, &html! {})) } }
}

/// Pages that are shown at once; who reads on opens the others.
const OPEN: usize = 8;

fn leaf(base: &str, n: usize, page: &documents::Page, of: u32) -> Markup {
    html! {
        figure id={ "page-" (n + 1) } {
            img src={ (base) "/" (page.file) } width=(page.width) height=(page.height) loading=[(n > 0).then_some("lazy")] decoding="async"
                alt={ "Page " (n + 1) @if !page.text.is_empty() { ", its text follows" } };
            figcaption.row.small.dim {
                span { "Page " (n + 1) " of " (of) }
                @if !page.text.is_empty() { details { summary { "Text of this page" } pre.leaf-text { (page.text) } } }
            }
        }
    }
}

async fn document(req: &Req, work: &Work) -> Result<Markup, HttpError> {
    let list = made(req, work, documents::PAGES).await?;
    let pages = off_thread(move || documents::pages(&list)).await?;
    let base = signed_base(req, work);
    let of = work.facts.pages;
    Ok(html! {
        section.leaves aria-label={ "Pages of " (work.title) } {
            @for (n, page) in pages.iter().enumerate().take(OPEN) { (leaf(&base, n, page, of)) }
            @if pages.len() > OPEN {
                details.fold {
                    summary { (icon(Icon::ChevronRight)) "Show pages " (OPEN + 1) " to " (pages.len()) }
                    div.leaves { @for (n, page) in pages.iter().enumerate().skip(OPEN) { (leaf(&base, n, page, of)) } }
                }
            }
        }
        @if pages.len() < of as usize {
            (notice_text(Tone::Info, &format!("{} of {of} pages are shown. All of them are in the download.", pages.len())))
        }
    })
}

/// Whether lines are those of paragraphs, which may be broken where there is no room for them; drawings of letters and
/// code may not.
fn is_prose(ending: &str) -> bool {
    matches!(ending, "md" | "markdown" | "rst" | "tex" | "fountain")
}

async fn text(req: &Req, work: &Work) -> Result<Markup, HttpError> {
    let limits = limits(&req.app.config);
    let key = MediaStore::original_key(&work.sha256).ok_or(HttpError::NotFound)?;
    let read = req.app.files.read(&key, work.place, texts::shown(&limits) + 1).await.map_err(unreadable)?;
    let bytes = read.ok_or(HttpError::NotFound)?;
    let (text, more) = off_thread(move || texts::decode(bytes, &limits)).await?;
    Ok(html! {
        div.stage.code.prose-lines[is_prose(&work.ending)] tabindex="0" role="region" aria-label={ "Text of " (work.title) } {
            pre { code data-language=(work.ending) { (text) } }
        }
        @if more { (notice_text(Tone::Info, "This is its beginning. All of it is in the download.")) }
    })
}

fn model(req: &Req, work: &Work) -> Markup {
    let pic = poster(work, &format!("{}, drawn from the front", work.title), true);
    html! {
        div.stage.model data-model={ (signed_base(req, work)) "/" (VIEW) } {
            (picture(pic.as_ref(), Ratio::Fill, "(min-width: 80rem) 80rem, 100vw", Fetch::First, &html! {}))
            button.btn.main type="button" data-model-open hidden { "Turn it around" }
            p.small role="status" data-model-state {}
        }
        p.small.dim { (format::count(i64::try_from(work.facts.triangles).unwrap_or(i64::MAX))) " triangles" }
    }
}

async fn archive(req: &Req, work: &Work) -> Result<Markup, HttpError> {
    let list = made(req, work, archives::LISTING).await?;
    let listing = off_thread(move || archives::listing(&list)).await?;
    let rows: Vec<Vec<Markup>> = listing
        .entries
        .iter()
        .map(|e| vec![table::head(&html! { (e.name) }), table::number(&format::bytes(e.bytes))])
        .collect();
    let count = format::count(i64::from(work.facts.entries));
    Ok(html! {
        (card(work, Icon::Package, &format!("{count} files, {} when unpacked", format::bytes(work.facts.unpacked_bytes))))
        details.panel.listing.fold open[rows.len() <= 40] {
            summary { (icon(Icon::ChevronRight)) "What is in it" }
            (table("Files in the archive", &[Column::new("File"), Column::number("Length")], &rows))
            @if listing.more { p.small.dim { "It holds more than is listed." } }
        }
    })
}

fn other(req: &Req, work: &Work) -> Markup {
    let words = match work.facts.format.as_str() {
        "blend" => "Blender project",
        OFFICE => "Office document",
        "" => "File of another program",
        format => format,
    };
    // Visitors can do nothing about it.
    let why = work.facts.not_shown.filter(|_| may_edit(req, work));
    html! {
        (card(work, Icon::File, words))
        @if let Some(why) = why { (notice_text(Tone::Info, why.sentence())) }
    }
}

/// What stands for a file that is only downloaded.
fn card(work: &Work, sign: Icon, words: &str) -> Markup {
    let pic = work.poster.as_ref().and_then(|p| p.widths.last()).map(|w| picture_url(work, *w, "jpg"));
    let ending = if work.ending.is_empty() { String::new() } else { format!(".{}", work.ending) };
    html! {
        div.stage.parcel {
            @match pic { Some(src) => img src=(src) alt={ "Thumbnail of " (work.title) }; , None => span.parcel-sign { (icon(sign)) } }
            div.stack.tight {
                p { strong { (words) } " " span.dim { (ending) } }
                p.dim { (format::bytes(work.bytes)) }
                @if work.kind == Some(Kind::Archive) {
                    p.small { "What is in it is listed below. Download it to unpack it." }
                } @else if work.facts.format == OFFICE {
                    p.small { "This studio cannot draw its pages. Download it and open it with an office program." }
                } @else {
                    p.small { "It is not shown here. Download it and open it with the program it was made with." }
                }
            }
        }
    }
}
