//! `/studio/characters`: begin, edit, publish characters.

use super::MAKERS;
use super::desk::{choose, id_of, own, publish_form, refusal, scope, show, slug_of, state_chip};
use super::overview::row_lines;
use super::posts::films;
use super::versions::version_lines;
use super::works_field::{lines_of, render as works_field, shelf_with, works_of};
use crate::actors::bus::{Claim, Envelope};
use crate::domain::character::{Character, CharacterCommand, CharacterText, SLUG_NAMESPACE};
use crate::domain::media::Kind;
use crate::domain::shared::{Licence, derive_id};
use crate::http::form::Form;
use crate::http::page::unprocessable;
use crate::http::response::after;
use crate::http::route::Route;
use crate::http::ui::{
    Errors, Field, Icon, Place, Weight, button, crumbs, empty, error_summary, form, page_head,
};
use crate::http::{HttpError, Req, Res};
use crate::projections::catalogue::{self, Row, Work};
use maud::html;
use strum::VariantArray;
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/studio/characters", MAKERS, list),
        Route::get("/studio/characters/new", MAKERS, new),
        Route::post("/studio/characters", MAKERS, begin),
        Route::get("/studio/characters/{id}", MAKERS, edit),
        Route::post("/studio/characters/{id}", MAKERS, save),
        Route::post("/studio/characters/{id}/publish", MAKERS, |req| set_public(req, true)),
        Route::post("/studio/characters/{id}/unpublish", MAKERS, |req| set_public(req, false)),
    ]
}

async fn list(req: Req) -> Result<Res, HttpError> {
    let characters = catalogue::all_characters(&req.app.reader, scope(&req)).await?;
    let acts = button::link_small("New character", "/studio/characters/new", Weight::Main);
    let body = html! {
        (page_head("Characters", None, Some(&acts)))
        @if characters.is_empty() { (empty(Icon::Film, "No characters yet", "A character has versions to download, each for a version of the software.", Some(&Place::new("Begin a character", "/studio/characters/new")))) }
        @else { (row_lines(&characters, "/studio/characters", |c| &c.text.name)) }
    };
    Ok(show(&req, "Characters", &body))
}

async fn new(req: Req) -> Result<Res, HttpError> {
    Ok(new_page(&req, &Form::default(), &Errors::none()))
}

fn new_page(req: &Req, typed: &Form, errors: &Errors) -> Res {
    let fields = html! {
        (Field::new("name", "Name").value(typed.get("name")).maxlength(120).errors(errors).render())
        (Field::new("summary", "Summary").hint("One sentence that says who it is.").area().value(typed.get("summary")).maxlength(300).errors(errors).render())
        (Field::new("slug", "Address").hint("As in /characters/bunny. Left empty, it is made of the name.").optional().value(typed.get("slug")).errors(errors).render())
        div.row { (button::submit("Begin the character", Weight::Main)) }
    };
    show(
        req,
        "New character",
        &html! {
            (crumbs(&[Place::new("Characters", "/studio/characters")], "New character"))
            (page_head("New character", Some("It starts as a draft that only you and the editors see."), None))
            div { (error_summary(errors)) (form(req, "/studio/characters", &fields)) }
        },
    )
}

async fn begin(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let by = req.account()?.id;
    let command = req.command_id(&typed);
    let id = derive_id(&command.to_string(), "character");
    let fallback = format!("character-{}", &id.simple().to_string()[..8]);
    let slug = match slug_of(typed.get("slug"), typed.get("name"), &fallback) {
        Ok(slug) => slug,
        Err(why) => return Ok(unprocessable(new_page(&req, &typed, &Errors::one("slug", why)))),
    };
    let claims = vec![Claim::new(SLUG_NAMESPACE, slug.as_str())];
    let text = CharacterText {
        name: typed.get("name").into(),
        summary: typed.get("summary").into(),
        ..CharacterText::default()
    };
    let wish = CharacterCommand::Begin { slug, text: Box::new(text), by, at: req.now() };
    let envelope = Envelope::new(command, id, wish, req.meta()).with_claims(claims);
    match req.app.bus.dispatch::<Character>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &format!("/studio/characters/{id}"))),
        Err(error) => {
            let errors = refusal(error, |e| e.field().to_owned(), "character")?;
            Ok(unprocessable(new_page(&req, &typed, &errors)))
        }
    }
}

/// The character if the viewer may change it.
pub(super) async fn find(req: &Req) -> Result<Row<Character>, HttpError> {
    own(req, catalogue::character_by_id(&req.app.reader, req.id_param("id")?).await?, |c| c.by)
}

fn recorded(character: &Row<Character>, works: &[Work]) -> Form {
    let text = &character.state.text;
    let id = |id: Option<Uuid>| id.map(|i| i.to_string()).unwrap_or_default();
    let mut fields = Form::default();
    fields.push("name", &text.name);
    fields.push("slug", &character.slug);
    fields.push("summary", &text.summary);
    fields.push("description", &text.description);
    fields.push("film", &id(text.film));
    fields.push("licence", text.licence.code());
    fields.push("picture", &id(text.picture));
    fields.push("showcases", &lines_of(&text.showcases, works));
    fields
}

async fn edit(req: Req) -> Result<Res, HttpError> {
    let character = find(&req).await?;
    let works = shelf_with(&req, &character.state.text.showcases).await?;
    let typed = recorded(&character, &works);
    edit_page(&req, &character, &works, &typed, &Errors::none()).await
}

async fn edit_page(
    req: &Req,
    character: &Row<Character>,
    works: &[Work],
    typed: &Form,
    errors: &Errors,
) -> Result<Res, HttpError> {
    let films = films(req).await?;
    let base = format!("/studio/characters/{}", character.id);
    let name = &character.state.text.name;
    let acts = html! {
        (state_chip(character.public))
        (button::link_small(if character.public { "See the page" } else { "Preview" }, &format!("/characters/{}", character.slug), Weight::Plain))
        (publish_form(req, &base, character.public, "character"))
    };
    let fields = html! {
        (Field::new("name", "Name").value(typed.get("name")).maxlength(120).errors(errors).render())
        (Field::new("slug", "Address").hint("Old addresses keep leading here.").value(typed.get("slug")).errors(errors).render())
        (Field::new("summary", "Summary").hint("One sentence that says who it is.").area().value(typed.get("summary")).maxlength(300).errors(errors).render())
        (Field::new("description", "Description").hint("Markdown.").optional().area().value(typed.get("description")).errors(errors).render())
        div.field-pair {
            (Field::new("film", "Film").optional().select(films.iter().cloned()).value(typed.get("film")).errors(errors).render())
            (Field::new("licence", "Licence").select(Licence::VARIANTS.iter().map(|l| (l.code(), l.name()))).value(typed.get("licence")).errors(errors).render())
        }
        (choose("picture", "Picture", "Stands at the head of the page. A video lends its still.", works, &[Kind::Image, Kind::Video], typed.get("picture"), errors))
        (works_field("showcases", "Made with it", works, typed, errors))
        div.row { (button::submit("Save the character", Weight::Main)) }
    };
    Ok(show(
        req,
        name,
        &html! {
            (crumbs(&[Place::new("Characters", "/studio/characters")], name))
            (page_head(name, None, Some(&acts)))
            (version_lines(character))
            div { (error_summary(errors)) (form(req, &base, &fields)) }
        },
    ))
}

async fn save(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let character = find(&req).await?;
    let now = &character.state.text;
    let works = shelf_with(&req, &now.showcases).await?;
    let mut errors = Errors::none();
    let showcases = works_of("showcases", &typed, &works, &mut errors);
    let slug = slug_of(typed.get("slug"), typed.get("name"), &character.slug);
    let slug = slug.map_err(|why| errors.add("slug", why)).ok();
    let Some(slug) = slug.filter(|_| errors.is_empty()) else {
        return Ok(unprocessable(edit_page(&req, &character, &works, &typed, &errors).await?));
    };
    let claims = vec![Claim::new(SLUG_NAMESPACE, slug.as_str())];
    let text = CharacterText {
        name: typed.get("name").into(),
        summary: typed.get("summary").into(),
        description: typed.get("description").into(),
        film: id_of(typed.get("film")),
        licence: typed.get("licence").parse().unwrap_or(now.licence),
        picture: id_of(typed.get("picture")),
        showcases,
    };
    let wish = CharacterCommand::Revise { slug, text: Box::new(text), at: req.now() };
    act(&req, &character, &works, &typed, wish, claims).await
}

async fn set_public(mut req: Req, public: bool) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let character = find(&req).await?;
    let works = shelf_with(&req, &character.state.text.showcases).await?;
    let at = req.now();
    let wish = if public { CharacterCommand::Publish { at } } else { CharacterCommand::Unpublish { at } };
    act(&req, &character, &works, &typed, wish, vec![]).await
}

/// Gives the command; a refusal shows the editor again with what was typed.
async fn act(
    req: &Req,
    character: &Row<Character>,
    works: &[Work],
    typed: &Form,
    wish: CharacterCommand,
    claims: Vec<Claim>,
) -> Result<Res, HttpError> {
    let envelope = Envelope::new(req.command_id(typed), character.id, wish, req.meta()).with_claims(claims);
    match req.app.bus.dispatch::<Character>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &format!("/studio/characters/{}", character.id))),
        Err(error) => {
            let errors = refusal(error, |e| e.field().to_owned(), "character")?;
            let again = if typed.has("name") { typed.clone() } else { recorded(character, works) };
            Ok(unprocessable(edit_page(req, character, works, &again, &errors).await?))
        }
    }
}
