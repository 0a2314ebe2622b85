//! `/studio/site`: what the studio says in its own words: standing pages, a line above all pages, and where old
//! addresses lead.

use super::desk::show;
use crate::actors::bus::{CommandError, Envelope};
use crate::domain::site::{
    LONGEST_ANNOUNCEMENT, LONGEST_PATH, LONGEST_TEXT, Site, SiteCommand, SitePage, site_id,
};
use crate::http::form::Form;
use crate::http::page::unprocessable;
use crate::http::pages::public::text_brought_along;
use crate::http::response::after;
use crate::http::route::{Access, Route};
use crate::http::ui::button::{self, submit, submit_as, submit_small};
use crate::http::ui::table::{cell, head};
use crate::http::ui::{
    Column, Errors, Field, Place, Tone, Weight, chip, crumbs, error_summary, form, form_inline, format,
    page_head, table,
};
use crate::http::{HttpError, Req, Res, routes};
use crate::projections::people;
use crate::projections::site::{self, Change};
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use std::collections::HashMap;
use strum::VariantArray;
use uuid::Uuid;
use warp::http::Method;

/// Front page, texts and redirects are the editors' (content-and-access, "People and roles").
const EDITORS: Access = Access::Role(&["editor"]);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/studio/site", EDITORS, overview),
        Route::post("/studio/site/announcement", EDITORS, announce),
        Route::post("/studio/site/redirects", EDITORS, redirect),
        Route::get("/studio/site/texts/{page}", EDITORS, edit),
        Route::post("/studio/site/texts/{page}", EDITORS, save),
    ]
}

async fn overview(req: Req) -> Result<Res, HttpError> {
    view(&req, &Form::default(), &Errors::none()).await
}

async fn view(req: &Req, typed: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let reader = &req.app.reader;
    let (written, redirects, now) =
        (site::changes(reader).await?, site::redirects(reader).await?, site::now(reader).await?);
    let by: Vec<Uuid> =
        written.values().chain(redirects.iter().map(|r| &r.change)).filter_map(|c| c.by).collect();
    let names = people::display_names(reader, &by).await?;
    let body = html! {
        (page_head("Site", Some("What the studio says in its own words. What is written here is open to everybody."), None))
        (error_summary(errors))
        (announcement(req, &now, typed, errors))
        section.stack { h2 { "Texts" } (texts(req, &written, &names)) }
        (old_addresses(req, &redirects, &names, typed, errors))
    };
    Ok(show(req, "Site", &body))
}

fn announcement(req: &Req, now: &site::SiteNow, typed: &Form, errors: &Errors) -> Markup {
    let line = now.announcement.as_ref().filter(|_| now.line(req.now()).is_some());
    let until = line.and_then(|l| l.until);
    let shown = until.map(format::moment_value).unwrap_or_default();
    let clock = format!("{} Left empty, it stands until you take it down.", format::clock_hint());
    let or = |field: &str, known: &str| {
        if typed.has(field) { typed.get(field).to_owned() } else { known.to_owned() }
    };
    html! {
        section.panel aria-labelledby="line-head" {
            h2 #line-head { "Announcement" }
            p.small {
                @match line {
                    None => "No line stands above the pages now.",
                    Some(_) => { "This line stands above every page now" @if let Some(until) = until { ", until " (format::moment(until)) } "." }
                }
            }
            (form(req, "/studio/site/announcement", &html! {
                (Field::new("line", "Line above every page").value(&or("line", line.map_or("", |l| &l.text))).maxlength(LONGEST_ANNOUNCEMENT)
                    .hint("Plain text, such as: On Monday from 9 to 10 the studio is closed for maintenance.").errors(errors).render())
                (Field::new("until", "Until").kind("datetime-local").optional().mid().value(&or("until", &shown))
                    .hint(&clock).errors(errors).render())
                div.row {
                    (submit("Show the line", Weight::Main))
                    @if line.is_some() { (submit_as("Take it down", "act", "end", Weight::Plain)) }
                }
            }))
        }
    }
}

fn who(change: &Change, names: &HashMap<Uuid, String>) -> String {
    let name = change.by.map(|id| names.get(&id).map_or("Deleted account", String::as_str));
    format!("{} by {}", format::day(format::local_day(change.at)), name.unwrap_or("the command line"))
}

fn texts(req: &Req, written: &HashMap<SitePage, Change>, names: &HashMap<Uuid, String>) -> Markup {
    let columns = [Column::new("Page"), Column::new("Address"), Column::new("Text"), Column::new("Changed")];
    let rows: Vec<Vec<Markup>> = SitePage::VARIANTS
        .iter()
        .map(|page| {
            let change = written.get(page);
            let state = match change {
                Some(_) => chip(Tone::Success, "Your own"),
                None if text_brought_along(req, *page).is_empty() => chip(Tone::Plain, "Not shown"),
                None => chip(Tone::Plain, "Brought along"),
            };
            vec![
                head(&html! { a href={ "/studio/site/texts/" (page.code()) } { (page.words()) } }),
                cell(&html! { code { (page.path()) } }),
                cell(&state),
                cell(&html! { @if let Some(change) = change { (who(change, names)) } }),
            ]
        })
        .collect();
    table("Texts of the site", &columns, &rows)
}

fn old_addresses(
    req: &Req,
    redirects: &[site::Redirect],
    names: &HashMap<Uuid, String>,
    typed: &Form,
    errors: &Errors,
) -> Markup {
    let columns =
        [Column::new("Old address"), Column::new("Leads to"), Column::new("Set"), Column::new("Remove")];
    let rows: Vec<Vec<Markup>> = redirects
        .iter()
        .map(|r| {
            let remove = html! {
                input type="hidden" name="from" value=(r.from);
                input type="hidden" name="act" value="remove";
                (submit_small("Remove", Weight::Plain))
            };
            vec![
                head(&html! { code { (r.from) } }),
                cell(&html! { a href=(r.to) { (r.to) } }),
                cell(&html! { (who(&r.change, names)) }),
                cell(&form_inline(req, "/studio/site/redirects", &remove)),
            ]
        })
        .collect();
    html! {
        section.panel aria-labelledby="redirects-head" {
            h2 #redirects-head { "Old addresses" }
            p.small { "For links that others set, to a former site perhaps. They count only where this site has nothing itself; works, films, courses and posts remember their own former addresses." }
            @if !rows.is_empty() { (table("Old addresses", &columns, &rows)) }
            (form(req, "/studio/site/redirects", &html! {
                div.field-pair {
                    (Field::new("from", "Old address").value(typed.get("from")).placeholder("/gallery/old-film").maxlength(LONGEST_PATH).errors(errors).render())
                    (Field::new("to", "Leads to").value(typed.get("to")).placeholder("/films/new-film").maxlength(LONGEST_PATH).errors(errors).render())
                }
                div.row { (submit("Set the redirect", Weight::Main)) }
            }))
        }
    }
}

/// Asks the aggregate; a refusal stands at its field.
async fn ask(
    req: &Req,
    typed: &Form,
    wish: SiteCommand,
) -> Result<Result<crate::actors::bus::Receipt, Errors>, HttpError> {
    let envelope = Envelope::new(req.command_id(typed), site_id(), wish, req.meta());
    match req.app.bus.dispatch::<Site>(envelope).await {
        Ok(receipt) => {
            req.app.site.changed();
            Ok(Ok(receipt))
        }
        Err(CommandError::Refused(why)) => Ok(Err(Errors::one(why.field(), why.to_string()))),
        Err(other) => Err(other.into()),
    }
}

async fn announce(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let at = req.now();
    let wish = if typed.get("act") == "end" {
        SiteCommand::EndAnnouncement { at }
    } else {
        let now = site::now(&req.app.reader).await?.announcement.and_then(|line| line.until);
        let Ok(until) = moment(typed.get("until"), now) else {
            let errors =
                Errors::one("until", "Enter day and time, such as 2026-12-01 09:00, or leave it empty.");
            return Ok(unprocessable(view(&req, &typed, &errors).await?));
        };
        SiteCommand::Announce { text: typed.get("line").into(), until, at }
    };
    match ask(&req, &typed, wish).await? {
        Ok(receipt) => Ok(after(receipt, "/studio/site")),
        Err(errors) => Ok(unprocessable(view(&req, &typed, &errors).await?)),
    }
}

fn moment(text: &str, known: Option<DateTime<Utc>>) -> Result<Option<DateTime<Utc>>, ()> {
    if text.is_empty() {
        return Ok(None);
    }
    format::moment_again(text, known).map(Some).ok_or(())
}

async fn redirect(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let (from, at) = (typed.get("from").to_owned(), req.now());
    let stands = |r: &Route| r.method == Method::GET && r.path == from;
    if typed.get("act") != "remove" && routes::all().iter().any(stands) {
        let words =
            "There is a page at this address, which is always shown. Choose one that is not there any more.";
        return Ok(unprocessable(view(&req, &typed, &Errors::one("from", words)).await?));
    }
    let wish = if typed.get("act") == "remove" {
        SiteCommand::RemoveRedirect { from, at }
    } else {
        SiteCommand::Redirect { from, to: typed.get("to").into(), at }
    };
    match ask(&req, &typed, wish).await? {
        Ok(receipt) => Ok(after(receipt, "/studio/site#redirects-head")),
        Err(errors) => Ok(unprocessable(view(&req, &typed, &errors).await?)),
    }
}

fn page_of(req: &Req) -> Result<SitePage, HttpError> {
    req.param("page").parse().map_err(|_| HttpError::NotFound)
}

async fn edit(req: Req) -> Result<Res, HttpError> {
    let which = page_of(&req)?;
    let own = site::text(&req.app.reader, which).await?;
    let mut typed = Form::default();
    typed.push("text", &own.unwrap_or_else(|| text_brought_along(&req, which)));
    editor(&req, which, &typed, &Errors::none()).await
}

async fn editor(req: &Req, which: SitePage, typed: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let own = site::text(&req.app.reader, which).await?.is_some();
    let action = format!("/studio/site/texts/{}", which.code());
    let acts = button::link_small("See the page", which.path(), Weight::Plain);
    let brings = match which {
        SitePage::Welcome => "Markdown, for visitors, below the picture of the front page.",
        SitePage::Faq => "Markdown. The page is there as soon as it has a text.",
        _ => "Markdown. {studio} stands for the studio's name.",
    };
    let fields = html! {
        (Field::new("text", "Text").long_area().value(typed.get("text")).maxlength(LONGEST_TEXT).hint(brings).errors(errors).render())
        div.row {
            (submit("Save the text", Weight::Main))
            @if own { (submit_as("Back to the text brought along", "act", "reset", Weight::Danger)) }
        }
    };
    let body = html! {
        (crumbs(&[Place::new("Site", "/studio/site")], which.words()))
        (page_head(which.words(), None, Some(&acts)))
        div { (error_summary(errors)) (form(req, &action, &fields)) }
    };
    Ok(show(req, which.words(), &body))
}

async fn save(mut req: Req) -> Result<Res, HttpError> {
    let (which, typed) = (page_of(&req)?, req.form().await?);
    let reset = typed.get("act") == "reset";
    // Saved as it was brought along, it goes on following the program.
    let same = typed.get("text").replace("\r\n", "\n").trim() == text_brought_along(&req, which).trim();
    let text = if reset || same { String::new() } else { typed.get("text").to_owned() };
    let wish = SiteCommand::Write { page: which, text, at: req.now() };
    match ask(&req, &typed, wish).await? {
        Ok(receipt) => Ok(after(receipt, &format!("/studio/site/texts/{}", which.code()))),
        Err(errors) => Ok(unprocessable(editor(&req, which, &typed, &errors).await?)),
    }
}
