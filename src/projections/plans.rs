//! What can be bought: plans with the prices at which they are sold.

use super::{Projection, ProjectionError, QueryError, Reader};
use crate::domain::plan::{PlanEvent, Variation};
use crate::domain::shared::payment::Collection;
use crate::store::{RecordedEvent, StoreError, Transaction};
use async_trait::async_trait;
use chrono::NaiveDate;
use tokio_postgres::Row;
use uuid::Uuid;

/// The projection.
pub struct Plans;

#[async_trait]
impl Projection for Plans {
    fn name(&self) -> &'static str {
        "plans"
    }

    fn version(&self) -> i32 {
        2
    }

    fn tables(&self) -> &'static [&'static str] {
        &["plans", "plan_offers"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists plans (
            plan    uuid primary key,
            name    text not null,
            summary text not null
        );
        create table if not exists plan_offers (
            variation  uuid primary key,
            plan       uuid not null,
            currency   text not null,
            terms      json not null,
            is_default boolean not null,
            sold       boolean not null,
            position   bigint not null,
            moves_to   uuid,
            moves_on   date
        );"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        let plan = event.stream_uuid();
        match event.decode::<PlanEvent>()? {
            None => {}
            Some(PlanEvent::PlanCreated { name, summary, .. }) => {
                tx.execute("insert into plans values ($1, $2, $3)", &[&plan, &name, &summary]).await?;
            }
            Some(PlanEvent::PlanDescribed { name, summary, .. }) => {
                let sql = "update plans set name = $2, summary = $3 where plan = $1";
                tx.execute(sql, &[&plan, &name, &summary]).await?;
            }
            Some(PlanEvent::PlanVariationAdded { variation, .. }) => {
                tx.execute(
                    "insert into plan_offers values ($1, $2, $3, $4, $5, true, $6, null, null)",
                    &[
                        &variation.id,
                        &plan,
                        &variation.price.currency.code(),
                        &serde_json::to_value(&variation)?,
                        &variation.default,
                        &event.position,
                    ],
                )
                .await?;
            }
            Some(PlanEvent::PlanDefaultMoved { from, .. }) => {
                tx.execute("update plan_offers set is_default = false where variation = $1", &[&from])
                    .await?;
            }
            Some(PlanEvent::PlanVariationWithdrawn { variation, .. }) => {
                tx.execute("update plan_offers set sold = false where variation = $1", &[&variation]).await?;
            }
            Some(PlanEvent::PlanPriceChangeAnnounced { from, to, on, .. }) => {
                let sql = "update plan_offers set moves_to = $2, moves_on = $3 where variation = $1";
                tx.execute(sql, &[&from, &to, &on]).await?;
            }
        }
        Ok(())
    }
}

/// One price at which a plan is sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The plan.
    pub plan: Uuid,
    /// Its name.
    pub name: String,
    /// One sentence below it.
    pub summary: String,
    /// Price, interval and collection.
    pub variation: Variation,
}

impl Offer {
    /// "Studio, monthly".
    #[must_use]
    pub fn title(&self) -> String {
        let seats = self.variation.seats.map(|s| format!(", {}", s.words())).unwrap_or_default();
        format!("{}, {}{seats}", self.name, self.variation.interval.adjective())
    }

    /// Whether the clock charges a card for it.
    #[must_use]
    pub fn is_automatic(&self) -> bool {
        self.variation.collection == Collection::Automatic
    }
}

const OFFERS: &str = "select p.plan, p.name, p.summary, o.terms, o.is_default
    from plan_offers o join plans p using (plan)";

fn read(row: &Row) -> Result<Offer, QueryError> {
    let mut variation: Variation = serde_json::from_value(row.get(3))
        .map_err(|e| StoreError::Unreadable(format!("a plan's price cannot be read: {e}")))?;
    variation.default = row.get(4);
    Ok(Offer { plan: row.get(0), name: row.get(1), summary: row.get(2), variation })
}

/// What is sold in a currency: the default first, then as they were added.
///
/// # Errors
/// If the database cannot be read.
pub async fn offers(r: &Reader, currency: &str) -> Result<Vec<Offer>, QueryError> {
    let sql = format!("{OFFERS} where o.sold and o.currency = $1 order by o.is_default desc, o.position");
    r.client().await?.query(&sql, &[&currency]).await?.iter().map(read).collect()
}

/// One price, if it is still sold.
///
/// # Errors
/// If the database cannot be read.
pub async fn offer(r: &Reader, variation: Uuid) -> Result<Option<Offer>, QueryError> {
    let sql = format!("{OFFERS} where o.sold and o.variation = $1");
    r.client().await?.query_opt(&sql, &[&variation]).await?.as_ref().map(read).transpose()
}

/// A price as staff see it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The price.
    pub offer: Offer,
    /// Whether it can be had.
    pub sold: bool,
    /// The price that those who have it will be asked instead, and from when.
    pub moves: Option<(Uuid, NaiveDate)>,
}

/// Everything that is or was sold, for staff.
///
/// # Errors
/// If the database cannot be read.
pub async fn all(r: &Reader) -> Result<Vec<Listed>, QueryError> {
    let sql = "select p.plan, p.name, p.summary, o.terms, o.is_default, o.sold, o.moves_to, o.moves_on
        from plan_offers o join plans p using (plan) order by p.name, o.position";
    let rows = r.client().await?.query(sql, &[]).await?;
    let listed = |row: &Row| {
        let moves: (Option<Uuid>, Option<NaiveDate>) = (row.get(6), row.get(7));
        Ok(Listed { offer: read(row)?, sold: row.get(5), moves: moves.0.zip(moves.1) })
    };
    rows.iter().map(listed).collect()
}

/// The sentence below the name of a plan.
///
/// # Errors
/// If the database cannot be read.
pub async fn summary(r: &Reader, plan: Uuid) -> Result<Option<String>, QueryError> {
    let row = r.client().await?.query_opt("select summary from plans where plan = $1", &[&plan]).await?;
    Ok(row.map(|row| row.get(0)))
}

/// Every plan by name, whether it has a price or not.
///
/// # Errors
/// If the database cannot be read.
pub async fn names(r: &Reader) -> Result<Vec<(Uuid, String)>, QueryError> {
    let rows = r.client().await?.query("select plan, name from plans order by name, plan", &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}
