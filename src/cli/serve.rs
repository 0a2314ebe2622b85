//! `kinora serve` and `kinora worker`.

use super::{CliError, Global};
use crate::http::routes::{self, Table};
use crate::http::{self, App, server};
use crate::notify;
use crate::startup::{Instance, Roles, StartError};
use clap::Args;
use std::io::Write;
use std::net::SocketAddr;
use std::os::fd::FromRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[derive(Args)]
pub struct ServeArgs {
    /// What this process does: web, projector, scheduler, worker (comma separated).
    #[arg(long, value_delimiter = ',', value_parser = ["web", "projector", "scheduler", "worker"])]
    role: Vec<String>,
    /// Write the process id to this file, for init scripts.
    #[arg(long, value_name = "FILE")]
    pid_file: Option<PathBuf>,
    /// Do not apply pending migrations; refuse to start while there are some.
    #[arg(long)]
    no_migrate: bool,
}

#[derive(Args)]
pub struct WorkerArgs {
    /// Write the process id to this file, for init scripts.
    #[arg(long, value_name = "FILE")]
    pid_file: Option<PathBuf>,
}

pub async fn worker(global: &Global, args: WorkerArgs) -> Result<(), CliError> {
    let args = ServeArgs { role: vec!["worker".into()], pid_file: args.pid_file, no_migrate: false };
    serve(global, args).await
}

pub async fn serve(global: &Global, args: ServeArgs) -> Result<(), CliError> {
    let roles = roles(&args.role);
    let mut config = global.config()?;
    super::settings::fit_for_production(&config)?;
    if let Some(words) = http::cdn::problem(&config) {
        return Err(CliError::Failed(format!("cdn: {words}")));
    }
    if let Some(words) = config.exposed() {
        return Err(CliError::Usage(words));
    }
    // Before anything is started: a signal from now on leads to an orderly end.
    let mut stop = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut reload = signal(SignalKind::hangup())?;
    // A worker beside a web process of the same settings must not want the same address.
    if !roles.web && global.metrics_listen.is_none() && config.metrics_listen.port() == 9187 {
        config.metrics_listen.set_port(9188);
    }
    let listener = if roles.web { Some(listen(&mut config.listen).await?) } else { None };
    // Also an inherited socket.
    if let Some(words) = config.exposed() {
        return Err(CliError::Usage(words));
    }
    let instance = Instance::open(config, !args.no_migrate).await?;
    // Whatever happens from here on, the instance is closed: it may look after a PostgreSQL.
    let signals = (&mut stop, &mut reload);
    let reread = || reread(global, &instance);
    let served = work(&instance, roles, listener, args.pid_file.as_deref(), signals, &reread).await;
    notify::stopping();
    tracing::info!("ending");
    let closed = instance.close().await;
    if let Some(file) = &args.pid_file {
        let _ = std::fs::remove_file(file);
    }
    served?;
    Ok(closed?)
}

/// Does what the process is there for, until it is told to end.
async fn work(
    instance: &Instance,
    roles: Roles,
    listener: Option<TcpListener>,
    pid_file: Option<&Path>,
    (stop, reload): (&mut Signals, &mut tokio::signal::unix::Signal),
    reread: &impl Fn(),
) -> Result<(), CliError> {
    if roles.projector {
        instance.projector.take_over().await?;
    }
    instance.start(roles);
    let address = instance.services.config.metrics_listen;
    let numbers = TcpListener::bind(address).await.map_err(|e| StartError::Listen(address, e))?;
    let address = numbers.local_addr()?;
    tracing::info!(%address, "metrics");
    let metrics = tokio::spawn(http::metrics::serve(numbers, Arc::clone(&instance.services.metrics)));
    tokio::select! {
        prepared = super::demo::prepare(instance) => prepared?,
        () = wait_for_end(stop, reload, reread) => return Ok(()),
    }
    if let Some(file) = pid_file {
        write_pid(file)?;
    }
    notify::start_watchdog();
    match listener {
        Some(listener) => {
            let app = Arc::new(App::new(instance.services.clone()));
            let table = Table::new(routes::all()).map_err(StartError::Program)?;
            super::demo::announce(instance);
            // Where it listens, not what people type: the two differ behind a proxy, and with port 0 only this
            // line tells.
            ready(listener.local_addr()?);
            server::serve(app, table, listener, wait_for_end(stop, reload, reread)).await;
        }
        None => {
            ready(address);
            wait_for_end(stop, reload, reread).await;
        }
    }
    metrics.abort();
    Ok(())
}

/// The one line on standard output, for programs that start this one: the address of the site, or, where none
/// is served, that of the numbers.
fn ready(address: SocketAddr) {
    // Nobody may be listening: the studio is there all the same.
    let mut out = std::io::stdout();
    let _ = writeln!(out, "ready http://{address}").and_then(|()| out.flush());
    notify::ready();
}

fn roles(names: &[String]) -> Roles {
    if names.is_empty() {
        return Roles::ALL;
    }
    let has = |name: &str| names.iter().any(|n| n == name);
    Roles { web: has("web"), projector: has("projector"), scheduler: has("scheduler"), worker: has("worker") }
}

/// An inherited socket (systemd's `LISTEN_FDS`) or a new one; the settings then hold its address.
async fn listen(address: &mut SocketAddr) -> Result<TcpListener, CliError> {
    let inherited = std::env::var("LISTEN_FDS").ok().and_then(|n| n.parse::<u32>().ok()).unwrap_or(0) > 0
        && std::env::var("LISTEN_PID").ok().and_then(|p| p.parse().ok()) == Some(std::process::id());
    let listener = if inherited {
        // SAFETY: by the protocol of socket activation descriptor 3 is a listening socket that
        // belongs to this process, and nothing else here takes it.
        #[expect(unsafe_code, reason = "the only way to take over an inherited descriptor")]
        let socket = unsafe { std::net::TcpListener::from_raw_fd(3) };
        socket.set_nonblocking(true)?;
        TcpListener::from_std(socket)?
    } else {
        TcpListener::bind(*address).await.map_err(|e| StartError::Listen(*address, e))?
    };
    *address = listener.local_addr()?;
    Ok(listener)
}

fn write_pid(file: &Path) -> Result<(), CliError> {
    std::fs::write(file, format!("{}\n", std::process::id()))
        .map_err(|e| CliError::Failed(format!("writing {}: {e}", file.display())))
}

type Signals = (tokio::signal::unix::Signal, tokio::signal::unix::Signal);

async fn wait_for_end(stop: &mut Signals, reload: &mut tokio::signal::unix::Signal, reread: &impl Fn()) {
    loop {
        tokio::select! {
            _ = stop.0.recv() => return,
            _ = stop.1.recv() => return,
            _ = reload.recv() => reread(),
        }
    }
}

/// Reads the settings again; bad ones change nothing.
fn reread(global: &Global, instance: &Instance) {
    let read =
        global.config().and_then(|config| super::settings::fit_for_production(&config).map(|()| config));
    match read {
        Ok(config) => {
            let at_start_only = instance.services.config.replace(config);
            if at_start_only.is_empty() {
                tracing::info!("settings were read again");
            } else {
                tracing::warn!(
                    settings = at_start_only.join(", "),
                    "settings were read again; these count only after a restart"
                );
            }
        }
        Err(error) => tracing::error!(%error, "the settings cannot be used; the old ones stay in force"),
    }
}
