//! Uploads that are cut, disks that are full. Small by default; for the long runs:
//!
//! `UPLOAD_CUTS=60 UPLOAD_MIB=2048 cargo test --test it -- faults::cuts --nocapture`; what kills of worker, child and
//! database cost is in `killed.rs` (`KILLS=20`). The figures are in `docs/measurements.md`.

mod cuts;
mod full_disk;

use crate::support::Browser;
use reqwest::Method;

/// A number from the environment, or the small one.
pub fn number(name: &str, small: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(small)
}

/// A request of tus 1.0 from a signed-in person.
pub fn tus(browser: &Browser, method: Method, path: &str, token: &str) -> reqwest::RequestBuilder {
    let request = browser.client.request(method, format!("{}{path}", browser.url));
    request.header("tus-resumable", "1.0.0").header("x-csrf-token", token)
}

/// How much of an upload the studio has.
pub async fn offset(browser: &Browser, place: &str, token: &str) -> u64 {
    let head = tus(browser, Method::HEAD, place, token).send().await.expect("an answer");
    assert_eq!(head.status(), 200);
    head.headers()["upload-offset"].to_str().expect("text").parse().expect("a number")
}

/// Begins an upload; gives its address.
pub async fn begin(browser: &Browser, token: &str, length: u64, title: &str) -> String {
    use base64::Engine;
    let about = format!("title {}", base64::engine::general_purpose::STANDARD.encode(title));
    let begun = tus(browser, Method::POST, "/uploads/", token)
        .header("upload-length", length)
        .header("upload-metadata", about)
        .send()
        .await
        .expect("an answer");
    let status = begun.status();
    let place = begun.headers().get("location").map(|v| v.to_str().expect("text").to_owned());
    place.unwrap_or_else(|| panic!("{status}"))
}

/// A piece of an upload.
pub fn patch(browser: &Browser, place: &str, token: &str, at: u64) -> reqwest::RequestBuilder {
    tus(browser, Method::PATCH, place, token)
        .header("content-type", "application/offset+octet-stream")
        .header("upload-offset", at)
}
