//! Several cards of one member: kept, chosen, charged, replaced, removed.

use crate::billing_pages::{ADDRESS, link, open, order};
use crate::support::{Browser, Page, Studio};
use uuid::Uuid;

const PAGE: &str = "/account/payment-methods";

async fn act(studio: &Studio, member: &Browser, action: &str, fields: &[(&str, &str)]) -> Page {
    let answer = member.submit(PAGE, action, fields).await;
    studio.settle().await;
    answer
}

async fn add(studio: &Studio, member: &Browser, number: &str) -> Page {
    act(studio, member, PAGE, &[("card_number", number), ("card_expiry", "12/35")]).await
}

/// The ids of the cards in the list, in its order.
async fn cards(member: &Browser) -> Vec<String> {
    let body = member.get(PAGE).await.body;
    let start = format!("action=\"{PAGE}/");
    let parts = body.split(&start).skip(1);
    let ids = parts.filter_map(|p| p.split_once("/remove\"").map(|(id, _)| id.to_owned()));
    ids.filter(|id| Uuid::parse_str(id).is_ok()).collect()
}

async fn count(studio: &Studio, kind: &str) -> i64 {
    let sql = "select count(*) from events where type = $1";
    studio.client().await.query_one(sql, &[&kind]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_card_that_was_chosen_is_charged_and_one_that_pays_is_replaced_before_it_goes() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", "4242 4242 4242 4242").await.status, 303);
    let page = member.get(PAGE).await.body;
    assert!(page.contains("Visa ending in 4242") && page.contains("Offered first"), "{page}");
    let [first] = cards(&member).await.try_into().expect("one card");

    // It pays for the subscription.
    let refused = act(&studio, &member, &format!("{PAGE}/{first}/remove"), &[]).await;
    assert!(refused.status == 422 && refused.body.contains("is paid with this card"), "{}", refused.body);
    let refused = add(&studio, &member, "4111 1111 1111 1111").await;
    assert!(
        refused.status == 422 && !refused.body.contains("4111 1111"),
        "no card number comes back in a page"
    );
    assert_eq!(add(&studio, &member, "4000 0000 0000 0002").await.status, 303);
    let both = cards(&member).await;
    let second = both.iter().find(|id| **id != first).expect("another card").clone();
    assert_eq!(act(&studio, &member, &format!("{PAGE}/{second}/default"), &[]).await.status, 303);

    // Chosen for the subscription; not somebody else's card, nor for somebody else's subscription.
    let subscription = member.get(PAGE).await.hidden("subscription").expect("a choice");
    let foreign = "0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000";
    for wrong in [("subscription", foreign), ("method", foreign)] {
        let mut fields = vec![("subscription", subscription.as_str()), ("method", second.as_str())];
        fields.retain(|(name, _)| *name != wrong.0);
        fields.push(wrong);
        let refused = act(&studio, &member, &format!("{PAGE}/use"), &fields).await;
        assert!(refused.status == 422 && refused.body.contains("Reload the page"), "{}", refused.body);
    }
    billing.get(PAGE).await;
    let theirs = [("subscription", subscription.as_str()), ("method", second.as_str())];
    let refused = billing.submit(PAGE, &format!("{PAGE}/use"), &theirs).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert_eq!(billing.submit(PAGE, &format!("{PAGE}/{second}/remove"), &[]).await.status, 422);
    let fields = [("subscription", subscription.as_str()), ("method", second.as_str())];
    let chosen = act(&studio, &member, &format!("{PAGE}/use"), &fields).await;
    assert_eq!(chosen.status, 303, "{}", chosen.body);
    assert!(member.get("/account/subscription").await.body.contains("Visa ending in 0002"));

    // Now the first one may go, and the gateway forgets it.
    let removed = act(&studio, &member, &format!("{PAGE}/{first}/remove"), &[]).await;
    assert_eq!(removed.status, 303, "{}", removed.body);
    assert_eq!(cards(&member).await, std::slice::from_ref(&second));
    assert_eq!(count(&studio, "PaymentMethodDetached").await, 1);
    let sql = "select count(*) from public.sandbox_methods where behaviour = 'ok'";
    let left: i64 = studio.client().await.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(left, 0, "the sandbox knows it no more");
    let refused = act(&studio, &member, &format!("{PAGE}/{first}/default"), &[]).await;
    assert!(refused.status == 422 && refused.body.contains("not kept any more"), "{}", refused.body);

    // The clock charges the chosen one, which declines.
    let clock = &studio.instance.services.clock;
    clock.follow(clock.ahead_us() + 32 * 86_400_000_000);
    studio.run_job("clock-tick", &clock.now().to_rfc3339()).await;
    studio.settle().await;
    let page = member.get("/account/subscription").await.body;
    assert!(page.contains("Payment failed"), "{page}");

    // A new card on the subscription's page is in the wallet, too.
    let fields = [("new_card", "yes"), ("card_number", "4242 4242 4242 4242"), ("card_expiry", "11/34")];
    let paid = member.submit("/account/subscription", "/account/subscription/pay", &fields).await;
    studio.settle().await;
    assert_eq!(paid.status, 303, "{}", paid.body);
    assert!(member.get(PAGE).await.body.contains("expires 11/34"));
    assert_eq!(cards(&member).await.len(), 2);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_keeps_a_card_joins_without_typing_it_again() {
    let (studio, member, _) = open().await;
    assert!(member.get(PAGE).await.body.contains("No card is kept"));
    assert_eq!(add(&studio, &member, "4242 4242 4242 4242").await.status, 303);
    let [card] = cards(&member).await.try_into().expect("one card");
    let payment = member.get(&link(&member.get("/join").await.body, "/join/")).await;
    let action = link(&payment.body, "/join/");
    let page = format!("{action}?country=NL&way=card");
    assert!(member.get(&page).await.body.contains("Another card"));
    let mut fields = ADDRESS.to_vec();
    fields.push(("kept", "0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000"));
    let refused = member.submit(&page, &action, &fields).await;
    assert!(refused.status == 422 && refused.body.contains("not kept any more"), "{}", refused.body);
    fields.pop();
    fields.push(("kept", &card));
    let joined = member.submit(&page, &action, &fields).await;
    assert_eq!(joined.status, 303, "{}", joined.body);
    studio.settle().await;
    let mine = member.get("/account/subscription").await.body;
    assert!(mine.contains("You can watch everything") && mine.contains("Visa ending in 4242"), "{mine}");
    assert_eq!(cards(&member).await, [card], "it is one card");
    studio.verify().await;
    studio.close().await;
}
