//! What processes remember of opened personal values: forgotten by all of them, whoever removes the value.

use crate::accounts::person;
use crate::support::Studio;
use kinora::domain::shared::PersonalRef;
use kinora::projections::people;
use kinora::startup::Roles;
use std::time::Duration;

async fn open(studio: &Studio, reference: &PersonalRef) -> Option<String> {
    studio.instance.services.reader.open(reference).await.expect("opened")
}

/// Opens the value until it is remembered: it is still read when what lies in the table is damaged.
async fn remembered(studio: &Studio, reference: &PersonalRef) {
    let sql = "update vault set ciphertext = $4 where subject = $1 and field = $2 and version = $3
               returning (select ciphertext from vault where subject = $1 and field = $2 and version = $3)";
    let (subject, field, version) = (&reference.subject, &reference.field, &reference.version);
    for _ in 0..100 {
        assert!(open(studio, reference).await.is_some());
        let client = studio.superuser().await;
        let damaged: &[u8] = b"damaged";
        let whole: Vec<u8> =
            client.query_one(sql, &[subject, field, version, &damaged]).await.expect("damaged").get(0);
        let read = studio.instance.services.reader.open(reference).await;
        client.query_one(sql, &[subject, field, version, &whole]).await.expect("whole again");
        if read.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("never remembered");
}

async fn forgotten(studio: &Studio, reference: &PersonalRef) {
    for _ in 0..100 {
        if open(studio, reference).await.is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("never forgotten");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_process_forgets_what_any_of_them_or_anybody_else_removes() {
    let studio = Studio::start().await;
    let other = studio.beside(Roles { web: true, ..Roles::default() }).await;
    let mut names = vec![];
    for mail in ["ada@example.org", "bo@example.org"] {
        let id = person(&studio, mail, &[]).await;
        let found = people::by_id(&studio.instance.services.reader, id).await.expect("read").expect("there");
        names.push(found.display_name.expect("a name"));
    }
    let [ada, bo] = <[PersonalRef; 2]>::try_from(names).expect("two");
    for name in [&ada, &bo] {
        remembered(&studio, name).await;
        remembered(&other, name).await;
    }
    // By a process that erases: there at once, elsewhere as soon as it is heard.
    let cx = &studio.instance.services;
    cx.vault.erase(&studio.client().await, ada.subject).await.expect("erased");
    assert_eq!(open(&studio, &ada).await, None);
    forgotten(&other, &ada).await;
    assert_eq!(open(&other, &bo).await.as_deref(), Some("Name of bo"), "others stay");
    // By hand, past every program.
    let sql = "delete from vault where subject = $1";
    assert!(studio.superuser().await.execute(sql, &[&bo.subject]).await.expect("removed") > 0);
    forgotten(&studio, &bo).await;
    forgotten(&other, &bo).await;
    other.close().await;
    studio.close().await;
}
