//! Files that staff let Kinora fetch from an address.

use super::*;
use crate::api::Program;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A place in the network that gives one file under every path, and how often it was asked.
async fn place(file: Vec<u8>, said: usize) -> (String, std::sync::Arc<std::sync::atomic::AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("port");
    let address = format!("http://{}", listener.local_addr().expect("address"));
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let mut head = [0; 2048];
            let _ = stream.read(&mut head).await;
            let begin = format!("HTTP/1.1 200 OK\r\ncontent-length: {said}\r\n\r\n");
            let _ = stream.write_all(begin.as_bytes()).await;
            let _ = stream.write_all(&file).await;
            let _ = stream.shutdown().await;
        }
    });
    (address, asked)
}

async fn fetch(browser: &Browser, url: &str) -> crate::support::Page {
    let fields = [("url", url), ("fetch_title", "Fetched")];
    browser.submit("/studio/uploads", "/studio/uploads/fetch", &fields).await
}

#[tokio::test]
async fn staff_let_a_file_be_fetched_and_it_goes_the_way_of_an_upload() {
    let studio = Studio::start_with(|c| {
        c.processing = Processing::Eager;
        c.media.fetch_private = true;
        c.limits.upload_bytes = 1 << 20;
    })
    .await;
    person(&studio, "editor@example.org", &[Role::Editor]).await;
    let editor = signed_in(&studio, "editor@example.org").await;
    let file = picture();
    let (address, _) = place(file.clone(), file.len()).await;
    let sent = fetch(&editor, &format!("{address}/pictures/salt.png")).await;
    assert_eq!(sent.status, 303, "{}", sent.body);
    let until = Instant::now() + Duration::from_secs(60);
    let cx = &studio.instance.services;
    let work = loop {
        studio.settle().await;
        let all = works::list(&cx.reader, None, None, 10).await.expect("list");
        if let Some(work) = all.into_iter().find(|w| w.processing == "ready") {
            break work;
        }
        assert!(Instant::now() < until, "it arrives");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(
        (work.title.as_str(), work.ending.as_str(), work.bytes),
        ("Fetched", "png", file.len() as u64)
    );
    assert_eq!(work.sha256, hex::encode(sha2::Sha256::digest(&file)));

    // What is too large by its own word is not begun; the field says so and keeps what was typed.
    let (large, _) = place(vec![], 2 << 20).await;
    let refused = fetch(&editor, &format!("{large}/large.mp4")).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(refused.body.contains("more than is allowed") && refused.body.contains("/large.mp4"));
    let wrong = fetch(&editor, "file:///etc/passwd").await;
    assert!(wrong.status == 422 && wrong.body.contains("no address of a file"), "{}", wrong.body);
    // What breaks off is told on the page, and nothing of it is kept.
    let (cut, _) = place(file[..100].to_vec(), file.len()).await;
    assert_eq!(fetch(&editor, &format!("{cut}/cut.png")).await.status, 303);
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let page = editor.get("/studio/uploads").await;
        if page.body.contains("was not fetched. The connection ended early. Fetch it again.") {
            break;
        }
        assert!(Instant::now() < until, "{}", page.body);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(std::fs::read_dir(studio.data.path().join("uploads")).map_or(0, Iterator::count), 0);
    studio.close().await;
}

#[tokio::test]
async fn no_place_inside_the_house_is_asked_and_creators_fetch_nothing() {
    let studio = Studio::start_with(|c| c.processing = Processing::Eager).await;
    person(&studio, "editor@example.org", &[Role::Editor]).await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let (address, asked) = place(picture(), 10).await;
    let editor = signed_in(&studio, "editor@example.org").await;
    let port = address.rsplit_once(':').expect("port").1;
    for host in ["127.0.0.1", "localhost", "[::1]", "0x7f000001", "169.254.169.254"] {
        let refused = fetch(&editor, &format!("http://{host}:{port}/a.png")).await;
        assert_eq!(refused.status, 422, "{host}");
        assert!(refused.body.contains("public place") || refused.body.contains("No such place"), "{host}");
    }
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 0);
    let maker = signed_in(&studio, "maker@example.org").await;
    assert!(!maker.get("/studio/uploads").await.body.contains("Fetch from an address"));
    assert_eq!(fetch(&maker, &format!("{address}/a.png")).await.status, 403);
    studio.close().await;
}

/// Asks until the fetch has ended one way or the other.
async fn ended(program: &Program, address: &str) -> Value {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let told = program.get(address).await;
        assert_eq!(told.status, 200, "{}", told.text);
        if told.body["state"] != "fetching" {
            return told.body;
        }
        assert!(Instant::now() < until, "{}", told.text);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_program_of_staff_lets_a_file_be_fetched_and_learns_what_became_of_it() {
    let studio = Studio::start_with(|c| {
        c.processing = Processing::Eager;
        c.media.fetch_private = true;
        c.limits.upload_bytes = 1 << 20;
    })
    .await;
    for (mail, role) in [("editor", Role::Editor), ("other", Role::Editor), ("maker", Role::Creator)] {
        person(&studio, &format!("{mail}@example.org"), &[role]).await;
    }
    let scopes = ["media:read", "media:write"];
    let editor = Program::of(&signed_in(&studio, "editor@example.org").await, &scopes).await;
    let other = Program::of(&signed_in(&studio, "other@example.org").await, &scopes).await;
    let maker = Program::of(&signed_in(&studio, "maker@example.org").await, &scopes).await;
    let reader = Program::of(&signed_in(&studio, "editor@example.org").await, &scopes[..1]).await;
    let file = picture();
    let (address, asked) = place(file.clone(), file.len()).await;
    let wish = json!({ "address": format!("{address}/salt.png"), "title": "By a program" });
    for (program, status) in [(&maker, 403), (&reader, 403)] {
        let refused = program.send(Method::POST, "/api/v1/fetches", &[], Some(wish.clone())).await;
        assert_eq!(refused.status, status, "{}", refused.text);
    }
    for (wrong, field) in [
        (json!({}), "address"),
        (json!({ "address": "" }), "address"),
        (json!({ "address": "https://example.org/a", "name": "x" }), "name"),
        (json!({ "address": "https://example.org/a", "replaces": "x" }), "replaces"),
    ] {
        let refused = editor.send(Method::POST, "/api/v1/fetches", &[], Some(wrong)).await;
        assert_eq!((refused.status.as_u16(), &refused.body["errors"][0]["field"]), (422, &json!(field)));
    }
    let foreign = json!({ "address": wish["address"], "replaces": Uuid::now_v7() });
    assert_eq!(editor.send(Method::POST, "/api/v1/fetches", &[], Some(foreign)).await.status, 404);
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 0, "nobody was asked for that");

    let key = [("idempotency-key", "once")];
    let begun = editor.send(Method::POST, "/api/v1/fetches", &key, Some(wish.clone())).await;
    assert_eq!(begun.status, 202, "{}", begun.text);
    let again = editor.send(Method::POST, "/api/v1/fetches", &key, Some(wish)).await;
    assert_eq!(again.body["id"], begun.body["id"]);
    let place_of = begun.header("location").to_owned();
    assert_eq!(place_of, begun.body["url"]);
    let done = ended(&editor, &place_of).await;
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 1, "the same wish is fetched once");
    assert_eq!((&done["state"], &done["error"]), (&json!("received"), &Value::Null), "{done}");
    studio.settle().await;
    let told = editor.get(&place_of).await;
    assert_eq!(told.body["media"]["title"], "By a program", "{}", told.text);
    assert_eq!(told.body["media"]["id"], done["media_id"]);
    assert_eq!(other.get(&place_of).await.status, 404, "another editor's affair");
    assert!(!told.text.contains(&address), "where it came from is kept nowhere");

    // The same for a new file of the work.
    let other_picture = crate::api::picture(77);
    let (another, _) = place(other_picture.clone(), other_picture.len()).await;
    let wish = json!({ "address": format!("{another}/pepper.png"), "replaces": done["media_id"] });
    let begun = editor.send(Method::POST, "/api/v1/fetches", &[], Some(wish)).await;
    let replaced = ended(&editor, begun.header("location")).await;
    assert_eq!(
        (&replaced["state"], &replaced["media_id"], &replaced["error"]),
        (&json!("received"), &done["media_id"], &Value::Null)
    );
    // What breaks off says so.
    let (cut, _) = place(file[..100].to_vec(), file.len()).await;
    let begun = editor
        .send(Method::POST, "/api/v1/fetches", &[], Some(json!({ "address": format!("{cut}/cut.png") })))
        .await;
    let broken = ended(&editor, begun.header("location")).await;
    assert_eq!(broken["state"], "failed");
    assert_eq!(broken["error"], "The connection ended early. Fetch it again.");
    // A place that gives nothing is told at once.
    let nowhere = json!({ "address": "file:///etc/passwd" });
    let refused = editor.send(Method::POST, "/api/v1/fetches", &[], Some(nowhere)).await;
    assert!(refused.status == 422 && refused.text.contains("no address of a file"), "{}", refused.text);
    studio.close().await;
}
