//! `kinora backup create|restore|verify|drill`.

use super::{CliError, Global, print_json};
use crate::actors::backup::{self, Manifest};
use crate::config::Config;
use crate::startup::{Instance, PENDING};
use crate::store::cluster::Cluster;
use crate::store::dump::Dumper;
use crate::store::pool::Database;
use clap::{Args, Subcommand};
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

#[derive(Args)]
pub struct BackupArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Write database and key store, each with its manifest.
    Create {
        /// Folder; without it the one of the settings.
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Bring a backup into an empty data folder, and erase again who was erased since.
    Restore {
        /// Folder of the database's backup.
        database: PathBuf,
        /// Folder of the key store's backup; without it keys and secrets must be in the data folder.
        #[arg(long, value_name = "DIR")]
        keys: Option<PathBuf>,
        /// Folder of certificates of erasures that were kept elsewhere.
        #[arg(long, value_name = "DIR")]
        ledger: Option<PathBuf>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Hold the files of a backup against its manifest.
    Verify {
        /// Folder of one backup, or the folder of all: then the newest of each kind.
        folder: Option<PathBuf>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Restore the newest backup beside the running studio, verify log and projections there, and throw it away.
    Drill {
        /// The folder of all backups; without it the one of the settings.
        folder: Option<PathBuf>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

pub async fn backup(global: &Global, args: BackupArgs) -> Result<(), CliError> {
    let config = global.config()?;
    let chosen = |given: Option<PathBuf>| {
        given
            .or_else(|| config.backup.folder.clone())
            .ok_or_else(|| CliError::Usage("name a folder, or set backup.folder in the settings".into()))
    };
    match args.action {
        Action::Create { to, json } => {
            let folder = chosen(to)?;
            create(config, &folder, json).await
        }
        Action::Verify { folder, json } => verify(&chosen(folder)?, json),
        Action::Restore { database, keys, ledger, json } => {
            restore(config, &database, keys.as_deref(), ledger.as_deref(), json).await
        }
        Action::Drill { folder, json } => {
            let folder = chosen(folder)?;
            drill(config, &folder, json).await
        }
    }
}

fn failed(error: &backup::BackupError) -> CliError {
    CliError::Failed(error.to_string())
}

async fn create(config: Config, folder: &Path, json: bool) -> Result<(), CliError> {
    super::there_is_a_studio(&config)?;
    let instance = Instance::open(config, true).await?;
    let made = backup::create(&instance.services, folder).await;
    instance.close().await?;
    let made = made.map_err(|e| failed(&e))?;
    if json {
        return print_json(&made);
    }
    say!("{} ({} events)\n{}", made.database.display(), made.position, made.keys.display());
    say!("Keep the two apart from this machine and from each other; the media folder is copied on its own.");
    Ok(())
}

fn verify(folder: &Path, json: bool) -> Result<(), CliError> {
    let found: Vec<PathBuf> = if folder.join("manifest.json").exists() {
        vec![folder.to_owned()]
    } else {
        ["database", "keys"].iter().filter_map(|kind| backup::newest(folder, kind)).collect()
    };
    if found.is_empty() {
        return Err(CliError::Failed(format!("there is no backup in {}", folder.display())));
    }
    let mut all_well = true;
    let mut answers = vec![];
    for path in found {
        let outcome = backup::verify(&path);
        all_well &= outcome.is_ok();
        let reason = outcome.as_ref().err().map(ToString::to_string);
        if json {
            let about = outcome.as_ref().ok();
            answers.push(json!({
                "folder": path, "ok": reason.is_none(), "reason": reason,
                "made_at": about.map(|m| m.made_at), "position": about.map(|m| m.position),
            }));
        } else {
            say!("{}: {}", path.display(), reason.unwrap_or_else(|| "whole".into()));
        }
    }
    if json {
        print_json(&json!({ "ok": all_well, "backups": answers }))?;
    }
    if all_well { Ok(()) } else { Err(CliError::Silent) }
}

/// Where the database of a data folder is, and PostgreSQL's programs for it.
async fn reach(config: &Config) -> Result<(Dumper, Option<Arc<Cluster>>), CliError> {
    std::fs::create_dir_all(&config.data)?;
    Ok(match &config.database_url {
        Some(url) => (Dumper { programs: None, database: Database::by_url(url)? }, None),
        None => {
            let cluster = Arc::new(Cluster::start_or_join(&config.data).await?);
            let programs = Some(cluster.programs().to_owned());
            (Dumper { programs, database: cluster.database("kinora") }, Some(cluster))
        }
    })
}

/// Database and keys into an empty data folder. Gives the instance, still closed to everybody else.
async fn bring_back(
    config: &Config,
    database: &Path,
    keys: Option<&Path>,
) -> Result<(Instance, Manifest), CliError> {
    if let Some(keys) = keys {
        let about = backup::verify(keys).map_err(|e| failed(&e))?;
        if about.kind != "keys" {
            return Err(CliError::Usage(format!("{} is no backup of the key store", keys.display())));
        }
    } else if !config.secrets_folder().join("events.key").exists() {
        return Err(CliError::Usage(
            "name the backup of the key store with --keys: without it no personal value can be read".into(),
        ));
    }
    let (dumper, cluster) = reach(config).await?;
    std::fs::write(config.in_data(PENDING), "A restore was begun and has not been finished.\n")?;
    let restored = backup::restore_database(&dumper, database).await;
    let manifest = match restored {
        Ok(manifest) => manifest,
        Err(error) => {
            let _ = std::fs::remove_file(config.in_data(PENDING));
            if let Some(cluster) = cluster {
                cluster.leave()?;
            }
            return Err(failed(&error));
        }
    };
    if let Some(keys) = keys {
        for (part, to) in [
            ("keys", config.in_data("keys")),
            ("secrets", config.secrets_folder()),
            ("erasures", config.in_data("erasures")),
        ] {
            backup::copy_tree(&keys.join(part), &to).map_err(|e| failed(&e))?;
        }
    }
    let instance = Instance::open_on(config.clone(), dumper.database, cluster, true).await?;
    if let Some(keys) = keys.filter(|_| config.keys_database_url.is_some()) {
        // Those that its database lost; erasures are repeated afterwards.
        instance.services.vault.key_store().import(&keys.join("keys")).await?;
    }
    Ok((instance, manifest))
}

async fn restore(
    config: Config,
    database: &Path,
    keys: Option<&Path>,
    ledger: Option<&Path>,
    json: bool,
) -> Result<(), CliError> {
    let (instance, manifest) = bring_back(&config, database, keys).await?;
    let outcome = finish(&instance, &manifest, ledger).await;
    instance.close().await?;
    let (events, erased) = outcome?;
    std::fs::remove_file(config.in_data(PENDING))?;
    if json {
        return print_json(
            &json!({ "ok": true, "events": events, "made_at": manifest.made_at, "erased_again": erased }),
        );
    }
    say!("{events} events, unchanged; {erased} erasures repeated. The media folder is copied on its own.");
    Ok(())
}

/// What must hold before anybody may come in again.
async fn finish(
    instance: &Instance,
    manifest: &Manifest,
    ledger: Option<&Path>,
) -> Result<(i64, usize), CliError> {
    let cx = &instance.services;
    let notes: Vec<String> = manifest.checkpoint.iter().cloned().collect();
    let found = cx.audit.verify(false, &notes, |_, _| {}).await?;
    if !found.ok {
        return Err(CliError::Failed(format!(
            "the restored log is not the one that was saved: position {}: {}",
            found.first_bad_position.unwrap_or_default(),
            found.reason.unwrap_or_default()
        )));
    }
    instance.start(crate::startup::Roles::COMMAND);
    let settled = || async {
        if cx.settle(std::time::Duration::from_secs(600)).await? {
            Ok(())
        } else {
            Err(CliError::Failed("the projections were not made anew in ten minutes".into()))
        }
    };
    // What an account left where is looked up in the projections.
    settled().await?;
    let mut erased = 0;
    let own = cx.config.in_data("erasures");
    for folder in [Some(own.as_path()), ledger].into_iter().flatten() {
        erased += backup::replay_erasures(cx, folder).await.map_err(|e| failed(&e))?;
    }
    settled().await?;
    Ok((found.events, erased))
}

async fn drill(config: Config, folder: &Path, json: bool) -> Result<(), CliError> {
    let started = Instant::now();
    let missing =
        |kind: &str| CliError::Failed(format!("there is no backup of the {kind} in {}", folder.display()));
    let database = backup::newest(folder, "database").ok_or_else(|| missing("database"))?;
    let keys = backup::newest(folder, "keys").ok_or_else(|| missing("key store"))?;
    std::fs::create_dir_all(&config.data)?;
    let room = tempfile::Builder::new().prefix("drill-").tempdir_in(&config.data)?;
    // PostgreSQL may run as another user, who has to pass through.
    std::fs::set_permissions(room.path(), std::fs::Permissions::from_mode(0o755))?;
    let apart = Config {
        data: room.path().to_owned(),
        secrets_dir: None,
        database_url: None,
        keys_database_url: None,
        ..config
    };
    let (instance, manifest) = bring_back(&apart, &database, Some(&keys)).await?;
    let outcome = async {
        let (events, erased) = finish(&instance, &manifest, None).await?;
        let projections = instance.projector.verify().await?;
        Ok::<_, CliError>((events, erased, projections.ok))
    }
    .await;
    instance.close().await?;
    let (events, erased, equal) = outcome?;
    let ok = equal && events >= manifest.position;
    let seconds = started.elapsed().as_secs_f64();
    if json {
        print_json(&json!({
            "ok": ok, "events": events, "position": manifest.position, "made_at": manifest.made_at,
            "projections_equal": equal, "erased_again": erased, "seconds": seconds,
        }))?;
    } else {
        let words = if ok { "is good" } else { "is NOT good" };
        say!(
            "the backup of {} {words}: {events} events, projections equal: {equal}, {seconds:.1} s",
            manifest.made_at
        );
    }
    if ok { Ok(()) } else { Err(CliError::Silent) }
}
