//! `/studio/films`: begin, edit, publish films.

use super::MAKERS;
use super::desk::{
    TEXT_HINT, choose, due_chip, id_of, own, publish_form, publish_time, refusal, schedule_panel, scope,
    shelf, show, slug_of,
};
use super::film_pages::page_lines;
use super::overview::row_lines;
use crate::actors::bus::{Claim, Envelope};
use crate::domain::film::{
    Credit, Film, FilmCommand, FilmDetails, GallerySection, Part, SLUG_NAMESPACE, Stage,
};
use crate::domain::media::Kind;
use crate::domain::shared::hue::hue_of_colour;
use crate::domain::shared::{Licence, PersonalRef, PersonalValue, derive_id};
use crate::http::form::Form;
use crate::http::page::unprocessable;
use crate::http::response::after;
use crate::http::route::Route;
use crate::http::ui::{
    Errors, Field, Icon, Place, Weight, button, crumbs, empty, error_summary, form, page_head,
};
use crate::http::{HttpError, Req, Res};
use crate::projections::catalogue::{self, Row, Work};
use chrono::NaiveDate;
use maud::html;
use strum::VariantArray;
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/studio/films", MAKERS, list),
        Route::get("/studio/films/new", MAKERS, new),
        Route::post("/studio/films", MAKERS, begin),
        Route::get("/studio/films/{id}", MAKERS, edit),
        Route::post("/studio/films/{id}", MAKERS, save),
        Route::post("/studio/films/{id}/publish", MAKERS, |req| set_public(req, true)),
        Route::post("/studio/films/{id}/schedule", MAKERS, schedule),
        Route::post("/studio/films/{id}/unpublish", MAKERS, |req| set_public(req, false)),
    ]
}

async fn list(req: Req) -> Result<Res, HttpError> {
    let films = catalogue::all_films(&req.app.reader, scope(&req)).await?;
    let acts = button::link_small("New film", "/studio/films/new", Weight::Main);
    let body = html! {
        (page_head("Films", None, Some(&acts)))
        @if films.is_empty() { (empty(Icon::Film, "No films yet", "A film has a page with its key art, trailer, production files, training and credits.", Some(&Place::new("Begin a film", "/studio/films/new")))) }
        @else { (row_lines(&films, "/studio/films", |f| &f.title)) }
    };
    Ok(show(&req, "Films", &body))
}

async fn new(req: Req) -> Result<Res, HttpError> {
    Ok(new_page(&req, &Form::default(), &Errors::none()))
}

fn new_page(req: &Req, typed: &Form, errors: &Errors) -> Res {
    let fields = html! {
        (Field::new("title", "Title").value(typed.get("title")).maxlength(120).errors(errors).render())
        (Field::new("summary", "Summary").hint("One sentence that says what it is about.").area().value(typed.get("summary")).maxlength(300).errors(errors).render())
        (Field::new("slug", "Address").hint("As in /films/the-salt-keeper. Left empty, it is made of the title.").optional().value(typed.get("slug")).errors(errors).render())
        div.row { (button::submit("Begin the film", Weight::Main)) }
    };
    show(
        req,
        "New film",
        &html! {
            (crumbs(&[Place::new("Films", "/studio/films")], "New film"))
            (page_head("New film", Some("It starts as a draft that only you and the editors see."), None))
            div { (error_summary(errors)) (form(req, "/studio/films", &fields)) }
        },
    )
}

async fn begin(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let by = req.account()?.id;
    let command = req.command_id(&typed);
    let id = derive_id(&command.to_string(), "film");
    let slug = match slug_of(
        typed.get("slug"),
        typed.get("title"),
        &format!("film-{}", &id.simple().to_string()[..8]),
    ) {
        Ok(slug) => slug,
        Err(why) => return Ok(unprocessable(new_page(&req, &typed, &Errors::one("slug", why)))),
    };
    let claims = vec![Claim::new(SLUG_NAMESPACE, slug.as_str())];
    let wish = FilmCommand::Begin {
        title: typed.get("title").into(),
        slug,
        summary: typed.get("summary").into(),
        by,
        at: req.now(),
    };
    match req.app.bus.dispatch::<Film>(Envelope::new(command, id, wish, req.meta()).with_claims(claims)).await
    {
        Ok(receipt) => Ok(after(receipt, &format!("/studio/films/{id}"))),
        Err(error) => {
            let errors = refusal(error, |e| e.field().to_owned(), "film")?;
            Ok(unprocessable(new_page(&req, &typed, &errors)))
        }
    }
}

/// What stands in the form: what is recorded, or what was typed.
async fn recorded(req: &Req, film: &Row<Film>, works: &[Work]) -> Result<Form, HttpError> {
    let state = &film.state;
    let text = |id: Option<Uuid>| id.map(|i| i.to_string()).unwrap_or_default();
    let mut fields = Form::default();
    fields.push("title", &state.title);
    fields.push("slug", &film.slug);
    fields.push("summary", &state.summary);
    fields.push("description", &state.description);
    fields.push("stage", state.stage.code());
    fields.push("release_date", &state.release_date.map(|d| d.to_string()).unwrap_or_default());
    fields.push("licence", state.licence.code());
    fields.push("hue", &state.hue.map(|h| h.to_string()).unwrap_or_default());
    fields.push("key_art", &text(state.key_art));
    fields.push("trailer", &text(state.trailer));
    fields.push("feature", &text(state.feature));
    fields.push("gallery", &gallery_text(&state.gallery, works));
    fields.push("logo", &text(state.logo));
    fields.push("poster", &text(state.poster));
    fields.push("landing", &state.landing);
    for part in &state.hidden {
        fields.push("hide", part.code());
    }
    let crew: Vec<String> =
        crew_names(req, state).await?.into_iter().map(|(c, name)| format!("{}: {name}", c.role)).collect();
    fields.push("crew", &crew.join("\n"));
    Ok(fields)
}

async fn crew_names(req: &Req, film: &Film) -> Result<Vec<(Credit, String)>, HttpError> {
    let refs: Vec<PersonalRef> = film.crew.iter().map(|c| c.name.clone()).collect();
    let names = req.app.reader.open_many(&refs).await?;
    Ok(film.crew.iter().filter_map(|c| Some((c.clone(), names.get(&c.name)?.clone()))).collect())
}

fn gallery_text(sections: &[GallerySection], works: &[Work]) -> String {
    let mut lines = Vec::new();
    for section in sections {
        if !section.title.is_empty() {
            lines.push(format!("# {}", section.title));
        }
        lines.extend(
            section.media.iter().filter_map(|id| works.iter().find(|w| w.id == *id)).map(|w| w.slug.clone()),
        );
    }
    lines.join("\n")
}

/// The film if the viewer may change it.
pub(super) async fn find(req: &Req) -> Result<Row<Film>, HttpError> {
    own(req, catalogue::film_by_id(&req.app.reader, req.id_param("id")?).await?, |f| f.by)
}

async fn edit(req: Req) -> Result<Res, HttpError> {
    let film = find(&req).await?;
    let works = shelf(&req).await?;
    let typed = recorded(&req, &film, &works).await?;
    Ok(edit_page(&req, &film, &works, &typed, &Errors::none()))
}

fn edit_page(req: &Req, film: &Row<Film>, works: &[Work], typed: &Form, errors: &Errors) -> Res {
    let base = format!("/studio/films/{}", film.id);
    let acts = html! {
        (button::link_small(if film.public { "See the page" } else { "Preview" }, &format!("/films/{}", film.slug), Weight::Plain))
        (button::link_small("Collections", &format!("{base}/collections"), Weight::Plain))
        (button::link_small("Tell of a week", &format!("/studio/logs/new?film={}", film.id), Weight::Plain))
        (publish_form(req, &base, film.public, "film"))
    };
    let fields = html! {
        (Field::new("title", "Title").value(typed.get("title")).maxlength(120).errors(errors).render())
        (Field::new("slug", "Address").hint("Old addresses keep leading here.").value(typed.get("slug")).errors(errors).render())
        (Field::new("summary", "Summary").hint("One sentence that says what it is about.").area().value(typed.get("summary")).maxlength(300).errors(errors).render())
        (Field::new("description", "Description").hint(TEXT_HINT).optional().long_area().value(typed.get("description")).errors(errors).render())
        div.field-pair {
            (Field::new("stage", "Status").select(Stage::VARIANTS.iter().map(|s| (s.code(), s.words()))).value(typed.get("stage")).errors(errors).render())
            (Field::new("release_date", "Release date").kind("date").optional().value(typed.get("release_date")).errors(errors).render())
            (Field::new("licence", "Licence").select(Licence::VARIANTS.iter().map(|l| (l.code(), l.name()))).value(typed.get("licence")).errors(errors).render())
            (Field::new("hue", "Hue").hint("0–359. Left empty, it is that of the key art.").optional().inputmode("numeric").value(typed.get("hue")).errors(errors).render())
        }
        (choose("key_art", "Key art", "The picture at the head of the page. A video lends its still.", works, &[Kind::Image, Kind::Video], typed.get("key_art"), errors))
        div.field-pair {
            (choose("logo", "Logo", "The name of the film as a picture.", works, &[Kind::Image], typed.get("logo"), errors))
            (choose("poster", "Poster", "As it hangs in a cinema.", works, &[Kind::Image], typed.get("poster"), errors))
        }
        (choose("feature", "Film", "The video behind “Watch the film”.", works, &[Kind::Video], typed.get("feature"), errors))
        (choose("trailer", "Trailer", "A video that shows what to expect.", works, &[Kind::Video], typed.get("trailer"), errors))
        (Field::new("gallery", "Gallery").hint("One work a line, by its address. A line that begins with # starts a group with that heading.").optional().area().value(typed.get("gallery")).errors(errors).render())
        @if !works.is_empty() {
            details.fold { summary { "Addresses of your works" } ul.small { @for work in works { li { span.mono { (work.slug) } " – " (work.state.title) } } } }
        }
        (Field::new("landing", "For those who may not watch it").hint("Markdown that stands in place of the description while the film is for members and the reader is none.").optional().area().value(typed.get("landing")).maxlength(20_000).errors(errors).render())
        fieldset.field {
            legend { "Leave out of the page" }
            div.row { @for part in Part::VARIANTS {
                label.choice { input type="checkbox" name="hide" value=(part.code()) checked[typed.all("hide").iter().any(|p| p == part.code())]; span { (part.words()) } }
            } }
        }
        (Field::new("crew", "Credits").hint("One person a line: role, colon, name. Names are kept apart from the record, so that they can be erased.").optional().area().value(typed.get("crew")).errors(errors).render())
        div.row { (button::submit("Save the film", Weight::Main)) }
    };
    show(
        req,
        &film.state.title,
        &html! {
            (crumbs(&[Place::new("Films", "/studio/films")], &film.state.title))
            (page_head(&film.state.title, None, Some(&html! { (due_chip(film.public, film.state.publish_at)) (acts) })))
            div { (error_summary(errors)) (form(req, &base, &fields)) }
            (page_lines(film))
            @if !film.public { (schedule_panel(req, &base, "film", film.state.publish_at, typed, errors)) }
        },
    )
}

async fn schedule(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let film = find(&req).await?;
    let errors = match publish_time(&typed) {
        Err(why) => Errors::one("publish_at", why),
        Ok(publish_at) => {
            let wish = FilmCommand::Schedule { publish_at, at: req.now() };
            let envelope = Envelope::new(req.command_id(&typed), film.id, wish, req.meta());
            match req.app.bus.dispatch::<Film>(envelope).await {
                Ok(receipt) => return Ok(after(receipt, &format!("/studio/films/{}", film.id))),
                Err(error) => refusal(error, |e| e.field().to_owned(), "film")?,
            }
        }
    };
    let works = shelf(&req).await?;
    let mut again = recorded(&req, &film, &works).await?;
    again.push("publish_at", typed.get("publish_at"));
    Ok(unprocessable(edit_page(&req, &film, &works, &again, &errors)))
}

async fn save(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let film = find(&req).await?;
    let works = shelf(&req).await?;
    let mut errors = Errors::none();
    let details = details(&typed, &film.state, &works, &mut errors);
    let (crew, private) = crew(&req, &film, &typed, &mut errors).await?;
    if !errors.is_empty() {
        return Ok(unprocessable(edit_page(&req, &film, &works, &typed, &errors)));
    }
    let claims = details.slug.iter().map(|s| Claim::new(SLUG_NAMESPACE, s.as_str())).collect();
    let command = req.command_id(&typed);
    let wish = FilmCommand::Edit { details: Box::new(details), at: req.now() };
    let edited = req
        .app
        .bus
        .dispatch::<Film>(Envelope::new(command, film.id, wish, req.meta()).with_claims(claims))
        .await;
    let receipt = match edited {
        Ok(receipt) => receipt,
        Err(error) => {
            let errors = refusal(error, |e| e.field().to_owned(), "film")?;
            return Ok(unprocessable(edit_page(&req, &film, &works, &typed, &errors)));
        }
    };
    let wish = FilmCommand::Credit { crew, at: req.now() };
    let envelope = Envelope::new(derive_id(&command.to_string(), "crew"), film.id, wish, req.meta())
        .with_private(private);
    match req.app.bus.dispatch::<Film>(envelope).await {
        Ok(second) => {
            let last = if second.position > receipt.position { second } else { receipt };
            Ok(after(last, &format!("/studio/films/{}", film.id)))
        }
        Err(error) => {
            let errors = refusal(error, |e| e.field().to_owned(), "film")?;
            Ok(unprocessable(edit_page(&req, &film, &works, &typed, &errors)))
        }
    }
}

fn details(typed: &Form, now: &Film, works: &[Work], errors: &mut Errors) -> FilmDetails {
    let slug =
        slug_of(typed.get("slug"), typed.get("title"), "film").map_err(|why| errors.add("slug", why)).ok();
    let date = match typed.get("release_date") {
        "" => None,
        text => text
            .parse::<NaiveDate>()
            .map_err(|_| errors.add("release_date", "Enter a date such as 2026-11-21."))
            .ok(),
    };
    let hue = match typed.get("hue") {
        "" => None,
        text => {
            text.parse::<u16>().map_err(|_| errors.add("hue", "Enter a whole number from 0 to 359.")).ok()
        }
    };
    let key_art = id_of(typed.get("key_art"));
    // Editors may have chosen a picture that is not on this person's shelf: its hue stays.
    let art = works.iter().find(|w| Some(w.id) == key_art).and_then(|w| w.state.poster.as_ref());
    let kept = now.art_hue.filter(|_| key_art == now.key_art);
    FilmDetails {
        title: typed.get("title").into(),
        slug,
        summary: typed.get("summary").into(),
        description: typed.get("description").into(),
        stage: typed.get("stage").parse().unwrap_or(now.stage),
        release_date: date,
        licence: typed.get("licence").parse().unwrap_or(now.licence),
        hue,
        art_hue: art.map_or(kept, |p| p.hue.or_else(|| hue_of_colour(&p.colour))),
        key_art,
        trailer: id_of(typed.get("trailer")),
        feature: id_of(typed.get("feature")),
        gallery: gallery(typed.get("gallery"), works, errors),
        logo: id_of(typed.get("logo")),
        poster: id_of(typed.get("poster")),
        landing: typed.get("landing").into(),
        hidden: typed.all("hide").iter().filter_map(|code| code.parse::<Part>().ok()).collect(),
    }
}

/// Reads the lines of the gallery.
fn gallery(text: &str, works: &[Work], errors: &mut Errors) -> Vec<GallerySection> {
    let mut sections = vec![GallerySection::default()];
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty()) {
        if let Some(title) = line.strip_prefix('#') {
            sections.push(GallerySection { title: title.trim().to_owned(), media: Vec::new() });
            continue;
        }
        match (works.iter().find(|w| w.slug == line), sections.last_mut()) {
            (Some(work), Some(section)) => section.media.push(work.id),
            _ => errors.add(
                "gallery",
                format!("There is no work with the address {line}. The list below the field shows yours."),
            ),
        }
    }
    sections
}

/// Reads the lines of the credits. Names that stand there already keep their place in the vault.
async fn crew(
    req: &Req,
    film: &Row<Film>,
    typed: &Form,
    errors: &mut Errors,
) -> Result<(Vec<Credit>, Vec<PersonalValue>), HttpError> {
    let mut known = crew_names(req, &film.state).await?;
    let (mut crew, mut private) = (Vec::new(), Vec::new());
    for line in typed.get("crew").lines().map(str::trim).filter(|l| !l.is_empty()) {
        let Some((role, name)) = line
            .split_once(':')
            .map(|(r, n)| (r.trim(), n.trim()))
            .filter(|(r, n)| !r.is_empty() && !n.is_empty())
        else {
            errors.add("crew", format!("Write role, colon and name in each line, such as “Director: Ada Holm”. This line is different: {line}"));
            continue;
        };
        if let Some(place) = known.iter().position(|(c, n)| c.role == role && n == name) {
            crew.push(known.remove(place).0);
        } else {
            let value = PersonalValue::new(film.id, "credit", req.app.clock.new_id(), name);
            crew.push(Credit { role: role.to_owned(), name: value.reference.clone() });
            private.push(value);
        }
    }
    Ok((crew, private))
}

async fn set_public(mut req: Req, public: bool) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let film = find(&req).await?;
    let at = req.now();
    let wish = if public { FilmCommand::Publish { at } } else { FilmCommand::Unpublish { at } };
    match req.app.bus.dispatch::<Film>(Envelope::new(req.command_id(&typed), film.id, wish, req.meta())).await
    {
        Ok(receipt) => Ok(after(receipt, &format!("/studio/films/{}", film.id))),
        Err(error) => {
            let errors = refusal(error, |e| e.field().to_owned(), "film")?;
            let works = shelf(&req).await?;
            let recorded: Form = recorded(&req, &film, &works).await?;
            Ok(unprocessable(edit_page(&req, &film, &works, &recorded, &errors)))
        }
    }
}
