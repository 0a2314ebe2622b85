//! `/studio/courses`: begin, edit, publish courses; their chapters.

use super::MAKERS;
use super::desk::{
    TEXT_HINT, choose, due_chip, id_of, own, publish_form, publish_time, refusal, schedule_panel, scope,
    shelf, show, slug_of,
};
use super::logs::makers;
use super::overview::row_lines;
use crate::actors::bus::{Claim, Envelope};
use crate::domain::course::{Chapter, Course, CourseDetails, CourseKind, Level, SLUG_NAMESPACE, Wish};
use crate::domain::media::{Kind, tags};
use crate::domain::shared::derive_id;
use crate::http::form::Form;
use crate::http::page::unprocessable;
use crate::http::response::after;
use crate::http::route::Route;
use crate::http::ui::{
    Errors, Field, Icon, Place, Tone, Weight, button, chip, crumbs, empty, error_summary, form, form_inline,
    hidden_fields, page_head,
};
use crate::http::{HttpError, Req, Res};
use crate::projections::catalogue::{self, Row};
use maud::{Markup, html};
use strum::VariantArray;
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/studio/courses", MAKERS, list),
        Route::get("/studio/courses/new", MAKERS, new),
        Route::post("/studio/courses", MAKERS, begin),
        Route::get("/studio/courses/{id}", MAKERS, edit),
        Route::post("/studio/courses/{id}", MAKERS, save),
        Route::post("/studio/courses/{id}/publish", MAKERS, |req| wish(req, |_, _| Ok(Wish::Publish))),
        Route::post("/studio/courses/{id}/schedule", MAKERS, schedule),
        Route::post("/studio/courses/{id}/unpublish", MAKERS, |req| wish(req, |_, _| Ok(Wish::Unpublish))),
        Route::post("/studio/courses/{id}/chapters", MAKERS, |req| wish(req, add_chapter)),
        Route::post("/studio/courses/{id}/chapters/{chapter}", MAKERS, change_chapter),
    ]
}

async fn list(req: Req) -> Result<Res, HttpError> {
    let courses = catalogue::all_courses(&req.app.reader, scope(&req)).await?;
    let acts = button::link_small("New course", "/studio/courses/new", Weight::Main);
    let body = html! {
        (page_head("Training", None, Some(&acts)))
        @if courses.is_empty() { (empty(Icon::GraduationCap, "No courses yet", "A course has chapters of lessons; some of them may be free for everybody.", Some(&Place::new("Begin a course", "/studio/courses/new")))) }
        @else { (row_lines(&courses, "/studio/courses", |c| &c.title)) }
    };
    Ok(show(&req, "Training", &body))
}

fn kind_and_level(typed: &Form, errors: &Errors) -> Markup {
    html! {
        div.field-pair {
            (Field::new("kind", "Kind").select(CourseKind::VARIANTS.iter().map(|k| (k.code(), k.words()))).value(typed.get("kind")).errors(errors).render())
            (Field::new("level", "Level").select(Level::VARIANTS.iter().map(|l| (l.code(), l.words()))).value(typed.get("level")).errors(errors).render())
        }
    }
}

async fn new(req: Req) -> Result<Res, HttpError> {
    Ok(new_page(&req, &Form::default(), &Errors::none()))
}

fn new_page(req: &Req, typed: &Form, errors: &Errors) -> Res {
    let fields = html! {
        (Field::new("title", "Title").value(typed.get("title")).maxlength(120).errors(errors).render())
        (Field::new("summary", "Summary").hint("One sentence that says what one learns.").optional().area().value(typed.get("summary")).maxlength(300).errors(errors).render())
        (kind_and_level(typed, errors))
        (Field::new("slug", "Address").hint("As in /courses/rigging-basics. Left empty, it is made of the title.").optional().value(typed.get("slug")).errors(errors).render())
        div.row { (button::submit("Begin the course", Weight::Main)) }
    };
    show(
        req,
        "New course",
        &html! {
            (crumbs(&[Place::new("Training", "/studio/courses")], "New course"))
            (page_head("New course", Some("It starts as a draft that only you and the editors see."), None))
            div { (error_summary(errors)) (form(req, "/studio/courses", &fields)) }
        },
    )
}

async fn begin(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let by = req.account()?.id;
    let command = req.command_id(&typed);
    let id = derive_id(&command.to_string(), "course");
    let slug = match slug_of(
        typed.get("slug"),
        typed.get("title"),
        &format!("course-{}", &id.simple().to_string()[..8]),
    ) {
        Ok(slug) => slug,
        Err(why) => return Ok(unprocessable(new_page(&req, &typed, &Errors::one("slug", why)))),
    };
    let claims = vec![Claim::new(SLUG_NAMESPACE, slug.as_str())];
    let wish = Wish::Begin {
        title: typed.get("title").into(),
        slug,
        summary: typed.get("summary").into(),
        kind: typed.get("kind").parse().unwrap_or_default(),
        level: typed.get("level").parse().unwrap_or_default(),
        by,
    };
    let envelope = Envelope::new(command, id, wish.at(req.now()), req.meta()).with_claims(claims);
    match req.app.bus.dispatch::<Course>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &format!("/studio/courses/{id}"))),
        Err(error) => {
            let errors = refusal(error, |e| e.field().to_owned(), "course")?;
            Ok(unprocessable(new_page(&req, &typed, &errors)))
        }
    }
}

/// The course of this address, if the viewer may change it.
///
/// # Errors
/// 404.
pub(super) async fn find(req: &Req) -> Result<Row<Course>, HttpError> {
    own(req, catalogue::course_by_id(&req.app.reader, req.id_param("id")?).await?, |c| c.by)
}

fn recorded(course: &Row<Course>) -> Form {
    let state = &course.state;
    let mut fields = Form::default();
    fields.push("title", &state.title);
    fields.push("slug", &course.slug);
    fields.push("summary", &state.summary);
    fields.push("description", &state.description);
    fields.push("kind", state.kind.code());
    fields.push("level", state.level.code());
    fields.push("hue", &state.hue.map(|h| h.to_string()).unwrap_or_default());
    fields.push("picture", &state.picture.map(|p| p.to_string()).unwrap_or_default());
    fields.push("teacher", &state.teacher.map(|t| t.to_string()).unwrap_or_default());
    fields.push("tags", &state.tags.join(", "));
    fields
}

async fn edit(req: Req) -> Result<Res, HttpError> {
    let course = find(&req).await?;
    let recorded = recorded(&course);
    edit_page(&req, &course, &recorded, &Errors::none()).await
}

async fn edit_page(req: &Req, course: &Row<Course>, typed: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let works = shelf(req).await?;
    let mut teachers = vec![(String::new(), "Nobody in particular".to_owned())];
    teachers.extend(makers(req).await?.into_iter().map(|(id, name)| (id.to_string(), name)));
    let base = format!("/studio/courses/{}", course.id);
    let acts = html! {
        (due_chip(course.public, course.state.publish_at))
        (button::link_small(if course.public { "See the page" } else { "Preview" }, &format!("/courses/{}", course.slug), Weight::Plain))
        (publish_form(req, &base, course.public, "course"))
    };
    let fields = html! {
        (Field::new("title", "Title").value(typed.get("title")).maxlength(120).errors(errors).render())
        (Field::new("slug", "Address").hint("Old addresses keep leading here.").value(typed.get("slug")).errors(errors).render())
        (Field::new("summary", "Summary").hint("One sentence that says what one learns.").optional().area().value(typed.get("summary")).maxlength(300).errors(errors).render())
        (Field::new("description", "Description").hint(TEXT_HINT).optional().area().value(typed.get("description")).errors(errors).render())
        (kind_and_level(typed, errors))
        (choose("picture", "Picture", "Stands at the head of the page. A video lends its still.", &works, &[Kind::Image, Kind::Video], typed.get("picture"), errors))
        div.field-pair {
            (Field::new("teacher", "Teacher").optional().select(teachers).value(typed.get("teacher")).errors(errors).render())
            (Field::new("tags", "Tags").hint("Words it is found by, with commas between.").optional().value(typed.get("tags")).maxlength(1000).errors(errors).render())
        }
        (Field::new("hue", "Hue").hint("0–359, from the picture.").optional().short().inputmode("numeric").value(typed.get("hue")).errors(errors).render())
        div.row { (button::submit("Save the course", Weight::Main)) }
    };
    let new_chapter = html! {
        (Field::new("chapter", "New chapter").value(typed.get("chapter")).maxlength(120).errors(errors).render())
        div.row { (button::submit("Add the chapter", Weight::Plain)) }
    };
    Ok(show(
        req,
        &course.state.title,
        &html! {
            (crumbs(&[Place::new("Training", "/studio/courses")], &course.state.title))
            (page_head(&course.state.title, None, Some(&acts)))
            (error_summary(errors))
            section.stack {
                h2 { "Chapters and lessons" }
                @if course.state.chapters.is_empty() { p.dim { "A course needs at least one chapter with a lesson that is shown." } }
                @for chapter in &course.state.chapters { (chapter_panel(req, course, chapter)) }
                div.panel { (form(req, &format!("{base}/chapters"), &new_chapter)) }
            }
            section.stack { h2 { "About the course" } (form(req, &base, &fields)) }
            @if !course.public { (schedule_panel(req, &base, "course", course.state.publish_at, typed, errors)) }
        },
    ))
}

/// One chapter with its lessons and what can be done with it.
fn chapter_panel(req: &Req, course: &Row<Course>, chapter: &Chapter) -> Markup {
    let base = format!("/studio/courses/{}", course.id);
    let act = |label: &str, value: &str| {
        html! {
            button.btn.quiet.small type="submit" name="act" value=(value) { (label) }
        }
    };
    html! {
        div.panel {
            div.row.apart {
                h3 { (chapter.title) @if !chapter.shown { " " (chip(Tone::Plain, "Hidden")) } }
                form.row method="post" action={ (base) "/chapters/" (chapter.id) } {
                    (hidden_fields(req))
                    (act("Up", "up")) (act("Down", "down"))
                    (act(if chapter.shown { "Hide" } else { "Show" }, if chapter.shown { "hide" } else { "show" }))
                    @if chapter.lessons.is_empty() { (act("Remove", "remove")) }
                }
            }
            @if chapter.lessons.is_empty() { p.dim { "No lessons yet." } }
            ul.lines {
                @for lesson in &chapter.lessons {
                    li {
                        div.grow {
                            a.title href={ (base) "/lessons/" (lesson.id) } { (lesson.text.title) }
                            p.small.dimmer { "/courses/" (course.slug) "/" (lesson.slug) }
                        }
                        @if lesson.text.free { (chip(Tone::Success, "Free")) }
                        (if lesson.shown { chip(Tone::Success, "Shown") } else { chip(Tone::Plain, "Hidden") })
                    }
                }
            }
            div.row {
                (button::link_small("Add a lesson", &format!("{base}/lessons/new?chapter={}", chapter.id), Weight::Plain))
                details.fold {
                    summary { "Rename" }
                    (form_inline(req, &format!("{base}/chapters/{}", chapter.id), &html! {
                        input.input.mid name="title" value=(chapter.title) aria-label="Heading of the chapter" maxlength="120";
                        (button::submit_as("Rename the chapter", "act", "rename", Weight::Plain))
                    }))
                }
            }
        }
    }
}

async fn save(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let course = find(&req).await?;
    let mut errors = Errors::none();
    let slug = slug_of(typed.get("slug"), typed.get("title"), &course.slug)
        .map_err(|why| errors.add("slug", why))
        .ok();
    let hue = match typed.get("hue") {
        "" => None,
        text => {
            text.parse::<u16>().map_err(|_| errors.add("hue", "Enter a whole number from 0 to 359.")).ok()
        }
    };
    let teacher = id_of(typed.get("teacher"));
    if let Some(id) = teacher.filter(|id| course.state.teacher != Some(*id))
        && !makers(&req).await?.iter().any(|(maker, _)| *maker == id)
    {
        errors.add("teacher", "Choose somebody who makes things here.");
    }
    if !errors.is_empty() {
        return Ok(unprocessable(edit_page(&req, &course, &typed, &errors).await?));
    }
    let claims = slug.iter().map(|s| Claim::new(SLUG_NAMESPACE, s.as_str())).collect();
    let details = CourseDetails {
        title: typed.get("title").into(),
        slug,
        summary: typed.get("summary").into(),
        description: typed.get("description").into(),
        kind: typed.get("kind").parse().unwrap_or(course.state.kind),
        level: typed.get("level").parse().unwrap_or(course.state.level),
        picture: id_of(typed.get("picture")),
        hue,
        teacher,
        tags: tags(typed.get("tags")),
    };
    give(&req, &course, &typed, Wish::Edit(Box::new(details)), claims).await
}

/// Gives the command; a refusal shows the editor again with what was typed.
async fn give(
    req: &Req,
    course: &Row<Course>,
    typed: &Form,
    wish: Wish,
    claims: Vec<Claim>,
) -> Result<Res, HttpError> {
    let envelope =
        Envelope::new(req.command_id(typed), course.id, wish.at(req.now()), req.meta()).with_claims(claims);
    match req.app.bus.dispatch::<Course>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &format!("/studio/courses/{}", course.id))),
        Err(error) => {
            let errors = refusal(error, |e| e.field().to_owned(), "course")?;
            let mut again = if typed.has("summary") { typed.clone() } else { recorded(course) };
            if typed.has("publish_at") {
                again.push("publish_at", typed.get("publish_at"));
            }
            if typed.has("chapter") {
                again.push("chapter", typed.get("chapter"));
            }
            Ok(unprocessable(edit_page(req, course, &again, &errors).await?))
        }
    }
}

async fn schedule(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let course = find(&req).await?;
    match publish_time(&typed) {
        Ok(publish_at) => give(&req, &course, &typed, Wish::Schedule { publish_at }, vec![]).await,
        Err(why) => {
            let mut again = recorded(&course);
            again.push("publish_at", typed.get("publish_at"));
            let page = edit_page(&req, &course, &again, &Errors::one("publish_at", why)).await?;
            Ok(unprocessable(page))
        }
    }
}

async fn wish(mut req: Req, of: fn(&Req, &Form) -> Result<Wish, HttpError>) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let course = find(&req).await?;
    let wish = of(&req, &typed)?;
    give(&req, &course, &typed, wish, vec![]).await
}

fn add_chapter(req: &Req, typed: &Form) -> Result<Wish, HttpError> {
    let chapter: Uuid = derive_id(&req.command_id(typed).to_string(), "chapter");
    Ok(Wish::AddChapter { chapter, title: typed.get("chapter").into() })
}

async fn change_chapter(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let course = find(&req).await?;
    let chapter = req.id_param("chapter")?;
    let place = course.state.chapters.iter().position(|c| c.id == chapter).ok_or(HttpError::NotFound)?;
    let wish = match typed.get("act") {
        "up" => Wish::PlaceChapter { chapter, position: place.saturating_sub(1) },
        "down" => Wish::PlaceChapter { chapter, position: place + 1 },
        "show" => Wish::ShowChapter { chapter, shown: true },
        "hide" => Wish::ShowChapter { chapter, shown: false },
        "remove" => Wish::RemoveChapter { chapter },
        "rename" => Wish::RenameChapter { chapter, title: typed.get("title").into() },
        _ => return Err(HttpError::BadRequest("This act is not known. Go back and reload the page.".into())),
    };
    give(&req, &course, &typed, wish, vec![]).await
}
