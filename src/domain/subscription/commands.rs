use super::{CancelCause, CancelReason, RatesMove, Terms};
use crate::domain::shared::Money;
use crate::domain::shared::discount::Discount;
use crate::domain::shared::payment::{BillingPolicy, PaymentMethod};
use crate::domain::shared::tax::Country;
use crate::domain::shared::vat_number::VatCheck;
use crate::domain::shared::{AccountId, PersonalRef};
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

/// What may be asked of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one command at a time, moved a few times")]
pub enum SubscriptionCommand {
    /// Begin: the first order is made, and charged if there is something to charge.
    Join {
        /// Its own id.
        subscription: Uuid,
        /// Who joins.
        owner: AccountId,
        /// Price, interval and collection, copied from the plan.
        terms: Terms,
        /// What to charge; none when the money comes by transfer.
        method: Option<PaymentMethod>,
        /// Country of the billing address: it decides the tax.
        country: Country,
        /// Name and address of the buyer.
        billing: Option<PersonalRef>,
        /// VAT number of a business; none: a private buyer.
        vat_number: Option<PersonalRef>,
        /// What the register said of it; none: it was not asked.
        vat_check: Option<VatCheck>,
        /// Days before the first payment; 0: none.
        trial_days: u16,
        /// What a coupon takes off.
        discount: Option<Discount>,
        /// The buyer wants it to begin at once, and knows that the right of withdrawal ends with that.
        waives_withdrawal: bool,
        /// When.
        at: DateTime<Utc>,
    },
    /// The clock asks what is due.
    Tick {
        /// Settings in force.
        policy: BillingPolicy,
        /// The time of the tick.
        at: DateTime<Utc>,
    },
    /// The member pays the open order now.
    PayNow {
        /// The attempt's id.
        attempt: Uuid,
        /// What to charge; kept for the renewals.
        method: PaymentMethod,
        /// When.
        at: DateTime<Utc>,
    },
    /// An order was paid.
    RecordPaid {
        /// Which order.
        order: Uuid,
        /// When the money was taken or booked.
        at: DateTime<Utc>,
    },
    /// A charge did not succeed.
    RecordFailure {
        /// Of which order.
        order: Uuid,
        /// Which attempt.
        attempt: Uuid,
        /// The gateway's code.
        code: String,
        /// Trying again is useless.
        hard: bool,
        /// Settings in force.
        policy: BillingPolicy,
        /// When.
        at: DateTime<Utc>,
    },
    /// The holder of the card has to confirm a charge.
    RecordActionRequired {
        /// Of which order.
        order: Uuid,
        /// Which attempt.
        attempt: Uuid,
        /// Until when.
        until: DateTime<Utc>,
        /// When it was asked for.
        at: DateTime<Utc>,
    },
    /// Charge something else from now on.
    ChangeMethod {
        /// What.
        method: PaymentMethod,
        /// When.
        at: DateTime<Utc>,
    },
    /// End it with the time that is paid for.
    Cancel {
        /// Why, if the member says so.
        reason: Option<CancelReason>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Keep it after all.
    UndoCancel {
        /// When.
        at: DateTime<Utc>,
    },
    /// Bill to another name, address or country from the next order on.
    ChangeBilling {
        /// Country of the billing address.
        country: Country,
        /// Name and address of the buyer.
        billing: PersonalRef,
        /// VAT number of a business; none: a private buyer.
        vat_number: Option<PersonalRef>,
        /// What the register said of it; none: it was not asked.
        vat_check: Option<VatCheck>,
    },
    /// Write down what the register of the Union says of the VAT number.
    RecordVatCheck {
        /// Of which number.
        number: PersonalRef,
        /// What it says.
        check: VatCheck,
        /// When.
        at: DateTime<Utc>,
    },
    /// Rest: nothing is billed, and nothing can be watched.
    Pause {
        /// The first day.
        from: NaiveDate,
        /// The first day after it; none: until the member ends it.
        until: Option<NaiveDate>,
        /// When this is asked for.
        at: DateTime<Utc>,
    },
    /// End the pause now, or give up a planned one.
    EndPause {
        /// When.
        at: DateTime<Utc>,
    },
    /// Take another plan.
    ChangePlan {
        /// The order, if something is to be paid now.
        order: Uuid,
        /// What is to be agreed.
        terms: Terms,
        /// What whoever asks was told to pay now, before tax is looked at; none: they were told nothing.
        shown: Option<Money>,
        /// A difference can be charged now; without that the change waits for the next period.
        at_once: bool,
        /// When.
        at: DateTime<Utc>,
    },
    /// Give up a planned change.
    WithdrawPlanChange,
    /// Let the following periods cost less for a while.
    GrantDiscount {
        /// How much, and for how long.
        discount: Discount,
    },
    /// Tell the member that the price changes, if it is theirs.
    AnnouncePrice {
        /// The price that will no longer be asked.
        of: Uuid,
        /// The one that is asked instead; everything else of the terms stays.
        variation: Uuid,
        /// How much that is.
        price: Money,
        /// Periods that begin on this day or later cost it.
        from: NaiveDate,
        /// Days before which nobody is asked for it without having been told.
        notice_days: u16,
        /// The studio decided it just now: what the member was told before holds no more.
        anew: bool,
    },
    /// Tell the member that another rate of tax changes what is to be paid, if it does.
    AnnounceTax(Box<RatesMove>),
    /// The buyer goes back on the contract.
    Withdraw {
        /// Days for which that is possible; 0: not at all.
        days: u16,
        /// When.
        at: DateTime<Utc>,
    },
    /// End it at once: by staff, or after a dispute.
    EndNow {
        /// Why.
        cause: CancelCause,
        /// When.
        at: DateTime<Utc>,
    },
    /// Staff give days that are not paid for, or somebody else gave them.
    Extend {
        /// How many, 1 to 366.
        days: u16,
        /// Whether they are a gift, which somebody paid for.
        gift: bool,
    },
    /// The next payment is due on another day: a later one gives the days between, an earlier one takes back days that
    /// staff gave.
    MoveDueDay {
        /// That day.
        on: NaiveDate,
        /// When.
        at: DateTime<Utc>,
    },
    /// Staff give up the open order: its period is free.
    Waive {
        /// When.
        at: DateTime<Utc>,
    },
    /// Staff give up this order, if it is still the open one.
    WaiveOrder {
        /// Which one.
        order: Uuid,
        /// When.
        at: DateTime<Utc>,
    },
    /// The bank was told to collect the open order: it counts as late only after that.
    AwaitDebit {
        /// Which order.
        order: Uuid,
        /// The day on which is collected.
        collect_on: NaiveDate,
        /// Until when the money is awaited.
        until: DateTime<Utc>,
    },
    /// The bank does not collect the open order.
    RejectDebit {
        /// Which order.
        order: Uuid,
        /// The bank's code.
        reason: String,
        /// When it said so.
        at: DateTime<Utc>,
    },
    /// Some of the price of an order went back.
    RecordRefund {
        /// Of which order.
        order: Uuid,
        /// How much in all.
        refunded: Money,
        /// Of how much.
        of: Money,
    },
    /// The bank took the payment of an order back.
    ReversePayment {
        /// Which order.
        order: Uuid,
        /// Settings in force.
        policy: BillingPolicy,
        /// When.
        at: DateTime<Utc>,
    },
    /// Staff have the next attempt of the clock made now.
    RetryNow {
        /// Settings in force.
        policy: BillingPolicy,
        /// When.
        at: DateTime<Utc>,
    },
    /// Staff have a mail sent to the member once more.
    ResendMail {
        /// Which one.
        mail: Uuid,
        /// What it is about, in a word.
        about: String,
    },
    /// Its owner has another account, which is kept.
    MoveTo {
        /// Which one.
        to: AccountId,
    },
    /// Staff let a parked subscription go on.
    Unpark {
        /// Do not bill the periods that were missed.
        waive_missed: bool,
        /// When.
        at: DateTime<Utc>,
    },
}
