//! `/billing/tax-rates`: the rates of VAT by country, what they were and will be.

use super::{BILLING, desk};
use crate::actors::bus::{CommandError, Envelope};
use crate::domain::shared::PersonalValue;
use crate::domain::shared::calendar::{day_of, day_words};
use crate::domain::shared::tax::{COUNTRIES, Country};
use crate::domain::shared::tax_rates::{DatedRate, RateTable, parse_percent, percent};
use crate::domain::tax_book::{TaxBook, TaxBookCommand, TaxBookError, book_id};
use crate::http::error::HttpError;
use crate::http::pages::membership::shared::today;
use crate::http::response::after;
use crate::http::route::Route;
use crate::http::ui::button::{submit, submit_as};
use crate::http::ui::table::{cell, head, number, text};
use crate::http::ui::{Column, Errors, Field, Weight, form as post_form, format, page_head, table};
use crate::http::{Form, Req, Res};
use crate::projections::people;
use crate::projections::tax_rates::{self, Change};
use chrono::NaiveDate;
use maud::{Markup, html};
use std::collections::HashMap;
use uuid::Uuid;

/// Longest reason, in characters.
const LONGEST_REASON: usize = 500;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/billing/tax-rates", BILLING, show), Route::post("/billing/tax-rates", BILLING, act)]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    view(&req, &Form::default(), &Errors::none()).await
}

async fn view(req: &Req, form: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let rates = tax_rates::rates(&req.app.reader, None).await?;
    let decided = tax_rates::changes(&req.app.reader).await?;
    let by: Vec<Uuid> = decided.iter().filter_map(|c| c.by).collect();
    let names = people::display_names(&req.app.reader, &by).await?;
    let today = today(req)?;
    let columns = [
        Column::new("Country"),
        Column::number("Rate now"),
        Column::new("Since"),
        Column::new("Next change"),
        Column::new("Before"),
    ];
    let mut countries = rates.countries();
    countries.sort_by_key(|country| country.name().to_owned());
    let rows: Vec<Vec<Markup>> = countries.iter().map(|c| row(*c, &rates, today)).collect();
    let content = html! {
        (page_head("Tax rates", Some("Standard rates of VAT. The rate on the day of supply counts, and every order keeps the one it was reckoned with. What counts already is never changed."), None))
        (table("Rates by country", &columns, &rows))
        (entry(req, form, errors))
        @if !decided.is_empty() { (history(&decided, &names)) }
    };
    Ok(desk(req, "Tax rates", errors, &content))
}

fn row(country: Country, rates: &RateTable, today: NaiveDate) -> Vec<Markup> {
    let now = rates.rate(country, today);
    let rates_of = rates.history(country);
    let (to_come, begun): (Vec<DatedRate>, Vec<DatedRate>) =
        rates_of.into_iter().partition(|r| r.from > today);
    let dated = |r: &DatedRate| format!("{} from {}", percent(r.basis_points), day_words(r.from));
    let coming: Vec<String> = to_come.iter().map(dated).collect();
    let before: Vec<String> = begun.iter().rev().skip(1).map(dated).collect();
    vec![
        head(&html! { (country.name()) }),
        number(&now.map_or_else(|| "none".into(), |(rate, _)| percent(rate))),
        text(&now.map(|(_, since)| day_words(since)).unwrap_or_default()),
        text(&coming.join(", ")),
        cell(&html! { span.small.dim { (before.join(", ")) } }),
    ]
}

fn entry(req: &Req, form: &Form, errors: &Errors) -> Markup {
    html! {
        section.panel aria-labelledby="enter" {
            h2 #enter { "Enter a change" }
            p.small {
                "Prices include the tax: for private buyers they stay, and the net amount moves. Businesses in other countries, which pay the net price, are told by mail what they will pay. "
                "Orders that were made in advance keep the rate that was known then."
            }
            (post_form(req, "/billing/tax-rates", &html! {
                (Field::new("country", "Country").value(form.get("country")).select(COUNTRIES.iter().copied()).mid().errors(errors).render())
                (Field::new("from", "First day").kind("date").value(form.get("from")).mid().hint("After today.").errors(errors).render())
                (Field::new("rate", "Rate in percent").value(form.get("rate")).placeholder("21 or 25.5").inputmode("decimal").maxlength(8).short()
                    .hint("Not needed to withdraw a change.").errors(errors).render())
                (Field::new("reason", "Reason").value(form.get("reason")).maxlength(LONGEST_REASON)
                    .hint("Where it is laid down, such as the law and its date. Kept with the event.").errors(errors).render())
                div.row {
                    (submit("Add this rate", Weight::Main))
                    (submit_as("Correct the rate of that day", "act", "correct", Weight::Plain))
                    (submit_as("Withdraw the change of that day", "act", "withdraw", Weight::Danger))
                }
            }))
        }
    }
}

fn history(decided: &[Change], names: &HashMap<Uuid, String>) -> Markup {
    let columns = [
        Column::new("Entered"),
        Column::new("Country"),
        Column::new("From"),
        Column::new("What"),
        Column::new("By"),
        Column::new("Reason"),
    ];
    let rows: Vec<Vec<Markup>> = decided
        .iter()
        .map(|c| {
            let what = match (c.before, c.after) {
                (Some(was), Some(is)) => format!("{} instead of {}", percent(is), percent(was)),
                (_, Some(is)) => percent(is),
                (was, None) => format!("{} withdrawn", was.map(percent).unwrap_or_default()),
            };
            let by = c.by.and_then(|id| names.get(&id)).map_or("Deleted account", String::as_str);
            vec![
                cell(&format::date(c.decided_at)),
                head(&html! { (c.country.name()) }),
                text(&day_words(c.from)),
                text(&what),
                text(by),
                text(c.reason.as_deref().unwrap_or("(erased with the account)")),
            ]
        })
        .collect();
    html! { section { h2 { "What was entered" } (table("Changes of tax rates", &columns, &rows)) } }
}

async fn act(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let mut errors = Errors::none();
    let country = Country::parse(form.get("country")).ok().filter(Country::is_offered);
    if country.is_none() {
        errors.add("country", TaxBookError::Country.to_string());
    }
    let from = day_of(form.get("from"));
    if from.is_none() {
        errors.add("from", "Enter the first day of the rate, such as 2027-01-01.");
    }
    let withdraws = form.get("act") == "withdraw";
    let rate = if withdraws { Some(0) } else { parse_percent(form.get("rate")) };
    if rate.is_none() {
        errors.add("rate", TaxBookError::Rate.to_string());
    }
    let reason = form.get("reason");
    if reason.is_empty() || reason.chars().count() > LONGEST_REASON {
        errors.add("reason", "Say why, in at most 500 characters: the reason is kept with the event.");
    }
    let (Some(country), Some(from), Some(basis_points), true) = (country, from, rate, errors.is_empty())
    else {
        return view(&req, &form, &errors).await;
    };
    let (today, at) = (today(&req)?, req.now());
    let command = match form.get("act") {
        "correct" => TaxBookCommand::Correct { country, from, basis_points, today, at },
        "withdraw" => TaxBookCommand::Withdraw { country, from, today, at },
        _ => TaxBookCommand::Add { country, from, basis_points, today, at },
    };
    let reason = PersonalValue::new(req.account()?.id, "reason", req.app.clock.new_id(), reason);
    let mut meta = req.meta();
    meta.reason = Some(reason.reference.clone());
    let envelope = Envelope::new(req.command_id(&form), book_id(), command, meta).with_private(vec![reason]);
    match req.app.bus.dispatch::<TaxBook>(envelope).await {
        Ok(receipt) => Ok(after(receipt, "/billing/tax-rates")),
        Err(CommandError::Refused(why)) => {
            let field = match why {
                TaxBookError::Country => "country",
                TaxBookError::Rate | TaxBookError::Same => "rate",
                TaxBookError::Past | TaxBookError::Exists | TaxBookError::Missing => "from",
            };
            view(&req, &form, &Errors::one(field, why.to_string())).await
        }
        Err(other) => Err(other.into()),
    }
}
