//! What must not be taken for an answer about money, and what waits for staff until it is paid.

use crate::billing::{Desk, GOOD};
use crate::billing_pages::{link, order};
use crate::direct_debits::mails;
use crate::refunds::open;
use chrono::TimeDelta;
use kinora::actors::bus::Envelope;
use kinora::actors::payments;
use kinora::domain::order::{AttemptState, Order, OrderCommand, RefundState, order_number};
use kinora::domain::shared::derive_id;
use kinora::domain::shared::payment::RefundOutcome;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_switched_off_declines_nobody() {
    let desk = Desk::open().await;
    let cx = &desk.instance.services;
    let id = desk.join(None).await;
    let order = desk.orders(id).await.remove(0);
    let entry = payments::CardEntry { number: GOOD.into(), expiry: "12/35".into() };
    let (mut method, _) = payments::keep_card(cx, desk.account, &entry).await.expect("kept");
    // A card that is kept at a service which the settings do not name any more.
    method.gateway = "stripe".into();
    let attempt = derive_id("test", "switched off");
    let start = OrderCommand::StartAttempt { attempt, method, present: false, at: desk.at };
    cx.bus
        .dispatch::<Order>(Envelope::new(Uuid::now_v7(), order.id, start, desk.meta()))
        .await
        .expect("started");
    desk.settle().await;
    let state = async || payments::load_order(cx, order.id).await.expect("read").attempts()[0].state;
    assert_eq!(state().await, AttemptState::Unknown);
    // Looked up as often as any lost answer, and then staff are asked.
    let mut at = desk.at;
    for _ in 0..9 {
        at += TimeDelta::days(1) + TimeDelta::minutes(1);
        desk.tick(&at.to_rfc3339()).await;
    }
    assert_eq!(state().await, AttemptState::Parked);
    let row = desk.orders(id).await.remove(0);
    assert_eq!((row.status.as_str(), row.last_code), ("created", None), "nobody was declined");
    desk.instance.close().await.expect("closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_did_not_go_back_waits_for_staff_until_it_goes_another_way() {
    let (studio, [member, billing, _]) = open(|_| {}).await;
    assert_eq!(order(&studio, &member, "NL", "card", "4242 4242 4242 4242").await.status, 303);
    let path = link(&billing.get("/billing/orders").await.body, "/billing/orders/");
    let refund = format!("{path}/refund");
    let ask = async |of: &str, way: &str, amount: &str| {
        let fields = [("of", of), ("way", way), ("amount", amount), ("reason", "asked for")];
        let answer = billing.submit(&refund, &refund, &fields).await;
        studio.settle().await;
        answer
    };
    let overview = async || billing.get("/billing").await.body;
    // The payment service refuses.
    let spoil = "update sandbox_charges set state = $1";
    studio.client().await.execute(spoil, &[&"declined"]).await.expect("spoilt");
    let asked = ask("price", "gateway", "4.00").await;
    assert_eq!(asked.status, 303, "{}", asked.body);
    let refused = billing.follow(asked.location()).await.body;
    assert!(refused.contains("Give it back another way"), "{refused}");
    assert!(overview().await.contains("1 refund</a> that the gateway refused"), "{}", overview().await);
    assert!(billing.get("/billing/refunds?state=stuck").await.body.contains("Refused"));
    assert!(mails(&studio, "refund_stuck").await >= 1, "staff are told");
    // The link fills the form in; sent by transfer, nothing waits but the transfer.
    let by_hand = billing.get(&link(&refused, &format!("{refund}?of=price")).replace("&amp;", "&")).await;
    assert!(by_hand.body.contains("value=\"4.00\""), "{}", by_hand.body);
    assert_eq!(ask("price", "transfer", "4.00").await.status, 303);
    assert!(!overview().await.contains("that the gateway refused"));

    // One that went back comes back days later.
    studio.client().await.execute(spoil, &[&"succeeded"]).await.expect("mended");
    assert_eq!(ask("price", "gateway", "5.00").await.status, 303);
    let cx = &studio.instance.services;
    let id: Uuid = path.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id");
    let state = async || payments::load_order(cx, id).await.expect("read");
    let gone = state().await.refunds().last().cloned().expect("asked for");
    assert_eq!(gone.state, RefundState::Succeeded);
    let outcome = RefundOutcome::Refused { code: "expired_or_canceled_card".into() };
    let back = OrderCommand::RecordRefund { refund: gone.id, outcome, at: cx.clock.now() };
    let meta = kinora::store::Metadata::system("test", Uuid::now_v7(), cx.clock.now());
    cx.bus.dispatch::<Order>(Envelope::new(Uuid::now_v7(), id, back, meta)).await.expect("recorded");
    studio.settle().await;
    assert_eq!(state().await.refunds().last().map(|r| r.state), Some(RefundState::CameBack));
    let page = billing.get(&format!("/billing/refunds/{}", gone.id)).await.body;
    assert!(page.contains("came back from the member") && page.contains("of=overpayment"), "{page}");
    assert!(overview().await.contains("that the gateway refused"), "it waits again");
    assert_eq!(ask("overpayment", "credit", "5.00").await.status, 303);
    assert!(
        !overview().await.contains("that the gateway refused") && !overview().await.contains("or too much")
    );
    // One credit note for it, whatever way it went in the end.
    let notes = "select count(*) from events where type = 'CreditNoteIssued'";
    let notes: i64 = studio.client().await.query_one(notes, &[]).await.expect("counted").get(0);
    assert_eq!(notes, 1, "{}", order_number(id));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_order_that_cannot_be_fulfilled_keeps_no_other_waiting() {
    let (studio, [member, billing, _]) = open(|_| {}).await;
    assert_eq!(order(&studio, &member, "NL", "card", "4242 4242 4242 4242").await.status, 303);
    let (client, stray) = (studio.client().await, Uuid::nil());
    let sql = "insert into fulfilments values ($1, $1, 1, now() - interval '1 year')";
    client.execute(sql, &[&stray]).await.expect("listed");
    // As the list says it is paid, though the log knows nothing of it.
    let sql = "insert into orders select (jsonb_populate_record(o, jsonb_build_object('id', $1::uuid, 'number', 'K000000000'))).*
               from orders o";
    client.execute(sql, &[&stray]).await.expect("listed");
    let later = studio.instance.services.clock.now() + TimeDelta::days(40);
    let report = studio.run_job("fulfil-orders", &later.to_rfc3339()).await;
    assert_eq!((report.error.as_deref(), report.counts["failed"], report.counts["fulfilled"]), (None, 1, 1));
    studio.settle().await;
    assert!(billing.get("/billing/orders").await.body.contains("Fulfilled"));
    client.execute("delete from fulfilments where order_id = $1", &[&stray]).await.expect("removed");
    client.execute("delete from orders where id = $1", &[&stray]).await.expect("removed");
    drop(client);
    studio.verify().await;
    studio.close().await;
}
