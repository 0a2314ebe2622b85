//! Every address as every kind of person. The table below is written by hand, apart from the routes: what
//! a route says about itself is not believed.

use crate::accounts::{PASSWORD, person, signed_in};
use crate::support::{Browser, Studio};
use kinora::actors::accounts::{register, sessions, staff};
use kinora::domain::shared::Role;
use kinora::http::routes;
use kinora::store::Metadata;
use reqwest::Method;
use strum::IntoEnumIterator as _;

/// Who may use addresses that begin so; the longest beginning counts. Admins may use all of them.
const TABLE: &[(&str, Who)] = &[
    ("/", Who::Everybody),
    ("/account", Who::SignedIn),
    ("/join/", Who::SignedIn),
    ("/gift/", Who::SignedIn),
    ("/redeem", Who::SignedIn),
    ("/progress", Who::SignedIn),
    ("/marks", Who::SignedIn),
    ("/comments", Who::SignedIn),
    ("/impersonation", Who::SignedIn),
    ("/billing", Who::Roles(&[Role::Billing])),
    ("/moderation", Who::Roles(&[Role::Moderator])),
    ("/operator", Who::Roles(&[Role::Operator])),
    ("/studio", Who::Roles(&[Role::Creator, Role::Editor])),
    ("/studio/site", Who::Roles(&[Role::Editor])),
    ("/studio/uploads/fetch", Who::Roles(&[Role::Editor])),
    ("/uploads/{", Who::Roles(&[Role::Creator, Role::Editor])),
    ("/api/v1/account", Who::SignedIn),
    ("/api/v1/subscriptions", Who::SignedIn),
    ("/api/v1/orders", Who::SignedIn),
    ("/api/v1/invoices", Who::SignedIn),
    ("/api/v1/subscriptions.", Who::Roles(&[Role::Billing])),
    ("/api/v1/subscriptions/{id}/timeline", Who::Roles(&[Role::Billing])),
    ("/api/v1/orders.", Who::Roles(&[Role::Billing])),
    ("/api/v1/invoices.", Who::Roles(&[Role::Billing])),
    ("/api/v1/commands", Who::SignedIn),
    ("/api/v1/uploads", Who::Roles(&[Role::Creator, Role::Editor])),
    ("/api/v1/fetches", Who::Roles(&[Role::Editor])),
    ("/api/v1/events", Who::Roles(&[Role::Billing, Role::Operator])),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    Everybody,
    SignedIn,
    Roles(&'static [Role]),
}

/// The rule for an address. What changes something of the catalogue by the API is for those who are signed
/// in and may change that thing; starting an upload is for makers.
fn rule(method: &str, path: &str) -> Who {
    let longest =
        TABLE.iter().filter(|(start, _)| path.starts_with(start)).max_by_key(|(start, _)| start.len());
    let who = longest.expect("the table has a rule for everything").1;
    match (method, path) {
        // Admins alone.
        ("POST", "/moderation/people/{id}/view-as") => Who::Roles(&[]),
        ("POST", "/uploads/") => Who::Roles(&[Role::Creator, Role::Editor]),
        (m, p) if p.starts_with("/api/v1/media") && m != "GET" => Who::SignedIn,
        _ => who,
    }
}

fn allowed(who: Who, viewer: Option<&[Role]>) -> bool {
    match (who, viewer) {
        (Who::Everybody, _) => true,
        (_, None) => false,
        (Who::SignedIn, Some(_)) => true,
        (Who::Roles(wanted), Some(has)) => {
            has.contains(&Role::Admin) || wanted.iter().any(|r| has.contains(r))
        }
    }
}

/// The pattern with something in its holes that nobody has.
fn fill(pattern: &str) -> String {
    let mut path = String::new();
    for part in pattern.split_inclusive('/') {
        let (name, slash) = part.strip_suffix('/').map_or((part, ""), |n| (n, "/"));
        let hole = name.starts_with('{');
        let ids = ["{id}", "{media}", "{lesson}", "{chapter}", "{plan}", "{variation}", "{offer}"];
        path += match name {
            "{round}" | "{position}" => "1",
            name if ids.contains(&name) => "0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000",
            _ if hole => "nothing",
            name => name,
        };
        path += slash;
    }
    path
}

struct Answer {
    status: u16,
    to: String,
}

async fn ask(browser: &Browser, method: &str, path: &str, csrf: &str) -> Answer {
    let method = Method::from_bytes(method.as_bytes()).expect("method");
    let mut request = browser.client.request(method.clone(), format!("{}{path}", browser.url));
    if path.starts_with("/api/") {
        request = request.header("content-type", "application/json").body("{}");
    } else if method != Method::GET && method != Method::HEAD {
        request = request.header("content-type", "application/x-www-form-urlencoded").body("");
    }
    if path.starts_with("/uploads/") {
        request = request.header("tus-resumable", "1.0.0").header("x-http-method-override", "PATCH");
    }
    if !csrf.is_empty() {
        request = request.header("x-csrf-token", csrf);
    }
    let answer = request.send().await.expect("answer");
    let to = answer.headers().get("location").and_then(|v| v.to_str().ok()).unwrap_or("").to_owned();
    Answer { status: answer.status().as_u16(), to }
}

/// Addresses whose use would end the walk for this person.
fn ends_the_walk(method: &str, path: &str) -> bool {
    method == "POST" && ["/logout", "/login"].contains(&path)
}

async fn head(studio: &Studio) -> i64 {
    let sql = "select count(*) from events where type <> 'PersonalDataRead'";
    studio.client().await.query_one(sql, &[]).await.unwrap().get(0)
}

/// Somebody with a role and a session, but whose mail address was never confirmed: signing in would have refused
/// the session, so it is made past that.
async fn unconfirmed(studio: &Studio) -> Browser {
    let cx = &studio.instance.services;
    let new = register::NewAccount {
        mail: "unconfirmed@example.org".into(),
        display_name: "Una".into(),
        username: String::new(),
        password: PASSWORD.into(),
    };
    let meta = || Metadata::system("test", cx.clock.new_id(), cx.clock.now());
    let made = register::by_visitor(cx, cx.clock.new_id(), meta(), &new, false).await.unwrap();
    assert!(made.is_some());
    studio.settle().await;
    let sql = "select account from views.people where not confirmed";
    let id: uuid::Uuid = studio.client().await.query_one(sql, &[]).await.unwrap().get(0);
    for role in [Role::Creator, Role::Billing] {
        staff::act(cx, cx.clock.new_id(), meta(), id, &staff::Act::Grant(role), "test").await.unwrap();
    }
    let cookie = format!("kinora={}", sessions::open(cx, id, "test").await.unwrap().cookie);
    let mut headers = reqwest::header::HeaderMap::new();
    headers.insert("cookie", cookie.parse().unwrap());
    let client = reqwest::Client::builder()
        .default_headers(headers)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    Browser { client, url: studio.url.clone() }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_address_answers_everybody_as_the_table_says() {
    let studio = Studio::start().await;
    let cx = &studio.instance.services;
    let mut people: Vec<(String, Option<Vec<Role>>, Browser)> =
        vec![("visitor".into(), None, studio.browser())];
    for role in Role::iter() {
        let name: &'static str = role.into();
        let mail = format!("{name}@example.org");
        person(&studio, &mail, &[role]).await;
        people.push((name.into(), Some(vec![role]), signed_in(&studio, &mail).await));
    }
    // Suspended after signing in: the session is worth nothing any more.
    let id = person(&studio, "suspended@example.org", &[Role::Billing, Role::Operator, Role::Creator]).await;
    let browser = signed_in(&studio, "suspended@example.org").await;
    let meta = Metadata::system("test", cx.clock.new_id(), cx.clock.now());
    staff::act(cx, cx.clock.new_id(), meta, id, &staff::Act::Suspend(None), "test").await.unwrap();
    people.push(("suspended".into(), None, browser));
    people.push(("unconfirmed".into(), None, unconfirmed(&studio).await));
    studio.settle().await;

    let (mut walked, mut wrong) = (0, vec![]);
    for route in routes::all() {
        let (method, path) = (route.method.as_str(), fill(route.path));
        for (name, roles, browser) in &people {
            // The first-run page is closed to everybody once there is an account, and nobody here is between the
            // steps of signing in: both lead to the sign-in page.
            let leads_there = ["/setup", "/login/code"].contains(&path.as_str());
            if (ends_the_walk(method, &path) && roles.is_some()) || leads_there {
                continue;
            }
            let may = allowed(rule(method, route.path), roles.as_deref());
            let csrf = match roles {
                Some(_) => browser.get("/account/notifications").await.hidden("_csrf").expect("a form"),
                None => String::new(),
            };
            let before = if may { 0 } else { head(&studio).await };
            let answer = ask(browser, method, &path, &csrf).await;
            walked += 1;
            let to_sign_in = answer.to.starts_with("/login");
            let refused = matches!(answer.status, 401 | 403) || to_sign_in;
            // Where even the existence is nobody's business the answer is 404.
            let right = if may { !refused } else { refused || answer.status == 404 };
            if !right || answer.status >= 500 {
                wrong.push(format!("{method} {path} as {name}: {} {}", answer.status, answer.to));
            }
            if !may && head(&studio).await != before {
                wrong.push(format!("{method} {path} as {name} changed something"));
            }
        }
    }
    println!("{walked} requests: {} people, {} addresses", people.len(), routes::all().len());
    assert!(wrong.is_empty(), "{} of {walked} wrong:\n{}", wrong.len(), wrong.join("\n"));
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_changed_without_the_token_of_the_session_or_from_another_site() {
    let studio = Studio::start().await;
    person(&studio, "admin@example.org", &[Role::Admin]).await;
    let admin = signed_in(&studio, "admin@example.org").await;
    let before = head(&studio).await;
    let (mut walked, mut wrong) = (0, vec![]);
    for route in routes::all() {
        let (method, path) = (route.method.as_str(), fill(route.path));
        if matches!(method, "GET" | "HEAD" | "OPTIONS") || path.starts_with("/webhooks/") {
            continue;
        }
        let answer = ask(&admin, method, &path, "").await;
        let forged = ask(&admin, method, &path, "0123456789abcdef0123456789abcdef").await;
        walked += 2;
        for (how, status) in [("without a token", answer.status), ("with a forged one", forged.status)] {
            if status != 403 {
                wrong.push(format!("{method} {path} {how}: {status}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {walked} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(head(&studio).await, before);
    assert_eq!(admin.get("/account").await.status, 200, "the session is still there");
    let from_elsewhere = admin
        .client
        .post(format!("{}/account/notifications", studio.url))
        .header("sec-fetch-site", "cross-site")
        .header("x-csrf-token", admin.get("/account/notifications").await.hidden("_csrf").unwrap())
        .form(&[("digest", "daily")])
        .send()
        .await
        .unwrap();
    assert_eq!(from_elsewhere.status().as_u16(), 403);
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asked_for_deletion_reaches_only_what_can_stop_it() {
    let studio = Studio::start().await;
    person(&studio, "leaving@example.org", &[]).await;
    let leaving = signed_in(&studio, "leaving@example.org").await;
    let asked = leaving.submit("/account/deletion", "/account/deletion", &[("current", PASSWORD)]).await;
    assert_eq!(asked.status, 303);
    studio.settle().await;
    for route in routes::all() {
        let (method, path) = (route.method.as_str(), fill(route.path));
        let who = rule(method, route.path);
        let open = ["/account/deletion", "/account/subscription", "/account/orders", "/account/export"];
        if method != "GET" || who == Who::Everybody || open.iter().any(|o| path.starts_with(o)) {
            continue;
        }
        let answer = ask(&leaving, method, &path, "").await;
        let led = answer.to == "/account/deletion" || matches!(answer.status, 403 | 404);
        assert!(led, "{path}: {} {}", answer.status, answer.to);
    }
    studio.close().await;
}

/// What asks once more who it is when the last proof is too old, with an act of its form that does; written by
/// hand, as above.
const GRAVE: &[(&str, &str, &str)] = &[
    ("POST", "/account/tokens", ""),
    ("POST", "/account/deletion", "by-proof"),
    ("POST", "/account/export", ""),
    ("GET", "/account/export/{id}", ""),
    ("POST", "/moderation/people/{id}", "grant"),
    ("POST", "/moderation/people/{id}", "revoke"),
    ("POST", "/moderation/people/{id}", "delete"),
    ("POST", "/moderation/people/{id}/view-as", ""),
    ("POST", "/moderation/registrations", "refuse"),
    ("POST", "/moderation/registrations/door", ""),
    ("POST", "/moderation/waves", ""),
    ("POST", "/moderation/waves/{id}/undo", ""),
    ("POST", "/studio/hand-over", ""),
    ("POST", "/billing/people/{id}", "complimentary"),
    ("POST", "/billing/people/{id}/merge", ""),
    ("POST", "/billing/people/{id}/subscription", ""),
    ("POST", "/billing/orders/{id}/refund", ""),
    ("POST", "/billing/orders/{id}/credit", ""),
    ("POST", "/billing/orders/{id}/paid", ""),
    ("POST", "/billing/orders/{id}/outcome", ""),
    ("POST", "/billing/refunds/{id}", "approve"),
    ("POST", "/billing/credits/{account}/pay-out", ""),
    ("POST", "/billing/credits/{account}/sent", "sent"),
    ("POST", "/billing/approvals/{id}", "agree"),
    ("POST", "/billing/subscriptions/{id}", "waive"),
    ("POST", "/billing/subscriptions/{id}", "waive-missed"),
    ("POST", "/billing/subscriptions/{id}", "end-now"),
    ("POST", "/billing/subscriptions/{id}", "plan"),
    ("POST", "/billing/plans", ""),
    ("POST", "/billing/plans/{plan}", ""),
    ("POST", "/billing/plans/{plan}/prices", ""),
    ("POST", "/billing/plans/{plan}/prices/{variation}/withdraw", ""),
    ("POST", "/billing/plans/{plan}/price-change", ""),
    ("POST", "/billing/tax-rates", ""),
    ("POST", "/billing/coupons", ""),
    ("POST", "/billing/gifts/{id}/withdraw", ""),
    ("POST", "/billing/invoices/{number}/reissue", ""),
    ("POST", "/account/payment-methods/mandate", ""),
    ("POST", "/billing/direct-debits", ""),
    ("GET", "/billing/direct-debits/{id}/file", ""),
    ("GET", "/billing/bank", ""),
    ("POST", "/billing/bank", ""),
];

/// What staff may do without being asked: it can be taken back, or does only what would happen anyway.
const LIGHT: &[&str] = &[
    "/billing/proof",
    "/billing/exchange-rates",
    "/billing/exchange-rates/file",
    "/billing/bank/{id}/settled",
    "/billing/coupons/{coupon}/end",
    "/moderation/comments/{id}",
    "/moderation/invitations",
    "/moderation/invitations/{id}/withdraw",
    "/operator/jobs/{job}/run",
    "/operator/queue",
    "/operator/queue/{id}",
    "/operator/set-aside/{name}/{position}/retry",
    "/operator/set-aside/{name}/retry",
    "/operator/projections/{name}/rebuild",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_that_is_too_old_opens_nothing_grave_and_everything_else() {
    let studio = Studio::start_with(|c| c.accounts.step_up_minutes = Some(10)).await;
    person(&studio, "admin@example.org", &[Role::Admin]).await;
    let admin = signed_in(&studio, "admin@example.org").await;
    crate::step_up::pass(&studio, 11);
    let csrf = admin.get("/account/notifications").await.hidden("_csrf").unwrap();
    let asks = |status: u16, location: &str, body: &str| match status {
        303 => location.starts_with("/account/security/confirm?next="),
        status => status == 403 && body.contains("Confirm that it is you"),
    };
    let before = head(&studio).await;
    let (mut walked, mut wrong) = (0, vec![]);
    for route in routes::all() {
        let (method, path) = (route.method.as_str(), fill(route.path));
        let rules: Vec<_> = GRAVE.iter().filter(|(m, p, _)| *m == method && *p == route.path).collect();
        let staff = ["/billing", "/moderation", "/operator"].iter().any(|p| path.starts_with(p));
        if staff && method == "POST" && rules.is_empty() && !LIGHT.contains(&route.path) {
            wrong.push(format!("{method} {path} is neither grave nor light: say which"));
        }
        if rules.is_empty() && (method != "GET" || path.starts_with("/login") || path.contains("healthz")) {
            continue;
        }
        let acts: Vec<&str> =
            if rules.is_empty() { vec![""] } else { rules.iter().map(|(_, _, a)| *a).collect() };
        for act in acts {
            let verb = Method::from_bytes(method.as_bytes()).unwrap();
            let request = admin.client.request(verb, format!("{}{path}", admin.url));
            let request = if method == "GET" {
                request
            } else {
                request.header("x-csrf-token", &csrf).form(&[("act", act), ("reason", "because")])
            };
            let answer = admin.answer(request).await;
            walked += 1;
            if asks(answer.status, answer.location(), &answer.body) == rules.is_empty() {
                wrong.push(format!("{method} {path} {act}: {} {}", answer.status, answer.location()));
            }
        }
    }
    println!("{walked} requests with a proof that is too old");
    assert!(wrong.is_empty(), "{} of {walked} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(head(&studio).await, before, "nothing was done");
    studio.close().await;
}
