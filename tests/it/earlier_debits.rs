//! What a bank takes back in unusual order: before anybody has heard of the payment, and after the next order is out.

use crate::billing_pages::{link, open_with, order};
use crate::direct_debits::{CREDITOR, between, book, mails, make, sign};
use crate::support::{Browser, Studio, day_of};
use chrono::{NaiveDate, TimeDelta};
use kinora::actors::bank_import::{Booked, import};
use kinora::config::Config;
use kinora::domain::subscription::Status;
use kinora::projections::subscriptions;
use kinora::startup::Roles;
use kinora::store::Metadata;
use uuid::Uuid;

fn set_up(config: &mut Config) {
    config.gateways.bank.creditor_id = CREDITOR.into();
}

/// A member whose first order is in a file for the bank: its reference there.
async fn collected() -> (Studio, Browser, Browser, String, Uuid) {
    let (studio, member, billing) = open_with(set_up).await;
    assert_eq!(order(&studio, &member, "DE", "bank", "").await.status, 303);
    assert_eq!(sign(&studio, &member, "DE89370400440532013000", "yes").await.status, 303);
    let file = make(&studio, &billing).await.expect("made");
    let text = String::from_utf8(billing.download(&format!("{file}/file")).await.1).expect("text");
    let reference = between(&text, "<EndToEndId>", "<").to_owned();
    let page = billing.get("/billing/subscriptions").await.body;
    let id = link(&page, "/billing/subscriptions/").rsplit('/').next().and_then(|id| id.parse().ok());
    (studio, member, billing, reference, id.expect("an id"))
}

fn table(studio: &Studio, entries: &[(&str, String)]) -> String {
    let day = day_of(studio.instance.services.clock.now());
    let line = |(amount, words): &(&str, String)| format!("{day};{amount};{words}\n");
    format!("date;amount;description\n{}", entries.iter().map(line).collect::<String>())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debit_that_comes_back_in_the_statement_that_books_it_gives_no_period() {
    let (studio, _, _, reference, id) = collected().await;
    // As by the command line while the server is down: nobody has heard of the payment when it comes back.
    let quiet = studio.restart_as(Roles::default(), set_up).await;
    let cx = &quiet.instance.services;
    let both = table(
        &quiet,
        &[("11.50", reference.clone()), ("-14.50", format!("Rücklastschrift AM04 {reference}"))],
    );
    let meta = Metadata::system("test", Uuid::now_v7(), cx.clock.now());
    let report = import(cx, both.as_bytes(), &meta).await.expect("booked");
    assert!(
        matches!(
            [&report.lines[0].became, &report.lines[1].became],
            [Booked::Booked { .. }, Booked::Returned { .. }]
        ),
        "{report:?}"
    );
    let studio = quiet.restart_as(Roles { scheduler: false, ..Roles::ALL }, set_up).await;
    studio.settle().await;
    let row = subscriptions::one(&studio.instance.services.reader, id).await.unwrap().expect("listed");
    assert_eq!(row.status, Status::OnHold, "it is paid for by nothing");
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_payment_that_is_taken_back_is_asked_for_and_changes_no_day() {
    let (studio, member, billing, reference, id) = collected().await;
    let row = async || {
        subscriptions::one(&studio.instance.services.reader, id).await.unwrap().expect("it is listed")
    };
    book(&studio, &table(&studio, &[("11.50", reference.clone())])).await;
    let first = link(&billing.get("/billing/orders").await.body, "/billing/orders/");
    let first: Uuid = first.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id");
    let due = row().await.state.next_payment_on().expect("a day");
    let at = |day: NaiveDate| day.and_hms_opt(12, 0, 0).expect("noon").and_utc().to_rfc3339();
    studio.run_job("clock-tick", &at(due - TimeDelta::days(6))).await;
    studio.settle().await;
    let open = row().await.state.open_order().expect("the next one is asked for").order;
    assert_ne!(open, first);

    book(&studio, &table(&studio, &[("-14.50", format!("Rücklastschrift MD06 {reference}"))])).await;
    let now = row().await;
    assert_eq!((now.status, now.state.next_payment_on()), (Status::Active, Some(due)), "what runs goes on");
    assert_eq!(mails(&studio, "earlier_unpaid").await, 1, "the member is asked");
    let page = member.get(&format!("/account/orders/{first}")).await.body;
    assert!(
        page.contains("Your bank has taken the payment of this order back") && page.contains("€11.50"),
        "{page}"
    );
    let list = billing.get("/billing/orders?questionable=yes").await.body;
    assert!(list.contains(&first.to_string()), "staff see it: {list}");
    let story = billing.get(&format!("/billing/subscriptions/{id}")).await.body;
    assert!(story.contains("the order is owed, and the member is asked for it"), "{story}");

    let paid = book(&studio, &table(&studio, &[("11.50", format!("{reference} again"))])).await;
    assert!(matches!(paid.lines[0].became, Booked::Booked { .. }), "{paid:?}");
    let now = row().await;
    assert_eq!((now.status, now.state.next_payment_on()), (Status::Active, Some(due)), "no day changes");
    assert_eq!(now.state.open_order().map(|o| o.order), Some(open), "the next one is to be paid as before");
    assert_eq!(mails(&studio, "paid_for_nothing").await, 0);
    assert!(!billing.get("/billing/orders?questionable=yes").await.body.contains(&first.to_string()));
    studio.verify().await;
    studio.close().await;
}
