//! `/billing/plans`: what is sold. A price is never changed in place: a new one is added, the old
//! one withdrawn, and those who have it keep it, unless staff announce another price to them.

use super::{BILLING, desk, price_change};
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::payments;
use crate::domain::plan::{LONGEST_TRIAL, Plan, PlanCommand, PlanError, Variation};
use crate::domain::shared::calendar::{Interval, IntervalUnit, day_words};
use crate::domain::shared::payment::Collection;
use crate::domain::shared::seats::Seats;
use crate::domain::shared::{Currency, Money, derive_id};
use crate::http::error::HttpError;
use crate::http::response::after;
use crate::http::route::Route;
use crate::http::ui::button::{submit, submit_small};
use crate::http::ui::table::{cell, head, number, text};
use crate::http::ui::{
    Column, Errors, Field, Icon, Tone, Weight, checkbox_with_id, chip, empty, form as post_form, form_inline,
    page_head, table,
};
use crate::http::{Form, Req, Res};
use crate::projections::plans::{self, Listed};
use maud::{Markup, html};
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/billing/plans", BILLING, show),
        Route::post("/billing/plans", BILLING, create),
        Route::post("/billing/plans/{plan}", BILLING, describe),
        Route::post("/billing/plans/{plan}/prices", BILLING, add),
        Route::post("/billing/plans/{plan}/prices/{variation}/withdraw", BILLING, withdraw),
        Route::post("/billing/plans/{plan}/price-change", BILLING, price_change::announce),
    ]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    view(&req, &Form::default(), &Errors::none()).await
}

pub(super) async fn view(req: &Req, form: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let offers = plans::all(&req.app.reader).await?;
    let known = plans::names(&req.app.reader).await?;
    let columns = [
        Column::new("Plan"),
        Column::number("Price"),
        Column::new("Every"),
        Column::new("Collection"),
        Column::new("Sold"),
        Column::new("Act"),
    ];
    let rows: Vec<Vec<Markup>> = offers.iter().map(|listed| row(req, listed, &offers)).collect();
    let content = html! {
        (page_head("Plans", Some("A price is never changed in place. Add the new one and withdraw the old: members keep what they agreed to, unless you announce the new price to them."), None))
        @if rows.is_empty() { (empty(Icon::Info, "Nothing is sold yet", "Create a plan below and add a price: then people can join.", None)) }
        @else { (table("Prices", &columns, &rows)) }
        @for (plan, name) in &known {
            (words_form(req, *plan, name, form, errors).await?)
            (price_form(req, *plan, name, form, errors))
            (price_change::fold(req, *plan, name, &offers, form, errors))
        }
        section.panel aria-labelledby="new" {
            h2 #new { "New plan" }
            (post_form(req, "/billing/plans", &html! {
                (Field::new("name", "Name").value(form.get("name")).maxlength(80).mid().errors(errors).render())
                (Field::new("summary", "One sentence for the join page").value(form.get("summary")).maxlength(200).errors(errors).render())
                (submit("Create plan", Weight::Plain))
            }))
        }
    };
    Ok(desk(req, "Plans", errors, &content))
}

fn row(req: &Req, listed: &Listed, all: &[Listed]) -> Vec<Markup> {
    let Listed { offer, sold, moves } = listed;
    let sold = *sold;
    let v = &offer.variation;
    let moves = moves.and_then(|(to, on)| {
        Some((all.iter().find(|l| l.offer.variation.id == to)?.offer.variation.price, on))
    });
    let collection: &'static str = v.collection.into();
    let action = format!("/billing/plans/{}/prices/{}/withdraw", offer.plan, v.id);
    vec![
        head(
            &html! { (offer.name) @if let Some(seats) = v.seats { br; span.small.dim { (seats.words()) } } },
        ),
        number(&v.price.to_string()),
        text(&if v.trial_days > 0 {
            format!("{}, {} days of trial", v.interval.words(), v.trial_days)
        } else {
            v.interval.words()
        }),
        text(collection),
        cell(
            &html! { @if let Some((price, on)) = moves { (chip(Tone::Info, &format!("{price} from {}", day_words(on)))) } @else if shadowed(listed, all) { (chip(Tone::Warning, "Behind another price")) br; span.small.dim { "Not offered: withdraw one of the two." } } @else if sold { (chip(Tone::Success, if v.default { "Default" } else { "Sold" })) } @else { (chip(Tone::Plain, "Withdrawn")) } },
        ),
        cell(&html! { @if sold { (form_inline(req, &action, &submit_small("Withdraw", Weight::Plain))) } }),
    ]
}

/// Whether another price of the same plan, interval and terms is offered instead of it: the default, else the older one.
fn shadowed(listed: &Listed, all: &[Listed]) -> bool {
    let terms = |l: &Listed| {
        let v = &l.offer.variation;
        (l.offer.plan, v.price.currency, v.interval, v.collection, v.seats)
    };
    let v = &listed.offer.variation;
    let same: Vec<&Listed> = all.iter().filter(|l| l.sold && terms(l) == terms(listed)).collect();
    let first = same.iter().find(|l| l.offer.variation.default).or_else(|| same.first());
    let apart = v.collection == Collection::Managed;
    listed.sold && !apart && first.is_some_and(|l| l.offer.variation.id != v.id)
}

/// The id of a field in a form of one plan: there is such a form for each on the page.
pub(super) fn field_id(plan: Uuid, field: &str) -> String {
    format!("{field}-{plan}")
}

/// The fields of name and sentence of one plan.
fn word_fields(plan: Uuid) -> [String; 2] {
    ["name", "summary"].map(|field| field_id(plan, field))
}

/// The form that corrects name and sentence.
async fn words_form(
    req: &Req,
    plan: Uuid,
    name: &str,
    form: &Form,
    errors: &Errors,
) -> Result<Markup, HttpError> {
    let here = form.get("plan") == plan.to_string() && form.get("what") == "words";
    let none = (Form::default(), Errors::none());
    let (form, errors) = if here { (form, errors) } else { (&none.0, &none.1) };
    let summary = plans::summary(&req.app.reader, plan).await?.unwrap_or_default();
    let [name_field, summary_field] = word_fields(plan);
    let value = |field: &str, now| if here { form.get(field).to_owned() } else { now };
    Ok(html! {
        details.fold open[here] {
            summary { "Name and sentence of " (name) }
            (post_form(req, &format!("/billing/plans/{plan}"), &html! {
                input type="hidden" name="plan" value=(plan);
                input type="hidden" name="what" value="words";
                p.small { "Members keep the name under which they took the plan." }
                (Field::new(&name_field, "Name").value(&value(&name_field, name.to_owned())).maxlength(80).mid().errors(errors).render())
                (Field::new(&summary_field, "One sentence below it").value(&value(&summary_field, summary)).maxlength(200).errors(errors).render())
                (submit("Save the words", Weight::Plain))
            }))
        }
    })
}

/// What is wrong with the words of a plan: none may have the name of another.
async fn words(
    req: &Req,
    form: &Form,
    plan: Uuid,
    [name_field, summary_field]: [&str; 2],
) -> Result<Errors, HttpError> {
    let mut errors = Errors::none();
    let summary = form.get(summary_field);
    if summary.is_empty() || summary.chars().count() > 200 {
        errors.add(summary_field, "Say in one sentence what members get.");
    }
    let same = |name: &str| name.to_lowercase() == form.get(name_field).trim().to_lowercase();
    let known = plans::names(&req.app.reader).await?;
    if known.iter().any(|(other, name)| *other != plan && same(name)) {
        errors.add(name_field, "Another plan has this name: choose one that tells them apart.");
    }
    Ok(errors)
}

async fn describe(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let plan = req.id_param("plan")?;
    let [name, summary] = word_fields(plan);
    let errors = words(&req, &form, plan, [&name, &summary]).await?;
    if !errors.is_empty() {
        return view(&req, &form, &errors).await;
    }
    let (name, summary, at) = (form.get(&name).to_owned(), form.get(&summary).to_owned(), req.now());
    send(&req, &form, plan, PlanCommand::Describe { name, summary, at }).await
}

fn price_form(req: &Req, plan: Uuid, name: &str, form: &Form, errors: &Errors) -> Markup {
    let here = form.get("plan") == plan.to_string() && !matches!(form.get("what"), "price-change" | "words");
    let none = (Form::default(), Errors::none());
    let (form, errors) = if here { (form, errors) } else { (&none.0, &none.1) };
    let id = |field: &str| field_id(plan, field);
    html! {
        details.fold open[here] {
            summary { "Add a price to " (name) }
            (post_form(req, &format!("/billing/plans/{plan}/prices"), &html! {
                input type="hidden" name="plan" value=(plan);
                (Field::new("price", "Price, tax included").id(&id("price")).value(form.get("price")).inputmode("decimal").placeholder("11.50").short().errors(errors).render())
                (Field::new("currency", "Currency").id(&id("currency")).value(if form.has("currency") { form.get("currency") } else { "EUR" }).maxlength(3).short().errors(errors).render())
                (Field::new("length", "Every").id(&id("length")).value(if form.has("length") { form.get("length") } else { "1" }).inputmode("numeric").short().errors(errors).render())
                (Field::new("unit", "Unit").id(&id("unit")).value(if form.has("unit") { form.get("unit") } else { "month" }).select([("day", "days"), ("week", "weeks"), ("month", "months"), ("year", "years")]).short().errors(errors).render())
                (Field::new("collection", "Collection").id(&id("collection")).value(form.get("collection")).select([("automatic", "Automatic: the clock charges a card"), ("manual", "Manual: the member transfers"), ("managed", "Managed: staff send the bill")]).mid().errors(errors).render())
                (Field::new("trial_days", "Days of trial").id(&id("trial_days")).optional().value(form.get("trial_days")).inputmode("numeric").short()
                    .hint("Before the first payment, for who joins for the first time.").errors(errors).render())
                (Field::new("seats", "Seats, for a team").id(&id("seats")).optional().value(form.get("seats")).maxlength(9).short()
                    .hint("A number, or the word unlimited. Empty: for one person.").errors(errors).render())
                (checkbox_with_id((&id("default"), "default"), "Offer it first", form.ticked("default"), None))
                (submit("Add price", Weight::Plain))
            }))
        }
    }
}

pub(super) async fn send(req: &Req, form: &Form, plan: Uuid, command: PlanCommand) -> Result<Res, HttpError> {
    let envelope = Envelope::new(req.command_id(form), plan, command, req.meta());
    match req.app.bus.dispatch::<Plan>(envelope).await {
        Ok(receipt) => Ok(after(receipt, "/billing/plans")),
        Err(CommandError::Refused(why)) => {
            let [name, summary] = match form.get("what") {
                "words" => word_fields(plan),
                _ => ["name".into(), "summary".into()],
            };
            let field = match why {
                PlanError::Name => name,
                PlanError::Summary => summary,
                PlanError::TooSoon { .. } => field_id(plan, "on"),
                PlanError::Price => field_id(plan, "price"),
                PlanError::Trial => field_id(plan, "trial_days"),
                _ => String::new(),
            };
            view(req, form, &Errors::one(&field, why.to_string())).await
        }
        Err(other) => Err(other.into()),
    }
}

async fn create(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let plan = derive_id(&req.command_id(&form).to_string(), "plan");
    let errors = words(&req, &form, plan, ["name", "summary"]).await?;
    if !errors.is_empty() {
        return view(&req, &form, &errors).await;
    }
    let (name, summary, at) = (form.get("name").to_owned(), form.get("summary").to_owned(), req.now());
    send(&req, &form, plan, PlanCommand::Create { name, summary, at }).await
}

async fn add(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let plan = req.id_param("plan")?;
    let mut errors = Errors::none();
    let id = |field: &str| field_id(plan, field);
    let currency =
        Currency::parse(form.get("currency")).map_err(|e| errors.add(&id("currency"), e.to_string())).ok();
    let price = currency.and_then(|c| {
        Money::parse(form.get("price"), c).map_err(|e| errors.add(&id("price"), e.to_string())).ok()
    });
    let price = price.filter(|price| {
        let fine = payments::can_charge(&req.app, *price);
        if !fine {
            errors.add(
                &id("price"),
                "The payment service cannot charge this amount: it is too small, or its last digit must be 0 in this currency.",
            );
        }
        fine
    });
    let unit = match form.get("unit") {
        "day" => Some(IntervalUnit::Day),
        "week" => Some(IntervalUnit::Week),
        "month" => Some(IntervalUnit::Month),
        "year" => Some(IntervalUnit::Year),
        _ => None,
    };
    let collection = match form.get("collection") {
        "automatic" => Some(Collection::Automatic),
        "manual" => Some(Collection::Manual),
        "managed" => Some(Collection::Managed),
        _ => None,
    };
    if unit.is_none() {
        errors.add(&id("unit"), "Choose days, weeks, months or years.");
    }
    if collection.is_none() {
        errors.add(&id("collection"), "Choose who sees to it that a period is paid.");
    }
    let trial_days =
        if form.get("trial_days").is_empty() { Some(0) } else { form.get("trial_days").parse().ok() }
            .filter(|days| *days <= LONGEST_TRIAL);
    if trial_days.is_none() {
        errors.add(&id("trial_days"), format!("Enter 0 to {LONGEST_TRIAL} days."));
    }
    let seats = Seats::parse(form.get("seats")).map_err(|why| errors.add(&id("seats"), why)).ok();
    let length = form.get("length").parse().unwrap_or(0);
    let interval = unit
        .and_then(|u| Interval::new(u, length).map_err(|e| errors.add(&id("length"), e.to_string())).ok());
    let (Some(price), Some(interval), Some(collection), Some(trial_days), Some(seats)) =
        (price, interval, collection, trial_days, seats)
    else {
        return view(&req, &form, &errors).await;
    };
    let id = derive_id(&req.command_id(&form).to_string(), "price");
    let variation =
        Variation { id, price, interval, collection, default: form.ticked("default"), trial_days, seats };
    let at = req.now();
    send(&req, &form, plan, PlanCommand::AddVariation { variation, at }).await
}

async fn withdraw(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let (plan, variation) = (req.id_param("plan")?, req.id_param("variation")?);
    let at = req.now();
    send(&req, &form, plan, PlanCommand::WithdrawVariation { variation, at }).await
}
