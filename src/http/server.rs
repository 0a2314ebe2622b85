//! The accept loop and the path of every request: host check, look-up in the table, who looks,
//! access, CSRF, handler, headers, numbers.

use super::admission::{self, admit};
use super::app::App;
use super::error::HttpError;
use super::idempotent;
use super::pages::account::confirm;
use super::pages::people::setup;
use super::request::{BodyStream, Req};
use super::response::{self, Res, set};
use super::route::Route;
use super::routes::Table;
use super::ui::format::in_zone;
use super::under_way::InFlight;
use super::{door, session::Viewer, site_words};
use crate::domain::shared::calendar::Zone;
use crate::domain::shared::text::printable;
use bytes::{Buf, Bytes};
use futures_util::{FutureExt, Stream, StreamExt};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use uuid::Uuid;
use warp::Filter;
use warp::http::header::{
    ALLOW, CONTENT_SECURITY_POLICY, HOST, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use warp::http::{HeaderMap, HeaderName, Method, StatusCode};

/// A client that has not sent its request's head after this time is let go.
const HEAD_TIMEOUT: Duration = Duration::from_secs(20);
/// Largest head of a request.
const HEAD_BYTES: usize = 32 << 10;
/// How long running requests may take after SIGTERM.
const DRAIN: Duration = Duration::from_secs(15);
/// No inline script or style; media from here and, for uploads, players and textures of models, from blobs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
     media-src 'self' blob:; font-src 'self'; connect-src 'self' blob:; worker-src 'self' blob:; \
     form-action 'self'; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'";

/// The policy of a page that may load a script from `own`, which may show frames of its own and speak to
/// `more`, too.
#[must_use]
pub fn policy_with(own: &str, more: &[&str]) -> String {
    let more = more.join(" ");
    POLICY
        .replace("script-src 'self'", &format!("script-src 'self' {own}"))
        .replace("connect-src 'self'", &format!("connect-src 'self' {own} {more}"))
        + &format!("; frame-src {own} {more}")
}

/// The policy of all other pages; files may come from the network of caches, too, and players of the sites that
/// may stand in texts.
fn policy(cdn: Option<&str>, frames: &[String]) -> String {
    let mut policy = POLICY.to_owned();
    if !frames.is_empty() {
        policy += "; frame-src";
        frames.iter().for_each(|host| policy += &format!(" https://{host}"));
    }
    let Some(cdn) = cdn else { return policy };
    policy
        .replace("media-src 'self'", &format!("media-src 'self' {cdn}"))
        .replace("connect-src 'self'", &format!("connect-src 'self' {cdn}"))
}

/// Serves `app` on `listener` until `stop` resolves, then drains.
pub async fn serve(app: Arc<App>, table: Table, listener: TcpListener, stop: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(app.config.limits.connections));
    let refusals = Arc::new(Semaphore::new(door::REFUSALS));
    let table = Arc::new(table);
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Mostly "too many open files": wait until some are closed.
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            app.metrics.http.refused.with_label_values(&["busy"]).inc();
            if let Ok(place) = Arc::clone(&refusals).try_acquire_owned() {
                tokio::spawn(async move {
                    door::refuse(stream).await;
                    drop(place);
                });
            }
            continue;
        };
        let _ = stream.set_nodelay(true);
        let service =
            TowerToHyperService::new(warp::service(filter(Arc::clone(&app), Arc::clone(&table), peer)));
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        let open = app.metrics.http.connections.clone();
        let refused = app.metrics.http.refused.clone();
        open.inc();
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                let reason = if error.is_timeout() {
                    "timeout"
                } else if error.is_parse() {
                    "malformed"
                } else {
                    ""
                };
                if !reason.is_empty() {
                    refused.with_label_values(&[reason]).inc();
                }
                tracing::debug!(%error, "a connection ended");
            }
            open.dec();
            drop(place);
        });
    }
    app.draining.store(true, Ordering::Relaxed);
    drop(listener);
    // Also what goes on for clients that have hung up.
    let ended = async {
        graceful.shutdown().await;
        app.changing.over().await;
    };
    if tokio::time::timeout(DRAIN, ended).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}

/// warp takes the request apart; the table decides what happens with it.
fn filter(
    app: Arc<App>,
    table: Arc<Table>,
    peer: SocketAddr,
) -> impl Filter<Extract = (Res,), Error = Infallible> + Clone {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::method()
        .and(warp::path::full())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .then(move |method, path: warp::path::FullPath, query: String, headers, body| {
            let (app, table) = (Arc::clone(&app), Arc::clone(&table));
            let body = boxed(body);
            async move { answer(app, &table, peer, method, path.as_str(), &query, headers, body).await }
        })
        .or(warp::any().map(|| {
            response::error("", &HttpError::BadRequest("The request cannot be read.".into()), false, "")
        }))
        .unify()
}

fn boxed<B: Buf>(body: impl Stream<Item = Result<B, warp::Error>> + Send + Sync + 'static) -> BodyStream {
    Box::pin(body.map(|part| part.map(|mut b| b.copy_to_bytes(b.remaining())).map_err(std::io::Error::other)))
        as std::pin::Pin<Box<dyn Stream<Item = Result<Bytes, std::io::Error>> + Send + Sync>>
}

#[expect(clippy::too_many_arguments, reason = "the parts of one request as warp hands them over")]
async fn answer(
    app: Arc<App>,
    table: &Table,
    peer: SocketAddr,
    method: Method,
    path: &str,
    query: &str,
    headers: HeaderMap,
    body: BodyStream,
) -> Res {
    let started = Instant::now();
    let request_id = Uuid::now_v7().simple().to_string();
    let wants_json = path.starts_with("/api/");
    let metrics = Arc::clone(&app.metrics);
    let https = app.config.secure_cookies();
    let cdn = app.config.cdn.origin();
    let frames = app.config.delivery.players();
    let site = Arc::clone(&app);
    let in_flight = InFlight::of(&metrics.http.in_flight);
    // Of two names none is believed: a proxy may have looked at the other.
    let named = headers.get(HOST).filter(|_| headers.get_all(HOST).iter().nth(1).is_none());
    let host = named.and_then(|v| v.to_str().ok()).unwrap_or("");
    // Before anything else, or the name would be answered to wherever there is no page.
    let known = door::admit(&app, path, host);
    if known.is_err() {
        metrics.http.refused.with_label_values(&["host"]).inc();
    }
    let found = known.and_then(|()| table.find(&method, path));
    let (found, params) = match found {
        Ok((route, params)) => (Ok(route), params),
        Err(error) => (Err(error), Default::default()),
    };
    let req = Req {
        remote: door::client_address(peer.ip(), &headers),
        query: url::form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| (printable(&name).into_owned(), printable(&value).into_owned()))
            .collect(),
        path: path.to_owned(),
        request_id: request_id.clone(),
        viewer: Viewer::default(),
        body: Some(body),
        form: None,
        raw: None,
        updating: false,
        method: method.clone(),
        app,
        headers,
        params,
    };
    let reads = matches!(method, Method::GET | Method::HEAD);
    let shorter = table.without_slash(path).filter(|_| reads && matches!(found, Err(HttpError::NotFound)));
    let (mut res, pattern) = match found {
        Err(_) if let Some(shorter) = shorter => (response::without_slash(shorter, query), "unmatched"),
        Ok(route) => (run(route, req).await, route.path),
        Err(error) => (nowhere(req, &error).await, "unmatched"),
    };
    drop(in_flight);
    if matches!(res.status(), StatusCode::NOT_FOUND | StatusCode::GONE)
        && matches!(method, Method::GET | Method::HEAD)
        && !wants_json
    {
        // Also where no page was asked for yet.
        admission::fresh_words(&site).await;
        if let Some(elsewhere) = site_words::redirect(&site.site.now(), path, query) {
            res = elsewhere;
        }
    }
    let status = res.status();
    if status == StatusCode::METHOD_NOT_ALLOWED
        && let Some(methods) = table.methods(path)
    {
        set(&mut res, ALLOW, &methods);
    }
    let labels = [method_label(&method), pattern, status.as_str()];
    metrics.http.requests.with_label_values(&labels).inc();
    metrics.http.duration.with_label_values(&labels[..2]).observe(started.elapsed().as_secs_f64());
    secure(&mut res, &request_id, https, &policy(cdn.as_deref(), &frames));
    res
}

/// The answer where no address is: its page still knows who asked.
async fn nowhere(mut req: Req, error: &HttpError) -> Res {
    let (app, wants_json) = (Arc::clone(&req.app), req.wants_json());
    // A request that is not for us asks nothing, and a visitor's page is better than none.
    let ours = matches!(error, HttpError::NotFound | HttpError::MethodNotAllowed);
    let asked = ours && !wants_json && admission::in_time(req.find_viewer()).await.is_ok();
    match asked && req.viewer.account.is_some() {
        true => {
            let frame = super::page::frame_of_problem(&req);
            response::error_page(&app.config.studio.name, Some(frame), error, &req.request_id)
        }
        false => response::error(&app.config.studio.name, error, wants_json, &req.request_id),
    }
}

async fn run(route: &Route, mut req: Req) -> Res {
    let (app, request_id) = (Arc::clone(&req.app), req.request_id.clone());
    let wants_json = req.wants_json();
    let admitted = admit(route, &mut req).await;
    // The handler takes the request along; should it fail, its page still knows who asked.
    let frame = (!wants_json && req.viewer.account.is_some()).then(|| super::page::frame_of_problem(&req));
    let outcome = match admitted {
        Err(HttpError::SignIn) if !wants_json && req.method == Method::GET => Ok(req.to_sign_in()),
        Err(HttpError::SecondFactor) if !wants_json && req.method == Method::GET => {
            Ok(response::see_other("/account/security/second-factor"))
        }
        Err(HttpError::Leaving) if !wants_json => Ok(response::see_other("/account/deletion")),
        Err(HttpError::StepUp(errors)) if !wants_json => confirm::ask(&mut req, route, &errors).await,
        Ok(()) if req.path == "/" && setup::wanted(&req).await.unwrap_or(false) => {
            Ok(response::see_other("/setup"))
        }
        Err(error) => Err(error),
        Ok(()) => {
            let back = req.to_sign_in();
            let reads = matches!(req.method, Method::GET | Method::HEAD);
            let zone = Zone::parse(&app.config.studio.zone).ok();
            let page = in_zone(zone, idempotent::run(route.clone(), req));
            let work = AssertUnwindSafe(page).catch_unwind();
            // What changes something runs to its end, even if the client hangs up meanwhile.
            let done = if reads {
                admission::whole(work).await
            } else {
                let changing = app.changing.one();
                let work = async move {
                    let _changing = changing;
                    work.await
                };
                tokio::spawn(work).await.unwrap_or_else(|e| Err(Box::new(e)))
            };
            match done {
                Ok(Err(HttpError::SignIn)) if !wants_json => Ok(back),
                Ok(outcome) => outcome,
                Err(_) => Err(HttpError::Internal("a handler panicked".into())),
            }
        }
    };
    match outcome {
        Ok(res) => res,
        Err(error) => {
            if let HttpError::Internal(cause) = &error {
                tracing::error!(request = request_id, route = route.path, cause, "a request failed");
            }
            let reason = match &error {
                HttpError::TooLarge(_) => "too_large",
                HttpError::Unavailable { .. } => "busy",
                _ => "",
            };
            if !reason.is_empty() {
                app.metrics.http.refused.with_label_values(&[reason]).inc();
            }
            match frame {
                Some(frame) => {
                    response::error_page(&app.config.studio.name, Some(frame), &error, &request_id)
                }
                None => response::error(&app.config.studio.name, &error, wants_json, &request_id),
            }
        }
    }
}

/// Labels must stay few, whatever methods clients invent.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn secure(res: &mut Res, request_id: &str, https: bool, policy: &str) {
    if https {
        set(res, STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), microphone=(), geolocation=(), payment=()",
        ),
        (HeaderName::from_static("x-request-id"), request_id),
    ] {
        set(res, name, value);
    }
    if !res.headers().contains_key(CONTENT_SECURITY_POLICY) {
        set(res, CONTENT_SECURITY_POLICY, policy);
    }
    let shared = HeaderName::from_static("cross-origin-resource-policy");
    if !res.headers().contains_key(&shared) {
        set(res, shared, "same-origin");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_may_come_from_the_network_of_caches_and_scripts_may_not() {
        assert_eq!(policy(None, &[]), POLICY);
        let frames = policy(None, &["player.example".into(), "v.example".into()]);
        assert!(frames.ends_with("; frame-src https://player.example https://v.example"), "{frames}");
        let with = policy(Some("https://cdn.example.org"), &[]);
        for part in [
            "media-src 'self' https://cdn.example.org blob:;",
            "connect-src 'self' https://cdn.example.org blob:;",
        ] {
            assert!(with.contains(part), "{with}");
        }
        assert!(with.contains("script-src 'self';") && with.matches("cdn.example.org").count() == 2);
    }
}
