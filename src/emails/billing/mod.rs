//! Mails about memberships and money. What waits in the queue holds amounts, dates and ids only.

mod action_needed;
mod approval_waits;
mod cancellation_scheduled;
mod card_expiring;
mod catching_up;
mod credit;
mod direct_debit;
mod disputed;
mod ended;
mod expired;
mod extended;
mod first_payment_failed;
mod manager_told;
mod membership_started;
mod method_changed;
mod on_hold;
mod order_to_pay;
mod pause;
mod plan_change;
mod price_change;
mod refund_stuck;
mod refunded;
mod renewal_ahead;
mod renewal_failed;
mod renewed;
mod tax_change;
#[cfg(test)]
mod tests;
mod transfer_expected;
mod transfer_short;
mod trial;
mod vat_refused;
mod withdrawn;

use super::{Mail, Studio};
use crate::domain::shared::Money;
use crate::domain::subscription::{HoldCause, TaxChange};
use chrono::{DateTime, NaiveDate, Utc};
pub use refund_stuck::RefundStuck;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a mail about a membership says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum BillingMail {
    /// Somebody joined and pays by transfer.
    TransferExpected {
        /// Plan and interval.
        plan: String,
        /// How much.
        amount: Money,
        /// Where to.
        iban: String,
        /// Whose account that is.
        holder: String,
        /// With which reference.
        reference: String,
    },
    /// Less came than the order asks for.
    TransferShort {
        /// What came.
        received: Money,
        /// What is missing.
        rest: Money,
        /// Where to.
        iban: String,
        /// With which reference.
        reference: String,
    },
    /// The first order is paid.
    MembershipStarted {
        /// Plan and interval.
        plan: String,
        /// How much was paid.
        amount: Money,
        /// When the next payment is due.
        next_due: NaiveDate,
    },
    /// A payment that the member set off failed.
    FirstPaymentFailed {
        /// How much.
        amount: Money,
        /// The gateway's code.
        code: String,
    },
    /// A renewal was paid.
    Renewed {
        /// Plan and interval.
        plan: String,
        /// How much.
        amount: Money,
        /// When the next payment is due.
        next_due: NaiveDate,
    },
    /// A renewal charge failed and is tried again.
    RenewalFailed {
        /// How much.
        amount: Money,
        /// The gateway's code.
        code: String,
        /// Which attempt it was.
        failures: u8,
        /// Of how many.
        attempts: u8,
        /// When it is tried again.
        retry_on: NaiveDate,
    },
    /// A subscription was put on hold.
    OnHold {
        /// What is open.
        amount: Money,
        /// Why.
        cause: HoldCause,
        /// When it expires.
        expires_on: NaiveDate,
    },
    /// The holder of the card has to confirm a charge.
    ActionNeeded {
        /// How much.
        amount: Money,
        /// Of which order.
        order: Uuid,
        /// Until when.
        until: DateTime<Utc>,
    },
    /// A renewal is to be paid by transfer.
    OrderToPay {
        /// Plan and interval.
        plan: String,
        /// How much.
        amount: Money,
        /// By when.
        pay_by: NaiveDate,
        /// Where to.
        iban: String,
        /// With which reference.
        reference: String,
        /// There is a mandate: it will be collected.
        #[serde(default)]
        debited: bool,
    },
    /// A mandate for direct debit was signed.
    MandateSigned {
        /// What bank and member call it by.
        reference: String,
        /// Creditor identifier of the studio.
        creditor: String,
        /// Days before a debit at which the member is told.
        notice_days: u8,
    },
    /// A direct debit is announced.
    DebitAhead {
        /// Number of the order.
        number: String,
        /// How much.
        amount: Money,
        /// On which day.
        collect_on: NaiveDate,
        /// Of the mandate.
        reference: String,
        /// Creditor identifier of the studio.
        creditor: String,
        /// The order.
        order: Uuid,
    },
    /// The bank does not collect a direct debit: the order is to be paid in another way.
    DebitRejected {
        /// Number of the order.
        number: String,
        /// How much.
        amount: Money,
        /// The order.
        order: Uuid,
    },
    /// Missed periods are billed one after the other.
    CatchingUp {
        /// What one period costs.
        amount: Money,
        /// How many have begun unpaid.
        behind: u32,
    },
    /// A yearly renewal is near.
    RenewalAhead {
        /// Plan and interval.
        plan: String,
        /// How much.
        amount: Money,
        /// When.
        due_on: NaiveDate,
    },
    /// A subscription will end with its paid time.
    CancellationScheduled {
        /// The first day without access.
        ends_on: NaiveDate,
    },
    /// The member took a cancellation back.
    CancellationWithdrawn {
        /// What is paid next.
        amount: Money,
        /// When.
        next_due: NaiveDate,
    },
    /// A subscription has ended by wish.
    Ended,
    /// A subscription was on hold for too long.
    Expired {
        /// After how many weeks.
        weeks: u16,
    },
    /// Another card is charged from now on.
    MethodChanged,
    /// The card that is charged will soon be valid no more.
    CardExpiring {
        /// The first day on which it cannot be charged.
        expires_on: NaiveDate,
    },
    /// Staff gave time that is not paid for, or waived an order.
    Extended {
        /// Days; none if an order was waived.
        days: Option<u16>,
        /// When the next payment is due.
        next_due: NaiveDate,
    },
    /// Staff took back days that they had given.
    DaysTakenBack {
        /// Days.
        days: u16,
        /// When the next payment is due.
        next_due: NaiveDate,
    },
    /// A trial began.
    TrialStarted {
        /// Plan and interval.
        plan: String,
        /// What is due when it ends.
        amount: Money,
        /// When.
        ends_on: NaiveDate,
    },
    /// A trial ends soon.
    TrialEnding {
        /// What is due then.
        amount: Money,
        /// When.
        ends_on: NaiveDate,
        /// Whether there is something to charge.
        charged: bool,
    },
    /// A pause was planned, or begins today.
    PausePlanned {
        /// Its first day.
        from: NaiveDate,
        /// The first day after it, if it ends by itself.
        until: Option<NaiveDate>,
    },
    /// A pause is over.
    PauseOver {
        /// When the next payment is due.
        next_due: NaiveDate,
    },
    /// Another plan is in force.
    PlanChanged {
        /// Plan and interval.
        plan: String,
        /// Its price.
        price: Money,
        /// When the next payment is due.
        next_due: NaiveDate,
    },
    /// Another plan comes into force later.
    PlanChangePlanned {
        /// Plan and interval.
        plan: String,
        /// Its price.
        price: Money,
        /// When.
        on: NaiveDate,
    },
    /// The register does not know the VAT number any more.
    VatNumberRefused {
        /// What a period costs from the next order on.
        price: Money,
    },
    /// The price changes, by decision of the studio.
    PriceChanges {
        /// Plan and interval.
        plan: String,
        /// What a period costs until then.
        previous: Money,
        /// What it will cost.
        price: Money,
        /// For periods that begin on this day or later.
        from: NaiveDate,
        /// The first payment of the new price, where it is known.
        first_due: Option<NaiveDate>,
        /// The day that they were told before.
        #[serde(default)]
        instead_of: Option<NaiveDate>,
    },
    /// Another rate of tax changes what is to be paid.
    TaxChanges {
        /// Plan and interval.
        plan: String,
        /// What changes, and when.
        change: TaxChange,
    },
    /// The buyer went back on the contract.
    Withdrawn {
        /// Something is given back.
        refund: bool,
        /// How much, where it is known.
        #[serde(default)]
        amount: Option<Money>,
    },
    /// The difference to another plan was not paid.
    PlanChangeFailed {
        /// The gateway's code.
        code: String,
    },
    /// The studio ended it at once.
    EndedByStudio,
    /// Money went back.
    Refunded {
        /// Of which order.
        number: String,
        /// How much.
        amount: Money,
        /// By bank transfer, not to the card.
        by_transfer: bool,
        /// It was part of the price, so that there is a credit note.
        credited: bool,
        /// It stays here as credit.
        #[serde(default)]
        to_credit: bool,
    },
    /// Credit was paid out.
    CreditPaidOut {
        /// How much.
        amount: Money,
    },
    /// To billing staff: the holder of a card asks the bank for the money back.
    Disputed {
        /// Of which order.
        number: String,
        /// Its id.
        order: Uuid,
        /// How much.
        amount: Money,
        /// The gateway's word for why.
        reason: String,
    },
    /// To billing staff: a refund did not go back, or nobody can say whether it did.
    RefundStuck(RefundStuck),
    /// To billing staff: a managed subscription begins a new period.
    ManagerTold {
        /// Plan and interval.
        plan: String,
        /// How much.
        amount: Money,
        /// When.
        due_on: NaiveDate,
        /// Which subscription.
        subscription: Uuid,
    },
    /// To billing staff: something waits for a second person.
    ApprovalWaits {
        /// What would be done.
        what: String,
        /// Where it is decided.
        path: String,
        /// When it counts no more; none: it waits for ever.
        lapses_at: Option<DateTime<Utc>>,
    },
}

impl BillingMail {
    /// Writes the mail.
    #[must_use]
    pub fn render(&self, studio: &Studio, name: Option<&str>) -> Mail {
        match self {
            Self::TransferExpected { plan, amount, iban, holder, reference } => {
                transfer_expected::render(studio, name, plan, amount, iban, holder, reference)
            }
            Self::MembershipStarted { plan, amount, next_due } => {
                membership_started::render(studio, name, plan, amount, next_due)
            }
            Self::FirstPaymentFailed { amount, code } => {
                first_payment_failed::render(studio, name, amount, code)
            }
            Self::Renewed { plan, amount, next_due } => renewed::render(studio, name, plan, amount, next_due),
            Self::RenewalFailed { amount, code, failures, attempts, retry_on } => {
                renewal_failed::render(studio, name, amount, code, failures, attempts, retry_on)
            }
            Self::OnHold { amount, cause, expires_on } => {
                on_hold::render(studio, name, amount, cause, expires_on)
            }
            Self::ActionNeeded { amount, order, until } => {
                action_needed::render(studio, name, amount, order, until)
            }
            Self::MandateSigned { reference, creditor, notice_days } => {
                direct_debit::signed(studio, name, reference, creditor, *notice_days)
            }
            Self::DebitAhead { number, amount, collect_on, reference, creditor, order } => {
                direct_debit::ahead(studio, name, number, amount, collect_on, (reference, creditor), order)
            }
            Self::DebitRejected { number, amount, order } => {
                direct_debit::rejected(studio, name, number, amount, order)
            }
            Self::OrderToPay { plan, amount, pay_by, debited: true, .. } => {
                order_to_pay::collected(studio, name, plan, amount, pay_by)
            }
            Self::OrderToPay { plan, amount, pay_by, iban, reference, .. } => {
                order_to_pay::render(studio, name, plan, amount, pay_by, iban, reference)
            }
            Self::CatchingUp { amount, behind } => catching_up::render(studio, name, amount, behind),
            Self::RenewalAhead { plan, amount, due_on } => {
                renewal_ahead::render(studio, name, plan, amount, due_on)
            }
            Self::CancellationScheduled { ends_on } => cancellation_scheduled::render(studio, name, ends_on),
            Self::CancellationWithdrawn { amount, next_due } => {
                cancellation_scheduled::withdrawn(studio, name, amount, next_due)
            }
            Self::Ended => ended::render(studio, name, false),
            Self::Expired { weeks } => expired::render(studio, name, weeks),
            Self::Extended { days, next_due } => extended::render(studio, name, *days, next_due),
            Self::DaysTakenBack { days, next_due } => extended::back(studio, name, *days, next_due),
            Self::TrialStarted { plan, amount, ends_on } => {
                trial::started(studio, name, plan, amount, ends_on)
            }
            Self::TrialEnding { amount, ends_on, charged } => {
                trial::ending(studio, name, amount, ends_on, *charged)
            }
            Self::PausePlanned { from, until } => pause::planned(studio, name, from, until.as_ref()),
            Self::PauseOver { next_due } => pause::over(studio, name, next_due),
            Self::PlanChanged { plan, price, next_due } => {
                plan_change::changed(studio, name, plan, price, next_due)
            }
            Self::PlanChangePlanned { plan, price, on } => {
                plan_change::planned(studio, name, plan, price, on)
            }
            Self::PriceChanges { plan, previous, price, from, first_due, instead_of } => {
                let days = (from, first_due.as_ref(), instead_of.as_ref());
                price_change::render(studio, name, plan, (previous, price), days)
            }
            Self::TaxChanges { plan, change } => tax_change::render(studio, name, plan, change),
            Self::VatNumberRefused { price } => vat_refused::render(studio, name, price),
            Self::Withdrawn { refund, amount } => withdrawn::render(studio, name, *refund, amount.as_ref()),
            Self::PlanChangeFailed { code } => plan_change::failed(studio, name, code),
            Self::EndedByStudio => ended::render(studio, name, true),
            Self::MethodChanged => method_changed::render(studio, name),
            Self::CardExpiring { expires_on } => card_expiring::render(studio, name, expires_on),
            Self::TransferShort { received, rest, iban, reference } => {
                transfer_short::render(studio, name, received, rest, iban, reference)
            }
            Self::Refunded { number, amount, credited, to_credit: true, .. } => {
                credit::granted(studio, name, number, amount, *credited)
            }
            Self::Refunded { number, amount, by_transfer, credited, .. } => {
                refunded::render(studio, name, number, amount, *by_transfer, *credited)
            }
            Self::CreditPaidOut { amount } => credit::paid_out(studio, name, amount),
            Self::Disputed { number, order, amount, reason } => {
                disputed::render(studio, name, number, order, amount, reason)
            }
            Self::RefundStuck(refund) => refund.render(studio, name),
            Self::ManagerTold { plan, amount, due_on, subscription } => {
                manager_told::render(studio, name, plan, amount, due_on, subscription)
            }
            Self::ApprovalWaits { what, path, lapses_at } => {
                approval_waits::render(studio, name, what, path, lapses_at.as_ref())
            }
        }
    }
}

/// What a gateway's code means, as a sentence.
#[must_use]
pub fn decline_words(code: &str) -> &'static str {
    match code {
        "insufficient_funds" => "Your bank says that there is not enough money on the card's account.",
        "stolen_card" => "The card was reported stolen.",
        "action_not_taken" => "The payment was not confirmed in time.",
        "authentication_failed" => "The confirmation was refused.",
        "amount_not_chargeable" => "The payment service cannot charge this amount.",
        "no_charge_made" => "The payment service did not answer.",
        "expired_card" => "The card has expired.",
        "no_payment_method" => "There is no card to charge.",
        "gateway_refused" | "not_supported" | "gateway_unavailable" => {
            "The payment service did not accept the charge."
        }
        _ => "Your bank declined the card.",
    }
}
