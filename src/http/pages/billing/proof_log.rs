//! `/billing/proof`: that nothing in the log was changed, for the log as a whole, and what an auditor needs to look
//! for themselves.

use super::{BILLING, desk};
use crate::actors::proving::Proving;
use crate::http::error::HttpError;
use crate::http::response::see_other;
use crate::http::route::Route;
use crate::http::ui::button::submit;
use crate::http::ui::{Errors, Tone, Weight, form as post_form, format, notice, notice_text, page_head};
use crate::http::{Req, Res};
use crate::projections::operator::{self, LastVerification};
use maud::{Markup, html};

const PAGE: &str = "/billing/proof";

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get(PAGE, BILLING, show), Route::post(PAGE, BILLING, begin)]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    // First: what has ended by now stands in what is read after it.
    let asked = req.app.provings.last();
    let known = operator::last_verification(&req.app.reader).await?;
    let note = req.app.audit.latest().await?;
    let key = req.app.audit.verifier();
    let under_way = asked.as_ref().is_some_and(|proving| proving.ended.is_none());
    let content = html! {
        (page_head("Proof", Some("That the log of all events is what was written: nothing changed, taken away or put in afterwards."), None))
        @if let Some(proving) = &asked { (progress(proving)) }
        section.panel.stack.tight aria-labelledby="whole" {
            h2 #whole { "The whole log" }
            (last(known.as_ref()))
            p { "What was written since the last time is read every hour, and everything once a day. It can be read now as well; nothing waits meanwhile." }
            @if !under_way {
                (post_form(&req, PAGE, &html! { (submit("Verify the whole log now", Weight::Main)) }))
            }
        }
        section.panel.stack.tight aria-labelledby="auditor" {
            h2 #auditor { "For an auditor" }
            p { "Every event carries a hash over itself and the one before it. Every hour the studio signs how many events there are and in which hash they end. Keep such a note where the studio cannot reach it: whoever changed the log later would have to change your copy, too." }
            h3 { "The last signed note" }
            @match &note {
                Some(note) => pre.log tabindex="0" { (note) },
                None => p.dim { "None yet: the first is signed within an hour." },
            }
            h3 { "The public key" }
            pre.log tabindex="0" { (key.to_line()) }
            p { "The same for OpenSSL:" }
            pre.log tabindex="0" { (key.to_pem()) }
            p { "An operator exports the log with " code { "kinora events export --format proof" } ". Its form, and how to check it with standard tools, is described in " code { "docs/log-format.md" } "; " code { "scripts/verify-log" } " does it with OpenSSL alone. Events hold no personal data, only references to it." }
        }
    };
    Ok(desk(&req, "Proof", &Errors::none(), &content))
}

/// What the last verification found, whoever asked for it.
fn last(known: Option<&LastVerification>) -> Markup {
    match known {
        None => html! { p.dim { "It has not been verified yet: the first time is within an hour." } },
        Some(v) if v.ok => html! {
            p {
                "Unchanged up to event " strong.num { (format::count(v.position)) } ", verified " (format::moment(v.at)) "."
                @if let Some(whole) = v.whole_at { " Read as a whole " (format::moment(whole)) "." }
            }
            p.small.dim { (format::counted(v.good, "verification", "verifications")) " found it unchanged, " (format::count(v.bad)) " did not." }
        },
        Some(v) => notice_text(
            Tone::Danger,
            &format!(
                "The log was changed after it was written. After event {}: {}. Tell the operators at once; they keep a copy of the database before anything else.",
                v.position,
                v.reason.as_deref().unwrap_or("unknown")
            ),
        ),
    }
}

/// How far the verification is that was asked for here, or how it ended.
fn progress(proving: &Proving) -> Markup {
    match &proving.ended {
        None => notice(
            Tone::Info,
            &html! {
                p {
                    "The log is being read since " (format::moment(proving.begun)) ": event " (format::count(proving.at)) " of " (format::count(proving.head)) ". "
                    a href=(PAGE) { "Look again" } "."
                }
                progress max="100" value=(proving.percent()) aria-label="Share of the log that was read" { (proving.percent()) " %" }
            },
        ),
        Some((at, outcome)) => {
            let (tone, words) = match outcome {
                Ok(found) if found.ok => (
                    Tone::Success,
                    format!(
                        "All {} events are as they were written, and {} fit.",
                        format::count(found.events),
                        format::counted(found.checkpoints, "signed note", "signed notes")
                    ),
                ),
                Ok(found) => (
                    Tone::Danger,
                    format!(
                        "Event {} is not as it was written: {}.",
                        found.first_bad_position.unwrap_or_default(),
                        found.reason.as_deref().unwrap_or("unknown")
                    ),
                ),
                Err(why) => (Tone::Danger, format!("It could not be verified: {why}.")),
            };
            notice(tone, &html! { p { (format::moment(*at)) ": " (words) } })
        }
    }
}

async fn begin(mut req: Req) -> Result<Res, HttpError> {
    // The token of the form is checked with it.
    req.form().await?;
    req.app.provings.begin();
    Ok(see_other(PAGE))
}
