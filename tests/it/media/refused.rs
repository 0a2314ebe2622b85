//! A work whose file was not accepted, on the pages of its makers.

use super::*;
use kinora::actors::encoder::{self, Tools};

#[tokio::test]
async fn a_refused_work_does_not_say_that_it_will_be_published() {
    // No worker here: it gets its date before anybody looks into the file.
    let studio = Studio::with_roles(Roles { scheduler: false, worker: false, ..Roles::ALL }).await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let folder = tempfile::tempdir().expect("folder");
    let film = std::fs::read(clip(folder.path(), 2)).expect("read");
    // Cut off in front of its index, or within it.
    assert_eq!(upload(&maker, "Cut off", "a.mp4", film[..film.len() / 2].to_vec()).await.status, 303);
    let work = the_work(&studio, "Cut off").await;
    let base = format!("/studio/media/{}", work.id);
    let dated = maker.submit(&base, &format!("{base}/schedule"), &[("publish_at", "2031-05-04T18:00")]).await;
    assert_eq!(dated.status, 303, "{}", dated.body);
    studio.settle().await;
    for page in [&base, "/studio/uploads"] {
        assert!(
            maker.get(page).await.body.contains(">Scheduled<"),
            "its date is told while it waits: {page}"
        );
    }

    let cx = &studio.instance.services;
    encoder::drain(cx, &Tools::new(cx), work.id).await.expect("refused");
    let work = wait(&studio, "Cut off", |w| w.processing == "rejected").await;
    let reason = work.reason.expect("a reason");
    for page in [&base, "/studio/uploads"] {
        let body = maker.get(page).await.body;
        assert!(!body.contains(">Scheduled<"), "nothing will be published: {page} {body}");
        assert!(body.contains("Not accepted") && body.contains("Not published"), "{page} {body}");
        let start: String = reason.chars().take_while(|c| c.is_alphanumeric() || *c == ' ').collect();
        assert!(body.contains(&start), "why: {page} {body}");
        assert!(
            body.contains("4 May 2031") && body.contains("unless another file is put in its place"),
            "{page}"
        );
    }
    let body = maker.get(&base).await.body;
    assert!(body.contains("Put another file in its place") && body.contains("Drop the date"), "{body}");
    assert!(!body.contains("Publish later</button>"), "it gets no new date: {body}");
    let public = maker.get(&format!("/media/{}", work.slug)).await.body;
    assert!(public.contains("Its file was not accepted") && !public.contains("until 4 May"), "{public}");
    assert_eq!(maker.submit(&base, &format!("{base}/unpublish"), &[]).await.status, 303);
    studio.settle().await;
    assert!(!maker.get(&base).await.body.contains("4 May 2031"), "the date is dropped");
    studio.verify().await;
    studio.close().await;
}
