/// Ways to pay that a person may keep.
pub const MOST_METHODS: usize = 10;

/// Why a wallet refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WalletError {
    /// No such way to pay.
    #[error("This card is not kept any more. Reload the page.")]
    Unknown,
    /// Too many.
    #[error("You keep {MOST_METHODS} cards already. Remove one that you no longer use.")]
    TooMany,
    /// It can be charged no more.
    #[error("This card has expired. Add the new one first.")]
    Expired,
    /// The gateway has forgotten it.
    #[error("This card was removed. Enter it again.")]
    Detached,
}
