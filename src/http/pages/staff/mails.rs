//! `/moderation/mails` and `/billing/mails`: what was sent to whom, what waits, what could not be sent, and what each
//! mail says; `…/mail-kinds`: every kind of mail that the studio sends.

use super::{BILLING, Desk, MODERATORS};
use crate::actors::mail_list::{self, Narrowed, QueuedMail, STATES};
use crate::emails::Mail;
use crate::http::error::HttpError;
use crate::http::listing::{page_number, pages, with};
use crate::http::page::{Page, page};
use crate::http::pages::billing::names;
use crate::http::route::Route;
use crate::http::ui::button::{Weight, link_small};
use crate::http::ui::layout::{Place, Theme};
use crate::http::ui::table::{cell, head, number, table, text};
use crate::http::ui::{
    Column, Icon, Tone, chip, crumbs, empty, facts, filter, filters, format, notice_text, page_head, rooms,
};
use crate::http::{Req, Res};
use maud::{Markup, html};
use std::collections::HashMap;
use uuid::Uuid;

/// Mails on one page.
const PAGE: i64 = 25;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/moderation/mails", MODERATORS, list),
        Route::get("/moderation/mail-kinds", MODERATORS, kinds),
        Route::get("/moderation/mail-kinds/{name}", MODERATORS, kind),
        Route::get("/moderation/mails/{id}", MODERATORS, show),
        Route::get("/billing/mails", BILLING, list),
        Route::get("/billing/mail-kinds", BILLING, kinds),
        Route::get("/billing/mail-kinds/{name}", BILLING, kind),
        Route::get("/billing/mails/{id}", BILLING, show),
    ]
}

impl Desk {
    fn mails(self) -> &'static str {
        match self {
            Self::Moderation => "/moderation/mails",
            Self::Billing => "/billing/mails",
        }
    }

    fn mail_kinds(self) -> &'static str {
        match self {
            Self::Moderation => "/moderation/mail-kinds",
            Self::Billing => "/billing/mail-kinds",
        }
    }
}

fn state_words(state: &str) -> &str {
    match state {
        "waiting" => "Waiting",
        "sent" => "Sent",
        "failed" => "Failed",
        "dropped" => "Not sent",
        other => other,
    }
}

fn state(mail: &QueuedMail) -> Markup {
    let tone = match mail.state.as_str() {
        "sent" => Tone::Success,
        "failed" => Tone::Danger,
        "waiting" if mail.attempts > 0 => Tone::Warning,
        "waiting" => Tone::Info,
        _ => Tone::Plain,
    };
    chip(tone, state_words(&mail.state))
}

async fn list(req: Req) -> Result<Res, HttpError> {
    let desk = Desk::of(&req.path);
    let set = |name: &str| Some(req.query(name).to_owned()).filter(|v| !v.is_empty());
    let wanted = set("account");
    let account = wanted.as_deref().and_then(|id| Uuid::parse_str(id).ok());
    let narrowed = Narrowed { state: set("state"), about: set("about"), account };
    let number_of_page = page_number(&req);
    // Nobody has an id that is none.
    let (mails, total) = match wanted.is_some() && account.is_none() {
        true => (Vec::new(), 0),
        false => mail_list::list(&req.app, &narrowed, (number_of_page - 1) * PAGE, PAGE).await?,
    };
    let accounts: Vec<Uuid> = mails.iter().map(|m| m.account).collect();
    let names = names(&req, &accounts, &desk.scope("mails")).await?;
    let abouts = mail_list::abouts(&req.app).await?;
    let clear = (narrowed != Narrowed::default() || wanted.is_some()).then(|| desk.mails());
    let chips = chips(&req, &narrowed, &abouts, &names, wanted.as_deref());
    let rows: Vec<Vec<Markup>> = mails.iter().map(|mail| line(desk, mail, &names)).collect();
    let columns = [
        Column::new("Mail"),
        Column::new("To"),
        Column::new("Written"),
        Column::new("State"),
        Column::number("Tries"),
        Column::new("What the server said"),
    ];
    let acts = link_small("All kinds of mails", desk.mail_kinds(), Weight::Plain);
    let words = "What the studio sent to people in the last thirty days, and what could not be sent. What a mail says is written anew when you open it.";
    let content = html! {
        (page_head("Mails", Some(words), Some(&acts)))
        (filters(&chips, clear))
        @if rows.is_empty() && clear.is_some() {
            (empty(Icon::Search, "No mail found", "Take a filter away.", Some(&Place::new("Show all", desk.mails()))))
        } @else if rows.is_empty() {
            (empty(Icon::Info, "No mails yet", "A mail is listed here as soon as it is written.", None))
        } @else {
            (table("Mails", &columns, &rows))
            (pages(&req, number_of_page, PAGE, rows.len(), total))
        }
    };
    Ok(room(&req, desk, "Mails", &content))
}

fn chips(
    req: &Req,
    narrowed: &Narrowed,
    abouts: &[String],
    names: &HashMap<Uuid, String>,
    wanted: Option<&str>,
) -> Vec<Markup> {
    let mut chips: Vec<Markup> = match &narrowed.state {
        Some(asked) => vec![filter("State", Some(state_words(asked)), &with(req, "state", None))],
        None => STATES
            .iter()
            .map(|state| filter(state_words(state), None, &with(req, "state", Some(state))))
            .collect(),
    };
    match &narrowed.about {
        Some(asked) => {
            let words = crate::emails::samples::in_words(asked);
            chips.push(filter("Kind", Some(&words), &with(req, "about", None)));
        }
        None => chips.extend(abouts.iter().map(|about| {
            let words = crate::emails::samples::in_words(about);
            filter(&words, None, &with(req, "about", Some(about)))
        })),
    }
    if let Some(wanted) = wanted {
        let known = narrowed.account.and_then(|id| names.get(&id));
        chips.push(filter("To", Some(known.map_or(wanted, String::as_str)), &with(req, "account", None)));
    }
    chips
}

fn name(names: &HashMap<Uuid, String>, account: Uuid) -> &str {
    names.get(&account).map_or("Deleted account", String::as_str)
}

fn person(desk: Desk, mail: &QueuedMail, names: &HashMap<Uuid, String>) -> Markup {
    html! {
        a href=(desk.person(mail.account)) { (name(names, mail.account)) }
        @if mail.elsewhere { span.small.dim { " (another address)" } }
    }
}

fn line(desk: Desk, mail: &QueuedMail, names: &HashMap<Uuid, String>) -> Vec<Markup> {
    vec![
        head(&html! { a href={ (desk.mails()) "/" (mail.id) } { (mail.words()) } }),
        cell(&person(desk, mail, names)),
        cell(&format::moment(mail.written_at)),
        cell(
            &html! { (state(mail)) @if mail.state == "waiting" && mail.attempts > 0 { span.small.dim { " again " (format::moment(mail.next_try)) } } },
        ),
        number(&mail.attempts.to_string()),
        text(mail.error.as_deref().unwrap_or_default()),
    ]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let desk = Desk::of(&req.path);
    let id = Uuid::parse_str(req.param("id")).map_err(|_| HttpError::NotFound)?;
    let (mail, words) = mail_list::one(&req.app, id).await?.ok_or(HttpError::NotFound)?;
    let names = names(&req, &[mail.account], &desk.scope("mails")).await?;
    let (title, section) = (mail.words(), Place::new("Mails", desk.mails()));
    let mut known = vec![
        ("To", person(desk, &mail, &names)),
        ("Written", format::moment(mail.written_at)),
        ("State", state(&mail)),
        ("Tries", html! { (mail.attempts) }),
    ];
    if let Some(at) = mail.sent_at {
        known.push(("Sent", format::moment(at)));
    }
    if mail.state == "waiting" && mail.attempts > 0 {
        known.push(("Tried next", format::moment(mail.next_try)));
    }
    if let Some(error) = &mail.error {
        known.push(("What the server said", html! { (error) }));
    }
    let to_person = to(desk, mail.account);
    let content = html! {
        (crumbs(&[section], &title))
        (page_head(&title, None, None))
        (facts(&known))
        @match &words {
            Some(words) => (letter(words)),
            None => (notice_text(Tone::Info, "What it said cannot be shown: the person is gone, or the mail is of another version of Kinora.")),
        }
        p { a href=(to_person) { "All mails to this person" } }
    };
    Ok(room(&req, desk, &title, &content))
}

/// Where the mails to one person are listed.
pub(super) fn to(desk: Desk, account: Uuid) -> String {
    format!("{}?account={account}", desk.mails())
}

async fn kinds(req: Req) -> Result<Res, HttpError> {
    let desk = Desk::of(&req.path);
    let mut rows = Vec::new();
    for sample in mail_list::kinds()? {
        let href = format!("{}/{}", desk.mail_kinds(), sample.name);
        let subject = mail_list::kind(&req.app, &sample.name, NOBODY)?.map(|(_, mail)| mail.subject);
        rows.push(vec![
            head(&html! { a href=(href) { (sample.words()) } }),
            text(&subject.unwrap_or_default()),
        ]);
    }
    let words = "Every mail that the studio sends, with made-up amounts and days.";
    let content = html! {
        (crumbs(&[Place::new("Mails", desk.mails())], "Kinds"))
        (page_head("Kinds of mails", Some(words), None))
        (table("Kinds of mails", &[Column::new("Kind"), Column::new("Subject")], &rows))
    };
    Ok(room(&req, desk, "Kinds of mails", &content))
}

/// To whom samples are addressed.
const NOBODY: &str = "Ada Holm";

async fn kind(req: Req) -> Result<Res, HttpError> {
    let desk = Desk::of(&req.path);
    let (sample, mail) = mail_list::kind(&req.app, req.param("name"), NOBODY)?.ok_or(HttpError::NotFound)?;
    let title = sample.words();
    let all = [Place::new("Mails", desk.mails()), Place::new("Kinds", desk.mail_kinds())];
    let content = html! {
        (crumbs(&all, &title))
        (page_head(&title, Some("With made-up amounts and days."), None))
        (letter(&mail))
    };
    Ok(room(&req, desk, &title, &content))
}

/// What a mail says; its addresses are no links, because they are somebody else's.
fn letter(mail: &Mail) -> Markup {
    html! {
        section.panel {
            h2 { (mail.subject) }
            div.prose { @for part in mail.text.split("\n\n") { p { @for line in part.lines() { (line) br; } } } }
        }
    }
}

fn room(req: &Req, desk: Desk, title: &str, content: &Markup) -> Res {
    let body = html! { div.page { (rooms(desk.label(), &desk.places(), desk.mails(), content)) } };
    page(
        req,
        Page {
            title: title.to_owned(),
            section: desk.label().into(),
            theme: Theme::Desk,
            private: true,
            body,
            ..Page::default()
        },
    )
}
