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
    /// It was paid before.
    #[error("This order is paid.")]
    Paid,
    /// It was cancelled before.
    #[error("This order was cancelled.")]
    Cancelled,
    /// A charge is under way.
    #[error("A payment for this order is being processed. Wait for its result before you pay again.")]
    InFlight,
    /// No such attempt.
    #[error("There is no such payment attempt on this order.")]
    NoAttempt,
    /// Zero, negative or another currency.
    #[error("Enter the amount received, in the currency of the order.")]
    Amount,
}
