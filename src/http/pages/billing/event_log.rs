//! The event log of a subscription, or a gift, on its page: in words, with who, when and why; the newest first, and a
//! page of it at a time.

use super::with;
use crate::actors::bus::Actor;
use crate::http::Req;
use crate::http::ui::{Moment, Tone, format, timeline};
use crate::projections::subscription_timeline::Entry;
use crate::projections::subscription_words::{Weight, actor_words, describe};
use maud::{Markup, html};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// Moments on one page.
const MOST: usize = 100;

/// The address of one event on the page of its log, whichever part of the log that is.
pub(super) fn event(page: &str, position: i64) -> String {
    format!("{page}?before={}#e{position}", position.saturating_add(1))
}

/// The part of a log that is shown: what stands before `?before=`, or its end.
pub(super) struct Part<'a> {
    page: String,
    entries: Vec<&'a Entry>,
    /// How many are newer, and how many there are in all.
    newer: usize,
    total: usize,
    to_newer: Option<String>,
    to_older: Option<String>,
}

impl<'a> Part<'a> {
    /// The part of `lines`, which stand in the order of the log, that the address asks for; `page` is the address
    /// of the page without what it is narrowed to.
    pub(super) fn of(req: &Req, page: &str, lines: &[&'a Entry]) -> Self {
        let bound: Option<i64> = req.query("before").parse().ok();
        let end = bound.map_or(lines.len(), |bound| lines.partition_point(|e| e.position < bound));
        let start = end.saturating_sub(MOST);
        let link = |bound: Option<&&Entry>| {
            let bound = bound.map(|e| e.position.to_string());
            format!("{}#log", with(req, "before", bound.as_deref()).replacen(&req.path, page, 1))
        };
        Self {
            page: page.to_owned(),
            entries: lines[start..end].to_vec(),
            newer: lines.len() - end,
            total: lines.len(),
            // Behind the last page of newer ones nothing bounds it.
            to_newer: (end < lines.len()).then(|| link(lines.get(end + MOST))),
            to_older: (start > 0).then(|| link(lines.get(start))),
        }
    }

    /// Whose names it shows.
    pub(super) fn accounts(&self) -> Vec<Uuid> {
        let account = |e: &&Entry| if let Actor::Account(id) = &e.actor { Some(*id) } else { None };
        self.entries.iter().filter_map(account).collect()
    }

    /// The moments, the newest first, and the ways to those before and after them.
    pub(super) fn shown(&self, names: &HashMap<Uuid, String>) -> Markup {
        let here: BTreeSet<i64> = self.entries.iter().map(|e| e.position).collect();
        let moments: Vec<Moment> = self.entries.iter().rev().map(|e| self.moment(e, names, &here)).collect();
        let count = |n: usize| format::count(i64::try_from(n).unwrap_or(i64::MAX));
        html! {
            @if moments.is_empty() { p.dim { "Nothing stands before that." } } @else { (timeline(&moments)) }
            @if self.to_newer.is_some() || self.to_older.is_some() {
                nav.paging aria-label="Pages of the log" {
                    @if !moments.is_empty() { span.num { (count(self.newer + 1)) "–" (count(self.newer + moments.len())) " of " (count(self.total)) } }
                    @if let Some(href) = &self.to_newer { a href=(href) rel="prev" { "Newer" } }
                    @if let Some(href) = &self.to_older { a href=(href) rel="next" { "Older" } }
                }
            }
        }
    }

    fn moment(&self, entry: &Entry, names: &HashMap<Uuid, String>, here: &BTreeSet<i64>) -> Moment {
        let words = describe(entry);
        let by = match &entry.actor {
            Actor::Account(id) if !entry.by_member => {
                names.get(id).cloned().unwrap_or_else(|| "a deleted account".into())
            }
            _ => actor_words(entry),
        };
        let to = |p: i64| {
            let href = if here.contains(&p) { format!("#e{p}") } else { event(&self.page, p) };
            html! { a href=(href) { "no. " (p) } }
        };
        let detail = html! {
            span id={ "e" (entry.position) } {}
            @if let Some(why) = &words.why { p { "Why: " (why) } }
            @if let Some(reason) = &entry.reason { p { "Reason given: " (reason) } }
            p {
                "By " (by) ". Recorded " (format::moment(entry.recorded_at)) ", no. " (entry.position) "."
                @if let Some(cause) = entry.caused_by { " Followed from " (to(cause)) "." }
                @if !entry.followed_by.is_empty() { " Led to " @for (i, p) in entry.followed_by.iter().enumerate() { @if i > 0 { ", " } (to(*p)) } "." }
            }
        };
        let raw = serde_json::json!({ "type": entry.kind, "position": entry.position, "subject": entry.subject,
            "effective_at": entry.effective_at, "recorded_at": entry.recorded_at, "data": entry.payload });
        Moment {
            at: entry.effective_at,
            what: words.what,
            detail: Some(detail),
            tone: if words.weight == Weight::Plain { Tone::Plain } else { tone(words.weight) },
            raw: serde_json::to_string_pretty(&raw).ok(),
        }
    }
}

/// A kind of event in words: "Payment attempt started".
pub(super) fn kind_words(kind: &str) -> String {
    let mut words = String::new();
    for (place, letter) in kind.char_indices() {
        if place > 0 && letter.is_ascii_uppercase() {
            words.push(' ');
            words.push(letter.to_ascii_lowercase());
        } else {
            words.push(letter);
        }
    }
    words.replace("Vat number", "VAT number").replace(" vat number", " VAT number")
}

/// How a line is to be taken, as a colour.
pub(super) const fn tone(weight: Weight) -> Tone {
    match weight {
        Weight::Plain => Tone::Info,
        Weight::Good => Tone::Success,
        Weight::Watch => Tone::Warning,
        Weight::Bad => Tone::Danger,
    }
}
