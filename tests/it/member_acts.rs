//! What members do about a membership beyond paying: trials, pauses, other plans; in the pages.

use crate::billing::{Desk, GOOD};
use crate::billing_pages::{link, open, order};
use crate::support::{Browser, Page, Studio};
use chrono::{Days, Months, NaiveDate, TimeDelta};
use kinora::domain::shared::calendar::day_words;
use kinora::domain::shared::payment::Collection;
use kinora::domain::shared::{Currency, Money};
use kinora::domain::subscription::{SubscriptionCommand, Terms};
use uuid::Uuid;

async fn act(studio: &Studio, member: &Browser, action: &str, fields: &[(&str, &str)]) -> Page {
    let page = if action.contains("/plan") { "/account/subscription/plan" } else { "/account/subscription" };
    let answer = member.submit(page, action, fields).await;
    studio.settle().await;
    answer
}

async fn mine(member: &Browser) -> String {
    member.get("/account/subscription").await.body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_stops_access_at_once_and_ending_it_gives_it_back() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", "4242 4242 4242 4242").await.status, 303);
    let today = crate::support::day_of(studio.instance.services.clock.now());
    let zone = kinora::domain::shared::calendar::Zone::amsterdam();
    let today = zone.date_of(studio.instance.services.clock.now()).max(today).to_string();

    let wrong =
        act(&studio, &member, "/account/subscription/pause", &[("from", "soon"), ("until", "")]).await;
    assert_eq!(wrong.status, 422);
    assert!(
        wrong.body.contains("Enter a day") && wrong.body.contains("value=\"soon\""),
        "it keeps what was typed"
    );
    let past =
        act(&studio, &member, "/account/subscription/pause", &[("from", "2020-01-01"), ("until", "")]).await;
    assert_eq!(past.status, 422, "{}", past.body);

    let done = act(&studio, &member, "/account/subscription/pause", &[("from", &today), ("until", "")]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let page = mine(&member).await;
    assert!(page.contains("Your subscription is paused") && page.contains("End the pause"), "{page}");
    assert!(
        page.contains("This ends the pause") && !page.contains("The open order"),
        "what cancelling means now"
    );
    assert!(!page.contains("Join for"), "who has joined is not asked to join");
    let me: serde_json::Value =
        serde_json::from_str(&member.get("/api/v1/subscriptions").await.body).expect("JSON");
    assert_eq!(me["items"][0]["access"], false, "{me}");
    let list = billing.get("/billing/subscriptions?paused=yes").await.body;
    assert!(list.contains("Paused"), "staff find it");

    let done = act(&studio, &member, "/account/subscription/resume", &[]).await;
    assert_eq!(done.status, 303);
    let page = mine(&member).await;
    assert!(page.contains("You can watch everything") && page.contains("Plan a pause"));
    let queued: i64 = studio
        .client()
        .await
        .query_one("select count(*) from outgoing_mail where mail::text like '%pause_planned%'", &[])
        .await
        .expect("the queue")
        .get(0);
    assert_eq!(queued, 1, "a mail confirms it");

    // One that is planned: its days, and the next payment put off by them.
    let first: NaiveDate = today.parse().expect("a day");
    let (from, until) = (first + Days::new(3), first + Days::new(13));
    let days = [("from", from.to_string()), ("until", until.to_string())];
    let days: Vec<(&str, &str)> = days.iter().map(|(name, day)| (*name, day.as_str())).collect();
    let done = act(&studio, &member, "/account/subscription/pause", &days).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let rests = format!("from {} and goes on by itself on {}", day_words(from), day_words(until));
    let due = day_words(first + Months::new(1) + Days::new(10));
    let page = mine(&member).await;
    assert!(page.contains(&rests) && page.contains(&format!("next payment is due on {due}")), "{page}");
    assert!(page.contains("This gives up the pause that is planned"), "{page}");
    let list = billing.get("/billing/subscriptions").await.body;
    let desk = billing.get(&link(&list, "/billing/subscriptions/")).await.body;
    assert!(desk.contains(&format!("planned: rests {rests}")) && desk.contains(&due), "{desk}");
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dearer_plan_is_charged_by_the_day_invoiced_and_in_force_at_once() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", "4242 4242 4242 4242").await.status, 303);
    new_plan(&studio, &billing, "Patron", "23.00", "0").await;

    let page = member.get("/account/subscription/plan").await.body;
    assert!(page.contains("Patron, monthly"), "{page}");
    let (variation, pay) = patron(&page);
    let fields =
        |pay: &str| vec![("variation", variation.clone()), ("pay", pay.to_owned()), ("price", "2300".into())];
    let borrowed = |f: &[(&'static str, String)]| f.iter().map(|(n, v)| (*n, v.clone())).collect::<Vec<_>>();
    // A price that was not the shown one charges nothing.
    let wrong = borrowed(&fields("1"));
    let wrong: Vec<(&str, &str)> = wrong.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let refused = act(&studio, &member, "/account/subscription/plan", &wrong).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("Nothing was changed"));

    let right = borrowed(&fields(&pay));
    let right: Vec<(&str, &str)> = right.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let done = act(&studio, &member, "/account/subscription/plan", &right).await;
    assert_eq!(done.status, 303, "{}", done.body);
    assert!(mine(&member).await.contains("Patron, monthly"));
    let invoices = member.get("/account/invoices").await.body;
    assert_eq!(
        invoices.matches("/account/invoices/INV-").count(),
        2,
        "one for joining, one for the difference"
    );
    let invoice = member.get(&link(&invoices, "/account/invoices/INV-")).await.body;
    assert!(invoice.contains("days not used") && invoice.contains("Patron, monthly"), "{invoice}");
    // Pressing the button again does nothing more.
    assert_eq!(act(&studio, &member, "/account/subscription/plan", &right).await.status, 303);
    assert_eq!(member.get("/account/invoices").await.body.matches("/account/invoices/INV-").count(), 2);

    // Back to the cheaper one: when the paid time is over, and it can be given up.
    let page = member.get("/account/subscription/plan").await.body;
    let at = page.find("Studio, monthly</h2>").expect("the plan before");
    let variation = value(&page[at..], "variation");
    let price = value(&page[at..], "price");
    let back = [("variation", variation.as_str()), ("pay", "0"), ("price", price.as_str())];
    assert_eq!(act(&studio, &member, "/account/subscription/plan", &back).await.status, 303);
    assert!(mine(&member).await.contains("Keep the plan I have"));
    let kept = member.submit("/account/subscription", "/account/subscription/plan/keep", &[]).await;
    assert_eq!(kept.status, 303);
    studio.settle().await;
    assert!(!mine(&member).await.contains("Keep the plan I have"));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_costs_nothing_today_works_without_a_card_and_comes_once() {
    let (studio, member, billing) = open().await;
    new_plan(&studio, &billing, "Trial", "11.50", "14").await;
    let join = member.get("/join").await.body;
    assert!(join.contains("14 days of trial"), "{join}");
    let start = join.find("Trial, monthly").expect("the plan");
    let offer = link(&join[start..], "/join/");
    let payment = member.get(&offer).await.body;
    let action = link(&payment, "/join/");
    let page = format!("{action}?country=NL&way=card");
    assert!(member.get(&page).await.body.contains("14 days of trial, until"));
    let address = [("name", "Mira"), ("street", "Gracht 1"), ("postcode", "1015 CC"), ("city", "Amsterdam")];
    let answer = member.submit(&page, &action, &address).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    studio.settle().await;
    let page = mine(&member).await;
    assert!(page.contains("Your trial lasts until") && page.contains("Add a card"), "{page}");
    assert!(member.get("/account/invoices").await.body.contains("No invoices yet"));

    // Ended and joined again: no second trial.
    let done = member.submit("/account/subscription", "/account/subscription/cancel", &[]).await;
    assert_eq!(done.status, 303);
    studio.settle().await;
    let list = billing.get("/billing/subscriptions").await.body;
    let id = link(&list, "/billing/subscriptions/");
    let ended = billing.submit(&id, &id, &[("act", "end-now"), ("reason", "a test")]).await;
    assert_eq!(ended.status, 303, "{}", ended.body);
    studio.settle().await;
    let page = format!("{action}?country=NL&way=card");
    assert!(!member.get(&page).await.body.contains("days of trial, until"));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_that_is_paid_by_transfer_asks_for_no_card() {
    let (studio, member, billing) = open().await;
    plan_paid_by(&studio, &billing, ("Trial", "manual"), "11.50", "14").await;
    let join = member.get("/join").await.body;
    let start = join.find("Trial, monthly").expect("the plan");
    let payment = member.get(&link(&join[start..], "/join/")).await.body;
    assert!(
        payment.contains("before 14 days of trial are over") && !payment.contains("Charged now"),
        "{payment}"
    );
    let action = link(&payment, "/join/");
    let page = format!("{action}?country=NL&way=bank");
    let address = [("name", "Mira"), ("street", "Gracht 1"), ("postcode", "1015 CC"), ("city", "Amsterdam")];
    assert_eq!(member.submit(&page, &action, &address).await.status, 303);
    studio.settle().await;
    let page = mine(&member).await;
    assert!(page.contains("then the first payment is due") && !page.contains("Add a card"), "{page}");
    let now = studio.instance.services.clock.now();
    for days in [8, 12] {
        let at = (now + TimeDelta::days(days)).to_rfc3339();
        assert_eq!(studio.run_job("clock-tick", &at).await.status, "completed");
        studio.settle().await;
    }
    let sql = "select count(*) from outgoing_mail where mail->>'about' = 'trial_ending' and mail->>'by_transfer' = 'true'";
    let told: i64 = studio.client().await.query_one(sql, &[]).await.expect("the queue").get(0);
    assert_eq!(told, 1, "the reminder asks for a transfer");
    assert!(mine(&member).await.contains("We recognise it by the reference"));
    studio.verify().await;
    studio.close().await;
}

async fn new_plan(studio: &Studio, billing: &Browser, name: &str, price: &str, trial: &str) {
    plan_paid_by(studio, billing, (name, "automatic"), price, trial).await;
}

async fn plan_paid_by(
    studio: &Studio,
    billing: &Browser,
    (name, collection): (&str, &str),
    price: &str,
    trial: &str,
) {
    let made = [("name", name), ("summary", "More of everything.")];
    assert_eq!(billing.submit("/billing/plans", "/billing/plans", &made).await.status, 303);
    studio.settle().await;
    let page = billing.get("/billing/plans").await.body;
    let at = page.find(&format!("Add a price to {name}")).expect("its form");
    let action = link(&page[at..], "/billing/plans/");
    let terms = [
        ("plan", action.split('/').nth(3).expect("an id")),
        ("price", price),
        ("currency", "EUR"),
        ("length", "1"),
        ("unit", "month"),
        ("collection", collection),
        ("trial_days", trial),
    ];
    let added = billing.submit("/billing/plans", &action, &terms).await;
    assert_eq!(added.status, 303, "{}", added.body);
    studio.settle().await;
}

fn value(body: &str, name: &str) -> String {
    let at = body.find(&format!("name=\"{name}\" value=\"")).expect("a field") + name.len() + 15;
    body[at..].split('"').next().expect("a value").to_owned()
}

/// The variation of the dearer plan, and what is to be paid now.
fn patron(page: &str) -> (String, String) {
    let at = page.find("Patron, monthly</h2>").expect("the plan");
    (value(&page[at..], "variation"), value(&page[at..], "pay"))
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_pause_and_change_plans_with_a_reason() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", "4242 4242 4242 4242").await.status, 303);
    new_plan(&studio, &billing, "Patron", "23.00", "0").await;
    let id = link(&billing.get("/billing/subscriptions").await.body, "/billing/subscriptions/");
    let page = billing.get(&id).await.body;
    let at = page.find("Patron, monthly, €23.00: at once").expect("the plan is offered");
    let before = &page[..at];
    let from = before.rfind("value=\"").expect("its value") + 7;
    let variation = before[from..].split('"').next().expect("an id").to_owned();

    let silent =
        billing.submit(&id, &id, &[("act", "plan"), ("variation", &variation), ("reason", "")]).await;
    assert!(silent.status == 422 && silent.body.contains("Say why"), "{}", silent.body);
    let nothing =
        billing.submit(&id, &id, &[("act", "plan"), ("variation", ""), ("reason", "asked by mail")]).await;
    assert!(nothing.status == 422 && nothing.body.contains("Choose a plan"));
    let done = billing
        .submit(&id, &id, &[("act", "plan"), ("variation", &variation), ("reason", "asked by mail")])
        .await;
    assert_eq!(done.status, 303, "{}", done.body);
    studio.settle().await;
    assert!(mine(&member).await.contains("Patron, monthly"));

    let wrong = [("act", "pause"), ("pause_from", "2020-01-01"), ("pause_until", ""), ("reason", "travels")];
    assert_eq!(billing.submit(&id, &id, &wrong).await.status, 422);
    let zone = kinora::domain::shared::calendar::Zone::amsterdam();
    let today = zone.date_of(studio.instance.services.clock.now()).to_string();
    let right =
        [("act", "pause"), ("pause_from", today.as_str()), ("pause_until", ""), ("reason", "travels")];
    let done = billing.submit(&id, &id, &right).await;
    assert_eq!(done.status, 303, "{}", done.body);
    studio.settle().await;
    assert!(mine(&member).await.contains("Your subscription is paused"));
    let log = billing.get(&id).await.body;
    for words in ["Patron, monthly is in force", "Paused from", "asked by mail", "travels"] {
        assert!(log.contains(words), "{words}");
    }
    studio.verify().await;
    studio.close().await;
}

/// Asks for a plan of twice the price on the day of joining: the whole difference is due.
async fn dearer(desk: &Desk, subscription: Uuid) {
    let terms = Terms {
        variation: Uuid::now_v7(),
        price: Money::new(2300, Currency::eur()),
        ..desk.terms(Collection::Automatic)
    };
    let order = Uuid::now_v7();
    desk.send(
        subscription,
        SubscriptionCommand::ChangePlan { order, terms, shown: None, at_once: true, at: desk.at },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_plan_survives_lost_answers_and_a_process_that_dies() {
    let mut desk = Desk::open().await;
    let price = async |desk: &Desk, id: Uuid| desk.row(id).await.price().expect("a price").minor;

    // The charge was made, its answer lost: nothing changes until it is looked up.
    let id = desk.join(Some(GOOD)).await;
    desk.change_card(id, "4000 0000 0000 0119").await;
    dearer(&desk, id).await;
    assert_eq!(price(&desk, id).await, 1150);
    desk.tick("2031-01-31T14:02:00Z").await;
    assert_eq!((price(&desk, id).await, desk.charged().await), (2300, 2300), "the difference, once");

    // The charge was not made: everything stays as it was, and it can be asked for again.
    desk.account = Uuid::now_v7();
    let id = desk.join(Some(GOOD)).await;
    desk.change_card(id, "4000 0000 0000 0127").await;
    dearer(&desk, id).await;
    desk.tick("2031-01-31T14:05:00Z").await;
    assert_eq!((price(&desk, id).await, desk.charged().await), (1150, 3450));
    assert!(desk.row(id).await.state.open_order().is_none());
    // Both orders are of the same moment.
    let mut states: Vec<String> = desk.orders(id).await.into_iter().map(|o| o.status).collect();
    states.sort_unstable();
    assert_eq!(states, ["cancelled", "paid"]);
    desk.change_card(id, GOOD).await;
    dearer(&desk, id).await;
    assert_eq!((price(&desk, id).await, desk.charged().await), (2300, 4600));

    // The process dies after each step: every event is delivered again, nobody is charged again.
    let client = desk.instance.services.pool.get().await.expect("client");
    let back = "update checkpoints set position = 0 where name in ('charge_payments', 'subscription_orders', 'issue_invoices')";
    client.execute(back, &[]).await.expect("set back");
    drop(client);
    desk.settle().await;
    tokio::time::sleep(std::time::Duration::from_millis(800)).await;
    desk.settle().await;
    assert_eq!((price(&desk, id).await, desk.charged().await), (2300, 4600));
    let papers = kinora::projections::invoices::list(&desk.instance.services.reader, "", None, 0, 50)
        .await
        .expect("read");
    assert_eq!(papers.1, 4, "two for joining, two for the changes");
    desk.instance.close().await.expect("closes");
}
