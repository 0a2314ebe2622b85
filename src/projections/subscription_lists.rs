//! Lists of subscriptions, narrowed: for the billing desk, its files, and the API.

use super::sorting::{Sort, SortColumn};
use super::subscriptions::{COLUMNS, SubscriptionRow, read};
use super::{QueryError, Reader};
use crate::domain::shared::AccountId;
use chrono::{DateTime, Utc};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// How far ahead what is due is listed.
const AHEAD: &str = "interval '7 days'";
/// How far ahead what is about to expire is listed.
const EXPIRING: &str = "interval '30 days'";
/// A payment of the clock that was due so long ago without an attempt is overdue.
const LATE: &str = "interval '2 hours'";

/// What a list is narrowed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// One status.
    pub status: Option<String>,
    /// One plan, as `name, interval`.
    pub plan: Option<String>,
    /// Only those whose payment is failing.
    pub failing: bool,
    /// Only those that staff have to decide about.
    pub parked: bool,
    /// Only those that rest.
    pub paused: bool,
    /// Only those for whose VAT number the register has not answered.
    pub vat_pending: bool,
    /// Only those of these accounts.
    pub owners: Option<Vec<AccountId>>,
    /// Only active ones that are to be paid within seven days of this time, or should have been.
    pub due: Option<DateTime<Utc>>,
    /// Only active ones whose payment the clock should have tried more than two hours before this time.
    pub overdue: Option<DateTime<Utc>>,
    /// Only those on hold that expire within thirty days of this time.
    pub expiring: Option<DateTime<Utc>>,
    /// Only those of whose open order it is not known whether it was charged.
    pub unknown: bool,
    /// Only those that were cancelled: for one reason, or for `none` that was said.
    pub cancel_reason: Option<String>,
}

fn overdue_at(time: &str) -> String {
    format!(
        "status = 'active' and collection = 'automatic' and open_order is null and not parked
            and paid_until < {time} - {LATE}"
    )
}

fn narrowed() -> String {
    let overdue = overdue_at("$9::timestamptz");
    format!(
        "($1::text is null or status = $1) and ($2::text is null or plan_name || ', ' || interval = $2)
        and (not $3 or failing) and (not $4 or parked) and ($5::uuid[] is null or owner = any($5)) and (not $6 or paused)
        and (not $7 or vat_pending)
        and ($8::timestamptz is null or (status = 'active' and not paused and paid_until <= $8::timestamptz + {AHEAD}))
        and ($9::timestamptz is null or ({overdue}))
        and ($10::timestamptz is null or (status = 'on-hold'
            and (state->>'expires_at')::timestamptz <= $10::timestamptz + {EXPIRING}))
        and (not $11 or exists (select from payments p where p.order_id = open_order and p.state in ('unknown', 'parked')))
        and ($12::text is null or (status in ('pending-cancellation', 'cancelled') and coalesce(cancel_reason, 'none') = $12))"
    )
}

impl Filter {
    fn params(&self) -> [&(dyn ToSql + Sync); 12] {
        [
            &self.status,
            &self.plan,
            &self.failing,
            &self.parked,
            &self.owners,
            &self.paused,
            &self.vat_pending,
            &self.due,
            &self.overdue,
            &self.expiring,
            &self.unknown,
            &self.cancel_reason,
        ]
    }
}

/// What the list can be sorted by.
pub const SORTS: &[SortColumn] = &[
    ("plan", &["plan_name", "interval"]),
    ("status", &["status"]),
    ("price", &["currency", "price_minor"]),
    ("due", &["case when status in ('active', 'on-hold') then paid_until end"]),
    ("joined", &["joined_at"]),
];

/// A page of the list, newest first, and how many there are in all.
///
/// # Errors
/// If the database cannot be read.
pub async fn list(
    r: &Reader,
    filter: &Filter,
    offset: i64,
    limit: i64,
) -> Result<(Vec<SubscriptionRow>, i64), QueryError> {
    sorted(r, filter, None, offset, limit).await
}

/// As [`list`], in the order that is wished for.
///
/// # Errors
/// If the database cannot be read.
pub async fn sorted(
    r: &Reader,
    filter: &Filter,
    sort: Option<Sort>,
    offset: i64,
    limit: i64,
) -> Result<(Vec<SubscriptionRow>, i64), QueryError> {
    let client = r.client().await?;
    let (wanted, mut params) = (narrowed(), filter.params().to_vec());
    let total = client
        .query_one(&format!("select count(*) from subscriptions where {wanted}"), &params)
        .await?
        .get(0);
    let sql = format!(
        "select {COLUMNS} from subscriptions where {wanted} order by {} offset $13 limit $14",
        Sort::order(sort, "joined_at desc, subscription")
    );
    params.push(&offset);
    params.push(&limit);
    let rows = client.query(&sql, &params).await?.iter().map(read).collect::<Result<_, _>>()?;
    Ok((rows, total))
}

/// Those that follow `last` (when it was joined, and its id) in the same order, however the list moved
/// meanwhile; from the beginning without one.
///
/// # Errors
/// If the database cannot be read.
pub async fn after(
    r: &Reader,
    filter: &Filter,
    last: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<SubscriptionRow>, QueryError> {
    let (at, id) = last.unzip();
    let sql = format!(
        "select {COLUMNS} from subscriptions where {}
         and ($13::timestamptz is null or joined_at < $13 or (joined_at = $13 and subscription > $14))
         order by joined_at desc, subscription limit $15",
        narrowed()
    );
    let mut params = filter.params().to_vec();
    params.push(&at);
    params.push(&id);
    params.push(&limit);
    r.client().await?.query(&sql, &params).await?.iter().map(read).collect()
}

/// How many were cancelled for which reason, `none` for those who said none, `withdrawn` for those who went back on
/// the contract; the most frequent first.
///
/// # Errors
/// If the database cannot be read.
pub async fn cancel_reasons(r: &Reader) -> Result<Vec<(String, i64)>, QueryError> {
    let sql = "select coalesce(cancel_reason, 'none'), count(*) from subscriptions
        where status in ('pending-cancellation', 'cancelled') group by 1 order by 2 desc, 1";
    Ok(r.client().await?.query(sql, &[]).await?.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Active subscriptions whose payment was due more than two hours before `now` and was not tried.
///
/// # Errors
/// If the database cannot be read.
pub async fn overdue(r: &Reader, now: DateTime<Utc>) -> Result<i64, QueryError> {
    let sql = format!("select count(*) from subscriptions where {}", overdue_at("$1::timestamptz"));
    Ok(r.client().await?.query_one(&sql, &[&now]).await?.get(0))
}
