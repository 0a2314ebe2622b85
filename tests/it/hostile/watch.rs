//! What must not happen while hostile files are worked on.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// A file that nothing may read and a port that nothing may call.
pub struct Canary {
    /// The file.
    pub file: PathBuf,
    /// The address of the port.
    pub url: String,
    words: String,
    calls: Arc<AtomicU64>,
}

impl Canary {
    pub fn listening(room: &Path) -> Self {
        let words = format!("canary-{}", uuid::Uuid::new_v4().simple());
        let file = room.join("secret.txt");
        std::fs::write(&file, &words).expect("written");
        let port = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", port.local_addr().expect("its address"));
        let calls = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&calls);
        std::thread::spawn(move || {
            for mut stream in port.incoming().flatten() {
                count.fetch_add(1, Ordering::Relaxed);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
            }
        });
        Self { file, url, words, calls }
    }

    pub fn connections(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    pub fn is_in(&self, bytes: &[u8]) -> bool {
        memchr::memmem::find(bytes, self.words.as_bytes()).is_some()
    }
}

/// Watches the helper programs that work on files of one data folder.
pub struct Helpers {
    data: String,
    stop: Arc<AtomicBool>,
    most: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

/// Processes that name the folder on their command lines, and all below them.
fn of(data: &str) -> Vec<(u32, u64)> {
    let processes: Vec<(u32, u32, u64, bool)> = std::fs::read_dir("/proc")
        .expect("/proc")
        .flatten()
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let status = std::fs::read_to_string(entry.path().join("status")).ok()?;
            let number = |name: &str| -> Option<u64> {
                status.lines().find_map(|l| l.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
            };
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let names = memchr::memmem::find(&line, data.as_bytes()).is_some();
            let parent = u32::try_from(number("PPid:")?).ok()?;
            Some((pid, parent, number("VmRSS:").unwrap_or(0) << 10, names))
        })
        .collect();
    let mut ours: BTreeSet<u32> =
        processes.iter().filter(|p| p.3 && p.0 != std::process::id()).map(|p| p.0).collect();
    loop {
        let more: Vec<u32> =
            processes.iter().filter(|p| ours.contains(&p.1) && !ours.contains(&p.0)).map(|p| p.0).collect();
        if more.is_empty() {
            break;
        }
        ours.extend(more);
    }
    processes.iter().filter(|p| ours.contains(&p.0)).map(|p| (p.0, p.2)).collect()
}

impl Helpers {
    pub fn below(data: &Path) -> Self {
        let data = data.display().to_string();
        let (stop, most) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (folder, end, peak) = (data.clone(), Arc::clone(&stop), Arc::clone(&most));
        let thread = std::thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                for (_, bytes) in of(&folder) {
                    peak.fetch_max(bytes, Ordering::Relaxed);
                }
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        Self { data, stop, most, thread }
    }

    /// The most memory that one of them took, in bytes, and those that are still there.
    pub fn end(self) -> (u64, Vec<u32>) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the watch");
        (self.most.load(Ordering::Relaxed), of(&self.data).into_iter().map(|p| p.0).collect())
    }
}
