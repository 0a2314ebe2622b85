//! For programs that read: robots.txt, the sitemap, the journal as an Atom feed.

use super::absolute;
use crate::http::response::text;
use crate::http::route::{Access, Route};
use crate::http::ui::format::rfc;
use crate::http::ui::markdown;
use crate::http::{HttpError, Req, Res};
use crate::projections::catalogue;
use chrono::{DateTime, Utc};
use maud::{Markup, PreEscaped, html};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/robots.txt", Access::Anyone, robots),
        Route::get("/sitemap.xml", Access::Anyone, sitemap),
        Route::get("/posts/feed.atom", Access::Anyone, feed),
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

const XML: PreEscaped<&str> = PreEscaped("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");

/// Published pages only; a sitemap file holds at most 50,000 of them.
async fn sitemap(req: Req) -> Result<Res, HttpError> {
    let reader = &req.app.reader;
    let mut pages: Vec<(String, Option<DateTime<Utc>>)> =
        ["/", "/films", "/courses", "/posts", "/about"].iter().map(|p| ((*p).to_owned(), None)).collect();
    pages.extend(
        catalogue::films(reader, 5_000)
            .await?
            .iter()
            .map(|f| (format!("/films/{}", f.slug), Some(f.changed_at))),
    );
    for course in catalogue::courses(reader, 5_000).await? {
        pages.push((format!("/courses/{}", course.slug), Some(course.changed_at)));
        for lesson in
            course.state.chapters.iter().filter(|c| c.shown).flat_map(|c| &c.lessons).filter(|l| l.shown)
        {
            pages.push((format!("/courses/{}/{}", course.slug, lesson.slug), Some(course.changed_at)));
        }
    }
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
    let xml: Markup = html! {
        (XML)
        urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" {
            @for (path, changed) in &pages {
                url { loc { (absolute(&req, path)) } @if let Some(at) = changed { lastmod { (rfc(*at)) } } }
            }
        }
    };
    Ok(text("application/xml; charset=utf-8", xml.into_string()))
}

async fn feed(req: Req) -> Result<Res, HttpError> {
    let posts = catalogue::posts(&req.app.reader, None, 30).await?;
    let updated = posts.iter().map(|p| p.changed_at).max().unwrap_or(DateTime::UNIX_EPOCH);
    let here = absolute(&req, "/posts/feed.atom");
    let studio = &req.app.config.studio.name;
    let xml: Markup = html! {
        (XML)
        feed xmlns="http://www.w3.org/2005/Atom" {
            title { (studio) " · Journal" }
            id { (absolute(&req, "/posts")) }
            (PreEscaped(format!("<link rel=\"self\" href=\"{here}\"/><link href=\"{}\"/>", absolute(&req, "/posts"))))
            updated { (rfc(updated)) }
            author { name { (studio) } }
            @for post in &posts {
                @let address = absolute(&req, &format!("/posts/{}", post.slug));
                entry {
                    title { (post.state.text.title) }
                    id { "urn:uuid:" (post.id) }
                    (PreEscaped(format!("<link href=\"{address}\"/>")))
                    updated { (rfc(post.changed_at)) }
                    published { (rfc(post.published_at.unwrap_or(post.changed_at))) }
                    summary { (post.state.text.excerpt) }
                    content type="html" { (markdown(&post.state.text.content).into_string()) }
                }
            }
        }
    };
    Ok(text("application/atom+xml; charset=utf-8", xml.into_string()))
}
