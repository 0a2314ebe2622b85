//! The right of withdrawal: what the order says about it, and `/account/subscription/withdraw`.

use super::shared::below_subscription;
use super::subscription_acts::{own, send};
use crate::actors::payments::load_order;
use crate::domain::shared::Money;
use crate::domain::shared::calendar::day_words;
use crate::domain::subscription::SubscriptionCommand;
use crate::http::error::HttpError;
use crate::http::response::see_other;
use crate::http::route::{Access, Route};
use crate::http::ui::button::{link, submit};
use crate::http::ui::layout::{Place, crumbs};
use crate::http::ui::{Errors, Weight, checkbox, facts, form as post_form, format, page_head};
use crate::http::{Form, Req, Res};
use crate::projections::subscriptions::SubscriptionRow;
use chrono::NaiveDate;
use maud::{Markup, html};

const PAGE: &str = "/account/subscription/withdraw";

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get(PAGE, Access::SignedIn, confirm), Route::post(PAGE, Access::SignedIn, withdraw)]
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
            p.small { "Consumers can withdraw for " (days) " days after joining, without a reason, and pay only for the days that have begun, the day itself included." }
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

/// What a withdrawal would bring.
struct Offered {
    /// The last day on which it is possible.
    until: NaiveDate,
    /// What goes back.
    back: Option<Money>,
    /// The bank was asked for some of what was paid, and has not decided.
    disputed: bool,
}

/// What a withdrawal would bring; none if it is not possible.
async fn offered(req: &Req, row: &SubscriptionRow) -> Result<Option<Offered>, HttpError> {
    let Some(terms) = row.state.terms() else { return Ok(None) };
    let Ok(until) = row.state.withdrawal_until(req.app.config.billing.withdrawal_days) else {
        return Ok(None);
    };
    let today = terms.zone.date_of(req.now());
    if row.status.is_final() || row.state.withdrawing().is_some() || today > until {
        return Ok(None);
    }
    let (mut back, mut disputed) = (0_i64, false);
    for (order, part, of) in row.state.refunds_on(today) {
        // The order itself knows what of it went back before.
        let order = load_order(&req.app, order).await?;
        disputed |= order.price_in_dispute();
        back = back.saturating_add(order.part_going_back((part, of)));
    }
    let money = Money::new(back, terms.price.currency);
    Ok(Some(Offered { until, back: (back > 0).then_some(money), disputed }))
}

/// Whether the result of a charge is waited for.
fn waits(row: &SubscriptionRow) -> bool {
    row.state.open_order().is_some_and(|o| o.charge.is_some())
}

/// What follows, as the end of a sentence.
fn follows(row: &SubscriptionRow, back: Option<Money>) -> Markup {
    if waits(row) {
        return html! {
            "It counts at once. Your membership ends as soon as the result of the payment that is being processed is known, and what was taken for days that have not begun goes back to you."
        };
    }
    html! {
        "Your membership ends at once"
        @if let Some(back) = back { ", and " strong.num { (back) } " for days that have not begun goes back to you" }
        "."
    }
}

/// The way to withdraw, while there is one: what it does is confirmed on a page of its own.
pub(super) async fn panel(req: &Req, row: &SubscriptionRow) -> Result<Markup, HttpError> {
    let offered = offered(req, row).await?;
    Ok(html! {
        @if let Some(Offered { until, back, .. }) = offered {
            section.panel aria-labelledby="withdraw" {
                h2 #withdraw { "Withdraw from the contract" }
                p { "Until " (day_words(until)) " you can go back on joining, without a reason. " (follows(row, back)) }
                p { (link("Withdraw from the contract here", PAGE, Weight::Plain)) }
            }
        }
    })
}

/// The second step, which cannot be undone.
async fn confirm(req: Req) -> Result<Res, HttpError> {
    let row = own(&req).await?;
    let Some(Offered { until, back, disputed }) = offered(&req, &row).await? else {
        return Ok(see_other("/account/subscription"));
    };
    let content = html! {
        (crumbs(&[Place::new("Subscription", "/account/subscription")], "Withdraw"))
        (page_head("Withdraw from the contract", None, None))
        section.panel {
            (facts(&[
                ("Contract", html! { (row.plan()) ", joined on " (format::date(row.joined_at)) }),
                ("Possible until", html! { (day_words(until)) }),
                ("Goes back to you", html! { @match back { _ if waits(&row) => "what the payment that is being processed takes for days that have not begun", Some(back) => { strong.num { (back) } " for days that have not begun" }, None if disputed => "what is left when your bank has decided what becomes of your payment", None if row.state.has_paid() => "nothing: it went back before, or all its days have begun", None => "nothing was paid" } }),
            ]))
            p { (follows(&row, back)) " This cannot be undone. A mail to your address confirms it, with the time." }
            (post_form(&req, PAGE, &html! {
                div.row { (submit("Confirm withdrawal", Weight::Danger)) (link("Keep my subscription", "/account/subscription", Weight::Quiet)) }
            }))
        }
    };
    Ok(below_subscription(&req, "Withdraw from the contract", &Errors::none(), &content))
}

async fn withdraw(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let row = own(&req).await?;
    let (days, at) = (req.app.config.billing.withdrawal_days, req.now());
    send(&req, &form, &row, SubscriptionCommand::Withdraw { days, at }, vec![], "withdrawn").await
}
