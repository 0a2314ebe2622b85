//! An invoice or credit note as PDF, for the member and for staff.

use crate::actors::paper::{Billed, PaperError, print};
use crate::http::error::HttpError;
use crate::http::response::{self, bytes};
use crate::http::{Req, Res};
use crate::projections::invoices::Invoice;
use warp::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};

/// The PDF of an invoice, to save.
///
/// # Errors
/// If the database cannot be read or no PDF can be made.
pub(in crate::http) async fn pdf(req: &Req, invoice: &Invoice, billed: &Billed) -> Result<Res, HttpError> {
    let pdf = print(&req.app, invoice, billed).await.map_err(|error| match error {
        PaperError::Store(error) => error.into(),
        PaperError::Print(why) => HttpError::Internal(why),
    })?;
    let mut res = bytes("application/pdf", pdf);
    let name = format!("attachment; filename=\"{}.pdf\"", invoice.number);
    response::set(&mut res, CONTENT_DISPOSITION, &name);
    response::set(&mut res, CACHE_CONTROL, "private, no-store");
    Ok(res)
}
