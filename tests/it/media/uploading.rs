//! Files that arrive: in pieces, broken off, and those that are none of ours.

use super::*;

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
    // A client that never heard the answer asks again, and is told that all has arrived.
    studio.settle().await;
    let head = tus(&maker, reqwest::Method::HEAD, &place, &token).send().await.expect("head");
    assert_eq!(head.status().as_u16(), 200);
    assert_eq!(head.headers()["upload-offset"].to_str().expect("text"), bytes.len().to_string());
    let again = patch(&maker, &token, bytes.len(), vec![], None).await.expect("again");
    assert_eq!(again.status().as_u16(), 204);
    assert_eq!(
        tus(&other, reqwest::Method::HEAD, &place, &foreign).send().await.expect("head").status().as_u16(),
        404
    );
    let work = the_work(&studio, "Two parts").await;
    assert_eq!(work.sha256, hex::encode(sha2::Sha256::digest(&bytes)));
    assert_eq!(place, format!("/uploads/{}", work.id));

    // All bytes were here when the process was killed: asking completes it, and so does the watchdog.
    for (number, asked) in [(1, true), (2, false)] {
        let title = format!("Interrupted {number}");
        let about = format!("title {}", base64(title.as_bytes()));
        let begun = tus(&maker, reqwest::Method::POST, "/uploads/", &token)
            .header("upload-length", bytes.len())
            .header("upload-metadata", &about)
            .send()
            .await
            .expect("begun");
        let place = begun.headers()["location"].to_str().expect("text").to_owned();
        let file = studio.data.path().join(place.trim_start_matches('/'));
        std::fs::write(&file, &bytes).expect("written");
        if asked {
            let head = tus(&maker, reqwest::Method::HEAD, &place, &token).send().await.expect("head");
            assert_eq!(head.headers()["upload-offset"].to_str().expect("text"), bytes.len().to_string());
            assert_eq!(head.headers()["upload-metadata"].to_str().expect("text"), about);
        } else {
            let old = std::time::SystemTime::now() - Duration::from_secs(120);
            std::fs::File::open(&file).expect("file").set_modified(old).expect("aged");
            let report = studio.run_job("watchdog", "2026-11-21T10:00:00Z").await;
            assert_eq!(report.counts["uploads_completed"], 1);
        }
        let work = the_work(&studio, &title).await;
        assert_eq!(work.bytes, i64::try_from(bytes.len()).expect("small") as u64);
        assert!(!file.exists(), "the arrived bytes lie only once");
    }
    // A network that lets only POST through, with the checksum that every server knows.
    let begun = tus(&maker, reqwest::Method::POST, "/uploads/", &token).header("upload-length", "3");
    let place = begun.send().await.expect("begun").headers()["location"].to_str().expect("text").to_owned();
    let sent = tus(&maker, reqwest::Method::POST, &place, &token)
        .header("x-http-method-override", "PATCH")
        .header("content-type", "application/offset+octet-stream")
        .header("upload-offset", "0")
        .header("upload-checksum", "sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk=")
        .body(vec![0; 3]);
    assert_eq!(sent.send().await.expect("sent").status().as_u16(), 460);

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
    assert_eq!(uploads::remove_expired(cx, later).await.expect("removed"), 2);
    let mut left = vec![];
    walk(&studio.data.path().join("uploads"), &mut left);
    assert_eq!(left, Vec::<PathBuf>::new());
    studio.close().await;
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_falls_silent_while_sending_is_given_up_and_goes_on_from_what_arrived() {
    let studio = Studio::start_with(|c| c.limits.body_idle_seconds = 1).await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let token = maker.get("/studio/uploads").await.hidden("_csrf").expect("token");
    let tus = |method: reqwest::Method, path: &str| {
        maker
            .client
            .request(method, format!("{}{path}", maker.url))
            .header("tus-resumable", "1.0.0")
            .header("x-csrf-token", &token)
    };
    let created = tus(reqwest::Method::POST, "/uploads/").header("upload-length", 100_000).send().await;
    let place = created.expect("created").headers()["location"].to_str().expect("text").to_owned();
    let (feed, silent) = tokio::sync::mpsc::unbounded_channel::<Result<Vec<u8>, std::io::Error>>();
    feed.send(Ok(vec![7; 4000])).expect("fed");
    let body =
        futures_util::stream::unfold(silent, |mut from| async { from.recv().await.map(|part| (part, from)) });
    let begun = Instant::now();
    let answer = tus(reqwest::Method::PATCH, &place)
        .header("content-type", "application/offset+octet-stream")
        .header("upload-offset", 0)
        .body(reqwest::Body::wrap_stream(body))
        .send()
        .await;
    // Whether the answer or the end of the connection is seen first is the client's affair.
    if let Ok(answer) = answer {
        assert!(
            answer.status().is_client_error() || answer.status().is_server_error(),
            "{}",
            answer.status()
        );
    }
    assert!(begun.elapsed() < Duration::from_secs(60), "it was given up");
    drop(feed);
    let head = tus(reqwest::Method::HEAD, &place).send().await.expect("head");
    assert_eq!(head.headers()["upload-offset"], "4000", "what arrived is kept");
    let rest = tus(reqwest::Method::PATCH, &place)
        .header("content-type", "application/offset+octet-stream")
        .header("upload-offset", 4000)
        .body(vec![7; 1000])
        .send()
        .await
        .expect("goes on");
    assert_eq!(rest.status().as_u16(), 204);
    studio.close().await;
}
