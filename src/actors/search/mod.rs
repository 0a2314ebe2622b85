//! Finding works: by the index in the studio's own database, or by a Meilisearch server that is kept in step with it.
//! What that one finds is looked up in the studio's own tables before anybody sees it: its index may be behind.

mod fill;
mod state;

pub use fill::run;
pub use state::{Filled, filled, want_anew};

use super::services::Services;
use crate::adapters::meilisearch::{MeiliError, Meilisearch};
use crate::config::SearchEngine;
use crate::projections::catalogue::{self, Hit, Hits, Order, Shown, Wanted};
use crate::store::StoreError;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Instant;
use uuid::Uuid;

/// Most answers that can be paged through, as far as the page goes.
const MOST: i64 = 10_000;
/// Words around what was found.
const EXCERPT: u32 = 24;
/// Begins and ends a found word, as [`Hit`] says.
const MARKS: [char; 2] = ['\u{2}', '\u{3}'];
/// Where an excerpt goes on.
const MORE: char = '…';

/// Why nothing could be searched.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The studio's own database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine beside the studio.
    #[error(transparent)]
    Engine(#[from] MeiliError),
}

/// Answers a question by the engine that the settings name. One without words and filters, or whose words have no
/// letter or digit, finds nothing.
///
/// # Errors
/// If that engine or the database does not answer.
pub async fn find(cx: &Services, wanted: &Wanted) -> Result<Hits, SearchError> {
    if wanted.words().is_empty() && !wanted.is_anything() {
        return Ok(Hits::default());
    }
    let engine = cx.config.search.engine;
    let begun = Instant::now();
    let answer = match engine {
        SearchEngine::Embedded => catalogue::search(&cx.reader, wanted).await.map_err(SearchError::from),
        SearchEngine::Meilisearch => ask(cx, wanted).await,
    };
    let outcome = match &answer {
        Ok(_) => "answered",
        Err(SearchError::Store(_)) => "away",
        Err(SearchError::Engine(error)) => error.outcome(),
    };
    let metrics = &cx.metrics.search;
    metrics.questions.with_label_values(&[engine.as_str(), outcome]).inc();
    metrics.duration.with_label_values(&[engine.as_str()]).observe(begun.elapsed().as_secs_f64());
    answer
}

async fn ask(cx: &Services, wanted: &Wanted) -> Result<Hits, SearchError> {
    let words = wanted.words();
    let parts = match wanted.film {
        Some(film) => catalogue::parts_of(&cx.reader, film).await?,
        None => vec![],
    };
    let set = &cx.config.search;
    let engine = Meilisearch::new(cx.https.clone(), &set.address, &set.search_key);
    let answer = engine.search(&set.index, &question(wanted, &words, &parts)).await?;
    let found = answer["hits"].as_array().ok_or(MeiliError::Odd)?;
    let total = answer["estimatedTotalHits"].as_i64().ok_or(MeiliError::Odd)?;
    let id = |hit: &Value| hit["id"].as_str().and_then(|id| id.parse::<Uuid>().ok());
    let ids: Vec<Uuid> = found.iter().filter_map(id).collect();
    let mut known: HashMap<Uuid, Shown> =
        catalogue::shown(&cx.reader, wanted, &ids).await?.into_iter().map(|s| (s.id, s)).collect();
    let hits: Vec<Hit> =
        found.iter().filter_map(|hit| Some(marked(known.remove(&id(hit)?)?, &hit["_formatted"]))).collect();
    let hidden = i64::try_from(found.len() - hits.len()).unwrap_or(0);
    Ok(Hits { hits, total: (total.min(MOST) - hidden).max(0) })
}

/// The question as the engine takes it. Who may not watch what is for members does not search its text either.
fn question(wanted: &Wanted, words: &[String], parts: &[Uuid]) -> Value {
    let mut searched = vec!["title", "context", "body", "open"];
    if wanted.members {
        searched.push("closed");
    }
    let cropped: Vec<&str> =
        searched.iter().copied().filter(|name| !["title", "context"].contains(name)).collect();
    let mut filter: Vec<String> = vec![];
    let mut only = |name: &str, value: Option<&str>| {
        filter.extend(value.map(|value| format!("{name} = {}", quoted(value))));
    };
    only("kind", wanted.kind.map(catalogue::SearchKind::code));
    only("form", wanted.form.as_deref());
    only("level", wanted.level.as_deref());
    only("licence", wanted.licence.as_deref());
    only("tags", wanted.tag.as_deref());
    if wanted.free {
        filter.push("free = true".into());
    }
    if let Some(film) = wanted.film {
        let parts: Vec<String> = parts.iter().map(|id| quoted(&id.to_string())).collect();
        let film = quoted(&film.to_string());
        filter.push(match parts.is_empty() {
            true => format!("film = {film}"),
            false => format!("(film = {film} OR id IN [{}])", parts.join(", ")),
        });
    }
    let sort: &[&str] = match wanted.order {
        Order::Best if !words.is_empty() => &[],
        Order::Best | Order::Newest => &["at:desc"],
        Order::Oldest => &["at:asc"],
    };
    let highlighted = [&["title"], cropped.as_slice()].concat();
    json!({
        "q": words.join(" "),
        "offset": wanted.skip.clamp(0, MOST),
        "limit": wanted.most.clamp(0, 1000),
        "filter": filter,
        "sort": sort,
        // As the embedded engine: all words, the last of which may be the beginning of a longer one.
        "matchingStrategy": "all",
        "attributesToSearchOn": searched,
        "attributesToRetrieve": ["id"],
        "attributesToHighlight": highlighted,
        "attributesToCrop": cropped,
        "cropLength": EXCERPT,
        "cropMarker": MORE.to_string(),
        "highlightPreTag": MARKS[0].to_string(),
        "highlightPostTag": MARKS[1].to_string(),
    })
}

/// A value of a filter: between quotes, so that nothing typed is an operator.
fn quoted(value: &str) -> String {
    let plain: String = value.chars().filter(|c| !c.is_control()).collect();
    format!("\"{}\"", plain.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The hit with the engine's marks, as far as the marked text is what the studio itself has: of an index that is
/// behind no word is shown that has been taken back since.
fn marked(shown: Shown, formatted: &Value) -> Hit {
    let text = |name: &str| formatted[name].as_str().unwrap_or_default();
    let plain = |text: &str| text.replace(MARKS, "");
    let mut hit = shown.hit;
    if plain(text("title")) == hit.title {
        hit.title = text("title").to_owned();
    }
    let excerpts = [("body", &shown.body), ("open", &shown.inside), ("closed", &shown.inside)];
    let true_still = |(name, now): &(&str, &String)| {
        let excerpt = text(name);
        excerpt.contains(MARKS[0]) && now.contains(plain(excerpt).trim_matches(MORE).trim())
    };
    if let Some((name, _)) = excerpts.into_iter().find(true_still) {
        hit.excerpt = text(name).trim_matches(MORE).trim().to_owned();
    }
    hit
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::projections::catalogue::SearchKind;

    fn shown(title: &str, body: &str) -> Shown {
        let hit = Hit {
            kind: Some(SearchKind::Film),
            url: "/films/x".into(),
            title: title.into(),
            context: String::new(),
            excerpt: String::new(),
            free: true,
            picture: None,
            at: chrono::DateTime::UNIX_EPOCH,
        };
        Shown { id: Uuid::nil(), hit, body: body.into(), inside: "read aloud".into() }
    }

    #[test]
    fn nothing_typed_is_an_operator_of_the_engine() {
        assert_eq!(quoted("a\" OR free = false\\"), "\"a\\\" OR free = false\\\\\"");
        let wanted = Wanted { text: "-keep \"salt".into(), tag: Some("a\"b".into()), ..Wanted::default() };
        let asked = question(&wanted, &wanted.words(), &[]);
        assert_eq!(asked["q"], "keep salt");
        assert_eq!(asked["filter"], json!(["tags = \"a\\\"b\""]));
    }

    #[test]
    fn text_for_members_is_searched_and_shown_for_members_only() {
        let names = |wanted: &Wanted, part: &str| question(wanted, &["a".into()], &[])[part].to_string();
        let (visitor, member) = (Wanted::default(), Wanted { members: true, ..Wanted::default() });
        for part in ["attributesToSearchOn", "attributesToHighlight", "attributesToCrop"] {
            assert!(!names(&visitor, part).contains("closed") && names(&member, part).contains("closed"));
        }
        assert_eq!(question(&member, &["a".into()], &[])["attributesToRetrieve"], json!(["id"]));
    }

    #[test]
    fn what_was_taken_back_is_not_shown_by_an_index_that_is_behind() {
        let answer = json!({ "title": "The \u{2}Salt\u{3} Keeper", "body": "…the \u{2}salt\u{3} road…" });
        let hit = marked(shown("The Salt Keeper", "On the salt road at night"), &answer);
        assert_eq!(
            (hit.title.as_str(), hit.excerpt.as_str()),
            ("The \u{2}Salt\u{3} Keeper", "the \u{2}salt\u{3} road")
        );
        let hit = marked(shown("The Keeper", "At night"), &answer);
        assert_eq!((hit.title.as_str(), hit.excerpt.as_str()), ("The Keeper", ""));
        let hit = marked(shown("x", ""), &json!({ "open": "\u{2}aloud\u{3}", "body": "no" }));
        assert_eq!(hit.excerpt, "\u{2}aloud\u{3}");
    }

    #[test]
    fn a_film_has_its_works_too() {
        let (film, part) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let wanted = Wanted { film: Some(film), free: true, order: Order::Oldest, ..Wanted::default() };
        let asked = question(&wanted, &[], &[part]);
        assert_eq!(asked["filter"][1], format!("(film = \"{film}\" OR id IN [\"{part}\"])"));
        assert_eq!((&asked["filter"][0], &asked["sort"]), (&json!("free = true"), &json!(["at:asc"])));
        assert_eq!(question(&Wanted::default(), &["a".into()], &[])["sort"], json!([]));
    }
}
