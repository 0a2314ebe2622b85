//! Texts of the studio as people read them: Markdown, and in between works, players of other sites, and the
//! invitation to join.

use super::may_edit;
use super::works::{Gate, kind_words, seconds, work_picture};
use crate::http::ui::button::link;
use crate::http::ui::shortcodes::{Part, parts};
use crate::http::ui::{Weight, format, markdown_below};
use crate::http::{HttpError, Req};
use crate::projections::catalogue::{self, Work};
use maud::{Markup, html};
use url::Url;

/// A text that stands under a heading of level `above`, with what its shortcodes stand for. A work that the viewer
/// may not know of, or a shortcode of which nothing can be made, stays as it was written.
///
/// # Errors
/// If the database cannot be read.
pub async fn prose(req: &Req, text: &str, above: usize) -> Result<Markup, HttpError> {
    let parts = parts(text);
    let named = parts.iter().filter_map(|part| match part {
        Part::Attachment { slug, .. } => Some(*slug),
        _ => None,
    });
    let works = catalogue::works_by_slugs(&req.app.reader, &named.collect::<Vec<_>>()).await?;
    let invitation = if parts.contains(&Part::Join) {
        invitation(req).await?
    } else {
        html! {}
    };
    let known = |slug: &str| works.get(slug).filter(|w| w.public || may_edit(req, w.state.owner));
    Ok(html! {
        @for part in parts {
            @match part {
                Part::Text(text) => (markdown_below(text, above)),
                Part::Join => (invitation),
                Part::Attachment { slug, line } => (known(slug).map_or_else(|| written(line), shown)),
                Part::Embed { url, line } => (embed(req, url).unwrap_or_else(|| written(line))),
            }
        }
    })
}

fn written(line: &str) -> Markup {
    html! { p { (line) } }
}

/// Who has joined needs no invitation.
async fn invitation(req: &Req) -> Result<Markup, HttpError> {
    if Gate::of(req).await?.all() {
        return Ok(html! {});
    }
    let join = req.app.join_words().unwrap_or_else(|| "Join the studio".into());
    Ok(html! {
        aside.attachment.locked aria-label="For members" {
            p { "Everything the studio publishes is open to members." }
            div.row { (link(&join, "/join", Weight::Main)) }
        }
    })
}

/// A still with its title, which leads to the work's page; without a still a line.
fn shown(work: &Work) -> Markup {
    let href = format!("/media/{}", work.slug);
    let sub = match seconds(work) {
        Some(seconds) => format!("{}, {}", kind_words(work), format::clock(seconds)),
        None => kind_words(work).to_owned(),
    };
    // Uncut, in its own shape.
    let still = work_picture(work, &work.state.title);
    let files = still.iter().flat_map(|p| &p.files).filter(|f| f.kind == "image/jpeg");
    let file = files.min_by_key(|f| f.width.abs_diff(1280));
    html! {
        figure.attachment {
            @if let (Some(pic), Some(file)) = (&still, file) {
                a href=(href) { img src=(file.url) width=(pic.width) height=(pic.height) alt=(pic.alt) loading="lazy" decoding="async"; }
            }
            figcaption.muted { a href=(href) { (work.state.title) } " · " (sub) }
        }
    }
}

/// A player of a site that may stand here; a link to any other.
fn embed(req: &Req, address: &str) -> Option<Markup> {
    let url = Url::parse(address).ok().filter(|url| url.scheme() == "https")?;
    let host = url.host_str()?;
    if !req.app.config.delivery.players().iter().any(|known| known == host) {
        return Some(html! { p { a href=(url) rel="nofollow noopener" { (url) } } });
    }
    Some(html! {
        div.attachment.frame {
            iframe src=(url) title={ "Player of " (host) } loading="lazy" allow="fullscreen"
                sandbox="allow-scripts allow-same-origin allow-popups" referrerpolicy="strict-origin-when-cross-origin" {}
        }
    })
}
