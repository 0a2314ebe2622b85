//! What keeps the files in order: comparing all of them with the log, works that are brought back or erased, pauses
//! that are told, and forms that are refused without losing anything.

use super::*;
use kinora::actors::media_files::{self, Depth};
use kinora::actors::media_orphans;
use std::time::SystemTime;

async fn pictured(studio: &Studio) -> (Browser, Work) {
    person(studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(studio, "maker@example.org").await;
    assert_eq!(upload(&maker, "Still", "still.png", picture()).await.status, 303);
    (maker, wait(studio, "Still", |w| w.processing == "ready").await)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_file_that_was_made_is_compared_with_the_log_by_hash() {
    let studio = Studio::start_with(|c| c.processing = Processing::Eager).await;
    let (maker, work) = pictured(&studio).await;
    let cx = &studio.instance.services;
    let look = async || media_files::verify(cx, Depth::Bytes).await.expect("compared");
    let noted = work.made.clone().expect("a list of its files");
    let found = look().await;
    assert!(found.ok && found.made == noted.files as usize && found.without_hashes == 0, "{found:?}");

    let folder = public(&studio, &work);
    let file = folder.join("poster-400.jpg");
    let whole = std::fs::read(&file).expect("a file");
    let mut damaged = whole.clone();
    damaged[50] ^= 1;
    std::fs::write(&file, &damaged).expect("damaged");
    let found = look().await;
    assert!(!found.ok && found.findings.len() == 1, "{found:?}");
    assert_eq!(found.findings[0].what, "poster-400.jpg differs from its hash");
    assert_eq!(found.findings[0].mend, format!("kinora media reprocess {}", work.id));
    std::fs::remove_file(&file).expect("removed");
    assert_eq!(look().await.findings[0].what, "poster-400.jpg is missing");
    std::fs::write(&file, &whole).expect("back");
    assert!(look().await.ok);

    // The list itself is held against the log, and is nobody's to fetch.
    let list = folder.join("files.json");
    let text = std::fs::read(&list).expect("the list");
    std::fs::write(&list, b"{}").expect("changed");
    let found = look().await;
    assert!(found.findings[0].what.starts_with("files.json, the list of its"), "{found:?}");
    std::fs::write(&list, &text).expect("back");
    let editor = maker.get(&format!("/studio/media/{}", work.id)).await.body;
    let signed = editor.split("/m/").nth(1).map(|rest| rest.split(['/', '"']).next().unwrap_or_default());
    if let Some(signed) = signed {
        let address = format!("/m/{signed}/{}/{}/files.json", work.id, work.playable);
        assert_eq!(maker.get(&address).await.status, 404);
    }

    // What lies among the files of a live round and is none of them belongs to nothing.
    let stray = folder.join("stray.bin");
    std::fs::write(&stray, b"nobody's").expect("written");
    let old = SystemTime::now() - Duration::from_secs(7200);
    std::fs::File::open(&stray).expect("opened").set_modified(old).expect("aged");
    let pruned = media_orphans::prune(cx, true).await.expect("pruned");
    let named: Vec<&str> = pruned.list.iter().map(|o| o.path.as_str()).collect();
    assert_eq!(named, [format!("media/public/{}/{}/stray.bin", work.id, work.playable)]);
    assert!(!stray.exists() && look().await.ok);

    // Works of before there were lists are told apart, not taken for whole.
    studio.client().await.execute("update media_works set made = null", &[]).await.expect("as before");
    let found = look().await;
    assert_eq!((found.ok, found.made, found.without_hashes), (true, 0, 1), "{found:?}");
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_work_is_listed_brought_back_and_erased_by_its_maker() {
    let studio = Studio::start_with(|c| c.processing = Processing::Eager).await;
    let (maker, work) = pictured(&studio).await;
    person(&studio, "other@example.org", &[Role::Creator]).await;
    let other = signed_in(&studio, "other@example.org").await;
    let editor = format!("/studio/media/{}", work.id);
    let (restore, erase) = (format!("{editor}/restore"), format!("{editor}/erase-now"));
    let removed = maker.submit(&editor, &format!("{editor}/remove"), &[]).await;
    assert!(removed.status == 303 && removed.location().contains("removed="), "{}", removed.location());
    let told = maker.follow(removed.location()).await;
    assert!(told.body.contains("is removed. It is kept until"), "{}", told.body);
    assert!(maker.get("/studio/removed").await.body.contains("Bring it back"));
    assert!(!other.get("/studio/removed").await.body.contains("Bring it back"));
    let token = other.get("/studio/uploads").await.hidden("_csrf").expect("token");
    for address in [&restore, &erase] {
        assert_eq!(other.post(address, &[("_csrf", &token)]).await.status, 404, "{address}");
    }

    assert_eq!(maker.submit("/studio/removed", &restore, &[]).await.status, 303);
    let back = the_work(&studio, "Still").await;
    assert_eq!((back.publication.as_str(), back.processing.as_str()), ("unpublished", "ready"));
    assert!(public(&studio, &back).exists());
    assert!(!maker.get("/studio/removed").await.body.contains("Bring it back"));

    assert_eq!(maker.submit(&editor, &format!("{editor}/remove"), &[]).await.status, 303);
    studio.settle().await;
    assert_eq!(maker.submit("/studio/removed", &erase, &[]).await.status, 303);
    studio.settle().await;
    assert!(!public(&studio, &work).exists());
    let cx = &studio.instance.services;
    assert_eq!(works::bytes_of(&cx.reader, work.owner).await.expect("bytes"), 0);
    let token = maker.get("/studio/uploads").await.hidden("_csrf").expect("token");
    let late = maker.post(&restore, &[("_csrf", &token)]).await;
    assert!(late.status == 422 && late.body.contains("are erased"), "{}", late.body);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_is_told_to_the_maker_and_ends_when_the_work_is_given_up() {
    let studio = Studio::with_roles(Roles { scheduler: false, worker: false, ..Roles::ALL }).await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    person(&studio, "operator@example.org", &[Role::Operator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let operator = signed_in(&studio, "operator@example.org").await;
    assert_eq!(upload(&maker, "Still", "still.png", picture()).await.status, 303);
    let work = the_work(&studio, "Still").await;
    let page = "/operator/queue";
    let one = format!("{page}/{}", work.id);
    let said = "paused by the studio";
    assert!(!maker.get("/studio/uploads").await.body.contains(said));
    for action in [page, &one] {
        assert_eq!(operator.submit(page, action, &[("act", "pause")]).await.status, 303);
        for address in ["/studio/uploads", &format!("/studio/media/{}", work.id)] {
            assert!(maker.get(address).await.body.contains(said), "{address}");
        }
        if action == page {
            assert_eq!(operator.submit(page, action, &[("act", "resume")]).await.status, 303);
        }
    }
    assert_eq!(operator.submit(page, &one, &[("act", "cancel")]).await.status, 303);
    let wishes = studio.client().await.query_one("select count(*) from media_queue_wishes", &[]).await;
    assert_eq!(wishes.expect("count").get::<_, i64>(0), 0);
    assert_eq!(operator.submit(page, &one, &[("act", "retry")]).await.status, 303);
    studio.settle().await;
    assert!(operator.get(page).await.body.contains("Still"));

    // Nobody is there to take what waits.
    let alone = "No encoder is running";
    assert!(!operator.get(page).await.body.contains(alone));
    let earlier = "update media_jobs set created_at = now() - interval '1 minute', not_before = now() - interval '1 minute'";
    studio.client().await.execute(earlier, &[]).await.expect("aged");
    assert!(operator.get(page).await.body.contains(alone));

    // Of a removed work nothing is left to be done.
    let editor = format!("/studio/media/{}", work.id);
    assert_eq!(maker.submit(&editor, &format!("{editor}/remove"), &[]).await.status, 303);
    studio.settle().await;
    let shown = operator.get(page).await.body;
    assert!(!shown.contains(&format!("/operator/queue/{}", work.id)), "{shown}");
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_refused_is_there_once_more_with_the_title() {
    let studio = Studio::start_with(|c| {
        c.processing = Processing::Eager;
        c.limits.upload_bytes = 200_000;
    })
    .await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    for (name, bytes, status, words) in [
        ("", vec![], 422, "Choose a file first."),
        ("large.bin", vec![7; 300_000], 413, "at most 200 kB are allowed"),
    ] {
        let refused = upload(&maker, "A title of mine", name, bytes).await;
        assert_eq!(refused.status, status, "{}", refused.body);
        assert!(refused.body.contains(words) && refused.body.contains("A title of mine"), "{}", refused.body);
        assert!(refused.body.contains("href=\"#file\""), "the summary leads to the field: {}", refused.body);
    }
    studio.close().await;
}
