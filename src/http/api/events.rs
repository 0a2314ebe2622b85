//! The event log, for staff: by pages, or all of it as JSON Lines while it is read.

use super::{Endpoint, bad_cursor, cursor, limit, page};
use crate::actors::accounts::access_tokens::Scope;
use crate::http::response::set;
use crate::http::route::Access;
use crate::http::{HttpError, Req, Res};
use crate::projections::operator::{self, LogFilter, RecordedEvent};
use serde_json::{Value, json};
use std::sync::Arc;
use warp::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use warp::reply::Reply;

const STAFF: Access = Access::Role(&["billing", "operator"]);
/// Events read at a time by the export.
const PAGE: i64 = 1000;

/// The kinds of streams that are about money: what billing staff may read.
const MONEY: [&str; 14] = [
    "subscription",
    "order",
    "invoice_series",
    "plan",
    "coupon",
    "gift",
    "tax_book",
    "team",
    "wallet",
    "credit",
    "exchange",
    "approval",
    "mandate",
    "debit_file",
];

const QUERY: &[(&str, &str)] = &[
    ("stream", "only this stream, such as `subscription-…`"),
    ("category", "only streams of this kind, such as `order`"),
    ("type", "only this type, such as `OrderPaid`"),
    ("after", "only what stands behind this position"),
    ("limit", "1 to 100"),
    ("cursor", "`next` of the page before"),
];
/// What the stream takes: all but what belongs to pages.
const OF_STREAM: &[(&str, &str)] = QUERY.split_at(4).0;

pub(super) fn endpoints() -> Vec<Endpoint> {
    let scope = Scope::EventsRead;
    vec![
        Endpoint::get("/api/v1/events", scope, "Events in their order, the oldest first", "Event", list)
            .list(QUERY)
            .access(STAFF),
        Endpoint::get("/api/v1/events.jsonl", scope, "The same as one stream of JSON Lines", "", export)
            .file("application/jsonl", OF_STREAM)
            .access(STAFF),
    ]
}

/// Billing staff see what is about money; operators see everything. Personal values are in neither.
fn filter(req: &Req) -> LogFilter {
    let wish = |name: &str| Some(req.query(name).to_owned()).filter(|text| !text.is_empty());
    let all = req.viewer.has_role(&["operator", "admin"]);
    LogFilter {
        stream: wish("stream"),
        category: wish("category"),
        kind: wish("type"),
        within: (!all).then(|| MONEY.map(str::to_owned).to_vec()),
    }
}

fn to_json(event: &RecordedEvent) -> Value {
    json!({
        "position": event.position, "stream": event.stream_id, "version": event.version, "type": event.kind,
        "type_version": event.type_version, "recorded_at": event.recorded_at, "effective_at": event.effective_at,
        "data": event.payload, "metadata": event.metadata,
    })
}

/// The position behind which it begins.
fn after(req: &Req) -> Result<i64, HttpError> {
    match req.query("after") {
        "" => Ok(0),
        text => text.parse().ok().filter(|n| *n >= 0).ok_or_else(|| {
            HttpError::Fields(vec![("after".into(), "A position of the log, such as 1204.".into())])
        }),
    }
}

async fn list(req: Req) -> Result<Res, HttpError> {
    let most = limit(&req)?;
    let after: i64 = match cursor(&req)? {
        Some(text) => text.parse().map_err(|_| bad_cursor())?,
        None => after(&req)?,
    };
    let events = operator::log(&req.app.reader, &filter(&req), after, most + 1).await?;
    let more = i64::try_from(events.len()).unwrap_or(0) > most;
    let events = &events[..events.len().min(usize::try_from(most).unwrap_or(0))];
    let next = events.last().filter(|_| more).map(|e| e.position.to_string());
    page(&req, events.iter().map(to_json).collect(), next)
}

async fn export(req: Req) -> Result<Res, HttpError> {
    let (wanted, first) = (filter(&req), after(&req)?);
    let app = Arc::clone(&req.app);
    // One page ahead of the client at most; whoever hangs up ends the reading.
    let (send, receive) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        let mut after = first;
        loop {
            let page = operator::log(&app.reader, &wanted, after, PAGE).await;
            let (text, next) = match page {
                Ok(events) => {
                    let full = i64::try_from(events.len()).unwrap_or(0) == PAGE;
                    let text: String = events.iter().map(|e| format!("{}\n", to_json(e))).collect();
                    (Ok(text), events.last().filter(|_| full).map(|e| e.position))
                }
                Err(error) => {
                    tracing::warn!(%error, "an export of the log broke off");
                    (Err(std::io::Error::other("the log could not be read")), None)
                }
            };
            if send.send(text).await.is_err() {
                return;
            }
            match next {
                Some(position) => after = position,
                None => return,
            }
        }
    });
    let lines = futures_util::stream::unfold(receive, |mut receive| async move {
        receive.recv().await.map(|text| (text, receive))
    });
    let mut res = warp::reply::stream(lines).into_response();
    set(&mut res, CONTENT_TYPE, "application/jsonl; charset=utf-8");
    set(&mut res, CONTENT_DISPOSITION, "attachment; filename=\"events.jsonl\"");
    set(&mut res, CACHE_CONTROL, "no-store");
    Ok(res)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// What billing staff do not read: what is not about money. A new category belongs to one of both.
    const NOT_MONEY: [&str; 13] = [
        "account",
        "character",
        "collection",
        "comment",
        "course",
        "deletion_request",
        "film",
        "media",
        "post",
        "run",
        "production_log",
        "site",
        "statistics",
    ];

    #[test]
    fn every_category_is_about_money_or_not() {
        let known: BTreeSet<&str> =
            crate::store::known::all().iter().map(|(category, ..)| *category).collect();
        let undecided: Vec<_> =
            known.iter().filter(|c| !MONEY.contains(c) && !NOT_MONEY.contains(c)).collect();
        assert!(undecided.is_empty(), "{undecided:?}");
        let gone: Vec<_> = MONEY.iter().chain(&NOT_MONEY).filter(|c| !known.contains(*c)).collect();
        assert!(gone.is_empty(), "{gone:?}");
    }
}
