//! How often something may be tried, by account and by network. Rows hold keyed hashes and times,
//! and are removed when they count no more.

use super::AccountsError;
use crate::actors::services::Services;
use crate::store::StoreError;
use chrono::{DateTime, TimeDelta, Utc};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::{IpAddr, Ipv6Addr};
use tokio::sync::Mutex;

/// How long an attempt counts.
const WINDOW: TimeDelta = TimeDelta::minutes(15);
/// How long a failed proof of identity counts, and the longest that anything here is kept.
const KEPT: TimeDelta = TimeDelta::hours(24);
/// How long a place counts.
const HOUR: TimeDelta = TimeDelta::hours(1);
/// The first pause after failed proofs of identity; each further failure doubles it, up to [`WINDOW`].
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(30);
/// A network (an office, a school) may fail so many times more often than one account.
const NETWORK_FACTOR: i64 = 5;

/// The buckets of one attempt: whom it is about and where it comes from.
pub struct Buckets {
    account: String,
    network: Option<String>,
    /// Whether failures of the account make a pause that grows, or count for a while.
    grows: bool,
}

impl Buckets {
    /// Buckets for an attempt on `login` from `address`; `what` keeps kinds of attempts apart.
    ///
    /// # Errors
    /// If the keyed hash cannot be made.
    pub fn new(cx: &Services, what: &str, login: &str, address: Option<IpAddr>) -> Result<Self, StoreError> {
        let hash = |kind: &str, value: &str| cx.vault.lookup_hash(&format!("attempt {what} {kind}"), value);
        let network = address.map(|a| hash("network", &network(a).to_string())).transpose()?;
        Ok(Self { account: hash("account", &login.trim().to_lowercase())?, network, grows: false })
    }

    /// The same for proofs of identity: the pause after failures of the account grows with each.
    #[must_use]
    pub fn growing(self) -> Self {
        Self { grows: true, ..self }
    }

    /// Refuses when too many attempts failed lately.
    ///
    /// # Errors
    /// [`AccountsError::TooMany`] with the seconds to wait.
    pub async fn check(&self, cx: &Services, now: DateTime<Utc>) -> Result<(), AccountsError> {
        let limit = i64::from(cx.config.limits.sign_in_failures.max(1));
        let mut wait = match self.grows {
            true => pause(cx, &self.account, limit, now).await?,
            false => oldest_that_counts(cx, &self.account, limit, now).await?,
        };
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

    /// Counts an attempt before it is known how it ends, so that many at once do not all pass the check.
    ///
    /// # Errors
    /// As [`Buckets::check`], or if the database cannot be written.
    pub async fn begin(&self, cx: &Services, now: DateTime<Utc>) -> Result<(), AccountsError> {
        // One after the other: between looking and counting nobody else looks. Another process may; it
        // lets through as many more at most as it has requests in that moment.
        let _turn = turn_of(&self.account).lock().await;
        self.check(cx, now).await?;
        Ok(self.count(cx, now).await?)
    }

    /// What [`Buckets::begin`] counted did not come to an end: it is taken back.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn withdraw(&self, cx: &Services, begun: DateTime<Utc>) -> Result<(), StoreError> {
        for bucket in std::iter::once(&self.account).chain(&self.network) {
            take_back(cx, bucket, begun).await?;
        }
        Ok(())
    }

    /// What [`Buckets::begin`] counted was a success: it is taken back, with all failures of the account.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn succeed(&self, cx: &Services, begun: DateTime<Utc>) -> Result<(), StoreError> {
        self.forget(cx).await?;
        match &self.network {
            Some(network) => take_back(cx, network, begun).await,
            None => Ok(()),
        }
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

/// Whose turn it is to look and count; buckets that share one wait for each other for a moment.
fn turn_of(bucket: &str) -> &'static Mutex<()> {
    static TURNS: [Mutex<()>; 64] = [const { Mutex::const_new(()) }; 64];
    let mut hasher = DefaultHasher::new();
    bucket.hash(&mut hasher);
    &TURNS[usize::try_from(hasher.finish() % 64).unwrap_or(0)]
}

/// Until when an account's failures make a pause, which doubles with each of them.
async fn pause(
    cx: &Services,
    bucket: &str,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let client = cx.pool.get().await?;
    let sql = "select count(*), max(at) from public.attempts where bucket = $1 and at > $2";
    let row = client.query_one(sql, &[&bucket, &(now - KEPT)]).await?;
    let (failures, last): (i64, Option<DateTime<Utc>>) = (row.get(0), row.get(1));
    Ok(last
        .filter(|_| failures >= limit)
        .map(|last| last + pause_after(failures - limit))
        .filter(|u| *u > now))
}

/// The pause after so many failures beyond those that are free.
fn pause_after(beyond: i64) -> TimeDelta {
    let doubled = FIRST_PAUSE * (1 << beyond.clamp(0, 10));
    doubled.min(WINDOW)
}

/// Takes back one attempt of a moment.
async fn take_back(cx: &Services, bucket: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
    let sql = "delete from public.attempts where ctid = (
                   select ctid from public.attempts where bucket = $1 and at = $2 limit 1)";
    cx.pool.get().await?.execute(sql, &[&bucket, &at]).await?;
    Ok(())
}

/// Removes attempts that count no more.
///
/// # Errors
/// If the database cannot be written.
pub async fn clear(cx: &Services, now: DateTime<Utc>) -> Result<u64, StoreError> {
    let client = cx.pool.get().await?;
    Ok(client.execute("delete from public.attempts where at <= $1", &[&(now - KEPT)]).await?)
}

/// Takes one of `most` places that `bucket` has within an hour. A place is taken before it is known
/// whether there is room, so that many at once do not all find the last one.
///
/// # Errors
/// [`AccountsError::TooMany`] with the seconds to wait when there is none.
pub(super) async fn take_place(
    cx: &Services,
    bucket: &str,
    most: u32,
    now: DateTime<Utc>,
) -> Result<(), AccountsError> {
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    client.execute("insert into public.attempts values ($1, $2)", &[&bucket, &now]).await?;
    let row = client
        .query_one(
            "select count(*), min(at) from public.attempts where bucket = $1 and at > $2",
            &[&bucket, &(now - HOUR)],
        )
        .await?;
    drop(client);
    if row.get::<_, i64>(0) <= i64::from(most) {
        return Ok(());
    }
    take_back(cx, bucket, now).await?;
    let oldest: DateTime<Utc> = row.get(1);
    let seconds = (oldest + HOUR - now).num_seconds().max(1);
    Err(AccountsError::TooMany(u64::try_from(seconds).unwrap_or(1)))
}

/// What counts as one network: an IPv4 address alone; of IPv6 the first 64 bits, which one household has.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_doubles_with_each_failure_and_has_an_end() {
        let seconds: Vec<i64> = (0..7).map(|n| pause_after(n).num_seconds()).collect();
        assert_eq!(seconds, [30, 60, 120, 240, 480, 900, 900]);
        assert_eq!(pause_after(i64::MAX), WINDOW);
    }

    #[test]
    fn a_household_is_one_network() {
        let of = |a: &str| network(a.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
