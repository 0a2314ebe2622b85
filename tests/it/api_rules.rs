//! Rules of HTTP that programs count on: one of several that change the same thing wins, a token opens what its answers
//! point to, and requests that cannot be meant are refused by name.

use crate::accounts::{person, signed_in};
use crate::api::{Program, picture, upload};
use crate::billing_pages::{link, open, order};
use crate::support::Studio;
use kinora::domain::shared::Role;
use reqwest::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn of_several_that_change_a_work_at_once_one_wins_and_the_others_are_told() {
    let studio = Studio::start_with(|c| c.processing = kinora::config::Processing::Eager).await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker =
        Program::of(&signed_in(&studio, "maker@example.org").await, &["media:read", "media:write"]).await;
    let id = upload(&maker, "Salt", picture(40)).await;
    studio.settle().await;
    let path = format!("/api/v1/media/{}", id.as_str().expect("an id"));
    for round in 0..4 {
        let tag = maker.get(&path).await.header("etag").to_owned();
        let tries = (0..6).map(|n| {
            let (maker, path, tag) = (&maker, &path, &tag);
            async move {
                // Titles differ, or only what stands in the further commands of the request.
                let change = match round % 2 {
                    0 => json!({ "description": format!("round {round}, {n}") }),
                    _ => json!({ "tags": [format!("round{round}n{n}")] }),
                };
                maker.send(Method::PATCH, path, &[("if-match", tag)], Some(change)).await.status.as_u16()
            }
        });
        let mut answers = futures_util::future::join_all(tries).await;
        answers.sort_unstable();
        assert_eq!(answers, [200, 412, 412, 412, 412, 412], "round {round}");
    }
    // What the answers point to is opened by the same token, and by no other.
    let done = maker.send(Method::POST, &format!("{path}/publish"), &[], None).await;
    assert_eq!(done.status, 200, "{}", done.text);
    let playback = maker.get(&format!("{path}/playback")).await;
    let file = playback.body["files"][0]["url"].as_str().expect("an address").to_owned();
    assert_eq!(maker.get(&file).await.status, 200, "{file}");
    let uploads = Program::of(&signed_in(&studio, "maker@example.org").await, &["account:read"]).await;
    assert_eq!(uploads.get(&file).await.status, 403);
    assert_eq!(maker.get("/api/v1/openapi.json").await.status, 200);

    // A key that cannot be read is no key that may be passed over.
    for key in [&b""[..], "\u{e4}".as_bytes(), b"\xe4"] {
        let sent = reqwest::Client::new()
            .patch(format!("{}{path}", studio.url))
            .bearer_auth(&maker.token)
            .header("idempotency-key", reqwest::header::HeaderValue::from_bytes(key).expect("bytes"))
            .json(&json!({ "title": "Other" }))
            .send()
            .await
            .expect("an answer");
        assert_eq!(sent.status(), 400, "{key:?}");
    }
    let refused = maker.send(Method::DELETE, "/api/v1/openapi.json", &[], None).await;
    assert_eq!((refused.status.as_u16(), refused.header("allow")), (405, "GET, HEAD"));
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_hosts_and_bodies_that_cannot_be_meant() {
    let (studio, member, billing) = open().await;
    let slash = member.get("/films/?sort=title").await;
    assert_eq!((slash.status, slash.location()), (308, "/films?sort=title"));
    assert_eq!(member.get("/nothing/").await.status, 404);
    for (path, part) in [
        ("/billing/orders?from=2030-01-01&format=csv", "from"),
        ("/billing/subscriptions?colour=red&format=jsonl", "colour"),
        ("/billing/payments?state=x&format=csv", "state"),
    ] {
        let answer = billing.get(path).await;
        assert_eq!(answer.status, 422, "{path}");
        assert!(answer.body.contains(&format!("not narrowed by {part}")), "{path}: {}", answer.body);
    }
    // Numbers and flags of a file are no texts.
    let joined = order(&studio, &member, "NL", "card", "4242 4242 4242 4242").await;
    assert_eq!(joined.status, 303);
    let line = billing.get("/billing/subscriptions?format=jsonl").await.body;
    let row: serde_json::Value = serde_json::from_str(line.lines().next().expect("a row")).expect("JSON");
    assert!(row["parked"].is_boolean() && row["price"].is_string(), "{row}");

    // Without a body, told by its length alone; and with two names of the site.
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = studio.url.trim_start_matches("http://").to_owned();
    for (head, status) in [
        (
            format!(
                "POST /login HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 99999999999\r\nconnection: close\r\n\r\n"
            ),
            " 413 ",
        ),
        (
            format!(
                "GET /films HTTP/1.1\r\nhost: {address}\r\nhost: evil.example\r\nconnection: close\r\n\r\n"
            ),
            " 421 ",
        ),
    ] {
        let mut stream = tokio::net::TcpStream::connect(&address).await.expect("connected");
        stream.write_all(head.as_bytes()).await.expect("sent");
        let mut answer = vec![0; 64];
        stream.read_exact(&mut answer).await.expect("an answer");
        let line = String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned();
        assert!(line.contains(status), "{line}");
    }
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_price_with_another_tax_in_it_is_asked_for_again() {
    let (studio, member, _) = open().await;
    let payment = member.get(&link(&member.get("/join").await.body, "/join/")).await;
    let action = link(&payment.body, "/join/");
    let page = format!("{action}?country=NL&way=card");
    let fields = [
        ("country", "DE"),
        ("name", "Mira Member"),
        ("street", "Keizersgracht 1"),
        ("postcode", "1015 CC"),
        ("city", "Amsterdam"),
        ("card_number", "4242 4242 4242 4242"),
        ("card_expiry", "12/35"),
    ];
    let shown = member.get(&page).await.body;
    assert!(shown.contains("name=\"rate\" value=\"2100\""), "{shown}");
    let answer = member.submit(&page, &action, &fields).await;
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("Nothing was ordered: look at it again, then order."), "{}", answer.body);
    assert!(answer.body.contains("name=\"rate\" value=\"1900\""), "{}", answer.body);
    studio.close().await;
}
