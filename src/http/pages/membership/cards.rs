//! Fields for a card: ours for the sandbox, or those of the gateway's own script, which keeps the card away
//! from us. Only pages with such a script may load it.

use super::join::frame_with;
use crate::actors::accounts::AccountsError;
use crate::actors::cards::{self, CardError, CardForm, ClientStep};
use crate::actors::payments::{self, CardEntry, GatewayError, PaymentError, TEST_CARDS};
use crate::domain::shared::PersonalValue;
use crate::domain::shared::payment::PaymentMethod;
use crate::http::error::HttpError;
use crate::http::response::{self, set};
use crate::http::route::{Access, Route};
use crate::http::server::policy_with;
use crate::http::ui::{Errors, Field, format};
use crate::http::{Form, Req, Res};
use maud::{Markup, html};
use std::time::Duration;
use warp::http::StatusCode;
use warp::http::header::CONTENT_SECURITY_POLICY;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::post("/account/cards/setup", Access::SignedIn, begin)]
}

/// The script asks for what it needs to keep a card.
async fn begin(mut req: Req) -> Result<Res, HttpError> {
    req.form().await?;
    match cards::begin(&req.app, req.account()?.id, req.remote).await {
        Ok(step) => response::json(StatusCode::OK, &step),
        Err(CardError::Payment(
            PaymentError::Gateway(GatewayError::Unsupported) | PaymentError::NoGateway(_),
        )) => Err(HttpError::NotFound),
        Err(CardError::Limit(AccountsError::TooMany(seconds))) => Err(HttpError::TooMany {
            why: "Too many cards were tried lately. Nothing was charged; try again later.".into(),
            retry_after: Duration::from_secs(seconds),
        }),
        Err(error) => {
            tracing::warn!(%error, "a card cannot be kept");
            Err(HttpError::Unavailable {
                why: "The payment service does not answer. Nothing was charged; try again in a moment."
                    .into(),
                retry_after: Duration::from_secs(30),
            })
        }
    }
}

/// Scripts of a page with card fields.
pub(super) fn scripts(req: &Req) -> Vec<&'static str> {
    match cards::form(&req.app) {
        Some(CardForm::Elsewhere { .. }) => vec!["payment.js"],
        _ => vec![],
    }
}

/// A page of the way through joining, with card fields.
pub(super) fn frame(req: &Req, title: &str, body: Markup) -> Res {
    allow(req, frame_with(req, title, scripts(req), body))
}

/// Lets the page load the script of the gateway, if cards are typed there.
pub(super) fn allow(req: &Req, mut page: Res) -> Res {
    if let Some(CardForm::Elsewhere { script, .. }) = cards::form(&req.app)
        && let Ok(url) = url::Url::parse(&script)
    {
        let own = url.origin().ascii_serialization();
        let more: &[&str] = if url.host_str() == Some("js.stripe.com") {
            &["https://api.stripe.com", "https://hooks.stripe.com"]
        } else {
            &[]
        };
        set(&mut page, CONTENT_SECURITY_POLICY, &policy_with(&own, more));
    }
    page
}

/// Fields for a card.
pub(super) fn card_fields(req: &Req, form: &Form, errors: &Errors, optional: bool) -> Markup {
    match cards::form(&req.app) {
        Some(CardForm::Elsewhere { script, publishable_key }) => html! {
            div.field #card_reference data-payment data-optional[optional] data-script=(script) data-key=(publishable_key) {
                span.legend { "Card" }
                div.input data-payment-field {}
                p.error-text role="alert" data-payment-error hidden[errors.of("card_reference").is_none()] {
                    @if let Some(why) = errors.of("card_reference") { (why) }
                }
                p.hint { "Your card goes straight to the payment service; we only learn its last four digits." }
                input type="hidden" name="card_reference" value="";
                noscript { p.error-text { "Paying by card needs JavaScript, because the card is typed into fields of the payment service." } }
            }
        },
        _ => html! {
            // What was typed of a card never comes back in a page.
            @if !form.get("card_number").is_empty() && errors.of("card_number").is_none() { p.hint { "Enter the card again: we do not send card numbers back." } }
            (Field::new("card_number", "Card number").inputmode("numeric")
                .autocomplete("cc-number").placeholder("4242 4242 4242 4242").maxlength(30).mid().errors(errors).render())
            (Field::new("card_expiry", "Expires").autocomplete("cc-exp")
                .hint("Month and year, such as 12/30.").placeholder("MM/YY").maxlength(7).short().errors(errors).render())
            details.fold {
                summary { "This studio uses a test gateway: which cards it takes" }
                ul.small { @for card in TEST_CARDS { li { span.mono { (grouped(card.number)) } " " (card.says) } } }
                p.small.dim { "No real card is accepted, and nothing is really charged." }
            }
        },
    }
}

/// The button by which a holder confirms a charge in the gateway's own window.
pub(super) fn confirmation(step: &ClientStep) -> Markup {
    html! {
        div data-payment-confirm data-script=(step.script) data-key=(step.publishable_key) data-secret=(step.client_secret)
            data-method=[step.method.as_deref()] {
            p.error-text role="alert" data-payment-error hidden {}
            noscript { p.error-text { "Confirming a payment needs JavaScript, because your bank asks in a window of its own." } }
        }
    }
}

fn grouped(number: &str) -> String {
    number.as_bytes().chunks(4).map(|c| String::from_utf8_lossy(c).into_owned()).collect::<Vec<_>>().join(" ")
}

/// Whether no card was entered at all.
pub(super) fn is_empty(form: &Form) -> bool {
    form.get("card_number").is_empty() && form.get("card_reference").is_empty()
}

/// Keeps the card that was entered; what is wrong with it is an error of its field.
pub(super) async fn keep_card(
    req: &Req,
    form: &Form,
    errors: &mut Errors,
) -> Result<Option<(PaymentMethod, PersonalValue)>, HttpError> {
    let elsewhere = matches!(cards::form(&req.app), Some(CardForm::Elsewhere { .. }));
    let field = if elsewhere { "card_reference" } else { "card_number" };
    let given = form.get(field);
    if given.is_empty() {
        errors.add(field, if elsewhere { "Enter your card." } else { "Enter the number of the card." });
        return Ok(None);
    }
    let account = req.account()?.id;
    let kept = if elsewhere {
        cards::finish(&req.app, account, given).await
    } else {
        let card = CardEntry { number: given.into(), expiry: form.get("card_expiry").into() };
        payments::keep_card(&req.app, account, &card).await
    };
    match kept {
        Ok((method, _)) if !method.is_usable(format::local_day(req.now())) => {
            let expiry = if elsewhere { field } else { "card_expiry" };
            errors.add(expiry, "This card has expired. Enter another one.");
            Ok(None)
        }
        Ok(kept) => Ok(Some(kept)),
        Err(PaymentError::Gateway(GatewayError::Refused(why))) => {
            errors.add(if why.contains("expiry") { "card_expiry" } else { field }, why);
            Ok(None)
        }
        Err(PaymentError::Gateway(_)) => {
            errors
                .add("", "The payment service does not answer. Nothing was charged; try again in a moment.");
            Ok(None)
        }
        Err(other) => Err(HttpError::Internal(other.to_string())),
    }
}
