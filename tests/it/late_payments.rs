//! Money that comes after a subscription was put on hold, and the papers of it.

use crate::billing::{Desk, time};
use kinora::actors::bus::Envelope;
use kinora::domain::order::{Order, OrderCommand};
use kinora::domain::subscription::Status;
use kinora::projections::{invoices, orders};
use kinora::store::Metadata;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_comes_late_moves_its_span_and_the_invoice_of_the_old_one_is_taken_back() {
    let desk = Desk::open().await;
    let pay = async |at: &str| {
        let order =
            orders::list(&desk.instance.services.reader, &orders::Filter::default(), None, 0, 1).await;
        let order = order.expect("read").0.remove(0);
        let received = OrderCommand::RecordTransfer { received: order.total, at: time(at) };
        let meta = Metadata { at: time(at), ..desk.meta() };
        let envelope = Envelope::new(Uuid::now_v7(), order.id, received, meta);
        desk.instance.services.bus.dispatch::<Order>(envelope).await.expect("booked");
        desk.settle().await;
    };
    let id = desk.join(None).await;
    pay("2031-02-01T09:00:00Z").await;
    desk.tick("2031-02-22T08:00:00Z").await;
    desk.tick("2031-03-01T08:00:00Z").await;
    assert_eq!(desk.status(id).await, Status::OnHold);
    pay("2031-03-20T09:00:00Z").await;
    assert_eq!(desk.row(id).await.state.anchor(), Some("2031-03-20".parse().expect("a date")));
    let papers = invoices::of_account(&desk.instance.services.reader, desk.account).await.expect("read");
    let told: Vec<(&str, Option<String>, i64)> = papers
        .iter()
        .map(|p| {
            let span = p.document.lines[0].period.map(|period| period.start.to_string());
            (p.number.as_str(), span, p.document.tax.gross.minor)
        })
        .collect();
    let day = |text: &str| Some(text.to_owned());
    assert_eq!(
        told,
        [
            ("INV-2031-00003", day("2031-03-20"), 1150),
            ("CN-2031-00001", day("2031-03-01"), -1150),
            ("INV-2031-00002", day("2031-03-01"), 1150),
            ("INV-2031-00001", None, 1150),
        ]
    );
    assert_eq!(papers[1].document.corrects.as_deref(), Some("INV-2031-00002"));
    let verified = desk.instance.projector.verify().await.expect("verified");
    assert!(verified.ok);
    desk.instance.close().await.expect("closes");
}
