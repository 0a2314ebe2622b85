//! What operators wish of the queue: stop and go on, of all or of one work; sooner or later; give up; try again.
//!
//! Stopping and order are wishes of the queue alone and stand in a table; giving up and trying again are
//! facts about the work and go to its aggregate. Each act is noted with who did it.

use super::queue;
use crate::actors::Services;
use crate::actors::bus::{CommandError, Envelope, Metadata};
use crate::domain::media::{Failure, Media, MediaCommand, MediaError, Processing, Step};
use crate::store::repository::EventRepository;
use crate::store::{Actor, StoreError};
use uuid::Uuid;

/// An act on the queue or on one work in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Act {
    /// No worker takes another piece; what is in work is finished.
    Pause,
    /// Workers go on.
    Resume,
    /// Take it before all others.
    First,
    /// Take it when its turn comes.
    Usual,
    /// Take it when nothing else waits.
    Last,
    /// Give the work up: pieces in work stop at once, what plays stays.
    Cancel,
    /// Try again what failed or was given up.
    Retry,
}

/// Why an act was not done.
#[derive(Debug, thiserror::Error)]
pub enum WishError {
    /// Only single works can be hurried, given up or tried again.
    #[error("That can be asked of one work, not of the whole queue.")]
    OneWorkOnly,
    /// Nothing is in work.
    #[error("Nothing of this work is being processed, so there is nothing to cancel.")]
    NothingToCancel,
    /// Nobody knows it.
    #[error("There is no such work.")]
    NoSuchWork,
    /// The aggregate refused.
    #[error("{0}")]
    Refused(MediaError),
    /// The command did not come through.
    #[error("{0}")]
    Failed(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Does `act` to the work `media`, or to the whole queue, and notes who asked for it.
///
/// # Errors
/// When it makes no sense now, or the store fails.
pub async fn act(
    cx: &Services,
    command: Uuid,
    media: Option<Uuid>,
    act: Act,
    meta: Metadata,
) -> Result<(), WishError> {
    let by = match &meta.actor {
        Actor::Account(id) => Some(*id),
        _ => None,
    };
    match (act, media) {
        (Act::Cancel, Some(media)) => {
            cancel(cx, command, media, meta).await?;
            go_on(cx, media).await?;
        }
        (Act::Retry, Some(media)) => {
            tell(cx, command, media, MediaCommand::Retry { at: cx.clock.now() }, meta).await?;
            go_on(cx, media).await?;
        }
        (Act::Pause | Act::Resume, _) => {
            let paused = act == Act::Pause;
            wish(cx, "paused = $2", media.unwrap_or_default(), &paused).await?;
        }
        (Act::First | Act::Usual | Act::Last, Some(media)) => {
            let urgency: i16 = match act {
                Act::First => 1,
                Act::Last => -1,
                _ => 0,
            };
            wish(cx, "urgency = $2", media, &urgency).await?;
        }
        (_, None) => return Err(WishError::OneWorkOnly),
    }
    let word: &'static str = act.into();
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    client
        .execute(
            "insert into public.media_queue_acts (id, at, by, act, media) values ($1, $2, $3, $4, $5)
             on conflict (id) do nothing",
            &[&command, &cx.clock.now(), &by, &word, &media],
        )
        .await
        .map_err(StoreError::from)?;
    cx.metrics.media.queue_acts.with_label_values(&[word]).inc();
    Ok(())
}

/// Whoever gives a work up or tries it again has decided over its pause as well: nobody would look for it later.
async fn go_on(cx: &Services, media: Uuid) -> Result<(), StoreError> {
    wish(cx, "paused = $2", media, &false).await
}

async fn wish(
    cx: &Services,
    set: &str,
    media: Uuid,
    value: &(dyn tokio_postgres::types::ToSql + Sync),
) -> Result<(), StoreError> {
    let mut client = cx.pool.get().await?;
    let tx = client.transaction().await?;
    tx.execute(
        "insert into public.media_queue_wishes (media) values ($1) on conflict (media) do nothing",
        &[&media],
    )
    .await?;
    tx.execute(&format!("update public.media_queue_wishes set {set} where media = $1"), &[&media, value])
        .await?;
    // A row without a wish says nothing.
    tx.execute("delete from public.media_queue_wishes where not paused and urgency = 0", &[]).await?;
    tx.commit().await?;
    Ok(())
}

/// First the work itself knows that it was given up, so that nobody takes its rows for forgotten.
async fn cancel(cx: &Services, command: Uuid, media: Uuid, meta: Metadata) -> Result<(), WishError> {
    let repository = EventRepository::<Media>::new(cx.pool.clone(), cx.journal.clone());
    let step = match repository.load(media).await?.state.processing {
        Processing::Received | Processing::Probing => Step::Probe,
        Processing::Accepted => Step::Normalise,
        Processing::Processing => Step::Encode,
        _ => return Err(WishError::NothingToCancel),
    };
    let fail = MediaCommand::Fail { step, reason: Failure::Stopped, at: cx.clock.now() };
    tell(cx, command, media, fail, meta).await?;
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    queue::cancel(&**client, media, None).await?;
    Ok(())
}

async fn tell(
    cx: &Services,
    id: Uuid,
    media: Uuid,
    command: MediaCommand,
    meta: Metadata,
) -> Result<(), WishError> {
    let sent = cx.bus.dispatch::<Media>(Envelope::new(id, media, command, meta)).await;
    sent.map(|_| ()).map_err(|error| match error {
        CommandError::Refused(MediaError::Unknown) => WishError::NoSuchWork,
        CommandError::Refused(refused) => WishError::Refused(refused),
        other => WishError::Failed(other.to_string()),
    })
}
