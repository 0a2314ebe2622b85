//! What a worker that dies loses, and what a failure leaves.

use super::*;
use kinora::actors::encoder::queue::JobKind;

/// Rows of the encoder: kind, segment, state, attempts, hash.
async fn rows(studio: &Studio) -> Vec<(String, i32, String, i32, Option<String>)> {
    let client = studio.client().await;
    let rows = client
        .query("select kind, segment, state, attempts, sha256 from media_jobs order by kind, segment", &[])
        .await;
    rows.expect("rows").iter().map(|r| (r.get(0), r.get(1), r.get(2), r.get(3), r.get(4))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_worker_finishes_what_a_dead_one_began_and_does_nothing_twice() {
    // No worker here: rows are claimed by hand, by one that is never heard of again.
    let studio = Studio::with_roles(Roles { scheduler: false, worker: false, ..Roles::ALL }).await;
    let account = person(&studio, "maker@example.org", &[Role::Creator]).await;
    let cx = studio.instance.services.clone();
    let folder = tempfile::tempdir().expect("folder");
    let meta = Metadata::account(account, Uuid::now_v7(), cx.clock.now());
    let path = clip(folder.path(), 14);
    let (id, _) = uploads::import_file(&cx, account, path, "Long", meta).await.expect("imported");
    let tools = kinora::actors::encoder::Tools::new(&cx);
    let alive = Uuid::now_v7();
    let take = async || queue::claim(&cx.pool, alive, true, Some(id)).await.expect("claim").expect("a row");
    let run = async |job| {
        kinora::actors::encoder::run_job(&cx, &tools, job, alive, kinora::media::sandbox::Cancel::default())
            .await
            .expect("run")
    };
    let aged = "update media_jobs set lease_until = now() - interval '1 minute' where state = 'running'";
    for kind in [JobKind::Probe, JobKind::Prepare, JobKind::Mezzanine, JobKind::Av1] {
        if kind == JobKind::Mezzanine {
            // Somebody begins with it and dies over the first segment.
            let dead = Uuid::now_v7();
            assert_eq!(
                queue::claim(&cx.pool, dead, true, Some(id)).await.expect("claim").expect("a row").kind,
                kind
            );
            let room = cx.config.data.join("media").join("work").join(format!("{id}/1/mezzanine-{dead}"));
            std::fs::create_dir(&room).expect("its room");
            std::fs::write(room.join("00000.mkv"), b"half").expect("half a segment");
            studio.client().await.execute(aged, &[]).await.expect("aged");
        }
        let job = take().await;
        assert_eq!(job.kind, kind);
        run(job).await;
    }
    // One of three segments is done; the worker takes the second and dies.
    let finished =
        public(&studio, &wait(&studio, "Long", |w| w.playable == 1).await).join("av1-90/00000.m4s");
    let before = (
        std::fs::metadata(&finished).expect("kept").modified().expect("time"),
        rows(&studio).await[0].clone(),
    );
    assert_eq!((before.1.1, before.1.2.as_str()), (0, "done"));
    let dead = queue::claim(&cx.pool, Uuid::now_v7(), true, Some(id)).await.expect("claim").expect("a row");
    assert_eq!(dead.segment, 1);
    assert_eq!(queue::unfinished(&cx.pool, id).await.expect("count"), 2);
    // Its lease runs out; the watchdog returns the row.
    studio.client().await.execute(aged, &[]).await.expect("aged");
    let report = studio.run_job("watchdog", "2026-11-21T10:00:00Z").await;
    assert_eq!(report.counts["lost"], 1);
    kinora::actors::encoder::drain(&cx, &tools, id).await.expect("drained");
    let work = wait(&studio, "Long", |w| w.processing == "ready").await;
    let after = rows(&studio).await;
    assert!(after.iter().all(|r| r.2 == "done"), "{after:?}");
    assert_eq!(after[0], before.1, "the finished segment was not touched");
    assert_eq!(std::fs::metadata(&finished).expect("kept").modified().expect("time"), before.0);
    assert_eq!(after[1].3, 1, "a worker that dies is no failed try");
    let lost =
        studio.client().await.query_one("select sum(losses) from media_jobs", &[]).await.expect("losses");
    assert_eq!(lost.get::<_, i64>(0), 2);
    assert_eq!(frames(&public(&studio, &work).join("av1-90/index.m3u8")), 336);
    // The dead worker comes back: its row is no longer its own.
    let made = queue::Made::default();
    assert!(!queue::finish(&**studio.client().await, dead.id, Uuid::now_v7(), &made).await.expect("refused"));
    let verified = kinora::actors::media_files::verify(&cx, kinora::actors::media_files::Depth::Bytes)
        .await
        .expect("verify");
    assert!(verified.ok && verified.originals == 1, "{verified:?}");
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_named_and_can_be_retried_and_a_removed_work_leaves_no_bytes() {
    let studio = Studio::with_roles(Roles { scheduler: false, worker: false, ..Roles::ALL }).await;
    let account = person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let cx = studio.instance.services.clone();
    let folder = tempfile::tempdir().expect("folder");
    let meta = Metadata::account(account, Uuid::now_v7(), cx.clock.now());
    let path = clip(folder.path(), 1);
    let (id, _) = uploads::import_file(&cx, account, path.clone(), "Fragile", meta).await.expect("imported");
    let work = the_work(&studio, "Fragile").await;
    let kept = studio.data.path().join("media/originals").join(&work.sha256[..2]).join(&work.sha256[2..]);
    let hidden = folder.path().join("hidden");
    std::fs::rename(&kept, &hidden).expect("moved");
    studio.client().await.execute("update media_jobs set attempts = 3", &[]).await.expect("last try");
    let tools = kinora::actors::encoder::Tools::new(&cx);
    kinora::actors::encoder::drain(&cx, &tools, id).await.expect("drained");
    let failed = the_work(&studio, "Fragile").await;
    assert_eq!((failed.processing.as_str(), failed.step.as_deref()), ("failed", Some("probe")));
    let editor = format!("/studio/media/{id}");
    let page = maker.get(&editor).await;
    assert!(page.body.contains("missing or damaged") && page.body.contains("Try again"), "{}", page.body);
    std::fs::rename(&hidden, &kept).expect("back");
    assert_eq!(maker.submit(&editor, &format!("{editor}/retry"), &[]).await.status, 303);
    studio.settle().await;
    kinora::actors::encoder::drain(&cx, &tools, id).await.expect("drained");
    let ready = the_work(&studio, "Fragile").await;
    assert_eq!(ready.processing, "ready");
    // Made anew under a new address, then removed; 30 days later the bytes are gone too.
    assert_eq!(maker.submit(&editor, &format!("{editor}/reprocess"), &[]).await.status, 303);
    studio.settle().await;
    kinora::actors::encoder::drain(&cx, &tools, id).await.expect("drained");
    let again = wait(&studio, "Fragile", |w| w.playable == 2).await;
    assert!(public(&studio, &again).join("master.m3u8").exists());
    assert_eq!(maker.submit(&editor, &format!("{editor}/remove"), &[]).await.status, 303);
    studio.settle().await;
    assert_eq!(maker.get(&editor).await.status, 410);
    let soon = studio.run_job("destroy-archives", &cx.clock.now().to_rfc3339()).await;
    assert_eq!(soon.counts["media"], 0);
    let late = (cx.clock.now() + chrono::TimeDelta::days(31)).to_rfc3339();
    assert_eq!(studio.run_job("destroy-archives", &late).await.counts["media"], 1);
    let mut left = vec![];
    walk(&studio.data.path().join("media"), &mut left);
    assert_eq!(left, Vec::<PathBuf>::new());
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_forgotten_is_found_and_an_old_round_takes_nothing_from_the_new_one() {
    let studio = Studio::with_roles(Roles { scheduler: false, worker: false, ..Roles::ALL }).await;
    let account = person(&studio, "maker@example.org", &[Role::Creator]).await;
    let cx = studio.instance.services.clone();
    let tools = kinora::actors::encoder::Tools::new(&cx);
    let folder = tempfile::tempdir().expect("folder");
    let meta = Metadata::account(account, Uuid::now_v7(), cx.clock.now());
    let path = clip(folder.path(), 2);
    let (id, _) = uploads::import_file(&cx, account, path, "Lost", meta).await.expect("imported");
    studio.settle().await;
    // The rows are lost, as after a restored backup of half the tables.
    studio.client().await.execute("delete from media_jobs", &[]).await.expect("deleted");
    let soon = cx.clock.now() + chrono::TimeDelta::minutes(1);
    assert_eq!(studio.run_job("watchdog", &soon.to_rfc3339()).await.counts["revived"], 0);
    let later = cx.clock.now() + chrono::TimeDelta::minutes(5);
    assert_eq!(studio.run_job("watchdog", &later.to_rfc3339()).await.counts["revived"], 1);
    kinora::actors::encoder::drain(&cx, &tools, id).await.expect("drained");
    wait(&studio, "Lost", |w| w.processing == "ready").await;

    // A row of the first round is still claimed when the work is made anew.
    let worker = Uuid::now_v7();
    let client = studio.client().await;
    let old = "update media_jobs set state = 'queued', attempts = 0 where media = $1 and kind = 'prepare'";
    client.execute(old, &[&id]).await.expect("old row");
    let stale = queue::claim(&cx.pool, worker, true, Some(id)).await.expect("claim").expect("a row");
    let repository = kinora::store::repository::EventRepository::<kinora::domain::media::Media>::new(
        cx.pool.clone(),
        cx.journal.clone(),
    );
    let wish = kinora::domain::media::MediaCommand::Reprocess { at: cx.clock.now() };
    let meta = Metadata::account(account, Uuid::now_v7(), cx.clock.now());
    let sent = kinora::actors::bus::Envelope::new(Uuid::now_v7(), id, wish, meta);
    cx.bus.dispatch::<kinora::domain::media::Media>(sent).await.expect("made anew");
    studio.settle().await;
    assert_eq!(repository.load(id).await.expect("loaded").state.generation, 2);
    kinora::actors::encoder::run_job(&cx, &tools, stale, worker, kinora::media::sandbox::Cancel::default())
        .await
        .expect("run");
    assert!(
        queue::unfinished(&cx.pool, id).await.expect("count") > 0,
        "the new round still stands in the queue"
    );
    kinora::actors::encoder::drain(&cx, &tools, id).await.expect("drained");
    let work = wait(&studio, "Lost", |w| w.processing == "ready").await;
    assert_eq!(work.playable, 2);

    // A full disk says nothing about the file: the row waits and no try is counted.
    client
        .execute(
            "update media_jobs set state = 'queued', attempts = 0 where media = $1 and kind = 'package'",
            &[&id],
        )
        .await
        .expect("row");
    let row = queue::claim(&cx.pool, worker, true, Some(id)).await.expect("claim").expect("a row");
    queue::release(&cx.pool, row.id, worker, Some("no_room"), Duration::from_secs(60))
        .await
        .expect("released");
    let kept = client
        .query_one("select attempts, error, state from media_jobs where id = $1", &[&row.id])
        .await
        .expect("row");
    assert_eq!(
        (kept.get::<_, i32>(0), kept.get::<_, String>(1), kept.get::<_, String>(2)),
        (0, "no_room".into(), "queued".into())
    );
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_change_meanwhile_do_not_mix_and_a_segment_made_otherwise_is_made_anew() {
    let studio = Studio::with_roles(Roles { scheduler: false, worker: false, ..Roles::ALL }).await;
    let account = person(&studio, "maker@example.org", &[Role::Creator]).await;
    let cx = studio.instance.services.clone();
    let folder = tempfile::tempdir().expect("folder");
    let meta = Metadata::account(account, Uuid::now_v7(), cx.clock.now());
    let (id, _) =
        uploads::import_file(&cx, account, clip(folder.path(), 2), "Even", meta).await.expect("imported");
    let mut tools = kinora::actors::encoder::Tools::new(&cx);
    let worker = Uuid::now_v7();
    let step = async |tools: &kinora::actors::encoder::Tools| {
        let job = queue::claim(&cx.pool, worker, true, Some(id)).await.expect("claim").expect("a row");
        let cancel = kinora::media::sandbox::Cancel::default();
        kinora::actors::encoder::run_job(&cx, tools, job, worker, cancel).await.expect("run")
    };
    let client = studio.client().await;
    // As if the worker had died after the file and before its row.
    let again = async || {
        let sql = "update media_jobs set state = 'queued' where media = $1 and kind = 'av1'";
        client.execute(sql, &[&id]).await.expect("row");
        client
            .execute("delete from media_jobs where media = $1 and kind = 'package'", &[&id])
            .await
            .expect("package");
    };
    for _ in ["probe", "prepare", "mezzanine", "av1"] {
        step(&tools).await;
    }
    let place = public(&studio, &wait(&studio, "Even", |w| w.playable == 1).await).join("av1-90/00000.m4s");
    let modified = || std::fs::metadata(&place).expect("segment").modified().expect("time");
    let (bytes, before) = (std::fs::read(&place).expect("bytes"), modified());

    // The configuration changes in the middle: the round goes on as it began, and what is finished stays.
    tools.quantizer = 200;
    again().await;
    step(&tools).await;
    assert_eq!(modified(), before, "the same key: not done again");

    // A file that was made otherwise does not count.
    let made = studio.data.path().join("media/work").join(id.to_string()).join("1/made.json");
    let text = std::fs::read_to_string(&made).expect("manifest");
    let other = text.replace("\"quantizer\":110", "\"quantizer\":200");
    assert_ne!(text, other);
    std::fs::write(&made, other).expect("changed");
    again().await;
    step(&tools).await;
    let coarse = std::fs::read(&place).expect("bytes");
    assert!(coarse.len() < bytes.len(), "made anew with the other settings");
    // Nor one that was cut or altered behind our back.
    std::fs::write(&place, &coarse[..coarse.len() / 2]).expect("cut");
    again().await;
    step(&tools).await;
    assert_eq!(std::fs::read(&place).expect("bytes"), coarse, "and comes out the same");
    kinora::actors::encoder::drain(&cx, &tools, id).await.expect("drained");
    wait(&studio, "Even", |w| w.processing == "ready").await;
    studio.close().await;
}

/// Processes whose command line names `what`, and all below them.
fn family(what: &str) -> Vec<i32> {
    let stat = |id: i32| {
        let line = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        line[line.rfind(')')? + 2..].split(' ').nth(1)?.parse::<i32>().ok()
    };
    let all: Vec<i32> = std::fs::read_dir("/proc")
        .expect("proc")
        .filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    let named = |id: &&i32| {
        std::fs::read(format!("/proc/{id}/cmdline")).is_ok_and(|c| String::from_utf8_lossy(&c).contains(what))
    };
    let mut found: Vec<i32> = all.iter().filter(named).copied().collect();
    loop {
        let more: Vec<i32> = all
            .iter()
            .filter(|id| !found.contains(id) && stat(**id).is_some_and(|p| found.contains(&p)))
            .copied()
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_helper_program_that_stands_still_is_ended_and_its_piece_resumed() {
    let studio = Studio::start_in(
        tempfile::tempdir().expect("data"),
        Roles { scheduler: false, worker: false, ..Roles::ALL },
        |c| {
            c.media.stuck_seconds = 3;
            c.media.av1 = kinora::config::Av1::None;
        },
    )
    .await;
    let account = person(&studio, "maker@example.org", &[Role::Creator]).await;
    let cx = studio.instance.services.clone();
    let folder = tempfile::tempdir().expect("folder");
    let meta = Metadata::account(account, Uuid::now_v7(), cx.clock.now());
    let path = clip(folder.path(), 120);
    let (id, _) = uploads::import_file(&cx, account, path, "Stopped", meta).await.expect("imported");
    let tools = kinora::actors::encoder::Tools::new(&cx);
    let worker = Uuid::now_v7();
    let run = async || {
        let job = queue::claim(&cx.pool, worker, true, Some(id)).await.expect("claim").expect("a row");
        let cancel = kinora::media::sandbox::Cancel::default();
        kinora::actors::encoder::run_job(&cx, &tools, job, worker, cancel).await.expect("run")
    };
    run().await;
    // The decoder is stopped as a sick disk or a bug would do it: alive, and doing nothing. Its worker's folder
    // stands in its command line.
    let mark = format!("prepare-{worker}");
    let stopper = tokio::task::spawn_blocking(move || {
        loop {
            // bubblewrap's own processes come and go before the decoder does; all of them are stopped.
            let found = family(&mark);
            let decoder = |id: &i32| {
                std::fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|c| c.trim() == "ffmpeg")
            };
            if found.iter().any(decoder) {
                for id in found {
                    let _ = Command::new("kill").args(["-STOP", &id.to_string()]).status();
                }
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let outcome = run().await;
    stopper.await.expect("stopped");
    assert_eq!(outcome, kinora::actors::encoder::Outcome::Failed);
    assert_eq!(family(&format!("prepare-{worker}")), Vec::<i32>::new(), "nothing of it is left");
    let row = studio
        .client()
        .await
        .query_one(
            "select state, error, attempts from media_jobs where media = $1 and kind = 'prepare'",
            &[&id],
        )
        .await
        .expect("row");
    assert_eq!(
        (row.get::<_, String>(0), row.get::<_, String>(1), row.get::<_, i32>(2)),
        ("queued".into(), "worker_lost".into(), 1)
    );
    kinora::actors::encoder::drain(&cx, &tools, id).await.expect("drained");
    let work = wait(&studio, "Stopped", |w| w.processing == "ready").await;
    assert_eq!(work.playable, 1);
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rung_that_a_dead_worker_made_and_did_not_tell_is_told_by_the_last_one() {
    let roles = Roles { scheduler: false, worker: false, ..Roles::ALL };
    let place = tempfile::tempdir().expect("data folder");
    let studio = Studio::start_in(place, roles, |c| c.media.av1_rungs = vec![60]).await;
    let account = person(&studio, "maker@example.org", &[Role::Creator]).await;
    let cx = studio.instance.services.clone();
    let folder = tempfile::tempdir().expect("folder");
    let meta = Metadata::account(account, Uuid::now_v7(), cx.clock.now());
    let path = clip(folder.path(), 2);
    let (id, _) = uploads::import_file(&cx, account, path, "Two", meta).await.expect("imported");
    let tools = kinora::actors::encoder::Tools::new(&cx);
    let (dead, alive) = (Uuid::now_v7(), Uuid::now_v7());
    let claim = async |who| queue::claim(&cx.pool, who, true, Some(id)).await.expect("claim");
    let run = async |job| {
        let cancel = kinora::media::sandbox::Cancel::default();
        kinora::actors::encoder::run_job(&cx, &tools, job, alive, cancel).await.expect("run")
    };
    for _ in ["probe", "prepare", "mezzanine"] {
        run(claim(alive).await.expect("a row")).await;
    }
    // It takes the smaller rung, makes all of it, notes that it is complete, and dies before it says so.
    let taken = claim(dead).await.expect("a row");
    assert_eq!((taken.kind, taken.rung), (JobKind::Smaller, 60));
    let work = wait(&studio, "Two", |w| w.playable == 1).await;
    let rooms = studio.data.path().join("media/work").join(id.to_string()).join("1");
    let manifest = std::fs::read_to_string(rooms.join("made.json")).expect("manifest");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    let made: kinora::media::normalise::Normalised =
        serde_json::from_value(manifest["normalised"].clone()).expect("what the pass made");
    let stream = kinora::media::smaller::make(
        (&tools.sandbox, &tools.limits, &kinora::media::sandbox::Cancel::default()),
        &rooms.join("mezzanine"),
        &made,
        made.smaller[0],
        &public(&studio, &work),
        |_| {},
    )
    .expect("made");
    std::fs::write(rooms.join("h264-60.json"), serde_json::to_string(&stream).expect("note")).expect("noted");
    // Others do the rest, which is then all.
    while let Some(job) = claim(alive).await {
        run(job).await;
    }
    let work = wait(&studio, "Two", |w| w.processing == "ready").await;
    let names: Vec<&str> = work.renditions.iter().map(|r| r.name.as_str()).collect();
    assert!(names.contains(&"h264-60") && names.contains(&"av1-60"), "{names:?}");
    let master = std::fs::read_to_string(public(&studio, &work).join("master.m3u8")).expect("master");
    assert!(master.contains("h264-60/") && master.contains("h264-90/"), "{master}");
    // Its row comes back, has nothing to do, and says nothing twice.
    let aged = "update media_jobs set lease_until = now() - interval '1 minute' where state = 'running'";
    assert_eq!(studio.client().await.execute(aged, &[]).await.expect("aged"), 1);
    kinora::actors::encoder::drain(&cx, &tools, id).await.expect("drained");
    assert!(rows(&studio).await.iter().all(|r| r.2 == "done"));
    let told = "select count(*) from events where type = 'RenditionReady'";
    assert_eq!(studio.client().await.query_one(told, &[]).await.expect("count").get::<_, i64>(0), 2);
    studio.verify().await;
    studio.close().await;
}
