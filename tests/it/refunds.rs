//! Money that goes back: from the desk, through the sandbox and through a payment service over HTTP, with
//! lost answers and with webhooks.

use crate::billing_pages::{link, order};
use crate::support::{Browser, Studio};
use chrono::{TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use kinora::actors::{accounts, demo_plans};
use kinora::config::Config;
use kinora::store::Metadata;
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use uuid::Uuid;
use warp::Filter as _;
use warp::http::StatusCode;

/// A demo studio; browsers of the member, of billing staff and of the admin.
pub async fn open(change: impl FnOnce(&mut Config)) -> (Studio, [Browser; 3]) {
    let studio = Studio::start_with(change).await;
    let cx = &studio.instance.services;
    let meta = Metadata::system("test", Uuid::now_v7(), cx.clock.now());
    let people = accounts::demo::load(cx, &meta).await.expect("people");
    demo_plans::load(cx, &meta).await.expect("plans");
    studio.settle().await;
    let sign_in = async |role: &str| {
        let (person, _) = people.iter().find(|(p, _)| p.role == role).expect("the person");
        let browser = studio.browser();
        let login = [("login", person.mail.as_str()), ("password", person.password.as_str())];
        assert_eq!(browser.submit("/login", "/login", &login).await.status, 303);
        browser
    };
    let browsers = [sign_in("member").await, sign_in("billing").await, sign_in("admin").await];
    (studio, browsers)
}

/// The page of the only order.
async fn the_order(staff: &Browser) -> String {
    link(&staff.get("/billing/orders").await.body, "/billing/orders/")
}

async fn ask(studio: &Studio, staff: &Browser, order: &str, fields: &[(&str, &str)]) -> crate::support::Page {
    let page = format!("{order}/refund");
    let answer = staff.submit(&page, &page, fields).await;
    studio.settle().await;
    answer
}

fn part(amount: &str) -> [(&str, &str); 4] {
    [("of", "price"), ("way", "gateway"), ("amount", amount), ("reason", "the film broke off")]
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_give_back_in_parts_and_each_part_has_its_credit_note() {
    let (studio, [member, billing, _]) = open(|_| {}).await;
    assert_eq!(order(&studio, &member, "NL", "card", "4242 4242 4242 4242").await.status, 303);
    let page = the_order(&billing).await;
    assert_eq!(member.get(&format!("{page}/refund")).await.status, 403);

    let too_much = ask(&studio, &billing, &page, &part("11.51")).await;
    assert_eq!(too_much.status, 422);
    assert!(too_much.body.contains("At most €11.50") && too_much.body.contains("the film broke off"));
    for (amount, reason) in [("0", "x"), ("-1", "x"), ("1.005", "x"), ("5", "")] {
        let fields = [("of", "price"), ("way", "gateway"), ("amount", amount), ("reason", reason)];
        assert_eq!(ask(&studio, &billing, &page, &fields).await.status, 422, "{amount} {reason}");
    }

    let done = ask(&studio, &billing, &page, &part("5.00")).await;
    let refund = billing.follow(done.location()).await;
    assert!(refund.body.contains("Gone back") && refund.body.contains("sbx_re_"), "{}", refund.body);
    let note = member.get(&link(&member.get("/account/invoices").await.body, "/account/invoices/CN-")).await;
    for words in ["Credit note CN-", "Corrects invoice INV-", "-€5.00", "-€0.87", "-€4.13", "Given back."]
    {
        assert!(note.body.contains(words), "{words} in {}", note.body);
    }
    assert!(billing.get(&page).await.body.contains("€5.00"));
    assert_eq!(ask(&studio, &billing, &page, &part("6.51")).await.status, 422);
    assert_eq!(ask(&studio, &billing, &page, &part("6.50")).await.status, 303);
    let list = billing.get("/billing/orders?status=refunded").await;
    assert!(list.body.contains("Refunded") && list.body.contains("Mira Member"));

    let client = studio.client().await;
    let row = client
        .query_one(
            "select count(*), sum(gross_minor)::bigint, sum((document->'tax'->'tax'->>'minor')::bigint)::bigint from invoices",
            &[],
        )
        .await
        .unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1), row.get::<_, i64>(2)), (3, 0, 0), "to the cent");
    let back: i64 =
        client.query_one("select sum(minor)::bigint from sandbox_refunds", &[]).await.unwrap().get(0);
    assert_eq!(back, 1150);
    drop(client);
    let mails = studio.data.path().join("mail");
    let told = std::fs::read_dir(mails).unwrap().flatten().filter(|f| {
        std::fs::read_to_string(f.path()).is_ok_and(|m| m.contains("A credit note corrects the invoice"))
    });
    assert_eq!(told.count(), 2, "each is told by mail");
    let subscription = link(&billing.get("/billing/subscriptions").await.body, "/billing/subscriptions/");
    let story = billing.get(&subscription).await.body;
    for words in ["€5.00 went back of the price through sandbox", "had gone back before", "The whole price"]
    {
        assert!(story.contains(words), "{words}");
    }
    let csv = billing.get("/billing/refunds?format=csv").await.body;
    assert_eq!(csv.lines().count(), 3, "{csv}");
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn above_the_limit_a_second_person_agrees_and_transfers_are_sent_by_hand() {
    let (studio, [member, billing, admin]) = open(|c| c.billing.second_person_over = 300).await;
    assert_eq!(order(&studio, &member, "DE", "bank", "").await.status, 303);
    let page = the_order(&billing).await;
    let early = ask(
        &studio,
        &billing,
        &page,
        &[("of", "price"), ("way", "transfer"), ("amount", "1"), ("reason", "x")],
    )
    .await;
    assert_eq!(early.status, 422, "nothing was paid yet");
    let paid = format!("{page}/paid");
    let booked = billing.submit(&page, &paid, &[("amount", "14.50"), ("reason", "statement 9")]).await;
    assert_eq!(booked.status, 303);
    // What a person says to have come is above the limit, too.
    let request = booked.location().split('?').next().unwrap().to_owned();
    studio.settle().await;
    let agreed = admin.submit(&request, &request, &[("act", "agree"), ("reason", "seen")]).await;
    assert_eq!(agreed.status, 303, "{}", agreed.body);
    studio.settle().await;

    let fields = [("of", "overpayment"), ("way", "gateway"), ("amount", "3.00"), ("reason", "sent too much")];
    assert!(ask(&studio, &billing, &page, &fields).await.body.contains("only go back by bank transfer"));
    let fields =
        [("of", "overpayment"), ("way", "transfer"), ("amount", "3.00"), ("reason", "sent too much")];
    let small = ask(&studio, &billing, &page, &fields).await.location().to_owned();
    assert!(billing.follow(&small).await.body.contains("To be sent"), "not above the limit");
    let address = small.split('?').next().unwrap();
    let sent = [("act", "done"), ("reason", "bank, 27 Nov")];
    assert_eq!(billing.submit(address, address, &sent).await.status, 422, "the bank's number is asked for");
    let sent = [("act", "done"), ("reason", "bank, 27 Nov"), ("reference", "B-77")];
    assert_eq!(billing.submit(address, address, &sent).await.status, 303);

    let fields = [("of", "price"), ("way", "transfer"), ("amount", "11.50"), ("reason", "goodwill")];
    let large = ask(&studio, &billing, &page, &fields).await.location().to_owned();
    let told = crate::approvals::letters(&studio).await;
    assert_eq!(told, ["admin", "admin"], "for the money that came, and for that which goes: {told:?}");
    let address = large.split('?').next().unwrap();
    assert!(billing.follow(&large).await.body.contains("Somebody else decides"));
    let agree = [("act", "approve"), ("reason", "fine")];
    let own = billing.submit(address, address, &agree).await;
    assert!(own.status == 422 && own.body.contains("Somebody else has to agree"), "{}", own.body);
    assert_eq!(admin.submit(address, address, &agree).await.status, 303);
    studio.settle().await;
    assert_eq!(billing.submit(address, address, &agree).await.status, 422, "it is decided");
    let sent = [("act", "done"), ("reason", "bank"), ("reference", "B-78")];
    assert_eq!(billing.submit(address, address, &sent).await.status, 303);
    studio.settle().await;
    assert!(billing.get(&page).await.body.contains("Refunded"));
    let client = studio.client().await;
    let notes: i64 = client
        .query_one("select count(*) from invoices where kind = 'credit-note'", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(notes, 1, "what came too much was never invoiced");
    drop(client);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_is_noticed_without_a_webhook_and_what_was_refused_can_be_settled_otherwise() {
    let (studio, [member, billing, _]) = open(|_| {}).await;
    assert_eq!(order(&studio, &member, "NL", "card", "4242 4242 4242 4242").await.status, 303);
    let page = the_order(&billing).await;
    let address =
        |answer: &crate::support::Page| answer.location().split('?').next().expect("an address").to_owned();
    let gone = address(&ask(&studio, &billing, &page, &part("5.00")).await);
    let look = async |hours: i64| {
        let at = studio.instance.services.clock.now() + TimeDelta::hours(hours);
        let run = studio.run_job("dispute-lookups", &at.to_rfc3339()).await;
        studio.settle().await;
        run.counts.get("refunds_came_back").copied()
    };
    assert_eq!(look(24).await, Some(0), "it stayed there");
    let spoil = "update sandbox_refunds set state = 'refused', code = 'expired_or_canceled_card'";
    studio.client().await.execute(spoil, &[]).await.expect("sent back");
    assert_eq!(look(24 + 12).await, Some(0), "each is asked about once a day");
    assert_eq!(look(31 * 24).await, Some(0), "for thirty days");
    assert_eq!(look(48).await, Some(1));
    assert_eq!(look(72).await, Some(0), "once");
    let shown = billing.get(&gone).await.body;
    assert!(shown.contains("came back from the member") && !shown.contains("Is it settled"), "{shown}");

    studio
        .client()
        .await
        .execute("update sandbox_charges set state = 'declined'", &[])
        .await
        .expect("spoilt");
    let refused = address(&ask(&studio, &billing, &page, &part("1.00")).await);
    let shown = billing.get(&refused).await.body;
    assert!(
        shown.contains("Is it settled otherwise?") && shown.contains("Give it back another way"),
        "{shown}"
    );
    let nameless = billing.submit(&refused, &refused, &[("act", "dismiss"), ("reason", "")]).await;
    assert_eq!(nameless.status, 422);
    let settle = [("act", "dismiss"), ("reason", "she does not want it back")];
    let early = billing.submit(&gone, &gone, &settle).await;
    assert!(early.status == 422 && early.body.contains("Only a refund that was refused"), "{}", early.body);
    assert_eq!(billing.submit(&refused, &refused, &settle).await.status, 303);
    studio.settle().await;
    let stuck = billing.get("/billing/refunds?state=stuck").await.body;
    assert!(stuck.contains(&gone) && !stuck.contains(&refused), "{stuck}");
    assert!(billing.get("/billing/refunds?state=dismissed").await.body.contains(&refused));
    assert!(billing.get(&page).await.body.contains("Settled otherwise"));
    let subscription = link(&billing.get("/billing/subscriptions").await.body, "/billing/subscriptions/");
    let story = billing.get(&subscription).await.body;
    assert!(story.contains("settled otherwise") && story.contains("she does not want it back"), "{story}");
    studio.verify().await;
    studio.close().await;
}

/// A payment service of somebody else: its books, and answers that it loses.
#[derive(Default)]
struct Books {
    disputes: Vec<Value>,
    charges: BTreeMap<String, Value>,
    refunds: BTreeMap<String, Value>,
    /// How many calls came, by method and what they were about.
    calls: BTreeMap<String, u32>,
    /// Answers still to be lost after the deed.
    lose: u32,
}

type Shared = Arc<Mutex<Books>>;

/// Answers the protocol of `docs/gateway-protocol.md` as far as these tests go.
async fn service(books: Shared) -> String {
    let answer = |method: warp::http::Method, path: warp::path::FullPath, _: Option<Value>, books: Shared| {
        let mut b = books.lock().expect("books");
        let parts: Vec<&str> = path.as_str().trim_start_matches("/v1/").split('/').collect();
        let what = format!("{method} {}", if parts.len() == 4 { "refund" } else { parts[0] });
        *b.calls.entry(what).or_default() += 1;
        let key = (*parts.last().expect("key")).to_owned();
        let refund = parts.len() == 4;
        let found = |kept: Option<&Value>| match kept {
            Some(kept) => (StatusCode::OK, kept.clone()),
            None => (StatusCode::NOT_FOUND, json!({ "error": "no such key" })),
        };
        let done = |n: usize| json!({ "outcome": "succeeded", "gateway_reference": format!("svc_{n}") });
        let (status, body) = match method.as_str() {
            "POST" if parts == ["methods"] => {
                (StatusCode::CREATED, json!({ "token": "t1", "label": "Visa ending in 4242" }))
            }
            "PUT" => {
                let kept = if refund { &mut b.refunds } else { &mut b.charges };
                let n = kept.len();
                let kept = kept.entry(key).or_insert_with(|| done(n)).clone();
                (StatusCode::OK, kept)
            }
            "GET" if parts == ["disputes"] => (StatusCode::OK, json!({ "disputes": b.disputes })),
            "GET" => found(if refund { &b.refunds } else { &b.charges }.get(&key)),
            _ => (StatusCode::NOT_FOUND, json!({ "error": "no such thing" })),
        };
        let lost = method == "PUT" && b.lose > 0;
        b.lose -= u32::from(lost);
        let status = if lost { StatusCode::BAD_GATEWAY } else { status };
        warp::reply::with_status(warp::reply::json(&body), status)
    };
    let body = warp::body::json().map(Some).or(warp::any().map(|| None)).unify();
    let filter = warp::method()
        .and(warp::path::full())
        .and(body)
        .and(warp::any().map(move || Arc::clone(&books)))
        .map(answer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("listen");
    let address = format!("http://{}", listener.local_addr().expect("address"));
    tokio::spawn(warp::serve(filter).incoming(listener).run());
    address
}

/// Sends a webhook; gives the status and the answer.
async fn webhook(studio: &Studio, secret: &str, age: i64, body: &Value) -> (u16, Value) {
    let (time, text) = (Utc::now().timestamp() - age, body.to_string());
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{time}.{text}").as_bytes());
    let signature = format!("t={time},v1={}", hex::encode(mac.finalize().into_bytes()));
    let sent = reqwest::Client::new()
        .post(format!("{}/webhooks/sandbox", studio.url))
        .header("content-type", "application/json")
        .header("kinora-signature", signature)
        .body(text)
        .send()
        .await
        .unwrap();
    (sent.status().as_u16(), sent.json().await.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_of_a_payment_service_are_found_by_look_ups_and_by_webhooks() {
    let books = Shared::default();
    let address = service(Arc::clone(&books)).await;
    let (studio, [member, billing, _]) = open(|c| {
        c.gateways.sandbox.base_url = Some(address);
        c.gateways.sandbox.webhook_secret = Some("shared key".into());
    })
    .await;
    // The charge is made, its answer is lost: a webhook tells to look.
    books.lock().unwrap().lose = 1;
    order(&studio, &member, "NL", "card", "4242 4242 4242 4242").await;
    let page = the_order(&billing).await;
    assert!(billing.get(&page).await.body.contains("unknown"));
    let charge = books.lock().unwrap().charges.keys().next().unwrap().clone();
    let hint = json!({ "id": "evt_1", "charge": charge, "type": "charge.succeeded" });
    assert_eq!(webhook(&studio, "another key", 0, &hint).await.0, 400);
    assert_eq!(webhook(&studio, "shared key", 600, &hint).await.0, 400, "a recorded one is not played again");
    assert_eq!(webhook(&studio, "shared key", 0, &json!({ "id": "evt_1" })).await.0, 400);
    let foreign = json!({ "id": "evt_0", "charge": Uuid::now_v7() });
    assert_eq!(webhook(&studio, "shared key", 0, &foreign).await.0, 404);
    assert!(!billing.get(&page).await.body.contains("by the charge"), "nothing was believed so far");
    let (status, answer) = webhook(&studio, "shared key", 0, &hint).await;
    assert_eq!((status, &answer["repeated"]), (200, &json!(false)));
    assert_eq!(webhook(&studio, "shared key", 0, &hint).await.1["repeated"], true);
    studio.settle().await;
    let client = studio.client().await;
    let paid: i64 =
        client.query_one("select count(*) from events where type = 'OrderPaid'", &[]).await.unwrap().get(0);
    assert_eq!(paid, 1);

    // A refund whose answer is lost is looked up by the clock; it is made once.
    books.lock().unwrap().lose = 1;
    let refund = ask(&studio, &billing, &page, &part("4.00")).await.location().to_owned();
    assert!(billing.follow(&refund).await.body.contains("What became of it?"));
    let later = studio.instance.services.clock.now() + TimeDelta::minutes(3);
    assert_eq!(studio.run_job("payment-lookups", &later.to_rfc3339()).await.counts["looked_up"], 1);
    studio.settle().await;
    assert!(billing.follow(&refund).await.body.contains("Gone back"));
    // And one by a webhook, sent several times at once.
    books.lock().unwrap().lose = 1;
    let second = ask(&studio, &billing, &page, &part("2.00")).await.location().to_owned();
    let keys: Vec<String> = books.lock().unwrap().refunds.keys().cloned().collect();
    let key = keys.into_iter().find(|k| second.contains(k.as_str())).expect("the service has it");
    let hint = json!({ "id": "evt_2", "charge": charge, "refund": key });
    let all = futures_util::future::join_all((0..5).map(|_| webhook(&studio, "shared key", 0, &hint))).await;
    assert!(all.iter().all(|(status, _)| *status == 200), "{all:?}");
    studio.settle().await;
    assert!(billing.follow(&second).await.body.contains("Gone back"));
    let count = |kind: &str| format!("select count(*) from events where type = '{kind}'");
    let done: i64 = client.query_one(&count("RefundSucceeded"), &[]).await.unwrap().get(0);
    let notes: i64 = client.query_one(&count("CreditNoteIssued"), &[]).await.unwrap().get(0);
    assert_eq!((done, notes, books.lock().unwrap().refunds.len()), (2, 2, 2));
    assert_eq!(books.lock().unwrap().calls["PUT refund"], 2, "known refunds are not sent again");

    // A dispute is read from the service when it hints at one.
    let dispute = json!({ "dispute": "d1", "charge": charge, "minor": 1150, "currency": "EUR",
        "reason": "fraudulent", "state": "open" });
    books.lock().unwrap().disputes = vec![dispute];
    let hint = json!({ "id": "evt_3", "charge": charge, "dispute": true });
    assert_eq!(webhook(&studio, "shared key", 0, &hint).await.0, 200);
    studio.settle().await;
    let disputed: i64 = client.query_one(&count("PaymentDisputed"), &[]).await.unwrap().get(0);
    assert_eq!(disputed, 1);
    drop(client);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_shared_key_no_webhook_is_taken() {
    let (studio, _) = open(|_| {}).await;
    let hint = json!({ "id": "evt_1", "charge": Uuid::now_v7() });
    assert_eq!(webhook(&studio, "", 0, &hint).await.0, 404);
    studio.verify().await;
    studio.close().await;
}
