//! A payment service that keeps its word about keys and loses messages.

use super::plant::Plant;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use kinora::adapters::gateways::{
    CardEntry, ChargeRequest, Gateway, GatewayError, RefundRequest, SavedMethod,
};
use kinora::domain::shared::Money;
use kinora::domain::shared::payment::{Collection, Outcome, RefundOutcome};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// What it keeps of a key.
#[derive(Clone, Debug)]
pub struct Taken {
    pub order: String,
    pub amount: Money,
    pub outcome: Outcome,
}

/// Its books.
#[derive(Default)]
pub struct Till(pub Mutex<BTreeMap<Uuid, Taken>>);

/// The way to it.
pub struct Line(pub Arc<Plant>);

impl Line {
    /// A message there or back; it may not arrive.
    async fn message(&self) -> Result<(), GatewayError> {
        let world = &self.0.world;
        let late = world.chance(self.0.faults().late);
        world.sleep(world.between(1, if late { 20_000 } else { 80 })).await;
        self.0.shake();
        if world.chance(self.0.faults().gateway / 2) { Err(GatewayError::TimedOut) } else { Ok(()) }
    }

    fn decide(&self, key: Uuid, at: DateTime<Utc>) -> Outcome {
        let world = &self.0.world;
        let declined = |code: &str, hard| Outcome::Declined { code: code.into(), hard };
        if !world.chance(self.0.faults().cards) {
            return Outcome::Succeeded { gateway_reference: key.to_string() };
        }
        match world.dice(10) {
            0 => declined("stolen_card", true),
            1..5 => Outcome::RequiresAction { until: at + TimeDelta::hours(world.between(1, 24)) },
            _ => declined("insufficient_funds", false),
        }
    }
}

#[async_trait]
impl Gateway for Line {
    fn name(&self) -> &'static str {
        "sandbox"
    }

    fn collections(&self) -> &'static [Collection] {
        &[Collection::Automatic]
    }

    async fn save(&self, _: &CardEntry) -> Result<SavedMethod, GatewayError> {
        Err(GatewayError::Unsupported)
    }

    async fn charge(&self, request: &ChargeRequest) -> Result<Outcome, GatewayError> {
        self.message().await?;
        let fresh = self.decide(request.key, request.at);
        let outcome = {
            let mut books = self.0.till.0.lock().unwrap();
            let (order, amount) = (request.description.clone(), request.amount);
            let taken = books.entry(request.key).or_insert(Taken { order, amount, outcome: fresh });
            taken.outcome.clone()
        };
        self.0.world.note("charge", request.key.as_u128(), request.amount.minor);
        self.message().await?;
        Ok(outcome)
    }

    async fn look_up(&self, key: Uuid, _: Money) -> Result<Option<Outcome>, GatewayError> {
        self.message().await?;
        let found = self.0.till.0.lock().unwrap().get(&key).map(|t| t.outcome.clone());
        self.message().await?;
        Ok(found)
    }

    async fn cancel(&self, key: Uuid, amount: Money, _: DateTime<Utc>) -> Result<Outcome, GatewayError> {
        self.message().await?;
        let outcome = {
            let mut books = self.0.till.0.lock().unwrap();
            let order = String::new();
            let taken = books.entry(key).or_insert(Taken { order, amount, outcome: Outcome::Cancelled });
            if matches!(taken.outcome, Outcome::RequiresAction { .. }) {
                taken.outcome = Outcome::Cancelled;
            }
            taken.outcome.clone()
        };
        self.0.world.note("withdraw", key.as_u128(), 0);
        self.message().await?;
        Ok(outcome)
    }

    async fn confirm(
        &self,
        key: Uuid,
        approve: bool,
        _: Money,
        at: DateTime<Utc>,
    ) -> Result<Outcome, GatewayError> {
        self.message().await?;
        let mut books = self.0.till.0.lock().unwrap();
        let taken = books.get_mut(&key).ok_or(GatewayError::Unsupported)?;
        if matches!(taken.outcome, Outcome::RequiresAction { until } if approve && at < until) {
            taken.outcome = Outcome::Succeeded { gateway_reference: "confirmed".into() };
        }
        Ok(taken.outcome.clone())
    }

    async fn refund(&self, _: &RefundRequest) -> Result<RefundOutcome, GatewayError> {
        Err(GatewayError::Unsupported)
    }

    async fn look_up_refund(&self, _: Uuid, _: Uuid) -> Result<Option<RefundOutcome>, GatewayError> {
        Err(GatewayError::Unsupported)
    }

    async fn forget(&self, _: &str) -> Result<(), GatewayError> {
        Ok(())
    }
}
