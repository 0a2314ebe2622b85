//! VAT numbers and the register of the Union.

use super::bus::Envelope;
use super::services::Services;
use crate::adapters::vies::Vies;
use crate::domain::shared::vat_number::VatCheck;
use crate::domain::subscription::{Subscription, SubscriptionCommand};
use crate::projections::subscriptions::{self, SubscriptionRow};
use crate::store::{Metadata, StoreError};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Numbers read from the list at once.
const PAGE: i64 = 100;

/// Why a round of questions ended early.
#[derive(Debug, thiserror::Error)]
pub enum VatError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An answer could not be written down.
    #[error("{0}")]
    Record(String),
}

/// What a round of questions found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Numbers that were asked for.
    pub asked: i64,
    /// Of these, without an answer.
    pub pending: i64,
    /// Of these, not registered.
    pub refused: i64,
    /// Numbers that could not be read, or whose answer not be written down.
    pub failed: i64,
}

/// The register, if it is to be asked.
fn register(cx: &Services) -> Option<Vies> {
    let base = cx.config.vies.base_url.as_deref().filter(|base| !base.is_empty())?;
    let plain = !cx.config.is_production();
    match Vies::new(base, &cx.config.studio.vat_number, plain, cx.https.clone()) {
        Ok(vies) => Some(vies),
        Err(error) => {
            tracing::error!(%error, "the register of VAT numbers cannot be asked");
            None
        }
    }
}

/// What the register says of a number; none where it is not asked.
pub async fn check(cx: &Services, number: &str) -> Option<VatCheck> {
    let check = register(cx)?.ask(number).await;
    count(cx, &check);
    Some(check)
}

fn count(cx: &Services, check: &VatCheck) {
    let word = match check {
        VatCheck::Pending => "pending",
        VatCheck::Confirmed { .. } => "confirmed",
        VatCheck::Refused => "refused",
    };
    cx.metrics.billing.vat_checks.with_label_values(&[word]).inc();
}

/// Asks again for numbers without an answer, and for those that were confirmed long ago.
///
/// # Errors
/// If the list cannot be read.
pub async fn ask_again(
    cx: &Services,
    at: DateTime<Utc>,
    command_id: impl Fn(Uuid) -> Uuid,
    meta: &Metadata,
) -> Result<Round, VatError> {
    let mut round = Round::default();
    let Some(register) = register(cx) else { return Ok(round) };
    let mut last = Uuid::nil();
    loop {
        let rows = subscriptions::to_ask_register(&cx.reader, at, last, PAGE).await?;
        let Some(end) = rows.last() else { return Ok(round) };
        last = end.id;
        for row in rows {
            let id = row.id;
            let asked = ask_one(cx, &register, row, (at, command_id(id)), meta).await;
            match asked {
                Ok(None) => {}
                Ok(Some(check)) => {
                    round.asked += 1;
                    round.pending += i64::from(check == VatCheck::Pending);
                    round.refused += i64::from(check == VatCheck::Refused);
                }
                // The others do not wait for this one; it is asked for again tomorrow.
                Err(error) => {
                    round.failed += 1;
                    tracing::error!(subscription = %id, %error, "a VAT number could not be checked");
                }
            }
        }
    }
}

/// Asks for the number of one subscription, and writes the answer down; none if it has none any more.
async fn ask_one(
    cx: &Services,
    register: &Vies,
    row: SubscriptionRow,
    (at, id): (DateTime<Utc>, Uuid),
    meta: &Metadata,
) -> Result<Option<VatCheck>, VatError> {
    let Some(reference) = row.state.vat_number().cloned() else { return Ok(None) };
    let Some(number) = cx.reader.open(&reference).await? else { return Ok(None) };
    let check = register.ask(&number).await;
    count(cx, &check);
    let command = SubscriptionCommand::RecordVatCheck { number: reference, check: check.clone(), at };
    let envelope = Envelope::new(id, row.id, command, meta.clone());
    let sent = cx.bus.dispatch::<Subscription>(envelope).await;
    sent.map_err(|e| VatError::Record(e.to_string()))?;
    Ok(Some(check))
}
