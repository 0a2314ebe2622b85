//! `kinora search reindex|status|keys`.

use super::{CliError, Global, print_json};
use crate::projections::Projection as _;
use crate::projections::catalogue::{self, Catalogue};
use crate::startup::Instance;
use crate::store::checkpoint::{self, Kind};
use crate::store::{StoreError, log};
use clap::{Args, Subcommand};
use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::time::Duration;

#[derive(Args)]
pub struct SearchArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make the index anew from the log, while the present one answers.
    Reindex {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Which engine answers, what it has found words in, and how far behind it is.
    Status {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// The keys of the engine; the embedded one has none.
    Keys {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

/// The engine of this version: an index in the studio's own database.
const ENGINE: &str = "embedded";

#[derive(serde::Serialize)]
struct Status {
    engine: &'static str,
    documents: BTreeMap<String, i64>,
    total: i64,
    position: i64,
    behind: i64,
    ok: bool,
}

pub async fn search(global: &Global, args: SearchArgs) -> Result<(), CliError> {
    if let Action::Keys { json } = args.action {
        // Settings that cannot be read are named here too.
        global.config()?;
        if json {
            return print_json(&serde_json::json!({ "engine": ENGINE, "keys": [] }));
        }
        say!("The embedded engine has no keys: only this studio asks it.");
        return Ok(());
    }
    let instance = global.open_existing().await?;
    let outcome = act(&instance, args.action).await;
    instance.close().await?;
    outcome
}

async fn act(instance: &Instance, action: Action) -> Result<(), CliError> {
    match action {
        Action::Reindex { json } => {
            let terminal = std::io::stderr().is_terminal();
            let told = |at, head| {
                if terminal {
                    eprint!("\r{at} of {head}");
                }
            };
            instance.projector.rebuild_live(Catalogue.name(), told).await?;
            if terminal {
                eprintln!();
            }
            show(&status(instance).await?, json)
        }
        Action::Status { json } => show(&status(instance).await?, json),
        Action::Keys { .. } => Ok(()),
    }
}

async fn status(instance: &Instance) -> Result<Status, CliError> {
    let cx = &instance.services;
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    let asked_at = log::head(&**client).await?;
    // A busy studio goes on writing: what was there when we were asked has to be found.
    let ok = cx.reader.wait_for(asked_at, Duration::from_secs(10)).await?;
    let documents: BTreeMap<String, i64> = catalogue::findable(&cx.reader).await?.into_iter().collect();
    let head = log::head(&**client).await?;
    let all = checkpoint::all(&**client, Kind::Projection).await?;
    let position = all.into_iter().find(|(name, _)| name == Catalogue.name()).map_or(0, |(_, c)| c.position);
    let total = documents.values().sum();
    let behind = head - position;
    Ok(Status { engine: ENGINE, documents, total, position, behind, ok })
}

fn show(status: &Status, json: bool) -> Result<(), CliError> {
    if json {
        print_json(status)?;
    } else {
        say!("engine {}, up to event {} ({} behind)", status.engine, status.position, status.behind);
        for (kind, number) in &status.documents {
            say!("{kind:12} {number}");
        }
    }
    if status.ok { Ok(()) } else { Err(CliError::Silent) }
}
