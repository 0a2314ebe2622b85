//! At the door: whose name is called, who calls, and one connection too many.

use super::app::App;
use super::error::HttpError;
use crate::config::Config;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use warp::http::HeaderMap;

/// Connections beyond the limit that are told so at once; more are simply closed.
pub(super) const REFUSALS: usize = 64;
/// How long that may take.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(2);
/// What probes ask, which know no name of the site.
const FOR_PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// Refuses a name that is not ours; probes need none.
pub(super) fn admit(app: &App, path: &str, host: &str) -> Result<(), HttpError> {
    if FOR_PROBES.contains(&path) { Ok(()) } else { check_host(app, host) }
}

/// Tells one connection too many, as far as it listens.
pub(super) async fn refuse(stream: TcpStream) {
    let _ = tokio::time::timeout(REFUSAL_TIMEOUT, tell(stream)).await;
}

/// One connection too many: says so, and when to come back. What was sent is read before the end, or the answer
/// would be lost with it.
async fn tell(mut stream: TcpStream) -> std::io::Result<()> {
    const WORDS: &str = "Too many people are here at once. Try again in a moment; nothing was changed.\n";
    let head = format!(
        "HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\ncache-control: no-store\r\nconnection: close\r\n\r\n{WORDS}",
        WORDS.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.shutdown().await?;
    let mut rest = [0; 4096];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}

fn check_host(app: &App, host: &str) -> Result<(), HttpError> {
    let allowed = &app.config.allowed_hosts;
    let name = host
        .rsplit_once(':')
        .map_or(host, |(name, port)| if port.chars().all(|c| c.is_ascii_digit()) { name } else { host });
    let listed = allowed.iter().any(|a| a.eq_ignore_ascii_case(name) || a.eq_ignore_ascii_case(host));
    let at_home = || allowed.is_empty() && !app.config.is_production() && is_at_home(&app.config, name);
    if listed || at_home() { Ok(()) } else { Err(HttpError::Misdirected) }
}

/// Names for this machine itself, and the one the studio says it has. Any other name that leads
/// here may be another site's that was pointed at loopback to read along (DNS rebinding).
fn is_at_home(config: &Config, name: &str) -> bool {
    let own = |url: &str| url::Url::parse(url).ok().and_then(|u| u.host_str().map(str::to_owned));
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost")
        || name.to_ascii_lowercase().ends_with(".localhost")
        || address.is_ok_and(|a| a.is_loopback() || a == config.listen.ip())
        || config.base_url.as_deref().and_then(own).is_some_and(|host| host.eq_ignore_ascii_case(name))
}

/// A proxy on loopback tells whom it speaks for; nobody else is believed.
pub(super) fn client_address(peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    if !peer.is_loopback() {
        return peer;
    }
    let forwarded = headers.get("x-forwarded-for").and_then(|v| v.to_str().ok());
    let last = forwarded.and_then(|list| list.rsplit(',').next()).and_then(|a| a.trim().parse().ok());
    last.unwrap_or(if peer.is_ipv6() { peer } else { IpAddr::V4(Ipv4Addr::LOCALHOST) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_list_only_this_machines_own_names_are_answered() {
        let config = Config { base_url: Some("https://studio.example.org".into()), ..Config::default() };
        for own in ["localhost", "LocalHost", "a.localhost", "127.0.0.1", "[::1]", "studio.example.org"] {
            assert!(is_at_home(&config, own), "{own}");
        }
        for foreign in ["", "evil.example", "127.0.0.1.evil.example", "10.0.0.1"] {
            assert!(!is_at_home(&config, foreign), "{foreign}");
        }
    }
}
