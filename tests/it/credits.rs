//! Money that came too much becomes credit, pays the next orders, and is paid out.

use crate::billing_pages::{link, order};
use crate::refunds::open;
use crate::support::{Browser, Page, Studio};

/// Joins by transfer, pays `amount` and returns the page of the order.
async fn overpaid(studio: &Studio, member: &Browser, billing: &Browser, amount: &str) -> String {
    assert_eq!(order(studio, member, "NL", "bank", "").await.status, 303);
    let page = link(&billing.get("/billing/orders").await.body, "/billing/orders/");
    let paid = format!("{page}/paid");
    let booked = billing.submit(&page, &paid, &[("amount", amount), ("reason", "statement 9")]).await;
    assert_eq!(booked.status, 303, "{}", booked.body);
    studio.settle().await;
    page
}

async fn to_credit(studio: &Studio, billing: &Browser, order: &str, amount: &str) -> Page {
    let page = format!("{order}/refund");
    let fields =
        [("of", "overpayment"), ("way", "credit"), ("amount", amount), ("reason", "they asked for it")];
    let answer = billing.submit(&page, &page, &fields).await;
    studio.settle().await;
    answer
}

/// The clock, so many days from now.
async fn tick(studio: &Studio, days: i64) {
    let at = studio.instance.services.clock.now() + chrono::TimeDelta::days(days);
    studio.run_job("clock-tick", &at.to_rfc3339()).await;
    studio.settle().await;
}

/// Whose credit it is: the page of the only one.
async fn the_credit(billing: &Browser) -> String {
    link(&billing.get("/billing/credits").await.body, "/billing/credits/")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_becomes_credit_pays_the_next_order_and_the_rest_is_paid_out() {
    let (studio, [member, billing, _]) = open(|_| {}).await;
    let first = overpaid(&studio, &member, &billing, "25.00").await;
    assert_eq!(to_credit(&studio, &billing, &first, "13.51").await.status, 422, "no more than came");
    let done = to_credit(&studio, &billing, &first, "13.50").await;
    assert_eq!(done.status, 303, "{}", done.body);
    assert!(billing.follow(done.location()).await.body.contains("as credit"));
    let mine = member.get("/account/subscription").await.body;
    assert!(mine.contains("Your credit") && mine.contains("€13.50"), "{mine}");
    assert!(mine.contains("of which <span class=\"num\">€11.50</span> from your credit"), "{mine}");
    assert!(billing.get("/billing/credits").await.body.contains("Owed in all: <strong class=\"num\">€13.50"));
    assert!(
        billing.get("/billing/orders?questionable=yes").await.body.contains("No order"),
        "it is dealt with"
    );

    // The next period: the credit covers its whole price, and nothing is asked for.
    tick(&studio, 25).await;
    let mine = member.get("/account/subscription").await.body;
    assert!(mine.contains("€2.00") && mine.contains("Paid for an order"), "{mine}");
    let newest = link(&billing.get("/billing/orders").await.body, "/billing/orders/");
    assert_ne!(newest, first);
    let page = billing.get(&newest).await.body;
    assert!(page.contains("Paid from credit") && page.contains("was paid from the member"), "{page}");
    let invoice = link(&page, "/billing/invoices/");
    let paper = billing.get(&invoice).await.body;
    assert!(
        paper.contains("€11.50") && paper.contains("from your credit") && paper.contains("Paid."),
        "{paper}"
    );
    let subscription = link(&billing.get("/billing/subscriptions").await.body, "/billing/subscriptions/");
    let story = billing.get(&subscription).await.body;
    for words in
        ["becomes credit of the member", "set aside for an order", "from the member", "€2.00 of credit now"]
    {
        assert!(story.contains(words), "{words}");
    }

    // And the one after: part of the price is left, and the mail and the page ask for that only.
    tick(&studio, 56).await;
    let mine = member.get("/account/subscription").await.body;
    assert!(mine.contains("€9.50") && mine.contains("It is used up"), "{mine}");
    let mails = studio.data.path().join("mail");
    let asks = |text: &str| {
        std::fs::read_dir(&mails)
            .unwrap()
            .flatten()
            .any(|f| std::fs::read_to_string(f.path()).is_ok_and(|m| m.contains(text)))
    };
    assert!(asks("Please pay =E2=82=AC9.50") || asks("9.50"), "the rest is asked for");
    let client = studio.client().await;
    let row = client
        .query_one(
            "select count(*), sum(gross_minor)::bigint, sum((document->'credit'->>'minor')::bigint)::bigint
             from invoices where kind = 'invoice'",
            &[],
        )
        .await
        .unwrap();
    let read = (row.get::<_, i64>(0), row.get::<_, i64>(1), row.get::<_, i64>(2));
    assert_eq!(read, (3, 3450, 1350), "full prices, and the credit as a payment");
    drop(client);
    let csv = billing.get("/billing/credit-moves.csv").await.body;
    assert_eq!(csv.lines().count(), 4, "{csv}");
    let owed = billing.get("/billing/credits?format=csv").await.body;
    assert_eq!(owed, "account,currency,credit,to_be_sent,moved_at\n", "nothing is owed, as on the page");
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn above_the_limit_a_second_person_agrees_and_a_deletion_waits_until_nothing_is_owed() {
    let (studio, [member, billing, admin]) = open(|c| c.billing.second_person_over = 1200).await;
    let first = overpaid(&studio, &member, &billing, "11.00").await;
    let more = format!("{first}/paid");
    let booked = billing.submit(&first, &more, &[("amount", "20.50"), ("reason", "statement 10")]).await;
    let request = booked.location().split('?').next().unwrap().to_owned();
    studio.settle().await;
    let agree = [("act", "agree"), ("reason", "seen")];
    assert_eq!(admin.submit(&request, &request, &agree).await.status, 303);
    studio.settle().await;

    let proposed = to_credit(&studio, &billing, &first, "20.00").await.location().to_owned();
    assert!(billing.follow(&proposed).await.body.contains("Somebody else decides"));
    assert!(!member.get("/account/subscription").await.body.contains("Your credit"));
    let address = proposed.split('?').next().unwrap();
    let yes = [("act", "approve"), ("reason", "fine")];
    assert_eq!(billing.submit(address, address, &yes).await.status, 422, "not alone");
    assert_eq!(admin.submit(address, address, &yes).await.status, 303);
    studio.settle().await;
    let credit = the_credit(&billing).await;

    // Paying out: what is typed stays when it is refused.
    let form = format!("{credit}/pay-out");
    for (amount, words) in [("20.01", "At most €20.00"), ("0", "above zero"), ("x", "amount")] {
        let fields = [("currency", "EUR"), ("amount", amount), ("reason", "wants it back")];
        let refused = billing.submit(&form, &form, &fields).await;
        assert_eq!(refused.status, 422, "{amount}");
        assert!(refused.body.contains(words) && refused.body.contains("wants it back"), "{}", refused.body);
    }
    let small = [("currency", "EUR"), ("amount", "12.00"), ("reason", "wants it back")];
    assert_eq!(billing.submit(&form, &form, &small).await.status, 303, "at the limit");
    studio.settle().await;
    let page = billing.get(&credit).await.body;
    assert!(page.contains("To be sent") && page.contains("€8.00"), "{page}");
    assert!(billing.get("/billing").await.body.contains("of credit to be sent"));
    let list = billing.get("/billing/credits?waiting=yes").await.body;
    assert!(list.contains("/billing/credits?waiting=yes&amp;format=csv"), "{list}");
    let account = credit.rsplit('/').next().unwrap();
    for narrowed in ["waiting=yes&", ""] {
        let file = billing.get(&format!("/billing/credits?{narrowed}format=csv")).await.body;
        assert!(file.contains(&format!("{account},EUR,8.00,12.00,")), "{narrowed}: {file}");
    }
    // What one person paid out before counts.
    let again = [("currency", "EUR"), ("amount", "0.01"), ("reason", "and the rest")];
    let asked = billing.submit(&form, &form, &again).await;
    assert!(asked.location().starts_with("/billing/approvals/"), "{}", asked.location());

    let account = credit.rsplit('/').next().unwrap().to_owned();
    let services = &studio.instance.services;
    let waits =
        kinora::actors::accounts::leaving::obstacles(services, account.parse().unwrap()).await.unwrap();
    assert!(waits.contains(&kinora::domain::deletion_request::Obstacle::OpenCredit));

    let send = format!("{credit}/sent");
    let nameless = [("act", "sent"), ("reason", "bank")];
    assert_eq!(billing.submit(&credit, &send, &nameless).await.status, 422);
    let sent = [("act", "sent"), ("reference", "B-77"), ("reason", "bank")];
    assert_eq!(billing.submit(&credit, &send, &sent).await.status, 303);
    studio.settle().await;
    let page = billing.get(&credit).await.body;
    assert!(page.contains("B-77") && !page.contains("To be sent"), "{page}");
    let waiting = billing.get("/billing/credits?waiting=yes&format=jsonl").await.body;
    assert!(waiting.is_empty(), "{waiting}");
    assert!(billing.get("/billing/credits?format=jsonl").await.body.contains("\"credit\":\"8.00\""));
    assert!(billing.get("/billing/credit-moves.jsonl").await.body.contains("\"reference\":\"B-77\""));
    assert!(member.get("/account/subscription").await.body.contains("Paid out to your bank account"));
    for address in [&credit, &form] {
        assert_eq!(member.get(address).await.status, 403);
    }
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credit_pays_for_an_order_that_is_open_already() {
    let (studio, [member, billing, _]) = open(|_| {}).await;
    let first = overpaid(&studio, &member, &billing, "15.00").await;
    // The next order is there before the money becomes credit.
    tick(&studio, 25).await;
    let open_order = link(&billing.get("/billing/orders").await.body, "/billing/orders/");
    assert_ne!(open_order, first);
    assert!(!billing.get(&open_order).await.body.contains("Use the credit"));
    assert_eq!(to_credit(&studio, &billing, &first, "3.50").await.status, 303);
    let page = billing.get(&open_order).await.body;
    assert!(page.contains("Use the credit") && page.contains("€3.50"), "{page}");
    let path = format!("{open_order}/credit");
    let nameless = billing.submit(&open_order, &path, &[("credit_reason", "")]).await;
    assert!(nameless.status == 422 && nameless.body.contains("Say why"), "{}", nameless.body);
    let own = open_order.replace("/billing/", "/account/");
    let mine = member.get(&own).await.body;
    assert!(mine.contains("Pay €3.50 from your credit"), "{mine}");
    let done = member.submit(&own, &format!("{own}/credit"), &[]).await;
    assert_eq!(done.status, 303);
    studio.settle().await;
    let page = billing.get(&open_order).await.body;
    assert!(page.contains("€8.00") && !page.contains("Use the credit"), "{page}");
    // Once more finds nothing; what is left is sent, and the order is paid.
    assert_eq!(member.submit(&own, &format!("{own}/credit"), &[]).await.status, 303);
    let paid = format!("{open_order}/paid");
    let booked = billing.submit(&open_order, &paid, &[("amount", "8.00"), ("reason", "statement 10")]).await;
    assert_eq!(booked.status, 303);
    studio.settle().await;
    let mine = member.get("/account/subscription").await.body;
    assert!(mine.contains("It is used up") && mine.contains("Paid for an order"), "{mine}");
    assert!(member.get(&own).await.body.contains("It is paid."));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_mail_asks_for_is_what_the_credit_leaves() {
    let (studio, [member, billing, _]) = open(|_| {}).await;
    let first = overpaid(&studio, &member, &billing, "15.00").await;
    assert_eq!(to_credit(&studio, &billing, &first, "3.50").await.status, 303);
    // Ordered seven days before, and not paid by its day.
    tick(&studio, 25).await;
    tick(&studio, 35).await;
    let sql = "select mail::jsonb->>'about', (mail::jsonb->'amount'->>'minor')::bigint from outgoing_mail
        where mail::jsonb->>'about' in ('order_to_pay', 'on_hold') order by created_at, id";
    let rows = studio.client().await.query(sql, &[]).await.expect("the queue");
    let asked: Vec<(String, i64)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(asked, [("order_to_pay".to_owned(), 800), ("on_hold".to_owned(), 800)]);
    studio.verify().await;
    studio.close().await;
}
