//! Where every account, subscription, order, request and work stands now, one row each, so that
//! the studio's figures can be counted without reading the log.

use super::{InMemory, Projection, ProjectionError, QueryError, Reader, movements};
use crate::domain::account::AccountEvent;
use crate::domain::comment::CommentEvent;
use crate::domain::deletion_request::DeletionEvent;
use crate::domain::order::OrderEvent;
use crate::domain::shared::{Currency, Money};
use crate::domain::subscription::{PauseOver, SubscriptionEvent};
use crate::metrics::Metrics;
use crate::store::event::category_of;
use crate::store::{RecordedEvent, Transaction};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;

/// The table of where everything stands.
pub struct Figures;

#[async_trait]
impl Projection for Figures {
    fn name(&self) -> &'static str {
        "figures"
    }

    fn version(&self) -> i32 {
        6
    }

    fn tables(&self) -> &'static [&'static str] {
        &["figures_subjects"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists figures_subjects (
            stream text primary key,
            category text not null,
            state text not null,
            label text not null default '',
            flag boolean not null default false,
            due timestamptz
        );
        create index if not exists figures_subjects_by_category on figures_subjects (category, state);"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        self.apply_page(tx, std::slice::from_ref(event)).await
    }

    async fn apply_page(
        &self,
        tx: &Transaction<'_>,
        events: &[RecordedEvent],
    ) -> Result<(), ProjectionError> {
        let mut rows = Rows::default();
        events.iter().try_for_each(|event| rows.fold(event))?;
        rows.write(tx).await
    }

    fn in_memory(&self) -> Option<Box<dyn InMemory>> {
        Some(Box::new(Rows::default()))
    }
}

/// What some events together change, by stream.
#[derive(Default)]
struct Rows(BTreeMap<String, Change>);

/// Rows of one statement.
const AT_ONCE: usize = 5000;

#[async_trait]
impl InMemory for Rows {
    fn fold(&mut self, event: &RecordedEvent) -> Result<(), ProjectionError> {
        let change = if let Some(event) = event.decode::<AccountEvent>()? {
            account(&event)
        } else if let Some(event) = event.decode::<SubscriptionEvent>()? {
            subscription(&event)
        } else if let Some(event) = event.decode::<OrderEvent>()? {
            order(&event)
        } else if let Some(event) = event.decode::<DeletionEvent>()? {
            request(&event)
        } else if let Some(event) = event.decode::<CommentEvent>()? {
            comment(&event)
        } else {
            work(event)
        };
        if let Some(change) = change {
            self.0.entry(event.stream_id.clone()).or_default().then(change);
        }
        Ok(())
    }

    async fn write(&self, tx: &Transaction<'_>) -> Result<(), ProjectionError> {
        let all: Vec<(&String, &Change)> = self.0.iter().collect();
        for part in all.chunks(AT_ONCE) {
            let streams: Vec<&str> = part.iter().map(|(s, _)| s.as_str()).collect();
            let categories: Vec<&str> = streams.iter().map(|s| category_of(s)).collect();
            tx.execute(
                "insert into figures_subjects (stream, category, state)
                 select *, '' from unnest($1::text[], $2::text[]) on conflict (stream) do nothing",
                &[&streams, &categories],
            )
            .await?;
            let states: Vec<Option<&str>> = part.iter().map(|(_, c)| c.state).collect();
            let labels: Vec<Option<&str>> = part.iter().map(|(_, c)| c.label.as_deref()).collect();
            let flags: Vec<Option<bool>> = part.iter().map(|(_, c)| c.flag).collect();
            let due: Vec<Option<DateTime<Utc>>> = part.iter().map(|(_, c)| c.due.flatten()).collect();
            let is_due: Vec<bool> = part.iter().map(|(_, c)| c.due.is_some()).collect();
            tx.execute(
                "update figures_subjects f
                 set state = coalesce(n.state, f.state), label = coalesce(n.label, f.label),
                     flag = coalesce(n.flag, f.flag),
                     due = case when n.is_due then n.due else f.due end
                 from unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::timestamptz[], $6::boolean[])
                      as n(stream, state, label, flag, due, is_due)
                 where f.stream = n.stream",
                &[&streams, &states, &labels, &flags, &due, &is_due],
            )
            .await?;
        }
        Ok(())
    }
}

/// What an event changes; `None` leaves a column as it is.
#[derive(Default)]
struct Change {
    state: Option<&'static str>,
    label: Option<String>,
    flag: Option<bool>,
    /// When the clock has to act next; `Some(None)` when it is somebody else's turn.
    due: Option<Option<DateTime<Utc>>>,
}

impl Change {
    /// This, and then `later`.
    fn then(&mut self, later: Self) {
        self.state = later.state.or(self.state);
        self.label = later.label.or_else(|| self.label.take());
        self.flag = later.flag.or(self.flag);
        self.due = later.due.or(self.due);
    }

    fn state(state: &'static str) -> Option<Self> {
        Some(Self { state: Some(state), ..Self::default() })
    }

    fn flag(flag: bool) -> Option<Self> {
        Some(Self { flag: Some(flag), ..Self::default() })
    }

    fn due(due: Option<DateTime<Utc>>) -> Option<Self> {
        Some(Self { due: Some(due), ..Self::default() })
    }
}

/// The flag of an account says that it has complimentary access.
fn account(event: &AccountEvent) -> Option<Change> {
    match event {
        AccountEvent::AccountRegistered { .. }
        | AccountEvent::AccountReinstated { .. }
        | AccountEvent::AccountRestored { .. } => Change::state("active"),
        AccountEvent::AccountSuspended { .. } | AccountEvent::AccountMerged { .. } => {
            Change::state("suspended")
        }
        AccountEvent::AccountHidden { .. } => Change::state("hidden"),
        AccountEvent::AccountErased { .. } => {
            Some(Change { state: Some("erased"), flag: Some(false), ..Change::default() })
        }
        AccountEvent::ComplimentaryAccessGranted { .. } => Change::flag(true),
        AccountEvent::ComplimentaryAccessEnded { .. } => Change::flag(false),
        _ => None,
    }
}

fn subscription(event: &SubscriptionEvent) -> Option<Change> {
    let ended = |state| Some(Change { state: Some(state), due: Some(None), ..Change::default() });
    match event {
        SubscriptionEvent::SubscriptionJoined { terms, .. } => {
            Some(Change { state: Some("on-hold"), label: Some(terms.plan_name.clone()), ..Change::default() })
        }
        // It may have been cancelled while its charge was under way.
        SubscriptionEvent::SubscriptionRenewed { paid_until, .. }
        | SubscriptionEvent::PeriodWaived { paid_until, restarts: false, .. } => {
            Change::due(Some(*paid_until))
        }
        SubscriptionEvent::SubscriptionActivated { paid_until, .. }
        | SubscriptionEvent::SubscriptionResumed { paid_until, .. }
        | SubscriptionEvent::PeriodWaived { paid_until, .. } => {
            Some(Change { state: Some("active"), due: Some(Some(*paid_until)), ..Change::default() })
        }
        SubscriptionEvent::TrialStarted { access_until, .. } => {
            Some(Change { state: Some("active"), due: Some(Some(*access_until)), ..Change::default() })
        }
        SubscriptionEvent::SubscriptionPaused { .. } => {
            Some(Change { state: Some("paused"), due: Some(None), ..Change::default() })
        }
        SubscriptionEvent::PauseEnded(PauseOver { paid_until, .. }) => {
            Some(Change { state: Some("active"), due: Some(Some(*paid_until)), ..Change::default() })
        }
        SubscriptionEvent::PlanChanged { begins_on: Some(_), paid_until, .. } => {
            Change::due(Some(*paid_until))
        }
        SubscriptionEvent::PlanBegan { terms, .. } => {
            Some(Change { label: Some(terms.plan_name.clone()), ..Change::default() })
        }
        SubscriptionEvent::PlanChanged { terms, paid_until, .. } => Some(Change {
            label: Some(terms.plan_name.clone()),
            due: Some(Some(*paid_until)),
            ..Change::default()
        }),
        SubscriptionEvent::PaidTimeExtended { paid_until, .. }
        | SubscriptionEvent::GivenDaysTakenBack { paid_until, .. } => Change::due(Some(*paid_until)),
        // From here it is the member's turn, or the next attempt's.
        SubscriptionEvent::RenewalOrderRequested { pay_by, due_at, .. } => {
            Change::due(Some(pay_by.unwrap_or(*due_at)))
        }
        SubscriptionEvent::ChargeRequested { .. } | SubscriptionEvent::SubscriptionParked { .. } => {
            Change::due(None)
        }
        SubscriptionEvent::RenewalPaymentFailed { retry_at, .. } => Change::due(*retry_at),
        SubscriptionEvent::SubscriptionPutOnHold { .. } => ended("on-hold"),
        SubscriptionEvent::CancellationScheduled { ends_at, .. } => Some(Change {
            state: Some("pending-cancellation"),
            due: Some(Some(*ends_at)),
            ..Change::default()
        }),
        SubscriptionEvent::CancellationUndone { .. } => Change::state("active"),
        SubscriptionEvent::SubscriptionCancelled { .. } => ended("cancelled"),
        SubscriptionEvent::SubscriptionExpired { .. } => ended("expired"),
        _ => None,
    }
}

fn order(event: &OrderEvent) -> Option<Change> {
    match event {
        OrderEvent::OrderPlaced { .. } => Change::state("open"),
        OrderEvent::OrderPaid { .. } => Change::state("paid"),
        OrderEvent::OrderFulfilled { .. } => Change::state("fulfilled"),
        OrderEvent::OrderRefunded { .. } => Change::state("refunded"),
        OrderEvent::OrderFailed { .. } => Change::state("failed"),
        OrderEvent::OrderCancelled { .. } => Change::state("cancelled"),
        _ => None,
    }
}

fn request(event: &DeletionEvent) -> Option<Change> {
    match event {
        DeletionEvent::DeletionRequested { .. } => Change::state("waiting"),
        DeletionEvent::DeletionWithdrawn { .. } => Change::state("withdrawn"),
        DeletionEvent::DeletionBlocked { .. } => Change::state("blocked"),
        DeletionEvent::ErasureStarted { .. } => Change::state("erasing"),
        DeletionEvent::ErasureStepDone { .. } => None,
        DeletionEvent::ErasureCompleted { .. } => Change::state("erased"),
    }
}

fn comment(event: &CommentEvent) -> Option<Change> {
    match event {
        CommentEvent::CommentWritten { .. } | CommentEvent::CommentKept { .. } => Change::state("shown"),
        CommentEvent::CommentHidden { .. } => Change::state("hidden"),
        CommentEvent::CommentDeleted { .. } => Change::state("deleted"),
        CommentEvent::CommentEdited { .. }
        | CommentEvent::CommentDetached { .. }
        | CommentEvent::CommentReported { .. }
        | CommentEvent::CommentPinned { .. }
        | CommentEvent::CommentUnpinned { .. } => None,
    }
}

/// Media, films, courses and posts: the flag says that it is published. Their events share the
/// last word of their names.
fn work(event: &RecordedEvent) -> Option<Change> {
    if !matches!(event.category(), "media" | "film" | "course" | "post") {
        return None;
    }
    match event.kind.as_str() {
        "MediaProbed" => {
            let kind = event.payload.pointer("/data/kind").or_else(|| event.payload.get("kind"))?.as_str()?;
            Some(Change { label: Some(kind.to_owned()), ..Change::default() })
        }
        kind if kind.ends_with("Unpublished") => Change::flag(false),
        kind if kind.ends_with("Removed") && event.kind.len() <= "CourseRemoved".len() => {
            Some(Change { state: Some("removed"), flag: Some(false), ..Change::default() })
        }
        kind if kind.ends_with("Published") => Change::flag(true),
        _ if event.version == 1 => Change::state("known"),
        _ => None,
    }
}

/// All figures at `at`, for the hourly sample. Money is in minor units.
///
/// # Errors
/// If the database cannot be read.
pub async fn all(reader: &Reader, at: DateTime<Utc>) -> Result<BTreeMap<String, i64>, QueryError> {
    let client = reader.client().await?;
    let mut figures: BTreeMap<String, i64> = [
        "accounts",
        "accounts.complimentary",
        "films",
        "courses",
        "posts",
        "comments",
        "subscribers",
        "orders.paid",
        "subscriptions.ended_in_30_days",
    ]
    .into_iter()
    .map(|name| (name.to_owned(), 0))
    .collect();
    let sql = "select category, state, label, flag, count(*) from figures_subjects group by category, state, label, flag";
    for row in client.query(sql, &[]).await? {
        let (category, state, label): (&str, &str, &str) = (row.get(0), row.get(1), row.get(2));
        let (flag, count): (bool, i64) = (row.get(3), row.get(4));
        let mut add = |name: String, count: i64| *figures.entry(name).or_default() += count;
        match (category, state) {
            ("account", "active" | "suspended" | "hidden") => {
                add("accounts".into(), count);
                if flag {
                    add("accounts.complimentary".into(), count);
                }
            }
            ("subscription", "active" | "pending-cancellation") => {
                add("subscribers".into(), count);
                add(format!("subscribers.{label}"), count);
            }
            ("order", state) => add(format!("orders.{state}"), count),
            ("media", state) if flag && state != "removed" => add(format!("media.{label}"), count),
            ("film", _) if flag => add("films".into(), count),
            ("course", _) if flag => add("courses".into(), count),
            ("post", _) if flag => add("posts".into(), count),
            ("comment", "shown") => add("comments".into(), count),
            _ => {}
        }
    }
    for money in movements::monthly_recurring_revenue(reader).await? {
        figures.insert(format!("mrr.{}", money.currency.code()), money.minor);
    }
    let ended = "select count(*) from public.events where log_id = 1
        and type in ('SubscriptionCancelled', 'SubscriptionExpired') and effective_at > $1 and effective_at <= $2";
    let row = client.query_one(ended, &[&(at - TimeDelta::days(30)), &at]).await?;
    figures.insert("subscriptions.ended_in_30_days".into(), row.get(0));
    Ok(figures)
}

/// Sets the gauges that count what is. `now` is the instance's clock.
///
/// # Errors
/// If the database cannot be read.
pub async fn sample(reader: &Reader, now: DateTime<Utc>, metrics: &Metrics) -> Result<(), QueryError> {
    let client = reader.client().await?;
    let sql = "select category, state, label, count(*) from figures_subjects group by category, state, label";
    let rows = client.query(sql, &[]).await?;
    let overdue = "select count(*) from figures_subjects
        where category = 'subscription' and state in ('active', 'pending-cancellation') and due < $1";
    let orders = super::orders::by_status(reader).await?;
    let overdue: i64 = client.query_one(overdue, &[&(now - TimeDelta::hours(2))]).await?.get(0);
    // A group that is empty now has no row, so what was set before is cleared first.
    let billing = &metrics.billing;
    for gauges in [
        &billing.subscriptions,
        &billing.paused,
        &billing.orders,
        &metrics.runtime.accounts,
        &metrics.runtime.deletion_requests,
    ] {
        gauges.reset();
    }
    for state in ["created", "soft-failed", "failed", "paid", "fulfilled", "refunded", "cancelled"] {
        billing.orders.with_label_values(&[state]).set(0);
    }
    for (status, count) in orders {
        billing.orders.with_label_values(&[&status]).set(count);
    }
    for state in ["active", "suspended", "hidden", "erased"] {
        metrics.runtime.accounts.with_label_values(&[state]).set(0);
    }
    for state in ["waiting", "blocked", "erasing", "erased", "withdrawn"] {
        metrics.runtime.deletion_requests.with_label_values(&[state]).set(0);
    }
    for row in rows {
        let (category, state, label): (&str, &str, &str) = (row.get(0), row.get(1), row.get(2));
        let count: i64 = row.get(3);
        match category {
            "subscription" => {
                // A pause is a flag with dates on an active subscription, no status of its own.
                let status = if state == "paused" { "active" } else { state };
                billing.subscriptions.with_label_values(&[status, label]).add(count);
                if state == "paused" {
                    billing.paused.with_label_values(&[label]).add(count);
                }
            }
            "account" => metrics.runtime.accounts.with_label_values(&[state]).add(count),
            "deletion_request" => metrics.runtime.deletion_requests.with_label_values(&[state]).add(count),
            _ => {}
        }
    }
    // Known from the first scrape on, also before anybody has joined.
    let mut recurring = movements::monthly_recurring_revenue(reader).await?;
    if recurring.iter().all(|money| money.currency != Currency::eur()) {
        recurring.push(Money::new(0, Currency::eur()));
    }
    for money in recurring {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a gauge is a float; 2^53 cents is more money than there is"
        )]
        let units = money.minor as f64 / 10_f64.powi(i32::try_from(money.currency.exponent()).unwrap_or(2));
        billing.mrr.with_label_values(&[money.currency.code()]).set(units);
    }
    billing.overdue.set(overdue);
    Ok(())
}
