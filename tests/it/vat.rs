//! VAT numbers and the register of the Union: a stand-in answers as its published description says. The
//! register itself was never spoken to.

use crate::api::Program;
use crate::billing_pages::{ADDRESS, link, open_with};
use crate::support::{Browser, Page, Studio};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use warp::Filter as _;

type Shared = Arc<Mutex<(Value, Vec<Value>)>>;

/// Answers every question with what is set, and keeps the questions.
async fn register(state: Shared) -> String {
    let answer = move |question: Value| {
        let mut state = state.lock().expect("state");
        state.1.push(question);
        warp::reply::json(&state.0)
    };
    let filter =
        warp::post().and(warp::path!("rest" / "check-vat-number")).and(warp::body::json()).map(answer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("listen");
    let address = format!("http://{}/rest/", listener.local_addr().expect("address"));
    tokio::spawn(warp::serve(filter).incoming(listener).run());
    address
}

async fn open(answer: Value) -> (Studio, Browser, Browser, Shared) {
    let state: Shared = Arc::new(Mutex::new((answer, vec![])));
    let address = register(Arc::clone(&state)).await;
    let (studio, member, billing) = open_with(|c| {
        c.vies.base_url = Some(address);
        c.studio.vat_number = "NL000099998B57".into();
    })
    .await;
    (studio, member, billing, state)
}

/// Orders as a business in Germany, for the net price.
async fn order(studio: &Studio, member: &Browser) -> Page {
    let payment = member.get(&link(&member.get("/join").await.body, "/join/")).await;
    let action = link(&payment.body, "/join/");
    let page = format!("{action}?country=DE&way=card");
    let card = [("card_number", "4242 4242 4242 4242"), ("card_expiry", "12/35")];
    let fields = [ADDRESS.to_vec(), card.to_vec(), vec![("vat_number", "DE136695976")]].concat();
    let shown = member.submit(&page, &action, &fields).await;
    // The price without VAT is shown first.
    let price = shown.hidden("price").unwrap_or_default();
    let fields = [fields, vec![("price", price.as_str())]].concat();
    let answer = member.submit(&page, &action, &fields).await;
    studio.settle().await;
    answer
}

fn no_answer() -> Value {
    json!({ "actionSucceed": false, "errorWrappers": [{ "error": "MS_UNAVAILABLE" }] })
}

async fn ask(studio: &Studio, days: i64) -> (i64, i64) {
    let at = studio.instance.services.clock.now() + chrono::TimeDelta::days(days);
    let report = studio.run_job("vat-checks", &at.to_rfc3339()).await;
    studio.settle().await;
    (report.counts["asked"], report.counts["refused"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_the_register_does_not_know_is_refused_at_its_field() {
    let (studio, member, _, state) = open(json!({ "valid": false, "userError": "INVALID" })).await;
    let refused = order(&studio, &member).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("does not know this number"), "{}", refused.body);
    assert!(refused.body.contains("value=\"DE136695976\""), "it keeps what was typed");
    let asked = state.lock().unwrap().1.clone();
    let wanted = json!({ "countryCode": "DE", "vatNumber": "136695976",
        "requesterMemberStateCode": "NL", "requesterNumber": "000099998B57" });
    assert!(!asked.is_empty() && asked.iter().all(|q| *q == wanted), "{asked:?}");
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_is_no_refusal_and_is_asked_for_again() {
    let (studio, member, billing, state) = open(no_answer()).await;
    let done = order(&studio, &member).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let overview = billing.get("/billing").await.body;
    assert!(overview.contains("1 VAT number</a> without an answer"), "{overview}");
    let list = billing.get("/billing/subscriptions?vat_pending=yes").await.body;
    let id = link(&list, "/billing/subscriptions/");
    assert!(billing.get(&id).await.body.contains("the register has not answered yet"));
    assert_eq!(ask(&studio, 0).await, (1, 0), "still no answer");
    // One whose answer cannot be written down, because it is listed and not in the log, keeps no other waiting.
    let stray = r#"insert into subscriptions select (jsonb_populate_record(s,
        '{"subscription": "00000000-0000-0000-0000-000000000001"}')).* from subscriptions s"#;
    studio.client().await.execute(stray, &[]).await.expect("listed");
    let now = studio.instance.services.clock.now() + chrono::TimeDelta::hours(1);
    let report = studio.run_job("vat-checks", &now.to_rfc3339()).await;
    assert_eq!((report.error, report.counts["failed"], report.counts["asked"]), (None, 1, 1));
    let stray = "delete from subscriptions where subscription = '00000000-0000-0000-0000-000000000001'";
    studio.client().await.execute(stray, &[]).await.expect("removed");
    assert!(billing.get(&id).await.body.contains("the register has not answered yet"));

    state.lock().unwrap().0 = json!({ "valid": true, "requestIdentifier": "WAPIX1" });
    assert_eq!(ask(&studio, 1).await, (1, 0));
    let page = billing.get(&id).await.body;
    assert!(page.contains("known to the register") && page.contains("Consultation WAPIX1"), "{page}");
    assert_eq!(ask(&studio, 2).await, (0, 0), "not every day");

    // Struck off: from the next order on VAT is charged, and the member is told.
    state.lock().unwrap().0 = json!({ "valid": false });
    assert_eq!(ask(&studio, 92).await, (1, 1));
    assert_eq!(ask(&studio, 93).await, (0, 0));
    assert!(billing.get(&id).await.body.contains("taken for a private buyer"));
    let client = studio.client().await;
    let sql = "select count(*) from outgoing_mail where mail::text like '%vat_number_refused%'";
    assert_eq!(client.query_one(sql, &[]).await.expect("the queue").get::<_, i64>(0), 1);
    let due = studio.instance.services.clock.now() + chrono::TimeDelta::days(32);
    studio.run_job("clock-tick", &due.to_rfc3339()).await;
    studio.settle().await;
    let rows = client.query("select gross_minor from orders order by placed_at", &[]).await.expect("read");
    let totals: Vec<i64> = rows.iter().map(|r| r.get(0)).collect();
    assert_eq!(totals, [966, 1150], "net for the business, with 19 % for the private buyer");
    let orders = billing.get("/billing/orders").await.body;
    let why = billing.get(&link(&orders, "/billing/orders/")).await.body;
    assert!(why.contains("A private buyer in Germany") && why.contains("to the cent: €11.50"), "{why}");
    drop(client);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_business_that_accounts_for_the_tax_reads_net_prices_only() {
    let (studio, member, billing, _) = open(json!({ "valid": true, "requestIdentifier": "WAPIX1" })).await;
    let done = order(&studio, &member).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let plans = "/account/subscription/plan";
    let shown = member.get(plans).await.body;
    assert!(shown.contains("€96.64") && !shown.contains("€115.00"), "{shown}");
    // Staff read what the member would pay.
    let desk = link(&billing.get("/billing/subscriptions").await.body, "/billing/subscriptions/");
    let acts = billing.get(&desk).await.body;
    assert!(acts.contains("Studio, yearly, €96.64"), "{acts}");
    let list = billing.get("/billing/subscriptions").await.body;
    assert!(list.contains("€9.66") && !list.contains("€11.50"), "{list}");
    let file = billing.get("/billing/subscriptions.csv").await.body;
    assert!(file.contains(",9.66,EUR,"), "{file}");
    // So do programs: of the member, and of staff.
    for browser in [&member, &billing] {
        let program = Program::of(browser, &["billing:read"]).await;
        let list = program.get("/api/v1/subscriptions").await;
        assert_eq!(list.body["items"][0]["price"]["minor"], 966, "{}", list.text);
        let one = list.body["items"][0]["id"].as_str().expect("an id").to_owned();
        let one = program.get(&format!("/api/v1/subscriptions/{one}")).await;
        assert_eq!(one.body["price"]["minor"], 966, "{}", one.text);
    }
    let variation = shown.split("name=\"variation\" value=\"").nth(1).and_then(|t| t.split('"').next());
    let variation = variation.expect("a plan").to_owned();
    let stale = [("variation", variation.as_str()), ("pay", "1"), ("price", "11500")];
    let refused = member.submit(plans, plans, &stale).await;
    assert!(refused.status == 422 && !refused.body.contains("€115.00"), "{}", refused.body);
    let wanted = [("variation", variation.as_str()), ("pay", "0"), ("price", "11500")];
    assert_eq!(member.submit(plans, plans, &wanted).await.status, 303);
    studio.settle().await;
    let mine = member.get("/account/subscription").await.body;
    assert!(mine.contains("Planned change") && mine.contains("€96.64"), "{mine}");
    for gross in ["€115.00", "€11.50"] {
        assert!(!mine.contains(gross), "{gross}: {mine}");
    }
    studio.verify().await;
    studio.close().await;
}
