//! Prints an invoice or credit note: gathers what the paper needs beside the frozen document.

pub use crate::documents::REFERENCE;

use super::invoice_archive;
use super::services::Services;
use crate::documents::{self, Paper};
use crate::domain::order::Settlement;
use crate::domain::shared::tax::Country;
use crate::projections::invoices::Invoice;
use crate::projections::orders;
use crate::store::StoreError;

/// Who is billed, as it stands on the paper.
#[derive(Clone, Debug, Default)]
pub struct Billed {
    /// Name and address by lines; none once the time of the archive is over, or where none was asked for.
    pub address: Option<String>,
    /// VAT number of a business.
    pub vat_number: Option<String>,
}

/// Why an invoice could not be printed.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    /// The database cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No PDF can be made of it.
    #[error("{0}")]
    Print(String),
}

/// Who an invoice is billed to.
///
/// # Errors
/// If the database cannot be read.
pub async fn billed(cx: &Services, invoice: &Invoice) -> Result<Billed, StoreError> {
    if let Some(billed) = invoice_archive::opened(cx, &invoice.document, invoice.credit_note).await? {
        return Ok(billed);
    }
    let mut billed = Billed::default();
    if let Some(address) = &invoice.document.billing {
        billed.address = cx.reader.open(address).await?;
    }
    if let Some(number) = &invoice.document.vat_number {
        billed.vat_number = cx.reader.open(number).await?;
    }
    Ok(billed)
}

/// The PDF of an invoice.
///
/// # Errors
/// [`PaperError`].
pub async fn print(cx: &Services, invoice: &Invoice, billed: &Billed) -> Result<Vec<u8>, PaperError> {
    let studio = &cx.config.studio;
    let seller_country = Country::parse(&studio.country).map_err(|e| PaperError::Print(e.to_string()))?;
    let transfer = orders::one(&cx.reader, invoice.document.order).await?.and_then(|o| match o.settlement {
        Settlement::Transfer { iban, reference } => Some((iban, reference)),
        Settlement::Charge { .. } => None,
    });
    let (invoice, billed) = (invoice.clone(), billed.clone());
    let (name, hue) = (studio.name.clone(), studio.hue);
    // Fonts are cut to size and packed: not on a thread that serves requests.
    let printed = tokio::task::spawn_blocking(move || {
        let printed = documents::print(&Paper {
            number: &invoice.number,
            credit_note: invoice.credit_note,
            document: &invoice.document,
            buyer: billed.address.as_deref(),
            buyer_vat_number: billed.vat_number.as_deref(),
            seller_country,
            transfer: transfer.as_ref().map(|(iban, reference)| (iban.as_str(), reference.as_str())),
            studio: &name,
            hue,
        })?;
        if let Some(why) = &printed.without_data {
            // The rules that are broken concern the seller's own facts: settings, no personal value.
            tracing::warn!(invoice = invoice.number, %why, "an invoice has no data inside: complete [studio] in the settings");
        }
        Ok::<_, documents::PrintError>(printed.pdf)
    });
    let printed = printed.await.map_err(|e| PaperError::Print(e.to_string()))?;
    printed.map_err(|e| PaperError::Print(e.to_string()))
}
