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

#[tokio::test(flavor = "multi_thread")]
async fn whose_account_strangers_guess_at_gets_in_by_mail_in_a_new_browser() {
    let studio = Studio::start_with(|c| c.limits.sign_in_failures = 3).await;
    person(&studio, "ada@example.org", &[]).await;
    let guess = async |browser: &Browser, mail: &str| {
        browser.submit("/login", "/login", &[("login", mail), ("password", "a wrong password")]).await
    };
    for _ in 0..3 {
        guess(&studio.browser(), "ada@example.org").await;
        guess(&studio.browser(), "nobody@example.org").await;
    }
    let fresh = studio.browser();
    let paused =
        fresh.submit("/login", "/login", &[("login", "ada@example.org"), ("password", PASSWORD)]).await;
    assert_eq!(paused.status, 429, "{}", paused.body);
    assert!(paused.headers.contains_key("retry-after") && paused.body.contains("value=\"ada@example.org\""));
    assert!(
        paused.body.contains("in this browser, then others who guess do not stop you"),
        "{}",
        paused.body
    );
    let other = guess(&studio.browser(), "nobody@example.org").await;
    assert!(other.status == 429 && other.body.contains("others who guess"), "the same for names nobody has");

    fresh.submit("/reset", "/reset", &[("mail", "ada@example.org")]).await;
    let link = crate::accounts::link_of(&studio, "Set a new password", "/reset/").await;
    let set = fresh.submit(&link, &link, &[("password", "another long one")]).await;
    assert_eq!(set.status, 303, "{}", set.body);
    for _ in 0..3 {
        guess(&studio.browser(), "ada@example.org").await;
    }
    let login = [("login", "ada@example.org"), ("password", "another long one")];
    assert_eq!(studio.browser().submit("/login", "/login", &login).await.status, 429, "strangers still wait");
    assert_eq!(fresh.submit("/login", "/login", &login).await.status, 303);
    studio.close().await;
}
