//! Older forms of events are brought to the present form when they are read; the log itself is
//! never rewritten.

use super::RecordedEvent;
use std::borrow::Cow;

/// Brings `event` to the newest version of its form.
///
/// Every event that was ever written is of version 1 so far: there is nothing to lift. A new version
/// adds an arm here; the golden file of the old one under `tests/it/golden/` stays and must go on to be read.
#[must_use]
pub fn upcast(event: &RecordedEvent) -> Cow<'_, RecordedEvent> {
    Cow::Borrowed(event)
}
