//! `/account/subscription/billing`: name, address, country and VAT number of the orders to come.

use super::address;
use super::shared::{TaxDesk, below_subscription, currency};
use super::subscription_acts::own;
use crate::actors::bus::{CommandError, Envelope};
use crate::domain::shared::PersonalValue;
use crate::domain::shared::tax::{Buyer, COUNTRIES, Country, Tax};
use crate::domain::subscription::{Subscription, SubscriptionCommand};
use crate::http::error::HttpError;
use crate::http::response::after;
use crate::http::route::{Access, Route};
use crate::http::ui::button::submit;
use crate::http::ui::layout::{Place, crumbs};
use crate::http::ui::{Errors, Field, Weight, error_summary, form as post_form, page_head};
use crate::http::{Form, Req, Res};
use crate::projections::subscriptions::SubscriptionRow;
use maud::html;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/account/subscription/billing", Access::SignedIn, show),
        Route::post("/account/subscription/billing", Access::SignedIn, change),
    ]
}

/// What a period costs this member, and the tax in it.
fn price(desk: &TaxDesk, row: &SubscriptionRow, buyer: Option<Buyer>) -> Option<Tax> {
    let buyer = buyer.unwrap_or_else(|| row.state.buyer(desk.home));
    Some(desk.decide(row.price()?, buyer))
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let row = own(&req).await?;
    let desk = TaxDesk::open(&req).await?;
    let kept = match row.state.billing() {
        Some(billing) => req.app.reader.open(billing).await?,
        None => None,
    };
    let mut form = address::filled(kept.as_deref().unwrap_or_default());
    if let Some(number) = row.state.vat_number() {
        form.push("vat_number", &req.app.reader.open(number).await?.unwrap_or_default());
    }
    form.push("country", row.state.country().as_ref().map_or("", Country::code));
    let tax = price(&desk, &row, None);
    view(&req, &form, tax.as_ref(), &Errors::none())
}

fn view(req: &Req, form: &Form, tax: Option<&Tax>, errors: &Errors) -> Result<Res, HttpError> {
    let content = html! {
        (crumbs(&[Place::new("Subscription", "/account/subscription")], "Billing details"))
        (page_head("Billing details", Some("They stand on the orders and invoices to come. Invoices that were issued do not change."), None))
        (error_summary(errors))
        (post_form(req, "/account/subscription/billing", &html! {
            @if let Some(tax) = tax {
                input type="hidden" name="price" value=(tax.gross.minor);
                input type="hidden" name="tax" value=(tax.tax.minor);
            }
            (address::fields(form, errors))
            (Field::new("country", "Country").value(form.get("country")).select(COUNTRIES.iter().copied()).mid().errors(errors).render())
            @if let Some(tax) = tax { p.small { "Each period costs " strong.num { (tax.gross) } ", " (super::shared::tax_note(tax)) "." } }
            (submit("Save billing details", Weight::Main))
        }))
    };
    Ok(below_subscription(req, "Billing details", errors, &content))
}

async fn change(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let row = own(&req).await?;
    let desk = TaxDesk::open(&req).await?;
    let mut errors = Errors::none();
    let Some(to) = Country::parse(form.get("country")).ok().filter(Country::is_offered) else {
        errors.add("country", "Choose the country of your billing address from the list.");
        return view(&req, &form, price(&desk, &row, None).as_ref(), &errors);
    };
    // Who pays in another currency than people there do stays with it while the country stays.
    let moves = row.state.country() != Some(to);
    if moves && row.price().is_some_and(|p| p.currency != currency(&req, to)) {
        errors.add(
            "country",
            format!(
                "Customers in {} pay in another currency: cancel, and join again when your time is over.",
                to.name()
            ),
        );
    }
    let number = address::check(&form, to, &mut errors);
    let tax = price(&desk, &row, Some(Buyer { country: to, business: number.is_some() }));
    let vat_check = if errors.is_empty() {
        address::ask_register(&req, number.as_deref(), &mut errors).await
    } else {
        None
    };
    if !errors.is_empty() {
        return view(&req, &form, price(&desk, &row, None).as_ref(), &errors);
    }
    // Another country or a VAT number can change what is to be paid, or the tax in it: then it is shown first.
    let is_new = |t: &&Tax| {
        t.gross.minor.to_string() != form.get("price") || t.tax.minor.to_string() != form.get("tax")
    };
    if let Some(tax) = tax.as_ref().filter(is_new) {
        let words = format!(
            "From the next order on each period costs {}, {}. Save again if that is right.",
            tax.gross,
            super::shared::tax_note(tax)
        );
        return view(&req, &form, Some(tax), &Errors::one("", words));
    }
    let account = req.account()?.id;
    let billing = address::sealed(&req, &form, account, to);
    let number = number.map(|n| PersonalValue::new(account, "vat_number", req.app.clock.new_id(), n));
    let command = SubscriptionCommand::ChangeBilling {
        country: to,
        billing: billing.reference.clone(),
        vat_number: number.as_ref().map(|n| n.reference.clone()),
        vat_check,
    };
    let envelope = Envelope::new(req.command_id(&form), row.id, command, req.meta())
        .with_private([billing].into_iter().chain(number).collect());
    match req.app.bus.dispatch::<Subscription>(envelope).await {
        Ok(receipt) => Ok(after(receipt, "/account/subscription?done=billing")),
        Err(CommandError::Refused(why)) => view(&req, &form, tax.as_ref(), &Errors::one("", why.to_string())),
        Err(other) => Err(other.into()),
    }
}
