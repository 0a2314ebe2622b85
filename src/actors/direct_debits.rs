//! SEPA direct debit: mandates that members sign, and files for the bank that staff make.

use super::bus::{Claim, CommandError, Envelope};
use super::payments::{bank_account, load_order};
use super::services::Services;
use crate::adapters::direct_debit;
use crate::adapters::gateways::bank::Iban;
use crate::domain::debit_file::{
    Creditor, Debit, DebitFile, DebitFileCommand, DebitFileError, MOST_DEBITS, Made,
};
use crate::domain::mandate::{Mandate, MandateCommand, MandateError, SignMandate, mandate_reference};
use crate::domain::order::transfer_reference;
use crate::domain::shared::calendar::Zone;
use crate::domain::shared::sepa::{bank_day_from, is_creditor_identifier};
use crate::domain::shared::{AccountId, PersonalValue, derive_id};
use crate::projections::debits::{self, Due};
use crate::store::repository::EventRepository;
use crate::store::{Metadata, Receipt, StoreError};
use chrono::{DateTime, Days, NaiveDate, Utc};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Countries and territories of the area in which such debits are made, by the first letters of an IBAN.
const AREA: [&str; 41] = [
    "AD", "AL", "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GI", "GR",
    "HR", "HU", "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MC", "MD", "ME", "MK", "MT", "NL", "NO", "PL",
    "PT", "RO", "RS", "SE", "SI", "SK", "SM",
];

/// Why something is not done.
#[derive(Debug, thiserror::Error)]
pub enum DebitProblem {
    /// What was typed cannot be used; the field and a sentence about it.
    #[error("{1}")]
    Field(&'static str, String),
    /// The studio collects nothing.
    #[error("Direct debit is not set up: the operators set gateways.bank.creditor_id.")]
    NotSetUp,
    /// The mandate refuses.
    #[error(transparent)]
    Mandate(#[from] CommandError<MandateError>),
    /// The file refuses.
    #[error(transparent)]
    File(#[from] CommandError<DebitFileError>),
    /// Somebody else made a file with one of the orders at the same moment.
    #[error("Another file with some of these orders was made meanwhile. Look at the list again.")]
    Taken,
    /// An account is erased: the file cannot be made again.
    #[error(transparent)]
    Erased(#[from] direct_debit::Erased),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who collects, if the studio does.
#[must_use]
pub fn creditor(cx: &Services) -> Option<Creditor> {
    let bank = &cx.config.gateways.bank;
    let (iban, name) = bank_account(&cx.config)?;
    is_creditor_identifier(&bank.creditor_id).then(|| Creditor {
        name,
        iban: iban.as_str().to_owned(),
        bic: Some(bank.bic.clone()).filter(|b| !b.is_empty()),
        identifier: bank.creditor_id.clone(),
    })
}

/// The day it is at `at` where the studio is.
fn today(cx: &Services, at: DateTime<Utc>) -> NaiveDate {
    Zone::parse(&cx.config.studio.zone).map_or_else(|_| at.date_naive(), |zone| zone.date_of(at))
}

/// The mandate of an account.
///
/// # Errors
/// If the log cannot be read.
pub async fn mandate_of(cx: &Services, account: AccountId) -> Result<Mandate, StoreError> {
    Ok(EventRepository::<Mandate>::new(cx.pool.clone(), cx.journal.clone()).load(account).await?.state)
}

/// Signs a mandate in the name of its member. Account number and holder are sealed.
///
/// # Errors
/// If something typed cannot be used, or there is a mandate already.
pub async fn sign(
    cx: &Services,
    (id, meta): (Uuid, Metadata),
    account: AccountId,
    (holder, iban): (&str, &str),
) -> Result<Receipt, DebitProblem> {
    let creditor = creditor(cx).ok_or(DebitProblem::NotSetUp)?;
    let field = |name, words: &str| DebitProblem::Field(name, words.to_owned());
    let holder = holder.trim();
    if holder.is_empty() || holder.chars().count() > 70 {
        return Err(field("holder", "Enter the name of the account's holder, at most 70 letters."));
    }
    let iban = Iban::parse(iban).map_err(|_| {
        field(
            "iban",
            "This is not an IBAN: letters, digits or check digits are wrong. Compare it with your bank card.",
        )
    })?;
    if !AREA.iter().any(|country| iban.as_str().starts_with(country)) {
        return Err(field(
            "iban",
            "Accounts of this country cannot be debited in euro. Pay by transfer or card.",
        ));
    }
    let mandate = derive_id("mandate", &id.to_string());
    let sealed =
        |name: &str, text: &str| PersonalValue::new(account, name, derive_id(&id.to_string(), name), text);
    let (iban, holder) = (sealed("iban", iban.as_str()), sealed("iban_holder", holder));
    let reference = mandate_reference(mandate);
    let command = MandateCommand::Sign(Box::new(SignMandate {
        mandate,
        account,
        reference: reference.clone(),
        iban: iban.reference.clone(),
        holder: holder.reference.clone(),
        creditor: creditor.identifier,
        notice_days: cx.config.gateways.bank.debit_notice_days,
        signed_on: today(cx, meta.at),
        at: meta.at,
    }));
    let envelope = Envelope::new(id, account, command, meta)
        .with_private(vec![iban, holder])
        .with_claims(vec![Claim::new("mandate-reference", reference)]);
    Ok(cx.bus.dispatch::<Mandate>(envelope).await?)
}

/// Takes a mandate back.
///
/// # Errors
/// If there is none.
pub async fn revoke(
    cx: &Services,
    (id, meta): (Uuid, Metadata),
    account: AccountId,
) -> Result<Receipt, DebitProblem> {
    let command = MandateCommand::Revoke { at: meta.at };
    Ok(cx.bus.dispatch::<Mandate>(Envelope::new(id, account, command, meta)).await?)
}

/// The day on which a file made on `today` collects an order.
fn soonest(due: &Due, today: NaiveDate) -> NaiveDate {
    let told = today + Days::new(u64::from(due.mandate.notice_days));
    bank_day_from(due.starts_on.map_or(told, |day| day.max(told)))
}

/// When an order that would wait for a transfer is collected instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collecting {
    /// It stands in a file for the bank: on that day.
    On(NaiveDate),
    /// The next file takes it: on that day at the soonest.
    From(NaiveDate),
}

/// When an order is collected, as far as that is known at `at`; none if its member has to pay it. `until`: until when
/// the bank's answer is awaited, where it stands in a file.
///
/// # Errors
/// If the database cannot be read.
pub async fn collecting(
    cx: &Services,
    order: Uuid,
    until: Option<DateTime<Utc>>,
    at: DateTime<Utc>,
) -> Result<Option<Collecting>, StoreError> {
    if let Some(until) = until {
        let waits = at < until;
        let sent = if waits { load_order(cx, order).await?.debit().map(|d| d.collect_on) } else { None };
        return Ok(sent.map(Collecting::On));
    }
    if creditor(cx).is_none() {
        return Ok(None);
    }
    let Some(due) = debits::due_order(&cx.reader, order).await? else { return Ok(None) };
    let day = soonest(&due, today(cx, at));
    Ok(due.mandate.holds_on(day).then_some(Collecting::From(day)))
}

/// What could be collected by a file made at `at`: orders that wait for a transfer, whose buyers have a mandate
/// that holds, each mandate once, the oldest first; none that stood in a file before.
///
/// # Errors
/// If the database cannot be read.
pub async fn due(cx: &Services, at: DateTime<Utc>) -> Result<Vec<Debit>, StoreError> {
    let today = today(cx, at);
    let most = i64::try_from(MOST_DEBITS).unwrap_or(i64::MAX);
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for found in debits::due(&cx.reader, most).await? {
        let collect_on = soonest(&found, today);
        let Due { order, number, account, amount, mandate, .. } = found;
        if !mandate.holds_on(collect_on) || !seen.insert(mandate.mandate) {
            continue;
        }
        all.push(Debit {
            order,
            reference: transfer_reference(&number),
            number,
            account,
            mandate: mandate.mandate,
            mandate_reference: mandate.reference.clone(),
            signed_on: mandate.signed_on,
            sequence: mandate.sequence(),
            iban: mandate.iban,
            holder: mandate.holder,
            amount,
            collect_on,
        });
    }
    Ok(all)
}

/// Makes a file of everything that is due. Each order goes into one file only: it is claimed.
///
/// # Errors
/// If nothing is due, or another file took one of the orders.
pub async fn make(
    cx: &Services,
    (id, meta): (Uuid, Metadata),
    by: AccountId,
) -> Result<(Uuid, Receipt), DebitProblem> {
    let creditor = creditor(cx).ok_or(DebitProblem::NotSetUp)?;
    let debits = due(cx, meta.at).await?;
    let file = derive_id("debit-file", &id.to_string());
    let mark = file.simple().to_string();
    let message = format!("KDD{}-{}", meta.at.format("%Y%m%d"), mark.get(..12).unwrap_or(&mark));
    let mut claims: Vec<Claim> =
        debits.iter().map(|d| Claim::new("debited-order", d.order.to_string())).collect();
    let at = meta.at;
    let made =
        Made { file, message: message.clone(), creditor: creditor.clone(), debits: debits.clone(), by, at };
    claims.extend(made.batches().into_iter().map(|(name, ..)| Claim::new("debit-batch", name)));
    let command = DebitFileCommand::Make { file, message, creditor, debits, by, at };
    match cx.bus.dispatch::<DebitFile>(Envelope::new(id, file, command, meta).with_claims(claims)).await {
        Ok(receipt) => Ok((file, receipt)),
        Err(CommandError::Taken { .. }) => Err(DebitProblem::Taken),
        Err(error) => Err(error.into()),
    }
}

/// A file that was made.
///
/// # Errors
/// If the log cannot be read.
pub async fn file(cx: &Services, id: Uuid) -> Result<Option<Made>, StoreError> {
    let loaded = EventRepository::<DebitFile>::new(cx.pool.clone(), cx.journal.clone()).load(id).await?;
    Ok(loaded.state.made().cloned())
}

/// The file as the bank takes it; the same bytes each time.
///
/// # Errors
/// If an account in it is erased, or the vault cannot be read.
pub async fn content(cx: &Services, made: &Made) -> Result<String, DebitProblem> {
    let wanted: Vec<_> = made.debits.iter().flat_map(|d| [d.iban.clone(), d.holder.clone()]).collect();
    let opened = cx.reader.open_many(&wanted).await?;
    Ok(direct_debit::write(made, &opened)?)
}
