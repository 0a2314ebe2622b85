//! `/posts` and `/posts/{slug}`: the journal.

use super::prose::prose;
use super::{absolute, feed_link, may_edit, work_picture};
use crate::actors::marks::Kind;
use crate::domain::comment::{Subject, SubjectKind};
use crate::domain::post::{Post, Visibility};
use crate::http::page::{Page, page};
use crate::http::pages::comments;
use crate::http::pages::marks::buttons;
use crate::http::response::moved;
use crate::http::route::{Access, Route};
use crate::http::ui::{
    Card, Fetch, Icon, Place, Ratio, Theme, Tone, card, crumbs, empty, format, notice, page_head, picture,
};
use crate::http::{HttpError, Req, Res, structured};
use crate::projections::catalogue::{self, Found, Row, Work};
use crate::projections::people;
use chrono::{DateTime, SecondsFormat, Utc};
use maud::{Markup, html};
use std::collections::HashMap;
use uuid::Uuid;

/// Posts on one page of the list.
const PAGE: i64 = 18;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/posts", Access::Anyone, list), Route::get("/posts/{slug}", Access::Anyone, show)]
}

async fn list(req: Req) -> Result<Res, HttpError> {
    let before = req.query("before").parse::<DateTime<Utc>>().ok();
    let mut posts = catalogue::posts(&req.app.reader, before, PAGE + 1).await?;
    let more = posts.len() > usize::try_from(PAGE).unwrap_or(usize::MAX);
    posts.truncate(usize::try_from(PAGE).unwrap_or(usize::MAX));
    let art: Vec<Uuid> = posts.iter().filter_map(|p| p.state.text.picture).collect();
    let works = catalogue::works_by_ids(&req.app.reader, &art, false).await?;
    let older = posts.last().and_then(|p| p.published_at).filter(|_| more);
    let older = older.map(|at| format!("/posts?before={}", at.to_rfc3339_opts(SecondsFormat::Micros, true)));
    let body = html! {
        div.wrap.page.stack.mid {
            (page_head("Journal", Some("What happens in the studio, week by week."), None))
            @if posts.is_empty() {
                (empty(Icon::Newspaper, "No posts yet", "Posts appear here as soon as one is published.", Some(&Place::new("Look at the films", "/films"))))
            }
            h2.hush { "All entries" }
            ul.grid { @for post in &posts { li { (post_card(post, &works)) } } }
            @if before.is_some() || older.is_some() {
                nav.paging aria-label="Pages" {
                    @if before.is_some() { a href="/posts" { "Newest posts" } }
                    @if let Some(href) = older { a href=(href) rel="next" { "Older posts" } }
                }
            }
        }
    };
    let feed = feed_link("/posts/feed.atom", "Journal");
    Ok(page(
        &req,
        Page {
            title: "Journal".into(),
            description: Some(format!("The journal of {}.", req.app.config.studio.name)),
            canonical: Some("/posts".into()),
            head: Some(feed),
            body,
            ..Page::default()
        },
    ))
}

/// A post as a card.
pub(super) fn post_card(post: &Row<Post>, works: &HashMap<Uuid, Work>) -> Markup {
    let text = &post.state.text;
    let art = text.picture.and_then(|id| works.get(&id)).and_then(|w| work_picture(w, ""));
    let day = post.published_at.map(|at| format::day(format::local_day(at)));
    let sub = [Some(text.category.words().to_owned()), day];
    card(&Card {
        href: format!("/posts/{}", post.slug),
        title: &text.title,
        sub: Some(sub.into_iter().flatten().collect::<Vec<_>>().join(" · ")),
        text: Some(&text.excerpt),
        picture: art.as_ref(),
        ratio: Ratio::Wide,
        ..Card::default()
    })
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let reader = &req.app.reader;
    let post = match catalogue::post_by_slug(reader, req.param("slug")).await?.ok_or(HttpError::NotFound)? {
        Found::Moved(slug) => return Ok(moved(&format!("/posts/{slug}"))),
        Found::Here(post) => *post,
    };
    let editor = may_edit(&req, post.state.by);
    if !post.public && !editor {
        return Err(HttpError::NotFound);
    }
    let text = &post.state.text;
    let art = match text.picture {
        Some(id) => catalogue::works_by_ids(reader, &[id], editor).await?.remove(&id),
        None => None,
    };
    let art = art.as_ref().and_then(|w| work_picture(w, ""));
    let film = match text.film {
        Some(id) => catalogue::film_by_id(reader, id).await?.filter(|f| f.public),
        None => None,
    };
    let author = match post.state.by {
        Some(id) => people::public_name(reader, id).await?,
        None => None,
    };
    let marks = if post.public {
        buttons(&req, Kind::Post, post.id).await?
    } else {
        html! {}
    };
    let thread = if post.public {
        comments::thread(&req, Subject { kind: SubjectKind::Post, id: post.id }, post.state.by).await?
    } else {
        html! {}
    };
    let content = prose(&req, &text.content, 1).await?;
    let body = html! {
        article.wrap.page {
            div.reading.stack.mid {
                (crumbs(&[Place::new("Journal", "/posts")], &text.title))
                header.stack {
                    h1.display { (text.title) }
                    p.byline {
                        span { (text.category.words()) }
                        @if let Some(at) = post.published_at { (format::date(at)) }
                        @if let Some(name) = &author { span { "by " (name) } }
                        @if let Some(film) = &film { span { "about " a href={ "/films/" (film.slug) } { (film.state.title) } } }
                        @if editor { a href={ "/studio/posts/" (post.id) } { "Edit" } }
                    }
                    @if !text.excerpt.is_empty() { p.lead { (text.excerpt) } }
                }
                @if art.is_some() { (picture(art.as_ref(), Ratio::Wide, "(min-width: 48rem) 46rem, 100vw", Fetch::First, &html! {})) }
                div.prose { (content) }
                (marks)
                (thread)
                @if let Some(film) = &film { p { a href={ "/films/" (film.slug) } { "More about " (film.state.title) } } }
            }
        }
    };
    let state = match post.state.visibility {
        Visibility::Scheduled { publish_at } => {
            format!("This post will be published on {}. ", format::moment_text(publish_at))
        }
        _ => "This post is a draft: only you and the editors see it. ".to_owned(),
    };
    let draft = html! { p { (state) a href={ "/studio/posts/" (post.id) } { "Edit or publish it" } } };
    let image =
        art.and_then(|p| p.files.into_iter().filter(|f| f.kind == "image/jpeg").max_by_key(|f| f.width));
    let image = image.map(|f| absolute(&req, &f.url));
    let url = absolute(&req, &format!("/posts/{}", post.slug));
    let about = structured::article(
        &req,
        &structured::Article {
            headline: &text.title,
            url: &url,
            published: post.published_at,
            changed: post.changed_at,
            author: author.as_deref(),
            image: image.as_deref(),
        },
    );
    Ok(page(
        &req,
        Page {
            title: text.title.clone(),
            section: "Journal".into(),
            head: post.public.then_some(about),
            description: Some(text.excerpt.clone()).filter(|e| !e.is_empty()),
            theme: Theme::Desk,
            banner: (!post.public).then(|| notice(Tone::Warning, &draft)),
            image,
            canonical: post.public.then(|| format!("/posts/{}", post.slug)),
            private: !post.public,
            body,
            ..Page::default()
        },
    ))
}
