//! Licence and tags: set in the editor or by programs, shown on the page, and found.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn licence_and_tags_are_shown_and_found() {
    let studio = Studio::start().await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    upload(&maker, "Harbour", "a.png", picture()).await;
    let work = wait(&studio, "Harbour", |w| w.processing == "ready").await;
    let editor = format!("/studio/media/{}", work.id);
    let fields = |tags| {
        [("title", "Harbour"), ("slug", "harbour"), ("licence", "CC0-1.0"), ("tags", tags), ("tier", "free")]
    };
    let long = "x".repeat(41);
    let refused = maker.submit(&editor, &editor, &fields(&long)).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("is too long") && refused.body.contains(&long));
    assert_eq!(maker.submit(&editor, &editor, &fields("Night, #Lanterns, night")).await.status, 303);
    assert_eq!(maker.submit(&editor, &format!("{editor}/publish"), &[]).await.status, 303);
    studio.settle().await;
    let page = studio.browser().get("/media/harbour").await.body;
    assert!(page.contains("publicdomain/zero/1.0") && page.contains("rel=\"license\""), "{page}");
    assert!(page.contains("/search?q=night") && page.contains("/search?q=lanterns"), "{page}");
    let found = studio.browser().get("/search?q=lanterns").await.body;
    assert!(found.contains("/media/harbour"), "{found}");
    studio.verify().await;
    studio.close().await;
}
