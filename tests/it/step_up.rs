//! Grave acts ask once more who it is: by what, how long it counts, and that nothing typed is lost.

use crate::accounts::{PASSWORD, person, signed_in};
use crate::second_factor;
use crate::support::{Browser, Page, Studio};
use kinora::domain::shared::Role;

const ASKED: &str = "Confirm that it is you";
const CONFIRM: &str = "/account/security/confirm";

async fn studio() -> Studio {
    Studio::start_with(|c| c.accounts.step_up_minutes = Some(10)).await
}

/// Lets minutes go by.
pub fn pass(studio: &Studio, minutes: i64) {
    let clock = &studio.instance.services.clock;
    clock.follow(clock.ahead_us() + minutes * 60_000_000);
}

/// Sends the page that asks, with a proof.
async fn confirm(browser: &Browser, asked: &Page, action: &str, proof: &[(&str, &str)]) -> Page {
    let (csrf, pending) = (asked.hidden("_csrf").unwrap(), asked.hidden("_pending").unwrap());
    let mut fields = vec![("_csrf", csrf.as_str()), ("_pending", pending.as_str())];
    fields.extend(proof);
    browser.post(action, &fields).await
}

async fn count(studio: &Studio, kind: &str) -> i64 {
    studio.settle().await;
    let sql = "select count(*) from events where type = $1";
    studio.client().await.query_one(sql, &[&kind]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grave_act_asks_once_more_and_goes_on_with_what_was_typed() {
    let studio = studio().await;
    person(&studio, "boss@example.org", &[Role::Admin]).await;
    let ada = person(&studio, "ada@example.org", &[]).await;
    let boss = signed_in(&studio, "boss@example.org").await;
    let page = format!("/moderation/people/{ada}");
    let grant = |role, reason| [("act", "grant"), ("role", role), ("reason", reason)];

    // Signing in was a proof.
    let done = boss.submit(&page, &page, &grant("creator", "makes films")).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let granted = count(&studio, "RoleGranted").await;
    pass(&studio, 11);
    let form = boss.get(&page).await;
    let (csrf, key) = (form.hidden("_csrf").unwrap(), form.hidden("idempotency_key").unwrap());
    let mut fields = grant("moderator", "looks after comments & answers").to_vec();
    fields.extend([("_csrf", csrf.as_str()), ("idempotency_key", key.as_str())]);
    let asked = boss.post(&page, &fields).await;
    assert!(asked.status == 403 && asked.body.contains(ASKED), "{}", asked.body);
    assert!(asked.body.contains("give or take rights"), "{}", asked.body);
    assert_eq!(asked.headers["cache-control"], "no-store");
    assert!(!asked.body.contains("proof_code"), "there is no authenticator");

    // A wrong proof does nothing, and the form is still in the page.
    let wrong =
        confirm(&boss, &asked, &page, &[("_by", "password"), ("proof_password", "not it at all")]).await;
    assert!(wrong.status == 422 && wrong.body.contains(ASKED), "{}", wrong.body);
    assert_eq!(wrong.hidden("_pending"), asked.hidden("_pending"));
    // Nor does none, nor the token of another session.
    let none = confirm(&boss, &wrong, &page, &[]).await;
    assert!(none.status == 403 && none.body.contains(ASKED), "{}", none.body);
    let pending = asked.hidden("_pending").unwrap();
    let forged =
        [("_csrf", "0123"), ("_pending", &pending), ("_by", "password"), ("proof_password", PASSWORD)];
    let forged = boss.post(&page, &forged).await;
    assert!(forged.status == 403 && forged.body.contains("older session"), "{}", forged.body);
    assert_eq!(count(&studio, "RoleGranted").await, granted);

    // The right one does what was asked for, once.
    let right = [("_by", "password"), ("proof_password", PASSWORD)];
    for _ in 0..2 {
        let done = confirm(&boss, &wrong, &page, &right).await;
        assert_eq!(done.status, 303, "{}", done.body);
        assert!(done.location().starts_with(&page), "{}", done.location());
    }
    assert_eq!(count(&studio, "RoleGranted").await, granted + 1);
    // For ten minutes nobody is asked again in this browser, but in another one.
    let again =
        boss.submit(&page, &page, &[("act", "revoke"), ("role", "creator"), ("reason", "enough")]).await;
    assert_eq!(again.status, 303, "{}", again.body);
    pass(&studio, 11);
    let asked = boss.submit(&page, &page, &grant("editor", "helps")).await;
    assert!(asked.body.contains(ASKED));
    // What can be taken back is not grave.
    let light = boss.submit(&page, &page, &[("act", "suspend"), ("reason", "spam")]).await;
    assert_eq!(light.status, 303, "{}", light.body);
    // Programs are told in their own way.
    let json = boss.client.post(format!("{}{page}", studio.url)).header("accept", "application/json");
    let csrf = boss.get("/account/notifications").await.hidden("_csrf").unwrap();
    let json = json.header("x-csrf-token", csrf).form(&grant("editor", "helps"));
    let json = boss.answer(json).await;
    assert!(json.status == 403 && json.body.contains(CONFIRM), "{}", json.body);
    // What was damaged on its way is said, not done.
    let asked = boss.submit(&page, &page, &grant("editor", "helps")).await;
    let csrf = asked.hidden("_csrf").unwrap();
    let broken =
        [("_csrf", csrf.as_str()), ("_pending", "§§"), ("_by", "password"), ("proof_password", PASSWORD)];
    let broken = boss.post(&page, &broken).await;
    assert!(broken.status == 400 && broken.body.contains("damaged"), "{}", broken.body);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_a_proof_as_well_and_pages_lead_back_to_themselves() {
    let studio = studio().await;
    person(&studio, "ada@example.org", &[]).await;
    let ada = signed_in(&studio, "ada@example.org").await;
    let (_, used, codes) = second_factor::add(&studio, &ada).await;
    pass(&studio, 11);

    let fields = [("account:read", "1"), ("days", "30")];
    let asked = ada.submit("/account/tokens", "/account/tokens", &fields).await;
    assert!(asked.status == 403 && asked.body.contains("proof_code"), "{}", asked.body);
    let stale = [("_by", "code"), ("proof_code", used.as_str())];
    let refused = confirm(&ada, &asked, "/account/tokens", &stale).await;
    assert!(refused.status == 422 && refused.body.contains("used already"), "{}", refused.body);
    let recovery = [("_by", "code"), ("proof_code", codes[0].as_str())];
    let made = confirm(&ada, &asked, "/account/tokens", &recovery).await;
    assert_eq!(made.status, 303, "{}", made.body);
    assert!(ada.get(made.location()).await.body.contains("is shown only now"));

    // A page that is read: there and back.
    pass(&studio, 11);
    let copy = "/account/export/0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000?x=a%20b";
    let led = ada.get(copy).await;
    assert_eq!(led.status, 303);
    let address = led.location().to_owned();
    assert!(address.starts_with(&format!("{CONFIRM}?next=%2Faccount%2Fexport%2F")), "{address}");
    let proof = [("_by", "password"), ("proof_password", PASSWORD)];
    let back = ada.submit(&address, CONFIRM, &[("_by", "password"), ("proof_password", "wrong")]).await;
    assert!(
        back.status == 422 && back.hidden("next").unwrap().starts_with("/account/export/"),
        "{}",
        back.body
    );
    let back = ada.submit(&address, CONFIRM, &proof).await;
    assert!(back.location().starts_with("/account/export/0192aaaa") && back.location().contains("x=a+b"));
    assert_eq!(ada.get(copy).await.status, 404, "there is no such copy, but nobody asks");
    assert!(ada.get(&address).await.location().starts_with("/account/export/"), "asked for nothing");
    for foreign in ["https://evil.example/", "//evil.example", "/\\evil.example", CONFIRM] {
        let mut fields = proof.to_vec();
        fields.push(("next", foreign));
        assert_eq!(ada.submit(CONFIRM, CONFIRM, &fields).await.location(), "/account/security", "{foreign}");
    }
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_at_the_proof_is_paused_and_a_demo_asks_nobody() {
    let studio = Studio::start_with(|c| {
        c.accounts.step_up_minutes = Some(10);
        c.limits.sign_in_failures = 3;
    })
    .await;
    person(&studio, "ada@example.org", &[]).await;
    let ada = signed_in(&studio, "ada@example.org").await;
    pass(&studio, 11);
    let asked = ada.submit("/account/export", "/account/export", &[]).await;
    for _ in 0..3 {
        let guess = [("_by", "password"), ("proof_password", "a guess of many")];
        assert_eq!(confirm(&ada, &asked, "/account/export", &guess).await.status, 422);
    }
    let right = [("_by", "password"), ("proof_password", PASSWORD)];
    let paused = confirm(&ada, &asked, "/account/export", &right).await;
    assert!(paused.status == 422 && paused.body.contains("Too many"), "{}", paused.body);
    assert_eq!(paused.hidden("_pending"), asked.hidden("_pending"), "kept for later");
    pass(&studio, 16);
    assert_eq!(confirm(&ada, &asked, "/account/export", &right).await.status, 303);
    studio.verify().await;
    studio.close().await;

    let demo = Studio::start().await;
    person(&demo, "ada@example.org", &[]).await;
    let ada = signed_in(&demo, "ada@example.org").await;
    pass(&demo, 60);
    assert_eq!(ada.submit("/account/export", "/account/export", &[]).await.status, 303);
    demo.close().await;
}
