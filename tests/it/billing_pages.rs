//! Memberships as people see them: join, decline, pay, cancel; and the billing desk over them.

use crate::support::{Browser, Studio};
use kinora::actors::{accounts, demo_plans};
use kinora::config::Config;
use kinora::store::Metadata;
use uuid::Uuid;

pub const ADDRESS: [(&str, &str); 4] =
    [("name", "Mira Member"), ("street", "Keizersgracht 1"), ("postcode", "1015 CC"), ("city", "Amsterdam")];

/// A demo studio with people and plans; gives the member's and the staff's browsers.
pub async fn open() -> (Studio, Browser, Browser) {
    open_with(|_| {}).await
}

/// The same with other settings.
pub async fn open_with(change: impl FnOnce(&mut Config)) -> (Studio, Browser, Browser) {
    let studio = Studio::start_with(change).await;
    let cx = &studio.instance.services;
    let meta = Metadata::system("test", Uuid::now_v7(), cx.clock.now());
    accounts::demo::load(cx, &meta).await.expect("people");
    demo_plans::load(cx, &meta).await.expect("plans");
    studio.settle().await;
    let (member, billing) = signed_in_anew(&studio).await;
    (studio, member, billing)
}

/// The member and the colleague of the desk, each in a new browser: who is away for months has to sign in anew.
pub async fn signed_in_anew(studio: &Studio) -> (Browser, Browser) {
    let cx = &studio.instance.services;
    let meta = Metadata::system("test", Uuid::now_v7(), cx.clock.now());
    let people = accounts::demo::load(cx, &meta).await.expect("people");
    let mut browsers = Vec::new();
    for role in ["member", "billing"] {
        let (person, _) = people.iter().find(|(p, _)| p.role == role).expect("the person");
        let browser = studio.browser();
        let login = [("login", person.mail.as_str()), ("password", person.password.as_str())];
        let answer = browser.submit("/login", "/login", &login).await;
        assert_eq!(answer.status, 303, "{role} signs in: {}", answer.body);
        browsers.push(browser);
    }
    let billing = browsers.pop().expect("billing");
    let member = browsers.pop().expect("member");
    (member, billing)
}

/// The first address in a page that starts with `prefix` and leads further.
pub fn link(body: &str, prefix: &str) -> String {
    let start = body.find(&format!("\"{prefix}")).unwrap_or_else(|| panic!("no link to {prefix}")) + 1;
    let rest = &body[start..];
    rest[..rest.find('"').expect("an end")].replace("&amp;", "&")
}

pub async fn order(
    studio: &Studio,
    member: &Browser,
    country: &str,
    way: &str,
    card: &str,
) -> crate::support::Page {
    let plans = member.get("/join").await;
    assert_eq!(plans.status, 200);
    let payment = member.get(&link(&plans.body, "/join/")).await;
    let action = link(&payment.body, "/join/");
    let page = format!("{action}?country={country}&way={way}");
    let mut fields = ADDRESS.to_vec();
    fields.extend([("card_number", card), ("card_expiry", "12/35")]);
    let answer = member.submit(&page, &action, &fields).await;
    studio.settle().await;
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_joins_by_card_and_the_price_must_be_the_shown_one() {
    let (studio, member, billing) = open().await;
    let plans = studio.browser().get("/join").await;
    assert!(plans.body.contains("€11.50") && plans.body.contains("€115.00"), "visitors see the prices");
    assert!(studio.browser().get(&link(&plans.body, "/join/")).await.location().starts_with("/login"));

    let refused = order(&studio, &member, "NL", "card", "4111 1111 1111 1111").await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("Keizersgracht 1"), "what was typed is still there");
    let payment = member.get(&link(&plans.body, "/join/")).await;
    let action = link(&payment.body, "/join/");
    let form = member.get(&format!("{action}?country=NL&way=card")).await;
    assert!(form.body.contains("Order with obligation to pay") && form.body.contains("€9.50"));
    let mut forged = ADDRESS.to_vec();
    let (csrf, key) = (form.hidden("_csrf").expect("token"), form.hidden("idempotency_key").expect("key"));
    forged.extend([
        ("_csrf", csrf.as_str()),
        ("idempotency_key", key.as_str()),
        ("country", "NL"),
        ("way", "card"),
    ]);
    forged.extend([
        ("price", "1"),
        ("currency", "EUR"),
        ("card_number", "4242424242424242"),
        ("card_expiry", "12/35"),
    ]);
    let answer = member.post(&action, &forged).await;
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("Nothing was ordered"));

    // A way of paying that is none is not taken for another one, and an address has no lines of its own.
    for (field, value, words) in
        [("way", "cash", "cannot be paid that way"), ("name", "A\nB", "Use one line")]
    {
        let mut all: Vec<(&str, &str)> = forged.iter().copied().filter(|(n, _)| *n != field).collect();
        all.iter_mut().filter(|(n, _)| *n == "price").for_each(|f| f.1 = "1150");
        all.push((field, value));
        let answer = member.post(&action, &all).await;
        assert!(answer.status == 422 && answer.body.contains(words), "{words}: {}", answer.body);
    }

    let joined = order(&studio, &member, "NL", "card", "4242 4242 4242 4242").await;
    assert_eq!(joined.status, 303);
    let mine = member.follow(joined.location()).await;
    assert!(mine.body.contains("You can watch everything") && mine.body.contains("Visa ending in 4242"));
    assert_eq!(member.get(&action).await.status, 303, "one cannot join twice");
    let invoices = member.get("/account/invoices").await;
    let invoice = link(&invoices.body, "/account/invoices/INV-");
    assert!(member.get(&invoice).await.body.contains("Keizersgracht 1"));
    assert_eq!(billing.get(&invoice).await.status, 404, "an invoice is its buyer's");
    assert_eq!(billing.get(&format!("{invoice}/pdf")).await.status, 404, "as PDF too");
    assert_eq!(member.get(&format!("{}/pdf", invoice.replace("account", "billing"))).await.status, 403);

    // Cancel, and keep it after all.
    let done = member.submit("/account/subscription", "/account/subscription/cancel", &[]).await;
    assert!(member.follow(done.location()).await.body.contains("Keep my subscription"));
    let done = member.submit("/account/subscription", "/account/subscription/keep", &[]).await;
    assert!(member.follow(done.location()).await.body.contains("Cancel subscription"));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_see_why_book_transfers_and_export() {
    let (studio, member, billing) = open().await;
    let joined = order(&studio, &member, "DE", "bank", "").await;
    assert_eq!(joined.status, 303);
    let mine = member.follow(joined.location()).await;
    assert!(mine.body.contains("RF") && mine.body.contains("On hold"), "reference and state are shown");

    assert_eq!(member.get("/billing").await.status, 403);
    assert_eq!(billing.get("/billing").await.status, 200);
    let list = billing.get("/billing/subscriptions?status=on-hold").await;
    assert!(list.body.contains("Mira Member"));
    let one = link(&list.body, "/billing/subscriptions/");
    let orders = billing.get("/billing/orders?status=open").await;
    let order = link(&orders.body, "/billing/orders/");
    let page = billing.get(&order).await;
    assert!(page.body.contains("19\u{a0}% in DE"), "the tax says from what it was decided");
    let paid = format!("{order}/paid");
    let short = billing.submit(&order, &paid, &[("amount", "1.50"), ("reason", "statement 7")]).await;
    assert_eq!(short.status, 303);
    assert_eq!(billing.submit(&order, &paid, &[("amount", "ten"), ("reason", "x")]).await.status, 422);
    assert_eq!(billing.submit(&order, &paid, &[("amount", "10.00")]).await.status, 422, "a reason is needed");
    let rest = billing.submit(&order, &paid, &[("amount", "10.00"), ("reason", "statement 8")]).await;
    assert_eq!(rest.status, 303);
    studio.settle().await;
    let story = billing.get(&one).await;
    for words in [
        "Active: paid from",
        "Why: ",
        "Bela Billing",
        "€1.50 arrived",
        "Reason given: statement 7",
        "Event as recorded",
        "Led to",
    ] {
        assert!(story.body.contains(words), "{words}");
    }
    let then = billing.get(&format!("{one}?as_of=2020-01-01")).await;
    assert!(then.body.contains("Not joined yet."));
    let csv = billing.get(&format!("{one}/log.csv")).await;
    assert!(
        csv.body.starts_with("position,effective_at")
            && csv.body.contains("OrderPaid")
            && csv.body.contains("statement 8")
    );
    let lines = billing.get(&format!("{one}/log.jsonl")).await;
    assert!(lines.body.lines().all(|l| serde_json::from_str::<serde_json::Value>(l).is_ok()));
    for file in ["/billing/subscriptions.csv", "/billing/orders?format=csv", "/billing/invoices?format=csv"] {
        let csv = billing.get(file).await;
        assert_eq!(csv.status, 200);
        assert!(csv.body.lines().count() >= 2, "{file}");
        assert!(!csv.body.contains("Mira"), "files carry ids, no names");
    }
    // The reason is kept in the vault, not in the log.
    let client = studio.client().await;
    let sql = "select count(*) from events where payload::text like '%statement%' or metadata::text like '%statement%'";
    assert_eq!(client.query_one(sql, &[]).await.expect("counted").get::<_, i64>(0), 0);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_country_that_is_none_orders_nothing() {
    let (studio, member, billing) = open().await;
    let plans = member.get("/join").await;
    let payment = member.get(&link(&plans.body, "/join/")).await;
    let action = link(&payment.body, "/join/");
    for country in ["ZZ", "Netherlands", ""] {
        let mut fields = ADDRESS.to_vec();
        fields.extend([("country", country), ("card_number", "4242424242424242"), ("card_expiry", "12/35")]);
        let answer = member.submit(&format!("{action}?country=NL&way=card"), &action, &fields).await;
        assert_eq!(answer.status, 422, "{country}");
        assert!(
            answer.body.contains("Choose the country") && answer.body.contains("Keizersgracht 1"),
            "{country}"
        );
    }
    studio.settle().await;
    assert!(!billing.get("/billing/orders").await.body.contains("Mira Member"));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_say_what_became_of_a_payment_that_the_gateway_lost() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", "4000 0000 0000 0127").await.status, 303);
    let page = link(&billing.get("/billing/orders?questionable=yes").await.body, "/billing/orders/");
    let action = format!("{page}/outcome");
    assert!(billing.get(&page).await.body.contains("What became of the payment?"));
    let bare = billing.submit(&page, &action, &[("act", "taken"), ("reason", "portal")]).await;
    assert_eq!(bare.status, 422, "the gateway's number is needed");
    assert!(bare.body.contains("portal"), "what was typed is still there");
    assert_eq!(
        billing.submit(&page, &action, &[("act", "not-taken")]).await.status,
        422,
        "a reason is needed"
    );
    assert_eq!(member.post(&action, &[("act", "not-taken")]).await.status, 403);
    let said = billing.submit(&page, &action, &[("act", "not-taken"), ("reason", "portal shows none")]).await;
    assert_eq!(said.status, 303, "{}", said.body);
    studio.settle().await;
    assert!(!billing.get(&page).await.body.contains("What became of the payment?"));
    let fields = [("new_card", "yes"), ("card_number", "4242424242424242"), ("card_expiry", "01/36")];
    assert_eq!(
        member.submit("/account/subscription", "/account/subscription/pay", &fields).await.status,
        303
    );
    studio.settle().await;
    assert!(member.get("/account/subscription").await.body.contains("You can watch everything"));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_asks_for_confirmation_is_confirmed_on_its_page() {
    let (studio, member, _) = open().await;
    order(&studio, &member, "NL", "card", "4000 0025 0000 3155").await;
    let mine = member.get("/account/subscription").await;
    let confirm = link(&mine.body, "/account/orders/");
    let refused = member.submit(&confirm, &confirm, &[("answer", "refuse")]).await;
    assert_eq!(refused.status, 303);
    studio.settle().await;
    let mine = member.get("/account/subscription").await;
    assert!(mine.body.contains("The confirmation was refused."));
    // The open order is paid with another card.
    let fields = [("new_card", "yes"), ("card_number", "4242424242424242"), ("card_expiry", "01/36")];
    let paid = member.submit("/account/subscription", "/account/subscription/pay", &fields).await;
    assert_eq!(paid.status, 303);
    studio.settle().await;
    assert!(member.get("/account/subscription").await.body.contains("You can watch everything"));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_make_plans_and_withdraw_prices() {
    let (studio, _, billing) = open().await;
    let empty =
        billing.submit("/billing/plans", "/billing/plans", &[("name", "Patron"), ("summary", "")]).await;
    assert_eq!(empty.status, 422);
    let made = billing
        .submit("/billing/plans", "/billing/plans", &[("name", "Patron"), ("summary", "For friends.")])
        .await;
    assert_eq!(made.status, 303);
    let page = billing.follow(made.location()).await;
    let at = page.body.find("Add a price to Patron").expect("the form");
    let action = link(&page.body[at..], "/billing/plans/");
    let price = [
        ("price", "25"),
        ("currency", "EUR"),
        ("length", "1"),
        ("unit", "month"),
        ("collection", "automatic"),
    ];
    // Sums of such prices would go beyond what any list can hold.
    let mut dear = price;
    dear[0].1 = "92233720368547758.07";
    let refused = billing.submit("/billing/plans", &action, &dear).await;
    assert!(refused.status == 422 && refused.body.contains("too large"), "{}", refused.body);
    // Every plan has such a form: the way from the error leads into that of this one, and no id is there twice.
    let plan = action.split('/').nth(3).expect("the plan").to_owned();
    let field = format!("price-{plan}");
    assert!(refused.body.contains(&format!("href=\"#{field}\"")), "{}", refused.body);
    let ids: Vec<&str> =
        page.body.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let once: std::collections::BTreeSet<&str> = ids.iter().copied().collect();
    assert!(once.contains(field.as_str()) && once.len() == ids.len(), "{ids:?}");
    let added = billing.submit("/billing/plans", &action, &price).await;
    assert_eq!(added.status, 303, "{}", added.body);
    studio.settle().await;
    assert!(studio.browser().get("/join").await.body.contains("Patron, monthly"));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_colleague_sees_what_somebody_may_watch_and_what_decided_it() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", "4242 4242 4242 4242").await.status, 303);
    let list = billing.get("/billing/subscriptions").await.body;
    let person = link(&list, "/billing/people/");
    let page = billing.get(&person).await.body;
    assert!(page.contains("Yes: a subscription, or a seat in a team, gives access."), "{page}");
    for to in ["href=\"/billing/orders/", "href=\"/billing/invoices/INV-"] {
        assert!(page.contains(to), "{to}: {page}");
    }
    let clock = &studio.instance.services.clock;
    let joined = clock.now();
    let before = crate::support::day_of(joined - chrono::TimeDelta::days(2));
    let page = billing.get(&format!("{person}?on={before}")).await.body;
    assert!(page.contains("No subscription at that time."), "{page}");

    // Three declines in four days a month later.
    let empty = [("card_number", "4000 0000 0000 9995"), ("card_expiry", "12/35")];
    let changed = member.submit("/account/subscription", "/account/subscription/card", &empty).await;
    assert_eq!(changed.status, 303);
    studio.settle().await;
    for days in [32, 34, 36] {
        let at = joined + chrono::TimeDelta::days(days);
        clock.follow((at - chrono::Utc::now()).num_microseconds().expect("near"));
        studio.run_job("clock-tick", &at.to_rfc3339()).await;
        studio.settle().await;
    }
    let page = billing.get(&person).await.body;
    assert!(page.contains("No: the subscription is on hold until its order is paid."), "{page}");
    assert!(page.contains("On hold: access has ended") && page.contains("As many attempts failed"), "{page}");
    let between = crate::support::day_of(joined + chrono::TimeDelta::days(33));
    let page = billing.get(&format!("{person}?on={between}")).await.body;
    // The whole rule is asked as of that day: the subscription gave access then.
    let on_that_day = "</strong>Yes: a subscription, or a seat in a team, gives access.";
    assert!(page.contains(on_that_day) && page.contains("attempt 1 of 3"), "{page}");
    // What staff gave is told for its days, with who gave it and why.
    let end = crate::support::day_of(clock.now() + chrono::TimeDelta::days(60)).to_string();
    let give = [("act", "complimentary"), ("until", end.as_str()), ("reason", "the prize of the evening")];
    assert_eq!(billing.submit(&person, &person, &give).await.status, 303);
    studio.settle().await;
    let page = billing.get(&person).await.body;
    assert!(page.contains("Yes: complimentary access until "), "{page}");
    let page = billing.get(&format!("{person}?on={between}")).await.body;
    // What was given later stands only in what happened to the account, below.
    let answer = page.split("id=\"history\"").next().expect("the answer");
    assert!(answer.contains(on_that_day) && !answer.contains("the prize of the evening"), "{page}");
    let today = crate::support::day_of(clock.now());
    let page = billing.get(&format!("{person}?on={today}")).await.body;
    assert!(
        page.contains("</strong>Yes: complimentary access until ")
            && page.contains("complimentary access was given")
            && page.contains("by Bela Billing")
            && page.contains("the prize of the evening"),
        "{page}"
    );
    let page = billing.get(&format!("{person}?on={between}")).await.body;
    assert!(page.contains(&format!("?as_of={between}#asof")), "{page}");

    // The lines of the page are held against the log; one that was changed beneath is named.
    let id = link(&billing.get("/billing/subscriptions").await.body, "/billing/subscriptions/");
    assert!(billing.get(&id).await.body.contains("Check these events now"));
    let proved = billing.get(&format!("{id}?proof=yes")).await.body;
    assert!(
        proved.contains("events of this page are as they were written, and none is left out."),
        "{proved}"
    );
    studio.verify().await;
    let root = studio.superuser().await;
    let forge = "alter table events disable trigger all;
        update events set payload = replace(payload::text, '\"number\":1', '\"number\":2')::json
        where position = (select min(position) from events where type = 'ChargeRequested' and payload::text like '%\"number\":1%');
        alter table events enable trigger all";
    root.batch_execute(forge).await.expect("somebody with all rights");
    let proved = billing.get(&format!("{id}?proof=yes")).await.body;
    assert!(proved.contains("Not as they were written: no. "), "{proved}");
    studio.close().await;
}
