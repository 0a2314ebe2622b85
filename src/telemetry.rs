//! Logs: lines for people on a terminal, JSON elsewhere. No personal data is logged anywhere.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

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
        builder.compact().try_init()
    } else {
        builder.json().try_init()
    };
}
