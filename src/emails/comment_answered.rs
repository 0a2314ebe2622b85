//! Says that somebody answered a comment.

use super::{Letter, Mail, Studio};

/// See [`super::MailKind::CommentAnswered`].
pub(super) fn render(studio: &Studio, name: Option<&str>, title: &str, path: &str) -> Mail {
    Letter::new("Somebody answered your comment")
        .to_person(name)
        .say("There is an answer to what you wrote.")
        .row("Below", title)
        .say("If you do not want to be told of answers, say so in your account under Notifications.")
        .button("Read the answer", studio.link(path))
        .sign(studio)
}
