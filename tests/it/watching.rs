//! Where people are in what they watch: told by the player, shown where they go on.

use crate::studio::{demo_unencoded, people};
use crate::support::Browser;

/// The addresses of a course's lessons, in order.
async fn lessons(browser: &Browser, course: &str) -> Vec<String> {
    let page = browser.get(course).await.body;
    let mut found = Vec::new();
    for part in page.split("href=\"").skip(1) {
        let href = part.split('"').next().unwrap_or("");
        if href.starts_with(&format!("{course}/")) && !found.contains(&href.to_owned()) {
            found.push(href.to_owned());
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn one_goes_on_where_one_was() {
    let studio = demo_unencoded().await;
    let creator = &people(&studio, &["creator"]).await[0];
    let course = "/courses/from-shot-to-screen";
    let all = lessons(creator, course).await;
    assert!(all.len() > 1, "{all:?}");
    let page = creator.get(&all[0]).await;
    let (item, course_id, token) = (
        page.hidden("item").expect("item"),
        page.hidden("course").expect("course"),
        page.hidden("_csrf").expect("token"),
    );
    let tell = async |at: &str| {
        let fields =
            [("item", item.as_str()), ("course", course_id.as_str()), ("_csrf", token.as_str()), ("at", at)];
        creator.post("/progress", &fields).await.status
    };

    assert!(!creator.get("/").await.body.contains("Continue watching"));
    assert_eq!(tell("4.9").await, 204);
    assert!(!creator.get("/").await.body.contains("Continue watching"), "a glimpse is not remembered");
    assert_eq!(tell("7").await, 204);
    let home = creator.get("/").await.body;
    assert!(home.contains("Continue watching") && home.contains(&format!("href=\"{}\"", all[0])));
    assert!(creator.get(course).await.body.contains("Started"));
    // Nothing plays in it while nothing is encoded: a minute on the page finishes it.
    assert_eq!(tell("61").await, 204);
    assert!(!creator.get("/").await.body.contains("Continue watching"));
    let page = creator.get(course).await.body;
    assert!(page.contains(&format!("1 of {} watched", all.len())) && page.contains("Go on with"), "{page}");
    assert_eq!(tell("2").await, 204);
    assert_eq!(tell("9").await, 204);
    assert!(creator.get(course).await.body.contains("Watched"), "finished stays finished");

    // What plays has a length: eighty of a hundred seconds.
    let sql = "update views.media_works set duration_ms = 100000, playable = 1";
    studio.client().await.execute(sql, &[]).await.expect("lengths");
    assert_eq!(tell("33").await, 204);
    assert!(creator.get(&all[0]).await.body.contains("You were at 0:33"));
    assert_eq!(tell("5000").await, 204);
    assert!(!creator.get(&all[0]).await.body.contains("You were at"), "at the end one begins anew");

    let library = creator.get("/account/library").await;
    assert!(library.body.contains(&all[0]) && library.body.contains("Watched"));
    let gone = creator.submit("/account/library", "/account/library/forget", &[]).await;
    assert_eq!(gone.status, 303);
    assert!(creator.get("/account/library").await.body.contains("Nothing watched yet"));
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_one_may_watch_is_taken_down() {
    let studio = demo_unencoded().await;
    let both = people(&studio, &["creator", "member"]).await;
    let (creator, member, visitor) = (&both[0], &both[1], studio.browser());
    let all = lessons(creator, "/courses/from-shot-to-screen").await;
    let token = member.get("/account").await.hidden("_csrf").expect("token");
    let mut answers = Vec::new();
    for lesson in &all {
        let page = creator.get(lesson).await;
        let (item, course) = (page.hidden("item").expect("item"), page.hidden("course").expect("course"));
        let locked = member.get(lesson).await.hidden("item").is_none();
        let fields =
            [("item", item.as_str()), ("course", course.as_str()), ("_csrf", token.as_str()), ("at", "30")];
        let status = member.post("/progress", &fields).await.status;
        assert_eq!(status, if locked { 403 } else { 204 }, "{lesson}");
        answers.push(status);
        assert!(matches!(visitor.post("/progress", &fields).await.status, 303 | 401));
    }
    assert!(answers.contains(&403) && answers.contains(&204), "{answers:?}");
    let nobody = uuid::Uuid::now_v7().to_string();
    let page = creator.get(&all[0]).await;
    let item = page.hidden("item").expect("item");
    let odd = [
        (nobody.as_str(), "", "30", 404),
        (item.as_str(), nobody.as_str(), "30", 404),
        (item.as_str(), "", "30", 404),
        ("x", "", "30", 422),
        (item.as_str(), "x", "30", 422),
        (item.as_str(), "", "soon", 422),
        (item.as_str(), "", "-1", 422),
        (item.as_str(), "", "NaN", 422),
        (item.as_str(), "", "1e300", 422),
    ];
    for (item, course, at, expected) in odd {
        let fields = [("item", item), ("course", course), ("_csrf", token.as_str()), ("at", at)];
        assert_eq!(member.post("/progress", &fields).await.status, expected, "{fields:?}");
    }
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn likes_are_counted_once_and_what_is_saved_stands_in_the_library() {
    let studio = demo_unencoded().await;
    let both = people(&studio, &["creator", "member"]).await;
    let (creator, member, visitor) = (&both[0], &both[1], studio.browser());
    for path in ["/films/big-buck-bunny", "/courses/from-shot-to-screen", "/posts/the-doors-are-open"] {
        let page = visitor.get(path).await.body;
        assert!(page.contains("0 likes") && page.contains("/login?next=%2F"), "{path}");
    }
    let film = "/films/big-buck-bunny";
    let page = member.get(film).await;
    let item = page.hidden("item").expect("item");
    let mark = async |browser: &Browser, mark: &str, on: &str| {
        let fields = [("mark", mark), ("kind", "film"), ("item", item.as_str()), ("on", on), ("back", film)];
        let page = browser.submit(film, "/marks", &fields).await;
        assert_eq!((page.status, page.location()), (303, film), "{}", page.body);
    };
    mark(member, "like", "yes").await;
    mark(member, "like", "yes").await;
    mark(creator, "like", "yes").await;
    mark(member, "save", "yes").await;
    assert!(visitor.get(film).await.body.contains("2 likes"));
    assert!(member.get(film).await.body.contains("2 likes, yours too"));
    assert!(member.get("/account/library").await.body.contains(film));
    assert!(!creator.get("/account/library").await.body.contains(film), "nobody else sees what is saved");
    mark(member, "like", "no").await;
    mark(member, "save", "no").await;
    assert!(visitor.get(film).await.body.contains("1 like"));
    assert!(!member.get("/account/library").await.body.contains(film));

    let nobody = uuid::Uuid::now_v7().to_string();
    for (mark, kind, item, status) in [
        ("like", "film", nobody.as_str(), 404),
        ("like", "media", item.as_str(), 404),
        ("love", "film", item.as_str(), 422),
        ("like", "song", item.as_str(), 422),
        ("like", "film", "x", 422),
    ] {
        let fields = [("mark", mark), ("kind", kind), ("item", item), ("on", "yes"), ("back", film)];
        assert_eq!(member.submit(film, "/marks", &fields).await.status, status, "{fields:?}");
    }
    let elsewhere = [
        ("mark", "like"),
        ("kind", "film"),
        ("item", item.as_str()),
        ("on", "no"),
        ("back", "//evil.example"),
    ];
    assert_eq!(member.submit(film, "/marks", &elsewhere).await.location(), "/");
    studio.verify().await;
    studio.close().await;
}
