use super::{
    AwaitedDebit, CancelCause, CancelReason, EarlierReversal, HoldCause, PauseBegun, PauseOver,
    PlanChangeRequest, PriceNotice, Rebate, RejectedDebit, ReversedPayment, TaxChange, Terms, TrialNotice,
    Trigger, UnusedDays, Withdrawal,
};
use crate::domain::shared::calendar::Period;
use crate::domain::shared::discount::Discount;
use crate::domain::shared::payment::{BillingPolicy, PaymentMethod};
use crate::domain::shared::tax::Country;
use crate::domain::shared::vat_number::VatCheck;
use crate::domain::shared::{AccountId, Money, PersonalRef};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What happened to a subscription. What the larger events carry lies beside the rule that decides them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum SubscriptionEvent {
    /// Somebody joined; it is on hold until the first order is paid.
    SubscriptionJoined {
        /// Its own id.
        subscription: Uuid,
        /// Who joined.
        owner: AccountId,
        /// What was agreed.
        terms: Terms,
        /// What is charged.
        method: Option<PaymentMethod>,
        /// Country of the billing address.
        country: Country,
        /// Name and address of the buyer.
        billing: Option<PersonalRef>,
        /// VAT number of a business; none: a private buyer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        vat_number: Option<PersonalRef>,
        /// What the register said of it; none: it was not asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        vat_check: Option<VatCheck>,
        /// The buyer wanted it to begin at once, and knows that the right of withdrawal ends with that.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        withdrawal_waived: bool,
        /// When.
        at: DateTime<Utc>,
    },
    /// It begins with time that is not paid for.
    TrialStarted {
        /// How many days.
        days: u16,
        /// The first.
        from: NaiveDate,
        /// The day on which the first payment is due: the anchor.
        ends_on: NaiveDate,
        /// The first instant that is not part of the trial.
        access_until: DateTime<Utc>,
    },
    /// The member is told that the trial ends.
    TrialEndAnnounced(TrialNotice),
    /// The first period is to be paid; it starts on the day of payment.
    FirstOrderRequested {
        /// The order.
        order: Uuid,
        /// How much.
        amount: Money,
        /// The day it is due.
        due_on: NaiveDate,
        /// What a discount took off.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rebate: Option<Rebate>,
    },
    /// A following period is to be paid.
    RenewalOrderRequested {
        /// The order.
        order: Uuid,
        /// Its number since the anchor, counted from 0.
        index: u32,
        /// The span it pays for.
        period: Period,
        /// The anchor the span was counted from.
        anchor: NaiveDate,
        /// When it is due.
        due_at: DateTime<Utc>,
        /// Until when it can be paid before the subscription is put on hold; only if the member pays by hand.
        pay_by: Option<DateTime<Utc>>,
        /// How much.
        amount: Money,
        /// Periods that have begun unpaid, this one included: more than 1 after an outage.
        behind: u32,
        /// The first of several missed periods: the member is told why there are several.
        explain: bool,
        /// What a discount took off.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rebate: Option<Rebate>,
        /// Settings in force.
        policy: BillingPolicy,
    },
    /// A payment method is to be charged.
    ChargeRequested {
        /// For which order.
        order: Uuid,
        /// The attempt: the gateway's key.
        attempt: Uuid,
        /// What is charged.
        method: PaymentMethod,
        /// What set it off.
        trigger: Trigger,
        /// Which of the counted attempts it is, from 1; 0 if it is not counted.
        number: u8,
        /// For when it was due.
        scheduled_for: DateTime<Utc>,
        /// When it was asked for.
        requested_at: DateTime<Utc>,
    },
    /// The holder of the card has to confirm the charge.
    ChargeAwaitsAction {
        /// Of which order.
        order: Uuid,
        /// Which attempt.
        attempt: Uuid,
        /// Until when.
        until: DateTime<Utc>,
    },
    /// The holder did not confirm in time; the charge is withdrawn.
    ChargeActionMissed {
        /// Of which order.
        order: Uuid,
        /// Which attempt.
        attempt: Uuid,
        /// Until when it could have been confirmed.
        until: DateTime<Utc>,
    },
    /// The bank was told to collect the open order.
    DebitAwaited {
        /// What is awaited.
        debit: AwaitedDebit,
    },
    /// The bank does not collect the open order: it is to be paid in another way.
    DebitRejected(RejectedDebit),
    /// The bank took the payment of an order back: its period is not paid any more.
    PaymentReversed {
        /// What is unpaid again.
        unpaid: ReversedPayment,
    },
    /// A charge that the clock set off failed.
    RenewalPaymentFailed {
        /// Of which order.
        order: Uuid,
        /// Which attempt; none if there was nothing to charge.
        attempt: Option<Uuid>,
        /// The gateway's code; `no_payment_method` or `expired_card` if no gateway was asked.
        code: String,
        /// Trying again is useless.
        hard: bool,
        /// How many failed on this order, this one included if it counts.
        failures: u8,
        /// When it is tried again; none if that was the last time.
        retry_at: Option<DateTime<Utc>>,
        /// From when the waiting time counts.
        counted_from: DateTime<Utc>,
        /// The gateway was never reached: it is tried again, and does not count.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        uncounted: bool,
        /// Settings in force.
        policy: BillingPolicy,
    },
    /// A charge that the member set off failed; nothing else changes.
    MemberPaymentFailed {
        /// Of which order.
        order: Uuid,
        /// Which attempt.
        attempt: Uuid,
        /// The gateway's code.
        code: String,
        /// Trying again is useless.
        hard: bool,
    },
    /// The first order is paid: access begins.
    SubscriptionActivated {
        /// Which order.
        order: Uuid,
        /// When it was paid; that day is the anchor.
        paid_at: DateTime<Utc>,
        /// The span that is paid for.
        period: Period,
        /// The first instant that is not paid for.
        paid_until: DateTime<Utc>,
    },
    /// A renewal is paid.
    SubscriptionRenewed {
        /// Which order.
        order: Uuid,
        /// When it was paid.
        paid_at: DateTime<Utc>,
        /// The span that is paid for.
        period: Period,
        /// The first instant that is not paid for.
        paid_until: DateTime<Utc>,
    },
    /// The order was paid on hold: a new interval starts on the day of payment.
    SubscriptionResumed {
        /// Which order.
        order: Uuid,
        /// When it was paid; that day is the new anchor.
        paid_at: DateTime<Utc>,
        /// The anchor before.
        previous_anchor: NaiveDate,
        /// The span that is paid for.
        period: Period,
        /// The first instant that is not paid for.
        paid_until: DateTime<Utc>,
    },
    /// Access ends until the order is paid.
    SubscriptionPutOnHold {
        /// Which order.
        order: Uuid,
        /// Why.
        cause: HoldCause,
        /// The day it was due.
        due_on: NaiveDate,
        /// When it expires if nothing happens.
        expires_at: DateTime<Utc>,
        /// Settings in force.
        policy: BillingPolicy,
    },
    /// Orders from now on are billed to another name, address or country.
    BillingDetailsChanged {
        /// Country of the billing address.
        country: Country,
        /// Name and address of the buyer.
        billing: PersonalRef,
        /// VAT number of a business; none: a private buyer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        vat_number: Option<PersonalRef>,
        /// What the register said of it; none: it was not asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        vat_check: Option<VatCheck>,
    },
    /// The register of the Union was asked for the VAT number once more.
    VatNumberChecked {
        /// What it said.
        check: VatCheck,
        /// When.
        at: DateTime<Utc>,
    },
    /// The member plans to rest.
    PauseScheduled {
        /// The first day.
        from: NaiveDate,
        /// The first day after it; none: until the member ends it.
        until: Option<NaiveDate>,
    },
    /// A planned pause was given up.
    PauseWithdrawn {
        /// Its first day.
        from: NaiveDate,
    },
    /// It rests: nothing is billed, and nothing can be watched.
    SubscriptionPaused(PauseBegun),
    /// It goes on: the rest of the paid time runs on, and the day after it is the new anchor.
    PauseEnded(PauseOver),
    /// A dearer plan is wanted: the difference is to be paid.
    PlanChangeRequested(PlanChangeRequest),
    /// The difference was not paid: everything stays as it was.
    PlanChangeDropped {
        /// The order that nobody has to pay any more.
        order: Uuid,
        /// The attempt that failed.
        attempt: Uuid,
        /// The gateway's code.
        code: String,
        /// Trying again is useless.
        hard: bool,
    },
    /// Another plan is taken from a later day on.
    PlanChangeScheduled {
        /// What will be agreed.
        terms: Terms,
        /// From that day on.
        on: NaiveDate,
    },
    /// A planned change was given up.
    PlanChangeWithdrawn {},
    /// Another plan is in force.
    PlanChanged {
        /// The order that paid for it, if it was in force at once.
        order: Option<Uuid>,
        /// What is agreed now.
        terms: Terms,
        /// The day from which periods are counted now.
        anchor: NaiveDate,
        /// Periods since the anchor that are paid.
        periods: u32,
        /// The first instant that is not paid for.
        paid_until: DateTime<Utc>,
        /// Its first period was ordered before it begins: until that day what the plan before gave still counts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        begins_on: Option<NaiveDate>,
        /// When.
        at: DateTime<Utc>,
    },
    /// The first period of another plan, which was ordered before, begins: what that plan gives counts from now on.
    PlanBegan {
        /// What is agreed.
        terms: Terms,
        /// The first day.
        on: NaiveDate,
    },
    /// Some of what was paid for the time that runs went back, is about to, or is in dispute: it is not credited once
    /// more.
    PaymentRefunded {
        /// Of which order.
        order: Uuid,
        /// How much of its price in all, tax included; less than before if it does not go back after all.
        back: Money,
        /// What is left of all payments for the time that runs.
        left: Money,
    },
    /// It is to end at once, and a charge is under way: it ends when the result is known.
    EndAwaited {
        /// Why it ends.
        cause: CancelCause,
        /// The order that is charged.
        order: Uuid,
        /// Since when.
        at: DateTime<Utc>,
    },
    /// The following periods cost less for a while.
    DiscountGranted {
        /// How much, and for how long.
        discount: Discount,
    },
    /// The member is told that the price changes.
    PriceChangeAnnounced(PriceNotice),
    /// The member is told that another rate of tax changes what is to be paid.
    TaxChangeAnnounced {
        /// What changes, and when.
        change: TaxChange,
    },
    /// The buyer went back on the contract, as the law allows.
    WithdrawalDeclared(Withdrawal),
    /// Days that were paid for and not begun are to be given back.
    UnusedDaysRefundRequested(UnusedDays),
    /// It will end with the time that is paid for.
    CancellationScheduled {
        /// When.
        ends_at: DateTime<Utc>,
        /// The first day without access.
        ends_on: NaiveDate,
        /// Why, if the member said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<CancelReason>,
    },
    /// It goes on after all.
    CancellationUndone {
        /// The next day on which a payment is due.
        next_due_on: NaiveDate,
    },
    /// It ended.
    SubscriptionCancelled {
        /// Why.
        cause: CancelCause,
        /// From when.
        ended_at: DateTime<Utc>,
        /// An order that nobody has to pay any more.
        abandoned_order: Option<Uuid>,
        /// Why it was cancelled with this, if the member said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<CancelReason>,
    },
    /// It was on hold for too long.
    SubscriptionExpired {
        /// The day the order was due.
        due_on: NaiveDate,
        /// Weeks after which it expires.
        weeks: u16,
        /// From when.
        ended_at: DateTime<Utc>,
        /// The order that nobody has to pay any more.
        abandoned_order: Option<Uuid>,
    },
    /// Days were given that the member does not pay for; the day after them is the new anchor.
    PaidTimeExtended {
        /// How many.
        days: u16,
        /// The day that would have been the next to be paid for.
        from: NaiveDate,
        /// The day that is so now.
        to: NaiveDate,
        /// The first instant that is not covered.
        paid_until: DateTime<Utc>,
        /// By staff, who may take them back; else a gift, or not known.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        by_staff: bool,
    },
    /// Staff took back days that staff gave; the day that is due instead is the new anchor.
    GivenDaysTakenBack {
        /// How many.
        days: u16,
        /// The day that would have been the next to be paid for.
        from: NaiveDate,
        /// The day that is so now.
        to: NaiveDate,
        /// The first instant that is not covered.
        paid_until: DateTime<Utc>,
    },
    /// Staff gave up the open order: its period is free.
    PeriodWaived {
        /// The order that nobody has to pay any more.
        order: Uuid,
        /// The free span.
        period: Period,
        /// It was on hold: the span starts on the day of the act, which becomes the anchor.
        restarts: bool,
        /// The first instant that is not covered.
        paid_until: DateTime<Utc>,
    },
    /// The member is reminded that what is charged will soon be valid no more.
    CardExpiryAnnounced {
        /// The first day on which it cannot be charged.
        expires_on: NaiveDate,
        /// How many days before that they are told.
        days_before: u16,
    },
    /// Something else is charged from now on.
    PaymentMethodChanged {
        /// What.
        method: PaymentMethod,
    },
    /// The manager is told that a period begins.
    ManagerToldOfRenewal {
        /// Which day.
        due_on: NaiveDate,
        /// How much.
        amount: Money,
    },
    /// The member is told of a yearly renewal ahead.
    RenewalAnnounced {
        /// Which day.
        due_on: NaiveDate,
        /// How much.
        amount: Money,
        /// Days before.
        days_before: u16,
    },
    /// Too many periods went by unbilled; staff decide.
    SubscriptionParked {
        /// How many.
        behind: u32,
        /// How many are caught up without asking.
        limit: u16,
        /// The first of them.
        oldest_due_on: NaiveDate,
    },
    /// Staff let it go on.
    SubscriptionUnparked {
        /// Periods that will not be billed.
        waived: u32,
        /// Periods that are over and will be billed, one a day, oldest first.
        billed: u32,
        /// The next day on which a payment is due.
        next_due_on: NaiveDate,
    },
    /// It belongs to another account of the same person from now on.
    SubscriptionMoved {
        /// From which.
        from: AccountId,
        /// To which.
        to: AccountId,
    },
    /// Staff have a mail sent to the member once more.
    MailResent {
        /// Which one.
        mail: Uuid,
        /// What it is about, in a word.
        about: String,
    },
    /// The bank took back the payment of an order on which what runs now does not rest.
    EarlierPaymentReversed(EarlierReversal),
    /// It was paid after all.
    EarlierOrderPaid {
        /// Which order.
        order: Uuid,
        /// When.
        paid_at: DateTime<Utc>,
    },
    /// Money came for a subscription that had ended; staff decide.
    PaymentReceivedAfterEnd {
        /// For which order.
        order: Uuid,
        /// When.
        paid_at: DateTime<Utc>,
    },
}
