//! Confirming addresses, changing and resetting passwords, changing address and name.

use super::{AccountsError, find, load, open, passwords, register, sessions, sign_in, tokens};
use crate::actors::bus::Envelope;
use crate::actors::{mailer, services::Services};
use crate::domain::account::{Account, AccountCommand, PasswordCause, Standing, check_password};
use crate::domain::shared::{MailAddress, PersonalRef, PersonalValue, derive_id};
use crate::emails::{MailKind, TokenPurpose};
use crate::store::{Metadata, Receipt};
use uuid::Uuid;

/// Asks for a link to set a new password. The answer is the same for every address.
///
/// # Errors
/// If the store cannot be used.
pub async fn ask_reset(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    mail: &str,
) -> Result<(), AccountsError> {
    let Ok(address) = MailAddress::parse(mail) else { return Ok(()) };
    let Some(account) = find(cx, address.as_str()).await? else { return Ok(()) };
    let state = load(cx, account).await?;
    if state.suspended || matches!(state.standing, Standing::Absent | Standing::Erased(_)) {
        return Ok(());
    }
    let request = derive_id(&command_id.to_string(), "reset");
    let command = AccountCommand::RequestPasswordReset { at: meta.at, request };
    cx.bus.dispatch::<Account>(Envelope::new(command_id, account, command, meta)).await?;
    Ok(())
}

/// Sets a new password by a link. All sessions end.
///
/// # Errors
/// [`AccountsError::StaleLink`], [`AccountsError::Field`] for a weak password.
pub async fn reset(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    secret: &str,
    password: &str,
) -> Result<Receipt, AccountsError> {
    let token = tokens::look_up(cx, TokenPurpose::Reset, secret).await?.ok_or(AccountsError::StaleLink)?;
    let value = new_password(cx, command_id, token.account, password).await?;
    let (at, request) = (meta.at, token.target);
    let command = AccountCommand::ResetPassword { at, request, password: value.reference.clone() };
    let envelope = Envelope::new(command_id, token.account, command, meta).with_private(vec![value]);
    let receipt = cx.bus.dispatch::<Account>(envelope).await?;
    tokens::spend(cx, TokenPurpose::Reset, token.account).await?;
    sessions::end_until(cx, token.account, at).await?;
    Ok(receipt)
}

/// Changes the password of a signed-in person who knows the former one. The other sessions end.
///
/// # Errors
/// [`AccountsError::WrongPassword`], [`AccountsError::Field`] for a weak password.
pub async fn change_password(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    account: Uuid,
    former: &str,
    password: &str,
) -> Result<Receipt, AccountsError> {
    sign_in::prove(cx, account, former).await?;
    set_password(cx, command_id, meta, account, password, PasswordCause::Change).await
}

/// Sets a password without the former one: from the shell.
///
/// # Errors
/// [`AccountsError::Field`] for a weak password.
pub async fn set_password(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    account: Uuid,
    password: &str,
    cause: PasswordCause,
) -> Result<Receipt, AccountsError> {
    let value = new_password(cx, command_id, account, password).await?;
    let at = meta.at;
    let command = AccountCommand::SetPassword { at, password: value.reference.clone(), cause };
    let envelope = Envelope::new(command_id, account, command, meta).with_private(vec![value]);
    let receipt = cx.bus.dispatch::<Account>(envelope).await?;
    tokens::spend(cx, TokenPurpose::Reset, account).await?;
    sessions::end_until(cx, account, at).await?;
    Ok(receipt)
}

async fn new_password(
    cx: &Services,
    command_id: Uuid,
    account: Uuid,
    password: &str,
) -> Result<PersonalValue, AccountsError> {
    let mail = open(cx, load(cx, account).await?.mail.as_ref()).await?.unwrap_or_default();
    check_password(password, &[&mail])?;
    let hash = passwords::hash(&cx.config.accounts, password).await?;
    Ok(PersonalValue::new(account, "password", derive_id(&command_id.to_string(), "password"), hash))
}

/// Confirms the mail address that a link was sent to.
///
/// # Errors
/// [`AccountsError::StaleLink`], or a refusal when the address was replaced meanwhile.
pub async fn confirm(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    secret: &str,
) -> Result<Receipt, AccountsError> {
    let token = tokens::look_up(cx, TokenPurpose::Confirm, secret).await?.ok_or(AccountsError::StaleLink)?;
    let state = load(cx, token.account).await?;
    let mail = PersonalRef { subject: token.account, field: "mail".into(), version: token.target };
    let mut envelope = Envelope::new(
        command_id,
        token.account,
        AccountCommand::ConfirmMail { at: meta.at, mail: mail.clone() },
        meta,
    );
    if state.new_mail.as_ref() == Some(&mail) {
        let claim = async |reference: Option<&PersonalRef>| -> Result<_, AccountsError> {
            let text = open(cx, reference).await?.unwrap_or_default();
            Ok(match MailAddress::parse(&text) {
                Ok(address) => vec![super::mail_claim(cx, &address)?],
                Err(_) => vec![],
            })
        };
        let (takes, mut gives) = (claim(Some(&mail)).await?, claim(state.mail.as_ref()).await?);
        gives.retain(|c| !takes.contains(c));
        envelope = envelope.with_claims(takes).with_releases(gives);
    }
    let receipt = cx.bus.dispatch::<Account>(envelope).await?;
    tokens::spend(cx, TokenPurpose::Confirm, token.account).await?;
    Ok(receipt)
}

/// Sends the confirmation mail again.
///
/// # Errors
/// If the account refuses.
pub async fn confirm_again(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    account: Uuid,
) -> Result<Receipt, AccountsError> {
    let command = AccountCommand::RequestConfirmation { at: meta.at };
    Ok(cx.bus.dispatch::<Account>(Envelope::new(command_id, account, command, meta)).await?)
}

/// Asks for another mail address, proved by the password; it counts once it is confirmed. Whether
/// the address has an account is not told here: then its owner gets a mail, and nobody a link.
///
/// # Errors
/// [`AccountsError::WrongPassword`], [`AccountsError::Field`].
pub async fn change_mail(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    account: Uuid,
    password: &str,
    mail: &str,
) -> Result<(), AccountsError> {
    let address = register::parse_mail(mail)?;
    sign_in::prove(cx, account, password).await?;
    match find(cx, address.as_str()).await? {
        Some(owner) if owner == account => {
            Err(AccountsError::Field("mail", "This is your address already.".into()))
        }
        Some(owner) => {
            let id = derive_id(&command_id.to_string(), "already-registered");
            mailer::enqueue(cx, id, owner, MailKind::AlreadyRegistered, meta.at).await?;
            Ok(())
        }
        None => {
            let version = derive_id(&command_id.to_string(), "mail");
            let value = PersonalValue::new(account, "mail", version, address.as_str());
            let command = AccountCommand::RequestMailChange { at: meta.at, mail: value.reference.clone() };
            let envelope = Envelope::new(command_id, account, command, meta).with_private(vec![value]);
            cx.bus.dispatch::<Account>(envelope).await?;
            Ok(())
        }
    }
}

/// Changes how a person is addressed.
///
/// # Errors
/// [`AccountsError::Field`].
pub async fn change_name(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    account: Uuid,
    name: &str,
) -> Result<Receipt, AccountsError> {
    let name = check_name(name)?;
    let version = derive_id(&command_id.to_string(), "display_name");
    let value = PersonalValue::new(account, "display_name", version, name);
    let command = AccountCommand::ChangeDisplayName { at: meta.at, display_name: value.reference.clone() };
    let envelope = Envelope::new(command_id, account, command, meta).with_private(vec![value]);
    Ok(cx.bus.dispatch::<Account>(envelope).await?)
}

/// A name as it is kept.
///
/// # Errors
/// [`AccountsError::Field`] on `display_name`.
pub fn check_name(name: &str) -> Result<String, AccountsError> {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() || name.chars().count() > 80 {
        return Err(AccountsError::Field("display_name", "Use 1 to 80 characters.".into()));
    }
    Ok(name)
}
