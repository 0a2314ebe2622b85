//! What several pages of the desk share.

use crate::actors::accounts::staff;
use crate::domain::shared::Money;
use crate::domain::subscription::Status;
use crate::http::error::HttpError;
use crate::http::page::{Page, page};
use crate::http::pages::billing_places;
use crate::http::request::Req;
use crate::http::response::Res;
use crate::http::ui::{Theme, Tone, chip, format, paging, rooms};
use crate::projections::people;
use chrono::{DateTime, Utc};
use futures_util::future::try_join_all;
use maud::{Markup, html};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// Rows on one page of a list.
pub(super) const ROWS: i64 = 50;

/// A page of the desk.
pub(super) fn desk(req: &Req, title: &str, content: &Markup) -> Res {
    let body = html! { div.page { (rooms("Billing", &billing_places(), &req.path, content)) } };
    page(
        req,
        Page {
            title: title.into(),
            section: "Billing".into(),
            theme: Theme::Desk,
            private: true,
            body,
            ..Page::default()
        },
    )
}

/// Names of people by account; erased and unknown ones are missing. What is shown is recorded
/// first; without the record nothing is shown.
pub(super) async fn names(req: &Req, accounts: &[Uuid]) -> Result<HashMap<Uuid, String>, HttpError> {
    let reader = req.account()?.id;
    let each: BTreeSet<Uuid> = accounts.iter().copied().collect();
    let records = each
        .iter()
        .map(|account| staff::record_read(&req.app, req.meta(), reader, *account, "billing/names"));
    try_join_all(records).await.map_err(|error| {
        tracing::warn!(%error, "a reading of names could not be recorded");
        HttpError::busy()
    })?;
    Ok(people::display_names(&req.app.reader, accounts).await?)
}

/// A person's name with the way to the person.
pub(super) fn person(names: &HashMap<Uuid, String>, account: Uuid) -> Markup {
    html! { a href={ "/billing/people/" (account) } { (names.get(&account).map_or("Erased account", String::as_str)) } }
}

/// A status as a chip.
pub(super) fn status(status: Status) -> Markup {
    let (tone, words) = match status {
        Status::Active => (Tone::Success, "Active"),
        Status::PendingCancellation => (Tone::Warning, "Ends with its paid time"),
        Status::OnHold => (Tone::Danger, "On hold"),
        Status::Cancelled => (Tone::Plain, "Cancelled"),
        Status::Expired => (Tone::Plain, "Expired"),
    };
    chip(tone, words)
}

/// The status of an order as a chip.
pub(super) fn order_status(status: &str) -> Markup {
    let (tone, words) = match status {
        "paid" => (Tone::Success, "Paid"),
        "created" => (Tone::Info, "Open"),
        "soft-failed" => (Tone::Warning, "Payment failed, tried again"),
        "failed" => (Tone::Danger, "Payment failed"),
        "cancelled" => (Tone::Plain, "Cancelled"),
        other => (Tone::Plain, other),
    };
    chip(tone, words)
}

/// The number of the page that is asked for, from 0.
pub(super) fn page_number(req: &Req) -> i64 {
    req.query("page").parse::<i64>().unwrap_or(1).clamp(1, 100_000) - 1
}

/// The way to the other pages of a list; `query` is the rest of the address, such as `&status=active`.
pub(super) fn pages(path: &str, query: &str, number: i64, shown: usize, total: i64) -> Markup {
    let first = number * ROWS;
    let shown = i64::try_from(shown).unwrap_or(0);
    let to = |number: i64| format!("{path}?page={}{query}", number + 1);
    let previous = (number > 0).then(|| to(number - 1));
    let next = (first + shown < total).then(|| to(number + 1));
    paging(if shown == 0 { 0 } else { first + 1 }, first + shown, total, previous.as_deref(), next.as_deref())
}

/// The parts of a query that are set, ready to be appended to an address.
pub(super) fn query(pairs: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    let query = query.finish();
    if query.is_empty() { query } else { format!("&{query}") }
}

/// An address with the parts of a query that are set.
pub(super) fn address(path: &str, pairs: &[(&str, &str)]) -> String {
    let query = query(pairs);
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", &query[1..]) }
}

/// Money, or a dash.
pub(super) fn money(amount: Option<Money>) -> String {
    amount.map_or_else(|| "–".into(), |amount| amount.to_string())
}

/// A day, or a dash.
pub(super) fn day(at: Option<DateTime<Utc>>) -> Markup {
    at.map_or_else(|| html! { "–" }, format::date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_carry_only_what_is_set() {
        assert_eq!(address("/billing/orders", &[("status", ""), ("number", "")]), "/billing/orders");
        assert_eq!(
            address("/billing/orders", &[("status", "open"), ("number", "A&B")]),
            "/billing/orders?status=open&number=A%26B"
        );
    }
}
