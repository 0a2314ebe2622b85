//! What operators do here: run a job now, try an event again, fold a projection anew.

use super::OPERATORS;
use crate::actors::dead_letters::{Retries, Retry, retry, retry_all};
use crate::actors::jobs;
use crate::http::error::HttpError;
use crate::http::request::Req;
use crate::http::response::{Res, see_other};
use crate::http::route::Route;
use std::time::Duration;

/// The addresses of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/operator/jobs/{job}/run", OPERATORS, run_job),
        Route::post("/operator/set-aside/{name}/{position}/retry", OPERATORS, try_again),
        Route::post("/operator/set-aside/{name}/retry", OPERATORS, try_all_again),
        Route::post("/operator/projections/{name}/rebuild", OPERATORS, rebuild),
    ]
}

/// Runs the slot that is due now; a slot that has run is left as it is.
async fn run_job(req: Req) -> Result<Res, HttpError> {
    let name = req.param("job");
    let job = jobs::all().into_iter().find(|job| job.name() == name).ok_or(HttpError::NotFound)?;
    let slot = job.schedule().slot(req.now());
    let report = jobs::run(job.as_ref(), slot, req.meta(), false, &req.app)
        .await
        .map_err(|e| HttpError::Internal(e.to_string()))?;
    let done = match report.status {
        "completed" => "ran",
        "failed" => "run-failed",
        _ => "ran-before",
    };
    Ok(see_other(&format!("/operator?done={done}")))
}

async fn try_again(req: Req) -> Result<Res, HttpError> {
    let position: i64 = req.param("position").parse().map_err(|_| HttpError::NotFound)?;
    let outcome = retry(&req.app, req.param("name"), position).await?;
    let done = match outcome {
        Retry::Done => "retried",
        Retry::Failed(_) => "failed-again",
        // A projection sets whole streams aside, and its rows may rest on several: all of them are folded anew.
        Retry::NeedsRebuild => return rebuild(req).await,
        Retry::Unknown => "gone",
    };
    Ok(see_other(&format!("/operator?done={done}#set-aside")))
}

/// How long a person waits for many tries.
const PATIENCE: Duration = Duration::from_secs(20);

/// All that one reader set aside: after a fault that was mended, or a service that came back.
async fn try_all_again(req: Req) -> Result<Res, HttpError> {
    match retry_all(&req.app, req.param("name"), PATIENCE).await? {
        None => rebuild(req).await,
        Some(Retries { done, failed, left }) => Ok(see_other(&format!(
            "/operator?done=tried-all&worked={done}&failed={failed}&left={left}#set-aside"
        ))),
    }
}

/// Begins it and says so: it may take minutes, and the projection in use stays meanwhile.
async fn rebuild(req: Req) -> Result<Res, HttpError> {
    req.app.refolds.begin(req.param("name"), req.now()).map_err(|_| HttpError::NotFound)?;
    Ok(see_other("/operator?done=rebuilding#readers"))
}
