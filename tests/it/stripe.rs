//! Cards through Stripe's API: `localstripe` from PyPI answers, behind a line of ours that adds what it
//! lacks (idempotency) and loses requests and answers. Stripe itself was never spoken to.

use crate::billing_pages::{ADDRESS, link};
use crate::refunds::open;
use crate::support::{Browser, Page, Studio};
use chrono::{Days, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::HashMap;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;
use warp::Filter as _;
use warp::http::{HeaderMap, Method, StatusCode};

pub const SECRET: &str = "whsec_test";

/// The peer, as long as the test runs.
pub struct Localstripe {
    child: Child,
    pub url: String,
}

impl Drop for Localstripe {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Localstripe {
    async fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/localstripe");
        let ready = Command::new(script).arg("0").status().expect("the script");
        assert!(ready.success(), "localstripe is installed");
        let port = {
            let free = TcpListener::bind("127.0.0.1:0").expect("a port");
            free.local_addr().expect("address").port()
        };
        let child = Command::new(script)
            .arg(port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("localstripe");
        let started = Self { child, url: format!("http://127.0.0.1:{port}") };
        for _ in 0..200 {
            if reqwest::get(format!("{}/js.stripe.com/v3/", started.url)).await.is_ok() {
                return started;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("localstripe does not answer");
    }
}

/// What the line does to the next calls, and what it saw.
#[derive(Default)]
pub struct Line {
    /// Calls of this ending still to be lost on the way there.
    pub lose_request: Vec<&'static str>,
    /// Calls of this ending whose answer is still to be lost.
    pub lose_answer: Vec<&'static str>,
    /// Answers by idempotency key.
    pub answers: HashMap<String, (u16, Value)>,
    /// Calls that came through, method and path.
    pub calls: Vec<String>,
    /// Whether each confirmation said that nobody is there.
    pub away: Vec<bool>,
    /// What it answers when it is asked for disputes, which the peer does not know.
    pub disputes: Vec<Value>,
}

type Shared = Arc<Mutex<Line>>;

fn take(list: &mut Vec<&'static str>, call: &str) -> bool {
    let found = list.iter().position(|end| call.ends_with(end));
    found.map(|i| list.remove(i)).is_some()
}

/// The line to the peer; gives its address.
async fn line(peer: String, state: Shared) -> String {
    let client = reqwest::Client::new();
    let forward = move |method: Method,
                        path: warp::path::FullPath,
                        query: String,
                        headers: HeaderMap,
                        body: bytes::Bytes| {
        let (peer, client, state) = (peer.clone(), client.clone(), Arc::clone(&state));
        async move {
            let path = path.as_str().to_owned();
            let call = format!("{method} {path}");
            let lost = || {
                warp::reply::with_status(
                    warp::reply::json(&json!({ "error": { "message": "the line broke" } })),
                    StatusCode::BAD_GATEWAY,
                )
            };
            let key = headers.get("idempotency-key").and_then(|v| v.to_str().ok()).map(str::to_owned);
            let (gone, known) = {
                let mut line = state.lock().expect("line");
                let gone = take(&mut line.lose_request, &call);
                (gone, key.as_ref().and_then(|k| line.answers.get(k).cloned()))
            };
            if gone {
                return Ok::<_, warp::Rejection>(lost());
            }
            if path == "/v1/disputes" {
                let all = json!({ "data": state.lock().expect("line").disputes, "has_more": false });
                return Ok(warp::reply::with_status(warp::reply::json(&all), StatusCode::OK));
            }
            let (status, answer) = match known {
                Some(known) => known,
                None => {
                    // What it does not know of Stripe's parameters is left out.
                    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(&body)
                        .into_owned()
                        .filter(|(name, _)| !matches!(name.as_str(), "off_session" | "description"))
                        .collect();
                    let query = if query.is_empty() { query } else { format!("?{query}") };
                    let mut request = client.request(method.clone(), format!("{peer}{path}{query}"));
                    if let Some(auth) = headers.get("authorization") {
                        request = request.header("authorization", auth);
                    }
                    if !pairs.is_empty() {
                        request = request.form(&pairs);
                    }
                    let answer = request.send().await.expect("the peer answers");
                    let status = answer.status().as_u16();
                    (status, answer.json::<Value>().await.unwrap_or_default())
                }
            };
            let mut line = state.lock().expect("line");
            if path.ends_with("/confirm") {
                let mut fields = url::form_urlencoded::parse(&body);
                line.away.push(fields.any(|(name, value)| name == "off_session" && value == "true"));
            }
            line.calls.push(call.clone());
            if let Some(key) = key {
                line.answers.insert(key, (status, answer.clone()));
            }
            if take(&mut line.lose_answer, &call) {
                return Ok(lost());
            }
            let status = StatusCode::from_u16(status).expect("a status");
            Ok(warp::reply::with_status(warp::reply::json(&answer), status))
        }
    };
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    let filter = warp::method()
        .and(warp::path::full())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::body::bytes())
        .and_then(forward);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("listen");
    let address = format!("http://{}", listener.local_addr().expect("address"));
    tokio::spawn(warp::serve(filter).incoming(listener).run());
    address
}

pub struct World {
    pub peer: Localstripe,
    line: Shared,
    pub studio: Studio,
    pub member: Browser,
    pub billing: Browser,
}

impl World {
    pub async fn open() -> Self {
        let peer = Localstripe::start().await;
        let state = Shared::default();
        let address = line(peer.url.clone(), Arc::clone(&state)).await;
        let script = format!("{}/js.stripe.com/v3/", peer.url);
        let (studio, [member, billing, _]) = open(|c| {
            c.gateways.stripe.enabled = true;
            c.gateways.stripe.secret_key = "sk_test_12345".into();
            c.gateways.stripe.publishable_key = "pk_test_12345".into();
            c.gateways.stripe.webhook_secret = Some(SECRET.into());
            c.gateways.stripe.base_url = address;
            c.gateways.stripe.script_url = script;
        })
        .await;
        Self { peer, line: state, studio, member, billing }
    }

    pub fn line(&self) -> std::sync::MutexGuard<'_, Line> {
        self.line.lock().expect("line")
    }

    /// Calls with this path so far.
    pub fn calls(&self, path: &str) -> usize {
        self.line().calls.iter().filter(|c| c.starts_with("POST ") && c.ends_with(path)).count()
    }

    /// What Stripe's script does in the browser: the card goes to Stripe, and a reference comes back.
    pub async fn card(&self, who: &Browser, number: &str, expiry: (u8, u16)) -> String {
        let step = who.submit("/account/subscription", "/account/cards/setup", &[]).await;
        assert_eq!(step.status, 200, "{}", step.body);
        let step: Value = serde_json::from_str(&step.body).expect("JSON");
        assert_eq!(step["publishable_key"], "pk_test_12345");
        let secret = step["client_secret"].as_str().expect("a secret");
        let id = secret.split("_secret_").next().expect("an id").to_owned();
        let card = json!({ "number": number, "exp_month": expiry.0, "exp_year": expiry.1, "cvc": "123" });
        let body = json!({ "key": "pk_test_12345", "use_stripe_sdk": true, "client_secret": secret,
            "payment_method_data": { "type": "card", "card": card } });
        let confirm = format!("{}/v1/setup_intents/{id}/confirm", self.peer.url);
        let answer: Value =
            reqwest::Client::new().post(&confirm).json(&body).send().await.unwrap().json().await.unwrap();
        if answer["status"] == "requires_action" {
            let body = json!({ "key": "pk_test_12345", "use_stripe_sdk": true, "client_secret": secret });
            reqwest::Client::new().post(&confirm).json(&body).send().await.unwrap();
        }
        id
    }

    pub async fn join(&self, reference: &str) -> Page {
        let plans = self.member.get("/join").await;
        let payment = self.member.get(&link(&plans.body, "/join/")).await;
        let action = link(&payment.body, "/join/");
        let page = format!("{action}?country=NL&way=card");
        let mut fields = ADDRESS.to_vec();
        fields.push(("card_reference", reference));
        let answer = self.member.submit(&page, &action, &fields).await;
        self.studio.settle().await;
        answer
    }

    pub async fn kinds(&self, like: &str) -> Vec<String> {
        let sql = "select type from events where type like $1 order by position";
        let rows = self.studio.client().await.query(sql, &[&like]).await.expect("events");
        rows.iter().map(|r| r.get(0)).collect()
    }

    /// The status of the only charge at the peer, and how many there are.
    pub async fn charges(&self) -> Vec<Value> {
        let url = format!("{}/v1/payment_intents?limit=100", self.peer.url);
        let asked = reqwest::Client::new().get(url).bearer_auth("sk_test_12345").send().await.unwrap();
        let all: Value = asked.json().await.unwrap();
        all["data"].as_array().cloned().unwrap_or_default()
    }

    pub async fn webhook(&self, secret: &str, body: &Value) -> (u16, Value) {
        let (time, text) = (Utc::now().timestamp(), body.to_string());
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{time}.{text}").as_bytes());
        let signature = format!("t={time},v1={}", hex::encode(mac.finalize().into_bytes()));
        let sent = reqwest::Client::new()
            .post(format!("{}/webhooks/stripe", self.studio.url))
            .header("content-type", "application/json; charset=utf-8")
            .header("stripe-signature", signature)
            .body(text)
            .send()
            .await
            .unwrap();
        let answer = (sent.status().as_u16(), sent.json().await.unwrap_or_default());
        self.studio.settle().await;
        answer
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_joins_renews_confirms_and_is_given_back_through_stripe() {
    let world = World::open().await;
    let studio = &world.studio;
    // The page may load Stripe's script, and no other page may.
    let plans = world.member.get("/join").await;
    let payment = world.member.get(&link(&plans.body, "/join/")).await;
    let form = world.member.get(&format!("{}?country=NL&way=card", link(&payment.body, "/join/"))).await;
    let policy = form.headers["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains(&format!("script-src 'self' {}", world.peer.url)), "{policy}");
    assert!(form.body.contains("data-payment") && !form.body.contains("card_number"), "{}", form.body);
    assert!(!plans.headers["content-security-policy"].to_str().unwrap().contains("http"));

    // Nothing is charged without a card, with a made-up one, or with somebody else's.
    assert_eq!(world.join("").await.status, 422);
    for bad in ["seti_nobody", "../v1/customers", "pi_1"] {
        let page = world.join(bad).await;
        assert!(page.status == 422 && page.body.contains("Enter it again"), "{bad}: {}", page.body);
        assert!(page.body.contains("Keizersgracht 1"), "what was typed is still there");
    }
    let foreign = world.card(&world.billing, "4242424242424242", (12, 2034)).await;
    assert_eq!(world.join(&foreign).await.status, 422);
    assert_eq!(world.charges().await.len(), 0);

    let reference = world.card(&world.member, "4242424242424242", (12, 2034)).await;
    let joined = world.join(&reference).await;
    assert_eq!(joined.status, 303, "{}", joined.body);
    let page = world.member.get("/account/subscription").await.body;
    assert!(page.contains("Visa ending in 4242, expires 12/34"), "{page}");
    assert_eq!(world.kinds("OrderPaid").await.len(), 1);
    let charges = world.charges().await;
    assert_eq!(
        (charges.len(), &charges[0]["status"], &charges[0]["amount"]),
        (1, &json!("succeeded"), &json!(1150))
    );
    assert_eq!(world.line().away, [false], "the member is there, and could confirm it");

    // A month later, off session; the answer is lost after the deed, and found by the look-up.
    world.line().lose_answer.push("/confirm");
    let due = Utc::now() + Days::new(32);
    studio.run_job("clock-tick", &due.to_rfc3339()).await;
    studio.settle().await;
    assert_eq!(world.kinds("PaymentOutcomeUnknown").await.len(), 1);
    let soon = due + chrono::TimeDelta::minutes(2);
    assert_eq!(studio.run_job("payment-lookups", &soon.to_rfc3339()).await.counts["looked_up"], 1);
    studio.settle().await;
    assert_eq!((world.kinds("OrderPaid").await.len(), world.charges().await.len()), (2, 2));
    assert_eq!(world.line().away, [false, true], "the clock charges, and nobody is there");

    // Part of it goes back; the answer is lost, and the refund is made once.
    let order = link(&world.billing.get("/billing/orders").await.body, "/billing/orders/");
    world.line().lose_answer.push("POST /v1/refunds");
    let refund = format!("{order}/refund");
    let fields = [("of", "price"), ("way", "gateway"), ("amount", "4.00"), ("reason", "the film broke off")];
    let asked = world.billing.submit(&refund, &refund, &fields).await;
    assert_eq!(asked.status, 303, "{}", asked.body);
    studio.settle().await;
    let later = soon + chrono::TimeDelta::minutes(4);
    studio.run_job("payment-lookups", &later.to_rfc3339()).await;
    studio.settle().await;
    assert!(world.billing.follow(asked.location()).await.body.contains("Gone back"));
    assert_eq!(world.calls("/v1/refunds"), 1);

    // Whoever tries out many cards is stopped, per account; the answer says for how long.
    let mut tried = 0;
    let stopped = loop {
        let page = world.member.submit("/account/subscription", "/account/cards/setup", &[]).await;
        if page.status != 200 {
            break page;
        }
        tried += 1;
        assert!(tried < 50, "no limit");
    };
    assert_eq!(stopped.status, 429, "{}", stopped.body);
    assert!(stopped.headers.contains_key("retry-after"));
    let others = world.billing.submit("/account/subscription", "/account/cards/setup", &[]).await;
    assert_eq!(others.status, 200, "another account still may");

    // What goes with the account: its cards and its number at Stripe.
    let cx = &studio.instance.services;
    let stripe = kinora::actors::payments::gateway(cx, "stripe").expect("on");
    let row = studio
        .client()
        .await
        .query_one(
            "select account, customer from stripe_customers c
        where exists (select 1 from subscriptions s where s.owner = c.account)",
            &[],
        )
        .await
        .expect("known");
    let (account, customer): (Uuid, String) = (row.get(0), row.get(1));
    stripe.forget_account(account).await.expect("forgotten");
    stripe.forget_account(account).await.expect("and once more");
    let url = format!("{}/v1/customers/{customer}", world.peer.url);
    let gone = reqwest::Client::new().get(url).bearer_auth("sk_test_12345").send().await.unwrap();
    let gone = (gone.status().as_u16(), gone.json::<Value>().await.unwrap_or_default());
    assert!(gone.0 == 404 || gone.1["deleted"] == true, "{gone:?}");
    world.studio.verify().await;
    world.studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_is_told_of_by_a_webhook_and_read_from_the_list() {
    let world = World::open().await;
    let good = world.card(&world.member, "4242424242424242", (1, 2033)).await;
    assert_eq!(world.join(&good).await.status, 303);
    let charge = world.charges().await[0]["id"].clone();
    let dispute = |status: &str| {
        json!({ "id": "dp_1", "object": "dispute", "payment_intent": charge, "amount": 1150,
            "currency": "eur", "reason": "fraudulent", "status": status })
    };
    let event = |id: &str, status: &str| json!({ "id": id, "data": { "object": dispute(status) } });
    // What the webhook itself says is not believed.
    assert_eq!(world.webhook(SECRET, &event("evt_a", "lost")).await.0, 200);
    assert_eq!(world.kinds("%Dispute%").await.len(), 0);
    world.line().disputes = vec![dispute("needs_response")];
    assert_eq!(world.webhook(SECRET, &event("evt_b", "lost")).await.0, 200);
    assert_eq!(world.kinds("%Dispute%").await, ["PaymentDisputed"]);
    // Of a charge that is none of ours.
    let mut other = dispute("lost");
    other["payment_intent"] = json!("pi_somebodys");
    world.line().disputes = vec![other, dispute("won")];
    world.studio.run_job("dispute-lookups", &Utc::now().to_rfc3339()).await;
    world.studio.settle().await;
    assert_eq!(world.kinds("%Dispute%").await, ["PaymentDisputed", "DisputeClosed"]);
    world.studio.verify().await;
    world.studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_that_decline_ask_or_are_lost_on_the_way_charge_nobody_twice() {
    let world = World::open().await;
    let studio = &world.studio;
    // It can be kept, and is declined when it is charged.
    let declined = world.card(&world.member, "4000000000000341", (1, 2033)).await;
    assert_eq!(world.join(&declined).await.status, 303);
    assert_eq!(world.kinds("PaymentDeclined").await.len(), 1);
    assert_eq!(world.kinds("OrderPaid").await.len(), 0);
    // A page that is still open cannot confirm it later beside the next one.
    assert_eq!(world.charges().await[0]["status"], "canceled");

    // One that asks its holder: nothing is taken until they confirm in Stripe's own window.
    let asking = world.card(&world.member, "4000002500003155", (1, 2033)).await;
    let pay = [("new_card", "yes"), ("card_reference", asking.as_str())];
    let paid = world.member.submit("/account/subscription", "/account/subscription/pay", &pay).await;
    assert_eq!(paid.status, 303, "{}", paid.body);
    studio.settle().await;
    assert_eq!(world.kinds("PaymentActionRequired").await.len(), 1);
    let page = world.member.get("/account/subscription").await.body;
    let confirm = link(&page, "/account/orders/");
    let shown = world.member.get(&confirm).await;
    let secret =
        shown.body.split("data-secret=\"").nth(1).and_then(|r| r.split('"').next()).expect("a secret");
    let id = secret.split("_secret_").next().unwrap();
    // Said to be confirmed although it was not: the gateway is asked, and nothing is believed.
    world.member.submit(&confirm, &confirm, &[("answer", "confirm")]).await;
    studio.settle().await;
    assert_eq!(world.kinds("OrderPaid").await.len(), 0);
    let url = format!("{}/v1/payment_intents/{id}/_authenticate?success=true", world.peer.url);
    let body = json!({ "key": "pk_test_12345", "client_secret": secret });
    reqwest::Client::new().post(url).json(&body).send().await.unwrap();
    // The webhook comes before the person does: forged ones are not taken, others concern somebody else.
    let event = json!({ "id": "evt_1", "type": "payment_intent.succeeded",
        "data": { "object": { "id": id, "object": "payment_intent" } } });
    assert_eq!(world.webhook("another key", &event).await.0, 400);
    let other = json!({ "id": "evt_0", "type": "payment_intent.succeeded",
        "data": { "object": { "id": "pi_somebodys", "object": "payment_intent" } } });
    assert_eq!(world.webhook(SECRET, &other).await, (200, json!({ "taken": false })));
    let (status, answer) = world.webhook(SECRET, &event).await;
    assert_eq!((status, &answer["repeated"]), (200, &json!(false)), "{answer}");
    assert_eq!(world.webhook(SECRET, &event).await.1["repeated"], true);
    assert_eq!(world.kinds("OrderPaid").await.len(), 1);
    assert!(world.member.get("/account/subscription").await.body.contains("Active"));

    // The request that would take the money is lost: nothing was charged, so it is charged again later.
    let good = world.card(&world.member, "4242424242424242", (1, 2033)).await;
    let change = [("card_reference", good.as_str())];
    let changed = world.member.submit("/account/subscription", "/account/subscription/card", &change).await;
    assert_eq!(changed.status, 303, "{}", changed.body);
    world.line().lose_request.push("/confirm");
    let due = Utc::now() + Days::new(32);
    studio.run_job("clock-tick", &due.to_rfc3339()).await;
    studio.settle().await;
    let before = world.charges().await.iter().filter(|c| c["status"] == "succeeded").count();
    studio.run_job("payment-lookups", &(due + chrono::TimeDelta::minutes(2)).to_rfc3339()).await;
    studio.settle().await;
    assert_eq!(world.kinds("PaymentDeclined").await.len(), 2, "no charge was made");
    let barred = world.charges().await.iter().filter(|c| c["status"] == "canceled").count();
    assert_eq!(barred, 2, "the one that was declined, and this one: none can be made under that key");
    studio.run_job("clock-tick", &(due + Days::new(3)).to_rfc3339()).await;
    studio.settle().await;
    let after = world.charges().await.iter().filter(|c| c["status"] == "succeeded").count();
    assert_eq!((after, world.kinds("OrderPaid").await.len()), (before + 1, 2));

    // The number itself is lost: without it nothing can have been confirmed.
    world.line().lose_answer.push("/v1/payment_intents");
    let next = due + Days::new(31);
    studio.run_job("clock-tick", &next.to_rfc3339()).await;
    studio.settle().await;
    studio.run_job("payment-lookups", &(next + chrono::TimeDelta::minutes(2)).to_rfc3339()).await;
    studio.run_job("clock-tick", &(next + Days::new(3)).to_rfc3339()).await;
    studio.settle().await;
    let all = world.charges().await.iter().filter(|c| c["status"] == "succeeded").count();
    assert_eq!((all, world.kinds("OrderPaid").await.len()), (before + 2, 3));
    world.studio.verify().await;
    world.studio.close().await;
}
