//! Documents on paper: invoices and credit notes as PDF/A-3, with the same as data inside (Factur-X),
//! so that bookkeeping programs read what people read.
//!
//! Everything comes from what was frozen when the document was issued: the same document gives the same
//! bytes, whenever it is asked for.

mod data;
mod fonts;
mod paint;
mod sheet;
#[cfg(test)]
mod tests;

pub use data::NoData;

use crate::domain::invoice_series::Document;
use crate::domain::shared::tax::Country;
use en16931::Validated;
use en16931::profiles::En16931;
use en16931_formats::zugferd::{self, EmbedOptions};
use std::time::{Duration, SystemTime};

/// How the line of the buyer begins that holds their own reference (BT-10 in the data).
pub const REFERENCE: &str = "Reference: ";

/// What is printed on an invoice or credit note.
#[derive(Clone, Debug)]
pub struct Paper<'a> {
    /// Its number.
    pub number: &'a str,
    /// Whether it takes back or corrects an invoice.
    pub credit_note: bool,
    /// What was frozen when it was issued.
    pub document: &'a Document,
    /// Name and address of the buyer, by lines; none once the account was erased.
    pub buyer: Option<&'a str>,
    /// VAT number of the buyer, where tax is reverse charged.
    pub buyer_vat_number: Option<&'a str>,
    /// Country of the seller.
    pub seller_country: Country,
    /// IBAN and reference, if it asks for a transfer.
    pub transfer: Option<(&'a str, &'a str)>,
    /// Name of the studio, as the pages show it.
    pub studio: &'a str,
    /// Accent hue in degrees, 0–359.
    pub hue: u16,
}

/// Why a document could not be printed.
#[derive(Debug, thiserror::Error)]
pub enum PrintError {
    /// The PDF library refused.
    #[error("the PDF could not be made: {0}")]
    Pdf(String),
    /// The data could not be put into the PDF.
    #[error("the data could not be put into the PDF: {0}")]
    Embed(#[from] zugferd::EmbedError),
}

/// A printed document.
#[derive(Debug)]
pub struct Printed {
    /// The PDF.
    pub pdf: Vec<u8>,
    /// Why there is no data in it; none if there is.
    pub without_data: Option<NoData>,
}

/// Prints a document: PDF/A-3u, with Factur-X data where the facts allow it (profile EN 16931). A studio
/// that has not entered its legal address yet gets the paper all the same, and is told why it has no data.
///
/// # Errors
/// If a PDF cannot be made of it: a fault of ours.
pub fn print(paper: &Paper<'_>) -> Result<Printed, PrintError> {
    let plain = paint::pdf(paper, &sheet::lay_out(paper))?;
    match data::of(paper) {
        Ok(proof) => Ok(Printed { pdf: hybrid(paper, &plain, &proof)?, without_data: None }),
        Err(why) => Ok(Printed { pdf: plain, without_data: Some(why) }),
    }
}

fn hybrid(paper: &Paper<'_>, plain: &[u8], proof: &Validated<En16931>) -> Result<Vec<u8>, PrintError> {
    // The day of issue, not the time of the call: the same document gives the same bytes.
    let day = paper.document.issued_on.and_time(chrono::NaiveTime::MIN).and_utc().timestamp();
    let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(day).unwrap_or(0));
    let options = EmbedOptions { modified: Some(modified), ..EmbedOptions::default() };
    Ok(zugferd::embed(plain, proof, &options)?)
}
