//! State, decisions and their application.

use super::commands::Wish;
use super::{CourseCommand, CourseDetails, CourseError, CourseEvent, CourseKind, LessonText, Level};
use crate::domain::shared::text::{optional, required};
use crate::domain::shared::{AccountId, Slug};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Lessons of one course.
const LESSONS_MOST: usize = 1_000;

/// Tags of one course, and characters of one tag.
const TAGS_MOST: usize = 20;
const TAG_LONGEST: usize = 40;

/// Whether people may know of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Publication {
    /// Nothing with this id exists.
    #[default]
    Absent,
    /// Only creators and editors see it.
    Draft,
    /// Everybody may know of it.
    Published,
}

/// A chapter with its lessons in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chapter {
    /// Its id.
    pub id: Uuid,
    /// Its heading.
    pub title: String,
    /// Whether people see it.
    pub shown: bool,
    /// Its lessons.
    pub lessons: Vec<Lesson>,
}

/// A lesson.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lesson {
    /// Its id.
    pub id: Uuid,
    /// Its address within the course.
    pub slug: Slug,
    /// What it teaches.
    pub text: LessonText,
    /// Whether people see it.
    pub shown: bool,
}

/// A course. Projections fold their rows with it as well, so that order is decided in one place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// Whether people may know of it.
    pub publication: Publication,
    /// Who began it.
    pub by: Option<AccountId>,
    /// Title.
    pub title: String,
    /// Address.
    pub slug: Option<Slug>,
    /// One sentence.
    pub summary: String,
    /// Markdown.
    pub description: String,
    /// Kind.
    pub kind: CourseKind,
    /// Level.
    pub level: Level,
    /// Its picture.
    pub picture: Option<Uuid>,
    /// Hue of its pages.
    pub hue: Option<u16>,
    /// Who teaches it.
    #[serde(default)]
    pub teacher: Option<AccountId>,
    /// Words it is found by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// When it will be published.
    #[serde(default)]
    pub publish_at: Option<DateTime<Utc>>,
    /// Chapters in order.
    pub chapters: Vec<Chapter>,
    /// Every address a lesson ever had, and whose it is: addresses never change their meaning.
    pub lesson_slugs: BTreeMap<String, Uuid>,
}

impl Course {
    /// Decides what follows from a command.
    ///
    /// # Errors
    /// [`CourseError`] says why it is refused.
    pub fn decide(&self, command: CourseCommand) -> Result<Vec<CourseEvent>, CourseError> {
        let at = command.at;
        if let Wish::Begin { title, slug, summary, kind, level, by } = command.wish {
            if self.publication != Publication::Absent {
                return Err(CourseError::AlreadyBegun);
            }
            let title = required("title", "title", &title, 120)?;
            let summary = optional("summary", "summary", &summary, 300)?;
            return Ok(vec![CourseEvent::CourseBegun { title, slug, summary, kind, level, by, at }]);
        }
        if self.publication == Publication::Absent {
            return Err(CourseError::Unknown);
        }
        match command.wish {
            Wish::Begin { .. } => Err(CourseError::AlreadyBegun),
            Wish::HandOver { to, .. } if self.by == Some(to) => Ok(vec![]),
            Wish::HandOver { to, by } => Ok(vec![CourseEvent::CourseHandedOver { to, by, at }]),
            Wish::Edit(details) => self.edit(*details, at),
            Wish::PublishDue => Ok(match self.publish_at {
                Some(due)
                    if due <= at
                        && self.publication == Publication::Draft
                        && self.has_something_to_learn() =>
                {
                    vec![CourseEvent::CoursePublished { at }]
                }
                _ => vec![],
            }),
            Wish::Publish if self.publication == Publication::Published => Ok(vec![]),
            Wish::Publish | Wish::Schedule { .. } if !self.has_something_to_learn() => {
                Err(CourseError::NothingToLearn)
            }
            Wish::Publish => Ok(vec![CourseEvent::CoursePublished { at }]),
            Wish::Schedule { .. } if self.publication == Publication::Published => {
                Err(CourseError::AlreadyPublished)
            }
            Wish::Schedule { publish_at } if publish_at <= at => Err(CourseError::TimeHasPassed),
            Wish::Schedule { publish_at } if self.publish_at == Some(publish_at) => Ok(vec![]),
            Wish::Schedule { publish_at } => Ok(vec![CourseEvent::CourseScheduled { publish_at, at }]),
            Wish::Unpublish if self.publication == Publication::Draft && self.publish_at.is_none() => {
                Ok(vec![])
            }
            Wish::Unpublish => Ok(vec![CourseEvent::CourseUnpublished { at }]),
            Wish::AddChapter { .. }
            | Wish::RenameChapter { .. }
            | Wish::PlaceChapter { .. }
            | Wish::RemoveChapter { .. }
            | Wish::ShowChapter { .. } => self.decide_chapter(command.wish, at),
            _ => self.decide_lesson(command.wish, at),
        }
    }

    fn edit(&self, new: CourseDetails, at: DateTime<Utc>) -> Result<Vec<CourseEvent>, CourseError> {
        let title = required("title", "title", &new.title, 120)?;
        let slug = new.slug.ok_or(CourseError::SlugMissing)?;
        let summary = optional("summary", "summary", &new.summary, 300)?;
        let description = optional("description", "description", &new.description, 50_000)?;
        if new.hue.is_some_and(|h| h > 359) {
            return Err(CourseError::HueOutOfRange);
        }
        if new.tags.len() > TAGS_MOST {
            return Err(CourseError::TooManyTags(TAGS_MOST));
        }
        if new.tags.iter().any(|tag| tag.chars().count() > TAG_LONGEST) {
            return Err(CourseError::TagTooLong(TAG_LONGEST));
        }
        let (kind, level) = (new.kind, new.level);
        let mut events = Vec::new();
        if title != self.title {
            events.push(CourseEvent::CourseRetitled { title, at });
        }
        if let Some(from) = self.slug.clone().filter(|old| *old != slug) {
            events.push(CourseEvent::CourseMoved { from, to: slug, at });
        }
        if (&summary, &description, kind, level) != (&self.summary, &self.description, self.kind, self.level)
        {
            events.push(CourseEvent::CourseDescribed { summary, description, kind, level, at });
        }
        if (new.picture, new.hue) != (self.picture, self.hue) {
            events.push(CourseEvent::CoursePictureChosen { picture: new.picture, hue: new.hue, at });
        }
        if (new.teacher, &new.tags) != (self.teacher, &self.tags) {
            events.push(CourseEvent::CourseFiled { teacher: new.teacher, tags: new.tags, at });
        }
        Ok(events)
    }

    fn decide_chapter(&self, wish: Wish, at: DateTime<Utc>) -> Result<Vec<CourseEvent>, CourseError> {
        let heading = |title: &str| required("chapter", "chapter heading", title, 120);
        let known = |id: Uuid| self.chapters.iter().find(|c| c.id == id).ok_or(CourseError::NoSuchChapter);
        Ok(match wish {
            Wish::AddChapter { chapter, .. } if known(chapter).is_ok() => {
                return Err(CourseError::AlreadyAdded);
            }
            Wish::AddChapter { chapter, title } => {
                vec![CourseEvent::ChapterAdded { chapter, title: heading(&title)?, at }]
            }
            Wish::RenameChapter { chapter, title } => {
                let title = heading(&title)?;
                if known(chapter)?.title == title {
                    vec![]
                } else {
                    vec![CourseEvent::ChapterRenamed { chapter, title, at }]
                }
            }
            Wish::PlaceChapter { chapter, position } => {
                known(chapter)?;
                let position = position.min(self.chapters.len() - 1);
                let now = self.chapters.iter().position(|c| c.id == chapter);
                if now == Some(position) {
                    vec![]
                } else {
                    vec![CourseEvent::ChapterPlaced { chapter, position, at }]
                }
            }
            Wish::RemoveChapter { chapter } if known(chapter)?.lessons.is_empty() => {
                vec![CourseEvent::ChapterRemoved { chapter, at }]
            }
            Wish::RemoveChapter { .. } => return Err(CourseError::ChapterNotEmpty),
            Wish::ShowChapter { chapter, shown } => match (known(chapter)?.shown, shown) {
                (false, true) => vec![CourseEvent::ChapterShown { chapter, at }],
                (true, false) => vec![CourseEvent::ChapterHidden { chapter, at }],
                _ => vec![],
            },
            _ => vec![],
        })
    }

    fn decide_lesson(&self, wish: Wish, at: DateTime<Utc>) -> Result<Vec<CourseEvent>, CourseError> {
        let known = |id: Uuid| self.lesson(id).ok_or(CourseError::NoSuchLesson);
        Ok(match wish {
            Wish::AddLesson { chapter, lesson, slug, text } => {
                if !self.chapters.iter().any(|c| c.id == chapter) {
                    return Err(CourseError::NoSuchChapter);
                }
                if known(lesson).is_ok() {
                    return Err(CourseError::AlreadyAdded);
                }
                if self.lessons().count() >= LESSONS_MOST {
                    return Err(CourseError::TooManyLessons(LESSONS_MOST));
                }
                self.slug_is_free(&slug, lesson)?;
                vec![CourseEvent::LessonAdded { chapter, lesson, slug, text: checked(*text)?, at }]
            }
            Wish::ReviseLesson { lesson, slug, text } => {
                let (old, text) = (known(lesson)?, checked(*text)?);
                self.slug_is_free(&slug, lesson)?;
                let mut events = Vec::new();
                if old.slug != slug {
                    events.push(CourseEvent::LessonMoved { lesson, from: old.slug.clone(), to: slug, at });
                }
                if old.text != text {
                    events.push(CourseEvent::LessonRevised { lesson, text, at });
                }
                events
            }
            Wish::PlaceLesson { lesson, chapter, position } => {
                known(lesson)?;
                let target =
                    self.chapters.iter().find(|c| c.id == chapter).ok_or(CourseError::NoSuchChapter)?;
                let inside = target.lessons.iter().position(|l| l.id == lesson);
                let position = position.min(target.lessons.len() - usize::from(inside.is_some()));
                if inside == Some(position) {
                    vec![]
                } else {
                    vec![CourseEvent::LessonPlaced { lesson, chapter, position, at }]
                }
            }
            Wish::RemoveLesson { lesson } => {
                known(lesson)?;
                vec![CourseEvent::LessonRemoved { lesson, at }]
            }
            Wish::ShowLesson { lesson, shown } => match (known(lesson)?.shown, shown) {
                (false, true) => vec![CourseEvent::LessonShown { lesson, at }],
                (true, false) => vec![CourseEvent::LessonHidden { lesson, at }],
                _ => vec![],
            },
            _ => vec![],
        })
    }

    /// All lessons, shown or not, in order.
    pub fn lessons(&self) -> impl Iterator<Item = &Lesson> {
        self.chapters.iter().flat_map(|c| &c.lessons)
    }

    /// A lesson by id.
    #[must_use]
    pub fn lesson(&self, id: Uuid) -> Option<&Lesson> {
        self.lessons().find(|l| l.id == id)
    }

    fn has_something_to_learn(&self) -> bool {
        self.chapters.iter().any(|c| c.shown && c.lessons.iter().any(|l| l.shown))
    }

    fn slug_is_free(&self, slug: &Slug, lesson: Uuid) -> Result<(), CourseError> {
        match self.lesson_slugs.get(slug.as_str()) {
            Some(owner) if *owner != lesson => Err(CourseError::LessonSlugTaken(slug.to_string())),
            _ => Ok(()),
        }
    }

    fn chapter_mut(&mut self, id: Uuid) -> Option<&mut Chapter> {
        self.chapters.iter_mut().find(|c| c.id == id)
    }

    fn lesson_mut(&mut self, id: Uuid) -> Option<&mut Lesson> {
        self.chapters.iter_mut().flat_map(|c| &mut c.lessons).find(|l| l.id == id)
    }

    fn take_lesson(&mut self, id: Uuid) -> Option<Lesson> {
        self.chapters.iter_mut().find_map(|c| {
            let place = c.lessons.iter().position(|l| l.id == id)?;
            Some(c.lessons.remove(place))
        })
    }

    /// Applies what happened.
    pub fn apply(&mut self, event: CourseEvent) {
        match event {
            CourseEvent::CourseHandedOver { to, .. } => self.by = Some(to),
            CourseEvent::CourseBegun { title, slug, summary, kind, level, by, .. } => {
                *self = Self {
                    publication: Publication::Draft,
                    by: Some(by),
                    title,
                    slug: Some(slug),
                    summary,
                    kind,
                    level,
                    ..Self::default()
                };
            }
            CourseEvent::CourseRetitled { title, .. } => self.title = title,
            CourseEvent::CourseMoved { to, .. } => self.slug = Some(to),
            CourseEvent::CourseDescribed { summary, description, kind, level, .. } => {
                (self.summary, self.description, self.kind, self.level) = (summary, description, kind, level);
            }
            CourseEvent::CoursePictureChosen { picture, hue, .. } => {
                (self.picture, self.hue) = (picture, hue)
            }
            CourseEvent::CourseFiled { teacher, tags, .. } => (self.teacher, self.tags) = (teacher, tags),
            CourseEvent::CourseScheduled { publish_at, .. } => self.publish_at = Some(publish_at),
            CourseEvent::CoursePublished { .. } => {
                (self.publication, self.publish_at) = (Publication::Published, None);
            }
            CourseEvent::CourseUnpublished { .. } => {
                (self.publication, self.publish_at) = (Publication::Draft, None);
            }
            CourseEvent::ChapterAdded { chapter, title, .. } => {
                self.chapters.push(Chapter { id: chapter, title, shown: true, lessons: Vec::new() });
            }
            CourseEvent::ChapterRenamed { chapter, title, .. } => {
                if let Some(found) = self.chapter_mut(chapter) {
                    found.title = title;
                }
            }
            CourseEvent::ChapterShown { chapter, .. } => self.show_chapter(chapter, true),
            CourseEvent::ChapterHidden { chapter, .. } => self.show_chapter(chapter, false),
            CourseEvent::ChapterPlaced { chapter, position, .. } => {
                if let Some(now) = self.chapters.iter().position(|c| c.id == chapter) {
                    let moved = self.chapters.remove(now);
                    self.chapters.insert(position.min(self.chapters.len()), moved);
                }
            }
            CourseEvent::ChapterRemoved { chapter, .. } => self.chapters.retain(|c| c.id != chapter),
            CourseEvent::LessonAdded { chapter, lesson, slug, text, .. } => {
                self.lesson_slugs.insert(slug.to_string(), lesson);
                if let Some(found) = self.chapter_mut(chapter) {
                    found.lessons.push(Lesson { id: lesson, slug, text, shown: false });
                }
            }
            CourseEvent::LessonRevised { lesson, text, .. } => {
                if let Some(found) = self.lesson_mut(lesson) {
                    found.text = text;
                }
            }
            CourseEvent::LessonMoved { lesson, to, .. } => {
                self.lesson_slugs.insert(to.to_string(), lesson);
                if let Some(found) = self.lesson_mut(lesson) {
                    found.slug = to;
                }
            }
            CourseEvent::LessonPlaced { lesson, chapter, position, .. } => {
                if let Some(moved) = self.take_lesson(lesson)
                    && let Some(target) = self.chapter_mut(chapter)
                {
                    target.lessons.insert(position.min(target.lessons.len()), moved);
                }
            }
            CourseEvent::LessonRemoved { lesson, .. } => {
                self.take_lesson(lesson);
            }
            CourseEvent::LessonShown { lesson, .. } => self.show_lesson(lesson, true),
            CourseEvent::LessonHidden { lesson, .. } => self.show_lesson(lesson, false),
        }
    }

    fn show_chapter(&mut self, chapter: Uuid, shown: bool) {
        if let Some(found) = self.chapter_mut(chapter) {
            found.shown = shown;
        }
    }

    fn show_lesson(&mut self, lesson: Uuid, shown: bool) {
        if let Some(found) = self.lesson_mut(lesson) {
            found.shown = shown;
        }
    }
}

fn checked(text: LessonText) -> Result<LessonText, CourseError> {
    let title = required("title", "title", &text.title, 120)?;
    let content = optional("content", "text", &text.content, 100_000)?;
    if content.is_empty() && text.media.is_none() {
        return Err(CourseError::EmptyLesson);
    }
    Ok(LessonText { title, content, ..text })
}
