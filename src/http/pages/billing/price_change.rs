//! Announcing another price to those who have one: part of `/billing/plans`.

use super::plans::{field_id, send, view};
use crate::domain::plan::PlanCommand;
use crate::domain::shared::calendar::day_of;
use crate::http::error::HttpError;
use crate::http::pages::membership::shared::today;
use crate::http::ui::button::submit;
use crate::http::ui::{Errors, Field, Weight, form as post_form};
use crate::http::{Form, Req, Res};
use crate::projections::plans::Listed;
use maud::{Markup, html};
use uuid::Uuid;

/// "€11.50 per month, automatic".
fn words(listed: &Listed) -> String {
    let v = &listed.offer.variation;
    let collection: &'static str = v.collection.into();
    let seats = v.seats.map(|s| format!(", {}", s.words())).unwrap_or_default();
    let trial = if v.trial_days > 0 { format!(", {} days of trial", v.trial_days) } else { String::new() };
    let state = match (listed.sold, v.default) {
        (false, _) => ", withdrawn",
        (true, true) => ", default",
        _ => "",
    };
    format!("{} per {}, {collection}{seats}{trial}{state}", v.price, v.interval.words())
}

/// The form; nothing for a plan with fewer than two prices.
pub(super) fn fold(
    req: &Req,
    plan: Uuid,
    name: &str,
    all: &[Listed],
    form: &Form,
    errors: &Errors,
) -> Markup {
    let own: Vec<&Listed> = all.iter().filter(|l| l.offer.plan == plan).collect();
    let here = form.get("plan") == plan.to_string() && form.get("what") == "price-change";
    let none = (Form::default(), Errors::none());
    let (form, errors) = if here { (form, errors) } else { (&none.0, &none.1) };
    let choices = |only_sold: bool| {
        let listed = own.iter().filter(move |l| l.sold || !only_sold);
        listed.map(|l| (l.offer.variation.id.to_string(), words(l))).collect::<Vec<_>>()
    };
    let days = req.app.config.billing.price_notice_days;
    let id = |field: &str| field_id(plan, field);
    html! {
        @if own.len() > 1 {
            details.fold open[here] {
                summary { "Change the price for members of " (name) }
                (post_form(req, &format!("/billing/plans/{plan}/price-change"), &html! {
                    input type="hidden" name="plan" value=(plan);
                    input type="hidden" name="what" value="price-change";
                    p.small { "Everybody who has the first price is told by mail, with the way to cancel, and pays the second one for periods that begin on the day or later. The first one is sold no more." }
                    (Field::new("from", "The price they have").id(&id("from")).value(form.get("from")).select(choices(false)).mid().errors(errors).render())
                    (Field::new("to", "The price they will have").id(&id("to")).value(form.get("to")).select(choices(true)).mid().errors(errors).render())
                    (Field::new("on", "From").id(&id("on")).kind("date").value(form.get("on")).mid()
                        .hint(&format!("Members have at least {days} days of notice.")).errors(errors).render())
                    (submit("Announce to members", Weight::Danger))
                }))
            }
        }
    }
}

pub(super) async fn announce(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let plan = req.id_param("plan")?;
    let mut errors = Errors::none();
    let id = |field: &str| form.get(field).parse::<Uuid>().ok();
    for field in ["from", "to"] {
        if id(field).is_none() {
            errors.add(&field_id(plan, field), "Choose one of the prices.");
        }
    }
    let on = day_of(form.get("on"));
    if on.is_none() {
        errors.add(&field_id(plan, "on"), "Enter the first day of the new price, such as 2027-01-31.");
    }
    let (Some(from), Some(to), Some(on)) = (id("from"), id("to"), on) else {
        return view(&req, &form, &errors).await;
    };
    let notice_days = req.app.config.billing.price_notice_days;
    let (today, at) = (today(&req)?, req.now());
    let command = PlanCommand::ChangePrice { from, to, on, notice_days, today, at };
    send(&req, &form, plan, command).await
}
