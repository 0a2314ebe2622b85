//! What the sign-in service tells of people: signed, once, and never more than it may.

use crate::accounts::{link_of, person, signed_in};
use crate::oidc::Provider;
use crate::support::{Page, Studio};
use chrono::{TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use kinora::actors::accounts::{self, leaving, profile_webhook};
use kinora::domain::deletion_request::RequestedBy;
use kinora::domain::shared::Role;
use kinora::projections::deletion_requests;
use kinora::store::Metadata;
use serde_json::{Value, json};
use sha2::Sha256;

const KEY: &str = "a-key-of-the-tests";

fn signature(key: &str, time: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(format!("{time}.{body}").as_bytes());
    format!("t={time},v1={}", hex::encode(mac.finalize().into_bytes()))
}

async fn post(studio: &Studio, signature: &str, body: String) -> Page {
    let browser = studio.browser();
    let request = browser
        .client
        .post(format!("{}/webhooks/profile", studio.url))
        .header("content-type", "application/json")
        .header("kinora-signature", signature)
        .body(body);
    browser.answer(request).await
}

async fn tell(studio: &Studio, body: Value) -> Page {
    let body = body.to_string();
    post(studio, &signature(KEY, Utc::now().timestamp(), &body), body).await
}

fn renamed(id: &str, subject: &str, name: &str) -> Value {
    json!({ "id": id, "type": "profile.updated", "subject": subject, "profile": { "name": name } })
}

#[tokio::test(flavor = "multi_thread")]
async fn only_signed_fresh_messages_about_linked_people_are_taken_once() {
    let (studio, provider) = Provider::with_studio(|c| c.oidc.webhook_secret = Some(KEY.into())).await;
    let browser = studio.browser();
    assert_eq!(provider.enter(&studio, &browser, "ada").await.status, 303);
    studio.settle().await;
    let events = async || -> i64 {
        studio.settle().await;
        let client = studio.client().await;
        client.query_one("select count(*) from events", &[]).await.unwrap().get(0)
    };
    let before = events().await;

    let now = Utc::now().timestamp();
    let body = renamed("m-1", "ada", "Ada Holm").to_string();
    for (why, header) in [
        ("none", String::new()),
        ("another key", signature("another", now, &body)),
        ("another body", signature(KEY, now, &body.replace("Ada", "Eve"))),
        ("old", signature(KEY, now - 301, &body)),
        ("from tomorrow", signature(KEY, now + 86_400, &body)),
    ] {
        let page = post(&studio, &header, body.clone()).await;
        assert_eq!(page.status, 400, "{why}: {}", page.body);
    }
    let long = renamed("m-2", "ada", &"a".repeat(profile_webhook::LONGEST));
    assert_eq!(tell(&studio, long).await.status, 413);
    assert_eq!(tell(&studio, renamed("m-3", "nobody", "Ada Holm")).await.status, 404);
    assert_eq!(tell(&studio, renamed("m-4", "ada", " ")).await.status, 422);
    assert_eq!(tell(&studio, renamed("", "ada", "Ada Holm")).await.status, 400);
    assert_eq!(
        tell(&studio, json!({ "id": "m-5", "type": "account.promoted", "subject": "ada" })).await.status,
        400
    );
    assert_eq!(events().await, before, "nothing of that did anything");

    let header = signature(KEY, now, &body);
    let page = post(&studio, &header, body.clone()).await;
    assert_eq!((page.status, page.body.as_str()), (200, r#"{"repeated":false,"taken":true}"#));
    let after = events().await;
    // The very same bytes, and the same message signed anew.
    for header in [header, signature(KEY, now + 1, &body)] {
        let page = post(&studio, &header, body.clone()).await;
        assert_eq!((page.status, page.body.as_str()), (200, r#"{"repeated":true,"taken":true}"#));
    }
    assert_eq!(events().await, after, "twice is once");
    assert!(browser.get("/account").await.body.contains("Ada Holm"));

    // A new address counts when its owner has opened the link; one that is taken changes nothing.
    person(&studio, "bo@example.org", &[]).await;
    let mail = |id: &str, mail: &str| json!({ "id": id, "type": "profile.updated", "subject": "ada", "profile": { "email": mail } });
    assert_eq!(tell(&studio, mail("m-6", "bo@example.org")).await.status, 200);
    assert_eq!(tell(&studio, mail("m-7", "no address")).await.status, 422);
    assert_eq!(tell(&studio, mail("m-8", "holm@example.org")).await.status, 200);
    let link = link_of(&studio, "new mail address", "/confirm/").await;
    assert!(browser.get("/account").await.body.contains("ada@example.org"), "not yet");
    assert_eq!(browser.submit(&link, &link, &[]).await.status, 303);
    studio.settle().await;
    assert!(browser.get("/account").await.body.contains("holm@example.org"));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_it_asks_for_is_carried_out() {
    let (studio, provider) = Provider::with_studio(|c| c.oidc.webhook_secret = Some(KEY.into())).await;
    let browser = studio.browser();
    assert_eq!(provider.enter(&studio, &browser, "ada").await.status, 303);
    studio.settle().await;
    let cx = &studio.instance.services;
    let id = accounts::find(cx, "ada@example.org").await.unwrap().expect("an account");
    let wish =
        |id: &str, who: &str| json!({ "id": id, "type": "account.deletion_requested", "subject": who });
    assert_eq!(tell(&studio, wish("d-1", "ada")).await.status, 200);
    studio.settle().await;
    assert_eq!(browser.get("/account").await.location(), "/account/deletion", "hidden meanwhile");
    // The same again, another one of the same wish, and a profile meanwhile.
    for (message, status) in
        [(wish("d-1", "ada"), 200), (wish("d-2", "ada"), 200), (renamed("m-1", "ada", "Ada"), 409)]
    {
        assert_eq!(tell(&studio, message).await.status, status);
    }
    // It can be withdrawn like every other; and asked for again.
    let page = browser.submit("/account/deletion", "/account/deletion/withdraw", &[]).await;
    assert_eq!(page.status, 303, "{}", page.body);
    studio.settle().await;
    assert_eq!(tell(&studio, wish("d-3", "ada")).await.status, 200);
    studio.settle().await;
    let day = |days| (cx.clock.now() + TimeDelta::days(days)).to_rfc3339();
    studio.run_job("process-deletion-requests", &day(13)).await;
    assert!(accounts::load(cx, id).await.unwrap().identity.is_some(), "within the grace");
    studio.run_job("process-deletion-requests", &day(15)).await;
    studio.settle().await;
    let request = deletion_requests::newest_of(&cx.reader, id).await.unwrap().expect("a request");
    assert_eq!(request.progress, deletion_requests::Progress::Completed);
    assert_eq!(tell(&studio, wish("d-4", "ada")).await.status, 404, "nobody any more");

    // Staff are not deleted by a message: it is told why, and nothing is filed.
    let staff = person(&studio, "mo@example.org", &[Role::Moderator]).await;
    let desk = signed_in(&studio, "mo@example.org").await;
    assert!(crate::oidc::link(&provider, &studio, &desk, "mo").await.location().contains("done=linked"));
    let page = tell(&studio, wish("d-5", "mo")).await;
    assert_eq!(page.status, 409, "{}", page.body);
    assert!(deletion_requests::newest_of(&cx.reader, staff).await.unwrap().is_none());
    let meta = Metadata::system("test", cx.clock.new_id(), cx.clock.now());
    assert!(
        leaving::file(cx, cx.clock.new_id(), meta, staff, RequestedBy::Shell, Default::default())
            .await
            .is_err(),
        "as from the shell"
    );
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_the_address_does_not_exist() {
    let studio = Studio::start().await;
    assert_eq!(tell(&studio, renamed("m-1", "ada", "Ada")).await.status, 404);
    let studio_of_nobody = post(&studio, &signature("", Utc::now().timestamp(), "{}"), "{}".into()).await;
    assert_eq!(studio_of_nobody.status, 404);
    studio.close().await;
}
