//! A team from the price to the last seat: who belongs to it watches, by confirmed address or domain, while
//! seats are free and the subscription gives access.

use crate::accounts::{PASSWORD, link_of, person, signed_in};
use crate::billing_pages::{ADDRESS, link};
use crate::erasure::{after_grace, ask};
use crate::studio::load_demo;
use crate::support::{Browser, Studio};
use kinora::actors::demo_plans;
use kinora::domain::shared::Role;
use kinora::store::Metadata;
use uuid::Uuid;

const LESSON: &str = "/courses/from-shot-to-screen/a-log-that-somebody-reads";
const TEAM: &str = "/account/team";

async fn watches(browser: &Browser) -> bool {
    !browser.get(LESSON).await.body.contains("For members")
}

fn mails(studio: &Studio, subject: &str) -> usize {
    let folder = std::fs::read_dir(studio.data.path().join("mail")).expect("mails");
    folder.flatten().filter(|f| std::fs::read_to_string(f.path()).is_ok_and(|m| m.contains(subject))).count()
}

/// A studio that sells a plan with two seats; the owner's and the staff's browsers.
async fn open() -> (Studio, Browser, Browser) {
    let studio = Studio::start().await;
    load_demo(&studio).await;
    let cx = &studio.instance.services;
    let meta = Metadata::system("test", Uuid::now_v7(), cx.clock.now());
    demo_plans::load(cx, &meta).await.expect("plans");
    studio.settle().await;
    person(&studio, "bea@staff.example", &[Role::Billing]).await;
    person(&studio, "owner@studio.example", &[]).await;
    let (owner, staff) =
        (signed_in(&studio, "owner@studio.example").await, signed_in(&studio, "bea@staff.example").await);
    sell(&studio, &staff).await;
    (studio, owner, staff)
}

/// Puts a plan with two seats on sale.
pub async fn sell(studio: &Studio, staff: &Browser) {
    let create = [("name", "Team"), ("summary", "Everything, for several people")];
    assert_eq!(staff.submit("/billing/plans", "/billing/plans", &create).await.status, 303);
    studio.settle().await;
    let plans = staff.get("/billing/plans").await.body;
    let at = plans.find("Add a price to Team").expect("the new plan");
    let prices = link(&plans[at..], "/billing/plans/");
    let price = |seats| {
        [
            ("price", "40.00"),
            ("currency", "EUR"),
            ("length", "1"),
            ("unit", "month"),
            ("collection", "automatic"),
            ("seats", seats),
        ]
    };
    for wrong in ["0", "-3", "many"] {
        let page = staff.submit("/billing/plans", &prices, &price(wrong)).await;
        assert!(page.status == 422 && page.body.contains("number of seats"), "{wrong}");
    }
    assert_eq!(staff.submit("/billing/plans", &prices, &price("2")).await.status, 303);
    studio.settle().await;
}

pub async fn join(studio: &Studio, owner: &Browser) {
    assert_eq!(owner.get(TEAM).await.status, 404, "no team yet");
    let plans = owner.get("/join").await.body;
    let card = plans.find("2 seats").expect("the plan is offered");
    let payment = owner.get(&link(&plans[card..], "/join/")).await;
    let action = link(&payment.body, "/join/");
    let mut fields = ADDRESS.to_vec();
    fields.extend([("card_number", "4242 4242 4242 4242"), ("card_expiry", "12/35")]);
    let joined = owner.submit(&format!("{action}?country=NL&way=card"), &action, &fields).await;
    assert_eq!(joined.status, 303, "{}", joined.body);
    studio.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_belongs_to_a_team_watches_while_seats_are_free() {
    let (studio, owner, staff) = open().await;
    let ana = person(&studio, "ana@studio.example", &[]).await;
    person(&studio, "cy@elsewhere.example", &[]).await;
    let (ana_at, cy_at) =
        (signed_in(&studio, "ana@studio.example").await, signed_in(&studio, "cy@elsewhere.example").await);
    join(&studio, &owner).await;
    assert!(watches(&owner).await && !watches(&ana_at).await);
    assert!(owner.get("/account/subscription").await.body.contains("0 of 2 seats are taken"));
    assert_eq!(ana_at.get(TEAM).await.status, 404, "of the owner only");

    for (addresses, domain, words) in [
        ("ana", "", "no mail address"),
        ("", "gmail.com", "Anybody can have"),
        ("", "nodots", "no mail domain"),
        ("", "elsewhere.example", "your own confirmed"),
    ] {
        let page = owner.submit(TEAM, TEAM, &[("addresses", addresses), ("domain", domain)]).await;
        assert!(page.status == 422 && page.body.contains(words), "{addresses} {domain}: {}", page.body);
        assert!(page.body.contains(addresses) && page.body.contains(domain), "what was typed is still there");
    }
    let list = [("addresses", "cy@Elsewhere.example"), ("domain", "studio.example")];
    let saved = owner.submit(TEAM, TEAM, &list).await;
    assert_eq!(saved.status, 303, "{}", saved.body);
    studio.settle().await;
    let page = owner.follow(saved.location()).await.body;
    assert!(
        page.contains("2 of 2 seats are taken")
            && page.contains("Name of ana")
            && page.contains("cy@elsewhere.example</"),
        "{page}"
    );
    let table = page.split("People of your team").nth(1).expect("a table");
    assert!(!table.contains("Name of owner"), "the owner needs none");
    assert!(watches(&ana_at).await && watches(&cy_at).await);
    assert!(ana_at.get("/account/subscription").await.body.contains("in the team of Name of owner"));
    assert_eq!(mails(&studio, "You have a seat in a team"), 2);

    // A third one waits, and the owner is told once.
    person(&studio, "bo@studio.example", &[]).await;
    studio.settle().await;
    let bo_at = signed_in(&studio, "bo@studio.example").await;
    assert!(!watches(&bo_at).await);
    assert_eq!(mails(&studio, "Your team needs another seat"), 1);
    // The seat that the owner takes goes to who waits; given again it has to wait itself.
    let seat = format!("{TEAM}/seats/{ana}");
    assert_eq!(owner.submit(TEAM, &seat, &[("act", "nonsense")]).await.status, 422);
    assert_eq!(owner.submit(TEAM, &seat, &[("act", "take")]).await.status, 303);
    studio.settle().await;
    assert!(!watches(&ana_at).await && watches(&bo_at).await);
    assert_eq!(owner.submit(TEAM, &seat, &[("act", "give")]).await.status, 303);
    studio.settle().await;
    assert!(owner.get(TEAM).await.body.contains("Waits for one"));
    // Off the list, the seat is free again.
    assert_eq!(
        owner.submit(TEAM, TEAM, &[("addresses", ""), ("domain", "studio.example")]).await.status,
        303
    );
    studio.settle().await;
    assert!(!watches(&cy_at).await && watches(&ana_at).await);

    // A process that dies anywhere hears every event again: nobody is told or seated twice, no list is lost.
    let told = mails(&studio, "You have a seat in a team");
    let client = studio.client().await;
    let back = "update checkpoints set position = 0 where name = 'team_seats'";
    client.execute(back, &[]).await.expect("set back");
    drop(client);
    studio.settle().await;
    tokio::time::sleep(std::time::Duration::from_millis(800)).await;
    studio.settle().await;
    assert_eq!(mails(&studio, "You have a seat in a team"), told);
    let page = owner.get(TEAM).await.body;
    assert!(page.contains("2 of 2 seats are taken") && page.contains("value=\"studio.example\""), "{page}");

    // What the subscription does not give, no seat gives.
    let subscription = link(&staff.get("/billing/subscriptions").await.body, "/billing/subscriptions/");
    let story = staff.get(&subscription).await.body;
    assert!(story.contains("2 of 2 seats are taken") && story.contains("found no free seat"), "{story}");
    let today = chrono::Utc::now().with_timezone(&chrono_tz::Europe::Amsterdam).date_naive().to_string();
    let from = [("from", today.as_str())];
    let paused = owner.submit("/account/subscription", "/account/subscription/pause", &from).await;
    assert_eq!(paused.status, 303, "{}", paused.body);
    studio.settle().await;
    let locked = ana_at.get(LESSON).await.body;
    assert!(locked.contains("Ask the team") && !watches(&owner).await, "{locked}");
    let ended = [("act", "end-now"), ("reason", "the studio closed")];
    let answer = staff.submit(&subscription, &subscription, &ended).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    studio.settle().await;
    // What is over helps nobody: joining does.
    let locked = ana_at.get(LESSON).await.body;
    assert!(!locked.contains("Ask the team") && locked.contains("For members"), "{locked}");
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_changes_or_is_erased_leaves_the_team() {
    let (studio, owner, _) = open().await;
    let cy = person(&studio, "cy@elsewhere.example", &[]).await;
    person(&studio, "di@studio.example", &[]).await;
    let (cy_at, di_at) =
        (signed_in(&studio, "cy@elsewhere.example").await, signed_in(&studio, "di@studio.example").await);
    join(&studio, &owner).await;
    let list = [("addresses", "cy@elsewhere.example\nlater@elsewhere.example"), ("domain", "studio.example")];
    assert_eq!(owner.submit(TEAM, TEAM, &list).await.status, 303);
    studio.settle().await;
    assert!(watches(&cy_at).await && watches(&di_at).await);

    // Another address is another person to the list, as soon as it is confirmed.
    let change = [("mail", "di@private.example"), ("mail_password", PASSWORD)];
    let asked = di_at.submit("/account/security", "/account/security/mail", &change).await;
    assert_eq!(asked.status, 303, "{}", asked.body);
    studio.settle().await;
    assert!(watches(&di_at).await, "not confirmed yet");
    let confirm = link_of(&studio, "Confirm your new mail address", "/confirm/").await;
    assert_eq!(di_at.submit(&confirm, &confirm, &[]).await.status, 303);
    studio.settle().await;
    assert!(!watches(&di_at).await);

    // An erased person is on no list any more, nor in any older version of one.
    assert!(ask(&cy_at).await.contains("Keep my account"));
    studio.run_job("process-deletion-requests", &after_grace(&studio).to_rfc3339()).await;
    studio.settle().await;
    let page = owner.get(TEAM).await.body;
    assert!(!page.contains("cy@elsewhere.example") && page.contains("later@elsewhere.example"), "{page}");
    let client = studio.client().await;
    let lists: i64 =
        client.query_one("select count(*) from vault where field = 'team_list'", &[]).await.unwrap().get(0);
    assert_eq!(lists, 1);
    // Whoever is written down has a key of their own; who was erased has none, and no row.
    let members: i64 =
        client.query_one("select count(*) from vault where field = 'team_member'", &[]).await.unwrap().get(0);
    let known: i64 = client.query_one("select count(*) from contacts", &[]).await.unwrap().get(0);
    assert_eq!((members, known), (1, 1));
    let held: i64 =
        client.query_one("select count(*) from team_seats where holder = $1", &[&cy]).await.unwrap().get(0);
    assert_eq!(held, 0);
    drop(client);
    studio.verify().await;
    studio.close().await;
}
