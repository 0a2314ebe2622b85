//! The sandbox: a deterministic payment service for demo and tests, with books of its own.
//!
//! What a charge does follows from the test card alone. The books are kept by key, so that a
//! charge sent twice is made once.

use super::{CardEntry, ChargeRequest, Gateway, GatewayError, RefundRequest, SavedMethod};
use crate::domain::order::{DisputeReport, DisputeState};
use crate::domain::shared::payment::{Collection, Outcome, RefundOutcome, card_expires_on};
use crate::domain::shared::{Currency, Money};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use deadpool_postgres::Pool;
use tokio_postgres::Row;
use uuid::Uuid;

/// Time in which the holder can confirm a charge.
const CONFIRM_WITHIN: TimeDelta = TimeDelta::hours(24);

/// Time after which a disputed charge is decided.
const DECIDED_AFTER: TimeDelta = TimeDelta::days(30);

/// A test card: its number, what it does, and what is said about it.
pub struct TestCard {
    /// The number.
    pub number: &'static str,
    /// What it does, in one word.
    pub behaviour: &'static str,
    /// What it does, as a sentence.
    pub says: &'static str,
}

/// All cards the sandbox takes.
pub const CARDS: &[TestCard] = &[
    TestCard { number: "4242424242424242", behaviour: "ok", says: "is charged" },
    TestCard { number: "4000000000000002", behaviour: "card_declined", says: "is declined" },
    TestCard { number: "4000000000009995", behaviour: "insufficient_funds", says: "has no funds" },
    TestCard { number: "4000000000009979", behaviour: "stolen_card", says: "was reported stolen" },
    TestCard { number: "4000002500003155", behaviour: "action", says: "asks for a confirmation" },
    TestCard {
        number: "4000000000000259",
        behaviour: "disputed_lost",
        says: "is charged, disputed, and lost after 30 days",
    },
    TestCard {
        number: "4000000000001976",
        behaviour: "disputed_won",
        says: "is charged, disputed, and won after 30 days",
    },
    TestCard {
        number: "4000000000000119",
        behaviour: "timeout_charged",
        says: "is charged, the answer is lost",
    },
    TestCard { number: "4000000000000127", behaviour: "timeout", says: "is not charged, the answer is lost" },
];

/// The gateway.
#[derive(Clone)]
pub struct Sandbox {
    pool: Pool,
}

impl Sandbox {
    /// A sandbox with its books in that database.
    #[must_use]
    pub const fn new(pool: Pool) -> Self {
        Self { pool }
    }

    async fn row(&self, key: Uuid) -> Result<Option<Row>, GatewayError> {
        let sql = "select state, code, hard, until, reference from public.sandbox_charges where key = $1";
        let client = self.pool.get().await.map_err(lost)?;
        client.query_opt(sql, &[&key]).await.map_err(lost)
    }
}

/// Trouble with the books is as good as no answer.
fn lost(error: impl std::fmt::Display) -> GatewayError {
    tracing::warn!(%error, "the sandbox's books cannot be read");
    GatewayError::TimedOut
}

fn outcome(row: &Row) -> Outcome {
    match row.get::<_, &str>(0) {
        "succeeded" => Outcome::Succeeded { gateway_reference: row.get(4) },
        "declined" => {
            Outcome::Declined { code: row.get::<_, Option<String>>(1).unwrap_or_default(), hard: row.get(2) }
        }
        "cancelled" => Outcome::Cancelled,
        _ => Outcome::RequiresAction { until: row.get::<_, Option<DateTime<Utc>>>(3).unwrap_or_default() },
    }
}

#[async_trait]
impl Gateway for Sandbox {
    fn name(&self) -> &'static str {
        "sandbox"
    }

    fn collections(&self) -> &'static [Collection] {
        &[Collection::Automatic, Collection::Manual]
    }

    async fn save(&self, card: &CardEntry) -> Result<SavedMethod, GatewayError> {
        let number: String = card.number.chars().filter(char::is_ascii_digit).collect();
        let Some(known) = CARDS.iter().find(|c| c.number == number) else {
            let why = "The sandbox takes only its test cards, such as 4242 4242 4242 4242. Never enter a real card here.";
            return Err(GatewayError::Refused(why.into()));
        };
        // Test cards are charged after that month, too.
        if card_expires_on(&card.expiry).is_none() {
            return Err(GatewayError::Refused("Enter the expiry as month and year, such as 12/30.".into()));
        }
        let token = format!("sbx_{}", Uuid::new_v4().simple());
        let client = self.pool.get().await.map_err(lost)?;
        let sql = "insert into public.sandbox_methods values ($1, $2)";
        client.execute(sql, &[&token, &known.behaviour]).await.map_err(lost)?;
        let label = format!("Visa ending in {}, expires {}", &number[12..], card.expiry.trim());
        Ok(SavedMethod { token, label, expires_on: card_expires_on(&card.expiry) })
    }

    async fn charge(&self, request: &ChargeRequest) -> Result<Outcome, GatewayError> {
        if let Some(row) = self.row(request.key).await? {
            return Ok(outcome(&row));
        }
        let client = self.pool.get().await.map_err(lost)?;
        let found = client
            .query_opt("select behaviour from public.sandbox_methods where token = $1", &[&request.token])
            .await
            .map_err(lost)?;
        let behaviour = found.map_or_else(|| "unknown_method".to_owned(), |row| row.get(0));
        let (state, code, until) = match behaviour.as_str() {
            "ok" | "timeout_charged" | "disputed_lost" | "disputed_won" => ("succeeded", None, None),
            "action" => ("action-required", None, Some(request.at + CONFIRM_WITHIN)),
            "timeout" => return Err(GatewayError::TimedOut),
            code => ("declined", Some(code), None),
        };
        let hard = matches!(behaviour.as_str(), "stolen_card" | "unknown_method");
        let reference = format!("sbx_ch_{}", &request.key.simple().to_string()[..16]);
        client
            .execute(
                "insert into public.sandbox_charges values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                 on conflict (key) do nothing",
                &[
                    &request.key,
                    &request.token,
                    &request.amount.minor,
                    &request.amount.currency.code(),
                    &state,
                    &code,
                    &hard,
                    &until,
                    &reference,
                    &request.at,
                ],
            )
            .await
            .map_err(lost)?;
        drop(client);
        if behaviour == "timeout_charged" {
            return Err(GatewayError::TimedOut);
        }
        self.row(request.key).await?.as_ref().map(outcome).ok_or(GatewayError::TimedOut)
    }

    async fn look_up(&self, key: Uuid, _: Money) -> Result<Option<Outcome>, GatewayError> {
        Ok(self.row(key).await?.as_ref().map(outcome))
    }

    async fn cancel(&self, key: Uuid, amount: Money, at: DateTime<Utc>) -> Result<Outcome, GatewayError> {
        let client = self.pool.get().await.map_err(lost)?;
        client
            .execute(
                "insert into public.sandbox_charges values ($1, null, $2, $3, 'cancelled', null, false, null, 'barred', $4)
                 on conflict (key) do update set state = 'cancelled'
                 where sandbox_charges.state = 'action-required'",
                &[&key, &amount.minor, &amount.currency.code(), &at],
            )
            .await
            .map_err(lost)?;
        drop(client);
        self.row(key).await?.as_ref().map(outcome).ok_or(GatewayError::TimedOut)
    }

    async fn confirm(
        &self,
        key: Uuid,
        approve: bool,
        _: Money,
        at: DateTime<Utc>,
    ) -> Result<Outcome, GatewayError> {
        let client = self.pool.get().await.map_err(lost)?;
        let (state, code) =
            if approve { ("succeeded", None) } else { ("declined", Some("authentication_failed")) };
        client
            .execute(
                "update public.sandbox_charges set state = $2, code = $3
                 where key = $1 and state = 'action-required' and until > $4",
                &[&key, &state, &code, &at],
            )
            .await
            .map_err(lost)?;
        drop(client);
        self.row(key).await?.as_ref().map(outcome).ok_or(GatewayError::Unsupported)
    }

    async fn refund(&self, request: &RefundRequest) -> Result<RefundOutcome, GatewayError> {
        let mut client = self.pool.get().await.map_err(lost)?;
        let tx = client.transaction().await.map_err(lost)?;
        // Locked, so that two refunds cannot both take the same rest.
        let sql = "select c.state, c.minor, c.currency, m.behaviour from public.sandbox_charges c
            left join public.sandbox_methods m on m.token = c.token where c.key = $1 for update of c";
        let Some(charge) = tx.query_opt(sql, &[&request.charge]).await.map_err(lost)? else {
            return Ok(RefundOutcome::Refused { code: "no_such_charge".into() });
        };
        let sql = "select coalesce(sum(minor), 0)::bigint from public.sandbox_refunds
            where charge = $1 and state = 'succeeded' and key <> $2";
        let back: i64 = tx.query_one(sql, &[&request.charge, &request.key]).await.map_err(lost)?.get(0);
        let code = if charge.get::<_, &str>(0) != "succeeded" {
            Some("charge_not_made")
        } else if charge.get::<_, &str>(2) != request.amount.currency.code() {
            Some("other_currency")
        } else if back + request.amount.minor > charge.get::<_, i64>(1) {
            Some("exceeds_charge")
        } else {
            None
        };
        let state = if code.is_none() { "succeeded" } else { "refused" };
        let reference = format!("sbx_re_{}", &request.key.simple().to_string()[..16]);
        tx.execute(
            "insert into public.sandbox_refunds values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (key) do nothing",
            &[
                &request.key,
                &request.charge,
                &request.amount.minor,
                &request.amount.currency.code(),
                &state,
                &code,
                &reference,
                &request.at,
            ],
        )
        .await
        .map_err(lost)?;
        tx.commit().await.map_err(lost)?;
        drop(client);
        if charge.get::<_, Option<&str>>(3) == Some("timeout_charged") {
            return Err(GatewayError::TimedOut);
        }
        self.look_up_refund(request.charge, request.key).await?.ok_or(GatewayError::TimedOut)
    }

    async fn look_up_refund(&self, _charge: Uuid, key: Uuid) -> Result<Option<RefundOutcome>, GatewayError> {
        let client = self.pool.get().await.map_err(lost)?;
        let sql = "select state, code, reference from public.sandbox_refunds where key = $1";
        let row = client.query_opt(sql, &[&key]).await.map_err(lost)?;
        Ok(row.map(|row| match row.get::<_, &str>(0) {
            "succeeded" => RefundOutcome::Succeeded { gateway_reference: row.get(2) },
            _ => RefundOutcome::Refused { code: row.get::<_, Option<String>>(1).unwrap_or_default() },
        }))
    }

    async fn disputes(
        &self,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Vec<DisputeReport>, GatewayError> {
        let sql = "select c.key, c.minor, c.currency, c.created_at, m.behaviour from public.sandbox_charges c
            join public.sandbox_methods m on m.token = c.token
            where c.state = 'succeeded' and m.behaviour like 'disputed%' and c.created_at >= $1 and c.created_at <= $2";
        let client = self.pool.get().await.map_err(lost)?;
        let rows = client.query(sql, &[&since, &now]).await.map_err(lost)?;
        let report = |row: &Row| {
            let charge: Uuid = row.get(0);
            let decided = row.get::<_, DateTime<Utc>>(3) + DECIDED_AFTER <= now;
            Some(DisputeReport {
                dispute: format!("sbx_dp_{}", &charge.simple().to_string()[..16]),
                attempt: charge,
                amount: Money::new(row.get(1), Currency::parse(row.get(2)).ok()?),
                reason: "fraudulent".into(),
                state: match (decided, row.get::<_, &str>(4)) {
                    (false, _) => DisputeState::Open,
                    (true, "disputed_won") => DisputeState::Won,
                    (true, _) => DisputeState::Lost,
                },
            })
        };
        Ok(rows.iter().filter_map(report).collect())
    }

    async fn forget(&self, token: &str) -> Result<(), GatewayError> {
        let client = self.pool.get().await.map_err(lost)?;
        client
            .execute("delete from public.sandbox_methods where token = $1", &[&token])
            .await
            .map_err(lost)?;
        Ok(())
    }
}
