//! How many requests of one kind a client may send within a time. Counted in memory, by account or by
//! network, and forgotten when the time is over; each process counts for itself.

use super::error::HttpError;
use super::request::Req;
use crate::actors::accounts::limits::network;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// Clients that are remembered before those whose time is over are looked for.
const REMEMBERED: usize = 8192;

/// Who asks: somebody with an account, or a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Client {
    /// An account, from wherever it asks.
    Account(Uuid),
    /// An IPv4 address, or the first 64 bits of an IPv6 address, which one household has.
    Network(IpAddr),
}

impl Client {
    /// Whoever sends `req`.
    #[must_use]
    pub fn of(req: &Req) -> Self {
        req.viewer.id().map_or_else(|| Self::Network(network(req.remote)), Self::Account)
    }
}

/// Counts the requests of each client from its first one on; when the time is over, anew.
#[derive(Debug)]
pub struct Rate {
    time: TimeDelta,
    seen: Mutex<HashMap<Client, (DateTime<Utc>, u32)>>,
}

impl Rate {
    /// A count over `seconds`.
    #[must_use]
    pub fn over(seconds: i64) -> Self {
        Self { time: TimeDelta::seconds(seconds), seen: Mutex::default() }
    }

    /// Counts a request of `client`; with `most` of 0 nothing is counted.
    ///
    /// # Errors
    /// The time after which the next one is taken, when there were `most` already.
    pub fn count(&self, client: Client, most: u32, now: DateTime<Utc>) -> Result<(), Duration> {
        if most == 0 {
            return Ok(());
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED {
            seen.retain(|_, (since, _)| now - *since < self.time);
        }
        let (since, requests) = seen.entry(client).or_insert((now, 0));
        // A clock that was set back begins anew, too.
        if now - *since >= self.time || now < *since {
            (*since, *requests) = (now, 0);
        }
        if *requests >= most {
            return Err((*since + self.time - now).to_std().unwrap_or_default());
        }
        *requests += 1;
        Ok(())
    }

    /// Counts a request, and refuses it in words.
    ///
    /// # Errors
    /// [`HttpError::TooMany`].
    pub fn admit(&self, req: &Req, most: u32, what: &str) -> Result<(), HttpError> {
        self.count(Client::of(req), most, req.now()).map_err(|retry_after| HttpError::TooMany {
            why: format!(
                "These are more {what} than one person needs. The next one is possible in {}.",
                match retry_after.as_secs() {
                    0..=90 => format!("{} seconds", retry_after.as_secs().max(1)),
                    more => format!("{} minutes", more.div_ceil(60)),
                }
            ),
            retry_after: Duration::from_secs(retry_after.as_secs() + 1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_that_is_allowed_is_taken_and_the_next_one_not() {
        let rate = Rate::over(60);
        let start: DateTime<Utc> = "2026-11-28T10:00:00Z".parse().unwrap();
        let at = |seconds| start + TimeDelta::seconds(seconds);
        let (one, other) = (Client::Account(Uuid::from_u128(1)), Client::Account(Uuid::from_u128(2)));
        for second in 0..3 {
            assert_eq!(rate.count(one, 3, at(second)), Ok(()));
        }
        assert_eq!(rate.count(one, 3, at(3)), Err(Duration::from_secs(57)));
        assert_eq!(rate.count(other, 3, at(3)), Ok(()), "each client for itself");
        assert_eq!(rate.count(one, 3, at(59)), Err(Duration::from_secs(1)));
        assert_eq!(rate.count(one, 3, at(60)), Ok(()), "the time is over");
        assert_eq!(rate.count(one, 1, at(61)), Err(Duration::from_secs(59)), "a lower limit counts at once");
        assert_eq!(rate.count(one, 0, at(61)), Ok(()), "none is none");
        assert_eq!(rate.count(one, 1, at(0)), Ok(()), "a clock that was set back locks nobody out");
    }

    #[test]
    fn clients_whose_time_is_over_are_forgotten() {
        let rate = Rate::over(60);
        let start: DateTime<Utc> = "2026-11-28T10:00:00Z".parse().unwrap();
        for n in 0..REMEMBERED as u128 {
            rate.count(Client::Account(Uuid::from_u128(n)), 1, start).unwrap();
        }
        rate.count(Client::Account(Uuid::max()), 1, start + TimeDelta::seconds(60)).unwrap();
        assert_eq!(rate.seen.lock().unwrap().len(), 1);
    }
}
