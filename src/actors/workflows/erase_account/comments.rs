//! What an erased person wrote below works: it stays without them, or goes, as they chose. Likes stay as
//! numbers.

use super::WorkflowError;
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::services::Services;
use crate::domain::comment::{Comment, CommentCommand, CommentError, Remover, Standing};
use crate::domain::deletion_request::CommentsFate;
use crate::domain::shared::{PersonalValue, derive_id};
use crate::projections::comments::{self, CommentRow};
use crate::store::{Metadata, StoreError};
use uuid::Uuid;

/// Settles all comments of `account` and takes its likes from it. Gives how many comments and likes it were.
pub(super) async fn settle(
    cx: &Services,
    meta: &Metadata,
    account: Uuid,
    fate: CommentsFate,
) -> Result<u64, WorkflowError> {
    let mut settled = 0;
    for comment in comments::of_author(&cx.reader, account).await? {
        settled += u64::from(match fate {
            CommentsFate::Stay => detach(cx, meta, account, &comment).await?,
            CommentsFate::Deleted => delete(cx, meta, account, &comment).await?,
        });
    }
    // A number of its own for each: nothing says any more that the same person liked two things.
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    let sql = "update public.marks set account = gen_random_uuid() where account = $1 and mark = 'like'";
    Ok(settled + client.execute(sql, &[&account]).await?)
}

/// Seals the text anew, for the comment itself: the key of the person can then be destroyed.
async fn detach(
    cx: &Services,
    meta: &Metadata,
    account: Uuid,
    comment: &CommentRow,
) -> Result<bool, WorkflowError> {
    let Some(sealed) = comment.state.text.as_ref().filter(|t| t.subject == account) else { return Ok(false) };
    // In an instance that was restored without the key the text is gone already.
    let Some(text) = cx.reader.open(sealed).await? else { return Ok(false) };
    let id = derive_id(&comment.id.to_string(), "detach");
    let text = PersonalValue::new(comment.id, "comment", derive_id(&id.to_string(), "text"), text);
    let command = CommentCommand::Detach { text: text.reference.clone(), at: meta.at };
    let envelope = Envelope::new(id, comment.id, command, meta.clone()).with_private(vec![text]);
    send(cx, envelope).await
}

async fn delete(
    cx: &Services,
    meta: &Metadata,
    account: Uuid,
    comment: &CommentRow,
) -> Result<bool, WorkflowError> {
    if comment.state.standing == Standing::Deleted {
        return Ok(false);
    }
    let id = derive_id(&comment.id.to_string(), "delete with its writer");
    let command = CommentCommand::Delete { by: Remover::Author { account }, at: meta.at };
    send(cx, Envelope::new(id, comment.id, command, meta.clone())).await
}

async fn send(cx: &Services, envelope: Envelope<CommentCommand>) -> Result<bool, WorkflowError> {
    match cx.bus.dispatch::<Comment>(envelope).await {
        Ok(receipt) => Ok(receipt.position > 0),
        Err(CommandError::Refused(CommentError::Deleted)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
