//! `/`: a welcome for visitors, what is new for members.

use super::logs::this_week;
use super::prose::prose;
use super::works::Gate;
use super::{
    courses::course_card, films::film_card, films::released_year, posts::post_card, work_card, work_picture,
};
use crate::domain::film::Film;
use crate::domain::site::SitePage;
use crate::http::page::{Page, page};
use crate::http::pages::watching::continue_cards;
use crate::http::route::{Access, Route};
use crate::http::ui::{Hero, Icon, Place, Weight, button, empty, hero, shelf};
use crate::http::{HttpError, Req, Res};
use crate::projections::catalogue::{self, Row, Work};
use crate::projections::site;
use maud::{Markup, html};
use std::collections::HashMap;
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/", Access::Anyone, show)]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let reader = &req.app.reader;
    let films = catalogue::films(reader, 12).await?;
    let courses = catalogue::courses(reader, 8).await?;
    let posts = catalogue::posts(reader, None, 4).await?;
    let latest = catalogue::latest_works(reader, 8).await?;
    let mut wanted: Vec<Uuid> = films.iter().filter_map(|f| f.state.key_art).collect();
    wanted.extend(films.iter().filter_map(|f| f.state.feature.or(f.state.trailer)));
    wanted.extend(courses.iter().filter_map(|c| c.state.picture));
    wanted.extend(posts.iter().filter_map(|p| p.state.text.picture));
    let works = catalogue::works_by_ids(reader, &wanted, false).await?;
    let gate = Gate::of(&req).await?;
    let visits = req.viewer.account.is_none();
    let welcome = if visits { site::text(reader, SitePage::Welcome).await? } else { None };
    let welcome = match &welcome {
        Some(words) => Some(prose(&req, words, 1).await?),
        None => None,
    };
    let film_cards: Vec<Markup> = films.iter().map(|f| film_card(f, &works)).collect();
    let course_cards: Vec<Markup> = courses.iter().map(|c| course_card(c, &works)).collect();
    let post_cards: Vec<Markup> = posts.iter().map(|p| post_card(p, &works)).collect();
    let work_cards: Vec<Markup> = latest.iter().map(|w| work_card(w, &gate)).collect();
    let begun = continue_cards(&req, 6).await?;
    let production = if visits { None } else { this_week(&req, &films).await? };
    let lead = films.first();
    let all = |label: &str, href: &str| Some(Place::new(label, href));
    let nothing = films.is_empty() && courses.is_empty() && posts.is_empty() && latest.is_empty();
    let body = html! {
        (front(&req, lead, &works))
        div.wrap.page.stack.loose {
            @if let Some(words) = &welcome { div.reading.prose { (words) } }
            @if nothing { (empty(Icon::Clapperboard, "Nothing is published yet", "Films, courses and posts appear here as soon as the studio publishes them.", None)) }
            @if !begun.is_empty() { (shelf("Continue watching", all("Your library", "/account/library").as_ref(), &begun)) }
            @if let Some((heading, cards)) = &production { (shelf(heading, None, cards)) }
            @if !film_cards.is_empty() { (shelf("Films", all("All films", "/films").as_ref(), &film_cards)) }
            @if !work_cards.is_empty() { (shelf("New from production", None, &work_cards)) }
            @if !course_cards.is_empty() { (shelf("Training", all("All training", "/courses").as_ref(), &course_cards)) }
            @if !post_cards.is_empty() { (shelf("From the journal", all("All posts", "/posts").as_ref(), &post_cards)) }
        }
    };
    let config = &req.app.config.studio;
    Ok(page(
        &req,
        Page {
            title: config.name.clone(),
            description: Some(config.tagline.clone()),
            hue: lead.and_then(|f| f.state.light()),
            canonical: Some("/".into()),
            body,
            ..Page::default()
        },
    ))
}

/// The welcome, or for those who are in, the film that is on.
fn front(req: &Req, film: Option<&Row<Film>>, works: &HashMap<Uuid, Work>) -> Markup {
    let studio = &req.app.config.studio;
    let picture = film
        .and_then(|f| f.state.key_art)
        .and_then(|id| works.get(&id))
        .and_then(|w| work_picture(w, film.map_or("", |f| &f.state.title)));
    if req.viewer.account.is_none() {
        let acts = html! {
            (button::link("Join the studio", "/join", Weight::Main))
            (button::link("Look at the films", "/films", Weight::Plain))
        };
        let meta = film.map(|f| vec![format!("Showing: {}", f.state.title)]).unwrap_or_default();
        return hero(&Hero {
            picture: picture.as_ref(),
            meta,
            title: &studio.name,
            lead: &studio.tagline,
            acts,
            low: false,
        });
    }
    let Some(film) = film else {
        let acts = button::link("Search the studio", "/search", Weight::Plain);
        return hero(&Hero {
            picture: None,
            meta: vec![],
            title: &studio.name,
            lead: &studio.tagline,
            acts,
            low: true,
        });
    };
    let href = format!("/films/{}", film.slug);
    let watch = film.state.feature.or(film.state.trailer).and_then(|id| works.get(&id));
    let acts = html! {
        @if let Some(work) = watch { (button::link_icon(Icon::Play, "Watch now", &format!("/media/{}", work.slug), Weight::Main)) }
        (button::link("About the film", &href, if watch.is_some() { Weight::Plain } else { Weight::Main }))
    };
    let meta = [Some(film.state.stage.words().to_owned()), released_year(&film.state)];
    hero(&Hero {
        picture: picture.as_ref(),
        meta: meta.into_iter().flatten().collect(),
        title: &film.state.title,
        lead: &film.state.summary,
        acts,
        low: false,
    })
}
