//! `/films/{slug}/gallery/{collection}`: folders of works in the gallery of a film, one inside of another.

use super::films::film_here;
use super::works::Gate;
use super::{absolute, may_edit, work_card, work_picture};
use crate::domain::collection::Collection;
use crate::domain::film::Film;
use crate::http::page::{Page, page};
use crate::http::response::moved;
use crate::http::route::{Access, Route};
use crate::http::ui::{
    Card, Corner, Icon, Place, Ratio, Tone, Weight, button, card, crumbs, empty, format, markdown_below,
    notice, page_head, plain_text,
};
use crate::http::{HttpError, Req, Res};
use crate::projections::catalogue::{self, Found, Row, Work};
use maud::{Markup, html};
use std::collections::HashMap;
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/films/{slug}/gallery/{collection}", Access::Anyone, show)]
}

/// The address of a collection of a film.
pub fn href(film: &Row<Film>, collection: &Collection) -> String {
    let slug = collection.slug.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("/films/{}/gallery/{slug}", film.slug)
}

/// What lies directly in `parent`, in order; in the gallery itself without one.
pub fn inside(all: &[Row<Collection>], parent: Option<Uuid>) -> Vec<&Row<Collection>> {
    all.iter().filter(|c| c.state.place.parent == parent).collect()
}

/// The collections around `one`, the outermost first. Two that were put into each other at the same moment make a
/// circle: each is named once.
pub fn around(all: &[Row<Collection>], one: &Row<Collection>) -> Vec<Row<Collection>> {
    let mut path: Vec<Row<Collection>> = Vec::new();
    let mut parent = one.state.place.parent;
    while let Some(row) = parent.and_then(|id| all.iter().find(|c| c.id == id)) {
        if row.id == one.id || path.iter().any(|c| c.id == row.id) {
            break;
        }
        parent = row.state.place.parent;
        path.push(row.clone());
    }
    path.reverse();
    path
}

/// Collections as cards.
pub(super) fn cards(
    film: &Row<Film>,
    shown: &[&Row<Collection>],
    all: &[Row<Collection>],
    works: &HashMap<Uuid, Work>,
) -> Markup {
    html! { ul.grid { @for collection in shown { li { (one_card(film, collection, all, works)) } } } }
}

fn one_card(
    film: &Row<Film>,
    collection: &Row<Collection>,
    all: &[Row<Collection>],
    works: &HashMap<Uuid, Work>,
) -> Markup {
    let state = &collection.state;
    let picture = state.cover().and_then(|id| works.get(&id)).and_then(|w| work_picture(w, ""));
    let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let inner = inside(all, Some(collection.id)).len();
    let mut sub = format::counted(number(state.text.media.len()), "work", "works");
    if inner > 0 {
        sub = format!("{sub} · {}", format::counted(number(inner), "collection", "collections"));
    }
    card(&Card {
        href: href(film, state),
        title: &state.text.title,
        sub: Some(sub),
        picture: picture.as_ref(),
        ratio: Ratio::Wide,
        corner: if collection.public { Corner::None } else { Corner::Draft },
        ..Card::default()
    })
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let reader = &req.app.reader;
    let film = match film_here(&req, &format!("/gallery/{}", req.param("collection"))).await? {
        Ok(film) => film,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let editor = may_edit(&req, film.state.by);
    let found = catalogue::collection_by_slug(reader, film.id, req.param("collection")).await?;
    let here = match found.ok_or(HttpError::NotFound)? {
        Found::Here(here) if here.public || editor => *here,
        Found::Here(_) => return Err(HttpError::NotFound),
        // The catalogue's address of a collection begins with its film.
        Found::Moved(to) => {
            let slug = to.rsplit('/').next().unwrap_or_default();
            return Ok(moved(&format!("/films/{}/gallery/{slug}", film.slug)));
        }
    };
    let all = catalogue::collections_of_film(reader, film.id, editor).await?;
    let state = &here.state;
    let inner = inside(&all, Some(here.id));
    let mut ids = state.text.media.clone();
    ids.extend(state.text.picture);
    ids.extend(inner.iter().filter_map(|c| c.state.cover()));
    let works = catalogue::works_by_ids(reader, &ids, editor).await?;
    let shown: Vec<&Work> = state.text.media.iter().filter_map(|id| works.get(id)).collect();
    let gate = Gate::of(&req).await?;
    let mut places = vec![
        Place::new("Films", "/films"),
        Place::new(&film.state.title, format!("/films/{}", film.slug)),
        Place::new("Gallery", format!("/films/{}/gallery", film.slug)),
    ];
    places.extend(around(&all, &here).iter().map(|c| Place::new(&c.state.text.title, href(&film, &c.state))));
    let desk = format!("/studio/collections/{}", here.id);
    let acts = html! { @if editor { (button::link_icon(Icon::Pencil, "Edit", &desk, Weight::Plain)) } };
    let title = &state.text.title;
    let body = html! {
        div.wrap.page.stack.loose {
            div.stack.mid {
                (crumbs(&places, title))
                (page_head(title, None, Some(&acts)))
                @if !state.text.text.is_empty() { div.prose { (markdown_below(&state.text.text, 1)) } }
            }
            @if !inner.is_empty() { section.stack.mid { h2 { "Collections" } (cards(&film, &inner, &all, &works)) } }
            @if !shown.is_empty() { section.stack.mid { h2 { "Works" } ul.grid { @for work in &shown { li { (work_card(work, &gate)) } } } } }
            @if inner.is_empty() && shown.is_empty() {
                (empty(Icon::Image, "Nothing here yet", "Works appear here as soon as they are published.", Some(&Place::new("The whole gallery", format!("/films/{}/gallery", film.slug)))))
            }
        }
    };
    let public = here.public && film.public;
    let draft = html! { p { "This collection is not public: only you and the editors see it. " a href=(desk) { "Edit or publish it" } } };
    let image = state.cover().and_then(|id| works.get(&id)).and_then(|w| work_picture(w, ""));
    let image =
        image.and_then(|p| p.files.into_iter().filter(|f| f.kind == "image/jpeg").max_by_key(|f| f.width));
    let about: String = plain_text(&state.text.text).chars().take(160).collect();
    Ok(page(
        &req,
        Page {
            title: format!("{title} · {}", film.state.title),
            section: "Films".into(),
            description: Some(about).filter(|text| !text.is_empty()),
            hue: film.state.light(),
            banner: (!public).then(|| notice(Tone::Warning, &draft)),
            image: image.map(|f| absolute(&req, &f.url)),
            canonical: public.then(|| href(&film, state)),
            private: !public,
            body,
            ..Page::default()
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::collection;

    fn row(id: u128, parent: Option<u128>) -> Row<Collection> {
        let place = collection::Place { parent: parent.map(Uuid::from_u128), order: 0 };
        Row {
            id: Uuid::from_u128(id),
            slug: String::new(),
            public: true,
            published_at: None,
            changed_at: chrono::DateTime::UNIX_EPOCH,
            state: Collection { place, ..Collection::default() },
        }
    }

    #[test]
    fn the_way_to_a_collection_ends_also_in_a_circle() {
        let all = [row(1, None), row(2, Some(1)), row(3, Some(2)), row(4, Some(5)), row(5, Some(4))];
        let way = |i: usize| around(&all, &all[i]).iter().map(|c| c.id.as_u128()).collect::<Vec<_>>();
        assert_eq!((way(0), way(2)), (vec![], vec![1, 2]));
        assert_eq!((way(3), way(4)), (vec![5], vec![4]));
        assert_eq!(inside(&all, None).len(), 1);
    }
}
