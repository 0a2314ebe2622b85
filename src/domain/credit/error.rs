use crate::domain::shared::Money;

/// Why a credit refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CreditError {
    /// Zero or negative.
    #[error("Enter an amount above zero.")]
    Amount,
    /// More than there is.
    #[error("At most {0} of this credit can be paid out.")]
    TooMuch(Money),
    /// The id is taken by another payout.
    #[error("This payout exists already.")]
    Exists,
    /// No such payout.
    #[error("There is no such payout of this credit.")]
    NoPayout,
    /// Said before.
    #[error("What became of this payout is known already.")]
    Settled,
}
