//! `destroy-archives`: the bytes of media that was removed or replaced 30 days ago go for good, and so do copies
//! of the key store and years of the archive of invoices whose time is over.

use super::{Counts, Job, JobError, Run};
use crate::actors::backup;
use crate::actors::bus::CommandError;
use crate::actors::former_files::{self, EraseError, KEPT};
use crate::actors::invoice_archive;
use crate::actors::services::Services;
use crate::domain::clock::Schedule;
use crate::domain::media::MediaError;
use crate::domain::shared::calendar::Zone;
use crate::projections::media as works;
use async_trait::async_trait;

/// The job.
pub struct DestroyArchives;

#[async_trait]
impl Job for DestroyArchives {
    fn name(&self) -> &'static str {
        "destroy-archives"
    }

    fn schedule(&self) -> Schedule {
        Schedule::daily(3)
    }

    async fn run(&self, run: &Run, cx: &Services) -> Result<Counts, JobError> {
        let fail = |e: former_files::EraseError| JobError::Failed(e.to_string());
        let mut erased = 0;
        for work in works::removed_before(&cx.reader, run.at - KEPT).await? {
            let id = run.command_id(&work.id.to_string());
            match former_files::erase_removed(cx, work.id, id, &run.meta()).await {
                Ok(_) => erased += 1,
                // Brought back at this very moment.
                Err(EraseError::Command(CommandError::Refused(MediaError::NotRemoved))) => {}
                Err(error) => return Err(fail(error)),
            }
        }
        let former = works::former_before(&cx.reader, run.at - KEPT).await?;
        for file in &former {
            former_files::erase(cx, file, &run.meta()).await.map_err(fail)?;
        }
        let mut keys = 0;
        if let Some(folder) = &cx.config.backup.folder {
            let removed = backup::prune_keys(&folder.join("keys"), run.at, cx.config.backup.keys_days)
                .map_err(|e| JobError::Failed(e.to_string()))?;
            keys = i64::try_from(removed).unwrap_or(i64::MAX);
        }
        let zone = Zone::parse(&cx.config.studio.zone).map_err(|e| JobError::Failed(e.to_string()))?;
        let invoices = invoice_archive::destroy_past(cx, zone.date_of(run.at)).await?;
        Ok(Counts::from([
            ("media".into(), erased),
            ("former_files".into(), i64::try_from(former.len()).unwrap_or(i64::MAX)),
            ("key_backups".into(), keys),
            ("invoice_archives".into(), invoices),
        ]))
    }
}
