//! The catalogue: films with their production logs and collections, courses, posts, characters and works as pages show them, and the words by which they
//! are found. Each row keeps the aggregate's state as the domain itself folds it, so that order,
//! addresses and publication are decided in one place.

mod characters;
mod collections;
mod courses;
mod films;
mod findable;
mod index;
mod logs;
mod owned;
mod posts;
mod rows;
mod search;
mod works;

pub use characters::{all_characters, character_by_id, character_by_slug, characters, characters_of_film};
pub use collections::{collection_by_id, collection_by_slug, collections_of_film, public_collections};
pub use courses::{
    CourseCard, all_courses, course_by_id, course_by_slug, courses, courses_of_media, due_courses,
};
pub use films::{all_films, due_films, film_by_id, film_by_slug, films};
pub use findable::{
    Document, Shown, documents_of, films_around, findable_number, owners_after, parts_of, shown, touched,
};
pub use logs::{all_logs, log_by_id, log_of_week, logs_of_film, logs_of_weeks};
pub use owned::{Owned, owned_by, owners};
pub use posts::{all_posts, due_posts, post_by_id, post_by_slug, posts, posts_of_film};
pub use rows::{Found, Row};
pub use search::{Facets, Hit, Hits, Order, SearchKind, Wanted, facets, findable, new_between, search};
pub use works::{
    Work, latest_works, public_count_by, published_among, shown_in, work_by_id, works_by_ids, works_by_slugs,
    works_of,
};

use super::{Projection, ProjectionError};
use crate::domain::character::{Character, CharacterEvent};
use crate::domain::collection::{Collection, CollectionEvent};
use crate::domain::course::{Course, CourseEvent};
use crate::domain::film::{Film, FilmEvent};
use crate::domain::media::{Media, MediaEvent};
use crate::domain::post::{Post, PostEvent};
use crate::domain::production_log::{LogEvent, ProductionLog};
use crate::store::{RecordedEvent, Transaction};
use async_trait::async_trait;

/// The projection.
pub struct Catalogue;

#[async_trait]
impl Projection for Catalogue {
    fn name(&self) -> &'static str {
        "catalogue"
    }

    fn version(&self) -> i32 {
        11
    }

    fn tables(&self) -> &'static [&'static str] {
        &["catalogue", "catalogue_moved", "catalogue_words", "catalogue_touched"]
    }

    fn ddl(&self) -> &'static str {
        "create table catalogue (
             kind         text        not null,
             id           uuid        not null,
             slug         text        not null,
             by           uuid,
             public       boolean     not null,
             published_at timestamptz,
             due_at       timestamptz,
             begun_at     timestamptz not null,
             changed_at   timestamptz not null,
             state        jsonb       not null,
             primary key (kind, id));
         create index catalogue_by_slug on catalogue (kind, slug);
         create index catalogue_by_time on catalogue (kind, public, published_at desc);
         create index catalogue_by_person on catalogue (kind, by);
         create table catalogue_moved (
             kind text not null,
             slug text not null,
             id   uuid not null,
             primary key (kind, slug));
         create table catalogue_words (
             kind    text        not null,
             id      uuid        not null,
             owner   uuid        not null,
             url     text        not null,
             title   text        not null,
             context text        not null,
             body    text        not null,
             free    boolean     not null,
             picture uuid,
             at      timestamptz not null,
             form    text,
             level   text,
             licence text,
             film    uuid,
             feature uuid,
             parts   uuid[]      not null default '{}',
             tags    text[]      not null default '{}',
             words   tsvector    not null,
             primary key (kind, id));
         create index catalogue_words_words on catalogue_words using gin (words);
         create index catalogue_words_title on catalogue_words using gin (title gin_trgm_ops);
         create index catalogue_words_owner on catalogue_words (owner);
         create table catalogue_touched (
             owner    uuid   primary key,
             position bigint not null);
         create index catalogue_touched_position on catalogue_touched (position);"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        if let Some(film) = rows::fold::<Film, FilmEvent>(tx, event).await? {
            index::film(tx, event, &film).await?;
            return index::parts_of_film(tx, event, event.stream_uuid()).await;
        }
        if let Some(course) = rows::fold::<Course, CourseEvent>(tx, event).await? {
            return index::course(tx, event, &course).await;
        }
        if let Some(post) = rows::fold::<Post, PostEvent>(tx, event).await? {
            return index::post(tx, event, &post).await;
        }
        if let Some(log) = rows::fold::<ProductionLog, LogEvent>(tx, event).await? {
            return index::production_log(tx, event, event.stream_uuid(), &log).await;
        }
        if let Some(collection) = rows::fold::<Collection, CollectionEvent>(tx, event).await? {
            return index::collection(tx, event, event.stream_uuid(), &collection).await;
        }
        if let Some(character) = rows::fold::<Character, CharacterEvent>(tx, event).await? {
            return index::character(tx, event, &character).await;
        }
        if let Some(media) = rows::fold::<Media, MediaEvent>(tx, event).await? {
            index::media(tx, event, &media).await?;
        }
        Ok(())
    }
}
