//! `/billing/subscriptions/{id}/what-if`: the same life with another plan, price, interval or policy. Nothing is written.

use super::{BILLING, desk};
use crate::actors::payments::{bank_account, card_gateway, policy};
use crate::domain::order::OrderEvent;
use crate::domain::order_process::Till;
use crate::domain::order_process::what_if::{
    Difference, History, OrderLine, OtherRules, Replay, as_recorded, replay,
};
use crate::domain::shared::Money;
use crate::domain::shared::calendar::{Interval, IntervalUnit, day_words};
use crate::domain::shared::payment::OrderReason;
use crate::domain::subscription::{Status, SubscriptionEvent};
use crate::http::error::HttpError;
use crate::http::pages::membership::shared::{country, period_words};
use crate::http::pages::membership::subscription::order_chip;
use crate::http::route::Route;
use crate::http::ui::button::submit;
use crate::http::ui::format::local_day;
use crate::http::ui::layout::{Place, crumbs};
use crate::http::ui::table::{cell, head, number, text};
use crate::http::ui::{Column, Errors, Field, Tone, Weight, facts, notice_text, page_head, table};
use crate::http::{Req, Res};
use crate::projections::plans::{self, Offer};
use crate::projections::subscriptions::{self, SubscriptionRow};
use crate::projections::{subscription_timeline, subscription_words, tax_rates};
use maud::{Markup, html};

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/billing/subscriptions/{id}/what-if", BILLING, show)]
}

/// What was asked for, and what in it cannot be read.
fn difference(req: &Req, row: &SubscriptionRow, plans: &[Offer], errors: &mut Errors) -> Difference {
    let mut wanted = Difference::default();
    let agreed = row.state.terms();
    // A plan is its price and its interval; what is typed besides counts more.
    let plan = req.query("plan");
    match plans.iter().find(|o| o.variation.id.to_string() == plan) {
        Some(offer) => {
            wanted.price = Some(offer.variation.price);
            wanted.interval = Some(offer.variation.interval);
        }
        None if !plan.is_empty() => errors.add("plan", "Choose a plan from the list, or none."),
        None => {}
    }
    if let (Some(terms), false) = (agreed, req.query("price").is_empty()) {
        match Money::parse(req.query("price"), terms.price.currency) {
            Ok(price) if price.minor > 0 => wanted.price = Some(price),
            Ok(_) => errors.add("price", "A price is more than zero."),
            Err(why) => errors.add("price", why.to_string()),
        }
    }
    if !req.query("length").is_empty() {
        let unit = match req.query("unit") {
            "day" => IntervalUnit::Day,
            "week" => IntervalUnit::Week,
            "year" => IntervalUnit::Year,
            _ => IntervalUnit::Month,
        };
        match Interval::new(unit, req.query("length").parse().unwrap_or(0)) {
            Ok(interval) => wanted.interval = Some(interval),
            Err(why) => errors.add("length", why.to_string()),
        }
    }
    let mut number = |field: &str, most: u16| -> Option<u16> {
        let typed = req.query(field);
        let number = typed.parse().ok().filter(|n| (1..=most).contains(n));
        if number.is_none() && !typed.is_empty() {
            errors.add(field, format!("Enter a number from 1 to {most}, or leave it empty."));
        }
        number
    };
    let (attempts, retry, weeks) =
        (number("attempts", 20), number("retry_days", 60), number("expiry_weeks", 260));
    wanted.rules = OtherRules {
        attempts: attempts.and_then(|n| u8::try_from(n).ok()),
        retry_after_days: retry,
        expire_after_weeks: weeks,
    };
    wanted
}

/// The plans that the member could have instead: sold in the same currency, and paid in the same way.
async fn other_plans(req: &Req, row: &SubscriptionRow) -> Result<Vec<Offer>, HttpError> {
    let Some(agreed) = row.state.terms() else { return Ok(vec![]) };
    let all = plans::offers(&req.app.reader, agreed.price.currency.code()).await?;
    let fits = |o: &Offer| o.variation.collection == agreed.collection && o.variation.id != agreed.variation;
    Ok(all.into_iter().filter(fits).collect())
}

async fn history(req: &Req, row: &SubscriptionRow) -> Result<History, HttpError> {
    let entries = subscription_timeline::of(&req.app.reader, row.id, None).await?;
    let mut history = History::default();
    for entry in &entries {
        if let Some(event) = entry.decode::<SubscriptionEvent>() {
            history.subscription.push((entry.effective_at, event));
        } else if let Some(event) = entry.decode::<OrderEvent>() {
            history.orders.push((entry.effective_at, entry.subject, event));
        }
    }
    Ok(history)
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let row = subscriptions::one(&req.app.reader, req.id_param("id")?).await?.ok_or(HttpError::NotFound)?;
    let mut errors = Errors::none();
    let plans = other_plans(&req, &row).await?;
    let wanted = difference(&req, &row, &plans, &mut errors);
    let history = history(&req, &row).await?;
    let till = Till {
        home: country(&req, ""),
        card_gateway: card_gateway(&req.app).map(str::to_owned),
        iban: bank_account(&req.app.config).map(|(iban, _)| iban.as_str().to_owned()).unwrap_or_default(),
        rates: tax_rates::rates(&req.app.reader, None).await?,
    };
    let live = |d: &Difference| replay(&history, d, policy(&req.app.config), &till, req.now());
    // What happened is read from the log: lived again it may come to something else, where a clock stood still.
    let as_it_is = as_recorded(&history, req.now());
    let again = live(&Difference::default());
    let strays = as_it_is.as_ref().zip(again.as_ref()).filter(|(was, again)| !was.comes_to(again));
    let other = (wanted != Difference::default() && errors.is_empty()).then(|| live(&wanted)).flatten();
    let content = html! {
        (crumbs(&[Place::new("Subscriptions", "/billing/subscriptions"), Place::new(row.plan(), format!("/billing/subscriptions/{}", row.id))], "What if"))
        (page_head("What if?", Some("The same life with other terms: what people did stays, the clock runs every day, and the card answers as it last really did. Nothing is written."), None))
        (form(&req, &row, &plans, &errors))
        @if let (Some(was), Some(would)) = (&as_it_is, &other) {
            (compared(&row, was, would))
            @if let Some((_, again)) = &strays { (notice_text(Tone::Warning, &strays_words(&row, again))) }
        }
        @if let Some(was) = &as_it_is { (lived("As it is", &row, was)) }
        @if let Some(would) = &other { (lived("As it would be", &row, would)) }
    };
    Ok(desk(&req, "What if", &errors, &content))
}

fn form(req: &Req, row: &SubscriptionRow, plans: &[Offer], errors: &Errors) -> Markup {
    let field = |name: &'static str, label: &'static str| {
        Field::new(name, label).optional().value(req.query(name)).inputmode("numeric").short().errors(errors)
    };
    let currency = row.state.terms().map(|t| t.price.currency.code()).unwrap_or_default();
    let choices = plans.iter().map(|o| {
        let words = format!("{}: {} per {}", o.title(), o.variation.price, o.variation.interval.words());
        (o.variation.id.to_string(), words)
    });
    html! {
        form.form.panel method="get" action=(req.path) {
            @if !plans.is_empty() {
                (Field::new("plan", "Another plan").optional().value(req.query("plan")).mid().errors(errors)
                    .hint("From the beginning. A price or an interval below counts instead of the plan's.")
                    .select([(String::new(), "The plan it was".to_owned())].into_iter().chain(choices)).render())
            }
            (field("price", "Price of a period").inputmode("decimal").hint(&format!("In {currency}, tax included, from the beginning.")).render())
            (field("length", "Every").render())
            (Field::new("unit", "Unit").value(if req.query("unit").is_empty() { "month" } else { req.query("unit") })
                .select([("day", "days"), ("week", "weeks"), ("month", "months"), ("year", "years")]).short().render())
            (field("attempts", "Attempts before it is on hold").render())
            (field("retry_days", "Days between two attempts").render())
            (field("expiry_weeks", "Weeks on hold before it expires").render())
            div.row { (submit("Reckon", Weight::Main)) }
        }
    }
}

fn money(row: &SubscriptionRow, minor: i64) -> String {
    row.price().map(|p| Money::new(minor, p.currency).to_string()).unwrap_or_default()
}

fn compared(row: &SubscriptionRow, was: &Replay, would: &Replay) -> Markup {
    let more = would.paid() - was.paid();
    let words = match more {
        0 => "The same would have been paid.".to_owned(),
        m if m > 0 => format!("{} more would have been paid.", money(row, m)),
        m => format!("{} less would have been paid.", money(row, -m)),
    };
    let days = i64::from(would.days_of_access) - i64::from(was.days_of_access);
    let access = match days {
        0 => String::new(),
        d if d > 0 => format!(" {d} more days with access."),
        d => format!(" {} fewer days with access.", -d),
    };
    notice_text(if more == 0 && days == 0 { Tone::Plain } else { Tone::Info }, &format!("{words}{access}"))
}

/// That this life does not repeat itself exactly, so that not every difference comes from the other terms.
fn strays_words(row: &SubscriptionRow, again: &Replay) -> String {
    format!(
        "Lived again with the terms that it had, this life comes to {} paid and is {}: a clock stood still once, or something happened that is not lived again. Not all of the difference comes from the other terms.",
        money(row, again.paid()),
        status_words(again.status)
    )
}

fn lived(title: &str, row: &SubscriptionRow, life: &Replay) -> Markup {
    let columns = [
        Column::new("Made on"),
        Column::new("For"),
        Column::new("Status"),
        Column::number("Amount"),
        Column::number("Declined"),
        Column::new("Paid on"),
    ];
    let rows: Vec<Vec<Markup>> = life.orders.iter().map(line).collect();
    html! {
        section.stack {
            h2 { (title) }
            (facts(&[
                ("Paid in all", html! { strong.num { (money(row, life.paid())) } }),
                ("Status", html! { (status_words(life.status)) @if life.parked { ", parked for staff" } }),
                ("Next payment", html! { @if let Some(day) = life.next_due_on { (day_words(day)) } @else { "none" } }),
                ("Days with access", html! { span.num { (life.days_of_access) } }),
            ]))
            @if !life.refused.is_empty() {
                p.small.dim { "Not possible in this life:" }
                ul.small.dim {
                    @for (at, event) in &life.refused { li { (day_words(local_day(*at))) ": " (subscription_words::subscription(event).what) } }
                }
            }
            @if !rows.is_empty() { (table(title, &columns, &rows)) }
        }
    }
}

fn status_words(status: Status) -> &'static str {
    match status {
        Status::Active => "active",
        Status::PendingCancellation => "cancelled, ends with the paid time",
        Status::OnHold => "on hold",
        Status::Cancelled => "ended",
        Status::Expired => "expired",
    }
}

fn line(order: &OrderLine) -> Vec<Markup> {
    let what = match order.reason {
        OrderReason::Join => "Joining",
        OrderReason::Renewal => "Renewal",
        OrderReason::PlanChange => "Change of plan",
        OrderReason::Gift => "Gift",
    };
    let status: &'static str = order.status.into();
    vec![
        head(&html! { (day_words(order.on)) }),
        text(&order.period.map_or_else(|| what.into(), |p| format!("{what}, {}", period_words(p)))),
        cell(&order_chip(status)),
        number(&order.gross.to_string()),
        number(&if order.declined == 0 && order.status.is_settled() {
            String::new()
        } else {
            order.declined.to_string()
        }),
        text(&order.paid_on.map(day_words).unwrap_or_default()),
    ]
}
