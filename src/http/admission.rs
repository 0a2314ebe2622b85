//! What must hold before a handler runs: who looks, access, tokens and their scopes, CSRF.

use super::app::App;
use super::error::HttpError;
use super::form::Form;
use super::pages::membership;
use super::pages::staff::impersonation;
use super::request::Req;
use super::route::{Access, Body, Route};
use super::{csrf, site_words, step_up};
use std::time::Duration;
use warp::http::Method;
use warp::http::header::HOST;

/// How long finding out who looks may take: a look-up by key.
const SOON: Duration = Duration::from_secs(10);
/// How long a page may read: a statement takes at most 60 seconds, and a server that does not even say so is frozen.
const WHOLE: Duration = Duration::from_secs(65);
/// What is open to somebody with a pending deletion request: the request, what may block it, and a copy of
/// what will be gone.
const OPEN_WHILE_LEAVING: [&str; 4] =
    ["/account/deletion", "/account/subscription", "/account/orders", "/account/export"];

/// Pages that show what even an admin with borrowed eyes is not to see.
const ONLY_FOR_ITS_OWNER: [&str; 4] =
    ["/account/security", "/account/tokens", "/account/export", "/account/deletion"];

/// Everything that must hold before a handler runs.
pub(super) async fn admit(route: &Route, req: &mut Req) -> Result<(), HttpError> {
    // It answers whatever is broken, and whoever asks.
    if route.bare {
        return Ok(());
    }
    in_time(known(req)).await?;
    let host = req.header(HOST.as_str()).to_owned();
    match route.access {
        Access::Anyone => {}
        Access::SignedIn => {
            req.account()?;
        }
        Access::Role(roles) => {
            let account = req.account()?;
            let allowed = account.roles.iter().any(|r| r == "admin" || roles.contains(&r.as_str()));
            if !allowed && account.wants_second_factor {
                return Err(HttpError::SecondFactor);
            }
            if !allowed {
                return Err(HttpError::Forbidden(format!(
                    "This page is for the role {}. Ask an admin of the studio.",
                    roles.join(" or ")
                )));
            }
        }
    }
    let leaving = req.viewer.account.as_ref().is_some_and(|a| a.leaving);
    if leaving
        && route.access != Access::Anyone
        && !OPEN_WHILE_LEAVING.iter().any(|p| req.path.starts_with(p))
    {
        return Err(HttpError::Leaving);
    }
    if req.viewer.account.as_ref().is_some_and(|a| a.impersonator.is_some()) {
        check_borrowed_eyes(req)?;
    }
    let by_token = req.viewer.account.as_ref().and_then(|a| a.scopes.as_ref());
    if let Some(scopes) = by_token {
        match route.scope {
            Some(scope) if route.any_token || scopes.iter().any(|s| s == scope.code()) => {}
            Some(scope) => {
                return Err(HttpError::Forbidden(format!("This token lacks the scope {}.", scope.code())));
            }
            None => {
                return Err(HttpError::Forbidden(
                    "A token opens only the API under /api/v1 and uploads.".into(),
                ));
            }
        }
    }
    let changes = !matches!(req.method.as_str(), "GET" | "HEAD" | "OPTIONS");
    // A browser never adds a token on its own: what comes with one was meant.
    if changes && by_token.is_none() {
        csrf::check_origin(&req.headers, &host).inspect_err(|_| {
            req.app.metrics.http.refused.with_label_values(&["csrf"]).inc();
        })?;
        let header = req.header("x-csrf-token").to_owned();
        if !header.is_empty() {
            req.check_csrf(&header)?;
        } else if route.body == Body::Small {
            let form = if req.header("content-type").starts_with("application/json") {
                Form::default()
            } else {
                req.form().await?
            };
            req.check_csrf(form.get("_csrf"))?;
        }
    }
    in_time(step_up::admit(route, req)).await
}

/// Finds out what every page shows: who looks, and the site's own words.
async fn known(req: &mut Req) -> Result<(), HttpError> {
    // First, because names and roles of the viewer may be what was just written.
    wait_for_own_write(req).await?;
    req.find_viewer().await?;
    if req.method == Method::GET && !req.wants_json() {
        // The button is not worth a page: whatever needs the database says so itself.
        if let Err(error) = membership::refresh_join_words(req).await {
            tracing::debug!(%error, "the price on the join button could not be read");
        }
        fresh_words(&req.app).await;
    }
    Ok(())
}

/// Reads the site's own words anew where they are old; the old ones serve as well.
pub(super) async fn fresh_words(app: &App) {
    match tokio::time::timeout(SOON, site_words::refresh(app)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "the site's own words could not be read"),
        Err(_) => tracing::debug!("the site's own words were not read in time"),
    }
}

/// Ends what waits for a database that does not answer.
pub(super) async fn in_time<T>(work: impl Future<Output = Result<T, HttpError>>) -> Result<T, HttpError> {
    tokio::time::timeout(SOON, work).await.unwrap_or_else(|_| Err(silent()))
}

/// As [`in_time`], for all that a page reads.
pub(super) async fn whole<T, E>(
    work: impl Future<Output = Result<Result<T, HttpError>, E>>,
) -> Result<Result<T, HttpError>, E> {
    tokio::time::timeout(WHOLE, work).await.unwrap_or_else(|_| Ok(Err(silent())))
}

fn silent() -> HttpError {
    HttpError::Unavailable {
        why: "The database does not answer. Try again in a moment.".into(),
        retry_after: Duration::from_secs(5),
    }
}

/// An admin who sees the site as somebody else does changes nothing, and leaves alone what only the owner
/// is to see.
fn check_borrowed_eyes(req: &Req) -> Result<(), HttpError> {
    let reads = matches!(req.method.as_str(), "GET" | "HEAD" | "OPTIONS");
    let may = if reads {
        !ONLY_FOR_ITS_OWNER.iter().any(|p| req.path.starts_with(p))
    } else {
        [impersonation::STOP, "/logout"].contains(&req.path.as_str())
    };
    if may {
        return Ok(());
    }
    let words = "You see the site as somebody else does: nothing can be changed, and secrets stay theirs. Stop that first.";
    Err(HttpError::Forbidden(words.into()))
}

/// After a command the address carries the position of its events: the page waits for them.
async fn wait_for_own_write(req: &mut Req) -> Result<(), HttpError> {
    if let Ok(position) = req.query("at").parse::<i64>() {
        // A position from the future is no reason to wait long.
        let reader = &req.app.reader;
        req.updating =
            !reader.wait_for(position, Duration::from_secs(2)).await? || reader.any_made_anew().await?;
    }
    Ok(())
}
