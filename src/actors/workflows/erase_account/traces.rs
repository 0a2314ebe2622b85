//! What other parts of the house keep about a person beside the vault.

use super::WorkflowError;
use crate::actors::bus::Envelope;
use crate::actors::services::Services;
use crate::actors::{contacts, data_export, former_files, payments, uploads, wallet};
use crate::domain::media::{Media, MediaCommand};
use crate::domain::shared::derive_id;
use crate::projections::{gifts, media as works, subscriptions};
use crate::store::{Metadata, StoreError};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Payment methods of an account at the gateways.
pub(super) async fn payment_methods(cx: &Services, account: Uuid) -> Result<u64, WorkflowError> {
    let fail = |e: &dyn std::fmt::Display| WorkflowError::Failed(format!("a payment method stays: {e}"));
    let mut kept: BTreeSet<(String, String)> = subscriptions::of_account(&cx.reader, account)
        .await?
        .iter()
        .filter_map(|s| s.state.method().map(|m| (m.gateway.clone(), m.token.clone())))
        .collect();
    let wallet = wallet::load(cx, account).await?;
    kept.extend(wallet.attached().map(|m| (m.method.gateway.clone(), m.method.token.clone())));
    for (gateway, token) in &kept {
        let gateway = payments::gateway(cx, gateway).map_err(|e| fail(&e))?;
        gateway.forget(token).await.map_err(|e| fail(&e))?;
    }
    if let Some(cards) = payments::card_gateway(cx) {
        let gateway = payments::gateway(cx, cards).map_err(|e| fail(&e))?;
        gateway.forget_account(account).await.map_err(|e| fail(&e))?;
    }
    Ok(kept.len() as u64)
}

/// Addresses to which the account had gifts sent.
pub(super) async fn gift_recipients(cx: &Services, account: Uuid) -> Result<(), WorkflowError> {
    for gift in gifts::of_account(&cx.reader, account).await? {
        if let Some(recipient) = gift.recipient().filter(|_| gift.buyer() == account) {
            contacts::discard(cx, std::slice::from_ref(recipient)).await?;
        }
    }
    Ok(())
}

/// Own unpublished uploads with all renditions, finished or not. Published works keep the request
/// from being carried out, so none is left here.
pub(super) async fn unpublished_uploads(
    cx: &Services,
    meta: &Metadata,
    account: Uuid,
) -> Result<u64, WorkflowError> {
    let mut removed = 0;
    let partial = {
        let client = cx.pool.get().await.map_err(StoreError::from)?;
        client.query("select id from public.uploads where account = $1", &[&account]).await?
    };
    for row in partial {
        match uploads::terminate(cx, account, row.get(0)).await {
            Ok(()) | Err(uploads::UploadError::NotFound) => removed += 1,
            Err(uploads::UploadError::Store(error)) => return Err(error.into()),
            Err(error) => return Err(WorkflowError::Failed(error.to_string())),
        }
    }
    for work in works::list(&cx.reader, Some(account), None, i64::MAX).await? {
        let at = cx.clock.now();
        for (purpose, command) in
            [("remove", MediaCommand::Remove { at }), ("files", MediaCommand::RecordFilesErased { at })]
        {
            if purpose == "files" {
                // Also what a new file took the place of, and new files that never did.
                let removed = former_files::remove_all(cx, work.id).await;
                removed.map_err(|e| WorkflowError::Failed(e.to_string()))?;
            }
            let id = derive_id(&work.id.to_string(), &format!("erase {purpose}"));
            let sent = cx.bus.dispatch::<Media>(Envelope::new(id, work.id, command, meta.clone())).await;
            sent.map_err(WorkflowError::from)?;
        }
        removed += 1;
    }
    Ok(removed)
}

/// Progress, likes and other measurements: rows of plain tables that name the account.
pub(super) async fn measurements(cx: &Services, account: Uuid) -> Result<u64, WorkflowError> {
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    let mut removed = 0;
    // Copies the person asked for; one that is being made finds its row gone and removes itself.
    match std::fs::remove_dir_all(data_export::folder(cx, account)) {
        Ok(()) => removed += 1,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(WorkflowError::Failed(format!("removing copies of the data: {}", error.kind())));
        }
    }
    // Every table outside the log's own that has a column `account`, so that none is forgotten when
    // another is added. Sessions and mail have steps of their own.
    let tables = client
        .query(
            "select table_name::text from information_schema.columns
             where table_schema = 'public' and column_name = 'account' and data_type = 'uuid'
               and table_name not in ('sessions', 'account_tokens', 'outgoing_mail', 'uploads', 'media_jobs')
             order by 1",
            &[],
        )
        .await?;
    for row in tables {
        let table: String = row.get(0);
        let sql = format!("delete from public.\"{}\" where account = $1", table.replace('"', ""));
        removed += client.execute(&sql, &[&account]).await?;
    }
    Ok(removed)
}
