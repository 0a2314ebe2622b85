//! `/courses` and `/courses/{slug}`.

use super::prose::prose;
use super::works::{Gate, seconds};
use super::{absolute, feed_link, may_edit, work_picture};
use crate::actors::marks::Kind;
use crate::actors::watch_progress;
use crate::domain::course::{Chapter, Course, Lesson, Level};
use crate::http::page::{Page, page, with_query};
use crate::http::pages::marks::buttons;
use crate::http::response::moved;
use crate::http::route::{Access, Route};
use crate::http::ui::{
    Card, Hero, Icon, Line, Place, Tone, Weight, button, card, chip, empty, filter, filters, format, hero,
    lines, notice, page_head,
};
use crate::http::{HttpError, Req, Res, structured};
use crate::projections::catalogue::{self, CourseCard, Found, Row, Work};
use crate::projections::people;
use maud::{Markup, html};
use std::collections::HashMap;
use strum::VariantArray;
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/courses", Access::Anyone, list), Route::get("/courses/{slug}", Access::Anyone, show)]
}

async fn list(req: Req) -> Result<Res, HttpError> {
    let level: Option<Level> = req.query("level").parse().ok();
    let mut courses = catalogue::courses(&req.app.reader, 200).await?;
    let any = !courses.is_empty();
    courses.retain(|c| level.is_none_or(|l| c.state.level == l));
    let art: Vec<Uuid> = courses.iter().filter_map(|c| c.state.picture).collect();
    let works = catalogue::works_by_ids(&req.app.reader, &art, false).await?;
    let chips: Vec<Markup> = match level {
        Some(level) => vec![filter("Level", Some(level.words()), "/courses")],
        None => Level::VARIANTS
            .iter()
            .map(|l| filter(l.words(), None, &format!("/courses?level={}", l.code())))
            .collect(),
    };
    let body = html! {
        div.wrap.page.stack.mid {
            (page_head("Training", Some("Learn how the films are made, from the people who make them."), None))
            @if any { (filters(&chips, None)) }
            @if courses.is_empty() && any {
                (empty(Icon::SearchX, "No course of this level", "Other levels have courses.", Some(&Place::new("Show all training", "/courses"))))
            } @else if courses.is_empty() {
                (empty(Icon::GraduationCap, "No training yet", "Courses appear here as soon as one is published.", Some(&Place::new("Look at the films", "/films"))))
            }
            h2.hush { "All training" }
            ul.grid { @for course in &courses { li { (course_card(course, &works)) } } }
        }
    };
    let description = Some(format!("Courses and workshops of {}.", req.app.config.studio.name));
    Ok(page(
        &req,
        Page {
            title: "Training".into(),
            description,
            canonical: Some("/courses".into()),
            head: Some(feed_link("/courses/feed.atom", "Training")),
            body,
            ..Page::default()
        },
    ))
}

/// A course as a card.
pub(super) fn course_card(course: &Row<Course>, works: &HashMap<Uuid, Work>) -> Markup {
    let art = course.state.picture.and_then(|id| works.get(&id)).and_then(|w| work_picture(w, ""));
    let counts = CourseCard::of(&course.state);
    let mut sub =
        vec![course.state.level.words().to_owned(), format::counted(counts.lessons, "lesson", "lessons")];
    if counts.free > 0 {
        sub.push(format!("{} free", counts.free));
    }
    card(&Card {
        href: format!("/courses/{}", course.slug),
        title: &course.state.title,
        sub: Some(sub.join(" · ")),
        text: Some(&course.state.summary),
        picture: art.as_ref(),
        display: true,
        ..Card::default()
    })
}

/// The course at the address; a redirect if it has moved; not found for those who may not know.
pub(super) async fn find(req: &Req) -> Result<Result<(Row<Course>, bool), Res>, HttpError> {
    let found =
        catalogue::course_by_slug(&req.app.reader, req.param("slug")).await?.ok_or(HttpError::NotFound)?;
    let course = match found {
        Found::Moved(slug) => {
            let lesson = req.param("lesson");
            let rest = if lesson.is_empty() { String::new() } else { format!("/{lesson}") };
            return Ok(Err(moved(&format!("/courses/{slug}{rest}"))));
        }
        Found::Here(course) => *course,
    };
    let editor = may_edit(req, course.state.by);
    if course.public || editor { Ok(Ok((course, editor))) } else { Err(HttpError::NotFound) }
}

/// The chapters and lessons that the viewer sees, in order.
pub(super) fn visible(course: &Course, editor: bool) -> Vec<Chapter> {
    let mut chapters = course.chapters.clone();
    if !editor {
        chapters.retain(|c| c.shown);
        chapters.iter_mut().for_each(|c| c.lessons.retain(|l| l.shown));
    }
    chapters.retain(|c| !c.lessons.is_empty());
    chapters
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let (course, editor) = match find(&req).await? {
        Ok(found) => found,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let state = &course.state;
    let chapters = visible(state, editor);
    let mut ids: Vec<Uuid> = state.lessons().filter_map(|l| l.text.media).collect();
    ids.extend(state.picture);
    let works = catalogue::works_by_ids(&req.app.reader, &ids, editor).await?;
    let gate = Gate::of(&req).await?;
    let lessons_free: Vec<bool> = chapters.iter().flat_map(|c| &c.lessons).map(|l| l.text.free).collect();
    let lessons: Vec<Uuid> = chapters.iter().flat_map(|c| &c.lessons).map(|l| l.id).collect();
    let seen = match req.viewer.id() {
        Some(account) => watch_progress::of(&req.app, account, &lessons).await?,
        None => HashMap::new(),
    };
    let teacher = match state.teacher {
        Some(id) => people::public_name(&req.app.reader, id).await?,
        None => None,
    };
    let marks = if course.public {
        buttons(&req, Kind::Course, course.id).await?
    } else {
        html! {}
    };
    let description = prose(&req, &state.description, 2).await?;
    let body = html! {
        (head(&course, &chapters, &works, &seen, editor))
        div.wrap.page {
            div.split {
                div.stack.loose {
                    @for (i, chapter) in chapters.iter().enumerate() {
                        section.stack {
                            h2 { (i + 1) ". " (chapter.title) @if !chapter.shown { " " (chip(Tone::Plain, "Hidden")) } }
                            (lines(&chapter_lines(&course.slug, chapter, &works, &seen, &gate)))
                        }
                    }
                    @if chapters.is_empty() { (empty(Icon::BookOpen, "No lessons yet", "They appear here as soon as they are published.", None)) }
                }
                aside.stack {
                    (marks)
                    h2 { "About this training" }
                    @if let Some(name) = &teacher { p { "Taught by " strong { (name) } } }
                    div.prose.small { @if state.description.is_empty() { p { (state.summary) } } @else { (description) } }
                    @if !state.tags.is_empty() { ul.row.tags aria-label="Tags" { @for tag in &state.tags { li { a href=(with_query("/search", &[("q", tag)])) { (tag) } } } } }
                }
            }
        }
    };
    let url = absolute(&req, &format!("/courses/{}", course.slug));
    let free = !lessons_free.is_empty() && lessons_free.iter().all(|f| *f);
    let about = structured::course(&req, &state.title, &state.summary, &url, free);
    let art = state.picture.and_then(|id| works.get(&id)).and_then(|w| work_picture(w, ""));
    let image =
        art.and_then(|p| p.files.into_iter().filter(|f| f.kind == "image/jpeg").max_by_key(|f| f.width));
    let words = match state.publish_at {
        Some(at) => format!("This course will be published on {}. ", format::moment_text(at)),
        None => "This course is a draft: only you and the editors see it. ".to_owned(),
    };
    let draft = html! { p { (words) a href={ "/studio/courses/" (course.id) } { "Edit or publish it" } } };
    Ok(page(
        &req,
        Page {
            title: state.title.clone(),
            section: "Training".into(),
            description: Some(state.summary.clone()),
            hue: state.hue,
            banner: (!course.public).then(|| notice(Tone::Warning, &draft)),
            image: image.map(|f| absolute(&req, &f.url)),
            head: course.public.then_some(about),
            canonical: course.public.then(|| format!("/courses/{}", course.slug)),
            private: !course.public,
            body,
            ..Page::default()
        },
    ))
}

fn head(
    course: &Row<Course>,
    chapters: &[Chapter],
    works: &HashMap<Uuid, Work>,
    seen: &Seen,
    editor: bool,
) -> Markup {
    let state = &course.state;
    let art = state.picture.and_then(|id| works.get(&id)).and_then(|w| work_picture(w, ""));
    let lessons: Vec<_> = chapters.iter().flat_map(|c| &c.lessons).collect();
    let count = i64::try_from(lessons.len()).unwrap_or(i64::MAX);
    let total: u64 = lessons.iter().filter_map(|l| seconds(works.get(&l.text.media?)?)).sum();
    let mut meta = vec![
        state.kind.words().to_owned(),
        state.level.words().to_owned(),
        format::counted(count, "lesson", "lessons"),
    ];
    if total > 0 {
        meta.push(format::length(total));
    }
    let is_done = |l: &&&Lesson| seen.get(&l.id).is_some_and(|p| p.finished);
    let done = lessons.iter().filter(is_done).count();
    if done > 0 {
        meta.push(format!("{done} of {count} watched"));
    }
    // On with what was begun, else with the first one that is not done yet.
    let begun = lessons.iter().find(|l| seen.get(&l.id).is_some_and(|p| !p.finished));
    let next = begun.or_else(|| lessons.iter().find(|l| !is_done(l))).or_else(|| lessons.first());
    let acts = html! {
        @if let Some(next) = next {
            @let words = if seen.is_empty() { "Start with the first lesson".to_owned() } else if done == lessons.len() { "Watch it again".to_owned() } else { format!("Go on with “{}”", next.text.title) };
            (button::link_icon(Icon::Play, &words, &format!("/courses/{}/{}", course.slug, next.slug), Weight::Main))
        }
        @if editor { (button::link_icon(Icon::Pencil, "Edit", &format!("/studio/courses/{}", course.id), Weight::Quiet)) }
    };
    hero(&Hero { picture: art.as_ref(), meta, title: &state.title, lead: &state.summary, acts, low: true })
}

/// Where the viewer is in the lessons.
type Seen = HashMap<Uuid, watch_progress::Place>;

/// The lessons of a chapter as lines.
pub(super) fn chapter_lines<'a>(
    slug: &str,
    chapter: &'a Chapter,
    works: &HashMap<Uuid, Work>,
    seen: &Seen,
    gate: &Gate,
) -> Vec<Line<'a>> {
    let line = |(i, lesson): (usize, &'a crate::domain::course::Lesson)| {
        let work = lesson.text.media.and_then(|id| works.get(&id));
        let sub = work
            .and_then(seconds)
            .map(format::length)
            .or_else(|| lesson.text.media.is_none().then(|| "Text".to_owned()));
        let aside = html! {
            @match seen.get(&lesson.id) {
                Some(place) if place.finished => (chip(Tone::Info, "Watched")),
                Some(_) => (chip(Tone::Info, "Started")),
                None => {}
            }
            @if !lesson.shown { (chip(Tone::Plain, "Hidden")) }
            @else if lesson.text.free { (chip(Tone::Success, "Free")) }
            @else if !gate.all() { (chip(Tone::Member, "Members")) }
        };
        Line {
            href: format!("/courses/{slug}/{}", lesson.slug),
            mark: Some((i + 1).to_string()),
            picture: None,
            title: &lesson.text.title,
            sub,
            aside: Some(aside),
        }
    };
    chapter.lessons.iter().enumerate().map(line).collect()
}
