//! Finished works in a bucket that speaks S3: moved there and back without a moment in which something is
//! missing, delivered, compared and erased as from the data folder.

use super::*;
use crate::support::Page;
use crate::support::bucket::Bucket;
use kinora::actors::media_files::{self, Depth};
use kinora::actors::media_moves::{self, MoveError, Moved};
use kinora::actors::media_orphans;
use kinora::config::Av1;
use kinora::domain::media::Place;

struct Scene {
    studio: Studio,
    maker: Browser,
    work: Work,
    film: Vec<u8>,
}

async fn scene(bucket: &Bucket) -> Scene {
    let studio = Studio::start_with(|c| {
        c.media.av1 = Av1::None;
        bucket.settings(c);
    })
    .await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let folder = tempfile::tempdir().expect("folder");
    let film = std::fs::read(clip(folder.path(), 2)).expect("clip");
    assert_eq!(upload(&maker, "Salt", "a.mp4", film.clone()).await.status, 303);
    let work = wait(&studio, "Salt", |w| w.processing == "ready").await;
    let editor = format!("/studio/media/{}", work.id);
    assert_eq!(maker.submit(&editor, &format!("{editor}/publish"), &[]).await.status, 303);
    studio.settle().await;
    Scene { studio, maker, work, film }
}

async fn moved(studio: &Studio, to: Place) -> Result<Moved, MoveError> {
    let cx = &studio.instance.services;
    let meta = Metadata::system("test", cx.clock.new_id(), cx.clock.now());
    let moved = media_moves::move_all(cx, to, None, &meta).await;
    studio.settle().await;
    moved
}

/// A process that is killed gives its lease back by being silent; tests do not wait that long.
async fn end_leases(studio: &Studio) {
    studio
        .client()
        .await
        .execute("delete from leases where name = 'media moves'", &[])
        .await
        .expect("deleted");
}

fn local(studio: &Studio) -> Vec<PathBuf> {
    let mut all = vec![];
    for area in ["public", "captions", "originals"] {
        walk(&studio.data.path().join("media").join(area), &mut all);
    }
    all
}

fn objects(bucket: &Bucket) -> Vec<PathBuf> {
    let mut all = vec![];
    walk(&bucket.objects(), &mut all);
    all
}

async fn asked(
    browser: &Browser,
    path: &str,
    headers: &[(&str, &str)],
) -> (u16, reqwest::header::HeaderMap, Vec<u8>) {
    let mut request = browser.client.get(format!("{}{path}", browser.url));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    (status, headers, answer.bytes().await.expect("a whole body").to_vec())
}

async fn base(maker: &Browser, work: &Work) -> String {
    let page: Page = maker.get(&format!("/media/{}", work.slug)).await;
    master_of(&page.body).expect("a player").trim_end_matches("/master.m3u8").to_owned()
}

async fn steps(studio: &Studio, work: &Work) -> Vec<String> {
    let rows = studio
        .client()
        .await
        .query(
            "select type from events where stream_id = $1 and type in ('FilesCopied', 'FilesSwitched', 'FormerFilesDeleted')
             order by version",
            &[&format!("media-{}", work.id)],
        )
        .await
        .expect("events");
    rows.iter().map(|r| r.get(0)).collect()
}

/// What people see of the work, byte by byte.
async fn seen(maker: &Browser, base: &str, work: &Work) -> Vec<Vec<u8>> {
    let mut all = vec![];
    for path in [
        format!("{base}/master.m3u8"),
        format!("{base}/h264-90/index.m3u8"),
        format!("{base}/h264-90/init.mp4"),
        format!("{base}/h264-90/00000.m4s"),
        format!("{base}/download.mp4"),
        format!("/media/files/{}/{}/poster-160.jpg", work.id, work.playable),
    ] {
        let (status, _, body) = asked(maker, &path, &[]).await;
        assert_eq!(status, 200, "{path}");
        all.push(body);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_work_in_a_bucket_is_delivered_as_before() {
    let bucket = Bucket::start().await;
    let Scene { studio, maker, work, film } = scene(&bucket).await;
    let base = base(&maker, &work).await;
    let before = seen(&maker, &base, &work).await;
    let here = local(&studio).len();

    let report = studio.run_job("keep-works", &studio.instance.services.clock.now().to_rfc3339()).await;
    assert_eq!((report.status, report.counts["works"]), ("completed", 1), "{report:?}");
    assert_eq!(local(&studio), Vec::<PathBuf>::new());
    assert_eq!(objects(&bucket).len(), here);
    assert_eq!(steps(&studio, &work).await, ["FilesCopied", "FilesSwitched", "FormerFilesDeleted"]);
    assert_eq!(the_work(&studio, "Salt").await.place, Place::S3);
    assert_eq!(seen(&maker, &base, &work).await, before);
    let asked_before = bucket.requests();

    // Parts, conditions, HEAD: of a part only that part is fetched.
    let whole = &before[4];
    let path = format!("{base}/download.mp4");
    let (status, headers, part) = asked(&maker, &path, &[("range", "bytes=10-19")]).await;
    assert_eq!((status, part.as_slice()), (206, &whole[10..20]));
    assert_eq!(headers["content-range"], format!("bytes 10-19/{}", whole.len()).as_str());
    let tag = headers["etag"].to_str().expect("text").to_owned();
    let (_, _, end) = asked(&maker, &path, &[("range", "bytes=-7"), ("if-range", &tag)]).await;
    assert_eq!(end, whole[whole.len() - 7..]);
    let (status, _, all) = asked(&maker, &path, &[("range", "bytes=0-1"), ("if-range", "\"other\"")]).await;
    assert_eq!((status, all.len()), (200, whole.len()), "the part is of another file");
    let (status, _, body) = asked(&maker, &path, &[("if-none-match", &tag)]).await;
    assert_eq!((status, body.len()), (304, 0));
    let since = headers["last-modified"].to_str().expect("text");
    assert_eq!(asked(&maker, &path, &[("if-modified-since", since)]).await.0, 304);
    assert_eq!(asked(&maker, &path, &[("range", &format!("bytes={}-", whole.len()))]).await.0, 416);
    let counted = bucket.requests();
    let head = maker.client.head(format!("{}{path}", maker.url)).send().await.expect("an answer");
    assert_eq!(head.headers()["content-length"], whole.len().to_string().as_str());
    assert_eq!(bucket.requests() - counted, 1, "HEAD is one question to the bucket");
    assert!(counted > asked_before);

    // The right is asked as before.
    let visitor = studio.browser();
    assert_eq!(asked(&visitor, &path, &[]).await.0, 404);
    assert_eq!(asked(&maker, &format!("{base}/h264-90/99999.m4s"), &[]).await.0, 404);

    // What comes later goes there too; until then it is served from here.
    let editor = format!("/studio/media/{}", work.id);
    let token = maker.get(&editor).await.hidden("_csrf").expect("token");
    let file = reqwest::multipart::Part::text("1\n00:00:00,100 --> 00:00:01,000\nSalt\n").file_name("a.srt");
    let form = reqwest::multipart::Form::new().text("_csrf", token).text("language", "en").part("file", file);
    let sent = maker.client.post(format!("{}{editor}/captions", maker.url)).multipart(form);
    assert_eq!(maker.answer(sent).await.status, 303);
    studio.settle().await;
    let name = the_work(&studio, "Salt").await.captions[0].file();
    assert_eq!(asked(&maker, &format!("{base}/captions/{name}"), &[]).await.0, 200);
    assert_eq!(moved(&studio, Place::S3).await.expect("moved").files, 1);
    assert_eq!(local(&studio), Vec::<PathBuf>::new());
    let (status, _, text) = asked(&maker, &format!("{base}/captions/{name}"), &[]).await;
    assert_eq!((status, String::from_utf8(text).expect("text").contains("Salt")), (200, true));

    // A new round is made of the original, which is fetched for it.
    assert_eq!(maker.submit(&editor, &format!("{editor}/reprocess"), &[]).await.status, 303);
    let work = wait(&studio, "Salt", |w| w.playable == 2 && w.processing == "ready").await;
    assert_eq!(moved(&studio, Place::S3).await.expect("moved").works, 1);
    assert_eq!(local(&studio), Vec::<PathBuf>::new());
    let key = bucket.objects().join("originals").join(&work.sha256[..2]).join(&work.sha256[2..]);
    assert_eq!(std::fs::read(key).expect("the original"), film);

    let cx = studio.instance.services.clone();
    for depth in [Depth::Bytes, Depth::Notes] {
        let verified = media_files::verify(&cx, depth).await.expect("compared");
        assert!(verified.ok && verified.originals == 1, "{verified:?}");
    }
    // What was removed is gone from the bucket too; the old round belongs to nothing and goes with it.
    assert_eq!(maker.submit(&editor, &format!("{editor}/remove"), &[("confirm", "yes")]).await.status, 303);
    studio.settle().await;
    let late = (cx.clock.now() + chrono::TimeDelta::days(31)).to_rfc3339();
    assert_eq!(studio.run_job("destroy-archives", &late).await.counts["media"], 1);
    assert_eq!(objects(&bucket), Vec::<PathBuf>::new());
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_cut_off_anywhere_hides_nothing_and_goes_on() {
    let bucket = Bucket::start().await;
    let Scene { studio, maker, work, .. } = scene(&bucket).await;
    let base = base(&maker, &work).await;
    let before = seen(&maker, &base, &work).await;
    let other = studio.beside_with(kinora::startup::Roles::COMMAND, |c| {
        c.media.av1 = Av1::None;
        bucket.settings(c);
        c.storage.keep = Place::Local;
    });
    let back = other.await;
    for (on, to) in [(&studio, Place::S3), (&back, Place::Local), (&studio, Place::S3)] {
        let mut cut = 0;
        let mut answered = 2;
        loop {
            bucket.answer(answered);
            let ended = tokio::select! {
                done = moved(on, to) => Some(done.expect("moved")),
                () = bucket.is_silent() => None,
            };
            bucket.answer(i64::MAX);
            assert_eq!(seen(&maker, &base, &work).await, before, "{to} after {answered} requests");
            if let Some(done) = ended {
                assert_eq!((done.findings.len(), done.no_room, done.waiting), (0, 0, 0), "{done:?}");
                break;
            }
            cut += 1;
            answered += 9;
            end_leases(&studio).await;
        }
        assert!(cut > 4, "{to}: it was cut off {cut} times");
        assert_eq!(the_work(&studio, "Salt").await.place, to);
        let (here, there) = (local(&studio).len(), objects(&bucket).len());
        assert!(if to == Place::S3 { here == 0 } else { here > 0 }, "{to}: {here} here, {there} there");
        let verified = media_files::verify(&on.instance.services, Depth::Bytes).await.expect("compared");
        assert!(verified.ok, "{verified:?}");
    }
    let steps = steps(&studio, &work).await;
    assert_eq!(steps.iter().filter(|s| *s == "FilesSwitched").count(), 3, "{steps:?}");
    assert_eq!(steps.last().map(String::as_str), Some("FormerFilesDeleted"));
    back.close().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_in_a_bucket_is_found_and_nothing_is_lost_over_it() {
    let bucket = Bucket::start().await;
    let Scene { studio, maker, work, .. } = scene(&bucket).await;
    let cx = studio.instance.services.clone();
    // Not where the settings keep works, and not without room.
    assert!(matches!(moved(&studio, Place::Local).await, Err(MoveError::KeptElsewhere(Place::S3))));
    let small = studio
        .beside_with(kinora::startup::Roles::COMMAND, |c| {
            bucket.settings(c);
            c.storage.s3.most_bytes = 1000;
        })
        .await;
    assert_eq!(moved(&small, Place::S3).await.expect("nothing moved").no_room, 1);
    small.close().await;
    // A work of which something is missing stays where it is.
    let segment = public(&studio, &work).join("h264-90/00000.m4s");
    let hidden = segment.with_extension("hidden");
    std::fs::rename(&segment, &hidden).expect("hidden");
    let report = moved(&studio, Place::S3).await.expect("nothing moved");
    assert!(report.works == 0 && report.findings.iter().any(|f| f.what.contains("segment")), "{report:?}");
    assert_eq!(the_work(&studio, "Salt").await.place, Place::Local);
    std::fs::rename(&hidden, &segment).expect("back");
    // Another key than the bucket's: an error, and everything is where it was.
    let wrong = studio
        .beside_with(kinora::startup::Roles::COMMAND, |c| {
            bucket.settings(c);
            c.storage.s3.key_id = "SOMEBODYELSE".into();
        })
        .await;
    assert!(matches!(moved(&wrong, Place::S3).await, Err(MoveError::Io(_))));
    wrong.close().await;
    let base = base(&maker, &work).await;
    let before = seen(&maker, &base, &work).await;
    assert_eq!(moved(&studio, Place::S3).await.expect("moved").works, 1);
    assert_eq!(seen(&maker, &base, &work).await, before);

    // Bytes that changed are found by hash, files that belong to nothing by their names and age.
    let key = bucket.objects().join("originals").join(&work.sha256[..2]).join(&work.sha256[2..]);
    let mut bytes = std::fs::read(&key).expect("the original");
    bytes[100] ^= 1;
    std::fs::write(&key, &bytes).expect("damaged");
    let verified = media_files::verify(&cx, Depth::Bytes).await.expect("compared");
    assert!(verified.findings.iter().any(|f| f.what.contains("differs from its hash")), "{verified:?}");
    bytes[100] ^= 1;
    std::fs::write(&key, &bytes).expect("mended");
    for name in ["public/0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000/1/x.m4s", "originals/ab/cd"] {
        let orphan = bucket.objects().join(name);
        std::fs::create_dir_all(orphan.parent().expect("a folder")).expect("made");
        std::fs::write(&orphan, b"nobody's").expect("written");
    }
    assert_eq!(media_orphans::prune(&cx, true).await.expect("pruned").orphans, 0, "they are too young");
    for name in ["public/0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000/1/x.m4s", "originals/ab/cd"] {
        let file = std::fs::File::options().write(true).open(bucket.objects().join(name)).expect("opened");
        file.set_modified(std::time::SystemTime::now() - Duration::from_secs(7200)).expect("aged");
    }
    let pruned = media_orphans::prune(&cx, true).await.expect("pruned");
    assert_eq!((pruned.orphans, pruned.bytes), (2, 16));
    assert!(!bucket.objects().join("originals/ab/cd").exists());
    assert!(media_files::verify(&cx, Depth::Bytes).await.expect("compared").ok);
    assert_eq!(seen(&maker, &base, &work).await, before);
    studio.close().await;
}
