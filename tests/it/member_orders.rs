//! Orders as members see and pay them, subscriptions that staff begin, and the lists and files of the desk.

use crate::billing_pages::{ADDRESS, link, open, open_with, order};
use crate::support::{Browser, Studio};
use kinora::domain::subscription::Status;
use kinora::projections::{orders, subscriptions};
use uuid::Uuid;

async fn only_subscription(studio: &Studio) -> subscriptions::SubscriptionRow {
    let reader = &studio.instance.services.reader;
    let (rows, _) = subscriptions::list(reader, &subscriptions::Filter::default(), 0, 5).await.unwrap();
    assert_eq!(rows.len(), 1);
    rows.into_iter().next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_order_has_a_page_on_which_its_member_pays_it() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "DE", "card", "4000 0000 0000 0002").await.status, 303);
    let mine = member.get("/account/subscription").await.body;
    let page = link(&mine, "/account/orders/");
    let id: Uuid = page.rsplit('/').next().unwrap().parse().unwrap();

    // What does not open leads there.
    let reason = kinora::domain::access::Reason::PayOrder(Some(id));
    assert!(reason.sentence().contains("order"), "{}", reason.sentence());
    let shown = member.get(&page).await;
    assert_eq!(shown.status, 200);
    for words in
        ["The last payment failed", "€11.50", "19\u{a0}%", "Germany", "declined the card", "Pay €11.50", "RF"]
    {
        assert!(shown.body.contains(words), "{words}: {}", shown.body);
    }
    assert_eq!(billing.get(&page).await.status, 404, "an order is its buyer's");
    assert_eq!(billing.post(&format!("{page}/pay"), &[]).await.status, 403, "a form without its token");
    assert_eq!(studio.browser().get(&page).await.status, 303, "who is not signed in signs in first");
    assert_eq!(member.get(&format!("/account/orders/{}", Uuid::now_v7())).await.status, 404);

    let pay = format!("{page}/pay");
    let nothing = member.submit(&page, &pay, &[("kept", "new")]).await;
    assert!(nothing.status == 422 && nothing.body.contains("Enter the number of the card."));
    let old = [("kept", "new"), ("card_number", "4242424242424242"), ("card_expiry", "01/20")];
    let expired = member.submit(&page, &pay, &old).await;
    assert!(expired.status == 422 && expired.body.contains("This card has expired."), "{}", expired.body);
    let good = [("kept", "new"), ("card_number", "4242424242424242"), ("card_expiry", "01/36")];
    // What the page showed is said with the payment: for another amount, or another order, nothing is charged.
    let start = shown.body.find("name=\"shown\" value=\"").expect("what is shown") + 20;
    let said = shown.body[start..].split('"').next().expect("its end").to_owned();
    assert!(said.ends_with(" EUR 11.50"), "{said}");
    for other in [said.replace("11.50", "9.50"), said.replacen('K', "KX", 1)] {
        let fields = [good.as_slice(), &[("shown", other.as_str())]].concat();
        for act in [pay.as_str(), "/account/subscription/pay"] {
            let refused = member.submit(&page, act, &fields).await;
            assert_eq!(refused.status, 422, "{act}");
            assert!(refused.body.contains("asks for €11.50 now. Nothing was charged."), "{}", refused.body);
        }
    }
    let paid = member.submit(&page, &pay, &[good.as_slice(), &[("shown", said.as_str())]].concat()).await;
    assert_eq!(paid.status, 303, "{}", paid.body);
    studio.settle().await;
    let shown = member.get(&page).await.body;
    assert!(shown.contains("It is paid.") && shown.contains("The money was taken."), "{shown}");
    let invoice = link(&shown, "/account/invoices/INV-");
    assert!(member.get(&invoice).await.body.contains(&page), "the invoice leads back");
    assert_eq!(only_subscription(&studio).await.status, Status::Active);
    let again = member.submit("/account/payment-methods", &pay, &good).await;
    assert_eq!(again.location(), page, "it is not paid twice");
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_by_transfer_says_where_the_money_goes() {
    let (studio, member, _) = open().await;
    assert_eq!(order(&studio, &member, "NL", "bank", "").await.status, 303);
    let page = link(&member.get("/account/subscription").await.body, "/account/orders/");
    let shown = member.get(&page).await.body;
    for words in ["It waits for your transfer.", "By transfer", "RF", "/account/invoices/INV-"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(!shown.contains("card_number"));
    studio.verify().await;
    studio.close().await;
}

/// Adds a managed price to the demo plan.
async fn managed_price(billing: &Browser) {
    let page = billing.get("/billing/plans").await;
    let at = page.body.find("Add a price to Studio").expect("the form");
    let action = link(&page.body[at..], "/billing/plans/");
    let price = [
        ("price", "480"),
        ("currency", "EUR"),
        ("length", "1"),
        ("unit", "year"),
        ("collection", "managed"),
        ("seats", "10"),
    ];
    assert_eq!(billing.submit("/billing/plans", &action, &price).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_managed_subscription_is_asked_for_and_begun_by_staff() {
    let (studio, member, billing) = open_with(|c| c.billing.second_person_over = 48_000).await;
    managed_price(&billing).await;
    studio.settle().await;
    let join = studio.browser().get("/join").await.body;
    assert!(
        join.contains("Ask us") && join.contains("mailto:studio@localhost.localdomain?subject="),
        "{join}"
    );
    assert!(join.contains("€480.00") && join.contains("Choose monthly"), "the others can still be joined");
    let person = link(&billing.get("/billing/people").await.body, "/billing/people/");
    let page = link(&billing.get(&person).await.body, &format!("{person}/subscription"));
    let shown = billing.get(&page).await.body;
    let at = shown.find("name=\"variation\"").expect("the choice");
    let rest = &shown[at..];
    let start = rest.find("value=\"").expect("an option") + 7;
    let variation = &rest[start..start + 36];
    let mut fields = vec![("variation", variation), ("country", "DE"), ("reason", "contract 12")];
    let bare = billing.submit(&page, &page, &fields).await;
    assert!(
        bare.status == 422 && bare.body.contains("contract 12"),
        "the address is needed, and nothing is lost"
    );
    fields.extend(ADDRESS);
    let silent: Vec<_> = fields.iter().copied().filter(|(name, _)| *name != "reason").collect();
    assert_eq!(billing.submit(&page, &page, &silent).await.status, 422, "a reason is needed");
    assert_eq!(member.get(&page).await.status, 403);
    let begun = billing.submit(&page, &page, &fields).await;
    assert_eq!(begun.status, 303, "{}", begun.body);
    studio.settle().await;
    let row = only_subscription(&studio).await;
    assert_eq!(row.status, Status::OnHold);
    let twice = billing.submit(&page, &page, &fields).await;
    assert!(twice.status == 422 && twice.body.contains("has a subscription already"), "{}", twice.body);

    // Its order is paid by transfer; a year later the manager is told, and access stays.
    let bill = link(&billing.get("/billing/orders?status=open").await.body, "/billing/orders/");
    let paid = [("amount", "480.00"), ("reason", "statement 3")];
    assert_eq!(billing.submit(&bill, &format!("{bill}/paid"), &paid).await.status, 303);
    studio.settle().await;
    assert_eq!(only_subscription(&studio).await.status, Status::Active);
    let later = (studio.instance.services.clock.now() + chrono::TimeDelta::days(367)).to_rfc3339();
    assert_eq!(studio.run_job("clock-tick", &later).await.status, "completed");
    studio.settle().await;
    assert_eq!(only_subscription(&studio).await.status, Status::Active);
    let story = billing.get(begun.location().split('?').next().unwrap()).await.body;
    for words in ["The manager was told", "Reason given: contract 12"] {
        assert!(story.contains(words), "{words}");
    }
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cancels_may_say_why_and_staff_see_how_many_said_what() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", "4242 4242 4242 4242").await.status, 303);
    let (page, act) = ("/account/subscription", "/account/subscription/cancel");
    assert!(member.get(page).await.body.contains("Rather not say"));
    assert_eq!(member.submit(page, act, &[]).await.status, 303, "nobody has to say");
    studio.settle().await;
    let list = billing.get("/billing/subscriptions?reason=none").await.body;
    assert!(list.contains("Mira Member") && list.contains("Why people cancelled"), "{list}");
    assert_eq!(member.submit(page, "/account/subscription/keep", &[]).await.status, 303);
    assert_eq!(member.submit(page, act, &[("cancel_reason", "too-expensive")]).await.status, 303);
    studio.settle().await;
    assert!(!billing.get("/billing/subscriptions?reason=none").await.body.contains("Mira Member"));
    let list = billing.get("/billing/subscriptions?reason=too-expensive").await.body;
    assert!(list.contains("Mira Member"));
    let story = billing.get(&link(&list, "/billing/subscriptions/")).await.body;
    assert!(story.contains("The member says: It costs too much."), "{story}");
    let lines = billing.get("/billing/subscriptions?format=jsonl").await.body;
    let rows: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&rows[0]["cancel_reason"], &rows[0]["ended_at"]),
        (&"too-expensive".into(), &serde_json::Value::Null)
    );
    for (list, key) in [("orders", "number"), ("invoices", "number")] {
        let lines = billing.get(&format!("/billing/{list}?format=jsonl")).await.body;
        let row: serde_json::Value =
            serde_json::from_str(lines.lines().next().expect("a row")).expect("JSON");
        assert!(row[key].is_string(), "{list}");
    }
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_overdue_unknown_or_about_to_expire_is_listed_on_its_own() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", "4000 0000 0000 0127").await.status, 303);
    let lists =
        async |filter: &str| billing.get(&format!("/billing/{filter}")).await.body.contains("Mira Member");
    assert!(lists("subscriptions?unknown=yes").await, "the gateway did not answer");
    assert!(lists("orders?unknown=yes").await);
    for other in ["due", "overdue", "expiring"] {
        assert!(!lists(&format!("subscriptions?{other}=yes")).await, "{other}");
    }
    // It turns out that nothing was charged; another card pays, and a month later it is due.
    let cx = &studio.instance.services;
    let soon = cx.clock.now() + chrono::TimeDelta::minutes(5);
    assert_eq!(studio.run_job("payment-lookups", &soon.to_rfc3339()).await.status, "completed");
    studio.settle().await;
    assert!(!lists("subscriptions?unknown=yes").await && !lists("orders?unknown=yes").await);
    let row = only_subscription(&studio).await;
    let reader = &cx.reader;
    let expiring = subscriptions::Filter {
        expiring: row.state.expires_at().or(Some(cx.clock.now() + chrono::TimeDelta::days(170))),
        ..subscriptions::Filter::default()
    };
    let (rows, _) = subscriptions::list(reader, &expiring, 0, 5).await.unwrap();
    assert_eq!(rows.len(), usize::from(row.state.expires_at().is_some()));
    let card = [("new_card", "yes"), ("card_number", "4242424242424242"), ("card_expiry", "01/36")];
    assert_eq!(member.submit("/account/subscription", "/account/subscription/pay", &card).await.status, 303);
    studio.settle().await;
    let due = only_subscription(&studio).await.state.paid_up_to().expect("paid");
    let at = |days: i64| Some(due + chrono::TimeDelta::days(days));
    for (days, is_due, is_overdue) in [(-8, 0, 0), (-6, 1, 0), (1, 1, 1)] {
        let filter = subscriptions::Filter { due: at(days), ..subscriptions::Filter::default() };
        assert_eq!(subscriptions::list(reader, &filter, 0, 5).await.unwrap().1, is_due, "{days}");
        let filter = subscriptions::Filter { overdue: at(days), ..subscriptions::Filter::default() };
        assert_eq!(subscriptions::list(reader, &filter, 0, 5).await.unwrap().1, is_overdue, "{days}");
    }
    let unknown = orders::Filter { unknown: true, ..orders::Filter::default() };
    assert_eq!(orders::list(reader, &unknown, None, 0, 5).await.unwrap().1, 0);
    studio.verify().await;
    studio.close().await;
}
