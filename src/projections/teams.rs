//! Teams and who has a seat: the owner's page, the staff's, and what the access rule asks for.

use super::{Projection, ProjectionError, QueryError, Reader};
use crate::domain::shared::AccountId;
use crate::domain::team::{Team, TeamEvent};
use crate::store::{RecordedEvent, StoreError, Transaction};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

/// The projection.
pub struct Teams;

#[async_trait]
impl Projection for Teams {
    fn name(&self) -> &'static str {
        "teams"
    }

    fn version(&self) -> i32 {
        1
    }

    fn tables(&self) -> &'static [&'static str] {
        &["teams", "team_seats"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists teams (
            team  uuid primary key,
            owner uuid not null,
            state json not null
        );
        create index if not exists teams_by_owner on teams (owner);
        create table if not exists team_seats (
            team    uuid not null,
            holder  uuid not null,
            given_at timestamptz not null,
            primary key (team, holder)
        );
        create index if not exists team_seats_by_holder on team_seats (holder);"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        let Some(decoded) = event.decode::<TeamEvent>()? else { return Ok(()) };
        let team = event.stream_uuid();
        let row = tx.query_opt("select state from teams where team = $1", &[&team]).await?;
        let mut state: Team = match row {
            Some(row) => serde_json::from_value(row.get(0))?,
            None => Team::default(),
        };
        match &decoded {
            TeamEvent::SeatGiven { account, at } => {
                let sql = "insert into team_seats values ($1, $2, $3) on conflict do nothing";
                tx.execute(sql, &[&team, account, at]).await?;
            }
            TeamEvent::SeatTaken { account, .. } => {
                let sql = "delete from team_seats where team = $1 and holder = $2";
                tx.execute(sql, &[&team, account]).await?;
            }
            _ => {}
        }
        state.apply(decoded);
        let Some(owner) = state.owner() else { return Ok(()) };
        tx.execute(
            "insert into teams values ($1, $2, $3) on conflict (team) do update set owner = excluded.owner, state = excluded.state",
            &[&team, &owner, &serde_json::to_value(&state)?],
        )
        .await?;
        Ok(())
    }
}

/// A team.
#[derive(Clone, Debug)]
pub struct TeamRow {
    /// Its id: that of its subscription.
    pub id: Uuid,
    /// Owner, seats, who has one.
    pub state: Team,
}

fn read(row: &Row) -> Result<TeamRow, QueryError> {
    let state = serde_json::from_value(row.get(1))
        .map_err(|e| StoreError::Unreadable(format!("a team's row cannot be read: {e}")))?;
    Ok(TeamRow { id: row.get(0), state })
}

/// The team of a subscription.
///
/// # Errors
/// If the database cannot be read.
pub async fn one(r: &Reader, id: Uuid) -> Result<Option<TeamRow>, QueryError> {
    let sql = "select team, state from teams where team = $1";
    r.client().await?.query_opt(sql, &[&id]).await?.as_ref().map(read).transpose()
}

/// All teams, those whose plan has no seats any more, too: their lists are still there.
///
/// # Errors
/// If the database cannot be read.
pub async fn all(r: &Reader) -> Result<Vec<TeamRow>, QueryError> {
    let rows = r.client().await?.query("select team, state from teams order by team", &[]).await?;
    rows.iter().map(read).collect()
}

/// A seat of somebody: its team, who owns that, and since when they have it.
#[derive(Clone, Debug)]
pub struct Seat {
    /// The team.
    pub team: Uuid,
    /// Who owns it.
    pub owner: AccountId,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// The seats of an account.
///
/// # Errors
/// If the database cannot be read.
pub async fn seats_of(r: &Reader, account: AccountId) -> Result<Vec<Seat>, QueryError> {
    let sql = "select s.team, t.owner, s.given_at from team_seats s join teams t using (team)
        where s.holder = $1 order by s.given_at, s.team";
    let rows = r.client().await?.query(sql, &[&account]).await?;
    Ok(rows.iter().map(|row| Seat { team: row.get(0), owner: row.get(1), since: row.get(2) }).collect())
}
