//! `kinora search reindex|status|keys`.

use super::{CliError, Global, print_json};
use crate::actors::Services;
use crate::actors::search;
use crate::config::Config;
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

#[derive(serde::Serialize)]
struct Index {
    position: i64,
    whole: bool,
    error: Option<String>,
}

#[derive(serde::Serialize)]
struct Status {
    engine: &'static str,
    /// How far the index of an engine beside the studio is; none of the embedded one.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<Index>,
    documents: BTreeMap<String, i64>,
    total: i64,
    position: i64,
    behind: i64,
    ok: bool,
}

pub async fn run(global: &Global, args: SearchArgs) -> Result<(), CliError> {
    if let Action::Keys { json } = args.action {
        // Settings that cannot be read are named here too.
        return keys(&global.config()?, json);
    }
    let instance = global.open_existing().await?;
    let outcome = act(&instance, args.action).await;
    instance.close().await?;
    outcome
}

/// Which keys there are. What they are stands in the settings and is not shown.
fn keys(config: &Config, json: bool) -> Result<(), CliError> {
    let engine = config.search.engine.as_str();
    let keys: &[&str] =
        if config.search.is_elsewhere() { &["search.search_key", "search.admin_key"] } else { &[] };
    if json {
        return print_json(&serde_json::json!({ "engine": engine, "keys": keys }));
    }
    match keys {
        [] => say!("The embedded engine has no keys: only this studio asks it."),
        keys => {
            say!("Set, and not shown here: {}. Meilisearch lists its keys at GET /keys.", keys.join(", "))
        }
    }
    Ok(())
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
            if instance.services.config.search.is_elsewhere() {
                fill_anew(instance).await?;
            }
            show(&status(instance).await?, json)
        }
        Action::Status { json } => show(&status(instance).await?, json),
        Action::Keys { .. } => Ok(()),
    }
}

/// Has the index beside the studio filled anew, by whichever process fills it.
async fn fill_anew(instance: &Instance) -> Result<(), CliError> {
    let cx = &instance.services;
    let wish = search::want_anew(cx).await?;
    loop {
        let filled = search::filled(cx).await?;
        if filled.made >= wish {
            return Ok(());
        }
        if let Some(error) = filled.error {
            return Err(CliError::Failed(format!("{error}; the studio goes on trying")));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn status(instance: &Instance) -> Result<Status, CliError> {
    let cx = &instance.services;
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    let asked_at = log::head(&**client).await?;
    // A busy studio goes on writing: what was there when we were asked has to be found.
    let ok = cx.reader.wait_for(asked_at, Duration::from_secs(10)).await?;
    let index = match cx.config.search.is_elsewhere() {
        true => Some(index_status(cx).await?),
        false => None,
    };
    let ok = ok && index.as_ref().is_none_or(|i| i.whole && i.error.is_none());
    let documents: BTreeMap<String, i64> = catalogue::findable(&cx.reader).await?.into_iter().collect();
    let head = log::head(&**client).await?;
    let all = checkpoint::all(&**client, Kind::Projection).await?;
    let position = all.into_iter().find(|(name, _)| name == Catalogue.name()).map_or(0, |(_, c)| c.position);
    let total = documents.values().sum();
    let behind = head - position;
    Ok(Status { engine: cx.config.search.engine.as_str(), index, documents, total, position, behind, ok })
}

/// How far the index beside the studio is, which gets a moment to catch up.
async fn index_status(cx: &Services) -> Result<Index, CliError> {
    for _ in 0..50 {
        let filled = search::filled(cx).await?;
        if filled.whole || filled.error.is_some() {
            return Ok(Index { position: filled.position, whole: filled.whole, error: filled.error });
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let filled = search::filled(cx).await?;
    Ok(Index { position: filled.position, whole: filled.whole, error: filled.error })
}

fn show(status: &Status, json: bool) -> Result<(), CliError> {
    if json {
        print_json(status)?;
    } else {
        say!("engine {}, up to event {} ({} behind)", status.engine, status.position, status.behind);
        if let Some(index) = &status.index {
            let words = if index.whole { "whole" } else { "being filled" };
            say!("its index is {words}, up to event {}", index.position);
            if let Some(error) = &index.error {
                say!("{error}");
            }
        }
        for (kind, number) in &status.documents {
            say!("{kind:12} {number}");
        }
    }
    if status.ok { Ok(()) } else { Err(CliError::Silent) }
}
