//! `/account`: who one is here.

use super::desk;
use crate::actors::accounts::{AccountsError, profile, recover};
use crate::domain::shared::{Role, derive_id};
use crate::http::error::HttpError;
use crate::http::pages::people::form_errors;
use crate::http::pages::public::person::portrait;
use crate::http::response::{after, see_other};
use crate::http::route::{Access, Route};
use crate::http::sent_file::form_with_file;
use crate::http::ui::form::hidden_fields;
use crate::http::ui::{Errors, Field, Tone, Weight, button, checkbox, chip, facts, form, format};
use crate::http::{Form, Req, Res};
use crate::projections::people::{self, Person};
use maud::{Markup, html};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/account", Access::SignedIn, show),
        Route::post("/account", Access::SignedIn, change),
        Route::post("/account/picture", Access::SignedIn, picture).stream_body(),
    ]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    view(&req, &Form::default(), &Errors::none()).await
}

async fn change(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let id = req.account()?.id;
    let command = req.command_id(&form);
    let outcome = async {
        let mut receipt = None;
        // Checked first, so that nothing is changed by half.
        let name = recover::check_name(form.get("display_name"))?;
        if form.has("bio") || form.has("links") {
            let told = (form.get("bio"), form.get("links"), form.get("public") == "yes");
            let part = derive_id(&command.to_string(), "profile");
            receipt = profile::change(&req.app, part, req.meta(), id, told).await?;
        }
        if name != req.account().map(|a| a.label.clone()).unwrap_or_default() {
            receipt = Some(recover::change_name(&req.app, command, req.meta(), id, &name).await?);
        }
        Ok::<_, AccountsError>(receipt)
    };
    match outcome.await {
        Ok(Some(receipt)) => Ok(after(receipt, "/account?done=name")),
        Ok(None) => Ok(see_other("/account?done=name")),
        Err(error) => view(&req, &form, &form_errors(error)?).await,
    }
}

async fn picture(mut req: Req) -> Result<Res, HttpError> {
    let most = usize::try_from(req.app.config.limits.picture_bytes).unwrap_or(usize::MAX);
    let too_large = format!("Choose a picture of at most {} MB.", most >> 20);
    let (form, bytes) = form_with_file(&mut req, most, &too_large).await?;
    let id = req.account()?.id;
    let sent = match (form.get("act"), bytes.is_empty()) {
        ("remove", _) => None,
        (_, true) => return view(&req, &form, &Errors::one("file", "Choose a picture first.")).await,
        (_, false) => Some(bytes),
    };
    match profile::change_picture(&req.app, req.command_id(&form), req.meta(), id, sent).await {
        Ok(receipt) => Ok(after(receipt, "/account?done=picture")),
        Err(error) => view(&req, &form, &form_errors(error)?).await,
    }
}

async fn view(req: &Req, typed: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let id = req.account()?.id;
    let person = people::by_id(&req.app.reader, id).await?.ok_or(HttpError::SignIn)?;
    let mail = opened(req, person.mail.as_ref()).await?;
    let username = opened(req, person.username.as_ref()).await?;
    let stands = [
        ("display_name", opened(req, person.display_name.as_ref()).await?),
        ("bio", opened(req, person.bio.as_ref()).await?),
        ("links", opened(req, person.links.as_ref()).await?),
    ];
    let value = |field: &str| match typed.has(field) {
        true => typed.get(field).to_owned(),
        false => stands.iter().find(|(f, _)| *f == field).map(|(_, v)| v.clone()).unwrap_or_default(),
    };
    let public = if typed.has("bio") { typed.get("public") == "yes" } else { person.public_profile };
    let fields = html! {
        (Field::new("display_name", "Name").autocomplete("name").value(&value("display_name")).maxlength(80).mid()
            .hint("How we address you. Others see it when you write something, or make your profile public.").errors(errors).render())
        (Field::new("bio", "About you").area().value(&value("bio")).maxlength(profile::LONGEST_BIO).optional()
            .hint("A few sentences. Markdown works.").errors(errors).render())
        (Field::new("links", "Where else you are").area().value(&value("links")).optional()
            .hint("Addresses on the web, one a line, at most five.").errors(errors).render())
        (checkbox("public", "Everybody may see my profile", public, Some("Name, picture, these sentences and addresses, and the works you published. Else nobody sees them.")))
        (button::submit("Save the profile", Weight::Main))
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
    let body = html! {
        (facts(&rows))
        section.stack.mid aria-labelledby="profile" {
            h2 #profile { "Your profile" }
            (form(req, "/account", &fields))
            p { a href={ "/people/" (id) } { "Your profile as others see it" } @if !person.public_profile { " (nobody but you, at the moment)" } }
        }
        (picture_section(req, &person, errors))
    };
    let done = match req.query("done") {
        "name" => Some("Your profile is saved."),
        "picture" => Some("Your picture is changed."),
        _ => None,
    };
    Ok(desk(req, "Your account", None, done, errors, &body))
}

fn picture_section(req: &Req, person: &Person, errors: &Errors) -> Markup {
    html! {
        section.stack.mid aria-labelledby="picture" {
            h2 #picture { "Your picture" }
            form.form method="post" action="/account/picture" enctype="multipart/form-data" {
                (hidden_fields(req))
                (portrait(person, 96))
                (Field::new("file", "Picture").kind("file").hint("JPEG, PNG or WebP. We keep its middle as a small square, and nothing of what the camera wrote into it.").errors(errors).render())
                div.row {
                    (button::submit("Use this picture", Weight::Plain))
                    @if person.picture.is_some() { (button::submit_as("Remove the picture", "act", "remove", Weight::Quiet)) }
                }
            }
        }
    }
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
