/// Why a request refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalError {
    /// No such request.
    #[error("There is no such request.")]
    Missing,
    /// The id is taken by another request.
    #[error("This request exists already.")]
    Exists,
    /// The one who asked cannot be the second person.
    #[error("Somebody else has to agree: you asked for this.")]
    SamePerson,
    /// The one who is given something cannot be the second person.
    #[error("Somebody else has to agree: this gives something to you.")]
    OwnGain,
    /// Decided before.
    #[error("This request is decided already.")]
    Decided,
    /// Too late.
    #[error("This request has lapsed: nobody agreed in time. Ask again if it is still wanted.")]
    Lapsed,
}
