//! How helper programs are kept apart from everything else.

use super::sandbox::Sandbox;
use std::path::Path;

/// How helper programs are confined on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confinement {
    /// Own namespaces by bubblewrap, and limits.
    Bubblewrap,
    /// Rights given away before the program starts, and limits.
    Within {
        /// Landlock: no files but those named.
        files: bool,
        /// seccomp: no sockets.
        network: bool,
    },
    /// Limits and the empty environment only.
    LimitsOnly,
}

impl Confinement {
    /// What it means, as a sentence for operators.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Bubblewrap => "bubblewrap: no network, a file view of their own, limits",
            Self::Within { files: true, network: true } => {
                "Landlock and seccomp: no network, no files but their own, limits (bubblewrap does not work here)"
            }
            Self::Within { files: true, network: false } => {
                "Landlock: no files but their own, no TCP, limits (neither bubblewrap nor seccomp works here)"
            }
            Self::Within { .. } => {
                "seccomp: no network, limits; they could read files of the service (neither bubblewrap nor Landlock works here)"
            }
            Self::LimitsOnly => {
                "limits only: they could read files of the service and reach its network (neither bubblewrap nor Landlock nor seccomp works here)"
            }
        }
    }

    /// Whether files and network are both closed to helper programs.
    #[must_use]
    pub fn is_whole(self) -> bool {
        matches!(self, Self::Bubblewrap | Self::Within { files: true, network: true })
    }

    /// The words in front of a program that let it stand back that far for everything else. At the furthest it takes
    /// only what nobody else wants (`SCHED_IDLE`), so that whoever wakes up need not wait for its turn to end.
    ///
    /// Where Linux groups what runs by session (`sched_autogroup`), niceness counts within a group only. bubblewrap
    /// begins a session, which would get as much of a processor as the whole of Kinora: so the group is made to stand
    /// back too. Where there are no such groups that line does nothing; the others stay in the group of Kinora.
    /// What a service unit does not allow is left.
    pub(super) fn stand_back(self, niceness: u8) -> Vec<String> {
        // The kernel takes ten such wishes a second from all of the machine: who is refused asks again meanwhile.
        const GROUP: &str = concat!(
            r#"back() { echo "$1" >/proc/self/autogroup; }; "#,
            r#"[ -w /proc/self/autogroup ] && { back "$0" 2>/dev/null || "#,
            r#"(for i in 1 2 3 4 5 6 7 8 9; do sleep 0.15; back "$0" && break; done) </dev/null >/dev/null 2>&1 & }; "#
        );
        const FURTHEST: &str = "chrt --idle 0 true 2>/dev/null && exec chrt --idle 0 \"$@\"; ";
        const NICE: &str = r#"exec nice -n "$0" "$@""#;
        let group = if self == Self::Bubblewrap { GROUP } else { "" };
        let furthest = if niceness >= 19 { FURTHEST } else { "" };
        ["sh".into(), "-c".into(), [group, furthest, NICE].concat(), niceness.to_string()].into()
    }

    /// What holds on this machine for this process; tried once.
    #[must_use]
    pub fn here() -> Self {
        static HERE: std::sync::OnceLock<Confinement> = std::sync::OnceLock::new();
        *HERE.get_or_init(|| Sandbox::detect().confinement())
    }
}

/// The file view inside bubblewrap: programs and libraries read-only, nothing of a person.
pub(super) fn bubblewrap_view() -> Vec<&'static str> {
    let mut view = vec![
        "--die-with-parent",
        "--new-session",
        "--cap-drop",
        "ALL",
        "--uid",
        "65534",
        "--gid",
        "65534",
        "--ro-bind",
        "/usr",
        "/usr",
        "--symlink",
        "usr/bin",
        "/bin",
        "--symlink",
        "usr/lib",
        "/lib",
        "--ro-bind-try",
        "/etc/ld.so.cache",
        "/etc/ld.so.cache",
        "--ro-bind-try",
        "/etc/alternatives",
        "/etc/alternatives",
        "--ro-bind-try",
        "/etc/fonts",
        "/etc/fonts",
        "--ro-bind-try",
        "/etc/libreoffice",
        "/etc/libreoffice",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--tmpfs",
        "/tmp",
        "--dir",
        "/in",
        "--dir",
        "/out",
        "--chdir",
        "/tmp",
    ];
    if Path::new("/lib64").exists() {
        view.extend(["--symlink", "usr/lib64", "/lib64"]);
    }
    view
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Limits;
    use crate::media::sandbox::Cancel;
    use std::time::Duration;

    #[test]
    fn helpers_stand_back_and_so_does_their_session() {
        let sandbox = Sandbox::detect().with_niceness(7);
        let mut job = sandbox.job("sh", &Limits::default(), Duration::from_secs(60));
        job.args(["-c", "nice; sleep 1; cat /proc/self/autogroup 2>/dev/null; echo $0 $1", "a  b", "'c'"]);
        let mut said = vec![];
        job.run(&Cancel::default(), |line| said.push(line.to_owned())).unwrap();
        assert_eq!(said.first().map(String::as_str), Some("7"), "{said:?}");
        assert_eq!(said.last().map(String::as_str), Some("a b 'c'"), "arguments arrive whole: {said:?}");
        // The kernel takes ten such wishes a second; who is refused asks again, some times.
        if sandbox.confinement() == Confinement::Bubblewrap && said.len() == 3 {
            let group = &said[1];
            assert!(group.ends_with("nice 7") || group.ends_with("nice 0"), "{said:?}");
        }
    }

    #[test]
    fn who_is_waited_for_keeps_a_share_and_who_is_not_takes_what_nobody_else_wants() {
        for confinement in [Sandbox::detect().confinement(), Confinement::LimitsOnly] {
            let sandbox = Sandbox::with(confinement).with_niceness(19);
            let ask = |program, word: &[&str], leisure: bool| {
                let mut job = sandbox.job(program, &Limits::default(), Duration::from_secs(60));
                if leisure {
                    job.at_leisure();
                }
                job.args(word.iter().copied());
                let mut said = vec![];
                job.run(&Cancel::default(), |line| said.push(line.to_owned())).unwrap();
                said[0].clone()
            };
            assert!(ask("chrt", &["--pid", "0"], true).ends_with("SCHED_IDLE"), "{confinement:?}");
            assert!(ask("chrt", &["--pid", "0"], false).ends_with("SCHED_OTHER"), "{confinement:?}");
            assert_eq!(ask("nice", &[], false), "10", "{confinement:?}");
        }
    }
}
