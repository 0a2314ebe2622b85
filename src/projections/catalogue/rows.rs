//! Rows of the table `catalogue`: one for each film, production log, collection, course, post, character and work.

use super::super::{ProjectionError, QueryError, Reader};
use crate::domain::character::{self, Character};
use crate::domain::collection::{self, Collection};
use crate::domain::course::{self, Course};
use crate::domain::film::{self, Film};
use crate::domain::media::{self, Media};
use crate::domain::post::{Post, Visibility};
use crate::domain::production_log::{self, ProductionLog};
use crate::domain::shared::aggregate::CategoryEvent;
use crate::domain::shared::{AccountId, Decider};
use crate::store::{RecordedEvent, Transaction};
use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use tokio_postgres::Row as DbRow;
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

/// What the catalogue needs to know of an aggregate beside its state.
pub trait Listed: Decider + Serialize + DeserializeOwned {
    /// Its address.
    fn address(&self) -> String;
    /// Who made it.
    fn maker(&self) -> Option<AccountId>;
    /// Whether everybody may know of it.
    fn is_public(&self) -> bool;
    /// When it is to be published.
    fn due(&self) -> Option<DateTime<Utc>> {
        None
    }
}

impl Listed for Film {
    fn address(&self) -> String {
        self.slug.as_ref().map(ToString::to_string).unwrap_or_default()
    }
    fn maker(&self) -> Option<AccountId> {
        self.by
    }
    fn is_public(&self) -> bool {
        self.publication == film::Publication::Published
    }
    fn due(&self) -> Option<DateTime<Utc>> {
        self.publish_at
    }
}

impl Listed for Course {
    fn address(&self) -> String {
        self.slug.as_ref().map(ToString::to_string).unwrap_or_default()
    }
    fn maker(&self) -> Option<AccountId> {
        self.by
    }
    fn is_public(&self) -> bool {
        self.publication == course::Publication::Published
    }
    fn due(&self) -> Option<DateTime<Utc>> {
        self.publish_at
    }
}

impl Listed for Post {
    fn address(&self) -> String {
        self.slug.as_ref().map(ToString::to_string).unwrap_or_default()
    }
    fn maker(&self) -> Option<AccountId> {
        self.by
    }
    fn is_public(&self) -> bool {
        self.visibility == Visibility::Published
    }
    fn due(&self) -> Option<DateTime<Utc>> {
        match self.visibility {
            Visibility::Scheduled { publish_at } => Some(publish_at),
            _ => None,
        }
    }
}

impl Listed for Media {
    fn address(&self) -> String {
        self.slug.as_ref().map(ToString::to_string).unwrap_or_default()
    }
    fn maker(&self) -> Option<AccountId> {
        self.owner
    }
    fn is_public(&self) -> bool {
        self.publication == media::Publication::Published
    }
    fn due(&self) -> Option<DateTime<Utc>> {
        match self.publication {
            media::Publication::Scheduled { publish_at } => Some(publish_at),
            _ => None,
        }
    }
}

impl Listed for ProductionLog {
    /// A week is an address only within its film.
    fn address(&self) -> String {
        self.week.map(|week| format!("{}/{week}", self.film)).unwrap_or_default()
    }
    fn maker(&self) -> Option<AccountId> {
        self.by
    }
    fn is_public(&self) -> bool {
        self.publication == production_log::Publication::Published
    }
}

impl Listed for Character {
    fn address(&self) -> String {
        self.slug.as_ref().map(ToString::to_string).unwrap_or_default()
    }
    fn maker(&self) -> Option<AccountId> {
        self.by
    }
    fn is_public(&self) -> bool {
        self.publication == character::Publication::Published
    }
}

impl Listed for Collection {
    /// A slug is an address only within its film.
    fn address(&self) -> String {
        self.slug.as_ref().map(|slug| format!("{}/{slug}", self.film)).unwrap_or_default()
    }
    fn maker(&self) -> Option<AccountId> {
        self.by
    }
    fn is_public(&self) -> bool {
        self.publication == collection::Publication::Published
    }
}

/// A film, production log, collection, course, post, character or work with its dates.
#[derive(Clone, Debug)]
pub struct Row<A> {
    /// Its id.
    pub id: Uuid,
    /// Its address.
    pub slug: String,
    /// Whether everybody may know of it.
    pub public: bool,
    /// When it was first published.
    pub published_at: Option<DateTime<Utc>>,
    /// When it changed last.
    pub changed_at: DateTime<Utc>,
    /// All else.
    pub state: A,
}

/// What stands at an address.
#[derive(Clone, Debug)]
pub enum Found<A> {
    /// The thing itself.
    Here(Box<Row<A>>),
    /// It has another address now.
    Moved(String),
}

/// Columns of a [`Row`], in order.
pub(super) const COLUMNS: &str = "id, slug, public, published_at, changed_at, state";

pub(super) fn read<A: DeserializeOwned>(row: &DbRow) -> Result<Row<A>, QueryError> {
    let Json(state) = row.try_get("state")?;
    Ok(Row {
        id: row.try_get("id")?,
        slug: row.try_get("slug")?,
        public: row.try_get("public")?,
        published_at: row.try_get("published_at")?,
        changed_at: row.try_get("changed_at")?,
        state,
    })
}

/// Folds an event of `A` into its row and gives the state after it; `None` for other categories.
pub(super) async fn fold<A, E>(
    tx: &Transaction<'_>,
    event: &RecordedEvent,
) -> Result<Option<A>, ProjectionError>
where
    A: Listed<Event = E>,
    E: CategoryEvent,
{
    let Some(happened) = event.decode::<E>()? else { return Ok(None) };
    let (kind, id) = (E::CATEGORY, event.stream_uuid());
    let before =
        tx.query_opt("select slug, state from catalogue where kind = $1 and id = $2", &[&kind, &id]).await?;
    let (old_slug, mut state) = match &before {
        Some(row) => {
            let Json(state) = row.try_get::<_, Json<A>>("state")?;
            (Some(row.try_get::<_, String>("slug")?), state)
        }
        None => (None, A::default()),
    };
    state.apply(happened);
    let slug = state.address();
    if let Some(old) = old_slug.filter(|old| *old != slug) {
        tx.execute(
            "insert into catalogue_moved values ($1, $2, $3) on conflict (kind, slug) do update set id = excluded.id",
            &[&kind, &old, &id],
        )
        .await?;
        tx.execute("delete from catalogue_moved where kind = $1 and slug = $2", &[&kind, &slug]).await?;
    }
    let published = state.is_public().then_some(event.effective_at);
    tx.execute(
        "insert into catalogue (kind, id, slug, by, public, published_at, due_at, begun_at, changed_at, state)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)
         on conflict (kind, id) do update set slug = excluded.slug, by = excluded.by, public = excluded.public,
             published_at = coalesce(catalogue.published_at, excluded.published_at), due_at = excluded.due_at,
             changed_at = excluded.changed_at, state = excluded.state",
        &[&kind, &id, &slug, &state.maker(), &state.is_public(), &published, &state.due(), &event.effective_at, &Json(&state)],
    )
    .await?;
    Ok(Some(state))
}

/// What is scheduled for a time that has come, first things first.
pub(super) async fn due(reader: &Reader, kind: &str, now: DateTime<Utc>) -> Result<Vec<Uuid>, QueryError> {
    let sql =
        "select id from catalogue where kind = $1 and not public and due_at <= $2 order by due_at limit 1000";
    Ok(reader.client().await?.query(sql, &[&kind, &now]).await?.iter().map(|r| r.get(0)).collect())
}

/// What stands at `slug`, public or not: the page decides who may see it.
pub(super) async fn by_slug<A: DeserializeOwned>(
    reader: &Reader,
    kind: &str,
    slug: &str,
) -> Result<Option<Found<A>>, QueryError> {
    let client = reader.client().await?;
    let sql =
        format!("select {COLUMNS} from catalogue where kind = $1 and slug = $2 order by begun_at limit 1");
    if let Some(row) = client.query_opt(&sql, &[&kind, &slug]).await? {
        return Ok(Some(Found::Here(Box::new(read(&row)?))));
    }
    let sql = "select c.slug, c.public from catalogue_moved m join catalogue c using (kind, id) where m.kind = $1 and m.slug = $2";
    let moved = client.query_opt(sql, &[&kind, &slug]).await?;
    // An old address of something that is not public must not betray the new one.
    Ok(moved.filter(|r| r.get("public")).map(|r| Found::Moved(r.get("slug"))))
}

/// One by id, public or not.
pub(super) async fn by_id<A: DeserializeOwned>(
    reader: &Reader,
    kind: &str,
    id: Uuid,
) -> Result<Option<Row<A>>, QueryError> {
    let sql = format!("select {COLUMNS} from catalogue where kind = $1 and id = $2");
    reader.client().await?.query_opt(&sql, &[&kind, &id]).await?.as_ref().map(read).transpose()
}

/// Rows by a condition; `tail` is everything after `where kind = $1 and`, with parameters from `$2`.
pub(super) async fn many<A: DeserializeOwned>(
    reader: &Reader,
    kind: &str,
    tail: &str,
    more: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row<A>>, QueryError> {
    let sql = format!("select {COLUMNS} from catalogue where kind = $1 and {tail}");
    let mut params: Vec<&(dyn ToSql + Sync)> = vec![&kind];
    params.extend_from_slice(more);
    reader.client().await?.query(&sql, &params).await?.iter().map(read).collect()
}
