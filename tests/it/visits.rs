//! Views and downloads: each person once, nobody's address, and counters that a second run leaves alone.

use crate::studio::{demo_unencoded, people};
use crate::support::Studio;
use kinora::actors::visits;
use uuid::Uuid;

/// A published work that everybody may watch; all others are published for members. Nothing is encoded here, so
/// the lists are told what an encoder would have led to.
async fn free_work(studio: &Studio) -> (Uuid, String) {
    let sql = "update views.media_works set publication = 'published', published_at = now(),
        tier = case when media = (select min(media::text)::uuid from views.media_works) then 'free' else 'subscriber' end";
    studio.client().await.execute(sql, &[]).await.expect("published");
    let sql = "select media, slug from views.media_works where tier = 'free'";
    let row = studio.client().await.query_one(sql, &[]).await.expect("a free work");
    (row.get(0), format!("/media/{}", row.get::<_, String>(1)))
}

async fn fold(studio: &Studio) -> i64 {
    let at = studio.instance.services.clock.now().to_rfc3339();
    let report = studio.run_job("stats", &at).await;
    assert_eq!(report.status, "completed", "{report:?}");
    report.counts["visits"]
}

async fn rows(studio: &Studio, condition: &str) -> i64 {
    let sql = format!("select count(*) from visits where {condition}");
    studio.client().await.query_one(&sql, &[]).await.expect("visits").get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_counts_once_for_ever_and_the_second_run_adds_nothing() {
    let studio = demo_unencoded().await;
    let (work, page) = free_work(&studio).await;
    let browsers = people(&studio, &["member", "subscriber"]).await;
    let cx = &studio.instance.services;
    for browser in &browsers {
        for _ in 0..3 {
            assert_eq!(browser.get(&page).await.status, 200);
        }
    }
    // Two visitors of one address are told apart by what they browse with.
    for program in ["Firefox", "Firefox", "Chromium"] {
        let visitor = reqwest::Client::builder().user_agent(program).build().expect("a client");
        let answer = visitor.get(format!("{}{page}", studio.url)).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        visitor.head(format!("{}{page}", studio.url)).send().await.expect("an answer");
    }
    assert_eq!(rows(&studio, "kind = 'view'").await, 4);
    assert_eq!(visits::of(cx, &[work]).await.expect("counted").get(&work), None, "not folded yet");
    assert_eq!(fold(&studio).await, 4);
    assert_eq!(fold(&studio).await, 0, "a second run changes nothing");
    assert_eq!(visits::of(cx, &[work]).await.expect("counted")[&work].views, 4);
    assert!(browsers[0].get(&page).await.body.contains("4 views"));

    // A locked page is no view.
    let sql = "select slug from views.media_works where tier <> 'free' limit 1";
    let locked: String = studio.client().await.query_one(sql, &[]).await.expect("a locked work").get(0);
    assert_eq!(studio.browser().get(&format!("/media/{locked}")).await.status, 200);
    assert_eq!(rows(&studio, "true").await, 4);

    // A day later the salt is another one: the same visitor counts as somebody new, who can no longer be known.
    let salt = "select salt from visit_salts";
    let before: Vec<u8> = studio.client().await.query_one(salt, &[]).await.expect("a salt").get(0);
    cx.clock.follow(cx.clock.ahead_us() + 25 * 3_600_000_000);
    let at = cx.clock.now().to_rfc3339();
    assert_eq!(studio.run_job("clear-sessions", &at).await.status, "completed");
    assert_eq!(rows(&studio, "visitor is not null").await, 0, "what was counted goes");
    let visitor = reqwest::Client::builder().user_agent("Firefox").build().expect("a client");
    visitor.get(format!("{}{page}", studio.url)).send().await.expect("an answer");
    let after: Vec<u8> = studio.client().await.query_one(salt, &[]).await.expect("a salt").get(0);
    assert_ne!(before, after);
    assert_eq!(fold(&studio).await, 1);
    assert_eq!(visits::of(cx, &[work]).await.expect("counted")[&work].views, 5, "the counter stays");
    // Somebody with an account is known for ever.
    let member = crate::studio::people(&studio, &["member"]).await;
    assert_eq!(member[0].get(&page).await.status, 200);
    assert_eq!(fold(&studio).await, 0);
    assert!(studio.browser().get("/statistics").await.body.contains("Views of works"));
    studio.close().await;
}
