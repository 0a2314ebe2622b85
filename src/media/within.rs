//! Confinement from within, for hosts where bubblewrap may make no namespaces: Landlock for files, seccomp for
//! everything that leads to a network or to other processes.
//!
//! Both hold for the thread that asks for them and for all that it starts. So a thread of its own gives its rights
//! away, starts the helper program, and ends; the rest of Kinora keeps its rights.

use super::sandbox::Confinement;
use landlock::{
    ABI, Access, AccessFs, AccessNet, RestrictionStatus, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use nix::libc;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// The newest form of Landlock that is asked for; older kernels give as much of it as they have.
const FORM: ABI = ABI::V6;
/// What programs need beside their input: themselves, their libraries, and fonts.
const READ: [&str; 10] = [
    "/usr",
    "/bin",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/libreoffice",
    "/sys/devices/system/cpu",
    "/dev/urandom",
];
/// System calls that a program which turns one file into another never needs.
const REFUSED: [i64; 12] = [
    libc::SYS_socket,
    libc::SYS_io_uring_setup,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_bpf,
    libc::SYS_userfaultfd,
    libc::SYS_perf_event_open,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_unshare,
    libc::SYS_setns,
];
/// The same calls by their other numbers on x86-64 (x32).
const OTHER_NUMBERS: i64 = 0x4000_0000;

/// What a helper program may reach.
#[derive(Clone, Debug, Default)]
pub(super) struct Reach {
    /// Files it reads.
    pub reads: Vec<PathBuf>,
    /// Folders it writes in.
    pub writes: Vec<PathBuf>,
}

/// What holds here when nothing else does.
pub(super) fn detect() -> Confinement {
    let tried = std::thread::spawn(|| {
        let files = restrict_files(&Reach::default()).is_ok_and(|status| enforced(&status));
        let network = filter().and_then(|filter| refuse(&filter)).is_ok();
        let mut program = Command::new("/usr/bin/true");
        let works = program.env_clear().stdin(Stdio::null()).status().is_ok_and(|status| status.success());
        if works { (files, network) } else { (false, false) }
    });
    match tried.join() {
        Ok((false, false)) | Err(_) => Confinement::LimitsOnly,
        Ok((files, network)) => Confinement::Within { files, network },
    }
}

fn enforced(status: &RestrictionStatus) -> bool {
    status.ruleset != RulesetStatus::NotEnforced
}

/// Starts a program from a thread that has given its rights away.
pub(super) fn spawn(mut command: Command, reach: Reach, (files, network): (bool, bool)) -> io::Result<Child> {
    let confined = std::thread::Builder::new().name("confined".into()).spawn(move || {
        if files && !restrict_files(&reach).is_ok_and(|status| enforced(&status)) {
            return Err(io::Error::other("Landlock does not hold any more"));
        }
        if network {
            refuse(&filter()?)?;
        }
        command.spawn()
    })?;
    confined.join().map_err(|_| io::Error::other("the confined thread panicked"))?
}

fn restrict_files(reach: &Reach) -> Result<RestrictionStatus, RulesetError> {
    let read = AccessFs::from_read(FORM);
    let all = AccessFs::from_all(FORM);
    Ruleset::default()
        .handle_access(all)?
        .handle_access(AccessNet::from_all(FORM))?
        .scope(Scope::from_all(FORM))?
        .create()?
        .add_rules(path_beneath_rules(READ.iter().filter(|path| std::path::Path::new(path).exists()), read))?
        .add_rules(path_beneath_rules(["/dev/null"], all))?
        .add_rules(path_beneath_rules(&reach.reads, read))?
        .add_rules(path_beneath_rules(&reach.writes, all))?
        .restrict_self()
}

fn filter() -> io::Result<BpfProgram> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(io::Error::other)?;
    let rules: BTreeMap<i64, Vec<seccompiler::SeccompRule>> =
        REFUSED.into_iter().flat_map(|call| [(call, vec![]), (call | OTHER_NUMBERS, vec![])]).collect();
    let refuse = SeccompAction::Errno(libc::EACCES.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch).map_err(io::Error::other)?;
    filter.try_into().map_err(io::Error::other)
}

fn refuse(filter: &BpfProgram) -> io::Result<()> {
    seccompiler::apply_filter(filter).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::super::Limits;
    use super::super::sandbox::{Cancel, Sandbox, SandboxError};
    use super::*;
    use crate::media::testing::clip;
    use std::net::TcpListener;
    use std::time::Duration;

    /// A sandbox without bubblewrap, if this host has what it needs.
    fn within() -> Option<Sandbox> {
        match detect() {
            both @ Confinement::Within { files: true, network: true } => Some(Sandbox::with(both)),
            other => {
                eprintln!("not tried: this host has {other:?}");
                None
            }
        }
    }

    #[test]
    fn a_helper_sees_its_input_and_its_folder_and_nothing_else() {
        let Some(sandbox) = within() else { return };
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "a secret").unwrap();
        let input = folder.path().join("input");
        std::fs::write(&input, "an input").unwrap();
        let out = folder.path().join("out");
        std::fs::create_dir(&out).unwrap();
        let mut job = sandbox.job("sh", &Limits::default(), Duration::from_secs(20));
        let (seen, wrote) = (job.reads(&input).unwrap(), job.writes(&out).unwrap());
        let script = format!(
            "cat {seen}; echo; cat {0}; ls {1}; echo x > {0}; echo made > {wrote}/made; cat /etc/passwd; true",
            secret.display(),
            folder.path().display()
        );
        job.args(["-c", &script]);
        let mut lines = vec![];
        job.run(&Cancel::default(), |line| lines.push(line.to_owned())).unwrap();
        assert_eq!(lines, ["an input"]);
        assert_eq!(std::fs::read_to_string(out.join("made")).unwrap(), "made\n");
        assert_eq!(std::fs::read_to_string(&secret).unwrap(), "a secret");
        // This process keeps its rights.
        assert!(std::fs::read("/etc/passwd").is_ok() && TcpListener::bind("127.0.0.1:0").is_ok());
    }

    #[test]
    fn a_helper_reaches_no_network() {
        let Some(sandbox) = within() else { return };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        for scheme in ["http", "tcp", "udp"] {
            let mut job = sandbox.job("ffprobe", &Limits::default(), Duration::from_secs(20));
            job.args(["-v".to_owned(), "error".into(), format!("{scheme}://127.0.0.1:{port}/a")]);
            let ended = job.run(&Cancel::default(), |_| {});
            assert!(matches!(ended, Err(SandboxError::Exit { code: Some(_), .. })), "{scheme}: {ended:?}");
        }
        let error = listener.accept().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock, "nobody came");
    }

    #[test]
    fn a_helper_reaches_no_other_program_of_this_machine() {
        let Some(sandbox) = within() else { return };
        let folder = tempfile::tempdir().unwrap();
        let door = folder.path().join("door");
        let listener = std::os::unix::net::UnixListener::bind(&door).unwrap();
        listener.set_nonblocking(true).unwrap();
        // Not even where it may write.
        let mut job = sandbox.job("ffprobe", &Limits::default(), Duration::from_secs(20));
        job.writes(folder.path()).unwrap();
        job.args(["-v".to_owned(), "error".into(), format!("unix://{}", door.display())]);
        let ended = job.run(&Cancel::default(), |_| {});
        match ended {
            Err(SandboxError::Exit { code: Some(_), message }) => {
                assert!(message.contains("Permission denied"), "{message}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock, "nobody came");
    }

    #[test]
    fn films_are_still_made() {
        let Some(sandbox) = within() else { return };
        let folder = tempfile::tempdir().unwrap();
        let film = clip(folder.path(), "film.mp4", 1.0, "64x36", "10");
        let out = folder.path().join("out");
        std::fs::create_dir(&out).unwrap();
        let mut job = sandbox.job("ffmpeg", &Limits::default(), Duration::from_secs(60));
        let (input, to) = (job.reads(&film).unwrap(), job.writes(&out).unwrap());
        job.args(["-v", "error", "-nostdin", "-y", "-i", &input, "-c:v", "libx264", "-c:a", "libopus"]);
        job.args([format!("{to}/made.mp4")]);
        job.run(&Cancel::default(), |_| {}).unwrap();
        assert!(out.join("made.mp4").exists());
    }
}
