//! Gives every order its invoice: when it is paid, or at once when it asks for a transfer. An
//! invoice that nobody has to pay any more is taken back by a credit note.

use super::{Workflow, WorkflowError};
use crate::actors::bus::Envelope;
use crate::actors::services::Services;
use crate::domain::invoice_series::{
    Document, InvoiceLine, InvoiceSeries, InvoiceSeriesCommand, Seller, SeriesKind, series_id,
};
use crate::domain::order::{OrderEvent, Settlement};
use crate::domain::shared::calendar::Zone;
use crate::projections::invoices;
use crate::store::{RecordedEvent, log};
use async_trait::async_trait;
use chrono::{DateTime, Datelike, Utc};

/// The workflow.
pub struct IssueInvoices;

const NAME: &str = "issue_invoices";
/// The one legal entity that sells on this instance.
const ENTITY: &str = "studio";

#[async_trait]
impl Workflow for IssueInvoices {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn handle(&self, event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
        match event.decode::<OrderEvent>()? {
            Some(placed @ OrderEvent::OrderPlaced { settlement: Settlement::Transfer { .. }, .. }) => {
                issue(event, cx, placed, SeriesKind::Invoice, (event.effective_at, false)).await
            }
            Some(OrderEvent::OrderPaid { at, .. }) => match placed(event, cx).await? {
                Some(placed @ OrderEvent::OrderPlaced { settlement: Settlement::Charge { .. }, .. }) => {
                    issue(event, cx, placed, SeriesKind::Invoice, (at, true)).await
                }
                _ => Ok(()),
            },
            Some(OrderEvent::OrderCancelled { at, .. }) => match placed(event, cx).await? {
                Some(placed @ OrderEvent::OrderPlaced { settlement: Settlement::Transfer { .. }, .. }) => {
                    issue(event, cx, placed, SeriesKind::CreditNote, (at, false)).await
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

/// How the order of `event` was placed.
async fn placed(event: &RecordedEvent, cx: &Services) -> Result<Option<OrderEvent>, WorkflowError> {
    let client = cx.pool.get().await.map_err(crate::store::StoreError::from)?;
    let stream = log::stream(&**client, &event.stream_id, 0).await?;
    Ok(stream.first().map(RecordedEvent::decode::<OrderEvent>).transpose()?.flatten())
}

async fn issue(
    event: &RecordedEvent,
    cx: &Services,
    placed: OrderEvent,
    kind: SeriesKind,
    (at, paid): (DateTime<Utc>, bool),
) -> Result<(), WorkflowError> {
    let OrderEvent::OrderPlaced { order, number, account, subscription, items, mut tax, billing, .. } =
        placed
    else {
        return Ok(());
    };
    let mut corrects = None;
    if kind == SeriesKind::CreditNote {
        // The invoice was issued in an earlier step of this workflow: its table may lag a moment.
        let invoice = invoices::of_order(&cx.reader, order).await?;
        let Some(invoice) = invoice else {
            return Err(WorkflowError::Failed("the invoice is not listed yet".into()));
        };
        corrects = Some(invoice.number);
        for amount in [&mut tax.gross, &mut tax.tax, &mut tax.net] {
            *amount = amount.negated();
        }
    }
    let zone = Zone::parse(&cx.config.studio.zone).map_err(|e| WorkflowError::Failed(e.to_string()))?;
    let issued_on = zone.date_of(at);
    let studio = &cx.config.studio;
    let seller = Seller {
        name: studio.legal_name.clone(),
        address: studio.legal_address.clone(),
        vat_number: studio.vat_number.clone(),
    };
    let lines = items
        .into_iter()
        .map(|i| InvoiceLine {
            description: i.description,
            quantity: i.quantity,
            unit: i.unit,
            period: i.period,
        })
        .collect();
    let document = Document {
        order,
        order_number: number,
        subscription,
        account,
        seller,
        billing,
        lines,
        tax,
        issued_on,
        paid,
        corrects,
    };
    let year = issued_on.year();
    let command =
        InvoiceSeriesCommand::Issue { kind, entity: ENTITY.into(), year, document: Box::new(document) };
    let (id, meta) = cx.follow(event, NAME, "issue");
    let envelope = Envelope::new(id, series_id(kind, ENTITY, year), command, meta);
    let sent = cx.bus.dispatch::<InvoiceSeries>(envelope).await;
    sent.map(|_| ()).map_err(|e| WorkflowError::Failed(e.to_string()))
}
