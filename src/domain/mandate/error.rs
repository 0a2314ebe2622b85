/// Why a mandate refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MandateError {
    /// None is there.
    #[error("There is no mandate for direct debit.")]
    Missing,
    /// One is in force.
    #[error("There is a mandate already. Revoke it first if another account is to be debited.")]
    Exists,
}
