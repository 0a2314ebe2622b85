//! A deletion request from the wish to the proof.

use crate::accounts::{PASSWORD, person, sign_in, signed_in};
use crate::canaries::found;
use crate::support::{Browser, Studio};
use chrono::{DateTime, TimeDelta, Utc};
use kinora::actors::accounts::{leaving, recover, staff};
use kinora::actors::bus::Envelope;
use kinora::actors::jobs;
use kinora::actors::workflows::erase_account::carry_out;
use kinora::domain::deletion_request::{ErasureStep, Stage};
use kinora::domain::shared::money::{Currency, Money};
use kinora::domain::shared::payment::Collection;
use kinora::domain::shared::tax::Country;
use kinora::domain::shared::{PersonalValue, Role, calendar};
use kinora::domain::subscription::{Subscription, SubscriptionCommand, Terms};
use kinora::startup::Roles;
use kinora::store::Metadata;
use std::time::Duration;
use strum::IntoEnumIterator as _;
use uuid::Uuid;

pub const PAGE: &str = "/account/deletion";

pub async fn ask(browser: &Browser) -> String {
    let page = browser.submit(PAGE, PAGE, &[("current", PASSWORD)]).await;
    assert_eq!(page.status, 303, "{}", page.body);
    browser.follow(page.location()).await.body
}

pub fn after_grace(studio: &Studio) -> DateTime<Utc> {
    studio.instance.services.clock.now() + TimeDelta::days(15)
}

pub async fn request_of(studio: &Studio, account: Uuid) -> Uuid {
    let sql = "select request from deletion_requests where account = $1 order by requested_at desc limit 1";
    studio.client().await.query_one(sql, &[&account]).await.unwrap().get(0)
}

pub fn meta(studio: &Studio) -> Metadata {
    let cx = &studio.instance.services;
    Metadata::system("test", cx.clock.new_id(), cx.clock.now())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_is_left() {
    let studio = Studio::start().await;
    let account = person(&studio, "canarymail@example.org", &[]).await;
    let ada = signed_in(&studio, "canarymail@example.org").await;
    let cx = &studio.instance.services;
    // A canary in every personal field that an account has.
    recover::change_name(cx, cx.clock.new_id(), meta(&studio), account, "Canarina Namelia").await.unwrap();
    let change = [("mail", "canarynew@example.org"), ("mail_password", PASSWORD)];
    ada.submit("/account/security", "/account/security/mail", &change).await;
    let act = staff::Act::Complimentary(None);
    staff::act(cx, cx.clock.new_id(), meta(&studio), account, &act, "Reason canaryreason").await.unwrap();
    ada.submit("/reset", "/reset", &[("mail", "canarymail@example.org")]).await;
    for agent in ["canaryagent Firefox/1 (Linux)"] {
        let client = reqwest::Client::builder().user_agent(agent).build().unwrap();
        let form = [("login", "canarymail@example.org"), ("password", PASSWORD)];
        client.post(format!("{}/login", studio.url)).form(&form).send().await.unwrap();
    }
    studio.settle().await;
    let canaries =
        ["canarymail", "Canarina Namelia", "canarynew", "canaryreason", "canaryagent", "Firefox on Linux"];
    assert!(!found(&studio, "canarymail").is_empty(), "the mail folder holds it before");
    for canary in canaries {
        assert!(found(&studio, canary).iter().all(|p| p.contains("/mail/")), "sealed before: {canary}");
    }

    assert!(ask(&ada).await.contains("Keep my account"));
    studio.settle().await;
    let early = studio.run_job("process-deletion-requests", &cx.clock.now().to_rfc3339()).await;
    assert_eq!((early.status, early.counts["due"]), ("completed", 0), "{early:?}");
    let report = studio.run_job("process-deletion-requests", &after_grace(&studio).to_rfc3339()).await;
    assert_eq!((report.status, report.counts["started"]), ("completed", 1), "{report:?}");
    studio.settle().await;

    let request = request_of(&studio, account).await;
    let state = leaving::load_request(cx, request).await.unwrap();
    assert_eq!(state.stage, Stage::Completed);
    for canary in canaries {
        assert_eq!(found(&studio, canary), Vec::<String>::new(), "{canary}");
    }
    // Who knew the password knows nobody now, and the address is free again.
    assert_eq!(ada.get("/account").await.status, 303);
    assert_eq!(sign_in(&studio, "canarymail@example.org", PASSWORD).await.1.status, 422);
    person(&studio, "canarymail@example.org", &[]).await;
    let client = studio.client().await;
    for table in [
        "vault where subject",
        "sessions where account",
        "account_tokens where account",
        "outgoing_mail where account",
    ] {
        let rows: i64 = client
            .query_one(&format!("select count(*) from {table} = $1"), &[&account])
            .await
            .unwrap()
            .get(0);
        assert_eq!(rows, 0, "{table}");
    }
    drop(client);
    // The certificate says what was done and nothing about whom.
    let certificate =
        std::fs::read_to_string(studio.data.path().join(format!("erasures/{request}.json"))).unwrap();
    let certificate: serde_json::Value = serde_json::from_str(&certificate).unwrap();
    assert_eq!(certificate["account"], account.to_string());
    assert_eq!(certificate["steps"].as_array().unwrap().len(), ErasureStep::iter().count() - 1);
    let verified = cx.audit.verify(false, &[], |_, _| {}).await.unwrap();
    assert!(verified.ok, "{verified:?}");

    // Once more is harmless.
    carry_out(cx, request, account, &meta(&studio)).await.unwrap();
    cx.vault.erase(&studio.client().await, account).await.unwrap();
    let again = studio.run_job("process-deletion-requests", &after_grace(&studio).to_rfc3339()).await;
    assert_eq!((again.counts["due"], again.counts["resumed"]), (0, 0), "{again:?}");
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_can_be_taken_back() {
    let studio = Studio::start().await;
    let account = person(&studio, "ada@example.org", &[]).await;
    let ada = signed_in(&studio, "ada@example.org").await;
    let page = ada.submit(PAGE, PAGE, &[("current", "wrong password")]).await;
    assert!(page.status == 422 && page.body.contains("not your current password"), "{}", page.body);
    ask(&ada).await;
    studio.settle().await;
    // Sign-in leads only to the request.
    for path in ["/account", "/account/security"] {
        assert_eq!(ada.get(path).await.location(), PAGE, "{path}");
    }
    let (ada, page) = sign_in(&studio, "ada@example.org", PASSWORD).await;
    assert_eq!((page.status, page.location()), (303, PAGE));
    let page = ada.submit(PAGE, PAGE, &[("current", PASSWORD)]).await;
    assert!(page.status == 422 && page.body.contains("open deletion request"), "{}", page.body);
    let page = ada.submit(PAGE, "/account/deletion/withdraw", &[]).await;
    assert_eq!(page.status, 303, "{}", page.body);
    studio.settle().await;
    assert_eq!(ada.get("/account").await.status, 200);
    let report = studio.run_job("process-deletion-requests", &after_grace(&studio).to_rfc3339()).await;
    assert_eq!(report.counts["due"], 0, "{report:?}");
    // And asked for again.
    ask(&ada).await;
    assert_eq!(
        leaving::load_request(&studio.instance.services, request_of(&studio, account).await)
            .await
            .unwrap()
            .stage,
        Stage::Requested
    );
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_is_refused_with_the_reason() {
    let studio = Studio::start().await;
    person(&studio, "mod@example.org", &[Role::Moderator]).await;
    let browser = signed_in(&studio, "mod@example.org").await;
    let page = browser.submit(PAGE, PAGE, &[("current", PASSWORD)]).await;
    assert!(page.status == 422 && page.body.contains("holds a staff role"), "{}", page.body);
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_subscription_blocks_until_it_is_over() {
    let studio = Studio::start().await;
    let account = person(&studio, "ada@example.org", &[]).await;
    let ada = signed_in(&studio, "ada@example.org").await;
    let cx = &studio.instance.services;
    let subscription = cx.clock.new_id();
    let join = SubscriptionCommand::Join {
        subscription,
        owner: account,
        terms: Terms {
            plan: Uuid::from_u128(1),
            variation: Uuid::from_u128(2),
            plan_name: "Studio".into(),
            price: Money::new(1150, Currency::eur()),
            interval: calendar::Interval::monthly(),
            collection: Collection::Manual,
            zone: calendar::Zone::amsterdam(),
            seats: None,
        },
        method: None,
        country: Country::parse("NL").unwrap(),
        billing: None,
        vat_number: None,
        vat_check: None,
        trial_days: 0,
        discount: None,
        waives_withdrawal: false,
        at: cx.clock.now(),
    };
    let envelope = Envelope::new(cx.clock.new_id(), subscription, join, meta(&studio));
    cx.bus.dispatch::<Subscription>(envelope).await.unwrap();
    studio.settle().await;
    let page = ask(&ada).await;
    assert!(
        page.contains("subscription is still running") && page.contains("/account/subscription"),
        "{page}"
    );
    studio.settle().await;
    let due = after_grace(&studio);
    let report = studio.run_job("process-deletion-requests", &due.to_rfc3339()).await;
    assert_eq!((report.counts["started"], report.counts["blocked"]), (0, 1), "{report:?}");
    let report = studio.run_job("process-deletion-requests", &(due + TimeDelta::days(1)).to_rfc3339()).await;
    assert_eq!((report.counts["blocked"], report.changed), (1, 0), "counted each day, told once: {report:?}");
    let mails = std::fs::read_dir(studio.data.path().join("mail")).unwrap().flatten();
    let told =
        mails.filter(|e| std::fs::read_to_string(e.path()).unwrap().contains("We cannot delete")).count();
    assert_eq!(told, 1);

    let cancel = SubscriptionCommand::Cancel { reason: None, at: cx.clock.now() };
    let envelope = Envelope::new(cx.clock.new_id(), subscription, cancel, meta(&studio));
    cx.bus.dispatch::<Subscription>(envelope).await.unwrap();
    studio.settle().await;
    let report = studio.run_job("process-deletion-requests", &(due + TimeDelta::days(2)).to_rfc3339()).await;
    assert_eq!((report.counts["started"], report.counts["blocked"]), (1, 0), "{report:?}");
    studio.settle().await;
    let state = leaving::load_request(cx, request_of(&studio, account).await).await.unwrap();
    assert_eq!(state.stage, Stage::Completed);
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_after_any_step_it_goes_on() {
    let studio = Studio::start().await;
    let account = person(&studio, "ada@example.org", &[]).await;
    let ada = signed_in(&studio, "ada@example.org").await;
    ask(&ada).await;
    studio.settle().await;
    let request = request_of(&studio, account).await;
    let due = after_grace(&studio);
    // A process without workflows: the erasure goes only as far as this test lets it.
    let quiet = studio.beside(Roles { web: true, projector: false, scheduler: false, worker: false }).await;
    studio.close().await;
    let cx = quiet.instance.services.clone();
    let all = jobs::all();
    let job = all.iter().find(|j| j.name() == "process-deletion-requests").unwrap();
    let report = jobs::run(job.as_ref(), due, meta(&quiet), false, &cx).await.unwrap();
    assert_eq!(report.counts["started"], 1, "{report:?}");
    let steps = ErasureStep::iter().count();
    let mut cuts = 0;
    for reached in 1..=steps {
        let work = tokio::spawn({
            let (cx, meta) = (cx.clone(), meta(&quiet));
            async move { carry_out(&cx, request, account, &meta).await }
        });
        loop {
            let state = leaving::load_request(&cx, request).await.unwrap();
            if state.done.len() >= reached || work.is_finished() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        cuts += usize::from(!work.is_finished());
        work.abort();
        let _ = work.await;
    }
    assert!(cuts > 0, "it was cut off at least once");
    let state = leaving::load_request(&cx, request).await.unwrap();
    let studio = quiet.restart().await;
    studio.settle().await;
    let after = leaving::load_request(&studio.instance.services, request).await.unwrap();
    assert_eq!(after.stage, Stage::Completed, "was {state:?}");
    assert_eq!(found(&studio, "ada@example.org"), Vec::<String>::new());
    let events: i64 = studio
        .client()
        .await
        .query_one("select count(*) from events where type = 'ErasureStepDone'", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(usize::try_from(events).unwrap(), steps, "each step is recorded once");
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_of_somebody_else_stays() {
    let studio = Studio::start().await;
    let ada = person(&studio, "ada@example.org", &[]).await;
    person(&studio, "ben@example.org", &[]).await;
    let cx = &studio.instance.services;
    let value = PersonalValue::new(ada, "note", cx.clock.new_id(), "hers");
    cx.vault.seal(vec![value]).await.unwrap();
    cx.vault.erase(&studio.client().await, ada).await.unwrap();
    signed_in(&studio, "ben@example.org").await;
    assert_eq!(sign_in(&studio, "ada@example.org", PASSWORD).await.1.status, 422);
    studio.close().await;
}
