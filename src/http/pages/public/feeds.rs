//! For programs that read: robots.txt, security.txt, the sitemap, Atom feeds.

use super::films::film_here;
use super::{absolute, collections};
use crate::actors::search;
use crate::http::page::with_query;
use crate::http::response::{self, text};
use crate::http::route::{Access, Route};
use crate::http::ui::format::rfc;
use crate::http::ui::markdown;
use crate::http::ui::shortcodes::without;
use crate::http::{HttpError, Req, Res};
use crate::projections::catalogue::{self, Order, Wanted};
use chrono::{DateTime, TimeDelta, Utc};
use maud::{PreEscaped, html};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/robots.txt", Access::Anyone, robots),
        Route::get("/.well-known/security.txt", Access::Anyone, security),
        Route::get("/sitemap.xml", Access::Anyone, sitemap),
        Route::get("/posts/feed.atom", Access::Anyone, posts),
        Route::get("/films/feed.atom", Access::Anyone, films),
        Route::get("/films/{slug}/logs/feed.atom", Access::Anyone, logs),
        Route::get("/courses/feed.atom", Access::Anyone, courses),
        Route::get("/search/feed.atom", Access::Anyone, found),
    ]
}

async fn robots(req: Req) -> Result<Res, HttpError> {
    let closed = [
        "/account",
        "/studio",
        "/billing",
        "/moderation",
        "/operator",
        "/login",
        "/register",
        "/search",
        "/demo",
    ];
    let mut words = String::from("User-agent: *\n");
    for path in closed {
        words.push_str(&format!("Disallow: {path}\n"));
    }
    words.push_str(&format!("Sitemap: {}\n", absolute(&req, "/sitemap.xml")));
    Ok(text("text/plain; charset=utf-8", words))
}

/// RFC 9116: whom to tell of a weakness.
async fn security(req: Req) -> Result<Res, HttpError> {
    let contact = req.app.config.studio.security_contact.clone().ok_or(HttpError::NotFound)?;
    // It should be looked at again within a year; whoever runs an old configuration is still found.
    let expires = rfc(req.now() + TimeDelta::days(180));
    let canonical = absolute(&req, "/.well-known/security.txt");
    let words =
        format!("Contact: {contact}\nExpires: {expires}\nCanonical: {canonical}\nPreferred-Languages: en\n");
    Ok(text("text/plain; charset=utf-8", words))
}

/// Entries of a feed.
const LONGEST: i64 = 30;
const XML: PreEscaped<&str> = PreEscaped("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");

/// Published pages only; a sitemap file holds at most 50,000 of them.
async fn sitemap(req: Req) -> Result<Res, HttpError> {
    let reader = &req.app.reader;
    let mut pages: Vec<(String, Option<DateTime<Utc>>)> =
        ["/", "/films", "/characters", "/courses", "/posts", "/about"]
            .iter()
            .map(|p| ((*p).to_owned(), None))
            .collect();
    let films = catalogue::films(reader, 5_000).await?;
    pages.extend(films.iter().map(|f| (format!("/films/{}", f.slug), Some(f.changed_at))));
    for log in catalogue::logs_of_weeks(reader, None, 10_000).await? {
        let film = films.iter().find(|f| f.id == log.state.film);
        if let (Some(film), Some(week)) = (film, log.state.week) {
            pages.push((format!("/films/{}/logs/{week}", film.slug), Some(log.changed_at)));
        }
    }
    for course in catalogue::courses(reader, 5_000).await? {
        pages.push((format!("/courses/{}", course.slug), Some(course.changed_at)));
        for lesson in
            course.state.chapters.iter().filter(|c| c.shown).flat_map(|c| &c.lessons).filter(|l| l.shown)
        {
            pages.push((format!("/courses/{}/{}", course.slug, lesson.slug), Some(course.changed_at)));
        }
    }
    for collection in catalogue::public_collections(reader, 10_000).await? {
        if let Some(film) = films.iter().find(|f| f.id == collection.state.film) {
            pages.push((collections::href(film, &collection.state), Some(collection.changed_at)));
        }
    }
    let characters = catalogue::characters(reader, 2_000).await?;
    pages.extend(characters.iter().map(|c| (format!("/characters/{}", c.slug), Some(c.changed_at))));
    pages.extend(
        catalogue::posts(reader, None, 5_000)
            .await?
            .iter()
            .map(|p| (format!("/posts/{}", p.slug), Some(p.changed_at))),
    );
    pages.extend(
        catalogue::latest_works(reader, 20_000)
            .await?
            .iter()
            .map(|w| (format!("/media/{}", w.slug), Some(w.changed_at))),
    );
    pages.truncate(50_000);
    let document = html! {
        (XML)
        urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" {
            @for (path, changed) in &pages {
                url { loc { (absolute(&req, path)) } @if let Some(at) = changed { lastmod { (rfc(*at)) } } }
            }
        }
    };
    Ok(response::xml("application/xml; charset=utf-8", document))
}

/// One entry of an Atom feed.
struct Entry {
    id: String,
    title: String,
    path: String,
    updated: DateTime<Utc>,
    published: Option<DateTime<Utc>>,
    summary: String,
    /// HTML.
    content: Option<String>,
}

/// An Atom feed (RFC 4287) at `path` about the page `about`. Everything in it is public.
fn atom(req: &Req, name: &str, path: &str, about: &str, entries: &[Entry]) -> Res {
    let updated = entries.iter().map(|e| e.updated).max().unwrap_or(DateTime::UNIX_EPOCH);
    let (here, about) = (absolute(req, path), absolute(req, about));
    let studio = &req.app.config.studio.name;
    // `link` is an empty element in HTML and would not be closed.
    let link = |rel: &str, href: &str| {
        let href = html! { (href) }.into_string();
        PreEscaped(format!("<link rel=\"{rel}\" href=\"{}\"/>", href.replace('"', "&quot;")))
    };
    let document = html! {
        (XML)
        feed xmlns="http://www.w3.org/2005/Atom" {
            title { (studio) " · " (name) }
            id { (about) }
            (link("self", &here))
            (link("alternate", &about))
            updated { (rfc(updated)) }
            author { name { (studio) } }
            @for entry in entries {
                entry {
                    title { (entry.title) }
                    id { (entry.id) }
                    (link("alternate", &absolute(req, &entry.path)))
                    updated { (rfc(entry.updated)) }
                    @if let Some(at) = entry.published { published { (rfc(at)) } }
                    summary { (entry.summary) }
                    @if let Some(content) = &entry.content { content type="html" { (content) } }
                }
            }
        }
    };
    response::xml("application/atom+xml; charset=utf-8", document)
}

async fn posts(req: Req) -> Result<Res, HttpError> {
    let posts = catalogue::posts(&req.app.reader, None, LONGEST).await?;
    let entries: Vec<Entry> = posts
        .iter()
        .map(|p| Entry {
            id: format!("urn:uuid:{}", p.id),
            title: p.state.text.title.clone(),
            path: format!("/posts/{}", p.slug),
            updated: p.changed_at,
            published: Some(p.published_at.unwrap_or(p.changed_at)),
            summary: p.state.text.excerpt.clone(),
            content: Some(markdown(&without(&p.state.text.content)).into_string()),
        })
        .collect();
    Ok(atom(&req, "Journal", "/posts/feed.atom", "/posts", &entries))
}

async fn films(req: Req) -> Result<Res, HttpError> {
    let films = catalogue::films(&req.app.reader, LONGEST).await?;
    let entries: Vec<Entry> = films
        .iter()
        .map(|f| Entry {
            id: format!("urn:uuid:{}", f.id),
            title: f.state.title.clone(),
            path: format!("/films/{}", f.slug),
            updated: f.changed_at,
            published: f.published_at,
            summary: f.state.summary.clone(),
            content: None,
        })
        .collect();
    Ok(atom(&req, "Films", "/films/feed.atom", "/films", &entries))
}

/// The production logs of one film.
async fn logs(req: Req) -> Result<Res, HttpError> {
    let film = match film_here(&req, "/logs/feed.atom").await? {
        Ok(film) if film.public => film,
        Ok(_) => return Err(HttpError::NotFound),
        Err(elsewhere) => return Ok(elsewhere),
    };
    let mut logs = catalogue::logs_of_film(&req.app.reader, film.id, false).await?;
    logs.truncate(usize::try_from(LONGEST).unwrap_or(usize::MAX));
    let base = format!("/films/{}/logs", film.slug);
    let entries: Vec<Entry> = logs
        .iter()
        .filter_map(|log| {
            let texts: Vec<&str> = log.state.entries.iter().map(|e| e.text.as_str()).collect();
            Some(Entry {
                id: format!("urn:uuid:{}", log.id),
                title: log.state.heading(),
                path: format!("{base}/{}", log.state.week?),
                updated: log.changed_at,
                published: log.published_at,
                summary: log.state.text.summary.clone(),
                content: Some(markdown(&without(&texts.join("\n\n"))).into_string()),
            })
        })
        .collect();
    let name = format!("{} · Production logs", film.state.title);
    Ok(atom(&req, &name, &format!("{base}/feed.atom"), &base, &entries))
}

async fn courses(req: Req) -> Result<Res, HttpError> {
    let courses = catalogue::courses(&req.app.reader, LONGEST).await?;
    let entries: Vec<Entry> = courses
        .iter()
        .map(|c| Entry {
            id: format!("urn:uuid:{}", c.id),
            title: c.state.title.clone(),
            path: format!("/courses/{}", c.slug),
            updated: c.changed_at,
            published: c.published_at,
            summary: c.state.summary.clone(),
            content: None,
        })
        .collect();
    Ok(atom(&req, "Training", "/courses/feed.atom", "/courses", &entries))
}

/// What a search finds, the newest first: news about one thing.
async fn found(req: Req) -> Result<Res, HttpError> {
    let words = req.query("q").trim().to_owned();
    let wanted = Wanted { text: words.clone(), order: Order::Newest, most: LONGEST, ..Wanted::default() };
    let hits = if words.is_empty() { Vec::new() } else { search::find(&req.app, &wanted).await?.hits };
    // The marks around what was found are for pages.
    let plain = |text: &str| text.replace(['\u{2}', '\u{3}'], "");
    let entries: Vec<Entry> = hits
        .iter()
        .map(|h| Entry {
            id: absolute(&req, &h.url),
            title: plain(&h.title),
            path: h.url.clone(),
            updated: h.at,
            published: None,
            summary: plain(&h.excerpt),
            content: None,
        })
        .collect();
    let page = with_query("/search", &[("q", &words)]);
    let here = with_query("/search/feed.atom", &[("q", &words)]);
    Ok(atom(&req, &format!("“{words}”"), &here, &page, &entries))
}
