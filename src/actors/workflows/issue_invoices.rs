//! Gives every order its invoice: when it is paid, or at once when it asks for a transfer. An
//! invoice that nobody has to pay any more is taken back by a credit note, and one whose price went
//! back, or part of it, is corrected by one.

use super::{Workflow, WorkflowError};
use crate::actors::bus::Envelope;
use crate::actors::invoice_archive;
use crate::actors::services::Services;
use crate::domain::invoice_series::{
    Document, InvoiceLine, InvoiceSeries, InvoiceSeriesCommand, Seller, SeriesKind, series_id,
};
use crate::domain::order::{OrderEvent, RefundOf, Settlement};
use crate::domain::shared::Money;
use crate::domain::shared::calendar::{Period, Zone};
use crate::domain::subscription::Subscription;
use crate::projections::invoices;
use crate::store::repository::EventRepository;
use crate::store::{RecordedEvent, log};
use async_trait::async_trait;
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use uuid::Uuid;

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

    fn at_once(&self) -> usize {
        8
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
            Some(OrderEvent::RefundSucceeded { refund, of: RefundOf::Price, amount, before, at, .. }) => {
                let back = Back { refund, amount, before };
                match placed(event, cx).await? {
                    Some(placed) => correct(event, cx, placed, back, at).await,
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

/// Part of the price that went back.
struct Back {
    refund: Uuid,
    amount: Money,
    before: Money,
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
    let OrderEvent::OrderPlaced {
        order,
        number,
        account,
        subscription,
        items,
        mut tax,
        billing,
        vat_number,
        ..
    } = placed
    else {
        return Ok(());
    };
    let mut corrects = None;
    if kind == SeriesKind::CreditNote {
        corrects = Some(invoice_of(cx, order).await?);
        for amount in [&mut tax.gross, &mut tax.tax, &mut tax.net] {
            *amount = amount.negated();
        }
    }
    let (seller, issued_on) = seller(cx, at)?;
    let begins = if paid { first_span(cx, subscription, at).await? } else { None };
    let lines = items
        .into_iter()
        .map(|i| InvoiceLine {
            description: i.description,
            quantity: i.quantity,
            unit: i.unit,
            period: i.period.or(begins),
        })
        .collect();
    let document = Document {
        order,
        order_number: number,
        subscription,
        account,
        seller,
        billing,
        vat_number,
        lines,
        tax,
        issued_on,
        paid,
        corrects,
        refund: None,
    };
    number_it(event, cx, kind, document).await
}

/// The span that begins with the payment of a first order, which names none: the day of payment is its
/// first day.
async fn first_span(
    cx: &Services,
    subscription: Uuid,
    paid_at: DateTime<Utc>,
) -> Result<Option<Period>, WorkflowError> {
    let loaded =
        EventRepository::<Subscription>::new(cx.pool.clone(), cx.journal.clone()).load(subscription).await?;
    Ok(loaded.state.terms().and_then(|t| Period::nth(t.zone.date_of(paid_at), t.interval, 0).ok()))
}

/// The credit note for a refund.
async fn correct(
    event: &RecordedEvent,
    cx: &Services,
    placed: OrderEvent,
    back: Back,
    at: DateTime<Utc>,
) -> Result<(), WorkflowError> {
    let OrderEvent::OrderPlaced {
        order, number, account, subscription, items, tax, billing, vat_number, ..
    } = placed
    else {
        return Ok(());
    };
    let corrects = invoice_of(cx, order).await?;
    let (seller, issued_on) = seller(cx, at)?;
    let sold = items.into_iter().next();
    let (what, period) = sold.map_or_else(Default::default, |i| (i.description, i.period));
    let line = InvoiceLine {
        description: format!("Refund: {what}"),
        quantity: 1,
        unit: back.amount.negated(),
        period,
    };
    let document = Document {
        order,
        order_number: number,
        subscription,
        account,
        seller,
        billing,
        vat_number,
        lines: vec![line],
        tax: tax.returned(back.before, back.amount),
        issued_on,
        paid: true,
        corrects: Some(corrects),
        refund: Some(back.refund),
    };
    number_it(event, cx, SeriesKind::CreditNote, document).await
}

/// The number of the order's invoice.
async fn invoice_of(cx: &Services, order: Uuid) -> Result<String, WorkflowError> {
    // It was issued in an earlier step of this workflow: its table may lag a moment.
    let invoice = invoices::of_order(&cx.reader, order).await?;
    invoice.map(|i| i.number).ok_or_else(|| WorkflowError::Failed("the invoice is not listed yet".into()))
}

/// Who sells, and the day on which a document of `at` is issued.
fn seller(cx: &Services, at: DateTime<Utc>) -> Result<(Seller, NaiveDate), WorkflowError> {
    let studio = &cx.config.studio;
    let zone = Zone::parse(&studio.zone).map_err(|e| WorkflowError::Failed(e.to_string()))?;
    let seller = Seller {
        name: studio.legal_name.clone(),
        address: studio.legal_address.clone(),
        vat_number: studio.vat_number.clone(),
    };
    Ok((seller, zone.date_of(at)))
}

async fn number_it(
    event: &RecordedEvent,
    cx: &Services,
    kind: SeriesKind,
    document: Document,
) -> Result<(), WorkflowError> {
    let year = document.issued_on.year();
    let archived = invoice_archive::value(cx, &document, kind == SeriesKind::CreditNote).await?;
    let command =
        InvoiceSeriesCommand::Issue { kind, entity: ENTITY.into(), year, document: Box::new(document) };
    let (id, meta) = cx.follow(event, NAME, "issue");
    let envelope = Envelope::new(id, series_id(kind, ENTITY, year), command, meta)
        .with_private(archived.into_iter().collect());
    let sent = cx.bus.dispatch::<InvoiceSeries>(envelope).await;
    sent.map(|_| ()).map_err(|e| WorkflowError::Failed(e.to_string()))
}
