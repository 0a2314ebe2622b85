//! Says that access has ended until the open order is paid.

use super::decline_words;
use crate::domain::shared::Money;
use crate::domain::shared::calendar::day_words;
use crate::domain::subscription::HoldCause;
use crate::emails::{Letter, Mail, Studio};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// What is open, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnHold {
    /// What is open.
    pub amount: Money,
    /// Why.
    pub cause: HoldCause,
    /// When it expires.
    pub expires_on: NaiveDate,
    /// How often a card was really charged for it.
    #[serde(default)]
    pub charges: u8,
    /// Why it was not paid the last time, in the gateway's code or ours.
    #[serde(default)]
    pub code: Option<String>,
    /// No card can pay it.
    #[serde(default)]
    pub by_transfer: bool,
}

impl OnHold {
    pub(super) fn render(&self, studio: &Studio, name: Option<&str>) -> Mail {
        Letter::new("Your membership is on hold")
            .to_person(name)
            .say(format!("{} {}", self.why(), self.what_now()))
            .row("Open", self.amount.to_string())
            .say(format!("When you pay, a new period starts on that day. If nothing happens the membership expires on {}.", day_words(self.expires_on)))
            .button("Pay the open order", studio.link("/account/subscription"))
            .sign(studio)
    }

    fn why(&self) -> String {
        match self.cause {
            HoldCause::DeclinedTooOften => self.not_charged(),
            HoldCause::HardDecline => match &self.code {
                Some(code) => format!("{} We do not try again.", decline_words(code)),
                None => "Your card can no longer be charged.".into(),
            },
            HoldCause::DebitReturned => "Your bank gave back what we had collected by direct debit.".into(),
            HoldCause::TrialEnded => "Your trial is over, and there is no card to charge.".into(),
            HoldCause::NotPaidInTime => "The order for the next period was not paid by its date.".into(),
        }
    }

    fn not_charged(&self) -> String {
        let Some(code) = &self.code else {
            return "The payment for the next period did not work.".into();
        };
        let reason = decline_words(code);
        match self.charges {
            0 => format!("We could not charge you for the next period. {reason}"),
            1 => format!("We tried to charge your card, and it did not work. {reason}"),
            n => format!(
                "We tried {n} times to charge your card, and it did not work. The last reason: {reason}"
            ),
        }
    }

    fn what_now(&self) -> &'static str {
        match self.cause {
            _ if self.by_transfer => "Access is paused until your transfer for the open order arrives.",
            HoldCause::TrialEnded => "Add one and pay the open order to go on watching.",
            HoldCause::HardDecline => {
                "Access is paused until the open order is paid; please use another card."
            }
            _ => "Access is paused until the open order is paid.",
        }
    }
}
