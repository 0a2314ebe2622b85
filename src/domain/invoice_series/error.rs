/// Why a series refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvoiceSeriesError {
    /// The stream belongs to another entity, year or kind.
    #[error("This number series belongs to another seller, year or kind of document.")]
    OtherSeries,
    /// The day of issue does not lie in the year.
    #[error("The day of issue does not lie in the year of the series.")]
    OtherYear,
    /// A document of a later day has a lower number already.
    #[error("The last document of the series was issued on {latest}: this one cannot be issued before.")]
    Backwards {
        /// That day.
        latest: chrono::NaiveDate,
    },
}
