//! What an engine beside the studio is told so that works are found there, and what it answers, looked at again:
//! its index may be behind, and only what the studio itself knows to be public is shown.

use super::super::{QueryError, Reader};
use super::search::{Hit, Wanted, is_free};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// One findable thing with all the words by which it is found.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Document {
    /// Its kind and id in one.
    pub key: String,
    /// What it is, as in [`super::SearchKind`].
    pub kind: String,
    /// Which one.
    pub id: Uuid,
    /// What it comes from: it changes and goes with that.
    pub owner: Uuid,
    /// Its title.
    pub title: String,
    /// What it belongs to or is about.
    pub context: String,
    /// Its words, for everybody.
    pub body: String,
    /// The text inside a work that everybody may watch.
    pub open: String,
    /// The text inside a work for members: searched for those only who may watch it.
    pub closed: String,
    /// Whether everybody may watch it.
    pub free: bool,
    /// When it was published, in seconds since 1970.
    pub at: i64,
    /// What sort of file.
    pub form: Option<String>,
    /// What it presumes.
    pub level: Option<String>,
    /// Its licence.
    pub licence: Option<String>,
    /// The film it belongs to.
    pub film: Option<Uuid>,
    /// Its tags.
    pub tags: Vec<String>,
}

/// The documents of `owners`; one that is not public has none.
///
/// # Errors
/// If the database cannot be read.
pub async fn documents_of(reader: &Reader, owners: &[Uuid]) -> Result<Vec<Document>, QueryError> {
    let sql = concat!(
        "select w.kind, w.id, w.owner, w.title, w.context, w.body, w.free as open, o.free, w.at, w.form, w.level,
             w.licence, w.film, w.tags, coalesce(t.body, '') as inside
         from catalogue_words w left join public.media_texts t on w.kind = 'media' and t.media = w.id,
             lateral ",
        is_free!(),
        " o
         where w.owner = any($1) order by w.kind, w.id"
    );
    let rows = reader.client().await?.query(sql, &[&owners]).await?;
    let document = |row: &tokio_postgres::Row| {
        let (kind, id): (String, Uuid) = (row.get("kind"), row.get("id"));
        let inside: String = row.get("inside");
        let (open, closed) = if row.get("open") { (inside, String::new()) } else { (String::new(), inside) };
        let at: DateTime<Utc> = row.get("at");
        Document {
            key: format!("{kind}-{id}"),
            kind,
            id,
            owner: row.get("owner"),
            title: row.get("title"),
            context: row.get("context"),
            body: row.get("body"),
            open,
            closed,
            free: row.get("free"),
            at: at.timestamp(),
            form: row.get("form"),
            level: row.get("level"),
            licence: row.get("licence"),
            film: row.get("film"),
            tags: row.get("tags"),
        }
    };
    Ok(rows.iter().map(document).collect())
}

/// What was touched by events after `after` up to `until`, with the last such event, in their order: about `most`,
/// never some of an event's and not the others. With `works`, only videos, pictures, sound and files.
///
/// # Errors
/// If the database cannot be read.
pub async fn touched(
    reader: &Reader,
    after: i64,
    until: i64,
    most: i64,
    works: bool,
) -> Result<Vec<(Uuid, i64)>, QueryError> {
    let sql = "select owner, position from catalogue_touched where position > $1 and position <= $2
           and (not $4 or exists (select from catalogue c where c.kind = 'media' and c.id = owner))
         order by position fetch first $3 rows with ties";
    let rows = reader.client().await?.query(sql, &[&after, &until, &most, &works]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// The public films that contain one of `works`: whether they are open to everybody depends on these.
///
/// # Errors
/// If the database cannot be read.
pub async fn films_around(reader: &Reader, works: &[Uuid]) -> Result<Vec<Uuid>, QueryError> {
    let sql = "select id from catalogue_words where kind = 'film' and (feature = any($1) or parts && $1)";
    Ok(reader.client().await?.query(sql, &[&works]).await?.iter().map(|row| row.get(0)).collect())
}

/// What has documents, in the order of its ids, `most` after `after`.
///
/// # Errors
/// If the database cannot be read.
pub async fn owners_after(reader: &Reader, after: Option<Uuid>, most: i64) -> Result<Vec<Uuid>, QueryError> {
    let sql = "select distinct owner from catalogue_words where $1::uuid is null or owner > $1
         order by owner limit $2";
    Ok(reader.client().await?.query(sql, &[&after, &most]).await?.iter().map(|row| row.get(0)).collect())
}

/// How many documents there are.
///
/// # Errors
/// If the database cannot be read.
pub async fn findable_number(reader: &Reader) -> Result<i64, QueryError> {
    Ok(reader.client().await?.query_one("select count(*) from catalogue_words", &[]).await?.get(0))
}

/// The works of a public film.
///
/// # Errors
/// If the database cannot be read.
pub async fn parts_of(reader: &Reader, film: Uuid) -> Result<Vec<Uuid>, QueryError> {
    let sql = "select parts from catalogue_words where kind = 'film' and id = $1";
    let row = reader.client().await?.query_opt(sql, &[&film]).await?;
    Ok(row.map(|row| row.get(0)).unwrap_or_default())
}

/// What an engine found and the viewer may know of, as it is now.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Its id.
    pub id: Uuid,
    /// As it is shown; title and excerpt without marks, the excerpt empty.
    pub hit: Hit,
    /// Its words.
    pub body: String,
    /// The text inside it, where the viewer may read it.
    pub inside: String,
}

/// Of `ids`, what is public now and passes the filters of `wanted` now.
///
/// # Errors
/// If the database cannot be read.
pub async fn shown(reader: &Reader, wanted: &Wanted, ids: &[Uuid]) -> Result<Vec<Shown>, QueryError> {
    let sql = concat!(
        "select w.kind, w.id, w.url, w.title, w.context, w.body, w.picture, w.at, o.free,
             case when w.free or $2 or exists (select from media_works m where m.media = w.id and m.owner = $3)
                 then coalesce(t.body, '') else '' end as inside
         from catalogue_words w left join public.media_texts t on w.kind = 'media' and t.media = w.id,
             lateral ",
        is_free!(),
        " o
         where w.id = any($1)
           and ($4::text is null or w.kind = $4) and (not $5 or o.free)
           and ($6::text is null or w.form = $6) and ($7::text is null or w.level = $7)
           and ($8::text is null or w.licence = $8) and ($9::uuid is null or w.film = $9 or exists (
               select from catalogue_words f where f.kind = 'film' and f.id = $9 and w.id = any(f.parts)))
           and ($10::text is null or $10 = any(w.tags))"
    );
    let kind = wanted.kind.map(super::SearchKind::code);
    let rows = reader
        .client()
        .await?
        .query(
            sql,
            &[
                &ids,
                &wanted.members,
                &wanted.viewer,
                &kind,
                &wanted.free,
                &wanted.form,
                &wanted.level,
                &wanted.licence,
                &wanted.film,
                &wanted.tag,
            ],
        )
        .await?;
    let shown = |row: &tokio_postgres::Row| Shown {
        id: row.get("id"),
        hit: Hit {
            kind: row.get::<_, &str>("kind").parse().ok(),
            url: row.get("url"),
            title: row.get("title"),
            context: row.get("context"),
            excerpt: String::new(),
            free: row.get("free"),
            picture: row.get("picture"),
            at: row.get("at"),
        },
        body: row.get("body"),
        inside: row.get("inside"),
    };
    Ok(rows.iter().map(shown).collect())
}
