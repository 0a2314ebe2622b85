//! The archive of what tax law keeps: who an invoice is billed to, sealed apart from the person, so that it
//! outlives an erasure; and destroyed when its time is over.
//!
//! There is one key per year of issue and country of tax (a subject of the key store of its own), because years
//! and laws end, not invoices. The text is written with the invoice, in the same transaction.

use super::paper::Billed;
use super::services::Services;
use crate::domain::invoice_series::Document;
use crate::domain::shared::tax::Country;
use crate::domain::shared::{AccountId, PersonalRef, PersonalValue, derive_id};
use crate::projections::invoices;
use crate::store::StoreError;
use chrono::{Datelike as _, NaiveDate};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const FIELD: &str = "invoice_buyer";

/// What is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    address: Option<String>,
    vat_number: Option<String>,
}

/// For whom the invoices of a year and country are sealed.
fn subject(year: i32, country: Country) -> Uuid {
    derive_id("invoice archive", &format!("{year} {}", country.code()))
}

/// Where the buyer of a document is kept.
fn reference(document: &Document, credit_note: bool) -> PersonalRef {
    // An order may have several: one that is paid late gets another invoice, and refunds their credit notes.
    let kind = if credit_note { "credit note" } else { "invoice" };
    let corrects = document.corrects.as_deref().unwrap_or_default();
    let refund = document.refund.map(|id| id.to_string()).unwrap_or_default();
    let anew = document.reissue.map(|id| format!(" {id}")).unwrap_or_default();
    let which = format!("{kind} {} {} {corrects} {refund}{anew}", document.issued_on, document.paid);
    PersonalRef {
        subject: subject(document.issued_on.year(), document.tax.country),
        field: FIELD.into(),
        version: derive_id(&document.order.to_string(), &format!("archived {which}")),
    }
}

/// What is to be written with a document; nothing if it names no buyer, or the buyer is erased already.
///
/// # Errors
/// If database or key store cannot be read.
pub async fn value(
    cx: &Services,
    document: &Document,
    credit_note: bool,
) -> Result<Option<PersonalValue>, StoreError> {
    let open = async |sealed: &Option<PersonalRef>| match sealed {
        Some(sealed) => cx.reader.open(sealed).await,
        None => Ok(None),
    };
    let mut kept =
        Kept { address: open(&document.billing).await?, vat_number: open(&document.vat_number).await? };
    if kept.address.is_none()
        && let Some(number) = &document.corrects
        && let Some(corrected) = invoices::by_number(&cx.reader, number).await?
        && let Some(billed) = opened(cx, &corrected.document, false).await?
    {
        // A credit note for somebody who is gone names whom its invoice names.
        kept = Kept { address: billed.address, vat_number: billed.vat_number };
    }
    if kept.address.is_none() && kept.vat_number.is_none() {
        return Ok(None);
    }
    let text = serde_json::to_string(&kept).unwrap_or_default();
    Ok(Some(PersonalValue { reference: reference(document, credit_note), text }))
}

/// The buyer of a document from the archive; none if it was never kept, or its time is over.
///
/// # Errors
/// If database or key store cannot be read.
pub async fn opened(
    cx: &Services,
    document: &Document,
    credit_note: bool,
) -> Result<Option<Billed>, StoreError> {
    let text = cx.reader.open(&reference(document, credit_note)).await?;
    let kept: Option<Kept> = text.and_then(|t| serde_json::from_str(&t).ok());
    Ok(kept.map(|k| Billed { address: k.address, vat_number: k.vat_number }))
}

/// Keeps the buyer of all invoices of an account that were issued before there was an archive. Bears repetition.
///
/// # Errors
/// If database or key store cannot be used.
pub async fn keep_older(cx: &Services, account: AccountId) -> Result<(), StoreError> {
    for invoice in invoices::of_account(&cx.reader, account).await? {
        let Some(value) = value(cx, &invoice.document, invoice.credit_note).await? else { continue };
        let client = cx.pool.get().await?;
        for sealed in cx.vault.seal(vec![value]).await? {
            let at = &sealed.reference;
            client
                .execute(
                    "insert into public.vault (subject, field, version, ciphertext) values ($1, $2, $3, $4)
                     on conflict do nothing",
                    &[&at.subject, &at.field, &at.version, &sealed.ciphertext],
                )
                .await?;
        }
    }
    Ok(())
}

/// Destroys the keys of all years whose time is over on `today`, and what they sealed. Gives how many.
///
/// # Errors
/// If database or key store cannot be used.
pub async fn destroy_past(cx: &Services, today: NaiveDate) -> Result<i64, StoreError> {
    let client = cx.pool.get().await?;
    let mut destroyed = 0;
    for (year, country) in invoices::years_and_countries(&cx.reader).await? {
        let years = cx.config.erasure.archive_years_of(country.code());
        // The time begins when the year ends.
        if today.year() - year <= i32::from(years) {
            continue;
        }
        let subject = subject(year, country);
        if cx.vault.key_store().get(subject).await?.is_some() {
            cx.vault.erase(&client, subject).await?;
            destroyed += 1;
        }
    }
    Ok(destroyed)
}
