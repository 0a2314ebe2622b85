//! What other programs read of the public pages: feeds, the podcast, oEmbed, structured data. All under
//! the access rule.

use crate::studio::{demo_unencoded, people};
use crate::support::Studio;
use serde_json::Value;

/// The demo studio as if everything had been encoded and published.
async fn demo() -> Studio {
    let studio = demo_unencoded().await;
    // Length, and one file that plays anywhere.
    let renditions = r#"[{"name":"download.mp4","codec":"h264","codecs":"avc1.64001e","width":640,"height":360,"bytes":1000}]"#;
    let sql = "update views.media_works set duration_ms = 55000, playable = 1, kind = 'video', renditions = $1::text::json,
        publication = 'published', published_at = now()";
    studio.settle().await;
    studio.client().await.execute(sql, &[&renditions]).await.expect("lengths");
    let sql = "update views.catalogue set public = true, published_at = now(), state = jsonb_set(state, '{kind}', '\"video\"') where kind = 'media'";
    studio.client().await.execute(sql, &[]).await.expect("kinds");
    studio
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_tell_what_is_public_and_nothing_else() {
    let studio = demo().await;
    let visitor = studio.browser();
    for (path, words) in [
        ("/films/feed.atom", "Big Buck Bunny"),
        ("/courses/feed.atom", "From shot to screen"),
        ("/posts/feed.atom", "The doors are open"),
        ("/search/feed.atom?q=bunny", "Bunny"),
    ] {
        let page = visitor.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.headers["content-type"].to_str().expect("text").starts_with("application/atom+xml"));
        assert!(page.body.contains(words) && page.body.contains("rel=\"self\""), "{path}: {}", page.body);
        assert!(!page.body.contains('\u{2}'), "no marks of the search");
        assert_eq!(page.body.matches("<entry>").count(), page.body.matches("</entry>").count());
    }
    let empty = visitor.get("/search/feed.atom?q=%22%3E%3Cscript%3E").await;
    assert!(empty.status == 200 && !empty.body.contains("<script"), "{}", empty.body);
    assert!(visitor.get("/films").await.body.contains("/films/feed.atom"));

    // A draft is in no feed.
    let creator = &people(&studio, &["creator"]).await[0];
    let fields = [("title", "The secret film"), ("summary", "Nobody knows of it.")];
    let begun = creator.submit("/studio/films/new", "/studio/films", &fields).await;
    assert_eq!(begun.status, 303, "{}", begun.body);
    studio.settle().await;
    for path in ["/films/feed.atom", "/search/feed.atom?q=secret"] {
        assert!(!visitor.get(path).await.body.contains("secret film"), "{path}");
    }
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_podcast_has_what_is_free_under_addresses_that_last() {
    let studio = demo().await;
    let visitor = studio.browser();
    let page = visitor.get("/podcast.rss").await;
    assert_eq!(page.status, 200);
    let files: Vec<&str> = page
        .body
        .split("<enclosure url=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter_map(|url| url.strip_prefix(studio.url.as_str()))
        .collect();
    assert!(!files.is_empty(), "{}", page.body);
    for file in files {
        let answer = visitor.get(file).await;
        assert_eq!(answer.status, 303, "{file}");
        assert!(answer.location().starts_with("/m/") && answer.location().ends_with("/download.mp4"));
    }
    // What is for members is neither in it nor to be had by such an address.
    let client = studio.client().await;
    let sql =
        "select slug from views.media_works where tier = 'subscriber' and publication = 'published' limit 1";
    let slug: String = client.query_one(sql, &[]).await.expect("one").get(0);
    assert!(!page.body.contains(&format!("/media/{slug}<")));
    assert_eq!(visitor.get(&format!("/media/{slug}/file")).await.status, 404);
    let creator = &people(&studio, &["creator"]).await[0];
    assert_eq!(creator.get(&format!("/media/{slug}/file")).await.status, 303);
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_describe_themselves_to_other_sites() {
    let studio = demo().await;
    let visitor = studio.browser();
    let block = async |path: &str| -> Value {
        let page = visitor.get(path).await.body;
        let start = page.find("application/ld+json\">").unwrap_or_else(|| panic!("{path}: {page}")) + 21;
        serde_json::from_str(page[start..].split("</script>").next().expect("end")).expect("JSON")
    };
    let work = block("/media/big-buck-bunny-the-short-cut").await;
    assert_eq!(work["@type"], "VideoObject");
    assert_eq!(
        (work["duration"].as_str(), work["isAccessibleForFree"].as_bool()),
        (Some("PT55S"), Some(true))
    );
    assert_eq!(block("/courses/from-shot-to-screen").await["@type"], "Course");
    assert_eq!(block("/posts/the-doors-are-open").await["@type"], "Article");

    let ask = async |url: &str, more: &str| {
        let url: String = url::form_urlencoded::byte_serialize(url.as_bytes()).collect();
        visitor.get(&format!("/oembed?url={url}{more}")).await
    };
    let site = studio.url.clone();
    let page = ask(&format!("{site}/media/big-buck-bunny-the-short-cut"), "").await;
    let answer: Value = serde_json::from_str(&page.body).expect("JSON");
    assert_eq!((answer["version"].as_str(), answer["type"].as_str()), (Some("1.0"), Some("link")));
    assert_eq!(answer["title"], "Big Buck Bunny, the short cut");
    assert_eq!(ask(&format!("{site}/media/big-buck-bunny-the-short-cut"), "&format=xml").await.status, 501);
    for other in [format!("{site}/media/nothing"), "https://example.org/media/x".into(), String::new()] {
        assert_eq!(ask(&other, "").await.status, 404, "{other}");
    }
    let sql =
        "update views.media_works set publication = 'draft' where slug = 'big-buck-bunny-the-short-cut'";
    studio.client().await.execute(sql, &[]).await.expect("hidden");
    assert_eq!(ask(&format!("{site}/media/big-buck-bunny-the-short-cut"), "").await.status, 404);
    studio.close().await;
}
