//! Like and save: two buttons on films, courses, posts, works and characters, and what was saved.

use super::public::work_picture;
use crate::actors::marks::{self, Kind, Mark};
use crate::http::error::HttpError;
use crate::http::page::with_query;
use crate::http::response::{is_own_path, see_other};
use crate::http::route::{Access, Route};
use crate::http::ui::{Icon, Picture, form_inline, format, icon};
use crate::http::{Req, Res};
use crate::projections::catalogue;
use maud::{Markup, html};
use std::collections::HashMap;
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::post("/marks", Access::SignedIn, set)]
}

async fn set(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let bad =
        || HttpError::Unprocessable("This mark is not understood. Reload the page and try again.".into());
    let mark: Mark = form.get("mark").parse().map_err(|_| bad())?;
    let kind: Kind = form.get("kind").parse().map_err(|_| bad())?;
    let item = Uuid::parse_str(form.get("item")).map_err(|_| bad())?;
    let back = Some(form.get("back")).filter(|p| is_own_path(p)).unwrap_or("/").to_owned();
    // What is not public is not there; what was marked can be let go of even when it is gone.
    let on = form.get("on") == "yes";
    if on && !is_public(&req, kind, item).await? {
        return Err(HttpError::NotFound);
    }
    marks::set(&req.app, req.account()?.id, mark, (kind, item), on).await?;
    Ok(see_other(&back))
}

async fn is_public(req: &Req, kind: Kind, id: Uuid) -> Result<bool, HttpError> {
    let reader = &req.app.reader;
    Ok(match kind {
        Kind::Film => catalogue::film_by_id(reader, id).await?.is_some_and(|f| f.public),
        Kind::Course => catalogue::course_by_id(reader, id).await?.is_some_and(|c| c.public),
        Kind::Post => catalogue::post_by_id(reader, id).await?.is_some_and(|p| p.public),
        Kind::Media => catalogue::work_by_id(reader, id).await?.is_some_and(|w| w.public),
        Kind::Character => catalogue::character_by_id(reader, id).await?.is_some_and(|c| c.public),
    })
}

/// The two buttons of an item; for visitors they lead to the sign-in page.
///
/// # Errors
/// If the database cannot be read.
pub async fn buttons(req: &Req, kind: Kind, item: Uuid) -> Result<Markup, HttpError> {
    let now = marks::standing(&req.app, req.viewer.id(), item).await?;
    let likes = format::counted(now.likes, "like", "likes");
    if req.viewer.account.is_none() {
        let to = with_query("/login", &[("next", &req.path)]);
        return Ok(html! {
            div.row.marks {
                a.btn.quiet.small href=(to) { (icon(Icon::Heart)) (likes) span.hush { ": sign in to like this" } }
                a.btn.quiet.small href=(to) { (icon(Icon::Bookmark)) "Save" span.hush { ": sign in first" } }
            }
        });
    }
    let kind = <&str>::from(kind);
    let one = |mark: Mark, on: bool, which: Icon, words: &str| {
        let fields = html! {
            input type="hidden" name="mark" value=(<&str>::from(mark));
            input type="hidden" name="kind" value=(kind);
            input type="hidden" name="item" value=(item);
            input type="hidden" name="on" value=(if on { "no" } else { "yes" });
            input type="hidden" name="back" value=(req.path);
            button.btn.quiet.small type="submit" aria-pressed=(if on { "true" } else { "false" }) { (icon(which)) (words) }
        };
        form_inline(req, "/marks", &fields)
    };
    let like_words = if now.liked { format!("{likes}, yours too") } else { format!("Like · {}", now.likes) };
    Ok(html! {
        div.row.marks {
            (one(Mark::Like, now.liked, Icon::Heart, &like_words))
            (one(Mark::Save, now.saved, Icon::Bookmark, if now.saved { "Saved" } else { "Save" }))
        }
    })
}

/// Something that was saved.
pub struct Saved {
    /// Its title.
    pub title: String,
    /// What it is.
    pub what: &'static str,
    /// Its address.
    pub href: String,
    /// Its picture.
    pub picture: Option<Picture>,
}

/// What the viewer saved and is still public, the last first.
///
/// # Errors
/// If the database cannot be read.
pub async fn saved(req: &Req, most: i64) -> Result<Vec<Saved>, HttpError> {
    let Some(account) = req.viewer.id() else { return Ok(Vec::new()) };
    let reader = &req.app.reader;
    let mut found: Vec<(Saved, Option<Uuid>)> = Vec::new();
    for (kind, id) in marks::saved(&req.app, account, most).await? {
        let one = |title: &str, what, href, picture| {
            (Saved { title: title.to_owned(), what, href, picture: None }, picture)
        };
        let item = match kind {
            Kind::Film => catalogue::film_by_id(reader, id)
                .await?
                .filter(|f| f.public)
                .map(|f| one(&f.state.title, "Film", format!("/films/{}", f.slug), f.state.key_art)),
            Kind::Course => catalogue::course_by_id(reader, id)
                .await?
                .filter(|c| c.public)
                .map(|c| one(&c.state.title, "Training", format!("/courses/{}", c.slug), c.state.picture)),
            Kind::Post => catalogue::post_by_id(reader, id).await?.filter(|p| p.public).map(|p| {
                one(&p.state.text.title, "Journal", format!("/posts/{}", p.slug), p.state.text.picture)
            }),
            Kind::Media => catalogue::work_by_id(reader, id)
                .await?
                .filter(|w| w.public)
                .map(|w| one(&w.state.title, "Gallery", format!("/media/{}", w.slug), Some(w.id))),
            Kind::Character => catalogue::character_by_id(reader, id).await?.filter(|c| c.public).map(|c| {
                one(&c.state.text.name, "Character", format!("/characters/{}", c.slug), c.state.text.picture)
            }),
        };
        found.extend(item);
    }
    let ids: Vec<Uuid> = found.iter().filter_map(|(_, p)| *p).collect();
    let works: HashMap<Uuid, _> = catalogue::works_by_ids(reader, &ids, false).await?;
    Ok(found
        .into_iter()
        .map(|(saved, picture)| {
            let picture = picture.and_then(|id| works.get(&id)).and_then(|w| work_picture(w, ""));
            Saved { picture, ..saved }
        })
        .collect())
}
