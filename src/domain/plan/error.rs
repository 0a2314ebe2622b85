use crate::domain::shared::calendar::day_words;

/// Why a plan refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The stream already holds another plan.
    #[error("This plan exists already.")]
    Exists,
    /// No such plan.
    #[error("There is no such plan.")]
    Missing,
    /// An empty name.
    #[error("Give the plan a name of at most 80 characters, without characters that nobody sees.")]
    Name,
    /// An empty sentence, or one that is too long.
    #[error("Say in one sentence of at most 200 characters what members get.")]
    Summary,
    /// Zero or less.
    #[error("A price must be more than zero.")]
    Price,
    /// A trial that is too long.
    #[error("A trial lasts at most 366 days.")]
    Trial,
    /// No such variation, or withdrawn before.
    #[error("The plan is not sold at that price.")]
    NoVariation,
    /// The id is taken by other terms.
    #[error("This price exists already with other terms; add a new one instead.")]
    VariationExists,
    /// Other terms than the price.
    #[error("Choose a price of this plan with the same currency, interval, collection and seats.")]
    OtherTerms,
    /// Less notice than members have a right to.
    #[error("Members have to know {days} days before: choose {} or a later day.", day_words(*.first))]
    TooSoon {
        /// Days of notice.
        days: u16,
        /// The first day that is possible.
        first: chrono::NaiveDate,
    },
}
