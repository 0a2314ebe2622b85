//! What members are told, in pages and mails, of what they and staff do, and of what waits.

use crate::billing_pages::{ADDRESS, link, open, order, signed_in_anew};
use crate::support::{Browser, Page, Studio};
use chrono::TimeDelta;

const MINE: &str = "/account/subscription";

/// The texts of the mails that left, as they lie in the folder.
fn letters(studio: &Studio) -> Vec<String> {
    let mails = std::fs::read_dir(studio.data.path().join("mail")).unwrap().flatten();
    let texts = mails.filter_map(|f| std::fs::read_to_string(f.path()).ok());
    // Lines that were folded for the way are one again.
    texts.map(|t| t.replace("=\r\n", "").replace("=\n", "").replace("\r\n", " ").replace('\n', " ")).collect()
}

fn says(studio: &Studio, words: &str) -> usize {
    letters(studio).iter().filter(|t| t.contains(words)).count()
}

async fn written(studio: &Studio, about: &str) -> i64 {
    let sql = "select count(*) from outgoing_mail where mail->>'about' = $1";
    studio.client().await.query_one(sql, &[&about]).await.expect("the queue").get(0)
}

async fn act(studio: &Studio, browser: &Browser, page: &str, fields: &[(&str, &str)]) -> Page {
    let answer = browser.submit(page, page, fields).await;
    studio.settle().await;
    answer
}

/// Presses a button of the member's page, and follows to what the page says then.
async fn press(studio: &Studio, member: &Browser, what: &str, fields: &[(&str, &str)]) -> String {
    let page = if what == "withdraw" { "/account/subscription/withdraw" } else { MINE };
    let answer = member.submit(page, &format!("{MINE}/{what}"), fields).await;
    assert_eq!(answer.status, 303, "{what}: {}", answer.body);
    studio.settle().await;
    member.follow(answer.location()).await.body
}

fn forward(studio: &Studio, by: TimeDelta) -> String {
    let clock = &studio.instance.services.clock;
    let at = clock.now() + by;
    clock.follow((at - chrono::Utc::now()).num_microseconds().expect("near"));
    at.to_rfc3339()
}

async fn tick(studio: &Studio, at: &str) {
    assert_eq!(studio.run_job("clock-tick", at).await.status, "completed");
    studio.settle().await;
}

async fn desk_page(billing: &Browser) -> String {
    link(&billing.get("/billing/subscriptions").await.body, "/billing/subscriptions/")
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_and_pages_say_who_cancelled_paused_and_undid_it() {
    let (studio, member, billing) = open().await;
    let joined = order(&studio, &member, "NL", "card", "4242 4242 4242 4242").await;
    assert!(member.follow(joined.location()).await.body.contains("Thank you for joining."));
    assert_eq!(says(&studio, "you can withdraw from this contract until"), 1, "{:?}", letters(&studio));
    let desk = desk_page(&billing).await;
    let staff = async |what: &str| {
        let answer = act(&studio, &billing, &desk, &[("act", what), ("reason", "asked for")]).await;
        assert_eq!(answer.status, 303, "{what}: {}", answer.body);
    };
    // Cancelled and kept: by the member, then by staff.
    assert!(press(&studio, &member, "cancel", &[]).await.contains("Your subscription is cancelled."));
    assert_eq!((says(&studio, "You cancelled."), says(&studio, "We cancelled")), (1, 0));
    assert!(press(&studio, &member, "keep", &[]).await.contains("Your subscription goes on."));
    assert_eq!((says(&studio, "You undid"), says(&studio, "We undid")), (1, 0));
    staff("cancel").await;
    assert_eq!((says(&studio, "You cancelled."), says(&studio, "We cancelled")), (1, 1));
    staff("keep").await;
    assert_eq!((says(&studio, "You undid"), says(&studio, "We undid")), (1, 1));

    // Paused and gone on.
    let zone = kinora::domain::shared::calendar::Zone::amsterdam();
    let day = |n: i64| zone.date_of(studio.instance.services.clock.now() + TimeDelta::days(n)).to_string();
    let page = press(&studio, &member, "pause", &[("from", &day(3)), ("until", "")]).await;
    assert!(page.contains("Your pause is noted.") && page.contains("Give up the pause"), "{page}");
    assert_eq!((says(&studio, "You planned a pause"), says(&studio, "We planned a pause")), (1, 0));
    assert!(press(&studio, &member, "resume", &[]).await.contains("Your subscription goes on."));
    assert_eq!((says(&studio, "You gave up the pause"), says(&studio, "We gave up the pause")), (1, 0));
    let pause = [("act", "pause"), ("pause_from", &day(3)), ("pause_until", ""), ("reason", "travels")];
    assert_eq!(act(&studio, &billing, &desk, &pause).await.status, 303);
    staff("end-pause").await;
    assert_eq!((says(&studio, "We planned a pause"), says(&studio, "We gave up the pause")), (1, 1));
    let page = press(&studio, &member, "pause", &[("from", &day(0)), ("until", "")]).await;
    assert!(page.contains("Go on now") && page.contains("End the pause"), "{page}");
    staff("end-pause").await;
    assert_eq!((says(&studio, "We ended the pause"), says(&studio, "The pause is over")), (1, 0));
    press(&studio, &member, "pause", &[("from", &day(0)), ("until", "")]).await;
    press(&studio, &member, "resume", &[]).await;
    assert_eq!((says(&studio, "We ended the pause"), says(&studio, "The pause is over")), (1, 1));

    // The end comes by the clock: who cancelled caused it.
    staff("cancel").await;
    let at = forward(&studio, TimeDelta::days(33));
    tick(&studio, &at).await;
    assert_eq!((says(&studio, "We ended your membership"), says(&studio, "As you wished")), (1, 0));
    // On hold, waiting for a transfer, it ends at once.
    assert_eq!(order(&studio, &member, "NL", "bank", "").await.status, 303);
    let second = desk_page(&billing).await;
    assert_ne!(second, desk);
    assert_eq!(act(&studio, &billing, &second, &[("act", "cancel"), ("reason", "twice")]).await.status, 303);
    assert_eq!((says(&studio, "We ended your membership"), says(&studio, "As you wished")), (2, 0));
    assert_eq!(order(&studio, &member, "NL", "bank", "").await.status, 303);
    press(&studio, &member, "cancel", &[]).await;
    assert_eq!((says(&studio, "We ended your membership"), says(&studio, "As you wished")), (2, 1));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_withdraws_while_a_payment_is_unanswered_is_heard_and_gets_it_back() {
    let (studio, member, billing) = open().await;
    // Charged, but the answer was lost.
    assert_eq!(order(&studio, &member, "NL", "card", "4000 0000 0000 0119").await.status, 303);
    let page = member.get(MINE).await.body;
    assert!(page.contains("http-equiv=\"refresh\"") && page.contains("shows the result by itself"), "{page}");
    forward(&studio, TimeDelta::seconds(90));
    let page = member.get(MINE).await.body;
    assert!(!page.contains("http-equiv=\"refresh\"") && page.contains("has not said yet"), "{page}");
    assert!(page.contains("Withdraw from the contract here"), "{page}");
    let shown = member.get("/account/subscription/withdraw").await.body;
    assert!(shown.contains("It counts at once."), "{shown}");

    let page = press(&studio, &member, "withdraw", &[]).await;
    assert!(page.contains("We received your withdrawal from the contract"), "{page}");
    for gone in ["Withdraw from the contract here", "Cancel subscription", "with another card"] {
        assert!(!page.contains(gone), "{gone}: {page}");
    }
    assert_eq!((written(&studio, "withdrawn").await, written(&studio, "withdrawal_settled").await), (1, 0));
    assert_eq!(says(&studio, "A payment is still being processed"), 1);
    // Somebody who presses a button of an older page is not told that it was lost.
    let again = member.submit(MINE, "/account/subscription/withdraw", &[]).await;
    assert_eq!(again.status, 303, "{}", again.body);

    let at = forward(&studio, TimeDelta::minutes(5));
    tick(&studio, &at).await;
    let page = member.get(MINE).await.body;
    assert!(page.contains("Your subscription has ended."), "{page}");
    assert_eq!(written(&studio, "membership_started").await, 0, "nothing began");
    assert_eq!(written(&studio, "withdrawal_settled").await, 1);
    assert_eq!(says(&studio, "11.50 for days after your withdrawal goes back"), 1, "{:?}", letters(&studio));
    // The answer about the refund is lost as well: it is asked for again.
    let at = forward(&studio, TimeDelta::minutes(5));
    tick(&studio, &at).await;
    assert_eq!((written(&studio, "withdrawn").await, written(&studio, "refunded").await), (1, 1));
    assert!(billing.get("/billing/refunds").await.body.contains("€11.50"), "all of it went back");
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_withdraws_from_a_payment_that_was_never_made_owes_nothing() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", "4000 0000 0000 0127").await.status, 303);
    press(&studio, &member, "withdraw", &[]).await;
    let page = link(&billing.get("/billing/orders?questionable=yes").await.body, "/billing/orders/");
    let fields = [("act", "not-taken"), ("reason", "the portal shows none")];
    let said = billing.submit(&page, &format!("{page}/outcome"), &fields).await;
    assert_eq!(said.status, 303, "{}", said.body);
    studio.settle().await;
    assert!(member.get(MINE).await.body.contains("Your subscription has ended."));
    assert_eq!((written(&studio, "withdrawal_settled").await, written(&studio, "refunded").await), (1, 0));
    assert_eq!(written(&studio, "first_payment_failed").await, 0, "nobody asks for another card");
    assert!(billing.get("/billing/orders?status=cancelled").await.body.contains("Mira Member"));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cancels_while_a_renewal_is_unanswered_is_told_what_follows() {
    let (studio, member, _) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", "4242 4242 4242 4242").await.status, 303);
    let late = [("card_number", "4000 0000 0000 0119"), ("card_expiry", "12/35")];
    assert!(press(&studio, &member, "card", &late).await.contains("From now on this card is charged."));
    let at = forward(&studio, TimeDelta::days(32));
    tick(&studio, &at).await;
    let page = member.get(MINE).await.body;
    assert!(
        page.contains("Cancel subscription") && page.contains("that is being processed is made"),
        "{page}"
    );
    let page = press(&studio, &member, "cancel", &[]).await;
    assert!(page.contains("A payment is still being processed"), "{page}");
    assert_eq!(says(&studio, "A payment was being processed at that moment"), 1);
    let at = forward(&studio, TimeDelta::minutes(5));
    tick(&studio, &at).await;
    let page = member.get(MINE).await.body;
    assert!(page.contains("You cancelled. You can watch everything until"), "{page}");
    assert_eq!(says(&studio, "under way when your membership was cancelled"), 1, "{:?}", letters(&studio));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_fell_behind_is_told_that_staff_look_at_it_and_how_it_goes_on() {
    let (studio, member, _) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", "4242 4242 4242 4242").await.status, 303);
    let at = forward(&studio, TimeDelta::days(200));
    tick(&studio, &at).await;
    let (member, billing) = signed_in_anew(&studio).await;
    let page = member.get(MINE).await.body;
    assert!(page.contains("We are looking at it") && page.contains("nothing is charged meanwhile"), "{page}");
    for gone in ["Parked", "The next payment is due", "Next payment", "You keep access until"] {
        assert!(!page.contains(gone), "{gone}: {page}");
    }
    let desk = desk_page(&billing).await;
    assert!(billing.get(&desk).await.body.contains("Parked"), "the desk keeps its word");
    let on = [("act", "bill-missed"), ("reason", "agreed by telephone")];
    assert_eq!(act(&studio, &billing, &desk, &on).await.status, 303);
    assert_eq!(says(&studio, "periods that are over are billed now, one a day"), 1, "{:?}", letters(&studio));
    studio.verify().await;
    studio.close().await;
}

/// The address from the order back to the way of paying.
fn way_back(body: &str) -> String {
    let at = body.find("?country=").expect("a way back");
    let start = body[..at].rfind('"').expect("its beginning") + 1;
    body[start..].split('"').next().expect("its end").replace("&amp;", "&")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_coupon_is_corrected_without_choosing_the_way_of_paying_again() {
    let (studio, member, _) = open().await;
    let payment = member.get(&link(&member.get("/join").await.body, "/join/")).await;
    let action = link(&payment.body, "/join/");
    let wrong = member.get(&format!("{action}?country=DE&way=bank&coupon=SPRNG%2620")).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("Go back to change the coupon"), "{}", wrong.body);
    let back = way_back(&wrong.body);
    let again = member.get(&back).await.body;
    assert!(again.contains("value=\"SPRNG&amp;20\""), "{back}: {again}");
    let bank = &again[again.find("value=\"bank\"").expect("the way")..];
    assert!(bank.split('>').next().expect("a field").contains("checked"), "{again}");
    // The same when it is sent with the order.
    let mut fields = ADDRESS.to_vec();
    fields.push(("coupon", "SPRNG20"));
    let sent = member.submit(&format!("{action}?country=DE&way=bank"), &action, &fields).await;
    assert_eq!(sent.status, 422);
    let back = way_back(&sent.body);
    assert!(back.contains("coupon=SPRNG20") && back.contains("way=bank"), "{back}");
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dearer_plan_from_a_later_day_on_is_an_order_with_its_sums_and_can_be_given_up() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", "4242 4242 4242 4242").await.status, 303);
    let page = member.get("/account/subscription/plan").await.body;
    let at = page.find("Studio, yearly</h2>").expect("the other interval");
    let choice = page[at..].split("</section>").next().expect("its panel");
    for words in [
        "Order with obligation to pay",
        "To pay now",
        "Nothing",
        "First payment",
        "€115.00",
        "until you cancel",
    ] {
        assert!(choice.contains(words), "{words}: {choice}");
    }
    assert!(!choice.contains("Change on"), "{choice}");
    let value = |name: &str| {
        let at = choice.find(&format!("name=\"{name}\" value=\"")).expect("a field") + name.len() + 15;
        choice[at..].split('"').next().expect("a value").to_owned()
    };
    let (variation, price) = (value("variation"), value("price"));
    let fields = [("variation", variation.as_str()), ("pay", "0"), ("price", price.as_str())];
    let done = act(&studio, &member, "/account/subscription/plan", &fields).await;
    assert!(member.follow(done.location()).await.body.contains("Your change of plan is noted."));
    assert_eq!(says(&studio, "You planned a change of your plan"), 1);
    assert!(press(&studio, &member, "plan/keep", &[]).await.contains("You keep the plan you have."));
    assert_eq!(says(&studio, "You gave up the change of your plan"), 1);

    // What staff give and take without a payment is told too.
    let person = link(&billing.get("/billing/subscriptions").await.body, "/billing/people/");
    let end = crate::support::day_of(studio.instance.services.clock.now() + TimeDelta::days(20)).to_string();
    let give = [("act", "complimentary"), ("until", end.as_str()), ("reason", "the prize")];
    assert_eq!(act(&studio, &billing, &person, &give).await.status, 303);
    assert_eq!(says(&studio, "We gave you access"), 1);
    let take = [("act", "end-complimentary"), ("reason", "an error")];
    assert_eq!(act(&studio, &billing, &person, &take).await.status, 303);
    assert_eq!(says(&studio, "What we gave you without a payment has ended"), 1);
    studio.verify().await;
    studio.close().await;
}
