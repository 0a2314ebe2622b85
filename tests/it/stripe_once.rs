//! Through Stripe's API: the right amount in every currency, and everything once however long an outage was.

use crate::stripe::{SECRET, World};
use chrono::Utc;
use kinora::actors::payments;
use kinora::adapters::gateways::{ChargeRequest, Gateway, GatewayError, RefundRequest};
use kinora::domain::shared::payment::{Outcome, RefundOutcome};
use kinora::domain::shared::{Currency, Money};
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

fn money(minor: i64, code: &str) -> Money {
    Money::new(minor, Currency::parse(code).expect("a currency"))
}

fn gateway(world: &World) -> Arc<dyn Gateway> {
    payments::gateway(&world.studio.instance.services, "stripe").expect("on")
}

/// A card that is kept for the member.
async fn kept(world: &World) -> String {
    let reference = world.card(&world.member, "4242424242424242", (12, 2034)).await;
    let sql = "select account from stripe_customers";
    let account: Uuid = world.studio.client().await.query_one(sql, &[]).await.expect("known").get(0);
    gateway(world).finish_setup(account, &reference).await.expect("kept").token
}

fn charge(token: &str, amount: Money) -> ChargeRequest {
    let (key, description) = (Uuid::now_v7(), "K123456789".to_owned());
    ChargeRequest { key, token: token.to_owned(), amount, description, present: false, at: Utc::now() }
}

fn refund(of: &ChargeRequest, amount: Money) -> RefundRequest {
    RefundRequest { key: Uuid::now_v7(), charge: of.key, amount, at: Utc::now() }
}

async fn refunds(world: &World, intent: &str) -> Vec<Value> {
    let url = format!("{}/v1/refunds?payment_intent={intent}", world.peer.url);
    let asked = reqwest::Client::new().get(url).bearer_auth("sk_test_12345").send().await.unwrap();
    asked.json::<Value>().await.unwrap()["data"].as_array().cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_are_asked_for_in_the_units_of_stripe_and_another_amount_is_no_answer() {
    let world = World::open().await;
    let (stripe, token) = (gateway(&world), kept(&world).await);
    for (minor, code, theirs, part, theirs_back) in [
        (1500, "ISK", 150_000, 500, 50_000),
        (1500, "JPY", 1500, 500, 500),
        (1150, "EUR", 1150, 150, 150),
        (5120, "KWD", 5120, 120, 120),
    ] {
        let request = charge(&token, money(minor, code));
        let Ok(Outcome::Succeeded { gateway_reference: intent }) = stripe.charge(&request).await else {
            panic!("{code} is charged")
        };
        let made = world.charges().await.into_iter().find(|c| c["id"] == intent.as_str()).expect("there");
        assert_eq!((&made["amount"], &made["currency"]), (&json!(theirs), &json!(code.to_ascii_lowercase())));
        let back = stripe.refund(&refund(&request, money(part, code))).await;
        assert!(matches!(back, Ok(RefundOutcome::Succeeded { .. })), "{code}: {back:?}");
        assert_eq!(refunds(&world, &intent).await[0]["amount"], theirs_back, "{code}");
        // What is not what was asked for is never taken for it.
        assert!(matches!(
            stripe.look_up(request.key, request.amount).await,
            Ok(Some(Outcome::Succeeded { .. }))
        ));
        for other in [money(minor - 1, code), money(minor, "USD")] {
            assert_eq!(stripe.look_up(request.key, other).await, Err(GatewayError::TimedOut), "{other}");
        }
    }
    // Three digits behind the point, of which the last is charged nowhere.
    let before = world.charges().await.len();
    let refused = Outcome::Declined { code: "amount_not_chargeable".into(), hard: false };
    assert_eq!(stripe.charge(&charge(&token, money(5124, "KWD"))).await, Ok(refused));
    assert_eq!(world.charges().await.len(), before, "Stripe was not asked");
    assert!(!stripe.can_charge(money(5124, "KWD")) && stripe.can_charge(money(5120, "KWD")));
    world.studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_long_after_stripe_forgot_the_key_charges_and_returns_once() {
    let world = World::open().await;
    let (stripe, token) = (gateway(&world), kept(&world).await);
    let request = charge(&token, money(1150, "EUR"));
    world.line().lose_answer.push("/confirm");
    assert_eq!(stripe.charge(&request).await, Err(GatewayError::TimedOut));
    world.line().answers.clear();
    assert!(matches!(stripe.charge(&request).await, Ok(Outcome::Succeeded { .. })));
    assert_eq!((world.calls("/confirm"), world.charges().await.len()), (1, 1), "charged once");

    let back = refund(&request, money(400, "EUR"));
    world.line().lose_answer.push("POST /v1/refunds");
    assert_eq!(stripe.refund(&back).await, Err(GatewayError::TimedOut));
    world.line().answers.clear();
    assert!(matches!(stripe.refund(&back).await, Ok(RefundOutcome::Succeeded { .. })), "after an outage");
    assert_eq!(world.calls("/v1/refunds"), 1, "returned once");
    // Another refund of the same charge is another one.
    let other = refund(&request, money(100, "EUR"));
    assert!(matches!(stripe.refund(&other).await, Ok(RefundOutcome::Succeeded { .. })));
    assert_eq!(world.calls("/v1/refunds"), 2);
    world.studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_dispute_that_cannot_be_written_down_keeps_no_other_waiting() {
    let world = World::open().await;
    let good = world.card(&world.member, "4242424242424242", (1, 2033)).await;
    assert_eq!(world.join(&good).await.status, 303);
    let intent = world.charges().await[0]["id"].as_str().expect("an id").to_owned();
    let dispute = |id: &str, intent: &str| {
        json!({ "id": id, "object": "dispute", "payment_intent": intent, "amount": 1150,
            "currency": "eur", "reason": "fraudulent", "status": "lost" })
    };
    // Its charge is listed under an order that is not in the log.
    let (client, stray) = (world.studio.client().await, Uuid::now_v7());
    let book = "insert into stripe_charges (key, payment_intent) values ($1, 'pi_stray')";
    client.execute(book, &[&stray]).await.expect("noted");
    let list = "insert into payments (attempt, order_id, gateway, state, started_at, intent)
        values ($1, $1, 'stripe', 'succeeded', now(), 1)";
    client.execute(list, &[&stray]).await.expect("listed");
    world.line().disputes = vec![dispute("dp_stray", "pi_stray"), dispute("dp_1", &intent)];
    let report = world.studio.run_job("dispute-lookups", &Utc::now().to_rfc3339()).await;
    assert_eq!((report.counts["failed"], report.counts["new"]), (1, 1), "{report:?}");
    world.studio.settle().await;
    assert_eq!(world.kinds("%Dispute%").await, ["PaymentDisputed", "DisputeClosed"]);
    client.execute("delete from payments where attempt = $1", &[&stray]).await.expect("removed");
    drop(client);
    // A webhook about it is taken: the hourly look goes on trying.
    let event = json!({ "id": "evt_1", "data": { "object": dispute("dp_1", &intent) } });
    assert_eq!(world.webhook(SECRET, &event).await.0, 200);
    world.studio.verify().await;
    world.studio.close().await;
}
