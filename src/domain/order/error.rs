use crate::domain::shared::Money;

/// Why an order refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// No such order.
    #[error("There is no such order.")]
    Missing,
    /// The id is taken by another order.
    #[error("This order exists already.")]
    Exists,
    /// Lines and total differ.
    #[error("The lines of the order do not add up to its total.")]
    Sum,
    /// Credit of another currency, or more than the order asks for.
    #[error("The credit does not fit the total of the order.")]
    Credit,
    /// It was paid before.
    #[error("This order is paid.")]
    Paid,
    /// It was cancelled before.
    #[error("This order was cancelled.")]
    Cancelled,
    /// It stood in a file before.
    #[error("This order stood in a file of direct debits before.")]
    DebitSent,
    /// No direct debit was sent.
    #[error("No direct debit of this order was sent.")]
    NoDebit,
    /// A charge is under way.
    #[error("A payment for this order is being processed. Wait for its result before you pay again.")]
    InFlight,
    /// No such attempt.
    #[error("There is no such payment attempt on this order.")]
    NoAttempt,
    /// Nothing was paid for it.
    #[error("This order is not paid: there is no price to give back.")]
    NotPaid,
    /// More than was paid and has not gone back.
    #[error("At most {0} can go back this way.")]
    RefundTooMuch(Money),
    /// Zero, negative or another currency.
    #[error("Enter the amount to give back, in the currency of the order.")]
    RefundAmount,
    /// No charge to return.
    #[error("No charge was made for this: it can only go back by bank transfer.")]
    NoCharge,
    /// No such refund.
    #[error("There is no such refund on this order.")]
    NoRefund,
    /// The one who asked cannot be the second person.
    #[error("Somebody else has to agree to this refund: you asked for it.")]
    SamePerson,
    /// The one to whom the money goes cannot be the second person.
    #[error("Somebody else has to agree to this refund: it is yours.")]
    OwnGain,
    /// A second person has decided meanwhile.
    #[error("This refund is decided already.")]
    RefundDecided,
    /// Too late.
    #[error("This refund has lapsed: nobody agreed in time. Ask again if it is still wanted.")]
    RefundLapsed,
    /// It went back, or may yet.
    #[error("Only a refund that was refused can be settled otherwise.")]
    RefundNotRefused,
    /// Nobody has agreed to it yet.
    #[error("Nobody has agreed to this refund.")]
    RefundUndecided,
    /// Zero, negative or another currency.
    #[error("Enter the amount received, in the currency of the order.")]
    Amount,
    /// Neither paid nor asked for by transfer.
    #[error("There is no invoice of this order yet.")]
    NoInvoice,
    /// Credit notes correct it.
    #[error("Some of the price went back, and a credit note corrects the invoice: it cannot be issued anew.")]
    InvoiceCorrected,
    /// Of another country, or of a business that accounts for the tax itself.
    #[error(
        "With these billing details another tax would be due: give the price back, and let the member order again."
    )]
    OtherTax,
    /// Nothing would be another.
    #[error("The invoice has these billing details already. Change them first.")]
    SameBuyer,
    /// A dispute is open.
    #[error(
        "The holder of the card has asked their bank for this money: wait for its decision, or accept the dispute at the payment service."
    )]
    Disputed,
}
