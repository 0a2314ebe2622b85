//! Works on cards: their pictures, and whether the viewer may play them.

use crate::domain::media::Media;
use crate::domain::media::{Kind, Tier};
use crate::http::Req;
use crate::http::ui::{Card, Corner, Picture, Place, Ratio, Rendition, card, locked};
use crate::projections::catalogue::{Row, Work};
use maud::Markup;

/// What the viewer may play, asked once a page. The bytes themselves are guarded where they are
/// served; this only decides what pages offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    all: bool,
    signed_in: bool,
    join: Option<String>,
}

impl Gate {
    /// The gate for the viewer of a request.
    #[must_use]
    pub fn of(req: &Req) -> Self {
        let roles = ["subscriber", "creator", "editor", "moderator", "admin"];
        Self { all: req.viewer.has_role(&roles), signed_in: req.viewer.account.is_some(), join: None }
    }

    /// Whether the viewer plays everything that is published.
    #[must_use]
    pub fn all(&self) -> bool {
        self.all
    }

    /// Whether the viewer may take what is free or not.
    #[must_use]
    pub fn opens(&self, free: bool) -> bool {
        free || self.all
    }

    /// What stands instead of what the viewer may not take.
    #[must_use]
    pub fn panel(&self, what: &str) -> Markup {
        let join = Place::new(self.join.clone().unwrap_or_else(|| "Join the studio".into()), "/join");
        if self.signed_in {
            let why = format!(
                "{what} is part of the membership. Join to watch and download everything the studio publishes."
            );
            return locked("For members", &why, &[join]);
        }
        let why = format!(
            "{what} is part of the membership. Join to watch and download everything the studio publishes, or sign in if you are a member."
        );
        locked("For members", &why, &[join, Place::new("Sign in", "/login")])
    }
}

/// The picture that stands for a work, in all its sizes; none until it has been made.
#[must_use]
pub fn work_picture(work: &Row<Media>, alt: &str) -> Option<Picture> {
    let poster = work.state.poster.as_ref()?;
    let generation = work.state.playable_generation;
    let url = |width: &u32, end: &str| format!("/media/files/{}/{generation}/poster-{width}.{end}", work.id);
    let files = poster.widths.iter().flat_map(|width| {
        [("avif", "image/avif"), ("jpg", "image/jpeg")].map(|(end, kind)| Rendition {
            url: url(width, end),
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

/// Length in seconds of what plays; none for stills.
#[must_use]
pub fn seconds(work: &Work) -> Option<u64> {
    Some(work.state.facts.duration_ms / 1000).filter(|s| *s > 0)
}

/// The words for a kind of work.
#[must_use]
pub fn kind_words(work: &Work) -> &'static str {
    match work.state.kind {
        Some(Kind::Video) => "Video",
        Some(Kind::Image) => "Picture",
        Some(Kind::Audio) => "Sound",
        Some(Kind::File) | None => "File",
    }
}

/// A work as a card that leads to its own page.
#[must_use]
pub fn work_card(work: &Work, gate: &Gate) -> Markup {
    let picture = work_picture(work, "");
    let free = work.state.tier == Tier::Free;
    let corner = if work.public { Corner::of(free, gate.all()) } else { Corner::Draft };
    card(&Card {
        href: format!("/media/{}", work.slug),
        title: &work.state.title,
        sub: Some(kind_words(work).to_owned()),
        picture: picture.as_ref(),
        ratio: Ratio::Wide,
        corner,
        seconds: seconds(work),
        ..Card::default()
    })
}
