//! Settings of the payment gateways.

use serde::{Deserialize, Serialize};

/// Payment gateways.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gateways {
    /// The sandbox (demo and tests).
    pub sandbox: Sandbox,
    /// Stripe: cards.
    pub stripe: Stripe,
    /// Bank transfer.
    pub bank: Bank,
}

/// The sandbox gateway.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sandbox {
    /// Whether it is offered; never in production.
    pub enabled: bool,
    /// Where it answers over HTTP; absent: in process.
    pub base_url: Option<String>,
    /// Key with which it signs its webhooks; absent: none are taken.
    pub webhook_secret: Option<String>,
}

/// Stripe.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stripe {
    /// Whether it is offered, instead of the sandbox.
    pub enabled: bool,
    /// The key that browsers may know, `pk_…`.
    pub publishable_key: String,
    /// The secret key, `sk_…` or, better, a restricted one, `rk_…`.
    pub secret_key: String,
    /// Key with which it signs its webhooks, `whsec_…`; absent: none are taken.
    pub webhook_secret: Option<String>,
    /// Where its API is.
    pub base_url: String,
    /// Where its script for browsers is.
    pub script_url: String,
}

/// Bank transfer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bank {
    /// Whether it is offered.
    pub enabled: bool,
    /// Account to pay to.
    pub iban: String,
    /// Holder of the account.
    pub holder: String,
}
