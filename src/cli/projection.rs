//! `kinora projection list|rebuild|verify`.

use super::{CliError, Global, print_json};
use crate::startup::Instance;
use crate::store::checkpoint::{self, Kind};
use crate::store::{StoreError, log};
use clap::{Args, Subcommand};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

#[derive(Args)]
pub struct ProjectionArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Name, position and lag of each.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Fold one anew from the first event.
    Rebuild {
        /// Which.
        name: String,
        /// Beside the live one, which is read until the new one has caught up.
        #[arg(long)]
        live: bool,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Fold all anew beside the live ones and compare.
    Verify {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(serde::Serialize)]
struct Row {
    name: String,
    version: i32,
    position: i64,
    lag: i64,
}

pub async fn projection(global: &Global, args: ProjectionArgs) -> Result<(), CliError> {
    let instance = global.open_existing().await?;
    let outcome = act(&instance, args.action).await;
    instance.close().await?;
    outcome
}

async fn act(instance: &Instance, action: Action) -> Result<(), CliError> {
    let cx = &instance.services;
    match action {
        Action::List { json } => {
            let client = cx.pool.get().await.map_err(StoreError::from)?;
            let head = log::head(&**client).await?;
            let rows: Vec<Row> = checkpoint::all(&**client, Kind::Projection)
                .await?
                .into_iter()
                .map(|(name, c)| Row {
                    name,
                    version: c.version,
                    position: c.position,
                    lag: head - c.position,
                })
                .collect();
            if json {
                return print_json(&serde_json::json!({ "head": head, "projections": rows }));
            }
            for row in rows {
                say!("{:32} version {} at {} ({} behind)", row.name, row.version, row.position, row.lag);
            }
            Ok(())
        }
        Action::Rebuild { name, live: true, json } => {
            let terminal = std::io::stderr().is_terminal();
            let mut told = Instant::now();
            let done = instance
                .projector
                .rebuild_live(&name, |at, head| {
                    if terminal {
                        eprint!("\r{at} of {head}");
                    } else if told.elapsed() > Duration::from_secs(10) {
                        tracing::info!(at, head, "rebuilding");
                        told = Instant::now();
                    }
                })
                .await?;
            if terminal {
                eprintln!();
            }
            if json {
                return print_json(&done);
            }
            say!("{name} is rebuilt up to event {}", done.position);
            Ok(())
        }
        Action::Rebuild { name, live: false, json } => {
            instance.projector.rebuild(&name).await?;
            if !cx.settle(Duration::from_secs(600)).await? {
                return Err(CliError::Failed("the projection is still being folded".into()));
            }
            if json {
                let client = cx.pool.get().await.map_err(StoreError::from)?;
                return print_json(
                    &serde_json::json!({ "name": name, "position": log::head(&**client).await? }),
                );
            }
            say!("{name} is rebuilt");
            Ok(())
        }
        Action::Verify { json } => {
            cx.settle(Duration::from_secs(60)).await?;
            let found = instance.projector.verify().await?;
            if json {
                print_json(&found)?;
            } else {
                for one in &found.projections {
                    let found = match &one.error {
                        Some(error) => format!("CANNOT BE FOLDED ANEW: {error}"),
                        None if one.equal => "equal".into(),
                        None => "DIFFERENT".into(),
                    };
                    say!("{:32} {found}", one.name);
                }
            }
            if found.ok { Ok(()) } else { Err(CliError::Silent) }
        }
    }
}
