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
    // Narrowed down by what it is, and by what it is not.
    let finds = async |more: &str| {
        let page = studio.browser().get(&format!("/search?q=lanterns{more}")).await;
        assert_eq!(page.status, 200, "{more}");
        page.body.contains("/media/harbour")
    };
    for has in [
        "&form=image",
        "&licence=CC0-1.0",
        "&tag=night",
        "&free=yes&kind=media&sort=oldest",
        "&film=nonsense",
    ] {
        assert!(finds(has).await, "{has}");
    }
    let film = format!("&film={}", uuid::Uuid::now_v7());
    for has_not in ["&form=video", "&licence=CC-BY-4.0", "&tag=nigh", "&level=beginner", "&form=a%00b", &film]
    {
        assert!(!finds(has_not).await, "{has_not}");
    }
    let page = studio.browser().get("/search?q=lanterns&form=image&tag=night").await.body;
    assert!(
        page.contains("Sort of file") && page.contains("href=\"/search?q=lanterns&amp;form=image\""),
        "{page}"
    );
    studio.verify().await;
    studio.close().await;
}
