//! Proof that nothing was changed: part of the page of a subscription.

use super::with;
use crate::actors::proof;
use crate::http::Req;
use crate::http::error::HttpError;
use crate::http::ui::{Tone, Weight, button, format, notice_text};
use crate::projections::subscription_timeline::Entry;
use maud::{Markup, html};
use uuid::Uuid;

/// The panel; with `proof=yes` in the query the lines, which were read when their table had reached a position,
/// are held against the log.
pub(super) async fn panel(
    req: &Req,
    subscription: Uuid,
    lines: &[Entry],
    reached: i64,
) -> Result<Markup, HttpError> {
    let asked = req.query("proof") == "yes";
    let found = if asked { Some(proof::of(&req.app, subscription, lines, reached).await?) } else { None };
    let list = |all: &[i64]| all.iter().map(|p| format!("no. {p}")).collect::<Vec<_>>().join(", ");
    let tell = "Tell the operators: kinora events verify says more.";
    Ok(html! {
        section.panel.stack.tight aria-labelledby="proof" {
            h2 #proof { "Proof" }
            p { "Every event carries a hash over itself and the one before it, and the end of the log is signed every hour. So it shows when anything was changed, taken away or put in afterwards." }
            @match &found {
                None => { (button::link("Check these events now", &format!("{}#proof", with(req, "proof", Some("yes"))), Weight::Plain)) }
                Some(found) => {
                    @if found.is_good() {
                        (notice_text(Tone::Success, &format!("All {} events of this page are as they were written, and none is left out.", found.checked)))
                    }
                    @if !found.bad.is_empty() {
                        (notice_text(Tone::Danger, &format!("Not as they were written: {}. {tell}", list(&found.bad))))
                    }
                    @if !found.missing.is_empty() {
                        (notice_text(Tone::Danger, &format!("In the log, but left out here: {}. {tell}", list(&found.missing))))
                    }
                    @if !found.extra.is_empty() {
                        (notice_text(Tone::Danger, &format!("Shown here, but not in the log of this subscription: {}. {tell}", list(&found.extra))))
                    }
                    @match &found.whole {
                        Some(whole) => p { "The whole log was last verified on " (format::moment(whole.at)) ", up to no. " (whole.position) ": " @if whole.ok { "nothing was changed." } @else { strong { "something was changed. " } (whole.reason.as_deref().unwrap_or_default()) } },
                        None => p.dim { "The whole log has not been verified yet." },
                    }
                    p { a href="/billing/proof" { "Proof for the whole log" } }
                }
            }
        }
    })
}
