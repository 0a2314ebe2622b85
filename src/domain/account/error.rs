//! Why a wish about an account is refused, in sentences for people.

use crate::domain::shared::role::Role;

/// Passkeys that an account may have.
pub const MOST_PASSKEYS: usize = 10;

/// Reasons for a refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// There is no such account.
    #[error("There is no such account.")]
    Unknown,
    /// The id is in use.
    #[error("This account exists already.")]
    Exists,
    /// Nothing personal is left of it.
    #[error("This account was deleted.")]
    Erased,
    /// The link was for an address that is not (any longer) to be confirmed.
    #[error("This link is not valid any more. Ask for a new one.")]
    StaleLink,
    /// The request was used, replaced by a newer one, or never made.
    #[error("This link was used already, or a newer one replaced it. Ask for a new one.")]
    UnknownReset,
    /// Every account is a member; that role is neither given nor taken.
    #[error("Every account is a member; that role cannot be granted or revoked.")]
    MemberIsImplied,
    /// To revoke a role that is not held.
    #[error("The account does not hold the role {0}.")]
    RoleNotHeld(Role),
    /// Somebody with power over others would act on the own account.
    #[error("Ask another admin: nobody may change the own roles or suspend the own account.")]
    NotOnYourself,
    /// Suspending an admin.
    #[error("An admin cannot be suspended. Revoke the role first.")]
    AdminIsSafe,
    /// Seeing with the eyes of somebody who sees more than others.
    #[error("Nobody sees the site as a member of staff does, but they themselves.")]
    StaffIsNotImpersonated,
    /// It is closed: another account of the same person is kept.
    #[error("This account was merged into another one of the same person.")]
    Merged,
    /// Staff, or an account with itself.
    #[error("An account of the staff is not merged into another one: take its roles first.")]
    StaffIsNotMerged,
    /// The end of a suspension lies before its start.
    #[error("The end of the suspension must be in the future.")]
    SuspendedInThePast,
    /// The end lies before the start.
    #[error("The end of the complimentary access must be in the future.")]
    EndsInThePast,
    /// There is one already.
    #[error("There is an authenticator already. Remove it first.")]
    SecondFactorIsThere,
    /// There is none.
    #[error("There is no authenticator.")]
    NoSecondFactor,
    /// More than anybody needs.
    #[error("There are {MOST_PASSKEYS} passkeys already. Remove one that you no longer use.")]
    TooManyPasskeys,
    /// No such passkey.
    #[error("There is no such passkey any more.")]
    UnknownPasskey,
    /// Another identity is linked.
    #[error("The sign-in service is linked to this account already. Unlink it first.")]
    IdentityIsThere,
    /// None is linked.
    #[error("The sign-in service is not linked to this account.")]
    NoIdentity,
    /// Without it nobody could sign in.
    #[error("Set a password first: without the sign-in service you could not sign in any more.")]
    LastWayIn,
    /// Another deletion request hides or erased it.
    #[error("Another deletion request is pending for this account.")]
    OtherDeletionRequest,
    /// A pending deletion request leaves only the request page.
    #[error("A deletion request is pending. Withdraw it first.")]
    DeletionPending,
}
