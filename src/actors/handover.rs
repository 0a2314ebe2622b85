//! Gives what belongs to one person to another: somebody leaves the studio, and the films stay.

use super::bus::{CommandError, Envelope};
use super::services::Services;
use crate::domain::character::{Character, CharacterCommand};
use crate::domain::collection::{Collection, CollectionCommand};
use crate::domain::course::{Course, Wish};
use crate::domain::film::{Film, FilmCommand};
use crate::domain::media::{Media, MediaCommand};
use crate::domain::post::{Post, PostCommand};
use crate::domain::production_log::{LogCommand, ProductionLog};
use crate::domain::shared::aggregate::CategoryEvent;
use crate::domain::shared::{Decider, derive_id};
use crate::projections::catalogue::owned_by;
use crate::projections::people;
use crate::store::{Metadata, Receipt, StoreError};
use uuid::Uuid;

/// What is to be given to whom.
#[derive(Clone, Debug)]
pub struct Handover {
    /// Whose it is.
    pub from: Uuid,
    /// Whose it will be.
    pub to: Uuid,
    /// Who decides it.
    pub by: Uuid,
    /// Which kinds of things: categories of streams, such as `film`.
    pub kinds: Vec<String>,
}

/// What was given.
#[derive(Clone, Copy, Debug)]
pub struct HandedOver {
    /// How many things.
    pub things: u32,
    /// Where the last event stands.
    pub receipt: Receipt,
}

/// Why nothing is given.
#[derive(Debug, thiserror::Error)]
pub enum HandoverError {
    /// Both are the same person.
    #[error("It belongs to them already. Choose somebody else.")]
    SamePerson,
    /// They could do nothing with it.
    #[error("Choose somebody who makes things here: a creator, an editor or an admin.")]
    NotAMaker,
    /// There is nothing of these kinds.
    #[error("There is nothing to hand over. Tick at least one kind of which there is something.")]
    Nothing,
    /// One of them could not be given now; those before it were. Asking again with the same command id goes on.
    #[error(transparent)]
    Stopped(#[from] CommandError<std::convert::Infallible>),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Gives everything of the wished kinds, one thing after the other. Repeating it with the same command id gives what
/// is still to be given.
///
/// # Errors
/// [`HandoverError`] says why not, or not all.
pub async fn hand_over(
    cx: &Services,
    command_id: Uuid,
    meta: &Metadata,
    wish: &Handover,
) -> Result<HandedOver, HandoverError> {
    if wish.from == wish.to {
        return Err(HandoverError::SamePerson);
    }
    if !people::makers(&cx.reader).await?.contains(&wish.to) {
        return Err(HandoverError::NotAMaker);
    }
    let mut given: Option<HandedOver> = None;
    for thing in owned_by(&cx.reader, wish.from).await? {
        if !wish.kinds.contains(&thing.kind) {
            continue;
        }
        let id = derive_id(&command_id.to_string(), &thing.id.to_string());
        let one = One { cx, id, thing: thing.id, meta };
        let Some(receipt) = give(&one, &thing.kind, wish).await? else { continue };
        let things = given.map_or(1, |g| g.things + 1);
        given = Some(HandedOver { things, receipt });
    }
    given.ok_or(HandoverError::Nothing)
}

/// One thing on its way.
struct One<'a> {
    cx: &'a Services,
    id: Uuid,
    thing: Uuid,
    meta: &'a Metadata,
}

async fn give(one: &One<'_>, kind: &str, wish: &Handover) -> Result<Option<Receipt>, HandoverError> {
    let (to, by, at) = (wish.to, wish.by, one.meta.at);
    let answer = match kind {
        "film" => send::<Film>(one, FilmCommand::HandOver { to, by, at }).await,
        "course" => send::<Course>(one, Wish::HandOver { to, by }.at(at)).await,
        "post" => send::<Post>(one, PostCommand::HandOver { to, by, at }).await,
        "character" => send::<Character>(one, CharacterCommand::HandOver { to, by, at }).await,
        "collection" => send::<Collection>(one, CollectionCommand::HandOver { to, by, at }).await,
        "production_log" => send::<ProductionLog>(one, LogCommand::HandOver { to, by, at }).await,
        "media" => send::<Media>(one, MediaCommand::HandOver { to, by, at }).await,
        _ => Ok(None),
    };
    Ok(answer?)
}

/// Nothing where the thing refuses: it was removed a moment ago.
async fn send<A>(
    one: &One<'_>,
    command: A::Command,
) -> Result<Option<Receipt>, CommandError<std::convert::Infallible>>
where
    A: Decider,
    A::Event: CategoryEvent,
{
    let envelope = Envelope::new(one.id, one.thing, command, one.meta.clone());
    match one.cx.bus.dispatch::<A>(envelope).await {
        Ok(receipt) => Ok(Some(receipt)),
        Err(CommandError::Refused(_)) => Ok(None),
        Err(CommandError::Taken { namespace }) => Err(CommandError::Taken { namespace }),
        Err(CommandError::Stale) => Err(CommandError::Stale),
        Err(CommandError::Busy) => Err(CommandError::Busy),
        Err(CommandError::TimedOut) => Err(CommandError::TimedOut),
        Err(CommandError::Unavailable) => Err(CommandError::Unavailable),
        Err(CommandError::Newer(unknown)) => Err(CommandError::Newer(unknown)),
        Err(CommandError::Panicked) => Err(CommandError::Panicked),
    }
}
