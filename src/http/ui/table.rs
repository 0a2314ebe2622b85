//! Tables, facts, paging and timelines.

use super::format;
use super::icon::{Icon, icon};
use super::panel::Tone;
use chrono::{DateTime, Utc};
use maud::{Markup, html};

/// The head of a column.
#[derive(Clone, Debug, Default)]
pub struct Column<'a> {
    label: &'a str,
    number: bool,
    sort: Option<(String, Option<bool>)>,
}

impl<'a> Column<'a> {
    /// A column of words.
    #[must_use]
    pub fn new(label: &'a str) -> Self {
        Self { label, ..Self::default() }
    }
    /// A column of numbers or money, set to the right.
    #[must_use]
    pub fn number(label: &'a str) -> Self {
        Self { label, number: true, ..Self::default() }
    }
    /// Sorts by this column: the address that does it, and whether the table is sorted so now
    /// (`Some(true)` rising, `Some(false)` falling).
    #[must_use]
    pub fn sortable(mut self, href: impl Into<String>, now: Option<bool>) -> Self {
        self.sort = Some((href.into(), now));
        self
    }
}

/// A cell of words.
#[must_use]
pub fn cell(content: &Markup) -> Markup {
    html! { td { (content) } }
}

/// A cell of plain text.
#[must_use]
pub fn text(content: &str) -> Markup {
    html! { td { (content) } }
}

/// A cell that names the row, usually with its link.
#[must_use]
pub fn head(content: &Markup) -> Markup {
    html! { th scope="row" { (content) } }
}

/// A cell with a number or an amount of money.
#[must_use]
pub fn number(content: &str) -> Markup {
    html! { td.num { (content) } }
}

/// A table. `rows` are vectors of cells made with [`head`], [`cell`], [`text`] and [`number`].
/// The caption is read out and hidden from sight; the frame scrolls sideways with the keyboard too.
#[must_use]
pub fn table(caption: &str, columns: &[Column<'_>], rows: &[Vec<Markup>]) -> Markup {
    html! {
        div.table role="region" aria-label=(caption) tabindex="0" {
            table {
                caption.hush { (caption) }
                thead { tr { @for column in columns { (column_head(column)) } } }
                tbody { @for row in rows { tr { @for cell in row { (cell) } } } }
            }
        }
    }
}

fn column_head(column: &Column<'_>) -> Markup {
    let class = if column.number { "num" } else { "" };
    let sorted = column.sort.as_ref().and_then(|(_, now)| *now);
    let aria = sorted.map(|up| if up { "ascending" } else { "descending" });
    html! {
        th scope="col" class=(class) aria-sort=[aria] {
            @match &column.sort {
                Some((href, _)) => a href=(href) {
                    (column.label)
                    @match sorted { Some(true) => (icon(Icon::ArrowUp)), Some(false) => (icon(Icon::ArrowDown)), None => {} }
                },
                None => (column.label),
            }
        }
    }
}

/// Names and values below each other.
#[must_use]
pub fn facts(pairs: &[(&str, Markup)]) -> Markup {
    html! { dl.facts { @for (name, value) in pairs { dt { (name) } dd { (value) } } } }
}

/// "1–25 of 418 · Previous page · Next page". The addresses are `None` at the ends.
#[must_use]
pub fn paging(first: i64, last: i64, total: i64, previous: Option<&str>, next: Option<&str>) -> Markup {
    html! {
        nav.paging aria-label="Pages" {
            @if total > 0 { span.num { (format::count(first)) "–" (format::count(last)) " of " (format::count(total)) } }
            @if let Some(href) = previous { a href=(href) rel="prev" { "Previous page" } }
            @if let Some(href) = next { a href=(href) rel="next" { "Next page" } }
        }
    }
}

/// One entry of a timeline.
pub struct Moment {
    /// When it took effect.
    pub at: DateTime<Utc>,
    /// What happened, as a sentence.
    pub what: String,
    /// More about it.
    pub detail: Option<Markup>,
    /// How it is to be taken.
    pub tone: Tone,
    /// The raw record, folded away.
    pub raw: Option<String>,
}

/// What happened, one below the other.
#[must_use]
pub fn timeline(moments: &[Moment]) -> Markup {
    html! {
        ol.timeline {
            @for moment in moments {
                li class=(moment.tone.class()) {
                    span.dot aria-hidden="true" {}
                    p.when { (format::moment(moment.at)) }
                    p.what { (moment.what) }
                    @if let Some(detail) = &moment.detail { div.small.dim { (detail) } }
                    @if let Some(raw) = &moment.raw {
                        details { summary { (icon(Icon::ChevronRight)) "Event as recorded" } pre tabindex="0" { (raw) } }
                    }
                }
            }
        }
    }
}
