//! Orders are fulfilled when what they paid for has been given to its end.

use crate::billing::{Desk, GOOD, time};
use kinora::actors::jobs;
use kinora::domain::subscription::SubscriptionCommand;
use kinora::store::Metadata;
use uuid::Uuid;

async fn run(desk: &Desk, at: &str) -> i64 {
    let all = jobs::all();
    let job = all.iter().find(|j| j.name() == "fulfil-orders").expect("the job");
    let meta = Metadata::system("test", Uuid::now_v7(), time(at));
    let report = jobs::run(job.as_ref(), time(at), meta, true, &desk.instance.services).await.expect("runs");
    assert_eq!(report.error, None);
    desk.settle().await;
    report.counts["fulfilled"]
}

async fn statuses(desk: &Desk, id: Uuid) -> Vec<String> {
    let mut orders = desk.orders(id).await;
    orders.sort_by_key(|o| o.placed_at);
    orders.into_iter().map(|o| o.status).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_fulfilled_when_its_period_is_over_a_pause_counted() {
    let mut desk = Desk::open().await;
    let id = desk.join(Some(GOOD)).await;
    // Paid on 31 January for the time until 28 February, in Amsterdam.
    assert_eq!(run(&desk, "2031-02-27T22:00:00Z").await, 0);
    assert_eq!(statuses(&desk, id).await, ["paid"]);
    assert_eq!(run(&desk, "2031-02-27T23:00:00Z").await, 1);
    assert_eq!(run(&desk, "2031-02-28T01:00:00Z").await, 0, "once");
    assert_eq!(statuses(&desk, id).await, ["fulfilled"]);
    desk.tick("2031-02-28T08:00:00Z").await;
    // A pause of ten days moves the end of the second one from 31 March.
    desk.at = time("2031-03-10T10:00:00Z");
    let from = "2031-03-10".parse().expect("a day");
    desk.send(id, SubscriptionCommand::Pause { from, until: None, at: desk.at }).await;
    assert_eq!(run(&desk, "2031-03-18T08:00:00Z").await, 0);
    desk.at = time("2031-03-20T10:00:00Z");
    desk.send(id, SubscriptionCommand::EndPause { at: desk.at }).await;
    assert_eq!(run(&desk, "2031-04-01T08:00:00Z").await, 0);
    let end = desk.row(id).await.state.next_payment_on().expect("a day");
    assert_eq!(run(&desk, &format!("{end}T08:00:00Z")).await, 1);
    assert_eq!(statuses(&desk, id).await, ["fulfilled", "fulfilled"]);
    assert!(desk.instance.projector.verify().await.expect("verified").ok);
    desk.instance.close().await.expect("closes");
}
