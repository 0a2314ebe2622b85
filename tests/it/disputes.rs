//! Disputes: they are seen, told to staff, hold refunds back, and end access where the studio says so.

use crate::billing_pages::{link, open, open_with, order};
use crate::support::{Browser, Studio};
use chrono::TimeDelta;

const LOST: &str = "4000 0000 0000 0259";
const WON: &str = "4000 0000 0000 1976";

async fn look(studio: &Studio, days: i64) -> i64 {
    let at = studio.instance.services.clock.now() + TimeDelta::days(days);
    let report = studio.run_job("dispute-lookups", &at.to_rfc3339()).await;
    studio.settle().await;
    report.counts["new"]
}

async fn order_page(billing: &Browser) -> (String, String) {
    let path = link(&billing.get("/billing/orders").await.body, "/billing/orders/");
    let page = billing.get(&path).await.body;
    (path, page)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_waits_for_staff_and_holds_refunds_back() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", LOST).await.status, 303);
    assert!(billing.get("/billing").await.body.contains("Nothing waits for you"));
    assert_eq!((look(&studio, 0).await, look(&studio, 0).await), (1, 0), "seen once");
    let overview = billing.get("/billing").await.body;
    assert!(overview.contains("unknown, parked, disputed, taken back by a bank, or too much"), "{overview}");
    let (path, page) = order_page(&billing).await;
    assert!(page.contains("not decided yet: answer at the payment service"), "{page}");
    let client = studio.client().await;
    let sql = "select count(*) from outgoing_mail where mail::text like '%disputed%'";
    assert!(client.query_one(sql, &[]).await.expect("the queue").get::<_, i64>(0) >= 1, "staff are told");
    let fields = [("of", "price"), ("way", "gateway"), ("amount", "11.50"), ("reason", "asked")];
    let refused = billing.submit(&path, &format!("{path}/refund"), &fields).await;
    assert!(
        refused.status == 422 && refused.body.contains("asked their bank for this money"),
        "{}",
        refused.body
    );
    assert!(member.get("/account/subscription").await.body.contains("You can watch everything"));

    // A month later it is decided.
    assert_eq!(look(&studio, 31).await, 1);
    let (_, page) = order_page(&billing).await;
    assert!(page.contains("and lost: the money is gone"), "{page}");
    let id = link(&billing.get("/billing/subscriptions").await.body, "/billing/subscriptions/");
    let log = billing.get(&id).await.body;
    assert!(log.contains("asked their bank for €11.50 back (fraudulent)") && log.contains("€11.50 is gone"));
    drop(client);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_studio_says_so_a_dispute_ends_access_at_once() {
    let (studio, member, billing) = open_with(|c| c.billing.dispute_ends_access = true).await;
    assert_eq!(order(&studio, &member, "NL", "card", WON).await.status, 303);
    assert_eq!(look(&studio, 0).await, 1);
    let mine = member.get("/account/subscription").await.body;
    assert!(mine.contains("Your subscription has ended"), "{mine}");
    assert_eq!(look(&studio, 31).await, 1);
    assert!(order_page(&billing).await.1.contains("once, and the money stays"));
    studio.verify().await;
    studio.close().await;
}
