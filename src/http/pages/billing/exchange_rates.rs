//! `/billing/exchange-rates`: rates of exchange of the euro, with which returns for the one-stop shop are converted.

use super::{BILLING, desk};
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::exchange_rates::{self as rates, RatesError};
use crate::domain::exchange::{
    ExchangeBook, ExchangeCommand, ExchangeError, ExchangeSource, Quote, exchange_book_id, millionths,
    rate_words,
};
use crate::domain::shared::Currency;
use crate::domain::shared::calendar::{day_of, day_words};
use crate::http::error::HttpError;
use crate::http::pages::membership::shared::today;
use crate::http::response::after;
use crate::http::route::Route;
use crate::http::sent_file::form_with_file;
use crate::http::ui::button::submit;
use crate::http::ui::table::{cell, head, number, text};
use crate::http::ui::{
    Column, Errors, Field, Tone, Weight, form as post_form, format, hidden_fields, notice_text, page_head,
    table,
};
use crate::http::{Form, Req, Res};
use crate::projections::exchange_rates::{self, Noted};
use crate::projections::people;
use chrono::Datelike as _;
use maud::{Markup, html};
use std::collections::HashMap;
use uuid::Uuid;

const HERE: &str = "/billing/exchange-rates";
/// Noted rates on the page.
const LAST: i64 = 100;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(HERE, BILLING, show),
        Route::post(HERE, BILLING, enter),
        Route::post("/billing/exchange-rates/file", BILLING, import).stream_body(),
    ]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    view(&req, &Form::default(), &Errors::none()).await
}

async fn view(req: &Req, form: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let reader = &req.app.reader;
    let noted = exchange_rates::noted(reader, LAST).await?;
    let by: Vec<Uuid> = noted.iter().filter_map(|n| n.by).collect();
    let names = people::display_names(reader, &by).await?;
    let today = today(req)?;
    let missing = rates::missing(&req.app, today).await?;
    let missing: Vec<String> =
        missing.iter().map(|(currency, last)| format!("{currency} for {}", day_words(*last))).collect();
    let fetched = req.app.config.billing.exchange_rates_url().is_some();
    let content = html! {
        (page_head("Exchange rates", Some("Returns for the one-stop shop are in euro: other currencies are converted at the reference rate of the European Central Bank for the last day of the quarter, or of the next day that has one. Nothing is converted without a rate."), None))
        @match req.query("noted") {
            "" => {},
            "0" => (notice_text(Tone::Info, "Everything that is needed of this file was noted before.")),
            n => (notice_text(Tone::Success, &format!("Rates that were noted from the file: {n}."))),
        }
        @if !missing.is_empty() { (notice_text(Tone::Warning, &format!("Missing: {}.", missing.join(", ")))) }
        @if fetched { p { "While a rate is missing, the bank's file is fetched by itself every day. What went wrong with that stands in the runs of the job exchange-rates, for operators." } }
        section.panel aria-labelledby="file" {
            h2 #file { "Send the bank's file" }
            p { "eurofxref.csv, eurofxref-hist.csv, or the same as XML, as the European Central Bank publishes them. Of the file, what a quarter with invoices in another currency needs is noted." }
            form.form method="post" action={ (HERE) "/file" } enctype="multipart/form-data" {
                (hidden_fields(req))
                (Field::new("file", "File").kind("file").errors(errors).render())
                (submit("Note its rates", Weight::Main))
            }
        }
        section.panel aria-labelledby="enter" {
            h2 #enter { "Or enter a rate" }
            (post_form(req, HERE, &html! {
                (Field::new("currency", "Currency").value(form.get("currency")).maxlength(3).short().hint("Such as USD.").errors(errors).render())
                (Field::new("day", "Day").kind("date").value(form.get("day")).mid().errors(errors).render())
                (Field::new("rate", "One euro is").value(form.get("rate")).inputmode("decimal").maxlength(16).short().hint("In that currency, such as 1.0856. Another rate for the same day takes the place of the former; both stay in the log.").errors(errors).render())
                (submit("Note this rate", Weight::Plain))
            }))
        }
        (history(&noted, &names))
    };
    Ok(desk(req, "Exchange rates", errors, &content))
}

fn history(noted: &[Noted], names: &HashMap<Uuid, String>) -> Markup {
    let columns = [
        Column::new("Day"),
        Column::new("Currency"),
        Column::number("One euro is"),
        Column::number("Before"),
        Column::new("From"),
        Column::new("Noted"),
    ];
    let rows: Vec<Vec<Markup>> = noted
        .iter()
        .map(|n| {
            let by = match n.by {
                None => "by itself",
                Some(id) => names.get(&id).map_or("Deleted account", String::as_str),
            };
            let from = match n.source.as_str() {
                "file" => "the bank's file",
                "fetched" => "the bank's file, fetched",
                _ => "entered",
            };
            vec![
                head(&html! { (format::day(n.quote.day)) }),
                text(n.quote.currency.code()),
                number(&rate_words(n.quote.millionths)),
                n.previous.map_or_else(|| number("—"), |p| number(&rate_words(p))),
                text(from),
                cell(&html! { (by) ", " (format::date(n.noted_at)) }),
            ]
        })
        .collect();
    html! { @if !rows.is_empty() { h2 { "Noted" } (table("Rates that were noted", &columns, &rows)) } }
}

async fn enter(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let mut errors = Errors::none();
    let currency = Currency::parse(form.get("currency")).map_err(|e| errors.add("currency", e.to_string()));
    // The euro, against which rates are noted, began in 1999.
    let day = day_of(form.get("day")).filter(|day| day.year() >= 1999);
    if day.is_none() {
        errors.add("day", "Enter the day of the rate, such as 2026-09-30.");
    }
    let rate = millionths(form.get("rate"));
    if rate.is_none() {
        errors.add("rate", ExchangeError::Rate.to_string());
    }
    let (Ok(currency), Some(day), Some(millionths)) = (currency, day, rate) else {
        return view(&req, &form, &errors).await;
    };
    let quotes = vec![Quote { day, currency, millionths }];
    let (today, at) = (today(&req)?, req.now());
    let command = ExchangeCommand::Note { quotes, source: ExchangeSource::Staff, today, at };
    let envelope = Envelope::new(req.command_id(&form), exchange_book_id(), command, req.meta());
    match req.app.bus.dispatch::<ExchangeBook>(envelope).await {
        Ok(receipt) => Ok(after(receipt, HERE)),
        Err(CommandError::Refused(why)) => {
            let field = match why {
                ExchangeError::Euro => "currency",
                ExchangeError::Rate => "rate",
                ExchangeError::Future => "day",
            };
            view(&req, &form, &Errors::one(field, why.to_string())).await
        }
        Err(other) => Err(other.into()),
    }
}

async fn import(mut req: Req) -> Result<Res, HttpError> {
    let most = req.app.config.billing.statement_bytes;
    let words = format!("The file is larger than {}.", format::bytes(most as u64));
    let (form, bytes) = form_with_file(&mut req, most, &words).await?;
    if bytes.is_empty() {
        return view(&req, &form, &Errors::one("file", "Choose a file first.")).await;
    }
    let command = (req.command_id(&form), req.meta());
    match rates::import(&req.app, (&bytes, ExchangeSource::File), today(&req)?, command).await {
        Ok((receipt, new)) => Ok(after(receipt, &format!("{HERE}?noted={new}"))),
        Err(why @ (RatesError::File(_) | RatesError::Book(CommandError::Refused(_)))) => {
            view(
                &req,
                &form,
                &Errors::one(
                    "file",
                    format!("{}. Nothing was noted.", why.to_string().trim_end_matches('.')),
                ),
            )
            .await
        }
        Err(RatesError::Book(other)) => Err(other.into()),
        Err(RatesError::Store(error)) => Err(error.into()),
    }
}
