//! Gives every order its invoice: when it is paid, or at once when it asks for a transfer. An
//! invoice that nobody has to pay any more is taken back by a credit note, and one whose price went
//! back, or part of it, is corrected by one.

use super::{Workflow, WorkflowError, tax_changes};
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::invoice_archive;
use crate::actors::services::Services;
use crate::domain::invoice_series::{
    Document, InvoiceLine, InvoiceSeries, InvoiceSeriesCommand, InvoiceSeriesError, Seller, SeriesKind,
    series_id,
};
use crate::domain::order::{InvoiceReissue, OrderEvent, RefundOf, Settlement};
use crate::domain::shared::Money;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::domain::shared::calendar::{Period, Zone};
use crate::domain::shared::tax::Tax;
use crate::domain::subscription::{Subscription, SubscriptionEvent};
use crate::projections::invoices::{self, Invoice};
use crate::store::event::stream_name;
use crate::store::{RecordedEvent, log};
use async_trait::async_trait;
use chrono::{DateTime, Datelike, Utc};
use std::time::Duration;
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

    fn follows(&self) -> &'static [&'static str] {
        &[OrderEvent::CATEGORY, SubscriptionEvent::CATEGORY]
    }

    fn at_once(&self) -> usize {
        8
    }

    async fn handle(&self, event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
        match event.decode::<OrderEvent>()? {
            Some(placed @ OrderEvent::OrderPlaced { settlement: Settlement::Transfer { .. }, .. }) => {
                // What the buyer's credit covers wholly is paid in the same moment.
                let paid = matches!(&placed, OrderEvent::OrderPlaced { credit: Some(c), tax, .. } if *c == tax.gross);
                let paper =
                    Paper { kind: SeriesKind::Invoice, at: event.effective_at, issued: issued(event), paid };
                issue(event, cx, placed, paper).await
            }
            Some(OrderEvent::OrderPaid { at, .. }) => match placed(event, cx).await? {
                Some(placed @ OrderEvent::OrderPlaced { settlement: Settlement::Charge { .. }, .. }) => {
                    let paper = Paper { kind: SeriesKind::Invoice, at, issued: issued(event), paid: true };
                    issue(event, cx, placed, paper).await
                }
                Some(placed) => move_span(event, cx, placed, at).await,
                None => Ok(()),
            },
            Some(OrderEvent::OrderCancelled { at, .. }) => match placed(event, cx).await? {
                Some(placed @ OrderEvent::OrderPlaced { settlement: Settlement::Transfer { .. }, .. }) => {
                    let paper =
                        Paper { kind: SeriesKind::CreditNote, at, issued: issued(event), paid: false };
                    issue(event, cx, placed, paper).await
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
            Some(OrderEvent::InvoiceReissueRequested(asked)) => issue_anew(event, cx, asked).await,
            _ => Ok(()),
        }
    }
}

/// The invoice that stands is taken back, and one for the other buyer takes its place: of the same lines and tax, under
/// a number and of a day of its own.
async fn issue_anew(
    event: &RecordedEvent,
    cx: &Services,
    asked: InvoiceReissue,
) -> Result<(), WorkflowError> {
    let order = event.stream_uuid();
    listed(cx).await?;
    let known = invoices::all_of_order(&cx.reader, order).await?;
    // A repetition begins with the same invoice: the last that is not its own.
    let mut before = known.into_iter().filter(|p| p.document.reissue != Some(asked.reissue));
    let standing = before.rfind(|p| !p.credit_note).ok_or_else(unlisted)?;
    let (_, zone) = seller(cx)?;
    let issued_on = zone.date_of(issued(event));
    // A transfer may have come since the invoice asked for it.
    let paid_on = paid_at(event, cx).await?.map(|at| zone.date_of(at));
    let anew = Document {
        issued_on,
        billing: Some(asked.billing),
        vat_number: asked.vat_number,
        reissue: Some(asked.reissue),
        paid: paid_on.is_some(),
        paid_on,
        ..standing.document.clone()
    };
    let back = Document {
        issued_on,
        corrects: Some(standing.number),
        tax: taken_back(standing.document.tax.clone()),
        credit: None,
        reissue: Some(asked.reissue),
        ..standing.document
    };
    number_it(event, cx, SeriesKind::CreditNote, back, "take-back").await?;
    number_it(event, cx, SeriesKind::Invoice, anew, "issue-anew").await
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
    let stream = log::stream(&client, &event.stream_id, 0).await?;
    Ok(stream.first().map(RecordedEvent::decode::<OrderEvent>).transpose()?.flatten())
}

/// When the order of `event` was paid, if it was before that event.
async fn paid_at(event: &RecordedEvent, cx: &Services) -> Result<Option<DateTime<Utc>>, WorkflowError> {
    let client = cx.pool.get().await.map_err(crate::store::StoreError::from)?;
    let mut paid = None;
    for recorded in log::stream(&client, &event.stream_id, 0).await? {
        match recorded.decode::<OrderEvent>()? {
            Some(OrderEvent::OrderPaid { at, .. }) if recorded.position < event.position => paid = Some(at),
            Some(OrderEvent::DirectDebitReturned { reopened: true, .. }) => paid = None,
            _ => {}
        }
    }
    Ok(paid)
}

/// What is issued, for when, and when.
#[derive(Clone, Copy)]
struct Paper {
    kind: SeriesKind,
    /// When what it is about happened: a bank may tell of it late.
    at: DateTime<Utc>,
    issued: DateTime<Utc>,
    paid: bool,
}

/// When a document that follows from `event` is made: when that was written down, or, after a tick for a later
/// time, then. It follows from the event, so that a repetition makes the same document.
fn issued(event: &RecordedEvent) -> DateTime<Utc> {
    event.recorded_at.max(event.effective_at)
}

async fn issue(
    event: &RecordedEvent,
    cx: &Services,
    placed: OrderEvent,
    paper: Paper,
) -> Result<(), WorkflowError> {
    let charged = matches!(&placed, OrderEvent::OrderPlaced { settlement: Settlement::Charge { .. }, .. });
    let Some((order, mut document)) = written(cx, placed, paper)? else { return Ok(()) };
    if paper.kind == SeriesKind::CreditNote {
        // As it stands: a late payment may have moved it to another span and rate.
        let invoice = invoice_of(cx, order).await?;
        let gross = invoice.document.tax.gross;
        let before = Money::new(credited_before(cx, order, &invoice.number).await?, gross.currency);
        let left = Money::new(gross.minor - before.minor, gross.currency);
        if left.minor <= 0 {
            return Ok(());
        }
        document.corrects = Some(invoice.number);
        document.lines = invoice.document.lines;
        document.tax = taken_back(invoice.document.tax.clone());
        if before.minor > 0 {
            // What went back before has its credit note; the rest of the invoice is taken back.
            document.lines = vec![rest_line(&document.lines, left)];
            document.tax = invoice.document.tax.returned(before, left);
        }
        document.billing = invoice.document.billing;
        document.vat_number = invoice.document.vat_number;
    }
    if paper.paid
        && charged
        && let Some(span) = span_of(cx, document.subscription, order, paper.at).await?
    {
        document = on_span(document, span, cx).await?;
    }
    number_it(event, cx, paper.kind, document, "issue").await
}

/// What credit notes for refunds have taken off an invoice, in minor units.
async fn credited_before(cx: &Services, order: Uuid, invoice: &str) -> Result<i64, WorkflowError> {
    let all = invoices::all_of_order(&cx.reader, order).await?;
    let notes = all.iter().map(|paper| &paper.document);
    let notes = notes.filter(|d| d.refund.is_some() && d.corrects.as_deref() == Some(invoice));
    Ok(-notes.map(|d| d.tax.gross.minor).sum::<i64>())
}

/// The line of a credit note for what is left of an invoice.
fn rest_line(lines: &[InvoiceLine], left: Money) -> InvoiceLine {
    let sold = lines.first();
    InvoiceLine {
        description: format!("Cancelled: {}", sold.map(|l| l.description.as_str()).unwrap_or_default()),
        quantity: 1,
        unit: left.negated(),
        period: sold.and_then(|l| l.period),
    }
}

/// An order as a document, just as it was placed.
fn written(
    cx: &Services,
    placed: OrderEvent,
    paper: Paper,
) -> Result<Option<(Uuid, Document)>, WorkflowError> {
    let OrderEvent::OrderPlaced {
        order,
        number,
        account,
        subscription,
        items,
        tax,
        billing,
        vat_number,
        credit,
        ..
    } = placed
    else {
        return Ok(None);
    };
    let (seller, zone) = seller(cx)?;
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
        vat_number,
        lines,
        tax,
        issued_on: zone.date_of(paper.issued),
        paid: paper.paid,
        paid_on: paper.paid.then(|| zone.date_of(paper.at)),
        corrects: None,
        refund: None,
        moved: false,
        reissue: None,
        credit: credit.filter(|_| paper.kind == SeriesKind::Invoice),
    };
    Ok(Some((order, document)))
}

fn taken_back(tax: Tax) -> Tax {
    Tax { gross: tax.gross.negated(), tax: tax.tax.negated(), net: tax.net.negated(), ..tax }
}

/// The span that the payment of an order pays for. What the subscription recorded last counts; before it has, or
/// when the bank took that payment back, what it will decide. None for what is no period: a gift, a change of plan.
async fn span_of(
    cx: &Services,
    subscription: Uuid,
    order: Uuid,
    paid_at: DateTime<Utc>,
) -> Result<Option<Period>, WorkflowError> {
    let client = cx.pool.get().await.map_err(crate::store::StoreError::from)?;
    let name = stream_name(<Subscription as cqrs_es::Aggregate>::TYPE, subscription);
    let stream = log::stream(&client, &name, 0).await?;
    let (mut state, mut known) = (Subscription::default(), None);
    for recorded in &stream {
        let Some(happened) = recorded.decode::<SubscriptionEvent>()? else { continue };
        match &happened {
            SubscriptionEvent::PaymentReversed { unpaid } if unpaid.order == order => known = None,
            other => {
                let paid = other.paid_span().filter(|(of, _)| *of == order);
                known = paid.map(|(_, period)| period).or(known);
            }
        }
        state.apply(happened);
    }
    Ok(known.or_else(|| state.span_paid_by(order, paid_at)))
}

/// The document for the span that it got: its lines name it, and the tax in the total is that of its first
/// day, which is the day of supply.
async fn on_span(document: Document, span: Period, cx: &Services) -> Result<Document, WorkflowError> {
    let rates = tax_changes::rates(cx).await?;
    let lines = document.lines.into_iter().map(|line| InvoiceLine { period: Some(span), ..line }).collect();
    let tax = match document.tax.supplied_on == span.start {
        true => document.tax,
        false => document.tax.supplied_on(span.start, &rates),
    };
    Ok(Document { lines, tax, ..document })
}

/// A transfer had its invoice when it was asked for. If it came so late that its span began on another day, that
/// invoice is taken back and one for the span it got stands in its place.
async fn move_span(
    event: &RecordedEvent,
    cx: &Services,
    placed: OrderEvent,
    at: DateTime<Utc>,
) -> Result<(), WorkflowError> {
    let paper = Paper { kind: SeriesKind::Invoice, at, issued: issued(event), paid: true };
    let Some((order, document)) = written(cx, placed, paper)? else { return Ok(()) };
    let Some(span) = span_of(cx, document.subscription, order, at).await? else { return Ok(()) };
    // The one that stands: it may have been issued anew for another buyer, or moved before.
    let standing = invoice_of(cx, order).await?;
    let named = standing.document.lines.iter().filter_map(|line| line.period).any(|period| period != span);
    let anew = on_span(Document { moved: true, ..document.clone() }, span, cx).await?;
    // One that named no span said that it begins with the payment: only another rate makes it wrong.
    let said = &standing.document.tax;
    let rated = (anew.tax.basis_points, anew.tax.tax) != (said.basis_points, said.tax);
    if !named && !rated {
        return Ok(());
    }
    let Document { billing, vat_number, lines, tax, .. } = standing.document;
    let anew = Document { billing: billing.clone(), vat_number: vat_number.clone(), ..anew };
    let (tax, corrects) = (taken_back(tax), Some(standing.number));
    let back = Document { moved: true, corrects, lines, tax, credit: None, billing, vat_number, ..document };
    number_it(event, cx, SeriesKind::CreditNote, back, "take-back").await?;
    number_it(event, cx, SeriesKind::Invoice, anew, "issue-anew").await
}

/// The credit note for a refund: of what the invoice says, which may be of another rate than the order.
async fn correct(
    event: &RecordedEvent,
    cx: &Services,
    placed: OrderEvent,
    back: Back,
    at: DateTime<Utc>,
) -> Result<(), WorkflowError> {
    let paper = Paper { kind: SeriesKind::CreditNote, at, issued: issued(event), paid: true };
    let Some((order, document)) = written(cx, placed, paper)? else { return Ok(()) };
    let invoice = invoice_of(cx, order).await?;
    let sold = document.lines.first();
    let line = InvoiceLine {
        description: format!("Refund: {}", sold.map(|l| l.description.as_str()).unwrap_or_default()),
        quantity: 1,
        unit: back.amount.negated(),
        period: invoice.document.lines.first().and_then(|l| l.period),
    };
    let document = Document {
        lines: vec![line],
        tax: invoice.document.tax.returned(back.before, back.amount),
        corrects: Some(invoice.number),
        billing: invoice.document.billing,
        vat_number: invoice.document.vat_number,
        refund: Some(back.refund),
        ..document
    };
    number_it(event, cx, SeriesKind::CreditNote, document, "issue").await
}

/// Waits until the list of invoices shows what was issued so far: an earlier event of the order may have changed which
/// invoice stands.
async fn listed(cx: &Services) -> Result<(), WorkflowError> {
    let client = cx.pool.get().await.map_err(crate::store::StoreError::from)?;
    let head = log::head(&**client).await?;
    drop(client);
    if cx.reader.wait_for_these(&["invoices"], head, Duration::from_secs(20)).await? {
        return Ok(());
    }
    Err(WorkflowError::Later("the list of invoices is behind the log".into()))
}

/// The invoice that stands for the order.
async fn invoice_of(cx: &Services, order: Uuid) -> Result<Invoice, WorkflowError> {
    listed(cx).await?;
    invoices::of_order(&cx.reader, order).await?.ok_or_else(unlisted)
}

/// It was issued in an earlier step of this workflow: its table may lag a moment.
fn unlisted() -> WorkflowError {
    WorkflowError::Failed("the invoice is not listed yet".into())
}

/// Who sells, and the zone of their days.
fn seller(cx: &Services) -> Result<(Seller, Zone), WorkflowError> {
    let studio = &cx.config.studio;
    let zone = Zone::parse(&studio.zone).map_err(|e| WorkflowError::Failed(e.to_string()))?;
    let seller = Seller {
        name: studio.legal_name.clone(),
        address: studio.legal_address.clone(),
        vat_number: studio.vat_number.clone(),
    };
    Ok((seller, zone))
}

async fn number_it(
    event: &RecordedEvent,
    cx: &Services,
    kind: SeriesKind,
    mut document: Document,
    purpose: &str,
) -> Result<(), WorkflowError> {
    loop {
        let year = document.issued_on.year();
        let archived = invoice_archive::value(cx, &document, kind == SeriesKind::CreditNote).await?;
        let said = Box::new(document.clone());
        let command = InvoiceSeriesCommand::Issue { kind, entity: ENTITY.into(), year, document: said };
        let (id, meta) = cx.follow(event, NAME, purpose);
        let envelope = Envelope::new(id, series_id(kind, ENTITY, year), command, meta)
            .with_private(archived.into_iter().collect());
        match cx.bus.dispatch::<InvoiceSeries>(envelope).await {
            Ok(_) => return Ok(()),
            // Numbers and dates rise together: what comes after a document of a later day is issued on that day.
            Err(CommandError::Refused(InvoiceSeriesError::Backwards { latest }))
                if latest > document.issued_on =>
            {
                document.issued_on = latest;
            }
            Err(error) => return Err(error.into()),
        }
    }
}
