//! `/account/gifts`: what one gave and was given; `/redeem`: entering a code.

use super::cards::{self, card_fields};
use super::order::transfer_facts;
use super::payment_methods::{chosen_card, kept_choice};
use super::shared::{below, shown, shown_otherwise};
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::gifts::{self as codes, RedeemError};
use crate::domain::account::Complimentary;
use crate::domain::gift::{Gift, GiftCommand, GiftStanding, GiftUse, order_of};
use crate::domain::order::Settlement;
use crate::domain::shared::calendar::day_words;
use crate::domain::shared::derive_id;
use crate::domain::subscription::Status;
use crate::emails::billing::decline_words;
use crate::http::error::HttpError;
use crate::http::pages::people::form_errors;
use crate::http::response::after;
use crate::http::route::{Access, Route};
use crate::http::ui::button::{link, submit};
use crate::http::ui::layout::Place;
use crate::http::ui::table::{cell, head, text};
use crate::http::ui::{
    Column, Errors, Field, Icon, Tone, Weight, chip, crumbs, empty, error_summary, facts, form as post_form,
    format, notice_text, page_head, table,
};
use crate::http::{Form, Req, Res};
use crate::projections::{gifts, orders, people, subscriptions};
use chrono::{DateTime, NaiveDate, Utc};
use maud::{Markup, html};

pub(super) const PAGE: &str = "/account/gifts";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(PAGE, Access::SignedIn, list),
        Route::get("/account/gifts/{id}", Access::SignedIn, show),
        Route::post("/account/gifts/{id}/pay", Access::SignedIn, pay),
        Route::get("/redeem", Access::SignedIn, ask),
        Route::post("/redeem", Access::SignedIn, redeem),
    ]
}

/// The state of a gift as a small word.
pub(in crate::http::pages) fn gift_chip(gift: &Gift, today: NaiveDate) -> Markup {
    match gift.standing() {
        GiftStanding::Absent | GiftStanding::Ordered if gift.last_code().is_some() => {
            chip(Tone::Warning, "Payment failed")
        }
        GiftStanding::Absent | GiftStanding::Ordered => chip(Tone::Info, "Not paid yet"),
        GiftStanding::Paid if gift.is_held_back() => chip(Tone::Warning, "Payment in dispute"),
        GiftStanding::Paid if gift.is_expired(today) => chip(Tone::Plain, "Expired"),
        GiftStanding::Paid => chip(Tone::Success, "Can be redeemed"),
        GiftStanding::Redeemed => chip(Tone::Warning, "Redeemed, waits"),
        GiftStanding::Used => chip(Tone::Plain, "Redeemed"),
        GiftStanding::Withdrawn => chip(Tone::Danger, "Taken back"),
    }
}

/// Until when it can be redeemed, in words.
pub(in crate::http::pages) fn redeemable(gift: &Gift, today: NaiveDate) -> String {
    match (gift.standing(), gift.last_day()) {
        (GiftStanding::Absent | GiftStanding::Ordered, _) => match gift.valid_days() {
            Some(days) => format!("when it is paid, for {days} days"),
            None => "when it is paid".into(),
        },
        (GiftStanding::Redeemed | GiftStanding::Used, _) => "no more: it was redeemed".into(),
        (GiftStanding::Withdrawn, _) => "no more: it was taken back".into(),
        (GiftStanding::Paid, Some(day)) if gift.is_expired(today) => {
            format!("no more: it could be until {}", day_words(day))
        }
        (GiftStanding::Paid, _) if gift.is_held_back() => "not while its payment is in dispute".into(),
        (GiftStanding::Paid, Some(day)) => format!("until {}", day_words(day)),
        (GiftStanding::Paid, None) => "on any day".into(),
    }
}

/// What is given, in words.
pub(in crate::http::pages) fn what(gift: &Gift) -> String {
    gift.given().map(crate::domain::gift::Given::words).unwrap_or_default()
}

async fn list(req: Req) -> Result<Res, HttpError> {
    let own = req.account()?.id;
    let all = gifts::of_account(&req.app.reader, own).await?;
    let person = people::by_id(&req.app.reader, own).await?.and_then(|p| p.complimentary);
    let (now, today) = (req.now(), format::local_day(req.now()));
    let subscribed = subscriptions::of_account(&req.app.reader, own).await?;
    let live = subscribed.iter().find(|s| !s.status.is_final());
    let waits = live.is_some_and(|s| {
        s.status == Status::OnHold || s.state.open_order().is_some() || s.state.pause().is_some()
    }) || person.as_ref().is_some_and(|c| c.until.is_none());
    let columns = ["Gift", "State", "Ordered"].map(Column::new);
    let (mut given, mut got): (Vec<Vec<Markup>>, Vec<Vec<Markup>>) = (vec![], vec![]);
    for gift in &all {
        let at = gift.ordered_at().map_or_else(|| html! {}, format::date);
        if gift.buyer() == own {
            let name = head(&html! { a href={ (PAGE) "/" (gift.id()) } { (what(gift)) } });
            given.push(vec![name, cell(&gift_chip(gift, today)), cell(&at)]);
        }
        if gift.redeemed_by() == Some(own) {
            got.push(vec![
                head(&html! { (what(gift)) }),
                text(&given_words(gift, person.as_ref(), now, waits)),
                cell(&at),
            ]);
        }
    }
    let content = html! {
        (page_head("Gifts", Some("Time at the studio that you gave, and that you were given."), None))
        @if given.is_empty() && got.is_empty() {
            (empty(Icon::Info, "No gifts yet", "Give somebody time at the studio, or redeem a code that you were given.", Some(&Place::new("Give time", "/gift"))))
        }
        @if !given.is_empty() { section { h2 { "Given" } (table("Gifts you gave", &columns, &given)) } }
        @if !got.is_empty() { section { h2 { "Got" } (table("Gifts you were given", &["Gift", "What became of it", "Ordered"].map(Column::new), &got)) } }
        p { (link("Redeem a code", "/redeem", Weight::Plain)) " " (link("Give time", "/gift", Weight::Quiet)) }
    };
    Ok(below(&req, "Gifts", PAGE, &Errors::none(), &content))
}

/// What became of a gift that somebody redeemed who has, or had, such `access`; `waits`: something stands in its way.
fn given_words(gift: &Gift, access: Option<&Complimentary>, now: DateTime<Utc>, waits: bool) -> String {
    match gift.used() {
        Some(GiftUse::Extension { .. }) => "Your subscription runs so much longer.".into(),
        Some(GiftUse::Access) => {
            let has = if access.is_some_and(|c| c.holds_at(now)) { "have" } else { "had" };
            match access.and_then(|c| c.until) {
                Some(end) => format!("You {has} access until {}.", day_words(format::local_day(end))),
                None => format!("You {has} access for that time."),
            }
        }
        None if !waits => "It begins in a moment. Reload this page to see until when.".into(),
        None => "It waits until your subscription can be extended: an open order, a pause or access without an end stands in the way.".into(),
    }
}

pub(super) async fn own(req: &Req) -> Result<Gift, HttpError> {
    let gift = gifts::one(&req.app.reader, req.id_param("id")?).await?.ok_or(HttpError::NotFound)?;
    if gift.buyer() == req.account()?.id { Ok(gift) } else { Err(HttpError::NotFound) }
}

async fn show(req: Req) -> Result<Res, HttpError> {
    view(&req, &Form::default(), &Errors::none()).await
}

pub(super) async fn view(req: &Req, form: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let gift = own(req).await?;
    let order = orders::one(&req.app.reader, order_of(gift.id())).await?;
    let attempt = order.as_ref().and_then(|o| o.last_attempt.as_ref()).map(|(_, state)| state.as_str());
    let recipient = match gift.recipient() {
        Some(recipient) => req.app.reader.open(recipient).await?,
        None => None,
    };
    let open = gift.standing() == GiftStanding::Ordered;
    let kept = if open && !gift.is_by_transfer() { kept_choice(req, form, errors).await? } else { None };
    let code_goes = match &recipient {
        Some(to) => format!("to {to}"),
        None => "to you, by mail".into(),
    };
    let today = format::local_day(req.now());
    let content = html! {
        (crumbs(&[Place::new("Gifts", PAGE)], &what(&gift)))
        (page_head(&what(&gift), None, None))
        (error_summary(errors))
        section.panel {
            (facts(&[
                ("State", gift_chip(&gift, today)),
                ("The code goes", html! { (code_goes) }),
                ("Can be redeemed", html! { (redeemable(&gift, today)) }),
                ("Order", html! { @if let Some(order) = &order { (order.number) ", " span.num { (order.total) } } @else { "is being made" } }),
            ]))
        }
        @match gift.standing() {
            GiftStanding::Paid if gift.is_held_back() => (notice_text(Tone::Warning, "The bank was asked to take its price back. Until that is decided nobody can redeem it.")),
            GiftStanding::Paid if gift.is_expired(today) => (notice_text(Tone::Warning, "Nobody redeemed it in time: the code counts no more. Write to us if you have questions.")),
            GiftStanding::Paid => (notice_text(Tone::Success, "It is paid, and the code was sent by mail. Nobody has redeemed it yet.")),
            GiftStanding::Redeemed | GiftStanding::Used => (notice_text(Tone::Success, "It was redeemed.")),
            GiftStanding::Withdrawn => (notice_text(Tone::Info, "It was taken back: the code counts no more. What goes back of its price goes the way it came.")),
            _ => {}
        }
        @if let (true, Some(order)) = (open, &order) {
            section.panel aria-labelledby="pay" {
                h2 #pay { "Pay it" }
                @if attempt == Some("action-required") {
                    p { "Your bank asks you to confirm this payment." }
                    (link("Confirm the payment", &format!("/account/orders/{}/confirm", order.id), Weight::Main))
                } @else if matches!(&order.settlement, Settlement::Transfer { .. }) {
                    @if let Settlement::Transfer { reference, .. } = &order.settlement {
                        p { "Send " strong.num { (order.rest()) } " to this account. We recognise it by the reference." }
                        (facts(&transfer_facts(req, reference)))
                    }
                } @else if let Some(code) = gift.last_code() {
                    (notice_text(Tone::Warning, &format!("{} Nothing was charged.", decline_words(code))))
                    (post_form(req, &format!("{PAGE}/{}/pay", gift.id()), &html! {
                        (shown(order))
                        @if let Some(kept) = &kept { (kept) }
                        (card_fields(req, form, errors, kept.is_some()))
                        (submit(&format!("Pay {}", order.rest()), Weight::Main))
                    }))
                } @else {
                    p { "Your payment is being processed. Reload this page in a moment." }
                }
            }
        }
    };
    let content = html! { (content) (super::gift_withdrawal::panel(req, &gift)) };
    let res = below(req, "Gift", PAGE, errors, &content);
    Ok(if open { cards::allow(req, res) } else { res })
}

async fn pay(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let gift = own(&req).await?;
    let order = orders::one(&req.app.reader, order_of(gift.id())).await?;
    if let Some(changed) = order.and_then(|order| shown_otherwise(&form, &order)) {
        return view(&req, &form, &changed).await;
    }
    let mut errors = Errors::none();
    let Some((method, label)) = chosen_card(&req, &form, &mut errors).await? else {
        return view(&req, &form, &errors).await;
    };
    let id = req.command_id(&form);
    let attempt = derive_id(&id.to_string(), "attempt");
    let command = GiftCommand::Pay { attempt, method, at: req.now() };
    let envelope =
        Envelope::new(id, gift.id(), command, req.meta()).with_private(label.into_iter().collect());
    match req.app.bus.dispatch::<Gift>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &format!("{PAGE}/{}", gift.id()))),
        Err(CommandError::Refused(why)) => view(&req, &form, &Errors::one("", why.to_string())).await,
        Err(other) => Err(other.into()),
    }
}

async fn ask(req: Req) -> Result<Res, HttpError> {
    Ok(form_of(&req, &Form::default(), &Errors::none()))
}

fn form_of(req: &Req, form: &Form, errors: &Errors) -> Res {
    let content = html! {
        (page_head("Redeem a gift", Some("A subscription that you have runs so much longer; without one you have access for that time. Nothing is charged."), None))
        (error_summary(errors))
        (post_form(req, "/redeem", &html! {
            (Field::new("code", "Code").value(form.get("code")).autocomplete("off").maxlength(40).mid()
                .hint("Sixteen letters and digits, as in the mail.").errors(errors).render())
            (submit("Redeem", Weight::Main))
        }))
    };
    below(req, "Redeem a gift", PAGE, errors, &content)
}

async fn redeem(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let account = req.account()?;
    if !account.confirmed {
        let words =
            "Confirm your mail address before you redeem a gift: the link is in the mail we sent you.";
        return Ok(form_of(&req, &form, &Errors::one("", words)));
    }
    let (id, command) = (account.id, (req.command_id(&form), req.meta()));
    match codes::redeem(&req.app, command, id, (form.get("code"), req.remote)).await {
        Ok((_, receipt)) => Ok(after(receipt, PAGE)),
        Err(why @ RedeemError::Unknown) => Ok(form_of(&req, &form, &Errors::one("code", why.to_string()))),
        Err(RedeemError::Gift(CommandError::Refused(why))) => {
            Ok(form_of(&req, &form, &Errors::one("code", why.to_string())))
        }
        Err(RedeemError::Gift(other)) => Err(other.into()),
        Err(RedeemError::Store(error)) => Err(error.into()),
        Err(RedeemError::Limit(error)) => Ok(form_of(&req, &form, &form_errors(error)?)),
    }
}
