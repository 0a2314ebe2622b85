//! Deletion requests: asking, taking back, and what stands in the way.

use super::{AccountsError, load, sign_in};
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::credits;
use crate::actors::services::Services;
use crate::domain::deletion_request::{
    CommentsFate, DeletionCommand, DeletionError, DeletionRequest, Obstacle, RequestedBy, Requester,
};
use crate::domain::gift::GiftStanding;
use crate::domain::shared::derive_id;
use crate::projections::catalogue;
use crate::projections::deletion_requests::{self, Progress};
use crate::projections::subscriptions::{self, SubscriptionRow};
use crate::projections::{gifts, refunds};
use crate::store::{Claim, Metadata, Receipt, StoreError, repository::EventRepository};
use chrono::TimeDelta;
use uuid::Uuid;

/// Namespace of the claim that lets an account have one open request only.
const OPEN: &str = "deletion-request";

/// Why a wish about a deletion request was not fulfilled.
#[derive(Debug, thiserror::Error)]
pub enum LeavingError {
    /// The request refuses.
    #[error("{0}")]
    Refused(DeletionError),
    /// There is an open request already.
    #[error("There is an open deletion request for this account already.")]
    Open,
    /// The rest.
    #[error(transparent)]
    Other(#[from] AccountsError),
}

impl From<StoreError> for LeavingError {
    fn from(error: StoreError) -> Self {
        Self::Other(error.into())
    }
}

impl From<CommandError<DeletionError>> for LeavingError {
    fn from(error: CommandError<DeletionError>) -> Self {
        match error {
            CommandError::Refused(why) => Self::Refused(why),
            CommandError::Taken { .. } => Self::Open,
            CommandError::Panicked => StoreError::Vault("a command failed".into()).into(),
            _ => Self::Other(AccountsError::Busy),
        }
    }
}

/// Files a request of a signed-in person, who proves the identity with the password again. Who has none has
/// shown another proof before: `password` is `None` then.
///
/// # Errors
/// [`LeavingError::Refused`] for staff and owners of published works; [`AccountsError::WrongPassword`] also if
/// there is a password and none was given.
pub async fn ask(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    account: Uuid,
    password: Option<&str>,
    comments: CommentsFate,
) -> Result<Receipt, LeavingError> {
    if password.is_some() || load(cx, account).await?.password.is_some() {
        sign_in::prove(cx, account, password.unwrap_or_default()).await?;
    }
    file(cx, command_id, meta, account, RequestedBy::Person, comments).await
}

/// Files a request without the person's proof: for staff and the shell.
///
/// # Errors
/// [`LeavingError::Refused`] for staff and owners of published works.
pub async fn file(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    account: Uuid,
    by: RequestedBy,
    comments: CommentsFate,
) -> Result<Receipt, LeavingError> {
    let state = load(cx, account).await?;
    let requester =
        Requester { staff: state.roles.has_staff(), published_works: published_works(cx, account).await? };
    let grace = TimeDelta::days(i64::from(cx.config.erasure.grace_days));
    let command = DeletionCommand::Request { at: meta.at, account, by, grace, requester, comments };
    let request = derive_id(&command_id.to_string(), "deletion-request");
    let envelope = Envelope::new(command_id, request, command, meta).with_claims(vec![open_claim(account)]);
    Ok(cx.bus.dispatch::<DeletionRequest>(envelope).await?)
}

/// Takes a request back.
///
/// # Errors
/// [`LeavingError::Refused`] when it is too late.
pub async fn withdraw(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    account: Uuid,
) -> Result<Receipt, LeavingError> {
    let newest = deletion_requests::newest_of(&cx.reader, account).await?;
    let Some(request) = newest.filter(|r| r.progress == Progress::Requested) else {
        return Err(LeavingError::Refused(DeletionError::Unknown));
    };
    let command = DeletionCommand::Withdraw { at: meta.at };
    let envelope =
        Envelope::new(command_id, request.id, command, meta).with_releases(vec![open_claim(account)]);
    Ok(cx.bus.dispatch::<DeletionRequest>(envelope).await?)
}

/// The request as the log has it now.
///
/// # Errors
/// If the log cannot be read.
pub async fn load_request(cx: &Services, id: Uuid) -> Result<DeletionRequest, StoreError> {
    Ok(EventRepository::<DeletionRequest>::new(cx.pool.clone(), cx.journal.clone()).load(id).await?.state)
}

/// What stands in the way of deleting an account now.
///
/// # Errors
/// If the database cannot be read.
pub async fn obstacles(cx: &Services, account: Uuid) -> Result<Vec<Obstacle>, StoreError> {
    let mut found: Vec<Obstacle> =
        live_subscriptions(cx, account).await?.into_iter().map(Obstacle::LiveSubscription).collect();
    if load(cx, account).await?.roles.has_staff() {
        found.push(Obstacle::StaffRole);
    }
    match published_works(cx, account).await? {
        0 => {}
        count => found.push(Obstacle::PublishedWorks(count)),
    }
    if credits::load(cx, account).await?.is_open() {
        found.push(Obstacle::OpenCredit);
    }
    if refunds::is_owed(&cx.reader, account).await? {
        found.push(Obstacle::OwedMoney);
    }
    let unpaid = gifts::of_account(&cx.reader, account).await?.into_iter();
    found.extend(
        unpaid.filter(|g| g.standing() == GiftStanding::Ordered).map(|g| Obstacle::UnpaidGift(g.id())),
    );
    Ok(found)
}

fn open_claim(account: Uuid) -> Claim {
    Claim::new(OPEN, account.to_string())
}

/// Subscriptions of an account that are neither cancelled nor expired.
async fn live_subscriptions(cx: &Services, account: Uuid) -> Result<Vec<Uuid>, StoreError> {
    let all = subscriptions::of_account(&cx.reader, account).await?;
    let live = |s: &SubscriptionRow| !s.status.is_final();
    Ok(all.iter().filter(|s| live(s)).map(|s| s.id).collect())
}

/// How many published works an account owns.
async fn published_works(cx: &Services, account: Uuid) -> Result<u32, StoreError> {
    catalogue::public_count_by(&cx.reader, account).await
}
