//! Hears what other processes wrote and erased, and follows the instance's clock.

use super::services::Services;
use super::supervisor::{Desk, LoopError};
use crate::store::log;
use crate::store::opened::{NOTICES, Opened};
use crate::store::pool::Database;
use futures_util::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::AsyncMessage;

const POLL: Duration = Duration::from_millis(500);

/// The working loop: LISTEN on a connection of its own, and a look at the head twice a second in
/// case a notification is lost.
///
/// # Errors
/// If the connection breaks; the supervisor starts the loop again.
pub async fn run(database: Database, cx: Services, desk: Desk) -> Result<(), LoopError> {
    let (client, mut connection) = database.app.open().await?;
    let journal = cx.journal.clone();
    let opened = Deaf(cx.vault.opened());
    let forgets = cx.vault.opened();
    let heard = tokio::spawn(async move {
        while let Some(message) = poll_fn(|task| connection.poll_message(task)).await {
            match message {
                Ok(AsyncMessage::Notification(note)) => {
                    if note.channel() == NOTICES {
                        forgets.forget(note.payload().parse().ok());
                    } else if let Ok(position) = note.payload().parse() {
                        journal.announce(position);
                    }
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
    });
    client.batch_execute(&format!("listen kinora_events; listen {NOTICES}")).await?;
    while !desk.stopping() && !heard.is_finished() {
        let seen = log::head(&client).await?;
        if seen > *cx.journal.head().borrow() {
            // Whoever is told of a position may act on it outside the database.
            log::settle(&client).await?;
        }
        cx.journal.announce(seen);
        // Notices come over the same connection, in front of the answer.
        opened.0.hears();
        if !cx.config.is_production() {
            let ahead: i64 = client.query_one("select ahead_us from instance_clock", &[]).await?.get(0);
            cx.clock.follow(ahead);
        }
        desk.succeeded();
        desk.pause(POLL).await;
    }
    if desk.stopping() { Ok(()) } else { Err("the listening connection was lost".into()) }
}

/// However the loop ends, nothing is remembered from then on.
struct Deaf(Arc<Opened>);

impl Drop for Deaf {
    fn drop(&mut self) {
        self.0.is_deaf();
    }
}
