//! Sends what went wrong to a server that speaks Sentry's protocol. One thread with a bounded queue: whoever reports
//! never waits, and what does not fit, or finds nobody at the other end, is lost; the log has it.

use super::https::Https;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use sentry::protocol::{Event, Exception, Frame, Level, Stacktrace, Value};
use sentry::types::Dsn;
use sentry::{Client, ClientOptions, Envelope, Transport};
use std::backtrace::Backtrace;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant, SystemTime};

/// Reports that wait at most.
const WAITING: usize = 64;
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// For how long nothing is sent after the server did not take something: it is away, or has had enough.
const HUSH: Duration = Duration::from_secs(10);
/// Most characters of a text, and most frames of a stack.
const LONGEST: usize = 2000;
const FRAMES: usize = 60;
/// Fields of the log by which reports can be looked for.
const TAGS: [&str; 8] = ["request", "route", "actor", "job", "workflow", "projection", "aggregate", "kind"];

/// Something that went wrong.
#[derive(Debug)]
pub struct Report {
    /// Which part of the program says so.
    pub part: String,
    /// What it says; of a panic, its message.
    pub message: String,
    /// What it says beside that, by name.
    pub fields: Vec<(String, String)>,
    /// Where it was, if it is a panic.
    pub panic: Option<Panic>,
    /// When.
    pub at: SystemTime,
}

/// Where a panic was.
#[derive(Debug)]
pub struct Panic {
    /// File and line.
    pub place: Option<(String, u32)>,
    /// The thread's stack, not yet looked up: that takes a while, and whoever panicked may hold others up.
    pub stack: Backtrace,
}

enum Work {
    Report(Box<Report>),
    Done(SyncSender<()>),
}

/// Takes reports. Dropping it ends nothing: what waits is still sent while the process lives.
#[derive(Debug)]
pub struct Reports {
    queue: SyncSender<Work>,
}

/// The address to which reports go, if it can be used: https, or plain http on this machine where `plain` allows it.
///
/// # Errors
/// In words that name `setting`.
pub fn address(setting: &str, dsn: &str, plain: bool) -> Result<Dsn, String> {
    let words = "must be a DSN such as https://KEY@sentry.example.org/1";
    let dsn: Dsn = dsn.parse().map_err(|_| format!("{setting} {words}"))?;
    super::https::service(setting, dsn.envelope_api_url().as_str(), plain)?;
    Ok(dsn)
}

impl Reports {
    /// Begins to take reports for `dsn`; `environment` is the kind of the instance.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn start(dsn: Dsn, environment: &'static str) -> Result<Self, std::io::Error> {
        let (queue, waiting) = sync_channel(WAITING);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let post = Arc::new(Post {
            url: dsn.envelope_api_url().to_string(),
            auth: dsn.to_auth(Some(concat!("kinora/", env!("CARGO_PKG_VERSION")))).to_string(),
            https: Https::default(),
            runtime,
            hush: std::sync::Mutex::new(None),
        });
        let mut options = ClientOptions::new();
        options.dsn = Some(dsn);
        options.release = Some(concat!("kinora@", env!("CARGO_PKG_VERSION")).into());
        options.environment = Some(environment.into());
        // Nothing of the machine, nobody's address: what stands in a report is what is put there below.
        options.default_integrations = false;
        options.server_name = None;
        options.send_default_pii = false;
        options.transport = Some(Arc::new(post));
        std::thread::Builder::new()
            .name("error reports".into())
            .spawn(move || run(&Client::with_options(options), &waiting))?;
        Ok(Self { queue })
    }

    /// Takes a report, if there is room.
    pub fn take(&self, report: Report) {
        let _ = self.queue.try_send(Work::Report(Box::new(report)));
    }

    /// Waits until what was taken is sent, at most for `patience`.
    pub fn flush(&self, patience: Duration) {
        let until = Instant::now() + patience;
        let (tell, told) = sync_channel(1);
        let mut work = Work::Done(tell);
        while let Err(TrySendError::Full(back)) = self.queue.try_send(work) {
            if Instant::now() > until {
                return;
            }
            work = back;
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = told.recv_timeout(until.saturating_duration_since(Instant::now()));
    }
}

fn run(client: &Client, waiting: &Receiver<Work>) {
    while let Ok(work) = waiting.recv() {
        match work {
            Work::Report(report) => {
                client.capture_event(event(*report), None);
            }
            Work::Done(tell) => {
                let _ = tell.try_send(());
            }
        }
    }
}

/// The way to the server, by the same TLS as everything else.
struct Post {
    url: String,
    auth: String,
    https: Https,
    runtime: tokio::runtime::Runtime,
    hush: std::sync::Mutex<Option<Instant>>,
}

impl Transport for Post {
    fn send_envelope(&self, envelope: Envelope) {
        let mut hush = self.hush.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if hush.is_some_and(|since| since.elapsed() < HUSH) {
            return;
        }
        let mut body = vec![];
        if envelope.to_writer(&mut body).is_err() {
            return;
        }
        let request = Request::post(&self.url)
            .header("content-type", "application/x-sentry-envelope")
            .header("x-sentry-auth", &self.auth)
            .body(Full::new(Bytes::from(body)));
        let Ok(request) = request else { return };
        let trouble = match self.runtime.block_on(self.https.send(request, PATIENCE)) {
            Ok((200..300, _)) => None,
            Ok((status, _)) => Some(format!("status {status}")),
            Err(error) => Some(error.to_string()),
        };
        if let Some(trouble) = &trouble {
            // A warning: errors are what is reported.
            tracing::warn!(trouble, "an error could not be reported; the next are tried after a pause");
        }
        *hush = trouble.map(|_| Instant::now());
    }
}

fn event(report: Report) -> Event<'static> {
    let message = plain(&report.message);
    let mut event = Event { level: Level::Error, logger: Some(report.part.clone()), ..Event::default() };
    event.timestamp = report.at;
    for (name, value) in report.fields {
        let value = plain(&value);
        if TAGS.contains(&name.as_str()) {
            // By the name it has in error pages and in the standard.
            let name = if name == "request" { "request_id".to_owned() } else { name };
            event.tags.insert(name, value.chars().take(200).collect());
        } else {
            event.extra.insert(name, Value::String(value));
        }
    }
    let Some(panic) = report.panic else {
        // The words of the log are the same each time; what changes stands beside them.
        event.fingerprint = vec![report.part.into(), message.clone().into()].into();
        event.message = Some(message);
        return event;
    };
    event.level = Level::Fatal;
    let mut frames = frames(&panic.stack.to_string());
    if frames.is_empty() {
        let at = panic.place.clone().map(|(file, line)| Frame {
            filename: Some(file),
            lineno: Some(line.into()),
            ..Frame::default()
        });
        frames.extend(at);
    }
    if let Some((file, line)) = panic.place {
        event.extra.insert("place".into(), Value::String(format!("{file}:{line}")));
    }
    let stacktrace = Stacktrace { frames, ..Stacktrace::default() };
    let exception = Exception {
        ty: "panic".into(),
        value: Some(message),
        stacktrace: Some(stacktrace),
        ..Exception::default()
    };
    event.exception = vec![exception].into();
    event
}

/// The frames of a stack as the standard library writes it, the outermost first; without those of the panic itself.
fn frames(stack: &str) -> Vec<Frame> {
    let mut frames: Vec<Frame> = vec![];
    for line in stack.lines() {
        let line = line.trim();
        if let Some(place) = line.strip_prefix("at ") {
            let mut parts = place.rsplitn(3, ':');
            let (_, line, file) = (parts.next(), parts.next(), parts.next());
            if let (Some(frame), Some(line), Some(file)) = (frames.last_mut(), line, file) {
                frame.filename = Some(file.to_owned());
                frame.lineno = line.parse().ok();
            }
        } else if let Some((_, name)) = line.split_once(": ") {
            let ours = name.trim_start_matches('<').starts_with("kinora::");
            frames.push(Frame { function: Some(name.to_owned()), in_app: Some(ours), ..Frame::default() });
        }
    }
    let of_panic = |f: &Frame| {
        let name = f.function.as_deref().unwrap_or_default();
        // What catches a panic (a thread, a task) lies further out, under what led to it.
        let catches = ["catch_unwind", "panicking::try"].iter().any(|part| name.contains(part));
        !catches && ["panicking::", "rust_begin_unwind"].iter().any(|part| name.contains(part))
    };
    let begin = frames.iter().take(40).rposition(of_panic).map_or(0, |at| at + 1);
    let mut frames: Vec<Frame> = frames.into_iter().skip(begin).take(FRAMES).collect();
    frames.reverse();
    frames
}

/// The text without what may be an address of somebody. Nothing personal is written into the log, but of what a
/// dependency says in a panic nobody knows.
fn plain(text: &str) -> String {
    let short: String = text.chars().take(LONGEST).collect();
    if !short.contains('@') {
        return short;
    }
    short.split_inclusive(char::is_whitespace).map(|w| if w.contains('@') { "… " } else { w }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(fields: &[(&str, &str)], panic: Option<Panic>) -> Event<'static> {
        event(Report {
            part: "kinora::http".into(),
            message: "a request of ada@example.org failed".into(),
            fields: fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            panic,
            at: SystemTime::UNIX_EPOCH,
        })
    }

    #[test]
    fn reports_have_tags_and_no_addresses() {
        let event = report(&[("request", "r-1"), ("cause", "no room for <ada@example.org> here")], None);
        let text = serde_json::to_string(&event).unwrap();
        // The id of the report is of random hexadecimal digits.
        assert!(
            !text.contains("ada@")
                && !text.contains("example.org")
                && !text.contains("server_name")
                && !text.contains("\"user\""),
            "{text}"
        );
        assert_eq!(event.tags.get("request_id").map(String::as_str), Some("r-1"));
        assert_eq!(event.extra["cause"], "no room for … here");
        assert_eq!(event.message.as_deref(), Some("a request of … failed"));
    }

    #[test]
    fn a_panic_has_its_place_and_the_way_to_it() {
        let stack = "   0: std::panicking::begin_panic\n             at /rustc/x/panicking.rs:1:2\n   \
            1: core::panicking::panic_fmt\n   2: kinora::actors::bus::run\n             at ./src/actors/bus.rs:7:9\n   \
            3: std::panicking::catch_unwind\n   4: std::thread::spawn\n";
        let found = frames(stack);
        let names: Vec<&str> = found.iter().filter_map(|f| f.function.as_deref()).collect();
        assert_eq!(names, ["std::thread::spawn", "std::panicking::catch_unwind", "kinora::actors::bus::run"]);
        assert_eq!((found[2].filename.as_deref(), found[2].lineno), (Some("./src/actors/bus.rs"), Some(7)));
        assert_eq!((found[2].in_app, found[0].in_app), (Some(true), Some(false)));
        let place = Some(("src/x.rs".to_owned(), 3));
        let event = report(&[], Some(Panic { place, stack: Backtrace::disabled() }));
        assert_eq!(event.exception[0].ty, "panic");
        assert_eq!(event.exception[0].stacktrace.as_ref().unwrap().frames[0].lineno, Some(3));
    }

    #[test]
    fn a_report_never_waits_for_a_server_that_is_away() {
        let dsn = address("sentry_dsn", "http://key@127.0.0.1:9/1", true).unwrap();
        let reports = Reports::start(dsn, "demo").unwrap();
        for n in 0..4 * WAITING {
            reports.take(Report {
                part: "x".into(),
                message: n.to_string(),
                fields: vec![],
                panic: None,
                at: SystemTime::now(),
            });
        }
        reports.flush(Duration::from_secs(30));
    }

    #[test]
    fn an_address_that_cannot_work_is_refused() {
        for good in ["https://abc@o1.ingest.sentry.io/42", "https://abc@errors.example.org/sub/7"] {
            assert!(address("s", good, false).is_ok(), "{good}");
        }
        assert!(address("s", "http://abc@127.0.0.1:8000/1", true).is_ok());
        for bad in [
            "",
            "nonsense",
            "https://errors.example.org/1",
            "https://abc@errors.example.org/",
            "http://abc@errors.example.org/1",
            "ftp://abc@errors.example.org/1",
        ] {
            assert!(address("s", bad, true).is_err_and(|e| e.starts_with('s')), "{bad}");
        }
        assert!(address("s", "http://abc@127.0.0.1:8000/1", false).is_err(), "plain http in production");
    }
}
