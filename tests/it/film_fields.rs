//! What a film's page is made of beside its description, and what courses say of themselves; both for later.

use crate::accounts::{person, signed_in};
use crate::media::{upload, wait};
use crate::studio::people;
use crate::support::{Browser, Page, Studio};
use image::{ImageFormat, Rgb, RgbImage};
use kinora::config::Av1;
use kinora::domain::shared::Role;
use kinora::projections::catalogue;
use std::io::Cursor;

async fn sent(studio: &Studio, answer: Page) -> String {
    assert_eq!(answer.status, 303, "{}", answer.body);
    studio.settle().await;
    answer.location().split('?').next().expect("a path").to_owned()
}

const FIELDS: [(&str, &str); 5] = [
    ("title", "Salt"),
    ("slug", "salt"),
    ("summary", "The sea in jars."),
    ("description", "All about it."),
    ("crew", "Director: Ada Holm"),
];

async fn film(studio: &Studio, maker: &Browser) -> String {
    let desk = sent(studio, maker.submit("/studio/films/new", "/studio/films", &FIELDS[..3]).await).await;
    sent(studio, maker.submit(&desk, &desk, &FIELDS).await).await;
    desk
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

fn with<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&FIELDS[..], more].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_has_pages_of_its_own_and_leaves_out_what_it_hides() {
    let studio = Studio::start().await;
    let who = people(&studio, &["creator"]).await;
    let (maker, visitor) = (&who[0], studio.browser());
    let desk = film(&studio, maker).await;
    sent(&studio, maker.submit(&desk, &format!("{desk}/publish"), &[]).await).await;

    let (new, pages) = (format!("{desk}/pages/new"), format!("{desk}/pages"));
    let wrong =
        maker.submit(&new, &pages, &[("title", "Press"), ("place", "0"), ("text", "Call *us*.")]).await;
    assert!(
        wrong.status == 422
            && wrong.body.contains("whole number from 1")
            && wrong.body.contains("Call *us*.")
    );
    let bare = maker.submit(&new, &pages, &[("title", "Press"), ("text", " ")]).await;
    assert!(bare.status == 422 && bare.body.contains("Enter a text."), "{}", bare.body);
    let press = [("title", "Press"), ("text", "Call *us*.")];
    sent(&studio, maker.submit(&new, &pages, &press).await).await;
    let twice = maker.submit(&new, &pages, &press).await;
    assert!(twice.status == 422 && twice.body.contains("has or had the address press"), "{}", twice.body);
    let page = visitor.get("/films/salt/pages/press").await;
    assert!(page.status == 200 && page.body.contains("Call <em>us</em>"), "{}", page.body);
    assert!(visitor.get("/films/salt").await.body.contains("/films/salt/pages/press"));
    assert_eq!(visitor.get("/films/salt/pages/other").await.status, 404);
    let sheet = below(&maker.get(&desk).await.body, &pages);
    let moved = [("title", "For the press"), ("slug", "for-the-press"), ("text", "Write *us*.")];
    sent(&studio, maker.submit(&sheet, &sheet, &moved).await).await;
    let old = visitor.get("/films/salt/pages/press").await;
    assert_eq!((old.status, old.location()), (301, "/films/salt/pages/for-the-press"));
    sent(&studio, maker.submit(&sheet, &format!("{sheet}/remove"), &[]).await).await;
    assert_eq!(visitor.get("/films/salt/pages/for-the-press").await.status, 404);

    assert_eq!(visitor.get("/films/salt/credits").await.status, 200);
    sent(&studio, maker.submit(&desk, &desk, &with(&[("hide", "credits"), ("hide", "journal")])).await).await;
    assert_eq!(visitor.get("/films/salt/credits").await.status, 404);
    let page = visitor.get("/films/salt").await.body;
    assert!(!page.contains("Ada Holm") && !page.contains("/credits"), "{page}");
    let form = maker.get(&desk).await.body;
    assert!(
        form.contains("value=\"credits\" checked") && !form.contains("value=\"gallery\" checked"),
        "{form}"
    );
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_stands_in_the_light_of_its_key_art_and_says_what_is_locked() {
    let studio = Studio::start_with(|c| c.media.av1 = Av1::None).await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let visitor = studio.browser();
    let mut red = Vec::new();
    let picture = RgbImage::from_pixel(800, 450, Rgb([220, 30, 30]));
    picture.write_to(&mut Cursor::new(&mut red), ImageFormat::Png).expect("a picture");
    assert_eq!(upload(&maker, "Red", "red.png", red).await.status, 303);
    let work = wait(&studio, "Red", |w| w.processing == "ready").await;
    let editor = format!("/studio/media/{}", work.id);
    sent(&studio, maker.submit(&editor, &format!("{editor}/publish"), &[]).await).await;

    let desk = film(&studio, &maker).await;
    sent(&studio, maker.submit(&desk, &format!("{desk}/publish"), &[]).await).await;
    let art = work.id.to_string();
    let fields = with(&[
        ("key_art", &art),
        ("feature", &art),
        ("poster", &art),
        ("logo", &art),
        ("landing", "Join and see **all** of it."),
    ]);
    sent(&studio, maker.submit(&desk, &desk, &fields).await).await;
    let id = desk.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id");
    let state = async || {
        let reader = &studio.instance.services.reader;
        catalogue::film_by_id(reader, id).await.expect("read").expect("there").state
    };
    let light = state().await.light().expect("a hue");
    assert!((15..40).contains(&light), "red is red: {light}");
    let body = visitor.get("/films/salt").await.body;
    assert!(body.contains("see <strong>all</strong> of it") && !body.contains("All about it."), "{body}");
    assert!(body.contains("/join") && body.contains("Poster of Salt"), "{body}");
    let body = maker.get("/films/salt").await.body;
    assert!(body.contains("All about it.") && !body.contains("see <strong>all</strong>"), "{body}");
    // A hue that is typed counts more.
    sent(&studio, maker.submit(&desk, &desk, &with(&[("key_art", &art), ("hue", "200")])).await).await;
    assert_eq!(state().await.light(), Some(200));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn films_and_courses_are_published_when_their_time_has_come() {
    let studio = Studio::start().await;
    let who = people(&studio, &["creator"]).await;
    let (maker, visitor) = (&who[0], studio.browser());
    let film = film(&studio, maker).await;
    let fields = [("title", "Rigging"), ("summary", "Bones."), ("kind", "course"), ("level", "beginner")];
    let course = sent(&studio, maker.submit("/studio/courses/new", "/studio/courses", &fields).await).await;
    let early = [("publish_at", "2999-01-01T00:00")];
    let empty = maker.submit(&course, &format!("{course}/schedule"), &early).await;
    assert!(empty.status == 422 && empty.body.contains("at least one lesson"), "{}", empty.body);
    sent(&studio, maker.submit(&course, &format!("{course}/chapters"), &[("chapter", "One")]).await).await;
    let lesson = crate::billing_pages::link(&maker.get(&course).await.body, &format!("{course}/lessons/new"));
    let chapter = lesson[lesson.len() - 36..].to_owned();
    let fields = [("chapter", chapter.as_str()), ("title", "Bone"), ("content", "Words.")];
    let lesson = sent(&studio, maker.submit(&lesson, &format!("{course}/lessons"), &fields).await).await;
    sent(&studio, maker.submit(&lesson, &format!("{lesson}/act"), &[("act", "show")]).await).await;

    // Who teaches, and the words it is found by.
    let page = maker.get(&course).await.body;
    assert!(page.contains("Nobody in particular"), "{page}");
    let wrong =
        [("title", "Rigging"), ("summary", "Bones."), ("teacher", "0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000")];
    let wrong = maker.submit(&course, &course, &wrong).await;
    assert!(wrong.status == 422 && wrong.body.contains("Choose somebody who makes things here."));
    let reader = &studio.instance.services.reader;
    let rows = catalogue::all_courses(reader, None).await.expect("read");
    let teacher = rows[0].state.by.expect("somebody").to_string();
    let filed =
        [("title", "Rigging"), ("summary", "Bones."), ("teacher", &teacher), ("tags", "Skeleton, #blender")];
    sent(&studio, maker.submit(&course, &course, &filed).await).await;

    let soon = chrono::Utc::now() + chrono::TimeDelta::days(2);
    let when = crate::support::typed(soon);
    for (desk, page) in [(&film, "/films/salt"), (&course, "/courses/rigging")] {
        let schedule = format!("{desk}/schedule");
        for (time, words) in
            [("tomorrow", "such as 2026-12-01 09:00"), ("2020-01-01T00:00", "a time in the future")]
        {
            let refused = maker.submit(desk, &schedule, &[("publish_at", time)]).await;
            assert!(refused.status == 422 && refused.body.contains(words), "{}", refused.body);
        }
        sent(&studio, maker.submit(desk, &schedule, &[("publish_at", when.as_str())]).await).await;
        assert!(maker.get(desk).await.body.contains("Scheduled for"));
        assert!(maker.get(page).await.body.contains("will be published on"));
        assert_eq!(visitor.get(page).await.status, 404);
    }
    studio.run_job("publish-scheduled", &soon.to_rfc3339()).await;
    studio.settle().await;
    assert_eq!(visitor.get("/films/salt").await.status, 200);
    let page = visitor.get("/courses/rigging").await.body;
    assert!(page.contains("Taught by") && page.contains("skeleton") && page.contains("blender"), "{page}");
    assert!(visitor.get("/search?q=skeleton").await.body.contains("/courses/rigging"));
    studio.verify().await;
    studio.close().await;
}
