//! What gives money or time away, or says that money came, above what one person may decide: a second one
//! agrees, or it lapses.

use crate::billing_pages::{link, order};
use crate::refunds::open;
use crate::support::{Browser, Page, Studio};
use chrono::{TimeDelta, Utc};
use kinora::domain::shared::calendar::{Zone, day_words};
use kinora::domain::subscription::Status;
use kinora::projections::{approvals, subscriptions};
use uuid::Uuid;

const CARD: &str = "4242 4242 4242 4242";

/// Where a redirect leads, without the position in the log.
fn path(answer: &Page) -> String {
    answer.location().split('?').next().expect("a path").to_owned()
}

async fn post(studio: &Studio, browser: &Browser, page: &str, action: &str, fields: &[(&str, &str)]) -> Page {
    let answer = browser.submit(page, action, fields).await;
    studio.settle().await;
    answer
}

async fn decide(studio: &Studio, browser: &Browser, request: &str, act: &str) -> Page {
    post(studio, browser, request, request, &[("act", act), ("reason", "as agreed")]).await
}

async fn count(studio: &Studio, kind: &str) -> i64 {
    let sql = "select count(*) from events where type = $1";
    studio.client().await.query_one(sql, &[&kind]).await.expect("counted").get(0)
}

/// The roles of those who have a mail about something that waits, and that no such mail names a person.
pub async fn letters(studio: &Studio) -> Vec<String> {
    let sql = "select p.roles, m.mail::text from outgoing_mail m join views.people p using (account)
        where m.mail::text like '%approval_waits%' order by p.roles";
    let rows = studio.client().await.query(sql, &[]).await.expect("read");
    let told = rows.iter().map(|row| {
        let (roles, mail): (Vec<String>, String) = (row.get(0), row.get(1));
        assert!(!mail.contains("Bela") && !mail.contains('@'), "{mail}");
        roles.join("+")
    });
    told.collect()
}

/// The page of the only subscription, and its id.
async fn the_subscription(staff: &Browser) -> (String, Uuid) {
    let page = link(&staff.get("/billing/subscriptions").await.body, "/billing/subscriptions/");
    let id = page.rsplit('/').next().expect("an id").parse().expect("an id");
    (page, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn money_said_to_have_come_waits_for_a_second_person_from_one_cent_above_the_limit() {
    let (studio, [member, billing, admin]) = open(|c| c.billing.second_person_over = 1000).await;
    assert_eq!(order(&studio, &member, "DE", "bank", "").await.status, 303);
    let page = link(&billing.get("/billing/orders").await.body, "/billing/orders/");
    let paid = format!("{page}/paid");
    let book = async |amount: &str| {
        post(&studio, &billing, &page, &paid, &[("amount", amount), ("reason", "statement 9")]).await
    };
    // At the limit one person decides; a cent more is above it, also when it comes in parts.
    assert_eq!(path(&book("10.00").await), page);
    assert_eq!(count(&studio, "TransferReceived").await, 1);
    let asked = book("1.50").await;
    let request = path(&asked);
    assert!(request.starts_with("/billing/approvals/"), "{request}");
    assert_eq!(count(&studio, "TransferReceived").await, 1, "nothing is booked yet");
    assert_eq!(book("0").await.status, 422, "what could not be done is refused at once");

    // As a second person reads it: with the day of arrival, which is today where nothing is said.
    let today = day_words(Zone::amsterdam().date_of(studio.instance.services.clock.now()));
    let waits = format!("Record €1.50 as received by transfer on {today}");
    let waits = waits.as_str();
    // Whoever could be the second person has one mail, without a word of the member; who asked has none.
    let told = letters(&studio).await;
    assert_eq!(told, ["admin"], "{told:?}");
    assert!(billing.get("/billing").await.body.contains("1 act</a> waiting for a second person"));
    assert!(billing.get("/billing/approvals").await.body.contains(waits));
    assert!(billing.get(&page).await.body.contains(waits), "the page of the order names it");
    let own = decide(&studio, &billing, &request, "agree").await;
    assert!(own.status == 422 && own.body.contains("Somebody else has to agree"), "{}", own.body);
    assert!(own.body.contains("as agreed"), "what was typed is kept");
    assert_eq!(member.get(&request).await.status, 403);
    let empty = admin.submit(&request, &request, &[("act", "agree"), ("reason", "")]).await;
    assert_eq!(empty.status, 422);
    assert_eq!(decide(&studio, &admin, &request, "agree").await.status, 303);

    let (subscription, id) = the_subscription(&billing).await;
    let row = subscriptions::one(&studio.instance.services.reader, id).await.unwrap().expect("it is listed");
    assert_eq!(row.status, Status::Active);
    assert_eq!(count(&studio, "OrderPaid").await, 1);
    let story = billing.get(&subscription).await.body;
    for words in [
        "A second person is asked to agree",
        "Bela Billing",
        "A second person agreed",
        "Reason given: as agreed",
    ] {
        assert!(story.contains(words), "{words}");
    }
    assert_eq!(letters(&studio).await.len(), 1, "one mail a request");
    let id = request.rsplit('/').next().expect("an id");
    let csv = billing.get("/billing/approvals?format=csv").await.body;
    let line = csv.lines().nth(1).expect("one request");
    assert!(csv.starts_with("request,act,what,account,") && csv.lines().count() == 2, "{csv}");
    assert!(line.starts_with(&format!("{id},mark-paid,{waits},")) && line.contains(",€10.00,"), "{csv}");
    assert!(line.contains(",done,") && !csv.contains("statement 9"), "{csv}");
    let lines = billing.get("/billing/approvals?format=jsonl").await.body;
    let one: serde_json::Value = serde_json::from_str(lines.trim()).expect("one object");
    assert_eq!((&one["state"], &one["not_possible_because"]), (&"done".into(), &serde_json::Value::Null));
    assert_eq!(member.get("/billing/approvals?format=csv").await.status, 403);
    let done = billing.get(&request).await.body;
    assert!(done.contains("Done") && done.contains("statement 9"), "{done}");
    assert_eq!(decide(&studio, &admin, &request, "agree").await.status, 422, "once");
    // Both persons stand in the event itself.
    let sql = "select payload->>'asked_by', payload->>'by' from events where type = 'SecondPersonAgreed'";
    let both = studio.client().await.query_one(sql, &[]).await.expect("one");
    assert_ne!(both.get::<_, String>(0), both.get::<_, String>(1));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn days_in_parts_count_together_and_a_request_lapses_at_its_hour() {
    let (studio, [member, billing, admin]) = open(|c| {
        c.billing.second_person_over_days = 10;
        c.billing.second_person_within_days = 3;
    })
    .await;
    assert_eq!(order(&studio, &member, "NL", "card", CARD).await.status, 303);
    let (page, id) = the_subscription(&billing).await;
    let extend = async |days: &str| {
        post(
            &studio,
            &billing,
            &page,
            &page,
            &[("act", "extend"), ("days", days), ("reason", "the player broke")],
        )
        .await
    };
    let cx = &studio.instance.services;
    let due = async || {
        subscriptions::one(&cx.reader, id)
            .await
            .unwrap()
            .expect("it is listed")
            .state
            .next_payment_on()
            .unwrap()
    };
    let before = due().await;
    assert_eq!(path(&extend("4").await), page);
    assert_eq!(path(&extend("6").await), page, "ten in all are allowed");
    assert_eq!(due().await, before + TimeDelta::days(10));
    let first = path(&extend("1").await);
    assert!(first.starts_with("/billing/approvals/"), "{first}");
    assert_eq!(extend("367").await.status, 422, "never so many at once");
    let second = path(&extend("2").await);

    // One is agreed to at the last moment; the other is too late, whether or not the clock has come by.
    crate::step_up::pass(&studio, 3 * 24 * 60 - 5);
    assert_eq!(decide(&studio, &admin, &first, "agree").await.status, 303);
    assert_eq!(due().await, before + TimeDelta::days(11));
    crate::step_up::pass(&studio, 10);
    let late = decide(&studio, &admin, &second, "agree").await;
    assert!(late.status == 422 && late.body.contains("has lapsed"), "{}", late.body);
    assert!(billing.get("/billing/approvals").await.body.contains("Nothing waits for a second person"));
    let now = cx.clock.now().to_rfc3339();
    let run = studio.run_job("lapse-requests", &now).await;
    assert_eq!((run.status, run.counts.get("lapsed").copied()), ("completed", Some(1)), "{run:?}");
    studio.settle().await;
    assert_eq!((count(&studio, "RequestLapsed").await, count(&studio, "PaidTimeExtended").await), (1, 3));
    assert!(billing.get(&second).await.body.contains("Lapsed"));
    assert_eq!(due().await, before + TimeDelta::days(11));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_waived_once_and_access_without_an_end_can_be_turned_down_or_taken_back() {
    let (studio, [member, billing, admin]) = open(|c| c.billing.second_person_over = 1149).await;
    assert_eq!(order(&studio, &member, "DE", "bank", "").await.status, 303);
    let (page, _) = the_subscription(&billing).await;
    let waive = async |by: &Browser| {
        path(&post(&studio, by, &page, &page, &[("act", "waive"), ("reason", "goodwill")]).await)
    };
    let (first, second) = (waive(&billing).await, waive(&admin).await);
    assert_ne!(first, second);
    assert_eq!(decide(&studio, &admin, &first, "agree").await.status, 303);
    assert_eq!(count(&studio, "PeriodWaived").await, 1);
    assert_eq!(decide(&studio, &billing, &second, "agree").await.status, 303);
    let failed = billing.get(&second).await.body;
    assert!(failed.contains("Not possible any more") && failed.contains("not open any more"), "{failed}");
    assert_eq!(count(&studio, "PeriodWaived").await, 1, "no other order is waived in its place");

    let person = link(&billing.get(&page).await.body, "/billing/people/");
    let give = [("act", "complimentary"), ("until", ""), ("reason", "the prize")];
    let (one, two) = (
        path(&post(&studio, &billing, &person, &person, &give).await),
        path(&post(&studio, &billing, &person, &person, &give).await),
    );
    assert!(billing.get(&person).await.body.contains("Give complimentary access without an end"));
    assert_eq!(decide(&studio, &admin, &one, "refuse").await.status, 303);
    assert!(billing.get(&one).await.body.contains("Turned down"));
    assert_eq!(decide(&studio, &billing, &two, "refuse").await.status, 303);
    assert!(billing.get(&two).await.body.contains("Taken back"));
    assert_eq!(count(&studio, "ComplimentaryAccessGranted").await, 0);
    let until = crate::support::day_of(Utc::now() + TimeDelta::days(80)).to_string();
    let short = [("act", "complimentary"), ("until", until.as_str()), ("reason", "the prize")];
    assert_eq!(
        path(&post(&studio, &billing, &person, &person, &short).await),
        person,
        "one may give so much"
    );
    assert_eq!(count(&studio, "ComplimentaryAccessGranted").await, 1);
    let reader = &studio.instance.services.reader;
    let (past, total) = approvals::decided(reader, Utc::now(), 0, 10).await.expect("read");
    assert_eq!((past.len(), total), (4, 4));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_of_one_order_count_together_and_proposals_lapse() {
    let (studio, [member, billing, admin]) = open(|c| c.billing.second_person_over = 500).await;
    assert_eq!(order(&studio, &member, "NL", "card", CARD).await.status, 303);
    let page = link(&billing.get("/billing/orders").await.body, "/billing/orders/");
    let back = async |amount: &str| {
        let fields = [("of", "price"), ("way", "gateway"), ("amount", amount), ("reason", "it broke off")];
        let ask = format!("{page}/refund");
        path(&post(&studio, &billing, &ask, &ask, &fields).await)
    };
    assert!(billing.get(&back("5.00").await).await.body.contains("Gone back"));
    let proposed = back("0.01").await;
    assert!(
        billing.get(&proposed).await.body.contains("Somebody else decides"),
        "a cent more in a second part"
    );
    assert!(billing.get("/billing/approvals").await.body.contains("Give €0.01 back"));
    // The colleague reads why it is asked for, and that all parts count together; nothing that does not apply.
    let decides = admin.get(&proposed).await.body;
    for words in
        ["it broke off", "One person may give back €5.00", "€5.00 went back like that before", "€5.01"]
    {
        assert!(decides.contains(words), "{words}: {decides}");
    }
    for words in ["Decided by", "Refused because"] {
        assert!(!decides.contains(words), "{words}: {decides}");
    }
    crate::step_up::pass(&studio, 14 * 24 * 60 + 1);
    let late = post(&studio, &admin, &proposed, &proposed, &[("act", "approve"), ("reason", "fine")]).await;
    assert!(late.status == 422 && late.body.contains("has lapsed"), "{}", late.body);
    let now = studio.instance.services.clock.now().to_rfc3339();
    assert_eq!(studio.run_job("lapse-requests", &now).await.counts.get("lapsed"), Some(&1));
    studio.settle().await;
    assert!(billing.get(&proposed).await.body.contains("Lapsed"));
    // What lapsed holds nothing back.
    assert!(billing.get(&back("6.50").await).await.body.contains("Somebody else decides"));
    studio.verify().await;
    studio.close().await;
}
