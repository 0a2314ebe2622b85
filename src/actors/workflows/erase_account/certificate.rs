//! The certificate of an erasure: what was done, when, by which run. A file outside the database, so
//! that a restored backup can be brought to the same state again.

use super::WorkflowError;
use crate::actors::contacts;
use crate::actors::services::Services;
use crate::domain::deletion_request::DeletionEvent;
use crate::store::event::stream_name;
use crate::store::{StoreError, log};
use serde_json::json;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use uuid::Uuid;

/// Writes `<data>/erasures/<request>.json` from the events of the request. Always the same content.
pub(super) async fn write(cx: &Services, request: Uuid) -> Result<u64, WorkflowError> {
    let events = {
        let client = cx.pool.get().await.map_err(StoreError::from)?;
        log::stream(&client, &stream_name("deletion_request", request), 0).await?
    };
    let (mut whose, mut by_run, mut asked, mut started, mut fate) = (None, None, None, None, None);
    let (mut steps, mut subjects) = (vec![], vec![]);
    for event in &events {
        match event.decode::<DeletionEvent>()? {
            Some(DeletionEvent::DeletionRequested { at, account, comments, .. }) => {
                whose = Some(account);
                fate = Some(comments);
                asked = Some(at);
            }
            Some(DeletionEvent::ErasureStarted { at, run, .. }) => {
                started = Some(at);
                by_run = Some(run);
            }
            Some(DeletionEvent::ErasureStepDone { at, step, removed, subjects: more, .. }) => {
                subjects.extend(more);
                steps.push(json!({ "step": step, "at": at, "removed": removed }));
            }
            _ => {}
        }
    }
    contacts::release(cx, &subjects).await?;
    let certificate = json!({
        "request": request, "account": whose, "requested_at": asked, "started_at": started,
        "run": by_run, "comments": fate, "subjects": subjects, "steps": steps,
    });
    let path = cx.config.in_data("erasures").join(format!("{request}.json"));
    let written = tokio::task::spawn_blocking(move || put(&path, &certificate)).await;
    written.map_err(|e| WorkflowError::Failed(e.to_string()))??;
    Ok(0)
}

fn put(path: &Path, certificate: &serde_json::Value) -> Result<(), StoreError> {
    let fail = |e| StoreError::file(format!("writing {}", path.display()), e);
    if let Some(folder) = path.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(fail)?;
    }
    let unfinished = path.with_extension("part");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)
        .map_err(fail)?;
    writeln!(file, "{certificate:#}").and_then(|()| file.sync_all()).map_err(fail)?;
    std::fs::rename(&unfinished, path).map_err(fail)
}
