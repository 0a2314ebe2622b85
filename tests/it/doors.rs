//! What happens before a page is looked for: foreign names, probes, one connection too many.

use crate::support::Studio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn said(studio: &Studio, text: &str) -> String {
    let address = studio.url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let mut stream = TcpStream::connect(&address).await.expect("connected");
    stream.write_all(text.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    tokio::time::timeout(Duration::from_secs(30), read).await.expect("an end").expect("read");
    answer
}

fn ask(path: &str, host: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_name_is_refused_at_every_address_but_those_for_probes() {
    let studio = Studio::start().await;
    for path in ["/", "/films", "/no/such/place", "/api/v1/nothing", "/version"] {
        let answer = said(&studio, &ask(path, "evil.example")).await;
        assert!(answer.starts_with("HTTP/1.1 421"), "{path}: {answer}");
    }
    for path in ["/healthz", "/readyz"] {
        let answer = said(&studio, &ask(path, "10.1.2.3")).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }
    assert!(said(&studio, &ask("/no/such/place", "localhost")).await.starts_with("HTTP/1.1 404"));
    assert!(said(&studio, "this is no HTTP\r\n\r\n").await.starts_with("HTTP/1.1 400"));
    let refused =
        |reason: &str| studio.instance.services.metrics.http.refused.with_label_values(&[reason]).get();
    assert_eq!(refused("host"), 5);
    for _ in 0..100 {
        if refused("malformed") == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(refused("malformed"), 1);
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_too_many_is_told_when_to_come_back() {
    let studio = Studio::start_with(|c| c.limits.connections = 1).await;
    let address = studio.url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let mut held = TcpStream::connect(&address).await.expect("connected");
    held.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("sent");
    let mut first = [0; 12];
    held.read_exact(&mut first).await.expect("answered");
    assert_eq!(&first, b"HTTP/1.1 200");
    let answer = said(&studio, &ask("/", "localhost")).await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("\r\nretry-after: 2\r\n"), "{answer}");
    drop(held);
    studio.close().await;
}
