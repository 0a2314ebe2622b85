//! Reports of billing staff, made from the log.

use crate::billing::{Desk, GOOD, time};
use crate::billing_pages::{open, order};
use kinora::domain::shared::{Currency, Money};
use kinora::domain::subscription::{CancelCause, SubscriptionCommand, Terms};
use kinora::projections::{movements, tax_report};
use uuid::Uuid;

fn day(text: &str) -> chrono::NaiveDate {
    text.parse().expect("a day")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_moved_the_revenue_adds_up_from_month_to_month() {
    let mut desk = Desk::open().await;
    // Joins in January, renews at the end of February, rests for two weeks of March, takes a cheaper
    // plan at the end of it, and leaves in May.
    let first = desk.join(Some(GOOD)).await;
    desk.account = Uuid::now_v7();
    desk.at = time("2031-02-03T10:00:00Z");
    let second = desk.join(Some(GOOD)).await;
    desk.tick("2031-02-28T08:00:00Z").await;
    let mut send = async |at: &str, subscription, command: fn(&Desk) -> SubscriptionCommand| {
        desk.at = time(at);
        let command = command(&desk);
        desk.send(subscription, command).await;
    };
    send("2031-03-05T10:00:00Z", first, |desk| SubscriptionCommand::Pause {
        from: day("2031-03-05"),
        until: None,
        at: desk.at,
    })
    .await;
    send("2031-03-19T10:00:00Z", first, |desk| SubscriptionCommand::EndPause { at: desk.at }).await;
    send("2031-03-19T11:00:00Z", first, |desk| SubscriptionCommand::ChangePlan {
        order: Uuid::from_u128(9),
        terms: Terms {
            variation: Uuid::from_u128(5),
            price: Money::new(500, Currency::eur()),
            ..desk.terms(kinora::domain::shared::payment::Collection::Automatic)
        },
        at: desk.at,
    })
    .await;
    for at in ["2031-03-03T08:00:00Z", "2031-04-03T08:00:00Z", "2031-04-15T08:00:00Z", "2031-04-20T08:00:00Z"]
    {
        desk.tick(at).await;
    }
    desk.at = time("2031-05-01T10:00:00Z");
    desk.send(second, SubscriptionCommand::EndNow { cause: CancelCause::EndedByStaff, at: desk.at }).await;

    let reader = &desk.instance.services.reader;
    let all = movements::months(reader, day("2031-01-01"), day("2031-06-30")).await.expect("read");
    let row = |m: &movements::Month| {
        (m.start, m.new, m.reactivation, m.expansion, m.contraction, m.churn, m.subscriptions, m.lost)
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    assert_eq!(
        rows,
        [
            (0, 1150, 0, 0, 0, 0, 0, 0),
            (1150, 1150, 0, 0, 0, 0, 1, 0),
            (2300, 0, 1150, 0, 0, -1150, 2, 1),
            (2300, 0, 0, 0, -650, 0, 2, 0),
            (1650, 0, 0, 0, 0, -1150, 2, 1),
            (500, 0, 0, 0, 0, 0, 1, 0),
        ]
    );
    for pair in all.windows(2) {
        assert_eq!(pair[0].end(), pair[1].start, "{pair:?}");
    }
    let recurring = kinora::projections::figures::monthly_recurring_revenue(reader).await.expect("read");
    assert_eq!(recurring, [Money::new(500, Currency::eur())], "the same as everywhere else");

    let cohorts = movements::cohorts(reader, day("2031-01-01"), day("2031-06-30")).await.expect("read");
    let sizes: Vec<_> = cohorts.iter().map(|c| (c.size, c.kept.clone())).collect();
    assert_eq!(sizes, [(1, vec![1, 1, 1, 1]), (1, vec![1, 1, 0])], "{cohorts:?}");

    // Every invoice is in the report, to the cent.
    let client = desk.instance.services.pool.get().await.expect("a client");
    let whole: i64 = client
        .query_one("select sum(gross_minor)::bigint from views.invoices", &[])
        .await
        .expect("summed")
        .get(0);
    let months = tax_report::by_month(reader, day("2031-01-01"), day("2032-01-01")).await.expect("read");
    assert_eq!(months.iter().map(|m| m.gross + m.credited).sum::<i64>(), whole);
    let lines = tax_report::by_country(reader, day("2031-01-01"), day("2032-01-01")).await.expect("read");
    assert_eq!(lines.len(), 1);
    assert_eq!((lines[0].gross, lines[0].net + lines[0].tax), (whole, whole));
    desk.instance.close().await.expect("closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_read_and_export_what_was_sold_where() {
    let (studio, member, billing) = open().await;
    let empty = billing.get("/billing/reports").await;
    assert!(empty.body.contains("Nothing was invoiced yet"), "{}", empty.body);
    assert_eq!(order(&studio, &member, "DE", "card", "4242 4242 4242 4242").await.status, 303);
    let page = billing.get("/billing/reports").await;
    assert!(page.body.contains("€11.50") && page.body.contains("Left or resting"), "{}", page.body);
    let vat = billing.get("/billing/reports/vat").await;
    for words in ["Germany", "one-stop shop", "19.00 %", "€9.66", "€1.84"] {
        assert!(vat.body.contains(words), "{words}");
    }
    let csv = billing.get("/billing/reports/vat.csv").await;
    assert!(csv.body.contains("DE,one-stop shop,STANDARD,19.00,9.66,1.84,EUR,1"), "{}", csv.body);
    let old = billing.get("/billing/reports/vat?quarter=2001-Q1").await;
    assert!(old.body.contains("Nothing was invoiced in this quarter"));
    for file in ["revenue.csv", "movements.csv"] {
        let csv = billing.get(&format!("/billing/reports/{file}")).await;
        assert!(csv.status == 200 && csv.body.lines().count() >= 2, "{}", csv.body);
    }
    assert_eq!(member.get("/billing/reports").await.status, 403);
    studio.verify().await;
    studio.close().await;
}
