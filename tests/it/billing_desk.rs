//! The billing desk's smaller promises: days are the studio's, lines are proved, nothing that was typed or said is
//! lost, and what waits is listed.

use crate::bank::{camt, entry, send};
use crate::billing_pages::{link, open, open_with, order, signed_in_anew};
use crate::support::{Browser, Studio};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use kinora::domain::shared::calendar::{Zone, day_words};
use kinora::domain::subscription::Status;
use kinora::projections::subscriptions::{self, SubscriptionRow};

const CARD: &str = "4242 4242 4242 4242";

async fn post(studio: &Studio, staff: &Browser, page: &str, action: &str, fields: &[(&str, &str)]) -> u16 {
    let answer = staff.submit(page, action, fields).await;
    studio.settle().await;
    answer.status
}

/// The page of the only subscription.
async fn the_subscription(staff: &Browser) -> String {
    link(&staff.get("/billing/subscriptions").await.body, "/billing/subscriptions/")
}

async fn row(studio: &Studio, page: &str) -> SubscriptionRow {
    let id = page.rsplit('/').next().unwrap().parse().unwrap();
    subscriptions::one(&studio.instance.services.reader, id).await.unwrap().expect("it is listed")
}

fn here(at: DateTime<Utc>) -> NaiveDate {
    Zone::amsterdam().date_of(at)
}

fn set_clock(studio: &Studio, at: DateTime<Utc>) {
    studio.instance.services.clock.follow((at - Utc::now()).num_microseconds().expect("near"));
}

/// What stands behind the name in the answer about a day.
fn told<'a>(page: &'a str, name: &str) -> &'a str {
    let start = page.find(&format!(">{name}<")).unwrap_or_else(|| panic!("no {name} in {page}"));
    let rest = &page[start..];
    &rest[..rest.find("</dd>").expect("its end")]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_is_asked_about_ends_at_the_midnight_of_the_studio() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", CARD).await.status, 303);
    let page = the_subscription(&billing).await;
    let due = row(&studio, &page).await.state.next_due_on().unwrap();
    let person = link(&billing.get("/billing/subscriptions").await.body, "/billing/people/");
    // Half past eleven in the evening of that day in UTC is the next day in Amsterdam.
    let day = crate::support::day_of(studio.instance.services.clock.now()) + TimeDelta::days(3);
    set_clock(&studio, day.and_hms_opt(23, 30, 0).unwrap().and_utc());
    let give = [("act", "extend"), ("days", "5"), ("reason", "the player broke")];
    assert_eq!(post(&studio, &billing, &page, &page, &give).await, 303);
    let (before, after) = (day_words(due), day_words(due + TimeDelta::days(5)));
    let asked = async |day: NaiveDate| billing.get(&format!("{page}?as_of={day}")).await.body;

    assert!(told(&asked(day).await, "What was true").contains(&before), "it came after that day");
    let today = day + TimeDelta::days(1);
    let now = asked(today).await;
    assert!(told(&now, "What was true").contains(&after), "today, as far as it has come: {now}");
    assert!(!now.contains("still to come"));
    assert!(asked(today + TimeDelta::days(1)).await.contains("still to come"));
    // The page of the person asks about the same days.
    let today = billing.get(&format!("{person}?on={today}")).await.body;
    assert!(
        !today.contains("Enter a day up to today")
            && today.contains(&format!("On {}", day_words(here(studio.instance.services.clock.now())))),
        "{today}"
    );
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_counts_from_the_day_on_which_it_arrived_and_what_was_known_is_another_question() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "DE", "bank", "").await.status, 303);
    let page = the_subscription(&billing).await;
    let order = link(&billing.get("/billing/orders").await.body, "/billing/orders/");
    let action = format!("{order}/paid");
    let clock = &studio.instance.services.clock;
    let placed = here(clock.now());
    assert!(
        billing.get(&order).await.body.contains(&format!("value=\"{placed}\"")),
        "today stands in the form"
    );
    set_clock(&studio, clock.now() + TimeDelta::days(3));
    let today = here(clock.now());
    let book = async |amount: &str, day: NaiveDate| {
        let day = day.to_string();
        let fields = [("amount", amount), ("arrived_on", day.as_str()), ("reason", "statement 7")];
        let answer = billing.submit(&order, &action, &fields).await;
        studio.settle().await;
        answer
    };
    for (day, words) in [
        (today + TimeDelta::days(1), "That day is still to come"),
        (placed - TimeDelta::days(1), "The order was placed on"),
    ] {
        let refused = book("11.50", day).await;
        assert!(refused.status == 422 && refused.body.contains(words), "{day}: {}", refused.body);
        assert!(refused.body.contains("statement 7") && refused.body.contains(&format!("value=\"{day}\"")));
    }
    let fields = [("amount", "1"), ("arrived_on", "soon"), ("reason", "x")];
    assert_eq!(post(&studio, &billing, &order, &action, &fields).await, 422);
    // Both ends: today, and the day of the order.
    assert_eq!(book("1.50", today).await.status, 303);
    assert_eq!(book("10.00", placed).await.status, 303);
    let then = row(&studio, &page).await;
    assert_eq!(
        (then.status, then.state.anchor()),
        (Status::Active, Some(placed)),
        "not from the day of the booking"
    );

    // It is true today, but nobody knew it before.
    let asked = async |query: String| billing.get(&format!("{page}?{query}")).await.body;
    let body = asked(format!("as_of={today}&known_on={placed}")).await;
    assert!(told(&body, "What was true").contains("active, access"), "{body}");
    let knew = told(&body, "What we knew");
    assert!(knew.contains("on-hold, no access") && knew.contains("recorded by the end of"), "{body}");
    let body = asked(format!("as_of={today}&known_on={today}")).await;
    assert!(told(&body, "What we knew").contains("active, access"), "{body}");
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proof_names_lines_that_are_left_out_put_in_or_changed_in_anything_that_is_shown() {
    let (studio, member, billing) = open_with(|c| c.billing.second_person_over_days = 3).await;
    assert_eq!(order(&studio, &member, "NL", "card", CARD).await.status, 303);
    let page = the_subscription(&billing).await;
    // Events of every kind of stream: documents, credit, and a request for a second person.
    let refund = format!("{}/refund", link(&billing.get("/billing/orders").await.body, "/billing/orders/"));
    let back = [("of", "price"), ("way", "credit"), ("amount", "5.00"), ("reason", "the film broke off")];
    assert_eq!(post(&studio, &billing, &refund, &refund, &back).await, 303);
    let give = [("act", "extend"), ("days", "9"), ("reason", "the player broke")];
    assert_eq!(post(&studio, &billing, &page, &page, &give).await, 303);
    let at = (studio.instance.services.clock.now() + TimeDelta::days(40)).to_rfc3339();
    assert_eq!(studio.run_job("clock-tick", &at).await.status, "completed");
    studio.settle().await;
    let proof = async || billing.get(&format!("{page}?proof=yes")).await.body;
    let good = proof().await;
    assert!(good.contains("are as they were written, and none is left out."), "{good}");
    let root = studio.superuser().await;
    let sql = "select category from views.timeline group by 1 order by 1";
    let categories: Vec<String> = root.query(sql, &[]).await.unwrap().iter().map(|r| r.get(0)).collect();
    assert_eq!(categories, ["approval", "credit", "invoice_series", "order", "subscription"]);

    let named = async |position: i64, words: &str| {
        let body = proof().await;
        let at = body.find(words).unwrap_or_else(|| panic!("{words}: {body}"));
        let rest = &body[at + words.len()..];
        let list = &rest[..rest.find(". Tell").expect("an end")];
        assert_eq!(list, format!(" no. {position}"), "{words}");
    };
    // Each line is changed in one thing and put right again.
    for category in ["approval", "credit", "invoice_series", "order", "subscription"] {
        let sql = "select max(position) from views.timeline where category = $1";
        let position: i64 = root.query_one(sql, &[&category]).await.unwrap().get(0);
        root.batch_execute(&format!(
            "create table public.aside as select * from views.timeline where position = {position};
             delete from views.timeline where position = {position}"
        ))
        .await
        .unwrap();
        named(position, "In the log, but left out here:").await;
        for forged in [
            "actor = '{\"system\":\"mallory\"}'",
            "effective_at = effective_at - interval '1 second'",
            "recorded_at = recorded_at + interval '1 second'",
            "reason = '{\"subject\":\"00000000-0000-0000-0000-000000000001\",\"field\":\"reason\",\"version\":\"00000000-0000-0000-0000-000000000002\"}'",
            "correlation = subscription",
        ] {
            root.batch_execute(&format!(
                "insert into views.timeline select * from public.aside;
                 update views.timeline set {forged} where position = {position}"
            ))
            .await
            .unwrap();
            named(position, "Not as they were written:").await;
            root.batch_execute(&format!("delete from views.timeline where position = {position}"))
                .await
                .unwrap();
        }
        root.batch_execute("insert into views.timeline select * from public.aside; drop table public.aside")
            .await
            .unwrap();
    }
    assert!(proof().await.contains("none is left out."), "all is right again");
    let invented = "insert into views.timeline select 999999, subscription, category, kind, effective_at, recorded_at, actor,
        command, causation, correlation, subject, payload, reason from views.timeline order by position limit 1";
    root.batch_execute(invented).await.unwrap();
    named(999_999, "Shown here, but not in the log of this subscription:").await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reason_for_asking_the_gateway_again_stands_in_the_log() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", "4000 0000 0000 0119").await.status, 303);
    let page = link(&billing.get("/billing/orders?questionable=yes").await.body, "/billing/orders/");
    let again = [("act", "look-up"), ("reason", "they told me to wait a minute")];
    assert_eq!(post(&studio, &billing, &page, &format!("{page}/outcome"), &again).await, 303);
    assert!(billing.get("/billing/orders?status=paid").await.body.contains("Mira Member"), "it was charged");

    // Two refunds whose answers are lost: one is found, of the other the gateway's pages show nothing.
    let ask = format!("{page}/refund");
    let mut refunds = Vec::new();
    for amount in ["5.00", "2.00"] {
        let back = [("of", "price"), ("way", "gateway"), ("amount", amount), ("reason", "broke off")];
        let answer = billing.submit(&ask, &ask, &back).await;
        studio.settle().await;
        refunds.push(answer.location().split('?').next().unwrap().to_owned());
        assert!(billing.get(&refunds[refunds.len() - 1]).await.body.contains("What became of it?"));
    }
    let again = [("act", "look-up"), ("reason", "their pages were slow")];
    assert_eq!(post(&studio, &billing, &refunds[0], &refunds[0], &again).await, 303);
    assert!(billing.get(&refunds[0]).await.body.contains("Gone back"));
    let none = [("act", "not-done"), ("reason", "their pages show none")];
    assert_eq!(post(&studio, &billing, &refunds[1], &refunds[1], &none).await, 303);
    assert!(billing.get(&refunds[1]).await.body.contains("not_returned_says_staff"));
    let story = billing.get(&the_subscription(&billing).await).await.body;
    for reason in ["they told me to wait a minute", "their pages were slow", "their pages show none"] {
        assert!(story.contains(&format!("Reason given: {reason}")), "{reason} in {story}");
    }
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_fell_behind_goes_on_as_staff_decide() {
    for (act, charged) in [("bill-missed", true), ("waive-missed", false)] {
        let (studio, member, billing) = open().await;
        assert_eq!(order(&studio, &member, "NL", "card", CARD).await.status, 303);
        let page = the_subscription(&billing).await;
        let cx = &studio.instance.services;
        let later = cx.clock.now() + TimeDelta::days(160);
        set_clock(&studio, later);
        assert_eq!(studio.run_job("clock-tick", &later.to_rfc3339()).await.status, "completed");
        studio.settle().await;
        assert!(row(&studio, &page).await.state.is_parked());
        let (_, staff) = signed_in_anew(&studio).await;
        assert!(staff.get("/billing").await.body.contains("fell too far behind"));
        assert_eq!(post(&studio, &staff, &page, &page, &[("act", act)]).await, 422, "a reason is needed");
        let fields = [("act", act), ("reason", "the clock had stood still")];
        assert_eq!(post(&studio, &staff, &page, &page, &fields).await, 303, "{act}");
        let again = later + TimeDelta::minutes(5);
        assert_eq!(studio.run_job("clock-tick", &again.to_rfc3339()).await.status, "completed");
        studio.settle().await;
        assert!(!row(&studio, &page).await.state.is_parked());
        let story = staff.get(&page).await.body;
        assert!(story.contains("Reason given: the clock had stood still"), "{story}");
        // The oldest of the missed periods, or the one that runs: that is always billed.
        let due = row(&studio, &page).await.state.next_payment_on().expect("it goes on");
        assert_eq!(due < here(later), charged, "{act}: {due}");
        studio.verify().await;
        studio.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_act_is_done_by_pressing_enter_and_ending_at_once_has_a_second_step() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", CARD).await.status, 303);
    let page = the_subscription(&billing).await;
    let body = billing.get(&page).await.body;
    // The first button of the form, which Enter would press, is out of order.
    let form = &body[body.find(&format!("action=\"{page}\"")).expect("the form")..];
    let first = &form[form.find("<button").expect("a button")..];
    assert!(first.starts_with("<button type=\"submit\" disabled hidden>"), "{first}");
    assert!(!body.contains("value=\"end-now\""), "not at one click");
    let end = format!("{page}/end");
    assert!(body.contains(&format!("href=\"{end}\"")));
    assert_eq!(member.get(&end).await.status, 403);
    let step = billing.get(&end).await;
    assert!(step.status == 200 && step.body.contains("cannot be undone"), "{}", step.body);
    let bare = billing.submit(&end, &page, &[("act", "end-now")]).await;
    assert!(bare.status == 422 && bare.body.contains("cannot be undone"), "the same step again");
    assert_eq!(row(&studio, &page).await.status, Status::Active);
    assert_eq!(
        post(&studio, &billing, &end, &page, &[("act", "end-now"), ("reason", "by telephone")]).await,
        303
    );
    assert_eq!(row(&studio, &page).await.status, Status::Cancelled);
    assert_eq!(billing.get(&end).await.status, 303, "there is nothing to end any more");
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn narrowing_keeps_what_was_narrowed_before_and_files_refuse_days_that_are_none() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", CARD).await.status, 303);
    let page = the_subscription(&billing).await;
    let give = [("act", "extend"), ("days", "5"), ("reason", "the player broke")];
    assert_eq!(post(&studio, &billing, &page, &page, &give).await, 303);
    let get = async |path: &str| billing.get(path).await.body;
    let hidden = |body: &str, name: &str, value: &str| {
        body.contains(&format!("type=\"hidden\" name=\"{name}\" value=\"{value}\""))
    };
    let today = here(studio.instance.services.clock.now());
    let body = get(&format!("{page}?by=staff&as_of={today}&kind=PaidTimeExtended&from={today}")).await;
    for (name, value) in [("by", "staff"), ("kind", "PaidTimeExtended"), ("as_of", &*today.to_string())] {
        assert!(hidden(&body, name, value), "{name}");
    }
    let list = get("/billing/subscriptions?status=active&failing=yes").await;
    assert!(hidden(&list, "status", "active") && hidden(&list, "failing", "yes"));
    assert!(hidden(&get("/billing/orders?status=paid&sort=number").await, "sort", "number"));
    assert!(hidden(&get("/billing/people?role=creator").await, "role", "creator"));

    let lines = async |query: &str| {
        let file = get(&format!("{page}/log.jsonl?{query}")).await;
        file.lines()
            .map(|l| serde_json::from_str::<serde_json::Value>(l).expect("an object"))
            .collect::<Vec<_>>()
    };
    let all = lines("").await.len();
    let staff = lines("by=staff").await;
    assert!(staff.len() == 1 && staff[0]["type"] == "PaidTimeExtended", "{staff:?}");
    let own = lines("by=member").await;
    assert!(!own.is_empty() && own.iter().all(|l| l["by"] == "the member"), "{own:?}");
    assert_eq!(lines("kind=PaidTimeExtended").await, staff);
    assert_eq!(lines("kind=PaidTimeExtended&by=member").await.len(), 0);
    assert_eq!(lines(&format!("from={today}&until={today}")).await.len(), all);
    assert_eq!(lines(&format!("from={}", today + TimeDelta::days(1))).await.len(), 0);
    assert_eq!(lines(&format!("until={}", today - TimeDelta::days(1))).await.len(), 0);
    for wrong in ["from=1800-01-01", "until=2200-01-01", "from=soon"] {
        for file in ["log.csv", "log.jsonl"] {
            assert_eq!(billing.get(&format!("{page}/{file}?{wrong}")).await.status, 422, "{file} {wrong}");
        }
        assert!(get(&format!("{page}?{wrong}")).await.contains("It was left out."), "{wrong}");
    }

    // The file of people holds whom the page shows.
    let person = link(&list_of(&billing).await, "/billing/people/");
    let id = person.rsplit('/').next().unwrap();
    for words in ["Mira", "mira%20mem"] {
        let file = get(&format!("/billing/people?format=csv&q={words}")).await;
        assert!(file.lines().count() == 2 && file.contains(id), "{words}: {file}");
        assert!(!file.contains("Mira"), "no names");
    }
    let none = get("/billing/people?format=csv&q=nobody+of+that+name").await;
    assert_eq!(none.lines().count(), 1, "{none}");
    studio.close().await;
}

async fn list_of(staff: &Browser) -> String {
    staff.get("/billing/subscriptions").await.body
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_found_by_what_the_bank_shows_its_amount_or_its_member() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "bank", "").await.status, 303);
    let mine = member.get("/account/subscription").await.body;
    let at = mine.find("RF").expect("a reference");
    let reference = mine[at..].split('<').next().expect("its end").trim().to_owned();
    let number = reference[4..].replace(' ', "");
    let found = async |words: &str| {
        let query: String = url::form_urlencoded::byte_serialize(words.as_bytes()).collect();
        billing.get(&format!("/billing/orders?q={query}")).await.body.contains(&format!(">{number}<"))
    };
    let spaced = format!("{} {} {}", &reference[..4], &reference[4..8], &reference[8..]);
    for words in [
        &*reference,
        &spaced,
        &number,
        &number[6..],
        &number.to_lowercase(),
        "11.50",
        "€11,50",
        "member@demo.example",
    ] {
        assert!(found(words).await, "{words}");
    }
    for words in ["RF18", "11.51", "11.5", "nobody@example.org"] {
        assert!(!found(words).await, "{words}");
    }
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_cancelled_are_listed_with_day_and_reason_also_when_staff_noted_it() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", CARD).await.status, 303);
    let page = the_subscription(&billing).await;
    let ends = day_words(row(&studio, &page).await.state.next_due_on().unwrap());
    let cancel = [("act", "cancel"), ("cancel_reason", "too-expensive"), ("reason", "by telephone")];
    assert_eq!(post(&studio, &billing, &page, &page, &cancel).await, 303);
    let list = billing.get("/billing/subscriptions?reason=too-expensive").await.body;
    let table = &list[list.find("<tbody").expect("a table")..list.find("Why people cancelled").unwrap()];
    assert!(table.contains("It costs too much") && table.contains(&ends), "{table}");
    assert!(billing.get(&page).await.body.contains("The member says: It costs too much."));
    // Going back on the contract is a reason of its own, in the file as in the filter.
    assert_eq!(post(&studio, &billing, &page, &page, &[("act", "keep"), ("reason", "x")]).await, 303);
    let withdraw = "/account/subscription/withdraw";
    assert_eq!(post(&studio, &member, withdraw, withdraw, &[]).await, 303);
    let file = billing.get("/billing/subscriptions.csv?reason=withdrawn").await.body;
    assert!(file.lines().count() == 2 && file.trim_end().ends_with(",withdrawn"), "{file}");
    let list = billing.get("/billing/subscriptions?reason=withdrawn").await.body;
    assert!(list[list.find("<tbody").expect("a table")..].contains("Withdrew from the contract"));
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_counted_with_the_way_there_and_entries_of_the_bank_are_ticked_off() {
    let (studio, member, billing) = open().await;
    let overview = async || billing.get("/billing").await.body;
    assert!(overview().await.contains("Nothing waits for you"));
    assert_eq!(order(&studio, &member, "NL", "card", "4000 0000 0000 9995").await.status, 303);
    let failing = overview().await;
    assert!(!failing.contains("Nothing waits for you"), "{failing}");
    let way = "/billing/orders?status=failing";
    assert!(failing.contains(&format!("href=\"{way}\"")));
    assert!(billing.get(way).await.body.contains("Mira Member"));
    for filter in ["/billing/refunds?state=to-send", "/billing/credits?waiting=yes"] {
        assert_eq!(billing.get(filter).await.status, 200, "{filter}");
    }
    // Of what there is not, a page finds none, and a file is refused.
    for (list, none) in [
        ("/billing/refunds?state=soon", "No refund found"),
        ("/billing/orders?status=soon", "No order found"),
        ("/billing/subscriptions?status=soon", "No subscription found"),
        ("/billing/subscriptions?reason=soon", "No subscription found"),
        ("/billing/people?role=soon", "Nobody found"),
    ] {
        let page = billing.get(list).await;
        assert!(page.status == 200 && page.body.contains(none), "{list}: {}", page.body);
        let file = billing.get(&format!("{list}&format=csv")).await;
        assert!(file.status == 422 && file.body.contains("ask for one of these"), "{list}: {}", file.body);
    }
    assert_eq!(billing.get("/billing/subscriptions.csv?status=soon").await.status, 422);
    assert!(billing.get("/billing/refunds?state=stuck&format=csv").await.body.starts_with("refund,order"));

    let today = studio.instance.services.clock.now().format("%Y-%m-%d").to_string();
    let file = camt(&[entry("99.00", "rent", "B1", &today), entry("12.00", "lottery", "B2", &today)]);
    let sent = send(&studio, &billing, "a.xml", file.clone()).await;
    let statement = sent.location().split('?').next().unwrap().to_owned();
    let two = overview().await;
    assert!(two.contains(">2 entries</a> of bank statements without an order"), "{two}");
    assert!(two.contains("€99.00") && two.contains(&format!("href=\"{statement}\"")));
    let action = format!("{statement}/settled");
    assert_eq!(member.post(&action, &[("line", "0")]).await.status, 403);
    for line in ["2", "-1", "x"] {
        assert_eq!(post(&studio, &billing, &statement, &action, &[("line", line)]).await, 404, "{line}");
    }
    // Twice is once.
    for _ in 0..2 {
        assert_eq!(post(&studio, &billing, &statement, &action, &[("line", "0")]).await, 303);
    }
    let page = billing.get(&statement).await.body;
    assert!(page.contains("Dealt with by ") && page.contains("Bela Billing"), "{page}");
    assert!(page.contains("1 for you to look at"), "{page}");
    let one = overview().await;
    assert!(one.contains(">1 entry</a> of bank statements") && !one.contains("€99.00"), "{one}");
    assert_eq!(post(&studio, &billing, &statement, &action, &[("line", "1")]).await, 303);
    assert!(!overview().await.contains("of bank statements without an order"));
    // The next statement of the bank says the same once more, and something new twice.
    let new = entry("7.00", "a song", "B3", &today);
    let next = camt(&[entry("99.00", "rent", "B1", &today), new.clone()]);
    let sent = send(&studio, &billing, "b.xml", next.clone()).await;
    let page = billing.get(sent.location()).await.body;
    assert!(page.contains("1 for you to look at") && page.contains("Dealt with by "), "{page}");
    send(&studio, &billing, "b.xml", next).await;
    let open = billing.get("/billing/bank/open").await.body;
    assert!(open.matches("€7.00").count() == 1 && !open.contains("€99.00"), "each entry once: {open}");
    assert!(billing.get("/billing/bank").await.body.contains(">1 entry</a> of statements without an order"));
    studio.close().await;
}
