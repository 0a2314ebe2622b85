//! An invoice that names the wrong buyer is taken back by a credit note, and issued anew with the right details.
//! What was sold, its price and its tax stay: what would have to be taxed otherwise is refunded and sold again.

use super::{Order, OrderError, OrderEvent, OrderStatus};
use crate::domain::shared::tax::{Tax, TaxKind};
use crate::domain::shared::{AccountId, PersonalRef};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The wish to have the invoice of an order issued anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReissueInvoice {
    /// Its id: asked twice, there is one new invoice.
    pub reissue: Uuid,
    /// Name and address of the buyer.
    pub billing: PersonalRef,
    /// VAT number of a business.
    pub vat_number: Option<PersonalRef>,
    /// The tax of the order as these details decide it.
    pub tax: Tax,
    /// Who of the staff asks.
    pub by: AccountId,
    /// When.
    pub at: DateTime<Utc>,
}

/// What is to stand in a new invoice of the order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceReissue {
    /// Its id.
    pub reissue: Uuid,
    /// Name and address of the buyer.
    pub billing: PersonalRef,
    /// VAT number of a business.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vat_number: Option<PersonalRef>,
    /// Who of the staff asked for it.
    pub by: AccountId,
    /// When.
    pub at: DateTime<Utc>,
}

impl Order {
    pub(super) fn reissue_invoice(&self, ask: ReissueInvoice) -> Result<Vec<OrderEvent>, OrderError> {
        let ReissueInvoice { reissue, billing, vat_number, tax, by, at } = ask;
        if self.reissues.contains(&reissue) {
            return Ok(vec![]);
        }
        // A transfer has its invoice when it is asked for, a charge when it is paid.
        let issued = match self.status {
            Some(status) if status.is_settled() => true,
            Some(OrderStatus::Cancelled) => return Err(OrderError::Cancelled),
            _ => self.by_transfer,
        };
        if !issued {
            return Err(OrderError::NoInvoice);
        }
        // Its credit notes name the invoice that stands.
        if self.went_back_of_price() {
            return Err(OrderError::InvoiceCorrected);
        }
        // Where none is due the country decides nothing.
        let same = |(kind, country)| kind == tax.kind && (kind == TaxKind::None || country == tax.country);
        if !self.taxed.is_some_and(same) {
            return Err(OrderError::OtherTax);
        }
        if self.billed.as_ref() == Some(&(billing.clone(), vat_number.clone())) {
            return Err(OrderError::SameBuyer);
        }
        let asked = InvoiceReissue { reissue, billing, vat_number, by, at };
        Ok(vec![OrderEvent::InvoiceReissueRequested(asked)])
    }
}
