//! `/characters` and `/characters/{slug}`: characters to animate with, in their versions.

use super::works::Gate;
use super::{absolute, may_edit, work_card, work_picture};
use crate::actors::marks::Kind;
use crate::domain::access;
use crate::domain::character::{Character, Version};
use crate::domain::comment::{Subject, SubjectKind};
use crate::http::delivery::{person_facts, work_facts};
use crate::http::page::{Page, page};
use crate::http::pages::comments;
use crate::http::pages::marks::buttons;
use crate::http::player::downloads;
use crate::http::response::moved;
use crate::http::route::{Access, Route};
use crate::http::ui::{
    Card, Fetch, Hero, Icon, Place, Ratio, Tone, Weight, button, card, chip, empty, facts, format, hero,
    markdown_below, notice, page_head, picture, shelf,
};
use crate::http::{HttpError, Req, Res};
use crate::projections::catalogue::{self, Found, Row, Work};
use crate::projections::media as files;
use maud::{Markup, html};
use std::collections::HashMap;
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/characters", Access::Anyone, list),
        Route::get("/characters/{slug}", Access::Anyone, show),
    ]
}

async fn list(req: Req) -> Result<Res, HttpError> {
    let characters = catalogue::characters(&req.app.reader, 500).await?;
    let art: Vec<Uuid> = characters.iter().filter_map(|c| c.state.text.picture).collect();
    let works = catalogue::works_by_ids(&req.app.reader, &art, false).await?;
    let body = html! {
        div.wrap.page.stack.mid {
            (page_head("Characters", Some("Those who play in the films, to take along and animate with."), None))
            @if characters.is_empty() {
                (empty(Icon::Film, "No characters yet", "Characters appear here as soon as one is published.", Some(&Place::new("Look at the films", "/films"))))
            }
            h2.hush { "All characters" }
            ul.grid { @for character in &characters { li { (character_card(character, &works)) } } }
        }
    };
    Ok(page(
        &req,
        Page {
            title: "Characters".into(),
            description: Some(format!("The characters of {}.", req.app.config.studio.name)),
            canonical: Some("/characters".into()),
            body,
            ..Page::default()
        },
    ))
}

/// A character as a card.
pub(super) fn character_card(character: &Row<Character>, works: &HashMap<Uuid, Work>) -> Markup {
    let text = &character.state.text;
    let art = text.picture.and_then(|id| works.get(&id)).and_then(|w| work_picture(w, ""));
    let newest = character.state.versions.last();
    card(&Card {
        href: format!("/characters/{}", character.slug),
        title: &text.name,
        sub: newest.map(|v| format!("Version {} · {}", v.text.label, v.text.software)),
        text: Some(&text.summary),
        picture: art.as_ref(),
        ratio: Ratio::Wide,
        display: true,
        ..Card::default()
    })
}

/// A version's file as the viewer has it.
enum Download {
    /// Takes it: words and addresses.
    Open(Vec<Place>),
    /// For members.
    Locked,
    /// There is none, or it is not out yet.
    None,
}

/// Asks the access rule for each file that is downloaded.
async fn downloads_of(req: &Req, state: &Character) -> Result<HashMap<Uuid, Download>, HttpError> {
    let ids: Vec<Uuid> = state.versions.iter().filter_map(|v| v.text.download).collect();
    let person = person_facts(req).await?;
    let mut found = HashMap::new();
    for work in files::by_ids(&req.app.reader, &ids).await? {
        let about = work_facts(req, &work);
        let seen = access::may_see(person.as_ref(), &about, req.now()).allowed && work.playable > 0;
        let download = match access::may_watch(person.as_ref(), &about, req.now()).allowed {
            _ if !seen => Download::None,
            true => Download::Open(downloads(req, &work)),
            false => Download::Locked,
        };
        found.insert(work.id, download);
    }
    Ok(found)
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let reader = &req.app.reader;
    let found = catalogue::character_by_slug(reader, req.param("slug")).await?;
    let character = match found.ok_or(HttpError::NotFound)? {
        Found::Moved(slug) => return Ok(moved(&format!("/characters/{slug}"))),
        Found::Here(character) => *character,
    };
    let state = &character.state;
    let editor = may_edit(&req, state.by);
    if !character.public && !editor {
        return Err(HttpError::NotFound);
    }
    let text = &state.text;
    let mut ids: Vec<Uuid> = text.showcases.clone();
    ids.extend(text.picture);
    ids.extend(state.versions.iter().filter_map(|v| v.text.preview));
    let works = catalogue::works_by_ids(reader, &ids, editor).await?;
    let film = match text.film {
        Some(id) => catalogue::film_by_id(reader, id).await?.filter(|f| f.public),
        None => None,
    };
    let gate = Gate::of(&req).await?;
    let downloads = downloads_of(&req, state).await?;
    let (marks, thread) = if character.public {
        let subject = Subject { kind: SubjectKind::Character, id: character.id };
        (
            buttons(&req, Kind::Character, character.id).await?,
            comments::thread(&req, subject, state.by).await?,
        )
    } else {
        (html! {}, html! {})
    };
    let art = text.picture.and_then(|id| works.get(&id)).and_then(|w| work_picture(w, &text.name));
    let locked = downloads.values().any(|d| matches!(d, Download::Locked));
    let shown: Vec<Markup> =
        text.showcases.iter().filter_map(|id| works.get(id)).map(|w| work_card(w, &gate)).collect();
    let mut rows: Vec<(&str, Markup)> = Vec::new();
    rows.push(("Licence", licence(state)));
    if let Some(film) = &film {
        rows.push(("Film", html! { a href={ "/films/" (film.slug) } { (film.state.title) } }));
    }
    if let Some(newest) = state.versions.last() {
        rows.push(("Newest version", html! { (newest.text.label) }));
        rows.push(("Made for", html! { (newest.text.software) }));
    }
    let acts = html! {
        @if !state.versions.is_empty() { (button::link("Versions", "#versions", Weight::Main)) }
        @if editor { (button::link_icon(Icon::Pencil, "Edit", &format!("/studio/characters/{}", character.id), Weight::Quiet)) }
    };
    let head = hero(&Hero {
        picture: art.as_ref(),
        meta: vec!["Character".into(), text.licence.name().into()],
        title: &text.name,
        lead: &text.summary,
        acts,
        low: true,
    });
    let body = html! {
        (head)
        div.wrap.page.stack.loose {
            div.split {
                div.prose {
                    h2 { "About " (text.name) }
                    @if text.description.is_empty() { p { (text.summary) } } @else { (markdown_below(&text.description, 2)) }
                }
                aside.stack { (marks) (facts(&rows)) }
            }
            @if !state.versions.is_empty() {
                section.stack.mid aria-labelledby="versions" {
                    h2 #versions { "Versions" }
                    ul.lines { @for version in state.versions.iter().rev() { li { (one_version(version, &works, &downloads)) } } }
                    @if locked { (gate.panel()) }
                }
            }
            @if !shown.is_empty() { (shelf("Made with this character", None, &shown)) }
            (thread)
        }
    };
    let draft = html! { p { "This character is a draft: only you and the editors see it. " a href={ "/studio/characters/" (character.id) } { "Edit or publish it" } } };
    let image =
        art.and_then(|p| p.files.into_iter().filter(|f| f.kind == "image/jpeg").max_by_key(|f| f.width));
    Ok(page(
        &req,
        Page {
            title: text.name.clone(),
            section: "Characters".into(),
            description: Some(text.summary.clone()).filter(|s| !s.is_empty()),
            hue: film.and_then(|f| f.state.light()),
            banner: (!character.public).then(|| notice(Tone::Warning, &draft)),
            image: image.map(|f| absolute(&req, &f.url)),
            canonical: character.public.then(|| format!("/characters/{}", character.slug)),
            private: !character.public,
            body,
            ..Page::default()
        },
    ))
}

fn licence(state: &Character) -> Markup {
    let licence = state.text.licence;
    html! {
        @match licence.url() {
            Some(url) => a rel="license" href=(url) { (licence.name()) },
            None => (licence.name()),
        }
    }
}

fn one_version(
    version: &Version,
    works: &HashMap<Uuid, Work>,
    downloads: &HashMap<Uuid, Download>,
) -> Markup {
    let text = &version.text;
    let preview = text.preview.and_then(|id| works.get(&id));
    let model = preview.filter(|w| w.state.kind == Some(crate::domain::media::Kind::Model));
    html! {
        (picture(preview.and_then(|w| work_picture(w, "")).as_ref(), Ratio::Wide, "7.5rem", Fetch::Lazy, &html! {}))
        div.grow.stack.tight {
            h3 { "Version " (text.label) }
            p.small.dim { (text.software) " · " (format::date(version.at)) }
            @if !text.notes.is_empty() { div.prose.small { (markdown_below(&text.notes, 3)) } }
            div.row {
                @if let Some(work) = model { (button::link_small("Turn it around", &format!("/media/{}", work.slug), Weight::Plain)) }
                @match text.download.and_then(|id| downloads.get(&id)) {
                    Some(Download::Open(places)) => @for place in places { (button::link_small(&format!("Download {}", place.label), &place.href, Weight::Plain)) },
                    Some(Download::Locked) => (chip(Tone::Member, "Download for members")),
                    _ => span.small.dim { "No download" },
                }
            }
        }
    }
}
