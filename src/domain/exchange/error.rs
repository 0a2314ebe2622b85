/// Why the book of exchange rates refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// The euro itself.
    #[error("Choose another currency than the euro.")]
    Euro,
    /// No rate.
    #[error(
        "Enter how much of the currency one euro is, such as 1.0856: above 0, at most six digits behind the point."
    )]
    Rate,
    /// Not known yet.
    #[error("This day has not come: its rate is not published yet.")]
    Future,
}
