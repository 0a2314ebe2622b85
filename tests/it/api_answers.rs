//! What the API says of money is what its description says: real answers, held against the schemas of the OpenAPI
//! document. Also what the answers say of gifts, and that a long timeline comes page by page.

use crate::accounts::{person, signed_in};
use crate::api::Program;
use crate::billing_pages::{open, order};
use crate::support::{Browser, Studio};
use chrono::{DateTime, NaiveDate};
use serde_json::{Value, json};
use uuid::Uuid;

/// What is wrong with `value` by `schema`; a field that the schema does not name is wrong, too.
fn check(document: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let target = name.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
        return check(document, target.unwrap_or_else(|| panic!("{name} leads nowhere")), value, at, wrong);
    }
    if let Some(forms) = schema["oneOf"].as_array() {
        let fits = forms.iter().filter(|form| {
            let mut inner = vec![];
            check(document, form, value, at, &mut inner);
            inner.is_empty()
        });
        match fits.count() {
            1 => {}
            fits => wrong.push(format!("{at}: {fits} forms fit {value}")),
        }
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    };
    if !types.is_empty() && !types.iter().any(|kind| is(kind, value)) {
        wrong.push(format!("{at}: {value} is none of {types:?}"));
    }
    if schema["enum"].as_array().is_some_and(|known| !known.contains(value)) {
        wrong.push(format!("{at}: {value} is not among {}", schema["enum"]));
    }
    if schema.get("const").is_some_and(|only| only != value) {
        wrong.push(format!("{at}: {value} is not {}", schema["const"]));
    }
    if let (Some(form), Some(text)) = (schema["format"].as_str(), value.as_str()) {
        let right = match form {
            "uuid" => Uuid::parse_str(text).is_ok(),
            "date" => text.parse::<NaiveDate>().is_ok(),
            "date-time" => DateTime::parse_from_rfc3339(text).is_ok(),
            other => panic!("{at}: nothing is known of the format {other}"),
        };
        if !right {
            wrong.push(format!("{at}: {text} is no {form}"));
        }
    }
    if let Some(fields) = value.as_object() {
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let missing = required.filter(|name| !fields.contains_key(*name));
        wrong.extend(missing.map(|name| format!("{at}: {name} is missing")));
        if let Some(known) = schema["properties"].as_object() {
            for (name, inner) in fields {
                match known.get(name) {
                    Some(schema) => check(document, schema, inner, &format!("{at}.{name}"), wrong),
                    None => wrong.push(format!("{at}: {name} is not described")),
                }
            }
        }
    }
    if let Some(items) = value.as_array() {
        if schema["maxItems"].as_u64().is_some_and(|most| items.len() as u64 > most) {
            wrong.push(format!("{at}: {} items", items.len()));
        }
        if let Some(schema) = schema.get("items") {
            for (n, item) in items.iter().enumerate() {
                check(document, schema, item, &format!("{at}[{n}]"), wrong);
            }
        }
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("there is no type {other}"),
    }
}

async fn description(studio: &Studio) -> Value {
    let text = studio.browser().get("/api/v1/openapi.json").await.body;
    serde_json::from_str(&text).expect("JSON")
}

/// Gets `path` and holds the answer against what is said of the address `pattern`.
async fn right(document: &Value, program: &Program, pattern: &str, path: &str) -> Value {
    let answer = program.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    let operation = &document["paths"][pattern]["get"];
    let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{pattern} is not described");
    let mut wrong = vec![];
    check(document, schema, &answer.body, path, &mut wrong);
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), answer.text);
    answer.body
}

fn id<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name].as_str().unwrap_or_else(|| panic!("no {name} in {of}"))
}

/// A subscription paid by card, one that waits for a transfer, and a gift.
async fn sold(studio: &Studio, member: &Browser) -> Uuid {
    assert_eq!(order(studio, member, "NL", "card", "4242 4242 4242 4242").await.status, 303);
    person(studio, "waits@example.org", &[]).await;
    let waits = signed_in(studio, "waits@example.org").await;
    assert_eq!(order(studio, &waits, "DE", "bank", "").await.status, 303);
    let (gift, bought) = crate::gifts::buy(studio, member, "4242 4242 4242 4242", "").await;
    assert_eq!(bought.status, 303, "{}", bought.body);
    gift
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_about_money_is_what_the_description_says() {
    let (studio, member, billing) = open().await;
    let gift = sold(&studio, &member).await.to_string();
    let document = description(&studio).await;
    let desk = Program::of(&billing, &["billing:read", "events:read"]).await;
    let own = Program::of(&member, &["billing:read"]).await;

    let list = right(&document, &desk, "/api/v1/subscriptions", "/api/v1/subscriptions").await;
    let subscriptions = list["items"].as_array().expect("items");
    assert_eq!(subscriptions.len(), 2);
    for one in subscriptions {
        let path = format!("/api/v1/subscriptions/{}", id(one, "id"));
        let whole = right(&document, &desk, "/api/v1/subscriptions/{id}", &path).await;
        let pattern = "/api/v1/subscriptions/{id}/timeline";
        let timeline = right(&document, &desk, pattern, id(&whole, "timeline_url")).await;
        let mut newest_last = timeline["items"].as_array().expect("items").clone();
        newest_last.reverse();
        assert_eq!(whole["timeline"], Value::Array(newest_last));
        let told = whole["timeline"].to_string();
        assert!(!told.contains(" CET") && !told.contains(" CEST"), "times in words are UTC: {told}");
    }

    // What an order is for is a subscription, or a gift, and the address of neither leads nowhere.
    for (program, orders) in [(&desk, 3), (&own, 2)] {
        let list = right(&document, program, "/api/v1/orders", "/api/v1/orders").await;
        let all = list["items"].as_array().expect("items");
        assert_eq!(all.len(), orders);
        for one in all {
            let path = format!("/api/v1/orders/{}", id(one, "id"));
            assert_eq!(&right(&document, program, "/api/v1/orders/{id}", &path).await, one);
            match one["gift"].as_str() {
                Some(of) => assert_eq!((of, &one["subscription"]), (gift.as_str(), &Value::Null)),
                None => {
                    let path = format!("/api/v1/subscriptions/{}", id(one, "subscription"));
                    right(&document, program, "/api/v1/subscriptions/{id}", &path).await;
                }
            }
        }
        let gifts = all.iter().filter(|one| one["gift"].is_string());
        assert_eq!(gifts.count(), 1);
        let list = right(&document, program, "/api/v1/invoices", "/api/v1/invoices").await;
        let all = list["items"].as_array().expect("items");
        assert_eq!(all.len(), orders);
        for one in all {
            let path = format!("/api/v1/invoices/{}", id(one, "number"));
            assert_eq!(&right(&document, program, "/api/v1/invoices/{number}", &path).await, one);
            assert_ne!(one["gift"].is_null(), one["subscription"].is_null(), "{one}");
        }
        assert!(all.iter().any(|one| one["gift"] == gift.as_str()));
    }
    right(&document, &desk, "/api/v1/events", "/api/v1/events?limit=100").await;
    let ways: Vec<Value> = {
        let list = desk.get("/api/v1/orders").await.body;
        list["items"].as_array().expect("items").iter().map(|o| o["settlement"]["by"].clone()).collect()
    };
    assert!(ways.contains(&json!("charge")) && ways.contains(&json!("transfer")), "{ways:?}");
    // The file says the same.
    let file = desk.get("/api/v1/orders.jsonl").await.text;
    let rows: Vec<Value> = file.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    let of_gift = rows.iter().filter(|r| r["gift"] == gift.as_str() && r["subscription"].is_null());
    assert_eq!((rows.len(), of_gift.count()), (3, 1), "{file}");

    // The check sees what it is for.
    let order = desk.get("/api/v1/orders").await.body["items"][0].clone();
    let schema = json!({ "$ref": "#/components/schemas/Order" });
    for (field, value) in [
        ("settlement", json!("card")),
        ("settlement", json!({ "by": "charge" })),
        ("settlement", json!({ "by": "charge", "gateway": "stripe", "iban": "NL02" })),
        ("subscription", json!("not an id")),
        ("status", json!("lost")),
        ("attempts", json!("1")),
        ("total", json!({ "minor": 1.5, "currency": "EUR" })),
        ("colour", json!("red")),
    ] {
        let (mut other, mut wrong) = (order.clone(), vec![]);
        other[field] = value;
        check(&document, &schema, &other, "order", &mut wrong);
        assert!(!wrong.is_empty(), "{field}: {other}");
    }
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_timeline_comes_page_by_page_and_its_end_with_the_subscription() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", "4242 4242 4242 4242").await.status, 303);
    let document = description(&studio).await;
    let desk = Program::of(&billing, &["billing:read"]).await;
    let own = Program::of(&member, &["billing:read"]).await;
    crate::event_log::lengthen(&studio, 230).await;
    let all: i64 = {
        let sql = "select count(*) from views.timeline";
        studio.client().await.query_one(sql, &[]).await.expect("counted").get(0)
    };
    let one = desk.get("/api/v1/subscriptions").await.body["items"][0].clone();
    let path = format!("/api/v1/subscriptions/{}", id(&one, "id"));
    let whole = right(&document, &desk, "/api/v1/subscriptions/{id}", &path).await;
    let shown = whole["timeline"].as_array().expect("a timeline");
    assert_eq!(shown.len(), 100, "the newest of {all}");
    let there = id(&whole, "timeline_url");

    let (mut positions, mut cursor) = (vec![], String::new());
    loop {
        let path = format!("{there}?limit=100&cursor={cursor}");
        let page = right(&document, &desk, "/api/v1/subscriptions/{id}/timeline", &path).await;
        for entry in page["items"].as_array().expect("items") {
            positions.push(entry["position"].as_i64().expect("a position"));
        }
        match page["next"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(i64::try_from(positions.len()).expect("few"), all);
    assert!(positions.is_sorted_by(|a, b| a > b), "the newest first, each once: {positions:?}");
    let of_subscription: Vec<i64> = shown.iter().rev().filter_map(|e| e["position"].as_i64()).collect();
    assert_eq!(positions[..100], of_subscription);

    // For staff alone, and only of what is there.
    assert!(own.get(&path).await.body.get("timeline").is_none());
    assert!(own.get(&path).await.body.get("timeline_url").is_none());
    assert_eq!(own.get(there).await.status, 403);
    let nothing = format!("/api/v1/subscriptions/{}/timeline", Uuid::now_v7());
    assert_eq!(desk.get(&nothing).await.status, 404);
    for bad in ["limit=0", "limit=101", "cursor=!!", "cursor=c29vbg"] {
        assert_eq!(desk.get(&format!("{there}?{bad}")).await.status, 422, "{bad}");
    }
    studio.close().await;
}
