use super::{AskRefund, DisputeReport, OrderItem, ReissueInvoice, Settlement};
use crate::domain::shared::payment::{OrderReason, Outcome, PaymentMethod, RefundOutcome};
use crate::domain::shared::tax::Tax;
use crate::domain::shared::{AccountId, Money, PersonalRef};
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

/// Everything a new order says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceOrder {
    /// Its id.
    pub order: Uuid,
    /// What people call it.
    pub number: String,
    /// Who pays.
    pub account: AccountId,
    /// The subscription it is for.
    pub subscription: Uuid,
    /// Why it exists.
    pub reason: OrderReason,
    /// What is sold.
    pub items: Vec<OrderItem>,
    /// Total, tax, and the rate with its source.
    pub tax: Tax,
    /// How it will be settled.
    pub settlement: Settlement,
    /// Name and address of the buyer as they are now.
    pub billing: Option<PersonalRef>,
    /// VAT number of the business that buys.
    pub vat_number: Option<PersonalRef>,
    /// What of the buyer's credit pays for it at once; set aside for this order before.
    pub credit: Option<Money>,
    /// When.
    pub at: DateTime<Utc>,
}

/// What may be asked of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderCommand {
    /// Make it.
    Place(Box<PlaceOrder>),
    /// Write down that a payment method is about to be charged.
    StartAttempt {
        /// The attempt and the gateway's key.
        attempt: Uuid,
        /// What is charged.
        method: PaymentMethod,
        /// The buyer is there, and can confirm it at once.
        present: bool,
        /// When.
        at: DateTime<Utc>,
    },
    /// Write down what the gateway said.
    RecordOutcome {
        /// Of which attempt.
        attempt: Uuid,
        /// What it said.
        outcome: Outcome,
        /// When.
        at: DateTime<Utc>,
    },
    /// Money arrived by bank transfer.
    RecordTransfer {
        /// How much.
        received: Money,
        /// When it was booked.
        at: DateTime<Utc>,
    },
    /// The buyer's credit pays what is missing, or part of it.
    ApplyCredit {
        /// Once for each: the id of the use of the credit.
        id: Uuid,
        /// How much.
        amount: Money,
        /// When.
        at: DateTime<Utc>,
    },
    /// It stands in a file of direct debits for the bank.
    SendDebit {
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
    /// The bank gave a direct debit back to its holder.
    RecordDebitReturn {
        /// The bank's code.
        reason: String,
        /// When it was booked.
        at: DateTime<Utc>,
    },
    /// The bank does not collect the direct debit.
    RecordDebitRejection {
        /// The bank's code.
        reason: String,
        /// When it said so.
        at: DateTime<Utc>,
    },
    /// Give money back; above a limit it is a proposal for a second person.
    AskRefund(AskRefund),
    /// Take the invoice back, and issue it anew for a buyer with other details.
    ReissueInvoice(Box<ReissueInvoice>),
    /// Give part of the price back because the buyer has a right to it: nobody has to agree.
    RefundPart {
        /// The refund's id.
        refund: Uuid,
        /// Of the price this part…
        part: u64,
        /// …of so many.
        of: u64,
        /// When.
        at: DateTime<Utc>,
    },
    /// The second person agrees to a refund, or does not.
    DecideRefund {
        /// Which one.
        refund: Uuid,
        /// Yes or no.
        approve: bool,
        /// Who decides.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// The time in which a second person could agree to a refund is over.
    LapseRefund {
        /// Which one.
        refund: Uuid,
        /// When.
        at: DateTime<Utc>,
    },
    /// Staff have settled otherwise what a gateway did not return: nothing more is to be given back of it.
    DismissRefund {
        /// Which one.
        refund: Uuid,
        /// Who of the staff.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Write down what became of a refund.
    RecordRefund {
        /// Which one.
        refund: Uuid,
        /// What became of it.
        outcome: RefundOutcome,
        /// When.
        at: DateTime<Utc>,
    },
    /// Write down what the gateway tells of a dispute.
    RecordDispute {
        /// What it tells.
        report: DisputeReport,
        /// When.
        at: DateTime<Utc>,
    },
    /// What it paid for has been given to its end.
    Fulfil {
        /// When.
        at: DateTime<Utc>,
    },
    /// Give up collecting; it may still be paid by hand.
    Fail {
        /// The rule in one word.
        cause: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// Nobody has to pay it any more.
    Cancel {
        /// The rule in one word.
        cause: String,
        /// When.
        at: DateTime<Utc>,
    },
}
