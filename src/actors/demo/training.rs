//! The course of the demo studio.

use super::{DemoError, Hand, id};
use crate::domain::course::{Course, CourseDetails, CourseKind, LessonText, Level, SLUG_NAMESPACE, Wish};
use crate::domain::shared::Slug;
use crate::store::Claim;

const SLUG: &str = "from-shot-to-screen";
const TITLE: &str = "From shot to screen";
const SUMMARY: &str =
    "Four short lessons about looking closely: at a shot, at light, at colour, at your own work.";
const DESCRIPTION: &str = "For everybody who makes pictures that move. You need a camera, a phone will do, and an hour for each lesson.\n\nTwo lessons are free; members take all of them.";

struct Sketch {
    chapter: &'static str,
    title: &'static str,
    content: &'static str,
    media: Option<&'static str>,
    free: bool,
}

const LESSONS: [Sketch; 4] = [
    Sketch {
        chapter: "Looking",
        title: "What one shot does",
        content: include_str!("../../../demo/texts/lesson-one-shot.md"),
        media: Some("good-morning-a-shot-to-study"),
        free: true,
    },
    Sketch {
        chapter: "Looking",
        title: "Light that moves",
        content: include_str!("../../../demo/texts/lesson-light.md"),
        media: Some("city-at-night-first-sequence"),
        free: false,
    },
    Sketch {
        chapter: "Making",
        title: "A palette from a photograph",
        content: include_str!("../../../demo/texts/lesson-colour.md"),
        media: Some("a-cup-of-coffee"),
        free: true,
    },
    Sketch {
        chapter: "Making",
        title: "A log that somebody reads",
        content: include_str!("../../../demo/texts/lesson-log.md"),
        media: None,
        free: false,
    },
];

pub(super) async fn load(hand: &Hand<'_>) -> Result<(), DemoError> {
    let stream = id("course");
    let slug = Slug::from_title(SLUG, "course");
    let begin = Wish::Begin {
        title: TITLE.into(),
        slug: slug.clone(),
        summary: SUMMARY.into(),
        kind: CourseKind::Course,
        level: Level::Beginner,
        by: hand.creator,
    };
    let claims = vec![Claim::new(SLUG_NAMESPACE, SLUG)];
    hand.give_with::<Course>(stream, "course begin", begin.at(hand.at), claims, vec![]).await?;
    let details = CourseDetails {
        title: TITLE.into(),
        slug: Some(slug),
        summary: SUMMARY.into(),
        description: DESCRIPTION.into(),
        kind: CourseKind::Course,
        level: Level::Beginner,
        picture: Some(id("the-meadow")),
        hue: Some(70),
        teacher: Some(hand.creator),
        tags: ["light", "colour", "editing"].map(Into::into).into(),
    };
    hand.give::<Course>(stream, "course edit", Wish::Edit(Box::new(details)).at(hand.at)).await?;
    for lesson in &LESSONS {
        let chapter = id(&format!("chapter {}", lesson.chapter));
        let add = Wish::AddChapter { chapter, title: lesson.chapter.into() };
        hand.give::<Course>(stream, &format!("course chapter {}", lesson.chapter), add.at(hand.at)).await?;
        let place = id(&format!("lesson {}", lesson.title));
        let text = LessonText {
            title: lesson.title.into(),
            content: lesson.content.into(),
            media: lesson.media.map(id),
            free: lesson.free,
        };
        let slug = Slug::from_title(lesson.title, "lesson");
        let add = Wish::AddLesson { chapter, lesson: place, slug, text: Box::new(text) };
        hand.give::<Course>(stream, &format!("course lesson {}", lesson.title), add.at(hand.at)).await?;
        let show = Wish::ShowLesson { lesson: place, shown: true };
        hand.give::<Course>(stream, &format!("course show {}", lesson.title), show.at(hand.at)).await?;
    }
    hand.give::<Course>(stream, "course publish", Wish::Publish.at(hand.at)).await
}
