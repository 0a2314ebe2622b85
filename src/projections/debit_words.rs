//! Direct debits of a subscription in words, for its timeline.

use super::subscription_words::{Weight, Words, moment, words};
use crate::domain::order::order_number;
use crate::domain::shared::calendar::day_words;
use crate::domain::subscription::{EarlierReversal, RejectedDebit, SubscriptionEvent};

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
        E::EarlierPaymentReversed(EarlierReversal { order, given_up, .. }) => words(
            Weight::Bad,
            format!("The bank took the payment of order {} back.", order_number(*order)),
            if *given_up {
                "The contract was gone back on: nobody has to pay the order any more."
            } else {
                "What runs now does not rest on it: the order is owed, and the member is asked for it."
            }
            .to_owned(),
        ),
        E::EarlierOrderPaid { order, .. } => words(
            Weight::Good,
            format!(
                "Order {}, whose payment the bank had taken back, is paid after all.",
                order_number(*order)
            ),
            "It was owed; what is paid for and when does not change.".to_owned(),
        ),
        _ => words(Weight::Plain, "Something happened to the direct debit.", None),
    }
}
