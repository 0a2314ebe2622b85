//! What a run that is at work has done so far: noted by long ones now and then, shown to operators, and gone when it ends.

use super::Counts;
use crate::actors::services::Services;
use crate::store::StoreError;
use std::collections::HashMap;
use uuid::Uuid;

/// Notes what `run` has done so far.
///
/// # Errors
/// If the database refuses.
pub async fn note(cx: &Services, run: Uuid, counts: &Counts) -> Result<(), StoreError> {
    let json = serde_json::to_value(counts).map_err(|e| StoreError::Unreadable(e.to_string()))?;
    let client = cx.pool.get().await?;
    let sql = "insert into public.run_progress (run, counts) values ($1, $2)
        on conflict (run) do update set counts = excluded.counts, updated_at = now()";
    client.execute(sql, &[&run, &json]).await?;
    Ok(())
}

/// Forgets what was noted of `run`.
///
/// # Errors
/// If the database refuses.
pub async fn forget(cx: &Services, run: Uuid) -> Result<(), StoreError> {
    let client = cx.pool.get().await?;
    client.execute("delete from public.run_progress where run = $1", &[&run]).await?;
    Ok(())
}

/// What those that are at work have done so far, by run.
///
/// # Errors
/// If the database cannot be read.
pub async fn all(cx: &Services) -> Result<HashMap<Uuid, Counts>, StoreError> {
    let client = cx.pool.get().await?;
    let rows = client.query("select run, counts from public.run_progress", &[]).await?;
    rows.iter()
        .map(|row| {
            let counts =
                serde_json::from_value(row.get(1)).map_err(|e| StoreError::Unreadable(e.to_string()))?;
            Ok((row.get(0), counts))
        })
        .collect()
}
