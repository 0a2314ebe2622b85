//! Of which events a mail tells, and what it says: a table, without anything being read or written.

#[cfg(test)]
mod tests;

use crate::actors::payments::bank_account;
use crate::actors::workflows::WorkflowError;
use crate::config::Config;
use crate::domain::approval::{Act, ApprovalEvent};
use crate::domain::credit::CreditEvent;
use crate::domain::order::{OrderEvent, RefundOf, RefundVia, order_number, transfer_reference};
use crate::domain::shared::payment::Collection;
use crate::domain::shared::tax::{Country, Tax};
use crate::domain::shared::tax_rates::RateTable;
use crate::domain::shared::vat_number::VatCheck;
use crate::domain::shared::{AccountId, Money};
use crate::domain::subscription::{
    CancelCause, Discounted, EarlierReversal, PauseOver, PriceNotice, Status, Subscription,
    SubscriptionEvent, Terms, TrialNotice, Withdrawal,
};
use crate::emails::billing::{
    BillingMail, NewPrice, OnHold, PaidNow, PlanCost, PlanNow, PlannedPlan, WithdrawalRight,
};
use crate::store::RecordedEvent;
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

/// What of events of orders, credits and approvals is told.
#[derive(Debug, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(super) enum Other {
    /// Money went back.
    Refunded { of: RefundOf, via: RefundVia, amount: Money },
    /// Less came than is owed.
    TransferShort { received: Money, rest: Money },
    /// Money came for an order that is cancelled.
    PaidForNothing { amount: Money },
    /// A holder asks the bank for the money back.
    Disputed { amount: Money, reason: String },
    /// The bank gave it back to them.
    DisputeLost { amount: Money },
    /// A refund did not go back, or nobody can say whether it did.
    RefundStuck { refund: Uuid, code: Option<String> },
    /// A refund waits for a second person.
    RefundWaits { by: AccountId, refund: Uuid, amount: Money, lapses_at: Option<DateTime<Utc>> },
    /// Credit was paid out.
    CreditPaidOut { amount: Money },
    /// An act waits for a second person.
    ActWaits { by: AccountId, account: AccountId, act: Act, lapses_at: DateTime<Utc> },
}

/// What an event of another kind than those of subscriptions has to tell.
pub(super) fn other(event: &RecordedEvent) -> Result<Option<Other>, WorkflowError> {
    if let Some(happened) = event.decode::<OrderEvent>()? {
        return Ok(of_order(happened));
    }
    if let Some(happened) = event.decode::<CreditEvent>()? {
        return Ok(of_credit(&happened));
    }
    Ok(event.decode::<ApprovalEvent>()?.and_then(of_approval))
}

fn of_order(happened: OrderEvent) -> Option<Other> {
    Some(match happened {
        OrderEvent::RefundSucceeded { of, via, amount, .. } => Other::Refunded { of, via, amount },
        OrderEvent::TransferReceived { received, rest, .. } if rest.minor > 0 => {
            Other::TransferShort { received, rest }
        }
        // No subscription hears of it: nothing is paid by it.
        OrderEvent::OrderOverpaid { over, cause, .. } if cause == "order-cancelled" => {
            Other::PaidForNothing { amount: over }
        }
        OrderEvent::PaymentDisputed { amount, reason, .. } => Other::Disputed { amount, reason },
        OrderEvent::DisputeClosed { won: false, amount, .. } => Other::DisputeLost { amount },
        OrderEvent::RefundRefused { refund, code, .. } => Other::RefundStuck { refund, code: Some(code) },
        OrderEvent::RefundParked { refund, .. } => Other::RefundStuck { refund, code: None },
        OrderEvent::RefundProposed { refund, amount, by, lapses_at, .. } => {
            Other::RefundWaits { by, refund, amount, lapses_at }
        }
        _ => return None,
    })
}

fn of_credit(happened: &CreditEvent) -> Option<Other> {
    match happened {
        CreditEvent::CreditPaidOut { amount, .. } => Some(Other::CreditPaidOut { amount: *amount }),
        _ => None,
    }
}

fn of_approval(happened: ApprovalEvent) -> Option<Other> {
    match happened {
        ApprovalEvent::SecondPersonAsked { act, account, by, lapses_at, .. } => {
            Some(Other::ActWaits { by, account, act, lapses_at })
        }
        _ => None,
    }
}

/// What is known when a mail about a subscription is written.
pub(super) struct Seen<'a> {
    /// How it stands.
    pub(super) state: &'a Subscription,
    /// What is agreed.
    pub(super) terms: &'a Terms,
    /// The rates of tax.
    pub(super) rates: RateTable,
    /// Settings.
    pub(super) config: &'a Config,
    /// The present.
    pub(super) now: DateTime<Utc>,
    /// When it happened.
    pub(super) at: DateTime<Utc>,
    /// Whether staff did it.
    pub(super) by_studio: bool,
}

/// What the buyer can go back on, by what was recorded when they joined.
fn right(state: &Subscription, terms: &Terms, days: u16, today: NaiveDate) -> Option<WithdrawalRight> {
    let on = || state.withdrawal_waived_at().map(|at| WithdrawalRight::WaivedOn(terms.zone.date_of(at)));
    let until = state.withdrawal_until(days).ok().filter(|last| today <= *last);
    until.map(WithdrawalRight::Until).or_else(on)
}

/// The mail about what happened to a subscription; none where it goes without saying.
pub(super) fn mail(happened: &SubscriptionEvent, seen: &Seen<'_>) -> Option<BillingMail> {
    use SubscriptionEvent as E;
    let Seen { state, terms, ref rates, by_studio, .. } = *seen;
    let name = |terms: &Terms| terms.title();
    let plan = name(terms);
    let day = |at: chrono::DateTime<chrono::Utc>| terms.zone.date_of(at);
    let config = seen.config;
    let account = || bank_account(config).map(|(iban, holder)| (iban.to_string(), holder));
    // Who accounts for the tax sees net prices only.
    let home = Country::parse(&config.studio.country).unwrap_or(Country::from_letters(*b"NL"));
    let today = day(seen.now);
    let pay = |price: Money| Tax::decide(price, state.buyer(home), home, today, rates).gross;
    let pay_on =
        |price: Money, on: NaiveDate| Tax::decide(price, state.buyer(home), home, on.max(today), rates).gross;
    // What the period costs with which another plan begins. What a manager sees to is asked for in full.
    let managed = terms.collection == Collection::Managed;
    let due = || {
        let price = if managed { Some(terms.price) } else { state.running_price() };
        price.map(|price| PlanCost::Due(pay(price)))
    };
    // What is open may be a change of plan, for its difference.
    let change = state.open_order().and_then(|open| open.change.as_ref()).map(|c| c.proration.amount());
    let amount = pay(change.or(state.ordered()).unwrap_or(terms.price));
    let right = || right(state, terms, config.billing.withdrawal_days, today);
    let ends = || state.status() == Some(Status::PendingCancellation);
    // Who withdrew while it was under way is told of the end, not of a beginning.
    let gone = |order: Uuid| state.withdrawing().is_some_and(|w| w.awaits.order == order);
    Some(match happened {
        E::SubscriptionActivated { order, .. }
        | E::SubscriptionResumed { order, .. }
        | E::SubscriptionRenewed { order, .. }
        | E::ChargeAwaitsAction { order, .. }
        | E::PlanChanged { order: Some(order), .. }
            if gone(*order) =>
        {
            return None;
        }
        E::FirstOrderRequested { order, amount, .. } if terms.collection != Collection::Automatic => {
            let (iban, holder) = account()?;
            let reference = transfer_reference(&order_number(*order));
            BillingMail::TransferExpected {
                plan,
                amount: pay(*amount),
                iban,
                holder,
                reference,
                right: right(),
                by_studio,
            }
        }
        E::RenewalOrderRequested { order, amount, pay_by: Some(pay_by), .. } => {
            let (iban, holder) = account()?;
            let reference = transfer_reference(&order_number(*order));
            BillingMail::OrderToPay {
                plan,
                amount: pay(*amount),
                pay_by: day(*pay_by),
                iban,
                holder,
                reference,
                debited: false,
            }
        }
        E::RenewalOrderRequested { amount, behind, explain: true, .. } => {
            BillingMail::CatchingUp { amount: pay(*amount), behind: *behind }
        }
        E::SubscriptionActivated { period, .. } => {
            let (next_due, right) = (period.end, right());
            BillingMail::MembershipStarted { plan, amount, next_due, right, again: false }
        }
        E::SubscriptionResumed { period, .. } => {
            let next_due = period.end;
            BillingMail::MembershipStarted { plan, amount, next_due, right: None, again: true }
        }
        E::SubscriptionRenewed { period, .. } => {
            BillingMail::Renewed { plan, amount, credit: None, next_due: period.end, ends: ends() }
        }
        E::TrialStarted { ends_on, .. } => {
            BillingMail::TrialStarted { plan, amount, ends_on: *ends_on, right: right() }
        }
        E::TrialEndAnnounced(TrialNotice { ends_on, amount, charged, .. }) => {
            let by_transfer = terms.collection != Collection::Automatic;
            let (amount, ends_on, charged) = (pay(*amount), *ends_on, *charged);
            BillingMail::TrialEnding { amount, ends_on, charged, by_transfer, debited: false }
        }
        E::PauseScheduled { from, until } => {
            BillingMail::PausePlanned { from: *from, until: *until, by_studio }
        }
        E::PauseWithdrawn { from } => {
            BillingMail::PauseGivenUp { from: *from, next_due: state.next_payment_on(), by_studio }
        }
        // Whoever cancels in a pause is told when it ends.
        E::PauseEnded(_) if state.status() == Some(Status::PendingCancellation) => return None,
        E::PauseEnded(PauseOver { anchor, .. }) => BillingMail::PauseOver { next_due: *anchor, by_studio },
        E::PlanChangeScheduled { terms, on } => {
            let (plan, price, on) = (name(terms), pay_on(terms.price, *on), *on);
            let less = |d: Discounted| Discounted { amount: pay_on(d.amount, on), ..d };
            let first = state.discounted(terms.price).map(less);
            BillingMail::PlanChangePlanned(PlannedPlan { plan, price, first, on, by_studio })
        }
        E::PlanChangeWithdrawn {} => {
            BillingMail::PlanChangeGivenUp { plan, price: pay(terms.price), by_studio }
        }
        // Its order tells what is to be paid; that it is in force is told when it is.
        E::PlanChanged { begins_on: Some(_), .. } => return None,
        // Its order was not paid: the hold says so.
        E::PlanBegan { .. } if state.status() == Some(Status::OnHold) => return None,
        E::PlanBegan { terms, .. } => BillingMail::PlanChanged(PlanNow {
            plan: name(terms),
            price: pay(terms.price),
            next_due: state.next_due_on()?,
            cost: state.open_order().and(due()),
            by_studio: false,
        }),
        // What was paid for one at once is known from its order; any other is ordered with this.
        E::PlanChanged { order, terms, paid_until, .. } => BillingMail::PlanChanged(PlanNow {
            plan: name(terms),
            price: pay(terms.price),
            next_due: day(*paid_until),
            cost: due().filter(|_| order.is_none()),
            by_studio,
        }),
        E::PlanChangeDropped { code, .. } => BillingMail::PlanChangeFailed { code: code.clone() },
        E::MemberPaymentFailed { code, .. } => BillingMail::FirstPaymentFailed { amount, code: code.clone() },
        // The member did nothing, and has nothing to do.
        E::RenewalPaymentFailed { uncounted: true, .. } => return None,
        E::RenewalPaymentFailed { code, failures, retry_at: Some(retry_at), policy, .. } => {
            BillingMail::RenewalFailed {
                amount,
                code: code.clone(),
                failures: *failures,
                attempts: policy.attempts,
                retry_on: day(*retry_at),
            }
        }
        E::ChargeAwaitsAction { order, until, .. } => {
            BillingMail::ActionNeeded { amount, order: *order, until: *until }
        }
        E::SubscriptionPutOnHold { cause, expires_at, .. } => {
            let (cause, expires_on) = (*cause, day(*expires_at));
            // What went before, and how the order can be paid, is read beside it.
            let (charges, code, by_transfer) = (0, None, false);
            BillingMail::OnHold(OnHold { amount, cause, expires_on, charges, code, by_transfer })
        }
        E::CancellationUndone { next_due_on } => BillingMail::CancellationWithdrawn {
            amount: pay(state.next_price().unwrap_or(terms.price)),
            next_due: *next_due_on,
            by_studio,
        },
        E::CancellationScheduled { ends_on, ends_at, .. } => {
            // A time that was over already: the payment of the next one was under way.
            BillingMail::CancellationScheduled { ends_on: *ends_on, by_studio, waits: *ends_at <= seen.at }
        }
        E::PaidTimeExtended { days, to, .. } => {
            BillingMail::Extended { days: Some(*days), next_due: *to, ends: ends() }
        }
        E::GivenDaysTakenBack { days, to, .. } => {
            BillingMail::DaysTakenBack { days: *days, next_due: *to, ends: ends() }
        }
        E::PeriodWaived { period, .. } => {
            BillingMail::Extended { days: None, next_due: period.end, ends: ends() }
        }
        E::SubscriptionCancelled { cause: CancelCause::EndedByStaff | CancelCause::Disputed, .. } => {
            BillingMail::EndedByStudio
        }
        // The mail about the withdrawal says so already, unless it had to wait.
        E::SubscriptionCancelled { cause: CancelCause::Withdrawn, .. } => BillingMail::WithdrawalSettled {
            at: state.withdrawing()?.awaits.declared_at,
            amount: None,
            disputed: false,
        },
        E::SubscriptionCancelled { .. } if by_studio => BillingMail::EndedByStudio,
        E::SubscriptionCancelled { .. } => BillingMail::Ended,
        E::VatNumberChecked { check: VatCheck::Refused, .. } => {
            BillingMail::VatNumberRefused { price: pay(state.next_price().unwrap_or(terms.price)) }
        }
        // What goes back is known from its orders: see `withdrawn`.
        E::WithdrawalDeclared(Withdrawal { joined_on, awaits, .. }) => BillingMail::Withdrawn {
            refund: state.has_paid(),
            amount: None,
            at: Some(seen.at),
            plan,
            joined_on: Some(*joined_on),
            waits: awaits.is_some(),
            disputed: false,
        },
        E::SubscriptionUnparked { waived, billed, next_due_on } => BillingMail::WentOn {
            waived: *waived,
            billed: *billed,
            amount: pay(terms.price),
            next_due: *next_due_on,
        },
        E::EarlierPaymentReversed(EarlierReversal { order, given_up: false, .. }) => {
            let (iban, _) = account()?;
            let number = order_number(*order);
            let reference = transfer_reference(&number);
            let ended = state.status().is_some_and(Status::is_final);
            BillingMail::EarlierUnpaid { number, amount, iban, reference, order: *order, ended }
        }
        E::PaymentReceivedAfterEnd { order, .. } => BillingMail::PaidForNothing {
            number: order_number(*order),
            ended: state.status().is_some_and(Status::is_final),
            cancelled: None,
        },
        E::PriceChangeAnnounced(PriceNotice { previous, terms, from, instead_of, .. }) => {
            BillingMail::PriceChanges(NewPrice {
                instead_of: *instead_of,
                plan: name(terms),
                previous: pay(*previous),
                price: pay(terms.price),
                from: *from,
                first_due: state.first_due_from(*from),
            })
        }
        E::TaxChangeAnnounced { change } => {
            // Until then another plan or price may count than on the day of that payment.
            let then = name(state.terms_on(change.first_due).unwrap_or(terms));
            let price = state.running_price().unwrap_or(terms.price);
            let amount = Tax::decide(price, state.buyer(home), home, day(seen.at), rates).gross;
            let same = then == plan && amount == change.previous;
            let now = (!same).then_some(PaidNow { plan, amount });
            BillingMail::TaxChanges { plan: then, change: change.clone(), now }
        }
        E::SubscriptionExpired { weeks, .. } => BillingMail::Expired { weeks: *weeks },
        E::RenewalAnnounced { due_on, amount, .. } => {
            let amount = Tax::decide(*amount, state.buyer(home), home, *due_on, rates).gross;
            BillingMail::RenewalAhead { plan, amount, due_on: *due_on }
        }
        E::CardExpiryAnnounced { expires_on, .. } => BillingMail::CardExpiring { expires_on: *expires_on },
        E::PaymentMethodChanged { .. } => BillingMail::MethodChanged,
        E::ManagerToldOfRenewal { due_on, amount } => {
            BillingMail::ManagerTold { plan, amount: pay(*amount), due_on: *due_on, subscription: state.id() }
        }
        _ => return None,
    })
}
