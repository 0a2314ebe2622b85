//! The forms of what the API answers and takes, as JSON Schema (2020-12, as OpenAPI 3.1 uses it).

use serde_json::{Map, Value, json};

fn object(required: &[&str], properties: Value) -> Value {
    json!({ "type": "object", "required": required, "properties": properties })
}

fn uuid() -> Value {
    json!({ "type": "string", "format": "uuid" })
}

fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn maybe(kind: &str) -> Value {
    json!({ "type": [kind, "null"] })
}

fn maybe_time() -> Value {
    json!({ "type": ["string", "null"], "format": "date-time" })
}

fn maybe_uuid() -> Value {
    json!({ "type": ["string", "null"], "format": "uuid" })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn number() -> Value {
    json!({ "type": "integer" })
}

fn flag() -> Value {
    json!({ "type": "boolean" })
}

fn day() -> Value {
    json!({ "type": "string", "format": "date" })
}

fn maybe_day() -> Value {
    json!({ "type": ["string", "null"], "format": "date" })
}

fn one_of(words: &[&str]) -> Value {
    json!({ "type": "string", "enum": words })
}

fn or_null(schema: Value, note: &str) -> Value {
    json!({ "description": note, "oneOf": [schema, { "type": "null" }] })
}

/// A thing of which every field but those of `missing` is in every answer, if only as null.
fn whole(missing: &[&str], properties: Value) -> Value {
    let names = properties.as_object().into_iter().flat_map(|o| o.keys());
    let required: Vec<&String> = names.filter(|name| !missing.contains(&name.as_str())).collect();
    json!({ "type": "object", "required": required, "properties": properties })
}

fn interval() -> Value {
    let unit = one_of(&["day", "week", "month", "year"]);
    whole(&[], json!({ "unit": unit, "length": number() }))
}

fn subscription() -> Value {
    json!({ "type": ["string", "null"], "format": "uuid", "description": "What it is for; null for a gift" })
}

fn gift() -> Value {
    json!({ "type": ["string", "null"], "format": "uuid", "description": "The gift that it is for; null for a subscription" })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// All of them by name.
pub(super) fn all() -> Value {
    let mut all = Map::new();
    for (name, schema) in media().into_iter().chain(catalogue()).chain(billing()).chain(others()) {
        all.insert(name.to_owned(), schema);
    }
    Value::Object(all)
}

fn media() -> Vec<(&'static str, Value)> {
    let states = ["received", "probing", "rejected", "accepted", "processing", "failed", "ready"];
    vec![
        (
            "Media",
            object(
                &["id", "slug", "title", "tier", "publication", "state", "url"],
                json!({
                    "id": uuid(), "slug": text(), "title": text(), "description": text(),
                    "kind": { "type": ["string", "null"], "enum": ["video", "image", "audio", "document", "model", "archive", "other", null] },
                    "tier": { "type": "string", "enum": ["free", "subscriber"] },
                    "licence": { "type": "string", "description": "A code such as CC-BY-4.0" },
                    "tags": { "type": "array", "items": text() },
                    "shot": { "type": "array", "description": "What its maker tells of how a picture was taken", "items": { "type": "object", "properties": { "field": text(), "value": text() } } },
                    "category": { "type": ["string", "null"], "enum": ["artwork", "production_file", "production_lesson", null] },
                    "spoiler": { "type": "boolean", "description": "Then the description is empty for who may not watch it" },
                    "featured": { "type": "boolean" },
                    "publication": text(), "published_at": maybe_time(), "publish_at": maybe_time(), "received_at": time(),
                    "state": { "type": "string", "enum": states },
                    "duration_ms": number(), "width": number(), "height": number(),
                    "poster": { "type": ["object", "null"] }, "url": text(), "own": { "type": "boolean" },
                    "processing": { "type": "object", "description": "For its makers: step, reason, progress" },
                    "original": { "type": "object", "description": "For its makers: SHA-256 and length" },
                    "renditions": { "type": "array", "items": reference("Rendition") },
                    "captions": { "type": "array", "items": reference("Captions") },
                    "chapters": { "type": "array", "items": { "type": "object", "properties": { "at_ms": number(), "title": text() } } },
                }),
            ),
        ),
        (
            "MediaChange",
            json!({
                "type": "object", "additionalProperties": false,
                "properties": {
                    "title": { "type": "string", "maxLength": 200 }, "description": { "type": "string", "description": "Markdown" },
                    "slug": { "type": "string", "maxLength": 80 }, "tier": { "type": "string", "enum": ["free", "subscriber"] },
                    "licence": text(), "tags": { "type": "array", "maxItems": 20, "items": { "type": "string", "maxLength": 40 } },
                    "category": { "type": ["string", "null"], "enum": ["artwork", "production_file", "production_lesson", null] },
                    "spoiler": { "type": "boolean" }, "featured": { "type": "boolean" },
                },
            }),
        ),
        (
            "PublishWish",
            json!({
                "type": "object", "additionalProperties": false,
                "properties": { "publish_at": {
                    "type": ["string", "null"], "format": "date-time", "description": "Later, at this time; without it, now",
                } },
            }),
        ),
        (
            "Captions",
            object(
                &["track", "language", "label", "cues"],
                json!({
                    "track": text(), "language": text(), "sounds": { "type": "boolean" }, "label": text(),
                    "cues": number(), "bytes": number(), "url": maybe("string"),
                }),
            ),
        ),
        (
            "CaptionsWish",
            json!({
                "type": "object", "required": ["text"], "additionalProperties": false,
                "properties": { "text": { "type": "string", "description": "SRT, WebVTT or ASS" } },
            }),
        ),
        (
            "Rendition",
            object(
                &["name", "codec", "bytes"],
                json!({
                    "name": text(), "codec": text(), "width": number(), "height": number(), "bytes": number(),
                    "codecs": { "type": "string", "description": "RFC 6381" }, "url": text(),
                }),
            ),
        ),
        (
            "Playback",
            object(
                &["id", "hls", "files"],
                json!({ "id": uuid(), "hls": maybe("string"), "files": { "type": "array", "items": reference("Rendition") }, "captions": { "type": "array", "items": reference("Captions") } }),
            ),
        ),
        (
            "Upload",
            object(
                &["id", "url", "offset", "length", "received"],
                json!({
                    "id": uuid(), "url": text(), "offset": number(), "length": number(),
                    "received": { "type": "boolean" }, "expires_at": maybe_time(), "media": reference("Media"),
                }),
            ),
        ),
        (
            "UploadWish",
            json!({
                "type": "object", "additionalProperties": false, "required": ["length"],
                "properties": { "length": { "type": "integer", "minimum": 1 }, "file_name": text(), "title": text(),
                    "replaces": { "type": "string", "format": "uuid", "description": "The work whose file it takes the place of" } },
            }),
        ),
        (
            "Fetch",
            object(
                &["id", "media_id", "url", "state", "started_at", "bytes"],
                json!({
                    "id": uuid(), "media_id": uuid(), "url": text(), "state": { "enum": ["fetching", "received", "failed"] },
                    "started_at": time(), "bytes": number(), "length": { "type": ["integer", "null"] },
                    "error": { "type": ["string", "null"], "description": "What went wrong and what to do" }, "media": reference("Media"),
                }),
            ),
        ),
        (
            "FetchWish",
            json!({
                "type": "object", "additionalProperties": false, "required": ["address"],
                "properties": { "address": { "type": "string", "format": "uri", "description": "http or https, in a public place" }, "title": text(),
                    "replaces": { "type": "string", "format": "uuid", "description": "The work whose file it takes the place of" } },
            }),
        ),
    ]
}

fn catalogue() -> Vec<(&'static str, Value)> {
    vec![
        (
            "Film",
            object(
                &["id", "slug", "title", "stage", "url"],
                json!({
                    "id": uuid(), "slug": text(), "title": text(), "summary": text(), "description": text(), "stage": text(),
                    "release_date": { "type": ["string", "null"], "format": "date" }, "licence": {}, "published_at": maybe_time(),
                    "trailer": maybe_uuid(), "feature": maybe_uuid(), "key_art": maybe_uuid(),
                    "gallery": { "type": "array", "items": { "type": "object" } }, "url": text(),
                }),
            ),
        ),
        (
            "Course",
            object(
                &["id", "slug", "title", "chapters", "url"],
                json!({
                    "id": uuid(), "slug": text(), "title": text(), "summary": text(), "description": text(), "kind": text(),
                    "level": text(), "published_at": maybe_time(), "url": text(),
                    "chapters": { "type": "array", "items": object(
                        &["id", "title", "lessons"],
                        json!({ "id": uuid(), "title": text(), "lessons": { "type": "array", "items": object(
                            &["id", "slug", "title", "free", "url"],
                            json!({ "id": uuid(), "slug": text(), "title": text(), "free": { "type": "boolean" }, "media": maybe_uuid(), "url": text() }),
                        ) } }),
                    ) },
                }),
            ),
        ),
        (
            "Post",
            object(
                &["id", "slug", "title", "content", "url"],
                json!({
                    "id": uuid(), "slug": text(), "title": text(), "category": text(), "excerpt": text(), "content": text(),
                    "film": maybe_uuid(), "picture": maybe_uuid(), "published_at": maybe_time(), "url": text(),
                }),
            ),
        ),
    ]
}

fn billing() -> Vec<(&'static str, Value)> {
    vec![
        (
            "Money",
            object(
                &["minor", "currency"],
                json!({ "minor": { "type": "integer", "description": "Minor units: 1150 of EUR is €11.50" }, "currency": text() }),
            ),
        ),
        (
            "Subscription",
            whole(
                &["timeline", "timeline_url"],
                json!({
                    "id": uuid(), "account": uuid(), "plan": text(), "price": or_null(reference("Money"), "Of one period, as it is charged: net where the buyer accounts for the tax"),
                    "status": one_of(&["on-hold", "active", "pending-cancellation", "cancelled", "expired"]),
                    "interval": or_null(interval(), "How long a period lasts: so many days, weeks, months or years"),
                    "collection": or_null(one_of(&["automatic", "manual", "managed"]), "Who sees to it that a period is paid"),
                    "joined_at": time(), "ended_at": maybe_time(), "next_payment_on": maybe_day(), "access": flag(),
                    "pause": or_null(
                        whole(&[], json!({ "from": day(), "until": maybe_day(), "began": flag() })),
                        "The first day, and the first day after it, if there is one",
                    ),
                    "trial_until": maybe_day(),
                    "timeline": {
                        "type": "array", "items": reference("TimelineEntry"), "maxItems": super::MOST,
                        "description": "For staff: the newest entries in their order; all of them are a list of their own, at timeline_url",
                    },
                    "timeline_url": { "type": "string", "description": "For staff: the whole timeline, page by page" },
                }),
            ),
        ),
        (
            "TimelineEntry",
            whole(
                &[],
                json!({
                    "position": { "type": "integer", "description": "Place in the log of all events" },
                    "type": { "type": "string", "description": "The event's" }, "effective_at": time(), "recorded_at": time(),
                    "what": { "type": "string", "description": "What happened, in words; times in them are UTC" },
                    "why": { "type": ["string", "null"], "description": "The rule, and what it was decided from" },
                    "by": { "type": "string", "description": "Who or which run caused it, without names" },
                    "caused_by": { "type": ["integer", "null"], "description": "Position of the entry that it followed from" },
                }),
            ),
        ),
        (
            "Order",
            whole(
                &[],
                json!({
                    "id": uuid(), "number": text(), "account": uuid(), "subscription": subscription(), "gift": gift(),
                    "description": text(), "total": reference("Money"), "settlement": reference("Settlement"),
                    "status": one_of(&["created", "soft-failed", "failed", "paid", "fulfilled", "refunded", "cancelled"]),
                    "placed_at": time(), "paid_at": maybe_time(), "transferred": reference("Money"),
                    "paid_from_credit": reference("Money"), "overpaid": reference("Money"), "refunded": reference("Money"),
                    "returned": reference("Money"), "last_code": maybe("string"), "attempts": number(),
                }),
            ),
        ),
        (
            "Settlement",
            json!({
                "description": "How an order is meant to be settled",
                "oneOf": [
                    {
                        "type": "object", "required": ["by", "gateway"], "additionalProperties": false,
                        "description": "A gateway charges a payment method",
                        "properties": { "by": { "const": "charge" }, "gateway": text() },
                    },
                    {
                        "type": "object", "required": ["by", "iban", "reference"], "additionalProperties": false,
                        "description": "The buyer sends the money to this account, with this reference",
                        "properties": { "by": { "const": "transfer" }, "iban": text(), "reference": text() },
                    },
                ],
            }),
        ),
        (
            "Invoice",
            whole(
                &[],
                json!({
                    "number": text(), "kind": one_of(&["invoice", "credit-note"]), "order": uuid(), "order_number": text(),
                    "subscription": subscription(), "gift": gift(), "account": uuid(), "issued_on": day(), "paid": flag(),
                    "paid_on": maybe_day(), "corrects": maybe("string"),
                    "lines": { "type": "array", "items": whole(
                        &[],
                        json!({
                            "description": text(), "quantity": number(), "unit": reference("Money"),
                            "period": or_null(
                                whole(&[], json!({ "start": day(), "end": day() })),
                                "The first day, and the first day after it",
                            ),
                        }),
                    ) },
                    "tax": reference("Tax"), "url": text(),
                }),
            ),
        ),
        (
            "Tax",
            whole(
                &[],
                json!({
                    "kind": { "type": "string", "enum": ["VATC", "VATRC", "none"], "description": "Charged, reverse charge, or none" },
                    "country": text(), "basis_points": { "type": "integer", "description": "The rate: 2100 is 21 %" },
                    "rate_since": maybe_day(), "supplied_on": day(), "gross": reference("Money"), "tax": reference("Money"),
                    "net": reference("Money"),
                }),
            ),
        ),
    ]
}

fn others() -> Vec<(&'static str, Value)> {
    vec![
        (
            "Account",
            object(
                &["id", "confirmed", "roles"],
                json!({
                    "id": uuid(), "mail": maybe("string"), "display_name": maybe("string"), "username": maybe("string"),
                    "confirmed": { "type": "boolean" }, "roles": { "type": "array", "items": text() }, "registered_at": time(),
                    "complimentary": { "type": ["object", "null"] }, "scopes": { "type": ["array", "null"], "items": text() },
                }),
            ),
        ),
        (
            "Event",
            object(
                &["position", "stream", "version", "type", "recorded_at", "data", "metadata"],
                json!({
                    "position": number(), "stream": text(), "version": number(), "type": text(), "type_version": number(),
                    "recorded_at": time(), "effective_at": time(), "data": {}, "metadata": { "type": "object" },
                }),
            ),
        ),
        (
            "Outcome",
            object(
                &["key", "request", "at", "state", "answer"],
                json!({
                    "key": text(), "request": text(), "at": time(), "state": { "type": "string", "enum": ["running", "done"] },
                    "answer": { "type": ["object", "null"], "properties": { "status": number(), "location": maybe("string"), "body": {} } },
                }),
            ),
        ),
        (
            "Problem",
            object(
                &["type", "title", "status", "detail", "instance"],
                json!({
                    "type": text(), "title": text(), "status": number(), "detail": text(),
                    "instance": { "type": "string", "description": "Id of the request, for support" },
                    "errors": { "type": "array", "items": object(&["field", "detail"], json!({ "field": text(), "detail": text() })) },
                }),
            ),
        ),
    ]
}
