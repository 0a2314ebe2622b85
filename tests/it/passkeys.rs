//! Passkeys as far as they go without a device; the whole of them is in `tests/browser/35-passkeys.test.mjs`.

use crate::accounts::{PASSWORD, person, signed_in};
use crate::support::{Browser, Page, Studio};

const PAGE: &str = "/account/security/passkeys";

async fn challenge(browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Page {
    browser.submit("/account/security/passkeys", path, fields).await
}

fn part(page: &Page, pointer: &str) -> String {
    let json: serde_json::Value = serde_json::from_str(&page.body).unwrap();
    json.pointer(pointer).and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_else(|| panic!("{json}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn made_up_answers_open_nothing() {
    let studio = Studio::start_with(|c| c.limits.sign_in_failures = 6).await;
    person(&studio, "ada@example.org", &[]).await;
    let stranger = studio.browser();
    let asked = stranger.post("/login/passkey/challenge", &[]).await;
    assert_eq!(asked.headers["cache-control"], "no-store");
    assert_eq!(part(&asked, "/options/publicKey/userVerification"), "required");
    assert_eq!(part(&asked, "/options/publicKey/rpId"), "localhost", "never a number");
    let token = part(&asked, "/token");
    let made_up = r#"{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{"authenticatorData":"AAAA",
        "clientDataJSON":"AAAA","signature":"AAAA","userHandle":"AAAAAAAAAAAAAAAAAAAAAA"}}"#;
    for (token, credential) in [
        ("", ""),
        ("nonsense", made_up),
        (token.as_str(), "{}"),
        (token.as_str(), made_up),
        (token.as_str(), made_up),
    ] {
        let page = stranger.post("/login/passkey", &[("token", token), ("credential", credential)]).await;
        assert_eq!(page.status, 422, "{token} {credential}: {}", page.body);
        assert!(page.body.contains("Mail address or user name"), "the other ways stay");
    }
    assert!(stranger.get("/account").await.location().starts_with("/login"));
    // Guessing is paused.
    for status in [422, 429] {
        assert_eq!(
            stranger.post("/login/passkey", &[("token", "x"), ("credential", made_up)]).await.status,
            status
        );
    }

    let browser = signed_in(&studio, "ada@example.org").await;
    let to_add = format!("{PAGE}/challenge");
    assert_eq!(challenge(&browser, &to_add, &[("password", "wrong")]).await.status, 422);
    let asked = challenge(&browser, &to_add, &[("password", PASSWORD)]).await;
    assert_eq!(part(&asked, "/options/publicKey/authenticatorSelection/residentKey"), "required");
    assert_eq!(part(&asked, "/options/publicKey/attestation"), "none");
    let without = [("passkey_name", "Telephone"), ("password", PASSWORD), ("token", ""), ("credential", "")];
    let page = browser.submit(PAGE, PAGE, &without).await;
    assert!(page.status == 422 && page.body.contains("made no passkey"), "{}", page.body);
    assert!(page.body.contains("value=\"Telephone\""), "what was typed stays");
    let foreign = [("renamed", "0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000"), ("new_name", "Mine")];
    let page = browser.submit(PAGE, &format!("{PAGE}/rename"), &foreign).await;
    assert!(page.status == 422 && page.body.contains("no such passkey"), "{}", page.body);
    let nameless = [("passkey_name", " "), ("password", PASSWORD), ("token", "x"), ("credential", "x")];
    let page = browser.submit(PAGE, PAGE, &nameless).await;
    assert!(page.status == 422 && page.body.contains("Give it a name"), "{}", page.body);
    let none = [("passkey", "0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000"), ("remove_password", PASSWORD)];
    let page = browser.submit(PAGE, &format!("{PAGE}/remove"), &none).await;
    assert!(page.status == 422 && page.body.contains("no such passkey"), "{}", page.body);
    studio.verify().await;
    studio.close().await;
}
