//! The event log of one subscription as a file.

use super::{csv, download};
use crate::http::Res;
use crate::http::error::HttpError;
use crate::projections::subscription_timeline::Entry;
use crate::projections::subscription_words::{actor_words, describe};
use serde_json::json;
use uuid::Uuid;

pub(super) fn as_csv(id: Uuid, entries: &[Entry]) -> Result<Res, HttpError> {
    let head = [
        "position",
        "effective_at",
        "recorded_at",
        "type",
        "what",
        "why",
        "reason",
        "by",
        "run",
        "caused_by",
        "subject",
        "payload",
    ];
    let rows = entries.iter().map(|e| {
        let words = describe(e);
        vec![
            e.position.to_string(),
            e.effective_at.to_rfc3339(),
            e.recorded_at.to_rfc3339(),
            e.kind.clone(),
            words.what,
            words.why.unwrap_or_default(),
            e.reason.clone().unwrap_or_default(),
            actor_words(e),
            e.run.as_ref().map(|(job, slot)| format!("{job} {}", slot.to_rfc3339())).unwrap_or_default(),
            e.caused_by.map(|p| p.to_string()).unwrap_or_default(),
            e.subject.to_string(),
            e.payload.to_string(),
        ]
    });
    Ok(download(&format!("subscription-{id}.csv"), "text/csv; charset=utf-8", csv(&head, rows)?))
}

pub(super) fn as_json_lines(id: Uuid, entries: &[Entry]) -> Result<Res, HttpError> {
    let mut out = String::new();
    for e in entries {
        let words = describe(e);
        let line = json!({
            "position": e.position, "effective_at": e.effective_at, "recorded_at": e.recorded_at, "type": e.kind,
            "what": words.what, "why": words.why, "reason": e.reason, "by": actor_words(e),
            "run": e.run.as_ref().map(|(job, slot)| json!({ "job": job, "slot": slot })),
            "caused_by": e.caused_by, "followed_by": e.followed_by, "subject": e.subject, "data": e.payload,
        });
        out.push_str(&line.to_string());
        out.push('\n');
    }
    Ok(download(&format!("subscription-{id}.jsonl"), "application/jsonl; charset=utf-8", out))
}
