//! The versions of a character, each with a page of its own at the desk.

use super::MAKERS;
use super::characters::find;
use super::desk::{choose, id_of, refusal, shelf, show};
use crate::actors::bus::Envelope;
use crate::domain::character::{Character, CharacterCommand, VersionText};
use crate::domain::media::Kind;
use crate::domain::shared::derive_id;
use crate::http::form::Form;
use crate::http::page::unprocessable;
use crate::http::response::after;
use crate::http::route::Route;
use crate::http::ui::{
    Errors, Field, Line, Place, Weight, button, crumbs, error_summary, form, form_inline, format, lines,
    page_head, shelf_head,
};
use crate::http::{HttpError, Req, Res};
use crate::projections::catalogue::{Row, Work};
use maud::{Markup, html};
use uuid::Uuid;

/// Anything can be handed out.
const ALL: [Kind; 7] =
    [Kind::Other, Kind::Archive, Kind::Model, Kind::Document, Kind::Image, Kind::Video, Kind::Audio];

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/studio/characters/{id}/versions/new", MAKERS, new),
        Route::post("/studio/characters/{id}/versions", MAKERS, add),
        Route::get("/studio/characters/{id}/versions/{version}", MAKERS, edit),
        Route::post("/studio/characters/{id}/versions/{version}", MAKERS, save),
        Route::post("/studio/characters/{id}/versions/{version}/remove", MAKERS, remove),
    ]
}

fn base(character: &Row<Character>) -> String {
    format!("/studio/characters/{}", character.id)
}

/// The versions on the character's desk, the newest first.
pub(super) fn version_lines(character: &Row<Character>) -> Markup {
    let base = base(character);
    let items: Vec<Line<'_>> = character
        .state
        .versions
        .iter()
        .rev()
        .map(|v| Line {
            href: format!("{base}/versions/{}", v.id),
            title: &v.text.label,
            sub: Some(format!("{} · {}", v.text.software, format::day(format::local_day(v.at)))),
            ..Line::default()
        })
        .collect();
    let add = Place::new("Add a version", format!("{base}/versions/new"));
    html! {
        section {
            (shelf_head("Versions", Some(&add)))
            @if items.is_empty() { p.dim { "There is no version to download yet." } } @else { (lines(&items)) }
        }
    }
}

fn sheet(req: &Req, character: &Row<Character>, title: &str, acts: Option<&Markup>, body: &Markup) -> Res {
    let places = [
        Place::new("Characters", "/studio/characters"),
        Place::new(&character.state.text.name, base(character)),
    ];
    show(req, title, &html! { (crumbs(&places, title)) (page_head(title, None, acts)) div { (body) } })
}

fn fields(works: &[Work], typed: &Form, errors: &Errors, words: &str) -> Markup {
    html! {
        div.field-pair {
            (Field::new("label", "Version").hint("Such as 2.1.").value(typed.get("label")).maxlength(40).errors(errors).render())
            (Field::new("software", "Software").hint("With its version, such as Blender 4.5.").value(typed.get("software")).maxlength(60).errors(errors).render())
        }
        (Field::new("notes", "What is new").hint("Markdown.").optional().area().value(typed.get("notes")).maxlength(5_000).errors(errors).render())
        (choose("download", "Download", "The file that people take along. Who may take it is set at the work.", works, &ALL, typed.get("download"), errors))
        (choose("preview", "Preview", "A picture, or a model to turn around.", works, &[Kind::Image, Kind::Video, Kind::Model], typed.get("preview"), errors))
        div.row { (button::submit(words, Weight::Main)) }
    }
}

fn text_of(typed: &Form) -> VersionText {
    VersionText {
        label: typed.get("label").into(),
        software: typed.get("software").into(),
        notes: typed.get("notes").into(),
        download: id_of(typed.get("download")),
        preview: id_of(typed.get("preview")),
    }
}

async fn new(req: Req) -> Result<Res, HttpError> {
    let character = find(&req).await?;
    new_page(&req, &character, &Form::default(), &Errors::none()).await
}

async fn new_page(
    req: &Req,
    character: &Row<Character>,
    typed: &Form,
    errors: &Errors,
) -> Result<Res, HttpError> {
    let works = shelf(req).await?;
    let fields = fields(&works, typed, errors, "Add the version");
    let body =
        html! { (error_summary(errors)) (form(req, &format!("{}/versions", base(character)), &fields)) };
    Ok(sheet(req, character, "New version", None, &body))
}

async fn add(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let character = find(&req).await?;
    let version = derive_id(&req.command_id(&typed).to_string(), "version");
    let wish = CharacterCommand::AddVersion { version, text: Box::new(text_of(&typed)), at: req.now() };
    match give(&req, &character, &typed, wish).await? {
        Ok(done) => Ok(done),
        Err(errors) => Ok(unprocessable(new_page(&req, &character, &typed, &errors).await?)),
    }
}

async fn edit(req: Req) -> Result<Res, HttpError> {
    let character = find(&req).await?;
    let version = character.state.version(req.id_param("version")?).ok_or(HttpError::NotFound)?;
    let id = |id: Option<Uuid>| id.map(|i| i.to_string()).unwrap_or_default();
    let mut typed = Form::default();
    typed.push("label", &version.text.label);
    typed.push("software", &version.text.software);
    typed.push("notes", &version.text.notes);
    typed.push("download", &id(version.text.download));
    typed.push("preview", &id(version.text.preview));
    edit_page(&req, &character, &typed, &Errors::none()).await
}

async fn edit_page(
    req: &Req,
    character: &Row<Character>,
    typed: &Form,
    errors: &Errors,
) -> Result<Res, HttpError> {
    let works = shelf(req).await?;
    let here = format!("{}/versions/{}", base(character), req.id_param("version")?);
    let fields = fields(&works, typed, errors, "Save the version");
    let remove = form_inline(
        req,
        &format!("{here}/remove"),
        &button::submit_small("Remove the version", Weight::Plain),
    );
    let body = html! { (error_summary(errors)) (form(req, &here, &fields)) };
    Ok(sheet(req, character, "Version", Some(&remove), &body))
}

async fn save(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let character = find(&req).await?;
    let version = req.id_param("version")?;
    character.state.version(version).ok_or(HttpError::NotFound)?;
    let wish = CharacterCommand::ReviseVersion { version, text: Box::new(text_of(&typed)), at: req.now() };
    match give(&req, &character, &typed, wish).await? {
        Ok(done) => Ok(done),
        Err(errors) => Ok(unprocessable(edit_page(&req, &character, &typed, &errors).await?)),
    }
}

async fn remove(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let character = find(&req).await?;
    let wish = CharacterCommand::RemoveVersion { version: req.id_param("version")?, at: req.now() };
    match give(&req, &character, &typed, wish).await? {
        Ok(done) => Ok(done),
        Err(errors) => Ok(unprocessable(edit_page(&req, &character, &typed, &errors).await?)),
    }
}

/// Gives the command; what was refused comes back as errors of the form.
async fn give(
    req: &Req,
    character: &Row<Character>,
    typed: &Form,
    wish: CharacterCommand,
) -> Result<Result<Res, Errors>, HttpError> {
    let envelope = Envelope::new(req.command_id(typed), character.id, wish, req.meta());
    match req.app.bus.dispatch::<Character>(envelope).await {
        Ok(receipt) => Ok(Ok(after(receipt, &base(character)))),
        Err(error) => Ok(Err(refusal(error, |e| e.field().to_owned(), "character")?)),
    }
}
