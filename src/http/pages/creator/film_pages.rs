//! The pages of a film's own, which stand among its tabs.

use super::MAKERS;
use super::desk::{TEXT_HINT, refusal, show, slug_of};
use super::films::find;
use crate::actors::bus::Envelope;
use crate::domain::film::{Film, FilmCommand, FilmPage};
use crate::domain::shared::derive_id;
use crate::http::form::Form;
use crate::http::page::unprocessable;
use crate::http::response::after;
use crate::http::route::Route;
use crate::http::ui::{
    Errors, Field, Line, Place, Weight, button, crumbs, error_summary, form, form_inline, lines, page_head,
    shelf_head,
};
use crate::http::{HttpError, Req, Res};
use crate::projections::catalogue::Row;
use maud::{Markup, html};
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/studio/films/{id}/pages/new", MAKERS, new),
        Route::post("/studio/films/{id}/pages", MAKERS, write),
        Route::get("/studio/films/{id}/pages/{page}", MAKERS, edit),
        Route::post("/studio/films/{id}/pages/{page}", MAKERS, save),
        Route::post("/studio/films/{id}/pages/{page}/remove", MAKERS, remove),
    ]
}

fn base(film: &Row<Film>) -> String {
    format!("/studio/films/{}", film.id)
}

/// The pages on the film's desk, in the order of their tabs.
pub(super) fn page_lines(film: &Row<Film>) -> Markup {
    let base = base(film);
    let add = Place::new("Write a page", format!("{base}/pages/new"));
    let line = |page: &FilmPage| {
        (format!("{base}/pages/{}", page.id), format!("/films/{}/pages/{}", film.slug, page.slug))
    };
    let places: Vec<(String, String)> = film.state.pages.iter().map(line).collect();
    let items: Vec<Line<'_>> = film
        .state
        .pages
        .iter()
        .zip(places)
        .map(|(page, (href, address))| Line {
            href,
            title: &page.title,
            sub: Some(address),
            ..Line::default()
        })
        .collect();
    html! {
        section {
            (shelf_head("Pages among the tabs", Some(&add)))
            @if items.is_empty() { p.dim { "A page of the film's own, such as where to see it." } } @else { (lines(&items)) }
        }
    }
}

fn sheet(
    req: &Req,
    film: &Row<Film>,
    title: &str,
    acts: Option<&Markup>,
    (action, typed, errors): (&str, &Form, &Errors),
) -> Res {
    let fields = html! {
        (Field::new("title", "Title").hint("The words of its tab.").value(typed.get("title")).maxlength(40).errors(errors).render())
        div.field-pair {
            (Field::new("slug", "Address").hint("Left empty, it is made of the title. Old addresses keep leading here.").optional().value(typed.get("slug")).errors(errors).render())
            (Field::new("place", "Place").hint("1 stands first.").optional().inputmode("numeric").value(typed.get("place")).errors(errors).render())
        }
        (Field::new("text", "Text").hint(TEXT_HINT).long_area().value(typed.get("text")).maxlength(50_000).errors(errors).render())
        div.row { (button::submit("Save the page", Weight::Main)) }
    };
    let places = [Place::new("Films", "/studio/films"), Place::new(&film.state.title, base(film))];
    let body = html! {
        (crumbs(&places, title))
        (page_head(title, None, acts))
        div { (error_summary(errors)) (form(req, action, &fields)) }
    };
    show(req, title, &body)
}

async fn new(req: Req) -> Result<Res, HttpError> {
    let film = find(&req).await?;
    Ok(new_sheet(&req, &film, &Form::default(), &Errors::none()))
}

fn new_sheet(req: &Req, film: &Row<Film>, typed: &Form, errors: &Errors) -> Res {
    sheet(req, film, "New page", None, (&format!("{}/pages", base(film)), typed, errors))
}

/// The command for what was typed.
fn wish(req: &Req, id: Uuid, typed: &Form) -> Result<FilmCommand, Errors> {
    let mut errors = Errors::none();
    let fallback = format!("page-{}", &id.simple().to_string()[..8]);
    let slug = slug_of(typed.get("slug"), typed.get("title"), &fallback);
    let slug = slug.map_err(|why| errors.add("slug", why)).ok();
    let position = match typed.get("place") {
        "" => None,
        text => match text.parse::<usize>() {
            Ok(place) if place > 0 => Some(place - 1),
            _ => {
                errors.add("place", "Enter a whole number from 1.");
                None
            }
        },
    };
    let Some(slug) = slug.filter(|_| errors.is_empty()) else { return Err(errors) };
    let page = FilmPage { id, slug, title: typed.get("title").into(), text: typed.get("text").into() };
    Ok(FilmCommand::WritePage { page: Box::new(page), position, at: req.now() })
}

/// Gives the command; what was refused comes back as errors of the form.
async fn give(
    req: &Req,
    film: &Row<Film>,
    typed: &Form,
    wish: FilmCommand,
) -> Result<Result<Res, Errors>, HttpError> {
    let envelope = Envelope::new(req.command_id(typed), film.id, wish, req.meta());
    match req.app.bus.dispatch::<Film>(envelope).await {
        Ok(receipt) => Ok(Ok(after(receipt, &base(film)))),
        Err(error) => Ok(Err(refusal(error, |e| e.field().to_owned(), "page")?)),
    }
}

async fn write(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let film = find(&req).await?;
    let id = derive_id(&req.command_id(&typed).to_string(), "film page");
    let answer = match wish(&req, id, &typed) {
        Ok(wish) => give(&req, &film, &typed, wish).await?,
        Err(errors) => Err(errors),
    };
    Ok(answer.unwrap_or_else(|errors| unprocessable(new_sheet(&req, &film, &typed, &errors))))
}

async fn edit(req: Req) -> Result<Res, HttpError> {
    let film = find(&req).await?;
    let id = req.id_param("page")?;
    let place = film.state.pages.iter().position(|p| p.id == id).ok_or(HttpError::NotFound)?;
    let page = film.state.page(id).ok_or(HttpError::NotFound)?;
    let mut typed = Form::default();
    typed.push("title", &page.title);
    typed.push("slug", page.slug.as_str());
    typed.push("place", &(place + 1).to_string());
    typed.push("text", &page.text);
    Ok(edit_sheet(&req, &film, id, &typed, &Errors::none()))
}

fn edit_sheet(req: &Req, film: &Row<Film>, id: Uuid, typed: &Form, errors: &Errors) -> Res {
    let here = format!("{}/pages/{id}", base(film));
    let remove =
        form_inline(req, &format!("{here}/remove"), &button::submit_small("Remove the page", Weight::Plain));
    sheet(req, film, "Page", Some(&remove), (&here, typed, errors))
}

async fn save(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let film = find(&req).await?;
    let id = req.id_param("page")?;
    film.state.page(id).ok_or(HttpError::NotFound)?;
    let answer = match wish(&req, id, &typed) {
        Ok(wish) => give(&req, &film, &typed, wish).await?,
        Err(errors) => Err(errors),
    };
    Ok(answer.unwrap_or_else(|errors| unprocessable(edit_sheet(&req, &film, id, &typed, &errors))))
}

async fn remove(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let film = find(&req).await?;
    let id = req.id_param("page")?;
    let answer = give(&req, &film, &typed, FilmCommand::RemovePage { page: id, at: req.now() }).await?;
    Ok(answer.unwrap_or_else(|errors| unprocessable(edit_sheet(&req, &film, id, &typed, &errors))))
}
