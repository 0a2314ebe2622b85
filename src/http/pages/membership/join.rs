//! `/join`: what can be joined; `/join/{offer}`: country and way of paying.

use super::shared::{Bundle, TaxDesk, bundle_for, bundles, buyer_country, country, offers, tax_note, trial};
use crate::domain::shared::tax::{COUNTRIES, Country, TaxKind};
use crate::http::error::HttpError;
use crate::http::page::{Page, page};
use crate::http::response::see_other;
use crate::http::route::{Access, Route};
use crate::http::ui::button::{link, submit};
use crate::http::ui::layout::{Place, Theme};
use crate::http::ui::{
    Choice, Errors, Field, Icon, Tone, Weight, choices, empty, notice, notice_text, page_head, steps,
};
use crate::http::{Req, Res};
use crate::projections::{plans, subscriptions};
use maud::{Markup, html};

pub(super) const STEPS: [&str; 4] = ["Plan", "Account", "Payment", "Confirm"];

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/join", Access::Anyone, choose_plan),
        Route::get("/join/{offer}", Access::SignedIn, choose_payment),
    ]
}

/// A page of the way through joining.
pub(super) fn frame(req: &Req, title: &str, body: Markup) -> Res {
    frame_with(req, title, vec![], body)
}

/// The same, with further scripts.
pub(super) fn frame_with(req: &Req, title: &str, scripts: Vec<&'static str>, body: Markup) -> Res {
    page(
        req,
        Page {
            title: title.into(),
            scripts,
            section: "Join".into(),
            theme: Theme::Desk,
            body: html! { div.page { div.wrap { div.stack.mid { (body) } } } },
            ..Page::default()
        },
    )
}

/// What stands in the way of joining, if anything does.
pub(super) async fn obstacle(req: &Req) -> Result<Option<Markup>, HttpError> {
    let Some(account) = &req.viewer.account else { return Ok(None) };
    if subscriptions::has_live(&req.app.reader, account.id).await? {
        return Ok(Some(notice(
            Tone::Info,
            &html! { p { "You have a subscription already. " a href="/account/subscription" { "See your subscription" } "." } },
        )));
    }
    if !account.confirmed {
        let words = "Confirm your mail address before you join: the link is in the mail we sent you.";
        return Ok(Some(notice(Tone::Warning, &html! { p { (words) } })));
    }
    Ok(None)
}

async fn choose_plan(req: Req) -> Result<Res, HttpError> {
    let buyer = buyer_country(&req, req.query("country")).await?;
    let all = bundles(&req, offers(&req, buyer).await?);
    let obstacle = obstacle(&req).await?;
    let desk = TaxDesk::open(&req).await?;
    let mut shown = all.iter().filter_map(|b| b.any().or(b.managed.as_ref()));
    let taxed = shown.any(|offer| desk.quote(offer, buyer).kind == TaxKind::Charged);
    let body = html! {
        (page_head("Join the studio", Some("Watch and download everything we publish: films, courses, production files. Cancel at any time."), None))
        (steps(&STEPS, 1))
        @if let Some(obstacle) = &obstacle { (obstacle) }
        @if all.is_empty() {
            (empty(Icon::Info, "Nothing to join yet", "This studio has not set a price yet. What is free can be watched without joining.", Some(&Place::new("Look at the films", "/films"))))
        } @else {
            div.grid.wide { @for bundle in &all { (plan_card(&req, &desk, bundle, buyer.code(), obstacle.is_none())) } }
            p.small.dim { "Prices for customers in " (in_words(buyer)) @if taxed { ", tax included" } ". You can choose another country in the next step." }
        }
    };
    Ok(frame(&req, "Join", body))
}

/// The name of a country as it stands behind "in".
fn in_words(country: Country) -> String {
    let the = if matches!(country.code(), "GB" | "NL" | "US") { "the " } else { "" };
    format!("{the}{}", country.name())
}

fn plan_card(req: &Req, desk: &TaxDesk, bundle: &Bundle, code: &str, open: bool) -> Markup {
    let Some(offer) = bundle.any() else { return asked_for(req, desk, bundle, code) };
    let tax = desk.quote(offer, country(req, code));
    let ways = match (&bundle.card, &bundle.bank) {
        (Some(_), Some(_)) => "By card or bank transfer",
        (Some(_), None) => "By card",
        _ => "By bank transfer",
    };
    html! {
        section.panel {
            h2 { (offer.title()) }
            p { (offer.summary) }
            p { strong.num { (tax.gross) } " per " (offer.variation.interval.words()) br; span.small.dim { (tax_note(&tax)) } }
            @if let Some(seats) = offer.variation.seats { p { "For a team: " strong { (seats.words()) } ". You say who belongs to it." } }
            @if offer.variation.trial_days > 0 { p { strong { (offer.variation.trial_days) " days of trial" } " for who joins for the first time." } }
            p.small.dim { (ways) ". Renews until you cancel." }
            @if open {
                (link(&format!("Choose {}", offer.variation.interval.adjective()), &format!("/join/{}?country={code}", offer.variation.id),
                    if offer.variation.default { Weight::Main } else { Weight::Plain }))
            }
        }
    }
}

/// A plan that is talked over: its price, and whom to ask.
fn asked_for(req: &Req, desk: &TaxDesk, bundle: &Bundle, code: &str) -> Markup {
    let Some(offer) = &bundle.managed else { return html! {} };
    let tax = desk.quote(offer, country(req, code));
    let contact = req.app.config.contact();
    html! {
        section.panel {
            h2 { (offer.title()) }
            p { (offer.summary) }
            p { strong.num { (tax.gross) } " per " (offer.variation.interval.words()) br; span.small.dim { (tax_note(&tax)) } }
            @if let Some(seats) = offer.variation.seats { p { "For a team: " strong { (seats.words()) } ". You say who belongs to it." } }
            p.small.dim { "We start it for you, and send the bill before each period." }
            p { (link("Ask us", &format!("mailto:{contact}?subject={}", url::form_urlencoded::byte_serialize(offer.title().as_bytes()).collect::<String>().replace('+', "%20")), Weight::Plain)) }
            p.small { "Or write to " span.mono { (contact) } "." }
        }
    }
}

async fn choose_payment(req: Req) -> Result<Res, HttpError> {
    let offer = plans::offer(&req.app.reader, req.id_param("offer")?).await?.ok_or(HttpError::NotFound)?;
    if obstacle(&req).await?.is_some() {
        return Ok(see_other("/join"));
    }
    let buyer = buyer_country(&req, req.query("country")).await?;
    let bundle = bundle_for(&req, &offer, buyer).await?.ok_or(HttpError::NotFound)?;
    let Some(shown) = bundle.any() else { return Err(HttpError::NotFound) };
    let tax = TaxDesk::open(&req).await?.quote(shown, buyer);
    // Another price of the same plan and interval comes first: it is said, not slipped in.
    let offered = [&bundle.card, &bundle.bank].into_iter().flatten();
    let instead = offered.clone().all(|o| o.variation.id != offer.variation.id)
        && offered.clone().any(|o| o.variation.price.currency == offer.variation.price.currency);
    let mut ways = Vec::new();
    if let Some(card) = &bundle.card {
        ways.push(Choice {
            value: "card",
            label: "Card",
            hint: Some(match trial(&req, card).await? {
                0 => "Charged now, and again when a period begins. Access starts at once.".into(),
                days => format!(
                    "Access starts at once. Charged when {days} days of trial are over, and again when a period begins."
                ),
            }),
            aside: None,
        });
    }
    if let Some(bank) = &bundle.bank {
        ways.push(Choice {
            value: "bank",
            label: "Bank transfer",
            hint: Some(match trial(&req, bank).await? {
                0 => "Access starts on the day your transfer arrives. We write to you before each period."
                    .into(),
                days => format!(
                    "Access starts at once. Your transfer has to arrive before {days} days of trial are over. We write to you before that, and before each period."
                ),
            }),
            aside: None,
        });
    }
    let asked = ways.iter().find(|w| w.value == req.query("way"));
    let chosen = asked.or(ways.first()).map_or("card", |w| w.value);
    let action = format!("/join/{}/order", offer.variation.id);
    let body = html! {
        (page_head("How do you want to pay?", Some(&format!("{}: {} per {}, {}.", shown.title(), tax.gross, shown.variation.interval.words(), tax_note(&tax))), None))
        (steps(&STEPS, 3))
        @if instead { (notice_text(Tone::Info, &format!("The price of {} that you followed a link to is not offered now. This is the one that is.", offer.variation.price))) }
        form.form method="get" action=(action) {
            (Field::new("country", "Country of your billing address").value(buyer.code()).select(COUNTRIES.iter().copied())
                .hint("It decides the tax, and for some countries the currency.").mid().render())
            (choices("way", "Way of paying", &ways, chosen, &Errors::none()))
            (Field::new("coupon", "Coupon").optional().value(req.query("coupon")).maxlength(24).short().render())
            div.row { (submit("Continue to the order", Weight::Main)) (link("Back to the plans", "/join", Weight::Quiet)) }
        }
    };
    Ok(frame(&req, "Payment", body))
}
