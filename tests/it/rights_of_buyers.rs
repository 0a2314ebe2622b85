//! What buyers have a right to, and what staff correct for them: a gift that is given back, a gift in dispute, an
//! invoice for another buyer, what a refunded period is worth; and the proof for all of it.

use crate::billing::{Desk, time};
use crate::billing_pages::{link, open, open_with, order, signed_in_anew};
use crate::gifts::buy;
use crate::support::{Browser, Page, Studio};
use chrono::{DateTime, Datelike, TimeDelta, Utc};
use kinora::actors::Envelope;
use kinora::actors::gifts;
use kinora::domain::order::{Order, OrderCommand};
use kinora::domain::shared::payment::{Collection, Outcome};
use kinora::domain::shared::seats::Seats;
use kinora::domain::shared::{Currency, Money};
use kinora::domain::subscription::{SubscriptionCommand, Terms};
use kinora::domain::team::Team;
use kinora::store::repository::EventRepository;
use uuid::Uuid;

const CARD: &str = "4242 4242 4242 4242";
const LOST: &str = "4000 0000 0000 0259";
const WON: &str = "4000 0000 0000 1976";

async fn count(studio: &Studio, kind: &str) -> i64 {
    let sql = "select count(*) from events where type = $1";
    studio.client().await.query_one(sql, &[&kind]).await.expect("the log").get(0)
}

async fn redeem(studio: &Studio, who: &Browser, gift: Uuid) -> Page {
    let code = gifts::code(&studio.instance.services, gift).expect("the key");
    let page = who.submit("/redeem", "/redeem", &[("code", &code)]).await;
    studio.settle().await;
    page
}

async fn look(studio: &Studio, days: i64) -> i64 {
    let at = studio.instance.services.clock.now() + TimeDelta::days(days);
    let report = studio.run_job("dispute-lookups", &at.to_rfc3339()).await;
    studio.settle().await;
    report.counts["new"]
}

/// The member is billed under another name and address from now on, at the same price and tax.
async fn bill_to(studio: &Studio, member: &Browser, name: &str) {
    bill_in(studio, member, name, ("NL", "200")).await;
}

async fn bill_in(studio: &Studio, member: &Browser, name: &str, (country, tax): (&str, &str)) {
    let page = "/account/subscription/billing";
    let details = [
        ("name", name),
        ("street", "Kade 2"),
        ("postcode", "3011 AA"),
        ("city", "Rotterdam"),
        ("country", country),
        ("vat_number", ""),
        ("price", "1150"),
        ("tax", tax),
    ];
    assert_eq!(member.submit(page, page, &details).await.status, 303);
    studio.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_withdraws_from_a_gift_and_has_all_of_the_price_back() {
    // Nobody has to agree, however low the limit is: it is a right.
    let (studio, buyer, billing) = open_with(|c| c.billing.second_person_over = 1).await;
    let (gift, bought) = buy(&studio, &buyer, CARD, "").await;
    assert_eq!(bought.status, 303, "{}", bought.body);
    let own = format!("/account/gifts/{gift}");
    let page = format!("{own}/withdraw");
    assert!(buyer.get(&own).await.body.contains(&page), "the way stands on its page");
    let asked = buyer.get(&page).await.body;
    assert!(asked.contains("Confirm withdrawal") && asked.contains("€11.50"), "{asked}");
    assert_eq!(billing.get(&page).await.status, 404, "it is its buyer's");
    let other = billing.submit("/account/notifications", &page, &[]).await;
    assert_eq!((other.status, count(&studio, "GiftWithdrawn").await), (404, 0));

    let done = buyer.submit(&page, &page, &[]).await;
    studio.settle().await;
    assert_eq!(done.status, 303, "{}", done.body);
    let all = ["GiftWithdrawn", "RefundSucceeded", "OrderRefunded", "CreditNoteIssued"];
    for kind in all {
        assert_eq!(count(&studio, kind).await, 1, "{kind}");
    }
    assert_eq!(count(&studio, "RefundProposed").await, 0);
    let sql = "select count(*) from outgoing_mail where mail->>'about' = 'taken_back' and (mail->>'by_right')::boolean";
    assert_eq!(studio.client().await.query_one(sql, &[]).await.expect("mails").get::<_, i64>(0), 1);
    let refused = redeem(&studio, &buyer, gift).await;
    assert!(refused.status == 422 && refused.body.contains("taken back"), "{}", refused.body);
    assert_eq!(buyer.get(&page).await.location(), own, "there is nothing left to withdraw from");
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_disputes_end_access_a_gift_waits_for_the_bank() {
    let (studio, buyer, _) = open_with(|c| c.billing.dispute_ends_access = true).await;
    for (card, decided) in [(WON, 303), (LOST, 422)] {
        let (gift, _) = buy(&studio, &buyer, card, "").await;
        assert_eq!(look(&studio, 0).await, 1);
        let shown = buyer.get(&format!("/account/gifts/{gift}")).await.body;
        assert!(shown.contains("Payment in dispute"), "{shown}");
        let refused = redeem(&studio, &buyer, gift).await;
        assert!(refused.status == 422 && refused.body.contains("in dispute"), "{}", refused.body);
        assert_eq!(look(&studio, 31).await, 1);
        assert_eq!(redeem(&studio, &buyer, gift).await.status, decided, "{card}");
    }
    assert_eq!((count(&studio, "GiftHeldBack").await, count(&studio, "GiftReleased").await), (2, 1));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_for_the_wrong_buyer_is_taken_back_and_issued_anew() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", CARD).await.status, 303);
    let first = link(&billing.get("/billing/invoices").await.body, "/billing/invoices/INV-");
    let act = format!("{first}/reissue");
    assert!(!billing.get(&first).await.body.contains("Issue it anew"), "nothing is another");
    let same = billing.submit("/account/notifications", &act, &[("reason", "asked")]).await;
    assert!(same.status == 422 && same.body.contains("these billing details already"), "{}", same.body);

    bill_to(&studio, &member, "Lantern Works").await;
    let shown = billing.get(&first).await.body;
    assert!(shown.contains("Issue it anew") && shown.contains("Lantern Works"), "{shown}");
    assert_eq!(billing.submit(&first, &act, &[("reason", "")]).await.status, 422);
    let done = billing.submit(&first, &act, &[("reason", "the company pays")]).await;
    studio.settle().await;
    assert_eq!(done.status, 303, "{}", done.body);
    let sql = "select number, kind, gross_minor, document->>'corrects' from views.invoices order by position";
    let rows = studio.client().await.query(sql, &[]).await.expect("the papers");
    let papers: Vec<(String, i64, Option<String>)> =
        rows.iter().map(|r| (r.get(1), r.get(2), r.get(3))).collect();
    let number = |at: usize| rows[at].get::<_, String>(0);
    assert_eq!(
        papers,
        [
            ("invoice".into(), 1150, None),
            ("credit-note".into(), -1150, Some(number(0))),
            ("invoice".into(), 1150, None)
        ]
    );
    let new = billing.get(&format!("/billing/invoices/{}", number(2))).await.body;
    assert!(new.contains("Lantern Works") && new.contains(&number(1)), "{new}");
    let old = billing.get(&first).await.body;
    assert!(
        old.contains("Mira Member") && !old.contains("Issue it anew"),
        "an issued invoice does not change"
    );
    let again = billing.submit("/account/notifications", &act, &[("reason", "twice")]).await;
    assert!(again.status == 422 && again.body.contains("Another invoice stands"), "{}", again.body);
    let report = billing.get("/billing/reports/vat.csv").await.body;
    assert!(report.contains("NL,domestic,STANDARD,21.00,9.50,2.00,EUR,3"), "{report}");

    // A refund corrects the one that stands, for the buyer that it names.
    let order_page = link(&billing.get("/billing/orders").await.body, "/billing/orders/");
    let fields = [("of", "price"), ("way", "gateway"), ("amount", "1.50"), ("reason", "goodwill")];
    let back = billing.submit(&order_page, &format!("{order_page}/refund"), &fields).await;
    assert_eq!(back.status, 303, "{}", back.body);
    studio.settle().await;
    let sql = "select document->>'corrects', document->'billing'->>'version' = (select document->'billing'->>'version'
        from views.invoices where number = $1) from views.invoices where kind = 'credit-note' order by position desc limit 1";
    let note = studio.client().await.query_one(sql, &[&number(2)]).await.expect("the note");
    assert_eq!(
        (note.get::<_, Option<String>>(0), note.get::<_, Option<bool>>(1)),
        (Some(number(2)), Some(true))
    );
    let standing = format!("/billing/invoices/{}", number(2));
    let refused =
        billing.submit("/account/notifications", &format!("{standing}/reissue"), &[("reason", "no")]).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_right_behind_a_new_invoice_corrects_the_new_one() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", CARD).await.status, 303);
    bill_to(&studio, &member, "Lantern Works").await;
    let first = link(&billing.get("/billing/invoices").await.body, "/billing/invoices/INV-");
    let page = link(&billing.get("/billing/orders").await.body, "/billing/orders/");
    let act = format!("{first}/reissue");
    let fields = [("of", "price"), ("way", "gateway"), ("amount", "1.50"), ("reason", "goodwill")];
    // Nothing waits for the papers of the first.
    assert_eq!(billing.submit(&first, &act, &[("reason", "the company pays")]).await.status, 303);
    assert_eq!(billing.submit(&page, &format!("{page}/refund"), &fields).await.status, 303);
    studio.settle().await;
    let sql = "select (select max(number) from views.invoices where kind = 'invoice'), document->>'corrects'
        from views.invoices where kind = 'credit-note' order by position desc limit 1";
    let row = studio.client().await.query_one(sql, &[]).await.expect("the note");
    assert_eq!(row.get::<_, Option<String>>(0), row.get::<_, Option<String>>(1));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_that_asked_for_a_transfer_is_issued_anew_as_paid_once_it_is() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "bank", "").await.status, 303);
    bill_to(&studio, &member, "Lantern Works").await;
    let first = link(&billing.get("/billing/invoices").await.body, "/billing/invoices/INV-");
    let act = format!("{first}/reissue");
    assert_eq!(billing.submit(&first, &act, &[("reason", "the company pays")]).await.status, 303);
    studio.settle().await;
    let paid = async || {
        let sql = "select (document->>'paid')::boolean from views.invoices where kind = 'invoice' order by position desc limit 1";
        studio.client().await.query_one(sql, &[]).await.expect("the paper").get::<_, bool>(0)
    };
    assert!(!paid().await, "it still asks for the transfer");
    let booked = link(&billing.get("/billing/orders").await.body, "/billing/orders/");
    let fields = [("amount", "11.50"), ("reason", "statement 7")];
    assert_eq!(billing.submit(&booked, &format!("{booked}/paid"), &fields).await.status, 303);
    studio.settle().await;
    bill_to(&studio, &member, "Lantern Works BV").await;
    let sql = "select number from views.invoices where kind = 'invoice' order by position desc limit 1";
    let standing: String = studio.client().await.query_one(sql, &[]).await.expect("it").get(0);
    let standing = format!("/billing/invoices/{standing}");
    let act = format!("{standing}/reissue");
    assert_eq!(billing.submit(&standing, &act, &[("reason", "its full name")]).await.status, 303);
    studio.settle().await;
    assert!(paid().await);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_issued_anew_later_declares_nothing_anew_and_its_refund_corrects_the_first_quarter() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "DE", "card", CARD).await.status, 303);
    let quarter = || {
        let now = studio.instance.services.clock.now();
        format!("{}-Q{}", now.year(), now.month0() / 3 + 1)
    };
    let oss = async |billing: &Browser, quarter: &str| {
        let text = billing.get(&format!("/billing/reports/oss.csv?quarter={quarter}")).await.body;
        text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let first = quarter();
    let declared = oss(&billing, &first).await;
    assert_eq!(declared.len(), 1);
    crate::step_up::pass(&studio, 93 * 24 * 60);
    let (member, billing) = signed_in_anew(&studio).await;
    bill_in(&studio, &member, "Lantern Works", ("DE", "184")).await;
    let invoice = link(&billing.get("/billing/invoices").await.body, "/billing/invoices/INV-");
    let act = format!("{invoice}/reissue");
    assert_eq!(billing.submit(&invoice, &act, &[("reason", "the company pays")]).await.status, 303);
    studio.settle().await;
    assert_eq!(count(&studio, "CreditNoteIssued").await, 1);
    assert_ne!(quarter(), first);
    assert!(oss(&billing, &quarter()).await.is_empty(), "nothing was supplied anew");
    assert_eq!(oss(&billing, &first).await, declared, "what was sent stays");
    let page = link(&billing.get("/billing/orders").await.body, "/billing/orders/");
    let fields = [("of", "price"), ("way", "gateway"), ("amount", "2.38"), ("reason", "goodwill")];
    assert_eq!(billing.submit(&page, &format!("{page}/refund"), &fields).await.status, 303);
    studio.settle().await;
    let lines = oss(&billing, &quarter()).await;
    assert!(lines.len() == 1 && lines[0].contains(&format!("correction,{first},DE")), "{lines:?}");
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_went_back_is_told_to_the_subscription() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", CARD).await.status, 303);
    let page = link(&billing.get("/billing/orders").await.body, "/billing/orders/");
    let fields = [("of", "price"), ("way", "gateway"), ("amount", "10.00"), ("reason", "goodwill")];
    assert_eq!(billing.submit(&page, &format!("{page}/refund"), &fields).await.status, 303);
    studio.settle().await;
    assert_eq!(count(&studio, "PaymentRefunded").await, 1);
    let subscription = link(&billing.get("/billing/subscriptions").await.body, "/billing/subscriptions/");
    let log = billing.get(&subscription).await.body;
    assert!(log.contains("credits no more than the €1.50 that are left"), "{log}");
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_desk_verifies_the_whole_log_and_says_what_it_finds() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", CARD).await.status, 303);
    let page = billing.get("/billing/proof").await.body;
    assert!(page.contains("not been verified yet") && page.contains("BEGIN PUBLIC KEY"), "{page}");
    assert_eq!(member.get("/billing/proof").await.status, 403);
    let at = studio.instance.services.clock.now();
    studio.run_job("checkpoint-log", &at.to_rfc3339()).await;
    let done = async || {
        let begun = billing.submit("/billing/proof", "/billing/proof", &[]).await;
        assert_eq!(begun.status, 303, "{}", begun.body);
        for _ in 0..600 {
            let page = billing.get("/billing/proof").await.body;
            if !page.contains("is being read since") {
                return page;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("it does not end");
    };
    let good = done().await;
    assert!(good.contains("as they were written") && good.contains("signed notes fit"), "{good}");
    assert!(good.contains("Read as a whole"), "{good}");

    let sql = "alter table events disable trigger all;
        update events set payload = jsonb_set(payload::jsonb, '{data,amount,minor}', '1150000')::json where type = 'OrderPaid'";
    studio.superuser().await.batch_execute(sql).await.expect("somebody with all rights");
    let bad = done().await;
    assert!(bad.contains("is not as it was written") && bad.contains("Tell the operators at once"), "{bad}");
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_of_withdrawal_outlives_a_dispute() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", WON).await.status, 303);
    assert_eq!(look(&studio, 0).await, 1);
    let page = "/account/subscription/withdraw";
    assert_eq!(member.submit(page, page, &[]).await.status, 303);
    studio.settle().await;
    assert_eq!((count(&studio, "RefundAwaitsDispute").await, count(&studio, "RefundStarted").await), (1, 0));
    let id = link(&billing.get("/billing/subscriptions").await.body, "/billing/subscriptions/");
    assert!(billing.get(&id).await.body.contains("waits for the end of the dispute"));
    assert_eq!(look(&studio, 31).await, 1);
    assert_eq!(count(&studio, "RefundSucceeded").await, 1);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gift_that_was_given_back_while_its_money_was_on_the_way_is_refunded() {
    let (studio, buyer, _) = open().await;
    // The answer to its charge comes late.
    let (gift, _) = buy(&studio, &buyer, "4000 0000 0000 0119", "").await;
    let page = format!("/account/gifts/{gift}/withdraw");
    assert_eq!(buyer.submit(&page, &page, &[]).await.status, 303);
    studio.settle().await;
    let order = kinora::domain::gift::order_of(gift);
    let cx = &studio.instance.services;
    let state = kinora::actors::payments::load_order(cx, order).await.expect("the order");
    let (attempt, at) = (state.attempts()[0].id, cx.clock.now());
    let answer = async |order: Uuid, attempt: Uuid, outcome: Outcome| {
        let meta = kinora::store::Metadata::system("test", cx.clock.new_id(), at);
        let command = OrderCommand::RecordOutcome { attempt, outcome, at };
        let envelope = Envelope::new(cx.clock.new_id(), order, command, meta);
        cx.bus.dispatch::<Order>(envelope).await.expect("the answer");
        studio.settle().await;
    };
    answer(order, attempt, Outcome::Succeeded { gateway_reference: "sbx_late".into() }).await;
    assert_eq!((count(&studio, "OrderPaid").await, count(&studio, "RefundStarted").await), (1, 1));

    // Another one, of which nothing was taken: nobody has to pay it any more.
    let (gift, _) = buy(&studio, &buyer, "4000 0000 0000 0127", "").await;
    let page = format!("/account/gifts/{gift}/withdraw");
    assert_eq!(buyer.submit(&page, &page, &[]).await.status, 303);
    studio.settle().await;
    let order = kinora::domain::gift::order_of(gift);
    let state = kinora::actors::payments::load_order(cx, order).await.expect("the order");
    let declined = Outcome::Declined { code: "no_charge_made".into(), hard: false };
    answer(order, state.attempts()[0].id, declined).await;
    assert_eq!(count(&studio, "OrderCancelled").await, 1);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_that_pays_by_transfer_keeps_its_seats_until_the_other_plan_begins() {
    let mut desk = Desk::open().await;
    let cx = desk.instance.services.clone();
    let seats = async |id: Uuid| {
        let repository = EventRepository::<Team>::new(cx.pool.clone(), cx.journal.clone());
        repository.load(id).await.expect("the team").state.seats().map(|seats| format!("{seats:?}"))
    };
    let id = desk.join(None).await;
    let plan = |n: u128, count: u32, minor: i64| {
        let price = Money::new(minor, Currency::eur());
        Terms {
            variation: Uuid::from_u128(n),
            seats: Some(Seats { most: Some(count) }),
            price,
            ..desk.terms(Collection::Manual)
        }
    };
    let (twenty, two) = (plan(20, 20, 2300), plan(21, 2, 700));
    let pay = async |desk: &Desk| {
        let order = desk.row(id).await.state.open_order().expect("an order").order;
        let received =
            kinora::actors::payments::load_order(&cx, order).await.expect("it").total().expect("a sum");
        let command = OrderCommand::RecordTransfer { received, at: desk.at };
        let envelope = Envelope::new(Uuid::now_v7(), order, command, desk.meta());
        cx.bus.dispatch::<Order>(envelope).await.expect("booked");
        desk.settle().await;
    };
    let change = |terms: Terms, at: DateTime<Utc>| SubscriptionCommand::ChangePlan {
        order: Uuid::now_v7(),
        terms,
        shown: None,
        at_once: true,
        at,
    };
    pay(&desk).await;
    desk.send(id, change(twenty, desk.at)).await;
    // Seven days before 28 Feb it is ordered: nobody has the seats yet.
    desk.tick("2031-02-21T12:00:00Z").await;
    assert_eq!(seats(id).await, None);
    desk.at = time("2031-02-22T12:00:00Z");
    pay(&desk).await;
    desk.tick("2031-02-27T12:00:00Z").await;
    assert_eq!(seats(id).await, None);
    desk.tick("2031-02-28T00:00:00Z").await;
    let many = seats(id).await.expect("a team");
    desk.at = time("2031-03-05T12:00:00Z");
    desk.send(id, change(two, desk.at)).await;
    desk.tick("2031-03-25T12:00:00Z").await;
    assert_eq!(seats(id).await.as_ref(), Some(&many), "what is paid for stays");
    desk.tick("2031-03-31T00:00:00Z").await;
    assert_ne!(seats(id).await.expect("a team"), many);
}
