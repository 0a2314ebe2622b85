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
    assert!(!shown.body.contains("-0.0"), "no frames a second are none, not less");
    assert!(!shown.body.contains("hx-trigger=\"every"), "nothing runs, so nothing changes by itself");

    // Nobody is there to take them: that is said once they have waited for some time.
    let alone = "No worker takes what waits in the processing queue (2 pieces)";
    assert!(!operator.get("/operator").await.body.contains(alone));
    let client = studio.client().await;
    let earlier = "update media_jobs set created_at = created_at - interval '11 minutes', not_before = now() - interval '11 minutes'";
    client.execute(earlier, &[]).await.expect("aged");
    assert!(operator.get("/operator").await.body.contains(alone));

    // The whole queue: nobody takes anything, but who waits for one work gets it.
    let shown = act(page, "pause").await;
    assert!(shown.body.contains("The queue is paused"), "{}", shown.body);
    assert!(!operator.get("/operator").await.body.contains(alone), "somebody wanted it so");
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

#[tokio::test(flavor = "multi_thread")]
async fn operators_read_what_a_helper_program_says_while_it_runs_and_after_it_failed() {
    let studio = Studio::with_roles(Roles { scheduler: false, worker: false, ..Roles::ALL }).await;
    let account = person(&studio, "maker@example.org", &[Role::Creator]).await;
    person(&studio, "operator@example.org", &[Role::Operator]).await;
    let operator = signed_in(&studio, "operator@example.org").await;
    let cx = studio.instance.services.clone();
    let (first, second) = two_works(&studio, account).await;
    let worker = Uuid::now_v7();
    let page = "/operator/queue";
    let job = queue::claim(&cx.pool, worker, true, Some(first)).await.expect("claim").expect("a row");
    let shown = operator.get(page).await;
    assert!(shown.body.contains("In work") && shown.body.contains("No helper program has begun yet"));
    assert!(shown.body.contains("Reload the page to see how it goes on."), "without scripts");

    // The end of it, escaped, while it runs.
    let log: String = (0..40).map(|n| format!("line {n} <b>\n")).collect();
    queue::note_log(&cx.pool, job.id, worker, &log).await.expect("noted");
    queue::beat(&cx.pool, job.id, worker, (30, 120), true).await.expect("beat");
    let shown = operator.get(page).await.body;
    assert!(shown.contains("line 39 &lt;b&gt;") && shown.contains("line 28 &lt;b&gt;"), "{shown}");
    assert!(!shown.contains("line 27 ") && !shown.contains("<b>"), "{shown}");
    assert!(shown.contains("30 of 120 frames, 25 %") && shown.contains("frames a second"), "{shown}");
    // Another worker's words do not count.
    queue::note_log(&cx.pool, job.id, Uuid::now_v7(), "a stranger").await.expect("not noted");
    assert!(!operator.get(page).await.body.contains("a stranger"));

    // After it failed all of it is behind the error; the next try begins with an empty one.
    let said = ("decoder_gave_up", "moov atom not found");
    queue::fail(&cx.pool, job.id, worker, said, Some(Duration::ZERO)).await.expect("noted");
    let shown = operator.get(page).await.body;
    assert!(shown.contains("line 3 &lt;b&gt;") && shown.contains("moov atom not found"), "{shown}");
    let job = queue::claim(&cx.pool, worker, true, Some(first)).await.expect("claim").expect("a row");
    assert!(!operator.get(page).await.body.contains("line 39"));
    queue::release(&cx.pool, job.id, worker, None, Duration::ZERO).await.expect("released");

    // A real program: what it says is kept from second to second, and none of it when all went well.
    let tools = kinora::actors::encoder::Tools::new(&cx);
    kinora::actors::encoder::drain(&cx, &tools, second).await.expect("worked off");
    let client = studio.client().await;
    let kept: i64 = client
        .query_one(
            "select count(*) from media_jobs where media = $1 and (log is not null or state <> 'done')",
            &[&second],
        )
        .await
        .expect("rows")
        .get(0);
    assert_eq!(kept, 0);
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_failed_piece_names_no_place_on_this_machine() {
    let studio = Studio::with_roles(Roles { scheduler: false, worker: false, ..Roles::ALL }).await;
    let account = person(&studio, "maker@example.org", &[Role::Creator]).await;
    let cx = studio.instance.services.clone();
    let (first, _) = two_works(&studio, account).await;
    let tools = kinora::actors::encoder::Tools::new(&cx);
    let worker = Uuid::now_v7();
    let probe = queue::claim(&cx.pool, worker, true, Some(first)).await.expect("claim").expect("a row");
    kinora::actors::encoder::run_job(&cx, &tools, probe, worker, kinora::media::sandbox::Cancel::default())
        .await
        .expect("probed");
    // Its picture is damaged behind the index, so that the decoder complains and gives up.
    let work = the_work(&studio, "The first one").await;
    let original =
        kinora::media::store::MediaStore::new(studio.data.path()).original(&work.sha256).expect("a path");
    let length = std::fs::metadata(&original).expect("length").len() as usize;
    let mut permissions = std::fs::metadata(&original).expect("mode").permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
    std::fs::set_permissions(&original, permissions).expect("writable");
    std::fs::write(&original, vec![b'x'; length]).expect("damaged");
    let prepare = queue::claim(&cx.pool, worker, true, Some(first)).await.expect("claim").expect("a row");
    kinora::actors::encoder::run_job(&cx, &tools, prepare, worker, kinora::media::sandbox::Cancel::default())
        .await
        .expect("tried");
    let client = studio.client().await;
    let row = client
        .query_one("select log, detail from media_jobs where media = $1 and kind = 'prepare'", &[&first])
        .await
        .expect("a row");
    let log: String = row.get::<_, Option<String>>(0).expect("a log");
    assert!(log.contains("ended with status"), "{log}");
    for secret in [studio.data.path().to_str().expect("text"), &work.sha256, "originals", "@"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
    assert!(log.len() <= kinora::media::said::MOST);
    studio.close().await;
}
