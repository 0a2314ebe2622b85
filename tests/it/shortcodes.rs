//! Shortcodes in texts: works by their address, players of sites that may stand here, the invitation to join.

use crate::accounts::{person, signed_in};
use crate::billing_pages::{open_with, order};
use crate::media::{picture, upload, wait};
use kinora::config::Av1;
use kinora::domain::shared::Role;

#[tokio::test(flavor = "multi_thread")]
async fn shortcodes_show_what_the_reader_may_know_of() {
    let (studio, subscriber, _) = open_with(|c| {
        c.media.av1 = Av1::None;
        c.delivery.embeds_from = vec!["player.example.org".into()];
    })
    .await;
    assert_eq!(order(&studio, &subscriber, "NL", "card", "4242 4242 4242 4242").await.status, 303);
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    for (title, public) in [("Harbour", true), ("Secret", false)] {
        upload(&maker, title, "a.png", picture()).await;
        let work = wait(&studio, title, |w| w.processing == "ready").await;
        if public {
            let editor = format!("/studio/media/{}", work.id);
            let free = [("title", title), ("tier", "free")];
            assert_eq!(maker.submit(&editor, &editor, &free).await.status, 303);
            assert_eq!(maker.submit(&editor, &format!("{editor}/publish"), &[]).await.status, 303);
        }
    }
    let content = "Look:\n\n{attachment harbour}\n\n{attachment secret}\n{attachment nothing}\n\n\
        {embed https://player.example.org/v/1?a=b&c=d}\n{embed https://elsewhere.example/v/2}\n\
        {embed javascript:alert(1)}\n{gallery 12}\n\n{join}\n\n```\n{join}\n```\n";
    let fields = [("title", "Harbours"), ("content", content)];
    let written = maker.submit("/studio/posts/new", "/studio/posts", &fields).await;
    assert_eq!(written.status, 303, "{}", written.body);
    studio.settle().await;
    let desk = written.location().split('?').next().unwrap().to_owned();
    assert_eq!(maker.submit(&desk, &format!("{desk}/publish"), &[]).await.status, 303);
    studio.settle().await;

    let visitor = studio.browser();
    let page = visitor.get("/posts/harbours").await;
    let policy = page.headers["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.ends_with("; frame-src https://player.example.org"), "{policy}");
    for has in [
        "<figure class=\"attachment\">",
        "href=\"/media/harbour\"",
        "alt=\"Harbour\"",
        "<iframe src=\"https://player.example.org/v/1?a=b&amp;c=d\"",
        "title=\"Player of player.example.org\"",
        "<a href=\"https://elsewhere.example/v/2\" rel=\"nofollow noopener\"",
        "<p>{attachment secret}</p>",
        "<p>{attachment nothing}</p>",
        "<p>{embed javascript:alert(1)}</p>",
        "{gallery 12}",
        "For members",
        "<code>{join}",
    ] {
        assert!(page.body.contains(has), "{has}: {}", page.body);
    }
    assert_eq!(page.body.matches("<iframe").count(), 1);
    let page = subscriber.get("/posts/harbours").await.body;
    assert!(!page.contains("For members") && !page.contains("/media/secret"), "{page}");
    let page = maker.get("/posts/harbours").await.body;
    assert!(page.contains("href=\"/media/secret\""), "who made it sees it");
    let feed = visitor.get("/posts/feed.atom").await.body;
    assert!(feed.contains("Look:") && !feed.contains("attachment"), "{feed}");
    studio.verify().await;
    studio.close().await;
}
