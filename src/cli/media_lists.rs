//! What `kinora media` prints: lists, counts and findings.

use super::{CliError, print_json};
use crate::actors::{Services, download_counts, media_files, media_orphans, uploads};
use crate::domain::media::Place;
use crate::projections::media as works;
use std::collections::HashSet;
use uuid::Uuid;

pub(super) async fn list(cx: &Services, removed: bool, json: bool) -> Result<(), CliError> {
    let found = match removed {
        true => works::removed(&cx.reader, None, 10_000).await?,
        false => works::list(&cx.reader, None, None, 10_000).await?,
    };
    let ids: Vec<Uuid> = found.iter().map(|w| w.id).collect();
    let progress = works::progress(&cx.reader, &ids).await?;
    let paused: HashSet<Uuid> = progress.into_iter().filter(|p| p.paused).map(|p| p.media).collect();
    if json {
        let rows: Vec<_> = found
            .iter()
            .map(|w| {
                serde_json::json!({
                    "media_id": w.id, "title": w.title, "slug": w.slug, "kind": w.kind, "state": w.processing,
                    "publication": w.publication, "tier": w.tier, "reason": w.reason, "bytes": w.bytes,
                    "received_at": w.received_at, "paused": paused.contains(&w.id),
                    "refused_replacement": w.refused.as_ref().map(|r| &r.reason),
                })
            })
            .collect();
        return print_json(&serde_json::json!({ "media": rows }));
    }
    for w in found {
        say!(
            "{} {:<10} {:<11} {:>9} {}{}",
            w.id,
            w.processing,
            w.publication,
            uploads::in_words(w.bytes),
            w.title,
            if paused.contains(&w.id) { " (paused)" } else { "" }
        );
    }
    Ok(())
}

pub(super) async fn downloads(cx: &Services, days: u32, json: bool) -> Result<(), CliError> {
    let counts = download_counts::of_last_days(cx, days).await?;
    if json {
        return print_json(&serde_json::json!({ "downloads": counts }));
    }
    for count in counts {
        let who = count.account.map_or_else(|| "visitors".to_owned(), |id| id.to_string());
        say!("{} {who:<36} {:<9} {}", count.day, count.kind, count.files);
    }
    Ok(())
}

pub(super) async fn verify(cx: &Services, json: bool) -> Result<(), CliError> {
    let verified = media_files::verify(cx, media_files::Depth::Bytes).await?;
    if json {
        print_json(&verified)?;
    } else {
        say!(
            "{} works, {} originals, {} made files, {}",
            verified.works,
            verified.originals,
            verified.made,
            uploads::in_words(verified.bytes)
        );
        if verified.without_hashes > 0 {
            say!(
                "of {} works the log holds no hashes of what was made: looked for, but not compared (kinora media reprocess ID notes them)",
                verified.without_hashes
            );
        }
        for finding in &verified.findings {
            say!("{} {}: {}", finding.media, finding.what, finding.mend);
        }
    }
    if verified.ok { Ok(()) } else { Err(CliError::Silent) }
}

pub(super) async fn prune(cx: &Services, remove: bool, json: bool) -> Result<(), CliError> {
    let pruned = media_orphans::prune(cx, remove).await?;
    if json {
        return print_json(&pruned);
    }
    for orphan in &pruned.list {
        let bucket = if orphan.place == Place::S3 { "bucket:" } else { "" };
        say!("{:>9}  {bucket}{}", uploads::in_words(orphan.bytes), orphan.path);
    }
    let verb = if pruned.removed { "removed" } else { "found (--remove removes them)" };
    say!("{} orphans, {}, {verb}", pruned.orphans, uploads::in_words(pruned.bytes));
    Ok(())
}
