use super::LONGEST_DAYS;
use crate::domain::shared::calendar::day_words;
use chrono::NaiveDate;

/// Why a gift refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GiftError {
    /// No such gift.
    #[error("There is no gift with this code. Look at the letters again.")]
    Missing,
    /// The stream holds another one.
    #[error("This gift exists already.")]
    Exists,
    /// Too long to be given at once.
    #[error("At most {LONGEST_DAYS} days can be given at once. Choose a shorter time.")]
    TooLong,
    /// The money is not there.
    #[error("This gift is not paid yet. Its code counts as soon as it is.")]
    NotPaid,
    /// There is nothing to pay.
    #[error("This gift is paid already.")]
    Paid,
    /// Somebody was first.
    #[error("This gift was redeemed already. Each can be redeemed once.")]
    Redeemed,
    /// Taken back.
    #[error("This gift was taken back. Write to the studio if you do not know why.")]
    Withdrawn,
    /// The bank has been asked for its price.
    #[error(
        "The payment of this gift is in dispute: its code counts only if the bank decides for the studio."
    )]
    HeldBack,
    /// Not offered.
    #[error("There is no right of withdrawal from gifts here. Write to the studio.")]
    NoWithdrawal,
    /// The days are over.
    #[error("You could withdraw from this gift until {}.", day_words(*.0))]
    WithdrawalOver(NaiveDate),
    /// Too late.
    #[error("This gift could be redeemed until {}.", day_words(*.0))]
    Expired(NaiveDate),
}
