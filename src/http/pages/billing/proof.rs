//! Proof that nothing was changed: part of the page of a subscription.

use crate::actors::proof;
use crate::http::Req;
use crate::http::error::HttpError;
use crate::http::ui::{Tone, Weight, button, format, notice_text};
use crate::projections::subscription_timeline::Entry;
use maud::{Markup, html};

/// The panel; with `proof=yes` in the query the lines are held against the log.
pub(super) async fn panel(req: &Req, lines: &[Entry]) -> Result<Markup, HttpError> {
    let asked = req.query("proof") == "yes";
    let found = if asked { Some(proof::of(&req.app, lines).await?) } else { None };
    Ok(html! {
        section.panel.stack.tight aria-labelledby="proof" {
            h2 #proof { "Proof" }
            p { "Every event carries a hash over itself and the one before it, and the end of the log is signed every hour. So it shows when anything was changed, taken away or put in afterwards." }
            @match &found {
                None => { (button::link("Check these events now", &format!("{}?proof=yes#proof", req.path), Weight::Plain)) }
                Some(found) => {
                    @if found.bad.is_empty() {
                        (notice_text(Tone::Success, &format!("All {} events of this page are as they were written.", found.checked)))
                    } @else {
                        @let list = found.bad.iter().map(|p| format!("no. {p}")).collect::<Vec<_>>().join(", ");
                        (notice_text(Tone::Danger, &format!("Not as they were written: {list}. Tell the operators: kinora events verify says more.")))
                    }
                    @match &found.whole {
                        Some(whole) => p { "The whole log was last verified on " (format::moment(whole.at)) ", up to no. " (whole.position) ": " @if whole.ok { "nothing was changed." } @else { strong { "something was changed. " } (whole.reason.as_deref().unwrap_or_default()) } },
                        None => p.dim { "The whole log has not been verified yet: an operator does that with kinora events verify." },
                    }
                }
            }
        }
    })
}
