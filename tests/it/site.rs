//! The studio's own words: texts of standing pages, the line above all pages, and where old addresses lead.

use crate::accounts::{person, signed_in};
use crate::support::{Browser, Page, Studio};
use kinora::domain::shared::Role;

async fn editor(studio: &Studio) -> Browser {
    person(studio, "editor@example.org", &[Role::Editor]).await;
    signed_in(studio, "editor@example.org").await
}

async fn send(studio: &Studio, editor: &Browser, action: &str, fields: &[(&str, &str)]) -> Page {
    let page = if action.contains("/texts/") { action } else { "/studio/site" };
    // The page has buttons that remove, too: this is none of them unless it is said.
    let plain: &[(&str, &str)] =
        if fields.iter().any(|(name, _)| *name == "act") { &[] } else { &[("act", "")] };
    let answer = editor.submit(page, action, &[fields, plain].concat()).await;
    studio.settle().await;
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_studio_writes_its_own_pages_and_goes_back_to_those_brought_along() {
    let studio = Studio::start().await;
    let (editor, visitor) = (editor(&studio).await, studio.browser());
    let brought = visitor.get("/legal/terms").await.body;
    assert!(brought.contains("What you may do with the works"));
    assert_eq!(visitor.get("/faq").await.status, 404, "nobody asked anything yet");
    assert!(!visitor.get("/").await.body.contains("href=\"/faq\""));

    let faq = "## May I lend it?\n\nYes, says {studio}. <script>alert(1)</script>";
    let saved = send(&studio, &editor, "/studio/site/texts/faq", &[("text", faq)]).await;
    assert_eq!(saved.status, 303, "{}", saved.body);
    let page = visitor.get("/faq").await;
    assert!(page.status == 200 && page.body.contains("May I lend it?"), "{}", page.body);
    assert!(!page.body.contains("{studio}"), "the studio's name stands there: {}", page.body);
    assert!(!page.body.contains("<script>alert"), "what is written is text");
    assert!(page.body.contains("href=\"/faq\""), "it stands at the foot of pages");

    let own = [("text", "Only look, do not touch.")];
    send(&studio, &editor, "/studio/site/texts/terms", &own).await;
    let terms = visitor.get("/legal/terms").await.body;
    assert!(terms.contains("Only look, do not touch.") && !terms.contains("What you may do"), "{terms}");
    send(&studio, &editor, "/studio/site/texts/terms", &[("text", ""), ("act", "reset")]).await;
    assert!(visitor.get("/legal/terms").await.body.contains("What you may do with the works"));
    send(&studio, &editor, "/studio/site/texts/welcome", &[("text", "**Come in**, it is warm.")]).await;
    assert!(visitor.get("/").await.body.contains("<strong>Come in</strong>"));
    assert!(!editor.get("/").await.body.contains("<strong>Come in</strong>"), "who is in was welcomed");

    let long = "x".repeat(50_001);
    let refused = send(&studio, &editor, "/studio/site/texts/about", &[("text", &long)]).await;
    assert!(refused.status == 422 && refused.body.contains("50001 characters"), "{}", refused.status);
    assert!(refused.body.contains(&long), "and keeps what was typed");
    assert_eq!(editor.get("/studio/site/texts/nothing").await.status, 404);

    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    assert_eq!(maker.get("/studio/site").await.status, 403);
    assert!(!maker.get("/studio").await.body.contains("/studio/site"));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_stands_above_every_page_until_it_ends() {
    let studio = Studio::start().await;
    let (editor, visitor) = (editor(&studio).await, studio.browser());
    let line = "Closed on Monday <b>from 9</b> to 10.";
    let at = "/studio/site/announcement";
    let past = send(&studio, &editor, at, &[("line", line), ("until", "2020-01-01T10:00")]).await;
    assert!(past.status == 422 && past.body.contains("Choose a time to come"), "{}", past.body);
    assert!(past.body.contains("Closed on Monday"), "and keeps what was typed");
    let odd = send(&studio, &editor, at, &[("line", line), ("until", "soon")]).await;
    assert!(odd.status == 422 && odd.body.contains("Enter day and time"), "{}", odd.body);
    assert_eq!(send(&studio, &editor, at, &[("line", line)]).await.status, 303);
    let shown = "Closed on Monday &lt;b&gt;from 9&lt;/b&gt; to 10.";
    for path in ["/", "/films", "/login"] {
        assert!(visitor.get(path).await.body.contains(shown), "{path}");
    }
    // At the end of its time it goes by itself.
    let until = crate::support::typed(studio.instance.services.clock.now() + chrono::TimeDelta::hours(2));
    assert_eq!(send(&studio, &editor, at, &[("line", line), ("until", &until)]).await.status, 303);
    assert!(visitor.get("/films").await.body.contains(shown));
    assert_eq!(send(&studio, &editor, at, &[("act", "end"), ("line", line)]).await.status, 303);
    assert!(!visitor.get("/films").await.body.contains("Closed on Monday"));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_addresses_lead_on_where_the_site_has_nothing() {
    let studio = Studio::start().await;
    let (editor, visitor) = (editor(&studio).await, studio.browser());
    let at = "/studio/site/redirects";
    for (from, to, words) in [
        ("gallery", "/films", "as a path of this site"),
        ("/gallery", "//evil.example", "begins with https://"),
        ("/gallery", "javascript:alert(1)", "begins with https://"),
        ("/gallery", "/gallery/", "where it began"),
        ("/films", "/about", "There is a page at this address"),
    ] {
        let refused = send(&studio, &editor, at, &[("from", from), ("to", to)]).await;
        assert!(refused.status == 422 && refused.body.contains(words), "{from} {to}: {}", refused.body);
        assert!(refused.body.contains(&format!("value=\"{from}\"")), "and keeps what was typed");
    }
    assert_eq!(visitor.get("/gallery").await.status, 404);
    for (from, to) in [("/gallery", "/films"), ("/films/old-one/", "https://example.org/film")] {
        assert_eq!(send(&studio, &editor, at, &[("from", from), ("to", to)]).await.status, 303, "{from}");
    }
    let moved = visitor.get("/gallery/?page=2").await;
    assert_eq!((moved.status, moved.location()), (301, "/films?page=2"));
    let away = visitor.get("/films/old-one").await;
    assert_eq!((away.status, away.location()), (301, "https://example.org/film"));
    assert_eq!(visitor.get("/films").await.status, 200, "what is there stays where it is");
    assert_eq!(visitor.get("/films/never-there").await.status, 404);
    assert_eq!(visitor.post("/gallery", &[]).await.status, 404, "only who reads is led on");
    send(&studio, &editor, at, &[("from", "/gallery"), ("act", "remove")]).await;
    assert_eq!(visitor.get("/gallery").await.status, 404);
    studio.verify().await;
    studio.close().await;
}
