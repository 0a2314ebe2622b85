//! `kinora bank import FILE`: books what came by bank transfer.

use super::{CliError, Global, print_json};
use crate::actors::bank_import::{Booked, Report, import};
use crate::actors::bank_reports::{keep, settled_entries};
use crate::actors::services::Services;
use crate::store::Metadata;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use uuid::Uuid;

#[derive(Args)]
pub struct BankArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Book a statement (CAMT.053 or CSV) or a status report of direct debits (pain.002): what has the reference
    /// of an order is booked on it, once. Ends with 1 if anything is left for somebody to look at.
    Import {
        /// The file.
        file: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

pub async fn bank(global: &Global, args: BankArgs) -> Result<(), CliError> {
    let Action::Import { file, json } = args.action;
    let bytes = std::fs::read(&file)
        .map_err(|e| CliError::Usage(format!("{} cannot be read: {e}", file.display())))?;
    let instance = global.open_existing().await?;
    let cx = &instance.services;
    let site = cx.config.site_url();
    let meta = Metadata::system("bank-import", Uuid::now_v7(), cx.clock.now());
    let outcome = booked(cx, &bytes, &meta).await;
    instance.close().await?;
    let (report, statement, open) = outcome?;
    if json {
        let mut value = serde_json::to_value(&report).map_err(|e| CliError::Failed(e.to_string()))?;
        value["statement"] = statement.to_string().into();
        value["open"] = open.into();
        print_json(&value)?;
        return if open == 0 { Ok(()) } else { Err(CliError::Silent) };
    }
    for line in &report.lines {
        let became = match &line.became {
            Booked::Booked { number, waits: true, .. } => {
                format!("booked on {number}, for which a charge is under way")
            }
            Booked::Booked { number, rest, .. } if rest.minor > 0 => {
                format!("booked on {number}, {rest} missing")
            }
            Booked::Booked { number, .. } => format!("booked on {number}"),
            Booked::Known { number, .. } => format!("booked on {number} before"),
            Booked::Batch { debits, .. } => format!("{debits} direct debits booked"),
            Booked::Returned { number, reason, .. } => {
                format!("direct debit of {number} came back ({reason})")
            }
            Booked::Rejected { number, reason, .. } => {
                format!("direct debit of {number} is not collected ({reason})")
            }
            Booked::NoReference => "no reference of an order".to_owned(),
            Booked::Refused { number, why, .. } => format!("not booked on {number}: {why}"),
        };
        say!("{}  {:>12}  {became}", line.booked_on, line.amount.to_string());
    }
    say!("{} came, {} went out and are ignored", report.lines.len(), report.debits);
    if open == 0 {
        return Ok(());
    }
    say!("{open} to look at: {}/billing/bank/{statement}", site);
    Err(CliError::Silent)
}

/// Books a file and keeps what became of it, as the billing desk does: the report, its number, and how many of its
/// entries somebody has to look at.
async fn booked(cx: &Services, file: &[u8], meta: &Metadata) -> Result<(Report, Uuid, usize), CliError> {
    let report = import(cx, file, meta).await.map_err(|e| CliError::Failed(e.to_string()))?;
    let statement = keep(cx, None, &report).await?;
    let settled = settled_entries(cx, statement, &report).await?;
    let open = report.lines.iter().enumerate();
    let open = open.filter(|(n, line)| line.is_open() && !settled.contains_key(n)).count();
    Ok((report, statement, open))
}
