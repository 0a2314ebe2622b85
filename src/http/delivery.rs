//! Who gets the bytes of a work: the access rule at every request, and addresses that expire.
//!
//! Protected files lie under `/m/<expiry>.<signature>/<media>/<round>/…`. The signature stands in the
//! path, so that segments inherit it from the playlist; it binds the work, the account and the
//! expiry. It is no right by itself: the right is asked for again at every request.

use super::error::HttpError;
use super::request::Req;
use crate::domain::access::{self, Decision, PersonFacts, Publication, WorkFacts};
use crate::domain::media::Tier;
use crate::projections::{access as facts, media::Work};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// Longest validity of an address.
const LONGEST_SECONDS: i64 = 12 * 3600;

/// What the access rule asks about a work.
#[must_use]
pub fn work_facts(req: &Req, work: &Work) -> WorkFacts {
    let publication = match work.publication.as_str() {
        // The event says that it is out; whoever fired it may have done so for a later time.
        "published" => Publication::From(work.received_at),
        "removed" | "erased" => Publication::Removed,
        _ => Publication::Draft,
    };
    WorkFacts { publication, free: work.tier == Tier::Free, own: req.viewer.id() == Some(work.owner) }
}

/// What the access rule asks about the viewer. Staff roles that wait for a second factor do not count
/// here either.
///
/// # Errors
/// If the facts cannot be read: then nobody is let in.
pub async fn person_facts(req: &Req) -> Result<Option<PersonFacts>, HttpError> {
    let mut person = facts::facts(&req.app.reader, req.viewer.id()).await?;
    if let (Some(person), Some(account)) = (&mut person, &req.viewer.account)
        && account.wants_second_factor
    {
        person.roles.0.retain(|role| !role.is_staff());
    }
    Ok(person)
}

/// Whether the viewer may know of the work.
///
/// # Errors
/// If the facts cannot be read: then nobody is let in.
pub async fn may_see(req: &Req, work: &Work) -> Result<Decision, HttpError> {
    let person = person_facts(req).await?;
    Ok(access::may_see(person.as_ref(), &work_facts(req, work), req.now()))
}

/// Whether the viewer may watch and download it.
///
/// # Errors
/// If the facts cannot be read: then nobody is let in.
pub async fn may_watch(req: &Req, work: &Work) -> Result<Decision, HttpError> {
    let person = person_facts(req).await?;
    Ok(access::may_watch(person.as_ref(), &work_facts(req, work), req.now()))
}

/// The answer about a work that the viewer may not see: one that people knew and that is gone says so, a draft does
/// not exist for them.
#[must_use]
pub fn hidden(work: &Work) -> HttpError {
    if work.is_removed() && work.published_at.is_some() {
        HttpError::Gone("This work was removed.".into())
    } else {
        HttpError::NotFound
    }
}

/// Whether the viewer may change it: its creator, editors and admins.
#[must_use]
pub fn may_edit(req: &Req, work: &Work) -> bool {
    req.viewer.has_role(&["editor", "admin"])
        || (req.viewer.has_role(&["creator"]) && req.viewer.id() == Some(work.owner))
}

/// The beginning of the address of a work's protected files for this viewer, without a slash at the
/// end. It holds for the work's length and an hour, at most twelve.
#[must_use]
pub fn signed_base(req: &Req, work: &Work) -> String {
    let length = i64::try_from(work.duration_ms / 1000).unwrap_or(LONGEST_SECONDS);
    let expiry = req.now().timestamp() + (length + 3600).min(LONGEST_SECONDS);
    let signature = signature(req, req.viewer.id(), work.id, expiry);
    format!("/m/{expiry}.{signature}/{}/{}", work.id, work.playable)
}

/// Checks a token of the form `<expiry>.<signature>`; gives its expiry.
///
/// A token that was made for nobody in particular is taken from anybody: it opens no more than the
/// right of whoever shows it, and somebody may sign in while a free film plays.
///
/// # Errors
/// [`HttpError::NotFound`] if it is wrong, [`HttpError::Gone`] if it was right and has expired.
pub fn check_token(req: &Req, token: &str, media: Uuid) -> Result<i64, HttpError> {
    let (expiry, given) = token.split_once('.').ok_or(HttpError::NotFound)?;
    let expiry: i64 = expiry.parse().map_err(|_| HttpError::NotFound)?;
    let right = [req.viewer.id(), None]
        .into_iter()
        .any(|subject| bool::from(signature(req, subject, media, expiry).as_bytes().ct_eq(given.as_bytes())));
    if !right {
        return Err(HttpError::NotFound);
    }
    if expiry < req.now().timestamp() {
        return Err(HttpError::Gone("This address has expired. Reload the page.".into()));
    }
    Ok(expiry)
}

fn signature(req: &Req, subject: Option<Uuid>, media: Uuid, expiry: i64) -> String {
    // HMAC takes keys of any length: the error does not occur, and an empty signature fits nothing
    // because the other side is never empty when it is made by the same rule.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(req.app.secrets.session.as_slice()) else {
        return String::from("-");
    };
    mac.update(b"kinora media v1\0");
    mac.update(subject.unwrap_or_default().as_bytes());
    mac.update(media.as_bytes());
    mac.update(&expiry.to_be_bytes());
    URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..18])
}
/// Whether description and comments are kept from the viewer, because they give the story away.
#[must_use]
pub fn is_kept_back(req: &Req, work: &Work) -> bool {
    let knows = ["subscriber", "creator", "editor", "moderator", "admin"];
    work.filing.spoiler && work.tier != Tier::Free && !may_edit(req, work) && !req.viewer.has_role(&knows)
}
