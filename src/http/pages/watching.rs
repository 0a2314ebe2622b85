//! Where one is: `POST /progress` while something plays, what one goes on with, and `/account/library`.

use super::account::desk;
use super::marks::saved;
use super::public::{Gate, work_picture};
use crate::actors::watch_progress::{self, Place};
use crate::domain::course::Course;
use crate::domain::watch_progress::{PAGE_READ_AFTER, stage, stage_of_page};
use crate::http::delivery::{may_see, may_watch};
use crate::http::error::HttpError;
use crate::http::response::see_other;
use crate::http::route::{Access, Route};
use crate::http::ui::{
    Card, Errors, Icon, Line, Picture, Ratio, Tone, Weight, button, card, chip, empty, form, format, lines,
};
use crate::http::{Req, Res};
use crate::projections::catalogue::{self, Row};
use crate::projections::media as works;
use maud::{Markup, html};
use uuid::Uuid;
use warp::http::StatusCode;

const LIBRARY: &str = "/account/library";
/// Rows of the library's page.
const MOST: i64 = 200;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/progress", Access::SignedIn, note),
        Route::get(LIBRARY, Access::SignedIn, library),
        Route::post("/account/library/forget", Access::SignedIn, forget),
    ]
}

/// Takes down where the viewer is: `item` (a lesson with its `course`, or a work) and `at` in seconds.
async fn note(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let bad = |what: &str| HttpError::Unprocessable(format!("{what} is missing or not understood."));
    let item = Uuid::parse_str(form.get("item")).map_err(|_| bad("item"))?;
    let at: f64 = form.get("at").parse().map_err(|_| bad("at"))?;
    if !(0.0..=1e7).contains(&at) {
        return Err(bad("at"));
    }
    let at = at as u32;
    let account = req.account()?.id;
    let course = match form.get("course") {
        "" => None,
        id => Some(Uuid::parse_str(id).map_err(|_| bad("course"))?),
    };
    let length = match course {
        Some(course) => lesson_seconds(&req, course, item).await?,
        None => Some(work_seconds(&req, item).await?),
    };
    let length = length.filter(|l| *l > 0);
    let reached = length.map_or_else(|| stage_of_page(at), |length| stage(at.min(length), length));
    let length = length.unwrap_or(PAGE_READ_AFTER);
    let place = Place { item, course, at: at.min(length), length, finished: false };
    watch_progress::note(&req.app, account, place, reached).await?;
    let mut res = Res::default();
    *res.status_mut() = StatusCode::NO_CONTENT;
    Ok(res)
}

/// Length of a work that the viewer may watch.
async fn work_seconds(req: &Req, id: Uuid) -> Result<u32, HttpError> {
    let work = works::by_id(&req.app.reader, id).await?.ok_or(HttpError::NotFound)?;
    if !may_see(req, &work).await?.allowed {
        return Err(HttpError::NotFound);
    }
    let decision = may_watch(req, &work).await?;
    if !decision.allowed {
        return Err(HttpError::Forbidden(decision.reason.sentence().into()));
    }
    Ok(u32::try_from(work.duration_ms / 1000).unwrap_or(u32::MAX))
}

/// Length of what plays in a lesson that the viewer may take; `None` if nothing plays there.
async fn lesson_seconds(req: &Req, course: Uuid, lesson: Uuid) -> Result<Option<u32>, HttpError> {
    let course = catalogue::course_by_id(&req.app.reader, course).await?.ok_or(HttpError::NotFound)?;
    let shown = course.state.chapters.iter().filter(|c| c.shown).flat_map(|c| &c.lessons);
    let lesson = shown.filter(|l| l.shown).find(|l| l.id == lesson).filter(|_| course.public);
    let lesson = lesson.ok_or(HttpError::NotFound)?;
    if !Gate::of(req).await?.opens(lesson.text.free) {
        return Err(HttpError::Forbidden("This lesson is for members.".into()));
    }
    let Some(media) = lesson.text.media else { return Ok(None) };
    let work = works::by_id(&req.app.reader, media).await?;
    Ok(work.map(|w| u32::try_from(w.duration_ms / 1000).unwrap_or(u32::MAX)))
}

/// What one place leads to.
struct Shown {
    place: Place,
    title: String,
    sub: String,
    href: String,
    picture: Option<Picture>,
}

/// Finds what the places lead to; what is not published any more is left out.
async fn shown(req: &Req, places: Vec<Place>) -> Result<Vec<Shown>, HttpError> {
    let reader = &req.app.reader;
    let mut courses: Vec<Row<Course>> = Vec::new();
    let mut wanted: Vec<Uuid> = places.iter().filter(|p| p.course.is_none()).map(|p| p.item).collect();
    for id in places.iter().filter_map(|p| p.course) {
        if courses.iter().all(|c| c.id != id)
            && let Some(course) = catalogue::course_by_id(reader, id).await?.filter(|c| c.public)
        {
            wanted.extend(course.state.picture);
            wanted.extend(course.state.lessons().filter_map(|l| l.text.media));
            courses.push(course);
        }
    }
    let works = catalogue::works_by_ids(reader, &wanted, false).await?;
    let one = |place: Place| match place.course {
        None => {
            let work = works.get(&place.item).filter(|w| w.public)?;
            Some(Shown {
                place,
                title: work.state.title.clone(),
                sub: format!("{} of {}", format::clock(place.at.into()), format::clock(place.length.into())),
                href: format!("/media/{}", work.slug),
                picture: work_picture(work, ""),
            })
        }
        Some(id) => {
            let course = courses.iter().find(|c| c.id == id)?;
            let chapters = course.state.chapters.iter().filter(|c| c.shown);
            let lesson = chapters.flat_map(|c| &c.lessons).find(|l| l.shown && l.id == place.item)?;
            let art = lesson.text.media.or(course.state.picture).and_then(|m| works.get(&m));
            Some(Shown {
                place,
                title: lesson.text.title.clone(),
                sub: course.state.title.clone(),
                href: format!("/courses/{}/{}", course.slug, lesson.slug),
                picture: art.and_then(|w| work_picture(w, "")),
            })
        }
    };
    Ok(places.into_iter().filter_map(one).collect())
}

/// Cards of what the viewer began and has not finished, the last first; empty for visitors.
///
/// # Errors
/// If the database cannot be read.
pub async fn continue_cards(req: &Req, most: i64) -> Result<Vec<Markup>, HttpError> {
    let Some(account) = req.viewer.id() else { return Ok(Vec::new()) };
    let places = watch_progress::unfinished(&req.app, account, most).await?;
    let cards = shown(req, places).await?.into_iter().map(|s| {
        card(&Card {
            href: s.href,
            title: &s.title,
            sub: Some(s.sub),
            picture: s.picture.as_ref(),
            ratio: Ratio::Wide,
            seen: Some(s.place.percent()),
            ..Card::default()
        })
    });
    Ok(cards.collect())
}

async fn library(req: Req) -> Result<Res, HttpError> {
    let account = req.account()?.id;
    let history = watch_progress::history(&req.app, account, MOST).await?;
    let seen = shown(&req, history).await?;
    let line = |s: &'_ Shown| {
        let words = if s.place.finished { "Watched" } else { "Started" };
        let tone = if s.place.finished { Tone::Success } else { Tone::Plain };
        chip(tone, words)
    };
    let rows: Vec<Line<'_>> = seen
        .iter()
        .map(|s| Line {
            href: s.href.clone(),
            picture: Some(s.picture.as_ref()),
            title: &s.title,
            sub: Some(s.sub.clone()),
            aside: Some(line(s)),
            ..Line::default()
        })
        .collect();
    let kept = saved(&req, MOST).await?;
    let saved_rows: Vec<Line<'_>> = kept
        .iter()
        .map(|s| Line {
            href: s.href.clone(),
            picture: Some(s.picture.as_ref()),
            title: &s.title,
            sub: Some(s.what.to_owned()),
            ..Line::default()
        })
        .collect();
    let body = html! {
        @if !saved_rows.is_empty() { section.stack.mid { h2 { "Saved" } (lines(&saved_rows)) } }
        @if !saved_rows.is_empty() && !rows.is_empty() { h2 { "Watched" } }
        @if rows.is_empty() {
            (empty(Icon::History, "Nothing watched yet", "What you begin stands here, so that you can go on from any device.", None))
        } @else {
            (lines(&rows))
            (form(&req, "/account/library/forget", &button::submit("Forget all of it", Weight::Plain)))
        }
    };
    let done = (req.query("done") == "forgotten").then_some("It is forgotten.");
    let lead = "What you saved and watched, the last first. Nobody else sees this.";
    Ok(desk(&req, "Library", Some(lead), done, &Errors::none(), &body))
}

async fn forget(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let item = match form.get("item") {
        "" => None,
        id => Some(Uuid::parse_str(id).map_err(|_| HttpError::NotFound)?),
    };
    watch_progress::forget(&req.app, req.account()?.id, item).await?;
    Ok(see_other("/account/library?done=forgotten"))
}
