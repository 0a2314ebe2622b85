//! `/healthz`, `/readyz`, `/version`: for load balancers and watchdogs.

use super::error::HttpError;
use super::request::Req;
use super::response::{self, Res, set};
use super::route::{Access, Route};
use std::sync::atomic::Ordering;
use std::time::Duration;
use warp::http::StatusCode;
use warp::http::header::{CACHE_CONTROL, RETRY_AFTER};

/// The addresses of this file.
#[must_use]
pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/healthz", Access::Anyone, alive).bare(),
        Route::get("/readyz", Access::Anyone, ready).bare(),
        Route::get("/version", Access::Anyone, version).bare(),
    ]
}

async fn alive(_: Req) -> Result<Res, HttpError> {
    Ok(response::text("text/plain; charset=utf-8", "alive\n"))
}

/// Ready: not draining, the database answers, projections are close to the head, the disk has room.
async fn ready(req: Req) -> Result<Res, HttpError> {
    // One line for whoever asks by a program or at a shell, not a page.
    let no = |why: &str| {
        let mut res = response::text("text/plain; charset=utf-8", format!("{why}\n"));
        *res.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        set(&mut res, RETRY_AFTER, "2");
        set(&mut res, CACHE_CONTROL, "no-store");
        Ok(res)
    };
    if req.app.draining.load(Ordering::Relaxed) {
        return no("draining: this process is about to end");
    }
    let lag = tokio::time::timeout(Duration::from_secs(2), req.app.lag()).await;
    match lag {
        Err(_) | Ok(Err(_)) => return no("database: no answer"),
        Ok(Ok(lag)) if lag > 10_000 => return no("projections: too far behind the log"),
        Ok(Ok(_)) => {}
    }
    if req.app.disk_free() < 64 << 20 {
        return no("disk: less than 64 MiB free");
    }
    Ok(response::text("text/plain; charset=utf-8", "ready\n"))
}

async fn version(_: Req) -> Result<Res, HttpError> {
    let facts = serde_json::json!({ "name": "kinora", "version": env!("CARGO_PKG_VERSION") });
    response::json(StatusCode::OK, &facts)
}
