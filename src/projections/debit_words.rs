//! Direct debits of a subscription in words, for its timeline.

use super::subscription_words::{Weight, Words, moment, words};
use crate::domain::shared::calendar::day_words;
use crate::domain::subscription::{RejectedDebit, SubscriptionEvent};

pub(super) fn debit(event: &SubscriptionEvent) -> Words {
    use SubscriptionEvent as E;
    match event {
        E::DebitAwaited { debit } => words(
            Weight::Watch,
            format!("The bank was told to collect the order on {}.", day_words(debit.collect_on)),
            format!("Until {} the order does not count as late.", moment(debit.until)),
        ),
        E::DebitRejected(RejectedDebit { reason, pay_by, .. }) => words(
            Weight::Bad,
            format!("The bank does not collect the order ({reason}); it is to be paid in another way."),
            format!(
                "From {} it counts as late: when it is due, or when the bank said so if that is later.",
                moment(*pay_by)
            ),
        ),
        E::PaymentReversed { unpaid } => words(
            Weight::Bad,
            "The bank took the payment back: its order is open again.",
            format!("The period from {} is not paid for any more.", day_words(unpaid.due_on)),
        ),
        _ => words(Weight::Plain, "Something happened to the direct debit.", None),
    }
}
