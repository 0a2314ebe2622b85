//! A sign-in from a browser that was not used before is told to the owner.

use crate::accounts::{PASSWORD, person};
use crate::support::{Browser, Studio};

async fn sign_in(browser: &Browser, mail: &str) {
    let page = browser.submit("/login", "/login", &[("login", mail), ("password", PASSWORD)]).await;
    assert_eq!(page.status, 303, "{}", page.body);
}

async fn told(studio: &Studio) -> i64 {
    let sql = "select count(*) from public.outgoing_mail where mail->>'kind' = 'new_device'";
    studio.client().await.query_one(sql, &[]).await.expect("counted").get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_from_a_new_browser_is_told_to_the_owner_once() {
    let studio = Studio::start().await;
    person(&studio, "ada@example.org", &[]).await;
    person(&studio, "bob@example.org", &[]).await;
    let first = studio.browser();
    sign_in(&first, "ada@example.org").await;
    assert_eq!(told(&studio).await, 0, "the first browser is no news");
    first.submit("/account", "/logout", &[]).await;
    sign_in(&first, "ada@example.org").await;
    assert_eq!(told(&studio).await, 0, "the same browser again");

    let second = studio.browser();
    sign_in(&second, "ada@example.org").await;
    assert_eq!(told(&studio).await, 1);
    second.submit("/account", "/logout", &[]).await;
    sign_in(&second, "ada@example.org").await;
    assert_eq!(told(&studio).await, 1, "told once");

    // Another person in the same browser: it is that person's first one.
    second.submit("/account", "/logout", &[]).await;
    sign_in(&second, "bob@example.org").await;
    assert_eq!(told(&studio).await, 1);

    // A cookie that somebody made up is a new browser, and nothing breaks.
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).cookie_store(true);
    let mut headers = reqwest::header::HeaderMap::new();
    headers.insert("cookie", "kinora-device=not%20one".parse().expect("a header"));
    let odd = Browser {
        client: client.default_headers(headers).build().expect("a client"),
        url: first.url.clone(),
    };
    let page = odd.get("/login").await;
    assert_eq!(page.status, 200);
    studio.run_job("clear-sessions", &studio.instance.services.clock.now().to_rfc3339()).await;
    let later = studio.instance.services.clock.now() + chrono::TimeDelta::days(401);
    studio.run_job("clear-sessions", &later.to_rfc3339()).await;
    let left: i64 = studio
        .client()
        .await
        .query_one("select count(*) from public.known_devices", &[])
        .await
        .expect("counted")
        .get(0);
    assert_eq!(left, 0, "forgotten after more than a year");
    studio.close().await;
}
