//! The log as this process's writer left it.
//!
//! As long as the head row still stands where the writer left it, nobody else wrote anything at all, so
//! what the writer knows of the streams it wrote is the truth and need not be looked up.

use std::collections::HashMap;

/// The end of the log.
#[derive(Clone, Debug)]
pub(super) struct Tail {
    /// Position of the last event.
    pub position: i64,
    /// Its hash.
    pub hash: Vec<u8>,
}

/// The end of the log, and versions of streams that were written since nobody else wrote.
#[derive(Debug)]
pub(super) struct Left {
    /// The end.
    pub tail: Tail,
    versions: Versions,
}

/// Streams of one generation: with two of them at most about a megabyte is held.
const KEPT: usize = 4096;

/// The streams written last: when the young are too many they become the old, and the old are forgotten.
#[derive(Debug, Default)]
struct Versions {
    young: HashMap<String, i64>,
    old: HashMap<String, i64>,
}

impl Left {
    /// The log ends here; nothing is known of its streams.
    pub fn at(tail: Tail) -> Self {
        Self { tail, versions: Versions::default() }
    }

    /// The same knowledge with another end: only this process wrote in between.
    pub fn now_at(self, tail: Tail) -> Self {
        Self { tail, ..self }
    }

    /// The version of a stream, if it is known.
    pub fn version(&self, stream: &str) -> Option<i64> {
        self.versions.young.get(stream).or_else(|| self.versions.old.get(stream)).copied()
    }

    /// A stream was written up to `version`.
    pub fn wrote(&mut self, stream: &str, version: i64) {
        let Versions { young, old } = &mut self.versions;
        if let Some(known) = young.get_mut(stream) {
            *known = version;
            return;
        }
        if young.len() >= KEPT {
            *old = std::mem::take(young);
        }
        young.insert(stream.to_owned(), version);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_streams_written_last_are_known_and_the_others_are_forgotten() {
        let mut left = Left::at(Tail { position: 0, hash: vec![0; 32] });
        left.wrote("a", 1);
        left.wrote("a", 2);
        assert_eq!(left.version("a"), Some(2));
        for i in 0..KEPT {
            left.wrote(&format!("b{i}"), 1);
        }
        assert_eq!(left.version("a"), Some(2), "one generation back it is still known");
        left.wrote("a", 3);
        for i in 0..KEPT {
            left.wrote(&format!("c{i}"), 1);
        }
        assert_eq!((left.version("a"), left.version("b0")), (Some(3), None));
        assert!(left.versions.young.len() <= KEPT && left.versions.old.len() <= KEPT);
    }
}
