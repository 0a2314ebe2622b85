//! `/studio/courses/{id}/lessons`: add, change, place and show lessons.

use super::MAKERS;
use super::courses::find;
use super::desk::{choose, id_of, refusal, shelf, show, slug_of};
use crate::actors::bus::Envelope;
use crate::domain::course::{Course, Lesson, LessonText, Wish};
use crate::domain::media::Kind;
use crate::domain::shared::derive_id;
use crate::http::form::Form;
use crate::http::page::unprocessable;
use crate::http::response::after;
use crate::http::route::Route;
use crate::http::ui::{
    Errors, Field, Place, Tone, Weight, button, checkbox, chip, crumbs, error_summary, form, hidden_fields,
    page_head,
};
use crate::http::{HttpError, Req, Res};
use crate::projections::catalogue::{Row, Work};
use maud::{Markup, html};
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/studio/courses/{id}/lessons/new", MAKERS, new),
        Route::post("/studio/courses/{id}/lessons", MAKERS, add),
        Route::get("/studio/courses/{id}/lessons/{lesson}", MAKERS, edit),
        Route::post("/studio/courses/{id}/lessons/{lesson}", MAKERS, save),
        Route::post("/studio/courses/{id}/lessons/{lesson}/act", MAKERS, act),
    ]
}

fn fields(works: &[Work], typed: &Form, errors: &Errors) -> Markup {
    let kinds =
        [Kind::Video, Kind::Image, Kind::Audio, Kind::Document, Kind::Model, Kind::Archive, Kind::Other];
    html! {
        (Field::new("title", "Title").value(typed.get("title")).maxlength(120).errors(errors).render())
        (Field::new("slug", "Address").hint("Within the course. Left empty, it is made of the title.").optional().value(typed.get("slug")).errors(errors).render())
        (choose("media", "Work", "The video, picture or file of the lesson.", works, &kinds, typed.get("media"), errors))
        (Field::new("content", "Text").hint("Markdown, and lines such as {attachment address-of-a-work}. May be empty when the work says it all.").optional().long_area().value(typed.get("content")).errors(errors).render())
        (checkbox("free", "Free for everybody", typed.ticked("free"), Some("Visitors may take this lesson. Its work must be marked free as well.")))
    }
}

fn text_of(typed: &Form) -> Box<LessonText> {
    Box::new(LessonText {
        title: typed.get("title").into(),
        content: typed.get("content").into(),
        media: id_of(typed.get("media")),
        free: typed.ticked("free"),
    })
}

fn places(course: &Row<Course>) -> Vec<Place> {
    let course_page = format!("/studio/courses/{}", course.id);
    vec![Place::new("Training", "/studio/courses"), Place::new(&course.state.title, course_page)]
}

async fn new(req: Req) -> Result<Res, HttpError> {
    let course = find(&req).await?;
    let mut typed = Form::default();
    typed.push("chapter", req.query("chapter"));
    new_page(&req, &course, &typed, &Errors::none()).await
}

async fn new_page(req: &Req, course: &Row<Course>, typed: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let works = shelf(req).await?;
    let chapters = course.state.chapters.iter().map(|c| (c.id.to_string(), c.title.clone()));
    let fields = html! {
        (Field::new("chapter", "Chapter").mid().select(chapters).value(typed.get("chapter")).errors(errors).render())
        (fields(&works, typed, errors))
        div.row { (button::submit("Add the lesson", Weight::Main)) }
    };
    Ok(show(
        req,
        "New lesson",
        &html! {
            (crumbs(&places(course), "New lesson"))
            (page_head("New lesson", Some("It stays hidden until you show it."), None))
            div { (error_summary(errors)) (form(req, &format!("/studio/courses/{}/lessons", course.id), &fields)) }
        },
    ))
}

async fn add(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let course = find(&req).await?;
    let command = req.command_id(&typed);
    let lesson = derive_id(&command.to_string(), "lesson");
    let slug = slug_of(
        typed.get("slug"),
        typed.get("title"),
        &format!("lesson-{}", &lesson.simple().to_string()[..8]),
    );
    let (slug, chapter) = match (slug, id_of(typed.get("chapter"))) {
        (Ok(slug), Some(chapter)) => (slug, chapter),
        (Err(why), _) => {
            return Ok(unprocessable(new_page(&req, &course, &typed, &Errors::one("slug", why)).await?));
        }
        (_, None) => {
            let errors = Errors::one(
                "chapter",
                "Choose a chapter. If there is none, add one on the page of the course.",
            );
            return Ok(unprocessable(new_page(&req, &course, &typed, &errors).await?));
        }
    };
    let wish = Wish::AddLesson { chapter, lesson, slug, text: text_of(&typed) };
    let envelope = Envelope::new(command, course.id, wish.at(req.now()), req.meta());
    match req.app.bus.dispatch::<Course>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &format!("/studio/courses/{}/lessons/{lesson}", course.id))),
        Err(error) => {
            let errors = refusal(error, |e| e.field().to_owned(), "lesson")?;
            Ok(unprocessable(new_page(&req, &course, &typed, &errors).await?))
        }
    }
}

async fn lesson_of(req: &Req) -> Result<(Row<Course>, Lesson), HttpError> {
    let course = find(req).await?;
    let lesson = course.state.lesson(req.id_param("lesson")?).cloned().ok_or(HttpError::NotFound)?;
    Ok((course, lesson))
}

fn recorded(lesson: &Lesson) -> Form {
    let mut fields = Form::default();
    fields.push("title", &lesson.text.title);
    fields.push("slug", lesson.slug.as_str());
    fields.push("media", &lesson.text.media.map(|m| m.to_string()).unwrap_or_default());
    fields.push("content", &lesson.text.content);
    fields.push("free", if lesson.text.free { "yes" } else { "" });
    fields
}

async fn edit(req: Req) -> Result<Res, HttpError> {
    let (course, lesson) = lesson_of(&req).await?;
    edit_page(&req, &course, &lesson, &recorded(&lesson), &Errors::none()).await
}

async fn edit_page(
    req: &Req,
    course: &Row<Course>,
    lesson: &Lesson,
    typed: &Form,
    errors: &Errors,
) -> Result<Res, HttpError> {
    let works = shelf(req).await?;
    let base = format!("/studio/courses/{}/lessons/{}", course.id, lesson.id);
    let act = |label: &str, value: &str, class: &str| {
        html! {
            button class={ "btn small " (class) } type="submit" name="act" value=(value) { (label) }
        }
    };
    let acts = html! {
        (if lesson.shown { chip(Tone::Success, "Shown") } else { chip(Tone::Plain, "Hidden") })
        (button::link_small("See the page", &format!("/courses/{}/{}", course.slug, lesson.slug), Weight::Plain))
        form.row method="post" action={ (base) "/act" } {
            (hidden_fields(req))
            (act("Up", "up", "quiet")) (act("Down", "down", "quiet"))
            @if lesson.shown { (act("Hide the lesson", "hide", "")) } @else { (act("Show the lesson", "show", "main")) }
            (act("Remove", "remove", "danger"))
        }
    };
    let fields = html! { (fields(&works, typed, errors)) div.row { (button::submit("Save the lesson", Weight::Main)) } };
    Ok(show(
        req,
        &lesson.text.title,
        &html! {
            (crumbs(&places(course), &lesson.text.title))
            (page_head(&lesson.text.title, None, Some(&acts)))
            div { (error_summary(errors)) (form(req, &base, &fields)) }
        },
    ))
}

async fn save(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let (course, lesson) = lesson_of(&req).await?;
    let slug = match slug_of(typed.get("slug"), typed.get("title"), lesson.slug.as_str()) {
        Ok(slug) => slug,
        Err(why) => {
            return Ok(unprocessable(
                edit_page(&req, &course, &lesson, &typed, &Errors::one("slug", why)).await?,
            ));
        }
    };
    let wish = Wish::ReviseLesson { lesson: lesson.id, slug, text: text_of(&typed) };
    give(&req, &course, &lesson, &typed, wish).await
}

async fn act(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let (course, lesson) = lesson_of(&req).await?;
    let id = lesson.id;
    let (chapter, place) = place_of(&course.state, id).ok_or(HttpError::NotFound)?;
    let wish = match typed.get("act") {
        "up" => Wish::PlaceLesson { lesson: id, chapter, position: place.saturating_sub(1) },
        "down" => Wish::PlaceLesson { lesson: id, chapter, position: place + 1 },
        "show" => Wish::ShowLesson { lesson: id, shown: true },
        "hide" => Wish::ShowLesson { lesson: id, shown: false },
        "remove" => Wish::RemoveLesson { lesson: id },
        _ => return Err(HttpError::BadRequest("This act is not known. Go back and reload the page.".into())),
    };
    let typed = if typed.has("title") { typed } else { recorded_with_key(&lesson, &typed) };
    give(&req, &course, &lesson, &typed, wish).await
}

/// The recorded fields with the key of the form that was sent, so that a repetition is recognised.
fn recorded_with_key(lesson: &Lesson, sent: &Form) -> Form {
    let mut fields = recorded(lesson);
    fields.push("idempotency_key", sent.get("idempotency_key"));
    fields
}

fn place_of(course: &Course, lesson: Uuid) -> Option<(Uuid, usize)> {
    course.chapters.iter().find_map(|c| Some((c.id, c.lessons.iter().position(|l| l.id == lesson)?)))
}

async fn give(
    req: &Req,
    course: &Row<Course>,
    lesson: &Lesson,
    typed: &Form,
    wish: Wish,
) -> Result<Res, HttpError> {
    let gone = matches!(wish, Wish::RemoveLesson { .. });
    let envelope = Envelope::new(req.command_id(typed), course.id, wish.at(req.now()), req.meta());
    match req.app.bus.dispatch::<Course>(envelope).await {
        Ok(receipt) if gone => Ok(after(receipt, &format!("/studio/courses/{}", course.id))),
        Ok(receipt) => Ok(after(receipt, &format!("/studio/courses/{}/lessons/{}", course.id, lesson.id))),
        Err(error) => {
            let errors = refusal(error, |e| e.field().to_owned(), "lesson")?;
            Ok(unprocessable(edit_page(req, course, lesson, typed, &errors).await?))
        }
    }
}
