/// Why the book of tax rates refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaxBookError {
    /// It counts already.
    #[error(
        "Choose a day after today: what counts already is never changed, since orders were reckoned with it."
    )]
    Past,
    /// Not sold there.
    #[error("Choose a country from the list.")]
    Country,
    /// No rate.
    #[error("Enter a rate above 0 and up to 50 percent, such as 21 or 25.5.")]
    Rate,
    /// One begins that day.
    #[error("A rate begins on that day already: correct that one.")]
    Exists,
    /// It would change nothing.
    #[error("That is the rate that counts on that day anyway: nothing would change.")]
    Same,
    /// None begins that day.
    #[error("No rate of that country begins on that day.")]
    Missing,
}
