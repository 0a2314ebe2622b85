//! The sandbox's protocol over HTTP (`docs/gateway-protocol.md`): a shop's own payment service, or a
//! test that stands in for one, answers instead of the sandbox in process.

use super::{CardEntry, ChargeRequest, Gateway, GatewayError, RefundRequest, SavedMethod};
use crate::domain::order::{DisputeReport, DisputeState};
use crate::domain::shared::Money;
use crate::domain::shared::payment::{Collection, Outcome, RefundOutcome, card_expires_on};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpStream;
use url::Url;
use uuid::Uuid;

/// How long an answer may take; after that it is unknown what became of the charge.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest answer that is read.
const LONGEST: usize = 64 * 1024;

/// The gateway at an address.
#[derive(Clone, Debug)]
pub struct Remote {
    base: Url,
}

#[derive(Deserialize)]
struct Saved {
    token: String,
    label: String,
}

#[derive(Deserialize)]
struct Problem {
    error: String,
}

#[derive(Deserialize)]
struct Disputes {
    disputes: Vec<Disputed>,
}

#[derive(Deserialize)]
struct Disputed {
    dispute: String,
    charge: Uuid,
    #[serde(flatten)]
    amount: Money,
    reason: String,
    state: DisputeState,
}

impl Disputed {
    fn report(self) -> DisputeReport {
        let Self { dispute, charge, amount, reason, state } = self;
        DisputeReport { dispute, attempt: charge, amount, reason, state }
    }
}

impl Remote {
    /// The gateway at `base`: plain http on this machine.
    ///
    /// # Errors
    /// In words, for any other address.
    pub fn new(base: &str) -> Result<Self, String> {
        let base = Url::parse(base).map_err(|e| format!("gateways.sandbox.base_url: {e}"))?;
        let host = base.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let local = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if base.scheme() != "http" || !local {
            return Err(
                "gateways.sandbox.base_url must be http:// on this machine, such as http://127.0.0.1:4010"
                    .into(),
            );
        }
        Ok(Self { base })
    }

    /// Sends a request; the status and the body of the answer. No answer in time is "timed out".
    async fn send(&self, method: &str, path: &str, body: &Value) -> Result<(u16, Bytes), GatewayError> {
        let work = async {
            let host = self.base.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
            let stream =
                TcpStream::connect((host.as_str(), self.base.port_or_known_default().unwrap_or(80))).await?;
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
                .await
                .map_err(std::io::Error::other)?;
            tokio::spawn(connection);
            let target = format!("{}{path}", self.base.path().trim_end_matches('/'));
            let request = Request::builder()
                .method(method)
                .uri(target)
                .header("host", self.base.authority())
                .header("content-type", "application/json")
                .body(Full::new(Bytes::from(body.to_string())))
                .map_err(std::io::Error::other)?;
            let answer = sender.send_request(request).await.map_err(std::io::Error::other)?;
            let status = answer.status().as_u16();
            let body =
                Limited::new(answer.into_body(), LONGEST).collect().await.map_err(std::io::Error::other)?;
            Ok::<_, std::io::Error>((status, body.to_bytes()))
        };
        match tokio::time::timeout(PATIENCE, work).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the payment service cannot be reached");
                Err(GatewayError::TimedOut)
            }
            Err(_) => Err(GatewayError::TimedOut),
        }
    }

    async fn outcome(&self, method: &str, path: &str, body: &Value) -> Result<Option<Outcome>, GatewayError> {
        let (status, bytes) = self.send(method, path, body).await?;
        match status {
            200 | 201 => serde_json::from_slice(&bytes).map(Some).map_err(|_| GatewayError::TimedOut),
            404 => Ok(None),
            400..=499 => Err(GatewayError::Refused(words(&bytes))),
            // An error on its side says nothing about the money: it is looked up.
            _ => Err(GatewayError::TimedOut),
        }
    }
}

fn words(bytes: &Bytes) -> String {
    serde_json::from_slice::<Problem>(bytes)
        .map_or_else(|_| "The payment service refused.".into(), |p| p.error)
}

#[async_trait]
impl Gateway for Remote {
    fn name(&self) -> &'static str {
        "sandbox"
    }

    fn collections(&self) -> &'static [Collection] {
        &[Collection::Automatic, Collection::Manual]
    }

    async fn save(&self, card: &CardEntry) -> Result<SavedMethod, GatewayError> {
        let body = json!({ "number": card.number, "expiry": card.expiry });
        let (status, bytes) = self.send("POST", "/v1/methods", &body).await?;
        match status {
            200 | 201 => serde_json::from_slice::<Saved>(&bytes)
                .map(|s| SavedMethod {
                    token: s.token,
                    label: s.label,
                    expires_on: card_expires_on(&card.expiry),
                })
                .map_err(|_| GatewayError::TimedOut),
            400..=499 => Err(GatewayError::Refused(words(&bytes))),
            _ => Err(GatewayError::TimedOut),
        }
    }

    async fn charge(&self, request: &ChargeRequest) -> Result<Outcome, GatewayError> {
        let body = json!({
            "token": request.token, "minor": request.amount.minor, "currency": request.amount.currency,
            "description": request.description, "at": request.at,
        });
        let (status, bytes) = self.send("PUT", &format!("/v1/charges/{}", request.key), &body).await?;
        match status {
            200 | 201 => serde_json::from_slice(&bytes).map_err(|_| GatewayError::TimedOut),
            402 | 422 => Err(GatewayError::Refused(words(&bytes))),
            // Everything else (a proxy's 404, "in progress", "too many") says nothing about the
            // money: it is looked up.
            _ => Err(GatewayError::TimedOut),
        }
    }

    async fn look_up(&self, key: Uuid, _: Money) -> Result<Option<Outcome>, GatewayError> {
        self.outcome("GET", &format!("/v1/charges/{key}"), &Value::Null).await
    }

    async fn cancel(&self, key: Uuid, amount: Money, at: DateTime<Utc>) -> Result<Outcome, GatewayError> {
        let body = json!({ "minor": amount.minor, "currency": amount.currency, "at": at });
        let answer = self.outcome("POST", &format!("/v1/charges/{key}/cancel"), &body).await?;
        answer.ok_or(GatewayError::TimedOut)
    }

    async fn confirm(
        &self,
        key: Uuid,
        approve: bool,
        _: Money,
        at: DateTime<Utc>,
    ) -> Result<Outcome, GatewayError> {
        let body = json!({ "approve": approve, "at": at });
        let answer = self.outcome("POST", &format!("/v1/charges/{key}/confirm"), &body).await?;
        answer.ok_or(GatewayError::Unsupported)
    }

    async fn refund(&self, request: &RefundRequest) -> Result<RefundOutcome, GatewayError> {
        let RefundRequest { key, charge, amount, at } = request;
        let body = json!({ "minor": amount.minor, "currency": amount.currency, "at": at });
        let (status, bytes) = self.send("PUT", &format!("/v1/charges/{charge}/refunds/{key}"), &body).await?;
        match status {
            200 | 201 => serde_json::from_slice(&bytes).map_err(|_| GatewayError::TimedOut),
            402 | 422 => Err(GatewayError::Refused(words(&bytes))),
            _ => Err(GatewayError::TimedOut),
        }
    }

    async fn look_up_refund(&self, charge: Uuid, key: Uuid) -> Result<Option<RefundOutcome>, GatewayError> {
        let path = format!("/v1/charges/{charge}/refunds/{key}");
        let (status, bytes) = self.send("GET", &path, &Value::Null).await?;
        match status {
            200 => serde_json::from_slice(&bytes).map(Some).map_err(|_| GatewayError::TimedOut),
            404 => Ok(None),
            _ => Err(GatewayError::TimedOut),
        }
    }

    async fn disputes(
        &self,
        since: DateTime<Utc>,
        _: DateTime<Utc>,
    ) -> Result<Vec<DisputeReport>, GatewayError> {
        let since: String = url::form_urlencoded::byte_serialize(since.to_rfc3339().as_bytes()).collect();
        let (status, bytes) = self.send("GET", &format!("/v1/disputes?since={since}"), &Value::Null).await?;
        match status {
            200 => serde_json::from_slice::<Disputes>(&bytes)
                .map(|all| all.disputes.into_iter().map(Disputed::report).collect())
                .map_err(|_| GatewayError::TimedOut),
            // A service that knows none.
            404 => Ok(vec![]),
            _ => Err(GatewayError::TimedOut),
        }
    }

    async fn forget(&self, token: &str) -> Result<(), GatewayError> {
        let token: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
        let (status, _) = self.send("DELETE", &format!("/v1/methods/{token}"), &Value::Null).await?;
        if matches!(status, 200..=299 | 404) { Ok(()) } else { Err(GatewayError::TimedOut) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::shared::Currency;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// Answers one request after the other with what `script` says; gives the heads it saw.
    async fn service(script: Vec<Option<&'static str>>) -> (Remote, tokio::task::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let remote = Remote::new(&format!("http://{}/pay/", listener.local_addr().unwrap())).unwrap();
        let seen = tokio::spawn(async move {
            let mut heads = Vec::new();
            for answer in script {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut buffer = vec![0; 4096];
                let n = stream.read(&mut buffer).await.unwrap();
                heads.push(String::from_utf8_lossy(&buffer[..n]).lines().next().unwrap_or("").to_owned());
                if let Some(answer) = answer {
                    let (status, body) = answer.split_once(' ').unwrap();
                    let text = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                    stream.write_all(text.as_bytes()).await.unwrap();
                }
            }
            heads
        });
        (remote, seen)
    }

    fn request() -> ChargeRequest {
        ChargeRequest {
            key: Uuid::from_u128(7),
            token: "t".into(),
            amount: Money::new(1150, Currency::eur()),
            description: "K1".into(),
            present: false,
            at: DateTime::UNIX_EPOCH,
        }
    }

    #[tokio::test]
    async fn charges_are_put_by_key_and_looked_up_by_it() {
        let (remote, seen) = service(vec![
            Some(r#"200 {"outcome":"declined","code":"insufficient_funds","hard":false}"#),
            None,
            Some(r#"404 {"error":"no such charge"}"#),
            Some(r#"200 {"outcome":"succeeded","gateway_reference":"x1"}"#),
            Some(r#"422 {"error":"The card number is wrong."}"#),
            Some("500 broken"),
            Some("404 nobody here"),
            Some(r#"409 {"error":"in progress"}"#),
            Some("429 later"),
            Some(r#"422 {"error":"This token is not known."}"#),
        ])
        .await;
        let declined = Outcome::Declined { code: "insufficient_funds".into(), hard: false };
        assert_eq!(remote.charge(&request()).await, Ok(declined));
        assert_eq!(remote.charge(&request()).await, Err(GatewayError::TimedOut), "the connection broke off");
        assert_eq!(remote.look_up(request().key, request().amount).await, Ok(None));
        let paid = Outcome::Succeeded { gateway_reference: "x1".into() };
        assert_eq!(remote.look_up(request().key, request().amount).await, Ok(Some(paid)));
        let card = CardEntry { number: "1".into(), expiry: "1".into() };
        assert_eq!(
            remote.save(&card).await.map(|_| ()),
            Err(GatewayError::Refused("The card number is wrong.".into()))
        );
        assert_eq!(remote.look_up(request().key, request().amount).await, Err(GatewayError::TimedOut));
        for says_nothing in [404, 409, 429] {
            let answer = remote.charge(&request()).await;
            assert_eq!(answer, Err(GatewayError::TimedOut), "{says_nothing} is no answer about the money");
        }
        let refused = GatewayError::Refused("This token is not known.".into());
        assert_eq!(remote.charge(&request()).await, Err(refused));
        let heads = seen.await.unwrap();
        assert_eq!(heads[0], "PUT /pay/v1/charges/00000000-0000-0000-0000-000000000007 HTTP/1.1");
        assert_eq!(heads[4], "POST /pay/v1/methods HTTP/1.1");
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_clear() {
        assert!(Remote::new("http://127.0.0.1:4010").is_ok() && Remote::new("http://[::1]:4010/x").is_ok());
        for bad in ["https://127.0.0.1", "http://pay.example", "ftp://127.0.0.1", "nonsense"] {
            assert!(Remote::new(bad).is_err(), "{bad}");
        }
    }
}
