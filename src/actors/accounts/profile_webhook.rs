//! What the sign-in service tells of people on its own, signed: a new name or address, and that somebody wants
//! to be deleted. Described in `docs/profile-webhook.md`.

use super::leaving::{self, LeavingError};
use super::sign_in_service::account_of;
use super::{AccountsError, find, load, open, recover, register};
use crate::actors::bus::Envelope;
use crate::actors::services::Services;
use crate::actors::webhooks::{self, WebhookError};
use crate::domain::account::{Account, AccountCommand, Standing};
use crate::domain::deletion_request::{CommentsFate, RequestedBy};
use crate::domain::shared::{MailAddress, PersonalValue, derive_id};
use crate::store::{Metadata, StoreError};
use chrono::Utc;
use serde::Deserialize;
use uuid::Uuid;

/// Largest body, in bytes: it holds a name and an address.
pub const LONGEST: usize = 16 << 10;
/// The header of the signature.
pub const HEADER: &str = "kinora-signature";
/// Its name among those that send webhooks.
const NAME: &str = "profile";

/// Why it is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// Forged, old, malformed, or not offered.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    /// Nobody here has this identity.
    #[error("no account here is linked to this subject")]
    Unknown,
    /// What it tells cannot be used.
    #[error("{0}")]
    Unusable(String),
    /// The account refuses, with the reason.
    #[error("{0}")]
    Refused(String),
    /// The rest.
    #[error(transparent)]
    Accounts(AccountsError),
}

impl From<StoreError> for ProfileError {
    fn from(error: StoreError) -> Self {
        Self::Accounts(error.into())
    }
}

impl From<AccountsError> for ProfileError {
    fn from(error: AccountsError) -> Self {
        match error {
            AccountsError::Field(_, words) => Self::Unusable(words),
            AccountsError::Refused(why) => Self::Refused(why.to_string()),
            other => Self::Accounts(other),
        }
    }
}

impl From<LeavingError> for ProfileError {
    fn from(error: LeavingError) -> Self {
        match error {
            LeavingError::Other(error) => error.into(),
            refused => Self::Refused(refused.to_string()),
        }
    }
}

#[derive(Deserialize)]
struct Told {
    /// Names this message: the same one is taken once.
    id: String,
    /// Who it is about, as in tokens.
    subject: String,
    #[serde(flatten)]
    what: What,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum What {
    #[serde(rename = "profile.updated")]
    Updated { profile: Profile },
    #[serde(rename = "account.deletion_requested")]
    DeletionRequested,
}

/// What changed; absent: nothing about that.
#[derive(Deserialize)]
struct Profile {
    name: Option<String>,
    email: Option<String>,
}

/// Takes one message. `false`: it was taken before.
///
/// # Errors
/// As [`ProfileError`] says. What failed on our side should be sent again.
pub async fn take(cx: &Services, header: &str, body: &[u8]) -> Result<bool, ProfileError> {
    let outcome = taken(cx, header, body).await;
    let word = match &outcome {
        Ok(true) => "taken",
        Ok(false) => "repeated",
        Err(ProfileError::Webhook(WebhookError::NoGateway)) => return outcome,
        Err(ProfileError::Webhook(_) | ProfileError::Unusable(_) | ProfileError::Refused(_)) => "refused",
        Err(ProfileError::Unknown) => "unknown",
        Err(ProfileError::Accounts(_)) => "failed",
    };
    cx.metrics.billing.webhooks.with_label_values(&[NAME, word]).inc();
    outcome
}

async fn taken(cx: &Services, header: &str, body: &[u8]) -> Result<bool, ProfileError> {
    let oidc = &cx.config.oidc;
    let secret = oidc.webhook_secret.as_deref().filter(|s| !s.is_empty());
    let issuer = oidc.issuer.as_deref().filter(|i| !i.is_empty());
    let (Some(secret), Some(issuer)) = (secret, issuer) else { return Err(WebhookError::NoGateway.into()) };
    // The provider's clock is the world's, also where ours was moved for a demo.
    webhooks::verify(secret, header, body, Utc::now())?;
    let told: Told = serde_json::from_slice(body).map_err(|e| WebhookError::Body(e.to_string()))?;
    if told.id.is_empty() || told.id.len() > 200 {
        return Err(WebhookError::Body("id must have 1 to 200 characters".into()).into());
    }
    if webhooks::was_seen(cx, NAME, &told.id).await? {
        return Ok(false);
    }
    let account = account_of(cx, issuer, &told.subject).await?.ok_or(ProfileError::Unknown)?;
    // Ids follow from the message: cut off half-way, it is done once when it comes again.
    let id = derive_id(&format!("webhook/{NAME}"), &told.id);
    let meta = Metadata::system("profile-webhook", id, cx.clock.now());
    match told.what {
        What::Updated { profile } => update(cx, id, meta, account, &profile).await?,
        What::DeletionRequested => {
            match leaving::file(cx, id, meta, account, RequestedBy::SignInService, CommentsFate::default())
                .await
            {
                // Asked for already, by whomever: that is what it wants.
                Ok(_) | Err(LeavingError::Open) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(webhooks::mark_seen(cx, NAME, &told.id).await?)
}

async fn update(
    cx: &Services,
    id: Uuid,
    meta: Metadata,
    account: Uuid,
    profile: &Profile,
) -> Result<(), ProfileError> {
    let state = load(cx, account).await?;
    if !matches!(state.standing, Standing::Open) {
        return Err(ProfileError::Refused("a deletion request is pending for this account".into()));
    }
    // All of it is looked at before any of it is done.
    let mail = profile.email.as_deref().map(register::parse_mail).transpose()?;
    if let Some(name) = &profile.name
        && open(cx, state.display_name.as_ref()).await?.as_deref() != Some(name.as_str())
    {
        let command = derive_id(&id.to_string(), "name");
        recover::change_name(cx, command, meta.clone(), account, name).await?;
    }
    match mail {
        Some(mail) => ask_to_confirm(cx, derive_id(&id.to_string(), "mail"), meta, account, &mail).await,
        None => Ok(()),
    }
}

/// A new address counts when its owner has opened the link that is sent there; the former one is told.
async fn ask_to_confirm(
    cx: &Services,
    id: Uuid,
    meta: Metadata,
    account: Uuid,
    mail: &MailAddress,
) -> Result<(), ProfileError> {
    // One's own already, or somebody else's: nobody gets a link.
    if find(cx, mail.as_str()).await?.is_some() {
        return Ok(());
    }
    let value = PersonalValue::new(account, "mail", derive_id(&id.to_string(), "mail"), mail.as_str());
    let command = AccountCommand::RequestMailChange { at: meta.at, mail: value.reference.clone() };
    let envelope = Envelope::new(id, account, command, meta).with_private(vec![value]);
    cx.bus.dispatch::<Account>(envelope).await.map_err(AccountsError::from)?;
    Ok(())
}
