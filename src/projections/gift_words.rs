//! What happened to a gift, in words for its timeline. Neither its code nor the address it goes to stands in them.

use super::subscription_words::{Weight, Words, words};
use crate::domain::gift::{GiftEvent, GiftUse};
use crate::domain::shared::calendar::day_words;

pub(super) fn gift(event: &GiftEvent) -> Words {
    use GiftEvent as E;
    match event {
        E::GiftOrdered { given, country, recipient, method, valid_days, .. } => {
            let way = method.as_ref().map_or_else(
                || "to be paid by transfer".to_owned(),
                |method| format!("charged through {}", method.gateway),
            );
            let to = if recipient.is_some() { "to an address that the buyer gave" } else { "to the buyer" };
            let until = valid_days.map_or_else(
                || "on any day".to_owned(),
                |days| format!("until {days} days after its payment"),
            );
            words(
                Weight::Plain,
                format!("Bought as a gift: {} at {}, {way}.", given.words(), given.price),
                format!(
                    "Plan and price as they were sold then. Billing country {country}. The code goes {to}; it can be redeemed {until}."
                ),
            )
        }
        E::GiftPaymentRequested { method, .. } => words(
            Weight::Plain,
            format!("The buyer pays it through {}.", method.gateway),
            "A charge before had failed, or another card was chosen.".to_owned(),
        ),
        E::GiftPaymentFailed { code, .. } => words(
            Weight::Watch,
            format!("The payment failed ({code})."),
            "Nothing was taken. The buyer was told, and can try again.".to_owned(),
        ),
        E::GiftPaid { last_day, .. } => words(
            Weight::Good,
            "It is paid: its code counts.",
            format!(
                "It can be redeemed {}. Of the code only a keyed hash is kept.",
                last_day.map_or_else(|| "on any day".to_owned(), |day| format!("until {}", day_words(day)))
            ),
        ),
        E::GiftRedeemed { .. } => words(
            Weight::Good,
            "Somebody redeemed it.",
            "They entered its code; nobody else can redeem it any more.".to_owned(),
        ),
        E::GiftMoved { from, to, .. } => words(
            Weight::Watch,
            "What it was of one account it is of another account of the same person from now on.",
            format!("Two accounts were merged: {from} into {to}."),
        ),
        E::GiftUsed { used: GiftUse::Extension { subscription }, .. } => words(
            Weight::Good,
            "Its time was given: a subscription runs so much longer.",
            format!("Whoever redeemed it had the subscription {subscription}."),
        ),
        E::GiftUsed { used: GiftUse::Access, .. } => words(
            Weight::Good,
            "Its time was given: whoever redeemed it has access.",
            "They had no subscription that could run longer.".to_owned(),
        ),
        E::GiftHeldBack { .. } => words(
            Weight::Bad,
            "Nobody can redeem it for now.",
            "The bank was asked to take its price back; that is not decided yet.".to_owned(),
        ),
        E::GiftReleased { .. } => words(
            Weight::Good,
            "Its code counts again.",
            "The dispute is decided: its price stays.".to_owned(),
        ),
        E::GiftWithdrawn { by, paid, by_right, .. } => words(
            Weight::Bad,
            match by {
                _ if *by_right => "The buyer went back on the contract.",
                Some(_) => "Staff took it back.",
                None => "It was taken back: its order was refunded, or nobody has to pay it any more.",
            },
            if *paid {
                "The code counts no more, and what was paid goes back.".to_owned()
            } else {
                "The code counts no more.".to_owned()
            },
        ),
    }
}
