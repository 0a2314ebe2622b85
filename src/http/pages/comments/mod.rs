//! Comments below works, lessons and posts: the thread, and what people do in it.

mod acts;
mod thread;

use crate::domain::shared::AccountId;
use crate::http::Req;
use crate::http::route::Route;
pub use thread::thread;

/// The addresses of what is done with comments.
#[must_use]
pub fn routes() -> Vec<Route> {
    acts::routes()
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
