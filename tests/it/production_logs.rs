//! Production logs: the weeks of a film, who writes them, and who may know of them.

use crate::accounts::{person, signed_in};
use crate::studio::{demo_unencoded, people};
use crate::support::{Browser, Page, Studio};
use kinora::domain::production_log::Week;
use kinora::domain::shared::Role;
use kinora::projections::catalogue::{self, Wanted};

const FILM: &str = "/films/the-salt-keeper";

async fn sent(studio: &Studio, answer: Page) -> String {
    assert_eq!(answer.status, 303, "{}", answer.body);
    studio.settle().await;
    answer.location().split('?').next().expect("a path").to_owned()
}

/// A public film of the creator's: its desk.
async fn film(studio: &Studio, creator: &Browser) -> String {
    let fields = [("title", "The Salt Keeper"), ("summary", "The sea in jars.")];
    let desk = sent(studio, creator.submit("/studio/films/new", "/studio/films", &fields).await).await;
    sent(studio, creator.submit(&desk, &format!("{desk}/publish"), &[]).await).await;
    desk
}

async fn found(studio: &Studio, text: &str) -> Vec<String> {
    let wanted = Wanted { text: text.into(), most: 20, ..Wanted::default() };
    let hits = catalogue::search(&studio.instance.services.reader, &wanted).await.expect("search");
    hits.hits.into_iter().map(|h| h.url).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_is_told_by_those_who_make_the_film() {
    let studio = Studio::start().await;
    let who = people(&studio, &["creator", "editor", "member"]).await;
    let (creator, editor, member, visitor) = (&who[0], &who[1], &who[2], studio.browser());
    person(&studio, "other@example.org", &[Role::Creator]).await;
    let other = signed_in(&studio, "other@example.org").await;
    let film_desk = film(&studio, creator).await;
    assert_eq!(visitor.get(&format!("{FILM}/logs")).await.status, 404, "nothing was told yet");

    let now = Week::of(crate::support::day_of(studio.instance.services.clock.now()));
    let week = now.to_string();
    let film_id = film_desk.rsplit('/').next().expect("an id");
    let new = format!("/studio/logs/new?film={film_id}");
    let page = creator.get(&new).await.body;
    assert!(page.contains("The Salt Keeper") && page.contains(&week), "{page}");
    let wrong = [("film", film_id), ("week", "48"), ("title", "Jars")];
    let wrong = creator.submit(&new, "/studio/logs", &wrong).await;
    assert!(wrong.status == 422 && wrong.body.contains("such as 2026-W48") && wrong.body.contains("Jars"));
    let about =
        [("film", film_id), ("week", week.as_str()), ("title", "Jars"), ("summary", "Forty of them.")];
    let foreign = other.submit("/account/notifications", "/studio/logs", &about).await;
    assert!(foreign.status == 422 && foreign.body.contains("There is no film yet"), "{}", foreign.body);
    let desk = sent(&studio, creator.submit(&new, "/studio/logs", &about).await).await;
    let twice = creator.submit(&new, "/studio/logs", &about).await;
    assert!(twice.status == 422 && twice.body.contains("has a log already"), "{}", twice.body);
    let empty = creator.submit(&desk, &format!("{desk}/publish"), &[]).await;
    assert!(empty.status == 422 && empty.body.contains("the week needs an entry"), "{}", empty.body);
    for (browser, status) in [(&other, 404), (editor, 200), (member, 403)] {
        assert_eq!(browser.get(&desk).await.status, status);
    }

    let entries = format!("{desk}/entries");
    let bare = creator.submit(&desk, &entries, &[("text", ""), ("media", "no-such-work")]).await;
    assert!(bare.status == 422 && bare.body.contains("no work with the address no-such-work"));
    assert!(creator.submit(&desk, &entries, &[("text", "")]).await.body.contains("Write what was done"));
    let text = [("text", "Filled **jars** with brine.")];
    sent(&studio, creator.submit(&desk, &entries, &text).await).await;
    sent(&studio, editor.submit(&desk, &entries, &[("text", "Counted them.")]).await).await;
    let here = format!("{FILM}/logs/{week}");
    assert_eq!(creator.get(&here).await.status, 200, "a preview");
    assert_eq!(visitor.get(&here).await.status, 404);
    assert!(found(&studio, "brine").await.is_empty());

    sent(&studio, creator.submit(&desk, &format!("{desk}/publish"), &[]).await).await;
    let page = visitor.get(&here).await;
    assert!(page.status == 200 && page.body.contains("Filled <strong>jars</strong>"), "{}", page.body);
    assert!(page.body.contains(": Jars") && page.body.contains("Counted them."), "{}", page.body);
    for (path, words) in [
        (format!("{FILM}/logs"), ": Jars"),
        (format!("{FILM}/logs/{}", now.month()), ": Jars"),
        (format!("{FILM}/logs/1999-01"), "Nothing was told in this month"),
        (FILM.to_owned(), "Production logs"),
        (format!("{FILM}/logs/feed.atom"), "brine"),
        ("/sitemap.xml".to_owned(), here.as_str()),
    ] {
        let page = visitor.get(&path).await;
        assert!(page.status == 200 && page.body.contains(words), "{path}: {}", page.body);
    }
    for nowhere in ["2026-13", "2026-W60", "x"] {
        assert_eq!(visitor.get(&format!("{FILM}/logs/{nowhere}")).await.status, 404, "{nowhere}");
    }
    assert_eq!(found(&studio, "brine").await, [here.as_str()]);
    assert!(member.get("/").await.body.contains("This week in production"));
    assert!(!visitor.get("/").await.body.contains("This week in production"));

    // The entry is changed, and nothing is left of what it said.
    let log = creator.get(&desk).await.body;
    let start = log.find(&format!("{entries}/")).expect("an entry");
    let entry = log[start..start + entries.len() + 37].to_owned();
    assert_eq!(other.get(&entry).await.status, 404);
    sent(&studio, creator.submit(&entry, &entry, &[("text", "Filled jars with snow.")]).await).await;
    assert!(found(&studio, "brine").await.is_empty() && !found(&studio, "snow").await.is_empty());
    sent(&studio, creator.submit(&entry, &format!("{entry}/remove"), &[]).await).await;
    assert!(!visitor.get(&here).await.body.contains("snow"));

    // Where the film goes, its weeks go too.
    let moved = [("title", "Salt"), ("slug", "salt"), ("summary", "The sea in jars.")];
    sent(&studio, creator.submit(&film_desk, &film_desk, &moved).await).await;
    let old = visitor.get(&here).await;
    assert_eq!((old.status, old.location()), (301, format!("/films/salt/logs/{week}").as_str()));
    assert_eq!(found(&studio, "counted").await, [format!("/films/salt/logs/{week}")]);
    sent(&studio, creator.submit(&film_desk, &format!("{film_desk}/unpublish"), &[]).await).await;
    assert_eq!(visitor.get(&format!("/films/salt/logs/{week}")).await.status, 404);
    assert!(found(&studio, "counted").await.is_empty());
    assert!(!member.get("/").await.body.contains("This week in production"));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_studio_tells_of_three_weeks() {
    let studio = demo_unencoded().await;
    let page = studio.browser().get("/films/city-at-night/logs").await;
    assert!(page.status == 200 && page.body.contains("Three nights on a roof"), "{}", page.body);
    crate::studio::load_demo(&studio).await;
    let again = studio.browser().get("/films/city-at-night/logs").await;
    assert_eq!(
        again.body.matches("/films/city-at-night/logs/20").count(),
        page.body.matches("/films/city-at-night/logs/20").count()
    );
    studio.close().await;
}
