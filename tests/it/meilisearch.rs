//! Search by a Meilisearch server: a stand-in answers as its reference says. A real one was never spoken to.

use crate::accounts::{person, signed_in};
use crate::running::{Running, data_folder, get};
use crate::studio::{load_demo, people};
use crate::support::meili::{ADMIN_KEY, Meili, Mood, SEARCH_KEY};
use crate::support::{Browser, Studio};
use kinora::actors::search;
use kinora::domain::shared::Role;
use kinora::projections::catalogue;
use kinora::startup::Roles;
use serde_json::Value;
use std::time::Duration;

const AWAY: &str = "Search does not work at the moment";

/// Waits until the index holds what the catalogue holds.
async fn filled(studio: &Studio) {
    studio.settle().await;
    let mut last = search::Filled::default();
    for _ in 0..1200 {
        last = search::filled(&studio.instance.services).await.expect("read");
        if last.whole {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the index is not filled: {last:?}, {:?}", studio.instance.services.board.all());
}

/// Without an encoder: nothing changes by itself.
async fn studio_with(engine: &Meili) -> Studio {
    let folder = tempfile::tempdir().expect("folder");
    let roles = Roles { scheduler: false, worker: false, ..Roles::ALL };
    Studio::start_in(folder, roles, |c| engine.settings(c)).await
}

async fn film(creator: &Browser, title: &str, more: &[(&str, &str)]) -> String {
    let fields = [vec![("title", title)], more.to_vec()].concat();
    let begun = creator.submit("/studio/films/new", "/studio/films", &fields).await;
    assert_eq!(begun.status, 303, "{}", begun.body);
    creator.follow(begun.location()).await;
    begun.location().split('?').next().expect("path").to_owned()
}

async fn publish(creator: &Browser, desk: &str) {
    assert_eq!(creator.submit(desk, &format!("{desk}/publish"), &[]).await.status, 303);
}

fn keys(documents: &[Value]) -> Vec<String> {
    documents.iter().map(|d| d["key"].as_str().expect("key").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn works_are_found_there_while_they_are_public() {
    let engine = Meili::start().await;
    let studio = studio_with(&engine).await;
    let makers = people(&studio, &["creator"]).await;
    let (creator, visitor) = (&makers[0], studio.browser());
    let desk = film(creator, "The Salt Keeper", &[("summary", "The sea in jars.")]).await;
    filled(&studio).await;
    assert!(engine.documents("kinora").is_empty(), "a draft is not told of");
    assert_eq!(engine.indexes(), ["kinora"], "what it was filled beside is gone");

    publish(creator, &desk).await;
    filled(&studio).await;
    let documents = engine.documents("kinora");
    assert_eq!(documents.len(), 1);
    assert_eq!((&documents[0]["title"], &documents[0]["free"]), (&"The Salt Keeper".into(), &true.into()));
    for words in ["salt", "kee", "salt+keepr", "jars+sea"] {
        let page = visitor.get(&format!("/search?q={words}")).await.body;
        assert!(
            page.contains("href=\"/films/the-salt-keeper\"") && page.contains("<mark>"),
            "{words}: {page}"
        );
    }
    let page = visitor.get("/search?q=jars").await.body;
    assert!(page.contains("The sea in <mark>jars</mark>.") && page.contains("1 result"), "{page}");
    assert!(visitor.get("/search/feed.atom?q=salt").await.body.contains("/films/the-salt-keeper"));
    engine.asked();
    for nothing in ["tractor", "salt&kind=course", "%27%20%26%20%7C%20%21%28%00", "-%22%20OR%20free=true"] {
        let page = visitor.get(&format!("/search?q={nothing}")).await;
        assert!(
            page.status == 200 && !page.body.contains("/films/the-salt-keeper"),
            "{nothing}: {}",
            page.body
        );
    }
    assert!(engine.asked().iter().all(|q| !q["q"].as_str().expect("words").contains(['"', '-', '='])));
    assert!(visitor.get("/search?kind=film").await.body.contains("/films/the-salt-keeper"));
    assert!(!visitor.get("/search?kind=film&tag=a%22b").await.body.contains("/films/the-salt-keeper"));

    // What changes is found by its new words, and what is taken back is gone.
    let edit = [("title", "Harbour"), ("slug", "harbour"), ("summary", "Boats."), ("stage", "released")];
    let saved = creator.submit(&desk, &desk, &[&edit[..], &[("licence", "CC-BY-4.0")]].concat()).await;
    assert_eq!(saved.status, 303, "{}", saved.body);
    filled(&studio).await;
    assert!(visitor.get("/search?q=harbour&licence=CC-BY-4.0").await.body.contains("/films/harbour"));
    assert!(!visitor.get("/search?q=salt").await.body.contains("/films/harbour"));
    let back = creator.submit(&desk, &format!("{desk}/unpublish"), &[]).await;
    assert_eq!(back.status, 303, "{}", back.body);
    filled(&studio).await;
    assert!(engine.documents("kinora").is_empty());
    assert_eq!(engine.refused(), 0);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_behind_shows_nothing_that_was_taken_back() {
    let engine = Meili::start().await;
    let studio = studio_with(&engine).await;
    let makers = people(&studio, &["creator"]).await;
    let (creator, visitor) = (&makers[0], studio.browser());
    let (gone, changed) = (
        film(creator, "Lantern one", &[("summary", "Whale oil.")]).await,
        film(creator, "Lantern two", &[("summary", "Kerosene inside.")]).await,
    );
    publish(creator, &gone).await;
    publish(creator, &changed).await;
    filled(&studio).await;
    assert!(visitor.get("/search?q=kerosene").await.body.contains("<mark>Kerosene</mark>"));

    engine.mood(Mood::Stuck);
    assert_eq!(creator.submit(&gone, &format!("{gone}/unpublish"), &[]).await.status, 303);
    let edit = [
        ("title", "Lamp"),
        ("slug", "lantern-two"),
        ("summary", "Oil."),
        ("stage", "released"),
        ("licence", "CC-BY-4.0"),
    ];
    assert_eq!(creator.submit(&changed, &changed, &edit).await.status, 303);
    studio.settle().await;
    assert_eq!(engine.documents("kinora").len(), 2, "the server has both as they were");
    let page = visitor.get("/search?q=lantern").await.body;
    assert!(!page.contains("lantern-one") && page.contains(">Lamp<") && page.contains("1 result"), "{page}");
    let page = visitor.get("/search?q=kerosene").await.body;
    assert!(page.contains("/films/lantern-two") && !page.contains("Kerosene"), "{page}");
    assert!(!visitor.get("/search?q=lantern&licence=CC0-1.0").await.body.contains("lantern-two"));
    let told = || async { search::filled(&studio.instance.services).await.expect("read") };
    for _ in 0..600 {
        if told().await.error.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let words = told().await.error.expect("it says why it does not go on");
    assert!(words.contains("no_space_left_on_device") && !words.contains(ADMIN_KEY), "{words}");

    engine.mood(Mood::Well);
    filled(&studio).await;
    let documents = engine.documents("kinora");
    assert_eq!((documents.len(), &documents[0]["title"]), (1, &"Lamp".into()));
    assert_eq!(told().await.error, None);
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_down_costs_the_search_and_nothing_else() {
    let engine = Meili::start().await;
    engine.mood(Mood::Broken);
    // Also a start does not wait for it.
    let studio = studio_with(&engine).await;
    load_demo(&studio).await;
    let visitor = studio.browser();
    for mood in [Mood::Broken, Mood::Slow, Mood::Odd] {
        engine.mood(mood);
        let page = visitor.get("/search?q=bunny").await;
        assert!(page.status == 200 && page.body.contains(AWAY), "{mood:?}: {}", page.body);
        let feed = visitor.get("/search/feed.atom?q=bunny").await;
        assert_eq!(feed.status, 503, "{mood:?}");
        assert!(feed.headers.contains_key("retry-after"));
        for path in ["/", "/films/big-buck-bunny", "/readyz", "/healthz", "/search"] {
            assert_eq!(visitor.get(path).await.status, 200, "{mood:?}: {path}");
        }
    }
    let text = studio.instance.services.metrics.render().expect("numbers");
    for series in [
        r#"kinora_search_questions_total{engine="meilisearch",outcome="timed_out"} 2"#,
        r#"kinora_search_questions_total{engine="meilisearch",outcome="refused"} 4"#,
        r#"kinora_search_questions_total{engine="meilisearch",outcome="answered"} 0"#,
    ] {
        assert!(text.contains(series), "{series}: {text}");
    }
    engine.mood(Mood::Well);
    filled(&studio).await;
    let page = visitor.get("/search?q=bunny").await.body;
    assert!(page.contains("/films/big-buck-bunny") && !page.contains(AWAY), "{page}");

    // As many as are found without it, by kind, by time and page after page.
    let here = catalogue::findable_number(&studio.instance.services.reader).await.expect("number");
    assert_eq!(engine.documents("kinora").len(), usize::try_from(here).expect("a number"));
    let newest = visitor.get("/search?kind=lesson&sort=newest").await.body;
    let oldest = visitor.get("/search?kind=lesson&sort=oldest").await.body;
    let first = |page: &str| crate::billing_pages::link(page, "/courses/");
    assert!(!first(&newest).is_empty() && newest != oldest);
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_was_lost_or_spoilt_is_made_anew() {
    let engine = Meili::start().await;
    let studio = studio_with(&engine).await;
    load_demo(&studio).await;
    filled(&studio).await;
    let whole = keys(&engine.documents("kinora"));
    assert!(whole.len() > 3, "{whole:?}");
    // By command, beside the one in use; whoever fills it does it.
    engine.changes();
    let wish = search::want_anew(&studio.instance.services).await.expect("asked");
    filled(&studio).await;
    let state = search::filled(&studio.instance.services).await.expect("read");
    assert_eq!((state.made, state.wanted), (wish, wish));
    let changes = engine.changes();
    assert_eq!(changes.iter().filter(|c| *c == "POST /swap-indexes").count(), 1, "{changes:?}");
    assert!(!changes.iter().any(|c| c == "POST /indexes/kinora/documents"), "the one in use stays as it was");
    assert_eq!(keys(&engine.documents("kinora")), whole);

    // A server that lost its disk, and one that lost a document, are noticed at the next start at the latest.
    for lost in [true, false] {
        let roles = Roles { web: false, projector: true, scheduler: false, worker: false };
        if lost {
            engine.forget();
        } else {
            engine.lose("kinora", &whole[0]);
        }
        let beside = studio.beside_with(roles, |c| engine.settings(c)).await;
        // The lease of the one that runs: the other process takes over as if that had died.
        let (client, first) = (studio.client().await, studio.instance.services.process);
        for _ in 0..1200 {
            let sql = "delete from leases where name = 'search index' and owner = $1";
            client.execute(sql, &[&first]).await.expect("freed");
            if keys(&engine.documents("kinora")) == whole {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(keys(&engine.documents("kinora")), whole, "lost: {lost}");
        beside.close().await;
    }
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn text_inside_works_is_found_by_whoever_may_watch_them() {
    let engine = Meili::start().await;
    let studio = Studio::start_with(|c| engine.settings(c)).await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let visitor = studio.browser();
    let text = b"Take two spoons of quicklime.\n".to_vec();
    assert_eq!(crate::media::upload(&maker, "Recipe", "recipe.txt", text).await.status, 303);
    let work = crate::media::wait(&studio, "Recipe", |w| w.processing == "ready").await;
    let editor = format!("/studio/media/{}", work.id);
    assert_eq!(maker.submit(&editor, &format!("{editor}/publish"), &[]).await.status, 303);
    filled(&studio).await;
    let page = maker.get("/search?q=quicklime").await.body;
    assert!(page.contains("/media/recipe") && page.contains("<mark>quicklime</mark>"), "{page}");
    assert!(!visitor.get("/search?q=quicklime").await.body.contains("/media/recipe"));
    assert!(
        visitor.get("/search?q=recipe").await.body.contains("/media/recipe"),
        "its name is for everybody"
    );
    let fields = [("title", "Recipe"), ("slug", "recipe"), ("tier", "free")];
    assert_eq!(maker.submit(&editor, &editor, &fields).await.status, 303);
    filled(&studio).await;
    let page = visitor.get("/search?q=quicklime").await.body;
    assert!(page.contains("/media/recipe") && page.contains("<mark>quicklime</mark>"), "{page}");
    assert_eq!(maker.submit(&editor, &format!("{editor}/remove"), &[("confirm", "yes")]).await.status, 303);
    filled(&studio).await;
    assert!(engine.documents("kinora").is_empty());
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_tells_of_the_engine_and_not_of_its_keys() {
    let engine = Meili::start().await;
    let url = engine.url.clone();
    // The program blocks, and the stand-in runs here.
    let done = tokio::task::spawn_blocking(move || {
        let data = data_folder();
        let file = data.path().join("kinora.toml");
        let text = format!(
            "[search]\nengine = 'meilisearch'\naddress = '{url}'\nsearch_key = '{SEARCH_KEY}'\nadmin_key = '{ADMIN_KEY}'\n"
        );
        std::fs::write(&file, text).expect("written");
        let config = file.to_str().expect("a path").to_owned();
        let kinora = Running::start(data, &["--demo", "--role", "web,projector", "--config", &config]);
        let status = kinora.json(&["--config", &config, "search", "status", "--json"]);
        assert_eq!(status["engine"], "meilisearch");
        assert!(status["ok"] == true && status["index"]["whole"] == true, "{status}");
        let after = kinora.json(&["--config", &config, "search", "reindex", "--json"]);
        assert_eq!(after["documents"], status["documents"]);
        let (code, _, page) = get(kinora.site, "/search?q=bunny", &[]);
        assert!(code == 200 && page.contains("/films/big-buck-bunny"), "{page}");
        for command in [&["search", "keys", "--json"][..], &["search", "keys"], &["config", "show"]] {
            let out = kinora.run(&[&["--config", config.as_str()], command].concat());
            let text = String::from_utf8_lossy(&out.stdout).into_owned();
            assert!(out.status.success() && text.contains("search_key"), "{text}");
            assert!(!text.contains(SEARCH_KEY) && !text.contains(ADMIN_KEY), "{text}");
        }
    });
    done.await.expect("as expected");
    assert_eq!(engine.refused(), 0);
}
