//! Which events this version knows. A log may hold newer ones: after an upgrade that was taken back, or while
//! processes of two versions share it. Whoever passed over such an event, or read it as something it is not,
//! would never come back to it; so readers stop in front of it.

use super::event::DecodeError;
use super::{RecordedEvent, StoreError};
use crate::domain::account::AccountEvent;
use crate::domain::approval::ApprovalEvent;
use crate::domain::character::CharacterEvent;
use crate::domain::clock::RunEvent;
use crate::domain::collection::CollectionEvent;
use crate::domain::comment::CommentEvent;
use crate::domain::coupon::CouponEvent;
use crate::domain::course::CourseEvent;
use crate::domain::credit::CreditEvent;
use crate::domain::debit_file::DebitFileEvent;
use crate::domain::deletion_request::DeletionEvent;
use crate::domain::exchange::ExchangeEvent;
use crate::domain::film::FilmEvent;
use crate::domain::gift::GiftEvent;
use crate::domain::invoice_series::InvoiceSeriesEvent;
use crate::domain::mandate::MandateEvent;
use crate::domain::media::MediaEvent;
use crate::domain::order::OrderEvent;
use crate::domain::plan::PlanEvent;
use crate::domain::post::PostEvent;
use crate::domain::production_log::LogEvent;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::domain::site::SiteEvent;
use crate::domain::statistics::StatisticsEvent;
use crate::domain::subscription::SubscriptionEvent;
use crate::domain::tax_book::TaxBookEvent;
use crate::domain::team::TeamEvent;
use crate::domain::wallet::WalletEvent;
use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};
use strum::VariantNames;

/// How events of a type are read.
struct Form {
    newest: i16,
    reads: fn(&RecordedEvent) -> Result<(), DecodeError>,
}

/// By category and type.
type Known = HashMap<(&'static str, &'static str), Form>;

static KNOWN: LazyLock<RwLock<Known>> = LazyLock::new(|| {
    let mut known = Known::new();
    macro_rules! enter {
        ($($event:ty),+ $(,)?) => { $(add::<$event>(&mut known);)+ };
    }
    enter!(
        AccountEvent,
        ApprovalEvent,
        CharacterEvent,
        CollectionEvent,
        CommentEvent,
        CouponEvent,
        CourseEvent,
        CreditEvent,
        DebitFileEvent,
        DeletionEvent,
        ExchangeEvent,
        FilmEvent,
        GiftEvent,
        InvoiceSeriesEvent,
        LogEvent,
        MandateEvent,
        MediaEvent,
        OrderEvent,
        PlanEvent,
        PostEvent,
        RunEvent,
        SiteEvent,
        StatisticsEvent,
        SubscriptionEvent,
        TaxBookEvent,
        TeamEvent,
        WalletEvent,
    );
    RwLock::new(known)
});

fn add<E: CategoryEvent + VariantNames>(known: &mut Known) {
    for kind in E::VARIANTS {
        let form = Form { newest: newest::<E>(kind), reads: |event| event.decode::<E>().map(drop) };
        known.insert((E::CATEGORY, kind), form);
    }
}

/// The newest version of an event's form.
pub(super) fn newest<E: CategoryEvent>(kind: &str) -> i16 {
    E::NEWER.iter().find(|(name, _)| *name == kind).map_or(1, |(_, version)| *version)
}

/// Enters the events of a further aggregate, such as one of a test.
pub fn know<E: CategoryEvent + VariantNames>() {
    add::<E>(&mut KNOWN.write().unwrap_or_else(PoisonError::into_inner));
}

/// All types that are known, with category and newest version, in order.
#[must_use]
pub fn all() -> Vec<(&'static str, &'static str, i16)> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    let mut all: Vec<_> =
        known.iter().map(|((category, kind), form)| (*category, *kind, form.newest)).collect();
    all.sort_unstable();
    all
}

/// Reads an event as its aggregate would, from whatever form it was written in.
///
/// # Errors
/// If it is of no known type, or does not have the form of its version.
pub fn read(event: &RecordedEvent) -> Result<(), String> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    let form = known.get(&(event.category(), event.kind.as_str()));
    let form = form.ok_or_else(|| of(event).to_string())?;
    (form.reads)(event).map_err(|e| e.to_string())
}

/// An event in front of which a reader has to stop.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "event {position} ({kind}, version {version}, stream {stream}) was written by a newer Kinora. Install that version again, or restore the backup from before the upgrade (docs/operations.md, KinoraReaderStopped); until then nothing behind it is read"
)]
pub struct Unknown {
    /// Its position.
    pub position: i64,
    /// Its type.
    pub kind: String,
    /// Version of its form.
    pub version: i16,
    /// Its stream.
    pub stream: String,
}

/// Takes the first event that is not known, and all behind it, off a page; gives that event if the page begins
/// with it: what stands before is to be digested first.
pub fn readable(events: &mut Vec<RecordedEvent>) -> Option<Unknown> {
    cut(events).filter(|_| events.is_empty())
}

/// Takes the first event that is not known, and all behind it, off a page, and gives that event.
pub(super) fn cut(events: &mut Vec<RecordedEvent>) -> Option<Unknown> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    let at = events.iter().position(|e| !fits(&known, e))?;
    let unknown = events.get(at).map(of);
    events.truncate(at);
    unknown
}

/// The first event of a page that is not known.
///
/// # Errors
/// With that event.
pub fn check(events: &[RecordedEvent]) -> Result<(), Unknown> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    events.iter().find(|e| !fits(&known, e)).map_or(Ok(()), |event| Err(of(event)))
}

/// Why an event of a stream cannot be read: by a newer version's hand, or because it is broken.
pub(super) fn why_not(event: &RecordedEvent, error: &DecodeError) -> StoreError {
    match check(std::slice::from_ref(event)) {
        Err(unknown) => StoreError::Newer(unknown),
        Ok(()) => StoreError::Unreadable(error.to_string()),
    }
}

fn fits(known: &Known, event: &RecordedEvent) -> bool {
    known
        .get(&(event.category(), event.kind.as_str()))
        .is_some_and(|form| (1..=form.newest).contains(&event.type_version))
}

fn of(event: &RecordedEvent) -> Unknown {
    Unknown {
        position: event.position,
        kind: event.kind.clone(),
        version: event.type_version,
        stream: event.stream_id.clone(),
    }
}
