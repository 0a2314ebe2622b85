//! The words by which works are found. Only what everybody may know of has a row: what becomes a
//! draft again, is hidden or removed loses it with the same event.

use super::super::ProjectionError;
use super::rows::Listed;
use crate::domain::character::Character;
use crate::domain::collection::Collection;
use crate::domain::course::Course;
use crate::domain::film::Film;
use crate::domain::media::{Kind, Media, Tier};
use crate::domain::post::Post;
use crate::domain::production_log::ProductionLog;
use crate::store::{RecordedEvent, Transaction};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use tokio_postgres::Row as DbRow;
use tokio_postgres::types::Json;
use uuid::Uuid;

/// One findable thing.
#[derive(Default)]
struct Entry<'a> {
    kind: &'a str,
    id: Uuid,
    url: String,
    title: &'a str,
    context: String,
    body: &'a str,
    free: bool,
    picture: Option<Uuid>,
    /// What sort of file.
    form: Option<&'static str>,
    /// What a course presumes.
    level: Option<&'static str>,
    licence: Option<&'static str>,
    /// The film it belongs to.
    film: Option<Uuid>,
    /// The film itself, of the entry of a film.
    feature: Option<Uuid>,
    /// All works of a film.
    parts: Vec<Uuid>,
    tags: &'a [String],
}

pub(super) async fn film(
    tx: &Transaction<'_>,
    event: &RecordedEvent,
    film: &Film,
) -> Result<(), ProjectionError> {
    let id = event.stream_uuid();
    let pages: Vec<String> = film.pages.iter().map(|p| format!("{}\n{}", p.title, p.text)).collect();
    let body = format!("{}\n{}\n{}", film.summary, film.description, pages.join("\n"));
    let entry = Entry {
        kind: "film",
        id,
        url: format!("/films/{}", film.address()),
        title: &film.title,
        context: film.summary.clone(),
        body: &body,
        free: true,
        picture: film.key_art,
        licence: Some(film.licence.code()),
        film: Some(id),
        feature: film.feature,
        parts: film
            .gallery
            .iter()
            .flat_map(|s| &s.media)
            .chain(&film.trailer)
            .chain(&film.feature)
            .copied()
            .collect(),
        ..Entry::default()
    };
    replace(tx, event, id, if film.is_public() { vec![entry] } else { vec![] }).await
}

pub(super) async fn course(
    tx: &Transaction<'_>,
    event: &RecordedEvent,
    course: &Course,
) -> Result<(), ProjectionError> {
    let id = event.stream_uuid();
    if !course.is_public() {
        return replace(tx, event, id, vec![]).await;
    }
    let address = course.address();
    let body = format!("{}\n{}\n{}", course.summary, course.description, course.tags.join(", "));
    let lessons =
        || course.chapters.iter().filter(|c| c.shown).flat_map(|c| c.lessons.iter().filter(|l| l.shown));
    let mut entries = vec![Entry {
        kind: "course",
        id,
        url: format!("/courses/{address}"),
        title: &course.title,
        context: course.summary.clone(),
        body: &body,
        free: lessons().all(|l| l.text.free),
        picture: course.picture,
        level: Some(course.level.into()),
        tags: &course.tags,
        ..Entry::default()
    }];
    for chapter in course.chapters.iter().filter(|c| c.shown) {
        for lesson in chapter.lessons.iter().filter(|l| l.shown) {
            entries.push(Entry {
                kind: "lesson",
                id: lesson.id,
                url: format!("/courses/{address}/{}", lesson.slug),
                title: &lesson.text.title,
                context: format!("{} · {}", course.title, chapter.title),
                // The text of a lesson that is not free is not given away by an excerpt.
                body: if lesson.text.free { &lesson.text.content } else { "" },
                free: lesson.text.free,
                picture: lesson.text.media.or(course.picture),
                level: Some(course.level.into()),
                ..Entry::default()
            });
        }
    }
    replace(tx, event, id, entries).await
}

pub(super) async fn post(
    tx: &Transaction<'_>,
    event: &RecordedEvent,
    post: &Post,
) -> Result<(), ProjectionError> {
    let id = event.stream_uuid();
    let body = format!("{}\n{}", post.text.excerpt, post.text.content);
    let entry = Entry {
        kind: "post",
        id,
        url: format!("/posts/{}", post.address()),
        title: &post.text.title,
        context: post.text.excerpt.clone(),
        body: &body,
        free: true,
        picture: post.text.picture,
        film: post.text.film,
        ..Entry::default()
    };
    replace(tx, event, id, if post.is_public() { vec![entry] } else { vec![] }).await
}

/// The film that something is a part of: where it is, what it is called, whether everybody may know of it.
struct Home {
    slug: String,
    title: String,
    public: bool,
}

async fn home(tx: &Transaction<'_>, film: Uuid) -> Result<Option<Home>, ProjectionError> {
    let sql = "select slug, state->>'title', public from catalogue where kind = 'film' and id = $1";
    let read = |row: DbRow| -> Result<Home, ProjectionError> {
        Ok(Home { slug: row.try_get(0)?, title: row.try_get(1)?, public: row.try_get(2)? })
    };
    tx.query_opt(sql, &[&film]).await?.map(read).transpose()
}

/// What is a part of a film is found under the film's address and only while the film is public: an event
/// of the film changes its entries too.
pub(super) async fn parts_of_film(
    tx: &Transaction<'_>,
    event: &RecordedEvent,
    film: Uuid,
) -> Result<(), ProjectionError> {
    let sql = "select id, state from catalogue where kind = 'production_log' and state->>'film' = $1";
    for row in tx.query(sql, &[&film.to_string()]).await? {
        let Json(log) = row.try_get::<_, Json<ProductionLog>>("state")?;
        production_log(tx, event, row.try_get("id")?, &log).await?;
    }
    let sql = "select id, state from catalogue where kind = 'collection' and state->>'film' = $1";
    for row in tx.query(sql, &[&film.to_string()]).await? {
        let Json(part) = row.try_get::<_, Json<Collection>>("state")?;
        collection(tx, event, row.try_get("id")?, &part).await?;
    }
    Ok(())
}

pub(super) async fn production_log(
    tx: &Transaction<'_>,
    event: &RecordedEvent,
    id: Uuid,
    log: &ProductionLog,
) -> Result<(), ProjectionError> {
    let home = home(tx, log.film).await?.filter(|film| film.public && log.is_public());
    let (Some(home), Some(week)) = (home, log.week) else { return replace(tx, event, id, vec![]).await };
    let texts: Vec<&str> = log.entries.iter().map(|e| e.text.as_str()).collect();
    let body = format!("{}\n{}", log.text.summary, texts.join("\n"));
    let title = log.heading();
    let entry = Entry {
        kind: "log",
        id,
        url: format!("/films/{}/logs/{week}", home.slug),
        title: &title,
        context: format!("{} · week {} of {}", home.title, week.number(), week.year()),
        body: &body,
        free: true,
        picture: log.entries.iter().flat_map(|e| &e.media).next().copied(),
        film: Some(log.film),
        ..Entry::default()
    };
    replace(tx, event, id, vec![entry]).await
}

pub(super) async fn collection(
    tx: &Transaction<'_>,
    event: &RecordedEvent,
    id: Uuid,
    collection: &Collection,
) -> Result<(), ProjectionError> {
    let home = home(tx, collection.film).await?.filter(|film| film.public && collection.is_public());
    let (Some(home), Some(slug)) = (home, &collection.slug) else {
        return replace(tx, event, id, vec![]).await;
    };
    let entry = Entry {
        kind: "collection",
        id,
        url: format!("/films/{}/gallery/{slug}", home.slug),
        title: &collection.text.title,
        context: home.title,
        body: &collection.text.text,
        free: true,
        picture: collection.cover(),
        film: Some(collection.film),
        ..Entry::default()
    };
    replace(tx, event, id, vec![entry]).await
}

pub(super) async fn character(
    tx: &Transaction<'_>,
    event: &RecordedEvent,
    character: &Character,
) -> Result<(), ProjectionError> {
    let (id, text) = (event.stream_uuid(), &character.text);
    let versions: Vec<String> =
        character.versions.iter().map(|v| format!("{} {}", v.text.software, v.text.notes)).collect();
    let body = format!("{}\n{}\n{}", text.summary, text.description, versions.join("\n"));
    let entry = Entry {
        kind: "character",
        id,
        url: format!("/characters/{}", character.address()),
        title: &text.name,
        context: text.summary.clone(),
        body: &body,
        free: true,
        picture: text.picture,
        licence: Some(text.licence.code()),
        film: text.film,
        ..Entry::default()
    };
    replace(tx, event, id, if character.is_public() { vec![entry] } else { vec![] }).await
}

pub(super) async fn media(
    tx: &Transaction<'_>,
    event: &RecordedEvent,
    media: &Media,
) -> Result<(), ProjectionError> {
    let id = event.stream_uuid();
    // What gives the story away is not found by what it says.
    let said = if media.filing.spoiler { "" } else { &media.description };
    let body = format!("{said}\n{}", media.tags.join(", "));
    let entry = Entry {
        kind: "media",
        id,
        url: format!("/media/{}", media.address()),
        title: &media.title,
        context: media.kind.map_or("File", Kind::words).to_owned(),
        body: &body,
        free: media.tier == Tier::Free,
        picture: Some(id),
        form: media.kind.map(Into::into),
        licence: Some(media.licence.code()),
        tags: &media.tags,
        ..Entry::default()
    };
    replace(tx, event, id, if media.is_public() { vec![entry] } else { vec![] }).await
}

/// Replaces all entries that come from one stream.
async fn replace(
    tx: &Transaction<'_>,
    event: &RecordedEvent,
    owner: Uuid,
    entries: Vec<Entry<'_>>,
) -> Result<(), ProjectionError> {
    // Whoever keeps these words elsewhere too looks there for what has changed, and for what is gone.
    tx.execute(
        "insert into catalogue_touched values ($1, $2) on conflict (owner) do update set position = excluded.position",
        &[&owner, &event.position],
    )
    .await?;
    // A part that was there before, such as a lesson, is not new because its whole was edited.
    let sql = "delete from catalogue_words where owner = $1 returning id, at";
    let before: HashMap<Uuid, DateTime<Utc>> =
        tx.query(sql, &[&owner]).await?.iter().map(|row| (row.get(0), row.get(1))).collect();
    for entry in entries {
        let text = plain_words(entry.body);
        let at = before.get(&entry.id).copied().unwrap_or(event.effective_at);
        tx.execute(
            "insert into catalogue_words (kind, id, owner, url, title, context, body, free, picture, form, level,
                 licence, film, tags, feature, parts, at, words)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $11, $12, $13, $14, $15, $16, $17,
                 coalesce((select published_at from catalogue where id = $3), $10),
                 setweight(to_tsvector('english', $5), 'A') || setweight(to_tsvector('english', $6), 'B')
                 || setweight(to_tsvector('english', $7), 'C'))",
            &[
                &entry.kind, &entry.id, &owner, &entry.url, &entry.title, &entry.context, &text, &entry.free,
                &entry.picture, &at, &entry.form, &entry.level, &entry.licence, &entry.film, &entry.tags,
                &entry.feature, &entry.parts,
            ],
        )
        .await?;
    }
    Ok(())
}

/// Markdown signs would stand in excerpts; what is left is words and their punctuation. Texts are
/// cut so that one long description cannot make a row that the index refuses.
fn plain_words(markdown: &str) -> String {
    let mut plain = String::with_capacity(markdown.len());
    let mut rest = markdown;
    // The target of a link, `](…)`, is no word of the text.
    while let Some((before, target)) = rest.split_once("](") {
        plain.push_str(before);
        rest = target.split_once(')').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain.retain(|c| !matches!(c, '*' | '#' | '`' | '>' | '|' | '_' | '~' | '[' | ']'));
    plain.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(60_000).collect()
}

#[cfg(test)]
mod tests {
    use super::plain_words;

    #[test]
    fn signs_and_targets_are_no_words() {
        assert_eq!(plain_words("# A\n\n- the [salt](/films/salt), *kept* [x]("), "A - the salt, kept x");
    }
}
