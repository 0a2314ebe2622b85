//! `/billing/people/{id}/subscription`: a managed subscription, begun by staff for a person. Nobody joins one
//! alone: it was talked over, staff send the bill, and the clock tells them when the next one is due.

use super::subscription_acts::with_reason;
use super::{BILLING, desk, names};
use crate::actors::bus::{Claim, CommandError, Envelope};
use crate::domain::shared::payment::Collection;
use crate::domain::shared::tax::COUNTRIES;
use crate::domain::shared::{PersonalValue, derive_id};
use crate::domain::subscription::{Subscription, SubscriptionCommand};
use crate::http::error::HttpError;
use crate::http::pages::membership::address;
use crate::http::pages::membership::plan_change::terms_of;
use crate::http::pages::membership::shared::country;
use crate::http::response::after;
use crate::http::route::Route;
use crate::http::ui::button::{link, submit};
use crate::http::ui::layout::{Place, crumbs};
use crate::http::ui::{Errors, Field, Icon, Weight, empty, form as post_form, page_head};
use crate::http::{Form, Req, Res};
use crate::projections::people::{self, Presence};
use crate::projections::plans::{self, Offer};
use crate::projections::subscriptions;
use maud::html;
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/billing/people/{id}/subscription", BILLING, show),
        Route::post("/billing/people/{id}/subscription", BILLING, begin),
    ]
}

/// The managed prices that are sold.
async fn managed(req: &Req) -> Result<Vec<Offer>, HttpError> {
    let all = plans::all(&req.app.reader).await?;
    Ok(all
        .into_iter()
        .filter(|l| l.sold && l.offer.variation.collection == Collection::Managed)
        .map(|l| l.offer)
        .collect())
}

async fn show(req: Req) -> Result<Res, HttpError> {
    view(&req, &Form::default(), &Errors::none()).await
}

async fn view(req: &Req, form: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let id = req.id_param("id")?;
    let person = people::by_id(&req.app.reader, id).await?.ok_or(HttpError::NotFound)?;
    if person.presence == Presence::Erased {
        return Err(HttpError::NotFound);
    }
    let name = names(req, &[id], "billing-person").await?.remove(&id).unwrap_or_else(|| "Somebody".into());
    let offers = managed(req).await?;
    let choices = offers.iter().map(|o| {
        let v = &o.variation;
        let words = format!("{}: {} per {}, tax included", o.title(), v.price, v.interval.words());
        (v.id.to_string(), words)
    });
    let home = country(req, "");
    let chosen = if form.has("country") { form.get("country") } else { home.code() };
    let content = html! {
        (crumbs(&[Place::new("People", "/billing/people"), Place::new(name.clone(), format!("/billing/people/{id}"))], "Start a subscription"))
        (page_head("Start a subscription", Some(&format!("For {name}: one whose bills staff send. It is on hold until its first order is paid; before each further period you are told.")), None))
        @if offers.is_empty() {
            (empty(Icon::Info, "No managed price", "Add a price with managed collection to a plan first.", Some(&Place::new("See the plans", "/billing/plans"))))
        } @else {
            section.panel {
                (post_form(req, &req.path, &html! {
                    (Field::new("variation", "Plan").value(form.get("variation")).select(choices).mid().errors(errors).render())
                    (Field::new("country", "Country of the billing address").value(chosen).select(COUNTRIES.iter().copied()).mid().errors(errors).render())
                    (address::fields(form, errors))
                    (Field::new("reason", "Reason").hint("For example the number of the contract. Kept with the event.").value(form.get("reason")).maxlength(500).errors(errors).render())
                    div.row { (submit("Start the subscription", Weight::Main)) (link("Back", &format!("/billing/people/{id}"), Weight::Quiet)) }
                }))
            }
        }
    };
    Ok(desk(req, "Start a subscription", errors, &content))
}

async fn begin(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let account = req.id_param("id")?;
    let person = people::by_id(&req.app.reader, account).await?.ok_or(HttpError::NotFound)?;
    if person.presence == Presence::Erased {
        return Err(HttpError::NotFound);
    }
    let command_id = req.command_id(&form);
    let subscription = derive_id(&command_id.to_string(), "subscription");
    let there = format!("/billing/subscriptions/{subscription}");
    let buyer = country(&req, form.get("country"));
    let mut errors = Errors::none();
    let offers = managed(&req).await?;
    let offer = offers.iter().find(|o| o.variation.id.to_string() == form.get("variation"));
    if offer.is_none() {
        errors.add("variation", "Choose one of the managed prices.");
    }
    if !COUNTRIES.iter().any(|(code, _)| *code == form.get("country")) {
        errors.add("country", "Choose the country of the billing address.");
    }
    let number = address::check(&form, buyer, &mut errors);
    let reasoned = match with_reason(&req, &form, account) {
        Ok(both) => Some(both),
        Err(why) => {
            errors.add("reason", why.of("reason").unwrap_or_default().to_owned());
            None
        }
    };
    let vat_check = match errors.is_empty() {
        true => address::ask_register(&req, number.as_deref(), &mut errors).await,
        false => None,
    };
    let (Some(offer), Some((meta, reason)), true) = (offer, reasoned, errors.is_empty()) else {
        return view(&req, &form, &errors).await;
    };
    let billing = address::sealed(&req, &form, account, buyer);
    let number = number.map(|n| PersonalValue::new(account, "vat_number", req.app.clock.new_id(), n));
    let command = SubscriptionCommand::Join {
        subscription,
        owner: account,
        terms: terms_of(&req, offer)?,
        method: None,
        country: buyer,
        billing: Some(billing.reference.clone()),
        vat_number: number.as_ref().map(|n| n.reference.clone()),
        vat_check,
        trial_days: 0,
        discount: None,
        waives_withdrawal: false,
        at: req.now(),
    };
    // One live subscription a person, as when they join themselves.
    let before: Vec<Uuid> =
        subscriptions::of_account(&req.app.reader, account).await?.iter().map(|s| s.id).collect();
    let ended = before.iter().filter(|id| **id != subscription).count();
    let envelope = Envelope::new(command_id, subscription, command, meta)
        .with_private([reason, billing].into_iter().chain(number).collect())
        .with_claims(vec![Claim::new("live-subscription", format!("{account}/{ended}"))]);
    let taken = "This person has a subscription already. Change its plan, or end it first.";
    if subscriptions::has_live(&req.app.reader, account).await? && !before.contains(&subscription) {
        return view(&req, &form, &Errors::one("", taken)).await;
    }
    match req.app.bus.dispatch::<Subscription>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &there)),
        Err(CommandError::Taken { .. }) => view(&req, &form, &Errors::one("", taken)).await,
        Err(CommandError::Refused(why)) => view(&req, &form, &Errors::one("", why.to_string())).await,
        Err(other) => Err(other.into()),
    }
}
