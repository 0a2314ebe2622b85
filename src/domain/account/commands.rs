//! What can be asked of an account.

use super::digest::Digest;
use super::events::{By, Origin, PasswordCause, Why};
use crate::domain::shared::{AccountId, PersonalRef, role::Role};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// What a new account starts with.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Now.
    pub at: DateTime<Utc>,
    /// Where mail goes.
    pub mail: PersonalRef,
    /// How the person is addressed.
    pub display_name: PersonalRef,
    /// An optional second name to sign in with.
    pub username: Option<PersonalRef>,
    /// The hash of the password; none for who comes through the sign-in service.
    pub password: Option<PersonalRef>,
    /// Issuer and subject at the sign-in service, for who comes through it.
    pub identity: Option<PersonalRef>,
    /// How it comes to be; everything but the registration page is trusted about the address.
    pub origin: Origin,
    /// Roles to start with; none from the registration page.
    pub roles: Vec<Role>,
    /// Whether a moderator is to approve it before it may sign in.
    pub approval: bool,
}

/// A wish about one account. Unique names (mail address, username) are claimed beside the command.
#[derive(Clone, Debug)]
pub enum AccountCommand {
    /// Make the account.
    Register(Box<Registration>),
    /// Let a registration in that waits for it.
    Approve {
        /// Now.
        at: DateTime<Utc>,
        /// By whom.
        by: By,
    },
    /// Ask for another confirmation mail.
    RequestConfirmation {
        /// Now.
        at: DateTime<Utc>,
    },
    /// The link of the mail to `mail` was opened and confirmed.
    ConfirmMail {
        /// Now.
        at: DateTime<Utc>,
        /// The address the link was sent to.
        mail: PersonalRef,
    },
    /// Set a password as the owner who knows the former one, or from the shell.
    SetPassword {
        /// Now.
        at: DateTime<Utc>,
        /// The new hash.
        password: PersonalRef,
        /// How.
        cause: PasswordCause,
    },
    /// Ask for a link to set a new password.
    RequestPasswordReset {
        /// Now.
        at: DateTime<Utc>,
        /// A new id for the request.
        request: Uuid,
    },
    /// Use such a link.
    ResetPassword {
        /// Now.
        at: DateTime<Utc>,
        /// The request of the link.
        request: Uuid,
        /// The new hash.
        password: PersonalRef,
    },
    /// Ask for another mail address.
    RequestMailChange {
        /// Now.
        at: DateTime<Utc>,
        /// The new address.
        mail: PersonalRef,
    },
    /// Be addressed differently.
    ChangeDisplayName {
        /// Now.
        at: DateTime<Utc>,
        /// The new name.
        display_name: PersonalRef,
    },
    /// Be told by mail what is new, or not.
    ChooseDigest {
        /// Now.
        at: DateTime<Utc>,
        /// How often.
        digest: Digest,
    },
    /// Ask for a code of an authenticator at sign-in, too; a first code was shown to be right.
    AddSecondFactor {
        /// Now.
        at: DateTime<Utc>,
        /// The secret that authenticator and studio share.
        secret: PersonalRef,
    },
    /// Ask for the password only.
    RemoveSecondFactor {
        /// Now.
        at: DateTime<Utc>,
        /// By whom.
        by: By,
    },
    /// Let a passkey open the account; that it is there was shown. That it opens no other is held by a claim.
    AddPasskey {
        /// Now.
        at: DateTime<Utc>,
        /// A new id.
        passkey: Uuid,
        /// Its public key and what belongs to it.
        credential: PersonalRef,
        /// What its owner calls it.
        name: PersonalRef,
    },
    /// Call it something else.
    RenamePasskey {
        /// Now.
        at: DateTime<Utc>,
        /// Which.
        passkey: Uuid,
        /// What its owner calls it from now on.
        name: PersonalRef,
    },
    /// Let it open nothing any more.
    RemovePasskey {
        /// Now.
        at: DateTime<Utc>,
        /// Which.
        passkey: Uuid,
        /// By whom.
        by: By,
    },
    /// Let the sign-in service open the account, too. That nobody else has the identity is held by a claim.
    LinkIdentity {
        /// Now.
        at: DateTime<Utc>,
        /// Issuer and subject there.
        identity: PersonalRef,
    },
    /// Let it open the account no more.
    UnlinkIdentity {
        /// Now.
        at: DateTime<Utc>,
        /// By whom.
        by: By,
    },
    /// Record that new recovery codes were made.
    RecordRecoveryCodes {
        /// Now.
        at: DateTime<Utc>,
        /// How many.
        count: u32,
    },
    /// Record that one was used.
    RecordRecoveryCodeUsed {
        /// Now.
        at: DateTime<Utc>,
        /// How many are left.
        left: u32,
    },
    /// Keep the same password as a hash of newer parameters.
    RenewPasswordHash {
        /// Now.
        at: DateTime<Utc>,
        /// The new hash.
        password: PersonalRef,
    },
    /// Say something else about oneself.
    ChangeProfile {
        /// Now.
        at: DateTime<Utc>,
        /// A few sentences.
        bio: Option<PersonalRef>,
        /// Addresses on the web.
        links: Option<PersonalRef>,
        /// Whether everybody may see it.
        public: bool,
    },
    /// Take another picture, or none.
    ChangePicture {
        /// Now.
        at: DateTime<Utc>,
        /// The picture.
        picture: Option<PersonalRef>,
    },
    /// See the site as this person does.
    Impersonate {
        /// Now.
        at: DateTime<Utc>,
        /// Until when at most.
        until: DateTime<Utc>,
        /// By whom.
        by: AccountId,
        /// Why.
        why: Why,
    },
    /// Give a role.
    GrantRole {
        /// Now.
        at: DateTime<Utc>,
        /// Which.
        role: Role,
        /// By whom.
        by: By,
        /// Why.
        why: Why,
    },
    /// Take a role.
    RevokeRole {
        /// Now.
        at: DateTime<Utc>,
        /// Which.
        role: Role,
        /// By whom.
        by: By,
        /// Why.
        why: Why,
    },
    /// Keep the account from signing in.
    Suspend {
        /// Now.
        at: DateTime<Utc>,
        /// The first instant without it; none = until somebody lifts it.
        until: Option<DateTime<Utc>>,
        /// By whom.
        by: By,
        /// Why.
        why: Why,
    },
    /// Let it sign in again.
    Reinstate {
        /// Now.
        at: DateTime<Utc>,
        /// By whom.
        by: By,
        /// Why.
        why: Why,
    },
    /// Let the person watch without paying.
    GrantComplimentary {
        /// Now.
        at: DateTime<Utc>,
        /// Until when; without an end if none.
        until: Option<DateTime<Utc>>,
        /// By whom.
        by: By,
        /// Why.
        why: Why,
    },
    /// Take that back.
    EndComplimentary {
        /// Now.
        at: DateTime<Utc>,
        /// By whom.
        by: By,
        /// Why.
        why: Why,
    },
    /// It was registered by somebody who has another account: that one is kept.
    MergeInto {
        /// Now.
        at: DateTime<Utc>,
        /// Which one is kept.
        into: AccountId,
        /// By whom.
        by: By,
        /// Why.
        why: Why,
    },
    /// Take over what belonged to another account of the same person.
    TakeOver {
        /// Now.
        at: DateTime<Utc>,
        /// Which one.
        from: AccountId,
    },
    /// Record that staff opened personal data.
    RecordRead {
        /// Now.
        at: DateTime<Utc>,
        /// Who read.
        reader: AccountId,
        /// Where.
        scope: String,
    },
    /// Hide the account while a deletion request is pending.
    Hide {
        /// Now.
        at: DateTime<Utc>,
        /// The deletion request.
        request: Uuid,
    },
    /// Show it again after a withdrawal.
    Restore {
        /// Now.
        at: DateTime<Utc>,
        /// The deletion request.
        request: Uuid,
    },
    /// Record that nothing personal is left.
    MarkErased {
        /// Now.
        at: DateTime<Utc>,
        /// The deletion request.
        request: Uuid,
    },
}
