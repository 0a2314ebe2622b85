//! `clear-sessions`: removes what is over: sessions, links of mails, expired tokens, failed attempts, kept answers, old mail rows.

use super::{Counts, Job, JobError, Run};
use crate::actors::accounts::{
    access_tokens, challenge, devices, limits, passkeys, service_flow, sessions, shown_once, tokens,
};
use crate::actors::{download_counts, idempotency, mailer, services::Services, uploads, visits, webhooks};
use crate::domain::clock::Schedule;
use async_trait::async_trait;

/// The job.
pub struct ClearSessions;

#[async_trait]
impl Job for ClearSessions {
    fn name(&self) -> &'static str {
        "clear-sessions"
    }

    fn schedule(&self) -> Schedule {
        Schedule::daily(5)
    }

    async fn run(&self, run: &Run, cx: &Services) -> Result<Counts, JobError> {
        let removed = [
            ("sessions", sessions::clear(cx, run.at).await?),
            ("devices", devices::clear(cx, run.at).await?),
            ("links", tokens::clear(cx, run.at).await?),
            ("tokens", access_tokens::clear(cx, run.at).await?),
            ("secrets that nobody looked at", shown_once::clear(cx, run.at).await?),
            ("answers", idempotency::clear(cx, run.at).await?),
            ("attempts", limits::clear(cx, run.at).await?),
            ("challenges", challenge::clear(cx).await?),
            ("answers of the sign-in service", service_flow::clear(cx, run.at).await?),
            ("passkey challenges", passkeys::clear(cx, run.at).await?),
            ("webhooks", webhooks::clear(cx, run.at).await?),
            ("mails", mailer::clear(cx, run.at).await?),
            ("counts of downloads", download_counts::clear(cx, run.at).await?),
            ("visits of people without an account", visits::clear(cx, run.at).await?),
            (
                "uploads",
                uploads::remove_expired(cx, run.at).await.map_err(|e| JobError::Failed(e.to_string()))?,
            ),
            ("fetches", uploads::fetches::forget_old(cx).await?),
        ];
        Ok(removed
            .into_iter()
            .map(|(what, n)| (what.to_owned(), i64::try_from(n).unwrap_or(i64::MAX)))
            .collect())
    }
}
