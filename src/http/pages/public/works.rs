//! Works on cards: their pictures, and whether the viewer may play them.

use crate::domain::access::{self, Decision, Publication, Reason, WorkFacts};
use crate::domain::media::Media;
use crate::domain::media::{Kind, Tier};
use crate::http::delivery::person_facts;
use crate::http::player::is_public_size;
use crate::http::ui::{Card, Corner, Picture, Place, Ratio, Rendition, card, locked};
use crate::http::{HttpError, Req};
use crate::projections::catalogue::{Row, Work};
use chrono::DateTime;
use maud::Markup;

/// What the viewer may play, asked once a page by the one access rule. The bytes themselves are
/// guarded where they are served; this only decides what pages offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    decision: Decision,
    join: Option<String>,
}

impl Gate {
    /// The gate for the viewer of a request.
    ///
    /// # Errors
    /// If the facts about the viewer cannot be read: then nothing is offered.
    pub async fn of(req: &Req) -> Result<Self, HttpError> {
        let person = person_facts(req).await?;
        let anything =
            WorkFacts { publication: Publication::From(DateTime::UNIX_EPOCH), free: false, own: false };
        let decision = access::may_watch(person.as_ref(), &anything, req.now());
        Ok(Self { decision, join: req.app.join_words() })
    }

    /// Whether the viewer plays everything that is published.
    #[must_use]
    pub fn all(&self) -> bool {
        self.decision.allowed
    }

    /// Whether the viewer may take what is free or not.
    #[must_use]
    pub fn opens(&self, free: bool) -> bool {
        free || self.decision.allowed
    }

    /// What stands instead of what the viewer may not take: the reason, and the ways to it.
    #[must_use]
    pub fn panel(&self) -> Markup {
        let join = Place::new(self.join.clone().unwrap_or_else(|| "Join the studio".into()), "/join");
        let acts = match self.decision.reason {
            Reason::SignIn => vec![join, Place::new("Sign in", "/login")],
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
        locked("For members", self.decision.reason.sentence(), &acts)
    }
}

/// The picture that stands for a work, in all its sizes; none until it has been made.
#[must_use]
pub fn work_picture(work: &Row<Media>, alt: &str) -> Option<Picture> {
    let poster = work.state.poster.as_ref()?;
    let generation = work.state.playable_generation;
    let url = |width: &u32, end: &str| format!("/media/files/{}/{generation}/poster-{width}.{end}", work.id);
    let (kind, tier, widths) = (work.state.kind, work.state.tier, poster.widths.as_slice());
    let open = |w: &&u32| is_public_size(kind, tier, widths, **w);
    if !widths.iter().any(|w| open(&w)) {
        return None;
    }
    let files = widths.iter().filter(open).flat_map(|width| {
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
    work.state.kind.map_or("File", Kind::words)
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
