//! Characters that nobody sees: refused from programs, left out of forms, and harmless in a log that has some.

use crate::accounts::{person, signed_in};
use crate::api::Program;
use crate::running::kinora;
use crate::support::Studio;
use kinora::actors::bus::{Envelope, Metadata};
use kinora::domain::post::{Category, Post, PostCommand, PostText};
use kinora::domain::shared::{Role, Slug};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

/// A post whose title no form would let through any more.
async fn from_before(studio: &Studio) {
    let cx = &studio.instance.services;
    let (post, at) = (Uuid::now_v7(), cx.clock.now());
    let text = PostText {
        title: "Salt\0 and\u{b} light".into(),
        category: Category::default(),
        content: "How we made it.\0".into(),
        ..PostText::default()
    };
    let slug = Slug::parse("salt").unwrap();
    let write = PostCommand::Write { slug, text: Box::new(text), by: Uuid::now_v7(), at };
    for command in [write, PostCommand::Publish { at }] {
        let meta = Metadata::system("test", Uuid::now_v7(), at);
        cx.bus.dispatch::<Post>(Envelope::new(Uuid::now_v7(), post, command, meta)).await.expect("posted");
    }
    studio.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_with_odd_characters_is_read_and_feeds_stay_readable() {
    let studio = Studio::start().await;
    from_before(&studio).await;
    let visitor = studio.browser();
    let page = visitor.get("/posts/salt").await;
    assert!(page.status == 200 && page.body.contains("Salt\u{fffd} and"), "{}", page.body);
    let feed = visitor.get("/posts/feed.atom").await;
    assert!(feed.body.contains("Salt\u{fffd} and light"), "{}", feed.body);
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    assert!(!feed.body.contains(odd), "one of them would make the feed unreadable");
    // Nothing was set aside, and a rebuild comes to the same.
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_characters_do_not_come_in() {
    let studio = Studio::start().await;
    person(&studio, "maker@example.org", &[Role::Creator, Role::Editor]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let fields = [("title", "N\0e\u{b}ws"), ("content", "One\r\ntwo\tthree\u{1b}[0m.")];
    let written = maker.submit("/studio/posts/new", "/studio/posts", &fields).await;
    assert_eq!(written.status, 303, "{}", written.body);
    studio.settle().await;
    let editor = maker.get(written.location()).await.body;
    assert!(editor.contains("News") && editor.contains("One\ntwo\tthree[0m."), "{editor}");

    let program = Program::of(&maker, &["media:read", "media:write"]).await;
    let wish = json!({ "length": 20, "file_name": "a.png", "title": "a\u{0}b" });
    let refused = program.send(Method::POST, "/api/v1/uploads", &[], Some(wish)).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("U+0000"), "{}", refused.text);

    // Addresses and filters with them find nothing, and are no fault of ours.
    let visitor = studio.browser();
    for path in ["/films/%00", "/media/a%00b", "/posts/%0B", "/courses/%00", "/api/v1/films/%00"] {
        assert_eq!(visitor.get(path).await.status, 404, "{path}");
    }
    for path in ["/search?q=%00", "/search?q=a%00b&kind=%00", "/search/feed.atom?q=%0B"] {
        assert_eq!(visitor.get(path).await.status, 200, "{path}");
    }
    studio.verify().await;
    studio.close().await;
}

#[test]
fn settings_that_can_never_work_are_refused_before_anything_is_made() {
    let data = tempfile::tempdir().expect("folder");
    let file = data.path().join("k.toml");
    std::fs::write(&file, "[studio]\nzone = 'Mars/X'\n[billing]\nattempts = 0\n").expect("written");
    let config = file.to_string_lossy().into_owned();
    let refused = kinora(&data, &["migrate", "--config", &config]);
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{words}");
    assert!(words.contains("studio.zone must be") && words.contains("billing.attempts must be"), "{words}");
    let made: Vec<_> =
        std::fs::read_dir(data.path()).expect("folder").map(|e| e.unwrap().file_name()).collect();
    assert_eq!(made, ["k.toml"], "nothing was made");
    // The check names all of them, and does so without --deploy.
    let check = kinora(&data, &["config", "check", "--config", &config, "--json"]);
    let told: serde_json::Value = serde_json::from_slice(&check.stdout).expect("JSON");
    let named: Vec<&str> =
        told["findings"].as_array().unwrap().iter().map(|f| f["setting"].as_str().unwrap()).collect();
    assert_eq!((check.status.code(), named), (Some(1), vec!["studio.zone", "billing.attempts"]));
}
