//! The second factor: added, asked for at every sign-in, lost, removed; and what staff may do without one.

use crate::accounts::{PASSWORD, person, sign_in, signed_in};
use crate::studio::load_demo;
use crate::support::{Browser, Page, Studio};
use kinora::actors::accounts::second_factor;
use kinora::config::Mode;
use kinora::domain::account::By;
use kinora::domain::shared::Role;
use kinora::store::Metadata;
use totp_rs::{Builder, Secret};

const PAGE: &str = "/account/security/second-factor";

/// The code that an authenticator with this secret shows now.
fn code(studio: &Studio, secret: &str) -> String {
    let secret = Secret::try_from_base32(secret).expect("Base32");
    let now = u64::try_from(studio.instance.services.clock.now().timestamp()).expect("after 1970");
    Builder::new().with_secret(secret).build().expect("a long secret").generate(now).to_string()
}

/// The next code: each counts once.
fn next_step(studio: &Studio) {
    let clock = &studio.instance.services.clock;
    clock.follow(clock.ahead_us() + 31_000_000);
}

/// Adds an authenticator; gives its secret, the code that served for it and the recovery codes.
pub async fn add(studio: &Studio, browser: &Browser) -> (String, String, Vec<String>) {
    let secret = browser.get(PAGE).await.hidden("secret").expect("a secret");
    let shown = code(studio, &secret);
    let fields = [("secret", secret.as_str()), ("code", shown.as_str()), ("password", PASSWORD)];
    let page = browser.submit(PAGE, PAGE, &fields).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let codes: Vec<String> = page
        .body
        .split("<code class=\"mono\">")
        .skip(1)
        .filter_map(|rest| rest.split('<').next())
        .filter(|code| code.len() == 11 && code.as_bytes()[5] == b'-')
        .map(str::to_owned)
        .collect();
    assert_eq!(codes.len(), 10, "{}", page.body);
    (secret, shown, codes)
}

async fn give(browser: &Browser, code: &str) -> Page {
    browser.submit("/login/code", "/login/code", &[("code", code)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_asks_for_a_code_that_counts_once() {
    let studio = Studio::start().await;
    let id = person(&studio, "ada@example.org", &[]).await;
    let browser = signed_in(&studio, "ada@example.org").await;

    let secret = browser.get(PAGE).await.hidden("secret").expect("a secret");
    let wrong = [("secret", secret.as_str()), ("code", "000000"), ("password", PASSWORD)];
    let page = browser.submit(PAGE, PAGE, &wrong).await;
    assert!(page.status == 422 && page.body.contains("not the code"), "{}", page.body);
    assert_eq!(page.hidden("secret").as_deref(), Some(secret.as_str()), "what the device scanned stays");
    let shown = code(&studio, &secret);
    let guess = [("secret", secret.as_str()), ("code", shown.as_str()), ("password", "not my password")];
    assert_eq!(browser.submit(PAGE, PAGE, &guess).await.status, 422);
    let (secret, used, codes) = add(&studio, &browser).await;
    assert!(browser.get(PAGE).await.body.contains("10 are left"));
    assert!(browser.get("/account/security").await.body.contains("asks for a code, too"));

    // The password alone opens nothing.
    let (other, page) = sign_in(&studio, "ada@example.org", PASSWORD).await;
    assert_eq!((page.status, page.location()), (303, "/login/code?next=%2F"));
    assert!(other.get("/account").await.location().starts_with("/login"));
    assert_eq!(give(&other, "123456").await.status, 422);
    assert_eq!(give(&other, &used).await.status, 422, "used when it was added");
    next_step(&studio);
    let now = code(&studio, &secret);
    let page = give(&other, &now).await;
    assert_eq!((page.status, page.location()), (303, "/"), "{}", page.body);
    assert_eq!(other.get("/account").await.status, 200);
    // The code serves once.
    let (third, _) = sign_in(&studio, "ada@example.org", PASSWORD).await;
    assert_eq!(give(&third, &now).await.status, 422);

    // The device is lost.
    assert_eq!(give(&third, &codes[3].to_uppercase().replace('-', " ")).await.status, 303);
    assert_eq!(third.get("/account").await.status, 200);
    let (fourth, _) = sign_in(&studio, "ada@example.org", PASSWORD).await;
    assert_eq!(give(&fourth, &codes[3]).await.status, 422, "a recovery code works once");
    assert!(third.get(PAGE).await.body.contains("9 are left"));
    studio.settle().await;
    let sql = "select type from events where stream_id = $1 order by position";
    let stream = format!("account-{id}");
    let kinds: Vec<String> = studio
        .client()
        .await
        .query(sql, &[&stream])
        .await
        .expect("events")
        .iter()
        .map(|r| r.get(0))
        .collect();
    for kind in ["SecondFactorAdded", "RecoveryCodesMade", "RecoveryCodeUsed"] {
        assert_eq!(kinds.iter().filter(|k| *k == kind).count(), 1, "{kinds:?}");
    }

    // Without a step there is no code to give, and a made-up one is none.
    let stranger = studio.browser();
    assert_eq!(stranger.get("/login/code").await.location(), "/login");
    assert_eq!(stranger.post("/login/code", &[("code", &now)]).await.location(), "/login");

    let page = third.submit(PAGE, &format!("{PAGE}/remove"), &[("remove_password", "wrong")]).await;
    assert_eq!(page.status, 422);
    let page = third.submit(PAGE, &format!("{PAGE}/remove"), &[("remove_password", PASSWORD)]).await;
    assert_eq!(page.status, 303, "{}", page.body);
    let (_, page) = sign_in(&studio, "ada@example.org", PASSWORD).await;
    assert_eq!(page.location(), "/");
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_codes_is_paused() {
    let studio = Studio::start_with(|c| c.limits.sign_in_failures = 5).await;
    person(&studio, "ada@example.org", &[]).await;
    let browser = signed_in(&studio, "ada@example.org").await;
    let (secret, _, _) = add(&studio, &browser).await;
    next_step(&studio);
    let (guesser, _) = sign_in(&studio, "ada@example.org", PASSWORD).await;
    for _ in 0..5 {
        assert_eq!(give(&guesser, "000000").await.status, 422);
    }
    let page = give(&guesser, &code(&studio, &secret)).await;
    assert_eq!(page.status, 429);
    assert!(page.headers.contains_key("retry-after"));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_access_rule_waits_for_the_second_factor_too() {
    let studio = Studio::start_with(|c| {
        c.mode = Mode::Development;
        c.accounts.staff_second_factor = Some(true);
    })
    .await;
    load_demo(&studio).await;
    person(&studio, "mo@example.org", &[Role::Moderator]).await;
    let browser = signed_in(&studio, "mo@example.org").await;
    let lesson = "/courses/from-shot-to-screen/a-log-that-somebody-reads";
    assert!(browser.get(lesson).await.body.contains("For members"), "as for any member");
    add(&studio, &browser).await;
    let page = browser.get(lesson).await;
    assert!(page.status == 200 && !page.body.contains("For members"), "{}", page.body);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_roles_count_with_a_second_factor_only() {
    for (mode, setting, counts_only_with_one) in [
        (Mode::Demo, None, false),
        (Mode::Demo, Some(true), false),
        (Mode::Development, None, true),
        (Mode::Development, Some(false), false),
        (Mode::Production, None, true),
        (Mode::Production, Some(false), true),
    ] {
        let mut config = kinora::config::Config { mode, ..Default::default() };
        config.accounts.staff_second_factor = setting;
        assert_eq!(config.staff_second_factor(), counts_only_with_one, "{mode:?} {setting:?}");
    }
    let studio = Studio::start_with(|c| c.mode = Mode::Development).await;
    let id = person(&studio, "bea@example.org", &[Role::Billing, Role::Creator]).await;
    let browser = signed_in(&studio, "bea@example.org").await;
    assert_eq!(browser.get("/studio").await.status, 200, "no staff role");
    let page = browser.get("/billing").await;
    assert_eq!((page.status, page.location()), (303, PAGE));
    assert!(browser.get(PAGE).await.body.contains("counts as soon as"));
    assert_eq!(browser.submit(PAGE, "/billing/plans", &[]).await.status, 403);
    let events = browser.client.get(format!("{}/api/v1/events", studio.url));
    assert_eq!(events.send().await.expect("answer").status(), 403);

    add(&studio, &browser).await;
    assert_eq!(browser.get("/billing").await.status, 200);

    let cx = &studio.instance.services;
    let meta = Metadata::system("test", cx.clock.new_id(), cx.clock.now());
    let by = By::System("shell".into());
    second_factor::remove(cx, cx.clock.new_id(), meta, id, by).await.expect("removed");
    studio.settle().await;
    assert_eq!(browser.get("/billing").await.location(), PAGE);
    studio.verify().await;
    studio.close().await;
}
