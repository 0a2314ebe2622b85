//! After two accounts of one person were made one: what belonged to the closed one goes to the kept one. Each step
//! bears repetition.

use super::{Workflow, WorkflowError, caught_up};
use crate::actors::bus::Envelope;
use crate::actors::mailer;
use crate::actors::services::Services;
use crate::domain::account::{Account, AccountCommand, AccountEvent, By, Complimentary, Why};
use crate::domain::credit::{Credit, CreditCommand};
use crate::domain::gift::{Gift, GiftCommand};
use crate::domain::shared::AccountId;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::domain::subscription::{Subscription, SubscriptionCommand};
use crate::emails::MailKind;
use crate::projections::{gifts, subscriptions};
use crate::store::repository::EventRepository;
use crate::store::{RecordedEvent, StoreError};
use async_trait::async_trait;
use chrono::{DateTime, Utc};

/// The workflow.
pub struct Merges;

const NAME: &str = "merges";

#[async_trait]
impl Workflow for Merges {
    fn name(&self) -> &'static str {
        NAME
    }

    fn follows(&self) -> &'static [&'static str] {
        &[AccountEvent::CATEGORY]
    }

    async fn handle(&self, event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
        let Some(AccountEvent::AccountMerged { at, into, .. }) = event.decode::<AccountEvent>()? else {
            return Ok(());
        };
        let from = event.stream_uuid();
        // Lists must know everything that the account had when it was closed.
        caught_up(event, cx, &["subscriptions", "gifts"]).await?;
        send(event, cx, into, "take over", AccountCommand::TakeOver { at, from }).await?;
        for row in subscriptions::of_account(&cx.reader, from).await? {
            let (id, meta) = cx.follow(event, NAME, &format!("move {}", row.id));
            let command = SubscriptionCommand::MoveTo { to: into };
            let sent = cx.bus.dispatch::<Subscription>(Envelope::new(id, row.id, command, meta)).await;
            sent.map_err(WorkflowError::from)?;
        }
        // After the subscriptions: a gift may have waited for one of them.
        for gift in gifts::of_account(&cx.reader, from).await? {
            let (id, meta) = cx.follow(event, NAME, &format!("gift {}", gift.id()));
            let command = GiftCommand::MoveTo { from, to: into, at };
            let sent = cx.bus.dispatch::<Gift>(Envelope::new(id, gift.id(), command, meta)).await;
            sent.map_err(WorkflowError::from)?;
        }
        let (id, meta) = cx.follow(event, NAME, "credit");
        let command = CreditCommand::MoveTo { to: into, at };
        let sent = cx.bus.dispatch::<Credit>(Envelope::new(id, from, command, meta)).await;
        sent.map_err(WorkflowError::from)?;
        complimentary(event, cx, (from, into), at).await?;
        measurements(cx, from, into).await?;
        let (id, _) = cx.follow(event, NAME, "mail");
        mailer::enqueue(cx, id, into, MailKind::AccountsMerged, cx.clock.now()).await?;
        Ok(())
    }
}

async fn send(
    event: &RecordedEvent,
    cx: &Services,
    account: AccountId,
    purpose: &str,
    command: AccountCommand,
) -> Result<(), WorkflowError> {
    let (id, meta) = cx.follow(event, NAME, purpose);
    let sent = cx.bus.dispatch::<Account>(Envelope::new(id, account, command, meta)).await;
    sent.map(drop).map_err(WorkflowError::from)
}

/// Access that was given away goes over, as long as the longer of both.
async fn complimentary(
    event: &RecordedEvent,
    cx: &Services,
    (from, into): (AccountId, AccountId),
    at: DateTime<Utc>,
) -> Result<(), WorkflowError> {
    let repository = EventRepository::<Account>::new(cx.pool.clone(), cx.journal.clone());
    let given = async |id| -> Result<Option<Complimentary>, StoreError> {
        Ok(repository.load(id).await?.state.complimentary.filter(|c| c.holds_at(at)))
    };
    let Some(mine) = given(from).await? else { return Ok(()) };
    let longer = match given(into).await? {
        Some(theirs) => match (mine.until, theirs.until) {
            (Some(a), Some(b)) => Some(a.max(b)),
            _ => None,
        },
        None => mine.until,
    };
    let (by, why) = (By::System(NAME.into()), Why::Code("accounts-merged".into()));
    let grant = AccountCommand::GrantComplimentary { at, until: longer, by: by.clone(), why: why.clone() };
    send(event, cx, into, "grant", grant).await?;
    send(event, cx, from, "end", AccountCommand::EndComplimentary { at, by, why }).await
}

/// Progress, likes and what is saved; where both have something of the same, the further one counts.
async fn measurements(cx: &Services, from: AccountId, into: AccountId) -> Result<(), WorkflowError> {
    let mut client = cx.pool.get().await.map_err(StoreError::from)?;
    let tx = client.transaction().await?;
    let sql = "insert into public.watch_progress as w (account, item, course, at_s, length_s, started_at, finished_at, seen_at)
        select $2, item, course, at_s, length_s, started_at, finished_at, seen_at
        from public.watch_progress where account = $1
        on conflict (account, item) do update set at_s = excluded.at_s, length_s = excluded.length_s,
            finished_at = coalesce(w.finished_at, excluded.finished_at),
            seen_at = greatest(w.seen_at, excluded.seen_at)
        where excluded.at_s > w.at_s";
    tx.execute(sql, &[&from, &into]).await?;
    let sql = "insert into public.marks (account, mark, kind, item, at)
        select $2, mark, kind, item, at from public.marks where account = $1 on conflict do nothing";
    tx.execute(sql, &[&from, &into]).await?;
    for table in ["watch_progress", "marks"] {
        tx.execute(&format!("delete from public.{table} where account = $1"), &[&from]).await?;
    }
    tx.commit().await?;
    Ok(())
}
