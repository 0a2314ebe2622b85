//! Given what happened, when somebody wishes something, then this follows.

use super::*;
use chrono::{DateTime, TimeZone, Utc};
use cqrs_es::test::TestFramework;

type Courses = TestFramework<Course>;

fn at() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, 18, 0, 0).single().expect("a time")
}

fn slug(text: &str) -> Slug {
    Slug::parse(text).expect("a slug")
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn text(title: &str) -> LessonText {
    LessonText { title: title.into(), content: "Words.".into(), media: None, free: false }
}

fn begun() -> CourseEvent {
    CourseEvent::CourseBegun {
        title: "Rigging".into(),
        slug: slug("rigging"),
        summary: "Bones.".into(),
        kind: CourseKind::Course,
        level: Level::Beginner,
        by: id(1),
        at: at(),
    }
}

fn chapter(n: u128) -> CourseEvent {
    CourseEvent::ChapterAdded { chapter: id(n), title: format!("Chapter {n}"), at: at() }
}

fn lesson(chapter: u128, n: u128, s: &str) -> CourseEvent {
    CourseEvent::LessonAdded { chapter: id(chapter), lesson: id(n), slug: slug(s), text: text(s), at: at() }
}

fn given() -> Vec<CourseEvent> {
    vec![
        begun(),
        chapter(10),
        chapter(11),
        lesson(10, 20, "bones"),
        lesson(10, 21, "skin"),
        lesson(11, 22, "cloth"),
    ]
}

fn order(course: &Course) -> Vec<Vec<&str>> {
    course.chapters.iter().map(|c| c.lessons.iter().map(|l| l.slug.as_str()).collect()).collect()
}

#[test]
fn a_course_is_published_only_with_something_to_learn() {
    let shown = CourseEvent::LessonShown { lesson: id(20), at: at() };
    Courses::with(())
        .given(given())
        .when(Wish::Publish.at(at()))
        .then_expect_error(CourseError::NothingToLearn);
    let mut with_one = given();
    with_one.push(shown);
    Courses::with(())
        .given(with_one.clone())
        .when(Wish::Publish.at(at()))
        .then_expect_events(vec![CourseEvent::CoursePublished { at: at() }]);
    with_one.push(CourseEvent::ChapterHidden { chapter: id(10), at: at() });
    Courses::with(())
        .given(with_one)
        .when(Wish::Publish.at(at()))
        .then_expect_error(CourseError::NothingToLearn);
}

#[test]
fn lessons_keep_their_addresses_for_themselves_for_ever() {
    let mut events = given();
    events.push(CourseEvent::LessonMoved {
        lesson: id(20),
        from: slug("bones"),
        to: slug("skeleton"),
        at: at(),
    });
    let revise = |lesson, s: &str| {
        Wish::ReviseLesson { lesson: id(lesson), slug: slug(s), text: Box::new(text(s)) }.at(at())
    };
    Courses::with(())
        .given(events.clone())
        .when(revise(21, "bones"))
        .then_expect_error(CourseError::LessonSlugTaken("bones".into()));
    Courses::with(()).given(events).when(revise(20, "bones")).then_expect_events(vec![
        CourseEvent::LessonMoved { lesson: id(20), from: slug("skeleton"), to: slug("bones"), at: at() },
    ]);
}

#[test]
fn lessons_and_chapters_are_put_where_they_belong() {
    let mut course = Course::default();
    given().into_iter().for_each(|e| course.apply(e));
    let place = |course: &mut Course, wish: Wish| {
        for event in course.decide(wish.at(at())).expect("a placing") {
            course.apply(event);
        }
    };
    place(&mut course, Wish::PlaceLesson { lesson: id(20), chapter: id(11), position: 0 });
    assert_eq!(order(&course), vec![vec!["skin"], vec!["bones", "cloth"]]);
    place(&mut course, Wish::PlaceLesson { lesson: id(20), chapter: id(11), position: 99 });
    assert_eq!(order(&course), vec![vec!["skin"], vec!["cloth", "bones"]]);
    place(&mut course, Wish::PlaceChapter { chapter: id(11), position: 0 });
    assert_eq!(order(&course), vec![vec!["cloth", "bones"], vec!["skin"]]);
    let same = course.decide(Wish::PlaceLesson { lesson: id(20), chapter: id(11), position: 1 }.at(at()));
    assert_eq!(same, Ok(vec![]));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let refused = |wish: Wish| {
        let mut course = Course::default();
        given().into_iter().for_each(|e| course.apply(e));
        course.decide(wish.at(at())).err()
    };
    let empty = LessonText { content: "  ".into(), ..text("Empty") };
    assert_eq!(refused(Wish::RemoveChapter { chapter: id(10) }), Some(CourseError::ChapterNotEmpty));
    assert_eq!(refused(Wish::RemoveChapter { chapter: id(99) }), Some(CourseError::NoSuchChapter));
    assert_eq!(refused(Wish::ShowLesson { lesson: id(99), shown: true }), Some(CourseError::NoSuchLesson));
    assert_eq!(
        refused(Wish::AddLesson { chapter: id(10), lesson: id(30), slug: slug("x"), text: Box::new(empty) }),
        Some(CourseError::EmptyLesson)
    );
    assert_eq!(
        Course::default().decide(Wish::AddChapter { chapter: id(1), title: "x".into() }.at(at())),
        Err(CourseError::Unknown)
    );
}

#[test]
fn a_schedule_is_kept_and_not_overtaken() {
    let later = at() + chrono::TimeDelta::days(2);
    let schedule = |publish_at| Wish::Schedule { publish_at }.at(at());
    let scheduled = CourseEvent::CourseScheduled { publish_at: later, at: at() };
    let shown = CourseEvent::LessonShown { lesson: id(20), at: at() };
    let ready = || [given(), vec![shown.clone()]].concat();
    Courses::with(()).given(given()).when(schedule(later)).then_expect_error(CourseError::NothingToLearn);
    Courses::with(()).given(ready()).when(schedule(later)).then_expect_events(vec![scheduled.clone()]);
    Courses::with(()).given(ready()).when(schedule(at())).then_expect_error(CourseError::TimeHasPassed);
    let with = |event: CourseEvent| Courses::with(()).given([ready(), vec![event]].concat());
    with(scheduled.clone()).when(schedule(later)).then_expect_events(vec![]);
    with(scheduled.clone()).when(Wish::PublishDue.at(at())).then_expect_events(vec![]);
    with(scheduled.clone())
        .when(Wish::PublishDue.at(later))
        .then_expect_events(vec![CourseEvent::CoursePublished { at: later }]);
    with(scheduled)
        .when(Wish::Unpublish.at(at()))
        .then_expect_events(vec![CourseEvent::CourseUnpublished { at: at() }]);
    with(CourseEvent::CoursePublished { at: at() })
        .when(schedule(later))
        .then_expect_error(CourseError::AlreadyPublished);
}

#[test]
fn teacher_and_tags_are_said_when_they_change() {
    let edit = |tags: Vec<String>| {
        let details = CourseDetails {
            title: "Rigging".into(),
            slug: Some(slug("rigging")),
            summary: "Bones.".into(),
            teacher: Some(id(3)),
            tags,
            ..CourseDetails::default()
        };
        Wish::Edit(Box::new(details)).at(at())
    };
    let filed = CourseEvent::CourseFiled { teacher: Some(id(3)), tags: vec!["bones".into()], at: at() };
    let given = || Courses::with(()).given(vec![begun()]);
    given().when(edit(vec!["bones".into()])).then_expect_events(vec![filed.clone()]);
    Courses::with(()).given(vec![begun(), filed]).when(edit(vec!["bones".into()])).then_expect_events(vec![]);
    given().when(edit(vec!["x".repeat(41)])).then_expect_error(CourseError::TagTooLong(40));
    let many = (0..21).map(|n| n.to_string()).collect();
    given().when(edit(many)).then_expect_error(CourseError::TooManyTags(20));
}

#[test]
fn it_gets_another_owner_once() {
    let wish = || Wish::HandOver { to: Uuid::from_u128(90), by: Uuid::from_u128(91) }.at(at());
    let given = CourseEvent::CourseHandedOver { to: Uuid::from_u128(90), by: Uuid::from_u128(91), at: at() };
    Courses::with(()).given_no_previous_events().when(wish()).then_expect_error(CourseError::Unknown);
    Courses::with(()).given(vec![begun()]).when(wish()).then_expect_events(vec![given.clone()]);
    Courses::with(()).given(vec![begun(), given]).when(wish()).then_expect_events(vec![]);
}

#[test]
fn events_keep_their_form() {
    let mut all = given();
    all.truncate(4);
    all.extend([
        CourseEvent::CourseRetitled { title: "Rigging 2".into(), at: at() },
        CourseEvent::CourseMoved { from: slug("a"), to: slug("b"), at: at() },
        CourseEvent::CourseDescribed {
            summary: "S".into(),
            description: "D".into(),
            kind: CourseKind::Workshop,
            level: Level::Advanced,
            at: at(),
        },
        CourseEvent::CoursePictureChosen { picture: Some(id(5)), hue: Some(20), at: at() },
        CourseEvent::ChapterRenamed { chapter: id(10), title: "One".into(), at: at() },
        CourseEvent::ChapterPlaced { chapter: id(10), position: 1, at: at() },
        CourseEvent::ChapterRemoved { chapter: id(11), at: at() },
        CourseEvent::ChapterShown { chapter: id(10), at: at() },
        CourseEvent::ChapterHidden { chapter: id(10), at: at() },
        CourseEvent::LessonRevised {
            lesson: id(20),
            text: LessonText { media: Some(id(6)), free: true, ..text("x") },
            at: at(),
        },
        CourseEvent::LessonMoved { lesson: id(20), from: slug("bones"), to: slug("skeleton"), at: at() },
        CourseEvent::LessonPlaced { lesson: id(20), chapter: id(10), position: 0, at: at() },
        CourseEvent::LessonRemoved { lesson: id(20), at: at() },
        CourseEvent::LessonShown { lesson: id(20), at: at() },
        CourseEvent::LessonHidden { lesson: id(20), at: at() },
        CourseEvent::CoursePublished { at: at() },
        CourseEvent::CourseUnpublished { at: at() },
        CourseEvent::CourseFiled { teacher: Some(id(3)), tags: vec!["bones".into()], at: at() },
        CourseEvent::CourseScheduled { publish_at: at(), at: at() },
        CourseEvent::CourseHandedOver { to: Uuid::from_u128(90), by: Uuid::from_u128(91), at: at() },
    ]);
    insta::assert_json_snapshot!(all);
}

proptest::proptest! {
    /// Whatever is moved where, no lesson is lost or doubled.
    #[test]
    fn no_lesson_is_lost(moves in proptest::collection::vec((20u128..23, 10u128..12, 0usize..5), 0..20)) {
        let mut course = Course::default();
        given().into_iter().for_each(|e| course.apply(e));
        for (lesson, chapter, position) in moves {
            let wish = Wish::PlaceLesson { lesson: id(lesson), chapter: id(chapter), position };
            for event in course.decide(wish.at(at())).expect("a placing") {
                course.apply(event);
            }
        }
        let mut left: Vec<Uuid> = course.lessons().map(|l| l.id).collect();
        left.sort_unstable();
        proptest::prop_assert_eq!(left, vec![id(20), id(21), id(22)]);
    }
}
