//! Two accounts of one person become one: what is shown before, what moves, and what becomes of the closed one.

use crate::accounts::{PASSWORD, person, sign_in, signed_in};
use crate::billing_pages::{link, order};
use crate::erasure::{after_grace, ask as ask_to_be_deleted};
use crate::refunds::open;
use crate::support::{Browser, Studio};
use chrono::TimeDelta;
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
