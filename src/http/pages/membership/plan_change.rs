//! `/account/subscription/plan`: the plans one can change to, and what each would cost now.

use super::shared::{TaxDesk, below_subscription, bundles, offers};
use super::subscription_acts::{own, send};
use crate::actors::payments;
use crate::domain::shared::Money;
use crate::domain::shared::calendar::{Zone, day_words};
use crate::domain::shared::derive_id;
use crate::domain::shared::tax::Country;
use crate::domain::subscription::{ChangeQuote, SubscriptionCommand, SubscriptionError, Terms};
use crate::http::error::HttpError;
use crate::http::response::see_other;
use crate::http::route::{Access, Route};
use crate::http::ui::button::{link, submit};
use crate::http::ui::format;
use crate::http::ui::layout::{Place, crumbs};
use crate::http::ui::{
    Errors, Icon, Tone, Weight, empty, error_summary, facts, form as post_form, notice_text, page_head,
};
use crate::http::{Req, Res};
use crate::projections::plans::Offer;
use crate::projections::subscriptions::SubscriptionRow;
use crate::projections::{credits, orders};
use chrono::NaiveDate;
use maud::{Markup, html};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/account/subscription/plan", Access::SignedIn, show),
        Route::post("/account/subscription/plan", Access::SignedIn, change),
        Route::post("/account/subscription/plan/keep", Access::SignedIn, keep),
    ]
}

/// The change that is planned, or the way to one.
pub(super) fn panel(req: &Req, desk: &TaxDesk, row: &SubscriptionRow) -> Markup {
    let due = row.state.next_due_on();
    let day = due.map(day_words).unwrap_or_default();
    // Who accounts for the tax sees the net price only.
    let price =
        |price: Money| due.map_or_else(|| desk.to_pay(row, price), |on| desk.to_pay_on(row, price, on));
    html! {
        @if let Some(planned) = row.state.planned_terms() {
            section.panel aria-labelledby="planned" {
                h2 #planned { "Planned change" }
                p { "From " (day) " on: " strong { (planned.plan_name) ", " (planned.interval.adjective()) } ", " span.num { (price(planned.price)) } " per " (planned.interval.words()) "." }
                @if let Some(less) = row.state.discounted(planned.price) { p { (coupon_words(less.periods, price(less.amount))) } }
                (post_form(req, "/account/subscription/plan/keep", &html! { (submit("Keep the plan I have", Weight::Plain)) }))
            }
        } @else {
            section.panel aria-labelledby="other" {
                h2 #other { "Plan" }
                p { "Pay by another interval, or take another plan. What it costs stands there before you decide." }
                (link("Change plan", "/account/subscription/plan", Weight::Plain))
            }
        }
    }
}

/// What a coupon makes of the first payments of another plan.
fn coupon_words(periods: Option<u32>, amount: Money) -> String {
    match periods {
        None => format!("With your coupon each payment is {amount}."),
        Some(1) => format!("With your coupon the first payment is {amount}."),
        Some(n) => format!("With your coupon the first {n} payments are {amount} each."),
    }
}

/// What the first period of another plan costs when it begins: a coupon may go on.
fn first_price(row: &SubscriptionRow, price: Money) -> Money {
    row.state.discounted(price).map_or(price, |less| less.amount)
}

/// What is to be paid for a plan that begins on `day`, and afterwards.
fn later(desk: &TaxDesk, row: &SubscriptionRow, offer: &Offer, day: NaiveDate) -> Markup {
    let v = &offer.variation;
    let on = |price: Money| desk.to_pay_on(row, price, day);
    let every = v.interval.words();
    let less = row.state.discounted(v.price);
    let first = on(first_price(row, v.price));
    facts(&[
        ("To pay now", html! { "Nothing" }),
        (
            "First payment",
            html! {
                strong.num { (first) } " on " (day_words(day))
                @if less.is_some() { ", your coupon taken off" }
            },
        ),
        (
            "Then",
            html! {
                @match less.map(|less| less.periods) {
                    Some(None) => { span.num { (first) } " per " (every) ", your coupon taken off" },
                    Some(Some(n)) if n > 1 => {
                        span.num { (first) }
                        @if n == 2 { " for the one after it" } @else { " for each of the " (n - 1) " after it" }
                        ", then " span.num { (on(v.price)) } " per " (every)
                    },
                    _ => { span.num { (on(v.price)) } " per " (every) },
                }
                ", until you cancel"
            },
        ),
    ])
}

/// That the plan which the page names begins later.
pub(super) fn ahead(row: &SubscriptionRow) -> Markup {
    html! {
        @if let Some(on) = row.state.begins_on() {
            (notice_text(Tone::Info, &format!("{} is your plan from {} on; its first period is ordered already. Until then you have what you had before.", row.plan(), day_words(on))))
        }
    }
}

/// What would be agreed by taking an offer.
pub(in crate::http::pages) fn terms_of(req: &Req, offer: &Offer) -> Result<Terms, HttpError> {
    let zone = Zone::parse(&req.app.config.studio.zone).map_err(|e| HttpError::Internal(e.to_string()))?;
    let variation = &offer.variation;
    Ok(Terms {
        plan: offer.plan,
        variation: variation.id,
        plan_name: offer.name.clone(),
        price: variation.price,
        interval: variation.interval,
        collection: variation.collection,
        zone,
        seats: offer.variation.seats,
    })
}

/// The offers one can change to: sold to the same country, and paid in the same way.
pub(in crate::http::pages) async fn others(
    req: &Req,
    row: &SubscriptionRow,
) -> Result<Vec<(Offer, ChangeQuote)>, HttpError> {
    let home = || Country::parse(&req.app.config.studio.country).ok();
    let Some(from) = row.state.country().or_else(home) else { return Ok(Vec::new()) };
    let desk = TaxDesk::open(req).await?;
    let chargeable = |amount| payments::can_charge(&req.app, desk.to_pay(row, amount));
    let mut found = Vec::new();
    for bundle in bundles(req, offers(req, from).await?) {
        for offer in [bundle.card, bundle.bank, bundle.managed].into_iter().flatten() {
            match row.state.quote_change(&terms_of(req, &offer)?, req.now()) {
                // Too little for a card: the change waits for the next period.
                Ok(ChangeQuote::Now(p)) if !chargeable(p.amount()) => {
                    let on = row.state.next_due_on().unwrap_or_else(|| format::local_day(req.now()));
                    found.push((offer, ChangeQuote::On(on)));
                }
                Ok(quote) => found.push((offer, quote)),
                Err(SubscriptionError::SamePlan | SubscriptionError::OtherTerms) => {}
                Err(why) => return Err(HttpError::Conflict(why.to_string())),
            }
        }
    }
    Ok(found)
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let row = own(&req).await?;
    view(&req, &row, &Errors::none()).await
}

async fn view(req: &Req, row: &SubscriptionRow, errors: &Errors) -> Result<Res, HttpError> {
    let all = match others(req, row).await {
        Err(HttpError::Conflict(_)) => return not_now(req, row, errors).await,
        other => other?,
    };
    let desk = TaxDesk::open(req).await?;
    let credit = credits::of_account(&req.app.reader, row.owner).await?;
    let has: Vec<String> = credit.iter().filter(|b| b.money.minor > 0).map(|b| b.money.to_string()).collect();
    let choices: Vec<Markup> =
        all.iter().map(|(offer, quote)| choice(req, &desk, row, offer, quote)).collect::<Result<_, _>>()?;
    let content = html! {
        (crumbs(&[Place::new("Subscription", "/account/subscription")], "Change plan"))
        (page_head("Change plan", Some(&format!("You have {}.", row.plan())), None))
        (error_summary(errors))
        @if !has.is_empty() { p { "Your credit of " strong.num { (has.join(" + ")) } " pays first what is to be paid now." } }
        @if all.is_empty() {
            (empty(Icon::Info, "No other plan", "There is no other plan that is paid in the way you pay.", Some(&Place::new("Back", "/account/subscription"))))
        }
        @for choice in &choices { (choice) }
    };
    Ok(below_subscription(req, "Change plan", errors, &content))
}

/// Why no other plan can be taken at the moment, and what to do about it.
async fn not_now(req: &Req, row: &SubscriptionRow, errors: &Errors) -> Result<Res, HttpError> {
    let open = match row.state.open_order() {
        Some(open) => orders::one(&req.app.reader, open.order).await?,
        None => None,
    };
    let content = html! {
        (crumbs(&[Place::new("Subscription", "/account/subscription")], "Change plan"))
        (page_head("Change plan", Some(&format!("You have {}.", row.plan())), None))
        (error_summary(errors))
        @if let Some(order) = &open {
            p { "Your order " a href={ "/account/orders/" (order.id) } { (order.number) } " is still open: " (order.description) ", " span.num { (order.rest()) } "." }
            p { "As soon as it is paid, or no longer to be paid, you can choose another plan." }
            p { (link("See the order", &format!("/account/orders/{}", order.id), Weight::Main)) }
        } @else {
            p { "Your plan cannot be changed at the moment: your subscription has ended, rests, or ends soon. Its page says what you can do." }
        }
        p { (link("Back to your subscription", "/account/subscription", Weight::Quiet)) }
    };
    Ok(below_subscription(req, "Change plan", errors, &content))
}

fn choice(
    req: &Req,
    desk: &TaxDesk,
    row: &SubscriptionRow,
    offer: &Offer,
    quote: &ChangeQuote,
) -> Result<Markup, HttpError> {
    let v = &offer.variation;
    let to_pay = |m: Money| desk.to_pay(row, m);
    // What will cost more is an order, also if it begins later: the button says so, and the sums stand beside it.
    let terms = terms_of(req, offer)?;
    let more = row.state.terms().is_none_or(|old| terms.costs_more_than(old));
    let (pay, button) = match quote {
        ChangeQuote::Now(p) => (p.amount().minor, format!("Change now and pay {}", to_pay(p.amount()))),
        ChangeQuote::On(_) if more => (0, "Order with obligation to pay".into()),
        ChangeQuote::On(day) => (0, format!("Change on {}", day_words(*day))),
    };
    Ok(html! {
        section.panel aria-labelledby={ "o" (v.id) } {
            h2 id={ "o" (v.id) } { (offer.title()) }
            p { strong.num { (to_pay(v.price)) } " per " (v.interval.words()) }
            @match quote {
                ChangeQuote::Now(p) => p.small.dim {
                    "At once: " (to_pay(p.charge)) " for " (day_words(p.period.start)) " up to " (day_words(p.period.end))
                    ", less " (to_pay(p.credit)) " for the " (p.days_left) " of " (p.days_of_period) " days that are left of " (row.plan())
                    @if p.held.is_some() { ", as far as it did not go back before" } "."
                },
                ChangeQuote::On(day) if more => {
                    p { "Nothing is charged now. You have " (row.plan()) " until then." }
                    (later(desk, row, offer, *day))
                },
                ChangeQuote::On(day) => p.small.dim {
                    "Nothing is charged now. From " (day_words(*day)) " on the new price is due."
                    @if let Some(less) = row.state.discounted(v.price) { " " (coupon_words(less.periods, desk.to_pay_on(row, less.amount, *day))) }
                },
            }
            (post_form(req, "/account/subscription/plan", &html! {
                input type="hidden" name="variation" value=(v.id);
                input type="hidden" name="pay" value=(pay);
                input type="hidden" name="price" value=(v.price.minor);
                input type="hidden" name="first" value=(first_price(row, v.price).minor);
                (submit(&button, Weight::Plain))
            }))
        }
    })
}

async fn change(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let row = own(&req).await?;
    let order = derive_id(&req.command_id(&form).to_string(), "order");
    // The button pressed twice: the first did it.
    let has = row.state.terms().is_some_and(|t| t.variation.to_string() == form.get("variation"));
    if has || row.state.open_order().is_some_and(|o| o.order == order) {
        return Ok(see_other("/account/subscription?done=plan"));
    }
    let all = match others(&req, &row).await {
        Err(HttpError::Conflict(_)) => {
            let errors = Errors::one("", "Your plan cannot be changed at the moment. Nothing was changed.");
            return not_now(&req, &row, &errors).await;
        }
        other => other?,
    };
    let Some((offer, quote)) =
        all.into_iter().find(|(o, _)| o.variation.id.to_string() == form.get("variation"))
    else {
        let errors = Errors::one("", "This plan is not sold to you. Choose one of those below.");
        return view(&req, &row, &errors).await;
    };
    // What is charged is what was shown, or nothing.
    let pay = match &quote {
        ChangeQuote::Now(p) => p.amount(),
        ChangeQuote::On(_) => Money::new(0, offer.variation.price.currency),
    };
    let first = first_price(&row, offer.variation.price);
    // A page from before the first payment stood in the form said the whole price.
    let said = |name: &str| form.get(name).parse::<i64>().ok();
    let first_said = said("first").or_else(|| said("price"));
    let same = said("pay") == Some(pay.minor) && said("price") == Some(offer.variation.price.minor);
    let later = matches!(quote, ChangeQuote::On(_));
    if !same || (later && first_said != Some(first.minor)) {
        let now = TaxDesk::open(&req).await?.to_pay(&row, if later { first } else { pay });
        let errors =
            Errors::one("", format!("The price is {now} now. Nothing was changed: look at it again."));
        return view(&req, &row, &errors).await;
    }
    let terms = terms_of(&req, &offer)?;
    let at_once = matches!(quote, ChangeQuote::Now(_));
    let command = SubscriptionCommand::ChangePlan { order, terms, shown: Some(pay), at_once, at: req.now() };
    send(&req, &form, &row, command, vec![], "plan").await
}

async fn keep(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let row = own(&req).await?;
    send(&req, &form, &row, SubscriptionCommand::WithdrawPlanChange, vec![], "kept-plan").await
}
