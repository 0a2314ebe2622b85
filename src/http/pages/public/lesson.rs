//! `/courses/{slug}/{lesson}`: one lesson with its work, its text and the way on.

use super::courses::{find, visible};
use super::prose::prose;
use super::works::{Gate, seconds};
use crate::actors::visits::Visit;
use crate::actors::watch_progress;
use crate::domain::comment::{Subject, SubjectKind};
use crate::domain::course::Lesson;
use crate::domain::media::Tier;
use crate::http::page::{Page, page};
use crate::http::pages::comments;
use crate::http::player::{self, Stage};
use crate::http::response::moved;
use crate::http::route::{Access, Route};
use crate::http::ui::{Icon, Place, Tone, Weight, button, crumbs, format, icon, notice_text};
use crate::http::{HttpError, Req, Res};
use crate::projections::catalogue::{self, Work};
use maud::{Markup, html};
use std::collections::HashMap;
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/courses/{slug}/{lesson}", Access::Anyone, show)]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let (course, editor) = match find(&req).await? {
        Ok(found) => found,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let chapters = visible(&course.state, editor);
    let all: Vec<&Lesson> = chapters.iter().flat_map(|c| &c.lessons).collect();
    let wanted = req.param("lesson");
    let Some(here) = all.iter().position(|l| l.slug.as_str() == wanted) else {
        // An address that the lesson had before leads to where it is now.
        let now = course.state.lesson_slugs.get(wanted).and_then(|id| all.iter().find(|l| l.id == *id));
        let now = now.ok_or(HttpError::NotFound)?;
        return Ok(moved(&format!("/courses/{}/{}", course.slug, now.slug)));
    };
    let lesson = all[here];
    let gate = Gate::of(&req).await?;
    let work = match lesson.text.media {
        Some(id) => catalogue::work_by_id(&req.app.reader, id).await?.filter(|w| w.public || editor),
        None => None,
    };
    let open = gate.opens(lesson.text.free);
    let stage = match &work {
        Some(work) if open || work.state.tier == Tier::Free => player::stage_of(&req, work.id).await?,
        _ => None,
    };
    if let (Some(work), Some(stage)) = (&work, &stage)
        && work.public
        && stage.decision.allowed
    {
        req.note_visit(Visit::View, work.id, work.state.owner.unwrap_or_default()).await;
    }
    let ids: Vec<Uuid> = all.iter().map(|l| l.id).collect();
    let seen = match req.viewer.id() {
        Some(account) => watch_progress::of(&req.app, account, &ids).await?,
        None => HashMap::new(),
    };
    let base = format!("/courses/{}", course.slug);
    let place = |l: &&Lesson| format!("{base}/{}", l.slug);
    let chapter = chapters
        .iter()
        .find(|c| c.lessons.iter().any(|l| l.id == lesson.id))
        .map_or("", |c| c.title.as_str());
    let thread = if course.public && lesson.shown {
        comments::thread(&req, Subject { kind: SubjectKind::Lesson, id: lesson.id }, course.state.by).await?
    } else {
        html! {}
    };
    let content = if open {
        prose(&req, &lesson.text.content, 1).await?
    } else {
        html! {}
    };
    let body = html! {
        div.wrap.page {
            div.split {
                article.stack.mid {
                    (crumbs(&[Place::new("Training", "/courses"), Place::new(&course.state.title, &base)], &lesson.text.title))
                    @if !lesson.shown { (notice_text(Tone::Warning, "This lesson is hidden: only you and the editors see it.")) }
                    @if let Some(work) = &work { (on_stage(work, stage.as_ref(), &gate)) }
                    @if open && course.public { (player::watched(&req, lesson.id, Some(course.id), seen.get(&lesson.id))) }
                    header.stack.tight {
                        p.eyebrow { (chapter) }
                        h1 { (lesson.text.title) }
                    }
                    @if open { @if !lesson.text.content.is_empty() { div.prose { (content) } } }
                    @else if work.is_none() { (gate.panel()) }
                    nav.row.apart aria-label="Lessons before and after" {
                        @if let Some(before) = here.checked_sub(1).and_then(|i| all.get(i)) {
                            (button::link_icon(Icon::ArrowLeft, &before.text.title, &place(before), Weight::Plain))
                        }
                        @if let Some(next) = all.get(here + 1) {
                            span data-next={ (place(next)) } { (button::link_icon(Icon::ArrowRight, &next.text.title, &place(next), if open { Weight::Main } else { Weight::Plain })) }
                        }
                    }
                    (thread)
                }
                aside.stack {
                    h2 { a href=(base) { (course.state.title) } }
                    nav aria-label="Lessons" {
                        @for chapter in &chapters {
                            h3.gap-top { (chapter.title) }
                            ol.side-list {
                                @for item in &chapter.lessons {
                                    li { a href={ (base) "/" (item.slug) } aria-current=[(item.id == lesson.id).then_some("page")] {
                                        span.grow { (item.text.title) }
                                        @if seen.get(&item.id).is_some_and(|p| p.finished) { (icon(Icon::Check)) span.hush { " (watched)" } }
                                        @if !gate.opens(item.text.free) { (icon(Icon::Lock)) span.hush { " (members)" } }
                                    } }
                                }
                            }
                        }
                    }
                }
            }
        }
    };
    Ok(page(
        &req,
        Page {
            title: lesson.text.title.clone(),
            section: course.state.title.clone(),
            description: Some(format!("A lesson of {}.", course.state.title)),
            hue: course.state.hue,
            scripts: stage.map_or_else(|| vec![player::SCRIPT], |stage| stage.scripts),
            canonical: course.public.then(|| format!("{base}/{}", lesson.slug)),
            private: !course.public,
            body,
            ..Page::default()
        },
    ))
}

/// The work of the lesson, or the panel that stands instead of it.
fn on_stage(work: &Work, stage: Option<&Stage>, gate: &Gate) -> Markup {
    let Some(stage) = stage else {
        return html! { div.stage { (gate.panel()) } };
    };
    html! {
        div.stack.tight {
            (stage.markup)
            div.row {
                @if let Some(length) = seconds(work).map(format::length) { span.dim { (length) } }
                a href={ "/media/" (work.slug) } { "Its own page, with downloads" }
            }
        }
    }
}
