//! Gifts: bought by one, redeemed by another, once; what they extend, what they wait for, and what goes back.

use crate::accounts::{person, signed_in};
use crate::billing_pages::{ADDRESS, link, open, open_with, order, signed_in_anew};
use crate::support::{Browser, Page, Studio};
use kinora::actors::gifts;
use uuid::Uuid;

/// Orders the first gift that is sold; gives its id.
pub async fn buy(studio: &Studio, buyer: &Browser, card: &str, recipient: &str) -> (Uuid, Page) {
    let action = link(&buyer.get("/gift").await.body, "/gift/");
    let mut fields = ADDRESS.to_vec();
    fields.extend([
        ("card_number", card),
        ("card_expiry", "12/35"),
        ("recipient", recipient),
        ("kept", "new"),
    ]);
    let page = buyer.submit(&action, action.split('?').next().unwrap(), &fields).await;
    studio.settle().await;
    let id = page.location().strip_prefix("/account/gifts/").map(|rest| rest.split('?').next().unwrap());
    (id.and_then(|id| id.parse().ok()).unwrap_or_default(), page)
}

fn code(studio: &Studio, gift: Uuid) -> String {
    gifts::code(&studio.instance.services, gift).unwrap()
}

async fn redeem(studio: &Studio, who: &Browser, code: &str) -> Page {
    let page = who.submit("/redeem", "/redeem", &[("code", code)]).await;
    studio.settle().await;
    page
}

/// Letters whose text holds all of `parts`.
fn letters(studio: &Studio, parts: &[&str]) -> usize {
    let folder = std::fs::read_dir(studio.data.path().join("mail")).unwrap();
    let texts = folder.filter_map(|f| std::fs::read_to_string(f.unwrap().path()).ok());
    texts
        .map(|t| t.replace("=\r\n", "").replace("=\n", ""))
        .filter(|t| parts.iter().all(|p| t.contains(p)))
        .count()
}

async fn count(studio: &Studio, kind: &str) -> i64 {
    let sql = "select count(*) from events where type = $1";
    studio.client().await.query_one(sql, &[&kind]).await.unwrap().get(0)
}

fn pass_days(studio: &Studio, days: i64) {
    let clock = &studio.instance.services.clock;
    clock.follow(clock.ahead_us() + days * 86_400_000_000);
}

/// Mails about what became of gifts, by what they say.
async fn mails(studio: &Studio) -> Vec<(String, i64)> {
    let sql = "select mail->>'about', count(*) from outgoing_mail where mail->>'kind' = 'gift' group by 1 order by 1";
    let rows = studio.client().await.query(sql, &[]).await.expect("the queue");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gift_is_paid_sent_and_redeemed_once() {
    let (studio, buyer, billing) = open().await;
    let page = studio.browser().get("/gift").await.body;
    assert!(page.contains("€11.50") && page.contains("once"), "{page}");
    let action = link(&page, "/gift/");
    let sign_in = studio.browser().get(&action).await;
    let there = sign_in.location();
    assert!(there.starts_with("/login?next=%2Fgift%2F") && there.contains("%3Fcountry%3D"), "{there}");

    // What is wrong is said, and what was typed stays.
    let (_, wrong) = buy(&studio, &buyer, "4111 1111 1111 1111", "nobody").await;
    assert!(wrong.status == 422 && wrong.body.contains("name@example.org"), "{}", wrong.body);
    assert!(wrong.body.contains("value=\"nobody\"") && wrong.body.contains("Keizersgracht 1"));
    assert_eq!(count(&studio, "GiftOrdered").await, 0);

    let (gift, bought) = buy(&studio, &buyer, "4242 4242 4242 4242", "grace@new.example").await;
    assert_eq!(bought.status, 303, "{}", bought.body);
    let code = code(&studio, gift);
    let shown = buyer.get(&format!("/account/gifts/{gift}")).await.body;
    assert!(shown.contains("Can be redeemed") && shown.contains("grace@new.example"), "{shown}");
    assert!(!shown.contains(&code), "the code is in the mail alone");
    assert_eq!(billing.get(&format!("/account/gifts/{gift}")).await.status, 404, "it is its buyer's");
    assert_eq!(letters(&studio, &["To: grace@new.example", &code]), 1);
    assert_eq!(letters(&studio, &[&code]), 1, "nobody else has it");
    assert_eq!(letters(&studio, &["Your gift is paid"]), 1);
    // Paid like everything else: an order, a charge, an invoice.
    assert!(buyer.get("/account/invoices").await.body.contains("INV-"));
    assert!(!buyer.get("/account/subscription").await.body.contains("You can watch everything"));
    // Neither code nor address stands in the log or its tables.
    let sql = "select count(*) from events where payload::text like '%' || $1 || '%' or payload::text like '%grace@%'";
    let plain = code.replace('-', "");
    for text in [&code, &plain] {
        let found: i64 = studio.client().await.query_one(sql, &[text]).await.unwrap().get(0);
        assert_eq!(found, 0);
    }

    // Grace has no subscription: she has access for a month. Letters and spaces do not matter.
    let grace_id = person(&studio, "grace@new.example", &[]).await;
    let grace = signed_in(&studio, "grace@new.example").await;
    let refused = redeem(&studio, &grace, "ABCD-ABCD-ABCD-ABCD").await;
    assert!(refused.status == 422 && refused.body.contains("no gift with this code"), "{}", refused.body);
    assert!(refused.body.contains("ABCD-ABCD-ABCD-ABCD"), "what was typed stays");
    let got = redeem(&studio, &grace, &code.to_lowercase().replace('-', " ")).await;
    assert_eq!(got.status, 303, "{}", got.body);
    assert!(grace.get("/account/gifts").await.body.contains("You have access until"));
    let own = grace.get("/account/subscription").await.body;
    assert!(own.contains("You have access to everything until") && !own.contains("not joined yet"), "{own}");
    let facts: String = studio
        .client()
        .await
        .query_one("select complimentary_until::text from views.people where account = $1", &[&grace_id])
        .await
        .unwrap()
        .get(0);
    assert!(facts.starts_with("20"), "{facts}");
    assert_eq!(redeem(&studio, &grace, &code).await.status, 303, "the same person again changes nothing");
    assert_eq!(count(&studio, "GiftUsed").await, 1);
    let late = redeem(&studio, &buyer, &code).await;
    assert!(late.status == 422 && late.body.contains("redeemed already"), "{}", late.body);

    // Staff see it, and cannot take it back any more.
    let list = billing.get("/billing/gifts").await.body;
    assert!(list.contains("Redeemed") && list.contains("Export CSV"), "{list}");
    let csv = billing.get("/billing/gifts?format=csv").await.body;
    assert!(
        csv.lines().count() == 2 && csv.contains(&format!(",{grace_id},")) && csv.contains(",used,"),
        "{csv}"
    );
    let one = format!("/billing/gifts/{gift}");
    assert!(!billing.get(&one).await.body.contains("Take it back"));
    let refused =
        billing.submit("/account/notifications", &format!("{one}/withdraw"), &[("reason", "late")]).await;
    assert!(refused.status == 422 && refused.body.contains("redeemed already"), "{}", refused.body);
    assert_eq!(mails(&studio).await, [("given".to_owned(), 1), ("redeemed".to_owned(), 1)]);
    let order_page = link(&billing.get("/billing/orders").await.body, "/billing/orders/");
    assert!(billing.get(&order_page).await.body.contains("the gift"));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_runs_longer_and_an_open_order_lets_the_gift_wait() {
    let (studio, member, _) = open().await;
    assert_eq!(order(&studio, &member, "NL", "bank", "").await.status, 303);
    let (gift, bought) = buy(&studio, &member, "4242 4242 4242 4242", "").await;
    assert_eq!(bought.status, 303, "{}", bought.body);
    let code = code(&studio, gift);
    assert_eq!(letters(&studio, &[&code]), 1, "it went to the buyer");
    assert_eq!(redeem(&studio, &member, &code).await.status, 303);
    let waits = member.get("/account/gifts").await.body;
    assert!(waits.contains("It waits until"), "{waits}");
    assert_eq!(count(&studio, "GiftUsed").await, 0);

    // The transfer of the first order arrives: the subscription begins, and the gift is put behind it.
    let cx = &studio.instance.services;
    let sql = "select id from views.orders where status = 'created'";
    let open: Uuid = studio.client().await.query_one(sql, &[]).await.unwrap().get(0);
    let state = kinora::actors::payments::load_order(cx, open).await.unwrap();
    let meta = kinora::store::Metadata::system("test", cx.clock.new_id(), cx.clock.now());
    let command = kinora::domain::order::OrderCommand::RecordTransfer {
        received: state.total().unwrap(),
        at: cx.clock.now(),
    };
    let envelope = kinora::actors::Envelope::new(cx.clock.new_id(), open, command, meta);
    cx.bus.dispatch::<kinora::domain::order::Order>(envelope).await.unwrap();
    studio.settle().await;
    assert_eq!((count(&studio, "PaidTimeExtended").await, count(&studio, "GiftUsed").await), (1, 1));
    assert!(member.get("/account/gifts").await.body.contains("runs so much longer"));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_card_is_replaced_a_date_ends_and_staff_give_the_money_back() {
    let (studio, buyer, billing) = open_with(|c| c.billing.gift_days = 30).await;
    let (gift, bought) = buy(&studio, &buyer, "4000 0000 0000 0002", "").await;
    assert_eq!(bought.status, 303, "{}", bought.body);
    let own = format!("/account/gifts/{gift}");
    let shown = buyer.get(&own).await.body;
    assert!(shown.contains("Payment failed") && shown.contains("Nothing was charged"), "{shown}");
    assert!(shown.contains("when it is paid, for 30 days"), "{shown}");
    let refused = redeem(&studio, &buyer, &code(&studio, gift)).await;
    assert!(refused.status == 422 && refused.body.contains("no gift with this code"), "{}", refused.body);
    let card = [("kept", "new"), ("card_number", "4242 4242 4242 4242"), ("card_expiry", "12/35")];
    let paid = buyer.submit(&own, &format!("{own}/pay"), &card).await;
    studio.settle().await;
    assert_eq!(paid.status, 303, "{}", paid.body);
    assert!(buyer.get(&own).await.body.contains("until"), "it has a last day");
    let again = buyer.submit(&own, &format!("{own}/pay"), &card).await;
    assert!(again.status == 422 && again.body.contains("paid already"), "{}", again.body);

    // Staff take it back: the money goes back by the charge, and the code counts no more.
    let desk = format!("/billing/gifts/{gift}");
    let act = format!("{desk}/withdraw");
    assert_eq!(billing.submit(&desk, &act, &[("reason", "")]).await.status, 422);
    let done = billing.submit(&desk, &act, &[("reason", "bought by mistake")]).await;
    studio.settle().await;
    assert_eq!(done.status, 303, "{}", done.body);
    assert_eq!((count(&studio, "RefundSucceeded").await, count(&studio, "OrderRefunded").await), (1, 1));
    assert_eq!(count(&studio, "CreditNoteIssued").await, 1);
    assert_eq!(count(&studio, "GiftWithdrawn").await, 1);
    assert_eq!(mails(&studio).await, [("payment_failed".to_owned(), 1), ("taken_back".to_owned(), 1)]);
    let refused = redeem(&studio, &buyer, &code(&studio, gift)).await;
    assert!(refused.status == 422 && refused.body.contains("taken back"), "{}", refused.body);

    // Another one, whose last day passes.
    let (second, _) = buy(&studio, &buyer, "4242 4242 4242 4242", "").await;
    pass_days(&studio, 32);
    let late = redeem(&studio, &buyer, &code(&studio, second)).await;
    assert!(late.status == 422 && late.body.contains("could be redeemed until"), "{}", late.body);
    let shown = buyer.get(&format!("/account/gifts/{second}")).await.body;
    assert!(shown.contains("Expired") && shown.contains("no more: it could be until"), "{shown}");
    assert!(shown.contains("the code counts no more") && !shown.contains("was sent by mail"), "{shown}");
    let list = buyer.get("/account/gifts").await.body;
    assert!(list.contains("Expired") && !list.contains("Can be redeemed"), "{list}");
    let (_, billing) = signed_in_anew(&studio).await;
    let list = billing.get("/billing/gifts").await.body;
    assert!(list.contains("Expired") && !list.contains("Can be redeemed"), "{list}");
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gift_whose_charge_is_not_confirmed_in_time_can_be_paid_otherwise() {
    let (studio, buyer, _) = open().await;
    let (gift, bought) = buy(&studio, &buyer, "4000 0025 0000 3155", "").await;
    assert_eq!(bought.status, 303, "{}", bought.body);
    let own = format!("/account/gifts/{gift}");
    assert!(buyer.get(&own).await.body.contains("Your bank asks you to confirm this payment"));
    assert_eq!(crate::direct_debits::mails(&studio, "action_needed").await, 1, "with the way there");
    let confirm = link(&buyer.get(&own).await.body, "/account/orders/");
    assert!(buyer.get(&confirm).await.body.contains("Confirm €"), "what the bank was asked for");
    let now = studio.instance.services.clock.now();
    studio.run_job("payment-lookups", &(now + chrono::TimeDelta::hours(23)).to_rfc3339()).await;
    studio.settle().await;
    assert!(
        buyer.get(&own).await.body.contains("Your bank asks you to confirm this payment"),
        "it has its time"
    );
    pass_days(&studio, 2);
    let now = studio.instance.services.clock.now();
    studio.run_job("payment-lookups", &now.to_rfc3339()).await;
    studio.settle().await;
    assert_eq!(count(&studio, "PaymentAttemptCancelled").await, 1);
    let shown = buyer.get(&own).await.body;
    assert!(shown.contains("Nothing was charged") && shown.contains("card_number"), "{shown}");
    let card = [("kept", "new"), ("card_number", "4242 4242 4242 4242"), ("card_expiry", "12/35")];
    assert_eq!(buyer.submit(&own, &format!("{own}/pay"), &card).await.status, 303);
    studio.settle().await;
    assert_eq!(count(&studio, "GiftPaid").await, 1);
    studio.close().await;
}
