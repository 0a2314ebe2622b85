/// Why a coupon refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CouponError {
    /// No such coupon.
    #[error("There is no coupon of that name.")]
    Missing,
    /// The stream holds another one.
    #[error("This code is taken: choose another one.")]
    Exists,
    /// Not a code.
    #[error("A code has 4 to 24 letters, digits or hyphens, and not hyphens only.")]
    Code,
    /// Takes nothing, or everything, off.
    #[error("Take 1 to 99 percent off, or an amount above zero.")]
    Off,
    /// No period, or far too many.
    #[error("Give it for 1 to 120 periods, or leave the field empty: for ever.")]
    Periods,
    /// Nobody could use it.
    #[error("Let at least one person use it.")]
    Limit,
    /// It would be over from the beginning.
    #[error("This day is past: choose today or a later one.")]
    LastDay,
    /// More than any price.
    #[error("No price is that high: take less off.")]
    TooMuch,
    /// Over.
    #[error("This coupon cannot be used any more.")]
    Over,
    /// As many as may have used it.
    #[error("This coupon was used as often as it may be.")]
    UsedUp,
    /// One use a person.
    #[error("You have used this coupon before.")]
    UsedBefore,
    /// In another currency, or as much as the price.
    #[error("This coupon does not fit the price of this plan.")]
    DoesNotFit,
}
