//! `/join/{offer}/order`: the whole order on one page, and the button that orders.

use super::address;
use super::cards::{self, card_fields};
use super::join::{STEPS, frame, obstacle};
use super::payment_methods::{chosen_card, is_kept, kept_choice};
use super::shared::{TaxDesk, bundle_for, buyer_country, credit_otherwise, shown_credit, tax_note, trial};
use super::{coupon, withdrawal};
use crate::actors::bus::{Claim, CommandError, Envelope};
use crate::actors::{credits, payments};
use crate::domain::shared::calendar::{Zone, day_words};
use crate::domain::shared::discount::Discount;
use crate::domain::shared::tax::{Buyer, Country, Tax};
use crate::domain::shared::{Money, PersonalValue, derive_id};
use crate::domain::subscription::{Subscription, SubscriptionCommand, Terms};
use crate::http::error::HttpError;
use crate::http::page::unprocessable;
use crate::http::response::{after, see_other};
use crate::http::route::{Access, Route};
use crate::http::ui::button::{link, submit};
use crate::http::ui::{Errors, Weight, error_summary, facts, format, hidden_fields, page_head, steps};
use crate::http::{Form, Req, Res};
use crate::projections::plans::{self, Offer};
use crate::projections::subscriptions;
use maud::html;
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/join/{offer}/order", Access::SignedIn, show),
        Route::post("/join/{offer}/order", Access::SignedIn, place),
    ]
}

/// What is ordered: the offer for that country and way of paying.
struct Choice {
    offer: Offer,
    taxes: TaxDesk,
    buyer: Country,
    by_card: bool,
    /// Price and tax of the first period.
    tax: Tax,
    /// The same without the coupon.
    full: Tax,
    /// What a coupon takes off.
    discount: Option<Discount>,
    /// The code of a coupon as it was typed.
    typed: String,
    /// Days before the first payment.
    trial_days: u16,
}

async fn choice(req: &Req, code: &str, way: &str) -> Result<Choice, HttpError> {
    let offer = plans::offer(&req.app.reader, req.id_param("offer")?).await?.ok_or(HttpError::NotFound)?;
    let buyer = buyer_country(req, code).await?;
    let bundle = bundle_for(req, &offer, buyer).await?.ok_or(HttpError::NotFound)?;
    let by_card = way != "bank" && bundle.card.is_some() || bundle.bank.is_none();
    let offer = if by_card { bundle.card } else { bundle.bank }.ok_or(HttpError::NotFound)?;
    let taxes = TaxDesk::open(req).await?;
    let tax = taxes.quote(&offer, buyer);
    let trial_days = trial(req, &offer).await?;
    let full = tax.clone();
    Ok(Choice { offer, taxes, buyer, by_card, tax, full, discount: None, typed: String::new(), trial_days })
}

impl Choice {
    /// Puts the coupon of that code in, or says why not.
    async fn apply(
        &mut self,
        req: &Req,
        code: &str,
        subscription: Uuid,
        errors: &mut Errors,
    ) -> Result<(), HttpError> {
        code.clone_into(&mut self.typed);
        match coupon::look(req, code, self.offer.variation.price, subscription).await? {
            Ok(discount) => self.discount = discount,
            Err(why) => errors.add("", format!("{why} Go back to change the coupon.")),
        }
        Ok(())
    }

    /// Reckons what is to be paid, by a consumer or a business.
    fn reckon(&mut self, business: bool) {
        let price = self.offer.variation.price;
        let off = self.discount.as_ref().and_then(|d| d.off.of(price)).map_or(0, |off| off.minor);
        let buyer = Buyer { country: self.buyer, business };
        let pay = |price| self.taxes.decide(price, buyer);
        let (full, tax) = (pay(price), pay(Money::new(price.minor - off, price.currency)));
        (self.full, self.tax) = (full, tax);
    }

    /// Whether a coupon leaves so little that no card could ever be charged for it.
    fn check_least(&self, req: &Req, errors: &mut Errors) {
        if self.by_card && self.discount.is_some() && !payments::can_charge(&req.app, self.tax.gross) {
            let words = format!(
                "With this coupon {} is left to pay, which is less than a card can be charged. Go back to pay by transfer, or to join without the coupon.",
                self.tax.gross
            );
            errors.add("", words);
        }
    }
}

async fn show(req: Req) -> Result<Res, HttpError> {
    if obstacle(&req).await?.is_some() {
        return Ok(see_other("/join"));
    }
    let mut choice = choice(&req, req.query("country"), req.query("way")).await?;
    let mut errors = Errors::none();
    choice.apply(&req, req.query("coupon"), Uuid::nil(), &mut errors).await?;
    choice.reckon(false);
    choice.check_least(&req, &mut errors);
    let mut form = Form::default();
    form.push("name", &req.account()?.label);
    view(&req, &choice, &form, &errors).await
}

async fn view(req: &Req, choice: &Choice, form: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let Choice { offer, buyer, by_card, tax, full, discount, trial_days, .. } = choice;
    let code = discount.as_ref().map_or("", |d| d.code.as_str());
    let way = if *by_card { "card" } else { "bank" };
    // What was chosen and typed before stands there again, a wrong code to be corrected too.
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("country", buyer.code()), ("way", way), ("coupon", choice.typed.as_str())])
        .finish();
    let back = format!("/join/{}?{query}", offer.variation.id);
    let how = match (*by_card, *trial_days > 0) {
        (true, true) => "By card, charged when the trial is over and when a period begins",
        (true, false) => "By card, charged now and when a period begins",
        (false, _) => "By bank transfer",
    };
    let kept = if *by_card { kept_choice(req, form, errors).await? } else { None };
    let credit = credits::there(&req.app, req.account()?.id, tax.gross, *by_card).await?;
    let left = Money::new(tax.gross.minor - credit.minor, tax.gross.currency);
    let first = format::local_day(req.now()) + chrono::Days::new(u64::from(*trial_days));
    let body = html! {
        (page_head("Check your order", Some("Nothing is ordered before you press the button."), None))
        (steps(&STEPS, 4))
        (error_summary(errors))
        div.split {
            form.form method="post" action={ "/join/" (offer.variation.id) "/order" } novalidate {
                (hidden_fields(req))
                input type="hidden" name="country" value=(buyer.code());
                input type="hidden" name="way" value=(way);
                @if discount.is_some() { input type="hidden" name="coupon" value=(code); }
                input type="hidden" name="price" value=(tax.gross.minor);
                input type="hidden" name="currency" value=(tax.gross.currency.code());
                input type="hidden" name="rate" value=(tax.basis_points);
                // When the trial is over, what is there then counts.
                @if *trial_days == 0 { (shown_credit(credit)) }
                h2 { "Billing address" }
                (address::fields(form, errors))
                p { "Country: " strong { (buyer.name()) } " · " a href=(back) { "change" } }
                @if *by_card {
                    h2 { "Card" }
                    @if *trial_days > 0 { p.small { "You can leave this empty and add a card before the trial is over." } }
                    @if let Some(kept) = &kept { (kept) }
                    (card_fields(req, form, errors, *trial_days > 0 || kept.is_some()))
                }
                (withdrawal::at_order(req, form, errors))
                p.small { "By ordering you agree to the " a href="/legal/terms" { "terms" } "." }
                div.row { (submit("Order with obligation to pay", Weight::Main)) (link("Back", &back, Weight::Quiet)) }
            }
            aside.panel.sums aria-labelledby="summary" {
                h2 #summary { "Your order" }
                (facts(&[
                    ("Plan", html! { (offer.title()) }),
                    ("Payment", html! { (how) }),
                    ("Renews", html! { "Every " (offer.variation.interval.words()) ", until you cancel" }),
                    ("To pay now", html! { @if *trial_days > 0 { "Nothing: " (trial_days) " days of trial, until " (day_words(first)) } @else if left.minor == 0 { "Nothing: your credit pays it" } @else if *by_card { span.num { (left) } } @else { span.num { (left) } ", by transfer" } }),
                    ("Full price", html! { span.num { (full.gross) } @if full.gross != tax.gross { ", less " span.num { (Money::new(full.gross.minor - tax.gross.minor, tax.gross.currency)) } " by the coupon" } }),
                    ("Net", html! { span.num { (tax.net) } }),
                    ("VAT", html! { span.num { (tax.tax) } @if tax.basis_points > 0 { " (" (tax.percent()) ", " (buyer.name()) ")" } }),
                    ("Total", html! { strong.num { (tax.gross) } }),
                ]))
                @if credit.minor > 0 { p { "Your credit pays " strong.num { (credit) } @if *trial_days > 0 { " of it, if it is still there then" } "." } }
                @if let Some(discount) = discount { p { "Coupon " span.mono { (discount.code) } ": " (discount.words()) "." } }
                p.small.dim {
                    // A coupon without an end: every period costs what the first one does.
                    @let lasting = if discount.as_ref().is_some_and(|d| d.periods.is_none()) { tax } else { full };
                    (lasting.gross) " per " (offer.variation.interval.words()) ", " (tax_note(lasting))
                    @if discount.as_ref().is_some_and(|d| d.periods.is_some()) { ", when the coupon is used up" } "."
                }
            }
        }
    };
    let title = if errors.is_empty() { "Confirm" } else { "Error: confirm" };
    let page = if *by_card { cards::frame(req, title, body) } else { frame(req, title, body) };
    Ok(if errors.is_empty() { page } else { unprocessable(page) })
}

/// Whether the price is the one that was shown.
fn check_price(form: &Form, choice: &Choice, errors: &mut Errors) {
    let shown = (form.get("price"), form.get("currency"));
    let now = (choice.tax.gross.minor.to_string(), choice.tax.gross.currency.code());
    // The same price with another tax in it is another price.
    let rate = form.get("rate");
    let taxed_otherwise = !rate.is_empty() && rate != choice.tax.basis_points.to_string();
    if taxed_otherwise || shown != (now.0.as_str(), now.1) {
        let words = format!(
            "The price is {} now, {}. Nothing was ordered: look at it again, then order.",
            choice.tax.gross,
            tax_note(&choice.tax)
        );
        errors.add("", words);
    }
}

async fn place(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let command_id = req.command_id(&form);
    let subscription = derive_id(&command_id.to_string(), "subscription");
    let account = req.account()?.clone();
    if subscriptions::one(&req.app.reader, subscription).await?.is_some() {
        return Ok(see_other("/account/subscription"));
    }
    if obstacle(&req).await?.is_some() {
        return Ok(see_other("/join"));
    }
    let mut choice = choice(&req, form.get("country"), form.get("way")).await?;
    let mut errors = Errors::none();
    let number = address::check(&form, choice.buyer, &mut errors);
    choice.apply(&req, form.get("coupon"), subscription, &mut errors).await?;
    choice.reckon(number.is_some());
    // Who names none takes the usual one.
    let usual = if choice.by_card { "card" } else { "bank" };
    if !matches!(form.get("way"), way if way.is_empty() || way == usual) {
        errors.add("", "This cannot be paid that way any more. Nothing was ordered: look at the way of paying again, then order.");
    }
    let waives = withdrawal::check(&req, &form, number.is_some(), &mut errors);
    check_price(&form, &choice, &mut errors);
    choice.check_least(&req, &mut errors);
    if errors.is_empty() {
        let credit = credits::there(&req.app, account.id, choice.tax.gross, choice.by_card).await?;
        if let Some(changed) = credit_otherwise(&form, credit) {
            return view(&req, &choice, &form, &changed).await;
        }
    }
    if !Country::parse(form.get("country")).is_ok_and(|c| c.is_offered()) {
        errors.add("", "Choose the country of your billing address from the list. Nothing was ordered.");
    }
    let vat_check = if errors.is_empty() {
        address::ask_register(&req, number.as_deref(), &mut errors).await
    } else {
        None
    };
    if !errors.is_empty() {
        return view(&req, &choice, &form, &errors).await;
    }
    let later = choice.trial_days > 0 && cards::is_empty(&form) && !is_kept(&form);
    let (method, label) = if choice.by_card && !later {
        match chosen_card(&req, &form, &mut errors).await? {
            Some((method, label)) => (Some(method), label),
            None => return view(&req, &choice, &form, &errors).await,
        }
    } else {
        (None, None)
    };
    let billing = address::sealed(&req, &form, account.id, choice.buyer);
    let number = number.map(|n| PersonalValue::new(account.id, "vat_number", req.app.clock.new_id(), n));
    let zone = Zone::parse(&req.app.config.studio.zone).map_err(|e| HttpError::Internal(e.to_string()))?;
    let variation = &choice.offer.variation;
    if let Some(discount) = &choice.discount
        && let Err(why) = coupon::spend(&req, &form, discount, variation.price, subscription).await?
    {
        errors.add("", why);
        return view(&req, &choice, &form, &errors).await;
    }
    let command = SubscriptionCommand::Join {
        subscription,
        owner: account.id,
        terms: Terms {
            plan: choice.offer.plan,
            variation: variation.id,
            plan_name: choice.offer.name.clone(),
            price: variation.price,
            interval: variation.interval,
            collection: variation.collection,
            zone,
            seats: variation.seats,
        },
        method,
        country: choice.buyer,
        billing: Some(billing.reference.clone()),
        vat_number: number.as_ref().map(|n| n.reference.clone()),
        vat_check,
        trial_days: choice.trial_days,
        discount: choice.discount.clone(),
        waives_withdrawal: waives,
        at: req.now(),
    };
    // One live subscription a person: the key says how many there were before.
    let ended = subscriptions::of_account(&req.app.reader, account.id).await?.len();
    let envelope = Envelope::new(command_id, subscription, command, req.meta())
        .with_private(label.into_iter().chain([billing]).chain(number).collect())
        .with_claims(
            [Claim::new("live-subscription", format!("{}/{ended}", account.id))]
                .into_iter()
                .chain((choice.trial_days > 0).then(|| Claim::new("trial", account.id.to_string())))
                .collect(),
        );
    match req.app.bus.dispatch::<Subscription>(envelope).await {
        Ok(receipt) => Ok(after(receipt, "/account/subscription?done=joined")),
        Err(CommandError::Taken { .. }) => Ok(see_other("/account/subscription")),
        Err(CommandError::Refused(why)) => {
            errors.add("", why.to_string());
            view(&req, &choice, &form, &errors).await
        }
        Err(other) => Err(other.into()),
    }
}

/// Where a transfer goes, in the words of the order.
pub(super) fn transfer_facts(req: &Req, reference: &str) -> Vec<(&'static str, maud::Markup)> {
    let Some((iban, holder)) = payments::bank_account(&req.app.config) else { return Vec::new() };
    vec![
        ("Account", html! { span.mono { (iban.to_string()) } }),
        ("Name", html! { (holder) }),
        ("Reference", html! { strong.mono { (reference) } }),
    ]
}
