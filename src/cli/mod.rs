//! The command line: one file per subcommand. Exit status 0 done, 1 failed, 2 usage.

#![deny(clippy::print_stdout)]

use crate::config::{self, Config, ConfigError};
use crate::startup::{Instance, Roles, StartError};
use crate::telemetry;
use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use toml::{Table, Value};

#[macro_use]
mod out;

mod account;
mod backup;
mod bank;
mod demo;
mod events;
mod media;
mod media_lists;
mod migrate;
mod owner;
mod projection;
mod reference;
mod run;
mod search;
mod secrets;
mod serve;
mod settings;
mod subscription;

/// Kinora: a self-hosted studio for films, training and every other kind of media.
#[derive(Parser)]
#[command(version, about, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options that every command takes.
#[derive(Args, Clone, Debug)]
pub struct Global {
    /// Settings file (also KINORA_CONFIG).
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data folder.
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where the site listens; port 0 picks a free port.
    #[arg(long, global = true, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Where /metrics listens; port 0 picks a free port.
    #[arg(long, global = true, value_name = "ADDR")]
    metrics_listen: Option<SocketAddr>,
    /// Set mode = "demo": a small studio with its people, a movable clock, mail on a page.
    #[arg(long, global = true)]
    demo: bool,
    /// More log lines; twice for even more.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Subcommand)]
enum Command {
    /// Run the studio: web, projector, scheduler and worker in one process, or some of them.
    Serve(serve::ServeArgs),
    /// Run only the media worker; the same as serve --role worker.
    Worker(serve::WorkerArgs),
    /// Apply pending schema migrations.
    Migrate(migrate::MigrateArgs),
    /// Emit one scheduled command now.
    Run(run::RunArgs),
    /// Projections: list, rebuild, verify.
    Projection(projection::ProjectionArgs),
    /// The search index: reindex, status, keys.
    Search(search::SearchArgs),
    /// Subscriptions: one with its timeline, and why something was charged.
    Subscription(subscription::SubscriptionArgs),
    /// Bank statements: import one.
    Bank(bank::BankArgs),
    /// The event log: tail, show, export, verify.
    Events(events::EventsArgs),
    /// Accounts: add, grant, revoke, suspend, password, invite, approve, list, show.
    Account(account::AccountArgs),
    /// Works: import, list, reprocess, retry, prune, verify.
    Media(media::MediaArgs),
    /// The demo studio and its clock.
    Demo(demo::DemoArgs),
    /// Backups: create, restore, verify, drill.
    Backup(backup::BackupArgs),
    /// Secrets: exchange the keys that sign sessions or wrap people's data keys.
    Secrets(secrets::SecretsArgs),
    /// Settings: check, show, init.
    Config(settings::SettingsArgs),
    /// Completions for a shell.
    Completions(reference::CompletionsArgs),
    /// The manual page.
    Man,
}

/// Why a command failed; printed as one sentence.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The instance does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Anything else, with what to do.
    #[error("{0}")]
    Failed(String),
    /// The command was told something it does not take.
    #[error("{0}")]
    Usage(String),
    /// Not everything is well; the answer is already printed.
    #[error("")]
    Silent,
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        Self::Start(error.into())
    }
}

impl From<crate::store::StoreError> for CliError {
    fn from(error: crate::store::StoreError) -> Self {
        Self::Start(error.into())
    }
}

impl From<tokio_postgres::Error> for CliError {
    fn from(error: tokio_postgres::Error) -> Self {
        crate::store::StoreError::from(error).into()
    }
}

impl From<serde_json::Error> for CliError {
    fn from(error: serde_json::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Runs a command to its end.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    telemetry::init(cli.global.verbose);
    if cli.command.works_on_data()
        && let Err(error) = owner::become_owner(&cli.global)
    {
        return failed(&error);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("kinora: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(dispatch(cli)).and_then(|()| out::written());
    telemetry::finish();
    // Blocking work that is still under way (an encode) must not hold the process.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(CliError::Silent) => ExitCode::FAILURE,
        Err(error) => failed(&error),
    }
}

fn failed(error: &CliError) -> ExitCode {
    eprintln!("kinora: {error}");
    ExitCode::from(if matches!(error, CliError::Usage(_)) { 2 } else { 1 })
}

impl Command {
    /// Whether the data folder is read or written.
    const fn works_on_data(&self) -> bool {
        !matches!(self, Self::Config(_) | Self::Completions(_) | Self::Man)
    }
}

async fn dispatch(cli: Cli) -> Result<(), CliError> {
    let global = cli.global;
    match cli.command {
        Command::Serve(args) => serve::serve(&global, args).await,
        Command::Worker(args) => serve::worker(&global, args).await,
        Command::Migrate(args) => migrate::migrate(&global, args).await,
        Command::Run(args) => run::run(&global, args).await,
        Command::Projection(args) => projection::projection(&global, args).await,
        Command::Search(args) => search::run(&global, args).await,
        Command::Subscription(args) => subscription::subscription(&global, args).await,
        Command::Bank(args) => bank::bank(&global, args).await,
        Command::Events(args) => events::events(&global, args).await,
        Command::Account(args) => account::account(&global, args).await,
        Command::Media(args) => media::media(&global, args).await,
        Command::Demo(args) => demo::demo(&global, args).await,
        Command::Backup(args) => backup::backup(&global, args).await,
        Command::Secrets(args) => secrets::secrets(&global, args).await,
        Command::Config(args) => settings::settings(&global, args),
        Command::Completions(args) => reference::completions(&args),
        Command::Man => reference::man(),
    }
}

impl Global {
    /// The settings with this command line over them.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn config(&self) -> Result<Config, CliError> {
        let config = self.read_config(config::load)?;
        telemetry::report_to(&config);
        Ok(config)
    }

    /// The same, whether or not its values can work.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn any_config(&self) -> Result<Config, CliError> {
        self.read_config(config::read_only)
    }

    fn read_config(
        &self,
        read: fn(Option<&Path>, Table) -> Result<Config, ConfigError>,
    ) -> Result<Config, CliError> {
        let mut over = Table::new();
        if let Some(data) = &self.data {
            over.insert("data".into(), Value::String(data.to_string_lossy().into_owned()));
        }
        if let Some(listen) = self.listen {
            over.insert("listen".into(), Value::String(listen.to_string()));
        }
        if let Some(listen) = self.metrics_listen {
            over.insert("metrics_listen".into(), Value::String(listen.to_string()));
        }
        if self.demo {
            over.insert("mode".into(), Value::String("demo".into()));
        }
        // A demo beside an installed studio must never work on that one's data.
        let packaged =
            if self.demo || std::env::var_os("KINORA_CONFIG").is_some() { None } else { config::packaged() };
        read(self.config.as_deref().or(packaged.as_deref()), over).map_err(|error| match error {
            ConfigError::File(path, e) if e.kind() == std::io::ErrorKind::PermissionDenied => {
                CliError::Failed(format!(
                    "reading {}: {e}; as the studio's user: sudo -u kinora kinora …",
                    path.display()
                ))
            }
            error => error.into(),
        })
    }

    /// Opens the instance for a command and starts what it needs so that whatever follows from the
    /// command is done, with or without a running server.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn open(&self) -> Result<Instance, CliError> {
        let instance = Instance::open(self.config()?, true).await?;
        instance.start(Roles::COMMAND);
        Ok(instance)
    }

    /// As [`Global::open`], for commands that make no studio where there is none.
    ///
    /// # Errors
    /// If there is none, or it does not start.
    pub async fn open_existing(&self) -> Result<Instance, CliError> {
        there_is_a_studio(&self.config()?)?;
        self.open().await
    }
}

/// Refuses a folder without a studio: who mistypes its name must not be told that all is well with an empty one.
///
/// # Errors
/// With what to do about it.
pub fn there_is_a_studio(config: &Config) -> Result<(), CliError> {
    // With a database elsewhere the folder may be new: another machine joins.
    if config.database_url.is_some() || config.in_data("postgres").join("PG_VERSION").exists() {
        return Ok(());
    }
    Err(CliError::Failed(format!(
        "there is no studio in {}: name its folder with --data, or begin one with kinora serve",
        config.data.display()
    )))
}

/// Prints one JSON object and nothing else.
///
/// # Errors
/// If the value cannot be written.
pub fn print_json<T: serde::Serialize>(value: &T) -> Result<(), CliError> {
    say!("{}", serde_json::to_string(value)?);
    Ok(())
}
