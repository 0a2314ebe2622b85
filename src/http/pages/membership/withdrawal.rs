//! The right of withdrawal: what the order says about it, and `/account/subscription/withdraw`.

use super::subscription_acts::{own, send};
use crate::domain::order::OrderStatus;
use crate::domain::shared::Money;
use crate::domain::shared::calendar::day_words;
use crate::domain::subscription::SubscriptionCommand;
use crate::http::error::HttpError;
use crate::http::route::{Access, Route};
use crate::http::ui::button::submit;
use crate::http::ui::{Errors, Weight, checkbox, form as post_form};
use crate::http::{Form, Req, Res};
use crate::projections::orders::OrderRow;
use crate::projections::subscriptions::SubscriptionRow;
use maud::{Markup, html};

pub(super) fn routes() -> Vec<Route> {
    vec![Route::post("/account/subscription/withdraw", Access::SignedIn, withdraw)]
}

/// What stands above the button that orders.
pub(super) fn at_order(req: &Req, form: &Form, errors: &Errors) -> Markup {
    let billing = &req.app.config.billing;
    let days = billing.withdrawal_days;
    html! {
        @if billing.withdrawal_waiver {
            @if let Some(error) = errors.of("at_once") { p.error #at_once-error { (error) } }
            (checkbox("at_once", "I want access at once, and I know that my right of withdrawal ends when it begins.", form.ticked("at_once"),
                Some("Businesses have no such right and need not tick this.")))
        } @else if days > 0 {
            p.small { "Consumers can withdraw for " (days) " days after joining, without a reason, and pay only for the days that had begun." }
        }
    }
}

/// Whether the buyer gave the right up; notes an error where the studio asks for that and they did not.
pub(super) fn check(req: &Req, form: &Form, business: bool, errors: &mut Errors) -> bool {
    if !req.app.config.billing.withdrawal_waiver || business {
        return false;
    }
    if !form.ticked("at_once") {
        errors.add("at_once", "Tick this to join: access begins as soon as your payment arrives.");
    }
    true
}

/// The way to withdraw, while there is one.
pub(super) fn panel(req: &Req, row: &SubscriptionRow, orders: &[OrderRow]) -> Markup {
    let Some((zone, until)) = row
        .state
        .terms()
        .map(|t| t.zone)
        .zip(row.state.withdrawal_until(req.app.config.billing.withdrawal_days).ok())
    else {
        return html! {};
    };
    let today = zone.date_of(req.now());
    let refunds = row.state.refunds_on(today);
    let back: i64 = refunds
        .iter()
        .filter_map(|(order, part, of)| {
            let order = orders.iter().find(|o| o.id == *order && o.status == paid())?;
            let (total, part, of) = (i128::from(order.total.minor), i128::from(*part), i128::from(*of));
            i64::try_from((2 * total * part + of).div_euclid(2 * of)).ok()
        })
        .sum();
    let currency = row.state.terms().map(|t| t.price.currency);
    html! {
        @if today <= until {
            section.panel aria-labelledby="withdraw" {
                h2 #withdraw { "Withdraw from the contract" }
                p {
                    "Until " (day_words(until)) " you can go back on joining, without a reason. Your membership ends at once"
                    @if let (Some(currency), true) = (currency, back > 0) { ", and " strong.num { (Money::new(back, currency)) } " for days that have not begun goes back to you" }
                    "."
                }
                (post_form(req, "/account/subscription/withdraw", &html! { (submit("Withdraw from the contract", Weight::Danger)) }))
            }
        }
    }
}

fn paid() -> &'static str {
    OrderStatus::Paid.into()
}

async fn withdraw(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let row = own(&req).await?;
    let (days, at) = (req.app.config.billing.withdrawal_days, req.now());
    send(&req, &form, &row, SubscriptionCommand::Withdraw { days, at }, vec![], "withdrawn").await
}
