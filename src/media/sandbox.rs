//! Helper programs (ffmpeg, ffprobe) run here: without network, with an empty environment, a file
//! view of their own, and limits on memory, time and file size; killed as a group.
//!
//! bubblewrap gives all of that where unprivileged namespaces work. Where they do not (some
//! containers, a stricter service unit) Landlock and seccomp do it from within. Where those do not work
//! either, the limits and the empty environment remain, and the demuxer and protocol lists of the callers;
//! [`Sandbox::confinement`] says which it is.

pub use super::cancel::Cancel;
pub use super::confinement::Confinement;

use super::Limits;
use super::confinement::bubblewrap_view;
use super::said::plain;
use super::signs::Time;
use super::within::Reach;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Why a helper program gave no result.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// It is not installed.
    #[error("{program} is not installed")]
    Missing {
        /// Its name.
        program: String,
    },
    /// It ran longer than allowed and was killed with its children.
    #[error("took longer than allowed")]
    TimedOut,
    /// Somebody asked to stop.
    #[error("stopped on request")]
    Cancelled,
    /// It could not be started or read from.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// It ended with an error.
    #[error("ended with status {code:?}: {message}")]
    Exit {
        /// Exit status; `None` after a signal.
        code: Option<i32>,
        /// The end of what it wrote to standard error, without paths.
        message: String,
    },
}

/// Starts helper programs.
#[derive(Clone, Debug)]
pub struct Sandbox {
    confinement: Confinement,
    namespaces: &'static [&'static str],
    niceness: u8,
}

/// How many times the memory of helper programs an encoder may have: of ten bits and 2160 lines rav1e takes 4.4 GiB of
/// addresses at its fastest.
const ENCODER_MEMORY: u64 = 4;

/// The furthest that a short program stands back. Of what does not end in its time the file is said to be at fault, so
/// it must get its share of a busy machine: a tenth of what everybody else gets.
const IN_TIME: u8 = 10;

/// Namespaces of a child, the most first. A service that systemd confines may make some kinds only;
/// there it has its own IPC already, and the name of the host is no secret.
const NAMESPACES: [&[&str]; 2] = [&["--unshare-all"], &["--unshare-user", "--unshare-pid", "--unshare-net"]];

impl Sandbox {
    /// Tries once whether bubblewrap works here.
    #[must_use]
    pub fn detect() -> Self {
        let works = |namespaces: &&[&str]| {
            let mut probe = Command::new("bwrap");
            probe.args(*namespaces).args(bubblewrap_view()).args(["--", "/usr/bin/true"]).env_clear();
            probe.stdin(Stdio::null()).output().is_ok_and(|o| o.status.success())
        };
        match NAMESPACES.into_iter().find(works) {
            Some(namespaces) => Self { confinement: Confinement::Bubblewrap, namespaces, niceness: 10 },
            None => Self::with(super::within::detect()),
        }
    }

    /// The same with a chosen confinement (tests, configuration).
    #[must_use]
    pub fn with(confinement: Confinement) -> Self {
        Self { confinement, namespaces: NAMESPACES[0], niceness: 10 }
    }

    /// The same, with helper programs that stand back that far for everything else (0 to 19).
    #[must_use]
    pub fn with_niceness(self, niceness: u8) -> Self {
        Self { niceness: niceness.min(19), ..self }
    }

    /// How helper programs are confined.
    #[must_use]
    pub fn confinement(&self) -> Confinement {
        self.confinement
    }

    /// Prepares a run of `program` (a plain name, found in `/usr/bin`).
    #[must_use]
    pub fn job(&self, program: &'static str, limits: &Limits, time: Duration) -> SandboxJob {
        SandboxJob {
            program,
            confinement: self.confinement,
            namespaces: self.namespaces,
            niceness: self.niceness,
            memory: limits.memory_mib << 20,
            file_bytes: limits.file_mib << 20,
            time,
            binds: vec![],
            args: vec![],
            own: None,
            leisure: false,
        }
    }

    /// Prepares a run of this program of ours, which encodes and starts its decoder itself. It holds many frames at
    /// once, so it may have more memory than helper programs.
    ///
    /// # Errors
    /// If it is not there.
    pub fn encoder_job(
        &self,
        file: &Path,
        limits: &Limits,
        time: Duration,
    ) -> Result<SandboxJob, SandboxError> {
        let mut job = self.job("kinora", limits, time);
        job.own = Some(job.bind(false, file, "/in/kinora".into())?);
        job.memory = job.memory.saturating_mul(ENCODER_MEMORY);
        Ok(job)
    }
}

/// One run that is being prepared.
#[derive(Debug)]
pub struct SandboxJob {
    program: &'static str,
    confinement: Confinement,
    namespaces: &'static [&'static str],
    niceness: u8,
    memory: u64,
    file_bytes: u64,
    time: Duration,
    binds: Vec<(bool, PathBuf, String)>,
    args: Vec<String>,
    /// Where it is seen, if it is no program of the system.
    own: Option<String>,
    leisure: bool,
}

impl SandboxJob {
    /// Lets everybody else go first: it stands back as far as is wished, and the time in which it was kept waiting is
    /// not its own.
    pub fn at_leisure(&mut self) {
        self.leisure = true;
    }

    /// Lets it read one file; gives the path under which it sees it (no name of a person's file).
    pub fn reads(&mut self, file: &Path) -> Result<String, SandboxError> {
        self.bind(false, file, format!("/in/{}", self.binds.len()))
    }

    /// Lets it write in one folder; gives the path under which it sees it.
    pub fn writes(&mut self, folder: &Path) -> Result<String, SandboxError> {
        self.bind(true, folder, format!("/out/{}", self.binds.len()))
    }

    fn bind(&mut self, writable: bool, host: &Path, inside: String) -> Result<String, SandboxError> {
        let host = host.canonicalize()?;
        let seen = match self.confinement {
            Confinement::Bubblewrap => inside.clone(),
            Confinement::Within { .. } | Confinement::LimitsOnly => host.to_string_lossy().into_owned(),
        };
        self.binds.push((writable, host, inside));
        Ok(seen)
    }

    /// Adds arguments.
    pub fn args<S: Into<String>>(&mut self, args: impl IntoIterator<Item = S>) -> &mut Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    fn command(&self) -> Command {
        let mut line: Vec<String> = vec![];
        if self.confinement == Confinement::Bubblewrap {
            line.push("bwrap".into());
            line.extend(self.namespaces.iter().map(ToString::to_string));
            line.extend(bubblewrap_view().iter().map(ToString::to_string));
            for (writable, host, inside) in &self.binds {
                line.push(if *writable { "--bind" } else { "--ro-bind" }.into());
                line.push(host.to_string_lossy().into_owned());
                line.push(inside.clone());
            }
            line.push("--".into());
        }
        let cpu_seconds = self.time.as_secs().saturating_mul(8).max(10);
        line.push("prlimit".into());
        line.push(format!("--as={}", self.memory));
        line.push(format!("--fsize={}", self.file_bytes));
        line.push(format!("--cpu={cpu_seconds}"));
        line.extend(["--nofile=512", "--core=0", "--"].map(String::from));
        let niceness = if self.leisure { self.niceness } else { self.niceness.min(IN_TIME) };
        line.extend(self.confinement.stand_back(niceness));
        line.push(self.own.clone().unwrap_or_else(|| self.program.into()));
        line.extend(self.args.iter().cloned());
        // By its whole path: looked up in another PATH than ours, it would be started with a fork of all our memory
        // (std spawns without one only what it need not look up).
        let mut command = Command::new(Path::new("/usr/bin").join(&line[0]));
        command
            .args(&line[1..])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LC_ALL", "C.UTF-8")
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        command
    }

    /// Starts it for a caller that reads its standard output as bytes.
    ///
    /// # Errors
    /// [`SandboxError::Missing`] or an I/O error.
    pub fn start(&self, cancel: &Cancel) -> Result<Running, SandboxError> {
        let installed = self.own.is_some() || Path::new("/usr/bin").join(self.program).exists();
        if !installed {
            return Err(SandboxError::Missing { program: self.program.into() });
        }
        let mut child = match self.confinement {
            Confinement::Within { files, network } => {
                let of = |writable: bool| {
                    let bound = self.binds.iter().filter(move |bind| bind.0 == writable);
                    bound.map(|bind| bind.1.clone()).collect()
                };
                let reach = Reach { reads: of(false), writes: of(true) };
                super::within::spawn(self.command(), reach, (files, network))?
            }
            Confinement::Bubblewrap | Confinement::LimitsOnly => self.command().spawn()?,
        };
        let stdout = child.stdout.take();
        let stderr = child.stderr.take();
        let hidden: Vec<String> =
            self.binds.iter().map(|(_, host, _)| host.to_string_lossy().into_owned()).collect();
        let said = cancel.said().clone();
        said.begin(self.program, hidden.clone());
        let tail = std::thread::spawn(move || {
            stderr.map(|s| read_tail(s, 8192, |bytes| said.hear(bytes))).unwrap_or_default()
        });
        let time = Time::begins(self.time, self.leisure);
        let reaped = Arc::new(Mutex::new(false));
        super::signs::watch(child.id(), Arc::clone(&reaped), cancel.clone(), time.clone());
        Ok(Running {
            child,
            reaped,
            stdout,
            tail: Some(tail),
            hidden,
            time,
            cancel: cancel.clone(),
            ended: false,
        })
    }

    /// Runs it to its end and hands every line of its standard output to `on_line`.
    ///
    /// # Errors
    /// As [`SandboxError`] says; the whole process group is dead when this returns.
    pub fn run(&self, cancel: &Cancel, mut on_line: impl FnMut(&str)) -> Result<(), SandboxError> {
        let mut running = self.start(cancel)?;
        let Some(stdout) = running.stdout.take() else { return running.finish() };
        let (lines, received) = channel::<String>();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let Ok(line) = line else { break };
                if lines.send(line).is_err() {
                    break;
                }
            }
        });
        let outcome = loop {
            match received.recv_timeout(Duration::from_millis(100)) {
                Ok(line) => {
                    cancel.said().report(&line);
                    on_line(&line);
                }
                Err(RecvTimeoutError::Disconnected) => break running.finish(),
                Err(RecvTimeoutError::Timeout) => {
                    if let Err(e) = running.check() {
                        break Err(e);
                    }
                }
            }
        };
        drop(running);
        drop(received);
        let _ = reader.join();
        outcome
    }
}

/// A helper program at work; dropping it kills its process group.
#[derive(Debug)]
pub struct Running {
    child: Child,
    reaped: Arc<Mutex<bool>>,
    stdout: Option<ChildStdout>,
    tail: Option<std::thread::JoinHandle<String>>,
    hidden: Vec<String>,
    time: Time,
    cancel: Cancel,
    ended: bool,
}

impl Running {
    /// Its standard output, once.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.stdout.take()
    }

    /// Whether it may go on.
    ///
    /// # Errors
    /// [`SandboxError::TimedOut`] or [`SandboxError::Cancelled`], after which it is dead.
    pub fn check(&mut self) -> Result<(), SandboxError> {
        let error = if self.cancel.is_cancelled() {
            SandboxError::Cancelled
        } else if self.time.is_over() {
            SandboxError::TimedOut
        } else {
            return Ok(());
        };
        self.kill();
        Err(error)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it fails, runs out of time, or somebody asked to stop.
    pub fn finish(&mut self) -> Result<(), SandboxError> {
        let status = loop {
            if let Some(status) = self.reap()? {
                break status;
            }
            self.check()?;
            std::thread::sleep(Duration::from_millis(5));
        };
        self.ended = true;
        let tail = self.tail.take().and_then(|t| t.join().ok()).unwrap_or_default();
        let how = match status.code() {
            Some(0) => "ended well".to_owned(),
            Some(code) => format!("ended with status {code}"),
            None => "was ended".to_owned(),
        };
        self.cancel.said().end(&how);
        if status.success() {
            return Ok(());
        }
        // Somebody may have ended it for us while we read from it.
        if self.cancel.is_cancelled() {
            return Err(SandboxError::Cancelled);
        }
        if self.time.is_over() {
            return Err(SandboxError::TimedOut);
        }
        Err(SandboxError::Exit { code: status.code(), message: without_paths(&tail, &self.hidden) })
    }

    /// Its status once it has ended; from then on its number may be another process's.
    fn reap(&mut self) -> std::io::Result<Option<std::process::ExitStatus>> {
        let mut reaped = self.reaped.lock().unwrap_or_else(PoisonError::into_inner);
        let status = self.child.try_wait()?;
        *reaped |= status.is_some();
        Ok(status)
    }

    fn kill(&mut self) {
        if self.ended {
            return;
        }
        self.cancel.said().end("was stopped");
        super::signs::end_group(self.child.id());
        let mut reaped = self.reaped.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.child.wait();
        *reaped = true;
        self.ended = true;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

fn read_tail(mut from: impl Read, most: usize, heard: impl Fn(&[u8])) -> String {
    let mut kept: Vec<u8> = vec![];
    let mut buffer = [0_u8; 4096];
    while let Ok(n) = from.read(&mut buffer) {
        if n == 0 {
            break;
        }
        heard(&buffer[..n]);
        kept.extend_from_slice(&buffer[..n]);
        if kept.len() > 2 * most {
            kept.drain(..kept.len() - most);
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// The last telling lines of an error output, short, and without paths of this machine or addresses
/// in memory.
fn without_paths(tail: &str, hidden: &[String]) -> String {
    let lines = plain(tail, hidden);
    let from = lines.len().saturating_sub(3);
    // Of a picture that is too large that comes first, and what follows from it after it.
    let size = lines[..from].iter().find(|line| line.contains("Picture size"));
    size.into_iter()
        .chain(&lines[from..])
        .map(AsRef::as_ref)
        .collect::<Vec<&str>>()
        .join("; ")
        .chars()
        .take(300)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn runs_are_confined_and_end_in_time() {
        let sandbox = Sandbox::detect();
        let limits = Limits::default();
        let mut lines = vec![];
        let mut job = sandbox.job("sh", &limits, Duration::from_secs(5));
        job.args(["-c", "env; ls /home 2>&1; cat /proc/net/dev | grep -c eth"]);
        let _ = job.run(&Cancel::default(), |l| lines.push(l.to_owned()));
        assert!(lines.iter().all(|l| !l.starts_with("HOME=") && !l.starts_with("CARGO")), "{lines:?}");
        if sandbox.confinement() == Confinement::Bubblewrap {
            assert_eq!(lines.last().map(String::as_str), Some("0"), "no network device: {lines:?}");
            // Also with the few namespaces that a confined service may make.
            let few = Sandbox { namespaces: NAMESPACES[1], ..sandbox.clone() };
            let mut job = few.job("sh", &limits, Duration::from_secs(5));
            job.args(["-c", "ls /home 2>&1; cat /proc/net/dev | grep -c eth"]);
            let mut lines = vec![];
            let _ = job.run(&Cancel::default(), |l| lines.push(l.to_owned()));
            assert_eq!(lines.last().map(String::as_str), Some("0"), "{lines:?}");
            assert!(lines.iter().any(|l| l.contains("No such file")), "no home folders: {lines:?}");
        }
        for confinement in [sandbox.confinement(), Confinement::LimitsOnly] {
            let mut job = Sandbox::with(confinement).job("sh", &limits, Duration::from_millis(300));
            // A grandchild that outlives its parent must die too.
            job.args(["-c", "sleep 60 & sleep 60"]);
            let begin = Instant::now();
            assert!(matches!(job.run(&Cancel::default(), |_| {}), Err(SandboxError::TimedOut)));
            // Far from the sixty seconds that its children wanted, also on a busy machine.
            assert!(begin.elapsed() < Duration::from_secs(30));
        }
    }

    #[test]
    fn a_missing_program_and_a_failing_one_are_named() {
        let sandbox = Sandbox::with(Confinement::LimitsOnly);
        let job = sandbox.job("kinora-no-such-program", &Limits::default(), Duration::from_secs(5));
        assert!(matches!(job.run(&Cancel::default(), |_| {}), Err(SandboxError::Missing { .. })));
        let mut job = sandbox.job("sh", &Limits::default(), Duration::from_secs(5));
        job.args(["-c", "echo '[mov @ 0x55] /in/0: moov atom not found' >&2; exit 3"]);
        match job.run(&Cancel::default(), |_| {}) {
            Err(SandboxError::Exit { code: Some(3), message }) => {
                assert_eq!(message, "file moov atom not found")
            }
            other => panic!("{other:?}"),
        }
    }
}
