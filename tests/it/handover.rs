//! Works get another owner: by who has them or by an editor, and what stands in the way of a deletion is then gone.

use crate::accounts::{PASSWORD, person, signed_in};
use crate::support::{Browser, Page, Studio};
use kinora::actors::handover::{Handover, HandoverError, hand_over};
use kinora::domain::shared::Role;
use kinora::store::Metadata;

const PAGE: &str = "/studio/hand-over";

async fn sent(studio: &Studio, answer: Page) -> String {
    assert_eq!(answer.status, 303, "{}", answer.body);
    studio.settle().await;
    answer.location().split('?').next().expect("a path").to_owned()
}

async fn count(studio: &Studio, kind: &str) -> i64 {
    let sql = "select count(*) from events where type like $1";
    studio.client().await.query_one(sql, &[&kind]).await.expect("count").get(0)
}

async fn makes(studio: &Studio, maker: &Browser) -> (String, String) {
    let fields = [("title", "The Salt Keeper"), ("summary", "The sea in jars.")];
    let film = sent(studio, maker.submit("/studio/films/new", "/studio/films", &fields).await).await;
    sent(studio, maker.submit(&film, &format!("{film}/publish"), &[]).await).await;
    let fields = [("title", "News"), ("content", "Much.")];
    let post = sent(studio, maker.submit("/studio/posts/new", "/studio/posts", &fields).await).await;
    (film, post)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_hands_over_and_can_then_be_forgotten() {
    let studio = Studio::start().await;
    let mut ids = vec![];
    for (mail, roles) in [
        ("leaver@example.org", &[Role::Creator][..]),
        ("heir@example.org", &[Role::Creator]),
        ("reader@example.org", &[]),
        ("editor@example.org", &[Role::Editor]),
    ] {
        ids.push(person(&studio, mail, roles).await.to_string());
    }
    let [leaver_id, heir_id, reader_id, _] = <[String; 4]>::try_from(ids).expect("four");
    let leaver = signed_in(&studio, "leaver@example.org").await;
    let heir = signed_in(&studio, "heir@example.org").await;
    assert!(leaver.get(PAGE).await.body.contains("Nothing to hand over"));
    let (film, post) = makes(&studio, &leaver).await;

    let refused = leaver.submit("/account/deletion", "/account/deletion", &[("current", PASSWORD)]).await;
    assert!(refused.status == 422 && refused.body.contains(PAGE), "{}", refused.body);

    let page = leaver.get(PAGE).await.body;
    assert!(
        page.contains("Films: 1, 1 of them published") && page.contains("Journal: 1, 0 of them"),
        "{page}"
    );
    assert!(!page.contains("Training:") && !page.contains("name=\"from\" value=\"\""), "{page}");
    for (to, kinds, words) in [
        ("", &["film"][..], "Choose somebody who makes"),
        (reader_id.as_str(), &["film"], "Choose somebody who makes"),
        (leaver_id.as_str(), &["film"], "It belongs to them already"),
        (heir_id.as_str(), &[], "Tick at least one"),
        (heir_id.as_str(), &["course"], "Tick at least one"),
    ] {
        let mut fields = vec![("to", to)];
        fields.extend(kinds.iter().map(|k| (*k, "1")));
        let page = leaver.submit(PAGE, PAGE, &fields).await;
        assert!(page.status == 422 && page.body.contains(words), "{to} {kinds:?}: {}", page.body);
    }
    // Creators hand over their own, whatever the form says.
    let foreign = heir.submit(PAGE, PAGE, &[("from", &leaver_id), ("to", &leaver_id), ("film", "1")]).await;
    assert_eq!((foreign.status, count(&studio, "%HandedOver").await), (422, 0));

    let done = leaver.submit(PAGE, PAGE, &[("to", &heir_id), ("film", "1")]).await;
    assert!(leaver.follow(done.location()).await.body.contains("One thing has another owner now."));
    studio.settle().await;
    assert_eq!((leaver.get(&film).await.status, heir.get(&film).await.status), (404, 200));
    assert_eq!((leaver.get(&post).await.status, heir.get(&post).await.status), (200, 404));
    assert_eq!(studio.browser().get("/films/the-salt-keeper").await.status, 200);
    let asked = leaver.submit("/account/deletion", "/account/deletion", &[("current", PASSWORD)]).await;
    assert_eq!(asked.status, 303, "{}", asked.body);
    studio.settle().await;

    // What is left, and nobody can hand over any more who is leaving, an editor gives.
    let editor = signed_in(&studio, "editor@example.org").await;
    let here = format!("{PAGE}?from={leaver_id}");
    let page = editor.get(&here).await.body;
    assert!(page.contains("Journal: 1") && page.contains("without a public name"), "{page}");
    let done = editor.submit(&here, PAGE, &[("to", &heir_id), ("post", "1")]).await;
    sent(&studio, done).await;
    assert_eq!(heir.get(&post).await.status, 200);
    assert_eq!(count(&studio, "%HandedOver").await, 2);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cut_off_goes_on_with_the_same_command_and_gives_nothing_twice() {
    let studio = Studio::start().await;
    let from = person(&studio, "leaver@example.org", &[Role::Creator]).await;
    let to = person(&studio, "heir@example.org", &[Role::Creator]).await;
    makes(&studio, &signed_in(&studio, "leaver@example.org").await).await;
    let cx = &studio.instance.services;
    let (id, meta) = (cx.clock.new_id(), Metadata::system("test", cx.clock.new_id(), cx.clock.now()));
    let wish =
        |kinds: &[&str]| Handover { from, to, by: from, kinds: kinds.iter().map(|&k| k.into()).collect() };
    // As if the process had ended after the film, before the lists knew of it; then all of it anew.
    assert_eq!(hand_over(cx, id, &meta, &wish(&["film"])).await.expect("given").things, 1);
    let rest = hand_over(cx, id, &meta, &wish(&["film", "post"])).await.expect("given");
    assert!((1..=2).contains(&rest.things), "the film may be told of again: {}", rest.things);
    studio.settle().await;
    assert_eq!(count(&studio, "%HandedOver").await, 2);
    let again = hand_over(cx, id, &meta, &wish(&["film", "post"])).await;
    assert!(matches!(again, Err(HandoverError::Nothing)), "{again:?}");
    studio.verify().await;
    studio.close().await;
}
