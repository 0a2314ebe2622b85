//! Signing in through a service of others: a real OpenID provider (npm's `oidc-provider`) that the test starts,
//! and what somebody could try on the way.

use crate::accounts::{PASSWORD, person, signed_in};
use crate::support::{Browser, Page, Studio};
use kinora::actors::accounts::{self, registration};
use kinora::config::{Config, Registration};
use kinora::domain::shared::Role;
use serde_json::{Value, json};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const SECURITY: &str = "/account/security";
const LINK: &str = "/account/security/identity";

/// The provider, as long as the test runs.
pub struct Provider {
    child: Child,
    pub url: String,
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/peers");

impl Provider {
    /// A studio with registration open that knows a provider, and that provider.
    pub async fn with_studio(change: impl FnOnce(&mut Config)) -> (Studio, Self) {
        let ready = Command::new(SCRIPT).args(["oidc", "0"]).status().expect("the script");
        assert!(ready.success(), "oidc-provider is installed");
        let port = free_port();
        let secret = std::env::temp_dir().join(format!("kinora-oidc-secret-{port}"));
        std::fs::write(&secret, "a-secret-of-the-tests\n").unwrap();
        let studio = Studio::start_with(|c| {
            c.oidc.issuer = Some(format!("http://127.0.0.1:{port}"));
            c.oidc.client_id = "kinora".into();
            c.oidc.client_secret_file = Some(secret);
            c.oidc.label = "Example ID".into();
            change(c);
        })
        .await;
        person(&studio, "first@example.org", &[]).await;
        let child = Command::new(SCRIPT)
            .args(["oidc", &port.to_string(), &format!("{}/login/oidc/callback", studio.url)])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the provider");
        let provider = Self { child, url: format!("http://127.0.0.1:{port}") };
        for _ in 0..600 {
            if reqwest::get(format!("{}/jwks", provider.url)).await.is_ok() {
                return (studio, provider);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the provider does not answer");
    }

    async fn tell(&self, what: &str, body: Value) {
        let url = format!("{}/_test/{what}", self.url);
        assert!(reqwest::Client::new().post(url).json(&body).send().await.unwrap().status().is_success());
    }

    /// Signs in as `who` at `address` and says yes; gives the path and query that leads back.
    async fn agree(&self, studio: &Studio, address: &str, who: &str) -> String {
        assert!(address.starts_with(&format!("{}/auth?", self.url)), "{address}");
        let person = studio.browser().client;
        let mut at = address.to_owned();
        for _ in 0..12 {
            let answer = person.get(&at).send().await.unwrap();
            let location = answer.headers().get("location").map(|l| l.to_str().unwrap().to_owned());
            let next = match location {
                Some(location) => location,
                None => {
                    let page = answer.text().await.unwrap();
                    let prompt = if page.contains("value=\"login\"") { "login" } else { "consent" };
                    let fields = [("prompt", prompt), ("login", who), ("password", "any")];
                    let answer = person.post(&at).form(&fields).send().await.unwrap();
                    answer.headers().get("location").expect("it goes on").to_str().unwrap().to_owned()
                }
            };
            if let Some(path) = next.strip_prefix(&studio.url) {
                return path.to_owned();
            }
            at = if next.starts_with('/') { format!("{}{next}", self.url) } else { next };
        }
        panic!("the provider leads nowhere");
    }

    /// The whole way for somebody at a browser.
    pub async fn enter(&self, studio: &Studio, browser: &Browser, who: &str) -> Page {
        let page = browser.get("/login/oidc?next=%2Faccount").await;
        assert_eq!(page.status, 303, "{}", page.body);
        let back = self.agree(studio, page.location(), who).await;
        browser.get(&back).await
    }
}

/// `path` with another value of a part of the query; none takes it away.
fn with(path: &str, name: &str, value: Option<&str>) -> String {
    let (path, query) = path.split_once('?').unwrap();
    let mut pairs: Vec<(String, String)> =
        url::form_urlencoded::parse(query.as_bytes()).into_owned().filter(|(n, _)| n != name).collect();
    pairs.extend(value.map(|v| (name.to_owned(), v.to_owned())));
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{path}?{query}")
}

async fn refused(page: &Page, words: &str, browser: &Browser) {
    assert_eq!(page.status, 422, "{words}: {}", page.body);
    assert!(page.body.contains(words), "{words}: {}", page.body);
    assert!(browser.get("/account").await.location().starts_with("/login"), "nobody is signed in");
}

pub async fn link(provider: &Provider, studio: &Studio, browser: &Browser, who: &str) -> Page {
    let page = browser.submit(SECURITY, LINK, &[("identity_password", PASSWORD)]).await;
    assert_eq!((page.status, page.location()), (303, LINK), "{}", page.body);
    let page = browser.get(LINK).await;
    let start = page.body.find(&format!("{}/auth?", provider.url)).expect("the link there");
    let href = page.body[start..].split('"').next().unwrap().replace("&amp;", "&");
    let back = provider.agree(studio, &href, who).await;
    browser.get(&back).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_gets_an_account_and_comes_back_to_it() {
    let (studio, provider) = Provider::with_studio(|_| {}).await;
    let browser = studio.browser();
    for page in ["/login", "/register"] {
        assert!(browser.get(page).await.body.contains("Sign in with Example ID"), "{page}");
    }
    let page = provider.enter(&studio, &browser, "ada").await;
    assert!(page.status == 303 && page.location().starts_with("/account?at="), "{}", page.body);
    let own = browser.follow(page.location()).await;
    assert!(own.body.contains("ada@example.org") && own.body.contains("ada of the provider"), "{}", own.body);
    studio.settle().await;
    let id = accounts::find(&studio.instance.services, "ada@example.org").await.unwrap().expect("an account");

    // Signing out leads to the provider's own sign-out.
    let page = browser.submit("/logout", "/logout", &[]).await;
    assert_eq!(page.location(), "/logout/oidc");
    let page = browser.get("/logout/oidc").await;
    assert!(page.body.contains(&format!("{}/session/end?client_id=kinora", provider.url)), "{}", page.body);
    assert!(browser.get("/account").await.location().starts_with("/login"));

    // Another address there is the same person here; the account stays what it is.
    provider.tell("person", json!({ "sub": "ada", "email": "ada@elsewhere.example" })).await;
    let page = provider.enter(&studio, &browser, "ada").await;
    assert_eq!((page.status, page.location()), (303, "/account"), "{}", page.body);
    assert!(browser.get("/account").await.body.contains("ada@example.org"));

    // Without a password the link is the last way in; a link in a mail sets one.
    assert!(browser.get(SECURITY).await.body.contains("no password here yet"));
    let page = browser.submit(SECURITY, &format!("{LINK}/remove"), &[("identity_password", "x")]).await;
    assert!(page.status == 422 && page.body.contains("Set a password first"), "{}", page.body);
    // Who has no password to type asks for the deletion by the proof of having just signed in; and takes it back.
    let page = browser.submit("/account/deletion", "/account/deletion", &[]).await;
    assert_eq!(page.status, 303, "{}", page.body);
    studio.settle().await;
    let page = browser.submit("/account/deletion", "/account/deletion/withdraw", &[]).await;
    assert_eq!(page.status, 303, "{}", page.body);
    studio.settle().await;
    browser.submit("/reset", "/reset", &[("mail", "ada@example.org")]).await;
    let reset = crate::accounts::link_of(&studio, "Set a new password", "/reset/").await;
    let page = browser.submit(&reset, &reset, &[("password", PASSWORD)]).await;
    assert_eq!(page.status, 303, "{}", page.body);
    let browser = signed_in(&studio, "ada@example.org").await;
    let wrong = browser.submit(SECURITY, &format!("{LINK}/remove"), &[("identity_password", "no")]).await;
    assert!(wrong.status == 422 && wrong.body.contains("not your current password"), "{}", wrong.body);
    let page = browser.submit(SECURITY, &format!("{LINK}/remove"), &[("identity_password", PASSWORD)]).await;
    assert!(page.location().starts_with("/account/security?done=unlinked"), "{}", page.body);
    crate::accounts::link_of(&studio, "A way to sign in at", "/reset").await;

    // No event, no table and no mail holds who it is at the provider.
    let sql =
        "select count(*) from events where payload::text like '%of the provider%' or payload::text like $1";
    let leaked = studio.client().await.query_one(sql, &[&format!("%{}%", provider.url)]).await.unwrap();
    assert_eq!(leaked.get::<_, i64>(0), 0);
    let account = accounts::load(&studio.instance.services, id).await.unwrap();
    assert!(account.identity.is_none() && account.password.is_some());
    // Unlinked, the identity opens nothing; its verified address says how to link it.
    provider.tell("person", json!({ "sub": "ada", "email": "ada@example.org" })).await;
    let other = studio.browser();
    refused(&provider.enter(&studio, &other, "ada").await, "then link Example ID", &other).await;
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_linked_only_with_proof_of_both() {
    let (studio, provider) = Provider::with_studio(|_| {}).await;
    let id = person(&studio, "ada@example.org", &[]).await;
    person(&studio, "bo@example.org", &[]).await;
    // The verified address alone opens nothing.
    let stranger = studio.browser();
    let page = provider.enter(&studio, &stranger, "ada").await;
    refused(&page, "There is an account with your mail address already", &stranger).await;

    let browser = signed_in(&studio, "ada@example.org").await;
    let page = browser.submit(SECURITY, LINK, &[("identity_password", "wrong")]).await;
    assert!(page.status == 422 && page.body.contains("not your current password"), "{}", page.body);
    let page = link(&provider, &studio, &browser, "ada").await;
    assert!(page.location().starts_with("/account/security?done=linked"), "{}", page.body);
    assert!(browser.follow(page.location()).await.body.contains("Unlink Example ID"));
    crate::accounts::link_of(&studio, "Another way to sign in at", "/reset").await;
    let page = provider.enter(&studio, &stranger, "ada").await;
    assert_eq!((page.status, page.location()), (303, "/account"), "{}", page.body);

    // One identity opens one account; an answer that was begun for one account links no other.
    let bo = signed_in(&studio, "bo@example.org").await;
    let page = link(&provider, &studio, &bo, "ada").await;
    assert!(page.status == 422 && page.body.contains("opens another account"), "{}", page.body);
    let page = bo.submit(SECURITY, LINK, &[("identity_password", PASSWORD)]).await;
    assert_eq!(page.status, 303);
    let body = bo.get(LINK).await.body;
    let start = body.find(&format!("{}/auth?", provider.url)).expect("the link there");
    let href = body[start..].split('"').next().unwrap().replace("&amp;", "&");
    let back = provider.agree(&studio, &href, "mallory").await;
    bo.submit("/logout", "/logout", &[]).await;
    refused(&bo.get(&back).await, "was not begun in this browser", &bo).await;

    // A second factor is asked for here as well; a suspended account stays shut.
    crate::second_factor::add(&studio, &browser).await;
    let half = studio.browser();
    assert_eq!(provider.enter(&studio, &half, "ada").await.location(), "/login/code?next=%2Faccount");
    assert!(half.get("/account").await.location().starts_with("/login"), "not yet");
    let cx = &studio.instance.services;
    let meta = || kinora::store::Metadata::system("test", cx.clock.new_id(), cx.clock.now());
    let act = accounts::staff::Act::Suspend(None);
    accounts::staff::act(cx, cx.clock.new_id(), meta(), id, &act, "A test").await.unwrap();
    studio.settle().await;
    let other = studio.browser();
    refused(&provider.enter(&studio, &other, "ada").await, "suspended", &other).await;
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_were_tampered_with_sign_nobody_in() {
    let (studio, provider) = Provider::with_studio(|c| c.limits.sign_in_failures = 100).await;
    let begin = async || {
        let browser = studio.browser();
        let page = browser.get("/login/oidc").await;
        let query = page.location().to_owned();
        assert!(query.contains("code_challenge_method=S256") && query.contains("nonce="), "{query}");
        let back = provider.agree(&studio, &query, "ada").await;
        (browser, back)
    };
    let stale = "was not begun in this browser";

    let (browser, back) = begin().await;
    for wrong in [with(&back, "state", None), with(&back, "state", Some("guessed"))] {
        refused(&browser.get(&wrong).await, stale, &browser).await;
    }
    // The victim's browser with the attacker's answer: login CSRF.
    let (victim, _) = begin().await;
    refused(&victim.get(&back).await, stale, &victim).await;
    refused(&studio.browser().get(&back).await, stale, &studio.browser()).await;
    // The true answer still counts; and once.
    let entered = browser.get(&back).await;
    assert_eq!(entered.status, 303);
    // As a browser does: the address carries the position its page waits for.
    assert_eq!(browser.get(entered.location()).await.status, 200);
    assert_eq!(browser.submit("/logout", "/logout", &[]).await.status, 303);
    refused(&browser.get(&back).await, stale, &browser).await;

    // Mix-up: the answer comes from another issuer, or does not say from which.
    for iss in [Some("https://another.example"), None] {
        let (browser, back) = begin().await;
        let page = browser.get(&with(&back, "iss", iss)).await;
        refused(&page, "could not be verified", &browser).await;
    }
    // A code that was redeemed, by whomever: PKCE and the provider refuse it.
    let (first, back) = begin().await;
    let (thief, own) = begin().await;
    let code = url::form_urlencoded::parse(back.split_once('?').unwrap().1.as_bytes())
        .find(|(n, _)| n == "code")
        .unwrap()
        .1
        .into_owned();
    refused(&thief.get(&with(&own, "code", Some(&code))).await, "could not be verified", &thief).await;
    drop(first);
    let (browser, back) = begin().await;
    let denied = with(&with(&back, "code", None), "error", Some("access_denied"));
    refused(&browser.get(&denied).await, "did not confirm who you are", &browser).await;

    for how in ["none", "forged", "nonce", "no-nonce", "audience", "issuer", "expired", "subject"] {
        let (browser, back) = begin().await;
        provider.tell("bend", json!({ "how": how })).await;
        let page = browser.get(&back).await;
        assert!(page.body.contains("could not be verified"), "{how}: {} {}", page.status, page.body);
        refused(&page, "could not be verified", &browser).await;
    }
    // Keys are exchanged without notice: the new ones are fetched.
    let (browser, back) = begin().await;
    provider.tell("rotate", json!({})).await;
    assert_eq!(browser.get(&back).await.status, 303);

    // Where to afterwards: only to paths of our own.
    for next in ["https%3A%2F%2Fevil.example", "%2F%2Fevil.example", "%2F%5Cevil.example"] {
        let browser = studio.browser();
        let page = browser.get(&format!("/login/oidc?next={next}")).await;
        let back = provider.agree(&studio, page.location(), "ada").await;
        assert_eq!(browser.get(&back).await.location(), "/", "{next}");
    }
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_accounts_only_as_registration_allows() {
    let (studio, provider) = Provider::with_studio(|c| {
        c.accounts.registration = Some(Registration::Approval);
        c.oidc.mail_domains = vec!["example.org".into()];
    })
    .await;
    provider.tell("person", json!({ "sub": "una", "email_verified": false })).await;
    provider.tell("person", json!({ "sub": "nil", "email": null })).await;
    provider.tell("person", json!({ "sub": "eve", "email": "eve@elsewhere.example" })).await;
    for (who, words) in [
        ("una", "does not vouch for your mail address"),
        ("nil", "does not vouch for your mail address"),
        ("eve", "mail addresses of certain domains"),
        ("ada", "looks at your registration first"),
    ] {
        let browser = studio.browser();
        refused(&provider.enter(&studio, &browser, who).await, words, &browser).await;
    }
    person(&studio, "mod@example.org", &[Role::Moderator]).await;
    let moderator = signed_in(&studio, "mod@example.org").await;
    studio.settle().await;
    let queue = moderator.get("/moderation/registrations").await.body;
    assert!(queue.contains("ada@example.org") && !queue.contains("una@"), "{queue}");
    let id = accounts::find(&studio.instance.services, "ada@example.org").await.unwrap().unwrap();
    let fields = [("account", &*id.to_string()), ("act", "approve")].map(|(n, v)| (n, v.to_owned()));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
    moderator.submit("/moderation/registrations", "/moderation/registrations", &fields).await;
    studio.settle().await;
    let browser = studio.browser();
    assert_eq!(provider.enter(&studio, &browser, "ada").await.location(), "/account");

    moderator.submit("/moderation/registrations", "/moderation/registrations/door", &[("shut", "yes")]).await;
    let cx = &studio.instance.services;
    registration::move_door(cx, Some(id), true).await.unwrap();
    let browser = studio.browser();
    refused(&provider.enter(&studio, &browser, "bo").await, "cannot be made here", &browser).await;
    assert_eq!(provider.enter(&studio, &browser, "ada").await.location(), "/account", "who has one comes in");
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_counts_here_as_well() {
    let (studio, provider) =
        Provider::with_studio(|c| c.accounts.registration = Some(Registration::Invite)).await;
    let cx = &studio.instance.services;
    let code = registration::invite(cx, None, 1, 3).await.unwrap();
    let browser = studio.browser();
    refused(&provider.enter(&studio, &browser, "ada").await, "need an invitation", &browser).await;
    let page = browser.get(&format!("/register?invitation={code}")).await;
    assert!(page.body.contains("/login/oidc?next=%2F&amp;invitation="), "{}", page.body);
    let invited = format!("/login/oidc?invitation={code}");
    let page = browser.get(&invited).await;
    let back = provider.agree(&studio, page.location(), "ada").await;
    assert!(browser.get(&back).await.location().starts_with("/?at="));
    let other = studio.browser();
    let page = other.get(&invited).await;
    let back = provider.agree(&studio, page.location(), "bo").await;
    refused(&other.get(&back).await, "need an invitation", &other).await;
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_follow_the_groups_and_staff_need_their_second_factor() {
    let (studio, provider) = Provider::with_studio(|c| {
        c.mode = kinora::config::Mode::Development;
        c.accounts.staff_second_factor = Some(true);
        c.oidc.roles_claim = Some("groups".into());
        c.oidc.roles =
            [("makers", "creator"), ("money", "billing")].map(|(g, r)| (g.to_owned(), r.to_owned())).into();
    })
    .await;
    provider.tell("person", json!({ "sub": "ada", "groups": ["makers", "money", "admin"] })).await;
    let browser = studio.browser();
    let page = provider.enter(&studio, &browser, "ada").await;
    assert_eq!(browser.follow(page.location()).await.status, 200);
    assert_eq!(browser.get("/studio").await.status, 200, "a maker");
    let page = browser.get("/billing").await;
    assert_eq!(page.location(), "/account/security/second-factor", "staff by group need it as well");
    provider.tell("person", json!({ "sub": "ada", "groups": ["makers"] })).await;
    let page = provider.enter(&studio, &studio.browser(), "ada").await;
    assert_eq!(page.status, 303);
    studio.settle().await;
    assert_eq!(browser.get("/billing").await.status, 403, "gone with the group, in every session");
    assert_eq!(browser.get("/studio").await.status, 200);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down_keeps_nobody_from_the_password() {
    let (studio, mut provider) = Provider::with_studio(|_| {}).await;
    person(&studio, "ada@example.org", &[]).await;
    provider.child.kill().unwrap();
    provider.child.wait().unwrap();
    let browser = studio.browser();
    let page = browser.get("/login/oidc").await;
    assert!(page.status == 503 && page.body.contains("cannot be reached"), "{}", page.body);
    assert!(page.headers.contains_key("retry-after"));
    assert!(page.body.contains("Mail address or user name"), "the form is there");
    signed_in(&studio, "ada@example.org").await;
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_erased_leaves_no_identity() {
    let (studio, provider) = Provider::with_studio(|_| {}).await;
    let browser = studio.browser();
    assert_eq!(provider.enter(&studio, &browser, "canary-subject").await.status, 303);
    studio.settle().await;
    let cx = &studio.instance.services;
    let id = accounts::find(cx, "canary-subject@example.org").await.unwrap().expect("an account");
    assert_eq!(
        accounts::sign_in_service::account_of(cx, &provider.url, "canary-subject").await.unwrap(),
        Some(id)
    );
    let meta = kinora::store::Metadata::system("test", cx.clock.new_id(), cx.clock.now());
    let by = kinora::domain::deletion_request::RequestedBy::Shell;
    accounts::leaving::file(cx, cx.clock.new_id(), meta, id, by, Default::default()).await.unwrap();
    studio.settle().await;
    let due = (cx.clock.now() + chrono::TimeDelta::days(15)).to_rfc3339();
    studio.run_job("process-deletion-requests", &due).await;
    studio.settle().await;
    assert_eq!(
        accounts::sign_in_service::account_of(cx, &provider.url, "canary-subject").await.unwrap(),
        None
    );
    let client = studio.client().await;
    let left = client.query_one("select count(*) from vault where subject = $1", &[&id]).await.unwrap();
    assert_eq!(left.get::<_, i64>(0), 0);
    drop(client);
    // Somebody new with the same identity is somebody new.
    let page = provider.enter(&studio, &studio.browser(), "canary-subject").await;
    assert!(page.location().starts_with("/account?at="), "{}", page.body);
    studio.verify().await;
    studio.close().await;
}
