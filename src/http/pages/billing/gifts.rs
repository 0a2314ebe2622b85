//! `/billing/gifts`: all gifts, and one with its event log and its order's; taking one back that nobody redeemed.

use super::event_log::Part;
use super::exports::{self, FileKind, PART, files};
use super::subscription_acts::with_reason;
use super::{BILLING, PAGE as ROWS, desk, names, page_number, pages, person};
use crate::actors::bus::{CommandError, Envelope};
use crate::domain::gift::{Gift, GiftCommand, GiftStanding, GiftUse, order_of};
use crate::domain::order::order_number;
use crate::domain::shared::calendar::day_words;
use crate::http::error::HttpError;
use crate::http::pages::membership::gifts::{gift_chip, redeemable, what};
use crate::http::response::after;
use crate::http::route::Route;
use crate::http::ui::button::{link_small, submit};
use crate::http::ui::layout::Place;
use crate::http::ui::table::{cell, head};
use crate::http::ui::{
    Column, Errors, Field, Icon, Weight, crumbs, empty, facts, form as post_form, format, page_head, table,
};
use crate::http::{Form, Req, Res};
use crate::projections::subscription_timeline::Entry;
use crate::projections::{gifts, people, subscription_timeline, subscriptions};
use maud::{Markup, html};
use std::sync::Arc;

const PAGE: &str = "/billing/gifts";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(PAGE, BILLING, list),
        Route::get("/billing/gifts/{id}", BILLING, show),
        Route::post("/billing/gifts/{id}/withdraw", BILLING, withdraw),
    ]
}

const NAMES: [&str; 9] =
    ["gift", "given", "order", "buyer_id", "state", "redeemed_by_id", "last_day", "ordered_at", "held_back"];

fn cells(gift: &Gift) -> Vec<String> {
    let state: &'static str = gift.standing().into();
    vec![
        gift.id().to_string(),
        what(gift),
        order_number(order_of(gift.id())),
        gift.buyer().to_string(),
        state.to_owned(),
        gift.redeemed_by().map(|by| by.to_string()).unwrap_or_default(),
        gift.last_day().map(|day| day.to_string()).unwrap_or_default(),
        gift.ordered_at().map(|at| at.to_rfc3339()).unwrap_or_default(),
        if gift.is_held_back() { "yes".into() } else { String::new() },
    ]
}

fn export(req: &Req, kind: FileKind) -> Res {
    let app = Arc::clone(&req.app);
    exports::send("gifts", kind, &NAMES, move |last| {
        let app = Arc::clone(&app);
        async move {
            let rows = gifts::after(&app.reader, last, PART).await?;
            Ok(exports::part(&rows, |(_, gift)| cells(gift), |(position, _)| *position))
        }
    })
}

async fn list(req: Req) -> Result<Res, HttpError> {
    if let Some(kind) = FileKind::asked(&req) {
        exports::only(&req, &[])?;
        return Ok(export(&req, kind));
    }
    let page = page_number(&req);
    let (all, total) = gifts::list(&req.app.reader, (page - 1) * ROWS, ROWS).await?;
    let people: Vec<_> = all.iter().flat_map(|g| [Some(g.buyer()), g.redeemed_by()]).flatten().collect();
    let names = names(&req, &people, "billing-gifts").await?;
    let columns = ["Gift", "Bought by", "State", "Redeemed by", "Ordered"].map(Column::new);
    let today = format::local_day(req.now());
    let rows: Vec<Vec<Markup>> = all
        .iter()
        .map(|g| {
            vec![
                head(&html! { a href={ (PAGE) "/" (g.id()) } { (what(g)) } }),
                cell(&person(&names, g.buyer())),
                cell(&gift_chip(g, today)),
                cell(&g.redeemed_by().map_or_else(|| html! { "nobody yet" }, |by| person(&names, by))),
                cell(&g.ordered_at().map_or_else(|| html! {}, format::date)),
            ]
        })
        .collect();
    let content = html! {
        (page_head("Gifts", Some("Time at the studio that one person buys and another redeems with a code. Codes are kept as hashes only."), Some(&files(&req))))
        @if rows.is_empty() { (empty(Icon::Info, "No gifts yet", "Members buy them on the page Give.", Some(&Place::new("See the page", "/gift")))) }
        @else { (table("Gifts", &columns, &rows)) (pages(&req, page, rows.len(), total)) }
    };
    Ok(desk(&req, "Gifts", &Errors::none(), &content))
}

async fn one(req: &Req) -> Result<Gift, HttpError> {
    gifts::one(&req.app.reader, req.id_param("id")?).await?.ok_or(HttpError::NotFound)
}

async fn show(req: Req) -> Result<Res, HttpError> {
    view(&req, &Form::default(), &Errors::none()).await
}

async fn view(req: &Req, form: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let gift = one(req).await?;
    let entries = subscription_timeline::of(&req.app.reader, gift.id(), None).await?;
    let lines: Vec<&Entry> = entries.iter().collect();
    let log = Part::of(req, &format!("{PAGE}/{}", gift.id()), &lines);
    let mut people = log.accounts();
    people.extend([Some(gift.buyer()), gift.redeemed_by()].into_iter().flatten());
    let names = names(req, &people, "billing-gift").await?;
    let open = matches!(gift.standing(), GiftStanding::Ordered | GiftStanding::Paid);
    let paid = gift.standing() == GiftStanding::Paid;
    let order = format!("/billing/orders/{}", order_of(gift.id()));
    let today = format::local_day(req.now());
    let content = html! {
        (crumbs(&[Place::new("Gifts", PAGE)], &what(&gift)))
        (page_head(&what(&gift), None, Some(&link_small("Its order", &order, Weight::Plain))))
        section.panel {
            (facts(&[
                ("State", gift_chip(&gift, today)),
                ("Bought by", person(&names, gift.buyer())),
                ("The code went", html! { @if gift.recipient().is_some() { "to an address that the buyer gave" } @else { "to the buyer" } }),
                ("Can be redeemed", html! { (redeemable(&gift, today)) }),
                ("Redeemed by", gift.redeemed_by().map_or_else(|| html! { "nobody yet" }, |by| person(&names, by))),
                ("Its time", its_time(req, &gift).await?),
            ]))
        }
        @if open {
            section.panel aria-labelledby="back" {
                h2 #back { "Take it back" }
                p { @if paid { "The code counts no more, and the price goes back the way it came; above the limit a colleague has to agree. A credit note corrects the invoice." } @else { "Nobody has to pay it any more." } }
                (post_form(req, &format!("{PAGE}/{}/withdraw", gift.id()), &html! {
                    (Field::new("reason", "Reason").hint("Kept with the event.").value(form.get("reason")).maxlength(500).errors(errors).render())
                    (submit(if paid { "Take it back and give the money back" } else { "Take it back" }, Weight::Danger))
                }))
            }
        }
        section.stack aria-labelledby="log" {
            h2 #log { "Event log" }
            (log.shown(&names))
        }
    };
    Ok(desk(req, "Gift", errors, &content))
}

/// What became of the time that was bought, and until when it lasts.
async fn its_time(req: &Req, gift: &Gift) -> Result<Markup, HttpError> {
    let reader = &req.app.reader;
    Ok(match (gift.used(), gift.redeemed_by()) {
        (Some(GiftUse::Extension { subscription }), _) => {
            let row = subscriptions::one(reader, subscription).await?;
            let over = row.as_ref().is_none_or(|row| row.status.is_final());
            let until = row.and_then(|row| row.state.next_due_on());
            html! {
                "was given: " a href={ "/billing/subscriptions/" (subscription) } { "the subscription" }
                @if let Some(day) = until { " is paid for until " (day_words(day)) } @else if over { " has ended since" } @else { " is at rest" }
            }
        }
        (Some(GiftUse::Access), Some(by)) => {
            let access = people::by_id(reader, by).await?.and_then(|person| person.complimentary);
            html! {
                "was given: "
                @match access {
                    Some(access) => { "access " @match access.until { Some(end) => { "until " (format::date(end)) }, None => "without an end" } },
                    None => "the access has ended since",
                }
            }
        }
        (Some(GiftUse::Access), None) => html! { "was given" },
        (None, Some(_)) => html! { "waits until the subscription can be extended" },
        (None, None) => html! { "was not given" },
    })
}

async fn withdraw(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let gift = one(&req).await?;
    let (meta, reason) = match with_reason(&req, &form, gift.buyer()) {
        Ok(both) => both,
        Err(errors) => return view(&req, &form, &errors).await,
    };
    let command = GiftCommand::Withdraw { by: req.account()?.id, at: req.now() };
    let envelope = Envelope::new(req.command_id(&form), gift.id(), command, meta).with_private(vec![reason]);
    match req.app.bus.dispatch::<Gift>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &format!("{PAGE}/{}", gift.id()))),
        Err(CommandError::Refused(why)) => view(&req, &form, &Errors::one("", why.to_string())).await,
        Err(other) => Err(other.into()),
    }
}
