//! An upload over HTTP that plays in both codecs, and only for whom it may.

use super::*;

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
    assert_eq!(names, ["h264-90", "audio", "audio-opus", "download.mp4", "av1-90"]);
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

/// A film of so many lines at 24 frames a second, with sound.
fn film(folder: &std::path::Path, lines: u32, seconds: u32) -> Vec<u8> {
    let place = folder.join("film.mp4");
    let done = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i"])
        .arg(format!("testsrc2=duration={seconds}:size={}x{lines}:rate=24", lines * 4 / 3))
        .args(["-f", "lavfi", "-i", &format!("sine=frequency=440:duration={seconds}")])
        .args(["-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"])
        .arg(&place)
        .status()
        .expect("ffmpeg");
    assert!(done.success());
    std::fs::read(place).expect("film")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_h264_comes_first_and_the_smaller_ones_join_it() {
    let studio = Studio::start_with(|c| c.media.av1_rungs = vec![90]).await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let folder = tempfile::tempdir().expect("folder");
    let bytes = film(folder.path(), 480, 7);
    assert_eq!(upload(&maker, "Tide", "tide.mp4", bytes).await.status, 303);
    let work = wait(&studio, "Tide", |w| w.processing == "ready").await;
    let client = studio.client().await;
    let told = client
        .query(
            "select type, payload::text from events where stream_id = $1 order by version",
            &[&format!("media-{}", work.id)],
        )
        .await
        .expect("events");
    let told: Vec<(String, String)> = told.iter().map(|r| (r.get(0), r.get(1))).collect();
    let playable = &told.iter().find(|(kind, _)| kind == "MediaPlayable").expect("playable").1;
    assert!(playable.contains("h264-480") && !playable.contains("h264-360"), "{playable}");
    assert_eq!(told.iter().filter(|(kind, _)| kind == "RenditionReady").count(), 3, "360, 90 and AV1");
    assert_eq!(told.last().expect("events").0, "MediaReady");
    let mut names: Vec<&str> = work.renditions.iter().map(|r| r.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["audio", "audio-opus", "av1-90", "download.mp4", "h264-360", "h264-480", "h264-90"]);
    let place = public(&studio, &work);
    for name in ["h264-90", "h264-360", "h264-480", "av1-90", "download.mp4"] {
        let file =
            if name == "download.mp4" { place.join(name) } else { place.join(name).join("index.m3u8") };
        assert_eq!(frames(&file), 168, "{name}");
    }
    let master = std::fs::read_to_string(place.join("master.m3u8")).expect("master");
    let order: Vec<usize> = ["h264-90/", "h264-360/", "h264-480/"]
        .iter()
        .map(|f| master.find(f).expect("in the master"))
        .collect();
    assert!(order.is_sorted(), "ascending: {master}");
    assert!(!studio.data.path().join("media/work").join(work.id.to_string()).join("1").exists());
    studio.verify().await;
    studio.close().await;
}
