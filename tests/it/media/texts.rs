//! What is written in works and said in films is found by whoever may watch them, and by nobody else.

use super::*;
use kinora::config::Av1;
use kinora::projections::catalogue::{self, Wanted};
use uuid::Uuid;

/// A film with subtitles of its own in two languages.
fn spoken(folder: &Path) -> Vec<u8> {
    let film = clip(folder, 2);
    let (german, english) = (folder.join("de.srt"), folder.join("en.srt"));
    std::fs::write(&german, "1\n00:00:00,200 --> 00:00:01,500\nDer Leuchtturm schläft\n").expect("written");
    std::fs::write(&english, "1\n00:00:00,200 --> 00:00:01,500\nThe lighthouse is asleep\n")
        .expect("written");
    let path = folder.join("spoken.mkv");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-i"])
        .arg(&film)
        .arg("-i")
        .arg(&german)
        .arg("-i")
        .arg(&english)
        .args(["-map", "0", "-map", "1", "-map", "2", "-c", "copy", "-c:s:0", "srt", "-c:s:1", "ass"])
        .args(["-metadata:s:s:0", "language=ger", "-metadata:s:s:1", "language=eng"])
        .arg(&path)
        .status();
    assert!(made.expect("ffmpeg").success());
    std::fs::read(path).expect("written")
}

async fn found(studio: &Studio, text: &str, members: bool) -> Vec<String> {
    found_by(studio, text, members, None).await
}

async fn found_by(studio: &Studio, text: &str, members: bool, viewer: Option<Uuid>) -> Vec<String> {
    let wanted = Wanted { text: text.into(), most: 20, members, viewer, ..Wanted::default() };
    let hits = catalogue::search(&studio.instance.services.reader, &wanted).await.expect("search");
    hits.hits.into_iter().map(|h| h.url).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_and_subtitles_are_found_by_whoever_may_watch() {
    let studio = Studio::start_with(|c| c.media.av1 = Av1::None).await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let visitor = studio.browser();
    let folder = tempfile::tempdir().expect("folder");
    let none: [&str; 0] = [];

    // Subtitles inside the film become captions of their languages.
    assert_eq!(upload(&maker, "Night", "night.mkv", spoken(folder.path())).await.status, 303);
    let film = wait(&studio, "Night", |w| w.processing == "ready").await;
    let tracks: Vec<(String, u32)> = film.captions.iter().map(|c| (c.track(), c.cues)).collect();
    assert_eq!(tracks, [("de".to_owned(), 1), ("en".to_owned(), 1)]);
    assert_eq!(
        upload(&maker, "Recipe", "recipe.txt", b"Take two spoons of quicklime.\n".to_vec()).await.status,
        303
    );
    let text = wait(&studio, "Recipe", |w| w.processing == "ready").await;
    studio.settle().await;
    assert_eq!(found(&studio, "lighthouse", true).await, none, "a draft is not found");
    for work in [&film, &text] {
        let editor = format!("/studio/media/{}", work.id);
        assert_eq!(maker.submit(&editor, &format!("{editor}/publish"), &[]).await.status, 303);
    }
    studio.settle().await;
    let page = maker.get("/media/night").await.body;
    assert!(page.contains("srclang=\"de\"") && page.contains("srclang=\"en\""), "{page}");

    for (words, url) in [
        ("lighthouse asleep", "/media/night"),
        ("Leuchtturm", "/media/night"),
        ("quicklime", "/media/recipe"),
    ] {
        assert_eq!(found(&studio, words, true).await, [url], "{words}");
        assert_eq!(found(&studio, words, false).await, none, "{words}: for members only");
        assert_eq!(found_by(&studio, words, false, Some(film.owner)).await, [url], "{words}: one's own");
        assert_eq!(found_by(&studio, words, false, Some(film.id)).await, none, "{words}: another's");
        let asked = format!("/search?q={}", words.replace(' ', "+"));
        assert!(!visitor.get(&asked).await.body.contains(url), "{words}");
        let mine = maker.get(&asked).await.body;
        assert!(mine.contains(url) && mine.contains("<mark>"), "{words}: {mine}");
    }
    // What everybody may watch everybody finds.
    let editor = format!("/studio/media/{}", film.id);
    let fields = [("title", "Night"), ("slug", "night"), ("tier", "free")];
    let saved = maker.submit(&editor, &editor, &fields).await;
    assert_eq!(saved.status, 303, "{}", saved.body);
    studio.settle().await;
    assert!(visitor.get("/search?q=lighthouse").await.body.contains("/media/night"));
    assert!(!visitor.get("/search?q=quicklime").await.body.contains("/media/recipe"));

    // Captions that are taken away are not found, and do not come back when the film is made anew.
    let gone = maker.submit(&editor, &format!("{editor}/captions/remove"), &[("track", "en")]).await;
    assert_eq!(gone.status, 303, "{}", gone.body);
    studio.settle().await;
    assert_eq!(found(&studio, "lighthouse", true).await, none);
    assert_eq!(maker.submit(&editor, &format!("{editor}/reprocess"), &[]).await.status, 303);
    let again = wait(&studio, "Night", |w| w.playable == 2 && w.processing == "ready").await;
    assert_eq!(again.captions.iter().map(|c| c.track()).collect::<Vec<_>>(), ["de"]);
    assert_eq!(found(&studio, "Leuchtturm", false).await, ["/media/night"]);

    assert_eq!(maker.submit(&editor, &format!("{editor}/remove"), &[("confirm", "yes")]).await.status, 303);
    studio.settle().await;
    assert_eq!(found(&studio, "Leuchtturm", true).await, none);
    let left: i64 = studio
        .client()
        .await
        .query_one("select count(*) from media_texts where media = $1", &[&film.id])
        .await
        .expect("counted")
        .get(0);
    assert_eq!(left, 0, "nothing of it is kept");
    studio.close().await;
}
