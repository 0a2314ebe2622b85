//! What the hash chain does not reach: events at places that no reader comes to and every aggregate folds, and receipts
//! that say a command was executed, or hide that it was.

use super::{Client, StoreError, Transaction};

/// Asked in order: a position, and what is wrong there.
const STRAYS: [(&str, &str); 4] = [
    (
        "select min(position) from events where log_id = 1 and position < 1",
        "an event stands before the first position",
    ),
    (
        "select min(position) from events
         where log_id = 1 and position > (select position from log_head where log_id = 1)",
        "an event stands behind the head of the log",
    ),
    (
        "select min(r.position) from command_receipts r where r.log_id = 1 and not exists (
             select from events e where e.log_id = 1 and e.position = r.position and e.command_id = r.command_id
                 and e.stream_id = r.stream_id and e.version = r.version)",
        "the receipt of a command names an event here that is not the command's",
    ),
    (
        "select min(e.position) from events e where e.log_id = 1 and not exists (
             select from command_receipts r where r.log_id = 1 and r.command_id = e.command_id)",
        "the receipt of the command that wrote this event is missing: it could be executed once more",
    ),
];

/// The first of them, if there is one.
///
/// # Errors
/// If the database cannot be read.
pub(super) async fn find(client: &mut Client) -> Result<Option<(i64, &'static str)>, StoreError> {
    let tx = Transaction::of_one_moment(client).await?;
    // The whole log is read.
    tx.batch_execute("set local statement_timeout = 0").await?;
    for (sql, words) in STRAYS {
        if let Some(position) = tx.query_one(sql, &[]).await?.get::<_, Option<i64>>(0) {
            return Ok(Some((position, words)));
        }
    }
    tx.rollback().await?;
    Ok(None)
}
