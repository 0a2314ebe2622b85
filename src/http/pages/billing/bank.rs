//! `/billing/bank`: a statement of the bank is sent, and what came is booked on its orders.

use super::{BILLING, PAGE, desk, names, page_number, pages, person};
use crate::actors::CommandError;
use crate::actors::bank_import::{Booked, ImportError, Line, Report, import};
use crate::actors::bank_reports::{
    self, OpenEntry, SentFile, keep, open_entries, settle_entry, settled_entries,
};
use crate::domain::shared::AccountId;
use crate::http::error::HttpError;
use crate::http::response::see_other;
use crate::http::route::Route;
use crate::http::sent_file::form_with_file;
use crate::http::ui::button::{submit, submit_small};
use crate::http::ui::layout::{Place, crumbs};
use crate::http::ui::table::{cell, head, number};
use crate::http::ui::{
    Column, Errors, Field, Icon, Tone, Weight, chip, empty, form_inline, format, hidden_fields, notice,
    notice_text, page_head, table,
};
use crate::http::{Req, Res};
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/billing/bank", BILLING, show),
        Route::post("/billing/bank", BILLING, book).stream_body(),
        Route::get("/billing/bank/open", BILLING, open),
        Route::get("/billing/bank/{id}", BILLING, one),
        Route::post("/billing/bank/{id}/settled", BILLING, settle),
    ]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    view(&req, &Errors::none()).await
}

async fn one(req: Req) -> Result<Res, HttpError> {
    let id = req.id_param("id")?;
    let (at, report) = bank_reports::one(&req.app, id).await?.ok_or(HttpError::NotFound)?;
    let settled = settled_entries(&req.app, id, &report).await?;
    let people: Vec<AccountId> = settled.values().map(|(who, _)| *who).collect();
    let names = names(&req, &people, "billing-bank").await?;
    let content = html! {
        (crumbs(&[Place::new("Bank", "/billing/bank")], "Statement"))
        (page_head("Statement", Some(&format!("Sent on {}.", format::moment_text(at))), None))
        (outcome(&req, (id, &report), &settled, &names))
    };
    Ok(desk(&req, "Statement", &Errors::none(), &content))
}

/// The statements that were sent last.
fn sent(req: &Req, page: i64, (all, total): &(Vec<SentFile>, i64)) -> Markup {
    let columns = [
        Column::new("Sent"),
        Column::number("Entries"),
        Column::number("Booked"),
        Column::number("Known before"),
        Column::number("To look at"),
    ];
    let rows: Vec<Vec<Markup>> = all
        .iter()
        .map(|(id, at, report)| {
            let (booked, known) = (count(report, is_booked), count(report, is_known));
            vec![
                head(&html! { a href={ "/billing/bank/" (id) } { (format::moment(*at)) } }),
                number(&report.lines.len().to_string()),
                number(&booked.to_string()),
                number(&known.to_string()),
                number(&(report.lines.len() - booked - known).to_string()),
            ]
        })
        .collect();
    html! {
        @if !rows.is_empty() || page > 1 {
            section.stack { h2 { "Sent before" } (table("Statements", &columns, &rows)) (pages(req, page, rows.len(), *total)) }
        }
    }
}

/// By this statement, and not by one before it.
fn is_booked(became: &Booked) -> bool {
    matches!(
        became,
        Booked::Booked { .. } | Booked::Batch { .. } | Booked::Returned { .. } | Booked::Rejected { .. }
    )
}

fn is_known(became: &Booked) -> bool {
    matches!(became, Booked::Known { .. })
}

fn count(report: &Report, wanted: fn(&Booked) -> bool) -> usize {
    report.lines.iter().filter(|l| wanted(&l.became)).count()
}

async fn view(req: &Req, errors: &Errors) -> Result<Res, HttpError> {
    let page = page_number(req);
    let before = bank_reports::sent(&req.app, (page - 1) * PAGE, PAGE).await?;
    let (_, waiting) = open_entries(&req.app, 0, 0).await?;
    let content = html! {
        (page_head("Bank", Some("Send what the bank sent: what has the reference of an order is booked on it."), None))
        section.panel aria-labelledby="send" {
            h2 #send { "Send a statement" }
            form.form method="post" action="/billing/bank" enctype="multipart/form-data" {
                (hidden_fields(req))
                (Field::new("file", "File").kind("file").hint("A statement: CAMT.053 (XML), or CSV with a heading line. Or the status report of a file of direct debits: pain.002 (XML). The same entry is booked once, however often it is sent: always use the same kind of file.").errors(errors).render())
                (submit("Book the statement", Weight::Main))
            }
            p.small.dim { "The file is not kept: only day, amount and order of each entry." }
        }
        @if waiting > 0 {
            (notice(Tone::Warning, &html! { p { a href="/billing/bank/open" { (format::counted(waiting, "entry", "entries")) } " of statements without an order." } }))
        }
        (sent(req, page, &before))
    };
    Ok(desk(req, "Bank", errors, &content))
}

/// Entries of all statements with which somebody has to deal.
async fn open(req: Req) -> Result<Res, HttpError> {
    let page = page_number(&req);
    let (entries, total) = open_entries(&req.app, (page - 1) * PAGE, PAGE).await?;
    let content = html! {
        (crumbs(&[Place::new("Bank", "/billing/bank")], "Entries without an order"))
        (page_head("Entries without an order", Some("Book them at their orders or send the money back, then say on the page of the statement that it is dealt with."), None))
        @if entries.is_empty() {
            (empty(Icon::Info, "Nothing to look at", "Every entry of the statements that were sent is booked or dealt with.", Some(&Place::new("Bank", "/billing/bank"))))
        } @else {
            (open_table(&entries))
            (pages(&req, page, entries.len(), total))
        }
    };
    Ok(desk(&req, "Entries without an order", &Errors::none(), &content))
}

type Settled = HashMap<usize, (AccountId, DateTime<Utc>)>;

fn outcome(
    req: &Req,
    (id, report): (Uuid, &Report),
    settled: &Settled,
    names: &HashMap<AccountId, String>,
) -> Markup {
    let open =
        report.lines.iter().enumerate().filter(|(n, l)| l.is_open() && !settled.contains_key(n)).count();
    let words = format!(
        "{} booked, {} known before, {} for you to look at, {} ignored (money that went out, debits that were accepted).",
        count(report, is_booked),
        count(report, is_known),
        open,
        report.debits
    );
    let columns = [
        Column::new("Booked on"),
        Column::number("Amount"),
        Column::new("Order"),
        Column::new("What became of it"),
        Column::new("Done"),
    ];
    let deal = |(n, one): (usize, &Line)| {
        let mut cells = line(one);
        cells.push(cell(&match settled.get(&n) {
            Some((who, at)) => html! { "Dealt with by " (person(names, *who)) ", " (format::date(*at)) },
            None if one.is_open() => form_inline(
                req,
                &format!("/billing/bank/{id}/settled"),
                &html! {
                    input type="hidden" name="line" value=(n);
                    (submit_small("Dealt with", Weight::Plain))
                },
            ),
            None => html! {},
        }));
        cells
    };
    let rows: Vec<Vec<Markup>> = report.lines.iter().enumerate().map(deal).collect();
    html! {
        (notice_text(if open > 0 { Tone::Warning } else { Tone::Success }, &words))
        @if !rows.is_empty() { (table("Entries of the statement", &columns, &rows)) }
    }
}

fn line(line: &Line) -> Vec<Markup> {
    let order = |id: &uuid::Uuid, number: &str| html! { a href={ "/billing/orders/" (id) } { (number) } };
    let (to, became) = match &line.became {
        Booked::Booked { order: id, number, waits: true, .. } => (
            order(id, number),
            html! { (chip(Tone::Warning, "Booked")) " A charge for this order is under way: when its result is known, this pays the order or is too much." },
        ),
        Booked::Booked { order: id, number, rest, .. } if rest.minor > 0 => {
            (order(id, number), html! { (chip(Tone::Warning, "Booked")) " " (rest) " missing" })
        }
        Booked::Booked { order: id, number, over: Some(over), .. } => (
            order(id, number),
            html! { (chip(Tone::Warning, "Booked")) " " (over) " too much: give it back, or make it a credit, at the order" },
        ),
        Booked::Booked { order: id, number, .. } => (order(id, number), chip(Tone::Success, "Booked")),
        Booked::Known { order: id, number } => (order(id, number), chip(Tone::Plain, "Known before")),
        Booked::Batch { debits, file } => (
            html! { a href={ "/billing/direct-debits/" (file) } { (debits) " direct debits" } },
            chip(Tone::Success, "Booked"),
        ),
        Booked::Returned { order: id, number, reason } => {
            (order(id, number), html! { (chip(Tone::Danger, "Came back")) " " (reason) })
        }
        Booked::Rejected { order: id, number, reason, paid } => (
            order(id, number),
            html! {
                (chip(Tone::Danger, "Not collected")) " " (reason)
                @if *paid { ". The order is paid: if that was the debit, the statement that takes it back opens it again." }
            },
        ),
        Booked::NoReference => (
            html! { "–" },
            html! { (chip(Tone::Warning, "No reference")) " Find the order, and mark it as paid there." },
        ),
        Booked::Refused { order: id, number, why } => {
            (order(id, number), html! { (chip(Tone::Danger, "Not booked")) " " (why) })
        }
    };
    vec![
        head(&html! { (format::day(line.booked_on)) }),
        number(&line.amount.to_string()),
        cell(&to),
        cell(&became),
    ]
}

/// Somebody has dealt with an entry that was booked nowhere.
async fn settle(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let id = req.id_param("id")?;
    let (_, report) = bank_reports::one(&req.app, id).await?.ok_or(HttpError::NotFound)?;
    let place: usize = form.get("line").parse().map_err(|_| HttpError::NotFound)?;
    let line = report.lines.get(place).filter(|line| line.is_open()).ok_or(HttpError::NotFound)?;
    settle_entry(&req.app, (id, place), line, req.account()?.id).await?;
    Ok(see_other(&format!("/billing/bank/{id}")))
}

/// Entries that were booked nowhere, each with the way to its statement.
fn open_table(entries: &[OpenEntry]) -> Markup {
    let columns = [
        Column::new("Booked on"),
        Column::number("Amount"),
        Column::new("Order"),
        Column::new("What became of it"),
        Column::new("Where"),
    ];
    let rows: Vec<Vec<Markup>> = entries
        .iter()
        .map(|(id, _, one)| {
            let mut cells = line(one);
            cells.push(cell(&html! { a href={ "/billing/bank/" (id) } { "its statement" } }));
            cells
        })
        .collect();
    table("Entries that were booked on no order", &columns, &rows)
}

/// The newest of them, for the overview.
pub(super) fn open_entries_table(entries: &[OpenEntry], total: i64) -> Markup {
    html! {
        @if !entries.is_empty() {
            h2 #bank { "Entries of the bank without an order" }
            p.dim { "Book them at their orders or send the money back, then say on the page of the statement that it is dealt with." }
            (open_table(entries))
            @if total > i64::try_from(entries.len()).unwrap_or(total) {
                p.small { "The newest of " (format::count(total)) ": " a href="/billing/bank/open" { "all of them" } "." }
            }
        }
    }
}

async fn book(mut req: Req) -> Result<Res, HttpError> {
    // The file is small, and nothing of it is kept.
    let most = req.app.config.billing.statement_bytes;
    let words = format!("The file is larger than {}: export a shorter time.", format::bytes(most as u64));
    let (_, bytes) = form_with_file(&mut req, most, &words).await?;
    if bytes.is_empty() {
        return view(&req, &Errors::one("file", "Choose a file first.")).await;
    }
    match import(&req.app, &bytes, &req.meta()).await {
        Ok(report) => {
            let id = keep(&req.app, req.viewer.id(), &report).await?;
            Ok(see_other(&format!("/billing/bank/{id}")))
        }
        Err(ImportError::File(why)) => {
            view(&req, &Errors::one("file", format!("{why} Nothing was booked."))).await
        }
        Err(ImportError::Store(error)) => Err(HttpError::from(error)),
        Err(ImportError::Interrupted(CommandError::Panicked)) => Err(HttpError::Internal("booking a statement".into())),
        Err(ImportError::Interrupted(_)) => Err(HttpError::Unavailable {
            why: "The studio is very busy. A part of the file may be booked; send it again in a moment: what is booked is not booked twice.".into(),
            retry_after: Duration::from_secs(5),
        }),
        Err(ImportError::Failed(why)) => Err(HttpError::Internal(why)),
    }
}
