//! Captions and chapters: sent as people have them, served to whoever may watch.

use super::*;

const SRT: &str = "1\n00:00:00,500 --> 00:00:01,500\nHello <font color=red>there</font>\n";

async fn send(browser: &Browser, editor: &str, language: &str, bytes: Vec<u8>) -> crate::support::Page {
    let token = browser.get(editor).await.hidden("_csrf").expect("token");
    let form = reqwest::multipart::Form::new()
        .text("_csrf", token)
        .text("language", language.to_owned())
        .part("file", reqwest::multipart::Part::bytes(bytes).file_name("private.srt"));
    browser.answer(browser.client.post(format!("{}{editor}/captions", browser.url)).multipart(form)).await
}

fn track_of(page: &str, language: &str) -> Option<String> {
    let tag = page.split("<track").find(|t| t.contains(&format!("srclang=\"{language}\"")))?;
    let start = tag.find("src=\"")? + 5;
    Some(tag[start..start + tag[start..].find('"')?].to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn captions_reach_whoever_may_watch_and_nobody_else() {
    let studio = Studio::start_with(|c| c.media.av1 = kinora::config::Av1::None).await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    person(&studio, "other@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let folder = tempfile::tempdir().expect("folder");
    let bytes = std::fs::read(clip(folder.path(), 3)).expect("clip");
    assert_eq!(upload(&maker, "Spoken", "clip.mp4", bytes).await.status, 303);
    let work = wait(&studio, "Spoken", |w| w.processing == "ready").await;
    let editor = format!("/studio/media/{}", work.id);

    // What is wrong is said at its field, and what was typed stays.
    for (language, bytes, words) in [
        ("deutsch", SRT.as_bytes().to_vec(), "Enter a language code"),
        ("zz", SRT.as_bytes().to_vec(), "Enter a language code"),
        ("de", SRT.replace("00:00:0", "00:10:0").into_bytes(), "00:10:00.500, after the end of the work"),
        ("de", b"Dear all".to_vec(), "No captions were found"),
        ("de", vec![], "Choose a file with captions"),
        ("de", [0, 1, 2, 255].repeat(99), "not a caption file"),
    ] {
        let page = send(&maker, &editor, language, bytes).await;
        assert_eq!(page.status, 422, "{words}");
        assert!(page.body.contains(words) && page.body.contains(&format!("value=\"{language}\"")), "{words}");
    }
    let large = send(&maker, &editor, "pt-BR", vec![b'x'; (4 << 20) + 1]).await;
    assert_eq!(large.status, 413);
    assert!(
        large.body.contains("larger than 4 MB") && large.body.contains("value=\"pt-BR\""),
        "{}",
        large.body
    );

    assert_eq!(send(&maker, &editor, "de", SRT.as_bytes().to_vec()).await.status, 303);
    let fields = [("chapters", "0:00 Opening\n0:01.5 The <forest>")];
    assert_eq!(maker.submit(&editor, &format!("{editor}/chapters"), &fields).await.status, 303);
    let late = maker.submit(&editor, &format!("{editor}/chapters"), &[("chapters", "9:00 Too late")]).await;
    assert_eq!(late.status, 422);
    assert!(late.body.contains("begins after the end") && late.body.contains("9:00 Too late"));
    assert_eq!(maker.submit(&editor, &format!("{editor}/publish"), &[]).await.status, 303);
    studio.settle().await;

    let page = maker.get("/media/spoken").await.body;
    let first = track_of(&page, "de").expect("a track");
    assert!(page.contains("data-seek=\"1\"") && page.contains("The &lt;forest&gt;"), "{page}");
    let (headers, file) = maker.download(&first).await;
    assert_eq!(headers["content-type"], "text/vtt; charset=utf-8");
    assert_eq!(String::from_utf8_lossy(&file), "WEBVTT\n\n00:00:00.500 --> 00:00:01.500\nHello there\n");
    let base = first.split("/captions/").next().expect("base");
    let chapters = maker.get(&format!("{base}/chapters.vtt")).await;
    assert!(chapters.body.contains("00:00:01.500 --> 00:00:03.040\nThe &lt;forest&gt;"), "{}", chapters.body);

    // Published for members: others see neither track nor file; the address gives nobody else anything.
    let visitor = studio.browser();
    let locked = visitor.get("/media/spoken").await;
    assert!(
        locked.status == 200 && track_of(&locked.body, "de").is_none() && !locked.body.contains("data-seek")
    );
    for address in [first.clone(), format!("{base}/chapters.vtt")] {
        assert_eq!(visitor.get(&address).await.status, 404, "{address}");
    }
    assert_eq!(maker.get(&format!("{base}/captions/../1/master.m3u8")).await.status, 404);
    let other = signed_in(&studio, "other@example.org").await;
    let token = other.get("/studio/uploads").await.hidden("_csrf").expect("token");
    let wish = [("_csrf", token.as_str()), ("track", "de")];
    assert_eq!(other.post(&format!("{editor}/captions/remove"), &wish).await.status, 404);

    // Another file for the language takes the place of the first, under another address.
    let second = SRT.replace("Hello", "Good day");
    assert_eq!(send(&maker, &editor, "DE", second.into_bytes()).await.status, 303);
    studio.settle().await;
    let now = track_of(&maker.get("/media/spoken").await.body, "de").expect("a track");
    assert!(now != first && maker.get(&now).await.body.contains("Good day"));
    assert_eq!(maker.get(&first).await.status, 404);
    let kept = std::fs::read_dir(studio.data.path().join("media/captions").join(work.id.to_string()));
    assert_eq!(kept.expect("folder").count(), 1);

    // Files and log agree; and with the captions the file goes.
    let cx = &studio.instance.services;
    let found = kinora::actors::media_files::verify(cx, kinora::actors::media_files::Depth::Bytes)
        .await
        .expect("verify");
    assert!(found.ok, "{found:?}");
    let gone = maker.submit(&editor, &format!("{editor}/captions/remove"), &[("track", "de")]).await;
    assert_eq!(gone.status, 303);
    studio.settle().await;
    assert!(track_of(&maker.get("/media/spoken").await.body, "de").is_none());
    studio.verify().await;
    studio.close().await;
}
