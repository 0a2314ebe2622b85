//! The thread below a page: who wrote what, and the forms.

use super::{may_pin, moderates, refusal};
use crate::domain::access::{self, Reason};
use crate::domain::comment::{Standing, Subject, SubjectKind};
use crate::domain::shared::{AccountId, PersonalRef};
use crate::http::delivery::person_facts;
use crate::http::page::with_query;
use crate::http::pages::public::person::portrait_of;
use crate::http::ui::button::submit_small;
use crate::http::ui::markdown::markdown_below;
use crate::http::ui::{Errors, Field, Tone, Weight, button, chip, form as post_form, form_inline, format};
use crate::http::{HttpError, Req};
use crate::projections::comments::{self, CommentRow};
use crate::projections::people;
use maud::{Markup, html};
use std::collections::HashMap;
use uuid::Uuid;

/// Comments on one page: the newest.
const MOST: i64 = 500;
/// Answers to answers are set in so many times, then stand below each other.
const DEEPEST: usize = 3;

struct Thread<'a> {
    req: &'a Req,
    subject: Subject,
    names: HashMap<AccountId, String>,
    /// Who may be looked at, with the version of their picture.
    profiles: HashMap<AccountId, Option<Uuid>>,
    texts: HashMap<PersonalRef, String>,
    answers: HashMap<Uuid, Vec<&'a CommentRow>>,
    may_write: bool,
    may_pin: bool,
    moderates: bool,
}

/// The comments below something of `by`, and the way to write one.
///
/// # Errors
/// If they cannot be read.
pub async fn thread(req: &Req, subject: Subject, by: Option<AccountId>) -> Result<Markup, HttpError> {
    let reader = &req.app.reader;
    let all = comments::of_subject(reader, subject.id, MOST).await?;
    let enabled = req.app.config.comments.enabled;
    if all.is_empty() && !enabled {
        return Ok(html! {});
    }
    let person = person_facts(req).await?;
    let decision = access::may_comment(person.as_ref(), subject.kind == SubjectKind::Lesson, req.now());
    let authors: Vec<AccountId> = all.iter().map(|c| c.state.author).collect();
    let sealed: Vec<PersonalRef> = all.iter().filter_map(|c| c.state.text.clone()).collect();
    let known: std::collections::HashSet<Uuid> = all.iter().map(|c| c.id).collect();
    let mut answers: HashMap<Uuid, Vec<&CommentRow>> = HashMap::new();
    let mut first = Vec::new();
    for comment in &all {
        match comment.state.parent.filter(|p| known.contains(p)) {
            Some(parent) => answers.entry(parent).or_default().push(comment),
            None => first.push(comment),
        }
    }
    // What is pinned stands first, else the newest.
    first.reverse();
    first.sort_by_key(|c| !c.state.pinned);
    let shown = all.iter().filter(|c| c.is_shown()).count();
    let thread = Thread {
        req,
        subject,
        names: people::public_names(reader, &authors).await?,
        profiles: people::public_profiles(reader, &authors).await?,
        texts: reader.open_many(&sealed).await?,
        answers,
        may_write: enabled && decision.allowed,
        may_pin: may_pin(req, by),
        moderates: moderates(req),
    };
    Ok(html! {
        section.comments.stack.mid aria-labelledby="comments" {
            h2 #comments { (if shown == 1 { "1 comment".to_owned() } else { format!("{} comments", format::count(i64::try_from(shown).unwrap_or(0))) }) }
            @if thread.may_write { (thread.write(None)) } @else if enabled { (why_not(req, decision.reason)) }
            @if !first.is_empty() { ol.thread { @for comment in &first { (thread.one(comment, 0)) } } }
        }
    })
}

/// What somebody who may not write is told.
fn why_not(req: &Req, reason: Reason) -> Markup {
    let (label, href) = match reason {
        Reason::SignIn => ("Sign in", with_query("/login", &[("next", &req.path)])),
        Reason::Join => ("Join", "/join".into()),
        Reason::PayOrder(_) | Reason::Resume => ("Your subscription", "/account/subscription".into()),
        _ => ("Your account", "/account".into()),
    };
    html! { p.row { span.dim { (refusal(reason)) } (button::link(label, &href, Weight::Plain)) } }
}

impl Thread<'_> {
    /// The form for a new comment, or for an answer to `parent`.
    fn write(&self, parent: Option<Uuid>) -> Markup {
        let kind: &'static str = self.subject.kind.into();
        let id = parent.map_or_else(|| "text".to_owned(), |p| format!("text-{p}"));
        let label = if parent.is_some() { "Your answer" } else { "Your comment" };
        post_form(
            self.req,
            "/comments",
            &html! {
                input type="hidden" name="kind" value=(kind);
                input type="hidden" name="subject" value=(self.subject.id);
                @if let Some(parent) = parent { input type="hidden" name="parent" value=(parent); }
                div.field {
                    label for=(id) { (label) }
                    textarea.input id=(id) name="text" maxlength=(self.req.app.config.comments.longest) required {}
                }
                div.row { (button::submit(if parent.is_some() { "Answer" } else { "Comment" }, Weight::Plain)) }
            },
        )
    }

    fn one(&self, comment: &CommentRow, depth: usize) -> Markup {
        let answers = self.answers.get(&comment.id).map(Vec::as_slice).unwrap_or_default();
        let state = &comment.state;
        // What was deleted and has no answers leaves nothing behind.
        if state.standing == Standing::Deleted && answers.is_empty() {
            return html! {};
        }
        let name = self.names.get(&state.author).map_or("Deleted account", String::as_str);
        // While the writer's account waits for its deletion the text is out of sight like the profile; one that
        // stays afterwards belongs to nobody.
        let leaving = !self.names.contains_key(&state.author)
            && state.text.as_ref().is_some_and(|t| t.subject == state.author);
        let text = state.text.as_ref().filter(|_| !leaving).and_then(|t| self.texts.get(t));
        let own = self.req.viewer.id() == Some(state.author);
        let sees = state.standing == Standing::Shown
            || (state.standing == Standing::Hidden && (own || self.moderates));
        html! {
            li id={ "c" (comment.id) } {
                article.comment.stack.tight {
                    p.byline {
                        (self.who(state.author, name))
                        @if let Some(at) = state.written_at { a.dim href={ "#c" (comment.id) } { (format::moment(at)) } }
                        @if state.edited_at.is_some() { span.dim { "changed" } }
                        @if state.pinned { (chip(Tone::Info, "Pinned")) }
                        @if state.standing == Standing::Hidden { (chip(Tone::Warning, "Hidden")) }
                    }
                    @match (text, sees) {
                        (Some(text), true) => div.prose.small { (markdown_below(text, 3)) },
                        (_, _) if state.standing == Standing::Hidden => p.dim { "A moderator hid this comment." },
                        _ if leaving && state.standing == Standing::Shown => p.dim { "This comment is out of sight while its writer's account waits for its deletion." },
                        _ => p.dim { "This comment was deleted." },
                    }
                    @if state.standing != Standing::Deleted { (self.acts(comment, own)) }
                }
                @if !answers.is_empty() {
                    @let deeper = depth + 1 < DEEPEST;
                    ol.thread.in[deeper] { @for answer in answers { (self.one(answer, depth + 1)) } }
                }
            }
        }
    }

    /// The writer's name, with picture and a way to the profile if it is public.
    fn who(&self, author: AccountId, name: &str) -> Markup {
        html! {
            @match self.profiles.get(&author) {
                Some(picture) => a.who href={ "/people/" (author) } {
                    @if let Some(version) = picture { (portrait_of(author, *version, 32)) }
                    strong { (name) }
                },
                None => strong { (name) },
            }
        }
    }

    fn acts(&self, comment: &CommentRow, own: bool) -> Markup {
        let (req, id) = (self.req, comment.id);
        let Some(account) = req.viewer.id() else { return html! {} };
        let edit = comment.state.may_edit(account, req.app.config.comments.edit_minutes, req.now()).is_ok();
        let back = html! { input type="hidden" name="back" value=(req.path); };
        let act = |action: String, label: &str, name: &str, value: &str| {
            form_inline(
                req,
                &action,
                &html! { (back) input type="hidden" name=(name) value=(value); (submit_small(label, Weight::Quiet)) },
            )
        };
        html! {
            div.row.acts {
                @if self.may_write && comment.is_shown() {
                    details.fold { summary { "Answer" } (self.write(Some(id))) }
                }
                @if edit { (button::link_small("Change", &format!("/comments/{id}/edit"), Weight::Quiet)) }
                @if own || self.moderates { (act(format!("/comments/{id}/delete"), "Delete", "sure", "yes")) }
                @if self.may_pin {
                    @let (label, value) = if comment.state.pinned { ("Unpin", "no") } else { ("Pin", "yes") };
                    (act(format!("/comments/{id}/pin"), label, "pinned", value))
                }
                @if self.moderates {
                    @let (label, value) = if comment.is_shown() { ("Hide", "hide") } else { ("Show again", "keep") };
                    (act(format!("/moderation/comments/{id}"), label, "act", value))
                }
                @if !own && comment.is_shown() {
                    details.fold {
                        summary { "Report" }
                        (post_form(req, &format!("/comments/{id}/report"), &html! {
                            (back)
                            div.field {
                                label for={ "why-" (id) } { "What is wrong with it?" }
                                input.input id={ "why-" (id) } name="reason" maxlength="500" required;
                            }
                            div.row { (submit_small("Tell the moderators", Weight::Plain)) }
                        }))
                    }
                }
            }
        }
    }
}

/// The field of a comment that is written anew or was refused.
pub(super) fn text_field(req: &Req, text: &str, errors: &Errors) -> Markup {
    Field::new("text", "Your comment")
        .value(text)
        .area()
        .maxlength(req.app.config.comments.longest)
        .errors(errors)
        .render()
}
