//! Comments below works, lessons, posts and characters: the thread, and what people do in it.

mod acts;
mod thread;

use crate::domain::access::Reason;
use crate::domain::shared::AccountId;
use crate::http::Req;
use crate::http::route::Route;
pub use thread::thread;

/// The addresses of what is done with comments.
#[must_use]
pub fn routes() -> Vec<Route> {
    acts::routes()
}

/// Why somebody may not write, in words for them.
fn refusal(reason: Reason) -> &'static str {
    match reason {
        Reason::SignIn => "Sign in to write a comment.",
        Reason::Join => "Comments are written by members who have joined.",
        Reason::PayOrder(_) | Reason::Resume => "Your subscription rests: with it you can comment.",
        Reason::AskTeamOwner => "Your team has no access at the moment: with it you can comment.",
        Reason::Leaving => "You asked for the deletion of your account. Withdraw the request to comment.",
        other => other.sentence(),
    }
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
