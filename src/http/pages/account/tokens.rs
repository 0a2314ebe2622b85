//! `/account/tokens`: what programs show instead of a session.

use super::desk;
use crate::actors::accounts::access_tokens::{self, LONGEST_DAYS, LONGEST_NAME, Scope, TokenError};
use crate::actors::accounts::shown_once;
use crate::http::error::HttpError;
use crate::http::response::see_other;
use crate::http::route::{Access, Route};
use crate::http::ui::table::{cell, head, table, text};
use crate::http::ui::{Column, Errors, Field, Tone, Weight, button, form, form_inline, format, notice};
use crate::http::{Form, Req, Res};
use maud::{Markup, html};

const PAGE: &str = "/account/tokens";
/// Days of a token's life that the form suggests.
const USUAL_DAYS: &str = "90";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(PAGE, Access::SignedIn, show),
        Route::post(PAGE, Access::SignedIn, issue),
        Route::post("/account/tokens/{id}/revoke", Access::SignedIn, revoke),
    ]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let secret = req.just_made().await?;
    view(&req, &Form::default(), &Errors::none(), secret.as_deref()).await
}

async fn issue(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let scopes: Vec<Scope> = Scope::all().filter(|s| form.has(s.code())).collect();
    let days = form.get("days").parse().unwrap_or(0);
    let account = req.account()?.id;
    match access_tokens::issue(&req.app, account, form.get("name"), &scopes, days).await {
        // Shown on the next page only: it stands in no address and in no history.
        Ok(secret) => {
            let id = shown_once::keep(&req.app, account, &secret).await?;
            Ok(see_other(&format!("{PAGE}?made={id}")))
        }
        Err(TokenError::Store(error)) => Err(error.into()),
        Err(error) => {
            let field = match error {
                TokenError::Days => "days",
                TokenError::Name => "name",
                _ => "",
            };
            view(&req, &form, &Errors::one(field, error.to_string()), None).await
        }
    }
}

async fn revoke(req: Req) -> Result<Res, HttpError> {
    access_tokens::revoke(&req.app, req.account()?.id, req.id_param("id")?).await?;
    Ok(see_other("/account/tokens?done=revoked"))
}

async fn view(req: &Req, typed: &Form, errors: &Errors, secret: Option<&str>) -> Result<Res, HttpError> {
    let all = access_tokens::list(&req.app, req.account()?.id).await?;
    let done = (req.query("done") == "revoked").then_some("Revoked. Programs that used it are locked out.");
    let days = if typed.has("days") { typed.get("days") } else { USUAL_DAYS };
    let fields = html! {
        (Field::new("name", "Name").value(typed.get("name")).mid().optional().maxlength(LONGEST_NAME)
            .hint("What it is for, so that you know it again in the list.").errors(errors).render())
        fieldset.field.full {
            legend { "It may" }
            @for scope in Scope::all() {
                label.choice {
                    input type="checkbox" name=(scope.code()) value="1" checked[typed.has(scope.code())];
                    span { (scope.words()) " " code.hint { (scope.code()) } }
                }
            }
        }
        (Field::new("days", "Days until it expires").kind("number").value(days).mid()
            .hint(&format!("From 1 to {LONGEST_DAYS}.")).errors(errors).render())
        (button::submit("Make a token", Weight::Main))
    };
    let body = html! {
        @if let Some(secret) = secret {
            (notice(Tone::Success, &html! {
                p { strong { "Your new token" } " is shown only now. Keep it like a password." }
                p { code.mono { (secret) } }
                p.small { "Use: " code { "curl -H 'Authorization: Bearer …' " (req.app.config.site_url().trim_end_matches('/')) "/api/v1/account" } }
            }))
        }
        section.stack.mid {
            h2 { "Your tokens" }
            @if all.is_empty() { p.dim { "None yet." } } @else { (listed(req, &all)) }
        }
        section.stack.mid { h2 { "A new token" } (form(req, PAGE, &fields)) }
        p.small.dim { "A token never allows more than you may do yourself. It ends when you change your password. "
            a href="/api/v1/openapi.json" { "Description of the API" } }
    };
    let lead = "For scripts and programs: bookkeeping, uploads, statistics.";
    Ok(desk(req, "Tokens", Some(lead), done, errors, &body))
}

fn listed(req: &Req, all: &[access_tokens::Listed]) -> Markup {
    let columns = ["Token", "Name", "May", "Made", "Expires", "Last used", "Act"].map(Column::new);
    let rows: Vec<Vec<Markup>> = all
        .iter()
        .map(|t| {
            let words =
                html! { button.btn.small type="submit" { "Revoke" span.hush { " the token " (t.name.as_deref().unwrap_or(&t.hint)) } } };
            vec![
                head(&html! { code { (t.hint) "…" } }),
                text(t.name.as_deref().unwrap_or("–")),
                text(&t.scopes.join(", ")),
                cell(&format::moment(t.created_at)),
                cell(&format::moment(t.expires_at)),
                cell(&t.used_at.map_or_else(|| html! { "never" }, format::moment)),
                cell(&form_inline(req, &format!("/account/tokens/{}/revoke", t.id), &words)),
            ]
        })
        .collect();
    table("Your tokens", &columns, &rows)
}
