//! Films, courses, posts, search and the demo studio, as people meet them.

use crate::support::{Browser, Studio};
use kinora::actors::accounts;
use kinora::projections::catalogue::{self, SearchKind, Wanted};
use kinora::startup::Roles;
use kinora::store::Metadata;
use uuid::Uuid;

/// The demo's people, and browsers signed in as some of them.
pub async fn people(studio: &Studio, roles: &[&str]) -> Vec<Browser> {
    let cx = &studio.instance.services;
    let meta = Metadata::system("test", cx.clock.new_id(), cx.clock.now());
    let people = accounts::demo::load(cx, &meta).await.expect("people");
    studio.settle().await;
    let mut browsers = Vec::new();
    for role in roles {
        let (person, _) = people.iter().find(|(p, _)| p.role == *role).expect("role");
        let browser = studio.browser();
        let fields = [("login", person.mail.as_str()), ("password", person.password.as_str())];
        let page = browser.submit("/login", "/login", &fields).await;
        assert_eq!(page.status, 303, "{role} signs in: {}", page.body);
        browsers.push(browser);
    }
    browsers
}

/// The demo studio, of which nothing is encoded meanwhile: lengths and files are what a test sets.
pub async fn demo_unencoded() -> Studio {
    let studio = Studio::with_roles(Roles { scheduler: false, worker: false, ..Roles::ALL }).await;
    load_demo(&studio).await;
    studio
}

/// Loads the demo's people and works.
pub async fn load_demo(studio: &Studio) {
    let cx = &studio.instance.services;
    let meta = Metadata::system("test", cx.clock.new_id(), cx.clock.now());
    let people = accounts::demo::load(cx, &meta).await.expect("people");
    let creator = people.iter().find(|(p, _)| p.role == "creator").expect("creator").1;
    kinora::actors::demo::load(cx, creator).await.expect("loaded");
    studio.settle().await;
}

async fn found(studio: &Studio, text: &str) -> Vec<String> {
    let wanted = Wanted { text: text.into(), most: 20, ..Wanted::default() };
    let hits = catalogue::search(&studio.instance.services.reader, &wanted).await.expect("search");
    hits.hits.into_iter().map(|h| h.url).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_is_known_to_others_only_while_it_is_published() {
    let studio = Studio::start().await;
    let makers = people(&studio, &["creator", "member"]).await;
    let (creator, visitor) = (&makers[0], studio.browser());
    assert_eq!(makers[1].get("/studio").await.status, 403, "a member has no desk");

    let refused =
        creator.submit("/studio/films/new", "/studio/films", &[("summary", "The sea in jars.")]).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.body.contains("Enter a title.") && refused.body.contains("The sea in jars."),
        "{}",
        refused.body
    );

    let fields = [("title", "The Salt Keeper"), ("summary", "The sea in jars.")];
    let begun = creator.submit("/studio/films/new", "/studio/films", &fields).await;
    assert_eq!(begun.status, 303, "{}", begun.body);
    let desk = begun.location().split('?').next().expect("path").to_owned();
    assert_eq!(creator.follow(begun.location()).await.status, 200);
    assert_eq!(creator.get("/films/the-salt-keeper").await.status, 200, "its maker sees the draft");
    assert_eq!(visitor.get("/films/the-salt-keeper").await.status, 404);
    assert_eq!(makers[1].get(&desk).await.status, 403);
    assert!(found(&studio, "salt").await.is_empty());

    let twice = creator
        .submit("/studio/films/new", "/studio/films", &[("title", "Another"), ("slug", "the-salt-keeper")])
        .await;
    assert_eq!(twice.status, 422, "an address belongs to one film");

    let published = creator.submit(&desk, &format!("{desk}/publish"), &[]).await;
    assert_eq!(published.status, 303, "{}", published.body);
    studio.settle().await;
    let page = visitor.get("/films/the-salt-keeper").await;
    assert!(page.status == 200 && page.body.contains("<title>The Salt Keeper — Films"), "{}", page.body);
    assert!(visitor.get("/sitemap.xml").await.body.contains("/films/the-salt-keeper"));
    for words in ["salt", "kee", "salt keepr", "slat keeper", "jars sea"] {
        assert_eq!(found(&studio, words).await, ["/films/the-salt-keeper"], "{words}");
    }
    assert!(found(&studio, "tractor").await.is_empty());
    assert!(visitor.get("/search?q=keep").await.body.contains("<mark>Keeper</mark>"));
    assert_eq!(visitor.get("/search?q=%27%20%26%20%7C%20%21%28%00&kind=nonsense&page=-3").await.status, 200);

    let edit = [
        ("title", "The Salt Keeper"),
        ("slug", "salt"),
        ("summary", "The sea in jars."),
        ("stage", "released"),
        ("licence", "CC-BY-4.0"),
        ("crew", "Director: Ada Holm\nMusic: Joris"),
    ];
    let saved = creator.submit(&desk, &desk, &edit).await;
    assert_eq!(saved.status, 303, "{}", saved.body);
    studio.settle().await;
    let old = visitor.get("/films/the-salt-keeper").await;
    assert_eq!((old.status, old.location()), (301, "/films/salt"));
    assert!(visitor.get("/films/salt/credits").await.body.contains("Ada Holm"));
    let wrong = creator
        .submit(
            &desk,
            &desk,
            &[
                ("title", "T"),
                ("slug", "salt"),
                ("summary", "S"),
                ("gallery", "no-such-work"),
                ("crew", "just a name"),
                ("hue", "400"),
            ],
        )
        .await;
    assert_eq!(wrong.status, 422);
    for sentence in
        ["There is no work with the address no-such-work", "Write role, colon and name", "just a name"]
    {
        assert!(wrong.body.contains(sentence), "{sentence}: {}", wrong.body);
    }
    let client = studio.client().await;
    let leaked =
        client.query_one("select count(*) from events where payload::text like '%Ada Holm%'", &[]).await;
    assert_eq!(leaked.expect("count").get::<_, i64>(0), 0, "names are in the vault, not in events");
    drop(client);

    assert_eq!(creator.submit(&desk, &format!("{desk}/unpublish"), &[]).await.status, 303);
    studio.settle().await;
    assert_eq!(visitor.get("/films/salt").await.status, 404);
    assert_eq!(visitor.get("/films/the-salt-keeper").await.status, 404, "the old address does not tell");
    assert!(found(&studio, "salt").await.is_empty());
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lessons_are_open_by_their_mark_and_posts_by_their_time() {
    let studio = Studio::start().await;
    let makers = people(&studio, &["creator"]).await;
    let (creator, visitor) = (&makers[0], studio.browser());

    let begun = creator
        .submit(
            "/studio/courses/new",
            "/studio/courses",
            &[("title", "Rigging"), ("kind", "course"), ("level", "advanced")],
        )
        .await;
    assert_eq!(begun.status, 303, "{}", begun.body);
    let desk = begun.location().split('?').next().expect("path").to_owned();
    creator.follow(begun.location()).await;
    let early = creator.submit(&desk, &format!("{desk}/publish"), &[]).await;
    assert!(early.status == 422 && early.body.contains("at least one lesson"), "{}", early.body);
    let chapter = creator.submit(&desk, &format!("{desk}/chapters"), &[("chapter", "Bones")]).await;
    assert_eq!(chapter.status, 303, "{}", chapter.body);
    let page = creator.follow(chapter.location()).await;
    let at = page.body.find("lessons/new?chapter=").expect("link") + 20;
    let chapter = page.body[at..at + 36].to_owned();
    for (title, text, free) in [("First bone", "Open words.", "yes"), ("Second bone", "Hidden words.", "")] {
        let new = format!("{desk}/lessons/new?chapter={chapter}");
        let fields = [("chapter", chapter.as_str()), ("title", title), ("content", text), ("free", free)];
        let added = creator.submit(&new, &format!("{desk}/lessons"), &fields).await;
        assert_eq!(added.status, 303, "{}", added.body);
        let lesson = added.location().split('?').next().expect("path").to_owned();
        creator.follow(added.location()).await;
        assert_eq!(creator.submit(&lesson, &format!("{lesson}/act"), &[("act", "show")]).await.status, 303);
    }
    studio.settle().await;
    assert_eq!(creator.submit(&desk, &format!("{desk}/publish"), &[]).await.status, 303);
    studio.settle().await;
    assert!(visitor.get("/courses/rigging/first-bone").await.body.contains("Open words."));
    let locked = visitor.get("/courses/rigging/second-bone").await;
    assert!(
        locked.status == 200 && !locked.body.contains("Hidden words.") && locked.body.contains("For members")
    );
    assert!(found(&studio, "hidden").await.is_empty(), "what is locked is not told by search");
    assert_eq!(found(&studio, "bone").await.len(), 2);

    let fields = [("title", "Week one"), ("content", "What **happened**."), ("category", "news")];
    let written = creator.submit("/studio/posts/new", "/studio/posts", &fields).await;
    assert_eq!(written.status, 303, "{}", written.body);
    let post = written.location().split('?').next().expect("path").to_owned();
    creator.follow(written.location()).await;
    let past =
        creator.submit(&post, &format!("{post}/schedule"), &[("publish_at", "2020-01-01T00:00")]).await;
    assert!(past.status == 422 && past.body.contains("Choose a time in the future"), "{}", past.body);
    let soon = chrono::Utc::now() + chrono::TimeDelta::days(2);
    let when = crate::support::typed(soon);
    assert_eq!(
        creator.submit(&post, &format!("{post}/schedule"), &[("publish_at", when.as_str())]).await.status,
        303
    );
    studio.settle().await;
    assert_eq!(visitor.get("/posts/week-one").await.status, 404);
    let due = (soon + chrono::TimeDelta::minutes(1)).to_rfc3339();
    studio.run_job("publish-scheduled", &due).await;
    studio.settle().await;
    assert!(visitor.get("/posts/week-one").await.body.contains("<strong>happened</strong>"));
    assert!(visitor.get("/posts/feed.atom").await.body.contains("Week one"));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn loading_the_demo_twice_changes_nothing() {
    let studio = Studio::start().await;
    let cx = &studio.instance.services;
    let meta = Metadata::system("test", cx.clock.new_id(), cx.clock.now());
    let people = accounts::demo::load(cx, &meta).await.expect("people");
    let creator = people.iter().find(|(p, _)| p.role == "creator").expect("creator").1;
    kinora::actors::demo::load(cx, creator).await.expect("first load");
    studio.settle().await;
    // Encoding goes on meanwhile: only what the load itself writes is compared.
    let count = || async {
        let sql = "select count(*) from events where stream_id ~ '^(film|course|post|account)-'
                   or type in ('UploadReceived', 'MediaDescribed', 'MediaTierChanged', 'MediaScheduled')";
        studio.client().await.query_one(sql, &[]).await.expect("count").get::<_, i64>(0)
    };
    let before = count().await;
    kinora::actors::demo::load(cx, creator).await.expect("second load");
    studio.settle().await;
    assert_eq!(count().await, before);
    let visitor = studio.browser();
    for path in [
        "/",
        "/films",
        "/films/big-buck-bunny",
        "/courses/from-shot-to-screen",
        "/posts/the-doors-are-open",
        "/about",
    ] {
        assert_eq!(visitor.get(path).await.status, 200, "{path}");
    }
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn search_knows_what_belongs_to_a_film_and_what_is_open() {
    let studio = demo_unencoded().await;
    let reader = &studio.instance.services.reader;
    let all = |wanted: Wanted| async move {
        let hits = catalogue::search(reader, &Wanted { most: 200, ..wanted }).await.expect("search");
        hits.hits
    };
    // Without words the filters alone decide; without both nothing is asked.
    assert!(all(Wanted::default()).await.is_empty());
    let films = all(Wanted { kind: Some(SearchKind::Film), ..Wanted::default() }).await;
    assert!(!films.is_empty());
    let page = studio.browser().get("/search?kind=film").await.body;
    assert!(films.iter().all(|f| page.contains(&f.url)), "{page}");

    // A film's works are found with it.
    let film = catalogue::films(reader, 10)
        .await
        .expect("films")
        .into_iter()
        .find(|f| f.state.gallery.iter().any(|section| !section.media.is_empty()));
    let film = film.expect("a film with a gallery");
    // Nothing is encoded here, so nothing is public by itself: the lists are told what an encoder would lead to.
    let sql = "update views.catalogue set public = true where kind = 'media';
        insert into views.catalogue_words (kind, id, owner, url, title, context, body, free, at, words)
        select 'media', id, id, '/media/' || slug, slug, '', '', slug like 'big-%', now(), to_tsvector('english', slug)
        from views.catalogue where kind = 'media'";
    studio.client().await.batch_execute(sql).await.expect("shown");
    let of_film = all(Wanted { film: Some(film.id), ..Wanted::default() }).await;
    let named: Vec<Uuid> = film.state.gallery.iter().flat_map(|s| s.media.clone()).collect();
    let public = catalogue::published_among(reader, &named).await.expect("works");
    let works = of_film.iter().filter(|h| h.kind == Some(SearchKind::Media)).count();
    assert!(works >= public.len() && !public.is_empty(), "{of_film:?}");

    // Whatever has a lock is not free: a course with a locked lesson, a film whose feature is for members.
    let free = all(Wanted { free: true, ..Wanted::default() }).await;
    for course in catalogue::courses(reader, 10).await.expect("courses") {
        let lessons = course.state.chapters.iter().filter(|c| c.shown).flat_map(|c| &c.lessons);
        let open = lessons.filter(|l| l.shown).all(|l| l.text.free);
        assert_eq!(
            free.iter().any(|h| h.url == format!("/courses/{}", course.slug)),
            open,
            "{}",
            course.slug
        );
    }
    for film in catalogue::films(reader, 10).await.expect("films") {
        let Some(feature) = film.state.feature else { continue };
        let work = catalogue::work_by_id(reader, feature).await.expect("read").expect("a work");
        let open = !work.public || work.state.tier == kinora::domain::media::Tier::Free;
        assert_eq!(free.iter().any(|h| h.url == format!("/films/{}", film.slug)), open, "{}", film.slug);
    }
    studio.close().await;
}
