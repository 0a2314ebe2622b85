//! The copy of everything about a person, for that person.

use crate::accounts::{PASSWORD, person, signed_in};
use crate::billing_pages::{open, order};
use crate::erasure::{after_grace, ask as ask_deletion, meta};
use crate::support::{Browser, Studio};
use kinora::actors::accounts::recover;
use kinora::actors::data_export;
use std::io::{Cursor, Read as _};

const PAGE: &str = "/account/export";

async fn copy_of(studio: &Studio, browser: &Browser) -> (String, Vec<u8>) {
    let asked = browser.submit(PAGE, PAGE, &[]).await;
    assert_eq!(asked.status, 303, "{}", asked.body);
    for _ in 0..50 {
        let _ = data_export::step(&studio.instance.services).await;
        let page = browser.get(PAGE).await.body;
        if let Some(at) = page.find("/account/export/") {
            let address = page[at..].split('"').next().expect("an address").to_owned();
            let (head, bytes) = browser.download(&address).await;
            assert_eq!(head["content-type"], "application/zip");
            return (address, bytes);
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("no copy");
}

/// Every name in the copy with its text.
fn read(bytes: &[u8]) -> Vec<(String, String)> {
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).expect("a ZIP file");
    (0..zip.len())
        .map(|n| {
            let mut file = zip.by_index(n).expect("an entry");
            let mut content = Vec::new();
            file.read_to_end(&mut content).expect("readable");
            let name = file.name().expect("a name").into_owned();
            (name, String::from_utf8_lossy(&content).into_owned())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_about_a_member_is_in_one_file_that_only_the_member_gets() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "DE", "card", "4242 4242 4242 4242").await.status, 303);
    let (address, bytes) = copy_of(&studio, &member).await;
    let files = read(&bytes);
    let names: Vec<&str> = files.iter().map(|(n, _)| n.as_str()).collect();
    for name in [
        "README.txt",
        "personal.json",
        "account.json",
        "events.json",
        "subscriptions.json",
        "works/works.json",
        "tables/sessions.json",
    ] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    assert!(names.iter().any(|n| n.starts_with("invoices/INV-") && n.ends_with(".pdf")), "{names:?}");
    let all: String = files.iter().map(|(_, text)| text.as_str()).collect();
    for fact in ["Keizersgracht 1", "Visa ending in 4242", "SubscriptionActivated", "Joined Studio, monthly"]
    {
        assert!(all.contains(fact), "{fact}");
    }
    for secret in ["argon2", "\"secret\"", "_hash\""] {
        assert!(!all.contains(secret), "{secret} in the copy");
    }
    // Nobody else's facts: the names of the other people of this studio.
    assert!(!all.contains("Bela Billing"), "somebody else");

    let again = member.submit(PAGE, PAGE, &[]).await;
    assert!(again.status == 422 && again.body.contains("within the last day"), "{}", again.body);
    assert_eq!(billing.get(&address).await.status, 404, "somebody else's copy");
    assert_eq!(studio.browser().get(&address).await.status, 303, "signed out");

    // It goes by itself.
    let path = data_export::folder(&studio.instance.services, uuid::Uuid::nil());
    let folder = path.parent().expect("the folder").to_owned();
    assert_eq!(count(&folder), 1);
    let past = "update public.data_exports set expires_at = now() - interval '1 second'";
    studio.superuser().await.execute(past, &[]).await.expect("aged");
    assert_eq!(member.get(&address).await.status, 404, "not a moment longer");
    data_export::step(&studio.instance.services).await.expect("a step");
    assert_eq!(count(&folder), 0);
    studio.close().await;
}

fn count(folder: &std::path::Path) -> usize {
    let people = std::fs::read_dir(folder).into_iter().flatten().flatten();
    people.map(|p| std::fs::read_dir(p.path()).map_or(0, Iterator::count)).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn former_values_are_in_it_and_it_goes_with_the_person() {
    let studio = Studio::start().await;
    let account = person(&studio, "canary@example.org", &[]).await;
    let ada = signed_in(&studio, "canary@example.org").await;
    let cx = &studio.instance.services;
    recover::change_name(cx, cx.clock.new_id(), meta(&studio), account, "Canarina Second")
        .await
        .expect("renamed");
    studio.settle().await;
    let (_, bytes) = copy_of(&studio, &ada).await;
    let all: String = read(&bytes).into_iter().map(|(_, text)| text).collect();
    assert!(all.contains("Canarina Second") && all.contains("canary@example.org"));
    assert!(!all.contains(PASSWORD) && !all.contains("argon2"));

    let folder = data_export::folder(cx, account);
    assert!(folder.is_dir());
    ask_deletion(&ada).await;
    studio.settle().await;
    studio.run_job("process-deletion-requests", &after_grace(&studio).to_rfc3339()).await;
    studio.settle().await;
    assert!(!folder.exists(), "copies go with the person");
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_cannot_be_made_is_tried_again_and_then_said_to_have_failed() {
    let studio = Studio::start().await;
    person(&studio, "ada@example.org", &[]).await;
    let ada = signed_in(&studio, "ada@example.org").await;
    let cx = &studio.instance.services;
    // A file stands where the folder should be.
    std::fs::write(cx.config.in_data("exports"), b"in the way").expect("written");
    assert_eq!(ada.submit(PAGE, PAGE, &[]).await.status, 303);
    for _ in 0..3 {
        data_export::step(cx).await.expect("a step");
    }
    let page = ada.get(PAGE).await.body;
    assert!(page.contains("could not be made"), "{page}");
    std::fs::remove_file(cx.config.in_data("exports")).expect("cleared");
    copy_of(&studio, &ada).await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_whose_process_died_while_it_was_made_is_made_anew() {
    let studio = Studio::start().await;
    let account = person(&studio, "ada@example.org", &[]).await;
    let ada = signed_in(&studio, "ada@example.org").await;
    let cx = &studio.instance.services;
    // As a killed process leaves it: taken, and half a file written.
    let id = uuid::Uuid::now_v7();
    let taken = "insert into public.data_exports (id, account, asked_at, attempts, taken_until)
        values ($1, $2, now(), 1, now() + interval '1 hour')";
    studio.superuser().await.execute(taken, &[&id, &account]).await.expect("taken");
    let folder = data_export::folder(cx, account);
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join(format!("{id}.part")), b"PK half").expect("half");
    assert!(!data_export::step(cx).await.expect("a step"), "as long as it may be at work, nobody else is");
    assert!(ada.get(PAGE).await.body.contains("is being made"));
    let over = "update public.data_exports set taken_until = now() - interval '1 second'";
    studio.superuser().await.execute(over, &[]).await.expect("over");
    while ada.get(PAGE).await.body.contains("is being made") {
        data_export::step(cx).await.expect("a step");
    }
    let (_, bytes) = ada.download(&format!("{PAGE}/{id}")).await;
    assert!(read(&bytes).iter().any(|(name, _)| name == "personal.json"));
    assert!(!folder.join(format!("{id}.part")).exists());
    studio.close().await;
}
