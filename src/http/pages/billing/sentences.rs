//! What happened to a subscription, its orders and invoices, in words for people who audit it:
//! what, and in the detail why, with the dates, amounts and rules it was decided from.

use crate::domain::invoice_series::InvoiceSeriesEvent;
use crate::domain::order::{OrderEvent, PaidBy, Settlement};
use crate::domain::subscription::{CancelCause, HoldCause, SubscriptionEvent, Trigger};
use crate::http::ui::{Tone, format};
use crate::projections::subscription_timeline::Entry;
use chrono::{DateTime, Utc};

/// One event in words.
pub(super) struct Said {
    /// What happened.
    pub what: String,
    /// Why, with what it was decided from; may be empty.
    pub detail: String,
    /// How it is to be taken.
    pub tone: Tone,
}

fn said(tone: Tone, what: impl Into<String>, detail: impl Into<String>) -> Said {
    Said { what: what.into(), detail: detail.into(), tone }
}

/// The event of an entry in words. One that is not known here keeps its name.
pub(super) fn say(entry: &Entry) -> Said {
    if let Some(event) = entry.decode::<SubscriptionEvent>() {
        subscription(&event)
    } else if let Some(event) = entry.decode::<OrderEvent>() {
        order(&event)
    } else if let Some(event) = entry.decode::<InvoiceSeriesEvent>() {
        invoice(&event)
    } else {
        said(Tone::Plain, entry.kind.clone(), "")
    }
}

/// Whether the event made the subscription stand where it stands.
pub(super) fn is_decisive(entry: &Entry) -> bool {
    use SubscriptionEvent as E;
    matches!(
        entry.decode::<SubscriptionEvent>(),
        Some(
            E::SubscriptionJoined { .. }
                | E::SubscriptionActivated { .. }
                | E::SubscriptionRenewed { .. }
                | E::SubscriptionResumed { .. }
                | E::SubscriptionPutOnHold { .. }
                | E::CancellationScheduled { .. }
                | E::CancellationUndone { .. }
                | E::SubscriptionCancelled { .. }
                | E::SubscriptionExpired { .. }
                | E::SubscriptionParked { .. }
        )
    )
}

fn moment(at: DateTime<Utc>) -> String {
    format::moment_text(at)
}

fn trigger(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Join => "joining",
        Trigger::Clock => "the billing clock",
        Trigger::Member => "the member",
    }
}

fn subscription(event: &SubscriptionEvent) -> Said {
    use SubscriptionEvent as E;
    match event {
        E::SubscriptionJoined { terms, method, country, .. } => said(
            Tone::Info,
            format!("Joined {}, {}", terms.plan_name, terms.interval.adjective()),
            format!(
                "{} each period, tax included, {}. Country of the buyer: {country}.",
                terms.price,
                method.as_ref().map_or_else(
                    || "paid by hand".to_owned(),
                    |method| format!("charged by {}", method.gateway)
                )
            ),
        ),
        E::FirstOrderRequested { amount, due_on, .. } => said(
            Tone::Plain,
            "The first period is to be paid",
            format!("{amount}, due on {}. Access begins with the payment.", format::day(*due_on)),
        ),
        E::RenewalOrderRequested { index, period, anchor, due_at, pay_by, amount, behind, .. } => said(
            Tone::Plain,
            format!("{} renewal is due", ordinal(*index)),
            format!(
                "{amount} for {} to {}, counted from the anchor {}. Due {}.{}{}",
                format::day(period.start),
                format::day(period.end),
                format::day(*anchor),
                moment(*due_at),
                pay_by.map(|by| format!(" To be paid by hand until {}.", moment(by))).unwrap_or_default(),
                if *behind > 1 {
                    format!(" {behind} periods had begun unpaid, after an outage.")
                } else {
                    String::new()
                }
            ),
        ),
        E::ChargeRequested { method, trigger: by, number, scheduled_for, .. } => said(
            Tone::Plain,
            if *number > 0 { format!("Charge, attempt {number}") } else { "Charge".into() },
            format!(
                "{} is asked for the money, set off by {}, due {}.",
                method.gateway,
                trigger(*by),
                moment(*scheduled_for)
            ),
        ),
        E::ChargeAwaitsAction { until, .. } => said(
            Tone::Info,
            "The card's holder has to confirm the charge",
            format!("Until {}.", moment(*until)),
        ),
        E::ChargeActionMissed { until, .. } => said(
            Tone::Warning,
            "The charge was not confirmed in time",
            format!("It could have been until {}.", moment(*until)),
        ),
        E::RenewalPaymentFailed { code, hard, failures, retry_at, counted_from, policy, .. } => said(
            Tone::Danger,
            format!("Payment failed, {} time", ordinal(u32::from(*failures))),
            format!(
                "The gateway said {code}{}. Rule: {} attempts, {} days apart, counted from {}. {}",
                if *hard { ", which no further attempt changes" } else { "" },
                policy.attempts,
                policy.retry_after_days,
                moment(*counted_from),
                retry_at.map_or_else(
                    || "It is not tried again.".to_owned(),
                    |at| format!("It is tried again {}.", moment(at))
                )
            ),
        ),
        E::MemberPaymentFailed { code, hard, .. } => said(
            Tone::Warning,
            "A payment that the member started failed",
            format!(
                "The gateway said {code}{}. Nothing else changes.",
                if *hard { ", which no further attempt changes" } else { "" }
            ),
        ),
        E::SubscriptionActivated { paid_at, period, paid_until, .. } => said(
            Tone::Success,
            "Paid for the first time: access begins",
            format!(
                "Paid {}; that day is the anchor. The period lasts to {}, paid until {}.",
                moment(*paid_at),
                format::day(period.end),
                moment(*paid_until)
            ),
        ),
        E::SubscriptionRenewed { paid_at, period, paid_until, .. } => said(
            Tone::Success,
            "Renewed",
            format!(
                "Paid {} for {} to {}; paid until {}.",
                moment(*paid_at),
                format::day(period.start),
                format::day(period.end),
                moment(*paid_until)
            ),
        ),
        E::SubscriptionResumed { paid_at, previous_anchor, period, paid_until, .. } => said(
            Tone::Success,
            "Paid after being on hold: access begins again",
            format!(
                "Paid {}; a new interval starts that day instead of {}. The period lasts to {}, paid until {}.",
                moment(*paid_at),
                format::day(*previous_anchor),
                format::day(period.end),
                moment(*paid_until)
            ),
        ),
        E::SubscriptionPutOnHold { cause, due_on, expires_at, policy, .. } => said(
            Tone::Danger,
            format!("Put on hold: {}", hold(*cause)),
            format!(
                "The order was due on {}. Rule: at most {} attempts, {} days apart. Without payment it expires {}.",
                format::day(*due_on),
                policy.attempts,
                policy.retry_after_days,
                moment(*expires_at)
            ),
        ),
        E::CancellationScheduled { ends_at, ends_on } => said(
            Tone::Warning,
            "Cancellation: it ends with its paid time",
            format!("Access until {}; {} is the first day without.", moment(*ends_at), format::day(*ends_on)),
        ),
        E::CancellationUndone { next_due_on } => said(
            Tone::Success,
            "The cancellation was undone",
            format!("The next payment is due on {}.", format::day(*next_due_on)),
        ),
        E::SubscriptionCancelled { cause, ended_at, abandoned_order } => said(
            Tone::Info,
            match cause {
                CancelCause::PaidTimeEnded => "Ended as wished: the paid time is over",
                CancelCause::WasOnHold => "Ended as wished: it was on hold, so nothing was paid for",
            },
            format!(
                "Ended {}.{}",
                moment(*ended_at),
                if abandoned_order.is_some() { " The open order need not be paid any more." } else { "" }
            ),
        ),
        E::SubscriptionExpired { due_on, weeks, ended_at, .. } => said(
            Tone::Info,
            format!("Expired after {weeks} weeks on hold"),
            format!("The order due on {} was not paid. Ended {}.", format::day(*due_on), moment(*ended_at)),
        ),
        E::PaymentMethodChanged { method } => said(
            Tone::Plain,
            "Another payment method is charged from now on",
            format!("By {}.", method.gateway),
        ),
        E::ManagerToldOfRenewal { due_on, amount } => said(
            Tone::Plain,
            "The manager was told of the next period",
            format!("{amount} on {}.", format::day(*due_on)),
        ),
        E::RenewalAnnounced { due_on, amount, days_before } => said(
            Tone::Plain,
            "The member was told of the renewal ahead",
            format!("{amount} on {}, {days_before} days before.", format::day(*due_on)),
        ),
        E::SubscriptionParked { behind, limit, oldest_due_on } => said(
            Tone::Warning,
            "Set aside for staff to decide",
            format!(
                "{behind} periods were not billed, the oldest due on {}; more than {limit} are never caught up without asking.",
                format::day(*oldest_due_on)
            ),
        ),
        E::SubscriptionUnparked { waived, billed, next_due_on } => said(
            Tone::Success,
            "Staff let it go on",
            format!(
                "{waived} periods are waived, {billed} will be billed, one a day. The next payment is due on {}.",
                format::day(*next_due_on)
            ),
        ),
        E::PaymentReceivedAfterEnd { paid_at, .. } => said(
            Tone::Warning,
            "Money came after the end",
            format!("Paid {}; staff decide what becomes of it.", moment(*paid_at)),
        ),
    }
}

fn hold(cause: HoldCause) -> &'static str {
    match cause {
        HoldCause::DeclinedTooOften => "the payment was declined too often",
        HoldCause::HardDecline => "the card cannot be charged any more",
        HoldCause::NotPaidInTime => "the order was not paid in time",
    }
}

fn order(event: &OrderEvent) -> Said {
    use OrderEvent as E;
    match event {
        E::OrderPlaced { number, items, tax, settlement, .. } => said(
            Tone::Plain,
            format!("Order {number}: {}", items.first().map_or("", |item| item.description.as_str())),
            format!(
                "{} with {} tax at {}.{:02} % of {}, looked up for {}. {}",
                tax.gross,
                tax.tax,
                tax.basis_points / 100,
                tax.basis_points % 100,
                tax.country,
                format::day(tax.supplied_on),
                match settlement {
                    Settlement::Charge { gateway } => format!("Charged by {gateway}."),
                    Settlement::Transfer { reference, .. } =>
                        format!("By bank transfer, reference {reference}."),
                }
            ),
        ),
        E::PaymentAttemptStarted { amount, method, .. } => {
            said(Tone::Plain, format!("{} is charged {amount}", method.gateway), "")
        }
        E::PaymentSucceeded { amount, gateway, gateway_reference, .. } => said(
            Tone::Success,
            format!("{gateway} took {amount}"),
            format!("Its number of the charge: {gateway_reference}."),
        ),
        E::PaymentDeclined { gateway, code, hard, .. } => said(
            Tone::Danger,
            format!("{gateway} declined the charge: {code}"),
            if *hard { "Trying again is useless." } else { "" },
        ),
        E::PaymentActionRequired { gateway, until, .. } => said(
            Tone::Info,
            format!("{gateway} wants the holder to confirm"),
            format!("Until {}.", moment(*until)),
        ),
        E::PaymentAttemptCancelled { gateway, .. } => {
            said(Tone::Plain, format!("The charge at {gateway} was withdrawn"), "")
        }
        E::PaymentOutcomeUnknown { gateway, lookups, look_again_at, .. } => said(
            Tone::Warning,
            format!("{gateway} did not say whether it charged"),
            format!(
                "Looked up {lookups} times; asked again {}. Nothing is charged twice.",
                moment(*look_again_at)
            ),
        ),
        E::PaymentParked { gateway, lookups, .. } => said(
            Tone::Warning,
            format!("{gateway} never said whether it charged"),
            format!("Looked up {lookups} times; staff decide."),
        ),
        E::TransferReceived { received, rest, .. } => said(
            if rest.minor > 0 { Tone::Warning } else { Tone::Success },
            format!("A transfer of {received} came"),
            if rest.minor > 0 { format!("{rest} is still missing.") } else { String::new() },
        ),
        E::OrderPaid { amount, paid_by, .. } => said(
            Tone::Success,
            format!("The order of {amount} is paid"),
            match paid_by {
                PaidBy::Charge { .. } => "By a charge.",
                PaidBy::Transfer => "By bank transfer.",
            },
        ),
        E::OrderOverpaid { over, cause, .. } => {
            said(Tone::Warning, format!("{over} came too much"), cause.clone())
        }
        E::OrderFailed { cause, .. } => said(Tone::Danger, "The order failed", cause.clone()),
        E::OrderCancelled { cause, .. } => {
            said(Tone::Plain, "The order need not be paid any more", cause.clone())
        }
    }
}

fn invoice(event: &InvoiceSeriesEvent) -> Said {
    match event {
        InvoiceSeriesEvent::InvoiceIssued { number, document, .. } => said(
            Tone::Success,
            format!("Invoice {number} was issued"),
            format!(
                "{} with {} tax, for order {}.",
                document.tax.gross, document.tax.tax, document.order_number
            ),
        ),
        InvoiceSeriesEvent::CreditNoteIssued { number, document, .. } => {
            said(Tone::Info, format!("Credit note {number} was issued"), format!("{}.", document.tax.gross))
        }
    }
}

/// `1st`, `2nd`, `3rd`, `4th`.
fn ordinal(number: u32) -> String {
    let end = match (number % 10, number % 100) {
        (1, rest) if rest != 11 => "st",
        (2, rest) if rest != 12 => "nd",
        (3, rest) if rest != 13 => "rd",
        _ => "th",
    };
    format!("{number}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_are_english() {
        let all: Vec<String> = [1, 2, 3, 4, 11, 12, 13, 21, 112].into_iter().map(ordinal).collect();
        assert_eq!(all, ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th"]);
    }
}
