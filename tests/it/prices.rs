//! Coupons, prices that change for those who have them, and the right of withdrawal; in the pages.

use crate::billing_pages::{ADDRESS, link, open, open_with, order};
use crate::support::{Browser, Page, Studio};

const CARD: [(&str, &str); 2] = [("card_number", "4242 4242 4242 4242"), ("card_expiry", "12/35")];

async fn coupon(studio: &Studio, billing: &Browser, fields: &[(&str, &str)]) -> Page {
    let answer = billing.submit("/billing/coupons", "/billing/coupons", fields).await;
    studio.settle().await;
    answer
}

/// The page of the order with a coupon, and where it is sent to.
async fn order_page(member: &Browser, code: &str) -> (String, String) {
    let payment = member.get(&link(&member.get("/join").await.body, "/join/")).await;
    let action = link(&payment.body, "/join/");
    (format!("{action}?country=NL&way=card&coupon={code}"), action)
}

async fn join_with(studio: &Studio, member: &Browser, code: &str) -> Page {
    let (page, action) = order_page(member, code).await;
    let fields = [ADDRESS.to_vec(), CARD.to_vec()].concat();
    let answer = member.submit(&page, &action, &fields).await;
    studio.settle().await;
    answer
}

async fn mails(studio: &Studio, about: &str) -> i64 {
    let sql = "select count(*) from outgoing_mail where mail::text like $1";
    let like = format!("%{about}%");
    studio.client().await.query_one(sql, &[&like]).await.expect("the queue").get(0)
}

/// What if writes nothing about the business: only that staff read of a person.
async fn settle_reads(studio: &Studio, before: i64) {
    studio.settle().await;
    let sql = "select count(*) from events
        where position > $1 and split_part(stream_id, '-', 1) in ('subscription', 'order')";
    let new: i64 = studio.client().await.query_one(sql, &[&before]).await.expect("count").get(0);
    assert_eq!(new, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coupon_makes_the_first_periods_cheaper_and_is_used_as_often_as_it_may_be() {
    let (studio, member, billing) = open().await;
    let wrong = coupon(&studio, &billing, &[("code", "x"), ("off", "all"), ("periods", "many")]).await;
    assert_eq!(wrong.status, 422);
    for words in ["4 to 24 letters", "such as 20 %", "number of periods", "value=\"many\""] {
        assert!(wrong.body.contains(words), "{words}");
    }
    let made = [("code", "spring-20"), ("off", "20 %"), ("periods", "2"), ("limit", "1")];
    let answer = coupon(&studio, &billing, &made).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let taken = [("code", "SPRING-20"), ("off", "30 %")];
    assert_eq!(coupon(&studio, &billing, &taken).await.status, 422, "a code is there once");

    let (page, _) = order_page(&member, "Nothing-1").await;
    let unknown = member.get(&page).await;
    assert!(unknown.status == 422 && unknown.body.contains("This code cannot be used"), "{}", unknown.body);
    let (page, _) = order_page(&member, "spring-20").await;
    let shown = member.get(&page).await.body;
    assert!(shown.contains("20 % off for 2 periods") && shown.contains("€9.20"), "{shown}");

    let done = join_with(&studio, &member, "spring-20").await;
    assert_eq!(done.status, 303, "{}", done.body);
    let mine = member.get("/account/subscription").await.body;
    assert!(mine.contains("SPRING-20") && mine.contains("1 left") && mine.contains("€9.20"), "{mine}");
    // The period that is left goes to another plan: its sum stands there before it is ordered.
    let plans = member.get("/account/subscription/plan").await.body;
    assert!(plans.contains("€92.00") && plans.contains("your coupon taken off"), "{plans}");
    let invoices = member.get("/account/invoices").await.body;
    let invoice = member.get(&link(&invoices, "/account/invoices/INV-")).await.body;
    for words in ["Coupon SPRING-20, period 1 of 2", "€11.50", "-€2.30", "€9.20"] {
        assert!(invoice.contains(words), "{words}: {invoice}");
    }
    let list = billing.get("/billing/coupons").await.body;
    assert!(list.contains("1 of 1") && list.contains("Used up"), "{list}");
    let lines = billing.get("/billing/coupons?format=jsonl").await.body;
    assert!(lines.contains("\"code\":\"SPRING-20\"") && lines.contains("\"used\":\"1\""), "{lines}");
    let id = link(&billing.get("/billing/subscriptions").await.body, "/billing/subscriptions/");
    let log = billing.get(&id).await.body;
    assert!(log.contains("€11.50 less €2.30 by coupon SPRING-20 (period 1 of 2)"), "{log}");

    let order = billing.get(&link(&billing.get("/billing/orders").await.body, "/billing/orders/")).await.body;
    for words in [
        "Why was this charged?",
        "was agreed.",
        "Coupon SPRING-20: 20 % off for 2 periods.",
        "-€2.30",
        "to the cent: €9.20",
        "was taken by sandbox",
    ] {
        assert!(order.contains(words), "{words}: {order}");
    }
    let events =
        studio.client().await.query_one("select max(position) from events", &[]).await.expect("count");
    let before: i64 = events.get(0);
    let plain = billing.get(&format!("{id}/what-if")).await;
    assert!(plain.status == 200 && plain.body.contains("As it is") && !plain.body.contains("As it would be"));
    let other = billing.get(&format!("{id}/what-if?price=20.00")).await.body;
    assert!(
        other.contains("As it would be") && other.contains("€6.80 more would have been paid."),
        "{other}"
    );
    // Another plan of those that are sold: its price and its interval.
    let at = plain.body.find("name=\"plan\"").expect("a choice of plans");
    let start = at + plain.body[at..].find("value=\"").expect("no plan") + 7;
    let start = start + plain.body[start..].find("value=\"").expect("a plan") + 7;
    let yearly = &plain.body[start..start + 36];
    let other = billing.get(&format!("{id}/what-if?plan={yearly}")).await.body;
    assert!(other.contains("As it would be") && other.contains("more would have been paid."), "{other}");
    assert_eq!(billing.get(&format!("{id}/what-if?plan=none-of-them")).await.status, 422);
    let wrong = billing.get(&format!("{id}/what-if?price=2.505&attempts=0")).await;
    assert!(wrong.status == 422 && wrong.body.contains("value=\"2.505\""), "it keeps what was typed");
    settle_reads(&studio, before).await;
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_price_is_announced_to_those_who_have_the_old_one() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", CARD[0].1).await.status, 303);
    let plans = billing.get("/billing/plans").await.body;
    let form = plans.find("Add a price to").expect("its form");
    let add = link(&plans[form..], "/billing/plans/");
    let plan = add.split('/').nth(3).expect("an id").to_owned();
    let price = [
        ("plan", plan.as_str()),
        ("price", "13.50"),
        ("currency", "EUR"),
        ("length", "1"),
        ("unit", "month"),
        ("collection", "automatic"),
    ];
    assert_eq!(billing.submit("/billing/plans", &add, &price).await.status, 303);
    studio.settle().await;

    let client = studio.client().await;
    let of = async |minor: i64| {
        let sql = "select variation::text from plan_offers where plan::text = $1 and terms::text like $2
            and terms->>'collection' = 'automatic' and terms #>> '{interval,unit}' = 'month'";
        let like = format!("%\"minor\":{minor}%");
        let rows = client.query(sql, &[&plan, &like]).await.expect("read");
        rows.first().map(|r| r.get::<_, String>(0)).unwrap_or_else(|| panic!("no price of {minor}"))
    };
    let (old, new) = (of(1150).await, of(1350).await);
    let today = crate::support::day_of(studio.instance.services.clock.now());
    let day = |n: u64| (today + chrono::Days::new(n)).to_string();
    let action = format!("/billing/plans/{plan}/price-change");
    let announce = async |from: &str, to: &str, on: &str| {
        let fields =
            [("plan", plan.as_str()), ("what", "price-change"), ("from", from), ("to", to), ("on", on)];
        let answer = billing.submit("/billing/plans", &action, &fields).await;
        studio.settle().await;
        answer
    };
    let soon = announce(&old, &new, &day(29)).await;
    assert!(soon.status == 422 && soon.body.contains("Members have to know 30 days before"), "{}", soon.body);
    assert_eq!(announce(&old, &old, &day(30)).await.status, 422);
    let none = announce(&old, &new, "soon").await;
    assert!(none.status == 422 && none.body.contains("first day of the new price"));
    assert_eq!(mails(&studio, "price_changes").await, 0);
    let done = announce(&old, &new, &day(45)).await;
    assert_eq!(done.status, 303, "{}", done.body);
    assert_eq!(announce(&old, &new, &day(45)).await.status, 303, "twice is once");
    assert_eq!(mails(&studio, "price_changes").await, 1);
    // Put off: the member hears of it, and pays it no earlier than the desk says.
    assert_eq!(announce(&old, &new, &day(75)).await.status, 303);
    assert_eq!(mails(&studio, "price_changes").await, 2);
    assert_eq!(mails(&studio, &format!("instead_of%{}", day(45))).await, 1);
    let mine = member.get("/account/subscription").await.body;
    assert!(mine.contains("€13.50") && mine.contains("cancel before your next payment"), "{mine}");
    let from = kinora::domain::shared::calendar::day_words(today + chrono::Days::new(75));
    assert!(mine.contains(&format!("For periods that begin on {from} or later the price is")), "{mine}");
    assert!(billing.get("/billing/plans").await.body.contains("€13.50 from"));
    let join = studio.browser().get("/join").await.body;
    assert!(!join.contains("€11.50 ") && join.contains("€13.50"), "the old price is sold no more");

    // The first renewal is still of the old price, the one after the day of the new one.
    let start = studio.instance.services.clock.now();
    for days in [31, 62, 92] {
        let at = start + chrono::TimeDelta::days(days) + chrono::TimeDelta::hours(2);
        studio.run_job("clock-tick", &at.to_rfc3339()).await;
        studio.settle().await;
    }
    let sql = "select gross_minor from orders order by placed_at";
    let totals: Vec<i64> = client.query(sql, &[]).await.expect("read").iter().map(|r| r.get(0)).collect();
    assert_eq!(totals, [1150, 1150, 1150, 1350], "as put off");
    drop(client);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_withdraws_in_time_gets_back_what_was_not_used() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", CARD[0].1).await.status, 303);
    let mine = member.get("/account/subscription").await.body;
    assert!(mine.contains("Withdraw from the contract"), "{mine}");
    // The day that has begun is used: of 28 to 31 days all others go back, less what staff gave back before.
    let order = link(&billing.get("/billing/orders").await.body, "/billing/orders/");
    let ask = format!("{order}/refund");
    let part = [("of", "price"), ("way", "transfer"), ("amount", "5.00"), ("reason", "goodwill")];
    assert_eq!(billing.submit(&ask, &ask, &part).await.status, 303);
    studio.settle().await;
    // One press does nothing: what follows is shown first, and confirmed on that page.
    let page = "/account/subscription/withdraw";
    assert!(mine.contains(&format!("href=\"{page}\"")) && !mine.contains(&format!("action=\"{page}\"")));
    let shown = member.get(page).await.body;
    for words in ["Confirm withdrawal", "cannot be undone", "€6.50", "Keep my subscription"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(member.get("/account/subscription").await.body.contains("You can watch everything"));
    let done = member.submit(page, page, &[]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    studio.settle().await;
    assert_eq!(member.get(page).await.location(), "/account/subscription", "it is over");
    let mine = member.get("/account/subscription").await.body;
    assert!(mine.contains("has ended") && !mine.contains("Withdraw from the contract"), "{mine}");
    assert_eq!(
        mails(&studio, "\"minor\": 650").await + mails(&studio, "\"minor\":650").await,
        2,
        "the mails say how much"
    );
    assert_eq!((mails(&studio, "withdrawn").await, mails(&studio, "refunded").await), (1, 1));
    assert_eq!(mails(&studio, "\"ended\"").await, 0, "one mail says it");
    let again = member.submit("/account/subscription", "/account/subscription/withdraw", &[]).await;
    assert_eq!(again.status, 422);
    let id = link(&billing.get("/billing/subscriptions").await.body, "/billing/subscriptions/");
    let log = billing.get(&id).await.body;
    for words in ["The member went back on the contract.", "were not begun", "Credit note"] {
        assert!(log.contains(words), "{words}: {log}");
    }
    let refunds = billing.get("/billing/refunds").await.body;
    assert!(refunds.contains("€6.50"), "{refunds}");
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_studio_asks_for_it_the_right_is_given_up_by_a_tick_of_ones_own() {
    let (studio, member, _) = open_with(|c| c.billing.withdrawal_waiver = true).await;
    let silent = join_with(&studio, &member, "").await;
    assert!(silent.status == 422 && silent.body.contains("Tick this to join"), "{}", silent.body);
    let (page, action) = order_page(&member, "").await;
    let fields = [ADDRESS.to_vec(), CARD.to_vec(), vec![("at_once", "yes")]].concat();
    assert_eq!(member.submit(&page, &action, &fields).await.status, 303);
    studio.settle().await;
    let mine = member.get("/account/subscription").await.body;
    assert!(mine.contains("You can watch everything") && !mine.contains("Withdraw from"), "{mine}");
    let refused = member.submit("/account/subscription", "/account/subscription/withdraw", &[]).await;
    assert!(refused.status == 422 && refused.body.contains("no right of withdrawal"), "{}", refused.body);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_cannot_be_guessed_and_what_was_typed_of_a_card_does_not_come_back() {
    let (studio, member, billing) = open_with(|c| c.limits.sign_in_failures = 3).await;
    assert_eq!(coupon(&studio, &billing, &[("code", "spring-20"), ("off", "20 %")]).await.status, 303);
    let (page, action) = order_page(&member, "").await;
    let fields =
        [ADDRESS.to_vec(), vec![("card_number", "4242 4242 4242 4242"), ("card_expiry", "12/15")]].concat();
    let again = member.submit(&page, &action, &fields).await;
    assert_eq!(again.status, 422);
    assert!(!again.body.contains("value=\"4242") && !again.body.contains("value=\"12/15"), "{}", again.body);
    assert!(again.body.contains("Enter the card again"), "{}", again.body);
    // A code that is right costs nothing, however often it is looked at.
    for _ in 0..5 {
        assert_eq!(member.get(&order_page(&member, "spring-20").await.0).await.status, 200);
    }
    for guess in ["GUESS-1", "GUESS-2", "GUESS-3"] {
        let wrong = member.get(&order_page(&member, guess).await.0).await;
        assert!(wrong.status == 422 && wrong.body.contains("This code cannot be used"), "{}", wrong.body);
    }
    let paused = member.get(&order_page(&member, "spring-20").await.0).await;
    assert!(paused.status == 429 && paused.headers.contains_key("retry-after"), "{}", paused.body);
    studio.close().await;
}
