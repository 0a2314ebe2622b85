//! A new file in the place of the old one.

use super::*;
use kinora::actors::encoder::{self, Tools};
use kinora::actors::{former_files, media_files, media_orphans};
use kinora::projections::media::Held;

async fn replace(browser: &Browser, work: &Work, name: &str, bytes: Vec<u8>) -> crate::support::Page {
    let page = browser.get(&format!("/studio/media/{}", work.id)).await;
    let token = page.hidden("_csrf").expect("token");
    let form = reqwest::multipart::Form::new()
        .text("_csrf", token)
        .text("replaces", work.id.to_string())
        .part("new_file", reqwest::multipart::Part::bytes(bytes).file_name(name.to_owned()));
    let sent = browser.client.post(format!("{}/uploads/", browser.url)).multipart(form).send().await;
    let sent = sent.expect("answer");
    let (status, headers) = (sent.status().as_u16(), sent.headers().clone());
    crate::support::Page { status, headers, body: sent.text().await.unwrap_or_default() }
}

fn other_picture(shade: u8) -> Vec<u8> {
    let mut png = std::io::Cursor::new(vec![]);
    let picture = image::RgbImage::from_fn(320, 240, |x, y| image::Rgb([shade, (x / 2) as u8, y as u8]));
    picture.write_to(&mut png, image::ImageFormat::Png).expect("png");
    png.into_inner()
}

async fn originals(studio: &Studio, work: &Work) -> Vec<Held> {
    studio.settle().await;
    works::originals_of(&studio.instance.services.reader, work.id).await.expect("originals")
}

fn on_disk(studio: &Studio, sha256: &str) -> bool {
    studio.data.path().join("media/originals").join(&sha256[..2]).join(&sha256[2..]).exists()
}

fn roles(held: &[Held]) -> Vec<(u32, &str)> {
    held.iter().map(|h| (h.round, h.role.as_str())).collect()
}

/// A published picture that somebody likes, and its maker.
async fn published(studio: &Studio) -> (Browser, Work) {
    person(studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(studio, "maker@example.org").await;
    assert_eq!(upload(&maker, "Poster", "poster.png", picture()).await.status, 303);
    let work = wait(studio, "Poster", |w| w.processing == "ready").await;
    let base = format!("/studio/media/{}", work.id);
    assert_eq!(maker.submit(&base, &format!("{base}/publish"), &[]).await.status, 303);
    (maker, the_work(studio, "Poster").await)
}

#[tokio::test]
async fn a_new_file_keeps_address_and_marks_and_the_former_one_goes_after_thirty_days() {
    let studio = Studio::start_with(|c| c.processing = Processing::Eager).await;
    let (maker, work) = published(&studio).await;
    assert_eq!((work.width, work.playable), (640, 1));

    let sent = replace(&maker, &work, "better.png", other_picture(10)).await;
    assert_eq!((sent.status, sent.location()), (303, sent.location()), "{}", sent.body);
    assert!(sent.location().starts_with(&format!("/studio/media/{}", work.id)));
    let now = wait(&studio, "Poster", |w| w.processing == "ready" && w.next.is_none()).await;
    assert_eq!((now.width, now.height, now.playable), (320, 240, 2));
    assert_eq!((now.id, &now.slug, now.published_at), (work.id, &work.slug, work.published_at));
    assert_ne!(now.sha256, work.sha256);
    assert_eq!(roles(&originals(&studio, &work).await), [(1, "former"), (2, "current")]);
    let shown = maker.get(&format!("/media/{}", work.slug)).await;
    assert_eq!(shown.status, 200);
    assert!(shown.body.contains(&format!("/media/files/{}/2/", work.id)), "{}", shown.body);

    // Both originals are kept, and the log knows of both.
    let cx = &studio.instance.services;
    assert!(on_disk(&studio, &work.sha256) && on_disk(&studio, &now.sha256));
    let verified = media_files::verify(cx, media_files::Depth::Bytes).await.expect("verified");
    assert_eq!((verified.ok, verified.originals), (true, 2), "{:?}", verified.findings);
    let orphans = media_orphans::prune(cx, false).await.expect("pruned");
    assert_eq!(orphans.orphans, 0);

    let early = (chrono::Utc::now() + chrono::TimeDelta::days(29)).to_rfc3339();
    assert_eq!(studio.run_job("destroy-archives", &early).await.counts["former_files"], 0);
    assert!(on_disk(&studio, &work.sha256));
    let late = (chrono::Utc::now() + chrono::TimeDelta::days(31)).to_rfc3339();
    assert_eq!(studio.run_job("destroy-archives", &late).await.counts["former_files"], 1);
    assert!(!on_disk(&studio, &work.sha256) && on_disk(&studio, &now.sha256));
    let rounds = studio.data.path().join("media/public").join(work.id.to_string());
    assert!(!rounds.join("1").exists() && rounds.join("2").exists());
    assert_eq!(roles(&originals(&studio, &work).await), [(2, "current")]);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test]
async fn a_new_file_that_is_no_picture_or_broken_leaves_the_old_one() {
    let studio = Studio::start_with(|c| c.processing = Processing::Eager).await;
    let (maker, work) = published(&studio).await;
    let mut broken = other_picture(20);
    broken.truncate(40);
    for (name, bytes, words) in [
        ("scene.glb.txt", b"a text, which is a document\n".to_vec(), "but the work is a picture"),
        ("broken.png", broken, "was not accepted"),
    ] {
        let sha = hex::encode(sha2::Sha256::digest(&bytes));
        assert_eq!(replace(&maker, &work, name, bytes).await.status, 303);
        let now = wait(&studio, "Poster", |w| w.next.is_none()).await;
        assert_eq!((now.processing.as_str(), now.playable, now.generation), ("ready", 1, 1), "{name}");
        assert_eq!((&now.sha256, now.width), (&work.sha256, 640));
        assert!(!on_disk(&studio, &sha), "nothing is kept of {name}");
        let page = maker.get(&format!("/studio/media/{}", work.id)).await;
        assert!(page.body.contains("was not accepted, and what was there stays"), "{}", page.body);
        assert!(page.body.contains(words), "{}", page.body);
        assert_eq!(maker.get(&format!("/media/{}", work.slug)).await.status, 200);
    }
    // The same file is no new file; it is said at the field.
    let same = replace(&maker, &work, "poster.png", picture()).await;
    assert!(matches!(same.status, 409 | 422), "{}", same.status);
    assert!(same.body.contains("very file that the work has already"), "{}", same.body);
    assert!(on_disk(&studio, &work.sha256));
    assert_eq!(roles(&originals(&studio, &work).await), [(1, "current")]);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test]
async fn a_new_file_can_be_taken_back_and_erased_at_once_while_it_waits() {
    let studio = Studio::with_roles(Roles { worker: false, ..Roles::ALL }).await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    upload(&maker, "Poster", "poster.png", picture()).await;
    let work = the_work(&studio, "Poster").await;
    let cx = &studio.instance.services;
    encoder::drain(cx, &Tools::new(cx), work.id).await.expect("made");
    studio.settle().await;

    assert_eq!(replace(&maker, &work, "b.png", other_picture(30)).await.status, 303);
    let waiting = the_work(&studio, "Poster").await;
    assert_eq!((waiting.playable, waiting.generation, waiting.processing.as_str()), (1, 2, "received"));
    assert_eq!(waiting.sha256, work.sha256, "what plays is still the former file");
    let base = format!("/studio/media/{}", work.id);
    assert!(maker.get(&base).await.body.contains("What was there before plays until it is ready."));

    assert_eq!(maker.submit(&base, &format!("{base}/withdraw"), &[]).await.status, 303);
    let back = the_work(&studio, "Poster").await;
    assert_eq!((back.processing.as_str(), back.generation, back.next), ("ready", 1, None));
    assert_eq!(queue::unfinished(&cx.pool, work.id).await.expect("rows"), 0);
    let held = originals(&studio, &work).await;
    assert_eq!(roles(&held), [(1, "current"), (2, "former")]);
    assert!(on_disk(&studio, &held[1].sha256));
    assert_eq!(maker.submit(&base, &format!("{base}/erase-former"), &[]).await.status, 303);
    assert!(!on_disk(&studio, &held[1].sha256) && on_disk(&studio, &work.sha256));
    assert_eq!(roles(&originals(&studio, &work).await), [(1, "current")]);

    // An original that another work holds too stays there for that one.
    assert_eq!(replace(&maker, &work, "c.png", other_picture(40)).await.status, 303);
    encoder::drain(cx, &Tools::new(cx), work.id).await.expect("made");
    upload(&maker, "Twin", "poster.png", picture()).await;
    let held = originals(&studio, &work).await;
    assert_eq!(roles(&held), [(1, "former"), (3, "current")]);
    former_files::erase(cx, &held[0], &Metadata::system("test", work.id, cx.clock.now()))
        .await
        .expect("erased");
    assert!(on_disk(&studio, &work.sha256), "the twin holds it");
    assert_eq!(roles(&originals(&studio, &work).await), [(3, "current")]);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test]
async fn only_whoever_may_change_a_work_replaces_its_file_by_tus_too() {
    let studio = Studio::start_with(|c| c.processing = Processing::Eager).await;
    let (maker, work) = published(&studio).await;
    person(&studio, "stranger@example.org", &[Role::Creator]).await;
    let stranger = signed_in(&studio, "stranger@example.org").await;
    let token = stranger.get("/studio/uploads").await.hidden("_csrf").expect("token");
    let bytes = other_picture(50);
    let begin = |browser: &Browser, token: &str| {
        let about = base64_of(&work.id.to_string());
        browser
            .client
            .post(format!("{}/uploads/", browser.url))
            .header("tus-resumable", "1.0.0")
            .header("x-csrf-token", token)
            .header("upload-length", bytes.len().to_string())
            .header("upload-metadata", format!("filename Yi5wbmc=,replaces {about}"))
    };
    assert_eq!(begin(&stranger, &token).send().await.expect("answer").status(), 404);

    let token = maker.get("/studio/uploads").await.hidden("_csrf").expect("token");
    let begun = begin(&maker, &token).send().await.expect("answer");
    assert_eq!(begun.status(), 201);
    let place = format!("{}{}", maker.url, begun.headers()["location"].to_str().expect("text"));
    let piece = || {
        maker
            .client
            .patch(&place)
            .header("tus-resumable", "1.0.0")
            .header("x-csrf-token", &token)
            .header("content-type", "application/offset+octet-stream")
            .header("upload-offset", "0")
            .body(bytes.clone())
    };
    assert_eq!(piece().send().await.expect("answer").status(), 204);
    let now = wait(&studio, "Poster", |w| w.playable == 2).await;
    assert_eq!(now.sha256, hex::encode(sha2::Sha256::digest(&bytes)));
    // A client that missed the answer asks, and hears that all has arrived.
    let asked = maker.client.head(&place).header("tus-resumable", "1.0.0").send().await.expect("answer");
    assert_eq!(asked.status(), 200);
    assert_eq!(asked.headers()["upload-offset"], bytes.len().to_string().as_str());
    // The same file once more is refused, and nothing of it stays behind.
    let begun = begin(&maker, &token).send().await.expect("answer");
    let place = format!("{}{}", maker.url, begun.headers()["location"].to_str().expect("text"));
    let again = maker
        .client
        .patch(&place)
        .header("tus-resumable", "1.0.0")
        .header("x-csrf-token", &token)
        .header("content-type", "application/offset+octet-stream")
        .header("upload-offset", "0")
        .body(bytes.clone())
        .send()
        .await
        .expect("answer");
    assert!(again.status().is_client_error(), "{}", again.status());
    let asked = maker.client.head(&place).header("tus-resumable", "1.0.0").send().await.expect("answer");
    assert_eq!(asked.status(), 404);
    assert_eq!(std::fs::read_dir(studio.data.path().join("uploads")).map_or(0, Iterator::count), 0);
    studio.close().await;
}

#[tokio::test]
async fn erasing_a_person_erases_former_and_waiting_files_too() {
    let studio = Studio::with_roles(Roles { worker: false, ..Roles::ALL }).await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let cx = &studio.instance.services;
    upload(&maker, "Poster", "poster.png", picture()).await;
    let work = the_work(&studio, "Poster").await;
    encoder::drain(cx, &Tools::new(cx), work.id).await.expect("made");
    replace(&maker, &work, "b.png", other_picture(60)).await;
    encoder::drain(cx, &Tools::new(cx), work.id).await.expect("made");
    replace(&maker, &work, "c.png", other_picture(70)).await;
    let held = originals(&studio, &work).await;
    assert_eq!(roles(&held), [(1, "former"), (2, "current"), (3, "next")]);
    assert!(held.iter().all(|h| on_disk(&studio, &h.sha256)));

    let page = "/account/deletion";
    assert_eq!(maker.submit(page, page, &[("current", PASSWORD)]).await.status, 303);
    studio.settle().await;
    let due = (cx.clock.now() + chrono::TimeDelta::days(15)).to_rfc3339();
    assert_eq!(studio.run_job("process-deletion-requests", &due).await.counts["started"], 1);
    studio.settle().await;
    assert!(held.iter().all(|h| !on_disk(&studio, &h.sha256)), "no original is left");
    for area in ["public", "work"] {
        assert!(!studio.data.path().join("media").join(area).join(work.id.to_string()).exists(), "{area}");
    }
    assert_eq!(originals(&studio, &work).await, []);
    studio.verify().await;
    studio.close().await;
}

fn base64_of(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
