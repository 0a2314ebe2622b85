//! Stripe: cards are typed into Stripe's own fields in the browser and never reach Kinora.
//!
//! A charge is a PaymentIntent in two steps: it is made without being confirmed, its number is noted under
//! the key of the attempt, and only then it is confirmed. Money can move in the second step alone, so a lost
//! answer is looked up by the number, however late, and a key without a number was never charged.

mod api;
mod books;
mod disputes;
mod outcome;
mod units;

use super::{
    CardEntry, CardForm, ChargeRequest, ClientStep, Gateway, GatewayError, RefundRequest, SavedMethod,
};
use crate::adapters::https::{self, Https};
use crate::config::Stripe as Settings;
use crate::domain::order::DisputeReport;
use crate::domain::shared::Money;
use crate::domain::shared::payment::{Collection, Outcome, RefundOutcome, card_expires_on};
use api::Api;
use async_trait::async_trait;
use books::Books;
use chrono::{DateTime, Utc};
use deadpool_postgres::Pool;
use serde_json::Value;
use uuid::Uuid;

/// The gateway.
pub struct Stripe {
    api: Api,
    books: Books,
    publishable_key: String,
    script: String,
}

/// Whether it may stand in a path.
fn is_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| {
        !rest.is_empty() && rest.len() < 200 && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_default()
}

fn brand(word: &str) -> &str {
    match word {
        "visa" => "Visa",
        "mastercard" => "Mastercard",
        "amex" => "American Express",
        "discover" => "Discover",
        "diners" => "Diners Club",
        "jcb" => "JCB",
        "unionpay" => "UnionPay",
        _ => "Card",
    }
}

impl Stripe {
    /// The gateway, as set.
    ///
    /// # Errors
    /// In words, for settings that cannot be used.
    pub fn new(settings: &Settings, plain: bool, https: Https, pool: Pool) -> Result<Self, String> {
        let base = https::service("gateways.stripe.base_url", &settings.base_url, plain)?;
        https::service("gateways.stripe.script_url", &settings.script_url, plain)?;
        if settings.secret_key.is_empty() || settings.publishable_key.is_empty() {
            return Err("gateways.stripe needs its secret_key and its publishable_key".into());
        }
        Ok(Self {
            api: Api::new(https, base, settings.secret_key.clone()),
            books: Books::new(pool),
            publishable_key: settings.publishable_key.clone(),
            script: settings.script_url.clone(),
        })
    }

    /// The attempt whose charge has that number at Stripe.
    ///
    /// # Errors
    /// If the books cannot be read.
    pub async fn key_of(&self, intent: &str) -> Result<Option<Uuid>, GatewayError> {
        self.books.key_of(intent).await
    }

    fn step(&self, client_secret: &str, method: Option<String>) -> ClientStep {
        ClientStep {
            script: self.script.clone(),
            publishable_key: self.publishable_key.clone(),
            client_secret: client_secret.to_owned(),
            method,
        }
    }

    async fn intent(&self, id: &str) -> Result<Value, GatewayError> {
        let found = self.api.get(&format!("/v1/payment_intents/{id}")).await?.done();
        // One of ours that it does not know: the key is of another account. That says nothing about the money.
        found.map_err(|error| {
            tracing::error!(%error, "Stripe does not know a charge of ours: is the key of another account?");
            GatewayError::TimedOut
        })
    }

    /// What became of a charge of `asked`. One that was declined is withdrawn, so that nobody whose page still
    /// has its secret confirms it later beside the next one.
    async fn became(
        &self,
        key: Uuid,
        found: Value,
        asked: Money,
        at: DateTime<Utc>,
    ) -> Result<Outcome, GatewayError> {
        let said = outcome::of(&found, asked, at).ok_or(GatewayError::TimedOut)?;
        if !matches!(said, Outcome::Declined { .. }) || text(&found, "status") == "canceled" {
            return Ok(said);
        }
        let now = self.withdraw(key, text(&found, "id")).await?;
        match outcome::of(&now, asked, at).ok_or(GatewayError::TimedOut)? {
            Outcome::Cancelled => Ok(said),
            other => Ok(other),
        }
    }

    /// The charge after it was withdrawn, or as it is where it cannot be.
    async fn withdraw(&self, key: Uuid, id: &str) -> Result<Value, GatewayError> {
        let path = format!("/v1/payment_intents/{id}/cancel");
        let answer = self.api.post(&path, &[], &format!("{key}/cancel")).await?;
        if answer.is_done() { Ok(answer.body) } else { self.intent(id).await }
    }

    /// The refund under `key` of a charge, if Stripe has one: the newest that it shows.
    async fn made(&self, charge: &str, key: Uuid) -> Result<Option<RefundOutcome>, GatewayError> {
        let (key, mut after) = (key.to_string(), String::new());
        loop {
            let path = format!("/v1/refunds?payment_intent={charge}&limit=100{after}");
            let page = self.api.get(&path).await?.done()?;
            let all = page["data"].as_array().ok_or(GatewayError::TimedOut)?;
            if let Some(mine) = all.iter().find(|r| r["metadata"]["kinora_refund"] == key.as_str()) {
                return Ok(Some(outcome::of_refund(mine)));
            }
            let last = all.last().map(|r| text(r, "id")).filter(|id| is_id(id, "re_") || is_id(id, "pyr_"));
            match (page["has_more"].as_bool(), last) {
                (Some(true), Some(last)) => after = format!("&starting_after={last}"),
                (Some(true), None) => return Err(GatewayError::TimedOut),
                _ => return Ok(None),
            }
        }
    }

    /// Makes the charge without confirming it, and notes its number.
    async fn make(&self, request: &ChargeRequest) -> Result<Result<String, Outcome>, GatewayError> {
        let Some((customer, method)) = request.token.split_once('/') else {
            return Ok(Err(outcome::declined("no_payment_method")));
        };
        let Some(units) = units::to_stripe(request.amount) else {
            tracing::error!(amount = %request.amount, "Stripe cannot charge this amount: the last digit must be 0");
            return Ok(Err(outcome::declined("amount_not_chargeable")));
        };
        let (key, minor) = (request.key.to_string(), units.to_string());
        let currency = request.amount.currency.code().to_ascii_lowercase();
        let fields = [
            ("amount", minor.as_str()),
            ("currency", &currency),
            ("customer", customer),
            ("payment_method", method),
            ("payment_method_types[]", "card"),
            ("description", &request.description),
            ("metadata[kinora_attempt]", &key),
        ];
        let answer = self.api.post("/v1/payment_intents", &fields, &format!("{key}/make")).await?;
        if answer.is_refused() {
            let code = answer.text("/error/code").unwrap_or("gateway_refused");
            return Ok(Err(outcome::declined(code)));
        }
        let made = answer.done()?;
        let id = text(&made, "id").to_owned();
        if !is_id(&id, "pi_") {
            return Err(GatewayError::TimedOut);
        }
        if self.books.note(request.key, &id).await? {
            return Ok(Ok(id));
        }
        // Somebody gave the attempt up meanwhile: nothing was confirmed, nothing will be.
        self.api.post(&format!("/v1/payment_intents/{id}/cancel"), &[], &format!("{key}/cancel")).await?;
        Ok(Err(Outcome::Cancelled))
    }
}

#[async_trait]
impl Gateway for Stripe {
    fn name(&self) -> &'static str {
        "stripe"
    }

    fn collections(&self) -> &'static [Collection] {
        &[Collection::Automatic, Collection::Manual]
    }

    fn card_form(&self) -> CardForm {
        CardForm::Elsewhere { script: self.script.clone(), publishable_key: self.publishable_key.clone() }
    }

    fn can_charge(&self, amount: Money) -> bool {
        units::is_chargeable(amount)
    }

    async fn save(&self, _: &CardEntry) -> Result<SavedMethod, GatewayError> {
        Err(GatewayError::Unsupported)
    }

    async fn begin_setup(&self, account: Uuid) -> Result<ClientStep, GatewayError> {
        let customer = match self.books.customer(account).await? {
            Some(known) => known,
            None => {
                // Nothing personal: Stripe learns who pays from the card alone.
                let id = account.to_string();
                let fields = [("metadata[kinora_account]", id.as_str())];
                let made =
                    self.api.post("/v1/customers", &fields, &format!("customer/{id}")).await?.done()?;
                let customer = text(&made, "id").to_owned();
                if !is_id(&customer, "cus_") {
                    return Err(GatewayError::TimedOut);
                }
                self.books.note_customer(account, &customer).await?;
                customer
            }
        };
        let fields =
            [("customer", customer.as_str()), ("usage", "off_session"), ("payment_method_types[]", "card")];
        let once = format!("setup/{}", Uuid::now_v7());
        let made = self.api.post("/v1/setup_intents", &fields, &once).await?.done()?;
        Ok(self.step(text(&made, "client_secret"), None))
    }

    async fn finish_setup(&self, account: Uuid, reference: &str) -> Result<SavedMethod, GatewayError> {
        let again = || GatewayError::Refused("The card could not be read. Enter it again.".into());
        if !is_id(reference, "seti_") {
            return Err(again());
        }
        let setup = match self.api.get(&format!("/v1/setup_intents/{reference}")).await?.done() {
            Err(GatewayError::Refused(_)) => return Err(again()),
            other => other?,
        };
        let customer = self.books.customer(account).await?.ok_or_else(again)?;
        let method = text(&setup, "payment_method");
        // Another person's card is not theirs to use.
        if text(&setup, "customer") != customer
            || text(&setup, "status") != "succeeded"
            || !is_id(method, "pm_")
        {
            return Err(again());
        }
        let kept = self.api.get(&format!("/v1/payment_methods/{method}")).await?.done()?;
        let card = &kept["card"];
        let (month, year) =
            (card["exp_month"].as_u64().unwrap_or(0), card["exp_year"].as_u64().unwrap_or(0) % 100);
        let expiry = format!("{month:02}/{year:02}");
        Ok(SavedMethod {
            token: format!("{customer}/{method}"),
            label: format!(
                "{} ending in {}, expires {expiry}",
                brand(text(card, "brand")),
                text(card, "last4")
            ),
            expires_on: card_expires_on(&expiry),
        })
    }

    async fn charge(&self, request: &ChargeRequest) -> Result<Outcome, GatewayError> {
        let known = self.books.open(request.key).await?;
        if known.barred {
            return Ok(Outcome::Cancelled);
        }
        let id = match known.intent {
            Some(id) => {
                let found = self.intent(&id).await?;
                if text(&found, "status") != "requires_confirmation" {
                    return self.became(request.key, found, request.amount, request.at).await;
                }
                // Made for another amount: nothing is taken.
                if !outcome::is_of(&found, request.amount) {
                    return Err(GatewayError::TimedOut);
                }
                id
            }
            None => match self.make(request).await? {
                Ok(id) => id,
                Err(outcome) => return Ok(outcome),
            },
        };
        let path = format!("/v1/payment_intents/{id}/confirm");
        let once = format!("{}/confirm", request.key);
        // Said only where nobody is there to confirm: banks ask for less then, and decline more.
        let away = [("off_session", "true")];
        let fields: &[(&str, &str)] = if request.present { &[] } else { &away };
        let answer = self.api.post(&path, fields, &once).await?;
        let found = if answer.is_done() {
            answer.body
        } else if answer.is_refused() {
            // Declined, or in another state than was thought: what it is now, it says itself.
            self.intent(&id).await?
        } else {
            return Err(GatewayError::TimedOut);
        };
        self.became(request.key, found, request.amount, request.at).await
    }

    async fn look_up(&self, key: Uuid, amount: Money) -> Result<Option<Outcome>, GatewayError> {
        let Some(known) = self.books.find(key).await? else { return Ok(None) };
        let Some(id) = known.intent else { return Ok(known.barred.then_some(Outcome::Cancelled)) };
        let found = self.intent(&id).await?;
        if text(&found, "status") == "requires_confirmation" {
            return Ok(None);
        }
        self.became(key, found, amount, DateTime::UNIX_EPOCH).await.map(Some)
    }

    async fn cancel(&self, key: Uuid, amount: Money, at: DateTime<Utc>) -> Result<Outcome, GatewayError> {
        let Some(id) = self.books.bar(key).await? else { return Ok(Outcome::Cancelled) };
        let found = self.withdraw(key, &id).await?;
        outcome::of(&found, amount, at).ok_or(GatewayError::TimedOut)
    }

    async fn begin_confirm(&self, key: Uuid) -> Result<ClientStep, GatewayError> {
        let known = self.books.find(key).await?.and_then(|e| e.intent).ok_or(GatewayError::Unsupported)?;
        let found = self.intent(&known).await?;
        // After a refusal for want of a proof, the card has to be named again.
        let again = text(&found, "status") == "requires_payment_method";
        let method = outcome::method_of(&found).filter(|_| again);
        Ok(self.step(text(&found, "client_secret"), method))
    }

    async fn confirm(
        &self,
        key: Uuid,
        approve: bool,
        amount: Money,
        at: DateTime<Utc>,
    ) -> Result<Outcome, GatewayError> {
        if !approve {
            return self.cancel(key, amount, at).await;
        }
        let id = self.books.find(key).await?.and_then(|e| e.intent).ok_or(GatewayError::Unsupported)?;
        let found = self.intent(&id).await?;
        self.became(key, found, amount, at).await
    }

    async fn refund(&self, request: &RefundRequest) -> Result<RefundOutcome, GatewayError> {
        let charge = self.books.find(request.charge).await?.and_then(|e| e.intent);
        let Some(charge) = charge else {
            return Ok(RefundOutcome::Refused { code: "no_such_charge".into() });
        };
        // Stripe forgets keys after a day, and a repetition may come after a longer outage than that.
        if let Some(known) = self.made(&charge, request.key).await? {
            return Ok(known);
        }
        let Some(units) = units::to_stripe(request.amount) else {
            return Ok(RefundOutcome::Refused { code: "amount_not_chargeable".into() });
        };
        let (key, minor) = (request.key.to_string(), units.to_string());
        let fields = [
            ("payment_intent", charge.as_str()),
            ("amount", minor.as_str()),
            ("metadata[kinora_refund]", key.as_str()),
        ];
        let answer = self.api.post("/v1/refunds", &fields, &format!("refund/{key}")).await?;
        if answer.is_refused() {
            let code = answer.text("/error/code").unwrap_or("gateway_refused").to_owned();
            return Ok(RefundOutcome::Refused { code });
        }
        Ok(outcome::of_refund(&answer.done()?))
    }

    async fn look_up_refund(&self, charge: Uuid, key: Uuid) -> Result<Option<RefundOutcome>, GatewayError> {
        let Some(charge) = self.books.find(charge).await?.and_then(|e| e.intent) else { return Ok(None) };
        self.made(&charge, key).await
    }

    async fn disputes(
        &self,
        since: DateTime<Utc>,
        _: DateTime<Utc>,
    ) -> Result<Vec<DisputeReport>, GatewayError> {
        disputes::since(&self.api, &self.books, since).await
    }

    async fn forget(&self, token: &str) -> Result<(), GatewayError> {
        let Some((_, method)) = token.split_once('/').filter(|(_, m)| is_id(m, "pm_")) else {
            return Ok(());
        };
        let path = format!("/v1/payment_methods/{method}/detach");
        let answer = self.api.post(&path, &[], &format!("forget/{method}")).await?;
        // What is refused is not attached any more, or not there.
        if answer.is_done() || answer.is_refused() { Ok(()) } else { Err(GatewayError::TimedOut) }
    }

    async fn forget_account(&self, account: Uuid) -> Result<(), GatewayError> {
        let Some(customer) = self.books.customer(account).await? else { return Ok(()) };
        let answer = self.api.delete(&format!("/v1/customers/{customer}")).await?;
        if answer.is_done() || answer.status == 404 { Ok(()) } else { Err(GatewayError::TimedOut) }
    }
}
