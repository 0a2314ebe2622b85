//! Two accounts of one person become one: what is shown before, what moves, and what becomes of the closed one.

use crate::accounts::{PASSWORD, person, sign_in, signed_in};
use crate::billing_pages::{link, order};
use crate::erasure::{after_grace, ask as ask_to_be_deleted};
use crate::refunds::open;
use crate::support::{Browser, Studio};
use chrono::TimeDelta;
use kinora::actors::bus::Envelope;
use kinora::domain::order::{Order, OrderCommand};
use kinora::domain::shared::{Currency, Money};
use kinora::store::Metadata;
use uuid::Uuid;

async fn account_of(studio: &Studio, subscription: &str) -> Uuid {
    let sql = "select owner from subscriptions where subscription::text = $1";
    let id = subscription.rsplit('/').next().expect("an id").to_owned();
    studio.client().await.query_one(sql, &[&id]).await.expect("listed").get(0)
}

async fn count(studio: &Studio, sql: &str, account: Uuid) -> i64 {
    studio.client().await.query_one(sql, &[&account]).await.expect("counted").get(0)
}

/// Asks for the merge and has a second person agree; gives the page of the request.
async fn merge(studio: &Studio, staff: &Browser, admin: &Browser, from: Uuid, into: Uuid) -> String {
    let page = format!("/billing/people/{from}/merge");
    let fields = [("into", &*into.to_string()), ("reason", "same person, by passport")];
    let asked = staff.submit(&format!("{page}?keep=second@example.org"), &page, &fields).await;
    assert_eq!(asked.status, 303, "{}", asked.body);
    let request = asked.location().split('?').next().expect("a path").to_owned();
    assert!(request.starts_with("/billing/approvals/"), "{request}");
    studio.settle().await;
    let agree = [("act", "agree"), ("reason", "seen")];
    assert_eq!(staff.submit(&request, &request, &agree).await.status, 422, "nobody does it alone");
    assert_eq!(admin.submit(&request, &request, &agree).await.status, 303);
    studio.settle().await;
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kept_account_has_the_membership_and_the_closed_one_opens_nothing() {
    let (studio, [member, billing, admin]) = open(|_| {}).await;
    assert_eq!(order(&studio, &member, "NL", "card", "4242 4242 4242 4242").await.status, 303);
    let subscription = link(&billing.get("/billing/subscriptions").await.body, "/billing/subscriptions/");
    let invoice = link(&member.get("/account/invoices").await.body, "/account/invoices/");
    let own_order = link(&billing.get("/billing/orders").await.body, "/billing/orders/");
    let own_order = own_order.replace("/billing/", "/account/");
    let from = account_of(&studio, &subscription).await;
    let into = person(&studio, "second@example.org", &[]).await;
    let second = signed_in(&studio, "second@example.org").await;
    let (seen, liked, both) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    let client = studio.client().await;
    for (account, item, at) in [(from, seen, 30), (from, both, 90), (into, both, 20)] {
        let sql = "insert into public.watch_progress (account, item, at_s, length_s, started_at, seen_at)
            values ($1, $2, $3, 100, now(), now())";
        client.execute(sql, &[&account, &item, &at]).await.expect("seen");
    }
    let sql = "insert into public.marks values ($1, 'like', 'film', $2, now())";
    client.execute(sql, &[&from, &liked]).await.expect("liked");
    drop(client);

    let page = format!("/billing/people/{from}/merge");
    assert_eq!(member.get(&page).await.status, 403);
    assert!(billing.get(&page).await.body.contains("Mail address of the account that is kept"));
    let nobody = billing.get(&format!("{page}?keep=nobody@example.org")).await;
    assert!(nobody.status == 422 && nobody.body.contains("No account uses this address"), "{}", nobody.body);
    let shown = billing.get(&format!("{page}?keep=second@example.org")).await.body;
    for words in [
        "1 subscription",
        "1 order",
        "1 invoice",
        "2 lessons and works",
        "1 mark",
        "A second person has to agree",
    ] {
        assert!(shown.contains(words), "{words} in {shown}");
    }
    let fields = [("into", &*from.to_string()), ("reason", "x")];
    let same = billing.submit(&page, &page, &fields).await;
    assert!(same.status == 422 && same.body.contains("Both are the same account"), "{}", same.body);
    let fields = [("into", &*into.to_string()), ("reason", "")];
    let silent = billing.submit(&page, &page, &fields).await;
    assert!(silent.status == 422 && silent.body.contains("Say why"), "{}", silent.body);

    merge(&studio, &billing, &admin, from, into).await;
    assert_eq!(account_of(&studio, &subscription).await, into);
    assert!(second.get("/account/subscription").await.body.contains("You can watch everything"));
    assert!(second.get("/account/invoices").await.body.contains(&invoice));
    assert_eq!(second.get(&invoice).await.status, 200);
    assert_eq!(second.get(&own_order).await.status, 200);
    let progress = "select count(*) from public.watch_progress where account = $1";
    let marks = "select count(*) from public.marks where account = $1";
    assert_eq!((count(&studio, progress, into).await, count(&studio, progress, from).await), (2, 0));
    assert_eq!((count(&studio, marks, into).await, count(&studio, marks, from).await), (1, 0));
    let furthest = "select max(at_s)::bigint from public.watch_progress where account = $1";
    assert_eq!(count(&studio, furthest, into).await, 90, "the further one counts");
    assert_eq!(crate::direct_debits::mails(&studio, "accounts_merged").await, 1);

    // The closed one: its session is over (who signs in is told where to: below).
    assert_eq!(member.get("/account/subscription").await.status, 303);
    assert!(billing.get(&format!("/billing/people/{from}")).await.body.contains("was merged into"));
    assert!(billing.get(&format!("/billing/people/{into}")).await.body.contains("It took over"));
    let story = billing.get(&subscription).await.body;
    assert!(story.contains("belongs to another account of the same person"), "{story}");
    // What they did with the closed account is still what the member did.
    assert!(story.contains("By member") && story.contains("By the member"), "{story}");
    for file in ["log.csv", "log.jsonl"] {
        let own = billing.get(&format!("{subscription}/{file}?by=member")).await.body;
        assert!(own.contains("SubscriptionJoined") && own.contains("the member"), "{file}: {own}");
        let staff = billing.get(&format!("{subscription}/{file}?by=staff")).await.body;
        assert!(
            !staff.contains("SubscriptionJoined") && !staff.contains(&format!("staff {from}")),
            "{staff}"
        );
    }
    let fields = [("into", &*from.to_string()), ("reason", "x")];
    let back = format!("/billing/people/{into}/merge");
    let again = billing.submit(&back, &back, &fields).await;
    assert!(again.status == 422 && again.body.contains("was merged before"), "{}", again.body);

    // The card goes on being charged, for the kept account.
    let at = studio.instance.services.clock.now() + TimeDelta::days(33);
    studio.run_job("clock-tick", &at.to_rfc3339()).await;
    studio.settle().await;
    let sql = "select count(*) from orders where account = $1 and status = 'paid'";
    assert_eq!((count(&studio, sql, into).await, count(&studio, sql, from).await), (1, 1));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_running_memberships_are_not_merged_and_who_is_erased_takes_the_closed_account_along() {
    let (studio, [member, billing, admin]) = open(|_| {}).await;
    let into = person(&studio, "second@example.org", &[]).await;
    let second = signed_in(&studio, "second@example.org").await;
    assert_eq!(order(&studio, &member, "NL", "card", "4242 4242 4242 4242").await.status, 303);
    let subscription = link(&billing.get("/billing/subscriptions").await.body, "/billing/subscriptions/");
    let from = account_of(&studio, &subscription).await;
    assert_eq!(order(&studio, &second, "NL", "bank", "").await.status, 303);
    let page = format!("/billing/people/{from}/merge?keep=second@example.org");
    let shown = billing.get(&page).await.body;
    assert!(
        shown.contains("Both have a subscription that runs") && !shown.contains("Ask a second person"),
        "{shown}"
    );

    // A third account of the same person has none.
    let third = person(&studio, "third@example.org", &[]).await;
    assert_eq!(second.submit("/account/subscription", "/account/subscription/cancel", &[]).await.status, 303);
    studio.settle().await;
    merge(&studio, &billing, &admin, third, into).await;
    let (_, refused) = sign_in(&studio, "third@example.org", PASSWORD).await;
    assert!(refused.body.contains("one with your other account"), "{}", refused.body);
    // Who writes from the address of the closed account is found with what the kept one has.
    for who in ["third@example.org", "second@example.org", &*third.to_string()] {
        let list = billing.get(&format!("/billing/subscriptions?q={who}")).await.body;
        assert_eq!(account_of(&studio, &link(&list, "/billing/subscriptions/")).await, into, "{who}");
    }
    let list = billing.get("/billing/orders?q=third@example.org").await.body;
    let found = link(&list, "/billing/orders/");
    let sql = format!("select count(*) from orders where account = $1 and '{found}' like '%/' || id");
    assert_eq!(count(&studio, &sql, into).await, 1, "{found}");
    ask_to_be_deleted(&second).await;
    studio.run_job("process-deletion-requests", &after_grace(&studio).to_rfc3339()).await;
    studio.settle().await;
    for account in [into, third] {
        let kept = count(&studio, "select count(*) from public.vault where subject = $1", account).await;
        let named =
            count(&studio, "select count(*) from people where account = $1 and standing = 'erased'", account)
                .await;
        assert_eq!((kept, named), (0, 1), "nothing personal is left");
    }
    // Its address is free again.
    person(&studio, "third@example.org", &[]).await;
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn team_gifts_and_credit_go_to_the_kept_account_and_what_comes_later_follows() {
    let (studio, [member, billing, admin]) = open(|_| {}).await;
    crate::teams::sell(&studio, &billing).await;
    crate::teams::join(&studio, &member).await;
    person(&studio, "ana@example.net", &[]).await;
    let into = person(&studio, "second@example.org", &[]).await;
    let second = signed_in(&studio, "second@example.org").await;
    let team = "/account/team";
    // The kept account itself had a seat in the team of the other one.
    let list = [("addresses", "ana@example.net\nsecond@example.org"), ("domain", "")];
    assert_eq!(member.submit(team, team, &list).await.status, 303);
    studio.settle().await;
    let subscription = link(&billing.get("/billing/subscriptions").await.body, "/billing/subscriptions/");
    let from = account_of(&studio, &subscription).await;

    // A gift by transfer that is not paid yet, and €5.00 too much for the team's order, which become credit.
    let (gift, bought) =
        crate::gifts::buy(&studio, &member, "4242 4242 4242 4242", "grace@new.example").await;
    assert_eq!(bought.status, 303, "{}", bought.body);
    let sql = "select o.id from orders o where o.subscription::text = $1";
    let id = subscription.rsplit('/').next().expect("an id").to_owned();
    let order: Uuid = studio.client().await.query_one(sql, &[&id]).await.expect("its order").get(0);
    let cx = &studio.instance.services;
    let transfer = async |minor: i64| {
        let (id, at) = (cx.clock.new_id(), cx.clock.now());
        let received = Money::new(minor, Currency::eur());
        let command = OrderCommand::RecordTransfer { received, at };
        let meta = Metadata::system("test", id, at);
        cx.bus.dispatch::<Order>(Envelope::new(id, order, command, meta)).await.expect("booked");
        studio.settle().await;
    };
    let to_credit = async |amount: &str| {
        let page = format!("/billing/orders/{order}/refund");
        let fields =
            [("of", "overpayment"), ("way", "credit"), ("amount", amount), ("reason", "they asked for it")];
        let answer = billing.submit(&page, &page, &fields).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        studio.settle().await;
    };
    transfer(500).await;
    to_credit("5.00").await;

    let shown = billing.get(&format!("/billing/people/{from}/merge?keep=second@example.org")).await.body;
    for words in ["yes, with who belongs to it", "1 gift", "€5.00", "Ask a second person"] {
        assert!(shown.contains(words), "{words} in {shown}");
    }
    merge(&studio, &billing, &admin, from, into).await;
    let page = second.get(team).await.body;
    let people = page.split("<tbody").nth(1).and_then(|p| p.split("</tbody>").next());
    let people = people.expect("a table");
    assert!(page.contains("1 of 2 seats are taken") && people.contains("ana@example.net"), "{page}");
    assert!(!people.contains("second@example.org"), "the owner needs none");
    let again = [("addresses", "ana@example.net\ncy@example.net"), ("domain", "")];
    assert_eq!(second.submit(team, team, &again).await.status, 303, "and writes the list from now on");
    studio.settle().await;
    assert!(second.get(team).await.body.contains("cy@example.net"));
    let own = format!("/account/gifts/{gift}");
    assert!(second.get("/account/gifts").await.body.contains(&own));
    assert!(second.get(&own).await.body.contains("Can be redeemed"));
    let mine = second.get("/account/subscription").await.body;
    assert!(mine.contains("€5.00") && mine.contains("Came from your other account"), "{mine}");

    // Money of an old order that becomes credit only now does not stay with the closed account.
    transfer(300).await;
    to_credit("3.00").await;
    assert!(second.get("/account/subscription").await.body.contains("€8.00"));
    let left = billing.get(&format!("/billing/credits/{from}")).await.body;
    assert!(left.contains("Moved to the person's other account"), "{left}");
    let story = billing.get(&subscription).await.body;
    for words in ["The team belongs to another account", "of credit came from another account"] {
        assert!(story.contains(words), "{words} in {story}");
    }
    let sql = "select sum(balance)::bigint from credits where account = $1";
    assert_eq!((count(&studio, sql, into).await, count(&studio, sql, from).await), (800, 0));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redeemed_gift_that_waits_is_given_to_the_kept_account() {
    let (studio, [member, billing, admin]) = open(|_| {}).await;
    let into = person(&studio, "second@example.org", &[]).await;
    let second = signed_in(&studio, "second@example.org").await;
    // The closed account has a gift that waits: its subscription is on hold.
    assert_eq!(order(&studio, &member, "NL", "bank", "").await.status, 303);
    let subscription = link(&billing.get("/billing/subscriptions").await.body, "/billing/subscriptions/");
    let from = account_of(&studio, &subscription).await;
    let (gift, _) = crate::gifts::buy(&studio, &second, "4242 4242 4242 4242", "").await;
    let code = kinora::actors::gifts::code(&studio.instance.services, gift).expect("a code");
    assert_eq!(member.submit("/redeem", "/redeem", &[("code", &code)]).await.status, 303);
    studio.settle().await;
    let used = "select count(*) from events where type = 'GiftUsed' and $1::uuid is not null";
    assert_eq!(count(&studio, used, from).await, 0, "an order is open");
    merge(&studio, &billing, &admin, from, into).await;
    assert!(second.get("/account/gifts").await.body.contains("It waits until your subscription"));
    // Paid: the subscription of the kept account begins, and runs longer by the gift.
    let page = link(&billing.get("/billing/orders?status=created").await.body, "/billing/orders/");
    let fields = [("amount", "11.50"), ("reason", "statement 3")];
    assert_eq!(billing.submit(&page, &format!("{page}/paid"), &fields).await.status, 303);
    studio.settle().await;
    assert_eq!(count(&studio, used, into).await, 1);
    assert!(second.get("/account/gifts").await.body.contains("runs so much longer"));
    studio.verify().await;
    studio.close().await;
}
