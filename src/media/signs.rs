//! Signs of life of helper programs: processor time that a process and all below it have used.

use super::sandbox::Cancel;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often a helper program is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// Who has used less than this part of a processor in its time was kept waiting by others, and gets more of it.
const WAITING: f64 = 0.25;
/// At most so many times the time.
const PATIENCE: u32 = 10;

/// How long a helper program may run.
#[derive(Clone, Debug)]
pub(super) struct Time {
    begun: Instant,
    allowed: Duration,
    /// Whether it lets everybody else go first; then the time in which it was kept waiting is not its own.
    leisure: bool,
    over: Arc<AtomicBool>,
}

impl Time {
    pub fn begins(allowed: Duration, leisure: bool) -> Self {
        Self { begun: Instant::now(), allowed, leisure, over: Arc::default() }
    }

    /// Whether the program was ended because of it.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn ends(&self, used: impl FnOnce() -> Option<u64>) -> bool {
        let spent = self.begun.elapsed();
        if spent < self.allowed {
            return false;
        }
        // Ticks of a hundredth of a second (`USER_HZ`).
        let waiting = || used().is_some_and(|t| (t as f64) < WAITING * 100.0 * self.allowed.as_secs_f64());
        !self.leisure || spent >= self.allowed.saturating_mul(PATIENCE) || !waiting()
    }
}

/// Watches a helper program from a thread of its own, because its reader may wait for it for ever: tells when it
/// moves, and ends its group when somebody wishes or its time is over. `reaped` says that it is gone.
pub(super) fn watch(child: u32, reaped: Arc<Mutex<bool>>, cancel: Cancel, time: Time) {
    std::thread::spawn(move || {
        let mut used = None;
        for round in 0_u64.. {
            std::thread::sleep(LOOK);
            // Held while it is ended, so that its number is not another process's by then.
            let reaped = reaped.lock().unwrap_or_else(PoisonError::into_inner);
            if *reaped {
                return;
            }
            let over = time.ends(|| processor_time(child));
            if over || cancel.is_cancelled() {
                time.over.store(over, Ordering::Relaxed);
                end_group(child);
                return;
            }
            drop(reaped);
            if round % 4 == 0 {
                let now = processor_time(child);
                if now != used {
                    cancel.beat();
                }
                used = now;
            }
        }
    });
}

/// Ends a process group at once.
pub(super) fn end_group(leader: u32) {
    if let Ok(id) = i32::try_from(leader) {
        let _ = nix::sys::signal::killpg(nix::unistd::Pid::from_raw(id), nix::sys::signal::Signal::SIGKILL);
    }
}

/// One process: its parent, and the clock ticks that it used.
fn read(stat: &str) -> Option<(u32, u64)> {
    // The name in brackets may hold anything, blanks and brackets too.
    let rest = stat.get(stat.rfind(')')? + 2..)?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |i: usize| fields.get(i).and_then(|f| f.parse::<u64>().ok());
    // Own time and that of ended children, in the program and in the kernel for it: fields 14 to 17 of proc(5).
    let used = (11..15).map(|i| number(i).unwrap_or(0)).sum();
    Some((u32::try_from(number(1)?).ok()?, used))
}

/// Clock ticks that the process `root` and all below it have used so far; `None` if that cannot be read here.
#[must_use]
pub fn processor_time(root: u32) -> Option<u64> {
    let mut all: HashMap<u32, (u32, u64)> = HashMap::new();
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|n| n.parse::<u32>().ok()) else { continue };
        // A process that has just ended is no longer there.
        if let Some(found) = fs::read_to_string(entry.path().join("stat")).ok().as_deref().and_then(read) {
            all.insert(id, found);
        }
    }
    all.contains_key(&root).then_some(())?;
    let mut below = HashSet::from([root]);
    loop {
        let more: Vec<u32> = all
            .iter()
            .filter(|(id, (parent, _))| below.contains(parent) && !below.contains(*id))
            .map(|(id, _)| *id)
            .collect();
        if more.is_empty() {
            break;
        }
        below.extend(more);
    }
    Some(below.iter().filter_map(|id| all.get(id)).map(|(_, used)| used).sum())
}

/// Clock ticks that one thread of this process has used; `None` if it has ended or cannot be read.
#[must_use]
pub fn thread_time(thread: u32) -> Option<u64> {
    read(&fs::read_to_string(format!("/proc/self/task/{thread}/stat")).ok()?).map(|(_, used)| used)
}

/// The number of the calling thread, for [`thread_time`].
#[must_use]
pub fn this_thread() -> Option<u32> {
    fs::read_link("/proc/thread-self").ok()?.file_name()?.to_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_proc_is_read_whatever_the_name() {
        let line = "77 (a) b (c)) S 42 77 77 0 -1 4194560 100 0 0 0 5 6 7 8 20 0 1 0 1000 1 1";
        assert_eq!(read(line), Some((42, 26)));
        assert_eq!(read("nonsense"), None);
    }

    #[test]
    fn work_is_seen_in_this_thread_and_below_this_process() {
        let thread = this_thread().unwrap();
        let before = thread_time(thread).unwrap();
        let mut sum = 0_u64;
        while thread_time(thread).unwrap() == before {
            for n in 0..1_000_000_u64 {
                sum = std::hint::black_box(sum.wrapping_add(n));
            }
        }
        assert_eq!(thread_time(u32::MAX), None);
        let mut child =
            std::process::Command::new("/bin/sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        let begin = processor_time(child.id()).unwrap();
        while processor_time(child.id()).unwrap() == begin {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(processor_time(child.id()), None);
    }

    #[test]
    fn who_is_kept_waiting_gets_more_time_and_who_is_busy_does_not() {
        let time = |leisure| Time {
            begun: Instant::now().checked_sub(Duration::from_secs(30)).unwrap(),
            ..Time::begins(Duration::from_secs(20), leisure)
        };
        // A quarter of a processor for twenty seconds: five hundred hundredths.
        assert!(!time(true).ends(|| Some(499)));
        assert!(time(true).ends(|| Some(500)));
        assert!(time(true).ends(|| None), "nothing is known of it");
        assert!(time(false).ends(|| Some(0)), "who has a share of its own");
        let long = Instant::now().checked_sub(Duration::from_secs(200)).unwrap();
        assert!(Time { begun: long, ..time(true) }.ends(|| Some(0)), "not for ever");
        assert!(!Time::begins(Duration::from_secs(20), true).ends(|| Some(9000)), "before its time is over");
    }
}
