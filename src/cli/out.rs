//! What commands print. The standard macros panic when nobody reads any more (`| head`) or the disk is full; here the
//! first failure is kept, the command goes on to its end in quiet, and its exit status tells it.

use super::CliError;
use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;

static FAILED: OnceLock<io::Error> = OnceLock::new();

/// Prints a line on standard output.
macro_rules! say {
    () => { crate::cli::out::put(format_args!("\n")) };
    ($($part:tt)*) => { crate::cli::out::put(format_args!("{}\n", format_args!($($part)*))) };
}

/// Writes to standard output, unless that failed before.
pub(super) fn put(text: fmt::Arguments<'_>) {
    if !failed() {
        keep(io::stdout().lock().write_fmt(text));
    }
}

fn keep(written: io::Result<()>) {
    if let Err(error) = written {
        let _ = FAILED.set(error);
    }
}

/// Whether something could not be written: who prints for ever stops then.
pub(super) fn failed() -> bool {
    FAILED.get().is_some()
}

/// What became of everything that was printed.
///
/// # Errors
/// [`CliError::Silent`] if nobody reads any more, and a sentence for everything else.
pub(super) fn written() -> Result<(), CliError> {
    if !failed() {
        keep(io::stdout().lock().flush());
    }
    match FAILED.get() {
        None => Ok(()),
        Some(error) => Err(in_words(error)),
    }
}

/// A failure to write to standard output.
pub(super) fn in_words(error: &io::Error) -> CliError {
    match error.kind() {
        ErrorKind::BrokenPipe => CliError::Silent,
        _ => CliError::Failed(format!("what was to be printed could not be written: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reads_no_more_is_left_in_peace_and_everything_else_is_said() {
        assert!(matches!(in_words(&ErrorKind::BrokenPipe.into()), CliError::Silent));
        let CliError::Failed(words) = in_words(&ErrorKind::StorageFull.into()) else { panic!("silent") };
        assert!(words.contains("could not be written"), "{words}");
    }
}
