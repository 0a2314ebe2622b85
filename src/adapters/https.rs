//! Calls to services elsewhere: TLS with the roots of browsers, a time limit, a limit of size. Plain http is
//! spoken to this machine only.

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::time::Duration;
use url::Url;

/// Largest answer that is read.
const LONGEST: usize = 1 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpsError {
    /// It took too long.
    #[error("no answer in time")]
    TimedOut,
    /// The connection or the answer was broken.
    #[error("{0}")]
    Broken(String),
}

/// Speaks to services elsewhere; clones share their connections.
#[derive(Clone, Debug)]
pub struct Https {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Default for Https {
    fn default() -> Self {
        let connector =
            HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        Self { client: Client::builder(TokioExecutor::new()).build(connector) }
    }
}

impl Https {
    /// Sends `request`; the status and the body of the answer.
    ///
    /// # Errors
    /// If there is no whole answer within `patience`.
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
        patience: Duration,
    ) -> Result<(u16, Bytes), HttpsError> {
        let work = async {
            let answer = self.client.request(request).await.map_err(|e| HttpsError::Broken(e.to_string()))?;
            let status = answer.status().as_u16();
            let body = Limited::new(answer.into_body(), LONGEST).collect().await;
            Ok((status, body.map_err(|e| HttpsError::Broken(e.to_string()))?.to_bytes()))
        };
        tokio::time::timeout(patience, work).await.unwrap_or(Err(HttpsError::TimedOut))
    }
}

/// The address of a service: https, or plain http on this machine where `plain` allows it.
///
/// # Errors
/// In words that name `setting`, for any other address.
pub fn service(setting: &str, address: &str, plain: bool) -> Result<Url, String> {
    let url = Url::parse(address).map_err(|e| format!("{setting}: {e}"))?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let local = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match url.scheme() {
        "https" => Ok(url),
        "http" if local && plain => Ok(url),
        "http" if local => Err(format!("{setting} must be an https:// address in production")),
        _ => Err(format!("{setting} must be an https:// address, or http:// on this machine")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_in_clear_to_other_machines() {
        for good in ["https://api.stripe.com", "https://127.0.0.1:1"] {
            assert!(service("s", good, false).is_ok(), "{good}");
        }
        for local in ["http://127.0.0.1:8420", "http://[::1]:8420/x", "http://localhost:1"] {
            assert!(service("s", local, true).is_ok() && service("s", local, false).is_err(), "{local}");
        }
        for bad in ["http://api.stripe.com", "ftp://127.0.0.1", "nonsense", "http://127.0.0.1.example.org"] {
            assert!(service("s", bad, true).is_err(), "{bad}");
        }
    }
}
