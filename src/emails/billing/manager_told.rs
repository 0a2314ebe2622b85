//! Tells billing staff that a managed membership begins a new period.

use crate::domain::shared::Money;
use crate::domain::shared::calendar::day_words;
use crate::emails::{Letter, Mail, Studio};
use chrono::NaiveDate;
use uuid::Uuid;

/// See [`super::BillingMail::ManagerTold`].
pub(super) fn render(
    studio: &Studio,
    name: Option<&str>,
    plan: &str,
    amount: &Money,
    due_on: &NaiveDate,
    subscription: &Uuid,
) -> Mail {
    Letter::new(format!("Managed membership due on {}", day_words(*due_on)))
        .to_person(name)
        .say("A new period of a managed membership begins. Send the bill as agreed; nothing is charged by the clock.")
        .row("Plan", plan)
        .row("Amount", amount.to_string())
        .row("Due", day_words(*due_on))
        .button("Open the subscription", studio.link(&format!("/billing/subscriptions/{subscription}")))
        .sign(studio)
}
