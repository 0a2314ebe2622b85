//! What happened to an account. Personal values appear as references only.

use super::digest::Digest;
use crate::domain::shared::{AccountId, PersonalRef, role::Role};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Who did something to an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The person who owns the account.
    Owner,
    /// Somebody else, by account.
    Account(AccountId),
    /// The program itself or its shell, by a fixed name such as `shell` or `first-run`.
    System(String),
}

/// Why something was done to an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// A fixed code such as `demo` or `first-admin`: says nothing about a person.
    Code(String),
    /// Free text, kept in the vault of the account it is about.
    Text(PersonalRef),
}

/// How an account came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The registration page.
    Registration,
    /// `kinora account add`.
    Shell,
    /// The first-run page of an empty installation.
    FirstRun,
    /// The demo studio.
    Demo,
    /// The first sign-in through the sign-in service (OpenID Connect).
    SignInService,
}

/// How a password came to be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PasswordCause {
    /// With the account.
    Registration,
    /// By the owner, who knew the former one.
    Change,
    /// By the owner of the mailbox.
    Reset,
    /// `kinora account password`.
    Shell,
}

/// Facts of an account's life.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum AccountEvent {
    /// The account exists.
    AccountRegistered {
        /// When.
        at: DateTime<Utc>,
        /// Where mail goes.
        mail: PersonalRef,
        /// How the person is addressed.
        display_name: PersonalRef,
        /// An optional second name to sign in with.
        username: Option<PersonalRef>,
        /// How it came to be.
        origin: Origin,
    },
    /// A moderator is to look at the registration before the account may sign in.
    ApprovalRequested {
        /// When.
        at: DateTime<Utc>,
    },
    /// The registration was approved.
    AccountApproved {
        /// When.
        at: DateTime<Utc>,
        /// By whom.
        by: By,
    },
    /// The person proved to read mail at `mail`.
    MailConfirmed {
        /// When.
        at: DateTime<Utc>,
        /// The address that was confirmed.
        mail: PersonalRef,
    },
    /// A new confirmation mail was asked for.
    ConfirmationRequested {
        /// When.
        at: DateTime<Utc>,
        /// The address to confirm.
        mail: PersonalRef,
    },
    /// The account has a (new) password; its hash lies in the vault.
    PasswordSet {
        /// When.
        at: DateTime<Utc>,
        /// The hash.
        password: PersonalRef,
        /// How.
        cause: PasswordCause,
    },
    /// The same password is kept as a hash of newer parameters.
    PasswordHashRenewed {
        /// When.
        at: DateTime<Utc>,
        /// The new hash.
        password: PersonalRef,
    },
    /// Somebody asked to set a new password by mail.
    PasswordResetRequested {
        /// When.
        at: DateTime<Utc>,
        /// Which request; its token lies hashed in a table.
        request: Uuid,
    },
    /// A reset link was used; a `PasswordSet` follows.
    PasswordResetUsed {
        /// When.
        at: DateTime<Utc>,
        /// Which request.
        request: Uuid,
    },
    /// The person wants mail at another address, which is to be confirmed.
    MailChangeRequested {
        /// When.
        at: DateTime<Utc>,
        /// The new address.
        mail: PersonalRef,
    },
    /// The new address was confirmed and is in use.
    MailChanged {
        /// When.
        at: DateTime<Utc>,
        /// The new address.
        mail: PersonalRef,
        /// The former one.
        former: PersonalRef,
    },
    /// The person is addressed differently.
    DisplayNameChanged {
        /// When.
        at: DateTime<Utc>,
        /// The new name.
        display_name: PersonalRef,
    },
    /// The person says (something else) about themselves.
    ProfileChanged {
        /// When.
        at: DateTime<Utc>,
        /// A few sentences; none if empty.
        bio: Option<PersonalRef>,
        /// Addresses on the web, one a line; none if empty.
        links: Option<PersonalRef>,
        /// Whether everybody may see the profile.
        public: bool,
    },
    /// The person has another picture, or none.
    PictureChanged {
        /// When.
        at: DateTime<Utc>,
        /// The picture, a small JPEG in Base64.
        picture: Option<PersonalRef>,
    },
    /// A role was given.
    RoleGranted {
        /// When.
        at: DateTime<Utc>,
        /// Which.
        role: Role,
        /// By whom.
        by: By,
        /// Why.
        why: Why,
    },
    /// A role was taken.
    RoleRevoked {
        /// When.
        at: DateTime<Utc>,
        /// Which.
        role: Role,
        /// By whom.
        by: By,
        /// Why.
        why: Why,
    },
    /// The account may not sign in any more.
    AccountSuspended {
        /// When.
        at: DateTime<Utc>,
        /// The first instant without it; none = until somebody lifts it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<DateTime<Utc>>,
        /// By whom.
        by: By,
        /// Why.
        why: Why,
    },
    /// The account may sign in again.
    AccountReinstated {
        /// When.
        at: DateTime<Utc>,
        /// By whom.
        by: By,
        /// Why.
        why: Why,
    },
    /// Somebody registered twice: the other account is kept, and this one opens nothing any more.
    AccountMerged {
        /// When.
        at: DateTime<Utc>,
        /// Which one is kept.
        into: AccountId,
        /// By whom.
        by: By,
        /// Why.
        why: Why,
    },
    /// What belonged to another account of the same person belongs to this one.
    AccountTakenOver {
        /// When.
        at: DateTime<Utc>,
        /// Which one.
        from: AccountId,
    },
    /// The person may watch everything without paying.
    ComplimentaryAccessGranted {
        /// When.
        at: DateTime<Utc>,
        /// Until when; without an end if none.
        until: Option<DateTime<Utc>>,
        /// By whom.
        by: By,
        /// Why.
        why: Why,
    },
    /// The complimentary access was taken back.
    ComplimentaryAccessEnded {
        /// When.
        at: DateTime<Utc>,
        /// By whom.
        by: By,
        /// Why.
        why: Why,
    },
    /// A member of staff opened personal data of this account.
    PersonalDataRead {
        /// When.
        at: DateTime<Utc>,
        /// Who read.
        reader: AccountId,
        /// Where, as a fixed word such as `billing-person`.
        scope: String,
    },
    /// An admin sees the site as the owner does, without being able to change anything.
    ImpersonationStarted {
        /// When.
        at: DateTime<Utc>,
        /// Until when at most.
        until: DateTime<Utc>,
        /// By whom.
        by: AccountId,
        /// Why.
        why: Why,
    },
    /// The owner chose how often a mail tells what is new.
    DigestChosen {
        /// When.
        at: DateTime<Utc>,
        /// How often.
        digest: Digest,
    },
    /// Signing in asks for a code of an authenticator from now on.
    SecondFactorAdded {
        /// When.
        at: DateTime<Utc>,
        /// The secret that authenticator and studio share.
        secret: PersonalRef,
    },
    /// Signing in asks for the password only.
    SecondFactorRemoved {
        /// When.
        at: DateTime<Utc>,
        /// By whom.
        by: By,
    },
    /// New recovery codes were made; older ones are worthless.
    RecoveryCodesMade {
        /// When.
        at: DateTime<Utc>,
        /// How many.
        count: u32,
    },
    /// A recovery code was used instead of the authenticator.
    RecoveryCodeUsed {
        /// When.
        at: DateTime<Utc>,
        /// How many are left.
        left: u32,
    },
    /// A passkey opens the account, and serves as second factor.
    PasskeyAdded {
        /// When.
        at: DateTime<Utc>,
        /// Which.
        passkey: Uuid,
        /// Its public key and what belongs to it.
        credential: PersonalRef,
        /// What its owner calls it.
        name: PersonalRef,
    },
    /// The owner calls a passkey something else.
    PasskeyRenamed {
        /// When.
        at: DateTime<Utc>,
        /// Which.
        passkey: Uuid,
        /// What its owner calls it from now on.
        name: PersonalRef,
    },
    /// A passkey opens nothing any more.
    PasskeyRemoved {
        /// When.
        at: DateTime<Utc>,
        /// Which.
        passkey: Uuid,
        /// By whom.
        by: By,
    },
    /// The owner signs in through the sign-in service, too.
    IdentityLinked {
        /// When.
        at: DateTime<Utc>,
        /// Issuer and subject there.
        identity: PersonalRef,
    },
    /// The sign-in service opens the account no more.
    IdentityUnlinked {
        /// When.
        at: DateTime<Utc>,
        /// Issuer and subject there.
        identity: PersonalRef,
        /// By whom.
        by: By,
    },
    /// A deletion request is pending: the profile is hidden, sign-in leads to the request only.
    AccountHidden {
        /// When.
        at: DateTime<Utc>,
        /// The deletion request.
        request: Uuid,
    },
    /// The deletion request was withdrawn: all as before.
    AccountRestored {
        /// When.
        at: DateTime<Utc>,
        /// The deletion request.
        request: Uuid,
    },
    /// Nothing personal is left; only the id remains.
    AccountErased {
        /// When.
        at: DateTime<Utc>,
        /// The deletion request.
        request: Uuid,
    },
}
