//! `/demo/mail`: what the studio sent, outside production, where mail goes to files.

use crate::actors::mailer;
use crate::http::error::HttpError;
use crate::http::page::{Page, page};
use crate::http::route::{Access, Route};
use crate::http::ui::layout::{Place, Theme};
use crate::http::ui::{Column, Icon, crumbs, empty, facts, format, page_head, table};
use crate::http::{Req, Res};
use maud::{Markup, html};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/demo/mail", Access::Anyone, list),
        Route::get("/demo/mail/{name}", Access::Anyone, show),
    ]
}

/// As many as are listed, newest first.
const LISTED: usize = 100;

async fn list(req: Req) -> Result<Res, HttpError> {
    outside_production(&req)?;
    let letters = mailer::letters(&req.app, LISTED).await?;
    let rows: Vec<Vec<Markup>> = letters
        .iter()
        .map(|letter| {
            let href = format!("/demo/mail/{}", letter.name);
            vec![
                crate::http::ui::table::head(&html! { a href=(href) { (letter.subject) } }),
                crate::http::ui::table::text(&letter.to),
                crate::http::ui::table::cell(&format::moment(letter.at)),
            ]
        })
        .collect();
    let columns = [Column::new("Subject"), Column::new("To"), Column::new("Sent")];
    let body = html! {
        div.wrap.page { div.stack.mid {
            (page_head("Mail", Some("What the studio sent. Outside production mail goes to files instead of people."), None))
            @if rows.is_empty() {
                (empty(Icon::Info, "No mail yet", "Register or ask for a new password, then look again.", None))
            } @else {
                (table("Mail that was sent", &columns, &rows))
            }
        } }
    };
    Ok(page(&req, Page { title: "Mail".into(), theme: Theme::Desk, private: true, body, ..Page::default() }))
}

async fn show(req: Req) -> Result<Res, HttpError> {
    outside_production(&req)?;
    let letter = mailer::letter(&req.app, req.param("name")).await?.ok_or(HttpError::NotFound)?;
    let body = html! {
        div.wrap.page { div.stack.mid {
            (crumbs(&[Place::new("Mail", "/demo/mail")], &letter.subject))
            (page_head(&letter.subject, None, None))
            (facts(&[("To", html! { (letter.to) }), ("Sent", format::moment(letter.at))]))
            div.prose { @for part in letter.text.split("\n\n") { p { (lines(part)) } } }
        } }
    };
    let title = letter.subject.clone();
    Ok(page(
        &req,
        Page { title, section: "Mail".into(), theme: Theme::Desk, private: true, body, ..Page::default() },
    ))
}

/// The lines of a paragraph; an address on this site becomes a link.
fn lines(part: &str) -> Markup {
    html! {
        @for line in part.lines() {
            @if line.starts_with("http://") || line.starts_with("https://") { a href=(line) { (line) } } @else { (line) }
            br;
        }
    }
}

fn outside_production(req: &Req) -> Result<(), HttpError> {
    if req.app.config.is_production() { Err(HttpError::NotFound) } else { Ok(()) }
}
