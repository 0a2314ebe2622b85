//! `/studio/posts`: write, schedule, publish posts of the journal.

use super::MAKERS;
use super::desk::{TEXT_HINT, choose, id_of, own, refusal, scope, shelf, show, slug_of, state_chip};
use super::overview::row_lines;
use crate::actors::bus::{Claim, Envelope};
use crate::domain::media::Kind;
use crate::domain::post::{Category, Post, PostCommand, PostText, SLUG_NAMESPACE, Visibility};
use crate::domain::shared::derive_id;
use crate::http::form::Form;
use crate::http::page::unprocessable;
use crate::http::response::after;
use crate::http::route::Route;
use crate::http::ui::{
    Errors, Field, Icon, Place, Tone, Weight, button, chip, crumbs, empty, error_summary, form, form_inline,
    format, page_head,
};
use crate::http::{HttpError, Req, Res};
use crate::projections::catalogue::{self, Row, Work};
use maud::{Markup, html};
use strum::VariantArray;
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/studio/posts", MAKERS, list),
        Route::get("/studio/posts/new", MAKERS, new),
        Route::post("/studio/posts", MAKERS, write),
        Route::get("/studio/posts/{id}", MAKERS, edit),
        Route::post("/studio/posts/{id}", MAKERS, save),
        Route::post("/studio/posts/{id}/publish", MAKERS, publish),
        Route::post("/studio/posts/{id}/schedule", MAKERS, schedule),
        Route::post("/studio/posts/{id}/unpublish", MAKERS, withdraw),
    ]
}

async fn list(req: Req) -> Result<Res, HttpError> {
    let posts = catalogue::all_posts(&req.app.reader, scope(&req)).await?;
    let acts = button::link_small("New post", "/studio/posts/new", Weight::Main);
    let body = html! {
        (page_head("Journal", None, Some(&acts)))
        @if posts.is_empty() { (empty(Icon::Newspaper, "No posts yet", "Posts tell what happens in the studio.", Some(&Place::new("Write a post", "/studio/posts/new")))) }
        @else { (row_lines(&posts, "/studio/posts", |p| &p.text.title)) }
    };
    Ok(show(&req, "Journal", &body))
}

/// Titles and ids of films that something can be about.
pub(super) async fn films(req: &Req) -> Result<Vec<(String, String)>, HttpError> {
    let mut options = vec![(String::new(), "None".to_owned())];
    let films = catalogue::all_films(&req.app.reader, None).await?;
    options.extend(films.into_iter().map(|f| (f.id.to_string(), f.state.title)));
    Ok(options)
}

fn fields(works: &[Work], films: &[(String, String)], typed: &Form, errors: &Errors) -> Markup {
    html! {
        (Field::new("title", "Title").value(typed.get("title")).maxlength(160).errors(errors).render())
        (Field::new("slug", "Address").hint("Left empty, it is made of the title. Old addresses keep leading here.").optional().value(typed.get("slug")).errors(errors).render())
        div.field-pair {
            (Field::new("category", "Category").select(Category::VARIANTS.iter().map(|c| (c.code(), c.words()))).value(typed.get("category")).errors(errors).render())
            (Field::new("film", "Film").optional().select(films.iter().cloned()).value(typed.get("film")).errors(errors).render())
        }
        (Field::new("excerpt", "Excerpt").hint("Two sentences for lists and feeds.").optional().area().value(typed.get("excerpt")).maxlength(400).errors(errors).render())
        (Field::new("content", "Text").hint(TEXT_HINT).long_area().value(typed.get("content")).errors(errors).render())
        (choose("picture", "Picture", "Stands at the head of the post. A video lends its still.", works, &[Kind::Image, Kind::Video], typed.get("picture"), errors))
    }
}

fn text_of(typed: &Form, now: Option<&PostText>) -> PostText {
    PostText {
        title: typed.get("title").into(),
        category: typed.get("category").parse().unwrap_or(now.map_or(Category::News, |t| t.category)),
        film: id_of(typed.get("film")),
        excerpt: typed.get("excerpt").into(),
        content: typed.get("content").into(),
        picture: id_of(typed.get("picture")),
    }
}

async fn new(req: Req) -> Result<Res, HttpError> {
    new_page(&req, &Form::default(), &Errors::none()).await
}

async fn new_page(req: &Req, typed: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let (works, films) = (shelf(req).await?, films(req).await?);
    let fields = html! { (fields(&works, &films, typed, errors)) div.row { (button::submit("Save as a draft", Weight::Main)) } };
    Ok(show(
        req,
        "New post",
        &html! {
            (crumbs(&[Place::new("Journal", "/studio/posts")], "New post"))
            (page_head("New post", Some("It starts as a draft that only you and the editors see."), None))
            div { (error_summary(errors)) (form(req, "/studio/posts", &fields)) }
        },
    ))
}

async fn write(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let by = req.account()?.id;
    let command = req.command_id(&typed);
    let id = derive_id(&command.to_string(), "post");
    let slug = match slug_of(
        typed.get("slug"),
        typed.get("title"),
        &format!("post-{}", &id.simple().to_string()[..8]),
    ) {
        Ok(slug) => slug,
        Err(why) => return Ok(unprocessable(new_page(&req, &typed, &Errors::one("slug", why)).await?)),
    };
    let claims = vec![Claim::new(SLUG_NAMESPACE, slug.as_str())];
    let wish = PostCommand::Write { slug, text: Box::new(text_of(&typed, None)), by, at: req.now() };
    match req.app.bus.dispatch::<Post>(Envelope::new(command, id, wish, req.meta()).with_claims(claims)).await
    {
        Ok(receipt) => Ok(after(receipt, &format!("/studio/posts/{id}"))),
        Err(error) => {
            let errors = refusal(error, |e| e.field().to_owned(), "post")?;
            Ok(unprocessable(new_page(&req, &typed, &errors).await?))
        }
    }
}

async fn find(req: &Req) -> Result<Row<Post>, HttpError> {
    own(req, catalogue::post_by_id(&req.app.reader, req.id_param("id")?).await?, |p| p.by)
}

fn recorded(post: &Row<Post>) -> Form {
    let text = &post.state.text;
    let id = |id: Option<Uuid>| id.map(|i| i.to_string()).unwrap_or_default();
    let mut fields = Form::default();
    fields.push("title", &text.title);
    fields.push("slug", &post.slug);
    fields.push("category", text.category.code());
    fields.push("film", &id(text.film));
    fields.push("excerpt", &text.excerpt);
    fields.push("content", &text.content);
    fields.push("picture", &id(text.picture));
    fields
}

async fn edit(req: Req) -> Result<Res, HttpError> {
    let post = find(&req).await?;
    let recorded = recorded(&post);
    edit_page(&req, &post, &recorded, &Errors::none()).await
}

async fn edit_page(req: &Req, post: &Row<Post>, typed: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let (works, films) = (shelf(req).await?, films(req).await?);
    let base = format!("/studio/posts/{}", post.id);
    let state = match post.state.visibility {
        Visibility::Scheduled { publish_at } => {
            chip(Tone::Info, &format!("Scheduled for {}", format::moment_text(publish_at)))
        }
        _ => state_chip(post.public),
    };
    let published = post.public;
    let draft = post.state.visibility == Visibility::Draft;
    let acts = html! {
        (state)
        (button::link_small(if published { "See the page" } else { "Preview" }, &format!("/posts/{}", post.slug), Weight::Plain))
        @if !published { (form_inline(req, &format!("{base}/publish"), &button::submit_small("Publish now", Weight::Main))) }
        @if !draft { (form_inline(req, &format!("{base}/unpublish"), &button::submit_small(if published { "Hide the post" } else { "Drop the schedule" }, Weight::Plain))) }
    };
    let text = html! { (fields(&works, &films, typed, errors)) div.row { (button::submit("Save the post", Weight::Main)) } };
    let clock = format::clock_hint();
    let later = html! {
        (Field::new("publish_at", "Publish at").kind("datetime-local").hint(&clock).mid().value(typed.get("publish_at")).errors(errors).render())
        div.row { (button::submit("Schedule the post", Weight::Plain)) }
    };
    Ok(show(
        req,
        &post.state.text.title,
        &html! {
            (crumbs(&[Place::new("Journal", "/studio/posts")], &post.state.text.title))
            (page_head(&post.state.text.title, None, Some(&acts)))
            div { (error_summary(errors)) (form(req, &base, &text)) }
            @if !published { section.panel { h2 { "Publish later" } (form(req, &format!("{base}/schedule"), &later)) } }
        },
    ))
}

async fn save(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let post = find(&req).await?;
    let slug = match slug_of(typed.get("slug"), typed.get("title"), &post.slug) {
        Ok(slug) => slug,
        Err(why) => {
            return Ok(unprocessable(edit_page(&req, &post, &typed, &Errors::one("slug", why)).await?));
        }
    };
    let claims = vec![Claim::new(SLUG_NAMESPACE, slug.as_str())];
    let text = Box::new(text_of(&typed, Some(&post.state.text)));
    let at = req.now();
    act(req, &post, &typed, PostCommand::Revise { slug, text, at }, claims).await
}

async fn publish(mut req: Req) -> Result<Res, HttpError> {
    let (typed, post) = (req.form().await?, find(&req).await?);
    let at = req.now();
    act(req, &post, &typed, PostCommand::Publish { at }, vec![]).await
}

async fn withdraw(mut req: Req) -> Result<Res, HttpError> {
    let (typed, post) = (req.form().await?, find(&req).await?);
    let at = req.now();
    act(req, &post, &typed, PostCommand::Withdraw { at }, vec![]).await
}

async fn schedule(mut req: Req) -> Result<Res, HttpError> {
    let (typed, post) = (req.form().await?, find(&req).await?);
    let text = typed.get("publish_at");
    let Some(publish_at) = format::moment_of(text) else {
        let mut again = recorded(&post);
        again.push("publish_at", text);
        let errors = Errors::one("publish_at", "Enter day and time, such as 2026-12-01 09:00.");
        return Ok(unprocessable(edit_page(&req, &post, &again, &errors).await?));
    };
    let at = req.now();
    act(req, &post, &typed, PostCommand::Schedule { publish_at, at }, vec![]).await
}

/// Gives the command; a refusal shows the editor again with what was typed.
async fn act(
    req: Req,
    post: &Row<Post>,
    typed: &Form,
    wish: PostCommand,
    claims: Vec<Claim>,
) -> Result<Res, HttpError> {
    let envelope = Envelope::new(req.command_id(typed), post.id, wish, req.meta()).with_claims(claims);
    match req.app.bus.dispatch::<Post>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &format!("/studio/posts/{}", post.id))),
        Err(error) => {
            let errors = refusal(error, |e| e.field().to_owned(), "post")?;
            let mut again = if typed.has("title") { typed.clone() } else { recorded(post) };
            if typed.has("publish_at") {
                again.push("publish_at", typed.get("publish_at"));
            }
            Ok(unprocessable(edit_page(&req, post, &again, &errors).await?))
        }
    }
}
