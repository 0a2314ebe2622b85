//! Whose clock the times in words go by: that of the studio while one of its pages is made, else UTC. Each is written
//! with the name of what the clock shows, so that neither is mistaken for the other.

use crate::domain::shared::calendar::Zone;
use std::future::Future;

tokio::task_local! {
    static ZONE: Option<Zone>;
}

/// Makes something whose days and times are those of `zone`, as in mails and on invoices.
pub async fn in_zone<F: Future>(zone: Option<Zone>, made: F) -> F::Output {
    ZONE.scope(zone, made).await
}

/// Where the studio is, within [`in_zone`]; else UTC.
#[must_use]
pub fn zone() -> Zone {
    ZONE.try_with(|zone| *zone).ok().flatten().unwrap_or(Zone::utc())
}
