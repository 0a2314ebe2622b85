//! The API for programs: tokens and scopes, lists and cursors, changes with ETag and Idempotency-Key,
//! and that nobody gets more by it than by the pages.

use crate::accounts::{person, signed_in};
use crate::billing_pages::{open, order};
use crate::support::{Browser, Studio};
use kinora::domain::shared::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

pub struct Program {
    client: reqwest::Client,
    url: String,
    pub token: String,
}

pub struct Answer {
    pub status: StatusCode,
    headers: reqwest::header::HeaderMap,
    pub body: Value,
    pub text: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }
}

impl Program {
    /// A program with a token that its person made on the page.
    pub async fn of(browser: &Browser, scopes: &[&str]) -> Self {
        let mut fields: Vec<(&str, &str)> = scopes.iter().map(|s| (*s, "1")).collect();
        fields.push(("days", "30"));
        let made = browser.submit("/account/tokens", "/account/tokens", &fields).await;
        assert_eq!(made.status, 303, "{}", made.body);
        let page = browser.get(made.location()).await;
        let start = page.body.find("kinora_").expect("a token");
        let rest = &page.body[start..];
        let token = rest[..rest.find('<').expect("an end")].to_owned();
        Self { client: reqwest::Client::new(), url: browser.url.clone(), token }
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let sent = request.send().await.expect("an answer");
        let (status, headers) = (sent.status(), sent.headers().clone());
        let text = sent.text().await.expect("text");
        Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), text }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await
    }
}

fn stranger(studio: &Studio) -> Program {
    Program { client: reqwest::Client::new(), url: studio.url.clone(), token: String::new() }
}

/// A small picture.
pub fn picture(colour: u8) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(vec![]);
    let image = image::RgbImage::from_pixel(64, 48, image::Rgb([colour, 90, 160]));
    image.write_to(&mut bytes, image::ImageFormat::Png).expect("a picture");
    bytes.into_inner()
}

/// Begins an upload over the API and sends its bytes after tus.
pub async fn upload(program: &Program, title: &str, bytes: Vec<u8>) -> Value {
    let wish = json!({ "length": bytes.len(), "file_name": "a.png", "title": title });
    let begun = program.send(Method::POST, "/api/v1/uploads", &[], Some(wish)).await;
    assert_eq!(begun.status, 201, "{}", begun.text);
    assert_eq!(begun.header("location"), begun.body["url"]);
    let sent = program
        .client
        .patch(format!("{}{}", program.url, begun.body["url"].as_str().expect("an address")))
        .bearer_auth(&program.token)
        .header("tus-resumable", "1.0.0")
        .header("content-type", "application/offset+octet-stream")
        .header("upload-offset", "0")
        .body(bytes)
        .send()
        .await
        .expect("sent");
    assert_eq!(sent.status(), 204);
    begun.body["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_uploads_watches_describes_and_publishes() {
    let studio = Studio::start_with(|c| c.processing = kinora::config::Processing::Eager).await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    person(&studio, "other@example.org", &[Role::Creator]).await;
    let maker =
        Program::of(&signed_in(&studio, "maker@example.org").await, &["media:read", "media:write"]).await;
    let other =
        Program::of(&signed_in(&studio, "other@example.org").await, &["media:read", "media:write"]).await;
    let nobody = stranger(&studio);

    let described = nobody.get("/api/v1/openapi.json").await;
    assert_eq!((described.status.as_u16(), described.body["openapi"].as_str()), (200, Some("3.1.0")));

    let refused =
        maker.send(Method::POST, "/api/v1/uploads", &[], Some(json!({ "length": 0, "nmae": "x" }))).await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused.header("content-type"), "application/problem+json");
    assert_eq!(refused.body["errors"][0]["field"], "nmae");
    let id = upload(&maker, "First", picture(10)).await;
    let id = id.as_str().expect("an id");
    studio.settle().await;
    let seen = maker.get(&format!("/api/v1/uploads/{id}")).await;
    assert_eq!(
        (seen.body["received"].as_bool(), seen.body["media"]["state"].as_str()),
        (Some(true), Some("ready"))
    );
    assert_eq!(other.get(&format!("/api/v1/uploads/{id}")).await.status, 404);

    // A draft is its maker's alone.
    let path = format!("/api/v1/media/{id}");
    assert_eq!((other.get(&path).await.status.as_u16(), nobody.get(&path).await.status.as_u16()), (404, 404));
    let first = maker.get(&path).await;
    let tag = first.header("etag").to_owned();
    assert_eq!(first.body["title"], "First");
    let same = maker.send(Method::GET, &path, &[("if-none-match", &tag)], None).await;
    assert_eq!(same.status, 304);

    // What somebody changed meanwhile is not overwritten.
    let change = Some(json!({ "title": "Second", "tier": "free" }));
    let changed = maker.send(Method::PATCH, &path, &[("if-match", &tag)], change.clone()).await;
    assert_eq!(
        (changed.status.as_u16(), changed.body["title"].as_str()),
        (200, Some("Second")),
        "{}",
        changed.text
    );
    let stale =
        maker.send(Method::PATCH, &path, &[("if-match", &tag)], Some(json!({ "title": "Third" }))).await;
    assert_eq!(stale.status, 412);
    for (body, field) in [
        (json!({ "title": "" }), "title"),
        (json!({ "tier": "everybody" }), "tier"),
        (json!({ "colour": "red" }), "colour"),
        (json!({ "title": 7 }), "title"),
    ] {
        let refused = maker.send(Method::PATCH, &path, &[], Some(body)).await;
        assert_eq!(
            (refused.status.as_u16(), refused.body["errors"][0]["field"].as_str()),
            (422, Some(field))
        );
    }
    assert_eq!(maker.send(Method::PATCH, &path, &[("content-type", "text/plain")], None).await.status, 415);

    // A wish that is not understood is refused, not half done; and it can be published later.
    let publish = format!("{path}/publish");
    for (act, body, field) in [
        ("publish", json!({ "at": "2099-01-01T00:00:00Z" }), "at"),
        ("publish", json!({ "publish_at": "tomorrow" }), "publish_at"),
        ("publish", json!({ "publish_at": "2001-01-01T00:00:00Z" }), "publish_at"),
        ("unpublish", json!({ "publish_at": "2099-01-01T00:00:00Z" }), "publish_at"),
        ("reprocess", json!({ "fast": true }), "fast"),
    ] {
        let refused = maker.send(Method::POST, &format!("{path}/{act}"), &[], Some(body)).await;
        let told = refused.body["errors"][0]["field"].as_str();
        assert_eq!((refused.status.as_u16(), told), (422, Some(field)), "{act}: {}", refused.text);
    }
    assert_eq!(maker.get(&path).await.body["publication"], "draft");
    let later = Some(json!({ "publish_at": "2099-01-01T02:00:00+02:00" }));
    let planned = maker.send(Method::POST, &publish, &[], later.clone()).await;
    assert_eq!(
        (planned.status.as_u16(), planned.body["publication"].as_str(), planned.body["publish_at"].as_str()),
        (200, Some("scheduled"), Some("2099-01-01T00:00:00Z")),
        "{}",
        planned.text
    );

    // The same key does one thing and answers the same; another content is refused.
    let key = [("idempotency-key", "publish-1")];
    let published = maker.send(Method::POST, &publish, &key, None).await;
    assert_eq!((published.status.as_u16(), published.body["publication"].as_str()), (200, Some("published")));
    let again = maker.send(Method::POST, &publish, &key, None).await;
    assert_eq!((again.status.as_u16(), &again.body), (200, &published.body));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(maker.send(Method::POST, &format!("{path}/unpublish"), &key, None).await.status, 422);
    let long = "x".repeat(256);
    assert_eq!(maker.send(Method::POST, &publish, &[("idempotency-key", &long)], None).await.status, 400);
    let account = Program::of(&signed_in(&studio, "maker@example.org").await, &["account:read"]).await;
    let outcome = account.get("/api/v1/commands/publish-1").await;
    assert_eq!(
        (outcome.body["state"].as_str(), outcome.body["answer"]["status"].as_i64()),
        (Some("done"), Some(200))
    );
    assert_eq!(account.get("/api/v1/commands/never").await.status, 404);
    let of_other = Program::of(&signed_in(&studio, "other@example.org").await, &["account:read"]).await;
    assert_eq!(of_other.get("/api/v1/commands/publish-1").await.status, 404);

    // Published: everybody sees it, only its maker changes it.
    let shown = nobody.get(&path).await;
    assert_eq!(shown.status, 200);
    assert!(shown.body.get("original").is_none() && shown.body.get("processing").is_none());
    assert_eq!(nobody.get(&format!("{path}/playback")).await.status, 200);
    assert_eq!(other.send(Method::DELETE, &path, &[], None).await.status, 403);
    assert_eq!(nobody.send(Method::DELETE, &path, &[], None).await.status, 401);

    assert_eq!(maker.send(Method::POST, &publish, &[], later).await.status, 409, "it is out already");

    // What is spoken at /uploads/ is told to everybody, whatever a token opens.
    for program in [&account, &nobody] {
        let told = program.send(Method::OPTIONS, "/uploads/", &[], None).await;
        assert_eq!((told.status.as_u16(), told.header("tus-version")), (204, "1.0.0"));
    }

    // Lists go on where the page before ended, also when something new comes in between.
    let mut newest = json!(null);
    for n in 0..4_u8 {
        let id = upload(&maker, &format!("More {n}"), picture(20 + n)).await;
        studio.settle().await;
        let path = format!("/api/v1/media/{}/publish", id.as_str().expect("an id"));
        assert_eq!(maker.send(Method::POST, &path, &[], None).await.status, 200);
        newest = id;
    }
    let (mut titles, mut cursor) = (vec![], String::new());
    loop {
        let page = nobody.get(&format!("/api/v1/media?limit=2&cursor={cursor}")).await;
        titles.extend(page.body["items"].as_array().expect("items").iter().map(|i| i["title"].clone()));
        match page.body["next"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(titles, ["More 3", "More 2", "More 1", "More 0", "Second"]);
    for bad in
        ["limit=0", "limit=101", "limit=x", "cursor=!!", "owner=you", "removed=1", "owner=me&removed=x"]
    {
        assert_eq!(maker.get(&format!("/api/v1/media?{bad}")).await.status, 422, "{bad}");
    }
    assert_eq!(maker.get("/api/v1/media?owner=me").await.body["items"].as_array().map(Vec::len), Some(5));
    assert_eq!(maker.send(Method::DELETE, &path, &[], None).await.body["publication"], "removed");
    studio.settle().await;
    assert_eq!(maker.get(&path).await.status, 410);
    // It is found among the removed, and comes back hidden.
    let removed = maker.get("/api/v1/media?owner=me&removed=1").await;
    assert_eq!(removed.body["items"].as_array().map(Vec::len), Some(1), "{}", removed.body);
    assert_eq!(removed.body["items"][0]["id"], id);
    let back = format!("{path}/restore");
    assert_eq!(nobody.send(Method::POST, &back, &[], None).await.status, 401);
    // A stranger is not even told that there was one.
    assert_eq!(other.send(Method::POST, &back, &[], None).await.status, 404);
    assert_eq!(other.get("/api/v1/media?owner=me&removed=1").await.body["items"], json!([]));
    let newest = format!("/api/v1/media/{}", newest.as_str().expect("an id"));
    assert_eq!(maker.send(Method::DELETE, &newest, &[], None).await.status, 200);
    studio.settle().await;
    let first = maker.get("/api/v1/media?owner=me&removed=1&limit=1").await;
    let next = first.body["next"].as_str().expect("a second page");
    let second = maker.get(&format!("/api/v1/media?owner=me&removed=1&limit=1&cursor={next}")).await;
    let titles = [&first, &second].map(|page| page.body["items"][0]["title"].clone());
    assert_eq!((titles, &second.body["next"]), ([json!("More 3"), json!("Second")], &json!(null)));
    assert_eq!(maker.send(Method::POST, &format!("{newest}/restore"), &[], None).await.status, 200);
    assert_eq!(maker.send(Method::POST, &back, &[], None).await.body["publication"], "unpublished");
    studio.settle().await;
    assert_eq!(maker.get(&path).await.status, 200);
    assert_eq!(maker.get("/api/v1/media?owner=me&removed=1").await.body["items"], json!([]));
    let again = maker.send(Method::POST, &back, &[], None).await;
    assert_eq!(again.status, 409, "{}", again.body);
    let publish = format!("{path}/publish");
    assert_eq!(maker.send(Method::POST, &publish, &[], None).await.status, 200);
    assert_eq!(maker.send(Method::DELETE, &path, &[], None).await.status, 200);
    studio.settle().await;
    // Whoever could see it reads that it is gone; of what was never shown nobody learns.
    let draft = upload(&maker, "Never shown", picture(90)).await;
    let draft = format!("/api/v1/media/{}", draft.as_str().expect("an id"));
    studio.settle().await;
    assert_eq!(maker.send(Method::DELETE, &draft, &[], None).await.status, 200);
    studio.settle().await;
    for (path, status) in [
        (path.clone(), 410),
        (format!("{path}/playback"), 410),
        (format!("/media/files/{id}/1/poster-160.jpg"), 410),
        (draft, 404),
    ] {
        assert_eq!(nobody.get(&path).await.status, status, "{path}");
    }
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_what_its_scopes_say_until_it_is_revoked() {
    let studio = Studio::start().await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let browser = signed_in(&studio, "maker@example.org").await;
    let reader = Program::of(&browser, &["account:read"]).await;
    let me = reader.get("/api/v1/account").await;
    assert_eq!((me.status.as_u16(), me.body["mail"].as_str()), (200, Some("maker@example.org")));
    assert_eq!(reader.get("/api/v1/media?owner=me").await.status, 403);
    assert_eq!(
        reader.send(Method::POST, "/api/v1/uploads", &[], Some(json!({ "length": 1 }))).await.status,
        403
    );
    // A token is no session: pages, and making more tokens, stay closed.
    for path in ["/account", "/account/tokens", "/studio/uploads", "/"] {
        assert_eq!(reader.get(path).await.status, 403, "{path}");
    }
    // Nothing of the secret is kept in clear.
    let row =
        studio.client().await.query_one("select hint, encode(hash, 'hex') from access_tokens", &[]).await;
    let (hint, hash): (String, String) = row.map(|r| (r.get(0), r.get(1))).expect("a row");
    assert!(reader.token.starts_with(&hint) && hint.len() < 14 && !hash.contains(&reader.token));
    assert!(browser.get("/account/tokens").await.body.contains(&hint));

    let wrong = Program {
        token: format!("{}x", reader.token),
        client: reader.client.clone(),
        url: reader.url.clone(),
    };
    let refused = wrong.get("/api/v1/account").await;
    assert_eq!(
        (refused.status.as_u16(), refused.header("www-authenticate")),
        (401, "Bearer realm=\"kinora\"")
    );
    // What is wrong in the form stays in the form.
    let none = browser.submit("/account/tokens", "/account/tokens", &[("days", "30")]).await;
    assert!(none.status == 422 && none.body.contains("Choose at least one thing"));
    let long =
        browser.submit("/account/tokens", "/account/tokens", &[("days", "367"), ("media:read", "1")]).await;
    assert!(long.status == 422 && long.body.contains("value=\"367\""));

    let page = browser.get("/account/tokens").await.body;
    let start = page.find("/account/tokens/").expect("a form");
    let action = page[start..].split('"').next().expect("an address").to_owned();
    assert_eq!(browser.submit("/account/tokens", &action, &[]).await.status, 303);
    assert_eq!(reader.get("/api/v1/account").await.status, 401);

    // It is shown once, to whoever made it, and to nobody who only asks for the head of the page.
    let fields = [("days", "30"), ("media:read", "1"), ("name", " Büro & <b>Uploads</b> ")];
    let made = browser.submit("/account/tokens", "/account/tokens", &fields).await;
    let shown = made.location().to_owned();
    assert!(made.status == 303 && !shown.contains("kinora_"), "{shown}");
    assert_ne!(studio.browser().get(&shown).await.status, 200);
    person(&studio, "other@example.org", &[]).await;
    let other = signed_in(&studio, "other@example.org").await.get(&shown).await;
    assert!(other.status == 200 && !other.body.contains("is shown only now"), "{}", other.body);
    let head = browser.client.head(format!("{}{shown}", browser.url)).send().await.expect("a head");
    assert_eq!(head.status(), 200);
    let page = browser.get(&shown).await.body;
    assert!(page.contains("is shown only now") && page.contains("Büro &amp; &lt;b&gt;Uploads"), "{page}");
    let page = browser.get(&shown).await.body;
    assert!(!page.contains("is shown only now") && page.contains("Büro &amp; &lt;b&gt;Uploads"), "{page}");
    let sql = "select (select count(*) from shown_once), (select encode(name, 'escape') from access_tokens where name is not null)";
    let row = studio.client().await.query_one(sql, &[]).await.expect("a row");
    assert!(row.get::<_, i64>(0) == 0 && !row.get::<_, String>(1).contains("Uploads"), "sealed, and gone");
    // One that nobody looks at is removed, and cannot be had any more after ten minutes.
    let made = browser.submit("/account/tokens", "/account/tokens", &fields[..2]).await;
    crate::step_up::pass(&studio, 11);
    assert!(!browser.get(made.location()).await.body.contains("is shown only now"));
    let at = studio.instance.services.clock.now().to_rfc3339();
    assert_eq!(studio.run_job("clear-sessions", &at).await.counts["secrets that nobody looked at"], 1);
    for (name, status) in
        [("n".repeat(60), 303), ("é".repeat(60), 303), ("n".repeat(61), 422), ("a\nb".into(), 422)]
    {
        let fields = [("days", "30"), ("media:read", "1"), ("name", name.as_str())];
        let page = browser.submit("/account/tokens", "/account/tokens", &fields).await;
        assert_eq!(page.status, status, "{name:?}: {}", page.body);
    }
    // A new password ends tokens as it ends sessions.
    let second = Program::of(&browser, &["account:read"]).await;
    assert_eq!(second.get("/api/v1/account").await.status, 200);
    let fields = [("current", crate::accounts::PASSWORD), ("password", "another lamp behind the screen")];
    let changed = browser.submit("/account/security", "/account/security/password", &fields).await;
    assert_eq!(changed.status, 303, "{}", changed.body);
    assert_eq!(second.get("/api/v1/account").await.status, 401);
    // The browser's own session works here too, but changes need its token against forgery.
    let own = browser.get("/api/v1/account").await;
    assert_eq!(own.status, 200);
    let forged = browser.client.post(format!("{}/api/v1/uploads", browser.url)).json(&json!({ "length": 5 }));
    assert_eq!(forged.send().await.expect("an answer").status(), 403);
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn billing_by_api_is_the_own_or_for_staff_and_events_are_for_staff() {
    let (studio, member, billing) = open().await;
    let answer = order(&studio, &member, "NL", "card", "4242424242424242").await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let mine = Program::of(&member, &["billing:read", "billing:write", "events:read"]).await;
    let desk = Program::of(&billing, &["billing:read", "events:read"]).await;
    let nobody = stranger(&studio);

    let own = mine.get("/api/v1/subscriptions").await;
    assert_eq!(own.body["items"].as_array().map(Vec::len), Some(1), "{}", own.text);
    let subscription = &own.body["items"][0];
    assert_eq!(
        (subscription["status"].as_str(), subscription["access"].as_bool()),
        (Some("active"), Some(true))
    );
    let path = format!("/api/v1/subscriptions/{}", subscription["id"].as_str().expect("an id"));
    assert!(mine.get(&path).await.body.get("timeline").is_none(), "the timeline is for staff");
    let seen = desk.get(&path).await;
    assert!(seen.body["timeline"].as_array().is_some_and(|t| t.len() > 3), "{}", seen.text);
    for list in ["orders", "invoices"] {
        let own = mine.get(&format!("/api/v1/{list}")).await;
        assert_eq!(own.body["items"].as_array().map(Vec::len), Some(1), "{}", own.text);
        assert_eq!(nobody.get(&format!("/api/v1/{list}")).await.status, 401);
    }
    let invoice = mine.get("/api/v1/invoices").await.body["items"][0].clone();
    let number = invoice["number"].as_str().expect("a number");
    assert_eq!(mine.get(&format!("/api/v1/invoices/{number}")).await.body, invoice);
    let order_id = invoice["order"].as_str().expect("an order").to_owned();
    assert_eq!(mine.get(&format!("/api/v1/orders/{order_id}")).await.body["status"], "paid");

    // Somebody else sees none of it.
    person(&studio, "stranger@example.org", &[]).await;
    let other =
        Program::of(&signed_in(&studio, "stranger@example.org").await, &["billing:read", "billing:write"])
            .await;
    for path in [path.clone(), format!("/api/v1/orders/{order_id}"), format!("/api/v1/invoices/{number}")] {
        assert_eq!(other.get(&path).await.status, 404, "{path}");
    }
    assert_eq!(other.send(Method::POST, &format!("{path}/cancel"), &[], None).await.status, 404);
    assert_eq!(other.get("/api/v1/orders").await.body["items"], json!([]));

    let key = [("idempotency-key", "cancel-1")];
    let cancelled = mine.send(Method::POST, &format!("{path}/cancel"), &key, None).await;
    assert_eq!(cancelled.body["status"], "pending-cancellation", "{}", cancelled.text);
    assert_eq!(mine.send(Method::POST, &format!("{path}/cancel"), &key, None).await.body, cancelled.body);
    assert_eq!(mine.send(Method::POST, &format!("{path}/keep"), &[], None).await.body["status"], "active");
    assert_eq!(desk.send(Method::POST, &format!("{path}/cancel"), &[], None).await.status, 403);

    // The log: staff only, in order, page by page or as one stream; billing staff see what is about money.
    assert_eq!(mine.get("/api/v1/events").await.status, 403);
    let (mut positions, mut cursor) = (vec![], String::new());
    loop {
        let page = desk.get(&format!("/api/v1/events?limit=7&cursor={cursor}")).await;
        for event in page.body["items"].as_array().expect("items") {
            positions.push(event["position"].as_i64().expect("a position"));
            assert!(!event["stream"].as_str().expect("a stream").starts_with("account-"));
        }
        match page.body["next"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert!(positions.len() > 8 && positions.is_sorted());
    let stream = desk.get("/api/v1/events.jsonl").await;
    let lines: Vec<Value> = stream.text.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert_eq!(
        lines.iter().map(|l| l["position"].as_i64().expect("a position")).collect::<Vec<_>>(),
        positions
    );
    let paid = desk.get("/api/v1/events?type=OrderPaid").await;
    assert_eq!(paid.body["items"].as_array().map(Vec::len), Some(1));
    let rest = desk.get(&format!("/api/v1/events.jsonl?after={}", positions[positions.len() - 3])).await;
    assert_eq!(rest.text.lines().count(), 2, "{}", rest.text);
    let rest = desk.get(&format!("/api/v1/events?after={}", positions[positions.len() - 2])).await;
    assert_eq!(rest.body["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(desk.get("/api/v1/events.jsonl?after=soon").await.status, 422);
    assert_eq!(desk.get("/api/v1/events?category=account").await.body["items"], json!([]));

    // Lists as files, of some days; the paper by the address that the list gives.
    let issued = invoice["issued_on"].as_str().expect("a day");
    let file = desk.get(&format!("/api/v1/invoices.csv?from={issued}&until={issued}")).await;
    let lines: Vec<&str> = file.text.lines().collect();
    assert_eq!(lines.len(), 2, "{}", file.text);
    assert!(lines[0].starts_with("number,") && lines[1].starts_with(number), "{}", file.text);
    let none = desk.get("/api/v1/invoices.csv?until=2001-01-01").await;
    assert_eq!(none.text.lines().count(), 1, "names and nothing else: {}", none.text);
    for list in ["orders", "subscriptions"] {
        let rows = desk.get(&format!("/api/v1/{list}.jsonl")).await;
        let rows: Vec<Value> = rows.text.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
        assert_eq!(rows.len(), 1, "{rows:?}");
        assert_eq!(mine.get(&format!("/api/v1/{list}.csv")).await.status, 403);
    }
    for query in ["from=1800-01-01", "until=soon", "from=2026-02-01&until=2026-01-31"] {
        assert_eq!(desk.get(&format!("/api/v1/orders.csv?{query}")).await.status, 422, "{query}");
    }
    let paper = invoice["url"].as_str().expect("an address");
    for program in [&mine, &desk] {
        let pdf = program.get(paper).await;
        assert_eq!(pdf.status, 200, "{paper}");
        assert!(pdf.text.starts_with("%PDF"));
    }
    assert_eq!(other.get(paper).await.status, 404);
    studio.close().await;
}
