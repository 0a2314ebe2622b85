//! The player as a part of pages: a native `<video>` that works without scripts, the picture, the
//! sound, or the panel that says why not.

use super::delivery::{may_watch, signed_base};
use super::error::HttpError;
use super::player_controls::controls;
use super::request::Req;
use super::ui::{Fetch, Picture, Place, Ratio, Rendition, locked, notice_text, picture};
use super::ui::{Tone, format};
use super::viewer;
use crate::actors::watch_progress::Place as SeenTo;
use crate::domain::access::{Decision, Reason};
use crate::domain::media::{Codec, Kind, Tier};
use crate::projections::media::{self as works, Work};
use maud::{Markup, html};
use uuid::Uuid;

/// The script of the player, which counts how far somebody read as well.
pub const SCRIPT: &str = "player.js";

/// What a page shows of a work.
pub struct Stage {
    /// The player, the picture, or the panel instead.
    pub markup: Markup,
    /// The decision behind it.
    pub decision: Decision,
    /// The scripts that a page with it loads.
    pub scripts: Vec<&'static str>,
}

/// What the script tells the server about: a lesson with its course, or the work itself; only for
/// people who are signed in. With it comes where they were.
#[must_use]
pub fn watched(req: &Req, item: Uuid, course: Option<Uuid>, place: Option<&SeenTo>) -> Markup {
    if req.viewer.account.is_none() {
        return html! {};
    }
    let at = place.and_then(SeenTo::resume_at);
    html! {
        form data-watch data-at=[at] method="post" action="/progress" hidden {
            input type="hidden" name="_csrf" value=(req.csrf_token());
            input type="hidden" name="item" value=(item);
            @if let Some(course) = course { input type="hidden" name="course" value=(course); }
        }
        @if let Some(at) = at {
            p.small.dimmer.row data-resume {
                span { "You were at " (format::clock(at.into())) "." }
                button class="btn quiet small" type="button" hidden { "Start over" }
            }
        }
    }
}

/// The stage for a work by id; `None` if there is no such work or the viewer may not know of it.
///
/// # Errors
/// If the database cannot be read.
pub async fn stage_of(req: &Req, media: Uuid) -> Result<Option<Stage>, HttpError> {
    let Some(work) = works::by_id(&req.app.reader, media).await? else { return Ok(None) };
    if !super::delivery::may_see(req, &work).await?.allowed {
        return Ok(None);
    }
    Ok(Some(stage(req, &work).await?))
}

/// The stage for a work that the viewer may know of.
///
/// # Errors
/// If the facts about the viewer cannot be read.
pub async fn stage(req: &Req, work: &Work) -> Result<Stage, HttpError> {
    let decision = may_watch(req, work).await?;
    let markup = if !decision.allowed {
        locked_stage(req, work, &decision)
    } else if work.playable == 0 {
        notice_text(Tone::Info, not_yet(work.kind))
    } else {
        match work.kind {
            Some(Kind::Video) => video(req, work),
            Some(Kind::Audio) => audio(req, work),
            _ => viewer::show(req, work).await?,
        }
    };
    let more = viewer::script(work).filter(|_| decision.allowed);
    let scripts = [SCRIPT].into_iter().chain(more).collect();
    Ok(Stage { markup, decision, scripts })
}

/// What stands in the place of a work of which nothing is there yet.
fn not_yet(kind: Option<Kind>) -> &'static str {
    match kind {
        Some(Kind::Video | Kind::Audio) => "Nothing of this can be played yet: it is still being processed.",
        _ => "Nothing of this can be shown yet: it is still being processed.",
    }
}

fn locked_stage(req: &Req, work: &Work, decision: &Decision) -> Markup {
    let join = Place::new(req.app.join_words().unwrap_or_else(|| "Join the studio".into()), "/join");
    let sign_in = Place::new("Sign in", format!("/login?next=/media/{}", work.slug));
    let acts = match decision.reason {
        Reason::SignIn => vec![join, sign_in],
        Reason::ConfirmMail => vec![Place::new("Your account", "/account")],
        Reason::PayOrder(Some(order)) => {
            vec![Place::new("Pay the order", format!("/account/orders/{order}"))]
        }
        Reason::PayOrder(None) | Reason::Resume => {
            vec![Place::new("Your subscription", "/account/subscription")]
        }
        Reason::Leaving => vec![Place::new("Your request", "/account/deletion")],
        _ => vec![join],
    };
    let pic = poster(work, "", false);
    html! {
        div.stage.is-locked {
            (picture(pic.as_ref(), Ratio::Wide, "(min-width: 80rem) 80rem, 100vw", Fetch::First, &html! {}))
            (locked("For members", &what_is_locked(work, decision.reason.sentence()), &acts))
        }
    }
}

/// What members get, and how one gets it, in the word for what people do with such a thing.
fn what_is_locked(work: &Work, sentence: &str) -> String {
    let Some(kind) = work.kind else { return sentence.to_owned() };
    let number = |n: u32, one, many| format::counted(i64::from(n), one, many);
    let size = match kind {
        Kind::Video | Kind::Audio => (work.duration_ms > 0).then(|| format::length(work.duration_ms / 1000)),
        Kind::Image => (work.width > 0).then(|| format!("{} × {}", work.width, work.height)),
        Kind::Document => (work.facts.pages > 0).then(|| number(work.facts.pages, "page", "pages")),
        Kind::Archive => Some(number(work.facts.entries, "file", "files")),
        _ => None,
    };
    let bytes = work.facts.gives_original(kind).then(|| format::bytes(work.bytes));
    let told: Vec<String> = [Some(kind.words().to_owned()), size, bytes].into_iter().flatten().collect();
    let (to, on) = match kind {
        Kind::Video => ("watch", "watching"),
        Kind::Audio => ("listen to", "listening"),
        Kind::Document => ("read", "reading"),
        Kind::Image | Kind::Model => ("see", "seeing it"),
        _ => ("download", "downloading"),
    };
    let sentence = sentence
        .replace("watch this", &format!("{to} this"))
        .replace("go on watching", &format!("go on {on}"));
    format!("{}. {sentence}", told.join(", "))
}

/// Whether the network of caches wants cookies, which scripts send only when told to.
fn cookies(req: &Req) -> bool {
    req.app.config.cdn.base().is_some() && req.app.config.cdn.cookie_domain().is_some()
}

fn video(req: &Req, work: &Work) -> Markup {
    let base = signed_base(req, work);
    let top = |codec| {
        work.renditions
            .iter()
            .filter(|r| r.codec == codec && !r.name.contains('.'))
            .max_by_key(|r| u64::from(r.width) * u64::from(r.height))
    };
    let (av1, h264) = (top(Codec::Av1), top(Codec::H264));
    let lines = |r: &crate::domain::media::Rendition| r.width.min(r.height);
    // AV1 is preferred as soon as it is nearly as sharp as what was there first.
    let prefer = match (av1, h264) {
        (Some(a), Some(h)) if lines(a) * 3 >= lines(h) * 2 => a.codecs.as_str(),
        (Some(a), None) => a.codecs.as_str(),
        _ => "",
    };
    let plain = work.renditions.iter().find(|r| r.name == "download.mp4");
    let poster = work.poster.as_ref().and_then(|p| p.widths.last()).map(|w| picture_url(work, *w, "jpg"));
    html! {
        div.stage data-player data-hls={ (base) "/master.m3u8" } data-prefer=(prefer) data-cookies[cookies(req)] {
            video controls playsinline loop[work.facts.repeats] muted[work.facts.repeats] preload="none" width=[plain.map(|p| p.width)] height=[plain.map(|p| p.height)]
                poster=[poster] aria-label=(work.title) {
                source src={ (base) "/download.mp4" } type="video/mp4";
                (tracks(work, &base))
                p { "Your browser plays no video. " a href={ (base) "/download.mp4?download=1" } { "Download the film" } " instead." }
            }
            (controls(work, &base))
        }
    }
}

fn audio(req: &Req, work: &Work) -> Markup {
    let base = signed_base(req, work);
    // Its cover, or what it sounds like; the words beside it say what it is.
    let pic = poster(work, "", true);
    html! {
        div.stage.sound {
            @if pic.is_some() { (picture(pic.as_ref(), Ratio::Fill, "16rem", Fetch::First, &html! {})) }
            audio controls preload="none" src={ (base) "/download.m4a" } aria-label=(work.title) { (tracks(work, &base)) }
            (controls(work, &base))
        }
    }
}

/// Captions by language, and the chapters.
fn tracks(work: &Work, base: &str) -> Markup {
    html! {
        @for captions in &work.captions {
            @let kind = if captions.sounds { "captions" } else { "subtitles" };
            track kind=(kind) src={ (base) "/captions/" (captions.file()) } srclang=(captions.language) label=(captions.label());
        }
        @if !work.chapters.is_empty() { track kind="chapters" src={ (base) "/chapters.vtt" }; }
    }
}

/// The chapters as a list that leads into the work; empty if it has none.
#[must_use]
pub fn chapters(work: &Work) -> Markup {
    html! {
        @if !work.chapters.is_empty() {
            section.stack.tight aria-labelledby="chapters" {
                h2 #chapters { "Chapters" }
                ol.chapters {
                    @for chapter in &work.chapters {
                        @let seconds = chapter.at_ms / 1000;
                        li { a href={ "#t=" (seconds) } data-seek=(seconds) { span.dim.num { (format::clock(seconds)) } " " (chapter.title) } }
                    }
                }
            }
        }
    }
}

/// The address of one size of the picture that stands for a work.
#[must_use]
pub fn picture_url(work: &Work, width: u32, ending: &str) -> String {
    format!("/media/files/{}/{}/poster-{width}.{ending}", work.id, work.playable)
}

/// Up to this width the picture of a published work is public, whatever its tier.
const PUBLIC_WIDTH: u32 = 800;

/// Whether one size of the picture that stands for a work may be seen by all who may know of the work.
/// Of a still or a document for members only sizes for cards, and never the largest one, which is the work
/// itself or its first page to read.
#[must_use]
pub fn is_public_size(kind: Option<Kind>, tier: Tier, widths: &[u32], width: u32) -> bool {
    let largest = widths.iter().max().copied().unwrap_or(0);
    !matches!(kind, Some(Kind::Image | Kind::Document))
        || tier == Tier::Free
        || (width <= PUBLIC_WIDTH && width < largest)
}

/// The picture that stands for a work, in the sizes that may be seen: all of them with `whole`,
/// otherwise those for everybody. `None` if there is none.
#[must_use]
pub fn poster(work: &Work, alt: &str, whole: bool) -> Option<Picture> {
    let poster = work.poster.as_ref()?;
    let open = |w: &&u32| whole || is_public_size(work.kind, work.tier, &poster.widths, **w);
    if !poster.widths.iter().any(|w| open(&w)) {
        return None;
    }
    let files = poster.widths.iter().filter(open).flat_map(|width| {
        [("avif", "image/avif"), ("jpg", "image/jpeg")].map(|(ending, kind)| Rendition {
            url: picture_url(work, *width, ending),
            kind: kind.into(),
            width: *width,
        })
    });
    Some(Picture {
        files: files.collect(),
        width: poster.width,
        height: poster.height,
        alt: alt.to_owned(),
        ground: Some(poster.colour.clone()),
    })
}

/// What can be downloaded: words and address.
#[must_use]
pub fn downloads(req: &Req, work: &Work) -> Vec<Place> {
    let base = signed_base(req, work);
    let of = |r: &crate::domain::media::Rendition, what: &str| {
        Place::new(format!("{what}, {}", format::bytes(r.bytes)), format!("{base}/{}?download=1", r.name))
    };
    let captions = work.captions.iter().map(|c| {
        Place::new(format!("Captions: {}", c.label()), format!("{base}/captions/{}?download=1", c.file()))
    });
    match work.kind {
        Some(kind) if work.facts.gives_original(kind) => work
            .original_name()
            .map(|name| {
                let words =
                    if work.ending.is_empty() { "File".to_owned() } else { work.ending.to_uppercase() };
                Place::new(
                    format!("{words}, {}", format::bytes(work.bytes)),
                    format!("{base}/{name}?download=1"),
                )
            })
            .into_iter()
            .collect(),
        Some(Kind::Image) => work
            .renditions
            .iter()
            .filter(|r| r.codec == Codec::Jpeg)
            .max_by_key(|r| r.width)
            .map(|r| of(r, &format!("JPEG {} × {}", r.width, r.height)))
            .into_iter()
            .collect(),
        _ => work
            .renditions
            .iter()
            .filter(|r| r.name.starts_with("download."))
            .map(|r| of(r, if r.width > 0 { "MP4" } else { "M4A" }))
            .chain(captions)
            .collect(),
    }
}

/// Whether everybody may play it.
#[must_use]
pub fn is_free(work: &Work) -> bool {
    work.tier == Tier::Free
}
