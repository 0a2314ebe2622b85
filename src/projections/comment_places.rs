//! What comments stand below, as far as everybody may know of it.

use super::{QueryError, Reader, catalogue};
use crate::domain::comment::{Subject, SubjectKind};
use crate::domain::shared::AccountId;

/// Something public that can be commented on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its address.
    pub path: String,
    /// Its title.
    pub title: String,
    /// Whose it is.
    pub by: Option<AccountId>,
}

/// What `subject` is; none if it is not public.
///
/// # Errors
/// If the database cannot be read.
pub async fn place(r: &Reader, subject: Subject) -> Result<Option<Place>, QueryError> {
    Ok(match subject.kind {
        SubjectKind::Post => catalogue::post_by_id(r, subject.id)
            .await?
            .filter(|p| p.public)
            .map(|p| Place { path: format!("/posts/{}", p.slug), title: p.state.text.title, by: p.state.by }),
        SubjectKind::Media => catalogue::work_by_id(r, subject.id)
            .await?
            .filter(|w| w.public)
            .map(|w| Place { path: format!("/media/{}", w.slug), title: w.state.title, by: w.state.owner }),
        SubjectKind::Character => {
            catalogue::character_by_id(r, subject.id).await?.filter(|c| c.public).map(|c| Place {
                path: format!("/characters/{}", c.slug),
                title: c.state.text.name,
                by: c.state.by,
            })
        }
        SubjectKind::Lesson => {
            let courses = catalogue::all_courses(r, None).await?;
            courses.into_iter().filter(|c| c.public).find_map(|course| {
                let chapters = course.state.chapters.iter().filter(|c| c.shown);
                let lesson = chapters.flat_map(|c| &c.lessons).find(|l| l.shown && l.id == subject.id)?;
                Some(Place {
                    path: format!("/courses/{}/{}", course.slug, lesson.slug),
                    title: lesson.text.title.clone(),
                    by: course.state.by,
                })
            })
        }
    })
}
