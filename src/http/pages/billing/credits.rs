//! `/billing/credits`: what the studio owes to members, and the credit of one: its moves, and paying it out.

use super::exports::{self, FileKind, PART};
use super::subscription_acts::with_reason;
use super::{BILLING, PAGE, approvals, desk, names, page_number, pages, person, with};
use crate::actors::bus::{CommandError, Envelope};
use crate::domain::approval::Act;
use crate::domain::credit::{Credit, CreditCommand};
use crate::domain::shared::{AccountId, Currency, Money, derive_id};
use crate::http::error::HttpError;
use crate::http::response::after;
use crate::http::route::Route;
use crate::http::ui::button::{link, link_small, submit, submit_as};
use crate::http::ui::layout::{Place, crumbs};
use crate::http::ui::table::{cell, head, number};
use crate::http::ui::{
    Column, Errors, Field, Icon, Tone, Weight, chip, empty, filter, filters, form as post_form, form_of_acts,
    format, page_head, table,
};
use crate::http::{Form, Req, Res};
use crate::projections::credits::{self, Balance, Move};
use maud::{Markup, html};
use std::sync::Arc;
use uuid::Uuid;

const HERE: &str = "/billing/credits";
/// Moves on the page of one credit; the file of the moves has all.
const MOVES: i64 = 500;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(HERE, BILLING, list),
        Route::get("/billing/credit-moves.csv", BILLING, moves_file),
        Route::get("/billing/credit-moves.jsonl", BILLING, moves_file),
        Route::get("/billing/credits/{account}", BILLING, show),
        Route::get("/billing/credits/{account}/pay-out", BILLING, ask),
        Route::post("/billing/credits/{account}/pay-out", BILLING, pay_out),
        Route::post("/billing/credits/{account}/sent", BILLING, sent),
    ]
}

async fn list(req: Req) -> Result<Res, HttpError> {
    let (page, waiting) = (page_number(&req), req.query("waiting") == "yes");
    if let Some(kind) = FileKind::asked(&req) {
        exports::only(&req, &["waiting"])?;
        return Ok(export(&req, kind, waiting));
    }
    let to_send = match waiting {
        true => filter("To be sent", Some("yes"), &with(&req, "waiting", None)),
        false => filter("To be sent", None, &with(&req, "waiting", Some("yes"))),
    };
    let (rows, total) = credits::list(&req.app.reader, waiting, (page - 1) * PAGE, PAGE).await?;
    let accounts: Vec<AccountId> = rows.iter().map(|b| b.account).collect();
    let names = names(&req, &accounts, "billing-credits").await?;
    let owed = credits::totals(&req.app.reader).await?;
    let columns = [
        Column::new("Member"),
        Column::number("Credit"),
        Column::number("To be sent"),
        Column::new("Last move"),
        Column::new("Moves"),
    ];
    let lines: Vec<Vec<Markup>> = rows
        .iter()
        .map(|b| {
            vec![
                head(&person(&names, b.account)),
                number(&b.money.to_string()),
                if b.going.minor > 0 { number(&b.going.to_string()) } else { number("—") },
                cell(&format::moment(b.moved_at)),
                cell(&link_small("See its moves", &format!("{HERE}/{}", b.account), Weight::Quiet)),
            ]
        })
        .collect();
    let acts = html! {
        (exports::files(&req))
        (link_small("All moves as CSV", "/billing/credit-moves.csv", Weight::Quiet))
        (link_small("All moves as JSON Lines", "/billing/credit-moves.jsonl", Weight::Quiet))
    };
    let words = "Money of members that stays here: their next orders use it up, or it is paid out.";
    let content = html! {
        (page_head("Credits", Some(words), Some(&acts)))
        (filters(&[to_send], waiting.then_some(HERE)))
        @if lines.is_empty() && waiting {
            (empty(Icon::Info, "Nothing is to be sent", "What is paid out of a credit stands here until somebody says that it is sent.", Some(&Place::new("All credits", HERE))))
        } @else if lines.is_empty() {
            (empty(Icon::Info, "Nobody has a credit", "What came too much, or goes back, becomes one on the page of its order.", Some(&Place::new("Orders with too much", "/billing/orders?questionable=yes"))))
        } @else {
            p { "Owed in all: " strong.num { (owed.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + ")) } "." }
            (table("Credits", &columns, &lines))
            (pages(&req, page, lines.len(), total))
        }
    };
    Ok(desk(&req, "Credits", &Errors::none(), &content))
}

const NAMES: [&str; 5] = ["account", "currency", "credit", "to_be_sent", "moved_at"];

fn cells(b: &Balance) -> Vec<String> {
    vec![
        b.account.to_string(),
        b.money.currency.to_string(),
        b.money.decimal(),
        b.going.decimal(),
        b.moved_at.to_rfc3339(),
    ]
}

/// The list as a file, narrowed as on the page.
fn export(req: &Req, kind: FileKind, waiting: bool) -> Res {
    let app = Arc::clone(&req.app);
    exports::send("credits", kind, &NAMES, move |last| {
        let app = Arc::clone(&app);
        async move {
            let rows = credits::after(&app.reader, waiting, last, PART).await?;
            Ok(exports::part(&rows, cells, |b| (b.account, b.money.currency)))
        }
    })
}

const MOVE_NAMES: [&str; 10] =
    ["position", "account", "move", "amount", "currency", "order", "number", "payout", "reference", "at"];

fn move_cells(m: &Move) -> Vec<String> {
    let (order, number) = m.order.clone().map(|(id, n)| (id.to_string(), n)).unwrap_or_default();
    vec![
        m.position.to_string(),
        m.account.to_string(),
        m.kind.clone(),
        m.amount.decimal(),
        m.amount.currency.to_string(),
        order,
        number,
        m.payout.map(|id| id.to_string()).unwrap_or_default(),
        m.sent.clone().unwrap_or_default(),
        m.at.to_rfc3339(),
    ]
}

/// Every move of every credit, also of those that are used up.
async fn moves_file(req: Req) -> Result<Res, HttpError> {
    let app = Arc::clone(&req.app);
    Ok(exports::send("credit-moves", FileKind::of_path(&req), &MOVE_NAMES, move |last| {
        let app = Arc::clone(&app);
        async move {
            let rows = credits::moves_after(&app.reader, last, PART).await?;
            Ok(exports::part(&rows, move_cells, |m| m.position))
        }
    }))
}

async fn show(req: Req) -> Result<Res, HttpError> {
    view(&req, &Form::default(), &Errors::none()).await
}

fn what(m: &Move) -> Markup {
    let of = |words: &str| html! { (words) @if let Some((id, number)) = &m.order { " " a href={ "/billing/orders/" (id) } { (number) } } };
    match m.kind.as_str() {
        "granted" => of("From order"),
        "used" => of("Pays for order"),
        "given-back" => of("Given back by order"),
        "not-sent" => html! { "Not sent: credit again" },
        "handed-over" => html! { "Moved to the person's other account" },
        "taken-over" => html! { "Came from the person's other account" },
        _ if m.waiting => html! { "To be paid out " (chip(Tone::Warning, "To be sent")) },
        _ => {
            html! { "Paid out" @if let Some(reference) = &m.sent { " (" span.mono { (reference) } ")" } @else { ": not sent" } }
        }
    }
}

async fn view(req: &Req, form: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let account = req.id_param("account")?;
    let balances = credits::of_account(&req.app.reader, account).await?;
    if balances.is_empty() {
        return Err(HttpError::NotFound);
    }
    let moves = credits::moves(&req.app.reader, account, MOVES).await?;
    let names = names(req, &[account], "billing-credit").await?;
    let waiting = approvals::waiting(req, account).await?;
    let going: Vec<&Move> = moves.iter().filter(|m| m.waiting).collect();
    let columns = [Column::new("When"), Column::new("What"), Column::number("Amount")];
    let lines: Vec<Vec<Markup>> = moves
        .iter()
        .map(|m| vec![head(&format::moment(m.at)), cell(&what(m)), number(&m.amount.to_string())])
        .collect();
    let content = html! {
        (crumbs(&[Place::new("Credits", HERE)], "Credit"))
        (page_head("Credit of a member", None, None))
        (waiting)
        section.panel {
            p { (person(&names, account)) " has " strong.num { (sum(&balances)) } " of credit. The next orders in the same currency use it up before anything is charged or asked for; invoices state the full price." }
            @if balances.iter().any(|b| b.money.minor > 0) { p { (link("Pay it out", &format!("{HERE}/{account}/pay-out"), Weight::Plain)) } }
        }
        @if !going.is_empty() { (to_send(req, account, &going, form, errors)) }
        h2 { "Moves" }
        (table("Moves of this credit", &columns, &lines))
    };
    Ok(desk(req, "Credit", errors, &content))
}

/// Says what became of a transfer that waits; one form for all of them.
fn to_send(req: &Req, account: AccountId, waiting: &[&Move], form: &Form, errors: &Errors) -> Markup {
    let which = waiting.iter().map(|m| {
        let day = format::day(format::local_day(m.at));
        let words = format!("{}, asked for on {day}", m.amount.negated());
        (m.payout.unwrap_or_default().to_string(), words)
    });
    html! {
        section.panel aria-labelledby="send" {
            h2 #send { "Send it" }
            p { "Send the money from the studio's bank account, then say so here." }
            (form_of_acts(req, &format!("{HERE}/{account}/sent"), &html! {
                @if let [one] = waiting {
                    input type="hidden" name="payout" value=(one.payout.unwrap_or_default());
                    p { strong.num { (one.amount.negated()) } ", asked for on " (format::date(one.at)) }
                } @else {
                    (Field::new("payout", "Which one").value(form.get("payout")).mid().select(which).errors(errors).render())
                }
                (Field::new("reference", "The bank's number of the transfer").optional().hint("Needed when you say that it is sent.").value(form.get("reference")).maxlength(100).errors(errors).render())
                (Field::new("reason", "Reason").hint("Kept with the event.").value(form.get("reason")).maxlength(500).errors(errors).render())
                div.row { (submit_as("It is sent", "act", "sent", Weight::Main)) (submit_as("It is not sent", "act", "not-sent", Weight::Plain)) }
            }))
        }
    }
}

async fn ask(req: Req) -> Result<Res, HttpError> {
    asked(&req, &Form::default(), &Errors::none()).await
}

async fn asked(req: &Req, form: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let account = req.id_param("account")?;
    let balances = credits::of_account(&req.app.reader, account).await?;
    let there: Vec<&Balance> = balances.iter().filter(|b| b.money.minor > 0).collect();
    let names = names(req, &[account], "billing-credit").await?;
    let back = format!("{HERE}/{account}");
    let first = there.first().map_or_else(String::new, |b| b.money.decimal());
    let amount = if form.has("amount") { form.get("amount") } else { &first };
    let over = req.app.config.billing.second_person_over;
    let limit = there.first().map(|b| Money::new(over, b.money.currency).to_string()).unwrap_or_default();
    let content = html! {
        (crumbs(&[Place::new("Credits", HERE), Place::new("Credit", back.clone())], "Pay out"))
        (page_head("Pay a credit out", None, None))
        @if there.is_empty() && errors.is_empty() {
            p { "Nothing of " a href=(back) { "this credit" } " is left to pay out." }
        } @else {
            p { (person(&names, account)) " has " strong.num { (sum(&balances)) } " of credit. What is paid out is taken off at once, so that no order uses it meanwhile; you send it by bank transfer, then say that it is sent." }
            (post_form(req, &req.path, &html! {
                @match there.as_slice() {
                    [one] => { input type="hidden" name="currency" value=(one.money.currency.code()); },
                    several => { (Field::new("currency", "Which credit").value(form.get("currency")).mid().select(several.iter().map(|b| (b.money.currency.code(), b.money.to_string()))).render()) },
                }
                (Field::new("amount", "Amount").value(amount).inputmode("decimal").short()
                    .hint(&format!("Above {limit}, all that one person paid out of this credit within a year together, a second person has to agree.")).errors(errors).render())
                (Field::new("reason", "Reason").hint("Kept with the event.").value(form.get("reason")).maxlength(500).errors(errors).render())
                div.row { (submit("Pay out", Weight::Main)) (link("Back to the credit", &back, Weight::Quiet)) }
            }))
        }
    };
    Ok(desk(req, "Pay a credit out", errors, &content))
}

fn sum(balances: &[Balance]) -> String {
    let there = balances.iter().filter(|b| b.money.minor > 0 || balances.len() == 1);
    there.map(|b| b.money.to_string()).collect::<Vec<_>>().join(" + ")
}

async fn pay_out(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let account = req.id_param("account")?;
    let parsed = Currency::parse(form.get("currency"))
        .map_err(|e| e.to_string())
        .and_then(|c| Money::parse(form.get("amount"), c).map_err(|e| e.to_string()));
    let amount = match parsed {
        Ok(amount) => amount,
        Err(why) => return asked(&req, &form, &Errors::one("amount", why)).await,
    };
    let (meta, reason) = match with_reason(&req, &form, account) {
        Ok(both) => both,
        Err(errors) => return asked(&req, &form, &errors).await,
    };
    let id = req.command_id(&form);
    let payout = derive_id("credit-payout", &id.to_string());
    let what = Act::PayOutCredit { payout, amount };
    match approvals::ask(&req, &form, (account, None), what, (meta.clone(), reason.clone())).await? {
        Some(Ok(asked)) => return Ok(asked),
        Some(Err(errors)) => return asked(&req, &form, &errors).await,
        None => {}
    }
    let command = CreditCommand::PayOut { payout, amount, by: req.account()?.id, at: req.now() };
    let envelope = Envelope::new(id, account, command, meta).with_private(vec![reason]);
    match req.app.bus.dispatch::<Credit>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &format!("{HERE}/{account}"))),
        Err(CommandError::Refused(why)) => asked(&req, &form, &Errors::one("amount", why.to_string())).await,
        Err(other) => Err(other.into()),
    }
}

async fn sent(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let account = req.id_param("account")?;
    let payout = Uuid::parse_str(form.get("payout")).map_err(|_| HttpError::NotFound)?;
    let reference = match form.get("act") {
        "sent" if form.get("reference").is_empty() => {
            let words = "Enter the number of the transfer: the auditor will ask for it.";
            return view(&req, &form, &Errors::one("reference", words)).await;
        }
        "sent" => Some(form.get("reference").to_owned()),
        "not-sent" => None,
        _ => return Err(HttpError::BadRequest("Choose whether it is sent.".into())),
    };
    let (meta, reason) = match with_reason(&req, &form, account) {
        Ok(both) => both,
        Err(errors) => return view(&req, &form, &errors).await,
    };
    let command = CreditCommand::SettlePayOut { payout, reference, at: req.now() };
    let envelope = Envelope::new(req.command_id(&form), account, command, meta).with_private(vec![reason]);
    match req.app.bus.dispatch::<Credit>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &format!("{HERE}/{account}"))),
        Err(CommandError::Refused(why)) => view(&req, &form, &Errors::one("", why.to_string())).await,
        Err(other) => Err(other.into()),
    }
}
