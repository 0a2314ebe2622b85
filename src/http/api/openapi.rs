//! `/api/v1/openapi.json`: the description of the API, made from the table of its endpoints.

use super::{Endpoint, endpoints, one, schemas};
use crate::actors::accounts::access_tokens::Scope;
use crate::http::route::Access;
use crate::http::{HttpError, Req, Res};
use serde_json::{Map, Value, json};

pub(super) async fn describe(req: Req) -> Result<Res, HttpError> {
    one(&req, &document(&req.app.config.studio.name))
}

/// The whole document.
pub(super) fn document(studio: &str) -> Value {
    let mut paths = Map::new();
    for endpoint in endpoints() {
        let path = paths.entry(endpoint.route.path).or_insert_with(|| json!({}));
        path[endpoint.route.method.as_str().to_ascii_lowercase()] = operation(&endpoint);
    }
    let scopes: Vec<String> = Scope::all().map(|s| format!("`{}`: {}", s.code(), s.words())).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": format!("{studio}: Kinora API"),
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later" },
            "description": format!(
                "Errors are application/problem+json (RFC 9457). Lists have `items` and `next`; send `next` as `cursor`. \
                 Answers carry an ETag; send it as If-None-Match, and as If-Match with a change. \
                 A change may carry an Idempotency-Key of up to 255 characters: the same key and content get the same answer again, \
                 for eight days; another content gets 422. Scopes of personal tokens: {}.", scopes.join("; ")
            ),
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }, { "session": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "A personal token from /account/tokens." },
                "session": { "type": "apiKey", "in": "cookie", "name": "__Host-kinora",
                    "description": "The session of a browser; a change then also needs the page's token as X-CSRF-Token." },
            },
            "responses": {
                "Problem": {
                    "description": "What went wrong, and what to do",
                    "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
                },
            },
        },
    })
}

fn operation(endpoint: &Endpoint) -> Value {
    let mut parameters: Vec<Value> = endpoint
        .route
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            let kind = if name == "id" {
                json!({ "type": "string", "format": "uuid" })
            } else {
                json!({ "type": "string" })
            };
            json!({ "name": name, "in": "path", "required": true, "schema": kind })
        })
        .collect();
    for (name, meaning) in endpoint.query {
        let kind = if *name == "limit" {
            json!({ "type": "integer", "minimum": 1, "maximum": super::MOST })
        } else {
            json!({ "type": "string" })
        };
        parameters.push(json!({ "name": name, "in": "query", "description": meaning, "schema": kind }));
    }
    let changes = endpoint.route.method != warp::http::Method::GET;
    if changes {
        parameters.push(json!({ "name": "Idempotency-Key", "in": "header", "schema": { "type": "string", "maxLength": 255 } }));
    }
    let held = ["Work", "Subscription"].contains(&endpoint.answer) && !endpoint.list;
    if changes && held {
        parameters.push(json!({
            "name": "If-Match", "in": "header", "schema": { "type": "string" },
            "description": "The ETag that the thing had when it was read; 412 if somebody has changed it since",
        }));
    }
    if !changes && !endpoint.answer.is_empty() && !endpoint.list {
        parameters.push(json!({
            "name": "If-None-Match", "in": "header", "schema": { "type": "string" },
            "description": "The ETag of what is known; 304 if nothing has changed",
        }));
    }
    let mut done = json!({ "description": "Done" });
    if !endpoint.answer.is_empty() && !endpoint.list {
        done["headers"] = json!({ "ETag": { "schema": { "type": "string" } } });
    }
    if !endpoint.answer.is_empty() {
        let thing = json!({ "$ref": format!("#/components/schemas/{}", endpoint.answer) });
        let schema = if endpoint.list {
            json!({
                "type": "object", "required": ["items", "next"],
                "properties": {
                    "items": { "type": "array", "items": thing },
                    "next": { "type": ["string", "null"], "description": "Send it as `cursor` for the next page; null at the end" },
                },
            })
        } else {
            thing
        };
        done["content"] = json!({ "application/json": { "schema": schema } });
    }
    if !endpoint.sends.is_empty() {
        done["content"] = json!({ (endpoint.sends): { "schema": { "type": "string" } } });
    }
    let mut operation = json!({
        "summary": endpoint.summary,
        "operationId": operation_id(endpoint),
        "tags": [endpoint.route.path.split('/').nth(3).unwrap_or_default().split('.').next()],
        "parameters": parameters,
        "responses": { (endpoint.status.to_string()): done, "default": { "$ref": "#/components/responses/Problem" } },
    });
    if let Some(scope) = endpoint.route.scope {
        operation["x-scope"] = if endpoint.route.any_token { "any".into() } else { scope.code().into() };
    }
    match endpoint.route.access {
        Access::Anyone => operation["security"] = json!([{}, { "token": [] }, { "session": [] }]),
        Access::Role(roles) => operation["x-roles"] = json!(roles),
        Access::SignedIn => {}
    }
    if !endpoint.takes.is_empty() {
        operation["requestBody"] = json!({
            "required": !endpoint.optional,
            "content": { "application/json": { "schema": { "$ref": format!("#/components/schemas/{}", endpoint.takes) } } },
        });
    }
    operation
}

/// "get_media_id_playback" of GET /api/v1/media/{id}/playback.
fn operation_id(endpoint: &Endpoint) -> String {
    let words =
        endpoint.route.path.trim_start_matches("/api/v1/").replace(['{', '}'], "").replace(['/', '.'], "_");
    format!("{}_{words}", endpoint.route.method.as_str().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Every schema that is named exists, every one that exists is named, and ids are unique.
    #[test]
    fn the_description_is_whole() {
        let document = document("Test");
        let text = document.to_string();
        let named: BTreeSet<&str> =
            text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let known: BTreeSet<&str> = document["components"]["schemas"]
            .as_object()
            .expect("schemas")
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(named, known);
        let ids: Vec<String> = endpoints().iter().map(operation_id).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
        assert!(endpoints().iter().all(|e| e.route.scope.is_some()), "an endpoint without a scope");
    }
}
