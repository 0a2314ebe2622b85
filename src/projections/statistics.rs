//! The figures of the studio over time, for the statistics page and the operators' overview.

use super::{Projection, ProjectionError, QueryError, Reader};
use crate::domain::statistics::StatisticsEvent;
use crate::store::{RecordedEvent, Transaction};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// Samples of all figures.
pub struct StatisticsTable;

#[async_trait]
impl Projection for StatisticsTable {
    fn name(&self) -> &'static str {
        "statistics"
    }

    fn version(&self) -> i32 {
        1
    }

    fn tables(&self) -> &'static [&'static str] {
        &["statistics_samples"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists statistics_samples (
            figure text not null,
            at timestamptz not null,
            value bigint not null,
            primary key (figure, at)
        );"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        let Some(StatisticsEvent::StatisticsSampled { at, figures }) = event.decode::<StatisticsEvent>()?
        else {
            return Ok(());
        };
        let (names, values): (Vec<String>, Vec<i64>) = figures.into_iter().unzip();
        tx.execute(
            "insert into statistics_samples (figure, at, value)
             select figure, $1, value from unnest($2::text[], $3::bigint[]) as s (figure, value)
             on conflict (figure, at) do update set value = excluded.value",
            &[&at, &names, &values],
        )
        .await?;
        Ok(())
    }
}

/// The newest sample: its time and all its figures. `None` before the first.
///
/// # Errors
/// If the database cannot be read.
pub async fn latest(reader: &Reader) -> Result<Option<(DateTime<Utc>, BTreeMap<String, i64>)>, QueryError> {
    let sql = "select at, figure, value from statistics_samples where at = (select max(at) from statistics_samples)";
    let rows = reader.client().await?.query(sql, &[]).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    Ok(Some((first.get(0), rows.iter().map(|row| (row.get(1), row.get(2))).collect())))
}

/// The last value of each day since `since`, by figure, oldest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn courses(
    reader: &Reader,
    since: DateTime<Utc>,
) -> Result<BTreeMap<String, Vec<(DateTime<Utc>, i64)>>, QueryError> {
    let sql = "select distinct on (figure, date_trunc('day', at)) figure, at, value
        from statistics_samples where at >= $1 order by figure, date_trunc('day', at), at desc";
    let mut courses: BTreeMap<String, Vec<(DateTime<Utc>, i64)>> = BTreeMap::new();
    for row in reader.client().await?.query(sql, &[&since]).await? {
        courses.entry(row.get(0)).or_default().push((row.get(1), row.get(2)));
    }
    Ok(courses)
}
