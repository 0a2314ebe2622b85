//! `/account/gifts/{id}/withdraw`: the buyer goes back on a gift that nobody has redeemed.

use super::gifts::{PAGE, own, view, what};
use super::shared::below;
use crate::actors::bus::{CommandError, Envelope};
use crate::domain::gift::{Gift, GiftCommand, GiftStanding};
use crate::domain::shared::calendar::{Zone, day_words};
use crate::http::error::HttpError;
use crate::http::response::{after, see_other};
use crate::http::route::{Access, Route};
use crate::http::ui::button::{link, submit};
use crate::http::ui::layout::{Place, crumbs};
use crate::http::ui::{Errors, Weight, facts, form as post_form, page_head};
use crate::http::{Form, Req, Res};
use chrono::NaiveDate;
use maud::{Markup, html};

pub(super) fn routes() -> Vec<Route> {
    let path = "/account/gifts/{id}/withdraw";
    vec![Route::get(path, Access::SignedIn, confirm), Route::post(path, Access::SignedIn, withdraw)]
}

fn zone(req: &Req) -> Result<Zone, HttpError> {
    Zone::parse(&req.app.config.studio.zone).map_err(|e| HttpError::Internal(e.to_string()))
}

/// The last day on which it is possible, if it is.
fn until(req: &Req, gift: &Gift) -> Option<NaiveDate> {
    let days = req.app.config.billing.withdrawal_days;
    zone(req).ok().and_then(|zone| gift.withdrawal_until(days, zone, req.now()).ok())
}

fn address(gift: &Gift) -> String {
    format!("{PAGE}/{}/withdraw", gift.id())
}

/// The way there, while there is one: what it does is confirmed on a page of its own.
pub(super) fn panel(req: &Req, gift: &Gift) -> Markup {
    html! {
        @if let Some(day) = until(req, gift) {
            section.panel aria-labelledby="withdraw" {
                h2 #withdraw { "Withdraw from the gift" }
                p { "Until " (day_words(day)) " you can go back on it without a reason, as long as nobody has redeemed it." }
                p { (link("Withdraw from the gift here", &address(gift), Weight::Plain)) }
            }
        }
    }
}

async fn confirm(req: Req) -> Result<Res, HttpError> {
    let gift = own(&req).await?;
    let page = format!("{PAGE}/{}", gift.id());
    let Some(day) = until(&req, &gift) else { return Ok(see_other(&page)) };
    let paid = gift.standing() == GiftStanding::Paid;
    let price = gift.given().map(|g| g.price.to_string()).unwrap_or_default();
    let content = html! {
        (crumbs(&[Place::new("Gifts", PAGE), Place::new(what(&gift), &page)], "Withdraw"))
        (page_head("Withdraw from the gift", None, None))
        section.panel {
            (facts(&[
                ("Gift", html! { (what(&gift)) }),
                ("Possible until", html! { (day_words(day)) }),
                ("Goes back to you", html! { @if paid { strong.num { (price) } ", less what went back before" } @else { "nothing was paid: you need not pay it" } }),
            ]))
            p { "The code counts no more, wherever it is by now. This cannot be undone. A mail to your address confirms it." }
            (post_form(&req, &address(&gift), &html! {
                div.row { (submit("Confirm withdrawal", Weight::Danger)) (link("Keep the gift", &page, Weight::Quiet)) }
            }))
        }
    };
    Ok(below(&req, "Withdraw from the gift", PAGE, &Errors::none(), &content))
}

async fn withdraw(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let gift = own(&req).await?;
    let days = req.app.config.billing.withdrawal_days;
    let command = GiftCommand::WithdrawFrom { days, zone: zone(&req)?, at: req.now() };
    let envelope = Envelope::new(req.command_id(&form), gift.id(), command, req.meta());
    match req.app.bus.dispatch::<Gift>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &format!("{PAGE}/{}", gift.id()))),
        Err(CommandError::Refused(why)) => {
            view(&req, &Form::default(), &Errors::one("", why.to_string())).await
        }
        Err(other) => Err(other.into()),
    }
}
