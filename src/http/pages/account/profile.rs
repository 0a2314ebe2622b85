//! `/account`: who one is here.

use super::desk;
use crate::actors::accounts::recover;
use crate::domain::shared::Role;
use crate::http::error::HttpError;
use crate::http::pages::people::form_errors;
use crate::http::response::after;
use crate::http::route::{Access, Route};
use crate::http::ui::{Errors, Field, Tone, Weight, button, chip, facts, form, format};
use crate::http::{Req, Res};
use crate::projections::people::{self, Person};
use maud::{Markup, html};

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/account", Access::SignedIn, show), Route::post("/account", Access::SignedIn, rename)]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let name = req.account()?.label.clone();
    view(&req, &name, &Errors::none()).await
}

async fn rename(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let id = req.account()?.id;
    let name = form.get("display_name").to_owned();
    match recover::change_name(&req.app, req.command_id(&form), req.meta(), id, &name).await {
        Ok(receipt) => Ok(after(receipt, "/account?done=name")),
        Err(error) => view(&req, &name, &form_errors(error)?).await,
    }
}

async fn view(req: &Req, name: &str, errors: &Errors) -> Result<Res, HttpError> {
    let id = req.account()?.id;
    let person = people::by_id(&req.app.reader, id).await?.ok_or(HttpError::SignIn)?;
    let mail = opened(req, person.mail.as_ref()).await?;
    let username = opened(req, person.username.as_ref()).await?;
    let fields = html! {
        (Field::new("display_name", "Name").autocomplete("name").value(name).maxlength(80).mid()
            .hint("How we address you. Nobody else sees it unless you write something.").errors(errors).render())
        (button::submit("Change name", Weight::Main))
    };
    let mut rows: Vec<(&str, Markup)> =
        vec![("Mail address", html! { (mail) " " a href="/account/security" { "Change" } })];
    if !username.is_empty() {
        rows.push(("User name", html! { (username) }));
    }
    rows.push(("Member since", format::date(person.registered_at)));
    if !person.roles.0.is_empty() {
        rows.push(("Roles", roles(&person)));
    }
    if let Some(given) = person.complimentary.filter(|c| c.holds_at(req.now())) {
        rows.push((
            "Complimentary access",
            html! { @match given.until { Some(end) => { "until " (format::date(end)) }, None => "without an end" } },
        ));
    }
    let body = html! { (facts(&rows)) (form(req, "/account", &fields)) };
    let done = (req.query("done") == "name").then_some("Your name is changed.");
    Ok(desk(req, "Your account", None, done, errors, &body))
}

fn roles(person: &Person) -> Markup {
    html! { @for role in &person.roles.0 { (chip(tone(*role), role.label())) " " } }
}

fn tone(role: Role) -> Tone {
    if role.is_staff() { Tone::Info } else { Tone::Plain }
}

async fn opened(
    req: &Req,
    reference: Option<&crate::domain::shared::PersonalRef>,
) -> Result<String, HttpError> {
    Ok(match reference {
        Some(reference) => req.app.reader.open(reference).await?.unwrap_or_default(),
        None => String::new(),
    })
}
