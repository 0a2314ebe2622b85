//! Comments below works, lessons and posts: the thread, and what people do in it.

mod acts;
mod thread;

use crate::domain::comment::{Subject, SubjectKind};
use crate::domain::shared::AccountId;
use crate::http::route::Route;
use crate::http::{HttpError, Req};
use crate::projections::catalogue;
pub use thread::thread;

/// The addresses of what is done with comments.
#[must_use]
pub fn routes() -> Vec<Route> {
    acts::routes()
}

/// Something that can be commented on and that everybody may know of.
pub(super) struct Place {
    /// Its address.
    pub path: String,
    /// Its title.
    pub title: String,
    /// Whose it is.
    pub by: Option<AccountId>,
}

/// What `subject` is, if it is public.
pub(super) async fn place(req: &Req, subject: Subject) -> Result<Option<Place>, HttpError> {
    let reader = &req.app.reader;
    Ok(match subject.kind {
        SubjectKind::Post => catalogue::post_by_id(reader, subject.id)
            .await?
            .filter(|p| p.public)
            .map(|p| Place { path: format!("/posts/{}", p.slug), title: p.state.text.title, by: p.state.by }),
        SubjectKind::Media => catalogue::work_by_id(reader, subject.id)
            .await?
            .filter(|w| w.public)
            .map(|w| Place { path: format!("/media/{}", w.slug), title: w.state.title, by: w.state.owner }),
        SubjectKind::Lesson => {
            let courses = catalogue::all_courses(reader, None).await?;
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

/// Whether the viewer may put comments below something of `by` first.
pub(super) fn may_pin(req: &Req, by: Option<AccountId>) -> bool {
    req.viewer.has_role(&["editor", "admin"])
        || (req.viewer.has_role(&["creator"]) && by.is_some() && req.viewer.id() == by)
}

/// Whether the viewer decides about the comments of others.
pub(super) fn moderates(req: &Req) -> bool {
    req.viewer.has_role(&["moderator", "admin"])
        && req.viewer.account.as_ref().is_some_and(|a| !a.wants_second_factor)
}
