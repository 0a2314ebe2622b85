/// Why a team refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TeamError {
    /// The subscription's plan is none for teams.
    #[error("There is no team: the plan is for one person.")]
    Missing,
    /// They own it.
    #[error("The owner of a team needs no seat.")]
    Owner,
}
