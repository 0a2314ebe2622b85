//! Two accounts of one person: what stands in the way of making them one, and what would move.

use super::credits;
use super::services::Services;
use crate::domain::account::{Account, Standing};
use crate::domain::credit::PayoutState;
use crate::domain::shared::{AccountId, Money};
use crate::projections::subscriptions::{self, SubscriptionRow};
use crate::projections::{catalogue, gifts, invoices, orders, teams};
use crate::store::StoreError;
use crate::store::repository::EventRepository;

/// What belongs to an account that is to be closed.
#[derive(Clone, Debug)]
pub struct Belongings {
    /// Its subscriptions, the newest first.
    pub subscriptions: Vec<SubscriptionRow>,
    /// Its orders.
    pub orders: i64,
    /// Its invoices and credit notes.
    pub invoices: usize,
    /// The team of a running subscription, which goes with it.
    pub team: bool,
    /// Gifts that it bought or redeemed.
    pub gifts: usize,
    /// Its credit, by currency.
    pub credit: Vec<Money>,
    /// Seats in teams of others.
    pub seats: usize,
    /// Whether complimentary access was given to it.
    pub complimentary: bool,
    /// Lessons and works whose progress is known.
    pub progress: i64,
    /// What it likes and saves.
    pub marks: i64,
}

async fn account(cx: &Services, id: AccountId) -> Result<Account, StoreError> {
    Ok(EventRepository::<Account>::new(cx.pool.clone(), cx.journal.clone()).load(id).await?.state)
}

/// What would move, or stay reachable.
///
/// # Errors
/// If the database cannot be read.
pub async fn belongings(cx: &Services, from: AccountId) -> Result<Belongings, StoreError> {
    let of = orders::Filter { account: Some(from), ..orders::Filter::default() };
    let (_, orders) = orders::list(&cx.reader, &of, None, 0, 1).await?;
    let now = cx.clock.now();
    let given = account(cx, from).await?.complimentary.is_some_and(|c| c.holds_at(now));
    let client = cx.pool.get().await?;
    let count = async |table: &str| -> Result<i64, StoreError> {
        let sql = format!("select count(*) from public.{table} where account = $1");
        Ok(client.query_one(&sql, &[&from]).await?.get(0))
    };
    let all = subscriptions::of_account(&cx.reader, from).await?;
    let with_seats =
        |s: &SubscriptionRow| !s.status.is_final() && s.state.terms().is_some_and(|t| t.seats.is_some());
    Ok(Belongings {
        team: all.iter().any(with_seats),
        gifts: gifts::of_account(&cx.reader, from).await?.len(),
        credit: credits::load(cx, from).await?.balances().collect(),
        subscriptions: all,
        orders,
        invoices: invoices::of_account(&cx.reader, from).await?.len(),
        seats: teams::seats_of(&cx.reader, from).await?.len(),
        complimentary: given,
        progress: count("watch_progress").await?,
        marks: count("marks").await?,
    })
}

/// What stands in the way, each as a sentence that says what to do about it.
///
/// # Errors
/// If the database cannot be read.
pub async fn obstacles(
    cx: &Services,
    from: AccountId,
    into: AccountId,
) -> Result<Vec<&'static str>, StoreError> {
    let (old, kept) = (account(cx, from).await?, account(cx, into).await?);
    let mut found = Vec::new();
    let mut stop = |stands: bool, words: &'static str| {
        if stands {
            found.push(words);
        }
    };
    stop(from == into, "Both are the same account: choose the other one.");
    for one in [&old, &kept] {
        stop(!matches!(one.standing, Standing::Open), "One of them is deleted, or waits for its deletion.");
        stop(one.merged_into.is_some(), "One of them was merged before.");
    }
    stop(!kept.confirmed, "The mail address of the account that is kept is not confirmed.");
    stop(kept.suspended && kept.merged_into.is_none(), "The account that is kept is suspended.");
    stop(old.roles.has_staff(), "The account that is closed has a role: take it first.");
    let mine = subscriptions::of_account(&cx.reader, from).await?;
    let live = |all: &[SubscriptionRow]| all.iter().any(|s| !s.status.is_final());
    let both = live(&mine) && live(&subscriptions::of_account(&cx.reader, into).await?);
    stop(both, "Both have a subscription that runs: end one of them first, and give back what is not used.");
    let charged = mine.iter().any(|s| s.state.open_order().is_some_and(|o| o.charge.is_some()));
    stop(charged, "A charge is under way: wait for its result.");
    let owned = !catalogue::owned_by(&cx.reader, from).await?.is_empty();
    stop(
        owned,
        "Works belong to the account that is closed: hand them over first, at the desk of the studio.",
    );
    let credit = credits::load(cx, from).await?;
    let going = credit.payouts().iter().any(|p| p.state == PayoutState::Started);
    stop(
        going,
        "Credit of the account that is closed is on its way out: enter first whether the transfer was sent.",
    );
    Ok(found)
}

/// The first thing that stands in the way.
///
/// # Errors
/// If the database cannot be read.
pub async fn first_obstacle(
    cx: &Services,
    from: AccountId,
    into: AccountId,
) -> Result<Option<String>, StoreError> {
    Ok(obstacles(cx, from, into).await?.first().map(|words| (*words).to_owned()))
}
