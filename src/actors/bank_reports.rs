//! What became of bank statements, and the entries of them that somebody still has to look at. An entry is the same in
//! however many statements it comes: what was done about it is kept by entry.

use super::bank_import::{Line, Report};
use super::services::Services;
use crate::domain::shared::AccountId;
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use uuid::Uuid;

/// Keeps what became of a file, and gives the number of its page.
///
/// # Errors
/// If the database cannot be written.
pub async fn keep(cx: &Services, sent_by: Option<AccountId>, report: &Report) -> Result<Uuid, StoreError> {
    let (id, now) = (cx.clock.new_id(), cx.clock.now());
    let json = serde_json::to_value(report).map_err(|e| StoreError::Unreadable(e.to_string()))?;
    let mut client = cx.pool.get().await?;
    let tx = client.transaction().await?;
    let sql = "insert into public.bank_statements (id, sent_by, at, report) values ($1, $2, $3, $4)";
    tx.execute(sql, &[&id, &sent_by, &now, &json]).await?;
    let (mut open, mut closed): (Vec<(Uuid, i32)>, Vec<Uuid>) = (Vec::new(), Vec::new());
    for (place, line) in (0_i32..).zip(&report.lines) {
        match line.entry {
            Some(entry) if line.is_open() => open.push((entry, place)),
            Some(entry) => closed.push(entry),
            None => {}
        }
    }
    note_open(&tx, (id, now), &open).await?;
    // What could not be booked before may be booked by now.
    tx.execute("delete from public.bank_entries_open where entry = any($1)", &[&closed]).await?;
    tx.commit().await?;
    Ok(id)
}

async fn note_open(
    tx: &deadpool_postgres::Transaction<'_>,
    (id, now): (Uuid, DateTime<Utc>),
    open: &[(Uuid, i32)],
) -> Result<(), StoreError> {
    let (entries, places): (Vec<Uuid>, Vec<i32>) = open.iter().copied().unzip();
    let sql = "insert into public.bank_entries_open (entry, statement, line, at)
        select distinct on (e) e, $1, l, $2 from unnest($3::uuid[], $4::integer[]) x(e, l)
        where not exists (select from public.bank_entries_settled d where d.entry = e) order by e, l
        on conflict (entry) do update set statement = excluded.statement, line = excluded.line, at = excluded.at";
    tx.execute(sql, &[&id, &now, &entries, &places]).await?;
    Ok(())
}

/// An entry that was booked on no order: its statement, its place in it from 0, and what became of it.
pub type OpenEntry = (Uuid, usize, Line);

/// Entries without an order, or that could not be booked on theirs, and with which nobody has dealt; those of the
/// newest statement first, `most` of them after the first `skip`, and how many there are.
///
/// # Errors
/// If the database cannot be read.
pub async fn open_entries(cx: &Services, skip: i64, most: i64) -> Result<(Vec<OpenEntry>, i64), StoreError> {
    let client = cx.pool.get().await?;
    let total = client.query_one("select count(*) from public.bank_entries_open", &[]).await?.get(0);
    let sql = "select o.statement, o.line, s.report -> 'lines' -> o.line
        from (select * from public.bank_entries_open order by at desc, statement, line offset $1 limit $2) o
        join public.bank_statements s on s.id = o.statement
        order by o.at desc, o.statement, o.line";
    let rows = client.query(sql, &[&skip, &most]).await?;
    let all = rows.iter().map(|row| {
        let line = serde_json::from_value(row.get(2)).map_err(|e| StoreError::Unreadable(e.to_string()))?;
        Ok((row.get(0), place(row, 1), line))
    });
    Ok((all.collect::<Result<_, StoreError>>()?, total))
}

/// Notes that somebody has dealt with an entry; the first who says so stands.
///
/// # Errors
/// If the database cannot be written.
pub async fn settle_entry(
    cx: &Services,
    (statement, place): (Uuid, usize),
    line: &Line,
    by: AccountId,
) -> Result<(), StoreError> {
    let number = i32::try_from(place).map_err(|e| StoreError::Unreadable(e.to_string()))?;
    let sql = "with known as (select coalesce($5, md5($1::uuid::text || '/' || $2::integer)::uuid) entry),
            gone as (delete from public.bank_entries_open o using known where o.entry = known.entry)
        insert into public.bank_entries_settled (statement, line, settled_by, at, entry)
        select $1, $2, $3, $4, entry from known on conflict do nothing";
    let client = cx.pool.get().await?;
    client.execute(sql, &[&statement, &number, &by, &cx.clock.now(), &line.entry]).await?;
    Ok(())
}

/// The entries of a statement with which somebody has dealt, in this statement or another: place, who, and when.
///
/// # Errors
/// If the database cannot be read.
pub async fn settled_entries(
    cx: &Services,
    statement: Uuid,
    report: &Report,
) -> Result<HashMap<usize, (AccountId, DateTime<Utc>)>, StoreError> {
    let entries: Vec<Uuid> = report.lines.iter().filter_map(|line| line.entry).collect();
    let sql = "select statement, line, entry, settled_by, at from public.bank_entries_settled
        where statement = $1 or entry = any($2)";
    let rows = cx.pool.get().await?.query(sql, &[&statement, &entries]).await?;
    let mut settled = HashMap::new();
    for row in &rows {
        let what = (row.get(3), row.get(4));
        if row.get::<_, Uuid>(0) == statement {
            settled.insert(place(row, 1), what);
        }
        let same = |line: &Line| line.entry == Some(row.get(2));
        for (number, _) in report.lines.iter().enumerate().filter(|(_, line)| same(line)) {
            settled.insert(number, what);
        }
    }
    Ok(settled)
}

fn place(row: &tokio_postgres::Row, column: usize) -> usize {
    usize::try_from(row.get::<_, i32>(column)).unwrap_or(usize::MAX)
}

/// A file that was sent: the number of its page, when, and what became of it.
pub type SentFile = (Uuid, DateTime<Utc>, Report);

/// What became of the files that were sent, the newest first: `most` of them after the first `skip`, and how many
/// there are.
///
/// # Errors
/// If the database cannot be read.
pub async fn sent(cx: &Services, skip: i64, most: i64) -> Result<(Vec<SentFile>, i64), StoreError> {
    let client = cx.pool.get().await?;
    let total = client.query_one("select count(*) from public.bank_statements", &[]).await?.get(0);
    let sql = "select id, at, report from public.bank_statements order by at desc, id offset $1 limit $2";
    let rows = client.query(sql, &[&skip, &most]).await?;
    Ok((rows.iter().map(report_of).collect::<Result<_, _>>()?, total))
}

/// What became of one file.
///
/// # Errors
/// If the database cannot be read.
pub async fn one(cx: &Services, id: Uuid) -> Result<Option<(DateTime<Utc>, Report)>, StoreError> {
    let sql = "select id, at, report from public.bank_statements where id = $1";
    let row = cx.pool.get().await?.query_opt(sql, &[&id]).await?;
    row.as_ref().map(report_of).transpose().map(|found| found.map(|(_, at, report)| (at, report)))
}

fn report_of(row: &tokio_postgres::Row) -> Result<SentFile, StoreError> {
    let report = serde_json::from_value(row.get(2)).map_err(|e| StoreError::Unreadable(e.to_string()))?;
    Ok((row.get(0), row.get(1), report))
}
