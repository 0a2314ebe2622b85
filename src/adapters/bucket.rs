//! A bucket that speaks S3: requests are signed by `object_store` and sent by the client that all calls to
//! services elsewhere use.

use crate::config;
use crate::config::secrets;
use async_trait::async_trait;
use http_body_util::BodyExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector as Tcp;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use object_store::aws::AmazonS3Builder;
use object_store::client::{
    ClientOptions, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody,
    HttpResponse, HttpResponseBody, HttpService,
};
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ObjectStore, RetryConfig};
use std::sync::Arc;
use std::time::Duration;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// How long the bucket may take to answer; sending a part of a large file counts.
const ANSWER: Duration = Duration::from_secs(300);
/// Pause of the first repetition, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(3));
/// How long a request is repeated that the bucket refuses for want of time, or that breaks off.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug)]
struct Connector;

#[derive(Debug)]
struct Service(Client<HttpsConnector<Tcp>, HttpRequestBody>);

impl HttpConnector for Connector {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        let mut tcp = Tcp::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(CONNECT));
        tcp.set_nodelay(true);
        // Plain http only reaches this machine: the settings allow nothing else.
        let https = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1();
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_secs(20))
            .pool_timer(TokioTimer::new())
            .build(https.wrap_connector(tcp));
        Ok(HttpClient::new(Service(client)))
    }
}

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let sent = tokio::time::timeout(ANSWER, self.0.request(request)).await;
        let answer = sent.map_err(|late| HttpError::new(HttpErrorKind::Timeout, late))?.map_err(|e| {
            let kind = if e.is_connect() { HttpErrorKind::Connect } else { HttpErrorKind::Request };
            HttpError::new(kind, e)
        })?;
        let (head, body) = answer.into_parts();
        let body = body.map_err(|e| HttpError::new(HttpErrorKind::Interrupted, e));
        Ok(HttpResponse::from_parts(head, HttpResponseBody::new(body)))
    }
}

/// The bucket of the settings; `None` without one. Nothing is sent yet.
///
/// # Errors
/// If the secret cannot be read or the settings make no address, in words for operators.
pub fn open(settings: &config::S3) -> Result<Option<Arc<dyn ObjectStore>>, String> {
    let Some(bucket) = settings.bucket() else { return Ok(None) };
    let file = settings.secret_file.as_ref().ok_or("storage.s3.secret_file is needed")?;
    let secret = secrets::private(file)?;
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(&settings.region)
        .with_access_key_id(&settings.key_id)
        .with_secret_access_key(secret.trim())
        .with_virtual_hosted_style_request(!settings.path_style)
        .with_allow_http(true)
        .with_retry(RetryConfig {
            backoff: BackoffConfig { init_backoff: PAUSES.0, max_backoff: PAUSES.1, base: 2.0 },
            max_retries: 5,
            retry_timeout: PATIENCE,
        })
        .with_http_connector(Connector);
    if let Some(endpoint) = settings.endpoint() {
        // With the bucket in front of the host, the address is that of the bucket.
        let address = match endpoint.split_once("://") {
            Some((scheme, host)) if !settings.path_style => format!("{scheme}://{bucket}.{host}"),
            _ => endpoint.to_owned(),
        };
        builder = builder.with_endpoint(address);
    }
    let store = builder.build().map_err(|e| format!("storage.s3: {e}"))?;
    let prefix = settings.prefix.trim_matches('/');
    Ok(Some(if prefix.is_empty() { Arc::new(store) } else { Arc::new(PrefixStore::new(store, prefix)) }))
}
