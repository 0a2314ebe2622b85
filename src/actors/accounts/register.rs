//! New accounts: from the registration page, the first-run page, the shell and the demo studio.

use super::{AccountsError, FIRST_ADMIN, MAIL, door_limits, mail_claim, passwords, username_claim};
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::{mailer, services::Services};
use crate::domain::account::{Account, AccountCommand, Origin, Registration, check_password};
use crate::domain::shared::{MailAddress, PersonalValue, Role, derive_id};
use crate::emails::MailKind;
use crate::store::{Claim, Metadata, Receipt};
use uuid::Uuid;

/// What somebody typed to get an account.
#[derive(Clone, Default)]
pub struct NewAccount {
    /// Where mail goes.
    pub mail: String,
    /// How the person is addressed; absent: the part before the `@`.
    pub display_name: String,
    /// Second name to sign in with; may be empty.
    pub username: String,
    /// The password in clear.
    pub password: String,
}

/// A new account and where its events stand.
#[derive(Clone, Copy, Debug)]
pub struct Registered {
    /// The account.
    pub account: Uuid,
    /// Where its events stand.
    pub receipt: Receipt,
}

/// Registers a person from the registration page. The answer is the same whether the address is
/// known or not: a mail tells its owner which of both it was. With `approval` a moderator looks at it
/// before the account may sign in.
///
/// # Errors
/// [`AccountsError::Field`] for what cannot be used.
pub async fn by_visitor(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    new: &NewAccount,
    approval: bool,
) -> Result<Option<Receipt>, AccountsError> {
    let start = Start { origin: Origin::Registration, roles: vec![], approval };
    match register(cx, command_id, meta.clone(), new, start, vec![]).await {
        Ok(registered) => Ok(Some(registered.receipt)),
        Err(RegisterError::MailTaken) => {
            let mail = parse_mail(&new.mail)?;
            if let Some(owner) = super::holder(cx, &mail_claim(cx, &mail)?).await? {
                let id = derive_id(&command_id.to_string(), "already-registered");
                mailer::enqueue(cx, id, owner, MailKind::AlreadyRegistered, meta.at).await?;
            }
            Ok(None)
        }
        Err(RegisterError::Other(error)) => Err(error),
    }
}

/// Looks through what somebody typed, before anything of theirs is counted or used up.
///
/// # Errors
/// [`AccountsError::Field`] for what cannot be used.
pub fn look_through(cx: &Services, new: &NewAccount) -> Result<(), AccountsError> {
    let mail = parse_mail(&new.mail)?;
    door_limits::check_domain(cx, &mail)?;
    parse_username(&new.username)?;
    let display_name = parse_display_name(&new.display_name, &mail)?;
    check_password(&new.password, &[mail.as_str(), &display_name, &new.username])?;
    Ok(())
}

/// Makes an account whose address is trusted, with roles: by the shell or the demo studio.
///
/// # Errors
/// [`AccountsError::Field`] for what cannot be used or is taken.
pub async fn by_operator(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    new: &NewAccount,
    origin: Origin,
    roles: Vec<Role>,
) -> Result<Registered, AccountsError> {
    let start = Start { origin, roles, approval: false };
    register(cx, command_id, meta, new, start, vec![]).await.map_err(RegisterError::for_operator)
}

/// Makes the first admin of an empty instance. A claim sees to it that there is only one.
///
/// # Errors
/// [`AccountsError::Field`] for what cannot be used, or if there is an admin already.
pub async fn first_admin(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    new: &NewAccount,
) -> Result<Registered, AccountsError> {
    let once = vec![Claim::new(FIRST_ADMIN, "")];
    let start = Start { origin: Origin::FirstRun, roles: vec![Role::Admin], approval: false };
    register(cx, command_id, meta, new, start, once).await.map_err(RegisterError::for_operator)
}

enum RegisterError {
    MailTaken,
    Other(AccountsError),
}

impl<E: Into<AccountsError>> From<E> for RegisterError {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

impl RegisterError {
    fn for_operator(self) -> AccountsError {
        match self {
            Self::MailTaken => AccountsError::Field("mail", "There is an account with this address.".into()),
            Self::Other(error) => error,
        }
    }
}

/// How an account begins.
struct Start {
    origin: Origin,
    roles: Vec<Role>,
    approval: bool,
}

async fn register(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    new: &NewAccount,
    start: Start,
    mut claims: Vec<Claim>,
) -> Result<Registered, RegisterError> {
    let mail = parse_mail(&new.mail)?;
    let username = parse_username(&new.username)?;
    let display_name = parse_display_name(&new.display_name, &mail)?;
    check_password(&new.password, &[mail.as_str(), &display_name, &new.username])
        .map_err(AccountsError::from)?;
    let hash = passwords::hash(&cx.config.accounts, &new.password).await?;

    // Everything follows from the command's id, so that a repetition is the same command.
    let parent = command_id.to_string();
    let account = derive_id(&parent, "account");
    let value =
        |field: &str, text: String| PersonalValue::new(account, field, derive_id(&parent, field), text);
    let mail_value = value("mail", mail.as_str().to_owned());
    let name_value = value("display_name", display_name);
    let password_value = value("password", hash);
    let username_value = username.clone().map(|u| value("username", u));
    let command = AccountCommand::Register(Box::new(Registration {
        at: meta.at,
        mail: mail_value.reference.clone(),
        display_name: name_value.reference.clone(),
        username: username_value.as_ref().map(|v| v.reference.clone()),
        password: Some(password_value.reference.clone()),
        identity: None,
        origin: start.origin,
        roles: start.roles,
        approval: start.approval,
    }));
    if let Some(username) = &username {
        claims.push(username_claim(cx, username).map_err(AccountsError::from)?);
    }
    claims.push(mail_claim(cx, &mail).map_err(AccountsError::from)?);
    let mut private = vec![mail_value, name_value, password_value];
    private.extend(username_value);
    let envelope =
        Envelope::new(command_id, account, command, meta).with_private(private).with_claims(claims);
    match cx.bus.dispatch::<Account>(envelope).await {
        Ok(receipt) => Ok(Registered { account, receipt }),
        Err(CommandError::Taken { namespace }) if namespace == MAIL => Err(RegisterError::MailTaken),
        Err(error) => Err(error.into()),
    }
}

/// Reads a mail address of a form.
///
/// # Errors
/// [`AccountsError::Field`] on `mail`.
pub fn parse_mail(text: &str) -> Result<MailAddress, AccountsError> {
    MailAddress::parse(text).map_err(|e| AccountsError::Field("mail", e.to_string()))
}

/// Reads an optional user name of a form: none when it is empty.
///
/// # Errors
/// [`AccountsError::Field`] on `username`.
pub fn parse_username(text: &str) -> Result<Option<String>, AccountsError> {
    let text = text.trim();
    let fine = text.chars().all(|c| c.is_alphanumeric() || "._-".contains(c));
    match text.chars().count() {
        0 => Ok(None),
        2..=40 if fine => Ok(Some(text.to_owned())),
        _ => {
            let words = "Use 2 to 40 letters, digits, dots, hyphens or underscores.";
            Err(AccountsError::Field("username", words.into()))
        }
    }
}

/// Reads a display name of a form; absent it is the part of the address before the `@`.
///
/// # Errors
/// [`AccountsError::Field`] on `display_name`.
pub fn parse_display_name(text: &str, mail: &MailAddress) -> Result<String, AccountsError> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() > 80 || text.chars().any(char::is_control) {
        return Err(AccountsError::Field("display_name", "Use at most 80 characters.".into()));
    }
    if text.is_empty() {
        return Ok(mail.as_str().split('@').next().unwrap_or_default().to_owned());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_people_write_them() {
        let mail = MailAddress::parse("ada@example.org").unwrap();
        assert_eq!(parse_display_name("  Ada   Lovelace ", &mail).unwrap(), "Ada Lovelace");
        assert_eq!(parse_display_name(" ", &mail).unwrap(), "ada");
        assert!(parse_display_name(&"a".repeat(81), &mail).is_err());
        assert_eq!(parse_username(" ").unwrap(), None);
        assert_eq!(parse_username("ada_l").unwrap().as_deref(), Some("ada_l"));
        for bad in ["a", "a b", "ada@example", &"a".repeat(41)] {
            assert!(parse_username(bad).is_err(), "{bad}");
        }
    }
}
