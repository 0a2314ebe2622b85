//! What a mail about a membership says, in a form that can wait in a table.

use super::{NewPrice, OnHold, PlanNow, PlannedPlan, RefundStuck, WithdrawalRight};
use crate::domain::shared::Money;
use crate::domain::subscription::TaxChange;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What somebody pays now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaidNow {
    /// Plan and interval.
    pub plan: String,
    /// For a period of it.
    pub amount: Money,
}

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
        /// What the buyer can, or cannot, go back on.
        #[serde(default)]
        right: Option<WithdrawalRight>,
        /// Staff set it up.
        #[serde(default)]
        by_studio: bool,
    },
    /// Less came than the order asks for.
    TransferShort {
        /// What came.
        received: Money,
        /// What is missing.
        rest: Money,
        /// Where to.
        iban: String,
        /// Whose account that is.
        #[serde(default)]
        holder: String,
        /// With which reference.
        reference: String,
    },
    /// The first order is paid, or the one for which it was on hold.
    MembershipStarted {
        /// Plan and interval.
        plan: String,
        /// How much was paid.
        amount: Money,
        /// When the next payment is due.
        next_due: NaiveDate,
        /// What the buyer can, or cannot, go back on.
        #[serde(default)]
        right: Option<WithdrawalRight>,
        /// It was on hold, and goes on.
        #[serde(default)]
        again: bool,
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
        /// How much, credit included.
        amount: Money,
        /// What of it the member's credit paid.
        #[serde(default)]
        credit: Option<Money>,
        /// When the next payment is due.
        next_due: NaiveDate,
        /// It was cancelled meanwhile: it ends on that day instead.
        #[serde(default)]
        ends: bool,
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
    OnHold(OnHold),
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
        /// The day on which it is put on hold if it is not paid.
        pay_by: NaiveDate,
        /// Where to.
        iban: String,
        /// Whose account that is.
        #[serde(default)]
        holder: String,
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
    /// The bank took the payment of an earlier order back: it is to be paid in another way.
    EarlierUnpaid {
        /// Number of the order.
        number: String,
        /// How much.
        amount: Money,
        /// Where to.
        iban: String,
        /// By what it is recognised.
        reference: String,
        /// The order.
        order: Uuid,
        /// The membership is over.
        ended: bool,
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
        /// Staff did it.
        #[serde(default)]
        by_studio: bool,
        /// A payment is being processed: if it is made, the end is that of the time it pays for.
        #[serde(default)]
        waits: bool,
    },
    /// A cancellation was taken back.
    CancellationWithdrawn {
        /// What is paid next.
        amount: Money,
        /// When.
        next_due: NaiveDate,
        /// Staff did it.
        #[serde(default)]
        by_studio: bool,
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
        /// It was cancelled: it ends on that day instead.
        #[serde(default)]
        ends: bool,
    },
    /// Staff took back days that they had given.
    DaysTakenBack {
        /// Days.
        days: u16,
        /// When the next payment is due.
        next_due: NaiveDate,
        /// It was cancelled: it ends on that day instead.
        #[serde(default)]
        ends: bool,
    },
    /// A trial began.
    TrialStarted {
        /// Plan and interval.
        plan: String,
        /// What is due when it ends.
        amount: Money,
        /// When.
        ends_on: NaiveDate,
        /// What the buyer can, or cannot, go back on.
        #[serde(default)]
        right: Option<WithdrawalRight>,
    },
    /// A trial ends soon.
    TrialEnding {
        /// What is due then.
        amount: Money,
        /// When.
        ends_on: NaiveDate,
        /// Whether there is something to charge.
        charged: bool,
        /// It is paid by transfer: a card cannot be added.
        #[serde(default)]
        by_transfer: bool,
        /// There is a mandate: it will be collected.
        #[serde(default)]
        debited: bool,
    },
    /// A pause was planned, or begins today.
    PausePlanned {
        /// Its first day.
        from: NaiveDate,
        /// The first day after it, if it ends by itself.
        until: Option<NaiveDate>,
        /// Staff did it.
        #[serde(default)]
        by_studio: bool,
    },
    /// A planned pause was given up.
    PauseGivenUp {
        /// Its first day.
        from: NaiveDate,
        /// When the next payment is due.
        next_due: Option<NaiveDate>,
        /// Staff did it.
        by_studio: bool,
    },
    /// A pause is over.
    PauseOver {
        /// When the next payment is due.
        next_due: NaiveDate,
        /// Staff did it.
        #[serde(default)]
        by_studio: bool,
    },
    /// Another plan is in force.
    PlanChanged(PlanNow),
    /// Another plan comes into force later.
    PlanChangePlanned(PlannedPlan),
    /// A planned change of plan was given up.
    PlanChangeGivenUp {
        /// Plan and interval that stay.
        plan: String,
        /// Its price.
        price: Money,
        /// Staff did it.
        by_studio: bool,
    },
    /// The register does not know the VAT number any more.
    VatNumberRefused {
        /// What a period costs from the next order on.
        price: Money,
    },
    /// The price changes, by decision of the studio.
    PriceChanges(NewPrice),
    /// Another rate of tax changes what is to be paid.
    TaxChanges {
        /// Plan and interval of the first payment under that rate.
        plan: String,
        /// What changes, and when.
        change: TaxChange,
        /// What is paid now, where that is of another plan or price.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        now: Option<PaidNow>,
    },
    /// The buyer went back on the contract.
    Withdrawn {
        /// Something is given back.
        refund: bool,
        /// How much, where it is known.
        #[serde(default)]
        amount: Option<Money>,
        /// When it was declared.
        #[serde(default)]
        at: Option<DateTime<Utc>>,
        /// Plan and interval.
        #[serde(default)]
        plan: String,
        /// The day of the contract.
        #[serde(default)]
        joined_on: Option<NaiveDate>,
        /// A payment is being processed: the rest follows when its result is known.
        #[serde(default)]
        waits: bool,
        /// The bank was asked for what was paid: what is left when it has decided goes back then.
        #[serde(default)]
        disputed: bool,
    },
    /// The result for which a withdrawal waited is known.
    WithdrawalSettled {
        /// When it was declared.
        at: DateTime<Utc>,
        /// What goes back; none: nothing was taken that could.
        amount: Option<Money>,
        /// The bank was asked for what was paid.
        #[serde(default)]
        disputed: bool,
    },
    /// Staff looked at a membership that had fallen behind, and it goes on.
    WentOn {
        /// Periods that are over and will not be billed.
        waived: u32,
        /// Periods that are over and will be billed, one a day.
        billed: u32,
        /// What one costs.
        amount: Money,
        /// The next day on which a payment is due.
        next_due: NaiveDate,
    },
    /// Money came for an order that nobody had to pay any more.
    PaidForNothing {
        /// Number of the order.
        number: String,
        /// The membership has ended.
        ended: bool,
        /// How much came for an order that is cancelled.
        #[serde(default)]
        cancelled: Option<Money>,
    },
    /// Staff gave access that costs nothing.
    ComplimentaryGiven {
        /// Until when; none: without an end.
        until: Option<DateTime<Utc>>,
    },
    /// Staff ended access that cost nothing.
    ComplimentaryEnded,
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
        /// Nothing was owed for the order any more.
        #[serde(default)]
        nothing_owed: bool,
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
        /// The bank has decided for the holder.
        #[serde(default)]
        lost: bool,
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
