//! Forty strings in the life of one person, who is then erased: none is found in clear before, and none at all
//! afterwards, nor in a studio that is restored from a backup of the time when the person was there.

use crate::accounts::{PASSWORD, signed_in};
use crate::billing_pages::{link, open_with};
use crate::canaries::found;
use crate::comments::{post, write};
use crate::erasure::{meta, request_of};
use crate::gifts::buy;
use crate::media::{picture, upload, wait};
use crate::running::{data_folder, kinora};
use crate::support::{Browser, Studio};
use chrono::TimeDelta;
use kinora::actors::accounts::{leaving, register, staff};
use kinora::actors::backup;
use kinora::domain::account::Origin;
use kinora::domain::deletion_request::Stage;
use kinora::domain::shared::Role;
use memchr::memmem;
use std::path::Path;
use tempfile::TempDir;
use uuid::Uuid;

const MAIL: &str = "canarymail@canarydomain.example";
/// The team of somebody else names the address as well.
const TEAM: &str = "/account/team";

/// What stands in the life of the person; the last ones are secrets that come up on the way.
const FIXED: [&str; 34] = [
    "canarymail",
    "canarydomain",
    "CANARYMAIL@CANARYDOMAIN.EXAMPLE",
    "Canaria Firstly",
    "Canaria Secondly",
    "canaryuser",
    "canarybio",
    "canarylink",
    "canarynew",
    "canaryagent",
    "Firefox on Linux",
    "canarysuspend",
    "canaryback",
    "canarygrant",
    "canaryrevoke",
    "canaryfree",
    "canaryunfree",
    "canaryfile",
    "Canarybuyer",
    "Canarystreet",
    "1015 QZ",
    "Canarycity",
    "canaryreference",
    "DE136695976",
    "136695976",
    "ending in 1976",
    "4000000000001976",
    "4000 0000 0000 1976",
    "canarycomment",
    "canaryedited",
    "canaryreport",
    "canarytoken",
    "canaryextend",
    "canarygiven@",
];

/// Registers, and does whatever leaves something personal. Gives the account and the secrets that were shown.
async fn live(studio: &Studio, billing: &Browser) -> (Uuid, Browser, Vec<String>) {
    let cx = &studio.instance.services;
    let new = register::NewAccount {
        mail: MAIL.into(),
        display_name: "Canaria Firstly".into(),
        username: "canaryuser".into(),
        password: PASSWORD.into(),
    };
    let roles = vec![Role::Creator];
    let made = register::by_operator(cx, cx.clock.new_id(), meta(studio), &new, Origin::Shell, roles);
    let account = made.await.expect("an account").account;
    studio.settle().await;
    let ada = signed_in(studio, "canaryuser").await;
    let client =
        reqwest::Client::builder().user_agent("canaryagent Firefox/1 (Linux)").build().expect("a client");
    let login = [("login", MAIL), ("password", PASSWORD)];
    client.post(format!("{}/login", studio.url)).form(&login).send().await.expect("signed in");
    let told = [
        ("display_name", "Canaria Secondly"),
        ("bio", "canarybio"),
        ("links", "canarylink.example"),
        ("public", "yes"),
    ];
    assert_eq!(ada.submit("/account", "/account", &told).await.status, 303);
    let change = [("mail", "canarynew@canarydomain.example"), ("mail_password", PASSWORD)];
    assert_eq!(ada.submit("/account/security", "/account/security/mail", &change).await.status, 303);
    for (act, reason) in [
        (staff::Act::Suspend(None), "canarysuspend"),
        (staff::Act::Reinstate, "canaryback"),
        (staff::Act::Grant(Role::Editor), "canarygrant"),
        (staff::Act::Revoke(Role::Editor), "canaryrevoke"),
        (staff::Act::Complimentary(None), "canaryfree"),
        (staff::Act::EndComplimentary, "canaryunfree"),
    ] {
        staff::act(cx, cx.clock.new_id(), meta(studio), account, &act, reason).await.expect("done");
    }
    studio.settle().await;
    let ada = {
        drop(ada);
        signed_in(studio, MAIL).await
    };
    assert_eq!(upload(&ada, "A draft", "canaryfile of mine.png", picture()).await.status, 303);
    wait(studio, "A draft", |w| w.processing == "ready").await;

    // Joins as a business.
    let payment = ada.get(&link(&ada.get("/join").await.body, "/join/")).await;
    let action = link(&payment.body, "/join/");
    let page = format!("{action}?country=DE&way=card");
    let fields = vec![
        ("name", "Canarybuyer"),
        ("street", "Canarystreet 11"),
        ("postcode", "1015 QZ"),
        ("city", "Canarycity"),
        ("reference", "canaryreference"),
        ("vat_number", "DE136695976"),
        ("card_number", "4000 0000 0000 1976"),
        ("card_expiry", "12/35"),
    ];
    let shown = ada.submit(&page, &action, &fields).await;
    let price = shown.hidden("price").unwrap_or_default();
    let joined = ada.submit(&page, &action, &[fields, vec![("price", price.as_str())]].concat()).await;
    assert_eq!(joined.status, 303, "{}", joined.body);
    studio.settle().await;
    let list = billing.get("/billing/subscriptions").await.body;
    let subscription = link(&list, "/billing/subscriptions/");
    let extend = [("act", "extend"), ("days", "2"), ("reason", "canaryextend")];
    assert_eq!(billing.submit(&subscription, &subscription, &extend).await.status, 303);
    buy(studio, &ada, "4000 0000 0000 1976", "canarygiven@elsewhere.example").await;

    // Says things.
    for text in ["canarycomment one", "a second one"] {
        assert_eq!(write(studio, &ada, text, &[]).await.status, 303);
    }
    let page = ada.get("/posts/salt").await.body;
    let id = crate::comments::comment_id(&page, "a second one");
    let edit = format!("/comments/{id}/edit");
    assert_eq!(ada.submit(&edit, &edit, &[("text", "canaryedited")]).await.status, 303);
    let maker = signed_in(studio, "maker@example.org").await;
    assert_eq!(write(studio, &maker, "Something bad", &[]).await.status, 303);
    let id = crate::comments::comment_id(&ada.get("/posts/salt").await.body, "Something bad");
    let report = [("reason", "canaryreport"), ("back", "/posts/salt")];
    let told = ada.submit("/posts/salt", &format!("/comments/{id}/report"), &report).await;
    assert_eq!(told.status, 303, "{}", told.body);

    // Secrets: an authenticator and its recovery codes, a token for scripts, the cookie.
    let (secret, _, codes) = crate::second_factor::add(studio, &ada).await;
    let mut secrets = vec![secret];
    secrets.extend(codes.into_iter().take(3));
    let token = ada
        .submit(
            "/account/tokens",
            "/account/tokens",
            &[("days", "30"), ("media:read", "1"), ("name", "canarytoken")],
        )
        .await;
    let token = ada.get(token.location()).await;
    secrets.push(token.body.split("kinora_").nth(1).expect("a token")[..20].to_owned());
    secrets.push(PASSWORD.to_owned());
    secrets.push("MALFORMED-canarylogin".into());
    sign_in_wrong(studio).await;
    studio.settle().await;
    (account, ada, secrets)
}

/// What somebody types at the wrong place is personal, too.
async fn sign_in_wrong(studio: &Studio) {
    let login = [("login", "MALFORMED-canarylogin"), ("password", "whatever it is")];
    assert_eq!(studio.browser().submit("/login", "/login", &login).await.status, 422);
}

/// The files below `folder` that hold one of `canaries`.
fn sung(folder: &Path, canaries: &[String]) -> Vec<String> {
    let mut all = vec![];
    crate::canaries::files(folder, &mut all);
    let mut found = vec![];
    for path in all {
        let Ok(bytes) = std::fs::read(&path) else { continue };
        found.extend(
            canaries
                .iter()
                .filter(|c| memmem::find(&bytes, c.as_bytes()).is_some())
                .map(|c| format!("{c} in {}", path.display())),
        );
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_strings_of_a_person_are_gone_from_an_older_backup_too() {
    let (studio, owner, billing) = open_with(|_| {}).await;
    let cx = &studio.instance.services;
    post(&studio).await;
    crate::accounts::person(&studio, "maker@example.org", &[Role::Creator]).await;
    crate::teams::sell(&studio, &billing).await;
    crate::teams::join(&studio, &owner).await;
    // Somebody else wrote the address down, twice, and has a gift sent there.
    let list = |first: &'static str| [("addresses", first), ("domain", "")];
    assert_eq!(owner.submit(TEAM, TEAM, &list("other@elsewhere.example")).await.status, 303);
    let named = list("other@elsewhere.example\nCanaryMail@CanaryDomain.example");
    assert_eq!(owner.submit(TEAM, TEAM, &named).await.status, 303);
    buy(&studio, &owner, "4242 4242 4242 4242", MAIL).await;
    let (account, ada, secrets) = live(&studio, &billing).await;

    let canaries: Vec<String> = FIXED.iter().map(|c| (*c).to_owned()).chain(secrets).collect();
    assert!(canaries.len() >= 40, "{}", canaries.len());
    for canary in &canaries {
        let places = found(&studio, canary);
        // Mails are files here because this is no production; the file of an upload has its own name.
        assert!(places.iter().all(|p| p.contains("/mail/")), "sealed before: {canary}: {places:?}");
    }
    assert!(!found(&studio, "canarymail").is_empty(), "what is there is found");

    // A backup of the time before, which holds nothing in clear either.
    let shelf = TempDir::new().expect("a folder");
    let made = backup::create(cx, shelf.path()).await.expect("a backup");
    assert_eq!(sung(shelf.path(), &canaries), Vec::<String>::new());

    // Erased, with everything that was said.
    let rest = [("comments", "go"), ("current", PASSWORD)];
    ada.submit("/account/subscription", "/account/subscription/cancel", &[]).await;
    studio.settle().await;
    let over = cx.clock.now() + TimeDelta::days(40);
    assert_eq!(studio.run_job("clock-tick", &over.to_rfc3339()).await.status, "completed");
    studio.settle().await;
    let asked = ada.submit("/account/deletion", "/account/deletion", &rest).await;
    assert_eq!(asked.status, 303, "{}", asked.body);
    studio.settle().await;
    let report = studio.run_job("process-deletion-requests", &over.to_rfc3339()).await;
    assert_eq!((report.counts["started"], report.counts["blocked"]), (1, 0), "{report:?}");
    studio.settle().await;
    let state = leaving::load_request(cx, request_of(&studio, account).await).await.expect("a request");
    assert_eq!(state.stage, Stage::Completed);
    for canary in &canaries {
        // The password is that of all people of these tests, and nowhere in clear.
        assert_eq!(found(&studio, canary), Vec::<String>::new(), "{canary}");
    }
    let listed = owner.get(TEAM).await.body;
    assert!(listed.contains("other@elsewhere.example") && !listed.to_lowercase().contains("canarymail"));
    // A page of staff that names everybody still opens.
    assert_eq!(billing.get("/billing/people").await.status, 200);
    assert_eq!(billing.get("/billing/subscriptions").await.status, 200);
    assert_eq!(billing.get("/billing/gifts").await.status, 200);

    // The old backup comes back, with the certificates, which were kept apart. A copy of the keys from the time
    // before is the worst case: kept seven days at most, it still opens everything.
    let ledger = TempDir::new().expect("a folder");
    backup::copy_tree(&studio.data.path().join("erasures"), ledger.path()).expect("copied");
    let fresh = data_folder();
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let (database, keys) = (text(&made.database), text(&made.keys));
    let with = text(ledger.path());
    let restored =
        kinora(&fresh, &["backup", "restore", &database, "--keys", &keys, "--ledger", &with, "--json"]);
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    assert_eq!(sung(fresh.path(), &canaries), Vec::<String>::new());
    let shown = kinora(&fresh, &["account", "show", MAIL, "--json"]);
    assert!(!shown.status.success());
    let checked = kinora(&fresh, &["projection", "verify", "--json"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));

    // Nothing that is still sealed there opens to anything of the person's: all that is left is opened.
    let opened = opened(&fresh).await;
    assert!(!opened.is_empty(), "others' values are there");
    let singing: Vec<&String> = opened
        .iter()
        .filter(|text| canaries.iter().any(|c| text.to_lowercase().contains(&c.to_lowercase())))
        .filter(|text| !text.contains("$argon2"))
        .collect();
    assert_eq!(singing, Vec::<&String>::new());
    studio.close().await;
}

/// Every value of the vault of a data folder that can still be opened.
async fn opened(data: &TempDir) -> Vec<String> {
    use kinora::config::Config;
    use kinora::domain::shared::PersonalRef;
    use kinora::startup::Instance;
    let config = Config { data: data.path().to_owned(), ..Config::default() };
    let instance = Instance::open(config, false).await.expect("it opens");
    let client = instance.services.pool.get().await.expect("a connection");
    // What the law keeps of invoices is sealed apart, for the billing desk.
    let sql = "select subject, field, version from vault where field <> 'invoice_buyer'";
    let rows = client.query(sql, &[]).await.expect("rows");
    let all: Vec<PersonalRef> = rows
        .iter()
        .map(|row| PersonalRef { subject: row.get(0), field: row.get(1), version: row.get(2) })
        .collect();
    let opened = instance.services.vault.open_many(&client, &all).await.expect("opened");
    drop(client);
    instance.close().await.expect("closed");
    opened.into_values().collect()
}
