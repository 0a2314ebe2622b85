//! Why figures are refused.

/// The reason, as a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatisticsError {
    /// A sample without figures says nothing.
    #[error("There is nothing to note: the sample has no figures.")]
    Empty,
}
