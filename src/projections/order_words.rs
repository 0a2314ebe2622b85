//! What happened to an order, in words for the timeline of its subscription.

use super::subscription_words::{Weight, Words, moment, words};
use crate::domain::order::{OrderEvent, PaidBy, RefundOf, RefundVia, Settlement};
use crate::domain::shared::Money;
use crate::domain::shared::calendar::day_words;
use crate::domain::shared::payment::OrderReason;

fn back(of: RefundOf, via: &RefundVia) -> String {
    let what = match of {
        RefundOf::Price => "back of the price",
        RefundOf::Overpayment => "back of what came too much",
    };
    match via {
        RefundVia::Charge { gateway, .. } => format!("{what} through {gateway}"),
        RefundVia::Transfer => format!("{what} by bank transfer"),
        RefundVia::Credit => format!("{what} to the member's credit"),
    }
}

/// What is still to come, in words.
fn missing(rest: Money) -> String {
    if rest.minor > 0 { format!("{rest} is missing") } else { "nothing is missing".into() }
}

pub(super) fn order(event: &OrderEvent) -> Words {
    use OrderEvent as E;
    match event {
        E::OrderPlaced { number, tax, reason, settlement, credit, .. } => {
            let kind = match reason {
                OrderReason::Join => "for the first period",
                OrderReason::Renewal => "for the renewal",
                OrderReason::PlanChange => "for the change of plan",
                OrderReason::Gift => "for a gift",
            };
            let way = match settlement {
                Settlement::Charge { gateway } => format!("charged through {gateway}"),
                Settlement::Transfer { reference, .. } => format!("by transfer with reference {reference}"),
            };
            let paid = credit.map(|c| format!(" {c} of it comes from the member's credit.")).unwrap_or_default();
            words(Weight::Plain, format!("Order {number} {kind}: {}, {way}.{paid}", tax.gross), tax.words())
        }
        E::PaymentAttemptStarted { amount, method, .. } => words(
            Weight::Plain,
            format!("About to charge {amount} through {}.", method.gateway),
            "Written before the gateway is called; the attempt's id is the gateway's key, so that a repetition is the same charge.".to_owned(),
        ),
        E::PaymentSucceeded { amount, gateway, gateway_reference, .. } => {
            words(Weight::Good, format!("{gateway} took {amount} ({gateway_reference})."), None)
        }
        E::PaymentDeclined { gateway, code, hard, .. } => {
            let kind = if *hard { "a hard decline" } else { "it may work later" };
            words(Weight::Bad, format!("{gateway} declined the charge: {code}, {kind}."), None)
        }
        E::PaymentActionRequired { gateway, until, .. } => words(
            Weight::Watch,
            format!("{gateway} asks the holder of the card to confirm, until {}.", moment(*until)),
            None,
        ),
        E::PaymentAttemptCancelled { gateway, .. } => {
            words(Weight::Watch, format!("The charge was withdrawn at {gateway}; nothing was taken."), None)
        }
        E::PaymentOutcomeUnknown { gateway, lookups, look_again_at, .. } => words(
            Weight::Watch,
            format!("{gateway} did not answer: it is not known whether money was taken."),
            format!("Never tried again blindly; looked up at {} (look-ups so far: {lookups}).", moment(*look_again_at)),
        ),
        E::PaymentParked { gateway, lookups, .. } => words(
            Weight::Bad,
            format!("{gateway} could not say what became of the charge; staff have to find out."),
            format!("After {lookups} look-ups."),
        ),
        E::TransferReceived { received, rest, .. } => {
            words(Weight::Good, format!("{received} arrived by transfer; {}.", missing(*rest)), None)
        }
        E::DirectDebitSent { amount, collect_on, .. } => words(
            Weight::Plain,
            format!("{amount} is collected by direct debit on {}.", day_words(*collect_on)),
            "It stands in a file for the bank; each order stands in one file only.".to_owned(),
        ),
        E::DirectDebitReturned { reason, taken_back, reopened, of_overpaid, rest, .. } => words(
            Weight::Bad,
            format!("The bank gave the direct debit back ({reason}); {taken_back} is gone."),
            match (of_overpaid, rest) {
                (_, Some(rest)) => Some(format!("The order is open again: {rest} is missing.")),
                _ if *reopened => Some("The order is open again.".to_owned()),
                (Some(spare), _) => Some(format!("{spare} of it had come too much: the order stays paid.")),
                _ => None,
            },
        ),
        E::DirectDebitRejected { reason, .. } => words(
            Weight::Bad,
            format!("The bank does not collect the direct debit ({reason})."),
            "No money comes by it; each order stands in one file only, so it is to be paid in another way.".to_owned(),
        ),
        E::OrderPaid { amount, paid_by, .. } => {
            let how = match paid_by {
                PaidBy::Charge { .. } => "by the charge",
                PaidBy::Transfer => "by transfer",
                PaidBy::Credit => "from the member's credit",
            };
            words(Weight::Good, format!("The order is paid: {amount}, {how}."), None)
        }
        E::OrderOverpaid { over, cause, .. } if cause == "refund-failed" => words(
            Weight::Bad,
            format!("{over} that had gone back came back: staff give it back another way."),
            "A credit note that was written for it stands; it counts as what came too much.".to_owned(),
        ),
        E::OrderOverpaid { over, cause, .. } => {
            words(Weight::Bad, format!("{over} too much was paid ({cause}); staff return it or make it a credit."), None)
        }
        E::RefundProposed { of, via, amount, limit, .. } => words(
            Weight::Watch,
            format!("Staff want to give {amount} {}; a second person has to agree.", back(*of, via)),
            format!("Above {limit} nobody decides alone."),
        ),
        E::RefundLapsed { .. } => words(
            Weight::Plain,
            "The refund lapsed: no second person decided in time, and nothing goes back.",
            None,
        ),
        E::RefundDismissed { .. } => words(
            Weight::Plain,
            "Staff have settled otherwise what the payment service did not return.",
            None,
        ),
        E::RefundRejected { .. } => words(Weight::Plain, "This refund does not go back: it was turned down, or the buyer's withdrawal took its place.", None),
        E::RefundStarted { via: RefundVia::Credit, amount, approved_by, .. } => words(
            Weight::Plain,
            format!("{amount} becomes credit of the member."),
            approved_by.map(|_| "A second person agreed.".to_owned()),
        ),
        E::RefundStarted { of, via, amount, approved_by, .. } => words(
            Weight::Plain,
            format!("About to give {amount} {}.", back(*of, via)),
            format!(
                "{}Written before anything leaves; the refund's id is the gateway's key, so that a repetition is the same refund.",
                if approved_by.is_some() { "A second person agreed. " } else { "" }
            ),
        ),
        E::OrderCreditApplied { amount, rest, .. } => {
            words(Weight::Good, format!("{amount} was paid from the member's credit; {}.", missing(*rest)), None)
        }
        E::OrderCreditReleased { amount, .. } => words(
            Weight::Plain,
            format!("{amount} is credit of the member again."),
            "Nobody has to pay the order that they were used for.".to_owned(),
        ),
        E::RefundSucceeded { of, via, amount, before, gateway_reference, .. } => words(
            Weight::Good,
            format!("{amount} went {} ({gateway_reference}).", back(*of, via)),
            match of {
                RefundOf::Price if before.minor > 0 => format!("{before} of the price had gone back before."),
                RefundOf::Price => "A credit note corrects the invoice.".to_owned(),
                RefundOf::Overpayment => "It was never invoiced: no credit note is due.".to_owned(),
            },
        ),
        E::RefundAwaitsDispute(waits) => words(
            Weight::Watch,
            format!("The buyer has a right to {} of {} parts of the price: it waits for the end of the dispute.", waits.part, waits.of),
            "What the bank may have taken away is not sent once more. What is left then goes back.".to_owned(),
        ),
        E::InvoiceReissueRequested(_) => words(
            Weight::Plain,
            "The invoice is taken back by a credit note, and issued anew with the member's present billing details.",
            "Lines, price and tax stay as they were.".to_owned(),
        ),
        E::RefundRefused { code, .. } => {
            words(Weight::Bad, format!("The gateway refused the refund: {code}. Nothing went back."), None)
        }
        E::RefundOutcomeUnknown { lookups, look_again_at, .. } => words(
            Weight::Watch,
            "The gateway did not answer: it is not known whether the refund was made.",
            format!("Looked up at {} (look-ups so far: {lookups}).", moment(*look_again_at)),
        ),
        E::RefundParked { lookups, .. } => words(
            Weight::Bad,
            "The gateway could not say what became of the refund; staff have to find out.",
            format!("After {lookups} look-ups."),
        ),
        E::OrderFulfilled { .. } => {
            words(Weight::Plain, "What the order paid for has been given to its end.", None)
        }
        E::OrderRefunded { .. } => words(Weight::Plain, "The whole price of the order has gone back.", None),
        E::PaymentDisputed { gateway, amount, reason, dispute, .. } => words(
            Weight::Bad,
            format!("The holder of the card asked their bank for {amount} back ({reason})."),
            format!("{gateway} calls it {dispute}. The money is held back until it is decided; answer at the payment service."),
        ),
        E::DisputeClosed { won: true, amount, .. } => {
            words(Weight::Good, format!("The dispute is decided: the studio keeps {amount}."), None)
        }
        E::DisputeClosed { won: false, amount, .. } => {
            words(Weight::Bad, format!("The dispute is decided: {amount} is gone."), None)
        }
        E::OrderFailed { cause, .. } => {
            words(Weight::Bad, format!("Collecting was given up ({cause}); the order can still be paid by hand."), None)
        }
        E::OrderCancelled { cause, .. } => {
            words(Weight::Plain, format!("The order was cancelled ({cause}): nobody has to pay it."), None)
        }
    }
}
