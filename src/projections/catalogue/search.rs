//! Search: whole words and beginnings of words by full text, typing errors by trigrams.

use super::super::{QueryError, Reader};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// What is searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum SearchKind {
    /// Films.
    Film,
    /// Courses.
    Course,
    /// Lessons.
    Lesson,
    /// Posts.
    Post,
    /// Weeks of films.
    Log,
    /// Characters.
    Character,
    /// Folders of works.
    Collection,
    /// Videos, pictures, sound, files.
    Media,
}

impl SearchKind {
    /// The words on pages.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Film => "Film",
            Self::Course => "Course",
            Self::Lesson => "Lesson",
            Self::Post => "Journal",
            Self::Log => "Production log",
            Self::Character => "Character",
            Self::Collection => "Collection",
            Self::Media => "Gallery",
        }
    }
    /// The code in addresses.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.into()
    }
}

/// The order of answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Order {
    /// What fits best.
    #[default]
    Best,
    /// What was published last.
    Newest,
    /// What was published first.
    Oldest,
}

/// A question.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The words as typed.
    pub text: String,
    /// Only this kind.
    pub kind: Option<SearchKind>,
    /// Only what everybody may watch.
    pub free: bool,
    /// Only works of this form, such as `video`.
    pub form: Option<String>,
    /// Only training of this level.
    pub level: Option<String>,
    /// Only what has this licence, by its code.
    pub licence: Option<String>,
    /// Only what belongs to this film.
    pub film: Option<Uuid>,
    /// Only what has this tag.
    pub tag: Option<String>,
    /// In which order.
    pub order: Order,
    /// Whether the viewer may watch what is for members: only then their text is searched as well.
    pub members: bool,
    /// The viewer, who searches the text of their own works in any case.
    pub viewer: Option<Uuid>,
    /// How many to leave out before the first.
    pub skip: i64,
    /// How many at most.
    pub most: i64,
}

impl Wanted {
    /// Whether anything is asked for beside words.
    #[must_use]
    pub fn is_narrow(&self) -> bool {
        self.kind.is_some()
            || self.free
            || self.film.is_some()
            || [&self.form, &self.level, &self.licence, &self.tag].iter().any(|part| part.is_some())
    }

    /// The words as typed, as far as they are looked at.
    fn typed(&self) -> String {
        self.text.chars().filter(|c| !c.is_control()).take(200).collect()
    }

    /// Whether everything that the filters let through is wanted.
    #[must_use]
    pub fn is_anything(&self) -> bool {
        self.typed().trim().is_empty() && self.is_narrow()
    }

    /// The words that are searched for. Only letters and digits are left, so nothing typed can be an operator.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        words(&self.typed())
    }
}

/// One answer. In `title` and `excerpt` the found words stand between U+0002 and U+0003.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// What it is.
    pub kind: Option<SearchKind>,
    /// Where it is.
    pub url: String,
    /// Its title.
    pub title: String,
    /// What it belongs to or is about.
    pub context: String,
    /// The place in its text where the words stand; empty if only the title has them.
    pub excerpt: String,
    /// Whether everybody may watch it.
    pub free: bool,
    /// The work whose picture stands for it.
    pub picture: Option<Uuid>,
    /// When it was published.
    pub at: DateTime<Utc>,
}

/// The answers.
#[derive(Clone, Debug, Default)]
pub struct Hits {
    /// On this page.
    pub hits: Vec<Hit>,
    /// Altogether.
    pub total: i64,
}

/// Whether everybody may watch a row `w`. A film is open to everybody if its feature is; one without a feature, if
/// any of its published works is. Works have streams of their own, so that is looked up and not kept.
macro_rules! is_free {
    () => {
        "(select case when w.kind <> 'film' then w.free
                else coalesce((select m.free from catalogue_words m where m.kind = 'media' and m.id = w.feature),
                    (select bool_or(m.free) from catalogue_words m
                     where m.kind = 'media' and m.id = any(w.parts)), true) end as free)"
    };
}
pub(super) use is_free;

const SQL: &str = concat!(
    "
    with asked as (select to_tsquery('english', $1) as query),
    inside as materialized (
        select t.media, t.body, ts_rank_cd(t.words, query) as rank
        from public.media_texts t, asked, catalogue_words w
        where t.words @@ query and w.kind = 'media' and w.id = t.media and (w.free or $13
              or exists (select from media_works m where m.media = w.id and m.owner = $14))),
    found as (
        select w.kind, w.url, w.title, w.context, w.body, w.picture, w.at, o.free, i.body as inside,
            ts_rank_cd(w.words, query) * 4 + word_similarity($2, w.title) + coalesce(i.rank, 0) as rank
        from asked, catalogue_words w left join inside i on w.kind = 'media' and w.id = i.media,
            lateral ",
    is_free!(),
    " o
        where ($15 or w.words @@ query or $2 <% w.title or i.media is not null)
          and ($3::text is null or w.kind = $3) and (not $4 or o.free)
          and ($8::text is null or w.form = $8) and ($9::text is null or w.level = $9)
          and ($10::text is null or w.licence = $10) and ($11::uuid is null or w.film = $11 or exists (
              select from catalogue_words f where f.kind = 'film' and f.id = $11 and w.id = any(f.parts)))
          and ($12::text is null or $12 = any(w.tags)))
    select kind, url, context, free, picture, at, count(*) over () as total,
        ts_headline('english', title, query, 'HighlightAll=true, StartSel=\u{2}, StopSel=\u{3}') as title,
        case when body <> '' and to_tsvector('english', body) @@ query
             then ts_headline('english', body, query, 'MaxWords=24, MinWords=12, StartSel=\u{2}, StopSel=\u{3}')
             when inside is not null
             then ts_headline('english', inside, query, 'MaxWords=24, MinWords=12, StartSel=\u{2}, StopSel=\u{3}')
             else '' end as excerpt
    from found, asked
    order by extract(epoch from at)::float8 * $5::float8 desc, rank desc, at desc, url
    offset $6 limit $7"
);

/// Answers a question. One without words finds everything that its filters let through, the newest first; one
/// without both, or whose words have no letter or digit, finds nothing.
///
/// # Errors
/// If the database cannot be read.
pub async fn search(reader: &Reader, wanted: &Wanted) -> Result<Hits, QueryError> {
    let text = wanted.typed();
    let anything = wanted.is_anything();
    let Some(query) = prefix_query(&text).or_else(|| anything.then(String::new)) else {
        return Ok(Hits::default());
    };
    let kind = wanted.kind.map(SearchKind::code);
    let by_time: f64 = match wanted.order {
        Order::Best => 0.0,
        Order::Newest => 1.0,
        Order::Oldest => -1.0,
    };
    let rows = reader
        .client()
        .await?
        .query(
            SQL,
            &[
                &query,
                &text,
                &kind,
                &wanted.free,
                &by_time,
                &wanted.skip,
                &wanted.most,
                &wanted.form,
                &wanted.level,
                &wanted.licence,
                &wanted.film,
                &wanted.tag,
                &wanted.members,
                &wanted.viewer,
                &anything,
            ],
        )
        .await?;
    let total = rows.first().map_or(0, |r| r.get("total"));
    Ok(Hits { hits: rows.iter().map(hit).collect(), total })
}

fn hit(row: &tokio_postgres::Row) -> Hit {
    Hit {
        kind: row.get::<_, &str>("kind").parse().ok(),
        url: row.get("url"),
        title: row.get("title"),
        context: row.get("context"),
        excerpt: row.get("excerpt"),
        free: row.get("free"),
        picture: row.get("picture"),
        at: row.get("at"),
    }
}

/// What can be asked for beside words: what some findable thing has.
#[derive(Clone, Debug, Default)]
pub struct Facets {
    /// Forms of works, levels of training, and licences, by their codes.
    pub forms: Vec<String>,
    /// See `forms`.
    pub levels: Vec<String>,
    /// See `forms`.
    pub licences: Vec<String>,
    /// Films, with their titles.
    pub films: Vec<(Uuid, String)>,
}

/// What can be asked for.
///
/// # Errors
/// If the database cannot be read.
pub async fn facets(reader: &Reader) -> Result<Facets, QueryError> {
    let client = reader.client().await?;
    let sql = "select array(select distinct form from catalogue_words where form is not null order by 1),
                      array(select distinct level from catalogue_words where level is not null order by 1),
                      array(select distinct licence from catalogue_words where licence is not null order by 1)";
    let row = client.query_one(sql, &[]).await?;
    let films = client
        .query("select id, title from catalogue_words where kind = 'film' order by title limit 200", &[])
        .await?;
    Ok(Facets {
        forms: row.get(0),
        levels: row.get(1),
        licences: row.get(2),
        films: films.iter().map(|r| (r.get(0), r.get(1))).collect(),
    })
}

/// How many things of each kind can be found.
///
/// # Errors
/// If the database cannot be read.
pub async fn findable(reader: &Reader) -> Result<Vec<(String, i64)>, QueryError> {
    let sql = "select kind, count(*) from catalogue_words group by kind order by kind";
    let rows = reader.client().await?.query(sql, &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// What became public after `since` and not after `until`, the newest first, at most `most`; and how
/// many there are in all.
///
/// # Errors
/// If the database cannot be read.
pub async fn new_between(
    reader: &Reader,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    most: i64,
) -> Result<Hits, QueryError> {
    let sql = "select kind, url, context, free, picture, at, title, '' as excerpt, count(*) over () as total
        from catalogue_words where at > $1 and at <= $2 order by at desc, url limit $3";
    let rows = reader.client().await?.query(sql, &[&since, &until, &most]).await?;
    Ok(Hits { total: rows.first().map_or(0, |r| r.get("total")), hits: rows.iter().map(hit).collect() })
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).take(12).map(str::to_owned).collect()
}

/// The words as a `tsquery` in which each may be the beginning of a longer one: `salt:* & keep:*`.
fn prefix_query(text: &str) -> Option<String> {
    let words: Vec<String> = words(text).into_iter().map(|w| format!("{w}:*")).collect();
    (!words.is_empty()).then(|| words.join(" & "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_typed_is_an_operator() {
        assert_eq!(prefix_query("salt keep"), Some("salt:* & keep:*".into()));
        assert_eq!(prefix_query("a' | !b:* & (c <-> \\d)"), Some("a:* & b:* & c:* & d:*".into()));
        assert_eq!(prefix_query("  ' & | ! "), None);
    }
}
