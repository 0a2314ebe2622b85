//! One row for each subscription: the staff's list, the member's page, the clock's due index and
//! what the access rule asks for. The row is folded by the aggregate's own `apply`, so that a list
//! can never say anything else than the aggregate.

pub use super::subscription_lists::{Filter, SORTS, after, cancel_reasons, list, overdue, sorted};
use super::{Projection, ProjectionError, QueryError, Reader};
use crate::domain::access::Membership;
use crate::domain::shared::tax::Country;
use crate::domain::shared::vat_number::VatCheck;
use crate::domain::shared::{AccountId, Money};
use crate::domain::subscription::{Status, Subscription, SubscriptionEvent};
use crate::store::{RecordedEvent, StoreError, Transaction};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

/// The projection.
pub struct Subscriptions;

#[async_trait]
impl Projection for Subscriptions {
    fn name(&self) -> &'static str {
        "subscriptions"
    }

    fn version(&self) -> i32 {
        13
    }

    fn streams_apart(&self) -> bool {
        true
    }

    fn tables(&self) -> &'static [&'static str] {
        &["subscriptions"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists subscriptions (
            subscription uuid primary key,
            owner        uuid not null,
            status       text not null,
            plan_name    text not null,
            interval     text not null,
            collection   text not null,
            price_minor  bigint not null,
            currency     text not null,
            joined_at    timestamptz not null,
            paid_until   timestamptz,
            look_at      timestamptz,
            open_order   uuid,
            failing      boolean not null default false,
            parked       boolean not null default false,
            ended_at     timestamptz,
            state        json not null,
            paused       boolean not null default false,
            vat_ask_from timestamptz,
            vat_pending  boolean not null default false,
            cancel_reason text
        );
        create index if not exists subscriptions_by_owner on subscriptions (owner);
        create index if not exists subscriptions_by_look_at on subscriptions (look_at) where look_at is not null;
        create index if not exists subscriptions_by_joined on subscriptions (joined_at desc, subscription);"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        let Some(decoded) = event.decode::<SubscriptionEvent>()? else { return Ok(()) };
        let id = event.stream_uuid();
        let row = tx.query_opt("select state from subscriptions where subscription = $1", &[&id]).await?;
        let mut state: Subscription = match row {
            Some(row) => serde_json::from_value(row.get(0))?,
            None => Subscription::default(),
        };
        let joined_at = match &decoded {
            SubscriptionEvent::SubscriptionJoined { at, .. } => *at,
            _ => event.effective_at,
        };
        let ended_at = match &decoded {
            SubscriptionEvent::SubscriptionCancelled { ended_at, .. }
            | SubscriptionEvent::SubscriptionExpired { ended_at, .. } => Some(*ended_at),
            _ => None,
        };
        let withdrawn = matches!(decoded, SubscriptionEvent::WithdrawalDeclared(_));
        state.apply(decoded);
        let (Some(status), Some(terms)) = (state.status(), state.terms()) else { return Ok(()) };
        let status: &'static str = status.into();
        let collection: &'static str = terms.collection.into();
        let open = state.open_order();
        tx.execute(
            "insert into subscriptions (subscription, owner, status, plan_name, interval, collection, price_minor,
                 currency, joined_at, paid_until, look_at, open_order, failing, parked, ended_at, state, paused,
                 vat_ask_from, vat_pending, cancel_reason)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
             on conflict (subscription) do update set owner = excluded.owner, status = excluded.status, plan_name = excluded.plan_name,
                 interval = excluded.interval, collection = excluded.collection,
                 currency = excluded.currency, paid_until = excluded.paid_until, look_at = excluded.look_at,
                 open_order = excluded.open_order, failing = excluded.failing, parked = excluded.parked,
                 ended_at = coalesce(excluded.ended_at, subscriptions.ended_at), state = excluded.state,
                 price_minor = excluded.price_minor, paused = excluded.paused,
                 vat_ask_from = excluded.vat_ask_from, vat_pending = excluded.vat_pending,
                 cancel_reason = case when subscriptions.cancel_reason = 'withdrawn' then 'withdrawn' else excluded.cancel_reason end",
            &[
                &id,
                &state.owner(),
                &status,
                &terms.plan_name,
                &terms.interval.adjective(),
                &collection,
                &terms.price.minor,
                &terms.price.currency.code(),
                &joined_at,
                &state.paid_up_to(),
                &state.look_at(),
                &open.map(|o| o.order),
                &open.is_some_and(|o| o.failures > 0),
                &state.is_parked(),
                &ended_at,
                &serde_json::to_value(&state)?,
                &state.is_paused(),
                &state.ask_register_from(),
                &state.vat_check().is_some_and(|(check, _)| *check == VatCheck::Pending),
                &withdrawn.then_some("withdrawn").or_else(|| state.cancel_reason().map(<&'static str>::from)),
            ],
        )
        .await?;
        Ok(())
    }
}

/// A subscription as lists and pages show it.
#[derive(Clone, Debug)]
pub struct SubscriptionRow {
    /// Its id.
    pub id: Uuid,
    /// Who owns it.
    pub owner: AccountId,
    /// Where it stands.
    pub status: Status,
    /// When it was joined.
    pub joined_at: DateTime<Utc>,
    /// When it ended, if it has.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why it was cancelled: a code, or `withdrawn` for going back on the contract; none if nothing was said.
    pub cancel_reason: Option<String>,
    /// Everything else.
    pub state: Subscription,
}

impl SubscriptionRow {
    /// "Studio, monthly".
    #[must_use]
    pub fn plan(&self) -> String {
        self.state.terms().map(|t| format!("{}, {}", t.plan_name, t.interval.adjective())).unwrap_or_default()
    }

    /// The price of one period.
    #[must_use]
    pub fn price(&self) -> Option<Money> {
        self.state.terms().map(|t| t.price)
    }
}

pub(super) const COLUMNS: &str = "subscription, joined_at, ended_at, state, cancel_reason";

pub(super) fn read(row: &Row) -> Result<SubscriptionRow, QueryError> {
    let state: Subscription = serde_json::from_value(row.get(3))
        .map_err(|e| StoreError::Unreadable(format!("a subscription's row cannot be read: {e}")))?;
    Ok(SubscriptionRow {
        id: row.get(0),
        owner: state.owner(),
        status: state.status().unwrap_or(Status::OnHold),
        joined_at: row.get(1),
        ended_at: row.get(2),
        cancel_reason: row.get(4),
        state,
    })
}

/// One subscription.
///
/// # Errors
/// If the database cannot be read.
pub async fn one(r: &Reader, id: Uuid) -> Result<Option<SubscriptionRow>, QueryError> {
    let sql = format!("select {COLUMNS} from subscriptions where subscription = $1");
    r.client().await?.query_opt(&sql, &[&id]).await?.as_ref().map(read).transpose()
}

/// All subscriptions of an account, the newest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn of_account(r: &Reader, account: AccountId) -> Result<Vec<SubscriptionRow>, QueryError> {
    let sql =
        format!("select {COLUMNS} from subscriptions where owner = $1 order by joined_at desc, subscription");
    r.client().await?.query(&sql, &[&account]).await?.iter().map(read).collect()
}

/// What an account's subscriptions and seats in teams give it, for the access rule.
///
/// # Errors
/// If the database cannot be read.
pub async fn memberships(r: &Reader, account: AccountId) -> Result<Vec<Membership>, QueryError> {
    let rows = r
        .client()
        .await?
        .query(
            "select status, open_order, paused, false from (select * from subscriptions
                 where owner = $1 and status in ('active', 'pending-cancellation', 'on-hold') order by joined_at desc) own
             union all
             select s.status, null, s.paused, true from team_seats t join subscriptions s on s.subscription = t.team
                 where t.holder = $1 and s.status not in ('cancelled', 'expired')",
            &[&account],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| {
            let (status, paused, seat): (&str, bool, bool) = (row.get(0), row.get(2), row.get(3));
            let gives = matches!(status, "active" | "pending-cancellation") && !paused;
            match (gives, seat) {
                (true, _) => Membership::Giving,
                (false, true) => Membership::SeatWithoutAccess,
                (false, false) if paused => Membership::Paused,
                (false, false) => Membership::OnHold { order: row.get(1) },
            }
        })
        .collect())
}

/// Whether an account has a subscription that is neither cancelled nor expired: then its deletion
/// is blocked and it cannot join again.
///
/// # Errors
/// If the database cannot be read.
pub async fn has_live(r: &Reader, account: AccountId) -> Result<bool, QueryError> {
    let sql = "select exists (select from subscriptions where owner = $1 and status not in ('cancelled', 'expired'))";
    Ok(r.client().await?.query_one(sql, &[&account]).await?.get(0))
}

/// Ids of the subscriptions that a tick at `at` has to look at, after `last` in the order of ids.
///
/// # Errors
/// If the database cannot be read.
pub async fn due(r: &Reader, at: DateTime<Utc>, last: Uuid, limit: i64) -> Result<Vec<Uuid>, QueryError> {
    let sql = "select subscription from subscriptions where look_at <= $1 and subscription > $2
        order by subscription limit $3";
    Ok(r.client().await?.query(sql, &[&at, &last, &limit]).await?.iter().map(|row| row.get(0)).collect())
}

/// Those that have a price, or will have it by a change of plan, and have not ended.
///
/// # Errors
/// If the database cannot be read.
pub async fn with_price(r: &Reader, variation: Uuid) -> Result<Vec<Uuid>, QueryError> {
    let sql = "select subscription from subscriptions where status not in ('cancelled', 'expired')
        and $1::text in (state #>> '{terms,variation}', state #>> '{planned,variation}') order by subscription";
    let rows = r.client().await?.query(sql, &[&variation.to_string()]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Those that have not ended whose buyers gave a VAT number and a billing address in `country`.
///
/// # Errors
/// If the database cannot be read.
pub async fn businesses_in(r: &Reader, country: Country) -> Result<Vec<Uuid>, QueryError> {
    let sql = "select subscription from subscriptions where status not in ('cancelled', 'expired')
        and state->>'country' = $1 and state->>'vat_number' is not null order by subscription";
    let rows = r.client().await?.query(sql, &[&country.code()]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Those for whose VAT number the register is to be asked by `at`, after `last` in the order of ids.
///
/// # Errors
/// If the database cannot be read.
pub async fn to_ask_register(
    r: &Reader,
    at: DateTime<Utc>,
    last: Uuid,
    limit: i64,
) -> Result<Vec<SubscriptionRow>, QueryError> {
    let sql = format!(
        "select {COLUMNS} from subscriptions where vat_ask_from <= $1 and subscription > $2
         and status not in ('cancelled', 'expired') order by subscription limit $3"
    );
    r.client().await?.query(&sql, &[&at, &last, &limit]).await?.iter().map(read).collect()
}

/// How many subscriptions there are of each status and plan.
///
/// # Errors
/// If the database cannot be read.
pub async fn counts(r: &Reader) -> Result<Vec<(String, String, i64)>, QueryError> {
    let sql = "select status, plan_name || ', ' || interval, count(*) from subscriptions group by 1, 2 order by 1, 2";
    let rows = r.client().await?.query(sql, &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
}

/// How many ended, and how many started, since `since`.
///
/// # Errors
/// If the database cannot be read.
pub async fn movements(r: &Reader, since: DateTime<Utc>) -> Result<(i64, i64), QueryError> {
    let sql = "select count(*) filter (where joined_at >= $1), count(*) filter (where ended_at >= $1) from subscriptions";
    let row = r.client().await?.query_one(sql, &[&since]).await?;
    Ok((row.get(0), row.get(1)))
}
