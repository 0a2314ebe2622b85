//! Requests that are sent twice: the same key and content get the same answer, whatever it was; another
//! content is refused; a double click makes one thing.

use crate::accounts::{person, signed_in};
use crate::api::{Program, picture};
use crate::support::{Browser, Page, Studio};
use kinora::domain::shared::Role;
use kinora::projections::media as works;
use reqwest::Method;
use serde_json::json;

async fn titles(studio: &Studio) -> Vec<String> {
    studio.settle().await;
    let all = works::list(&studio.instance.services.reader, None, None, 100).await.expect("list");
    let mut titles: Vec<String> = all.into_iter().map(|w| w.title).collect();
    titles.sort();
    titles
}

async fn form_upload(browser: &Browser, key: &str, title: &str, bytes: Vec<u8>) -> Page {
    let token = browser.get("/studio/uploads").await.hidden("_csrf").expect("token");
    let form = reqwest::multipart::Form::new()
        .text("_csrf", token)
        .text("idempotency_key", key.to_owned())
        .text("title", title.to_owned())
        .part("file", reqwest::multipart::Part::bytes(bytes).file_name("a.png"));
    browser.answer(browser.client.post(format!("{}/uploads/", browser.url)).multipart(form)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_gets_the_same_answer_also_when_it_was_a_refusal() {
    let studio = Studio::start().await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let browser = signed_in(&studio, "maker@example.org").await;
    let maker = Program::of(&browser, &["media:write"]).await;
    let wish = |length: &str| Some(json!({ "length": length, "file_name": "a.png", "title": "One" }));

    // A refusal by field stands, and the key is used up by it.
    let key = [("idempotency-key", "refused")];
    let refused = maker.send(Method::POST, "/api/v1/uploads", &key, wish("many")).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    let again = maker.send(Method::POST, "/api/v1/uploads", &key, wish("many")).await;
    assert_eq!((again.status, &again.text), (refused.status, &refused.text), "to the letter");
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.header("content-type"), refused.header("content-type"));
    let other = maker.send(Method::POST, "/api/v1/uploads", &key, Some(json!({ "length": 10 }))).await;
    assert!(other.status == 422 && other.text != refused.text, "{}", other.text);

    // An upload begun twice is one, with the same headers.
    let begin = |key: &'static str, length: usize| {
        let length = length.to_string();
        let maker = &maker;
        async move {
            let headers = [("tus-resumable", "1.0.0"), ("upload-length", &length), ("idempotency-key", key)];
            maker.send(Method::POST, "/uploads/", &headers, None).await
        }
    };
    let (one, two) = (begin("tus", 7).await, begin("tus", 7).await);
    assert_eq!((one.status.as_u16(), two.status.as_u16()), (201, 201));
    for name in ["location", "upload-expires", "tus-resumable"] {
        assert_eq!(one.header(name), two.header(name), "{name}");
        assert!(!one.header(name).is_empty(), "{name}");
    }
    assert_eq!(begin("tus", 8).await.status, 422);

    // Whose token it was may ask what became of it; another token of the account only about its own scopes.
    let outcome = maker.get("/api/v1/commands/refused").await;
    assert_eq!((outcome.status.as_u16(), outcome.body["answer"]["status"].as_i64()), (200, Some(422)));
    let reader = Program::of(&browser, &["media:read"]).await;
    assert_eq!(reader.get("/api/v1/commands/refused").await.status, 404);
    person(&studio, "other@example.org", &[Role::Creator]).await;
    let other = Program::of(&signed_in(&studio, "other@example.org").await, &["account:read"]).await;
    assert_eq!(other.get("/api/v1/commands/refused").await.status, 404);

    // What is kept says nothing to who reads the table.
    let rows = studio.superuser().await;
    let rows = rows.query("select body, sealed from idempotency_keys where key = 'refused'", &[]).await;
    let rows = rows.expect("read");
    let body: Vec<u8> = rows[0].get(0);
    assert!(rows[0].get::<_, bool>(1) && !String::from_utf8_lossy(&body).contains("length"));
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_does_one_thing_and_a_refused_form_can_be_put_right() {
    let studio = Studio::start().await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let form = maker.get("/studio/posts/new").await;
    let (csrf, key) = (form.hidden("_csrf").expect("token"), form.hidden("idempotency_key").expect("key"));
    let fields = |title: &'static str, text: &'static str| {
        let fields = [("_csrf", csrf.clone()), ("idempotency_key", key.clone())];
        let typed = [("title", title.to_owned()), ("content", text.to_owned())];
        fields.into_iter().chain(typed).collect::<Vec<_>>()
    };
    let post = |fields: Vec<(&'static str, String)>| {
        let request = maker.client.post(format!("{}/studio/posts", maker.url)).form(&fields);
        let maker = &maker;
        async move { maker.answer(request).await }
    };
    assert_eq!(post(fields("", "Words")).await.status, 422, "no title");
    let (one, two) = tokio::join!(post(fields("News", "Words")), post(fields("News", "Words")));
    assert_eq!((one.status, one.location()), (303, two.location()), "{}", one.body);
    let late = post(fields("News", "Words")).await;
    assert_eq!(late.location(), one.location());
    let other = post(fields("Other news", "Words")).await;
    assert!(other.status == 422 && other.body.contains("sent before"), "{}", other.body);
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_on_the_upload_form_makes_one_work() {
    let studio = Studio::start().await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let (one, two) = tokio::join!(
        form_upload(&maker, "k1", "Once", picture(1)),
        form_upload(&maker, "k1", "Once", picture(1))
    );
    assert_eq!((one.status, two.status), (303, 303), "{} {}", one.body, two.body);
    assert_eq!(one.location(), two.location());
    assert_eq!(titles(&studio).await, ["Once"]);
    let other = form_upload(&maker, "k1", "Once", picture(2)).await;
    assert!(other.status == 422 && other.body.contains("sent before"), "{}", other.body);
    assert_eq!(form_upload(&maker, "k2", "Twice", picture(2)).await.status, 303);
    assert_eq!(titles(&studio).await, ["Once", "Twice"]);
    studio.verify().await;
    studio.close().await;
}
