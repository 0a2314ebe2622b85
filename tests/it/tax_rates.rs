//! Rates of tax that staff enter: from their day on orders are reckoned with them, and whose payment changes is
//! told before.

use crate::billing_pages::{ADDRESS, link, open, order};
use crate::support::{Browser, Page, Studio};
use chrono::{Days, NaiveDate, TimeDelta};

/// The day where the studio is, some days on.
fn day(studio: &Studio, days: u64) -> NaiveDate {
    let now = studio.instance.services.clock.now();
    kinora::domain::shared::calendar::Zone::amsterdam().date_of(now) + Days::new(days)
}

async fn enter(studio: &Studio, billing: &Browser, fields: &[(&str, &str)]) -> Page {
    let answer = billing.submit("/billing/tax-rates", "/billing/tax-rates", fields).await;
    studio.settle().await;
    answer
}

async fn mails(studio: &Studio) -> i64 {
    let sql = "select count(*) from outgoing_mail where mail::text like '%tax_changes%'";
    studio.client().await.query_one(sql, &[]).await.expect("the queue").get(0)
}

/// Orders as a business in Germany, for the net price that is shown first.
async fn join_as_business(studio: &Studio, member: &Browser) {
    let payment = member.get(&link(&member.get("/join").await.body, "/join/")).await;
    let action = link(&payment.body, "/join/");
    let page = format!("{action}?country=DE&way=card");
    let card = [("card_number", "4242 4242 4242 4242"), ("card_expiry", "12/35")];
    let fields = [ADDRESS.to_vec(), card.to_vec(), vec![("vat_number", "DE136695976")]].concat();
    let price = member.submit(&page, &action, &fields).await.hidden("price").expect("the net price");
    let fields = [fields, vec![("price", price.as_str())]].concat();
    let answer = member.submit(&page, &action, &fields).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    studio.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_counts_from_its_day_on_and_who_pays_another_amount_is_told() {
    let (studio, member, billing) = open().await;
    join_as_business(&studio, &member).await;
    let (first, today) = (day(&studio, 20).to_string(), day(&studio, 0).to_string());
    let german = |from: &'static str| [("country", "DE"), ("rate", from), ("reason", "Tax act of 2026")];
    let with = |fields: &[(&'static str, &'static str)], from: &str, act: &'static str| {
        let mut all: Vec<(&str, String)> = fields.iter().map(|(k, v)| (*k, (*v).to_owned())).collect();
        all.extend([("from", from.to_owned()), ("act", act.to_owned())]);
        all
    };
    let send = async |fields: Vec<(&str, String)>| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
        enter(&studio, &billing, &fields).await
    };

    let past = send(with(&german("22"), &today, "")).await;
    assert!(
        past.status == 422 && past.body.contains("what counts already is never changed"),
        "{}",
        past.body
    );
    assert!(past.body.contains("value=\"Tax act of 2026\""), "it keeps what was typed");
    let wrong = send(with(&[("country", "XX"), ("rate", "a lot")], "soon", "")).await;
    for words in ["country from the list", "up to 50 percent", "such as 2027-01-01", "Say why"] {
        assert!(wrong.status == 422 && wrong.body.contains(words), "{words}");
    }
    assert_eq!(member.get("/billing/tax-rates").await.status, 403);

    // Entered wrongly, then corrected: told of each, with what will be paid.
    assert_eq!(send(with(&german("20"), &first, "")).await.status, 303);
    assert_eq!(mails(&studio).await, 1);
    let again = send(with(&german("21"), &first, "")).await;
    assert!(again.status == 422 && again.body.contains("correct that one"), "{}", again.body);
    assert_eq!(send(with(&german("22"), &first, "correct")).await.status, 303);
    assert_eq!(mails(&studio).await, 2);
    let french = [("country", "FR"), ("rate", "22"), ("reason", "Nobody lives there")];
    assert_eq!(send(with(&french, &first, "")).await.status, 303);
    assert_eq!(send(with(&french, &first, "withdraw")).await.status, 303);
    assert_eq!(mails(&studio).await, 2, "nobody pays another amount");
    let page = billing.get("/billing/tax-rates").await.body;
    for words in
        ["22\u{a0}% from", "22\u{a0}% instead of 20\u{a0}%", "22\u{a0}% withdrawn", "Tax act of 2026"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    let mine = member.get("/account/subscription").await.body;
    assert!(mine.contains("€9.66") && mine.contains("€9.43"), "now, and for the next payment: {mine}");
    let id = link(&billing.get("/billing/subscriptions").await.body, "/billing/subscriptions/");
    let log = billing.get(&id).await.body;
    assert!(log.contains("The member was told: €9.43") && log.contains("instead of €9.66"), "{log}");

    // The renewal is of the new rate, and says so; the first order stays as it was.
    let due = studio.instance.services.clock.now() + TimeDelta::days(32);
    studio.run_job("clock-tick", &due.to_rfc3339()).await;
    studio.settle().await;
    let client = studio.client().await;
    let sql = "select gross_minor from orders order by placed_at";
    let totals: Vec<i64> = client.query(sql, &[]).await.expect("read").iter().map(|r| r.get(0)).collect();
    assert_eq!(totals, [966, 943]);
    let sql = "select (payload #>> '{tax,basis_points}')::int from events
        where type = 'OrderPlaced' order by position";
    let rates: Vec<i32> = client.query(sql, &[]).await.expect("read").iter().map(|r| r.get(0)).collect();
    assert_eq!(rates, [1900, 2200], "the rate that applied is in the event");
    let list = billing.get("/billing/orders").await.body;
    let paths: Vec<&str> =
        list.split("href=\"/billing/orders/").skip(1).filter_map(|r| r.split('"').next()).collect();
    for path in paths.iter().filter(|p| p.len() == 36) {
        let why = billing.get(&format!("/billing/orders/{path}")).await.body;
        assert!(why.contains("This is what the order says, to the cent"), "{why}");
    }
    drop(client);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_joins_before_the_day_is_told_too_and_a_private_buyer_is_not() {
    let (studio, member, billing) = open().await;
    let first = day(&studio, 20).to_string();
    let fields = [("country", "DE"), ("rate", "22"), ("from", first.as_str()), ("reason", "Tax act of 2026")];
    assert_eq!(enter(&studio, &billing, &fields).await.status, 303);
    assert_eq!(mails(&studio).await, 0, "nobody is a member yet");
    join_as_business(&studio, &member).await;
    assert_eq!(mails(&studio).await, 1);
    studio.verify().await;
    studio.close().await;

    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "DE", "card", "4242 4242 4242 4242").await.status, 303);
    assert_eq!(enter(&studio, &billing, &fields).await.status, 303);
    assert_eq!(mails(&studio).await, 0, "the price with the tax stays");
    assert!(member.get("/account/subscription").await.body.contains("€11.50"));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_changes_the_plan_before_that_day_is_told_of_both_plans_with_their_amounts() {
    let (studio, member, billing) = open().await;
    join_as_business(&studio, &member).await;
    let plans = "/account/subscription/plan";
    let shown = member.get(plans).await.body;
    let yearly = shown.split("name=\"variation\" value=\"").nth(1).and_then(|t| t.split('"').next());
    let wanted = [("variation", yearly.expect("a plan")), ("pay", "0"), ("price", "11500")];
    assert_eq!(member.submit(plans, plans, &wanted).await.status, 303);
    let first = day(&studio, 20).to_string();
    let fields = [("country", "DE"), ("rate", "22"), ("from", first.as_str()), ("reason", "Tax act of 2026")];
    assert_eq!(enter(&studio, &billing, &fields).await.status, 303);
    let sql = "select mail::text from outgoing_mail where mail::text like '%tax_changes%'";
    let told: String = studio.client().await.query_one(sql, &[]).await.expect("one mail").get(0);
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    // 9.66 a month is paid until then; a year costs 96.64 without the other rate, and 94.26 with it.
    assert_eq!(
        (told["now"]["plan"].as_str(), told["now"]["amount"]["minor"].as_i64()),
        (Some("Studio, monthly"), Some(966))
    );
    assert_eq!(told["plan"], "Studio, yearly");
    let amounts = ["previous", "amount"].map(|which| told["change"][which]["minor"].as_i64());
    assert_eq!(amounts, [Some(9664), Some(9426)]);
    studio.verify().await;
    studio.close().await;
}
