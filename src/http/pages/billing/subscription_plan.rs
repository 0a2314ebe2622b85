//! Another plan or a pause, by staff for a member: the same commands as the member's own, with a reason.

use crate::domain::shared::Money;
use crate::domain::shared::calendar::{day_of, day_words};
use crate::domain::shared::derive_id;
use crate::domain::subscription::{ChangeQuote, Status, SubscriptionCommand, SubscriptionError};
use crate::http::error::HttpError;
use crate::http::pages::membership::plan_change::{others, terms_of};
use crate::http::pages::membership::shared::TaxDesk;
use crate::http::ui::button::submit_as;
use crate::http::ui::{Errors, Field, Weight};
use crate::http::{Form, Req};
use crate::projections::subscriptions::SubscriptionRow;
use maud::{Markup, html};

/// The fields and buttons for plan and pause, where this state allows them; part of the form of acts.
pub(super) async fn fields(
    req: &Req,
    row: &SubscriptionRow,
    form: &Form,
    errors: &Errors,
) -> Result<Markup, HttpError> {
    let quiet = row.status == Status::Active && !row.state.is_parked() && row.state.open_order().is_none();
    if !quiet || row.state.pause().is_some() {
        return Ok(html! {});
    }
    // Why none is offered stands in the panel of acts already.
    let offers = others(req, row).await.unwrap_or_default();
    // What the member would pay: a business that accounts for the tax pays net.
    let desk = TaxDesk::open(req).await?;
    let to_pay = |price| desk.to_pay(row, price);
    let choices: Vec<(String, String)> = [(String::new(), "Keep the plan".to_owned())]
        .into_iter()
        .chain(offers.iter().map(|(offer, quote)| {
            let what = match quote {
                ChangeQuote::Now(p) => format!("at once, {} is charged", to_pay(p.amount())),
                ChangeQuote::On(day) => format!("from {}", day_words(*day)),
            };
            (
                offer.variation.id.to_string(),
                format!("{}, {}: {what}", offer.title(), to_pay(offer.variation.price)),
            )
        }))
        .collect();
    Ok(html! {
        @if choices.len() > 1 {
            (Field::new("variation", "Another plan").value(form.get("variation")).select(choices).errors(errors).render())
            @for (offer, quote) in &offers { input type="hidden" name={ "pay-" (offer.variation.id) } value=(quote.now()); }
            div.row { (submit_as("Change the plan", "act", "plan", Weight::Plain)) }
        }
        (Field::new("pause_from", "First day of a pause").kind("date").optional().value(form.get("pause_from")).short().errors(errors).render())
        (Field::new("pause_until", "Goes on again on").kind("date").optional().value(form.get("pause_until")).short().errors(errors).render())
        div.row { (submit_as("Pause", "act", "pause", Weight::Plain)) }
    })
}

/// The command for the buttons of the panel; what is wrong is an error of its field.
pub(super) async fn command(
    req: &Req,
    form: &Form,
    row: &SubscriptionRow,
) -> Result<Result<SubscriptionCommand, Errors>, HttpError> {
    let at = req.now();
    if form.get("act") == "plan" {
        let offers = match others(req, row).await {
            Err(HttpError::Conflict(words)) => return Ok(Err(Errors::one("variation", words))),
            others => others?,
        };
        let chosen = offers.into_iter().find(|(o, _)| o.variation.id.to_string() == form.get("variation"));
        let Some((offer, quote)) = chosen else { return Ok(Err(Errors::one("variation", "Choose a plan."))) };
        // What the list said would be charged now, before tax is looked at.
        let said: Option<i64> = form.get(&format!("pay-{}", offer.variation.id)).parse().ok();
        let shown = said.map(|minor| Money::new(minor, offer.variation.price.currency));
        let order = derive_id(&req.command_id(form).to_string(), "order");
        let at_once = matches!(quote, ChangeQuote::Now(_));
        return Ok(Ok(SubscriptionCommand::ChangePlan {
            order,
            terms: terms_of(req, &offer)?,
            shown,
            at_once,
            at,
        }));
    }
    let wrong = || Errors::one("pause_from", SubscriptionError::PauseDates.to_string());
    let Some(from) = day_of(form.get("pause_from")) else { return Ok(Err(wrong())) };
    let until = match form.get("pause_until") {
        "" => None,
        day => match day_of(day) {
            Some(day) => Some(day),
            None => return Ok(Err(wrong())),
        },
    };
    Ok(Ok(SubscriptionCommand::Pause { from, until, at }))
}
