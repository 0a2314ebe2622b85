//! The way in and out, over HTTP and on a real PostgreSQL.

use crate::support::{Browser, Page, Studio};
use kinora::actors::accounts::{register, staff};
use kinora::domain::account::Origin;
use kinora::domain::shared::Role;
use kinora::store::Metadata;
use std::time::Duration;
use uuid::Uuid;

pub const PASSWORD: &str = "salt keeper walks";

/// Somebody who registered, confirmed and can sign in.
pub async fn person(studio: &Studio, mail: &str, roles: &[Role]) -> Uuid {
    let cx = &studio.instance.services;
    let new = register::NewAccount {
        mail: mail.into(),
        display_name: format!("Name of {}", mail.split('@').next().unwrap()),
        username: String::new(),
        password: PASSWORD.into(),
    };
    let meta = Metadata::system("test", cx.clock.new_id(), cx.clock.now());
    let made = register::by_operator(cx, cx.clock.new_id(), meta, &new, Origin::Shell, roles.to_vec())
        .await
        .unwrap();
    assert!(cx.reader.wait_for(made.receipt.position, Duration::from_secs(10)).await.unwrap());
    made.account
}

pub async fn sign_in(studio: &Studio, login: &str, password: &str) -> (Browser, Page) {
    let browser = studio.browser();
    let page = browser.submit("/login", "/login", &[("login", login), ("password", password)]).await;
    (browser, page)
}

pub async fn signed_in(studio: &Studio, mail: &str) -> Browser {
    let (browser, page) = sign_in(studio, mail, PASSWORD).await;
    assert_eq!((page.status, page.location()), (303, "/"), "{}", page.body);
    browser
}

async fn register(browser: &Browser, fields: &[(&str, &str)]) -> Page {
    let form = browser.get("/register").await;
    let opened = form.hidden("opened").unwrap();
    let mut all = fields.to_vec();
    all.push(("opened", &opened));
    browser.submit("/register", "/register", &all).await
}

/// The link of the newest mail with this subject, as a path.
pub async fn link_of(studio: &Studio, subject: &str, path: &str) -> String {
    let letter = letter_of(studio, subject).await;
    let start = letter.find(&format!("{}{path}", studio.url)).unwrap_or_else(|| panic!("{letter}"));
    let rest = &letter[start + studio.url.len()..];
    rest[..rest.find(['"', '<']).unwrap()].to_owned()
}

/// The newest mail with this subject, as the demo's page shows it.
async fn letter_of(studio: &Studio, subject: &str) -> String {
    studio.settle().await;
    let browser = studio.browser();
    let list = browser.get("/demo/mail").await.body;
    let row = list.lines().flat_map(|l| l.split("<a ")).find(|a| a.contains(subject));
    let row = row.unwrap_or_else(|| panic!("no mail {subject}: {list}"));
    let start = row.find("/demo/mail/").unwrap();
    let href = &row[start..start + row[start..].find('"').unwrap()];
    browser.get(href).await.body
}

fn mails(studio: &Studio) -> usize {
    std::fs::read_dir(studio.data.path().join("mail")).map_or(0, Iterator::count)
}

#[tokio::test(flavor = "multi_thread")]
async fn register_confirm_sign_in_and_out() {
    let studio = Studio::start().await;
    person(&studio, "first@example.org", &[]).await;
    let browser = studio.browser();
    let fields =
        [("mail", "ada@example.org"), ("display_name", "Ada"), ("username", "ada"), ("password", PASSWORD)];
    let page = register(&browser, &fields).await;
    assert_eq!((page.status, page.location()), (303, "/confirm"), "{}", page.body);

    // Not before the address is confirmed; the link is sent again.
    let (_, page) = sign_in(&studio, "ada@example.org", PASSWORD).await;
    assert_eq!(page.status, 422);
    assert!(page.body.contains("Confirm your mail address first"), "{}", page.body);

    let link = link_of(&studio, "Confirm your mail address", "/confirm/").await;
    let page = browser.get(&link).await;
    assert!(page.body.contains("Confirm mail address"), "{}", page.body);
    let page = browser.submit(&link, &link, &[]).await;
    assert!(page.location().starts_with("/login?done=confirmed"), "{}", page.body);
    let page = browser.submit("/login", &link, &[]).await;
    assert_eq!(page.status, 422, "a link works once");

    for login in ["ada@example.org", "ADA@Example.org", "ada", " Ada "] {
        let (browser, page) = sign_in(&studio, login, PASSWORD).await;
        assert_eq!((page.status, page.location()), (303, "/"), "{login}: {}", page.body);
        let cookie = page.headers["set-cookie"].to_str().unwrap().to_owned();
        assert!(cookie.starts_with("kinora=") && cookie.contains("HttpOnly; SameSite=Lax"), "{cookie}");
        let page = browser.get("/account").await;
        assert!(page.body.contains("ada@example.org") && page.body.contains("Ada"), "{}", page.body);
        let page = browser.submit("/logout", "/logout", &[]).await;
        assert_eq!(page.location(), "/");
        assert!(browser.get("/account").await.location().starts_with("/login?next=%2Faccount"));
        // The cookie is worthless, not only forgotten.
        let value = cookie.split(';').next().unwrap();
        let answer = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let answer =
            answer.get(format!("{}/account", studio.url)).header("cookie", value).send().await.unwrap();
        assert_eq!(answer.status(), 303);
    }
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_never_tell_whether_an_address_is_known() {
    let studio = Studio::start().await;
    person(&studio, "known@example.org", &[]).await;
    let browser = studio.browser();
    let mut answers = vec![];
    for mail in ["known@example.org", "unknown@example.org"] {
        let registered = register(&browser, &[("mail", mail), ("password", PASSWORD)]).await;
        let reset = browser.submit("/reset", "/reset", &[("mail", mail)]).await;
        let (_, wrong) = sign_in(&studio, mail, "not the password").await;
        let sentence = wrong.body.contains("Mail address, user name or password is wrong.");
        answers.push((
            (registered.status, registered.location().to_owned()),
            (reset.status, reset.location().to_owned()),
            (wrong.status, sentence),
        ));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].2, (422, true));
    // The owner of the known address is told; nobody else.
    assert!(letter_of(&studio, "You already have an account").await.contains("known@example.org"));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_that_register_are_turned_away() {
    let studio = Studio::start_with(|c| c.limits.registration_seconds = Some(2)).await;
    person(&studio, "first@example.org", &[]).await;
    let browser = studio.browser();
    let register = async |browser: &Browser, fields: &[(&str, &str)]| {
        let opened = browser.get("/register").await.hidden("opened").unwrap();
        tokio::time::sleep(Duration::from_millis(2_100)).await;
        let mut all = fields.to_vec();
        all.push(("opened", &opened));
        browser.submit("/register", "/register", &all).await
    };
    let fields = [("mail", "bot@example.org"), ("password", PASSWORD)];
    let page = browser.submit("/register", "/register", &fields).await;
    assert!(page.status == 422 && page.body.contains("bot@example.org"), "too fast, nothing typed is lost");
    let mut trapped = fields.to_vec();
    trapped.push(("website", "https://spam.example"));
    assert_eq!(register(&browser, &trapped).await.location(), "/confirm");
    let mut forged = fields.to_vec();
    forged.push(("opened", "1.0123456789abcdef"));
    assert_eq!(browser.submit("/register", "/register", &forged).await.status, 422);
    studio.settle().await;
    assert_eq!(mails(&studio), 0);
    for (field, value, words) in [
        ("mail", "nobody", "Enter a mail address"),
        ("password", "short", "at least 10 characters"),
        ("password", "password123", "first that an attacker would try"),
        ("username", "a b", "letters, digits"),
    ] {
        let mut some = vec![(field, value)];
        some.extend(
            [("mail", "bot@example.org"), ("password", PASSWORD)].iter().filter(|(f, _)| *f != field),
        );
        let page = register(&browser, &some).await;
        assert!(page.status == 422 && page.body.contains(words), "{field}={value}: {}", page.body);
        assert!(!page.body.contains(PASSWORD), "passwords are not shown again");
    }
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_can_be_closed() {
    let studio = Studio::start_with(|c| c.allow_registration = false).await;
    person(&studio, "first@example.org", &[]).await;
    let browser = studio.browser();
    assert!(browser.get("/register").await.body.contains("Registration is closed"));
    let page = browser.post("/register", &[("mail", "ada@example.org"), ("password", PASSWORD)]).await;
    assert_eq!(page.status, 403);
    assert!(!browser.get("/login").await.body.contains("href=\"/register\">Create an account</a></p>"));
    signed_in(&studio, "first@example.org").await;
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_ends_every_session_and_its_link_works_once() {
    let studio = Studio::start().await;
    person(&studio, "ada@example.org", &[]).await;
    let before = signed_in(&studio, "ada@example.org").await;
    let browser = studio.browser();
    browser.submit("/reset", "/reset", &[("mail", "ada@example.org")]).await;
    let link = link_of(&studio, "Set a new password", "/reset/").await;
    let page = browser.submit(&link, &link, &[("password", "password123")]).await;
    assert!(page.status == 422 && page.body.contains("attacker"), "{}", page.body);
    let page = browser.submit(&link, &link, &[("password", "another long one")]).await;
    assert!(page.location().starts_with("/login?done=reset"), "{}", page.body);
    let page = browser.submit("/login", &link, &[("password", "yet another one")]).await;
    assert_eq!(page.status, 422, "used");
    assert_eq!(before.get("/account").await.status, 303, "the session from before is over");
    assert_eq!(sign_in(&studio, "ada@example.org", PASSWORD).await.1.status, 422);
    assert_eq!(sign_in(&studio, "ada@example.org", "another long one").await.1.status, 303);
    assert!(letter_of(&studio, "was changed").await.contains("All other sessions were ended"));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_looks_after_the_own_account() {
    let studio = Studio::start().await;
    person(&studio, "ada@example.org", &[]).await;
    person(&studio, "ben@example.org", &[]).await;
    let ada = signed_in(&studio, "ada@example.org").await;
    let elsewhere = signed_in(&studio, "ada@example.org").await;
    let page = "/account/security";

    // Sessions: the other one is ended, not that of somebody else.
    let list = ada.get(page).await.body;
    assert!(list.contains("This session") && list.contains("End all other sessions"), "{list}");
    ada.submit(page, "/account/security/sessions", &[("session", "others")]).await;
    assert_eq!(elsewhere.get("/account").await.status, 303);
    let ben = signed_in(&studio, "ben@example.org").await;
    let own = studio.client().await;
    let foreign: Vec<u8> = own
        .query_one("select id_hash from sessions order by created_at desc limit 1", &[])
        .await
        .unwrap()
        .get(0);
    ada.submit(page, "/account/security/sessions", &[("session", &hex::encode(foreign))]).await;
    assert_eq!(ben.get("/account").await.status, 200);

    // Password: proved by the former one; this browser stays signed in, others do not.
    let elsewhere = signed_in(&studio, "ada@example.org").await;
    let wrong = [("current", "wrong"), ("password", "another long one")];
    let answer = ada.submit(page, "/account/security/password", &wrong).await;
    assert!(answer.status == 422 && answer.body.contains("not your current password"), "{}", answer.body);
    let right = [("current", PASSWORD), ("password", "another long one")];
    let answer = ada.submit(page, "/account/security/password", &right).await;
    assert!(answer.location().starts_with("/account/security?done=password"), "{}", answer.body);
    studio.settle().await;
    assert_eq!(ada.get("/account").await.status, 200);
    assert_eq!(elsewhere.get("/account").await.status, 303);

    // Address: counts after the link; announced at the former one.
    let change = [("mail", "ada@new.example"), ("mail_password", "another long one")];
    let answer = ada.submit(page, "/account/security/mail", &change).await;
    assert_eq!(answer.location(), "/account/security?done=asked", "{}", answer.body);
    assert_eq!(sign_in(&studio, "ada@new.example", "another long one").await.1.status, 422);
    let link = link_of(&studio, "Confirm your new mail address", "/confirm/").await;
    ada.submit(&link, &link, &[]).await;
    assert_eq!(sign_in(&studio, "ada@new.example", "another long one").await.1.status, 303);
    assert_eq!(sign_in(&studio, "ada@example.org", "another long one").await.1.status, 422);
    assert!(letter_of(&studio, "Your mail address at").await.contains("ada@example.org"));

    // Name.
    let answer = ada.submit("/account", "/account", &[("display_name", "Countess Ada")]).await;
    assert!(ada.follow(answer.location()).await.body.contains("Countess Ada"));
    // A form without the session's token is refused.
    assert_eq!(ada.post("/account", &[("display_name", "Mallory")]).await.status, 403);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_key_every_session_is_over() {
    let studio = Studio::start().await;
    person(&studio, "ada@example.org", &[]).await;
    let browser = signed_in(&studio, "ada@example.org").await;
    let cookie =
        |page: &Page| page.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let (_, page) = sign_in(&studio, "ada@example.org", PASSWORD).await;
    let value = cookie(&page);
    drop(browser);
    let ask = async |studio: &Studio, cookie: &str| {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        client
            .get(format!("{}/account", studio.url))
            .header("cookie", cookie)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(ask(&studio, &value).await, 200);
    let studio = studio.restart().await;
    assert_eq!(ask(&studio, &value).await, 200, "a restart ends nothing");
    // A key that is exchanged ends nothing; one that is deleted ends everything, the exchanged one's too.
    let secrets = studio.data.path().join("secrets");
    kinora::config::secrets::rotate_session(&secrets).unwrap();
    let studio = studio.restart().await;
    assert_eq!(ask(&studio, &value).await, 200, "the former key still counts");
    let (_, page) = sign_in(&studio, "ada@example.org", PASSWORD).await;
    assert_eq!(ask(&studio, &cookie(&page)).await, 200);
    std::fs::remove_file(secrets.join("session.key")).unwrap();
    let studio = studio.restart().await;
    assert!(!secrets.join("session.key.previous").exists());
    assert_eq!(ask(&studio, &value).await, 303);
    let mut forged = value.clone();
    forged.replace_range(7..8, if &value[7..8] == "A" { "B" } else { "A" });
    assert_eq!(ask(&studio, &forged).await, 303);
    let tomorrow = studio.instance.services.clock.now() + chrono::TimeDelta::days(1);
    let report = studio.run_job("clear-sessions", &tomorrow.to_rfc3339()).await;
    assert_eq!(report.counts["sessions"], 3, "{report:?}");
    signed_in(&studio, "ada@example.org").await;
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_studio_makes_its_admin_once() {
    let studio = Studio::start().await;
    let browser = studio.browser();
    for path in ["/", "/login", "/register"] {
        assert_eq!(browser.get(path).await.location(), "/setup", "{path}");
    }
    let page =
        browser.submit("/setup", "/setup", &[("mail", "ada@example.org"), ("password", "short")]).await;
    assert!(page.status == 422 && page.body.contains("ada@example.org"));
    let page =
        browser.submit("/setup", "/setup", &[("mail", "ada@example.org"), ("password", PASSWORD)]).await;
    assert!(page.location().starts_with("/?at="), "{}", page.body);
    browser.follow(page.location()).await;
    assert!(browser.get("/account").await.body.contains("Admin"));
    assert_eq!(studio.browser().get("/setup").await.location(), "/login");
    let page = studio.browser().post("/setup", &[("mail", "eve@example.org"), ("password", PASSWORD)]).await;
    assert_eq!(page.location(), "/login");
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_act_with_a_reason_and_are_seen_reading() {
    let studio = Studio::start().await;
    let member = person(&studio, "ada@example.org", &[]).await;
    let admin_id = person(&studio, "root@example.org", &[Role::Admin]).await;
    person(&studio, "mod@example.org", &[Role::Moderator]).await;
    person(&studio, "billing@example.org", &[Role::Billing]).await;
    let ada = signed_in(&studio, "ada@example.org").await;
    assert_eq!(ada.get("/moderation").await.status, 403);
    let moderator = signed_in(&studio, "mod@example.org").await;
    assert_eq!(moderator.get("/billing/people").await.status, 403);
    let list = moderator.get("/moderation").await.body;
    assert!(list.contains("Name of ada") && list.contains("Name of root"), "{list}");
    for words in ["ada@example.org", "of ADA"] {
        let found = moderator.get(&format!("/moderation?q={}", words.replace(' ', "+"))).await.body;
        assert!(found.contains("Name of ada") && !found.contains("Name of root"), "{words}: {found}");
    }

    let path = format!("/moderation/people/{member}");
    assert!(moderator.get(&path).await.body.contains("ada@example.org"));
    let page = moderator.submit(&path, &path, &[("act", "suspend"), ("reason", "")]).await;
    assert!(page.status == 422 && page.body.contains("Say why"), "{}", page.body);
    let page = moderator.submit(&path, &path, &[("act", "grant"), ("role", "admin"), ("reason", "x")]).await;
    assert!(page.status == 422 && page.body.contains("does not allow"), "{}", page.body);
    let page = moderator.submit(&path, &path, &[("act", "suspend"), ("reason", "Spam canary-reason")]).await;
    assert!(moderator.follow(page.location()).await.body.contains("Suspended"), "{}", page.body);
    assert_eq!(ada.get("/account").await.status, 303, "signed out at once");
    assert!(sign_in(&studio, "ada@example.org", PASSWORD).await.1.body.contains("suspended"));
    let page = moderator.submit(&path, &path, &[("act", "reinstate"), ("reason", "Sorry")]).await;
    assert_eq!(page.status, 303);
    let boss = format!("/moderation/people/{admin_id}");
    let page = moderator.submit(&boss, &boss, &[("act", "suspend"), ("reason", "Coup")]).await;
    assert!(page.status == 422 && page.body.contains("admin cannot be suspended"), "{}", page.body);

    let admin = signed_in(&studio, "root@example.org").await;
    let page =
        admin.submit(&path, &path, &[("act", "grant"), ("role", "creator"), ("reason", "Joins us")]).await;
    assert!(admin.follow(page.location()).await.body.contains("Creator"), "{}", page.body);
    let page = admin.submit(&boss, &boss, &[("act", "revoke"), ("role", "admin"), ("reason", "Tired")]).await;
    assert!(page.status == 422 && page.body.contains("Ask another admin"), "{}", page.body);
    let billing = signed_in(&studio, "billing@example.org").await;
    let path = format!("/billing/people/{member}");
    let page = billing.submit(&path, &path, &[("act", "complimentary"), ("reason", "Prize")]).await;
    // Time without an end is above every limit of one person.
    let request = page.location().split('?').next().unwrap().to_owned();
    assert!(billing.follow(page.location()).await.body.contains("Somebody else decides"), "{}", page.body);
    let agreed = admin.submit(&request, &request, &[("act", "agree"), ("reason", "She won it")]).await;
    assert_eq!(agreed.status, 303, "{}", agreed.body);
    studio.settle().await;
    assert!(billing.get(&path).await.body.contains("Without an end"));

    let client = studio.client().await;
    let reads = client
        .query(
            "select payload->>'scope' from events where type = 'PersonalDataRead' and stream_id = $1 order by 1",
            &[&format!("account-{member}")],
        )
        .await
        .unwrap();
    let scopes: Vec<String> = reads.iter().map(|r| r.get(0)).collect();
    for scope in ["billing-person", "moderation-list", "moderation-person"] {
        assert!(scopes.iter().any(|s| s == scope), "{scope}: {scopes:?}");
    }
    let leaked: i64 = client
        .query_one("select count(*) from events where payload::text like '%canary-reason%'", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(leaked, 0, "reasons lie in the vault");
    drop(client);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_has_somebody_for_every_role() {
    let studio = Studio::start().await;
    let cx = &studio.instance.services;
    let meta = Metadata::system("demo", cx.clock.new_id(), cx.clock.now());
    let first = kinora::actors::accounts::demo::load(cx, &meta).await.unwrap();
    studio.settle().await;
    let head = kinora::store::log::head(&**studio.client().await).await.unwrap();
    let again = kinora::actors::accounts::demo::load(cx, &meta).await.unwrap();
    assert_eq!(head, kinora::store::log::head(&**studio.client().await).await.unwrap(), "twice is once");
    assert_eq!(first.len(), again.len());
    let text = std::fs::read_to_string(studio.data.path().join("demo-logins.json")).unwrap();
    let logins: serde_json::Value = serde_json::from_str(&text).unwrap();
    for person in logins["people"].as_array().unwrap() {
        let (mail, password) = (person["mail"].as_str().unwrap(), person["password"].as_str().unwrap());
        let (browser, page) = sign_in(&studio, mail, password).await;
        assert_eq!(page.status, 303, "{person}");
        let role = person["role"].as_str().unwrap();
        let expected = if matches!(role, "moderator" | "admin") { 200 } else { 403 };
        assert_eq!(browser.get("/moderation").await.status, expected, "{role}");
    }
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_taken_is_gone_at_once() {
    let studio = Studio::start().await;
    let id = person(&studio, "mod@example.org", &[Role::Moderator]).await;
    let browser = signed_in(&studio, "mod@example.org").await;
    assert_eq!(browser.get("/moderation").await.status, 200);
    let cx = &studio.instance.services;
    let meta = Metadata::system("test", cx.clock.new_id(), cx.clock.now());
    staff::act(cx, cx.clock.new_id(), meta, id, &staff::Act::Revoke(Role::Moderator), "Done").await.unwrap();
    studio.settle().await;
    assert_eq!(browser.get("/moderation").await.status, 403);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_of_staff_end_sooner() {
    let studio = Studio::start_with(|c| c.mode = kinora::config::Mode::Development).await;
    person(&studio, "bea@example.org", &[Role::Billing]).await;
    person(&studio, "ada@example.org", &[]).await;
    let clock = &studio.instance.services.clock;
    let later = |minutes: i64| clock.follow(clock.ahead_us() + minutes * 60_000_000);
    let (staff, member) =
        (signed_in(&studio, "bea@example.org").await, signed_in(&studio, "ada@example.org").await);
    // In use all the time, for twelve hours.
    for _ in 0..35 {
        assert_eq!(staff.get("/account").await.status, 200);
        later(20);
    }
    assert_eq!(staff.get("/account").await.status, 200);
    later(19);
    assert_eq!(staff.get("/account").await.status, 200, "a minute before the twelve hours are over");
    later(2);
    assert_eq!(staff.get("/account").await.status, 303, "over");
    let staff = signed_in(&studio, "bea@example.org").await;
    later(29);
    assert_eq!(staff.get("/account").await.status, 200, "a minute before half an hour is over");
    later(31);
    assert_eq!(staff.get("/account").await.status, 303, "nobody was there");
    // Others stay, as long as they come back, and for a year at most.
    for _ in 0..6 {
        assert_eq!(member.get("/account").await.status, 200);
        later(59 * 24 * 60);
    }
    assert_eq!(member.get("/account").await.status, 200);
    later(12 * 24 * 60);
    assert_eq!(member.get("/account").await.status, 303, "a year is over");
    studio.close().await;
}
