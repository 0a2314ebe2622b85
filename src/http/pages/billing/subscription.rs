//! `/billing/subscriptions/{id}`: one subscription with its event log in words, as it was on any
//! date, and as a file.

use super::event_log::{Part, kind_words, tone};
use super::{
    BILLING, approvals, desk, kept, names, person, subscription_acts, subscription_export,
    subscription_mails, subscription_plan, with,
};
use crate::actors::bus::Actor;
use crate::domain::shared::Money;
use crate::domain::shared::calendar::{day_of, day_words};
use crate::domain::shared::vat_number::VatCheck;
use crate::domain::subscription::{Subscription, SubscriptionEvent};
use crate::http::error::HttpError;
use crate::http::pages::membership::pause;
use crate::http::pages::membership::shared::TaxDesk;
use crate::http::pages::membership::subscription::{order_chip, status_chip};
use crate::http::pages::membership::team::taken_words;
use crate::http::route::Route;
use crate::http::ui::button::{link_small, submit_small};
use crate::http::ui::layout::{Place, crumbs};
use crate::http::ui::table::{cell, head, number};
use crate::http::ui::{
    Column, Errors, Field, Icon, Tone, Weight, empty, facts, filter, filters, format, notice, notice_text,
    page_head, table,
};
use crate::http::{Form, Req, Res};
use crate::projections::orders::{self, OrderRow};
use crate::projections::subscription_timeline::{self, Entry, state_as_of};
use crate::projections::subscription_words::describe;
use crate::projections::subscriptions::{self, SubscriptionRow};
use crate::projections::teams;
use chrono::{DateTime, NaiveDate, Utc};
use maud::{Markup, html};
use std::collections::BTreeSet;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/billing/subscriptions/{id}", BILLING, show),
        Route::get("/billing/subscriptions/{id}/log.csv", BILLING, as_csv),
        Route::get("/billing/subscriptions/{id}/log.jsonl", BILLING, as_json_lines),
    ]
}

/// What the timeline is narrowed to.
struct Narrowed {
    kind: Option<String>,
    by: Option<String>,
    from: Option<NaiveDate>,
    until: Option<NaiveDate>,
}

impl Narrowed {
    fn of(req: &Req) -> Self {
        let set = |name: &str| Some(req.query(name).to_owned()).filter(|v| !v.is_empty());
        let day = |name: &str| day_of(req.query(name));
        Self { kind: set("kind"), by: set("by"), from: day("from"), until: day("until") }
    }

    /// What was asked for and cannot be read.
    fn misread(req: &Req) -> Vec<(String, String)> {
        let wrong = |name: &&str| !req.query(name).is_empty() && day_of(req.query(name)).is_none();
        let words = "Enter a day such as 2027-01-31. It was left out.";
        ["from", "until", "as_of", "known_on"]
            .into_iter()
            .filter(wrong)
            .map(|name| (name.to_owned(), words.to_owned()))
            .collect()
    }

    fn takes(&self, entry: &Entry) -> bool {
        let day = format::local_day(entry.effective_at);
        self.kind.as_ref().is_none_or(|k| *k == entry.kind)
            && self.by.as_ref().is_none_or(|b| *b == group(entry))
            && self.from.is_none_or(|d| day >= d)
            && self.until.is_none_or(|d| day <= d)
    }
}

/// Who caused a line, as one of a few words.
fn group(entry: &Entry) -> &'static str {
    match &entry.actor {
        _ if entry.by_member => "member",
        Actor::Account(_) => "staff",
        _ if entry.run.is_some() => "clock",
        _ => "workflow",
    }
}

async fn show(req: Req) -> Result<Res, HttpError> {
    view(&req, &Form::default(), &Errors::none()).await
}

/// The lines that are left after narrowing, for a file.
async fn narrowed_log(req: &Req) -> Result<(SubscriptionRow, Vec<Entry>), HttpError> {
    let misread = Narrowed::misread(req);
    if !misread.is_empty() {
        return Err(HttpError::Fields(misread));
    }
    let id = req.id_param("id")?;
    let row = subscriptions::one(&req.app.reader, id).await?.ok_or(HttpError::NotFound)?;
    let mut entries = subscription_timeline::of(&req.app.reader, id, None).await?;
    let narrowed = Narrowed::of(req);
    entries.retain(|e| narrowed.takes(e));
    Ok((row, entries))
}

/// The days it is narrowed to are those of the studio, as on the page; what stands in the file is UTC throughout.
async fn as_csv(req: Req) -> Result<Res, HttpError> {
    let (row, entries) = narrowed_log(&req).await?;
    format::in_zone(None, async { subscription_export::as_csv(row.id, &entries) }).await
}

/// As [`as_csv`].
async fn as_json_lines(req: Req) -> Result<Res, HttpError> {
    let (row, entries) = narrowed_log(&req).await?;
    format::in_zone(None, async { subscription_export::as_json_lines(row.id, &entries) }).await
}

pub(super) async fn view(req: &Req, form: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let id = req.id_param("id")?;
    let reader = &req.app.reader;
    let row = subscriptions::one(reader, id).await?.ok_or(HttpError::NotFound)?;
    // Asked before the lines are read: what comes meanwhile is not taken for a line that is left out.
    let reached = subscription_timeline::reached(reader).await?;
    let entries = subscription_timeline::of(reader, id, None).await?;
    let narrowed = Narrowed::of(req);
    let mut misread = Errors::none();
    for (field, words) in Narrowed::misread(req) {
        misread.add(&field, words);
    }
    if req.query("as_of").is_empty() && !req.query("known_on").is_empty() {
        misread.add("as_of", "Say also the day on which it was true: what was known is asked of a day.");
    }
    let errors = if errors.is_empty() { &misread } else { errors };
    let shown: Vec<&Entry> = entries.iter().filter(|e| narrowed.takes(e)).collect();
    let page = format!("/billing/subscriptions/{id}");
    let part = Part::of(req, &page, &shown);
    let mut people = part.accounts();
    people.push(row.owner);
    let names = names(req, &people, "billing-subscription").await?;
    let log = with(req, "page", None);
    let file = |name: &str| log.replacen(&req.path, &format!("{page}/{name}"), 1);
    let orders = orders::of_subscription(reader, id).await?;
    let acts = html! {
        (link_small("Export CSV", &file("log.csv"), Weight::Plain))
        (link_small("Export JSON Lines", &file("log.jsonl"), Weight::Quiet))
        (link_small("What if?", &format!("/billing/subscriptions/{id}/what-if"), Weight::Quiet))
    };
    let plan = subscription_plan::fields(req, &row, form, errors).await?;
    let mails = subscription_mails::fields(req, &row, form, errors).await?;
    let team = teams::one(reader, id).await?;
    let proof = super::proof::panel(req, id, &entries, reached).await?;
    let waiting = approvals::waiting(req, row.owner).await?;
    let content = html! {
        (crumbs(&[Place::new("Subscriptions", "/billing/subscriptions")], &row.plan()))
        (page_head(&row.plan(), None, Some(&acts)))
        (decisive(&entries))
        (waiting)
        section.panel {
            div.row.apart { p { "Member: " (person(&names, row.owner)) } (status_chip(&row)) }
            (facts(&known(&row.state, &row, TaxDesk::open(req).await?.price(&row))))
            @if let Some(team) = &team { p { "Team: " (taken_words(&team.state)) @if !team.state.waiting().is_empty() { ", " (team.state.waiting().len()) " wait for one" } "." } }
        }
        (subscription_acts::panel(req, &row, (&plan, &mails), form, errors))
        (as_of(req, &entries, &row))
        section.stack { h2 { "Orders" } (order_table(&orders)) }
        (proof)
        section.stack aria-labelledby="log" {
            h2 #log { "Event log" }
            (chips(req, &entries, &narrowed))
            @if shown.is_empty() {
                (empty(Icon::Search, "Nothing matches", "Take a filter away to see the whole log.", Some(&Place::new("Show everything", req.path.clone()))))
            } @else {
                (part.shown(&names))
            }
        }
    };
    Ok(desk(req, &row.plan(), errors, &content))
}

/// `charged` is what a period costs its member: who accounts for the tax pays less than was agreed with it.
fn known(state: &Subscription, row: &SubscriptionRow, charged: Option<Money>) -> Vec<(&'static str, Markup)> {
    let day = |d: Option<NaiveDate>| d.map_or_else(|| "–".into(), day_words);
    let agreed = row.price().filter(|price| charged.is_some_and(|charged| charged != *price));
    let mut pairs = vec![
        (
            "Price",
            html! { span.num { @if let Some(price) = charged { (price) } } @if let Some(agreed) = agreed { ", net; with the tax " span.num { (agreed) } " was agreed" } },
        ),
        ("Anchor", html! { (day(state.anchor())) }),
        ("Next payment", html! { (day(state.next_payment_on().and(state.due_after_pause()))) }),
        ("Country", html! { @if let Some(country) = state.country() { (country.name()) } }),
        ("Joined", html! { (format::date(row.joined_at)) }),
    ];
    if let Some(pause) = state.pause() {
        let when = if pause.began() { "rests " } else { "planned: rests " };
        pairs.push(("Pause", html! { (when) (pause::days(pause)) @if let Some(left) = pause.days_left { ", with " (left) " paid days left after it" } }));
    }
    if let Some(terms) = state.terms() {
        let collection: &'static str = terms.collection.into();
        pairs.push(("Collection", html! { (collection) ", dates of " (terms.zone) }));
    }
    if state.vat_number().is_some() {
        let words = match state.vat_check() {
            None => "not asked for at the register",
            Some((VatCheck::Pending, _)) => "the register has not answered yet",
            Some((VatCheck::Confirmed { .. }, _)) => "known to the register",
            Some((VatCheck::Refused, _)) => "not known to the register: taken for a private buyer",
        };
        pairs.push(("VAT number", html! { (words) }));
    }
    if let Some(ended) = row.ended_at {
        pairs.push(("Ended", html! { (format::date(ended)) }));
    }
    pairs.push(("Id", html! { span.mono.break { (row.id) } }));
    pairs
}

/// The state as of a date: what was true then, and what was known then.
fn as_of(req: &Req, entries: &[Entry], row: &SubscriptionRow) -> Markup {
    let (now, today) = (req.now(), format::local_day(req.now()));
    // Of today, what was true and known until now.
    let end_of = |name: &str| Some(format::day_ends(day_of(req.query(name))?).min(now));
    let end = end_of("as_of");
    let known = end_of("known_on").or(end);
    let to_come = day_of(req.query("as_of")).is_some_and(|day| day > today);
    html! {
        section.panel aria-labelledby="asof" {
            h2 #asof { "As it was on a day" }
            form.row method="get" action=(req.path) {
                (kept(req, &["as_of", "known_on"]))
                (Field::new("as_of", "True on (end of the day)").kind("date").value(req.query("as_of")).short().render())
                (Field::new("known_on", "As we knew on").kind("date").optional().value(req.query("known_on")).short().render())
                (submit_small("Show that day", Weight::Plain))
            }
            @if to_come {
                (notice_text(Tone::Warning, "That day is still to come: nobody knows yet how it will stand then. What would happen is shown under What if?"))
            } @else if let (Some(end), Some(known)) = (end, known) {
                (facts(&[
                    ("What was true", html! { (sentence(&state_as_of(entries, end))) }),
                    ("What we knew", html! { (sentence(&known_at(entries, end, known))) @if known != end { " (recorded by the end of " (day_words(format::local_day(known))) ")" } }),
                ]))
                @if row.joined_at > end { p.small.dim { "The member joined later." } }
            }
        }
    }
}

/// What was true at `at` by what had been written by `known`.
fn known_at(entries: &[Entry], at: DateTime<Utc>, known: DateTime<Utc>) -> Subscription {
    let recorded: Vec<Entry> =
        entries.iter().filter(|e| e.recorded_at <= known && e.effective_at <= at).cloned().collect();
    state_as_of(&recorded, at)
}

fn sentence(state: &Subscription) -> String {
    let Some(status) = state.status() else { return "Not joined yet.".into() };
    let status: &'static str = status.into();
    let access = match (state.gives_access(), state.is_paused()) {
        (true, _) => "access",
        (false, true) => "no access (paused)",
        (false, false) => "no access",
    };
    let due = state.next_due_on().map(|d| format!(", paid up to {}", day_words(d))).unwrap_or_default();
    let open = state
        .open_order()
        .map(|o| format!(", an open order due {} with {} failed attempts", day_words(o.due_on), o.failures))
        .unwrap_or_default();
    format!("{status}, {access}{due}{open}.")
}

fn order_table(orders: &[OrderRow]) -> Markup {
    let columns = [
        Column::new("Order"),
        Column::new("Status"),
        Column::number("Attempts"),
        Column::number("Amount"),
        Column::new("Placed"),
        Column::new("Paid"),
    ];
    let rows: Vec<Vec<Markup>> = orders
        .iter()
        .map(|o| {
            vec![
                head(&html! { a href={ "/billing/orders/" (o.id) } { (o.number) } }),
                cell(&order_chip(&o.status)),
                number(&o.attempts.to_string()),
                number(&o.total.to_string()),
                cell(&format::date(o.placed_at)),
                cell(&html! { @if let Some(paid) = o.paid_at { (format::date(paid)) } @else { "–" } }),
            ]
        })
        .collect();
    table("Orders of this subscription", &columns, &rows)
}

fn chips(req: &Req, entries: &[Entry], narrowed: &Narrowed) -> Markup {
    let mut all = Vec::new();
    match &narrowed.by {
        Some(by) => all.push(filter("By", Some(by), &with(req, "by", None))),
        None => {
            let groups: BTreeSet<&str> = entries.iter().map(|e| group(e)).collect();
            all.extend(groups.iter().map(|g| filter(&format!("By {g}"), None, &with(req, "by", Some(g)))));
        }
    }
    if let Some(kind) = &narrowed.kind {
        all.push(filter("Kind", Some(&kind_words(kind)), &with(req, "kind", None)));
    }
    let kinds: BTreeSet<&str> = entries.iter().map(|e| e.kind.as_str()).collect();
    let kinds = kinds.into_iter().map(|kind| (kind, kind_words(kind)));
    let set = narrowed.by.is_some()
        || narrowed.kind.is_some()
        || narrowed.from.is_some()
        || narrowed.until.is_some();
    html! {
        (filters(&all, set.then_some(req.path.as_str())))
        form.row method="get" action=(req.path) {
            (kept(req, &["kind", "from", "until"]))
            (Field::new("kind", "Kind").value(req.query("kind")).select([("", "All kinds".to_owned())].into_iter().chain(kinds)).mid().render())
            (Field::new("from", "From").kind("date").value(req.query("from")).short().render())
            (Field::new("until", "Until").kind("date").value(req.query("until")).short().render())
            (submit_small("Narrow the log", Weight::Plain))
        }
    }
}

/// Why it stands where it stands: the last line that decided it.
fn decisive(entries: &[Entry]) -> Markup {
    let last =
        entries.iter().rev().find(|e| e.decode::<SubscriptionEvent>().is_some_and(|e| e.moves_status()));
    html! {
        @if let Some(entry) = last {
            @let words = describe(entry);
            (notice(tone(words.weight), &html! { p { strong { (words.what) } } @if let Some(why) = &words.why { p { (why) } } p.small { (format::moment(entry.effective_at)) } }))
        }
    }
}

/// A notice for a subscription that staff have to decide about.
pub(super) fn parked_notice() -> Markup {
    notice(
        Tone::Warning,
        &html! { p { "Too many periods went by unbilled. Nothing is charged until you decide." } },
    )
}
