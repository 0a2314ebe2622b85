//! The log as one of its readers follows it: what concerns the reader, and what it has to stop in front of.

use super::known::{self, Unknown};
use super::{Client, RecordedEvent, StoreError, log};

/// Positions that are looked at together: so far a page moves its reader when nothing concerns it.
const SPAN: i64 = 10_000;

/// What a reader follows: events of some categories, and those that this version does not know, whatever their
/// category: it cannot tell whether they would have concerned the reader.
pub struct Followed {
    sql: String,
    categories: &'static [&'static str],
}

/// A part of the log.
pub struct Page {
    /// What of it concerns the reader, in order.
    pub events: Vec<RecordedEvent>,
    /// Up to which position it goes.
    pub to: i64,
    /// The event in front of which the reader has to stop, if it stands there.
    pub unknown: Option<Unknown>,
}

impl Followed {
    /// The events of `categories`.
    #[must_use]
    pub fn of(categories: &'static [&'static str]) -> Self {
        // In the statement itself: PostgreSQL makes a table of hashes of a constant, and of a parameter not.
        let known: Vec<String> = known::all().iter().map(|(of, kind, _)| format!("{of}:{kind}")).collect();
        let sql = format!(
            "select {} from events where log_id = 1 and position > $1 and position <= $2
                 and (split_part(stream_id, '-', 1) = any($3) or type_version <> 1
                      or split_part(stream_id, '-', 1) || ':' || type <> all('{{{}}}'::text[]))
             order by position limit $4",
            log::READ,
            known.join(",")
        );
        Self { sql, categories }
    }

    /// What comes after `from`, up to `until` and not more than `limit` events of it.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn page(&self, client: &Client, from: i64, until: i64, limit: i64) -> Result<Page, StoreError> {
        let until = until.min(from.saturating_add(SPAN));
        let statement = client.prepare_cached(&self.sql).await?;
        let rows = client.query(&statement, &[&from, &until, &self.categories, &limit]).await?;
        let full = i64::try_from(rows.len()).is_ok_and(|rows| rows >= limit);
        let mut events = rows.iter().map(log::read).collect::<Result<Vec<_>, _>>()?;
        let mut to = if full { events.last().map_or(until, |e| e.position) } else { until };
        let unknown = known::cut(&mut events);
        if let Some(unknown) = &unknown {
            to = unknown.position - 1;
        }
        Ok(Page { events, to, unknown: unknown.filter(|_| to == from) })
    }
}
