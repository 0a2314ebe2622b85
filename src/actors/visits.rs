//! Views and downloads of works: rows of plain tables, each person once for ever, and nobody's address.

use super::services::Services;
use crate::store::StoreError;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::collections::HashMap;
use std::net::IpAddr;
use uuid::Uuid;

/// For how long a salt tells visitors apart.
const SALT_HOURS: i64 = 24;
/// A salt is made by whoever finds none; only one process makes it.
const SALT_LOCK: i64 = 0x6b69_6e6f_7361_6c74;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Visit {
    /// Its page was opened by somebody who may watch it.
    View,
    /// A file of it was saved.
    Download,
}

/// Who is counted.
#[derive(Clone, Copy, Debug)]
pub enum Who<'a> {
    /// Somebody with an account.
    Account(Uuid),
    /// Anybody else: where from, and with which program.
    Visitor(IpAddr, &'a str),
}

/// How often a work was seen and saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Views.
    pub views: i64,
    /// Downloads.
    pub downloads: i64,
}

/// Notes a visit; the same person's second one changes nothing.
///
/// # Errors
/// If the database cannot be written.
pub async fn note(cx: &Services, media: Uuid, visit: Visit, who: Who<'_>) -> Result<(), StoreError> {
    let kind = <&str>::from(visit);
    let (account, visitor) = match who {
        Who::Account(account) => (Some(account), None),
        Who::Visitor(address, program) => (None, Some(key(&salt(cx).await?, address, program)?)),
    };
    let client = cx.pool.get().await?;
    let sql = "insert into public.visits (media, kind, account, visitor, at) values ($1, $2, $3, $4, $5)
               on conflict do nothing";
    let statement = client.prepare_cached(sql).await?;
    client.execute(&statement, &[&media, &kind, &account, &visitor, &cx.clock.now()]).await?;
    Ok(())
}

/// Adds what was not yet counted to the counters. A second run finds nothing to add. Gives how much it was.
///
/// # Errors
/// If the database cannot be written.
pub async fn fold(cx: &Services) -> Result<i64, StoreError> {
    let client = cx.pool.get().await?;
    let sql = "with fresh as (update public.visits set folded = true where not folded returning media, kind),
         added as (insert into public.visit_counters select media, kind, count(*) from fresh group by media, kind
             on conflict (media, kind) do update set count = visit_counters.count + excluded.count)
         select count(*) from fresh";
    Ok(client.query_one(sql, &[]).await?.get(0))
}

/// How often works were seen and saved, as far as it is folded; those that nobody visited are missing.
///
/// # Errors
/// If the database cannot be read.
pub async fn of(cx: &Services, media: &[Uuid]) -> Result<HashMap<Uuid, Counted>, StoreError> {
    let client = cx.pool.get().await?;
    let sql = "select media, kind, count from public.visit_counters where media = any($1)";
    let statement = client.prepare_cached(sql).await?;
    let mut counted: HashMap<Uuid, Counted> = HashMap::new();
    for row in client.query(&statement, &[&media]).await? {
        let of = counted.entry(row.get(0)).or_default();
        match row.get(1) {
            "view" => of.views = row.get(2),
            _ => of.downloads = row.get(2),
        }
    }
    Ok(counted)
}

/// All views and downloads of the studio.
///
/// # Errors
/// If the database cannot be read.
pub async fn total(cx: &Services) -> Result<Counted, StoreError> {
    let client = cx.pool.get().await?;
    let sql = "select coalesce(sum(count) filter (where kind = 'view'), 0)::bigint,
                      coalesce(sum(count) filter (where kind = 'download'), 0)::bigint from public.visit_counters";
    let row = client.query_one(sql, &[]).await?;
    Ok(Counted { views: row.get(0), downloads: row.get(1) })
}

/// Throws away salts that are over, and what they told apart once it is counted.
///
/// # Errors
/// If the database cannot be written.
pub async fn clear(cx: &Services, now: DateTime<Utc>) -> Result<u64, StoreError> {
    let over = now - TimeDelta::hours(SALT_HOURS);
    let client = cx.pool.get().await?;
    client.execute("delete from public.visit_salts where at <= $1", &[&over]).await?;
    let sql = "delete from public.visits where visitor is not null and folded and at <= $1";
    Ok(client.execute(sql, &[&over]).await?)
}

/// The salt of these hours; one that is over is replaced, and gone.
async fn salt(cx: &Services) -> Result<Vec<u8>, StoreError> {
    let now = cx.clock.now();
    let over = now - TimeDelta::hours(SALT_HOURS);
    let mut client = cx.pool.get().await?;
    let sql = "select salt from public.visit_salts where at > $1 limit 1";
    if let Some(row) = client.query_opt(sql, &[&over]).await? {
        return Ok(row.get(0));
    }
    let tx = client.transaction().await?;
    tx.execute("select pg_advisory_xact_lock($1)", &[&SALT_LOCK]).await?;
    let salt = match tx.query_opt(sql, &[&over]).await? {
        Some(row) => row.get(0),
        None => {
            let fresh: [u8; 32] = rand::random();
            tx.execute("delete from public.visit_salts", &[]).await?;
            tx.execute("insert into public.visit_salts values ($1, $2)", &[&fresh.as_slice(), &now]).await?;
            fresh.to_vec()
        }
    };
    tx.commit().await?;
    Ok(salt)
}

fn key(salt: &[u8], address: IpAddr, program: &str) -> Result<Vec<u8>, StoreError> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(salt).map_err(|e| StoreError::Vault(format!("a salt: {e}")))?;
    mac.update(address.to_canonical().to_string().as_bytes());
    mac.update(b"\0");
    mac.update(program.as_bytes());
    Ok(mac.finalize().into_bytes()[..16].to_vec())
}
