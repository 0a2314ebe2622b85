//! `/studio/films/{id}/collections`: the folders in a film's gallery. Who may change the film arranges them.

use super::MAKERS;
use super::desk::{choose, id_of, own, publish_form, refusal, show, slug_of, state_chip};
use super::works_field::{lines_of, render as works_field, shelf_with, works_of};
use crate::actors::bus::{Claim, Envelope};
use crate::domain::collection::{
    Collection, CollectionCommand, CollectionText, Place as Spot, SLUG_NAMESPACE,
};
use crate::domain::film::Film;
use crate::domain::media::Kind;
use crate::domain::shared::{Slug, derive_id};
use crate::http::form::Form;
use crate::http::page::unprocessable;
use crate::http::pages::public::collections::{around, href, inside};
use crate::http::response::after;
use crate::http::route::Route;
use crate::http::ui::{
    Errors, Field, Icon, Line, Place, Weight, button, crumbs, empty, error_summary, form, format, lines,
    page_head,
};
use crate::http::{HttpError, Req, Res};
use crate::projections::catalogue::{self, Row, Work};
use maud::{Markup, html};
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/studio/films/{id}/collections", MAKERS, list),
        Route::get("/studio/films/{id}/collections/new", MAKERS, new),
        Route::post("/studio/films/{id}/collections", MAKERS, begin),
        Route::get("/studio/collections/{id}", MAKERS, edit),
        Route::post("/studio/collections/{id}", MAKERS, save),
        Route::post("/studio/collections/{id}/publish", MAKERS, |req| set_public(req, true)),
        Route::post("/studio/collections/{id}/unpublish", MAKERS, |req| set_public(req, false)),
    ]
}

async fn film_of(req: &Req, id: Uuid) -> Result<Row<Film>, HttpError> {
    own(req, catalogue::film_by_id(&req.app.reader, id).await?, |f| f.by)
}

fn shelf_of(film: &Row<Film>) -> String {
    format!("/studio/films/{}/collections", film.id)
}

fn above(film: &Row<Film>) -> [Place; 3] {
    [
        Place::new("Films", "/studio/films"),
        Place::new(&film.state.title, format!("/studio/films/{}", film.id)),
        Place::new("Collections", shelf_of(film)),
    ]
}

/// The path of titles to a collection: "Props / Kitchen".
fn path(all: &[Row<Collection>], one: &Row<Collection>) -> String {
    let mut titles: Vec<String> = around(all, one).into_iter().map(|c| c.state.text.title).collect();
    titles.push(one.state.text.title.clone());
    titles.join(" / ")
}

/// All collections, each after the one it lies in; those of a circle at the end.
fn in_order(all: &[Row<Collection>]) -> Vec<&Row<Collection>> {
    let mut found: Vec<&Row<Collection>> = Vec::new();
    let mut waiting: Vec<&Row<Collection>> = inside(all, None).into_iter().rev().collect();
    while let Some(next) = waiting.pop() {
        if found.iter().any(|c| c.id == next.id) {
            continue;
        }
        found.push(next);
        waiting.extend(inside(all, Some(next.id)).into_iter().rev());
    }
    let rest: Vec<&Row<Collection>> = all.iter().filter(|c| !found.iter().any(|f| f.id == c.id)).collect();
    found.extend(rest);
    found
}

async fn list(req: Req) -> Result<Res, HttpError> {
    let film = film_of(&req, req.id_param("id")?).await?;
    let all = catalogue::collections_of_film(&req.app.reader, film.id, true).await?;
    let ordered = in_order(&all);
    let titles: Vec<String> = ordered.iter().map(|c| path(&all, c)).collect();
    let items: Vec<Line<'_>> = ordered
        .iter()
        .zip(&titles)
        .map(|(c, title)| {
            let works = i64::try_from(c.state.text.media.len()).unwrap_or(i64::MAX);
            Line {
                href: format!("/studio/collections/{}", c.id),
                title,
                sub: Some(format::counted(works, "work", "works")),
                aside: Some(state_chip(c.public)),
                ..Line::default()
            }
        })
        .collect();
    let new = format!("{}/new", shelf_of(&film));
    let acts = button::link_small("New collection", &new, Weight::Main);
    let body = html! {
        (crumbs(&above(&film)[..2], "Collections"))
        (page_head("Collections", Some("Folders of works in the gallery of the film, one inside of another."), Some(&acts)))
        @if items.is_empty() { (empty(Icon::Image, "No collections yet", "Put what belongs together into a collection.", Some(&Place::new("Begin a collection", new)))) }
        @else { (lines(&items)) }
    };
    Ok(show(&req, "Collections", &body))
}

fn fields(
    works: &[Work],
    all: &[Row<Collection>],
    here: Option<Uuid>,
    typed: &Form,
    errors: &Errors,
) -> Markup {
    let mut parents = vec![(String::new(), "The gallery itself".to_owned())];
    parents.extend(
        in_order(all)
            .into_iter()
            .filter(|c| !lies_in(all, c.id, here))
            .map(|c| (c.id.to_string(), path(all, c))),
    );
    html! {
        (Field::new("title", "Title").value(typed.get("title")).maxlength(120).errors(errors).render())
        (Field::new("slug", "Address").hint("Left empty, it is made of the title. Old addresses keep leading here.").optional().value(typed.get("slug")).errors(errors).render())
        div.field-pair {
            (Field::new("parent", "Lies in").select(parents).value(typed.get("parent")).errors(errors).render())
            (Field::new("order", "Place").hint("Smaller numbers come first, equal ones by title.").optional().inputmode("numeric").value(typed.get("order")).errors(errors).render())
        }
        (Field::new("text", "Text").hint("Markdown.").optional().area().value(typed.get("text")).maxlength(20_000).errors(errors).render())
        (choose("picture", "Picture", "Stands for the collection. Without one, its first work does.", works, &[Kind::Image, Kind::Video], typed.get("picture"), errors))
        (works_field("media", "Works", works, typed, errors))
    }
}

/// Whether collection `one` is `outer` or lies in it, however deep.
fn lies_in(all: &[Row<Collection>], one: Uuid, outer: Option<Uuid>) -> bool {
    let Some(outer) = outer else { return false };
    let row = all.iter().find(|c| c.id == one);
    one == outer || row.is_some_and(|row| around(all, row).iter().any(|c| c.id == outer))
}

/// What was typed, as far as it is understood.
struct Typed {
    slug: Option<Slug>,
    text: CollectionText,
    place: Spot,
}

fn read(
    typed: &Form,
    works: &[Work],
    all: &[Row<Collection>],
    here: Option<Uuid>,
    fallback: &str,
    errors: &mut Errors,
) -> Typed {
    let slug = slug_of(typed.get("slug"), typed.get("title"), fallback);
    let parent = id_of(typed.get("parent"));
    match parent {
        Some(id) if !all.iter().any(|c| c.id == id) => {
            errors.add("parent", "Choose a collection of this film, or the gallery itself.");
        }
        Some(id) if lies_in(all, id, here) => {
            errors.add("parent", "A collection cannot lie in itself. Choose another place.");
        }
        _ => {}
    }
    let order = match typed.get("order") {
        "" => 0,
        text => text.parse().unwrap_or_else(|_| {
            errors.add("order", "Enter a whole number such as 3.");
            0
        }),
    };
    Typed {
        slug: slug.map_err(|why| errors.add("slug", why)).ok(),
        text: CollectionText {
            title: typed.get("title").into(),
            text: typed.get("text").into(),
            picture: id_of(typed.get("picture")),
            media: works_of("media", typed, works, errors),
        },
        place: Spot { parent, order },
    }
}

fn claim(film: Uuid, slug: &Slug) -> Vec<Claim> {
    vec![Claim::new(SLUG_NAMESPACE, format!("{film}/{slug}"))]
}

async fn new(req: Req) -> Result<Res, HttpError> {
    let film = film_of(&req, req.id_param("id")?).await?;
    let mut typed = Form::default();
    typed.push("parent", req.query("parent"));
    new_page(&req, &film, &typed, &Errors::none()).await
}

async fn new_page(req: &Req, film: &Row<Film>, typed: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let all = catalogue::collections_of_film(&req.app.reader, film.id, true).await?;
    let works = shelf_with(req, &[]).await?;
    let fields = html! { (fields(&works, &all, None, typed, errors)) div.row { (button::submit("Begin the collection", Weight::Main)) } };
    let body = html! {
        (crumbs(&above(film), "New collection"))
        (page_head("New collection", Some("It starts as a draft that only you and the editors see."), None))
        div { (error_summary(errors)) (form(req, &shelf_of(film), &fields)) }
    };
    Ok(show(req, "New collection", &body))
}

async fn begin(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let film = film_of(&req, req.id_param("id")?).await?;
    let by = req.account()?.id;
    let command = req.command_id(&typed);
    let id = derive_id(&command.to_string(), "collection");
    let all = catalogue::collections_of_film(&req.app.reader, film.id, true).await?;
    let works = shelf_with(&req, &[]).await?;
    let mut errors = Errors::none();
    let fallback = format!("collection-{}", &id.simple().to_string()[..8]);
    let Typed { slug, text, place } = read(&typed, &works, &all, None, &fallback, &mut errors);
    let Some(slug) = slug.filter(|_| errors.is_empty()) else {
        return Ok(unprocessable(new_page(&req, &film, &typed, &errors).await?));
    };
    let claims = claim(film.id, &slug);
    let at = req.now();
    let wish = CollectionCommand::Begin { film: film.id, slug, text: Box::new(text), place, by, at };
    let envelope = Envelope::new(command, id, wish, req.meta()).with_claims(claims);
    match req.app.bus.dispatch::<Collection>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &format!("/studio/collections/{id}"))),
        Err(error) => {
            let errors = refusal(error, |e| e.field().to_owned(), "collection of this film")?;
            Ok(unprocessable(new_page(&req, &film, &typed, &errors).await?))
        }
    }
}

/// The collection and its film, if the viewer may change the film.
async fn find(req: &Req) -> Result<(Row<Collection>, Row<Film>), HttpError> {
    let row = catalogue::collection_by_id(&req.app.reader, req.id_param("id")?).await?;
    let row = row.ok_or(HttpError::NotFound)?;
    let film = film_of(req, row.state.film).await?;
    Ok((row, film))
}

/// The works that stand in it already.
fn chosen(state: &Collection) -> Vec<Uuid> {
    state.text.media.iter().copied().chain(state.text.picture).collect()
}

fn recorded(state: &Collection, works: &[Work]) -> Form {
    let id = |id: Option<Uuid>| id.map(|i| i.to_string()).unwrap_or_default();
    let mut fields = Form::default();
    fields.push("title", &state.text.title);
    fields.push("slug", &state.slug.as_ref().map(ToString::to_string).unwrap_or_default());
    fields.push("parent", &id(state.place.parent));
    fields.push("order", &state.place.order.to_string());
    fields.push("text", &state.text.text);
    fields.push("picture", &id(state.text.picture));
    fields.push("media", &lines_of(&state.text.media, works));
    fields
}

async fn edit(req: Req) -> Result<Res, HttpError> {
    let (row, film) = find(&req).await?;
    let works = shelf_with(&req, &chosen(&row.state)).await?;
    let typed = recorded(&row.state, &works);
    edit_page(&req, &row, &film, &works, &typed, &Errors::none()).await
}

async fn edit_page(
    req: &Req,
    row: &Row<Collection>,
    film: &Row<Film>,
    works: &[Work],
    typed: &Form,
    errors: &Errors,
) -> Result<Res, HttpError> {
    let all = catalogue::collections_of_film(&req.app.reader, film.id, true).await?;
    let base = format!("/studio/collections/{}", row.id);
    let title = &row.state.text.title;
    let acts = html! {
        (state_chip(row.public))
        (button::link_small(if row.public { "See the page" } else { "Preview" }, &href(film, &row.state), Weight::Plain))
        (button::link_small("New collection in it", &format!("{}/new?parent={}", shelf_of(film), row.id), Weight::Plain))
        (publish_form(req, &base, row.public, "collection"))
    };
    let fields = html! { (fields(works, &all, Some(row.id), typed, errors)) div.row { (button::submit("Save the collection", Weight::Main)) } };
    let body = html! {
        (crumbs(&above(film), title))
        (page_head(title, None, Some(&acts)))
        div { (error_summary(errors)) (form(req, &base, &fields)) }
    };
    Ok(show(req, title, &body))
}

async fn save(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let (row, film) = find(&req).await?;
    let works = shelf_with(&req, &chosen(&row.state)).await?;
    let all = catalogue::collections_of_film(&req.app.reader, film.id, true).await?;
    let mut errors = Errors::none();
    let Typed { slug, text, place } = read(&typed, &works, &all, Some(row.id), "collection", &mut errors);
    let Some(slug) = slug.filter(|_| errors.is_empty()) else {
        return Ok(unprocessable(edit_page(&req, &row, &film, &works, &typed, &errors).await?));
    };
    let claims = claim(film.id, &slug);
    let wish = CollectionCommand::Revise { slug, text: Box::new(text), place, at: req.now() };
    act(&req, &row, &film, &typed, wish, claims).await
}

async fn set_public(mut req: Req, public: bool) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let (row, film) = find(&req).await?;
    let at = req.now();
    let wish = if public { CollectionCommand::Publish { at } } else { CollectionCommand::Unpublish { at } };
    act(&req, &row, &film, &typed, wish, vec![]).await
}

/// Gives the command; a refusal shows the editor again with what was typed.
async fn act(
    req: &Req,
    row: &Row<Collection>,
    film: &Row<Film>,
    typed: &Form,
    wish: CollectionCommand,
    claims: Vec<Claim>,
) -> Result<Res, HttpError> {
    let envelope = Envelope::new(req.command_id(typed), row.id, wish, req.meta()).with_claims(claims);
    match req.app.bus.dispatch::<Collection>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &format!("/studio/collections/{}", row.id))),
        Err(error) => {
            let errors = refusal(error, |e| e.field().to_owned(), "collection of this film")?;
            let works = shelf_with(req, &chosen(&row.state)).await?;
            let again = if typed.has("title") { typed.clone() } else { recorded(&row.state, &works) };
            Ok(unprocessable(edit_page(req, row, film, &works, &again, &errors).await?))
        }
    }
}
