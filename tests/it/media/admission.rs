//! What may come in: by kind and by the room on the disk, said before and while it comes.

use super::*;
use kinora::domain::media::Kind;

#[tokio::test]
async fn only_kinds_that_the_studio_takes_come_in() {
    let studio = Studio::start_with(|c| {
        c.processing = Processing::Eager;
        c.limits.kinds = vec![Kind::Image, Kind::Audio];
    })
    .await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let page = maker.get("/studio/uploads").await;
    assert!(page.body.contains("The studio takes pictures and sounds; each file at most"), "{}", page.body);
    assert!(page.body.contains("Your uploads hold"), "{}", page.body);

    // What the first bytes tell is refused before the rest is kept.
    let refused = upload(&maker, "Words", "words.txt", b"a text\n".repeat(4000)).await;
    assert_eq!(refused.status, 415, "{}", refused.body);
    assert!(
        refused.body.contains("does not take documents; it takes pictures and sounds"),
        "{}",
        refused.body
    );
    studio.settle().await;
    let cx = &studio.instance.services;
    assert!(works::list(&cx.reader, None, None, 10).await.expect("list").is_empty());
    let left = std::fs::read_dir(studio.data.path().join("uploads")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "nothing is kept of it");
    // What only the examination tells is refused by it: a container of pictures or sound may be either.
    let folder = tempfile::tempdir().expect("folder");
    let film = std::fs::read(clip(folder.path(), 1)).expect("read");
    assert_eq!(upload(&maker, "Film", "film.mp4", film).await.status, 303);
    let work = the_work(&studio, "Film").await;
    assert_eq!(work.processing, "rejected");
    assert!(work.reason.is_some_and(|r| r.contains("does not take")));
    assert_eq!(upload(&maker, "Still", "still.png", picture()).await.status, 303);
    assert_eq!(the_work(&studio, "Still").await.processing, "ready");
    studio.close().await;
}

#[tokio::test]
async fn below_the_low_mark_nothing_begins_until_the_high_mark_is_reached() {
    let studio = Studio::start_with(|c| {
        c.processing = Processing::Eager;
        c.limits.free_disk_bytes = 1 << 60;
        c.limits.free_disk_again_bytes = 1 << 61;
    })
    .await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let page = maker.get("/studio/uploads").await;
    assert!(page.body.contains("The studio's disk has"), "the page says so before: {}", page.body);
    assert_eq!(upload(&maker, "A", "a.png", picture()).await.status, 507);
    let stopped = studio.data.path().join("uploads-stopped");
    assert!(stopped.exists());

    // There is more room than the low mark again, but not as much as the high mark.
    let roles = Roles { web: true, projector: false, scheduler: false, worker: false };
    let between = studio
        .beside_with(roles, |c| {
            c.processing = Processing::Eager;
            c.limits.free_disk_bytes = 1;
            c.limits.free_disk_again_bytes = 1 << 61;
        })
        .await;
    let here = signed_in(&between, "maker@example.org").await;
    assert_eq!(upload(&here, "B", "b.png", picture()).await.status, 507);
    between.close().await;
    let after = studio
        .beside_with(roles, |c| {
            c.processing = Processing::Eager;
            c.limits.free_disk_bytes = 1;
            c.limits.free_disk_again_bytes = 2;
        })
        .await;
    let here = signed_in(&after, "maker@example.org").await;
    assert_eq!(upload(&here, "C", "c.png", picture()).await.status, 303);
    assert!(!stopped.exists());
    after.close().await;
    studio.close().await;
}
