//! An invoice or credit note as PDF, for the member and for staff.

use crate::documents::{self, Paper};
use crate::domain::order::Settlement;
use crate::domain::shared::tax::Country;
use crate::http::error::HttpError;
use crate::http::response::{self, bytes};
use crate::http::{Req, Res};
use crate::projections::invoices::Invoice;
use crate::projections::orders;
use warp::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};

/// Who is billed: name and address, and the VAT number of a business. None once they were erased.
///
/// # Errors
/// If the database cannot be read.
pub(in crate::http::pages) async fn buyer(
    req: &Req,
    invoice: &Invoice,
) -> Result<(Option<String>, Option<String>), HttpError> {
    let reader = &req.app.reader;
    let address = match &invoice.document.billing {
        Some(billing) => reader.open(billing).await?,
        None => None,
    };
    let number = match &invoice.document.vat_number {
        Some(number) => reader.open(number).await?,
        None => None,
    };
    Ok((address, number))
}

/// The PDF of an invoice, to save.
///
/// # Errors
/// If the database cannot be read or no PDF can be made.
pub(in crate::http::pages) async fn pdf(
    req: &Req,
    invoice: &Invoice,
    (buyer, vat_number): (Option<&str>, Option<&str>),
) -> Result<Res, HttpError> {
    let studio = &req.app.config.studio;
    let order = orders::one(&req.app.reader, invoice.document.order).await?;
    let transfer = order.as_ref().and_then(|o| match &o.settlement {
        Settlement::Transfer { iban, reference } => Some((iban.as_str(), reference.as_str())),
        Settlement::Charge { .. } => None,
    });
    let paper = Paper {
        number: &invoice.number,
        credit_note: invoice.credit_note,
        document: &invoice.document,
        buyer,
        buyer_vat_number: vat_number,
        seller_country: Country::parse(&studio.country).map_err(|e| HttpError::Internal(e.to_string()))?,
        transfer,
        studio: &studio.name,
        hue: studio.hue,
    };
    let printed = documents::print(&paper).map_err(|e| HttpError::Internal(e.to_string()))?;
    if let Some(why) = printed.without_data {
        // The rules that are broken concern the seller's own facts: settings, no personal value.
        tracing::warn!(invoice = invoice.number, %why, "an invoice has no data inside: complete [studio] in the settings");
    }
    let mut res = bytes("application/pdf", printed.pdf);
    let name = format!("attachment; filename=\"{}.pdf\"", invoice.number);
    response::set(&mut res, CONTENT_DISPOSITION, &name);
    response::set(&mut res, CACHE_CONTROL, "private, no-store");
    Ok(res)
}
