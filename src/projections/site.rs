//! The site's own words: what its standing pages say, the line above all pages, and where old addresses lead.

use super::{Projection, ProjectionError, QueryError, Reader};
use crate::domain::site::{SiteEvent, SitePage};
use crate::store::{Actor, RecordedEvent, StoreError, Transaction};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// The projection.
pub struct SiteWords;

#[async_trait]
impl Projection for SiteWords {
    fn name(&self) -> &'static str {
        "site"
    }

    fn version(&self) -> i32 {
        1
    }

    fn tables(&self) -> &'static [&'static str] {
        &["site_texts", "site_announcement", "site_redirects"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists site_texts (
            page       text primary key,
            text       text not null,
            changed_at timestamptz not null,
            changed_by uuid
        );
        create table if not exists site_announcement (
            one        boolean primary key default true check (one),
            text       text not null,
            until      timestamptz,
            changed_at timestamptz not null,
            changed_by uuid
        );
        create table if not exists site_redirects (
            from_path  text primary key,
            to_address text not null,
            changed_at timestamptz not null,
            changed_by uuid
        );"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        let Some(decoded) = event.decode::<SiteEvent>()? else { return Ok(()) };
        let by = match event.metadata.actor {
            Actor::Account(id) => Some(id),
            _ => None,
        };
        match decoded {
            SiteEvent::SiteTextWritten { page, text, at } if !text.is_empty() => {
                let sql = "insert into site_texts values ($1, $2, $3, $4)
                    on conflict (page) do update set text = $2, changed_at = $3, changed_by = $4";
                tx.execute(sql, &[&page.code(), &text, &at, &by]).await?
            }
            SiteEvent::SiteTextWritten { page, .. } => {
                tx.execute("delete from site_texts where page = $1", &[&page.code()]).await?
            }
            SiteEvent::AnnouncementMade { text, until, at } => {
                let sql = "insert into site_announcement (text, until, changed_at, changed_by) values ($1, $2, $3, $4)
                    on conflict (one) do update set text = $1, until = $2, changed_at = $3, changed_by = $4";
                tx.execute(sql, &[&text, &until, &at, &by]).await?
            }
            SiteEvent::AnnouncementEnded { .. } => tx.execute("delete from site_announcement", &[]).await?,
            SiteEvent::RedirectSet { from, to, at } => {
                let sql = "insert into site_redirects values ($1, $2, $3, $4)
                    on conflict (from_path) do update set to_address = $2, changed_at = $3, changed_by = $4";
                tx.execute(sql, &[&from, &to, &at, &by]).await?
            }
            SiteEvent::RedirectRemoved { from, .. } => {
                tx.execute("delete from site_redirects where from_path = $1", &[&from]).await?
            }
        };
        Ok(())
    }
}

/// A line above every page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The line.
    pub text: String,
    /// From when on it is not shown any more.
    pub until: Option<DateTime<Utc>>,
}

/// What every page has to know of the site's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteNow {
    /// The line above the pages.
    pub announcement: Option<Announcement>,
    /// Pages that the studio wrote itself.
    pub written: HashSet<SitePage>,
    /// Old addresses and where they lead.
    pub redirects: HashMap<String, String>,
}

impl SiteNow {
    /// Where an old address leads, with or without a slash at its end.
    #[must_use]
    pub fn redirect(&self, path: &str) -> Option<&str> {
        let path = path.trim_end_matches('/');
        self.redirects.get(path).map(String::as_str)
    }

    /// The line to show at a time.
    #[must_use]
    pub fn line(&self, at: DateTime<Utc>) -> Option<&str> {
        let line = self.announcement.as_ref()?;
        line.until.is_none_or(|until| until > at).then_some(line.text.as_str())
    }
}

/// The site's words as every page needs them.
///
/// # Errors
/// If the database cannot be read.
pub async fn now(r: &Reader) -> Result<SiteNow, QueryError> {
    let client = r.client().await?;
    let line = client.query_opt("select text, until from site_announcement", &[]).await?;
    let pages = client.query("select page from site_texts", &[]).await?;
    let redirects = client.query("select from_path, to_address from site_redirects", &[]).await?;
    Ok(SiteNow {
        announcement: line.map(|row| Announcement { text: row.get(0), until: row.get(1) }),
        written: pages.iter().filter_map(|row| row.get::<_, &str>(0).parse().ok()).collect(),
        redirects: redirects.iter().map(|row| (row.get(0), row.get(1))).collect(),
    })
}

/// What the studio wrote for a page; none: the text the program brings along.
///
/// # Errors
/// If the database cannot be read.
pub async fn text(r: &Reader, page: SitePage) -> Result<Option<String>, QueryError> {
    let sql = "select text from site_texts where page = $1";
    Ok(r.client().await?.query_opt(sql, &[&page.code()]).await?.map(|row| row.get(0)))
}

/// Who changed something last, and when.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// When.
    pub at: DateTime<Utc>,
    /// Who; none: the command line.
    pub by: Option<Uuid>,
}

/// The pages that the studio wrote itself.
///
/// # Errors
/// If the database cannot be read.
pub async fn changes(r: &Reader) -> Result<HashMap<SitePage, Change>, QueryError> {
    let rows = r.client().await?.query("select page, changed_at, changed_by from site_texts", &[]).await?;
    rows.iter()
        .map(|row| {
            let page = row
                .get::<_, &str>(0)
                .parse()
                .map_err(|_| StoreError::Unreadable("a page of the site has no known name".into()))?;
            Ok((page, Change { at: row.get(1), by: row.get(2) }))
        })
        .collect()
}

/// An old address.
#[derive(Clone, Debug)]
pub struct Redirect {
    /// The old address.
    pub from: String,
    /// Where it leads.
    pub to: String,
    /// Since when.
    pub change: Change,
}

/// Old addresses in their order.
///
/// # Errors
/// If the database cannot be read.
pub async fn redirects(r: &Reader) -> Result<Vec<Redirect>, QueryError> {
    let sql = "select from_path, to_address, changed_at, changed_by from site_redirects order by from_path collate \"C\"";
    let rows = r.client().await?.query(sql, &[]).await?;
    Ok(rows
        .iter()
        .map(|row| Redirect {
            from: row.get(0),
            to: row.get(1),
            change: Change { at: row.get(2), by: row.get(3) },
        })
        .collect())
}
