//! `/billing/direct-debits`: what can be collected, the files that were made, and each of them again.

use super::{BILLING, PAGE, desk, names, page_number, pages, person};
use crate::actors::bus::CommandError;
use crate::actors::direct_debits::{self as desk_debits, DebitProblem};
use crate::domain::debit_file::{Debit, Made};
use crate::domain::shared::calendar::day_words;
use crate::domain::shared::{Currency, Money};
use crate::http::error::HttpError;
use crate::http::response::{self, after, text as plain};
use crate::http::route::Route;
use crate::http::ui::button::{link, submit};
use crate::http::ui::layout::{Place, crumbs};
use crate::http::ui::table::{cell, head, number, text};
use crate::http::ui::{
    Column, Errors, Icon, Tone, Weight, chip, empty, facts, form as post_form, format, page_head, table,
};
use crate::http::{Req, Res};
use crate::projections::debits;
use maud::{Markup, html};
use warp::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};

const HERE: &str = "/billing/direct-debits";
/// Files on the page.
const LAST: i64 = 50;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(HERE, BILLING, show),
        Route::post(HERE, BILLING, make),
        Route::get("/billing/direct-debits/{id}", BILLING, one),
        Route::get("/billing/direct-debits/{id}/file", BILLING, download),
    ]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    view(&req, &Errors::none()).await
}

fn euro(debits: &[Debit]) -> Money {
    Money::new(debits.iter().map(|d| d.amount.minor).sum(), Currency::eur())
}

/// The debits of one page: each member who is named is read, which is recorded.
fn on_page(all: &[Debit], page: i64) -> &[Debit] {
    let size = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let skip = usize::try_from(page - 1).unwrap_or(0).saturating_mul(size);
    all.get(skip..).map_or(&[], |rest| rest.get(..size).unwrap_or(rest))
}

async fn view(req: &Req, errors: &Errors) -> Result<Res, HttpError> {
    let set_up = desk_debits::creditor(&req.app);
    let due = desk_debits::due(&req.app, req.now()).await?;
    let files = debits::files(&req.app.reader, LAST).await?;
    let page = page_number(req);
    let shown = on_page(&due, page);
    let mut people: Vec<_> = shown.iter().map(|d| d.account).collect();
    people.extend(files.iter().map(|f| f.made_by));
    let names = names(req, &people, "billing-direct-debits").await?;
    let columns = [
        Column::new("Order"),
        Column::new("Member"),
        Column::new("Sequence"),
        Column::new("Collected on"),
        Column::number("Amount"),
    ];
    let rows: Vec<Vec<Markup>> = shown
        .iter()
        .map(|d| {
            let sequence: &'static str = d.sequence.into();
            vec![
                head(&html! { a href={ "/billing/orders/" (d.order) } { (d.number) } }),
                cell(&person(&names, d.account)),
                text(sequence),
                text(&day_words(d.collect_on)),
                number(&d.amount.to_string()),
            ]
        })
        .collect();
    let made: Vec<Vec<Markup>> = files
        .iter()
        .map(|f| {
            vec![
                head(&html! { a href={ (HERE) "/" (f.file) } { (f.message) } }),
                cell(&format::moment(f.made_at)),
                cell(&person(&names, f.made_by)),
                number(&format::count(i64::from(f.debits))),
                number(&f.sum.to_string()),
            ]
        })
        .collect();
    let file_columns = [
        Column::new("File"),
        Column::new("Made"),
        Column::new("By"),
        Column::number("Debits"),
        Column::number("Sum"),
    ];
    let content = html! {
        (page_head("Direct debits", Some("Orders that wait for a transfer, whose members signed a mandate. A file is made here and sent to the bank by you."), None))
        @if set_up.is_none() {
            (empty(Icon::Info, "Direct debit is not set up", "The operators set gateways.bank.creditor_id, the identifier that the bank gave the studio.", None))
        } @else if rows.is_empty() {
            (empty(Icon::Info, "Nothing can be collected now", "Orders of members with a mandate appear here as soon as they are made, and leave with the file they stand in.", None))
        } @else {
            (table("What can be collected", &columns, &rows))
            (pages(req, page, rows.len(), i64::try_from(due.len()).unwrap_or(i64::MAX)))
            (post_form(req, HERE, &html! {
                p { "The file holds " strong { (format::counted(i64::try_from(due.len()).unwrap_or(i64::MAX), "debit", "debits")) } ", " strong.num { (euro(&due)) } ". Each member is told by mail at once; each order goes into one file only." }
                (submit("Make the file", Weight::Main))
            }))
        }
        @if !made.is_empty() { h2 { "Files" } (table("Files", &file_columns, &made)) }
    };
    Ok(desk(req, "Direct debits", errors, &content))
}

async fn make(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let command = (req.command_id(&form), req.meta());
    match desk_debits::make(&req.app, command, req.account()?.id).await {
        Ok((file, receipt)) => Ok(after(receipt, &format!("{HERE}/{file}"))),
        Err(DebitProblem::Store(error)) => Err(error.into()),
        Err(DebitProblem::File(error)) if !matches!(error, CommandError::Refused(_)) => Err(error.into()),
        Err(problem) => view(&req, &Errors::one("", problem.to_string())).await,
    }
}

async fn found(req: &Req) -> Result<Made, HttpError> {
    desk_debits::file(&req.app, req.id_param("id")?).await?.ok_or(HttpError::NotFound)
}

async fn one(req: Req) -> Result<Res, HttpError> {
    let made = found(&req).await?;
    let states = debits::states(&req.app.reader, made.file).await?;
    let page = page_number(&req);
    let shown = on_page(&made.debits, page);
    let mut people: Vec<_> = shown.iter().map(|d| d.account).collect();
    people.push(made.by);
    let names = names(&req, &people, "billing-direct-debits").await?;
    let columns = [
        Column::new("Order"),
        Column::new("Member"),
        Column::new("Mandate"),
        Column::new("Sequence"),
        Column::new("Collected on"),
        Column::number("Amount"),
        Column::new("State"),
    ];
    let rows: Vec<Vec<Markup>> = shown
        .iter()
        .map(|d| {
            let sequence: &'static str = d.sequence.into();
            let state = match states.get(&d.order) {
                Some((state, _)) if state == "paid" => chip(Tone::Success, "Paid"),
                Some((state, reason)) if state == "returned" => {
                    chip(Tone::Danger, &format!("Came back: {}", reason.as_deref().unwrap_or("no reason")))
                }
                Some((state, reason)) if state == "rejected" => chip(
                    Tone::Danger,
                    &format!("Not collected: {}", reason.as_deref().unwrap_or("no reason")),
                ),
                _ => chip(Tone::Info, "In the file"),
            };
            vec![
                head(&html! { a href={ "/billing/orders/" (d.order) } { (d.number) } }),
                cell(&person(&names, d.account)),
                cell(&html! { span.mono { (d.mandate_reference) } }),
                text(sequence),
                text(&day_words(d.collect_on)),
                number(&d.amount.to_string()),
                cell(&state),
            ]
        })
        .collect();
    let content = html! {
        (crumbs(&[Place::new("Direct debits", HERE)], &made.message))
        (page_head(&made.message, Some("The same file each time it is saved. What the bank booked and what came back is read from its statements."), Some(&link("Save the file", &format!("{HERE}/{}/file", made.file), Weight::Main))))
        (facts(&[
            ("Made", html! { (format::moment(made.at)) ", by " (person(&names, made.by)) }),
            ("Creditor", html! { (made.creditor.name) ", " span.mono { (made.creditor.identifier) } }),
            ("Sum", html! { strong.num { (euro(&made.debits)) } }),
            ("Form", html! { "pain.008.001.08, SEPA Direct Debit Core" }),
        ]))
        (table("Debits", &columns, &rows))
        (pages(&req, page, rows.len(), i64::try_from(made.debits.len()).unwrap_or(i64::MAX)))
    };
    Ok(desk(&req, &made.message, &Errors::none(), &content))
}

async fn download(req: Req) -> Result<Res, HttpError> {
    let made = found(&req).await?;
    // Accounts and names leave with it: that they were read is recorded first.
    let people: Vec<_> = made.debits.iter().map(|d| d.account).collect();
    names(&req, &people, "billing-direct-debit-file").await?;
    let content = match desk_debits::content(&req.app, &made).await {
        Ok(content) => content,
        Err(DebitProblem::Store(error)) => return Err(error.into()),
        Err(problem) => return Err(HttpError::Conflict(problem.to_string())),
    };
    let mut res = plain("application/xml; charset=utf-8", content);
    let name = format!("attachment; filename=\"{}.xml\"", made.message);
    response::set(&mut res, CONTENT_DISPOSITION, &name);
    response::set(&mut res, CACHE_CONTROL, "no-store");
    Ok(res)
}
