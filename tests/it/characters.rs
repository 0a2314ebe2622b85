//! Characters: their versions, who may take them along, what is written below them.

use crate::accounts::{person, signed_in};
use crate::billing_pages::{open_with, order};
use crate::media::{upload, wait};
use crate::studio::demo_unencoded;
use crate::support::{Browser, Page, Studio};
use kinora::config::Av1;
use kinora::domain::shared::Role;
use kinora::projections::catalogue::{self, Wanted};

const PAGE: &str = "/characters/bunny";

async fn sent(studio: &Studio, answer: Page) -> String {
    assert_eq!(answer.status, 303, "{}", answer.body);
    studio.settle().await;
    answer.location().split('?').next().expect("a path").to_owned()
}

async fn found(studio: &Studio, text: &str) -> Vec<String> {
    let wanted = Wanted { text: text.into(), most: 20, ..Wanted::default() };
    let hits = catalogue::search(&studio.instance.services.reader, &wanted).await.expect("search");
    hits.hits.into_iter().map(|h| h.url).collect()
}

/// The address below `base` that the page leads to and that is not the one for something new.
fn below(page: &str, base: &str) -> String {
    let lead = format!("\"{base}/");
    let found = page
        .match_indices(&lead)
        .map(|(at, _)| &page[at + lead.len()..])
        .find(|rest| !rest.starts_with("new"));
    let rest = found.expect("an address");
    format!("{base}/{}", &rest[..rest.find('"').expect("an end")])
}

async fn begun(studio: &Studio, maker: &Browser) -> String {
    let fields = [("name", "Bunny"), ("summary", "A gentle rabbit.")];
    sent(studio, maker.submit("/studio/characters/new", "/studio/characters", &fields).await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_character_is_shown_in_its_versions_and_taken_along_by_the_access_rule() {
    let (studio, subscriber, _) = open_with(|c| c.media.av1 = Av1::None).await;
    assert_eq!(order(&studio, &subscriber, "NL", "card", "4242 4242 4242 4242").await.status, 303);
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    person(&studio, "other@example.org", &[Role::Creator]).await;
    person(&studio, "reader@example.org", &[]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let other = signed_in(&studio, "other@example.org").await;
    let reader = signed_in(&studio, "reader@example.org").await;
    let visitor = studio.browser();
    assert!(visitor.get("/characters").await.body.contains("No characters yet"));

    let file = b"import bpy\n# The ears follow.\n".to_vec();
    assert_eq!(upload(&maker, "Ears", "ears.py", file).await.status, 303);
    let work = wait(&studio, "Ears", |w| w.processing == "ready").await;
    let editor = format!("/studio/media/{}", work.id);
    sent(&studio, maker.submit(&editor, &format!("{editor}/publish"), &[]).await).await;

    let new = "/studio/characters/new";
    let wrong = maker.submit(new, "/studio/characters", &[("summary", "A gentle rabbit.")]).await;
    assert!(wrong.status == 422 && wrong.body.contains("Enter a name.") && wrong.body.contains("gentle"));
    let desk = begun(&studio, &maker).await;
    let twice = maker.submit(new, "/studio/characters", &[("name", "Bunny"), ("summary", "S")]).await;
    assert!(twice.status == 422 && twice.body.contains("Another character has or had this address"));
    assert_eq!(other.get(&desk).await.status, 404);
    assert_eq!((visitor.get(PAGE).await.status, maker.get(PAGE).await.status), (404, 200));

    let sheet = format!("{desk}/versions/new");
    let versions = format!("{desk}/versions");
    let bare = maker.submit(&sheet, &versions, &[("label", "1.0"), ("software", "")]).await;
    assert!(
        bare.status == 422
            && bare.body.contains("Enter a version of the software.")
            && bare.body.contains("1.0")
    );
    let file = work.id.to_string();
    let fields =
        [("label", "1.0"), ("software", "Blender 4.5"), ("notes", "Softer *ears*."), ("download", &file)];
    sent(&studio, maker.submit(&sheet, &versions, &fields).await).await;
    let again = maker.submit(&sheet, &versions, &fields).await;
    assert!(again.status == 422 && again.body.contains("Another version has this name."), "{}", again.body);
    sent(&studio, maker.submit(&desk, &format!("{desk}/publish"), &[]).await).await;

    for browser in [&visitor, &reader] {
        let page = browser.get(PAGE).await;
        assert!(page.status == 200 && page.body.contains("Softer <em>ears</em>"), "{}", page.body);
        assert!(page.body.contains("Download for members") && page.body.contains("/join"), "{}", page.body);
        assert!(!page.body.contains("?download=1"), "{}", page.body);
    }
    for browser in [&subscriber, &maker] {
        let page = browser.get(PAGE).await.body;
        let link = crate::billing_pages::link(&page, "/m/");
        assert_eq!(browser.download(&link).await.1, b"import bpy\n# The ears follow.\n");
        assert!(!page.contains("Download for members"), "{page}");
    }
    assert_eq!(found(&studio, "gentle rabbit").await, [PAGE]);
    assert!(visitor.get("/sitemap.xml").await.body.contains(PAGE));
    assert!(visitor.get("/characters").await.body.contains("Version 1.0 · Blender 4.5"));

    // Comments: those who have what subscribers have.
    let fields = [("text", "He is lovely"), ("parent", "")];
    sent(&studio, subscriber.submit(PAGE, "/comments", &fields).await).await;
    let page = reader.get(PAGE).await.body;
    assert!(page.contains("He is lovely") && page.contains("members who have joined"), "{page}");
    let token = reader.get("/account/notifications").await.hidden("_csrf").expect("a form");
    let id = catalogue::all_characters(&studio.instance.services.reader, None).await.expect("read")[0]
        .id
        .to_string();
    let forced = [("_csrf", token.as_str()), ("kind", "character"), ("subject", &id), ("text", "Hello")];
    let refused = reader.post("/comments", &forced).await;
    assert!(
        refused.status == 403 && refused.body.contains("written by members who have joined"),
        "{}",
        refused.body
    );

    // Liked and saved.
    let mark =
        [("mark", "save"), ("kind", "character"), ("item", id.as_str()), ("on", "yes"), ("back", PAGE)];
    sent(&studio, reader.post("/marks", &[&[("_csrf", token.as_str())], &mark[..]].concat()).await).await;
    assert!(reader.get("/account/library").await.body.contains(PAGE));

    // Another address, another version, nothing of the old.
    let moved = [("name", "Big Bunny"), ("slug", "big-bunny"), ("summary", "A gentle rabbit.")];
    sent(&studio, maker.submit(&desk, &desk, &moved).await).await;
    assert_eq!(
        (visitor.get(PAGE).await.status, visitor.get(PAGE).await.location()),
        (301, "/characters/big-bunny")
    );
    let page = maker.get(&desk).await.body;
    let version = below(&page, &versions);
    let revised = [("label", "1.1"), ("software", "Blender 5.0"), ("download", "")];
    sent(&studio, maker.submit(&version, &version, &revised).await).await;
    let page = subscriber.get("/characters/big-bunny").await.body;
    assert!(page.contains("Version 1.1") && page.contains("No download"), "{page}");
    sent(&studio, maker.submit(&version, &format!("{version}/remove"), &[]).await).await;
    assert!(!visitor.get("/characters/big-bunny").await.body.contains("Version 1.1"));
    sent(&studio, maker.submit(&desk, &format!("{desk}/unpublish"), &[]).await).await;
    for path in [PAGE, "/characters/big-bunny"] {
        assert_eq!(visitor.get(path).await.status, 404, "{path}");
    }
    assert!(found(&studio, "gentle").await.is_empty());
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_studio_has_a_character() {
    let studio = demo_unencoded().await;
    let page = studio.browser().get(PAGE).await;
    assert!(page.status == 200 && page.body.contains("Blender 4.5"), "{}", page.body);
    assert!(studio.browser().get("/films/big-buck-bunny").await.body.contains(PAGE));
    studio.close().await;
}
