//! Which mails there are, in a form that can wait in a table: kinds, dates and ids, nothing personal.

use super::{Mail, Studio};
use crate::domain::deletion_request::Obstacle;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a waiting mail is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum MailKind {
    /// Confirm the address of a new account; carries a link.
    Confirm,
    /// Confirm a new address of an account; carries a link.
    MailChange,
    /// Set a new password; carries a link.
    Reset {
        /// The request that the link belongs to.
        request: Uuid,
    },
    /// Somebody registered with a known address.
    AlreadyRegistered,
    /// A moderator let the registration in.
    Approved,
    /// The password was changed.
    PasswordChanged,
    /// Mail goes to another address from now on.
    MailChanged,
    /// Signing in asks for a code of an authenticator, or not any more.
    SecondFactor {
        /// Whether it does now.
        added: bool,
    },
    /// A passkey was added or removed.
    Passkey {
        /// Whether it was added.
        added: bool,
    },
    /// The sign-in service opens the account, or not any more.
    SignInService {
        /// Whether it does now.
        linked: bool,
    },
    /// A recovery code was used to sign in.
    RecoveryCodeUsed {
        /// How many are left.
        left: u32,
    },
    /// A deletion request was filed.
    DeletionRequested {
        /// From when on it is carried out.
        due: DateTime<Utc>,
    },
    /// A deletion request was withdrawn.
    DeletionWithdrawn,
    /// A deletion request is due but blocked.
    DeletionBlocked {
        /// By what.
        obstacles: Vec<Obstacle>,
    },
    /// Everything personal is being destroyed.
    DeletionCompleted {
        /// The deletion request.
        request: Uuid,
    },
    /// Somebody signed in with a browser that was not used before.
    NewDevice {
        /// When.
        at: DateTime<Utc>,
    },
    /// An admin saw the site as the person does.
    Impersonated {
        /// When.
        at: DateTime<Utc>,
    },
    /// The copy of the person's data can be fetched.
    ExportReady {
        /// Until when.
        expires: DateTime<Utc>,
    },
    /// What is new at the studio; carries a link that stops it.
    Digest {
        /// The newest first.
        things: Vec<super::digest::NewThing>,
        /// How many more there are.
        more: i64,
    },
    /// Somebody answered a comment of theirs.
    CommentAnswered {
        /// Title of what it stands below.
        title: String,
        /// Address of the answer.
        path: String,
    },
    /// Two accounts of theirs are one now.
    AccountsMerged,
    /// A seat in a team.
    SeatGiven,
    /// The seat in a team ended.
    SeatTaken,
    /// Somebody belongs to a team, and no seat is free: to its owner.
    SeatMissing,
    /// The code of a gift, to the address that its buyer named.
    GiftCode {
        /// The gift; its code follows from it.
        gift: Uuid,
        /// What is given.
        what: String,
        /// The last day on which it can be redeemed.
        last_day: Option<NaiveDate>,
    },
    /// A gift is paid: to its buyer, with the code unless that went to somebody else.
    GiftBought {
        /// The gift; its code follows from it.
        gift: Uuid,
        /// What is given.
        what: String,
        /// The last day on which it can be redeemed.
        last_day: Option<NaiveDate>,
        /// Whether the code went to somebody else.
        sent: bool,
        /// The last day on which the buyer can go back on it.
        #[serde(default)]
        returnable_until: Option<NaiveDate>,
    },
    /// What became of a gift.
    Gift(super::gift::GiftMail),
    /// About a membership or its payments.
    Billing(super::billing::BillingMail),
}

/// What the link of a mail is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum TokenPurpose {
    /// Confirm a mail address; ten days.
    Confirm,
    /// Set a new password; one hour.
    Reset,
    /// Stop the digest; sixty days.
    StopDigest,
    /// Give the code of the second factor after the password; ten minutes, in a cookie and no mail.
    SecondStep,
}

impl MailKind {
    /// What the link in the mail is good for, if it carries one.
    #[must_use]
    pub fn token(&self) -> Option<TokenPurpose> {
        match self {
            Self::Confirm | Self::MailChange => Some(TokenPurpose::Confirm),
            Self::Reset { .. } => Some(TokenPurpose::Reset),
            Self::Digest { .. } => Some(TokenPurpose::StopDigest),
            _ => None,
        }
    }

    /// The gift whose code stands in the mail.
    #[must_use]
    pub const fn gift(&self) -> Option<Uuid> {
        match self {
            Self::GiftCode { gift, .. } | Self::GiftBought { gift, .. } => Some(*gift),
            _ => None,
        }
    }

    /// Writes the mail. `token` is what its link carries, or the code of a gift; empty for other kinds.
    #[must_use]
    pub fn render(&self, studio: &Studio, name: Option<&str>, token: &str) -> Mail {
        match self {
            Self::Confirm => super::confirm::render(studio, name, token),
            Self::MailChange => super::mail_change::render(studio, name, token),
            Self::Reset { .. } => super::reset::render(studio, name, token),
            Self::CommentAnswered { title, path } => {
                super::comment_answered::render(studio, name, title, path)
            }
            Self::AccountsMerged => super::accounts_merged::render(studio, name),
            Self::SeatGiven => super::team::given(studio, name),
            Self::SeatTaken => super::team::taken(studio, name),
            Self::SeatMissing => super::team::missing(studio, name),
            Self::Approved => super::approved::render(studio, name),
            Self::AlreadyRegistered => super::already_registered::render(studio, name),
            Self::PasswordChanged => super::password_changed::render(studio, name),
            Self::MailChanged => super::mail_changed::render(studio, name),
            Self::SecondFactor { added } => super::second_factor::render(studio, name, *added),
            Self::Passkey { added } => super::second_factor::passkey(studio, name, *added),
            Self::SignInService { linked } => super::sign_in_service::render(studio, name, *linked),
            Self::RecoveryCodeUsed { left } => super::second_factor::code_used(studio, name, *left),
            Self::DeletionRequested { due } => super::deletion_requested::render(studio, name, *due),
            Self::DeletionWithdrawn => super::deletion_withdrawn::render(studio, name),
            Self::DeletionBlocked { obstacles } => super::deletion_blocked::render(studio, name, obstacles),
            Self::DeletionCompleted { request } => super::deletion_completed::render(studio, name, *request),
            Self::NewDevice { at } => super::new_device::render(studio, name, *at),
            Self::Impersonated { at } => super::impersonated::render(studio, name, *at),
            Self::ExportReady { expires } => super::export_ready::render(studio, name, *expires),
            Self::Digest { things, more } => super::digest::render(studio, name, things, *more, token),
            Self::GiftCode { what, last_day, .. } => super::gift::code(studio, name, what, *last_day, token),
            Self::GiftBought { what, last_day, sent, returnable_until, .. } => {
                let code = (!sent).then_some(token);
                super::gift::bought(studio, name, what, (*last_day, *returnable_until), code)
            }
            Self::Gift(mail) => mail.render(studio, name),
            Self::Billing(mail) => mail.render(studio, name),
        }
    }
}
