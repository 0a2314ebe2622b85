use crate::domain::shared::calendar::Period;
use crate::domain::shared::tax::Tax;
use crate::domain::shared::{AccountId, Money, PersonalRef, derive_id};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Which numbers a series gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeriesKind {
    /// `INV-2026-00001`.
    Invoice,
    /// `CN-2026-00001`: takes an invoice back.
    CreditNote,
}

/// One line of an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceLine {
    /// What was sold.
    pub description: String,
    /// How many.
    pub quantity: u32,
    /// Price of one, tax included; negative on a credit note for a refund.
    pub unit: Money,
    /// The span it covers, where it is known.
    pub period: Option<Period>,
}

/// Who sells, as printed on the invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seller {
    /// Legal name.
    pub name: String,
    /// Address in one line.
    pub address: String,
    /// VAT number, or empty.
    pub vat_number: String,
}

/// What an invoice says, frozen when it is issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// The order it is for.
    pub order: Uuid,
    /// That order's number.
    pub order_number: String,
    /// The subscription.
    pub subscription: Uuid,
    /// Who buys.
    pub account: AccountId,
    /// Who sells.
    pub seller: Seller,
    /// Name and address of the buyer as they were then.
    pub billing: Option<PersonalRef>,
    /// VAT number of the business that buys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vat_number: Option<PersonalRef>,
    /// Lines.
    pub lines: Vec<InvoiceLine>,
    /// Total and tax with the rate.
    pub tax: Tax,
    /// Day of issue in the seller's zone.
    pub issued_on: NaiveDate,
    /// Whether it was paid when it was issued (else it asks for a transfer).
    pub paid: bool,
    /// Day of the payment in the seller's zone, which may be long before the day of issue: a bank tells of it
    /// late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_on: Option<NaiveDate>,
    /// The invoice that a credit note takes back, or corrects.
    pub corrects: Option<String>,
    /// The refund for which a credit note is issued; none where it takes the whole invoice back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<Uuid>,
    /// The order was paid late, so its span began on another day than the first invoice says: that one is
    /// taken back, and this invoice stands in its place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub moved: bool,
    /// The act by which an invoice is taken back, and issued anew for a buyer with other details.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reissue: Option<Uuid>,
    /// What of the total the buyer's credit has paid; the total stays the full price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit: Option<Money>,
}

impl Document {
    /// What gets one number, however often it is asked for: a refund, a correction of the buyer, an order's move to
    /// another span, else an order.
    #[must_use]
    pub fn cause(&self) -> Uuid {
        match self.refund {
            Some(refund) => refund,
            None if self.reissue.is_some() => {
                derive_id(&format!("order-{}", self.order), &format!("reissue {:?}", self.reissue))
            }
            // It may be moved more than once: to which span, or away from which invoice.
            None if self.moved => {
                let to = self.lines.first().and_then(|line| line.period).map(|span| span.start);
                let what = format!("invoice of the span it got {to:?} {:?}", self.corrects);
                derive_id(&format!("order-{}", self.order), &what)
            }
            None => self.order,
        }
    }
}

/// What happened in a series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum InvoiceSeriesEvent {
    /// An invoice got its number.
    InvoiceIssued {
        /// Position in the series, from 1.
        sequence: u32,
        /// As printed.
        number: String,
        /// The legal entity.
        entity: String,
        /// What it says.
        document: Box<Document>,
    },
    /// A credit note got its number.
    CreditNoteIssued {
        /// Position in the series, from 1.
        sequence: u32,
        /// As printed.
        number: String,
        /// The legal entity.
        entity: String,
        /// What it says.
        document: Box<Document>,
    },
}
