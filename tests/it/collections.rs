//! Collections: folders in the gallery of a film, one inside of another.

use crate::accounts::{person, signed_in};
use crate::studio::{demo_unencoded, people};
use crate::support::{Page, Studio};
use kinora::domain::shared::Role;
use kinora::projections::catalogue::{self, Wanted};

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

#[tokio::test(flavor = "multi_thread")]
async fn works_lie_in_folders_of_folders() {
    let studio = Studio::start().await;
    let who = people(&studio, &["creator", "editor", "member"]).await;
    let (creator, editor, member, visitor) = (&who[0], &who[1], &who[2], studio.browser());
    person(&studio, "other@example.org", &[Role::Creator]).await;
    let other = signed_in(&studio, "other@example.org").await;
    let fields = [("title", "The Salt Keeper"), ("summary", "The sea in jars.")];
    let film = sent(&studio, creator.submit("/studio/films/new", "/studio/films", &fields).await).await;
    sent(&studio, creator.submit(&film, &format!("{film}/publish"), &[]).await).await;
    assert_eq!(visitor.get("/films/the-salt-keeper/gallery").await.status, 404);

    let shelf = format!("{film}/collections");
    let new = format!("{shelf}/new");
    for (browser, status) in [(&other, 404), (editor, 200), (member, 403)] {
        assert_eq!(browser.get(&shelf).await.status, status);
    }
    let wrong = [("title", ""), ("order", "first"), ("media", "no-such-work"), ("text", "Old *things*.")];
    let wrong = creator.submit(&new, &shelf, &wrong).await;
    for words in ["whole number", "no work with the address no-such-work", "Old *things*."] {
        assert!(wrong.status == 422 && wrong.body.contains(words), "{words}: {}", wrong.body);
    }
    assert!(creator.submit(&new, &shelf, &[("title", " ")]).await.body.contains("Enter a title."));
    let props = [("title", "Props"), ("text", "Old *things*."), ("order", "2")];
    let props = sent(&studio, creator.submit(&new, &shelf, &props).await).await;
    let twice = creator.submit(&new, &shelf, &[("title", "Props")]).await;
    assert!(twice.status == 422 && twice.body.contains("Another collection of this film"), "{}", twice.body);
    let outer = props.rsplit('/').next().expect("an id").to_owned();
    let jars = [("title", "Jars"), ("parent", outer.as_str())];
    let jars = sent(&studio, creator.submit(&new, &shelf, &jars).await).await;
    let inner = jars.rsplit('/').next().expect("an id").to_owned();
    let page = "/films/the-salt-keeper/gallery/props";
    assert_eq!((visitor.get(page).await.status, creator.get(page).await.status), (404, 200));
    for desk in [&props, &jars] {
        sent(&studio, creator.submit(desk, &format!("{desk}/publish"), &[]).await).await;
    }
    let gallery = visitor.get("/films/the-salt-keeper/gallery").await;
    assert!(gallery.status == 200 && gallery.body.contains(page) && !gallery.body.contains("gallery/jars\""));
    let body = visitor.get(page).await.body;
    assert!(body.contains("Old <em>things</em>") && body.contains("gallery/jars"), "{body}");
    let body = visitor.get("/films/the-salt-keeper/gallery/jars").await.body;
    assert!(body.contains(page) && body.contains("Nothing here yet"), "the way back is named: {body}");
    assert_eq!(found(&studio, "jars").await[..1], ["/films/the-salt-keeper/gallery/jars"]);
    assert!(visitor.get("/sitemap.xml").await.body.contains(page));

    // What lies in it, however deep, is no place for it.
    let circle = [("title", "Props"), ("slug", "props"), ("parent", inner.as_str())];
    let circle = creator.submit(&props, &props, &circle).await;
    assert!(circle.status == 422 && circle.body.contains("cannot lie in itself"), "{}", circle.body);
    let foreign = [("title", "Props"), ("slug", "props"), ("parent", "0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000")];
    assert!(creator.submit(&props, &props, &foreign).await.body.contains("Choose a collection of this film"));

    let moved = [("title", "Things"), ("slug", "things"), ("text", "New things.")];
    sent(&studio, creator.submit(&props, &props, &moved).await).await;
    let old = visitor.get(page).await;
    assert_eq!((old.status, old.location()), (301, "/films/the-salt-keeper/gallery/things"));
    // The film moves, its gallery with it.
    let moved = [("title", "Salt"), ("slug", "salt"), ("summary", "The sea in jars.")];
    sent(&studio, creator.submit(&film, &film, &moved).await).await;
    let old = visitor.get("/films/the-salt-keeper/gallery/jars").await;
    assert_eq!((old.status, old.location()), (301, "/films/salt/gallery/jars"));
    assert_eq!(found(&studio, "things").await, ["/films/salt/gallery/things"]);
    sent(&studio, creator.submit(&film, &format!("{film}/unpublish"), &[]).await).await;
    assert_eq!(visitor.get("/films/salt/gallery/jars").await.status, 404);
    assert!(found(&studio, "things").await.is_empty());
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_studio_has_collections_beside_its_sections() {
    let studio = demo_unencoded().await;
    let page = studio.browser().get("/films/big-buck-bunny/gallery").await;
    assert!(
        page.status == 200 && page.body.contains("/films/big-buck-bunny/gallery/places"),
        "{}",
        page.body
    );
    let page = studio.browser().get("/films/big-buck-bunny/gallery/places").await;
    assert!(page.body.contains("gallery/outside") && page.body.contains("gallery/inside"), "{}", page.body);
    // A work leads back to where it is shown.
    let editor = &people(&studio, &["editor"]).await[0];
    let place = "/films/big-buck-bunny/gallery/outside";
    let work = crate::billing_pages::link(&editor.get(place).await.body, "/media/");
    let page = editor.get(&work).await.body;
    assert!(page.contains("Part of") && page.contains(&format!("href=\"{place}\"")), "{page}");
    studio.close().await;
}
