//! What helper programs say while they are at work, for operators: the end of it, a few KiB, without paths of this
//! machine and without addresses in memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Most bytes that are kept for operators.
pub const MOST: usize = 4096;
/// Most letters of one line.
const LINE: usize = 240;
/// Programs of the same step that are remembered by one line each.
const BEFORE: usize = 20;

/// What the helper programs of one piece of work said; shared by those who hear and those who show it.
#[derive(Clone, Debug, Default)]
pub struct Said(Arc<Mutex<Heard>>);

#[derive(Debug, Default)]
struct Heard {
    /// Programs that have ended, one line each.
    before: VecDeque<String>,
    now: Option<Child>,
    changes: u64,
}

#[derive(Debug)]
struct Child {
    program: &'static str,
    begun: Instant,
    /// Paths that are not shown.
    hidden: Vec<String>,
    /// The end of its error output, as it came.
    raw: Vec<u8>,
    progress: Progress,
}

impl Said {
    fn with<T>(&self, act: impl FnOnce(&mut Heard) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, act: impl FnOnce(&mut Child)) {
        self.with(|heard| {
            if let Some(child) = &mut heard.now {
                act(child);
                heard.changes += 1;
            }
        });
    }

    /// A program begins.
    pub(super) fn begin(&self, program: &'static str, hidden: Vec<String>) {
        self.with(|heard| {
            let (raw, progress) = (vec![], Progress::default());
            heard.now = Some(Child { program, begun: Instant::now(), hidden, raw, progress });
            heard.changes += 1;
        });
    }

    /// It writes to its error output.
    pub(super) fn hear(&self, bytes: &[u8]) {
        self.change(|child| {
            child.raw.extend_from_slice(bytes);
            let over = child.raw.len().saturating_sub(MOST);
            child.raw.drain(..over);
        });
    }

    /// It writes a line to its standard output, which counts if it is one of ffmpeg's reports.
    pub(super) fn report(&self, line: &str) {
        // The lock is taken for lines that may be part of a report only.
        if line.len() < 64 && line.contains('=') {
            self.change(|child| child.progress.hear(line));
        }
    }

    /// It has ended, in these words.
    pub(super) fn end(&self, how: &str) {
        self.with(|heard| {
            let Some(child) = heard.now.take() else { return };
            let took = child.begun.elapsed().as_secs();
            for line in child.lines().chain([format!("{} {how} after {took} s", child.program)]) {
                heard.before.push_back(line);
            }
            let over = heard.before.len().saturating_sub(BEFORE);
            heard.before.drain(..over);
            heard.changes += 1;
        });
    }

    /// A number that grows whenever there is more to read.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.with(|heard| heard.changes)
    }

    /// The end of it all, at most [`MOST`] bytes; `None` if no program has begun.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let mut lines: Vec<String> = self.with(|heard| {
            let now = heard
                .now
                .iter()
                .flat_map(|child| [format!("{} is at work", child.program)].into_iter().chain(child.lines()));
            heard.before.iter().cloned().chain(now).collect()
        });
        let mut room = MOST;
        let kept = lines.iter().rev().take_while(|line| {
            let fits = line.len() < room;
            room = room.saturating_sub(line.len() + 1);
            fits
        });
        let from = lines.len() - kept.count();
        let text = lines.split_off(from).join("\n");
        (!text.is_empty()).then_some(text)
    }
}

impl Child {
    /// What it said, and how far it is.
    fn lines(&self) -> impl Iterator<Item = String> {
        let said = plain(&String::from_utf8_lossy(&self.raw), &self.hidden);
        said.into_iter().chain(self.progress.words())
    }
}

/// Lines that tell something, without paths and addresses in memory.
pub(super) fn plain(text: &str, hidden: &[String]) -> Vec<String> {
    let mut text = text.to_owned();
    for path in hidden {
        text = text.replace(path.as_str(), "file");
    }
    text.split(['\n', '\r'])
        // ffmpeg names the part of it that speaks, with its address.
        .map(|line| {
            line.split_once("] ").filter(|(part, _)| part.starts_with('[')).map_or(line, |(_, rest)| rest)
        })
        .map(|line| {
            line.split(' ')
                .map(|word| if is_path(word) { "file" } else { word })
                .collect::<Vec<_>>()
                .join(" ")
        })
        .map(|line| line.chars().filter(|c| !c.is_control()).take(LINE).collect::<String>().trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

/// Whether a word names a place on this machine, also behind a scheme, a quotation mark or a bracket.
fn is_path(word: &str) -> bool {
    let begin = word.find('/');
    begin.is_some_and(|at| word.len() > at + 1 && !word[..at].ends_with(|c: char| c.is_ascii_alphanumeric()))
}

/// The last report that ffmpeg gave with `-progress`.
#[derive(Debug, Default)]
struct Progress {
    frame: String,
    rate: String,
    time: String,
    speed: String,
}

impl Progress {
    fn hear(&mut self, line: &str) {
        let Some((key, value)) = line.split_once('=') else { return };
        let field = match key {
            "frame" => &mut self.frame,
            "fps" => &mut self.rate,
            "out_time" => &mut self.time,
            "speed" => &mut self.speed,
            _ => return,
        };
        let value = value.trim();
        // Numbers, times and factors only.
        let known = value.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b':' | b'x' | b'-'));
        field.clear();
        if known {
            field.push_str(value);
        }
    }

    fn words(&self) -> Option<String> {
        let told = [
            ("frame ", &self.frame, ""),
            ("", &self.rate, " frames/s"),
            ("at ", &self.time, ""),
            ("speed ", &self.speed, ""),
        ];
        let told = told.into_iter().filter(|(_, value, _)| !value.is_empty());
        let words: Vec<String> =
            told.map(|(before, value, after)| format!("{before}{value}{after}")).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_see_the_end_of_it_without_paths_and_addresses() {
        let said = Said::default();
        assert_eq!((said.text(), said.changes()), (None, 0));
        said.begin("ffmpeg", vec!["/srv/kinora/media/originals/ab/cd".into()]);
        said.hear(
            b"[mov,mp4 @ 0x55d0] moov atom not found\n/srv/kinora/media/originals/ab/cd: Invalid data\n",
        );
        said.hear(b"Cannot open 'file:/var/lib/kinora/x' nor \"/etc/passwd\" of 3/4\x07\n\n");
        for line in ["frame=240", "fps=56.5", "out_time=00:00:10.000000", "speed=1.9x", "progress=continue"] {
            said.report(line);
        }
        said.report("frame=/etc/passwd");
        let text = said.text().unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[..3], ["ffmpeg is at work", "moov atom not found", "file: Invalid data"]);
        assert_eq!(lines[3], "Cannot open file nor file of 3/4");
        assert_eq!(lines[4], "56.5 frames/s, at 00:00:10.000000, speed 1.9x");
        said.end("ended with status 1");
        assert!(said.text().unwrap().ends_with("ffmpeg ended with status 1 after 0 s"));
    }

    #[test]
    fn it_is_never_more_than_a_few_kilobytes() {
        let said = Said::default();
        for n in 0..50 {
            said.begin("pdftoppm", vec![]);
            said.hear("é".repeat(5000).as_bytes());
            said.hear(format!("\nprogram {n}\n").as_bytes());
            assert!(said.text().unwrap().len() <= MOST, "{n}");
            said.end("ended well");
        }
        let text = said.text().unwrap();
        assert!(text.len() <= MOST && text.contains("program 49") && !text.contains("program 1\n"), "{text}");
        let before = said.changes();
        said.hear(b"nobody is at work");
        assert_eq!(said.changes(), before);
    }
}
