//! The operators' queue: what they see, and what workers make of what they wish.

use super::*;

async fn two_works(studio: &Studio, account: Uuid) -> (Uuid, Uuid) {
    let cx = &studio.instance.services;
    let folder = tempfile::tempdir().expect("folder");
    let path = clip(folder.path(), 1);
    let longer = clip(folder.path(), 2);
    let mut ids = vec![];
    for (path, title) in [(path, "The first one"), (longer, "The second one")] {
        let meta = Metadata::account(account, Uuid::now_v7(), cx.clock.now());
        ids.push(uploads::import_file(cx, account, path, title, meta).await.expect("imported").0);
    }
    studio.settle().await;
    (ids[0], ids[1])
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_stop_hurry_cancel_and_retry_and_it_is_known_who_did() {
    let studio = Studio::with_roles(Roles { scheduler: false, worker: false, ..Roles::ALL }).await;
    let account = person(&studio, "maker@example.org", &[Role::Creator]).await;
    let by = person(&studio, "operator@example.org", &[Role::Operator]).await;
    let operator = signed_in(&studio, "operator@example.org").await;
    let cx = studio.instance.services.clone();
    let (first, second) = two_works(&studio, account).await;
    let worker = Uuid::now_v7();
    let claim = async || queue::claim(&cx.pool, worker, true, None).await.expect("claim");
    let back = async |job: queue::MediaJob| {
        queue::release(&cx.pool, job.id, worker, None, Duration::ZERO).await.expect("released");
    };
    let page = "/operator/queue";
    let one = |id: Uuid| format!("/operator/queue/{id}");
    let act = async |action: &str, act: &str| {
        let done = operator.submit(page, action, &[("act", act)]).await;
        assert_eq!(done.status, 303, "{act}: {}", done.body);
        studio.settle().await;
        operator.get(page).await
    };

    let shown = operator.get(page).await;
    assert_eq!(shown.status, 200);
    for words in ["The first one", "The second one", "probe", "queued"] {
        assert!(shown.body.contains(words), "{words}: {}", shown.body);
    }
    assert!(!shown.body.contains("hx-trigger=\"every"), "nothing runs, so nothing changes by itself");

    // The whole queue: nobody takes anything, but who waits for one work gets it.
    let shown = act(page, "pause").await;
    assert!(shown.body.contains("The queue is paused"), "{}", shown.body);
    assert!(claim().await.is_none());
    let waited = queue::claim(&cx.pool, worker, true, Some(first)).await.expect("claim").expect("a row");
    let shown = operator.get(page).await;
    assert!(shown.body.contains("hx-trigger=\"every") && shown.body.contains("running"));
    assert!(shown.body.contains(&worker.simple().to_string()[24..]), "who works on it");
    back(waited).await;
    act(page, "resume").await;

    // One work, and the order.
    act(&one(first), "pause").await;
    let job = claim().await.expect("the other one");
    assert_eq!(job.media, second);
    back(job).await;
    act(&one(first), "resume").await;
    act(&one(second), "first").await;
    let job = claim().await.expect("a row");
    assert_eq!(job.media, second);
    back(job).await;
    act(&one(second), "last").await;
    let job = claim().await.expect("a row");
    assert_eq!(job.media, first);

    // Cancelled while a worker is at it: the worker hears of it, nobody takes it for forgotten.
    act(&one(first), "cancel").await;
    assert!(
        !queue::beat(&cx.pool, job.id, worker, (0, 0), false).await.expect("beat"),
        "the row was taken away"
    );
    let work = the_work(&studio, "The first one").await;
    assert_eq!(work.processing, "failed");
    assert!(work.reason.as_deref().is_some_and(|r| r.contains("An operator stopped")), "{:?}", work.reason);
    assert_eq!(queue::unfinished(&cx.pool, first).await.expect("count"), 0);
    let again = operator.submit(page, &one(first), &[("act", "cancel")]).await;
    assert_eq!(again.status, 422, "nothing is left to cancel: {}", again.body);
    act(&one(first), "retry").await;
    assert_eq!(queue::unfinished(&cx.pool, first).await.expect("count"), 1);

    // What the last try said stands there, and goes when it is done.
    let job = queue::claim(&cx.pool, worker, true, Some(first)).await.expect("claim").expect("a row");
    let said = ("decoder_gave_up", "moov atom not found");
    queue::fail(&cx.pool, job.id, worker, said, Some(Duration::ZERO)).await.expect("noted");
    let shown = operator.get(page).await;
    assert!(shown.body.contains("decoder gave up") && shown.body.contains("moov atom not found"));

    for act in ["pause", "resume", "first", "last", "cancel", "retry"] {
        assert!(shown.body.contains(&format!("<td>{act}</td>")), "{act} is noted: {}", shown.body);
    }
    assert!(shown.body.contains(&by.to_string()), "and who did it");
    let client = studio.client().await;
    let acts = client.query_one("select count(*), count(by) from media_queue_acts", &[]).await.expect("acts");
    assert_eq!((acts.get::<_, i64>(0), acts.get::<_, i64>(1)), (8, 8));
    let failed = client
        .query_one(
            "select metadata::text from events where stream_id = $1 and type = 'MediaFailed'",
            &[&format!("media-{first}")],
        )
        .await
        .expect("event");
    assert!(failed.get::<_, String>(0).contains(&by.to_string()), "the event names who stopped it");

    let unknown = operator.submit(page, &one(second), &[("act", "explode")]).await;
    assert_eq!(unknown.status, 422);
    let all = operator.submit(page, page, &[("act", "cancel")]).await;
    assert_eq!(all.status, 422, "the whole queue cannot be cancelled");
    studio.close().await;
}
