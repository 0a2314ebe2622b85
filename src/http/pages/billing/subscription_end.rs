//! `/billing/subscriptions/{id}/end`: the second step before a subscription is ended at once.

use super::{BILLING, desk, names, person};
use crate::domain::shared::calendar::day_words;
use crate::domain::subscription::Status;
use crate::http::error::HttpError;
use crate::http::response::see_other;
use crate::http::route::Route;
use crate::http::ui::button::{link, submit_as};
use crate::http::ui::layout::{Place, crumbs};
use crate::http::ui::{Errors, Field, Weight, facts, form_of_acts, page_head};
use crate::http::{Form, Req, Res};
use crate::projections::subscriptions::{self, SubscriptionRow};
use maud::html;
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/billing/subscriptions/{id}/end", BILLING, show)]
}

/// Where it is asked once more.
pub(super) fn path(id: Uuid) -> String {
    format!("/billing/subscriptions/{id}/end")
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let row = subscriptions::one(&req.app.reader, req.id_param("id")?).await?.ok_or(HttpError::NotFound)?;
    if !matches!(row.status, Status::Active | Status::PendingCancellation) {
        return Ok(see_other(&format!("/billing/subscriptions/{}", row.id)));
    }
    view(&req, &row, &Form::default(), &Errors::none()).await
}

/// What ending at once does, and the button that does it.
pub(super) async fn view(
    req: &Req,
    row: &SubscriptionRow,
    form: &Form,
    errors: &Errors,
) -> Result<Res, HttpError> {
    let names = names(req, &[row.owner], "billing-subscription").await?;
    let back = format!("/billing/subscriptions/{}", row.id);
    let reason = Field::new("reason", "Reason").hint("Kept with the event.").maxlength(500);
    let content = html! {
        (crumbs(&[Place::new("Subscriptions", "/billing/subscriptions"), Place::new(row.plan(), back.clone())], "End at once"))
        (page_head("End at once", None, None))
        section.panel {
            (facts(&[
                ("Member", person(&names, row.owner)),
                ("Subscription", html! { (row.plan()) }),
                ("Paid up to", html! { (row.state.next_due_on().map_or_else(|| "–".into(), day_words)) }),
            ]))
            p { "Access ends now, whatever is paid for. This cannot be undone, and nothing is given back by it: refunds are made at the order. Cancelling keeps the access to the end of what is paid." }
            (form_of_acts(req, &back, &html! {
                (reason.value(form.get("reason")).errors(errors).render())
                div.row { (submit_as("End this subscription now", "act", "end-now", Weight::Danger)) (link("Keep it", &back, Weight::Quiet)) }
            }))
        }
    };
    Ok(desk(req, "End at once", errors, &content))
}
