//! What staff look at: one person with what was done and why, lists in the order that is wished for, and as files.

use crate::accounts::{PASSWORD, person, sign_in, signed_in};
use crate::billing_pages::{link, open, order};
use crate::erasure::{PAGE as DELETION, ask, meta};
use crate::support::{Browser, Studio};
use kinora::actors::accounts::staff;
use kinora::domain::shared::Role;
use uuid::Uuid;

/// Where `words` stand in a page, in this order.
fn in_order(body: &str, words: &[&str]) -> bool {
    let places: Vec<Option<usize>> = words.iter().map(|w| body.find(w)).collect();
    places.iter().all(Option::is_some) && places.is_sorted()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_did_what_to_an_account_and_why_stands_on_its_page() {
    let studio = Studio::start().await;
    let account = person(&studio, "ada@example.org", &[]).await;
    person(&studio, "mo@example.org", &[Role::Moderator]).await;
    person(&studio, "bill@example.org", &[Role::Billing]).await;
    let moderator = signed_in(&studio, "mo@example.org").await;
    let page = format!("/moderation/people/{account}");
    let act =
        [("act", "suspend"), ("suspended_until", "2099-03-01"), ("reason", "Insulted others in comments")];
    assert_eq!(moderator.submit(&page, &page, &act).await.status, 303);
    let cx = &studio.instance.services;
    let grant = staff::Act::Grant(Role::Creator);
    staff::act(cx, cx.clock.new_id(), meta(&studio), account, &grant, "Makes our films").await.unwrap();
    studio.settle().await;
    let billing = signed_in(&studio, "bill@example.org").await;
    for (browser, page) in [(&moderator, page), (&billing, format!("/billing/people/{account}"))] {
        let shown = browser.get(&page).await.body;
        for words in [
            "Suspended on",
            "Insulted others in comments",
            "Name of mo",
            "1 Mar 2099",
            "Role Creator granted",
            "Makes our films",
            "Account made from the shell",
        ] {
            assert!(shown.contains(words), "{page}: {words}");
        }
    }
    // Reading it is noted, once for each desk.
    let read = "select count(*) from events where type = 'PersonalDataRead' and stream_id = $1";
    let stream = format!("account-{account}");
    let row = studio.client().await.query_one(read, &[&stream]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 2);

    // Who is kept out reads to whom to write, and until when.
    let (_, refused) = sign_in(&studio, "ada@example.org", PASSWORD).await;
    assert!(refused.body.contains("1 Mar 2099") && refused.body.contains(cx.config.contact()));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asked_to_be_forgotten_is_led_to_the_request_and_named_in_the_list() {
    let studio = Studio::start().await;
    person(&studio, "ada@example.org", &[]).await;
    person(&studio, "mo@example.org", &[Role::Moderator]).await;
    ask(&signed_in(&studio, "ada@example.org").await).await;
    studio.settle().await;
    let browser = studio.browser();
    let login = [("login", "ada@example.org"), ("password", PASSWORD)];
    let answer = browser.submit("/login?next=/films", "/login", &login).await;
    assert_eq!((answer.status, answer.location()), (303, DELETION));
    let list = signed_in(&studio, "mo@example.org").await.get("/moderation/deletions").await.body;
    assert!(list.contains("Name of ada"), "{list}");
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_sorted_by_their_heads_and_keep_filters_and_pages() {
    let studio = Studio::start().await;
    for name in ["bea", "ada", "cleo"] {
        person(&studio, &format!("{name}@example.org"), &[Role::Creator]).await;
    }
    person(&studio, "mo@example.org", &[Role::Moderator, Role::Operator]).await;
    studio.settle().await;
    let staff = signed_in(&studio, "mo@example.org").await;
    let get = async |path: &str| staff.get(path).await.body;
    let names = ["Name of ada", "Name of bea", "Name of cleo"];
    let rising = get("/moderation?role=creator&sort=name").await;
    assert!(in_order(&rising, &names) && rising.contains("aria-sort=\"ascending\""), "{rising}");
    assert!(rising.contains("/moderation?role=creator&amp;sort=-name"), "the next click turns it round");
    let rows = &rising[rising.find("<tbody").expect("rows")..];
    assert!(!rows.contains("Name of mo"), "the filter holds");
    let falling = get("/moderation?role=creator&sort=-mail").await;
    assert!(in_order(&falling, &["Name of cleo", "Name of bea", "Name of ada"]));
    assert!(in_order(&get("/moderation?sort=since").await, &["Name of bea", "Name of ada", "Name of cleo"]));
    let strange = get("/moderation?sort=account%3B--").await;
    assert!(
        strange.contains("Name of ada") && !strange.contains("aria-sort"),
        "an unknown column sorts nothing"
    );
    // Pages go on in the same order: more people than a page has.
    for n in 0..25 {
        person(&studio, &format!("x{n:02}@example.org"), &[]).await;
    }
    studio.settle().await;
    let first = get("/moderation?sort=mail").await;
    assert!(in_order(&first, &["Name of ada", "Name of x20"]) && !first.contains("Name of x21"));
    let second = get(&link(&first, "/moderation?sort=mail&amp;page=")).await;
    assert!(in_order(&second, &["Name of x21", "Name of x24"]) && !second.contains("Name of x20"));

    // So do those whose name was looked for, from the newest on.
    let first = get("/moderation?q=name+of").await;
    assert!(in_order(&first, &["Name of x24", "Name of x00"]) && !first.contains("Name of cleo"), "{first}");
    let second = get(&link(&first, "/moderation?q=name+of&amp;before=")).await;
    assert!(in_order(&second, &["Name of cleo", "Name of ada", "Name of bea"]), "{second}");
    assert!(!second.contains("Name of x") && !second.contains(">Older<"), "{second}");
    assert!(second.contains("href=\"/moderation?q=name+of\">Newest<"), "{second}");

    // Files of people hold no names; runs as files, too.
    let file = get("/moderation?format=csv&role=creator").await;
    assert!(file.starts_with("account,registered_at") && file.lines().count() == 4, "{file}");
    assert!(!file.contains("example.org"), "{file}");
    assert!(get("/moderation?format=jsonl").await.contains("\"roles\":\"creator\""));
    for job in ["stats", "clock-tick"] {
        studio.run_job(job, &studio.instance.services.clock.now().to_rfc3339()).await;
    }
    studio.settle().await;
    let runs = get("/operator/runs?sort=-job").await;
    let rows = &runs[runs.find("<tbody").expect("rows")..];
    assert!(in_order(rows, &["stats", "clock-tick"]) && runs.contains("aria-sort=\"descending\""));
    assert!(get("/operator/runs?format=csv&job=stats").await.contains(",stats,"));
    for page in ["/operator/queue?sort=state", "/operator/queue?sort=-progress", "/operator/queue?sort=age"] {
        assert_eq!(staff.get(page).await.status, 200, "{page}");
    }
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_billing_desk_sorts_what_it_lists() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", "4242 4242 4242 4242").await.status, 303);
    sorts_all(&billing, "/billing/subscriptions", &["plan", "status", "price", "due", "joined"]).await;
    sorts_all(&billing, "/billing/orders", &["number", "for", "status", "amount", "placed"]).await;
    sorts_all(&billing, "/billing/payments", &["when", "order", "gateway", "amount", "outcome"]).await;
    sorts_all(&billing, "/billing/invoices", &["number", "kind", "vat", "total", "issued"]).await;
    sorts_all(&member, "/account/invoices", &["number", "vat", "total", "issued"]).await;
    // Nobody joins at a desk.
    let page = billing.get("/billing/orders").await.body;
    assert!(!page.contains("Join for") && billing.get("/films").await.body.contains("Join for"));

    // As it was on a day: nothing of what came later, and no day that is still to come.
    let path = link(&billing.get("/billing/subscriptions").await.body, "/billing/subscriptions/");
    let ask = async |day: &str| billing.get(&format!("{path}?as_of={day}")).await.body;
    assert!(ask("2001-01-01").await.contains("Not joined yet"));
    assert!(ask("2199-01-01").await.contains("still to come"));
    let id: Uuid = path.rsplit('/').next().unwrap().parse().unwrap();
    assert!(!id.is_nil());
    studio.close().await;
}

/// Every column sorts both ways, and its head says so.
async fn sorts_all(browser: &Browser, path: &str, columns: &[&str]) {
    for column in columns {
        for (way, told) in [("", "ascending"), ("-", "descending")] {
            let page = browser.get(&format!("{path}?sort={way}{column}")).await;
            let head = format!("aria-sort=\"{told}\"");
            assert!(
                page.status == 200 && page.body.contains(&head),
                "{path} by {way}{column}: {}",
                page.status
            );
        }
    }
}
