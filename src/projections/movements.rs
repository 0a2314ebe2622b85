//! Monthly recurring revenue and what moved it: who came, came back, took more, took less, left. For the
//! reports of billing staff: movements by month, churn, cohorts.

mod kept;

use super::tax_report::Span;
use super::{Projection, ProjectionError, QueryError, Reader};
use crate::domain::shared::calendar::Zone;
use crate::domain::shared::{Currency, Money};
use crate::domain::subscription::SubscriptionEvent;
use crate::store::{RecordedEvent, StoreError, Transaction};
use async_trait::async_trait;
use chrono::NaiveDate;
use kept::{Kept, per_month};

/// The projection.
pub struct Movements;

#[async_trait]
impl Projection for Movements {
    fn name(&self) -> &'static str {
        "movements"
    }

    fn version(&self) -> i32 {
        6
    }

    fn streams_apart(&self) -> bool {
        true
    }

    fn tables(&self) -> &'static [&'static str] {
        &["movement_subscriptions", "movements"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists movement_subscriptions (
            subscription uuid primary key,
            zone         text not null,
            currency     text not null,
            plan         text not null,
            every        text not null,
            monthly      bigint not null,
            ordered      bigint not null,
            giving       bigint not null default 0,
            ahead        boolean not null default false,
            owed         boolean not null default false,
            first_on     date,
            ended_on     date
        );
        create table if not exists movements (
            position     bigint primary key,
            day          date not null,
            subscription uuid not null,
            currency     text not null,
            kind         text not null,
            minor        bigint not null
        );
        create index if not exists movements_by_day on movements (day);"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        let Some(happened) = event.decode::<SubscriptionEvent>()? else { return Ok(()) };
        let id = event.stream_uuid();
        if let SubscriptionEvent::SubscriptionJoined { terms, .. } = &happened {
            let (currency, monthly) = (terms.price.currency.code(), per_month(terms.price, terms.interval));
            let sql =
                "insert into movement_subscriptions (subscription, zone, currency, plan, every, monthly, ordered)
                values ($1, $2, $3, $4, $5, $6, $6)";
            let (zone, interval) = (terms.zone.name(), terms.interval.words());
            tx.execute(sql, &[&id, &zone, &currency, &terms.plan_name, &interval, &monthly]).await?;
            return Ok(());
        }
        let sql = "select currency, zone, first_on, monthly, ordered, giving, ahead, owed
            from movement_subscriptions where subscription = $1";
        let Some(row) = tx.query_opt(sql, &[&id]).await? else { return Ok(()) };
        // The seller's day, as on invoices and in every other report.
        let zone = Zone::parse(row.get(1)).map_err(|e| ProjectionError::Data(e.to_string()))?;
        let day = zone.date_of(event.effective_at);
        let (currency, first): (String, Option<NaiveDate>) = (row.get(0), row.get(2));
        let before = Kept {
            monthly: row.get(3),
            ordered: row.get(4),
            giving: row.get(5),
            ahead: row.get(6),
            owed: row.get(7),
        };
        // What was ordered before it begins counts from the day on which it does.
        if let SubscriptionEvent::PlanChanged { terms, begins_on: None, .. }
        | SubscriptionEvent::PlanBegan { terms, .. } = &happened
        {
            let sql = "update movement_subscriptions set plan = $2, every = $3 where subscription = $1";
            tx.execute(sql, &[&id, &terms.plan_name, &terms.interval.words()]).await?;
        }
        let after = before.after(&happened, first.is_some());
        if after == before {
            return Ok(());
        }
        let (had, giving) = (before.giving, after.giving);
        let ended = (giving == 0 && had > 0).then_some(day);
        tx.execute(
            "update movement_subscriptions set monthly = $2, giving = $3::bigint, first_on = coalesce(first_on, $4),
                ended_on = case when $3::bigint > 0 then null else coalesce($5, ended_on) end,
                ordered = $6, ahead = $7, owed = $8 where subscription = $1",
            &[
                &id,
                &after.monthly,
                &giving,
                &(giving > 0).then_some(day),
                &ended,
                &after.ordered,
                &after.ahead,
                &after.owed,
            ],
        )
        .await?;
        let kind = match (had, giving) {
            (a, b) if a == b => return Ok(()),
            (0, _) if first.is_none() => "new",
            (0, _) => "reactivation",
            (_, 0) => "churn",
            (a, b) if b > a => "expansion",
            _ => "contraction",
        };
        tx.execute(
            "insert into movements values ($1, $2, $3, $4, $5, $6)",
            &[&event.position, &day, &id, &currency, &kind, &(giving - had)],
        )
        .await?;
        Ok(())
    }
}

/// Monthly recurring revenue by currency, once for every place that shows it: the reports, the overview, the metric
/// `kinora_mrr` and the hourly statistics.
///
/// The sum over all subscriptions whose running period is to be paid for, on trial, at rest and on hold counting 0, of
/// the price of one period that was agreed, tax included, less what a coupon takes off the period that was ordered last,
/// brought to a month: days and weeks by 30.4375 days a month, months and years by their number; half up to
/// the minor unit, each subscription by itself. One that was cancelled counts until its time is over, and
/// a period that staff waived or lengthened counts as if it were paid.
///
/// # Errors
/// If the database cannot be read.
pub async fn monthly_recurring_revenue(r: &Reader) -> Result<Vec<Money>, QueryError> {
    let sql = "select currency, sum(giving)::bigint from movement_subscriptions group by 1 order by 1";
    let rows = r.client().await?.query(sql, &[]).await?;
    rows.iter()
        .map(|row| {
            let currency = Currency::parse(row.get(0)).map_err(|e| StoreError::Unreadable(e.to_string()))?;
            Ok(Money::new(row.get(1), currency))
        })
        .collect()
}

/// One month (or week, or day) of one currency; all amounts in minor units a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Month {
    /// Its first day.
    pub month: NaiveDate,
    /// Currency.
    pub currency: String,
    /// What it was when the month began.
    pub start: i64,
    /// From who came for the first time.
    pub new: i64,
    /// From who came back.
    pub reactivation: i64,
    /// From dearer plans.
    pub expansion: i64,
    /// From cheaper plans; negative.
    pub contraction: i64,
    /// From who left, rests, or is on hold; negative.
    pub churn: i64,
    /// How many subscriptions gave something when it began.
    pub subscriptions: i64,
    /// How many of them stopped, or paused.
    pub lost: i64,
    /// What was lost by them and by paying less; who came in between counts in neither.
    pub lost_minor: i64,
}

impl Month {
    /// What it was when the month ended.
    #[must_use]
    pub const fn end(&self) -> i64 {
        self.start + self.new + self.reactivation + self.expansion + self.contraction + self.churn
    }
}

/// The movements of the months from the one of `from` to the one of `until`, oldest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn months(r: &Reader, from: NaiveDate, until: NaiveDate) -> Result<Vec<Month>, QueryError> {
    by_span(r, Span::Month, from, until).await
}

/// The movements of the spans from the one of `from` to the one of `until`, oldest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn by_span(
    r: &Reader,
    span: Span,
    from: NaiveDate,
    until: NaiveDate,
) -> Result<Vec<Month>, QueryError> {
    let sql = "
        with span as (
            select generate_series(date_trunc($3::text, $1::date::timestamp), date_trunc($3::text, $2::date::timestamp), ('1 ' || $3::text)::interval)::date as month
        ), per as (
            select s.month, m.currency, m.subscription,
                coalesce(sum(m.minor) filter (where m.day < s.month), 0) as before,
                coalesce(sum(m.minor) filter (where m.day >= s.month and m.kind = 'new'), 0) as new,
                coalesce(sum(m.minor) filter (where m.day >= s.month and m.kind = 'reactivation'), 0) as back,
                coalesce(sum(m.minor) filter (where m.day >= s.month and m.kind = 'expansion'), 0) as more,
                coalesce(sum(m.minor) filter (where m.day >= s.month and m.kind = 'contraction'), 0) as less,
                coalesce(sum(m.minor) filter (where m.day >= s.month and m.kind = 'churn'), 0) as churn
            from span s join movements m on m.day < s.month + ('1 ' || $3::text)::interval
            group by s.month, m.currency, m.subscription)
        select month, currency, sum(before)::bigint, sum(new)::bigint, sum(back)::bigint, sum(more)::bigint,
            sum(less)::bigint, sum(churn)::bigint,
            count(*) filter (where before > 0),
            count(*) filter (where before > 0 and churn < 0),
            coalesce(sum(least(before, -churn - less)) filter (where before > 0), 0)::bigint
        from per group by month, currency order by month, currency";
    let rows = r.client().await?.query(sql, &[&from, &until, &span.word()]).await?;
    Ok(rows
        .iter()
        .map(|row| Month {
            month: row.get(0),
            currency: row.get(1),
            start: row.get(2),
            new: row.get(3),
            reactivation: row.get(4),
            expansion: row.get(5),
            contraction: row.get(6),
            churn: row.get(7),
            subscriptions: row.get(8),
            lost: row.get(9),
            lost_minor: row.get(10),
        })
        .collect())
}

/// One plan among those that bring something now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The plan's name.
    pub plan: String,
    /// How often it is paid: "one month".
    pub interval: String,
    /// Currency.
    pub currency: String,
    /// How many subscriptions bring something.
    pub subscriptions: i64,
    /// What they bring a month, coupons taken off; minor units.
    pub monthly: i64,
}

/// The plans that bring something now, the largest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn plan_mix(r: &Reader) -> Result<Vec<Share>, QueryError> {
    let sql = "select plan, every, currency, count(*), sum(giving)::bigint from movement_subscriptions
        where giving > 0 group by 1, 2, 3 order by 3, 5 desc, 1, 2";
    let rows = r.client().await?.query(sql, &[]).await?;
    Ok(rows
        .iter()
        .map(|row| Share {
            plan: row.get(0),
            interval: row.get(1),
            currency: row.get(2),
            subscriptions: row.get(3),
            monthly: row.get(4),
        })
        .collect())
}

/// Who came in one month, and how many of them gave still after each following month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cohort {
    /// The first day of the month.
    pub month: NaiveDate,
    /// How many came.
    pub size: i64,
    /// How many were there after 1, 2, 3 … months; as far as that is over.
    pub kept: Vec<i64>,
}

/// The cohorts from the month of `from` to the one of `today`, as they stand on that day.
///
/// # Errors
/// If the database cannot be read.
pub async fn cohorts(r: &Reader, from: NaiveDate, today: NaiveDate) -> Result<Vec<Cohort>, QueryError> {
    let sql = "
        select date_trunc('month', first_on)::date, first_on, ended_on from movement_subscriptions
        where first_on >= date_trunc('month', $1::date)
            and first_on < date_trunc('month', $2::date) + interval '1 month' order by 1";
    let rows = r.client().await?.query(sql, &[&from, &today]).await?;
    let mut all: Vec<Cohort> = Vec::new();
    for row in &rows {
        let (month, first, ended): (NaiveDate, NaiveDate, Option<NaiveDate>) =
            (row.get(0), row.get(1), row.get(2));
        if all.last().is_none_or(|c| c.month != month) {
            // A month counts for a cohort once it is over for all who came in it.
            let over = (1..=12).take_while(|n| {
                let end = month.checked_add_months(chrono::Months::new(n + 1));
                end.is_some_and(|end| end <= today)
            });
            all.push(Cohort { month, size: 0, kept: vec![0; over.count()] });
        }
        let Some(cohort) = all.last_mut() else { continue };
        cohort.size += 1;
        for (n, kept) in (1_u32..).zip(cohort.kept.iter_mut()) {
            let then = first.checked_add_months(chrono::Months::new(n));
            *kept += i64::from(ended.is_none_or(|ended| then.is_some_and(|then| ended >= then)));
        }
    }
    Ok(all)
}
