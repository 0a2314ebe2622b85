use super::{AwaitedRefund, InvoiceReissue, RefundOf, RefundVia};
use crate::domain::shared::calendar::Period;
use crate::domain::shared::payment::{OrderReason, PaymentMethod};
use crate::domain::shared::tax::Tax;
use crate::domain::shared::{AccountId, Money, PersonalRef};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderItem {
    /// What is sold: "Studio, monthly".
    pub description: String,
    /// How many.
    pub quantity: u32,
    /// Price of one, tax included.
    pub unit: Money,
    /// The span it covers; unknown until it is paid where the payment starts the span.
    pub period: Option<Period>,
}

/// How an order is meant to be settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Settlement {
    /// A gateway charges a payment method.
    Charge {
        /// Which gateway.
        gateway: String,
    },
    /// The buyer sends the money.
    Transfer {
        /// To this account of the seller.
        iban: String,
        /// With this reference.
        reference: String,
    },
}

/// What settled an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum PaidBy {
    /// A charge.
    Charge {
        /// Which attempt.
        attempt: Uuid,
    },
    /// Bank transfers that staff or a bank file reported.
    Transfer,
    /// The buyer's credit.
    Credit,
}

/// What happened to an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum OrderEvent {
    /// It was made.
    OrderPlaced {
        /// Its id.
        order: Uuid,
        /// What people call it.
        number: String,
        /// Who pays.
        account: AccountId,
        /// What it is for.
        subscription: Uuid,
        /// Why it exists.
        reason: OrderReason,
        /// Lines.
        items: Vec<OrderItem>,
        /// Total and tax with the rate and its source.
        tax: Tax,
        /// How it is to be settled.
        settlement: Settlement,
        /// Name and address of the buyer as they were then.
        billing: Option<PersonalRef>,
        /// VAT number of the business that buys.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        vat_number: Option<PersonalRef>,
        /// What of the buyer's credit has paid for it; none: nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        credit: Option<Money>,
        /// When.
        at: DateTime<Utc>,
    },
    /// The gateway is about to be called. Written before the call.
    PaymentAttemptStarted {
        /// The attempt, and the gateway's key.
        attempt: Uuid,
        /// The order's number, for the gateway's statement.
        number: String,
        /// The subscription that waits for it.
        subscription: Uuid,
        /// How much.
        amount: Money,
        /// What is charged.
        method: PaymentMethod,
        /// The buyer is there, and can confirm it at once; not so in old events.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        present: bool,
        /// When.
        at: DateTime<Utc>,
    },
    /// The gateway took the money.
    PaymentSucceeded {
        /// Which attempt.
        attempt: Uuid,
        /// How much.
        amount: Money,
        /// Which gateway.
        gateway: String,
        /// Its own number of the charge.
        gateway_reference: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// The gateway did not take it.
    PaymentDeclined {
        /// Which attempt.
        attempt: Uuid,
        /// The subscription that waits for it.
        subscription: Uuid,
        /// Which gateway.
        gateway: String,
        /// Its code.
        code: String,
        /// Trying again is useless.
        hard: bool,
        /// When.
        at: DateTime<Utc>,
    },
    /// The holder of the card has to confirm.
    PaymentActionRequired {
        /// Which attempt.
        attempt: Uuid,
        /// The subscription that waits for it.
        subscription: Uuid,
        /// Which gateway.
        gateway: String,
        /// Until when.
        until: DateTime<Utc>,
        /// When it was asked for.
        at: DateTime<Utc>,
    },
    /// The attempt was withdrawn; nothing was taken.
    PaymentAttemptCancelled {
        /// Which attempt.
        attempt: Uuid,
        /// The subscription that waits for it.
        subscription: Uuid,
        /// Which gateway.
        gateway: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// The answer was lost. It is looked up, never tried again blindly.
    PaymentOutcomeUnknown {
        /// Which attempt.
        attempt: Uuid,
        /// Which gateway.
        gateway: String,
        /// Look-ups so far.
        lookups: u8,
        /// When the next one is due.
        look_again_at: DateTime<Utc>,
        /// When.
        at: DateTime<Utc>,
    },
    /// The gateway could not say even after the last look-up: staff have to find out.
    PaymentParked {
        /// Which attempt.
        attempt: Uuid,
        /// Which gateway.
        gateway: String,
        /// Look-ups made.
        lookups: u8,
        /// When.
        at: DateTime<Utc>,
    },
    /// Money arrived in the seller's bank account.
    TransferReceived {
        /// How much.
        received: Money,
        /// What is still missing: zero when it is enough.
        rest: Money,
        /// When.
        at: DateTime<Utc>,
    },
    /// It stands in a file of direct debits for the bank.
    DirectDebitSent {
        /// Which file.
        file: Uuid,
        /// By which mandate.
        mandate: Uuid,
        /// How much.
        amount: Money,
        /// On which day.
        collect_on: NaiveDate,
        /// When.
        at: DateTime<Utc>,
    },
    /// The bank gave a direct debit back to its holder; an order that was settled by it is open again.
    DirectDebitReturned {
        /// In which file it was.
        file: Uuid,
        /// By which mandate.
        mandate: Uuid,
        /// Who was to pay.
        account: AccountId,
        /// The subscription that it was for.
        subscription: Uuid,
        /// What of the money that came is gone.
        taken_back: Money,
        /// The bank's code.
        reason: String,
        /// The order was settled, and is open again.
        reopened: bool,
        /// What of it had come too much, and was still here: the price does not lack it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of_overpaid: Option<Money>,
        /// What is missing of the price of an order that is open again; none in old events, where it was the debit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rest: Option<Money>,
        /// When it was booked.
        at: DateTime<Utc>,
    },
    /// The bank does not collect the direct debit: no money comes by it. What was paid otherwise stays.
    DirectDebitRejected {
        /// In which file it is.
        file: Uuid,
        /// By which mandate.
        mandate: Uuid,
        /// Who was to pay.
        account: AccountId,
        /// The subscription that it is for.
        subscription: Uuid,
        /// The bank's code.
        reason: String,
        /// When it said so.
        at: DateTime<Utc>,
    },
    /// The order is settled.
    OrderPaid {
        /// The subscription that waits for it.
        subscription: Uuid,
        /// The total that was asked for.
        amount: Money,
        /// What settled it.
        paid_by: PaidBy,
        /// When.
        at: DateTime<Utc>,
    },
    /// More money came than was asked for; staff return it or make it a credit.
    OrderOverpaid {
        /// How much too much.
        over: Money,
        /// Why it was too much, in one word.
        cause: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// Somebody of the staff wants to give money back, more than one person may decide alone.
    RefundProposed {
        /// Its id.
        refund: Uuid,
        /// What is given back.
        of: RefundOf,
        /// The way it goes.
        via: RefundVia,
        /// How much.
        amount: Money,
        /// Who asked.
        by: AccountId,
        /// Above this a second person has to agree.
        limit: Money,
        /// The first instant at which nobody can agree any more; none: it waits for ever, as it did once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lapses_at: Option<DateTime<Utc>>,
        /// When.
        at: DateTime<Utc>,
    },
    /// The second person did not agree.
    RefundRejected {
        /// Which one.
        refund: Uuid,
        /// Who.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// No second person decided in time.
    RefundLapsed {
        /// Which one.
        refund: Uuid,
        /// When.
        at: DateTime<Utc>,
    },
    /// What the gateway did not return is settled otherwise, staff say: it waits for nobody any more.
    RefundDismissed {
        /// Which one.
        refund: Uuid,
        /// Who of the staff.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Money is about to go back. Written before the gateway is called.
    RefundStarted {
        /// Its id, and the gateway's key.
        refund: Uuid,
        /// What is given back.
        of: RefundOf,
        /// The way it goes.
        via: RefundVia,
        /// How much.
        amount: Money,
        /// Who asked.
        by: AccountId,
        /// Who agreed, where a second person had to.
        approved_by: Option<AccountId>,
        /// When.
        at: DateTime<Utc>,
    },
    /// The money went back.
    RefundSucceeded {
        /// Which one.
        refund: Uuid,
        /// What was given back.
        of: RefundOf,
        /// The way it went.
        via: RefundVia,
        /// How much.
        amount: Money,
        /// What had gone back before of the same: the tax of the credit note is reckoned on the sum.
        before: Money,
        /// The gateway's number of the refund, or the bank's of the transfer.
        gateway_reference: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// The buyer has a right to some of the price, which the bank may have taken away: it goes back if it is still there
    /// when the dispute is decided.
    RefundAwaitsDispute(AwaitedRefund),
    /// The invoice is taken back, and issued anew for a buyer with other details.
    InvoiceReissueRequested(InvoiceReissue),
    /// It did not go back.
    RefundRefused {
        /// Which one.
        refund: Uuid,
        /// The gateway's code.
        code: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// The answer was lost. It is looked up.
    RefundOutcomeUnknown {
        /// Which one.
        refund: Uuid,
        /// Look-ups so far.
        lookups: u8,
        /// When the next one is due.
        look_again_at: DateTime<Utc>,
        /// When.
        at: DateTime<Utc>,
    },
    /// The gateway could not say even after the last look-up: staff have to find out.
    RefundParked {
        /// Which one.
        refund: Uuid,
        /// Look-ups made.
        lookups: u8,
        /// When.
        at: DateTime<Utc>,
    },
    /// What it paid for has been given to its end: the period is over, or the gift was used.
    OrderFulfilled {
        /// When.
        at: DateTime<Utc>,
    },
    /// The whole price has gone back.
    OrderRefunded {
        /// When.
        at: DateTime<Utc>,
    },
    /// The holder of the card asks their bank for the money back; the gateway took it away for now.
    PaymentDisputed {
        /// The gateway's own number of the dispute.
        dispute: String,
        /// Which charge.
        attempt: Uuid,
        /// The subscription that it paid for.
        subscription: Uuid,
        /// Which gateway.
        gateway: String,
        /// How much of the charge.
        amount: Money,
        /// The gateway's word for why.
        reason: String,
        /// It is about money that came too much: the price is not touched.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        too_much: bool,
        /// When it became known.
        at: DateTime<Utc>,
    },
    /// It is decided who keeps the money.
    DisputeClosed {
        /// The gateway's own number of the dispute.
        dispute: String,
        /// The studio keeps it.
        won: bool,
        /// How much.
        amount: Money,
        /// It is about money that came too much: the price is not touched.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        too_much: bool,
        /// When it became known.
        at: DateTime<Utc>,
    },
    /// Collecting was given up; it may still be paid by hand.
    OrderFailed {
        /// The rule in one word.
        cause: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// The buyer's credit paid for an order that was open.
    OrderCreditApplied {
        /// The use of the credit.
        id: Uuid,
        /// How much.
        amount: Money,
        /// What is still missing: zero when it is enough.
        rest: Money,
        /// When.
        at: DateTime<Utc>,
    },
    /// What the buyer's credit had paid for an order that nobody has to pay goes back to the credit.
    OrderCreditReleased {
        /// Whose credit.
        account: AccountId,
        /// How much.
        amount: Money,
        /// When.
        at: DateTime<Utc>,
    },
    /// Nobody has to pay it any more.
    OrderCancelled {
        /// The rule in one word.
        cause: String,
        /// When.
        at: DateTime<Utc>,
    },
}
