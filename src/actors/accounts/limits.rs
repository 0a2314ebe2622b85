//! How often something may be tried, by account and by network. Rows hold keyed hashes and times,
//! and are removed when they count no more.

use super::AccountsError;
use crate::actors::services::Services;
use crate::store::StoreError;
use chrono::{DateTime, TimeDelta, Utc};
use std::net::IpAddr;

/// How long a failure counts.
const WINDOW: TimeDelta = TimeDelta::minutes(15);
/// A network (an office, a school) may fail so many times more often than one account.
const NETWORK_FACTOR: i64 = 5;

/// The buckets of one attempt: whom it is about and where it comes from.
pub struct Buckets {
    account: String,
    network: Option<String>,
}

impl Buckets {
    /// Buckets for an attempt on `login` from `address`; `what` keeps kinds of attempts apart.
    ///
    /// # Errors
    /// If the keyed hash cannot be made.
    pub fn new(cx: &Services, what: &str, login: &str, address: Option<IpAddr>) -> Result<Self, StoreError> {
        let hash = |kind: &str, value: &str| cx.vault.lookup_hash(&format!("attempt {what} {kind}"), value);
        let network = address.map(|a| hash("network", &network(a))).transpose()?;
        Ok(Self { account: hash("account", &login.trim().to_lowercase())?, network })
    }

    /// Refuses when too many attempts failed lately.
    ///
    /// # Errors
    /// [`AccountsError::TooMany`] with the seconds to wait.
    pub async fn check(&self, cx: &Services, now: DateTime<Utc>) -> Result<(), AccountsError> {
        let limit = i64::from(cx.config.limits.sign_in_failures.max(1));
        let mut wait = oldest_that_counts(cx, &self.account, limit, now).await?;
        if let Some(network) = &self.network {
            wait = wait.max(oldest_that_counts(cx, network, limit * NETWORK_FACTOR, now).await?);
        }
        match wait {
            Some(until) => {
                let seconds = (until - now).num_seconds().max(1);
                Err(AccountsError::TooMany(u64::try_from(seconds).unwrap_or(1)))
            }
            None => Ok(()),
        }
    }

    /// Counts a failed attempt.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn count(&self, cx: &Services, now: DateTime<Utc>) -> Result<(), StoreError> {
        let client = cx.pool.get().await?;
        for bucket in std::iter::once(&self.account).chain(&self.network) {
            client.execute("insert into public.attempts values ($1, $2)", &[bucket, &now]).await?;
        }
        Ok(())
    }

    /// Forgets the failures of the account after a success; those of the network stay.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn forget(&self, cx: &Services) -> Result<(), StoreError> {
        let client = cx.pool.get().await?;
        client.execute("delete from public.attempts where bucket = $1", &[&self.account]).await?;
        Ok(())
    }
}

/// When the attempt that is one too many stops counting; none while there is room.
async fn oldest_that_counts(
    cx: &Services,
    bucket: &str,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let client = cx.pool.get().await?;
    let row = client
        .query_opt(
            "select at from public.attempts where bucket = $1 and at > $2 order by at desc offset $3 limit 1",
            &[&bucket, &(now - WINDOW), &(limit - 1)],
        )
        .await?;
    Ok(row.map(|r| r.get::<_, DateTime<Utc>>(0) + WINDOW))
}

/// Removes attempts that count no more.
///
/// # Errors
/// If the database cannot be written.
pub async fn clear(cx: &Services, now: DateTime<Utc>) -> Result<u64, StoreError> {
    let client = cx.pool.get().await?;
    Ok(client.execute("delete from public.attempts where at <= $1", &[&(now - WINDOW)]).await?)
}

/// An IPv4 address counts alone; of IPv6 the first 64 bits, which one household has.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("{:x?}", &v6.segments()[..4]),
    }
}
