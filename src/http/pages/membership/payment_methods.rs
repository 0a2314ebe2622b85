//! `/account/payment-methods`: the cards one keeps, which is offered first, and which pays for what.

use super::cards::{self, card_fields, keep_card};
use crate::actors::CommandError;
use crate::actors::bus::Receipt;
use crate::actors::wallet::{self, WalletProblem};
use crate::domain::shared::payment::{Collection, PaymentMethod};
use crate::domain::shared::{PersonalRef, PersonalValue};
use crate::domain::wallet::{KeptMethod, Wallet, method_id};
use crate::http::error::HttpError;
use crate::http::page::{Page, page, unprocessable};
use crate::http::pages::account::places;
use crate::http::response::after;
use crate::http::route::{Access, Route};
use crate::http::ui::form::{Choice, choices, form_inline};
use crate::http::ui::layout::{Theme, rooms};
use crate::http::ui::table::{cell, head};
use crate::http::ui::{
    Column, Errors, Field, Icon, Tone, Weight, button, chip, empty, error_summary, form, format, notice_text,
    page_head, table,
};
use crate::http::{Form, Req, Res};
use crate::projections::subscriptions::{self, SubscriptionRow};
use maud::{Markup, html};
use std::collections::HashMap;
use uuid::Uuid;

pub(super) const PAGE: &str = "/account/payment-methods";
/// The value of the choice among kept cards that means a new one.
const NEW: &str = "new";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(PAGE, Access::SignedIn, show),
        Route::post(PAGE, Access::SignedIn, add),
        Route::post("/account/payment-methods/{method}/default", Access::SignedIn, choose_default),
        Route::post("/account/payment-methods/{method}/remove", Access::SignedIn, remove),
        Route::post("/account/payment-methods/use", Access::SignedIn, assign),
    ]
}

/// What a redirect to this page reports.
const DONE: [(&str, &str); 6] = [
    ("added", "The card is kept. Nothing was charged."),
    ("default", "This card is offered first from now on."),
    ("removed", "The card is removed, here and at the payment service."),
    ("signed", "The mandate is signed. A mail confirms it."),
    ("revoked", "The mandate is revoked: nothing more is collected by it."),
    ("used", "From now on this card is charged. A mail confirms it."),
];

async fn show(req: Req) -> Result<Res, HttpError> {
    view(&req, &Form::default(), &Errors::none()).await
}

async fn add(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let mut errors = Errors::none();
    let Some(card) = keep_card(&req, &form, &mut errors).await? else {
        return view(&req, &form, &errors).await;
    };
    let command = (req.command_id(&form), req.meta());
    done(&req, &form, wallet::add(&req.app, command, req.account()?.id, card).await, "added").await
}

async fn choose_default(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let (account, method) = (req.account()?.id, req.id_param("method")?);
    let command = (req.command_id(&form), req.meta());
    done(&req, &form, wallet::choose_default(&req.app, command, account, method).await, "default").await
}

async fn remove(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let (account, method) = (req.account()?.id, req.id_param("method")?);
    let command = (req.command_id(&form), req.meta());
    done(&req, &form, wallet::remove(&req.app, command, account, method).await, "removed").await
}

async fn assign(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let account = req.account()?.id;
    let id = |field| Uuid::parse_str(form.get(field)).unwrap_or_default();
    let wish = (id("subscription"), id("method"));
    let command = (req.command_id(&form), req.meta());
    done(&req, &form, wallet::assign(&req.app, command, account, wish).await, "used").await
}

async fn done(
    req: &Req,
    form: &Form,
    outcome: Result<Receipt, WalletProblem>,
    word: &str,
) -> Result<Res, HttpError> {
    let words = match outcome {
        Ok(receipt) => return Ok(after(receipt, &format!("{PAGE}?done={word}"))),
        Err(WalletProblem::Wallet(CommandError::Refused(why))) => why.to_string(),
        Err(WalletProblem::Subscription(CommandError::Refused(why))) => why.to_string(),
        Err(why @ (WalletProblem::InUse(_) | WalletProblem::NoSubscription)) => why.to_string(),
        Err(WalletProblem::Wallet(error)) => return Err(error.into()),
        Err(WalletProblem::Subscription(error)) => return Err(error.into()),
        Err(WalletProblem::Store(error)) => return Err(error.into()),
    };
    view(req, form, &Errors::one("", words)).await
}

/// What members read of the cards they keep.
type Labels = HashMap<PersonalRef, String>;

async fn labels(req: &Req, wallet: &Wallet) -> Result<Labels, HttpError> {
    let wanted: Vec<PersonalRef> = wallet.methods().map(|m| m.method.label.clone()).collect();
    Ok(req.app.reader.open_many(&wanted).await?)
}

fn label<'a>(labels: &'a Labels, kept: &KeptMethod) -> &'a str {
    labels.get(&kept.method.label).map_or("Card", String::as_str)
}

/// For a form that takes a card: those that are kept, the one that is offered first chosen; nothing if there is
/// none that can be charged. With one chosen, the fields for a new card may stay empty.
pub(super) async fn kept_choice(
    req: &Req,
    form: &Form,
    errors: &Errors,
) -> Result<Option<Markup>, HttpError> {
    let wallet = wallet::load(&req.app, req.account()?.id).await?;
    let today = format::local_day(req.now());
    let usable: Vec<&KeptMethod> = wallet.methods().rev().filter(|m| m.is_usable(today)).collect();
    let Some(newest) = usable.first() else { return Ok(None) };
    let labels = labels(req, &wallet).await?;
    let first = wallet.default_method().filter(|m| m.is_usable(today)).unwrap_or(newest).id.to_string();
    let ids: Vec<String> = usable.iter().map(|m| m.id.to_string()).collect();
    let mut options: Vec<Choice<'_>> = usable
        .iter()
        .zip(&ids)
        .map(|(m, id)| Choice { value: id, label: label(&labels, m), hint: None, aside: None })
        .collect();
    options.push(Choice { value: NEW, label: "Another card", hint: None, aside: None });
    let chosen = if form.has("kept") { form.get("kept") } else { &first };
    Ok(Some(choices("kept", "Pay with", &options, chosen, errors)))
}

/// The card of such a form: one that is kept, or the one that was typed.
pub(super) async fn chosen_card(
    req: &Req,
    form: &Form,
    errors: &mut Errors,
) -> Result<Option<(PaymentMethod, Option<PersonalValue>)>, HttpError> {
    if !is_kept(form) {
        return Ok(keep_card(req, form, errors).await?.map(|(method, label)| (method, Some(label))));
    }
    let wallet = wallet::load(&req.app, req.account()?.id).await?;
    match wallet::usable(
        &wallet,
        Uuid::parse_str(form.get("kept")).unwrap_or_default(),
        format::local_day(req.now()),
    ) {
        Ok(kept) => Ok(Some((kept.method.clone(), None))),
        Err(why) => {
            errors.add("kept", why.to_string());
            Ok(None)
        }
    }
}

/// Whether a card was chosen that is kept.
pub(super) fn is_kept(form: &Form) -> bool {
    form.has("kept") && form.get("kept") != NEW
}

pub(super) async fn view(req: &Req, typed: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let account = req.account()?.id;
    let wallet = wallet::load(&req.app, account).await?;
    let labels = labels(req, &wallet).await?;
    let mine = subscriptions::of_account(&req.app.reader, account).await?;
    let charged: Vec<&SubscriptionRow> = mine.iter().filter(|s| is_charged(s)).collect();
    let said = DONE.iter().find(|(key, _)| *key == req.query("done")).map(|(_, words)| *words);
    let mandate = super::mandate::panel(req, typed, errors).await?;
    let content = html! {
        (page_head("Payment methods", Some("The cards you keep. The payment service keeps the numbers; we know the last four digits."), None))
        @if let (Some(said), true) = (said, errors.is_empty()) { (notice_text(Tone::Success, said)) }
        (error_summary(errors))
        @if wallet.methods().next().is_none() {
            (empty(Icon::Info, "No card is kept", "What you pay with when you join is kept here. You can add a card before, too.", None))
        } @else {
            (listed(req, &wallet, &labels, &charged))
        }
        @for row in &charged { (assignment(req, row, &wallet, &labels)) }
        (mandate)
        section.panel aria-labelledby="add" {
            h2 #add { "Add a card" }
            (form(req, PAGE, &html! { (card_fields(req, typed, errors, false)) (button::submit("Keep this card", Weight::Plain)) }))
        }
    };
    let title = "Payment methods";
    let res = page(
        req,
        Page {
            title: if errors.is_empty() { title.into() } else { format!("Error: {title}") },
            section: "Your account".into(),
            theme: Theme::Desk,
            private: true,
            scripts: cards::scripts(req),
            body: html! { div.page { (rooms("Your account", &places(), PAGE, &content)) } },
            ..Page::default()
        },
    );
    let res = cards::allow(req, res);
    Ok(if errors.is_empty() { res } else { unprocessable(res) })
}

/// Whether a subscription lives and is paid by card.
fn is_charged(row: &SubscriptionRow) -> bool {
    !row.status.is_final() && row.state.terms().is_some_and(|t| t.collection == Collection::Automatic)
}

fn uses(row: &SubscriptionRow, kept: &KeptMethod) -> bool {
    row.state.method().is_some_and(|m| method_id(m) == kept.id)
}

fn listed(req: &Req, wallet: &Wallet, labels: &Labels, charged: &[&SubscriptionRow]) -> Markup {
    let today = format::local_day(req.now());
    let default = wallet.default_method().map(|m| m.id);
    let columns = ["Card", "Kept since", "Pays for", "Act"].map(Column::new);
    let rows: Vec<Vec<Markup>> = wallet
        .methods()
        .map(|m| {
            let (name, usable) = (label(labels, m), m.is_usable(today));
            let pays: Vec<String> = charged.iter().filter(|s| uses(s, m)).map(|s| s.plan()).collect();
            let button = |words: &str| html! { button.btn.small type="submit" { (words) span.hush { " " (name) } } };
            let acts = html! {
                @if default != Some(m.id) && usable { (form_inline(req, &format!("{PAGE}/{}/default", m.id), &button("Offer first"))) }
                (form_inline(req, &format!("{PAGE}/{}/remove", m.id), &button("Remove")))
            };
            vec![
                head(&html! {
                    (name)
                    @if default == Some(m.id) { " " (chip(Tone::Info, "Offered first")) }
                    @if !usable { " " (chip(Tone::Danger, "Expired")) }
                }),
                cell(&format::date(m.kept_at)),
                cell(&html! { @if pays.is_empty() { "nothing" } @else { (pays.join(", ")) } }),
                cell(&html! { div.row { (acts) } }),
            ]
        })
        .collect();
    table("Your cards", &columns, &rows)
}

/// Which card pays for a subscription.
fn assignment(req: &Req, row: &SubscriptionRow, wallet: &Wallet, labels: &Labels) -> Markup {
    let today = format::local_day(req.now());
    let options: Vec<(String, String)> = wallet
        .methods()
        .filter(|m| m.is_usable(today) || uses(row, m))
        .map(|m| (m.id.to_string(), label(labels, m).to_owned()))
        .collect();
    let now = wallet.methods().find(|m| uses(row, m)).map(|m| m.id.to_string()).unwrap_or_default();
    let fields = html! {
        input type="hidden" name="subscription" value=(row.id);
        (Field::new("method", "Card").select(options.iter().cloned()).value(&now).mid().render())
        (button::submit("Use this card from now on", Weight::Plain))
    };
    html! {
        section.panel aria-labelledby={ "pays-" (row.id) } {
            h2 id={ "pays-" (row.id) } { "What pays for " (row.plan()) }
            @if row.state.method().is_none() { p { "No card is charged for it yet." } }
            @if options.is_empty() { p { "Add a card first." } } @else { (form(req, &format!("{PAGE}/use"), &fields)) }
        }
    }
}
