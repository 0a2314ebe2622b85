//! Settings of the payment gateways.

use crate::domain::shared::sepa::is_creditor_identifier;
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
    /// Identifier of the studio as a creditor of SEPA direct debits, as its bank gave it; empty: nothing is collected.
    pub creditor_id: String,
    /// BIC of the studio's bank, where the bank wants it in files of direct debits.
    pub bic: String,
    /// Days before a direct debit at which members are told; 1 to 14. It stands in the mandate they sign.
    pub debit_notice_days: u8,
}

impl Bank {
    /// What is wrong with the settings, in words for operators: name of the setting and words.
    #[must_use]
    pub fn problem(&self) -> Option<(&'static str, String)> {
        if !(1..=14).contains(&self.debit_notice_days) {
            return Some(("gateways.bank.debit_notice_days", "must be 1 to 14".into()));
        }
        if !self.creditor_id.is_empty() && !is_creditor_identifier(&self.creditor_id) {
            let words = "is no creditor identifier such as NL64ZZZ012345678900: look at its check digits";
            return Some(("gateways.bank.creditor_id", words.into()));
        }
        let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
        if !matches!(self.bic.len(), 0 | 8 | 11) || !self.bic.bytes().all(plain) {
            return Some(("gateways.bank.bic", "must have 8 or 11 letters and digits, or be empty".into()));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Bank;

    #[test]
    fn what_banks_would_refuse_is_refused_before() {
        let with = |days, creditor: &str, bic: &str| {
            let (creditor_id, bic) = (creditor.to_owned(), bic.to_owned());
            let set = Bank { debit_notice_days: days, creditor_id, bic, ..Bank::default() };
            set.problem().map(|(setting, _)| setting)
        };
        assert_eq!((with(1, "", ""), with(14, "NL64ZZZ012345678900", "ABNANL2A")), (None, None));
        assert_eq!(with(5, "", "ABNANL2AXXX"), None);
        let days = Some("gateways.bank.debit_notice_days");
        assert_eq!((with(0, "", ""), with(15, "", "")), (days, days));
        assert_eq!(with(5, "NL65ZZZ012345678900", ""), Some("gateways.bank.creditor_id"));
        assert_eq!(with(5, "", "ABNANL2"), Some("gateways.bank.bic"));
        assert_eq!(with(5, "", "abnanl2a"), Some("gateways.bank.bic"));
    }
}
