//! Data keys in a database of their own, for several machines.

use crate::accounts::{person, signed_in};
use crate::support::Studio;
use kinora::store::address::Address;
use kinora::store::cluster::Cluster;
use kinora::store::pool::connect;
use std::os::unix::fs::PermissionsExt;
use uuid::Uuid;

/// A second cluster, and the address of a database in it.
async fn apart(folder: &std::path::Path) -> (Cluster, String) {
    // PostgreSQL's own user passes through.
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("opened");
    let cluster = Cluster::start_or_join(folder).await.expect("a second cluster");
    let mut config = cluster.database("postgres").owner;
    config.user("postgres");
    let superuser = connect(&config).await.expect("superuser");
    cluster.make_database(&superuser, "keys").await.expect("made");
    let socket = cluster.socket_folder().display().to_string();
    let host: String = url::form_urlencoded::byte_serialize(socket.as_bytes()).collect();
    (cluster, format!("postgresql://kinora_owner@/keys?host={host}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_in_a_database_of_their_own_are_made_wrapped_anew_backed_up_and_destroyed() {
    let folder = tempfile::tempdir().expect("folder");
    let (cluster, url) = apart(folder.path()).await;
    let studio = Studio::start_with(|c| c.keys_database_url = Some(url.clone())).await;
    let ada = person(&studio, "ada@example.org", &[]).await;
    person(&studio, "bob@example.org", &[]).await;
    assert!(
        signed_in(&studio, "ada@example.org").await.get("/account").await.body.contains("ada@example.org")
    );
    assert!(!studio.data.path().join("keys").exists(), "nothing lies in the data folder");
    let keys = connect(&Address::parse(&url).expect("an address")).await.expect("connected");
    let wrapped = async |who: Uuid| {
        let sql = "select wrapped from kinora_data_keys where subject = $1";
        keys.query_opt(sql, &[&who]).await.expect("read").map(|row| row.get::<_, Vec<u8>>(0))
    };
    let before = wrapped(ada).await.expect("her key");

    let vault = studio.instance.services.vault.clone();
    let store = vault.key_store();
    let known = store.get(ada).await.expect("read").expect("her key");
    assert!(store.rotate().await.expect("wrapped anew") >= 2);
    assert_ne!(wrapped(ada).await, Some(before), "by another key");
    assert_eq!(store.get(ada).await.expect("read"), Some(known.clone()), "the same inside");

    let copy = tempfile::tempdir().expect("folder");
    let made = kinora::actors::backup::create(&studio.instance.services, copy.path()).await.expect("backup");
    let name = ada.simple().to_string();
    assert!(made.keys.join("keys").join(&name[30..]).join(format!("{ada}.key")).exists());

    vault.erase(&studio.client().await, ada).await.expect("erased");
    vault.erase(&studio.client().await, ada).await.expect("twice is harmless");
    assert_eq!((wrapped(ada).await, store.get(ada).await.expect("read")), (None, None));
    assert_eq!(store.import(&made.keys.join("keys")).await.expect("put back"), 1, "only what was missing");
    assert_eq!(store.get(ada).await.expect("read"), Some(known));
    drop(keys);
    studio.close().await;
    cluster.leave().expect("left");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_beside_the_log_are_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let (cluster, url) = apart(folder.path()).await;
    let masters = kinora::store::masters::Masters::fixed([7; 32].into());
    let refused = kinora::store::keys::KeyStore::connect(&url, &cluster.database("keys"), masters).await;
    let words = refused.map(|_| ()).expect_err("the same cluster").to_string();
    assert!(words.contains("another cluster"), "{words}");
    cluster.leave().expect("left");
}
