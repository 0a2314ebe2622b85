//! `/billing/people/{id}/merge`: two accounts of one person become one. The account of the address is closed.

use super::subscription_acts::with_reason;
use super::{BILLING, approvals, desk, names, person};
use crate::actors::merge::{self, Belongings};
use crate::domain::approval::Act;
use crate::domain::shared::AccountId;
use crate::http::error::HttpError;
use crate::http::route::Route;
use crate::http::ui::button::{link, submit};
use crate::http::ui::layout::{Place, crumbs};
use crate::http::ui::{
    Errors, Field, Tone, Weight, facts, form as post_form, format, notice_text, page_head,
};
use crate::http::{Form, Req, Res};
use crate::projections::people::{self, Person};
use maud::{Markup, html};
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/billing/people/{id}/merge", BILLING, show),
        Route::post("/billing/people/{id}/merge", BILLING, ask),
    ]
}

async fn closed(req: &Req) -> Result<Person, HttpError> {
    people::by_id(&req.app.reader, req.id_param("id")?).await?.ok_or(HttpError::NotFound)
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let from = closed(&req).await?;
    let typed = req.query("keep").trim().to_owned();
    if typed.is_empty() {
        return choose(&req, &from, "", &Errors::none()).await;
    }
    match people::by_mail(&req.app.reader, &typed).await? {
        Some(into) => preview(&req, &from, into, &Form::default(), &Errors::none()).await,
        None => {
            let words = "No account uses this address. Enter the whole address of the account that is kept.";
            choose(&req, &from, &typed, &Errors::one("keep", words)).await
        }
    }
}

fn places(from: AccountId) -> Vec<Place> {
    let back = format!("/billing/people/{from}");
    vec![Place::new("People", "/billing/people"), Place::new("Person", back)]
}

async fn choose(req: &Req, from: &Person, typed: &str, errors: &Errors) -> Result<Res, HttpError> {
    let names = names(req, &[from.id], "billing-merge").await?;
    let content = html! {
        (crumbs(&places(from.id), "Merge"))
        (page_head("Merge two accounts of one person", Some("Only if you are sure that both belong to the same person: what was moved is not taken apart again."), None))
        p { "Closed will be the account of " (person(&names, from.id)) "." }
        form.form method="get" action=(req.path) novalidate {
            (Field::new("keep", "Mail address of the account that is kept").kind("email").value(typed).maxlength(254).mid().errors(errors).render())
            div.row { (submit("See what would move", Weight::Main)) (link("Back", &format!("/billing/people/{}", from.id), Weight::Quiet)) }
        }
    };
    Ok(desk(req, "Merge", errors, &content))
}

fn would_move(has: &Belongings) -> Markup {
    let running = has.subscriptions.iter().find(|s| !s.status.is_final());
    let row = |n: i64, one: &str, many: &str| html! { (format::counted(n, one, many)) };
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    facts(&[
        (
            "Moves: subscriptions",
            html! { (row(count(has.subscriptions.len()), "subscription", "subscriptions")) @if let Some(s) = running { ", of which " a href={ "/billing/subscriptions/" (s.id) } { (s.plan()) } " runs" } },
        ),
        (
            "Moves: a team of its own",
            html! { (if has.team { "yes, with who belongs to it" } else { "none" }) },
        ),
        ("Moves: gifts", row(count(has.gifts), "gift", "gifts")),
        (
            "Moves: credit",
            html! {
                @if has.credit.is_empty() { "none" }
                @for (n, money) in has.credit.iter().enumerate() { (if n > 0 { " + " } else { "" }) span.num { (money) } }
            },
        ),
        ("Moves: seats in teams of others", row(count(has.seats), "seat", "seats")),
        (
            "Moves: complimentary access",
            html! { (if has.complimentary { "yes, as long as the longer of both" } else { "none" }) },
        ),
        ("Moves: progress", row(has.progress, "lesson or work", "lessons and works")),
        ("Moves: likes and lists", row(has.marks, "mark", "marks")),
        (
            "Stays as issued, and is shown to the kept account",
            html! { (row(has.orders, "order", "orders")) ", " (row(count(has.invoices), "invoice or credit note", "invoices and credit notes")) },
        ),
        (
            "Stays with the closed account",
            html! { "comments, under the name they were written with; kept cards (the card of a running subscription goes on being charged); a mandate for direct debits, which collects no later orders" },
        ),
    ])
}

async fn preview(
    req: &Req,
    from: &Person,
    into: AccountId,
    form: &Form,
    errors: &Errors,
) -> Result<Res, HttpError> {
    let has = merge::belongings(&req.app, from.id).await?;
    let obstacles = merge::obstacles(&req.app, from.id, into).await?;
    let names = names(req, &[from.id, into], "billing-merge").await?;
    let waiting = approvals::waiting(req, from.id).await?;
    let content = html! {
        (crumbs(&places(from.id), "Merge"))
        (page_head("Merge two accounts of one person", None, None))
        (waiting)
        section.panel {
            p { "Closed: " (person(&names, from.id)) ". Kept: " (person(&names, into)) "." }
            (would_move(&has))
            p { "The closed account opens nothing any more: its sessions end, and whoever signs in with its address is told to use the other one. The person has a mail. If the kept account is deleted one day, the closed one goes with it." }
        }
        @for words in &obstacles { (notice_text(Tone::Warning, words)) }
        @if obstacles.is_empty() {
            (post_form(req, &req.path, &html! {
                input type="hidden" name="into" value=(into);
                (Field::new("reason", "Reason").hint("How you know that both are the same person. Kept with the event.").value(form.get("reason")).maxlength(500).errors(errors).render())
                p.small { "A second person has to agree, whatever is moved." }
                div.row { (submit("Ask a second person", Weight::Danger)) (link("Another account", &req.path, Weight::Quiet)) }
            }))
        }
    };
    Ok(desk(req, "Merge", errors, &content))
}

async fn ask(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let from = closed(&req).await?;
    let into = Uuid::parse_str(form.get("into")).map_err(|_| HttpError::NotFound)?;
    let by = req.account()?.id;
    if by == into || by == from.id {
        let words = "Somebody else has to ask: one of the two accounts is yours.";
        return preview(&req, &from, into, &form, &Errors::one("", words)).await;
    }
    let both = match with_reason(&req, &form, from.id) {
        Ok(both) => both,
        Err(errors) => return preview(&req, &from, into, &form, &errors).await,
    };
    let what = Act::Merge { from: from.id, into };
    match approvals::ask(&req, &form, (from.id, None), what, both).await? {
        Some(Ok(asked)) => Ok(asked),
        Some(Err(errors)) => preview(&req, &from, into, &form, &errors).await,
        None => Err(HttpError::Internal("a merge that needs nobody else".into())),
    }
}
