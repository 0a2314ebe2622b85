//! The lines of the timeline of a subscription, or a gift, in words: what happened, and from what it was decided.
//! Made when they are read, so that better words need no new fold of the log.

use super::subscription_timeline::Entry;
use super::{debit_words, due_day_words, plan_change_words, renewal_words, studio_zone};
use crate::domain::approval::ApprovalEvent;
use crate::domain::credit::CreditEvent;
use crate::domain::gift::GiftEvent;
use crate::domain::invoice_series::InvoiceSeriesEvent;
use crate::domain::order::OrderEvent;
use crate::domain::shared::calendar::day_words;
use crate::domain::shared::payment::BillingPolicy;
use crate::domain::shared::vat_number::VatCheck;
use crate::domain::subscription::{
    CancelCause, CancelReason, HoldCause, PauseBegun, PauseOver, PriceNotice, Rebate, SubscriptionEvent,
    TrialNotice, Trigger, UnusedDays, Withdrawal,
};
use crate::domain::team::TeamEvent;
use crate::store::Actor;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// How a line is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// One of many.
    Plain,
    /// Something went well.
    Good,
    /// Something needs patience or attention.
    Watch,
    /// Something failed or ended.
    Bad,
}

/// A line in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Words {
    /// What happened.
    pub what: String,
    /// The rule and what it was decided from.
    pub why: Option<String>,
    /// How it is to be taken.
    pub weight: Weight,
}

pub(super) fn words(weight: Weight, what: impl Into<String>, why: impl Into<Option<String>>) -> Words {
    Words { what: what.into(), why: why.into(), weight }
}

pub(super) fn moment(at: DateTime<Utc>) -> String {
    studio_zone::zone().moment_words(at)
}

pub(super) fn rules(policy: &BillingPolicy) -> String {
    format!(
        "Settings in force: {} attempts, {} days apart, expiry {} weeks after the due date.",
        policy.attempts, policy.retry_after_days, policy.expire_after_weeks
    )
}

fn rebate_words(rebate: &Rebate) -> String {
    let of = rebate.of.map(|n| format!(" of {n}")).unwrap_or_default();
    format!(" {} less {} by coupon {} (period {}{of}).", rebate.full, rebate.off, rebate.code, rebate.number)
}

fn because(reason: Option<CancelReason>) -> String {
    reason.map(|r| format!(" The member says: {}.", r.words())).unwrap_or_default()
}

fn until_words(until: Option<chrono::NaiveDate>) -> String {
    until.map_or_else(|| "until the member ends it".into(), |day| format!("until {}", day_words(day)))
}

/// Who or which run caused a line; accounts by their role in it, never by name.
#[must_use]
pub fn actor_words(entry: &Entry) -> String {
    match (&entry.actor, &entry.run) {
        _ if entry.by_member => "the member".into(),
        (Actor::Account(id), _) => format!("staff {id}"),
        (Actor::Visitor, _) => "a visitor".into(),
        (Actor::System(name), Some((job, slot))) if name == job => format!("{job} of {}", moment(*slot)),
        (Actor::System(name), Some((job, slot))) => format!("{name}, after {job} of {}", moment(*slot)),
        (Actor::System(name), None) => name.clone(),
    }
}

/// The line in words.
#[must_use]
pub fn describe(entry: &Entry) -> Words {
    if let Some(event) = entry.decode::<SubscriptionEvent>() {
        return subscription(&event);
    }
    if let Some(event) = entry.decode::<OrderEvent>() {
        return super::order_words::order(&event);
    }
    if let Some(event) = entry.decode::<CreditEvent>() {
        return super::credit_words::credit(&event);
    }
    if let Some(event) = entry.decode::<ApprovalEvent>() {
        return super::approval_words::approval(&event);
    }
    if let Some(event) = entry.decode::<TeamEvent>() {
        return super::team_words::team(&event);
    }
    if let Some(event) = entry.decode::<GiftEvent>() {
        return super::gift_words::gift(&event);
    }
    match entry.decode::<InvoiceSeriesEvent>() {
        Some(InvoiceSeriesEvent::InvoiceIssued { number, document, .. }) => {
            let why = "The next number of this year's series; issued once for the order.".to_owned();
            words(Weight::Plain, format!("Invoice {number} issued: {}.", document.tax.gross), why)
        }
        Some(InvoiceSeriesEvent::CreditNoteIssued { number, document, .. }) => {
            let corrected = document.corrects.as_deref().unwrap_or("the invoice");
            words(
                Weight::Plain,
                format!(
                    "Credit note {number} issued: {} {corrected}.",
                    if document.refund.is_some() {
                        format!("{} of", document.tax.gross)
                    } else {
                        "it takes back".into()
                    }
                ),
                Some(document.tax.words()).filter(|_| document.refund.is_some()),
            )
        }
        None => words(Weight::Plain, entry.kind.clone(), None),
    }
}

/// An event of a subscription in words.
#[must_use]
pub fn subscription(event: &SubscriptionEvent) -> Words {
    use SubscriptionEvent as E;
    match event {
        E::SubscriptionJoined { terms, country, method, .. } => {
            let collection: &'static str = terms.collection.into();
            let pays = if method.is_some() { "with a saved payment method" } else { "by transfer" };
            words(
                Weight::Plain,
                format!(
                    "Joined {}, {} at {}, {pays}.",
                    terms.plan_name,
                    terms.interval.adjective(),
                    terms.price
                ),
                format!(
                    "Terms copied from the plan: {} per {}, {collection} collection. Billing country {country}; dates begin in {}.",
                    terms.price,
                    terms.interval.words(),
                    terms.zone
                ),
            )
        }
        E::FirstOrderRequested { amount, due_on, rebate, .. } => words(
            Weight::Plain,
            format!("The first period is to be paid: {amount}, due {}.", day_words(*due_on)),
            format!(
                "The first period starts on the day of payment; that day becomes the anchor.{}",
                rebate.as_ref().map(rebate_words).unwrap_or_default()
            ),
        ),
        E::RenewalOrderRequested {
            index,
            period,
            anchor,
            due_at,
            pay_by,
            amount,
            behind,
            policy,
            rebate,
            ..
        } => {
            let mut why = format!(
                "Period {} counted from the anchor {}: {}, clamped to the month's last day, is {}. Due at {}. {}",
                index + 1,
                day_words(*anchor),
                if *index == 1 { "1 interval later".to_owned() } else { format!("{index} intervals later") },
                day_words(period.start),
                moment(*due_at),
                rules(policy)
            );
            if let Some(by) = pay_by {
                why.push_str(&format!(" To be paid by hand until {}.", moment(*by)));
            }
            why.push_str(&rebate.as_ref().map(rebate_words).unwrap_or_default());
            if *behind > 1 {
                why.push_str(&format!(" {behind} periods have begun unpaid: the oldest is billed first."));
            }
            let what =
                format!("Renewal: {amount} for {} up to {}.", day_words(period.start), day_words(period.end));
            words(Weight::Plain, what, why)
        }
        E::ChargeRequested { trigger, number, scheduled_for, .. } => {
            let what = match trigger {
                Trigger::Join => "Charge requested on joining.".to_owned(),
                Trigger::Member => "The member asked to pay the open order.".to_owned(),
                Trigger::Clock => format!("Charge requested by the clock: attempt {number}."),
            };
            words(Weight::Plain, what, format!("It was due at {}.", moment(*scheduled_for)))
        }
        E::ChargeAwaitsAction { until, .. } => words(
            Weight::Watch,
            format!("The holder of the card has to confirm the charge, until {}.", moment(*until)),
            "The gateway asked for a confirmation (3-D Secure); without it the attempt counts as declined."
                .to_owned(),
        ),
        E::ChargeActionMissed { until, .. } => words(
            Weight::Watch,
            "The charge was not confirmed in time and is withdrawn.",
            format!("It could be confirmed until {}.", moment(*until)),
        ),
        E::RenewalPaymentFailed { .. } => renewal_words::failed(event),
        E::MemberPaymentFailed { code, .. } => words(
            Weight::Watch,
            format!("The payment that the member started failed ({code})."),
            "Attempts that members start are not counted.".to_owned(),
        ),
        E::SubscriptionActivated { period, paid_until, .. } => words(
            Weight::Good,
            format!("Active: paid from {} up to {}.", day_words(period.start), day_words(period.end)),
            format!("The day of payment is the anchor. Access until {}.", moment(*paid_until)),
        ),
        E::SubscriptionRenewed { period, paid_until, .. } => words(
            Weight::Good,
            format!("Renewed: paid from {} up to {}.", day_words(period.start), day_words(period.end)),
            format!("Access until {}.", moment(*paid_until)),
        ),
        E::SubscriptionResumed { period, previous_anchor, .. } => words(
            Weight::Good,
            format!("Active again: paid from {} up to {}.", day_words(period.start), day_words(period.end)),
            format!(
                "Paid late: the new interval starts on the day of payment, which replaces the anchor {}.",
                day_words(*previous_anchor)
            ),
        ),
        E::DebitAwaited { .. }
        | E::DebitRejected { .. }
        | E::PaymentReversed { .. }
        | E::EarlierPaymentReversed(_)
        | E::EarlierOrderPaid { .. } => debit_words::debit(event),
        E::SubscriptionPutOnHold { cause, due_on, expires_at, policy, .. } => words(
            Weight::Bad,
            "On hold: access has ended until the order is paid.",
            format!(
                "{} The order was due on {}; it expires at {}. {}",
                match cause {
                    HoldCause::DeclinedTooOften => "As many attempts failed as the settings allow.",
                    HoldCause::HardDecline => "The card cannot be charged any more.",
                    HoldCause::NotPaidInTime => "The order was not paid by its date.",
                    HoldCause::DebitReturned => "The bank gave the direct debit back to its holder.",
                    HoldCause::TrialEnded => "The trial ended, and there was nothing to charge.",
                },
                day_words(*due_on),
                moment(*expires_at),
                rules(policy)
            ),
        ),
        E::BillingDetailsChanged { country, vat_number, vat_check, .. } => words(
            Weight::Plain,
            format!("Billing details changed: country {country}."),
            vat_number.as_ref().map(|_| match vat_check {
                None => "A business with a VAT number.".to_owned(),
                Some(VatCheck::Pending) => {
                    "A business with a VAT number; the register did not answer, and is asked again."
                        .to_owned()
                }
                Some(_) => "A business with a VAT number that the register knows.".to_owned(),
            }),
        ),
        E::VatNumberChecked { check, .. } => match check {
            VatCheck::Confirmed { consultation } => words(
                Weight::Good,
                "The register knows the VAT number.",
                consultation.as_ref().map(|id| format!("Consultation {id}.")),
            ),
            VatCheck::Refused => words(
                Weight::Bad,
                "The register does not know the VAT number.",
                "From the next order on the buyer is taken for a private one.".to_owned(),
            ),
            VatCheck::Pending => {
                words(Weight::Watch, "The register did not answer for the VAT number.", None)
            }
        },
        E::TrialStarted { days, ends_on, access_until, .. } => words(
            Weight::Good,
            format!("Trial of {days} days: the first payment is due on {}.", day_words(*ends_on)),
            format!("Days before the first payment, by the plan. Access until {}.", moment(*access_until)),
        ),
        E::TrialEndAnnounced(TrialNotice { ends_on, amount, charged, days_before }) => words(
            Weight::Plain,
            format!("The member was reminded: the trial ends on {}.", day_words(*ends_on)),
            if *charged {
                format!("{days_before} days before; then {amount} is charged.")
            } else {
                format!("{days_before} days before; there is no payment method for the {amount} yet.")
            },
        ),
        E::PauseScheduled { from, until } => words(
            Weight::Watch,
            format!("A pause is planned from {} on, {}.", day_words(*from), until_words(*until)),
            "Nothing is billed and nothing can be watched in a pause.".to_owned(),
        ),
        E::PauseWithdrawn { from } => {
            words(Weight::Plain, format!("The pause from {} on was given up.", day_words(*from)), None)
        }
        E::SubscriptionPaused(PauseBegun { from, until, days_left, .. }) => words(
            Weight::Watch,
            format!("Paused from {} on, {}.", day_words(*from), until_words(*until)),
            format!("{days_left} days are paid for beyond that day; they run on after the pause."),
        ),
        E::PauseEnded(PauseOver { from, on, days_left, previous_anchor, anchor, .. }) => words(
            Weight::Good,
            format!(
                "The pause ended on {}: the next payment is due on {}.",
                day_words(*on),
                day_words(*anchor)
            ),
            format!(
                "It began on {} with {days_left} days left: {} + {days_left} days is the new anchor, instead of {}.",
                day_words(*from),
                day_words(*on),
                day_words(*previous_anchor)
            ),
        ),
        E::PlanChangeRequested { .. }
        | E::PlanChangeDropped { .. }
        | E::PlanChangeScheduled { .. }
        | E::PlanChangeWithdrawn {}
        | E::PlanChanged { .. }
        | E::PlanBegan { .. }
        | E::PaymentRefunded { .. } => plan_change_words::plan_change(event),
        E::CancellationScheduled { ends_at, ends_on, reason } => words(
            Weight::Watch,
            format!("Cancelled: access stays until {}.", day_words(*ends_on)),
            format!("What is paid for stays; it ends at {}.{}", moment(*ends_at), because(*reason)),
        ),
        E::CancellationUndone { next_due_on } => words(
            Weight::Good,
            format!("The cancellation was undone; next payment {}.", day_words(*next_due_on)),
            None,
        ),
        E::EndAwaited { .. } => words(
            Weight::Bad,
            "It ends as soon as the result of the charge under way is known.",
            "The holder of the card asked their bank for money back. What the charge takes goes back."
                .to_owned(),
        ),
        E::SubscriptionCancelled { cause, ended_at, reason, .. } => words(
            Weight::Bad,
            "The subscription ended.",
            format!(
                "{} In effect from {}.{}",
                match cause {
                    CancelCause::PaidTimeEnded => "It was cancelled, and the paid time is over.",
                    CancelCause::EndedByStaff => "Staff ended it at once.",
                    CancelCause::Disputed => "The holder of the card asked their bank for the money back.",
                    CancelCause::Withdrawn => "The member went back on the contract.",
                    CancelCause::WasOnHold => "It was cancelled while on hold: nothing was paid for.",
                },
                moment(*ended_at),
                because(*reason)
            ),
        ),
        E::SubscriptionExpired { due_on, weeks, .. } => words(
            Weight::Bad,
            "The subscription expired.",
            format!("Not paid for {weeks} weeks after {}.", day_words(*due_on)),
        ),
        E::PaidTimeExtended { days, from, to, paid_until, by_staff } => {
            due_day_words::later(*days, (*from, *to), *paid_until, *by_staff)
        }
        E::GivenDaysTakenBack { days, from, to, paid_until } => {
            due_day_words::earlier(*days, (*from, *to), *paid_until)
        }
        E::PeriodWaived { period, restarts, paid_until, .. } => words(
            Weight::Good,
            format!(
                "Staff waived the order: {} up to {} is free.",
                day_words(period.start),
                day_words(period.end)
            ),
            format!(
                "{}Access until {}.",
                if *restarts { "It was on hold: the free time starts on the day of the act. " } else { "" },
                moment(*paid_until)
            ),
        ),
        E::DiscountGranted { discount } => words(
            Weight::Plain,
            format!("Coupon {}: {}.", discount.code, discount.words()),
            "It counts for the periods that are ordered from now on.".to_owned(),
        ),
        E::PriceChangeAnnounced(PriceNotice { previous, terms, from, notice_days, instead_of, .. }) => words(
            Weight::Watch,
            format!(
                "The member was told: {} instead of {previous} per {} for periods that begin on {} or later.",
                terms.price,
                terms.interval.words(),
                day_words(*from)
            ),
            format!(
                "Decided by staff for everybody who has that price, with at least {notice_days} days of notice.{}",
                instead_of
                    .map(|day| format!(" It takes the place of what was announced for {}.", day_words(day)))
                    .unwrap_or_default()
            ),
        ),
        E::TaxChangeAnnounced { change: c } => words(
            Weight::Watch,
            if c.amount == c.previous {
                let day = day_words(c.first_due);
                format!("The member was told that another rate does not come: {} on {day}.", c.amount)
            } else {
                let day = day_words(c.first_due);
                format!("The member was told: {} from {day} on, instead of {}.", c.amount, c.previous)
            },
            format!(
                "The rate of tax in {} from {} on moves the net price.",
                c.country.name(),
                day_words(c.from)
            ),
        ),
        E::WithdrawalDeclared(Withdrawal { joined_on, last_day, days, awaits }) => words(
            Weight::Bad,
            "The member went back on the contract.",
            format!(
                "Joined on {}; possible for {days} days, until {}.{}",
                day_words(*joined_on),
                day_words(*last_day),
                awaits.map_or("", |_| " It ends when the result of the charge under way is known.")
            ),
        ),
        E::UnusedDaysRefundRequested(UnusedDays { part, of, days_left, days_of_span, .. }) => words(
            Weight::Watch,
            format!("{days_left} of {days_of_span} days were not begun: their price goes back."),
            format!("{part}/{of} of what was paid, half up to the cent."),
        ),
        E::PaymentMethodChanged { .. } => words(Weight::Plain, "The payment method was changed.", None),
        E::ManagerToldOfRenewal { due_on, amount } => words(
            Weight::Plain,
            format!("The manager was told: {amount} due on {}.", day_words(*due_on)),
            "Managed collection: once per due date.".to_owned(),
        ),
        E::RenewalAnnounced { due_on, amount, days_before } => words(
            Weight::Plain,
            format!("The member was reminded: {amount} will be charged on {}.", day_words(*due_on)),
            format!("{days_before} days before a yearly renewal."),
        ),
        E::CardExpiryAnnounced { expires_on, days_before } => words(
            Weight::Plain,
            format!(
                "The member was reminded: the card is valid until {}.",
                day_words(expires_on.pred_opt().unwrap_or(*expires_on))
            ),
            format!("{days_before} days before a card ends."),
        ),
        E::SubscriptionParked { behind, limit, oldest_due_on } => words(
            Weight::Bad,
            format!("Parked for staff: {behind} periods have begun unpaid."),
            format!("More than {limit}; the oldest was due on {}.", day_words(*oldest_due_on)),
        ),
        E::SubscriptionUnparked { waived, billed, next_due_on } => words(
            Weight::Plain,
            format!("Staff let it go on: {waived} periods waived, {billed} to be billed."),
            format!("The next payment is due on {}.", day_words(*next_due_on)),
        ),
        E::SubscriptionMoved { from, .. } => super::credit_words::moved(*from),
        E::MailResent { about, .. } => words(
            Weight::Plain,
            format!("Staff had a mail sent once more: {}.", about.replace('_', " ")),
            None,
        ),
        E::PaymentReceivedAfterEnd { .. } => words(
            Weight::Bad,
            "Money came for this subscription after it had ended. Staff decide what to do with it.",
            None,
        ),
    }
}
