//! The state of an account and what it decides.

use super::{
    commands::{AccountCommand, Registration},
    digest::Digest,
    error::{AccountError, MOST_PASSKEYS},
    events::{AccountEvent, By, Origin, PasswordCause},
};
use crate::domain::shared::{
    PersonalRef,
    role::{Role, Roles},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Access that was given away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complimentary {
    /// The first instant without it; none = no end.
    pub until: Option<DateTime<Utc>>,
}

impl Complimentary {
    /// Whether it holds at `now`.
    #[must_use]
    pub fn holds_at(&self, now: DateTime<Utc>) -> bool {
        self.until.is_none_or(|end| now < end)
    }
}

/// A passkey that opens an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    /// Names it.
    pub id: Uuid,
    /// Its public key and what belongs to it.
    pub credential: PersonalRef,
    /// What its owner calls it.
    pub name: PersonalRef,
    /// Since when.
    pub added_at: DateTime<Utc>,
}

/// Where in its life the account is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// No such account yet.
    #[default]
    Absent,
    /// In use.
    Open,
    /// A deletion request is pending.
    Hidden(Uuid),
    /// Nothing personal is left.
    Erased(Uuid),
}

/// One person's account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Where in its life it is.
    pub standing: Standing,
    /// Where mail goes.
    pub mail: Option<PersonalRef>,
    /// How the person is addressed.
    pub display_name: Option<PersonalRef>,
    /// Whether the person proved to read mail there.
    pub confirmed: bool,
    /// Another address that waits for its confirmation.
    pub new_mail: Option<PersonalRef>,
    /// The hash of the password.
    pub password: Option<PersonalRef>,
    /// The one reset request that is still good.
    pub reset: Option<Uuid>,
    /// Roles beyond member.
    pub roles: Roles,
    /// Whether it is kept from signing in.
    pub suspended: bool,
    /// When that ends by itself.
    #[serde(default)]
    pub suspended_until: Option<DateTime<Utc>>,
    /// Access that was given away.
    pub complimentary: Option<Complimentary>,
    /// Whether a moderator is to approve it before it may sign in.
    pub waiting: bool,
    /// How often a mail tells what is new.
    pub digest: Digest,
    /// The secret by which codes of the authenticator are checked.
    pub second_factor: Option<PersonalRef>,
    /// The picture of the profile.
    #[serde(default)]
    pub picture: Option<PersonalRef>,
    /// Passkeys that open it.
    #[serde(default)]
    pub passkeys: Vec<Passkey>,
    /// Issuer and subject at the sign-in service, if it opens the account.
    #[serde(default)]
    pub identity: Option<PersonalRef>,
    /// The account of the same person that is kept instead.
    #[serde(default)]
    pub merged_into: Option<Uuid>,
    /// Other accounts of the same person that this one took over.
    #[serde(default)]
    pub took_over: Vec<Uuid>,
}

type Decision = Result<Vec<AccountEvent>, AccountError>;

impl Account {
    /// Decides what follows from `command`.
    ///
    /// # Errors
    /// The reason for the refusal.
    pub fn decide(&self, command: AccountCommand) -> Decision {
        use AccountCommand as C;
        match self.standing {
            Standing::Absent if matches!(command, C::Register(_)) => {}
            Standing::Absent => return Err(AccountError::Unknown),
            // What the law keeps of somebody who is gone is read on the record like everything else.
            Standing::Erased(_)
                if !matches!(command, C::MarkErased { .. } | C::Register(_) | C::RecordRead { .. }) =>
            {
                return Err(AccountError::Erased);
            }
            _ => {}
        }
        match command {
            C::Register(new) => self.register(*new),
            C::Approve { by: By::Owner, .. } => Err(AccountError::NotOnYourself),
            C::Approve { at, by } => {
                Ok(if self.waiting { vec![AccountEvent::AccountApproved { at, by }] } else { vec![] })
            }
            C::RequestConfirmation { at } => self.request_confirmation(at),
            C::ConfirmMail { at, mail } => self.confirm(at, mail),
            C::SetPassword { at, password, cause } => {
                Ok(vec![AccountEvent::PasswordSet { at, password, cause }])
            }
            C::RequestPasswordReset { at, request } => {
                Ok(vec![AccountEvent::PasswordResetRequested { at, request }])
            }
            C::ResetPassword { at, request, password } => self.reset_password(at, request, password),
            C::RequestMailChange { at, mail } => {
                self.open()?;
                Ok(vec![AccountEvent::MailChangeRequested { at, mail }])
            }
            C::ChangeDisplayName { at, display_name } => {
                self.open()?;
                Ok(vec![AccountEvent::DisplayNameChanged { at, display_name }])
            }
            C::RenewPasswordHash { at, password } => match self.password {
                Some(_) => Ok(vec![AccountEvent::PasswordHashRenewed { at, password }]),
                None => Ok(vec![]),
            },
            C::ChangeProfile { at, bio, links, public } => {
                self.open()?;
                Ok(vec![AccountEvent::ProfileChanged { at, bio, links, public }])
            }
            C::ChangePicture { at, picture } => {
                self.open()?;
                let same = self.picture.is_none() && picture.is_none();
                Ok(if same { vec![] } else { vec![AccountEvent::PictureChanged { at, picture }] })
            }
            C::Impersonate { at, until, by, why } => {
                self.open()?;
                if self.roles.has_staff() {
                    return Err(AccountError::StaffIsNotImpersonated);
                }
                Ok(vec![AccountEvent::ImpersonationStarted { at, until, by, why }])
            }
            C::ChooseDigest { at, digest } => {
                self.open()?;
                let chosen = AccountEvent::DigestChosen { at, digest };
                Ok(if self.digest == digest { vec![] } else { vec![chosen] })
            }
            C::AddSecondFactor { at, secret } => {
                self.open()?;
                match self.second_factor {
                    Some(_) => Err(AccountError::SecondFactorIsThere),
                    None => Ok(vec![AccountEvent::SecondFactorAdded { at, secret }]),
                }
            }
            C::RemoveSecondFactor { at, by } => Ok(self
                .second_factor
                .as_ref()
                .map(|_| AccountEvent::SecondFactorRemoved { at, by })
                .into_iter()
                .collect()),
            C::AddPasskey { at, passkey, credential, name } => {
                self.open()?;
                if self.passkeys.len() >= MOST_PASSKEYS {
                    return Err(AccountError::TooManyPasskeys);
                }
                Ok(vec![AccountEvent::PasskeyAdded { at, passkey, credential, name }])
            }
            C::RenamePasskey { at, passkey, name } => {
                self.open()?;
                if self.passkeys.iter().any(|p| p.id == passkey) {
                    Ok(vec![AccountEvent::PasskeyRenamed { at, passkey, name }])
                } else {
                    Err(AccountError::UnknownPasskey)
                }
            }
            C::RemovePasskey { at, passkey, by } => {
                if self.passkeys.iter().any(|p| p.id == passkey) {
                    Ok(vec![AccountEvent::PasskeyRemoved { at, passkey, by }])
                } else {
                    Err(AccountError::UnknownPasskey)
                }
            }
            C::LinkIdentity { at, identity } => {
                self.open()?;
                match self.identity {
                    Some(_) => Err(AccountError::IdentityIsThere),
                    None => Ok(vec![AccountEvent::IdentityLinked { at, identity }]),
                }
            }
            C::UnlinkIdentity { at, by } => match (&self.identity, &self.password) {
                (None, _) => Err(AccountError::NoIdentity),
                (Some(_), None) => Err(AccountError::LastWayIn),
                (Some(identity), _) => {
                    Ok(vec![AccountEvent::IdentityUnlinked { at, identity: identity.clone(), by }])
                }
            },
            C::RecordRecoveryCodes { .. } | C::RecordRecoveryCodeUsed { .. } if !self.has_second_factor() => {
                Err(AccountError::NoSecondFactor)
            }
            C::RecordRecoveryCodes { at, count } => Ok(vec![AccountEvent::RecoveryCodesMade { at, count }]),
            C::RecordRecoveryCodeUsed { at, left } => Ok(vec![AccountEvent::RecoveryCodeUsed { at, left }]),
            C::GrantRole { at, role, by, why } => {
                self.may_change_role(role, &by)?;
                let event = AccountEvent::RoleGranted { at, role, by, why };
                Ok(if self.roles.0.contains(&role) { vec![] } else { vec![event] })
            }
            C::RevokeRole { at, role, by, why } => {
                self.may_change_role(role, &by)?;
                if self.roles.0.contains(&role) {
                    Ok(vec![AccountEvent::RoleRevoked { at, role, by, why }])
                } else {
                    Err(AccountError::RoleNotHeld(role))
                }
            }
            C::MergeInto { at, into, by, why } => self.merge_into(at, into, by, why),
            C::TakeOver { at, from } => {
                self.open()?;
                let known = self.took_over.contains(&from);
                let taken = AccountEvent::AccountTakenOver { at, from };
                Ok(if known { vec![] } else { vec![taken] })
            }
            C::Suspend { .. } | C::Reinstate { .. } if self.merged_into.is_some() => {
                Err(AccountError::Merged)
            }
            C::Suspend { by: By::Owner, .. } => Err(AccountError::NotOnYourself),
            C::Suspend { .. } if self.roles.0.contains(&Role::Admin) => Err(AccountError::AdminIsSafe),
            C::Suspend { at, until: Some(end), .. } if end <= at => Err(AccountError::SuspendedInThePast),
            C::Suspend { at, until, by, why } => {
                let same = self.suspended && self.suspended_until == until;
                let event = AccountEvent::AccountSuspended { at, until, by, why };
                Ok(if same { vec![] } else { vec![event] })
            }
            C::Reinstate { by: By::Owner, .. } => Err(AccountError::NotOnYourself),
            C::Reinstate { at, by, why } => Ok(if self.suspended {
                vec![AccountEvent::AccountReinstated { at, by, why }]
            } else {
                vec![]
            }),
            C::GrantComplimentary { at, until, by, why } => {
                if until.is_some_and(|end| end <= at) {
                    return Err(AccountError::EndsInThePast);
                }
                let same = self.complimentary == Some(Complimentary { until });
                let event = AccountEvent::ComplimentaryAccessGranted { at, until, by, why };
                Ok(if same { vec![] } else { vec![event] })
            }
            C::EndComplimentary { at, by, why } => Ok(if self.complimentary.is_some() {
                vec![AccountEvent::ComplimentaryAccessEnded { at, by, why }]
            } else {
                vec![]
            }),
            C::RecordRead { at, reader, scope } => {
                Ok(vec![AccountEvent::PersonalDataRead { at, reader, scope }])
            }
            C::Hide { at, request } => match self.standing {
                Standing::Hidden(other) if other != request => Err(AccountError::OtherDeletionRequest),
                Standing::Hidden(_) => Ok(vec![]),
                _ => Ok(vec![AccountEvent::AccountHidden { at, request }]),
            },
            C::Restore { at, request } => match self.standing {
                Standing::Hidden(r) if r == request => {
                    Ok(vec![AccountEvent::AccountRestored { at, request }])
                }
                Standing::Hidden(_) => Err(AccountError::OtherDeletionRequest),
                _ => Ok(vec![]),
            },
            C::MarkErased { at, request } => match self.standing {
                Standing::Erased(_) => Ok(vec![]),
                Standing::Hidden(r) if r != request => Err(AccountError::OtherDeletionRequest),
                _ => Ok(vec![AccountEvent::AccountErased { at, request }]),
            },
        }
    }

    fn register(&self, new: Registration) -> Decision {
        let Registration { at, mail, display_name, username, password, identity, origin, roles, approval } =
            new;
        if self.standing != Standing::Absent {
            return Err(AccountError::Exists);
        }
        let (by, why, trusted) = match origin {
            Origin::Registration => (By::Owner, "registration", false),
            Origin::Shell => (By::System("shell".into()), "shell", true),
            Origin::FirstRun => (By::System("first-run".into()), "first-admin", true),
            Origin::Demo => (By::System("demo".into()), "demo", true),
            // It vouches for the address. Roles follow its claims, by commands of their own.
            Origin::SignInService => (By::System("sign-in service".into()), "sign-in-service", true),
        };
        let stranger = matches!(origin, Origin::Registration | Origin::SignInService);
        if stranger && roles.iter().any(|r| *r != Role::Member) {
            return Err(AccountError::NotOnYourself);
        }
        let mut events =
            vec![AccountEvent::AccountRegistered { at, mail: mail.clone(), display_name, username, origin }];
        events.extend(password.map(|password| AccountEvent::PasswordSet {
            at,
            password,
            cause: PasswordCause::Registration,
        }));
        events.extend(identity.map(|identity| AccountEvent::IdentityLinked { at, identity }));
        if trusted {
            events.push(AccountEvent::MailConfirmed { at, mail });
        }
        if approval && stranger {
            events.push(AccountEvent::ApprovalRequested { at });
        }
        let wanted: Roles = roles.into_iter().filter(|r| *r != Role::Member).collect();
        for role in wanted.0 {
            let why = super::Why::Code(why.into());
            events.push(AccountEvent::RoleGranted { at, role, by: by.clone(), why });
        }
        Ok(events)
    }

    fn merge_into(&self, at: DateTime<Utc>, into: Uuid, by: By, why: super::Why) -> Decision {
        self.open()?;
        match self.merged_into {
            Some(known) if known == into => return Ok(vec![]),
            Some(_) => return Err(AccountError::Merged),
            None if self.roles.has_staff() => return Err(AccountError::StaffIsNotMerged),
            None => {}
        }
        Ok(vec![AccountEvent::AccountMerged { at, into, by, why }])
    }

    fn request_confirmation(&self, at: DateTime<Utc>) -> Decision {
        let waiting = if self.confirmed { self.new_mail.as_ref() } else { self.mail.as_ref() };
        Ok(waiting
            .map(|mail| AccountEvent::ConfirmationRequested { at, mail: mail.clone() })
            .into_iter()
            .collect())
    }

    fn confirm(&self, at: DateTime<Utc>, mail: PersonalRef) -> Decision {
        if self.new_mail.as_ref() == Some(&mail) {
            let former = self.mail.clone().ok_or(AccountError::StaleLink)?;
            return Ok(vec![AccountEvent::MailChanged { at, mail, former }]);
        }
        if self.mail.as_ref() != Some(&mail) {
            return Err(AccountError::StaleLink);
        }
        Ok(if self.confirmed { vec![] } else { vec![AccountEvent::MailConfirmed { at, mail }] })
    }

    fn reset_password(&self, at: DateTime<Utc>, request: Uuid, password: PersonalRef) -> Decision {
        if self.reset != Some(request) {
            return Err(AccountError::UnknownReset);
        }
        let mut events = vec![
            AccountEvent::PasswordResetUsed { at, request },
            AccountEvent::PasswordSet { at, password, cause: PasswordCause::Reset },
        ];
        // Who used the link reads mail at the address: that confirms it as well.
        if let (false, Some(mail)) = (self.confirmed, self.mail.clone()) {
            events.push(AccountEvent::MailConfirmed { at, mail });
        }
        Ok(events)
    }

    fn may_change_role(&self, role: Role, by: &By) -> Result<(), AccountError> {
        match (role, by) {
            (Role::Member, _) => Err(AccountError::MemberIsImplied),
            (_, By::Owner) => Err(AccountError::NotOnYourself),
            _ => Ok(()),
        }
    }

    /// Whether signing in with the password asks for something else, too.
    #[must_use]
    pub fn has_second_factor(&self) -> bool {
        self.second_factor.is_some() || !self.passkeys.is_empty()
    }

    fn open(&self) -> Result<(), AccountError> {
        if matches!(self.standing, Standing::Hidden(_)) { Err(AccountError::DeletionPending) } else { Ok(()) }
    }

    /// Takes an event into the state; never fails.
    pub fn apply(&mut self, event: AccountEvent) {
        use AccountEvent as E;
        match event {
            E::AccountRegistered { mail, display_name, .. } => {
                self.standing = Standing::Open;
                self.mail = Some(mail);
                self.display_name = Some(display_name);
            }
            E::ApprovalRequested { .. } => self.waiting = true,
            E::AccountApproved { .. } => self.waiting = false,
            E::MailConfirmed { .. } => self.confirmed = true,
            E::PasswordHashRenewed { password, .. } => self.password = Some(password),
            E::PictureChanged { picture, .. } => self.picture = picture,
            E::PasswordSet { password, .. } => {
                self.password = Some(password);
                self.reset = None;
            }
            E::PasswordResetRequested { request, .. } => self.reset = Some(request),
            E::PasswordResetUsed { .. } => self.reset = None,
            E::MailChangeRequested { mail, .. } => self.new_mail = Some(mail),
            E::MailChanged { mail, .. } => {
                self.mail = Some(mail);
                self.confirmed = true;
                self.new_mail = None;
            }
            E::RoleGranted { role, .. } => {
                self.roles.0.insert(role);
            }
            E::RoleRevoked { role, .. } => {
                self.roles.0.remove(&role);
            }
            E::AccountSuspended { until, .. } => {
                self.suspended = true;
                self.suspended_until = until;
            }
            E::AccountMerged { into, .. } => {
                self.merged_into = Some(into);
                self.suspended = true;
                self.suspended_until = None;
            }
            E::AccountTakenOver { from, .. } => self.took_over.push(from),
            E::AccountReinstated { .. } => {
                self.suspended = false;
                self.suspended_until = None;
            }
            E::ComplimentaryAccessGranted { until, .. } => self.complimentary = Some(Complimentary { until }),
            E::ComplimentaryAccessEnded { .. } => self.complimentary = None,
            E::AccountHidden { request, .. } => self.standing = Standing::Hidden(request),
            E::AccountRestored { .. } => self.standing = Standing::Open,
            E::AccountErased { request, .. } => {
                *self = Self { standing: Standing::Erased(request), ..Self::default() };
            }
            E::DigestChosen { digest, .. } => self.digest = digest,
            E::SecondFactorAdded { secret, .. } => self.second_factor = Some(secret),
            E::SecondFactorRemoved { .. } => self.second_factor = None,
            E::PasskeyAdded { at, passkey, credential, name } => {
                self.passkeys.push(Passkey { id: passkey, credential, name, added_at: at });
            }
            E::PasskeyRenamed { passkey, name, .. } => {
                self.passkeys.iter_mut().filter(|p| p.id == passkey).for_each(|p| p.name = name.clone());
            }
            E::PasskeyRemoved { passkey, .. } => self.passkeys.retain(|p| p.id != passkey),
            E::IdentityLinked { identity, .. } => self.identity = Some(identity),
            E::IdentityUnlinked { .. } => self.identity = None,
            E::DisplayNameChanged { display_name, .. } => self.display_name = Some(display_name),
            E::ConfirmationRequested { .. }
            | E::ProfileChanged { .. }
            | E::ImpersonationStarted { .. }
            | E::PersonalDataRead { .. }
            | E::RecoveryCodesMade { .. }
            | E::RecoveryCodeUsed { .. } => {}
        }
    }
}
