//! Signing in through a service of others (OpenID Connect): the way there and back, new accounts by it, and
//! links to accounts that were there before.

use super::limits::Buckets;
use super::service_flow::{self, Purpose};
use super::sign_in::SignIn;
use super::{AccountsError, holder, load, register, registration, service_roles, sign_in};
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::services::Services;
use crate::adapters::https;
use crate::adapters::oidc::{Identity, OidcError, Service};
use crate::config::{Config, Registration};
use crate::domain::account::{Account, AccountCommand, AccountError, By, Origin, Registration as NewAccount};
use crate::domain::shared::{MailAddress, PersonalValue, derive_id};
use crate::store::{Claim, Metadata, Receipt, StoreError};
use std::net::IpAddr;
use subtle::ConstantTimeEq as _;
use url::Url;
use uuid::Uuid;

/// Namespace of the claims on identities; the key is a keyed hash of issuer and subject.
pub const IDENTITY: &str = "account-identity";
/// Where people come back to.
pub const BACK: &str = "/login/oidc/callback";
/// Longest code, state or issuer that is looked at, in characters.
const LONGEST: usize = 4096;

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// It is not offered.
    #[error("Signing in this way is not offered here.")]
    Off,
    /// The answer does not belong to what this browser began.
    #[error("This sign-in was not begun in this browser, was used already, or took too long. Start again.")]
    Stale,
    /// The person or the provider said no.
    #[error("{0} did not confirm who you are. Try again, or sign in with your password.")]
    Declined(String),
    /// The provider does not answer.
    #[error("{0} cannot be reached at the moment. Try again later, or sign in with your password.")]
    Down(String),
    /// The provider's answer does not count.
    #[error("The answer of {0} could not be verified, so nobody was signed in. Start again.")]
    Untrusted(String),
    /// The provider does not vouch for a mail address.
    #[error("{0} does not vouch for your mail address. Confirm it there first.")]
    NoMail(String),
    /// New accounts are for other addresses.
    #[error("New accounts by {0} are for mail addresses of certain domains. Write to the studio.")]
    Domain(String),
    /// No new accounts.
    #[error("There is no account for you yet, and new ones cannot be made here at the moment.")]
    Closed,
    /// New accounts by invitation.
    #[error(
        "There is no account for you yet. New ones need an invitation of the studio: open the address that you were given."
    )]
    Invitation,
    /// The address has an account that is not linked.
    #[error(
        "There is an account with your mail address already. Sign in with its password, then link {0} on the page Security."
    )]
    NotLinked(String),
    /// The identity opens another account.
    #[error("This identity opens another account here already.")]
    OtherAccount,
    /// The rest.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        Self::Accounts(error.into())
    }
}

impl From<tokio_postgres::Error> for ServiceError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Accounts(error.into())
    }
}

/// What is wrong with the settings of the service, in words for operators.
#[must_use]
pub fn problem(config: &Config) -> Option<String> {
    let oidc = &config.oidc;
    let issuer = oidc.issuer.as_deref().filter(|i| !i.is_empty())?;
    if let Err(why) = https::service("oidc.issuer", issuer, !config.is_production()) {
        return Some(why);
    }
    if oidc.client_id.is_empty() {
        return Some("oidc.client_id is missing".into());
    }
    if let Some(file) = &oidc.client_secret_file
        && let Err(error) = std::fs::read_to_string(file)
    {
        return Some(format!("oidc.client_secret_file {}: {}", file.display(), error.kind()));
    }
    service_roles::problem(config)
}

/// The service, if it is offered.
///
/// # Errors
/// [`ServiceError::Off`]; what is wrong with the settings goes to the log.
pub async fn service(cx: &Services) -> Result<Service, ServiceError> {
    let oidc = &cx.config.oidc;
    let Some(issuer) = oidc.issuer.clone().filter(|i| !i.is_empty()) else { return Err(ServiceError::Off) };
    if let Some(problem) = problem(&cx.config) {
        tracing::error!(
            problem,
            "signing in through the service is not offered: its settings cannot be used"
        );
        return Err(ServiceError::Off);
    }
    let client_secret = match &oidc.client_secret_file {
        None => None,
        Some(file) => match tokio::fs::read_to_string(file).await {
            Ok(text) => Some(text.trim().to_owned()),
            Err(error) => {
                tracing::error!(kind = ?error.kind(), "oidc.client_secret_file cannot be read");
                return Err(ServiceError::Off);
            }
        },
    };
    Ok(Service {
        issuer,
        client_id: oidc.client_id.clone(),
        client_secret,
        scopes: oidc.scopes.clone(),
        back: format!("{}{BACK}", cx.config.site_url()),
        groups_claim: oidc.roles_claim.clone(),
        plain: !cx.config.is_production(),
    })
}

/// What the button says the service is called, if it is offered.
#[must_use]
pub fn label(config: &Config) -> Option<&str> {
    config.oidc.issuer.as_deref().filter(|i| !i.is_empty()).map(|_| config.oidc.label.as_str())
}

/// The cookie for a way there and back.
///
/// # Errors
/// [`ServiceError::Off`], or if it cannot be signed.
pub async fn begin(cx: &Services, purpose: Purpose) -> Result<String, ServiceError> {
    service(cx).await?;
    Ok(service_flow::begin(cx, purpose)?)
}

/// Where the way of `cookie` leads to at the provider.
///
/// # Errors
/// [`ServiceError::Stale`] without a cookie of ours, [`ServiceError::Down`].
pub async fn address(cx: &Services, cookie: &str) -> Result<Url, ServiceError> {
    let service = service(cx).await?;
    let kept = service_flow::read(cx, cookie)?.ok_or(ServiceError::Stale)?;
    cx.oidc.address(&service, &service_flow::binding(cx, &kept)?).await.map_err(|e| failed(cx, &e))
}

/// Where somebody can sign out at the provider, too; none if it knows no such thing.
///
/// # Errors
/// [`ServiceError::Off`], [`ServiceError::Down`].
pub async fn sign_out_address(cx: &Services) -> Result<Option<Url>, ServiceError> {
    let home = format!("{}/", cx.config.site_url());
    cx.oidc.sign_out(&service(cx).await?, &home).await.map_err(|e| failed(cx, &e))
}

fn failed(cx: &Services, error: &OidcError) -> ServiceError {
    let label = cx.config.oidc.label.clone();
    tracing::warn!(%error, "somebody could not sign in through the service");
    match error {
        OidcError::Down(_) => ServiceError::Down(label),
        OidcError::Untrusted(_) => ServiceError::Untrusted(label),
    }
}

/// What the provider sends back in the address.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answer<'a> {
    /// Redeemed for tokens.
    pub code: &'a str,
    /// What we sent along.
    pub state: &'a str,
    /// Whose answer it is (RFC 9207); empty: it does not say.
    pub issuer: &'a str,
    /// Why not; empty if so.
    pub error: &'a str,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub enum Outcome {
    /// As after the right password; and where events stand that were written on the way.
    Known(SignIn, Option<Receipt>),
    /// The identity opens the account from now on.
    Linked(Receipt),
}

/// Takes the provider's answer in the browser with `cookie`, signed in as `viewer`.
///
/// # Errors
/// As [`ServiceError`] says: then nothing has changed.
pub async fn finish(
    cx: &Services,
    meta: Metadata,
    (cookie, viewer, from): (&str, Option<Uuid>, IpAddr),
    answer: Answer<'_>,
) -> Result<(Purpose, Outcome), ServiceError> {
    let service = service(cx).await?;
    let kept = service_flow::read(cx, cookie)?.ok_or(ServiceError::Stale)?;
    let binding = service_flow::binding(cx, &kept)?;
    let too_long = [answer.code, answer.state, answer.issuer].iter().any(|t| t.len() > LONGEST);
    if too_long || !bool::from(binding.state.as_bytes().ct_eq(answer.state.as_bytes())) {
        return Err(ServiceError::Stale);
    }
    if !service_flow::use_up(cx, &kept).await? {
        return Err(ServiceError::Stale);
    }
    let label = &cx.config.oidc.label;
    if !answer.error.is_empty() || answer.code.is_empty() {
        return Err(ServiceError::Declined(label.clone()));
    }
    let buckets = Buckets::new(cx, "oidc", &from.to_string(), Some(from))?;
    buckets.check(cx, meta.at).await?;
    let issuer = Some(answer.issuer).filter(|i| !i.is_empty());
    let found = cx.oidc.identify(&service, binding, answer.code, issuer).await;
    let identity = match found {
        Ok(identity) => identity,
        Err(error) => {
            buckets.count(cx, meta.at).await?;
            return Err(failed(cx, &error));
        }
    };
    // Everything follows from the secret, so that a repetition is the same command.
    let id = derive_id("oidc", &kept.secret);
    let outcome = match kept.purpose.link {
        Some(account) if viewer == Some(account) => link(cx, id, meta, account, &identity).await?,
        Some(_) => return Err(ServiceError::Stale),
        None => enter(cx, id, meta, &identity, &kept.purpose).await?,
    };
    Ok((kept.purpose, outcome))
}

/// As it lies in the vault.
fn written(issuer: &str, subject: &str) -> String {
    format!("{issuer} {subject}")
}

fn claim(cx: &Services, written: &str) -> Result<Claim, StoreError> {
    Ok(Claim::new(IDENTITY, cx.vault.lookup_hash(IDENTITY, written)?))
}

/// The account that an identity opens.
///
/// # Errors
/// If the database cannot be read.
pub async fn account_of(cx: &Services, issuer: &str, subject: &str) -> Result<Option<Uuid>, StoreError> {
    holder(cx, &claim(cx, &written(issuer, subject))?).await
}

async fn link(
    cx: &Services,
    id: Uuid,
    meta: Metadata,
    account: Uuid,
    identity: &Identity,
) -> Result<Outcome, ServiceError> {
    let text = written(&identity.issuer, &identity.subject);
    let claim = claim(cx, &text)?;
    let value = PersonalValue::new(account, "identity", derive_id(&id.to_string(), "identity"), text);
    let command = AccountCommand::LinkIdentity { at: meta.at, identity: value.reference.clone() };
    let envelope =
        Envelope::new(id, account, command, meta).with_private(vec![value]).with_claims(vec![claim]);
    match cx.bus.dispatch::<Account>(envelope).await {
        Ok(receipt) => Ok(Outcome::Linked(receipt)),
        Err(CommandError::Taken { .. }) => Err(ServiceError::OtherAccount),
        Err(error) => Err(AccountsError::from(error).into()),
    }
}

/// Signs in who is known, and makes an account for who is not, as far as registration allows.
async fn enter(
    cx: &Services,
    id: Uuid,
    mut meta: Metadata,
    identity: &Identity,
    purpose: &Purpose,
) -> Result<Outcome, ServiceError> {
    let known = account_of(cx, &identity.issuer, &identity.subject).await?;
    let (account, mut receipt) = match known {
        Some(account) => (account, None),
        None => {
            let (account, receipt) = new_account(cx, id, meta.clone(), identity, purpose).await?;
            (account, Some(receipt))
        }
    };
    let state = load(cx, account).await?;
    let step = sign_in::next_step(account, &state);
    if matches!(step, SignIn::Proved(_) | SignIn::SecondStep(_)) {
        meta.actor = crate::store::Actor::System(service_roles::NAME.into());
        receipt = service_roles::follow(cx, id, meta, account, (&state, &identity.groups)).await?.or(receipt);
    }
    Ok(Outcome::Known(step, receipt))
}

async fn new_account(
    cx: &Services,
    id: Uuid,
    meta: Metadata,
    identity: &Identity,
    purpose: &Purpose,
) -> Result<(Uuid, Receipt), ServiceError> {
    let (label, settings) = (cx.config.oidc.label.clone(), &cx.config.oidc);
    let mail = identity.mail.as_deref().filter(|_| identity.mail_verified);
    let mail = mail.and_then(|m| MailAddress::parse(m).ok());
    let mail = mail.ok_or_else(|| ServiceError::NoMail(label.clone()))?;
    let mail_claim = super::mail_claim(cx, &mail)?;
    if holder(cx, &mail_claim).await?.is_some() {
        return Err(ServiceError::NotLinked(label));
    }
    let domain = mail.as_str().rsplit('@').next().unwrap_or_default().to_lowercase();
    if !settings.mail_domains.is_empty()
        && !settings.mail_domains.iter().any(|d| d.eq_ignore_ascii_case(&domain))
    {
        return Err(ServiceError::Domain(label));
    }
    let door = registration::door(cx).await?;
    let invitation = match door {
        Registration::Closed => return Err(ServiceError::Closed),
        Registration::Invite if !registration::take_use(cx, &purpose.invitation).await? => {
            return Err(ServiceError::Invitation);
        }
        Registration::Invite => Some(purpose.invitation.as_str()),
        Registration::Open | Registration::Approval => None,
    };
    let parent = id.to_string();
    let account = derive_id(&parent, "account");
    let value =
        |field: &str, text: String| PersonalValue::new(account, field, derive_id(&parent, field), text);
    let text = written(&identity.issuer, &identity.subject);
    let claims = vec![mail_claim, claim(cx, &text)?];
    let name: String =
        identity.name.as_deref().unwrap_or_default().chars().filter(|c| !c.is_control()).take(80).collect();
    let mail_value = value("mail", mail.as_str().to_owned());
    let name_value = value("display_name", register::parse_display_name(&name, &mail)?);
    let identity_value = value("identity", text);
    let command = AccountCommand::Register(Box::new(NewAccount {
        at: meta.at,
        mail: mail_value.reference.clone(),
        display_name: name_value.reference.clone(),
        username: None,
        password: None,
        identity: Some(identity_value.reference.clone()),
        origin: Origin::SignInService,
        roles: vec![],
        approval: door == Registration::Approval,
    }));
    let envelope = Envelope::new(id, account, command, meta)
        .with_private(vec![mail_value, name_value, identity_value])
        .with_claims(claims);
    let done = cx.bus.dispatch::<Account>(envelope).await;
    if let Some(code) = invitation.filter(|_| done.is_err()) {
        registration::give_back(cx, code).await?;
    }
    match done {
        Ok(receipt) => Ok((account, receipt)),
        // Somebody else was quicker with the address, or with the same identity.
        Err(CommandError::Taken { .. }) => Err(ServiceError::NotLinked(label)),
        Err(error) => Err(AccountsError::from(error).into()),
    }
}

/// Unlinks the identity of an account. The password proves who asks.
///
/// # Errors
/// [`AccountsError::WrongPassword`], or a refusal: the last way in stays.
pub async fn unlink(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    account: Uuid,
    password: &str,
) -> Result<Receipt, AccountsError> {
    let state = load(cx, account).await?;
    if state.password.is_none() {
        return Err(AccountError::LastWayIn.into());
    }
    sign_in::prove(cx, account, password).await?;
    let written = super::open(cx, state.identity.as_ref()).await?;
    let releases = written.map(|text| claim(cx, &text)).transpose()?;
    let command = AccountCommand::UnlinkIdentity { at: meta.at, by: By::Owner };
    let envelope =
        Envelope::new(command_id, account, command, meta).with_releases(releases.into_iter().collect());
    Ok(cx.bus.dispatch::<Account>(envelope).await?)
}
