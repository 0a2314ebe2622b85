//! `kinora run JOB`: emits one scheduled command now.

use super::{CliError, Global, print_json};
use crate::actors::jobs;
use crate::store::Metadata;
use chrono::{DateTime, Utc};
use clap::Args;
use uuid::Uuid;

#[derive(Args)]
pub struct RunArgs {
    /// Which job, such as clock-tick.
    job: String,
    /// For which time (RFC 3339); without it, for the latest slot of the job's schedule.
    #[arg(long, value_name = "TIME")]
    at: Option<DateTime<Utc>>,
    /// Wait until everything that follows (charges, mails) is done.
    #[arg(long)]
    wait: bool,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

pub async fn run(global: &Global, args: RunArgs) -> Result<(), CliError> {
    let known = jobs::all();
    let Some(job) = known.iter().find(|j| j.name() == args.job) else {
        let names: Vec<&str> = known.iter().map(|j| j.name()).collect();
        return Err(CliError::Usage(format!(
            "there is no job {}; the jobs are: {}",
            args.job,
            names.join(", ")
        )));
    };
    let instance = global.open().await?;
    let cx = &instance.services;
    let now = cx.clock.now();
    if args.at.is_some_and(|at| at > now) && cx.config.is_production() {
        instance.close().await?;
        return Err(CliError::Usage("--at lies in the future; that is refused in production".into()));
    }
    let slot = args.at.unwrap_or_else(|| job.schedule().slot(now));
    let meta = Metadata::system("command-line", Uuid::now_v7(), now);
    let report = jobs::run(job.as_ref(), slot, meta, args.wait, cx).await;
    instance.close().await?;
    let report = report.map_err(|e| CliError::Failed(e.to_string()))?;
    if args.json {
        print_json(&report)?;
    } else {
        say!("{} {}: {}, {} changed", report.job, report.slot.to_rfc3339(), report.status, report.changed);
        report.counts.iter().for_each(|(name, n)| say!("  {name}: {n}"));
        if let Some(error) = &report.error {
            eprintln!("kinora: {error}");
        }
    }
    // Some subscriptions could not be asked: the run is done, but all is not well.
    let not_well = report.counts.get("failed").is_some_and(|n| *n > 0);
    if report.status == "failed" || not_well { Err(CliError::Silent) } else { Ok(()) }
}
