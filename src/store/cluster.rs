//! The private PostgreSQL cluster: made, started, joined and stopped by Kinora itself from the
//! installed binaries. Unix socket with peer authentication only, data checksums, fsync on.
//!
//! Several processes of one data folder share it. Each holds a shared lock on `run/users.lock`; who
//! leaves last stops the server. Started as root, the server runs as the data folder's owner, or as
//! the system user `postgres` when that is root.

use super::StoreError;
use super::pool::{Database, connect};
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::{Gid, Uid, User, chown};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Longest path of a Unix socket that Linux takes, minus the socket's own name.
const SOCKET_FOLDER_MAX: usize = 107 - "/.s.PGSQL.5432".len();
const OLDEST_MAJOR: u32 = 15;

/// A running private cluster that this process uses.
pub struct Cluster {
    data: PathBuf,
    socket_folder: PathBuf,
    binaries: PathBuf,
    owner: User,
    users: Mutex<Option<Flock<File>>>,
}

impl Cluster {
    /// Makes the cluster if there is none, starts it if it does not run, joins it otherwise.
    ///
    /// # Errors
    /// With what to do about it: no binaries installed, a data folder of another major version, a
    /// folder that the server's user cannot enter, a server that does not come up.
    pub async fn start_or_join(data_folder: &Path) -> Result<Self, StoreError> {
        let data_folder = &fs::canonicalize(data_folder)
            .map_err(|e| StoreError::file(format!("finding {}", data_folder.display()), e))?;
        let folder = data_folder.to_owned();
        let cluster = tokio::task::spawn_blocking(move || Self::prepare(&folder))
            .await
            .map_err(|e| StoreError::Cluster(e.to_string()))??;
        cluster.make_roles().await?;
        Ok(cluster)
    }

    fn prepare(data_folder: &Path) -> Result<Self, StoreError> {
        let run = data_folder.join("run");
        make_folder(&run, 0o755)?;
        let owner = server_user(data_folder)?;
        let data = data_folder.join("postgres");
        let binaries = find_binaries(&data)?;
        let start_lock = lock(&run.join("start.lock"), FlockArg::LockExclusive)?;
        let users = lock(&run.join("users.lock"), FlockArg::LockShared)?;
        let socket_folder = socket_folder(&run)?;
        make_owned_folder(&socket_folder, &owner)?;
        let cluster = Self { data, socket_folder, binaries, owner, users: Mutex::new(Some(users)) };
        cluster.check_reachable()?;
        if !cluster.data.join("PG_VERSION").exists() {
            cluster.init()?;
        }
        cluster.write_access_rules()?;
        if !cluster.answers() {
            cluster.start()?;
        }
        drop(start_lock);
        Ok(cluster)
    }

    /// How to reach the database of Kinora in it.
    #[must_use]
    pub fn database(&self, name: &str) -> Database {
        Database::on_socket(&self.socket_folder, name)
    }

    /// Where the socket lies.
    #[must_use]
    pub fn socket_folder(&self) -> &Path {
        &self.socket_folder
    }

    /// Where PostgreSQL's programs of the cluster's version lie.
    #[must_use]
    pub fn programs(&self) -> &Path {
        &self.binaries
    }

    /// Stops the server unless another process of this data folder still uses it.
    ///
    /// # Errors
    /// If the server does not stop.
    pub fn leave(&self) -> Result<(), StoreError> {
        let Some(users) = self.users.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Ok(());
        };
        let run = self.data.with_file_name("run");
        let _start = lock(&run.join("start.lock"), FlockArg::LockExclusive)?;
        drop(users);
        let last = OpenOptions::new()
            .write(true)
            .open(run.join("users.lock"))
            .ok()
            .and_then(|file| Flock::lock(file, FlockArg::LockExclusiveNonblock).ok());
        if last.is_none() {
            return Ok(());
        }
        let stopped = self
            .as_owner("pg_ctl")
            .args(["stop", "-m", "fast", "-w", "-t", "60", "-D"])
            .arg(&self.data)
            .output();
        let output = stopped.map_err(|e| StoreError::file("stopping PostgreSQL", e))?;
        if output.status.success() || !self.answers() {
            return Ok(());
        }
        Err(StoreError::Cluster(format!(
            "PostgreSQL did not stop: {}",
            String::from_utf8_lossy(&output.stderr)
        )))
    }

    /// Starts the server again if it has died; `true` if that was necessary.
    ///
    /// # Errors
    /// If it does not come up.
    pub fn revive(&self) -> Result<bool, StoreError> {
        if self.answers() {
            return Ok(false);
        }
        let _start = lock(&self.data.with_file_name("run").join("start.lock"), FlockArg::LockExclusive)?;
        let still_used = self.users.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if !still_used || self.answers() {
            return Ok(false);
        }
        self.start()?;
        Ok(true)
    }

    fn init(&self) -> Result<(), StoreError> {
        make_owned_folder(&self.data, &self.owner)?;
        let output = self
            .as_owner("initdb")
            .args(["--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums"])
            .args(["--auth-local=peer", "--auth-host=reject", "--no-instructions", "-D"])
            .arg(&self.data)
            .output()
            .map_err(|e| StoreError::file("running initdb", e))?;
        if !output.status.success() {
            return Err(StoreError::Cluster(format!(
                "initdb failed: {}",
                String::from_utf8_lossy(&output.stderr)
            )));
        }
        let settings = "\n# Kinora: a socket for this machine only, durable commits.\n\
            listen_addresses = ''\nfsync = on\nsynchronous_commit = on\nfull_page_writes = on\n\
            max_connections = 200\nshared_buffers = '128MB'\nwal_compression = on\nmin_wal_size = '256MB'\nmax_wal_size = '1GB'\n\
            log_min_messages = warning\nlog_timezone = 'UTC'\ntimezone = 'UTC'\ntrack_activity_query_size = 256\n\
            log_parameter_max_length = 0\nlog_parameter_max_length_on_error = 0\nlog_min_error_statement = panic\n";
        let path = self.data.join("postgresql.conf");
        let mut config =
            fs::read_to_string(&path).map_err(|e| StoreError::file("reading postgresql.conf", e))?;
        config.push_str(settings);
        fs::write(&path, config).map_err(|e| StoreError::file("writing postgresql.conf", e))
    }

    /// Who may connect: our user as the two roles of Kinora, the cluster's owner also as superuser.
    fn write_access_rules(&self) -> Result<(), StoreError> {
        let me = User::from_uid(Uid::effective()).ok().flatten().map_or_else(|| "root".into(), |u| u.name);
        let mut ident = String::from("# map  system-user  role\n");
        for role in ["kinora_app", "kinora_owner", "postgres"] {
            ident.push_str(&format!("kinora \"{me}\" {role}\n"));
            if self.owner.name != me {
                ident.push_str(&format!("kinora \"{}\" {role}\n", self.owner.name));
            }
        }
        self.write_as_owner("pg_ident.conf", &ident)?;
        self.write_as_owner("pg_hba.conf", "local all all peer map=kinora\n")
    }

    fn write_as_owner(&self, name: &str, text: &str) -> Result<(), StoreError> {
        let path = self.data.join(name);
        let same = fs::read_to_string(&path).is_ok_and(|old| old == text);
        if same {
            return Ok(());
        }
        let fail = |e| StoreError::file(format!("writing {}", path.display()), e);
        fs::write(&path, text).map_err(fail)?;
        chown_path(&path, &self.owner)?;
        if self.answers() {
            let _ = self.as_owner("pg_ctl").args(["reload", "-D"]).arg(&self.data).output();
        }
        Ok(())
    }

    fn start(&self) -> Result<(), StoreError> {
        let log = self.data.join("server.log");
        let options = format!("-k {}", self.socket_folder.display());
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            clear_after_death(&self.data);
            self.as_owner("pg_ctl")
                .args(["start", "-w", "-t", "60", "-s", "-D"])
                .arg(&self.data)
                .arg("-l")
                .arg(&log)
                .args(["-o", &options])
                .stdin(std::process::Stdio::null())
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .status()
                .map_err(|e| StoreError::file("starting PostgreSQL", e))?;
            // Also when it was running all the time and only recovering from a backend's death.
            if self.answers() {
                return Ok(());
            }
            if Instant::now() > deadline {
                let tail: Vec<String> = fs::read_to_string(&log)
                    .unwrap_or_default()
                    .lines()
                    .rev()
                    .take(6)
                    .map(ToOwned::to_owned)
                    .collect();
                return Err(StoreError::Cluster(format!(
                    "PostgreSQL does not start; the end of {}: {}",
                    log.display(),
                    tail.into_iter().rev().collect::<Vec<_>>().join(" | ")
                )));
            }
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    fn answers(&self) -> bool {
        Command::new(self.binaries.join("pg_isready"))
            .args(["-q", "-U", "kinora_app", "-d", "postgres", "-h"])
            .arg(&self.socket_folder)
            .status()
            .is_ok_and(|s| s.success())
    }

    /// The server's user must be able to reach its folder through all parents.
    fn check_reachable(&self) -> Result<(), StoreError> {
        if !Uid::effective().is_root() {
            return Ok(());
        }
        for parent in self.data.ancestors().skip(1) {
            let Ok(meta) = fs::metadata(parent) else { continue };
            let open = meta.mode() & 0o001 != 0 || meta.uid() == self.owner.uid.as_raw();
            if !open {
                return Err(StoreError::Cluster(format!(
                    "PostgreSQL runs as user {} and cannot enter {}: choose another folder with --data, or allow it with chmod o+x {}",
                    self.owner.name,
                    parent.display(),
                    parent.display()
                )));
            }
        }
        Ok(())
    }

    /// A program of PostgreSQL, run as the server's user in a folder it can enter.
    fn as_owner(&self, program: &str) -> Command {
        let mut command = Command::new(self.binaries.join(program));
        command.current_dir("/").env_clear().env("LC_ALL", "C.UTF-8").env("PATH", "/usr/bin:/bin");
        if Uid::effective().is_root() {
            command.uid(self.owner.uid.as_raw()).gid(self.owner.gid.as_raw());
        }
        // A group of its own: Ctrl-C in the terminal must reach Kinora first.
        command.process_group(0);
        command
    }

    async fn make_roles(&self) -> Result<(), StoreError> {
        let mut config = self.database("postgres").owner;
        config.user("postgres");
        let client = connect(&config).await?;
        for role in ["kinora_owner", "kinora_app"] {
            let known = client.query_opt("select 1 from pg_roles where rolname = $1", &[&role]).await?;
            if known.is_none() {
                client.batch_execute(&format!("create role {role} login")).await?;
            }
        }
        self.make_database(&client, "kinora").await
    }

    /// Makes a database owned by `kinora_owner` unless it is there.
    ///
    /// # Errors
    /// If PostgreSQL refuses.
    pub async fn make_database(
        &self,
        superuser: &tokio_postgres::Client,
        name: &str,
    ) -> Result<(), StoreError> {
        let known = superuser.query_opt("select 1 from pg_database where datname = $1", &[&name]).await?;
        if known.is_none() {
            superuser.batch_execute(&format!("create database \"{name}\" owner kinora_owner")).await?;
            let mut config = self.database(name).owner;
            config.user("postgres");
            let inside = connect(&config).await?;
            // The application makes the tables of projections itself, also beside the live ones.
            inside.batch_execute(&format!("grant create on database \"{name}\" to kinora_app")).await?;
            inside
                .batch_execute(
                    "create extension if not exists pg_trgm; create extension if not exists unaccent",
                )
                .await?;
        }
        Ok(())
    }
}

/// Takes the lock file of a server away that was killed and that nobody has buried: where process 1
/// does not reap orphans (a bare container), its zombie keeps PostgreSQL from ever starting again.
/// Only when no process works in the folder any more; PostgreSQL's own check of shared memory stays.
fn clear_after_death(data: &Path) {
    let file = data.join("postmaster.pid");
    let Some(pid) = fs::read_to_string(&file).ok().and_then(|t| t.lines().next()?.trim().parse::<u32>().ok())
    else {
        return;
    };
    let is_zombie = fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|after| after.trim_start().starts_with('Z')));
    let lives_here =
        |entry: &fs::DirEntry| fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == data);
    let in_use = fs::read_dir("/proc").is_ok_and(|all| all.flatten().any(|entry| lives_here(&entry)));
    if is_zombie && !in_use && fs::remove_file(&file).is_ok() {
        tracing::warn!(pid, "the lock file of a killed PostgreSQL was removed");
    }
}

fn lock(path: &Path, how: FlockArg) -> Result<Flock<File>, StoreError> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|e| StoreError::file(format!("opening {}", path.display()), e))?;
    Flock::lock(file, how).map_err(|(_, e)| StoreError::file(format!("locking {}", path.display()), e.into()))
}

fn make_folder(path: &Path, mode: u32) -> Result<(), StoreError> {
    DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(path)
        .map_err(|e| StoreError::file(format!("making {}", path.display()), e))
}

fn make_owned_folder(path: &Path, owner: &User) -> Result<(), StoreError> {
    make_folder(path, 0o700)?;
    chown_path(path, owner)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
        .map_err(|e| StoreError::file(format!("protecting {}", path.display()), e))
}

fn chown_path(path: &Path, owner: &User) -> Result<(), StoreError> {
    if !Uid::effective().is_root() {
        return Ok(());
    }
    chown(path, Some(owner.uid), Some(owner.gid))
        .map_err(|e| StoreError::file(format!("giving {} to {}", path.display(), owner.name), e.into()))
}

fn server_user(data_folder: &Path) -> Result<User, StoreError> {
    let me = Uid::effective();
    let find = |uid: Uid| {
        User::from_uid(uid).ok().flatten().ok_or_else(|| {
            StoreError::Cluster(format!(
                "user {uid} has no entry in the passwd database; PostgreSQL needs one"
            ))
        })
    };
    if !me.is_root() {
        return find(me);
    }
    let meta = fs::metadata(data_folder).map_err(|e| StoreError::file("looking at the data folder", e))?;
    let folder_owner = Uid::from_raw(meta.uid());
    if !folder_owner.is_root() {
        return find(folder_owner);
    }
    User::from_name("postgres").ok().flatten().filter(|u| u.gid != Gid::from_raw(0)).ok_or_else(|| {
        StoreError::Cluster("PostgreSQL does not run as root, and there is no system user postgres: apt install postgresql, or give the data folder to another user".into())
    })
}

fn socket_folder(run: &Path) -> Result<PathBuf, StoreError> {
    let usual = run.join("pg");
    if usual.as_os_str().len() <= SOCKET_FOLDER_MAX {
        return Ok(usual);
    }
    let digest = <sha2::Sha256 as sha2::Digest>::digest(run.as_os_str().as_encoded_bytes());
    let short = PathBuf::from(format!("/tmp/kinora-{}", hex::encode(&digest[..6])));
    if short.exists() {
        let meta =
            fs::symlink_metadata(&short).map_err(|e| StoreError::file("looking at the socket folder", e))?;
        let mine = meta.is_dir() && (meta.uid() == Uid::effective().as_raw() || Uid::effective().is_root());
        if !mine {
            return Err(StoreError::Cluster(format!("{} belongs to somebody else", short.display())));
        }
    }
    Ok(short)
}

/// The newest installed major version, or exactly the one that made the data folder.
fn find_binaries(data: &Path) -> Result<PathBuf, StoreError> {
    let wanted = fs::read_to_string(data.join("PG_VERSION")).ok().and_then(|v| v.trim().parse::<u32>().ok());
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for base in ["/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt"] {
        for entry in fs::read_dir(base).into_iter().flatten().flatten() {
            let major = entry.file_name().to_string_lossy().parse::<u32>();
            let bin = entry.path().join("bin");
            if let Ok(major) = major
                && bin.join("postgres").exists()
            {
                found.push((major, bin));
            }
        }
    }
    found.sort();
    if let Some(wanted) = wanted {
        return found.into_iter().find(|(major, _)| *major == wanted).map(|(_, bin)| bin).ok_or_else(|| {
            StoreError::Cluster(format!(
                "the data folder was made by PostgreSQL {wanted}, whose programs are not installed: apt install postgresql-{wanted}, or move it to the installed version with pg_upgrade (docs/operations.md, Upgrade)"
            ))
        });
    }
    found.into_iter().rfind(|(major, _)| *major >= OLDEST_MAJOR).map(|(_, bin)| bin).ok_or_else(|| {
        StoreError::Cluster(format!(
            "no PostgreSQL {OLDEST_MAJOR} or newer is installed: apt install postgresql"
        ))
    })
}
