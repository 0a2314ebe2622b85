//! What happened to the credit of a member, or to the account that owns a subscription, in words for its timeline.

use super::subscription_words::{Weight, Words, words};
use crate::domain::credit::CreditEvent;
use crate::domain::shared::AccountId;

pub(super) fn credit(event: &CreditEvent) -> Words {
    use CreditEvent as E;
    let left = |balance| format!("The member has {balance} of credit now.");
    match event {
        E::CreditGranted { amount, balance, .. } => {
            words(Weight::Good, format!("{amount} are credit of the member."), left(balance))
        }
        E::CreditUsed { amount, balance, .. } => words(
            Weight::Plain,
            format!("{amount} of the member's credit are set aside for an order."),
            format!("As much as the order asks for, and there is, in its currency. {}", left(balance)),
        ),
        E::CreditGivenBack { amount, balance, .. } => words(
            Weight::Plain,
            format!("{amount} are credit again: nobody has to pay the order that they were for."),
            left(balance),
        ),
        E::CreditHandedOver { amount, to, .. } => words(
            Weight::Watch,
            format!("{amount} of credit belong to another account of the same person from now on."),
            format!("Two accounts were merged; the other one is {to}."),
        ),
        E::CreditTakenOver { amount, from, balance, .. } => words(
            Weight::Good,
            format!("{amount} of credit came from another account of the same person."),
            format!("Two accounts were merged; the other one is {from}. {}", left(balance)),
        ),
        E::CreditPayOutStarted { amount, balance, .. } => words(
            Weight::Watch,
            format!("{amount} of the credit are to be paid out by bank transfer."),
            format!("Written before it is sent. {}", left(balance)),
        ),
        E::CreditPaidOut { amount, reference, .. } => {
            words(Weight::Good, format!("{amount} of the credit were paid out ({reference})."), None)
        }
        E::CreditPayOutDropped { amount, balance, .. } => {
            words(Weight::Plain, format!("{amount} were not sent: they are credit again."), left(balance))
        }
    }
}

pub(super) fn moved(from: AccountId) -> Words {
    words(
        Weight::Watch,
        "The subscription belongs to another account of the same person from now on.",
        format!(
            "Two accounts of one person were merged; before, it belonged to {from}. Orders and invoices stay issued to whom they were."
        ),
    )
}
