//! Mails about memberships and money. What waits in the queue holds amounts, dates and ids only.

mod action_needed;
mod approval_waits;
mod cancellation_scheduled;
mod card_expiring;
mod catching_up;
mod complimentary;
mod credit;
mod direct_debit;
mod disputed;
mod ended;
mod expired;
mod extended;
mod first_payment_failed;
mod kinds;
mod manager_told;
mod membership_started;
mod method_changed;
mod on_hold;
mod order_to_pay;
mod paid_for_nothing;
mod pause;
mod plan_change;
mod price_change;
mod refund_stuck;
mod refunded;
mod renewal_ahead;
mod renewal_failed;
mod renewed;
mod right;
mod tax_change;
#[cfg(test)]
mod tests;
mod transfer_expected;
mod transfer_short;
mod trial;
mod vat_refused;
mod went_on;
mod withdrawn;

pub use kinds::{BillingMail, PaidNow};
pub use on_hold::OnHold;
pub use plan_change::{PlanCost, PlanNow, PlannedPlan};
pub use price_change::NewPrice;
pub use refund_stuck::RefundStuck;
pub use right::WithdrawalRight;

use super::{Mail, Studio};
use right::with_right;

impl BillingMail {
    /// Writes the mail.
    #[must_use]
    pub fn render(&self, studio: &Studio, name: Option<&str>) -> Mail {
        match self {
            Self::TransferExpected { plan, amount, iban, holder, reference, right, by_studio } => {
                let to = (iban.as_str(), holder.as_str(), reference.as_str());
                transfer_expected::render(studio, name, plan, amount, to, *right, *by_studio)
            }
            Self::MembershipStarted { plan, amount, next_due, again: true, .. } => {
                membership_started::again(studio, name, plan, amount, next_due)
            }
            Self::MembershipStarted { plan, amount, next_due, right, .. } => {
                membership_started::render(studio, name, plan, amount, next_due, *right)
            }
            Self::FirstPaymentFailed { amount, code } => {
                first_payment_failed::render(studio, name, amount, code)
            }
            Self::Renewed { plan, amount, credit, next_due, ends } => {
                renewed::render(studio, name, plan, (amount, credit.as_ref()), next_due, *ends)
            }
            Self::RenewalFailed { amount, code, failures, attempts, retry_on } => {
                renewal_failed::render(studio, name, amount, code, failures, attempts, retry_on)
            }
            Self::OnHold(hold) => hold.render(studio, name),
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
            Self::EarlierUnpaid { number, amount, iban, reference, order, ended } => {
                direct_debit::earlier(studio, name, (number, order), amount, (iban, reference), *ended)
            }
            Self::OrderToPay { plan, amount, pay_by, debited: true, .. } => {
                order_to_pay::collected(studio, name, plan, amount, pay_by)
            }
            Self::OrderToPay { plan, amount, pay_by, iban, holder, reference, .. } => {
                order_to_pay::render(studio, name, plan, amount, pay_by, (iban, holder, reference))
            }
            Self::CatchingUp { amount, behind } => catching_up::render(studio, name, amount, behind),
            Self::RenewalAhead { plan, amount, due_on } => {
                renewal_ahead::render(studio, name, plan, amount, due_on)
            }
            Self::CancellationScheduled { ends_on, by_studio, waits } => {
                cancellation_scheduled::render(studio, name, ends_on, *by_studio, *waits)
            }
            Self::CancellationWithdrawn { amount, next_due, by_studio } => {
                cancellation_scheduled::withdrawn(studio, name, amount, next_due, *by_studio)
            }
            Self::Ended => ended::render(studio, name, false),
            Self::Expired { weeks } => expired::render(studio, name, weeks),
            Self::Extended { days, next_due, ends } => {
                extended::render(studio, name, *days, (next_due, *ends))
            }
            Self::DaysTakenBack { days, next_due, ends } => {
                extended::back(studio, name, *days, (next_due, *ends))
            }
            Self::TrialStarted { plan, amount, ends_on, right } => {
                trial::started(studio, name, plan, amount, ends_on, *right)
            }
            Self::TrialEnding { amount, ends_on, debited: true, .. } => {
                trial::collected(studio, name, amount, ends_on)
            }
            Self::TrialEnding { amount, ends_on, by_transfer: true, .. } => {
                trial::by_transfer(studio, name, amount, ends_on)
            }
            Self::TrialEnding { amount, ends_on, charged, .. } => {
                trial::ending(studio, name, amount, ends_on, *charged)
            }
            Self::PausePlanned { from, until, by_studio } => {
                pause::planned(studio, name, from, until.as_ref(), *by_studio)
            }
            Self::PauseGivenUp { from, next_due, by_studio } => {
                pause::given_up(studio, name, from, next_due.as_ref(), *by_studio)
            }
            Self::PauseOver { next_due, by_studio } => pause::over(studio, name, next_due, *by_studio),
            Self::PlanChanged(now) => now.render(studio, name),
            Self::PlanChangePlanned(planned) => planned.render(studio, name),
            Self::PlanChangeGivenUp { plan, price, by_studio } => {
                plan_change::given_up(studio, name, plan, price, *by_studio)
            }
            Self::PriceChanges(change) => change.render(studio, name),
            Self::TaxChanges { plan, change, now } => {
                tax_change::render(studio, name, plan, (change, now.as_ref()))
            }
            Self::VatNumberRefused { price } => vat_refused::render(studio, name, price),
            Self::Withdrawn { refund, amount, at, plan, joined_on, waits, disputed } => {
                let contract = (plan.as_str(), *joined_on);
                withdrawn::render(studio, name, (*refund, *amount), *at, contract, (*waits, *disputed))
            }
            Self::WithdrawalSettled { at, amount, disputed } => {
                withdrawn::settled(studio, name, *at, (*amount, *disputed))
            }
            Self::WentOn { waived, billed, amount, next_due } => {
                went_on::render(studio, name, (*waived, *billed), amount, next_due)
            }
            Self::PaidForNothing { number, cancelled: Some(amount), .. } => {
                paid_for_nothing::cancelled(studio, name, number, amount)
            }
            Self::PaidForNothing { number, ended, .. } => {
                paid_for_nothing::render(studio, name, number, *ended)
            }
            Self::ComplimentaryGiven { until } => complimentary::given(studio, name, *until),
            Self::ComplimentaryEnded => complimentary::ended(studio, name),
            Self::PlanChangeFailed { code } => plan_change::failed(studio, name, code),
            Self::EndedByStudio => ended::render(studio, name, true),
            Self::MethodChanged => method_changed::render(studio, name),
            Self::CardExpiring { expires_on } => card_expiring::render(studio, name, expires_on),
            Self::TransferShort { received, rest, iban, holder, reference } => {
                transfer_short::render(studio, name, received, rest, (iban, holder, reference))
            }
            Self::Refunded { number, amount, credited, to_credit: true, nothing_owed, .. } => {
                credit::granted(studio, name, number, amount, (*credited, *nothing_owed))
            }
            Self::Refunded { number, amount, by_transfer, credited, nothing_owed, .. } => {
                let papers = (*credited, *nothing_owed);
                refunded::render(studio, name, number, amount, *by_transfer, papers)
            }
            Self::CreditPaidOut { amount } => credit::paid_out(studio, name, amount),
            Self::Disputed { number, order, amount, reason, lost } => {
                disputed::render(studio, name, number, order, amount, (reason, *lost))
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
        "authentication_failed" | "payment_intent_authentication_failure" => "The confirmation was refused.",
        "amount_not_chargeable" => "The payment service cannot charge this amount.",
        "amount_too_small" => "The payment service cannot charge an amount as small as this.",
        "no_charge_made" => "The payment service did not answer.",
        "expired_card" => "The card has expired.",
        "no_payment_method" => "There is no card to charge.",
        "not_taken_says_staff" => "The payment was not made.",
        "gateway_refused" | "not_supported" | "gateway_unavailable" => {
            "The payment service did not accept the charge."
        }
        _ => "Your bank declined the card.",
    }
}
