//! `/gift`: what can be given; `/gift/{offer}/order`: the whole order of a gift, and the button that orders.

use super::address;
use super::cards::{self, card_fields};
use super::join::{frame, frame_with};
use super::payment_methods::{chosen_card, kept_choice};
use super::shared::{TaxDesk, buyer_country, credit_otherwise, offers, shown_credit, tax_note};
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::{contacts, credits, payments};
use crate::domain::gift::{Gift, GiftCommand, GiftError, Given, OrderGift};
use crate::domain::shared::tax::{COUNTRIES, Country, Tax};
use crate::domain::shared::{MailAddress, Money, derive_id};
use crate::http::error::HttpError;
use crate::http::page::unprocessable;
use crate::http::response::{after, see_other};
use crate::http::route::{Access, Route};
use crate::http::ui::button::{link, submit};
use crate::http::ui::layout::Place;
use crate::http::ui::{
    Errors, Field, Icon, Tone, Weight, empty, error_summary, facts, hidden_fields, notice_text, page_head,
};
use crate::http::{Form, Req, Res};
use crate::projections::gifts;
use crate::projections::plans::{self, Offer};
use maud::html;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/gift", Access::Anyone, choose),
        Route::get("/gift/{offer}/order", Access::SignedIn, show),
        Route::post("/gift/{offer}/order", Access::SignedIn, place),
    ]
}

/// Whether cards pay for gifts here; else transfers do, if they are taken.
fn by_card(req: &Req) -> bool {
    payments::card_gateway(&req.app).is_some()
}

/// What can be given to somebody: time for one person, once for each plan and interval.
async fn sold(req: &Req, buyer: Country) -> Result<Vec<Offer>, HttpError> {
    if !by_card(req) && payments::bank_account(&req.app.config).is_none() {
        return Ok(vec![]);
    }
    let mut found: Vec<Offer> = vec![];
    for offer in offers(req, buyer).await?.into_iter().filter(|o| o.variation.seats.is_none()) {
        let same = |o: &Offer| o.plan == offer.plan && o.variation.interval == offer.variation.interval;
        if !found.iter().any(same) {
            found.push(offer);
        }
    }
    Ok(found)
}

async fn choose(req: Req) -> Result<Res, HttpError> {
    let buyer = buyer_country(&req, req.query("country")).await?;
    let all = sold(&req, buyer).await?;
    let desk = TaxDesk::open(&req).await?;
    let body = html! {
        (page_head("Give time at the studio", Some("You pay once; whoever has the code watches and downloads everything we publish for that time. Nothing renews."), None))
        @if all.is_empty() {
            (empty(Icon::Info, "Nothing to give yet", "This studio has not set a price yet.", Some(&Place::new("Look at the films", "/films"))))
        } @else {
            div.grid.wide {
                @for offer in &all {
                    @let tax = desk.quote(offer, buyer);
                    section.panel {
                        h2 { (offer.name) ", " (offer.variation.interval.words()) }
                        p { (offer.summary) }
                        p { strong.num { (tax.gross) } " once" br; span.small.dim { (tax_note(&tax)) } }
                        (link(&give(&offer.variation.interval.words()), &format!("/gift/{}/order?country={buyer}", offer.variation.id), Weight::Plain))
                    }
                }
            }
            form.form method="get" action="/gift" {
                (Field::new("country", "Country of your billing address").value(buyer.code()).select(COUNTRIES.iter().copied())
                    .hint("It decides the tax, and for some countries the currency.").mid().render())
                (submit("Show the prices", Weight::Plain))
            }
        }
        p { "You have a code? " a href="/redeem" { "Redeem a gift" } "." }
    };
    Ok(frame(&req, "Give", body))
}

/// What is ordered.
struct Choice {
    offer: Offer,
    buyer: Country,
    tax: Tax,
}

async fn choice(req: &Req, code: &str) -> Result<Choice, HttpError> {
    let buyer = buyer_country(req, code).await?;
    let id = req.id_param("offer")?;
    let offer = plans::offer(&req.app.reader, id).await?.ok_or(HttpError::NotFound)?;
    let known = sold(req, buyer).await?.iter().any(|o| o.variation.id == id);
    if !known {
        return Err(HttpError::NotFound);
    }
    let tax = TaxDesk::open(req).await?.quote(&offer, buyer);
    Ok(Choice { offer, buyer, tax })
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let choice = choice(&req, req.query("country")).await?;
    let mut form = Form::default();
    form.push("name", &req.account()?.label);
    view(&req, &choice, &form, &Errors::none()).await
}

async fn view(req: &Req, choice: &Choice, form: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let Choice { offer, buyer, tax } = choice;
    let card = by_card(req);
    let kept = if card { kept_choice(req, form, errors).await? } else { None };
    let back = format!("/gift?country={buyer}");
    let confirmed = req.account()?.confirmed;
    let credit = credits::there(&req.app, req.account()?.id, tax.gross, card).await?;
    let body = html! {
        (page_head("Check your gift", Some("Nothing is ordered before you press the button."), None))
        (error_summary(errors))
        @if !confirmed { (notice_text(Tone::Warning, "Confirm your mail address before you order: the link is in the mail we sent you.")) }
        div.split {
            form.form method="post" action={ "/gift/" (offer.variation.id) "/order" } novalidate {
                (hidden_fields(req))
                input type="hidden" name="country" value=(buyer.code());
                input type="hidden" name="price" value=(tax.gross.minor);
                input type="hidden" name="currency" value=(tax.gross.currency.code());
                (shown_credit(credit))
                h2 { "For whom" }
                (Field::new("recipient", "Mail address").kind("email").optional().value(form.get("recipient")).maxlength(254).mid()
                    .hint("We send the code there as soon as the gift is paid, with your name. Empty: we send it to you, to pass on.").errors(errors).render())
                h2 { "Billing address" }
                (address::fields_of_a_person(form, errors))
                p { "Country: " strong { (buyer.name()) } " · " a href=(back) { "change" } }
                @if card {
                    h2 { "Card" }
                    @if let Some(kept) = &kept { (kept) }
                    (card_fields(req, form, errors, kept.is_some()))
                }
                @if req.app.config.billing.withdrawal_days > 0 {
                    p.small { "You can go back on it for " (req.app.config.billing.withdrawal_days) " days, without a reason, as long as nobody has redeemed it." }
                }
                p.small { "By ordering you agree to the " a href="/legal/terms" { "terms" } "." }
                div.row { (submit("Order with obligation to pay", Weight::Main)) (link("Back", &back, Weight::Quiet)) }
            }
            aside.panel.sums aria-labelledby="summary" {
                h2 #summary { "Your gift" }
                (facts(&[
                    ("Time", html! { (offer.name) ", " (offer.variation.interval.words()) }),
                    ("Payment", html! { @if card { "By card, charged once, now" } @else { "By bank transfer" } }),
                    ("Net", html! { span.num { (tax.net) } }),
                    ("VAT", html! { span.num { (tax.tax) } @if tax.basis_points > 0 { " (" (tax.percent()) ", " (buyer.name()) ")" } }),
                    ("Total", html! { strong.num { (tax.gross) } }),
                ]))
                @if credit.minor > 0 { p { "Your credit pays " strong.num { (credit) } " of it." } }
                @if req.app.config.billing.gift_days > 0 { p.small.dim { "It can be redeemed within " (req.app.config.billing.gift_days) " days after it is paid." } }
            }
        }
    };
    let title = if errors.is_empty() { "Confirm" } else { "Error: confirm" };
    let page = if card {
        cards::allow(req, frame_with(req, title, cards::scripts(req), body))
    } else {
        frame(req, title, body)
    };
    Ok(if errors.is_empty() { page } else { unprocessable(page) })
}

/// The recipient's address, if one was given.
fn recipient(form: &Form, errors: &mut Errors) -> Option<MailAddress> {
    let typed = form.get("recipient");
    if typed.is_empty() {
        return None;
    }
    MailAddress::parse(typed).map_err(|why| errors.add("recipient", why.to_string())).ok()
}

async fn place(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let command_id = req.command_id(&form);
    let gift = derive_id(&command_id.to_string(), "gift");
    let account = req.account()?.clone();
    let own_page = format!("/account/gifts/{gift}");
    if gifts::one(&req.app.reader, gift).await?.is_some() {
        return Ok(see_other(&own_page));
    }
    let choice = choice(&req, form.get("country")).await?;
    let mut errors = Errors::none();
    let to = recipient(&form, &mut errors);
    address::check_person(&form, &mut errors);
    let shown = (form.get("price"), form.get("currency"));
    let now = (choice.tax.gross.minor.to_string(), choice.tax.gross.currency.code());
    if shown != (now.0.as_str(), now.1) {
        let words = format!(
            "The price is {} now. Nothing was ordered: look at it again, then order.",
            choice.tax.gross
        );
        errors.add("", words);
    }
    if !account.confirmed {
        errors.add("", "Confirm your mail address before you order: the link is in the mail we sent you.");
    }
    if !Country::parse(form.get("country")).is_ok_and(|c| c.is_offered()) {
        errors.add("", "Choose the country of your billing address from the list. Nothing was ordered.");
    }
    if errors.is_empty() {
        let credit = credits::there(&req.app, account.id, choice.tax.gross, by_card(&req)).await?;
        if let Some(changed) = credit_otherwise(&form, credit) {
            errors = changed;
        }
    }
    if !errors.is_empty() {
        return view(&req, &choice, &form, &errors).await;
    }
    let card = if by_card(&req) {
        match chosen_card(&req, &form, &mut errors).await? {
            Some(card) => Some(card),
            None => return view(&req, &choice, &form, &errors).await,
        }
    } else {
        None
    };
    let (method, label) = card.map_or((None, None), |(method, label)| (Some(method), label));
    let billing = address::sealed(&req, &form, account.id, choice.buyer);
    let fresh = req.app.clock.new_id();
    // It belongs to whoever reads mail there, not to the buyer.
    let to =
        contacts::seal(&req.app, "gift_recipient", to.iter().map(MailAddress::as_str), |_| fresh).await?;
    let to = to.into_iter().next();
    let days = req.app.config.billing.gift_days;
    let variation = &choice.offer.variation;
    let price: Money = variation.price;
    let command = GiftCommand::Order(Box::new(OrderGift {
        gift,
        buyer: account.id,
        given: Given {
            plan: choice.offer.plan,
            variation: variation.id,
            plan_name: choice.offer.name.clone(),
            interval: variation.interval,
            price,
        },
        country: choice.buyer,
        billing: billing.reference.clone(),
        recipient: to.as_ref().map(|to| to.reference.clone()),
        method,
        valid_days: (days > 0).then_some(days),
        at: req.now(),
    }));
    let private = label.into_iter().chain([billing]).chain(to).collect();
    let envelope = Envelope::new(command_id, gift, command, req.meta()).with_private(private);
    match req.app.bus.dispatch::<Gift>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &own_page)),
        Err(CommandError::Refused(why @ GiftError::TooLong)) => {
            view(&req, &choice, &form, &Errors::one("", why.to_string())).await
        }
        Err(other) => Err(other.into()),
    }
}

/// "Give one month", "Give 3 months".
fn give(interval: &str) -> String {
    let one = if interval.starts_with(|c: char| c.is_ascii_digit()) { "" } else { "one " };
    format!("Give {one}{interval}")
}
