//! From an upload over HTTP to a film that plays in both codecs, on a real PostgreSQL and with the
//! real ffmpeg; who gets its bytes, and what a killed worker loses.

use crate::support::{Browser, Studio};
use kinora::actors::accounts::register::{self, NewAccount};
use kinora::actors::encoder::queue;
use kinora::actors::uploads;
use kinora::config::Processing;
use kinora::domain::account::Origin;
use kinora::domain::shared::Role;
use kinora::projections::media::{self as works, Work};
use kinora::startup::Roles;
use kinora::store::Metadata;
use sha2::Digest;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use uuid::Uuid;

const PASSWORD: &str = "a projector hums at night";

async fn person(studio: &Studio, mail: &str, roles: &[Role]) -> Uuid {
    let cx = &studio.instance.services;
    let new = NewAccount {
        mail: mail.into(),
        display_name: "Somebody".into(),
        username: String::new(),
        password: PASSWORD.into(),
    };
    let meta = Metadata::system("test", cx.clock.new_id(), cx.clock.now());
    let made = register::by_operator(cx, cx.clock.new_id(), meta, &new, Origin::Shell, roles.to_vec()).await;
    let made = made.expect("registered");
    studio.settle().await;
    made.account
}

async fn signed_in(studio: &Studio, mail: &str) -> Browser {
    let browser = studio.browser();
    let page = browser.submit("/login", "/login", &[("login", mail), ("password", PASSWORD)]).await;
    assert_eq!(page.status, 303, "{}", page.body);
    browser
}

fn clip(folder: &Path, seconds: u32) -> PathBuf {
    let path = folder.join(format!("clip-{seconds}.mp4"));
    let picture = format!("testsrc2=size=160x90:rate=24:duration={seconds}");
    let tone = format!("sine=frequency=440:duration={seconds}");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &tone])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest"])
        .arg(&path)
        .status();
    assert!(made.expect("ffmpeg").success());
    path
}

async fn upload(browser: &Browser, title: &str, name: &str, bytes: Vec<u8>) -> crate::support::Page {
    let token = browser.get("/studio/uploads").await.hidden("_csrf").expect("token");
    let form = reqwest::multipart::Form::new()
        .text("_csrf", token)
        .text("title", title.to_owned())
        .part("file", reqwest::multipart::Part::bytes(bytes).file_name(name.to_owned()));
    let sent = browser
        .client
        .post(format!("{}/uploads/", browser.url))
        .multipart(form)
        .send()
        .await
        .expect("answer");
    let status = sent.status().as_u16();
    let headers = sent.headers().clone();
    crate::support::Page { status, headers, body: sent.text().await.unwrap_or_default() }
}

async fn the_work(studio: &Studio, title: &str) -> Work {
    studio.settle().await;
    let all = works::list(&studio.instance.services.reader, None, None, 100).await.expect("list");
    all.into_iter().find(|w| w.title == title).unwrap_or_else(|| panic!("no work {title}"))
}

async fn wait(studio: &Studio, title: &str, done: impl Fn(&Work) -> bool) -> Work {
    let until = Instant::now() + Duration::from_secs(240);
    loop {
        let work = the_work(studio, title).await;
        if done(&work) {
            return work;
        }
        assert!(Instant::now() < until, "{title} is {} {:?}", work.processing, work.reason);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn public(studio: &Studio, work: &Work) -> PathBuf {
    studio.data.path().join("media/public").join(work.id.to_string()).join(work.playable.to_string())
}

fn frames(path: &Path) -> u64 {
    let out = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-count_frames",
            "-select_streams",
            "v",
            "-show_entries",
            "stream=nb_read_frames",
        ])
        .args(["-of", "csv=p=0"])
        .arg(path)
        .output()
        .expect("ffprobe");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    text.lines()
        .next()
        .and_then(|l| l.trim_end_matches(',').parse().ok())
        .unwrap_or_else(|| panic!("{path:?}: {text}"))
}

/// The address of the player's master playlist on a page.
fn master_of(page: &str) -> Option<String> {
    let start = page.find("data-hls=\"")? + 10;
    Some(page[start..start + page[start..].find('"')?].to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_plays_first_as_h264_then_as_av1_and_only_for_whom_it_may() {
    let studio = Studio::start().await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    person(&studio, "member@example.org", &[]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let visitor = studio.browser();
    let member = signed_in(&studio, "member@example.org").await;
    let folder = tempfile::tempdir().expect("folder");
    let bytes = std::fs::read(clip(folder.path(), 8)).expect("clip");
    let sent = upload(&maker, "The Salt Keeper", "private-name.mp4", bytes.clone()).await;
    assert_eq!(sent.status, 303, "{}", sent.body);
    assert!(sent.location().starts_with("/studio/uploads?at="), "{}", sent.location());
    let list = maker.follow(sent.location()).await;
    assert!(list.body.contains("The Salt Keeper"));

    let work = wait(&studio, "The Salt Keeper", |w| w.processing == "ready").await;
    assert_eq!(work.slug, "the-salt-keeper");
    assert_eq!(work.frames, 192);
    let kinds: Vec<String> = studio
        .client()
        .await
        .query(
            "select type from events where stream_id = $1 order by version",
            &[&format!("media-{}", work.id)],
        )
        .await
        .expect("events")
        .iter()
        .map(|r| r.get(0))
        .collect();
    assert_eq!(
        kinds,
        [
            "UploadReceived",
            "ProbingStarted",
            "MediaProbed",
            "ProcessingStarted",
            "MediaPlayable",
            "RenditionReady",
            "MediaReady"
        ]
    );
    let folder = public(&studio, &work);
    let names: Vec<&str> = work.renditions.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["h264-90", "audio", "download.mp4", "av1-90"]);
    for file in ["h264-90/index.m3u8", "av1-90/index.m3u8", "download.mp4"] {
        assert_eq!(frames(&folder.join(file)), 192, "{file}");
    }
    let master = std::fs::read_to_string(folder.join("master.m3u8")).expect("master");
    assert!(
        master.contains("av01.0.00M.08") && master.contains("avc1.") && master.contains("AUDIO=\"sound\"")
    );
    assert!(
        !studio.data.path().join("media/work").join(work.id.to_string()).join("1").exists(),
        "mezzanine is gone"
    );

    // A draft exists for its maker only.
    assert_eq!(maker.get("/media/the-salt-keeper").await.status, 200);
    for other in [&visitor, &member] {
        assert_eq!(other.get("/media/the-salt-keeper").await.status, 404);
        assert_eq!(other.get(&format!("/media/files/{}/1/poster-160.jpg", work.id)).await.status, 404);
    }
    let editor = format!("/studio/media/{}", work.id);
    let published = maker.submit(&editor, &format!("{editor}/publish"), &[]).await;
    assert_eq!(published.status, 303, "{}", published.body);
    studio.settle().await;

    // Published for members: the page and the poster are public, not one byte of the film.
    let page = visitor.get("/media/the-salt-keeper").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("For members") && master_of(&page.body).is_none());
    let poster = visitor.get(&format!("/media/files/{}/1/poster-160.jpg", work.id)).await;
    assert_eq!(poster.status, 200);
    assert!(poster.headers["cache-control"].to_str().unwrap().contains("immutable"));
    let own = master_of(&maker.get("/media/the-salt-keeper").await.body).expect("player");
    let base = own.trim_end_matches("/master.m3u8").to_owned();
    for file in [
        "master.m3u8",
        "h264-90/index.m3u8",
        "h264-90/00000.m4s",
        "av1-90/init.mp4",
        "audio/00000.m4s",
        "download.mp4",
    ] {
        let address = format!("{base}/{file}");
        assert_eq!(maker.get(&address).await.status, 200, "{file}");
        for other in [&visitor, &member] {
            let answer = other.get(&address).await;
            assert_eq!(answer.status, 404, "{file}");
            assert!(!answer.body.contains("EXTM3U"));
        }
    }
    // Neither another signature nor another path opens anything.
    for wrong in [
        base.replace("/m/", "/m/9"),
        format!("{base}/../../../originals"),
        format!("/m/1.x/{}/1/master.m3u8", work.id),
    ] {
        assert_eq!(maker.get(&format!("{wrong}/master.m3u8")).await.status, 404, "{wrong}");
    }

    // Ranges, HEAD, types, a name for the download.
    let file = format!("{}{base}/download.mp4", maker.url);
    let part = maker.client.get(&file).header("range", "bytes=0-99").send().await.expect("part");
    assert_eq!((part.status().as_u16(), part.headers()["content-length"].to_str().unwrap()), (206, "100"));
    assert_eq!(part.headers()["content-type"], "video/mp4");
    assert_eq!(part.bytes().await.expect("bytes").len(), 100);
    let head = maker.client.head(format!("{file}?download=1")).send().await.expect("head");
    assert_eq!(head.headers()["content-disposition"], "attachment; filename=\"the-salt-keeper.mp4\"");
    assert!(head.headers()["content-length"].to_str().unwrap().parse::<u64>().unwrap() > 1000);
    let again =
        maker.client.get(&file).header("if-none-match", &head.headers()["etag"]).send().await.expect("again");
    assert_eq!(again.status().as_u16(), 304);

    // Free for everybody: a visitor's own address plays; hidden again, it ends at once.
    let fields =
        [("title", "The Salt Keeper"), ("slug", "salt"), ("description", "*Salt.*"), ("tier", "free")];
    let saved = maker.submit(&editor, &editor, &fields).await;
    assert_eq!(saved.status, 303, "{}", saved.body);
    studio.settle().await;
    assert_eq!(visitor.get("/media/the-salt-keeper").await.location(), "/media/salt");
    let page = visitor.get("/media/salt").await;
    assert!(page.body.contains("<em>Salt.</em>"));
    let free = master_of(&page.body).expect("player");
    assert_eq!(visitor.get(&free).await.status, 200);
    assert_eq!(maker.submit(&editor, &format!("{editor}/unpublish"), &[]).await.status, 303);
    studio.settle().await;
    assert_eq!(visitor.get(&free).await.status, 404);

    // The name of the person's file stands in no event.
    let leaked: i64 = studio
        .client()
        .await
        .query_one("select count(*) from events where payload::text like '%private-name%'", &[])
        .await
        .expect("count")
        .get(0);
    assert_eq!(leaked, 0);
    assert!(maker.get(&editor).await.body.contains("private-name.mp4"), "its maker still sees it");

    // The same content again is stored once.
    upload(&maker, "Again", "other.mp4", bytes.clone()).await;
    let second = the_work(&studio, "Again").await;
    assert_eq!(second.sha256, work.sha256);
    assert_eq!(second.sha256, hex::encode(sha2::Sha256::digest(&bytes)));
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_files_are_refused_in_a_sentence_and_leave_nothing() {
    let studio = Studio::start_with(|c| c.processing = Processing::Eager).await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let folder = tempfile::tempdir().expect("folder");
    let good = std::fs::read(clip(folder.path(), 1)).expect("clip");
    let index = good.windows(4).position(|w| w == b"moov").expect("index");
    let cases: [(&str, Vec<u8>, &str); 4] = [
        ("empty", vec![], "The file is empty."),
        ("text", b"Dear all,\nthis is no film.\n".to_vec(), "plain text"),
        ("cut", good[..index - 40].to_vec(), "its index is missing"),
        ("list", b"#EXTM3U\n#EXTINF:5,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n".to_vec(), "playlist"),
    ];
    for (title, bytes, words) in cases {
        let sent = upload(&maker, title, &format!("{title}.mp4"), bytes).await;
        assert_eq!(sent.status, 303, "{title}: {}", sent.body);
        // Eager: it is decided before the answer.
        let work = the_work(&studio, title).await;
        assert_eq!(work.processing, "rejected", "{title}");
        assert!(work.reason.as_deref().is_some_and(|r| r.contains(words)), "{title}: {:?}", work.reason);
        let page = maker.get(&format!("/studio/media/{}", work.id)).await;
        assert!(page.body.contains("This file was not accepted"), "{title}");
        assert!(!public(&studio, &work).exists());
    }
    let mut left = vec![];
    for area in ["media/originals", "media/public", "media/work", "uploads"] {
        walk(&studio.data.path().join(area), &mut left);
    }
    assert_eq!(left, Vec::<PathBuf>::new());
    studio.close().await;
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() { walk(&entry.path(), found) } else { found.push(entry.path()) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_upload_goes_on_where_it_stopped() {
    let studio = Studio::start_with(|c| c.limits.upload_bytes = 5_000_000).await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    person(&studio, "other@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let other = signed_in(&studio, "other@example.org").await;
    let token = maker.get("/studio/uploads").await.hidden("_csrf").expect("token");
    let foreign = other.get("/studio/uploads").await.hidden("_csrf").expect("token");
    let folder = tempfile::tempdir().expect("folder");
    let bytes = std::fs::read(clip(folder.path(), 2)).expect("clip");
    let tus = |browser: &Browser, method: reqwest::Method, path: &str, token: &str| {
        browser
            .client
            .request(method, format!("{}{path}", browser.url))
            .header("tus-resumable", "1.0.0")
            .header("x-csrf-token", token)
    };
    let told = maker
        .client
        .request(reqwest::Method::OPTIONS, format!("{}/uploads/", maker.url))
        .send()
        .await
        .expect("options");
    assert_eq!(told.headers()["tus-extension"], "creation,termination,expiration,checksum");
    let large = tus(&maker, reqwest::Method::POST, "/uploads/", &token)
        .header("upload-length", "6000000")
        .send()
        .await
        .expect("large");
    assert_eq!(large.status().as_u16(), 413);
    assert!(large.text().await.expect("words").contains("6.0 MB"));

    let created = tus(&maker, reqwest::Method::POST, "/uploads/", &token)
        .header("upload-length", bytes.len())
        .header("upload-metadata", "filename bmFtZS5tcDQ=,title VHdvIHBhcnRz")
        .send()
        .await
        .expect("created");
    assert_eq!(created.status().as_u16(), 201);
    assert!(created.headers().contains_key("upload-expires"));
    let place = created.headers()["location"].to_str().expect("text").to_owned();
    let patch = |browser: &Browser, token: &str, offset: usize, part: Vec<u8>, checksum: Option<String>| {
        let mut request = tus(browser, reqwest::Method::PATCH, &place, token)
            .header("content-type", "application/offset+octet-stream")
            .header("upload-offset", offset)
            .body(part);
        if let Some(sum) = checksum {
            request = request.header("upload-checksum", sum);
        }
        request.send()
    };
    let half = bytes.len() / 2;
    assert_eq!(
        patch(&maker, &token, 0, bytes[..half].to_vec(), None).await.expect("half").status().as_u16(),
        204
    );
    let head = tus(&maker, reqwest::Method::HEAD, &place, &token).send().await.expect("head");
    assert_eq!(head.headers()["upload-offset"].to_str().expect("text"), half.to_string());
    // Somebody else neither sees nor continues it; a wrong offset and damaged bytes are refused.
    assert_eq!(
        tus(&other, reqwest::Method::HEAD, &place, &foreign).send().await.expect("head").status().as_u16(),
        404
    );
    assert_eq!(
        patch(&other, &foreign, half, bytes[half..].to_vec(), None).await.expect("x").status().as_u16(),
        404
    );
    assert_eq!(patch(&maker, &token, 0, bytes[..10].to_vec(), None).await.expect("x").status().as_u16(), 409);
    let wrong = format!("sha256 {}", base64(&[0; 32]));
    assert_eq!(
        patch(&maker, &token, half, bytes[half..].to_vec(), Some(wrong)).await.expect("x").status().as_u16(),
        460
    );
    let right = format!("sha256 {}", base64(&sha2::Sha256::digest(&bytes[half..])));
    assert_eq!(
        patch(&maker, &token, half, bytes[half..].to_vec(), Some(right)).await.expect("x").status().as_u16(),
        204
    );
    let work = the_work(&studio, "Two parts").await;
    assert_eq!(work.sha256, hex::encode(sha2::Sha256::digest(&bytes)));
    assert_eq!(place, format!("/uploads/{}", work.id));

    // What is never completed goes after seven days, or when it is thrown away.
    let second = tus(&maker, reqwest::Method::POST, "/uploads/", &token)
        .header("upload-length", "1000")
        .send()
        .await
        .expect("second");
    let second = second.headers()["location"].to_str().expect("text").to_owned();
    assert_eq!(
        tus(&maker, reqwest::Method::DELETE, &second, &token).send().await.expect("gone").status().as_u16(),
        204
    );
    tus(&maker, reqwest::Method::POST, "/uploads/", &token)
        .header("upload-length", "1000")
        .send()
        .await
        .expect("third");
    let cx = &studio.instance.services;
    let later = cx.clock.now() + chrono::TimeDelta::days(8);
    assert_eq!(uploads::remove_expired(cx, later).await.expect("removed"), 1);
    let mut left = vec![];
    walk(&studio.data.path().join("uploads"), &mut left);
    assert_eq!(left, Vec::<PathBuf>::new());
    studio.close().await;
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

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
    run(take().await).await;
    run(take().await).await;
    run(take().await).await;
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
    studio
        .client()
        .await
        .execute(
            "update media_jobs set lease_until = now() - interval '1 minute' where state = 'running'",
            &[],
        )
        .await
        .expect("aged");
    let report = studio.run_job("watchdog", "2026-11-21T10:00:00Z").await;
    assert_eq!(report.counts["lost"], 1);
    kinora::actors::encoder::drain(&cx, &tools, id).await.expect("drained");
    let work = wait(&studio, "Long", |w| w.processing == "ready").await;
    let after = rows(&studio).await;
    assert!(after.iter().all(|r| r.2 == "done"), "{after:?}");
    assert_eq!(after[0], before.1, "the finished segment was not touched");
    assert_eq!(std::fs::metadata(&finished).expect("kept").modified().expect("time"), before.0);
    assert_eq!(after[1].3, 2, "the lost one was tried again");
    assert_eq!(frames(&public(&studio, &work).join("av1-90/index.m3u8")), 336);
    // The dead worker comes back: its row is no longer its own.
    let made = queue::Made::default();
    assert!(!queue::finish(&**studio.client().await, dead.id, Uuid::now_v7(), &made).await.expect("refused"));
    let verified = kinora::actors::media_files::verify(&cx).await.expect("verify");
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
async fn a_picture_gets_its_sizes_and_a_schedule_publishes_it() {
    let studio = Studio::start().await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let mut jpeg = vec![];
    let picture = image::RgbImage::from_fn(1000, 500, |x, y| image::Rgb([(x / 4) as u8, (y / 2) as u8, 90]));
    image::codecs::jpeg::JpegEncoder::new(&mut jpeg).encode_image(&picture).expect("jpeg");
    upload(&maker, "A still", "still.jpg", jpeg).await;
    let work = wait(&studio, "A still", |w| w.processing == "ready").await;
    let poster = work.poster.clone().expect("poster");
    assert_eq!(poster.widths, [400, 800]);
    let visitor = studio.browser();
    let address = format!("/media/files/{}/1/poster-400.avif", work.id);
    assert_eq!(visitor.get(&address).await.status, 404);
    let editor = format!("/studio/media/{}", work.id);
    let past =
        maker.submit(&editor, &format!("{editor}/schedule"), &[("publish_at", "2020-01-01T00:00")]).await;
    assert_eq!(past.status, 422);
    let when = (studio.instance.services.clock.now() + chrono::TimeDelta::hours(1))
        .format("%Y-%m-%dT%H:%M")
        .to_string();
    assert_eq!(
        maker.submit(&editor, &format!("{editor}/schedule"), &[("publish_at", &when)]).await.status,
        303
    );
    studio.settle().await;
    let later = (studio.instance.services.clock.now() + chrono::TimeDelta::hours(2)).to_rfc3339();
    assert_eq!(studio.run_job("publish-scheduled", &later).await.counts["published"], 1);
    studio.settle().await;
    let answer = visitor.get(&address).await;
    assert_eq!((answer.status, answer.headers["content-type"].to_str().unwrap()), (200, "image/avif"));
    studio.close().await;
}
