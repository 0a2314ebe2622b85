//! `/metrics`: on a listener of its own, and on the site for whoever holds the token.

use super::error::HttpError;
use super::request::Req;
use super::response::{self, Res};
use super::route::{Access, Route};
use crate::metrics::Metrics;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use warp::http::header::{AUTHORIZATION, CONTENT_TYPE};
use warp::http::{Method, Request, Response, StatusCode};

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The address of this file on the site.
#[must_use]
pub fn routes() -> Vec<Route> {
    vec![Route::get("/metrics", Access::Anyone, with_token)]
}

/// Without the token there is nothing at this address.
async fn with_token(req: Req) -> Result<Res, HttpError> {
    let given = req.header(AUTHORIZATION.as_str()).strip_prefix("Bearer ").unwrap_or("");
    let token = req.app.secrets.metrics_token.as_bytes();
    if !bool::from(given.as_bytes().ct_eq(token)) {
        return Err(HttpError::NotFound);
    }
    let text = req.app.metrics.render().map_err(|e| HttpError::Internal(e.to_string()))?;
    Ok(response::text(TEXT, text))
}

/// Answers scrapers on `listener` until the task is dropped. Loopback by default, so no token.
pub async fn serve(listener: TcpListener, metrics: Arc<Metrics>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, most likely: trying again at once would only burn time.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let metrics = Arc::clone(&metrics);
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let metrics = Arc::clone(&metrics);
                async move { Ok::<_, Infallible>(answer(&request, &metrics)) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(10))
                .serve_connection(TokioIo::new(stream), service);
            // A scraper that hangs up in the middle is its own affair.
            let _ = tokio::time::timeout(Duration::from_secs(3600), connection).await;
        });
    }
}

fn answer(request: &Request<Incoming>, metrics: &Metrics) -> Response<Full<bytes::Bytes>> {
    let (status, text) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => match metrics.render() {
            Ok(text) => (StatusCode::OK, text),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
        },
        _ => (StatusCode::NOT_FOUND, "The numbers are at /metrics.\n".to_owned()),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, warp::http::HeaderValue::from_static(TEXT));
    response
}
