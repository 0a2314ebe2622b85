//! What a work is for, who worked on it, and that what gives the story away is told only to those who may watch it.

use super::*;
use crate::api::Program;
use crate::billing_pages::{open_with, order};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn what_gives_the_story_away_is_told_to_those_who_may_watch_it_when_they_ask() {
    let (studio, subscriber, _) = open_with(|c| c.media.av1 = kinora::config::Av1::None).await;
    assert_eq!(order(&studio, &subscriber, "NL", "card", "4242 4242 4242 4242").await.status, 303);
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let second = crate::accounts::person(&studio, "second@example.org", &[Role::Creator]).await;
    person(&studio, "reader@example.org", &[]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let reader = signed_in(&studio, "reader@example.org").await;
    upload(&maker, "The end", "a.png", picture()).await;
    let work = wait(&studio, "The end", |w| w.processing == "ready").await;
    let editor = format!("/studio/media/{}", work.id);
    let page = maker.get(&editor).await.body;
    assert!(page.contains("Production lesson") && page.contains("Name of second"), "{page}");
    let contributor = second.to_string();
    let fields = [
        ("title", "The end"),
        ("slug", "the-end"),
        ("description", "The keeper **drowns**."),
        ("tier", "subscriber"),
        ("category", "artwork"),
        ("spoiler", "yes"),
        ("contributor", contributor.as_str()),
    ];
    assert_eq!(maker.submit(&editor, &editor, &fields).await.status, 303);
    assert_eq!(maker.submit(&editor, &format!("{editor}/publish"), &[]).await.status, 303);
    studio.settle().await;
    let said = subscriber
        .submit("/media/the-end", "/comments", &[("text", "Poor keeper, he sank"), ("parent", "")])
        .await;
    assert_eq!(said.status, 303, "{}", said.body);
    studio.settle().await;

    for browser in [&studio.browser(), &reader] {
        let page = browser.get("/media/the-end").await.body;
        assert!(page.contains("give the story away: who may watch it") && page.contains("The end"), "{page}");
        assert!(!page.contains("drowns") && !page.contains("sank"), "{page}");
        assert!(page.contains("Artwork") && page.contains("By Somebody and Name of second"), "{page}");
        let found = browser.get("/search?q=drowns").await.body;
        assert!(!found.contains("/media/the-end"), "{found}");
    }
    for browser in [&subscriber, &maker] {
        let page = browser.get("/media/the-end").await.body;
        let click = page.find("<details class=\"spoiler").expect("behind a click");
        for words in ["<strong>drowns</strong>", "Poor keeper, he sank"] {
            assert!(page.find(words).expect("told") > click, "{words}");
        }
        assert!(!page[..click].contains("drowns"), "not in the head either");
    }

    let path = format!("/api/v1/media/{}", work.id);
    let asks = Program::of(&reader, &["media:read"]).await;
    let answer = asks.get(&path).await;
    assert_eq!((&answer.body["description"], &answer.body["spoiler"]), (&json!(""), &json!(true)));
    let owner = Program::of(&maker, &["media:read", "media:write"]).await;
    assert_eq!(owner.get(&path).await.body["description"], "The keeper **drowns**.");
    for (wish, status) in [
        (json!({ "category": "nonsense" }), 422),
        (json!({ "spoiler": "yes" }), 422),
        (json!({ "category": null, "spoiler": false, "featured": true }), 200),
    ] {
        let answer = owner.send(reqwest::Method::PATCH, &path, &[], Some(wish.clone())).await;
        assert_eq!(answer.status.as_u16(), status, "{wish}: {}", answer.text);
    }
    studio.settle().await;
    let page = reader.get("/media/the-end").await.body;
    assert!(page.contains("<strong>drowns</strong>") && page.contains("sank"), "{page}");
    assert!(!page.contains("Artwork") && page.contains("Name of second"), "{page}");
    studio.verify().await;
    studio.close().await;
}
