//! `/studio/logs`: the weeks of films in production. Who may change a film writes its logs.

use super::MAKERS;
use super::desk::{id_of, own, publish_form, refusal, scope, show, state_chip};
use super::works_field::{lines_of, render as works_field, shelf_with, works_of};
use crate::actors::bus::Envelope;
use crate::domain::film::Film;
use crate::domain::production_log::{LogCommand, LogText, NotAWeek, ProductionLog, Week, log_id};
use crate::http::form::Form;
use crate::http::page::unprocessable;
use crate::http::response::after;
use crate::http::route::Route;
use crate::http::ui::{
    Errors, Field, Icon, Line, Place, Weight, button, crumbs, empty, error_summary, form, form_inline,
    format, lines, page_head, plain_text,
};
use crate::http::{HttpError, Req, Res};
use crate::projections::catalogue::{self, Row, Work};
use crate::projections::people;
use maud::{Markup, html};
use std::collections::HashMap;
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/studio/logs", MAKERS, list),
        Route::get("/studio/logs/new", MAKERS, new),
        Route::post("/studio/logs", MAKERS, begin),
        Route::get("/studio/logs/{id}", MAKERS, edit),
        Route::post("/studio/logs/{id}", MAKERS, save),
        Route::post("/studio/logs/{id}/entries", MAKERS, add_entry),
        Route::get("/studio/logs/{id}/entries/{entry}", MAKERS, edit_entry),
        Route::post("/studio/logs/{id}/entries/{entry}", MAKERS, save_entry),
        Route::post("/studio/logs/{id}/entries/{entry}/remove", MAKERS, remove_entry),
        Route::post("/studio/logs/{id}/publish", MAKERS, |req| set_public(req, true)),
        Route::post("/studio/logs/{id}/unpublish", MAKERS, |req| set_public(req, false)),
    ]
}

fn heading(log: &ProductionLog, film: &str) -> String {
    let week = log.week.map(|w| w.to_string()).unwrap_or_default();
    format!("{film}, {week}")
}

async fn list(req: Req) -> Result<Res, HttpError> {
    let reader = &req.app.reader;
    let logs = catalogue::all_logs(reader, scope(&req)).await?;
    let films = catalogue::all_films(reader, None).await?;
    let acts = button::link_small("New week", "/studio/logs/new", Weight::Main);
    let titles: Vec<String> = logs
        .iter()
        .map(|log| {
            let film = films.iter().find(|f| f.id == log.state.film);
            heading(&log.state, film.map_or("A film", |f| f.state.title.as_str()))
        })
        .collect();
    let items: Vec<Line<'_>> = logs
        .iter()
        .zip(&titles)
        .map(|(log, title)| Line {
            href: format!("/studio/logs/{}", log.id),
            title,
            sub: Some(log.state.text.title.clone()).filter(|t| !t.is_empty()),
            aside: Some(state_chip(log.public)),
            ..Line::default()
        })
        .collect();
    let body = html! {
        (page_head("Production logs", None, Some(&acts)))
        @if logs.is_empty() { (empty(Icon::Film, "No production logs yet", "A log tells what was done for a film in one week, by everybody who was there.", Some(&Place::new("Begin a week", "/studio/logs/new")))) }
        @else { (lines(&items)) }
    };
    Ok(show(&req, "Production logs", &body))
}

async fn new(req: Req) -> Result<Res, HttpError> {
    let mut typed = Form::default();
    typed.push("week", &Week::of(format::local_day(req.now())).to_string());
    typed.push("film", req.query("film"));
    new_page(&req, &typed, &Errors::none()).await
}

async fn new_page(req: &Req, typed: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let films = catalogue::all_films(&req.app.reader, scope(req)).await?;
    let options = films.iter().map(|f| (f.id.to_string(), f.state.title.clone()));
    let fields = html! {
        div.field-pair {
            (Field::new("film", "Film").select(options).value(typed.get("film")).errors(errors).render())
            (Field::new("week", "Week").hint("Year and number, such as 2026-W48.").kind("week").value(typed.get("week")).errors(errors).render())
        }
        (about(typed, errors))
        div.row { (button::submit("Begin the week", Weight::Main)) }
    };
    let body = html! {
        (crumbs(&[Place::new("Production logs", "/studio/logs")], "New week"))
        (page_head("New week", Some("It starts as a draft that only you and the editors see."), None))
        @if films.is_empty() { (empty(Icon::Film, "There is no film yet", "A production log belongs to a film. Begin the film first.", Some(&Place::new("Begin a film", "/studio/films/new")))) }
        @else { div { (error_summary(errors)) (form(req, "/studio/logs", &fields)) } }
    };
    Ok(show(req, "New week", &body))
}

fn about(typed: &Form, errors: &Errors) -> Markup {
    html! {
        (Field::new("title", "Title").hint("What the week was about. Left empty, it is called by its number.").optional().value(typed.get("title")).maxlength(120).errors(errors).render())
        (Field::new("summary", "Summary").hint("Two sentences for lists.").optional().area().value(typed.get("summary")).maxlength(400).errors(errors).render())
    }
}

fn text_of(typed: &Form) -> LogText {
    LogText { title: typed.get("title").into(), summary: typed.get("summary").into() }
}

async fn begin(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let by = req.account()?.id;
    let film = match id_of(typed.get("film")) {
        Some(id) => own(&req, catalogue::film_by_id(&req.app.reader, id).await?, |f| f.by).ok(),
        None => None,
    };
    let mut errors = Errors::none();
    if film.is_none() {
        errors.add("film", "Choose one of your films.");
    }
    let week: Option<Week> =
        typed.get("week").parse().map_err(|why: NotAWeek| errors.add("week", why.to_string())).ok();
    let (Some(film), Some(week)) = (film, week) else {
        return Ok(unprocessable(new_page(&req, &typed, &errors).await?));
    };
    let id = log_id(film.id, week);
    let wish = LogCommand::Begin { film: film.id, week, text: text_of(&typed), by, at: req.now() };
    let envelope = Envelope::new(req.command_id(&typed), id, wish, req.meta());
    match req.app.bus.dispatch::<ProductionLog>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &format!("/studio/logs/{id}"))),
        Err(error) => {
            let errors = refusal(error, |e| e.field().to_owned(), "production log")?;
            Ok(unprocessable(new_page(&req, &typed, &errors).await?))
        }
    }
}

/// The log and its film, if the viewer may change the film.
async fn find(req: &Req) -> Result<(Row<ProductionLog>, Row<Film>), HttpError> {
    let reader = &req.app.reader;
    let log = catalogue::log_by_id(reader, req.id_param("id")?).await?.ok_or(HttpError::NotFound)?;
    let film = own(req, catalogue::film_by_id(reader, log.state.film).await?, |f| f.by)?;
    Ok((log, film))
}

fn recorded(log: &ProductionLog) -> Form {
    let mut fields = Form::default();
    fields.push("title", &log.text.title);
    fields.push("summary", &log.text.summary);
    fields
}

async fn edit(req: Req) -> Result<Res, HttpError> {
    let (log, film) = find(&req).await?;
    edit_page(&req, &log, &film, &recorded(&log.state), &Form::default(), &Errors::none()).await
}

/// The desk of a week; `typed` is what stands about it, `entry` what stands in the form for a new entry.
async fn edit_page(
    req: &Req,
    log: &Row<ProductionLog>,
    film: &Row<Film>,
    typed: &Form,
    entry: &Form,
    errors: &Errors,
) -> Result<Res, HttpError> {
    let base = format!("/studio/logs/{}", log.id);
    let week = log.state.week.map(|w| w.to_string()).unwrap_or_default();
    let page = format!("/films/{}/logs/{week}", film.slug);
    let acts = html! {
        (state_chip(log.public))
        (button::link_small(if log.public { "See the page" } else { "Preview" }, &page, Weight::Plain))
        (publish_form(req, &base, log.public, "week"))
    };
    let works = shelf_with(req, &[]).await?;
    let makers = makers(req).await?;
    let title = heading(&log.state, &film.state.title);
    let text = html! { (about(typed, errors)) div.row { (button::submit("Save title and summary", Weight::Plain)) } };
    let me = req.viewer.id().map(|id| id.to_string()).unwrap_or_default();
    let chosen = Some(entry.get("author")).filter(|a| !a.is_empty()).unwrap_or(&me);
    let add = html! {
        (Field::new("author", "Whose entry").select(makers.iter().map(|(id, name)| (id.to_string(), name.clone()))).mid().value(chosen).errors(errors).render())
        (entry_fields(&works, entry, errors))
        div.row { (button::submit("Add the entry", Weight::Main)) }
    };
    let names: HashMap<Uuid, String> = {
        let authors: Vec<Uuid> = log.state.entries.iter().map(|e| e.author).collect();
        people::public_names(&req.app.reader, &authors).await?
    };
    let items: Vec<Line<'_>> = log
        .state
        .entries
        .iter()
        .map(|e| Line {
            href: format!("{base}/entries/{}", e.id),
            title: names.get(&e.author).map_or("Somebody who has left", String::as_str),
            sub: Some(excerpt(&e.text)).filter(|t| !t.is_empty()),
            aside: Some(html! { span.dim { (format::counted(i64::try_from(e.media.len()).unwrap_or(i64::MAX), "work", "works")) } }),
            ..Line::default()
        })
        .collect();
    let body = html! {
        (crumbs(&[Place::new("Production logs", "/studio/logs")], &title))
        (page_head(&title, None, Some(&acts)))
        (error_summary(errors))
        section.stack {
            h2 { "Entries" }
            @if items.is_empty() { p.dim { "Nobody has written yet. The week can be published when there is an entry." } } @else { (lines(&items)) }
        }
        section.panel { h2 { "New entry" } (form(req, &format!("{base}/entries"), &add)) }
        section.panel { h2 { "About the week" } (form(req, &base, &text)) }
    };
    Ok(show(req, &title, &body))
}

fn excerpt(markdown: &str) -> String {
    let words = plain_text(markdown);
    if words.chars().count() <= 120 { words } else { words.chars().take(119).chain(['…']).collect() }
}

/// Those who make things here, with their names.
///
/// # Errors
/// If the database cannot be read.
pub(super) async fn makers(req: &Req) -> Result<Vec<(Uuid, String)>, HttpError> {
    let ids = people::makers(&req.app.reader).await?;
    let mut names = people::public_names(&req.app.reader, &ids).await?;
    Ok(ids.into_iter().filter_map(|id| Some((id, names.remove(&id)?))).collect())
}

fn entry_fields(works: &[Work], typed: &Form, errors: &Errors) -> Markup {
    html! {
        (Field::new("text", "Text").hint("Markdown.").optional().area().value(typed.get("text")).maxlength(20_000).errors(errors).render())
        (works_field("media", "Works", works, typed, errors))
    }
}

async fn save(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let (log, film) = find(&req).await?;
    let wish = LogCommand::Describe { text: text_of(&typed), at: req.now() };
    act(&req, &log, &film, &typed, &Form::default(), wish).await
}

async fn add_entry(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let (log, film) = find(&req).await?;
    let mut errors = Errors::none();
    let works = shelf_with(&req, &[]).await?;
    let media = works_of("media", &typed, &works, &mut errors);
    let me = req.account()?.id;
    let author = match id_of(typed.get("author")) {
        None => Some(me),
        Some(id) => makers(&req).await?.into_iter().map(|(maker, _)| maker).find(|maker| *maker == id),
    };
    if author.is_none() {
        errors.add("author", "Choose somebody who makes films here.");
    }
    let Some(author) = author.filter(|_| errors.is_empty()) else {
        let page = edit_page(&req, &log, &film, &recorded(&log.state), &typed, &errors).await?;
        return Ok(unprocessable(page));
    };
    let entry = crate::domain::shared::derive_id(&req.command_id(&typed).to_string(), "entry");
    let wish = LogCommand::AddEntry { entry, author, text: typed.get("text").into(), media, at: req.now() };
    act(&req, &log, &film, &typed, &typed, wish).await
}

async fn edit_entry(req: Req) -> Result<Res, HttpError> {
    let (log, film) = find(&req).await?;
    let entry = log.state.entry(req.id_param("entry")?).ok_or(HttpError::NotFound)?;
    let works = shelf_with(&req, &entry.media).await?;
    let mut typed = Form::default();
    typed.push("text", &entry.text);
    typed.push("media", &lines_of(&entry.media, &works));
    Ok(entry_page(&req, &log, &film, &works, &typed, &Errors::none()))
}

fn entry_page(
    req: &Req,
    log: &Row<ProductionLog>,
    film: &Row<Film>,
    works: &[Work],
    typed: &Form,
    errors: &Errors,
) -> Res {
    let base = format!("/studio/logs/{}", log.id);
    let here = format!("{base}/entries/{}", req.param("entry"));
    let title = heading(&log.state, &film.state.title);
    let fields = html! { (entry_fields(works, typed, errors)) div.row { (button::submit("Save the entry", Weight::Main)) } };
    let body = html! {
        (crumbs(&[Place::new("Production logs", "/studio/logs"), Place::new(&title, &base)], "Entry"))
        (page_head("Entry", None, Some(&form_inline(req, &format!("{here}/remove"), &button::submit_small("Remove the entry", Weight::Plain)))))
        div { (error_summary(errors)) (form(req, &here, &fields)) }
    };
    show(req, "Entry", &body)
}

async fn save_entry(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let (log, film) = find(&req).await?;
    let entry = log.state.entry(req.id_param("entry")?).ok_or(HttpError::NotFound)?;
    let works = shelf_with(&req, &entry.media).await?;
    let mut errors = Errors::none();
    let media = works_of("media", &typed, &works, &mut errors);
    if errors.is_empty() {
        let text = typed.get("text").into();
        let wish = LogCommand::ReviseEntry { entry: entry.id, text, media, at: req.now() };
        let envelope = Envelope::new(req.command_id(&typed), log.id, wish, req.meta());
        match req.app.bus.dispatch::<ProductionLog>(envelope).await {
            Ok(receipt) => return Ok(after(receipt, &format!("/studio/logs/{}", log.id))),
            Err(error) => errors = refusal(error, |e| e.field().to_owned(), "production log")?,
        }
    }
    Ok(unprocessable(entry_page(&req, &log, &film, &works, &typed, &errors)))
}

async fn remove_entry(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let (log, film) = find(&req).await?;
    let wish = LogCommand::RemoveEntry { entry: req.id_param("entry")?, at: req.now() };
    act(&req, &log, &film, &recorded(&log.state), &typed, wish).await
}

async fn set_public(mut req: Req, public: bool) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let (log, film) = find(&req).await?;
    let at = req.now();
    let wish = if public { LogCommand::Publish { at } } else { LogCommand::Withdraw { at } };
    act(&req, &log, &film, &recorded(&log.state), &typed, wish).await
}

/// Gives the command; a refusal shows the desk again with what was typed.
async fn act(
    req: &Req,
    log: &Row<ProductionLog>,
    film: &Row<Film>,
    typed: &Form,
    entry: &Form,
    wish: LogCommand,
) -> Result<Res, HttpError> {
    let key = if entry.has("idempotency_key") { entry } else { typed };
    let envelope = Envelope::new(req.command_id(key), log.id, wish, req.meta());
    match req.app.bus.dispatch::<ProductionLog>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &format!("/studio/logs/{}", log.id))),
        Err(error) => {
            let errors = refusal(error, |e| e.field().to_owned(), "production log")?;
            let about = if typed.has("title") { typed.clone() } else { recorded(&log.state) };
            Ok(unprocessable(edit_page(req, log, film, &about, entry, &errors).await?))
        }
    }
}
