//! To billing staff: a refund did not go back, or nobody can say whether it did.

use crate::domain::shared::Money;
use crate::emails::{Letter, Mail, Studio};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundStuck {
    /// Of which order.
    pub number: String,
    /// Which one.
    pub refund: Uuid,
    /// How much.
    pub amount: Money,
    /// Why the gateway refused; none if it cannot say what became of it.
    pub code: Option<String>,
}

impl RefundStuck {
    pub(super) fn render(&self, studio: &Studio, name: Option<&str>) -> Mail {
        let (subject, words) = match &self.code {
            Some(_) => (
                "A refund did not go back",
                "The payment service did not return the money to the card. It is still the member's: give it back by bank transfer, or as credit.",
            ),
            None => (
                "Find out about a refund",
                "The payment service does not say whether the money went back. Look at its own pages, then say so at the refund.",
            ),
        };
        let mut letter = Letter::new(subject)
            .to_person(name)
            .say(words)
            .row("Order", self.number.as_str())
            .row("Amount", self.amount.to_string());
        if let Some(code) = &self.code {
            letter = letter.row("Reason given", code.as_str());
        }
        letter
            .button("See the refund", studio.link(&format!("/billing/refunds/{}", self.refund)))
            .sign(studio)
    }
}
