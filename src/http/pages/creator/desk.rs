//! What the editors of films, courses and posts have in common.

use super::super::public::may_edit;
use crate::actors::bus::CommandError;
use crate::domain::media::{Kind, Media};
use crate::domain::shared::{AccountId, Slug};
use crate::http::form::Form;
use crate::http::page::{Page, page};
use crate::http::ui::{
    Errors, Field, Place, Theme, Tone, Weight, button, chip, form, form_inline, format, rooms,
};
use crate::http::{HttpError, Req, Res};
use crate::projections::catalogue::{self, Row, Work};
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use uuid::Uuid;

/// What texts may hold, for the fields in which they are written.
pub const TEXT_HINT: &str =
    "Markdown. Lines of their own show more: {attachment address-of-a-work}, {embed https://…}, {join}.";

/// The places of this desk: the site's own words are the editors'.
pub fn places(req: &Req) -> Vec<Place> {
    let mut places: Vec<Place> = [
        ("Overview", "/studio"),
        ("Uploads", "/studio/uploads"),
        ("Films", "/studio/films"),
        ("Production logs", "/studio/logs"),
        ("Characters", "/studio/characters"),
        ("Training", "/studio/courses"),
        ("Journal", "/studio/posts"),
    ]
    .map(|(label, href)| Place::new(label, href))
    .into();
    if req.viewer.has_role(&["editor", "admin"]) {
        places.push(Place::new("Site", "/studio/site"));
    }
    places
}

/// A page of this desk.
pub fn show(req: &Req, title: &str, body: &Markup) -> Res {
    let body = rooms("Studio", &places(req), &req.path, body);
    page(
        req,
        Page {
            title: title.to_owned(),
            section: "Studio".into(),
            theme: Theme::Desk,
            private: true,
            body,
            ..Page::default()
        },
    )
}

/// Whose work a person sees in lists: everybody's for editors, the own for creators.
pub fn scope(req: &Req) -> Option<Uuid> {
    if req.viewer.has_role(&["editor", "admin"]) { None } else { req.viewer.id() }
}

/// The row if the viewer may change it. Others learn nothing of it.
///
/// # Errors
/// 404.
pub fn own<A>(
    req: &Req,
    row: Option<Row<A>>,
    maker: impl Fn(&A) -> Option<AccountId>,
) -> Result<Row<A>, HttpError> {
    row.filter(|r| may_edit(req, maker(&r.state))).ok_or(HttpError::NotFound)
}

/// The works that may be chosen for a film, course or post.
///
/// # Errors
/// If the database cannot be read.
pub async fn shelf(req: &Req) -> Result<Vec<Work>, HttpError> {
    Ok(catalogue::works_of(&req.app.reader, scope(req)).await?)
}

/// A choice of one work, or none.
pub fn choose(
    name: &str,
    label: &str,
    hint: &str,
    works: &[Work],
    kinds: &[Kind],
    chosen: &str,
    errors: &Errors,
) -> Markup {
    let fits = |m: &Media| m.kind.is_some_and(|k| kinds.contains(&k));
    let mut options = vec![(String::new(), "None".to_owned())];
    options.extend(works.iter().filter(|w| fits(&w.state)).map(|w| {
        let state = if w.public { "" } else { " (not published)" };
        (w.id.to_string(), format!("{}{state}", w.state.title))
    }));
    if !chosen.is_empty() && !options.iter().any(|(id, _)| id == chosen) {
        options.push((chosen.to_owned(), "The work chosen now".to_owned()));
    }
    Field::new(name, label).hint(hint).optional().mid().select(options).value(chosen).errors(errors).render()
}

/// The id in a field that may be empty.
pub fn id_of(text: &str) -> Option<Uuid> {
    Uuid::parse_str(text).ok()
}

/// The address as typed, or made of the title where none was typed.
///
/// # Errors
/// The sentence for the field.
pub fn slug_of(typed: &str, title: &str, fallback: &str) -> Result<Slug, String> {
    if typed.is_empty() {
        Ok(Slug::from_title(title, fallback))
    } else {
        Slug::parse(typed).map_err(|e| e.to_string())
    }
}

/// What a refused command means for the form: an error at a field, or an error for the whole site.
///
/// # Errors
/// Anything that is no fault of what was typed.
pub fn refusal<E: std::fmt::Display>(
    error: CommandError<E>,
    field: impl Fn(&E) -> String,
    thing: &str,
) -> Result<Errors, HttpError> {
    match error {
        CommandError::Refused(why) => Ok(Errors::one(&field(&why), why.to_string())),
        CommandError::Taken { .. } => {
            Ok(Errors::one("slug", format!("Another {thing} has or had this address. Choose another one.")))
        }
        other => Err(HttpError::from(other)),
    }
}

/// Whether it is out, as a chip.
pub fn state_chip(public: bool) -> Markup {
    if public { chip(Tone::Success, "Published") } else { chip(Tone::Plain, "Draft") }
}

/// The button that publishes or hides.
pub fn publish_form(req: &Req, base: &str, public: bool, noun: &str) -> Markup {
    html! {
        @if public {
            (form_inline(req, &format!("{base}/unpublish"), &button::submit_small(&format!("Hide the {noun}"), Weight::Plain)))
        } @else {
            (form_inline(req, &format!("{base}/publish"), &button::submit_small(&format!("Publish the {noun}"), Weight::Main)))
        }
    }
}

/// Whether it is out or when it will be, as a chip.
pub fn due_chip(public: bool, publish_at: Option<DateTime<Utc>>) -> Markup {
    match publish_at.filter(|_| !public) {
        Some(at) => chip(Tone::Info, &format!("Scheduled for {}", format::moment_text(at))),
        None => state_chip(public),
    }
}

/// The time at which something shall be published, as typed.
///
/// # Errors
/// The sentence for the field `publish_at`.
pub fn publish_time(typed: &Form) -> Result<DateTime<Utc>, &'static str> {
    format::moment_of(typed.get("publish_at")).ok_or("Enter day and time, such as 2026-12-01 09:00.")
}

/// The form that schedules a `noun`, and the button that drops its schedule.
pub fn schedule_panel(
    req: &Req,
    base: &str,
    noun: &str,
    publish_at: Option<DateTime<Utc>>,
    typed: &Form,
    errors: &Errors,
) -> Markup {
    let clock = format::clock_hint();
    let later = html! {
        (Field::new("publish_at", "Publish at").kind("datetime-local").hint(&clock).mid().value(typed.get("publish_at")).errors(errors).render())
        div.row { (button::submit(&format!("Schedule the {noun}"), Weight::Plain)) }
    };
    html! {
        section.panel {
            h2 { "Publish later" }
            (form(req, &format!("{base}/schedule"), &later))
            @if publish_at.is_some() { (form_inline(req, &format!("{base}/unpublish"), &button::submit_small("Drop the schedule", Weight::Plain))) }
        }
    }
}
