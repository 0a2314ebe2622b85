//! `/account/subscription`: where it stands, what comes next, and everything one can do about it.

use super::cards::{self, card_fields};
use super::shared::TaxDesk;
use super::{open_order, pause, plan_change, team, withdrawal};
use crate::actors;
use crate::actors::direct_debits::Collecting;
use crate::domain::account::Complimentary;
use crate::domain::shared::Money;
use crate::domain::shared::calendar::day_words;
use crate::domain::shared::payment::Collection;
use crate::domain::subscription::{CancelReason, Status};
use crate::http::error::HttpError;
use crate::http::page::{Page, page, unprocessable};
use crate::http::pages::account::places;
use crate::http::route::{Access, Route};
use crate::http::ui::button::{link, submit};
use crate::http::ui::layout::{Place, Theme, rooms};
use crate::http::ui::table::{cell, head, number};
use crate::http::ui::{
    Column, Errors, Field, Icon, Tone, Weight, chip, empty, error_summary, facts, form as post_form, format,
    notice, notice_text, page_head, table,
};
use crate::http::{Form, Req, Res};
use crate::projections::credits;
use crate::projections::orders::{self, OrderRow};
use crate::projections::people;
use crate::projections::subscriptions::{self, SubscriptionRow};
use chrono::TimeDelta;
use maud::{Markup, html};
use strum::IntoEnumIterator;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/account/subscription", Access::SignedIn, show)]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    view(&req, &Form::default(), &Errors::none()).await
}

/// For so long after a charge was asked for its result is waited for on the page.
const SOON: TimeDelta = TimeDelta::minutes(1);

/// What a redirect to this page reports.
const DONE: [(&str, &str); 11] = [
    ("joined", "Thank you for joining."),
    ("cancelled", "Your subscription is cancelled. Nothing more will be charged."),
    ("kept", "Your subscription goes on."),
    ("paused", "Your pause is noted. A mail confirms it."),
    ("resumed", "Your subscription goes on."),
    ("billing", "Your billing details are saved."),
    ("plan", "Your change of plan is noted."),
    ("kept-plan", "You keep the plan you have."),
    ("card", "From now on this card is charged."),
    ("paid", "Your payment is on its way."),
    ("withdrawn", "You have withdrawn from the contract. A mail confirms it."),
];

pub(super) async fn view(req: &Req, form: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let account = req.account()?.id;
    let all = subscriptions::of_account(&req.app.reader, account).await?;
    let mut done = DONE.iter().find(|(key, _)| *key == req.query("done")).map(|(_, words)| *words);
    let given = people::by_id(&req.app.reader, account).await?.and_then(|p| p.complimentary);
    let given = given.filter(|c| c.holds_at(req.now()));
    let seats = team::seats(req).await?;
    let (mut fresh, mut declined) = (false, false);
    let content = match all.first() {
        None if given.is_some() || !seats.is_empty() => html! {
            p { "You have no subscription of your own, and nothing is charged." }
            p { (link("See the plans", "/join", Weight::Plain)) }
        },
        None => html! {
            (empty(Icon::Star, "You have not joined yet", "Members watch and download everything this studio publishes.", Some(&Place::new("See the plans", "/join"))))
        },
        Some(row) => {
            let orders = orders::of_subscription(&req.app.reader, row.id).await?;
            let charge = row.state.open_order().and_then(|o| o.charge.as_ref());
            let unordered = row.status == Status::OnHold && orders.is_empty();
            let since = charge.filter(|c| c.action_until.is_none()).map(|c| c.requested_at);
            let since = since.or_else(|| unordered.then_some(row.joined_at));
            let waiting = since.is_some();
            fresh = since.is_some_and(|since| (req.now() - since).abs() < SOON);
            let open = row.state.open_order().and_then(|o| orders.iter().find(|r| r.id == o.order));
            declined = row.status == Status::OnHold && open.is_some_and(|o| o.last_code.is_some());
            if req.query("done") == "paid" {
                done = after_paying(row, waiting);
            }
            let collects = match open {
                Some(open) => open_order::collecting(req, row, open).await?,
                None => None,
            };
            let label = match row.state.method() {
                Some(method) => req.app.reader.open(&method.label).await?,
                None => None,
            };
            let desk = TaxDesk::open(req).await?;
            let team = team::panel(req, row.id).await?;
            let covered = match row.state.due_after_pause().zip(row.state.next_price()) {
                Some((due, price)) => {
                    let by_card = row.state.terms().is_some_and(|t| t.collection == Collection::Automatic);
                    let asked = desk.to_pay_on(row, price, due);
                    Some(actors::credits::there(&req.app, account, asked, by_card).await?)
                }
                None => None,
            };
            let known = known(&desk, row, label.as_deref(), covered);
            let mut before = Vec::new();
            for earlier in all.iter().skip(1) {
                before.extend(orders::of_subscription(&req.app.reader, earlier.id).await?);
            }
            let withdraw = withdrawal::panel(req, row).await?;
            html! { (body(req, &desk, row, (&orders, &known, &withdraw), (waiting, fresh, collects), (form, errors))) (history("Orders of earlier subscriptions", &before)) (team) }
        }
    };
    let credit = credit(req).await?;
    let content = html! {
        (page_head("Subscription", None, None))
        @if let (Some(done), true) = (done.filter(|_| !declined), errors.is_empty()) { (notice_text(Tone::Success, done)) }
        (error_summary(errors))
        @for seat in &seats { (notice_text(Tone::Info, seat)) }
        @if let Some(given) = &given { (notice_text(Tone::Info, &given_words(given))) }
        (content)
        (credit)
    };
    let res = page(
        req,
        Page {
            title: if errors.is_empty() { "Subscription".into() } else { "Error: Subscription".into() },
            section: "Your account".into(),
            theme: Theme::Desk,
            private: true,
            scripts: cards::scripts(req),
            // The result of a charge comes by itself, also without JavaScript; one that does not come soon comes by mail.
            head: fresh.then(|| html! { meta http-equiv="refresh" content="2"; }),
            body: html! { div.page { (rooms("Your account", &places(), "/account/subscription", &content)) } },
            ..Page::default()
        },
    );
    let res = cards::allow(req, res);
    Ok(if errors.is_empty() { res } else { unprocessable(res) })
}

/// What to say after a payment: its result may be there already.
fn after_paying(row: &SubscriptionRow, waiting: bool) -> Option<&'static str> {
    match row.state.open_order() {
        _ if waiting => Some("Your payment is on its way."),
        None if row.state.gives_access() => Some("Thank you. Your payment has been made."),
        _ => None,
    }
}

/// Access that a gift or the studio gave, beside or without a subscription.
fn given_words(given: &Complimentary) -> String {
    let end = given.until.map_or_else(
        || "without an end, given by the studio".to_owned(),
        |end| format!("until {}, by a gift or from the studio", day_words(format::local_day(end))),
    );
    format!("You have access to everything {end}. Nothing is charged for it.")
}

/// What the studio owes the member, with its last moves; nothing for those who never had a credit.
async fn credit(req: &Req) -> Result<Markup, HttpError> {
    let (reader, account) = (&req.app.reader, req.account()?.id);
    let balances = credits::of_account(reader, account).await?;
    let moves = if balances.is_empty() { vec![] } else { credits::moves(reader, account, 20).await? };
    let there: Vec<String> =
        balances.iter().filter(|b| b.money.minor > 0).map(|b| b.money.to_string()).collect();
    let words = |kind: &str, waiting| match kind {
        "granted" => "Became credit",
        "used" => "Paid for an order",
        "given-back" => "Credit again: the order was cancelled",
        "not-sent" => "Credit again: it was not sent",
        "taken-over" => "Came from your other account",
        "handed-over" => "Went to your other account",
        _ if waiting => "Will be sent to your bank account",
        _ => "Paid out to your bank account",
    };
    let columns = [Column::new("When"), Column::new("What"), Column::number("Amount")];
    let rows: Vec<Vec<Markup>> = moves
        .iter()
        .map(|m| {
            let order = html! { @if let Some((id, number)) = &m.order { ", order " a href={ "/account/orders/" (id) } { (number) } } };
            vec![
                head(&format::date(m.at)),
                cell(&html! { (words(&m.kind, m.waiting)) (order) }),
                number(&m.amount.to_string()),
            ]
        })
        .collect();
    Ok(html! {
        @if !moves.is_empty() {
            section.panel aria-labelledby="credit" {
                h2 #credit { "Your credit" }
                @if there.is_empty() { p { "It is used up." } }
                @else { p { "You have " strong.num { (there.join(" + ")) } " of credit. Your next orders use it up before anything is charged. Write to us if you would rather have it paid out." } }
                (table("Moves of your credit", &columns, &rows))
            }
        }
    })
}

fn body(
    req: &Req,
    desk: &TaxDesk,
    row: &SubscriptionRow,
    (orders, known, withdraw): (&[OrderRow], &[(&'static str, Markup)], &Markup),
    (waiting, fresh, collects): (bool, bool, Option<Collecting>),
    (form, errors): (&Form, &Errors),
) -> Markup {
    let open =
        row.state.open_order().and_then(|o| orders.iter().find(|r| r.id == o.order)).filter(|o| o.is_open());
    let live = !row.status.is_final();
    let withdrawing = row.state.withdrawing();
    let ending = row.state.ending().is_some() && live;
    let running = live && withdrawing.is_none() && !ending;
    // Nobody who joins by transfer has paid yet.
    let ordering = row.state.open_order().is_none_or(|o| o.charge.is_none())
        && row.state.terms().is_some_and(|t| t.collection != Collection::Automatic);
    html! {
        section.panel aria-labelledby="state" {
            div.row.apart { h2 #state { (row.plan()) } (own_chip(row)) }
            p { (standing(row)) }
            (facts(known))
            @if live { p { (link("Billing details", "/account/subscription/billing", Weight::Quiet)) } }
            @if row.state.is_paused() && row.status != Status::PendingCancellation {
                (post_form(req, "/account/subscription/resume", &html! { (submit("Go on now", Weight::Main)) }))
            }
            @if row.status == Status::PendingCancellation && running {
                (post_form(req, "/account/subscription/keep", &html! { (submit("Keep my subscription", Weight::Main)) }))
            }
            @if !live { p { (link("Join again", "/join", Weight::Main)) } }
        }
        @if let Some(change) = row.state.price_change().filter(|_| live) {
            (notice(Tone::Info, &html! { p { "For periods that begin on " (day_words(change.from)) " or later the price is " strong.num { (desk.to_pay_on(row, change.terms.price, change.from)) } " per " (change.terms.interval.words()) ". If you do not agree, cancel before your next payment." } }))
        }
        @if let Some(w) = withdrawing {
            (notice(Tone::Info, &html! { p { "We received your withdrawal from the contract: " (format::moment(w.awaits.declared_at)) ". It counts from then. As soon as the result of the payment is known, your subscription ends, and what was taken for later days goes back to you. A mail says so." } }))
        }
        @if ending && withdrawing.is_none() {
            (notice_text(Tone::Warning, "Your bank was asked to take a payment back, so your subscription ends. A payment is still being processed: as soon as its result is known the subscription ends, and what was taken for it goes back to you. If you did not ask your bank, write to us."))
        }
        @if waiting && ordering { (notice_text(Tone::Info, if fresh { "Your order is being made. This page shows it by itself." } else { "Your order is being made. Reload this page in a moment." })) }
        @else if fresh { (notice_text(Tone::Info, "Your payment is being processed. This page shows the result by itself.")) }
        @else if waiting { (notice_text(Tone::Info, "The payment service has not said yet what became of your payment. We find out, which can take some days: you are not charged twice, and a mail tells you the result.")) }
        @if let Some(open) = open.filter(|_| withdrawing.is_none()) { (open_order::panel(req, row, open, (waiting, collects), form, errors)) }
        @if live && row.state.terms().is_some_and(|t| t.collection == Collection::Automatic) && open.is_none() && !waiting {
            section.panel aria-labelledby="card" {
                h2 #card { "Change card" }
                (post_form(req, "/account/subscription/card", &html! { (card_fields(req, form, errors, false)) (submit("Use this card", Weight::Plain)) }))
                p { (link("Choose among the cards you keep", "/account/payment-methods", Weight::Quiet)) }
            }
        }
        @if running { (plan_change::ahead(row)) }
        @if row.status == Status::Active && running {
            @if !waiting && open.is_none() && row.state.pause().is_none() && !row.state.is_parked() { (plan_change::panel(req, desk, row)) }
            (pause::panel(req, row, form, errors))
        }
        // Who has access can cancel whatever waits; an order under way on hold is waited for, or withdrawn from.
        @if running && (row.status == Status::Active || row.status == Status::OnHold && !waiting) { (cancel_panel(req, row)) }
        (withdraw)
        (history("Orders", orders))
        p { (link("See your invoices", "/account/invoices", Weight::Quiet)) }
    }
}

/// The same for the member, to whom our words for it say nothing.
fn own_chip(row: &SubscriptionRow) -> Markup {
    match row.status {
        status if status.is_final() => status_chip(row),
        _ if row.state.withdrawing().is_some() => chip(Tone::Warning, "Withdrawn"),
        _ if row.state.ending().is_some() => chip(Tone::Warning, "Ends"),
        Status::Active if row.state.is_parked() => chip(Tone::Info, "We are looking at it"),
        _ => status_chip(row),
    }
}

/// The state as a small word.
pub(in crate::http::pages) fn status_chip(row: &SubscriptionRow) -> Markup {
    match row.status {
        _ if row.state.is_parked() => chip(Tone::Warning, "Parked"),
        _ if row.state.is_paused() => chip(Tone::Warning, "Paused"),
        Status::Active if row.state.trial_until().is_some() => chip(Tone::Info, "Trial"),
        Status::Active if row.state.open_order().is_some_and(|o| o.failures > 0) => {
            chip(Tone::Warning, "Payment failed")
        }
        Status::Active => chip(Tone::Success, "Active"),
        Status::PendingCancellation => chip(Tone::Warning, "Cancelled"),
        Status::OnHold => chip(Tone::Danger, "On hold"),
        Status::Cancelled => chip(Tone::Plain, "Ended"),
        Status::Expired => chip(Tone::Plain, "Expired"),
    }
}

fn standing(row: &SubscriptionRow) -> String {
    let day = row.state.due_after_pause().map(day_words).unwrap_or_default();
    let by_card = row.state.terms().is_some_and(|t| t.collection == Collection::Automatic);
    let in_flight = row.state.open_order().is_some_and(|o| o.charge.is_some());
    match row.status {
        status if !status.is_final() && row.state.withdrawing().is_some() => {
            "You withdrew from the contract. Nothing more will be charged.".into()
        }
        status if !status.is_final() && row.state.ending().is_some() => {
            "It ends when the result of the payment that is being processed is known. Nothing more will be charged."
                .into()
        }
        Status::Active if row.state.is_parked() => {
            "Payments were not asked for in time, and we are looking at it: nothing is charged meanwhile. You can watch everything and need not do anything. A mail tells you how it goes on.".into()
        }
        _ if row.state.is_paused() => match row.state.pause().and_then(|p| p.until) {
            Some(day) => {
                format!("Your subscription is paused. It goes on by itself on {}.", day_words(day))
            }
            None => "Your subscription is paused. It goes on when you end the pause.".into(),
        },
        Status::Active if let Some(pause) = row.state.pause_ahead() => pause::ahead_words(pause, &day),
        Status::Active if row.state.trial_until().is_some() && !by_card => {
            format!("Your trial lasts until {day}; then the first payment is due. We write to you before that day.")
        }
        Status::Active if row.state.trial_until().is_some() && row.state.method().is_none() => {
            format!("Your trial lasts until {day}. Add a card before that day to go on.")
        }
        Status::Active if row.state.trial_until().is_some() => {
            format!("Your trial lasts until {day}; then the first payment is due.")
        }
        Status::Active if row.state.open_order().is_some_and(|o| o.failures > 0) => {
            "The last payment failed. Your access stays while we try again.".into()
        }
        Status::Active => format!("You can watch everything. The next payment is due on {day}."),
        Status::PendingCancellation if in_flight => {
            "You cancelled. A payment is still being processed: if it is made, you can watch everything until the end of the time it pays for. Nothing more will be charged.".into()
        }
        Status::PendingCancellation => {
            format!("You cancelled. You can watch everything until {day}; nothing more will be charged.")
        }
        Status::OnHold => "Your subscription starts, or goes on, when the open order is paid.".into(),
        Status::Cancelled => "Your subscription has ended.".into(),
        Status::Expired => "Your subscription expired because its order was not paid.".into(),
    }
}

fn known<'a>(
    desk: &TaxDesk,
    row: &'a SubscriptionRow,
    label: Option<&'a str>,
    covered: Option<Money>,
) -> Vec<(&'static str, Markup)> {
    let mut pairs = Vec::new();
    if let Some(terms) = row.state.terms() {
        pairs.push((
            "Price",
            html! { span.num { (desk.to_pay(row, row.price().unwrap_or(terms.price))) } " per " (terms.interval.words()) },
        ));
        if terms.collection == Collection::Automatic {
            pairs.push(("Card", html! { (label.unwrap_or("none")) }));
        }
    }
    let runs = row.status == Status::Active && !row.state.is_parked();
    if let Some(pause) = row.state.pause().filter(|p| runs && !p.began()) {
        pairs.push(("Rests", html! { (pause::days(pause)) }));
    }
    if let (Some(due), true) = (row.state.due_after_pause(), runs) {
        let price = row.state.next_price().map(|price| desk.to_pay_on(row, price, due));
        pairs.push((
            "Next payment",
            html! {
                (format::day(due)) @if let Some(price) = price { ": " span.num { (price) } }
                @if let Some(covered) = covered.filter(|c| c.minor > 0) { ", of which " span.num { (covered) } " from your credit" }
            },
        ));
    }
    if let Some(given) = row.state.discount().filter(|_| !row.status.is_final()) {
        let left = given.discount.periods.map(|n| n - given.used);
        pairs.push(("Coupon", html! { span.mono { (given.discount.code) } ": " (given.discount.words()) @if let Some(n) = left { ", " (n) " left" } }));
    }
    if let (Some(due), Status::PendingCancellation) = (row.state.next_due_on(), row.status) {
        pairs.push(("Ends", html! { (format::day(due)) }));
    }
    if let Some(retry) =
        row.state.open_order().filter(|o| runs && o.charge.is_none()).and_then(|o| o.retry_at)
    {
        pairs.push(("Tried again", html! { (format::date(retry)) }));
    }
    if let (Some(at), Status::OnHold) = (row.state.expires_at(), row.status) {
        pairs.push(("Expires", html! { (format::date(at)) }));
    }
    pairs.push(("Joined", html! { (format::date(row.joined_at)) }));
    pairs
}

fn cancel_panel(req: &Req, row: &SubscriptionRow) -> Markup {
    let in_flight = row.state.open_order().is_some_and(|o| o.charge.is_some());
    let over = row.state.paid_up_to().is_some_and(|end| end <= req.now());
    let words = match (row.status, row.state.next_due_on()) {
        _ if row.state.is_paused() => {
            "This ends the pause: the days that are paid for run on from today, then your subscription ends. Nothing more is charged.".into()
        }
        (Status::Active, _) if over && in_flight => {
            "If the payment that is being processed is made, you keep access until the end of the time it pays for; if not, your subscription ends. Nothing more is charged.".into()
        }
        (Status::Active, _) if over => {
            "The time that was paid for is over: your subscription ends at once. Nothing more is charged.".into()
        }
        (Status::Active, Some(day)) if row.state.pause().is_some() => format!(
            "This gives up the pause that is planned: you keep access until {}. Nothing more is charged.",
            day_words(day)
        ),
        (Status::Active, Some(day)) => {
            format!("You keep access until {}. Nothing more is charged.", day_words(day))
        }
        _ => "The open order does not have to be paid then.".into(),
    };
    html! {
        section.panel aria-labelledby="cancel" {
            h2 #cancel { "Cancel" }
            p { (words) }
            (post_form(req, "/account/subscription/cancel", &html! {
                (Field::new("cancel_reason", "Why?").optional().hint("You need not say; it helps us to do better.").mid()
                    .select([("", "Rather not say")].into_iter().chain(CancelReason::iter().map(|r| (<&'static str>::from(r), r.words())))).render())
                (submit("Cancel subscription", Weight::Danger))
            }))
        }
    }
}

/// The state of an order as a small word.
pub(in crate::http::pages) fn order_chip(status: &str) -> Markup {
    match status {
        "paid" => chip(Tone::Success, "Paid"),
        "fulfilled" => chip(Tone::Success, "Fulfilled"),
        "created" => chip(Tone::Info, "Open"),
        "soft-failed" => chip(Tone::Warning, "Payment failed"),
        "failed" => chip(Tone::Danger, "Failed"),
        "refunded" => chip(Tone::Plain, "Refunded"),
        _ => chip(Tone::Plain, "Cancelled"),
    }
}

fn history(title: &str, orders: &[OrderRow]) -> Markup {
    let columns = [
        Column::new("Order"),
        Column::new("For"),
        Column::new("Status"),
        Column::number("Amount"),
        Column::new("Placed"),
    ];
    let rows: Vec<Vec<Markup>> = orders
        .iter()
        .map(|o| {
            vec![
                head(&html! { a href={ "/account/orders/" (o.id) } { (o.number) } }),
                cell(&html! { (o.description) }),
                cell(&order_chip(&o.status)),
                number(&o.total.to_string()),
                cell(&format::date(o.placed_at)),
            ]
        })
        .collect();
    html! { @if !orders.is_empty() { section.stack { h2 { (title) } (table(title, &columns, &rows)) } } }
}
