//! Access ends with its cause: an address that was good a moment ago opens nothing any more, whatever ended the right.

use crate::accounts::{PASSWORD, person, signed_in};
use crate::billing_pages::{open_with, order};
use crate::leaks::{act, held, token};
use crate::support::{Browser, Studio};
use kinora::actors::accounts::staff::Act;
use kinora::config::Av1;
use kinora::domain::shared::Role;
use uuid::Uuid;

const CARD: &str = "4242 4242 4242 4242";

/// The subscription that `owner` has: of the newest one there is.
async fn newest_subscription(studio: &Studio) -> String {
    let sql = "select substring(stream_id from 14) from events where type = 'SubscriptionActivated'
               order by position desc limit 1";
    studio.client().await.query_one(sql, &[]).await.expect("a subscription").get(0)
}

async fn sent(studio: &Studio, who: &Browser, page: &str, action: &str, fields: &[(&str, &str)]) {
    let answer = who.submit(page, action, fields).await;
    assert_eq!(answer.status, 303, "{action}: {}", answer.body);
    studio.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_worth_nothing_as_soon_as_the_right_is_gone() {
    let (studio, payer, billing) = open_with(|c| c.media.av1 = Av1::None).await;
    crate::teams::sell(&studio, &billing).await;
    let maker_id = person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let script = b"print('the sea in jars')\n".to_vec();
    let work = held(&studio, &maker, "Salt script", "a.py", script.clone()).await;
    let (file, work) = (work.files.last().expect("a file").0.clone(), work.work);
    let expiry = studio.instance.services.clock.now().timestamp() + 600;
    let address = |account: Uuid| {
        let token = token(&studio, Some(account), work.id, expiry);
        format!("/m/{token}/{}/{}/{file}", work.id, work.playable)
    };
    // Each person's right, what ends it, and whether the page is still theirs to see.
    let mut watching: Vec<(&str, Browser, Uuid)> = vec![];
    for (name, roles) in [
        ("guest", &[][..]),
        ("other", &[Role::Creator]),
        ("seated", &[]),
        ("suspended", &[]),
        ("leaving", &[]),
    ] {
        let account = person(&studio, &format!("{name}@example.org"), roles).await;
        let browser = signed_in(&studio, &format!("{name}@example.org")).await;
        if ["guest", "suspended", "leaving"].contains(&name) {
            act(&studio, account, Act::Complimentary(None)).await;
        }
        watching.push((name, browser, account));
    }
    assert_eq!(order(&studio, &payer, "NL", "card", CARD).await.status, 303);
    let paid = newest_subscription(&studio).await;
    let sql = "select owner::text from views.subscriptions where subscription::text = $1";
    let payer_id: String = studio.client().await.query_one(sql, &[&paid]).await.expect("the payer").get(0);
    watching.push(("payer", payer, payer_id.parse().expect("an id")));
    let owner = {
        person(&studio, "owner@example.org", &[]).await;
        signed_in(&studio, "owner@example.org").await
    };
    crate::teams::join(&studio, &owner).await;
    let list = |addresses| [("addresses", addresses), ("domain", "")];
    sent(&studio, &owner, "/account/team", "/account/team", &list("seated@example.org")).await;

    for (name, browser, account) in &watching {
        let url = address(*account);
        let (_, body) = browser.download(&url).await;
        assert_eq!(body, script, "{name} may");
        match *name {
            "guest" => act(&studio, *account, Act::EndComplimentary).await,
            "other" => act(&studio, *account, Act::Revoke(Role::Creator)).await,
            "suspended" => act(&studio, *account, Act::Suspend(None)).await,
            "seated" => sent(&studio, &owner, "/account/team", "/account/team", &list("")).await,
            "leaving" => {
                let by = [("current", PASSWORD)];
                sent(&studio, browser, "/account/deletion", "/account/deletion", &by).await;
            }
            "payer" => {
                let page = format!("/billing/subscriptions/{paid}");
                sent(&studio, &billing, &page, &page, &[("act", "end-now"), ("reason", "a test")]).await;
            }
            _ => unreachable!(),
        }
        studio.settle().await;
        let after = browser.get(&url).await;
        assert!(
            after.status == 404 && !after.body.contains("jars"),
            "{name}: {} {}",
            after.status,
            after.body
        );
    }
    // Who signs out takes the address along; who made the work keeps it until somebody else has it.
    let url = address(maker_id);
    assert_eq!(maker.download(&url).await.1, script);
    sent(&studio, &maker, "/logout", "/logout", &[]).await;
    assert_eq!(maker.get(&url).await.status, 404);
    let maker = signed_in(&studio, "maker@example.org").await;
    let editor = format!("/studio/media/{}", work.id);
    sent(&studio, &maker, &editor, &format!("{editor}/remove"), &[]).await;
    assert_eq!(maker.get(&url).await.status, 410, "a removed work is gone for everybody");
    studio.verify().await;
    studio.close().await;
}
