//! `/films` and the tabs of `/films/{slug}`.

use super::characters::character_card;
use super::collections::{cards, inside};
use super::courses::course_card;
use super::logs;
use super::posts::post_card;
use super::prose::prose;
use super::works::{Gate, kind_words, seconds};
use super::{absolute, feed_link, may_edit, work_card, work_picture};
use crate::actors::marks::Kind;
use crate::domain::collection::Collection;
use crate::domain::film::{Film, FilmPage, Part, Stage};
use crate::domain::media::Tier;
use crate::domain::production_log::ProductionLog;
use crate::domain::shared::PersonalRef;
use crate::http::page::{Page, page};
use crate::http::pages::marks::buttons;
use crate::http::response::moved;
use crate::http::route::{Access, Route};
use crate::http::ui::{
    Card, Fetch, Hero, Icon, Place, Ratio, Tone, Weight, button, card, empty, facts, format, hero, notice,
    page_head, picture, shelf, tabs,
};
use crate::http::{HttpError, Req, Res};
use crate::projections::catalogue::{self, Found, Row, Work};
use chrono::Datelike;
use maud::{Markup, html};
use std::collections::HashMap;
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/films", Access::Anyone, list),
        Route::get("/films/{slug}", Access::Anyone, |req| show(req, Tab::Overview)),
        Route::get("/films/{slug}/gallery", Access::Anyone, |req| show(req, Tab::Gallery)),
        Route::get("/films/{slug}/logs", Access::Anyone, |req| show(req, Tab::Logs)),
        Route::get("/films/{slug}/pages/{page}", Access::Anyone, own_page),
        Route::get("/films/{slug}/training", Access::Anyone, |req| show(req, Tab::Training)),
        Route::get("/films/{slug}/credits", Access::Anyone, |req| show(req, Tab::Credits)),
    ]
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tab {
    Overview,
    Gallery,
    Logs,
    Training,
    Credits,
}

impl Tab {
    const ALL: [Self; 5] = [Self::Overview, Self::Gallery, Self::Logs, Self::Training, Self::Credits];

    fn label(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Gallery => "Gallery",
            Self::Logs => "Production logs",
            Self::Training => "Training",
            Self::Credits => "Credits",
        }
    }

    fn href(self, slug: &str) -> String {
        match self {
            Self::Overview => format!("/films/{slug}"),
            Self::Logs => format!("/films/{slug}/logs"),
            other => format!("/films/{slug}/{}", other.label().to_lowercase()),
        }
    }

    /// The part of the page that it shows, if that can be left out.
    fn part(self) -> Option<Part> {
        match self {
            Self::Overview => None,
            Self::Gallery => Some(Part::Gallery),
            Self::Logs => Some(Part::Logs),
            Self::Training => Some(Part::Training),
            Self::Credits => Some(Part::Credits),
        }
    }
}

async fn list(req: Req) -> Result<Res, HttpError> {
    let films = catalogue::films(&req.app.reader, 200).await?;
    let art: Vec<Uuid> = films.iter().filter_map(|f| f.state.key_art).collect();
    let works = catalogue::works_by_ids(&req.app.reader, &art, false).await?;
    let body = html! {
        div.wrap.page.stack.mid {
            (page_head("Films", Some("Everything the studio makes, from the first drawing to the last frame."), Some(&button::link_small("Characters", "/characters", Weight::Plain))))
            @if films.is_empty() {
                (empty(Icon::Film, "No films yet", "Films appear here as soon as one is published.", Some(&Place::new("Read the journal", "/posts"))))
            }
            h2.hush { "All films" }
            ul.grid.wide { @for film in &films { li { (film_card(film, &works)) } } }
        }
    };
    let description = Some(format!("The films of {}.", req.app.config.studio.name));
    Ok(page(
        &req,
        Page {
            title: "Films".into(),
            description,
            canonical: Some("/films".into()),
            head: Some(feed_link("/films/feed.atom", "Films")),
            body,
            ..Page::default()
        },
    ))
}

/// The year of release, if it is known.
pub(super) fn released_year(film: &Film) -> Option<String> {
    film.release_date.map(|d| d.year().to_string())
}

/// A film as a card.
pub(super) fn film_card(film: &Row<Film>, works: &HashMap<Uuid, Work>) -> Markup {
    let art = film.state.key_art.and_then(|id| works.get(&id)).and_then(|w| work_picture(w, ""));
    let facts = [Some(film.state.stage.words().to_owned()), released_year(&film.state)];
    card(&Card {
        href: format!("/films/{}", film.slug),
        title: &film.state.title,
        sub: Some(facts.into_iter().flatten().collect::<Vec<_>>().join(" · ")),
        text: Some(&film.state.summary),
        picture: art.as_ref(),
        display: true,
        ..Card::default()
    })
}

/// All a film's page is made of.
struct View {
    film: Row<Film>,
    works: HashMap<Uuid, Work>,
    logs: Vec<Row<ProductionLog>>,
    collections: Vec<Row<Collection>>,
    training: Vec<Markup>,
    posts: Vec<Markup>,
    characters: Vec<Markup>,
    crew: Vec<(String, String)>,
    /// What is said about it to this viewer.
    about: Markup,
    gate: Gate,
    editor: bool,
    marks: Markup,
}

/// The film of an address, as far as the viewer may know of it; or the way to where `rest` of it is now.
///
/// # Errors
/// 404.
pub(super) async fn film_here(req: &Req, rest: &str) -> Result<Result<Row<Film>, Res>, HttpError> {
    let found = catalogue::film_by_slug(&req.app.reader, req.param("slug")).await?;
    match found.ok_or(HttpError::NotFound)? {
        Found::Moved(slug) => Ok(Err(moved(&format!("/films/{slug}{rest}")))),
        Found::Here(film) if film.public || may_edit(req, film.state.by) => Ok(Ok(*film)),
        Found::Here(_) => Err(HttpError::NotFound),
    }
}

/// All of the page of a film; `rest` is the address behind that of the film.
async fn load(req: &Req, rest: &str) -> Result<Result<View, Res>, HttpError> {
    let reader = &req.app.reader;
    let film = match film_here(req, rest).await? {
        Ok(film) => film,
        Err(elsewhere) => return Ok(Err(elsewhere)),
    };
    let editor = may_edit(req, film.state.by);
    let state = &film.state;
    let mut ids: Vec<Uuid> = state.gallery.iter().flat_map(|s| s.media.iter().copied()).collect();
    ids.extend([state.key_art, state.trailer, state.feature].into_iter().flatten());
    let signs: Vec<Uuid> = [state.logo, state.poster].into_iter().flatten().collect();
    let courses = catalogue::courses_of_media(reader, &ids).await?;
    let posts = catalogue::posts_of_film(reader, film.id).await?;
    let characters = catalogue::characters_of_film(reader, film.id).await?;
    let logs = catalogue::logs_of_film(reader, film.id, editor).await?;
    ids.extend(courses.iter().filter_map(|c| c.state.picture));
    let collections = catalogue::collections_of_film(reader, film.id, editor).await?;
    ids.extend(signs);
    ids.extend(logs::covers(&logs));
    ids.extend(inside(&collections, None).iter().filter_map(|c| c.state.cover()));
    ids.extend(characters.iter().filter_map(|c| c.state.text.picture));
    ids.extend(posts.iter().filter_map(|p| p.state.text.picture));
    let works = catalogue::works_by_ids(reader, &ids, editor).await?;
    let names: Vec<PersonalRef> = state.crew.iter().map(|c| c.name.clone()).collect();
    let names = reader.open_many(&names).await?;
    let crew = state.crew.iter().filter_map(|c| Some((c.role.clone(), names.get(&c.name)?.clone())));
    let marks = if film.public {
        buttons(req, Kind::Film, film.id).await?
    } else {
        html! {}
    };
    let mut view = View {
        marks,
        about: html! {},
        training: courses.iter().map(|c| course_card(c, &works)).collect(),
        posts: posts.iter().map(|p| post_card(p, &works)).collect(),
        characters: characters.iter().map(|c| character_card(c, &works)).collect(),
        crew: crew.collect(),
        gate: Gate::of(req).await?,
        editor,
        works,
        logs,
        collections,
        film,
    };
    let film = &view.film.state;
    let text = if locked(&view) { &film.landing } else { &film.description };
    let about = if text.is_empty() {
        html! { p { (film.summary) } }
    } else {
        prose(req, text, 2).await?
    };
    view.about = about;
    Ok(Ok(view))
}

/// What is open: a tab of every film, or a page of this film's own.
#[derive(Clone, Copy)]
enum Open<'a> {
    Tab(Tab),
    Own(&'a FilmPage, &'a Markup),
}

async fn show(req: Req, tab: Tab) -> Result<Res, HttpError> {
    match load(&req, tab.href("").trim_start_matches("/films/")).await? {
        Ok(view) => render(&req, &view, Open::Tab(tab)),
        Err(elsewhere) => Ok(elsewhere),
    }
}

async fn own_page(req: Req) -> Result<Res, HttpError> {
    let view = match load(&req, &format!("/pages/{}", req.param("page"))).await? {
        Ok(view) => view,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let film = &view.film.state;
    let id = film.page_slugs.get(req.param("page")).ok_or(HttpError::NotFound)?;
    let own = film.page(*id).ok_or(HttpError::NotFound)?;
    if own.slug.as_str() != req.param("page") {
        return Ok(moved(&own_href(&view.film.slug, own)));
    }
    let text = prose(&req, &own.text, 2).await?;
    render(&req, &view, Open::Own(own, &text))
}

fn own_href(film: &str, own: &FilmPage) -> String {
    format!("/films/{film}/pages/{}", own.slug)
}

fn render(req: &Req, view: &View, open: Open<'_>) -> Result<Res, HttpError> {
    let film = &view.film.state;
    let slug = &view.film.slug;
    let shown = |tab: &Tab| tab.part().is_none_or(|part| film.shows(part));
    let has = |tab: &Tab| match tab {
        Tab::Overview => true,
        Tab::Gallery => {
            !inside(&view.collections, None).is_empty()
                || film.gallery.iter().any(|s| s.media.iter().any(|id| view.works.contains_key(id)))
        }
        Tab::Logs => !view.logs.is_empty(),
        Tab::Training => !view.training.is_empty(),
        Tab::Credits => !view.crew.is_empty(),
    };
    let there = |tab: &Tab| shown(tab) && has(tab);
    let (here, label) = match open {
        Open::Tab(tab) if !there(&tab) => return Err(HttpError::NotFound),
        Open::Tab(tab) => (tab.href(slug), tab.label()),
        Open::Own(own, _) => (own_href(slug, own), own.title.as_str()),
    };
    let mut places: Vec<Place> =
        Tab::ALL.iter().filter(|t| there(t)).map(|t| Place::new(t.label(), t.href(slug))).collect();
    places.extend(film.pages.iter().map(|own| Place::new(&own.title, own_href(slug, own))));
    let body = html! {
        (head(view))
        (tabs("The film", &places, &here))
        div.wrap.page.stack.loose {
            @match open {
                Open::Own(own, text) => section.reading.prose { h2 { (own.title) } (text) },
                Open::Tab(Tab::Overview) => (overview(view)),
                Open::Tab(Tab::Gallery) => (gallery(view)),
                Open::Tab(Tab::Logs) => (logs::overview(&view.film, &view.logs, &view.works)),
                Open::Tab(Tab::Training) => { section.stack { h2 { "Training from this film" } ul.grid { @for card in &view.training { li { (card) } } } } }
                Open::Tab(Tab::Credits) => { section.stack { h2 { "Credits" } dl.credits { @for (role, name) in &view.crew { div { dt { (role) } dd { (name) } } } } } }
            }
        }
    };
    let title = if here == Tab::Overview.href(slug) {
        film.title.clone()
    } else {
        format!("{} · {label}", film.title)
    };
    let image = film.key_art.and_then(|id| view.works.get(&id)).and_then(|w| work_picture(w, ""));
    let image =
        image.and_then(|p| p.files.into_iter().filter(|f| f.kind == "image/jpeg").max_by_key(|f| f.width));
    let words = match film.publish_at {
        Some(at) => format!("This film will be published on {}. ", format::moment_text(at)),
        None => "This film is a draft: only you and the editors see it. ".to_owned(),
    };
    let edit = html! { p { (words) a href={ "/studio/films/" (view.film.id) } { "Edit or publish it" } } };
    Ok(page(
        req,
        Page {
            title,
            section: "Films".into(),
            description: Some(film.summary.clone()),
            hue: film.light(),
            banner: (!view.film.public).then(|| notice(Tone::Warning, &edit)),
            image: image.map(|f| absolute(req, &f.url)),
            head: (view.film.public && here == Tab::Logs.href(slug))
                .then(|| feed_link(&format!("/films/{slug}/logs/feed.atom"), "Production logs")),
            canonical: view.film.public.then_some(here),
            private: !view.film.public,
            body,
            ..Page::default()
        },
    ))
}

fn head(view: &View) -> Markup {
    let film = &view.film.state;
    let art = film
        .key_art
        .and_then(|id| view.works.get(&id))
        .and_then(|w| work_picture(w, &format!("Key art of {}", film.title)));
    let feature = film.feature.and_then(|id| view.works.get(&id));
    let trailer = film.trailer.and_then(|id| view.works.get(&id));
    let length = feature.and_then(seconds).map(format::length);
    let kind = if film.stage == Stage::Released { "Film".into() } else { film.stage.words().to_owned() };
    let files = film.gallery.iter().flat_map(|s| &s.media).filter(|id| view.works.contains_key(id)).count();
    let files = i64::try_from(files).unwrap_or(i64::MAX);
    let watch = feature.map(|w| (w, "Watch the film")).or(trailer.map(|w| (w, "Watch the trailer")));
    let acts = html! {
        @if let Some((work, words)) = watch { (button::link_icon(Icon::Play, words, &format!("/media/{}", work.slug), Weight::Main)) }
        @if files > 0 && film.shows(Part::Gallery) {
            (button::link(&format!("Explore {}", format::counted(files, "production file", "production files")), &Tab::Gallery.href(&view.film.slug), if watch.is_some() { Weight::Plain } else { Weight::Main }))
        }
        @if view.editor { (button::link_icon(Icon::Pencil, "Edit", &format!("/studio/films/{}", view.film.id), Weight::Quiet)) }
    };
    let meta = [Some(kind), released_year(film), length, Some(film.licence.name().to_owned())];
    hero(&Hero {
        picture: art.as_ref(),
        meta: meta.into_iter().flatten().collect(),
        title: &film.title,
        lead: &film.summary,
        acts,
        low: false,
    })
}

fn overview(view: &View) -> Markup {
    let film = &view.film.state;
    let mut first: Vec<_> =
        film.gallery.iter().flat_map(|s| &s.media).filter_map(|id| view.works.get(id)).collect();
    first.sort_by_key(|w| !w.state.filing.featured);
    let files: Vec<Markup> = first.into_iter().take(4).map(|w| work_card(w, &view.gate)).collect();
    let files = if film.shows(Part::Gallery) { files } else { vec![] };
    let all = Place::new("All files", Tab::Gallery.href(&view.film.slug));
    let trailer = film.trailer.and_then(|id| view.works.get(&id));
    let released = film.release_date.map(|d| html! { (format::day(d)) });
    let mut rows: Vec<(&str, Markup)> = vec![("Status", html! { (film.stage.words()) })];
    rows.extend(released.map(|r| ("Released", r)));
    rows.push(("Licence", html! { (film.licence.name()) }));
    let crew = if film.shows(Part::Credits) { view.crew.as_slice() } else { &[] };
    rows.extend(crew.iter().take(3).map(|(role, name)| (role.as_str(), html! { (name) })));
    html! {
        div.split {
            div.prose {
                h2 { "About the film" }
                (view.about)
            }
            aside.stack {
                (view.marks)
                (facts(&rows))
                @if locked(view) { (view.gate.panel()) }
                (sign(view, film.logo, &film.title))
                (sign(view, film.poster, &format!("Poster of {}", film.title)))
                @if let Some(work) = trailer {
                    article.card {
                        (picture(work_picture(work, "").as_ref(), Ratio::Wide, "20rem", Fetch::Lazy, &html! {
                            @if let Some(s) = seconds(work) { span.length { (format::clock(s)) } }
                        }))
                        h3 { a href={ "/media/" (work.slug) } { "Watch the trailer" } }
                    }
                }
            }
        }
        @if !files.is_empty() { (shelf("From the production files", Some(&all), &files)) }
        @if !view.characters.is_empty() && film.shows(Part::Characters) { (shelf("Characters", Some(&Place::new("All characters", "/characters")), &view.characters)) }
        @if !view.posts.is_empty() && film.shows(Part::Journal) { (shelf("From the journal", None, &view.posts)) }
        @if !view.training.is_empty() && film.shows(Part::Training) { (shelf("Training", None, &view.training)) }
    }
}

/// Whether the film has words of its own for those who may not watch it, and the viewer is one of them.
fn locked(view: &View) -> bool {
    let film = &view.film.state;
    let feature = film.feature.and_then(|id| view.works.get(&id));
    !film.landing.is_empty() && feature.is_some_and(|w| !view.gate.opens(w.state.tier == Tier::Free))
}

/// Logo or poster, uncut: in their own shape.
fn sign(view: &View, which: Option<Uuid>, alt: &str) -> Markup {
    let shown = which.and_then(|id| view.works.get(&id)).and_then(|w| work_picture(w, alt));
    let files = shown.iter().flat_map(|p| &p.files).filter(|f| f.kind == "image/jpeg");
    let file = files.min_by_key(|f| f.width.abs_diff(800));
    html! {
        @if let (Some(pic), Some(file)) = (&shown, file) {
            img src=(file.url) width=(pic.width) height=(pic.height) alt=(alt) loading="lazy" decoding="async";
        }
    }
}

/// The collections, and beside them the works that stand in the gallery itself.
fn gallery(view: &View) -> Markup {
    let outermost = inside(&view.collections, None);
    html! {
        @if !outermost.is_empty() {
            section.stack { h2 { "Collections" } (cards(&view.film, &outermost, &view.collections, &view.works)) }
        }
        @for section in &view.film.state.gallery {
            @let works: Vec<&Work> = section.media.iter().filter_map(|id| view.works.get(id)).collect();
            @if !works.is_empty() {
                section.stack {
                    h2 { @if section.title.is_empty() { "Production files" } @else { (section.title) } }
                    ul.grid { @for work in works { li aria-label=(kind_words(work)) { (work_card(work, &view.gate)) } } }
                }
            }
        }
    }
}
