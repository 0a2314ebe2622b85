//! Gathers everything about a person: what the vault keeps, what happened, rows of all tables that name the
//! account, invoices, and the own works.

use super::MakeError;
use super::pack::Content;
use crate::actors::paper;
use crate::actors::services::Services;
use crate::domain::shared::PersonalRef;
use crate::projections::subscription_timeline;
use crate::projections::subscription_words::describe;
use crate::projections::{
    comments, deletion_requests, invoices, media as works, orders, people, subscriptions,
};
use crate::store::event::stream_name;
use crate::store::{StoreError, log};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Secrets by which a person is known: of no use outside, and dangerous in a file.
const SECRETS: [&str; 3] = ["password", "second_factor", "passkey"];
/// Tables whose rows are keys and not facts.
const KEYS: [&str; 5] =
    ["account_tokens", "recovery_codes", "second_factor_steps", "idempotency_keys", "data_exports"];

const README: &str = "This is a copy of everything that this studio keeps about you.

personal.json        what you told us, with former values; passwords and keys aside
account.json         your account as it stands
events.json          everything that happened to your account, subscriptions, orders and requests
subscriptions.json   your subscriptions with their history in words
invoices/            your invoices
comments.json        what you wrote below works, lessons and posts
tables/              progress, likes, sessions and the like, one file a table
works/               what you published or uploaded; the files as you sent them
";

pub(super) async fn everything(cx: &Services, account: Uuid) -> Result<Content, MakeError> {
    let mut content = Content::default();
    let mut put = |name: &str, value: &Value| -> Result<(), MakeError> {
        let bytes = serde_json::to_vec_pretty(value).map_err(|e| MakeError::Other(e.to_string()))?;
        content.texts.push((name.to_owned(), bytes));
        Ok(())
    };
    put("personal.json", &personal(cx, account).await?)?;
    let person = people::by_id(&cx.reader, account).await?;
    put(
        "account.json",
        &json!({
            "id": account,
            "registered_at": person.as_ref().map(|p| p.registered_at),
            "confirmed": person.as_ref().map(|p| p.confirmed),
            "roles": person.as_ref().map(|p| p.roles.0.iter().map(|r| r.label()).collect::<Vec<_>>()),
            "suspended": person.as_ref().map(|p| p.suspended),
        }),
    )?;
    let mine = subscriptions::of_account(&cx.reader, account).await?;
    put("events.json", &events(cx, account, &mine.iter().map(|s| s.id).collect::<Vec<_>>()).await?)?;
    let mut told = Vec::new();
    for one in &mine {
        let entries = subscription_timeline::of(&cx.reader, one.id, None).await?;
        let lines = entries.iter().map(|e| {
            let words = describe(e);
            json!({ "at": e.effective_at, "what": words.what, "why": words.why })
        });
        told.push(json!({ "id": one.id, "plan": one.plan(), "status": one.status, "history": lines.collect::<Vec<_>>() }));
    }
    put("subscriptions.json", &Value::Array(told))?;
    let written = comments::of_author(&cx.reader, account).await?;
    let texts: Vec<PersonalRef> = written.iter().filter_map(|c| c.state.text.clone()).collect();
    let texts = cx.reader.open_many(&texts).await?;
    let listed = written.iter().map(|c| {
        json!({ "id": c.id, "subject": c.state.subject, "answers": c.state.parent, "written_at": c.state.written_at,
            "edited_at": c.state.edited_at, "standing": c.state.standing,
            "text": c.state.text.as_ref().and_then(|t| texts.get(t)) })
    });
    put("comments.json", &Value::Array(listed.collect()))?;
    for (table, rows) in tables(cx, account).await? {
        put(&format!("tables/{table}.json"), &rows)?;
    }
    let own = works::list(&cx.reader, Some(account), None, i64::MAX).await?;
    let listed = own.iter().map(|w| {
        json!({ "id": w.id, "title": w.title, "description": w.description, "slug": w.slug, "state": w.processing,
            "publication": w.publication, "received_at": w.received_at, "bytes": w.bytes, "sha256": w.sha256 })
    });
    put("works/works.json", &Value::Array(listed.collect()))?;
    content.texts.extend(papers(cx, account).await?);

    let whole = works::bytes_of(&cx.reader, account).await?;
    let mut readme = README.to_owned();
    // What lies in a bucket is fetched before it is packed. Half of what is free stays free for the others.
    let twice = if cx.files.has_bucket() { 2 } else { 1 };
    if whole.saturating_mul(twice) > cx.files.local().free_bytes().unwrap_or(0) / 2 {
        readme.push_str(
            "\nThere was no room for the files of your works in this copy. Download them from their pages.\n",
        );
    } else {
        for work in &own {
            for held in works::originals_of(&cx.reader, work.id).await? {
                // What was replaced and is still kept belongs to the person as well.
                let role = if held.role == "current" {
                    String::new()
                } else {
                    format!("-{}-{}", held.role, held.round)
                };
                let short = &work.id.simple().to_string()[..8];
                let name = format!("works/files/{}-{short}{role}", work.slug);
                match cx.files.fetch_original(&held.sha256).await {
                    Ok(path) => content.files.push((name, path)),
                    // Erased at this moment.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }
    content.texts.insert(0, ("README.txt".into(), readme.into_bytes()));
    Ok(content)
}

/// Every value of the person in the vault, with all former ones.
async fn personal(cx: &Services, account: Uuid) -> Result<Value, MakeError> {
    let sql =
        "select field, version, subject from public.vault where subject = any($1) order by field, version";
    // Other accounts of the same person that this one took over are the person's as well.
    let all = people::same_person(&cx.reader, account).await?;
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    let rows = client.query(sql, &[&all]).await.map_err(StoreError::from)?;
    let references: Vec<PersonalRef> = rows
        .iter()
        .map(|row| PersonalRef { subject: row.get(2), field: row.get(0), version: row.get(1) })
        .filter(|r| !SECRETS.contains(&r.field.as_str()))
        .collect();
    let opened = cx.reader.open_many(&references).await?;
    let values = references
        .iter()
        .filter_map(|r| Some(json!({ "field": r.field, "version": r.version, "value": opened.get(r)? })));
    Ok(Value::Array(values.collect()))
}

/// The events of the streams that are the person's own.
async fn events(cx: &Services, account: Uuid, subscriptions: &[Uuid]) -> Result<Value, MakeError> {
    let mut streams = BTreeSet::new();
    for one in people::same_person(&cx.reader, account).await? {
        streams.extend(["account", "wallet", "mandate", "credit"].map(|kind| stream_name(kind, one)));
    }
    for id in subscriptions {
        streams.insert(stream_name("subscription", *id));
        streams.extend(
            orders::of_subscription(&cx.reader, *id).await?.iter().map(|o| stream_name("order", o.id)),
        );
    }
    if let Some(request) = deletion_requests::newest_of(&cx.reader, account).await? {
        streams.insert(stream_name("deletion_request", request.id));
    }
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    let mut out = Vec::new();
    for stream in streams {
        for event in log::stream(&client, &stream, 0).await? {
            out.push(json!({ "position": event.position, "stream": event.stream_id, "type": event.kind,
                "effective_at": event.effective_at, "recorded_at": event.recorded_at, "data": event.payload }));
        }
    }
    Ok(Value::Array(out))
}

/// The rows of every plain table that has a column `account`: the same ones that erasing a person empties, so
/// that none is forgotten when another is added.
async fn tables(cx: &Services, account: Uuid) -> Result<Vec<(String, Value)>, MakeError> {
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    let sql = "select c.table_name::text, array_agg(o.column_name::text order by o.ordinal_position)
        from information_schema.columns c
        join information_schema.columns o on o.table_schema = c.table_schema and o.table_name = c.table_name
            and o.data_type <> 'bytea' and o.column_name !~ '(hash|secret|token|code|key)'
        where c.table_schema = 'public' and c.column_name = 'account' and c.data_type = 'uuid'
        group by 1 order by 1";
    let mut out = Vec::new();
    for row in client.query(sql, &[]).await.map_err(StoreError::from)? {
        let (table, columns): (String, Vec<String>) = (row.get(0), row.get(1));
        if KEYS.contains(&table.as_str()) {
            continue;
        }
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', ""));
        let list = columns.iter().map(|c| quoted(c)).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "select coalesce(json_agg(r), '[]'::json) from (select {list} from public.{} where account = $1) r",
            quoted(&table)
        );
        let rows: Value = client.query_one(&sql, &[&account]).await.map_err(StoreError::from)?.get(0);
        if rows.as_array().is_some_and(|a| !a.is_empty()) {
            out.push((table, rows));
        }
    }
    Ok(out)
}

async fn papers(cx: &Services, account: Uuid) -> Result<Vec<(String, Vec<u8>)>, MakeError> {
    let mut out = Vec::new();
    for one in people::same_person(&cx.reader, account).await? {
        for invoice in invoices::of_account(&cx.reader, one).await? {
            let billed = paper::billed(cx, &invoice).await?;
            let pdf =
                paper::print(cx, &invoice, &billed).await.map_err(|e| MakeError::Other(e.to_string()))?;
            out.push((format!("invoices/{}.pdf", invoice.number), pdf));
        }
    }
    Ok(out)
}
