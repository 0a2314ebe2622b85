//! The clock reads many memberships with two queries. What it read is no more than a hint: a decision rests on
//! what the log holds when it is written.

use crate::billing::{Desk, GOOD, time};
use kinora::actors::bus::{Bus, Envelope, Metadata, Room};
use kinora::actors::jobs::progress;
use kinora::domain::clock::{Run, RunCommand, run_id};
use kinora::domain::shared::payment::BillingPolicy;
use kinora::domain::subscription::{CancelCause, Subscription, SubscriptionCommand};
use kinora::store::repository::EventRepository;
use std::sync::Arc;
use uuid::Uuid;

async fn orders(desk: &Desk, subscription: Uuid) -> i64 {
    let client = desk.instance.services.pool.get().await.expect("a client");
    let sql = "select count(*) from events where type = 'RenewalOrderRequested' and stream_id = $1";
    let stream = format!("subscription-{subscription}");
    client.query_one(sql, &[&stream]).await.expect("counted").get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_log_has_moved_on_from_is_read_again_before_anything_is_decided() {
    let mut desk = Desk::open().await;
    let ended = desk.join(Some(GOOD)).await;
    desk.account = Uuid::now_v7();
    let goes_on = desk.join(Some(GOOD)).await;
    let nobody = Uuid::now_v7();
    let cx = &desk.instance.services;
    let repository = EventRepository::<Subscription>::new(cx.pool.clone(), cx.journal.clone());

    // The same as one by one, from a snapshot too.
    let alone = repository.load(goes_on).await.expect("read");
    repository.keep(goes_on, &alone.state, alone.version).await;
    let mut known = repository.load_many(&[ended, goes_on, nobody]).await.expect("read");
    let together = &known[&goes_on];
    let json = |state: &Subscription| serde_json::to_value(state).expect("written");
    assert_eq!((json(&together.state), together.version), (json(&alone.state), alone.version));
    assert_eq!(together.kept_at, alone.version, "the snapshot was taken");
    assert_eq!(known[&nobody].version, 0);

    // One ends after it was read; the actors of a process that does not know it are told the older state.
    desk.send(ended, SubscriptionCommand::EndNow { cause: CancelCause::EndedByStaff, at: desk.at }).await;
    let (pool, journal, vault) = (cx.pool.clone(), cx.journal.clone(), cx.vault.clone());
    let other = Bus::new(pool, journal, vault, Arc::clone(&cx.metrics), Room::of(16));
    let due = time("2031-02-28T08:00:00Z");
    let mut moved = Vec::new();
    for id in [ended, goes_on, nobody] {
        let command = SubscriptionCommand::Tick { policy: BillingPolicy::default(), at: due };
        let meta = Metadata::system("test", Uuid::now_v7(), due);
        let envelope = Envelope::new(Uuid::now_v7(), id, command, meta);
        let answer = other.dispatch_on::<Subscription>(envelope, known.remove(&id)).await;
        moved.push(answer.map_or(0, |receipt| receipt.position));
    }
    assert_eq!((moved[0], moved[2]), (0, 0), "nothing is due of what has ended, or never was");
    assert!(moved[1] > 0);
    assert_eq!((orders(&desk, ended).await, orders(&desk, goes_on).await), (0, 1));
    desk.settle().await;
    desk.instance.close().await.expect("closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn how_far_a_tick_is_stands_on_the_page_of_runs_while_it_is_at_work() {
    let (studio, [_, _, admin]) = crate::refunds::open(|_| {}).await;
    let cx = &studio.instance.services;
    let slot = time("2031-01-01T00:00:00Z");
    let run = run_id("clock-tick", slot);
    let meta = Metadata::system("test", Uuid::now_v7(), slot);
    let request = RunCommand::Request { job: "clock-tick".into(), slot };
    let envelope = Envelope::new(Uuid::now_v7(), run, request, meta);
    cx.bus.dispatch::<Run>(envelope).await.expect("requested");
    studio.settle().await;
    assert!(admin.get("/operator/runs?job=clock-tick").await.body.contains("at work"));
    progress::note(cx, run, &[("asked".to_owned(), 5000)].into()).await.expect("noted");
    assert!(admin.get("/operator/runs?job=clock-tick").await.body.contains("so far asked 5000"));

    assert_eq!(studio.run_job("clock-tick", &slot.to_rfc3339()).await.status, "completed");
    studio.settle().await;
    assert!(progress::all(cx).await.expect("read").is_empty());
    assert!(!admin.get("/operator/runs?job=clock-tick").await.body.contains("so far"));
    studio.verify().await;
    studio.close().await;
}
