//! Logs: lines for people on a terminal, JSON elsewhere. No personal data is logged anywhere. Where a DSN is set,
//! errors and panics are reported there too.

use crate::adapters::sentry::{self, Panic, Report, Reports};
use crate::config::{Config, Mode};
use std::backtrace::Backtrace;
use std::fmt::Debug;
use std::io::IsTerminal;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Where errors are reported; nowhere until [`report_to`] has been called.
static REPORTS: OnceLock<Reports> = OnceLock::new();
/// How long the end of the process waits for reports.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// Sets logging up; `KINORA_LOG` (as in `kinora=debug`) overrides what `verbose` asks for.
pub fn init(verbose: u8) {
    let usual = match verbose {
        0 => "warn,kinora=info",
        1 => "info,kinora=debug",
        _ => "debug,kinora=trace",
    };
    let filter = EnvFilter::try_from_env("KINORA_LOG").unwrap_or_else(|_| EnvFilter::new(usual));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second call (in tests) changes nothing.
    let _ = if std::io::stderr().is_terminal() {
        builder.compact().finish().with(Reporting).try_init()
    } else {
        builder.json().finish().with(Reporting).try_init()
    };
}

/// Reports errors and panics from now on, if the settings name a DSN. Only the first call counts.
pub fn report_to(config: &Config) {
    let Some(dsn) = config.sentry_dsn() else { return };
    if REPORTS.get().is_some() {
        return;
    }
    let mode = match config.mode {
        Mode::Production => "production",
        Mode::Development => "development",
        Mode::Demo => "demo",
    };
    // Settings that cannot work are refused before; whatever happens here must not keep the studio from starting.
    let begun = sentry::address("sentry_dsn", dsn, !config.is_production())
        .and_then(|dsn| Reports::start(dsn, mode).map_err(|e| e.to_string()));
    match begun {
        Ok(reports) => {
            if REPORTS.set(reports).is_ok() {
                report_panics();
            }
        }
        Err(error) => tracing::warn!(error, "errors cannot be reported"),
    }
}

/// Waits a moment for reports that are on their way, at the end of the process.
pub fn finish() {
    if let Some(reports) = REPORTS.get() {
        reports.flush(LAST_WAIT);
    }
}

fn report_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        before(info);
        let said = info.payload();
        let message = said
            .downcast_ref::<&str>()
            .map(|s| (*s).to_owned())
            .or_else(|| said.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a panic without words".into());
        let place = info.location().map(|at| (at.file().to_owned(), at.line()));
        if let Some(reports) = REPORTS.get() {
            reports.take(Report {
                part: "panic".into(),
                message,
                fields: vec![],
                panic: Some(Panic { place, stack: Backtrace::force_capture() }),
                at: SystemTime::now(),
            });
        }
    }));
}

/// Takes the errors among what is logged.
struct Reporting;

impl<S: Subscriber> Layer<S> for Reporting {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() != Level::ERROR {
            return;
        }
        let Some(reports) = REPORTS.get() else { return };
        let mut fields = Fields::default();
        event.record(&mut fields);
        reports.take(Report {
            part: event.metadata().target().to_owned(),
            message: fields.message,
            fields: fields.others,
            panic: None,
            at: SystemTime::now(),
        });
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(String, String)>,
}

impl Fields {
    fn add(&mut self, field: &Field, value: String) {
        if field.name() == "message" {
            self.message = value;
        } else {
            self.others.push((field.name().to_owned(), value));
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, format!("{value:?}"));
    }
}
